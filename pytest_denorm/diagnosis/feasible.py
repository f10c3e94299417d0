"""The maps that whole numbers leave open: all lines that pass through every interval, and the middle of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.colormap import fit_affine
from .evidence import ENOUGH, Evidence, Line, Way

__all__ = ["Fit", "fit_way"]

Array = np.ndarray[Any, Any]


class Fit(NamedTuple):
    """The maps of all channels, as well as the pixels tell them.

    Attributes:
        slope, offset: ``z = slope * y[order] + offset``.
        slope_room, offset_room: how far each may be off.
        order: the normalized channel that each channel follows.
    """

    slope: Array
    offset: Array
    slope_room: Array
    offset_room: Array
    order: tuple[int, ...]


def fit_way(seen: Evidence, way: Way) -> Fit | None:
    """Return the maps that results have which were stored in this way; None where no map gives them.

    Of whole numbers, these are the middle of all maps that give just these; a least-squares fit knows them less well.
    """
    if any(line.told and not (line.affine and line.source is not None) for line in seen.lines) != bool(way.period):
        return None
    lines, low, high = seen.lines, way.low, way.high
    if way.period:
        if seen.unwrapped is None:
            return None
        lines, levels = seen.unwrapped
        lowest, highest = levels + way.below, levels + way.above
        if way.below == 0.0:  # a cast cuts towards 0
            lowest, highest = lowest - (levels <= 0), highest - (levels < 0)
        low, high = lowest * way.unit, highest * way.unit
    order = _order(lines)
    if order is None:
        return None
    scale = way.unit / seen.step if seen.step else 1.0
    slope = np.array([line.slope if line.told else np.nan for line in lines]) * scale
    offset = np.array([line.offset for line in lines]) * scale + way.shift
    if way.period:
        middles = [fit_affine(seen.y[:, [source]], (low + high)[:, [c]] / 2) for c, source in enumerate(order)]
        slope, offset = (
            np.array([one.item() for one in ends])
            for ends in zip(*((m.matrix, m.offset) for m in middles), strict=True)
        )
    room = seen.room(slope, offset)
    reach = np.maximum(seen.reach[list(order)], 1e-30)
    if not seen.step:
        return Fit(slope, np.where(np.isnan(slope), np.nan, offset), room / reach, room, order)
    known = []
    for c, source in enumerate(order):
        if np.isnan(slope[c]):
            known.append((np.nan,) * 4)
            continue
        one = _feasible(seen.y[:, source], low[:, c], high[:, c], way.unit, slope[c], offset[c], room[c])
        if one is None:
            return None
        known.append(one)
    return Fit(*(np.array(values) for values in zip(*known, strict=True)), order)  # type: ignore[call-arg, arg-type]


def _order(lines: Sequence[Line]) -> tuple[int, ...] | None:
    """Return the channel that each line follows: where none is told, one that is left, its own if it can be."""
    taken = [line.source for line in lines if line.told]
    if not taken or len(set(taken)) < len(taken):
        return None
    left = [c for c in range(len(lines)) if c not in taken]
    order = []
    for c, line in enumerate(lines):
        source = line.source if line.told else c if c in left else left[0]
        if not line.told:
            left.remove(int(source or 0))
        order.append(int(source or 0))
    return tuple(order)


def _feasible(
    y: Array, low: Array, high: Array, unit: float, slope: float, offset: float, room: float
) -> tuple[float, float, float, float] | None:
    """Return the middle of all lines that pass through every interval of a channel, and how far it may be off."""
    closed = np.isfinite(low) & np.isfinite(high)
    told = y[closed] if closed.sum() >= ENOUGH else y
    middle, spread, count = float(told.mean()), float(told.std()), len(told)
    y, at_middle = y - middle, offset + slope * middle
    values = slope * y + at_middle
    low, high = low - values, high - values
    lows, highs = low > -0.3 * unit, high < 0.3 * unit  # the others bind no line near this one
    if not lows.any() or not highs.any():
        return slope, offset, 0.04 * unit / float(np.abs(y).max()), 0.04 * unit + room
    low, y_low, high, y_high = low[lows], y[lows], high[highs], y[highs]

    def gap(turns: Array) -> tuple[Array, Array]:
        """The lowest and the highest line of these slopes."""
        return (low - turns[:, None] * y_low).max(axis=1), (high - turns[:, None] * y_high).min(axis=1)

    # rounding is noise of deviation unit / sqrt(12), and least squares averages it; levels bias it a little
    span = unit * (0.08 / float(np.abs(y).max()) + 2.0 / (np.sqrt(count) * max(spread, 1e-30)))
    at, width = 0.0, span
    for _ in range(6):
        turns = at + np.linspace(-width, width, 17)
        lowest, highest = gap(turns)
        at, width = float(turns[np.argmax(highest - lowest)]), width / 5
    lowest, highest = gap(np.array([at]))
    if highest[0] - lowest[0] < -2 * room:
        return None
    enough = min(0.0, float(highest[0] - lowest[0])) - room
    steps = span * 0.5 ** np.arange(20)
    ends = []
    for sign in (-1, 1):
        below, above = gap(at + sign * steps)
        inside = steps[above - below >= enough]
        ends.append(sign * 2 * float(inside.max(initial=0.0)))  # the next step was too far
    turn, turn_room = at + sum(ends) / 2, max(ends[1] - ends[0], 2 * float(steps[-1])) / 2
    lowest, highest = gap(np.array([turn]))
    shift, shift_room = float(lowest[0] + highest[0]) / 2, max(float(highest[0] - lowest[0]), 0.0) / 2 + room
    exact = slope + turn
    return exact, at_middle + shift - exact * middle, turn_room, shift_room + turn_room * abs(middle)
