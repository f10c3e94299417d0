"""``assert_round_trip``, and everything that is known of a round trip that failed, in words."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch

from ..core.text import channel_name, in_levels
from ..core.tolerance import Tolerance, round_trip_tolerance
from ..errors import DenormError
from ..pipelines.calls import describe_callable
from ..pipelines.randomness import preserve_rng_state
from ..pipelines.runner import one_thread
from .as_run import check_inverse_as_run
from .case import Case
from .conduct import check_input_unchanged
from .declared import check_declared_matches_measured
from .outcome import CheckFailure, CheckWarning, NotApplicable, Shown
from .round_trip import RoundTrip, levels_text, round_trip, worst_text

__all__ = ["FailedRoundTrip", "assert_round_trip", "carrying", "failed_round_trip"]

_WIDTH = 88
_ATTRIBUTE = "denorm_round_trip"  # of AssertionError itself, because its name is what pytest shows


class FailedRoundTrip(NamedTuple):
    """What it takes to draw a round trip that failed."""

    case: Case
    outcome: RoundTrip


def carrying(error: AssertionError, case: Case, outcome: RoundTrip) -> AssertionError:
    """Return `error` with the round trip that failed, so that somebody can draw it."""
    setattr(error, _ATTRIBUTE, FailedRoundTrip(case, outcome))
    return error


def failed_round_trip(error: BaseException) -> FailedRoundTrip | None:
    """Return the round trip that an error carries, if it carries one."""
    return getattr(error, _ATTRIBUTE, None)


def assert_round_trip(
    pipeline: Any,
    inverse: Any = None,
    *,
    images: Any = None,
    tolerance: float | None = None,
    output_max: float | None = None,
    layout: str | None = None,
) -> None:
    """Assert that what goes through a pipeline's Normalize comes back.

    Args:
        pipeline: anything that :func:`~pytest_denorm.find_normalize` understands, a Normalization, or the name of a
            preset. A real photograph goes through all of it, or the first items of a data set or the first batch of a
            loader do; the images below go through its Normalize alone.
        inverse: the project's own inverse: takes exactly what the pipeline emits. It gives back a tensor, array or PIL
            image, of floating point or bytes. Without it the derived inverse is used.
        images: images as they enter Normalize: a batch or one image, tensor or array, channels first or last; a PIL
            image; or a list of these. uint8 is scaled to 0 to ``pixel_max``. Without them: all 256 levels of every
            channel, extremes, and a photograph; for an inverse of the project's own, also that at half its contrast.
        tolerance: how far a pixel may be off, in the units of the images. Without it the bound is derived from
            dtype, mean and std.
        output_max: the value of white in the floats that `inverse` gives: that of the images that enter Normalize
            unless given. So 1 for an inverse to 0..1 of a Normalize of bytes. Bytes are in 0..255 in any case; integers
            of more bits are in 0..`output_max` where that is at least 255, else in 0..``pixel_max`` where that is, else
            in 0..65535 (uint16) or 0..255. Integers may be off by half of one more, which rounding takes.

        layout: what `inverse` takes, where that is not what the pipeline emits: ``"CHW"`` or ``"NCHW"`` for tensors of
            one image or a batch, ``"HWC"`` or ``"NHWC"`` for arrays.

    Raises:
        AssertionError: with everything in its message: where the Normalize is, how far off the worst pixel is and
            which it is, each channel, the levels that are lost, the diagnosis, and where the tolerance comes from.
        PipelineError, StatisticsError: as :func:`~pytest_denorm.find_normalize`.
        InverseError: the inverse raises, or gives back something that is no image.
        ImageError, ImageTypeError: `images` or `output_max` cannot be worked with.
    """
    __tracebackhide__ = True
    if tolerance is not None:
        tolerance = Tolerance.given(tolerance, 1).largest
    case = Case(pipeline, inverse, images, output_max=output_max, layout=layout)
    case.find()
    case.prepare()
    _require(case, check_declared_matches_measured)
    outcome = round_trip(case, tolerance)
    if not outcome.ok:
        raise carrying(AssertionError(failure_text(case, outcome)), case, outcome)
    _require(case, partial(check_inverse_as_run, tolerance=tolerance))
    if not case.is_derived:
        _require(case, check_input_unchanged)


def _require(case: Case, check: Callable[[Case], Shown]) -> None:
    """
    Raises:
        AssertionError: the check fails; its cause is the first line.
    """
    __tracebackhide__ = True
    try:
        with one_thread(), preserve_rng_state():
            check(case)
    except (CheckWarning, NotApplicable):
        return
    except CheckFailure as failure:
        found = case.normalization
        lines = [str(failure), *_entry("Normalize", found.source or "Normalization"), *_entry("", str(found))]
        if not case.is_derived:
            lines += _entry("inverse", describe_callable(case.given_inverse))
        raise AssertionError("\n".join(lines)) from failure.__cause__


def failure_text(case: Case, outcome: RoundTrip) -> str:
    """Everything that is known of a failed round trip."""
    found = case.normalization
    inverse = f"derived: {case.inverse}" if case.is_derived else describe_callable(case.inverse)
    said = diagnosis_text(case, outcome)
    is_known = not said.startswith("none: ")
    cause = said if is_known else "round trip failed: inverse(normalize(x)) differs from x"
    lines = [
        *cause.split("\n"),
        *_entry("Normalize", found.source or "Normalization"),
        *_entry("", str(found)),
        *_entry("inverse", f"{inverse}, given {outcome.form}" if outcome.form else inverse),
        *_entry("worst", worst_text(outcome, case.channels)),
        *_entry("channels", _channels_text(outcome, found.pixel_max)),
        *_entry("levels", levels_text(outcome)),
        *([] if is_known else _entry("diagnosis", said)),
        *_entry("tolerance", _tolerance_text(outcome.tolerance)),
    ]
    return "\n".join(lines)


def diagnosis_text(case: Case, outcome: RoundTrip) -> str:
    """The diagnosis, or why there is none."""
    try:
        said = case.diagnose()
    except DenormError as error:
        return f"none: {error}"
    return f"none: {_why_exact(case, outcome)}" if said.exact else str(said)


def _why_exact(case: Case, outcome: RoundTrip) -> str:
    """Why these images do not come back, where those of the diagnosis do."""
    white = case.normalization.pixel_max
    usual = round_trip_tolerance(case.expanded, case.dtype).per_channel
    if all(error <= bound for error, bound in zip(outcome.channel_errors, usual, strict=True)):
        most = max(usual)
        return f"the inverse is right, and the tolerance that was given less than arithmetic takes, {most:.3g}"
    worst = outcome.worst
    if white != 255 and abs(worst.found / 255 - worst.expected / white) <= 1 / 255:
        return "the inverse is right, and gives 0..255 as floats: say so with output_max=255, or let it make bytes"
    ends = [torch.aminmax(image) for image in case.images if image.numel()]
    low, high = min(float(one) for one, _ in ends), max(float(one) for _, one in ends)
    right = f"the inverse is right for images in 0..{white:g}"
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
