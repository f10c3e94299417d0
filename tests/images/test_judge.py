"""One image test judged: what is said, what is written, and what is not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from photographs import crops
from PIL import Image

from pytest_denorm import GridFigure, Normalization, grid, preset
from pytest_denorm.core.files import write_whole
from pytest_denorm.errors import BaselineError
from pytest_denorm.images.baselines import DIGESTS, decode, digest, read_digests, write_digests
from pytest_denorm.images.judge import Case, Verdict, judge, pixels_of
from pytest_denorm.images.options import ImageOptions
from pytest_denorm.images.plan import Plan
from pytest_denorm.images.png import encode_png

FIGURE = grid(crops(2, 24))
PIXELS = FIGURE.pixels
OTHER = PIXELS ^ np.uint8(1)


def a_case(folder: Path, **options: Any) -> Case:
    return Case(
        plan=Plan(folder / "stored", "test_a.png", True),
        selector="test_a.py::test_a[x y]",
        options=ImageOptions(**options),
        results=folder / "results",
        stem="test_a",
        relative_to=folder,
        extra_arguments=("--denorm-baseline-dir=stored",),
        root=folder,
    )


def store(case: Case, pixels: np.ndarray[Any, Any]) -> None:
    write_whole(case.plan.path, encode_png(pixels))


def store_digest(case: Case, pixels: np.ndarray[Any, Any]) -> None:
    write_digests(case.plan.folder, {case.plan.filename: digest(pixels)})


def results(case: Case) -> dict[str, np.ndarray[Any, Any]]:
    """The pictures that are there, by what they show."""
    found = case.results.iterdir() if case.results.exists() else ()
    return {path.stem.removeprefix("test_a-"): np.asarray(Image.open(path)) for path in found}


def command(update: str) -> str:
    return f"    pytest --denorm-baseline-dir=stored 'test_a.py::test_a[x y]' --denorm-update={update}"


def test_an_equal_picture_leaves_nothing_behind(tmp_path: Path) -> None:
    case = a_case(tmp_path)
    store(case, PIXELS)
    verdict = judge(case, PIXELS, FIGURE)
    assert (verdict, verdict.failed, verdict.message) == (Verdict("equal"), False, "")
    assert not case.results.exists()


def test_a_missing_baseline_is_told_with_what_was_drawn(tmp_path: Path) -> None:
    case = a_case(tmp_path)
    verdict = judge(case, PIXELS, FIGURE)
    assert (verdict.status, verdict.failed) == ("missing", True)
    assert verdict.message.splitlines() == [
        "there is no baseline stored/test_a.png yet.",
        "  picture: results/test_a-result.png (result)",
        "To make it (look at it before you commit it):",
        command("missing"),
    ]
    assert verdict.facts == {"result_picture": str(case.results / "test_a-result.png")}
    assert list(results(case)) == ["result"]
    assert np.array_equal(results(case)["result"], PIXELS)
    assert not case.plan.folder.exists()


def test_a_different_picture_is_told_and_drawn_beside_its_baseline(tmp_path: Path) -> None:
    case = a_case(tmp_path)
    store(case, OTHER)
    verdict = judge(case, PIXELS, FIGURE)
    assert (verdict.status, verdict.failed) == ("different", True)
    lines = verdict.message.splitlines()
    assert lines[:2] == ["the picture differs from its baseline.", "  baseline:  stored/test_a.png"]
    assert "  untouched: no tile" in lines
    assert lines[-3:] == [
        "  picture:   results/test_a-comparison.png (baseline | result | difference x 255)",
        "To accept the new picture:",
        command("failed"),
    ]
    paths = {f"{kind}_picture": str(case.results / f"test_a-{kind}.png") for kind in ("result", "comparison")}
    assert verdict.facts.items() >= {**paths, "amplified": 255, "max_difference": 1}.items()
    assert results(case).keys() == {"result", "comparison"}
    height, width = 5 * np.array(PIXELS.shape[:2])  # enlarged
    panels = results(case)["comparison"]
    for left, shown in ((0, OTHER), (width + 8, PIXELS), (2 * (width + 8), (PIXELS != OTHER) * np.uint8(255))):
        assert np.array_equal(panels[:height:5, left : left + width : 5], shown)
    store(case, PIXELS)
    judge(case, PIXELS, FIGURE)
    assert results(case) == {}  # those of the earlier run are gone


def test_the_statistics_of_the_figure_explain_the_difference(tmp_path: Path) -> None:
    right, wrong = preset("imagenet"), Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.255))
    normalized = right.normalize(crops(2, 24).transpose(0, 3, 1, 2))
    case, figure = a_case(tmp_path), grid(normalized, wrong, channel_axis=1)
    store(case, PIXELS)
    lines = dict(judge(case, figure.pixels, figure).lines)
    assert lines["diagnosis"].endswith("looks like blue std 0.255 for 0.225")


def test_a_link_out_of_the_project_is_no_baseline(tmp_path: Path) -> None:
    root = tmp_path / "project"
    case = dataclasses.replace(a_case(root), root=root)
    write_whole(tmp_path / "elsewhere.png", encode_png(PIXELS))
    case.plan.folder.mkdir(parents=True)
    case.plan.path.symlink_to(tmp_path / "elsewhere.png")
    verdict = judge(case, PIXELS, FIGURE)
    assert verdict.status == "unreadable"
    assert "is a link that leads out of the project" in verdict.headline


def test_a_review_page_gets_every_picture(tmp_path: Path) -> None:
    case = a_case(tmp_path, report="review.html")
    store(case, PIXELS)
    assert judge(case, PIXELS, FIGURE).facts == {"result_picture": str(case.results / "test_a-result.png")}
    assert results(case).keys() == {"result"}
    store(case, OTHER)
    facts = judge(case, PIXELS, FIGURE).facts
    shown = results(case)
    assert {f"{kind}_picture" for kind in shown} == {name for name in facts if name.endswith("_picture")}
    assert shown.keys() == {"result", "baseline", "difference", "comparison"}
    assert np.array_equal(shown["result"], PIXELS)
    assert np.array_equal(shown["baseline"], OTHER)
    assert np.array_equal(shown["difference"] == 255, PIXELS != OTHER)


def test_a_baseline_that_cannot_be_read_is_told_as_such(tmp_path: Path) -> None:
    case = a_case(tmp_path)
    write_whole(case.plan.path, b"")
    verdict = judge(case, PIXELS, FIGURE)
    assert (verdict.status, verdict.failed) == ("unreadable", True)
    assert verdict.message.splitlines() == [
        "the baseline stored/test_a.png is an empty file: expected a PNG.",
        "  picture: results/test_a-result.png (result)",
        "To accept the new picture:",
        command("failed"),
    ]


@pytest.mark.parametrize("baselines", ["images", "digests"])
def test_a_digest_serves_where_there_is_no_picture(tmp_path: Path, baselines: str) -> None:
    case = a_case(tmp_path, baselines=baselines)
    store_digest(case, PIXELS)
    assert judge(case, PIXELS, FIGURE) == Verdict("equal")
    verdict = judge(case, OTHER, FIGURE)
    assert verdict.status == "different"
    assert verdict.message.splitlines() == [
        "the pixels are not those of test_a.png in stored/digests.json.",
        "  baseline: stored/test_a.png",
        f"  expected: sha256 {digest(PIXELS)}",
        f"  found:    sha256 {digest(OTHER)}",
        "  picture:  results/test_a-result.png (result)",
        "To accept the new picture:",
        command("failed"),
    ]


@pytest.mark.parametrize("update", ["", "failed", "all"])
def test_a_library_of_digests_that_cannot_be_read_is_to_be_repaired(tmp_path: Path, update: str) -> None:
    """An update would fail for the same reason, and is not advised."""
    case = a_case(tmp_path, baselines="digests", update=update)
    case.plan.folder.mkdir()
    library = case.plan.folder / DIGESTS
    library.write_text("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> branch\n")
    verdict = judge(case, PIXELS, FIGURE)
    assert (verdict.status, verdict.new_digest) == ("unreadable", None)
    assert verdict.message.splitlines() == [
        f"{library} is not JSON: it holds the marks of a merge conflict. Repair it, restore it from version control, "
        f"or delete it and make its digests anew with --denorm-update=missing.",
        "  picture: results/test_a-result.png (result)",
    ]
    library.unlink()
    anew = judge(a_case(tmp_path, baselines="digests", update="missing"), PIXELS, FIGURE)
    assert anew.new_digest == digest(PIXELS)


def test_of_a_digest_and_a_picture_the_one_counts_that_is_asked_for(tmp_path: Path) -> None:
    store(a_case(tmp_path), PIXELS)
    store_digest(a_case(tmp_path), OTHER)
    assert judge(a_case(tmp_path), PIXELS, FIGURE).status == "equal"
    assert judge(a_case(tmp_path, baselines="digests"), PIXELS, FIGURE).status == "different"


UPDATES = {"": (), "missing": ("missing",), "failed": ("missing", "different", "unreadable")}


@pytest.mark.parametrize("stored", ["missing", "different", "unreadable", "equal"])
@pytest.mark.parametrize("update", [*UPDATES, "all"])
def test_each_update_writes_what_it_says(tmp_path: Path, stored: str, update: str) -> None:
    case = a_case(tmp_path, update=update)
    if stored != "missing":
        write_whole(
            case.plan.path, {"different": encode_png(OTHER), "unreadable": b"", "equal": encode_png(PIXELS)}[stored]
        )
        stamp = case.plan.path.stat().st_mtime_ns
    verdict = judge(case, PIXELS, FIGURE)
    if stored in UPDATES.get(update, UPDATES["failed"]):
        assert verdict == Verdict("updated", facts={"written": "stored/test_a.png"})
        assert np.array_equal(decode(case.plan.path.read_bytes(), "it"), PIXELS)
        assert not case.results.exists()
    else:
        assert verdict.status == stored
        assert stored == "missing" or case.plan.path.stat().st_mtime_ns == stamp


def test_an_update_writes_again_what_is_encoded_otherwise(tmp_path: Path) -> None:
    case = a_case(tmp_path, update="all")
    write_whole(case.plan.path, encode_png(PIXELS, None, {"compress_level": 0}))
    assert judge(case, PIXELS, FIGURE).status == "updated"
    assert case.plan.path.read_bytes() == encode_png(PIXELS)


def test_an_update_keeps_digest_and_picture_in_step(tmp_path: Path) -> None:
    written = f"stored/{DIGESTS} (test_a.png)"
    case = a_case(tmp_path, update="all", baselines="digests")
    verdict = judge(case, PIXELS, FIGURE)
    assert (verdict.status, verdict.new_digest) == ("updated", digest(PIXELS))
    assert verdict.facts == {"written": written}
    assert not case.plan.path.exists()
    store_digest(case, PIXELS)
    assert judge(case, PIXELS, FIGURE) == Verdict("equal")
    assert judge(case, OTHER, FIGURE).new_digest == digest(OTHER)
    store(case, PIXELS)
    for baselines in ("digests", "images"):
        both = judge(a_case(tmp_path, update="all", baselines=baselines), OTHER, FIGURE)
        assert both.facts == {"written": f"{written}, stored/test_a.png"}
        assert both.new_digest == digest(OTHER)
        assert np.array_equal(decode(case.plan.path.read_bytes(), "it"), OTHER)
        store(case, PIXELS)
    assert set(read_digests(case.plan.folder)) == {"test_a.png"}  # written at the end of the session


@pytest.mark.parametrize("update", ["", "missing", "failed", "all"])
@pytest.mark.parametrize("stored", ["missing", "different", "equal"])
def test_an_expected_failure_keeps_its_baseline_unless_all_are_written(
    tmp_path: Path, update: str, stored: str
) -> None:
    said: list[str] = []
    case = dataclasses.replace(
        a_case(tmp_path, update=update), expected_to_fail=lambda message: said.append(message) or True
    )
    if stored != "missing":
        store(case, PIXELS if stored == "equal" else OTHER)
    verdict = judge(case, PIXELS, FIGURE)
    if update == "all" and stored != "equal":
        assert (verdict.status, "kept" in verdict.facts) == ("updated", False)
        assert np.array_equal(decode(case.plan.path.read_bytes(), "it"), PIXELS)
        return
    assert verdict.status == stored
    assert verdict.facts.get("kept") == (case.selector if stored in UPDATES.get(update, ()) else None)
    assert all(message.startswith(f"{verdict.headline}\n") for message in said)
    assert case.plan.path.exists() is (stored != "missing")
    if stored == "different":
        assert np.array_equal(decode(case.plan.path.read_bytes(), "it"), OTHER)


def test_an_expected_failure_that_no_update_can_write_is_not_said_to_be_kept(tmp_path: Path) -> None:
    case = dataclasses.replace(a_case(tmp_path, update="failed"), expected_to_fail=lambda message: True)
    write_whole(case.plan.folder / DIGESTS, b"{")
    store(case, OTHER)
    verdict = judge(case, PIXELS, FIGURE)
    assert (verdict.status, "kept" in verdict.facts) == ("different", False)


def test_an_update_that_cannot_be_written_fails(tmp_path: Path) -> None:
    case = a_case(tmp_path, update="all")
    case.plan.path.mkdir(parents=True)
    verdict = judge(case, PIXELS, FIGURE)
    assert (verdict.status, verdict.failed) == ("unreadable", True)
    assert verdict.headline == f"{case.plan.path} cannot be written: it is a folder. Remove it."
    assert results(case).keys() == {"result"}


def test_pictures_that_cannot_be_written_change_no_verdict(tmp_path: Path) -> None:
    case = a_case(tmp_path)
    case.results.write_text("")
    missing = judge(case, PIXELS, FIGURE)
    store(case, OTHER)
    verdict = judge(case, PIXELS, FIGURE)
    assert (missing.status, verdict.status) == ("missing", "different")
    for one in (missing, verdict):  # no path is named at which nothing is
        (told,) = [text for label, text in one.lines if label == "picture"]
        assert told.startswith(f"not written: {case.results}")
        assert not [name for name in one.facts if name.endswith("_picture")]
    store(case, PIXELS)
    assert judge(case, PIXELS, FIGURE).status == "equal"


def test_paths_are_told_from_here_unless_they_lead_upwards(tmp_path: Path) -> None:
    case = dataclasses.replace(a_case(tmp_path), relative_to=tmp_path / "stored")
    assert case.shown(case.plan.path) == "test_a.png"
    assert case.shown(tmp_path / "results") == str(tmp_path / "results")


def test_a_grid_is_its_pixels_whatever_the_mark_asks() -> None:
    assert pixels_of(FIGURE, {"remove_text": True, "savefig_kwargs": {"dpi": 7}}) is PIXELS


def test_another_figure_is_what_matplotlib_saves() -> None:
    figure, axes = plt.subplots(figsize=(1, 2))
    try:
        axes.set_title("cats")
        assert pixels_of(figure, {}).shape == (200, 100, 3)
        titled = pixels_of(figure, {"savefig_kwargs": {"dpi": 50}})
        assert titled.shape == (100, 50, 3)
        bare = pixels_of(figure, {"savefig_kwargs": {"dpi": 50}, "remove_text": True})
        assert not np.array_equal(bare, titled)
        with pytest.raises(
            BaselineError, match=r"^the figure has an alpha channel, and \d+ of its 5000 pixels are tran"
        ):
            pixels_of(figure, {"savefig_kwargs": {"dpi": 50, "transparent": True}})
    finally:
        plt.close(figure)


def test_a_grid_that_no_baseline_can_hold_is_refused() -> None:
    large = GridFigure(np.zeros((9_000, 10_000, 3), np.uint8), [])
    with pytest.raises(BaselineError, match=r"^the grid is 10,000 x 9,000 = 90,000,000 pixels \(width x height\): "):
        pixels_of(large, {})
