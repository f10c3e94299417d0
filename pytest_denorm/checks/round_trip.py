"""The round trip: pictures through Normalize and back, held against the derived tolerance."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from ..core.normalization import Normalization
from ..core.text import channel_name, in_levels
from ..core.tolerance import Tolerance, round_trip_tolerance
from ..core.units import Units, check_output_max, in_units
from ..diagnosis.diagnose import diagnose
from ..diagnosis.verdict import Diagnosis
from ..diagnosis.observe import in_equal_bins
from ..errors import DenormError, ImageTypeError
from ..pipelines import Located
from ..pipelines.apply import Denormalize
from ..pipelines.calls import Caller, as_function, as_pictures, describe_callable, forward_of
from ..pipelines.exchange import find, turned_back
from ..pipelines.samples import images_for_an_inverse, level_picture, sample_images
from .drawable import draw_round_trip, drawable

__all__ = ["RoundTrip", "Subject", "Worst", "assert_round_trip", "round_trip"]

_WIDTH = 88


@dataclass(frozen=True)
class Subject:
    """What is verified: a Normalize, its inverse, the pictures.

    Attributes:
        located: the Normalize and where it is.
        given: the project's own inverse, or the derived one.
        derived: which of the two it is.
        pictures: (C, H, W) each, as they enter Normalize.
        units: how to read what the inverse gives.
        usual: nobody chose the pictures.
    """

    located: Located
    given: Callable[[Any], Any]
    derived: bool
    pictures: Sequence[torch.Tensor]
    units: Units
    usual: bool

    @classmethod
    def of(cls, pipeline: Any, inverse: Any = None, images: Any = None, output_max: float | None = None) -> Subject:
        """From what a user gives: a pipeline or the name of a preset; the rest as for :func:`assert_round_trip`."""
        return cls.from_located(find(pipeline, inverse, images), inverse, images, output_max)

    @classmethod
    def from_located(
        cls, located: Located, inverse: Any = None, images: Any = None, output_max: float | None = None
    ) -> Subject:
        """The same, for a Normalize that was found already.

        Raises:
            ImageTypeError: the inverse is not callable, or the pictures are none.
            ImageError: the pictures or `output_max` cannot be worked with.
        """
        normalization = located.normalization
        inverse = as_function(inverse)
        if inverse is not None and not callable(inverse):
            raise ImageTypeError(f"inverse is {inverse!r}: expected a function of a normalized picture, or None.")
        check_output_max(output_max, inverse)
        derived = inverse is None
        if derived:
            inverse = Denormalize(normalization.mean, normalization.std, normalization.pixel_max)
        usual = images is None
        if usual:
            images = (sample_images if derived else images_for_an_inverse)(normalization.channels)
        pictures = as_pictures(images, normalization)
        if not derived:
            located = turned_back(located, inverse, len(pictures[0]))
        return cls(located, inverse, derived, pictures, Units(normalization.pixel_max, output_max), usual)

    @property
    def inverse(self) -> Callable[[Any], Any]:
        """With its floats in the units of the pictures."""
        return in_units(self.given, self.units)

    @property
    def normalization(self) -> Normalization:
        return self.located.normalization

    @property
    def channels(self) -> int:
        return self.pictures[0].shape[0]

    @property
    def dtype(self) -> torch.dtype:
        """The coarsest of the pictures'."""
        return max((picture.dtype for picture in self.pictures), key=lambda dtype: torch.finfo(dtype).eps)

    @property
    def expanded(self) -> Normalization:
        """The statistics, one for each channel of the pictures."""
        return self.normalization.expand(self.channels)

    @property
    def forward(self) -> Callable[[torch.Tensor], torch.Tensor]:
        return forward_of(self.located)

    def diagnose(self) -> Diagnosis:
        """What the inverse does wrong, on pictures of its own."""
        return diagnose(
            self.forward,
            self.given,
            channels=self.channels,
            pixel_max=self.normalization.pixel_max,
            output_max=self.units.output_max,
            dtype=self.dtype,
        )


@dataclass(frozen=True)
class Worst:
    """The pixel that is furthest beyond its tolerance."""

    error: float
    picture: int
    channel: int
    row: int
    column: int
    expected: float
    found: float


@dataclass(frozen=True)
class RoundTrip:
    """The outcome of a round trip. Values are in the units of the pictures.

    Attributes:
        tolerance: what was allowed, a channel.
        channel_errors: the largest error of each channel; NaN counts as infinite.
        worst: the worst pixel.
        wrong_levels: how many of 256 levels a channel do not come back as the same byte.
        total_levels: 256 times the number of channels.
        step: the distance of two integers, where the inverse gives such, so that rounding to one is part of it; or 0.
        form: in which the inverse takes a picture; "" for a tensor (C, H, W).
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


def round_trip(subject: Subject, tolerance: float | None = None, *, any_cast: bool = False) -> RoundTrip:
    """Sends the subject's pictures through its Normalize and back, one by one, so that each stays in the cache.

    Args:
        tolerance: how far a pixel may be off, in the units of the pictures; derived unless given.
        any_cast: integers may be made in any way, also by truncation, and not by rounding alone.

    Raises:
        InverseError: the inverse raises, or gives back something that is no picture.
    """
    normalization = subject.expanded
    forward, inverse = Caller(subject.forward, "pipeline"), Caller(subject.inverse, "inverse")
    levels = _Levels.there_and_back(forward, inverse, subject)
    allowed = _allowed(subject, normalization, tolerance, levels, any_cast)
    bounds = torch.tensor(allowed.per_channel, dtype=torch.float64)
    errors = torch.zeros_like(bounds)
    worst: tuple[float, Worst] | None = None
    is_rounded = levels.step > 0 and tolerance is None
    beside = _beside_levels(subject, levels.step) if levels.step and not any_cast else ()
    for index, picture in enumerate((*subject.pictures, *beside)):
        if not picture.numel():
            continue
        expected, found = comparable(picture, inverse(forward(picture.clone())), subject.units)
        gaps = found - expected
        error = _no_nan(gaps.abs().flatten(1).amax(dim=1).double())
        if is_rounded and bool((error > bounds).any()) and _in_equal_bins(subject, expected, found, levels.step):
            expected, gaps, error = found, torch.zeros_like(gaps), torch.zeros_like(error)
        errors = torch.maximum(errors, error)
        ratio = float((error / bounds.clamp_min(1e-300)).max())
        if worst is None or ratio > worst[0]:  # NaN where the bound is infinite, as the error is
            worst = ratio, _worst(index, gaps, bounds, expected, found)
    assert worst is not None  # some picture has pixels
    each = tuple(errors.tolist())
    return RoundTrip(allowed, each, worst[1], levels.wrong, levels.total, levels.step, inverse.way.words)


def _beside_levels(subject: Subject, step: float) -> Sequence[torch.Tensor]:
    """A picture of values that are up to 0.4 of a step beside one, as resizing leaves them, for a cast to integers.

    The levels alone do not show every truncation: ``255 * (k / 255)`` is k.
    """
    if not subject.usual:
        return ()
    generator = torch.Generator().manual_seed(0)
    shape, whites = tuple(subject.pictures[0].shape), round(subject.units.pixel_max / step)
    drawn = torch.randint(1, whites, shape, generator=generator) + 0.8 * torch.rand(shape, generator=generator) - 0.4
    return ((drawn.double() * step).to(subject.dtype),)


def _in_equal_bins(subject: Subject, expected: torch.Tensor, found: torch.Tensor, step: float) -> bool:
    """Whether each integer has an equal share of 0..1, which is as good as the nearest one."""
    slack = np.array(round_trip_tolerance(subject.expanded, subject.dtype).per_channel)
    values, results = (one.double().flatten(1).T.numpy() for one in (expected, found))
    return in_equal_bins(values, results, slack, step, subject.units.pixel_max)


def comparable(picture: torch.Tensor, came: torch.Tensor, units: Units) -> tuple[torch.Tensor, torch.Tensor]:
    """A picture and what came back, of floats or integers, in one dtype and in the units of the pictures."""
    if not came.is_floating_point():
        return picture.double(), units.read(came)
    dtype = torch.promote_types(torch.promote_types(picture.dtype, came.dtype), torch.float32)
    return picture.to(dtype), came.to(dtype)


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
    """A picture with all 256 levels in each channel, there and back.

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
    def there_and_back(cls, forward: Caller, inverse: Caller, subject: Subject) -> _Levels:
        levels, white = level_picture(subject.channels), subject.normalization.pixel_max
        entering = levels.to(subject.dtype) / 255 * white
        mean, std = (
            torch.tensor(one, dtype=torch.float64).to(entering.dtype).view(-1, 1, 1)
            for one in (subject.expanded.mean, subject.expanded.std)
        )
        y = forward(entering.clone())
        textbook = torch.equal(y, (entering - mean) / std)
        came = inverse(y.clone())
        _, found = comparable(entering, came, subject.units)
        wrong = (found.double() * 255 / white).round() != levels
        return cls(int(wrong.sum()), 256 * subject.channels, subject.units.step(came.dtype), textbook)


def _allowed(
    subject: Subject, normalization: Normalization, given: float | None, levels: _Levels, any_cast: bool
) -> Tolerance:
    if given is not None:
        return Tolerance.given(given, subject.channels, normalization.pixel_max)
    ends = [torch.aminmax(picture) for picture in subject.pictures if picture.numel()]
    bound = round_trip_tolerance(
        normalization,
        subject.dtype,
        low=min(float(low) for low, _ in ends),
        high=max(float(high) for _, high in ends),
        derived=subject.derived and levels.textbook,
    )
    step = levels.step
    if not step:
        return bound
    # what a value is off by before it is made an integer, and what that takes
    widened = tuple(one + (1.0 if any_cast else 0.5) * step for one in bound.per_channel)
    what, one = ("bytes", "level") if round(normalization.pixel_max / step) == 255 else ("integers", "integer")
    how = "cast to one beside" if any_cast else f"rounded to the nearest {one}"
    return Tolerance(widened, f"{what} are {how}, and {bound.reason}", normalization.pixel_max)


def assert_round_trip(
    pipeline: Any,
    *,
    inverse: Any = None,
    images: Any = None,
    tolerance: float | None = None,
    output_max: float | None = None,
) -> None:
    """Assert that what goes through a pipeline's Normalize comes back.

    Args:
        pipeline: anything that :func:`~pytest_denorm.find_normalize` understands, a Normalization, or the name of a
            preset. Just its Normalize is run, on the pictures below.
        inverse: the project's own inverse: takes a normalized picture, a tensor (C, H, W), or a batch of one; or an
            array (H, W, C) or (C, H, W), where it takes no tensor. It gives back a tensor, array or PIL picture, of
            floating point or bytes. Without it the derived inverse is used.
        images: pictures as they enter Normalize: a batch or one picture, tensor or array, channels first or last; a PIL
            picture; or a list of these. uint8 is scaled to 0 to ``pixel_max``. Without them: all 256 levels of every
            channel, extremes, and a photograph; for an inverse of the project's own, also that at half its contrast.
        tolerance: how far a pixel may be off, in the units of the pictures. Without it the bound is derived from
            dtype, mean and std.
        output_max: the value of white in the floats that `inverse` gives: that of the pictures that enter Normalize
            unless given. So 1 for an inverse to 0..1 of a Normalize of bytes. Bytes are in 0..255 in any case; integers
            of more bits are in 0..`output_max` where that is at least 255, else in 0..``pixel_max`` where that is, else
            in 0..65535 (uint16) or 0..255. Integers may be off by half of one more, which rounding takes.

    Raises:
        AssertionError: with everything in its message: where the Normalize is, how far off the worst pixel is and
            which it is, each channel, the levels that are lost, the diagnosis, and where the tolerance comes from.
        PipelineError, StatisticsError: as :func:`~pytest_denorm.find_normalize`.
        InverseError: the inverse raises, or gives back something that is no picture.
        ImageError, ImageTypeError: `images` or `output_max` cannot be worked with.
    """
    __tracebackhide__ = True
    subject = Subject.of(pipeline, inverse, images, output_max)
    outcome = round_trip(subject, tolerance)
    if not outcome.ok:
        raise drawable(AssertionError(failure_text(subject, outcome)), partial(draw_round_trip, subject, outcome))


def failure_text(subject: Subject, outcome: RoundTrip) -> str:
    """Everything that is known of a failed round trip."""
    found = subject.normalization
    inverse = f"derived: {subject.inverse}" if subject.derived else describe_callable(subject.inverse)
    lines = [
        "what went through Normalize does not come back",
        *_entry("Normalize", found.source or "Normalization"),
        *_entry("", str(found)),
        *_entry("inverse", f"{inverse}, given {outcome.form}" if outcome.form else inverse),
        *_entry("worst", worst_text(outcome, subject.channels)),
        *_entry("channels", _channels_text(outcome, found.pixel_max)),
        *_entry("levels", levels_text(outcome)),
        *_entry("diagnosis", diagnosis_text(subject, outcome)),
        *_entry("tolerance", _tolerance_text(outcome.tolerance)),
    ]
    return "\n".join(lines)


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
        f"picture {worst.picture}, channel {worst.channel}{named}, row {worst.row}, "
        f"column {worst.column}: expected {worst.expected:.6g}, found {worst.found:.6g}"
    )


def levels_text(outcome: RoundTrip) -> str:
    return f"{outcome.wrong_levels} of {outcome.total_levels} come back as another byte"


def diagnosis_text(subject: Subject, outcome: RoundTrip) -> str:
    """The diagnosis, or why there is none."""
    try:
        said = subject.diagnose()
    except DenormError as error:
        return f"none: {error}"
    return f"none: {_why_exact(subject, outcome)}" if said.exact else str(said)


def _why_exact(subject: Subject, outcome: RoundTrip) -> str:
    """Why these pictures do not come back, where those of the diagnosis do."""
    white = subject.normalization.pixel_max
    usual = round_trip_tolerance(subject.expanded, subject.dtype).per_channel
    if all(error <= bound for error, bound in zip(outcome.channel_errors, usual, strict=True)):
        most = max(usual)
        return f"the inverse is right, and the tolerance that was given less than arithmetic takes, {most:.3g}"
    worst = outcome.worst
    if white != 255 and abs(worst.found / 255 - worst.expected / white) <= 1 / 255:
        return "the inverse is right, and gives 0..255 as floats: say so with output_max=255, or let it make bytes"
    ends = [torch.aminmax(picture) for picture in subject.pictures if picture.numel()]
    low, high = min(float(one) for one, _ in ends), max(float(one) for _, one in ends)
    right = f"the inverse is right for pictures in 0..{white:g}"
    if low < 0 or high > white:
        return f"{right}, and these are in {low:.4g}..{high:.4g}: is what lies outside clipped?"
    return f"{right} of other sizes and values, and not for these"


def _tolerance_text(tolerance: Tolerance) -> str:
    if len(set(tolerance.per_channel)) == 1:
        return str(tolerance)
    channels = len(tolerance.per_channel)
    each = ", ".join(f"{channel_name(c, channels)} {bound:.3g}" for c, bound in enumerate(tolerance.per_channel))
    return f"{each} ({in_levels(tolerance.levels, 3)} at most): {tolerance.reason}"


def _channels_text(outcome: RoundTrip, pixel_max: float) -> str:
    count = len(outcome.channel_errors)
    shown = []
    for c, (error, bound) in enumerate(zip(outcome.channel_errors, outcome.tolerance.per_channel, strict=True)):
        verdict = "ok" if error <= bound else "off"
        shown.append(f"{channel_name(c, count)} {error:.3g} ({in_levels(error * 255 / pixel_max, 3)}) {verdict}")
    return ", ".join(shown)


def _entry(label: str, text: str) -> list[str]:
    """``  label       text``, wrapped under itself."""
    lines = []
    for part in text.split("\n"):
        lines += textwrap.wrap(part, _WIDTH - 14, break_long_words=False, break_on_hyphens=False) or [""]
    return [f"  {label if index == 0 else '':<12}{line}" for index, line in enumerate(lines)]
