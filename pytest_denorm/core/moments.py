"""From pixels to the sums that statistics are made of: one image at a time, so that any split gives the same ones.

The values of an image are added up in float64. Bytes add up without rounding. Other values whose mean is far greater
than their std, so that digits would cancel in the variance, are added up once more, less their mean.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .exact import Exact, Floats, exact_sum, two_product

__all__ = ["Moments", "Pixels", "image_moments", "measurable", "sums_over_images"]

#: Floats above this magnitude have sums of products that a float64 may not hold; integers are to fit in its 53 bits.
_LARGEST, _LARGEST_INTEGER = 2.0**200, 2.0**53
#: Values that are added up at a time: few enough to stay in the cache, many enough that the calls do not count.
_PIECE = 1 << 17
#: Values of one dot product: BLAS spreads longer ones over threads, and how many there are would show in the last bit.
_RUN = 1 << 13
#: The variance loses so many digits to cancellation where it is that much less than the mean square.
_CANCELS = 2.0**-14
#: Dtypes that are added up as they are; the others become one of them.
_KEPT = (np.uint8, np.float32, np.float64)

Pixels = np.ndarray[Any, Any]


class Moments(NamedTuple):
    """What is known of N images of C channels, each by itself.

    The sums of a channel's values are those of ``value - center``: `first` of these, `second` of their squares.
    """

    heights: np.ndarray[Any, np.dtype[np.int64]]
    widths: np.ndarray[Any, np.dtype[np.int64]]
    center: Floats  # (N, C), as the next two
    first: Floats
    second: Floats
    low: Floats  # (1, C), of all N together, as all below
    high: Floats
    black: np.ndarray[Any, np.dtype[np.int64]]
    white: np.ndarray[Any, np.dtype[np.int64]]

    @classmethod
    def joined(cls, parts: list[Moments]) -> Moments:
        """Return those of all images of several parts."""
        return parts[0] if len(parts) == 1 else cls(*map(np.concatenate, zip(*parts, strict=True)))


def _as_measured(pixels: Pixels) -> Pixels:
    """Return pixels in a dtype that is measured, C-contiguous; the same array where it is so already."""
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8)
    elif pixels.dtype.type not in _KEPT:
        pixels = pixels.astype(np.float32 if pixels.dtype == np.float16 else np.float64)
    return np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))


def measurable(image: Pixels) -> str:
    """Return why statistics of an image would not be exact; "" if they are."""
    if image.dtype.kind != "f":
        most = max(-int(image.min()), int(image.max()))
        return "" if most <= _LARGEST_INTEGER else "values are beyond 2**53, which a float64 does not hold exactly."
    count = int(np.count_nonzero(~(np.abs(image.astype(np.float64)) <= _LARGEST)))  # NaN is not either
    return f"{count:,} of {image.size:,} values are NaN, infinite, or beyond {_LARGEST:.0e}." if count else ""


def image_moments(pixels: Pixels, white: float) -> Moments | None:
    """Return the moments of images of one shape; None where :func:`measurable` refuses one of them.

    Args:
        pixels: (N, C, H, W), of any dtype of real numbers.
        white: the value of white.
    """
    step = max(1, 2 * _PIECE // pixels[0].size)
    parts = []
    for start in range(0, len(pixels), step):
        part = _moments_of_piece(pixels[start : start + step], white)
        if part is None:
            return None
        parts.append(part)
    return Moments.joined(parts)


def _moments_of_piece(pixels: Pixels, white: float) -> Moments | None:
    most = _LARGEST if pixels.dtype.kind == "f" else _LARGEST_INTEGER
    pixels = _as_measured(pixels)
    count, channels, height, width = pixels.shape
    planes, rows = pixels.reshape(count, channels, -1), pixels.reshape(count * channels, -1)
    # over the images first: neighbors in memory are compared side by side
    low, high = planes.min(axis=0).min(axis=-1), planes.max(axis=0).max(axis=-1)
    if not max(-float(low.min()), float(high.max())) <= most:  # NaN is not either
        return None
    center, first, second = (one.reshape(count, channels) for one in _sums_of_rows(rows))
    threshold = math.ceil(white) if pixels.dtype == np.uint8 else white  # numpy compares its own type faster
    nothing = np.zeros((1, channels), np.int64)
    black = _count(planes <= 0) if low.min() <= 0 else nothing
    whites = _count(planes >= threshold) if high.max() >= white else nothing
    return Moments(
        np.full(count, height),
        np.full(count, width),
        center,
        first,
        second,
        low[None].astype(np.float64),
        high[None].astype(np.float64),
        black,
        whites,
    )


def _sums_of_rows(rows: Pixels) -> tuple[Floats, Floats, Floats]:
    """Return for each row, (R, n), a center, and the sums of the values less it, and of their squares: (R,)."""
    center, size = np.zeros(len(rows)), rows.shape[1]
    first, second = _sums(rows)
    if rows.dtype != np.uint8:
        cancels = second - first**2 / size < second * _CANCELS
        if cancels.any():
            center[cancels] = first[cancels] / size
            first[cancels], second[cancels] = _sums(rows[cancels], center[cancels])
    return center, first, second


def _sums(rows: Pixels, center: Floats | None = None) -> tuple[Floats, Floats]:
    first, second = np.zeros(len(rows)), np.zeros(len(rows))
    across = min(rows.shape[1], _RUN)
    down = min(len(rows), max(1, _PIECE // across))
    scratch, ones = np.empty(down * across), np.ones((across, 1))  # fresh memory for each piece would take its time
    for top in range(0, len(rows), down):
        where = slice(top, top + down)
        for left in range(0, rows.shape[1], across):
            part = rows[where, left : left + across]
            values = scratch[: part.size].reshape(part.shape)
            np.copyto(values, part)
            if center is not None:
                values -= center[where, None]
            # a dot product for each row, which does not depend on the other rows
            first[where] += np.matmul(values[:, None, :], ones[: part.shape[1]])[:, 0, 0]
            second[where] += np.matmul(values[:, None, :], values[:, :, None])[:, 0, 0]
    return first, second


def _count(found: np.ndarray[Any, np.dtype[np.bool_]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return how many of each channel of (N, C, n) are true: (1, C)."""
    return np.array([[np.count_nonzero(found[:, channel]) for channel in range(found.shape[1])]])


def sums_over_images(moments: Moments) -> dict[str, Exact]:
    """Return exact sums over images i of n pixels, with sum t and sum of squares u of each channel.

    ``t = n * center + first`` and ``u = n * center**2 + 2 * center * first + second`` are added up without rounding. In
    the products, which standard errors are made of, each t and u is one float64.
    """
    center, first, second = (np.ascontiguousarray(each.T) for each in (moments.center, moments.first, moments.second))
    n = np.broadcast_to((moments.heights * moments.widths).astype(np.float64), center.shape)
    whole, lost = two_product(n, center)
    square, lost_of_square = two_product(whole, center)
    mixed = two_product(2 * center, first)
    t, u = whole + first, square + mixed[0] + second
    own = np.sqrt(np.maximum(n * second - first * first, 0)) / n
    return {
        "t": exact_sum(whole, lost, first),
        "u": exact_sum(square, lost_of_square, lost * center, *mixed, second),
        "nt": exact_sum(*two_product(n, t)),
        "nu": exact_sum(*two_product(n, u)),
        "tt": exact_sum(*two_product(t, t)),
        "tu": exact_sum(*two_product(t, u)),
        "uu": exact_sum(*two_product(u, u)),
        "stds": exact_sum(own),
    }
