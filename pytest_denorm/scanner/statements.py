"""Evaluation of statements of scanned source."""

from __future__ import annotations

import ast
import contextlib
from dataclasses import replace
from typing import Any

import numpy as np

from . import arrays
from .abstract import Array, Bound, Choice, Class, Env, Function, Instance, NotJudged, Unknown, unpacked
from .access import dotted
from .expressions import WALKED, Expressions
from .train_eval import sides_of

__all__ = ["Statements"]


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class _Loop(Exception):
    """``break`` or ``continue``."""

    def __init__(self, ends: bool) -> None:
        self.ends = ends


class Statements(Expressions):
    """Evaluates statements; a condition that is not known takes both branches."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.returned: list[Any] = []

    def body(self, statements: list[ast.stmt], env: Env) -> None:
        for statement in statements:
            self.statement(statement, env)

    def statement(self, node: ast.stmt, env: Env) -> None:
        self.budget.spend()
        method = getattr(self, f"_run_{type(node).__name__}", None)
        if method is not None:
            method(node, env)
        elif self.strict and not isinstance(node, (ast.Pass, ast.Global, ast.Nonlocal, ast.Assert)):
            raise NotJudged(f"a statement that is not followed: {type(node).__name__}")

    def _run_Expr(self, node: ast.Expr, env: Env) -> None:
        self.evaluate(node.value, env)

    def _run_Assign(self, node: ast.Assign, env: Env) -> None:
        value = self.assigned(node.value, node.targets, env)
        for target in node.targets:
            self.bind(target, value, env)

    def assigned(self, node: ast.expr, targets: list[ast.expr], env: Env) -> Any:
        """The value of an assignment; what it makes is known by the names that are assigned."""
        names = (getattr(one, "attr", getattr(one, "id", "")) for target in targets for one in ast.walk(target))
        kept, self.targets = self.targets, frozenset(name for name in names if name)
        try:
            return self.evaluate(node, env)
        finally:
            self.targets = kept

    def _run_AnnAssign(self, node: ast.AnnAssign, env: Env) -> None:
        if node.value is not None:
            self.bind(node.target, self.assigned(node.value, [node.target], env), env)

    def _run_AugAssign(self, node: ast.AugAssign, env: Env) -> None:
        target = node.target
        current = self.evaluate(target, env)
        value = self.binary(node.op, current, self.evaluate(node.value, env), node, env)
        if isinstance(current, Array) and isinstance(value, Array) and current.data.ndim:
            self.write(current, ..., value)
            return
        self.bind(target, value, env)

    def write(self, array: Array, key: Any, value: Any) -> None:
        """``array[key] = value``, as numpy and torch do it."""
        try:
            with np.errstate(all="ignore"):
                array.data[key] = arrays.to_data(value)
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise NotJudged(f"an assignment that does not fit: {error}") from error

    def bind(self, target: ast.AST, value: Any, env: Env) -> None:
        if isinstance(target, ast.Name):
            env.names[target.id] = value
            env.lines[target.id] = target
            if isinstance(value, Function) and value.name == "<lambda>":
                value.name = target.id
            self.name_records(value, target.id, env)
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._bind_parts(target.elts, value, env)
        elif isinstance(target, ast.Attribute):
            owner = self.evaluate(target.value, env)
            if isinstance(owner, (Instance, Class)):
                self._bind_attribute(owner, target.attr, value, target)
                if isinstance(owner, Instance):
                    owner.lines[target.attr] = target
                    self.note_setting(owner.attributes, target.attr, value, target, env)
            elif isinstance(owner, dict):
                owner[target.attr] = value
                self.note_setting(owner, target.attr, value, target, env)
            elif not isinstance(owner, Array) and (path := dotted(target)):
                env.names[path] = value
                env.lines[path] = target
            self.name_records(value, target.attr, env)
        elif isinstance(target, ast.Subscript):
            self._bind_item(target, value, env)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, Unknown("starred"), env)

    def name_records(self, value: Any, name: str, env: Env) -> None:
        raise NotImplementedError

    def note_setting(self, names: dict[Any, Any], key: str, value: Any, node: ast.AST, env: Env) -> None:
        raise NotImplementedError

    def _bind_parts(self, targets: list[ast.expr], value: Any, env: Env) -> None:
        if isinstance(value, Choice) and all(isinstance(one, (tuple, list)) for one in value.values):
            for at, target in enumerate(targets):
                parts = tuple(one[at] if at < len(one) else Unknown("a part") for one in value.values)
                self.bind(target, Choice(value.tag, parts), env)
            return
        known = unpacked(value, WALKED)
        if known is None or len(known) != len(targets) or any(isinstance(one, ast.Starred) for one in targets):
            if self.strict and isinstance(value, Array):
                raise NotJudged("parts that do not fit")
            for at, target in enumerate(targets):
                first = at == 0 and isinstance(value, Unknown) and (value.loader or value.reason == "parameter batch")
                self.bind(target, replace(value.element(), loader=False) if first else Unknown("a part"), env)
            return
        for target, part in zip(targets, known, strict=True):
            self.bind(target, part, env)

    def _bind_item(self, target: ast.Subscript, value: Any, env: Env) -> None:
        owner = self.evaluate(target.value, env)
        key = self.index(target.slice, env)
        if isinstance(owner, Array):
            parts = key if isinstance(key, tuple) else (key,)
            if any(isinstance(one, (Unknown, Choice, Bound)) for one in parts) or isinstance(value, Unknown):
                if self.strict:
                    raise NotJudged("an assignment at an index that is not known")
                return
            keys = tuple(one.data if isinstance(one, Array) else one for one in parts)
            self.write(owner, keys if isinstance(key, tuple) else keys[0], value)
        elif isinstance(owner, Unknown) and isinstance(value, Unknown) and isinstance(target.value, ast.Name):
            self.bind_channel(target, key, value, env)
            if value.color and not owner.color:  # an image is laid into a larger one
                env.names[target.value.id] = owner.fresh(color=value.color)
        elif isinstance(owner, dict) and isinstance(key, (str, int)):
            owner[key] = value
            if isinstance(key, str):
                self.name_records(value, key, env)
                self.note_setting(owner, key, value, target, env)
        elif isinstance(owner, list) and isinstance(key, int) and -len(owner) <= key < len(owner):
            owner[key] = value
        if isinstance(target.value, ast.Name):
            self.name_records(value, target.value.id, env)

    def _bind_attribute(self, owner: Instance | Class, name: str, value: Any, target: ast.Attribute) -> None:
        """What others than its own methods assign to an attribute is one more value that it may have."""
        names = owner.attributes if isinstance(owner, Instance) else owner.env.names
        own = isinstance(target.value, ast.Name) and target.value.id in ("self", "cls")
        before = names.get(name, owner.cls.find(name) if isinstance(owner, Instance) else None)
        names[name] = value if own or before is None else self.merged(id(target), before, value)

    def bind_channel(self, target: ast.Subscript, key: Any, value: Unknown, env: Env) -> None:
        raise NotImplementedError

    def note_channels(self, parts: list[Any], node: ast.AST, env: Env) -> None:
        raise NotImplementedError

    def _run_Delete(self, node: ast.Delete, env: Env) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                env.names.pop(target.id, None)

    def _run_Return(self, node: ast.Return, env: Env) -> None:
        raise _Return(None if node.value is None else self.evaluate(node.value, env))

    def _run_Raise(self, node: ast.Raise, env: Env) -> None:
        if self.strict:
            raise NotJudged(f"it raises: {ast.unparse(node)[:80]}")
        raise _Return(Unknown("an error that is raised"))

    def _run_Break(self, node: ast.Break, env: Env) -> None:
        raise _Loop(True)

    def _run_Continue(self, node: ast.Continue, env: Env) -> None:
        raise _Loop(False)

    def _run_FunctionDef(self, node: ast.FunctionDef, env: Env) -> None:
        env.names[node.name] = self.define(node, env)

    _run_AsyncFunctionDef = _run_FunctionDef

    def _run_ClassDef(self, node: ast.ClassDef, env: Env) -> None:
        inner = Env(parent=env, module=env.module, scope=f"{env.scope}.{node.name}".lstrip("."))
        made = Class(node, inner, node.name, tuple(self.evaluate(one, env) for one in node.bases))
        env.names[node.name] = made
        self.project.add_class(made)
        self.isolated(node.body, inner)
        for value in inner.names.values():
            if isinstance(value, Function):
                value.owner = made
        self.note_pairs(inner.names, node, inner)

    def isolated(self, statements: list[ast.stmt], env: Env) -> None:
        for statement in statements:
            with contextlib.suppress(_Return, _Loop):
                self.statement(statement, env)

    def _run_With(self, node: ast.With, env: Env) -> None:
        for item in node.items:
            value = self.evaluate(item.context_expr, env)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value, env)
        self.body(node.body, env)

    _run_AsyncWith = _run_With

    def _run_Try(self, node: ast.Try, env: Env) -> None:
        self.body(node.body, env)
        if not self.strict:
            for handler in node.handlers:
                self._quietly(handler.body, Env(dict(env.names), env.parent, env.module, env.scope))
        self.body(node.orelse, env)
        self.body(node.finalbody, env)

    _run_TryStar = _run_Try

    def _quietly(self, statements: list[ast.stmt], env: Env) -> None:
        """A branch of which just the records are wanted."""
        with contextlib.suppress(_Return, _Loop):
            self.body(statements, env)

    def _run_If(self, node: ast.If, env: Env) -> None:
        truth = self.truth(self.evaluate(node.test, env))
        if _is_main(node.test):
            truth = True
        if truth is not None:
            other = Env(dict(env.names), env.parent, env.module, env.scope)
            self._side(node, not truth, env)
            if not self.strict and not _is_main(node.test) and not _is_version_test(node.test):
                with contextlib.suppress(_Return, _Loop):
                    self._side(node, truth, other)
            return
        if self.strict:
            self._side(node, not self.assumed(node.test), env)
            return
        first, second = (Env(dict(env.names), env.parent, env.module, env.scope, env.lines) for _ in range(2))
        ends = [self._branch(node, index, inner) for index, inner in enumerate((first, second))]
        if all(ends):
            raise _Return(None)
        for index, _one in enumerate((first, second)):
            if ends[index]:
                env.names = (second if index == 0 else first).names
                return
        self._join(node, env, first, second)

    def _side(self, node: ast.If, index: int | bool, env: Env) -> None:
        """Run one branch: 0 where the condition holds, else 1."""
        kept, self.split = self.split, sides_of(node.test)[index] or self.split
        try:
            self.body(node.orelse if index else node.body, env)
        finally:
            self.split = kept

    def _branch(self, node: ast.If, index: int, env: Env) -> bool:
        """Whether a branch returns, or ends a turn of a loop; what it returns is kept."""
        try:
            self._side(node, index, env)
        except _Return as ended:
            self.returned.append(ended.value)
            return True
        except _Loop:
            return True
        return False

    def _join(self, node: ast.If, env: Env, first: Env, second: Env) -> None:
        """The names after an ``if``; an ``elif`` has the tag of its ``if``, and all names as many values as it."""
        chain = node.orelse[0] if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If) else None
        nested = {n: v for n, v in second.names.items() if isinstance(v, Choice) and chain and v.tag == id(chain)}
        count = max((len(one.values) for one in nested.values()), default=1)
        for name in {**first.names, **second.names}:
            one, other = (env_.names.get(name, _MISSING) for env_ in (first, second))
            if one is other:
                env.names[name] = one
            elif one is _MISSING or other is _MISSING:
                env.names[name] = other if one is _MISSING else one
            else:
                others = nested[name].values if name in nested else (other,) * count
                env.names[name] = self.merged(id(node), one, *others)
                if not isinstance(env.names[name], Choice) and count > 1 and name in nested:
                    env.names[name] = Choice(id(node), (one, *others))

    def _run_For(self, node: ast.For, env: Env) -> None:
        walked = self.evaluate(node.iter, env)
        values = self.iterated(walked, env)
        if values is None:
            values = [self._element(walked)]
        changed: list[Any] = []
        name = _first_name(node.target)
        for value in values:
            self.budget.spend()
            self.bind(node.target, value, env)
            try:
                self.body(node.body, env)
            except _Loop as ended:
                if ended.ends and self.strict:
                    return
            changed.append(env.names.get(name))
        if not self.strict:
            self.note_channels(changed, node, env)
        self.body(node.orelse, env)

    _run_AsyncFor = _run_For

    def _element(self, walked: Any) -> Any:
        if isinstance(walked, Unknown) and walked.loader:
            return walked.element()
        if isinstance(walked, Unknown):
            return Unknown("an element", loader=False, batch=False if walked.batch else None)
        return Unknown("an element")

    def _run_While(self, node: ast.While, env: Env) -> None:
        if self.strict:
            raise NotJudged("a while loop")
        with contextlib.suppress(_Loop):
            self.body(node.body, env)

    def _run_Import(self, node: ast.Import, env: Env) -> None:
        for alias in node.names:
            found = self.project.imported(self.module, alias.name)
            if alias.asname:
                env.names[alias.asname] = found
            else:
                top = alias.name.partition(".")[0]
                env.names[top] = self.project.imported(self.module, top)

    def _run_ImportFrom(self, node: ast.ImportFrom, env: Env) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.module.star_from(node, self.project)
                continue
            env.names[alias.asname or alias.name] = self.project.imported_from(self.module, node, alias.name)

    def run_function(self, statements: list[ast.stmt], env: Env) -> Any:
        """What a body returns: one value, or a Choice of those that it may."""
        kept, self.returned = self.returned, []
        try:
            self.body(statements, env)
            last: Any = None
        except _Return as ended:
            last = ended.value
        except _Loop:
            last = None
        self.note_pairs(env.names, statements[0], env)
        values, self.returned = [*self.returned, last], kept
        values = [one for one in values if one is not None] or [None]
        return values[0] if len(values) == 1 else self.merged(id(statements), *values)


_MISSING = object()


def _first_name(target: ast.AST) -> str:
    """The name of a loop's variable; of several, of the first."""
    while isinstance(target, (ast.Tuple, ast.List)) and target.elts:
        target = target.elts[0]
    return target.id if isinstance(target, ast.Name) else ""


def _is_main(test: ast.AST) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _is_version_test(test: ast.AST) -> bool:
    return "version" in ast.dump(test)
