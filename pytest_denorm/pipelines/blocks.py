"""Images out of whatever holds them: a batch, a list, a sample, a data set, a loader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from PIL import Image

from ..core.layout import FIRST, channel_axis
from ..core.white import dtype_name, is_float
from ..errors import ImageError, ImageTypeError
from .batches import Batches, are_alike, is_indexed, is_loader, kept_while_read
from .reader import axes_of, images_of, is_array, is_image

__all__ = ["SAMPLES", "Block", "blocks_of", "is_collection"]

#: How many images are taken from a data set, which has no batches.
SAMPLES = 64

#: One or more images in one object.
Block = torch.Tensor | np.ndarray[Any, Any] | Image.Image

#: Of a pair that is equally good the first is drawn.
_images_of = partial(images_of, first=True)


def is_collection(thing: Any) -> bool:
    """Return whether `thing` holds its images directly, as opposed to a data set or a loader."""
    return _is_block(thing) or isinstance(thing, (list, tuple, Mapping))


def _is_block(thing: Any) -> bool:
    return is_array(thing) or isinstance(thing, Image.Image)


def blocks_of(source: Any, with_channels: bool = False) -> list[Block]:
    """Return the images of a batch or a list, or the first ones of a data set or a loader.

    A batch is an array or tensor of images, a list of images or of such arrays, a tuple or list that holds one of
    these (``(images, labels)``), or a dict. Of what is iterated the first batch is taken, or the first 64 samples.

    Args:
        with_channels: three axes in a batch of a loader are one image's, one of channels.

    Raises:
        ImageTypeError: something that holds no images.
        ImageError: no image in it.
    """
    if is_collection(source):
        return _blocks_of_collection(source)
    with kept_while_read(source):
        return _blocks_of_iteration(source, with_channels)


def _blocks_of_collection(source: Any) -> list[Block]:
    if _is_block(source):
        return [source]
    name = type(source).__name__
    if isinstance(source, Mapping):
        return _found(_images_of, source, f"the {name}")
    if not len(source):
        raise ImageError(f"an empty {name}: expected at least one image.")
    if any(map(_is_batch, source)) and not _are_batches(source):  # (images, labels), (masks, images)
        found = _images_of(source, stacked=True)
        if all(map(_is_batch, found)):
            return found
    if _labels_come_first(source):
        return _found(Batches(None, first=True).images, source, f"the {name}")
    return [
        block for index, one in enumerate(source) for block in _found(_images_of, one, f"item {index} of the {name}")
    ]


def _blocks_of_iteration(source: Any, with_channels: bool) -> list[Block]:
    items = _read(source)
    name = type(source).__name__
    first = next(items, None)
    if first is None:
        raise ImageError(f"the {name} is empty: expected at least one image.")
    batches = Batches(source, with_channels=with_channels, first=True)
    if is_loader(source) and not batches.single:
        return _found(batches.images, first, f"the first batch of the {name}")
    if isinstance(first, (list, tuple)) and first and is_image(first[0]) and _vectors_come_first(first):
        return _found(Batches(None, first=True).images, first, f"item 0 of the {name}")
    blocks = _found(_images_of, first, f"sample 0 of the {name}")
    if len(blocks) > 1 or _is_batch(blocks[0]):
        return blocks
    for index, sample in enumerate(islice(items, SAMPLES - 1), start=1):
        blocks += _found(_images_of, sample, f"sample {index} of the {name}")
    return blocks


def _read(source: Any) -> Iterator[Any]:
    """Yield what is iterated, each item by itself.

    Raises:
        ImageError: reading it raises.
    """
    items, index = _iterate(source), 0
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        except Exception as error:
            raise ImageError(
                f"item {index} of the {type(source).__name__} cannot be read: {type(error).__name__}: {error}"
            ) from error
        yield item
        index += 1


def _iterate(source: Any) -> Iterator[Any]:
    if hasattr(type(source), "__iter__"):
        return iter(source)
    if is_indexed(source):
        return (source[index] for index in range(len(source)))
    raise ImageTypeError(
        f"{type(source).__module__}.{type(source).__qualname__} holds no images: expected a tensor or array "
        f"(N, C, H, W), a list of images, a data set or a DataLoader."
    )


def _is_batch(part: Any) -> bool:
    return axes_of(part) >= 4


def _are_batches(parts: Any) -> bool:
    """Return whether all of a list are images, as opposed to ``(images, labels)`` or ``(images, masks)``.

    They are if all are stacks with as many channels, of bytes or floats. A pair has to be a list, and of one size too;
    of more than two, other sizes are refused later, rather than left out here.
    """
    first = parts[0]
    if not all(_is_batch(part) and _has_levels(part) and _channels(part) == _channels(first) for part in parts):
        return False
    return len(parts) != 2 or (isinstance(parts, list) and parts[1].shape[1:] == first.shape[1:])


def _has_levels(stack: Any) -> bool:
    """Return whether it holds bytes or floats: masks of other integers are no images."""
    return is_float(stack.dtype) or dtype_name(stack.dtype) == "uint8"


def _channels(stack: Any) -> int:
    """Return how many channels it seems to have; arrays may have them last, tensors have them first."""
    axis = channel_axis(stack.shape, (1, 3), prefer=FIRST) if isinstance(stack, np.ndarray) else FIRST
    return int(stack.shape[FIRST if axis is None else axis])


def _labels_come_first(parts: Any) -> bool:
    """Return whether a list holds labels and images, in a batch or in pairs, rather than images or dicts."""
    if all(isinstance(part, Mapping) for part in parts):  # one of images, and one of labels
        return not are_alike(parts) and any(_is_batch(thing) for part in parts for thing in part.values())
    return not is_image(parts[0]) or _vectors_come_first(parts)


def _vectors_come_first(parts: Any) -> bool:
    """Return whether (N, K) of one-hot labels or boxes is before images (N, C, H, W)."""
    sizes = {tuple(part.shape[-2:]) for part in parts if _is_batch(part)}
    return axes_of(parts[0]) == 2 and bool(sizes - {tuple(parts[0].shape)})


def _found(look: Callable[[Any], list[Block]], thing: Any, where: str) -> list[Block]:
    """Return what `look` finds in `thing`.

    Raises:
        ImageTypeError: no image is in it.
        ImageError: what is in it may be one image or several.
    """
    try:
        return look(thing)
    except ImageTypeError as error:
        raise ImageTypeError(f"{where}: {error} Give the images alone.") from None
    except ImageError as error:
        raise ImageError(f"{where}: {error}") from None
