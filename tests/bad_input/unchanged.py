"""The one check around every bad input: nothing is lost, left half-written, or left changed."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot
import numpy as np
import torch

#: Folders in which pytest and Python keep what they can make again.
CACHES = {".pytest_cache", "__pycache__", ".hypothesis"}


def files_in(folder: Path) -> dict[str, bytes | str | None]:
    """Every file below `folder` with its bytes, folders with None, links with their targets; caches left out."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if not CACHES & set(inside.parts):
            is_link, is_file = path.is_symlink(), path.is_file()
            found[str(inside)] = os.readlink(path) if is_link else path.read_bytes() if is_file else None
    return found


def _states() -> dict[str, Any]:
    return {
        "torch's random state": torch.get_rng_state().numpy().tobytes(),
        "numpy's random state": [part.tobytes() if isinstance(part, np.ndarray) else part for part in _numpy_state()],
        "python's random state": random.getstate(),
        "matplotlib's rcParams": dict(matplotlib.rcParams),
        "matplotlib's backend": matplotlib.get_backend(),
        "pyplot's figures": matplotlib.pyplot.get_fignums(),
        "the warnings filters": list(warnings.filters),
        "warnings.showwarning": warnings.showwarning,
        "the environment": {name: text for name, text in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
        "the working folder": os.getcwd(),
        "sys.path": list(sys.path),
        "torch's default dtype": torch.get_default_dtype(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's grad mode": torch.is_grad_enabled(),
        "torch's deterministic mode": torch.are_deterministic_algorithms_enabled(),
        "numpy's error state": np.geterr(),
        "the umask": _umask(),
        "threads": {thread.name for thread in threading.enumerate() if not thread.daemon},
    }


def _numpy_state() -> tuple[Any, ...]:
    return np.random.get_state()  # type: ignore[return-value]


def _umask() -> int:
    mask = os.umask(0o22)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def unchanged(folder: Path, *, but: tuple[str, ...] = ()) -> Iterator[None]:
    """Afterwards everything is as it was: the states above, and the files in `folder`, except those named in `but`."""
    before, files = _states(), files_in(folder)
    yield
    after = _states()
    changed = [name for name in before if before[name] != after[name]]
    assert not changed, f"changed: {', '.join(changed)}"
    now = files_in(folder)
    differing = sorted(name for name in {*files, *now} - set(but) if files.get(name, "-") != now.get(name, "-"))
    assert not differing, f"files lost, left, or changed: {', '.join(differing)}"
