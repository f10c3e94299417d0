"""``diagnose``, for pipelines of images too."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch

from ..core.alone import alone
from ..core.normalization import Normalization, preset
from ..diagnosis import diagnose as of_functions
from ..diagnosis.verdict import Diagnosis
from ..errors import DenormError, StatisticsWarning
from ..pipelines.resolve import locate

__all__ = ["diagnose"]


def diagnose(
    forward: Any,
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
        forward: a Normalization, or the name of a preset; a pipeline, data set or loader with a Normalize in it, which
            alone is undone; or what takes a float tensor (C, H, W), or (N, C, H, W), in 0..`pixel_max`, and normalizes
            it (an array (H, W, C) or (C, H, W), where it takes no tensor).
        inverse: takes what the forward gave; gives back a tensor, array or PIL image, channels first or last, of
            floating point or bytes.
        channels: of the images: unless given as many as the forward declares statistics for, or 3, where it declares
            none, or one for all.
        pixel_max: the value of white in the images that enter the forward: unless given that of its Normalize, where it
            declares one, else 1.
        output_max: the value of white in what the inverse gives: `pixel_max` unless given; of integers see
            :func:`~pytest_denorm.assert_round_trip`.
        dtype: of the images: torch.float64, float32, float16 or bfloat16.
        between: values between two levels of bytes enter Normalize, as after a resize of floats. A cast that truncates
            loses half a level of these, even where all levels come back.

    Returns:
        The diagnosis; ``kind`` is ``exact`` where nothing is wrong.

    Raises:
        InverseError: one of the two raises, or gives back something that is no image.
        StatisticsError: no preset has that name.
        ImageError, ImageTypeError: a forward, an inverse, channels, a white or a dtype that cannot be worked with.
    """
    __tracebackhide__ = True
    return of_functions.diagnose(
        _normalize_inside(forward),
        inverse,
        channels=channels,
        pixel_max=pixel_max,
        output_max=output_max,
        dtype=dtype,
        between=between,
    )


def _normalize_inside(forward: Any) -> Any:
    """The Normalize in a pipeline; anything else is returned as it is."""
    if isinstance(forward, str):
        return preset(forward)
    if isinstance(forward, Normalization):
        return forward
    try:
        with alone(), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            located = locate(forward)
    except DenormError:
        return forward
    if not located.path and _takes_tensors(forward, located.normalization.channels):
        return forward
    for one in caught:
        if not issubclass(one.category, StatisticsWarning):  # it is the inverse that is asked about
            warnings.warn(one.message, one.category, stacklevel=3)
    return located.normalization


def _takes_tensors(forward: Any, channels: int) -> bool:
    """Whether it normalizes a tensor, and does nothing else that its size shows."""
    image = torch.full((channels, 16, 32), 0.5)
    try:
        with alone():
            return bool(forward(image).shape == image.shape)
    except Exception:  # it takes something else
        return False
