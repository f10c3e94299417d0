"""From what a data set or a loader gives to arrays of pixels."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
import torch

from ..core.arguments import positive, whole
from ..errors import DatasetError, ImageError, ImageTypeError
from ..pipelines.items import Batches, is_indexed, pictures_of
from .exact import LARGEST
from .moments import Pixels

__all__ = ["Planes", "Reading", "picture_name", "planes_of"]

#: How many channels pictures have, where the axis has to be told by its length.
_CHANNELS = (1, 3, 4)
#: Where they are in clips, (C, T, H, W).
_CLIP_AXIS = -4
#: PIL's modes of one byte a band, a letter each.
_BYTE_MODES = ("L", "RGB", "RGBA", "CMYK", "HSV", "LA")
#: The value of white by dtype; floats and bool have 1.
_WHITE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}


@dataclass(frozen=True)
class Reading:
    """How to read what a data set gives.

    Attributes:
        image: the key or index of the picture in an item, or a function of an item that returns it.
        channel_axis: the axis of the channels in tensors and arrays, when it is not the usual one.
        pixel_max: the value of white, when it is not the usual one of the dtype.
    """

    image: str | int | Callable[[Any], Any] | None = None
    channel_axis: int | None = None
    pixel_max: float | None = None

    def __post_init__(self) -> None:
        if self.channel_axis is not None:
            whole(self.channel_axis, "channel_axis", DatasetError, meaning="axes, such as -3")
        if self.pixel_max is not None:
            positive(self.pixel_max, "pixel_max", DatasetError)

    def take(self, item: Any) -> Any:
        """What `image` says of an item.

        Raises:
            ImageError: it has no such key or index.
        """
        if self.image is None:
            return item
        if callable(self.image):
            return self.image(item)
        try:
            return item[self.image]
        except Exception as error:
            raise ImageError(
                f"image is {self.image!r}, which an item of type {type(item).__name__} does not have: "
                f"{type(error).__name__}: {error}"
            ) from error

    def batches_of(self, loader: Any) -> Batches:
        return Batches(loader, self.take, with_channels=self.channel_axis is not None)


class Planes(NamedTuple):
    """Pictures of one shape: (N, H, W, C) if `channels_last`, else (N, C, H, W)."""

    pixels: Pixels
    channels_last: bool
    pixel_max: float


def planes_of(item: Any, reading: Reading, batches: Batches | None = None, *, together: bool = False) -> list[Planes]:
    """The pictures of an item of a data set, or of a batch of a loader that has such `batches`.

    Args:
        together: it is no item, but several pictures that are kept together, (N, ...).

    Raises:
        ImageTypeError: there is no picture in it, or one of a kind that cannot be measured.
        ImageError: no such key or index; a picture without pixels, or whose channel axis cannot be told.
    """
    try:
        pictures = pictures_of(reading.take(item)) if batches is None else batches.pictures(item)
    except ImageTypeError as error:
        raise ImageTypeError(f"{error}: say where it is with image=.") from None
    is_stack = (lambda picture: together) if batches is None else batches.is_stack
    return [_planes(picture, reading, is_stack) for picture in pictures]


def _planes(picture: Any, reading: Reading, is_stack: Callable[[Any], bool] = lambda picture: False) -> Planes:
    if isinstance(picture, PIL.Image.Image):
        array, axis = _of_pil(picture), -1
    else:
        array = _as_array(picture)
        if array.ndim == 2:
            array = array[np.newaxis]
            axis = -3
        else:
            axis = _CLIP_AXIS
            if reading.channel_axis is not None or not _may_be_clip(array.shape) or is_stack(picture):
                axis = _channel_axis(array.shape, reading.channel_axis, isinstance(picture, torch.Tensor))
        if axis not in (-1, -3):
            array, axis = np.moveaxis(array, axis, -3), -3
    if array.size == 0:
        raise ImageError(f"a picture of shape {array.shape} has no pixels.")
    if array.ndim != 4:
        array = array[np.newaxis] if array.ndim == 3 else array.reshape(-1, *array.shape[-3:])
    return Planes(array, axis == -1, _white(array.dtype, reading.pixel_max))


def _of_pil(picture: PIL.Image.Image) -> Pixels:
    """(H, W, C)."""
    if picture.mode in _BYTE_MODES:  # as np.asarray, in less time
        pixels = np.frombuffer(picture.tobytes(), np.uint8)
        return pixels.reshape(picture.height, picture.width, len(picture.mode))
    if picture.mode in ("P", "PA", "1"):
        kind = "bits" if picture.mode == "1" else "indices of a palette, not colours"
        raise ImageTypeError(f"a picture of mode {picture.mode} holds {kind}: use .convert('RGB') or .convert('L').")
    array = np.asarray(picture)
    return array if array.ndim == 3 else array[..., np.newaxis]


def _as_array(picture: torch.Tensor | Pixels) -> Pixels:
    if isinstance(picture, torch.Tensor):
        if picture.dtype == torch.bfloat16:
            picture = picture.float()
        picture = picture.numpy(force=True)
    if picture.dtype.kind not in "buif" or (picture.dtype.kind == "f" and picture.dtype.itemsize > 8):
        raise ImageTypeError(f"a picture of {picture.dtype}: expected bytes, other integers or floats.")
    return picture


@lru_cache(maxsize=64)
def _may_be_clip(shape: tuple[int, ...]) -> bool:
    """Whether it has the shape of a clip, (..., C, T, H, W), and of no pictures with a usual number of channels."""
    usual = [axis >= -len(shape) and shape[axis] in _CHANNELS for axis in (-4, -3, -1)]
    return usual == [True, False, False]


@lru_cache(maxsize=64)
def _channel_axis(shape: tuple[int, ...], given: int | None, is_tensor: bool) -> int:
    """The axis of the channels, counted from the end."""
    if given is not None:
        if not -len(shape) <= given < len(shape):
            raise ImageError(f"channel_axis is {given}, a picture has shape {shape}.")
        return given - len(shape) if given >= 0 else given
    first, last = (shape[axis] in _CHANNELS for axis in (-3, -1))
    if is_tensor and (first or not last):
        return -3
    if is_tensor or first == last:
        expected = "(C, H, W)" if is_tensor else "(H, W, C) or (C, H, W) with 1, 3 or 4 channels"
        raise ImageError(
            f"a picture has shape {shape}: expected {expected}. Say where its channels are: channel_axis=."
        )
    return -1 if last else -3


def unmeasurable(values: Pixels) -> str:
    """Why the statistics of a picture would not be exact; "" if they are."""
    if values.dtype.kind == "f":
        count = int(np.count_nonzero(~(np.abs(values.astype(np.float64)) <= LARGEST)))  # NaN is not either
        return f"{count:,} of {values.size:,} values are NaN, infinite, or beyond {LARGEST:.0e}." if count else ""
    if max(-int(values.min()), int(values.max())) > 2**53:
        return "values are beyond 2**53, which a float64 does not hold exactly."
    return ""


@lru_cache(maxsize=64)
def _white(dtype: np.dtype[Any], given: float | None) -> float:
    if given is not None:
        return float(given)
    if dtype.kind in "fb":
        return 1.0
    if dtype in _WHITE:
        return _WHITE[dtype]
    raise ImageTypeError(f"pictures of {dtype} have no usual white: say its value with pixel_max=.")


class Stored(NamedTuple):
    """Pictures that are kept together: `pixels` (N, C, H, W) or (N, H, W, C), and which of them, in order."""

    pixels: Any
    indices: Sequence[int]


def stored_pictures(dataset: Any) -> Stored | None:
    """The pictures of a data set as one array or tensor, where it keeps them so and gives them unchanged.

    That is an array or tensor itself, a TensorDataset, a data set of torchvision without a transform, such as CIFAR10
    or MNIST (its ``data``, if the first picture agrees with it), and a Subset of any of them. Reading many from there
    at once spares a tensor or a PIL picture for each.
    """
    if type(dataset) is torch.utils.data.Subset:
        whole = stored_pictures(dataset.dataset)
        if whole is None or type(dataset.dataset) is not torch.utils.data.Subset:
            return whole and Stored(whole.pixels, dataset.indices)
        return Stored(whole.pixels, [whole.indices[index] for index in dataset.indices])
    if isinstance(dataset, (np.ndarray, torch.Tensor)):
        kept: Any = dataset
    elif isinstance(dataset, torch.utils.data.TensorDataset):
        own = type(dataset).__getitem__ is torch.utils.data.TensorDataset.__getitem__
        kept = dataset.tensors[0] if own and dataset.tensors else None
    else:
        kept = _stored_by_torchvision(dataset)
    if kept is None or kept.ndim != 4 or not len(kept):
        return None
    return Stored(kept, range(len(kept)))


def _stored_by_torchvision(dataset: Any) -> Any | None:
    own = getattr(type(dataset).__getitem__, "__module__", "").startswith("torchvision.datasets.")
    kept = getattr(dataset, "data", None)
    unchanged = own and getattr(dataset, "transforms", None) is None and getattr(dataset, "transform", None) is None
    if not (unchanged and isinstance(kept, (np.ndarray, torch.Tensor)) and 0 < len(kept) == len(dataset)):
        return None
    if kept.ndim == 3:  # MNIST's, without an axis for the one channel
        kept = kept[:, None]
    if kept.ndim != 4 or kept.dtype not in (np.uint8, torch.uint8):
        return None
    given, first = _planes(dataset[0][0], Reading()), _planes(kept[0], Reading())
    return kept if np.array_equal(channels_first(given), channels_first(first)) else None


def channels_first(planes: Planes) -> Pixels:
    """(N, C, H, W), without a copy."""
    return planes.pixels.transpose(0, 3, 1, 2) if planes.channels_last else planes.pixels


def picture_name(dataset: Any, index: int) -> str:
    """The file of picture `index` where the data set keeps a list of them, as ImageFolder does; else ``""``."""
    indices, parts = getattr(dataset, "indices", None), getattr(dataset, "cumulative_sizes", None)
    if indices is not None and hasattr(dataset, "dataset"):  # torch.utils.data.Subset
        return picture_name(dataset.dataset, int(indices[index]))
    if parts is not None and hasattr(dataset, "datasets"):  # torch.utils.data.ConcatDataset
        part = bisect_right(parts, index)
        return picture_name(dataset.datasets[part], index - (parts[part - 1] if part else 0))
    for attribute in ("samples", "imgs", "image_files", "paths", "files", "images"):
        listed = getattr(dataset, attribute, None)
        if isinstance(listed, (list, tuple)) and index < len(listed):
            entry = listed[index][0] if isinstance(listed[index], tuple) else listed[index]
            if isinstance(entry, (str, os.PathLike)):
                return os.fspath(entry)
    return ""


def check_source(dataset: Any) -> None:
    """Refuses what is certainly no data set.

    Raises:
        DatasetError: it is a string, a dictionary, or cannot be iterated or indexed, or its length raises.
    """
    indexable = is_indexed(dataset)
    if isinstance(dataset, (str, bytes, Mapping, type)) or not (indexable or hasattr(dataset, "__iter__")):
        raise DatasetError(
            f"a {type(dataset).__module__}.{type(dataset).__qualname__} is no data set: expected a data set "
            f"(dataset[i] and len(dataset)), a loader, or an iterable of pictures."
        )
    if indexable:
        try:
            len(dataset)
        except Exception as error:
            raise DatasetError(
                f"the length of the {type(dataset).__qualname__} cannot be had: {type(error).__name__}: {error}"
            ) from error
