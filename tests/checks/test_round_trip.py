"""A round trip: what is allowed, which pixel is the worst, how many levels are lost, and what the error says."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torchvision import transforms as T

from pytest_denorm import Normalization, assert_round_trip, check
from pytest_denorm.checks.assertion import failed_round_trip
from pytest_denorm.checks.case import Case
from pytest_denorm.checks.round_trip import RoundTrip, Worst, round_trip
from pytest_denorm.checks.round_trip_figure import png_of, round_trip_figure
from pytest_denorm.core.tolerance import round_trip_tolerance
from pytest_denorm.errors import (
    ConditionalNormalizeWarning,
    ImageError,
    StatisticsWarning,
)

BYTES = Normalization((100.0, 110.0, 120.0), (50.0, 60.0, 70.0), pixel_max=255.0)
UNIT = Normalization((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
HALF = Normalization(0.5, 0.5)
MEAN, STD = (torch.tensor(one).view(-1, 1, 1) for one in (BYTES.mean, BYTES.std))
PICTURE = torch.arange(18.0).view(3, 2, 3) * 14
SMALL = PICTURE.shape[1:]


def right(y: torch.Tensor) -> torch.Tensor:
    return y * STD + MEAN


def changed(**pixels: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """An inverse that is off in single pixels of small pictures: ``_210=4.0`` is channel 2, row 1, column 0."""

    def inverse(y: torch.Tensor) -> torch.Tensor:
        x = right(y)
        if x.shape[1:] == SMALL:
            for place, change in pixels.items():
                x[tuple(int(digit) for digit in place[1:])] += change
        return x

    return inverse


def trip(inverse: Any, images: Any = PICTURE, tolerance: float | None = None, statistics: Any = BYTES) -> RoundTrip:
    return round_trip(Case(statistics, inverse, images), tolerance)


# --- what is said ---


def off_in_green_and_blue(y: torch.Tensor) -> torch.Tensor:
    x = changed(_210=4.0)(y)
    x[1] += 1.25
    return x


def test_everything_is_in_the_message() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_round_trip(BYTES, inverse=off_in_green_and_blue, images=[PICTURE + 1, PICTURE], tolerance=1.25)
    where, line = __file__, off_in_green_and_blue.__code__.co_firstlineno
    assert str(caught.value).replace(f"({where}:{line})", "(HERE)").replace("\n              (HERE)", " (HERE)") == (
        "wrong-mean: green mean is 111.25 where the pipeline has 110 (gain 1, offset 1.2). "
        "Use the pipeline's own mean.\n"
        "  Normalize   Normalization\n"
        "              mean (100, 110, 120), std (50, 60, 70), images in 0..255\n"
        "  inverse     test_round_trip.off_in_green_and_blue (HERE)\n"
        "  worst       4 = 4 levels of 255, 3.2 times the tolerance 1.25\n"
        "              image 0, channel 2 (blue), row 1, column 0: expected 211, found 215\n"
        "  channels    red 0 (0 levels) ok, green 1.25 (1.25 levels) ok, blue 4 (4 levels) off\n"
        "  levels      256 of 768 come back as another byte\n"
        "  tolerance   1.25 = 1.25 levels: the number given as tolerance="
    )
    failed = failed_round_trip(caught.value)
    assert failed is not None
    assert png_of(round_trip_figure(failed.case, failed.outcome)).startswith(b"\x89PNG")


def test_the_derived_inverse_and_the_source_are_named() -> None:
    broken = T.Compose([T.ToTensor(), T.Normalize(0.485, 0.229)])
    with pytest.raises(AssertionError) as caught:
        assert_round_trip(broken, tolerance=0)
    lines = str(caught.value).splitlines()
    assert lines[1:4] == [
        "  Normalize   Compose.transforms[1]: torchvision.transforms.Normalize",
        "              mean (0.485,), std (0.229,), images in 0..1",
        "  inverse     derived: Denormalize(mean=(0.485,), std=(0.229,))",
    ]
    assert ", the tolerance is 0" in lines[4]
    assert max(map(len, lines)) <= 88


def test_an_inverse_that_takes_no_other_pictures_has_no_diagnosis() -> None:
    def only_these(y: torch.Tensor) -> torch.Tensor:
        if y.shape[1:] not in (SMALL, (8, 32)):
            raise ValueError("too large\nby far")
        return right(y) + 3

    with pytest.raises(AssertionError) as caught:
        assert_round_trip(BYTES, inverse=only_these, images=PICTURE)
    said = " ".join(str(caught.value).split())
    assert " diagnosis none: the inverse raised ValueError: too large. It was called with a float tensor of " in said


def test_statistics_of_bytes_are_for_the_bytes_that_enter() -> None:
    mean, std = (123.0, 117.0, 104.0), (1.0, 1.0, 1.0)
    pipeline = T.Compose([T.PILToTensor(), lambda x: x.float(), T.Normalize(mean, std)])

    def undo(y: torch.Tensor) -> torch.Tensor:
        return (y + torch.tensor(mean).view(3, 1, 1)).round().clamp(0, 255).byte()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_round_trip(pipeline, inverse=undo)
    in_unit = T.Compose([T.ToTensor(), T.Normalize(mean, std)])
    with pytest.warns(StatisticsWarning, match="look like statistics of bytes"):
        assert_round_trip(in_unit, inverse=lambda y: y + torch.tensor(mean).view(3, 1, 1))
    with pytest.warns(ConditionalNormalizeWarning):
        assert_round_trip(T.RandomApply([T.Normalize((0.5,) * 3, (0.5,) * 3)], p=0.5))


def test_white_is_told_of_an_inverse_alone() -> None:
    with pytest.raises(ImageError, match=r"^output_max is 255, and there is no inverse"):
        assert_round_trip(HALF, output_max=255)
    assert_round_trip(HALF, inverse=lambda y: (y * 0.5 + 0.5) * 255, output_max=255)


# --- what is allowed ---


def test_an_error_as_large_as_the_tolerance_is_allowed() -> None:
    for change in (0.5, -0.5):
        assert_round_trip(BYTES, inverse=changed(_012=change), images=PICTURE, tolerance=0.5)
        with pytest.raises(AssertionError):
            assert_round_trip(BYTES, inverse=changed(_012=change), images=PICTURE, tolerance=0.499)
    allowed = trip(changed(_012=0.5), tolerance=0.5)
    assert (allowed.ratio, allowed.worst) == (1, Worst(0.5, 0, 0, 1, 2, 70.0, 70.5))
    assert trip(changed(_012=0.5, _100=0.25), tolerance=2).ratio == 0.25


# --- which pixel is the worst ---


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_the_worst(value: float) -> None:
    outcome = trip(changed(_010=value, _002=9.0))
    assert (outcome.worst.error, outcome.worst.row, outcome.worst.column) == (math.inf, 1, 0)
    assert outcome.channel_errors[0] == math.inf
    assert not outcome.ok


# --- levels and bytes ---


@pytest.mark.parametrize(
    ("wrong", "lost"),
    [
        (lambda x: x, 0),
        (lambda x: x + 0.45 / 255, 0),
        (lambda x: x + 0.55 / 255, 256),
        (lambda x: torch.where(x > 0.999, x * 2, x), 1),
        (lambda x: torch.where(x < 0.001, x - 1, x), 1),
        (lambda x: torch.where(x < 0.5, math.nan, x), 128),
    ],
)
def test_levels_that_are_lost_are_counted(wrong: Callable[[torch.Tensor], torch.Tensor], lost: int) -> None:
    def inverse(y: torch.Tensor) -> torch.Tensor:
        x = y * 0.25 + 0.5
        x[0] = wrong(x[0])
        return x

    outcome = trip(inverse, torch.full((3, 4, 4), 0.5), statistics=UNIT)
    assert (outcome.wrong_levels, outcome.total_levels, outcome.step) == (lost, 768, 0.0)


def to_bytes(y: torch.Tensor) -> torch.Tensor:
    return ((y * 0.25 + 0.5) * 255).round().clamp(0, 255).byte()


def test_bytes_are_held_against_the_nearest_level() -> None:
    between = (PICTURE.round() + 0.3) / 255
    outcome = trip(to_bytes, between, statistics=UNIT)
    assert (outcome.ok, outcome.step, outcome.wrong_levels) == (True, 1 / 255, 0)
    floats = round_trip_tolerance(UNIT, torch.float32, low=float(between.min()), high=float(between.max()))
    assert outcome.tolerance.per_channel == pytest.approx([one + 0.5 / 255 for one in floats.per_channel], rel=1e-8)
    assert outcome.worst.error == pytest.approx(0.3 / 255, rel=1e-3)
    assert outcome.tolerance.pixel_max == 1.0
    assert outcome.tolerance.reason.startswith(
        "bytes are rounded to the nearest level, and float32 rounds each operation"
    )

    outcome = trip(lambda y: to_bytes(y) + (torch.arange(3) == 1)[:, None, None].byte(), between, statistics=UNIT)
    assert not outcome.ok
    assert outcome.wrong_levels == 256
    assert outcome.worst.error == pytest.approx(0.7 / 255, rel=1e-3)
    assert outcome.worst.channel == 1
    assert trip(lambda y: to_bytes(y) + 1, between, 1.001 / 255, UNIT).ok  # as the user says


# --- bytes of values between two levels ---

#: Statistics with which each level comes back as it is, also where bytes are truncated.
KIND_TO_TRUNCATION = {
    "0/1": Normalization((0.0,) * 3, (1.0,) * 3),
    "-1..1 of bytes": Normalization((127.5,) * 3, (127.5,) * 3, 255.0),
    "means of bytes": Normalization((103.939, 116.779, 123.68), (1.0,) * 3, 255.0),
}


def made_bytes(normalization: Normalization, cast: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Any], Any]:
    mean, std = (torch.tensor(one).view(3, 1, 1) for one in (normalization.mean, normalization.std))
    return lambda y: cast((y * std + mean) * (255 / normalization.pixel_max)).clamp(0, 255).to(torch.uint8)


@pytest.mark.parametrize("name", KIND_TO_TRUNCATION)
def test_truncation_fails_where_the_levels_themselves_come_back(name: str) -> None:
    normalization = KIND_TO_TRUNCATION[name]
    inverse = made_bytes(normalization, torch.trunc)
    with pytest.raises(AssertionError) as caught:
        assert_round_trip(normalization, inverse=inverse)
    text = " ".join(str(caught.value).split())
    assert "0 of 768 come back as another byte" in text
    assert "truncation: Bytes are truncated instead of rounded. What lies between two levels" in text
    assert [one.name for one in check(normalization, inverse=inverse).failures] == ["round_trip"]


@pytest.mark.parametrize("name", KIND_TO_TRUNCATION)
def test_other_casts_to_bytes_pass(name: str) -> None:
    normalization = KIND_TO_TRUNCATION[name]
    for cast in (torch.round, lambda x: torch.floor(x + 0.5), lambda x: torch.floor(x * (256 / 255))):
        assert_round_trip(normalization, inverse=made_bytes(normalization, cast))


def test_pictures_that_were_chosen_are_all_that_is_sent() -> None:
    normalization = KIND_TO_TRUNCATION["0/1"]
    chosen = torch.arange(768, dtype=torch.uint8).view(3, 16, 16)
    assert_round_trip(normalization, inverse=made_bytes(normalization, torch.trunc), images=chosen)


# --- images that do not come back, though the inverse is right ---


@pytest.mark.parametrize(
    ("inverse", "given", "why"),
    [
        (
            lambda y: ((y * 0.25 + 0.5) * 255).round(),
            {},
            "none: the inverse is right, and gives 0..255 as floats: say so with output_max=255, or let it make bytes",
        ),
        (
            lambda y: y * 0.26 - y * 0.01 + 0.5,
            {"tolerance": 1e-9},
            "none: the inverse is right, and the tolerance that was given less than arithmetic takes, 2.09e-07",
        ),
        (
            lambda y: (y * 0.25 + 0.5).clamp(0, 1),
            {"images": torch.linspace(-0.5, 1.5, 64).view(1, 8, 8)},
            "none: the inverse is right for images in 0..1, and these are in -0.5..1.5: is what lies outside clipped?",
        ),
        (
            lambda y: y * 0.25 + (0.5 if y.shape[-1] > 8 else 0.6),
            {"images": torch.rand(1, 8, 8)},
            "none: the inverse is right for images in 0..1 of other sizes and values, and not for these",
        ),
    ],
)
def test_why_a_right_inverse_fails(inverse: Any, given: dict[str, Any], why: str) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_round_trip(Normalization(0.5, 0.25), inverse=inverse, **given)
    assert why in " ".join(str(caught.value).split())


def test_the_tolerance_of_each_channel_is_told_where_they_differ() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_round_trip("imagenet", inverse=lambda y: y)
    text = " ".join(str(caught.value).split())
    assert "tolerance red 4.69e-07, green 4.92e-07, blue 4.69e-07 (0.000126 levels at most): float32 rounds" in text
