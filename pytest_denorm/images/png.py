"""PNG files of canvases: the same bytes from every version of Pillow, and fast on photographs."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from .decoding import MAX_PIXELS, SIGNATURE

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

_PIECE = 1 << 20  # bytes; the same on every machine, as the file depends on it
_UP = 2  # the filter that stores a row as its difference from the row above (PNG specification, section 9.2)


def encode_png(
    pixels: Bytes, metadata: Mapping[str, Any] | None = None, pil_kwargs: Mapping[str, Any] | None = None
) -> bytes:
    """A PNG file of a uint8 (H, W, 3) canvas: 8-bit RGB, and no chunk that was not asked for.

    One filter for all rows, and run lengths alone, make the file of a photograph some 5 % larger than the best of five
    filters for each row, in less than half the time.

    Args:
        pixels: the canvas.
        metadata: text chunks; keys whose value is None are left out.
        pil_kwargs: for Pillow's ``Image.save``, which then writes the file.
    """
    info = PngInfo()
    for key, value in (metadata or {}).items():
        if value is not None:
            info.add_text(str(key), str(value))
    if pil_kwargs:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format="png", **{"pnginfo": info, **pil_kwargs})
        return file.getvalue()
    return b"".join([SIGNATURE, *(_chunk(name, data) for name, data in _chunks(pixels, info))])


def is_ours(data: bytes) -> bool:
    """Whether a file is as `encode_png` writes it without metadata, by whatever version of zlib.

    It is told by what no other encoder does together: three chunks, 8-bit RGB, all pixels in one chunk, no level of
    compression in its header, and the filter ``Up`` for all rows, the first one included.
    """
    width, height, size = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20, 33))
    header = SIGNATURE + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 2, 0, 0, 0)
    # 57: without the pixels, these are signature, IHDR, IEND, and the frame of IDAT
    found = (data[:29], data[37:43], data[-8:-4], len(data))
    if found != (header, b"IDAT\x78\x01", b"IEND", 57 + size) or width * height > MAX_PIXELS:
        return False
    length = height * (1 + 3 * width)
    try:
        rows = zlib.decompressobj().decompress(data[41:], length + 1)
    except zlib.error:
        return False
    return len(rows) == length and set(rows[:: 1 + 3 * width]) == {_UP}


def _chunks(pixels: Bytes, info: PngInfo) -> Iterator[tuple[bytes, bytes]]:
    height, width = pixels.shape[:2]
    yield b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB, not interlaced
    yield from ((name, data) for name, data, *_ in info.chunks)
    yield b"IDAT", _compressed(_filtered(pixels))
    yield b"IEND", b""


def _compressed(data: memoryview) -> bytes:
    """One zlib stream (RFC 1950), whose pieces are compressed side by side: run lengths look back no further."""
    pieces = [data[at : at + _PIECE] for at in range(0, len(data), _PIECE)]
    ends = [*[zlib.Z_SYNC_FLUSH] * (len(pieces) - 1), zlib.Z_FINISH]
    with ThreadPoolExecutor() as pool:
        deflated = pool.map(_deflated, pieces, ends)
        checksum = zlib.adler32(data)
        return b"".join([b"\x78\x01", *deflated, struct.pack(">I", checksum)])


def _deflated(piece: memoryview, end: int) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS, strategy=zlib.Z_RLE)
    return compressor.compress(piece) + compressor.flush(end)


def _filtered(pixels: Bytes) -> memoryview:
    """The rows, each after the byte that names its filter."""
    height = len(pixels)
    rows = pixels.reshape(height, -1)
    filtered = np.empty((height, 1 + rows.shape[1]), dtype=np.uint8)
    filtered[:, 0] = _UP
    filtered[0, 1:] = rows[0]  # above the first row lies a row of zeros
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return filtered.data.cast("B")


def _chunk(name: bytes, data: bytes) -> bytes:
    return b"".join([struct.pack(">I", len(data)), name, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))])
