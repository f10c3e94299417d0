"""Where values are clamped: before the inverse, in the normalized space, or after it to another range than 0..white."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .evidence import Evidence, snap

__all__ = ["Clamp", "find_clamp"]

Array = np.ndarray[Any, Any]


class Clamp(NamedTuple):
    """What values are clamped to.

    Attributes:
        before: the ends in the normalized space where it happens there; else None.
        low, high: the ends of each channel in the results; infinite where nothing is cut off.
        cost: of the mistake; more where the channels are clamped to ranges of their own.
    """

    before: tuple[float, float] | None
    low: Array
    high: Array
    cost: float


def find_clamp(seen: Evidence, values: Array, slope: Array, offset: Array, order: Any, room: Array) -> Clamp | None:
    """Return where results are cut off that a map would take further; None where that is at 0..white, or nowhere.

    Args:
        values: what the map gives, before anything is cut off.
        slope, offset: the map.
        order: the normalized channel that each channel of the result follows.
        room: how far arithmetic may move a result.
    """
    near = np.maximum(np.maximum(8 * seen.slack, room), 0.51 * seen.step)
    cut_low, cut_high = values.min(axis=0) < seen.low - near, values.max(axis=0) > seen.high + near
    tell = np.maximum(near, 0.01 * seen.white) if seen.step else near
    wrong = (cut_low & (np.abs(seen.low) > tell)) | (cut_high & (np.abs(seen.high - seen.white) > tell))
    if not wrong.any():
        return None
    low = np.where(wrong & cut_low, seen.low, -np.inf)
    high = np.where(wrong & cut_high, seen.high, np.inf)
    known = max(1e-4 * seen.white, 0.5 * seen.step)
    after = tuple(_common(end[wrong], np.full(int(wrong.sum()), known)) for end in (low, high))
    with np.errstate(all="ignore"):
        ends = (low - offset) / slope, (high - offset) / slope
        widths = np.maximum(1e-4, np.abs(known / slope))[wrong]
    turned = slope < 0
    before = tuple(_common(np.where(turned, *pair)[wrong], widths) for pair in ((ends[1], ends[0]), (ends[0], ends[1])))
    is_after, is_before = (not any(math.isnan(end) for end in pair) for pair in (after, before))
    if is_before and (slope[wrong] != 0).all() and (not is_after or _digits(before) <= _digits(after)):
        return Clamp((before[0], before[1]), low, high, 1.1)
    return Clamp(None, low, high, 1.1 if is_after and wrong.all() else 1.3)


def _common(ends: Array, widths: Array) -> float:
    """The end that all channels have, as it was typed; NaN where they differ."""
    finite = np.isfinite(ends)
    if not finite.any():
        return float(ends[0])
    kept, room = ends[finite], widths[finite]
    if (kept - room).max() > (kept + room).min():
        return math.nan
    lowest, highest = float((kept - room).max()), float((kept + room).min())
    return snap((lowest + highest) / 2, (highest - lowest) / 2) if abs(lowest + highest) > highest - lowest else 0.0


def _digits(ends: Sequence[float]) -> int:
    """How many digits it takes to write them down."""
    return max((len(f"{one:.6g}".strip("-0.")) for one in ends if math.isfinite(one)), default=0)
