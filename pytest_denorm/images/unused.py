"""Baselines that no test uses any more, told only by sessions that have collected every test there is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .files import DIGESTS, read_digests, write_digests
from .plan import PLAN


class Entry(NamedTuple):
    """A baseline: a file, or the entry `name` in the library of digests at `path`."""

    path: Path
    name: str = ""

    @property
    def suffix(self) -> str:
        return f" ({self.name})" if self.name else ""


class Collection:
    """What was collected: the baselines in use, the folders they are in, and the first reason to think it partial."""

    def __init__(self) -> None:
        self.used: set[str] = set()
        self.folders: set[str] = set()
        self.gap = ""

    def note_gap(self, reason: str) -> None:
        self.gap = self.gap or reason

    def note_items(self, items: Iterable[pytest.Item]) -> None:
        for item in items:
            plan = item.stash.get(PLAN, None)
            if plan is None:
                continue
            self.used.add(str(plan.path))
            if plan.exact:
                self.folders.add(str(plan.folder))

    def to_dict(self) -> dict[str, Any]:
        return {"used": sorted(self.used), "folders": sorted(self.folders), "gap": self.gap}

    def merge(self, other: Mapping[str, Any]) -> None:
        """What a worker of xdist has collected."""
        self.used.update(other["used"])
        self.folders.update(other["folders"])
        self.note_gap(other["gap"])

    def unused(self, default: Path) -> list[Entry]:
        """The baselines in these folders, and in the `default` one, that are not in use.

        Raises:
            BaselineError: a library of digests that cannot be read.
        """
        used = {os.path.normcase(path) for path in self.used}
        entries: list[Entry] = []
        for folder in sorted({*map(Path, self.folders), Path(os.path.abspath(default))}):
            entries += [Entry(path) for path in sorted(folder.glob("*.png")) if os.path.normcase(path) not in used]
            entries += [
                Entry(folder / DIGESTS, name)
                for name in read_digests(folder)
                if os.path.normcase(folder / name) not in used
            ]
        return entries


def delete(entries: Iterable[Entry]) -> None:
    for entry in entries:
        if entry.name:
            write_digests(entry.path.parent, {entry.name: None})
        else:
            entry.path.unlink()


def gap_of(config: pytest.Config) -> str:
    """Why the command line does not ask for every test; empty if it does."""
    if config.getoption("lf", False):
        return "--lf may leave out files"
    selected = [argument for argument in config.args if "::" in argument]
    if selected:
        return f"only {selected[0]} was asked for"
    here = config.invocation_params.dir
    covered = [Path(os.path.abspath(here / argument)) for argument in config.args]
    for file in _test_files(config):
        if not any(file == path or path in file.parents for path in covered):
            return f"{os.path.relpath(file, config.rootpath)} was not asked for"
        if _is_ignored(file, config):
            return f"{os.path.relpath(file, config.rootpath)} was ignored"
    return ""


def _test_files(config: pytest.Config) -> Iterator[Path]:
    """The files of the project that look like tests."""
    roots = [config.rootpath / root for pattern in config.getini("testpaths") for root in config.rootpath.glob(pattern)]
    patterns, avoided = config.getini("python_files"), config.getini("norecursedirs")
    for root in roots or [config.rootpath]:
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(
                name
                for name in folders
                if not any(fnmatch(name, pattern) for pattern in avoided)
                and not (Path(folder) / name / "pyvenv.cfg").exists()
            )
            yield from (Path(folder) / name for name in files if any(fnmatch(name, pattern) for pattern in patterns))


def _is_ignored(file: Path, config: pytest.Config) -> bool:
    here = config.invocation_params.dir
    ignored = [Path(os.path.abspath(here / path)) for path in config.getoption("ignore", None) or ()]
    globs = [str(here / pattern) for pattern in config.getoption("ignore_glob", None) or ()]
    return any(path == file or path in file.parents for path in ignored) or any(
        fnmatch(str(one), pattern) for pattern in globs for one in (file, *file.parents)
    )
