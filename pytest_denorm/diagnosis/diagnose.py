"""Which mistake an inverse makes: it is run on chosen images, and the cheapest explanation of their pixels is told."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..core.alone import alone
from ..core.arguments import MOST_CHANNELS, positive, whole
from ..core.foreign import shown
from ..core.normalization import Normalization
from ..errors import DenormError, ImageError, ImageTypeError, InverseError, StatisticsWarning
from ..pipelines import locate
from ..pipelines.calls import FLOATS, Caller, as_function
from .conclude import conclude, explain
from .observe import Observation, fit_forward, observe
from .questions import ask_again, ask_batches, ask_special, describe_wrong, short_floats, stretched, turned_over
from .search import right
from .verdict import Diagnosis, Finding

__all__ = ["diagnose"]

#: How often an image is asked again where nothing explains what came back.
_RARE = 150


def diagnose(
    forward: Callable[[Any], Any] | Normalization,
    inverse: Callable[[Any], Any] | Normalization,
    *,
    channels: int | None = None,
    pixel_max: float | None = None,
    output_max: float | None = None,
    dtype: torch.dtype = torch.float32,
    between: bool = False,
) -> Diagnosis:
    """Explain how far ``inverse(forward(x))`` is from x.

    Args:
        forward: takes a float tensor (C, H, W), or (N, C, H, W), in 0..`pixel_max`, and normalizes it; an array
            (H, W, C) or (C, H, W), where it takes no tensor.
        inverse: takes what the forward gave; gives back a tensor, array or PIL image, channels first or last, of
            floating point or bytes.
        channels: of the images: unless given as many as the forward declares statistics for, or 3, where it declares
            none, or one for all.
        pixel_max: the value of white in the images that enter the forward. Unless given that of the forward, where it
            is a Normalization; 255, where it declares nothing and normalizes with a mean and a std of bytes; else 1.
        output_max: the value of white in what the inverse gives: `pixel_max` unless given; of integers see
            :func:`~pytest_denorm.assert_round_trip`.
        dtype: of the images: torch.float64, float32, float16 or bfloat16.
        between: values between two levels of bytes enter Normalize, as after a resize of floats. A cast that cuts off
            loses half a level of these, even where all levels come back.

    Returns:
        The diagnosis; ``kind`` is ``exact`` where nothing is wrong.

    Raises:
        InverseError: one of the two raises, or gives back something that is no image.
        ImageError, ImageTypeError: a forward, an inverse, channels, a white or a dtype that cannot be worked with.
    """
    for role, function in (("forward", forward), ("inverse", inverse)):
        if not isinstance(function, Normalization) and not callable(function):
            raise ImageTypeError(f"{role} is {shown(function)}: expected a function of an image, or a Normalization.")
    if not isinstance(dtype, torch.dtype) or dtype not in FLOATS:
        raise ImageTypeError(f"dtype is {shown(dtype)}: expected one of {', '.join(map(str, FLOATS))}.")
    if output_max is not None:
        output_max = positive(output_max, "output_max", ImageError)
    if pixel_max is not None:
        white = positive(pixel_max, "pixel_max", ImageError)
    else:
        white = forward.pixel_max if isinstance(forward, Normalization) else 1.0
    declared = _declared(forward, white)
    assumed = 3 if declared is None or declared.channels == 1 else declared.channels
    count = assumed
    if channels is not None:
        count = whole(channels, "channels", ImageError, least=1, most=MOST_CHANNELS)
    there, back = as_function(forward), as_function(inverse)
    try:
        if pixel_max is None and declared is None:
            white = _own_white(there, count)
        seen = observe(
            there, back, channels=count, pixel_max=white, output_max=output_max, dtype=dtype, declared=declared
        )
        return _told(seen, between)
    except InverseError as error:
        if channels is not None:
            raise
        raise InverseError(f"{error}\nIf the images have not {assumed} channels, say so: channels=.") from error


def _declared(forward: Any, pixel_max: float) -> Normalization | None:
    """Return the statistics that the forward says it has, to the last digit."""
    try:
        with alone(), warnings.catch_warnings():
            if pixel_max != 1:  # Normalize of torchvision cannot say that
                warnings.simplefilter("ignore", StatisticsWarning)
            return locate(forward).normalization
    except DenormError:
        return None


def _own_white(forward: Callable[[Any], Any], channels: int) -> float:
    """Return the white that a forward is made for that declares nothing: 255 where its mean or std is of bytes."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((channels, 11, 13), generator=generator)
    y = Caller(forward, "forward")(x.clone())
    pixels, normalized = (one.detach().double().reshape(channels, -1).T.numpy() for one in (x, y))
    if not np.isfinite(normalized).all():
        return 1.0
    found = fit_forward(pixels, normalized, 1.0, 2.0**-24, None)
    if not found.is_affine or min(*found.mean, *found.std) < 0:
        return 1.0
    return 255.0 if 2 < found.mean.max() <= 255 or 16 < found.std.max() <= 256 else 1.0


def _told(seen: Observation, between: bool) -> Diagnosis:
    """Put every question to what was seen."""
    beside, why, found = list(_in_place(seen)), _no_map(seen), None
    again = [] if why else list(ask_again(seen))
    beside += again
    if any(one.kind == "random" for one in again):
        why = "chance"
    if not why:
        found = right(seen.main) if seen.exact else explain(seen.main, exact=False)
        if found is not None:
            # of what is wrong alone, it says little that it is wrong in a batch
            beside += [*(ask_batches(seen) if seen.exact else []), *ask_special(seen, found)]
        else:
            rare = [one for one in ask_again(seen, _RARE) if one.kind == "random"]
            other = None if rare else stretched(seen) or describe_wrong(seen)
            beside += [*rare, *([other] if other else [])]
            why = "chance" if rare else turned_over(seen) or short_floats(seen)
    spoiled = any(one.kind in ("random", "depends-on-values", "min-max") for one in beside)
    return conclude(
        seen.main, found, wrong_levels=seen.wrong_levels, exact=seen.exact and not spoiled, between=between,
        beside=beside, why=why, scale=seen.scale, finite=seen.is_finite,
    )  # fmt: skip


def _no_map(seen: Observation) -> str:
    """Say why there is no map to look for; "" where there may be one."""
    if not seen.forward_is_finite:
        return "the forward gives NaN or infinite values: is a std 0, or too small for this dtype"
    if not seen.is_finite:
        return "the inverse gives NaN or infinite values"
    if not seen.forward_is_affine and not seen.exact:
        return "the forward is no Normalize: it does not map each channel by itself with a slope and an offset"
    return ""


def _in_place(seen: Observation) -> list[Finding]:
    found = []
    if seen.forward_mutates:
        found.append(
            Finding("mutates-input", "the forward changes its input in place (inplace=True?): pass it a copy.", 0.0)
        )
    if seen.inverse_mutates:
        found.append(
            Finding(
                "mutates-input",
                "the inverse changes its input in place: the normalized batch is overwritten, and a second call gives "
                "other images. Work on a clone.",
                0.0,
            )
        )
    return found
