"""Pictures out of whatever holds them: a batch, a list, a sample, a data set, a loader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import torch
from PIL import Image

from ..errors import ImageError, ImageTypeError
from ..pipelines.items import Batches, are_alike, is_loader, is_picture, kept_while_read, pictures_of

#: How many pictures are taken from a data set, which has no batches.
SAMPLES = 64

#: One or more pictures in one object.
Block = torch.Tensor | np.ndarray[Any, Any] | Image.Image


def is_block(thing: Any) -> bool:
    return isinstance(thing, (torch.Tensor, np.ndarray, Image.Image))


def is_collection(thing: Any) -> bool:
    """Whether `thing` holds its pictures directly, as opposed to a data set or a loader."""
    return is_block(thing) or isinstance(thing, (list, tuple, Mapping))


def blocks_of(source: Any, with_channels: bool = False) -> list[Block]:
    """The pictures of a batch or a list, or the first ones of a data set or a loader.

    A batch is an array or tensor of pictures, a list of pictures or of such arrays, a tuple or list that holds one of
    these (``(images, labels)``), or a dict. Of what is iterated the first batch is taken, or the first 64 samples.

    Args:
        with_channels: three axes in a batch of a loader are one picture's, one of channels.

    Raises:
        ImageTypeError: something that holds no pictures.
        ImageError: no picture in it.
    """
    if is_collection(source):
        return _blocks_of_collection(source)
    with kept_while_read(source):
        return _blocks_of_iteration(source, with_channels)


def _blocks_of_collection(source: Any) -> list[Block]:
    if is_block(source):
        return [source]
    name = type(source).__name__
    if isinstance(source, Mapping):
        return _found(pictures_of, source, f"the {name}")
    if not len(source):
        raise ImageError(f"an empty {name}: expected at least one picture.")
    if any(map(_is_stack, source)) and not _are_batches(source):  # (images, labels), (masks, images)
        found = pictures_of(source, stacked=True)
        if all(map(_is_stack, found)):
            return found
    if _labels_come_first(source):
        return _found(Batches(None).pictures, source, f"the {name}")
    return [
        block for index, one in enumerate(source) for block in _found(pictures_of, one, f"item {index} of the {name}")
    ]


def _blocks_of_iteration(source: Any, with_channels: bool) -> list[Block]:
    items = _read(source)
    name = type(source).__name__
    first = next(items, None)
    if first is None:
        raise ImageError(f"the {name} is empty: expected at least one picture.")
    batches = Batches(source, with_channels=with_channels)
    if is_loader(source) and not batches.single:
        return _found(batches.pictures, first, f"the first batch of the {name}")
    if isinstance(first, (list, tuple)) and first and is_picture(first[0]) and _vectors_come_first(first):
        return _found(Batches(None).pictures, first, f"item 0 of the {name}")
    blocks = _found(pictures_of, first, f"sample 0 of the {name}")
    if len(blocks) > 1 or _is_stack(blocks[0]):  # a batch
        return blocks
    for index, sample in enumerate(islice(items, SAMPLES - 1), start=1):
        blocks += _found(pictures_of, sample, f"sample {index} of the {name}")
    return blocks


def _read(source: Any) -> Iterator[Any]:
    """What is iterated, each item by itself.

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
    if hasattr(source, "__getitem__") and hasattr(source, "__len__"):
        return (source[index] for index in range(len(source)))
    raise ImageTypeError(
        f"{type(source).__module__}.{type(source).__qualname__} holds no pictures: expected a tensor or array "
        f"(N, C, H, W), a list of pictures, a data set or a DataLoader."
    )


def _is_stack(part: Any) -> bool:
    return isinstance(part, (torch.Tensor, np.ndarray)) and part.ndim >= 4


def _are_batches(parts: Any) -> bool:
    """Whether all of a list are pictures, as opposed to ``(images, labels)`` or ``(images, masks)``.

    They are if all are stacks with as many channels, of bytes or floats. A pair has to be a list, and of one size too;
    of more than two, other sizes are refused later, rather than left out here.
    """
    first = parts[0]
    if not all(_is_stack(part) and _has_levels(part) and _channels(part) == _channels(first) for part in parts):
        return False
    return len(parts) != 2 or (isinstance(parts, list) and parts[1].shape[1:] == first.shape[1:])


def _has_levels(stack: torch.Tensor | np.ndarray[Any, Any]) -> bool:
    """Bytes or floats: masks of other integers are no pictures."""
    if isinstance(stack, torch.Tensor):
        return stack.dtype == torch.uint8 or stack.is_floating_point()
    return stack.dtype.kind == "f" or bool(stack.dtype == np.uint8)


def _channels(stack: torch.Tensor | np.ndarray[Any, Any]) -> int:
    """How many channels it seems to have; arrays may have them last."""
    last = isinstance(stack, np.ndarray) and stack.shape[-3] not in (1, 3) and stack.shape[-1] in (1, 3)
    return int(stack.shape[-1 if last else -3])


def _labels_come_first(parts: Any) -> bool:
    """Whether a list holds labels and pictures, in a batch or in pairs, rather than pictures or dicts."""
    if all(isinstance(part, Mapping) for part in parts):  # one of pictures, and one of labels
        return not are_alike(parts) and any(_is_stack(thing) for part in parts for thing in part.values())
    if not is_picture(parts[0]):
        return True
    return _vectors_come_first(parts)


def _vectors_come_first(parts: Any) -> bool:
    """Whether (N, K) of one-hot labels or boxes is before pictures (N, C, H, W)."""
    sizes = {tuple(part.shape[-2:]) for part in parts if _is_stack(part)}
    return not isinstance(parts[0], Image.Image) and parts[0].ndim == 2 and bool(sizes - {tuple(parts[0].shape)})


def _found(look: Callable[[Any], list[Block]], thing: Any, where: str) -> list[Block]:
    """
    Raises:
        ImageTypeError: no picture is in it.
        ImageError: what is in it may be one picture or several.
    """
    try:
        return look(thing)
    except ImageTypeError as error:
        raise ImageTypeError(f"{where}: {error}. Give the pictures alone.") from None
    except ImageError as error:
        raise ImageError(f"{where}: {error}") from None
