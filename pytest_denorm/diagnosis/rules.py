"""The one table of mistakes: what is typed in place of ``y * std + mean``, and the numbers that it leads to.

A rule changes a map ``slope * y + offset`` that begins as the pipeline's own, ``slope = std`` and ``offset = mean``.
Rules of different slots combine, in the order of their stages: constants first, then the formula, then what is done to
its result. The search (:mod:`.search`) simulates each combination; the words are in :mod:`.words`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from ..core.normalization import PRESETS, format_numbers
from ..core.text import channel_name, count_of

__all__ = ["ORDER", "Rule", "Statistics", "constant_rules", "frame_rules", "move_rules", "reorder_facts"]

Array = np.ndarray[Any, Any]
Change = Callable[[Array, Array], tuple[Array, Array]]

#: The stages, in the order in which they act.
CONSTANTS, FORMULA, RESULT, FACTOR, ORDER = range(5)
#: Of no more channels, every order is tried; of more, the rotations.
_FEW = 4
#: An eps is a power of ten, of these sizes.
_EPS = tuple(10.0**-power for power in range(2, 12))
#: Deviations smaller than this share of white are told alone, and not beside another mistake.
_BESIDE = 5e-5


class Statistics(NamedTuple):
    """What a pipeline normalizes with: mean and std of each channel, and white in the same units.

    Attributes:
        single: the constants of an inverse may be rounded to float32 by mistake, because images are finer.
    """

    mean: Array
    std: Array
    white: float = 1.0
    single: bool = False

    @property
    def channels(self) -> int:
        return len(self.mean)

    @property
    def key(self) -> tuple[tuple[float, ...], tuple[float, ...], float, bool]:
        """The same as plain numbers."""
        return tuple(self.mean.tolist()), tuple(self.std.tolist()), self.white, self.single

    @property
    def is_identity(self) -> bool:
        """Nothing is normalized: mean 0 and std 1."""
        return bool((np.abs(self.std - 1) < 1e-5).all() and (np.abs(self.mean) < 1e-6 * self.white).all())

    def names(self, channels: Sequence[int]) -> str:
        return " and ".join(channel_name(int(channel), self.channels) for channel in channels)


@dataclass(frozen=True)
class Rule:
    """One mistake.

    Attributes:
        kind: what a diagnosis calls it.
        key: names its words.
        stage: when it acts.
        slots: what it decides; two rules of one slot exclude each other.
        change: gives slope and offset, (..., channels) each, for those without the mistake.
        undo: the reverse of `change`; None where there is none.
        cost: of right code, a deviation costs 0; a typical mistake 1.
        order: the channel that each channel of the result is taken from; empty where that is its own.
        pairs: it is told beside another mistake, too.
        facts: what the words show.
    """

    kind: str
    key: str
    stage: int
    slots: frozenset[str]
    change: Change
    undo: Change | None = None
    cost: float = 1.0
    order: tuple[int, ...] = ()
    pairs: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)


_STD, _MEAN, _BOTH = frozenset({"std"}), frozenset({"mean"}), frozenset({"std", "mean"})


def constant_rules(known: Statistics) -> list[Rule]:
    """Every mistake with the numbers: of the std, of the mean, or of both."""
    families = (_other_std, _other_mean, _other_both, _eps, _other_orders, _one_for_all, _rounded, _presets)
    kept = []
    with np.errstate(all="ignore"):
        for rule in (rule for family in families for rule in family(known)):
            std, mean = rule.change(known.std, known.mean)
            change = float(np.maximum(np.abs(std - known.std), np.abs(mean - known.mean)).max())
            if math.isfinite(change) and change > 0:
                kept.append(rule if change > _BESIDE * known.white else replace(rule, pairs=False))
    return kept


def _std(kind: str, key: str, std: Array, cost: float = 1.0, **facts: Any) -> Rule:
    return Rule(kind, key, CONSTANTS, _STD, lambda a, b: (std + 0 * a, b), None, cost, facts=facts)


def _mean(kind: str, key: str, mean: Array, cost: float = 1.0, **facts: Any) -> Rule:
    return Rule(kind, key, CONSTANTS, _MEAN, lambda a, b: (a, mean + 0 * b), None, cost, facts=facts)


def _both(kind: str, key: str, std: Array, mean: Array, cost: float = 1.0, **facts: Any) -> Rule:
    return Rule(kind, key, CONSTANTS, _BOTH, lambda a, b: (std + 0 * a, mean + 0 * b), None, cost, facts=facts)


def _other_std(known: Statistics) -> Iterator[Rule]:
    m, s = known.mean, known.std
    yield _std("wrong-std", "std-missing", np.ones_like(s))
    yield _std("wrong-std", "std-squared", s * s)
    yield _std("wrong-std", "std-root", np.sqrt(np.abs(s)))
    yield _std("wrong-std", "std-sign", -s, 1.05)
    yield _std("swapped-mean-std", "mean-for-std", m, 1.1)
    yield _std("scale-255", "std-times-255", s * 255, 1.1)
    yield _std("scale-255", "std-over-255", s / 255, 1.1)


def _other_mean(known: Statistics) -> Iterator[Rule]:
    m, s = known.mean, known.std
    yield _mean("swapped-mean-std", "std-for-mean", s, 1.1)
    yield _mean("mean-not-divided", "add-first", m * s, 1.1)
    yield _mean("mean-not-divided", "subtract-first", -m * s, 1.1)
    yield _mean("scale-255", "mean-times-255", m * 255, 1.05)
    yield _mean("scale-255", "mean-over-255", m / 255, 1.05)


def _other_both(known: Statistics) -> Iterator[Rule]:
    m, s, w = known.mean, known.std, known.white
    yield _both("swapped-mean-std", "swapped-quotients", -s / m, 1 / m)
    if (s > 0).all():  # what normalizes twice has the square of a std, which does not tell its sign
        for signs in itertools.product((1.0, -1.0), repeat=known.channels if known.channels <= _FEW else 1):
            root = np.sqrt(s) * np.array(signs)
            yield _both("not-inverted", "forward-twice", root, m / (1 + root), 1.0 if min(signs) > 0 else 1.1)
    yield _both("value-range", "statistics-of-minus-one", 2 * s, 2 * m - w, 1.1)
    if known.single:
        short_m, short_s = (one.astype(np.float32).astype(np.float64) for one in (m, s))
        yield _both("rounded-constants", "float32", short_s, short_m, what="mean and std are")
        yield _std("rounded-constants", "float32", short_s, what="std is")
        yield _mean("rounded-constants", "float32", short_m, what="mean is")


def _eps(known: Statistics) -> Iterator[Rule]:
    s = known.std
    for power, sign in itertools.product(_EPS, (1, -1)):
        side = "the inverse" if sign > 0 else "the forward"
        cost = (1.0 if np.ptp(s) > 0 or known.channels == 1 else 1.1) + (0.15 if power < 1e-8 else 0.0)
        yield _std("eps", "eps", s + sign * power, cost, power=power, what="std", side=side)
        root = np.sqrt(s**2 + sign * power)
        yield _std("eps", "eps", root, cost + 0.05, power=power, what="the variance", side=side)


def _other_orders(known: Statistics) -> Iterator[Rule]:
    m, s = known.mean, known.std
    for order in _orders(known.channels):
        picked, facts = list(order), reorder_facts(order)
        cost = 1.0 if facts["how"] == "reversed" else 1.1
        yield _both("channel-order", "statistics-order", s[picked], m[picked], cost, **facts)
        yield _std("channel-order", "statistics-order", s[picked], cost, **{**facts, "what": "the std is"})
        yield _mean("channel-order", "statistics-order", m[picked], cost, **{**facts, "what": "the mean is"})


def reorder_facts(order: tuple[int, ...]) -> dict[str, str]:
    """Return what the words show of statistics in another order."""
    moved = [c for c, source in enumerate(order) if source != c]
    how = "reversed" if list(order) == sorted(order, reverse=True) else f"in the order {order}"
    if len(order) > _FEW and len(moved) == 2:
        how = f"those of channels {moved[0]} and {moved[1]} exchanged"
    return {"how": how, "what": "mean and std are"}


def _orders(channels: int) -> Iterator[tuple[int, ...]]:
    """Every order of few channels but their own, the reversed one first; of more that one, and the rotations."""
    straight = tuple(range(channels))
    if channels < 2:
        return
    yield straight[::-1]
    every: Iterator[tuple[int, ...]] = (
        itertools.permutations(straight)
        if channels <= _FEW
        else ((*straight[k:], *straight[:k]) for k in range(1, channels))
    )
    yield from (order for order in every if order not in (straight, straight[::-1]))


def _one_for_all(known: Statistics) -> Iterator[Rule]:
    m, s = known.mean, known.std
    if known.channels < 2:
        return
    each = [(f"{channel_name(c, known.channels)}'s", s[c], m[c]) for c in range(known.channels)]
    for whose, std, mean in [*each, ("the average", s.mean(), m.mean())]:
        numbers = f"mean {mean:.6g}, std {std:.6g}"
        all_std, all_mean = np.full_like(s, std), np.full_like(m, mean)
        kind, key = "one-channel-for-all", "one-for-all"
        yield _both(kind, key, all_std, all_mean, whose=whose, what="statistics", numbers=numbers)
        yield _std(kind, key, all_std, whose=whose, what="std", numbers=f"{std:.6g}")
        if mean:  # a mean of 0 is one that is not added
            yield _mean(kind, key, all_mean, whose=whose, what="mean", numbers=f"{mean:.6g}")


def _rounded(known: Statistics) -> Iterator[Rule]:
    """Numbers typed to a few decimals, on the scale of the images or of bytes; and their quotients."""
    m, s = known.mean, known.std
    # one short number says nothing of rounding
    alone = 0.15 if len({*s.tolist(), *m.tolist()}) <= 2 else 0.0
    scales = [(1.0, "")] if known.white == 255 else [(1.0, ""), (255.0, " on the scale of bytes")]
    for (unit, scale), digits in itertools.product(scales, range(7)):
        if digits == 0 and unit * known.white == 1:
            continue
        facts = {"decimals": count_of(digits, "decimal"), "scale": scale}
        cost = 1.0 + alone + 0.02 * digits + (0.05 if scale else 0.0)
        stds, means = ([one / unit for one in _shortened(values * unit, digits)] for values in (s, m))
        for (a, std), (b, mean) in itertools.product(enumerate(stds), enumerate(means)):
            yield _both("rounded-constants", "rounded", std, mean, cost + 0.01 * (a + b), **facts)
        for values, make in ((stds, _std), (means, _mean)):
            for a, one in enumerate(values):
                yield make("rounded-constants", "rounded", one, cost + 0.1 + 0.01 * a, **facts)
    for digits in range(1, 6):
        for mean, std in zip(_shortened(-m / s, digits)[:3], _shortened(1 / s, digits)[:3], strict=False):
            for what, one, two in (("both", mean, std), ("-mean/std", mean, 1 / s), ("1/std", -m / s, std)):
                facts = {"decimals": count_of(digits, "decimal"), "what": what}
                cost = 1.0 + alone + 0.02 * digits + (0.0 if what == "both" else 0.1)
                yield _both("rounded-constants", "rounded-quotients", 1 / two, -one / two, cost, **facts)


def _shortened(values: Array, digits: int) -> list[Array]:
    """Rounded to so many decimals: a half to even, up, or down; and cut off. The same numbers once."""
    power = 10.0**digits
    room = np.minimum(1e-9 + 2.0**-22 * np.abs(values * power), 0.01)  # what float32 takes for a half
    ways: list[Array] = [
        np.round(values, digits),
        np.floor(values * power + 0.5 + room) / power,
        np.ceil(values * power - 0.5 - room) / power,
        np.trunc(values * power + np.sign(values) * room) / power,
    ]
    kept: dict[tuple[float, ...], Array] = {tuple(one.tolist()): one for one in ways if one.any()}
    return list(kept.values())


def _presets(known: Statistics) -> Iterator[Rule]:
    """The statistics of another data set; or of this one, which the pipeline has to fewer digits."""
    for name, mean, std in presets_for(known):
        numbers = f"mean {format_numbers(mean, 8)}, std {format_numbers(std, 8)}"
        facts = {"name": name, "numbers": numbers}
        if known.is_identity:
            yield _both("inverted-twice", "no-forward", std, mean, 1.0, **facts)
            continue
        facts["own"] = f"mean {format_numbers(known.mean)}, std {format_numbers(known.std)}"
        yield _both("other-preset", "other-preset", std, mean, 1.05, **facts)
        for unit, digits in ((1.0, 1), (1.0, 2), (1.0, 3), (255.0, 0), (255.0, 1)):
            pairs = [(mean, known.mean), (std, known.std)]
            if all(_rounds_to(long * unit, short * unit, digits) for long, short in pairs) and _is_rounding(
                np.concatenate([mean, std]), np.concatenate([known.mean, known.std])
            ):
                scale = " on the scale of bytes" if unit > 1 else ""
                decimals = count_of(digits, "decimal")
                facts = {"name": name, "decimals": decimals, "scale": scale}
                yield _both("rounded-constants", "pipeline-rounded", std, mean, 1.0, **facts)
                break


def presets_for(known: Statistics) -> Iterator[tuple[str, Array, Array]]:
    """Name, mean and std of the presets that fit so many channels, in the units of the images."""
    for name, one in PRESETS.items():
        same = len(set(zip(one.mean, one.std, strict=True))) == 1  # serves any number of channels
        if one.channels == known.channels or same:
            mean, std = (np.resize(values, known.channels) * known.white for values in (one.mean, one.std))
            yield name, mean, std


def _rounds_to(long: Array, short: Array, digits: int) -> bool:
    return bool((np.abs(long - short) <= 0.5000001 * 10.0**-digits).all()) and bool(
        np.allclose(short, np.round(short, digits), rtol=0, atol=1e-7)
    )


def _is_rounding(long: Array, short: Array) -> bool:
    """Return whether several numbers moved, each in its own way: one factor that moves them all is no rounding."""
    different = {(round(float(a), 12), round(float(b), 12)) for a, b in zip(long, short, strict=True) if a != b}
    first = int(np.abs(short).argmax())
    in_step = np.abs(long - short * (long[first] / short[first])) <= 1e-3 * np.abs(long)
    return len(different) > 1 and not bool(in_step.all())


def frame_rules(known: Statistics) -> list[Rule]:
    """Every mistake with what is done to the numbers: the formula, its result, a factor, the order of channels."""
    return [*_formulas(), *_results(known.white), *_factors(known), *_moves(known)]


def _formulas() -> Iterator[Rule]:
    def formula(
        kind: str, key: str, change: Change, undo: Change | None, cost: float = 1.0, of: str = "slope offset"
    ) -> Rule:
        return Rule(kind, key, FORMULA, frozenset(of.split()), change, undo, cost)

    # what is lost in the result cannot be read off it
    yield formula("missing-mean", "mean-missing", lambda s, m: (s, 0 * m), lambda a, b: (a, b * np.nan), 1.0, "offset")
    yield formula("mean-sign", "mean-sign", lambda s, m: (s, -m), lambda a, b: (a, -b), 1.0, "offset")
    yield formula("mean-not-divided", "add-first", lambda s, m: (s, m * s), lambda a, b: (a, b / a), 1.0, "offset")
    yield formula(
        "mean-not-divided", "subtract-first", lambda s, m: (s, -m * s), lambda a, b: (a, -b / a), 1.0, "offset"
    )
    yield formula("mean-not-divided", "mean-divided", lambda s, m: (s, m / s), lambda a, b: (a, b * a), 1.05, "offset")
    yield formula("divides-by-std", "divides", lambda s, m: (1 / s, m), lambda a, b: (1 / a, b), 1.0, "slope")
    yield formula("swapped-mean-std", "swapped", lambda s, m: (m, s), lambda a, b: (b, a))
    yield formula("divides-by-std", "divides-add-first", lambda s, m: (1 / s, m / s), lambda a, b: (1 / a, b / a))
    yield formula("divides-by-std", "divides-twice", lambda s, m: (1 / s, m / s**2), lambda a, b: (1 / a, b / a**2))
    yield formula("not-inverted", "untouched", lambda s, m: (0 * s + 1, 0 * m), None)
    yield formula("not-inverted", "normalized-again", lambda s, m: (1 / s, -m / s), lambda a, b: (1 / a, -b / a))
    yield formula("inverted-twice", "inverted-twice", lambda s, m: (s * s, m * s + m),
                  lambda a, b: (np.sqrt(a), b / (1 + np.sqrt(a))))  # fmt: skip


def _results(white: float) -> Iterator[Rule]:
    def result(kind: str, key: str, change: Change, undo: Change | None, cost: float = 1.0) -> Rule:
        return Rule(kind, key, RESULT, frozenset({"result"}), change, undo, cost, facts={"white": f"{white:g}"})

    yield result("inverted-intensity", "negative", lambda a, b: (-a, white - b), lambda a, b: (-a, white - b))
    yield result("value-range", "to-minus-one", lambda a, b: (2 * a, 2 * b - white),
                 lambda a, b: (a / 2, (b + white) / 2), 1.1)  # fmt: skip
    yield result("value-range", "from-minus-one", lambda a, b: (a / 2, (b + white) / 2),
                 lambda a, b: (2 * a, 2 * b - white), 1.1)  # fmt: skip


#: Factors that come from two whites, and the key of the words of each.
_FACTORS = (
    (255.0, "times-255", 1.0),
    (1 / 255.0, "over-255", 1.0),
    (256.0, "times-256", 1.05),
    (1 / 256.0, "over-256", 1.05),
    (256 / 255, "256-over-255", 1.0),
    (255 / 256, "255-over-256", 1.0),
    (255.0**2, "times-255-twice", 1.1),
    (1 / 255.0**2, "over-255-twice", 1.1),
)


def _factors(known: Statistics) -> Iterator[Rule]:
    for factor, key, cost in _FACTORS:
        yield Rule(
            "scale-255", key, FACTOR, frozenset({"factor"}),
            lambda a, b, factor=factor: (a * factor, b * factor),  # type: ignore[misc]
            lambda a, b, factor=factor: (a / factor, b / factor),  # type: ignore[misc]
            cost, facts={"white": f"{known.white:g}"},
        )  # fmt: skip


def _moves(known: Statistics) -> Iterator[Rule]:
    """The channels of the result, or of what the formula gets, in another order."""
    for order in _orders(known.channels):
        yield from move_rules(known, order)


def move_rules(known: Statistics, order: tuple[int, ...]) -> Iterator[Rule]:
    """The channels of the result, or those of the normalized image, in one other order."""
    picked, backwards, slots = list(order), list(order) == sorted(order, reverse=True), frozenset({"order"})
    names = ", ".join(channel_name(channel, known.channels) for channel in order)
    facts, cost = {"backwards": backwards, "names": names}, 1.0 if backwards else 1.1
    back = np.argsort(picked)
    yield Rule(
        "channel-order", "result-order", ORDER, slots, lambda a, b: (a[..., picked], b[..., picked]),
        lambda a, b: (a[..., back], b[..., back]), cost, order, True, facts,
    )  # fmt: skip
    yield Rule(
        "channel-order", "input-order", ORDER, slots, lambda a, b: (a, b), None, cost + 0.05, order, True, facts
    )  # fmt: skip
