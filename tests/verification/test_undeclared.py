"""Pipelines that declare no Normalize are measured, and verified all the same."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision.transforms.functional as F
from torchvision import transforms as T

from pytest_denorm import assert_round_trip, check
from pytest_denorm.errors import NormalizeNotFoundError, SettingsError

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def normalize(picture: Any) -> torch.Tensor:
    return F.normalize(F.to_tensor(picture), MEAN, STD)


def wrong(y: torch.Tensor) -> torch.Tensor:
    return y * torch.tensor([0.229, 0.224, 0.255]).view(-1, 1, 1) + torch.tensor(MEAN).view(-1, 1, 1)


def test_a_plain_function_is_verified() -> None:
    report = check(normalize)
    assert report.ok, str(report)
    assert report.source.startswith("nothing declared; measured in ")
    assert "mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225)" in report.statistics
    assert_round_trip(normalize)


def test_a_wrong_inverse_of_a_plain_function_is_told() -> None:
    with pytest.raises(AssertionError, match=r"wrong-std: blue: gain 1\.133") as caught:
        assert_round_trip(normalize, inverse=wrong)
    assert "nothing declared; measured in " in str(caught.value)


def test_a_pipeline_that_only_makes_a_tensor_has_no_normalize() -> None:
    report = check(T.Compose([T.Resize(40), T.ToTensor()]))
    assert not report.ok
    assert [result.name for result in report.failures] == ["finds_normalize"]
    assert "Measured: pictures in 0..1 leave it as they enter" in report.failures[0].message


def test_what_is_no_normalize_says_what_it_is() -> None:
    with pytest.raises(NormalizeNotFoundError, match=r"Measured: .*mixed: the 1 channel"):
        assert_round_trip(T.Compose([T.Grayscale(), T.ToTensor()]))


@pytest.mark.parametrize("tolerance", [-1, float("nan"), "much", True])
def test_a_tolerance_that_is_none_is_refused(tolerance: Any) -> None:
    with pytest.raises(
        SettingsError, match=r"tolerance is .*: expected a number, 0 or more, in the units of the pictures"
    ):
        assert_round_trip("imagenet", tolerance=tolerance)
