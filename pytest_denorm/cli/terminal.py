"""What commands print: lines that fit 80 columns, and colors where somebody looks at them."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Protocol

__all__ = [
    "WIDTH",
    "open_stderr",
    "painted",
    "painted_report",
    "prints_to_stderr",
    "wants_colors",
    "wrap_text",
]

WIDTH = 80

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33}
_MARKS = {
    "ok": "green",
    "FAIL": "red",
    "XPASS": "red",
    "warn": "yellow",
    "xfail": "yellow",
    "n/a": "dim",
    "skip": "dim",
}
_MARKED = re.compile(rf"^  ({'|'.join(_MARKS)})(?= )", re.MULTILINE)
_HEADING = re.compile(r"^(pytest-denorm|diagnosis|pipeline|note|warning|again):", re.MULTILINE)


class Stream(Protocol):
    def isatty(self) -> bool: ...


def wants_colors(stream: Stream, environ: Mapping[str, str] | None = None) -> bool:
    """Whether to print colors: on a terminal that has them, unless ``NO_COLOR`` or ``FORCE_COLOR`` says otherwise.

    Any value but an empty one counts (no-color.org, force-color.org); ``NO_COLOR`` is the stronger.
    """
    environ = os.environ if environ is None else environ
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


def painted(text: str, *styles: str) -> str:
    """`text` in styles of a terminal: ``bold``, ``dim``, ``red``, ``green``, ``yellow``."""
    codes = ";".join(str(_CODES[style]) for style in styles)
    return f"\033[{codes}m{text}\033[0m"


def painted_report(text: str) -> str:
    """The text of a report, with the mark of each check in its color."""
    text = _MARKED.sub(lambda found: f"  {painted(found[1], _MARKS[found[1]])}", text)
    return _HEADING.sub(lambda found: painted(found[0], "bold"), text)


def wrap_text(text: str) -> str:
    """`text` with its long lines wrapped to 80 columns; words that are longer (paths) stay whole."""
    lines = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(
            line, WIDTH, subsequent_indent=f"{indent}  ", break_long_words=False, break_on_hyphens=False
        ) or [""]
    return "\n".join(lines)


@contextmanager
def open_stderr() -> Iterator[None]:
    """Where standard error is closed, what is printed there goes nowhere; it would go to standard output."""
    if sys.stderr is not None:
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        yield


@contextmanager
def prints_to_stderr() -> Iterator[None]:
    """What the user's code prints meanwhile goes to standard error: it is no part of a result.

    The file descriptor is exchanged too, for processes that are started meanwhile and for libraries in C.
    """
    with redirect_stdout(sys.stderr):
        if sys.__stdout__ is None or sys.__stderr__ is None:  # closed, or there is no console
            yield
            return
        sys.__stdout__.flush()
        number = sys.__stdout__.fileno()
        kept = os.dup(number)
        try:
            os.dup2(sys.__stderr__.fileno(), number)
            yield
        finally:
            sys.__stdout__.flush()  # what was written past the redirection, still there
            os.dup2(kept, number)
            os.close(kept)
