"""What could have been typed instead of ``y * std + mean``: each known mistake as the numbers that it leads to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..normalization import PRESETS, format_numbers
from .observation import Observation, snap

__all__ = ["Cause", "agrees", "causes_of", "channel_name", "constants_of", "factor_of_255", "right_constants"]

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


@dataclass(frozen=True)
class Cause:
    """A mistake and the map ``slope * y + offset`` that it leads to.

    `equal` marks another cause of the numbers of the first one in a list.
    """

    kind: str
    slope: Array
    offset: Array
    message: str
    equal: bool = False


def channel_name(channel: int, channels: int) -> str:
    """``red``, ``green``, ``blue`` of three, ``grey`` of one, else ``channel 4``."""
    names = {1: ("grey",), 3: ("red", "green", "blue")}.get(channels)
    return names[channel] if names else f"channel {channel}"


def agrees(seen: Observation, slope: Array, offset: Array, other_slope: Array, other_offset: Array) -> bool:
    """Whether two maps agree on all normalized values, as far as the observation can tell."""
    with np.errstate(all="ignore"):
        gaps = [np.abs((slope - other_slope) * y + (offset - other_offset)) for y in (seen.y_low, seen.y_high)]
        # a larger result is rounded by more
        size = np.maximum(1.0, np.abs(slope * (seen.y_high - seen.y_low)) / seen.white)
    return bool((np.maximum(*gaps) <= resolution(seen) * size).all())


def resolution(seen: Observation) -> Array:
    """How well an observed map is known, as a difference in the result."""
    known: Array = seen.slack + (0.1 * seen.white / 255 if seen.bytes_out else 0.0)
    return known


def causes_of(seen: Observation, slope: Array, offset: Array) -> list[Cause]:
    """The known mistakes that lead to this map, the most particular first; further ones are its equals."""
    with np.errstate(all="ignore"):
        candidates = [
            one for one in _known_mistakes(seen) if np.isfinite(one.slope).all() and np.isfinite(one.offset).all()
        ]
    matching = [one for one in candidates if agrees(seen, slope, offset, one.slope, one.offset)]
    if not matching:
        for find in (_eps, _rounded, _same_for_all, _two_mistakes):
            found = find(seen, slope, offset)
            if found:
                return found
        return []
    kinds: dict[str, Cause] = {}
    for one in matching:
        kinds.setdefault(one.kind, one)
    first, *others = kinds.values()
    return [first, *(replace(one, equal=True) for one in others)]


def factor_of_255(seen: Observation, slope: Array, offset: Array) -> list[Cause]:
    """A known mistake, or none, with a factor of 255 beside it."""
    for factor in (255.0, 1 / 255.0, 255.0**2, 1 / 255.0**2):
        beside = causes_of(seen, slope / factor, offset / factor) or constants_of(seen, slope / factor, offset / factor)
        if beside and all(0.2 < gain < 5 for gain in slope / factor / seen.std):
            return [Cause("scale-255", seen.std * factor, seen.mean * factor, _scale_message(factor)), *beside]
    return []


def _scale_message(factor: float) -> str:
    if factor > 1:
        twice = " twice" if factor > 256 else ""
        return (
            f"the result is {factor:g} times too large: a factor of 255 is applied{twice} that the pictures do not have. "
            f"If 0..255 is meant, say so with output_max=255."
        )
    return f"the result is {1 / factor:g} times too small: a division by 255 that is not undone."


def _known_mistakes(seen: Observation) -> Iterator[Cause]:
    """Mistakes without a number of their own, each with its prediction; the more particular come first."""
    m, s, w = seen.mean, seen.std, seen.white
    ones, zeros = np.ones_like(s), np.zeros_like(s)
    yield from _untouched(seen)
    yield Cause("mean-not-divided", s, m * s, "The mean is added before multiplying: Normalize(-mean, 1/std), or "
                "(y + mean) * std. It has to be -mean/std there, or be added last.")  # fmt: skip
    yield Cause("missing-mean", s, zeros, "The mean is not added: y * std alone.")
    yield Cause("mean-sign", s, -m, "The mean has the wrong sign: y * std - mean, or Normalize(mean/std, 1/std).")
    yield Cause("divides-by-std", 1 / s, m, "The inverse divides by std: y / std + mean. It has to multiply.")
    yield Cause("divides-by-std", 1 / s, m / s, "The inverse divides by std: Normalize(-mean, std), or (y + mean) / std. "
                "It has to be Normalize(-mean/std, 1/std).")  # fmt: skip
    yield Cause("divides-by-std", 1 / s, m / s**2, "The inverse divides by std: Normalize(-mean/std, std). Its std has "
                "to be 1/std.")  # fmt: skip
    yield Cause("swapped-mean-std", m, s, "Mean and std are swapped: y * mean + std.")
    yield Cause("swapped-mean-std", -s / m, 1 / m, "Mean and std are swapped: Normalize(1/std, -mean/std).")
    yield Cause("inverted-twice", s * s, m * s + m, "The inverse is applied twice, so that the picture loses contrast.")
    yield Cause("inverted-intensity", -s, w - m, f"Black and white are exchanged: the result is {w:g} - x.")
    for name, factor in (("multiplied", 255.0), ("divided", 1 / 255.0)):
        yield Cause("scale-255", s * factor, m * factor, _scale_message(factor))
        yield Cause("scale-255", s, m * factor, f"Only the mean is {name} by 255, and not the std.")
        yield Cause("scale-255", s * factor, m, f"Only the std is {name} by 255, and not the mean.")
    yield from _other_presets(seen)
    yield from _other_orders(seen)
    yield from _one_for_all(seen)
    yield from _rounded_second_normalize(seen)
    yield Cause("wrong-std", ones, m, "The multiplication by std is missing: y + mean.")


def _untouched(seen: Observation) -> Iterator[Cause]:
    m, s = seen.mean, seen.std
    if np.allclose(s, 1) and np.allclose(m, 0):
        return  # the forward does nothing: see _other_presets and constants_of
    yield Cause("not-inverted", np.ones_like(s), np.zeros_like(s), "The picture comes back as it is, still normalized: "
                "nothing is inverted.")  # fmt: skip
    yield Cause("not-inverted", 1 / s, -m / s, "The picture is normalized a second time: the inverse is another Normalize "
                "with the same mean and std.")  # fmt: skip


def _other_presets(seen: Observation) -> Iterator[Cause]:
    nothing = np.allclose(seen.std, 1) and np.allclose(seen.mean, 0)
    for name, known in PRESETS.items():
        if known.channels not in (1, seen.channels):
            continue
        one = known.expand(seen.channels)
        mean, std = (np.array(values) * seen.white for values in (one.mean, one.std))
        numbers = f"mean {format_numbers(mean, 8)}, std {format_numbers(std, 8)}"
        if nothing:
            message = (
                f"The forward leaves the picture as it is, and the inverse undoes a Normalize with the statistics of "
                f"{name} ({numbers}): it is applied to what was never normalized."
            )
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
    backwards = tuple(range(count))[::-1]
    others = (
        itertools.permutations(range(count)) if count <= 4 else ((*range(k, count), *range(k)) for k in range(1, count))
    )
    for order in (backwards, *others):
        moved = list(order)
        how = "reversed" if order == backwards else f"in the order {order}"
        yield Cause("channel-order", seen.std[moved], seen.mean[moved], f"Mean and std are applied {how}: each channel gets "
                    f"another channel's.")  # fmt: skip
    yield Cause("channel-order", seen.std[::-1], seen.mean, "The std is applied in reversed order of channels.")
    yield Cause("channel-order", seen.std, seen.mean[::-1], "The mean is applied in reversed order of channels.")


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


def _rounded_second_normalize(seen: Observation) -> Iterator[Cause]:
    """``Normalize(-mean/std, 1/std)`` with the quotients typed to a few decimals."""
    exact_mean, exact_std = -seen.mean / seen.std, 1 / seen.std
    for digits in range(1, 6):
        mean, std = np.round(exact_mean, digits), np.round(exact_std, digits)
        for what, one, two in (("both", mean, std), ("-mean/std", mean, exact_std), ("1/std", exact_mean, std)):
            message = f"The constants of Normalize(-mean/std, 1/std) are rounded to {digits} decimals ({what})."
            yield Cause("rounded-constants", 1 / two, -one / two, message)


def _rounded(seen: Observation, slope: Array, offset: Array) -> list[Cause]:
    """Mean or std typed to a few decimals, on either side."""
    for unit in (1.0, 255.0):
        for digits in range(1, 7):
            std = _nearest_rounding(seen.std * unit, slope * unit, digits) / unit
            mean = _nearest_rounding(seen.mean * unit, offset * unit, digits) / unit
            if agrees(seen, slope, offset, std, mean):
                shown = ", ".join(_changes(seen, std, mean))
                return [
                    Cause("rounded-constants", slope, offset, f"Constants are rounded to {digits} decimals: {shown}.")
                ]
            back = (_nearest_rounding(slope * unit, seen.std * unit, digits) / unit,
                    _nearest_rounding(offset * unit, seen.mean * unit, digits) / unit)  # fmt: skip
            if agrees(seen, seen.std, seen.mean, *back):
                shown = ", ".join(_changes(seen, slope, offset))
                message = f"The pipeline's own constants are rounded to {digits} decimals: {shown}."
                return [Cause("rounded-constants", slope, offset, message)]
    return []


def _nearest_rounding(exact: Array, found: Array, digits: int) -> Array:
    """Of the ways to shorten a number (not at all, rounded half up or to even, cut off), the one nearest to `found`."""
    power = 10.0**digits
    ways = np.stack([
        exact, np.round(exact, digits), np.floor(exact * power + 0.5 + 1e-9) / power, np.trunc(exact * power + 1e-9) / power,
    ])  # fmt: skip
    nearest: Array = np.take_along_axis(ways, np.abs(ways - found).argmin(axis=0)[None], axis=0)[0]
    return nearest


def _eps(seen: Observation, slope: Array, offset: Array) -> list[Cause]:
    """The same small power of ten added to every std (or to every variance) on one side."""
    if np.ptp(seen.std) == 0:
        return []  # nothing tells an eps from another std: see constants_of
    for name, found, exact, back in (
        ("std", slope, seen.std, lambda v: v),
        ("the variance", slope**2, seen.std**2, np.sqrt),
    ):
        added = float(np.median(found - exact))
        if added == 0 or abs(added) > 0.05:
            continue
        power = math.copysign(10.0 ** round(math.log10(abs(added))), added)
        with np.errstate(invalid="ignore"):
            predicted = back(exact + power)
        if abs(added / power - 1) < 0.35 and agrees(seen, slope, offset, predicted, seen.mean):
            side = "the inverse" if added > 0 else "the forward"
            return [Cause("eps", slope, offset, f"An eps of {abs(power):g} is added to {name} in {side} only. Leave it out, "
                          f"or use it on both sides.")]  # fmt: skip
    return []


def _same_for_all(seen: Observation, slope: Array, offset: Array) -> list[Cause]:
    """One std and one mean for channels that differ, whoever they belong to."""
    if seen.channels < 2 or (np.ptp(seen.std) == 0 and np.ptp(seen.mean) == 0):
        return []
    std, mean = np.full_like(slope, slope.mean()), np.full_like(offset, offset.mean())
    if not agrees(seen, slope, offset, std, mean) or slope.mean() <= 0:
        return []
    message = f"Every channel gets the same statistics: mean {offset.mean():.4g}, std {slope.mean():.4g}."
    return [Cause("one-channel-for-all", slope, offset, message)]


def _two_mistakes(seen: Observation, slope: Array, offset: Array) -> list[Cause]:
    """A mistake with the std and another with the mean, which do not hide one another."""
    m, s = seen.mean, seen.std
    with np.errstate(all="ignore"):
        slopes = [
            ("divides-by-std", 1 / s, "The inverse divides by std."),
            ("wrong-std", np.ones_like(s), "The std is missing."),
        ]
        offsets = [
            ("missing-mean", np.zeros_like(m), "The mean is not added."),
            ("mean-sign", -m, "The mean has the wrong sign."),
            ("mean-not-divided", m * s, "The mean is added before multiplying."),
        ]
    for (kind_s, std, why_s), (kind_m, mean, why_m) in itertools.product(slopes, offsets):
        if np.isfinite(std).all() and agrees(seen, slope, offset, std, mean):
            return [Cause(kind_s, std, m, why_s), Cause(kind_m, s, mean, why_m)]
    return []


def _changes(seen: Observation, std: Array, mean: Array) -> Iterator[str]:
    for c in range(seen.channels):
        name = channel_name(c, seen.channels)
        for word, found, exact in (("mean", mean[c], seen.mean[c]), ("std", std[c], seen.std[c])):
            if abs(found - exact) > resolution(seen)[c] / 4:
                yield f"{name} {word} {found:.6g} for {exact:.8g}"


def constants_of(seen: Observation, slope: Array, offset: Array) -> list[Cause]:
    """Numbers that are wrong in some channels, read off the map: what the inverse must have been given."""
    gain = slope / seen.std
    shift = offset - gain * seen.mean
    if (gain <= 0.1).any() or (gain >= 10).any():
        return []
    both = ~_close(seen, slope, seen.std) & ~_close_offset(seen, offset, seen.mean)
    if both.all() and _one_value(gain) and _one_value(shift / seen.white) and seen.channels > 1:
        return []  # brightness or contrast of the whole picture, and no statistics of channels
    scaled = ~_close(seen, slope, seen.std) & _close_offset(seen, offset, seen.mean * gain)
    wrong_std = ~_close(seen, slope, seen.std)
    wrong_mean = ~_close_offset(seen, offset, seen.mean) & ~scaled
    causes = []
    if wrong_std.any():
        lines = [_std_line(seen, c, slope, offset, bool(scaled[c])) for c in np.flatnonzero(wrong_std)]
        plain = np.where(scaled, seen.mean * gain, seen.mean)
        causes.append(Cause("wrong-std", slope, plain, "; ".join(lines) + "."))
    if wrong_mean.any():
        lines = [_mean_line(seen, c, slope, offset) for c in np.flatnonzero(wrong_mean)]
        causes.append(Cause("wrong-mean", seen.std, np.where(wrong_mean, offset, seen.mean), "; ".join(lines) + "."))
    return causes + [one for one in [_power_of_ten(seen, slope)] if one and len(causes) == 1 and wrong_std.all()]


def _power_of_ten(seen: Observation, slope: Array) -> Cause | None:
    """Where all channels have one std, an eps gives the numbers of another std."""
    added = float(np.median(slope - seen.std))
    if np.ptp(seen.std) > 0 or added == 0 or abs(math.log10(abs(added)) - round(math.log10(abs(added)))) > 0.05:
        return None
    side = "the inverse" if added > 0 else "the forward"
    message = f"An eps of {10.0 ** round(math.log10(abs(added))):g} is added to std in {side} only."
    return Cause("eps", slope, seen.mean, message, equal=True)


def right_constants(seen: Observation, slope: Array, offset: Array) -> int:
    """How many of the stds and means of a map are the pipeline's."""
    return int(_close(seen, slope, seen.std).sum() + _close_offset(seen, offset, seen.mean).sum())


def _one_value(values: Array) -> bool:
    return bool(np.ptp(values) <= 1e-3 * max(1.0, float(np.abs(values).max())))


def _close(seen: Observation, slope: Array, other: Array) -> Array:
    reach = np.maximum(np.abs(seen.y_low), np.abs(seen.y_high))
    close: Array = np.abs(slope - other) * reach <= resolution(seen)
    return close


def _close_offset(seen: Observation, offset: Array, other: Array) -> Array:
    close: Array = np.abs(offset - other) <= resolution(seen)
    return close


def _typed(seen: Observation, value: float, uncertainty: float) -> float:
    """The number as somebody typed it, in the shortest form that the observation allows."""
    return snap(float(value), float(uncertainty))


def _start(seen: Observation, c: int, slope: Array, offset: Array) -> str:
    gain = slope[c] / seen.std[c]
    return f"{channel_name(c, seen.channels)}: gain {gain:.4g}, offset {offset[c] - gain * seen.mean[c]:.2g}"


def _slip(found: float, right: float, white: float) -> str:
    known = (round(found / white, 4), round(right / white, 4)) in _KNOWN_SLIPS
    return ", a well-known slip" if known else ""


def _std_line(seen: Observation, c: int, slope: Array, offset: Array, scaled: bool) -> str:
    reach = max(abs(seen.y_low[c]), abs(seen.y_high[c]))
    found, right = _typed(seen, slope[c], resolution(seen)[c] / reach), float(seen.std[c])
    where = " in 1/std, and the right one in -mean/std" if scaled else ""
    return (
        f"{_start(seen, c, slope, offset)}: the inverse uses std {found:.6g}{where} where the pipeline has {right:.8g}"
        f"{_slip(found, right, seen.white)}"
    )


def _mean_line(seen: Observation, c: int, slope: Array, offset: Array) -> str:
    found, right = _typed(seen, offset[c], resolution(seen)[c]), float(seen.mean[c])
    line = (
        f"{_start(seen, c, slope, offset)}: the inverse uses mean {found:.6g} where the pipeline has {right:.8g}"
        f"{_slip(found, right, seen.white)}"
    )
    if offset[c] and not _slip(found, right, seen.white):
        # (y + mean / typed) * std
        typed = right * float(seen.std[c]) / float(offset[c])
        short = _typed(seen, typed, abs(typed) * float(resolution(seen)[c]) / abs(float(offset[c])))
        if 0 < short < seen.white and len(f"{short:g}") <= 5:
            line += f" (or std {short:g} in -mean/std, with the right 1/std)"
    return line
