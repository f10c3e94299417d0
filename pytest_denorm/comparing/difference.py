"""How far two sides are apart, in levels of 255, and how far their arithmetic explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.normalization import unwarned
from ..core.tolerance import FORMATS, round_trip_tolerance
from ..errors import StatisticsError
from .measuring import Array, Side, colors_of

__all__ = ["Difference", "difference_of", "statistics_of"]

#: A mean that is so small beside a std is what rounding left of 0.
_NOUGHT = 1e-6
#: Of several differences that are as large but for rounding, the first is told.
_AS_LARGE = 1 - 1e-5
#: Of white; what six digits of 1/255, 0.00392157, are off by, rounded up.
_SIX_DIGITS = 4e-7


@dataclass(frozen=True)
class Difference:
    """How far what a second side makes of colors is from what the first makes of them.

    Attributes:
        levels: at most, in levels of 255 of the first: its inverse gives back an image that is off by so many.
        units: at most, in the units of what the first gives.
        allowed: what the arithmetic of both explains, in levels, where the difference is the largest.
        is_same: no channel of any color is further apart than is explained.
        channel: where the difference is the largest.
        color: for which the difference is the largest, as levels.
        first, second: what the two make of that channel of that color.
    """

    levels: float
    units: float
    allowed: float
    is_same: bool
    channel: int
    color: tuple[int, ...]
    first: float
    second: float


def difference_of(first: Side, second: Side) -> Difference:
    """Compare what two sides with as many channels make of the same colors."""
    slope, other = _slopes(first), _slopes(second)
    apart = np.abs(second.colors - first.colors)
    with np.errstate(divide="ignore", invalid="ignore"):
        levels = np.where(apart == 0, 0.0, apart / slope * 255)
        allowed = 255 * (_bound(first) + _bound(second) * other / slope + _SIX_DIGITS * np.maximum(1, other / slope))
    allowed = np.nan_to_num(allowed, nan=0.0, posinf=0.0)  # of a channel that no input changes
    is_same = bool((levels <= np.maximum(allowed, 1e-9)).all())
    at, channel = (int(one) for one in np.unravel_index(np.argmax(levels >= _AS_LARGE * levels.max()), levels.shape))
    inputs = colors_of(first.channels_in)
    return Difference(
        levels=float(levels.max()),
        units=float(apart.max()),
        allowed=float(allowed[channel]),
        is_same=is_same,
        channel=channel,
        color=tuple(round(255 * float(one)) for one in inputs[at]),
        first=float(first.colors[at, channel]),
        second=float(second.colors[at, channel]),
    )


def statistics_of(side: Side) -> tuple[Array, Array] | None:
    """Return mean and std of the Normalize that a side does, on images in 0..1, in the order in which channels leave.

    Returns:
        None where a channel is constant.
    """
    slope = side.map.matrix.sum(axis=1)
    if (np.abs(slope) < 1e-12).any():
        return None
    mean = -side.map.offset / slope
    return np.where(np.abs(mean) < _NOUGHT * np.abs(1 / slope).max(), 0.0, mean), 1 / slope


def _slopes(side: Side) -> Array:
    """How far each channel out goes from black to white, or from one pure color to another."""
    return np.asarray(np.maximum(np.abs(side.map.matrix).sum(axis=1), np.ptp(side.colors, axis=0)))


def _bound(side: Side) -> Array:
    """What each channel may be off by for its arithmetic, as a share of white."""
    slopes, found = _slopes(side), statistics_of(side)
    dtype = side.dtype or "float32"
    if dtype not in FORMATS:
        with np.errstate(divide="ignore"):
            return np.asarray(0.5 / slopes)  # whole numbers are rounded
    if found is None:
        return np.full(len(slopes), FORMATS[dtype].unit_roundoff * 8)
    try:
        mean, std = (one.tolist() for one in found)
        tolerance = round_trip_tolerance(unwarned(mean, std), dtype, rounded_input=True)
    except StatisticsError:
        return np.full(len(slopes), FORMATS[dtype].unit_roundoff * 8)
    return np.array(tolerance.per_channel)
