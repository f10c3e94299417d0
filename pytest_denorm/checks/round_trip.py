"""The round trip: images through Normalize and back, held against the derived tolerance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..core.normalization import Normalization
from ..core.text import channel_name, in_levels
from ..core.tolerance import Tolerance, round_trip_tolerance
from ..core.units import Units
from ..diagnosis.observe import in_equal_bins
from ..pipelines.calls import Caller
from ..pipelines.samples import level_image
from .case import Case

__all__ = ["RoundTrip", "Worst", "comparable", "levels_text", "round_trip", "worst_text"]


@dataclass(frozen=True)
class Worst:
    """The pixel that is furthest beyond its tolerance."""

    error: float
    image: int
    channel: int
    row: int
    column: int
    expected: float
    found: float


@dataclass(frozen=True)
class RoundTrip:
    """The outcome of a round trip. Values are in the units of the images.

    Attributes:
        tolerance: what was allowed, a channel.
        channel_errors: the largest error of each channel; NaN counts as infinite.
        worst: the worst pixel.
        wrong_levels: how many of 256 levels a channel do not come back as the same byte.
        total_levels: 256 times the number of channels.
        step: the distance of two integers, where the inverse gives such, so that rounding to one is part of it; or 0.
        form: in which the inverse takes an image; "" for a tensor (C, H, W).
    """

    tolerance: Tolerance
    channel_errors: tuple[float, ...]
    worst: Worst
    wrong_levels: int
    total_levels: int
    step: float
    form: str

    @property
    def ok(self) -> bool:
        return all(error <= bound for error, bound in zip(self.channel_errors, self.tolerance.per_channel, strict=True))

    @property
    def ratio(self) -> float:
        """The worst error as a multiple of its bound."""
        ratios = (
            error / bound if bound else (math.inf if error else 0.0)
            for error, bound in zip(self.channel_errors, self.tolerance.per_channel, strict=True)
        )
        return max(ratios)


def round_trip(case: Case, tolerance: float | None = None, *, any_cast: bool = False) -> RoundTrip:
    """Sends the case's images through its Normalize and back, one by one, so that each stays in the cache.

    Args:
        tolerance: how far a pixel may be off, in the units of the images; derived unless given.
        any_cast: integers may be made in any way, also by truncation, and not by rounding alone.

    Raises:
        InverseError: the inverse raises, or gives back something that is no image.
    """
    normalization = case.expanded
    forward, inverse = Caller(case.forward, "pipeline"), Caller(case.inverse, "inverse", case.way)
    levels = _Levels.there_and_back(forward, inverse, case)
    allowed = _allowed(case, normalization, tolerance, levels, any_cast)
    bounds = torch.tensor(allowed.per_channel, dtype=torch.float64)
    errors = torch.zeros_like(bounds)
    worst: tuple[float, Worst] | None = None
    is_rounded = levels.step > 0 and tolerance is None
    beside = _beside_levels(case, levels.step) if levels.step and not any_cast else ()
    for index, image in enumerate((*case.images, *beside)):
        if not image.numel():
            continue
        expected, found = comparable(image, inverse(forward(image.clone())), case.units)
        gaps = found - expected
        error = _no_nan(gaps.abs().flatten(1).amax(dim=1).double())
        if is_rounded and bool((error > bounds).any()) and _in_equal_bins(case, expected, found, levels.step):
            expected, gaps, error = found, torch.zeros_like(gaps), torch.zeros_like(error)
        errors = torch.maximum(errors, error)
        ratio = float((error / bounds.clamp_min(1e-300)).max())
        if worst is None or ratio > worst[0]:  # NaN where the bound is infinite, as the error is
            worst = ratio, _worst(index, gaps, bounds, expected, found)
    assert worst is not None  # some image has pixels
    each = tuple(errors.tolist())
    return RoundTrip(allowed, each, worst[1], levels.wrong, levels.total, levels.step, inverse.way.words)


def _beside_levels(case: Case, step: float) -> Sequence[torch.Tensor]:
    """An image of values that are up to 0.4 of a step beside one, as resizing leaves them, for a cast to integers.

    The levels alone do not show every truncation: ``255 * (k / 255)`` is k.
    """
    if case.has_own_images:
        return ()
    generator = torch.Generator().manual_seed(0)
    shape, whites = tuple(case.images[0].shape), round(case.units.pixel_max / step)
    drawn = torch.randint(1, whites, shape, generator=generator) + 0.8 * torch.rand(shape, generator=generator) - 0.4
    return ((drawn.double() * step).to(case.dtype),)


def _in_equal_bins(case: Case, expected: torch.Tensor, found: torch.Tensor, step: float) -> bool:
    """Whether each integer has an equal share of 0..1, which is as good as the nearest one."""
    slack = np.array(round_trip_tolerance(case.expanded, case.dtype).per_channel)
    values, results = (one.double().flatten(1).T.numpy() for one in (expected, found))
    return in_equal_bins(values, results, slack, step, case.units.pixel_max)


def comparable(image: torch.Tensor, came: torch.Tensor, units: Units) -> tuple[torch.Tensor, torch.Tensor]:
    """An image and what came back, of floats or integers, in one dtype and in the units of the images."""
    if not came.is_floating_point():
        return image.double(), units.read(came)
    dtype = torch.promote_types(torch.promote_types(image.dtype, came.dtype), torch.float32)
    return image.to(dtype), came.to(dtype)


def _no_nan(errors: torch.Tensor) -> torch.Tensor:
    return errors.nan_to_num(nan=math.inf, posinf=math.inf)


def _worst(index: int, gaps: torch.Tensor, bounds: torch.Tensor, expected: torch.Tensor, found: torch.Tensor) -> Worst:
    ratio = _no_nan(gaps.double().abs()) / bounds.clamp_min(1e-300).view(-1, 1, 1)
    channel, row, column = (int(i) for i in torch.unravel_index(ratio.argmax(), ratio.shape))
    at = (channel, row, column)
    error = abs(float(found[at]) - float(expected[at]))
    return Worst(math.inf if math.isnan(error) else error, index, *at, float(expected[at]), float(found[at]))


@dataclass(frozen=True)
class _Levels:
    """An image with all 256 levels in each channel, there and back.

    Attributes:
        wrong, total: how many do not come back as the same byte, of how many.
        step: as in :class:`RoundTrip`.
        textbook: the forward is ``(x - mean) / std`` to the last bit.
    """

    wrong: int
    total: int
    step: float
    textbook: bool

    @classmethod
    def there_and_back(cls, forward: Caller, inverse: Caller, case: Case) -> _Levels:
        levels, white = level_image(case.channels), case.normalization.pixel_max
        entering = levels.to(case.dtype) / 255 * white
        mean, std = (
            torch.tensor(one, dtype=torch.float64).to(entering.dtype).view(-1, 1, 1)
            for one in (case.expanded.mean, case.expanded.std)
        )
        y = forward(entering.clone())
        textbook = torch.equal(y, (entering - mean) / std)
        came = inverse(y.clone())
        _, found = comparable(entering, came, case.units)
        wrong = (found.double() * 255 / white).round() != levels
        return cls(int(wrong.sum()), 256 * case.channels, case.units.step(came.dtype), textbook)


def _allowed(
    case: Case, normalization: Normalization, given: float | None, levels: _Levels, any_cast: bool
) -> Tolerance:
    if given is not None:
        return Tolerance.given(given, case.channels, normalization.pixel_max)
    ends = [torch.aminmax(image) for image in case.images if image.numel()]
    bound = round_trip_tolerance(
        normalization,
        case.dtype,
        low=min(float(low) for low, _ in ends),
        high=max(float(high) for _, high in ends),
        derived=case.is_derived and levels.textbook,
    )
    step = levels.step
    if not step:
        return bound
    # what a value is off by before it is made an integer, and what that takes
    widened = tuple(one + (1.0 if any_cast else 0.5) * step for one in bound.per_channel)
    what, one = ("bytes", "level") if round(normalization.pixel_max / step) == 255 else ("integers", "integer")
    how = "cast to one beside" if any_cast else f"rounded to the nearest {one}"
    return Tolerance(widened, f"{what} are {how}, and {bound.reason}", normalization.pixel_max)


def worst_text(outcome: RoundTrip, channels: int) -> str:
    """The worst pixel: how far off, in which unit, against what, and where."""
    worst, tolerance = outcome.worst, outcome.tolerance
    levels = worst.error * 255 / tolerance.pixel_max
    bound = tolerance.per_channel[worst.channel]
    times = f"{worst.error / bound:.3g} times the tolerance {bound:.3g}" if bound else "the tolerance is 0"
    name = channel_name(worst.channel, channels)
    named = f" ({name})" if name != f"channel {worst.channel}" else ""
    return (
        f"{worst.error:.4g} = {in_levels(levels, 4)} of 255, {times}\n"
        f"image {worst.image}, channel {worst.channel}{named}, row {worst.row}, "
        f"column {worst.column}: expected {worst.expected:.6g}, found {worst.found:.6g}"
    )


def levels_text(outcome: RoundTrip) -> str:
    return f"{outcome.wrong_levels} of {outcome.total_levels} come back as another byte"
