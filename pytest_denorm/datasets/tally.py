"""Reading many pictures: blocks of one shape, pictures that fail, grey among colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from ..errors import DatasetError, ImageError
from ..pipelines.items import Batches, pictures_of
from .moments import Pixels, UnmeasurableError, block_statistics
from .planes import Planes, Reading, channels_first, planes_of, unmeasurable
from .statistics import NAMED_FAILURES, Failure, Statistics, describe

__all__ = ["OnError", "Reader", "Tally"]

OnError = Literal["raise", "skip"]

#: Values of pictures that are measured together; where they need no copy, and where tensors are copied at once.
_BLOCK, _KEPT_BLOCK, _COPIED = 1 << 22, 1 << 24, 1 << 18
#: Types that are measured as another.
_KEPT: dict[np.dtype[Any], Any] = {np.dtype(np.bool_): np.uint8, np.dtype(np.float16): np.float32}


class Tally:
    """Statistics of the pictures read so far, apart by kind (channels and white), and what could not be read.

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

    @property
    def seen(self) -> int:
        """Pictures read, and pictures that failed."""
        return sum(part.pictures for part in self.kinds.values()) + self.failed

    def refuse_mixed(self) -> None:
        """
        Raises:
            DatasetError: pictures of several kinds; names the first that differs from the first of all.
        """
        if len(self.kinds) < 2:
            return
        usual, odd = sorted(self.kinds.values(), key=lambda part: part.first)[:2]
        raise DatasetError(
            f"{describe(*odd.first)} has {odd.kind}; {describe(*usual.first)} has {usual.kind}. One mean and "
            f"std cannot be measured on both: convert all pictures alike (.convert('RGB'), one dtype), or measure "
            f"them apart."
        )

    def statistics(self) -> Statistics:
        """
        Raises:
            DatasetError: pictures of several kinds, or none at all.
        """
        self.refuse_mixed()
        if not self.kinds:
            if self.failed:
                raise DatasetError(f"none of {self.failed:,} pictures could be read. The first: {self.failures[0]}")
            raise DatasetError("the data set is empty: there is nothing to measure.")
        (found,) = self.kinds.values()
        return replace(found, failed=self.failed, failures=self.failures)


def _picture_of(item: Any) -> Any:
    return item[0] if type(item) is tuple and item else item


class Reader:
    """Reads pictures into a :class:`Tally`, those of one shape together.

    Args:
        name: gives the name of picture `index`; asked only where it is needed.
        batches: of the loader whose batches are read.
    """

    def __init__(
        self,
        reading: Reading,
        on_error: OnError = "raise",
        name: Callable[[int], str] = lambda index: "",
        batches: Batches | None = None,
    ) -> None:
        self._reading, self._batches = reading, batches
        self._usual = reading == Reading()
        self._on_error = on_error
        self._name = name
        self._tally = Tally()
        self._buffer: Pixels | None = None
        self._kind: tuple[Any, ...] = ()
        self._indices: list[int] = []
        self._room = 0
        self._kept: Any = None
        # items that wait to be read together: plain tensors like the one before them need no second look
        self._waiting: list[Any] = []
        self._whose: list[int] = []
        self._together = 1
        self._before: tuple[Any, ...] | None = None  # shape, type and device of that one

    def read_each(self, get: Callable[[int], Any], indices: Iterable[int]) -> None:
        """Reads the pictures of the items of a data set that `get` gives for these indices.

        Tensors are copied some at a time, as a DataLoader does.

        Raises:
            DatasetError: one cannot be read, unless failures are skipped.
        """
        for index in indices:
            try:
                item = get(index)
            except Exception as error:
                self._settle()
                self._flush()  # what is wrong with earlier pictures is told first
                self._fail(index, error)
            else:
                self._waiting.append(item)
                self._whose.append(index)
                if len(self._whose) >= self._together:
                    self._settle()

    def read(self, item: Any, index: int) -> None:
        """Reads the pictures of an item at once: what gives it may use its memory again for the next one.

        Raises:
            DatasetError: it cannot be read, unless failures are skipped.
        """
        self._waiting.append(item)
        self._whose.append(index)
        self._settle()

    def _settle(self) -> None:
        """Reads the items that wait."""
        items, indices = self._waiting, self._whose
        self._waiting, self._whose = [], []
        together = self._stacked([_picture_of(item) for item in items])
        if together is not None:
            self._put(Planes(together, False, self._kind[-1]), indices)
            return
        for item, index in zip(items, indices, strict=True):
            self._read_one(item, index)

    def _stacked(self, pictures: list[Any]) -> Pixels | None:
        """As one array, where all are plain tensors like the one before."""
        if {type(picture) for picture in pictures} != {torch.Tensor}:
            return None
        if {(picture.shape, picture.dtype, picture.device) for picture in pictures} != {self._before}:
            return None
        stacked = torch.stack(pictures) if len(pictures) > 1 else pictures[0][None]
        return stacked.numpy(force=True)  # type: ignore[no-any-return, unused-ignore]

    def _read_one(self, item: Any, index: int) -> None:
        try:
            found = planes_of(item, self._reading)
        except Exception as error:
            self._flush()
            self._fail(index, error)
            return
        for planes in found:
            self._put(planes, [index] * len(planes.pixels))
        picture = _picture_of(item)
        known = self._usual and type(picture) is torch.Tensor and picture.ndim == 3 and picture.dtype != torch.bfloat16
        known = known and pictures_of(item)[0] is picture  # and no mask in front of it
        self._before = (picture.shape, picture.dtype, picture.device) if known else None
        self._together = max(1, _COPIED // picture.numel()) if known else 1

    def read_batch(self, get: Callable[[], Any], indices: Sequence[int]) -> int:
        """Reads many pictures that are given together, at most as many as there are `indices`. Returns how many.

        Raises:
            DatasetError: as :meth:`read_each`.
        """
        self._settle()
        try:
            found = planes_of(get(), self._reading, self._batches, together=True)
        except Exception as error:
            self._flush()
            self._fail(indices[0], error)
            return 1
        count = 0
        for planes in found:
            part = indices[count : count + len(planes.pixels)]
            if part:
                self._put(planes._replace(pixels=planes.pixels[: len(part)]), part)
            count += len(part)
        return count

    def _fail(self, index: int, error: Exception) -> None:
        failure = Failure(index, self._name(index), f"{type(error).__name__}: {error}")
        if self._on_error == "raise":
            raise DatasetError(f"{failure}") from error
        self._tally.fail(failure)

    def _put(self, planes: Planes, indices: Sequence[int]) -> None:
        pixels = channels_first(planes)
        kind = (pixels.shape[1:], pixels.dtype, planes.pixel_max)
        if kind != self._kind:
            self._flush()
            self._kind, self._buffer = kind, None
            self._room = max(1, _BLOCK // pixels[0].size)
            self._kept = _KEPT.get(pixels.dtype, pixels.dtype)
        start = 0
        as_it_is = pixels.dtype == self._kept and pixels.flags.c_contiguous
        while start < len(pixels):
            filled = len(self._indices)
            if as_it_is and not filled and 2 * (len(pixels) - start) > self._room:  # without a copy
                end = start + max(1, _KEPT_BLOCK // pixels[0].size)
                self._measure(pixels[start:end], indices[start:end])
                start = end
                continue
            some, whose = pixels[start : start + self._room - filled], indices[start : start + self._room - filled]
            start += len(some)
            if self._buffer is None:
                self._buffer = np.empty((self._room, *pixels.shape[1:]), self._kept)
            self._keep(some, whose)

    def _keep(self, pixels: Pixels, indices: Sequence[int]) -> None:
        """Copies pictures (N, C, H, W), or one (C, H, W), into the buffer, which has room for them."""
        assert self._buffer is not None
        filled = len(self._indices)
        self._buffer[filled : filled + len(indices)] = pixels
        self._indices += indices
        if len(self._indices) == self._room:
            self._flush()

    def _flush(self) -> None:
        indices, self._indices = self._indices, []
        if indices and self._buffer is not None:
            self._measure(self._buffer[: len(indices)], indices)

    def _measure(self, pixels: Pixels, indices: Sequence[int]) -> None:
        """Measures pictures (N, C, H, W), each with its index."""
        first = (indices[0], self._name(indices[0]))
        try:
            self._tally.add(block_statistics(pixels, pixel_max=self._kind[-1], first=first))
        except UnmeasurableError:
            reasons = [unmeasurable(each) for each in pixels]
            for index, reason in zip(indices, reasons, strict=True):
                if reason:
                    self._fail(index, ImageError(reason))
            good = [k for k, reason in enumerate(reasons) if not reason]
            if good:
                self._measure(pixels[good], [indices[k] for k in good])

    def refuse_mixed(self) -> None:
        """As :meth:`Tally.refuse_mixed`, of the blocks that are full."""
        self._tally.refuse_mixed()

    def tally(self) -> Tally:
        """What was read since the last call."""
        self._settle()
        self._flush()
        done, self._tally = self._tally, Tally()
        return done
