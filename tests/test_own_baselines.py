"""This project's own image tests, held against its own baselines."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision import transforms as T

from pytest_denorm import GridFigure, grid, image_compare, inverse_of

TRANSFORM = T.Compose([T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])


@pytest.fixture(scope="module")
def batch() -> torch.Tensor:
    """Crops of photographs that are stored without loss, so that every decoder gives the same bytes."""
    data = pytest.importorskip("skimage.data", reason="its photographs are used")
    corners = [
        (data.astronaut(), 0, 150),
        (data.astronaut(), 60, 190),
        (data.coffee(), 60, 200),
        (data.chelsea(), 40, 120),
    ]
    return torch.stack([TRANSFORM(np.ascontiguousarray(image[y : y + 96, x : x + 96])) for image, y, x in corners])


@image_compare
def test_inverse_normalized(batch: torch.Tensor) -> GridFigure:
    return grid(batch, TRANSFORM, nrow=4)


@image_compare
def test_as_the_network_sees_it(batch: torch.Tensor) -> GridFigure:
    return grid(batch, nrow=4, inverse=False)


def test_the_module_gives_the_same_picture(batch: torch.Tensor) -> None:
    by_module = grid(inverse_of(TRANSFORM)(batch), nrow=4).pixels
    np.testing.assert_array_equal(by_module, grid(batch, TRANSFORM, nrow=4).pixels)
