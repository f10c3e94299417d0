"""What a typed project writes: it is run by pytest, and read by mypy and pyright in their strict modes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import pytest_denorm
from pytest_denorm import (
    ColorMap,
    Denorm,
    Denormalize,
    DenormError,
    Diagnosis,
    GridFigure,
    Normalization,
    Report,
    Statistics,
    SweepResult,
    image_compare,
    parametrize_with_checks,
)

if TYPE_CHECKING:
    from typing_extensions import assert_type
else:

    def assert_type(value: object, kind: object) -> object:
        return value


val_transform = Normalization([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def undo(tensor: torch.Tensor) -> torch.Tensor:
    return val_transform.denormalize(tensor)


@pytest.fixture
def denorm_pipeline() -> Normalization:
    return val_transform


def test_verification(denorm: Denorm, denorm_images: torch.Tensor, tmp_path: Path) -> None:
    denorm.assert_round_trip(val_transform, inverse=undo, images=denorm_images)
    report = denorm.check(val_transform, inverse=undo, select=["round_trip"], name="val")
    assert_type(report, Report)
    assert_type([result.status for result in report.failures], list[str])
    report.raise_for_failures()
    report.save_figure(tmp_path / "trip.png")
    diagnosis = denorm.diagnose(val_transform, undo)
    assert_type(diagnosis, Diagnosis)
    assert_type(diagnosis.kind, str)
    assert report.ok
    assert diagnosis.exact


def test_pictures(denorm: Denorm, denorm_images: torch.Tensor) -> None:
    normalized = val_transform.normalize(denorm_images)
    assert_type(normalized, torch.Tensor)
    assert_type(denorm.denormalize(normalized, val_transform), torch.Tensor)
    assert_type(denorm.to_uint8(normalized, val_transform), torch.Tensor)
    assert_type(pytest_denorm.to_uint8(normalized, "imagenet"), torch.Tensor)
    array: np.ndarray[Any, np.dtype[np.float32]] = normalized.numpy()
    assert_type(denorm.to_uint8(array, val_transform), np.ndarray[Any, Any])
    assert_type(denorm.inverse_of(val_transform), Denormalize)
    figure = denorm.grid(normalized, val_transform, nrow=3)
    assert_type(figure, GridFigure)
    assert_type([tile.row for tile in figure.tiles], list[int])
    assert torch.equal(denorm.to_uint8(normalized, val_transform), denorm_images)


def test_measuring(denorm: Denorm, denorm_images: torch.Tensor) -> None:
    assert_type(denorm.find_normalize(val_transform), Normalization)
    measured = denorm.probe(torch.nn.Identity(), draws=3)
    assert_type(measured, ColorMap)
    statistics = denorm.dataset_statistics(list(denorm_images), sample=2)
    assert_type(statistics, Statistics)
    swept = denorm.sweep(val_transform, list(denorm_images), limit=2)
    assert_type(swept, SweepResult)
    assert_type(swept.ok, bool)
    assert swept.ok


def test_fixtures(denorm_pipeline: Normalization, denorm_inverse: Callable[[torch.Tensor], torch.Tensor]) -> None:
    assert_type(denorm_inverse(torch.zeros(1, 3, 2, 2)), torch.Tensor)
    assert denorm_pipeline is val_transform


def test_errors() -> None:
    with pytest.raises(DenormError):
        Normalization([0.5], [0.0])


@parametrize_with_checks({"val": val_transform}, inverse=undo, select=["round_trip"])
def test_battery(denorm_check: Callable[[], None]) -> None:
    denorm_check()


@image_compare
def bare_mark(denorm: Denorm) -> GridFigure:
    return denorm.grid(torch.zeros(1, 3, 2, 2, dtype=torch.uint8))


@image_compare(filename="named.png")
def mark(denorm: Denorm) -> GridFigure:
    return denorm.grid(torch.zeros(1, 3, 2, 2, dtype=torch.uint8))
