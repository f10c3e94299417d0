"""A project as somebody hands it over, and what helpers the projects share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from photographs import crops
from PIL import Image
from torch.utils.data import Dataset
from torchvision import transforms as T

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
CIFAR_MEAN, CIFAR_STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
BYTE_MEAN, BYTE_STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]

Given = Mapping[str, Any]


@dataclass(frozen=True)
class Project:
    """One small image project.

    Attributes:
        name: ``right`` or ``wrong``, the table, and what it is.
        make: builds the keyword arguments of the public function.
        verdict: what a user would call right: ``passed``, ``warned`` (or passed) or ``failed``.
        cause: what the first failure has to say: alternatives parted by ``|``.
    """

    name: str
    make: Callable[[], Given]
    verdict: str
    cause: str = ""


def given(function: str = "check", **arguments: Any) -> Given:
    """Return what the judge hands to ``pytest_denorm.<function>``."""
    return {"function": function, **arguments}


def named(function: Callable[..., Any]) -> str:
    return function.__name__.replace("_", " ")


def imagenet() -> T.Compose:
    """Return the pipeline of most projects."""
    return T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])


def columns(values: Any) -> torch.Tensor:
    """Return one value a channel, in the shape (C, 1, 1)."""
    return torch.tensor(values).view(-1, 1, 1)


@functools.lru_cache(maxsize=4)
def pixels(size: int = 32, count: int = 12) -> np.ndarray[Any, Any]:
    """Return crops of photographs: uint8, (count, size, size, 3)."""
    return crops(count, size, seed=7)


def pictures(size: int = 32, count: int = 12) -> list[Image.Image]:
    """Return the same crops as PIL images."""
    return [Image.fromarray(one) for one in pixels(size, count)]


@functools.lru_cache(maxsize=1)
def own_statistics() -> tuple[list[float], list[float]]:
    """Return mean and std of :func:`pixels`, as somebody who computes them for his own data set does."""
    values = pixels().astype(np.float64) / 255
    return values.mean((0, 1, 2)).round(4).tolist(), values.std((0, 1, 2)).round(4).tolist()


class Photos(Dataset[Any]):
    """Images with labels; what an item looks like is for subclasses."""

    def __init__(self, transform: Any = None, images: Any = None) -> None:
        self.images = pictures() if images is None else images
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def picture(self, index: int) -> Any:
        image = self.images[index]
        return self.transform(image) if self.transform is not None else image

    def __getitem__(self, index: int) -> Any:
        return self.picture(index), index % 10
