"""Times several ways of doing one thing side by side, and holds their ratio against a target."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

__all__ = ["Row", "compare", "describe_machine", "extra_memory", "markdown"]


@dataclass
class Row:
    """One line of the table: a figure that is to stay below `limit`, or above it where `at_least` says so."""

    what: str
    against: str
    figure: float | None  # None: not run, for the reason in `note`
    limit: float | None = None  # None: for information
    at_least: bool = False
    unit: str = "x"
    note: str = ""
    milliseconds: dict[str, float] = field(default_factory=dict)  # medians

    @property
    def met(self) -> bool | None:
        if self.figure is None or self.limit is None:
            return None
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    def to_dict(self) -> dict[str, object]:
        return {**asdict(self), "met": self.met}


def compare(sides: dict[str, Callable[[], object]], *, seconds: float = 2.0, least: int = 11) -> dict[str, float]:
    """Median milliseconds of each side. The sides take turns, so that a busy machine slows all of them."""
    loops = {}
    for name, side in sides.items():
        side()
        start = time.perf_counter()
        side()
        # a turn takes 2 ms or more, so that the clock does not count
        loops[name] = max(1, int(0.002 / max(time.perf_counter() - start, 1e-7)))
    times: dict[str, list[float]] = {name: [] for name in sides}
    gc.collect()
    gc.disable()
    try:
        end = time.perf_counter() + seconds
        while len(times[next(iter(sides))]) < least or time.perf_counter() < end:
            for name, side in sides.items():
                start = time.perf_counter()
                for _ in range(loops[name]):
                    side()
                times[name].append((time.perf_counter() - start) / loops[name] * 1e3)
    finally:
        gc.enable()
    return {name: statistics.median(taken) for name, taken in times.items()}


def extra_memory(work: Callable[[], torch.Tensor]) -> float | None:
    """MiB that `work` takes at its peak beyond making its result alone; None where that is not counted (not Linux)."""
    if not os.access("/proc/self/clear_refs", os.W_OK):
        return None
    result = work()
    alone = _peak(lambda: torch.empty_like(result).fill_(0))
    return (_peak(work) - alone) / 2**20


def _peak(work: Callable[[], torch.Tensor]) -> int:
    """Bytes by which the resident memory grows at most."""

    def used(name: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)  # memory that was freed and kept would be used again, and not be counted
    before = used("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    work()
    return used("VmHWM") - before


def describe_machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    processor = f"{model}, {torch.backends.cpu.get_cpu_capability()}, {os.cpu_count()} cores"
    versions = f"{platform.system()}, Python {platform.python_version()}, torch {torch.__version__}"
    return f"{processor}, {torch.get_num_threads()} threads; {versions}"


def markdown(rows: list[Row]) -> str:
    """The table as people read it."""

    def shown(number: float, unit: str) -> str:
        text = f"{number:g}" if float(number).is_integer() else f"{number:.2f}"
        return f"{text}{unit}" if unit.startswith("x") else f"{text} {unit}"

    lines = ["| what | against | measured | target | |", "|---|---|---:|---:|---|"]
    for row in rows:
        figure = "not run" if row.figure is None else shown(row.figure, row.unit)
        sign = "at least" if row.at_least else "at most"
        target = "" if row.limit is None else f"{sign} {shown(row.limit, row.unit)}"
        verdict = {True: "met", False: "**missed**", None: ""}[row.met]
        remark = "; ".join(filter(None, [verdict, row.note]))
        lines.append(f"| {row.what} | {row.against} | {figure} | {target} | {remark} |")
    return "\n".join(lines)
