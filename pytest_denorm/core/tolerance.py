r"""How far a correct round trip can be from the image that went in: a derived bound that says where it comes from.

**The model.** In a binary floating-point format of precision p, with unit roundoff ``u = 2**-p`` and smallest positive
number ``eta``, an operation ``op`` in + - * / gives, barring overflow,

    |fl(a op b) - (a op b)| <= max(u * ufp(v), eta / 2),        v = a op b,

where ``ufp(v)``, the unit in the first place, is the largest power of two not above ``|v|``. This is the standard model
(Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., SIAM 2002, section 2.2) in its sharper form (Rump,
Ogita and Oishi, *Accurate floating-point summation part I*, SIAM J. Sci. Comput. 31 (2008), section 2), which holds
for subnormal results as well. A conversion into the format is an operation like the others.

**The chain.** Errors are carried through the chain of operations as in a running error analysis (Higham, section 3.3):
a quantity whose exact value is at most ``|V|`` and whose computed value is off by at most ``E`` is the pair ``(V, E)``,
and

    a +- b:  E = Ea + Eb                     + round(V + Ea + Eb)
    a * b:   E = |A|*Eb + |B|*Ea + Ea*Eb     + round(V + the rest)
    a / b:   E = (Ea + |A/B|*Eb) / (|B|-Eb)  + round(V + the rest)

with ``round(m) = max(u * ufp(m), eta / 2)``. No term of second order is dropped, so the result is a proof and not an
estimate; it needs bfloat16's ``u = 1/256`` to be so.

**Normalize and back.** With images ``|x - mean| <= D`` and ``|x| <= X`` in a channel:

    forward    d = x - m^,  y = d / s^            m^, s^: mean and std, rounded into the dtype of the image
    derived    x^ = y * s + m                     in float32 or better, then one rounding into that dtype

In the derived form the same rounded ``m^`` and ``s^`` serve both ways when the formats agree, so that their own
rounding cancels and only the operations remain.

An inverse that is not ours, or a forward that is not the one above, may be any correct formula in that dtype, with
constants rounded on its own: it is granted the largest bound over all pairs of

    forward    (x - m) / s    (x - m) * (1/s)    x * (1/s) - m/s
    inverse    y * s + m      y / (1/s) + m      (y + m/s) * s      (y + m/s) / (1/s), the second Normalize

where ``m/s`` is computed as ``m * (1/s)``, which rounds once more than the quotient. A fused multiply-add, constants or
operations in a wider format, and conversions into it, round less or not at all, and stay below.

This module needs neither torch nor numpy; formats are named as torch and numpy name them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import ImageTypeError, SettingsError
from .arguments import positive
from .normalization import Normalization
from .text import in_levels

__all__ = ["FORMATS", "FloatFormat", "Tolerance", "float_format", "round_trip_tolerance"]


class FloatFormat(NamedTuple):
    """A binary floating-point format: its name, unit roundoff, smallest and largest positive number."""

    name: str
    unit_roundoff: float
    smallest: float
    largest: float

    def rounding(self, magnitude: float) -> float:
        """The most by which rounding a number of at most this magnitude can change it."""
        if not magnitude <= self.largest:  # NaN too
            return math.inf
        if magnitude == 0:
            return 0.0
        first_place = math.ldexp(1.0, math.frexp(magnitude)[1] - 1)
        # what lies below this power of two is rounded by half as much, and what lies above it
        # is never further from a number of the format than from the power of two itself
        above = min(self.unit_roundoff * first_place, magnitude - first_place)
        return max(self.unit_roundoff * first_place / 2, above, self.smallest / 2)

    def nearest(self, value: float) -> float:
        """The number of this format that `value` is rounded to (half to even)."""
        if not math.isfinite(value):
            return value
        spacing = max(math.ldexp(self.unit_roundoff, math.frexp(value)[1]), self.smallest)
        return round(value / spacing) * spacing


#: IEEE 754-2019 binary64, binary32, binary16, and bfloat16 (binary32 with 16 bits less of significand).
FORMATS = {
    form.name: form
    for form in (
        FloatFormat("float64", 2.0**-53, 2.0**-1074, 1.7976931348623157e308),
        FloatFormat("float32", 2.0**-24, 2.0**-149, 3.4028234663852886e38),
        FloatFormat("float16", 2.0**-11, 2.0**-24, 65504.0),
        FloatFormat("bfloat16", 2.0**-8, 2.0**-133, 3.3895313892515355e38),
    )
}


def float_format(dtype: object) -> FloatFormat:
    """The format of a torch or numpy dtype, or of its name.

    Raises:
        ImageTypeError: no bound is known for this dtype.
    """
    name = getattr(dtype, "name", None) or str(dtype).removeprefix("torch.")
    try:
        return FORMATS[name]
    except KeyError:
        raise ImageTypeError(
            f"no tolerance is derived for images of {name}: expected one of {', '.join(FORMATS)}. Give a tolerance."
        ) from None


class _Bounded(NamedTuple):
    """A computed quantity: the most its exact value can be, and the most it can be off by."""

    size: float
    error: float


class _Arithmetic(NamedTuple):
    """Operations on bounded quantities in one format."""

    format: FloatFormat

    def rounded(self, exact: float, error: float) -> _Bounded:
        return _Bounded(exact, error + self.format.rounding(exact + error))

    def constant(self, value: float) -> _Bounded:
        """A number that is known, so that its rounding is known as well."""
        return _Bounded(value, abs(self.format.nearest(value) - value))

    def convert(self, a: _Bounded) -> _Bounded:
        return self.rounded(a.size, a.error)

    def add(self, a: _Bounded, b: _Bounded, size: float) -> _Bounded:
        """`size`: what the exact sum is known to stay below; the terms may be larger and cancel."""
        return self.rounded(size, a.error + b.error)

    def multiply(self, a: _Bounded, b: _Bounded) -> _Bounded:
        return self.rounded(a.size * b.size, a.size * b.error + b.size * a.error + a.error * b.error)

    def divide(self, a: _Bounded, b: _Bounded) -> _Bounded:
        """`b` is a constant: its size is exact, not an upper bound, and larger than its error."""
        quotient = a.size / b.size
        if b.error == 0 and math.frexp(b.size)[0] == 0.5:  # a power of two moves the point, and rounds nothing
            return _Bounded(quotient, a.error / b.size + self.format.smallest / 2)
        return self.rounded(quotient, (a.error + quotient * b.error) / (b.size - b.error))


@dataclass(frozen=True)
class Tolerance:
    """How much each channel of a round trip may be off, in the units of the images, and why.

    Attributes:
        per_channel: the bound of each channel.
        reason: where it comes from, in words.
        pixel_max: the value of white in these units.
    """

    per_channel: tuple[float, ...]
    reason: str
    pixel_max: float = 1.0

    @property
    def largest(self) -> float:
        return max(self.per_channel)

    @property
    def levels(self) -> float:
        """The largest of the bounds, in 8-bit levels."""
        return self.largest * 255 / self.pixel_max

    def __str__(self) -> str:
        return f"{self.largest:.3g} = {in_levels(self.levels, 3)}: {self.reason}"

    @classmethod
    def given(cls, value: float, channels: int, pixel_max: float = 1.0) -> Tolerance:
        """A number that the user chose, the same for every channel.

        Raises:
            SettingsError: it is negative, NaN, or no number.
        """
        expected = "a number, 0 or more, in the units of the images"
        found = positive(value, "tolerance", SettingsError, zero=True, expected=expected)
        return cls((found,) * channels, "the number given as tolerance=", pixel_max)


def round_trip_tolerance(
    normalization: Normalization,
    dtype: object,
    *,
    low: float | None = None,
    high: float | None = None,
    derived: bool = False,
    rounded_input: bool = False,
) -> Tolerance:
    """The bound on ``|inverse(normalize(x)) - x|`` for images of one dtype.

    Args:
        normalization: the statistics of the forward.
        dtype: of the images and of the forward's arithmetic: float64, float32, float16 or bfloat16 (torch's,
            numpy's, or the name).
        low, high: the range of the images' values; 0 to ``pixel_max`` unless given.
        derived: the inverse is ``y * std + mean`` of this package. Otherwise it may be any correct formula in `dtype`.
        rounded_input: the result is held against the exact ``k / 255`` and not against what ``ToTensor`` made of it.

    Returns:
        A bound a channel; infinite where the dtype overflows or a std vanishes in it.

    Raises:
        ImageTypeError: a dtype without a known format.
    """
    form = float_format(dtype)
    low = 0.0 if low is None else low
    high = normalization.pixel_max if high is None else high
    bounds = [
        _channel_bound(
            form, abs(mean), abs(std), low - mean, high - mean, max(abs(low), abs(high)), derived, rounded_input
        )
        for mean, std in zip(normalization.mean, normalization.std, strict=True)
    ]
    return Tolerance(tuple(bounds), _reason(form, derived, rounded_input, bounds), normalization.pixel_max)


def _channel_bound(
    form: FloatFormat,
    mean: float,
    std: float,
    lowest: float,
    highest: float,
    size: float,
    derived: bool,
    rounded_input: bool,
) -> float:
    distance = max(abs(lowest), abs(highest))
    bound = _derived_bound(form, mean, std, distance, size)
    if not derived:
        bound = max(bound, _any_formula_bound(form, mean, std, distance, size))
    return bound + (form.rounding(size) if rounded_input else 0.0)


def _derived_bound(form: FloatFormat, mean: float, std: float, distance: float, size: float) -> float:
    """Our inverse, ``y * std + mean`` in float32 or better, of a forward in `form`."""
    own = _Arithmetic(form)
    same = form.unit_roundoff <= FORMATS["float32"].unit_roundoff
    wide = own if same else _Arithmetic(FORMATS["float32"])
    forward_mean, forward_std = own.constant(mean), own.constant(std)
    if forward_std.error >= std:
        return math.inf
    if same:  # the same rounded constants serve both ways and cancel: the map is exact for them
        distance += forward_mean.error
        std = form.nearest(std)
        forward_mean = back_mean = _Bounded(mean, 0.0)
        forward_std = back_std = _Bounded(std, 0.0)
    else:
        back_mean, back_std = wide.constant(mean), wide.constant(std)
    y = own.divide(own.add(_Bounded(size, 0.0), forward_mean, distance), forward_std)
    if math.isinf(form.rounding(y.size + y.error)):
        return math.inf
    # y * std is again x - mean, whose size is known
    error = y.error * (back_std.size + back_std.error) + y.size * back_std.error
    is_power_of_two = math.frexp(back_std.size)[0] == 0.5
    product = _Bounded(distance, error) if is_power_of_two else wide.rounded(distance, error)
    total = wide.add(product, back_mean, size)
    return total.error if same else own.convert(total).error


def _any_formula_bound(form: FloatFormat, mean: float, std: float, distance: float, size: float) -> float:
    """The worst of all pairs of a correct forward and a correct inverse in `form`, constants rounded on their own."""
    own = _Arithmetic(form)
    m, s = own.constant(mean), own.constant(std)
    if s.error >= std:
        return math.inf
    reciprocal = own.divide(_Bounded(1.0, 0.0), s)
    shift = own.multiply(m, reciprocal)  # mean / std, rounded as often as m * (1 / s) is; m / s is rounded less
    x = _Bounded(size, 0.0)
    centred = own.add(x, m, distance)
    forwards = (
        own.divide(centred, s),
        own.multiply(centred, reciprocal),
        own.add(own.multiply(x, reciprocal), shift, distance / std),  # x * (1 / s) + (-m / s)
    )
    bound = 0.0
    for y in (_Bounded(distance / std, one.error) for one in forwards):
        if math.isinf(form.rounding(y.size + y.error)):
            return math.inf
        raised = own.add(y, shift, size / std)
        back = (
            own.add(own.multiply(y, s), m, size),
            own.add(own.divide(y, reciprocal), m, size),
            own.multiply(raised, s),
            own.divide(raised, reciprocal),
        )
        bound = max(bound, *(one.error for one in back))
    return bound


def _reason(form: FloatFormat, derived: bool, rounded_input: bool, bounds: list[float]) -> str:
    if not all(map(math.isfinite, bounds)):
        return f"none: in {form.name} a std vanishes or a normalized value overflows, so nothing can be asserted"
    exponent = round(math.log2(form.unit_roundoff))
    constants = (
        "the inverse is y*std + mean in float32 or better"
        if derived
        else "the inverse may be any correct formula, with constants rounded on its own"
    )
    start = " of k/255," if rounded_input else ""
    return (
        f"{form.name} rounds each operation by up to 2^{exponent} of its result; summed over the rounding{start} of "
        f"mean and std, of (x - mean) / std and of the way back ({constants})"
    )
