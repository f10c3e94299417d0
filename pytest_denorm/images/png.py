"""PNG files of canvases, written and read by Pillow; what is read may have been made by a stranger."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..errors import BaselineError, ImageError
from .baselines import read_bytes
from .decoding import refuse_size

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

#: The text chunk of the baselines that this package writes.
_AUTHOR = ("Software", "pytest-denorm")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Of larger images the best compression saves half a percent, and takes a second more.
_LARGE = 2**20
_FASTEST = {"compress_level": 1, "compress_type": 3}  # run lengths alone, which photographs have few of


def encode_png(
    pixels: Bytes, metadata: Mapping[str, Any] | None = None, pil_kwargs: Mapping[str, Any] | None = None
) -> bytes:
    """Return a PNG file of a uint8 (H, W, 3) canvas: 8-bit RGB, with no chunk that was not asked for.

    Args:
        pixels: the canvas.
        metadata: text chunks; keys whose value is None are left out.
        pil_kwargs: for Pillow's ``Image.save``, such as ``compress_level``.
    """
    info = PngInfo()
    for key, value in (metadata or {}).items():
        if value is not None:
            info.add_text(str(key), str(value))
    return _saved(Image.fromarray(pixels), **{**_FASTEST, "pnginfo": info, **(pil_kwargs or {})})


def encode_baseline(pixels: Bytes) -> bytes:
    """Return the PNG file that is stored of a canvas: as small as Pillow makes it, grey where the canvas is grey."""
    info = PngInfo()
    info.add_text(*_AUTHOR)
    image = _narrowed(pixels)
    level = 9 if image.width * image.height <= _LARGE else 7
    data = _saved(image, compress_level=level, pnginfo=info)
    if len(data) < image.width * image.height * len(image.getbands()):
        return data
    return min(data, _saved(image, compress_level=0, pnginfo=info), key=len)  # noise, which nothing compresses


def encode_result(pixels: Bytes) -> bytes:
    """Return a PNG file of a canvas as fast as Pillow makes one, grey where the canvas is grey."""
    return _saved(_narrowed(pixels), **_FASTEST)


def is_grey(pixels: Bytes) -> bool:
    """Return whether the channels, the last axis, are equal."""
    return all(np.array_equal(some[..., 0], some[..., at]) for some in (pixels[..., ::97, :], pixels) for at in (1, 2))


def _narrowed(pixels: Bytes) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0]) if is_grey(pixels) else pixels)


def _saved(image: Image.Image, **kwargs: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format="png", **kwargs)
    return file.getvalue()


def is_ours(data: bytes) -> bool:
    """Return whether `encode_baseline` wrote this file, told by its text chunk."""
    if not data.startswith(_SIGNATURE):
        return False
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            return image.info.get(_AUTHOR[0]) == _AUTHOR[1]
    except Exception:  # Pillow raises OSError, SyntaxError, ValueError, struct.error or zlib.error
        return False


def decode_png(data: bytes, what: str) -> Bytes:
    """Return the pixels of a PNG file, uint8 (H, W, 3); greys and palettes become RGB, a full alpha channel is dropped.

    Args:
        data: the file.
        what: its name in messages.

    Raises:
        BaselineError: empty, a Git LFS pointer, not a PNG, truncated or corrupt, too large, animated, with
            transparency, or of 16 bits.
    """
    if not data:
        raise BaselineError(f"{what} is an empty file: expected a PNG.")
    if is_lfs_pointer(data):
        raise BaselineError(f"{what} is a Git LFS pointer, not the image: run git lfs pull.")
    if not data.startswith(_SIGNATURE):
        raise BaselineError(f"{what} is not a PNG file: it begins with {data[:8]!r}.")
    try:
        image = _verified(data, what)
    except ImageError as error:
        raise BaselineError(str(error)) from None
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error or zlib.error
        raise BaselineError(f"{what} is a truncated or corrupt PNG file of {len(data)} bytes: {error}.") from None
    if image.mode in ("RGBA", "LA") or "transparency" in image.info:
        pixels = np.asarray(image.convert("RGBA"))
        clear = int((pixels[..., 3] != 255).sum())
        if clear:
            raise BaselineError(
                f"{what} has an alpha channel, and {clear} of its {pixels.size // 4} pixels are transparent: expected "
                f"an opaque RGB image."
            )
        return pixels[..., :3]
    return np.asarray(image.convert("RGB"))


def pixels_of(path: Path) -> Bytes | None:
    """Return the pixels of a PNG file; None where there is none that can be read."""
    try:
        data = read_bytes(path)
        return None if data is None else decode_png(data, str(path))
    except BaselineError:
        return None


def _verified(data: bytes, what: str) -> Image.Image:
    """Return the image, unpacked, after its size and the checksums of all its chunks were looked at."""
    if len(data) >= 24:  # as the header has it (PNG specification, section 11.2.2), before Pillow warns of a bomb
        refuse_size(int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"), what)
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        refuse_size(*image.size, what)
        if data[24] == 16:  # bits a channel, which Pillow reduces to 8 without a word
            raise ImageError(f"{what} has 16 bits a channel: expected 8.")
        if getattr(image, "is_animated", False) or "default_image" in image.info:
            raise ImageError(f"{what} is an animated PNG file: expected a single image.")
        image.verify()
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        image.load()
    return image


def is_lfs_pointer(data: bytes) -> bool:
    """Return whether this is what Git LFS leaves in the place of a file that it has not fetched."""
    return data.startswith(b"version https://git-lfs")
