"""The faces of a scan: the command and its formats, suppression, baselines, and items of pytest."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_denorm import ScanResult
from pytest_denorm.cli.main import main

Scan = Callable[..., ScanResult]

WRONG = "from torchvision import transforms\nt = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.255])\n"
MESSAGE = "std[2] is 0.255 where imagenet has 0.225; all other numbers are imagenet's; 17.8 levels off"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "data.py").write_text(WRONG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_text_has_the_place_and_the_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "src"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"src/data.py:2:5: DN201 {MESSAGE}",
        "    t = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.255])",
        "1 error: 1 normalization, 0 inverses in 1 file.",
    ]


def test_formats_for_other_programs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "src", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [(one["code"], one["line"], one["level"]) for one in found["findings"]] == [("DN201", 2, "error")]
    assert found["statistics"][0]["mean"] == [0.485, 0.456, 0.406]
    main(["scan", "src", "--format", "sarif"])
    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("DN201", "error")
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 5}
    main(["scan", "src", "--format", "github"])
    assert capsys.readouterr().out == f"::error file=src/data.py,line=2,col=5,title=DN201::{MESSAGE}\n"


@pytest.mark.parametrize("options", [["--ignore", "DN2"], ["--select", "DN1,DN3"]])
def test_codes_are_chosen(options: list[str], project: Path) -> None:
    assert main(["scan", "src", *options]) == 0


@pytest.mark.parametrize(
    ("comment", "code"), [("denorm: ignore", 0), ("denorm: ignore[DN201]", 0), ("denorm: ignore[DN102]", 1)]
)
def test_a_comment_accepts_a_finding(comment: str, code: int, project: Path) -> None:
    (project / "src" / "data.py").write_text(WRONG.rstrip() + f"  # {comment}\n")
    assert main(["scan", "src"]) == code


def test_a_baseline_leaves_out_what_is_known(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "src", "--write-baseline", "known.json"]) == 0
    (project / "src" / "data.py").write_text("import torch\n\n" + WRONG)
    assert main(["scan", "src", "--baseline", "known.json"]) == 0
    (project / "src" / "other.py").write_text(WRONG)
    assert main(["scan", "src", "--baseline", "known.json"]) == 1
    (project / "known.json").write_text("{}")
    assert main(["scan", "src", "--baseline", "known.json"]) == 2
    assert "known.json is no baseline of a scan" in capsys.readouterr().err.replace("\n  ", " ")


def test_a_scan_loads_numpy_and_no_torch(project: Path) -> None:
    code = "import sys, pytest_denorm; pytest_denorm.scan('src'); print({'numpy', 'torch', 'PIL'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{'numpy'}\n"


def test_pytest_makes_an_item_of_each_file(project: Path) -> None:
    (project / "src" / "right.py").write_text(WRONG.replace("0.255", "0.225"))
    (project / "pytest.ini").write_text("[pytest]\ndenorm_scan = src\n")
    command = [sys.executable, "-m", "pytest", "--denorm", "-v", "-p", "no:cacheprovider"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "denorm-scan::src/data.py FAILED" in done.stdout
    assert "denorm-scan::src/right.py PASSED" in done.stdout
    assert f"src/data.py:2:5: DN201 {MESSAGE}" in done.stdout
