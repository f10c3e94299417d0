"""``module:attribute``: naming a pipeline in a configuration file or on a command line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import SettingsError
from .registry import is_library

__all__ = ["file_of", "folders_here", "import_for", "load", "with_colon"]


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
            f"or myproject.data:make_transform() for a function that makes it.{with_colon(spec, folders)}"
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


def folders_here() -> list[Path]:
    """Where a command looks for the project's modules: here, and where pytest is told to import from."""
    from ..core.ini import find_ini

    here = Path.cwd()
    with suppress(SettingsError):  # an ini that cannot be read; pytest tells it
        for folder in (here, *here.parents):
            ini = find_ini(folder)
            if ini.values:
                return [here, *((folder / one).resolve() for one in ini.list_of("pythonpath"))]
    return [here]


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
            raise SettingsError(f"{spec}: {error}.{looked}{_in_src(name, folders)}") from error
        raise _failed(f"{spec}: importing {name}", error, name) from error
    finally:
        sys.path[:] = before


def file_of(module: str, folder: Path) -> Path | None:
    """The file of a module that is imported from `folder`; nothing is run. None if there is none."""
    path = folder.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def with_colon(spec: str, folders: Iterable[Path]) -> str:
    """What was meant where a dot stands for the colon, in sentences that begin with a space; empty where none does."""
    names = spec.removesuffix("()").split(".")
    if not all(name.isidentifier() for name in names):
        return ""
    for end in range(len(names), 0, -1):
        module = ".".join(names[:end])
        file = _first_of(module, [root for folder in folders for root in (folder, folder / "src")])
        if file is not None:
            attribute = spec[len(module) + 1 :]
            meant = f"{module}:{'NAME' if attribute in ('', 'py') else attribute}"
            return f" Did you mean {meant!r}? There is {file}."
    return ""


def _first_of(module: str, folders: Iterable[Path]) -> Path | None:
    return next(filter(None, (file_of(module, folder) for folder in folders)), None)


def _in_src(module: str, folders: Iterable[Path]) -> str:
    """Where a project keeps the module, if it has the src layout and is not installed."""
    file = _first_of(module, [folder / "src" for folder in folders])
    if file is None:
        return ""
    return (
        f" There is {file}: install the project (pip install -e .), or let pytest import from there too "
        f"(pythonpath = src in its ini)."
    )


def _failed(what: str, error: Exception | SystemExit, module: str) -> SettingsError:
    why = explain_import_error(error, own="" if is_library(module) else module)
    return SettingsError(f"{what} failed: {why}" if why else f"{what} raised {type(error).__name__}: {error}")


def explain_import_error(error: BaseException, own: str = "") -> str:
    """Return one line that names the library that is missing or broken, and its error; "" where it is the user's own.

    Args:
        error: what the import raised.
        own: the user's module, which is no library.
    """
    errors = [error]
    while (cause := errors[-1].__cause__ or errors[-1].__context__) is not None and cause not in errors:
        errors.append(cause)
    for one in reversed(errors):
        name = (getattr(one, "name", None) or "").partition(".")[0]
        if isinstance(one, ModuleNotFoundError) and name not in ("", own.partition(".")[0], *sys.modules):
            return f"{name} is not installed for {sys.executable}."
    for one in reversed(errors):
        for name, file in reversed(list(_modules_run(one.__traceback__))):
            if (
                name.partition(".")[0] != own.partition(".")[0] and name not in sys.modules
            ):  # Python forgets such modules
                return f"{name.partition('.')[0]} is broken: importing {file} raised {type(one).__name__}: {one}."
    return ""


def _modules_run(traceback: TracebackType | None) -> Iterator[tuple[str, str]]:
    """Yield the name and file of each module whose code ran at import, the outermost first."""
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_name == "<module>":
            yield str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename
        traceback = traceback.tb_next
