"""Pipelines that a project makes at module level, found in its source: nothing of it is run.

What is looked for are names that are assigned a Normalize, a Compose with a Normalize in it, the transforms of weights
and the like; dicts of these by name; and functions without arguments that return one.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Candidate", "Found", "find_candidates", "import_root"]

#: Normalizes by the name of their class, in every library that has an adapter.
_NORMALIZES = {"Normalize", "NormalizeIntensity", "NormalizeIntensityd", "RescaleIntensity"}
#: What holds other transforms; a pipeline if a Normalize is among them.
_CONTAINERS = {"AugmentationSequential", "Compose", "ImageSequential", "ReplayCompose", "Sequential"}
#: What normalizes without saying so at the call.
_PRESETS = {"create_transform", "image_transform"}

_LEFT_OUT = {"build", "dist", "docs", "node_modules", "site-packages", "test", "tests"}


@dataclass(frozen=True)
class Candidate:
    """One pipeline.

    Attributes:
        module: dotted, as the project imports it.
        name: the attribute of the module.
        suffix: what follows the name: ``()`` for a function, ``['val']`` for a value of a dict.
        root: the folder that has to be importable.
    """

    module: str
    name: str
    suffix: str
    root: Path

    @property
    def spec(self) -> str:
        """``module:attribute``, or "" where there is none: for a value of a dict."""
        return "" if self.suffix.startswith("[") else f"{self.module}:{self.name}{self.suffix}"

    @property
    def label(self) -> str:
        """What a test may call it."""
        return f"{self.name}_{self.suffix[2:-2]}" if self.suffix.startswith("[") else self.name


@dataclass(frozen=True)
class Found:
    """What was found in a project, and which files were not taken into account, with the reason of each."""

    candidates: tuple[Candidate, ...]
    left_out: tuple[tuple[Path, str], ...]
    files: int


def find_candidates(folder: Path) -> Found:
    """All pipelines in the Python files below `folder`, tests, virtual environments and hidden folders aside."""
    candidates: list[Candidate] = []
    left_out: list[tuple[Path, str]] = []
    files = list(_sources(folder))
    for file in files:
        try:
            tree = ast.parse(file.read_bytes(), str(file))
        except (OSError, SyntaxError, ValueError, RecursionError) as error:
            left_out.append((file, f"cannot be read: {error}"))
            continue
        names = [(name, suffix) for name, suffix in _pipelines(tree) if not name.startswith("_")]
        if not names:
            continue
        reason = _why_not_imported(tree)
        root = import_root(file, folder)
        module = _module(file, root)
        if not all(part.isidentifier() for part in module.split(".")):
            reason = "its name cannot be imported"
        elif module.partition(".")[0] in sys.stdlib_module_names:
            reason = f"{module.partition('.')[0]} is a module of Python itself"
        if reason:
            left_out.append((file, f"has {', '.join(name for name, _ in names)}, but {reason}"))
            continue
        candidates += [Candidate(module, name, suffix, root) for name, suffix in names]
    return Found(tuple(candidates), tuple(left_out), len(files))


def _sources(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir():
            if entry.name not in _LEFT_OUT and not (entry / "pyvenv.cfg").exists():
                yield from _sources(entry)
        elif entry.suffix == ".py" and not _is_of_pytest(entry.name):
            yield entry


def _is_of_pytest(name: str) -> bool:
    return name.startswith("test_") or name.endswith("_test.py") or name in ("conftest.py", "setup.py")


def import_root(file: Path, folder: Path) -> Path:
    """The folder from which `file` is imported: beside its outermost package; else ``src``, or `folder`."""
    root = file.parent
    while root != folder and (root / "__init__.py").exists():
        root = root.parent
    if root != file.parent:
        return root
    source = folder / "src"
    return source if source in file.parents else folder


def _module(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _pipelines(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Name and suffix of each pipeline, in their order; a Normalize that is a part of one is not told by itself."""
    normalizing: set[str] = set()  # names that stand for a Normalize, or for something with one in it
    found: dict[str, tuple[ast.expr, list[str]]] = {}
    for statement in tree.body:
        for name, value in _assigned(statement):
            suffixes = _suffixes(value, normalizing)
            found.pop(name, None)  # assigned anew
            normalizing.discard(name)
            if suffixes:
                normalizing.add(name)
                found[name] = value, suffixes
        if isinstance(statement, ast.FunctionDef) and _returns_pipeline(statement, normalizing):
            found[statement.name] = ast.Constant(None), ["()"]
    parts = {
        node.id for value, _ in found.values() for node in ast.walk(value) if isinstance(node, ast.Name)
    } & normalizing
    for name, (value, suffixes) in found.items():
        if not (name in parts and isinstance(value, ast.Call) and _called(value) in _NORMALIZES):
            yield from ((name, suffix) for suffix in suffixes)


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets = [statement.target]
    else:
        return
    assert statement.value is not None
    yield from ((target.id, statement.value) for target in targets if isinstance(target, ast.Name))


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
    called = _called(value)
    if called in _NORMALIZES | _PRESETS:
        return True
    if called == "transforms":  # of weights
        return isinstance(value.func, ast.Attribute)
    if called == "from_pretrained":
        return isinstance(value.func, ast.Attribute) and _last(value.func.value).endswith("ImageProcessor")
    return called in _CONTAINERS and any(
        (isinstance(node, ast.Call) and _called(node) in _NORMALIZES)
        or (isinstance(node, ast.Name) and node.id in normalizing)
        for node in ast.walk(value)
    )


def _called(call: ast.Call) -> str:
    return _last(call.func)


def _last(expression: ast.expr) -> str:
    """``Compose`` of ``transforms.Compose``."""
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def _returns_pipeline(function: ast.FunctionDef, normalizing: set[str]) -> bool:
    """A function that can be called without arguments, and whose body is no more than names and a pipeline."""
    given = function.args
    required = len(given.posonlyargs) + len(given.args) - len(given.defaults)
    if required or None in given.kw_defaults or function.decorator_list:
        return False
    local = set(normalizing)
    for statement in function.body:
        for name, value in _assigned(statement):
            if _suffixes(value, local) == [""]:
                local.add(name)
    last = function.body[-1]
    if not isinstance(last, ast.Return) or last.value is None:
        return False
    returned = last.value
    return _is_pipeline(returned, local) or (isinstance(returned, ast.Name) and returned.id in local - normalizing)


def _why_not_imported(tree: ast.Module) -> str:
    """Why a module should not be imported by a test: it is a script that works at its top level."""
    for statement in tree.body:
        works = isinstance(statement, (ast.For, ast.While, ast.With)) or (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Call)
            and isinstance(statement.value.func, ast.Name)
            and statement.value.func.id != "print"
        )
        if works:
            return f"line {statement.lineno} does work when the module is imported"
    return ""
