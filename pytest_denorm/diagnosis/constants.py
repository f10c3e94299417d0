"""Constants that no rule predicts, read off the fitted lines: which std and mean an inverse must have been given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .evidence import Evidence, snap
from .feasible import Fit
from .rules import ORDER, Rule, Statistics, constant_rules, frame_rules, move_rules, reorder_facts

__all__ = ["LEAST_READ", "Patch", "Read", "read_constants"]

Array = np.ndarray[Any, Any]

#: What reading off a constant costs, and each further one; and each digit beyond those of the pipeline's, up to some.
_FIRST, _FURTHER, _DIGIT, _DIGITS = 1.25, 0.6, 0.4, 3
#: A contrast or a brightness of the whole image, or one pair of numbers for all channels.
_COMMON, _SAME = 1.35, 2.1
#: What any reading costs at the least.
LEAST_READ = 1.1


@dataclass(frozen=True)
class Patch:
    """Constants that were read off.

    Attributes:
        kind: what a diagnosis calls it.
        key: names its words.
        slope, offset: the map of an inverse with this mistake alone.
        facts: what the words show.
    """

    kind: str
    key: str
    slope: Array
    offset: Array
    facts: Mapping[str, Any] = field(default_factory=dict)


class Read(NamedTuple):
    """One reading of the maps: constants that were typed, the rules beside them, and the map that they give."""

    rules: tuple[Rule, ...]
    patches: tuple[Patch, ...]
    slope: Array
    offset: Array
    cost: float


class _Typed(NamedTuple):
    """The constants that maps imply, and how well they are known; NaN for those that no pixel tells."""

    std: Array
    mean: Array
    std_room: Array
    mean_room: Array


def read_constants(seen: Evidence, fit: Fit, most: float) -> Iterator[Read]:
    """Read the constants of an inverse off its maps: as it should be, and with each rule of the table beside them.

    Args:
        fit: the maps of all channels.
        most: what a reading may cost.
    """
    straight = tuple(range(seen.channels))
    if tuple(sorted(fit.order)) != straight:
        return
    gain = np.abs(fit.slope / seen.known.std[list(fit.order)])
    # then constants say nothing, unless there was nothing to undo
    is_far = not (((gain > 0.1) & (gain < 10)).any() or seen.known.is_identity)
    frames = [rule for rule in frame_rules(seen.known) if rule.undo is not None and rule.stage != ORDER]
    moves: list[tuple[Rule, ...]] = [()]
    if fit.order != straight:
        moves = [(rule,) for rule in move_rules(seen.known, fit.order)]
    for move in moves:
        for frame in [(), *((one,) for one in frames)]:
            beside = (*frame, *move)
            left = most - sum(rule.cost for rule in beside)
            if left < LEAST_READ:
                continue
            with np.errstate(all="ignore"):
                typed = _typed(seen, beside, fit)
            if typed is None or (not frame and is_far) or (typed.std == 0).any():
                continue
            for rule, cost, patches, std, mean in _patched(seen, typed, left, alone=not frame, moved=bool(move)):
                rules = (*((rule,) if rule else ()), *beside)
                a, b = std, mean
                for one in beside:
                    a, b = one.change(a, b)
                yield Read(rules, patches, a, b, cost + sum(one.cost for one in rules))


def _typed(seen: Evidence, beside: Sequence[Rule], fit: Fit) -> _Typed | None:
    """Undo the rules beside the constants, the last one first, and carry along what is not known of the maps."""
    ends = []
    for a, b in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
        std, mean = fit.slope + a * fit.slope_room, fit.offset + b * fit.offset_room
        for rule in reversed(beside):
            if rule.undo is not None:
                std, mean = rule.undo(std, mean)
        ends.append((std, mean))
    (std, mean), *moved = ends
    if np.isinf([std, mean]).any() or np.isnan([std, mean]).all():
        return None
    std_room, mean_room = (
        np.sum([np.maximum(np.abs(moved[i][k] - one), np.abs(moved[i + 1][k] - one)) for i in (0, 2)], axis=0)
        for k, one in ((0, std), (1, mean))
    )
    return _Typed(std, mean, std_room, mean_room)


@lru_cache(maxsize=64)
def _bases(mean: tuple[float, ...], std: tuple[float, ...], white: float, single: bool) -> tuple[Any, ...]:
    """The pipeline's constants and those of each rule: rules, stds and means (k, channels), costs."""
    known = Statistics(np.array(mean), np.array(std), white, single)
    rules = [None, *(rule for rule in constant_rules(known) if rule.pairs)]
    typed = [(known.std, known.mean) if rule is None else rule.change(known.std, known.mean) for rule in rules]
    stds, means = (np.array([one[i] for one in typed]) for i in (0, 1))
    return rules, stds, means, np.array([0.0 if rule is None else rule.cost for rule in rules])


def _patched(
    seen: Evidence, typed: _Typed, most: float, *, alone: bool, moved: bool
) -> Iterator[tuple[Rule | None, float, tuple[Patch, ...], Array, Array]]:
    """What the typed constants are: the pipeline's, or those of one rule, but for some that were read off."""
    rules, stds, means, own = _bases(*seen.known.key)
    if alone:
        yield from ((None, *one) for one in _common_patches(seen, typed) if one[0] <= most)
    else:
        rules, stds, means, own = rules[:1], stds[:1], means[:1], own[:1]
    wrong_std = np.abs(typed.std - stds) > typed.std_room
    wrong_mean = np.abs(typed.mean - means) > typed.mean_room
    with np.errstate(all="ignore"):
        scaled = wrong_std & wrong_mean & (np.abs(typed.mean - means * typed.std / stds) <= typed.mean_room)
    least = own + _FIRST * (wrong_std.any(axis=1).astype(int) + (wrong_mean & ~scaled).any(axis=1))
    tells = (wrong_std | wrong_mean).any(axis=1) | moved
    for k in np.flatnonzero((least <= most) & tells):
        free = int(wrong_std[k].sum() + wrong_mean[k].sum())
        left = 2 * seen.channels - free  # of a rule, half of the numbers are left to tell it by, and two at least
        if (k and left < 2) or ((k or not alone) and left < seen.channels):
            continue
        patches, std, mean = _single_patches(seen, typed, (stds[k], means[k]), (wrong_std[k], wrong_mean[k], scaled[k]))
        cost = _cost(std, stds[k], wrong_std[k], seen.known.std)
        cost += _cost(mean, means[k], wrong_mean[k] & ~scaled[k], seen.known.mean)
        if patches and patches[0].kind in ("inverted-twice", "rounded-constants"):
            cost = _COMMON
        if cost + own[k] <= most:
            yield rules[k], cost, patches, std, mean


def _cost(typed: Array, right: Array, wrong: Array, known: Array) -> float:
    """Of constants that were read off: the same number in place of the same number costs once."""
    different = {(float(a), float(b)) for a, b in zip(typed[wrong], right[wrong], strict=True)}
    if not different:
        return 0.0
    own = max(_digits(value) for value in known)
    return _FIRST + _FURTHER * (len(different) - 1) + _of_digits([a for a, _ in different], own)


def _of_digits(typed: Sequence[float], own: int) -> float:
    """What numbers cost that are longer than those of the pipeline: nobody typed them."""
    extra = max(_digits(value) for value in typed) - own
    return _DIGIT * min(max(extra, 0), _DIGITS)


def _digits(value: float) -> int:
    """How many decimals it takes to write a number down."""
    return len(np.format_float_positional(float(f"{value:.9g}"), trim="-").partition(".")[2])


def _typed_number(value: float, width: float) -> float:
    """Return what was typed, most likely, for a `value` that is known to `width`; 0 only where it may be that."""
    return snap(value, width) or (0.0 if abs(value) <= width else float(f"{value:.2g}"))


def _single_patches(
    seen: Evidence, typed: _Typed, base: tuple[Array, Array], wrong: tuple[Array, Array, Array]
) -> tuple[tuple[Patch, ...], Array, Array]:
    """The constants of single channels that are not those of `base`."""
    known, (right_std, right_mean), (wrong_std, wrong_mean, scaled) = seen.known, base, wrong
    snapped_std = np.array([_typed_number(a, r) for a, r in zip(typed.std, typed.std_room, strict=True)])
    snapped_mean = np.array([_typed_number(a, r) for a, r in zip(typed.mean, typed.mean_room, strict=True)])
    std = np.where(wrong_std, snapped_std, right_std)
    with np.errstate(all="ignore"):
        mean = np.where(wrong_mean, np.where(scaled, right_mean * std / right_std, snapped_mean), right_mean)
    patches = []
    left = wrong_std & wrong_mean & (std == 1) & (mean == 0)
    if left.any() and not left.all():
        alone_std, alone_mean = np.where(left, 1.0, known.std), np.where(left, 0.0, known.mean)
        patches.append(Patch("not-inverted", "channel-untouched", alone_std, alone_mean, {"channels": left}))
        wrong_std, wrong_mean = wrong_std & ~left, wrong_mean & ~left
    if known.is_identity and wrong_std.any() and wrong_mean.any() and not left.any():
        return (Patch("inverted-twice", "no-forward-read", std, mean),), std, mean
    short = _says_rounded(known, std, mean, wrong_std, wrong_mean)
    if short is not None:
        rounded = Patch("rounded-constants", "pipeline-rounded-read", std, mean, {"decimals": short})
        return (rounded,), std, mean
    if wrong_std.any():
        alone_mean = np.where(scaled, known.mean * std / known.std, known.mean)
        alone_std = np.where(wrong_std, std, known.std)
        facts = {"channels": wrong_std, "typed": std, "right": right_std, "scaled": scaled}
        patches.append(Patch("wrong-std", "wrong-std", alone_std, np.where(scaled, alone_mean, known.mean), facts))
    wrong_mean = wrong_mean & ~scaled
    if wrong_mean.any():
        facts = {"channels": wrong_mean, "typed": mean, "right": right_mean}
        patches.append(Patch("wrong-mean", "wrong-mean", known.std, np.where(wrong_mean, mean, known.mean), facts))
    return tuple(patches), std, mean


def _common_patches(seen: Evidence, typed: _Typed) -> Iterator[tuple[float, tuple[Patch, ...], Array, Array]]:
    """What all channels have in common: a gain, an offset, or one pair of numbers."""
    known = seen.known
    if known.channels < 2:
        return
    gain = typed.std / known.std
    shift = typed.mean - gain * known.mean
    gain_room = typed.std_room / np.abs(known.std)
    shift_room = typed.mean_room + gain_room * np.abs(known.mean)
    one_gain, one_shift = _one_value(gain, gain_room), _one_value(shift, shift_room)
    varied = np.ptp(known.std) > 0 or np.ptp(known.mean) > 0
    if one_gain is not None and one_shift is not None and 0.02 < one_gain < 50 and (varied or known.is_identity):
        parts, cost = [], 0.0
        if abs(one_gain - 1) > np.nanmax(gain_room):
            facts = {"gain": one_gain}
            parts.append(Patch("contrast", "contrast", one_gain * known.std, one_gain * known.mean, facts))
            cost += _COMMON + _of_digits([one_gain], 3)
        else:
            one_gain = 1.0
        if abs(one_shift) > np.nanmin(shift_room):
            facts = {"shift": one_shift}
            parts.append(Patch("brightness", "brightness", known.std, known.mean + one_shift, facts))
            cost += _COMMON if not parts[:-1] else 0.4
            cost += _of_digits([one_shift], max(_digits(value) for value in known.mean))
        else:
            one_shift = 0.0
        if parts:
            yield cost, tuple(parts), one_gain * known.std, one_gain * known.mean + one_shift
    off = np.abs(typed.std[:, None] - known.std) + np.abs(typed.mean[:, None] - known.mean)
    order = off.argmin(axis=1)
    straight = np.arange(known.channels)
    matched = (np.abs(typed.std - known.std[order]) <= typed.std_room) & (
        np.abs(typed.mean - known.mean[order]) <= typed.mean_room
    )
    if matched.all() and (np.sort(order) == straight).all() and (order != straight).any():
        std, mean, how = known.std[order], known.mean[order], reorder_facts(tuple(order.tolist()))
        yield 1.15, (Patch("channel-order", "statistics-order", std, mean, how),), std, mean
    one_std, one_mean = _one_value(typed.std, typed.std_room), _one_value(typed.mean, typed.mean_room)
    if one_std is not None and one_mean is not None and one_std > 0 and varied and (one_std, one_mean) != (1, 0):
        std, mean = np.full(known.channels, one_std), np.full(known.channels, one_mean)
        one_pair = {"std": one_std, "mean": one_mean}
        cost = _SAME + _of_digits([one_std, one_mean], max(_digits(value) for value in (*known.std, *known.mean)))
        yield cost, (Patch("one-channel-for-all", "same-for-all", std, mean, one_pair),), std, mean


def _one_value(values: Array, room: Array) -> float | None:
    """The number that all these are, as it was typed; None where they differ."""
    told = np.isfinite(values)
    if not told.any():
        return None
    low, high = float((values - room)[told].max()), float((values + room)[told].min())
    if low > high:
        return None
    return snap((low + high) / 2, (high - low) / 2) if abs(low + high) > high - low else 0.0


def _says_rounded(known: Statistics, std: Array, mean: Array, wrong_std: Array, wrong_mean: Array) -> str | None:
    """Say how many decimals the pipeline's own constants have, where they are those of the inverse, rounded.

    That numbers are short says little, as most are. The long ones have to look typed: longer by two digits at most.
    """
    long = np.concatenate([std[wrong_std], mean[wrong_mean]])
    short = np.concatenate([known.std[wrong_std], known.mean[wrong_mean]])
    if len({round(float(one), 12) for one in short}) < 2:
        return None
    for digits in (1, 2, 3):
        rounded = np.abs(long - short) <= 0.5000001 * 10.0**-digits
        exact = np.abs(short - np.round(short, digits)) <= 1e-9 * np.abs(short)
        typed = np.abs(long - np.round(long, digits + 2)) <= 1e-9 * np.abs(long)
        is_moved = np.abs(long - short).max(initial=0.0) > 0.05 * 10.0**-digits
        first = int(np.abs(short).argmax())
        in_step = np.abs(long - short * (long[first] / short[first])) <= 1e-3 * np.abs(long)
        if rounded.all() and exact.all() and typed.all() and is_moved and not in_step.all() and len(long) >= 2:
            return f"{digits} decimal{'' if digits == 1 else 's'}"
    return None
