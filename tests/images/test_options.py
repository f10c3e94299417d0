"""What image tests do unless they are told otherwise, the keywords of their mark, and what they are drawn under."""

from __future__ import annotations

import inspect
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import pytest
import pytest_mpl.plugin

from pytest_denorm import image_compare
from pytest_denorm.errors import SettingsError
from pytest_denorm.images.conditions import backend_of, style_of
from pytest_denorm.images.options import ImageOptions


def test_nothing_is_written_unless_it_is_asked_for() -> None:
    options = ImageOptions()
    assert (options.baseline_dir, options.compare, options.baselines) == ("baseline_images", "always", "images")
    assert (options.update, options.update_in_ci, options.unused) == ("", False, "")
    assert (options.results, options.report) == ("", "")


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"CI": "true"}, "CI"),
        ({"CI": "1", "BUILD_NUMBER": "7"}, "CI"),
        ({"CI": "False", "BUILD_NUMBER": "7"}, "BUILD_NUMBER"),
        ({"TF_BUILD": "True"}, "TF_BUILD"),
        ({"CI": "0"}, ""),
        ({"CI": "FALSE", "BUILD_NUMBER": ""}, ""),
    ],
)
def test_what_nobody_reviews_is_refused(environ: dict[str, str], found: str) -> None:
    for options, asked in (
        ({"update": "all", "unused": "delete"}, "--denorm-update=all"),
        ({"unused": "delete"}, "--denorm-unused=delete"),
        ({"unused": "fail"}, ""),
    ):
        ImageOptions(**options, update_in_ci=True).refuse_in_ci(environ)  # type: ignore[arg-type]
        if not found or not asked:
            ImageOptions(**options).refuse_in_ci(environ)  # type: ignore[arg-type]
            continue
        with pytest.raises(SettingsError) as caught:
            ImageOptions(**options).refuse_in_ci(environ)  # type: ignore[arg-type]
        assert str(caught.value) == (
            f"{asked} is refused under CI (the environment variable {found} is set): baselines that are written there "
            f"are reviewed by nobody. Run it on your machine and commit the files, or add --denorm-update-in-ci."
        )


def refused(root: Any, **options: str) -> str:
    with pytest.raises(SettingsError) as caught:
        ImageOptions(**options).refuse_paths(root)  # type: ignore[arg-type]
    return str(caught.value).replace(str(root), "ROOT")


def test_paths_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pages.html").mkdir()
    (tmp_path / "file").write_text("")
    for report in ("a.html", "A.HTM", "pages.html/a.htm", "new/below/a.html", ""):
        ImageOptions(report=report).refuse_paths(tmp_path)
    for folder in ("pages.html", "new/below", str(tmp_path), ""):
        ImageOptions(baseline_dir=folder, results=folder).refuse_paths(tmp_path)
    page = "expected the name of an .html file."
    assert refused(tmp_path, report="test_it.py") == f"denorm_report is ROOT/test_it.py: {page}"
    assert refused(tmp_path, report="pages.html") == f"denorm_report is ROOT/pages.html, a folder: {page}"
    for option, name in (("report", "file/a.html"), ("baseline_dir", "file/a/b"), ("results", "file/a")):
        said = refused(tmp_path, **{option: name})
        assert said == f"denorm_{option} is ROOT/{name}, and ROOT/file is no folder: expected a folder."
    assert refused(tmp_path, results="file") == "denorm_results is ROOT/file: expected a folder."


# --- the mark ---


def test_the_mark_is_pytest_mpls_and_exact() -> None:
    mark = image_compare(filename="a.png").mark
    exact = {"tolerance": 0, "deterministic": True, "denorm": True}
    assert (mark.name, mark.args, mark.kwargs) == ("mpl_image_compare", (), {"filename": "a.png", **exact})
    given = image_compare(tolerance=0, deterministic=False).mark.kwargs
    assert given == {**exact, "deterministic": False}
    with pytest.raises(TypeError) as caught:
        image_compare(tolerance=2)
    assert str(caught.value) == (
        "image_compare was given tolerance=2: it compares exactly, and any mark does so with a grid. For an inexact "
        "comparison draw with axes.imshow(grid(images).pixels), return matplotlib's figure from a test under "
        "pytest.mark.mpl_image_compare(tolerance=2), and run pytest --mpl."
    )
    with pytest.raises(TypeError, match=r"^image_compare takes keywords only, such as image_compare\(filename="):
        image_compare("a.png")  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("keywords", "near"),
    [
        ({"file_name": "a.png"}, " Did you mean filename?"),
        ({"filename": "a.png", "basline_dir": "a"}, " Did you mean baseline_dir?"),
        ({"backend_dir": "a"}, " Did you mean backend?"),  # more so than baseline_dir
        ({"denorm": True}, ""),
    ],
)
def test_a_keyword_that_the_mark_does_not_have_is_refused(keywords: dict[str, Any], near: str) -> None:
    with pytest.raises(TypeError) as caught:
        image_compare(**keywords)
    name, value = list(keywords.items())[-1]
    assert str(caught.value) == (
        f"image_compare was given {name}={value!r}: expected baseline_dir, filename, savefig_kwargs, style, backend, "
        f"remove_text, hash_library, skip_hash, tolerance or deterministic.{near}"
    )


def test_the_keywords_of_the_mark_are_those_that_pytest_mpl_reads() -> None:
    source = inspect.getsource(pytest_mpl.plugin)
    read = set(re.findall(r"""compare\.kwargs(?:\.get\(|\[)["'](\w+)["']""", source))
    assert {"filename", "backend", "deterministic"} < read
    assert image_compare(**{"tolerance": 0} | dict.fromkeys(read - {"tolerance"})).kwargs.keys() == read | {"denorm"}


# --- conditions ---


def test_a_style_holds_alone_whatever_was_set_before() -> None:
    default = matplotlib.rcParamsDefault
    with matplotlib.rc_context({"lines.linewidth": 7, "axes.facecolor": "red"}):
        with style_of("ggplot"):
            assert plt.rcParams["axes.facecolor"] == "#E5E5E5"
            assert plt.rcParams["lines.linewidth"] == default["lines.linewidth"] != 7
        assert (plt.rcParams["lines.linewidth"], plt.rcParams["axes.facecolor"]) == (7, "red")


def test_a_backend_holds_inside_is_put_back_and_is_named_if_it_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    switch = plt.switch_backend
    monkeypatch.setattr(plt, "switch_backend", lambda backend: (calls.append(backend), switch(backend)))
    for name in (None, "agg", "AGG", "svg", "pdf"):
        with suppress(ZeroDivisionError), backend_of(name, "it"):
            assert matplotlib.get_backend() == (name or "agg").lower()
            raise ZeroDivisionError
        assert matplotlib.get_backend() == "agg"
    assert calls == ["svg", "agg", "pdf", "agg"]
    for unknown in ("nope", 3):
        with pytest.raises(SettingsError) as caught, backend_of(unknown, "the backend of image_compare"):
            raise AssertionError("nothing is drawn")
        said = str(caught.value)
        assert said.startswith(f"the backend of image_compare is {unknown!r}, a backend that matplotlib cannot load: ")
        assert said.endswith(". Expected the name of one that works here, such as 'agg'.")
        assert matplotlib.get_backend() == "agg"
