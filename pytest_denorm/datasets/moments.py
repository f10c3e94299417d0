"""From pixels to exact sums: one block of pictures of one shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from .exact import Exact, Integers, add_aligned, row_sums
from .statistics import Statistics

Pixels = np.ndarray[Any, Any]

#: Rows of a picture whose squared bytes a uint32 can add up: 66,051 * 255**2 < 2**32.
_TALLEST = (2**32 - 1) // 255**2


def block_statistics(pixels: Pixels, *, channels_last: bool, pixel_max: float, first: tuple[int, str]) -> Statistics:
    """The statistics of pictures of one shape.

    Args:
        pixels: (N, H, W, C) if `channels_last`, else (N, C, H, W); uint8, or anything that float64 holds exactly.
        pixel_max: the value of white.
        first: index and name of the first of them.
    """
    count = len(pixels)
    height, width = pixels.shape[1:3] if channels_last else pixels.shape[2:4]
    size = height * width
    pixels = pixels if channels_last else _widened(pixels)
    if pixels.dtype == np.uint8:
        sums, squares = _byte_sums(pixels, 1 if channels_last else 2)
    else:
        sums, squares = _float_sums(pixels, channels_last)
    minimum, maximum, black, white = _extremes(pixels, 3 if channels_last else 1, pixel_max)
    return Statistics(
        pictures=count,
        pixels=count * size,
        pixel_max=pixel_max,
        minimum=minimum,
        maximum=maximum,
        black=black,
        white=white,
        sizes=(height, height, width, width),
        first=first,
        n_squared=count * size**2,
        **_sums_over_pictures(sums, squares, size),
    )


def _byte_sums(pixels: Pixels, height_axis: int) -> tuple[tuple[Integers, int], tuple[Integers, int]]:
    """Sum and sum of squares of each channel of each picture, in integers: shape (N, C), units of 1."""
    squared = np.square(pixels, dtype=np.uint16)  # 255**2 < 2**16
    sums, squares = _plane_sums(pixels, height_axis), _plane_sums(squared, height_axis)
    size = pixels.size // max(1, sums.size)
    if len(pixels) * (255**2 * size) ** 2 >= 2**63:  # the greatest of the products that are summed later
        sums, squares = sums.astype(object), squares.astype(object)
    return (sums, 0), (squares, 0)


def _plane_sums(values: Pixels, height_axis: int) -> Integers:
    """The sum over each plane of small integers: down the columns first, where neighbours in memory add up together."""
    narrow = np.uint32 if values.shape[height_axis] <= _TALLEST else np.uint64
    columns = values.sum(axis=height_axis, dtype=narrow)
    # einsum is several times as fast as sum along a short inner axis; its type is that of its operands
    wide = columns.astype(np.int64) if columns.shape[height_axis] * int(columns.max(initial=0)) >= 2**32 else columns
    return np.asarray(np.einsum("nwc->nc" if height_axis == 1 else "ncw->nc", wide), dtype=np.int64)


def _widened(planes: Pixels) -> Pixels:
    """(N, C, H, W) in fewer, longer rows: numpy is slow on short ones, and here a pixel's place does not matter."""
    count, channels, height, width = planes.shape
    if not planes.flags.c_contiguous:
        return planes
    while height % 2 == 0 and 0 < width < 256:
        height, width = height // 2, width * 2
    return planes.reshape(count, channels, height, width)


def _float_sums(pixels: Pixels, channels_last: bool) -> tuple[tuple[Integers, int], tuple[Integers, int]]:
    """As :func:`_byte_sums`, for any numbers that float64 holds: Python integers in units of a power of two."""
    planes = np.moveaxis(pixels, -1, 1) if channels_last else pixels
    rows = planes.reshape(planes.shape[0] * planes.shape[1], -1)
    found = row_sums(rows), row_sums(rows, squared=True)
    (sums, shift), (squares, squares_shift) = found
    return (sums.reshape(planes.shape[:2]), shift), (squares.reshape(planes.shape[:2]), squares_shift)


def _sums_over_pictures(t: tuple[Integers, int], u: tuple[Integers, int], size: int) -> dict[str, Any]:
    (sums, s), (squares, q) = t, u
    return {
        "t": Exact.of(sums.sum(axis=0), s),
        "u": Exact.of(squares.sum(axis=0), q),
        "nt": Exact.of(size * sums.sum(axis=0).astype(object), s),
        "nu": Exact.of(size * squares.sum(axis=0).astype(object), q),
        "tt": Exact.of((sums * sums).sum(axis=0), 2 * s),
        "tu": Exact.of((sums * squares).sum(axis=0), s + q),
        "uu": Exact.of((squares * squares).sum(axis=0), 2 * q),
        "stds": Exact.of(*row_sums(_own_stds(t, u, size).T)),
    }


def _own_stds(t: tuple[Integers, int], u: tuple[Integers, int], size: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The std of each channel of each picture: (N, C). The difference that cancels is taken in integers."""
    (sums, s), (squares, q) = t, u
    if s == q == 0:
        spread, shift = size * squares - sums * sums, 0
    else:
        spread, shift = add_aligned((size * squares, q), (-(sums * sums), 2 * s))
    floats = np.maximum(spread, 0).astype(object) / (size**2 << max(0, shift))
    return np.asarray(np.sqrt(floats.astype(np.float64) * 2.0 ** max(0, -shift)))


def _extremes(
    pixels: Pixels, channel_axis: int, pixel_max: float
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[int, ...], tuple[int, ...]]:
    """Least and greatest value of each channel, and how many are black and white."""
    axis = 0 if channel_axis == 3 else 1
    # over the pictures, then the rows, then the columns: long inner rows are compared side by side
    minimum = pixels.min(axis=0).min(axis=axis).min(axis=axis)
    maximum = pixels.max(axis=0).max(axis=axis).max(axis=axis)
    enough = np.min_scalar_type(len(pixels))

    def count(found: Pixels) -> tuple[int, ...]:
        over_pictures = found.view(np.uint8).sum(axis=0, dtype=enough)
        return tuple(over_pictures.sum(axis=axis, dtype=np.int64).sum(axis=axis).tolist())

    none = (0,) * pixels.shape[channel_axis]
    return (
        tuple(map(float, minimum)),
        tuple(map(float, maximum)),
        count(pixels <= 0) if minimum.min() <= 0 else none,
        count(pixels >= pixel_max) if maximum.max() >= pixel_max else none,
    )
