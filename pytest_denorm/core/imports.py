"""Which library is at fault when an import fails, and what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata
from types import TracebackType

__all__ = ["fault"]


def fault(error: BaseException, own: str = "") -> str:
    """The library that made an import fail: how, and what to do; empty where it is the user's own code that did.

    Args:
        error: what the import raised; it may have been raised from the library's own error.
        own: the user's module, which is no library.
    """
    errors = list(_chain(error))
    missing = next((_root(one.name or "") for one in reversed(errors) if isinstance(one, ModuleNotFoundError)), "")
    if missing and missing not in sys.modules and missing != _root(own):
        return f"{missing} is not installed: install it for {sys.executable}, or name a pipeline that needs none of it."
    broken, file = _broken([module for one in errors for module in _modules_run(one.__traceback__)], own)
    if not broken:
        return ""
    last = errors[-1]
    return (
        f"{broken} is broken: importing it ({file}) raised {type(last).__name__}: {str(last).rstrip('.')}. "
        f"{_advice(broken)} Pipelines that need none of it go on working."
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """It, and what it was raised from, to the first."""
    seen: list[BaseException] = []
    while error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__ or error


def _modules_run(traceback: TracebackType | None) -> Iterator[tuple[str, str]]:
    """Names and files of the modules whose code ran at import, the outermost first."""
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_name == "<module>":
            yield str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename
        traceback = traceback.tb_next


def _broken(modules: list[tuple[str, str]], own: str) -> tuple[str, str]:
    """The library of the innermost module that could not be imported, and its file: Python forgets such modules."""
    others = [(name, file) for name, file in modules if name and _root(name) != _root(own)]
    whole = [(_root(name), file) for name, file in others if _root(name) not in sys.modules]
    return (whole or [(_root(name), file) for name, file in others if name not in sys.modules] or [("", "")])[-1]


def _root(module: str) -> str:
    return module.partition(".")[0]


def _advice(library: str) -> str:
    """How to mend a library, from what it says that it needs."""
    from packaging.requirements import InvalidRequirement, Requirement

    distribution = next(iter(metadata.packages_distributions().get(library, ())), None)
    if distribution is None:
        return f"Install it anew, for {sys.executable}."
    version = metadata.version(distribution)
    for line in metadata.requires(distribution) or ():
        try:
            needed = Requirement(line)
            found = metadata.version(needed.name)
        except (InvalidRequirement, metadata.PackageNotFoundError):
            continue
        wanted = needed.marker is None or needed.marker.evaluate({"extra": ""})
        if wanted and not needed.specifier.contains(found, prereleases=True):
            return (
                f"{distribution} {version} was made for {needed.name}{needed.specifier}, and {needed.name} {found} is "
                f"installed: install the {distribution} that was made for it."
            )
    if distribution in ("torchvision", "torchaudio"):
        return (
            f"Each {distribution} is built for one torch: install the one for torch {metadata.version('torch')} "
            f"(found {distribution} {version})."
        )
    return f"Install it anew (found {distribution} {version}): pip install --force-reinstall {distribution}."
