"""``module:attribute``: naming a pipeline in a configuration file or on a command line."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from .errors import SettingsError
from .imports import fault
from .pipelines.registry import is_library

__all__ = ["import_for", "load"]


def load(spec: str, folders: Iterable[Path] = ()) -> Any:
    """The object that `spec` names.

    Args:
        spec: ``module:attribute``, where the attribute may be dotted, and is called when ``()`` follows it.
        folders: where to look for the module too, as if it were run from there.

    Raises:
        SettingsError: the spec is malformed, the module or the attribute does not exist, or one of them raises.
    """
    module_name, colon, path = spec.partition(":")
    calls = path.endswith("()")
    names = path.removesuffix("()").split(".")
    if not colon or not all(part.isidentifier() for part in (*module_name.split("."), *names)):
        raise SettingsError(
            f"{spec!r} names no pipeline: expected module:attribute, such as myproject.data:val_transform, "
            f"or myproject.data:make_transform() for a function that makes it."
        )
    found = import_for(spec, module_name, folders)
    for name in names:
        try:
            found = getattr(found, name)
        except AttributeError as error:
            if error.__cause__ is not None:
                raise _failed(f"{spec}: looking up {name!r}", error, module_name) from error
            known = (
                ", ".join(one for one in vars(found) if not one.startswith("_")) if hasattr(found, "__dict__") else ""
            )
            raise SettingsError(f"{spec}: {module_name} has no {name!r}. It has: {known or 'nothing'}.") from None
        except Exception as error:  # a library that imports its parts when they are asked for
            raise _failed(f"{spec}: looking up {name!r}", error, module_name) from error
    if not calls:
        return found
    try:
        return found()
    except (Exception, SystemExit) as error:
        raise _failed(f"{spec}: calling it", error, module_name) from error


def import_for(spec: str, name: str, folders: Iterable[Path] = ()) -> Any:
    """The module of that name, which `spec` needs.

    Raises:
        SettingsError: it cannot be imported; the message says which library is missing or broken.
    """
    before = list(sys.path)
    sys.path += [str(folder) for folder in folders if str(folder) not in sys.path]
    try:
        return import_module(name)
    except (Exception, SystemExit) as error:  # a script without a guard ends itself
        if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
            looked = f" Looked in {', '.join(map(str, folders))} too." if folders else ""
            raise SettingsError(f"{spec}: {error}.{looked}") from error
        raise _failed(f"{spec}: importing {name}", error, name) from error
    finally:
        sys.path[:] = before


def _failed(what: str, error: Exception | SystemExit, module: str) -> SettingsError:
    why = fault(error, own="" if is_library(module) else module)
    return SettingsError(f"{what} failed: {why}" if why else f"{what} raised {type(error).__name__}: {error}")
