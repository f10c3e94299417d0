"""The pipelines that have to see the same colors, as test items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ..comparing.compared import compare
from ..pipelines.spec import load_made
from .fixtures import folders_of
from .told_item import ToldItem

__all__ = ["SamePipelines"]


class SamePipelines(pytest.Collector):
    """All comparisons; each pipeline is made once.

    Args:
        pairs: names of pipelines.
        specs: name to ``module:attribute``.
    """

    def __init__(self, pairs: list[tuple[str, str]], specs: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._pairs = pairs
        self._specs = specs
        self._made: dict[str, Any] = {}

    def collect(self) -> list[pytest.Item]:
        return [_SameItem.from_parent(self, name=f"{one}={other}", names=(one, other)) for one, other in self._pairs]

    def made(self, name: str) -> Any:
        """Return a pipeline.

        Raises:
            SettingsError: it cannot be made.
        """
        if name not in self._made:
            self._made[name] = load_made(self._specs[name], folders_of(self.config)).value
        return self._made[name]


class _SameItem(ToldItem):
    """One comparison."""

    parent: SamePipelines

    def __init__(self, names: tuple[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._names = names

    def runtest(self) -> None:
        found = compare({name: self.parent.made(name) for name in self._names})
        facts = {
            "check": f"{'passed' if found.ok else 'failed'}: {found.message}",
            "check_name": "same",
            "pipeline": self.name,
        }
        self.user_properties += [(f"denorm_{name}", text) for name, text in facts.items()]
        found.raise_for_difference()

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, f"same: {self.name}"
