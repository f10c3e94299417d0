"""The command line: ``pytest-denorm``, or ``python -m pytest_denorm``.

Exit codes: 0 verified (or done), 1 not verified, 2 the command cannot be used as it was given.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import textwrap
from collections.abc import Sequence
from decimal import Decimal

from .. import __version__
from ..errors import DenormError
from . import (
    accept_command,
    check_command,
    compare_command,
    datasets_commands,
    demo,
    diagnose_command,
    init_command,
    scan_command,
    show_command,
)
from .commands import complain, examples
from .terminal import open_stderr

__all__ = ["main"]

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_READER_GONE = 141  # 128 + SIGPIPE

#: Each adds its command, or commands, to the parser.
COMMANDS = (
    check_command.add,
    diagnose_command.add,
    show_command.add,
    compare_command.add,
    datasets_commands.add,
    scan_command.add,
    accept_command.add,
    init_command.add,
    demo.add,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    with open_stderr():
        return _guarded(sys.argv[1:] if arguments is None else arguments)


def _guarded(arguments: Sequence[str]) -> int:
    """Run one command, and say in words what keeps it from being run or read."""
    if sys.stdout is None:
        complain("standard output is closed: there is nowhere to print a result. Send it to a file or /dev/null.")
        return 2
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not what a caller has put there
            stream.reconfigure(errors="backslashreplace")  # of paths, in the ASCII of LC_ALL=C
    try:
        try:
            code = _run(arguments)
        finally:
            sys.stdout.flush()  # here, where it can be told that nobody reads
    except KeyboardInterrupt:
        print("pytest-denorm: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # of `| head`; at exit python would try to write the rest, and complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _READER_GONE
    return code


def _run(arguments: Sequence[str]) -> int:
    parser = build_parser()
    chosen = parser.parse_args([_without_exponent(one) for one in arguments])
    if not hasattr(chosen, "run"):
        parser.print_help()
        return 2
    try:
        code: int = chosen.run(chosen)
    except BrokenPipeError:
        raise
    except (DenormError, OSError) as error:  # OSError: a file or a folder of the user's, which its message names
        complain(str(error))
        return 2
    return code


def _without_exponent(argument: str) -> str:
    """``-0.001`` of ``-1e-3``, which argparse takes for an option."""
    is_one = re.fullmatch(r"-(\d+\.?\d*|\.\d+)[eE][-+]?\d{1,3}", argument)
    return f"{Decimal(argument):f}" if is_one else argument


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="pytest-denorm",
        description=textwrap.fill(
            "Checks that an image pipeline's Normalize can be undone exactly, and says which mistake was made when it "
            "cannot.",
            78,
        ),
        epilog=examples("pytest-denorm demo", "pytest-denorm init", "pytest-denorm check myproject.data:val_transform")
        + "\n\nexit codes: 0 verified (or done), 1 not verified, 2 cannot be used as given",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pytest-denorm {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for add in COMMANDS:
        add(commands)
    return parser
