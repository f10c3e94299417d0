"""The library of digests in a baseline folder: sha256 of pixels, a line for each baseline, so that Git merges it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.files import write_whole
from ..errors import BaselineError
from .baselines import read_bytes

if TYPE_CHECKING:
    import numpy as np

    from .grid_figure import Tile

    Bytes = np.ndarray[Any, np.dtype[np.uint8]]

#: The library of digests in a baseline folder.
DIGESTS = "digests.json"
#: What to do about one that cannot be read: an update would have to read it too.
_REPAIR = (
    "Repair it, restore it from version control, or delete it and make its digests anew with --denorm-update=missing."
)
_SHORT = 12  # hexadecimal digits of the digest of a tile, which only says where to look
_LINE = re.compile(r'\s*("(?:[^"\\]|\\.)*")\s*:\s*(.+?),?\s*')


class Digest(NamedTuple):
    """What is stored in place of an image: sha256 of its size and pixels, and short ones of its tiles, if several."""

    sha256: str
    tiles: tuple[str, ...] = ()

    def to_json(self) -> Any:
        return {"sha256": self.sha256, "tiles": " ".join(self.tiles)} if self.tiles else self.sha256


def digest_of(pixels: Bytes, tiles: Sequence[Tile] = ()) -> Digest:
    """Return the digest of a canvas, uint8 (H, W, 3), which does not depend on how its file is encoded."""
    cuts = [pixels[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] for tile in tiles]
    return Digest(_sha256(pixels), tuple(_sha256(cut)[:_SHORT] for cut in cuts) if len(cuts) > 1 else ())


def _sha256(pixels: Bytes) -> str:
    height, width = pixels.shape[:2]
    hasher = hashlib.sha256(f"RGB {height}x{width}\n".encode())
    hasher.update(pixels.tobytes())
    return hasher.hexdigest()


def parse_digest(value: Any) -> Digest | None:
    """Return the digest that JSON holds; None if it is none."""
    sha256: Any = value
    tiles: tuple[str, ...] = ()
    if isinstance(value, dict) and set(value) == {"sha256", "tiles"} and isinstance(value["tiles"], str):
        sha256, tiles = value["sha256"], tuple(value["tiles"].split())
    if not isinstance(sha256, str) or not re.fullmatch(r"[0-9a-f]{64}", sha256):
        return None
    return Digest(sha256, tiles)


@dataclass
class Library:
    """What a file of digests says: `entries`, and of each name in a merge conflict the values of both sides."""

    entries: dict[str, Digest] = field(default_factory=dict)
    disputed: dict[str, list[Digest | None]] = field(default_factory=dict)


def read_library(folder: Path) -> Library:
    """Return the library of `folder`; an empty one where there is none.

    Raises:
        BaselineError: not such a library.
    """
    path = folder / DIGESTS
    data = read_bytes(path)
    if data is None:
        return Library()
    text = data.decode("utf-8", "replace")
    if re.search(r"^<{7} ", text, re.MULTILINE):
        return _merged(text, path)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"{path} is not JSON: {error}. {_REPAIR}") from None
    entries = {name: parse_digest(value) for name, value in found.items()} if isinstance(found, dict) else {"": None}
    known = {name: one for name, one in entries.items() if one is not None}
    if len(known) < len(entries):
        raise BaselineError(
            f"{path} is not a library of digests: expected one object of file name and sha256. {_REPAIR}"
        )
    return Library(known)


def _merged(text: str, path: Path) -> Library:
    """Read a file with the marks of a merge conflict: what both sides agree on, or only one of them has, is settled."""
    sides: tuple[dict[str, Digest], dict[str, Digest]] = ({}, {})
    now: tuple[int, ...] = (0, 1)
    for line in text.splitlines():
        if line.startswith(("<<<<<<< ", "||||||| ", "=======", ">>>>>>> ")):
            now = {"<": (0,), "|": (), "=": (1,), ">": (0, 1)}[line[0]]
            continue
        match = _LINE.fullmatch(line)
        if match is None and line.strip(" {}"):
            raise BaselineError(
                f"{path} holds a merge conflict, and a line that is no digest: {line[:60]!r}. {_REPAIR}"
            )
        if match is None:
            continue
        found = parse_digest(_loaded(match[2]))
        if found is None:
            raise BaselineError(
                f"{path} holds a merge conflict, and a line that is no digest: {line[:60]!r}. {_REPAIR}"
            )
        for side in now:
            sides[side][json.loads(match[1])] = found
    ours, theirs = sides
    disputed = [name for name in ours if name in theirs and theirs[name] != ours[name]]
    entries = {name: one for name, one in {**theirs, **ours}.items() if name not in disputed}
    return Library(entries, {name: [ours[name], theirs[name]] for name in disputed})


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def write_digests(folder: Path, changes: Mapping[str, Digest | None]) -> None:
    """Change the library of `folder`; None takes an entry out. Sessions that do so at once wait for one another.

    A disputed entry that is not among the changes keeps the lines of both sides, with the marks of the conflict.

    Raises:
        BaselineError: it cannot be read or written.
    """
    with _locked(folder):
        library = read_library(folder)
        entries: dict[str, Digest | None] = {**library.entries, **changes}
        blocks = {name: [_line(name, one)] for name, one in entries.items() if one is not None}
        for name, (ours, theirs) in library.disputed.items():
            if name not in changes:
                marks = ("<<<<<<< ours", "=======", ">>>>>>> theirs")
                blocks[name] = [marks[0], _line(name, ours), marks[1], _line(name, theirs), marks[2]]
        last = max(blocks, default="")
        lines = [line for name in sorted(blocks) for line in _separated(blocks[name], name == last)]
        write_whole(folder / DIGESTS, "\n".join(["{", *lines, "}", ""]).encode())


def _line(name: str, one: Digest | None) -> str:
    assert one is not None
    return f"  {json.dumps(name)}: {json.dumps(one.to_json())}"


def _separated(block: list[str], is_last: bool) -> list[str]:
    return block if is_last else [f"{line}," if line.startswith("  ") else line for line in block]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other threads and processes out, where the system can lock a folder (not Windows)."""
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
