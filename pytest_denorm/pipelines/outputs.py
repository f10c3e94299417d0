"""Reading what a pipeline returned: where its channels are, and whether its values are of a usual range."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["Array", "as_if_alone", "channel_axis", "common_corner", "pixel_places", "plausibility"]

Array = np.ndarray[Any, np.dtype[np.float64]]


def as_if_alone(together: Array, alone: Array, allowed: float) -> str:
    """Which of two colours, as they come out alone, make up most of a picture: "both", "one", or "neither"."""
    if together.shape[1] != alone.shape[1]:
        return "neither"
    distance = np.abs(together[:, None, :] - alone[None]).max(axis=2)
    near = distance.min(axis=1) <= allowed
    if near.sum() < len(together) / 2:
        return "neither"
    return "both" if len(set(distance.argmin(axis=1)[near].tolist())) == 2 else "one"


def plausibility(black: Array, white: Array) -> float:
    """1 where the values have the range that networks are fed with: in each channel around zero, and a few units wide,
    or as wide as bytes are where just a mean was taken off."""
    low, high = np.minimum(black, white), np.maximum(black, white)
    width = float((high - low).max())
    around_zero = float(((low <= 0.25 * width) & (high >= -0.25 * width)).mean())
    less_mean = abs(width - 255) < 0.01 and float(low.max()) <= -0.1 * width
    usual = width > 0 and (0.2 <= width <= 60 or less_mean)
    return (around_zero + (1.0 if usual else 1 / (1 + abs(math.log(max(width, 1e-12) / 4))))) / 2


def channel_axis(output: Array, channels: int) -> int | None:
    """The axis along which the colours of one pixel lie; None where there is one value a pixel."""
    fitting = [axis for axis, size in enumerate(output.shape) if size in (1, 3, 4, channels)]
    if not fitting:
        return None

    def merit(axis: int) -> tuple[bool, float, bool]:
        differences = float(np.nan_to_num(np.ptp(output, axis=axis)).mean())
        expected = output.shape[axis] == channels
        # an axis of tiles varies too, where some of them are padding
        return expected and differences > 0, differences, expected

    return max(fitting, key=merit) - output.ndim


def pixel_places(shape: tuple[int, ...], axis: int | None) -> np.ndarray[Any, Any]:
    """For each pixel a row, for each channel a column: where its value is in the flattened output."""
    places = np.arange(math.prod(shape)).reshape(shape)
    return places.reshape(-1, 1) if axis is None else np.moveaxis(places, axis, -1).reshape(-1, shape[axis])


def common_corner(output: Array, outputs: list[Array]) -> Array:
    """Outputs of several sizes, cut to what all have."""
    if len({one.ndim for one in outputs}) != 1:
        return output.ravel()[: min(one.size for one in outputs)].reshape(-1, 1)
    return output[tuple(slice(min(one.shape[axis] for one in outputs)) for axis in range(output.ndim))]
