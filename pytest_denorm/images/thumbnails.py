"""Small copies of canvases for the review page, in which no difference gets lost."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

_THUMBNAIL = 200


def thumbnail(pixels: Bytes) -> bytes:
    """Return a JPEG file of a canvas, at most 200 pixels high and wide."""
    return reduced_jpeg(pixels, _THUMBNAIL, 75)


def reduced_jpeg(pixels: Bytes, most: int, quality: int) -> bytes:
    """Return a JPEG file of a canvas, at most so many pixels high and wide."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    factor = -(-max(image.size) // most)
    image = image.reduce(factor) if factor > 1 else image
    file = io.BytesIO()
    image.save(file, format="jpeg", quality=quality)
    return file.getvalue()


def reduced_by_maximum(pixels: Bytes, most: int) -> Bytes:
    """Return a canvas (H, W, 3) reduced to at most so many pixels high and wide, each the maximum of its block."""
    factor = -(-max(pixels.shape[:2]) // most)
    if factor <= 1:
        return pixels
    padded = np.pad(pixels, [(0, -pixels.shape[0] % factor), (0, -pixels.shape[1] % factor), (0, 0)])
    height, width = padded.shape[0] // factor, padded.shape[1] // factor
    blocks: Bytes = padded.reshape(height, factor, width, factor, 3).max(axis=(1, 3))
    return blocks
