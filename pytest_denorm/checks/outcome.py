"""How a check ends: with what it has shown, a failure, a warning, or the reason why it does not apply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["LEVELS", "STATUSES", "CheckFailure", "CheckResult", "CheckWarning", "NotApplicable", "Shown"]

#: Every outcome of a check, and whether it leaves the report ok.
STATUSES = {
    "passed": True,
    "failed": False,
    "warned": True,
    "not applicable": True,
    "skipped": True,
    "expected failure": True,
    "unexpectedly passed": False,
}

#: How much a check that fails matters: ``error`` fails the report, ``warning`` is told and fails nothing, ``off`` is
#: not run.
LEVELS = ("error", "warning", "off")


class Shown(NamedTuple):
    """What a check that passed has shown: in words, and as JSON-safe numbers."""

    message: str
    details: dict[str, Any] = {}  # noqa: RUF012 - never changed


class CheckFailure(AssertionError):
    """A check that failed, with JSON-safe numbers beside its message."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class CheckWarning(Exception):
    """Something that is right today, and wrong tomorrow or a matter of taste, with JSON-safe numbers beside it."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class NotApplicable(Exception):
    """A check that does not apply to this pipeline; the message says why."""


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check.

    Attributes:
        name: of the check.
        status: one of :data:`STATUSES`.
        message: what was shown, or what is wrong, or why it does not apply.
        details: the numbers, JSON-safe.
    """

    name: str
    status: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it leaves the report ok."""
        return STATUSES[self.status]
