"""Files on disk: written whole or not at all, and read only if they are regular files of a sane size."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from ..errors import BaselineError
from .text import printable

__all__ = ["irregular", "read_regular", "write_whole"]

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def irregular(mode: int) -> str:
    """Return what a file of this mode is, in words; empty for a regular file."""
    return next((words for is_kind, words in _KINDS if is_kind(mode)), "")


def read_regular(path: Path, what: str, most: int) -> bytes:
    """Return the content of a regular file, without waiting for anything else.

    Args:
        path: the file.
        what: its name in messages.
        most: the largest size allowed, in bytes.

    Raises:
        OSError: it cannot be read.
        BaselineError: it is something else, or larger than `most`.
    """
    # opening a named pipe would otherwise wait for somebody to write into it
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        info = os.fstat(handle)
        if irregular(info.st_mode):
            raise BaselineError(f"{what} is {irregular(info.st_mode)}: expected a file. Remove it.")
        if info.st_size > most:
            raise BaselineError(f"{what} has {info.st_size:,} bytes: expected at most {most:,}. Remove it.")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path`, creating its folder: a reader sees the old file or the new one, never a part.

    A link is replaced, not followed.

    Raises:
        BaselineError: it cannot be written, or something other than a file is there.
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
    """Return the permissions of the file that is there, if any and not a link."""
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):  # none there; a null byte in the path
        return None
    if stat.S_ISLNK(mode):
        return None
    if irregular(mode):
        raise BaselineError(f"{printable(str(path))} cannot be written: it is {irregular(mode)}. Remove it.")
    return mode & 0o777
