"""The mark of exact image tests: pytest-mpl's, with keywords that are checked."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
import pytest_mpl.plugin

from pytest_denorm import image_compare


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
    with pytest.raises(
        TypeError, match=r"^image_compare takes keywords only, such as image_compare\(filename='a.png'\)"
    ):
        image_compare("a.png")  # type: ignore[call-overload]


def test_the_mark_is_put_on_a_function_or_a_class() -> None:
    def test_it() -> None: ...

    class TestIt: ...

    for test in (test_it, TestIt):
        assert image_compare(test) is test
        (mark,) = test.pytestmark  # type: ignore[attr-defined]
        assert (mark.name, mark.kwargs["denorm"]) == ("mpl_image_compare", True)


@pytest.mark.parametrize(
    ("keywords", "near"),
    [
        ({"file_name": "a.png"}, " Did you mean filename?"),
        ({"baseline": "a"}, " Did you mean baseline_dir?"),
        ({"filename": "a.png", "basline_dir": "a"}, " Did you mean baseline_dir?"),
        ({"tolerence": 2}, " Did you mean tolerance?"),
        ({"backend_dir": "a"}, " Did you mean backend?"),  # more so than baseline_dir
        ({"denorm": True}, ""),
        ({"xyz": 1}, ""),
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
