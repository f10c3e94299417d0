"""Evaluation of attributes and items."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from . import arrays
from .abstract import (
    MISSING,
    Array,
    Bound,
    Choice,
    Class,
    Env,
    External,
    Function,
    Instance,
    NotJudged,
    Super,
    Transform,
    Unknown,
    as_numbers,
)

__all__ = ["Access", "dotted"]


#: The reason of a slice whose ends are not known.
_SLICE = "a slice"


class Access:
    """Evaluates ``owner.name`` and ``owner[index]``."""

    project: Any
    strict: bool

    # what expressions.py gives
    def evaluate(self, node: ast.AST, env: Env) -> Any:
        raise NotImplementedError

    def call(self, callee: Any, args: list[Any], kwargs: dict[str, Any], node: ast.AST, env: Env) -> Any:
        raise NotImplementedError

    def lifted(self, compute: Callable[..., Any], *values: Any) -> Any:
        raise NotImplementedError

    def _Attribute(self, node: ast.Attribute, env: Env) -> Any:
        found = self.attribute(self.evaluate(node.value, env), node.attr, node, env)
        if isinstance(found, Bound) and isinstance(found.owner, (Unknown, Instance)) and found.function is None:
            known = env.find(dotted(node))
            if known is not MISSING:
                return known
            set_elsewhere = self.project.setting(node.attr)
            return Unknown(f"attribute {node.attr}") if set_elsewhere is None else set_elsewhere
        return found

    def attribute(self, owner: Any, name: str, node: ast.AST, env: Env) -> Any:
        """``owner.name``."""
        if isinstance(owner, External):
            return self.project.external(f"{owner.path}.{name}")
        if isinstance(owner, Instance):
            return self._attribute_of_instance(owner, name, node, env)
        if isinstance(owner, Super):
            base = next((one for one in owner.cls.bases if isinstance(one, Class) and one.find(name)), None)
            found = base.find(name) if base is not None else None
            return Bound(owner.instance, name, found) if isinstance(found, Function) else Bound(owner, name)
        if isinstance(owner, Class):
            found = owner.find(name)
            return Unknown(f"attribute {name}") if found is None else found
        if isinstance(owner, Array):
            found = arrays.array_attribute(owner, name)
            return Bound(owner, name) if found is None else found
        if isinstance(owner, Unknown):
            if name in ("shape", "ndim", "dtype", "device", "size"):
                return Bound(owner, name) if name == "size" else Unknown(f"attribute {name}")
            return owner if name in ("T", "data") else Bound(owner, name)
        if isinstance(owner, Choice):
            return self.lifted(lambda one: self.attribute(one, name, node, env), owner)
        if isinstance(owner, dict) and name in owner:
            return owner[name]  # of a config that gives its keys as attributes
        if isinstance(owner, Transform) and name in ("mean", "std"):
            value = owner.mean if name == "mean" else owner.std
            return Unknown(f"attribute {name}") if value is None else value
        if hasattr(owner, "env") and not isinstance(owner, Function):  # a module of the project
            found = self.project.member(owner, name)
            return Unknown(f"{name}") if found is None else found
        return Bound(owner, name)

    def _attribute_of_instance(self, owner: Instance, name: str, node: ast.AST, env: Env) -> Any:
        if name in owner.attributes:
            return owner.attributes[name]
        found = owner.cls.find(name)
        if isinstance(found, Function):
            if found.kind == "property":
                return self.call(Bound(owner, name, found), [], {}, node, env)
            return Bound(owner, name, found)
        if found is not None:
            return found
        return Bound(owner, name)

    def _Subscript(self, node: ast.Subscript, env: Env) -> Any:
        owner = self.evaluate(node.value, env)
        index = self.index(node.slice, env)
        return self.lifted(lambda a, b: self.item(a, b, node), owner, index)

    def index(self, node: ast.AST, env: Env) -> Any:
        """What stands between brackets, slices as slices."""
        if isinstance(node, ast.Slice):
            parts = [None if one is None else self.evaluate(one, env) for one in (node.lower, node.upper, node.step)]
            parts = [int(one.data) if isinstance(one, Array) and one.data.size == 1 else one for one in parts]
            if all(one is None or isinstance(one, int) for one in parts):
                return slice(*parts)
            return Unknown(_SLICE)
        if isinstance(node, ast.Tuple):
            return tuple(self.index(one, env) for one in node.elts)
        found = self.evaluate(node, env)
        return None if isinstance(found, External) and found.last == "newaxis" else found

    def item(self, owner: Any, index: Any, node: ast.AST) -> Any:
        """``owner[index]``."""
        if isinstance(index, str) and isinstance(owner, (Unknown, Bound)):
            set_elsewhere = self.project.setting(index)
            if set_elsewhere is not None:
                return set_elsewhere
        if isinstance(owner, Unknown):
            return _item_of_unknown(owner, index)
        if isinstance(owner, Bound) and isinstance(owner.owner, Unknown):
            return Unknown(owner.owner.reason)
        parts = index if isinstance(index, tuple) else (index,)
        if any(isinstance(one, (Unknown, Choice, External, Bound)) for one in parts):
            if self.strict and isinstance(owner, Array):
                raise NotJudged("an index that is not known")
            return Unknown("an index that is not known")
        try:
            if isinstance(owner, Array):
                keys = tuple(_key(one) for one in parts)
                return Array(owner.data[keys if isinstance(index, tuple) else keys[0]], owner.torch)
            if isinstance(owner, (list, tuple, str, dict)):
                return owner[_key(index) if not isinstance(owner, dict) else index]
        except (IndexError, KeyError, TypeError, ValueError) as error:
            if self.strict:
                raise NotJudged(f"an index that does not fit: {error}") from error
        if isinstance(owner, Instance):
            return Unknown("an item")
        return Unknown("an item that is not known")


def dotted(node: ast.AST) -> str:
    """``cfg.data.mean`` of an attribute of a name; "" of any other expression."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) and parts else ""


def _is_picked(part: Any) -> bool:
    """Whether an index picks elements of an axis one by one, in an order of its own."""
    return isinstance(part, (list, tuple)) or (isinstance(part, Array) and part.data.ndim == 1)


def _is_reversal(part: Any) -> bool:
    numbers = as_numbers(part) if _is_picked(part) else None
    return numbers is not None and numbers.tolist() == [2, 1, 0]


def _is_slice(value: Any) -> bool:
    return isinstance(value, Unknown) and value.reason == _SLICE


def _key(value: Any) -> Any:
    if isinstance(value, Array):
        return value.data if value.data.ndim else int(value.data)
    return value


def _item_of_unknown(owner: Unknown, index: Any) -> Any:
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(one, slice) and one.step == -1 for one in parts) or any(map(_is_picked, parts)):
        last = parts[-1] if len(parts) > 1 else None
        surely = any(map(_is_reversal, parts)) or (isinstance(last, slice) and last.step == -1)
        color = {"bgr": "rgb", "rgb": "bgr"}.get(owner.color, "") if surely else ""
        return owner.fresh(color=color) if not owner.ops else Unknown(owner.reason)
    if all(isinstance(one, slice) or one is Ellipsis or one is None or _is_slice(one) for one in parts):
        return owner
    if isinstance(index, str):
        return owner.fresh(f"{owner.reason}[{index!r}]")
    if len(parts) == 1 and not isinstance(index, slice):
        return owner.fresh(batch=False if owner.batch else None) if not owner.ops else owner
    return Unknown(owner.reason, normalized=owner.normalized)
