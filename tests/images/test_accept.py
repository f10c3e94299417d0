"""What a session leaves for other programs: its manifest, the command that accepts from it, and GitHub's lines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pytest_denorm.cli.main import main
from pytest_denorm.errors import SettingsError
from pytest_denorm.images.accept import matcher
from pytest_denorm.images.digests import digest_of

TESTS = """
@image_compare
def test_bgr():
    return grid(photos{bgr})

@pytest.mark.parametrize("name", ["a", "b/c"])
@image_compare
def test_p(name):
    return grid(photos{p})

@image_compare
def test_same():
    return grid(photos)
"""


@pytest.fixture
def failed(project: Any) -> Any:
    """A project whose last session failed: one test with reversed channels, two with other images, one without any."""
    project.write(TESTS.format(bgr="", p=""))
    project.update(passed=4)
    project.write(
        TESTS.format(bgr="[:, [2, 1, 0]]", p="[:, :, :, 3:]")
        + "@image_compare\ndef test_new():\n    return photos[0]\n"
    )
    project.run(failed=4, passed=1)
    return project


def accept(*arguments: str) -> int:
    return main(["accept", *arguments])


def test_the_manifest_says_what_became_of_each_test(failed: Any) -> None:
    tests = failed.results()
    assert {name: (one["verdict"], one["kind"]) for name, one in tests.items()} == {
        "test_bgr": ("different", "channel-order"),
        "test_p[a]": ("different", "size"),
        "test_p[b/c]": ("different", "size"),
        "test_same": ("equal", ""),
        "test_new": ("missing", "new"),
    }
    one = tests["test_bgr"]
    assert (one["file"], one["baseline"], one["target"]) == ("test_photos.py", *["baseline_images/test_bgr.png"] * 2)
    assert Path(failed.path / one["file"]).read_text().splitlines()[one["line"] - 1] == "@image_compare"
    drawn = np.asarray(Image.open(failed.path / "results" / one["images"]["result"]).convert("RGB"))
    assert one["sha256"] == digest_of(drawn).sha256
    assert one["before"] == digest_of(failed.pixels("test_bgr.png")).sha256
    assert one["numbers"].keys() >= {"differing_pixels", "max_difference", "mean_difference", "psnr", "box"}
    assert "channels reversed" in one["diagnosis"]
    assert one["message"].startswith("the image differs from its baseline.")


@pytest.mark.parametrize(
    ("arguments", "passing"),
    [
        ([], 5),
        (["-k", "test_p[ and not b/c"], 2),
        (["-k", "new or (bgr and not p)"], 2),
        (["--only-diagnosis", "channel-order"], 2),
        (["--only-diagnosis", "size", "--only-diagnosis", "new"], 4),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)
def test_reviewed_images_are_accepted_without_running_again(
    failed: Any, arguments: list[str], passing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(failed.path)
    assert accept("results", *arguments) == 0
    failed.run(passed=passing, failed=5 - passing)


def test_an_artifact_that_was_downloaded_is_as_good(failed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    downloaded = failed.path.parent / "downloaded"
    shutil.move(failed.path / "results", downloaded)
    monkeypatch.chdir(failed.path.parent)
    assert accept(str(downloaded), "--root", str(failed.path)) == 0
    monkeypatch.chdir(failed.path)
    failed.run(passed=5)


def test_digests_are_accepted_as_digests(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project.draw("photos")
    project.update("--denorm-baselines=digests")
    project.draw("photos ^ 1")
    project.run("--denorm-baselines=digests", failed=1)
    monkeypatch.chdir(project.path)
    assert accept("results") == 0
    assert project.names() == {"digests.json"}
    project.run("--denorm-baselines=digests", passed=1)


def test_an_expected_failure_is_no_image_to_accept(failed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = failed.path / "test_photos.py"
    path.write_text(
        path.read_text().replace("@image_compare\ndef test_bgr", "@pytest.mark.xfail\n@image_compare\ndef test_bgr")
    )
    failed.run(failed=3, xfailed=1, passed=1)
    assert failed.results()["test_bgr"]["verdict"] == "expected to fail"
    monkeypatch.chdir(failed.path)
    assert accept("results") == 0
    failed.run(xfailed=1, passed=4)


def test_what_is_not_that_session_s_is_refused(
    failed: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(failed.path)
    path = failed.path / "results/results.json"
    whole = json.loads(path.read_text())
    Image.fromarray(failed.pixels("test_bgr.png") // 2).save(failed.baselines / "test_bgr.png")  # changed since
    Image.fromarray(np.zeros((3, 3, 3), np.uint8)).save(failed.path / "results/test_photos.py.test_new-result.png")
    for one, target in zip(whole["tests"][1:4], ("../outside.png", "test_photos.py", ""), strict=True):
        one |= {"target": target, "verdict": "different"}
    whole["tests"].append({**whole["tests"][0], "kind": "flaky"})
    path.write_text(json.dumps(whole))
    assert accept("results") == 1
    said = capsys.readouterr().err
    for text in (
        "test_bgr.png is not the baseline that its session compared with: run the test again.",
        "does not show what the test drew",
        "../outside.png lies outside of ",
        "test_photos.py is no name of a baseline.",
        "its baseline is on a server: replace it there.",
        "it drew another image the second time: seed what it draws at random.",
    ):
        assert text in " ".join(said.split())
    assert not (failed.path.parent / "outside.png").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "results.json does not exist"),
        ("{", "results.json is not JSON"),
        ('{"version": 9}', "no manifest of version 1"),
        ('{"version": 1, "tests": [{"test": 3}]}', "a test that is not described as version 1"),
    ],
)
def test_what_is_no_manifest_is_told(
    tmp_path: Path, content: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    assert accept(str(tmp_path)) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_selection_of_nothing_names_the_diagnoses(failed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert accept(str(failed.path / "results"), "--only-diagnosis", "channel-odor") == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "none of 4 failed image tests is selected. Their diagnoses: channel-order, new, size." in said


SELECTED = {"": "ab", "A": "a", "not a": "b", "a or b": "ab", "a and b": "", "not (a or b)": "", "t and (b)": "b"}


def test_expressions_select_as_those_of_pytest_do() -> None:
    for expression, selected in SELECTED.items():
        assert [one for one in ("a", "b") if matcher(expression)(f"t::{one}")] == list(selected)
    for expression in ("a b", "and", "(a", "a)", "not", "a or", "()"):
        with pytest.raises(SettingsError, match="-k cannot be read: "):
            matcher(expression)


def test_an_update_keeps_what_was_before(failed: Any) -> None:
    failed.run("--denorm-update=failed", "--denorm-report=page.html", passed=5)
    one = failed.results()["test_bgr"]
    assert one["verdict"] == "updated"
    assert one["kind"] == "channel-order"
    assert one["images"].keys() >= {"baseline", "result"}
    page = (failed.path / "page.html").read_text()
    assert 'alt="baseline of test_photos.py::test_bgr"' in page
    assert "channels reversed" in page


def test_github_gets_annotations_and_a_summary(failed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = failed.path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    result = failed.run()
    result.stdout.fnmatch_lines(["::error file=test_photos.py,line=*,title=test_bgr::all tiles: channels reversed *"])
    text = summary.read_text()
    assert "| all tiles: channels reversed (BGR for RGB) | `test_photos.py::test_bgr` | " in text
    assert "test_same" not in text
