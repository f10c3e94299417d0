"""Reading what a pipeline returned: where its pixels are, and whether its values are of a usual range."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["Array", "as_if_alone", "common_corner", "pixel_places", "plausibility"]

Array = np.ndarray[Any, np.dtype[np.float64]]

#: How wide a channel usually is, from black to white: a std of a quarter.
_USUAL_WIDTH = 4.0
#: A band around it, in logarithms, that holds a Normalize either of floats or of bytes: they are 255 times as wide.
_HALF_BAND = math.log(255) / 2
#: A channel that is so much narrower than another tells nothing: the colors of a grey image.
_HARDLY = 1e-3


def as_if_alone(together: Array, alone: Array, allowed: float) -> str:
    """Which of two colors, as they come out alone, make up most of an image: "both", "one", or "neither"."""
    if together.shape[1] != alone.shape[1]:
        return "neither"
    distance = np.abs(together[:, None, :] - alone[None]).max(axis=2)
    near = distance.min(axis=1) <= allowed
    if near.sum() < len(together) / 2:
        return "neither"
    return "both" if len(set(distance.argmin(axis=1)[near].tolist())) == 2 else "one"


def plausibility(black: Array, white: Array) -> float:
    """1 where each channel has the range that networks are fed with, which is around zero and some units wide, or that
    of bytes less a mean; else below 1, the more the likelier are the mean and std that make this range.

    With ``y = (x - mean) / std`` and white at 1, a channel is ``1 / std`` wide, and zero is as far beyond its ends, in
    widths, as the mean is beyond black and white. The likelihood falls off as a double exponential in the logarithm of
    std, and as a simple one in how far the mean is beyond; channels count alike.
    """
    low, high = np.minimum(black, white), np.maximum(black, white)
    answers = high - low > _HARDLY * (high - low).max()
    if not answers.any():
        return 0.0
    low, high = low[answers], high[answers]
    width = high - low
    beyond = np.maximum(0, np.maximum(low, -high)) / width
    unusual = np.abs(np.log(width / _USUAL_WIDTH))
    less_mean = bool((np.abs(width - 255) < 0.01).all()) and float(low.max()) <= -0.1 * 255
    if beyond.max() <= 0.25 and (less_mean or unusual.max() <= _HALF_BAND):
        return 1.0
    return 1 / (1 + float((unusual + beyond / 2).mean()))


def pixel_places(shape: tuple[int, ...], axis: int | None) -> np.ndarray[Any, Any]:
    """For each pixel a row, for each channel a column: where its value is in the flattened output."""
    places = np.arange(math.prod(shape)).reshape(shape)
    return places.reshape(-1, 1) if axis is None else np.moveaxis(places, axis, -1).reshape(-1, shape[axis])


def common_corner(output: Array, outputs: list[Array]) -> Array:
    """Outputs of several sizes, cut to what all have."""
    if len({one.ndim for one in outputs}) != 1:
        return output.ravel()[: min(one.size for one in outputs)].reshape(-1, 1)
    return output[tuple(slice(min(one.shape[axis] for one in outputs)) for axis in range(output.ndim))]
