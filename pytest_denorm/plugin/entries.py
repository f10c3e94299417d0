"""The pipelines that a project lists: ``denorm_pipelines`` in its ini, ``[tool.denorm.pipelines]`` of its toml."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from ..core.ini import read_table
from ..errors import CheckNameError, SettingsError
from . import settings

if TYPE_CHECKING:
    from ..checks.choice import Choice

__all__ = ["Entry", "listed_entries", "session_levels"]

_TABLE = "tool.denorm"
_KEYS = ("inverse", "skip", "expected", "levels", "output_max")
_entries_key = pytest.StashKey["list[Entry]"]()


@dataclass(frozen=True)
class Entry:
    """One pipeline.

    Attributes:
        name: of the pipeline.
        file: where it is listed.
        spec: ``module:attribute`` of the pipeline.
        inverse: of the project's own inverse; "" for the derived one.
        skip: the checks to leave out.
        expected: those that are known to fail, with the reason of each, or "".
        levels: how much a failure matters, by the name of the check.
        output_max: white in the floats that the inverse gives.
    """

    name: str
    file: Path
    spec: str
    inverse: str = ""
    skip: tuple[str, ...] = ()
    expected: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)
    output_max: float | None = None

    @property
    def line(self) -> int:
        """The line of the file that begins the entry, from 1."""
        begins = re.compile(rf"""\s*(?:\w+\s*=\s*)?(?:\[[\w.]*\.)?["']*{re.escape(self.name)}["']*\s*[]=]""")
        lines = self.file.read_text(encoding="utf-8").splitlines()
        return next((number for number, line in enumerate(lines, 1) if begins.match(line)), 1)

    @property
    def names_checks(self) -> bool:
        return bool(self.skip or self.expected or self.levels)

    def choice(self) -> Choice:
        """Return the checks that run.

        Raises:
            CheckNameError: a name that is no check's, or a level that there is not.
        """
        from ..checks.choice import Choice

        where = {key: f"{self.name} in {self.file.name}: {key}" for key in ("skip", "levels")}
        where["expected_failures"] = f"{self.name} in {self.file.name}: expected"
        return Choice.of(None, self.skip, self.expected, self.levels, named=where)


def listed_entries(config: pytest.Config) -> list[Entry]:
    """Return the pipelines that the project lists, in their order.

    Raises:
        pytest.UsageError: there is none; an entry is malformed; a name stands twice, or one pipeline under two names.
    """
    if _entries_key not in config.stash:
        config.stash[_entries_key] = _listed(config)
    return config.stash[_entries_key]


def session_levels(config: pytest.Config) -> dict[str, str]:
    """Return the level of each check that the project sets for all pipelines.

    Raises:
        pytest.UsageError: a line is malformed, or a name or a level does not exist.
    """
    levels: dict[str, str] = {}
    for line in filter(None, map(str.strip, settings.get(config, "denorm_checks"))):
        name, colon, level = (part.strip() for part in line.partition(":"))
        if not colon or not name or not level:
            raise pytest.UsageError(f"denorm_checks: {line!r}: expected name: error, name: warning or name: off.")
        levels[name] = level
    if levels:
        from ..checks.choice import Choice

        try:
            Choice.of(levels=levels, named={"levels": "denorm_checks"})
        except CheckNameError as error:
            raise pytest.UsageError(str(error)) from error
    return levels


def _listed(config: pytest.Config) -> list[Entry]:
    entries = [*_of_ini(config), *_of_table(config)]
    seen: dict[Any, Entry] = {}
    for entry in entries:
        for key, said in (
            (entry.name, "is listed twice"),
            ((entry.spec, entry.inverse, entry.output_max), f"is the pipeline {entry.spec} once more: list it once"),
        ):
            if key in seen:
                _refuse(entry.file, f"{entry.name!r} {said}")
            seen[key] = entry
    if not entries and not settings.get(config, "denorm_scan"):
        raise pytest.UsageError(
            "--denorm: no pipeline is listed. Name them in the ini:\n"
            "denorm_pipelines =\n    val = myproject.data:val_transform"
        )
    for entry in entries:
        if entry.names_checks:
            try:
                entry.choice()
            except CheckNameError as error:
                raise pytest.UsageError(str(error)) from error
    return entries


def _of_ini(config: pytest.Config) -> list[Entry]:
    lines = [line for line in map(str.strip, settings.get(config, "denorm_pipelines")) if line]
    if lines and config.inipath is None:
        raise pytest.UsageError("denorm_pipelines: there is no ini file. Make a pytest.ini, and list them there.")
    return [_entry_of_line(line, config.inipath) for line in lines if config.inipath is not None]


def _entry_of_line(line: str, file: Path) -> Entry:
    name, equals, rest = (part.strip() for part in line.partition("="))
    spec, *words = rest.split() or [""]
    if not equals or not name or not spec or "=" in spec:
        _refuse(file, f"{line!r}: expected name = module:attribute, and after it key=value of {_listed_keys()}")
    given: dict[str, Any] = {"spec": spec}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not value:
            _refuse(file, f"{name}: {word!r}: expected key=value of {_listed_keys()}")
        if key in given:
            _refuse(file, f"{name}: {key} is given twice")
        given[key] = value
    return _entry(name, file, given)


def _of_table(config: pytest.Config) -> list[Entry]:
    file = config.rootpath / "pyproject.toml"
    try:
        table = read_table(file, _TABLE) if file.is_file() else None
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from error
    for key in table or ():
        _refuse_unknown(file, f"[{_TABLE}]", key, ("pipelines",))
    entries = []
    pipelines = _as_mapping((table or {}).get("pipelines", {}), file, f"[{_TABLE}.pipelines]")
    for name, given in pipelines.items():
        if isinstance(given, str):
            entries.append(_entry_of_line(f"{name} = {given}", file))
        else:
            entries.append(_entry(name, file, _as_mapping(given, file, name)))
    return entries


def _entry(name: str, file: Path, given: Mapping[str, Any]) -> Entry:
    for sign in ("::", "["):
        if sign in name:
            _refuse(file, f"the name {name!r} has {sign!r} in it, which pytest's ids use: expected another name")
    for key in given:
        _refuse_unknown(file, name, key, ("spec", *_KEYS))
    if not isinstance(given.get("spec"), str) or not given["spec"]:
        _refuse(file, f"{name}: spec is {given.get('spec')!r}: expected module:attribute")
    if not isinstance(given.get("inverse", ""), str):
        _refuse(file, f"{name}: inverse is {given['inverse']!r}: expected module:attribute")
    return Entry(
        name,
        file,
        given["spec"],
        given.get("inverse", ""),
        tuple(_pairs(given.get("skip", ()), file, f"{name}: skip")),
        _pairs(given.get("expected", ()), file, f"{name}: expected"),
        _pairs(given.get("levels", ()), file, f"{name}: levels"),
        _number(given.get("output_max"), file, f"{name}: output_max"),
    )


def _pairs(value: Any, file: Path, what: str) -> dict[str, str]:
    """Names of checks, each with what is said of it: of ``a,b:text``, of a list of names, or of a table."""
    if isinstance(value, str):
        parts = [part.partition(":") for part in value.split(",") if part.strip()]
        return {name.strip(): said.strip() for name, _, said in parts}
    if isinstance(value, Mapping) and all(isinstance(one, str) for one in value.values()):
        return dict(value)
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        return dict.fromkeys(value, "")
    return _refuse(file, f"{what} is {value!r}: expected names of checks")


def _number(value: Any, file: Path, what: str) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        _refuse(file, f"{what} is {value!r}: expected a number above 0")
    if isinstance(value, bool) or not 0 < number < float("inf"):
        _refuse(file, f"{what} is {value!r}: expected a number above 0")
    return number


def _as_mapping(value: Any, file: Path, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        _refuse(file, f"{what} is {value!r}: expected a table")
    return value


def _refuse_unknown(file: Path, what: str, key: str, known: Iterable[str]) -> None:
    if key not in known:
        near = difflib.get_close_matches(key, list(known), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(known)}."
        _refuse(file, f"{what}: there is no key {key!r}.{hint}", end="")


def _listed_keys() -> str:
    return ", ".join(_KEYS)


def _refuse(file: Path, said: str, end: str = ".") -> NoReturn:
    raise pytest.UsageError(f"denorm_pipelines in {file.name}: {said}{end}")
