"""Failed image tests as GitHub Actions shows them: annotations at the line of the test, and a summary of the step."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import groupby

from ..core.text import printable
from ..images.manifest import Result

#: GitHub shows ten annotations of a step.
_MOST = 10
_UNTOLD = ("equal", "expected to fail")


def is_on_github() -> bool:
    return os.environ.get("GITHUB_ACTIONS", "").lower() == "true"


def annotate(failed: Sequence[Result]) -> list[str]:
    """Return the workflow commands that annotate the lines of failed tests."""
    lines = []
    for one in failed[:_MOST]:
        text = one.diagnosis or one.message.partition("\n")[0]
        where = f"file={_property(one.file)},line={one.line},title={_property(one.test.rpartition('::')[2])}"
        lines.append(f"::error {where}::{_data(text or one.verdict)}")
    return lines


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summarize(results: Iterable[Result]) -> None:
    """Add a table of what is not equal to the summary of the step, if there is one; what cannot be written is left."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    rows = sorted((one for one in results if one.verdict not in _UNTOLD), key=_group)
    if not path or not rows:
        return
    lines = ["## Image tests", "", "| diagnosis | test | numbers |", "|---|---|---|"]
    for _, group in groupby(rows, key=_group):
        for one in group:
            pixels, worst = one.numbers.get("differing_pixels"), one.numbers.get("max_difference")
            numbers = f"{pixels} pixels, by up to {worst} levels" if pixels is not None else ""
            lines.append(f"| {_cell(one.diagnosis or one.verdict)} | {_cell(one.test)} | {numbers} |")
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write("\n".join([*lines, ""]) + "\n")
    except OSError:
        return


def _group(one: Result) -> tuple[str, str]:
    return one.verdict, one.kind


def _cell(text: str) -> str:
    plain = printable(text).replace("\n", " ").replace("|", "\\|").replace("<", "&lt;")
    return f"`{plain}`" if "::" in plain and "`" not in plain else plain
