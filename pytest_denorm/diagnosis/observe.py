"""What a forward and an inverse do to pictures, reduced to a map of each channel: the numbers that a diagnosis reads.

The inverse is fitted to the normalized values it was given, ``z[c] = a[c] * y[j(c)] + b[c]``, where ``j`` is the
channel that it took. A correct inverse has ``a = std``, ``b = mean`` and ``j(c) = c``. Random pictures with independent
channels make the fit, because their values lie between the levels of bytes: there a truncation is off by half a level
on average, where it is off by nothing or one on the levels themselves.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from ..core.alone import alone
from ..core.arguments import positive, whole
from ..core.colormap import fit_affine
from ..core.normalization import Normalization
from ..core.tolerance import round_trip_tolerance
from ..core.units import Units
from ..errors import ImageError
from ..pipelines.calls import Called, call
from ..pipelines.samples import level_picture

__all__ = ["ChannelFit", "Map", "Observation", "in_equal_bins", "observe", "snap"]

Array = np.ndarray[Any, Any]


#: Different levels that a map of a channel leaves, at the least.
_MANY = 16
#: The white of the usual whole numbers.
_WHITES = (255.0, 65535.0)
#: The accuracy of a least-squares fit of some thousand pixels in float64.
_FIT_ROUNDOFF = 2.0**-45


class Map(NamedTuple):
    """``z = slope * y + offset`` in each channel, as it was seen for normalized values of `low` to `high`."""

    slope: Array
    offset: Array
    low: Array
    high: Array

    def moved(self, order: Sequence[int]) -> Map:
        """With each channel's numbers at the channel that it was taken from."""
        back = np.empty(len(order), dtype=int)
        back[list(order)] = range(len(order))
        return Map(*(one[back] for one in self))

    def raised(self, by: float) -> Map:
        return self._replace(offset=self.offset + by)

    def divided(self, by: float) -> Map:
        return self._replace(slope=self.slope / by, offset=self.offset / by)


@dataclass(frozen=True)
class ChannelFit:
    """The map of one channel of the inverse.

    Attributes:
        source: the normalized channel that it follows, or None where it follows several or none.
        slope, offset: ``z = slope * y[source] + offset``, in the units of the pictures.
        low, high: the normalized values that it was fitted to.
        count: how many these were.
        lowest, highest: what the result is clipped to; infinite where it is not.
        residual: the largest departure from this map.
        affine: whether that is within what arithmetic and bytes explain.
        row: the slopes on all channels.
    """

    source: int | None
    slope: float
    offset: float
    low: float
    high: float
    count: int
    lowest: float
    highest: float
    residual: float
    affine: bool
    row: Array


@dataclass(frozen=True)
class Observation:
    """Everything that was seen of a forward and an inverse. Values are in the units of the pictures, 0..`white`.

    Where the forward exchanges channels, its normalized channels are taken in the order of the pictures' own.
    """

    mean: Array  # of the forward, as declared, or as fitted and snapped to short decimals
    std: Array
    white: float
    scale: float  # of the results, against the pictures: 255 where bytes come back for pictures in 0..1
    step: float  # the distance of two whole numbers, where such come back, of whatever dtype; else 0
    unit_roundoff: float  # of the pictures' dtype, or of the fit where that is coarser
    slack: Array  # how far a correct result may be off, a channel
    forward_is_finite: bool
    forward_is_affine: bool
    fits: tuple[ChannelFit, ...]
    wraps: bool  # whole numbers beyond white come back as their remainder
    finite: bool  # all results are
    exact: bool
    max_abs_error: float
    wrong_levels: int
    per_image: str  # "", "min-max" or "other"
    flipped: str  # "", or how the picture is turned over
    scattered: bool  # its values come back, in other places
    repeats: bool  # the same picture gives the same result again
    forward_mutates: bool
    inverse_mutates: bool
    y: Array  # some normalized values (n, channels), and the results for them
    z: Array
    y_low: Array  # the range of the normalized values that maps are fitted to, a channel
    y_high: Array
    lowest: float  # of the results
    highest: float

    @property
    def channels(self) -> int:
        return len(self.mean)

    @property
    def total_levels(self) -> int:
        return 256 * self.channels

    @property
    def level(self) -> float:
        """One of 255, in which errors are told."""
        return self.white / 255

    @property
    def whole(self) -> bool:
        """Whole numbers come back: bytes, or more than 255 of them."""
        return self.step > 0

    @property
    def steps(self) -> int:
        """How many whole numbers there are up to white."""
        return round(self.white / self.step)

    @property
    def kind(self) -> str:
        """What such numbers are called."""
        return "bytes" if self.steps == 255 else "integers"

    @property
    def turn(self) -> int:
        """How many there are until they begin again."""
        return _turn(self.steps)

    @property
    def map(self) -> Map:
        """What the inverse does, channel by channel."""
        return Map(*(np.array([getattr(fit, name) for fit in self.fits]) for name in Map._fields))

    @property
    def correct(self) -> Map:
        """What it should do."""
        return Map(self.std, self.mean, self.y_low, self.y_high)

    @property
    def all_white(self) -> bool:
        """All results are white, and tell nothing else."""
        return self.lowest == self.highest == self.white

    @property
    def is_finer_than_float32(self) -> bool:
        return self.unit_roundoff < 2.0**-24

    @property
    def half_precision(self) -> str:
        """The short floats that results are rounded to, where that is all that is wrong with them; else ""."""
        correct = self.std * self.y + self.mean
        # what is in bfloat16 is in float16, too
        for name, dtype in (("bfloat16", torch.bfloat16), ("float16", torch.float16)):
            short = torch.finfo(dtype).eps
            if self.whole or not self.finite or self.unit_roundoff >= short / 2:
                return ""
            bound = 4 * short * (np.abs(self.std * self.y) + np.abs(self.mean) + self.white)
            results, given = (torch.from_numpy(one).to(dtype).double().numpy() for one in (self.z, self.y))
            rounded = (results == self.z).all() or (np.abs(self.std * given + self.mean - self.z) <= self.slack).all()
            if rounded and (np.abs(self.z - correct) <= bound).all():
                return name
        return ""

    def resolution(self, seen: Map) -> Array:
        """How well a map is known, as a difference in the result."""
        reach = np.maximum(np.abs(seen.low), np.abs(seen.high))
        # constants are rounded on their own, a few times each; single pixels are averaged over
        known: Array = 4 * self.unit_roundoff * (np.abs(seen.slope) * reach + np.abs(seen.offset) + self.white)
        known = known + np.abs(seen.slope / self.std) * self.slack  # what is lost in y is lost, times the gain
        # a mean near 0 is not known to so many digits, and what is 255 times the mean to even less
        digits = np.minimum(np.abs(self.std) * reach / np.maximum(np.abs(self.mean), 1e-30), 255.0)
        known = known + 2 * self.unit_roundoff * np.abs(seen.offset) * (1 + digits)
        # rounding to whole numbers is noise of deviation 1 / sqrt(12), and least squares averages it
        count = np.array([fit.count for fit in self.fits])
        all_of_it: Array = known + self.step * np.minimum(0.02 + 1.5 / np.sqrt(count), 0.25)
        return all_of_it


def observe(
    forward: Callable[[Any], Any],
    inverse: Callable[[Any], Any],
    *,
    channels: int,
    pixel_max: float,
    output_max: float | None,
    dtype: torch.dtype,
    declared: Normalization | None = None,
) -> Observation:
    """Runs both on pictures in 0..`pixel_max` and fits what they do.

    Args:
        declared: the statistics that the forward claims, used where they agree with what it does.

    Raises:
        ImageError: fewer than one channel, or a white that is no number above 0.
        InverseError: one of them raises, or gives back something that is no picture.
    """
    whole(channels, "channels", ImageError, least=1)
    positive(pixel_max, "pixel_max", ImageError)
    if output_max is not None:
        positive(output_max, "output_max", ImageError)
    pictures = _probe_pictures(channels, pixel_max, dtype)
    went = call(forward, pictures, "forward")
    came = call(inverse, went.pictures, "inverse")
    step, scale = _output_scale(came, Units(pixel_max, output_max))
    x = [_columns(picture) for picture in pictures]
    y = [_columns(picture) for picture in went.pictures]
    z = [_columns(picture) / scale for picture in came.pictures]
    unit_roundoff = max(float(torch.finfo(dtype).eps) / 2, _FIT_ROUNDOFF)
    forward_fit = _fit_forward(np.concatenate(x), np.concatenate(y), pixel_max, unit_roundoff, declared)
    forward_is_finite = all(bool(np.isfinite(one).all()) for one in y)
    y = [np.nan_to_num(one, posinf=0.0, neginf=0.0)[:, forward_fit.order] for one in y]
    slack = _slack(forward_fit, pixel_max, dtype) + (4 * unit_roundoff * pixel_max if scale != 1 else 0.0)
    all_x, all_y, all_z = (np.concatenate(one) for one in (x, y, z))
    finite = bool(np.isfinite(all_z).all())
    wrong_levels = _wrong_levels(x[0], z[0], pixel_max / 255)
    error = np.nan_to_num(np.abs(all_z - all_x), nan=np.inf, posinf=np.inf)
    # of whole numbers without the levels: these lie so near to them that truncation takes one from some, and none from
    # others
    fitted = slice(1 if step else 0, 3)
    fit_x, fit_y, fit_z = (np.concatenate(one[fitted]) for one in (x, y, z))
    # what is between two whole numbers may go to either, a little beside the middle
    room = slack + 0.52 * step
    exact = bool((error <= room).all())
    if step:
        exact &= _is_fair(fit_x, fit_z, unit_roundoff * (np.abs(forward_fit.mean) + pixel_max), step)
        exact |= not wrong_levels and in_equal_bins(all_x, all_z, slack, step, pixel_max)
    fitting = _Fitting(fit_x, fit_y, pixel_max, unit_roundoff, step)
    fits = tuple(
        fitting.channel(fit_z[:, c], c, float(forward_fit.std[c]), float(forward_fit.mean[c])) for c in range(channels)
    )
    if step and not all(fit.affine for fit in fits):
        fits = tuple(fitting.unwrapped(fit_z[:, c], c, fits[c]) for c in range(channels))
    return Observation(
        mean=forward_fit.mean,
        std=forward_fit.std,
        white=pixel_max,
        scale=scale,
        step=step,
        unit_roundoff=unit_roundoff,
        slack=slack,
        forward_is_finite=forward_is_finite,
        forward_is_affine=forward_fit.affine,
        fits=fits,
        wraps=step > 0 and any(_wraps(all_y, all_z[:, c], fits[c], pixel_max) for c in range(channels)),
        finite=finite,
        exact=exact,
        max_abs_error=float(error.max()),
        wrong_levels=wrong_levels,
        per_image=_per_image(y[1:4], z[1:4], fitting) if finite else "",
        flipped=_flipped(pictures[1], came.pictures[1].double() / scale, pixel_max),
        scattered=not exact and _is_scattered(x[1], z[1], room),
        repeats=exact or _repeats(inverse, went.pictures[1], came.pictures[1]),
        forward_mutates=went.mutated,
        inverse_mutates=came.mutated,
        y=y[1][::4],
        z=z[1][::4],
        y_low=fit_y.min(axis=0),
        y_high=fit_y.max(axis=0),
        lowest=float(all_z.min()),
        highest=float(all_z.max()),
    )


def _is_scattered(x: Array, z: Array, room: Array) -> bool:
    return bool((np.abs(np.sort(x, axis=None) - np.sort(z, axis=None)) <= room.max()).all())


def _repeats(inverse: Callable[[Any], Any], given: torch.Tensor, came: torch.Tensor) -> bool:
    (again,) = call(inverse, [given], "inverse").pictures
    return torch.equal(again.double().nan_to_num(), came.double().nan_to_num())


def _probe_pictures(channels: int, pixel_max: float, dtype: torch.dtype) -> list[torch.Tensor]:
    """All levels; two random pictures; one of low contrast, a range of its own in each channel; black, white, colours.

    Height and width differ from each other and from the number of channels, so that no axis can pass for another.
    """
    generator = torch.Generator().manual_seed(20240229)
    height, width = (40, 48) if channels not in (40, 48) else (20, 96)
    shape = (channels, height, width)
    random = [torch.rand(shape, generator=generator, dtype=torch.float64) for _ in range(3)]
    low = torch.linspace(0.25, 0.4, channels, dtype=torch.float64).view(-1, 1, 1)
    bars = torch.arange(width) * 8 // width
    pure = torch.stack([(bars >> (channel % 3) & 1).double() for channel in range(channels)])
    levels = level_picture(channels, *((16, 32) if channels not in (16, 32) else (8, 64)))
    others = [random[0], random[1], low + 0.3 * random[2], pure[:, None, :].expand(shape)]
    # levels as ToTensor makes them: divided in the dtype of the pictures
    first = levels.to(dtype) / 255 * pixel_max
    return [first, *((picture * pixel_max).to(dtype).contiguous() for picture in others)]


def _columns(picture: torch.Tensor) -> Array:
    """Pixels as rows, channels as columns, float64."""
    columns: Array = picture.detach().to(torch.float64).reshape(picture.shape[0], -1).T.numpy()
    return columns


def _output_scale(came: Called, units: Units) -> tuple[float, float]:
    """The distance of two whole numbers, in the units of the pictures, and the factor between results and pictures.

    Whole numbers may be of any dtype, and may have been divided by their white again; the distance is 0 where other
    numbers come back.
    """
    result, white = came.pictures[1], units.pixel_max
    dtype = result.dtype
    if not dtype.is_floating_point:
        return units.step(dtype), units.white(dtype) / white
    values = result.double().nan_to_num()
    if _are_whole(values, dtype):
        unless_given = Units(white).white(torch.int32)
        most = unless_given if units.output_max is None else units.output_max
        return (white / most if most > _MANY else 0.0), most / white
    scale = units.white(dtype) / white
    for most in _WHITES:
        if _are_whole(values / (white * scale) * most, dtype):
            return white / most, scale
    return 0.0, scale


def _are_whole(values: torch.Tensor, dtype: torch.dtype) -> bool:
    """Whether floats of `dtype` have been rounded to whole numbers."""
    # large numbers of bfloat16 are whole without anybody's rounding them
    off = float(values.abs().max()) * float(torch.finfo(dtype).eps)
    if off >= 0.25 or float(values.max() - values.min()) <= _MANY:
        return False
    return bool(((values - values.round()).abs() <= max(1e-3, 2 * off)).all())


def _turn(steps: int) -> int:
    """How many whole numbers an unsigned dtype holds that has so many up to white: 256, or 65536."""
    return 256 if steps <= 255 else 65536


class _Forward(NamedTuple):
    """Mean and std of the forward in each channel of the pictures, and which normalized channel that is."""

    mean: Array
    std: Array
    order: list[int]
    affine: bool


def _slack(forward: _Forward, pixel_max: float, dtype: torch.dtype) -> Array:
    """How far a correct result may be off, a channel."""
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        normalization = Normalization(forward.mean.tolist(), forward.std.tolist(), pixel_max)
    return np.array(round_trip_tolerance(normalization, dtype).per_channel)


def _fit_forward(x: Array, y: Array, white: float, unit_roundoff: float, declared: Normalization | None) -> _Forward:
    """From ``y = (x - mean) / std``; zeros and ones where it is no such map of each channel."""
    count = x.shape[1]
    nothing = _Forward(np.zeros(count), np.ones(count), list(range(count)), False)
    if not np.isfinite(y).all():
        return nothing
    fit = fit_affine(x, y)
    sources = np.abs(fit.matrix).argmax(axis=1)
    if len(set(sources.tolist())) < count:
        return nothing
    slopes = fit.matrix[np.arange(count), sources]
    span = np.abs(y).max(axis=0) + np.abs(slopes) * white
    accuracy = 64 * unit_roundoff * span
    others = fit.matrix.copy()
    others[np.arange(count), sources] = 0.0
    off = np.abs(others).max(axis=1) * white
    if not ((fit.residual <= accuracy) & (off <= accuracy) & (np.abs(slopes) * white > accuracy)).all():
        return nothing
    order = sources.argsort().tolist()
    lines = [_line_through(x[:, c], y[:, j]) for c, j in enumerate(order)]  # more exact than all at once
    std = np.array([1 / one.slope for one in lines])
    mean = np.array([-one.offset for one in lines]) * std
    # what is left of the rounding of the constants themselves, and of each y
    of_mean = unit_roundoff * (np.abs(mean) + np.abs(std) * span[order] / 4)
    of_std = unit_roundoff * np.abs(std) * (1 + np.abs(std) * span[order] / (4 * white))
    # where the mean is far from the pictures, the errors of both cancel, and must go on doing so
    of_std = np.minimum(of_std, 2 * unit_roundoff * (np.abs(mean) + white) / span[order])
    if declared is not None and declared.channels in (1, count):
        claimed = declared.expand(count)
        near = (np.abs(claimed.mean - mean) <= 8 * of_mean) & (np.abs(claimed.std - std) <= 8 * of_std)
        if near.all():
            return _Forward(np.array(claimed.mean), np.array(claimed.std), order, True)
    return _Forward(_snapped(mean, of_mean), _snapped(std, of_std), order, True)


class _Line(NamedTuple):
    slope: float
    offset: float
    residual: float


def _line_through(y: Array, z: Array) -> _Line:
    """The line of one channel on another."""
    fit = fit_affine(y[:, None], z[:, None])
    return _Line(fit.matrix.item(), fit.offset.item(), fit.residual.item())


def _snapped(values: Array, uncertainty: Array) -> Array:
    return np.array([snap(float(value), float(width)) for value, width in zip(values, uncertainty, strict=True)])


def snap(value: float, uncertainty: float) -> float:
    """The number with the fewest digits within `uncertainty` of `value`: what somebody typed, most likely."""
    if not math.isfinite(value):
        return value
    if abs(value) <= 8 * uncertainty:
        return 0.0
    for digits in range(1, 17):
        short = float(f"{value:.{digits}g}")
        if abs(short - value) <= uncertainty:
            return short
    return value


@dataclass(frozen=True)
class _Fitting:
    """What the maps of the inverse are fitted to: pictures and normalized values (n, channels)."""

    x: Array
    y: Array
    white: float
    unit_roundoff: float
    step: float  # the distance of two whole numbers, if such come back; else 0

    def accuracy(self, z: Array, gain: float) -> float:
        """How far single pixels may be from the map: by arithmetic, and by half a step where such come back."""
        return 8 * self.unit_roundoff * (float(np.abs(z).max()) + gain + self.white) + 0.56 * self.step

    def channel(self, z: Array, own: int, std: float, mean: float) -> ChannelFit:
        """Fits one channel of the result: on all pixels, else on those it does not clip, else on a middle range."""
        finite, enough = np.isfinite(z), 5 * (self.y.shape[1] + 1)
        if finite.sum() < enough:
            row = np.full(self.y.shape[1], np.nan)
            return ChannelFit(None, np.nan, np.nan, 0.0, 0.0, 1, -np.inf, np.inf, np.inf, False, row)
        lowest, highest = float(z[finite].min()), float(z[finite].max())
        saturated = self._saturated(z, own, (std, mean))
        if saturated is not None:
            return saturated
        margin = 1e-6 * (highest - lowest) + 2.5 * self.step
        inside = finite & (z > lowest + margin) & (z < highest - margin)
        central = ((self.x > 0.3 * self.white) & (self.x < 0.7 * self.white)).all(axis=1)
        fits = []
        for chosen in (finite, inside, inside & central):
            if chosen.sum() >= enough:
                fit = self._fit(z, own, chosen, (-math.inf, math.inf) if chosen is finite else (lowest, highest))
                if fit.affine:
                    return fit
                fits.append(fit)
        return self._correct_but_clipped(z, own, (std, mean), (lowest, highest)) or fits[0]

    def _fit(self, z: Array, own: int, chosen: Array, ends: tuple[float, float]) -> ChannelFit:
        y, picked = self.y[chosen], z[chosen]
        fit = fit_affine(y, picked[:, None])
        (row,), (offset,), (residual,) = fit.matrix, fit.offset, fit.residual
        gains = np.abs(row) * np.ptp(y, axis=0)
        source, accuracy = int(gains.argmax()), self.accuracy(picked, float(gains.max()))
        if gains[source] <= accuracy:  # of one value
            source = own
        slope, affine = row[source], bool(residual <= accuracy)
        # slopes on other channels are noise while they stay below what one pixel may be off by
        single = np.delete(gains, source).max(initial=0.0) <= max(accuracy, 1e-6 * float(gains[source]))
        if single:  # without what the others seem to add
            slope, offset, residual = _line_through(y[:, source], picked)
        low, high = float(y[:, source].min()), float(y[:, source].max())
        return ChannelFit(
            source if single else None, float(slope), float(offset), low, high, int(chosen.sum()), *ends,
            float(residual), affine, row,
        )  # fmt: skip

    def _saturated(self, z: Array, own: int, correct: tuple[float, float]) -> ChannelFit | None:
        """The correct map, where all normalized values lie beyond the number that they are clamped to.

        That is taken to be a whole or a half one, because anything else may just as well be a constant.
        """
        slope, offset = correct
        if self.step or not np.isfinite(z).all() or float(np.ptp(z)) > self.accuracy(z, 0.0):
            return None
        reached = float(np.median(z))
        end = (reached - offset) / slope
        inside = -1e-4 * self.white <= reached <= (1 + 1e-4) * self.white  # then some pictures would not be clamped
        if inside or abs(2 * end - round(2 * end)) > 1e-4 * max(1.0, abs(end)):
            return None
        return self._of_all_pixels(own, _Line(slope, offset, 0.0), (reached, reached))

    def _correct_but_clipped(
        self, z: Array, own: int, correct: tuple[float, float], ends: tuple[float, float]
    ) -> ChannelFit | None:
        """The correct map, where so much is clipped that nothing is left to fit."""
        if not np.isfinite(z).all() or ends[1] - ends[0] <= 4 * self.step:
            return None
        slope, offset = correct
        y = self.y[:, own]
        off = float(np.abs(z - np.clip(slope * y + offset, *ends)).max())
        if off > self.accuracy(z, abs(slope) * float(np.ptp(y))) + 0.5 * self.step:  # cut off or rounded
            return None
        return self._of_all_pixels(own, _Line(slope, offset, off), ends)

    def _of_all_pixels(self, source: int, line: _Line, ends: tuple[float, float]) -> ChannelFit:
        y = self.y[:, source]
        row = np.zeros(self.y.shape[1])
        row[source] = line.slope
        return ChannelFit(
            source, line.slope, line.offset, float(y.min()), float(y.max()), len(y), *ends, line.residual, True, row
        )

    def unwrapped(self, z: Array, own: int, fit: ChannelFit) -> ChannelFit:
        """Whole numbers that were cast without a clamp, put back beyond white; `fit` where that explains nothing."""
        turn = _turn(round(self.white / self.step))
        if len(np.unique(z)) < _MANY:  # of few values, anything is a line that wraps
            return fit
        for source in sorted(range(self.y.shape[1]), key=lambda channel: channel != own):
            sequence = np.argsort(self.y[:, source])
            levels = np.rint(z[sequence] / self.step)
            path = np.unwrap(levels, period=turn)
            turns = (path - levels) / turn
            path -= turn * np.rint(np.median(turns[np.abs(self.x[sequence, own] / self.white - 0.5) < 0.2]))
            line = _line_through(self.y[sequence, source], path * self.step)
            if line.residual <= 1.2 * self.step and turns.any():
                return self._of_all_pixels(source, line, (-math.inf, math.inf))
        return fit


def _wraps(y: Array, z: Array, fit: ChannelFit, white: float) -> bool:
    """Whether whole numbers come back far from where a clamp would have left them, and none beyond white."""
    if fit.source is None or not fit.affine or z.min() < 0 or z.max() > white:
        return False
    clamped = np.clip(fit.slope * y[:, fit.source] + fit.offset, 0, white)
    return bool((np.abs(z - clamped) > 0.5 * white).any())


def _is_fair(x: Array, z: Array, rounding: Array, step: float) -> bool:
    """Whether whole numbers are too high about as often as too low, but for one rounding of a mean or of white.

    Truncation takes half of one on average, which in float16 is less than what a single pixel may be off by.
    """
    return bool(np.abs((z - x).mean()) <= rounding.mean() / 2 + 0.05 * step)


def in_equal_bins(x: Array, z: Array, slack: Array, step: float, white: float) -> bool:
    """Whether whole numbers are the whole part of about ``256 * x`` of x in 0..1, as torchvision itself makes bytes.

    Each then has the same share of 0..1, with its value inside: all levels come back, and stay apart from their
    neighbours by more than arithmetic moves them. The whole part of ``255 * x`` has them at the edge.
    """
    room, most = slack / step, round(white / step)
    lowest, highest = (np.floor(x / white * (most + by) + room * sign) for by, sign in ((0.9, -1), (1.0, 1)))
    found = np.rint(z / step)
    return bool(((found >= np.minimum(lowest, most)) & (found <= np.clip(highest, 0, most))).all())


def _wrong_levels(x: Array, z: Array, level: float) -> int:
    """How many of 256 levels a channel do not come back, in the picture that has them all."""
    wanted, found = np.rint(x / level), np.rint(z / level)
    return sum(len(np.unique(one[one != other])) for one, other in zip(wanted.T, found.T, strict=True))


def _per_image(y: Sequence[Array], z: Sequence[Array], fitting: _Fitting) -> str:
    """Whether each picture has a map of its own: affine in each, and not the same in all."""
    all_y, all_z, white = np.concatenate(y), np.concatenate(z), fitting.white
    # a map of its own is far from the others', and a fit to channels of very different ranges not so accurate
    bound = 2 * fitting.accuracy(all_z, white) + 1e-9 * float(np.abs(all_z).max())
    if any((fit_affine(one_y, one_z).residual > bound).any() for one_y, one_z in zip(y, z, strict=True)):
        return ""
    # no one map takes both the random pictures and the one of low contrast from black to white
    if all(abs(one.min()) <= 0.01 * white and abs(one.max() - white) <= 0.01 * white for one in z):
        return "min-max"
    return "" if (fit_affine(all_y, all_z).residual <= 2 * bound).all() else "other"


def _flipped(x: torch.Tensor, z: torch.Tensor, white: float) -> str:
    """How the picture is turned over, where that is what was done to it."""
    for words, axes in (("left to right", (-1,)), ("upside down", (-2,)), ("by half a turn", (-2, -1))):
        if float((z - x.double().flip(axes)).abs().mean()) < 0.05 * white:
            return words
    return ""
