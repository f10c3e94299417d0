"""From pixels to exact sums: one block of pictures of one shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .exact import LARGEST, Wide, total, total_of_products
from .statistics import Statistics
from .sums import PIECE, PIECE_OF_BYTES, RUN, RowSums, exact_sums, span_of

Pixels = np.ndarray[Any, Any]


class UnmeasurableError(ValueError):
    """Values that a float64 does not hold exactly, or whose squares it does not hold."""


def block_statistics(pixels: Pixels, *, pixel_max: float, first: tuple[int, str]) -> Statistics:
    """The statistics of pictures of one shape.

    Args:
        pixels: (N, C, H, W), C-contiguous.
        pixel_max: the value of white.
        first: index and name of the first of them.

    Raises:
        UnmeasurableError: as it says.
    """
    count, channels, height, width = pixels.shape
    size = height * width
    most = PIECE if pixels.dtype.itemsize > 1 else PIECE_OF_BYTES
    across = max(RUN, most // channels // RUN * RUN) if size * channels > most else size
    down = max(1, most // (across * channels))
    extremes = _Extremes(channels, pixels.dtype, pixel_max)
    sums = RowSums((count * channels, size), pixels.dtype, most=down * channels * across)
    planes = pixels.reshape(count, channels, size)
    for top in range(0, count, down):
        for left in range(0, size, across):
            piece = planes[top : top + down, :, left : left + across]
            span = span_of(piece, extremes.add(piece))
            sums.add(piece, slice(top * channels, (top + len(piece)) * channels), left, span)
    t, u = (_by_channel(each, channels) for each in sums.totals())
    return Statistics(
        pictures=count,
        pixels=count * size,
        pixel_max=pixel_max,
        minimum=tuple(map(float, extremes.least)),
        maximum=tuple(map(float, extremes.greatest)),
        black=tuple(extremes.black),
        white=tuple(extremes.white),
        sizes=(height, height, width, width),
        first=first,
        n_squared=count * size**2,
        **_sums_over_pictures(t, u, size),
    )


class _Extremes:
    """Least and greatest value of each channel, and how many are black and white."""

    def __init__(self, channels: int, dtype: np.dtype[Any], pixel_max: float) -> None:
        self.least, self.greatest = [math.inf] * channels, [-math.inf] * channels
        self.black, self.white = [0] * channels, [0] * channels
        self._white = pixel_max if dtype.kind == "f" else math.ceil(pixel_max)  # numpy compares its own type faster
        self._largest = LARGEST if dtype.kind == "f" else 2.0**53

    def add(self, planes: Pixels) -> float:
        """Adds pictures (N, C, M), and returns the largest magnitude.

        Raises:
            UnmeasurableError: it is too large, or a value is NaN.
        """
        # over the pictures first: neighbours in memory are compared side by side
        least, greatest = planes.min(axis=0).min(axis=-1).tolist(), planes.max(axis=0).max(axis=-1).tolist()
        largest = float(max(map(abs, (*least, *greatest))))
        if not all(abs(value) <= self._largest for value in (*least, *greatest)):  # NaN is not either
            raise UnmeasurableError
        self.least, self.greatest = list(map(min, self.least, least)), list(map(max, self.greatest, greatest))
        if min(least) <= 0:
            self._count(planes <= 0, self.black)
        if max(greatest) >= self._white:
            self._count(planes >= self._white, self.white)
        return largest

    def _count(self, found: Pixels, counts: list[int]) -> None:
        # bytes hold the count of 255 pictures, and many are added at once
        for start in range(0, len(found), 255):
            some = found[start : start + 255].view(np.uint8).sum(axis=0, dtype=np.uint8)
            for channel, count in enumerate(some.sum(axis=-1, dtype=np.int64).tolist()):
                counts[channel] += count


def _by_channel(sums: Wide, channels: int) -> Wide:
    """(C, N) from (N*C,)."""
    return Wide({place: np.ascontiguousarray(digit.reshape(-1, channels).T) for place, digit in sums.places().items()})


def _sums_over_pictures(t: Wide, u: Wide, size: int) -> dict[str, Any]:
    sum_t, sum_u = total(t), total(u)
    return {
        "t": sum_t,
        "u": sum_u,
        "nt": sum_t.times(size),
        "nu": sum_u.times(size),
        "tt": total_of_products(t, t),
        "tu": total_of_products(t, u),
        "uu": total_of_products(u, u),
        "stds": total(exact_sums(_own_stds(t, u, size)).reshape(-1, 1)),
    }


def _own_stds(t: Wide, u: Wide, size: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The std of each channel of each picture: (C, N). The difference that cancels is taken exactly."""
    scale = Wide({0: np.full((1, 1), size)})
    return (u * scale - t * t).roots() / size
