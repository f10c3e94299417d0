"""Baselines that no test uses are told by sessions that collect every test, and by no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pytest_denorm.images.png import encode_baseline
from pytest_denorm.plugin.image_collection import Collection

#: A baseline, as it is written.
OLD = encode_baseline(np.zeros((2, 3, 3), np.uint8))

ONE = "@image_compare({keywords})\ndef test_{name}():\n    return grid(photos)\n"
NONE = "def test_nothing(): ...\n"
FOUND = ["1 unused, no collected test compares with them: baseline_images/old.png"]


@pytest.fixture
def tree(project: Any) -> Any:
    """Tests in two folders, and baselines of which one is not used."""
    for name in ("tests/test_a.py", "tests/deep/test_b.py"):
        path = project.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(NONE)
    project.baselines.mkdir()
    (project.baselines / "old.png").write_bytes(OLD)
    return project


def notes(project: Any, *arguments: str, wish: str = "warn") -> list[str]:
    """What a session says of unused baselines."""
    lines = project.run(f"--denorm-unused={wish}", "--denorm-compare=never", *arguments).stdout.lines
    return [
        line.partition(";")[0] for line in lines if "unused" in line and not line.startswith(("rootdir", "configfile"))
    ]


def not_looked(reason: str) -> list[str]:
    return [f"unused baselines were not looked for: {reason}."]


#: Arguments of sessions, and why they may not know every test; nothing where they do.
SESSIONS = [
    ([], ""),
    (["tests/../tests"], ""),
    (["tests/deep/test_b.py", "tests/test_a.py"], ""),
    (["--ignore=other", "--ignore-glob=*_c.py"], ""),
    (["-k", "none"], ""),
    (["--deselect=tests/deep"], ""),
    (["tests/test_a.py"], "tests/deep/test_b.py was not collected"),
    (["tests", "tests/test_a.py::test_nothing"], "only tests/test_a.py::test_nothing was asked for"),
    (["--ignore=tests/deep/test_b.py"], "tests/deep/test_b.py was not collected"),
    (["--ignore-glob=tests/d*"], "tests/deep/test_b.py was not collected"),
    (["--lf", "-p", "cacheprovider"], "--lf may leave out files"),
]


@pytest.mark.parametrize(("arguments", "reason"), SESSIONS)
def test_a_partial_session_says_why_it_looks_for_none(tree: Any, arguments: list[str], reason: str) -> None:
    assert notes(tree, *arguments) == (not_looked(reason) if reason else FOUND)
    if reason:
        notes(tree, *arguments, wish="delete")
        assert tree.names() == {"old.png"}


def test_each_wish_is_followed(tree: Any) -> None:
    assert tree.run().ret == pytest.ExitCode.OK
    tree.run().stdout.no_fnmatch_line("*unused*")
    assert tree.run("--denorm-unused=warn").ret == pytest.ExitCode.OK
    assert tree.run("--denorm-unused=fail").ret == pytest.ExitCode.TESTS_FAILED
    assert notes(tree, wish="fail") == [f"ERROR: {FOUND[0]}"]
    would = ["would delete 1 unused, but no test was to run: baseline_images/old.png"]
    for option in ("--collect-only", "--setup-only", "--fixtures"):
        assert notes(tree, option, wish="delete") == would
    assert tree.names() == {"old.png"}
    assert notes(tree, wish="delete") == ["deleted 1 unused: baseline_images/old.png"]
    assert notes(tree, wish="delete") == []


@pytest.mark.parametrize("asked", ["--denorm-update=all", "--denorm-unused=delete"])
def test_nothing_is_written_under_ci_unless_it_is_allowed(
    tree: Any, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    tree.draw("photos")
    monkeypatch.setenv("TF_BUILD", "True")
    refused = tree.run(asked)
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines([f"ERROR: {asked} is refused under CI (the environment variable TF_BUILD is set): *"])
    assert tree.names() == {"old.png"}
    tree.run("--denorm-update=all", "--denorm-update-in-ci", passed=3)


def test_tests_that_are_deselected_use_their_baselines(tree: Any) -> None:
    """Also in the eyes of a worker."""
    light = "@image_compare\ndef test_one(): ...\n@pytest.mark.slow\n@image_compare\ndef test_slow(): ...\n"
    (tree.path / "test_light.py").write_text(f"import pytest\nfrom pytest_denorm import image_compare\n{light}")
    for name in ("test_one.png", "test_slow.png"):
        (tree.baselines / name).write_bytes(OLD)
    tree.pytester.makeini("[pytest]\nmarkers = slow\naddopts = -m 'not slow'\n")
    assert notes(tree) == FOUND
    notes(tree, "-n1", wish="delete")
    assert tree.names() == {"test_one.png", "test_slow.png"}


def test_tests_that_are_deselected_too_early_are_not_known(tree: Any) -> None:
    tree.pytester.makepyfile(
        early="""
        import pytest

        class Early:
            @pytest.hookimpl(tryfirst=True)
            def pytest_collection_modifyitems(self, config, items):
                config.hook.pytest_deselected(items=items[:1])
                del items[:1]

        def pytest_sessionstart(session):
            session.config.pluginmanager.register(Early())
    """
    )
    tree.pytester.syspathinsert()
    reason = "another plugin deselected 1 test before the baselines were known"
    assert notes(tree, "-p", "early", wish="delete") == not_looked(reason)
    assert tree.names() == {"old.png"}


@pytest.mark.parametrize("trouble", ["raise pytest.UsageError", "pytest.exit('enough')", "raise RuntimeError"])
def test_a_session_that_is_cut_short_deletes_nothing(tree: Any, trouble: str) -> None:
    """What is in use may not be known yet."""
    tree.pytester.makeconftest(
        f"import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_collection_modifyitems():\n    {trouble}\n"
    )
    tree.run("--denorm-unused=delete")
    assert tree.names() == {"old.png"}


def test_images_of_others_are_left_alone(tree: Any) -> None:
    """A mark's folder may hold images that the tests read."""
    tree.write(ONE.format(keywords="baseline_dir='tests'", name="mine"))
    for name in ("gone.png", "test_mine.png"):
        (tree.path / "tests" / name).write_bytes(OLD)
    Image.new("RGB", (8, 8), "red").save(tree.path / "tests/input.png")
    (tree.path / "tests/folder.png").mkdir()
    (tree.baselines / "empty.png").write_bytes(b"")
    others = "baseline_images/empty.png, tests/folder.png, tests/input.png"
    alone = f"3 left alone, no collected test compares with them, but pytest-denorm did not write them: {others}"
    known = "2 unused, no collected test compares with them: baseline_images/old.png, tests/gone.png"
    said = {
        "warn": f"{known}; delete them with --denorm-unused=delete",
        "fail": f"ERROR: {known}; delete them with *",
        "delete": "deleted 2 unused: baseline_images/old.png, tests/gone.png",
    }
    for wish, line in said.items():
        result = tree.run(f"--denorm-unused={wish}", "--denorm-compare=never")
        result.stdout.fnmatch_lines([line, alone], consecutive=True)
    assert tree.names() == {"empty.png"}
    assert sorted(path.name for path in (tree.path / "tests").glob("*.png")) == [
        *("folder.png", "input.png", "test_mine.png")
    ]
    assert tree.run("--denorm-unused=fail", "--denorm-compare=never").ret == pytest.ExitCode.OK


def test_what_cannot_be_deleted_or_read_fails_the_session(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        result = tree.run("--denorm-unused=delete")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR: *old.png cannot be deleted: Permission denied."])
    (tree.baselines / "digests.json").write_text("[]")
    result = tree.run("--denorm-unused=warn")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR: *digests.json is not a library of digests: *"])


def test_every_folder_that_a_test_names_is_looked_at(tree: Any) -> None:
    tree.write(
        NONE
        + ONE.format(keywords="baseline_dir='mine'", name="mine")
        + ONE.format(keywords="", name="here")
        + "@pytest.mark.mpl_image_compare\ndef test_theirs(): ...\n"
        + "@pytest.mark.mpl_image_compare(baseline_dir='baseline_images', filename='used.png')\ndef test_p(): ...\n"
    )
    names = ["mine/test_mine.png", "mine/old.png", "baseline/old.png"]
    names += [f"baseline_images/{name}" for name in ("test_here.png", "used.png", "deep/old.png", "old.txt")]
    for name in names:
        (tree.path / name).parent.mkdir(exist_ok=True)
        (tree.path / name).write_bytes(OLD)
    found = "baseline_images/old.png, mine/old.png, baseline/old.png"
    assert notes(tree) == [f"3 unused, no collected test compares with them: {found}"]


def test_files_and_digests_are_deleted_and_no_others(tree: Any) -> None:
    tree.write(ONE.format(keywords="", name="here"))
    (tree.baselines / "test_here.png").write_bytes(OLD)
    digests = {"test_here.png": "0" * 64, "gone.png": "1" * 64, "old.png": "2" * 64}
    (tree.baselines / "digests.json").write_text(json.dumps(digests))
    names = "baseline_images/old.png, baseline_images/digests.json (gone.png), baseline_images/digests.json (old.png)"
    assert notes(tree) == [f"3 unused, no collected test compares with them: {names}"]
    assert tree.digests() == digests
    assert notes(tree, wish="delete") == [f"deleted 3 unused: {names}"]
    assert tree.digests() == {"test_here.png": "0" * 64}
    assert tree.names() == {"test_here.png", "digests.json"}


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("tests/conftest.py", "collect_ignore = ['deep']\n", "tests/deep/test_b.py was not collected"),
        ("tests/test_a.py", "raise RuntimeError\n", "tests/test_a.py was not collected (failed)"),
        (
            "tests/test_a.py",
            "import pytest\npytest.skip('absent', allow_module_level=True)",
            "tests/test_a.py was not collected (skipped)",
        ),
    ],
)
def test_what_was_not_collected_is_missed(tree: Any, file: str, text: str, reason: str) -> None:
    (tree.path / file).write_text(text)
    assert notes(tree) == not_looked(reason)


def test_files_of_one_node_id_are_two(tree: Any) -> None:
    """Below another root, the other test_a.py has the node id of the one that is left out."""
    other = tree.path.parent / f"{tree.path.name}-other"
    (other / "tests").mkdir(parents=True)
    (other / "tests/test_a.py").write_text(NONE)
    arguments = ("--import-mode=importlib", f"--rootdir={tree.path}", str(tree.path / "tests/deep"), str(other))
    (note,) = notes(tree, *arguments, wish="delete")
    assert f"{other / 'tests/test_a.py'} lies outside of {tree.path}, " in note
    assert tree.names() == {"old.png"}


# --- without a session ---


class Folders:
    """A root folder with tests, and others beside it; sessions are called from below."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pytester, self.top = pytester, pytester.path
        self.root = self.top / "root"
        (self.root / "below").mkdir(parents=True)
        monkeypatch.chdir(self.root / "below")

    def add(self, *names: str) -> list[str]:
        for name in names:
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return [str(self.top / name) for name in names]

    def gap(self, collected: list[str], ini: str = "", *arguments: str, status: Any = 0) -> str:
        (self.root / "pytest.ini").write_text(f"[pytest]\n{ini}\n")
        collection = Collection()
        collection.files.update(collected)
        return collection.gap_in(self.pytester.parseconfig("--rootdir=..", "-c", "../pytest.ini", *arguments), status)


@pytest.fixture
def folders(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Folders:
    return Folders(pytester, monkeypatch)


def test_why_a_session_may_have_left_out_tests(folders: Folders) -> None:
    files = folders.add("root/test_a.py")
    assert folders.gap(files) == ""
    assert folders.gap([]) == "test_a.py was not collected"  # as seen from the root folder
    selected = ("../test_a.py::test_b", "../test_a.py::test_a")
    assert folders.gap(files, "", *selected) == "only ../test_a.py::test_b was asked for"
    assert folders.gap(files, "", "-p", "no:cacheprovider") == ""
    known = Collection()
    known.note_gap("a worker was lost")
    assert known.gap_in(folders.pytester.parseconfig(), 0) == "a worker was lost"
    for status in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        assert folders.gap(files, status=status) == "the session was cut short"
    for status in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        assert folders.gap(files, status=status) == ""


def test_tests_that_the_testpaths_name_elsewhere_are_tests_too(folders: Folders) -> None:
    own = folders.add("root/test_a.py")
    near = folders.add("near/tests/test_b.py")
    deep = folders.add("near/deep/down/tests/test_c.py")
    folders.add("near/others/test_d.py")
    outside = f"{near[0]} lies outside of {folders.root}, and there may be more tests beside it"
    assert folders.gap([*own, *near]) == outside
    assert folders.gap([*own, *near], "testpaths = . ../near/tests") == ""
    assert folders.gap(own, "testpaths = ../near/t*") == "../near/tests/test_b.py was not collected"
    everywhere = "testpaths = ../near/**/tests"
    assert folders.gap([*own, *near], everywhere) == "../near/deep/down/tests/test_c.py was not collected"
    assert folders.gap([*own, *deep], everywhere) == "../near/tests/test_b.py was not collected"
    assert folders.gap([*own, *near, *deep], everywhere) == ""
    folders.add("root/beside/test_e.py")
    assert folders.gap(own, "testpaths = below") == "beside/test_e.py was not collected"


def test_which_files_are_tests(folders: Folders) -> None:
    own = folders.add("root/test_a.py")
    folders.add("root/environment/lib/test_b.py", "root/environment/pyvenv.cfg")
    assert folders.gap(own) == ""
    folders.add("root/deep/check.py")
    missed = "deep/check.py was not collected"
    for patterns in ("check.py", "deep/*.py", f"{folders.root}/deep/*.py", f"{folders.top}/*/check.py"):
        assert folders.gap(own, f"python_files = test_*.py {patterns}") == missed
    for patterns in ("eep/*.py", "/deep/*.py", f"{folders.top}/deep/*.py"):
        assert folders.gap(own, f"python_files = test_*.py {patterns}") == ""
    for avoided in ("deep", "de*", "root/deep", f"{folders.root}/deep"):
        assert folders.gap(own, f"python_files = *.py\nnorecursedirs = {avoided}") == ""
    assert folders.gap(own, "python_files = *.py\nnorecursedirs = eep") == missed
