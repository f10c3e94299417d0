"""Failures by what causes them, so that one cause is told once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..diagnosis.verdict import Diagnosis
from .outcome import CheckResult
from .table import VALUE_CHECKS

__all__ = ["Cause", "cause_of", "causes_of"]


@dataclass(frozen=True)
class Cause:
    """One mistake.

    Attributes:
        line: it, in one line.
        more: what else is known of it, in lines.
        results: the checks that fail because of it, the first one first.
    """

    line: str
    more: tuple[str, ...]
    results: tuple[CheckResult, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.results)


#: The start of what a check says of code that raised; behind it stand sizes, which differ from check to check.
_RAISED = re.compile(r"the \w+ raised \w+")


def cause_of(result: CheckResult, diagnosis: Diagnosis | None) -> str:
    """Return what makes a check fail, in lines."""
    if _RAISED.match(result.message):
        return result.message
    if result.name in VALUE_CHECKS and result.status == "failed" and diagnosis is not None and not _is_right(diagnosis):
        return str(diagnosis)
    return result.message


def causes_of(failures: Iterable[CheckResult], diagnosis: Diagnosis | None) -> list[Cause]:
    """Return the causes of all failures, in the order in which they show."""
    groups: dict[str, list[CheckResult]] = {}
    for result in failures:
        line = cause_of(result, diagnosis).partition("\n")[0]
        raised = _RAISED.match(line)
        groups.setdefault(raised[0] if raised else line, []).append(result)
    causes = []
    for results in groups.values():
        told, first = cause_of(results[0], diagnosis), results[0].message
        line, *more = told.split("\n")
        more += [] if told == first else first.split("\n")
        causes.append(Cause(line, tuple(more), tuple(results)))
    return causes


def _is_right(diagnosis: Diagnosis) -> bool:
    return diagnosis.kind == "exact"
