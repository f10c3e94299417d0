"""What a Normalize does inside its pipeline, against what it declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torchvision import transforms as T

from pytest_denorm import check

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class DividesTwice(T.Normalize):
    """Its attributes are right, and its code is not."""

    def forward(self, tensor: torch.Tensor) -> torch.Tensor:
        return super().forward(tensor) / torch.tensor(self.std).view(-1, 1, 1)


def turned(picture: torch.Tensor) -> torch.Tensor:
    return picture.flip(0)


def in_bytes(picture: torch.Tensor) -> torch.Tensor:
    return picture * 255


def verdict(pipeline: Any) -> tuple[str, str]:
    (result,) = check(pipeline, select=["declared_matches_measured"]).results
    return result.status, result.message


@pytest.mark.parametrize(
    "around",
    [
        lambda normalize: normalize,
        lambda normalize: T.Compose([T.ToTensor(), normalize]),
        lambda normalize: T.Compose([T.RandomResizedCrop(48), T.ToTensor(), normalize, T.RandomErasing()]),
        lambda normalize: T.Compose([T.ColorJitter(0.4, 0.4, 0.4), T.ToTensor(), normalize]),
    ],
)
def test_attributes_that_lie_are_caught(around: Callable[[Any], Any]) -> None:
    assert verdict(around(T.Normalize(MEAN, STD)))[0] == "passed"
    status, message = verdict(around(DividesTwice(MEAN, STD)))
    assert status == "failed"
    assert message.startswith("red: declared mean 0.485 and std 0.229, measured mean 0.485 and std 0.05244")
    assert message.endswith("what it does is not what its attributes say.")


@pytest.mark.parametrize(
    "pipeline",
    [
        T.Compose([T.ToTensor(), turned, T.Normalize(MEAN, STD)]),
        T.Compose([T.ToTensor(), T.Normalize(MEAN, STD), turned]),
    ],
)
def test_exchanged_channels_are_told(pipeline: Any) -> None:
    status, message = verdict(pipeline)
    assert status == "failed"
    assert message.startswith("the channels leave the pipeline reversed (RGB becomes BGR)")


def test_statistics_of_bytes_on_pictures_of_floats_are_told() -> None:
    albumentations = pytest.importorskip("albumentations", reason="its Normalize expects bytes unless told otherwise")
    right = albumentations.Compose([albumentations.ToFloat(), albumentations.Normalize(max_pixel_value=1.0)])
    assert verdict(right)[0] == "passed"
    status, message = verdict(albumentations.Compose([albumentations.ToFloat(), albumentations.Normalize()]))
    assert status == "failed"
    assert message.startswith("pictures in 0..1 enter a Normalize whose statistics are for 0..255")


def test_pictures_on_another_scale_are_told() -> None:
    status, message = verdict(T.Compose([T.ToTensor(), in_bytes, T.Normalize(MEAN, STD)]))
    assert status == "failed"
    assert message.startswith("pictures in 0..255 enter a Normalize whose statistics are for 0..1")
