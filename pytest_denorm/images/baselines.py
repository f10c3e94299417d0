"""Baselines on disk: read with an error a person understands, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.files import write_whole
from ..core.text import printable
from ..errors import BaselineError, ImageError
from .decoding import SIGNATURE, png_for_pixels, read_regular

if TYPE_CHECKING:
    import numpy as np

    Bytes = np.ndarray[Any, np.dtype[np.uint8]]

#: The library of digests in a baseline folder.
DIGESTS = "digests.json"
#: What to do about one that cannot be read: an update would have to read it too.
_REPAIR = (
    "Repair it, restore it from version control, or delete it and make its digests anew with --denorm-update=missing."
)


def read_bytes(path: Path, root: Path | None = None) -> bytes | None:
    """The content of a baseline, or None if there is none.

    Args:
        path: of the baseline.
        root: the folder of the project. A link that leads out of it, and out of the baseline's folder, is refused.

    Raises:
        BaselineError: no regular file, too large a file, one that cannot be read, or a link that leads elsewhere.
    """
    what = f"the baseline {printable(str(path))}"
    if root is not None and path.is_symlink():
        _refuse_outside(path, root, what)
    try:
        return read_regular(path, what)
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


def decode(data: bytes, what: str) -> Bytes:
    """The pixels of a PNG, uint8 (H, W, 3); greys and palettes become RGB, a full alpha channel is dropped.

    Raises:
        BaselineError: empty, not a PNG, truncated or corrupt, too large, animated, with transparency, or of 16 bits.
    """
    import io

    import numpy as np
    from PIL import Image

    if not data:
        raise BaselineError(f"{what} is an empty file: expected a PNG.")
    if data.startswith(b"version https://git-lfs"):
        raise BaselineError(f"{what} is a Git LFS pointer, not the picture: run git lfs pull.")
    if not data.startswith(SIGNATURE):
        raise BaselineError(f"{what} is not a PNG file: it begins with {data[:8]!r}.")
    try:
        with Image.open(io.BytesIO(png_for_pixels(data, what)), formats=("PNG",)) as picture:
            picture.load()
    except ImageError as error:
        raise BaselineError(str(error)) from None
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error or zlib.error
        raise BaselineError(f"{what} is a corrupt PNG file of {len(data)} bytes: {error}.") from None
    if picture.mode in ("RGBA", "LA") or "transparency" in picture.info:
        pixels = np.asarray(picture.convert("RGBA"))
        clear = int((pixels[..., 3] != 255).sum())
        if clear:
            raise BaselineError(
                f"{what} has an alpha channel, and {clear} of its {pixels.size // 4} pixels are transparent: expected "
                f"an opaque RGB picture."
            )
        return pixels[..., :3]
    return np.asarray(picture.convert("RGB"))


def digest(pixels: Bytes) -> str:
    """sha256 of shape, mode and pixels: that of the picture, whatever the encoder of its file."""
    height, width = pixels.shape[:2]
    hasher = hashlib.sha256(f"RGB {height}x{width}\n".encode())
    hasher.update(pixels.tobytes())
    return hasher.hexdigest()


def read_digests(folder: Path) -> dict[str, str]:
    """File name to digest, from the library of `folder`; empty where there is none.

    Raises:
        BaselineError: not such a library.
    """
    path = folder / DIGESTS
    data = read_bytes(path)
    if data is None:
        return {}
    try:
        library = json.loads(data)
    except (ValueError, RecursionError) as error:
        why = "it holds the marks of a merge conflict" if re.search(rb"^<<<<<<< ", data, re.MULTILINE) else error
        raise BaselineError(f"{path} is not JSON: {why}. {_REPAIR}") from None
    if not isinstance(library, dict) or not all(_is_digest(value) for value in library.values()):
        raise BaselineError(
            f"{path} is not a library of digests: expected one object of file name and sha256. {_REPAIR}"
        )
    return library


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None


def write_digests(folder: Path, changes: Mapping[str, str | None]) -> None:
    """Change the library of `folder`; None takes an entry out. Sessions that do so at once wait for one another.

    Raises:
        BaselineError: it cannot be read or written.
    """
    with _locked(folder):
        library = {**read_digests(folder), **changes}
        kept = {name: value for name, value in sorted(library.items()) if value is not None}
        write_whole(folder / DIGESTS, (json.dumps(kept, indent=2) + "\n").encode())


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keeps other threads and processes out, where the system can lock a folder (not Windows)."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise BaselineError(f"{folder / DIGESTS} cannot be written: {error.strerror}.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # lets go of the lock
