"""The table is as long as it says, and every name of the package is in it."""

from __future__ import annotations

import inspect

import rows
from rows import FUNCTIONS
from rows_of_sessions import COMMANDS, SESSIONS

import pytest_denorm
from pytest_denorm.plugin.settings import OPTIONS


def test_the_table_has_its_rows() -> None:
    listed = [f"{group}: {row.name}" for group, part in FUNCTIONS.items() for row in part]
    listed += [f"session: {row.name}" for row in SESSIONS] + [f"command: {row.name}" for row in COMMANDS]
    assert len(listed) == len(set(listed)) >= 240
    assert all(row.says for part in FUNCTIONS.values() for row in part)
    assert all(row.says for row in (*SESSIONS, *COMMANDS))


def test_every_function_option_and_command_is_in_it() -> None:
    source = inspect.getsource(rows)
    results = {
        "ColorMap",
        "Comparison",
        "DenormError",
        "Diagnosis",
        "GridFigure",
        "Report",
        "ScanResult",
        "SweepResult",
        "PRESETS",
        "__version__",
    }
    for name in set(pytest_denorm.__all__) - results:
        assert f"d.{name}" in source, name
    given = " ".join(" ".join((*row.arguments, row.ini)) for row in SESSIONS)
    for option in OPTIONS:
        if option.kind != "bool":
            assert option.name in given.replace("--", "").replace("-", "_"), option.name
    for command in ("check", "show", "diagnose", "stats", "sweep", "demo"):
        assert any(row.arguments[0] == command for row in COMMANDS)
