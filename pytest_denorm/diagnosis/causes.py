"""What could have been typed instead of ``y * std + mean``: each known mistake as the numbers that it leads to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ..core.normalization import PRESETS, format_numbers
from ..core.text import channel_name, count_of
from .observe import Map, Observation, snap

__all__ = ["Cause", "Causes", "distinct"]

Array = np.ndarray[Any, Any]

#: Slips that are found again and again in published code: what was typed, and what was meant (ImageNet).
_KNOWN_SLIPS = {
    (0.255, 0.225),
    (0.299, 0.229),
    (0.244, 0.224),
    (0.458, 0.485),
    (0.465, 0.456),
    (0.486, 0.406),
}


#: Of no more channels, every order is tried.
_FEW = 4
#: Mistakes with all constants: where a single one differs, it may just as well be wrong by itself.
_OF_SEVERAL = {"channel-order", "one-channel-for-all", "other-preset"}


@dataclass(frozen=True)
class Cause:
    """A mistake and the map ``slope * y + offset`` that it leads to.

    `equal` marks another cause of the numbers of the one before it in a list.
    """

    kind: str
    slope: Array
    offset: Array
    message: str
    equal: bool = False


def _shown(value: float) -> str:
    """As it was typed; else the shortest decimal that float32 cannot tell from `value`: 0.225, and not 0.22499999."""
    typed = f"{value:.8g}"
    return typed if float(typed) == value else np.format_float_positional(np.float32(value), trim="-")


def _typed(value: float, width: float) -> float:
    """What was typed, most likely, for a `value` that is known to `width`; 0 only where it may be that."""
    return snap(value, width) or (0.0 if abs(value) <= width else float(f"{value:.2g}"))


def distinct(value: float, right: float, digits: int) -> str:
    """`value` with so many significant digits, or as many more as show how far it is from `right`."""
    if not math.isfinite(value):
        return f"{value}"
    texts = (f"{value:.{count}g}" for count in itertools.count(digits))
    return next(one for one in texts if abs(float(one) - value) <= abs(value - right) / 4)


class Causes:
    """The mistakes that lead to a map, for one observation.

    Args:
        seen: gives the statistics from which the mistakes are predicted, and the accuracy of the comparison.
    """

    def __init__(self, seen: Observation) -> None:
        self.seen = seen
        self._known = _finite(_known_mistakes(seen))
        self._quotients = _finite(itertools.chain(_of_float32(seen), _rounded_second_normalize(seen)))
        self._round_numbers = _finite(_round_numbers(seen))
        self._presets = list(_other_presets(seen))

    def agree(self, found: Map, slope: Array, offset: Array) -> Any:
        """Whether a map (or each of many, along the first axis) is the one that was found, as far as that is known."""
        return (_gaps(found, slope, offset) <= self.seen.resolution(found)).all(axis=-1)

    def is_correct(self, found: Map) -> bool:
        return bool(self.agree(found, self.seen.std, self.seen.mean))

    def distance(self, found: Map) -> float:
        """How far a map is from the correct one in the middle of its range, on average over the channels."""
        gaps = (found.slope - self.seen.std) * (found.low + found.high) / 2 + found.offset - self.seen.mean
        return float(np.abs(gaps.mean()))

    def of(self, found: Map) -> list[Cause]:
        """The known mistakes that lead to this map, the most particular first; further ones are its equals."""
        candidates = [
            *self._known,
            *_finite(_normalized_twice(self.seen, found.slope)),
            *_finite(self._eps(found)),
            *self._quotients,
            *self._rounded(found),
            *self._presets,
            *self._same_for_all(found),
            *self._matched_order(found),
        ]
        agreeing = self._agreeing(found, candidates)
        if agreeing or self.is_correct(found):  # then it is too small a change to be read off as another constant
            agreeing += self._agreeing(found, _finite(self._eps(found, any_length=True)))
        if not agreeing:
            return [*self._without_forward(found)] or self._two_mistakes(found)
        kinds: dict[str, Cause] = {}
        for one in agreeing:
            kinds.setdefault(one.kind, one)
        first, *others = kinds.values()
        single = self.seen.channels > 1 and self.right_constants(found) == 2 * self.seen.channels - 1
        if (first.kind == "eps" and np.ptp(self.seen.std) == 0) or (single and first.kind in _OF_SEVERAL):
            others += self.constants(found)[:1]
        return [first, *(replace(one, equal=True) for one in others)]

    def _agreeing(self, found: Map, candidates: Sequence[Cause]) -> list[Cause]:
        if not candidates:
            return []
        slopes, offsets = (np.stack([getattr(one, name) for one in candidates]) for name in ("slope", "offset"))
        # of so small an error that the correct map is near, too: those that are much nearer
        most = _gaps(found, self.seen.std, self.seen.mean).max() / 2
        agree = self.agree(found, slopes, offsets) & (_gaps(found, slopes, offsets).max(axis=1) < most)
        return [one for one, chosen in zip(candidates, agree, strict=True) if chosen]

    def predicting(self, order: Sequence[int]) -> tuple[list[Cause], bool] | None:
        """The known mistakes that give just these results, clipped or wrapped or cast as they are, pixel by pixel.

        This needs no fit, so that it also tells what is left of a picture that is black or white nearly everywhere.

        Args:
            order: the normalized channel that each channel of the result follows.

        Returns:
            The mistakes, none where the map is correct; and whether bytes are truncated. None where nothing gives
            these results.
        """
        seen, moved = self.seen, list(order)
        causes = [*self._known, *self._round_numbers, *self._quotients, *self._presets]
        correct = Cause("exact", seen.std, seen.mean, "")
        slopes, offsets = (np.stack([getattr(one, name) for one in [correct, *causes]]) for name in ("slope", "offset"))
        turns = [list(range(seen.channels))] + ([moved] if moved != sorted(moved) else [])
        # nothing above 1: of all that makes a picture black, a cast of values in 0..1 is the likeliest
        dark = seen.whole and seen.highest <= 2 * seen.step
        casts = sorted(self._casts(), key=lambda pair: dark and not pair[0])
        ways = []
        for (truncated, cast), turn in itertools.product(casts, turns):
            results = cast(slopes[:, None, turn] * seen.y[:, moved] + offsets[:, None, turn])
            # now and then a value between two levels goes to the other one
            missed = (results > 0.01).sum(axis=(1, 2))
            agree = (results <= 1).all(axis=(1, 2)) & (missed <= 0.005 * seen.y.size)
            if agree[0]:
                return [], truncated
            # of so small an error that the correct map is near, too: those that are much nearer
            agree &= missed <= np.maximum(2, missed[0] / 8)
            ways.append((truncated, [cause for cause, one in zip(causes, agree[1:], strict=True) if one]))
        for truncated, found in ways:
            kinds: dict[str, Cause] = {}
            for cause in found:
                kinds.setdefault(cause.kind, cause)
            if kinds:
                first, *others = sorted(kinds.values(), key=lambda one: dark and one.kind != "scale-255")
                return [first, *(replace(one, equal=True) for one in others)], truncated and not dark
        return None

    def _casts(self) -> Iterator[tuple[bool, Callable[[Array], Array]]]:
        """Ways to make results of values: whether it truncates, and how far the results are from those that were seen.

        In whole numbers where such come back; else in multiples of what arithmetic explains.
        """
        seen = self.seen
        if not seen.whole:
            low, high = seen.z.min(axis=0), seen.z.max(axis=0)
            flat = low == high  # black or white all over: what lies beyond is cut off there
            low, high = np.where(flat, 0.0, low), np.where(flat, seen.white, high)
            room = 16 * seen.unit_roundoff * (np.abs(seen.z).max() + seen.white) + seen.slack
            yield False, partial(_clipped_values, low, high, seen.z, room * 100)
            return
        found = np.rint(seen.z / seen.step)
        for whole in (np.rint, np.trunc):
            yield whole is np.trunc, partial(_off_clamped, whole, seen, found)
            yield whole is np.trunc, partial(_off_wrapped, whole, seen, found)

    def factor_of_255(self, found: Map) -> list[Cause]:
        """A known mistake, or none, with a factor of 255 beside it; or one of 256 alone."""
        std, mean = self.seen.std, self.seen.mean
        factors = (255.0, 1 / 255.0, 255.0**2, 1 / 255.0**2)
        for factor in (*factors, 256.0, 1 / 256.0):
            if self.is_correct(found.divided(factor)):
                return [Cause("scale-255", std * factor, mean * factor, _scale_message(factor, self.seen))]
        for factor in factors:
            rest = found.divided(factor)
            gain = np.abs(rest.slope / std)
            if (gain < 0.2).any() or (gain > 5).any():  # numbers so far off say nothing; a known mistake does
                others = [one for one in self._known if one.kind != "scale-255"]
                beside = [one for one in others if self.agree(found, one.slope * factor, one.offset * factor)][:1]
            else:
                beside = self.of(rest) or self.constants(rest)
            if beside:
                return [Cause("scale-255", std * factor, mean * factor, _scale_message(factor, self.seen)), *beside]
        return []

    def constants(self, found: Map) -> list[Cause]:
        """Numbers that are wrong in some channels, read off the map: what the inverse must have been given."""
        seen, slope, offset = self.seen, found.slope, found.offset
        gain = slope / seen.std
        shift = offset - gain * seen.mean
        if self._close(found, np.zeros_like(slope)).any() or ((np.abs(gain) <= 0.1) | (np.abs(gain) >= 10)).all():
            return []
        wrong_std, wrong_mean = ~self._close(found, seen.std), ~self._close_offset(found, seen.mean)
        if (wrong_std & wrong_mean).all() and _one_value(gain) and _one_value(shift / seen.white) and seen.channels > 1:
            return []  # brightness or contrast of the whole picture, and no statistics of channels
        scaled = wrong_std & wrong_mean & self._close_offset(found, seen.mean * gain)
        wrong_mean &= ~scaled
        causes = []
        left = wrong_std & wrong_mean & self._close(found, np.ones_like(slope)) & self._close_offset(found, 0.0)
        if left.any() and not left.all():
            names = " and ".join(channel_name(int(c), seen.channels) for c in np.flatnonzero(left))
            std, mean = np.where(left, 1.0, seen.std), np.where(left, 0.0, seen.mean)
            said = f"{names} {'comes' if left.sum() == 1 else 'come'} back still normalized: nothing is inverted there."
            causes.append(Cause("not-inverted", std, mean, said))
            wrong_std, wrong_mean = wrong_std & ~left, wrong_mean & ~left
        if wrong_std.any():
            lines = [self._std_line(int(c), found, bool(scaled[c])) for c in np.flatnonzero(wrong_std)]
            plain = np.where(scaled, seen.mean * gain, seen.mean)
            causes.append(Cause("wrong-std", slope, plain, "; ".join(lines) + "."))
            if (np.abs(found.slope - np.abs(seen.std)) * _reach(found) <= seen.resolution(found)).all():
                why = "An eps too small to be seen is added to the variance: its root, sqrt(std**2 + eps), has no sign."
                causes.append(Cause("eps", slope, seen.mean, why, equal=True))
            if np.ptp(seen.std) == 0:
                eps = self._agreeing(found, _finite(self._eps(found, any_length=True)))
                causes += [replace(one, equal=True) for one in eps[:1]]
        if wrong_mean.any():
            pairs = [self._mean_line(int(c), found) for c in np.flatnonzero(wrong_mean)]
            message = "; ".join(line for line, _ in pairs) + "."
            causes.append(Cause("wrong-mean", seen.std, np.where(wrong_mean, offset, seen.mean), message))
            if all(other for _, other in pairs) and not wrong_std.any():
                stds = "; ".join(other for _, other in pairs)
                message = f"-mean/std is computed with another std than 1/std is: {stds}."
                causes.append(Cause("wrong-std", seen.std, offset, message, equal=True))
        return causes

    def right_constants(self, found: Map) -> int:
        """How many of the stds and means of a map are the pipeline's."""
        close = self._close(found, self.seen.std).sum() + self._close_offset(found, self.seen.mean).sum()
        return int(close)

    def _close(self, found: Map, std: Array) -> Array:
        close: Array = np.abs(found.slope - std) * _reach(found) <= self.seen.resolution(found)
        return close

    def _close_offset(self, found: Map, mean: Array | float) -> Array:
        close: Array = np.abs(found.offset - mean) <= self.seen.resolution(found)
        return close

    def _without_forward(self, found: Map) -> Iterator[Cause]:
        """Any inverse at all, where the forward leaves the picture as it is."""
        resolution = self.seen.resolution(found)
        adds, scales = (~self._close_offset(found, 0.0)).any(), (~self._close(found, np.ones_like(found.slope))).any()
        # else it is a constant that is a little off
        is_far = max(np.abs(found.slope - 1).max(), np.abs(found.offset).max() / self.seen.white) > 0.05
        is_black = self._close(found, np.zeros_like(found.slope)).any()
        if _leaves_as_is(self.seen) and adds and scales and is_far and not is_black:
            mean, std = (
                format_numbers((snap(float(v), float(r)) for v, r in zip(values, resolution, strict=True)), 4)
                for values in (found.offset, found.slope)
            )
            message = _without_forward_message(f"mean {mean}, std {std}")
            yield Cause("inverted-twice", found.slope, found.offset, message)

    def _eps(self, found: Map, *, any_length: bool = False) -> Iterator[Cause]:
        """The same small power of ten added to every std (or to every variance) on one side.

        Among channels of one std it has to lengthen the number: 0.501 for 0.5 is an eps, 0.6 is another std; unless
        `any_length`.
        """
        std, mean = self.seen.std, self.seen.mean
        ways: list[tuple[str, Array, Callable[[float], Array]]] = []
        if (std * found.slope > 0).all():
            ways.append(("std", found.slope - std, lambda power: std + power))
        # a root has no sign, whatever that of the std was
        ways.append(("the variance", found.slope**2 - std**2, lambda power: np.sqrt(std**2 + power)))
        for name, added, typed in ways:
            for power in _powers_of_ten(added):
                slope = typed(power)
                unseen = np.abs(slope - typed(0.0)) * _reach(found) <= self.seen.resolution(found)
                is_sign_alone = (std < 0).any() and unseen.all()
                if not is_sign_alone and (any_length or np.ptp(std) > 0 or _lengthens(float(std[0]), power)):
                    yield Cause("eps", slope, mean, _eps_message(power, name))

    def _rounded(self, found: Map) -> Iterator[Cause]:
        """All stds, or all means, or both, typed to a few decimals on one side."""
        seen = self.seen
        resolution = seen.resolution(found)
        room = resolution / _reach(found), resolution
        exact, typed = (seen.std, seen.mean), (found.slope, found.offset)
        right = [bool((np.abs(a - b) <= r).all()) for a, b, r in zip(exact, typed, room, strict=True)]
        if all(right):
            return
        sides = (("inverse", exact, typed), ("pipeline", typed, exact))
        units = (1.0,) if seen.white == 255 else (1.0, 255.0)  # statistics of bytes are on the scale of bytes already
        for side, long, short in sides:
            fitting = []
            for unit in units:
                for digits in range(1 if unit * seen.white == 1.0 else 0, 7):
                    rounded = [
                        _rounding(one, other, width, unit, digits, cut=side == "inverse")
                        for one, other, width in zip(long, short, room, strict=True)
                    ]
                    if all(fits or same is not None for fits, same in zip(right, rounded, strict=True)):
                        fitting.append((digits, unit, rounded))
                        break  # what is short is so with more decimals, too
            if side == "pipeline":
                moved = [(long[i], short[i], room[i]) for i in (0, 1) if not right[i]]
                fitting = sorted(fitting, key=lambda one: one[0])[:1]  # what is short on one scale is so on the other
                fitting = [one for one in fitting if _says_rounded(moved, 0.5 / one[1] / 10.0 ** one[0])]
            for digits, unit, rounded in fitting:
                used = rounded if side == "inverse" else (None, None)
                yield self._rounded_cause(found, side, used, right, unit, digits)

    def _rounded_cause(
        self, found: Map, side: str, rounded: Sequence[Array | None], right: Sequence[bool], unit: float, digits: int
    ) -> Cause:
        exact, typed = (self.seen.std, self.seen.mean), (found.slope, found.offset)
        slope, offset = (
            one if fits else (other if new is None else new)
            for one, other, new, fits in zip(exact, typed, rounded, right, strict=True)
        )
        whose = "Constants are" if side == "inverse" else "The pipeline's own constants are"
        scale = "" if unit == 1.0 else " on the scale of bytes"
        shown = ", ".join(self._changes(found, slope, offset))
        message = f"{whose} rounded to {count_of(digits, 'decimal')}{scale}: {shown}."
        return Cause("rounded-constants", slope, offset, message)

    def _changes(self, found: Map, std: Array, mean: Array) -> Iterator[str]:
        resolution = self.seen.resolution(found)
        for c in range(self.seen.channels):
            name = channel_name(c, self.seen.channels)
            for word, one, exact in (("mean", mean[c], self.seen.mean[c]), ("std", std[c], self.seen.std[c])):
                if abs(one - exact) > resolution[c] / 4:
                    yield f"{name} {word} {distinct(one, exact, 6)} for {_shown(exact)}"

    def _matched_order(self, found: Map) -> Iterator[Cause]:
        """The pipeline's own statistics in another order: for each channel, those that are nearest."""
        seen = self.seen
        off = np.abs(found.slope[:, None] - seen.std) + np.abs(found.offset[:, None] - seen.mean)
        order = off.argmin(axis=1).tolist()
        if sorted(order) == list(range(seen.channels)):
            yield _order_cause(seen, order)

    def _same_for_all(self, found: Map) -> Iterator[Cause]:
        """One std and one mean for channels that differ, whoever they belong to."""
        seen = self.seen
        if (np.ptp(seen.std) == 0 and np.ptp(seen.mean) == 0) or found.slope.mean() <= 0:
            return
        std, mean = found.slope.mean(), found.offset.mean()
        if np.allclose([std, mean], [1, 0], rtol=0, atol=1e-9):  # nothing is done: that needs no statistics
            return
        if self._agreeing(found.divided(255.0), self._presets):  # those of a data set, on the scale of bytes
            return
        shown = snap(float(mean), float(seen.resolution(found).max()))
        message = f"Every channel gets the same statistics: mean {shown:.4g}, std {std:.4g}."
        yield Cause("one-channel-for-all", np.full_like(found.slope, std), np.full_like(found.offset, mean), message)

    def _two_mistakes(self, found: Map) -> list[Cause]:
        """A mistake with the std and another with the mean, which do not hide one another."""
        m, s = self.seen.mean, self.seen.std
        slopes = [
            ("divides-by-std", 1 / s, "The inverse divides by std."),
            ("wrong-std", np.ones_like(s), "The std is missing."),
            ("channel-order", s[::-1], "The std is applied in reversed order of channels."),
            ("one-channel-for-all", np.full_like(s, s[0]), "Every channel gets the first channel's std."),
        ]
        offsets = [
            ("missing-mean", np.zeros_like(m), "The mean is not added."),
            ("mean-sign", -m, "The mean has the wrong sign."),
            ("mean-not-divided", m * s, "The mean is added before multiplying."),
            ("channel-order", m[::-1], "The mean is applied in reversed order of channels."),
            ("scale-255", m * 255, "The mean is multiplied by 255."),
        ]
        for (kind_s, std, why_s), (kind_m, mean, why_m) in itertools.product(slopes, offsets):
            if self.agree(found, std, mean) and not self.is_correct(found):
                return [Cause(kind_s, std, m, why_s), Cause(kind_m, s, mean, why_m)]
        return []

    def _std_line(self, c: int, found: Map, scaled: bool) -> str:
        right = float(self.seen.std[c])
        typed = _typed(float(found.slope[c]), float(self.seen.resolution(found)[c] / _reach(found)[c]))
        where = " in 1/std, and the right one in -mean/std" if scaled else ""
        return (
            f"{self._start(c, found)}: the inverse uses std {distinct(typed, right, 6)}{where} where the pipeline has "
            f"{_shown(right)}{_slip(typed, right, self.seen.white)}"
        )

    def _mean_line(self, c: int, found: Map) -> tuple[str, str]:
        """What is wrong with a mean; and, if the number is short, the std that would do the same in -mean/std."""
        right, resolution = float(self.seen.mean[c]), float(self.seen.resolution(found)[c])
        typed, other = _typed(float(found.offset[c]), resolution), ""
        line = (
            f"{self._start(c, found)}: the inverse uses mean {distinct(typed, right, 6)} where the pipeline has "
            f"{_shown(right)}{_slip(typed, right, self.seen.white)}"
        )
        if typed:
            std = right * float(self.seen.std[c]) / typed  # (y + mean / std') * std
            short = snap(std, abs(std / typed) * resolution)
            if 0 < short < self.seen.white and len(f"{short:g}") <= 5:
                name, exact = channel_name(c, self.seen.channels), _shown(self.seen.std[c])
                other = f"{name} std {short:g} where the pipeline has {exact}"
        return line, other

    def _start(self, c: int, found: Map) -> str:
        gain = found.slope[c] / self.seen.std[c]
        shift = float(found.offset[c] - gain * self.seen.mean[c])
        room = float(self.seen.resolution(found)[c])
        shift = _typed(shift, room) or (float(f"{shift:.1g}") if abs(shift) > room / 2 else 0.0)
        # a gain of 1 is never measured to the last digit
        gain = snap(float(gain), room / self.seen.white)
        digits = 3 if abs(shift) >= 99.5 else 2  # 104, and not 1e+02
        name = channel_name(c, self.seen.channels)
        return f"{name}: gain {distinct(gain, 1.0, 4)}, offset {shift:.{digits}g}"


def _powers_of_ten(added: Array) -> list[float]:
    """The small powers of ten that were added, first the middle one of those that the channels tell."""
    told = []
    for one in (float(np.median(added)), *added.tolist()):
        if 1e-16 < abs(one) < 0.05:
            power = math.copysign(10.0 ** round(math.log10(abs(one))), one)
            if abs(one / power - 1) <= 0.35:
                told.append(power)
    return list(dict.fromkeys(told))


def _lengthens(std: float, power: float) -> bool:
    """Whether a power of ten makes the std longer that it is added to, on whichever side."""
    decimals = len(f"{std + min(power, 0.0):.6g}".partition(".")[2])
    return round(-math.log10(abs(power))) > decimals


def _finite(causes: Iterator[Cause]) -> list[Cause]:
    """Those that can happen: a division by zero gives no picture at all."""
    with np.errstate(all="ignore"):
        return [one for one in causes if np.isfinite([one.slope, one.offset]).all()]


def _off_clamped(whole: Callable[[Array], Array], seen: Observation, found: Array, values: Array) -> Array:
    gaps: Array = np.abs(np.clip(whole(values / seen.step), 0, seen.steps) - found)
    return gaps


def _off_wrapped(whole: Callable[[Array], Array], seen: Observation, found: Array, values: Array) -> Array:
    above = (whole(values / seen.step) - found) % seen.turn
    gaps: Array = np.minimum(above, seen.turn - above)
    return gaps


def _clipped_values(low: Array, high: Array, found: Array, room: Array, values: Array) -> Array:
    gaps: Array = np.abs(np.clip(values, low, high) - found) / room
    return gaps


def _gaps(found: Map, slope: Array, offset: Array) -> Array:
    """How far a map (or each of many, along the first axis) is from the one that was found, at most."""
    ends = [np.abs((found.slope - slope) * y + (found.offset - offset)) for y in (found.low, found.high)]
    gaps: Array = np.maximum(*ends)
    return gaps


def _reach(found: Map) -> Array:
    reach: Array = np.maximum(np.abs(found.low), np.abs(found.high))
    return reach


def _rounding(exact: Array, found: Array, width: Array, unit: float, digits: int, *, cut: bool) -> Array | None:
    """`exact` shortened to `digits` decimals, if `found` is that: rounded, or (`cut`) cut off."""
    power = 10.0**digits
    scaled = exact * unit
    # each number that lies between two may go to either
    up, down = _half_up(scaled, digits), _half_down(scaled, digits)
    ways = [np.where(np.abs(up / unit - found) <= np.abs(down / unit - found), up, down)]
    shorter = np.trunc(scaled * power + 1e-9) / power
    if cut and np.count_nonzero(np.abs(shorter - scaled) > 1e-9 * np.abs(scaled)) > 1:  # one alone is any wrong number
        ways.append(shorter)
    for way in ways:
        if (np.abs(way / unit - found) <= width).all():
            return way / unit
    return None


def _says_rounded(moved: Sequence[tuple[Array, Array, Array]], half: float) -> bool:
    """Whether the pipeline's own constants are rounded: that they are short says little, as most are.

    Args:
        moved: stds, or means, or both, that differ: the long ones, the short ones, and to what they are known.
        half: how far rounding moves a number at most.
    """
    long, short, room = (np.concatenate(values) for values in zip(*moved, strict=True))
    different = {round(float(one), 12) for one in short}
    gaps = np.abs(long - short)
    # one of several numbers is moved by more than a hundredth of what could be
    if len(different) < 2 or (gaps <= room).any() or gaps.max() <= half / 100:
        return False
    first = np.abs(short).argmax()
    in_step = np.abs(long - short * (long[first] / short[first])) <= 2 * room  # one factor moves them all
    return not in_step.all()


def _slip(found: float, right: float, white: float) -> str:
    known = (round(found / white, 4), round(right / white, 4)) in _KNOWN_SLIPS
    return ", a well-known slip" if known else ""


def _half_up(values: Array, digits: int) -> Array:
    """Rounded, where what lies just between two decimals, or does so in float32, goes up."""
    scaled = values * 10.0**digits
    rounded: Array = np.floor(scaled + 0.5 + np.minimum(1e-9 + 2.0**-22 * np.abs(scaled), 0.01)) / 10.0**digits
    return rounded


def _half_down(values: Array, digits: int) -> Array:
    return -_half_up(-values, digits)


def _one_value(values: Array) -> bool:
    return bool(np.ptp(values) <= 1e-3 * max(1.0, float(np.abs(values).max())))


def _leaves_as_is(seen: Observation) -> bool:
    return bool((np.abs(seen.std - 1) < 1e-5).all() and (np.abs(seen.mean) < 1e-6 * seen.white).all())


def _scale_message(factor: float, seen: Observation) -> str:
    if factor in (256.0, 1 / 256.0):
        size, how = ("large", "multiplied") if factor > 1 else ("small", "divided")
        return f"the result is 256 times too {size}: it is {how} by 256, and white is 255."
    if factor > 1:
        twice = " twice" if factor > 256 else ""
        return (
            f"the result is {factor:g} times too large: a factor of 255 is applied{twice} that the pictures do not "
            f"have. If 0..255 is meant, say so: output_max=255."
        )
    of_bytes = seen.scale * seen.white == 255 and not seen.whole
    meant = " If 0..1 is meant, say so: output_max=1."
    return (
        f"the result is {1 / factor:g} times too small: a division by 255 that is not undone, or values in 0..1 cast "
        f"to bytes without multiplying by 255.{meant if of_bytes else ''}"
    )


def _without_forward_message(numbers: str) -> str:
    return (
        f"The forward leaves the picture as it is, and the inverse undoes a Normalize with {numbers}: it is applied to "
        f"what was never normalized."
    )


def _known_mistakes(seen: Observation) -> Iterator[Cause]:
    """Mistakes without a number of their own, each with its prediction; the more particular come first."""
    m, s, w = seen.mean, seen.std, seen.white
    ones, zeros = np.ones_like(s), np.zeros_like(s)
    yield from _untouched(seen)
    yield Cause("mean-not-divided", s, m * s, "The mean is added before multiplying: Normalize(-mean, 1/std), or "
                "(y + mean) * std. It has to be -mean/std there, or be added last.")  # fmt: skip
    yield Cause("missing-mean", s, zeros, "The mean is not added: y * std alone.")
    yield Cause("mean-sign", s, -m, "The mean has the wrong sign: y * std - mean, or Normalize(mean/std, 1/std).")
    yield Cause("mean-not-divided", s, -m * s, "The mean is subtracted before multiplying: Normalize(mean, 1/std), or "
                "(y - mean) * std. It has to be -mean/std there, or be added last.")  # fmt: skip
    yield Cause("divides-by-std", 1 / s, m, "The inverse divides by std: y / std + mean. It has to multiply. (Or the "
                "forward multiplies by std, where it has to divide.)")  # fmt: skip
    yield Cause("divides-by-std", 1 / s, m / s, "The inverse divides by std: Normalize(-mean, std), or (y + mean) / "
                "std. It has to be Normalize(-mean/std, 1/std).")  # fmt: skip
    yield Cause("divides-by-std", 1 / s, m / s**2, "The inverse divides by std: Normalize(-mean/std, std). Its std has "
                "to be 1/std.")  # fmt: skip
    yield Cause("swapped-mean-std", m, s, "Mean and std are swapped: y * mean + std.")
    yield Cause("swapped-mean-std", -s / m, 1 / m, "Mean and std are swapped: Normalize(1/std, -mean/std).")
    yield Cause("inverted-twice", s * s, m * s + m, "The inverse is applied twice, so that the picture loses contrast.")
    yield Cause("inverted-intensity", -s, w - m, f"Black and white are exchanged: the result is {w:g} - x.")
    yield Cause("wrong-std", -s, m, "The std has the wrong sign: mean - y * std.")
    for name, factor in (("multiplied", 255.0), ("divided", 1 / 255.0)):
        yield Cause("scale-255", s * factor, m * factor, _scale_message(factor, seen))
        yield Cause("scale-255", s, m * factor, f"Only the mean is {name} by 255, and not the std.")
        yield Cause("scale-255", s * factor, m, f"Only the std is {name} by 255, and not the mean.")
    for factor, shown, how in (
        (256 / 255, "256/255", "multiplied by 256 on one side and divided by 255"),
        (255 / 256, "255/256", "multiplied by 255 on one side and divided by 256"),
    ):
        message = f"The result is {shown} of the picture: bytes are {how} on the other. White is 255."
        yield Cause("scale-255", s * factor, m * factor, message)
    if seen.whole and seen.steps == 255:  # 255 * k is -k, but for a multiple of 256
        yield Cause("scale-255", -s, w * 256 / 255 - m, "Bytes are multiplied by 255 a second time, and wrap: level 1 "
                    "becomes 255, level 2 becomes 254.")  # fmt: skip
    yield from _other_orders(seen)
    yield from _one_for_all(seen)
    yield Cause("wrong-std", ones, m, "The multiplication by std is missing: y + mean.")
    yield Cause("wrong-std", s * s, m, "The inverse multiplies by the square of std, the variance.")
    yield Cause("wrong-std", np.sqrt(np.abs(s)), m, "The inverse multiplies by the root of std, as if that were the "
                "variance.")  # fmt: skip


def _untouched(seen: Observation) -> Iterator[Cause]:
    m, s = seen.mean, seen.std
    yield Cause("not-inverted", np.ones_like(s), np.zeros_like(s), "The picture comes back as it is, still normalized: "
                "nothing is inverted.")  # fmt: skip
    yield Cause("not-inverted", 1 / s, -m / s, "The picture is normalized a second time: the inverse is another "
                "Normalize with the same mean and std.")  # fmt: skip
    yield from _normalized_twice(seen, np.ones_like(s))


def _normalized_twice(seen: Observation, signs: Array) -> Iterator[Cause]:
    """A forward that does it twice has ``std**2``, which does not tell the sign of std, and ``mean * (1 + std)``."""
    root = np.copysign(np.sqrt(seen.std), signs)
    message = "The pipeline normalizes twice, and the inverse undoes it once: the picture is still normalized."
    yield Cause("not-inverted", root, seen.mean / (1 + root), message)


def _other_presets(seen: Observation) -> Iterator[Cause]:
    for name, known in PRESETS.items():
        # one number for all channels serves any number of them
        if known.channels != seen.channels and len(set(zip(known.mean, known.std, strict=True))) > 1:
            continue
        mean, std = (np.resize(values, seen.channels) * seen.white for values in (known.mean, known.std))
        numbers = f"mean {format_numbers(mean, 8)}, std {format_numbers(std, 8)}"
        if _leaves_as_is(seen):
            message = _without_forward_message(f"the statistics of {name} ({numbers})")
            yield Cause("inverted-twice", std, mean, message)
        else:
            message = (
                f"The inverse uses the statistics of {name} ({numbers}); the pipeline has "
                f"mean {format_numbers(seen.mean)}, std {format_numbers(seen.std)}."
            )
            yield Cause("other-preset", std, mean, message)


def _other_orders(seen: Observation) -> Iterator[Cause]:
    count = seen.channels
    if count < 2:
        return
    every = (
        itertools.permutations(range(count))
        if count <= _FEW
        else ((*range(k, count), *range(k)) for k in range(1, count))
    )
    for order in (range(count)[::-1], *every):
        yield _order_cause(seen, list(order))
    yield Cause("channel-order", seen.std[::-1], seen.mean, "The std is applied in reversed order of channels.")
    yield Cause("channel-order", seen.std, seen.mean[::-1], "The mean is applied in reversed order of channels.")


def _order_cause(seen: Observation, order: list[int]) -> Cause:
    backwards, moved = list(range(len(order)))[::-1], [c for c, source in enumerate(order) if source != c]
    how = "reversed" if order == backwards else f"in the order {tuple(order)}"
    message = f"Mean and std are applied {how}: each channel gets another channel's."
    if len(order) > _FEW and len(moved) == 2:
        message = f"Mean and std of channels {moved[0]} and {moved[1]} are exchanged."
    return Cause("channel-order", seen.std[order], seen.mean[order], message)


def _one_for_all(seen: Observation) -> Iterator[Cause]:
    if seen.channels < 2:
        return
    m, s = seen.mean, seen.std
    each = [(channel_name(c, seen.channels), s[c], m[c]) for c in range(seen.channels)]
    for name, std, mean in [*each, ("the average", s.mean(), m.mean())]:
        whose = name if name == "the average" else f"{name}'s"
        numbers = f"mean {mean:.6g}, std {std:.6g}"
        yield Cause("one-channel-for-all", np.full_like(s, std), np.full_like(m, mean),
                    f"Every channel gets {whose} statistics ({numbers}).")  # fmt: skip
        yield Cause("one-channel-for-all", np.full_like(s, std), m, f"Every channel gets {whose} std ({std:.6g}).")
        yield Cause("one-channel-for-all", s, np.full_like(m, mean), f"Every channel gets {whose} mean ({mean:.6g}).")


def _round_numbers(seen: Observation) -> Iterator[Cause]:
    """An eps, and constants of few decimals, as far as bytes show them."""
    m, s = seen.mean, seen.std
    for power, side in itertools.product((1e-2, 1e-3, -1e-2, -1e-3), ("std", "the variance")):
        slope = s + power if side == "std" else np.sqrt(s**2 + power)
        yield Cause("eps", slope, m, _eps_message(power, side))
    for digits in (1, 2, 3, 4):
        message = f"Constants are rounded to {count_of(digits, 'decimal')}."
        yield Cause("rounded-constants", np.round(s, digits), np.round(m, digits), message)


def _eps_message(power: float, name: str) -> str:
    side = "the inverse" if power > 0 else "the forward"
    return f"An eps of {abs(power):g} is added to {name} in {side} only. Leave it out, or use it on both sides."


def _of_float32(seen: Observation) -> Iterator[Cause]:
    """Constants of float32 where pictures are of float64."""
    if not seen.is_finer_than_float32:
        return
    m, s = seen.mean, seen.std
    short_m, short_s = (one.astype(np.float32).astype(np.float64) for one in (m, s))
    for what, std, mean in (("mean and std are", short_s, short_m), ("std is", short_s, m), ("mean is", s, short_m)):
        message = f"In the inverse, {what} rounded to float32, and pictures are of float64: give float64 numbers."
        yield Cause("rounded-constants", std, mean, message)


def _rounded_second_normalize(seen: Observation) -> Iterator[Cause]:
    """``Normalize(-mean/std, 1/std)`` with the quotients typed to a few decimals."""
    exact_mean, exact_std = -seen.mean / seen.std, 1 / seen.std
    for digits, way in itertools.product(range(1, 6), (np.round, _half_up, _half_down)):
        mean, std = way(exact_mean, digits), way(exact_std, digits)
        for what, one, two in (("both", mean, std), ("-mean/std", mean, exact_std), ("1/std", exact_mean, std)):
            message = (
                f"The constants of Normalize(-mean/std, 1/std) are rounded to {count_of(digits, 'decimal')} ({what})."
            )
            yield Cause("rounded-constants", 1 / two, -one / two, message)
