"""Pipelines that declare no Normalize are measured, and verified all the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as F
from torchvision import transforms as T

from pytest_denorm import assert_round_trip, check, probe
from pytest_denorm.errors import NormalizeNotFoundError, SettingsError

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def normalize(image: Any) -> torch.Tensor:
    return F.normalize(F.to_tensor(image), MEAN, STD)


def wrong(y: torch.Tensor) -> torch.Tensor:
    return y * torch.tensor([0.229, 0.224, 0.255]).view(-1, 1, 1) + torch.tensor(MEAN).view(-1, 1, 1)


def test_a_plain_function_is_verified() -> None:
    report = check(normalize)
    assert report.ok, str(report)
    assert report.source.startswith("nothing declared; measured in ")
    assert "mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225)" in report.statistics
    assert_round_trip(normalize)


def test_a_wrong_inverse_of_a_plain_function_is_told() -> None:
    with pytest.raises(AssertionError, match=r"wrong-std: blue std is 0\.255") as caught:
        assert_round_trip(normalize, inverse=wrong)
    assert "nothing declared; measured in " in str(caught.value)


def test_a_pipeline_that_only_makes_a_tensor_has_no_normalize() -> None:
    report = check(T.Compose([T.Resize(40), T.ToTensor()]))
    assert not report.ok
    assert [result.name for result in report.failures] == ["finds_normalize"]
    assert "Measured: images in 0..1 leave it as they enter" in report.failures[0].message


def test_what_is_no_normalize_says_what_it_is() -> None:
    with pytest.raises(NormalizeNotFoundError, match=r"Measured: .*mixed: the 1 channel"):
        assert_round_trip(T.Compose([T.Grayscale(), T.ToTensor()]))


@pytest.mark.parametrize("tolerance", [-1, float("nan"), "much", True])
def test_a_tolerance_that_is_none_is_refused(tolerance: Any) -> None:
    with pytest.raises(
        SettingsError, match=r"tolerance is .*: expected a number, 0 or more, in the units of the images"
    ):
        assert_round_trip("imagenet", tolerance=tolerance)


def of_pil_by_hand(image: Any) -> torch.Tensor:
    x = np.asarray(image).astype(np.float32)
    return torch.from_numpy(((x - MEAN) / STD).astype(np.float32).transpose(2, 0, 1))


@pytest.mark.parametrize("call", [of_pil_by_hand, lambda image: of_pil_by_hand(np.array(image))])
def test_a_function_of_pil_pictures_that_forgets_to_divide_by_255(call: Any) -> None:
    assert probe(call).undivided == "a PIL image"
    assert str(probe(call)).partition("; ")[2].startswith("a PIL image is not divided by 255 (measured in ")
    (result,) = check(call, select=["statistics_valid"]).results
    assert (result.status, result.message) == (
        "failed",
        "a PIL image holds bytes, and what the pipeline makes of it is 255 times what it makes of a float32 array "
        "(H, W, C) in 0..1: it does not divide by 255. Divide before the mean is taken off; or, if none but values in "
        "0..1 go in, declare this an expected failure.",
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda image: of_pil_by_hand(np.asarray(image) / 255),
        lambda tensor: (tensor.float() - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None],
        lambda array: of_pil_by_hand(array if isinstance(array, np.ndarray) and array.dtype == np.float32 else 1 / 0),
        lambda image: (torch.from_numpy(np.array(image)).permute(2, 0, 1).float() - 127.5) / 127.5,
    ],
    ids=["divides", "of tensors", "of arrays of floats", "of bytes"],
)
def test_who_divides_or_takes_no_bytes_is_not_blamed(call: Any) -> None:
    assert probe(call).undivided == ""
    (result,) = check(call, select=["statistics_valid"]).results
    assert result.status == "passed"
