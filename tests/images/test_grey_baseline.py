"""A grey photograph through Normalize and back, held against its stored image."""

from __future__ import annotations

import pytest
from photographs import grey_photographs
from torchvision import transforms

from pytest_denorm import GridFigure, grid, image_compare, preset


@image_compare
def test_grey_photograph() -> GridFigure:
    photos = grey_photographs()
    if not photos:
        pytest.skip("the photographs of scikit-image are in the baseline")
    photo = transforms.functional.pil_to_tensor(photos[0])[:, 64:192, 128:256]
    return grid(transforms.Normalize(0.1307, 0.3081)(photo / 255), preset("mnist"))
