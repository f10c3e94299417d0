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


FOUND = ["1 unused, no collected test compares with them: baseline_images/old.png"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["."],
        ["tests"],
        ["tests/test_a.py", "tests/deep"],
        ["tests/../tests"],
        ["tests/deep/test_b.py", "tests/test_a.py"],
        ["--ignore=other"],
        ["--ignore-glob=*_c.py"],
        ["-k", "nothing and not a.py"],
        ["-k", "none"],
        ["--deselect=tests/deep"],
    ],
)
def test_a_whole_session_finds_them(tree: Any, arguments: list[str]) -> None:
    assert notes(tree, *arguments) == FOUND


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["tests/test_a.py"], "tests/deep/test_b.py was not collected"),
        (["tests/deep"], "tests/test_a.py was not collected"),
        (["tests", "tests/test_a.py::test_nothing"], "only tests/test_a.py::test_nothing was asked for"),
        (["--ignore=tests/deep/test_b.py"], "tests/deep/test_b.py was not collected"),
        (["--ignore=tests/deep"], "tests/deep/test_b.py was not collected"),
        (["--ignore-glob=tests/d*"], "tests/deep/test_b.py was not collected"),
        (["--ignore-glob=*_b.py"], "tests/deep/test_b.py was not collected"),
    ],
)
def test_a_partial_session_says_why_it_looks_for_none(tree: Any, arguments: list[str], reason: str) -> None:
    for wish in ("warn", "delete"):
        assert notes(tree, *arguments, wish=wish) == [f"unused baselines were not looked for: {reason}."]
    assert tree.names() == {"old.png"}


def test_tests_that_are_deselected_use_their_baselines(tree: Any) -> None:
    tree.write(ONE.format(keywords="", name="one") + "@pytest.mark.slow\n" + ONE.format(keywords="", name="slow"))
    for name in ("test_one.png", "test_slow.png"):
        (tree.baselines / name).write_bytes(OLD)
    tree.pytester.makeini("[pytest]\nmarkers = slow\naddopts = -m 'not slow'\n")
    assert notes(tree) == FOUND
    assert notes(tree, wish="fail") == [f"ERROR: {FOUND[0]}"]
    notes(tree, "-n2", wish="delete")
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
    assert notes(tree, "-p", "early", wish="delete") == [f"unused baselines were not looked for: {reason}."]
    assert tree.names() == {"old.png"}


@pytest.mark.parametrize(
    ("ini", "found"),
    [
        ("testpaths = tests", True),
        ("testpaths = te*", True),
        ("testpaths = .", True),
        ("python_files = check_*.py test_*.py", False),
        ("norecursedirs = other", True),
        ("norecursedirs = o*", True),
        ("norecursedirs = oth", False),
        ("norecursedirs = */other", True),
        ("norecursedirs = r/other", False),
    ],
)
def test_the_ini_says_which_tests_there_are(tree: Any, ini: str, found: bool) -> None:
    (tree.path / "other").mkdir()
    (tree.path / "other/check_c.py").write_text(NONE)
    if "norecursedirs" in ini:
        (tree.path / "other/test_c.py").write_text(NONE)
    tree.pytester.makeini(f"[pytest]\n{ini}\n")
    arguments = [] if "testpaths" in ini else ["tests"]
    missed = f"other/{'check' if 'files' in ini else 'test'}_c.py"
    expected = FOUND if found else [f"unused baselines were not looked for: {missed} was not collected."]
    assert notes(tree, *arguments) == expected


@pytest.mark.parametrize(
    ("patterns", "name"),
    [
        ("tests/*.py", "tests/two.py"),
        ("tests/two.py tests/test_a.py", "tests/two.py"),
        ("tests/deep/*.py tests/test_a.py", "tests/deep/two.py"),
        ("s/*.py tests/test_a.py", None),
        ("/tests/*.py tests/test_a.py", None),
        ("*.py", "tests/two.py"),
    ],
)
def test_patterns_of_test_files_may_be_paths(tree: Any, patterns: str, name: str | None) -> None:
    (tree.path / "tests/deep/test_b.py").unlink()
    (tree.path / (name or "tests/two.py")).write_text(NONE)
    tree.pytester.makeini(f"[pytest]\npython_files = {patterns}\n")
    expected = FOUND if name is None else [f"unused baselines were not looked for: {name} was not collected."]
    assert notes(tree, "tests/test_a.py") == expected
    assert notes(tree) == FOUND


def test_tests_beside_the_testpaths_are_tests(tree: Any) -> None:
    (tree.path / "pkg/tests").mkdir(parents=True)
    (tree.path / "pkg/tests/test_two.py").write_text(NONE)
    tree.pytester.makeini("[pytest]\ntestpaths = tests\n")
    for wish in ("warn", "fail", "delete"):
        assert notes(tree, wish=wish) == [
            "unused baselines were not looked for: pkg/tests/test_two.py was not collected."
        ]
    assert notes(tree, "tests", "pkg") == FOUND


def test_tests_outside_of_the_root_folder_may_have_others_beside_them(tree: Any) -> None:
    outside = tree.path / "tests/test_a.py"
    (tree.path / "ci").mkdir()
    ini = tree.path / "ci/pytest.ini"
    ini.write_text("[pytest]\n")
    baselines = tree.baselines.rename(tree.path / "ci/baseline_images")
    reason = f"{outside} lies outside of {ini.parent}, and there may be more tests beside it"
    arguments = ("-c", str(ini))
    assert notes(tree, *arguments, str(outside), wish="delete") == [f"unused baselines were not looked for: {reason}."]
    assert (baselines / "old.png").exists()
    ini.write_text("[pytest]\ntestpaths = ../tests\n")
    missed = "../tests/deep/test_b.py was not collected"
    assert notes(tree, *arguments, str(outside), wish="delete") == [f"unused baselines were not looked for: {missed}."]
    assert len(notes(tree, *arguments, str(outside.parent))) == 1
    assert notes(tree, *arguments, str(outside.parent), wish="delete") == ["deleted 1 unused: baseline_images/old.png"]


def test_files_of_one_node_id_are_two(tree: Any) -> None:
    """Below another root, the other test_a.py has the node id of the one that is left out."""
    other = tree.path.parent / f"{tree.path.name}-other"
    (other / "tests").mkdir(parents=True)
    (other / "tests/test_a.py").write_text(NONE)
    arguments = ("--import-mode=importlib", f"--rootdir={tree.path}", str(tree.path / "tests/deep"), str(other))
    (note,) = notes(tree, *arguments, wish="delete")
    assert f"{other / 'tests/test_a.py'} lies outside of {tree.path}, " in note
    assert tree.names() == {"old.png"}


@pytest.mark.parametrize("option", ["--collect-only", "--setup-only", "--setup-plan", "--fixtures"])
def test_a_session_that_runs_no_test_deletes_nothing(tree: Any, option: str) -> None:
    assert notes(tree, option, wish="delete") == [
        "would delete 1 unused, but no test was to run: baseline_images/old.png"
    ]
    assert tree.names() == {"old.png"}
    assert notes(tree, option) == FOUND


@pytest.mark.parametrize("trouble", ["raise pytest.UsageError", "pytest.exit('enough')", "raise RuntimeError"])
def test_a_session_that_is_cut_short_deletes_nothing(tree: Any, trouble: str) -> None:
    """What is in use may not be known yet."""
    tree.pytester.makeconftest(
        f"import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_collection_modifyitems():\n    {trouble}\n"
    )
    tree.run("--denorm-unused=delete")
    assert tree.names() == {"old.png"}


def test_a_session_with_a_collision_deletes_nothing(tree: Any) -> None:
    tree.write("".join(ONE.format(keywords=f"filename='{name}.png'", name=name) for name in ("old", "OLD")))
    assert tree.run("--denorm-unused=delete").ret == pytest.ExitCode.USAGE_ERROR
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
    known = "baseline_images/old.png, tests/gone.png"
    said = {
        "warn": f"2 unused, no collected test compares with them: {known}; delete them with --denorm-unused=delete",
        "fail": f"ERROR: 2 unused, no collected test compares with them: {known}; delete them with *",
        "delete": f"deleted 2 unused: {known}",
    }
    for wish, line in said.items():
        result = tree.run(f"--denorm-unused={wish}", "--denorm-compare=never")
        result.stdout.fnmatch_lines([line, alone], consecutive=True)
    assert tree.names() == {"empty.png"}
    assert sorted(path.name for path in (tree.path / "tests").glob("*.png")) == [
        *("folder.png", "input.png", "test_mine.png")
    ]
    result = tree.run("--denorm-unused=fail", "--denorm-compare=never")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines([alone])


def test_what_cannot_be_deleted_is_told(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    result = tree.run("--denorm-unused=delete")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR: *old.png cannot be deleted: Permission denied."])


def test_the_tests_of_a_virtual_environment_are_not_missed(tree: Any) -> None:
    folder = tree.path / "environment/lib"
    folder.mkdir(parents=True)
    (folder / "test_c.py").write_text(NONE)
    (folder.parent / "pyvenv.cfg").write_text("")
    assert notes(tree, "tests") == FOUND
    (folder.parent / "pyvenv.cfg").unlink()
    assert notes(tree, "tests") == [
        "unused baselines were not looked for: environment/lib/test_c.py was not collected."
    ]


def test_a_session_in_a_folder_below_is_partial(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree.path / "tests/deep")
    assert notes(tree) == ["unused baselines were not looked for: tests/test_a.py was not collected."]
    assert notes(tree, "..") == FOUND


def test_what_a_conftest_leaves_out_is_missed(tree: Any) -> None:
    (tree.path / "tests/conftest.py").write_text("collect_ignore = ['deep']\n")
    assert notes(tree) == ["unused baselines were not looked for: tests/deep/test_b.py was not collected."]
    assert tree.names() == {"old.png"}


def test_what_was_not_collected_is_missed(tree: Any) -> None:
    (tree.path / "tests/test_a.py").write_text("raise RuntimeError\n")
    for arguments in ([], ["-k", "other"]):
        (note,) = notes(tree, *arguments)
        assert note == "unused baselines were not looked for: tests/test_a.py was not collected (failed)."


def test_every_folder_that_a_test_names_is_looked_at(tree: Any) -> None:
    tree.write(
        NONE
        + ONE.format(keywords="baseline_dir='mine'", name="mine")
        + ONE.format(keywords="", name="here")
        + "@pytest.mark.mpl_image_compare\ndef test_theirs(): ...\n"
    )
    for name in ("mine/test_mine.png", "mine/old.png", "baseline/old.png", "baseline_images/test_here.png"):
        (tree.path / name).parent.mkdir(exist_ok=True)
        (tree.path / name).write_bytes(OLD)
    (tree.baselines / "deep").mkdir()
    (tree.baselines / "deep/old.png").write_bytes(OLD)
    (tree.baselines / "old.txt").write_bytes(OLD)
    names = "baseline_images/old.png, mine/old.png, baseline/old.png"
    assert notes(tree) == [f"3 unused, no collected test compares with them: {names}"]
    assert notes(tree, "--denorm-baseline-dir=elsewhere") == [
        "2 unused, no collected test compares with them: mine/old.png, baseline/old.png"
    ]


def test_a_plain_mark_uses_its_baseline_as_well(tree: Any) -> None:
    tree.write(
        "@pytest.mark.mpl_image_compare(baseline_dir='baseline_images', filename='old.png')\ndef test_p(): ...\n"
    )
    assert notes(tree) == []


def test_files_and_digests_are_deleted_and_no_others(tree: Any) -> None:
    tree.write(ONE.format(keywords="", name="here"))
    (tree.baselines / "test_here.png").write_bytes(OLD)
    digests = {"test_here.png": "0" * 64, "gone.png": "1" * 64, "old.png": "2" * 64}
    (tree.baselines / "digests.json").write_text(json.dumps(digests))
    names = "baseline_images/old.png, baseline_images/digests.json (gone.png), baseline_images/digests.json (old.png)"
    assert notes(tree) == [f"3 unused, no collected test compares with them: {names}"]
    assert json.loads((tree.baselines / "digests.json").read_text()) == digests
    assert notes(tree, wish="delete") == [f"deleted 3 unused: {names}"]
    assert json.loads((tree.baselines / "digests.json").read_text()) == {"test_here.png": "0" * 64}
    assert tree.names() == {"test_here.png", "digests.json"}
    assert notes(tree, wish="delete") == []


def test_a_library_that_cannot_be_read_fails_the_session(tree: Any) -> None:
    (tree.baselines / "digests.json").write_text("[]")
    result = tree.run("--denorm-unused=warn")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR: *digests.json is not a library of digests: *"])


def test_nothing_is_said_or_done_unless_it_is_asked_for(tree: Any) -> None:
    result = tree.run()
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*unused*")
    assert Path(tree.baselines / "old.png").exists()


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
    assert folders.gap(files, "", "--lf") == "--lf may leave out files"
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
