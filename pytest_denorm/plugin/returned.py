"""What the function of an image test returns, seen before pytest-mpl sees it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from ..errors import BaselineError, DenormError
from ..images.names import legal_stem

if TYPE_CHECKING:
    from ..images.judge import Verdict
    from ..images.redraw import RandomStates


@dataclass
class Call:
    """One call of a test function.

    Attributes:
        returned: what it returned; a judge may put a figure in its place.
        again: calls it once more.
        states: the random states before it, where they were kept.
    """

    returned: Any
    again: Callable[[], Any]
    states: RandomStates | None = None


def is_image(returned: Any) -> bool:
    """Return whether this is an array, a tensor or a PIL image, told without loading their libraries."""
    kinds = (("numpy", "ndarray"), ("torch", "Tensor"), ("PIL.Image", "Image"))
    return any(is_of(returned, module, name) for module, name in kinds)


def as_grid(image: Any) -> Any:
    """Return the grid of an image or a batch: uint8, or floating point in 0..1.

    Raises:
        BaselineError: it cannot be drawn.
    """
    from ..images.grid_layout import grid

    try:
        return grid(image)
    except DenormError as error:
        raise BaselineError(f"the image test returned an image that cannot be drawn: {error}") from None


def is_grid(figure: Any) -> bool:
    return is_of(figure, "pytest_denorm.images.grid_figure", "GridFigure")


def is_of(value: Any, module: str, name: str) -> bool:
    """Return whether this is of that class; it can only be if its module was loaded to make it."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))


def say_no_figure(returned: Any) -> str:
    """Return what to say of a test that returned no figure."""
    if inspect.isawaitable(returned) or inspect.isasyncgen(returned):
        if inspect.iscoroutine(returned):
            returned.close()  # it is not going to be run: python would warn of that too
        return (
            "the image test is async, and pytest-mpl's mark takes what is returned for the figure: image tests cannot "
            "be async. Make it a plain function, and run what is async in it: return grid(asyncio.run(load_images()))."
        )
    kind = "nothing" if returned is None else f"a {type(returned).__module__}.{type(returned).__qualname__}"
    end = "return grid(images)"
    if is_of(returned, "matplotlib.artist", "Artist"):
        end = "return ax.figure" if is_of(returned, "matplotlib.axes", "Axes") else "return artist.figure"
    return f"the image test returned {kind}: expected a figure. End the test with, for example, {end}."


@contextmanager
def watched(
    item: Any, judge: Callable[[Call], Verdict | None], verdicts: list[Verdict], *, keeps_states: bool
) -> Iterator[None]:
    """Let `judge` see what the test function returns, before pytest-mpl does.

    The function and the name are put back afterwards: an item that is run again would be wrapped again. Names that
    make illegal paths are replaced by legal ones while pytest-mpl handles the item; the test itself sees its own.

    Args:
        item: the test.
        judge: gives the verdict.
        verdicts: gets it.
        keeps_states: whether the random states before the call are kept for a second one.
    """
    function, name = item.obj, item.name
    legal = legal_stem(name)
    handled = name if legal == name.replace("[", "_").removesuffix("]") else legal

    @functools.wraps(function)
    def watch(*args: Any, **kwargs: Any) -> Any:
        def call() -> Any:
            item.name = name
            try:
                return function(*args, **kwargs)
            finally:
                item.name = handled

        states = None
        if keeps_states:
            from ..images.redraw import RandomStates

            states = RandomStates()
        made = Call(call(), call, states)
        verdict = judge(made)
        if verdict is not None:
            verdicts.append(verdict)
            if verdict.status == "unreadable":  # pytest-mpl would read it without limits
                pytest.fail(verdict.message, pytrace=False)
        return made.returned

    item.obj, item.name = watch, handled
    try:
        yield
    finally:
        item.obj, item.name = function, name
