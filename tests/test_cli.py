"""The command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from pytest_denorm.cli import main

MODULE = """
import torch
from torchvision import transforms as T

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
val = T.Compose([T.Resize(32), T.CenterCrop(32), T.ToTensor(), T.Normalize(MEAN.tolist(), STD.tolist())])
forward = val.transforms[-1]

def right(y):
    return y * STD.view(-1, 1, 1) + MEAN.view(-1, 1, 1)

def wrong(y):
    return y * torch.tensor([0.229, 0.224, 0.255]).view(-1, 1, 1) + MEAN.view(-1, 1, 1)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that can be imported from the working folder."""
    name = f"cli_data_{tmp_path.name}".replace("-", "_").replace("[", "_").replace("]", "_")
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return name


def test_check_says_that_a_pipeline_is_verified(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{module}:val"]) == 0
    out = capsys.readouterr().out
    assert f"pytest-denorm: {module}:val: Compose.transforms[3]: torchvision.transforms.Normalize" in " ".join(
        out.split()
    )
    assert max(map(len, out.splitlines())) <= 80


def test_check_of_a_wrong_inverse_fails(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{module}:val", "--inverse", f"{module}:wrong", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["ok"]
    assert report["diagnosis"]["kind"] == "wrong-std"


def test_checks_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "imagenet", "--select", "round_trip", "--select", "bytes_exact"]) == 0
    assert "2 checks: 2 run, 2 passed" in capsys.readouterr().out
    assert main(["check", "imagenet", "--select", "roundtrip"]) == 2
    assert "select names 'roundtrip', which is no check. Did you mean 'round_trip'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--mean", "0.5", "--std", "0.25"],
        ["check", "--mean", "123.675", "116.28", "103.53", "--std", "58.395", "57.12", "57.375", "--pixel-max", "255"],
        ["check", "ResNet18_Weights.DEFAULT"],
    ],
)
def test_statistics_and_weights_are_specs(arguments: list[str]) -> None:
    assert main(arguments) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "give either SPEC, or --mean and --std."),
        (["check", "imagenet", "--mean", "1"], "give either SPEC, or --mean and --std."),
        (["check", "--mean", "0.5", "0.5", "--std", "0.5"], "mean has 2 numbers, std has 1 number"),
        (["check", "--mean", "0.5", "--std", "0"], "std[0] is 0: Normalize would divide by zero"),
        (["check", "imagnet"], "no preset is named 'imagnet'"),
        (["check", "ResNet18_Weights.NONE"], "'ResNet18_Weights.NONE' names no torchvision weights"),
        (["check", "nowhere:val"], "nowhere:val: No module named 'nowhere'"),
    ],
)
def test_what_cannot_be_used_exits_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_diagnose_names_the_mistake(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", f"{module}:forward", f"{module}:right"]) == 0
    assert capsys.readouterr().out == "exact: the picture comes back: all 768 levels come back.\n"
    assert main(["diagnose", f"{module}:forward", f"{module}:wrong"]) == 1
    assert "std 0.255 where the pipeline has 0.225" in capsys.readouterr().out
    assert main(["diagnose", f"{module}:forward", f"{module}:wrong", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["kind"] == "wrong-std"


def test_show_draws_three_rows(module: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from photographs import photographs

    files = []
    for index, photograph in enumerate(photographs()[:3]):
        files.append(str(tmp_path / f"{index}.png"))
        photograph.save(files[-1])
    out = tmp_path / "look.png"
    assert main(["show", f"{module}:val", "--images", *files, "-o", str(out)]) == 0
    with Image.open(out) as picture:
        assert picture.mode == "RGB"
        assert picture.size == (3 * 33 + 1, 3 * (34 + 16))
    assert main(["show", "imagenet", "--images", str(tmp_path / "none.png"), "-o", str(out)]) == 2
    assert "none.png cannot be read as a picture" in capsys.readouterr().err


def test_without_a_command_the_help_is_printed() -> None:
    result = subprocess.run([sys.executable, "-m", "pytest_denorm"], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    for command in ("check", "show", "diagnose", "stats", "sweep", "demo"):
        assert f"    {command} " in result.stdout


def test_the_version_is_the_package_s() -> None:
    import pytest_denorm

    result = subprocess.run(
        [sys.executable, "-m", "pytest_denorm", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout == f"pytest-denorm {pytest_denorm.__version__}\n"


def test_the_demo_shows_what_it_promises(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "pytest_denorm", "demo", "--folder", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 updated" in result.stdout
    assert "1 compared, 0 updated, 0 missing, 0 not compared" in result.stdout
    assert "wrong-std: blue: gain 1.133, offset -0.054: the inverse uses std 0.255" in result.stdout
    with Image.open(folder / "look.png") as picture:
        assert picture.size == (6 * 129 + 1, 3 * (130 + 16))
    assert (folder / "baseline_images" / "test_first_batch.png").is_file()

    (folder / "pipeline.py").write_text("# mine")
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert "pipeline.py is there already, and is not the demo's" in again.stderr
    assert (folder / "pipeline.py").read_text() == "# mine"
