"""The pictures that the prober feeds: flat ones of known colours, and stripes of two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .conventions import Levels

__all__ = ["GREYS", "flat", "flat_colours", "stripes"]

GREYS = (0, 1, 2, 32, 96, 160, 224, 253, 254, 255)


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
    turned = [tuple((40, 120, 200, 80)[(channel + turn) % 4] for channel in range(channels)) for turn in range(4)]
    middle = [tuple((104, 128, 152, 116)[(channel + turn) % 4] for channel in range(channels)) for turn in range(4)]
    steep = [tuple((254, 1, 128, 30)[(channel + turn) % 4] for channel in range(channels)) for turn in range(4)]
    alone = [tuple(255 * (channel == one) for channel in range(channels)) for one in range(channels)]
    others = [tuple(255 * (channel != one) for channel in range(channels)) for one in range(channels)]
    return [*greys, *turned, *middle, *steep, *alone, *others]
