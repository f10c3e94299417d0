"""What evaluation of a project comes upon: places that normalize, places that undo it, and images that are shown."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .abstract import as_numbers, options

__all__ = ["INVERSE_NAME", "Made", "Place", "Record", "Shown", "is_inverse_name", "plausible"]

import re

INVERSE_NAME = re.compile(
    r"^undo$|(?<![a-z])(de|un|inv|inverse|reverse|revert|undo|back)_?-?(norm|preprocess|process|standard|transform)"
    r"|denorm|unnorm|inv_?norm|norm\w*_inv|deprocess|invert_?norm|undo_?norm|recreate_?image|tensor_?2_?im"
    r"|tensor_?to_?im|restore_?im|revert_?norm",
    re.IGNORECASE,
)


#: What else is normalized than images.
_OF_OTHERS = re.compile(
    r"box|coord|point|kps?(?![a-z])|landmark|joint|pose|gaze|angle|delta|target|label|score|depth|flow|feat|text|token"
    r"|reward|action|weights?(?![a-z])|lr(?![a-z])|audio|wave|spec(?![a-z])|mel(?![a-z])|normal_",
    re.IGNORECASE,
)


def is_inverse_name(name: str) -> bool:
    """Whether a name says that it undoes a Normalize of images."""
    return bool(INVERSE_NAME.search(name)) and not _OF_OTHERS.search(name)


@dataclass(frozen=True)
class Place:
    """A place in a file."""

    path: str
    line: int
    column: int = 0


@dataclass
class Record:
    """One place that normalizes, or one that undoes it.

    Attributes:
        inverse: which of both.
        mean, std: what a Normalize was made with, on the scale of `white`; of an inverse ``mean`` is its offset and
            ``std`` its slope, divided by what white is in what it gives.
        form: ``call``, ``arithmetic``, ``config``, ``constants``, ``function``, ``transform``.
        name: what it is assigned to, or called; `partner` of a config is the name of the std.
        scope: dotted, of the function or class around it.
        weak: one number for all channels in bare arithmetic.
        split: ``train`` or ``eval`` where a condition around it says so.
        targets: the names that are assigned the value of the statement that it stands in.
        image: a name in that arithmetic says that it is done to an image.
    """

    inverse: bool
    place: Place
    mean: tuple[float, ...]
    std: tuple[float, ...]
    white: float
    form: str
    scope: str
    name: str = ""
    library: str = ""
    partner: str = ""
    weak: bool = False
    module: Any = None
    dead: bool = False
    names: list[str] = field(default_factory=list)
    steps: frozenset[str] = frozenset()
    before: bool = False
    image: bool = False
    split: str = ""
    targets: frozenset[str] = frozenset()

    @property
    def unit(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and std on images in 0..1."""
        white = 1.0 if self.inverse else self.white
        return tuple(one / white for one in self.mean), tuple(one / white for one in self.std)

    @property
    def label(self) -> str:
        return next((one for one in self.names if one not in ("mean", "std")), self.name)


@dataclass
class Made:
    """A pipeline that makes tensors of images, with a Normalize in it or none."""

    place: Place
    scope: str
    normalizes: bool
    split: str
    targets: frozenset[str]
    names: list[str] = field(default_factory=list)


@dataclass
class Shown:
    """An image that is drawn or written to a file."""

    place: Place
    how: str
    scope: str
    normalized: bool
    module: Any


def plausible(mean: Any, std: Any, *, inverse: bool = False) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """Mean and std as tuples of equal length, for each pair that the two may be; none that are no statistics."""
    found: list[tuple[tuple[float, ...], tuple[float, ...]]] = []
    means, stds = options(mean), options(std)
    pairs = list(zip(means, stds, strict=True)) if len(means) == len(stds) else [(a, b) for a in means for b in stds]
    for one, other in pairs[:12]:
        first, second = as_numbers(one), as_numbers(other)
        if first is None or second is None:
            continue
        count = max(first.size, second.size)
        if {first.size, second.size} - {1, count} or count > 16:
            continue
        pair = _spread(first, count), _spread(second, count)
        finite = all(np.isfinite(part).all() for part in pair)
        if finite and (inverse or min(map(abs, pair[1])) > 1e-8) and pair not in found:
            found.append(pair)
    return found


def _spread(numbers: np.ndarray[Any, Any], count: int) -> tuple[float, ...]:
    return tuple(map(_short, np.broadcast_to(numbers.reshape(-1), count)))


def _short(number: Any) -> float:
    """A float32 as it was written."""
    return float(f"{float(number):.7g}")


def position(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0) + 1
