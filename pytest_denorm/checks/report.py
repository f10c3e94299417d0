"""What the battery found, for people and for programs."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.text import count_of
from ..diagnosis.explain import Diagnosis, Finding, _jsonable
from ..errors import BaselineError, DenormError, ImageError
from ..pipelines.calls import describe_callable
from .assertion import carrying
from .case import Case
from .notebook import html_table
from .outcome import STATUSES, CheckResult, NotApplicable
from .round_trip import RoundTrip, round_trip

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Report"]

_MARKS = {
    "passed": "ok",
    "failed": "FAIL",
    "not applicable": "n/a",
    "skipped": "skip",
    "expected failure": "xfail",
    "unexpectedly passed": "XPASS",
}
_WIDTH = 80


@dataclass(frozen=True)
class Report:
    """What the battery found of one pipeline.

    Attributes:
        name: what the pipeline is called, if it was given a name.
        source: where its Normalize was found; "" where none was.
        statistics: mean, std and the scale of the pictures, in words.
        inverse: which inverse was verified.
        results: of every check, in the order of the battery.
        diagnosis: of the inverse, when something failed.
        output_max: the value of white in the floats that the inverse gives; None if it is that of the pictures.
    """

    name: str
    source: str
    statistics: str
    inverse: str
    results: tuple[CheckResult, ...]
    diagnosis: Diagnosis | None = None
    output_max: float | None = None
    _case: Case | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, case: Case, results: Sequence[CheckResult]) -> Report:
        located = case.search[0]
        failed = any(not result.ok for result in results)
        return cls(
            name=case.name,
            source=(located.normalization.source or "Normalization") if located else "",
            statistics=str(located.normalization) if located else "",
            inverse="derived" if case.is_derived else describe_callable(case.given_inverse),
            results=tuple(results),
            diagnosis=case.diagnosis if failed else None,
            output_max=case.output_max,
            _case=case if _can_be_run(case) else None,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_case": None}  # pipelines and inverses need not be picklable

    @property
    def ok(self) -> bool:
        """Nothing failed, and something was verified."""
        return all(result.ok for result in self.results) and any(result.status == "passed" for result in self.results)

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        return tuple(result for result in self.results if not result.ok)

    def count(self, status: str) -> int:
        """How many checks have this status."""
        return sum(result.status == status for result in self.results)

    def raise_for_failures(self) -> None:
        """
        Raises:
            AssertionError: with the whole report, if it is not ok.
        """
        __tracebackhide__ = True
        if not self.ok:
            raise self.carried_by(AssertionError(str(self)))

    def figure(self) -> Figure:
        """The round trip as one figure, whether it passed or not.

        A picture, what came back, the error of each pixel in levels, and for each channel recovered against original
        with the fitted line and the ideal one. It is not known to pyplot, and looks the same whatever the style.

        Raises:
            ImageError: there is no Normalize, or the report was read back from a file, and holds no pictures.
            InverseError: the inverse raises, or gives back something that is no picture.
        """
        from .round_trip_figure import round_trip_figure

        return round_trip_figure(*self._drawn())

    def save_figure(self, path: str | os.PathLike[str]) -> None:
        """Writes :meth:`figure` to a PNG file.

        Raises:
            ImageError, InverseError: as :meth:`figure`.
            BaselineError: the name does not end in ``.png``, or the file cannot be written.
        """
        from ..core.files import write_whole

        if Path(path).suffix.lower() != ".png":  # it may be a source, which would be lost
            raise BaselineError(f"the figure is to be written to {str(path)!r}: expected the name of a .png file.")
        write_whole(Path(path), self.png())

    def png(self) -> bytes:
        """:meth:`figure` as a PNG file.

        Raises:
            ImageError, InverseError: as :meth:`figure`.
        """
        from .round_trip_figure import png_of, round_trip_figure

        return png_of(round_trip_figure(*self._drawn()))

    def _drawn(self) -> tuple[Case, RoundTrip]:
        if self._case is None:
            why = "it was read back, and holds no pictures" if self.source else "no Normalize was found"
            raise ImageError(f"this report has no round trip to draw: {why}.")
        return self._case, round_trip(self._case)

    @property
    def can_be_drawn(self) -> bool:
        """The round trip is among what failed, and its pictures are at hand."""
        return self._case is not None and any(result.name == "round_trip" for result in self.failures)

    def carried_by(self, error: AssertionError) -> AssertionError:
        """Return `error`, with the round trip if that is among what failed."""
        if not self.can_be_drawn:
            return error
        try:
            return carrying(error, *self._drawn())
        except DenormError:
            return error  # the inverse raises; the check says so

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a table, and a figure where the round trip failed."""
        facts = [self.statistics, f"inverse: {self.inverse}"]
        if self.diagnosis is not None and self.diagnosis.kind != "exact":
            facts.append(f"diagnosis: {self.diagnosis}")
        try:
            png = self.png() if self.can_be_drawn else None
        except DenormError:
            png = None  # the inverse raises; the check says so
        rows = [(one.status, one.name, one.message) for one in self.results]
        return html_table(f"pytest-denorm: {self.title}", self.ok, facts, rows, self.summary(), png)

    def summary(self) -> str:
        """``19 checks: 17 run, 16 passed, 1 failed, 2 not applicable``"""
        run = len(self.results) - self.count("not applicable") - self.count("skipped")
        counts = [f"{self.count(status)} {status}" for status in STATUSES if self.count(status)]
        return f"{count_of(len(self.results), 'check')}: {run} run, {', '.join(counts)}"

    def __str__(self) -> str:
        lines = _wrapped(f"pytest-denorm: {self.title}", "", "  ")
        lines += [*_wrapped(self.statistics, "  "), *_wrapped(f"inverse: {self.inverse}", "  ")]
        for _, group in groupby(enumerate(self.results), _row_key):
            together = [one for _, one in group]
            lines += _row(together[0].status, together[0].message, [one.name for one in together])
        lines += self._diagnosis_lines()
        lines += _wrapped(self.summary(), "", "  ")
        if self.failures:
            lines += _wrapped(f"again: {self.reproduction()}", "", "  ")
        return "\n".join(lines)

    def failure_text(self, again: str | None = None) -> str:
        """What failed, and why: for the failure of a single test, which `again` runs again."""
        lines = [f"{self.title}", *_wrapped(self.statistics, "  "), *_wrapped(f"inverse: {self.inverse}", "  ")]
        for result in self.failures:
            lines += _wrapped(f"{_MARKS[result.status]} {result.name}: {result.message}", "  ", "    ")
        lines += self._diagnosis_lines()
        # a command for a shell is pasted whole
        last = [f"again: {again}"] if again else _wrapped(f"again: {self.reproduction()}", "", "  ")
        return "\n".join([*lines, *last])

    def reproduction(self) -> str:
        """The call that runs just what failed."""
        failed = [result.name for result in self.failures]
        inverse = "" if self.inverse == "derived" else ", inverse=inverse"
        if self.output_max is not None:
            inverse += f", output_max={self.output_max:g}"
        return f"print(pytest_denorm.check(pipeline{inverse}, select={failed}))"

    @property
    def title(self) -> str:
        """What the pipeline is called, and where its Normalize is."""
        return ": ".join(part for part in (self.name, self.source or "no Normalize") if part)

    def _diagnosis_lines(self) -> list[str]:
        if self.diagnosis is None or self.diagnosis.kind == "exact":
            return []
        return _wrapped(f"diagnosis: {self.diagnosis}", "", "  ")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; :meth:`from_dict` gives the report back."""
        return {
            "name": self.name,
            "source": self.source,
            "statistics": self.statistics,
            "inverse": self.inverse,
            "ok": self.ok,
            "results": [
                {
                    "name": one.name,
                    "status": one.status,
                    "message": one.message,
                    "details": _jsonable(dict(one.details)),
                }
                for one in self.results
            ],
            "diagnosis": self.diagnosis.to_dict() if self.diagnosis else None,
            "output_max": self.output_max,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Report:
        """The report that :meth:`to_dict` described."""
        diagnosis = plain["diagnosis"]
        if diagnosis is not None:
            found = dict(diagnosis)
            found["alternatives"] = tuple(Finding(**one) for one in found["alternatives"])
            for key in ("gain", "offset"):
                found[key] = tuple(found[key]) if found[key] is not None else None
            diagnosis = Diagnosis(**found)
        return cls(
            plain["name"],
            plain["source"],
            plain["statistics"],
            plain["inverse"],
            tuple(CheckResult(**one) for one in plain["results"]),
            diagnosis,
            plain.get("output_max"),
        )

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2)


def _can_be_run(case: Case) -> bool:
    """Whether images can be sent through the pipeline, so that there is something to draw."""
    try:
        case.prepare()
    except (DenormError, NotApplicable):
        return False
    return True


def _row_key(numbered: tuple[int, CheckResult]) -> tuple[Any, ...]:
    """Equal for results that share a row: what did not run, for one reason."""
    index, one = numbered
    return (one.status, one.message) if one.status in ("not applicable", "skipped") else (index,)


def _row(status: str, message: str, names: list[str]) -> list[str]:
    """A line a check, its message behind its name if there is room, else below it."""
    start = f"  {_MARKS[status]:<5} {names[0]:<26} "
    if len(names) == 1 and "\n" not in message and len(start) + len(message) <= _WIDTH:
        return [start + message]
    return [*_wrapped(f"{_MARKS[status]:<5} {', '.join(names)}", "  ", " " * 8), *_wrapped(message, " " * 8)]


def _wrapped(text: str, first: str, then: str | None = None) -> list[str]:
    """`text` in lines that fit a terminal, each of its own lines wrapped by itself."""
    then = first if then is None else then
    lines: list[str] = []
    for part in text.split("\n"):
        start = then if lines else first
        lines += textwrap.wrap(
            part, _WIDTH, initial_indent=start, subsequent_indent=then, break_long_words=False, break_on_hyphens=False
        )
    return lines
