"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from ..errors import BaselineError
from .text import printable

__all__ = ["irregular", "write_whole"]

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path`, and its folder if need be: a reader sees the old file or the new one, never a part.

    A link is replaced, not followed.

    Raises:
        BaselineError: it cannot be written, or something that is no file is there.
    """
    temporary = path.with_name(f".{path.stem[:40]}-{secrets.token_hex(8)}.tmp")
    mode = _mode_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "xb") as file:
                file.write(data)
            if mode is not None:
                os.chmod(temporary, mode)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = getattr(error, "strerror", None) or error
        raise BaselineError(f"{printable(str(path))} cannot be written: {reason}.") from error


def _mode_of(path: Path) -> int | None:
    """The permissions of the file that is there, if any and no link."""
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):  # none there; a null byte in the path
        return None
    if stat.S_ISLNK(mode):
        return None
    if irregular(mode):
        raise BaselineError(f"{printable(str(path))} cannot be written: it is {irregular(mode)}. Remove it.")
    return mode & 0o777


def irregular(mode: int) -> str:
    """What a file of this mode is, in words; empty for a regular file."""
    return next((words for is_kind, words in _KINDS if is_kind(mode)), "")
