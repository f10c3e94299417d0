"""What a scan of source takes, beside linters on the same files: those of torchvision, which are installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from timing import Row

#: Of 100,000 lines, in seconds.
LIMIT = 10.0


def taken(*command: str) -> float:
    """Seconds of a process; linters exit with 1 where they find something."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.decode(errors="replace"))
    return time.perf_counter() - start


def rows(seconds: float) -> Iterator[Row]:
    spec = importlib.util.find_spec("torchvision")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    lines = sum(len(file.read_bytes().splitlines()) for file in folder.rglob("*.py"))
    sides = {"scan": [sys.executable, "-m", "pytest_denorm", "scan", str(folder), "--format", "json"]}
    for peer, options in (("ruff", ["check", "--isolated", "--no-cache"]), ("pyflakes", [])):
        if importlib.util.find_spec(peer) is not None:
            sides[peer] = [sys.executable, "-m", peer, *options, str(folder)]
    times = {name: min(taken(*command) for _ in range(2)) for name, command in sides.items()}
    each = times["scan"] / lines * 100_000
    milliseconds = {name: one * 1e3 for name, one in times.items()}
    yield Row(f"scan, of {lines:,} lines", "100,000 lines", each, LIMIT, unit="s", milliseconds=milliseconds)
