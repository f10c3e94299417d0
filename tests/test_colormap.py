"""The fitted map of colors, and what it says of itself."""

from __future__ import annotations

import itertools
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from pytest_denorm import ColorMap, Normalization
from pytest_denorm.core.colormap import fit_affine
from pytest_denorm.errors import NotInvertibleError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BGR = np.eye(3)[::-1]


def measured(matrix, offset=None, *, residual=0.0, tolerance=1e-6, convention="CHW floats", calls=42, **flags):
    matrix = np.asarray(matrix, dtype=float)
    offset = np.zeros(len(matrix)) if offset is None else np.asarray(offset, dtype=float)
    return ColorMap(matrix, offset, residual, tolerance, convention, calls, **flags)


def of(normalization: Normalization, **others) -> ColorMap:
    std, mean = np.array(normalization.std), np.array(normalization.mean)
    return measured(np.diag(normalization.pixel_max / std), -mean / std, **others)


class TestFit:
    matrix = np.array([[1.5, -0.25, 0.0], [0.5, 2.0, -1.0]])
    offset = np.array([0.125, -3.0])

    @pytest.fixture
    def x(self):
        return np.random.default_rng(0).uniform(0, 1, (40, 3))

    def test_an_affine_map_is_found(self, x):
        fit = fit_affine(x, x @ self.matrix.T + self.offset)
        np.testing.assert_allclose(fit.matrix, self.matrix, atol=1e-13)
        np.testing.assert_allclose(fit.offset, self.offset, atol=1e-13)
        np.testing.assert_allclose(fit.residual, [0, 0], atol=1e-13)
        centred = x - x.mean(axis=0)
        centred /= 2.0 ** np.ceil(np.log2(np.abs(centred).max(axis=0)))
        np.testing.assert_allclose(fit.condition, np.linalg.cond(centred), rtol=1e-12)

    def test_a_wide_channel_takes_no_digits_from_a_narrow_one(self, x):
        """A power of two is exact: only the slopes change by it."""
        widths = np.array([2.0**60, 1.0, 2.0**-60])
        plain, wide = (fit_affine(x * one, x @ self.matrix.T + self.offset) for one in (1.0, widths))
        np.testing.assert_array_equal(wide.matrix * widths, plain.matrix)
        np.testing.assert_allclose(wide.offset, plain.offset, atol=1e-13)
        np.testing.assert_allclose(wide.residual, [0, 0], atol=1e-13)
        assert wide.condition == plain.condition

    def test_it_is_the_fit_of_least_squares_with_a_column_of_ones(self, x):
        y = np.random.default_rng(1).normal(size=(40, 2))
        fit = fit_affine(x, y)
        design = np.column_stack([x, np.ones(40)])
        best = np.linalg.lstsq(design, y, rcond=None)[0]
        np.testing.assert_allclose(fit.matrix, best[:3].T, atol=1e-12)
        np.testing.assert_allclose(fit.offset, best[3], atol=1e-12)
        np.testing.assert_allclose(fit.residual, np.abs(y - design @ best).max(axis=0), atol=1e-12)

    @pytest.mark.parametrize(
        "x",
        [[[0, 0], [1, 1], [3, 3]], [[0, 1], [1, 1], [3, 1]], [[0, 0, 1], [1, 0, 1]], [[0.5]]],
        ids=["greys", "a constant channel", "fewer pixels than channels", "one pixel"],
    )
    def test_channels_that_the_samples_do_not_tell_apart(self, x):
        fit = fit_affine(x, np.ones((len(x), 1)))
        assert fit.condition == float("inf")


class TestCondition:
    @pytest.mark.parametrize(
        ("matrix", "condition"),
        [
            (np.diag([2.0, 4, 8]), 4),
            (BGR, 1),
            ([[3.0], [4.0], [0.0]], 1),  # one channel made into three
            ([[1.0, 1, 1]], float("inf")),  # three made into one
            (np.diag([1.0, 0, 1]), float("inf")),
        ],
    )
    def test_is_that_of_the_matrix(self, matrix, condition):
        assert measured(matrix).condition == pytest.approx(condition)


class TestOrder:
    @pytest.mark.parametrize(
        ("matrix", "order"),
        [
            (np.diag([2.0, -3, 4]), (0, 1, 2)),
            (BGR, (2, 1, 0)),
            ([[0, 1.0, 0], [0, 0, 1], [1, 0, 0]], (1, 2, 0)),
            ([[1.0, 0.2, 0], [0, 1, 0], [0, 0, 1]], None),
            (np.diag([1.0, 0, 1]), None),
            ([[1.0, 0], [1, 0]], None),  # one channel twice, the other not at all
            ([[1.0, 0, 0], [0, 1, 0]], None),
            (np.eye(3) * 1e-5, (0, 1, 2)),
        ],
    )
    def test_is_that_of_the_channels_made_of_one(self, matrix, order):
        assert measured(matrix).order == order

    @pytest.mark.parametrize(
        ("beside", "order", "known"),
        [
            (0.9e-4, (0, 1), {}),  # what is ten thousand times smaller is noise
            (1.1e-4, None, {}),
            (0.010, (0, 1), {"tolerance": 0.01}),  # so is what rounding explains
            (0.011, None, {"tolerance": 0.01}),
            (0.019, (0, 1), {"residual": 0.01, "rounded": True}),  # bytes on the way make twice the residual
            (0.021, None, {"residual": 0.01, "rounded": True}),
            (0.019, None, {"residual": 0.01}),
        ],
    )
    def test_noise_mixes_no_channels(self, beside, order, known):
        assert measured([[1, beside], [0, 1]], **known).order == order


class TestStraightened:
    @pytest.mark.parametrize("matrix", [np.diag([2.0, 3]), [[0, 2.0], [3, 0]]])
    def test_the_channels_enter_as_they_leave(self, matrix):
        straight = measured(matrix, [4, 5], residual=0.25, gated=True).straightened
        assert straight.matrix.tolist() == [[2, 0], [0, 3]]
        assert (straight.offset.tolist(), straight.residual, straight.gated) == ([4, 5], 0.25, True)

    def test_channels_that_are_mixed_have_no_other_order(self):
        mixed = measured(np.ones((1, 3)))
        assert mixed.straightened is mixed


def test_constant_channels_are_those_without_a_slope_beyond_rounding():
    assert measured([[1.0, 0, 0], [0, 0, 0], [0, 1e-6, -1e-6]]).constant_channels == (1, 2)
    assert measured([[1.0, 0], [0, 1.1e-6]]).constant_channels == ()
    assert measured([[0, 1.0], [0, 0]]).constant_channels == (1,)


MIXED = "mixed: the {} channel(s) of the output mix the {} of the input"
ORDER = "channel order: the output's channels are made of the input's {}, with mean (0, 0, 0) and std (1, 1, 1)"


class TestProblems:
    @pytest.mark.parametrize(
        ("matrix", "known", "problem"),
        [
            (
                np.eye(3),
                {"per_image": True},
                "per-image: the color of a pixel depends on the other pixels of its image",
            ),
            (
                np.eye(3),
                {"random": 0.25, "outcomes": 7},
                "random: 7 different results for one image, 25% not the usual",
            ),
            (
                np.eye(3),
                {"gated": True},
                "gated: images whose brightest level is at most 2 of 255 are treated otherwise",
            ),
            (
                np.eye(3),
                {"clipped": True},
                "clipped: some levels at an end of the range become one, and cannot be told apart again",
            ),
            (
                np.eye(3),
                {"nonlinear": True, "residual": 0.12345},
                "not affine: up to 0.123 away from the best affine map",
            ),
            (np.diag([1, 0, 0]), {}, "constant: channel 1, 2 of the output has a slope of zero"),
            (BGR, {}, ORDER.format("(2, 1, 0) (RGB becomes BGR)")),
            (BGR[[0, 2, 1]], {}, ORDER.format("(2, 0, 1)")),
            (
                np.ones((1, 3)),
                {},
                MIXED.format(1, 3) + ": it is grey, made of (0.333, 0.333, 0.333) of them",
            ),
            (np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]]), {}, MIXED.format(3, 3)),
            (np.array([[1, -1]]), {}, MIXED.format(1, 2)),
            (
                np.outer([4, 2, -1], [0.299, 0.587, 0.114]),
                {},
                MIXED.format(3, 3) + ": it is grey, made of (0.299, 0.587, 0.114) of them",
            ),
        ],
    )
    def test_each_in_words(self, matrix, known, problem):
        assert measured(matrix, **known).problems == (problem,)

    def test_none(self):
        assert of(Normalization(MEAN, STD)).problems == ()

    @pytest.mark.parametrize(("by", "is_grey"), [(0.0, True), (0.009, True), (0.01, False), (0.011, False)])
    def test_shares_in_one_grey_are_less_than_a_hundredth_apart(self, by, is_grey):
        (problem,) = measured(np.array([[0, 0.5, 0.5], [by, 0.5 - by / 2, 0.5 - by / 2]])).problems
        assert problem.endswith(": it is grey, made of (0, 0.5, 0.5) of them") == is_grey


class TestNormalization:
    @pytest.mark.parametrize("pixel_max", [1.0, 255.0])
    def test_is_the_one_that_was_measured(self, pixel_max):
        declared = Normalization([m * pixel_max for m in MEAN], [s * pixel_max for s in STD], pixel_max)
        found = of(declared).normalization(pixel_max)
        np.testing.assert_allclose(found.mean, declared.mean, rtol=1e-14)
        np.testing.assert_allclose(found.std, declared.std, rtol=1e-14)
        assert found.pixel_max == pixel_max
        assert found.source == "measured in 42 calls with CHW floats"

    def test_an_offset_is_held_against_the_rounding_of_its_own_channel(self):
        # 2.5 and 0.0022 as stds: the second channel's values, and their rounding, are a thousand times the first's
        found = measured(np.diag([0.4, 454.0]), [-0.0009, -227.0], tolerance=2.0**-18 * 227).normalization()
        assert found.mean == pytest.approx((0.00225, 0.5))

    def test_an_offset_within_rounding_is_none(self):
        found = measured(np.eye(2), offset=[1e-6, -1e-6]).normalization()
        assert repr(found.mean) == "(0.0, 0.0)"
        assert measured(np.eye(2), offset=[1.1e-6, 0.0]).normalization().mean == (-1.1e-6, 0.0)

    def test_there_is_none_where_there_is_a_problem(self):
        found = measured(BGR, gated=True)
        with pytest.raises(NotInvertibleError) as error:
            found.normalization()
        assert str(error.value) == (
            "what was measured is no Normalize: gated: images whose brightest level is at most 2 of 255 are treated "
            "otherwise; channel order: the output's channels are made of the input's (2, 1, 0) (RGB becomes BGR), with "
            "mean (0, 0, 0) and std (1, 1, 1). Called with CHW floats, 42 times."
        )


class TestDifference:
    @pytest.mark.parametrize("seed", range(8))
    def test_is_the_largest_over_all_colors(self, seed):
        random = np.random.default_rng(seed)
        declared = Normalization(random.uniform(0, 1, 3), random.uniform(0.1, 1, 3) * random.choice([-1, 1], 3))
        exact = of(declared)
        found = measured(exact.matrix + random.normal(size=(3, 3)) * 0.1, exact.offset + random.normal(size=3) * 0.1)
        corners = np.array(list(itertools.product([0, 1], repeat=3)))  # a difference of affine maps is largest at one
        apart = corners @ found.matrix.T + found.offset - (corners - declared.mean) / declared.std
        assert found.difference(declared) == pytest.approx(np.abs(apart).max(), rel=1e-12)

    def test_is_in_units_of_the_output_whatever_the_scale_of_the_input(self):
        found = of(Normalization((0.5,) * 3, (0.25,) * 3))
        assert found.difference(Normalization([127.5] * 3, [63.75] * 3, 255.0)) == 0
        assert found.difference(Normalization(0.5, 0.25)) == 0  # one number for all channels
        assert found.difference(Normalization(0.5, 0.5)) == 1


class TestInWords:
    def test_a_normalization(self):
        found = of(Normalization(MEAN, STD))
        statistics = "mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225), images in 0..1"
        assert str(found) == f"{statistics} (measured in 42 calls with CHW floats)"

    def test_problems(self):
        assert str(measured(BGR, clipped=True, unchanged=True)) == (
            "clipped: some levels at an end of the range become one, and cannot be told apart again; channel order: "
            "the output's channels are made of the input's (2, 1, 0) (RGB becomes BGR), with mean (0, 0, 0) and "
            "std (1, 1, 1), unchanged (measured in 42 calls with CHW floats)"
        )


def test_it_is_a_value_that_stays_as_it_is():
    found, other = measured(np.eye(3)), measured(np.eye(3))
    with pytest.raises(FrozenInstanceError):
        found.calls = 1
    assert found == found
    assert len({found, other}) == 2  # arrays are not compared
