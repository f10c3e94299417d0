"""Baselines that no test uses any more, told only by sessions that have collected every test there is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from glob import glob
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ..core.text import count_of
from ..errors import BaselineError
from .baselines import DIGESTS, read_bytes, read_digests, write_digests
from .plan import PLAN

#: How a session ends that may have been cut short before all tests were known.
_CUT_SHORT = (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)


class Entry(NamedTuple):
    """What may be a baseline: a file, or the entry `name` in the library of digests at `path`."""

    path: Path
    name: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it was written by this plugin: any other picture may be there for another purpose."""
        if self.name:
            return True
        from .png import is_ours

        try:
            data = read_bytes(self.path)
        except BaselineError:
            return False
        return data is not None and is_ours(data)

    @property
    def suffix(self) -> str:
        return f" ({self.name})" if self.name else ""


class Collection:
    """What was collected: files, the baselines in use, their folders, and the first reason to think it partial."""

    def __init__(self) -> None:
        self.files: set[str] = set()  # by their paths: with several roots, two files may have one node id
        self.used: set[str] = set()
        self.folders: set[str] = set()
        self.seen: set[pytest.Item] = set()
        self.gap = ""

    def note_gap(self, reason: str) -> None:
        self.gap = self.gap or reason

    def note_report(self, collector: pytest.Collector, report: pytest.CollectReport) -> None:
        if report.outcome != "passed":
            self.note_gap(f"{report.nodeid} was not collected ({report.outcome})")
        elif isinstance(collector, pytest.File):
            self.files.add(str(collector.path))

    def note_deselected(self, items: Iterable[pytest.Item]) -> None:
        """Those that were seen before they were deselected use their baselines all the same."""
        unseen = [item for item in items if item not in self.seen]
        if unseen:
            self.note_gap(f"another plugin deselected {count_of(len(unseen), 'test')} before the baselines were known")

    def note_items(self, items: Iterable[pytest.Item]) -> None:
        for item in items:
            self.seen.add(item)
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

    def gap_in(self, config: pytest.Config, exit_status: int | pytest.ExitCode) -> str:
        """Why this may not be every test; empty if it is."""
        if config.getoption("lf", False):
            return "--lf may leave out files"
        selected = [argument for argument in config.args if "::" in argument]
        if selected:
            return f"only {selected[0]} was asked for"
        if self.gap:
            return self.gap
        if exit_status in _CUT_SHORT:
            return "the session was cut short"
        roots = _roots(config)
        for file in sorted(self.files):
            if not any(Path(file).is_relative_to(root) for root in roots):
                return f"{file} lies outside of {config.rootpath}, and there may be more tests beside it"
        missed = (file for root in roots for file in _test_files(config, root) if str(file) not in self.files)
        paths = (Path(os.path.relpath(file, config.rootpath)).as_posix() for file in missed)
        return next((f"{path} was not collected" for path in paths), "")

    def unused(self, default: Path) -> list[Entry]:
        """The pictures and digests in these folders, and in the `default` one, that are not in use.

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
    """
    Raises:
        BaselineError: one cannot be deleted.
    """
    for entry in entries:
        if entry.name:
            write_digests(entry.path.parent, {entry.name: None})
            continue
        try:
            entry.path.unlink(missing_ok=True)  # another session may have been quicker
        except OSError as error:
            raise BaselineError(f"{entry.path} cannot be deleted: {error.strerror}.") from error


def _roots(config: pytest.Config) -> list[Path]:
    """Where tests are looked for: the root folder, whatever ``testpaths`` says, and what it names elsewhere."""
    start = config.rootpath
    named = [root for one in config.getini("testpaths") for root in glob(one, root_dir=start, recursive=True)]
    return [start, *(Path(os.path.abspath(start / root)) for root in named)]


def _test_files(config: pytest.Config, root: Path) -> Iterator[Path]:
    """The files below `root` that look like tests."""
    patterns, avoided = config.getini("python_files"), config.getini("norecursedirs")
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(
            name for name in folders if not _matches(here / name, avoided) and not (here / name / "pyvenv.cfg").exists()
        )
        yield from (here / name for name in sorted(files) if _matches(here / name, patterns))


def _matches(path: Path, patterns: Iterable[str]) -> bool:
    """Whether one matches as pytest has it: a pattern with a slash the end of the path, any other the name."""
    whole = path.as_posix()
    slashed = (pattern.replace(os.sep, "/") for pattern in patterns)
    return any(
        fnmatch(whole, pattern if os.path.isabs(pattern) else f"*/{pattern}")
        if "/" in pattern
        else fnmatch(path.name, pattern)
        for pattern in slashed
    )
