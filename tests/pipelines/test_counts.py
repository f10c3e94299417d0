"""How many channels a pipeline shows that it wants."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_denorm.pipelines.channel_counts import first_of, spread_over


def ramp(*shape):
    return np.arange(np.prod(shape), dtype=np.float64).reshape(shape)


@pytest.mark.parametrize(
    ("given", "output", "count"),
    [
        ((1, 8, 9), (4, 8, 9), 4),
        ((8, 9, 1), (8, 9, 13), 13),
        ((3, 8, 9, 1), (3, 8, 9, 4), 4),
        ((8, 9), (5, 8, 9), 5),
        ((2, 1, 8, 9), (2, 6, 8, 9), 6),
        ((3, 8, 9), (3, 8, 9), None),
        ((3, 8, 9), (3, 4, 5), None),
        ((3, 8, 9), (3, 4, 9), None),
        ((1, 8, 9), (4, 8, 7), None),
        ((8, 9, 3), (3, 8, 9), None),
        ((3, 8, 9), (3, 8), None),
        ((8, 9), (2, 4, 8, 9), None),
    ],
    ids=str,
)
def test_statistics_that_are_spread(given, output, count):
    assert spread_over(given, ramp(*output), 3) == count


@pytest.mark.parametrize(
    ("given", "output", "count"),
    [
        ((48, 49, 1), (4, 48, 49), 4),
        ((1, 48, 49), (48, 49, 5), 5),
        ((48, 49), (48, 49, 5), 5),
        ((48, 49, 1), (4, 20, 20), 4),
        ((48, 49, 1), (2, 3, 35, 35), 3),
        ((48, 49, 1), (40, 48, 49), 40),
        ((48, 49, 1), (40, 45, 46), None),
        ((48, 49, 1), (1, 20, 20), None),
        ((48, 49, 1), (20, 20, 1), None),
        ((48, 49, 1), (20, 20), None),
    ],
    ids=str,
)
def test_channels_that_are_made_of_one(given, output, count):
    assert spread_over(given, ramp(*output), 1) == count
    assert spread_over(given, ramp(*output), 3) is None


def test_the_number_of_the_users_pictures_comes_first():
    assert [first_of(count) for count in (None, 1, 3, 4)] == [(3, 1), (1, 3), (3, 1), (4, 3, 1)]
