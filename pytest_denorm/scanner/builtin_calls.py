"""What Python's own functions and the methods of its containers give."""

from __future__ import annotations

from typing import Any

from . import arrays
from .abstract import (
    Array,
    Choice,
    Class,
    Env,
    External,
    Instance,
    NotJudged,
    Super,
    Transform,
    Unknown,
    unpacked,
)

__all__ = ["call_builtin", "call_builtin_method"]


def call_builtin(evaluator: Any, name: str, args: list[Any], kwargs: dict[str, Any], node: Any, env: Env) -> Any:
    first = args[0] if args else None
    if name == "dict":
        made = dict(first) if isinstance(first, dict) else {}
        made.update(kwargs)
        evaluator.note_pairs(made, node, env, "config")
        return made
    if name in ("list", "tuple", "sorted", "reversed", "iter"):
        if isinstance(first, (Unknown, Choice)) or first is None:
            return first if first is not None else []
        found = unpacked(first, 4096)
        found = None if found is None else found[::-1] if name == "reversed" else found
        return Unknown(name) if found is None or name == "sorted" else tuple(found) if name == "tuple" else found
    if name in ("zip", "enumerate", "map"):
        return _zipped(evaluator, name, args, node, env)
    if name == "range":
        numbers = [int(one) for one in args if isinstance(one, int)]
        return (
            range(*numbers) if numbers and len(numbers) == len(args) and len(range(*numbers)) < 5000 else Unknown(name)
        )
    if name == "len":
        found = unpacked(first, 5000)
        return Unknown("a length") if found is None else len(found)
    if name == "next" and isinstance(first, Unknown):
        return first.element() if first.loader else Unknown("next")
    if name == "super":
        instance, cls = env.find("self"), env.find("__class__")
        if isinstance(instance, Instance) and isinstance(cls, Class):
            return Super(instance, cls)
    if name in ("float", "int", "abs", "round", "min", "max", "sum", "bool", "pow", "divmod"):
        return _number(name, args)
    if name == "isinstance":
        return _is_instance(first, args[1] if len(args) > 1 else None)
    if name in ("hasattr", "callable"):
        return Unknown("a condition")
    if name == "getattr" and len(args) > 1 and isinstance(args[1], str):
        return evaluator.attribute(first, args[1], node, env)
    if name == "setattr" and len(args) > 2 and isinstance(first, Instance) and isinstance(args[1], str):
        first.attributes[args[1]] = args[2]
    if name in ("print", "super", "setattr", "vars", "type", "str", "repr", "open", "set"):
        return Unknown(name)
    if name in ("property", "staticmethod", "classmethod"):
        return first
    return Unknown(f"a call of {name}")


def _zipped(evaluator: Any, name: str, args: list[Any], node: Any, env: Env) -> Any:
    if name == "enumerate":
        found = evaluator.iterated(args[0], env) if args else None
        if found is None:
            loader = args[0] if args else None
            one = loader.element() if isinstance(loader, Unknown) and loader.loader else Unknown("one")
            return [(0, one)] if not evaluator.strict else Unknown("enumerate")
        return list(enumerate(found))
    if name == "map":
        found = evaluator.iterated(args[1], env) if len(args) > 1 else None
        return Unknown("map") if found is None else [evaluator.call(args[0], [one], {}, node, env) for one in found]
    walked = [evaluator.iterated(one, env) for one in args]
    lengths = [len(one) for one in walked if one is not None]
    if not lengths:
        return Unknown("zip")
    if evaluator.strict and len(lengths) < len(walked):
        raise NotJudged("a zip of what is not known")
    count = min(lengths)
    if count > 256:
        return Unknown("zip")
    columns = [one if one is not None else [Unknown("an element")] * count for one in walked]
    return [tuple(row) for row in zip(*columns, strict=False)]


def _number(name: str, args: list[Any]) -> Any:
    function = {"float": float, "int": int, "abs": abs, "round": round, "min": min, "max": max, "sum": sum,
                "bool": bool, "pow": pow, "divmod": divmod}[name]  # fmt: skip
    plain = [one.data.item() if isinstance(one, Array) and one.data.size == 1 else one for one in args]
    if isinstance(plain[0] if plain else None, Array) and len(plain) == 1 and name in ("min", "max", "sum", "abs"):
        return arrays.call_method(plain[0], name, [], {})
    if not all(isinstance(one, (int, float, list, tuple)) for one in plain):
        return Unknown(name)
    try:
        return function(*plain)  # type: ignore[operator]
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return Unknown(name)


def _is_instance(value: Any, kind: Any) -> Any:
    kinds = kind if isinstance(kind, (tuple, list)) else (kind,)
    if not all(isinstance(one, External) for one in kinds):
        return Unknown("a condition")
    names = {one.last for one in kinds}
    if isinstance(value, Array):
        return bool(names & ({"Tensor"} if value.torch else {"ndarray"}))
    if isinstance(value, Transform):
        return value.name in names
    if isinstance(value, (bool, int, float, str, list, tuple, dict)):
        aliases = {"list": list, "tuple": tuple, "int": int, "float": float, "str": str, "dict": dict, "bool": bool}
        kept = tuple(aliases[one] for one in names if one in aliases)
        more = (list, tuple) if names & {"Sequence", "Iterable"} else ()
        number = (int, float) if names & {"Number", "Real"} else ()
        return isinstance(value, (*kept, *more, *number))
    return Unknown("a condition")


def call_builtin_method(evaluator: Any, owner: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A method of a list, a tuple, a dict or a text."""
    if isinstance(owner, dict):
        if name in ("items", "keys", "values"):
            return [list(one) if isinstance(one, tuple) else one for one in getattr(owner, name)()]
        if name in ("get", "pop") and args and isinstance(args[0], str):
            return owner.get(args[0], args[1] if len(args) > 1 else None)
        if name == "update":
            owner.update(args[0] if args and isinstance(args[0], dict) else {})
            owner.update(kwargs)
            return None
        if name == "copy":
            return dict(owner)
    if isinstance(owner, list):
        if name == "append" and len(owner) < 4096:
            owner.append(args[0] if args else None)
            return None
        if name in ("extend", "__iadd__"):
            owner.extend(unpacked(args[0], 256) or [Unknown("elements")])
            return None
        if name == "insert" and len(args) == 2:
            owner.insert(args[0] if isinstance(args[0], int) else 0, args[1])
            return None
        if name == "copy":
            return list(owner)
    plain = name in ("lower", "upper", "strip", "startswith", "endswith", "split")
    if isinstance(owner, str) and plain and all(isinstance(one, str) for one in args):
        return getattr(owner, name)(*args)
    return Unknown(f"a call of .{name}()")
