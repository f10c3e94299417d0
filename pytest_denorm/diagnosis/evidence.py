"""The pixels that were seen of an inverse, and what they leave open: arrays alone.

Results are stored as floats or whole numbers, rounded or cut off, clamped or wrapped. Each way of storing turns a
result into the interval of values that it can have come from. A map explains the pixels if each value that it predicts
lies in its interval, but for what arithmetic explains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..core.colormap import fit_affine
from .rules import Statistics

__all__ = ["ENOUGH", "Evidence", "Line", "Way", "snap"]

Array = np.ndarray[Any, Any]

#: Pixels of one channel that a line is fitted to, at the least.
ENOUGH = 16
#: How many pixels a fit is made of, at most.
_MOST = 4000


class Way(NamedTuple):
    """A way in which results are stored, as the interval of values that each result can have come from.

    Attributes:
        key: names its words; empty for what is right.
        kind: what a diagnosis calls it.
        cost: 0 for what is right.
        low, high: the intervals, (n, channels).
        period: after which whole numbers begin again; 0 where they are clamped.
        unit: what one whole number is worth; 0 for floats.
        below, above: the interval of the whole number k is ``k + below`` to ``k + above``.
    """

    key: str
    kind: str
    cost: float
    low: Array
    high: Array
    period: float = 0.0
    unit: float = 0.0
    below: float = 0.0
    above: float = 0.0

    @property
    def shift(self) -> float:
        """Of the middle of an interval from the number that was stored."""
        return (self.below + self.above) / 2 * self.unit

    def of(self, other: Evidence, low: Array, high: Array) -> Way:
        """Return the same way of storing for other pixels, where all beyond `low` and `high` may have been clamped."""
        values, margin = other.z, 0.25 * other.step + 1e-6 * other.white
        below, above = values, values
        if self.unit:
            levels = np.rint(values / other.step)
            below, above = (levels + self.below) * self.unit, (levels + self.above) * self.unit
        if self.period:
            if self.below:  # 0.5 may have been added before a cast that cuts off
                below = below - self.unit
        else:
            below = np.where(values <= low + margin, -np.inf, below)
            above = np.where(values >= high - margin, np.inf, above)
        return self._replace(low=below, high=above)

    def holds(self, values: Array, room: Array, at: Any = slice(None)) -> Array:
        """Whether each value lies in the interval of its pixel, or within `room` of it."""
        low, high = self.low[at], self.high[at]
        if not self.period:
            inside: Array = (values >= low - room) & (values <= high + room)
            return inside
        if self.below == 0.0:  # a cast cuts towards 0: below black a whole number comes back one higher than above it
            values = np.where(values < 0, values + self.unit, values)
        width = high - low + 2 * room
        # an interval that arithmetic widens to several whole numbers holds anything, once values wrap
        wrapped: Array = (np.mod(values - (low - room), self.period) <= width) & (width < 4 * self.unit)
        return wrapped


class Line(NamedTuple):
    """The map of one channel, ``z = slope * y[source] + offset``; `source` is None where it follows no one channel.

    Attributes:
        row: the slopes on all channels.
        residual: the largest departure of a pixel that is not at an end of the range.
        affine: whether arithmetic and rounding explain that.
        told: enough results lie between the ends of the range to tell a line.
    """

    source: int | None
    slope: float
    offset: float
    row: Array
    residual: float
    affine: bool
    told: bool = True


@dataclass(frozen=True)
class Evidence:
    """What went in, what was normalized, and what came back. All arrays are (n, channels), in float64.

    Attributes:
        x: the values before Normalize, in the units of the images.
        y: the normalized values that the inverse was given.
        z: its results, in the units of the images.
        known: the statistics of the pipeline.
        step: the distance of two whole numbers where such come back, in the same units; 0 for floats.
        unit: the unit roundoff of the arithmetic.
        slack: how far a correct result may be off, a channel.
        noise: how far `x` itself may be off.
    """

    x: Array
    y: Array
    z: Array
    known: Statistics
    step: float
    unit: float
    slack: Array
    noise: float = 0.0

    @classmethod
    def joined(cls, images: Sequence[Evidence]) -> Evidence:
        """Return the pixels of several images together."""
        x, y, z = (np.concatenate([getattr(one, name) for one in images]) for name in ("x", "y", "z"))
        return replace(images[0], x=x, y=y, z=z)

    @property
    def channels(self) -> int:
        return self.known.channels

    @property
    def white(self) -> float:
        return self.known.white

    @property
    def steps(self) -> int:
        """How many whole numbers there are up to white."""
        return round(self.white / self.step)

    @property
    def turn(self) -> int:
        """How many whole numbers an unsigned dtype holds: after them they begin again."""
        return 256 if self.steps <= 255 else 65536

    @cached_property
    def reach(self) -> Array:
        """The largest normalized value of each channel, its sign aside."""
        reach: Array = np.abs(self.y).max(axis=0)
        return reach

    @cached_property
    def low(self) -> Array:
        low: Array = self.z.min(axis=0)
        return low

    @cached_property
    def high(self) -> Array:
        high: Array = self.z.max(axis=0)
        return high

    def room(self, slope: Array, offset: Array) -> Array:
        """How far arithmetic may move a result of these maps (..., channels), in the units of the images."""
        known, u = self.known, self.unit
        # a mean near 0 is not known to so many digits, and what is 255 times the mean to even less
        digits = np.minimum(np.abs(known.std) * self.reach / np.maximum(np.abs(known.mean), 1e-30), 255.0)
        constants = 4 * u * (np.abs(slope) * self.reach + np.abs(offset) + self.white)
        constants = constants + 2 * u * np.abs(offset) * (1 + digits)
        room: Array = constants + np.abs(slope / known.std) * (self.slack + self.noise)
        return room

    @cached_property
    def ends(self) -> tuple[Array, Array]:
        """Which results lie at the low and at the high end of their channel: what was clamped is among them.

        A channel of one value has one end: white is a high one, any other value a low one, unless the correct result
        lies above it.
        """
        margin = 0.25 * self.step or 1e-6 * np.maximum(self.high - self.low, 1e-3 * self.white)
        at_low, at_high = self.z <= self.low + margin, self.z >= self.high - margin
        if self.step:
            at_low |= self.z <= margin
            at_high |= self.z >= self.white - margin
        margins = np.broadcast_to(margin, (self.channels,))
        for c in np.flatnonzero(self.high - self.low <= margin):
            value = float(self.low[c])
            black, white = abs(value) <= margins[c], abs(value - self.white) <= margins[c]
            above = not black and (white or bool((self.x[:, c] >= value).all()))
            below = black or (not above and bool((self.x[:, c] <= value).all()))
            at_low[:, c], at_high[:, c] = below, above
        return at_low, at_high

    @cached_property
    def is_closed(self) -> Array:
        """Which results lie between the ends of their channel, and say what the value was."""
        at_low, at_high = self.ends
        return ~(at_low | at_high)

    def ways(self) -> Iterator[Way]:
        """Every way in which these results can have been stored, what is right first."""
        at_low, at_high = self.ends
        if not self.step:
            yield Way("", "", 0.0, np.where(at_low, -np.inf, self.z), np.where(at_high, np.inf, self.z))
            return
        levels, period = np.rint(self.z / self.step), self.turn * self.step
        of_bytes = self.steps in (255, 65535)
        most = self.steps + 1
        # key, kind, cost, the interval of a whole number k from k + below to k + above, how many of them make white
        kinds: list[tuple[str, str, float, float, float, float]] = [
            ("", "", 0.0, -0.5, 0.5, self.steps),
            ("truncated", "truncation", 1.0, 0.0, 1.0, self.steps),
            ("rounded-up", "rounded-up", 1.1, -1.0, 0.0, self.steps),
        ]
        if of_bytes:
            # each whole number has an equal share of 0..white; torchvision takes 255.999 for 256
            kinds.insert(1, ("", "", 0.01, 0.0, 1.001, most))
            kinds.append(("truncated-255.5", "truncation", 1.05, 0.0, 1.0, self.steps + 0.5))
        for key, kind, cost, below, above, count in kinds:
            unit = self.white / count
            low, high = (levels + below) * unit, (levels + above) * unit
            clamped = np.where(at_low, -np.inf, low), np.where(at_high, np.inf, high)
            yield Way(key, kind, cost, *clamped, 0.0, unit, below, above)
            if self.low.min() >= 0 and self.high.max() <= period:
                yield Way(key, kind, cost, low, high, self.turn * unit, unit, below, above)

    @cached_property
    def _is_between(self) -> Array:
        """Which values lie between two levels of bytes: there a cast that cuts off loses half a level on average."""
        levels = self.x * (255 / self.white)
        between: Array = np.abs(levels - np.rint(levels)) > 1e-3
        return between

    def line(self, c: int) -> Line:
        """Fit one channel of the results to the normalized values, where it is not at an end of its range."""
        z = self.z[:, c]
        closed = self.is_closed[:, c]
        kept = np.flatnonzero(closed & self._is_between[:, c])
        if len(kept) < ENOUGH:
            kept = np.flatnonzero(closed)
        told = len(kept) >= ENOUGH
        if not told:
            kept = np.arange(len(z))
        kept = kept[:: max(1, len(kept) // _MOST)]
        y, z = self.y[kept], z[kept]
        fit = fit_affine(y, z[:, None])
        row, offset, residual = fit.matrix[0], float(fit.offset[0]), float(fit.residual[0])
        gains = np.abs(row) * np.ptp(y, axis=0)
        source = int(gains.argmax())
        accuracy = 8 * self.unit * (float(np.abs(z).max()) + float(gains.max()) + self.white) + 0.56 * self.step
        accuracy += 1.2 * self.noise * float(gains.max()) / self.white
        if gains[source] <= accuracy:  # of one value
            source = c
        single = np.delete(gains, source).max(initial=0.0) <= max(accuracy, 1e-6 * float(gains[source]))
        slope = float(row[source])
        if single:  # without what the other channels seem to add
            one = fit_affine(y[:, source, None], z[:, None])
            slope, offset, residual = one.matrix.item(), one.offset.item(), one.residual.item()
        return Line(source if single else None, slope, offset, row, residual, bool(residual <= accuracy), told)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        return tuple(self.line(c) for c in range(self.channels))

    @cached_property
    def unwrapped(self) -> tuple[tuple[Line, ...], Array] | None:
        """The lines of whole numbers that were cast without a clamp, and the numbers put back beyond white.

        None where none were.
        """
        if not self.step or self.low.min() < 0 or self.high.max() > self.turn * self.step:
            return None
        found = [self._unwrapped(c) for c in range(self.channels)]
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            return None
        lines, levels = zip(*known, strict=True)
        return tuple(lines), np.stack(levels, axis=1)

    def _unwrapped(self, c: int) -> tuple[Line, Array] | None:
        levels = np.rint(self.z[:, c] / self.step)
        for source in sorted(range(self.channels), key=lambda channel: channel != c):
            sequence = np.argsort(self.y[:, source], kind="stable")
            stored = levels[sequence]
            path = np.unwrap(stored, period=self.turn)
            middle = np.abs(self.x[sequence, c] / self.white - 0.5) < 0.2
            turns = np.rint((path - stored) / self.turn)
            path -= self.turn * np.rint(np.median(turns[middle] if middle.any() else turns))
            fit = fit_affine(self.y[sequence, source, None], path[:, None] * self.step)
            # a cast cuts towards 0: a number below black comes back one higher than above it
            if float(fit.residual[0]) <= 1.7 * self.step:
                row = np.zeros(self.channels)
                row[source] = fit.matrix.item()
                line = Line(source, fit.matrix.item(), fit.offset.item(), row, float(fit.residual[0]), True)
                back = np.empty_like(path)
                back[sequence] = path
                return line, back
        return None


def snap(value: float, uncertainty: float) -> float:
    """Return the number with the fewest digits within `uncertainty` of `value`: what somebody typed, most likely."""
    if not np.isfinite(value):
        return value
    if abs(value) <= 8 * uncertainty:
        return 0.0
    for digits in range(1, 17):
        short = float(f"{value:.{digits}g}")
        if abs(short - value) <= uncertainty:
            return short
    return value
