"""The ini of a project: which file pytest reads, and what is in it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SettingsError

__all__ = ["Ini", "find_ini", "read_table"]

_TOML_TABLES = {"pyproject.toml": "tool.pytest.ini_options", "pytest.toml": "pytest", ".pytest.toml": "pytest"}
_INI_SECTIONS = {"pytest.ini": "pytest", ".pytest.ini": "pytest", "tox.ini": "pytest", "setup.cfg": "tool:pytest"}
#: pytest takes these for its own even when they are empty.
_ALWAYS = {"pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml"}


@dataclass(frozen=True)
class Ini:
    """One file that pytest reads, or will read once it is there.

    Attributes:
        path: of the file.
        text: what is in it; None where there is no such file.
        section: the section or table of pytest.
        values: what that section holds.
    """

    path: Path
    text: str | None
    section: str
    values: Mapping[str, Any]

    @property
    def is_toml(self) -> bool:
        return self.path.suffix == ".toml"

    def list_of(self, key: str) -> list[str]:
        """The value of a key that holds a list: words, or lines."""
        value = self.values.get(key, [])
        return value.split() if isinstance(value, str) else [str(one) for one in value]


def find_ini(folder: Path) -> Ini:
    """The file that pytest reads in `folder`, in pytest's own order; else the one to write into.

    Raises:
        SettingsError: a file that cannot be read.
    """
    import pytest

    toml = ["pytest.toml", ".pytest.toml"] if pytest.version_tuple >= (9, 0) else []
    for name in [*toml, "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"]:
        path = folder / name
        if not path.is_file():
            continue
        text = _read(path)
        for section in _sections_of(name):
            values = _section(text, path, section)
            if values is not None or name in _ALWAYS:
                return Ini(path, text, section, values or {})
    project = folder / "pyproject.toml"
    if project.is_file():
        return Ini(project, _read(project), _TOML_TABLES[project.name], {})
    return Ini(folder / "pytest.ini", None, "pytest", {})


def _sections_of(name: str) -> list[str]:
    if name == "pyproject.toml":
        return ["tool.pytest", "tool.pytest.ini_options"]
    return [_TOML_TABLES.get(name) or _INI_SECTIONS[name]]


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error


def _section(text: str, path: Path, section: str) -> Mapping[str, Any] | None:
    """What a section holds; None where there is none."""
    if path.suffix == ".toml":
        return _table(text, path, section)
    import iniconfig

    try:
        parsed = iniconfig.IniConfig(str(path), text)
    except iniconfig.ParseError as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    return dict(parsed[section].items()) if section in parsed else None


def read_table(path: Path, name: str) -> Mapping[str, Any] | None:
    """Return a table of a TOML file; None where there is none.

    Raises:
        SettingsError: the file cannot be read.
    """
    return _table(_read(path), path, name)


def _table(text: str, path: Path, section: str) -> Mapping[str, Any] | None:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # a requirement of pytest there
    try:
        found: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    for part in section.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if section == "tool.pytest" and isinstance(found, dict) and set(found) <= {"ini_options"}:
        return None  # the table of ini_options, which is another way to write the same
    return found if isinstance(found, dict) else None
