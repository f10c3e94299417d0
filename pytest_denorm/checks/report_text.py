"""A report in words: every check in a table, or just what failed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Protocol

from ..core.text import count_of
from ..diagnosis.verdict import Diagnosis
from .causes_told import Cause
from .outcome import CheckResult

__all__ = ["Told", "failure_text", "one_line", "table_text"]

_MARKS = {
    "passed": "ok",
    "failed": "FAIL",
    "warned": "warn",
    "not applicable": "n/a",
    "skipped": "skip",
    "expected failure": "xfail",
    "unexpectedly passed": "XPASS",
}
_WIDTH = 80


class Told(Protocol):
    """What is read of a report."""

    @property
    def title(self) -> str: ...
    @property
    def statistics(self) -> str: ...
    @property
    def inverse(self) -> str: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def results(self) -> tuple[CheckResult, ...]: ...
    @property
    def failures(self) -> tuple[CheckResult, ...]: ...
    @property
    def causes(self) -> list[Cause]: ...
    @property
    def diagnosis(self) -> Diagnosis | None: ...
    @property
    def again(self) -> str: ...
    def count(self, status: str) -> int: ...
    def summary(self) -> str: ...


def table_text(report: Told, again: str | None = None) -> str:
    """Return a row for each check; those that did not run for one reason share a row, as do those of one cause."""
    lines = wrap_text(f"pytest-denorm: {report.title}", "", "  ")
    lines += [line for fact in _facts(report) for line in wrap_text(fact, "  ")]
    causes = report.causes
    followers = {name: cause for cause in causes for name in cause.names[1:]}
    rows = [one for one in report.results if one.name not in followers]
    for _, group in groupby(enumerate(rows), _row_key):
        together = [one for _, one in group]
        lines += _row(together[0].status, together[0].message, [one.name for one in together])
        lines += _followers(together[0], causes)
    if report.diagnosis is not None and report.diagnosis.kind != "exact":
        lines += wrap_text(f"diagnosis: {report.diagnosis}", "", "  ")
    lines += wrap_text(report.summary(), "", "  ")
    if report.failures:
        lines.append(f"again: {again or report.again}")  # whole, to be pasted
    return "\n".join(lines)


def failure_text(report: Told, again: str | None = None) -> str:
    """Return what failed: each cause in a line of its own, the checks that fail because of it, and what is known."""
    lines = []
    for cause in report.causes:
        lines += [cause.line, *wrap_text(f"fails: {', '.join(cause.names)}", "  ", "    ")]
        lines += [line for one in cause.more for line in wrap_text(one, "  ", "    ")]
    if not lines:
        lines.append("nothing was verified")
    lines += wrap_text(f"pipeline: {report.title}", "", "  ")
    lines += [line for fact in _facts(report) for line in wrap_text(fact, "  ")]
    command = again or report.again
    return "\n".join([*lines, *([f"again: {command}"] if command else [])])


def one_line(report: Told) -> str:
    """Return what there is to say of a report that is ok."""
    not_run = report.count("not applicable") + report.count("skipped")
    counts = [f"{count_of(report.count('passed'), 'check')} passed"]
    counts += [f"{report.count(status)} {status}" for status in ("warned", "expected failure") if report.count(status)]
    counts += [f"{not_run} did not apply"] if not_run else []
    return f"{report.title}: {', '.join(counts)}"


def _facts(report: Told) -> Iterator[str]:
    yield from filter(None, (report.statistics, f"inverse: {report.inverse}", *report.notes))


def _followers(first: CheckResult, causes: list[Cause]) -> list[str]:
    """The line that lists the checks which fail because of what makes `first` fail."""
    names = next((cause.names[1:] for cause in causes if cause.results[0] is first), ())
    return wrap_text(f"for the same reason: {', '.join(names)}", " " * 8) if names else []


def _row_key(numbered: tuple[int, CheckResult]) -> tuple[object, ...]:
    """Equal for results that share a row: what did not run, for one reason."""
    index, one = numbered
    return (one.status, one.message) if one.status in ("not applicable", "skipped") else (index,)


def _row(status: str, message: str, names: list[str]) -> list[str]:
    """A line a check, its message behind its name if there is room, else below it."""
    start = f"  {_MARKS[status]:<5} {names[0]:<26} "
    if len(names) == 1 and "\n" not in message and len(start) + len(message) <= _WIDTH:
        return [start + message]
    return [*wrap_text(f"{_MARKS[status]:<5} {', '.join(names)}", "  ", " " * 8), *wrap_text(message, " " * 8)]


def wrap_text(text: str, first: str, then: str | None = None) -> list[str]:
    """Return `text` in lines that fit a terminal, each of its own lines wrapped by itself."""
    then = first if then is None else then
    lines: list[str] = []
    for part in text.split("\n"):
        start = then if lines else first
        lines += textwrap.wrap(
            part, _WIDTH, initial_indent=start, subsequent_indent=then, break_long_words=False, break_on_hyphens=False
        )
    return lines
