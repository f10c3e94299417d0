"""From whatever holds a Normalize to its inverse: ``denormalize``, ``to_uint8`` and the module ``Denormalize``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
import torch
from torch.jit import is_scripting  # type: ignore[attr-defined, unused-ignore]

from ..core.normalization import Normalization, format_numbers, preset
from .resolve import find_normalize

__all__ = ["Denormalize", "as_normalization", "denormalize", "inverse_of", "to_uint8"]

ImagesT = TypeVar("ImagesT")


def as_normalization(thing: Any) -> Normalization:
    """A Normalization from one, from the name of a preset, or from a pipeline, data set or loader.

    Raises:
        StatisticsError: no preset of that name.
        PipelineError: no Normalize, or more than one, in the pipeline.
    """
    if isinstance(thing, Normalization):
        return thing
    if isinstance(thing, str):
        return preset(thing)
    return find_normalize(thing)


def denormalize(
    images: ImagesT,
    normalization_or_pipeline: Any,
    *,
    out: ImagesT | None = None,
    channel_axis: int | None = None,
) -> ImagesT:
    """Undo a Normalize: ``x = y * std + mean`` for each channel.

    Args:
        images: what came out of Normalize: a floating-point tensor (..., C, H, W) or array (..., C, H, W) or
            (..., H, W, C), on any device, contiguous or not.
        normalization_or_pipeline: a Normalization, the name of a preset, or anything that
            :func:`~pytest_denorm.find_normalize` understands.
        out: where to put the result: same kind, shape, dtype and device; may be `images` itself.
        channel_axis: the axis of the channels, when it is not where `images` says.

    Returns:
        Same kind, shape, dtype and device as `images`, in the units of the images that entered Normalize. A
        tv_tensor keeps its type, a gradient is kept, and `images` is not changed (unless it is `out`).

    Raises:
        ImageTypeError: no tensor or array, or not of floating point.
        ImageError: the number of channels or their axis does not fit the statistics, or `out` does not fit `images`.
    """
    normalization = as_normalization(normalization_or_pipeline)
    return normalization.denormalize(images, out=out, channel_axis=channel_axis)


@overload
def to_uint8(
    images: torch.Tensor,
    normalization_or_pipeline: Any,
    *,
    out: torch.Tensor | None = None,
    channel_axis: int | None = None,
) -> torch.Tensor: ...
@overload
def to_uint8(
    images: np.ndarray[Any, Any],
    normalization_or_pipeline: Any,
    *,
    out: np.ndarray[Any, Any] | None = None,
    channel_axis: int | None = None,
) -> np.ndarray[Any, Any]: ...
def to_uint8(images: Any, normalization_or_pipeline: Any, *, out: Any = None, channel_axis: int | None = None) -> Any:
    """Undo a Normalize and give bytes: ``round((y * std + mean) * 255 / pixel_max)``, clamped to 0..255.

    Rounded to the nearest, half to even. Every uint8 image comes back exactly from ``Normalization.normalize`` in
    float32 or better, for a std of 1e-20 to 1e20 and a mean of up to 2000, in units of ``pixel_max``.

    Args:
        images: as for :func:`denormalize`. NaN becomes 0.
        normalization_or_pipeline: as for :func:`denormalize`.
        out: a uint8 tensor or array of the same shape and device for the result.
        channel_axis: as for :func:`denormalize`.

    Returns:
        uint8, same kind, shape and device as `images`.

    Raises:
        ImageTypeError, ImageError: as :func:`denormalize`.
    """
    normalization = as_normalization(normalization_or_pipeline)
    return normalization.to_uint8(images, out=out, channel_axis=channel_axis)


class Denormalize(torch.nn.Module):
    """A module that undoes a Normalize: ``x = y * std + mean``.

    Args:
        mean, std: the statistics of the Normalize to undo, one number a channel.
        pixel_max: the value of white in the images that entered it.
        channel_axis: the axis of the channels, -3 unless it is given.

    Tensors of any float dtype come back in their dtype; the arithmetic is done in float32 or better even when the
    module is cast to half. It is picklable, scriptable, exportable, and compiles to one graph. Outside scripts and
    compiled code it takes whatever :func:`denormalize` takes, arrays included.

    Raises:
        StatisticsError: as :class:`Normalization`.
        ImageError, ImageTypeError: from the call, as :func:`denormalize`.
    """

    if TYPE_CHECKING:  # torch.jit reads a class's annotations, and cannot read postponed ones
        mean: torch.Tensor
        std: torch.Tensor

    def __init__(self, mean: Any, std: Any, pixel_max: float = 1.0, *, channel_axis: int | None = None) -> None:
        super().__init__()
        self._adopt(Normalization(mean, std, pixel_max, channel_axis=channel_axis))

    @classmethod
    def of(cls, normalization_or_pipeline: Any) -> Denormalize:
        """The module that undoes this Normalization, preset or pipeline."""
        module = cls.__new__(cls)
        torch.nn.Module.__init__(module)
        module._adopt(as_normalization(normalization_or_pipeline))
        return module

    def _adopt(self, normalization: Normalization) -> None:
        self.normalization = normalization  # what is undone
        self._axis: int = -3 if normalization.channel_axis is None else normalization.channel_axis
        self.register_buffer("mean", torch.tensor(normalization.mean, dtype=torch.float64), persistent=False)
        self.register_buffer("std", torch.tensor(normalization.std, dtype=torch.float64), persistent=False)

    @torch.jit.unused  # type: ignore[untyped-decorator, unused-ignore]
    def _eager(self, images: torch.Tensor) -> torch.Tensor:
        return denormalize(images, self.normalization)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if not is_scripting() and not torch.compiler.is_compiling():
            return self._eager(images)
        if not images.is_floating_point():
            raise TypeError("normalized images are of floating point")
        channels = self.mean.numel()
        if channels > 1 and (images.dim() < -self._axis or images.shape[self._axis] != channels):
            raise ValueError("the number of channels of the images is not that of the statistics")
        dtype = torch.float64 if images.dtype == torch.float64 else torch.float32
        shape = [1] * images.dim()
        if channels > 1:
            shape[self._axis] = channels
        std = self.std.to(dtype).view(shape)
        mean = self.mean.to(dtype).view(shape)
        return torch.addcmul(mean, images.to(dtype), std).to(images.dtype)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Denormalize:
        # this moves the buffers; a cast to half would also round them
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call, unused-ignore]
        device = self.mean.device
        dtype = torch.float32 if device.type == "mps" else torch.float64
        self.mean = torch.tensor(self.normalization.mean, dtype=dtype, device=device)
        self.std = torch.tensor(self.normalization.std, dtype=dtype, device=device)
        return self

    def extra_repr(self) -> str:
        shown = self.normalization
        pixel_max = "" if shown.pixel_max == 1.0 else f", pixel_max={shown.pixel_max:g}"
        return f"mean={format_numbers(shown.mean)}, std={format_numbers(shown.std)}{pixel_max}"


def inverse_of(pipeline: Any) -> Denormalize:
    """Return a ``torch.nn.Module`` that undoes the Normalize of a pipeline.

    Args, Raises, Warns: as :func:`find_normalize`.
    """
    return Denormalize.of(pipeline)
