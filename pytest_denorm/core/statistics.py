"""The statistics of many images: exact sums that merge, and what is computed from them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from functools import cached_property, reduce
from typing import Any

import numpy as np

from ..errors import DatasetError
from .arguments import listed
from .exact import Exact
from .foreign import shown
from .json_files import expect
from .moments import Moments, sums_over_images
from .normalization import Normalization, format_numbers
from .preset_match import PRESET_TOLERANCE, PresetMatch, match_preset
from .text import count_of, printable

__all__ = ["FAILURE_FORM", "NAMED_FAILURES", "Failure", "Statistics", "describe", "kind_in_words"]

#: How many images that failed are named; all are counted.
NAMED_FAILURES = 20


@dataclass(frozen=True, order=True)
class Failure:
    """An image that could not be read."""

    index: int
    name: str
    error: str

    def __str__(self) -> str:
        return f"{describe(self.index, self.name)}: {self.error}"


#: As JSON.
FAILURE_FORM = {"index": int, "name": str, "error": str}


def kind_in_words(channels: int, white: float) -> str:
    """Return ``3 channels, white at 255``: what one mean and one std can be measured on."""
    return f"{count_of(channels, 'channel')}, white at {white:g}"


def describe(index: int, name: str) -> str:
    """``image 17 (cat/17.png)``."""
    return f"image {index} ({printable(name)})" if name else f"image {index}"


@dataclass(frozen=True, repr=False)
class Statistics:
    """Per-channel statistics of images, over all their pixels: what :func:`pytest_denorm.dataset_statistics` gives.

    Images are added up without rounding, so the statistics of parts merge (``a + b``) to the statistics of the whole:
    equal to the last bit for any split and in any order. Every pixel weighs the same; a large image weighs
    more than a small one.

    All numbers are in the units of the images as they were measured, whose white is `pixel_max`: 255 for bytes, 1
    for floats. :meth:`normalization` gives them on the scale that a Normalize after ``ToTensor`` wants.
    """

    pictures: int
    #: pixels of one channel, over all images
    pixels: int
    pixel_max: float
    minimum: tuple[float, ...]
    maximum: tuple[float, ...]
    #: values at or below 0, and at or above `pixel_max`, a channel
    black: tuple[int, ...]
    white: tuple[int, ...]
    #: least and greatest height, least and greatest width
    sizes: tuple[int, int, int, int]
    #: images that could not be read and were skipped; the first of them by name in `failures`
    failed: int = field(default=0, kw_only=True)
    failures: tuple[Failure, ...] = field(default=(), kw_only=True)
    #: index and name of the first image
    first: tuple[int, str] = field(default=(0, ""), kw_only=True, compare=False)
    # Sums over images i of n pixels, sum t and sum of squares u, a channel: what the standard errors need too.
    n_squared: int = field(kw_only=True)
    t: Exact = field(kw_only=True)
    u: Exact = field(kw_only=True)
    nt: Exact = field(kw_only=True)
    nu: Exact = field(kw_only=True)
    tt: Exact = field(kw_only=True)
    tu: Exact = field(kw_only=True)
    uu: Exact = field(kw_only=True)
    #: of each image's own std
    stds: Exact = field(kw_only=True)

    @classmethod
    def of_moments(cls, moments: Moments, pixel_max: float, first: tuple[int, str] = (0, "")) -> Statistics:
        """Return the statistics of images that were measured each by itself.

        Args:
            pixel_max: the value of white.
            first: index and name of the first of them.
        """
        heights, widths = moments.heights, moments.widths
        sizes, counts = (each.tolist() for each in np.unique(heights * widths, return_counts=True))
        sums: dict[str, Any] = dict(sums_over_images(moments))
        return cls(
            pictures=len(heights),
            pixels=sum(size * count for size, count in zip(sizes, counts, strict=True)),
            pixel_max=pixel_max,
            minimum=tuple(moments.low.min(axis=0).tolist()),
            maximum=tuple(moments.high.max(axis=0).tolist()),
            black=tuple(moments.black.sum(axis=0).tolist()),
            white=tuple(moments.white.sum(axis=0).tolist()),
            sizes=(int(heights.min()), int(heights.max()), int(widths.min()), int(widths.max())),
            first=first,
            n_squared=sum(size**2 * count for size, count in zip(sizes, counts, strict=True)),
            **sums,
        )

    @property
    def channels(self) -> int:
        return len(self.minimum)

    @cached_property
    def mean(self) -> tuple[float, ...]:
        """The mean of each channel over all pixels."""
        return tuple(float(t / self.pixels) for t in self.t.fractions())

    @cached_property
    def _variance(self) -> tuple[Fraction, ...]:
        pairs = zip(self.t.fractions(), self.u.fractions(), strict=True)
        # never negative in exact arithmetic; squares of floats below 1e-154 are not exact
        return tuple(max(Fraction(0), (u * self.pixels - t * t) / self.pixels**2) for t, u in pairs)

    @cached_property
    def std(self) -> tuple[float, ...]:
        """The standard deviation of each channel over all pixels (divided by their number, not by one less)."""
        return tuple(_root(variance) for variance in self._variance)

    @cached_property
    def mean_of_stds(self) -> tuple[float, ...]:
        """The mean of the images' own stds, which is smaller than :attr:`std`, and often published in its place."""
        return tuple(float(total / self.pictures) for total in self.stds.fractions())

    @property
    def saturated(self) -> tuple[float, ...] | None:
        """The share of pixels of each channel that are black or white; None where values lie outside 0..pixel_max."""
        if min(self.minimum) < 0 or max(self.maximum) > self.pixel_max:
            return None
        return tuple((black + white) / self.pixels for black, white in zip(self.black, self.white, strict=True))

    @cached_property
    def standard_error_of_mean(self) -> tuple[float, ...]:
        """How far :attr:`mean` may be from that of the source the images are a sample of, one standard deviation.

        The pixels of an image resemble each other, so it is images that count, not pixels: the standard error of
        a ratio of two sums over images, ``sqrt(P / (P - 1) * sum((t_i - mean * n_i)**2)) / sum(n_i)`` (Cochran,
        *Sampling Techniques*, section 9A.2 on clusters of unequal sizes). Infinite for a single image.
        """
        errors = []
        for t, nt, tt in zip(*(sums.fractions() for sums in (self.t, self.nt, self.tt)), strict=True):
            mean = t / self.pixels
            errors.append(self._cluster_error(tt - 2 * mean * nt + mean**2 * self.n_squared))
        return tuple(errors)

    @cached_property
    def standard_error_of_std(self) -> tuple[float, ...]:
        """The same for :attr:`std`, by linearization of the variance; 0 where the std is 0."""
        errors = []
        columns = (self.t, self.nt, self.nu, self.tt, self.tu, self.uu)
        rows = zip(*(sums.fractions() for sums in columns), strict=True)
        for variance, std, (t, nt, nu, tt, tu, uu) in zip(self._variance, self.std, rows, strict=True):
            mean = t / self.pixels
            k = mean**2 - variance
            squares = uu + 4 * mean**2 * tt + k**2 * self.n_squared - 4 * mean * tu + 2 * k * nu - 4 * mean * k * nt
            errors.append(self._cluster_error(squares) / (2 * std) if std else 0.0)
        return tuple(errors)

    def _cluster_error(self, squares: Fraction) -> float:
        if self.pictures < 2:
            return math.inf
        return _root(max(Fraction(0), squares) * self.pictures / (self.pictures - 1)) / self.pixels

    def normalization(self, pixel_max: float = 1.0) -> Normalization:
        """The Normalization to paste: mean and std on images whose white is `pixel_max`, 1.0 as after ToTensor.

        Raises:
            StatisticsError: a channel whose pixels are all equal has a std of 0.
        """
        scale = pixel_max / self.pixel_max
        return Normalization(
            tuple(mean * scale for mean in self.mean),
            tuple(std * scale for std in self.std),
            pixel_max,
            source=f"measured on {count_of(self.pictures, 'image')}",
        )

    def before(self, applied: Normalization) -> Normalization:
        """The Normalization to paste in place of `applied`, where these statistics are of its output.

        If ``y = (x - m) / s`` has mean ``a`` and std ``b``, ``x`` has mean ``a * s + m`` and std ``b * |s|``.

        Raises:
            StatisticsError: as :meth:`normalization`, or `applied` has another number of channels.
        """
        applied = applied.expand(self.channels)
        rows = list(zip(self.mean, self.std, applied.mean, applied.std, strict=True))
        return Normalization(
            tuple(a * s + m for a, _, m, s in rows),
            tuple(b * abs(s) for _, b, _, s in rows),
            applied.pixel_max,
            source=f"measured on {count_of(self.pictures, 'image')}",
        )

    def nearest_preset(self, tolerance: float = PRESET_TOLERANCE) -> PresetMatch | None:
        """The preset that these statistics are within `tolerance` of (images in 0..1), or None.

        A preset whose std fits :attr:`mean_of_stds` instead is given where none fits :attr:`std`.
        """
        if min(self.std) == 0:
            return None
        return match_preset(self.normalization(), self._with_mean_of_stds(), tolerance)

    def _with_mean_of_stds(self) -> Normalization | None:
        if min(self.mean_of_stds) == 0:
            return None
        scale = 1 / self.pixel_max
        return Normalization(tuple(m * scale for m in self.mean), tuple(s * scale for s in self.mean_of_stds))

    def merge(self, other: Statistics) -> Statistics:
        """The statistics of both together.

        Raises:
            DatasetError: another number of channels or another `pixel_max`.
        """
        if (self.channels, self.pixel_max) != (other.channels, other.pixel_max):
            raise DatasetError(
                f"statistics of {self.kind} and of {other.kind} cannot be merged: "
                f"{describe(*self.first)} is of the one, {describe(*other.first)} of the other."
            )
        low, high = self.sizes, other.sizes
        sums = {name: getattr(self, name) + getattr(other, name) for name in _SUMS}
        return Statistics(
            pixel_max=self.pixel_max,
            minimum=tuple(map(min, self.minimum, other.minimum)),
            maximum=tuple(map(max, self.maximum, other.maximum)),
            black=tuple(a + b for a, b in zip(self.black, other.black, strict=True)),
            white=tuple(a + b for a, b in zip(self.white, other.white, strict=True)),
            sizes=(min(low[0], high[0]), max(low[1], high[1]), min(low[2], high[2]), max(low[3], high[3])),
            failures=tuple(sorted({*self.failures, *other.failures})[:NAMED_FAILURES]),
            first=min(self.first, other.first),
            **sums,
        )

    __add__ = merge

    @classmethod
    def merge_all(cls, parts: Iterable[Statistics]) -> Statistics:
        """The statistics of all `parts` together.

        Raises:
            DatasetError: no part at all, or as :meth:`merge`.
        """
        given = listed(parts, "parts", DatasetError, "a list of Statistics")
        if not given:
            raise DatasetError("there are no statistics to merge: expected at least one.")
        for one in given:
            if not isinstance(one, cls):
                raise DatasetError(f"one of the parts is {shown(one)}: expected Statistics.")
        merged: Statistics = reduce(cls.merge, given)
        return merged

    @property
    def kind(self) -> str:
        """``3 channels, white at 255``."""
        return kind_in_words(self.channels, self.pixel_max)

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe: the numbers a person wants, and the exact sums, from which :meth:`from_dict` restores it."""
        derived = ("mean", "std", "mean_of_stds", "saturated")
        match = self.nearest_preset()
        return {
            "version": 1,
            **{name: getattr(self, name) for name in _PLAIN},
            **{
                name: None if getattr(self, name) is None else list(getattr(self, name)) for name in (*derived, *_LISTS)
            },
            "failures": [{"index": each.index, "name": each.name, "error": each.error} for each in self.failures],
            "nearest_preset": None if match is None else match.name,
            "sums": {name: getattr(self, name).to_json() for name in _EXACT} | {"n_squared": str(self.n_squared)},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Statistics:
        """What :meth:`to_dict` wrote, equal to the last bit.

        Raises:
            DatasetError: not such a dictionary.
        """
        version = data.get("version") if isinstance(data, Mapping) else None
        if version != 1:
            raise DatasetError(f"version is {shown(version)}: expected 1, as Statistics.to_dict() writes it.")
        try:
            expect(data, _FORM, "")
            values: dict[str, Any] = {name: data[name] for name in _PLAIN}
            values |= {name: tuple(data[name]) for name in _LISTS}
            values |= {name: Exact.from_json(data["sums"][name]) for name in _EXACT}
            values["n_squared"] = int(data["sums"]["n_squared"])
            values["failures"] = tuple(Failure(**failure) for failure in data["failures"])
            restored = cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"these are no statistics as Statistics.to_dict() writes them: {error}") from error
        lengths = {len(getattr(restored, name)) for name in ("minimum", "maximum", "black", "white")}
        lengths |= {len(getattr(restored, name).numerators) for name in _EXACT}
        if len(lengths) > 1 or not restored.pictures or not restored.pixels:
            raise DatasetError("these are no statistics as Statistics.to_dict() writes them: their parts do not agree.")
        return restored

    def __str__(self) -> str:
        heights, widths = sorted({*self.sizes[:2]}), sorted({*self.sizes[2:]})
        size = f"{'-'.join(map(str, heights))} x {'-'.join(map(str, widths))} px"
        lines = [
            f"{count_of(self.pictures, 'image')}, {size}, {count_of(self.channels, 'channel')}, white at "
            f"{self.pixel_max:g}",
            f"  {'channel':>7} {'mean':>12} {'std':>12} {'min':>10} {'max':>10} {'saturated':>10}",
        ]
        shares = self.saturated or (None,) * self.channels
        for channel in range(self.channels):
            share = shares[channel]
            lines.append(
                f"  {channel:>7} {self.mean[channel]:>12.6g} {self.std[channel]:>12.6g} "
                f"{self.minimum[channel]:>10.4g} {self.maximum[channel]:>10.4g} "
                f"{'-' if share is None else format(share, '.2%'):>10}"
            )
        if self.failed:
            lines.append(f"{count_of(self.failed, 'image')} could not be read and were left out:")
            lines += [f"  {failure}" for failure in self.failures]
            if self.failed > len(self.failures):
                lines.append(f"  and {self.failed - len(self.failures):,} more")
        return "\n".join([*lines, *self._advice()])

    def _advice(self) -> list[str]:
        if self.saturated is None:
            return [
                f"values lie outside 0..{self.pixel_max:g}: these images are normalized already, or their white is "
                f"not {self.pixel_max:g} (pixel_max=). Statistics of what enters the Normalize: measure the data set "
                f"without it, or call .before(find_normalize(dataset))."
            ]
        if min(self.std) == 0:
            return [f"channel {self.std.index(0)} has one value everywhere: no Normalize can have a std of 0."]
        normalization, match = self.normalization(), self.nearest_preset()
        paste = f"Normalize(mean={format_numbers(normalization.mean)}, std={format_numbers(normalization.std)})"
        return [f"{paste}  # images in 0..1"] + ([f"these look like {match}"] if match else [])

    def __repr__(self) -> str:
        return (
            f"Statistics({count_of(self.pictures, 'image')}, mean={format_numbers(self.mean)}, "
            f"std={format_numbers(self.std)}, pixel_max={self.pixel_max:g})"
        )


_EXACT = tuple(each.name for each in fields(Statistics) if each.type == "Exact")
_SUMS = ("pictures", "pixels", "failed", "n_squared", *_EXACT)
_PLAIN = ("pictures", "pixels", "pixel_max", "failed")
_LISTS = ("minimum", "maximum", "black", "white", "sizes", "first")
#: What :meth:`Statistics.from_dict` expects.
_FORM: dict[str, Any] = {
    **dict.fromkeys(("pictures", "pixels", "failed"), int),
    "pixel_max": float,
    **{name: [float] for name in ("minimum", "maximum")},
    **{name: [int] for name in ("black", "white")},
    "sizes": (int,) * 4,
    "first": (int, str),
    "failures": [FAILURE_FORM],
    "sums": {**{name: {"numerators": [str], "shift": int} for name in _EXACT}, "n_squared": str},
}


def _root(value: Fraction) -> float:
    """The square root, without leaving the range of floats on the way."""
    if value == 0:
        return 0.0
    shift = (value.numerator.bit_length() - value.denominator.bit_length()) // 2
    return math.ldexp(math.sqrt(value / Fraction(4) ** shift), shift)
