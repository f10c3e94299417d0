"""The modules of a project, read from its source: nothing of it is run."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

__all__ = ["Module", "assigned_names", "import_root", "read_modules"]

_LEFT_OUT = {"build", "dist", "docs", "node_modules", "site-packages", "test", "tests"}


@dataclass(frozen=True)
class Module:
    """One module.

    Attributes:
        name: dotted, as the project imports it.
        root: the folder that has to be importable.
        file: its source.
        tree: that parsed.
    """

    name: str
    root: Path
    file: Path
    tree: ast.Module = field(repr=False)

    @cached_property
    def imports(self) -> dict[str, str]:
        """By each name that an import binds, what it stands for: ``package.module``, or ``package.module.name``."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                start = self._package(node.level) if node.level else []
                source = ".".join([*start, *([node.module] if node.module else [])])
                found |= {alias.asname or alias.name: f"{source}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                found |= {(alias.asname or alias.name): alias.name for alias in node.names}
        return found

    def _package(self, level: int) -> list[str]:
        parts = self.name.split(".")
        package = parts if self.file.name == "__init__.py" else parts[:-1]
        return package[: len(package) - level + 1]

    @property
    def reaches(self) -> set[str]:
        """The modules that it imports, or from which it imports a name."""
        return {name for bound in self.imports.values() for name in (bound, bound.rpartition(".")[0])}

    @property
    def refusal(self) -> str:
        """Why a test should not import it; "" where it may."""
        if not all(part.isidentifier() for part in self.name.split(".")):
            return "its name cannot be imported"
        top = self.name.partition(".")[0]
        if top in sys.stdlib_module_names:
            return f"{top} is a module of Python itself"
        return _work_at_import(self.tree)


def read_modules(folder: Path) -> tuple[list[Module], list[tuple[Path, str]]]:
    """Return the modules below `folder`, tests, environments and hidden folders aside; and the files not read, why."""
    modules, unread = [], []
    for file in _sources(folder):
        try:
            tree = ast.parse(file.read_bytes(), str(file))
        except (OSError, SyntaxError, ValueError, RecursionError) as error:
            unread.append((file, f"cannot be read: {error}"))
            continue
        root = import_root(file, folder)
        parts = file.relative_to(root).with_suffix("").parts
        modules.append(Module(".".join(parts[:-1] if parts[-1] == "__init__" else parts), root, file, tree))
    return modules, unread


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
    """Return the folder from which `file` is imported: beside its outermost package; else ``src``, or `folder`."""
    root = file.parent
    while root != folder and (root / "__init__.py").exists():
        root = root.parent
    if root != file.parent:
        return root
    source = folder / "src"
    return source if source in file.parents else folder


def assigned_names(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name that a statement assigns, with the value."""
    if isinstance(statement, ast.Assign):
        yield from ((target.id, statement.value) for target in statement.targets if isinstance(target, ast.Name))
    elif (
        isinstance(statement, ast.AnnAssign) and statement.value is not None and isinstance(statement.target, ast.Name)
    ):
        yield statement.target.id, statement.value


def _work_at_import(tree: ast.Module) -> str:
    """Why a module is a script that works at its top level; "" where it is none."""
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
