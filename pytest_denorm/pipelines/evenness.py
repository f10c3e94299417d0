"""Whether all pixels of an output are treated alike, wherever they lie."""

from __future__ import annotations

from typing import Any

import numpy as np

from .outputs import Array

__all__ = ["uneven_share"]

#: How far resampling goes beyond both of two values that it mixes.
_OVERSHOT = 0.3
#: A smaller share of the pixels is the edge of what is padded.
_EDGE = 0.002


def uneven_share(
    black: Array, grey: Array, white: Array, places: np.ndarray[Any, np.dtype[Any]], allowed: float
) -> float:
    """Return the share of answering pixels that have another slope or offset than most have; 0 where it is tiny.

    Pixels at the edge of padding are a mix of it and of the image, in the same parts for all colors: these count as
    even.

    Args:
        black, grey, white: outputs of images of one color, flattened.
        places: of the values of each pixel there, (pixels, channels).
        allowed: the difference that is none.
    """
    outputs = np.stack([np.nan_to_num(one)[places] for one in (black, grey, white)])
    answers = (np.ptp(outputs, axis=0) > 0).any(axis=1)
    if not answers.any():
        return 0.0
    pixels = outputs[:, answers]
    most = np.median(pixels, axis=1)
    off = (np.abs(pixels - most[:, None]) > allowed).any(axis=(0, 2))
    padding = outputs[:, ~answers]
    if off.any() and padding.size:
        off &= ~_are_mixed(pixels, most, np.median(padding[0], axis=0), allowed)
    share = float(off.mean())
    return share if share > _EDGE else 0.0


def _are_mixed(pixels: Array, most: Array, padding: Array, allowed: float) -> Array:
    """Which pixels are, for each color, ``w * most + (1 - w) * padding`` with one w."""
    towards = (most - padding)[:, None]  # (colors, 1, channels)
    reach = np.abs(towards).max(axis=0, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.nan_to_num(((pixels - padding) * towards).sum(axis=(0, 2)) / (towards**2).sum(axis=(0, 2)))
    mixed = padding + weights[None, :, None] * towards
    near = (np.abs(pixels - mixed) <= allowed + 1e-3 * reach).all(axis=(0, 2))
    result: Array = near & (weights > -_OVERSHOT) & (weights < 1 + _OVERSHOT)
    return result
