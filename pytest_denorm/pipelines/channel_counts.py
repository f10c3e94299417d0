"""How many channels the images of a pipeline have, where nobody says: the usual numbers, and those that it shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .outputs import Array

__all__ = ["LESS_USUAL", "USUAL", "first_of", "of_located", "spread_over"]

#: Color, and grey.
USUAL = (3, 1)
#: With a fourth band or transparency; complex numbers, optical flow, two polarizations. Tried where nothing else works.
LESS_USUAL = (4, 2)

#: More are hardly channels.
_MOST = 32


def first_of(channels: int | None) -> tuple[int, ...]:
    """The usual numbers, after that of the user's images, where it is known."""
    return USUAL if channels is None else tuple(dict.fromkeys((channels, *USUAL)))


def of_located(channels: int) -> tuple[int, ...]:
    """Return how many channels images may have: as many as there are statistics, but grey may become color."""
    return USUAL if channels in USUAL else (channels,)


def spread_over(given: Sequence[int], output: Array, channels: int) -> int | None:
    """The number of statistics, where these were spread over an image that has one channel in their place.

    Args:
        given: the shape of the image.
        output: what came of it.
        channels: of the image.
    """
    return _broadcast(given, output) or (_made_of_one(given, output.shape) if channels == 1 else None)


def _broadcast(given: Sequence[int], output: Array) -> int | None:
    """How long the one axis of the output is that the image lacks, or has the length 1 of; None where their shapes
    do not differ in one such axis alone. Of several images that are the same, one is looked at.
    """
    grown = output.ndim - len(given)
    if grown not in (0, 1):
        return None
    if grown and not np.ptp(output, axis=0).any():
        return _broadcast(given, output[0])
    padded = (1,) * grown + tuple(given)
    axes = [axis for axis, size in enumerate(output.shape) if size != padded[axis]]
    return output.shape[axes[0]] if len(axes) == 1 and padded[axes[0]] == 1 else None


def _made_of_one(given: Sequence[int], output: Sequence[int]) -> int | None:
    """How many channels a grey image has become, be they first or last, at another place than before, or resized."""
    if len(output) < 3:
        return None
    count = min(output[-3], output[-1])
    keeps_its_size = set(sorted(given)[-2:]) <= set(output)
    return count if count > 1 and (keeps_its_size or count <= _MOST) else None
