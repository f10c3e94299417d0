"""The bound on a round trip's error: never exceeded, close to what is reached, and able to say where it comes from."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pytest_denorm import PRESETS, Normalization, denormalize
from pytest_denorm.core.tolerance import FORMATS, Tolerance, float_format, round_trip_tolerance
from pytest_denorm.errors import ImageTypeError, SettingsError, StatisticsWarning

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
T = torch.Tensor

#: Name -> range of the images, and those that |std| and mean are drawn from; half of the stds are negative.
DRAWS: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "usual": ((0.0, 1.0), (0.05, 0.5), (0.2, 0.8)),
    "any std": ((0.0, 1.0), (1e-3, 300.0), (-1.0, 2.0)),
    "negative means": ((0.0, 1.0), (0.01, 2.0), (-3.0, 0.0)),
    "outside of black and white": ((-0.5, 1.7), (0.01, 2.0), (-1.0, 1.0)),
    "bytes": ((0.0, 255.0), (1.0, 300.0), (0.0, 255.0)),
    "tiny results": ((0.0, 1e-4), (10.0, 300.0), (0.0, 1e-4)),
    "subnormal results": ((0.0, 3e-7), (1.0, 300.0), (0.0, 3e-7)),
}

FORWARDS: dict[str, Callable[[T, T, T], T]] = {
    "(x - m) / s": lambda x, m, s: (x - m) / s,
    "(x - m) * (1 / s)": lambda x, m, s: (x - m) * (1 / s),
    "x * (1 / s) - m / s": lambda x, m, s: x * (1 / s) - m / s,
    "x * (1 / s) + (-m * (1 / s))": lambda x, m, s: x * (1 / s) + (-m * (1 / s)),
    "x / s - m / s": lambda x, m, s: x / s - m / s,
    "addcmul": lambda x, m, s: torch.addcmul(-m / s, x, 1 / s),
}

INVERSES: dict[str, Callable[[T, T, T], T]] = {
    "y * s + m": lambda y, m, s: y * s + m,
    "addcmul": lambda y, m, s: torch.addcmul(m, y, s),
    "(y + m / s) * s": lambda y, m, s: (y + m / s) * s,
    "Normalize(-m / s, 1 / s)": lambda y, m, s: (y - (-m / s)) / (1 / s),
    "Normalize(-m * (1 / s), 1 / s)": lambda y, m, s: (y - (-m * (1 / s))) / (1 / s),
    "Normalize(0, 1 / s), Normalize(-m, 1)": lambda y, m, s: (y - 0) / (1 / s) - (-m),
    "in float64": lambda y, m, s: (y.double() * s.double() + m.double()).to(y.dtype),
}


def draw(dtype: torch.dtype, name: str, channels: int, pixels: int, seed: int) -> tuple[T, Normalization]:
    """Images (channels, pixels) of `dtype`, and statistics of each channel."""
    (low, high), (std_low, std_high), (mean_low, mean_high) = DRAWS[name]
    generator = np.random.default_rng(seed)
    std = np.exp(generator.uniform(math.log(std_low), math.log(std_high), channels))
    std *= np.where(generator.random(channels) < 0.5, -1.0, 1.0)
    std[::50] = np.exp2(np.rint(np.log2(np.abs(std[::50]))))  # powers of two divide without rounding
    mean = generator.uniform(mean_low, mean_high, channels)
    mean[::40] = 0.0
    x = torch.from_numpy(generator.uniform(low, high, (channels, pixels)))
    x[:, 0], x[:, 1] = low, high
    x[:, 2] = torch.from_numpy(np.clip(mean, low, high))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        return x.to(dtype).clamp(low, high), Normalization(mean.tolist(), std.tolist(), max(high, 1.0))


def bounds(normalization: Normalization, dtype: torch.dtype, x: T, *, derived: bool) -> T:
    tolerance = round_trip_tolerance(normalization, dtype, low=float(x.min()), high=float(x.max()), derived=derived)
    return torch.tensor(tolerance.per_channel, dtype=torch.float64)


def constants(normalization: Normalization, dtype: torch.dtype) -> tuple[T, T]:
    m, s = (
        torch.tensor(one, dtype=torch.float64).to(dtype)[:, None] for one in (normalization.mean, normalization.std)
    )
    return m, s


def worst_ratio(found: T, x: T, bound: T) -> float:
    """The largest error as a share of its bound; nothing is said of channels that cannot be bounded."""
    ratio = (found.double() - x.double()).abs() / bound[:, None].clamp_min(1e-320)
    ratio = ratio[torch.isfinite(bound)]
    assert not ratio.isnan().any()
    return float(ratio.max()) if ratio.numel() else 0.0


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_derived_bound_holds_and_is_nearly_reached(dtype: torch.dtype) -> None:
    worst = {}
    for seed, name in enumerate(DRAWS):
        x, normalization = draw(dtype, name, 1000, 150, seed)
        m, s = constants(normalization, dtype)
        found = denormalize(((x - m) / s)[:, None], normalization, channel_axis=0)[:, 0]
        bound = bounds(normalization, dtype, x, derived=True)
        assert torch.isfinite(bound).any()
        worst[name] = worst_ratio(found, x, bound)
    assert 0.5 <= max(worst.values()) <= 1  # a bound that nothing comes near would show nothing


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_general_bound_holds_for_every_correct_formula(dtype: torch.dtype) -> None:
    worst: dict[str, float] = {}
    for seed, name in enumerate(DRAWS):
        x, normalization = draw(dtype, name, 200, 80, 100 + seed)
        m, s = constants(normalization, dtype)
        bound = bounds(normalization, dtype, x, derived=False)
        assert (bound >= bounds(normalization, dtype, x, derived=True)).all()
        for how, forward in FORWARDS.items():
            y = forward(x, m, s)
            for back, inverse in INVERSES.items():
                pair = f"{how}, {back}"
                worst[pair] = max(worst.get(pair, 0.0), worst_ratio(inverse(y, m, s), x, bound))
    assert len(worst) == 42
    assert max(worst.values()) <= 1


@pytest.mark.parametrize("name", PRESETS)
def test_float32_bound_is_tight(name: str) -> None:
    preset = PRESETS[name]
    generator = torch.Generator().manual_seed(7)
    x = torch.rand((preset.channels, 300_000), generator=generator)
    x[:, :256] = torch.arange(256) / 255
    m, s = constants(preset, torch.float32)
    found = denormalize(((x - m) / s)[:, None], preset, channel_axis=0)[:, 0]
    tolerance = round_trip_tolerance(preset, torch.float32, derived=True)
    error = (found.double() - x.double()).abs().amax(dim=1)
    assert (error <= torch.tensor(tolerance.per_channel)).all()
    ratio = float(error.max()) / tolerance.largest
    assert 0.25 <= ratio <= 1


@given(
    value=st.floats(allow_nan=False, allow_infinity=False, width=64),
    name=st.sampled_from(["float64", "float32", "float16", "bfloat16"]),
)
def test_nearest_and_rounding_agree_with_torch(value: float, name: str) -> None:
    form = FORMATS[name]
    stored = float(torch.tensor(value, dtype=torch.float64).to(getattr(torch, name)))
    if math.isinf(stored) or abs(value) > form.largest:
        return
    assert form.nearest(value) == stored
    assert abs(stored - value) <= form.rounding(abs(value))


@given(st.floats(min_value=1e-3, max_value=10), st.floats(min_value=-1, max_value=2), st.sampled_from(sorted(FORMATS)))
def test_a_larger_range_never_has_a_smaller_bound(std: float, mean: float, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        normalization = Normalization([mean], [std])
    near, far = (round_trip_tolerance(normalization, name, low=-r, high=r).largest for r in (1.0, 2.0))
    assert near <= far


def test_rounding_of_the_picture_itself_is_counted_when_asked() -> None:
    levels = torch.arange(256, dtype=torch.float64) / 255
    for dtype in DTYPES:
        plain, whole = (
            round_trip_tolerance(PRESETS["imagenet"], dtype, rounded_input=asked).largest for asked in (False, True)
        )
        assert whole - plain >= float((levels.to(dtype).double() - levels).abs().max())


#: The bound for one channel: mean, std, pixel_max, dtype, low, high, derived, rounded_input. A bound that grew would
#: still hold and hide mistakes, so it stays what the derivation gives. These differ in what matters to it: powers of
#: two, negative statistics, constants that are off by nearly half a unit, results that are subnormal or overflow.
BOUNDS = [
    ((0.1, 1.0, 1.0, "float16", None, None, False, False), 0.001574772630194422),
    ((25.5, 0.255, 255.0, "bfloat16", 24.5, 26.5, True, True), 0.13233444310160158),
    ((-1.196, 0.5, 1.0, "float64", -2.1959999999999997, -0.19599999999999995, True, False), 2.7755575615628914e-16),
    ((0.0, 300.0, 1.0, "float16", 0.0, 3e-07, False, False), 2.6859740239501126e-05),
    ((2.578, 1.03, 1.0, "float32", 1.5779999999999998, 3.578, True, False), 2.691149703082374e-07),
    ((1.443, 0.5, 1.0, "bfloat16", None, None, False, False), 0.02610937499999988),
    ((0.1, 1.0, 1.0, "float32", 0.25, None, False, False), 1.89244747150763e-07),
    ((0.5, 6e-05, 1.0, "float16", 0.25, 4.0, False, False), math.inf),  # (x - mean) / std overflows
    ((0.0, 1e-06, 2.0, "float16", None, None, False, False), math.inf),  # 1 / std does
    ((0.5, 1e-06, 1.0, "float16", 0.5, 0.5, False, False), math.inf),
    ((0.0, 2.0**-20, 1.0, "float16", None, None, True, False), math.inf),  # divided without rounding, not without limit
    ((0.25, 2.0**-16, 1.0, "float16", 0.25, 1.24945, True, False), math.inf),  # 65500 and its error
    ((6.4094169, 9.795124370608346e-05, 1.0, "float16", 0.0, 0.1, False, False), math.inf),  # as x * (1/s) - m/s
    ((6.4094169, 9.795124370608346e-05, 1.0, "float16", 0.0, 0.1, True, False), 0.0056535944447986645),
    ((0.25, 2.0**-15, 1.0, "float16", 0.25, 1.24945, True, False), 0.0007324814805542701),
]


@pytest.mark.parametrize(("case", "bound"), BOUNDS)
def test_the_bound_is_what_the_derivation_gives(case: tuple[Any, ...], bound: float) -> None:
    mean, std, pixel_max, dtype, low, high, derived, rounded_input = case
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        normalization = Normalization(mean, std, pixel_max)
    options = {"low": low, "high": high, "derived": derived, "rounded_input": rounded_input}
    found = round_trip_tolerance(normalization, dtype, **options)
    assert found.largest == pytest.approx(bound, rel=1e-14, abs=0)
    assert found.pixel_max == pixel_max


def test_a_given_tolerance_holds_for_each_channel() -> None:
    given = Tolerance.given(2, 3, 255.0)
    assert given == Tolerance((2.0, 2.0, 2.0), "the number given as tolerance=", 255.0)
    assert type(given.largest) is float
    assert Tolerance.given(0, 1).levels == 0
    assert Tolerance.given(1, 1).levels == 255


@pytest.mark.parametrize("value", [-1e-9, -1, math.nan, True, "1", None])
def test_a_tolerance_is_a_number_from_0(value: Any) -> None:
    message = f"tolerance is {value!r}: expected a number, 0 or more, in the units of the images."
    with pytest.raises(SettingsError) as error:
        Tolerance.given(value, 3)
    assert str(error.value) == message


def test_formats_are_known_by_the_dtypes_of_torch_and_numpy() -> None:
    assert float_format(np.dtype(">f4")) is FORMATS["float32"]
    assert float_format(torch.bfloat16) is float_format("bfloat16") is FORMATS["bfloat16"]
    assert float_format(np.dtype(np.float16)) is float_format(torch.float16) is float_format(np.float16(1).dtype)
    for name, form in FORMATS.items():
        info = torch.finfo(getattr(torch, form.name))
        assert form.name == name
        assert (form.unit_roundoff, form.largest) == (info.eps / 2, info.max)
        assert form.smallest == info.smallest_normal * info.eps


def test_other_dtypes_are_refused() -> None:
    with pytest.raises(ImageTypeError, match="no tolerance is derived for images of int32: expected one of float64, "):
        round_trip_tolerance(PRESETS["imagenet"], torch.int32)


def test_a_std_that_vanishes_or_overflows_has_no_bound() -> None:
    vanishing = round_trip_tolerance(Normalization([0.5], [1e-9]), torch.float16)
    overflowing = round_trip_tolerance(Normalization([0.5], [1e-6]), torch.float16)
    for tolerance in (vanishing, overflowing):
        assert math.isinf(tolerance.largest)
        assert str(tolerance).endswith(
            "none: in float16 a std vanishes or a normalized value overflows, so nothing can be asserted"
        )
    assert math.isfinite(round_trip_tolerance(Normalization([0.5], [1e-6]), torch.float32).largest)


def test_it_says_where_it_comes_from() -> None:
    derived = round_trip_tolerance(PRESETS["imagenet"], torch.float32, derived=True)
    assert derived.reason == (
        "float32 rounds each operation by up to 2^-24 of its result; summed over the rounding of mean and std, of "
        "(x - mean) / std and of the way back (the inverse is y*std + mean in float32 or better)"
    )
    general = round_trip_tolerance(PRESETS["imagenet"], torch.bfloat16, rounded_input=True)
    assert general.reason == (
        "bfloat16 rounds each operation by up to 2^-8 of its result; summed over the rounding of k/255, of mean and "
        "std, of (x - mean) / std and of the way back (the inverse may be any correct formula, with constants rounded "
        "on its own)"
    )
    assert str(Tolerance.given(0.5, 3)) == "0.5 = 128 levels: the number given as tolerance="
