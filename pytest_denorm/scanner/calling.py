"""Evaluation of calls: of the project's own functions and classes, and of what libraries give."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

import numpy as np

from . import arrays, libraries
from .abstract import (
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
    options,
)
from .builtin_calls import call_builtin_method
from .expressions import _AFFINE, _SAME
from .noting import Noting, is_mean_key, is_normalizing
from .records import is_inverse_name

__all__ = ["Evaluator"]

_DEEPEST = 5
#: The attribute that holds the Normalize that an object derives from.
_BASE = "(base)"


class Evaluator(Noting):
    """Evaluates a module, one of its functions, or an inverse on trial."""

    def define(self, node: Any, env: Env) -> Function:
        name = getattr(node, "name", "<lambda>")
        spec = node.args
        positional = [*spec.posonlyargs, *spec.args]
        defaults = {
            one.arg: self.evaluate(value, env)
            for one, value in zip(positional[len(positional) - len(spec.defaults) :], spec.defaults, strict=True)
        }
        for one, value in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
            if value is not None:
                defaults[one.arg] = self.evaluate(value, env)
        kinds = {ast.unparse(one).rpartition(".")[2] for one in getattr(node, "decorator_list", [])}
        kind = next((one for one in ("staticmethod", "classmethod", "property") if one in kinds), "")
        made = Function(node, env, name, defaults, kind=kind)
        self.project.add_function(made)
        if not isinstance(node, ast.Lambda):
            self.note_defaults(made)
        return made

    # calls

    def _Call(self, node: ast.Call, env: Env) -> Any:
        if isinstance(node.func, ast.Attribute):
            callee = self.attribute(self.evaluate(node.func.value, env), node.func.attr, node.func, env)
        else:
            callee = self.evaluate(node.func, env)
        args = self._elements(node.args, env)
        kwargs: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, env)
            if keyword.arg is not None:
                kwargs[keyword.arg] = value
            elif isinstance(value, dict):
                kwargs.update({str(key): one for key, one in value.items()})
        return self.call(callee, args, kwargs, node, env)

    def call(self, callee: Any, args: list[Any], kwargs: dict[str, Any], node: ast.AST, env: Env) -> Any:
        if isinstance(callee, Choice):
            if self.strict:
                raise NotJudged("a call of one of several functions")
            return self.lifted(lambda one: self.call(one, args, kwargs, node, env), callee)
        if isinstance(callee, External):
            return libraries.call(self, callee, args, kwargs, node, env)
        if isinstance(callee, Function):
            result = _undone(callee.name, self.call_function(callee, args, kwargs, node, env))
            return self._of_project(callee.name, result, args, kwargs, node, env)
        if isinstance(callee, Class):
            return self.instantiate(callee, args, kwargs, node, env)
        if isinstance(callee, Bound):
            return self._call_bound(callee, args, kwargs, node, env)
        if isinstance(callee, Transform):
            given = [*args, *(kwargs[key] for key in ("image", "img", "x", "pic") if key in kwargs)]
            return libraries.apply(self, callee, given[0] if given else Unknown("nothing"), node, env)
        if isinstance(callee, Instance):
            base = callee.attributes.get(_BASE)
            if isinstance(base, Transform) and args and callee.cls.find("__call__") is callee.cls.find("forward"):
                return libraries.apply(self, base, args[0], node, env)
            for name in ("__call__", "forward"):
                method = callee.cls.find(name)
                if isinstance(method, Function):
                    return _undone(callee.cls.name, self.call_function(method, [callee, *args], kwargs, node, env))
        return self.unknown_call(callee, args, kwargs, node, env)

    def unknown_call(self, callee: Any, args: list[Any], kwargs: dict[str, Any], node: ast.AST, env: Env) -> Unknown:
        name = getattr(callee, "path", getattr(callee, "name", getattr(callee, "reason", "")))
        self.note_generic(str(name).rpartition(".")[2], args, kwargs, node, env)
        return Unknown(f"a call of {name or 'something unknown'}")

    def _of_project(
        self, name: str, result: Any, args: list[Any], kwargs: dict[str, Any], node: ast.AST, env: Env
    ) -> Any:
        if is_normalizing(name) and not is_inverse_name(name):
            self.note_generic(name, args, kwargs, node, env)
        return result

    def call_function(
        self, function: Function, args: list[Any], kwargs: dict[str, Any], node: ast.AST, env: Env
    ) -> Any:
        """What a function of the project returns."""
        if self.depth >= _DEEPEST:
            if self.strict:
                raise NotJudged("calls that are nested too deep")
            return Unknown(f"a call of {function.name}")
        self.note_helper(function, args, kwargs, node, env)
        owner = args[0] if args and isinstance(args[0], Instance) and function.owner is not None else None
        held = list(owner.attributes.values()) if owner is not None else []
        given = [*args[1:], *kwargs.values()] if function.name == "__init__" else []
        moves = any(_has_transform(one) for one in (*held, *given)) or any(map(_is_followed, (*args, *kwargs.values())))
        if not self.strict and not moves and not self.project.is_relevant(function.node, function.env.module):
            return Unknown(f"a call of {function.name}")
        inner = self.bound_names(function, args, kwargs)
        kept_module, self.module = self.module, function.env.module
        kept, self.split, self.targets = (self.split, self.targets), "", frozenset()
        self.depth += 1
        try:
            if isinstance(function.node, ast.Lambda):
                return self.evaluate(function.node.body, inner)
            return self.run_function(function.node.body, inner)
        except NotJudged:
            if self.strict:
                raise
            return Unknown(f"a call of {function.name}")
        finally:
            self.depth -= 1
            self.module = kept_module
            self.split, self.targets = kept

    def bound_names(self, function: Function, args: list[Any], kwargs: dict[str, Any]) -> Env:
        """The scope of a call."""
        spec = function.node.args
        names: dict[str, Any] = {} if function.owner is None else {"__class__": function.owner}
        positional = [one.arg for one in (*spec.posonlyargs, *spec.args)]
        known = {*positional, *(one.arg for one in spec.kwonlyargs)}
        for name, value in zip(positional, args, strict=False):
            names[name] = value
        for name, value in kwargs.items():
            if name in known:
                names[name] = value
        for name in known - names.keys():
            names[name] = function.defaults.get(name, _parameter(name))
        if spec.vararg:
            names[spec.vararg.arg] = tuple(args[len(positional) :])
        if spec.kwarg:
            names[spec.kwarg.arg] = {key: value for key, value in kwargs.items() if key not in known}
        scope = f"{function.env.scope}.{function.name}".lstrip(".")
        return Env(names, function.env, function.env.module, scope)

    def instantiate(self, cls: Class, args: list[Any], kwargs: dict[str, Any], node: ast.AST, env: Env) -> Any:
        """An object of a class of the project; of one that derives from a library's Normalize, that Normalize."""
        if self.depth < _DEEPEST and _derives_from(cls, "Normalize") and cls.find("__init__") is None:
            base = next(one for one in cls.bases if isinstance(one, (External, Class)))
            return self.call(base, args, kwargs, node, env)
        instance = Instance(cls)
        init = cls.find("__init__")
        if isinstance(init, Function):
            self.call_function(init, [instance, *args], kwargs, node, env)
            names = [one.arg for one in init.node.args.args[1:]]
            kwargs = {**dict(zip(names, args, strict=False)), **kwargs}
            args = [] if len(names) >= len(args) else args
            for name in names:
                if name not in kwargs and name in init.defaults and is_mean_key(name) and is_normalizing(cls.name):
                    kwargs = {**kwargs, **{key: init.defaults[key] for key in names if key in init.defaults}}
        elif isinstance(node, ast.Call):
            instance.attributes.update({key: value for key, value in kwargs.items() if _is_dataclass(cls)})
        if any(_has_transform(one) for one in instance.attributes.values()):
            self.project.dress(instance)
        if is_inverse_name(cls.name):
            self.project.add_instance(instance, self.place(node, env), env)
        else:
            self.note_generic(cls.name, args, kwargs, node, env)
        return instance

    def _call_bound(self, callee: Bound, args: list[Any], kwargs: dict[str, Any], node: ast.AST, env: Env) -> Any:
        owner, name = callee.owner, callee.name
        if callee.function is not None:
            function = callee.function
            own = [] if function.kind == "staticmethod" else [owner.cls if function.kind == "classmethod" else owner]
            result = _undone(function.name, self.call_function(function, [*own, *args], kwargs, node, env))
            return self._of_project(function.name, result, args, kwargs, node, env)
        if isinstance(owner, Super):
            return self._call_super(owner, name, args, kwargs, node, env)
        if isinstance(owner, Array):
            if self.strict and name.endswith("_") and any(isinstance(one, (Unknown, Choice, External)) for one in args):
                raise NotJudged(f"calls .{name}() with what is not known")
            if any(isinstance(one, (Unknown, Choice)) for one in args[:1]) and name.rstrip("_") in _AFFINE:
                made = self._affine_method(args[0], name, [owner], node, env)
                return made if made is not None else Unknown("an array")
            try:
                return arrays.call_method(owner, name, args, kwargs)
            except NotJudged:
                if self.strict:
                    raise
                return Unknown(f"a call of .{name}()")
        if isinstance(owner, Unknown):
            return self._method_of_unknown(owner, name, args, kwargs, node, env)
        if isinstance(owner, Instance) and name == "register_buffer" and len(args) > 1 and isinstance(args[0], str):
            owner.attributes[args[0]] = args[1]
            return None
        if isinstance(owner, (list, dict, str, tuple)):
            return call_builtin_method(self, owner, name, args, kwargs)
        if isinstance(owner, Transform) and name == "transforms":
            return list(owner.parts)
        return self.unknown_call(callee, args, kwargs, node, env)

    def _call_super(
        self, owner: Super, name: str, args: list[Any], kwargs: dict[str, Any], node: ast.AST, env: Env
    ) -> Any:
        """A method of a base class of a library: of Normalize it is known what it does."""
        base = next((one for one in owner.cls.bases if isinstance(one, External) and one.last == "Normalize"), None)
        if base is not None and name == "__init__":
            owner.instance.attributes[_BASE] = self.call(base, args, kwargs, node, env)
        known = owner.instance.attributes.get(_BASE)
        if name in ("__call__", "forward") and isinstance(known, Transform) and args:
            return libraries.apply(self, known, args[0], node, env)
        return None

    def _affine_method(self, owner: Any, name: str, args: list[Any], node: ast.AST, env: Env) -> Any:
        symbol = _AFFINE[name.rstrip("_")]
        operator = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult, "/": ast.Div}[symbol]()
        return self.binary(operator, owner, args[0], node, env)

    def _stepped(self, value: Unknown, step: str) -> Unknown:
        if value.event is not None and not self.strict:
            self.project.records[value.event].steps |= {step}
        return replace(value, steps=value.steps | {step})

    def _method_of_unknown(
        self, owner: Unknown, name: str, args: list[Any], kwargs: dict[str, Any], node: ast.AST, env: Env
    ) -> Any:
        if name.rstrip("_") in _AFFINE and args:
            made = self._affine_method(owner, name, args, node, env)
            if name.endswith("_") and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                target = node.func.value
                while isinstance(target, ast.Call) and isinstance(target.func, ast.Attribute):
                    target = target.func.value
                if isinstance(target, ast.Name):
                    env.names[target.id] = made
                elif isinstance(target, ast.Subscript) and isinstance(made, Unknown):
                    self.bind_channel(target, self.index(target.slice, env), made, env)
            return made
        if name in ("clamp", "clip", "clamp_"):
            return self._stepped(owner, "clip")
        if name in ("round", "round_"):
            return self._stepped(owner, "round")
        if name in ("byte", "uint8") or any(arrays.dtype_of(one) is np.uint8 for one in args):
            return self._stepped(owner, "uint8")
        if name in ("squeeze", "unsqueeze"):
            batch = (False if owner.batch else None) if name == "squeeze" else True
            return owner if batch == owner.batch else _rebatched(owner, batch)
        if name == "read" and owner.reason == "cv2.VideoCapture":
            return (Unknown("a flag"), Unknown("a frame", color="bgr"))
        if name in ("new_tensor", "new") and args:
            return libraries.call(self, External("torch.tensor"), args[:1], {}, node, env)
        if name in ("next", "__next__"):
            return owner
        if name == "convert" and args and isinstance(args[0], str):
            return owner.fresh(color="rgb") if args[0] == "RGB" else Unknown("an image")
        if name in _SAME:
            return owner
        libraries.note_shown(self, name, args, node, env)
        self.note_generic(name, args, kwargs, node, env)
        return Unknown(f"a call of .{name}()")


def _has_transform(value: Any) -> bool:
    """Whether it is a transform, one of the project's own too, or holds one."""
    if isinstance(value, (list, tuple)):
        return any(_has_transform(one) for one in value[:16])
    return any(isinstance(one, (Transform, Instance)) for one in options(value))


def _parameter(name: str) -> Unknown:
    """What is known of an argument by its name: a loader gives batches."""
    loads = name.lower().endswith("loader")
    return Unknown(f"parameter {name}", loader=loads, batch=True if loads or name == "batch" else None)


def _is_followed(value: Any) -> bool:
    """Whether it is an image of which something is known, wherever it goes."""
    return isinstance(value, Unknown) and (value.normalized or bool(value.color))


def _undone(name: str, value: Any) -> Any:
    """What an inverse returns is no normalized image, whatever is known of its map."""
    if isinstance(value, Unknown) and value.normalized and is_inverse_name(name):
        return replace(value, normalized=False)
    return value


def _rebatched(value: Unknown, batch: bool | None) -> Unknown:
    return replace(value, batch=batch)


def _derives_from(cls: Class, name: str) -> bool:
    return any(isinstance(one, External) and one.last == name for one in cls.bases)


def _is_dataclass(cls: Class) -> bool:
    return any("dataclass" in ast.dump(one) for one in cls.node.decorator_list)
