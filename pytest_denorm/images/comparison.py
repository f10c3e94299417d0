"""A picture against its baseline: equal, or what differs, where, by how much, and what it looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core.normalization import Normalization
from ..core.text import count_of
from ..errors import BaselineError
from .baselines import decode, read_bytes
from .grid_figure import Tile
from .png import encode_png
from .tiles import CHANNELS, cut, describe_tiles, is_grey, name_tiles

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

#: Panels of a comparison are enlarged to about this many pixels.
_PANEL = 256
_GAP = 8
_GAP_LEVEL = 128
#: The brightness that half of a difference reaches.
_VISIBLE = 80
#: Where only one of the two pictures has a pixel.
_OUTSIDE = (255, 0, 255)


@dataclass(frozen=True)
class Difference:
    """How a picture differs from its baseline.

    Attributes:
        headline: one sentence.
        lines: (label, text) for the terminal.
        figures: numbers, JSON-safe: ``differing_pixels``, ``max_difference`` and the like.
    """

    headline: str
    lines: tuple[tuple[str, str], ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)


def compare_files(baseline: Path, result: Path) -> Difference | None:
    """None if the two PNG files show the same pixels: equal bytes, else equal decoded pixels.

    Raises:
        BaselineError: one of them is missing or no PNG that can be compared.
    """
    before, after = read_bytes(baseline), read_bytes(result)
    for path, data in ((baseline, before), (result, after)):
        if data is None:
            raise BaselineError(f"there is no picture {path}.")
    assert before is not None
    assert after is not None
    if before == after:
        return None
    return compare(decode(before, str(baseline)), decode(after, str(result)))


def compare(
    baseline: Bytes, result: Bytes, tiles: Sequence[Tile] = (), normalization: Normalization | None = None
) -> Difference | None:
    """None if the canvases are equal, uint8 (H, W, 3) each, else how they differ.

    Args:
        baseline, result: what was stored and what was drawn now.
        tiles: the boxes of the pictures in `result`; none for one picture.
        normalization: what was undone to draw `result`, if known.
    """
    if np.array_equal(baseline, result):
        return None
    if baseline.shape != result.shape:
        return _sizes(baseline, result, tiles)
    height, width = result.shape[:2]
    boxes = tiles or (Tile(0, 0, 0, 0, height, width),)
    levels = np.abs(result.astype(np.int16) - baseline)
    differs = levels.max(axis=-1)
    pixels, worst = int((differs != 0).sum()), int(differs.max())
    headline = "the picture differs from its baseline"
    if is_grey(baseline) != is_grey(result):
        grey, colour = ("baseline", "result") if is_grey(baseline) else ("result", "baseline")
        headline = f"the {grey} is grey, the {colour} is in colour"
    lines = [
        (
            "differs",
            f"{pixels} of {height * width} pixels ({_percent(pixels, height * width)}), "
            f"by up to {count_of(worst, 'level')}",
        ),
        ("worst", _worst(baseline, result, levels, boxes)),
    ]
    untouched = [i for i, tile in enumerate(boxes) if not cut(differs, tile).any()]
    if len(boxes) > 1:
        lines.append(("untouched", name_tiles(untouched, len(boxes)) if untouched else "no tile"))
    said = describe_tiles(baseline, result, boxes, normalization)
    lines += [("diagnosis", text) for text in said[:4]]
    figures = {
        "differing_pixels": pixels,
        "max_difference": worst,
        "differing_tiles": len(boxes) - len(untouched),
        "diagnosis": "; ".join(said[:4]),
    }
    return Difference(headline, tuple(lines), figures)


def _percent(part: int, whole: int) -> str:
    return f"{min(max(100 * part / whole, 0.01), 99):.2g} %" if part < whole else "100 %"


def _sizes(baseline: Bytes, result: Bytes, tiles: Sequence[Tile]) -> Difference:
    before, after = (" x ".join(map(str, canvas.shape[:2])) for canvas in (baseline, result))
    lines = [("sizes", f"baseline {before}, result {after} (height x width, pixels)")]
    if len(tiles) > 1:
        rows, columns = max(tile.row for tile in tiles) + 1, max(tile.column for tile in tiles) + 1
        lines.append(("result", f"{len(tiles)} tiles of {tiles[0].height} x {tiles[0].width}, {rows} x {columns}"))
    figures = {"baseline_size": before, "result_size": after}
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
    """The difference, so many times brighter that most of it can be seen, and how many times that is.

    Where the sizes differ, the part that only one picture has is magenta.
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
    """A PNG of the pictures in a row, enlarged alike if they are small."""
    height, width = (max(panel.shape[axis] for panel in panels) for axis in (0, 1))
    zoom = max(1, _PANEL // max(height, width))
    canvas = np.full(
        (height * zoom, len(panels) * width * zoom + (len(panels) - 1) * _GAP, 3), _GAP_LEVEL, dtype=np.uint8
    )
    for index, panel in enumerate(panels):
        left = index * (width * zoom + _GAP)
        large = panel.repeat(zoom, axis=0).repeat(zoom, axis=1)
        canvas[: large.shape[0], left : left + large.shape[1]] = large
    return encode_png(canvas)
