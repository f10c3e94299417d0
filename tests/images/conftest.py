"""A small project with image tests, whose inverse can be made wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
import pytest
from photographs import crops
from PIL import Image

import pytest_denorm.images.grid_layout
import pytest_denorm.images.judge
import pytest_denorm.plugin.image_tests  # noqa: F401

HEAD = """
import numpy as np, pytest, torch, unittest
from pathlib import Path
from pytest_denorm import Normalization, grid, image_compare
photos = torch.from_numpy(np.load(Path(__file__).with_name("photos.npy")))
forward = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
normalized = forward.normalize(photos)
"""


class Project:
    """A folder with photographs (8, 3, 24, 24) and tests, run inside this process unless workers are asked for."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester, self.path = pytester, pytester.path
        np.save(self.path / "photos.npy", crops(8, 24).transpose(0, 3, 1, 2).copy())
        pytester.makeini("[pytest]\n")

    def write(self, body: str, name: str = "test_photos.py") -> None:
        (self.path / name).write_text(HEAD + body, encoding="utf-8")

    def draw(self, expression: str = "normalized, forward") -> None:
        """One test, `test_batch`, that returns ``grid(expression)``."""
        self.write(f"@image_compare\ndef test_batch():\n    return grid({expression})\n")

    def run(self, *arguments: Any) -> pytest.RunResult:
        plain = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:randomly")
        return self.pytester.runpytest(*plain, "--denorm-results=results", *arguments)

    @property
    def baselines(self) -> Path:
        return self.path / "baseline_images"

    def names(self) -> set[str]:
        return {path.name for path in self.baselines.iterdir()} if self.baselines.exists() else set()

    def pixels(self, name: str = "test_batch.png") -> np.ndarray[Any, Any]:
        return np.asarray(Image.open(self.baselines / name))


@pytest.fixture
def project(pytester: pytest.Pytester) -> Iterator[Project]:
    yield Project(pytester)
    matplotlib.pyplot.close("all")  # what tests of sessions in this process left open
