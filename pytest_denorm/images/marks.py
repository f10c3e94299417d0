"""The mark of exact image-comparison tests; light, because test modules import it at the top."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, overload

import pytest

from ..core.foreign import attribute, shown

TestT = TypeVar("TestT", bound="Callable[..., Any] | type")

#: The keyword of the mark by which this project's tests are told from others of pytest-mpl.
EXACT = "denorm"

#: Those of pytest-mpl's mark; it takes no notice of any other.
_KEYWORDS = (
    *("baseline_dir", "filename", "savefig_kwargs", "style", "backend", "remove_text", "hash_library", "skip_hash"),
    *("tolerance", "deterministic"),
)


@overload
def image_compare(test: TestT, /) -> TestT: ...
@overload
def image_compare(**kwargs: Any) -> pytest.MarkDecorator: ...
def image_compare(test: Any = None, /, **kwargs: Any) -> Any:
    """Mark a test that returns a figure: it is held against its baseline, pixel for pixel.

    This is pytest-mpl's mark, ``pytest.mark.mpl_image_compare``, with tolerance 0, deterministic metadata, and, unless
    `baseline_dir` is given, this project's baseline folder (``--denorm-baseline-dir``, by default ``baseline_images``
    in the root folder). With or without brackets on a function, a method or a class, and with brackets in
    ``pytestmark`` and ``pytest.param(marks=...)``::

        @image_compare
        def test_first_batch(loader):
            return grid(loader)

    A grid is compared exactly under pytest-mpl's own mark too, whatever its tolerance. For an inexact comparison, draw
    its pixels into a figure of matplotlib's; pytest-mpl compares that under ``--mpl`` alone::

        @pytest.mark.mpl_image_compare(tolerance=20)
        def test_about(loader):
            figure, axes = plt.subplots()
            axes.imshow(grid(loader).pixels)
            return figure

    Args:
        **kwargs: those of pytest-mpl's mark: ``baseline_dir`` (relative to the test file), ``filename``,
            ``savefig_kwargs``, ``style``, ``backend``, ``remove_text``, ``hash_library``, ``skip_hash``,
            ``deterministic``.

    Raises:
        TypeError: another keyword is given, or `tolerance` is and is not 0; the message says how to compare inexactly.
    """
    for name in kwargs:
        if name not in _KEYWORDS:
            raise TypeError(_unknown(name, kwargs[name]))
    tolerance = kwargs.setdefault("tolerance", 0)
    if not isinstance(tolerance, (int, float)) or tolerance != 0:
        raise TypeError(
            f"image_compare was given tolerance={shown(tolerance)}: it compares exactly, and any mark does so with a "
            f"grid. For an inexact comparison draw with axes.imshow(grid(images).pixels), return matplotlib's figure "
            f"from a test under pytest.mark.mpl_image_compare(tolerance={shown(tolerance)}), and run pytest --mpl."
        )
    kwargs.setdefault("deterministic", True)
    mark = pytest.mark.mpl_image_compare(**kwargs, **{EXACT: True})
    if test is None:
        return mark
    if not (inspect.isfunction(test) or inspect.isclass(test) or attribute(test, "__wrapped__")):
        raise TypeError(
            f"image_compare takes keywords only, such as image_compare(filename='a.png'); got {shown(test)}."
        )
    return mark(test)


def _unknown(name: str, value: object) -> str:
    import difflib

    near = difflib.get_close_matches(name, _KEYWORDS)
    hint = f" Did you mean {near[0]}?" if near else ""
    return (
        f"image_compare was given {name}={shown(value)}: expected {', '.join(_KEYWORDS[:-1])} or {_KEYWORDS[-1]}.{hint}"
    )
