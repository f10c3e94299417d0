"""Where each image test keeps its baseline: exact ones where the project says, others where pytest-mpl does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_denorm.plugin.image_plan import PLAN
from pytest_denorm.plugin.mpl import uses_hash_library

PLAIN = "@pytest.mark.mpl_image_compare({keywords})\ndef test_p(): ...\n"
EXACT = "@image_compare({keywords})\ndef test_p(): ...\n"


def items_of(project: Any, *arguments: str) -> list[pytest.Item]:
    """Of the file in a folder below the root."""
    plain = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:randomly")
    items, record = project.pytester.inline_genitems(*plain, *arguments)
    assert record.ret == pytest.ExitCode.OK
    return list(items)


def plans_of(project: Any, body: str, *arguments: str) -> dict[str, Any]:
    """The baseline of each test by the test's name, from the root; None where there is none."""
    (project.path / "sub").mkdir(exist_ok=True)
    project.write(body, "sub/test_it.py")
    (project.path / "sub/photos.npy").write_bytes((project.path / "photos.npy").read_bytes())
    items = items_of(project, *arguments)
    plans = {item.name: item.stash.get(PLAN, None) for item in items}
    places = {name: plan and plan.place for name, plan in plans.items()}
    return {
        name: place and (place.servers or place.path.relative_to(project.path).as_posix())
        for name, place in places.items()
    }


@pytest.mark.parametrize(
    ("keywords", "arguments", "path"),
    [
        ("", [], "baseline_images/test_p.png"),
        ("", ["--denorm-baseline-dir=there"], "there/test_p.png"),
        ("baseline_dir='mine'", ["--denorm-baseline-dir=there"], "sub/mine/test_p.png"),
        ("baseline_dir='../mine'", [], "mine/test_p.png"),
        ("filename='a b.png'", ["-o", "mpl-use-full-test-name=true"], "baseline_images/a b.png"),
        ("", ["-o", "mpl-use-full-test-name=true"], "baseline_images/test_it.test_p.png"),
        ("", ["--mpl-baseline-path=theirs"], "theirs/test_p.png"),
        ("", ["--mpl-baseline-path=theirs", "--mpl-baseline-relative"], "sub/theirs/test_p.png"),
        ("", ["-o", "mpl-baseline-path=theirs"], "theirs/test_p.png"),
        ("", ["--mpl-baseline-path=theirs", "--denorm-baseline-dir=there"], "there/test_p.png"),
        ("baseline_dir='https://x.org/,https://y.org/'", [], ("https://x.org/", "https://y.org/")),
        ("savefig_kwargs={'dpi': 50, 'format': 'png'}", [], "baseline_images/test_p.png"),
    ],
)
def test_an_exact_baseline_is_where_the_project_says(
    project: Any, keywords: str, arguments: list[str], path: Any
) -> None:
    assert plans_of(project, EXACT.format(keywords=keywords), *arguments) == {"test_p": path}


@pytest.mark.parametrize(
    ("keywords", "arguments", "path"),
    [
        ("", [], "sub/baseline/test_p.png"),
        ("", ["--mpl-baseline-path=theirs"], "theirs/test_p.png"),
        ("", ["--mpl-baseline-path=theirs", "--mpl-baseline-relative"], "sub/theirs/test_p.png"),
        ("", ["-o", "mpl-baseline-path=theirs"], "theirs/test_p.png"),
        ("", ["--mpl-baseline-path=https://x.org/"], ("https://x.org/",)),
        ("baseline_dir='mine'", ["--mpl-baseline-path=theirs"], "sub/mine/test_p.png"),
        ("baseline_dir='http://x.org/'", [], ("http://x.org/",)),
        ("filename='a.png'", [], "sub/baseline/a.png"),
        ("filename='a.png'", ["-o", "mpl-use-full-test-name=true"], "sub/baseline/test_it.test_p.png"),
        ("filename='X[b]/c.png.png'", [], "sub/baseline/X_b__c.png"),
        ("filename='a_.png'", [], "sub/baseline/a.png"),
        ("savefig_kwargs={'format': 'svg'}", [], None),
    ],
)
def test_another_baseline_is_where_pytest_mpl_has_it(
    project: Any, keywords: str, arguments: list[str], path: Any
) -> None:
    assert plans_of(project, PLAIN.format(keywords=keywords), *arguments) == {"test_p": path}


def test_pytest_mpl_may_be_loaded_as_a_module_or_be_off(project: Any) -> None:
    body, off = EXACT.format(keywords=""), ("-p", "no:pytest_mpl")
    assert plans_of(project, body, *off) == {"test_p": "baseline_images/test_p.png"}
    loaded = (*off, "-p", "pytest_mpl.plugin", "-o", "mpl-use-full-test-name=true")
    assert plans_of(project, body, *loaded) == {"test_p": "baseline_images/test_it.test_p.png"}


def test_full_names_have_the_class_and_parameters_theirs(project: Any) -> None:
    body = (
        "def test_other(): ...\n"
        "class TestIt:\n    @pytest.mark.parametrize('x', ['a/b', 'c'])\n    @{mark}\n    def test_p(self, x): ...\n"
    )
    full = ("-o", "mpl-use-full-test-name=true")
    assert plans_of(project, body.format(mark="pytest.mark.mpl_image_compare"), *full) == {
        "test_p[a/b]": "sub/baseline/test_it.TestIt.test_p_a_b.png",
        "test_p[c]": "sub/baseline/test_it.TestIt.test_p_c.png",
        "test_other": None,
    }
    assert plans_of(project, body.format(mark="image_compare"), *full) == {
        "test_p[a/b]": "baseline_images/test_it.TestIt.test_p_a_b-89327271.png",
        "test_p[c]": "baseline_images/test_it.TestIt.test_p_c.png",
        "test_other": None,
    }


def test_pytest_mpl_is_given_the_same_file_and_each_parameter_its_own(project: Any) -> None:
    project.write("@pytest.mark.parametrize('x', [1, 2])\n@image_compare(style='ggplot')\ndef test_p(x): ...\n")
    marks = [item.get_closest_marker("mpl_image_compare") for item in items_of(project)]
    for mark, name in zip(marks, ("test_p_1.png", "test_p_2.png"), strict=True):
        assert mark is not None
        assert mark.kwargs.items() >= {"filename": name, "style": "ggplot", "tolerance": 0, "denorm": True}.items()
        assert Path(mark.kwargs["baseline_dir"]) == project.baselines


def test_the_mark_of_another_test_is_left_as_it_is(project: Any) -> None:
    project.write(PLAIN.format(keywords="style='ggplot'"))
    (item,) = items_of(project)
    assert [mark.kwargs for mark in item.iter_markers("mpl_image_compare")] == [{"style": "ggplot"}]


def test_what_is_no_function_has_no_baseline(project: Any) -> None:
    project.pytester.makeconftest(
        """
        import pytest
        class Item(pytest.Item):
            def runtest(self): ...
        class File(pytest.File):
            def collect(self):
                item = Item.from_parent(self, name="it")
                item.add_marker(pytest.mark.mpl_image_compare(denorm=True))
                yield item
        def pytest_collect_file(file_path, parent):
            return File.from_parent(parent, path=file_path) if file_path.suffix == ".txt" else None
        """
    )
    (project.path / "a.txt").write_text("")
    (item,) = items_of(project)
    assert item.stash.get(PLAN, None) is None


TWO = "@{one}\ndef test_one(): ...\n@{other}\ndef test_two(): ...\n"


@pytest.mark.parametrize(
    ("one", "other", "refused"),
    [
        ("pytest.mark.mpl_image_compare({})", "pytest.mark.mpl_image_compare({})", False),
        ("image_compare(baseline_dir='baseline', {})", "pytest.mark.mpl_image_compare({})", True),
        ("image_compare({})", "image_compare({})", False),
        ("pytest.mark.mpl_image_compare({})", "image_compare(baseline_dir='baseline', {})", True),
        ("image_compare(baseline_dir='a', {})", "image_compare(baseline_dir='b', {})", False),
    ],
)
def test_an_exact_baseline_is_shared_on_purpose_alone(project: Any, one: str, other: str, refused: bool) -> None:
    project.write(TWO.format(one=one.format("filename='a.png'"), other=other.format("filename='a.png'")))
    result = project.run("--collect-only")
    assert result.ret == (pytest.ExitCode.USAGE_ERROR if refused else pytest.ExitCode.OK)
    if refused:
        result.stderr.fnmatch_lines(
            [
                "ERROR: two tests have the same baseline, *a.png:",
                "  test_photos.py::test_one",
                "  test_photos.py::test_two",
            ],
            consecutive=True,
        )


def test_names_that_some_file_systems_take_for_one_are_told(project: Any) -> None:
    project.write(TWO.format(one="image_compare(filename='a.png')", other="image_compare(filename='A.png')"))
    project.run("--collect-only").stderr.fnmatch_lines(
        [
            "ERROR: two tests have baselines that some file systems cannot tell apart, a.png and A.png in "
            f"{project.baselines}:",
            "  test_photos.py::test_one",
            "  test_photos.py::test_two",
        ],
        consecutive=True,
    )


@pytest.mark.parametrize("dist", [[], ["-n2"]], ids=["", "spread"])
def test_tests_of_two_roots_do_not_share_a_baseline_though_they_share_a_node_id(project: Any, dist: list[str]) -> None:
    files = [project.path / root / "tests/test_x.py" for root in "ab"]
    for file in files:
        file.parent.mkdir(parents=True)
        (file.parent.parent / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
        project.write("@image_compare\ndef test_p():\n    return grid(photos)\n", file)
        (file.parent / "photos.npy").write_bytes((project.path / "photos.npy").read_bytes())
    (project.path / "tox.ini").unlink()
    result = project.run("a", "b", "--denorm-update=all", *dist)
    result.assert_outcomes(passed=2)
    assert len({path.name for path in (project.path / "a/baseline_images").iterdir()}) == 2


def test_a_test_that_is_collected_twice_shares_its_baseline_with_itself(project: Any) -> None:
    project.draw()
    twice = items_of(project, "--keep-duplicates", "test_photos.py", "test_photos.py")
    assert [item.name for item in twice] == ["test_batch", "test_batch"]


@pytest.mark.parametrize(
    ("keywords", "arguments", "by_hash"),
    [
        ("", ["--mpl", "--mpl-hash-library=a.json"], True),
        ("", ["--mpl", "-o", "mpl-hash-library=a.json"], True),
        ("hash_library='a.json'", ["--mpl"], True),
        ("hash_library='a.json'", [], False),
        ("", ["--mpl-hash-library=a.json"], False),
        ("", ["--mpl"], False),
        ("skip_hash=True", ["--mpl", "--mpl-hash-library=a.json"], False),
        ("skip_hash=True, hash_library='a.json'", ["--mpl"], False),
    ],
)
def test_hashes_are_compared_where_pytest_mpl_is_told_to(
    project: Any, keywords: str, arguments: list[str], by_hash: bool
) -> None:
    project.write(EXACT.format(keywords=keywords))
    (item,) = items_of(project, *arguments)
    mark = item.get_closest_marker("mpl_image_compare")
    assert mark is not None
    assert uses_hash_library(mark, item.config) is by_hash


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            TWO.format(one="image_compare(filename='a.png')", other="image_compare(filename='A.png')"),
            "two tests have *",
        ),
        (EXACT.format(keywords="filename='a/b.png'"), "*test_p: image_compare was given filename='a/b.png': *"),
        (EXACT.format(keywords="savefig_kwargs={'format': 'svg'}"), "*test_p: image_compare compares pixels, *"),
    ],
)
@pytest.mark.parametrize("dist", [["-n2"], ["--dist=each", "--tx=popen"]], ids=["spread", "each"])
def test_what_a_worker_refuses_is_said(project: Any, body: str, message: str, dist: list[str]) -> None:
    pytest.importorskip("xdist")
    project.write(body)
    alone = project.run()
    alone.stderr.fnmatch_lines([f"ERROR: {message}"])
    said = [line for line in alone.errlines if line]
    result = project.run(*dist, "--denorm-unused=delete")
    assert (result.ret, alone.ret) == (pytest.ExitCode.USAGE_ERROR,) * 2
    assert "INTERNALERROR" not in result.stdout.str()
    result.stderr.fnmatch_lines(said, consecutive=True)
