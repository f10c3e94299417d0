"""What an editor shows: strict type checkers accept a typed project, and every method can be completed and read of."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_denorm
from pytest_denorm import Denorm

ROOT = Path(__file__).parent.parent
EXAMPLE = Path(__file__).parent / "examples" / "test_typed.py"

#: Not bound to a session: marks, names, and what a conftest calls once.
UNBOUND = {"image_compare", "parametrize_with_checks", "preset", "register_adapter"}
FUNCTIONS = sorted(
    name for name in set(pytest_denorm.__all__) - UNBOUND if inspect.isfunction(getattr(pytest_denorm, name))
)


def pyright(file: Path, folder: Path) -> list[dict[str, object]]:
    """What pyright says of `file` in its strict mode, where every value of unknown type is an error too."""
    settings = {"typeCheckingMode": "strict", "reportAny": True, "include": [str(file)], "extraPaths": [str(ROOT)]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "basedpyright", "--project", str(folder), "--outputjson"]
    run = subprocess.run([*command, "--pythonpath", sys.executable], capture_output=True, text=True, check=False)
    report = json.loads(run.stdout)
    assert report["summary"]["filesAnalyzed"] == 1, run.stderr
    found: list[dict[str, object]] = report["generalDiagnostics"]
    return found


def test_pyright_accepts_a_typed_project(tmp_path: Path) -> None:
    pytest.importorskip("basedpyright", reason="basedpyright brings pyright with all it needs; tox -e types has it")
    assert pyright(EXAMPLE, tmp_path) == []


def test_pyright_sees_the_types(tmp_path: Path) -> None:
    pytest.importorskip("basedpyright", reason="basedpyright brings pyright with all it needs; tox -e types has it")
    wrong = tmp_path / "test_wrong.py"
    wrong.write_text(
        "from pytest_denorm import Denorm, GridFigure\n\n\n"
        "def test_it(denorm: Denorm) -> None:\n"
        "    denorm.chekc('imagenet')\n"
        "    image: GridFigure = denorm.check('imagenet')\n"
        "    denorm.sweep('imagenet', limits=3)\n"
    )
    rules = {diagnostic["rule"] for diagnostic in pyright(wrong, tmp_path)}
    assert {"reportAttributeAccessIssue", "reportAssignmentType", "reportCallIssue"} <= rules


def test_mypy_accepts_a_typed_project() -> None:
    pytest.importorskip("mypy", reason="tox -e types has mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=.mypy_cache", str(EXAMPLE)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout == "Success: no issues found in 1 source file\n", run.stdout + run.stderr


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_fixture_has_every_function(name: str) -> None:
    function = getattr(pytest_denorm, name)
    assert getattr(Denorm, name) is function
    assert inspect.signature(getattr(Denorm(), name)) == inspect.signature(function)


def test_fixtures_say_what_they_give_and_of_which_type() -> None:
    plugin = importlib.import_module("pytest_denorm.plugin")
    for name in ("denorm", "denorm_images", "denorm_pipeline", "denorm_inverse"):
        fixture = inspect.unwrap(getattr(plugin, name))
        function = getattr(fixture, "_get_wrapped_function", lambda found=fixture: found)()
        assert inspect.getdoc(function)
        assert inspect.signature(function).return_annotation not in (inspect.Signature.empty, "None")
