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
    """What was collected: files, the baselines in use, their folders, and the first reason to think it partial."""

    def __init__(self) -> None:
        self.files: set[str] = set()  # and what is above and in them, by their node ids
        self.used: set[str] = set()
        self.folders: set[str] = set()
        self.gap = ""

    def note_gap(self, reason: str) -> None:
        self.gap = self.gap or reason

    def note_report(self, report: pytest.CollectReport) -> None:
        if report.outcome != "passed":
            self.note_gap(f"{report.nodeid} was not collected ({report.outcome})")
        else:
            self.files.add(report.nodeid)

    def note_items(self, items: Iterable[pytest.Item]) -> None:
        for item in items:
            plan = item.stash.get(PLAN, None)
            if plan is None:
                continue
            self.used.add(str(plan.path))
            if plan.exact:
                self.folders.add(str(plan.folder))

    def to_dict(self) -> dict[str, Any]:
        sets = {"files": self.files, "used": self.used, "folders": self.folders}
        return {"gap": self.gap, **{name: sorted(each) for name, each in sets.items()}}

    def merge(self, other: Mapping[str, Any]) -> None:
        """What a worker of xdist has collected."""
        self.files.update(other["files"])
        self.used.update(other["used"])
        self.folders.update(other["folders"])
        self.note_gap(other["gap"])

    def gap_in(self, config: pytest.Config) -> str:
        """Why this may not be every test; empty if it is."""
        if config.getoption("lf", False):
            return "--lf may leave out files"
        selected = [argument for argument in config.args if "::" in argument]
        if selected:
            return f"only {selected[0]} was asked for"
        paths = (os.path.relpath(file, config.rootpath) for file in _test_files(config))
        missed = (path for path in paths if path.replace(os.sep, "/") not in self.files)
        return self.gap or next((f"{path} was not collected" for path in missed), "")

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
