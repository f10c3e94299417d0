"""Which checks run, which of them are expected to fail, and how much a failure matters."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.arguments import listed
from ..core.foreign import shown
from ..errors import CheckNameError
from .outcome import LEVELS
from .table import CHECKS

__all__ = ["Choice"]


@dataclass(frozen=True)
class Choice:
    """What was asked for, each name known to be a check's.

    Attributes:
        wanted: the checks to report on, in their own order.
        left_out: those that are skipped.
        expected: those that are expected to fail, with the reason of each, "" where none is given.
        levels: ``error`` or ``warning`` for those whose level was asked for.
    """

    wanted: tuple[str, ...] = tuple(CHECKS)
    left_out: frozenset[str] = frozenset()
    expected: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        select: Iterable[str] | None = None,
        skip: Iterable[str] | None = None,
        expected_failures: Mapping[str, str] | Iterable[str] | None = None,
        levels: Mapping[str, str] | None = None,
        named: Mapping[str, str] | None = None,
    ) -> Choice:
        """Return the choice that arguments of :func:`~pytest_denorm.check` make.

        Args:
            named: what a message calls an argument, where it was not given as one of a function.

        Raises:
            CheckNameError: a name that is no check's, or a level that there is not.
        """
        __tracebackhide__ = True
        words = {name: name for name in ("select", "skip", "expected_failures", "levels")} | dict(named or {})
        selected = _names(select, words["select"])
        left_out = _names(skip, words["skip"])
        expected = dict.fromkeys(_names(expected_failures, words["expected_failures"]), "")
        if isinstance(expected_failures, Mapping):
            expected = dict(expected_failures)
        given = _levels(levels, words["levels"])
        off = {name for name, level in given.items() if level == "off"}
        return cls(
            tuple(name for name in CHECKS if select is None or name in selected),
            frozenset({*left_out, *off}),
            expected,
            {name: level for name, level in given.items() if level != "off"},
        )

    def over(self, other: Choice) -> Choice:
        """Return this choice where it says something, and `other` where it does not."""
        off = {name for name in other.left_out if name not in self.levels}
        return Choice(
            tuple(name for name in other.wanted if name in self.wanted),
            self.left_out | off,
            {**other.expected, **self.expected},
            {**other.levels, **self.levels},
        )

    @property
    def run(self) -> list[str]:
        """The checks that run."""
        return [name for name in self.wanted if name not in self.left_out]


def _levels(levels: Mapping[str, str] | None, argument: str) -> dict[str, str]:
    __tracebackhide__ = True
    if levels is None:
        return {}
    if not isinstance(levels, Mapping):
        example = "{'dataset_is_standardized': 'error'}"
        raise CheckNameError(
            f"{argument} is {shown(levels)}: expected a level for each name of a check, such as {example}."
        )
    for name, level in levels.items():
        _refuse_unknown(name, argument)
        if level not in LEVELS:
            raise CheckNameError(f"{argument} gives {name} the level {shown(level)}: expected {_one_of(LEVELS)}.")
    return dict(levels)


def _one_of(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}"


def _refuse_unknown(name: Any, argument: str) -> None:
    __tracebackhide__ = True
    if not isinstance(name, str) or name not in CHECKS:
        near = difflib.get_close_matches(name, CHECKS, n=1) if isinstance(name, str) else ()
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise CheckNameError(
            f"{argument} names {shown(name)}, which is no check.{hint} There are: {', '.join(CHECKS)}."
        )


def _names(names: Iterable[str] | None, argument: str) -> list[str]:
    __tracebackhide__ = True
    if names is None:
        return []
    example = names if isinstance(names, str) else "round_trip"
    found = listed(names, argument, CheckNameError, f"a list of names of checks, such as [{example!r}]")
    for name in found:
        _refuse_unknown(name, argument)
    return found
