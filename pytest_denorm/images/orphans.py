"""Baselines that no test uses any more: found, told from images of others, matched with renamed tests, deleted."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import BaselineError
from .baselines import read_bytes
from .digests import DIGESTS, digest_of, read_library, write_digests

if TYPE_CHECKING:
    import numpy as np

    Bytes = np.ndarray[Any, np.dtype[np.uint8]]


class Orphan(NamedTuple):
    """A baseline without a test: a file, or the entry `name` in the library of digests at `path`.

    `is_known` says whether this package wrote it, or a session compared it; any other image may be there for another
    purpose.
    """

    path: Path
    name: str = ""
    is_known: bool = True

    def shown(self, root: Path) -> str:
        return os.path.relpath(self.path, root) + (f" ({self.name})" if self.name else "")


class InUse(NamedTuple):
    """The baselines that tests use: their paths, and what those begin with whose tests have no parameters now."""

    paths: Collection[str]
    families: Collection[str] = ()

    def has(self, path: Path) -> bool:
        text = os.path.normcase(str(path))
        return text in self.paths or any(text.startswith(one) for one in self.families)


def orphans_in(folder: Path, used: InUse, known: Collection[str]) -> list[Orphan]:
    """Return the baselines in a folder that are not in use.

    Args:
        folder: of baselines.
        used: the baselines in use.
        known: the paths of baselines that earlier sessions compared, however their files are encoded by now.

    Raises:
        BaselineError: a library of digests that cannot be read.
    """
    files = [path for path in sorted(folder.glob("*.png")) if not used.has(path)]
    found = [Orphan(path, is_known=os.path.normcase(path) in known or _is_ours(path)) for path in files]
    library = read_library(folder)
    names = sorted({*library.entries, *library.disputed})
    return found + [Orphan(folder / DIGESTS, name) for name in names if not used.has(folder / name)]


def _is_ours(path: Path) -> bool:
    from .png import is_ours

    try:
        data = read_bytes(path)
    except BaselineError:
        return False
    return data is not None and is_ours(data)


def twins_in(folder: Path, used: InUse, pixels: Bytes) -> list[Orphan]:
    """Return the baselines in a folder that are not in use and show these pixels, uint8 (H, W, 3)."""
    found = [Orphan(path) for path in sorted(folder.glob("*.png")) if not used.has(path) and _shows(path, pixels)]
    try:
        entries = read_library(folder).entries
    except BaselineError:
        return found
    sha256 = digest_of(pixels).sha256 if entries else ""
    names = [name for name, one in entries.items() if one.sha256 == sha256 and not used.has(folder / name)]
    files = {orphan.path.name for orphan in found}
    return found + [Orphan(folder / DIGESTS, name) for name in sorted(names) if name not in files]


def _shows(path: Path, pixels: Bytes) -> bool:
    import numpy as np

    from .png import pixels_of

    found = pixels_of(path)
    return found is not None and np.array_equal(found, pixels)


def delete(orphans: Iterable[Orphan]) -> None:
    """Delete files and entries.

    Raises:
        BaselineError: one cannot be deleted.
    """
    for orphan in orphans:
        if orphan.name:
            write_digests(orphan.path.parent, {orphan.name: None})
            continue
        try:
            orphan.path.unlink(missing_ok=True)  # another session may have been quicker
        except OSError as error:
            raise BaselineError(f"{orphan.path} cannot be deleted: {error.strerror}.") from error
