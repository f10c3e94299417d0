"""What diagnose says: of each known mistake, of two at once, of casts, of values, and of what is right."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from detection_matrix import MISTAKES, STATISTICS, outcome
from torchvision import transforms as T

from pytest_denorm import PRESETS, Normalization, diagnose
from pytest_denorm.checks import KINDS, Diagnosis
from pytest_denorm.errors import ImageError, ImageTypeError, InverseError, StatisticsWarning

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FORWARD = T.Normalize(MEAN, STD)
m, s = (torch.tensor(one)[:, None, None] for one in (MEAN, STD))
BLUE = torch.tensor([0.229, 0.224, 0.255])[:, None, None]
Function = Callable[[torch.Tensor], Any]


def kinds(said: Diagnosis) -> list[str]:
    return [said.kind, *(one.kind for one in said.alternatives)]


def rounded(x: torch.Tensor) -> torch.Tensor:
    return x.mul(255).round().clamp(0, 255).byte()


def truncated(x: torch.Tensor) -> torch.Tensor:
    return x.mul(255).clamp(0, 255).byte()


def right(y: torch.Tensor) -> torch.Tensor:
    return y * s + m


# --- what is right, however odd it looks ---

RIGHT: dict[str, Function] = {
    "two Normalize steps": T.Compose(
        [T.Normalize((0.0,) * 3, [1 / one for one in STD]), T.Normalize([-one for one in MEAN], (1.0,) * 3)]
    ),
    "clamped to 0..white after the inverse": lambda y: right(y).clamp(0, 1),
    "bytes with + 0.5, then truncated": lambda y: (right(y) * 255 + 0.5).clamp(0, 255).byte(),
    "save_image": lambda y: right(y).mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0).to(torch.uint8).numpy(),
    "a PIL image of rounded bytes": lambda y: T.ToPILImage()(rounded(right(y))),
    "the whole part of 256 x": lambda y: (right(y) * 256).clamp(0, 255).byte(),
    "a batch of one": lambda y: right(y) if y.ndim == 4 else 1 / 0,
    "a list of channels": lambda y: torch.stack([y[c] * STD[c] + MEAN[c] for c in range(3)]),
    "a gradient left on": lambda y: right(y.requires_grad_()),
    "names and values both swapped": (lambda mean, std: lambda y: y * mean + std)(s, m),
}


@pytest.mark.parametrize("how", RIGHT)
def test_silence_on_what_is_right(how: str) -> None:
    said = diagnose(FORWARD, RIGHT[how])
    assert (said.kind, said.exact, said.wrong_levels, said.alternatives) == ("exact", True, 0, ()), said
    assert said.message == "the image comes back: all 768 levels come back."


@pytest.mark.parametrize("channels", [16, 24, 40, 47])
def test_as_many_channels_as_images_may_be_wide(channels: int) -> None:
    known = Normalization([0.5 + c / 100 for c in range(channels)], [0.25] * channels)
    assert diagnose(known, lambda y: known.denormalize(y.numpy()), channels=channels).kind == "exact"
    assert diagnose(known, lambda y: known.denormalize(y).permute(1, 2, 0), channels=channels).kind == "exact"


def test_normalizations_stand_for_functions() -> None:
    for known in PRESETS.values():
        assert diagnose(known, known.inverse(), channels=known.channels).kind == "exact"


# --- each known mistake, in words ---

#: Of each mistake of the matrix, with the statistics of ImageNet in float64: what is said of it.
WORDS = {
    "y * s": "The mean is not added: y * std alone. Use y * std + mean.",
    "y * s - m": (
        "The mean has the wrong sign: y * std - mean, or Normalize(mean/std, 1/std). Use y * std + mean, or "
        "Normalize(-mean/std, 1/std)."
    ),
    "Normalize(m/s, 1/s)": (
        "The mean has the wrong sign: y * std - mean, or Normalize(mean/std, 1/std). Use y * std + mean, or "
        "Normalize(-mean/std, 1/std)."
    ),
    "Normalize(-m, 1/s)": (
        "The mean is added before multiplying: Normalize(-mean, 1/std), or (y + mean) * std. Use "
        "Normalize(-mean/std, 1/std), or y * std + mean."
    ),
    "(y + m) * s": (
        "The mean is added before multiplying: Normalize(-mean, 1/std), or (y + mean) * std. Use "
        "Normalize(-mean/std, 1/std), or y * std + mean."
    ),
    "(y - m) * s": (
        "The mean is subtracted before multiplying: Normalize(mean, 1/std), or (y - mean) * std. Use "
        "Normalize(-mean/std, 1/std), or y * std + mean."
    ),
    "y / s + m": (
        "The inverse divides by std: y / std + mean. Use y * std + mean. (Or the forward multiplies by std, "
        "where it has to divide.)"
    ),
    "Normalize(-m, s)": (
        "The inverse divides by std: Normalize(-mean, std), or (y + mean) / std. Use Normalize(-mean/std, 1/std)."
    ),
    "Normalize(-m/s, s)": ("The inverse divides by std: Normalize(-mean/std, std). Use Normalize(-mean/std, 1/std)."),
    "y * m + s": "Mean and std are swapped: y * mean + std. Use y * std + mean.",
    "Normalize(1/s, -m/s)": ("Mean and std are swapped: Normalize(1/std, -mean/std). Use Normalize(-mean/std, 1/std)."),
    "y": "The image comes back as it is, still normalized: nothing is inverted. Use y * std + mean.",
    "Normalize(m, s) again": (
        "The image is normalized a second time: the inverse is another Normalize with the same mean and std. "
        "Use Normalize(-mean/std, 1/std)."
    ),
    "(y * s + m) * s + m": "The inverse is applied twice, so that the image loses contrast. Apply it once.",
    "no forward": (
        "The forward leaves the image as it is, and the inverse undoes a Normalize with the statistics of "
        "imagenet (mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225)): it is applied to what was never "
        "normalized."
    ),
    "two forwards": (
        "The pipeline normalizes twice, and the inverse undoes it once: the image is still normalized. "
        "Normalize once. The same numbers come about where the inverse uses the statistics of imagenet (mean "
        "(0.485, 0.456, 0.406), std (0.229, 0.224, 0.225)); the pipeline has mean (0.596065, 0.558144, "
        "0.49735), std (0.052441, 0.050176, 0.050625). Use the pipeline's."
    ),
    "w - x": "Black and white are exchanged: the result is 1 - x. Return x.",
    "x * 255": (
        "The result is 255 times too large: a factor of 255 is applied that the images do not have. Leave it "
        "out. If 0..255 is meant, say so: output_max=255."
    ),
    "x / 255": (
        "The result is 255 times too small: a division by 255 that is not undone, or values in 0..1 cast to "
        "bytes without multiplying by 255."
    ),
    "y * s + m * 255": ("Only the mean is multiplied by 255, and not the std. Keep both in the units of the images."),
    "forward of 255 * x": (
        "The result is 255 times too large: a factor of 255 is applied that the images do not have. Leave it "
        "out. If 0..255 is meant, say so: output_max=255. The same numbers come about where the inverse uses "
        "the statistics of imagenet (mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225)); the pipeline has "
        "mean (0.00190196, 0.00178824, 0.00159216), std (0.000898039, 0.000878431, 0.000882353). Use the "
        "pipeline's."
    ),
    "forward of x / 255": (
        "The result is 255 times too small: a division by 255 that is not undone, or values in 0..1 cast to "
        "bytes without multiplying by 255. The same numbers come about where the inverse uses the statistics of "
        "imagenet (mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225)); the pipeline has mean (123.675, "
        "116.28, 103.53), std (58.395, 57.12, 57.375). Use the pipeline's."
    ),
    "bytes of x without * 255": (
        "The bytes that come back are 0 and 1: values in 0..1 were cast without multiplying by 255. Use "
        "x.mul(255).round().clamp(0, 255).to(torch.uint8)."
    ),
    "x * 256": (
        "The result is 256 times too large: it is multiplied by 256. White is 255: multiply by 255, if at all."
    ),
    "rounded bytes of 256 * x": (
        "The result is 256/255 of the image: bytes are multiplied by 256 on one side and divided by 255 on the "
        "other. White is 255: use 255 on both."
    ),
    "forward of bytes / 256": (
        "The result is 255/256 of the image: bytes are multiplied by 255 on one side and divided by 256 on the "
        "other. White is 255: use 255 on both. The same numbers come about where the inverse uses the "
        "statistics of imagenet (mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225)); the pipeline has mean "
        "(0.486902, 0.457788, 0.407592), std (0.229898, 0.224878, 0.225882). Use the pipeline's."
    ),
    "x in BGR": "The channels come back reversed (BGR for RGB). Keep the order of the pipeline.",
    "y in BGR": (
        "The normalized channels are taken reversed (BGR for RGB) before the inverse, and mean and std are not. "
        "Keep the order of the pipeline."
    ),
    "forward in BGR": "The channels come back reversed (BGR for RGB). Keep the order of the pipeline.",
    "channels rolled": ("The channels come back in another order: blue, red, green. Keep the order of the pipeline."),
    "m and s reversed": (
        "In the inverse, mean and std are reversed: each channel gets another channel's. Keep the order of the "
        "pipeline."
    ),
    "s reversed": (
        "In the inverse, the std is reversed: each channel gets another channel's. Keep the order of the pipeline."
    ),
    "m reversed": (
        "In the inverse, the mean is reversed: each channel gets another channel's. Keep the order of the pipeline."
    ),
    "m[0] and s[0] for all": (
        "Every channel gets red's statistics (mean 0.485, std 0.229). Give each channel its own."
    ),
    "the average m and s for all": (
        "Every channel gets the average statistics (mean 0.449, std 0.226). Give each channel its own."
    ),
    "s[0] for all": "Every channel gets red's std (0.229). Give each channel its own.",
    "another data set": (
        "The inverse uses the statistics of svhn (mean (0.4377, 0.4438, 0.4728), std (0.198, 0.201, 0.197)); "
        "the pipeline has mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225). Use the pipeline's."
    ),
    "one std too large": (
        "blue std is 0.255 where the pipeline has 0.225, a well-known slip (gain 1.133, offset -0.054). Use the "
        "pipeline's own std."
    ),
    "one std too large, in 1/s only": (
        "blue std is 0.255 in 1/std, and right in -mean/std where the pipeline has 0.225, a well-known slip "
        "(gain 1.133, offset 0). Use the pipeline's own std."
    ),
    "one std slightly off": (
        "blue std is 0.225518 where the pipeline has 0.225 (gain 1.002, offset -0.00093). Use the pipeline's own std."
    ),
    "std without its sign": (
        "blue std is -0.225 where the pipeline has 0.225 (gain -1, offset 0.81). Use the pipeline's own std."
    ),
    "y + m": "The multiplication by std is missing: y + mean. Use y * std + mean.",
    "one mean too large": (
        "blue mean is 0.486 where the pipeline has 0.406, a well-known slip (gain 1, offset 0.08). Use the "
        "pipeline's own mean."
    ),
    "one mean left out": (
        "blue mean is 0 where the pipeline has 0.406 (gain 1, offset -0.41). Use the pipeline's own mean."
    ),
    "eps of 1e-3 in the inverse": (
        "An eps of 0.001 is added to std in the inverse only. Leave it out, or use it on both sides."
    ),
    "eps of 1e-5 in the inverse": (
        "An eps of 1e-05 is added to std in the inverse only. Leave it out, or use it on both sides."
    ),
    "eps of 1e-5 in the variance": (
        "An eps of 1e-05 is added to the variance in the inverse only. Leave it out, or use it on both sides."
    ),
    "eps of 1e-3 in the forward": (
        "An eps of 0.001 is added to std in the forward only. Leave it out, or use it on both sides. The same "
        "numbers come about where the inverse uses the statistics of imagenet (mean (0.485, 0.456, 0.406), std "
        "(0.229, 0.224, 0.225)); the pipeline has mean (0.485, 0.456, 0.406), std (0.23, 0.225, 0.226). Use the "
        "pipeline's."
    ),
    "m and s to 2 decimals": (
        "The constants of the inverse are rounded to 2 decimals: red mean 0.48 for 0.485, red std 0.23 for "
        "0.229, green mean 0.46 for 0.456, green std 0.22 for 0.224, blue mean 0.41 for 0.406, blue std 0.22 "
        "for 0.225. Use all digits of the pipeline."
    ),
    "m and s to 3 decimals": "the image comes back: all 768 levels come back.",
    "m and s to 4 decimals": "the image comes back: all 768 levels come back.",
    "m/s and 1/s to 3 decimals": (
        "The constants of Normalize(-mean/std, 1/std) are rounded to 3 decimals (both). Compute them in code."
    ),
    "truncated bytes": (
        "Bytes are truncated instead of rounded: 67 of 768 levels come back wrong. What lies between two levels "
        "loses half a level on average. Round before the cast: x.mul(255).round().clamp(0, 255).to(torch.uint8)."
    ),
    "min-max of the picture": (
        "each image is stretched to its own minimum and maximum (make_grid(normalize=True), (x - min) / (max - "
        "min)): that shows something, and is no inverse. Use y * std + mean."
    ),
    "min-max of each channel": (
        "each image is stretched to its own minimum and maximum (make_grid(normalize=True), (x - min) / (max - "
        "min)): that shows something, and is no inverse. Use y * std + mean."
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
        "the inverse changes its input in place: the normalized batch is overwritten, and a second call gives "
        "other images. Work on a clone."
    ),
}


@pytest.mark.parametrize("name", WORDS)
def test_known_mistakes_in_words(name: str) -> None:
    mistake = next(one for one in MISTAKES if one.name == name)
    assert outcome(mistake, "ImageNet", torch.float64).diagnosis.message == WORDS[name]


def test_all_known_mistakes_are_there_in_words() -> None:
    assert {one.name for one in MISTAKES if one.applies(STATISTICS["ImageNet"])} == set(WORDS)


# --- several at once ---

SEVERAL: dict[str, tuple[Function, list[str]]] = {
    "a std and truncation": (lambda y: truncated(y * BLUE + m), ["wrong-std", "truncation"]),
    "rounded, and truncation": (
        lambda y: truncated(y * s.round(decimals=2) + m.round(decimals=2)), ["rounded-constants", "truncation"]
    ),
    "a std in BGR": (lambda y: (y * BLUE + m).flip(-3), ["channel-order", "wrong-std"]),
    "truncation in BGR": (lambda y: truncated(right(y).flip(-3)), ["channel-order", "truncation"]),
    "a std, truncation and BGR": (
        lambda y: truncated((y * BLUE + m).flip(-3)), ["channel-order", "wrong-std", "truncation"]
    ),
    "a std and a mean": (
        lambda y: y * BLUE + torch.tensor([0.458, 0.456, 0.406])[:, None, None], ["wrong-std", "wrong-mean"]
    ),
    "no mean, and 255": (lambda y: y * s * 255, ["scale-255", "missing-mean"]),
    "a std, and 255": (lambda y: (y * BLUE + m) * 255, ["scale-255", "wrong-std"]),
    "dividing, with the wrong sign": (lambda y: y / s - m, ["divides-by-std", "mean-sign"]),
    "a std in place": (lambda y: y.mul_(BLUE).add_(m), ["wrong-std", "mutates-input"]),
    "clamped early, with a std": (lambda y: y.clamp(-1, 1) * BLUE + m, ["clamped", "wrong-std"]),
    "another data set's, truncated": (lambda y: truncated(y * 0.5 + 0.5), ["other-preset", "truncation"]),
    "no mean, and a cast without a clamp": (
        lambda y: (y * s).mul(255).round().to(torch.int64).to(torch.uint8), ["missing-mean", "wraps"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SEVERAL)
def test_several_mistakes_are_all_told(what: str) -> None:
    inverse, expected = SEVERAL[what]
    said = diagnose(FORWARD, inverse)
    assert kinds(said) == expected, said
    assert said.message.count("\nAlso: ") == len(expected) - 1
    effects = [one.effect for one in said.alternatives]
    assert effects == sorted(effects, reverse=True)


def test_equal_causes_are_in_one_message() -> None:
    grey = T.Normalize(0.1307, 0.3081)
    said = diagnose(grey, lambda y: y * 0.3091 + 0.1307, channels=1)
    assert kinds(said) == ["eps", "wrong-std"]
    assert [one.equal for one in said.alternatives] == [True]
    assert said.message == (
        "An eps of 0.001 is added to std in the inverse only. Leave it out, or use it on both sides. The same numbers "
        "come about where grey std is 0.3091 where the pipeline has 0.3081 (gain 1.003, offset -0.00042). Use the "
        "pipeline's own std."
    )


# --- how results are stored ---

LOST = "loses half a level on average. Round before the cast: x.mul(255).round().clamp(0, 255).to(torch.uint8)."
CASTS: dict[str, tuple[Function, str, bool, str]] = {
    # the inverse; kind, exact, and what the message contains
    "floor to floats": (lambda y: (right(y) * 255).floor() / 255, "truncation", False, LOST),
    "ceil": (lambda y: (right(y) * 255).ceil().clamp(0, 255).byte(), "rounded-up", False, "rounded up (ceil)"),
    "+ 0.5 without a clamp": (lambda y: right(y).mul(255).add(0.5).byte(), "wraps", True, "256 becomes 0"),
    "255.5, clamped": (lambda y: (right(y) * 255.5).clamp(0, 255).byte(), "exact", True, "bytes are 255.5 * x"),
    "256 without a clamp": (
        lambda y: (right(y) * 256).numpy().astype(int).astype(np.uint8), "wraps", False, "256 becomes 0"
    ),
    "means 0.002 low, rounded": (lambda y: rounded(right(y) - 0.002), "brightness", False, "-0.002 is added"),
    "a gain of 0.995, rounded": (lambda y: rounded(right(y) * 0.995), "contrast", False, "multiplied by 0.995"),
    "0 and 1": (lambda y: rounded(right(y) / 255), "scale-255", False, "values in 0..1 were cast"),
}  # fmt: skip


@pytest.mark.parametrize("what", CASTS)
def test_casts_are_told_as_what_they_are(what: str) -> None:
    inverse, kind, exact, words = CASTS[what]
    said = diagnose(FORWARD, inverse)
    assert (said.kind, said.exact) == (kind, exact), said
    assert words in said.message


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.5, 0.5)])
def test_truncation_is_judged_by_what_can_enter(mean: float, std: float) -> None:
    known = Normalization([mean] * 3, [std] * 3)
    inverse = lambda y: (y * (std * 255) + mean * 255).clamp(0, 255).byte()  # noqa: E731
    said = diagnose(known, inverse)
    assert (said.kind, said.exact, said.wrong_levels) == ("exact", True, 0)
    assert "What lies between two would lose up to half a level: bytes are truncated" in said.message
    assert diagnose(known, inverse, between=True).kind == "truncation"


@pytest.mark.parametrize("cast", [lambda x: x, rounded], ids=["floats", "bytes"])
@pytest.mark.parametrize("name", ["imagenet", "clip", "cifar10", "svhn"])
def test_small_slips_are_no_rounded_constants_of_the_pipeline(name: str, cast: Function) -> None:
    known = PRESETS[name]
    for slip in (lambda x: x * 0.999, lambda x: x + 0.0005, lambda x: x * (255 / 256), lambda x: x - 0.002):
        said = diagnose(known, lambda y, slip=slip: cast(slip(known.denormalize(y))))
        assert not {"truncation", "rounded-constants"} & set(kinds(said)), said


# --- whether every image is treated alike ---


def _in_place_alone(y: torch.Tensor) -> torch.Tensor:
    return y.mul_(s).add_(m) if y.ndim == 4 else right(y)


def _first_alone(y: torch.Tensor) -> torch.Tensor:
    return torch.cat([right(y[:1]), y[1:]]) if y.ndim == 4 else right(y)


def _zipped(y: torch.Tensor) -> torch.Tensor:
    x = y.clone()
    for one, mean, std in zip(x, MEAN, STD, strict=False):
        one.mul_(std).add_(mean)
    return x


def _in_one_buffer() -> Function:
    kept: dict[Any, torch.Tensor] = {}

    def inverse(y: torch.Tensor) -> torch.Tensor:
        return torch.add(y * s, m, out=kept.setdefault(y.shape, torch.empty_like(y)))

    return inverse


VALUES: dict[str, tuple[Function, str, bool, str]] = {
    "already an image": (lambda y: right(y) if (y < 0).any() else y, "depends-on-values", False, "bright throughout"),
    "even ones untouched": (
        lambda y: right(y) if y.std() > 0 else y, "depends-on-values", False, "of the color of the mean"
    ),
    "only where negative": (
        lambda y: right(y) if y.min() < 0 else y, "depends-on-values", False, "still normalized: nothing is inverted"
    ),
    "dark ones crushed": (
        lambda y: torch.where(right(y) < 0.03, 0, right(y)), "depends-on-values", False, "near black"
    ),
    "last row": (
        lambda y: torch.cat([right(y)[..., :-1, :], y[..., -1:, :]], -2), "depends-on-values", False, "row 46 of 47"
    ),
    "tiles of 8": (
        lambda y: torch.cat([right(y)[..., : y.shape[-2] // 8 * 8, :], y[..., y.shape[-2] // 8 * 8 :, :]], -2),
        "depends-on-values", False, "rows 40, 41",
    ),
    "its own mean and std": (lambda y: (y - y.mean()) / y.std(), "depends-on-values", False, "own values"),
    "ptp": (lambda y: (y - y.min()) / np.ptp(y.numpy()), "min-max", False, "minimum and maximum"),
    "percentiles": (
        lambda y: ((y - y.quantile(0.02)) / (y.quantile(0.98) - y.quantile(0.02))).clamp(0, 1), "min-max", False,
        "percentiles",
    ),
    "chance": (lambda y: right(y) if random.random() < 0.5 else y, "random", False, "the second time"),
    "the first of a batch": (_first_alone, "depends-on-batch", True, "every image but the first"),
    "a zip over the batch": (_zipped, "depends-on-batch", True, "takes images for channels"),
    "in place, of batches alone": (_in_place_alone, "mutates-input", True, "changes a batch in place"),
    "one buffer": (_in_one_buffer(), "mutates-input", True, "the same memory each time"),
}  # fmt: skip


@pytest.mark.parametrize("what", VALUES)
def test_what_depends_on_the_values_is_caught(what: str) -> None:
    inverse, kind, exact, words = VALUES[what]
    random.seed(3)
    state = random.getstate()
    said = diagnose(FORWARD, inverse)
    assert (said.kind, said.exact) == (kind, exact), said
    assert words in said.message
    assert what == "chance" or random.getstate() == state


# --- what is no known mistake ---

UNKNOWN: dict[str, tuple[Function, str]] = {
    "gamma": (lambda y: right(y).clamp(0, 1) ** 0.4545, "no affine map"),
    "grey": (lambda y: right(y).mean(-3, keepdim=True).expand(3, -1, -1), "times the normalized channels"),
    "upside down": (lambda y: right(y).flip(-2), "turned over, upside down"),
    "nothing but black": (torch.zeros_like, "none of the known mistakes"),
    "NaN": (lambda y: y * math.nan, "NaN or infinite"),
    "one channel for three": (lambda y: right(y)[[0, 0, 0]], "come from the normalized channels red, red, red"),
    "nothing but white": (lambda y: (right(y) + 5).clamp(0, 1), "every image comes back white"),
    "a white of 1023": (lambda y: right(y) * 1023, "If 0..1023 is meant, say so: output_max=1023"),
    "float16": (lambda y: (right(y)).half().float(), "float16 rounds what it works with"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_unknown_comes_with_numbers_and_no_guess(what: str) -> None:
    inverse, expected = UNKNOWN[what]
    said = diagnose(FORWARD, inverse)
    assert (kinds(said), said.exact) == (["unknown"], False), said
    assert expected in said.message
    json.dumps(said.to_dict(), allow_nan=False)


def test_gain_and_offset_of_the_whole_way() -> None:
    said = diagnose(FORWARD, lambda y: right(y) * 1.25 - 0.1)
    assert (said.gain, said.offset) == (pytest.approx((1.25,) * 3), pytest.approx((-0.1,) * 3))
    assert diagnose(FORWARD, lambda y: right(y).flip(-3)).gain is None


# --- units and errors ---

OWN_MEAN, OWN_STD = np.array([120.0, 116, 104])[:, None, None], np.array([58.0, 57, 57])[:, None, None]
ON_BYTES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "y * sd + mu": (lambda y: y * OWN_STD + OWN_MEAN, "exact"),
    "(y + 1) / 2": (lambda y: (y + 1) / 2, "scale-255"),
    "y * sd": (lambda y: y * OWN_STD, "missing-mean"),
    "y * sd - mu": (lambda y: y * OWN_STD - OWN_MEAN, "mean-sign"),
    "y * mu + sd": (lambda y: y * OWN_MEAN + OWN_STD, "swapped-mean-std"),
    "y / sd + mu": (lambda y: y / OWN_STD + OWN_MEAN, "divides-by-std"),
    "twice": (lambda y: (y * OWN_STD + OWN_MEAN) * OWN_STD + OWN_MEAN, "inverted-twice"),
    "(y + mu) * sd": (lambda y: (y + OWN_MEAN) * OWN_STD, "mean-not-divided"),
}


@pytest.mark.parametrize("given", [{}, {"output_max": 255.0}, {"pixel_max": 255.0}], ids=str)
@pytest.mark.parametrize("what", ON_BYTES)
def test_an_undeclared_forward_on_bytes_is_read_in_its_own_units(what: str, given: dict[str, float]) -> None:
    inverse, kind = ON_BYTES[what]

    def forward(x: Any) -> Any:
        return (x.numpy() - OWN_MEAN) / OWN_STD

    said = diagnose(forward, lambda y: inverse(y.numpy()), **given)
    assert said.kind == kind, said


def test_constants_are_shown_as_they_were_typed() -> None:
    shifted = OWN_MEAN + np.array([1.0, 0, 0])[:, None, None]
    said = diagnose(lambda x: (x.numpy() - OWN_MEAN) / OWN_STD, lambda y: y.numpy() * OWN_STD + shifted)
    assert said.message.startswith("red mean is 121 where the pipeline has 120 (gain 1, offset 1).")


def test_statistics_of_bytes_are_no_reason_to_warn_where_the_white_is_given(recwarn: pytest.WarningsRecorder) -> None:
    of_bytes = T.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
    assert diagnose(of_bytes, lambda y: right(y) * 255, pixel_max=255.0).kind == "exact"
    assert not recwarn.list
    with pytest.warns(StatisticsWarning, match="look like statistics of bytes"):
        diagnose(of_bytes, lambda y: right(y) * 255)


def _raises(y: Any) -> Any:
    raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize(
    ("forward", "inverse", "error", "said"),
    [
        (FORWARD, lambda y: None, InverseError, "the inverse returned None"),
        (FORWARD, _raises, InverseError, "the inverse raised ZeroDivisionError: division by zero"),
        (_raises, FORWARD, InverseError, "the forward raised ZeroDivisionError: division by zero"),
        (FORWARD, lambda y: "x", InverseError, "the inverse returned a str"),
        (3, FORWARD, ImageTypeError, "forward is 3: expected a function of an image, or a Normalization."),
    ],
)
def test_errors_say_which_of_the_two_it_was(forward: Any, inverse: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as caught:
        diagnose(forward, inverse)
    assert str(caught.value).startswith(said)


def test_whites_and_channels_that_are_none_are_refused() -> None:
    for arguments, said in (
        ({"pixel_max": 0.0}, "pixel_max is 0.0"), ({"output_max": -1.0}, "output_max is -1.0"),
        ({"channels": 0}, "channels is 0: expected at least 1."),
    ):  # fmt: skip
        with pytest.raises(ImageError) as caught:
            diagnose(FORWARD, FORWARD, **arguments)  # type: ignore[arg-type]
        assert str(caught.value).startswith(said)


def test_every_kind_is_explained() -> None:
    assert all(KINDS.values())
    assert {one.kind for one in MISTAKES} <= set(KINDS)
