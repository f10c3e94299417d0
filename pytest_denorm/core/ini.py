"""The ini of a project: which file pytest reads, and how keys are added to it without touching anything else."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import SettingsError

__all__ = ["Ini", "find_ini"]

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

    def lines_of(self, key: str) -> list[str]:
        """The value of a key that holds a list of lines; blank ones are left out."""
        value = self.values.get(key, [])
        lines = value.split("\n") if isinstance(value, str) else map(str, value)
        return [line.strip() for line in lines if line.strip()]

    def with_more(self, key: str, values: Sequence[str]) -> Ini | None:
        """With these lines at the end of a list that is there; None if it is written in a way that is not known."""
        newline = "\r\n" if "\r\n" in (self.text or "") else "\n"
        kept = (self.text or "").splitlines()
        start = next((i for i, line in enumerate(kept) if re.match(rf"{key}\s*=", line)), None)
        if start is None:
            return None
        (self._grow_toml if self.is_toml else self._grow_ini)(kept, start, values)
        text = newline.join([*kept, ""])
        try:
            found = replace(self, text=text, values=_section(text, self.path, self.section) or {})
        except SettingsError:
            return None
        same = {**found.values, key: None} == {**self.values, key: None}
        return found if same and found.lines_of(key) == [*self.lines_of(key), *values] else None

    @staticmethod
    def _grow_ini(kept: list[str], start: int, values: Sequence[str]) -> None:
        end = start + 1
        while end < len(kept) and re.match(r"\s+\S", kept[end]):
            end += 1
        kept[end:end] = [f"    {value}" for value in values]

    @staticmethod
    def _grow_toml(kept: list[str], start: int, values: Sequence[str]) -> None:
        """Of an array that ends on its own line, or on a line of its own."""
        one_line = re.match(r"(.*[^\s,\[]),?\s*\]\s*$", kept[start])
        if one_line:
            kept[start] = f"{one_line[1]}, {', '.join(map(_quoted, values))}]"
            return
        end = next((i for i in range(start + 1, len(kept)) if kept[i].strip() == "]"), start + 1)
        last = kept[end - 1].rstrip()
        if end - 1 > start and not last.endswith(","):
            kept[end - 1] = f"{last},"
        kept[end:end] = [f"    {_quoted(value)}," for value in values]

    def with_lists(self, added: Mapping[str, Sequence[str]]) -> str:
        """The text with these keys added at the end of the section, which is made if need be.

        Raises:
            SettingsError: the file is written in a way in which they cannot be added safely.
        """
        old = self.text or ""
        newline = "\r\n" if "\r\n" in old else "\n"
        lines = [line for key, values in added.items() for line in self._written(key, values)]
        kept = old.splitlines()
        start = next((i for i, line in enumerate(kept) if self._is_header(line)), None)
        if start is None:
            between = [""] if kept and kept[-1].strip() else []
            kept += [*between, f"[{self.section}]", *lines]
        else:
            end = next((i for i in range(start + 1, len(kept)) if re.match(r"\s*\[[^\]]", kept[i])), len(kept))
            while end > start + 1 and not kept[end - 1].strip():
                end -= 1
            kept[end:end] = lines
        new = newline.join([*kept, ""])
        self._verify(new, added, lines)
        return new

    def _written(self, key: str, values: Sequence[str]) -> list[str]:
        if self.is_toml:
            if len(values) == 1:
                return [f"{key} = [{_quoted(values[0])}]"]
            return [f"{key} = [", *(f"    {_quoted(value)}," for value in values), "]"]
        return [f"{key} ="] + [f"    {value}" for value in values]

    def _is_header(self, line: str) -> bool:
        return re.sub(r"\s", "", line.partition("#")[0]) == f"[{self.section}]"

    def _verify(self, new: str, added: Mapping[str, Sequence[str]], lines: Sequence[str]) -> None:
        """What is read from the new text is what was there, and what was added."""
        expected = {**self.values, **{key: list(values) for key, values in added.items()}}
        try:
            found = dict(_section(new, self.path, self.section) or {})
        except SettingsError:
            found = {}
        for key in added:
            if isinstance(found.get(key), str):
                found[key] = [line for line in found[key].split("\n") if line]
        if found != expected:
            raise SettingsError(
                f"{self.path} is written in a way that cannot be added to safely. Add to [{self.section}] yourself:\n"
                + "\n".join(lines)
            )


def _quoted(value: str) -> str:
    """As a string of TOML, which knows no surrogates."""
    return json.dumps(value, ensure_ascii=False)


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
