"""Whether all pixels of an output are treated alike, wherever they lie."""

from __future__ import annotations

from typing import Any

import numpy as np

from .outputs import Array

__all__ = ["lost_share", "uneven_share"]

#: How far resampling goes beyond both of two values that it mixes.
_OVERSHOT = 0.3
#: A smaller share of the pixels is the edge of what is padded.
_EDGE = 0.002


def uneven_share(outputs: Array, padding: Array | None, allowed: float) -> float:
    """Return the share of answering pixels that have another slope or offset than most have; 0 where it is tiny.

    Pixels at the edge of padding are a mix of it and of the image, in the same parts for all colors: these count as
    even.

    Args:
        outputs: of images of one color each, (colors, pixels, channels).
        padding: the color of pixels that do not answer; None where there are none.
        allowed: the difference that is none.
    """
    outputs = np.nan_to_num(outputs)
    middle = np.median(outputs, axis=1)
    nearest = int(np.abs(outputs - middle[:, None]).max(axis=(0, 2)).argmin())
    most = outputs[:, nearest]  # the middle of two halves is neither
    off = (np.abs(outputs - most[:, None]) > allowed).any(axis=(0, 2))
    if off.any() and padding is not None:
        off &= ~_are_mixed(outputs, most, padding, allowed)
    share = float(off.mean())
    return share if share > _EDGE else 0.0


def lost_share(answers: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
    """Return the share of pixels that do not answer, and lie amid those that do, as padding does not.

    Args:
        answers: which pixels do, (H, W).
    """

    def before(seen: np.ndarray[Any, Any], axis: int) -> np.ndarray[Any, Any]:
        return np.logical_or.accumulate(seen, axis)

    turned = [np.flip(before(np.flip(answers, axis), axis), axis) for axis in (0, 1)]
    amid = ~answers & before(answers, 0) & before(answers, 1) & turned[0] & turned[1]
    share = float(amid.mean())
    return share if share > _EDGE else 0.0


def _are_mixed(pixels: Array, most: Array, padding: Array, allowed: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which pixels are, for each color, ``w * most + (1 - w) * padding`` with one w."""
    towards = (most - padding)[:, None]  # (colors, 1, channels)
    reach = np.abs(towards).max(axis=0, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.nan_to_num(((pixels - padding) * towards).sum(axis=(0, 2)) / (towards**2).sum(axis=(0, 2)))
    mixed = padding + weights[None, :, None] * towards
    near = (np.abs(pixels - mixed) <= allowed + 1e-3 * reach).all(axis=(0, 2))
    result: np.ndarray[Any, np.dtype[np.bool_]] = near & (weights > -_OVERSHOT) & (weights < 1 + _OVERSHOT)
    return result
