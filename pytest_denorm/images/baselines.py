"""Where a baseline is kept, and how it is read: a file in a folder, one in an overlay of it, or one on a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core.files import read_regular, write_whole
from ..core.text import printable
from ..errors import BaselineError
from .decoding import MAX_BYTES

__all__ = ["Place", "read_bytes", "write_whole"]


@dataclass(frozen=True)
class Place:
    """Where the baseline of a test is kept.

    Attributes:
        folder: of baselines.
        filename: of this one.
        overlay: a folder below `folder`, whose files come first; empty for none. Its library of digests does, too.
        servers: addresses to which `filename` is added, mirrors of one another, in place of the folder.
    """

    folder: Path
    filename: str
    overlay: str = ""
    servers: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        return self.folder / self.filename

    @property
    def folders(self) -> tuple[Path, ...]:
        """Those that are looked into, in this order."""
        return (self.folder / self.overlay, self.folder) if self.overlay else (self.folder,)


def read_bytes(path: Path, root: Path | None = None) -> bytes | None:
    """Return the content of a baseline, or None if there is none.

    Args:
        path: of the baseline.
        root: the folder of the project. A link that leads out of it, and out of the baseline's folder, is refused.

    Raises:
        BaselineError: not a regular file, too large, unreadable, or a link that leads elsewhere.
    """
    what = f"the baseline {printable(str(path))}"
    if root is not None and path.is_symlink():
        _refuse_outside(path, root, what)
    try:
        return read_regular(path, what, MAX_BYTES)
    except FileNotFoundError:
        return None
    except BaselineError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        if path.is_dir():  # Windows does not open it
            raise BaselineError(f"{what} is a folder: expected a file. Remove it.") from None
        raise BaselineError(f"{what} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def _refuse_outside(path: Path, root: Path, what: str) -> None:
    try:
        target = path.resolve()
    except (OSError, RuntimeError):  # a loop: reading tells it
        return
    if not any(target.is_relative_to(folder.resolve()) for folder in (root, path.parent)):
        raise BaselineError(f"{what} is a link that leads out of the project: expected a file of its own. Remove it.")


def download(place: Place) -> bytes:
    """Return the content of a baseline on a server, from the first of its mirrors that has it.

    Raises:
        BaselineError: none of them has it, or it is too large.
    """
    from urllib.request import urlopen

    reasons = []
    for server in place.servers:
        try:
            with urlopen(server + place.filename, timeout=30) as answer:
                data: bytes = answer.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:  # ValueError: an address that is none
            reasons.append(f"{server}{place.filename}: {error}")
            continue
        if len(data) > MAX_BYTES:
            raise BaselineError(f"{server}{place.filename} has more than {MAX_BYTES:,} bytes.")
        return data
    raise BaselineError(f"the baseline cannot be downloaded. {'; '.join(reasons)}.")
