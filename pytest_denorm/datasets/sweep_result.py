"""What a sweep found, in numbers, in words and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..core.json_files import expect
from ..core.statistics import FAILURE_FORM, NAMED_FAILURES, Failure, describe
from ..core.text import count_of
from ..errors import DatasetError
from .passage import Passage

__all__ = ["SweepResult", "WorstPicture"]

#: What merging adds up.
_TOTALS = ("pictures", "values", "wrong_levels", "wrong_pictures", "failed", "seconds", "planned", "resumed")
_WORST_FORM = {"index": int, "name": str, "error": float, "wrong_levels": int}
#: What :meth:`SweepResult.from_dict` expects.
_FORM: dict[str, Any] = {
    **dict.fromkeys(("pictures", "values", "wrong_levels", "wrong_pictures", "failed", "planned"), int),
    "seconds": float,
    "source": str,
    "failures": [FAILURE_FORM],
}


@dataclass(frozen=True)
class WorstPicture:
    """The image that came back worst."""

    index: int
    name: str
    #: the greatest error of a value, in levels of 255
    error: float
    wrong_levels: int

    def __str__(self) -> str:
        where = describe(self.index, self.name)
        return f"{where}: off by up to {self.error:.3g} of 255, {self.wrong_levels:,} levels wrong"


@dataclass(frozen=True)
class SweepResult:
    """What a sweep found. Parts of a sweep merge (``a + b``).

    Attributes:
        pictures: how many were checked.
        values: how many values (pixels times channels) that were.
        wrong_levels: values that came back more than half a level of 255 off.
        wrong_pictures: images that have such a value.
        worst: the image with the greatest error.
        failed: images that could not be read and were skipped; the first of them are in `failures`.
        seconds: how long it took, all resumed runs together.
        planned: how many images the sweep was to check.
        source: where the Normalize was found.
        resumed: how many of the images an earlier run had checked, as the state file says.
        diagnosis: where levels are wrong: what was done to the first such image after Normalize, or what is wrong with
            an inverse of the project's own.
    """

    pictures: int = 0
    values: int = 0
    wrong_levels: int = 0
    wrong_pictures: int = 0
    worst: WorstPicture | None = None
    failed: int = 0
    failures: tuple[Failure, ...] = ()
    seconds: float = field(default=0.0, compare=False)
    planned: int = 0
    source: str = ""
    resumed: int = field(default=0, compare=False)
    diagnosis: str = field(default="", compare=False)

    @property
    def complete(self) -> bool:
        """Every image that was planned was checked, or failed."""
        return self.pictures + self.failed == self.planned

    @property
    def ok(self) -> bool:
        """Every image that was planned was checked and came back."""
        return self.pictures == self.planned and not self.wrong_levels

    @property
    def rate(self) -> float:
        """Images a second."""
        return (self.pictures + self.failed) / max(self.seconds, 1e-9)

    @classmethod
    def of_passages(cls, index: int, name: str, passages: Sequence[Passage]) -> SweepResult:
        """Return the result of one image."""
        wrong = sum(passage.wrong for passage in passages)
        worst = WorstPicture(index, name, max(passage.error for passage in passages), wrong)
        return cls(1, sum(passage.values for passage in passages), wrong, int(wrong > 0), worst)

    def __add__(self, other: SweepResult) -> SweepResult:
        both = [result.worst for result in (self, other) if result.worst is not None]
        totals = {name: getattr(self, name) + getattr(other, name) for name in _TOTALS}
        return SweepResult(
            **totals,
            worst=min(both, key=lambda worst: (-worst.error, worst.index), default=None),
            failures=tuple(sorted((*self.failures, *other.failures))[:NAMED_FAILURES]),
            source=self.source or other.source,
            diagnosis=self.diagnosis or other.diagnosis,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-safe."""
        derived = {"version": 1, "ok": self.ok, "complete": self.complete, "rate": self.rate}
        return derived | asdict(replace(self, failures=())) | {"failures": [asdict(each) for each in self.failures]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SweepResult:
        """Return what :meth:`to_dict` wrote.

        Raises:
            DatasetError: not such a dictionary.
        """
        try:
            expect(data, _FORM, "")
            # older files lack the last two
            given: dict[str, Any] = {"resumed": 0, "diagnosis": ""}
            given |= {name: data[name] for name in cls.__dataclass_fields__ if name in data}
            expect(given, {"resumed": int, "diagnosis": str}, "")
            if given["worst"] is not None:
                expect(given["worst"], _WORST_FORM, "worst")
                given["worst"] = WorstPicture(**given["worst"])
            given["failures"] = tuple(Failure(**failure) for failure in given["failures"])
            return cls(**given)
        except (DatasetError, KeyError, TypeError) as error:
            raise DatasetError(f"this is no result as SweepResult.to_dict() writes it: {error}") from error

    def __str__(self) -> str:
        checked = self.pictures + self.failed
        part = "" if self.complete else f" of {self.planned:,}, unfinished"
        lines = [
            f"sweep over {count_of(checked, 'image')}{part}, through {self.source} and back",
            f"  {self.wrong_levels:,} of {self.values:,} levels wrong, in {count_of(self.wrong_pictures, 'image')}",
        ]
        if self.worst is not None:
            lines.append(f"  worst: {self.worst}")
        if self.diagnosis:
            lines.append(f"  diagnosis: {self.diagnosis}")
        if self.failed:
            lines.append(f"  {count_of(self.failed, 'image')} could not be read:")
            lines += [f"    {failure}" for failure in self.failures]
        if self.resumed and self.resumed == checked:
            said = "nothing was swept now: all of this is in the state file; delete it to sweep anew"
            return "\n".join([*lines, f"  {said}"])
        if self.resumed:
            lines.append(f"  {count_of(self.resumed, 'image')} of these had been checked before (the state file)")
        return "\n".join([*lines, f"  {self.rate:,.0f} images a second"])
