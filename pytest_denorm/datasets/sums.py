"""Exact sums of pixels and of their squares, as fast as rounding arithmetic: it is arranged so that nothing is rounded.

A run of 256 values is added up in one go. Integers below 2**16 add up in a float32, whatever the order, without
rounding; so do whole multiples of a power of two below 2**45 times it in a float64. Values with more bits are split
first, into a part rounded to a coarser unit and the rest (error-free extraction: Rump, Ogita and Oishi, "Accurate
floating-point summation", 2008); how often is known beforehand from the greatest and the least magnitude.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from .exact import DIGIT, MASK, Integers, Wide

#: Values in one pass: few enough to stay in the cache, many enough that the calls do not count.
PIECE = 1 << 17
#: The same for bytes, which take less room and fewer passes.
PIECE_OF_BYTES = 1 << 19
#: Values that are added up in one go: 2**_CARRY.
RUN = 256
_CARRY = 8
#: Sums of runs that an int64 can add up: 2**53 * 2**9 < 2**63.
_ADDED = 512
#: Spans are widened to multiples of it, so that pieces of similar values share their units.
_GRAIN = 4

Values = np.ndarray[Any, Any]


class Span(NamedTuple):
    """The bits of numbers: whole multiples of ``2**unit``, magnitudes up to ``2**top``."""

    top: int
    unit: int

    def of_squares(self) -> Span:
        return Span(2 * self.top, max(2 * self.unit, -1074))


def span_of(values: Values, largest: float) -> Span:
    """The span of numbers up to `largest` in magnitude: integers, or floats of any precision."""
    top = math.frexp(largest)[1]
    if values.dtype.kind != "f":
        return Span(top, 0)
    bits, mantissa = 8 * values.dtype.itemsize, np.finfo(values.dtype).nmant
    # without the sign; 0 wraps round to the greatest, so that the least is of what is not zero
    patterns = values.view(f"u{values.dtype.itemsize}") << 1
    patterns -= 1
    exponent = (int(patterns.min()) + 1) >> (mantissa + 1)
    if exponent > 2 ** (bits - mantissa - 1):  # all are zero
        return Span(0, 0)
    bias = (1 << (bits - mantissa - 2)) - 1
    unit = max(exponent, 1) - bias - mantissa
    return Span(-(-top // _GRAIN) * _GRAIN, max(unit // _GRAIN * _GRAIN, -1074))


class RowSums:
    """The exact sums of rows of numbers, and of their squares, piece by piece.

    Args:
        shape: of the rows, (R, N).
        dtype: of the numbers, which float64 holds exactly; magnitudes up to
            :data:`~pytest_denorm.datasets.exact.LARGEST`. Squares of float64 below 2**-485 lose bits.
        most: how many numbers a piece has at most.
    """

    def __init__(self, shape: tuple[int, int], dtype: np.dtype[Any], most: int) -> None:
        self._work = np.dtype(np.float32 if dtype.itemsize == 1 else np.float64)
        self._narrow = dtype.itemsize <= 2 or dtype == np.float32  # squares fit in the type of the work
        self._sums, self._squares = _Runs(shape, self._work), _Runs(shape, self._work)
        self._scratch = np.empty((3, most), self._work)  # fresh memory for each piece would take its time
        # products that need no splitting are added up as they are made
        self._at_once = dtype.itemsize == 1

    def add(self, values: Values, rows: slice, first: int, span: Span) -> None:
        """Adds a piece: of these rows, from column `first` on, a multiple of :data:`RUN`."""
        shape = (rows.stop - rows.start, values.size // (rows.stop - rows.start))
        piece, square, spare = (each[: values.size].reshape(shape) for each in self._scratch)
        _copy(values, piece.reshape(values.shape))
        run = first // RUN
        where = rows, slice(run, run + -(-shape[1] // RUN))
        if self._at_once:
            self._squares.add_products(where, piece, span.of_squares().unit)
        elif self._narrow or span.top - span.unit <= 26:
            np.multiply(piece, piece, out=square)
            self._squares.add(where, square, span.of_squares(), spare)
        else:
            for number, (term, of_term) in enumerate(_halved_squares(piece, span)):
                self._squares.add(where, term, of_term, spare, number)
        self._sums.add(where, piece, span, spare)

    def totals(self) -> tuple[Wide, Wide]:
        """The sums and the sums of squares, (R,)."""
        return self._sums.total(), self._squares.total()


def exact_sums(rows: np.ndarray[Any, np.dtype[np.float64]]) -> Wide:
    """The exact sum of each row of floats: (R,) from (R, N)."""
    span = span_of(rows, float(np.abs(rows).max()))
    sums = _Runs(rows.shape, rows.dtype)
    sums.add((slice(None), slice(None)), rows.copy(), span, np.empty_like(rows))
    return sums.total()


def _halved_squares(values: Values, span: Span) -> Iterator[tuple[Values, Span]]:
    """Terms that add up to squares that do not fit in a float64, exactly (Dekker 1971)."""
    top, unit = span.of_squares()
    split = values * (2.0**27 + 1)
    high = split - (split - values)
    low = values - high
    yield high * high, Span(top, unit)
    yield 2 * high * low, Span(top - 25, unit)
    yield low * low, Span(top - 52, unit)


def _copy(values: Values, out: Values) -> None:
    if values.flags.writeable and values.dtype in (np.uint8, np.float32):  # torch has no tensors that are read-only
        torch.from_numpy(out).copy_(torch.from_numpy(values))  # converts in half the time
    else:
        np.copyto(out, values)


def _in_runs(values: Values, sums: Values) -> Iterator[tuple[Values, Values]]:
    """Rows (R, N) as runs (R, K, RUN), and what is left of them as (R, M); each with the sums that it goes to."""
    whole = values.shape[1] // RUN
    if whole:
        yield values[:, : whole * RUN].reshape(len(values), whole, RUN), sums[:, :whole]
    if whole < sums.shape[1]:
        yield values[:, whole * RUN :], sums[:, whole]


def _squared_sums(values: Values, out: Values) -> None:
    """The sum of squares along the last axis."""
    if hasattr(np, "vecdot"):  # numpy 2: twice as fast
        np.vecdot(values, values, out=out)
    else:
        np.einsum("...n,...n->...", values, values, out=out)


class _Runs:
    """The sums of runs of rows (R, N), apart by term and by the unit that they are multiples of."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._shape = (shape[0], -(-shape[1] // RUN))
        self._dtype = dtype
        self._bits = np.finfo(dtype).nmant + 1
        self._ones = np.ones(RUN, dtype)
        self._runs: dict[tuple[int, int], Values] = {}

    def add(self, where: tuple[slice, slice], values: Values, span: Span, spare: Values, term: int = 0) -> None:
        """Adds up `values`, which are overwritten, as is `spare`."""
        room = self._bits - _CARRY
        top, unit = span
        while top - unit > room:
            finer = top - room
            # adding and taking away 1.5 * 2**(bits - 1) units rounds to a multiple of the unit
            anchor = math.ldexp(1.5, self._bits - 1 + finer)
            np.add(values, anchor, out=spare)
            spare -= anchor
            values -= spare
            self._add(where, spare, (term, finer))
            top = finer - 1
        self._add(where, values, (term, unit))

    def add_products(self, where: tuple[slice, slice], values: Values, unit: int) -> None:
        """Adds up the squares of `values`, whose sums over a run fit in the type of the work."""
        sums = self._at((0, unit))[where]
        for runs, out in _in_runs(values, sums):
            _squared_sums(runs, out)

    def _add(self, where: tuple[slice, slice], values: Values, key: tuple[int, int]) -> None:
        sums = self._at(key)[where]
        for runs, out in _in_runs(values, sums):
            if runs.flags.c_contiguous:
                out[...] = (runs.reshape(-1, runs.shape[-1]) @ self._ones[: runs.shape[-1]]).reshape(out.shape)
            else:
                np.einsum("...n->...", runs, out=out)

    def _at(self, key: tuple[int, int]) -> Values:
        if key not in self._runs:
            self._runs[key] = np.zeros(self._shape, self._dtype)
        return self._runs[key]

    def total(self) -> Wide:
        """The sum of each row: (R,)."""
        places: dict[int, Integers] = {0: np.zeros(self._shape[0], np.int64)}
        for (_, unit), runs in self._runs.items():
            whole = (np.ldexp(runs, -unit) if unit else runs).astype(np.int64)
            first, up = divmod(unit, DIGIT)
            for left in range(0, self._shape[1], _ADDED):
                rest = whole[:, left : left + _ADDED].sum(axis=1)
                for place in range(first, first + 3):
                    digit = (rest & MASK if place < first + 2 else rest) << up
                    places[place] = places[place] + digit if place in places else digit
                    rest = rest >> DIGIT
        return Wide(places)
