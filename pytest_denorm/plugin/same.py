"""``denorm_same`` in the ini: the pipelines of ``denorm_pipelines`` that have to see the same colors, as test items."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import pytest

from ..comparing.compared import compare
from ..errors import DenormError
from ..pipelines.spec import load
from . import settings
from .fixtures import folders_of

__all__ = ["SamePipelines", "same_pairs"]


def same_pairs(config: pytest.Config, pipelines: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the pairs of names in ``denorm_same``: the first of each line with each of the others.

    Args:
        pipelines: what ``denorm_pipelines`` lists, by name.

    Raises:
        pytest.UsageError: a name that is not listed, fewer than two, or one twice.
    """
    lines = [str(line).split() for line in settings.get(config, "denorm_same") if str(line).strip()]
    for names in lines:
        for name in names:
            if name not in pipelines:
                near = difflib.get_close_matches(name, pipelines, n=1)
                hint = f"Did you mean {near[0]!r}?" if near else f"It lists {', '.join(pipelines)}."
                raise pytest.UsageError(f"denorm_same: {name!r} is not in denorm_pipelines. {hint}")
        if len(names) < 2 or len(set(names)) < len(names):
            raise pytest.UsageError(
                f"denorm_same: {' '.join(names)!r}: expected two or more different names of denorm_pipelines."
            )
    return [(names[0], other) for names in lines for other in names[1:]]


class SamePipelines(pytest.Collector):
    """All comparisons; each pipeline is loaded once.

    Args:
        pairs: what :func:`same_pairs` gave.
        pipelines: name to ``module:attribute``.
    """

    def __init__(self, pairs: list[tuple[str, str]], pipelines: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._pairs = pairs
        self._pipelines = pipelines
        self._loaded: dict[str, Any] = {}

    def collect(self) -> list[pytest.Item]:
        return [_SameItem.from_parent(self, name=f"{one}={other}", names=(one, other)) for one, other in self._pairs]

    def loaded(self, name: str) -> Any:
        """Return a pipeline of ``denorm_pipelines``.

        Raises:
            SettingsError: it cannot be loaded.
        """
        if name not in self._loaded:
            self._loaded[name] = load(self._pipelines[name], folders_of(self.config))
        return self._loaded[name]


class _SameItem(pytest.Item):
    """One comparison."""

    parent: SamePipelines

    def __init__(self, names: tuple[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._names = names

    def runtest(self) -> None:
        found = compare({name: self.parent.loaded(name) for name in self._names})
        status = "passed" if found.ok else "failed"
        self.user_properties.append(("denorm_check", f"{status}: {found.message}"))
        if not found.ok:
            raise AssertionError(str(found))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, (AssertionError, DenormError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return "denorm_same", None, self.nodeid
