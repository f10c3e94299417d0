"""The images of one test on the review page: small ones whole, large ones reduced, with an exact part of the change."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BaselineError
from .baselines import read_bytes
from .comparison import amplified
from .manifest import Result
from .png import encode_baseline, pixels_of
from .thumbnails import reduced_by_maximum, reduced_jpeg

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

#: Up to so many pixels an image is shown whole and exact.
_SMALL = 256 * 256
#: Larger ones are reduced to so many pixels a side, and their differences to fewer, because these do not compress.
_REDUCED, _REDUCED_DIFFERENCE = 560, 320
_QUALITY = 72
#: The side of the part that is shown exactly.
_EXACT = 128


@dataclass(frozen=True)
class Layer:
    """An image file as a data URI, and where it lies in the canvas, in pixels."""

    source: str
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Panel:
    """One canvas of `height` x `width` pixels, in layers, the lowest first."""

    kind: str
    caption: str
    width: int
    height: int
    layers: tuple[Layer, ...]


def image_of(one: Result, kind: str) -> str:
    """Return a JPEG file of a test as a data URI; empty where there is none."""
    try:
        data = read_bytes(Path(one.images[kind])) if kind in one.images else None
    except BaselineError:
        return ""
    return "" if data is None else _uri(data, "jpeg")


def panels_of(one: Result) -> list[Panel]:
    """Return baseline, result and difference, or what there is of them."""
    canvases: dict[str, Bytes] = {}
    for kind in ("baseline", "result"):
        pixels = pixels_of(Path(one.images[kind])) if kind in one.images else None
        if pixels is not None:  # another session in the same folder may have taken it away
            canvases[kind] = pixels
    if not canvases:
        return []
    captions = {"baseline": "baseline", "result": "result"}
    at = (0, 0)
    if len(canvases) == 2:
        canvases["difference"], factor = amplified(canvases["baseline"], canvases["result"])
        captions["difference"] = f"difference x {factor}"
        brightest = int(canvases["difference"].max(axis=-1).argmax())
        at = divmod(brightest, canvases["difference"].shape[1])
        box = one.numbers.get("box")
        if isinstance(box, list) and len(box) == 4 and max(box[2:]) <= _EXACT:
            at = (box[0] + box[2] // 2, box[1] + box[3] // 2)
    return [_panel(kind, captions[kind], pixels, at) for kind, pixels in canvases.items()]


def _panel(kind: str, caption: str, pixels: Bytes, at: tuple[int, int]) -> Panel:
    height, width = pixels.shape[:2]
    if height * width <= _SMALL:
        return Panel(kind, caption, width, height, (Layer(_png(pixels), 0, 0, width, height),))
    if kind == "difference":
        pixels = np.repeat(pixels.max(axis=-1, keepdims=True), 3, axis=-1)  # a third of the bytes
        reduced = reduced_by_maximum(pixels, _REDUCED_DIFFERENCE)
        factor = -(-max(height, width) // _REDUCED_DIFFERENCE)
        whole = Layer(_png(reduced), 0, 0, reduced.shape[1] * factor, reduced.shape[0] * factor)
    else:
        whole = Layer(_uri(reduced_jpeg(pixels, _REDUCED, _QUALITY), "jpeg"), 0, 0, width, height)
    top, left = (
        max(0, min(middle - _EXACT // 2, side - _EXACT)) for middle, side in zip(at, (height, width), strict=True)
    )
    part = pixels[top : top + _EXACT, left : left + _EXACT]
    exact = Layer(_png(part), left, top, part.shape[1], part.shape[0])
    return Panel(kind, caption, width, height, (whole, exact))


def _png(pixels: Bytes) -> str:
    return _uri(encode_baseline(pixels), "png")


def _uri(data: bytes, form: str) -> str:
    return f"data:image/{form};base64,{base64.b64encode(data).decode()}"
