"""An inverse of the project's own, read in the units of the images."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from ..errors import ImageError
from .arguments import positive
from .foreign import shown
from .white import BYTES, white_of_dtype

__all__ = ["Units", "check_output_max", "in_units"]

#: Integers of these take 0..255, whatever the images' own white is.
_OF_BYTES = (torch.uint8, torch.int8, torch.bool)


class Units(NamedTuple):
    """How to read what an inverse gives: what white is in it, and how far apart two of its values are.

    Attributes:
        pixel_max: the value of white in the images.
        output_max: that in the floats of the inverse, if it is another one; and in integers of more than 8 bits, if it
            is at least 255.
    """

    pixel_max: float
    output_max: float | None = None

    def white(self, dtype: torch.dtype) -> float:
        """The value of white in results of this dtype.

        Of integers of more than 8 bits it is the images' own where that is above 255 (12 or 16 bits), else 65535 in
        uint16, else 255.
        """
        if dtype.is_floating_point:
            return self.pixel_max if self.output_max is None else self.output_max
        if dtype in _OF_BYTES:
            return BYTES
        if self.output_max is not None and self.output_max >= BYTES:
            return self.output_max
        if self.pixel_max > BYTES:
            return self.pixel_max
        return white_of_dtype(dtype) or BYTES

    def step(self, dtype: torch.dtype) -> float:
        """The distance of two values of this dtype, in the units of the images; 0 for floats."""
        return 0.0 if dtype.is_floating_point else self.pixel_max / self.white(dtype)

    def read(self, returned: torch.Tensor) -> torch.Tensor:
        """In the units of the pictures: floats in their own dtype where nothing is to be scaled, else float64."""
        white = self.white(returned.dtype)
        if white == self.pixel_max and returned.is_floating_point():
            return returned
        return returned.double() * (self.pixel_max / white)


def in_units(inverse: Callable[[Any], Any], units: Units) -> Callable[[Any], Any]:
    """`inverse`, with the floats that it gives scaled to the units of the images; integers stay what they are."""
    if units.output_max is None or units.output_max == units.pixel_max:
        return inverse
    return _InUnits(inverse, units.pixel_max / units.output_max)


def check_output_max(output_max: Any, inverse: Any) -> float | None:
    """Return `output_max` as a float; None where it is not given.

    Raises:
        ImageError: `output_max` is no finite number above 0, or there is no inverse that it could be of.
    """
    if output_max is None:
        return None
    white = positive(output_max, "output_max", ImageError)
    if inverse is None:
        raise ImageError(
            f"output_max is {shown(output_max)}, and there is no inverse: expected one of the project's own beside it. "
            f"The derived one gives images as they enter Normalize."
        )
    return white


class _InUnits:
    """Picklable, for worker processes."""

    def __init__(self, inverse: Callable[[Any], Any], factor: float) -> None:
        functools.update_wrapper(self, inverse, updated=())  # it is called by its own name
        self._inverse = inverse
        self._factor = factor

    def __call__(self, image: Any) -> Any:
        return self._scaled(self._inverse(image))

    def _scaled(self, returned: Any) -> Any:
        """In float64, so that nothing is rounded a second time; what is no image is left for its reader to refuse."""
        if isinstance(returned, torch.Tensor):
            # not every device has float64, and meta has no values
            is_scaled = returned.is_floating_point() and not returned.is_meta
            return returned.cpu().double() * self._factor if is_scaled else returned
        try:
            array = np.asarray(returned)
        except (TypeError, ValueError):
            return returned
        return array.astype(np.float64) * self._factor if array.dtype.kind == "f" else returned
