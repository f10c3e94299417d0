"""What the Normalize really does while its whole pipeline runs: watched there, or measured from outside.

One image is followed through the pipeline in three stages: given to entering, entering to leaving, leaving to the end.
Each is a map of colors, and each has its message.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..core.alone import alone
from ..core.colormap import ColorMap, fit_affine
from ..core.normalization import Normalization, format_numbers
from ..core.preset_match import reversed_preset
from ..core.text import channel_name
from ..core.tolerance import round_trip_tolerance
from ..core.white import BRIGHT, white_of_values
from ..errors import DenormError, DenormWarning, NotInvertibleError, PipelineError
from ..pipelines.channel_counts import of_located
from ..pipelines.exchange import as_they_leave, order_in_words
from ..pipelines.located import Located
from ..pipelines.probe import FEW_DRAWS, measure
from ..pipelines.registry import COLLATES
from ..pipelines.runner import Runner, is_network
from .afterwards import refuse_changed_colors
from .given import refuse_changed_batch, refuse_changed_items
from .outcome import CheckFailure, NotApplicable, Shown
from .sighting import OtherChannelsError, OwnFormRaisesError, Sighting, channel_counts, sightings
from .stages import ROUNDED, ColorStages, color_stages, fit_stage, pixels_of

__all__ = ["declared_against_measured"]

Array = np.ndarray[Any, Any]

#: How far black and white may be beyond 0..white when they enter.
_BEYOND = 0.05


def declared_against_measured(pipeline: Any, located: Located, verified: Located) -> Shown:
    """Hold what the Normalize does inside its pipeline against what it declares.

    Where it cannot be watched there, the whole pipeline is measured from outside.

    Args:
        verified: the same, together with an exchange of channels if the inverse turns them back.

    Raises:
        CheckFailure: they differ, or the images are not on the scale that the statistics are for.
        NotApplicable: neither can be done.
    """
    runner = None
    if located.call is not None and located.op is not pipeline:
        runner = Runner(located.call, located, channel_counts(located.normalization))
    try:
        seen, *others = _telling(pipeline, located, runner)
    except OwnFormRaisesError as error:
        raise CheckFailure(str(error)) from error
    except NotApplicable as unseen:
        return _from_outside(verified, unseen)
    if seen.leaving is None or seen.leaving.shape[-3] != seen.channels:
        raise OtherChannelsError(seen)
    if seen.leaving.shape != seen.entering.shape:
        return _from_outside(verified, NotApplicable("the image changes its size inside the Normalize"))
    declared = located.normalization.expand(seen.channels)
    try:
        mean, std = _inside(located, seen, declared)
    except NotApplicable as unseen:
        return _from_outside(verified, unseen)
    if any(one.twice and one.does_something for one in (seen, *others)):
        raise CheckFailure(
            "what leaves Normalize enters it once more: undoing it once gives a normalized image again. Normalize "
            "each image once."
        )
    stages = _stages(runner, located)
    if not is_network(pipeline):
        refuse_changed_items([seen, *others], located.normalization, verified.order)
        if seen.is_own and COLLATES not in located.path:
            refuse_changed_batch(pipeline, located.normalization, verified.order)
        if stages is not None:
            _refuse_uneven(stages)
            refuse_changed_colors(stages, declared, verified.order)
    if stages is not None and stages.is_fixed:
        _refuse_changes_before(stages, declared, verified.order, of_rgb=runner is not None and runner.trial.form.is_pil)
    numbers = f"measured mean {format_numbers(mean, 4)}, std {format_numbers(std, 4)}"
    return Shown(
        f"{numbers} inside the pipeline{_turned(verified.order)}",
        {"mean": mean.tolist(), "std": std.tolist()},
    )


def _telling(pipeline: Any, located: Located, runner: Runner | None) -> list[Sighting]:
    """What entered and left: of images with several values in each channel, or with channels that do not fit.

    Of a data set these are its first items; of anything else, and where these tell nothing, it is a photograph.

    Raises:
        OwnFormRaisesError: the pipeline raises on images in its own form.
        NotApplicable: there is none.
    """
    found: list[Sighting] = []
    fits = False
    for seen in sightings(pipeline, located, runner):
        if found and not seen.is_own:
            break
        if seen.leaving is not None and seen.leaving.shape[-3] == seen.channels:
            if np.ptp(pixels_of(seen.entering), axis=0).all():
                found.append(seen)
            fits = True
        elif not fits:
            return [seen]
    if not found:
        raise NotApplicable("a channel of the images that were watched is of one value")
    return found


def _stages(runner: Runner | None, located: Located) -> ColorStages | None:
    try:
        return None if runner is None else color_stages(runner, located)
    except PipelineError:  # a transform of a data set may take more than an image
        return None


# --- entering to leaving ---


def _inside(located: Located, seen: Sighting, declared: Normalization) -> tuple[Array, Array]:
    """Return the mean and std that were measured.

    Raises:
        CheckFailure: they are not the declared ones, or not for the range of what enters.
        NotApplicable: it moves pixels.
    """
    assert seen.leaving is not None
    leaving: torch.Tensor = seen.leaving
    count = seen.channels
    x, y = pixels_of(seen.entering), pixels_of(leaving)
    low, high = float(x.min()), float(x.max())
    _refuse_other_scale(high, declared)
    if seen.is_own:
        _refuse_scaled_twice(x, declared)
    fits = [fit_affine(x[:, [c]], y[:, [c]]) for c in range(count)]
    slope, offset = (np.array([getattr(one, name).item() for one in fits]) for name in ("matrix", "offset"))
    if not slope.all():
        name = channel_name(int(np.flatnonzero(slope == 0)[0]), count)
        raise CheckFailure(f"{name}: all that leaves Normalize is of one value, and nothing brings the image back.")
    std = 1 / slope
    mean = -offset * std
    dtype = leaving.dtype if leaving.is_floating_point() else torch.float32
    allowed = np.array(round_trip_tolerance(declared, dtype, low=low, high=high).per_channel)
    off = np.abs(y * declared.std + declared.mean - x).max(axis=0)
    for c in np.flatnonzero(off > allowed):
        if _only_moved(x, y, declared, allowed):
            raise NotApplicable("pixels change places inside the Normalize")
        _refuse_what_is_no_map(located, x, y, allowed / np.abs(declared.std))
        raise _differs(int(c), declared, mean, std)
    return mean, std


def _refuse_other_scale(high: float, declared: Normalization) -> None:
    """
    Raises:
        CheckFailure: the statistics are not for images that go up to `high`.
    """
    if high > BRIGHT and declared.pixel_max == 1.0:
        shown = f"images in 0..{high:.0f} enter a Normalize whose "
        if max(*declared.mean, *declared.std) > 2:
            white = white_of_values(high) or high
            raise CheckFailure(
                f"{shown}statistics fit them, and which does not say so: its white is taken to be 1. Give its numbers "
                f"as Normalization({format_numbers(declared.mean)}, {format_numbers(declared.std)}, "
                f"pixel_max={white:g}), or scale the images to 0..1 and divide both by {white:g}.",
                entering_max=high,
            )
        raise CheckFailure(
            f"{shown}statistics are for 0..1 (mean {format_numbers(declared.mean)}): scale them first, with ToTensor "
            f"or ToDtype(torch.float32, scale=True).",
            entering_max=high,
        )
    if high > BRIGHT * declared.pixel_max:
        white = white_of_values(high) or high
        raise CheckFailure(
            f"images in 0..{high:.0f} enter a Normalize whose white is {declared.pixel_max:g}: they are "
            f"{white / declared.pixel_max:.4g} times too large. Give the value of white in these images "
            f"(max_pixel_value={white:g}), or scale them first.",
            entering_max=high,
        )
    if high <= 1 and declared.pixel_max >= 255:
        raise CheckFailure(
            f"images in 0..1 enter a Normalize whose statistics are for 0..{declared.pixel_max:g} (mean "
            f"{format_numbers(declared.mean)}): what leaves it hardly differs from image to image. Give the value "
            f"of white in these images (max_pixel_value=1.0), or the images as bytes.",
            entering_max=high,
        )


def _refuse_scaled_twice(x: Array, declared: Normalization) -> None:
    """An image of 8 bits that is scaled once has at most two levels up to white / 255.

    Raises:
        CheckFailure: all of an image of a data set is there.
    """
    high, darkest = float(x.max()), declared.pixel_max / 255
    if 0 < high <= darkest * 1.001 and len(np.unique(x)) > 2:
        raise CheckFailure(
            f"images in 0..{high:.4g} enter a Normalize whose statistics are for 0..{declared.pixel_max:g}: they are "
            f"255 times too small, because they are scaled twice. Divide by 255 once.",
            entering_max=high,
        )


def _only_moved(x: Array, y: Array, declared: Normalization, allowed: Array) -> bool:
    """Whether the same values leave, in other places."""
    came, entered = np.sort(y * declared.std + declared.mean, axis=0), np.sort(x, axis=0)
    return bool((np.abs(came - entered).max(axis=0) <= allowed).all())


def _refuse_what_is_no_map(located: Located, x: Array, y: Array, allowed: Array) -> None:
    """Numbers are fitted to anything: they are told where they are what a Normalize does to each channel, and always.

    Raises:
        CheckFailure: they are not; says what it does instead.
    """
    room = float(np.maximum(allowed, ROUNDED * np.ptp(y, axis=0)).max())
    fit = fit_affine(x, y)
    off = float(fit.residual.max())
    seen = ColorMap(fit.matrix, fit.offset, off, room, "", 1, nonlinear=off > room)
    if max(fit_affine(x[:, [c]], y[:, [c]]).residual.item() for c in range(x.shape[1])) <= room:
        problems = _of_several_images(located, ("per-image", "random"))
    elif seen.order is not None and not seen.nonlinear:
        problems = (
            f"the channels leave it {order_in_words(seen.order)}. Exchange them before it or after it, if at all",
        )
    else:
        problems = _of_several_images(located, ("",)) or seen.problems
    if problems:
        raise CheckFailure(
            f"{located.normalization.source} does not do what its attributes say, and what it does is no Normalize: "
            f"{'; '.join(problems)}."
        )


def _of_several_images(located: Located, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """What one image does not tell of a Normalize: the problems of such kinds that are measured from outside."""
    if located.probability < 1:
        return ()
    try:
        measured = measure(Runner(located.op, counts=of_located(located.normalization.channels)), FEW_DRAWS)
    except NotInvertibleError as error:
        return (str(error).removesuffix("."),)
    except DenormError:
        return ()
    return measured.problems if any(one.startswith(kinds) for one in measured.problems) else ()


def _refuse_uneven(stages: ColorStages) -> None:
    """
    Raises:
        CheckFailure: some pixels are treated otherwise than the others.
    """
    if stages.uneven:
        raise CheckFailure(
            f"{stages.uneven:.0%} of the pixels have another slope or offset than the others, for where they lie: no "
            f"mean and std undo that for the whole image. Normalize the whole image.",
            uneven=stages.uneven,
        )


# --- given to entering ---


def _refuse_changes_before(
    stages: ColorStages, declared: Normalization, turned_back: tuple[int, ...] | None, *, of_rgb: bool
) -> None:
    """Until they enter Normalize, the channels of the image must stay where they are, and in 0..white.

    Args:
        of_rgb: the images that are given are known to be RGB, as PIL's are.
    """
    room = ROUNDED * float(np.ptp(stages.entered, axis=0).max(initial=0))
    found = fit_stage(stages.given, stages.entered, room)
    if of_rgb and found.order is not None and (preset := reversed_preset(declared)):
        _refuse_statistics_of_bgr(found.order, declared, preset)
    if not (found.nonlinear or found.clipped):
        _refuse_other_order(found, turned_back)
        _refuse_other_range(found, declared)


def _refuse_statistics_of_bgr(order: tuple[int, ...], declared: Normalization, preset: str) -> None:
    """
    Raises:
        CheckFailure: the channels enter in the order RGB.
    """
    if list(order) == sorted(order):
        raise CheckFailure(
            f"RGB images enter a Normalize with mean {format_numbers(declared.mean)} and std "
            f"{format_numbers(declared.std)}, which are the numbers of {preset} in reverse, for BGR. Reverse both."
        )


def _refuse_other_range(before: ColorMap, declared: Normalization) -> None:
    """Black and white may be exchanged or come nearer on the way to Normalize, but not leave 0..white."""
    mean, std, white = np.array(declared.mean), np.array(declared.std), declared.pixel_max
    contrast = before.matrix.sum(axis=1)
    black, bright = before.offset / white, (before.offset + contrast) / white
    gain, offset = bright - black, np.where(np.abs(black) > 1e-4, black, 0.0) * white
    twice = bool((np.abs(gain * 255 - 1) < 1e-3).all())
    beyond = min(black.min(), bright.min()) < -_BEYOND or max(black.max(), bright.max()) > 1 + _BEYOND
    if (np.abs(contrast) <= before.tolerance).any() or not (twice or beyond):
        return
    done = [f"multiplied by {format_numbers(gain, 4)}"] if np.abs(gain - 1).max() > 1e-4 else []
    done += [f"shifted by {format_numbers(offset, 4)}"] if offset.any() else []
    how = "divided by 255 twice" if twice and not offset.any() else " and ".join(done)
    raise CheckFailure(
        f"images are {how} on the way to Normalize, and do not enter it in 0..{white:g}: undoing Normalize does not "
        f"undo that. All of it is what Normalize(mean={format_numbers((mean - offset) / gain, 4)}, "
        f"std={format_numbers(std / gain, 4)}) does.",
        gain=gain.tolist(),
        offset=offset.tolist(),
    )


def _turned(order: tuple[int, ...] | None) -> str:
    return "" if order is None else f"; channels leave it {order_in_words(order)}, and the inverse turns them back"


def _refuse_other_order(measured: ColorMap, turned_back: tuple[int, ...] | None) -> None:
    order = measured.order
    if order is None or order in (tuple(range(len(order))), turned_back):
        return
    raise CheckFailure(
        f"the channels leave the pipeline {order_in_words(order)}: undoing Normalize gives images in that order, "
        f"and the network has to be one for it. Take the exchange of channels out, or turn them back in an inverse of "
        f"your own, and give that: inverse=.",
        order=list(order),
    )


# --- from outside ---


def _from_outside(verified: Located, unseen: NotApplicable) -> Shown:
    declared = as_they_leave(verified)
    if verified.call is None:
        raise unseen
    try:
        counts = of_located(verified.normalization.channels)
        measured = measure(Runner(verified.call, verified, counts))
        _refuse_other_order(measured, verified.order)
        measured = measured.straightened
        with alone(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DenormWarning)
            found = measured.normalization(declared.pixel_max)
    except DenormError as error:
        raise NotApplicable(f"{unseen}; from outside: {error}") from error
    by_itself = verified.op is verified.call  # on which scale the images are that enter it, nothing shows
    as_called = replace(declared, pixel_max=1.0) if by_itself and verified.is_declared else declared
    if min(measured.difference(one) for one in (declared, as_called)) > measured.tolerance:
        expanded = declared.expand(found.channels)
        off = [
            max(abs(one - other), abs(std - wide))
            for one, other, std, wide in zip(found.mean, expanded.mean, found.std, expanded.std, strict=True)
        ]
        raise _differs(off.index(max(off)), expanded, np.array(found.mean), np.array(found.std))
    return Shown(f"{measured}{_turned(verified.order)}", {"mean": list(found.mean), "std": list(found.std)})


def _other_scale(declared: Normalization, mean: Any, std: Any) -> str:
    """What is known of measured numbers that are 255 times those that are declared, or the reverse."""
    for factor, said in (
        (255.0, "images are 255 times too small: they are divided by 255 twice"),
        (1 / 255.0, "images are 255 times too large: they are not divided by 255"),
    ):
        if np.allclose([mean, std], np.multiply([declared.mean, declared.std], factor), rtol=1e-3):
            return f"{said}. "
    return ""


def _differs(c: int, declared: Normalization, mean: Any, std: Any) -> CheckFailure:
    white = "" if declared.pixel_max == 1 else f", {declared.pixel_max:g}"
    return CheckFailure(
        f"{_other_scale(declared, mean, std)}{channel_name(c, declared.channels)}: declared mean "
        f"{declared.mean[c]:.6g} and std {declared.std[c]:.6g}, measured mean {mean[c]:.6g} and std "
        f"{std[c]:.6g}: what it does is not what its attributes say. Until that is "
        f"mended, give what was measured: Normalization({format_numbers(mean, 4)}, {format_numbers(std, 4)}{white}).",
        declared={"mean": list(declared.mean), "std": list(declared.std)},
        measured={"mean": mean.tolist(), "std": std.tolist()},
    )
