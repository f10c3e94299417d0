"""Where two canvases differ: the boxes around what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Mask = np.ndarray[Any, np.dtype[np.bool_]]

#: Pixels are joined in cells of about so many to a side of the canvas, so that large canvases take no longer.
_CELLS = 64


class Box(NamedTuple):
    """A part of a canvas, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height} x {self.width} pixels at ({self.top}, {self.left})"

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def box_around(mask: Mask) -> Box | None:
    """Return the smallest box around what is set in a mask (H, W); None if nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    top, left = int(rows[0]), int(columns[0])
    return Box(top, left, int(rows[-1]) - top + 1, int(columns[-1]) - left + 1)


def boxes_in(mask: Mask) -> list[Box]:
    """Return a box around each part of a mask (H, W) that stands apart from the others, the largest first."""
    around = box_around(mask)
    if around is None:
        return []
    part = mask[around.slices]
    cell = max(1, -(-max(part.shape) // _CELLS))
    padded = np.pad(part, [(0, -side % cell) for side in part.shape])
    coarse: Mask = padded.reshape(padded.shape[0] // cell, cell, padded.shape[1] // cell, cell).any(axis=(1, 3))  # type: ignore[assignment, unused-ignore]
    boxes = []
    for cells in _parts(coarse):
        inside = np.zeros_like(coarse)
        inside[tuple(np.array(cells).T)] = True
        inner = box_around(part & inside.repeat(cell, 0).repeat(cell, 1)[: part.shape[0], : part.shape[1]])
        assert inner is not None
        boxes.append(Box(around.top + inner.top, around.left + inner.left, inner.height, inner.width))
    return sorted(boxes, key=lambda box: (-box.height * box.width, box))


def _parts(cells: Mask) -> list[list[tuple[int, int]]]:
    """Return the cells of each connected part, neighbors at corners included."""
    left = {(int(row), int(column)) for row, column in np.argwhere(cells)}
    parts = []
    while left:
        part = [left.pop()]
        for row, column in part:  # which grows
            near = {(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)} & left
            left -= near
            part.extend(near)
        parts.append(part)
    return parts


def name_boxes(boxes: Sequence[Box], most: int = 3) -> str:
    """Return the boxes in words: ``4 x 4 pixels at (0, 12), 2 x 2 pixels at (9, 9) and 3 more``."""
    shown = ", ".join(map(str, boxes[:most]))
    return f"{shown} and {len(boxes) - most} more" if len(boxes) > most else shown
