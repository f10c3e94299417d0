"""Bad input to the functions: the kind of error, what it says, and that nothing else happens."""

from __future__ import annotations

from pathlib import Path

import pytest
from rows import FUNCTIONS, Row
from unchanged import unchanged

from pytest_denorm import DenormError

ROWS = [pytest.param(row, id=f"{group}: {row.name}") for group, rows in FUNCTIONS.items() for row in rows]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with things in it that are not ours."""
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a.png").write_bytes(b"mine too")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("row", ROWS)
def test_bad_input_is_named_and_changes_nothing(row: Row, folder: Path) -> None:
    with unchanged(folder), pytest.raises(row.kind) as caught:
        row.call()
    assert isinstance(caught.value, DenormError) or row.kind is TypeError
    assert type(caught.value) is row.kind
    for piece in row.says:
        assert piece in str(caught.value)
