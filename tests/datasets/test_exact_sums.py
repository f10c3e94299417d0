"""The arithmetic behind the statistics: exact for any numbers, of any type, split and merged in any way."""

from __future__ import annotations

import functools
import itertools
import math
import operator
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch.utils.data import Subset

from pytest_denorm import Statistics, dataset_statistics

SHAPES = st.tuples(st.integers(1, 6), st.sampled_from([1, 3]), st.integers(1, 5), st.sampled_from([2, 5]))


def values_of(dtype):
    """All integers; floats up to the bounds of what is measured exactly."""
    if not dtype.startswith("float"):
        return None
    largest = 1000.0 if dtype == "float16" else 2.0**100
    return st.floats(-largest, largest, width=int(dtype[5:]))


#: Images (N, C, H, W) of every type that is measured.
IMAGES = st.sampled_from(["uint8", "uint16", "int32", "bool", "float16", "float32", "float64"]).flatmap(
    lambda dtype: arrays.arrays(dtype, SHAPES, elements=values_of(dtype), fill=st.nothing())
)
FEW = settings(max_examples=60, deadline=None)


def exactly(values):
    """Sum and sum of squares, as fractions."""
    numbers = [Fraction(value) for value in values.ravel().tolist()]
    return sum(numbers), sum(number * number for number in numbers)


@given(IMAGES)
@FEW
def test_sums_are_those_of_fractions(images):
    """Of bytes exactly; of others as near as a float64 for each image comes."""
    found = dataset_statistics(images, pixel_max=255.0)
    room = Fraction(0) if images.dtype == np.uint8 else Fraction(1, 10**14)
    for channel in range(images.shape[1]):
        values = images[:, channel]
        each = [exactly(image) for image in values]
        size = sum(abs(Fraction(value)) for value in values.ravel().tolist())
        total, squares = exactly(values)
        assert abs(found.t.fractions()[channel] - total) <= room * size
        # squares of floats below 1e-154 lose bits
        assert abs(found.u.fractions()[channel] - squares) <= room * squares + Fraction(2) ** -1000
        products = sum(t * u for t, u in each)
        most = sum(
            u * sum(abs(Fraction(v)) for v in image.ravel().tolist())
            for image, (_, u) in zip(values, each, strict=True)
        )
        assert abs(found.tu.fractions()[channel] - products) <= 4 * room * most + Fraction(2) ** -800
    own = images.astype(np.float64).reshape(*images.shape[:2], -1)
    scale = max(1.0, float(np.abs(own).max()))
    np.testing.assert_allclose(found.mean_of_stds, own.std(axis=-1).mean(axis=0), rtol=1e-6, atol=1e-13 * scale)


@given(IMAGES, st.data())
@FEW
def test_any_split_in_any_order_gives_the_same_bits(images, data):
    whole = dataset_statistics(images, pixel_max=255.0)
    order = data.draw(st.permutations(range(len(images))))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(images)), max_size=3)) | {0, len(images)})
    parts = [order[a:b] for a, b in itertools.pairwise(cuts)]
    found = [dataset_statistics(Subset(images, part), pixel_max=255.0) for part in parts]
    for merged in (Statistics.merge_all(found), functools.reduce(operator.add, reversed(found))):
        assert merged == whole
        assert (merged.mean, merged.std, merged.mean_of_stds) == (whole.mean, whole.std, whole.mean_of_stds)
        assert merged.standard_error_of_std == whole.standard_error_of_std


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (1, 257), (700, 511), (513, 1025)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_pictures_of_any_size(size, dtype):
    """Shorter and longer than a run, and than a pass; not a multiple of either."""
    image = np.random.default_rng(0).integers(0, 256, (2, 3, *size)).astype(dtype)
    found = dataset_statistics(torch.from_numpy(image), pixel_max=255.0)
    assert found.t.numerators == tuple(image.sum(axis=(0, 2, 3), dtype=np.int64).tolist())
    assert found.u.numerators == tuple((image.astype(np.int64) ** 2).sum(axis=(0, 2, 3)).tolist())
    assert found.black == tuple(np.count_nonzero(image[:, channel] == 0) for channel in range(3))
    assert found.white == tuple(np.count_nonzero(image[:, channel] == 255) for channel in range(3))


@pytest.mark.parametrize("spread", [1e-3, 1e-9])
def test_the_std_of_what_hardly_differs(spread):
    """Numerically naive sums lose all digits here: mean 1e6, std 1e-3 and less."""
    values = (1e6 + spread * np.random.default_rng(2).standard_normal((9, 1, 16, 16))).astype(np.float64)
    found = dataset_statistics(values)
    total, squares = exactly(values)
    n = values.size
    variance = squares / n - (total / n) ** 2
    assert found.std[0] == pytest.approx(math.sqrt(variance), rel=1e-9)
    own = [np.std(image - image.mean()) for image in values]
    assert found.mean_of_stds[0] == pytest.approx(np.mean(own), rel=1e-6)


def test_memory_does_not_grow_with_the_data_set():
    def peak(count):
        pictures = (np.full((3, 64, 64), index % 256, np.uint8) for index in range(count))
        tracemalloc.start()
        try:
            assert dataset_statistics(pictures).pictures == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few = peak(1000)
    assert peak(4000) < few + 2**20
    assert few < 2**25
