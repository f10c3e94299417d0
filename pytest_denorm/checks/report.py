"""What the battery found, for people and for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.foreign import first_line
from ..core.text import count_of
from ..diagnosis.verdict import Diagnosis, Finding, jsonable
from ..errors import BaselineError, DatasetError, DenormError, ImageError
from ..pipelines.calls import describe_callable
from .again import python_line
from .assertion import carrying
from .case import Case
from .causes_told import Cause, causes_of
from .notebook import html_table
from .outcome import STATUSES, CheckResult, NotApplicable
from .report_text import failure_text, table_text
from .round_trip import RoundTrip, round_trip
from .warned import warn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Report"]

#: The outcomes of checks that had something to verify, and did.
_RAN = ("passed", "warned")


@dataclass(frozen=True)
class Report:
    """What the battery found of one pipeline.

    Attributes:
        name: what the pipeline is called, if it was given a name.
        source: where its Normalize was found; "" where none was.
        statistics: mean, std and the scale of the images, in words.
        inverse: which inverse was verified.
        results: of every check, in the order of the battery.
        diagnosis: of the inverse, when something failed.
        output_max: the value of white in the floats that the inverse gives; None if it is that of the images.
        notes: how the pipeline and its inverse were made and called, where that does not go without saying.
        again: a line of Python that runs what failed once more; "" where nothing did.
    """

    name: str
    source: str
    statistics: str
    inverse: str
    results: tuple[CheckResult, ...]
    diagnosis: Diagnosis | None = None
    output_max: float | None = None
    notes: tuple[str, ...] = ()
    again: str = ""
    _case: Case | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, case: Case, results: Sequence[CheckResult]) -> Report:
        located = case.search[0]
        failed = [result.name for result in results if not result.ok]
        return cls(
            name=case.name,
            source=(located.normalization.source or "Normalization") if located else "",
            statistics=str(located.normalization) if located else "",
            inverse="derived" if case.is_derived else describe_callable(case.given_inverse),
            results=tuple(results),
            diagnosis=case.diagnosis if failed else None,
            output_max=case.output_max,
            notes=case.notes,
            again=python_line(case.pipeline, case.given_inverse, case.output_max, failed) if failed else "",
            _case=case if _can_be_run(case) else None,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_case": None}  # pipelines and inverses need not be picklable

    @property
    def ok(self) -> bool:
        """Nothing failed, and something was verified."""
        return all(result.ok for result in self.results) and any(one.status in _RAN for one in self.results)

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        return tuple(result for result in self.results if not result.ok)

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """What is right today, and wrong tomorrow or a matter of taste."""
        return tuple(result for result in self.results if result.status == "warned")

    def count(self, status: str) -> int:
        """How many checks have this status."""
        return sum(result.status == status for result in self.results)

    def raise_for_failures(self) -> None:
        """Raise what failed, cause first; show what is a warning.

        Raises:
            AssertionError: something failed, or nothing was verified.

        Warns:
            VerificationWarning: of each check that ended in a warning.
        """
        __tracebackhide__ = True
        for one in self.warnings:
            warn(f"{self.name}: {one.message}" if self.name else one.message, stacklevel=2)
        if not self.ok:
            raise self.carried_by(AssertionError(failure_text(self)))

    def figure(self) -> Figure:
        """The round trip as one figure, whether it passed or not.

        An image, what came back, the error of each pixel in levels, and for each channel recovered against original
        with the fitted line and the ideal one. It is not known to pyplot, and looks the same whatever the style.

        Raises:
            ImageError: there is no Normalize, or the report was read back from a file, and holds no images.
            InverseError: the inverse raises, or gives back something that is no image.
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
            why = "it was read back, and holds no images" if self.source else "no Normalize was found"
            raise ImageError(f"this report has no round trip to draw: {why}.")
        return self._case, round_trip(self._case)

    @property
    def can_be_drawn(self) -> bool:
        """The round trip is among what failed, and its images are at hand."""
        return self._case is not None and any(result.name == "round_trip" for result in self.failures)

    def carried_by(self, error: AssertionError) -> AssertionError:
        """Return `error`, with the round trip if that is among what failed."""
        if not self.can_be_drawn:
            return error
        try:
            return carrying(error, *self._drawn())
        except (DenormError, SystemExit):
            return error  # the inverse raises; the check says so

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a table, and a figure where the round trip failed."""
        facts = [self.statistics, f"inverse: {self.inverse}", *self.notes]
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
        return table_text(self)

    def failure_text(self, again: str | None = None) -> str:
        """Return what failed, cause first, each cause once.

        Args:
            again: the command that runs it again; :meth:`reproduction` unless given.
        """
        return failure_text(self, again)

    def reproduction(self) -> str:
        """Return the line of Python that runs just what failed; "" where nothing did."""
        return self.again

    @property
    def causes(self) -> list[Cause]:
        """What makes checks fail, and which of them fail because of it."""
        return causes_of(self.failures, self.diagnosis)

    @property
    def title(self) -> str:
        """What the pipeline is called, and where its Normalize is."""
        return ": ".join(part for part in (self.name, self.source or "no Normalize") if part)

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
                    "details": jsonable(dict(one.details)),
                }
                for one in self.results
            ],
            "diagnosis": self.diagnosis.to_dict() if self.diagnosis else None,
            "output_max": self.output_max,
            "notes": list(self.notes),
            "again": self.again,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Report:
        """The report that :meth:`to_dict` described.

        Raises:
            DatasetError: not such a dictionary.
        """
        try:
            return cls._read(plain)
        except Exception as error:  # whatever somebody else's dictionary holds
            raise DatasetError(f"this is no report as Report.to_dict() writes it: {first_line(error)}") from error

    @classmethod
    def _read(cls, plain: Mapping[str, Any]) -> Report:
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
            tuple(plain.get("notes", ())),
            plain.get("again", ""),
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
