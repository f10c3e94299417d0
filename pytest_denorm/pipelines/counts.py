"""How many channels the pictures of a pipeline have, where nobody says: the usual numbers, and those that it shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from .outputs import Array

__all__ = ["LESS_USUAL", "USUAL", "first_of", "named_in", "spread_over"]

#: Colour, and grey.
USUAL = (3, 1)
#: With a fourth band or transparency; complex numbers, optical flow, two polarizations. Tried where nothing else works.
LESS_USUAL = (4, 2)

#: A larger number in an error is hardly one of channels.
_MOST = 32
_NUMBER = re.compile(r"(?<![\w.])\d{1,2}(?!\.?\w)")


def first_of(channels: int | None) -> tuple[int, ...]:
    """The usual numbers, after that of the user's pictures, where it is known."""
    return USUAL if channels is None else tuple(dict.fromkeys((channels, *USUAL)))


def spread_over(given: Sequence[int], output: Array) -> int | None:
    """The number of statistics, where these were broadcast over a picture that has one channel in their place.

    Args:
        given: the shape of the picture.
        output: what came of it.

    Returns:
        How long the one axis of the output is that the picture lacks, or has the length 1 of; None where their shapes
        do not differ in one such axis alone. Of several pictures that are the same, one is looked at.
    """
    grown = output.ndim - len(given)
    if grown not in (0, 1):
        return None
    if grown and not np.ptp(output, axis=0).any():
        return spread_over(given, output[0])
    padded = (1,) * grown + tuple(given)
    axes = [axis for axis, size in enumerate(output.shape) if size != padded[axis]]
    return output.shape[axes[0]] if len(axes) == 1 and padded[axes[0]] == 1 else None


def named_in(messages: Iterable[str]) -> list[int]:
    """Numbers of channels that errors may speak of, the most frequent first."""
    numbers = [int(number) for message in messages for number in _NUMBER.findall(message)]
    likely = [number for number in dict.fromkeys(numbers) if 0 < number <= _MOST]
    return sorted(likely, key=numbers.count, reverse=True)
