"""Pipelines that a project makes, and the inverses that it has for them, found in its source: nothing of it is run.

A pipeline is what a module assigns: a Normalize, a Compose with a Normalize in it, the transforms of weights and the
like, dicts of these by name, or what a function or a method of the project returns of that kind; and such a function
itself, if it can be called without arguments. An inverse is told by what it is called.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .project_modules import Module, assigned_names, called_name, last_name, read_modules

__all__ = ["Candidate", "Found", "find_candidates"]

#: Normalizes by the name of their class, in every library that has an adapter.
_NORMALIZES = {"Normalize", "NormalizeIntensity", "NormalizeIntensityd", "RescaleIntensity"}
#: What holds other transforms; a pipeline if a Normalize is among them.
_CONTAINERS = {"AugmentationSequential", "Compose", "ImageSequential", "ReplayCompose", "Sequential"}
#: What normalizes without saying so at the call.
_PRESETS = {"create_transform", "image_transform"}

#: What inverses are called, the surest names first; without underscores, in small letters.
_INVERSES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(un|de|inv|inverse|undo|reverse|rev)(normali[sz]e|norm|normali[sz]ation|standardi[sz]e)(tensor|image|img|batch)?",
        r"(undo|inv|inverse)(transform|transforms|preprocess|preprocessing)?|depreprocess|unpreprocess",
        r"tensor(2|to)(im|img|image|pil|numpy|np|uint8)s?|toimage|toimg|to(displayable|viewable)",
    )
)


@dataclass(frozen=True)
class Candidate:
    """One pipeline, or one inverse.

    Attributes:
        module: dotted, as the project imports it.
        name: the attribute of the module.
        suffix: what follows the name: ``()`` for a function, ``['val']`` for a value of a dict.
        root: the folder that has to be importable.
        inverse: the project's inverse of a pipeline.
    """

    module: str
    name: str
    suffix: str
    root: Path
    inverse: Candidate | None = None

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
    modules, left_out = read_modules(folder)
    makers = _makers(modules)
    candidates: list[Candidate] = []
    inverses: list[Candidate] = []
    for module in modules:
        pipelines = [(name, suffix) for name, suffix in _pipelines(module, makers) if not name.startswith("_")]
        own = [(name, suffix) for name, suffix in _inverses(module.tree) if not name.startswith("_")]
        names = [name for name, _ in (*pipelines, *own)]
        if names and module.refusal:
            left_out.append((module.file, f"has {', '.join(names)}, but {module.refusal}"))
            continue
        candidates += [Candidate(module.name, name, suffix, module.root) for name, suffix in pipelines]
        inverses += [Candidate(module.name, name, suffix, module.root) for name, suffix in own]
    paired = [replace(one, inverse=_inverse_for(one, inverses, modules)) for one in candidates]
    spare = [one for one in inverses if one not in [pipeline.inverse for pipeline in paired]]
    return Found(tuple(paired), tuple(spare), tuple(left_out), len(modules) + len(left_out))


# --- pipelines ---


def _makers(modules: Iterable[Module]) -> dict[str, bool]:
    """The full names of functions and methods that return a pipeline; whether each can be called without arguments."""
    found: dict[str, bool] = {}
    for module in modules:
        for name, function, is_method in _functions(module.tree):
            if _returns_pipeline(function, _normalizing(module)):
                found[f"{module.name}.{name}"] = not _wants_arguments(function, is_method)
    return found


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef, bool]]:
    """Functions, and methods that need no object, with their name from the module on."""
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef) and not statement.decorator_list:
            yield statement.name, statement, False
        if isinstance(statement, ast.ClassDef):
            for one in statement.body:
                if isinstance(one, ast.FunctionDef) and [last_name(d) for d in one.decorator_list] in (
                    ["staticmethod"],
                    ["classmethod"],
                ):
                    yield f"{statement.name}.{one.name}", one, last_name(one.decorator_list[0]) == "classmethod"


def _normalizing(module: Module) -> set[str]:
    """The names of a module that stand for a Normalize, or for something with one in it."""
    names: set[str] = set()
    for statement in module.tree.body:
        for name, value in assigned_names(statement):
            (names.add if _is_pipeline(value, names) else names.discard)(name)
    return names


def _pipelines(module: Module, makers: Mapping[str, bool]) -> Iterator[tuple[str, str]]:
    """Name and suffix of each pipeline; a Normalize that is a part of one is not told, nor is one object twice."""
    normalizing: set[str] = set()
    found: dict[str, tuple[ast.expr, list[str]]] = {}
    called: set[str] = set()  # makers whose results have a name
    for statement in module.tree.body:
        values: list[ast.expr] = []
        for name, value in assigned_names(statement):
            maker = module.target(value.func) if isinstance(value, ast.Call) else ""
            is_made = maker in makers
            suffixes = [""] if is_made else _suffixes(value, normalizing)
            found.pop(name, None)  # assigned anew
            normalizing.discard(name)
            if suffixes and not is_inverse(name):
                normalizing.add(name)
                called |= {maker} if is_made else set()
                if value not in values:  # of `a = b = Compose(...)` one is enough
                    found[name] = value, suffixes
            values.append(value)
    for name, _, _ in _functions(module.tree):
        full = f"{module.name}.{name}"
        if makers.get(full) and full not in called and not is_inverse(name):
            found[name] = ast.Constant(None), ["()"]
    parts = {
        node.id for value, _ in found.values() for node in ast.walk(value) if isinstance(node, ast.Name)
    } & normalizing
    for name, (value, suffixes) in found.items():
        if not (name in parts and isinstance(value, ast.Call) and called_name(value) in _NORMALIZES):
            yield from ((name, suffix) for suffix in suffixes)


def _suffixes(value: ast.expr, normalizing: set[str]) -> list[str]:
    """``[""]`` for a pipeline, one for each pipeline of a dict, none for anything else."""
    if isinstance(value, ast.Dict):
        return [
            f"[{key.value!r}]"
            for key, one in zip(value.keys, value.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and _is_pipeline(one, normalizing)
        ]
    return [""] if _is_pipeline(value, normalizing) else []


def _is_pipeline(value: ast.expr, normalizing: set[str]) -> bool:
    if not isinstance(value, ast.Call):
        return False
    called = called_name(value)
    if called in _NORMALIZES | _PRESETS:
        return True
    if called == "transforms":  # of weights
        return isinstance(value.func, ast.Attribute)
    if called == "from_pretrained":
        return isinstance(value.func, ast.Attribute) and last_name(value.func.value).endswith("ImageProcessor")
    return called in _CONTAINERS and any(
        (isinstance(node, ast.Call) and called_name(node) in _NORMALIZES)
        or (isinstance(node, ast.Name) and node.id in normalizing)
        for node in ast.walk(value)
    )


def _returns_pipeline(function: ast.FunctionDef, normalizing: set[str]) -> bool:
    """Whether each of its returns gives a pipeline, and nothing of another kind."""
    local, lists = set(normalizing), set[str]()
    returns = []
    for node in _own_nodes(function):
        if isinstance(node, ast.stmt):
            for name, value in assigned_names(node):
                if _is_pipeline(value, local):
                    local.add(name)
                elif isinstance(value, ast.List) and _holds_normalize(value, local):
                    lists.add(name)
        if _grows_list(node, local):
            lists.add(node.func.value.id)  # type: ignore[attr-defined]  # as it was asked
        if isinstance(node, ast.Return):
            returns.append(node.value)
    return bool(returns) and all(
        value is not None
        and (_is_pipeline(value, local | lists) or (isinstance(value, ast.Name) and value.id in local - normalizing))
        for value in returns
    )


def _own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function's body in their order, those of functions inside it aside."""
    waiting: list[ast.AST] = list(reversed(function.body))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            waiting += reversed(list(ast.iter_child_nodes(node)))


def _holds_normalize(value: ast.AST, normalizing: set[str]) -> bool:
    return any(
        (isinstance(node, ast.Call) and called_name(node) in _NORMALIZES)
        or (isinstance(node, ast.Name) and node.id in normalizing)
        for node in ast.walk(value)
    )


def _grows_list(node: ast.AST, normalizing: set[str]) -> bool:
    """``steps.append(Normalize(...))``, ``steps.extend([...])``"""
    return (
        isinstance(node, ast.Call)
        and called_name(node) in ("append", "extend", "insert")
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and any(_holds_normalize(one, normalizing) for one in node.args)
    )


def _wants_arguments(function: ast.FunctionDef, bound: bool) -> bool:
    return _required(function, bound) > 0 or None in function.args.kw_defaults


def _required(function: ast.FunctionDef, bound: bool) -> int:
    given = function.args
    return len(given.posonlyargs) + len(given.args) - len(given.defaults) - bound


# --- inverses ---


def is_inverse(name: str) -> bool:
    """Whether something of this name undoes a Normalize."""
    return _rank(name) is not None


def _rank(name: str) -> int | None:
    plain = name.rpartition(".")[2].replace("_", "").lower()
    return next((rank for rank, pattern in enumerate(_INVERSES) if pattern.fullmatch(plain)), None)


def _inverses(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Name and suffix of what undoes a Normalize, by what it is called, if it can be called with just an image."""
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef) and is_inverse(statement.name):
            if _required(statement, False) == 1 and None not in statement.args.kw_defaults:
                yield statement.name, ""
        elif isinstance(statement, ast.ClassDef) and is_inverse(statement.name):
            methods = {one.name: one for one in statement.body if isinstance(one, ast.FunctionDef)}
            init = methods.get("__init__")
            if {"__call__", "forward"} & methods.keys() and (init is None or not _wants_arguments(init, True)):
                yield statement.name, "()"
        else:
            for name, value in assigned_names(statement):
                if is_inverse(name) and isinstance(value, (ast.Call, ast.Lambda)):
                    yield name, ""


def _inverse_for(pipeline: Candidate, inverses: Iterable[Candidate], modules: Iterable[Module]) -> Candidate | None:
    """The inverse of a pipeline: of the same module, or of one that is imported beside it; the surest name."""
    beside = {pipeline.module}
    for module in modules:
        if pipeline.module in module.reaches:
            beside |= {module.name, *module.reaches}
        if module.name == pipeline.module:
            beside |= module.reaches
    near = [one for one in inverses if one.module in beside]
    return min(near, key=lambda one: (one.module != pipeline.module, _rank(one.name)), default=None)
