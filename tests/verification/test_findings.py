"""What a diagnosis makes of what was seen: of observations made by hand, without running anything."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from observations import FLOAT32, observed

from pytest_denorm import Normalization, diagnose
from pytest_denorm.diagnosis.explain import _clamped, _clamped_channel, _composite, _end, _map_findings, _unknown
from pytest_denorm.diagnosis.observe import Observation

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
STATISTICS = Normalization(MEAN, STD)


def fitted(seen: Observation, **changes: Any) -> Observation:
    """With the fits of a correct inverse; `changes` are of the first channel's."""
    fits = [
        replace(
            seen.fits[c], source=c, slope=seen.std[c], offset=seen.mean[c], low=seen.y_low[c], high=seen.y_high[c],
            row=np.eye(seen.channels)[c] * seen.std[c],
        )
        for c in range(seen.channels)
    ]  # fmt: skip
    return replace(seen, fits=(replace(fits[0], **changes), *fits[1:]))


def right(y: torch.Tensor) -> torch.Tensor:
    mean, std = (torch.tensor(one, dtype=y.dtype)[:, None, None] for one in (MEAN, STD))
    return y * std + mean


def to_bytes(x: torch.Tensor) -> torch.Tensor:
    return (x * 255).round().clamp(0, 255).byte()


@pytest.mark.parametrize(("white", "value", "shown"), [(1.0, 7e-4, "0"), (1.0, 9e-4, "0.0009"), (255.0, 0.1, "0")])
def test_an_end_next_to_0_is_0_on_the_scale_of_the_pictures(white: float, value: float, shown: str) -> None:
    assert _end(value, observed(MEAN, STD, white)) == shown
    assert _end(None, observed(MEAN, STD, white)) == _end(math.inf, observed(MEAN, STD, white)) == ""


def test_where_one_channel_is_no_map_there_is_no_gain() -> None:
    seen = fitted(observed(MEAN, STD))
    assert _composite(seen) == (pytest.approx((1, 1, 1)), pytest.approx((0, 0, 0), abs=1e-12))
    assert _composite(fitted(seen, affine=False)) == (None, None)
    assert _composite(fitted(seen, source=1)) == (None, None)


def test_a_row_is_shown_without_noise_on_its_own_scale() -> None:
    seen = fitted(observed(MEAN, STD, 255.0), source=None, row=np.array([58.4, 4e-5, -4e-5]), offset=-4e-5)
    assert "red: (58.4, 0, 0) times the normalized channels, offset 0;" in _unknown(seen, "why").message
    small = fitted(seen, source=None, row=np.array([5e-3, 4e-5, 0.0]), offset=4e-5)
    assert "red: (0.005, 4e-05, 0) times the normalized channels, offset 4e-05;" in _unknown(small, "why").message


def test_a_channel_that_is_no_map_is_not_clamped() -> None:
    clipped = {"lowest": 0.2, "highest": 0.8}
    seen = observed(MEAN, STD)
    assert _clamped(fitted(seen)) is None
    found = _clamped(fitted(seen, **clipped))
    assert found is not None
    assert found.message.startswith("red: values are clamped after the inverse, to another range than the pictures'")
    assert _clamped(fitted(seen, affine=False, **clipped)) is None
    assert _clamped(fitted(seen, source=None, **clipped)) is None


def test_results_clamped_to_another_range_are_not_predicted() -> None:
    """They may be those of a correct inverse pixel by pixel, and are no picture that comes back."""
    seen = fitted(observed(MEAN, STD), lowest=0.2, highest=0.8)
    seen = replace(seen, fits=(*seen.fits[:2], replace(seen.fits[2], affine=False)), z=seen.z.clip(0.2, 0.8))
    assert [(one.kind, one.message.partition(".")[0]) for one in _map_findings(seen)] == [
        ("unknown", "none of the known mistakes gives these numbers")
    ]


def test_pixels_are_predicted_where_a_channel_is_no_map() -> None:
    seen = fitted(observed(MEAN, STD), affine=False)
    seen = replace(seen, z=(seen.std * seen.y).clip(0, 1))  # without the mean, which makes much of it black
    assert [one.kind for one in _map_findings(seen)] == ["missing-mean"]


def test_exchanged_channels_are_predicted_though_it_is_not_seen_where_each_comes_from() -> None:
    seen = observed(MEAN, STD, step=1 / 255)
    results = (seen.std * seen.y + seen.mean)[:, ::-1]
    seen = replace(fitted(seen, source=None), z=np.rint(results * 255) / 255)
    (found,) = _map_findings(seen)
    assert found.kind == "channel-order"


@pytest.mark.parametrize(
    ("white", "end", "is_before"),
    [
        (1.0, -1.50003, True),  # known to 1e-4 of white, over the slope
        (1.0, -1.5003, True),
        (1.0, -1.5006, False),
        (255.0, (36.07 - 123.675) / 58.395, True),  # -1.5002, which may be -1.5
    ],
)
def test_a_short_number_in_the_normalized_space_is_told_from_floats(white: float, end: float, is_before: bool) -> None:
    seen = observed(MEAN, STD, white)
    lowest = float(seen.std[0] * end + seen.mean[0])
    seen = fitted(seen, lowest=lowest)
    found = _clamped_channel(seen, 0, seen.fits[0])
    assert found is not None
    assert ("in the normalized space" in found[0][0]) is is_before


def test_ends_of_bytes_after_the_inverse_are_known_to_half_a_level() -> None:
    found = diagnose(STATISTICS, lambda y: to_bytes(right(y).clamp(0.14, 0.86)))
    assert found.kind == "clamped"
    assert "clamped after the inverse, to another range than the pictures'" in found.message


def test_exchanged_channels_are_told_from_what_is_left_of_bytes() -> None:
    found = diagnose(STATISTICS, lambda y: right(y).flip(0).clamp(0, 255).round().byte())
    assert (found.kind, [one.kind for one in found.alternatives]) == ("channel-order", ["scale-255"])
    assert found.message.startswith("the channels come back reversed (BGR for RGB).")


def test_what_moves_a_pixel_less_than_can_be_seen_is_no_mistake_beside_another() -> None:
    """Where nothing else explains that pictures do not come back, it is told."""
    seen = observed(MEAN, STD, unit_roundoff=FLOAT32)
    fits = [replace(fit, slope=fit.slope + 1e-7) for fit in fitted(seen).fits]
    (alone,) = _map_findings(replace(seen, fits=tuple(fits)))
    assert alone.message.startswith("An eps of 1e-07 is added to std ")
    turned = [replace(fit, source=2 - c) for c, fit in enumerate(reversed(fits))]
    assert [one.kind for one in _map_findings(replace(seen, fits=tuple(turned)))] == ["channel-order"]


def test_levels_are_counted_where_truncation_is_all_that_is_wrong() -> None:
    def truncated(x: torch.Tensor) -> torch.Tensor:
        return (x * 255).clamp(0, 255).byte()

    alone = diagnose(STATISTICS, lambda y: truncated(right(y)))
    assert " levels come back wrong, and what lies between" in alone.message
    beside = diagnose(STATISTICS, lambda y: truncated(right(y).flip(0)))
    (message,) = [one.message for one in beside.alternatives if one.kind == "truncation"]
    assert message.startswith("bytes are truncated instead of rounded, and what lies between two levels loses half a ")


def test_a_gain_that_is_no_white_is_unknown() -> None:
    found = diagnose(STATISTICS, lambda y: right(y) * 3)
    assert (found.kind, found.message.partition(".")[0]) == (
        "unknown",
        "none of the known mistakes gives these numbers",
    )
