"""The images that checks use when the user gives none."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from ..errors import DenormWarning, ImageError

__all__ = ["images_for_an_inverse", "level_image", "photograph", "sample_images", "with_channels"]

_HEIGHT, _WIDTH = 48, 64


def sample_images(channels: int = 3) -> torch.Tensor:
    """Images that show what a Normalize does: uint8 (N, `channels`, 48, 64).

    All 256 levels of every channel, each channel in an order of its own; black, white and all pure colors beside
    levels 1, 127, 128 and 254; and a real photograph (Grace Hopper, from matplotlib's sample data), grey for one
    channel.

    Raises:
        ImageError: fewer than one channel.
    """
    if channels < 1:
        raise ImageError(f"channels is {channels}: expected at least 1.")
    images = [level_image(channels, _HEIGHT, _WIDTH), _extremes(channels)]
    photo = photograph()
    if photo is not None:
        images.append(with_channels(photo, channels))
    return torch.stack(images)


def images_for_an_inverse(channels: int) -> torch.Tensor:
    """Those of :func:`sample_images`, and before the last of them the same at half its contrast.

    What stretches each image to its own minimum and maximum gives the others back: they have black and white in them.
    """
    *first, last = sample_images(channels)
    return torch.stack([*first, 64 + last // 2, last])


def level_image(channels: int, height: int = 8, width: int = 32) -> torch.Tensor:
    """uint8 (channels, height, width) with every level equally often in every channel, if 256 divides the pixels.

    The order differs from channel to channel, so that no channel can stand for another.
    """
    position = torch.arange(height * width)
    rows = [(position * (2 * (53 * channel % 127) + 1) + 29 * channel) % 256 for channel in range(channels)]
    return torch.stack(rows).to(torch.uint8).view(channels, height, width)


def _extremes(channels: int) -> torch.Tensor:
    """Vertical bars: every combination of 0 and 255 in neighbouring channels, then levels beside ends and middle."""
    bars = torch.tensor([[255 * (bar >> (channel % 3) & 1) for bar in range(8)] for channel in range(channels)])
    steps = torch.tensor([0, 1, 2, 127, 128, 253, 254, 255])
    near = torch.stack([steps.roll(channel) for channel in range(channels)])
    columns = torch.cat([bars, near], dim=1).repeat_interleave(_WIDTH // 16, dim=1)
    return columns[:, None, :].expand(-1, _HEIGHT, -1).to(torch.uint8).contiguous()


@lru_cache(maxsize=1)
def photograph() -> torch.Tensor | None:
    """A real photograph, uint8 (3, 48, 64), or None (with a warning) where matplotlib came without its sample data."""
    from matplotlib.cbook import get_sample_data
    from PIL import Image

    try:
        with Image.open(get_sample_data("grace_hopper.jpg", asfileobj=False)) as image:  # type: ignore[arg-type, unused-ignore]
            crop = image.convert("RGB").crop((0, 60, 512, 444))
    except OSError as error:
        warnings.warn(
            f"matplotlib came without its sample data ({error}): the checks run without a photograph.",
            DenormWarning,
            stacklevel=2,
        )
        return None
    small = np.array(crop.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS))
    return torch.from_numpy(small).permute(2, 0, 1).contiguous()


def with_channels(photo: torch.Tensor, channels: int) -> torch.Tensor:
    """Of a photograph: grey for one channel; beyond three, the colors again, moved a little so that they differ."""
    if channels == 1:
        from PIL import Image

        return torch.from_numpy(np.array(Image.fromarray(photo.permute(1, 2, 0).numpy()).convert("L")))[None]
    planes: list[Any] = [photo[channel % 3].roll(channel // 3, dims=1) for channel in range(channels)]
    return torch.stack(planes)
