"""The textbook example, from end to end: CIFAR-10, ToTensor, Normalize, a shuffled loader, and its images shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from photographs import write_cifar10
from torch.utils.data import DataLoader
from torchvision import transforms as T
from torchvision.utils import make_grid

from pytest_denorm import assert_round_trip, check, grid, to_uint8
from pytest_denorm.pipelines.samples import level_image

MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])
TRANSFORM = T.Compose([T.ToTensor(), T.Normalize(MEAN.tolist(), STD.tolist())])


def textbook_inverse(batch: torch.Tensor) -> torch.Tensor:
    """z = (x - mean) / std, solved for x, as a second Normalize."""
    return T.Normalize((-MEAN / STD).tolist(), (1 / STD).tolist())(batch)


def shown_by_imshow(picture: torch.Tensor) -> np.ndarray[Any, Any]:
    """The bytes (H, W, 3) that imshow paints of a float tensor (3, H, W)."""
    figure, axes = plt.subplots()
    try:
        image = axes.imshow(picture.permute(1, 2, 0).numpy().clip(0, 1))
        painted = image.to_rgba(image.get_array(), bytes=True, norm=False)
    finally:
        plt.close(figure)
    return np.asarray(painted)[..., :3]


@pytest.fixture
def loader(tmp_path: Path) -> DataLoader[Any]:
    dataset = write_cifar10(tmp_path, train=40)(tmp_path, train=True, transform=TRANSFORM)
    return DataLoader(dataset, batch_size=16, shuffle=True, generator=torch.Generator().manual_seed(1))


def test_the_textbook_loses_levels_and_this_package_none(capsys: pytest.CaptureFixture[str]) -> None:
    levels = level_image(3, 8, 32)
    normalized = TRANSFORM(levels.permute(1, 2, 0).numpy())
    textbook = torch.from_numpy(shown_by_imshow(textbook_inverse(normalized)).copy()).permute(2, 0, 1)
    ours = to_uint8(normalized, TRANSFORM)
    wrong = {"textbook": int((textbook != levels).sum()), "pytest-denorm": int((ours != levels).sum())}
    with capsys.disabled():
        print(f"\nlevels wrong of 768: {wrong}")
    assert 100 <= wrong["textbook"] <= 224
    assert wrong["pytest-denorm"] == 0


def test_one_batch_of_cifar10_comes_back_byte_for_byte(
    loader: DataLoader[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    batch, _ = next(iter(loader))
    stored = {row.tobytes() for row in loader.dataset.data}
    ours = to_uint8(batch, loader).permute(0, 2, 3, 1).contiguous().numpy()
    assert all(picture.tobytes() in stored for picture in ours)

    tiled = make_grid(textbook_inverse(batch), padding=1)
    textbook = shown_by_imshow(tiled)
    figure = grid(batch, loader, padding=1)
    assert figure.pixels.shape == textbook.shape
    wrong = float((textbook != figure.pixels).mean())
    with capsys.disabled():
        print(f"\nbytes of a batch that the textbook shows wrong: {wrong:.1%}; pytest-denorm: 0.0%")
    assert 0.05 < wrong < 0.5
    assert np.abs(textbook.astype(int) - figure.pixels).max() == 1


def test_the_batch_as_it_is_looks_wrong(loader: DataLoader[Any]) -> None:
    batch, _ = next(iter(loader))
    as_fed = grid(batch, inverse=False, padding=1)
    np.testing.assert_array_equal(
        as_fed.pixels, make_grid((batch.clamp(0, 1) * 255).round().to(torch.uint8), padding=1).permute(1, 2, 0).numpy()
    )
    assert (as_fed.pixels == 0).mean() > 0.2  # what is darker than the mean is black


def test_the_loader_is_verified(loader: DataLoader[Any]) -> None:
    assert_round_trip(loader)
    assert_round_trip(loader, inverse=textbook_inverse)
    # forty crops are too few to tell ImageNet's statistics from their own
    report = check(loader, skip=["dataset_is_standardized"])
    assert report.ok, str(report)
