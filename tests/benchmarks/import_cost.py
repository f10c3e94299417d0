"""What the plugin adds to the start of every pytest session that does not use it."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from timing import Row

PLUGIN = "pytest_denorm.plugin"
HEAVY = {"torch", "torchvision", "numpy", "matplotlib", "PIL", "pytest_mpl"}

# A plugin that tells, at the end of a session, what is loaded, and how long it takes to import ours after all that.
WITNESS = f"""
import importlib, json, sys, time

def pytest_unconfigure():
    loaded = sorted(sys.modules)
    start = time.perf_counter()
    importlib.import_module({PLUGIN!r})
    taken = time.perf_counter() - start
    with open("witness.json", "w") as file:
        json.dump({{"loaded": loaded, "milliseconds": taken * 1e3}}, file)
"""


def session(folder: Path, *plugins: str) -> float:
    """Milliseconds of a session in an empty folder, with no plugins but these: others would hide what ours needs."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTHONPATH": str(folder)}
    # compiled once, as an installed package is
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    options = [word for plugin in ("no:cacheprovider", *plugins) for word in ("-p", plugin)]
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    taken = time.perf_counter() - start
    if done.returncode != 5:  # no tests collected
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return taken * 1e3


def witnessed(folder: Path, *plugins: str) -> tuple[set[str], float]:
    session(folder, "witness", *plugins)
    told = json.loads((folder / "witness.json").read_text())
    return set(told["loaded"]), told["milliseconds"]


def rows(seconds: float) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "witness.py").write_text(WITNESS)
        added = witnessed(folder, PLUGIN)[0] - witnessed(folder)[0]
        imports, more = [], []
        for _ in range(max(7, int(seconds * 10))):
            imports.append(witnessed(folder)[1])
            more.append(session(folder, PLUGIN) - session(folder))
    what = "`pytest` on an empty project, plugin unused"
    heavy = sorted(module for module in added if module.split(".")[0] in HEAVY)
    yield Row(what, "without it", statistics.median(imports), 1.5, unit="ms of imports more")
    yield Row(what, "without it", len(added), 3, unit="modules more", note=", ".join(sorted(added)))
    yield Row(what, "without it", len(heavy), 0, unit="heavy modules more", note=", ".join(heavy))
    yield Row(what, "without it", statistics.median(more), unit="ms of the whole session more")
