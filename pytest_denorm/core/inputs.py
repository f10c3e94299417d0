"""What the hot path accepts: the kind of the images, and where their channels are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..errors import ImageError, ImageTypeError
from .layout import FIRST, axis_from_end, fitting_axes

__all__ = ["refuse_kind", "refuse_out", "resolve_channel_axis"]


def refuse_kind(images: Any, expected: str) -> None:
    """Anything but a dense tensor or array of floating point; `expected` says what would be right.

    Raises:
        ImageTypeError
    """
    if isinstance(images, torch.Tensor):
        is_float, is_integer = images.is_floating_point(), not images.is_complex()
        if images.is_nested:
            raise ImageTypeError("the images are a nested tensor: call it on each of .unbind().")
        if images.layout != torch.strided:
            raise ImageTypeError(f"the images are a tensor of layout {images.layout}: convert it with .to_dense().")
    elif isinstance(images, np.ndarray):
        is_float, is_integer = images.dtype.kind == "f", images.dtype.kind in "biu"
        if is_float and images.dtype.itemsize > 8:
            raise ImageTypeError(f"the images are of {images.dtype}, which torch lacks: convert them to float64.")
    else:
        advice = " Stack images of one size, or call it on each." if isinstance(images, (list, tuple)) else ""
        raise ImageTypeError(
            f"the images are a {type(images).__module__}.{type(images).__qualname__}: expected a torch tensor or "
            f"a numpy array of floating point.{advice}"
        )
    if not is_float:
        raise ImageTypeError(
            f"the images are of {images.dtype}: expected {expected if is_integer else 'real numbers'}."
        )


def refuse_out(out: Any, images: Any, dtype: Any) -> None:
    """An `out` that cannot hold the result, of `dtype`, for `images`.

    Raises:
        ImageTypeError: of another kind than `images`.
        ImageError: of another shape, dtype or device, expanded, or not writable.
    """
    kind = np.ndarray if isinstance(images, np.ndarray) else torch.Tensor
    if not isinstance(out, kind) or (isinstance(out, torch.Tensor) and out.is_nested):
        raise ImageTypeError(f"out is a {type(out).__name__}: expected a {kind.__name__}, as the images are.")
    expected, found = (tuple(images.shape), dtype), (tuple(out.shape), out.dtype)
    if expected != found:
        raise ImageError(
            f"out has shape {found[0]} and dtype {found[1]}: expected shape {expected[0]} and dtype {expected[1]}."
        )
    strides = out.strides if isinstance(out, np.ndarray) else out.stride()
    if any(stride == 0 and length > 1 for stride, length in zip(strides, out.shape, strict=True)):
        raise ImageError("out is expanded: several of its elements are one place in memory. Expected out.clone().")
    if isinstance(out, np.ndarray):
        if not out.flags.writeable:
            raise ImageError("out is read-only: expected an array that can be written to.")
    elif out.device != images.device:
        raise ImageError(f"out is on {out.device}, the images are on {images.device}.")


def resolve_channel_axis(
    shape: Sequence[int], channels: int, channel_axis: int | None, *, is_array: bool, source: str = ""
) -> int | None:
    """The axis, counted from the end, along which the statistics lie; None where one mean serves all of them.

    Raises:
        ImageError: no axis fits, or (in an array) two do.
    """
    if channel_axis is not None:
        axis = axis_from_end(channel_axis, shape)
        if channels not in (1, shape[axis]):
            raise ImageError(_misfit(shape, channels, source, axis))
        return axis
    if channels == 1:
        return None
    fitting = [axis for axis in fitting_axes(shape, (channels,)) if is_array or axis == FIRST]
    if len(fitting) == 1:
        return fitting.pop()
    if fitting:
        raise ImageError(
            f"the images have shape {tuple(shape)}: the channels may be axis -3 (..., C, H, W) or axis -1 "
            f"(..., H, W, C). Say which with channel_axis."
        )
    raise ImageError(_misfit(shape, channels, source, FIRST))


def _misfit(shape: Sequence[int], channels: int, source: str, axis: int) -> str:
    """What to say when the channels are not where they were looked for."""
    shown = tuple(shape)
    said = f"the statistics have {channels} channels"
    where = f" ({source})" if source else ""
    if len(shape) < 3:
        return (
            f"the images have shape {shown} and no channel axis; {said}{where}: expected "
            f"({channels}, H, W) or (N, {channels}, H, W)."
        )
    if shape[-1] == channels:
        return (
            f"the images have shape {shown}: their channels are last, and were looked for on axis {axis}. "
            f"Use images.movedim(-1, -3), or give channel_axis=-1."
        )
    found = shape[axis]
    if found != 1 and len(shape) >= 4 and shape[-4] == channels:
        return (
            f"the images have shape {shown}: no {channels} channels on axis {axis}. If these are videos "
            f"(..., C, T, H, W), give channel_axis=-4."
        )
    grey = " Grey images take one mean and one std." if found == 1 else ""
    return (
        f"the images have {found} channel{'s' if found != 1 else ''} (axis {axis} of shape {shown}), {said}{where}."
        f"{grey}"
    )
