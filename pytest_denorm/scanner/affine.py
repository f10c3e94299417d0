"""Arithmetic on values that the source does not give: which affine map of the unknown they are.

``(x - mean) / std`` with a known mean and std is a Normalize, and ``y * std + mean`` an inverse, whatever x and y are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .abstract import RANDOM, Unknown, as_numbers

__all__ = ["Map", "classify", "combine"]

#: As many channels as images have.
_CHANNELS = 4
#: Of bytes: white, and what people write for half of it.
_BYTES = 255.0


@dataclass(frozen=True)
class Map:
    """A Normalize, or an inverse, read off a slope and an offset.

    Attributes:
        inverse: which of both.
        mean, std: on the scale of `white` for a Normalize, of 1 for an inverse.
        white: of the images that enter a Normalize, or that an inverse gives.
        weak: one number for all channels, as much arithmetic has that is of no image.
    """

    inverse: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    white: float
    weak: bool


def combine(operator: str, left: Any, right: Any, line: int) -> Unknown | None:
    """``left <operator> right`` where just one is Unknown; None if the result is no affine map of it.

    ``operator`` is one of ``+ - * /``.
    """
    unknown, other, reversed_ = (left, right, False) if isinstance(left, Unknown) else (right, left, True)
    numbers = as_numbers(other)
    if unknown.reason == RANDOM:
        return None
    if numbers is None or numbers.size > _CHANNELS or (operator == "/" and reversed_):
        return None
    slope: Any
    offset: Any
    with np.errstate(all="ignore"):
        if operator in "+-":
            kind = "o"
            sign = -1.0 if operator == "-" and reversed_ else 1.0
            slope, offset = sign, (numbers if operator == "+" or reversed_ else -numbers)
        else:
            kind = "s"
            slope, offset = (numbers if operator == "*" else 1 / numbers), 0.0
    if not np.all(np.isfinite(slope)) or not np.all(np.isfinite(offset)):
        return None
    if numbers.size > 1 and np.ndim(unknown.slope) and np.shape(unknown.slope) != numbers.shape:
        return None
    start = unknown
    if unknown.ops and line != unknown.line and _is_complete(unknown, kind, numbers):
        start = unknown.fresh(normalized=True)
    if kind == "o" and float(np.max(np.abs(offset))) == 0.5 and np.max(np.abs(start.slope)) > 2 and "o" in start.ops:
        return replace(start, steps=start.steps | {"half"})
    ops = start.ops if start.ops.endswith(kind) else start.ops + kind
    try:
        return replace(start, slope=start.slope * slope, offset=start.offset * slope + offset, ops=ops, line=line)
    except ValueError:
        return None


def _is_complete(unknown: Unknown, kind: str, numbers: np.ndarray[Any, Any]) -> bool:
    """Whether the chain is a whole Normalize, so that what follows is another map."""
    found = classify(unknown)
    if found is None or found.inverse or min(found.std) == max(found.std) == found.white:
        return False
    if set(found.std) == {1.0} and found.white != 1.0:  # the mean alone was subtracted yet
        return False
    return kind != "s" or unknown.ops.endswith("s") or numbers.size == 1


def classify(unknown: Unknown, *, of_image: bool = False) -> Map | None:
    """Return the Normalize or the inverse that this chain of operations is; None if it is none.

    One number for all channels counts where it is well known, or where the value is said to be an image (`of_image`).
    """
    slope, offset = np.atleast_1d(unknown.slope), np.atleast_1d(unknown.offset)
    if "o" not in unknown.ops or len(unknown.ops) > 3 or not np.all(slope > 0):
        return None
    try:
        slope, offset = (np.array(one, dtype=float) for one in np.broadcast_arrays(slope, offset))
    except ValueError:
        return None
    if len(slope) not in (1, 3, 4) or not (np.all(offset < 0) or np.all(offset > 0)):
        return None
    inverse = bool(offset[0] > 0)
    if inverse:
        mean, std = offset, slope
        white = 1.0 if mean.max() <= 1 and std.max() <= 1 else _BYTES
        mean, std = mean / white, std / white
    else:
        mean, std = -offset / slope, 1 / slope
        white = 1.0 if mean.max() <= 1 and std.max() <= 1.01 else _BYTES
    unit_mean, unit_std = (mean, std) if inverse else (mean / white, std / white)
    if unit_mean.max() > 1 or unit_mean.min() < 0.02 or unit_std.max() > 1.01:
        return None
    caffe = not inverse and np.all(std == 1) and white == _BYTES and len(mean) == 3
    if unit_std.min() < 0.04 and not caffe:
        return None
    weak = len(set(unit_mean)) == 1 and len(set(unit_std)) == 1
    if inverse and white == 1.0 and np.all(std == 1):
        return None
    if inverse and not weak and len(set(std)) == 1 and std[0] * white not in (1.0, 0.5, 127.5):
        return None  # one image laid over another
    if weak and not _is_scalar_of_images(float(unit_mean[0]), float(unit_std[0]), of_image and not inverse):
        return None
    if np.ptp(unit_mean) == 0 and not weak and len(unit_mean) == 4:
        return None
    return Map(inverse, tuple(map(float, mean)), tuple(map(float, std)), white, weak)


def _is_scalar_of_images(mean: float, std: float, of_image: bool) -> bool:
    if of_image and 0.1 < mean < 0.75 and 0.1 < std < 0.6:
        return True
    half = abs(mean - 0.5) < 0.005 and abs(std - 0.5) < 0.005
    return half or any(abs(mean - m) < 0.0006 and abs(std - s) < 0.0006 for m, s in ((0.1307, 0.3081), (0.286, 0.353)))
