"""``pytest-denorm init``: its arguments."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .commands import add_command

__all__ = ["add"]


def add(commands: Any) -> None:
    init = add_command(
        commands, "init", _run, "find the project's pipelines, and print the lines that test them",
        "The pipelines and their inverses are found by reading the project's source, which is not run. Nothing is "
        "written without --yes, and then just the test file.",
        "pytest-denorm init",
        "pytest-denorm init --yes",
        "pytest-denorm init --pipeline 'myproject.data:make_transform()'",
    )  # fmt: skip
    init.add_argument("--folder", type=Path, default=Path(), help="the project's root (default: here)")
    init.add_argument(
        "--pipeline", action="append", metavar="SPEC",
        help="module:attribute, or in quotes 'module:function()', in place of those that are found (may be repeated)",
    )  # fmt: skip
    how = init.add_mutually_exclusive_group()
    how.add_argument("--yes", action="store_true", help="write the test file")
    how.add_argument("--dry-run", action="store_true", help="write nothing, as without --yes")


def _run(chosen: argparse.Namespace) -> int:
    from .init import run

    return run(chosen.folder, pipelines=chosen.pipeline, write=chosen.yes)
