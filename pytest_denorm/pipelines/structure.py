"""What an object of no known library holds, in the order of use where that is plain."""

from __future__ import annotations

import contextlib
import enum
import functools
import inspect
import os
import types
from typing import Any

from ..core.normalization import Normalization
from .adapters.lightning import loaders_made_by
from .kept import kept_statistics, of_bytes
from .registry import Description, Leaf, Parts, public_name

__all__ = ["Views", "attributes_of", "is_dataset", "structure"]

#: A longer list holds samples, not transforms.
_LONGEST = 256
_PLAIN = (str, bytes, bytearray, int, float, complex, type(None), enum.Enum, os.PathLike, types.ModuleType)


class Views:
    """Members that are walked as one."""

    def __init__(self, parts: tuple[tuple[str, Any], ...]) -> None:
        self.parts = parts


def structure(obj: Any) -> Description:
    """What can be said of an object of no known library: its members, in the order of use where that is plain."""
    if isinstance(obj, Normalization):
        return Leaf(obj.mean, obj.std, obj.pixel_max, obj.source or "Normalization", obj.channel_axis, entry=None)
    if isinstance(obj, Views):
        return Parts(obj.parts, "views")
    if isinstance(obj, functools.partial):
        mean, std = obj.keywords.get("mean"), obj.keywords.get("std")
        if mean is not None and std is not None:
            kept = kept_statistics(obj.keywords)
            white = 255.0 if kept is not None and of_bytes(kept[2]) else 1.0
            return Leaf(mean, std, white, name=f"functools.partial of {public_name(obj.func)}", entry=None)
        return Parts(((".func", obj.func), *((f".keywords[{key!r}]", one) for key, one in _holders(obj.keywords))))
    if inspect.ismethod(obj):
        return Parts(((".__self__", obj.__self__),))
    if isinstance(obj, (list, tuple)):
        return Parts(tuple((f"[{index}]", one) for index, one in enumerate(obj) if _may_hold(one)), "views")
    if isinstance(obj, dict):
        return Parts(tuple((f"[{key!r}]", one) for key, one in _holders(obj)), "views")
    if inspect.isroutine(obj) or inspect.isclass(obj) or inspect.ismodule(obj):
        return None
    return _members(obj)


def _members(obj: Any) -> Description:
    """A class of the user's own: what it holds. In a data set, an inner data set comes before the transforms."""
    stored = attributes_of(obj)
    stored = {**stored, **{name: one for name, one in _of_classes(obj).items() if name not in stored}}
    held = [(f".{name}", one) for name, one in _holders(stored) if "target" not in str(name)]
    loaders = loaders_made_by(obj)
    if not held and loaders is None:
        return None
    inner = tuple(pair for pair in held if is_dataset(pair[1]))
    outer = tuple(pair for pair in held if not is_dataset(pair[1]))
    if not (inner and outer and is_dataset(obj)):
        return Parts(tuple(held), "views", otherwise=loaders)
    return Parts((("", Views(inner)), ("", Views(outer))))


def is_dataset(obj: Any) -> bool:
    """Whether it is a data set or a loader: of its class alone, because attributes of others may raise.

    A list or a dict in which a Normalize was found holds pipelines; a member of an enum of weights makes them.
    """
    kind = type(obj)
    if callable(obj) or issubclass(kind, (list, tuple, dict, enum.Enum)):
        return False
    return hasattr(kind, "__getitem__") or hasattr(kind, "__iter__")


def attributes_of(obj: Any) -> dict[Any, Any]:
    """What is stored in an object, without running code of its class."""
    stored = {}
    for cls in type(obj).__mro__:
        for name, member in vars(cls).items():
            if inspect.ismemberdescriptor(member) and name != "__dict__":  # __slots__
                with contextlib.suppress(AttributeError):  # never set
                    stored[name] = member.__get__(obj)
    with contextlib.suppress(AttributeError):
        stored.update(object.__getattribute__(obj, "__dict__"))
    for name in ("_modules", "_buffers", "_parameters"):  # torch keeps a module's children and numbers there
        held = stored.pop(name, None)
        stored.update(held if isinstance(held, dict) else {})
    return stored


def _of_classes(obj: Any) -> dict[str, Any]:
    """Transforms and data sets that are written in the body of a class: no methods, classes or other descriptors."""
    found: dict[str, Any] = {}
    for cls in type(obj).__mro__:
        for name, one in vars(cls).items():
            is_member = not (name.startswith("__") or inspect.isclass(one) or hasattr(type(one), "__get__"))
            if is_member and (callable(one) or is_dataset(one)):
                found.setdefault(name, one)
    return found


def _holders(attributes: dict[Any, Any]) -> list[tuple[Any, Any]]:
    return [(name, one) for name, one in attributes.items() if _may_hold(one)]


def _may_hold(obj: Any) -> bool:
    """Whether a transform could be in it: plain values, arrays, tensors and long lists of samples are passed over."""
    kind = type(obj)
    if issubclass(kind, _PLAIN) or hasattr(kind, "dtype"):
        return False
    if issubclass(kind, (list, tuple, dict)):
        members = obj.values() if issubclass(kind, dict) else obj
        return len(obj) <= _LONGEST and not all(issubclass(type(one), _PLAIN) for one in members)
    return callable(obj) or hasattr(kind, "__getitem__") or kind.__dictoffset__ != 0 or hasattr(kind, "__slots__")
