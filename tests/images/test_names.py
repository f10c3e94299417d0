"""Names and places of baselines: legal and unique everywhere, where the project says, or where pytest-mpl does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_denorm.images.names import is_legal, legal_stem, result_stem
from pytest_denorm.plugin.image_plan import PLAN
from pytest_denorm.plugin.mpl import uses_hash_library

RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}

IDENTIFIERS = st.text(st.sampled_from('abABéß山/\\:*?"<>|[]. _-\n\t\x00') | st.characters(), max_size=300)


@given(identifier=IDENTIFIERS)
def test_every_name_is_legal_on_every_system(identifier: str) -> None:
    stem = legal_stem(f"test_p[{identifier}]")
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", stem)
    assert len(stem) <= 130
    assert not stem.endswith((".", "_"))
    assert stem.partition(".")[0].lower() not in RESERVED
    assert is_legal(f"{stem}.png")


@given(some=IDENTIFIERS, other=IDENTIFIERS)
def test_two_parameters_have_two_names_on_every_system(some: str, other: str) -> None:
    if some != other:
        assert legal_stem(f"test_p[{some}]").casefold() != legal_stem(f"test_p[{other}]").casefold()


#: As baselines have them; the plain ones are those of pytest-mpl.
STEMS = {
    **{name: name for name in ("test_batch", "test_RGB", "test_" + "x" * 115)},
    "test_p[red]": "test_p_red",
    "test_p[0.5-a_b]": "test_p_0.5-a_b",
    "test_p[A/b]": "test_p_A_b-86a158fb",
    "test_p[a.png]": "test_p_a_png-7efcca78",
    "test_p[größe]": "test_p_gr__e-d16c1d6e",
    "test_p[\ud800]": "test_p-3eae57ed",
    "test_p[Red]": "test_p_Red-f0f36f62",  # there may be a test_p[red]
    "test_p[]": "test_p-a13ca7e4",
    "test_p[a.]": "test_p_a-b1558fa2",
    "test_a_": "test_a-f0aa91cc",
    ".hidden": "hidden-16924190",
    "AUX.x": "AUX_x-bb1c7153",
    "test_" + "x" * 116: "test_" + "x" * 106 + "-e0c4fca2",
    "test_" + "x" * 105 + "/-" + "x" * 9: "test_" + "x" * 105 + "-1a058cc5",
    "test_p[" + "X" * 200 + "]": "test_p_" + "X" * 104 + "-aa901ced",
}


def test_names_stay_the_same_as_baselines_have_them() -> None:
    assert {name: legal_stem(name) for name in STEMS} == STEMS


@pytest.mark.parametrize("name", sorted({*RESERVED, "com\u00b9", "lpt0", "lpt\u00b3", "conin$", "conout$"}), ids=ascii)
def test_no_name_is_a_device_of_windows(name: str) -> None:
    for form in (name, name.upper(), f"{name} ", f"{name}.a"):
        assert not is_legal(f"{form}.png")
        assert re.fullmatch(r"[A-Za-z0-9_-]+-[0-9a-f]{8}", legal_stem(form))


def test_a_chosen_name_may_be_anything_legal() -> None:
    for name in ("a.png", "a b.png", "größe.png", "a" * 196 + ".png", "ö" * 98 + ".png"):
        assert is_legal(name)
    for name in (
        *("a", ".png", "a/b.png", "a\\b.png", "a?.png", "a .png", "a..png", "a_.png", "a.png.png", "a.svg"),
        *("a\n.png", "a\u200b.png", "a" * 197 + ".png", "ö" * 99 + ".png"),
    ):
        assert not is_legal(name)


ALIKE = [
    *(
        f"a/test_a.py::test_p[{one}]"
        for one in ("c/d", "c.d", "c::d", "c:d", "c:/d", "c::/d", "c/::d", "/c.d", "::c.d")
    ),
    *("a.test_a.py::test_p[c.d]", "a/test_a.py::test_p::x[c.d]", "a.b/test_c.py::test_p", "a/b.test_c.py::test_p"),
    *(
        "a/b/test_c.py::test_p",
        "../a/test_a.py::test_p[c.d]",
        "a/test_a.py::test_p[c.d]\n",
        "a/test_a.py::test_p[\nc.d]",
    ),
]


def test_images_of_a_test_are_named_after_its_node_id_and_of_no_other() -> None:
    assert result_stem("tests/test_a.py::TestB::test_p[0.5-red]") == "tests.test_a.py.TestB.test_p_0.5-red"
    assert result_stem("test_a.py::test_p[a:b]") == "test_a_py_test_p_a_b-06488b4a"
    stems = [result_stem(nodeid) for nodeid in ALIKE]
    assert len({stem.casefold() for stem in stems}) == len(ALIKE)
    assert all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", stem) and len(stem) <= 120 for stem in stems)


# --- in sessions ---

AWKWARD = [
    *("A/b", "a.png", "a.png2", "CON", "Red", "red", "RED", "x" * 300, "größe", "a\\b", "a[b", "a]b", "..", "a:b")
]


@pytest.mark.parametrize("arguments", [[], ["--mpl", "-o", "mpl-use-full-test-name=true"]], ids=["", "mpl"])
def test_awkward_parameters_are_compared_each_with_its_own_file(project: Any, arguments: list[str]) -> None:
    project.write(
        f"awkward = {AWKWARD!r}\n@image_compare\n"
        "@pytest.mark.parametrize('index', [pytest.param(i, id=name) for i, name in enumerate(awkward)])\n"
        "def test_p(index, request):\n"
        "    assert request.node.name.startswith('test_p[')\n"
        "    return grid(photos[index % 8] ^ index)\n"
    )
    project.update(*arguments, passed=len(AWKWARD))
    assert len({name.casefold() for name in project.names()}) == len(AWKWARD)
    project.run(*arguments, passed=len(AWKWARD))


def test_a_failure_shows_its_own_image_beside_one_whose_name_is_alike(project: Any) -> None:
    body = (
        "@pytest.mark.parametrize('name', ['a/b', 'a.b', 'c::d', 'c.d'])\n@image_compare\ndef test_p(name):\n"
        "    return grid(photos // {}) if name in ('a/b', 'c.d') else grid(photos)\n"
    )
    project.write(body.format(1))
    project.update(passed=4)
    project.write(body.format(2))
    project.run("--denorm-report=page.html", passed=2, failed=2)
    page = (project.path / "page.html").read_text()
    shown = dict(re.findall(r'alt="result of test_photos.py::test_p\[([^]]+)\]"[^>]*src="([^"]+)"', page))
    assert shown["a/b"] == shown["c.d"]
    assert set(shown) == {"a/b", "c.d"}
    assert len(list((project.path / "results").glob("*-comparison.png"))) == 2


def test_two_tests_of_one_name_get_full_names(project: Any) -> None:
    project.draw("photos")
    (project.path / "test_more.py").write_text((project.path / "test_photos.py").read_text())
    project.update(passed=2)
    assert project.names() == {"test_more.test_batch.png", "test_photos.test_batch.png"}
    # a session of one of them finds the same baseline, and so does one in which names are full by wish
    for arguments in (["test_more.py"], ["-o", "mpl-use-full-test-name=true", "test_more.py"]):
        project.run(*arguments, passed=1)


def test_a_chosen_name_is_shared_on_purpose_by_tests_that_draw_one_image(project: Any) -> None:
    project.draw("photos", "photos", mark="@image_compare(filename='a.png')")
    project.update(passed=2)
    project.draw("photos", "photos // 2", mark="@image_compare(filename='a.png')")
    result = project.run("--denorm-update=all")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR: baseline_images/a.png is shared by tests that draw 2 different images"])


# --- plans ---

PLAIN, EXACT = "pytest.mark.mpl_image_compare({})", "image_compare({})"
TWO = "@{one}\ndef test_one(): ...\n@{other}\ndef test_two(): ...\n"
_FULL = ["-o", "mpl-use-full-test-name=true"]
_THEIRS, _RELATIVE = "--mpl-baseline-path=theirs", "--mpl-baseline-relative"

#: Mark, keywords, arguments of the session, and where the baseline is, from the root.
PLACES: list[tuple[str, str, list[str], Any]] = [
    (EXACT, "", [], "baseline_images/test_p.png"),
    (EXACT, "", ["--denorm-baseline-dir=there"], "there/test_p.png"),
    (EXACT, "baseline_dir='mine'", ["--denorm-baseline-dir=there"], "sub/mine/test_p.png"),
    (EXACT, "baseline_dir='../mine'", [], "mine/test_p.png"),
    (EXACT, "filename='a b.png'", _FULL, "baseline_images/a b.png"),
    (EXACT, "", _FULL, "baseline_images/test_it.test_p.png"),
    (EXACT, "", [_THEIRS, _RELATIVE], "sub/theirs/test_p.png"),
    (EXACT, "", ["-o", "mpl-baseline-path=theirs"], "theirs/test_p.png"),
    (EXACT, "", [_THEIRS, "--denorm-baseline-dir=there"], "there/test_p.png"),
    (EXACT, "baseline_dir='https://x.org/,https://y.org/'", [], ("https://x.org/", "https://y.org/")),
    (EXACT, "savefig_kwargs={'dpi': 50, 'format': 'png'}", [], "baseline_images/test_p.png"),
    (PLAIN, "", [], "sub/baseline/test_p.png"),
    (PLAIN, "", [_THEIRS, _RELATIVE], "sub/theirs/test_p.png"),
    (PLAIN, "", ["-o", "mpl-baseline-path=theirs"], "theirs/test_p.png"),
    (PLAIN, "", ["--mpl-baseline-path=https://x.org/"], ("https://x.org/",)),
    (PLAIN, "baseline_dir='mine'", [_THEIRS], "sub/mine/test_p.png"),
    (PLAIN, "filename='a.png'", [], "sub/baseline/a.png"),
    (PLAIN, "filename='a.png'", _FULL, "sub/baseline/test_it.test_p.png"),
    (PLAIN, "filename='X[b]/c.png.png'", [], "sub/baseline/X_b__c.png"),
    (PLAIN, "filename='a_.png'", ["-p", "no:pytest_mpl", "-p", "pytest_mpl.plugin"], "sub/baseline/a.png"),
    (PLAIN, "savefig_kwargs={'format': 'svg'}", [], None),
    (EXACT, "", ["-p", "no:pytest_mpl"], "baseline_images/test_p.png"),
]


def items_of(project: Any, *arguments: str) -> list[Any]:
    plain = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:randomly")
    items, record = project.pytester.inline_genitems(*plain, *arguments)
    assert record.ret == pytest.ExitCode.OK
    return list(items)


@pytest.mark.parametrize(("mark", "keywords", "arguments", "path"), PLACES)
def test_a_baseline_is_where_the_project_or_pytest_mpl_says(
    project: Any, mark: str, keywords: str, arguments: list[str], path: Any
) -> None:
    (project.path / "sub").mkdir()
    (project.path / "sub/photos.npy").write_bytes((project.path / "photos.npy").read_bytes())
    project.write(f"@{mark.format(keywords)}\ndef test_p(): ...\n", "sub/test_it.py")
    (item,) = items_of(project, *arguments)
    place = getattr(item.stash.get(PLAN, None), "place", None)
    assert (place and (place.servers or place.path.relative_to(project.path).as_posix())) == path
    marks = [one.kwargs for one in item.iter_markers("mpl_image_compare")]
    assert len(marks) == (2 if mark == EXACT else 1)  # the plain one is left as it is


HASHES = [
    ("", ["--mpl", "--mpl-hash-library=a.json"], True),
    ("", ["--mpl", "-o", "mpl-hash-library=a.json"], True),
    ("hash_library='a.json'", ["--mpl"], True),
    ("hash_library='a.json'", [], False),
    ("", ["--mpl"], False),
    ("skip_hash=True, hash_library='a.json'", ["--mpl", "--mpl-hash-library=a.json"], False),
]


@pytest.mark.parametrize(("keywords", "arguments", "by_hash"), HASHES)
def test_hashes_are_compared_where_pytest_mpl_is_told_to(
    project: Any, keywords: str, arguments: list[str], by_hash: bool
) -> None:
    project.draw("photos", mark=f"@image_compare({keywords})")
    (item,) = items_of(project, *arguments)
    assert uses_hash_library(item.get_closest_marker("mpl_image_compare"), item.config) is by_hash


def test_what_is_no_function_has_no_baseline_and_what_is_collected_twice_has_one(project: Any) -> None:
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
    project.draw("photos")
    items = items_of(project, "--keep-duplicates", "a.txt", "test_photos.py", "test_photos.py")
    assert [(item.name, PLAN in item.stash) for item in items] == [("it", False), *[("test_batch", True)] * 2]


def test_tests_of_two_roots_do_not_share_a_baseline_though_they_share_a_node_id(project: Any) -> None:
    for root in "ab":
        file = project.path / root / "tests/test_x.py"
        file.parent.mkdir(parents=True)
        (file.parent.parent / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
        project.write("@image_compare\ndef test_p():\n    return grid(photos)\n", file)
        (file.parent / "photos.npy").write_bytes((project.path / "photos.npy").read_bytes())
    (project.path / "tox.ini").unlink()
    project.run("a", "b", "--denorm-update=all", passed=2)
    assert len({path.name for path in (project.path / "a/baseline_images").iterdir()}) == 2


_SAME = "two tests have the same baseline, *a.png:"
_FOLDED = "two tests have baselines that some file systems cannot tell apart, a.png and A.png in *:"

#: Two marks, and what is said of tests with them; nothing if both are fine.
PAIRS = [
    (PLAIN, PLAIN, "a.png", ""),
    (EXACT, EXACT, "a.png", ""),
    ("image_compare(baseline_dir='a', {})", "image_compare(baseline_dir='b', {})", "a.png", ""),
    ("image_compare(baseline_dir='baseline', {})", PLAIN, "a.png", _SAME),
    (PLAIN, "image_compare(baseline_dir='baseline', {})", "a.png", _SAME),
    (EXACT, EXACT, "A.png", _FOLDED),
]


@pytest.mark.parametrize(("one", "other", "second", "said"), PAIRS)
def test_an_exact_baseline_is_shared_on_purpose_alone(
    project: Any, one: str, other: str, second: str, said: str
) -> None:
    names = (f"filename={name!r}" for name in ("a.png", second))
    project.write(TWO.format(one=one.format(next(names)), other=other.format(next(names))))
    result = project.run("--collect-only")
    assert result.ret == (pytest.ExitCode.USAGE_ERROR if said else pytest.ExitCode.OK)
    expected = [f"ERROR: {said}", "  test_photos.py::test_one", "  test_photos.py::test_two"] if said else []
    result.stderr.fnmatch_lines(expected, consecutive=True)


REFUSED = {
    "filename='a/b.png'": "*test_batch: image_compare was given filename='a/b.png': expected the name of a .png *",
    "savefig_kwargs={'format': 'svg'}": "*test_batch: image_compare compares pixels, and savefig_kwargs asks for *",
}


@pytest.mark.parametrize("keywords", REFUSED)
def test_keywords_that_cannot_be_followed_are_errors(project: Any, keywords: str) -> None:
    project.draw("photos", mark=f"@image_compare({keywords})")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {REFUSED[keywords]}"])


@pytest.mark.parametrize("dist", [["-n2"], ["--dist=each", "--tx=popen"]], ids=["spread", "each"])
def test_what_a_worker_refuses_is_said(project: Any, dist: list[str]) -> None:
    pytest.importorskip("xdist")
    (project.path / "test_light.py").write_text(
        "from pytest_denorm import image_compare\n@image_compare(filename='a/b.png')\ndef test_p(): ...\n"
    )
    alone = project.run()
    said = [line for line in alone.errlines if line]
    result = project.run(*dist, "--denorm-unused=delete")
    assert (result.ret, alone.ret) == (pytest.ExitCode.USAGE_ERROR,) * 2
    assert "INTERNALERROR" not in result.stdout.str()
    result.stderr.fnmatch_lines(said, consecutive=True)
