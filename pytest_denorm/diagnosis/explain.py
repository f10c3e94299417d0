"""Which mistake an inverse makes, told from the map that it computes.

Every classic mistake puts other numbers in the place of std and mean: the inverse computes ``a * y + b`` with, say,
``b = mean * std`` where the mean was not divided by the std. Here each mistake is a line that predicts ``a`` and ``b``
from the statistics of the forward; the one whose prediction agrees with what was observed, within the derived
tolerance, is the diagnosis. Where several agree, their numbers are equal, and no test can tell them apart: all are
named.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from ..core.alone import alone
from ..core.normalization import Normalization, format_numbers
from ..core.text import channel_name, in_levels
from ..core.white import DEPTHS as WHITES
from ..errors import DenormError, ImageTypeError, InverseError, StatisticsWarning
from ..pipelines import locate
from ..pipelines.calls import as_function
from .causes import Cause, Causes, distinct
from .observe import ChannelFit, Map, Observation, observe, snap

__all__ = ["KINDS", "Diagnosis", "Finding", "diagnose"]

Array = np.ndarray[Any, Any]

#: As many values as no picture has that went through and back.
_FEW_VALUES = 6
#: What white usually is: in floats, and in integers of 8, 10, 12, 14 and 16 bits.
_WHITES = (1.0, *WHITES)
#: How far float32 rounds a number, of it.
_SINGLE = 2.0**-24

#: Every kind of diagnosis, and what it means.
KINDS = {
    "exact": "the picture comes back",
    "rounded-constants": "mean or std is rounded on one side",
    "truncation": "bytes are truncated instead of rounded",
    "mean-not-divided": "the mean is not divided by std, or is added before multiplying",
    "missing-mean": "the mean is not added",
    "mean-sign": "the mean has the wrong sign",
    "divides-by-std": "the inverse divides by std instead of multiplying",
    "swapped-mean-std": "mean and std are swapped",
    "wrong-mean": "a mean is not the pipeline's",
    "wrong-std": "a std is not the pipeline's",
    "other-preset": "the statistics are those of another data set",
    "one-channel-for-all": "one channel's statistics are used for all",
    "channel-order": "channels, or their statistics, are in another order",
    "scale-255": "a factor of 255 is missing or doubled",
    "not-inverted": "the picture is still normalized, or normalized twice",
    "inverted-twice": "the inverse is applied to what was not normalized, or twice",
    "min-max": "each picture is stretched to its own minimum and maximum",
    "inverted-intensity": "black and white are exchanged",
    "clamped": "values are clamped before the inverse",
    "eps": "an eps is added to std on one side",
    "mutates-input": "the input is changed in place",
    "unknown": "none of the known mistakes",
}


@dataclass(frozen=True)
class Finding:
    """One mistake.

    Attributes:
        kind: one of :data:`KINDS`.
        message: what to say of it.
        effect: how far it moves a pixel at most, in the units of the pictures.
        equal: it is another cause of the numbers of the finding before it, which no test can tell from that one.
    """

    kind: str
    message: str
    effect: float
    equal: bool = False


@dataclass(frozen=True)
class Diagnosis:
    """What ``inverse(forward(x))`` does to x, and why.

    Attributes:
        kind: one of :data:`KINDS`; of several mistakes the one with the largest effect.
        exact: x comes back within the derived tolerance (rounded to bytes where bytes come back).
        max_abs_error: the largest ``|inverse(forward(x)) - x|``, in the units of the pictures.
        wrong_levels: how many of ``total_levels`` (256 a channel) come back as another byte.
        message: the mistake in words, with the channel and the numbers.
        alternatives: the other mistakes that were found, and other causes of the same numbers.
        gain, offset: of each channel, ``x_hat = gain * x + offset``; None where that is no description.
    """

    kind: str
    exact: bool
    max_abs_error: float
    wrong_levels: int
    total_levels: int
    message: str
    alternatives: tuple[Finding, ...] = ()
    gain: tuple[float, ...] | None = None
    offset: tuple[float, ...] | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; NaN and infinity become None."""
        return {key: _jsonable(value) for key, value in asdict(self).items()}


def _jsonable(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_jsonable(one) for one in value]
    if isinstance(value, dict):
        return {key: _jsonable(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def diagnose(
    forward: Callable[[Any], Any] | Normalization,
    inverse: Callable[[Any], Any] | Normalization,
    *,
    channels: int | None = None,
    pixel_max: float | None = None,
    output_max: float | None = None,
    dtype: torch.dtype = torch.float32,
) -> Diagnosis:
    """Explains how far ``inverse(forward(x))`` is from x.

    Args:
        forward: takes a float tensor (C, H, W), or (N, C, H, W), in 0..`pixel_max`, and normalizes it; an array
            (H, W, C) or (C, H, W), where it takes no tensor.
        inverse: takes what the forward gave; gives back a tensor, array or PIL picture, channels first or last, of
            floating point or bytes.
        channels: of the pictures: unless given as many as the forward declares statistics for, or 3, where it declares
            none, or one for all.
        pixel_max: the value of white in the pictures that enter the forward: unless given that of the forward, where it
            is a Normalization, else 1.
        output_max: the value of white in what the inverse gives: `pixel_max` unless given; of integers see
            :func:`~pytest_denorm.assert_round_trip`.
        dtype: of the pictures: torch.float64, float32, float16 or bfloat16.

    Returns:
        The diagnosis; ``kind`` is ``exact`` where nothing is wrong.

    Raises:
        InverseError: one of the two raises, or gives back something that is no picture.
        ImageError, ImageTypeError: a forward, an inverse, channels, a white or a dtype that cannot be worked with.
    """
    for role, function in (("forward", forward), ("inverse", inverse)):
        if not isinstance(function, Normalization) and not callable(function):
            raise ImageTypeError(f"{role} is {function!r}: expected a function of a picture, or a Normalization.")
    if pixel_max is None:
        pixel_max = forward.pixel_max if isinstance(forward, Normalization) else 1.0
    declared = _declared(forward, pixel_max)
    assumed = 3 if declared is None or declared.channels == 1 else declared.channels
    try:
        seen = observe(
            as_function(forward),
            as_function(inverse),
            channels=assumed if channels is None else channels,
            pixel_max=pixel_max,
            output_max=output_max,
            dtype=dtype,
            declared=declared,
        )
    except InverseError as error:
        if channels is not None:
            raise
        raise InverseError(f"{error}\nIf the pictures have not {assumed} channels, say so: channels=.") from error
    findings = sorted(_findings(seen), key=lambda finding: -finding.effect)
    if not findings:
        findings = [_exact(seen) if seen.exact else _unknown(seen, "")]
    first, *rest = findings
    gain, offset = _composite(seen)
    also = "".join(f"\nAlso: {finding.message}" for finding in rest if not finding.equal)
    if seen.wraps:
        also += "\nBytes are cast without a clamp, so that 256 becomes 0 and -1 becomes 255."
    return Diagnosis(
        kind=first.kind,
        exact=seen.exact,
        max_abs_error=seen.max_abs_error,
        wrong_levels=seen.wrong_levels,
        total_levels=seen.total_levels,
        message=first.message + also,
        alternatives=tuple(rest),
        gain=gain,
        offset=offset,
    )


def _declared(forward: Any, pixel_max: float) -> Normalization | None:
    """The statistics that the forward says it has, to the last digit."""
    try:
        with alone(), warnings.catch_warnings():
            if pixel_max != 1:  # Normalize of torchvision cannot say that
                warnings.simplefilter("ignore", StatisticsWarning)
            return locate(forward).normalization
    except DenormError:
        return None


def _number(value: float) -> str:
    return f"{value:.4g}"


def _end(value: float | None, seen: Observation) -> str:
    """The end of a clamp: 0 and not 9.8e-10; nothing where there is none."""
    return "" if value is None or not math.isfinite(value) else _number(snap(value, 1e-4 * seen.white))


def _exact(seen: Observation) -> Finding:
    how = f"all {seen.total_levels} levels come back"
    if seen.wrong_levels:
        lost = f"{seen.wrong_levels} of {seen.total_levels} levels come back as another byte"
        how = f"within what this dtype can hold; {lost}"
    return Finding("exact", f"the picture comes back: {how}.", 0.0)


def _composite(seen: Observation) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """``x_hat = gain * x + offset`` in the units of the pictures, where each channel answers to itself."""
    if not seen.forward_is_affine or any(fit.source != c or not fit.affine for c, fit in enumerate(seen.fits)):
        return None, None
    gain, offset = _gain_and_offset(seen)
    return tuple(gain.tolist()), tuple(offset.tolist())


def _gain_and_offset(seen: Observation) -> tuple[Array, Array]:
    gain = seen.map.slope / seen.std
    return gain, seen.map.offset - gain * seen.mean


def _unknown(seen: Observation, why: str) -> Finding:
    lines = []
    gain, offset = _composite(seen)
    for c, fit in enumerate(seen.fits):
        name = channel_name(c, seen.channels)
        if not fit.affine:
            lines.append(f"{name}: no affine map, off by up to {_number(fit.residual)}")
        elif gain is not None and offset is not None:
            shift = snap(offset[c], float(seen.resolution(seen.map)[c]))  # 0 and not 5.6e-17
            lines.append(f"{name}: gain {distinct(snap(gain[c], 1e-7), 1.0, 4)}, offset {_number(shift)}")
        else:
            noise = 1e-6 * float(np.abs(fit.row).max())
            row = format_numbers([snap(float(one), noise) for one in fit.row], 4)
            lines.append(f"{name}: {row} times the normalized channels, offset {_number(snap(fit.offset, noise))}")
    start = why or "none of the known mistakes gives these numbers"
    if seen.scattered and not why:
        start = "the values come back in other places: a picture is reshaped or viewed, where it has to be permuted"
    if seen.flipped:
        start = f"the picture comes back turned over, {seen.flipped}"
    return Finding("unknown", f"{start}. " + "; ".join(lines) + ".", seen.max_abs_error)


def _findings(seen: Observation) -> Iterator[Finding]:
    """Every mistake that was seen, in no order."""
    if seen.forward_mutates:
        yield Finding("mutates-input", "the forward changes its input in place (inplace=True?): pass it a copy.", 0.0)
    if seen.inverse_mutates:
        yield Finding(
            "mutates-input",
            "the inverse changes its input in place: the normalized batch is overwritten, and a second call gives "
            "other pictures. Work on a clone.",
            0.0,
        )
    if seen.exact:
        return
    if not seen.repeats:
        why = (
            "the same picture gives another result the second time: chance, or something that a call changes, is in it"
        )
        yield _unknown(seen, why)
        return
    if not seen.forward_is_finite:
        yield _unknown(seen, "the forward gives NaN or infinite values: is a std 0, or too small for this dtype")
        return
    if seen.per_image == "min-max":
        yield Finding(
            "min-max",
            "each picture is stretched to its own minimum and maximum (make_grid(normalize=True), (x - min) / (max - "
            "min)): that shows something, and is no inverse. Use y * std + mean.",
            seen.max_abs_error,
        )
        return
    if seen.per_image:
        yield _unknown(seen, "the result depends on each picture's own values, so no fixed inverse is applied")
        return
    if not seen.forward_is_affine:
        yield _unknown(
            seen, "the forward is no Normalize: it does not map each channel by itself with a slope and an offset"
        )
        return
    yield from _map_findings(seen)


def _map_findings(seen: Observation) -> Iterator[Finding]:
    """Mistakes in the map itself: its channels, its numbers, its clamping, its rounding."""
    if not seen.finite:
        yield _unknown(seen, "the inverse gives NaN or infinite values")
        return
    clamp = _clamped(seen)
    causes, straight = Causes(seen), list(range(seen.channels))
    order = [fit.source for fit in seen.fits if fit.source is not None]
    known = order if sorted(order) == straight else None
    # a channel of one value tells nothing of its map
    fitted = known is not None and all(fit.affine and fit.slope for fit in seen.fits)
    if clamp is None and (seen.whole or not (fitted or seen.all_white)):
        for trial in [straight, straight[::-1], known or straight]:
            said = causes.predicting(trial)
            if said is not None:
                yield from _predicted_findings(seen, trial, *said)
                return
    if seen.whole and seen.highest <= 2 * seen.step:
        message = (
            f"the {seen.kind} that come back are 0 and 1: values in 0..1 were cast without multiplying by {seen.steps}."
        )
        yield Finding("scale-255", message, seen.max_abs_error)
        return
    if not all(fit.affine and fit.source is not None for fit in seen.fits):
        yield _unknown(seen, _why_no_map(seen))
        return
    if clamp is not None:
        yield clamp
    if known is None:
        names = ", ".join(channel_name(channel, seen.channels) for channel in order)
        yield _unknown(seen, f"the channels of the result come from the normalized channels {names}")
        return
    moved = known != straight
    if moved:
        yield Finding("channel-order", _order_message(known, seen), seen.max_abs_error)
    numbers = list(_number_findings(seen, causes, known, alone=not moved and clamp is None))
    yield from numbers
    if not numbers and not moved and clamp is None:
        yield _unknown(seen, _why_unknown(seen, causes))


def _why_no_map(seen: Observation) -> str:
    values = np.unique(seen.z * seen.scale)
    if len(values) <= _FEW_VALUES:
        shown = ", ".join(_number(value) for value in values)
        one = "one value comes" if len(values) == 1 else f"{len(values)} values come"
        return f"only {one} back, {shown}: that is a mask or a threshold, and no picture"
    if short := seen.half_precision:
        return f"the formula is right, and {short} rounds what it works with: compute in float32"
    return ""


def _why_unknown(seen: Observation, causes: Causes) -> str:
    if seen.all_white:
        return "every picture comes back white: all values run past it, and are clipped there"
    if seen.whole and causes.right_constants(seen.map) == 2 * seen.channels:
        off = in_levels(seen.max_abs_error / seen.level, 2)
        half = "half a level" if seen.steps == 255 else f"half of 1/{seen.steps}"
        return (
            f"each constant is right as far as {seen.kind} show it, and pixels come back up to {off} off, where "
            f"rounding takes {half}: diagnose the inverse as it is before it makes {seen.kind}"
        )
    if causes.is_correct(seen.map):
        off = in_levels(seen.max_abs_error / seen.level, 4)
        why = f"the map is right as far as it can be measured, and the result up to {off} off"
        is_coarse = seen.unit_roundoff > _SINGLE
        return f"{why}: floats of 16 bits tell no more, so diagnose it in float32" if is_coarse else why
    return _of_another_white(seen)


def _of_another_white(seen: Observation) -> str:
    """Where all values are so many times too large that their white may be another of the usual ones."""
    gain, offset = _gain_and_offset(seen)
    factor, white = float(gain.mean()), seen.scale * seen.white
    if np.ptp(gain) > 1e-3 * abs(factor) or np.abs(offset).max() > 1e-3 * abs(factor) * seen.white:
        return ""
    meant = next((one for one in _WHITES if one != white and abs(factor * white / one - 1) <= 1e-3), None)
    if meant is None:
        return ""
    ratio = f"{meant / white:.5g} times too large" if meant > white else f"{white / meant:.5g} times too small"
    return (
        f"the result is {ratio}, as if white was {meant:g} in it, and not {white:g}. If 0..{meant:g} is meant, say so: "
        f"output_max={meant:g}"
    )


def _predicted_findings(
    seen: Observation, order: Sequence[int], causes: Sequence[Cause], truncated: bool
) -> Iterator[Finding]:
    moved = list(order) != sorted(order)
    if moved:
        yield Finding("channel-order", _order_message(order, seen), seen.max_abs_error)
    if causes:
        yield from _as_findings(seen, seen.correct, causes)
    if truncated:
        yield _truncation(seen, alone=not causes and not moved)


def _number_findings(seen: Observation, causes: Causes, order: Sequence[int], *, alone: bool) -> Iterator[Finding]:
    """Mistakes in the numbers; `alone`: nothing else explains that pictures do not come back."""
    # each half of a level that truncation takes away is put back before the numbers are read
    trials = [(seen.map, False)] + ([(seen.map.raised(seen.step / 2), True)] if seen.whole else [])
    if list(order) != sorted(order):  # statistics may have been applied before or after the channels were moved
        trials += [(one.moved(order), cut) for one, cut in trials]
    # in low precision the map may be correct either way, and is the nearer one
    for one, cut in sorted(trials, key=lambda trial: causes.distance(trial[0])):
        if causes.is_correct(one):
            if cut:
                yield _truncation(seen, alone=alone)
            if not alone or cut:
                return
            trials = [(one, cut)]
            break
    if not causes.is_correct(seen.map) and causes.is_correct(seen.map.raised(-seen.step / 2)):
        half = "half a level" if seen.steps == 255 else "half of one"
        why = (
            f"{seen.kind} come back {half} too high, and nothing else is wrong: 0.5 is added and they are rounded as "
            f"well, or they are rounded up (ceil). Do one of the two, and round to the nearest"
        )
        yield _unknown(seen, why)
        return
    # constants that are merely wrong are read off where most of the others are right
    by_right_ones = sorted(trials, key=lambda trial: -causes.right_constants(trial[0]))
    nearest, cut = by_right_ones[0]
    if seen.whole and causes.right_constants(nearest) == 2 * seen.channels and not causes.of(nearest):
        if cut:  # what else is wrong is too little to be read off bytes
            yield _truncation(seen, alone=alone)
        return
    # mistakes in float64 may be made with constants of float32
    coarse = Causes(replace(seen, unit_roundoff=_SINGLE)) if seen.is_finer_than_float32 else causes
    for explain, chosen in (
        (causes.of, trials),
        *([(coarse.of, trials)] if coarse is not causes else []),
        (coarse.factor_of_255, trials),
        (coarse.constants, by_right_ones),
    ):
        for one, cut in chosen:
            found = explain(one)
            if found:
                yield from _as_findings(seen, one, found)
                if cut:
                    yield _truncation(seen, alone=False)
                return


def _as_findings(seen: Observation, found: Map, causes: Sequence[Cause]) -> Iterator[Finding]:
    """Causes of different parts of the map as findings of their own; causes of the same numbers in one message."""
    groups: list[list[Cause]] = []
    for one in causes:
        if one.equal:
            groups[-1].append(one)
        else:
            groups.append([one])
    for first, *equal in groups:
        same = "".join(f" The same numbers come about where {one.message[0].lower()}{one.message[1:]}" for one in equal)
        effect = _effect(seen, found, first)
        yield Finding(first.kind, first.message + same, effect)
        for one in equal:
            # just below its equal, so that sorting by effect keeps the two together
            yield Finding(one.kind, one.message, effect * (1 - 1e-9), equal=True)


def _truncation(seen: Observation, *, alone: bool) -> Finding:
    lost = f": {seen.wrong_levels} of {seen.total_levels} levels come back wrong" if alone and seen.wrong_levels else ""
    between, half, dtype = "two levels", "half a level", "torch.uint8"
    if seen.steps != 255:
        between, half, dtype = "two of them", "half of one", "torch.uint16" if seen.steps <= 65535 else "torch.int32"
    return Finding(
        "truncation",
        f"{seen.kind} are truncated instead of rounded{lost}, and what lies between {between} loses {half} on average. "
        f"Round before the cast: x{_to_whole(seen)}.round().clamp(0, {seen.steps}).to({dtype}).",
        seen.step,
    )


def _to_whole(seen: Observation) -> str:
    """What brings 0..white to 0..255, or to the whole numbers that come back."""
    return "" if seen.white == seen.steps else f".mul({seen.steps / seen.white:.8g})"


def _order_message(order: Sequence[int], seen: Observation) -> str:
    names = [channel_name(channel, seen.channels) for channel in order]
    if list(order) == list(range(len(order)))[::-1]:
        return "the channels come back reversed (BGR for RGB)."
    return f"the channels come back in another order: {', '.join(names)}."


def _clamped(seen: Observation) -> Finding | None:
    """Clipping to something else than black and white."""
    said: dict[tuple[str, str], dict[int, str]] = {}
    for c, fit in enumerate(seen.fits):
        if fit.affine and fit.source is not None and (found := _clamped_channel(seen, c, fit)):
            said.setdefault(found[0], {})[c] = found[1]
    if not said:
        return None
    lines = []
    for (where, instead), lost in said.items():
        names = [channel_name(c, seen.channels) for c in lost]
        kept = next(iter(lost.values()))
        if len(set(lost.values())) > 1:
            each = [f"{one} ({name})" for one, name in zip(lost.values(), names, strict=True)]
            side = each[0].split()[0] + " "
            kept = side + ", ".join(one.removeprefix(side) for one in each)
        whose = "" if len(lost) == seen.channels else f"{', '.join(names)}: "
        lines.append(
            f"{whose}values are clamped {where}, so that what lies {kept} is lost. {instead} to 0..{seen.white:g}."
        )
    return Finding("clamped", " ".join(lines), seen.max_abs_error)


def _clamped_channel(seen: Observation, c: int, fit: ChannelFit) -> tuple[tuple[str, str], str] | None:
    """Where a channel is clipped to something else, what to do instead, and what is lost; None if it is not."""
    near = 0.01 * seen.white if seen.whole else 8 * float(seen.slack[c])
    low, high = _clipped_ends(seen, fit, near)
    if (low is None or abs(low) <= near) and (high is None or abs(high - seen.white) <= near):
        return None
    lost = f"outside {_end(low, seen)}..{_end(high, seen)}"
    if low is None or high is None:
        lost = f"above {_end(high, seen)}" if low is None else f"below {_end(low, seen)}"
    # the level of a byte tells an end to half a level
    room = 0.5 * seen.step if seen.whole else 1e-4 * seen.white
    before = sorted((_before(low, fit, -math.inf, room), _before(high, fit, math.inf, room)))
    if _digits(before, 1e-4) <= _digits([low, high], max(room, 1e-4)):
        where = f"in the normalized space (to {_end(before[0], seen)}..{_end(before[1], seen)}) before the inverse"
        return (where, "Clamp after the inverse,"), lost
    return ("after the inverse, to another range than the pictures'", "Clamp"), lost


def _clipped_ends(seen: Observation, fit: ChannelFit, room: float) -> tuple[float | None, float | None]:
    """Where the map would have gone further than it was seen to go: the lowest and the highest result."""
    ends = [fit.slope * y + fit.offset for y in (seen.y_low[fit.source], seen.y_high[fit.source])]
    return (
        fit.lowest if min(ends) < fit.lowest - room else None,
        fit.highest if max(ends) > fit.highest + room else None,
    )


def _before(end: float | None, fit: ChannelFit, unbounded: float, room: float) -> float:
    """The normalized value that becomes `end`, which is known to `room`."""
    if end is None:
        return unbounded * math.copysign(1.0, fit.slope)
    value, width = (end - fit.offset) / fit.slope, max(1e-4, abs(room / fit.slope))
    return snap(value, width) or (0.0 if abs(value) <= width else value)


def _digits(ends: Sequence[float | None], room: float) -> int:
    """How many digits it takes to write them down."""
    return max(len(f"{snap(one, room):.6g}".strip("-0.")) for one in ends if one is not None and math.isfinite(one))


def _effect(seen: Observation, found: Map, cause: Cause) -> float:
    """How far ``slope * y + offset`` is from the picture at most."""
    gaps = [np.abs((cause.slope - seen.std) * y + (cause.offset - seen.mean)) for y in (found.low, found.high)]
    return float(np.max(gaps))
