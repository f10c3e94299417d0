"""``pytest --denorm``: the checks of the pipelines that the ini names, as test items without a test file."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ..checks.battery import BoundCheck
from ..checks.case import Case
from ..checks.table import CHECKS
from ..errors import DenormError, SettingsError
from ..pipelines.spec import load
from . import settings
from .fixtures import folders_of, session_images
from .same import SamePipelines, same_pairs

__all__ = ["checks_of"]

#: What parts the words of an expression after ``-k``, and words that mean something in one.
_NO_WORD = re.compile(r"[^\w+\-.]+")
_RESERVED = ("and", "or", "not", "none", "true", "false")


def checks_of(session: pytest.Session) -> pytest.Collector:
    """The collector of one item for each check of each pipeline in ``denorm_pipelines``.

    Raises:
        pytest.UsageError: that of `settings.listed_pipelines` and `same_pairs`.
    """
    pipelines = settings.listed_pipelines(session.config)
    pairs = same_pairs(session.config, pipelines)
    return _Group.from_parent(session, name="denorm", nodeid="denorm", pipelines=pipelines, pairs=pairs)


class _Group(pytest.Collector):
    """All pipelines."""

    def __init__(self, pipelines: dict[str, str], pairs: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipelines = pipelines
        self.pairs = pairs

    def collect(self) -> list[pytest.Collector]:
        each = [_Pipeline.from_parent(self, name=name, spec=spec) for name, spec in self.pipelines.items()]
        if not self.pairs:
            return [*each]
        same = SamePipelines.from_parent(self, name="same", pairs=self.pairs, pipelines=self.pipelines)
        return [*each, same]


class _Pipeline(pytest.Collector):
    """One pipeline, loaded when its first check runs."""

    def __init__(self, spec: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.spec = spec
        self._case: Case | None = None
        self._failed = False

    def collect(self) -> list[pytest.Item]:
        return [_CheckItem.from_parent(self, name=name) for name in CHECKS]

    @property
    def case(self) -> Case:
        """
        Raises:
            SettingsError: the pipeline cannot be loaded.
        """
        if self._failed:
            raise SettingsError(f"{self.spec} cannot be loaded: the first failure of {self.name!r} says why.")
        if self._case is None:
            self._failed = True
            images = session_images(self.config) if settings.get(self.config, "denorm_images") else None
            self._case = Case(load(self.spec, folders_of(self.config)), images=images, name=self.name)
            self._failed = False
        return self._case


class _CheckItem(pytest.Item):
    """One check of one pipeline."""

    parent: _Pipeline

    def runtest(self) -> None:
        check = BoundCheck(self.parent.case, self.name, again=self._again(), alone=self._is_alone())
        try:
            check()
        finally:
            if check.outcome is not None:
                self.user_properties.append(("denorm_check", f"{check.outcome.status}: {check.outcome.message}"))

    def _again(self) -> str:
        """The command that runs this check: of a name, what ``-k`` takes."""
        words = [one for one in _NO_WORD.split(self.parent.name) if one and one.lower() not in _RESERVED]
        others = [f"not {one}" for one in CHECKS if self.name in one and one != self.name]
        return f'pytest --denorm -k "{" and ".join([*words, self.name, *others])}"'

    def _is_alone(self) -> bool:
        """Whether ``finds_normalize`` of this pipeline was deselected."""
        beside = (one.name for one in self.session.items if one.parent is self.parent)
        return "finds_normalize" not in beside

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, (AssertionError, DenormError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.parent.spec, None, self.nodeid
