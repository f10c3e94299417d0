"""What one side does to colors, measured: the map, the colors themselves, dtype and layout of what it gives."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ..core.colormap import ColorMap
from ..core.normalization import Normalization
from ..errors import DenormError, PipelineError
from ..pipelines.channel_counts import USUAL
from ..pipelines.flat_images import flat_colors
from ..pipelines.located import Located
from ..pipelines.outputs import pixel_places
from ..pipelines.probe import measure
from ..pipelines.randomness import preserve_rng_state
from ..pipelines.resolve import callable_in
from ..pipelines.runner import Runner, independent
from .serving import Serving

__all__ = ["Array", "Side", "at_normalize", "colors_of", "declared_side", "measured_side"]

Array = np.ndarray[Any, np.dtype[np.float64]]

#: Runs of each color where chance has a part before Normalize.
_RUNS = 15
#: How far the typical result of random steps may be from an image of the usual range, as a share of white.
_NEAR = 0.2
#: White in what enters Normalize.
_WHITES = (1.0, 255.0)
#: Of the array that tells whether a function converts what it gets.
_SMALL = (40, 48, 3)


@dataclass(frozen=True)
class Side:
    """One of the pipelines that are compared.

    Attributes:
        name: what the user calls it.
        what: where its numbers come from, in words.
        map: what it does to colors; flags other than `random` and `per_image` are of no account where `colors` differ.
        colors: what :func:`colors_of` become, (colors, channels out).
        dtype: of what it gives; empty where it is declared and not run.
        layout: of what it gives, such as ``CHW``; empty as `dtype` is.
        is_model: it is a network that normalizes what it is given.
        samples: what a few images become, channels last, where a color depends on the other pixels.
        notes: what to tell about how it was measured.
    """

    name: str
    what: str
    map: ColorMap
    colors: Array
    dtype: str = ""
    layout: str = ""
    is_model: bool = False
    notes: tuple[str, ...] = ()
    samples: tuple[Array, ...] = ()

    @property
    def channels_in(self) -> int:
        return int(self.map.matrix.shape[1])

    @property
    def channels_out(self) -> int:
        return int(self.map.matrix.shape[0])


def colors_of(channels: int) -> Array:
    """Return the colors that are compared, in 0..1, (colors, channels): greys first, from black to white."""
    return np.array(flat_colors(channels)) / 255


def declared_side(name: str, what: str, normalization: Normalization, channels: int | None = None) -> Side:
    """Return what declared statistics do to images.

    Args:
        channels: of the images, where one mean and std serve them all.
    """
    spread = normalization.expand(channels or normalization.channels)
    std = np.array(spread.std)
    matrix, offset = np.diag(spread.pixel_max / std), -np.array(spread.mean) / std
    found = ColorMap(matrix, offset, 0.0, 1e-9, "its declared statistics", 0)
    return Side(name, what, found, colors_of(len(std)) @ matrix.T + offset)


def measured_side(
    name: str,
    what: str,
    call: Any,
    channels: int | None,
    size: tuple[int, int] | None,
    located: Located | None = None,
) -> Side:
    """Return what something that is called with images does to them.

    A function of arrays that turns whatever it gets into numbers of its own dtype is made for images as they are
    decoded, in bytes; one that computes with what it gets is made for floats in 0..1.

    Raises:
        PipelineError: it takes no image in any form, or gives none.
    """
    runner = _runner(callable_in(call), channels, size, located)
    found = measure(runner)
    if "in 0..1" in found.convention and (found.per_image or _converts_arrays(runner.call)):
        runner, found = _of_bytes(runner, found, channels, size)
    trial = runner.trial
    with runner.session(0):
        traces = [runner.run(runner.flat(color)) for color in flat_colors(trial.channels)]
    outputs = [None if trace.error else trace.pixels(trial.index) for trace in traces]
    if all(one is not None and one.shape == trial.shape for one in outputs):
        colors = np.stack([np.median(one.ravel()[trial.places], axis=0) for one in outputs if one is not None])
    else:  # of a size that changes from call to call
        colors = colors_of(trial.channels) @ found.matrix.T + found.offset
    layout = _layout(len(trial.shape), trial.axis, "(N, " in trial.form.words)
    dtype = traces[-1].dtype(trial.index)
    return Side(name, what, found, colors, dtype, layout, samples=_samples(runner) if found.per_image else ())


def _runner(call: Any, channels: int | None, size: tuple[int, int] | None, located: Located | None = None) -> Runner:
    counts = USUAL if channels is None else (channels,)
    watched = located if located is not None and located.call is call else None
    return Runner(call, watched, counts, others=channels is None, size=size)


def _samples(runner: Runner) -> tuple[Array, ...]:
    """What a few images of noise become, channels last; none where one raises."""
    trial, random = runner.trial, np.random.default_rng(0)
    made = []
    with runner.session(0):
        for bright in (128, 256):
            levels = random.integers(0, bright, (*trial.size, trial.channels), dtype=np.uint8)
            pixels = runner.run(levels).pixels(trial.index)
            if pixels is None:
                return ()
            pixels = pixels[..., None] if trial.axis is None else np.moveaxis(pixels, trial.axis, -1)
            made.append(pixels.reshape(pixels.shape[-3:]) if pixels.size == np.prod(pixels.shape[-3:]) else pixels)
    return tuple(made)


def _of_bytes(
    runner: Runner, found: ColorMap, channels: int | None, size: tuple[int, int] | None
) -> tuple[Runner, ColorMap]:
    """The same function of bytes, where it does not divide them by 255, or the range of an image says nothing."""
    expected = 255 * found.matrix
    for reads in ("image", "array"):
        other = _runner(Serving(runner.call, reads), channels, size)
        try:
            of_bytes = measure(other)
        except DenormError:
            continue
        if found.per_image and of_bytes.per_image:
            return other, of_bytes
        if expected.shape != of_bytes.matrix.shape:
            continue
        if np.abs(of_bytes.matrix - expected).max() < 1e-3 * np.abs(expected).max():
            return other, of_bytes
    return runner, found


def _converts_arrays(call: Any) -> bool:
    """Whether a function turns the array that it gets into one of a dtype of its own."""
    widest = np.full(_SMALL, 0.5, dtype=np.longdouble)
    if widest.dtype == np.float64 or isinstance(call, torch.nn.Module):
        return False  # on platforms without a wider dtype this cannot be told
    try:
        with preserve_rng_state(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = independent(call)(widest)
    except Exception:  # it takes no such array
        return False
    return getattr(result, "dtype", None) != np.longdouble


def _layout(ndim: int, axis: int | None, is_batch: bool) -> str:
    """``CHW``, with an N for each axis before it; without that of the batch that was given."""
    base = {None: "HW", -1: "HWC", -3: "CHW", -4: "CTHW"}.get(axis, f"channels at axis {axis}")
    before = max(0, ndim - len(base)) - is_batch if len(base) <= 4 else 0
    return "N" * before + base


def at_normalize(side: Side, located: Located) -> Side | None:
    """Return what a pipeline does at its Normalize, where chance has a part in what comes before or after it.

    Which range and order of channels enter is read off the typical results of pure colors.

    Returns:
        None where that cannot be told: it cannot be watched, or what enters is no image of a usual range.
    """
    channels = side.channels_in
    if located.call is None or channels > 4:
        return None
    pure = [(0,) * channels, (255,) * channels, (128,) * channels]
    pure += [tuple(255 * (c == one) for c in range(channels)) for one in range(channels) if channels > 1]
    runner = Runner(located.call, located, (channels,))
    try:
        with runner.session(0):
            typical = [_typical(runner, color) for color in pure]
    except DenormError:
        return None
    entering = _entering(np.array(pure) / 255, typical)
    if entering is None:
        return None
    scale, shift = entering
    spread = located.normalization.expand(channels)
    std, mean = np.array(spread.std), np.array(spread.mean)
    found = replace(
        side.map, matrix=scale / std[:, None], offset=(shift - mean) / std, residual=0.0, tolerance=1e-9, random=0.0,
        outcomes=1, nonlinear=False, clipped=False, rounded=False, gated=False, per_image=False,
    )  # fmt: skip
    note = f"{side.name} is compared at its Normalize ({located.source}): other steps are random"
    colors = colors_of(channels) @ found.matrix.T + found.offset
    return replace(side, map=found, colors=colors, notes=(*side.notes, note))


def _typical(runner: Runner, color: tuple[int, ...]) -> Array:
    """The median of what enters Normalize, over pixels and runs, for each channel.

    Raises:
        PipelineError: nothing enters, or no image.
    """
    entered = []
    for _ in range(_RUNS):
        given = runner.run(runner.flat(color)).entered
        if given is None:  # chance passed it over
            continue
        pixels = np.asarray(given.float() if isinstance(given, torch.Tensor) else given, dtype=np.float64)
        axis = next((a for a in (-3, -1) if pixels.ndim >= 3 and pixels.shape[a] == len(color)), None)
        if axis is None and len(color) > 1:
            raise PipelineError(f"what enters {runner.name}'s Normalize is no image of {len(color)} channels.")
        entered.append(np.median(pixels.ravel()[pixel_places(pixels.shape, axis)], axis=0))
    if not entered:
        raise PipelineError(f"nothing was seen to enter the Normalize of {runner.name}.")
    return np.asarray(np.median(entered, axis=0))


def _entering(colors: Array, typical: Sequence[Array]) -> tuple[Array, Array] | None:
    """The map from colors to what enters, of those of a usual range and an order of channels: the nearest."""
    channels = colors.shape[1]
    if any(len(one) != channels for one in typical):
        return None
    ranges = [(white, 0.0) for white in _WHITES] + [(1 / 255, 0.0), (2.0, -1.0)]
    best, least = None, np.inf
    for order, (scale, shift) in itertools.product(itertools.permutations(range(channels)), ranges):
        matrix = np.eye(channels)[list(order)] * scale
        off = float(np.abs(colors @ matrix.T + shift - np.array(typical)).mean()) / scale
        # channels that are exchanged at random leave all orders alike, and their own is meant
        if off < _NEAR and off * (1 if list(order) == sorted(order) else 2) < least:
            best, least = (matrix, np.full(channels, shift)), off
    return best
