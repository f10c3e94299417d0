"""Running the checks: which of them, in which order, and what their outcomes are called."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeVar

from ..core.units import check_output_max
from ..errors import CheckNameError, DenormError, PipelineError
from ..pipelines.probing import one_thread
from ..pipelines.randomness import states_kept
from .case import Case
from .outcome import CheckFailure, CheckResult, NotApplicable
from .report import Report
from .table import CHECKS

__all__ = ["BoundCheck", "check", "chosen_checks", "parametrize_with_checks", "run_check"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def check(
    pipeline: Any,
    *,
    inverse: Any = None,
    images: Any = None,
    select: Iterable[str] | None = None,
    skip: Iterable[str] | None = None,
    expected_failures: Mapping[str, str] | Iterable[str] | None = None,
    name: str = "",
    output_max: float | None = None,
) -> Report:
    """Run the battery on a pipeline and, if given, on the project's own inverse.

    Args:
        pipeline: anything that :func:`~pytest_denorm.find_normalize` understands, a Normalization, or the name of a
            preset.
        inverse: the project's own inverse; see :func:`~pytest_denorm.assert_round_trip`. The derived one without it.
        images: pictures as they enter Normalize. The built-in ones without them.
        select: names of the checks to run; all without it.
        skip: names of the checks to leave out.
        expected_failures: names of checks that are known to fail, with the reason of each if it is a mapping. One that
            passes is reported as a failure.
        name: what the report calls the pipeline.
        output_max: the value of white in the floats that `inverse` gives; see :func:`~pytest_denorm.assert_round_trip`.

    Returns:
        The report. ``report.ok``, ``report.failures``; ``report.raise_for_failures()``; ``str(report)``.

    Raises:
        CheckNameError: a name in `select`, `skip` or `expected_failures` that is no check's.
        ImageError, ImageTypeError: `images`, `inverse` or `output_max` cannot be worked with.
    """
    wanted, left_out, expected = chosen_checks(select, skip, expected_failures)
    case = Case(pipeline, inverse, images, name, output_max)
    if case.search[0] is not None:
        case.prepare()  # images that cannot be worked with are the caller's mistake, and no check's outcome
    results = [
        CheckResult(one, "skipped", "left out as asked") if one in left_out else run_check(case, one, expected.get(one))
        for one in wanted
    ]
    return Report.of(case, results)


def chosen_checks(
    select: Iterable[str] | None = None,
    skip: Iterable[str] | None = None,
    expected_failures: Mapping[str, str] | Iterable[str] | None = None,
) -> tuple[list[str], set[str], dict[str, str]]:
    """The checks to report on, in the order of the battery, those among them to leave out, and those expected to fail.

    Raises:
        CheckNameError: a name that is no check's.
    """
    expected = (
        dict(expected_failures)
        if isinstance(expected_failures, Mapping)
        else dict.fromkeys(_names(expected_failures, "expected_failures"), "")
    )
    selected, left_out = _names(select, "select"), _names(skip, "skip")
    for argument, names in (("select", selected), ("skip", left_out), ("expected_failures", expected)):
        for one in names:
            if one not in CHECKS:
                near = difflib.get_close_matches(str(one), CHECKS, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise CheckNameError(
                    f"{argument} names {one!r}, which is no check.{hint} There are: {', '.join(CHECKS)}."
                )
    wanted = [one for one in CHECKS if select is None or one in selected]
    return wanted, set(left_out), expected


def _names(names: Iterable[str] | None, argument: str) -> list[str]:
    if names is None:
        return []
    if isinstance(names, str) or not isinstance(names, Iterable):
        example = names if isinstance(names, str) else "round_trip"
        raise CheckNameError(f"{argument} is {names!r}: expected a list of names of checks, such as [{example!r}].")
    return list(names)


def _shown(thing: Any) -> str:
    text = repr(thing)
    return text if len(text) <= 60 and "\n" not in text else f"a {type(thing).__module__}.{type(thing).__qualname__}"


def run_check(case: Case, name: str, expected: str | None = None) -> CheckResult:
    """One check's outcome. `expected` is the reason for which it is known to fail, or None."""
    try:
        with one_thread(), states_kept():
            shown = CHECKS[name](case)
    except NotApplicable as reason:
        return CheckResult(name, "not applicable", str(reason))
    except CheckFailure as failure:
        status, message, details = "failed", str(failure), failure.details
    except DenormError as error:  # the user's code raised, or gave no picture
        status, message, details = "failed", str(error), {"error": type(error).__name__}
    else:
        if expected is not None:
            return CheckResult(
                name, "unexpectedly passed", f"was expected to fail{_because(expected)}; {shown.message}", shown.details
            )
        return CheckResult(name, "passed", shown.message, shown.details)
    if expected is not None:
        return CheckResult(name, "expected failure", f"{message}{_because(expected)}", details)
    return CheckResult(name, status, message, details)


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


@dataclass(frozen=True)
class BoundCheck:
    """One check of one pipeline, to be called by a test.

    It raises AssertionError where the check fails, and pytest's own outcomes where it does not apply or is expected to.
    """

    case: Case
    name: str
    expected: str | None = None
    again: str | None = None  # what runs it again; the call in Python unless given
    alone: bool = False  # no check beside it says whether a Normalize was found

    def __repr__(self) -> str:
        return f"{self.case.name}-{self.name}" if self.case.name else self.name

    @property
    def outcome(self) -> CheckResult | None:
        """What it gave when it was last called."""
        return self.case.results.get(self.name)

    def __call__(self) -> None:
        __tracebackhide__ = True
        import pytest

        result = run_check(self.case, self.name, self.expected)
        nothing = self.case.search[1]
        if self.alone and nothing is not None and result.status == "not applicable":
            result = CheckResult(self.name, "failed", str(nothing))
        self.case.results[self.name] = result
        if result.status == "not applicable":
            pytest.skip(result.message)
        if result.status == "expected failure":
            pytest.xfail(result.message)
        if not result.ok:
            report = Report.of(self.case, [result])
            raise report.carried_by(AssertionError(report.failure_text(self.again)))


def parametrize_with_checks(
    pipelines: Mapping[str, Any] | Iterable[Any],
    *,
    inverse: Any = None,
    images: Any = None,
    select: Iterable[str] | None = None,
    skip: Iterable[str] | None = None,
    expected_failures: Mapping[str, str] | Iterable[str] | None = None,
    output_max: float | None = None,
) -> Callable[[FunctionT], FunctionT]:
    """Decorate a test with one item for each pipeline and check.

    The test takes one argument, ``denorm_check``, and calls it::

        @parametrize_with_checks({"val": val_transform, "train": train_transform})
        def test_normalize(denorm_check):
            denorm_check()

    Args:
        pipelines: by name, or a list whose members are called by their position.
        inverse, images, select, skip, expected_failures, output_max: as for :func:`check`, the same for every
            pipeline. What is left out makes no item.

    Raises:
        CheckNameError: as :func:`check`; or no check is left.
        ImageError: `output_max` is no finite number above 0, or of no inverse.
        PipelineError: no pipeline, or something that holds none.
    """
    import pytest

    wanted, left_out, expected = chosen_checks(select, skip, expected_failures)
    check_output_max(output_max, inverse)
    several = isinstance(pipelines, (Mapping, Sequence, Set, Iterator)) and not isinstance(pipelines, str)
    if not several or callable(pipelines):  # a pipeline or a loader may be gone through, too
        raise PipelineError(f"pipelines is {_shown(pipelines)}: expected pipelines by name, or a list of them.")
    chosen = [one for one in wanted if one not in left_out]
    if not chosen:
        raise CheckNameError("no check is left of what select and skip say: expected at least one.")
    named = pipelines if isinstance(pipelines, Mapping) else {str(i): one for i, one in enumerate(pipelines)}
    if not named:
        raise PipelineError("there is no pipeline to check: expected at least one, by name or in a list.")
    bound = [
        BoundCheck(case, one, expected.get(one), alone="finds_normalize" not in chosen)
        for case in (Case(pipeline, inverse, images, str(name), output_max) for name, pipeline in named.items())
        for one in chosen
    ]
    return pytest.mark.parametrize("denorm_check", bound, ids=repr)
