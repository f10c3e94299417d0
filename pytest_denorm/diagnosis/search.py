"""Analysis by synthesis: of all mistakes, and pairs of mistakes, that reproduce the pixels, the cheapest.

Every rule and every pair of rules of different slots predicts a slope and an offset for each channel. These are run
through each way in which the results can be stored, and kept where all pixels agree. Constants that no rule predicts are
read off the fitted lines, with at most one rule beside them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .clamps import Clamp, find_clamp
from .constants import Patch, read_constants
from .evidence import Evidence, Way
from .rules import Rule, Statistics, constant_rules, frame_rules

__all__ = ["Explanation", "search"]

Array = np.ndarray[Any, Any]

#: Costs that are no nearer than this are different.
_EQUAL = 0.25
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
    def kinds(self) -> set[str]:
        return {one.kind for one in (*self.rules, *self.patches)}


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
        found += _read_off(seen, best)
    if not found:
        return None
    first, *others = sorted(found, key=lambda one: one.cost)
    equal: dict[str, Explanation] = {}
    for one in others:
        same_way = (one.way.key, one.way.period > 0, one.clamp is None) == (
            first.way.key,
            first.way.period > 0,
            first.clamp is None,
        )
        if one.cost <= first.cost + _EQUAL and same_way and len(one.kinds) == 1 and not one.kinds & first.kinds:
            equal.setdefault(*one.kinds, one)
    if not first.kinds or len(first.kinds) > 1:
        equal = {}
    return Explanation(**{**vars(first), "equal": tuple(equal.values())})


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
    return Hypotheses(
        np.concatenate(slopes), np.concatenate(offsets), np.array(orders), np.concatenate(cost), tuple(rules)
    )


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
        clamp, extra, wraps = one
        if way.period and not wraps:
            continue
        cost += extra
        best = min(best, cost)
        yield Explanation(table.rules[index], (), way, clamp, slope, offset, tuple(order.tolist()), cost)


def held_against(
    seen: Evidence, way: Way, slope: Array, offset: Array, order: Any, room: Array
) -> tuple[Clamp | None, float, bool] | None:
    """Hold one map against every pixel.

    Returns:
        Where results are clamped, if not to 0..white; what that, and wrapping, cost; and whether results wrap. None
        where some pixel is not reproduced.
    """
    values = slope * seen.y[:, list(order)] + offset
    if not way.holds(values, room).all():
        return None
    if way.period:
        wraps = bool(((values < -seen.step - room) | (values >= way.period + room)).any())
        return None, 0.6, wraps
    clamp = find_clamp(seen, values - way.shift, slope, offset - way.shift, order, room)
    return clamp, (clamp.cost if clamp else 0.0), False


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


def _read_off(seen: Evidence, best: float) -> Iterator[Explanation]:
    """Explanations with constants that were read off the lines, at most one rule beside them."""
    straight = all(line.affine and line.source is not None for line in seen.lines)
    lines = seen.lines if straight else seen.unwrapped
    if lines is None:
        return
    for way in seen.ways():
        if straight == bool(way.period):
            continue
        for read in read_constants(seen, lines, way.shift, best + _EQUAL - way.cost):
            order = read.order
            for slope, offset in ((read.slope, read.offset), (read.raw_slope, read.raw_offset)):
                room = seen.room(slope, offset)
                room = room + (read.blur if slope is read.raw_slope else 0.0)
                one = held_against(seen, way, slope, offset, order, room)
                if one is not None:
                    break
            if one is None or (way.period and not one[2]):
                continue
            clamp, extra, _ = one
            cost = read.cost + way.cost + extra
            best = min(best, cost)
            yield Explanation(read.rules, read.patches, way, clamp, slope, offset, tuple(order), cost)
