"""A small project with image tests, whose inverse can be made wrong."""

from __future__ import annotations

import json
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
import matplotlib, matplotlib.pyplot as plt, numpy as np, pytest, torch, unittest
from pathlib import Path
from pytest_denorm import Normalization, grid, image_compare
photos = torch.from_numpy(np.load(Path(__file__).with_name("photos.npy")))
forward = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
normalized = forward.normalize(photos)
"""
_PLAIN = ("-p", "no:hypothesispytest", "-p", "no:randomly")


class Project:
    """A folder with photographs (8, 3, 24, 24) and tests, run inside this process unless workers are asked for."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester, self.path = pytester, pytester.path
        np.save(self.path / "photos.npy", crops(8, 24).transpose(0, 3, 1, 2).copy())
        pytester.makeini("[pytest]\n")

    def write(self, body: str, name: str | Path = "test_photos.py") -> None:
        (self.path / name).write_text(HEAD + body, encoding="utf-8")

    def draw(self, *changes: str, mark: str = "@image_compare", name: str = "batch") -> None:
        """Write tests that each return ``grid(change)``: `test_batch`, or several with a number behind it."""
        names = [name] if len(changes) == 1 else [f"{name}{at}" for at in range(len(changes))]
        self.write(
            "".join(
                f"{mark}\ndef test_{one}():\n    return grid({change})\n"
                for one, change in zip(names, changes, strict=True)
            )
        )

    def run(self, *arguments: Any, **outcomes: int) -> pytest.RunResult:
        """Run a session, and hold its outcomes against those that are given."""
        plain = (*_PLAIN, "-p", "no:cacheprovider", "--denorm-results=results")
        result = self.pytester.runpytest(*plain, *arguments)
        if outcomes:
            result.assert_outcomes(**outcomes)
        return result

    def run_with_cache(self, *arguments: Any) -> pytest.RunResult:
        return self.pytester.runpytest(*_PLAIN, *arguments)

    def update(self, *arguments: Any, **outcomes: int) -> pytest.RunResult:
        """Write what is missing."""
        return self.run("--denorm-update=missing", *arguments, **outcomes)

    @property
    def baselines(self) -> Path:
        return self.path / "baseline_images"

    def names(self) -> set[str]:
        return {path.name for path in self.baselines.iterdir()} if self.baselines.exists() else set()

    def pixels(self, name: str = "test_batch.png") -> np.ndarray[Any, Any]:
        return np.asarray(Image.open(self.baselines / name))

    def digests(self, folder: str = "baseline_images") -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.path / folder / "digests.json").read_text())
        return found

    def results(self) -> dict[str, Any]:
        """Return what the manifest says of each test, by the last part of its node id."""
        found = json.loads((self.path / "results/results.json").read_text())
        return {one["test"].rpartition("::")[2]: one for one in found["tests"]}


@pytest.fixture
def project(pytester: pytest.Pytester) -> Iterator[Project]:
    yield Project(pytester)
    matplotlib.pyplot.close("all")  # what tests of sessions in this process left open
