"""One check of one pipeline as a test calls it: the outcome becomes one of pytest's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .case import Case
from .causes_told import causes_of
from .choice import Choice
from .outcome import CheckResult
from .report import Report
from .running import run_check
from .warned import warn

__all__ = ["BoundCheck"]


@dataclass(frozen=True)
class BoundCheck:
    """One check of one pipeline, to be called by a test.

    Raise AssertionError where the check fails, and pytest's own outcomes where it does not apply or was expected to
    fail.

    Attributes:
        case: what is verified.
        name: of the check.
        choice: the checks that are bound beside it, what is expected of them, and their levels.
        again: the command that runs it again; a line of Python unless given.
        record: is given the outcome.
        place: the file and the line that a warning is shown at; that of the caller unless given.
    """

    case: Case
    name: str
    choice: Choice = field(default_factory=Choice)
    again: str | None = None
    record: Callable[[CheckResult], object] | None = None
    place: tuple[str, int] | None = None

    def __repr__(self) -> str:
        return f"{self.case.name}-{self.name}" if self.case.name else self.name

    @property
    def outcome(self) -> CheckResult | None:
        """What it gave when it was last called."""
        return self.case.results.get(self.name)

    def __call__(self) -> None:
        __tracebackhide__ = True
        import pytest

        if self.name in self.choice.left_out:
            pytest.skip("off in denorm_checks")
        result = self._run()
        if self.record is not None:
            self.record(result)
        if result.status == "not applicable":
            pytest.skip(result.message)
        if result.status == "expected failure":
            pytest.xfail(result.message)
        if result.status == "warned":
            said = f"{self.case.name}: {result.message}" if self.case.name else result.message
            warn(said, stacklevel=2, place=self.place)
        if not result.ok:
            report = Report.of(self.case, [result])
            raise report.carried_by(AssertionError(self._failure(report, result)))

    def _run(self) -> CheckResult:
        result = run_check(self.case, self.name, self.choice)
        refused_by = self.case.refused_by
        if result.status == "not applicable" and refused_by and refused_by not in self.choice.run:
            result = CheckResult(self.name, "failed", str(self.case.search[1]))  # no other check says so
        self.case.results.pop(self.name, None)  # of a run before this one
        self.case.results[self.name] = result
        return result

    def _failure(self, report: Report, result: CheckResult) -> str:
        """What failed; in one line where a check before it failed for the same reason."""
        before = [one for one in self.case.results.values() if not one.ok and one is not result]
        for cause in causes_of([*before, result], report.diagnosis):
            if self.name in cause.names[1:]:
                return f"same cause as {cause.names[0]}: {cause.line.partition(': ')[0]}"
        return report.failure_text(self.again)
