"""File names of baselines: legal and unique everywhere, and equal to what pytest-mpl would take where that is sound."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_denorm.images.names import is_legal, legal_stem, result_stem

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


@pytest.mark.parametrize("name", ["test_batch", "test_RGB", "test_p[red]", "test_p[0.5-a_b]", "test_p[3-True]".lower()])
def test_plain_names_are_those_of_pytest_mpl(name: str) -> None:
    assert legal_stem(name) == name.replace("[", "_").replace("]", "")


@pytest.mark.parametrize("name", ["CON", "nul", "com1", "CON.py", "größe", "test_" + "x" * 300])
def test_names_of_functions_are_made_legal_too(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+-[0-9a-f]{8}", legal_stem(name))


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("test_p[A/b]", "test_p_A_b-86a158fb"),
        ("test_p[a.png]", "test_p_a_png-7efcca78"),
        ("test_p[größe]", "test_p_gr__e-d16c1d6e"),
        ("test_p[\ud800]", "test_p-3eae57ed"),
        ("test_p[X/X]", "test_p_X_X-7d3de30e"),
        ("test_p[Red]", "test_p_Red-f0f36f62"),  # there may be a test_p[red]
        ("test_p[]", "test_p-a13ca7e4"),
        ("test_p[a.]", "test_p_a-b1558fa2"),
        ("test_a_", "test_a-f0aa91cc"),
        (".hidden", "hidden-16924190"),
        ("-a", "a-c2748917"),
        ("AUX.x", "AUX_x-bb1c7153"),
        ("test_" + "x" * 115, "test_" + "x" * 115),
        ("test_" + "x" * 116, "test_" + "x" * 106 + "-e0c4fca2"),
        ("test_" + "x" * 105 + "/-" + "x" * 9, "test_" + "x" * 105 + "-1a058cc5"),
        ("test_p[" + "X" * 200 + "]", "test_p_" + "X" * 104 + "-aa901ced"),
    ],
    ids=ascii,
)
def test_names_stay_the_same_as_baselines_have_them(name: str, stem: str) -> None:
    assert legal_stem(name) == stem


@pytest.mark.parametrize(
    ("nodeid", "stem"),
    [
        ("test_a.py::test_batch", "test_a.py.test_batch"),
        ("tests/images/test_a.py::TestB::test_p[0.5-red]", "tests.images.test_a.py.TestB.test_p_0.5-red"),
        ("denorm::val::round_trip", "denorm.val.round_trip"),
        ("test_a.py::test_p[a:b]", "test_a_py_test_p_a_b-06488b4a"),
    ],
)
def test_images_of_a_test_are_named_after_its_node_id(nodeid: str, stem: str) -> None:
    assert result_stem(nodeid) == stem


ALIKE = [
    *(
        f"a/test_a.py::test_p[{name}]"
        for name in ("c/d", "c.d", "c::d", "c:d", "c:/d", "c::/d", "c/::d", "/c.d", "::c.d")
    ),
    *("a.test_a.py::test_p[c.d]", "a/test_a.py::test_p::x[c.d]", "a.b/test_c.py::test_p", "a/b.test_c.py::test_p"),
    *(
        "a/b/test_c.py::test_p",
        "../a/test_a.py::test_p[c.d]",
        "a/test_a.py::test_p[c.d]\n",
        "a/test_a.py::test_p[\nc.d]",
    ),
]


def test_images_of_two_tests_never_have_one_name() -> None:
    stems = [result_stem(nodeid) for nodeid in ALIKE]
    assert len({stem.casefold() for stem in stems}) == len(ALIKE)
    assert all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", stem) and len(stem) <= 120 for stem in stems)


def test_a_failure_shows_its_own_image_beside_one_whose_name_is_alike(project: Any) -> None:
    body = (
        "@pytest.mark.parametrize('name', ['a/b', 'a.b', 'c::d', 'c.d'])\n@image_compare\ndef test_p(name):\n"
        "    return grid(photos // {}) if name in ('a/b', 'c.d') else grid(photos)\n"
    )
    project.write(body.format(1))
    project.run("--denorm-update=missing").assert_outcomes(passed=4)
    project.write(body.format(2))
    project.run("--denorm-report=page.html").assert_outcomes(passed=2, failed=2)
    page = (project.path / "page.html").read_text()
    shown = dict(re.findall(r'alt="result of test_photos.py::test_p\[([^]]+)\]"[^>]*src="([^"]+)"', page))
    assert shown["a/b"] == shown["c.d"]
    assert set(shown) == {"a/b", "c.d"}
    assert len(list((project.path / "results").glob("*-comparison.png"))) == 2


@pytest.mark.parametrize("name", ["a.png", "a b.png", "größe.png", "a" * 196 + ".png", "ö" * 98 + ".png"])
def test_a_chosen_name_may_be_anything_legal(name: str) -> None:
    assert is_legal(name)


@pytest.mark.parametrize(
    "name",
    [
        *("a", ".png", "a/b.png", "a\\b.png", "a?.png", "a .png", "a..png", "a_.png", "a.png.png", "a.svg"),
        *("a\n.png", "a\u200b.png", "a" * 197 + ".png", "ö" * 99 + ".png"),
    ],
    ids=ascii,
)
def test_a_chosen_name_that_some_system_refuses_is_not_legal(name: str) -> None:
    assert not is_legal(name)


@pytest.mark.parametrize("name", sorted({*RESERVED, "com\u00b9", "lpt0", "lpt\u00b3", "conin$", "conout$"}), ids=ascii)
def test_no_name_is_a_device_of_windows(name: str) -> None:
    for form in (name, name.upper(), f"{name} ", f"{name}.a"):
        assert not is_legal(f"{form}.png")
        assert legal_stem(form) != form


AWKWARD = [
    "A/b",
    "a.png",
    "a.png2",
    "CON",
    "Red",
    "red",
    "RED",
    "x" * 300,
    "größe",
    "a\\b",
    "a[b",
    "a]b",
    "..",
    "a:b",
    "a b",
]


@pytest.mark.parametrize("arguments", [[], ["--mpl"], ["--mpl", "-o", "mpl-use-full-test-name=true"]])
def test_awkward_parameters_are_compared_each_with_its_own_file(project: Any, arguments: list[str]) -> None:
    project.write(
        f"awkward = {AWKWARD!r}\n@image_compare\n"
        "@pytest.mark.parametrize('index', [pytest.param(i, id=name) for i, name in enumerate(awkward)])\n"
        "def test_p(index, request):\n"
        "    assert request.node.name.startswith('test_p[')\n"
        "    return grid(photos[index % 8] ^ index)\n"
    )
    project.run("--denorm-update=missing", *arguments).assert_outcomes(passed=len(AWKWARD))
    assert len({name.casefold() for name in project.names()}) == len(AWKWARD)
    project.run(*arguments).assert_outcomes(passed=len(AWKWARD))


def test_two_tests_of_one_name_get_full_names(project: Any) -> None:
    project.draw("photos")
    (project.path / "test_more.py").write_text((project.path / "test_photos.py").read_text())
    project.run("--denorm-update=missing").assert_outcomes(passed=2)
    assert project.names() == {"test_more.test_batch.png", "test_photos.test_batch.png"}
    # a session of one of them finds the same baseline, and so does one in which names are full by wish
    for arguments in (["test_more.py"], ["-k", "more"], ["-o", "mpl-use-full-test-name=true", "test_more.py"]):
        project.run(*arguments).assert_outcomes(passed=1, deselected="-k" in arguments)


def test_names_that_differ_only_in_case_are_an_error(project: Any) -> None:
    project.write("@image_compare\ndef test_a():\n    return grid(photos)\n@image_compare\ndef test_A():\n    ...\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: two tests have baselines that some file systems cannot tell apart, *.test_a.png and *.test_A.png in *"]
    )


def test_a_chosen_name_is_shared_on_purpose_by_tests_that_draw_one_image(project: Any) -> None:
    project.write(
        "@image_compare(filename='a.png')\n@pytest.mark.parametrize('index', [1, 2])\ndef test_p(index):\n"
        "    return grid(photos)\n"
    )
    project.run("--denorm-update=missing").assert_outcomes(passed=2)
    project.run().assert_outcomes(passed=2)
    text = (project.path / "test_photos.py").read_text()
    (project.path / "test_photos.py").write_text(text.replace("grid(photos)", "grid(photos // index)"))
    result = project.run("--denorm-update=all")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR: baseline_images/a.png is shared by tests that draw 2 different images"])


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        (
            "filename='a/b.png'",
            "*image_compare was given filename='a/b.png': expected the name of a .png file that is *",
        ),
        ("savefig_kwargs={'format': 'svg'}", "*image_compare compares pixels, and savefig_kwargs asks for 'svg': *"),
    ],
)
def test_keywords_that_cannot_be_followed_are_errors(project: Any, keywords: str, message: str) -> None:
    project.write(f"@image_compare({keywords})\ndef test_batch():\n    return grid(photos)\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
