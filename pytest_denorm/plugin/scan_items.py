"""``pytest --denorm`` with ``denorm_scan`` in the ini: an item for each file of source that is scanned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ..errors import DenormError, SettingsError
from ..scanner.codes import Finding
from ..scanner.scanning import scan
from ..scanner.sources import find_files
from . import settings

__all__ = ["scan_of"]


def scan_of(session: pytest.Session) -> pytest.Collector:
    """Return the collector of one item for each file below the paths in ``denorm_scan``.

    Raises:
        pytest.UsageError: a path does not exist.
    """
    config = session.config
    start = config.inipath.parent if config.inipath else config.rootpath
    words = [word for line in settings.get(config, "denorm_scan") for word in line.split()]
    try:
        files = find_files([start / word for word in words])
    except SettingsError as error:
        raise pytest.UsageError(f"denorm_scan: {error}") from error
    return _Scan.from_parent(session, name="denorm-scan", nodeid="denorm-scan", start=start, words=words, files=files)


class _Scan(pytest.Collector):
    """All files, scanned together when the first of them runs."""

    def __init__(self, start: Path, words: list[str], files: list[tuple[Path, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._start = start
        self._words = words
        self._files = files
        self._found: dict[str, list[Finding]] | None = None

    def collect(self) -> list[pytest.Item]:
        return [_FileItem.from_parent(self, name=self._relative(shown), shown=shown) for _, shown in self._files]

    def _relative(self, shown: str) -> str:
        path = Path(shown)
        return path.relative_to(self._start).as_posix() if path.is_relative_to(self._start) else shown

    def errors_in(self, shown: str) -> list[Finding]:
        """Return the errors of one file."""
        if self._found is None:
            self._found = {}
            for finding in scan([self._start / word for word in self._words]).findings:
                if finding.level == "error":
                    self._found.setdefault(finding.path, []).append(finding)
        return self._found.get(shown, [])


class _FileItem(pytest.Item):
    """One file."""

    parent: _Scan

    def __init__(self, shown: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._shown = shown

    def runtest(self) -> None:
        found = self.parent.errors_in(self._shown)
        if found:
            lines = [f"{self.name}{one.where.removeprefix(one.path)}: {one.code} {one.message}" for one in found]
            raise AssertionError("\n".join(lines))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, (AssertionError, DenormError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return Path(self._shown), None, f"scan of {self.name}"
