"""``denorm_same`` in the ini, and ``pytest-denorm compare``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_denorm.cli.main import main

PIPELINES = """
import numpy as np
from torchvision import transforms

normalize = transforms.Normalize((0.4,) * 3, (0.2,) * 3)
train = transforms.Compose([transforms.RandomCrop(20), transforms.ToTensor(), normalize])
val = transforms.Compose([transforms.Resize(40), transforms.ToTensor(), normalize])


def serve(image):
    return (np.asarray(image)[..., ::-1] / np.float32(255) - 0.4) / 0.2


def cv2_code(image):
    return (image[..., ::-1] / 255 - 0.4) / 0.2
"""
INI = """
[pytest]
pythonpath = .
denorm_pipelines =
    train = colors:train
    val = colors:val
    serve = colors:serve
"""


def test_pipelines_of_the_ini_are_compared(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(colors=PIPELINES)
    pytester.makeini(f"{INI}denorm_same = train val serve\n")
    result = pytester.runpytest("--denorm", "-k", "same", "-v", "-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "tox.ini::same::train=val PASSED*",
            "tox.ini::same::train=serve FAILED*",
            "channel-order: serve has the channels reversed (BGR for RGB). They are up to 255 levels*",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_denorm/*")


def test_a_difference_leaves_a_picture_and_is_on_the_review_page(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(colors=PIPELINES)
    pytester.makeini(f"{INI}denorm_same = val serve\n")
    report = pytester.path / "review.html"
    pytester.runpytest(
        "--denorm", "-k", "same", "--denorm-pictures", "--denorm-results=out", f"--denorm-report={report}"
    )
    (image,) = (pytester.path / "out").rglob("*-comparison.png")
    assert image.read_bytes().startswith(b"\x89PNG")
    page = report.read_text()
    assert "channel-order: serve has the channels reversed" in page
    assert "comparison.png" in page or "data:image/png" in page


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("train vall", "denorm_same: 'vall' is not in denorm_pipelines. Did you mean 'val'?"),
        ("train xyz", "denorm_same: 'xyz' is not in denorm_pipelines. There are: train, val, serve."),
        ("train", "denorm_same: 'train': expected two or more different names of denorm_pipelines."),
        ("train train", "denorm_same: 'train train': expected two or more different names of denorm_pipelines."),
    ],
)
def test_a_mistake_in_the_ini_is_told(pytester: pytest.Pytester, line: str, says: str) -> None:
    pytester.makepyfile(colors=PIPELINES)
    pytester.makeini(f"{INI}denorm_same = {line}\n")
    result = pytester.runpytest("--denorm")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert says in " ".join((result.stdout.str() + result.stderr.str()).split())


class TestCommand:
    @pytest.fixture(autouse=True)
    def project(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "palette.py").write_text(PIPELINES)
        (tmp_path / "preprocessor_config.json").write_text(
            json.dumps({"image_mean": [0.5] * 3, "image_std": [0.5] * 3})
        )
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("NO_COLOR", "1")

    def test_the_same(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["compare", "train=palette:train", "val=palette:val"]) == 0
        assert capsys.readouterr().out.startswith("train and val see the same colors, ")

    def test_a_server_that_reads_bgr(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["compare", "palette:train", "serve=palette:cv2_code", "--reads", "serve=bgr"]) == 0
        assert main(["compare", "palette:train", "serve=palette:cv2_code", "--reads", "bgr", "--strict"]) == 1
        assert "dtype: palette:train gives float32, serve float64." in capsys.readouterr().out

    def test_a_configuration_and_a_figure(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        command = ["compare", "palette:val", "preprocessor_config.json", "--figure", "look.png", "--json"]
        assert main(command) == 1
        found = json.loads(capsys.readouterr().out)
        assert found["kind"] == "other-preset"
        assert (tmp_path / "look.png").read_bytes().startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            (["palette:val"], "there is one pipeline to compare: expected two."),
            (["palette:val", "palette:val"], "'palette:val' stands twice: expected different pipelines, or NAME=SPEC."),
            (
                ["palette:val", "clip", "--figure", "look.txt"],
                "the figure is 'look.txt': expected the name of a .png file.",
            ),
            (["palette:val", "clip", "--reads", "a=bgr", "--reads", "path"], "--reads was given several times"),
        ],
    )
    def test_what_cannot_be_used(self, given: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["compare", *given]) == 2
        assert says in " ".join(capsys.readouterr().err.split())
