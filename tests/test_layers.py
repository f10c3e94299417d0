"""Imports go down the layers and never in a circle: lazy imports and those for type checking count too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest_denorm

PACKAGE = Path(pytest_denorm.__file__).parent

#: From the top down; a module may import from its own layer and from those below.
LAYERS = (
    ("cli", "plugin", "__main__"),
    ("comparing", "scanner", "images", "datasets", "strategies"),
    ("checks",),
    ("diagnosis",),
    ("pipelines",),
    ("core", "errors"),
)
LEVEL = {room: len(LAYERS) - index for index, rooms in enumerate(LAYERS) for room in rooms}


def modules() -> dict[str, Path]:
    """Each module below the package, by its dotted name without the package's."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            found[name] = path
    return found


def imported(source: str, name: str, is_package: bool, known: set[str]) -> set[str]:
    """The modules of the package that a module's source imports, wherever in it the import stands."""
    base = name.split(".") if is_package else name.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            targets = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = [PACKAGE.name, *base][: len(base) + 2 - node.level] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            targets = [f"{module}.{one.name}" for one in node.names]
        else:
            continue
        for target in targets:
            parts = target.split(".")
            if parts[0] == PACKAGE.name:
                found |= set(list(_longest(parts[1:], known))[:1])
    return found - {name}


def _longest(parts: list[str], known: set[str]) -> Iterator[str]:
    for end in range(len(parts), 0, -1):
        if ".".join(parts[:end]) in known:
            yield ".".join(parts[:end])


def graph() -> dict[str, set[str]]:
    found = modules()
    return {
        name: imported(path.read_text(), name, path.name == "__init__.py", set(found)) for name, path in found.items()
    }


def upward(imports: dict[str, set[str]]) -> list[str]:
    """Imports that go up the layers, as ``a -> b``."""
    level = {name: LEVEL[name.split(".")[0]] for name in imports}
    return sorted(
        f"{one} -> {other}" for one, others in imports.items() for other in others if level[one] < level[other]
    )


def circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Modules that reach themselves, together with those on the way."""
    reached = {name: _reached(name, imports) for name in imports}
    groups = {
        tuple(sorted(o for o in reached[name] if name in reached[o])) for name in imports if name in reached[name]
    }
    return [list(group) for group in sorted(groups)]


def _reached(name: str, imports: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for other in imports[waiting.pop()]:
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


def test_imports_go_down_the_layers() -> None:
    assert upward(graph()) == []


def test_no_imports_go_in_a_circle() -> None:
    assert circles(graph()) == []


def test_no_module_name_stands_twice() -> None:
    names = [path.stem for path in modules().values() if path.name != "__init__.py"]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in modules().items()}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_the_contributing_page_says_the_layers() -> None:
    shown = " → ".join(", ".join(f"`{room}`" for room in rooms if room != "__main__") for rooms in LAYERS)
    assert shown in " ".join((Path(__file__).parent.parent / "CONTRIBUTING.md").read_text().split())


def test_a_circle_and_an_import_that_goes_up_are_noticed() -> None:
    lazy = "def f():\n    from ..plugin.settings import get\n"
    typing = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .kernels import Denormalize\n"
    known = {"core.kernels", "core.text", "plugin.settings", "plugin"}
    found = {
        "core.kernels": imported(lazy, "core.kernels", False, known) | {"core.text"},
        "core.text": imported(typing, "core.text", False, known),
        "plugin.settings": imported("from pytest_denorm.core import text\n", "plugin.settings", False, known),
    }
    assert upward(found) == ["core.kernels -> plugin.settings"]
    assert circles(found) == [["core.kernels", "core.text", "plugin.settings"]]
