"""The diagnosis: several mistakes at once, silence where it is due, unknown where nothing fits, and drawn at random."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from detection_matrix import MISTAKES, STATISTICS, Statistics, outcome
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import transforms as T

from pytest_denorm import PRESETS, Normalization, diagnose
from pytest_denorm.checks import KINDS, Diagnosis
from pytest_denorm.core.text import channel_name
from pytest_denorm.diagnosis.observe import snap
from pytest_denorm.errors import (
    ConditionalNormalizeWarning,
    ImageError,
    ImageTypeError,
    InverseError,
    StatisticsWarning,
)

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FORWARD = T.Normalize(MEAN, STD)
m, s = (torch.tensor(one)[:, None, None] for one in (MEAN, STD))
blue = torch.tensor([0.229, 0.224, 0.255])[:, None, None]
Function = Callable[[torch.Tensor], Any]


def kinds(said: Diagnosis) -> list[str]:
    return [said.kind, *(one.kind for one in said.alternatives)]


def truncated(x: torch.Tensor) -> torch.Tensor:
    return x.mul(255).clamp(0, 255).byte()


def rounded(x: torch.Tensor) -> torch.Tensor:
    return x.mul(255).round().clamp(0, 255).byte()


# --- what is right, however odd it looks ---

RIGHT: dict[str, Function] = {
    "two Normalize steps": T.Compose(
        [T.Normalize((0.0,) * 3, [1 / one for one in STD]), T.Normalize([-one for one in MEAN], (1.0,) * 3)]
    ),
    "clamped to 0..white after the inverse": lambda y: (y * s + m).clamp(0, 1),
    "uint8 with + 0.5, then truncated": lambda y: ((y * s + m) * 255 + 0.5).clamp(0, 255).byte(),
    "save_image": lambda y: (y * s + m).mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0).to(torch.uint8).numpy(),
    "a PIL picture of rounded bytes": lambda y: T.ToPILImage()(rounded(y * s + m)),
    "reciprocal std in both places": lambda y: (y - (-m / s)) * (1 / (1 / s)),
    "a batch of one": lambda y: y * s + m if y.ndim == 4 else 1 / 0,
    "a list of channels": lambda y: torch.stack([y[c] * STD[c] + MEAN[c] for c in range(3)]),
    "a gradient left on": lambda y: y.requires_grad_() * s + m,
}


@pytest.mark.parametrize("how", RIGHT)
def test_silence_on_what_is_right(how: str) -> None:
    said = diagnose(FORWARD, RIGHT[how])
    assert (said.kind, said.exact, said.wrong_levels, said.alternatives) == ("exact", True, 0, ()), said
    assert said.message == "the picture comes back: all 768 levels come back."


def test_a_typo_in_both_directions_is_no_mistake() -> None:
    slipped = torch.tensor([0.299, 0.224, 0.255])[:, None, None]
    assert diagnose(lambda x: (x - m) / slipped, lambda y: y * slipped + m).kind == "exact"


def test_constants_and_operators_both_reversed() -> None:
    assert diagnose(lambda x: (m - x) / s, lambda y: m - y * s).kind == "exact"
    assert diagnose(lambda x: (x + m) / s, lambda y: y * s - m).kind == "exact"


def test_names_and_values_both_swapped() -> None:
    mean, std = s, m
    assert diagnose(FORWARD, lambda y: y * mean + std).kind == "exact"


def test_127_and_a_half() -> None:
    half = T.Normalize((0.5,) * 3, (0.5,) * 3)
    said = diagnose(half, lambda y: (y * 127.5 + 128).clamp(0, 255).byte())
    assert (said.kind, said.wrong_levels) == ("exact", 0)
    said = diagnose(half, lambda y: (y * 127.5 + 127.5).clamp(0, 255).byte())
    assert said.kind == "truncation"


@pytest.mark.parametrize("inverse", [lambda y: (y * s + m) * 255, lambda y: y * (s * 255) + m * 255])
def test_floats_of_0_to_255_as_output_max_says(inverse: Function) -> None:
    assert diagnose(FORWARD, inverse, output_max=255.0).kind == "exact"
    said = diagnose(FORWARD, inverse)
    assert said.kind == "scale-255"
    assert "If 0..255 is meant, say so: output_max=255." in said.message


def test_floats_of_0_to_1_for_bytes_as_output_max_says() -> None:
    of_bytes = Normalization([255 * one for one in MEAN], [255 * one for one in STD], 255.0)
    said = diagnose(of_bytes, lambda y: y * s + m, pixel_max=255.0)
    assert kinds(said) == ["scale-255"]
    assert said.message.endswith("If 0..1 is meant, say so: output_max=1.")
    assert diagnose(of_bytes, lambda y: y * s + m, pixel_max=255.0, output_max=1.0).kind == "exact"
    assert diagnose(of_bytes, lambda y: (y * s + m) * 255, pixel_max=255.0).kind == "exact"
    cast = diagnose(of_bytes, lambda y: (y * s + m).byte(), pixel_max=255.0)
    assert (cast.kind, "is meant" in cast.message) == ("scale-255", False)


def test_floats_of_0_to_255_are_held_to_more_than_bytes() -> None:
    said = diagnose(FORWARD, lambda y: (y * s + m) * 255 + 0.4, output_max=255.0)
    assert (said.kind, said.exact) == ("wrong-mean", False)
    assert said.gain == pytest.approx((1.0,) * 3)
    assert said.offset == pytest.approx((0.4 / 255,) * 3, abs=1e-5)
    assert diagnose(FORWARD, lambda y: rounded(y * s + m), output_max=255.0).kind == "exact"
    assert diagnose(FORWARD, lambda y: (y * s + m) * 4, output_max=4.0).kind == "exact"


@pytest.mark.parametrize("channels", [16, 32, 40, 48])
def test_as_many_channels_as_pictures_may_be_wide(channels: int) -> None:
    known = Normalization([0.5 + c / 100 for c in range(channels)], [0.25] * channels)
    # in an array the axis of the channels is found by its length
    assert diagnose(known, lambda y: known.denormalize(y.numpy()), channels=channels).kind == "exact"
    assert diagnose(known, lambda y: known.denormalize(y).permute(1, 2, 0), channels=channels).kind == "exact"


def test_normalizations_stand_for_functions() -> None:
    for known in PRESETS.values():
        assert diagnose(known, known.inverse(), channels=known.channels).kind == "exact"


# --- bytes, however they are made ---


HALVES = (torch.float16, torch.bfloat16)
CASTS: dict[str, Function] = {
    "rounded": lambda x: (x * 255).round().clamp(0, 255).byte(),
    "whole part of 255 x": lambda x: (x * 255).clamp(0, 255).byte(),
    "rounded 256 x": lambda x: (x * 256).round().clamp(0, 255).byte(),
}


def of_bytes(cast: str, dtype: torch.dtype, name: str) -> Diagnosis:
    given = STATISTICS[name]
    mean, std = (torch.tensor(one)[:, None, None].to(dtype) for one in given[:2])
    return diagnose(
        lambda x: (x - mean) / std, lambda y: CASTS[cast](y * std + mean), channels=given.channels, dtype=dtype
    )


@pytest.mark.parametrize("name", ["ImageNet", "CIFAR-10", "CLIP", "0.5/0.5", "MNIST", "4 channels"])
def test_bytes_of_low_precision(name: str) -> None:
    for dtype in HALVES:
        said = of_bytes("rounded", dtype, name)
        assert (said.kind, said.exact) == ("exact", True), said
        assert said.wrong_levels < 60
    for cast, kind in (("whole part of 255 x", "truncation"), ("rounded 256 x", "scale-255")):
        said = of_bytes(cast, torch.float16, name)
        assert (said.kind, said.exact) == (kind, False), said
        assert of_bytes(cast, torch.bfloat16, name).wrong_levels > 60  # what rounding there loses, it may explain


def test_levels_that_low_precision_loses_are_counted() -> None:
    said = of_bytes("rounded", torch.bfloat16, "ImageNet")
    assert said.message == (
        "the picture comes back: within what this dtype can hold; 15 of 768 levels come back as another byte."
    )
    assert said.wrong_levels == 15


def test_the_whole_part_of_256_x_lets_white_turn_black_without_a_clamp() -> None:
    said = diagnose(FORWARD, lambda y: ((y * s + m) * 256).numpy().astype(int).astype(np.uint8))
    assert (said.kind, said.exact, said.wrong_levels) == ("truncation", False, 3)
    assert said.message.endswith("Bytes are cast without a clamp, so that 256 becomes 0 and -1 becomes 255.")
    assert "scale-255" in kinds(said)


def test_a_factor_of_256_is_told() -> None:
    assert diagnose(FORWARD, lambda y: (y * s + m) / 256).message == (
        "the result is 256 times too small: it is divided by 256, and white is 255."
    )


# --- channels that are black or white all over, and single constants far off ---


def test_a_clamp_that_leaves_black_hides_no_mistake() -> None:
    half = STATISTICS["0.5/0.5"].normalization
    said = diagnose(half, lambda y: (y * 0.5 - 0.5).clamp(0, 1))  # all black
    assert (said.kind, said.wrong_levels) == ("mean-sign", 765)
    own = Normalization((0.3021, 0.41, 0.55), (0.31, 0.12, 0.27))
    mean, std = three(*own.mean), three(*own.std)
    for dtype in (torch.float32, torch.float64):
        said = diagnose(own, lambda y: (y * std - mean).clamp(0, 1), dtype=dtype)  # blue is black
        assert said.kind == "mean-sign", said
        said = diagnose(own, lambda y: (y * std + 255 * mean).clamp(0, 1), dtype=dtype)
        assert said.kind != "exact"


def test_one_value_all_over_is_no_known_mistake() -> None:
    for value in (0.0, 0.3, 1.0):
        assert diagnose(FORWARD, lambda y, value=value: torch.full_like(y, value)).kind == "unknown"


def test_a_digit_that_was_dropped() -> None:
    for wrong, shown in ((0.0224, "0.0224"), (2.24, "2.24"), (0.00224, "0.00224")):
        said = diagnose(FORWARD, lambda y, wrong=wrong: y * torch.tensor([0.229, wrong, 0.225])[:, None, None] + m)
        assert said.kind == "wrong-std"
        assert f"green: gain {wrong / 0.224:.4g}" in said.message
        assert f"the inverse uses std {shown} where the pipeline has 0.224" in said.message


# --- several mistakes at once ---

SEVERAL: dict[str, tuple[Function, list[str]]] = {
    "a std and truncation": (lambda y: truncated(y * blue + m), ["wrong-std", "truncation"]),
    "a std in BGR": (lambda y: (y * blue + m).flip(-3), ["channel-order", "wrong-std"]),
    "truncation in BGR": (lambda y: truncated((y * s + m).flip(-3)), ["channel-order", "truncation"]),
    "a std, truncation and BGR": (
        lambda y: truncated((y * blue + m).flip(-3)), ["channel-order", "wrong-std", "truncation"]
    ),
    "a std and a mean": (
        lambda y: y * blue + torch.tensor([0.458, 0.456, 0.406])[:, None, None], ["wrong-std", "wrong-mean"]
    ),
    "no mean, and 255": (lambda y: y * s * 255, ["scale-255", "missing-mean"]),
    "a std, and 255": (lambda y: (y * blue + m) * 255, ["scale-255", "wrong-std"]),
    "dividing, with the wrong sign": (lambda y: y / s - m, ["divides-by-std", "mean-sign"]),
    "neither std nor mean": (lambda y: y * s.flip(0) - m, ["mean-sign", "channel-order"]),
    "a std in place": (lambda y: y.mul_(blue).add_(m), ["wrong-std", "mutates-input"]),
    "clamped early, with a std": (lambda y: y.clamp(-1, 1) * blue + m, ["clamped", "wrong-std"]),
    "another data set's, truncated": (lambda y: truncated(y * 0.5 + 0.5), ["other-preset", "truncation"]),
    "no mean, truncated": (lambda y: truncated(y * s), ["missing-mean", "truncation"]),
}  # fmt: skip


def test_a_clamp_that_cuts_off_next_to_nothing() -> None:
    """Black and white alone are off, by a fortieth of a level."""
    said = diagnose(T.Normalize([0.5], [0.4999]), lambda y: y.clamp(-1, 1) * 0.4999 + 0.5, channels=1)
    assert kinds(said) == ["clamped"]
    assert "in the normalized space (to -1..1)" in said.message


@pytest.mark.parametrize("what", SEVERAL)
def test_several_mistakes_are_all_told(what: str) -> None:
    inverse, expected = SEVERAL[what]
    said = diagnose(FORWARD, inverse)
    assert kinds(said) == expected, said
    assert said.message.count("\nAlso: ") == len(expected) - 1
    effects = [one.effect for one in said.alternatives]
    assert effects == sorted(effects, reverse=True)


def test_two_channels_are_told_in_one_message() -> None:
    wrong = torch.tensor([0.299, 0.244, 0.225])[:, None, None]
    assert diagnose(FORWARD, lambda y: y * wrong + m).message == (
        "red: gain 1.306, offset -0.15: the inverse uses std 0.299 where the pipeline has 0.229, a well-known slip; "
        "green: gain 1.089, offset -0.041: the inverse uses std 0.244 where the pipeline has 0.224, a well-known slip."
    )


@pytest.mark.parametrize(("c", "typed"), [(0, 0.458), (1, 0.465), (2, 0.486)])
def test_well_known_slips_in_a_mean(c: int, typed: float) -> None:
    wrong = m.clone()
    wrong[c] = typed
    said = diagnose(FORWARD, lambda y: y * s + wrong)
    assert said.kind == "wrong-mean"
    name, right = channel_name(c, 3), MEAN[c]
    assert f"{name}: gain 1, offset {typed - right:.2g}: the inverse uses mean {typed} " in said.message
    assert f"where the pipeline has {right}, a well-known slip" in said.message


def test_equal_causes_are_in_one_message() -> None:
    half = T.Normalize((0.5,) * 3, (0.5,) * 3)
    said = diagnose(half, T.Normalize((0.5,) * 3, (0.5,) * 3))  # y/0.5 - 1 is also y/0.5 + (-0.5)/0.5
    assert kinds(said)[0] == "not-inverted"
    added = diagnose(FORWARD, lambda y: y * s + m * s / 0.255)  # a mean of its own, or 0.255 in -mean/std
    assert {"wrong-mean", "wrong-std"} <= set(kinds(added))
    assert "The same numbers come about where" in added.message
    assert "\nAlso" not in added.message


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_a_half_for_every_channel_is_a_preset_whatever_their_number(channels: int) -> None:
    other = Normalization([0.1307 + c / 100 for c in range(channels)], [0.3081] * channels)
    said = diagnose(other, lambda y: y * 0.5 + 0.5, channels=channels)
    assert said.kind == "other-preset"
    assert said.message.startswith("The inverse uses the statistics of half (mean (0.5,")
    for scaled in (lambda y: (y + 1) * 127.5, lambda y: y * 127.5 + 127.5):
        said = diagnose(other, scaled, channels=channels)
        assert kinds(said)[:2] == ["scale-255", "other-preset"]
        assert "\nAlso: The inverse uses the statistics of half" in said.message


def test_a_factor_of_255_hides_no_mistake_that_is_known() -> None:
    said = diagnose(FORWARD, lambda y: (y / s + m) * 255)
    assert kinds(said) == ["scale-255", "divides-by-std"]
    assert said.message.endswith(
        "output_max=255.\nAlso: The inverse divides by std: y / std + mean. It has to multiply. (Or the forward "
        "multiplies by std, where it has to divide.)"
    )


def test_a_variance_for_a_std() -> None:
    for typed, message in (
        (s * s, "The inverse multiplies by the square of std, the variance."),
        (s.sqrt(), "The inverse multiplies by the root of std, as if that were the variance."),
    ):
        said = diagnose(FORWARD, lambda y, typed=typed: y * typed + m)
        assert (kinds(said), said.message) == (["wrong-std"], message)


def test_larger_integers_do_not_wrap_around() -> None:
    said = diagnose(FORWARD, lambda y: ((y * s - m) * 255).round().int())
    assert (said.kind, said.message) == ("mean-sign", WORDS["y * s - m"])


# --- each known mistake, in words ---

#: Of each mistake, with the statistics of ImageNet: what is said of it.
WORDS = {
    "y * s": "The mean is not added: y * std alone.",
    "y * s - m": "The mean has the wrong sign: y * std - mean, or Normalize(mean/std, 1/std).",
    "Normalize(m/s, 1/s)": "The mean has the wrong sign: y * std - mean, or Normalize(mean/std, 1/std).",
    "Normalize(-m, 1/s)": (
        "The mean is added before multiplying: Normalize(-mean, 1/std), or (y + mean) * std. It has to be "
        "-mean/std there, or be added last."
    ),
    "(y - m) * s": (
        "The mean is subtracted before multiplying: Normalize(mean, 1/std), or (y - mean) * std. It has to be "
        "-mean/std there, or be added last."
    ),
    "(y + m) * s": (
        "The mean is added before multiplying: Normalize(-mean, 1/std), or (y + mean) * std. It has to be "
        "-mean/std there, or be added last."
    ),
    "y / s + m": (
        "The inverse divides by std: y / std + mean. It has to multiply. (Or the forward multiplies by std, where it "
        "has to divide.)"
    ),
    "Normalize(-m, s)": (
        "The inverse divides by std: Normalize(-mean, std), or (y + mean) / std. It has to be "
        "Normalize(-mean/std, 1/std)."
    ),
    "Normalize(-m/s, s)": "The inverse divides by std: Normalize(-mean/std, std). Its std has to be 1/std.",
    "y * m + s": "Mean and std are swapped: y * mean + std.",
    "Normalize(1/s, -m/s)": "Mean and std are swapped: Normalize(1/std, -mean/std).",
    "y": "The picture comes back as it is, still normalized: nothing is inverted.",
    "Normalize(m, s) again": (
        "The picture is normalized a second time: the inverse is another Normalize with the same mean and std."
    ),
    "(y * s + m) * s + m": "The inverse is applied twice, so that the picture loses contrast.",
    "no forward": (
        "The forward leaves the picture as it is, and the inverse undoes a Normalize with the statistics of "
        "imagenet (mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225)): it is applied to what was never "
        "normalized."
    ),
    "two forwards": (
        "The pipeline normalizes twice, and the inverse undoes it once: the picture is still normalized. The "
        "same numbers come about where the inverse uses the statistics of imagenet (mean (0.485, 0.456, "
        "0.406), std (0.229, 0.224, 0.225)); the pipeline has mean (0.596065, 0.558144, 0.49735), std "
        "(0.052441, 0.050176, 0.050625)."
    ),
    "w - x": "Black and white are exchanged: the result is 1 - x.",
    "x * 255": (
        "the result is 255 times too large: a factor of 255 is applied that the pictures do not have. If "
        "0..255 is meant, say so: output_max=255."
    ),
    "x / 255": (
        "the result is 255 times too small: a division by 255 that is not undone, or values in 0..1 cast to "
        "bytes without multiplying by 255."
    ),
    "y * s + m * 255": "Only the mean is multiplied by 255, and not the std.",
    "forward of 255 * x": (
        "the result is 255 times too large: a factor of 255 is applied that the pictures do not have. If "
        "0..255 is meant, say so: output_max=255. The same numbers "
        "come about where the inverse uses the statistics of imagenet (mean (0.485, 0.456, 0.406), std (0.229, 0.224, "
        "0.225)); the pipeline has mean (0.00190196, 0.00178824, 0.00159216), std (0.000898039, 0.000878431, "
        "0.000882353)."
    ),
    "forward of x / 255": (
        "the result is 255 times too small: a division by 255 that is not undone, or values in 0..1 cast to "
        "bytes without multiplying by 255. The same numbers come about where the inverse uses the statistics "
        "of imagenet (mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225)); the pipeline has mean (123.675,"
        " 116.28, 103.53), std (58.395, 57.12, 57.375)."
    ),
    "bytes of x without * 255": (
        "the result is 255 times too small: a division by 255 that is not undone, or values in 0..1 cast to "
        "bytes without multiplying by 255."
    ),
    "x in BGR": "the channels come back reversed (BGR for RGB).",
    "y in BGR": "the channels come back reversed (BGR for RGB).",
    "forward in BGR": "the channels come back reversed (BGR for RGB).",
    "channels rolled": "the channels come back in another order: blue, red, green.",
    "m and s reversed": "Mean and std are applied reversed: each channel gets another channel's.",
    "s reversed": "The std is applied in reversed order of channels.",
    "m reversed": "The mean is applied in reversed order of channels.",
    "m[0] and s[0] for all": "Every channel gets red's statistics (mean 0.485, std 0.229).",
    "the average m and s for all": "Every channel gets the average statistics (mean 0.449, std 0.226).",
    "s[0] for all": "Every channel gets red's std (0.229).",
    "x * 256": "the result is 256 times too large: it is multiplied by 256, and white is 255.",
    "rounded bytes of 256 * x": (
        "The result is 256/255 of the picture: bytes are multiplied by 256 on one side and divided by 255 on the other."
        " White is 255."
    ),
    "forward of bytes / 256": (
        "The result is 255/256 of the picture: bytes are multiplied by 255 on one side and divided by 256 on the other."
        " White is 255. The same numbers come about where the inverse uses the statistics of imagenet (mean (0.485, "
        "0.456, 0.406), std (0.229, 0.224, 0.225)); the pipeline has mean (0.486902, 0.457788, 0.407592), std "
        "(0.229898, 0.224878, 0.225882)."
    ),
    "another data set": (
        "The inverse uses the statistics of svhn (mean (0.4377, 0.4438, 0.4728), std (0.198, 0.201, 0.197)); "
        "the pipeline has mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225)."
    ),
    "one std too large": (
        "blue: gain 1.133, offset -0.054: the inverse uses std 0.255 where the pipeline has 0.225, a well-known slip."
    ),
    "one std too large, in 1/s only": (
        "blue: gain 1.133, offset 0: the inverse uses std 0.255 in 1/std, and the right one in -mean/std "
        "where the pipeline has 0.225, a well-known slip."
    ),
    "one std slightly off": (
        "blue: gain 1.002, offset -0.00093: the inverse uses std 0.225518 where the pipeline has 0.225."
    ),
    "std without its sign": "blue: gain -1, offset 0.81: the inverse uses std -0.225 where the pipeline has 0.225.",
    "y + m": "The multiplication by std is missing: y + mean.",
    "one mean too large": (
        "blue: gain 1, offset 0.08: the inverse uses mean 0.486 where the pipeline has 0.406, a well-known slip."
    ),
    "one mean left out": "blue: gain 1, offset -0.41: the inverse uses mean 0 where the pipeline has 0.406.",
    "eps of 1e-3 in the inverse": (
        "An eps of 0.001 is added to std in the inverse only. Leave it out, or use it on both sides."
    ),
    "eps of 1e-5 in the inverse": (
        "An eps of 1e-05 is added to std in the inverse only. Leave it out, or use it on both sides. The same"
        " numbers come about where the pipeline's own constants are rounded to 3 decimals: red std 0.22901 "
        "for 0.229, green std 0.22401 for 0.224, blue std 0.22501 for 0.225."
    ),
    "eps of 1e-5 in the variance": (
        "An eps of 1e-05 is added to the variance in the inverse only. Leave it out, or use it on both sides."
        " The same numbers come about where the pipeline's own constants are rounded to 3 decimals: red std "
        "0.229022 for 0.229, green std 0.224022 for 0.224, blue std 0.225022 for 0.225."
    ),
    "eps of 1e-3 in the forward": (
        "An eps of 0.001 is added to std in the forward only. Leave it out, or use it on both sides. The same"
        " numbers come about where the inverse uses the statistics of imagenet (mean (0.485, 0.456, 0.406), "
        "std (0.229, 0.224, 0.225)); the pipeline has mean (0.485, 0.456, 0.406), std (0.23, 0.225, 0.226)."
    ),
    "m and s to 2 decimals": (
        "Constants are rounded to 2 decimals: red mean 0.48 for 0.485, red std 0.23 for 0.229, green mean "
        "0.46 for 0.456, green std 0.22 for 0.224, blue mean 0.41 for 0.406, blue std 0.22 for 0.225."
    ),
    "m and s to 3 decimals": "the picture comes back: all 768 levels come back.",
    "m and s to 4 decimals": "the picture comes back: all 768 levels come back.",
    "m/s and 1/s to 3 decimals": "The constants of Normalize(-mean/std, 1/std) are rounded to 3 decimals (both).",
    "truncated bytes": (
        "bytes are truncated instead of rounded: 67 of 768 levels come back wrong, and what lies between two "
        "levels loses half a level on average. Round before the cast: x.mul(255).round().clamp(0, 255).to(torch.uint8)."
    ),
    "min-max of the picture": (
        "each picture is stretched to its own minimum and maximum (make_grid(normalize=True), (x - min) / "
        "(max - min)): that shows something, and is no inverse. Use y * std + mean."
    ),
    "min-max of each channel": (
        "each picture is stretched to its own minimum and maximum (make_grid(normalize=True), (x - min) / "
        "(max - min)): that shows something, and is no inverse. Use y * std + mean."
    ),
    "clamp(-1, 1) before": (
        "values are clamped in the normalized space (to -1..1) before the inverse, so that what lies outside "
        "0.256..0.714 (red), 0.232..0.68 (green), 0.181..0.631 (blue) is lost. Clamp after the inverse, to 0..1."
    ),
    "clamp(0, 1) before": (
        "values are clamped in the normalized space (to 0..1) before the inverse, so that what lies outside "
        "0.485..0.714 (red), 0.456..0.68 (green), 0.406..0.631 (blue) is lost. Clamp after the inverse, to 0..1."
    ),
    "in place": (
        "the inverse changes its input in place: the normalized batch is overwritten, and a second call gives"
        " other pictures. Work on a clone."
    ),
}


@pytest.mark.parametrize("name", WORDS)
def test_known_mistakes_in_words(name: str) -> None:
    mistake = next(one for one in MISTAKES if one.name == name)
    assert outcome(mistake, "ImageNet", torch.float64).diagnosis.message == WORDS[name]


@pytest.mark.parametrize("name", ["min-max of the picture", "min-max of each channel"])
@pytest.mark.parametrize("statistics", ["ImageNet", "CLIP", "0.5/0.5", "CIFAR-10", "4 channels", "MNIST", "bytes"])
@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_short_floats_do_not_hide_that_each_picture_is_stretched(
    dtype: torch.dtype, statistics: str, name: str
) -> None:
    mistake = next(one for one in MISTAKES if one.name == name)
    assert outcome(mistake, statistics, dtype).diagnosis.kind == "min-max"


def test_all_known_mistakes_are_there_in_words() -> None:
    assert {one.name for one in MISTAKES if one.applies(STATISTICS["ImageNet"])} == set(WORDS)


def three(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)[:, None, None]


M, S = three(*MEAN), three(*STD)
IMAGENET = (
    " The same numbers come about where the inverse uses the statistics of imagenet (mean (0.485, 0.456, 0.406), std "
    "(0.229, 0.224, 0.225)); the pipeline has "
)
#: What the forward uses, what the inverse uses instead, and what is said of it.
CONSTANTS: dict[str, tuple[tuple[Any, Any], tuple[Any, Any], str]] = {
    "cut off after two decimals": (
        (M, S),
        (three(0.48, 0.45, 0.40), three(0.22, 0.22, 0.22)),
        "Constants are rounded to 2 decimals: red mean 0.48 for 0.485, red std 0.22 for 0.229, green mean 0.45 for "
        "0.456, green std 0.22 for 0.224, blue mean 0.4 for 0.406, blue std 0.22 for 0.225.",
    ),
    "whole bytes": (
        (M, S),
        (three(124, 116, 104) / 255, three(58, 57, 57) / 255),
        "Constants are rounded to 0 decimals on the scale of bytes: red mean 0.486275 for 0.485, red std 0.227451 for "
        "0.229, green mean 0.454902 for 0.456, green std 0.223529 for 0.224, blue mean 0.407843 for 0.406, blue std "
        "0.223529 for 0.225.",
    ),
    "tenths of bytes": (
        (M, S),
        (three(123.7, 116.3, 103.5) / 255, three(58.4, 57.1, 57.4) / 255),
        "Constants are rounded to 1 decimal on the scale of bytes: red mean 0.485098 for 0.485, red std 0.22902 for "
        "0.229, green mean 0.456078 for 0.456, green std 0.223922 for 0.224, blue mean 0.405882 for 0.406, blue std "
        "0.225098 for 0.225.",
    ),
    "means, halves to even": (
        (M, S),
        (three(0.48, 0.46, 0.41), S),
        "Constants are rounded to 2 decimals: red mean 0.48 for 0.485, green mean 0.46 for 0.456, blue mean 0.41 for "
        "0.406.",
    ),
    "means, halves up": (
        (M, S),
        (three(0.49, 0.46, 0.41), S),
        "Constants are rounded to 2 decimals: red mean 0.49 for 0.485, green mean 0.46 for 0.456, blue mean 0.41 for "
        "0.406.",
    ),
    "stds": (
        (M, S),
        (M, three(0.23, 0.22, 0.23)),
        "Constants are rounded to 2 decimals: red std 0.23 for 0.229, green std 0.22 for 0.224, blue std 0.23 for "
        "0.225.",
    ),
    "the pipeline's": (
        (three(0.49, 0.46, 0.41), three(0.23, 0.22, 0.22)),
        (M, S),
        "The pipeline's own constants are rounded to 2 decimals: red mean 0.485 for 0.49, red std 0.229 for 0.23, "
        "green mean 0.456 for 0.46, green std 0.224 for 0.22, blue mean 0.406 for 0.41, blue std 0.225 for 0.22."
        f"{IMAGENET}mean (0.49, 0.46, 0.41), std (0.23, 0.22, 0.22).",
    ),
    "the pipeline's means": (
        (three(0.49, 0.46, 0.41), S),
        (M, S),
        "The pipeline's own constants are rounded to 2 decimals: red mean 0.485 for 0.49, green mean 0.456 for 0.46, "
        f"blue mean 0.406 for 0.41.{IMAGENET}mean (0.49, 0.46, 0.41), std (0.229, 0.224, 0.225).",
    ),
    "an eps in the forward": (
        (M, S + 1e-4),
        (M, S),
        "An eps of 0.0001 is added to std in the forward only. Leave it out, or use it on both sides. The same numbers "
        "come about where constants are rounded to 3 decimals: red std 0.229 for 0.2291, green std 0.224 for 0.2241, "
        f"blue std 0.225 for 0.2251.{IMAGENET}mean (0.485, 0.456, 0.406), std (0.2291, 0.2241, 0.2251).",
    ),
    "an eps in the variance of the forward": (
        (M, (S**2 + 1e-3).sqrt()),
        (M, S),
        "An eps of 0.001 is added to the variance in the forward only. Leave it out, or use it on both sides."
        f"{IMAGENET}mean (0.485, 0.456, 0.406), std (0.231173, 0.226221, 0.227211).",
    ),
    "an eps in the variance": (
        (M, S),
        (M, (S**2 + 1e-3).sqrt()),
        "An eps of 0.001 is added to the variance in the inverse only. Leave it out, or use it on both sides.",
    ),
    "other statistics, the same for all": (
        (M, S),
        (three(0.4, 0.4, 0.4), three(0.3, 0.3, 0.3)),
        "Every channel gets the same statistics: mean 0.4, std 0.3.",
    ),
    "one std for all, and no mean": (
        (M, S),
        (0 * M, 0 * S + 0.229),
        "Every channel gets the same statistics: mean 0, std 0.229.",
    ),
    "green's": (
        (M, S),
        (0 * M + 0.456, 0 * S + 0.224),
        "Every channel gets green's statistics (mean 0.456, std 0.224).",
    ),
    "blue's mean": ((M, S), (0 * M + 0.406, S), "Every channel gets blue's mean (0.406)."),
    "the average std": ((M, S), (M, 0 * S + S.mean()), "Every channel gets the average std (0.226)."),
    "the average mean": ((M, S), (0 * M + M.mean(), S), "Every channel gets the average mean (0.449)."),
    "another order": (
        (M, S),
        (M[[1, 2, 0]], S[[1, 2, 0]]),
        "Mean and std are applied in the order (1, 2, 0): each channel gets another channel's.",
    ),
    "no forward": (
        (0 * M, 0 * S + 1),
        (three(0.41, 0.42, 0.43), three(0.31, 0.32, 0.33)),
        "The forward leaves the picture as it is, and the inverse undoes a Normalize with mean (0.41, 0.42, 0.43), std "
        "(0.31, 0.32, 0.33): it is applied to what was never normalized.",
    ),
    "a mean over another std": (
        (M, S),
        (M * S / three(0.229, 0.224, 0.255), S),
        "blue: gain 1, offset -0.048: the inverse uses mean 0.358235 where the pipeline has 0.406. The same numbers "
        "come about where -mean/std is computed with another std than 1/std is: blue std 0.255 where the pipeline has "
        "0.225.",
    ),
    "only the std in bytes": ((M, S), (M, 255 * S), "Only the std is multiplied by 255, and not the mean."),
    "only the std over 255": ((M, S), (M, S / 255), "Only the std is divided by 255, and not the mean."),
    "only the mean over 255": ((M, S), (M / 255, S), "Only the mean is divided by 255, and not the std."),
    "a quotient of the mean": (
        (M, S),
        ((M / S * 100).round() / 100 * S, S),
        "The constants of Normalize(-mean/std, 1/std) are rounded to 2 decimals (-mean/std).",
    ),
    "a quotient of the std": (
        (M, S),
        (M / S / ((1 / S * 100).round() / 100), 1 / ((1 / S * 100).round() / 100)),
        "The constants of Normalize(-mean/std, 1/std) are rounded to 2 decimals (1/std).",
    ),
}


@pytest.mark.parametrize("what", CONSTANTS)
def test_wrong_constants_in_words(what: str) -> None:
    (mean, std), (wrong_mean, wrong_std), expected = CONSTANTS[what]
    said = diagnose(lambda x: (x - mean) / std, lambda y: y * wrong_std + wrong_mean, dtype=torch.float64)
    assert said.message == expected


def test_one_short_number_says_nothing_of_rounding() -> None:
    said = diagnose(T.Normalize(0.5, 0.25), lambda y: y * 0.25 + 0.48, channels=1)
    assert said.message == "grey: gain 1, offset -0.02: the inverse uses mean 0.48 where the pipeline has 0.5."
    said = diagnose(T.Normalize([0.5] * 3, [0.25] * 3), lambda y: y * 0.25 + three(0.48, 0.49, 0.52).float())
    assert said.kind == "wrong-mean"


@pytest.mark.parametrize(("mean", "std"), [(0.03, 0.02), (0.002, -0.002), (0.003, 0.002)])
def test_one_factor_says_nothing_of_rounding(mean: float, std: float) -> None:
    """All that the inverse uses is 1.133 of the pipeline's, which are so short that they could be that, rounded."""
    typed = std * 0.255 / 0.225
    inverse = T.Normalize(-mean / std, 1 / typed)
    said = diagnose(T.Normalize(mean, std), inverse, channels=1)
    assert (said.kind, said.alternatives) == ("wrong-std", ())
    assert said.message.startswith(f"grey: gain 1.133, offset 0: the inverse uses std {typed:.6g} in 1/std, and the ")


def test_two_factors_are_of_rounding() -> None:
    said = diagnose(T.Normalize(0.03, 0.02), lambda y: y * 0.0226 + 0.0261, channels=1)
    assert said.message == (
        "The pipeline's own constants are rounded to 2 decimals: grey mean 0.0261 for 0.03, grey std 0.0226 for 0.02."
    )


def test_a_channel_of_another_magnitude_is_no_less_affine() -> None:
    """Two channels are normalized to hundreds, and the third to less than one."""
    mean, std = three(1.3643, -0.9763, -0.9763), three(-0.002, -0.002, -1.3643)
    said = diagnose(lambda x: (x - mean) / std, lambda y: (y * std + mean) * 256, dtype=torch.float64)
    assert said.message == "the result is 256 times too large: it is multiplied by 256, and white is 255."


def test_of_channels_with_one_std_an_eps_is_another_std() -> None:
    said = diagnose(T.Normalize(0.1307, 0.3081), lambda y: y * 0.3091 + 0.1307, channels=1)
    assert said.message == (
        "grey: gain 1.003, offset -0.00042: the inverse uses std 0.3091 where the pipeline has 0.3081. The same "
        "numbers come about where an eps of 0.001 is added to std in the inverse only. Leave it out, or use it on both "
        "sides."
    )
    assert [(one.kind, one.equal) for one in said.alternatives] == [("eps", True)]


STDS = {
    "divides-by-std": (1 / S, "The inverse divides by std."),
    "wrong-std": (0 * S + 1, "The std is missing."),
    "channel-order": (S.flip(0), "The std is applied in reversed order of channels."),
    "one-channel-for-all": (0 * S + S[0], "Every channel gets the first channel's std."),
}
MEANS = {
    "missing-mean": (0 * M, "The mean is not added."),
    "mean-sign": (-M, "The mean has the wrong sign."),
    "mean-not-divided": (M * S, "The mean is added before multiplying."),
    "channel-order": (M.flip(0), "The mean is applied in reversed order of channels."),
    "scale-255": (255 * M, "The mean is multiplied by 255."),
}
OF_ONE_KIND = {
    ("wrong-std", "missing-mean"),
    ("channel-order", "channel-order"),
    ("one-channel-for-all", "missing-mean"),
}


@pytest.mark.parametrize("of_mean", MEANS)
@pytest.mark.parametrize("of_std", STDS)
def test_a_mistake_with_the_std_and_another_with_the_mean(of_std: str, of_mean: str) -> None:
    (std, std_words), (mean, mean_words) = STDS[of_std], MEANS[of_mean]
    said = diagnose(lambda x: (x - M) / S, lambda y: y * std + mean, dtype=torch.float64)
    if (of_std, of_mean) in OF_ONE_KIND:
        assert kinds(said) in (["not-inverted"], ["channel-order"], ["one-channel-for-all"])
    else:
        assert set(kinds(said)) == {of_std, of_mean}
        assert sorted(said.message.split("\nAlso: ")) == sorted([std_words, mean_words])


def wrapped(x: torch.Tensor) -> torch.Tensor:
    return x.mul(255).round().to(torch.int64).to(torch.uint8)


CUT = (
    "\nAlso: bytes are truncated instead of rounded, and what lies between two levels loses half a level on average. "
    "Round before the cast: x.mul(255).round().clamp(0, 255).to(torch.uint8)."
)
WRAPS = "\nBytes are cast without a clamp, so that 256 becomes 0 and -1 becomes 255."
TOO_SMALL = (
    "the result is 255 times too small: a division by 255 that is not undone, or values in 0..1 cast to bytes without "
    "multiplying by 255."
)
#: What is said of mistakes of which clipped, rounded or wrapped bytes are all that is left.
IN_BYTES: dict[str, tuple[Function, str]] = {
    "no mean": (lambda y: rounded(y * s), WORDS["y * s"]),
    "no mean, wrapped": (lambda y: wrapped(y * s), WORDS["y * s"] + WRAPS),
    "no mean, truncated": (lambda y: truncated(y * s), WORDS["y * s"] + CUT),
    "minus the mean": (lambda y: rounded(y * s - m), WORDS["y * s - m"]),
    "nothing": (rounded, WORDS["y"]),
    "nothing, truncated": (truncated, WORDS["y"] + CUT),
    "BGR": (lambda y: rounded((y * s + m).flip(0)), WORDS["x in BGR"]),
    "BGR, truncated": (lambda y: truncated((y * s + m).flip(0)), WORDS["x in BGR"] + CUT),
    "black for white": (lambda y: rounded(1 - (y * s + m)), WORDS["w - x"]),
    "an eps": (
        lambda y: rounded(y * (s + 1e-2) + m),
        "An eps of 0.01 is added to std in the inverse only. Leave it out, or use it on both sides.",
    ),
    "an eps in the variance": (
        lambda y: rounded(y * (s**2 + 1e-2).sqrt() + m),
        "An eps of 0.01 is added to the variance in the inverse only. Leave it out, or use it on both sides.",
    ),
    "an eps in the forward": (
        lambda y: rounded(y * (s - 1e-3) + m),
        "An eps of 0.001 is added to std in the forward only. Leave it out, or use it on both sides.",
    ),
    "one decimal": (
        lambda y: rounded(y * s.round(decimals=1) + m.round(decimals=1)),
        "Constants are rounded to 1 decimal.",
    ),
    "two decimals": (
        lambda y: rounded(y * s.round(decimals=2) + m.round(decimals=2)),
        "Constants are rounded to 2 decimals.",
    ),
    "a preset": (
        lambda y: rounded(y * 0.5 + 0.5),
        "The inverse uses the statistics of half (mean (0.5, 0.5, 0.5), std (0.5, 0.5, 0.5)); the pipeline has mean "
        "(0.485, 0.456, 0.406), std (0.229, 0.224, 0.225).",
    ),
    "one std": (lambda y: rounded(y * blue + m), WORDS["one std too large"]),
    "one std, truncated": (lambda y: truncated(y * blue + m), WORDS["one std too large"] + CUT),
    "0 and 1, truncated": (lambda y: (y * s + m).byte(), TOO_SMALL),
    "0 and 1, rounded": (lambda y: (y * s + m).round().byte(), TOO_SMALL),
    "0 and 1, without the mean": (lambda y: (y * s).clamp(0, 1).byte(), TOO_SMALL),
}


@pytest.mark.parametrize("what", IN_BYTES)
def test_mistakes_are_told_from_bytes(what: str) -> None:
    inverse, expected = IN_BYTES[what]
    said = diagnose(FORWARD, inverse)
    assert said.message == expected
    assert not said.exact
    if expected != TOO_SMALL:  # whole levels are bytes, whatever the dtype, and when they are divided by 255 again
        floats = lambda y: np.asarray(inverse(y)).astype(np.float32)  # noqa: E731
        assert diagnose(FORWARD, floats).message == expected
        assert diagnose(FORWARD, lambda y: floats(y) / 255).message == expected


def test_casts_without_a_clamp_are_no_mistake_where_nothing_is_outside() -> None:
    said = diagnose(FORWARD, lambda y: wrapped(y * s + m))
    assert (said.kind, said.message) == ("exact", "the picture comes back: all 768 levels come back.")
    wide = diagnose(FORWARD, lambda y: wrapped(y * s * 2 + m))
    assert wide.message.startswith(
        "red: gain 2, offset -0.48: the inverse uses std 0.458 where the pipeline has 0.229; "
    )
    assert wide.message.endswith(WRAPS)


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (255, WORDS["x * 255"]),
        (1 / 255, TOO_SMALL),
        (
            255**2,
            "the result is 65025 times too large: a factor of 255 is applied twice that the pictures do not have. If "
            "0..255 is meant, say so: output_max=255.",
        ),
        (
            1 / 255**2,
            "the result is 65025 times too small: a division by 255 that is not undone, or values in 0..1 cast to "
            "bytes without multiplying by 255.",
        ),
    ],
)
def test_factors_of_255_with_and_without_another_mistake(factor: float, said: str) -> None:
    assert diagnose(FORWARD, lambda y: (y * s + m) * factor).message == said
    slipped = diagnose(FORWARD, lambda y: (y * blue + m) * factor)
    assert slipped.message == f"{said}\nAlso: {WORDS['one std too large']}"
    assert kinds(slipped) == ["scale-255", "wrong-std"]


CLAMPED = {
    "after": (
        lambda y: (y * s + m).clamp(0.2, 0.8),
        "after the inverse, to another range than the pictures', so that what lies outside 0.2..0.8 is lost. Clamp to "
        "0..1.",
    ),
    "bytes": (
        lambda y: rounded((y * s + m).clamp(0.2, 0.8)),
        "after the inverse, to another range than the pictures', so that what lies outside 0.2..0.8 is lost. Clamp to "
        "0..1.",
    ),
    "below": (
        lambda y: (y * s + m).clamp(min=0.1),
        "after the inverse, to another range than the pictures', so that what lies below 0.1 is lost. Clamp to 0..1.",
    ),
    "above, before": (
        lambda y: y.clamp(max=1.5) * s + m,
        "in the normalized space (to ..1.5) before the inverse, so that what lies above 0.8285 (red), 0.792 "
        "(green), 0.7435 (blue) is lost. Clamp after the inverse, to 0..1.",
    ),
}


@pytest.mark.parametrize("what", CLAMPED)
def test_where_values_are_clamped(what: str) -> None:
    inverse, expected = CLAMPED[what]
    assert diagnose(FORWARD, inverse).message == f"values are clamped {expected}"
    of_bytes = Normalization([255 * one for one in MEAN], [255 * one for one in STD], pixel_max=255.0)
    scaled = diagnose(of_bytes, lambda y: inverse(y) if what == "bytes" else inverse(y) * 255, pixel_max=255.0)
    assert scaled.kind == "clamped"
    assert ("to 0..255." in scaled.message) or scaled.message.endswith("Clamp to 0..255.")


# --- what is no known mistake ---

UNKNOWN: dict[str, tuple[Function, str]] = {
    "gamma": (lambda y: (y * s + m).clamp(0, 1) ** 0.4545, "no affine map"),
    "contrast": (lambda y: ((y * s + m) - 0.5) * 0.8 + 0.5, "gain 0.8, offset 0.1"),
    "grey": (lambda y: (y * s + m).mean(-3, keepdim=True).expand(3, -1, -1), "times the normalized channels"),
    "sepia": (lambda y: 0.7 * (y * s + m) + 0.3 * (y * s + m).flip(-3), "times the normalized channels"),
    "noise": (lambda y: y * s + m + 0.02 * torch.rand(y.shape), "no affine map"),
    "upside down": (lambda y: (y * s + m).flip(-2), "turned over, upside down"),
    "left to right": (lambda y: (y * s + m).flip(-1), "turned over, left to right"),
    "a pixel to the side": (lambda y: (y * s + m).roll(1, -1), "no affine map"),
    "nothing but black": (lambda y: torch.zeros_like(y), "gain 0, offset 0"),
    "NaN": (lambda y: y * math.nan, "NaN or infinite"),
    "its own mean and std": (lambda y: (y - y.mean()) / y.std(), "depends on each picture's own values"),
    "sigmoid": (torch.sigmoid, "no affine map"),
    "one channel for three": (lambda y: (y * s + m)[[0, 0, 0]], "come from the normalized channels red, red, red"),
    "nothing but white": (lambda y: (y * s + m + 5).clamp(0, 1), "every picture comes back white: all values run past"),
    "a little noise": (lambda y: y * s + m + 1e-4 * torch.rand(y.shape), "gives another result the second time"),
    **{
        f"{how} in {name}": (function, f"the formula is right, and {name} rounds what it works with")
        for name, short in (("float16", torch.float16), ("bfloat16", torch.bfloat16))
        for how, function in (
            ("all", lambda y, short=short: y.to(short) * s.to(short) + m.to(short)),
            ("its result", lambda y, short=short: (y * s + m).to(short).float()),
            ("what it gets", lambda y, short=short: y.to(short).float() * s + m),
        )
    },
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_unknown_comes_with_numbers_and_no_guess(what: str) -> None:
    inverse, expected = UNKNOWN[what]
    torch.manual_seed(0)
    said = diagnose(FORWARD, inverse)
    assert kinds(said) == ["unknown"], said
    assert expected in said.message
    assert not said.exact
    json.dumps(said.to_dict(), allow_nan=False)


def test_no_level_comes_back_as_no_number() -> None:
    said = diagnose(FORWARD, lambda y: y * math.nan)
    assert (said.wrong_levels, said.total_levels, said.max_abs_error) == (768, 768, math.inf)
    said = diagnose(FORWARD, lambda y: torch.where(y > 0, math.nan, y * s + m))
    assert 300 < said.wrong_levels < 500


@pytest.mark.parametrize("std", [0.0, 1e-40, math.nan])
def test_a_forward_that_gives_no_numbers(std: float) -> None:
    said = diagnose(lambda x: (x - m) / std, lambda y: y * std + m)
    assert (kinds(said), said.exact) == (["unknown"], False)
    assert said.message.startswith(
        "the forward gives NaN or infinite values: is a std 0, or too small for this dtype. "
    )


def test_a_forward_that_is_no_normalize() -> None:
    said = diagnose(lambda x: x**2, lambda y: y)
    assert (said.kind, said.gain, said.offset) == ("unknown", None, None)
    assert said.message == (
        "the forward is no Normalize: it does not map each channel by itself with a slope and an offset. red: (1, 0, "
        "0) times the normalized channels, offset 0; green: (0, 1, 0) times the normalized channels, offset 0; blue: "
        "(0, 0, 1) times the normalized channels, offset 0."
    )


def test_gain_and_offset_of_the_whole_way() -> None:
    said = diagnose(FORWARD, lambda y: (y * s + m) * 1.25 - 0.1)
    assert said.gain == pytest.approx((1.25,) * 3)
    assert said.offset == pytest.approx((-0.1,) * 3)
    assert diagnose(FORWARD, lambda y: (y * s + m).flip(-3)).gain is None


def test_statistics_are_shown_as_they_are_declared() -> None:
    clip = PRESETS["clip"]
    said = diagnose(T.Normalize(clip.mean, clip.std), lambda y: y * 0.3 + torch.tensor(clip.mean)[:, None, None])
    assert "0.26862954" in said.message
    assert said.kind == "one-channel-for-all" or "0.3" in said.message


def test_mutation_of_both_sides() -> None:
    said = diagnose(T.Normalize(MEAN, STD, inplace=True), lambda y: y.mul_(s).add_(m))
    assert kinds(said) == ["mutates-input", "mutates-input"]
    assert said.exact
    assert "the forward changes its input in place" in said.message
    assert "Also: the inverse changes its input in place" in said.message


def test_bytes_that_wrap_around() -> None:
    said = diagnose(FORWARD, lambda y: ((y * s * 1.5 + m) * 255).round().to(torch.int64).to(torch.uint8))
    assert "256 becomes 0 and -1 becomes 255" in said.message
    assert not said.exact


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision(dtype: torch.dtype) -> None:
    def constants(one: torch.Tensor) -> torch.Tensor:
        return one.to(dtype)

    def forward(x: torch.Tensor) -> torch.Tensor:
        return (x - constants(m)) / constants(s)

    assert diagnose(forward, lambda y: y * constants(s) + constants(m), dtype=dtype).kind == "exact"
    assert diagnose(forward, lambda y: y * constants(s), dtype=dtype).kind == "missing-mean"
    assert diagnose(forward, lambda y: y, dtype=dtype).kind == "not-inverted"


def test_numbers_are_taken_for_what_somebody_typed() -> None:
    assert snap(0.4850003, 1e-6) == 0.485
    assert snap(0.4850003, 1e-7) == 0.4850003
    assert snap(-123.6749, 1e-3) == -123.675
    assert snap(0.25, 0.0) == 0.25
    assert snap(0.1 + 0.2, 0.0) == 0.1 + 0.2
    assert snap(8e-9, 1e-9) == 0
    assert snap(9e-9, 1e-9) == 9e-9
    assert math.isnan(snap(math.nan, 1.0))
    assert snap(-math.inf, 1.0) == -math.inf


def test_names_of_channels() -> None:
    assert [channel_name(c, 3) for c in range(3)] == ["red", "green", "blue"]
    assert channel_name(0, 1) == "grey"
    assert [channel_name(c, 4) for c in range(4)] == ["channel 0", "channel 1", "channel 2", "channel 3"]


def test_every_kind_is_explained() -> None:
    assert set(KINDS) == {one.kind for one in MISTAKES} | {"exact", "unknown"}
    assert all(KINDS.values())


def test_errors_say_what_was_called() -> None:
    with pytest.raises(
        InverseError, match=r"the inverse returned None: expected the picture\. If it works in place, let"
    ):
        diagnose(FORWARD, lambda y: None)
    with pytest.raises(InverseError, match=r"the inverse raised ZeroDivisionError: .*\n.*float tensor of shape \(3, "):
        diagnose(FORWARD, lambda y: 1 / 0)
    with pytest.raises(InverseError, match=r"the inverse returned shape \(3, 4, 4\) for a picture of shape \(3, "):
        diagnose(FORWARD, lambda y: y[:, :4, :4])
    with pytest.raises(ImageError, match=r"^channels is 0: expected at least 1\.$"):
        diagnose(FORWARD, FORWARD, channels=0)


# --- statistics at which a mistake was once misnamed ---

ODD_STATISTICS = {
    # mean, std, white, the mistake, its kind
    "negative stds, normalized twice": ([1.778, -0.994], [0.388, -0.036], 1.0, "two forwards", "not-inverted"),
    "negative stds, never normalized": ([-0.05, 0.5], [-1.16, 1.32], 1.0, "no forward", "inverted-twice"),
    "negative std, root of the variance": (
        [0.1551, 1.6892],
        [0.0029, -0.0119],
        1.0,
        "eps of 1e-5 in the variance",
        "eps",
    ),
    "all values clamped": ([-0.8], [0.71], 1.0, "clamp(-1, 1) before", "clamped"),
    "two channels of three clamped": (
        [169.3, 308.4, 270.4],
        [200.4, 3.9, 2.7],
        255.0,
        "clamp(-1, 1) before",
        "clamped",
    ),
    "a half in float32": ([-149.99, -128.01], [5.11, 37.55], 255.0, "m and s to 3 decimals", "rounded-constants"),
    "a half of one channel in float32": (
        [0.5, 0.0842, 0.5, 0.5],
        [0.5, 0.2345, 0.5, 0.5],
        1.0,
        "m and s to 3 decimals",
        "rounded-constants",
    ),
    "a half in a quotient": ([-0.192, -0.991], [0.218, -0.016], 1.0, "m/s and 1/s to 3 decimals", "rounded-constants"),
    "large normalized values": (
        [-0.595, 0.158, 1.086],
        [0.0083, 1.0529, 0.0061],
        1.0,
        "(y + m) * s",
        "mean-not-divided",
    ),
    "one number for mean and std": ([0.5], [0.5], 1.0, "one std too large, in 1/s only", "wrong-std"),
    "a constant that is white": ([0.0, 0.0], [1.0, 1.0], 1.0, "y * m + s", "swapped-mean-std"),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("case", ODD_STATISTICS)
def test_odd_statistics(case: str, dtype: torch.dtype) -> None:
    mean, std, white, name, kind = ODD_STATISTICS[case]
    drawn = Statistics(np.array(mean), np.array(std), white)
    mistake = next(one for one in MISTAKES if one.name == name)
    forward, inverse = mistake.functions(drawn, dtype)
    said = diagnose(forward, inverse, channels=len(mean), pixel_max=white, dtype=dtype)
    assert (said.kind, said.exact) == (kind, False), said


def test_an_eps_hardly_beyond_the_tolerance() -> None:
    given = Normalization(127.5, 482.256, 255.0)
    said = diagnose(lambda x: (x - 127.5) / (482.256 + 1e-3), given.denormalize, channels=1, pixel_max=255.0)
    assert kinds(said) == ["eps"]
    assert said.gain == pytest.approx((0.999998,), abs=1e-6)


@pytest.mark.parametrize("error", [5e-7, 1e-6])
def test_an_error_too_small_to_be_explained(error: float) -> None:
    said = diagnose(FORWARD, lambda y: y * s + m + error)
    assert (said.kind, said.exact) == ("unknown", False)
    off = f"{said.max_abs_error * 255:.4g}"
    assert said.message.startswith(
        f"the map is right as far as it can be measured, and the result up to {off} levels off. red: gain 1, offset "
    )


def test_small_errors_are_shown_by_as_many_digits_as_it_takes() -> None:
    shifted = diagnose(FORWARD, lambda y: y * s + m + 2e-6)
    assert shifted.message.startswith(
        "red: gain 1, offset 2e-06: the inverse uses mean 0.485002 where the pipeline has 0.485; "
    )
    stretched = diagnose(FORWARD, lambda y: y * s * torch.tensor([1, 1, 1 + 5e-6]).view(3, 1, 1) + m)
    assert stretched.message.startswith("blue: gain 1.000005, offset ")
    assert "the inverse uses std 0.225001 where the pipeline has 0.225" in stretched.message
    unexplained = diagnose(Normalization(0.5, 5.0), lambda y: (y * 5 + 0.5) * (1 + 1e-6), channels=1)
    assert "grey: gain 1.000001, offset 0." in unexplained.message


def test_statistics_of_bytes_are_no_reason_to_warn_where_the_white_is_given(recwarn: pytest.WarningsRecorder) -> None:
    of_bytes = T.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
    assert diagnose(of_bytes, lambda y: (y * s + m) * 255, pixel_max=255.0).kind == "exact"
    assert not recwarn.list
    with pytest.warns(StatisticsWarning, match="look like statistics of bytes"):
        diagnose(of_bytes, lambda y: (y * s + m) * 255)


def test_how_to_round_depends_on_white() -> None:
    of_bytes = Normalization([255 * one for one in MEAN], [255 * one for one in STD], 255.0)
    said = diagnose(of_bytes, lambda y: ((y * s + m) * 255).byte())
    assert said.message.endswith(" Round before the cast: x.round().clamp(0, 255).to(torch.uint8).")
    wide = Normalization([2 * one for one in MEAN], [2 * one for one in STD], 2.0)
    said = diagnose(wide, lambda y: ((y * s + m) * 255).clamp(0, 255).byte(), pixel_max=2.0)
    assert said.message.endswith(" Round before the cast: x.mul(127.5).round().clamp(0, 255).to(torch.uint8).")
    for most, dtype in ((65535, "uint16"), (65536, "int32")):
        said = diagnose(
            Normalization(0.5, 0.25),
            lambda y, most=most: ((y.double() * 0.25 + 0.5) * most).clamp(0, most).int(),
            channels=1,
            output_max=float(most),
        )
        assert said.message.startswith("integers are truncated instead of rounded, and what lies between two of them ")
        assert said.message.endswith(f"x.mul({most}).round().clamp(0, {most}).to(torch.{dtype}).")


@pytest.mark.parametrize(
    ("inverse", "where"),
    [
        (lambda y: y.clamp(-1, 1) * s + m, "in the normalized space (to -1..1) before the inverse"),
        (lambda y: y.clamp(-2, 2) * s + m, "in the normalized space (to -2..2) before the inverse"),
        (lambda y: y.clamp(0, 1) * s + m, "in the normalized space (to 0..1) before the inverse"),
        (lambda y: (y * s + m).clamp(0.1, 0.9), "after the inverse, to another range than the pictures'"),
        (lambda y: (y * s + m).clamp(0.25, 0.75), "after the inverse, to another range than the pictures'"),
    ],
)
def test_where_it_clamps_is_seen_of_bytes_too(inverse: Function, where: str) -> None:
    for made in (inverse, lambda y: rounded(inverse(y)), lambda y: inverse(y).mul(255).clamp(0, 255).byte()):
        said = diagnose(FORWARD, made)
        assert said.kind == "clamped"
        assert where in said.message


def test_bytes_times_255_twice() -> None:
    said = diagnose(FORWARD, lambda y: (rounded(y * s + m).int() * 255).to(torch.uint8))
    assert said.kind == "scale-255"
    assert said.message.startswith(
        "Bytes are multiplied by 255 a second time, and wrap: level 1 becomes 255, level 2 becomes 254."
    )


def test_gains_of_bytes_are_those_of_the_picture() -> None:
    said = diagnose(FORWARD, lambda y: rounded(y * s + m) // 2)
    assert said.gain == pytest.approx((0.5,) * 3, abs=1e-3)
    assert "red: gain 0.5, offset 0; green: gain 0.5001, offset 0; " in said.message


@pytest.mark.parametrize(
    ("inverse", "kind"),
    [
        (lambda y: y * s + m, "rounded-constants"),
        (lambda y: y * s.double() + m, "rounded-constants"),
        (lambda y: y * s, "missing-mean"),
        (lambda y: y * s - m, "mean-sign"),
        (lambda y: (y + m) * s, "mean-not-divided"),
        (lambda y: y / s + m, "divides-by-std"),
        (lambda y: (y * s + m) * 255, "scale-255"),
        (lambda y: y * three(0.229, 0.224, 0.255).float() + m, "wrong-std"),
    ],
)
def test_constants_of_float32_for_pictures_of_float64(inverse: Function, kind: str) -> None:
    assert kinds(diagnose(T.Normalize(MEAN, STD), inverse, dtype=torch.float64)) == [kind]


def test_which_constants_are_of_float32() -> None:
    exact_m, exact_s = three(*MEAN), three(*STD)
    for inverse, which in (
        (lambda y: y * s + m, "mean and std are"),
        (lambda y: y * s + exact_m, "std is"),
        (lambda y: y * exact_s + m, "mean is"),
    ):
        assert diagnose(T.Normalize(MEAN, STD), inverse, dtype=torch.float64).message == (
            f"In the inverse, {which} rounded to float32, and pictures are of float64: give float64 numbers."
        )
    assert diagnose(T.Normalize(MEAN, STD), lambda y: y * exact_s + exact_m, dtype=torch.float64).kind == "exact"


def test_short_floats_print_no_zero_for_what_is_none() -> None:
    said = diagnose(T.Normalize(MEAN, STD), lambda y: y * three(0.3, 0.224, 0.225).bfloat16() + m, dtype=torch.bfloat16)
    assert said.message.startswith("red: gain 1.3, offset -0.15: the inverse uses std 0.3 where the pipeline has 0.229")


def test_what_short_floats_cannot_tell_is_left_to_float32() -> None:
    typed_wrong = three(0.25, 0.224, 0.225)
    said = diagnose(T.Normalize(MEAN, STD), lambda y: y * typed_wrong.float() + m, dtype=torch.bfloat16)
    assert said.kind == "unknown"
    assert " levels off: floats of 16 bits tell no more, so diagnose it in float32. red: gain 1.0" in said.message
    assert kinds(diagnose(T.Normalize(MEAN, STD), lambda y: y * typed_wrong.float() + m)) == ["wrong-std"]


def test_offsets_of_bytes_are_written_out() -> None:
    of_bytes = Normalization([255 * one for one in MEAN], [255 * one for one in STD], 255.0)
    said = diagnose(of_bytes, lambda y: y * s * 255 + three(123.675, 116.28, 0).float(), pixel_max=255.0)
    assert said.message == "blue: gain 1, offset -104: the inverse uses mean 0 where the pipeline has 103.53."


def test_constants_that_are_all_off_by_next_to_nothing_were_not_rounded() -> None:
    for error in (2e-6, 4e-6):
        assert kinds(diagnose(FORWARD, lambda y, error=error: y * s + m + error)) == ["wrong-mean"]
    rounded_means = Normalization([0.49, 0.46, 0.41], STD)
    said = diagnose(rounded_means, lambda y: y * s + m)
    assert said.message.startswith("The pipeline's own constants are rounded to 2 decimals: red mean ")
    of_bytes = Normalization([124 / 255, 116 / 255, 104 / 255], STD)
    assert "rounded to 0 decimals on the scale of bytes" in diagnose(of_bytes, lambda y: y * s + m).message


def test_an_eps_that_only_costs_the_sign_is_named_beside_a_wrong_std() -> None:
    std = torch.tensor([-7.986, 123.115, 19.343])[:, None, None]
    said = diagnose(lambda x: x / std, lambda y: y * (std**2 + 1e-5).sqrt(), pixel_max=255.0)
    assert kinds(said) == ["wrong-std", "eps"]
    assert said.alternatives[0].equal
    assert said.message.startswith("red: gain -1, offset ")
    assert "The same numbers come about where an eps too small to be seen is added to the variance" in said.message


def test_a_std_of_the_wrong_sign_may_look_like_a_negative() -> None:
    said = diagnose(lambda x: (x - 0.5) / 0.5, lambda y: 0.5 - y * 0.5, channels=1)
    assert kinds(said) == ["inverted-intensity", "wrong-std"]
    assert "The same numbers come about where the std has the wrong sign: mean - y * std." in said.message
    assert kinds(diagnose(lambda x: (x - 0.4) / 0.5, lambda y: 0.4 - y * 0.5)) == ["wrong-std"]


def test_a_clamp_that_no_value_reaches_is_no_mistake() -> None:
    said = diagnose(lambda x: (x + 0.359) / 2.573, lambda y: y.clamp(0, 1) * 2.573 - 0.359, dtype=torch.float64)
    assert said.kind == "exact"


# --- drawn at random ---

DRAWN: dict[str, Callable[[Any, Any, float], tuple[Any, Any]]] = {
    "missing-mean": lambda mean, std, w: (std, 0 * mean),
    "mean-sign": lambda mean, std, w: (std, -mean),
    "mean-not-divided": lambda mean, std, w: (std, mean * std),
    "divides-by-std": lambda mean, std, w: (1 / std, mean),
    "swapped-mean-std": lambda mean, std, w: (mean, std),
    "not-inverted": lambda mean, std, w: (0 * std + 1, 0 * mean),
    "inverted-twice": lambda mean, std, w: (std * std, mean * std + mean),
    "inverted-intensity": lambda mean, std, w: (-std, w - mean),
    "scale-255": lambda mean, std, w: (std * 255, mean * 255),
    "channel-order": lambda mean, std, w: (std[::-1], mean[::-1]),
    "one-channel-for-all": lambda mean, std, w: (0 * std + std[0], 0 * mean + mean[0]),
}
number = st.integers(60, 900).map(lambda thousandths: thousandths / 1000)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(DRAWN)),
    channels=st.lists(st.tuples(number, number), min_size=2, max_size=5, unique_by=(lambda c: c[0], lambda c: c[1])),
    white=st.sampled_from([1.0, 255.0]),
    bytes_out=st.booleans(),
)
def test_a_drawn_mistake_is_named(
    kind: str, channels: list[tuple[float, float]], white: float, bytes_out: bool
) -> None:
    mean, std = (np.array(one) * white for one in zip(*channels, strict=True))
    slope, offset = DRAWN[kind](mean, std, white)
    wrong_slope, wrong_offset, right_mean, right_std = (
        torch.from_numpy(np.array(one)).float()[:, None, None] for one in (slope, offset, mean, std)
    )

    def inverse(y: torch.Tensor) -> torch.Tensor:
        x = y * wrong_slope + wrong_offset
        return (x * (255 / white)).round().clamp(0, 255).byte() if bytes_out else x

    said = diagnose(lambda x: (x - right_mean) / right_std, inverse, channels=len(channels), pixel_max=white)
    assert kind in kinds(said), said
    assert not said.exact


@settings(max_examples=60, deadline=None)
@given(
    channels=st.lists(st.tuples(number, number), min_size=1, max_size=5),
    c=st.integers(0, 4),
    what=st.sampled_from(["mean", "std"]),
    change=st.sampled_from([-0.019, -0.007, 0.013, 0.021]),
    cut=st.booleans(),
)
def test_a_drawn_number_is_read_off(
    channels: list[tuple[float, float]], c: int, what: str, change: float, cut: bool
) -> None:
    c %= len(channels)
    mean, std = (torch.tensor(one, dtype=torch.float64)[:, None, None] for one in zip(*channels, strict=True))
    wrong = {"mean": mean.clone(), "std": std.clone()}
    wrong[what][c] += change

    def inverse(y: torch.Tensor) -> torch.Tensor:
        x = y * wrong["std"] + wrong["mean"]
        return x.clamp(0, 1) if cut else x

    said = diagnose(lambda x: (x - mean) / std, inverse, channels=len(channels), dtype=torch.float64)
    typed, right = float(wrong[what][c]), float((mean if what == "mean" else std)[c])
    line = f"the inverse uses {what} {typed:.6g} where the pipeline has {right:.6g}"
    particular = set(kinds(said)) & {"rounded-constants", "one-channel-for-all", "channel-order", "other-preset"}
    assert particular or (f"wrong-{what}" in kinds(said) and line in said.message), said


# --- what was written down otherwise ---


def of(
    inverse: Function, mean: Any = MEAN, std: Any = STD, white: float = 1.0, dtype: torch.dtype = torch.float64
) -> Diagnosis:
    """Of an inverse for a Normalize with these statistics, on pictures in float64."""
    m, s = (three(*one).to(dtype) for one in (mean, std))
    return diagnose(lambda x: (x - m) / s, inverse, channels=len(mean), pixel_max=white, dtype=dtype)


@pytest.mark.parametrize("white", [1.0, 255.0])
@pytest.mark.parametrize(("brightest", "kind"), [(1, "scale-255"), (2, "scale-255"), (3, "unknown")])
def test_bytes_of_0_and_1_of_something_unknown(brightest: int, kind: str, white: float) -> None:
    def inverse(y: torch.Tensor) -> torch.Tensor:
        return (((y * S + M).clamp(0, 1) ** 2.2) * brightest).round().byte()

    said = of(inverse, M.flatten() * white, S.flatten() * white, white)
    assert kinds(said) == [kind]
    if kind == "scale-255":
        assert said.message == (
            "the bytes that come back are 0 and 1: values in 0..1 were cast without multiplying by 255."
        )


def test_unknown_maps_are_written_down() -> None:
    row = "(0.07633, 0.07467, 0.075) times the normalized channels, offset 0.449"
    assert of(lambda y: (y * S + M).mean(0, keepdim=True).expand(3, -1, -1)).message == (
        f"none of the known mistakes gives these numbers. red: {row}; green: {row}; blue: {row}."
    )
    start = "the channels of the result come from the normalized channels red, red, red. red: (0.229, "
    assert of(lambda y: (y * S + M)[[0, 0, 0]]).message.startswith(start)
    clamped = of(lambda y: (y * S + M)[[0, 0, 0]].clamp(0.2, 0.8))
    assert kinds(clamped) == ["clamped", "unknown"]
    assert clamped.message.startswith(f"values are clamped {CLAMPED['after'][1]}\nAlso: {start}")


MIXED = {
    "red": lambda x: torch.stack([x.mean(0), x[1].clamp(0.2, 0.8), x[2]]),
    "red's gamma": lambda x: torch.stack([x[0].clamp(0, 1) ** 0.5, x[1].clamp(0.2, 0.8), x[2]]),
}


@pytest.mark.parametrize("what", MIXED)
@pytest.mark.parametrize("cast", [lambda x: x, rounded])
def test_a_channel_that_is_no_map_makes_all_of_it_unknown(what: str, cast: Function) -> None:
    assert kinds(of(lambda y: cast(MIXED[what](y * S + M)))) == ["unknown"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_level_that_is_wrong_is_no_known_mistake(dtype: torch.dtype) -> None:
    def inverse(y: torch.Tensor) -> torch.Tensor:
        levels = rounded(y * S + M)
        return torch.where(levels == 77, 78, levels).byte()

    said = of(inverse, dtype=dtype)
    assert (kinds(said), said.exact) == (["unknown"], False)
    assert said.wrong_levels == 3
    assert said.message.startswith("none of the known mistakes gives these numbers. red: no affine map, off by up to ")


@pytest.mark.parametrize("cast", [lambda x: x.clamp(0, 1), rounded])
@pytest.mark.parametrize(
    ("turn", "how"), [(lambda x: x.flip(0), "x in BGR"), (lambda x: x.roll(1, 0), "channels rolled")]
)
@pytest.mark.parametrize(("inverse", "what"), [(lambda y: y * S - M, "y * s - m"), (lambda y: y * S, "y * s")])
def test_mistakes_of_exchanged_channels_that_are_cut_off(
    inverse: Any, what: str, turn: Any, how: str, cast: Any
) -> None:
    said = of(lambda y: cast(turn(inverse(y)))).message.split("\nAlso: ")
    assert said[0] == WORDS[how]
    assert said[1] == WORDS[what] or (len(said) == 3 and said[1] == "The mean is not added.")


def test_one_mistake_a_line() -> None:
    said = of(lambda y: truncated((y * three(0.229, 0.224, 0.255) + M).flip(-3))).message
    assert said == f"{WORDS['x in BGR']}\nAlso: {WORDS['one std too large']}{CUT}"


def test_what_is_changed_in_place_comes_after_the_smallest_mistake() -> None:
    said = diagnose(lambda x: x.sub_(M).div_(S), lambda y: y * (S + 1e-3) + M, dtype=torch.float64)
    assert kinds(said) == ["eps", "mutates-input"]
    assert said.to_dict()["alternatives"][0]["message"] == (
        "the forward changes its input in place (inplace=True?): pass it a copy."
    )


def test_what_is_no_function_is_refused() -> None:
    for arguments, said in (((3, FORWARD), "forward is 3"), ((FORWARD, "x"), "inverse is 'x'")):
        with pytest.raises(ImageTypeError) as caught:
            diagnose(*arguments)  # type: ignore[arg-type]
        assert str(caught.value) == f"{said}: expected a function of a picture, or a Normalization."


@pytest.mark.parametrize(
    ("low", "high", "ends", "lost"), [(None, 0.7, "..0.7", "below 0.26"), (-0.7, None, "-0.7..", "above 0.54")]
)
def test_clamps_before_a_negative_std(low: Any, high: Any, ends: str, lost: str) -> None:
    assert of(lambda y: y.clamp(low, high) * -0.2 + 0.4, [0.4], [-0.2]).message == (
        f"values are clamped in the normalized space (to {ends}) before the inverse, so that what lies "
        f"{lost} is lost. Clamp after the inverse, to 0..1."
    )


def test_a_clamp_of_green_alone() -> None:
    def inverse(y: torch.Tensor) -> torch.Tensor:
        x = y * S + M
        return torch.stack([x[0], x[1].clamp(0.25, 0.75), x[2]])

    assert of(inverse).message == (
        "green: values are clamped after the inverse, to another range than the pictures', so that what lies outside "
        "0.25..0.75 is lost. Clamp to 0..1."
    )


@pytest.mark.parametrize(
    ("mean", "std", "shown"),
    [(1 / 3, 2 / 7, "0.33333334"), (0.12345678, 0.25, "0.12345678"), (100.00000001, 50.0, "100"), (0.5, 0.25, "0.5")],
)
def test_statistics_are_shown_as_they_were_typed_or_as_float32_has_them(mean: float, std: float, shown: str) -> None:
    white = 255.0 if mean > 1 else 1.0
    said = of(lambda y: y * std + mean + 0.0123 * white, [mean], [std], white)
    assert said.kind == "wrong-mean"
    assert f"where the pipeline has {shown}." in said.message


def test_whites_that_are_none_are_refused() -> None:
    for arguments, said in (({"pixel_max": 0.0}, "pixel_max is 0.0"), ({"output_max": -1.0}, "output_max is -1.0")):
        with pytest.raises(ImageError) as caught:
            diagnose(FORWARD, FORWARD, **arguments)  # type: ignore[arg-type]
        assert str(caught.value).startswith(said)
    with pytest.raises(InverseError, match=r"^the forward raised ZeroDivisionError: "):
        diagnose(lambda x: 1 / 0, FORWARD)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_few_values_that_are_no_numbers(value: float) -> None:
    said = of(lambda y: torch.where(y > 2, value, y * S + M))
    assert (kinds(said), said.max_abs_error) == (["unknown"], math.inf)
    assert said.message.startswith("the inverse gives NaN or infinite values. ")


#: Inverses for a Normalize with the statistics of ImageNet in float64, and what is said of them.
FURTHER: dict[str, tuple[Function, str]] = {
    "wrapped, in BGR": (
        lambda y: wrapped(y.flip(0)),
        "The picture comes back as it is, still normalized: nothing is inverted."
        f"\nAlso: the channels come back reversed (BGR for RGB).{WRAPS}",
    ),
    "0 and 1, without the mean, rounded": (
        lambda y: (y * S).clamp(0).round().byte(),
        "the bytes that come back are 0 and 1: values in 0..1 were cast without multiplying by 255.",
    ),
    "nearly ten times": (
        lambda y: y * S * three(9.5, 9.595, 9.5) + M,
        "red: gain 9.5, offset -4.1: the inverse uses std 2.1755 where the pipeline has 0.229; green: gain 9.595, "
        "offset -3.9: the inverse uses std 2.14928 where the pipeline has 0.224; blue: gain 9.5, offset -3.5: the "
        "inverse uses std 2.1375 where the pipeline has 0.225.",
    ),
    "contrast, but for a thousandth": (
        lambda y: (y * S + M) * three(0.2, 0.20018, 0.2) + three(0.07, 0.0705, 0.0695),
        "none of the known mistakes gives these numbers. red: gain 0.2, offset 0.07; green: gain 0.2002, offset "
        "0.0705; blue: gain 0.2, offset 0.0695.",
    ),
}


@pytest.mark.parametrize("what", FURTHER)
def test_further_mistakes_in_words(what: str) -> None:
    inverse, expected = FURTHER[what]
    assert of(inverse).message == expected


CLIP = PRESETS["clip"]
#: Statistics, white, an inverse, and what is said of it.
STRANGE: dict[str, tuple[Any, Any, float, Function, str]] = {
    "almost no forward, in the mean": (
        [0.001] * 3,
        [1.0] * 3,
        1.0,
        lambda y: y * three(0.3, 0.31, 0.32) + three(0.1, 0.2, 0.3),
        "red: gain 0.3, offset 0.1: the inverse uses std 0.3 where the pipeline has 1; green: gain 0.31, "
        "offset 0.2: the inverse uses std 0.31 where the pipeline has 1; blue: gain 0.32, offset 0.3: the "
        "inverse uses std 0.32 where the pipeline has 1."
        "\nAlso: red: gain 0.3, offset 0.1: the inverse uses mean 0.1 where the pipeline has 0.001; green: "
        "gain 0.31, offset 0.2: the inverse uses mean 0.2 where the pipeline has 0.001; blue: gain 0.32, "
        "offset 0.3: the inverse uses mean 0.3 where the pipeline has 0.001.",
    ),
    "almost no forward, in the std": (
        [0.0] * 3,
        [1.5] * 3,
        1.0,
        lambda y: y * three(0.3, 0.31, 0.32) + three(0.1, 0.2, 0.3),
        "red: gain 0.2, offset 0.1: the inverse uses std 0.3 where the pipeline has 1.5; green: gain "
        "0.2067, offset 0.2: the inverse uses std 0.31 where the pipeline has 1.5; blue: gain 0.2133, "
        "offset 0.3: the inverse uses std 0.32 where the pipeline has 1.5."
        "\nAlso: red: gain 0.2, offset 0.1: the inverse uses mean 0.1 where the pipeline has 0; green: gain "
        "0.2067, offset 0.2: the inverse uses mean 0.2 where the pipeline has 0; blue: gain 0.2133, offset "
        "0.3: the inverse uses mean 0.3 where the pipeline has 0.",
    ),
    "no forward, long numbers": (
        [0.0] * 3,
        [1.0] * 3,
        1.0,
        lambda y: y * three(0.345678, 0.3, 0.4) + three(0.123456, 0.2345678, 0.3),
        "The forward leaves the picture as it is, and the inverse undoes a Normalize with mean (0.1235, "
        "0.2346, 0.3), std (0.3457, 0.3, 0.4): it is applied to what was never normalized.",
    ),
    "no forward, one std is 1": (
        [0.0] * 3,
        [1.0] * 3,
        1.0,
        lambda y: y * three(1, 0.3, 0.4) + three(0.1, 0.2, 0.3),
        "The forward leaves the picture as it is, and the inverse undoes a Normalize with mean (0.1, 0.2, "
        "0.3), std (1, 0.3, 0.4): it is applied to what was never normalized.",
    ),
    "no forward, one std is -1": (
        [0.0] * 3,
        [1.0] * 3,
        1.0,
        lambda y: y * three(-1, 0.3, 0.4) + three(0.1, 0.2, 0.3),
        "The forward leaves the picture as it is, and the inverse undoes a Normalize with mean (0.1, 0.2, "
        "0.3), std (-1, 0.3, 0.4): it is applied to what was never normalized.",
    ),
    "no forward, one mean is 0": (
        [0.0] * 3,
        [1.0] * 3,
        1.0,
        lambda y: y * three(0.3, 0.31, 0.32) + three(0.1, 0, 0),
        "The forward leaves the picture as it is, and the inverse undoes a Normalize with mean (0.1, 0, 0),"
        " std (0.3, 0.31, 0.32): it is applied to what was never normalized.",
    ),
    "no forward, one std is 0": (
        [0.0] * 3,
        [1.0] * 3,
        1.0,
        lambda y: y * three(0, 0.3, 0.4) + three(0.1, 0.2, 0.3),
        "none of the known mistakes gives these numbers. red: gain 0, offset 0.1; green: gain 0.3, offset 0.2; blue: "
        "gain 0.4, offset 0.3.",
    ),
    "a root of less than nothing": (
        [0.4, 0.5],
        [0.09, 0.2],
        1.0,
        lambda y: y * three(0.05, 0.17320508) + three(0.4, 0.5),
        "channel 0: gain 0.5556, offset 0.18: the inverse uses std 0.05 where the pipeline has 0.09; channel 1: gain "
        "0.866, offset 0.067: the inverse uses std 0.173205 where the pipeline has 0.2.",
    ),
    "no forward, no mean": (
        [0.0] * 3,
        [1.0] * 3,
        1.0,
        lambda y: y * three(0.3, 0.31, 0.32),
        "red: gain 0.3, offset 0: the inverse uses std 0.3 where the pipeline has 1; green: gain 0.31, "
        "offset 0: the inverse uses std 0.31 where the pipeline has 1; blue: gain 0.32, offset 0: the "
        "inverse uses std 0.32 where the pipeline has 1.",
    ),
    "several contrasts, one brightness": (
        MEAN,
        STD,
        1.0,
        lambda y: (y * S + M) * three(4.9, 5.1, 5) + 0.07,
        "red: gain 4.9, offset 0.07: the inverse uses std 1.1221 where the pipeline has 0.229; green: gain "
        "5.1, offset 0.07: the inverse uses std 1.1424 where the pipeline has 0.224; blue: gain 5, offset "
        "0.07: the inverse uses std 1.125 where the pipeline has 0.225."
        "\nAlso: red: gain 4.9, offset 0.07: the inverse uses mean 2.4465 where the pipeline has 0.485; "
        "green: gain 5.1, offset 0.07: the inverse uses mean 2.3956 where the pipeline has 0.456; blue: "
        "gain 5, offset 0.07: the inverse uses mean 2.1 where the pipeline has 0.406.",
    ),
    "one contrast, several brightnesses": (
        MEAN,
        STD,
        1.0,
        lambda y: (y * S + M) * 2 + three(0.07, 0.08, 0.09),
        "red: gain 2, offset 0.07: the inverse uses std 0.458 where the pipeline has 0.229; green: gain 2, "
        "offset 0.08: the inverse uses std 0.448 where the pipeline has 0.224; blue: gain 2, offset 0.09: "
        "the inverse uses std 0.45 where the pipeline has 0.225."
        "\nAlso: red: gain 2, offset 0.07: the inverse uses mean 1.04 where the pipeline has 0.485; green: "
        "gain 2, offset 0.08: the inverse uses mean 0.992 where the pipeline has 0.456; blue: gain 2, "
        "offset 0.09: the inverse uses mean 0.902 where the pipeline has 0.406.",
    ),
    "contrast of bytes": (
        [100.0, 110.0, 120.0],
        [50.0, 60.0, 70.0],
        255.0,
        lambda y: (y * three(50, 60, 70) + three(100, 110, 120)) * 0.5 + three(20, 20.1, 19.9),
        "none of the known mistakes gives these numbers. red: gain 0.5, offset 20; green: gain 0.5, offset "
        "20.1; blue: gain 0.5, offset 19.9.",
    ),
    "contrast of two channels": (
        [0.4, 0.3],
        [0.3, 0.2],
        1.0,
        lambda y: (y * three(0.3, 0.2) + three(0.4, 0.3)) * 2 + 0.07,
        "none of the known mistakes gives these numbers. channel 0: gain 2, offset 0.07; channel 1: gain 2,"
        " offset 0.07.",
    ),
    "red is black, and clamped": (
        MEAN,
        STD,
        1.0,
        lambda y: ((y * S + M) * three(0, 1, 1)).clamp(0.2, 0.8),
        "green, blue: values are clamped after the inverse, to another range than the pictures', so that what "
        "lies outside 0.2..0.8 is lost. Clamp to 0..1.",
    ),
    "statistics in BGR, cut off": (
        MEAN,
        STD,
        1.0,
        lambda y: (y * S.flip(0) + M.flip(0)).clamp(0, 1),
        "Mean and std are applied reversed: each channel gets another channel's.",
    ),
    "an eps and negative stds": (
        [0.4, 0.5],
        [-0.2, -0.3],
        1.0,
        lambda y: y * three(0.04 + 1e-5, 0.09 + 1e-5).sqrt() + three(0.4, 0.5),
        "An eps of 1e-05 is added to the variance in the inverse only. Leave it out, or use it on both sides.",
    ),
    "an eps and one negative std": (
        [0.4, 0.5],
        [-0.2, 0.3],
        1.0,
        lambda y: y * three(-0.2 + 1e-3, 0.3 + 1e-3) + three(0.4, 0.5),
        "An eps of 0.001 is added to std in the inverse only. Leave it out, or use it on both sides. The "
        "same numbers come about where the pipeline's own constants are rounded to 1 decimal: channel 0 std"
        " -0.199 for -0.2, channel 1 std 0.301 for 0.3.",
    ),
    "whole bytes, in bytes": (
        [0.4914, 0.4822, 0.4465],
        [0.247, 0.2435, 0.2616],
        1.0,
        lambda y: rounded(y * three(63, 62, 67) / 255 + three(125, 123, 114) / 255),
        "Constants are rounded to 0 decimals on the scale of bytes: red mean 0.490196 for 0.4914, red std "
        "0.247059 for 0.247, green mean 0.482353 for 0.4822, green std 0.243137 for 0.2435, blue mean "
        "0.447059 for 0.4465, blue std 0.262745 for 0.2616.",
    ),
    "the second of two means": (
        [0.4, 0.3],
        [0.3, 0.2],
        1.0,
        lambda y: y * three(0.3, 0.2) + 0.3,
        "Every channel gets channel 1's mean (0.3). The same numbers come about where channel 0: gain 1, offset -0.1: "
        "the inverse uses mean 0.3 where the pipeline has 0.4.",
    ),
    "the first of two": (
        [0.4, 0.3],
        [0.3, 0.2],
        1.0,
        lambda y: y * 0.3 + 0.4,
        "Every channel gets channel 0's statistics (mean 0.4, std 0.3).",
    ),
    "two reversed": (
        [0.4, 0.3],
        [0.3, 0.2],
        1.0,
        lambda y: y * three(0.2, 0.3) + three(0.3, 0.4),
        "Mean and std are applied reversed: each channel gets another channel's.",
    ),
    "the same for two": (
        [0.4, 0.3],
        [0.3, 0.2],
        1.0,
        lambda y: y * 0.33 + 0.37,
        "Every channel gets the same statistics: mean 0.37, std 0.33.",
    ),
    "the same for equal means": (
        [0.5] * 3,
        [0.2, 0.3, 0.4],
        1.0,
        lambda y: y * 0.33 + 0.37,
        "Every channel gets the same statistics: mean 0.37, std 0.33.",
    ),
    "the same for equal stds": (
        [0.4, 0.5, 0.6],
        [0.25] * 3,
        1.0,
        lambda y: y * 0.33 + 0.37,
        "Every channel gets the same statistics: mean 0.37, std 0.33.",
    ),
    "the same for one": (
        [0.4],
        [0.25],
        1.0,
        lambda y: y * 0.33 + 0.37,
        "grey: gain 1.32, offset -0.16: the inverse uses std 0.33 where the pipeline has 0.25."
        "\nAlso: grey: gain 1.32, offset -0.16: the inverse uses mean 0.37 where the pipeline has 0.4.",
    ),
    "another order of four": (
        [0.41, 0.42, 0.43, 0.44],
        [0.21, 0.22, 0.23, 0.24],
        1.0,
        lambda y: y * three(0.22, 0.21, 0.23, 0.24) + three(0.42, 0.41, 0.43, 0.44),
        "Mean and std are applied in the order (1, 0, 2, 3): each channel gets another channel's.",
    ),
    "five, moved along by one": (
        [0.41, 0.42, 0.43, 0.44, 0.45],
        [0.21, 0.22, 0.23, 0.24, 0.25],
        1.0,
        lambda y: y * three(0.22, 0.23, 0.24, 0.25, 0.21) + three(0.42, 0.43, 0.44, 0.45, 0.41),
        "Mean and std are applied in the order (1, 2, 3, 4, 0): each channel gets another channel's.",
    ),
    "five, moved back by one": (
        [0.41, 0.42, 0.43, 0.44, 0.45],
        [0.21, 0.22, 0.23, 0.24, 0.25],
        1.0,
        lambda y: y * three(0.25, 0.21, 0.22, 0.23, 0.24) + three(0.45, 0.41, 0.42, 0.43, 0.44),
        "Mean and std are applied in the order (4, 0, 1, 2, 3): each channel gets another channel's.",
    ),
    "an eps less of a half": (
        [0.5] * 3,
        [0.5] * 3,
        1.0,
        lambda y: y * 0.499 + 0.5,
        "red: gain 0.998, offset 0.001: the inverse uses std 0.499 where the pipeline has 0.5; green: gain "
        "0.998, offset 0.001: the inverse uses std 0.499 where the pipeline has 0.5; blue: gain 0.998, "
        "offset 0.001: the inverse uses std 0.499 where the pipeline has 0.5. The same numbers come about "
        "where an eps of 0.001 is added to std in the forward only. Leave it out, or use it on both sides.",
    ),
    "an eps more of a half": (
        [0.5] * 3,
        [0.5] * 3,
        1.0,
        lambda y: y * 0.501 + 0.5,
        "An eps of 0.001 is added to std in the inverse only. Leave it out, or use it on both sides. The "
        "same numbers come about where red: gain 1.002, offset -0.001: the inverse uses std 0.501 where the"
        " pipeline has 0.5; green: gain 1.002, offset -0.001: the inverse uses std 0.501 where the pipeline"
        " has 0.5; blue: gain 1.002, offset -0.001: the inverse uses std 0.501 where the pipeline has 0.5.",
    ),
    "a cent more than a half, in red": (
        [0.5] * 3,
        [0.5] * 3,
        1.0,
        lambda y: y * three(0.51, 0.5, 0.5) + 0.5,
        "red: gain 1.02, offset -0.01: the inverse uses std 0.51 where the pipeline has 0.5.",
    ),
    "MNIST's, of bytes": (
        [123.0, 116.0, 103.0],
        [58.0, 57.0, 56.0],
        255.0,
        lambda y: y * (0.3081 * 255) + 0.1307 * 255,
        "The inverse uses the statistics of mnist (mean (33.3285, 33.3285, 33.3285), std (78.5655, 78.5655,"
        " 78.5655)); the pipeline has mean (123, 116, 103), std (58, 57, 56). The same numbers come about "
        "where every channel gets the same statistics: mean 33.33, std 78.57.",
    ),
    "a quotient of whole numbers": (
        CLIP.mean,
        CLIP.std,
        1.0,
        lambda y: (y - three(-2, -2, -1)) * three(*CLIP.std),
        "red: gain 1, offset 0.056: the inverse uses mean 0.537259 where the pipeline has 0.48145466; "
        "green: gain 1, offset 0.065: the inverse uses mean 0.522605 where the pipeline has 0.4578275; "
        "blue: gain 1, offset -0.13: the inverse uses mean 0.275777 where the pipeline has 0.40821073.",
    ),
    "quotients of one decimal": (
        CLIP.mean,
        CLIP.std,
        1.0,
        lambda y: (y - three(-1.8, -1.8, -1.5)) / three(3.7, 3.8, 3.6),
        "The constants of Normalize(-mean/std, 1/std) are rounded to 1 decimal (both).",
    ),
    "quotients of five decimals": (
        CLIP.mean,
        CLIP.std,
        1.0,
        lambda y: (y - three(-1.79226, -1.75210, -1.48022)) / three(3.72260, 3.82698, 3.62612),
        "The constants of Normalize(-mean/std, 1/std) are rounded to 5 decimals (both).",
    ),
    "six decimals": (
        CLIP.mean,
        CLIP.std,
        1.0,
        lambda y: y * three(0.26863, 0.261303, 0.275777) + three(0.481455, 0.457828, 0.408211),
        "Constants are rounded to 6 decimals: red mean 0.481455 for 0.48145466, red std 0.26863 for "
        "0.26862954, green mean 0.457828 for 0.4578275, green std 0.261303 for 0.26130258, blue mean "
        "0.408211 for 0.40821073, blue std 0.275777 for 0.27577711.",
    ),
    "CLIP's": (
        MEAN,
        STD,
        1.0,
        lambda y: y * three(*CLIP.std) + three(*CLIP.mean),
        "The inverse uses the statistics of clip (mean (0.48145466, 0.4578275, 0.40821073), std "
        "(0.26862954, 0.26130258, 0.27577711)); the pipeline has mean (0.485, 0.456, 0.406), std (0.229, "
        "0.224, 0.225).",
    ),
    "a well-known slip, of bytes": (
        [123.675, 116.28, 103.53],
        [58.395, 57.12, 57.375],
        255.0,
        lambda y: y * three(58.395, 57.12, 65.025) + three(123.675, 116.28, 103.53),
        "blue: gain 1.133, offset -14: the inverse uses std 65.025 where the pipeline has 57.375, a well-known slip.",
    ),
    "a mean over -0.2": (
        MEAN,
        STD,
        1.0,
        lambda y: y * S + three(0.485, 0.456, 0.406 * 0.225 / -0.2),
        "blue: gain 1, offset -0.86: the inverse uses mean -0.45675 where the pipeline has 0.406.",
    ),
    "a mean over 1.2": (
        MEAN,
        STD,
        1.0,
        lambda y: y * S + three(0.485, 0.456, 0.406 * 0.225 / 1.2),
        "blue: gain 1, offset -0.33: the inverse uses mean 0.076125 where the pipeline has 0.406.",
    ),
    "a mean over 0.22512": (
        MEAN,
        STD,
        1.0,
        lambda y: y * S + three(0.485, 0.456, 0.406 * 0.225 / 0.22512),
        "blue: gain 1, offset -0.00022: the inverse uses mean 0.405784 where the pipeline has 0.406.",
    ),
    "two means, one over 0.255": (
        MEAN,
        STD,
        1.0,
        lambda y: y * S + three(0.4973457, 0.456, 0.406 * 0.225 / 0.255),
        "red: gain 1, offset 0.012: the inverse uses mean 0.497346 where the pipeline has 0.485; blue: gain"
        " 1, offset -0.048: the inverse uses mean 0.358235 where the pipeline has 0.406.",
    ),
    "a std, and a mean over 0.255": (
        MEAN,
        STD,
        1.0,
        lambda y: y * three(0.239, 0.224, 0.225) + three(0.485, 0.456, 0.406 * 0.225 / 0.255),
        "blue: gain 1, offset -0.048: the inverse uses mean 0.358235 where the pipeline has 0.406."
        "\nAlso: red: gain 1.044, offset -0.021: the inverse uses std 0.239 where the pipeline has 0.229.",
    ),
    "twice a factor of 255, and one": (
        MEAN,
        STD,
        1.0,
        lambda y: (y * S * three(4.9, 1, 1) + M) * 255,
        "the result is 255 times too large: a factor of 255 is applied that the pictures do not have. If "
        "0..255 is meant, say so: output_max=255."
        "\nAlso: red: gain 4.9, offset -1.9: the inverse uses std 1.1221 where the pipeline has 0.229.",
    ),
    "a factor of 255, and six times red": (
        MEAN,
        STD,
        1.0,
        lambda y: (y * S * three(5.5, 1, 1) + M) * 255,
        "none of the known mistakes gives these numbers. red: gain 1402, offset -556.5; green: gain 255, "
        "offset 0; blue: gain 255, offset 0.",
    ),
}


@pytest.mark.parametrize("what", STRANGE)
def test_strange_statistics_in_words(what: str) -> None:
    mean, std, white, inverse, expected = STRANGE[what]
    assert of(inverse, mean, std, white).message == expected


@pytest.mark.parametrize(("cast", "more"), [(rounded, ""), (truncated, CUT)])
def test_two_forwards_are_told_from_bytes(cast: Function, more: str) -> None:
    said = diagnose(lambda x: ((x - M) / S - M) / S, lambda y: cast(y * S + M), dtype=torch.float64)
    assert said.message == WORDS["two forwards"] + more


# --- little that is wrong, and much ---


def of_bytes_of(name: str, cast: Callable[[torch.Tensor], torch.Tensor], **changes: float) -> Diagnosis:
    """Of an inverse to bytes whose means are changed by so much, a channel."""
    given = PRESETS[name].expand(3)
    names = ("red", "green", "blue")
    mean = torch.tensor([one + changes.get(channel, 0.0) for one, channel in zip(given.mean, names, strict=True)])
    std = torch.tensor(given.std)
    return diagnose(given, lambda y: cast(y * std[:, None, None] + mean[:, None, None]))


@pytest.mark.parametrize("name", ["imagenet", "cifar10", "cifar100", "clip", "half", "svhn"])
@pytest.mark.parametrize("channel", ["red", "green", "blue"])
@pytest.mark.parametrize("by", [1e-4, -1e-4, 2e-4, -2e-4, 5e-4, 1e-3])
def test_a_mean_that_is_a_little_off_is_never_another_mistake(name: str, channel: str, by: float) -> None:
    for cast in (rounded, truncated):
        said = of_bytes_of(name, cast, **{channel: by})
        found = {said.kind, *(one.kind for one in said.alternatives if not one.equal)}
        # quotients of a mean and a std that are rounded move a mean by as little
        assert found <= {"exact", "wrong-mean", "unknown", "truncation", "rounded-constants"}, said
        assert ("truncation" in found) == (cast is truncated), said
        others = {"red", "green", "blue"} - {channel}
        assert "wrong-mean" not in found or not any(f"{other}:" in said.message for other in others), said


def test_what_bytes_hardly_show_is_said_to_be_that() -> None:
    said = of_bytes_of("imagenet", rounded, red=2e-4)
    assert said.message.startswith(
        "each constant is right as far as bytes show it, and pixels come back up to 0.55 levels off, where rounding "
        "takes half a level: diagnose the inverse as it is before it makes bytes. "
    )


@pytest.mark.parametrize(
    "cast",
    [lambda x: x.mul(255).add(0.5).round().clamp(0, 255).byte(), lambda x: x.mul(255).ceil().clamp(0, 255).byte()],
    ids=["+ 0.5 and round", "ceil"],
)
@pytest.mark.parametrize("name", ["imagenet", "half", "cifar10"])
def test_half_a_level_too_much(cast: Callable[[torch.Tensor], torch.Tensor], name: str) -> None:
    said = of_bytes_of(name, cast)
    assert said.kind == "unknown"
    assert said.message.startswith("bytes come back half a level too high, and nothing else is wrong: 0.5 is added")


@pytest.mark.parametrize(
    ("steps", "said"), [(5, "only 6 values come back, 0, 0.2, 0.4, 0.6, 0.8, 1: "), (6, "none of ")]
)
def test_how_few_values_are_a_mask(steps: int, said: str) -> None:
    assert diagnose(FORWARD, lambda y: ((y * s + m).clamp(0, 1) * steps).round() / steps).message.startswith(said)


def test_masks_are_no_pictures_that_wrap() -> None:
    said = diagnose(FORWARD, lambda y: ((y * s + m) > 0.5).byte() * 255)
    assert said.message.startswith("only 2 values come back, 0, 255: that is a mask or a threshold, and no picture. ")
    assert kinds(said) == ["unknown"]


def test_an_inverse_that_changes_what_it_works_with() -> None:
    growing = m.clone()
    said = diagnose(FORWARD, lambda y: y * s + growing.mul_(1.001))
    assert said.message.startswith("the same picture gives another result the second time: chance, or ")


def test_a_picture_reshaped_where_it_has_to_be_permuted() -> None:
    said = diagnose(FORWARD, lambda y: (y * s + m).numpy().reshape(*y.shape[1:], 3))
    assert said.message.startswith("the values come back in other places: a picture is reshaped or viewed, where it ")


def test_a_channel_that_is_left_out() -> None:
    def inverse(y: torch.Tensor) -> torch.Tensor:
        x = y.clone()
        for channel in range(2):
            x[channel] = y[channel] * STD[channel] + MEAN[channel]
        return x

    said = diagnose(FORWARD, inverse)
    assert (said.kind, said.message) == ("not-inverted", "blue comes back still normalized: nothing is inverted there.")


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([1, 0, 2, 3, 4, 5], "Mean and std of channels 0 and 1 are exchanged."),
        (
            [3, 1, 0, 2, 5, 4],
            "Mean and std are applied in the order (3, 1, 0, 2, 5, 4): each channel gets another channel's.",
        ),
    ],
)
def test_any_order_of_many_channels(order: list[int], message: str) -> None:
    bands = Normalization([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.21, 0.22, 0.23, 0.24, 0.25, 0.26])
    std, mean = (torch.tensor(one)[order].view(-1, 1, 1) for one in (bands.std, bands.mean))
    said = diagnose(bands, lambda y: y * std + mean, channels=6)
    assert (said.kind, said.message) == ("channel-order", message)


def test_a_little_beside_a_pipeline_that_normalizes_nothing_is_a_wrong_mean() -> None:
    said = diagnose(Normalization([0.0] * 3, [1.0] * 3), lambda y: y + torch.tensor([0.0, 0.0, 0.001]).view(3, 1, 1))
    assert said.kind == "wrong-mean"
    assert said.message.startswith("blue: gain 1, offset 0.001: the inverse uses mean 0.001 where the pipeline has 0")


# --- gains, whites and effects ---

NO_GAIN: dict[str, Function] = {
    "BGR": lambda x: x.flip(0),
    "a curve": lambda x: x.clamp(0, 1) ** 0.5,
    "a curve in red": lambda x: torch.cat([x[:1].clamp(0, 1) ** 0.5, x[1:]]),
    "red in green": lambda x: x[[0, 0, 2]],
}


@pytest.mark.parametrize("what", NO_GAIN)
def test_what_has_no_gain_of_its_own(what: str) -> None:
    said = of(lambda y: NO_GAIN[what](y * S + M))
    assert (said.gain, said.offset) == (None, None)


def test_rows_of_bytes_are_without_noise() -> None:
    of_bytes = Normalization([255 * one for one in MEAN], [255 * one for one in STD], 255.0)
    said = diagnose(of_bytes, lambda y: ((y * s + m) * 255)[[0, 0, 0]])
    assert "red: (58.4, 0, 0) times the normalized channels, offset 123.7; green: (58.4, 0, 0) times " in said.message


def test_pixels_that_chance_moves_are_told_by_chance() -> None:
    said = diagnose(FORWARD, lambda y: (y * s + m).flatten()[torch.randperm(y.numel())].view(y.shape))
    assert said.message.startswith("the same picture gives another result the second time: chance, or something that ")


#: What pictures are multiplied with, what is added, white in them, and which white is meant.
WHITES: list[tuple[Any, Any, float, float | None]] = [
    (1023, 0, 1.0, 1023),
    (4095, 0, 1.0, 4095),
    (16383, 0, 1.0, 16383),
    (65535, 0, 1.0, 65535),
    (65535 * 1.0009, 0, 1.0, 65535),
    (65535 * 1.0011, 0, 1.0, None),
    (1023, 0.9, 1.0, 1023),
    (1023, 30, 1.0, None),
    (4095, (400, 0, 0), 1.0, None),
    (2000, 0, 1.0, None),
    ((4095.0, 4107.0, 4083.0), 0, 1.0, None),
    (257, 0.5, 255.0, 65535),
    (1 / 255, 0, 255.0, 1),
    (1.0005, 0, 1.0, None),
    (0.9995, 0, 255.0, None),
]


@pytest.mark.parametrize(("factor", "added", "white", "meant"), WHITES)
def test_which_white_is_meant(factor: Any, added: Any, white: float, meant: float | None) -> None:
    mean, std = (three(*one) * white for one in (CLIP.mean, CLIP.std))
    factor, added = (three(*one) if isinstance(one, tuple) else one for one in (factor, added))
    said = diagnose(
        lambda x: (x - mean) / std, lambda y: (y * std + mean) * factor + added, pixel_max=white, dtype=torch.float64
    ).message
    assert ("as if white was" in said or "is meant" in said) == (meant is not None)
    if meant is not None:
        assert f"If 0..{meant:g} is meant, say so: output_max={meant:g}" in said


def test_effects_are_how_far_a_pixel_is_moved() -> None:
    said = diagnose(lambda x: ((x - M) / S - M) / S, lambda y: y * S + M, dtype=torch.float64)
    (equal,) = said.alternatives
    assert equal.equal
    assert equal.effect < said.max_abs_error * (1 + 1e-9)
    assert equal.effect == pytest.approx(said.max_abs_error, rel=1e-6)


def test_three_causes_of_the_same_numbers_are_told_one_after_the_other() -> None:
    message = CONSTANTS["an eps in the forward"][2]
    assert message.count(" The same numbers come about where ") == 2


BYTES = Normalization([255 * one for one in MEAN], [255 * one for one in STD], 255.0)
ENDS: dict[str, tuple[Any, Function, str]] = {
    "bytes, nearly white and black": (FORWARD, lambda y: rounded((y * s + m).clamp(2 / 255, 253 / 255)), ""),
    "nearly white and black, in bytes": (BYTES, lambda y: ((y * s + m) * 255).round().clamp(2, 253).byte(), ""),
    "black, and a little": (
        BYTES,
        lambda y: (y.clamp(float((20 / 255 - m[0]) / s[0]), 1.0) * s + m) * 255 - 20,
        "so that what lies outside 0..162.1 (red), ",
    ),
    "a little above the middle, in bytes": (
        FORWARD,
        lambda y: rounded(y.clamp(0.03, 1) * s + m),
        "red: values are clamped in the normalized space (to 0.02",
    ),
    "one side of red": (
        FORWARD,
        lambda y: torch.stack([(y * s + m)[0].clamp(min=0.1), (y * s + m)[1].clamp(0.2, 0.8), (y * s + m)[2]]),
        "red, green: values are clamped after the inverse, to another range than the pictures', so that what lies "
        "below 0.1 (red), outside 0.2..0.8 (green) is lost. Clamp to 0..1.",
    ),
}


@pytest.mark.parametrize("what", ENDS)
def test_which_ends_are_clamped(what: str) -> None:
    forward, inverse, expected = ENDS[what]
    said = diagnose(forward, inverse)
    assert ("clamped" in kinds(said)) == bool(expected)
    assert expected in said.message


def test_a_clamp_of_two_channels_is_told_of_both() -> None:
    said = of(lambda y: y.clamp(max=1.5) * three(0.2, 0.1) + three(0.4, 0.3), [0.4, 0.3], [0.2, 0.1])
    assert "so that what lies above 0.7 (channel 0), 0.45 (channel 1) is lost" in said.message


def test_a_mask_of_white_has_one_value() -> None:
    said = diagnose(FORWARD, lambda y: ((y * s + m) > 0.99999).float())
    assert said.message.startswith("only one value comes back, 0: that is a mask or a threshold, and no picture. ")


def test_integers_hardly_show_what_is_a_little_off() -> None:
    known = PRESETS["clip"]
    mean, std = (three(*one) for one in (known.mean, known.std))
    said = diagnose(
        known,
        lambda y: ((y * std + mean) * 65535 + three(0.05, 0, 0)).round().clamp(0, 65535).int(),
        dtype=torch.float64,
        output_max=65535.0,
    )
    assert said.message.startswith(
        "each constant is right as far as integers show it, and pixels come back up to 0.0021 levels off, where "
        "rounding takes half of 1/65535: diagnose the inverse as it is before it makes integers. "
    )


def test_other_warnings_of_the_forward_are_the_users_and_filters_stay() -> None:
    nearly_always = T.RandomApply([T.Normalize(BYTES.mean, BYTES.std)], p=1 - 1e-9)
    before = list(warnings.filters)
    with pytest.warns(ConditionalNormalizeWarning):
        assert diagnose(nearly_always, BYTES.inverse(), pixel_max=255.0).kind == "exact"
    assert diagnose(BYTES, BYTES.inverse()).kind == "exact"
    assert warnings.filters == before


@pytest.mark.parametrize("declared", [True, False])
def test_channels_are_as_many_as_are_declared(declared: bool) -> None:
    mean, std = (0.1, 0.2, 0.3, 0.4), (0.05, 0.06, 0.07, 0.08)
    m, s = (torch.tensor(one).view(-1, 1, 1) for one in (mean, std))
    forward: Any = Normalization(mean, std) if declared else lambda x: (x - m) / s
    if declared:
        assert diagnose(forward, lambda y: y * s + m).total_levels == 1024
        assert diagnose(Normalization(0.5, 0.25), lambda y: y * 0.25 + 0.5).total_levels == 768  # one serves all
    else:
        with pytest.raises(
            InverseError, match=r"(?s)^the forward raised .*\nIf the pictures have not 3 channels, say so: channels=\.$"
        ):
            diagnose(forward, lambda y: y * s + m)
    assert diagnose(forward, lambda y: y * s + m, channels=4).exact
    with pytest.raises(InverseError, match=r"and \(3, 16, 32\)\.$"):
        diagnose(forward, lambda y: y * s + m, channels=3)
