"""Small changes to a module, of the kinds that programmers make by mistake, found in its syntax tree.

Changed are: boundaries and senses of comparisons, conditions, arithmetic, `and`/`or`, `not` and minus signs, numbers,
truth values, words, `min`/`max`/`any`/`all`, arguments (left out, exchanged), slices, returned values, types of
exceptions, `break`/`continue`, contexts of `with`; and statements that only have an effect are taken out. Defaults and
the parts of f-strings that are computed change like all other expressions.

Left alone: docstrings, annotations, blocks for type checkers, ``__all__``, ``strict=`` of ``zip``, and text for people,
that is strings with a space in them and the text of f-strings: a mutated message would only show that tests repeat it
letter by letter.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

_BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
_NEGATION: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr, ast.MatMult: ast.Mult,
}  # fmt: skip
_OPPOSITES = {
    "min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any",
    "floor": "ceil", "ceil": "floor",
}  # fmt: skip
#: Calls whose arguments cannot be exchanged or left out without an error that any test meets.
_FIXED_CALLS = {"isinstance", "issubclass", "getattr", "hasattr", "setattr", "zip", "cast", "TypeVar", "__setattr__"}


@dataclass(frozen=True)
class Mutant:
    """One change to one module.

    Attributes:
        path: of the module, relative to the project.
        function: the qualified name of the function it is in; of the class, or empty, if it is in none.
        line: where the change is.
        lines: of the statement; the tests that reach one of them are run.
        in_body: it is in the body of a function, so that the tests that reach it are known.
        old, new: the changed lines, each as one line.
        copy: 2 for the second of equal changes in one function, and so on.
        text: the whole module after the change.
    """

    path: str
    function: str
    line: int
    lines: range
    in_body: bool
    old: str
    new: str
    text: str
    copy: int = 1

    @property
    def id(self) -> str:
        """Stays the same as long as the changed lines do, wherever they move within their function."""
        nth = "" if self.copy == 1 else f" ({self.copy})"
        return f"{self.path}::{self.function}: {self.old} => {self.new}{nth}"

    def __str__(self) -> str:
        return f"{self.path}:{self.line} in {self.function or 'the module'}\n-    {self.old}\n+    {self.new}"


@dataclass(frozen=True)
class _Place:
    """Where a node is."""

    function: str = ""
    in_body: bool = False
    lines: range = range(0)
    host: ast.expr | None = None  # the f-string around it: it is rewritten as a whole
    is_condition: bool = False  # its negation is left out: True or False in its place shows as much


def find_mutants(path: str, source: str) -> list[Mutant]:
    """All mutants of a module, in the order of its lines."""
    counts: Counter[str] = Counter()
    mutants = []
    for node, new, place in _walk(ast.parse(source), _Place()):
        mutant = _mutant(path, source, node, new, place)
        if mutant is not None:
            counts[mutant.id] += 1
            mutants.append(replace(mutant, copy=counts[mutant.id]))
    return sorted(mutants, key=lambda mutant: mutant.line)


def _mutant(path: str, source: str, node: ast.AST, new: ast.AST, place: _Place) -> Mutant | None:
    """None if the change cannot be written down, as in some f-strings before Python 3.12."""
    host = place.host or node
    assert isinstance(host, (ast.expr, ast.stmt))
    try:
        written = _substituted(host, node, new)
    except ValueError:
        return None
    if isinstance(host, ast.expr) and not isinstance(host, ast.JoinedStr):
        written = _in_parentheses(new, written)
    start, end = _offset(source, host.lineno, host.col_offset), _offset(source, host.end_lineno, host.end_col_offset)
    text = source[:start] + written + source[end:]
    first, last = source.rfind("\n", 0, start) + 1, (source + "\n").index("\n", end)
    old, changed = source[first:last], text[first : last + len(text) - len(source)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, path, "exec", dont_inherit=True)
    except SyntaxError:
        return None
    return Mutant(
        path, place.function, host.lineno, place.lines, place.in_body, _one_line(old), _one_line(changed), text
    )


def _substituted(host: ast.AST, node: ast.AST, new: ast.AST) -> str:
    """The source of `host` with `new` in the place of `node`."""
    if host is node:
        return ast.unparse(new)
    for parent in ast.walk(host):
        for name, value in ast.iter_fields(parent):
            if value is node:
                setattr(parent, name, new)
                try:
                    return ast.unparse(host)
                finally:
                    setattr(parent, name, node)
            if isinstance(value, list) and any(each is node for each in value):
                setattr(parent, name, [new if each is node else each for each in value])
                try:
                    return ast.unparse(host)
                finally:
                    setattr(parent, name, value)
    raise AssertionError("the node is not in its host")


def _in_parentheses(new: ast.AST, written: str) -> str:
    closed = (ast.Constant, ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.JoinedStr)
    return written if isinstance(new, (*closed, ast.Slice)) else f"({written})"


def _offset(source: str, line: int | None, column: int | None) -> int:
    """The index of a character from its line, and its column in UTF-8 bytes."""
    assert line is not None
    assert column is not None
    lines = source.splitlines(keepends=True)
    return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())


def _one_line(text: str) -> str:
    return " ".join(text.split())


_Found = Iterator[tuple[ast.AST, ast.AST, _Place]]


def _walk(node: ast.AST, place: _Place) -> _Found:
    """Every (node, what to put in its place, where it is) below `node`."""
    if _is_left_alone(node):
        return
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        yield from _walk_definition(node, place)
        return
    if isinstance(node, (ast.stmt, ast.ExceptHandler)):
        place = replace(place, lines=_lines(node))
    if isinstance(node, ast.JoinedStr):
        computed = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        for part in computed:
            yield from _walk(part, replace(place, host=place.host or node, is_condition=False))
        return
    for new in _replacements(node, place):
        yield node, new, place
    yield from _parts(node, place)
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "format_spec"):
            continue
        is_negated = isinstance(node, ast.UnaryOp) and place.is_condition
        is_condition = name in ("test", "ifs") or isinstance(node, ast.BoolOp) or is_negated
        inner = replace(place, is_condition=is_condition)
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child, inner)


def _walk_definition(node: Function | ast.ClassDef, place: _Place) -> _Found:
    name = f"{place.function}.{node.name}" if place.function else node.name
    header = replace(place, function=name, in_body=False, lines=_lines(node))
    around: list[ast.AST] = [*node.decorator_list]
    if isinstance(node, FUNCTIONS):
        around += [each for each in (*node.args.defaults, *node.args.kw_defaults) if each is not None]
    else:
        around += node.keywords
    for each in around:
        yield from _walk(each, header)
    for statement in node.body:
        yield from _walk(statement, replace(header, in_body=place.in_body or isinstance(node, FUNCTIONS)))


def _lines(node: ast.stmt | ast.ExceptHandler) -> range:
    """Those of a statement, without the statements inside it."""
    body = getattr(node, "body", None)
    end = body[0].lineno - 1 if body else node.end_lineno or node.lineno
    return range(node.lineno, max(end, node.lineno) + 1)


def _is_left_alone(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom() | ast.arguments():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name.startswith("__")
        case ast.keyword(arg="strict"):  # of zip: it guards what holds by construction
            return True
    return False


def _parts(node: ast.AST, place: _Place) -> _Found:
    """Changes to a part of a statement that depend on the statement.

    A condition always or never holds, unless the mutants of its own parts show as much; exceptions are not caught; a
    context is not entered.
    """
    tests: list[ast.expr] = []
    match node:
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            tests = [test]
        case ast.comprehension(ifs=ifs):
            tests = ifs
        case ast.ExceptHandler(type=ast.Tuple(elts=kinds) as caught):
            for kind in kinds:
                yield caught, ast.Tuple([other for other in kinds if other is not kind], ast.Load()), place
        case ast.ExceptHandler(type=ast.expr() as caught):
            yield caught, ast.Tuple([], ast.Load()), place
        case ast.withitem(context_expr=context, optional_vars=None):
            yield context, ast.parse("__import__('contextlib').nullcontext()", mode="eval").body, place
    for test in tests:
        if isinstance(test, ast.Constant):
            continue
        if not isinstance(node, ast.While) and not _is_operation(test, ast.And):
            yield test, ast.Constant(True), place
        if not isinstance(node, ast.comprehension) and not _is_operation(test, ast.Or):
            yield test, ast.Constant(False), place


def _is_operation(node: ast.expr, op: type[ast.boolop]) -> bool:
    return isinstance(node, ast.BoolOp) and isinstance(node.op, op)


def _replacements(node: ast.AST, place: _Place) -> Iterator[ast.AST]:
    """What to put in the place of a node."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=rights):
            for index, op in enumerate(ops):
                for other in _BOUNDARY.get(type(op)), None if place.is_condition else _NEGATION[type(op)]:
                    if other is not None:
                        yield ast.Compare(left, [*ops[:index], other(), *ops[index + 1 :]], rights)
        case ast.BinOp(left=left, op=op, right=right):
            yield ast.BinOp(left, _ARITHMETIC[type(op)](), right)
        case ast.AugAssign(target=target, op=op, value=value):
            yield ast.AugAssign(target, _ARITHMETIC[type(op)](), value)
            yield ast.Pass()
        case ast.BoolOp(op=op, values=values):
            for index in range(len(values)):
                rest = values[:index] + values[index + 1 :]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(op=op, operand=operand):
            if not (isinstance(op, ast.Not) and place.is_condition):
                yield operand
        case ast.Constant(value=value):
            yield from (ast.Constant(other) for other in _other_values(value))
        case ast.Call():
            yield from _other_calls(node)
        case ast.Slice(lower=lower, upper=upper, step=step):
            if lower is not None:
                yield ast.Slice(None, upper, step)
            if upper is not None:
                yield ast.Slice(lower, None, step)
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Yield(value=ast.expr()):
            yield ast.Yield(ast.Constant(None))
        case ast.Raise(exc=None) | ast.Expr() | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.Raise(exc=ast.Call(args=arguments), cause=cause):
            yield ast.Raise(ast.Call(ast.Name("Exception"), arguments, []), cause)
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()


def _other_values(value: object) -> list[bool | int | float | str]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, float):
        return [value + 1 if value + 1 != value else value / 2]
    if isinstance(value, str) and not re.search(r"\s", value):
        return [f"XX{value}XX" if value else "XX"]
    return []


def _other_calls(call: ast.Call) -> Iterator[ast.Call]:
    name = call.func
    if isinstance(name, ast.Name) and name.id in _OPPOSITES:
        yield ast.Call(ast.Name(_OPPOSITES[name.id]), call.args, call.keywords)
    if isinstance(name, ast.Attribute) and name.attr in _OPPOSITES:
        yield ast.Call(ast.Attribute(name.value, _OPPOSITES[name.attr]), call.args, call.keywords)
    for keyword in call.keywords:
        # the default of a flag is most often its opposite, which is a mutant anyway
        if keyword.arg and not (isinstance(keyword.value, ast.Constant) and keyword.value.value in (True, False, None)):
            yield ast.Call(name, call.args, [other for other in call.keywords if other is not keyword])
    called = name.id if isinstance(name, ast.Name) else name.attr if isinstance(name, ast.Attribute) else ""
    if called in _FIXED_CALLS or len(call.args) < 2 or any(isinstance(each, ast.Starred) for each in call.args):
        return
    first, second, *rest = call.args
    if called not in _OPPOSITES and ast.dump(first) != ast.dump(second):  # the order does not matter to `min` and `max`
        yield ast.Call(name, [second, first, *rest], call.keywords)
    yield ast.Call(name, call.args[:-1], call.keywords)
