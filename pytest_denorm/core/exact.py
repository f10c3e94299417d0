"""Sums of floats without rounding, so that parts add up to the whole to the last bit, in any order.

Every finite float is a whole multiple of a power of two, and so are sums and products of floats. :class:`Exact` keeps
such numbers as Python integers; :func:`exact_sum` adds up arrays of floats with a few float64 operations for each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

__all__ = ["Exact", "exact_sum", "two_product"]

#: The products of four floats have a shift of 4 * 1074 at most.
_MOST_SHIFT = 8 * 1074
#: Halves of the 53 bits of a float64 are cut apart by multiplying with this (Veltkamp).
_SPLITTER = 2.0**27 + 1

Floats = np.ndarray[Any, np.dtype[np.float64]]


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
    def of(cls, integers: Iterable[int], shift: int = 0) -> Exact:
        """Return integers in units of ``2**-shift``; a negative shift is legal."""
        numerators = [int(value) for value in integers]
        if shift < 0:
            return cls(tuple(numerator << -shift for numerator in numerators))
        return cls(tuple(numerators), shift)

    def __add__(self, other: Exact) -> Exact:
        shift = max(self.shift, other.shift)
        pairs = zip(self.numerators, other.numerators, strict=True)
        return Exact(tuple((a << shift - self.shift) + (b << shift - other.shift) for a, b in pairs), shift)

    def fractions(self) -> tuple[Fraction, ...]:
        return tuple(Fraction(numerator, 1 << self.shift) for numerator in self.numerators)

    def to_json(self) -> dict[str, Any]:
        """Return it JSON-safe; integers as text, because most readers of JSON cut numbers to 53 bits."""
        return {"numerators": [str(numerator) for numerator in self.numerators], "shift": self.shift}

    @classmethod
    def from_json(cls, data: Any) -> Exact:
        """Return what :meth:`to_json` wrote.

        Raises:
            ValueError: numbers that no sum of floats has.
        """
        shift = int(data["shift"])
        if not 0 <= shift <= _MOST_SHIFT:
            raise ValueError(f"shift is {shift}: expected 0 to {_MOST_SHIFT}.")
        return cls(tuple(int(numerator) for numerator in data["numerators"]), shift)


def exact_sum(*terms: Floats) -> Exact:
    """Return the exact sum of each row, (C, N), of all `terms` together.

    Each pass rounds the values to a unit so coarse that their sum needs no rounding, adds these up, and goes on with
    what is left of the values, which rounding tells exactly (error-free extraction: Rump, Ogita and Oishi, "Accurate
    floating-point summation", 2008). Floats of similar size take two passes.

    Args:
        terms: finite, of magnitudes below 2**900.
    """
    total = Exact((0,) * len(terms[0]))
    for term in terms:
        rest = term
        guard = 2 + rest.shape[-1].bit_length()  # so many bits does the sum have more than a value
        while (largest := float(np.abs(rest).max(initial=0.0))) > 0:
            unit = max(math.frexp(largest)[1] + guard - 53, -1074)
            anchor = math.ldexp(1.5, unit + 52)  # floats of its size are multiples of the unit
            coarse = (rest + anchor) - anchor
            sums = np.ldexp(np.add.reduce(coarse, axis=-1), -unit)
            total += Exact.of((int(value) for value in sums), -unit)
            rest = rest - coarse
    return total


def two_product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the products rounded, and what rounding took from each, exactly (Dekker 1971)."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(values: Floats) -> tuple[Floats, Floats]:
    spread = values * _SPLITTER
    high = spread - (spread - values)
    return high, values - high
