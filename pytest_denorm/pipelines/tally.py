"""Reading many images: those of one shape together, those that fail by name, kinds apart."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from ..core.moments import Moments, image_moments, measurable
from ..core.statistics import NAMED_FAILURES, Failure, Statistics, describe, kind_in_words
from ..errors import DatasetError, ImageError
from .batches import Batches, is_indexed, is_loader, kept_while_read
from .pixels import Block, Reading, block_of, blocks_of_item
from .reader import images_of

__all__ = ["OnError", "Reader", "Tally", "sample_statistics"]

OnError = Literal["raise", "skip"]

#: Values that are copied together before they are measured.
_TOGETHER = 1 << 18
#: Images whose moments are kept apart before their sums are added up.
_KEPT_APART = 4096


class Tally:
    """Statistics of the images read so far, apart by kind (channels and white), and what could not be read.

    Kinds are kept apart so that parts can be merged in any order before the odd one is told.
    """

    def __init__(self) -> None:
        self.kinds: dict[tuple[int, float], Statistics] = {}
        self.failed = 0
        self.failures: tuple[Failure, ...] = ()

    def add(self, part: Statistics) -> None:
        kind = (part.channels, part.pixel_max)
        known = self.kinds.get(kind)
        self.kinds[kind] = part if known is None else known + part

    def fail(self, failure: Failure) -> None:
        self.failed += 1
        self.failures = tuple(sorted((*self.failures, failure))[:NAMED_FAILURES])

    def merge(self, other: Tally) -> None:
        for part in other.kinds.values():
            self.add(part)
        self.failed += other.failed
        self.failures = tuple(sorted((*self.failures, *other.failures))[:NAMED_FAILURES])

    def refuse_mixed(self) -> None:
        """Refuse images of several kinds.

        Raises:
            DatasetError: names the first that differs.
        """
        _refuse_mixed((part.first, part.kind) for part in self.kinds.values())

    def statistics(self) -> Statistics:
        """Return the statistics of all images.

        Raises:
            DatasetError: images of several kinds, or none at all.
        """
        self.refuse_mixed()
        if not self.kinds:
            if self.failed:
                raise DatasetError(f"none of {self.failed:,} images could be read. The first: {self.failures[0]}")
            raise DatasetError("the data set is empty: there is nothing to measure.")
        (found,) = self.kinds.values()
        return replace(found, failed=self.failed, failures=self.failures)


def _refuse_mixed(kinds: Iterable[tuple[tuple[int, str], str]]) -> None:
    """Refuse images of several kinds.

    Args:
        kinds: of each the index and name of the first image, and what it is in words.

    Raises:
        DatasetError: names the first image that differs from the first of all.
    """
    listed = sorted(kinds)
    if len(listed) < 2:
        return
    (usual, usual_kind), (odd, odd_kind) = listed[:2]
    raise DatasetError(
        f"{describe(*odd)} has {odd_kind}; {describe(*usual)} has {usual_kind}. One mean and std cannot be measured on "
        f"both: convert all images alike (.convert('RGB'), one dtype), or measure them apart."
    )


class _Usual(NamedTuple):
    """The image of the item before: arrays and tensors like it need no second look."""

    place: Any  # a key or an index; None where the item is the image
    kind: type
    dtype: Any
    shape: tuple[int, ...]


class Reader:
    """Reads images into a :class:`Tally`, those of one shape together.

    Args:
        reading: where the image is in an item.
        on_error: ``"raise"`` or ``"skip"`` images that cannot be read.
        name: gives the name of image `index`; asked only where it is needed.
        batches: of the loader whose batches are read.
    """

    def __init__(
        self,
        reading: Reading,
        on_error: OnError = "raise",
        name: Callable[[int], str] = lambda index: "",
        batches: Batches | None = None,
    ) -> None:
        self._reading, self._on_error, self._name, self._batches = reading, on_error, name, batches
        self._usual: _Usual | None = None
        self._place: Any = None  # of the image in the items before
        self._waiting: list[Any] = []  # items whose images are looked at together
        self._whose: list[int] = []
        self._most = 1
        self._blocks: list[Block] = []  # of one form, which are measured together
        self._indices: list[int] = []
        self._start_anew()

    def _start_anew(self) -> None:
        self._tally = Tally()
        self._moments: dict[tuple[int, float], list[Moments]] = {}
        self._firsts: dict[tuple[int, float], tuple[int, str]] = {}

    def read_each(self, get: Callable[[int], Any], indices: Iterable[int]) -> None:
        """Read the images of the items of a data set that `get` gives for these indices.

        Arrays are copied some at a time, as a DataLoader does.

        Raises:
            DatasetError: one cannot be read, unless failures are skipped.
        """
        for index in indices:
            try:
                self._waiting.append(get(index))
            except Exception as error:
                self._fail(index, error)
            else:
                self._whose.append(index)
                if len(self._whose) >= self._most:
                    self._look()

    def read(self, item: Any, index: int) -> None:
        """Read the images of an item at once: what gives it may use its memory again for the next one.

        Raises:
            DatasetError: it cannot be read, unless failures are skipped.
        """
        self._look_at(item, index, copy=True)

    def read_batch(self, batch: Any, indices: Sequence[int]) -> int:
        """Read the images of a batch, at most as many as there are `indices`. Return how many.

        Raises:
            DatasetError: as :meth:`read_each`.
        """
        return self._read_blocks(lambda: blocks_of_item(batch, self._reading, self._batches), indices)

    def read_stack(self, get: Callable[[], Any], indices: Sequence[int]) -> None:
        """Read images that are kept together, (N, C, H, W) or (N, H, W, C)."""
        self._read_blocks(lambda: [block_of(get(), self._reading, is_stack=True)], indices)

    def read_stream(self, source: Iterable[Any], limit: int | None = None) -> Iterator[tuple[Any, int]]:
        """Read the batches of a loader, or the images of an iterable, as they come, at most `limit` images.

        Yields:
            each batch or item, and how many images were read of it.

        Raises:
            DatasetError: one cannot be read, or is of another kind than the first.
        """
        iterator, done = iter(source), 0
        while limit is None or done < limit:
            try:
                item = next(iterator)
            except StopIteration:
                return
            except Exception as error:
                what, advice = "image", ""
                if self._batches is not None:
                    what, advice = "batch", " Give the data set instead of the loader to have it named, or skipped."
                raise DatasetError(
                    f"after {done:,} images, the next {what} could not be read: {type(error).__name__}: {error}{advice}"
                ) from error
            if self._batches is None:
                self.read(item, done)
                count = 1
            else:
                count = self.read_batch(item, range(done, sys.maxsize if limit is None else limit))
            _refuse_mixed((first, kind_in_words(*kind)) for kind, first in self._firsts.items())
            yield item, count
            done += count

    def _read_blocks(self, get: Callable[[], list[Block]], indices: Sequence[int]) -> int:
        try:
            blocks = get()
        except Exception as error:
            self._fail(indices[0], error)
            return 1
        count = 0
        for pixels, white in blocks:
            part = indices[count : count + len(pixels)]
            if part:
                self._put(Block(pixels[: len(part)], white), part)
            count += len(part)
        return count

    def _look(self) -> None:
        """Find the images of the items that wait."""
        items, indices = self._waiting, self._whose
        self._waiting, self._whose = [], []
        stack = self._stacked(items) if items else None
        if stack is not None:
            self._put(block_of(stack, self._reading, is_stack=True), indices)
            return
        for item, index in zip(items, indices, strict=True):
            self._look_at(item, index)

    def _stacked(self, items: list[Any]) -> Any | None:
        """Return the images of items as one array or tensor, where all are like the one before."""
        if self._usual is None:
            return None
        place, kind, dtype, shape = self._usual
        try:
            taken = items if self._reading.image is None else [self._reading.take(item) for item in items]
            images = taken if place is None else [item[place] for item in taken]
            if set(map(type, images)) != {kind} or {image.dtype for image in images} != {dtype}:
                return None
            stack = torch.stack(images) if kind is torch.Tensor else np.stack(images)
        except Exception:  # another kind of item, or of another size, which is looked at by itself
            return None
        return stack if tuple(stack.shape[1:]) == shape else None

    def _look_at(self, item: Any, index: int, *, copy: bool = False) -> None:
        try:
            item = self._reading.take(item)
            images = images_of(item, first=self._reading.first, usual=self._place)
            blocks = [block_of(image, self._reading) for image in images]
        except Exception as error:
            self._fail(index, error)
            return
        for pixels, white in blocks:
            self._put(Block(pixels.copy() if copy else pixels, white), [index] * len(pixels))
        self._remember(item, images)

    def _remember(self, item: Any, images: list[Any]) -> None:
        """Keep where the image was found; of a plain array or tensor (C, H, W) or (H, W, C) also what it is like."""
        image, self._usual, self._most = images[0], None, 1
        members = dict(enumerate(item)) if isinstance(item, (tuple, list)) else item
        members = members.items() if isinstance(members, Mapping) else ()
        self._place = next((place for place, member in members if member is image), None)
        if len(images) > 1 or type(image) not in (torch.Tensor, np.ndarray) or image.ndim != 3:
            return
        if self._reading.channel_axis is None and (item is image or self._place is not None):
            self._usual = _Usual(self._place, type(image), image.dtype, tuple(image.shape))
            self._most = max(1, _TOGETHER // math.prod(image.shape))

    def _fail(self, index: int, error: Exception) -> None:
        """Count or raise what is wrong with an image, after what is wrong with earlier ones."""
        self._look()
        self._measure()
        self._count_failure(index, error)

    def _count_failure(self, index: int, error: Exception) -> None:
        failure = Failure(index, self._name(index), f"{type(error).__name__}: {error}")
        if self._on_error == "raise":
            raise DatasetError(f"{failure}") from error
        self._tally.fail(failure)

    def _put(self, block: Block, indices: Sequence[int]) -> None:
        """Keep images until there are enough that look alike to be measured together."""
        pixels, white = block
        if self._blocks:
            before = self._blocks[0]
            is_like = before.pixels.shape[1:] == pixels.shape[1:] and before.pixels.dtype == pixels.dtype
            if not is_like or before.white != white:
                self._measure()
        self._blocks.append(block)
        self._indices += indices
        if 2 * len(self._indices) * pixels[0].size >= _TOGETHER:  # few are copied twice
            self._measure()

    def _measure(self) -> None:
        """Measure the images that are kept."""
        blocks, indices = self._blocks, self._indices
        self._blocks, self._indices = [], []
        if not blocks:
            return
        white = blocks[0].white
        parts = [pixels for pixels, _ in blocks]
        together = parts[0] if len(parts) == 1 else np.concatenate(parts)
        moments = image_moments(together, white)
        if moments is None:
            # of the pixels as they were given
            reasons = [measurable(image) for pixels in parts for image in pixels]
            for index, reason in zip(indices, reasons, strict=True):
                if reason:
                    self._count_failure(index, ImageError(reason))
            good = [place for place, reason in enumerate(reasons) if not reason]
            indices = [indices[place] for place in good]
            moments = image_moments(together[good], white) if good else None
        if moments is not None:
            self._keep(moments, white, indices[0])

    def _keep(self, moments: Moments, white: float, index: int) -> None:
        kind = (moments.center.shape[1], white)
        if kind not in self._firsts:
            self._firsts[kind] = (index, self._name(index))
        kept = self._moments.setdefault(kind, [])
        kept.append(moments)
        if sum(len(one.heights) for one in kept) >= _KEPT_APART:
            self._add_up(kind)

    def _add_up(self, kind: tuple[int, float]) -> None:
        joined = Moments.joined(self._moments.pop(kind))
        self._tally.add(Statistics.of_moments(joined, kind[1], self._firsts[kind]))

    def tally(self) -> Tally:
        """Return what was read since the last call."""
        self._look()
        self._measure()
        for kind in list(self._moments):
            self._add_up(kind)
        done = self._tally
        self._start_anew()
        return done


def sample_statistics(source: Any, count: int, seed: int = 0) -> Statistics:
    """Return the statistics of at most `count` images of a data set or a loader; of equally good ones the first.

    Of a data set they are drawn with `seed`, because the first ones may all be of one class; of a loader they are the
    first that it gives. Random states are kept.

    Raises:
        DatasetError: an image that cannot be read, images of several kinds, or none at all.
    """
    reading = Reading(first=True)
    with kept_while_read(source):
        if is_indexed(source):
            reader = Reader(reading)
            chosen = range(len(source))
            reader.read_each(source.__getitem__, sorted(random.Random(seed).sample(chosen, min(count, len(chosen)))))
            return reader.tally().statistics()
        reader = Reader(reading, batches=reading.batches_of(source) if is_loader(source) else None)
        for _ in reader.read_stream(source, count):
            pass
        return reader.tally().statistics()
