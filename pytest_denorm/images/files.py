"""Baselines on disk: read with an error a person understands, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_denorm.errors import BaselineError

if TYPE_CHECKING:
    import numpy as np

    Bytes = np.ndarray[Any, np.dtype[np.uint8]]

#: The library of digests in a baseline folder.
DIGESTS = "digests.json"

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path`, and its folder if need be: a reader sees the old file or the new one, never a part.

    Raises:
        BaselineError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:40]}-", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(name, _mode_of(path))
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise BaselineError(f"{path} cannot be written: {error.strerror or error}.") from error


def _mode_of(path: Path) -> int:
    """The permissions of the file that is replaced, or those of any new file; mkstemp's are the owner's alone."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def read_bytes(path: Path) -> bytes | None:
    """The content of a baseline, or None if there is none.

    Raises:
        BaselineError: a folder, or a file that cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except (IsADirectoryError, PermissionError, OSError) as error:
        if path.is_dir():
            raise BaselineError(f"the baseline {path} is a folder: expected a PNG file. Remove the folder.") from None
        raise BaselineError(f"the baseline {path} cannot be read: {error.strerror or error}.") from None


def decode(data: bytes, what: str) -> Bytes:
    """The pixels of a PNG, uint8 (H, W, 3); greys and palettes become RGB, a full alpha channel is dropped.

    Raises:
        BaselineError: empty, not a PNG, truncated or corrupt, with transparency, or of 16 bits.
    """
    import io

    import numpy as np
    from PIL import Image

    if not data:
        raise BaselineError(f"{what} is an empty file: expected a PNG.")
    if data.startswith(b"version https://git-lfs"):
        raise BaselineError(f"{what} is a Git LFS pointer, not the picture: run git lfs pull.")
    if not data.startswith(_SIGNATURE):
        raise BaselineError(f"{what} is not a PNG file: it begins with {data[:8]!r}.")
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error or zlib.error
        kind = "corrupt" if b"IEND" in data[-16:] else "truncated"
        raise BaselineError(f"{what} is a {kind} PNG file of {len(data)} bytes: {error}.") from None
    if picture.mode.startswith("I"):
        raise BaselineError(f"{what} has 16 bits a channel: expected 8.")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        alpha = np.asarray(picture.convert("RGBA"))[..., 3]
        clear = int((alpha != 255).sum())
        if clear:
            raise BaselineError(
                f"{what} has an alpha channel, and {clear} of its {alpha.size} pixels are transparent: expected an "
                f"opaque RGB picture."
            )
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
    except ValueError as error:
        raise BaselineError(f"{path} is not JSON: {error}.") from None
    if not isinstance(library, dict) or not all(isinstance(value, str) for value in library.values()):
        raise BaselineError(f"{path} is not a library of digests: expected one object of file name and sha256.")
    return library


def write_digests(folder: Path, changes: Mapping[str, str | None]) -> None:
    """Change the library of `folder`; None takes an entry out.

    Raises:
        BaselineError: it cannot be read or written.
    """
    library = {**read_digests(folder), **changes}
    kept = {name: value for name, value in sorted(library.items()) if value is not None}
    write_whole(folder / DIGESTS, (json.dumps(kept, indent=2) + "\n").encode())
