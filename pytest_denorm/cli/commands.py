"""What commands share: how one is declared, and what is refused before it runs."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from .terminal import painted, wants_colors, wrap_text

__all__ = ["add_command", "complain", "examples", "refuse_unless_png", "refuse_white_without_numbers"]


def add_command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], text: str, more: str, *lines: str
) -> argparse.ArgumentParser:
    """Declare a command.

    Args:
        run: takes the parsed arguments, and returns the exit code.
        text: the line in the list of commands.
        more: what the command's own help says beyond it.
        lines: examples.
    """
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=textwrap.fill(f"{text[0].upper()}{text[1:]}. {more}", 78),
        epilog=examples(*lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def examples(*lines: str) -> str:
    return "\n".join([f"example{'s' if len(lines) > 1 else ''}:", *(f"  {line}" for line in lines)])


def complain(message: str) -> None:
    """Print what is wrong to standard error."""
    text = wrap_text(f"pytest-denorm: {message}")
    if wants_colors(sys.stderr):
        text = text.replace("pytest-denorm:", painted("pytest-denorm:", "bold", "red"), 1)
    print(text, file=sys.stderr)


def refuse_white_without_numbers(chosen: argparse.Namespace) -> None:
    if chosen.pixel_max is not None and chosen.mean is None and chosen.std is None:
        raise SettingsError("--pixel-max goes with --mean and --std: a SPEC says itself what white is.")


def refuse_unless_png(path: Path, what: str) -> None:
    """Before anything is done, and so that no other file of the user's is overwritten."""
    if path.suffix.lower() != ".png":
        raise SettingsError(f"{what} is {str(path)!r}: expected the name of a .png file.")
