"""Evaluation of expressions of scanned source: nothing of the project is imported or run."""

from __future__ import annotations

import ast
import builtins
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

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
    Transform,
    Unknown,
    as_numbers,
    equal,
    unpacked,
)
from .access import Access
from .affine import combine

__all__ = ["TOO_LONG", "Budget", "Expressions"]

TOO_LONG = "too many steps to follow"

#: How many elements of a sequence a comprehension or a loop walks.
WALKED = 256
_MOST_CHOICES = 12
_LONGEST_TEXT = 4_000
#: What a method returns that changes neither values nor colors.
_SAME = {
    "cpu", "cuda", "detach", "numpy", "clone", "copy", "contiguous", "to", "float", "double", "half", "astype", "type",
    "permute", "transpose", "reshape", "view", "unsqueeze_", "expand", "flatten", "type_as", "requires_grad_", "data",
    "swapaxes", "movedim", "repeat", "resize", "crop", "get", "expand_as", "detach_", "float_", "T", "mul_", "unbind",
    "resolve_conj", "bfloat16",
}  # fmt: skip
_AFFINE = {
    "add": "+", "sub": "-", "subtract": "-", "mul": "*", "multiply": "*", "div": "/", "divide": "/", "true_divide": "/",
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: lambda a, b: a == b, ast.NotEq: lambda a, b: a != b, ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b, ast.Gt: lambda a, b: a > b, ast.GtE: lambda a, b: a >= b,
}  # fmt: skip


class Budget:
    """How many steps one evaluation may still take."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def spend(self, count: int = 1) -> None:
        self.steps -= count
        if self.steps < 0:
            raise NotJudged(TOO_LONG)


class Expressions(Access):
    """Evaluates expressions.

    Args:
        strict: for a trial on arrays, where what is not known ends the trial; else it is Unknown, and evaluation goes
            on.
        assume: on trial, what is taken for every condition that is not known.
    """

    def __init__(
        self, project: Any, module: Any, budget: Budget, *, strict: bool = False, assume: bool | None = None
    ) -> None:
        self.assume = assume
        self.project = project
        self.module = module
        self.budget = budget
        self.strict = strict
        self.split = ""
        self.targets: frozenset[str] = frozenset()
        self.depth = 0
        self.shown: list[Any] = []

    # what statements.py and calling.py give
    def call(self, callee: Any, args: list[Any], kwargs: dict[str, Any], node: ast.AST, env: Env) -> Any:
        raise NotImplementedError

    def define(self, node: Any, env: Env) -> Function:
        raise NotImplementedError

    def note_affine(self, value: Unknown, node: ast.AST, env: Env) -> Unknown:
        raise NotImplementedError

    def evaluate(self, node: ast.AST, env: Env) -> Any:
        """The value of an expression."""
        self.budget.spend()
        method = getattr(self, f"_{type(node).__name__}", None)
        if method is None:
            return Unknown(f"{type(node).__name__}")
        return method(node, env)

    def _Constant(self, node: ast.Constant, env: Env) -> Any:
        return node.value

    def _Name(self, node: ast.Name, env: Env) -> Any:
        found = env.find(node.id)
        if found is MISSING:
            found = self.module.star(node.id)
            if found is None:
                found = MISSING
        if found is MISSING:
            if node.id in ("True", "False", "None"):
                return None
            return External(f"builtins.{node.id}" if hasattr(builtins, node.id) else f"?.{node.id}")
        return found

    def _Tuple(self, node: ast.Tuple, env: Env) -> Any:
        return tuple(self._elements(node.elts, env))

    def _List(self, node: ast.List, env: Env) -> Any:
        return self._elements(node.elts, env)

    def _Set(self, node: ast.Set, env: Env) -> Any:
        self._elements(node.elts, env)
        return Unknown("a set")

    def _elements(self, nodes: Iterable[ast.expr], env: Env) -> list[Any]:
        found: list[Any] = []
        for one in nodes:
            if isinstance(one, ast.Starred):
                found += unpacked(self.evaluate(one.value, env), WALKED) or [Unknown("starred")]
            else:
                found.append(self.evaluate(one, env))
        return found

    def _Dict(self, node: ast.Dict, env: Env) -> Any:
        made: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            one = self.evaluate(value, env)
            if key is None:
                if isinstance(one, dict):
                    made.update(one)
                continue
            name = self.evaluate(key, env)
            if isinstance(name, (str, int, float, bool)):
                made[name] = one
        self.note_pairs(made, node, env)
        return made

    def note_pairs(self, names: dict[Any, Any], node: ast.AST, env: Env) -> None:
        raise NotImplementedError

    def _JoinedStr(self, node: ast.JoinedStr, env: Env) -> Any:
        return Unknown("a text")

    def _Lambda(self, node: ast.Lambda, env: Env) -> Any:
        return self.define(node, env)

    def _NamedExpr(self, node: ast.NamedExpr, env: Env) -> Any:
        value = self.evaluate(node.value, env)
        env.names[node.target.id] = value
        return value

    def _Await(self, node: ast.Await, env: Env) -> Any:
        return self.evaluate(node.value, env)

    def _Starred(self, node: ast.Starred, env: Env) -> Any:
        return self.evaluate(node.value, env)

    def _IfExp(self, node: ast.IfExp, env: Env) -> Any:
        truth = self.truth(self.evaluate(node.test, env))
        if truth is None and self.strict:
            truth = self.assumed(node.test)
        if truth is None:
            return self.merged(id(node), self.evaluate(node.body, env), self.evaluate(node.orelse, env))
        return self.evaluate(node.body if truth else node.orelse, env)

    def assumed(self, test: ast.AST) -> bool:
        """What is taken for a condition that is not known, on trial.

        Raises:
            NotJudged: nothing is.
        """
        said = ast.unparse(test)[:60]
        if self.assume is None:
            raise NotJudged(f"a condition that is not known: {said}")
        return self.assume

    def merged(self, tag: int, *values: Any) -> Any:
        """One value for several branches: itself where all agree."""
        first = values[0]
        if all(one is first or equal(one, first) for one in values[1:]):
            return first
        return Choice(tag, values)

    def truth(self, value: Any) -> bool | None:
        """Whether a value is true; None where that is not known."""
        if isinstance(value, (Unknown, Choice, External)):
            return None
        if isinstance(value, Array):
            return bool(value.data.reshape(-1)[0]) if value.data.size == 1 else None
        if isinstance(value, (Function, Class, Instance, Bound, Transform)):
            return True
        return bool(value)

    def _BoolOp(self, node: ast.BoolOp, env: Env) -> Any:
        is_and = isinstance(node.op, ast.And)
        values: list[Any] = []
        for one in node.values:
            value = self.evaluate(one, env)
            truth = self.truth(value)
            if truth is not None and truth != is_and:
                return value if not values else (Unknown("a condition") if is_and and value is None else value)
            if truth is None:
                values.append(value)
        if not values:
            return value
        return Choice(id(node), (*values, value)) if not is_and and len(node.values) == 2 else Unknown("a condition")

    def _UnaryOp(self, node: ast.UnaryOp, env: Env) -> Any:
        value = self.evaluate(node.operand, env)
        if isinstance(node.op, ast.Not):
            truth = self.truth(value)
            return Unknown("a condition") if truth is None else not truth
        if isinstance(node.op, ast.USub):
            return self.binary(ast.Mult(), -1, value, node, env) if not isinstance(value, (int, float)) else -value
        return value if isinstance(node.op, ast.UAdd) else Unknown("~")

    def _Compare(self, node: ast.Compare, env: Env) -> Any:
        values = [self.evaluate(one, env) for one in (node.left, *node.comparators)]
        results = []
        for operator, left, right in zip(node.ops, values, values[1:], strict=False):
            results.append(self._compared(operator, left, right))
        if len(results) == 1:
            return results[0]
        truths = [self.truth(one) for one in results]
        return Unknown("a condition") if None in truths else all(truths)

    def _compared(self, operator: ast.cmpop, left: Any, right: Any) -> Any:
        if isinstance(operator, (ast.Is, ast.IsNot)):
            known = not isinstance(left, (Unknown, Choice)) and not isinstance(right, (Unknown, Choice))
            if not known and not (right is None and isinstance(left, Unknown) and left.normalized):
                return Unknown("a condition")
            same = (left is None) == (right is None) and (left is right or left == right)
            return same == isinstance(operator, ast.Is)
        if isinstance(left, External) and isinstance(right, External) and isinstance(operator, (ast.Eq, ast.NotEq)):
            return (left == right) == isinstance(operator, ast.Eq)
        if any(isinstance(one, (Unknown, Choice, External, Instance)) for one in (left, right)):
            return Unknown("a condition")
        if isinstance(operator, (ast.In, ast.NotIn)):
            if isinstance(right, (list, tuple, dict, str)) and isinstance(left, (str, int, float)):
                try:
                    return (left in right) == isinstance(operator, ast.In)
                except TypeError:
                    return Unknown("a condition")
            return Unknown("a condition")
        try:
            if isinstance(left, Array) or isinstance(right, Array):
                return arrays.compare(left, right, _COMPARISONS[type(operator)])
            return _COMPARISONS[type(operator)](left, right)
        except (TypeError, NotJudged):
            return Unknown("a condition")

    def _BinOp(self, node: ast.BinOp, env: Env) -> Any:
        left, right = self.evaluate(node.left, env), self.evaluate(node.right, env)
        return self.binary(node.op, left, right, node, env)

    def binary(self, operator: ast.operator, left: Any, right: Any, node: ast.AST, env: Env) -> Any:
        """``left <operator> right``."""
        if isinstance(left, Choice) or isinstance(right, Choice):
            return self.lifted(lambda a, b: self.binary(operator, a, b, node, env), left, right)
        symbol = _OPERATORS.get(type(operator), "")
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            if symbol and not (isinstance(left, Unknown) and isinstance(right, Unknown)):
                known = right if isinstance(left, Unknown) else left
                made = combine(symbol, left, right, getattr(node, "lineno", 0))
                if made is not None and as_numbers(known) is not None:
                    return self.note_affine(made, node, env)
            if isinstance(left, Unknown) and isinstance(right, Unknown):
                return self.of_two_unknown(symbol, left, right, node, env)
            why = left if isinstance(left, Unknown) else right
            return Unknown(why.reason)
        return self.computed(operator, left, right)

    def of_two_unknown(self, symbol: str, left: Unknown, right: Unknown, node: ast.AST, env: Env) -> Unknown:
        raise NotImplementedError

    def computed(self, operator: ast.operator, left: Any, right: Any) -> Any:
        compute = arrays.BINARY[type(operator).__name__]
        try:
            if isinstance(left, Array) or isinstance(right, Array):
                return arrays.compare(left, right, compute)
            if isinstance(left, (list, tuple)) and isinstance(operator, ast.Mult):
                if isinstance(right, int) and len(left) * right <= WALKED:
                    return left * right
                return Unknown("a long list")
            if isinstance(left, str) or isinstance(right, str):
                short = isinstance(operator, ast.Add) and len(str(left)) + len(str(right)) < _LONGEST_TEXT
                return compute(left, right) if short else Unknown("a text")
            if isinstance(operator, (ast.Pow, ast.LShift)) and not _is_small(left, right):
                return Unknown("a number too large to compute")
            if isinstance(left, (int, float, list, tuple)) and isinstance(right, (int, float, list, tuple)):
                return compute(left, right)
        except NotJudged:
            if self.strict:
                raise
        except (TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
            if self.strict:
                raise NotJudged(str(error)) from error
        return Unknown("an operation that is not followed")

    def lifted(self, compute: Callable[..., Any], *values: Any) -> Any:
        """`compute` for each value that a Choice may be; Choices of one ``if`` go together."""
        tags = {one.tag: len(one.values) for one in values if isinstance(one, Choice)}
        if not tags:
            return compute(*values)
        if len(tags) == 1 or np.prod(list(tags.values())) <= _MOST_CHOICES:
            made = []
            for indices in itertools.product(*(range(count) for count in tags.values())):
                at = dict(zip(tags, indices, strict=True))
                picked = [
                    one.values[at[one.tag]] if isinstance(one, Choice) and at[one.tag] < len(one.values) else one
                    for one in values
                ]
                if not any(isinstance(one, Choice) and one.tag in at for one in picked):
                    made.append(compute(*picked))
                if len(made) > _MOST_CHOICES:
                    break
            if made:
                return made[0] if len(made) == 1 else Choice(next(iter(tags)) if len(tags) == 1 else 0, tuple(made))
        return Unknown("several values")

    def _ListComp(self, node: ast.ListComp, env: Env) -> Any:
        return self._comprehended(node.generators, lambda inner: self.evaluate(node.elt, inner), env)

    _GeneratorExp = _ListComp
    _SetComp = _ListComp

    def _DictComp(self, node: ast.DictComp, env: Env) -> Any:
        pairs = self._comprehended(
            node.generators, lambda inner: (self.evaluate(node.key, inner), self.evaluate(node.value, inner)), env
        )
        if not isinstance(pairs, list) or not all(isinstance(key, (str, int, float)) for key, _ in pairs):
            return Unknown("a dict")
        return dict(pairs)

    def _comprehended(self, generators: list[ast.comprehension], make: Callable[[Env], Any], env: Env) -> Any:
        inner = Env(parent=env, module=env.module, scope=env.scope)
        made: list[Any] = []
        known = self._walk(generators, make, inner, made)
        return made if known else Unknown("a comprehension over what is not known")

    def _walk(self, generators: list[ast.comprehension], make: Any, env: Env, made: list[Any]) -> bool:
        if not generators:
            made.append(make(env))
            return True
        first, *rest = generators
        values = self.iterated(self.evaluate(first.iter, env), env)
        known = values is not None
        for value in values or [Unknown("an element")]:
            self.budget.spend()
            self.bind(first.target, value, env)
            truths = [self.truth(self.evaluate(test, env)) for test in first.ifs]
            if False in truths:
                continue
            known = self._walk(rest, make, env, made) and known and None not in truths
        return known

    def bind(self, target: ast.AST, value: Any, env: Env) -> None:
        raise NotImplementedError

    def iterated(self, value: Any, env: Env) -> list[Any] | None:
        """The elements of what a loop walks; None where they are not known."""
        found = unpacked(value, 4096 if self.strict else WALKED)
        if found is None and self.strict and isinstance(value, Unknown):
            raise NotJudged(f"a loop over {value.reason}")
        return found


def _is_small(base: Any, exponent: Any) -> bool:
    """Whether a power is quickly computed."""
    numbers = isinstance(base, (int, float)) and isinstance(exponent, (int, float))
    return numbers and abs(exponent) <= 64 and abs(base) < 1e9
