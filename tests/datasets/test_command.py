"""The subcommands stats and sweep, as a user of the command line meets them."""

from __future__ import annotations

import json
import sys

import pytest
from photographs import crops, write_cifar10, write_imagefolder
from torchvision.datasets import ImageFolder

from pytest_denorm import Statistics, SweepResult, dataset_statistics
from pytest_denorm.cli.main import build_parser
from pytest_denorm.errors import DatasetError

MODULE = """
from photographs import SmallCIFAR10, crops
from torchvision import transforms

normalize = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
undo = transforms.Normalize((-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225), (1 / 0.229, 1 / 0.224, 1 / 0.225))
chain = transforms.Compose([transforms.ToTensor(), normalize])
first, second = list(crops(10, 16))[:4], list(crops(10, 16))[4:]
named = [{"front": image, "back": image // 2} for image in first]

def whole():
    return SmallCIFAR10("cifar", transform=chain)

def truncating(normalized):
    return (undo(normalized) * 255).byte()
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    write_cifar10(tmp_path / "cifar")
    (tmp_path / "sweepable.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("sweepable", None)


def run(command, *arguments):
    chosen = build_parser().parse_args([command, "--quiet", *arguments])
    return chosen.run(chosen)


def stats(*arguments):
    return run("stats", *arguments)


def sweep(*arguments):
    return run("sweep", *arguments)


def test_stats(project, capsys):
    assert stats("sweepable:first") == 0
    assert capsys.readouterr().out == f"{dataset_statistics(list(crops(10, 16))[:4])}\n"


def test_stats_of_parts_add_up(project, capsys):
    assert stats("sweepable:first", "--json", "first.json") == 0
    assert stats("sweepable:second", "--add", "first.json", "--json", "both.json") == 0
    found = Statistics.from_dict(json.loads((project / "both.json").read_text()))
    assert found == dataset_statistics(list(crops(10, 16)))
    (project / "first.json").write_text("[")
    with pytest.raises(DatasetError, match=r"first.json holds no statistics that can be added"):
        stats("sweepable:second", "--add", "first.json")


def test_sweep_passes_and_fails(project, capsys):
    assert sweep("sweepable:whole()", "--json", "result.json") == 0
    assert "0 of 307,200 levels wrong, in 0 images" in capsys.readouterr().out
    result = SweepResult.from_dict(json.loads((project / "result.json").read_text()))
    assert (result.ok, result.pictures) == (True, 100)
    assert sweep("sweepable:whole()", "--inverse", "sweepable:truncating", "--limit", "9") == 1
    assert "in 9 images" in capsys.readouterr().out


def test_sweep_resumes(project, capsys):
    assert sweep("sweepable:whole()", "--resume", "state.json") == 0
    assert json.loads((project / "state.json").read_text())["done"] == 100
    assert sweep("sweepable:whole()", "--resume", "state.json") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "sweep over 100 images" in said
    assert "nothing was swept now: all of this is in the state file; delete it to sweep anew" in said


def test_failures_can_be_skipped(project, capsys):
    folder = write_imagefolder(project / "photographs")
    (folder / "matplotlib" / "broken.png").write_bytes(b"no image")
    (project / "images.py").write_text("from torchvision.datasets import ImageFolder\nall = ImageFolder('photographs')")
    with pytest.raises(DatasetError, match=r"broken.png"):
        stats("images:all")
    assert stats("images:all", "--skip-failures") == 0
    assert "1 image could not be read" in capsys.readouterr().out
    assert len(ImageFolder(folder)) > 1
    sys.modules.pop("images")
