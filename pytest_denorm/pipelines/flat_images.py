"""The images that pipelines are called with: of one color, of stripes of two, and of many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .forms import Levels

__all__ = ["GREYS", "chipped", "flat", "flat_colors", "in_channels", "levels_of_noise", "stripes", "varied"]

#: Height and width of the blocks of :func:`varied`.
_BLOCK = 4
GREYS = (0, 1, 2, 32, 96, 160, 224, 253, 254, 255)


def in_channels(color: Sequence[int], channels: int) -> tuple[int, ...]:
    """The first of them, or all over and over."""
    return tuple(color[channel % len(color)] for channel in range(channels))


def flat(color: Sequence[int], size: tuple[int, int]) -> Levels:
    return np.broadcast_to(np.array(color, dtype=np.uint8), (*size, len(color))).copy()


def chipped(color: Sequence[int], size: tuple[int, int]) -> Levels:
    """Return an image of one color but for a corner of black and white: no pipeline can call it blank."""
    image = flat(color, size)
    height, width = (max(2, side // 8) for side in size)
    image[: height // 2, :width], image[height // 2 : height, :width] = 0, 255
    return image


def varied(channels: int, size: tuple[int, int]) -> Levels:
    """Return an image of many colors in blocks, with black and white among them and no two channels alike."""
    blocks = np.random.default_rng(0).integers(0, 256, (*(-(-side // _BLOCK) for side in size), channels), np.uint8)
    blocks[0, 0], blocks[-1, -1] = 0, 255
    return np.ascontiguousarray(blocks.repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)[: size[0], : size[1]])


def levels_of_noise(channels: int, size: tuple[int, int]) -> Levels:
    """Return an image of independent levels, no two pixels alike."""
    return np.random.default_rng(0).integers(0, 256, (*size, channels), dtype=np.uint8)


def stripes(first: Sequence[int], second: Sequence[int], size: tuple[int, int], width: int) -> Levels:
    """Upright stripes of two colors in turn."""
    picture = flat(first, size)
    picture[:, np.arange(size[1]) // width % 2 == 1] = second
    return picture


def flat_colors(channels: int) -> list[tuple[int, ...]]:
    """Colors whose channels are independent: greys first, from black to white."""
    greys = [(grey,) * channels for grey in GREYS]
    if channels == 1:
        return greys
    starts = ((40, 120, 200, 80), (104, 128, 152, 116), (254, 1, 128, 30))
    turned = [in_channels(start[turn:] + start[:turn], channels) for start in starts for turn in range(4)]
    alone = [tuple(255 * (channel == one) for channel in range(channels)) for one in range(channels)]
    others = [tuple(255 * (channel != one) for channel in range(channels)) for one in range(channels)]
    return [*greys, *turned, *alone, *others]
