"""``pytest-denorm accept``: reviewed images of a session become baselines."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..core.text import count_of
from .commands import add_command, complain

__all__ = ["add"]


def add(commands: Any) -> None:
    accept = add_command(
        commands, "accept", _run, "store the images that a pytest session drew as baselines",
        "No test runs again: DIR is the folder of results of a session, here or downloaded from CI. Look at its images "
        "first. Exits with 1 if one of them could not be stored.",
        "pytest-denorm accept .pytest_cache/d/denorm -k 'test_grid and not wide'",
        "pytest-denorm accept downloaded/images --only-diagnosis channel-order",
    )  # fmt: skip
    accept.add_argument("folder", metavar="DIR", type=Path, help="the folder of results, with results.json in it")
    accept.add_argument("-k", metavar="EXPRESSION", default="", help="only these tests: words, and, or, not, brackets")
    accept.add_argument(
        "--only-diagnosis", metavar="KIND", action="append", default=[],
        help="only failures of this kind, as the review page groups them (may be repeated)",
    )  # fmt: skip
    accept.add_argument("--root", type=Path, default=Path(), help="the project's root folder (default: here)")


def _run(chosen: argparse.Namespace) -> int:
    from ..images.accept import accept

    done = accept(chosen.folder, chosen.root, chosen.k, chosen.only_diagnosis)
    for path in done.written:
        print(f"wrote {path}")
    for test, reason in done.refused:
        complain(f"{test}: {reason}")
    print(f"{count_of(len(done.written), 'baseline')} written, {len(done.refused)} refused")
    return 1 if done.refused else 0
