"""Picture files of others, read within limits: what is too large is refused before it is unpacked."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.files import irregular
from ..core.text import printable
from ..errors import BaselineError, ImageError

if TYPE_CHECKING:
    from PIL import Image

#: The most pixels of a picture: a quarter of a GiB of RGB, beyond which Pillow warns of a bomb.
MAX_PIXELS = 2**28 // 3
#: The most bytes of a file: what so many pixels take unpacked, with an alpha channel.
MAX_BYTES = 4 * MAX_PIXELS

#: What a file of pictures may be. Not EPS, among others, for which Pillow would start Ghostscript.
_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "PPM", "GIF")
#: What their names end in.
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".gif"}

#: The first bytes of every PNG file.
SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: The chunks that pixels depend on (PNG specification, section 5.6).
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def read_regular(path: Path, what: str) -> bytes:
    """The content of a regular file; nothing else is waited for.

    Raises:
        OSError: it cannot be read.
        BaselineError: it is something else, or larger than MAX_BYTES.
    """
    # opening a named pipe would otherwise wait for somebody to write into it
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        info = os.fstat(handle)
        if irregular(info.st_mode):
            raise BaselineError(f"{what} is {irregular(info.st_mode)}: expected a file. Remove it.")
        if info.st_size > MAX_BYTES:
            raise BaselineError(f"{what} has {info.st_size:,} bytes: expected at most {MAX_BYTES:,}. Remove it.")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)


def refuse_size(width: int, height: int, what: str) -> None:
    """
    Raises:
        ImageError: more than MAX_PIXELS, or none.
    """
    if not 0 < width * height <= MAX_PIXELS:
        raise ImageError(
            f"{what} is {width:,} x {height:,} = {width * height:,} pixels (width x height): expected 1 to "
            f"{MAX_PIXELS:,}."
        )


def png_for_pixels(data: bytes, what: str) -> bytes:
    """A PNG file without the chunks that its pixels do not depend on, such as texts, which may be packed bombs.

    Raises:
        ImageError: truncated, corrupt, too large, of 16 bits a channel, or animated.
    """
    kept = [SIGNATURE]
    for kind, chunk in _chunks(data, what):
        if kind == b"IHDR":
            width, height, depth = struct.unpack(">IIB", chunk[8:17])
            refuse_size(width, height, what)
            if depth == 16:
                raise ImageError(f"{what} has 16 bits a channel: expected 8.")
        elif kind == b"acTL":
            raise ImageError(f"{what} is an animated PNG file: expected a single picture.")
        if kind in _NEEDED:
            kept.append(chunk)
    return b"".join(kept)


def _chunks(data: bytes, what: str) -> Iterator[tuple[bytes, bytes]]:
    """(kind, whole chunk) of a PNG file, whose header comes first."""
    position, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        head = data[position : position + 8]
        length = int.from_bytes(head[:4], "big")
        end = position + 12 + length
        if end > len(data):
            raise ImageError(f"{what} is a truncated PNG file of {len(data)} bytes: it ends within a chunk.")
        first, kind = not kind, head[4:]
        if zlib.crc32(data[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise ImageError(f"{what} is a corrupt PNG file of {len(data)} bytes: a checksum of its {kind!r} is wrong.")
        if first != (kind == b"IHDR") or (first and length != 13):
            raise ImageError(f"{what} is a corrupt PNG file of {len(data)} bytes: its header is not where it belongs.")
        yield kind, data[position:end]
        position = end


def read_picture(path: Path) -> Image.Image:
    """The picture in a file, as RGB of 8 bits a channel; grey of 16 bits is rounded to that.

    Raises:
        ImageError: it cannot be read, is no picture, one of more than MAX_PIXELS, or of floats or longer integers; the
            message names the file.
    """
    from PIL import Image  # a session that draws nothing loads this module too

    what = printable(str(path))
    try:
        if not path.is_file():  # a named pipe would be waited for
            raise OSError("expected a file")
        with Image.open(path, formats=_FORMATS) as picture:
            refuse_size(*picture.size, what)
            return (_rounded(picture, what) if picture.mode.startswith(("I", "F")) else picture).convert("RGB")
    except ImageError:
        raise
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error, zlib.error and others
        raise ImageError(f"{what} cannot be read as a picture: {error}") from error


def _rounded(picture: Image.Image, what: str) -> Image.Image:
    """Grey of 16 bits, of which Pillow would keep what is below 256, and make the rest white.

    Raises:
        ImageError: values that are not of 16 bits.
    """
    import numpy as np
    from PIL import Image

    values = np.asarray(picture)
    low, high = values.min(), values.max()
    if values.dtype.kind == "f" or low < 0 or high > 65535:
        raise ImageError(
            f"{what} has values of {values.dtype} in {low:g}..{high:g}, which do not say what white is: expected 8 or "
            f"16 bits a channel."
        )
    return Image.fromarray(np.rint(values / 257).astype(np.uint8))
