"""Pipelines that exchange channels, as OpenCV wants them, and inverses that turn them back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torchvision import transforms as T

from pytest_denorm import assert_round_trip, check
from pytest_denorm.checks import Report
from pytest_denorm.errors import PipelineError

MEAN, STD = (0.406, 0.456, 0.485), (0.225, 0.224, 0.229)  # ImageNet's, blue first
m, s = (torch.tensor(one).view(-1, 1, 1) for one in (MEAN, STD))


def exchange(x: torch.Tensor) -> torch.Tensor:
    return x.flip(-3)


def roll(x: torch.Tensor) -> torch.Tensor:
    return x.roll(1, -3)


def to_bgr(image: Any) -> torch.Tensor:
    """A function that declares nothing."""
    array = np.asarray(image)[:, :, ::-1].astype(np.float32) / 255
    return torch.from_numpy(((array - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1).copy())


BEFORE = T.Compose([T.ToTensor(), T.Lambda(exchange), T.Normalize(MEAN, STD)])
AFTER = T.Compose([T.ToTensor(), T.Normalize(MEAN[::-1], STD[::-1]), T.Lambda(exchange)])
PIPELINES = {"before": BEFORE, "after": AFTER, "in a function": to_bgr}


def undo(y: torch.Tensor) -> torch.Tensor:
    return (y * s + m).flip(-3)


def undo_to_bytes(y: torch.Tensor) -> Any:
    """As it is done for cv2.imwrite and back."""
    array = (y * s + m).permute(1, 2, 0).numpy()
    return (array * 255).round().clip(0, 255).astype(np.uint8)[:, :, ::-1]


def turned_back_and_typed_wrong(y: torch.Tensor) -> torch.Tensor:
    return (y * torch.tensor([0.255, 0.224, 0.229]).view(-1, 1, 1) + m).flip(-3)


def without_turning(y: torch.Tensor) -> torch.Tensor:
    return y * s + m


def failed(report: Report) -> list[str]:
    return [one.name for one in report.failures if one.name != "picklable"]  # of what holds a lambda


@pytest.mark.parametrize(
    ("name", "inverse"), [("before", undo), ("after", undo_to_bytes), ("in a function", undo_to_bytes)]
)
def test_an_inverse_that_turns_them_back_is_right(name: str, inverse: Callable[..., Any]) -> None:
    assert_round_trip(PIPELINES[name], inverse=inverse)
    report = check(PIPELINES[name], inverse=inverse)
    assert not failed(report), report
    ran = {one.name: one for one in report.results}
    assert ran["declared_matches_measured"].message.endswith(
        "; channels leave it reversed (RGB becomes BGR), and the inverse turns them back"
    )
    assert ran["channel_order"].message == "each of 3 answers to itself alone"


@pytest.mark.parametrize("name", PIPELINES)
def test_its_mistakes_are_named_all_the_same(name: str) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_round_trip(PIPELINES[name], inverse=turned_back_and_typed_wrong)
    said = re.sub(r"\s+", " ", str(caught.value))
    assert "wrong-std: blue std is 0.255 where the pipeline has 0.225, a well-known slip" in said
    assert "channel-order" not in said


@pytest.mark.parametrize(
    ("name", "inverse"), [("before", without_turning), ("after", None), ("in a function", without_turning)]
)
def test_without_one_the_exchange_is_told(name: str, inverse: Callable[..., Any] | None) -> None:
    report = check(PIPELINES[name], inverse=inverse)
    first = report.failures[0]
    assert first.name == ("finds_normalize" if PIPELINES[name] is to_bgr else "declared_matches_measured")
    assert "RGB becomes BGR" in first.message
    advice = (
        "Take the exchange of channels out; or, where the network wants them so, give your own inverse, which turns "
        "them back: inverse=."
    )
    assert first.message.endswith(advice) == (PIPELINES[name] is to_bgr)


def test_a_function_that_only_an_inverse_that_turns_back_makes_a_normalize() -> None:
    for inverse in (None, without_turning, lambda y: roll(y * s + m), lambda y: 1 / 0):
        with pytest.raises(
            PipelineError, match=r"channel order: the output's channels are made of the input's \(2, 1, 0\)"
        ):
            assert_round_trip(to_bgr, inverse=inverse)


def test_turning_what_was_never_exchanged_is_still_a_mistake() -> None:
    mean, std = (0.3, 0.4, 0.5), (0.2, 0.25, 0.3)
    straight = T.Compose([T.ToTensor(), T.Normalize(mean, std)])

    def turning(y: torch.Tensor) -> torch.Tensor:
        return (y * torch.tensor(std).view(-1, 1, 1) + torch.tensor(mean).view(-1, 1, 1)).flip(-3)

    report = check(straight, inverse=turning)
    assert report.diagnosis is not None
    assert report.diagnosis.kind == "channel-order"
    assert "channel_order" in failed(report)
    with pytest.raises(AssertionError, match="channel-order: The channels come back reversed"):
        assert_round_trip(straight, inverse=turning)
