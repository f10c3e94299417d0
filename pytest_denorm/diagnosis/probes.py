"""The images that a forward and an inverse are asked with."""

from __future__ import annotations

from typing import NamedTuple

import torch

from ..pipelines.samples import level_image

__all__ = ["Probes", "make_probes"]


class Probes(NamedTuple):
    """Images (C, H, W) of one dtype, in 0..white.

    Attributes:
        main: all levels; two random images; one of low contrast, a range of its own in each channel; pure colors.
        special: images that an inverse may take for something else, by what is said of them.
        batch: small images of one size, as many as channels and two more.
    """

    main: list[torch.Tensor]
    special: dict[str, torch.Tensor]
    batch: torch.Tensor


def make_probes(channels: int, white: float, dtype: torch.dtype) -> Probes:
    """Make the images. Heights and widths are odd or differ, so that no axis and no tile can pass for another."""
    generator = torch.Generator().manual_seed(20240229)

    def draw(height: int, width: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        # no axis is as long as that of the channels
        height, width = (size + (size == channels) for size in (height, width))
        drawn = torch.rand((channels, height, width), generator=generator, dtype=torch.float64)
        return low + (high - low) * drawn

    def finished(image: torch.Tensor) -> torch.Tensor:
        return (image * white).to(dtype).contiguous()

    size = (16, 32) if channels not in (16, 32) else (8, 64)
    # levels as ToTensor makes them: divided in the dtype of the images
    levels = level_image(channels, *size).to(dtype) / 255 * white
    own = torch.linspace(0.25, 0.4, channels, dtype=torch.float64).view(-1, 1, 1)
    width = 24 + (channels == 24)
    bars = torch.arange(width) * 8 // width
    pure = torch.stack([(bars >> (channel % 3) & 1).double() for channel in range(channels)])
    pure = pure[:, None, :].expand(channels, 11 + (channels == 11), width)
    others = [draw(47, 61), draw(40, 48), own + 0.3 * draw(31, 40), pure]
    special = {
        "images that are bright throughout": draw(13, 20, 0.92, 1.0),
        "images that are dark throughout": draw(13, 20, 0.0, 0.08),
        "images that are nearly even": draw(13, 20, 0.497, 0.503),
        "images with values slightly beyond black and white": draw(13, 20, -0.06, 1.06),
    }
    small = [draw(9, 14, 0.1 * (k % 3), 1 - 0.15 * (k % 4)) for k in range(channels + 2)]
    return Probes(
        [levels, *map(finished, others)],
        {said: finished(image) for said, image in special.items()},
        torch.stack([finished(image) for image in small]),
    )
