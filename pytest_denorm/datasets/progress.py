"""How far a long run is: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import importlib.util
import sys
import time
from importlib import import_module
from types import TracebackType
from typing import Any, TextIO

__all__ = ["Progress"]

#: Seconds between two lines.
_INTERVAL = 10.0


class Progress:
    """Tells of images done, on `stream`: tqdm's bar where tqdm is installed and `stream` is a terminal, else lines.

    Args:
        title: what is being done, one word.
        total: how many images there will be; None where that is not known.
        stream: where to write (default: standard error); nothing is written if `shown` is false.
        done: how many were done before, in an earlier run.
    """

    def __init__(
        self, title: str, total: int | None, *, shown: bool = True, stream: TextIO | None = None, done: int = 0
    ) -> None:
        self._title, self._total, self._done, self._before = title, total, done, done
        self._stream = sys.stderr if stream is None else stream
        self._shown = shown
        self._bar: Any = None
        self._start = self._told = time.monotonic()

    def __enter__(self) -> Progress:
        if self._shown and self._stream.isatty() and importlib.util.find_spec("tqdm") is not None:
            tqdm = import_module("tqdm").tqdm
            self._bar = tqdm(total=self._total, initial=self._done, desc=self._title, unit="pic", file=self._stream)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._shown:
            self._tell()

    def update(self, count: int) -> None:
        """`count` more images are done."""
        self._done += count
        if self._bar is not None:
            self._bar.update(count)
        elif self._shown and time.monotonic() - self._told >= _INTERVAL:
            self._tell()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    @property
    def rate(self) -> float:
        """Images a second, of this run."""
        return (self._done - self._before) / max(self.seconds, 1e-9)

    def _tell(self) -> None:
        self._told = time.monotonic()
        of = "" if self._total is None else f" of {self._total:,}"
        print(f"{self._title}: {self._done:,}{of} images, {self.rate:,.0f} a second", file=self._stream, flush=True)
