"""What the whole process shares, random states, warning filters, torch's number of threads: one thread at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["alone"]

_lock = threading.RLock()


@contextmanager
def alone() -> Iterator[None]:
    """No other thread is inside. What two threads change and put back in turn would not be as it was before both."""
    with _lock:
        yield


def _renew() -> None:
    """In a forked child: the thread that held the lock may not be in it."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew)
