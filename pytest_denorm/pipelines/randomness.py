"""Random states, kept as they were."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from ..core.alone import alone

__all__ = ["preserve_rng_state", "seed_all", "states_put_back"]


@contextmanager
def preserve_rng_state() -> Iterator[None]:
    """Whatever is drawn inside, the states of python, numpy and torch are afterwards what they were before.

    Threads that want this at the same time wait for one another.
    """
    with alone(), states_put_back():
        yield


@contextmanager
def states_put_back() -> Iterator[None]:
    """The same for what takes long: no thread waits, and what others draw meanwhile is put back, too."""
    with alone():  # not while another thread has its seeds in place
        python, array = random.getstate(), np.random.get_state()
        devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call, unused-ignore]
        tensors = torch.random.fork_rng(devices=devices)
        tensors.__enter__()
    try:
        yield
    finally:
        with alone():
            tensors.__exit__(None, None, None)
            random.setstate(python)
            np.random.set_state(array)


def seed_all(seed: int) -> None:
    """The same draws from here on, for all three."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)  # torch.manual_seed would also reach devices that are not in use yet
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call, unused-ignore]
        torch.cuda.manual_seed_all(seed)
