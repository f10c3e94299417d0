"""Which mistake an inverse makes, told from the map that it computes.

Every classic mistake puts other numbers in the place of std and mean: the inverse computes ``a * y + b`` with, say,
``b = mean * std`` where the mean was not divided by the std. Here each mistake is a line that predicts ``a`` and ``b``
from the statistics of the forward; the one whose prediction agrees with what was observed, within the derived tolerance,
is the diagnosis. Where several agree, their numbers are equal, and no test can tell them apart: all are named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from ..normalization import Normalization, format_numbers
from .causes import Cause, agrees, causes_of, channel_name, constants_of, factor_of_255, right_constants
from .observation import ChannelFit, Observation, observe, snap

__all__ = ["KINDS", "Diagnosis", "Finding", "diagnose"]

Array = np.ndarray[Any, Any]

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
        plain = asdict(self)
        plain["alternatives"] = [asdict(finding) for finding in self.alternatives]
        return {key: _jsonable(value) for key, value in plain.items()}


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
    channels: int = 3,
    pixel_max: float = 1.0,
    output_max: float | None = None,
    dtype: torch.dtype = torch.float32,
) -> Diagnosis:
    """Explains how far ``inverse(forward(x))`` is from x.

    Args:
        forward: takes a float tensor (C, H, W), or (N, C, H, W), in 0..`pixel_max`, and normalizes it.
        inverse: takes what the forward gave; gives back a tensor, array or PIL picture, channels first or last, of
            floating point or bytes.
        channels: of the pictures.
        pixel_max: the value of white in the pictures that enter the forward.
        output_max: the value of white in what the inverse gives: `pixel_max` unless given, and 255 for bytes.
        dtype: of the pictures: torch.float64, float32, float16 or bfloat16.

    Returns:
        The diagnosis; ``kind`` is ``exact`` where nothing is wrong.

    Raises:
        InverseError: one of the two raises, or gives back something that is no picture.
        ImageError, ImageTypeError: channels, pixel_max or dtype that cannot be worked with.
    """
    seen = observe(
        forward.normalize if isinstance(forward, Normalization) else forward,
        inverse.normalize if isinstance(inverse, Normalization) else inverse,
        channels=channels,
        pixel_max=pixel_max,
        output_max=output_max,
        dtype=dtype,
    )
    findings = sorted(_findings(seen), key=lambda finding: -finding.effect)
    if not findings:
        findings = [_exact(seen) if seen.exact else _unknown(seen)]
    first, *rest = findings
    gain, offset = _composite(seen)
    also = "".join(f"\nAlso: {finding.message}" for finding in rest if not finding.equal)
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


def _number(value: float) -> str:
    return f"{value:.4g}"


def _end(value: float) -> str:
    """The end of a clamp: 0 and not 9.8e-10."""
    return _number(snap(value, 1e-4))


def _exact(seen: Observation) -> Finding:
    how = f"all {seen.total_levels} levels come back"
    if seen.wrong_levels:
        how = f"within what this dtype can hold; {seen.wrong_levels} of {seen.total_levels} levels come back as another byte"
    return Finding("exact", f"the picture comes back: {how}.", 0.0)


def _composite(seen: Observation) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """``x_hat = gain * x + offset``, where each channel answers to itself."""
    if not seen.forward_is_affine or any(fit.source != c or not fit.affine for c, fit in enumerate(seen.fits)):
        return None, None
    gain = [fit.slope / std for fit, std in zip(seen.fits, seen.std, strict=True)]
    offset = [fit.offset - g * mean for fit, g, mean in zip(seen.fits, gain, seen.mean, strict=True)]
    return tuple(float(g * seen.scale) for g in gain), tuple(float(o * seen.scale) for o in offset)


def _unknown(seen: Observation, why: str = "") -> Finding:
    lines = []
    gain, offset = _composite(seen)
    for c, fit in enumerate(seen.fits):
        name = channel_name(c, seen.channels)
        if not fit.affine:
            lines.append(f"{name}: no affine map, off by up to {_number(fit.residual)}")
        elif gain is not None and offset is not None:
            lines.append(f"{name}: gain {_number(gain[c])}, offset {_number(offset[c])}")
        else:
            lines.append(
                f"{name}: {format_numbers(fit.row, 4)} times the normalized channels, offset {_number(fit.offset)}"
            )
    start = why or "none of the known mistakes gives these numbers"
    return Finding("unknown", f"{start}. " + "; ".join(lines) + ".", seen.max_abs_error)


def _findings(seen: Observation) -> Iterator[Finding]:
    """Every mistake that was seen, in no order."""
    if seen.forward_mutates:
        yield Finding("mutates-input", "the forward changes its input in place (inplace=True?): pass it a copy.", 0.0)
    if seen.inverse_mutates:
        yield Finding(
            "mutates-input",
            "the inverse changes its input in place: the normalized batch is overwritten, and a second call gives other "
            "pictures. Work on a clone.",
            0.0,
        )
    if seen.exact:
        return
    if seen.per_image == "min-max":
        yield Finding(
            "min-max",
            "each picture is stretched to its own minimum and maximum (make_grid(normalize=True), (x - min) / (max - min)): "
            "that shows something, and is no inverse. Use y * std + mean.",
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
    if seen.bytes_out and seen.highest * 255 <= 2 * seen.white:
        message = "the bytes that come back are 0 and 1: values in 0..1 were cast without multiplying by 255."
        yield Finding("scale-255", message, seen.max_abs_error)
        return
    if not all(fit.affine and fit.source is not None for fit in seen.fits):
        yield _unknown(seen)
        return
    order = [fit.source for fit in seen.fits if fit.source is not None]
    slope = np.array([fit.slope for fit in seen.fits])
    offset = np.array([fit.offset for fit in seen.fits])
    clamp = _clamped(seen)
    if clamp is not None:
        yield clamp
    if len(set(order)) < len(order):
        yield Finding(
            "unknown", f"the channels of the result come from the normalized channels {order}.", seen.max_abs_error
        )
        return
    moved = order != list(range(len(order)))
    if moved:
        yield Finding("channel-order", _order_message(order, seen), seen.max_abs_error)
    # each half of a level that truncation takes away is put back before the numbers are read
    half = seen.white / 510 if seen.bytes_out else 0.0
    trials = [(slope, offset, False)] + ([(slope, offset + half, True)] if seen.bytes_out else [])
    if moved:  # statistics may have been applied before or after the channels were moved
        trials += [(_back(one, order), _back(two, order), cut) for one, two, cut in trials]
    for one, two, cut in trials:
        if agrees(seen, one, two, seen.std, seen.mean):
            if cut:
                yield _truncation(seen, alone=not moved and clamp is None)
            return
    # constants that are merely wrong are read off where most of the others are right
    trials_by_fit = sorted(trials, key=lambda trial: -right_constants(seen, trial[0], trial[1]))
    for explain, chosen in ((causes_of, trials), (factor_of_255, trials), (constants_of, trials_by_fit)):
        for one, two, cut in chosen:
            causes = explain(seen, one, two)
            if causes:
                yield from _as_findings(seen, one, two, causes)
                if cut:
                    yield _truncation(seen, alone=False)
                return
    if not moved and clamp is None:
        yield _unknown(seen)


def _as_findings(seen: Observation, slope: Array, offset: Array, causes: Sequence[Cause]) -> Iterator[Finding]:
    """Causes of different parts of the map as findings of their own; causes of the same numbers in one message."""
    first, *others = causes
    equal = [one for one in others if one.equal and one.kind != first.kind]
    same = "".join(f" The same numbers come about where {one.message[0].lower()}{one.message[1:]}" for one in equal)
    yield Finding(first.kind, first.message + same, _effect(seen, first.slope, first.offset))
    for one in others:
        if not one.equal or one.kind != first.kind:
            # just below its equal, so that sorting by effect keeps the two together
            effect = _effect(seen, one.slope, one.offset) * (1 - 1e-9 if one.equal else 1)
            yield Finding(one.kind, one.message, effect, one.equal)


def _back(values: Array, order: Sequence[int]) -> Array:
    """`values` of the results, put at the channels they were taken from."""
    moved = np.empty_like(values)
    moved[list(order)] = values
    return moved


def _truncation(seen: Observation, *, alone: bool) -> Finding:
    lost = f": {seen.wrong_levels} of {seen.total_levels} levels come back wrong" if alone else ""
    return Finding(
        "truncation",
        f"bytes are truncated instead of rounded{lost}, and what lies between two levels loses half a level on average. "
        f"Round before the cast: x.mul(255).round().clamp(0, 255).",
        seen.white / 255,
    )


def _order_message(order: Sequence[int], seen: Observation) -> str:
    names = [channel_name(channel, seen.channels) for channel in order]
    if list(order) == list(range(len(order)))[::-1]:
        return "the channels come back reversed (BGR for RGB)."
    return f"the channels come back in another order: {', '.join(names)}."


def _clamped(seen: Observation) -> Finding | None:
    """Clipping to something else than black and white."""
    near = 0.012 * seen.white
    ends = [
        (c, fit)
        for c, fit in enumerate(seen.fits)
        if math.isfinite(fit.lowest)
        and (fit.lowest > near or fit.highest < seen.white - near or fit.lowest < -near)
        and _clips(seen, fit)
    ]
    if not ends:
        return None
    c, fit = ends[0]
    # the clamped value, seen where the clamp is: before y * slope + offset
    low, high = sorted(((fit.lowest - fit.offset) / fit.slope, (fit.highest - fit.offset) / fit.slope))
    name = channel_name(c, seen.channels)
    return Finding(
        "clamped",
        f"{name}: values are clamped in the normalized space (to {_end(low)}..{_end(high)}) before the inverse, so "
        f"that what lies outside {_number(fit.lowest)}..{_number(fit.highest)} is lost. Clamp after the inverse, to "
        f"0..{seen.white:g}.",
        seen.max_abs_error,
    )


def _clips(seen: Observation, fit: ChannelFit) -> bool:
    """Whether the map would have gone further than it was seen to go."""
    source = fit.source or 0
    ends = [fit.slope * y + fit.offset for y in (seen.y_low[source], seen.y_high[source])]
    return min(ends) < fit.lowest - 0.01 * seen.white or max(ends) > fit.highest + 0.01 * seen.white


def _effect(seen: Observation, slope: Array, offset: Array) -> float:
    """How far ``slope * y + offset`` is from the picture at most."""
    gaps = [np.abs((slope - seen.std) * y + (offset - seen.mean)) for y in (seen.y_low, seen.y_high)]
    return float(np.max(gaps))
