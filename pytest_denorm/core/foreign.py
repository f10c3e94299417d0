"""Objects of other people: their attributes, members, text and functions may raise anything, or never end."""

from __future__ import annotations

import functools
import itertools
import reprlib
from collections.abc import Callable
from typing import Any

__all__ = ["Guarded", "as_exception", "attribute", "first_line", "members", "shown"]

#: More members are no argument that somebody wrote.
_MOST_MEMBERS = 10_000


class _Shortened(reprlib.Repr):
    """One short line for any object: long ones and those of several lines are told by their type."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxlong = 3, 40
        self.maxstring = self.maxother = 160

    def repr_instance(self, x: Any, level: int) -> str:
        try:
            text = repr(x)
        except Exception:
            text = ""
        if text and "\n" not in text and len(text) <= self.maxother:
            return text
        kind = type(x)
        shape = attribute(x, "shape")
        of = f" of shape {tuple(shape)}" if isinstance(shape, tuple) else ""
        return f"a {kind.__module__}.{kind.__qualname__}{of}"

    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if abs(x) < 10**4000 else "an int of thousands of digits"


_shortened = _Shortened()


def shown(value: Any) -> str:
    """Return `value` as a message shows it: its repr in one line, cut where it is long; its type where it has none."""
    try:
        return _shortened.repr(value)
    except Exception:
        return f"a {type(value).__module__}.{type(value).__qualname__}"


def attribute(obj: Any, name: str) -> Any:
    """Return an attribute, or None where there is none or reading it raises."""
    try:
        return getattr(obj, name, None)
    except Exception:  # __getattr__ may look into a dict, or ask a server
        return None


def members(value: Any) -> list[Any]:
    """Return the members of an iterable.

    Raises:
        TypeError: it cannot be gone through, or has more members than anybody writes.
    """
    try:
        found = list(itertools.islice(iter(value), _MOST_MEMBERS + 1))
    except Exception as error:
        raise TypeError(f"{type(error).__name__}: {error}") from error
    if len(found) > _MOST_MEMBERS:
        raise TypeError(f"It has more than {_MOST_MEMBERS:,} members")
    return found


def first_line(error: BaseException) -> str:
    """Return ``ValueError: what it says``, the first line of it; torch lists its backends in fifty more."""
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {said[:300]}" if said else type(error).__name__


def as_exception(error: BaseException) -> Exception:
    """Return an error of the same name and words that ends what was called, and not the process.

    For SystemExit and GeneratorExit out of a user's function.
    """
    if isinstance(error, Exception):
        return error
    made: Exception = type(type(error).__name__, (Exception,), {})(*error.args)
    return made


class Guarded:
    """A user's function that cannot end the process. Picklable, for worker processes."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function, updated=())  # it is called by its own name
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._function(*args, **kwargs)
        except (SystemExit, GeneratorExit) as error:
            raise as_exception(error) from error
