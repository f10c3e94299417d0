"""Parsing of source that is not today's Python: of Python 2, and with a broken line in it."""

from __future__ import annotations

import ast
import re

__all__ = ["parse_leniently"]

#: A print statement, with the lines that a backslash joins to it.
_PRINT = re.compile(r"(^[ \t]*|:[ \t]*)print(?:[ \t]*>>|[ \t]+[^\s(=]|[ \t]*$)(?:.*\\\n)*.*", re.MULTILINE)
#: What else older Python wrote otherwise.
_OLDER = (
    (re.compile(r"^(\s*except\s+[\w.()\s,]+?),\s*(\w+)\s*:", re.MULTILINE), r"\1 as \2:"),
    (re.compile(r"\basync\s*=(?!=)"), "async_="),
    (re.compile(r"(?<![\w.])0([0-7]+)\b(?=[,)\s])"), r"0o\1"),
    (re.compile(r"<>"), "!="),
    (re.compile(r"\bur(?=[\"'])"), "r"),
)
#: As many broken lines of a file are left out; one with more is no Python.
_MOST_LEFT_OUT = 20


def parse_leniently(text: str) -> tuple[ast.Module, SyntaxError | None, int]:
    """Return the tree of some source, the first error in it, and how many lines were left out to parse the rest.

    The numbers of lines stay.

    Raises:
        SyntaxError: the source cannot be parsed, whatever few lines are left out.
    """
    try:
        return ast.parse(text), None, 0
    except SyntaxError as error:
        first = error
    text = _PRINT.sub(lambda found: f"{found[1]}pass" + "\n" * found[0].count("\n"), text)
    for pattern, replacement in _OLDER:
        text = pattern.sub(replacement, text)
    lines = text.split("\n")
    left_out: set[int] = set()
    while len(left_out) <= _MOST_LEFT_OUT:
        try:
            return ast.parse("\n".join(lines)), first, len(left_out)
        except SyntaxError as error:
            at = (error.lineno or 0) - 1
            if not 0 <= at < len(lines) or not lines[at].strip() or (at in left_out and lines[at].strip() == "pass"):
                break
            left_out.add(at)
            lines[at] = "" if isinstance(error, IndentationError) else _stand_in(lines[at])
    raise first


def _stand_in(line: str) -> str:
    """Return what parses where a line stands that does not."""
    indent = line[: len(line) - len(line.lstrip())]
    return f"{indent}if True:" if line.rstrip().endswith(":") else f"{indent}pass"
