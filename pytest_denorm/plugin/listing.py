"""What makes the files that list pipelines files of tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .entries import listed_entries
from .same import same_pairs

__all__ = ["ListedPipelines"]


class ListedPipelines:
    """A plugin of sessions with ``--denorm``: the items of such a file have ids like those of any other."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_sessionstart(self) -> None:
        """Have the files collected, unless some of their items are asked for by id."""
        files = {entry.file for entry in listed_entries(self.config)}  # refused here: nobody reads a worker's errors
        same_pairs(self.config, {entry.name: entry for entry in listed_entries(self.config)})
        start = Path(self.config.invocation_params.dir)
        asked = {Path(os.path.normpath(start / str(one).partition("::")[0])) for one in self.config.args}
        if not files & asked:
            self.config.args += sorted(str(file) for file in files)

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        entries = [entry for entry in listed_entries(self.config) if entry.file == file_path]
        if not entries:
            return None
        from .collection import collector_of

        return collector_of(parent, file_path, entries)
