"""What happened to the tiles of a grid between its baseline and now: which of them, to which place, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from ..core.normalization import Normalization
from ..core.text import count_of
from .changes import Change, content, curve, hue, mixing, rounding
from .gains import of_known, of_table
from .grid_figure import Tile
from .moves import move, move_and_more
from .regions import boxes_in, name_boxes
from .textures import texture
from .warps import warp

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Explain = Callable[[Bytes, Bytes], Change | None]

#: Where tiles changed each in its own way, so many are looked at closely.
_CLOSELY = 12


def cut(canvas: Bytes, tile: Tile) -> Bytes:
    return canvas[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]


def name_tiles(indices: Sequence[int], count: int) -> str:
    """Return ``all tiles``, ``tile 3`` or ``tiles 0-2, 5``."""
    if len(indices) == count:
        return "all tiles" if count > 1 else "the image"
    ranges: list[list[int]] = []
    for index in indices:
        if ranges and index == ranges[-1][-1] + 1:
            ranges[-1][1:] = [index]
        else:
            ranges.append([index])
    shown = ", ".join("-".join(map(str, one)) for one in ranges[:6]) + (", ..." if len(ranges) > 6 else "")
    return f"tile{'' if len(indices) == 1 else 's'} {shown}"


def describe_tiles(
    baseline: Bytes, result: Bytes, tiles: Sequence[Tile], normalization: Normalization | None
) -> list[Change]:
    """Return what happened, each with the tiles that it happened to: ``tiles 0-7: channels reversed (BGR for RGB)``.

    Args:
        baseline, result: canvases of the same shape, uint8 (H, W, 3).
        tiles: the boxes of the images in them.
        normalization: what was inverted to draw the result, if known: names the statistic behind a gain.
    """
    before, after = [cut(baseline, tile) for tile in tiles], [cut(result, tile) for tile in tiles]
    changed = [index for index in range(len(tiles)) if not np.array_equal(before[index], after[index])]
    # none changed, or where there was none before: the color of the padding alone
    if all((before[index] == baseline[0, 0]).all() for index in changed):
        counted = compare_counts(baseline, result, tiles)
        if counted is not None and counted.kind == "tile-count":
            return [counted]
    if not changed:
        return [
            Change("padding", "the images are untouched; only the padding around them or the number of images differs")
        ]
    moved = _rearranged(before, after, changed)
    if moved is not None:
        return [moved]
    stacks = np.stack([before[index] for index in changed]), np.stack([after[index] for index in changed])
    together = explain(*stacks, normalization)
    if together is not None and not (len(changed) > 1 and together.kind in ("unknown", "content")):
        return [Change(together.kind, f"{name_tiles(changed, len(tiles))}: {together.text}")]
    return _apart(before, after, changed, normalization)


def _apart(
    before: Sequence[Bytes], after: Sequence[Bytes], changed: Sequence[int], normalization: Normalization | None
) -> list[Change]:
    """Return what happened to each tile, said once for all tiles of one kind if one sentence fits them."""
    closely = changed[:: -(-len(changed) // _CLOSELY)]
    alone = {
        index: explain(before[index][None], after[index][None], normalization, closely=index in closely, alone=True)
        for index in changed
    }
    by_kind: dict[str, list[int]] = {}
    for index in changed:
        by_kind.setdefault(alone[index].kind, []).append(index)
    said = []
    for kind, indices in by_kind.items():
        both = explain(np.stack([before[i] for i in indices]), np.stack([after[i] for i in indices]), normalization)
        by_text: dict[str, list[int]] = {}
        for index in indices:
            by_text.setdefault(both.text if both.kind == kind else alone[index].text, []).append(index)
        said += [Change(kind, f"{name_tiles(some, len(before))}: {text}") for text, some in by_text.items()]
    return said


def explain(
    before: Bytes, after: Bytes, normalization: Normalization | None, *, closely: bool = True, alone: bool = False
) -> Change:
    """Return what turned the images `before` into `after`, both (N, H, W, 3).

    Args:
        before, after: the images.
        normalization: what was inverted to draw `after`, if known.
        closely: whether to ask for the families that take longer, too.
        alone: whether these are a part of what changed: mistakes of a pipeline change everything.
    """

    def of_values(some: Bytes, others: Bytes) -> Change | None:
        found = curve(some, others) or mixing(some, others) or hue(some, others)
        if found is None or alone:
            return found
        known = of_known(some, others, normalization)
        linear = found.kind in ("contrast", "curve", "color-mixing") and "alike" not in found.text
        return known or (of_table(some, others) if linear else None) or found

    def of_values_or_details(some: Bytes, others: Bytes) -> Change | None:
        return of_values(some, others) or texture(some, others)

    found = (
        rounding(before, after)
        or move(before, after)
        or _in_one_region(before, after, of_values_or_details)  # before values: a few pixels fit every statistics
        or of_values(before, after)
    )
    if found is not None or not closely:
        return found or content(before, after)
    return (
        move_and_more(before, after, of_values_or_details)
        or warp(before, after)
        or texture(before, after)
        or content(before, after)
    )


def _in_one_region(before: Bytes, after: Bytes, explain_inside: Explain) -> Change | None:
    """Return what happened in the boxes around what changed, where these cover less than half of the images."""
    mask = (before != after).any(axis=(0, 3))
    margin = _margin(mask)
    if margin:
        return Change("border", f"a border of {count_of(margin, 'pixel')} at the edge changed; the rest is equal")
    boxes = boxes_in(mask)
    covered = sum(box.height * box.width for box in boxes)
    if covered > 0.5 * mask.size or len(boxes) > 8:
        return None
    what = "pixel" if mask.sum() == 1 else "region" if len(boxes) == 1 else "regions"
    if what == "pixel":
        return Change("one-pixel", f"one pixel at ({boxes[0].top}, {boxes[0].left}); all others are equal")
    where = name_boxes(boxes)
    said = "one region" if len(boxes) == 1 else f"{len(boxes)} regions"
    moved = _moved(before, after, boxes)
    if moved:
        return Change("moved", f"{moved}; the rest is equal")
    inner = ""
    if min(boxes[0].height, boxes[0].width) >= 8:
        rows, columns = boxes[0].slices
        some, others = before[:, rows, columns], after[:, rows, columns]
        found = rounding(some, others) or explain_inside(some, others)
        inner = f" ({found.text})" if found else ""
    return Change("region", f"{said} changed, {where}{inner}; the rest is equal")


def _margin(mask: Any) -> int:
    """Return how many pixels from the edge all that is set in a mask (H, W) lies, on all four sides; 0 if not so."""
    if not all(side.any() for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1])):
        return 0
    most = min(mask.shape) // 4
    return next((margin for margin in range(1, most + 1) if not mask[margin:-margin, margin:-margin].any()), 0)


def _moved(before: Bytes, after: Bytes, boxes: Sequence[Any]) -> str:
    """Return which box went where, if one shows what was in the other, or one box holds both places."""
    if len(boxes) == 2:
        for source, target in (boxes, reversed(boxes)):
            rows, columns = source.slices
            there = target.slices
            pair = before[:, rows, columns], after[:, there[0], there[1]]
            if pair[0].shape == pair[1].shape and np.array_equal(*pair):
                return f"a box of {source.height} x {source.width} pixels moved from {source[:2]} to {target[:2]}"
    if len(boxes) != 1 or min(boxes[0].height, boxes[0].width) < 4:
        return ""
    return _slid(before, after, boxes[0])


def _slid(before: Bytes, after: Bytes, box: Any) -> str:
    """Return how far a thing of any shape went, whose two places overlap: found by trying all steps inside the box."""
    rows, columns = box.slices
    some, others = before[:, rows, columns], after[:, rows, columns]
    height, width = box.height, box.width
    reach = [range(-min(side // 2, 24), min(side // 2, 24) + 1) for side in (height, width)]
    for down, right in sorted(product(*reach), key=lambda step: abs(step[0]) + abs(step[1])):
        kept = some[:, max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
        there = others[:, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
        if (down, right) != (0, 0) and (kept == there).all(axis=-1).mean() > 0.99:
            return f"a part of {kept.shape[1]} x {kept.shape[2]} pixels moved by {down:+d} rows and {right:+d} columns"
    return ""


def _rearranged(before: Sequence[Bytes], after: Sequence[Bytes], changed: Sequence[int]) -> Change | None:
    """Return what to say if each changed tile shows another tile of the baseline."""
    places = {image.tobytes(): index for index, image in reversed([*enumerate(before)])}
    sources = [places.get(after[index].tobytes()) for index in changed]
    known = [(index, source) for index, source in zip(changed, sources, strict=True) if source is not None]
    if len(known) < len(changed):
        return None
    examples = ", ".join(f"tile {index} shows what was tile {source}" for index, source in known[:3])
    dots = ", ..." if len(known) > 3 else ""
    if len({image.tobytes() for image in after}) < len({image.tobytes() for image in before}):
        return Change("tiles-repeated", f"tiles are repeated, others are missing: {examples}{dots}")
    return Change("tile-order", f"the images are in another order: {examples}{dots}; is the order seeded?")


def compare_counts(baseline: Bytes, result: Bytes, tiles: Sequence[Tile]) -> Change | None:
    """Return what became of the tiles of a grid whose size changed, where they can be found in the baseline.

    Args:
        baseline, result: canvases of different shapes, uint8 (H, W, 3).
        tiles: the boxes of the images in `result`.
    """
    if not tiles:
        return None
    first = tiles[0]
    before = _tiles_of(baseline, first.height, first.width, (first.top, 0)) if len(tiles) > 1 else []
    before = before or _tiles_of(baseline, first.height, first.width, range(17))
    if not before:
        return None
    places = {image.tobytes(): index for index, image in reversed([*enumerate(before)])}
    sources = [places.get(np.ascontiguousarray(cut(result, tile)).tobytes()) for tile in tiles]
    same = next((index for index, source in enumerate(sources) if source != index), len(tiles))
    kept = len({source for source in sources if source is not None})
    added, missing = len(tiles) - kept, _filled(before) - kept
    if not kept:
        return None
    if same == len(tiles) or same == _filled(before):
        said = f"the first {same} tiles are equal" if same > 1 else "the first tile is equal"
    else:
        said = f"{kept} of the baseline's tiles are found again"
    if added <= 0 and missing <= 0:
        return Change("tile-layout", f"{said}: the same tiles, laid out in another way")
    words = []
    if added > 0:
        words.append(f"{added} {'was' if added == 1 else 'were'} added")
    if missing > 0:
        words.append(f"{missing} {'is' if missing == 1 else 'are'} missing")
    return Change("tile-count", f"{said}, {' and '.join(words)}")


def _tiles_of(canvas: Bytes, height: int, width: int, paddings: Any) -> list[Bytes]:
    """Return the tiles of this size that a canvas is laid out in, in rows; none where no padding fits."""
    for padding in paddings:
        rows, columns = (
            (side - padding) / (length + padding)
            for side, length in zip(canvas.shape[:2], (height, width), strict=True)
        )
        if rows >= 1 and columns >= 1 and rows == int(rows) and columns == int(columns):
            boxes = [
                Tile(
                    row, column, padding + row * (height + padding), padding + column * (width + padding), height, width
                )
                for row in range(int(rows))
                for column in range(int(columns))
            ]
            return [np.ascontiguousarray(cut(canvas, box)) for box in boxes]
    return []


def _filled(tiles: Sequence[Bytes]) -> int:
    """Return the number of tiles without the flat ones at the end, which a grid leaves where a row is not full."""
    count = len(tiles)
    while count > 1 and np.ptp(tiles[count - 1]) == 0:
        count -= 1
    return count
