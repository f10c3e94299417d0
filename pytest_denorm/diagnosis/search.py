"""Analysis by synthesis: of all mistakes, and pairs of mistakes, that reproduce the pixels, the cheapest.

Every rule and every pair of rules of different slots predicts a slope and an offset for each channel. These are run
through each way in which the results can be stored, and kept where all pixels agree. Constants that no rule predicts
are read off the fitted lines, with at most one rule beside them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from .clamps import Clamp, find_clamp
from .constants import LEAST_READ, Patch, read_constants
from .evidence import Evidence, Way, fit_way
from .rules import Rule, Statistics, constant_rules, frame_rules

__all__ = ["Explanation", "right", "search"]

Array = np.ndarray[Any, Any]

#: Costs that are no nearer than this are different.
_EQUAL = 0.25
#: What two mistakes cost, one of them read off: dearer explanations are looked for where there is none.
_LIKELY = 2.6
#: Pixels of each channel that a hypothesis is held against first, and how many hypotheses are held against all.
_FIRST, _HELD = 10, 80
#: A pair of mistakes is told only where so many results of some channel are between its ends.
_TELLING = 24


@dataclass(frozen=True)
class Hypotheses:
    """Slope and offset (h, channels) that combinations of rules predict, and what each combination costs."""

    slope: Array
    offset: Array
    order: Array  # (h, channels): the normalized channel that each channel of the result follows
    cost: Array
    rules: tuple[tuple[Rule, ...], ...]


@dataclass(frozen=True)
class Explanation:
    """A combination of mistakes that reproduces every pixel.

    Attributes:
        rules: those of the table, in the order of their stages.
        patches: constants that were read off.
        way: how results are stored.
        clamp: where they are clamped, if that is no clamp to 0..white.
        slope, offset, order: the map of each channel, and the normalized channel that it follows.
        cost: what decides between explanations.
        equal: others that cost as much and give the same numbers.
    """

    rules: tuple[Rule, ...]
    patches: tuple[Patch, ...]
    way: Way
    clamp: Clamp | None
    slope: Array
    offset: Array
    order: tuple[int, ...]
    cost: float
    equal: tuple[Explanation, ...] = ()

    @property
    def is_right(self) -> bool:
        return not (self.rules or self.patches or self.way.key or self.way.period or self.clamp)

    @property
    def parts(self) -> tuple[Rule | Patch, ...]:
        """The mistakes with the numbers."""
        return (*self.rules, *self.patches)

    @property
    def kinds(self) -> set[str]:
        return {one.kind for one in self.parts}


def right(seen: Evidence) -> Explanation:
    """Return the explanation of right results, stored in the first right way that holds."""
    known, order = seen.known, tuple(range(seen.channels))
    room = seen.room(known.std, known.mean) + 2 * seen.slack
    ways = [way for way in seen.ways() if not way.key and not way.period]
    held = [way for way in ways if way.holds(known.std * seen.y + known.mean, room).all()]
    return Explanation((), (), (held or ways)[0], None, known.std, known.mean, order, 0.0)


def search(seen: Evidence) -> Explanation | None:
    """Return the cheapest explanation of all pixels, with its equals; None where there is none."""
    table = _hypotheses(*seen.known.key)
    found: list[Explanation] = []
    at = _telling_pixels(seen)
    for way in seen.ways():
        found += _explained(seen, table, way, at, min((one.cost for one in found), default=np.inf))
        if any(one.is_right for one in found):
            break
    best = min((one.cost for one in found), default=np.inf)
    if best > 0.1:
        found += _read_off(seen, min(best, _LIKELY)) or (_read_off(seen, best) if best > _LIKELY else [])
    if not found:
        return None
    is_coarse = seen.unit > 2.0**-24  # then several explanations are near enough, and the nearest is meant
    first, *others = sorted(found, key=lambda one: one.cost + (100 * _misfit(seen, one) if is_coarse else 0.0))
    equal: dict[str, Explanation] = {}
    for one in others:
        same_way = _storing(one) == _storing(first) and len(one.parts) == len(first.parts) == 1
        if same_way and one.cost <= first.cost + _EQUAL and not one.kinds & first.kinds:
            equal.setdefault(one.parts[0].kind, one)
    if equal and not seen.is_closed.any():  # all black or all white: many mistakes do that
        return None
    return replace(first, equal=tuple(equal.values()))


def _misfit(seen: Evidence, one: Explanation) -> float:
    """How far results are from what an explanation predicts, on average, as a share of white."""
    values = one.slope * seen.y[:, list(one.order)] + one.offset - one.way.shift
    return float(np.abs(values - seen.z)[seen.is_closed].mean() / seen.white) if seen.is_closed.any() else 0.0


def _storing(one: Explanation) -> tuple[str, bool, bool]:
    return one.way.key, one.way.period > 0, one.clamp is None


@lru_cache(maxsize=64)
def _hypotheses(mean: tuple[float, ...], std: tuple[float, ...], white: float, single: bool) -> Hypotheses:
    """Every rule, and every pair of rules of different slots, for a pipeline with these statistics."""
    known = Statistics(np.array(mean), np.array(std), white, single)
    constants, frames = constant_rules(known), frame_rules(known)
    sets = [(), *((rule,) for rule in constants), *_pairs(constants)]
    start = [_changed(known, rules) for rules in sets]
    slope, offset = (np.array([one[i] for one in start]) for i in (0, 1))
    counts = np.array([len(rules) for rules in sets])
    pairs = np.array([all(rule.pairs for rule in rules) for rules in sets])
    costs = np.array([sum(rule.cost for rule in rules) for rules in sets])
    straight = tuple(range(known.channels))
    slopes, offsets, orders, cost, rules = [], [], [], [], []
    with np.errstate(all="ignore"):
        for frame in [(), *((rule,) for rule in frames), *_pairs(frames)]:
            chosen = np.flatnonzero((counts + len(frame) <= 2) & (pairs | (len(frame) == 0)))
            a, b, order = slope[chosen], offset[chosen], straight
            for rule in sorted(frame, key=lambda one: one.stage):
                a, b = rule.change(a, b)
                order = rule.order or order
            finite = np.isfinite(a).all(axis=1) & np.isfinite(b).all(axis=1) & (np.abs(b) < 1e9 * white).all(axis=1)
            slopes.append(a[finite])
            offsets.append(b[finite])
            orders += [order] * int(finite.sum())
            cost.append(costs[chosen][finite] + sum(rule.cost for rule in frame))
            rules += [(*sets[index], *frame) for index in chosen[finite]]
    arrays = np.concatenate(slopes), np.concatenate(offsets), np.array(orders), np.concatenate(cost)
    return Hypotheses(*arrays, tuple(rules))


def _pairs(rules: Sequence[Rule]) -> Iterator[tuple[Rule, ...]]:
    for one, other in itertools.combinations(rules, 2):
        if one.pairs and other.pairs and not one.slots & other.slots:
            yield tuple(sorted((one, other), key=lambda rule: rule.stage))


def _changed(known: Statistics, rules: Sequence[Rule]) -> tuple[Array, Array]:
    slope, offset = known.std, known.mean
    for rule in rules:
        slope, offset = rule.change(slope, offset)
    return slope, offset


def _explained(seen: Evidence, table: Hypotheses, way: Way, at: Array, best: float) -> Iterator[Explanation]:
    """The hypotheses that reproduce every pixel, with results stored in this way, cheapest first."""
    tells = seen.is_closed.sum(axis=0).max() >= _TELLING
    left = np.flatnonzero(table.cost + way.cost <= best + _EQUAL)
    if not tells:
        left = left[np.array([len(table.rules[index]) <= 1 for index in left], dtype=bool)]
    room = seen.room(table.slope, table.offset)
    channels = np.arange(seen.channels)
    for some in (at[:2], at):
        given = seen.y[some[None], table.order[left][:, None, :]]
        values = table.slope[left][:, None] * given + table.offset[left][:, None]
        fits = way.holds(values, room[left][:, None], (some, channels)).all(axis=(1, 2))
        left = left[fits]
    left = left[np.argsort(table.cost[left], kind="stable")]
    held = 0
    for index in left[: 20 * _HELD]:
        cost = float(table.cost[index]) + way.cost
        if cost > best + _EQUAL or held >= _HELD:
            return
        held += 1
        slope, offset, order = table.slope[index], table.offset[index], table.order[index]
        one = held_against(seen, way, slope, offset, order, room[index])
        if one is None:
            continue
        clamp, extra = one
        cost += extra
        best = min(best, cost)
        yield Explanation(table.rules[index], (), way, clamp, slope, offset, tuple(order.tolist()), cost)


def held_against(
    seen: Evidence, way: Way, slope: Array, offset: Array, order: Any, room: Array
) -> tuple[Clamp | None, float] | None:
    """Hold one map against every pixel.

    Returns:
        Where results are clamped, if not to 0..white; and what that, or wrapping, costs. None where some pixel is not
        reproduced.
    """
    values = slope * seen.y[:, list(order)] + offset
    if not way.holds(values, room).all():
        return None
    if way.period:
        return None, 0.6
    clamp = find_clamp(seen, values - way.shift, slope, offset - way.shift, order, room)
    return clamp, (clamp.cost if clamp else 0.0)


def _telling_pixels(seen: Evidence) -> Array:
    """Rows (k, channels) of pixels that tell most: between the ends of their channel, from dark to bright."""
    rows = []
    for c in range(seen.channels):
        closed = np.flatnonzero(seen.is_closed[:, c])
        if len(closed) < _FIRST:
            closed = np.concatenate([closed, np.linspace(0, len(seen.y) - 1, _FIRST).astype(int)])
        by_value = closed[np.argsort(seen.y[closed, c], kind="stable")]
        spread = by_value[np.linspace(0, len(by_value) - 1, _FIRST).astype(int)]
        rows.append(spread[[0, -1, *range(1, _FIRST - 1)]])
    return np.stack(rows, axis=1)


def _read_off(seen: Evidence, best: float) -> list[Explanation]:
    return list(_readings(seen, best))


def _readings(seen: Evidence, best: float) -> Iterator[Explanation]:
    """Explanations with constants that were read off, at most one rule beside them."""
    for way in seen.ways():
        most = best + _EQUAL - way.cost
        fit = fit_way(seen, way) if most >= LEAST_READ else None
        if fit is None:
            continue
        for read in read_constants(seen, fit, most):
            told = np.isfinite(fit.slope)
            raw = np.where(told, fit.slope, read.slope), np.where(told, fit.offset, read.offset)
            gaps = np.abs(raw[0] - read.slope) - 2 * fit.slope_room, np.abs(raw[1] - read.offset) - 2 * fit.offset_room
            if max(np.max(gap[told]) for gap in gaps) > 0:
                continue
            for slope, offset in ((read.slope, read.offset), raw):
                one = held_against(seen, way, slope, offset, fit.order, seen.room(slope, offset))
                if one is not None:
                    break
            if one is None:
                continue
            cost = read.cost + way.cost + one[1]
            best = min(best, cost)
            yield Explanation(read.rules, read.patches, way, one[0], slope, offset, fit.order, cost)
