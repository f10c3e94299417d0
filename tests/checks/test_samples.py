"""The built-in pictures: all levels, extremes, and a photograph, for any number of channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms as T

from pytest_denorm.checks import check, sample_images
from pytest_denorm.errors import DenormWarning, ImageError
from pytest_denorm.pipelines.samples import images_for_an_inverse, level_image, photograph


@pytest.fixture
def hopper() -> Image.Image:
    with Image.open(Path(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg")) as image:
        return image.convert("RGB").crop((0, 60, 512, 444)).resize((64, 48), Image.Resampling.LANCZOS)


@pytest.mark.parametrize("channels", [1, 3, 4, 200])
def test_every_level_is_in_every_channel_in_an_order_of_its_own(channels: int) -> None:
    for image, times in ((level_image(channels), 1), (sample_images(channels)[0], 12)):
        rows = image.flatten(1)
        assert all((row.bincount(minlength=256) == times).all() for row in rows)
        assert len(rows.unique(dim=0)) == channels


def test_extremes_are_pure_colors_and_levels_beside_the_ends_and_the_middle() -> None:
    assert sample_images().shape == (3, 3, 48, 64)
    bars = sample_images()[1]
    assert (bars == bars[:, :1]).all()  # vertical bars
    columns = bars[:, 0].reshape(3, 16, 4)
    assert (columns == columns[..., :1]).all()  # of the same width
    pure, near = columns[..., 0].T[:8].tolist(), columns[..., 0].T[8:]
    assert sorted(pure) == [[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)]
    assert all(sorted(channel) == [0, 1, 2, 127, 128, 253, 254, 255] for channel in near.T.tolist())
    assert all(len(set(column)) == 3 for column in near.tolist())


@pytest.mark.parametrize("channels", [1, 3, 7])
def test_an_inverse_gets_a_picture_without_black_and_white(channels: int) -> None:
    given, shown = images_for_an_inverse(channels), sample_images(channels)
    assert torch.equal(given[[0, 1, 3]], shown)
    assert torch.equal(given[2], 64 + shown[2] // 2)
    assert (given[2].min(), given[2].max()) == (64, 191)


def test_the_photograph(hopper: Image.Image) -> None:
    expected = torch.from_numpy(np.array(hopper)).permute(2, 0, 1)
    assert torch.equal(sample_images()[2], expected)
    assert torch.equal(sample_images(1)[2, 0], torch.from_numpy(np.array(hopper.convert("L"))))
    wide = sample_images(7)[2]
    assert torch.equal(wide[:3], expected)
    assert torch.equal(wide[3:6], expected.roll(1, dims=-1))
    assert torch.equal(wide[6], expected[0].roll(2, dims=-1))


def test_without_sample_data_there_is_no_photograph(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*names: Any, **options: Any) -> Path:
        raise FileNotFoundError("grace_hopper.jpg")

    monkeypatch.setattr("matplotlib.cbook.get_sample_data", missing)
    photograph.cache_clear()
    try:
        said = r"^matplotlib came without its sample data \(grace_hopper\.jpg\): the checks run without a photograph\.$"
        with pytest.warns(DenormWarning, match=said):
            report = check(T.Compose([T.ToTensor(), T.Normalize(0.5, 0.25)]))
        assert len(sample_images()) == 2  # it is said once
        assert report.ok
        assert "not seen at work inside its pipeline: matplotlib came without its sample photograph" in " ".join(
            str(report).split()
        )
    finally:
        photograph.cache_clear()


@pytest.mark.parametrize("channels", [0, -1])
def test_pictures_without_channels_are_refused(channels: int) -> None:
    with pytest.raises(ImageError, match=f"^channels is {channels}: expected at least 1\\.$"):
        sample_images(channels)
