"""Rotation, zoom, shear and shifts by parts of a pixel: one affine map of positions, found by registration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from .changes import Change, correlation, grey_of

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

_Pair = tuple[Floats, Floats]

#: The side of the copies that are registered.
_SIDE = 96
_ANGLES = np.deg2rad(np.arange(-45, 46, 7.5))
_ZOOMS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 1.7, 2.0)
#: So many of the coarse guesses are refined, in so many steps.
_GUESSES, _STEPS = 3, 12
#: How many images are looked at.
_MOST = 4
#: The least correlation, and the most of what does not correlate that may be left, for a map to count.
_ALIKE, _LEFT, _LEFT_OF_OTHERS = 0.9, 0.4, 0.8
#: The least movement of a corner, as a share of the side.
_LEAST = 0.002


class _Warp(NamedTuple):
    """``source = matrix @ target + offset``; positions are relative to the center, half a side is 1."""

    matrix: Floats
    offset: Floats

    def apply(self, image: Floats) -> Floats:
        """Return an image (H, W) as it comes out; NaN where it has no pixel."""
        height, width = image.shape
        half = np.array([width, height]) / 2
        matrix = self.matrix * half[:, None] / half[None]
        offset = half + self.offset * half - matrix @ half
        data = (*matrix[0], offset[0], *matrix[1], offset[1])
        source, how = Image.fromarray(image.astype(np.float32)), Image.Resampling.BILINEAR
        moved = source.transform((width, height), Image.Transform.AFFINE, data, how, fillcolor=math.nan)
        return np.asarray(moved, dtype=np.float64)


_SAME = _Warp(np.eye(2), np.zeros(2))


def warp(before: Bytes, after: Bytes) -> Change | None:
    """Explain by an affine map of positions, the same for all images (N, H, W, 3)."""
    height, width = before.shape[1:3]
    if min(height, width) < 24:
        return None
    chosen = np.linspace(0, len(before) - 1, min(len(before), _MOST)).astype(int)
    pairs = [(_reduced(before[at]), _reduced(after[at])) for at in chosen]
    pairs.sort(key=lambda pair: -float(pair[0].std()))
    guesses = [_refined(pairs[:1], guess) for guess in _guesses(*pairs[0])]
    found = _refined(pairs, max(guesses, key=lambda one: _alike(*pairs[0], one)))
    if _movement(found) < _LEAST or not _is_better(*pairs[0], found, _LEFT):
        return None
    if not all(_is_better(*pair, found, _LEFT_OF_OTHERS) for pair in pairs):
        return None
    return _named(found, height, width)


def _reduced(image: Bytes) -> Floats:
    height, width = image.shape[:2]
    grey = Image.fromarray(grey_of(image).astype(np.float32))
    return np.asarray(grey.resize((min(_SIDE, width), min(_SIDE, height)), Image.Resampling.BOX), dtype=np.float64)


def _blurred(image: Floats) -> Floats:
    """Return an image averaged over 3 x 3 pixels, twice."""
    for _ in range(2):
        padded = np.pad(image, 1, "edge")
        rows = padded[:-2] + padded[1:-1] + padded[2:]
        image = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9
    return image


def _alike(before: Floats, after: Floats, one: _Warp) -> float:
    moved = one.apply(before)
    seen = np.isfinite(moved)
    return correlation(moved[seen], after[seen]) if seen.mean() > 0.2 else -1.0


def _guesses(before: Floats, after: Floats) -> list[_Warp]:
    """Return the best of a grid of angles and zooms, found on small copies, and that nothing moved."""
    small = [_blurred(image)[::2, ::2] for image in (before, after)]
    turns = [np.array([[math.cos(one), -math.sin(one)], [math.sin(one), math.cos(one)]]) for one in _ANGLES]
    coarse = [_Warp(turn / zoom, np.zeros(2)) for turn in turns for zoom in _ZOOMS]
    best = sorted(coarse, key=lambda one: -_alike(small[0], small[1], one))
    return [_SAME, *best[:_GUESSES]]


def _refined(pairs: Sequence[_Pair], guess: _Warp) -> _Warp:
    """Return the map with the least squares of the differences near a guess, first of blurred copies."""
    best = guess
    for some in ([(_blurred(_blurred(one)), _blurred(_blurred(other))) for one, other in pairs], pairs):
        found = best
        for _ in range(_STEPS):
            step = _step(some, found)
            found = _Warp(found.matrix + step[:, :2], found.offset + step[:, 2])
            if np.abs(found.matrix).max() > 4 or np.abs(found.offset).max() > 2 or np.abs(step).max() < 1e-5:
                break
        best = max(best, found, key=lambda one: sum(_alike(*pair, one) for pair in some))
    return best


def _step(pairs: Sequence[_Pair], now: _Warp) -> Floats:
    """Return the change (2, 3) of a map (Gauss-Newton); brightness may differ by gain and offset."""
    square, product = np.zeros((8, 8)), np.zeros(8)
    for one, other in pairs:
        height, width = one.shape
        y, x = np.meshgrid(*(2 * (np.arange(side) + 0.5) / side - 1 for side in (height, width)), indexing="ij")
        down, right = np.gradient(one)
        moved, gx, gy = (now.apply(image) for image in (one, right * width / 2, down * height / 2))
        seen = np.isfinite(moved)
        columns = (gx * x, gx * y, gx, gy * x, gy * y, gy, moved, np.ones_like(moved))
        design = np.stack([column[seen] for column in columns], axis=1)
        square += design.T @ design
        product += design.T @ other[seen]
    solved = np.linalg.lstsq(square, product, rcond=None)[0]
    step: Floats = solved[:6].reshape(2, 3) / (solved[6] if abs(solved[6]) > 0.1 else 1.0)
    return step


def _movement(one: _Warp) -> float:
    """Return how far a corner moves at most, in sides."""
    corners = np.array([[x, y] for x in (-1, 1) for y in (-1, 1)], dtype=float)
    return float(np.linalg.norm(corners @ one.matrix.T + one.offset - corners, axis=1).max()) / 2


def _is_better(before: Floats, after: Floats, one: _Warp, left: float) -> bool:
    found, plain = _alike(before, after, one), _alike(before, after, _SAME)
    return found > _ALIKE and 1 - found < left * (1 - plain)


def _named(found: _Warp, height: int, width: int) -> Change:
    """Return what the map is in words: what moves a corner farthest gives the kind."""
    half = np.array([width, height]) / 2
    forward = np.linalg.inv(found.matrix * half[:, None] / half[None])
    right, down = -forward @ (found.offset * half)
    angle = math.degrees(math.atan2(forward[0, 1] - forward[1, 0], forward[0, 0] + forward[1, 1]))
    longest, shortest = np.linalg.svd(forward, compute_uv=False)
    zoom, stretch = math.sqrt(longest * shortest), longest / shortest
    corner = float(np.linalg.norm(half))
    way = "left" if angle > 0 else "right"
    size = f"enlarged {zoom:.3g} times" if zoom > 1 else f"reduced to {100 * zoom:.3g} % of its size"
    moves = [
        (abs(math.radians(angle)) * corner, "rotation", f"turned by about {abs(angle):.2g} degrees to the {way}"),
        (abs(zoom - 1) * corner, "zoom", size),
        ((stretch - 1) * corner / 2, "stretch", f"stretched or sheared, by up to {100 * (stretch - 1):.2g} %"),
        (math.hypot(down, right), "shift", f"shifted by {_pixels(down, right)}"),
    ]
    farthest = max(moves)
    said = [words for pixels, _, words in moves if pixels >= min(farthest[0], max(0.15, 0.1 * farthest[0]))]
    return Change(farthest[1], ", ".join(said))


def _pixels(down: float, right: float) -> str:
    """Return a step in words, without what is less than a tenth of it."""
    steps = ((down, "down", "up"), (right, "right", "left"))
    least = 0.1 * max(abs(down), abs(right))
    parts = [f"{abs(step):.2g} pixels {one if step > 0 else other}" for step, one, other in steps if abs(step) > least]
    return " and ".join(parts)
