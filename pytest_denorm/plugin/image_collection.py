"""Which baselines the collected tests use, and whether these are all tests that there are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from glob import glob
from pathlib import Path
from typing import Any

import pytest

from ..core.text import count_of
from ..images.orphans import InUse, Orphan, orphans_in
from .image_plan import PLAN

#: How a session ends that may have been cut short before all tests were known.
_CUT_SHORT = (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)


class Collection:
    """What was collected, and the first reason to think it partial.

    Attributes:
        files: of tests, by their paths: with several roots, two files may have one node id.
        used: the paths of baselines in use.
        families: what the paths of baselines begin with whose tests have no parameters now.
        folders: of baselines of ``image_compare``.
        others: of other image tests, where most images are not this package's.
        gap: that reason.
    """

    _SETS = ("files", "used", "families", "folders", "others")

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.used: set[str] = set()
        self.families: set[str] = set()
        self.folders: set[str] = set()
        self.others: set[str] = set()
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
        """Note a gap if tests are new: those that were seen before keep their baselines in use."""
        unseen = [item for item in items if item not in self.seen]
        if unseen:
            self.note_gap(f"another plugin deselected {count_of(len(unseen), 'test')} before the baselines were known")

    def note_items(self, items: Iterable[pytest.Item]) -> None:
        for item in items:
            self.seen.add(item)
            plan = item.stash.get(PLAN, None)
            if plan is None:
                continue
            place = plan.place
            if place.servers:
                continue
            self.used.update(str(folder / place.filename) for folder in place.folders)
            if plan.family:
                self.families.update(str(folder / plan.family) for folder in place.folders)
            (self.folders if plan.exact else self.others).update(map(str, place.folders))

    def to_dict(self) -> dict[str, Any]:
        return {"gap": self.gap, **{name: sorted(getattr(self, name)) for name in self._SETS}}

    def merge(self, other: Mapping[str, Any]) -> None:
        """Add what a worker of xdist has collected."""
        for name in self._SETS:
            getattr(self, name).update(other[name])
        self.note_gap(other["gap"])

    def gap_in(self, config: pytest.Config, exit_status: int | pytest.ExitCode) -> str:
        """Return why this may not be every test; empty if it is."""
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

    @property
    def in_use(self) -> InUse:
        return InUse({os.path.normcase(path) for path in self.used}, sorted(map(os.path.normcase, self.families)))

    def orphans(self, folders: Iterable[Path], known: Iterable[Path]) -> list[Orphan]:
        """Return the baselines that are not in use, of the folders that tests name and of more.

        Args:
            folders: more of them.
            known: the baselines that earlier sessions compared; their folders are looked into for these alone.

        Raises:
            BaselineError: a library of digests that cannot be read.
        """
        names = {os.path.normcase(path) for path in known}
        own = {*map(Path, self.folders), *folders}
        others = {*map(Path, self.others), *(path.parent for path in known)} - own
        found = [one for folder in sorted(own) for one in orphans_in(folder, self.in_use, names)]
        beside = (one for folder in sorted(others) for one in orphans_in(folder, self.in_use, names))
        return found + [one for one in beside if one.is_known]


def _roots(config: pytest.Config) -> list[Path]:
    """Return where tests are looked for: the root folder, whatever ``testpaths`` says, and what it names elsewhere."""
    start = config.rootpath
    named = [root for one in config.getini("testpaths") for root in glob(one, root_dir=start, recursive=True)]
    return [start, *(Path(os.path.abspath(start / root)) for root in named)]


def _test_files(config: pytest.Config, root: Path) -> Iterator[Path]:
    """Yield the files below `root` that look like tests."""
    patterns, avoided = config.getini("python_files"), config.getini("norecursedirs")
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(
            name for name in folders if not _matches(here / name, avoided) and not (here / name / "pyvenv.cfg").exists()
        )
        yield from (here / name for name in sorted(files) if _matches(here / name, patterns))


def _matches(path: Path, patterns: Iterable[str]) -> bool:
    """Return whether one matches as pytest has it: a pattern with a slash the end of the path, any other the name."""
    whole = path.as_posix()
    slashed = (pattern.replace(os.sep, "/") for pattern in patterns)
    return any(
        fnmatch(whole, pattern if os.path.isabs(pattern) else f"*/{pattern}")
        if "/" in pattern
        else fnmatch(path.name, pattern)
        for pattern in slashed
    )
