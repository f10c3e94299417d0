"""The colors of one image at each stage of its pipeline: given, entering Normalize, leaving it, and in the end."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..core.colormap import ColorMap, fit_affine
from ..pipelines.evenness import lost_share, uneven_share
from ..pipelines.flat_images import in_channels, varied
from ..pipelines.located import Located
from ..pipelines.runner import Runner
from .sighting import Sighting, sighting_of

__all__ = ["ColorStages", "color_stages", "fit_stage", "pixels_of", "room_of"]

Array = np.ndarray[Any, np.dtype[np.float64]]

#: Of the largest value: what a cast to each dtype makes of it, and what a few more operations do in any other.
_CAST = {torch.float16: 2.0**-10, torch.bfloat16: 2.0**-7}
_COMPUTED = 1e-5
#: What is off a map by no more, of all the way from black to white, is rounded to bytes.
ROUNDED = 1.01 / 255
_GREYS = (0, 255, 32, 96, 160, 224)
_COLORS = ((60, 120, 200), (200, 90, 30), (25, 230, 140), (240, 20, 90), (90, 200, 250), (130, 40, 60))
#: Calls with one color, to see whether chance changes it before Normalize.
_DRAWS = 4
#: Calls with one image of many colors, to see whether chance moves pixels.
_REPEATS = 6
#: Erasing, padding and cutting out leave more of an image as it was.
_KEPT = 0.05
#: By how many times its median deviation, divided by the root of the number of pixels, noise may move a median.
_NOISE = 30


@dataclass(frozen=True)
class ColorStages:
    """Colors of images of one color, a row for each image.

    Attributes:
        given: in 0..1.
        entered, left: as they enter Normalize and leave it.
        final: in the end; None where the pipeline gives no image of floats with as many channels.
        is_fixed: chance does not change them before Normalize.
        dtype: of what comes out in the end.
        uneven: the share of pixels that have another slope or offset in the end than most, for where they lie.
    """

    given: Array
    entered: Array
    left: Array
    final: Array | None
    is_fixed: bool
    dtype: torch.dtype
    uneven: float = 0.0


def pixels_of(images: torch.Tensor) -> Array:
    """Return (..., C, H, W) as rows of pixels, float64."""
    pixels: Array = images.double().movedim(-3, -1).reshape(-1, images.shape[-3]).numpy()
    return pixels


def room_of(dtype: torch.dtype, values: Array) -> float:
    """Return by how much a few operations, and a cast to `dtype`, change values."""
    return _CAST.get(dtype, _COMPUTED) * float(np.abs(values).max(initial=0))


def color_stages(runner: Runner, located: Located) -> ColorStages | None:
    """Return the colors of images of one color at each stage; None where they do not pass.

    Raises:
        PipelineError: the pipeline takes no image.
    """
    channels = runner.trial.channels
    alone = [tuple(255 * (channel == one) for channel in range(channels)) for one in range(channels)]
    colors = [in_channels(color, channels) for color in _COLORS] + alone if channels > 1 else []
    colors += [(grey,) * channels for grey in _GREYS]
    with runner.session():
        seen = [_seen(runner, located, color) for color in colors]
        again = [_seen(runner, located, colors[-1]) for _ in range(_DRAWS)]
    passed = [(color, one) for color, one in zip(colors, seen, strict=True) if one is not None]
    if not passed or len({one.channels for _, one in passed}) > 1:
        return None
    answers = _answering([one for _, one in passed])
    entered = np.stack([_middle(one.entering, answers) for _, one in passed])
    left = np.stack([_middle(one.leaving, answers) for _, one in passed if one.leaving is not None])
    if len(left) < len(entered) or left.shape != entered.shape:
        return None
    draws = [_middle(one.entering, answers) for one in (seen[-1], *again) if one is not None]
    return ColorStages(
        given=np.array([color for color, _ in passed]) / 255,
        entered=entered,
        left=left,
        final=_final_colors([one for _, one in passed], left),
        is_fixed=all(np.allclose(one, draws[0], rtol=1e-4, atol=1e-6) for one in draws),
        uneven=_uneven(runner, located),
        dtype=next((one.final.dtype for _, one in passed if one.final is not None), torch.float32),
    )


def _seen(runner: Runner, located: Located, color: tuple[int, ...]) -> Sighting | None:
    trace = runner.run(runner.flat(color))
    seen = sighting_of(trace, located) if trace.error is None else None
    return seen if seen is not None and seen.leaving is not None else None


def _uneven(runner: Runner, located: Located) -> float:
    """Of grey images; 0 where chance has a part."""
    channels, size = runner.trial.channels, runner.trial.size
    levels = [varied(channels, size)] * _REPEATS
    levels += [runner.flat((grey,) * channels) for grey in (0, 96, 255) for _ in range(2)]
    with runner.session():
        traces = [runner.run(one) for one in levels]
    seen = [sighting_of(one, located) if one.error is None else None for one in traces]
    images = [one.final for one in seen if one is not None and one.final is not None]
    final = [pixels_of(one) for one in images]
    if len(final) < len(levels) or len({one.shape for one in final}) != 1:
        return 0.0
    repeated, flats = final[:_REPEATS], final[_REPEATS:]
    pairs = [*itertools.pairwise(repeated), *zip(flats[::2], flats[1::2], strict=True)]
    if not all(np.array_equal(one, other) for one, other in pairs):
        return 0.0
    outputs = np.stack(flats[::2])
    answers = (np.ptp(outputs, axis=0) > 0).any(axis=1)
    if not answers.any():
        return 0.0
    if images[0].squeeze().ndim == 3 and (lost := lost_share(answers.reshape(images[0].shape[-2:]))):
        return lost
    padding = None if answers.all() else np.median(outputs[0][~answers], axis=0)
    spread = float(np.ptp(outputs, axis=0).max())
    return uneven_share(outputs[:, answers], padding, 1.5 / 255 * spread)


def _answering(seen: Sequence[Sighting]) -> np.ndarray[Any, Any] | None:
    """Which pixels that enter differ from color to color, unlike padding; None for all."""
    entering = [pixels_of(one.entering) for one in seen]
    if len({one.shape for one in entering}) > 1:
        return None
    answers = (np.ptp(np.stack(entering), axis=0) > 0).any(axis=1)
    return answers if answers.any() else None


def _middle(image: torch.Tensor, answers: np.ndarray[Any, Any] | None) -> Array:
    pixels = pixels_of(image)
    if answers is not None and len(answers) == len(pixels):
        pixels = pixels[answers]
    middle: Array = np.asarray(np.median(pixels, axis=0))
    return middle


def _final_colors(seen: Sequence[Sighting], left: Array) -> Array | None:
    final = [one.final for one in seen]
    if any(one is None or not one.is_floating_point() or one.shape[-3] != left.shape[1] for one in final):
        return None
    return np.stack([_final_color(one, color) for one, color in zip(final, left, strict=True) if one is not None])


def _final_color(final: torch.Tensor, left: Array) -> Array:
    """The color in the end: as it left, if enough of the image is still so, or is but for noise."""
    pixels = pixels_of(final)
    room = room_of(final.dtype, left)
    median = np.median(pixels, axis=0)
    if (np.abs(pixels - left) <= room).all(axis=1).mean() >= _KEPT:
        return left
    noise = np.median(np.abs(pixels - median), axis=0) * _NOISE / len(pixels) ** 0.5
    is_near = (np.abs(median - left) <= room + noise) | (pixels == 0).all(axis=0)  # or a channel is left out
    return np.where(is_near, left, median)


def fit_stage(x: Array, y: Array, room: float) -> ColorMap:
    """Return the map from colors `x` to colors `y`, and whether something cuts values off or bends them.

    Args:
        room: by how much values may be off a map.
    """
    fit = fit_affine(x, y)
    off = float(fit.residual.max(initial=0))
    clipped = False
    if off > room and x.shape == y.shape:
        clipped = bool(np.abs(y - x.clip(y.min(), y.max())).max() <= room)
    return ColorMap(
        fit.matrix, fit.offset, off, room, "", len(x), nonlinear=off > room and not clipped, clipped=clipped
    )
