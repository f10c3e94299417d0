"""Numbers without rounding: whole multiples of a power of two, of any length.

Every finite floating-point number is such a multiple, so sums of them, and of their products, can be kept exactly.
Exact addition is associative: whichever way pictures are split over blocks, workers, files or machines, and in
whichever order the parts are added, the same bits come out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

#: Magnitudes above this have squares that a float64 may not hold.
LARGEST = 2.0**490
#: Bits of a digit of :class:`Wide`: products of two, and a million of them added up, fit in an int64.
DIGIT = 21
MASK = (1 << DIGIT) - 1

#: Products of four floats have a shift of 4 * 1074 at most.
_MOST_SHIFT = 8 * 1074

Integers = np.ndarray[Any, np.dtype[np.int64]]


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


class Wide:
    """Arrays of exact numbers, ``sum(digits[k] * 2**(DIGIT * (low + k)))``, with integer arithmetic on all at once.

    Every digit but the last is in 0..2**DIGIT - 1; the last carries the sign. The places of digits are the same in all
    arrays, so that what is computed of a number depends on it alone, not on those that it shares an array with.
    """

    def __init__(self, places: dict[int, Integers]) -> None:
        """From a digit of any size up to 2**62 for each place, ``2**(DIGIT * place)``; at least one."""
        low, high = min(places), max(places)
        carry = np.zeros_like(places[high])
        digits: list[Integers] = []
        while low + len(digits) <= high or (carry != carry >> 1).any():  # beyond them, a carry of 0 or -1 is the sign
            place = low + len(digits)
            carry = carry + places[place] if place in places else carry
            digits.append(carry & MASK)
            carry = carry >> DIGIT
        digits[-1] += carry << DIGIT
        while len(digits) > 1 and not digits[-1].any():
            digits.pop()
        self.digits, self.low = digits, low

    def places(self) -> dict[int, Integers]:
        return dict(enumerate(self.digits, self.low))

    def reshape(self, *shape: int) -> Wide:
        return Wide({place: digit.reshape(shape) for place, digit in self.places().items()})

    def __sub__(self, other: Wide) -> Wide:
        places = self.places()
        for place, digit in other.places().items():
            places[place] = places[place] - digit if place in places else -digit
        return Wide(places)

    def __mul__(self, other: Wide) -> Wide:
        places: dict[int, Integers] = {}
        for i, a in self.places().items():
            for j, b in other.places().items():
                places[i + j] = places[i + j] + a * b if i + j in places else a * b
        return Wide(places)

    def roots(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The square roots of numbers that are not negative, from the four leading digits of each."""
        digits = np.stack([np.zeros_like(self.digits[0])] * 3 + self.digits)
        leading = len(digits) - 1 - np.argmax(digits[::-1] > 0, axis=0)  # 0 is all digits 0: any place will do
        leading = np.maximum(leading, 3)
        value = np.zeros(leading.shape)
        for k in range(4):
            value = value * 2.0**DIGIT + np.take_along_axis(digits, leading[None] - k, axis=0)[0]
        value[self.digits[-1] < 0] = 0.0  # where squares lost bits
        exponent = DIGIT * (leading - 6 + self.low)
        odd = exponent & 1
        return np.asarray(np.ldexp(np.sqrt(np.ldexp(value, odd)), (exponent - odd) >> 1))


def total(values: Wide) -> Exact:
    """The sum along the last axis of (C, N)."""
    return _of_places({place: digit.sum(axis=-1) for place, digit in values.places().items()})


def total_of_products(a: Wide, b: Wide) -> Exact:
    """The sum along the last axis of the products of (C, N) with (C, N)."""
    places: dict[int, Any] = {}
    for i, x in a.places().items():
        for j, y in b.places().items():
            # int64 holds the sum of a million products of digits; Python's integers take over from there
            places[i + j] = places.get(i + j, 0) + np.einsum("cn,cn->c", x, y).astype(object)
    return _of_places(places)


def _of_places(places: dict[int, Any]) -> Exact:
    low = min(places)
    sums = [0] * len(places[low])
    for place, digit in places.items():
        sums = [s + (int(d) << DIGIT * (place - low)) for s, d in zip(sums, digit, strict=True)]
    return Exact.of(sums, -DIGIT * low)
