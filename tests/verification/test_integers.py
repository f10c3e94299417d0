"""Inverses that give whole numbers, of whatever dtype: bytes, 12 bits, 16 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms import functional as F

from pytest_denorm import Normalization, assert_round_trip, check, diagnose, sweep
from pytest_denorm.core.units import Units

IMAGENET = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
BYTES = Normalization((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), 255.0)
OF_12_BITS = Normalization((2000.0, 2100.0, 2200.0), (900.0, 910.0, 920.0), 4095.0)
OF_16_BITS = Normalization((20000.0, 21000.0, 22000.0), (9000.0, 9100.0, 9200.0), 65535.0)

Cast = Callable[[torch.Tensor], Any]
CASTS: dict[str, tuple[int, Cast]] = {
    "uint8": (255, lambda x: x.byte()),
    "uint8 array": (255, lambda x: x.numpy().astype(np.uint8)),
    "int64 of bytes": (255, lambda x: x.long()),
    "uint16 array": (65535, lambda x: x.numpy().astype(np.uint16)),
    "uint16 tensor": (65535, lambda x: x.to(torch.uint16)),
}


def made(normalization: Normalization, most: int, cast: Cast, whole: Cast = torch.round, by: float = 1.0) -> Cast:
    mean, std = (torch.tensor(one).view(-1, 1, 1) for one in (normalization.mean, normalization.std))
    factor = most / normalization.pixel_max
    return lambda y: cast(whole((y.double() * std + mean) * factor * by).clamp(0, most))


EXPECTED = [(IMAGENET, name, None) for name in CASTS]
EXPECTED += [(BYTES, name, None) for name in ("uint8", "uint8 array", "int64 of bytes", "uint16 array")]
EXPECTED += [(OF_16_BITS, name, None) for name in ("uint8", "uint16 array")]
EXPECTED += [(IMAGENET, name, 1.0) for name in ("uint8", "int64 of bytes", "uint16 array")]


@pytest.mark.parametrize(("normalization", "name", "output_max"), EXPECTED)
def test_whole_numbers_come_back(normalization: Normalization, name: str, output_max: float | None) -> None:
    most, cast = CASTS[name]
    inverse = made(normalization, most, cast)
    assert_round_trip(normalization, inverse=inverse, output_max=output_max)
    report = check(normalization, inverse=inverse, output_max=output_max)
    assert report.ok, str(report)
    assert diagnose(normalization, inverse, output_max=output_max).kind == "exact"


@pytest.mark.parametrize(
    ("normalization", "most", "output_max"),
    [
        (OF_12_BITS, 4095, None),  # the pictures' own
        (OF_16_BITS, 65535, None),
        (IMAGENET, 4095, 4095.0),
        (IMAGENET, 1023, 1023.0),
        (OF_16_BITS, 255, 255.0),
    ],
)
@pytest.mark.parametrize(
    "cast", [lambda x: x.int(), lambda x: x.numpy().astype(np.uint16), lambda x: x], ids=["int32", "uint16", "float"]
)
def test_the_white_of_longer_integers(
    normalization: Normalization, most: int, output_max: float | None, cast: Cast
) -> None:
    right, truncating = (made(normalization, most, cast, whole) for whole in (torch.round, torch.floor))
    if cast(torch.ones(1)).dtype != torch.float32:  # floats are held against what arithmetic explains
        assert_round_trip(normalization, inverse=right, output_max=output_max)
    assert diagnose(normalization, right, output_max=output_max).kind == "exact"
    assert diagnose(normalization, truncating, output_max=output_max).kind == "truncation"
    with pytest.raises(AssertionError, match=r"diagnosis   truncation: "):
        assert_round_trip(normalization, inverse=truncating, output_max=output_max)


def test_truncation_of_16_bits_is_told() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_round_trip(IMAGENET, inverse=made(IMAGENET, *CASTS["uint16 array"], whole=torch.floor))
    said = " ".join(str(caught.value).split())
    assert (
        "diagnosis truncation: integers are truncated instead of rounded, and what lies between two of them loses half "
        "of one on average. Round before the cast: x.mul(65535).round().clamp(0, 65535).to(torch.uint16). tolerance"
    ) in said
    assert "levels at most): integers are rounded to the nearest integer, and float32 rounds" in said
    assert "0 of 768 come back as another byte" in said


def test_integers_that_are_rounded_up_or_were_never_scaled_are_told() -> None:
    cast = CASTS["uint16 array"][1]
    found = diagnose(IMAGENET, made(IMAGENET, 65535, cast, whole=lambda x: (x + 0.5).round()))
    assert str(found).startswith("unknown: integers come back half of one too high, and nothing else is wrong: 0.5 is")
    found = diagnose(IMAGENET, made(IMAGENET, 65535, cast, by=1 / 65535))
    assert str(found) == (
        "scale-255: the integers that come back are 0 and 1: values in 0..1 were cast without multiplying by 65535."
    )


@pytest.mark.parametrize(
    ("inverse", "output_max", "said"),
    [
        (
            made(IMAGENET, 4095, lambda x: x.int()),
            None,
            "unknown: the result is 16.059 times too large, as if white was 4095 in it, and not 255. If 0..4095 is "
            "meant, say so: output_max=4095.",
        ),
        (
            made(IMAGENET, 255, lambda x: x.numpy().astype(np.uint16)),
            None,
            "unknown: the result is 257 times too small, as if white was 255 in it, and not 65535. If 0..255 is meant, "
            "say so: output_max=255.",
        ),
        (
            made(IMAGENET, 1, lambda x: x, whole=lambda x: x),
            65535.0,
            "unknown: the result is 65535 times too small, as if white was 1 in it, and not 65535. If 0..1 is meant, "
            "say so: output_max=1.",
        ),
        (
            made(IMAGENET, 1, lambda x: x, whole=lambda x: x),
            255.0,
            "scale-255: the result is 255 times too small: a division by 255 that is not undone, or values in 0..1 "
            "cast to bytes without multiplying by 255. If 0..1 is meant, say so: output_max=1.",
        ),
    ],
)
def test_another_white_is_told(inverse: Cast, output_max: float | None, said: str) -> None:
    assert str(diagnose(IMAGENET, inverse, output_max=output_max)).startswith(said)
    meant = float(said.rstrip(".").rsplit("output_max=", 1)[1])
    assert diagnose(IMAGENET, inverse, output_max=meant).kind == "exact"


@pytest.mark.parametrize("gain", [1.5, 1 / 3, 16.3])
def test_a_gain_that_is_no_white_is_no_white(gain: float) -> None:
    found = diagnose(IMAGENET, made(IMAGENET, 1, lambda x: x, whole=lambda x: x * gain))
    assert "as if white" not in found.message


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
@pytest.mark.parametrize("most", [255, 65535])
def test_pictures_between_two_whole_numbers_come_back_to_either(white: float, most: int) -> None:
    """Of a million values some lie so near to the middle that arithmetic decides."""
    known = Normalization(
        (0.485 * white, 0.456 * white, 0.406 * white), (0.229 * white, 0.224 * white, 0.225 * white), white
    )
    pictures = torch.rand(3, 600, 600, generator=torch.Generator().manual_seed(3)) * white
    mean, std = (torch.tensor(one).view(-1, 1, 1) for one in (known.mean, known.std))

    def inverse(y: torch.Tensor) -> Any:
        return (
            ((y * std + mean) * (most / white)).round().clamp(0, most).numpy().astype(f"uint{8 if most == 255 else 16}")
        )

    assert_round_trip(known, inverse=inverse, images=pictures)
    with pytest.raises(AssertionError):
        assert_round_trip(known, inverse=lambda y: inverse(y - 0.7 * white / most / std), images=pictures)


def test_own_pictures_may_be_cast_to_equal_shares() -> None:
    """As torchvision makes bytes: the whole part of nearly 256 times the picture."""
    pictures = torch.rand(2, 3, 60, 70, generator=torch.Generator().manual_seed(4))

    def inverse(y: torch.Tensor) -> torch.Tensor:
        return F.convert_image_dtype(
            (y * torch.tensor(IMAGENET.std).view(-1, 1, 1) + torch.tensor(IMAGENET.mean).view(-1, 1, 1)).clamp(0, 1),
            torch.uint8,
        )

    assert_round_trip(IMAGENET, inverse=inverse, images=pictures)
    with pytest.raises(AssertionError):
        assert_round_trip(IMAGENET, inverse=lambda y: inverse(y) // 2 * 2, images=pictures)


def test_a_tolerance_that_is_given_holds_for_bytes_too() -> None:
    between = torch.full((3, 8, 8), 100.4 / 255)
    assert_round_trip(IMAGENET, inverse=made(IMAGENET, *CASTS["uint8"]), images=between, tolerance=0.41 / 255)
    with pytest.raises(AssertionError, match="come back"):
        assert_round_trip(IMAGENET, inverse=made(IMAGENET, *CASTS["uint8"]), images=between, tolerance=0.39 / 255)


@pytest.mark.parametrize(
    ("normalization", "name"), [(IMAGENET, "int64 of bytes"), (IMAGENET, "uint16 array"), (OF_16_BITS, "uint16 array")]
)
def test_a_sweep_reads_them_alike(normalization: Normalization, name: str) -> None:
    pictures = [torch.randint(0, 256, (3, 20, 30), generator=torch.Generator().manual_seed(k)).byte() for k in range(3)]
    most, cast = CASTS[name]
    assert sweep(normalization, pictures, inverse=made(normalization, most, cast)).ok
    wrong = sweep(normalization, pictures, inverse=made(normalization, most, cast, by=0.97))
    assert wrong.wrong_pictures == 3


@pytest.mark.parametrize(
    ("pixel_max", "output_max", "dtype", "white"),
    [
        (1.0, None, torch.float32, 1.0),
        (255.0, 1.0, torch.float16, 1.0),
        *((white, given, torch.uint8, 255.0) for white in (1.0, 4095.0) for given in (None, 1.0, 65535.0)),
        (1.0, None, torch.uint16, 65535.0),
        (255.0, None, torch.uint16, 65535.0),
        (4095.0, None, torch.uint16, 4095.0),
        (1.0, 255.0, torch.uint16, 255.0),
        (1.0, 254.0, torch.uint16, 65535.0),  # of floats
        (1.0, None, torch.int64, 255.0),
        (256.0, None, torch.int32, 256.0),
        (65535.0, 255.0, torch.int32, 255.0),
    ],
)
def test_what_white_is(pixel_max: float, output_max: float | None, dtype: torch.dtype, white: float) -> None:
    units = Units(pixel_max, output_max)
    assert units.white(dtype) == white
    assert units.step(dtype) == (0.0 if dtype.is_floating_point else pixel_max / white)
    value = torch.ones(1, dtype=dtype)
    assert units.read(value).item() == pixel_max / white
    assert units.read(value).dtype == (dtype if dtype.is_floating_point and white == pixel_max else torch.float64)
