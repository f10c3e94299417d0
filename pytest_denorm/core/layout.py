"""Where the channels are in an array of a given shape: the one decision, for everything that has to make it.

Axes are counted from the end, so that one answer holds for an image, a batch, and a stack of batches: -3 in
(..., C, H, W), -1 in (..., H, W, C), -4 in clips (..., C, T, H, W).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ..errors import ImageError
from .arguments import whole

__all__ = [
    "CLIP_AXIS",
    "COLOR",
    "FIRST",
    "LAST",
    "USUAL",
    "axis_by_values",
    "axis_from_end",
    "channel_axis",
    "fitting_axes",
    "is_clip",
]

#: The axis of the channels in (..., C, H, W), in (..., H, W, C), and in clips (..., C, T, H, W).
FIRST, LAST, CLIP_AXIS = -3, -1, -4
#: How many channels images have where nothing says so, and how many color images have.
USUAL, COLOR = (1, 3, 4), (3, 4)


def fitting_axes(shape: Sequence[int], counts: Collection[int] = USUAL) -> tuple[int, ...]:
    """Return which of :data:`FIRST` and :data:`LAST` hold one of `counts` channels; none of fewer than three axes."""
    return tuple(axis for axis in (FIRST, LAST) if len(shape) >= 3 and shape[axis] in counts)


def channel_axis(shape: Sequence[int], counts: Collection[int] = USUAL, *, prefer: int | None = None) -> int | None:
    """Return the axis of the channels, or None where the shape does not tell it.

    The shape tells it where one of both ends has as many channels as are expected. Where both have, as in (3, H, 3),
    `prefer` decides. :func:`fitting_axes` tells an ambiguous shape from one that has no such axis.

    Args:
        shape: of an image or a batch, (..., C, H, W) or (..., H, W, C).
        counts: how many channels are expected: the usual ones, or as many as the statistics have.
        prefer: the axis to take where both fit: :data:`FIRST` for torch tensors, whose channels are first by
            convention; None for numpy arrays, which come either way.
    """
    fitting = fitting_axes(shape, counts)
    if len(fitting) == 1:
        return fitting[0]
    return prefer if fitting else None


def is_clip(shape: Sequence[int]) -> bool:
    """Return whether a shape is that of a clip (..., C, T, H, W), and of no images with a usual number of channels."""
    return len(shape) >= 4 and shape[CLIP_AXIS] in USUAL and not fitting_axes(shape)


def axis_from_end(axis: Any, shape: Sequence[int]) -> int:
    """Return a `channel_axis` that a user gave, counted from the end.

    Raises:
        ImageError: it is no whole number, or the shape has no such axis.
    """
    number = whole(axis, "channel_axis", ImageError, meaning="axes, such as -3")
    if not -len(shape) <= number < len(shape):
        raise ImageError(f"channel_axis is {number}: images of shape {tuple(shape)} have no such axis.")
    return number - len(shape) if number >= 0 else number


def axis_by_values(values: np.ndarray[Any, np.dtype[np.float64]], channels: int) -> int | None:
    """Return the axis along which the values of one pixel lie; None where there is one value a pixel.

    For an output of unknown layout that was made from an image whose channels differ: of the axes of a usual length,
    or of length `channels`, the one along which the values differ most.
    """
    fitting = [axis for axis, size in enumerate(values.shape) if size in (*USUAL, channels)]
    if not fitting:
        return None

    def merit(axis: int) -> tuple[bool, float, bool]:
        differences = float(np.nan_to_num(np.ptp(values, axis=axis)).mean())
        expected = values.shape[axis] == channels
        # an axis of tiles varies too, where some of them are padding
        return expected and differences > 0, differences, expected

    return max(fitting, key=merit) - values.ndim
