"""Reading many pictures: blocks of one shape, pictures that fail, grey among colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from ..errors import DatasetError
from .moments import Pixels, block_statistics
from .pictures import Planes, Reading, planes_of
from .statistics import NAMED_FAILURES, Failure, Statistics, describe

__all__ = ["OnError", "Reader", "Tally"]

OnError = Literal["raise", "skip"]

#: Bytes of pictures that are measured together.
_BLOCK = 1 << 21


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


class Reader:
    """Reads pictures into a :class:`Tally`, those of one shape together."""

    def __init__(self, reading: Reading, on_error: OnError = "raise") -> None:
        self._reading = reading
        self._on_error = on_error
        self._tally = Tally()
        self._buffer: Pixels | None = None
        self._key: tuple[Any, ...] = ()
        self._filled = 0
        self._first = (0, "")

    def read(
        self,
        get: Callable[[], Any],
        index: int,
        name: Callable[[], str],
        *,
        batched: bool = False,
        most: int | None = None,
    ) -> int:
        """Reads what `get` returns, picture `index` on; at most `most` pictures of it. Returns how many there were.

        `name` is only asked where the name is needed.

        Raises:
            DatasetError: it cannot be read, unless failures are skipped.
        """
        try:
            found = planes_of(get(), self._reading, batched=batched)
        except Exception as error:
            failure = Failure(index, name(), f"{type(error).__name__}: {error}")
            if self._on_error == "raise":
                raise DatasetError(f"{failure}") from error
            self._tally.fail(failure)
            return 1
        count = 0
        for planes in found:
            if most is not None and count + len(planes.pixels) > most:
                planes = planes._replace(pixels=planes.pixels[: most - count])
            if len(planes.pixels):
                self._put(planes, index + count, name)
            count += len(planes.pixels)
        return count

    def _put(self, planes: Planes, index: int, name: Callable[[], str]) -> None:
        pixels = planes.pixels
        key = (pixels.shape[1:], pixels.dtype, planes.channels_last, planes.pixel_max)
        if key != self._key:
            self._flush()
        if len(pixels) > 1 or 2 * pixels.nbytes > _BLOCK:
            self._flush()
            step = max(1, _BLOCK * len(pixels) // pixels.nbytes)
            for start in range(0, len(pixels), step):
                self._measure(planes._replace(pixels=pixels[start : start + step]), (index, name()))
            return
        if self._buffer is None:
            self._key, self._first = key, (index, name())
            self._buffer = np.empty((_BLOCK // pixels.nbytes, *pixels.shape[1:]), pixels.dtype)
        self._buffer[self._filled] = pixels[0]
        self._filled += 1
        if self._filled == len(self._buffer):
            self._flush()

    def _flush(self) -> None:
        if self._buffer is not None:
            _, _, channels_last, pixel_max = self._key
            self._measure(Planes(self._buffer[: self._filled], channels_last, pixel_max), self._first)
        self._buffer, self._filled, self._key = None, 0, ()

    def _measure(self, planes: Planes, first: tuple[int, str]) -> None:
        part = block_statistics(
            planes.pixels, channels_last=planes.channels_last, pixel_max=planes.pixel_max, first=first
        )
        self._tally.add(part)

    def refuse_mixed(self) -> None:
        """As :meth:`Tally.refuse_mixed`, of the blocks that are full."""
        self._tally.refuse_mixed()

    def tally(self) -> Tally:
        """What was read since the last call."""
        self._flush()
        done, self._tally = self._tally, Tally()
        return done
