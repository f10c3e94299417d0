"""What an expression of scanned source evaluates to, as far as the source tells.

Numbers, texts, lists, tuples and dicts of the source stand for themselves. Everything else is one of the classes here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

__all__ = [
    "MISSING",
    "RANDOM",
    "Array",
    "Bound",
    "Choice",
    "Class",
    "Env",
    "External",
    "Function",
    "Instance",
    "NotJudged",
    "Super",
    "Transform",
    "Unknown",
    "as_numbers",
    "equal",
    "options",
    "unpacked",
]


class NotJudged(Exception):
    """Source leaves the part of Python that is evaluated here; the message is the reason."""


#: The reason of a value that is drawn at random, which is no image.
RANDOM = "random numbers"
#: What stands for a name that no scope has.
MISSING = object()


@dataclass(frozen=True, eq=False)
class Unknown:
    """A value that the source does not give, and how far it is an affine map of another such value.

    Attributes:
        reason: what it is, for the reader: ``parameter x``, ``call of model``.
        slope, offset: this value is ``slope * root + offset``; a number, or one for each channel.
        ops: the kinds of the operations since the root, ``s`` for scale and ``o`` for offset, neighbors joined.
        line: of the last operation.
        steps: what else was done to it: ``clip``, ``uint8``, ``round``.
        event: the index of the record that this chain of operations made, or None.
        color: ``rgb`` or ``bgr`` where a reader of files gave it.
        batch: whether it is a batch of images (True), one image (False), or not known (None).
        normalized: whether it comes out of a Normalize, or of a data set whose transform has one.
        loader: whether it is a data set, a loader, or an item of one.
        scaled: whether it was multiplied by a std that the source does not give.
    """

    reason: str
    slope: Any = 1.0
    offset: Any = 0.0
    ops: str = ""
    line: int = 0
    steps: frozenset[str] = frozenset()
    event: int | None = None
    color: str = ""
    batch: bool | None = None
    normalized: bool = False
    loader: bool = False
    scaled: bool = False

    def fresh(self, reason: str | None = None, **changes: Any) -> Unknown:
        """The same value as the root of a new chain."""
        return replace(
            self, reason=reason or self.reason, slope=1.0, offset=0.0, ops="", event=None, steps=frozenset(), **changes
        )

    def element(self) -> Unknown:
        """An item of a data set or a loader, which may be a tuple that begins with the image."""
        return Unknown("an item", loader=self.loader, batch=self.batch, normalized=self.normalized)


@dataclass(frozen=True, eq=False)
class Array:
    """An array or a tensor whose values are known."""

    data: np.ndarray[Any, Any]
    torch: bool = False


@dataclass(frozen=True, eq=False)
class Choice:
    """One value for each branch of an ``if`` whose condition is not known; `tag` says which ``if``."""

    tag: int
    values: tuple[Any, ...]


@dataclass(frozen=True)
class External:
    """A name of another package, dotted; or a builtin, or a name that nothing in sight defines."""

    path: str

    @property
    def last(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def top(self) -> str:
        return self.path.partition(".")[0]


@dataclass(eq=False)
class Env:
    """The names of one scope, where each was bound, and the scope around it."""

    names: dict[str, Any] = field(default_factory=dict)
    parent: Env | None = None
    module: Any = None
    scope: str = ""
    lines: dict[str, ast.AST] = field(default_factory=dict)

    def find(self, name: str) -> Any:
        env: Env | None = self
        while env is not None:
            if name in env.names:
                return env.names[name]
            env = env.parent
        return MISSING


@dataclass(eq=False)
class Function:
    """A function of the project."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    env: Env
    name: str
    defaults: dict[str, Any] = field(default_factory=dict)
    owner: Class | None = None
    kind: str = ""


@dataclass(eq=False)
class Class:
    """A class of the project: its body's names, and its bases."""

    node: ast.ClassDef
    env: Env
    name: str
    bases: tuple[Any, ...] = ()

    def find(self, name: str, depth: int = 0) -> Any:
        if name in self.env.names:
            return self.env.names[name]
        for base in self.bases:
            if isinstance(base, Class) and depth < 8:
                found = base.find(name, depth + 1)
                if found is not None:
                    return found
        return None


@dataclass(eq=False)
class Instance:
    """An object of a class of the project."""

    cls: Class
    attributes: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, ast.AST] = field(default_factory=dict)


@dataclass(eq=False)
class Super:
    """What ``super()`` gives in a method of `cls`."""

    instance: Instance
    cls: Class


@dataclass(eq=False)
class Bound:
    """A method of a value: of an array, an instance, or something unknown."""

    owner: Any
    name: str
    function: Function | None = None


@dataclass(eq=False)
class Transform:
    """A transform of a library whose map is known.

    Attributes:
        apply: gives mean, std and white of a Normalize; None for a container.
        parts: of a container; `made` is what is kept of it.
    """

    name: str
    mean: Any = None
    std: Any = None
    white: float = 1.0
    parts: tuple[Any, ...] = ()
    event: int | None = None
    made: Any = None

    def walk(self) -> Iterator[Transform]:
        yield self
        for part in self.parts:
            if isinstance(part, Transform):
                yield from part.walk()


def options(value: Any) -> tuple[Any, ...]:
    """Every value that `value` may be: those of a Choice, flat, or itself."""
    if not isinstance(value, Choice):
        return (value,)
    return tuple(one for part in value.values for one in options(part))


def as_numbers(value: Any) -> np.ndarray[Any, Any] | None:
    """A number or one number a channel as float64, 0-d or 1-d; None for anything else.

    An array with one axis longer than 1, such as (1, 3, 1, 1), is one number a channel.
    """
    if isinstance(value, Array):
        data = value.data
    elif isinstance(value, (list, tuple)):
        if not value or len(value) > 64:
            return None
        parts = [as_numbers(one) for one in value]
        if any(part is None or part.size != 1 for part in parts):
            return None
        data = np.array([float(part.reshape(())) for part in parts if part is not None])
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return np.asarray(float(value))
        except OverflowError:
            return None
    else:
        return None
    if data.dtype.kind not in "fiu" or data.size == 0 or data.size > 64 or sum(n > 1 for n in data.shape) > 1:
        return None
    flat = data.astype(np.float64).reshape(-1)
    return flat.reshape(()) if data.ndim == 0 else flat


def unpacked(value: Any, limit: int) -> list[Any] | None:
    """The elements of a known sequence of at most `limit`; None where it is not known."""
    if isinstance(value, (list, tuple)):
        return list(value) if len(value) <= limit else None
    if isinstance(value, dict):
        return list(value) if len(value) <= limit else None
    if isinstance(value, Array) and value.data.ndim and len(value.data) <= limit:
        return [Array(one, value.torch) if one.ndim else Array(np.asarray(one), value.torch) for one in _rows(value)]
    if isinstance(value, range):
        return list(value) if len(value) <= limit else None
    return None


def _rows(value: Array) -> list[np.ndarray[Any, Any]]:
    """Views of the rows, 0-d ones too, so that what is written into them is written into the array."""
    return [value.data[index, ...] for index in range(len(value.data))]


def equal(one: Any, other: Any) -> bool:
    """Whether two values are known to be the same."""
    if isinstance(one, Array) and isinstance(other, Array):
        return one.data.shape == other.data.shape and bool(np.all(one.data == other.data))
    try:
        return type(one) is type(other) and not isinstance(one, (Unknown, Array)) and bool(one == other)
    except (ValueError, TypeError, RecursionError):
        return False
