"""From the image of an item to an array of its pixels, (N, C, H, W), whose channels and white are known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
import torch

from ..core.arguments import positive, whole
from ..core.foreign import shown
from ..core.layout import CLIP_AXIS, FIRST, LAST, axis_from_end, channel_axis, is_clip
from ..core.moments import Pixels
from ..core.white import white_of_dtype
from ..errors import DatasetError, ImageError, ImageTypeError
from .batches import Batches
from .reader import Place, images_of, take

__all__ = ["Block", "Reading", "block_of", "blocks_of_item"]

#: PIL's modes of one byte a band, a letter each.
_BYTE_MODES = ("L", "RGB", "RGBA", "CMYK", "HSV", "LA")


@dataclass(frozen=True)
class Reading:
    """How to read what a data set gives.

    Attributes:
        image: the key or index of the image in an item, or a function of an item that returns it.
        channel_axis: the axis of the channels in tensors and arrays, when it is not the usual one.
        pixel_max: the value of white, when it is not the usual one of the dtype.
        first: take the first of members that are equally good images.
    """

    image: Place = None
    channel_axis: int | None = None
    pixel_max: float | None = None
    first: bool = False

    def __post_init__(self) -> None:
        if not (self.image is None or isinstance(self.image, (str, int)) or callable(self.image)):
            raise DatasetError(f"image is {shown(self.image)}: expected a key, an index or a function of an item.")
        if self.channel_axis is not None:
            whole(self.channel_axis, "channel_axis", DatasetError, meaning="axes, such as -3")
        if self.pixel_max is not None:
            positive(self.pixel_max, "pixel_max", DatasetError)

    def take(self, item: Any) -> Any:
        return take(item, self.image)

    def batches_of(self, loader: Any) -> Batches:
        return Batches(loader, self.take, with_channels=self.channel_axis is not None, first=self.first)


class Block(NamedTuple):
    """Images of one shape: `pixels` (N, C, H, W), in memory in whatever order, and the value of white."""

    pixels: Pixels
    white: float


def blocks_of_item(item: Any, reading: Reading, batches: Batches | None = None) -> list[Block]:
    """Return the images of an item of a data set, or of a batch of a loader that has such `batches`.

    Raises:
        ImageTypeError: there is no image in it, or one of a kind that cannot be measured.
        ImageError: no such key or index; an image without pixels, or whose channel axis cannot be told.
    """
    if batches is None:
        return [block_of(image, reading) for image in images_of(item, reading.image, first=reading.first)]
    return [block_of(image, reading, is_stack=batches.is_stack(image)) for image in batches.images(item)]


def block_of(image: Any, reading: Reading, *, is_stack: bool = False) -> Block:
    """Return the pixels of an image, a clip or a stack of images.

    Args:
        is_stack: (N, C, H, W) is several images, and no clip (C, T, H, W).

    Raises:
        ImageTypeError, ImageError: as :func:`blocks_of_item`.
    """
    if isinstance(image, PIL.Image.Image):
        array, axis = _of_pil(image), LAST
    else:
        array = _as_array(image)
        array = array[np.newaxis] if array.ndim == 2 else array
        is_grey = image.ndim == 2
        axis = FIRST if is_grey else _axis(array.shape, reading.channel_axis, isinstance(image, torch.Tensor), is_stack)
    if array.size == 0:
        raise ImageError(f"an image of shape {array.shape} has no pixels.")
    pixels = np.moveaxis(array, axis, FIRST)
    return Block(pixels.reshape(-1, *pixels.shape[-3:]), _white(array.dtype, reading.pixel_max))


def _of_pil(image: PIL.Image.Image) -> Pixels:
    """Return (H, W, C)."""
    if image.mode in _BYTE_MODES:  # as np.asarray, in less time
        pixels = np.frombuffer(image.tobytes(), np.uint8)
        return pixels.reshape(image.height, image.width, len(image.mode))
    if image.mode in ("P", "PA", "1"):
        kind = "bits" if image.mode == "1" else "indices of a palette, not colors"
        raise ImageTypeError(f"an image of mode {image.mode} holds {kind}: use .convert('RGB') or .convert('L').")
    array = np.asarray(image)
    return array if array.ndim == 3 else array[..., np.newaxis]


def _as_array(image: torch.Tensor | Pixels) -> Pixels:
    if isinstance(image, torch.Tensor):
        if image.dtype == torch.bfloat16:
            image = image.float()
        image = image.numpy(force=True)
    if image.dtype.kind not in "buif" or (image.dtype.kind == "f" and image.dtype.itemsize > 8):
        raise ImageTypeError(f"an image of {image.dtype}: expected bytes, other integers or floats.")
    return image


@lru_cache(maxsize=64)
def _axis(shape: tuple[int, ...], given: int | None, is_tensor: bool, is_stack: bool) -> int:
    """Return the axis of the channels, counted from the end."""
    if given is not None:
        return axis_from_end(given, shape)
    if is_clip(shape) and not is_stack:
        return CLIP_AXIS
    axis = channel_axis(shape, prefer=FIRST if is_tensor else None)
    if is_tensor and axis != LAST:
        return FIRST  # of any number of bands
    if is_tensor or axis is None:
        expected = "(C, H, W)" if is_tensor else "(H, W, C) or (C, H, W) with 1, 3 or 4 channels"
        raise ImageError(f"an image has shape {shape}: expected {expected}. Pass channel_axis= to name their axis.")
    return axis


@lru_cache(maxsize=64)
def _white(dtype: np.dtype[Any], given: float | None) -> float:
    white = white_of_dtype(dtype) if given is None else float(given)
    if white is None:
        raise ImageTypeError(f"images of {dtype} have no usual white: pass its value as pixel_max=.")
    return white
