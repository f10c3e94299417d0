"""Pipelines that a project makes, and the inverses that it has for them, as the scan finds them: nothing of it is run.

A pipeline is what a module assigns, evaluated as the scan does: a Normalize, a Compose with a Normalize in it, the
transforms of weights and the like, dicts of these by name; and a function, or a method that needs no object, that can
be called without arguments and returns one. An inverse is what the scan takes for one, by what it computes or by its
name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .project_modules import Module, assigned_names, read_modules

if TYPE_CHECKING:
    from ..scanner.project import Module as Evaluated
    from ..scanner.project import Project

__all__ = ["Candidate", "Found", "find_candidates"]

#: An inverse undoes a pipeline where no pixel comes out by more levels of 255 than a cast to bytes makes.
_FITS = 4.0


@dataclass(frozen=True)
class Candidate:
    """One pipeline, or one inverse.

    Attributes:
        module: dotted, as the project imports it.
        name: the attribute of the module.
        suffix: what follows the name: ``()`` for a function, ``['val']`` for a value of a dict.
        root: the folder that has to be importable.
        inverse: the project's inverse of a pipeline.
        unit: mean and std on images in 0..1, where the source gives them.
        is_named: of an inverse, whether its name says that it is one.
    """

    module: str
    name: str
    suffix: str
    root: Path
    inverse: Candidate | None = None
    unit: Any = field(default=None, compare=False)
    is_named: bool = True

    @property
    def spec(self) -> str:
        """``module:attribute``, or "" where there is none: for a value of a dict."""
        return "" if self.suffix.startswith("[") else f"{self.module}:{self.name}{self.suffix}"

    @property
    def label(self) -> str:
        """What a test may call it."""
        name = self.name.replace(".", "_")
        return f"{name}_{self.suffix[2:-2]}" if self.suffix.startswith("[") else name


@dataclass(frozen=True)
class Found:
    """What was found in a project.

    Attributes:
        candidates: the pipelines, each with its inverse.
        spare: inverses that belong to no pipeline, or beside a surer one.
        left_out: files that were not taken into account, with the reason of each.
        files: how many were looked at.
    """

    candidates: tuple[Candidate, ...]
    spare: tuple[Candidate, ...]
    left_out: tuple[tuple[Path, str], ...]
    files: int


def find_candidates(folder: Path) -> Found:
    """Return all pipelines and inverses in the Python files below `folder`."""
    from ..scanner.scanning import evaluate

    modules, left_out = read_modules(folder)
    project, found = evaluate([(one.file, one.file.relative_to(folder).as_posix()) for one in modules])
    units = {id(one.function.node): one.record.unit for one in found if one.function and not one.kind}
    evaluated = {one.source.file: one for one in project.modules}
    candidates: list[Candidate] = []
    inverses: list[Candidate] = []
    for module in modules:
        reader = _Reader(module, project, project.ready(evaluated[module.file]), units)
        pipelines, own = list(reader.pipelines()), list(reader.inverses())
        names = [one.name for one in (*pipelines, *own)]
        if names and module.refusal:
            left_out.append((module.file, f"has {', '.join(names)}, but {module.refusal}"))
            continue
        candidates += pipelines
        inverses += own
    paired = [replace(one, inverse=_inverse_for(one, inverses, modules)) for one in candidates]
    given = [one.inverse for one in paired]
    spare = [one for one in inverses if one not in given and one.is_named]
    return Found(tuple(paired), tuple(spare), tuple(left_out), len(modules) + len(left_out))


class _Reader:
    """Reads pipelines and inverses off one module."""

    def __init__(self, module: Module, project: Project, evaluated: Evaluated, units: dict[int, Any]) -> None:
        self.module, self.project, self.evaluated, self.units = module, project, evaluated, units

    def _candidate(self, name: str, suffix: str, unit: Any, is_named: bool = True) -> Candidate:
        return Candidate(self.module.name, name, suffix, self.module.root, None, unit, is_named)

    def _assigned(self) -> dict[str, ast.expr]:
        """The names that the module assigns at its top level, with the last value of each."""
        pairs = (pair for statement in self.module.tree.body for pair in assigned_names(statement))
        return {name: value for name, value in pairs if not name.startswith("_")}

    def pipelines(self) -> Iterator[Candidate]:
        """Yield each pipeline; a Normalize that is a part of one is not told, nor is one object twice."""
        from ..scanner.abstract import Transform
        from ..scanner.records import is_inverse_name

        told: set[int] = set()
        whole: list[tuple[str, str, Any]] = []
        names = [name for name in self._assigned() if not is_inverse_name(name)]
        for name in names:
            value = self.evaluated.env.names.get(name)
            for suffix, one in _entries(value):
                if id(one) not in told and self._is_pipeline(one):
                    told.add(id(one))
                    whole.append((name, suffix, one))
        parts = {
            id(part) for _, _, one in whole if isinstance(one, Transform) for part in one.walk() if part is not one
        }
        for name, suffix, one in whole:
            if id(one) not in parts:
                yield self._candidate(name, suffix, self._unit(one))
        made_by = {id(self._function(value.func)) for value in self._assigned().values() if isinstance(value, ast.Call)}
        for name, function, owner in self._functions():
            if id(function) not in made_by and not is_inverse_name(name) and _gives_always(function.node):
                value = self._called(function, owner)
                if self._is_pipeline(value):
                    yield self._candidate(name, "()", self._unit(value))

    def _function(self, expression: ast.expr) -> Any:
        """The function of the project that an expression names; None if it names none."""
        from ..scanner.abstract import Bound, Function

        found = self._evaluator().evaluate(expression, self.evaluated.env)
        found = found.function if isinstance(found, Bound) else found
        return found if isinstance(found, Function) else None

    def _evaluator(self) -> Any:
        from ..scanner.calling import Evaluator
        from ..scanner.expressions import Budget

        return Evaluator(self.project, self.evaluated, Budget(15_000))

    def _called(self, function: Any, owner: Any) -> Any:
        from ..scanner.abstract import NotJudged

        try:
            return self._evaluator().call_function(function, owner, {}, function.node, self.evaluated.env)
        except (NotJudged, RecursionError):
            return None

    def _functions(self) -> Iterator[tuple[str, Any, list[Any]]]:
        """Functions, and methods that need no object, that can be called without arguments; and what they get."""
        from ..scanner.abstract import Class, Function

        for statement in self.module.tree.body:
            found = self.evaluated.env.names.get(getattr(statement, "name", ""))
            if isinstance(statement, ast.FunctionDef) and isinstance(found, Function):
                if not statement.decorator_list and not _required(statement):
                    yield statement.name, found, []
            elif isinstance(statement, ast.ClassDef) and isinstance(found, Class):
                for name, one in found.env.names.items():
                    if isinstance(one, Function) and one.kind in ("staticmethod", "classmethod"):
                        owner = [found] if one.kind == "classmethod" else []
                        decorators = getattr(one.node, "decorator_list", [])
                        if len(decorators) == 1 and not _required(one.node, len(owner)):
                            yield f"{found.name}.{name}", one, owner

    def _is_pipeline(self, value: Any) -> bool:
        from ..scanner.abstract import Transform, options
        from ..scanner.libraries import is_normalizing_transform

        return all(isinstance(one, Transform) and is_normalizing_transform(one) for one in options(value))

    def _unit(self, value: Any) -> Any:
        """Mean and std of the last Normalize in a pipeline."""
        from ..scanner.abstract import Transform

        events = [one.event for one in value.walk() if one.event is not None] if isinstance(value, Transform) else []
        return self.project.records[events[-1]].unit if events else None

    def inverses(self) -> Iterator[Candidate]:
        """Yield what undoes a Normalize, if it can be called with just an image."""
        from ..scanner.abstract import Transform
        from ..scanner.records import is_inverse_name

        for statement in self.module.tree.body:
            name = getattr(statement, "name", "")
            if isinstance(statement, ast.FunctionDef):
                unit = self._unit_of(name)
                if (is_inverse_name(name) or unit) and _required(statement) == 1 and _may_give(statement):
                    yield self._candidate(name, "", unit, is_inverse_name(name))
            elif isinstance(statement, ast.ClassDef) and is_inverse_name(name):
                methods = {one.name: one for one in statement.body if isinstance(one, ast.FunctionDef)}
                init = methods.get("__init__")
                calls = [one for one in ("__call__", "forward") if one in methods]
                if calls and (init is None or not _required(init, 1)):
                    yield self._candidate(name, "()", self._unit_of(name, calls[0]))
            else:
                for assigned, value in assigned_names(statement):
                    if is_inverse_name(assigned) and isinstance(value, (ast.Call, ast.Lambda)):
                        made = self.evaluated.env.names.get(assigned)
                        yield self._candidate(assigned, "", self._unit(made) if isinstance(made, Transform) else None)

    def _unit_of(self, name: str, method: str = "") -> Any:
        """The numbers of an inverse that the scan tried."""
        from ..scanner.abstract import Class

        found = self.evaluated.env.names.get(name)
        if method and isinstance(found, Class):
            found = found.find(method)
        return self.units.get(id(getattr(found, "node", None)))


def _entries(value: Any) -> list[tuple[str, Any]]:
    """A value, or those of a dict, each with the suffix by which it is reached."""
    if isinstance(value, dict):
        return [(f"[{key!r}]", one) for key, one in value.items() if isinstance(key, str)]
    return [("", value)]


def _required(function: Any, bound: int = 0) -> int:
    """How many arguments a call has to give."""
    given = function.args
    positional = len(given.posonlyargs) + len(given.args) - len(given.defaults) - bound
    return positional + sum(one is None for one in given.kw_defaults)


def _returns(function: ast.AST) -> list[ast.expr | None]:
    """What a function returns, those inside it aside."""
    waiting, found = list(ast.iter_child_nodes(function)), []
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return):
            found.append(node.value)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return found


def _gives_always(function: ast.AST) -> bool:
    """Whether no return of a function gives None."""
    returns = _returns(function)
    return bool(returns) and not any(one is None or ast.unparse(one) == "None" for one in returns)


def _may_give(function: ast.FunctionDef) -> bool:
    """Whether a function returns something, or stands for one that does."""
    stub = all(isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) for one in function.body)
    return stub or any(one is not None for one in _returns(function))


def _inverse_for(pipeline: Candidate, inverses: Iterable[Candidate], modules: Iterable[Module]) -> Candidate | None:
    """The inverse of a pipeline: of the same module, or of one that is imported beside it.

    One that undoes it comes first, then one of its own module, then one whose name says so.
    """
    beside = {pipeline.module}
    for module in modules:
        if pipeline.module in module.reaches:
            beside |= {module.name, *module.reaches}
        if module.name == pipeline.module:
            beside |= module.reaches
    near = [one for one in inverses if one.module in beside and (one.is_named or _undoes(one, pipeline))]
    return min(
        near,
        key=lambda one: (not _undoes(one, pipeline), one.module != pipeline.module, not one.is_named),
        default=None,
    )


def _undoes(inverse: Candidate, pipeline: Candidate) -> bool:
    from ..scanner.reasons import distance

    if inverse.unit is None or pipeline.unit is None:
        return False
    return distance(pipeline.unit, inverse.unit) <= _FITS
