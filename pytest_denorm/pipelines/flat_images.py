"""The pictures that the prober feeds: flat ones of known colours, and stripes of two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .conventions import Levels

__all__ = ["GREYS", "flat", "flat_colours", "in_channels", "stripes"]

GREYS = (0, 1, 2, 32, 96, 160, 224, 253, 254, 255)


def in_channels(colour: Sequence[int], channels: int) -> tuple[int, ...]:
    """The first of them, or all over and over."""
    return tuple(colour[channel % len(colour)] for channel in range(channels))


def flat(colour: Sequence[int], size: tuple[int, int]) -> Levels:
    return np.broadcast_to(np.array(colour, dtype=np.uint8), (*size, len(colour))).copy()


def stripes(first: Sequence[int], second: Sequence[int], size: tuple[int, int], width: int) -> Levels:
    """Upright stripes of two colours in turn."""
    picture = flat(first, size)
    picture[:, np.arange(size[1]) // width % 2 == 1] = second
    return picture


def flat_colours(channels: int) -> list[tuple[int, ...]]:
    """Colours whose channels are independent: greys first, from black to white."""
    greys = [(grey,) * channels for grey in GREYS]
    if channels == 1:
        return greys
    starts = ((40, 120, 200, 80), (104, 128, 152, 116), (254, 1, 128, 30))
    turned = [in_channels(start[turn:] + start[:turn], channels) for start in starts for turn in range(4)]
    alone = [tuple(255 * (channel == one) for channel in range(channels)) for one in range(channels)]
    others = [tuple(255 * (channel != one) for channel in range(channels)) for one in range(channels)]
    return [*greys, *turned, *alone, *others]
