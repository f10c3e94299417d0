"""The hot path: the map of a Normalize applied to pictures, and undone.

``x = y * std + mean`` is computed in float32, or in float64 for float64 pictures, and cast once at the end. That is
more exact than a second Normalize with ``-mean/std`` and ``1/std``, which rounds its constants as well. Bytes are
rounded to the nearest, never truncated.

The module is not called ``denormalize`` because the function of that name is public in the package, and a submodule
takes the place of a package attribute of its name as soon as it is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from .errors import ImageError, ImageTypeError
from .normalization import Normalization, format_numbers, preset

__all__ = ["Denormalize", "as_normalization", "denormalize", "normalize", "to_uint8"]

ImagesT = TypeVar("ImagesT")

#: Elements of one block: small enough that a block and its result stay in the second-level cache.
_BLOCK = 1 << 16


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
    from .pipelines import find_normalize

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
        Same kind, shape, dtype and device as `images`, in the units of the pictures that entered Normalize. A
        tv_tensor keeps its type, a gradient is kept, and `images` is not changed (unless it is `out`).

    Raises:
        ImageTypeError: no tensor or array, or not of floating point.
        ImageError: the number of channels or their axis does not fit the statistics, or `out` does not fit `images`.
    """
    normalization = as_normalization(normalization_or_pipeline)
    return _apply(images, normalization, _undo, out=out, channel_axis=channel_axis)


def normalize(images: ImagesT, normalization: Normalization, *, channel_axis: int | None = None) -> ImagesT:
    """``y = (x - mean) / std`` for each channel, in float32 or better.

    Args:
        images: a tensor or array in the units of `normalization`, or uint8, which is first scaled to
            0..``pixel_max`` in float32, as ``ToTensor`` does.
        normalization: the statistics.
        channel_axis: the axis of the channels, when it is not where `images` says.

    Returns:
        Same kind, shape and device, float32 for uint8 pictures and else of the dtype of `images`.

    Raises:
        ImageTypeError, ImageError: as :func:`denormalize`.
    """
    if isinstance(images, torch.Tensor) and images.dtype == torch.uint8:
        scaled: Any = _rewrap(_plain(images).float().div_(255).mul_(normalization.pixel_max), images)
    elif isinstance(images, np.ndarray) and images.dtype == np.uint8:
        scaled = images.astype(np.float32) / np.float32(255) * np.float32(normalization.pixel_max)
    else:
        scaled = images
    return _apply(scaled, normalization, _do, out=None, channel_axis=channel_axis)  # type: ignore[no-any-return]


def to_uint8(images: Any, normalization_or_pipeline: Any, *, out: Any = None, channel_axis: int | None = None) -> Any:
    """Undo a Normalize and give bytes: ``round((y * std + mean) * 255 / pixel_max)``, clamped to 0..255.

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
    return _apply(images, normalization, _to_bytes, out=out, channel_axis=channel_axis, dtype=torch.uint8)


class Denormalize(torch.nn.Module):
    """A module that undoes a Normalize: ``x = y * std + mean``.

    Args:
        mean, std: the statistics of the Normalize to undo, one number a channel.
        pixel_max: the value of white in the pictures that entered it.
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
        if not torch.jit.is_scripting() and not torch.compiler.is_compiling():
            return self._eager(images)
        if not images.is_floating_point():
            raise TypeError("normalized pictures are of floating point")
        channels = self.mean.shape[0]
        if channels > 1 and (images.dim() < -self._axis or images.shape[self._axis] != channels):
            raise ValueError("the number of channels of the pictures is not that of the statistics")
        dtype = torch.float64 if images.dtype == torch.float64 else torch.float32
        shape = [1] * images.dim()
        if channels > 1:
            shape[self._axis] = channels
        std = self.std.to(dtype).view(shape)
        mean = self.mean.to(dtype).view(shape)
        return (images.to(dtype) * std + mean).to(images.dtype)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Denormalize:
        super()._apply(fn, recurse)  # moves the buffers; a cast to half would also round them
        device = self.mean.device
        dtype = torch.float32 if device.type == "mps" else torch.float64
        self.mean = torch.tensor(self.normalization.mean, dtype=dtype, device=device)
        self.std = torch.tensor(self.normalization.std, dtype=dtype, device=device)
        return self

    def extra_repr(self) -> str:
        shown = self.normalization
        pixel_max = "" if shown.pixel_max == 1.0 else f", pixel_max={shown.pixel_max:g}"
        return f"mean={format_numbers(shown.mean)}, std={format_numbers(shown.std)}{pixel_max}"


# What is done to one block: (images, mean, std, scale to bytes, out or None) -> result.
_Kernel = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, float, "torch.Tensor | None"], torch.Tensor]


def _undo(
    images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, scale: float, out: torch.Tensor | None
) -> torch.Tensor:
    if out is None:
        return (images.to(mean.dtype) * std + mean).to(images.dtype)
    if images.dtype == mean.dtype:
        return torch.mul(images, std, out=out).add_(mean)
    return out.copy_(torch.mul(images, std).add_(mean))


def _do(
    images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, scale: float, out: torch.Tensor | None
) -> torch.Tensor:
    if out is None:
        return ((images.to(mean.dtype) - mean) / std).to(images.dtype)
    if images.dtype == mean.dtype:
        return torch.sub(images, mean, out=out).div_(std)
    return out.copy_(torch.sub(images, mean).div_(std))


def _to_bytes(
    images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, scale: float, out: torch.Tensor | None
) -> torch.Tensor:
    levels = torch.mul(images, std).add_(mean)
    if scale != 1.0:
        levels.mul_(scale)
    levels = levels.round_().clamp_(0, 255).nan_to_num_(0)
    return levels.to(torch.uint8) if out is None else out.copy_(levels)


def _apply(
    images: Any,
    normalization: Normalization,
    kernel: _Kernel,
    *,
    out: Any,
    channel_axis: int | None,
    dtype: torch.dtype | None = None,
) -> Any:
    """Checks `images` and `out`, then runs `kernel` over them; `dtype` is that of the result if not `images`'."""
    _refuse_kind(images)
    if channel_axis is None:
        channel_axis = normalization.channel_axis
    axis = resolve_channel_axis(images.shape, normalization, channel_axis, is_array=isinstance(images, np.ndarray))
    if isinstance(images, np.ndarray):
        return _apply_to_array(images, normalization, kernel, out, axis, dtype)
    plain = _plain(images)
    wanted = images.dtype if dtype is None else dtype
    if out is not None:
        _refuse_out(out, images, torch.Tensor, wanted)
        if out.requires_grad or (images.requires_grad and torch.is_grad_enabled()):
            raise ImageError("out= keeps no gradient: call it under torch.no_grad(), or without out=.")
    keeps_graph = images.requires_grad and torch.is_grad_enabled() and dtype is None
    mean, std = _constants(normalization, plain, axis)
    scale = 255.0 / normalization.pixel_max
    if keeps_graph or torch.compiler.is_compiling():
        return _rewrap(kernel(plain, mean, std, scale, None), images)
    plain = plain.detach()
    target = torch.empty_like(plain, dtype=wanted) if out is None else _plain(out)
    with torch.no_grad():
        for block, mean_block, std_block, out_block in _blocks(plain, mean, std, target):
            kernel(block, mean_block, std_block, scale, out_block)
    return out if out is not None else _rewrap(target, images)


def _apply_to_array(
    images: np.ndarray[Any, Any],
    normalization: Normalization,
    kernel: _Kernel,
    out: Any,
    axis: int | None,
    dtype: torch.dtype | None,
) -> Any:
    """Arrays are lent to torch without a copy, so that both give the same bits."""
    wanted = images.dtype if dtype is None else np.dtype(np.uint8)
    if out is not None:
        _refuse_out(out, images, np.ndarray, wanted)
    tensor = _lend(images)
    mean, std = _constants(normalization, tensor, axis)
    # an `out` that torch can write to directly, else a new array that is copied into it
    direct = out is not None and wanted.isnative and min(out.strides, default=0) >= 0 and out.flags.writeable
    result = out if direct else np.empty_like(images, dtype=wanted.newbyteorder("="), subok=False)
    if isinstance(result, np.ndarray) and min(result.strides, default=0) < 0:
        result = np.empty(images.shape, dtype=wanted.newbyteorder("="))
    scale = 255.0 / normalization.pixel_max
    with torch.no_grad():
        for block, mean_block, std_block, out_block in _blocks(tensor, mean, std, torch.from_numpy(result)):
            kernel(block, mean_block, std_block, scale, out_block)
    if out is None:
        return result if wanted.isnative else result.astype(wanted)
    if not direct:
        out[...] = result
    return out


def _refuse_kind(images: Any) -> None:
    if isinstance(images, torch.Tensor):
        is_float, dtype = images.is_floating_point(), str(images.dtype)
    elif isinstance(images, np.ndarray):
        is_float, dtype = images.dtype.kind == "f", str(images.dtype)
        if images.dtype == np.longdouble and images.dtype.itemsize > 8:
            raise ImageTypeError(f"the pictures are of {dtype}, which torch lacks: convert them to float64.")
    else:
        advice = " Stack pictures of one size, or call it on each." if isinstance(images, (list, tuple)) else ""
        raise ImageTypeError(
            f"the pictures are a {type(images).__module__}.{type(images).__qualname__}: expected a torch tensor or "
            f"a numpy array of floating point.{advice}"
        )
    if not is_float:
        raise ImageTypeError(
            f"the pictures are of {dtype}: expected floating point, as it comes out of Normalize. "
            f"Bytes were never normalized, or were already converted back."
        )


def resolve_channel_axis(
    shape: Sequence[int], normalization: Normalization, channel_axis: int | None, *, is_array: bool
) -> int | None:
    """The axis, counted from the end, along which the statistics lie; None where one mean serves all.

    Raises:
        ImageError: no axis fits, or (in an array) two do.
    """
    channels, ndim = normalization.channels, len(shape)
    if channel_axis is not None:
        if not -ndim <= channel_axis < ndim:
            raise ImageError(f"channel_axis is {channel_axis}, the pictures have shape {tuple(shape)}.")
        axis = channel_axis - ndim if channel_axis >= 0 else channel_axis
        if channels not in (1, shape[axis]):
            raise ImageError(_misfit(shape, normalization, axis))
        return axis if channels > 1 else None
    if channels == 1:
        return None
    fitting = [axis for axis in ((-3, -1) if is_array else (-3,)) if ndim >= 3 and shape[axis] == channels]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise ImageError(
            f"the pictures have shape {tuple(shape)}: the channels may be axis -3 (..., C, H, W) or axis -1 "
            f"(..., H, W, C). Say which with channel_axis."
        )
    raise ImageError(_misfit(shape, normalization, -3))


def _misfit(shape: Sequence[int], normalization: Normalization, axis: int) -> str:
    """What to say when the channels are not where they were looked for."""
    channels, shown = normalization.channels, tuple(shape)
    said = f"the statistics have {channels} channel{'s' if channels > 1 else ''}"
    where = f" ({normalization.source})" if normalization.source else ""
    if len(shape) < 3:
        return (
            f"the pictures have shape {shown} and no channel axis; {said}{where}: expected "
            f"({channels}, H, W) or (N, {channels}, H, W)."
        )
    if len(shape) >= 3 and shape[-1] == channels and axis != -1:
        return (
            f"the pictures have shape {shown}: their channels are last, and were looked for on axis {axis}. "
            f"Use images.movedim(-1, -3), or give channel_axis=-1."
        )
    if len(shape) >= 4 and shape[-4] == channels and axis != -4:
        return (
            f"the pictures have shape {shown}: no {channels} channels on axis {axis}. If these are videos "
            f"(..., C, T, H, W), give channel_axis=-4."
        )
    found = shape[axis]
    grey = " Grey pictures take one mean and one std." if found == 1 else ""
    return (
        f"the pictures have {found} channel{'s' if found != 1 else ''} (axis {axis} of shape {shown}), {said}{where}."
        f"{grey}"
    )


def _refuse_out(out: Any, images: Any, kind: type, dtype: Any) -> None:
    if not isinstance(out, kind):
        raise ImageTypeError(f"out is a {type(out).__name__}: expected a {kind.__name__}, as the pictures are.")
    expected, found = (tuple(images.shape), dtype), (tuple(out.shape), out.dtype)
    if expected != found:
        raise ImageError(
            f"out has shape {found[0]} and dtype {found[1]}: expected shape {expected[0]} and dtype {expected[1]}."
        )
    if isinstance(out, torch.Tensor) and out.device != images.device:
        raise ImageError(f"out is on {out.device}, the pictures are on {images.device}.")


def _plain(images: torch.Tensor) -> torch.Tensor:
    """Without its subclass, whose overrides are not needed for arithmetic."""
    return images if type(images) is torch.Tensor else images.as_subclass(torch.Tensor)


def _rewrap(result: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """With the subclass (a tv_tensor, a MetaTensor) and the attributes of `like`."""
    kind = type(like)
    if kind is torch.Tensor or kind is torch.nn.Parameter:
        return result
    wrapped = result.as_subclass(kind)
    wrapped.__dict__.update(like.__dict__)
    return wrapped


def _lend(images: np.ndarray[Any, Any]) -> torch.Tensor:
    """`images` as a tensor: the same memory where torch can address it, else a copy."""
    addressable = images.dtype.isnative and images.flags.writeable and min(images.strides, default=0) >= 0
    aligned = all(stride % images.dtype.itemsize == 0 for stride in images.strides)
    if not (addressable and aligned):
        images = np.array(images, dtype=images.dtype.newbyteorder("="), order="C", subok=False)
    return torch.from_numpy(images)


@lru_cache(maxsize=64)
def _cached_constants(
    mean: tuple[float, ...], std: tuple[float, ...], dtype: torch.dtype, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """On the device once, so that a call need not wait for a copy."""
    return torch.tensor(mean, dtype=dtype, device=device), torch.tensor(std, dtype=dtype, device=device)


def _constants(
    normalization: Normalization, images: torch.Tensor, axis: int | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and std that broadcast against `images`."""
    dtype = torch.float64 if images.dtype == torch.float64 else torch.float32
    mean, std = _cached_constants(normalization.mean, normalization.std, dtype, images.device)
    shape = [1] * images.ndim
    if axis is not None:
        shape[axis] = normalization.channels
    return mean.view(shape), std.view(shape)


_Block = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def _blocks(images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, out: torch.Tensor) -> Iterator[_Block]:
    """Cuts all four alike, along the leading axes, into blocks that fit a cache. Other devices get one block."""
    count = images.numel()
    if count <= _BLOCK or images.device.type != "cpu":
        yield images, mean, std, out
        return
    axis = next(axis for axis, size in enumerate(images.shape) if size > 1)
    size = images.shape[axis]
    step = max(1, _BLOCK * size // count)
    for start in range(0, size, step):
        length = min(step, size - start)
        cut = [images.narrow(axis, start, length), mean, std, out.narrow(axis, start, length)]
        if mean.shape[axis] > 1:
            cut[1], cut[2] = mean.narrow(axis, start, length), std.narrow(axis, start, length)
        yield from _blocks(cut[0], cut[1], cut[2], cut[3])
