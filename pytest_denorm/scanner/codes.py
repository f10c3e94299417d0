"""The codes of findings: level, what each says, and a wrong and a right example, from which docs and tests are made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["CODES", "LEVELS", "Code", "Finding"]

LEVELS = ("error", "warning", "note")


@dataclass(frozen=True)
class Code:
    """One code; its findings may be of a lower level where less is in sight."""

    number: str
    name: str
    level: str
    summary: str


CODES = {
    one.number: one
    for one in (
        Code("DN101", "no-inverse", "error", "a function named as an inverse does not undo a Normalize: it changes "
             "nothing, or stretches each image to its own range"),
        Code("DN102", "other-statistics", "error", "an inverse has other numbers than the Normalize that it undoes"),
        Code("DN103", "wrong-formula", "error", "an inverse computes something else with the mean and std it is given"),
        Code("DN104", "walks-the-batch", "error", "a zip of an image and its statistics is given a batch, and walks "
             "the images instead of the channels"),
        Code("DN105", "missing-inverse", "warning", "a normalized image is drawn as it is"),
        Code("DN111", "truncates", "note", "an inverse cuts bytes off instead of rounding them"),
        Code("DN112", "changes-input", "note", "an inverse changes its input in place"),
        Code("DN113", "not-judged", "note", "an inverse could not be judged, with the reason"),
        Code("DN201", "mistaken-statistics", "error", "the numbers of a Normalize are a preset's but for one mistake"),
        Code("DN202", "splits-differ", "warning", "training and evaluation normalize with different numbers"),
        Code("DN203", "rounded-statistics", "note", "an inverse has the numbers of its Normalize, rounded"),
        Code("DN301", "channel-order", "error", "an image in one channel order meets statistics in the other"),
        Code("DN901", "not-scanned", "note", "a file, or a part of it, could not be read"),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        code: a key of CODES.
        level: ``error``, ``warning`` or ``note``.
        path, line, column: where; in a notebook, `line` counts the lines of all code cells one below the other.
        message: what, cause first.
        where: the place as it is shown, with the cell of a notebook.
        related: the other place, such as that of the Normalize, or "".
        source: the line of source.
    """

    code: str
    level: str
    path: str
    line: int
    column: int
    message: str
    where: str
    related: str = ""
    source: str = field(default="", compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self) | {"name": CODES[self.code].name}
