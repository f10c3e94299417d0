"""Measures ratios side by side in one run, prints them as a table, and writes table, JSON and plot.

    python tests/benchmarks [part ...] [--seconds 2] [--output docs]

It needs nothing but the package; kornia and a C++ compiler add peers.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
from importlib import import_module
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "2")

import torch
from timing import Row, describe_machine, markdown

#: Modules of this folder; each has rows(seconds), which yields what it measures.
PARTS = ("import_cost", "hot_path", "bench_battery", "images", "scan_speed")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all unless given")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each comparison")
    parser.add_argument("--output", type=Path, help="a folder for benchmarks.md, benchmarks.json and benchmarks.png")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part is named {', '.join(sorted(unknown))}: expected {', '.join(PARTS)}")
    warnings.simplefilter("ignore")  # peers' own
    torch.manual_seed(0)
    machine = describe_machine()
    print(machine, flush=True)

    measured: list[Row] = []
    for part in options.parts or PARTS:
        for row in import_module(part).rows(options.seconds):
            measured.append(row)
            print(markdown([row]).splitlines()[-1], flush=True)
    if options.output is not None:
        write(options.output, machine, measured, options.seconds)
    missed = [row for row in measured if row.met is False]
    print(f"{len(measured)} rows, {len(missed)} targets missed")
    return 0


def write(folder: Path, machine: str, measured: list[Row], seconds: float) -> None:
    from hot_path import scaling
    from plot import plot

    curves = scaling(seconds)
    folder.mkdir(parents=True, exist_ok=True)
    plot(curves, machine, folder / "benchmarks.png")
    found = {"machine": machine, "rows": [row.to_dict() for row in measured], "milliseconds by pixels": curves}
    (folder / "benchmarks.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = f"# Speed\n\n{machine}\n\n{markdown(measured)}\n\n![Time against size](benchmarks.png)\n"
    (folder / "benchmarks.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
