"""What is observed of a forward and an inverse: maps, the units of what comes back, how well all that is known."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from pytest_denorm import PRESETS, Normalization
from pytest_denorm.core.tolerance import round_trip_tolerance
from pytest_denorm.core.units import Units
from pytest_denorm.diagnosis.observe import (
    ChannelFit,
    Map,
    Observation,
    _are_whole,
    _columns,
    _fit_forward,
    _Fitting,
    _flipped,
    _is_fair,
    _is_scattered,
    _output_scale,
    _per_image,
    _probe_pictures,
    _repeats,
    _wraps,
    _wrong_levels,
    in_equal_bins,
    observe,
    snap,
)
from pytest_denorm.errors import ImageError, InverseError
from pytest_denorm.pipelines.calls import Called, Way

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
M, S = (torch.tensor(one, dtype=torch.float64).view(-1, 1, 1) for one in (MEAN, STD))
Function = Callable[[torch.Tensor], Any]
U = 2.0**-10  # a roundoff with which thresholds are seen


def normalized(x: torch.Tensor) -> torch.Tensor:
    return (x - M) / S


def right(y: torch.Tensor) -> torch.Tensor:
    return y * S + M


def rounded(x: torch.Tensor) -> torch.Tensor:
    return x.double().mul(255).round().clamp(0, 255).byte()


def seen_of(
    inverse: Function,
    forward: Function = normalized,
    *,
    channels: int = 3,
    white: float = 1.0,
    output_max: float | None = None,
    dtype: torch.dtype = torch.float64,
    declared: Normalization | None = None,
) -> Observation:
    return observe(
        forward, inverse, channels=channels, pixel_max=white, output_max=output_max, dtype=dtype, declared=declared
    )


def as_it_is(x: torch.Tensor) -> torch.Tensor:
    return x


def made(**changes: Any) -> Observation:
    """Of one channel, of which everything is right unless `changes` says otherwise."""
    y = np.linspace(-2, 2, 9)[:, None]
    usual = {
        "mean": np.array([0.25]), "std": np.array([0.5]), "white": 1.0, "scale": 1.0, "step": 0.0,
        "unit_roundoff": 2.0**-24, "slack": np.zeros(1), "forward_is_finite": True, "forward_is_affine": True,
        "fits": (line(0.5, 0.25),), "wraps": False, "finite": True, "exact": True, "max_abs_error": 0.0,
        "wrong_levels": 0, "per_image": "", "flipped": "", "scattered": False, "repeats": True,
        "forward_mutates": False, "inverse_mutates": False, "y": y, "z": y * 0.5 + 0.25, "y_low": np.array([-0.5]),
        "y_high": np.array([1.5]), "lowest": 0.0, "highest": 1.0,
    }  # fmt: skip
    return Observation(**{**usual, **changes})


def line(slope: float, offset: float, source: int | None = 0, *, affine: bool = True, count: int = 100) -> ChannelFit:
    row = np.array([slope])
    return ChannelFit(source, slope, offset, -0.5, 1.5, count, -math.inf, math.inf, 0.0, affine, row)


# --- an observation itself ---


@pytest.mark.parametrize(
    ("white", "step", "steps", "kind", "turn"),
    [
        (1.0, 1 / 254, 254, "integers", 256),
        (1.0, 1 / 255, 255, "bytes", 256),
        (1.0, 1 / 256, 256, "integers", 65536),
        (4095.0, 1.0, 4095, "integers", 65536),
        (2.0, 2 / 65535, 65535, "integers", 65536),
    ],
)
def test_the_whole_numbers_that_come_back(white: float, step: float, steps: int, kind: str, turn: int) -> None:
    seen = made(white=white, step=step)
    assert (seen.whole, seen.steps, seen.kind, seen.turn, seen.level) == (True, steps, kind, turn, white / 255)
    assert not made(step=0.0).whole


@pytest.mark.parametrize(("lowest", "highest", "white"), [(1.0, 1.0, True), (0.0, 1.0, False), (0.0, 0.0, False)])
def test_whether_all_is_white(lowest: float, highest: float, white: bool) -> None:
    assert made(lowest=lowest, highest=highest).all_white is white


@pytest.mark.parametrize(("roundoff", "finer"), [(2.0**-23, False), (2.0**-24, False), (2.0**-24.5, True)])
def test_what_is_finer_than_float32(roundoff: float, finer: bool) -> None:
    assert made(unit_roundoff=roundoff).is_finer_than_float32 is finer


HALVES = [("bfloat16", torch.bfloat16), ("float16", torch.float16)]


def short(values: np.ndarray, dtype: torch.dtype) -> np.ndarray:
    return torch.from_numpy(values).to(dtype).double().numpy()


@pytest.mark.parametrize(("name", "dtype"), HALVES)
def test_short_floats_on_the_way_are_seen(name: str, dtype: torch.dtype) -> None:
    y = np.linspace(-2, 2, 99)[:, None]
    of_result, of_input = short(y * 0.5 + 0.25, dtype), short(y, dtype) * 0.5 + 0.25
    for z in (of_result, of_input):
        assert made(y=y, z=z).half_precision == name
        assert made(y=y, z=z, step=1 / 255).half_precision == ""
        assert made(y=y, z=z, finite=False).half_precision == ""
    for z in (y * 0.5 + 0.25, of_result * 2, np.where(y < 0, of_result * 2, of_result)):
        assert made(y=y, z=z).half_precision == ""
    # pictures of such floats themselves show no more
    unit = torch.finfo(dtype).eps / 2
    assert made(y=y, z=of_result, unit_roundoff=unit).half_precision == ""
    assert made(y=y, z=of_result, unit_roundoff=unit * 0.7).half_precision == name


@pytest.mark.parametrize(("off", "name"), [(0.193, "bfloat16"), (0.1942, "")])
def test_how_far_short_floats_may_be_off(off: float, name: str) -> None:
    """By four roundings of 2**-7: off = 2**-5 * (0.5 * 8 + off + 2) at 6 / 31."""
    seen = made(y=np.array([[8.0]]), z=np.array([[4.0]]), mean=np.array([-off]), white=2.0)
    assert seen.half_precision == name
    at = made(y=np.array([[8.0]]), z=np.array([[4.0]]), mean=np.array([-1.0]), white=27.0)  # 1 = 2**-5 * 32
    assert at.half_precision == "bfloat16"


def test_how_well_a_map_is_known() -> None:
    def known(
        slope: float = 4.0, offset: float = -3.0, low: float = -5.0, high: float = 2.0, count: int = 100, **changes: Any
    ) -> float:
        usual: dict[str, Any] = {"white": 2.0, "unit_roundoff": U, "slack": np.array([0.125])}
        seen = made(**{**usual, "fits": (line(0.5, 0.25, count=count),), **changes})
        (found,) = seen.resolution(Map(*(np.array([one]) for one in (slope, offset, low, high))))
        return float(found)

    # 4 roundings of 4 * 5 + 3 + 2; the slack, 8 times; 2 roundings of 3, for 1 + 0.5 * 5 / 0.25 digits
    usual = 4 * 25 * U + 8 * 0.125 + 2 * 3 * (1 + 10) * U
    assert known() == pytest.approx(usual, rel=1e-12)
    assert known(high=6.0) == pytest.approx(4 * 29 * U + 1 + 2 * 3 * (1 + 12) * U, rel=1e-12)
    for mean in (0.0, 1e-20):
        assert known(mean=np.array([mean])) == pytest.approx(4 * 25 * U + 1 + 2 * 3 * 256 * U, rel=1e-12)
    for count, share in ((100, 0.02 + 0.15), (2500, 0.02 + 0.03), (1, 0.25)):
        assert known(count=count, step=0.5) == pytest.approx(usual + 0.5 * share, rel=1e-12)


# --- the pictures that are sent ---


@pytest.mark.parametrize("channels", [1, 3, 8, 15, 16, 17, 20, 31, 32, 33, 39, 40, 41, 47, 48, 49, 64, 96])
def test_no_axis_of_the_pictures_can_pass_for_another(channels: int) -> None:
    pictures = _probe_pictures(channels, 1.0, torch.float32)
    sizes = [tuple(one.shape) for one in pictures]
    assert [height * width for _, height, width in sizes] == [512, *[1920] * 4]
    assert all(len(set(size)) == 3 and size[0] == channels for size in sizes)
    assert all(one.is_contiguous() for one in pictures)


@pytest.mark.parametrize("channels", [1, 3, 4, 16])
def test_what_the_pictures_show(channels: int) -> None:
    levels, first, second, low, pure = _probe_pictures(channels, 2.0, torch.float64)
    found = (levels * 127.5).reshape(channels, -1).sort(dim=1).values
    assert torch.allclose(found, torch.arange(256, dtype=torch.float64).repeat_interleave(2))
    columns = np.concatenate([one.reshape(channels, -1).numpy() for one in (first, second, low)])
    assert np.abs(np.corrcoef(columns) - np.eye(3 * channels)).max() < 0.11  # all are independent
    for one in (first, second):
        assert one.min() == pytest.approx(0.0, abs=2e-3)
        assert one.max() == pytest.approx(2.0, abs=4e-3)
        assert not torch.equal(one, one.float().double())
    starts = torch.linspace(0.5, 0.8, channels, dtype=torch.float64)
    assert torch.allclose(low.amin(dim=(1, 2)), starts, atol=4e-3)
    assert torch.allclose(low.amax(dim=(1, 2)), starts + 0.6, atol=4e-3)
    colours, counts = pure.reshape(channels, -1).unique(dim=1, return_counts=True)
    assert colours.unique().tolist() == [0.0, 2.0]
    assert counts.tolist() == [1920 // 2 ** min(channels, 3)] * 2 ** min(channels, 3)
    assert torch.equal(pure[: channels - 3], pure[3:])
    again = _probe_pictures(channels, 2.0, torch.float64)
    assert all(torch.equal(one, other) for one, other in zip(again, (levels, first, second, low, pure), strict=True))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_levels_are_those_that_to_tensor_makes(dtype: torch.dtype) -> None:
    first, *others = _probe_pictures(3, 1.0, dtype)
    assert {one.dtype for one in (first, *others)} == {dtype}
    assert torch.equal(first.unique(), (torch.arange(256).to(dtype) / 255).unique())


def test_pixels_are_rows() -> None:
    picture = torch.arange(24.0).view(2, 3, 4).requires_grad_()
    columns = _columns(picture)
    assert (columns.dtype, columns.shape) == (np.float64, (12, 2))
    assert columns[5].tolist() == [5.0, 17.0]


# --- the units of what comes back ---


def to(most: float, by: float = 1.0) -> Function:
    return lambda y: (right(y) * most).round() * by


NOISY = {
    "float": as_it_is,
    "times 4": lambda x: x * 4,
    "uint8": rounded,
    "uint16": lambda x: (x * 65535).round().numpy().astype(np.uint16),
}


@pytest.mark.parametrize(
    ("inverse", "white", "output_max", "step", "scale"),
    [
        (right, 1.0, None, 0.0, 1.0),
        (lambda y: right(y) * 4, 1.0, 4.0, 0.0, 4.0),
        (lambda y: rounded(right(y)), 1.0, None, 1 / 255, 255.0),
        (lambda y: rounded(right(y)), 1.0, 4.0, 1 / 255, 255.0),
        (lambda y: rounded(right(y) / 255), 255.0, None, 1.0, 1.0),
        (lambda y: rounded(right(y) / 2), 2.0, None, 2 / 255, 127.5),
        (lambda y: NOISY["uint16"](right(y)), 1.0, None, 1 / 65535, 65535.0),
        (to(255), 1.0, None, 1 / 255, 255.0),
        (to(255 / 2), 2.0, None, 2 / 255, 127.5),
        (to(100), 1.0, 100.0, 1 / 100, 100.0),
        (to(17), 1.0, 17.0, 1 / 17, 17.0),
        (to(20), 1.0, 16.0, 0.0, 16.0),  # few of them are no whole numbers
        (to(255, 1 / 255), 1.0, None, 1 / 255, 1.0),
        (to(255, 4 / 255), 1.0, 4.0, 1 / 255, 4.0),
        (to(255, 0.5 / 255), 1.0, 0.5, 1 / 255, 0.5),
        (to(127.5, 4 / 255), 2.0, 4.0, 2 / 255, 2.0),
        (to(65535, 1 / 65535), 1.0, None, 1 / 65535, 1.0),
        (to(256, 1 / 256), 1.0, None, 0.0, 1.0),
        (to(65536, 1 / 65536), 1.0, None, 0.0, 1.0),
        (lambda y: torch.where(y > 2, math.nan, to(255)(y)), 1.0, None, 1 / 255, 255.0),
    ],
)
def test_whole_numbers_and_their_scale(
    inverse: Function, white: float, output_max: float | None, step: float, scale: float
) -> None:
    seen = seen_of(inverse, lambda x: normalized(x), white=white, output_max=output_max)
    assert (seen.step, seen.scale) == (pytest.approx(step), pytest.approx(scale))
    assert seen.lowest == pytest.approx(0.0, abs=0.01 * white) or math.isnan(seen.lowest)


def test_levels_alone_do_not_make_whole_numbers() -> None:
    whole, plain = torch.arange(0.0, 256.0).view(1, 16, 16), torch.rand(1, 16, 16)
    called = Called([whole, plain, whole], False, Way("", as_it_is, as_it_is))
    assert _output_scale(called, Units(1.0)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("values", "dtype", "whole"),
    [
        ([0, 1, 17], torch.float64, True),
        ([0, 1, 16], torch.float64, False),  # few of them may be anything
        ([100, 103, 110], torch.float64, False),
        ([-100, 103, 110], torch.float64, True),
        ([0, 255], torch.float16, True),
        ([0, 256], torch.float16, False),  # half of what lies beside them is whole, too
        ([0, 31], torch.bfloat16, True),
        ([0, 32], torch.bfloat16, False),
        ([0, 20.0009], torch.float64, True),
        ([0, 20.0011], torch.float64, False),
        ([0.5, 20], torch.float64, False),
        ([0.390625, 200], torch.float16, True),  # 2 * 200 * 2**-10
        ([0.40, 200], torch.float16, False),
    ],
)
def test_what_has_been_rounded_to_whole_numbers(values: list[float], dtype: torch.dtype, whole: bool) -> None:
    assert _are_whole(torch.tensor(values, dtype=torch.float64), dtype) is whole


# --- the forward ---


@pytest.mark.parametrize("declared", [None, "one", "two", "three"])
def test_the_statistics_of_the_forward(declared: str | None) -> None:
    clip = PRESETS["clip"]
    mean, std = (torch.tensor(one).view(-1, 1, 1) for one in (clip.mean, clip.std))
    said = {"two": Normalization((0.5, 0.5), (0.5, 0.5)), "three": clip, "one": Normalization(0.123456789, 0.34567891)}
    given = said.get(declared or "")
    if declared == "one":
        mean, std = torch.tensor(0.123456789), torch.tensor(0.34567891)
    seen = seen_of(lambda y: y * std + mean, lambda x: (x - mean) / std, dtype=torch.float32, declared=given)
    assert seen.forward_is_affine
    for found, values, fixed in ((seen.mean, mean, "mean"), (seen.std, std, "std")):
        assert found == pytest.approx(np.broadcast_to(values.flatten().numpy(), 3), abs=1e-7)
        if declared in ("one", "three"):
            assert given is not None
            assert found.tolist() == np.broadcast_to(getattr(given, fixed), 3).tolist()  # to the last digit


def test_statistics_that_are_claimed_are_looked_at() -> None:
    for wrong in (
        Normalization((0.485, 0.456, 0.4061), STD),
        Normalization(MEAN, (0.229, 0.224, 0.2251)),
        Normalization((0.5,) * 3, (0.5,) * 3),
    ):
        seen = seen_of(right, declared=wrong)
        assert (tuple(seen.mean), tuple(seen.std)) == (MEAN, STD)


#: x in 0..2 of which the forward makes 2 * x - 2, or 2 * x - 200; what is explained by rounding, in roundoffs.
FORWARDS = [
    # span 2 + 2 * 2; the mean 1 + 0.5 * 6 / 4; the std 0.5 * (1 + 0.5 * 6 / (4 * 2))
    (1.0, 1.75, 0.6875),
    # span 200 + 2 * 2; the mean 100 + 0.5 * 204 / 4; the std 2 * (100 + 2) / 204
    (100.0, 125.5, 1.0),
]
SMALL = 2.0**-30


@pytest.mark.parametrize(("mean", "of_mean", "of_std"), FORWARDS)
@pytest.mark.parametrize("share", [0.995, 1.005])
def test_how_near_the_statistics_have_to_be(mean: float, of_mean: float, of_std: float, share: float) -> None:
    x = np.linspace(0, 2, 21)[:, None]
    y = (x - mean) / 0.5
    for of, by in (("mean", of_mean), ("std", of_std)):
        off = 8 * by * SMALL * share
        claimed = {"mean": mean, "std": 0.5}
        claimed[of] += off
        found = _fit_forward(x, y, 2.0, SMALL, Normalization(claimed["mean"], claimed["std"], 2.0))
        expected = claimed if share < 1 else {"mean": mean, "std": 0.5}
        assert ([*found.mean], [*found.std]) == ([expected["mean"]], [expected["std"]])
        # the shortest number within once of that
        short_one = 0.5 + by * SMALL * share if of == "std" else mean + by * SMALL * share
        y_off = (x - (short_one if of == "mean" else mean)) / (short_one if of == "std" else 0.5)
        snapped = getattr(_fit_forward(x, y_off, 2.0, SMALL, None), of)[0]
        near = {"mean": mean, "std": 0.5}[of]
        assert bool(snapped == near) is (share < 1)
        assert snapped == pytest.approx(short_one, abs=1.01 * by * SMALL)


def test_one_channel_that_is_not_as_claimed_makes_all_of_it_wrong() -> None:
    x = np.random.default_rng(0).random((50, 2))
    y = (x - [0.41234567891, 0.5]) / 0.25
    found = _fit_forward(x, y, 1.0, 2.0**-24, Normalization((0.41234567891, 0.6), (0.25, 0.25)))
    assert found.mean[0] != 0.41234567891
    assert found.mean == pytest.approx([0.41234567891, 0.5], abs=1e-6)


#: All pairs of four values of 0..2; and what no plane through them follows any of.
GRID = np.stack(np.meshgrid(*[np.linspace(0, 2, 4)] * 2), axis=-1).reshape(-1, 2)
BUMP = np.tile([1.0, -1.0, -1.0, 1.0], 4)


@pytest.mark.parametrize("share", [0.995, 1.005])
def test_what_a_normalize_may_be_off_by(share: float) -> None:
    """Of what makes 3 * x + 1 of x in 0..2: 64 roundoffs of 7 + 3 * 2; the other channel goes much further."""

    def is_one(slope: float = 3.0, off: float = 0.0, mixed: float = 0.0) -> bool:
        first = slope * GRID[:, 0] + 1 + off * BUMP + mixed * GRID[:, 1]
        found = _fit_forward(GRID, np.stack([first, 300 * GRID[:, 1]], axis=1), 2.0, SMALL, None)
        if not found.affine:
            assert (found.order, [*found.mean], [*found.std]) == ([0, 1], [0.0, 0.0], [1.0, 1.0])
        return found.affine

    room = 64 * 13 * SMALL * share
    assert is_one(off=room) is (share < 1)
    assert is_one(mixed=room / 2) is (share < 1)
    # a slope that is lost in it: 2 * slope is 64 roundoffs of 1 + 4 * slope
    least = 64 * SMALL / (2 - 4 * 64 * SMALL)
    assert is_one(slope=least / share) is (share < 1)
    assert is_one(slope=-3.0)


@pytest.mark.parametrize(
    "forward",
    [
        lambda x: normalized(x)[[0, 0, 1]],
        lambda x: normalized(x) ** 2,
        lambda x: normalized(x) + 0.01 * normalized(x).flip(0),
        lambda x: x * 0 + 1,
        lambda x: x * 0,
        lambda x: torch.where(x > 0.9, math.inf, normalized(x)),
        lambda x: torch.where(x > 0.9, -math.inf, normalized(x)),
        lambda x: torch.where(x > 0.9, math.nan, normalized(x)),
    ],
)
def test_a_forward_that_is_none(forward: Function) -> None:
    seen = seen_of(right, forward)
    assert not seen.forward_is_affine
    assert ([*seen.mean], [*seen.std]) == ([0.0] * 3, [1.0] * 3)
    went = forward(_probe_pictures(3, 1.0, torch.float64)[1])
    assert seen.forward_is_finite is bool(went.isfinite().all())
    expected = went.reshape(3, -1).T.numpy()[::4]
    assert np.array_equal(seen.y, np.where(np.isfinite(expected), expected, 0.0))


def test_channels_that_the_forward_exchanges_are_taken_in_the_order_of_the_pictures() -> None:
    seen = seen_of(lambda y: right(y.roll(1, 0)), lambda x: normalized(x).roll(-1, 0))
    assert (tuple(seen.mean), tuple(seen.std), seen.exact) == (MEAN, STD, True)
    assert [fit.source for fit in seen.fits] == [0, 1, 2]
    assert np.allclose(seen.z, seen.y * STD + MEAN)


@pytest.mark.parametrize(
    ("value", "uncertainty", "expected"),
    [
        (0.4850003, 1e-6, 0.485),
        (0.4850003, 1e-7, 0.4850003),
        (-123.6749, 1e-3, -123.675),
        (3.004, 0.01, 3.0),
        (0.25, 0.0, 0.25),
        (0.1 + 0.2, 0.0, 0.1 + 0.2),
        (1.2345678901234567, 1e-15, 1.234567890123457),
        (12.5, 0.5, 12.0),
        (8.0, 1.0, 0.0),
        (8.5, 1.0, 8.0),
        (7.4, 1.0, 0.0),
        (-8.0, 1.0, 0.0),
        (-math.inf, 1.0, -math.inf),
        (math.inf, math.inf, math.inf),
    ],
)
def test_the_shortest_number(value: float, uncertainty: float, expected: float) -> None:
    assert snap(value, uncertainty) == expected


def test_no_number_is_short() -> None:
    assert math.isnan(snap(math.nan, 1.0))


# --- the inverse: one channel ---


def fitting(x: np.ndarray | None = None, y: np.ndarray | None = None, **changes: float) -> _Fitting:
    x = np.random.default_rng(1).random((400, 2)) if x is None else x
    usual = {"white": 1.0, "unit_roundoff": 2.0**-45, "step": 0.0}
    return _Fitting(x, (x - 0.4) / 0.25 if y is None else y, **{**usual, **changes})


def test_what_a_pixel_may_be_off_by() -> None:
    z = np.array([1.0, -4.0, 0.5])
    assert fitting(white=2.0, unit_roundoff=U).accuracy(z, 3.0) == 8 * 9 * U
    assert fitting(white=2.0, unit_roundoff=U, step=4.0).accuracy(z, 3.0) == pytest.approx(8 * 9 * U + 2.24)


def test_the_map_of_a_channel() -> None:
    some = fitting()
    fit = some.channel(some.y[:, 1] * 2 - 3, 0, 0.25, 0.4)
    assert (fit.source, fit.affine, fit.count, fit.lowest, fit.highest) == (1, True, 400, -math.inf, math.inf)
    assert (fit.slope, fit.offset) == (pytest.approx(2, rel=1e-12), pytest.approx(-3, rel=1e-12))
    assert (fit.low, fit.high) == (some.y[:, 1].min(), some.y[:, 1].max())
    assert fit.residual < 1e-13
    assert fit.row == pytest.approx([0, 2], abs=1e-12)
    mixed = some.channel(some.y @ [0.5, 2] + 1, 0, 0.25, 0.4)
    assert (mixed.source, mixed.affine) == (None, True)
    assert (mixed.slope, mixed.offset) == (pytest.approx(2), pytest.approx(1))
    assert mixed.row == pytest.approx([0.5, 2])
    assert (mixed.low, mixed.high) == (fit.low, fit.high)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_too_few_numbers_are_no_map(value: float) -> None:
    """Five for each of two slopes and an offset."""
    some = fitting()
    z = some.y[:, 0] * 0.25 + 0.4
    for finite, affine in ((14, False), (15, True)):
        fit = some.channel(np.where(np.arange(400) < finite, z, value), 0, 0.25, 0.4)
        assert (fit.affine, fit.count) == (affine, finite if affine else 1)
    fit = some.channel(np.full(400, value), 0, 0.25, 0.4)
    assert (fit.source, fit.low, fit.high, fit.residual, fit.row.shape) == (None, 0.0, 0.0, math.inf, (2,))
    assert (fit.lowest, fit.highest) == (-math.inf, math.inf)
    assert np.isnan([fit.slope, fit.offset, *fit.row]).all()


def test_the_channel_that_counts_is_the_one_that_moves_the_result_most() -> None:
    y = np.random.default_rng(2).random((400, 3)) * [100, 1, 1]
    some = fitting(y[:, :3] / 100, y)
    assert some.channel(y @ [1.0, 2.0, 0.0], 2, 1.0, 0.0).slope == pytest.approx(1.0)
    assert some.channel(y @ [1.0, 2.0, 0.0], 2, 1.0, 0.0).source is None  # two of them do
    flat = some.channel(np.full(400, 0.3), 1, 1.0, 0.0)
    assert (flat.source, flat.affine, flat.offset) == (1, True, pytest.approx(0.3))


@pytest.mark.parametrize(("factor", "single"), [(3.6e-6, True), (4.4e-6, False)])
def test_what_a_millionth_of_another_channel_is(factor: float, single: bool) -> None:
    y = np.stack([2 * GRID[:, 0], GRID[:, 1] / 2], axis=1)
    fit = fitting(GRID, y).channel(y @ [1.0, factor], 0, 1.0, 0.0)  # which goes 4 times as far
    assert (fit.source == 0) is single


@pytest.mark.parametrize("share", [0.995, 1.005])
def test_how_far_off_a_map_may_be(share: float) -> None:
    """8 roundoffs of 6 + 2 * 2 + 2, for a map to 2..6 of a white of 2."""
    some = fitting(GRID, GRID, white=2.0, unit_roundoff=2.0**-20)
    room = 8 * 12 * 2.0**-20 * share
    fit = some._fit(2 * GRID[:, 0] + 2 + room * BUMP, 0, np.ones(16, dtype=bool), (-math.inf, math.inf))
    assert (fit.affine, fit.source, fit.residual) == (share < 1, 0, pytest.approx(room))
    fit = some._fit(2 * GRID[:, 0] + 2 + room / 2 * (GRID[:, 1] - 1), 0, np.ones(16, dtype=bool), (0, 1))
    assert fit.source == (0 if share < 1 else None)


def test_what_is_no_map_is_held_against_the_nearest_of_all_channels() -> None:
    some = fitting()
    z = np.exp(some.y[:, 0]) + 1e-7 * some.y[:, 1]
    fit = some.channel(z, 0, 0.25, 0.4)
    known = np.c_[some.y, np.ones(400)]
    *row, offset = best = np.linalg.lstsq(known, z, rcond=None)[0]
    assert (fit.affine, fit.count, fit.slope, fit.offset) == (False, 400, pytest.approx(row[0]), pytest.approx(offset))
    assert (fit.row, fit.residual) == (pytest.approx(row), pytest.approx(np.abs(z - known @ best).max()))


def test_what_other_channels_seem_to_add_is_left_out() -> None:
    """By chance, where bytes are rounded; in a channel far from 0 it adds up."""
    rng = np.random.default_rng(3)
    x = rng.random((400, 2))
    fit = fitting(x, x + np.array([0, 1e4]), step=1 / 255).channel(
        3 * x[:, 0] + 1 + (rng.random(400) - 0.5) / 255, 0, 1.0, 0.0
    )
    assert (fit.source, fit.affine, fit.offset) == (0, True, pytest.approx(1, abs=1e-3))
    # what is left of the map is what its one channel does not explain
    some = fitting(GRID, GRID, white=2.0, unit_roundoff=2.0**-20)
    room = 8 * 12 * 2.0**-20
    z = 2 * GRID[:, 0] + 2 + 0.9 * room * (BUMP + GRID[:, 1] / 2)
    fit = some._fit(z, 0, np.ones(16, dtype=bool), (-math.inf, math.inf))
    assert (fit.source, fit.affine, fit.residual) == (0, True, pytest.approx(1.35 * room))


def test_what_is_clipped_is_left_out() -> None:
    some = fitting()
    z = (some.y[:, 0] * 0.5 + 0.3).clip(0.1, 0.9)
    fit = some.channel(z, 0, 0.25, 0.4)
    assert (fit.affine, fit.slope, fit.offset) == (True, pytest.approx(0.5), pytest.approx(0.3))
    assert (fit.lowest, fit.highest, fit.count) == (0.1, 0.9, ((z > 0.1) & (z < 0.9)).sum())
    # rounded, some of what is near the ends is left out as well
    step = 1 / 255
    levels = fitting(step=step)
    z = np.rint(z / step) * step
    fit = levels.channel(z, 0, 0.25, 0.4)
    assert fit.count == ((z > z.min() + 2.5 * step) & (z < z.max() - 2.5 * step)).sum()
    assert (fit.lowest, fit.highest, fit.slope) == (z.min(), z.max(), pytest.approx(0.5, rel=1e-2))


@pytest.mark.parametrize(("off", "left_out"), [(3e-6, True), (5e-6, False)])
@pytest.mark.parametrize("end", [-1.0, 3.0])
def test_what_nearly_is_clipped_is_left_out_as_well(end: float, off: float, left_out: bool) -> None:
    """A millionth of the 4 from end to end; else the map is that of the middle alone."""
    x = np.random.default_rng(1).random((400, 2))
    z = (8 * x[:, 0] - 3).clip(-1, 3)
    z[np.flatnonzero(z == end)[0]] -= math.copysign(off, end)
    fit = fitting(x, x).channel(z, 0, 1.0, 0.0)
    assert (fit.affine, fit.slope) == (True, pytest.approx(8))
    assert bool(fit.count == ((z > -1 + 4e-6) & (z < 3 - 4e-6)).sum()) is left_out


@pytest.mark.parametrize(("count", "affine"), [(14, False), (15, True)])
def test_so_many_have_to_be_left(count: int, affine: bool) -> None:
    some = fitting()
    z = some.y[:, 0] * 0.5 + 0.3
    sequence = np.sort(z)
    clipped = z.clip((sequence[99] + sequence[100]) / 2, (sequence[99 + count] + sequence[100 + count]) / 2)
    fit = some.channel(clipped, 0, 0.25, 0.4)
    assert (fit.affine, fit.count) == (affine, count if affine else 400)
    assert (fit.lowest > -math.inf) is affine


def test_a_map_that_holds_in_the_middle_alone() -> None:
    """For pixels of 0.3..0.7 in all channels."""
    for white in (1.0, 2.0):
        x = np.random.default_rng(4).random((400, 2)) * white
        middle = ((x > 0.3 * white) & (x < 0.7 * white)).all(axis=1)
        some = fitting(x, white=white)
        z = 2 * some.y[:, 0] + 1
        fit = some.channel(np.where(middle, z, z**3), 0, 0.25, 0.4)
        assert (fit.affine, fit.count, fit.slope) == (True, middle.sum(), pytest.approx(2))
        ((at, _),) = [np.flatnonzero(middle)[:2]]
        spoilt = np.where(middle, z, z**3)
        spoilt[at] += 0.1
        assert (some.channel(spoilt, 0, 0.25, 0.4).affine, some.channel(spoilt, 0, 0.25, 0.4).count) == (False, 400)


# --- the inverse: where nothing is left to fit ---


@pytest.mark.parametrize(
    ("reached", "end", "found"),
    [
        (-0.25, -1.0, True),
        (0.25, 0.5, False),  # a picture would be there
        (2.25, 4.0, True),
        (2.5, 4.5, True),
        (2.4, 4.3, False),
        (-1.9e-4, -1.0, False),
        (-2.1e-4, -1.0, True),
        (2.00019, 3.0, False),
        (2.00021, 3.0, True),
        (3.0, -1.0 + 0.45e-4, True),
        (3.0, -1.0 + 0.55e-4, False),
        (3.0, 10.0 - 0.45e-3, True),
        (3.0, 10.0 - 0.55e-3, False),
        (3.0, 0.0, True),
    ],
)
def test_a_clamp_before_the_inverse_that_all_values_are_beyond(reached: float, end: float, found: bool) -> None:
    """It is at `end`, for pictures in 0..2, where that is a whole or a half number."""
    some = fitting(np.random.default_rng(5).random((400, 2)) * 2, white=2.0)
    offset = reached - 0.5 * end
    fit = some.channel(np.full(400, reached), 1, 0.5, offset)
    assert (fit.source, fit.affine, fit.residual) == (1, True, pytest.approx(0, abs=1e-12))
    if found:
        assert (fit.slope, fit.offset, [*fit.row], fit.count) == (0.5, offset, [0.0, 0.5], 400)
        assert (fit.lowest, fit.highest) == (reached, reached)
        assert (fit.low, fit.high) == (some.y[:, 1].min(), some.y[:, 1].max())
    else:
        assert (fit.slope, fit.offset) == (pytest.approx(0, abs=1e-12), pytest.approx(reached))
    assert fitting(white=2.0, step=2 / 255)._saturated(np.full(400, reached), 1, (0.5, offset)) is None


@pytest.mark.parametrize("share", [0.995, 1.005])
def test_how_flat_such_a_channel_is(share: float) -> None:
    """8 roundoffs of 3 + 1."""
    some = fitting(unit_roundoff=2.0**-30)
    z = np.full(400, 3.0)
    z[:7] -= 8 * 4 * 2.0**-30 * share
    assert (some._saturated(z, 0, (0.5, 3.5)) is not None) is (share < 1)
    z[7] = math.nan
    assert some._saturated(z, 0, (0.5, 3.5)) is None


def test_the_correct_map_that_is_clipped_nearly_everywhere() -> None:
    x = np.where(np.arange(400)[:, None] < 8, 0.3, np.random.default_rng(6).integers(0, 2, (400, 2)))
    some = fitting(x)
    z = (some.y[:, 1] * 0.25 + 0.4).clip(0.2, 0.8)
    fit = some.channel(z, 1, 0.25, 0.4)
    assert (fit.source, fit.slope, fit.offset, [*fit.row]) == (1, 0.25, 0.4, [0.0, 0.25])
    assert (fit.lowest, fit.highest, fit.count, fit.affine) == (0.2, 0.8, 400, True)
    assert (fit.low, fit.high) == (some.y[:, 1].min(), some.y[:, 1].max())
    assert not some.channel(z, 1, 0.25, 0.5).affine  # another is not correct
    assert some._correct_but_clipped(np.where(z < 0.25, math.nan, z), 1, (0.25, 0.4), (0.2, 0.8)) is None


@pytest.mark.parametrize("step", [0.0, 2.0**-8])
@pytest.mark.parametrize("share", [0.995, 1.005])
def test_how_far_off_it_may_be(share: float, step: float) -> None:
    """8 roundoffs of 0.875 + 0.5 * 4 + 1, and 1.06 steps of whole numbers."""
    y = np.linspace(-2, 2, 9)[:, None]
    some = fitting(y, y, step=step, unit_roundoff=2.0**-20)
    z = (0.5 * y[:, 0] + 0.5).clip(0.125, 0.875)
    off = (8 * 3.875 * 2.0**-20 + 1.06 * step) * share
    z[4] += off
    fit = some._correct_but_clipped(z, 0, (0.5, 0.5), (0.125, 0.875))
    assert (fit is not None) is (share < 1)
    assert fit is None or fit.residual == pytest.approx(off)


@pytest.mark.parametrize(("range_", "found"), [(4.0, False), (4.5, True)])
def test_a_few_whole_numbers_tell_of_no_map(range_: float, found: bool) -> None:
    y = np.linspace(-2, 2, 9)[:, None]
    some, ends = fitting(y, y, step=0.5, white=128.0), (-1.0, -1.0 + range_ / 2)
    z = (0.5 * y[:, 0]).clip(*ends)
    assert (some._correct_but_clipped(z, 0, (0.5, 0.0), ends) is not None) is found


# --- the inverse: whole numbers that begin again ---


def wrapping(values: np.ndarray, steps: int = 255, turn: int = 256) -> np.ndarray:
    """Values in 0..2 as whole numbers that begin again, in 0..2."""
    return np.rint(values / 2 * steps) % turn / steps * 2


@pytest.mark.parametrize(("steps", "turn"), [(255, 256), (65535, 65536), (1023, 65536)])
@pytest.mark.parametrize("source", [0, 1])
def test_whole_numbers_that_begin_again_are_put_back(steps: int, turn: int, source: int) -> None:
    """Also where most of the picture is beyond white: what comes of the middle is right."""
    rng = np.random.default_rng(7)
    x = 2 * np.concatenate([rng.random((600, 2)), 1 - rng.random((1400, 2)) * 0.1])
    some = fitting(x, white=2.0, step=2 / steps)
    slope, offset = turn / steps * 0.4, 0.9
    z = wrapping(some.y[:, source] * slope + offset, steps, turn)
    usual = line(0.0, 0.0)
    fit = some.unwrapped(z, 1, usual)
    assert (fit.source, fit.affine, fit.count) == (source, True, 2000)
    assert (fit.slope, fit.offset) == (pytest.approx(slope, rel=1e-2), pytest.approx(offset, abs=2e-2))
    assert (fit.lowest, fit.highest) == (-math.inf, math.inf)
    assert (fit.low, fit.high) == (some.y[:, source].min(), some.y[:, source].max())
    assert fit.row == pytest.approx([fit.slope if c == source else 0.0 for c in (0, 1)])
    assert 0.4 * 2 / steps < fit.residual < 0.6 * 2 / steps


def test_of_equal_channels_its_own_is_the_one() -> None:
    x = np.repeat(np.random.default_rng(8).random((500, 1)), 3, axis=1) * 2
    some = fitting(x, white=2.0, step=2 / 255)
    z = wrapping(some.y[:, 0] * 0.7 + 0.5)
    assert [some.unwrapped(z, own, line(0.0, 0.0)).source for own in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("off", [0, 1, 2])
def test_a_line_of_whole_numbers_may_be_one_off(off: int) -> None:
    x = np.linspace(0, 2, 600)[:, None]
    some = fitting(x, x, white=2.0, step=2 / 255)
    z = (np.arange(600) + off * (-1) ** np.arange(600)) % 256 / 255 * 2
    usual = line(0.0, 0.0)
    assert (some.unwrapped(z, 0, usual) is usual) is (off == 2)


def test_what_is_no_line_stays_as_it_was_taken() -> None:
    some, usual = fitting(white=2.0, step=2 / 255), line(0.0, 0.0)
    for values in (some.y[:, 0] ** 2 * 0.7, some.y[:, 0] * 0.1 + 0.9):  # a curve; and what stays in 0..2
        assert some.unwrapped(wrapping(values), 0, usual) is usual


@pytest.mark.parametrize(("count", "found"), [(15, False), (16, True)])
def test_of_few_values_anything_is_a_line_that_begins_again(count: int, found: bool) -> None:
    x = np.repeat(np.linspace(0, 2, count), 20)[:, None]
    some, usual = fitting(x, x, white=2.0, step=2 / 255), line(0.0, 0.0)
    z = np.repeat(np.arange(count) * 20.0 % 256, 20) / 255 * 2
    assert (some.unwrapped(z, 0, usual) is not usual) is found


@pytest.mark.parametrize(
    ("z", "fit", "wraps"),
    [
        ([0.0, 2.0, 0.0], line(1.0, 0.0), True),
        ([0.0, 2.0, 2.0], line(1.0, 0.0), False),
        ([0.0, 2.0, 1.0], line(1.0, 0.0), False),  # half of white is not far
        ([0.0, 2.0, 0.9], line(1.0, 0.0), True),
        ([0.0, 2.0, 0.0], line(1.0, 0.0, None), False),
        ([0.0, 2.0, 0.0], line(1.0, 0.0, affine=False), False),
        ([0.0, -0.5, 0.0], line(1.0, 0.0), False),  # no clamp, and nothing begins again
        ([0.0, 2.5, 0.0], line(1.0, 0.0), False),
        ([0.4, 0.4, 0.4], line(1.0, -3.0), False),
        ([0.4, 0.4, 1.2], line(1.0, -3.0), True),
        ([1.9, 1.9, 1.9], line(1.0, 3.0), False),
    ],
)
def test_whether_whole_numbers_begin_again(z: list[float], fit: ChannelFit, wraps: bool) -> None:
    assert _wraps(np.array([[0.0], [2.0], [3.0]]), np.array(z), fit, 2.0) is wraps


# --- levels ---


@pytest.mark.parametrize(("off", "fair"), [(0.199, True), (-0.199, True), (0.201, False), (-0.201, False)])
def test_too_high_as_often_as_too_low(off: float, fair: bool) -> None:
    """But for half of the average rounding, and a twentieth of a step."""
    x = np.linspace(0, 1, 10)[:, None]
    assert _is_fair(x, x + off + 0.3 * (-1.0) ** np.arange(10)[:, None], np.array([0.1, 0.3]), 2.0) is fair


@pytest.mark.parametrize(
    ("at", "level", "inside"),
    [
        (10.2, 8, False), (10.2, 9, True), (10.2, 10, True), (10.2, 11, False),
        (10.5, 9, False), (10.5, 10, True), (10.5, 11, False),
        (10.8, 9, False), (10.8, 10, True), (10.8, 11, True),
        (200.2, 198, False), (200.2, 199, True), (200.2, 200, True), (200.2, 201, False),
        (-5.0, 0, True), (-5.0, 1, False), (256.0, 255, True), (256.0, 256, False), (300.0, 255, True),
        (300.0, 254, False),
    ],
)  # fmt: skip
def test_bins_of_equal_size(at: float, level: int, inside: bool) -> None:
    """Of 256, for a picture in 0..2 that arithmetic moves by 0.3 of a bin."""
    step = 2 / 255
    x, z, slack = np.array([[at / 256 * 2]]), np.array([[level * step]]), np.array([0.3 * step])
    assert in_equal_bins(x, z, slack, step, 2.0) is inside
    both = in_equal_bins(np.concatenate([x, [[1.0]]]), np.concatenate([z, [[128 * step]]]), slack, step, 2.0)
    assert both is inside


def test_levels_that_do_not_come_back_are_counted() -> None:
    x = np.array([[0, 10], [2, 12], [4, 14], [4, 510]], dtype=float)
    assert _wrong_levels(x, x, 2.0) == 0
    assert _wrong_levels(x, x + 0.9, 2.0) == 0
    assert _wrong_levels(x, x + 1.1, 2.0) == 7
    wrong = x.copy()
    wrong[2:, 0] = 6, 8
    assert _wrong_levels(x, wrong, 2.0) == 1
    wrong[:, 1] = 10, math.nan, 14, 900
    assert _wrong_levels(x, wrong, 2.0) == 3
    assert _wrong_levels(x, np.where(x == 0, -20, x), 2.0) == 1
    for value in (math.nan, math.inf, -math.inf):
        assert _wrong_levels(x, np.full((4, 2), value), 2.0) == 7


# --- whole pictures ---


def three_pictures() -> list[np.ndarray]:
    return [np.random.default_rng(seed).random((300, 2)) * scale for seed, scale in ((1, 1.0), (2, 1.0), (3, 0.5))]


def stretched(one: np.ndarray, axis: int | None, low: float = 0.0, high: float = 2.0) -> np.ndarray:
    least, most = one.min(axis=axis), one.max(axis=axis)
    return low + (one - least) / (most - least) * (high - low)


@pytest.mark.parametrize(
    ("made_of", "said"),
    [
        (lambda one: one * 2 + 1, ""),
        (lambda one: stretched(one, None), "min-max"),
        (lambda one: stretched(one, 0), "min-max"),
        (lambda one: stretched(one, 0, 0.019, 1.981), "min-max"),
        (lambda one: stretched(one, 0, 0.021, 2.0), "other"),
        (lambda one: stretched(one, 0, 0.0, 1.979), "other"),
        (lambda one: stretched(one, 0, -0.021, 2.0), "other"),
        (lambda one: stretched(one, 0, 0.0, 2.021), "other"),
        (lambda one: stretched(one, 0, 0.0, 1.0), "other"),
        (lambda one: (one - one.mean()) / one.std(), "other"),
        (lambda one: stretched(one, None) ** 2, ""),
        (lambda one: np.stack([stretched(one, 0)[:, 0], one[:, 1] ** 2], axis=1), ""),
        (lambda one: np.stack([one[:, 0], one[:, 1] - one[:, 1].mean()], axis=1), "other"),
    ],
)
def test_whether_each_picture_has_a_map_of_its_own(made_of: Callable[[np.ndarray], np.ndarray], said: str) -> None:
    y = three_pictures()
    assert _per_image(y, [made_of(one) for one in y], fitting(white=2.0)) == said


def test_one_picture_that_is_no_map_is_enough() -> None:
    y = three_pictures()
    assert _per_image(y, [stretched(y[0], None), stretched(y[1], None), stretched(y[2], None) ** 2], fitting()) == ""
    assert _per_image(y, [stretched(y[0], None), stretched(y[1], None), y[2]], fitting(white=2.0)) == "other"


def test_a_hundredth_of_white_is_near_enough_to_it() -> None:
    y = three_pictures()
    for low, high, said in ((1.0, 99.0, "min-max"), (1.1, 99.0, "other"), (1.0, 98.9, "other")):
        assert _per_image(y, [stretched(one, None, low, high) for one in y], fitting(white=100.0)) == said


@pytest.mark.parametrize("unit", [2.0**-20, 2.0**-45])
@pytest.mark.parametrize("share", [0.995, 1.005])
def test_how_far_a_map_of_its_own_may_be_off(share: float, unit: float) -> None:
    """By 16 roundoffs of 5 + 2 + 2, and a billionth of 5; between pictures by twice that."""
    some = fitting(GRID, GRID, white=2.0, unit_roundoff=unit)
    bound = 16 * 9 * unit + 1e-9 * 5
    z = GRID * 2 + 1
    own = [z + by for by in (0.5, 0.0, -0.5)]
    own = [one - own[0].max() + 5 for one in own]  # the largest is 5
    off = bound * share * BUMP[:, None] * [0.0, 1.0]
    assert _per_image([GRID] * 3, [one - abs(off.max()) + off for one in own], some) == ("other" if share < 1 else "")
    moved = [z + 2 * bound * share * by for by in (1, 0, -1)]
    assert _per_image([GRID] * 3, moved, some) == ("" if share < 1 else "other")
    assert _per_image([GRID] * 3, [one * [1, 0] + z * [0, 1] for one in moved], some) == ("" if share < 1 else "other")


@pytest.mark.parametrize(
    ("axes", "said"), [((-1,), "left to right"), ((-2,), "upside down"), ((-2, -1), "by half a turn"), ((), "")]
)
def test_how_a_picture_is_turned_over(axes: tuple[int, ...], said: str) -> None:
    x = torch.rand(3, 4, 6, generator=torch.Generator().manual_seed(1)) * 20
    z = x.double().flip(axes)
    assert _flipped(x, z, 20.0) == said
    for off, found in ((0.99, said), (1.01, "")):  # a twentieth of white
        assert _flipped(x, z + off, 20.0) == found
        assert _flipped(x, z - off, 20.0) == found
    assert _flipped(torch.zeros(3, 4, 6), torch.ones(3, 4, 6).double(), 20.0) == ""


def test_values_in_other_places() -> None:
    x = np.random.default_rng(9).random((50, 2))
    z = np.random.default_rng(9).permutation(x.ravel()).reshape(50, 2)
    assert _is_scattered(x, z, np.zeros(2))
    zeros = np.zeros((50, 2))
    for off, found in ((0.75, True), (1.0, True), (1.01, False)):
        assert _is_scattered(zeros, np.where(np.arange(2) == 1, off, zeros), np.array([0.5, 1.0])) is found


def test_whether_the_same_comes_back_again() -> None:
    y = torch.tensor([[[1.0, 2.0, math.nan]]])
    assert _repeats(as_it_is, y, y)
    assert _repeats(as_it_is, y, y.double())
    assert not _repeats(lambda y: y + 1, y, y)
    with pytest.raises(InverseError, match=r"^the inverse raised ZeroDivisionError: "):
        _repeats(lambda y: 1 / 0, y, y)


# --- all of it ---


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"channels": 0}, "channels is 0: expected at least 1."),
        ({"channels": 1.5}, "channels is 1.5: expected a whole number."),
        ({"white": 0.0}, "pixel_max is 0.0: expected a finite number above 0."),
        ({"output_max": -1.0}, "output_max is -1.0: expected a finite number above 0."),
    ],
)
def test_numbers_that_cannot_be_worked_with_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ImageError) as caught:
        seen_of(as_it_is, as_it_is, **arguments)
    assert str(caught.value) == said


def test_which_side_raises_is_said() -> None:
    for inverse, forward, role in ((as_it_is, lambda x: 1 / 0, "forward"), (lambda y: 1 / 0, as_it_is, "inverse")):
        with pytest.raises(InverseError, match=f"^the {role} raised ZeroDivisionError: "):
            seen_of(inverse, forward)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("white", "output_max"), [(1.0, None), (3.0, None), (3.0, 6.0), (3.0, 1.0)])
def test_what_is_right_is_exact(dtype: torch.dtype, white: float, output_max: float | None) -> None:
    known = Normalization([white * one for one in MEAN], [white * one for one in STD], white)
    mean, std = (torch.tensor(one, dtype=torch.float64).view(-1, 1, 1) for one in (known.mean, known.std))
    most = output_max or white
    seen = seen_of(
        lambda y: (y.double() * std + mean) * (most / white),
        lambda x: ((x.double() - mean) / std).to(dtype),
        white=white, output_max=output_max, dtype=dtype, declared=known,
    )  # fmt: skip
    assert (seen.exact, seen.finite, seen.wraps, seen.per_image, seen.flipped) == (True, True, False, "", "")
    assert (seen.scattered, seen.repeats, seen.whole, seen.scale) == (False, True, False, most / white)
    unit = max(torch.finfo(dtype).eps / 2, 2.0**-45)
    assert (seen.unit_roundoff, seen.is_finer_than_float32) == (unit, dtype == torch.float64)
    more = 4 * unit * white if output_max else 0.0
    assert seen.slack == pytest.approx(np.array(round_trip_tolerance(known, dtype).per_channel) + more)
    assert (seen.max_abs_error <= seen.slack).any()
    assert seen.wrong_levels == 0 or dtype == torch.bfloat16
    assert (seen.channels, seen.total_levels, seen.white, seen.level) == (3, 768, white, white / 255)


def test_what_is_kept_of_the_pictures() -> None:
    seen = seen_of(lambda y: y * 2, as_it_is, white=3.0)
    pictures = [_columns(one) for one in _probe_pictures(3, 3.0, torch.float64)]
    assert np.array_equal(seen.y, pictures[1][::4])
    assert np.array_equal(seen.z, 2 * pictures[1][::4])
    fitted = np.concatenate(pictures[:3])
    assert (seen.y_low.tolist(), seen.y_high.tolist()) == (fitted.min(axis=0).tolist(), fitted.max(axis=0).tolist())
    assert (seen.lowest, seen.highest, seen.max_abs_error) == (0.0, 6.0, 3.0)
    assert [fit.count for fit in seen.fits] == [len(fitted)] * 3
    assert (seen.exact, seen.wrong_levels, seen.repeats) == (False, 765, True)
    assert seen_of(lambda y: y * 0, as_it_is).wrong_levels == 765
    cast = seen_of(lambda y: rounded(y / 3), as_it_is, white=3.0)
    assert (cast.exact, [fit.count for fit in cast.fits]) == (True, [2 * 1920] * 3)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_single_pixel_that_is_no_number(value: float) -> None:
    def inverse(y: torch.Tensor) -> torch.Tensor:
        x = right(y)
        x[1, 3, 5] = value
        return x

    seen = seen_of(inverse)
    assert (seen.finite, seen.exact, seen.max_abs_error, seen.per_image) == (False, False, math.inf, "")
    assert [fit.affine for fit in seen.fits] == [True] * 3


def test_one_pixel_that_is_wrong_is_not_exact() -> None:
    def inverse(y: torch.Tensor) -> torch.Tensor:
        x = right(y)
        x[1, 3, 5] += 1e-6
        return x

    assert not seen_of(inverse).exact


@pytest.mark.parametrize("most", [255, 65535])
@pytest.mark.parametrize(("off", "exact"), [(0.015, True), (0.03, False)])
def test_what_lies_between_two_whole_numbers_may_go_to_either(off: float, exact: bool, most: int) -> None:
    """Within 0.52 of one."""

    def inverse(y: torch.Tensor) -> Any:
        sign = torch.tensor([1.0, -1.0]).repeat(y.shape[-1] // 2)
        whole = (right(y) * most + off * sign).round().clamp(0, most)
        return whole.byte() if most == 255 else whole.numpy().astype(np.uint16)

    seen = seen_of(inverse)
    assert (seen.exact, seen.wrong_levels, seen.scattered) == (exact, 0, not exact and seen.scattered)


@pytest.mark.parametrize(
    ("cast", "dtype", "exact"),
    [
        (lambda x: x * 255 + 0.5, torch.float64, True),
        (lambda x: x * 255 + 0.7, torch.float64, False),
        (lambda x: x * 255, torch.float64, False),
        (lambda x: x * 255.999, torch.float64, True),  # as torchvision does
        (lambda x: x * 255 + 0.5, torch.float16, True),
        (lambda x: x * 255, torch.float16, False),  # which short floats explain a pixel of, and not all
        (lambda x: x * 255.999, torch.float16, True),
        (lambda x: x * 255.9 - 0.065, torch.float16, True),  # 0.14 of a level is half a rounding of a mean, and 0.05
        (lambda x: x * 256 - 0.15, torch.float16, False),
    ],
)
def test_whole_numbers_are_right_on_average(cast: Function, dtype: torch.dtype, exact: bool) -> None:
    seen = seen_of(lambda y: cast(right(y.double())).floor().clamp(0, 255).byte(), dtype=dtype)
    assert seen.exact is exact


@pytest.mark.parametrize("channel", [0, 2])
def test_one_channel_that_begins_again(channel: int) -> None:
    gain = torch.ones(3, 1, 1, dtype=torch.float64)
    gain[channel] = 1.6
    seen = seen_of(lambda y: (right(y) * gain * 255).round().long().byte())
    assert seen.wraps
    assert [fit.slope for fit in seen.fits] == pytest.approx((gain * S).flatten().tolist(), rel=1e-3)
    assert [fit.highest for fit in seen.fits] == [math.inf] * 3
    clamped = seen_of(lambda y: (right(y) * gain * 255).round().clamp(0, 255).byte())
    assert (clamped.wraps, clamped.fits[channel].highest) == (False, 1.0)
    assert clamped.fits[channel].slope == pytest.approx(float(gain[channel] * S[channel]), rel=1e-3)
    floats = seen_of(lambda y: right(y) * gain % 1)
    assert (floats.wraps, floats.whole) == (False, False)


def test_whole_pictures_are_looked_at_in_the_units_of_the_pictures() -> None:
    seen = seen_of(lambda y: 4 * right(y).flip(-1), output_max=4.0)
    assert (seen.flipped, seen.scattered, seen.per_image) == ("left to right", True, "")
    seen = seen_of(lambda y: 4 * right(y) * 0.9, output_max=4.0)
    assert (seen.flipped, seen.scattered, seen.per_image) == ("", False, "")
    seen = seen_of(lambda y: 4 * (y - y.min()) / (y.max() - y.min()), output_max=4.0)
    assert seen.per_image == "min-max"
    seen = seen_of(lambda y: (y - y.mean()) / y.std())
    assert seen.per_image == "other"


def test_chance_within_what_arithmetic_explains_is_none() -> None:
    calls: list[int] = []

    def inverse(y: torch.Tensor) -> torch.Tensor:
        calls.append(0)
        return right(y) + len(calls) * 1e-17

    assert (seen_of(inverse).exact, seen_of(inverse).repeats) == (True, True)
    far = seen_of(lambda y: right(y) + 0.01 * len(calls) * (calls.append(0) or 1))
    assert (far.exact, far.repeats) == (False, False)


def test_who_changes_what_it_is_given_is_seen() -> None:
    for forward, inverse, mutated in (
        (lambda x: x.sub_(M).div_(S), right, (True, False)),
        (normalized, lambda y: y.mul_(S).add_(M), (False, True)),
    ):
        seen = seen_of(inverse, forward)
        assert (seen.forward_mutates, seen.inverse_mutates) == mutated


def test_odd_statistics_warn_nobody_and_filters_stay_as_they_were(recwarn: pytest.WarningsRecorder) -> None:
    before = list(warnings.filters)
    seen = seen_of(lambda y: y * 60 + 120, lambda x: (x - 120) / 60)
    assert (seen.mean[0], seen.std[0], seen.exact) == (120.0, 60.0, True)
    assert not recwarn.list
    assert list(warnings.filters) == before
