"""``pytest --denorm``: the checks of the pipelines that a project lists, as test items of the file that lists them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from ..checks.bound import BoundCheck
from ..checks.case import Case
from ..checks.choice import Choice
from ..checks.outcome import CheckResult
from ..errors import SettingsError
from ..pipelines.spec import Loaded, load_made
from . import settings
from .entries import Entry, listed_entries, session_levels
from .fixtures import folders_of, session_images
from .same import same_pairs
from .same_items import SamePipelines
from .told_item import ToldItem

__all__ = ["bind_to_session", "collector_of"]


def collector_of(parent: pytest.Collector, path: Path, entries: list[Entry]) -> pytest.Collector:
    """Return the collector of a file that lists pipelines."""
    made: _ListOfPipelines = _ListOfPipelines.from_parent(parent, path=path)
    made.entries = entries
    return made


class _ListOfPipelines(pytest.File):
    """A file that lists pipelines."""

    entries: list[Entry]

    def collect(self) -> Iterator[pytest.Collector]:
        levels = Choice.of(levels=session_levels(self.config))
        for entry in self.entries:
            yield _Pipeline.from_parent(self, name=entry.name, entry=entry, choice=entry.choice().over(levels))
        specs = {entry.name: entry.spec for entry in listed_entries(self.config)}
        own = {entry.name for entry in self.entries}
        pairs = [pair for pair in same_pairs(self.config, specs) if pair[0] in own]
        if pairs:
            yield SamePipelines.from_parent(self, name="same", pairs=pairs, specs=specs)


class _Pipeline(pytest.Collector):
    """One pipeline, made when its first check runs."""

    def __init__(self, entry: Entry, choice: Choice, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entry = entry
        self.choice = choice

    def collect(self) -> list[pytest.Item]:
        return [_CheckItem.from_parent(self, name=name) for name in self.choice.run]

    @cached_property
    def made(self) -> Case | SettingsError:
        """The case, or why there is none: a pipeline that cannot be made is not tried again for each check."""
        folders = folders_of(self.config)
        try:
            pipeline = load_made(self.entry.spec, folders)
            inverse = load_made(self.entry.inverse, folders) if self.entry.inverse else Loaded(None, "")
        except SettingsError as error:
            return error
        images = session_images(self.config) if settings.get(self.config, "denorm_images") else None
        notes = [note for note in (pipeline.note, inverse.note) if note]
        return Case(pipeline.value, inverse.value, images, self.name, self.entry.output_max, notes=notes)


class _CheckItem(ToldItem):
    """One check of one pipeline."""

    parent: _Pipeline

    def runtest(self) -> None:
        pipeline = self.parent
        beside = [one.name for one in self.session.items if one.parent is pipeline]
        if isinstance(pipeline.made, SettingsError):
            if self.name != beside[0]:  # one error is told once, whichever worker runs the rest
                pytest.skip(f"{pipeline.name} cannot be made: see {beside[0]}")
            raise pipeline.made
        choice = replace(pipeline.choice, wanted=tuple(name for name in pipeline.choice.wanted if name in beside))
        place = str(self.path), pipeline.entry.line
        BoundCheck(pipeline.made, self.name, choice, _command(self), _recorder(self, pipeline.name), place)()

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, self.parent.entry.line - 1, f"{self.parent.name}: {self.name}"


def bind_to_session(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Let each check that a test calls know its own id, and the levels of the session."""
    levels = Choice.of(levels=session_levels(config))
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        bound = parameters.get("denorm_check")
        if isinstance(bound, BoundCheck):
            record = _recorder(item, bound.case.name)
            choice = bound.choice.over(levels)
            parameters["denorm_check"] = replace(bound, choice=choice, again=_command(item), record=record)


def _command(item: pytest.Item) -> str:
    """The command that runs an item again, from where pytest was started."""
    _, _, names = item.nodeid.partition("::")
    path = os.path.relpath(item.path, item.config.invocation_params.dir)
    flags = ["--denorm"] * isinstance(item, _CheckItem)
    return shlex.join(["pytest", *flags, f"{Path(path).as_posix()}::{names}"])


def _recorder(item: pytest.Item, pipeline: str) -> Callable[[CheckResult], None]:
    """Return what keeps an outcome with its item, where JUnit and a review page read it."""

    def record(result: CheckResult) -> None:
        facts = {"check": f"{result.status}: {result.message}", "check_name": result.name, "pipeline": pipeline}
        kept = [one for one in item.user_properties if not one[0].startswith(("denorm_check", "denorm_pipeline"))]
        item.user_properties[:] = [*kept, *((f"denorm_{name}", text) for name, text in facts.items())]

    return record
