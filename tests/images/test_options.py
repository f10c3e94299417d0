"""What image tests do unless they are told otherwise, and what is refused under CI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_denorm.errors import SettingsError
from pytest_denorm.images.options import ImageOptions


def test_nothing_is_written_unless_it_is_asked_for() -> None:
    options = ImageOptions()
    assert (options.baseline_dir, options.compare, options.baselines) == ("baseline_images", "always", "images")
    assert (options.update, options.update_in_ci, options.unused) == ("", False, "")
    assert (options.results, options.report) == ("", "")


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"update": "missing"}, "--denorm-update=missing"),
        ({"update": "all", "unused": "delete"}, "--denorm-update=all"),
        ({"unused": "delete"}, "--denorm-unused=delete"),
    ],
)
@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"CI": "true"}, "CI"),
        ({"CI": "1", "BUILD_NUMBER": "7"}, "CI"),
        ({"BUILD_NUMBER": "7"}, "BUILD_NUMBER"),
        ({"CI": "False", "BUILD_NUMBER": "7"}, "BUILD_NUMBER"),
    ],
)
def test_what_nobody_reviews_is_refused(
    options: dict[str, Any], asked: str, environ: dict[str, str], found: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        ImageOptions(**options).refuse_in_ci(environ)
    assert str(caught.value) == (
        f"{asked} is refused under CI (the environment variable {found} is set): baselines that are written there are "
        f"reviewed by nobody. Run it on your machine and commit the files, or add --denorm-update-in-ci."
    )
    ImageOptions(**options, update_in_ci=True).refuse_in_ci(environ)


@pytest.mark.parametrize("environ", [{}, {"CI": ""}, {"CI": "0"}, {"CI": "false"}, {"CI": "FALSE", "BUILD_NUMBER": ""}])
def test_outside_of_ci_everything_is_allowed(environ: dict[str, str]) -> None:
    ImageOptions(update="all", unused="delete").refuse_in_ci(environ)


@pytest.mark.parametrize("unused", ["", "warn", "fail"])
def test_comparing_is_allowed_everywhere(unused: Any) -> None:
    ImageOptions(unused=unused).refuse_in_ci({"CI": "true", "BUILD_NUMBER": "7"})


# --- paths ---


def refused(root: Any, **options: str) -> str:
    with pytest.raises(SettingsError) as caught:
        ImageOptions(**options).refuse_paths(root)  # type: ignore[arg-type]
    return str(caught.value)


def test_paths_that_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "old.html").write_text("")
    for report in ("a.html", "A.HTM", "pages/a.htm", "new/below/a.html", "old.html", ""):
        ImageOptions(report=report).refuse_paths(tmp_path)
    for folder in ("pages", "new/below", str(tmp_path)):
        ImageOptions(baseline_dir=folder, results=folder).refuse_paths(tmp_path)
    ImageOptions(baseline_dir="", results="").refuse_paths(tmp_path / "nowhere")


def test_a_report_that_is_no_page_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pages.html").mkdir()
    (tmp_path / "file").write_text("")
    expected = ": expected the name of an .html file."
    assert refused(tmp_path, report="test_it.py") == f"denorm_report is {tmp_path / 'test_it.py'}{expected}"
    assert refused(tmp_path, report="pages.html") == f"denorm_report is {tmp_path / 'pages.html'}, a folder{expected}"
    assert refused(tmp_path, report="file/a.html") == (
        f"denorm_report is {tmp_path / 'file/a.html'}, and {tmp_path / 'file'} is no folder: expected a folder."
    )


@pytest.mark.parametrize("option", ["baseline_dir", "results"])
def test_a_folder_that_is_a_file_is_refused(tmp_path: Path, option: str) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file"
    assert refused(tmp_path, **{option: "file"}) == f"denorm_{option} is {path}: expected a folder."
    assert refused(tmp_path, **{option: "file/a/b"}) == (
        f"denorm_{option} is {path / 'a/b'}, and {path} is no folder: expected a folder."
    )
