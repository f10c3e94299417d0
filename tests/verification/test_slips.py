"""Statistics of a pipeline that are a preset's, but for a slip."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torchvision import transforms as T

from pytest_denorm import PRESETS, Normalization, check
from pytest_denorm.diagnosis.slips import slip
from pytest_denorm.errors import StatisticsWarning
from pytest_denorm.strategies import normalizations

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
COLOURED = [name for name, preset in PRESETS.items() if preset.channels == 3 and name != "half"]
PARTED = [name for name in PRESETS if name != "half"]


def of(mean, std, white=1.0):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)  # a mean that is divided by std is told by that already
        return Normalization([m * white for m in mean], [s * white for s in std], white)


@pytest.mark.parametrize(
    ("mean", "std", "said"),
    [
        (MEAN, (0.229, 0.224, 0.255), "std[2] is 0.255 where imagenet has 0.225; all other numbers are imagenet's."),
        (MEAN, (0.229, 0.229, 0.225), "std[1] is 0.229 where imagenet has 0.224; all other numbers are imagenet's."),
        ((0.485, 0.465, 0.406), STD, "mean[1] is 0.465 where imagenet has 0.456; all other numbers are imagenet's."),
        (
            (0.406, 0.456, 0.845),
            STD[::-1],
            "mean[2] is 0.845 where imagenet has 0.485; all other numbers are imagenet's.",
        ),
        (
            MEAN,
            STD[::-1],
            "these are imagenet's numbers, mean in the order (0, 1, 2) of its channels and std in (2, 1, 0).",
        ),
        (
            (0.456, 0.485, 0.406),
            STD,
            "these are imagenet's numbers, mean in the order (1, 0, 2) of its channels and std in (0, 1, 2).",
        ),
        (STD, MEAN, "these are imagenet's numbers with mean and std exchanged."),
        ((0.3081,), (0.1307,), "these are mnist's numbers with mean and std exchanged."),
        (
            MEAN,
            [1 / s for s in STD],
            "these are imagenet's numbers with 1/std for std: Normalize divides by std itself.",
        ),
        (MEAN, [0.0524, 0.0502, 0.0506], "these are imagenet's numbers with std squared, which is the variance."),
        (
            [-m for m in MEAN],
            STD,
            "these are imagenet's numbers with the sign of mean changed: Normalize subtracts it.",
        ),
        (
            [m / s for m, s in zip(MEAN, STD, strict=True)],
            STD,
            "these are imagenet's numbers with mean divided by std: Normalize divides by std itself.",
        ),
        (
            [m + s * m for m, s in zip(MEAN, STD, strict=True)],
            [s**2 for s in STD],
            "these are imagenet's numbers applied twice: the pictures are normalized already.",
        ),
    ],
)
@pytest.mark.parametrize("white", [1.0, 255.0])
def test_a_slip_is_named(mean, std, said, white):
    assert slip(of(mean, std, white)) == said


def test_a_function_that_normalizes_twice_is_measured_and_named():
    once = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])

    def twice(picture):
        normalized = once(picture)
        mean, std = (np.array(values, np.float32)[:, None, None] for values in (MEAN, STD))
        return (normalized.numpy() - mean) / std

    report = check(twice, select=["statistics_valid"])
    assert report.failures[0].message == (
        "these are imagenet's numbers applied twice: the pictures are normalized already. If the network was trained "
        "with the present numbers, they are right for it: declare this an expected failure."
    )


def test_the_check_fails_unless_that_is_expected():
    wrong = T.Compose([T.ToTensor(), T.Normalize(MEAN, (0.229, 0.224, 0.255))])
    report = check(wrong)
    assert [failure.name for failure in report.failures] == ["statistics_valid"]
    assert check(wrong, expected_failures={"statistics_valid": "the weights were trained with it"}).ok


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        *((preset.mean, preset.std) for preset in PRESETS.values()),
        *((preset.mean[::-1], preset.std[::-1]) for preset in PRESETS.values()),
        ((0.456, 0.485, 0.406), (0.224, 0.229, 0.225)),  # another order of both
        (MEAN, (0.23, 0.224, 0.225)),  # rounded
        ((0.48, 0.456, 0.406), STD),  # cut off
        ((0.490001, 0.456, 0.406), STD),  # rounded, and measured
        ((0.49, 0.46, 0.41), (0.23, 0.22, 0.23)),
        ((0.5, 0.456, 0.406), STD),
        ((0.5, 0.5, 0.5), STD),
        (MEAN, (1, 1, 1)),
        (MEAN, (0.5, 0.5, 0.5)),
        ((0.45, 0.45, 0.45), (0.225, 0.225, 0.225)),
        ((0.485, 0.485, 0.485), (0.229, 0.229, 0.229)),
        ((123 / 255, 117 / 255, 104 / 255), (1 / 255,) * 3),
        ((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261)),  # as many repositories have CIFAR-10
        ((0.49139968, 0.48215841, 0.44653091), (0.24703223, 0.24348513, 0.26158784)),
        ((0.507, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),  # and CIFAR-100
        ((0.5,), (0.3081,)),
        ((0.1307,), (0.31,)),
        ((0.485, 0.456, 0.406, 0.5), (0.229, 0.224, 0.225, 0.25)),
        ((0.0,), (1.0,)),
        # the inverse of ImageNet, as a second Normalize
        ([-m / s for m, s in zip(MEAN, STD, strict=True)], [1 / s for s in STD]),
    ],
)
def test_what_is_meant_is_no_slip(mean, std):
    assert slip(of(mean, std)) is None


@given(normalizations(kind=("preset", "realistic", "unusual")))
def test_statistics_drawn_at_random_are_no_slip(drawn):
    assert slip(drawn) is None


@given(
    st.sampled_from(COLOURED),
    st.integers(0, 5),
    st.floats(0.03, 0.97).map(lambda number: round(number, 3)),
    st.booleans(),
)
def test_any_digit_of_any_preset_is_told(name, index, number, reverse):
    preset = PRESETS[name]
    numbers = [*preset.mean, *preset.std]
    if (abs(number - numbers[index]) < 0.1 and round(number, 2) == number) or abs(number - numbers[index]) < 0.002:
        return  # it may be rounded, or is the same
    known, numbers[index] = numbers[index], number
    step = -1 if reverse else 1
    said = slip(of(numbers[:3][::step], numbers[3:][::step]))
    assert said is not None
    place = index % 3 if step == 1 else 2 - index % 3
    one = f"{'mean' if index < 3 else 'std'}[{place}] is {number:.6g} where {name} has {known:g}; all other numbers"
    assert said.startswith((one, "these are")), said  # a number may be that of another channel, too


@pytest.mark.parametrize("name", PARTED)
def test_each_preset_is_told_by_its_name(name):
    preset = PRESETS[name]
    said = slip(of([-m for m in preset.mean], preset.std))
    assert said is not None
    assert said.startswith("these are " + name)
