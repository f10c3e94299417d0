"""What a pipeline does to images after its Normalize: undoing Normalize does not undo that."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch

from ..core.colormap import ColorMap
from ..core.normalization import Normalization, format_numbers
from ..pipelines.exchange import order_in_words
from .outcome import CheckFailure
from .sighting import Sighting
from .stages import Array, ColorStages, fit_stage, pixels_of, room_of

__all__ = ["refuse_changed_colors", "refuse_changed_pixels"]

#: The share of an image that shows the order of its channels, where the rest is erased.
_MOST = 0.5
#: Of more channels, there are too many orders to try.
_MOST_TURNED = 6
#: The share of another channel that is no rounding, where the image's condition is no worse.
_MIXED, _TELLS_APART = 1e-3, 1e4
#: So many levels of an image, and pairs of pixels of one level that have other neighbors, tell a curve from moves.
_LEVELS, _PAIRS = 32, 256
#: The share of an image that a curve changes.
_CHANGED = 0.1


def refuse_changed_colors(stages: ColorStages, declared: Normalization, turned_back: tuple[int, ...] | None) -> None:
    """Hold what the pipeline gives in the end against what leaves Normalize, as colors.

    Raises:
        CheckFailure: they differ.
    """
    if stages.final is None:
        return
    room = room_of(stages.dtype, stages.left)
    if np.abs(stages.final - stages.left).max() <= room:
        return
    found = fit_stage(stages.left, stages.final, max(room, 1e-5 * float(np.abs(stages.final).max())))
    if _is_turned_back(found, turned_back):
        return
    _refuse_map(found, declared, (float(stages.final.min()), float(stages.final.max())))
    one = int(np.flatnonzero((np.abs(stages.final - stages.left) > room).any(axis=1))[0])
    raise CheckFailure(
        f"an image of one color leaves Normalize as {format_numbers(stages.left[one], 4)}, and the pipeline as "
        f"{format_numbers(stages.final[one], 4)}: colors are changed in between, and undoing Normalize does not undo "
        f"that. Change them before Normalize, if at all.",
        leaving=stages.left[one].tolist(),
        final=stages.final[one].tolist(),
    )


def refuse_changed_pixels(seen: Sighting, declared: Normalization, turned_back: tuple[int, ...] | None) -> None:
    """Hold what the pipeline gives in the end against what leaves Normalize, as pixels.

    It may be cropped, erased or noisy, but not of another scale, dtype or color.

    Raises:
        CheckFailure: it is.
    """
    leaving, final = seen.leaving, seen.final
    if leaving is None or final is None or torch.equal(leaving, final):
        return
    if not final.is_floating_point():
        dtype = str(final.dtype).removeprefix("torch.")
        raise CheckFailure(
            f"what leaves Normalize is cast to {dtype} before it leaves the pipeline: normalized values lie around 0, "
            f"and next to nothing is left of them. Whatever makes or wants bytes has to come before Normalize.",
            dtype=dtype,
        )
    if final.shape != leaving.shape:
        return
    y, z = pixels_of(leaving), pixels_of(final)
    lost = int((np.isfinite(y) & ~np.isfinite(z)).any(axis=1).sum())
    if lost:
        raise CheckFailure(
            f"{lost:,} of {len(z):,} pixels are NaN or infinite when they leave the pipeline, and were finite when "
            f"they left Normalize.",
            pixels=lost,
        )
    room = room_of(final.dtype, y)
    if np.abs(z - y).max() <= room:
        return
    found = fit_stage(y, z, max(room, 1e-5 * float(np.abs(z).max())))
    if _is_turned_back(found, turned_back):
        return
    _refuse_map(found, declared, (float(z.min()), float(z.max())), condition=_condition(y))
    if seen.is_own:  # one image is all there is to see
        _refuse_moved_map(y, z, room, declared)
        _refuse_curve(leaving, final, room)


def _is_turned_back(found: ColorMap, turned_back: tuple[int, ...] | None) -> bool:
    """Whether channels are exchanged, and the inverse turns them back."""
    return turned_back is not None and not found.nonlinear and found.order == turned_back


def _condition(y: Array) -> float:
    return float(np.linalg.cond(y - y.mean(axis=0)))


def _refuse_map(
    found: ColorMap, declared: Normalization, reach: tuple[float, float], *, condition: float = 1.0
) -> None:
    """
    Raises:
        CheckFailure: it is a map, and says what is done.
    """
    if found.clipped:
        raise _cut_off(*reach)
    if found.nonlinear or condition >= _TELLS_APART:
        return
    gain = np.diagonal(found.matrix)
    beside = np.abs(found.matrix - np.diag(gain)).max()
    if beside <= found.tolerance and gain.all():
        _refuse_scale(gain, found.offset, found.tolerance, declared)
    order = found.order
    if order is not None and order != tuple(range(len(order))):
        raise _exchanged(order)
    if beside > _MIXED:
        grey = np.abs(found.matrix - found.matrix[:1]).max() <= _MIXED and np.ptp(found.offset) <= found.tolerance
        raise CheckFailure(
            f"what leaves Normalize is {'made grey' if grey else 'mixed among its channels'} before it leaves the "
            f"pipeline: undoing Normalize does not undo that. Do it before Normalize, if at all."
        )


def _cut_off(low: float, high: float) -> CheckFailure:
    return CheckFailure(
        f"what leaves Normalize is cut off at {low:.4g}..{high:.4g} before it leaves the pipeline: that cannot be "
        f"undone. Clamp the images before Normalize, if at all.",
        low=low,
        high=high,
    )


def _refuse_scale(gain: Array, offset: Array, room: float, declared: Normalization) -> None:
    offset = np.where(np.abs(offset) > room, offset, 0.0)
    if not offset.any() and np.abs(gain - 1).max() <= 1e-4:
        return
    # z = gain * (x - mean) / std + offset
    std = np.array(declared.std) / gain
    mean = np.array(declared.mean) - offset * std
    raise CheckFailure(
        f"what leaves Normalize is {_named_scale(gain, offset, declared)} before it leaves the pipeline: undoing "
        f"Normalize does not undo that. All of it is what Normalize(mean={format_numbers(mean, 4)}, "
        f"std={format_numbers(std, 4)}) does.",
        gain=gain.tolist(),
        offset=offset.tolist(),
    )


def _named_scale(gain: Array, offset: Array, declared: Normalization) -> str:
    mean, std = np.array(declared.mean), np.array(declared.std)
    for name, factor, shift in (
        ("divided by 255", 1 / 255, 0.0),
        ("multiplied by 255", 255.0, 0.0),
        ("normalized once more", 1 / std, -mean / std),
        ("denormalized again", std, mean),
    ):
        if np.allclose(gain, factor, rtol=1e-3) and np.allclose(offset, shift, rtol=1e-3, atol=1e-4):
            return name
    done = [f"multiplied by {format_numbers(gain, 4)}"] if np.abs(gain - 1).max() > 1e-4 else []
    done += [f"shifted by {format_numbers(offset, 4)}"] if offset.any() else []
    return " and ".join(done)


def _exchanged(order: tuple[int, ...]) -> CheckFailure:
    return CheckFailure(
        f"the channels leave the pipeline {order_in_words(order)}: undoing Normalize gives images in that order, "
        f"and the network has to be one for it. Take the exchange of channels out, or turn them back in an inverse of "
        f"your own, and give that: inverse=.",
        order=list(order),
    )


def _refuse_moved_map(y: Array, z: Array, room: float, declared: Normalization) -> None:
    """Wherever the pixels went: those of a channel have the values of another channel, or all are on another scale."""
    came, went = np.sort(y, axis=0), np.sort(z, axis=0)
    if np.abs(went - came).max() <= room:
        return
    found = fit_stage(came, went, max(room, 1e-5 * float(np.abs(z).max())))
    gain = np.diagonal(found.matrix)
    if found.clipped:
        raise _cut_off(float(z.min()), float(z.max()))
    if not found.nonlinear and gain.all() and np.abs(found.matrix - np.diag(gain)).max() <= found.tolerance:
        _refuse_scale(gain, found.offset, found.tolerance, declared)
    for order in itertools.permutations(range(y.shape[1])) if y.shape[1] <= _MOST_TURNED else ():
        here = _share_kept(y[:, order], z, room)
        if np.abs(went - came[:, order]).max() <= room or here > _share_kept(y, z, room) + _MOST:
            raise _exchanged(order)


def _share_kept(y: Array, z: Array, room: float) -> float:
    return float((np.abs(z - y) <= room).all(axis=1).mean())


def _refuse_curve(leaving: torch.Tensor, final: torch.Tensor, room: float) -> None:
    """Pixels of one level that have other neighbors become one level again, which is another one."""
    for before, after in zip(leaving.movedim(-3, 0), final.movedim(-3, 0), strict=True):
        y, z = before.double().numpy(), after.double().numpy()
        pixels: list[Any] = [
            one.ravel() for one in (y[..., :-1, :-1], z[..., :-1, :-1], y[..., 1:, :-1], y[..., :-1, 1:])
        ]
        in_order = np.lexsort((pixels[1], pixels[0]))
        level, became, below, beside = (one[in_order] for one in pixels)
        is_same = np.diff(level) == 0
        telling = is_same & (np.diff(below) != 0) & (np.diff(beside) != 0)
        if telling.sum() < _PAIRS or (~is_same).sum() < _LEVELS or np.diff(became)[is_same].max() > room:
            return
        if (np.abs(became - level) > room).mean() < _CHANGED or np.ptp(became) <= room:
            return
    raise CheckFailure(
        "what leaves Normalize is changed by a curve before it leaves the pipeline: undoing Normalize does not undo "
        "that. Do it before Normalize, if at all."
    )
