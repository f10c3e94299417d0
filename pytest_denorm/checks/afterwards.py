"""What a pipeline does to pictures after its Normalize: undoing Normalize does not undo that."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..core.colormap import fit_affine
from ..core.normalization import Normalization, format_numbers
from ..pipelines.exchange import order_in_words
from .outcome import CheckFailure

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
#: Of more channels, there are too many orders to try.
_MOST_TURNED = 6
#: The share of a picture that shows the order of its channels, where the rest is erased.
_MOST = 0.5
#: The share of another channel that is no rounding, where the picture's condition is no worse.
_MIXED, _TELLS_APART = 1e-3, 1e4
#: By how many times its median deviation, divided by the root of the number of pixels, noise may move a median.
_NOISE = 30
#: So many levels of a picture, and pairs of pixels of one level that have other neighbours, tell a curve from moves.
_LEVELS, _PAIRS = 32, 256
#: The share of a picture that a curve changes.
_CHANGED = 0.1


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
        if seen.again is None:  # one picture is all there is to see
            _refuse_other_values(y, z, room, declared)
            _refuse_mixture(y, z, room)
            _refuse_curve(leaving, final, room)
    _refuse_other_colours(seen)


def _room(final: torch.Tensor, y: Array) -> float:
    return _CAST.get(final.dtype, _COMPUTED) * float(np.abs(y).max())


def _refuse_another_scale(y: Array, z: Array, room: float, declared: Normalization) -> None:
    fit = fit_affine(y, z)
    room = max(room, _COMPUTED * float(np.abs(z).max()))
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


def _refuse_other_values(y: Array, z: Array, room: float, declared: Normalization) -> None:
    """Wherever the pixels went: those of a channel have the values of another channel, or all are on another scale."""
    came, went = np.sort(y, axis=0), np.sort(z, axis=0)
    if np.abs(went - came).max() <= room:
        return
    _refuse_another_scale(came, went, room, declared)
    for order in itertools.permutations(range(y.shape[1])) if y.shape[1] <= _MOST_TURNED else ():
        here = _share_kept(y[:, order], z, room)
        if np.abs(went - came[:, order]).max() <= room or here > _share_kept(y, z, room) + _MOST:
            raise CheckFailure(
                f"what leaves Normalize has its channels {order_in_words(order)} in the end: undoing Normalize gives "
                f"pictures in that order, and the network has to be one for it. Exchange channels before Normalize, if "
                f"at all.",
                order=list(order),
            )


def _share_kept(y: Array, z: Array, room: float) -> float:
    return float((np.abs(z - y) <= room).all(axis=1).mean())


def _refuse_mixture(y: Array, z: Array, room: float) -> None:
    fit = fit_affine(y, z)
    beside = np.abs(fit.matrix - np.diag(np.diagonal(fit.matrix))).max()
    is_map = fit.residual.max() <= room and beside > _MIXED
    if is_map and np.linalg.cond(y - y.mean(axis=0)) < _TELLS_APART:
        is_grey = np.ptp(z, axis=1).max() <= room
        raise _changed("made grey" if is_grey else "mixed among its channels")


def _refuse_curve(leaving: torch.Tensor, final: torch.Tensor, room: float) -> None:
    """Pixels of one level that have other neighbours become one level again, which is another one."""
    for before, after in zip(leaving.movedim(-3, 0), final.movedim(-3, 0), strict=True):
        y, z = before.double().numpy(), after.double().numpy()
        pixels = [one.ravel() for one in (y[..., :-1, :-1], z[..., :-1, :-1], y[..., 1:, :-1], y[..., :-1, 1:])]
        in_order = np.lexsort((pixels[1], pixels[0]))
        level, became, below, beside = (one[in_order] for one in pixels)
        is_same = np.diff(level) == 0
        telling = is_same & (np.diff(below) != 0) & (np.diff(beside) != 0)
        if telling.sum() < _PAIRS or (~is_same).sum() < _LEVELS or np.diff(became)[is_same].max() > room:
            return
        if (np.abs(became - level) > room).mean() < _CHANGED or np.ptp(became) <= room:
            return
    raise _changed("changed by a curve")


def _changed(how: str) -> CheckFailure:
    return CheckFailure(
        f"what leaves Normalize is {how} before it leaves the data set: undoing Normalize does not undo that. Do it "
        f"before Normalize, if at all."
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
