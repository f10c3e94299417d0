"""``module:attribute``: naming a pipeline in a configuration file or on a command line."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from .errors import SettingsError

__all__ = ["load"]


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
    found = _import(module_name, spec, folders)
    for name in names:
        try:
            found = getattr(found, name)
        except AttributeError:
            known = (
                ", ".join(one for one in vars(found) if not one.startswith("_")) if hasattr(found, "__dict__") else ""
            )
            raise SettingsError(f"{spec}: {module_name} has no {name!r}. It has: {known or 'nothing'}.") from None
    if not calls:
        return found
    try:
        return found()
    except Exception as error:
        raise SettingsError(f"{spec}: calling it raised {type(error).__name__}: {error}") from error


def _import(name: str, spec: str, folders: Iterable[Path]) -> Any:
    before = list(sys.path)
    sys.path += [str(folder) for folder in folders if str(folder) not in sys.path]
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        looked = f" Looked in {', '.join(map(str, folders))} too." if folders else ""
        raise SettingsError(f"{spec}: {error}.{looked}") from error
    except Exception as error:
        raise SettingsError(f"{spec}: importing {name} raised {type(error).__name__}: {error}") from error
    finally:
        sys.path[:] = before
