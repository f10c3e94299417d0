"""Baselines survive renamed tests, merges, flaky tests, pointers, optimizers and other platforms."""

from __future__ import annotations

import json
import shutil
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

DRAWS = "@image_compare\ndef test_{name}():\n    return grid(photos{change})\n"


def lines(project: Any, *arguments: str) -> pytest.LineMatcher:
    return project.run(*arguments).stdout


# --- renamed tests ---


def test_a_new_name_with_the_pixels_of_an_orphan_is_proposed_as_a_rename(project: Any) -> None:
    project.write(DRAWS.format(name="old", change=""))
    project.update()
    project.write(DRAWS.format(name="new", change=""))
    said = project.run()
    said.assert_outcomes(failed=1)
    said.stdout.fnmatch_lines(
        [
            "  renamed?: the pixels are those of baseline_images/test_old.png, which no collected test uses",
            "If the test was renamed:",
            "    git mv baseline_images/test_old.png baseline_images/test_new.png",
        ]
    )
    lines(project, "--denorm-update=missing").fnmatch_lines(
        ["baseline_images/test_new.png has the pixels of baseline_images/test_old.png, * git mv -f *"]
    )


def test_a_new_baseline_beside_an_orphan_of_other_pixels_is_said_to_be_so(project: Any) -> None:
    project.write(DRAWS.format(name="old", change=""))
    project.update()
    project.write(DRAWS.format(name="new", change=" ^ 1"))
    lines(project, "--denorm-update=missing").fnmatch_lines(
        ["1 baseline that no test uses beside those just written: baseline_images/test_old.png. If a test *"]
    )


def test_a_digest_of_a_renamed_test_is_found_as_well(project: Any) -> None:
    project.write(DRAWS.format(name="old", change=""))
    project.update("--denorm-baselines=digests")
    project.write(DRAWS.format(name="new", change=""))
    lines(project, "--denorm-baselines=digests").fnmatch_lines(
        ["  renamed?: the pixels are those of baseline_images/digests.json (test_old.png), *"]
    )


# --- orphans ---


def test_an_orphan_is_known_by_the_manifest_after_an_optimizer_rewrote_it_and_its_folder_has_no_test(
    project: Any,
) -> None:
    project.write("@image_compare(baseline_dir='mine')\ndef test_old():\n    return grid(photos)\n")
    project.update()
    path = project.path / "mine/test_old.png"
    Image.fromarray(np.asarray(Image.open(path))).save(path, optimize=True)  # without the text chunk
    project.run(passed=1)
    project.write("def test_nothing(): ...\n")
    lines(project, "--denorm-unused=warn").fnmatch_lines(["1 unused, * mine/test_old.png; *"])
    shutil.rmtree(project.path / "results")  # nothing is known of it any more
    lines(project, "--denorm-unused=delete").no_fnmatch_line("*test_old*")
    assert path.exists()


@pytest.mark.parametrize(
    "change",
    [
        ("['a', 'b']", "[]"),
        ("@image_compare", "@pytest.mark.skip\n@image_compare"),
        ("@image_compare", "@pytest.mark.xfail(run=False)\n@image_compare"),
        ("@image_compare", "@pytest.mark.xfail(strict=False)\n@image_compare"),
    ],
    ids=["no parameters", "skip", "xfail, not run", "xfail"],
)
def test_a_test_that_does_not_run_today_keeps_its_baselines(project: Any, change: tuple[str, str]) -> None:
    body = "@pytest.mark.parametrize('x', ['a', 'b'])\n@image_compare\ndef test_p(x):\n    return grid(photos)\n"
    project.write(body)
    project.update(passed=2)
    project.write(body.replace(*change))
    project.run("--denorm-unused=delete")
    assert project.names() == {"test_p_a.png", "test_p_b.png"}


# --- digests ---


@pytest.fixture
def digests(project: Any) -> Any:
    project.write(DRAWS.format(name="a", change="") + DRAWS.format(name="b", change=" ^ 1"))
    project.update("--denorm-baselines=digests", passed=2)
    return project


def test_a_digest_names_the_tiles_that_changed(digests: Any) -> None:
    digests.write("photos[3, 1, 2, 2] ^= 1\nphotos[7] //= 2\n" + DRAWS.format(name="a", change=""))
    lines(digests, "--denorm-baselines=digests").fnmatch_lines(
        ["the pixels are not those of test_a.png in baseline_images/digests.json.", "  tiles:    tiles 3, 7 of 8"]
    )


def test_the_image_beside_a_digest_is_compared_with(digests: Any) -> None:
    digests.run("--denorm-update=all")  # stores both
    digests.write(DRAWS.format(name="a", change="[:, [2, 1, 0]]"))
    lines(digests, "--denorm-baselines=digests").fnmatch_lines(["  diagnosis: all tiles: channels reversed *"])


def conflict(project: Any) -> str:
    """Two branches changed one entry, and each added one of its own."""
    path = project.baselines / "digests.json"
    found = json.loads(path.read_text())
    line = '  "test_{}.png": {}'
    mine, other = (json.dumps(found[f"test_{one}.png"]) for one in "ab")
    text = "\n".join(
        [
            *("{", "<<<<<<< HEAD", line.format("a", mine) + ","),
            *("=======", line.format("a", other) + ",", line.format("c", mine) + ",", ">>>>>>> branch"),
            *(line.format("b", other), "}", ""),
        ]
    )
    path.write_text(text)
    return text


def test_a_merge_conflict_fails_the_disputed_entry_alone_and_keeps_both_sides(digests: Any) -> None:
    conflict(digests)
    digests.write(DRAWS.format(name="b", change=" ^ 1") + "".join(DRAWS.format(name=one, change="") for one in "acd"))
    result = digests.run("--denorm-baselines=digests")
    result.assert_outcomes(passed=2, failed=2)  # d is new
    result.stdout.fnmatch_lines(
        ["baseline_images/digests.json holds a merge conflict over test_a.png: two branches changed it."]
    )
    digests.run("--denorm-baselines=digests", "--denorm-update=missing").assert_outcomes(passed=3, failed=1)
    text = (digests.baselines / "digests.json").read_text()
    assert [text.count(one) for one in ("<<<<<<<", '"test_a.png"', '"test_d.png"')] == [1, 2, 1]
    digests.run("--denorm-baselines=digests", "--denorm-update=failed").assert_outcomes(passed=4)
    assert set(json.loads((digests.baselines / "digests.json").read_text())) == {f"test_{one}.png" for one in "abcd"}


# --- what is not stored ---


def test_a_git_lfs_pointer_is_never_written_over(project: Any) -> None:
    project.draw("photos")
    project.baselines.mkdir()
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    (project.baselines / "test_batch.png").write_bytes(pointer)
    for update in ("missing", "failed", "all"):
        result = project.run(f"--denorm-update={update}", failed=1)
        result.stdout.fnmatch_lines(["the baseline * is a Git LFS pointer, not the image: run git lfs pull."])
        result.stdout.no_fnmatch_line("*To accept*")
    assert (project.baselines / "test_batch.png").read_bytes() == pointer


FLAKY = {
    "counts": ("runs = []", "", "runs.append(1); return grid(photos // len(runs))", True),
    "torch": ("", "", "return grid(torch.rand(2, 3, 8, 8))", True),
    "numpy": ("", "", "return grid(np.random.rand(2, 3, 8, 8))", True),
    "seeded inside": ("", "", "torch.manual_seed(0); return grid(torch.rand(2, 3, 8, 8))", False),
    "seeded by a fixture": ("", "torch.manual_seed(3)", "return grid(torch.rand(2, 3, 8, 8))", False),
    "numpy, by a fixture": ("", "np.random.seed(3)", "return grid(np.random.rand(2, 3, 8, 8))", False),
}


@pytest.mark.parametrize("kind", FLAKY)
def test_the_first_draw_of_a_flaky_test_is_not_stored(project: Any, kind: str) -> None:
    before, fixture, body, refused = FLAKY[kind]
    project.write(
        f"{before}\n@pytest.fixture(autouse=True)\ndef seed():\n    {fixture or '...'}\n"
        f"@image_compare\ndef test_batch():\n    {body}\n"
    )
    np.random.random()
    torch.rand(1)
    result = project.update()
    result.assert_outcomes(failed=int(refused), passed=int(not refused))
    assert project.names() == (set() if refused else {"test_batch.png"})
    if refused:
        result.stdout.fnmatch_lines(["  not written: the test drew another image the second time, *"])


# --- platforms ---


def test_an_overlay_holds_the_baselines_of_one_platform(project: Any) -> None:
    project.write(DRAWS.format(name="a", change="") + DRAWS.format(name="b", change=""))
    project.update(passed=2)
    before = (project.baselines / "test_a.png").read_bytes()
    project.write(DRAWS.format(name="a", change=" ^ 1") + DRAWS.format(name="b", change=""))
    here = ("-o", "denorm_overlay=macos")
    project.run(*here, passed=1, failed=1)
    project.run(*here, "--denorm-update=failed", passed=2)
    assert [path.name for path in (project.baselines / "macos").iterdir()] == ["test_a.png"]
    assert (project.baselines / "test_a.png").read_bytes() == before
    for arguments in (here, ("--denorm-overlay=macos", "--mpl"), (*here, "--denorm-unused=fail")):
        project.run(*arguments, passed=2)
    project.run(passed=1, failed=1)
    project.write(DRAWS.format(name="c", change=""))
    project.run(*here, "--denorm-update=missing")
    assert (project.baselines / "test_c.png").exists()  # what is new is for all platforms


@pytest.mark.parametrize("folder", ["/etc", "../other"])
def test_an_overlay_lies_below_the_baselines(project: Any, folder: str) -> None:
    project.draw("photos")
    result = project.run(f"--denorm-overlay={folder}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*denorm_overlay is *: expected a folder below that of the baselines*"])
