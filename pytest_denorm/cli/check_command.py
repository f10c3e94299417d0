"""``pytest-denorm check``: the battery of checks on a pipeline."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CheckNameError, ImageError, InverseError
from .commands import add_command, complain, refuse_unless_png, refuse_white_without_numbers
from .naming import SPEC_HELP, Named, add_numbers, named, pipeline_or_numbers
from .terminal import painted, painted_report, prints_to_stderr, wants_colors, wrap_text

if TYPE_CHECKING:
    from ..checks import Report

__all__ = ["add"]


def add(commands: Any) -> None:
    check = add_command(
        commands, "check", _run, "run the battery of checks on a pipeline",
        "The Normalize is found, its inverse derived (or your own taken), and images are sent through and back.",
        "pytest-denorm check myproject.data:val_transform --inverse myproject.data:undo",
        "pytest-denorm check ResNet50_Weights.DEFAULT --json",
        "pytest-denorm check --mean 0.485 0.456 0.406 --std 0.229 0.224 0.225",
    )  # fmt: skip
    check.usage = "pytest-denorm check [SPEC] [OPTIONS]"
    check.add_argument("spec", metavar="SPEC", nargs="?", help=SPEC_HELP)
    add_numbers(check)
    check.add_argument("--inverse", metavar="SPEC", help="the project's own inverse, module:attribute")
    check.add_argument(
        "--output-max", type=float, metavar="X", help="white in the floats that it gives (default: as in the images)"
    )
    check.add_argument("--select", action="append", metavar="CHECK", help="run just this check (may be repeated)")
    check.add_argument("--skip", action="append", metavar="CHECK", help="leave this check out (may be repeated)")
    check.add_argument(
        "--level", action="append", metavar="CHECK:LEVEL", default=[],
        help="how much a failure of this check matters: error, warning or off (may be repeated)",
    )  # fmt: skip
    check.add_argument("--figure", type=Path, metavar="FILE", help="draw the round trip into this PNG file")
    check.add_argument("--verbose", "-v", action="store_true", help="print a line for each check")
    check.add_argument("--json", action="store_true", help="print the report as JSON")


def _run(chosen: argparse.Namespace) -> int:
    from ..checks.battery import report_on
    from ..checks.case import Case
    from ..checks.choice import Choice

    refuse_white_without_numbers(chosen)
    if chosen.figure is not None:
        refuse_unless_png(chosen.figure, "the figure")
    choice = Choice.of(chosen.select, chosen.skip, levels=_levels(chosen.level), named={"levels": "--level"})
    with prints_to_stderr():
        inverse = named(chosen.inverse) if chosen.inverse else Named(None, "")
        pipeline = pipeline_or_numbers(chosen.spec, chosen)
        notes = [note for note in (pipeline.note, inverse.note) if note]
        name = chosen.spec or "--mean --std"
        report = report_on(Case(pipeline.value, inverse.value, None, name, chosen.output_max, notes=notes), choice)
    if chosen.json:
        print(report.to_json())
    else:
        text = _text(report, chosen)
        print(_painted(text, report.ok or chosen.verbose) if wants_colors(sys.stdout) else text)
    if chosen.figure is not None:
        _save_figure(report, chosen)
    return 0 if report.ok else 1


def _text(report: Report, chosen: argparse.Namespace) -> str:
    """What failed, or the one line that there is to say; and what is a warning."""
    from ..checks.report_text import one_line, table_text

    again = _again(report, chosen)
    if chosen.verbose:
        return table_text(report, again)
    more = [wrap_text(f"warning: {one.name}: {one.message}") for one in report.warnings]
    if report.ok:
        return "\n".join([one_line(report), *(wrap_text(f"note: {note}") for note in report.notes), *more])
    lines = report.failure_text(again).split("\n")
    # the command is pasted, and stays whole
    return "\n".join([*(one if one.startswith("again: ") else wrap_text(one) for one in lines), *more])


def _painted(text: str, is_table: bool) -> str:
    cause, colon, rest = text.partition(": ")
    return painted_report(text if is_table else f"{painted(cause, 'bold', 'red')}{colon}{rest}")


def _again(report: Report, chosen: argparse.Namespace) -> str:
    """The command that runs what failed again, to be pasted."""
    words = ["pytest-denorm", "check", *([chosen.spec] if chosen.spec else [])]
    for flag in ("inverse", "output_max", "pixel_max"):
        if getattr(chosen, flag) is not None:
            words += [f"--{flag.replace('_', '-')}", str(getattr(chosen, flag))]
    for level in chosen.level:
        words += ["--level", level]
    for result in report.failures:
        words += ["--select", result.name]
    for flag in ("mean", "std"):
        if getattr(chosen, flag) is not None:
            words += [f"--{flag}", *(f"{number:.17g}" for number in getattr(chosen, flag))]
    return shlex.join(words)


def _levels(lines: list[str]) -> dict[str, str]:
    levels = {}
    for line in lines:
        name, colon, level = line.partition(":")
        if not colon:
            raise CheckNameError(f"--level is {line!r}: expected CHECK:LEVEL, such as picklable:warning.")
        levels[name] = level
    return levels


def _save_figure(report: Report, chosen: argparse.Namespace) -> None:
    try:
        with prints_to_stderr():
            report.save_figure(chosen.figure)
    except (ImageError, InverseError) as error:  # nothing to draw; the report says what is wrong
        complain(f"no figure: {error}")
    else:
        if not chosen.json:
            print(f"figure: {chosen.figure}")
