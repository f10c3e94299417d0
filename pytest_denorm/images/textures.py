"""Changes of the details of a scene, told by statistics of the difference: noise, smoothing, JPEG."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .changes import Change, correlation, grey_of, middle

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


class _Measures(NamedTuple):
    """Statistics of a difference.

    Attributes:
        rms: in levels.
        drift: of that, what is left after averaging over 8 x 8 pixels; noise leaves 1/8.
        alike: correlation of neighboring pixels of the difference.
        edges: correlation of its size with the gradient of the baseline.
        blocks: how much more the result looks like JPEG than the baseline, from -1 to 1.
        sharpness: energy of the finest details of the result, as a multiple of the baseline's.
        correlation: of the two images.
    """

    rms: float
    drift: float
    alike: float
    edges: float
    blocks: float
    sharpness: float
    correlation: float


def measure(before: Bytes, after: Bytes) -> _Measures:
    """Return the statistics of up to eight images of the stacks."""
    chosen = np.linspace(0, len(before) - 1, min(len(before), 8)).astype(int)
    one, other = (grey_of(middle(images[chosen], 512)) for images in (before, after))
    difference = other - one
    rms = float(np.sqrt(np.mean(difference**2)))
    height, width = (side - side % 8 for side in one.shape[1:])
    drift = rms
    if height and width:
        blocks = difference[:, :height, :width].reshape(len(one), height // 8, 8, width // 8, 8).mean(axis=(2, 4))
        drift = float(np.sqrt(np.mean(blocks**2)))
    gradient = np.abs(np.diff(one, axis=1))[:, :, :-1] + np.abs(np.diff(one, axis=2))[:, :-1]
    beside = [
        correlation(difference[:, 1:], difference[:, :-1]),
        correlation(difference[:, :, 1:], difference[:, :, :-1]),
    ]
    return _Measures(
        rms,
        drift / max(rms, 1e-9),
        min(beside),
        correlation(np.abs(difference[:, :-1, :-1]), gradient),
        _quantized(other) - _quantized(one) if min(one.shape[1:]) >= 24 else 0.0,
        _details(other) / max(_details(one), 1e-9),
        correlation(one, other),
    )


#: The discrete cosine transform of eight values (JPEG, ITU-T T.81, section A.3.3).
_DCT = np.array([[math.cos((2 * at + 1) * wave * math.pi / 16) for at in range(8)] for wave in range(8)]) / 2
_DCT[0] /= math.sqrt(2)
_FINE = np.add.outer(np.arange(8), np.arange(8)) >= 6


def _quantized(images: Floats) -> float:
    """Return how many more fine coefficients are zero on the best of 64 grids of blocks than on a usual one, in shares.

    JPEG rounds most of them to zero, on its own grid alone.
    """
    images = images[:2, -128:, -128:]
    shares = []
    for down in range(8):
        for right in range(8):
            part = images[:, down:, right:]
            rows, columns = part.shape[1] // 8, part.shape[2] // 8
            blocks = part[:, : rows * 8, : columns * 8].reshape(-1, rows, 8, columns, 8).swapaxes(2, 3)
            fine = (_DCT @ blocks @ _DCT.T)[..., _FINE]
            shares.append(float((np.abs(fine) < 1).mean()))
    return max(shares) - float(np.median(shares))


def _details(images: Floats) -> float:
    fine = 4 * images[:, 1:-1, 1:-1] - images[:, :-2, 1:-1] - images[:, 2:, 1:-1]
    fine = fine - images[:, 1:-1, :-2] - images[:, 1:-1, 2:]
    return float(np.mean(fine**2)) if fine.size else 0.0


def texture(before: Bytes, after: Bytes) -> Change | None:
    """Explain by noise, smoothing, resampling or JPEG: the same scene with other details."""
    if min(before.shape[1:3]) < 8:
        return None
    found = measure(before, after)
    if found.correlation < 0.7:
        return None
    if found.blocks > 0.04:
        return Change(
            "jpeg", "JPEG: fine details are missing in blocks of 8 x 8 pixels, or it was saved at a lower quality"
        )
    mask = (before != after).any(axis=-1)
    touched = float(mask.mean())
    if touched < 0.2 and _are_single(mask):
        return Change("noise", f"noise in single pixels, {100 * touched:.2g} % of them; the others are equal")
    if touched > 0.4 and found.alike < 0.25 and found.edges < 0.25 and found.drift < 0.35:
        spread = float((after.astype(np.int16) - before).std())
        return Change("noise", f"noise, with a standard deviation of {spread:.2g} levels")
    if found.drift < 0.5 and found.edges > 0.2 and not 0.99 < found.sharpness < 1.01:
        way = "smoother" if found.sharpness < 1 else "sharper"
        cause = "blur, or another interpolation" if way == "smoother" else "another interpolation, or no antialiasing"
        share = f"{100 * found.sharpness:.3g} % of the energy in the finest details"
        return Change("resampling", f"{way}, edges differ and flat areas do not: {cause} ({share})")
    if found.drift < 0.5 and found.edges > 0.2:
        return Change("resampling", "edges differ and flat areas do not: another interpolation")
    return None


def _are_single(masks: np.ndarray[Any, np.dtype[np.bool_]]) -> bool:
    """Return whether most of what is set in masks (N, H, W) has nothing set above, below or beside it."""
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    beside = padded[:, 1:-1, :-2] | padded[:, 1:-1, 2:] | padded[:, :-2, 1:-1] | padded[:, 2:, 1:-1]
    return bool((masks & ~beside).sum() > 0.4 * masks.sum())
