"""What the plugin adds to the start of every pytest session that does not use it."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from timing import Row

HEAVY = {"torch", "torchvision", "numpy", "matplotlib", "PIL", "pytest_mpl"}
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")


def session(folder: Path, *options: str, importtime: bool = False) -> tuple[float, dict[str, int]]:
    """Seconds that a session takes in an empty folder, and microseconds of each module that it imports."""
    # other plugins would hide what this one needs
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    python = [sys.executable, *(["-X", "importtime"] if importtime else [])]
    start = time.perf_counter()
    done = subprocess.run(
        [*python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    taken = time.perf_counter() - start
    if done.returncode != 5:  # no tests collected
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return taken, {name: int(micros) for micros, name in _LINE.findall(done.stderr)}


def rows(seconds: float) -> Iterator[Row]:
    pairs = max(5, int(seconds * 8))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plugin = ("-p", "pytest_denorm.plugin")
        session(folder, *plugin)  # compiles the bytecode
        imports, walls = [], []
        added: set[str] = set()
        for _ in range(pairs):
            _, bare = session(folder, importtime=True)
            _, loaded = session(folder, *plugin, importtime=True)
            added = loaded.keys() - bare.keys()
            imports.append(sum(loaded[module] for module in added) / 1e3)
            without, with_it = session(folder)[0], session(folder, *plugin)[0]
            walls.append((with_it - without) * 1e3)
    what = "`pytest` on an empty project, plugin unused"
    heavy = sorted(module for module in added if module.split(".")[0] in HEAVY)
    median = statistics.median(imports)
    yield Row(what, "import time without it", median, 1.5, unit="ms more", note=", ".join(sorted(added)))
    yield Row(what, "modules without it", float(len(added)), 3, unit="modules more")
    yield Row(what, "heavy modules without it", float(len(heavy)), 0, unit="modules more", note=", ".join(heavy))
    yield Row(what, "time of the session without it", statistics.median(walls), unit="ms more")
