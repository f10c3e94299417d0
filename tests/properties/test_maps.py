"""Normalize and its inverse, with any statistics on any pictures."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from lengths import examples

from pytest_denorm import Normalization, denormalize, to_uint8
from pytest_denorm.core.tolerance import FORMATS, round_trip_tolerance
from pytest_denorm.errors import StatisticsWarning
from pytest_denorm.strategies import DTYPES, KINDS, LAYOUTS, MEMORIES, STATISTICS, normalizations, pictures

CHANNELS = st.integers(1, 4)
FLOATS = [dtype for dtype in DTYPES if dtype != "uint8"]
WHITE, LAYOUT = st.sampled_from([1.0, 255.0]), st.sampled_from(LAYOUTS)


@st.composite
def pairs(draw: st.DrawFn, **kwargs: Any) -> tuple[Any, Normalization, int]:
    """Pictures, statistics of as many channels and the same white, and the axis of the channels."""
    channels, white, layout = draw(CHANNELS), draw(WHITE), draw(LAYOUT)
    picture = draw(pictures(channels, pixel_max=white, layout=layout, memory=MEMORIES, **kwargs))
    return picture, draw(normalizations(channels, kind=STATISTICS, pixel_max=white)), -1 if layout[-1] == "C" else -3


def _made(mean: Any, std: Any, white: float = 1.0, axis: int | None = None) -> Normalization:
    """Without a warning that the statistics look like those of another scale."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        return Normalization(mean, std, white, channel_axis=axis)


def _on_axis(given: Normalization, axis: int) -> Normalization:
    return _made(given.mean, given.std, given.pixel_max, axis)


def _bits(values: Any) -> bytes:
    array = values.contiguous().numpy() if isinstance(values, torch.Tensor) else values
    return np.ascontiguousarray(array).tobytes()


def _as_tensor(picture: Any) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture)) if isinstance(picture, np.ndarray) else picture


@examples(2000)
@given(CHANNELS.flatmap(lambda channels: normalizations(channels, kind=STATISTICS)))
def test_the_inverse_of_the_inverse_is_the_statistics(normalization: Normalization) -> None:
    inverse = normalization.inverse()
    assert inverse.inverse() is normalization
    assert inverse.mean == tuple(-m / s for m, s in zip(normalization.mean, normalization.std, strict=True))
    typed = _made(inverse.mean, inverse.std).inverse()
    np.testing.assert_allclose(typed.mean, normalization.mean, rtol=4 * 2.0**-52)
    np.testing.assert_allclose(typed.std, normalization.std, rtol=4 * 2.0**-52)


@examples(2000)
@given(pairs(dtype=FLOATS, kind=KINDS))
def test_what_comes_back_is_within_the_derived_bound(drawn: tuple[Any, Normalization, int]) -> None:
    picture, normalization, axis = drawn
    before = _bits(picture.float() if isinstance(picture, torch.Tensor) else picture)
    fixed = _on_axis(normalization, axis)
    back = fixed.denormalize(fixed.normalize(picture))
    assert type(back) is type(picture)
    assert (back.dtype, back.shape) == (picture.dtype, picture.shape)
    assert _bits(picture.float() if isinstance(picture, torch.Tensor) else picture) == before
    error = (
        (_as_tensor(back).double() - _as_tensor(picture).double()).abs().movedim(axis, 0).reshape(fixed.channels, -1)
    )
    bound = round_trip_tolerance(fixed, picture.dtype, derived=True).per_channel
    for channel in range(fixed.channels):
        if np.isfinite(bound[channel]):  # else a std vanishes or a value overflows in this dtype
            assert float(error[channel].max()) <= bound[channel], (channel, bound)


@examples(2000)
@given(pairs(dtype="uint8", kind=KINDS))
def test_every_byte_comes_back(drawn: tuple[Any, Normalization, int]) -> None:
    picture, normalization, axis = drawn
    fixed = _on_axis(normalization, axis)
    back = to_uint8(fixed.normalize(picture), fixed)
    assert type(back) is type(picture)
    assert (_as_tensor(back) == _as_tensor(picture)).all()


@examples(2000)
@given(st.data())
def test_every_level_comes_back_with_many_statistics_at_once(data: st.DataObject) -> None:
    """All 256 levels, each with 64 statistics over the whole range that is promised."""
    seed, white = data.draw(st.integers(0, 2**32 - 1)), data.draw(WHITE)
    generator = np.random.default_rng(seed)
    std = white * 10.0 ** generator.uniform(-20, 20, 64) * generator.choice([-1, 1], 64)
    mean = white * generator.uniform(-2000, 2000, 64)
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16).expand(64, 16, 16)
    normalization = _made(mean, std, white)
    for dtype in (torch.float32, torch.float64):
        entering = (levels.float() / 255 * white).to(dtype)
        assert torch.equal(to_uint8(normalization.normalize(entering), normalization), levels)


@examples(2000)
@given(pairs(dtype=["float32", "float64", "float16"], kind="array"))
def test_numpy_and_torch_agree_to_the_last_bit(drawn: tuple[Any, Normalization, int]) -> None:
    array, normalization, axis = drawn
    fixed = _on_axis(normalization, axis)
    tensor = _as_tensor(array)
    assert _bits(denormalize(array, fixed)) == _bits(denormalize(tensor, fixed))
    assert _bits(to_uint8(array, fixed)) == _bits(to_uint8(tensor, fixed))
    assert _bits(fixed.normalize(array)) == _bits(fixed.normalize(tensor))


def _composed(first: Normalization, second: Normalization) -> Normalization:
    """``((x - m1) / s1 - m2) / s2 = (x - (m1 + m2 * s1)) / (s1 * s2)``."""
    rows = list(zip(first.mean, first.std, second.mean, second.std, strict=True))
    return _made([m1 + m2 * s1 for m1, s1, m2, _ in rows], [s1 * s2 for _, s1, _, s2 in rows])


@examples(2000)
@given(
    st.tuples(
        normalizations(kind=("preset", "realistic")),
        normalizations(kind=("preset", "realistic")),
        pictures(dtype="float64", max_side=4),
    )
)
def test_composing_then_inverting_is_inverting_then_composing(
    drawn: tuple[Normalization, Normalization, torch.Tensor],
) -> None:
    first, second, picture = drawn
    both = _composed(first, second)
    one, other = both.inverse(), _composed(second.inverse(), first.inverse())
    np.testing.assert_allclose(one.std, other.std, rtol=1e-14)
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-13, atol=1e-13)
    normalized = second.normalize(first.normalize(picture))
    there, step_by_step = both.denormalize(normalized), first.denormalize(second.denormalize(normalized))
    room = 8 * FORMATS["float64"].unit_roundoff * (2 + float(normalized.abs().max()) * max(both.std))
    assert float((there - step_by_step).abs().max()) <= room
    assert float((there - picture).abs().max()) <= room
