"""The hot path: the map of a Normalize applied to images, and undone.

``x = y * std + mean`` is computed in float32, or in float64 for float64 images, and cast once at the end. That is more
exact than a second Normalize with ``-mean/std`` and ``1/std``, which rounds its constants as well. Bytes are rounded to
the nearest, never truncated.

Statistics are plain tuples of floats here. What a pipeline or the name of a preset stands for is resolved above.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.jit import is_tracing  # type: ignore[attr-defined, unused-ignore]

from ..errors import ImageError
from .inputs import refuse_kind, refuse_out, resolve_channel_axis

__all__ = ["denormalize", "normalize", "to_uint8"]

Numbers = tuple[float, ...]

#: Bytes of an intermediate result. Smaller blocks stay in a smaller cache, and cost more calls.
_BLOCK = 3 << 20

#: Constants are repeated until this many numbers lie in a row, as far as they stay below the second number in all:
#: a run of pixels and a run of constants are then read side by side, which vectorizes.
_RUN, _LONGEST = 1 << 10, 1 << 15

#: Devices whose kernels convert half precision while they read and write, without a copy.
_CONVERTING = {"cuda", "meta"}

_FLOATS = "floating point, as it comes out of Normalize. Bytes were never normalized, or were already converted back"


def denormalize(
    images: Any, mean: Numbers, std: Numbers, *, channel_axis: int | None = None, out: Any = None, source: str = ""
) -> Any:
    """Return ``images * std + mean`` for each channel; see :func:`pytest_denorm.denormalize`.

    Args:
        images: a floating-point tensor or array.
        mean, std: one number for each channel, or one for all.
        channel_axis: the axis of the channels; found by its length unless given.
        out: where to put the result: same kind, shape, dtype and device.
        source: where the statistics come from, for messages.

    Raises:
        ImageTypeError: no tensor or array, or not of floating point.
        ImageError: channels or `out` do not fit.
    """
    refuse_kind(images, _FLOATS)
    axis = resolve_channel_axis(images.shape, len(mean), channel_axis, is_array=_is_array(images), source=source)
    return _run(images, _Map(_undo, mean, std, axis, one_step=True), out)


def normalize(
    images: Any, mean: Numbers, std: Numbers, pixel_max: float = 1.0, *, channel_axis: int | None = None,
    source: str = "",
) -> Any:  # fmt: skip
    """Return ``(images - mean) / std`` for each channel, in float32 or better.

    uint8 images are first scaled to 0..`pixel_max` in float32, as ``ToTensor`` does. The other arguments and the errors
    are those of :func:`denormalize`.
    """
    scaled: Any = images
    if isinstance(images, torch.Tensor) and images.dtype == torch.uint8:
        scaled = _rewrap(_plain(images).float().div_(255).mul_(pixel_max), images)
    elif _is_array(images) and images.dtype == np.uint8:
        scaled = images.astype(np.float32) / np.float32(255) * np.float32(pixel_max)
    refuse_kind(scaled, "uint8 or floating point, as it goes into Normalize")
    axis = resolve_channel_axis(scaled.shape, len(mean), channel_axis, is_array=_is_array(scaled), source=source)
    return _run(scaled, _Map(_do, mean, std, axis), None)


def to_uint8(
    images: Any, mean: Numbers, std: Numbers, pixel_max: float = 1.0, *, channel_axis: int | None = None,
    out: Any = None, source: str = "",
) -> Any:  # fmt: skip
    """Return ``round((images * std + mean) * 255 / pixel_max)``, clamped to 0..255, as uint8.

    See :func:`pytest_denorm.to_uint8`. The other arguments and the errors are those of :func:`denormalize`.
    """
    refuse_kind(images, _FLOATS)
    axis = resolve_channel_axis(images.shape, len(mean), channel_axis, is_array=_is_array(images), source=source)
    scale = 255.0 / pixel_max  # folded into the statistics: y * (std * scale) + mean * scale
    levels = _Map(_to_levels, tuple(one * scale for one in mean), tuple(one * scale for one in std), axis, torch.uint8)
    return _run(images, levels, out)


def _is_array(images: Any) -> bool:
    return isinstance(images, np.ndarray)


# Takes (images, mean, std), computes into `out` or a new tensor, and returns what is to be converted.
_Kernel = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, "torch.Tensor | None"], torch.Tensor]


def _undo(images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, out: torch.Tensor | None) -> torch.Tensor:
    return torch.addcmul(mean, images, std, out=out)  # mean + images * std


def _do(images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, out: torch.Tensor | None) -> torch.Tensor:
    return torch.sub(images, mean, out=out).div_(std)


def _to_levels(images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, out: torch.Tensor | None) -> torch.Tensor:
    """Integers whose low byte is the level, from statistics in levels.

    In place, one addition rounds and converts: around 1.5 * 2**23 the float32 numbers are the integers (around
    1.5 * 2**52 those of float64), so that the sum is the nearest one, half to even, and its low bits are the level.
    NaN has zeros there.
    """
    levels = _undo(images, mean, std, out)
    if out is None:
        return levels.round().clamp(0, 255).nan_to_num(0)
    bits, integer = (52, torch.int64) if out.dtype == torch.float64 else (23, torch.int32)
    zero = 1.5 * 2.0**bits
    return levels.add_(zero).clamp_(zero, zero + 255).view(integer)


class _Map(NamedTuple):
    """What to do to the images."""

    kernel: _Kernel
    mean: tuple[float, ...]
    std: tuple[float, ...]
    axis: int | None  # of the statistics in the images; None where one mean serves all
    to: torch.dtype | None = None  # that of the result; None: that of the images
    one_step: bool = False  # the kernel is one operation: no intermediate result could be rounded


def _run(images: Any, mapping: _Map, out: Any) -> Any:
    """The map over a tensor or array that was checked; `out` is checked here."""
    if isinstance(images, np.ndarray):
        return _run_on_array(images, mapping, out)
    if out is not None:
        refuse_out(out, images, mapping.to or images.dtype)
        if mapping.to is None and torch.is_grad_enabled() and (out.requires_grad or images.requires_grad):
            raise ImageError("out= keeps no gradient: call it under torch.no_grad(), or without out=.")
    result = _run_on_tensor(_plain(images), mapping, None if out is None else _plain(out))
    return _rewrap(result, images) if out is None else out


def _run_on_array(images: np.ndarray[Any, Any], mapping: _Map, out: np.ndarray[Any, Any] | None) -> Any:
    """Arrays are lent to torch, if possible without a copy: both kinds give the same bits."""
    if out is not None:
        refuse_out(out, images, images.dtype if mapping.to is None else np.dtype(np.uint8))
    if _is_lendable(images):
        tensor, target = torch.from_numpy(images), None
    else:
        tensor = torch.from_numpy(np.array(images, dtype=images.dtype.newbyteorder("=")))
        target = None if mapping.to else tensor  # the copy is ours to write to
    if out is not None and _is_lendable(out):
        target = torch.from_numpy(out)
    result = _run_on_tensor(tensor, mapping, target).numpy()
    if out is None:
        return result if mapping.to else result.astype(images.dtype, copy=False)
    if not _is_lendable(out):
        out[...] = result
    return out


def _is_lendable(array: np.ndarray[Any, Any]) -> bool:
    """Whether torch can address it, and may: it has no read-only tensors."""
    whole_steps = all(stride >= 0 and stride % array.itemsize == 0 for stride in array.strides)
    return array.dtype.isnative and array.flags.writeable and whole_steps


def _run_on_tensor(images: torch.Tensor, mapping: _Map, out: torch.Tensor | None) -> torch.Tensor:
    """The map over a tensor, into `out` or a new tensor of the same layout."""
    if mapping.to is not None:
        images = images.detach()  # bytes have no gradient
    to = mapping.to or images.dtype
    dtype = torch.float64 if images.dtype == torch.float64 else torch.float32
    traced = _is_traced(images)
    if traced or (images.requires_grad and torch.is_grad_enabled()):
        mean, std = _constants(mapping, dtype, images.device, _narrow_shape(images, mapping.axis), cached=not traced)
        result = mapping.kernel(images.to(dtype), mean, std, None).to(to)
        return result if out is None else out.copy_(result)
    target = torch.empty_like(images, dtype=to) if out is None or _is_shifted(out, images) else out
    _fill(target, images, mapping, dtype)
    return target if out is None or target is out else out.copy_(target)


def _is_traced(images: torch.Tensor) -> bool:
    """Whether a compiler or a transform looks at each operation: no blocks then, no `out=`, no cached tensors."""
    return (
        torch.compiler.is_compiling()
        or is_tracing()  # type: ignore[no-untyped-call, unused-ignore]
        or type(images) not in (torch.Tensor, torch.nn.Parameter)
        or _is_wrapped(images)
        or torch.autograd.forward_ad.unpack_dual(images).tangent is not None  # type: ignore[no-untyped-call, unused-ignore]
    )


#: Whether torch.func.vmap, jvp or the like is at work on a tensor; torch has no public name for that.
_is_wrapped: Callable[[torch.Tensor], bool] = getattr(
    getattr(torch._C, "_functorch", None), "is_functorch_wrapped_tensor", lambda images: False
)


def _is_shifted(out: torch.Tensor, images: torch.Tensor) -> bool:
    """Whether they share memory without being element for element the same: written early, read late."""

    def ends(tensor: torch.Tensor) -> tuple[int, int]:
        last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
        return tensor.data_ptr(), tensor.data_ptr() + (last + 1) * tensor.element_size()

    (first, last), (other_first, other_last) = ends(out), ends(images)
    same = first == other_first and out.dtype == images.dtype and out.stride() == images.stride()
    return first < other_last and other_first < last and not same


def _fill(out: torch.Tensor, images: torch.Tensor, mapping: _Map, dtype: torch.dtype) -> None:
    """The map into `out`, in the order of memory, computed in `dtype` and converted once."""
    order = sorted(range(images.ndim), key=images.stride, reverse=True)
    axis = None if mapping.axis is None else order.index(mapping.axis + images.ndim)
    images, out = images.permute(order), out.permute(order)
    on_cpu = images.device.type == "cpu"
    shape = _spread_shape(images, axis) if on_cpu else _narrow_shape(images, axis)
    mean, std = _constants(mapping._replace(axis=axis), dtype, images.device, shape)
    if on_cpu and mapping.one_step and _undo_halves(images, mapping, axis, out):
        return
    reads = images.dtype == dtype or (images.device.type in _CONVERTING and images.dtype.itemsize == 2)
    writes = mapping.to is None and (images.dtype == dtype or (reads and mapping.one_step))
    most = _BLOCK // dtype.itemsize if on_cpu and not (writes and mapping.one_step) else images.numel()
    # one for blocks of all shapes
    spare = None if writes else torch.empty(min(most, images.numel()), dtype=dtype, device=images.device)
    for block, out_block, mean_block, std_block in _blocks(most, images, out, mean, std):
        work = out_block if spare is None else spare[: block.numel()].view(block.shape)
        result = mapping.kernel(block if reads else work.copy_(block), mean_block, std_block, work)
        if not writes:
            out_block.copy_(result)


#: Not in torch's documentation, hence looked for; where it is missing, blocks do the same in three passes.
_batch_norm: Any = getattr(getattr(torch.ops.aten, "native_batch_norm", None), "out", None)


def _undo_halves(images: torch.Tensor, mapping: _Map, axis: int | None, out: torch.Tensor) -> bool:
    """mean + images * std in float32, in one pass over half precision, as a batch norm; False where that cannot be."""
    if _batch_norm is None or axis is None or images.dtype not in (torch.float16, torch.bfloat16):
        return False
    plane = images.stride()[axis]
    if plane < _RUN or not (images.is_contiguous() and out.is_contiguous()):
        return False
    mean, std = _constants(mapping._replace(axis=0), torch.float32, images.device, (len(mapping.mean),))
    planes = (-1, len(mapping.mean), plane)
    zeros, ones, unused = torch.zeros_like(mean), torch.ones_like(std), torch.empty(0)
    _batch_norm(
        images.view(planes), std, mean, zeros, ones, False, 0.0, 0.0,
        out=out.view(planes), save_mean=unused, save_invstd=unused,
    )  # fmt: skip
    return True


def _blocks(most: int, images: torch.Tensor, *others: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
    """Cuts all alike into blocks of at most `most` elements of `images`; those of length 1 along an axis stay whole."""
    if images.numel() <= most:
        yield images, *others
        return
    axis = next(axis for axis, size in enumerate(images.shape) if size > 1)
    step = max(1, most * images.shape[axis] // images.numel())
    cuts: list[Iterable[torch.Tensor]] = [
        torch.split(each, step, axis) if each.shape[axis] > 1 else itertools.repeat(each) for each in (images, *others)
    ]
    for block in zip(*cuts, strict=False):
        yield from _blocks(most, *block)


def _narrow_shape(images: torch.Tensor, axis: int | None) -> tuple[int, ...]:
    """The shape of constants that broadcast against `images`: one number a channel."""
    shape = [1] * images.ndim
    if axis is not None:
        shape[axis] = images.shape[axis]
    return tuple(shape)


def _spread_shape(images: torch.Tensor, axis: int | None) -> tuple[int, ...]:
    """The same with the numbers repeated along the last axes, so that they lie in runs as the images do."""
    shape = list(_narrow_shape(images, axis))
    run = 1
    for last in reversed(range(images.ndim)):
        wider = [*shape[:last], images.shape[last], *shape[last + 1 :]]
        if run >= _RUN or math.prod(wider) > _LONGEST:
            break
        shape, run = wider, run * images.shape[last]
    return tuple(shape)


def _constants(
    mapping: _Map, dtype: torch.dtype, device: torch.device, shape: tuple[int, ...], *, cached: bool = True
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and std of this shape, on the device once."""
    make = _cached_constant if cached else _constant
    return (
        make(mapping.mean, dtype, device, shape, mapping.axis),
        make(mapping.std, dtype, device, shape, mapping.axis),
    )


def _constant(
    values: tuple[float, ...], dtype: torch.dtype, device: torch.device, shape: tuple[int, ...], axis: int | None
) -> torch.Tensor:
    narrow = [1] * len(shape)
    if axis is not None:
        narrow[axis] = len(values)
    if device.type == "cpu":
        made = torch.tensor(values, dtype=dtype)
    else:  # numbers go there with the kernels that write them; a copy from the host would have to be waited for
        made = torch.stack([torch.full((), value, dtype=dtype, device=device) for value in values])
    return made.view(narrow).expand(shape).contiguous()


@lru_cache(maxsize=64)
def _cached_constant(
    values: tuple[float, ...], dtype: torch.dtype, device: torch.device, shape: tuple[int, ...], axis: int | None
) -> torch.Tensor:
    with torch.inference_mode(False):  # a tensor made in that mode is of no use outside it
        return _constant(values, dtype, device, shape, axis)


def _plain(images: torch.Tensor) -> torch.Tensor:
    """Without its subclass, unless that has a say in each operation (fake and distributed tensors have)."""
    kind = type(images)
    if kind is torch.Tensor or kind.__torch_dispatch__ is not torch.Tensor.__torch_dispatch__:
        return images
    return images.as_subclass(torch.Tensor)


def _rewrap(result: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """With the subclass (a tv_tensor, a MetaTensor) and the attributes of `like`."""
    kind = type(like)
    if type(result) is kind or kind is torch.nn.Parameter:
        return result
    wrapped = result.as_subclass(kind)
    wrapped.__dict__.update(like.__dict__)
    return wrapped
