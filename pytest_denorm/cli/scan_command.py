"""``pytest-denorm scan``: the arguments, and what is printed."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from .commands import add_command

__all__ = ["add"]


def add(commands: Any) -> None:
    scan = add_command(
        commands, "scan", _run, "find what is wrong with normalization in source code",
        "Python, notebooks and configs are read; nothing of them is imported or run. Exits with 1 on errors.",
        "pytest-denorm scan",
        "pytest-denorm scan src notebooks --format sarif",
        "pytest-denorm scan --select DN1 --notes",
    )  # fmt: skip
    scan.add_argument("paths", metavar="PATH", nargs="*", default=["."], help="files and folders (default: here)")
    scan.add_argument("--format", choices=("text", "json", "sarif", "github"), default="text", help="(default: text)")
    scan.add_argument(
        "--select", metavar="CODES", default="", help="report these alone: codes or beginnings, such as DN1,DN201"
    )
    scan.add_argument("--ignore", metavar="CODES", default="", help="leave these out")
    scan.add_argument("--notes", action="store_true", help="report notes too")
    scan.add_argument("--baseline", type=Path, metavar="FILE", help="leave out the findings that are listed in FILE")
    scan.add_argument(
        "--write-baseline", type=Path, metavar="FILE", help="list all findings in FILE, to be left out from now on"
    )


def _run(chosen: argparse.Namespace) -> int:
    """Scan, print, and return 1 where there are errors."""
    from ..core.files import write_whole
    from ..scanner import scan
    from ..scanner.formats import FORMATS, fingerprint, without_known

    known = _read_baseline(chosen.baseline) if chosen.baseline is not None else []
    result = scan(
        chosen.paths,
        select=_codes(chosen.select),
        ignore=_codes(chosen.ignore),
        notes=chosen.notes,
        progress=_bar() if sys.stderr.isatty() else None,
    )
    if chosen.write_baseline is not None:
        listed = [{"fingerprint": fingerprint(one), "code": one.code, "where": one.where} for one in result.findings]
        text = json.dumps({"version": 1, "findings": listed}, indent=2) + "\n"
        write_whole(chosen.write_baseline.resolve(), text.encode("utf-8"))
        print(f"{chosen.write_baseline}: {len(listed)} findings")
        return 0
    result = replace(result, findings=without_known(result.findings, known))
    print(FORMATS[chosen.format](result))
    return 0 if result.ok else 1


def _codes(given: str) -> list[str]:
    return [one.strip() for one in given.split(",") if one.strip()]


def _read_baseline(path: Path) -> list[str]:
    try:
        return [str(one["fingerprint"]) for one in json.loads(path.read_text(encoding="utf-8"))["findings"]]
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} is no baseline of a scan ({error}): make one with --write-baseline.") from error


class _bar:
    """A line on standard error that is written over, after the first half second."""

    def __init__(self) -> None:
        import time

        self._clock = time.monotonic
        self._next = self._clock() + 0.5
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        now = self._clock()
        if now >= self._next and done < total:
            self._next = now + 0.1
            self._shown = True
            filled = 30 * done // total
            print(f"\rscan [{'#' * filled}{'.' * (30 - filled)}] {100 * done // total:3d} %", end="", file=sys.stderr)
        elif self._shown and done >= total:
            print("\r" + " " * 50 + "\r", end="", file=sys.stderr, flush=True)
            self._shown = False
