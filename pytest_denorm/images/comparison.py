"""An image against its baseline: equal, or what differs, where, by how much, and what it looks like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.normalization import Normalization
from ..core.text import count_of
from .changes import CHANNELS, Change
from .grid_figure import Tile
from .png import encode_result, is_grey
from .regions import Box, box_around, boxes_in, name_boxes
from .tiles import compare_counts, cut, describe_tiles, name_tiles

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

#: Panels of a comparison are enlarged to about this many pixels.
_PANEL = 256
_GAP = 8
_GAP_LEVEL = 128
#: The brightness that half of a difference reaches.
_VISIBLE = 80
#: Where only one of the two images has a pixel.
_OUTSIDE = (255, 0, 255)
#: So many causes are told.
_MOST_CAUSES = 4


@dataclass(frozen=True)
class Difference:
    """How an image differs from its baseline.

    Attributes:
        headline: one sentence.
        lines: (label, text) for the terminal.
        figures: JSON-safe: ``differing_pixels``, ``max_difference``, ``mean_difference`` in levels, ``psnr`` in dB, the
            ``box`` around what differs (top, left, height, width), the ``kind`` and text of the ``diagnosis``.
    """

    headline: str
    lines: tuple[tuple[str, str], ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)


def compare(
    baseline: Bytes,
    result: Bytes,
    tiles: Sequence[Tile] = (),
    normalization: Normalization | None = None,
    texts: Sequence[Box] = (),
) -> Difference | None:
    """Return None if the canvases are equal, uint8 (H, W, 3) each, else how they differ.

    Args:
        baseline, result: what was stored and what was drawn now.
        tiles: the boxes of the images in `result`; none for one image.
        normalization: what was inverted to draw `result`, if known.
        texts: the boxes of letters in `result`, which fonts may change.
    """
    if np.array_equal(baseline, result):
        return None
    if baseline.shape != result.shape:
        return _sizes(baseline, result, tiles)
    height, width = result.shape[:2]
    boxes = tiles or (Tile(0, 0, 0, 0, height, width),)
    levels = np.abs(result.astype(np.int16) - baseline)
    differs = levels.max(axis=-1) != 0
    numbers = _numbers(levels, differs)
    headline = "the image differs from its baseline"
    if is_grey(baseline) != is_grey(result):
        grey, color = ("baseline", "result") if is_grey(baseline) else ("result", "baseline")
        headline = f"the {grey} is grey, the {color} is in color"
    untouched = [index for index, tile in enumerate(boxes) if not cut(differs, tile).any()]
    said = _texts(differs, texts) or describe_tiles(baseline, result, boxes, normalization)
    said = said[:_MOST_CAUSES]
    lines = [
        ("differs", _amount(numbers, height * width)),
        ("where", _where(differs)),
        ("worst", _worst(baseline, result, levels, boxes)),
    ]
    if len(boxes) > 1:
        lines.append(("untouched", name_tiles(untouched, len(boxes)) if untouched else "no tile"))
    lines += [("diagnosis", change.text) for change in said]
    figures = {
        **numbers,
        "differing_tiles": len(boxes) - len(untouched),
        "kind": said[0].kind,
        "diagnosis": "; ".join(change.text for change in said),
    }
    return Difference(headline, tuple(lines), figures)


def _numbers(levels: Any, differs: Any) -> dict[str, Any]:
    square = float(np.mean(levels.astype(np.float32) ** 2))
    return {
        "differing_pixels": int(differs.sum()),
        "max_difference": int(levels.max()),
        "mean_difference": float(f"{levels.mean():.4g}"),
        "psnr": round(10 * math.log10(255**2 / square), 2),
        "box": list(box_around(differs) or ()),
    }


def _amount(numbers: dict[str, Any], whole: int) -> str:
    pixels, most = numbers["differing_pixels"], count_of(numbers["max_difference"], "level")
    return (
        f"{pixels} of {whole} pixels ({percent(pixels, whole)}), by up to {most}, "
        f"{decimal(numbers['mean_difference'])} on average; PSNR {numbers['psnr']:.1f} dB"
    )


def percent(part: int, whole: int) -> str:
    """Return a share in two digits, however small: ``0.00003 %``; what is not all is never 100 %."""
    if part == whole:
        return "100 %"
    share = 100 * part / whole
    return f"{math.floor(share * 10) / 10:.1f} %" if share > 99 else f"{decimal(share)} %"


def decimal(number: float) -> str:
    """Return a number in two significant digits, without an exponent."""
    if not number:
        return "0"
    text = f"{number:.{max(0, 1 - math.floor(math.log10(abs(number))))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _where(differs: Any) -> str:
    around = box_around(differs)
    assert around is not None
    if around.height * around.width == 1:
        return f"one pixel at ({around.top}, {around.left})"
    boxes = boxes_in(differs)
    covered = sum(box.height * box.width for box in boxes)
    if 1 < len(boxes) <= 4 and covered < 0.5 * around.height * around.width:
        return f"{len(boxes)} regions: {name_boxes(boxes)}"
    return f"within {around}"


def _texts(differs: Any, texts: Sequence[Box]) -> list[Change]:
    """Return that fonts differ, if nothing else does."""
    left = differs.copy()
    for box in texts:
        left[max(0, box.top - 3) : box.top + box.height + 3, max(0, box.left - 3) : box.left + box.width + 3] = False
    if not texts or left.any():
        return []
    return [
        Change("fonts", "only letters differ: another font, or another version of what draws it (matplotlib, FreeType)")
    ]


def _sizes(baseline: Bytes, result: Bytes, tiles: Sequence[Tile]) -> Difference:
    before, after = (" x ".join(map(str, canvas.shape[:2])) for canvas in (baseline, result))
    lines = [("sizes", f"baseline {before}, result {after} (height x width, pixels)")]
    if len(tiles) > 1:
        rows, columns = max(tile.row for tile in tiles) + 1, max(tile.column for tile in tiles) + 1
        lines.append(("result", f"{len(tiles)} tiles of {tiles[0].height} x {tiles[0].width}, {rows} x {columns}"))
    said = compare_counts(baseline, result, tiles) or Change("size", f"another size: {before} became {after}")
    if said.kind != "size":
        lines.append(("diagnosis", said.text))
    figures = {"baseline_size": before, "result_size": after, "kind": said.kind, "diagnosis": said.text}
    return Difference("the size is not that of the baseline", tuple(lines), figures)


def _worst(baseline: Bytes, result: Bytes, levels: Any, tiles: Sequence[Tile]) -> str:
    row, column, channel = (int(position) for position in np.unravel_index(int(levels.argmax()), levels.shape))
    values = f"expected {baseline[row, column, channel]}, found {result[row, column, channel]}"
    for index, tile in enumerate(tiles):
        y, x = row - tile.top, column - tile.left
        if 0 <= y < tile.height and 0 <= x < tile.width:
            place = f"tile {index} (row {tile.row}, column {tile.column}), " if len(tiles) > 1 else ""
            return f"{place}{CHANNELS[channel]}, pixel ({y}, {x}): {values}"
    return f"padding, {CHANNELS[channel]}, pixel ({row}, {column}) of the canvas: {values}"


def amplified(baseline: Bytes, result: Bytes) -> tuple[Bytes, int]:
    """Return the difference, so many times brighter that most of it can be seen, and how many times that is.

    Where the sizes differ, the part that only one image has is magenta.
    """
    height, width = (max(one, other) for one, other in zip(baseline.shape[:2], result.shape[:2], strict=True))
    shared_height, shared_width = (
        min(one, other) for one, other in zip(baseline.shape[:2], result.shape[:2], strict=True)
    )
    before, after = baseline[:shared_height, :shared_width], result[:shared_height, :shared_width]
    levels = np.abs(after.astype(np.int16) - before)
    typical = float(np.median(levels[levels > 0])) if levels.any() else 255.0
    factor = max(255 // max(int(levels.max()), 1), round(_VISIBLE / typical))
    canvas = np.full((height, width, 3), _OUTSIDE, dtype=np.uint8)
    canvas[:shared_height, :shared_width] = np.minimum(levels * factor, 255)
    return canvas, factor


def side_by_side(*panels: Bytes) -> bytes:
    """Return a PNG of the images in a row, enlarged alike if they are small."""
    height, width = (max(panel.shape[axis] for panel in panels) for axis in (0, 1))
    zoom = max(1, _PANEL // max(height, width))
    canvas = np.full(
        (height * zoom, len(panels) * width * zoom + (len(panels) - 1) * _GAP, 3), _GAP_LEVEL, dtype=np.uint8
    )
    for index, panel in enumerate(panels):
        left = index * (width * zoom + _GAP)
        large = panel.repeat(zoom, axis=0).repeat(zoom, axis=1)
        canvas[: large.shape[0], left : left + large.shape[1]] = large
    return encode_result(canvas)
