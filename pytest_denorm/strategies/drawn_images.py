"""Strategies of images as they enter Normalize."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from ..core.arguments import positive, whole
from ..errors import SettingsError
from .named import Array, Names, listed

#: What images can be of. bfloat16 is drawn for tensors alone: numpy has none.
DTYPES = ("uint8", "float32", "float64", "float16", "bfloat16")

KINDS = ("tensor", "array")

LAYOUTS = ("CHW", "NCHW", "HWC", "NHWC")

#: How the pixels lie in memory: in order; channels last; every second pixel of a larger image; rows and columns
#: exchanged; and, in arrays alone, backwards.
MEMORIES = ("contiguous", "channels_last", "strided", "transposed", "backwards")


def pictures(
    channels: int = 3,
    *,
    dtype: Names = "uint8",
    kind: Names = "tensor",
    layout: Names = "CHW",
    memory: Names = "contiguous",
    pixel_max: float = 1.0,
    max_side: int = 12,
) -> st.SearchStrategy[Any]:
    """Images as they enter Normalize: bytes of 0..255, or floating point of 0..`pixel_max`.

    Args:
        channels: how many.
        dtype: one or several of :data:`DTYPES`.
        kind: one or both of :data:`KINDS`.
        layout: one or several of :data:`LAYOUTS`.
        memory: one or several of :data:`MEMORIES`.
        pixel_max: the value of white in images of floating point; some of them have just the 256 levels of bytes.
        max_side: the greatest height and width. No side is as long as there are channels (of two or more), so that no
            axis can be taken for another.

    Raises:
        SettingsError: an argument is none of these, or the combination cannot be.
    """
    whole(channels, "channels", SettingsError, least=1)
    whole(max_side, "max_side", SettingsError, least=1)
    white = positive(pixel_max, "pixel_max", SettingsError)
    dtypes, kinds = listed(dtype, DTYPES, "dtype"), listed(kind, KINDS, "kind")
    layouts, memories = listed(layout, LAYOUTS, "layout"), listed(memory, MEMORIES, "memory")
    forms = [
        (one, held, where)
        for one in dtypes
        for held in kinds
        for where in memories
        if not (held == "array" and one == "bfloat16") and not (held == "tensor" and where == "backwards")
    ]
    if not forms:
        raise SettingsError(
            f"dtype is {dtype!r}, kind {kind!r}, memory {memory!r}: numpy has no bfloat16, and torch nothing backwards."
        )
    sides = [side for side in range(1, max_side + 1) if channels == 1 or side != channels]
    if not sides:
        raise SettingsError(f"max_side is {max_side}: expected at least {channels + 1} for {channels} channels.")
    return _made_images(channels, tuple(forms), tuple(layouts), tuple(sides), white)


# strategies are made once, because that takes longer than drawing from them
@functools.lru_cache(maxsize=256)
def _made_images(
    channels: int,
    forms: tuple[tuple[str, str, str], ...],
    layouts: tuple[str, ...],
    sides: tuple[int, ...],
    white: float,
) -> st.SearchStrategy[Any]:
    return _pictures(channels, st.sampled_from(forms), st.sampled_from(layouts), st.sampled_from(sides), white)


_COUNT = st.integers(1, 3)
_SEED = st.integers(0, 2**32 - 1)
_LEVEL = st.integers(0, 255)
_OTHERS = st.lists(st.tuples(st.integers(0, 2**16), _LEVEL), max_size=4)


@st.composite
def _pictures(
    draw: st.DrawFn,
    channels: int,
    forms: st.SearchStrategy[tuple[str, str, str]],
    layouts: st.SearchStrategy[str],
    sides: st.SearchStrategy[int],
    pixel_max: float,
) -> Any:
    dtype, kind, memory = draw(forms)
    layout = draw(layouts)
    lengths = {"C": channels, "H": draw(sides), "W": draw(sides)}
    if "N" in layout:
        lengths["N"] = draw(_COUNT)
    shape = tuple(lengths[axis] for axis in layout)
    values = _contents(draw, shape, dtype, pixel_max)
    if kind == "tensor":
        return _tensor_in(torch.from_numpy(values).to(getattr(torch, dtype)), memory, layout)
    return _array_in(values.astype(dtype), memory, layout)


def _contents(draw: st.DrawFn, shape: tuple[int, ...], dtype: str, pixel_max: float) -> Array:
    """One level with a few pixels of others, which is what shrinks; or, behind a seed, noise, which has every level."""
    seed, level, others = draw(_SEED), draw(_LEVEL), draw(_OTHERS)
    if seed == 0:
        levels: Array = np.full(shape, level, np.uint8)
        for place, other in others:
            levels.flat[place % levels.size] = other
    else:
        generator = np.random.default_rng(seed)
        if dtype != "uint8" and seed % 2:
            between: Array = generator.random(shape) * pixel_max
            return between
        levels = generator.integers(0, 256, shape, dtype=np.uint8)
    return levels if dtype == "uint8" else levels / 255 * pixel_max


def _tensor_in(pixels: torch.Tensor, memory: str, layout: str) -> torch.Tensor:
    if memory == "channels_last" and layout.endswith("CHW"):
        return pixels.movedim(-3, -1).contiguous().movedim(-1, -3)
    if memory == "strided":
        return pixels.repeat_interleave(2, -1)[..., ::2]
    if memory == "transposed":
        return pixels.transpose(-1, -2).contiguous().transpose(-1, -2)
    return pixels


def _array_in(pixels: Array, memory: str, layout: str) -> Array:
    if memory == "channels_last" and layout.endswith("CHW"):
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(pixels, -3, -1)), -1, -3)
    if memory == "strided":
        return np.repeat(pixels, 2, -1)[..., ::2]
    if memory == "transposed":
        return np.swapaxes(np.ascontiguousarray(np.swapaxes(pixels, -1, -2)), -1, -2)
    if memory == "backwards":
        return np.ascontiguousarray(pixels[..., ::-1])[..., ::-1]
    return pixels
