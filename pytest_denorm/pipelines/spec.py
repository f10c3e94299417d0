"""``module:attribute``: naming a pipeline in a configuration file or on a command line."""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import FunctionType, MethodType, TracebackType
from typing import Any, NamedTuple

from ..errors import SettingsError
from .registry import is_library

__all__ = ["Loaded", "file_of", "find_named", "folders_here", "import_for", "load", "load_made", "with_colon"]

#: So many names of a module are listed where one is looked for that it does not have.
_MOST_NAMES = 20


class Loaded(NamedTuple):
    """What a spec names.

    Attributes:
        value: the object.
        note: how it was made, where the spec does not say so itself; else "".
    """

    value: Any
    note: str


def load(spec: str, folders: Iterable[Path] = ()) -> Any:
    """Return the object that `spec` names.

    Args:
        spec: ``module:attribute``, where the attribute may be dotted, and is called when ``()`` follows it.
        folders: where to look for the module too, as if it were run from there.

    Raises:
        SettingsError: the spec is malformed, the module or the attribute does not exist, or one of them raises.
    """
    found = find_named(spec, folders)
    if not spec.endswith("()"):
        return found
    try:
        return found()
    except (Exception, SystemExit) as error:
        raise _failed(f"{spec}: calling it", error, spec.partition(":")[0]) from error


def load_made(spec: str, folders: Iterable[Path] = ()) -> Loaded:
    """Return what `spec` names; of a function or a class that can be called with nothing, what it makes.

    Raises:
        SettingsError: as :func:`load`.
    """
    found = load(spec, folders)
    if spec.endswith("()") or not _is_factory(found):
        return Loaded(found, "")
    try:
        made = found()
    except (Exception, SystemExit) as error:
        return Loaded(found, f"{spec}() raised {type(error).__name__}: {error}. {spec} itself was taken.")
    if callable(made) or hasattr(made, "__getitem__") or hasattr(made, "__iter__"):
        return Loaded(made, f"{spec} is a factory. {spec}() was taken.")
    return Loaded(found, "")


def _is_factory(found: Any) -> bool:
    """Whether it is a function or a class, and wants no argument."""
    if not isinstance(found, (FunctionType, MethodType, type)):
        return False
    try:
        inspect.signature(found).bind()
    except (TypeError, ValueError):  # it wants one; it is written in C and says nothing
        return False
    return True


def find_named(spec: str, folders: Iterable[Path] = ()) -> Any:
    """Return what `spec` names, without the call that it may end with.

    Raises:
        SettingsError: as :func:`load`.
    """
    module_name, colon, path = spec.partition(":")
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
            raise SettingsError(f"{spec}: {module_name} has no {name!r}.{_nearest_attribute(found, name)}") from None
        except Exception as error:  # a library that imports its parts when they are asked for
            raise _failed(f"{spec}: looking up {name!r}", error, module_name) from error
    return found


def _nearest_attribute(found: Any, name: str) -> str:
    known = [one for one in vars(found) if not one.startswith("_")] if hasattr(found, "__dict__") else []
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    more = f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
    return f"{hint} It has: {', '.join(known[:_MOST_NAMES]) or 'nothing'}{more}."


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
            near = _nearest_module(error.name, folders)
            raise SettingsError(f"{spec}: {error}.{near}{looked}{_in_src(name, folders)}") from error
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


def _nearest_module(missing: str, folders: Iterable[Path]) -> str:
    """The module beside the missing one whose name is nearest, as a sentence that begins with a space; or ""."""
    *above, last = missing.split(".")
    beside = {
        entry.stem
        for folder in folders
        for entry in (folder.joinpath(*above).iterdir() if folder.joinpath(*above).is_dir() else ())
        if entry.suffix == ".py" or (entry / "__init__.py").is_file()
    }
    near = difflib.get_close_matches(last, sorted(beside), n=1)
    return f" Did you mean {'.'.join([*above, near[0]])!r}?" if near else ""


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
