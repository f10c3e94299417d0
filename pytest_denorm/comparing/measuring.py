"""What one side does to colors, measured: the map, the colors themselves, dtype and layout of what it gives."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ..core.alone import alone
from ..core.colormap import ColorMap
from ..core.normalization import Normalization
from ..errors import DenormError, PipelineError
from ..pipelines import Located
from ..pipelines.conventions import CONVENTIONS, Convention, Levels
from ..pipelines.flat_images import flat, flat_colours
from ..pipelines.outputs import channel_axis, pixel_places
from ..pipelines.probing import SIZES, _callable_in, independent, one_thread, probe
from ..pipelines.randomness import seed_all, states_kept
from ..pipelines.watching import watch
from .serving import Serving

__all__ = ["Array", "Side", "at_normalize", "colors_of", "declared_side", "measured_side"]

Array = np.ndarray[Any, np.dtype[np.float64]]

#: Values looked at in one output.
_LOOKED_AT = 4096
#: Runs of each color where chance has a part before Normalize.
_RUNS = 15
#: How far the typical result of random steps may be from an image of the usual range, as a share of white.
_NEAR = 0.2
#: White in what enters Normalize.
_WHITES = (1.0, 255.0)


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

    @property
    def channels_in(self) -> int:
        return int(self.map.matrix.shape[1])

    @property
    def channels_out(self) -> int:
        return int(self.map.matrix.shape[0])


def colors_of(channels: int) -> Array:
    """Return the colors that are compared, in 0..1, (colors, channels): greys first, from black to white."""
    return np.array(flat_colours(channels)) / 255


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


def measured_side(name: str, what: str, call: Any, channels: int | None, size: tuple[int, int] | None) -> Side:
    """Return what something that is called with images does to them.

    A function of arrays that turns whatever it gets into numbers of its own dtype is made for images as they are
    decoded, in bytes; one that computes with what it gets is made for floats in 0..1.

    Raises:
        PipelineError: it takes no image in any form, or gives none.
    """
    call = _callable_in(call)
    found = probe(call, channels=channels, size=size)
    if "in 0..1" in found.convention and converts_arrays(call):
        call, found = _of_bytes(call, found, channels, size)
    convention = next(one for one in CONVENTIONS if one.words == found.convention)
    runs = _Runs(call, convention, found, size)
    return Side(name, what, found, runs.colors(), runs.dtype, runs.layout)


def _of_bytes(call: Any, found: ColorMap, channels: int | None, size: tuple[int, int] | None) -> tuple[Any, ColorMap]:
    """The same function of bytes, where it does not divide them by 255."""
    for reads in ("image", "array"):
        try:
            of_bytes = probe(Serving(call, reads), channels=channels, size=size)
        except DenormError:
            continue
        expected = 255 * found.matrix
        if expected.shape != of_bytes.matrix.shape:
            continue
        if np.abs(of_bytes.matrix - expected).max() < 1e-3 * np.abs(expected).max():
            return Serving(call, reads), of_bytes
    return call, found


def converts_arrays(call: Any) -> bool:
    """Return whether a function turns the array that it gets into one of a dtype of its own."""
    widest = np.full((*SIZES[0], 3), 0.5, dtype=np.longdouble)
    if widest.dtype == np.float64 or isinstance(call, torch.nn.Module):
        return False  # on platforms without a wider dtype this cannot be told
    try:
        with states_kept(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = independent(call)(widest)
    except Exception:  # it takes no such array
        return False
    return getattr(result, "dtype", None) != np.longdouble


class _Runs:
    """Runs of one pipeline on flat images, in the form that the prober found."""

    def __init__(self, call: Any, convention: Convention, found: ColorMap, size: tuple[int, int] | None) -> None:
        self._call = independent(call)
        self._convention = convention
        self._channels = int(found.matrix.shape[1])
        self._found = found
        self._sizes = (size,) if size else SIZES
        self.dtype, self.layout = "", ""

    def colors(self) -> Array:
        """Return what each color becomes; what the map says where outputs differ in size."""
        with states_kept(), one_thread(), warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            seed_all(0)
            outputs = self._flats()
        if not outputs or len({one.shape for one in outputs}) > 1:
            return np.asarray(colors_of(self._channels) @ self._found.matrix.T + self._found.offset)
        axis = self._axis(outputs)
        places = pixel_places(outputs[0].shape, axis)
        black, white = outputs[0].ravel(), outputs[9].ravel()
        answers = (black != white)[places].any(axis=1)
        if answers.any():
            places = places[answers]
        places = places[:: max(1, len(places) // _LOOKED_AT)]
        self.layout = _layout(outputs[0].ndim, axis, "(N, " in self._convention.words)
        return np.stack([np.median(one.ravel()[places], axis=0) for one in outputs])

    def _flats(self) -> list[Array]:
        for size in self._sizes:
            try:
                return [self._run(flat(color, size)) for color in flat_colours(self._channels)]
            except Exception as error:  # the next size is larger
                last = error
        raise PipelineError(f"it raised {type(last).__name__} when it was called again: {last}") from last

    def _run(self, levels: Levels) -> Array:
        outcome = self._convention.run(self._call, levels)
        wanted = self._found.matrix.shape[0]
        for index in range(len(outcome.pictures)):
            pixels = outcome.pixels(index)
            if pixels is not None and (wanted in pixels.shape or wanted == 1):
                self.dtype = outcome.dtype(index)
                return pixels
        raise PipelineError("it returned no image.")

    def _axis(self, outputs: Sequence[Array]) -> int | None:
        distinct = outputs[10] if len(outputs) > 10 else outputs[3]
        wanted = self._found.matrix.shape[0]
        if wanted == 1:
            return next((axis for axis in (-3, -1) if -axis <= distinct.ndim and distinct.shape[axis] == 1), None)
        return channel_axis(distinct, wanted)


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
    convention = next(one for one in CONVENTIONS if one.words == side.map.convention)
    with states_kept(), one_thread(), alone(), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            typical = [_typical(located.call, convention, color) for color in pure]
        except DenormError:
            return None
    if any(one is None or len(one) != channels for one in typical):
        return None
    entering = _entering(np.array(pure) / 255, np.array(typical))
    if entering is None:
        return None
    scale, shift = entering
    spread = located.normalization.expand(channels)
    std, mean = np.array(spread.std), np.array(spread.mean)
    found = replace(
        side.map, matrix=scale / std[:, None], offset=(shift - mean) / std, residual=0.0, tolerance=1e-9, random=0.0,
        outcomes=1, nonlinear=False, clipped=False, rounded=False, gated=False, per_image=False,
    )  # fmt: skip
    note = f"{side.name} is compared at its Normalize ({located.normalization.source}): other steps are random"
    colors = colors_of(channels) @ found.matrix.T + found.offset
    return replace(side, map=found, colors=colors, notes=(*side.notes, note))


def _typical(call: Any, convention: Convention, color: Sequence[int]) -> Array | None:
    """The median of what enters Normalize, over pixels and runs, for each channel; None where it is no image."""
    entered = []
    for run in range(_RUNS):
        seed_all(run)  # a watched run puts back the states that it began with
        for given, _ in watch(call, convention.form(flat(color, SIZES[0]))):
            pixels = np.asarray(given.float() if isinstance(given, torch.Tensor) else given, dtype=np.float64)
            channels = len(color)
            axis = next((a for a in (-3, -1) if pixels.ndim >= 3 and pixels.shape[a] == channels), None)
            if axis is None and channels > 1:
                return None
            places = pixel_places(pixels.shape, axis)
            entered.append(np.median(pixels.ravel()[places], axis=0))
    return np.median(entered, axis=0) if entered else None


def _entering(colors: Array, typical: Array) -> tuple[Array, Array] | None:
    """The map from colors to what enters, of those of a usual range and an order of channels: the nearest."""
    channels = colors.shape[1]
    ranges = [(white, 0.0) for white in _WHITES] + [(1 / 255, 0.0), (2.0, -1.0)]
    best, least = None, _NEAR
    for order, (scale, shift) in itertools.product(itertools.permutations(range(channels)), ranges):
        matrix = np.eye(channels)[list(order)] * scale
        off = np.abs(colors @ matrix.T + shift - typical).mean() / scale
        if off < least:
            best, least = (matrix, np.full(channels, shift)), off
    return best
