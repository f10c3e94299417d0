"""Pictures out of whatever holds them: a batch, a list, a sample, a data set, a loader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import torch
from PIL import Image

from pytest_denorm.errors import ImageError, ImageTypeError
from pytest_denorm.pipelines.randomness import states_kept

#: How many pictures are taken from a data set, which has no batches.
SAMPLES = 64

#: The keys under which data sets and processors keep the pictures of a sample or a batch.
KEYS = ("image", "img", "pixel_values")

#: One or more pictures in one object.
Block = torch.Tensor | np.ndarray[Any, Any] | Image.Image


def is_block(thing: Any) -> bool:
    return isinstance(thing, (torch.Tensor, np.ndarray, Image.Image))


def is_collection(thing: Any) -> bool:
    """Whether `thing` holds its pictures directly, as opposed to a data set or a loader."""
    return is_block(thing) or isinstance(thing, (list, tuple, Mapping))


def blocks_of(source: Any) -> list[Block]:
    """The pictures of a batch or a list, or the first ones of a data set or a loader.

    A batch is an array or tensor of pictures, a list of pictures or of such arrays, a tuple or list that begins with
    one of these (``(images, labels)``), or a dict with one of them under ``image``, ``img`` or ``pixel_values``. Of
    what is iterated the first batch is taken, or the first 64 samples.

    Raises:
        ImageTypeError: something that holds no pictures.
        ImageError: no picture in it.
    """
    if is_collection(source):
        return _blocks_of_collection(source)
    with _random_states_kept(source):
        return _blocks_of_iteration(source)


def _blocks_of_collection(source: Any) -> list[Block]:
    if is_block(source):
        return [source]
    if isinstance(source, Mapping):
        return _blocks_of_collection(_picture_part(source))
    if not len(source):
        raise ImageError(f"an empty {type(source).__name__}: expected at least one picture.")
    if _is_stack(source[0]) and not _are_batches(source):  # (images, labels)
        return [source[0]]
    return [_picture_of_sample(sample, f"item {index} of the list") for index, sample in enumerate(source)]


def _blocks_of_iteration(source: Any) -> list[Block]:
    items = _read(source)
    name = type(source).__name__
    first = next(items, None)
    if first is None:
        raise ImageError(f"the {name} is empty: expected at least one picture.")
    if _is_batch(_picture_part(first)):
        return _blocks_of_collection(_picture_part(first))
    samples = [first, *islice(items, SAMPLES - 1)]
    return [_picture_of_sample(sample, f"sample {index} of the {name}") for index, sample in enumerate(samples)]


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


def _is_batch(part: Any) -> bool:
    return _is_stack(part) or (isinstance(part, (list, tuple)) and len(part) > 0 and is_block(part[0]))


def _picture_part(item: Any) -> Any:
    """What holds the pictures in a batch or sample: the item itself, its first part, or that under a known key."""
    if isinstance(item, Mapping):
        for key in KEYS:
            if key in item:
                return item[key]
        raise ImageError(f"a dict with the keys {sorted(map(str, item))}: expected pictures under one of {KEYS}.")
    if isinstance(item, (list, tuple)) and len(item):
        return item[0]
    return item


def _picture_of_sample(sample: Any, where: str) -> Block:
    picture = _picture_part(sample)
    if is_block(picture):
        return picture  # type: ignore[no-any-return]
    raise ImageTypeError(
        f"{where} is a {type(picture).__module__}.{type(picture).__qualname__}: expected a tensor, an array or a PIL "
        f"picture."
    )


@contextmanager
def _random_states_kept(source: Any) -> Iterator[None]:
    """Looking at a batch must not change what a seeded training run draws afterwards."""
    generator = getattr(source, "generator", None)
    with states_kept():
        if not isinstance(generator, torch.Generator):
            yield
            return
        kept = generator.get_state()
        try:
            yield
        finally:
            generator.set_state(kept)
