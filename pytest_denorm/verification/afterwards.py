"""What a pipeline does to pictures after its Normalize: undoing Normalize does not undo that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..colormap import fit_affine
from ..normalization import Normalization, format_numbers
from .case import CheckFailure

if TYPE_CHECKING:
    from .boundary import Sighting

__all__ = ["pixels_of", "refuse_changes_afterwards"]

Array = np.ndarray[Any, Any]

#: Of the largest value: what a cast to each dtype makes of it, and what a few more operations do in any other.
_CAST = {torch.float16: 2.0**-10, torch.bfloat16: 2.0**-7}
_COMPUTED = 1e-5
#: Pictures of one colour, in levels.
_COLOURS = ((60, 120, 200), (200, 90, 30), (25, 230, 140))
#: Erasing, padding and cutting out leave more of a picture as it was.
_KEPT = 0.05
#: By how many times its median deviation, divided by the root of the number of pixels, noise may move a median.
_NOISE = 30


def pixels_of(pictures: torch.Tensor) -> Array:
    """(..., C, H, W) as rows of pixels, float64."""
    pixels: Array = pictures.double().movedim(-3, -1).reshape(-1, pictures.shape[-3]).numpy()
    return pixels


def refuse_changes_afterwards(seen: Sighting, declared: Normalization) -> None:
    """What leaves Normalize may be cropped, erased or noisy in the end, but not of another scale, dtype or colour.

    Raises:
        CheckFailure: it is.
    """
    leaving, final = seen.leaving, seen.final
    if leaving is None or final is None:
        return
    if not final.is_floating_point():
        dtype = str(final.dtype).removeprefix("torch.")
        raise CheckFailure(
            f"what leaves Normalize is cast to {dtype} before it leaves the pipeline: normalized values lie around 0, "
            f"and next to nothing is left of them. Whatever makes or wants bytes has to come before Normalize.",
            dtype=dtype,
        )
    if final.shape == leaving.shape:
        y, z = pixels_of(leaving), pixels_of(final)
        room = _room(final, y)
        if np.abs(z - y).max() <= room:
            return
        _refuse_another_scale(y, z, room, declared)
    _refuse_other_colours(seen)


def _room(final: torch.Tensor, y: Array) -> float:
    return _CAST.get(final.dtype, _COMPUTED) * float(np.abs(y).max())


def _refuse_another_scale(y: Array, z: Array, room: float, declared: Normalization) -> None:
    fit = fit_affine(y, z)
    gain, offset = np.diagonal(fit.matrix), np.where(np.abs(fit.offset) > room, fit.offset, 0.0)
    if fit.residual.max() <= room and np.abs(fit.matrix - np.diag(gain)).max() <= room and (gain != 0).all():
        # z = gain * (x - mean) / std + offset
        std = np.array(declared.std) / gain
        mean = np.array(declared.mean) - offset * std
        raise CheckFailure(
            f"what leaves Normalize is multiplied by {format_numbers(gain, 4)} and shifted by "
            f"{format_numbers(offset, 4)} before it leaves the pipeline: undoing Normalize does not undo "
            f"that. All of it is what Normalize(mean={format_numbers(mean, 4)}, std={format_numbers(std, 4)}) does.",
            gain=gain.tolist(),
            offset=offset.tolist(),
        )
    low, high = float(z.min()), float(z.max())
    if np.abs(z - y.clip(low, high)).max() <= room:
        raise CheckFailure(
            f"what leaves Normalize is cut off at {low:.4g}..{high:.4g} before it leaves the pipeline: that cannot be "
            f"undone. Clamp the pictures before Normalize, if at all.",
            low=low,
            high=high,
        )


def _refuse_other_colours(seen: Sighting) -> None:
    """Whatever moves pixels about leaves a picture of one colour as it is, nearly everywhere; noise, its median."""
    if seen.again is None:
        return
    for levels in _COLOURS:
        one = seen.again(torch.tensor(levels, dtype=torch.uint8).view(3, 1, 1))
        if one is None or one.leaving is None or one.final is None or not one.final.is_floating_point():
            continue
        y, z = pixels_of(one.leaving), pixels_of(one.final)
        room = _room(one.final, y)
        if y.shape[1] != z.shape[1] or np.ptp(y, axis=0).max() > room:  # chance came before Normalize
            continue
        is_kept = (np.abs(z - y[0]) <= room).all(axis=1)
        median = np.median(z, axis=0)
        noise = np.median(np.abs(z - median), axis=0) * _NOISE / len(z) ** 0.5
        is_near = (np.abs(median - y[0]) <= room + noise) | (z == 0).all(axis=0)  # or a channel is left out
        is_exchange = np.abs(np.sort(median) - np.sort(y[0])).max() <= room  # of channels: another matter
        if is_kept.mean() < _KEPT and not is_near.all() and not is_exchange:
            raise CheckFailure(
                f"a picture of one colour leaves Normalize as {format_numbers(y[0], 4)}, and the pipeline as "
                f"{format_numbers(median, 4)}: colours are changed in between, and undoing Normalize does not undo "
                f"that. Change them before Normalize, if at all.",
                leaving=y[0].tolist(),
                final=median.tolist(),
            )
