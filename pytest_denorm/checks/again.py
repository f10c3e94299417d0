"""The line of Python that runs checks again, by the names that a project has for its pipeline and its inverse."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FunctionType, ModuleType
from typing import Any

from ..core.normalization import Normalization

__all__ = ["python_line"]


def python_line(pipeline: Any, inverse: Any, output_max: float | None, names: Iterable[str]) -> str:
    """Return a line of Python that imports what it needs and prints a report of these checks.

    What has no name in any module is called ``pipeline`` or ``inverse``, as the reader may.
    """
    imports, arguments = ["pytest_denorm"], []
    for thing, keyword, placeholder in ((pipeline, "", "pipeline"), (inverse, "inverse=", "inverse")):
        if thing is None and keyword:
            continue
        module, expression = _named(thing) or ("", placeholder)
        imports += [module] * (module not in ("", *imports))
        arguments.append(f"{keyword}{expression}")
    if output_max is not None:
        arguments.append(f"output_max={output_max:g}")
    arguments.append(f"select={list(names)!r}")
    return f"import {', '.join(imports)}; print(pytest_denorm.check({', '.join(arguments)}))"


def _named(thing: Any) -> tuple[str, str] | None:
    """The module to import, "" for none, and the expression that gives `thing`; None where nothing does."""
    if isinstance(thing, (FunctionType, type)) and _reaches(sys.modules.get(thing.__module__), thing):
        return _from(thing.__module__, thing.__qualname__)
    for module, loaded in list(sys.modules.items()):
        for name, value in list(vars(loaded).items()) if type(loaded) is ModuleType else ():
            if value is thing and not name.startswith("_"):
                return _from(module, name)
    if isinstance(thing, Normalization):
        return "", f"pytest_denorm.Normalization({thing.mean}, {thing.std}, {thing.pixel_max:g})"
    return None


def _from(module: str, name: str) -> tuple[str, str]:
    return ("", name) if module == "__main__" else (module, f"{module}.{name}")


def _reaches(module: ModuleType | None, thing: FunctionType | type) -> bool:
    found: Any = module
    for part in thing.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is thing
