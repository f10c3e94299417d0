"""Bad command lines: exit code 2, the value that was given, and that nothing else happens."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image
from rows_of_sessions import COMMANDS, OTHER_MODULES, PROJECT, Command
from unchanged import unchanged

from pytest_denorm.cli.main import main


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module in the working folder, which has a space, an accent and a line break in its name."""
    folder = tmp_path / "a project\nof größe"
    folder.mkdir()
    name = "mydata_" + "".join(character if character.isalnum() else "_" for character in tmp_path.name)
    for file, text in {f"{name}.py": PROJECT, **OTHER_MODULES}.items():
        (folder / file).write_text(text)
    (folder / "notes.txt").write_text("mine")
    (folder / "kept").mkdir()
    (folder / "kept" / "a.txt").write_text("mine too")
    Image.new("RGB", (4, 4)).save(folder / "a.png")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield name
    for module in [name, *(Path(file).stem for file in OTHER_MODULES)]:
        sys.modules.pop(module, None)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in COMMANDS])
def test_a_bad_command_line_is_named(row: Command, project: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [one.replace("NAME", project) for one in row.arguments]
    with unchanged(Path.cwd()):
        try:
            code = main(arguments)
        except SystemExit as exit:  # argparse's
            code = exit.code
    out, err = capsys.readouterr()
    assert code == row.code, out + err
    assert "Traceback" not in err
    said = " ".join((out + err).split())  # its lines are wrapped
    for piece in row.says:
        assert piece.replace("NAME", project) in said
