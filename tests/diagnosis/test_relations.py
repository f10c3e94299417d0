"""The table put to statistics, to two maps, to images of bytes, and to plain arrays."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torchvision import transforms as T

from pytest_denorm import PRESETS, Normalization, check
from pytest_denorm.core.normalization import unwarned
from pytest_denorm.diagnosis.conclude import explain_arrays
from pytest_denorm.diagnosis.relations import explain_levels, explain_maps, explain_statistics
from pytest_denorm.strategies import normalizations

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
COLORED = [name for name, preset in PRESETS.items() if preset.channels == 3 and name != "half"]


def of(mean, std, white=1.0):
    return unwarned([float(one) * white for one in mean], [float(one) * white for one in std], white)


TOO_OFTEN = "divided by 255 once too often."
#: Statistics, the kind of their mistake, and what is said after the name of the preset.
WRONG = [
    (MEAN, (0.229, 0.224, 0.255), "wrong-std", "std[2] is 0.255 where imagenet has 0.225; all other numbers are"),
    ((0.485, 0.465, 0.406), STD, "wrong-mean", "mean[1] is 0.465 where imagenet has 0.456; all other numbers are"),
    ((0.406, 0.456, 0.845), STD[::-1], "wrong-mean", "mean[2] is 0.845 where imagenet has 0.485; all other"),
    (MEAN, STD[::-1], "channel-order", "mean in the order (0, 1, 2) of its channels and std in (2, 1, 0)."),
    (MEAN[[1, 0, 2]], STD[[1, 0, 2]], "channel-order", "in the order (1, 0, 2) of its channels: neither RGB nor BGR."),
    (STD, MEAN, "swapped-mean-std", "with mean and std exchanged."),
    (MEAN, MEAN, "swapped-mean-std", "with the mean for the std, too."),
    (STD, STD, "swapped-mean-std", "with the std for the mean, too."),
    (MEAN, 1 / STD, "divides-by-std", "with 1/std for std: Normalize divides by std itself."),
    (MEAN, STD**2, "wrong-std", "with std squared, which is the variance."),
    (-MEAN, STD, "mean-sign", "with the sign of mean changed: Normalize subtracts it."),
    (MEAN / STD, STD, "mean-not-divided", "with mean divided by std: Normalize divides by std itself."),
    (MEAN + STD * MEAN, STD**2, "inverted-twice", "applied twice: the images are normalized already."),
    (MEAN / 255, STD / 255, "scale-255", f"with mean and std {TOO_OFTEN}"),
    (MEAN / 255, STD, "scale-255", f"with the mean {TOO_OFTEN}"),
    (MEAN, STD / 255, "scale-255", f"with the std {TOO_OFTEN}"),
    (MEAN / 255**2, STD / 255**2, "scale-255", "with mean and std divided by 255 twice too often."),
    (2 * MEAN - 1, 2 * STD, "value-range", "with 2 * mean - 1 and 2 * std, as for images in -1..1."),
    ((1.3, 0.4, 0.5), (0.2, 0.21, 0.2), "wrong-mean", "mean[0] is "),
]


@pytest.mark.parametrize("white", [1.0, 255.0])
@pytest.mark.parametrize(("mean", "std", "kind", "said"), WRONG)
def test_a_mistake_in_statistics_is_named(mean, std, kind, said, white):
    found = explain_statistics(of(mean, std, white))
    assert found is not None
    assert found.kind == kind
    assert said in found.message


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        *((preset.mean, preset.std) for preset in PRESETS.values()),
        *((preset.mean[::-1], preset.std[::-1]) for preset in PRESETS.values()),
        (MEAN, (0.23, 0.224, 0.225)),  # rounded
        ((0.48, 0.456, 0.406), STD),  # cut off
        ((0.49, 0.46, 0.41), (0.23, 0.22, 0.23)),
        ((0.5, 0.5, 0.5), STD),
        (MEAN, (1, 1, 1)),
        ((0.45, 0.45, 0.45), (0.225, 0.225, 0.225)),
        ((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.261)),  # as many repositories have CIFAR-10
        ((0.507, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),  # and CIFAR-100
        ((0.5,), (0.3081,)),
        ((0.485, 0.456, 0.406, 0.5), (0.229, 0.224, 0.225, 0.25)),
        ((0.0,), (1.0,)),
    ],
)
def test_what_is_meant_is_no_mistake(mean, std):
    assert explain_statistics(of(mean, std)) is None


@given(normalizations(kind=("preset", "realistic")))
def test_statistics_drawn_at_random_are_no_mistake(drawn):
    assert explain_statistics(drawn) is None


@given(st.sampled_from(COLORED), st.integers(0, 5), st.floats(0.03, 0.97).map(lambda number: round(number, 3)))
def test_any_digit_of_any_preset_is_told(name, index, number):
    preset = PRESETS[name]
    numbers = [*preset.mean, *preset.std]
    if (abs(number - numbers[index]) < 0.1 and round(number, 2) == number) or abs(number - numbers[index]) < 0.002:
        return  # it may be rounded, or is the same
    numbers[index] = number
    found = explain_statistics(of(numbers[:3], numbers[3:]))
    assert found is not None


def test_the_check_fails_unless_that_is_expected():
    wrong = T.Compose([T.ToTensor(), T.Normalize(MEAN, (0.229, 0.224, 0.255))])
    report = check(wrong, select=["statistics_valid"])
    assert [failure.name for failure in report.failures] == ["statistics_valid"]
    assert report.failures[0].message.startswith("std[2] is 0.255 where imagenet has 0.225; all other numbers are")


IMAGENET = of(MEAN, STD)
MAPS = [
    (of(MEAN, (0.229, 0.224, 0.255)), "wrong-std", "blue std is 0.255 in the second and 0.225 in the first."),
    (of(MEAN + np.array([0.08, 0, 0]), STD), "wrong-mean", "red mean is 0.565 in the second and 0.485 in the first."),
    (of(MEAN[::-1], STD[::-1]), "channel-order", "the second has the first's mean and std reversed."),
    (PRESETS["half"], "other-preset", "the second has the statistics of half (mean (0.5, 0.5, 0.5), std"),
    (of(0 * MEAN, 0 * STD + 1), "not-inverted", "the second does not normalize: images leave it as they enter."),
    (of(MEAN / 255, STD / 255), "scale-255", "the second does not divide by 255 where the first does"),
    (
        of(MEAN.round(2), STD.round(2)),
        "rounded-constants",
        "the second has the first's mean and std, rounded to 2 decimals.",
    ),
]


@pytest.mark.parametrize(("second", "kind", "said"), MAPS)
def test_two_pipelines_are_told_apart(second, kind, said):
    found = explain_maps(IMAGENET, second)
    assert found is not None
    assert found.kind == kind
    assert said in found.message


def test_the_same_on_another_scale_is_no_difference():
    assert explain_maps(IMAGENET, of(MEAN, STD, 255.0)) is None
    assert explain_maps(IMAGENET, Normalization(0.5, 0.5)) is None  # another number of channels


def bytes_of(x):
    return np.clip(np.rint(x * 255), 0, 255).astype(np.uint8)


DRAWN = np.random.default_rng(1).integers(0, 256, (2000, 3)).astype(np.uint8)
X = (DRAWN + np.random.default_rng(2).uniform(-0.5, 0.5, DRAWN.shape)) / 255
Y = (X - MEAN) / STD
TILES = {
    "inverted-intensity": bytes_of(1 - X),
    "missing-mean": bytes_of(Y * STD),
    "wrong-std": bytes_of(Y * [0.229, 0.224, 0.255] + MEAN),
    "not-inverted": bytes_of(Y),
    "channel-order": bytes_of(X[:, ::-1]),
    "truncation": np.trunc(X.clip(0, 1) * 255).astype(np.uint8),
    "contrast": bytes_of(X * 0.8),
    "other-preset": bytes_of(Y * 0.5 + 0.5),
}


@pytest.mark.parametrize("kind", TILES)
def test_a_tile_is_told_against_its_baseline(kind):
    found = explain_levels(DRAWN, TILES[kind])
    assert found is not None
    assert found.kind == kind


def test_tiles_that_no_mistake_explains():
    assert explain_levels(DRAWN, DRAWN) is None
    assert explain_levels(DRAWN, bytes_of(X.clip(0, 1) ** 0.5)) is None
    assert explain_levels(DRAWN, DRAWN[::-1]) is None


ARRAYS = {
    "exact": lambda y: y * STD + MEAN,
    "missing-mean": lambda y: y * STD,
    "wrong-std": lambda y: y * [0.229, 0.224, 0.255] + MEAN,
    "truncation": lambda y: np.clip(np.trunc((y * STD + MEAN) * 255), 0, 255).astype(np.uint8),
    "scale-255": lambda y: (y * STD + MEAN) * 255,
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_plain_arrays_are_explained(kind):
    x = np.random.default_rng(0).random((900, 3))
    y = (x - MEAN) / STD
    assert explain_arrays(y, ARRAYS[kind](y), mean=MEAN, std=STD).kind == kind


def test_values_that_are_no_numbers():
    y = np.zeros((4, 3))
    said = explain_arrays(y, np.full_like(y, np.nan), mean=MEAN, std=STD)
    assert (said.kind, said.exact) == ("unknown", False)


def test_the_doors_for_arrays_load_no_torch():
    code = "import pytest_denorm.diagnosis.relations, sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
