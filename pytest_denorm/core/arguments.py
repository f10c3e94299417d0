"""Arguments: refused where they cannot be what they are said to be, by their name and value."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import DenormError, ImageTypeError
from .foreign import members, shown

__all__ = ["MOST_CHANNELS", "flattened", "listed", "one_of", "path_of", "positive", "whole"]

#: Hyperspectral cameras have some hundreds.
MOST_CHANNELS = 4096
#: Larger ones count nothing: they do not fit into the 64 bits of torch and numpy.
_LARGEST = 2**63 - 1


def whole(
    value: Any,
    name: str,
    error: type[DenormError],
    *,
    least: int | None = None,
    most: int = _LARGEST,
    meaning: str = "",
) -> int:
    """`value` as an int.

    Args:
        name: of the argument.
        error: the kind that is raised.
        least, most: the smallest and the largest number allowed.
        meaning: what it counts, in words: ``images a row``.

    Raises:
        DenormError: of the kind `error`: no whole number, below `least`, or above `most`.
    """
    try:
        number = operator.index(value)
    except Exception:
        number = None
    if number is None or isinstance(value, bool):
        raise error(f"{name} is {shown(value)}: expected a whole number{f' of {meaning}' if meaning else ''}.")
    if least is not None and number < least:
        raise error(f"{name} is {shown(number)}: expected at least {least}{f' {meaning}' if meaning else ''}.")
    if not -_LARGEST <= number <= most:
        limit = "a number that fits into 64 bits" if most == _LARGEST else f"at most {most}"
        raise error(f"{name} is {shown(number)}: expected {limit}{f' {meaning}' if meaning else ''}.")
    return number


def positive(
    value: Any, name: str, error: type[DenormError], *, zero: bool = False, expected: str = "a finite number above 0"
) -> float:
    """`value` as a float.

    Args:
        zero: whether 0 is allowed.
        expected: what a message asks for.

    Raises:
        DenormError: of the kind `error`: no number, or not a finite one above 0.
    """
    try:
        number = math.nan if isinstance(value, (str, bytes, bytearray, bool)) else float(value)
    except Exception:
        number = math.nan
    if not (math.isfinite(number) and (number > 0 or (zero and number == 0))):
        raise error(f"{name} is {shown(value)}: expected {expected}.")
    return number


def one_of(value: Any, name: str, choices: Sequence[str], error: type[DenormError], otherwise: str = "") -> str:
    """`value`, which is one of `choices`.

    Args:
        otherwise: what else a message allows.

    Raises:
        DenormError: of the kind `error`: it is none of them.
    """
    if not isinstance(value, str) or value not in choices:
        raise error(f"{name} is {shown(value)}: expected one of {', '.join(choices)}{otherwise}.")
    return value


def listed(value: Any, name: str, error: type[DenormError], expected: str) -> list[Any]:
    """The members of `value`, which is no text.

    Args:
        expected: what a message asks for: ``a list of names``.

    Raises:
        DenormError: of the kind `error`: it cannot be gone through, or does not end.
    """
    try:
        if not isinstance(value, (str, bytes)):
            return members(value)
    except TypeError as why:
        raise error(f"{name} is {shown(value)}: expected {expected}. {why}") from why
    raise error(f"{name} is {shown(value)}: expected {expected}.")


def path_of(value: Any, name: str, error: type[DenormError]) -> Path:
    """`value` as a path.

    Raises:
        DenormError: of the kind `error`: it is no text and no path.
    """
    try:
        return Path(os.fsdecode(value))
    except Exception:
        raise error(f"{name} is {shown(value)}: expected a path.") from None


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
