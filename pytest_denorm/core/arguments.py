"""Arguments that are numbers: refused where they cannot be what they are said to be, by their name and value."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from typing import Any

from ..errors import DenormError, ImageTypeError

__all__ = ["flattened", "positive", "whole"]


def whole(value: Any, name: str, error: type[DenormError], *, least: int | None = None, meaning: str = "") -> int:
    """`value` as an int.

    Args:
        name: of the argument.
        error: the kind that is raised.
        least: the smallest number allowed.
        meaning: what it counts, in words: ``images a row``.

    Raises:
        DenormError: of the kind `error`: no whole number, or below `least`.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise error(f"{name} is {value!r}: expected a whole number{f' of {meaning}' if meaning else ''}.")
    if least is not None and number < least:
        raise error(f"{name} is {number}: expected at least {least}{f' {meaning}' if meaning else ''}.")
    return number


def positive(value: Any, name: str, error: type[DenormError]) -> float:
    """`value` as a float.

    Raises:
        DenormError: of the kind `error`: no number, or not a finite one above 0.
    """
    is_number = isinstance(value, (int, float)) or hasattr(value, "__float__")
    if isinstance(value, (str, bool)) or not is_number or not (math.isfinite(value) and value > 0):
        raise error(f"{name} is {value!r}: expected a finite number above 0.")
    return float(value)


def flattened(images: Any) -> list[Any]:
    """Return what nested lists and tuples hold, in order; anything else in a list of its own.

    Raises:
        ImageTypeError: a list that holds itself.
    """
    try:
        return list(_flattened(images))
    except RecursionError:
        raise ImageTypeError(f"images is a {type(images).__name__} that holds itself: expected images in it.") from None


def _flattened(images: Any) -> Iterator[Any]:
    if isinstance(images, (list, tuple)):
        for one in images:
            yield from _flattened(one)
    else:
        yield images
