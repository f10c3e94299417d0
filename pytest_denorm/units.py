"""An inverse of the project's own, read in the units of the pictures."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from .arguments import positive
from .errors import ImageError

__all__ = ["check_output_max", "in_units"]


def in_units(
    inverse: Callable[[Any], Any] | None, output_max: float | None, pixel_max: float
) -> Callable[[Any], Any] | None:
    """`inverse`, with the floats that it gives scaled to the units of the pictures. Bytes are in 0..255 in any case.

    Args:
        inverse: the project's own; None for the derived one.
        output_max: the value of white in the floats that it gives; `pixel_max` if None.
        pixel_max: the value of white in the pictures.

    Raises:
        ImageError: `output_max` is no finite number above 0, or there is no inverse that it could be of.
    """
    check_output_max(output_max, inverse)
    if inverse is None or output_max is None or output_max == pixel_max:
        return inverse
    return _InUnits(inverse, pixel_max / output_max)


def check_output_max(output_max: Any, inverse: Any) -> None:
    """
    Raises:
        ImageError: as :func:`in_units`.
    """
    if output_max is None:
        return
    positive(output_max, "output_max", ImageError)
    if inverse is None:
        raise ImageError(
            f"output_max is {output_max!r}, and there is no inverse: expected one of the project's own beside it. The "
            f"derived one gives pictures as they enter Normalize."
        )


class _InUnits:
    """Picklable, for worker processes."""

    def __init__(self, inverse: Callable[[Any], Any], factor: float) -> None:
        functools.update_wrapper(self, inverse, updated=())  # it is called by its own name
        self._inverse = inverse
        self._factor = factor

    def __call__(self, picture: Any) -> Any:
        return self._scaled(self._inverse(picture))

    def _scaled(self, returned: Any) -> Any:
        """In float64, so that nothing is rounded a second time; what is no picture is left for its reader to refuse."""
        if isinstance(returned, torch.Tensor):
            # not every device has float64, and meta has no values
            is_scaled = returned.is_floating_point() and not returned.is_meta
            return returned.cpu().double() * self._factor if is_scaled else returned
        try:
            array = np.asarray(returned)
        except (TypeError, ValueError):
            return returned
        return array.astype(np.float64) * self._factor if array.dtype.kind == "f" else returned
