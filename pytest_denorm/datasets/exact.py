"""Sums without rounding: numbers held as whole multiples of a power of two.

Every finite floating-point number is such a multiple, so sums of them, and of their products, can be kept exactly in
Python's unbounded integers. Exact addition is associative: whichever way pictures are split over blocks, workers,
files or machines, and in whichever order the parts are added, the same bits come out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

#: Values in one pass of :func:`row_sums`: few enough to stay in the second-level cache.
_PIECE = 1 << 15
#: Magnitudes above this have squares that a float64 may not hold.
LARGEST = 2.0**490

#: Products of four floats have a shift of 4 * 1074 at most.
_MOST_SHIFT = 8 * 1074

Integers = np.ndarray[Any, Any]  # of Python integers (dtype object), or of int64


@dataclass(frozen=True)
class Exact:
    """A vector of exact numbers, ``numerators[i] / 2**shift``, in lowest terms."""

    numerators: tuple[int, ...]
    shift: int = 0

    def __post_init__(self) -> None:
        bits = 0
        for numerator in self.numerators:
            bits |= numerator
        spare = self.shift if bits == 0 else min(self.shift, (bits & -bits).bit_length() - 1)
        if spare > 0:
            object.__setattr__(self, "numerators", tuple(numerator >> spare for numerator in self.numerators))
            object.__setattr__(self, "shift", self.shift - spare)

    @classmethod
    def of(cls, integers: Integers | Iterable[int], shift: int = 0) -> Exact:
        """From integers in units of ``2**-shift``; a negative shift is legal."""
        numerators = [int(value) for value in integers]
        if shift < 0:
            return cls(tuple(numerator << -shift for numerator in numerators))
        return cls(tuple(numerators), shift)

    def __add__(self, other: Exact) -> Exact:
        shift = max(self.shift, other.shift)
        pairs = zip(self.numerators, other.numerators, strict=True)
        return Exact(tuple((a << shift - self.shift) + (b << shift - other.shift) for a, b in pairs), shift)

    def times(self, factor: int) -> Exact:
        return Exact(tuple(numerator * factor for numerator in self.numerators), self.shift)

    def fractions(self) -> tuple[Fraction, ...]:
        return tuple(Fraction(numerator, 1 << self.shift) for numerator in self.numerators)

    def to_json(self) -> dict[str, Any]:
        """JSON-safe; integers as text, because most readers of JSON cut numbers to 53 bits."""
        return {"numerators": [str(numerator) for numerator in self.numerators], "shift": self.shift}

    @classmethod
    def from_json(cls, data: Any) -> Exact:
        """What :meth:`to_json` wrote.

        Raises:
            ValueError: numbers that no sum of floats has.
        """
        shift = int(data["shift"])
        if not 0 <= shift <= _MOST_SHIFT:
            raise ValueError(f"shift is {shift}: expected 0 to {_MOST_SHIFT}.")
        return cls(tuple(int(numerator) for numerator in data["numerators"]), shift)


def row_sums(rows: np.ndarray[Any, Any], *, squared: bool = False) -> tuple[Integers, int]:
    """The exact sum of each row, or of its squares, as Python integers in units of ``2**-shift``, and that shift.

    Each pass rounds all values to multiples of one power of two, coarse enough that float64 adds them up without
    rounding; the next pass takes what is left, until nothing is (error-free extraction: Rump, Ogita and Oishi,
    "Accurate floating-point summation", 2008, here carried on to the last bit).

    Args:
        rows: shape (R, N), of numbers that float64 holds exactly, magnitudes up to :data:`LARGEST`. Squares of floats
            below 2**-485 lose bits.
    """
    across = min(_PIECE, max(1, rows.shape[1]))
    down = max(1, _PIECE // across)
    narrow = rows.dtype.itemsize <= 2 or rows.dtype == np.float32  # squares fit in a float64
    parts: list[tuple[Integers, int]] = []
    for top in range(0, len(rows), down):
        group = rows[top : top + down]
        part: tuple[Integers, int] = (np.zeros(len(group), dtype=object), 0)
        for start in range(0, rows.shape[1], across):
            piece = group[:, start : start + across].astype(np.float64)
            for term in _squares(piece, narrow) if squared else (piece,):
                part = add_aligned(part, _piece_sums(term))
        parts.append(part)
    shift = max((part_shift for _, part_shift in parts), default=0)
    return np.concatenate([sums << shift - part_shift for sums, part_shift in parts]), shift


def _squares(values: np.ndarray[Any, Any], narrow: bool) -> tuple[np.ndarray[Any, Any], ...]:
    """Terms that add up to the squares exactly: the square where it fits in a float64, else by halves (Dekker 1971)."""
    if narrow:
        return (values * values,)
    split = values * (2.0**27 + 1)
    high = split - (split - values)
    low = values - high
    return high * high, 2 * high * low, low * low


def _piece_sums(left: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[Integers, int]:
    """As :func:`row_sums`; `left` is overwritten."""
    sums, unit = np.zeros(len(left), dtype=object), 0
    carry = max(2, (left.shape[1] - 1).bit_length())  # bits that the sum of a row is longer than its values
    taken = np.empty_like(left)
    largest = max(float(left.max(initial=0.0)), -float(left.min(initial=0.0)))
    top = int(np.frexp(largest)[1])  # all that is left is below 2**top
    while largest:
        finer = max(top + carry - 53, -1074)
        sums, unit = sums << max(0, unit - finer), finer
        # adding and taking away 1.5 * 2**52 units rounds to a multiple of the unit
        anchor = float(np.ldexp(1.5, 52 + unit))
        np.add(left, anchor, out=taken)
        taken -= anchor
        sums = sums + np.ldexp(taken.sum(axis=1), -unit).astype(np.int64).astype(object)
        left -= taken
        largest, top = float(left.any()), unit
    return sums, -unit


def add_aligned(a: tuple[Integers, int], b: tuple[Integers, int]) -> tuple[Integers, int]:
    """The sum of two arrays of integers, each with the shift of its unit ``2**-shift``."""
    shift = max(a[1], b[1])
    return (a[0] << shift - a[1]) + (b[0] << shift - b[1]), shift
