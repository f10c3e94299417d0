"""What is said of flat images' colors that no one affine map explains."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_denorm.core.colormap import fit_affine
from pytest_denorm.pipelines.fitting import classify
from pytest_denorm.pipelines.flat_images import GREYS, flat_colors

X = np.array(flat_colors(3)) / 255
GREY = np.array(flat_colors(1)) / 255
DARK = slice(0, 3)  # the greys 0, 1 and 2
MATRIX = np.array([[2.0, 0.25, 0.0], [0.0, -3.0, 0.5], [0.125, 0.0, 1.5]])
Y = X @ MATRIX.T + [0.1, 0.2, -0.3]


def wave(k: float, ranges: tuple[float, ...] = (1.0, 1.0, 1.0)) -> np.ndarray:
    """Something that no affine map has a part in, in the first channel: `k` levels high at most."""
    design = np.column_stack([X, np.ones(len(X))])
    shape = np.cos(np.arange(len(X)) * 2.0)
    shape -= design @ np.linalg.lstsq(design, shape, rcond=None)[0]
    shape /= np.abs(shape).max()
    y = X * ranges
    height = 0.0
    for _ in range(20):  # a level is one of 255 of the range that comes out
        height = k / 255 * np.ptp(y[:, 0] + shape * height)
    y[:, 0] += shape * height
    return y


def test_an_affine_map_explains_all():
    fit, flags = classify(X, Y, 1e-9)
    assert flags == {}
    np.testing.assert_allclose(fit.matrix, MATRIX, atol=1e-12)


def test_up_to_the_tolerance():
    y = wave(30)
    found = float(fit_affine(X, y).residual.max())
    assert classify(X, y, found)[1] == {}
    assert "nonlinear" in classify(X, y, found * 0.999)[1]


class TestGate:
    def test_the_darkest_are_treated_otherwise(self):
        y = Y.copy()
        y[DARK] += 5
        fit, flags = classify(X, y, 1e-9)
        assert flags == {"gated": True}
        np.testing.assert_allclose(fit.matrix, MATRIX, atol=1e-12)

    def test_up_to_the_tolerance(self):
        y = wave(30)
        y[DARK] += 5
        found = float(fit_affine(X[3:], y[3:]).residual.max())
        assert classify(X, y, found)[1] == {"gated": True}
        assert "gated" not in classify(X, y, found * 0.999)[1]

    @pytest.mark.parametrize("color", [(32, 32, 32), (255, 0, 0)])
    def test_brighter_pictures_are_not_dark(self, color):
        y = Y.copy()
        y[flat_colors(3).index(color)] += 5
        assert classify(X, y, 1e-9)[1] == {"nonlinear": True, "clipped": False}


class TestClipped:
    @pytest.mark.parametrize(("low", "high"), [(0.02, 9.0), (-9.0, 0.9), (0.1, 0.8)])
    def test_some_levels_at_an_end_become_one(self, low, high):
        y = X * [1.0, 0.9, 1.0]
        fit, flags = classify(X, y.clip(low, high), 1e-9)
        assert flags == {"clipped": True}
        np.testing.assert_allclose(fit.matrix, np.diag([1.0, 0.9, 1.0]), atol=1e-12)
        np.testing.assert_allclose(fit.offset, 0, atol=1e-12)
        assert fit.residual.shape == (3,)
        assert fit.residual.max() < 1e-12

    def test_one_channel_alone(self):
        y = Y.copy()
        y[:, 1] = y[:, 1].clip(-2.2, 0.15)
        fit, flags = classify(X, y, 1e-9)
        assert flags == {"clipped": True}
        np.testing.assert_allclose(fit.matrix, MATRIX, atol=1e-12)
        free = (y[:, 1] > -2.2) & (y[:, 1] < 0.15)
        conditions = fit_affine(X, Y).condition, fit_affine(X[free], Y[free]).condition
        assert conditions[0] != conditions[1]
        assert fit.condition == pytest.approx(max(conditions))

    def test_it_takes_three_greys_that_become_one(self):
        assert classify(GREY, GREY.clip(2 / 255, 253 / 255), 1e-9)[1] == {"clipped": True}
        assert classify(GREY, GREY.clip(0, 254 / 255), 1e-9)[1] == {"rounded": True}  # two: within a level
        assert classify(GREY, GREY.clip(1 / 255, 0.9), 1e-9)[1] == {"nonlinear": True, "clipped": True}

    @pytest.mark.parametrize(
        ("black", "width", "clipped"),
        [(64, 128, True), (120, 80, False), (100, 20, False)],
        ids=["two greys are left", "one is", "none is"],
    )
    def test_what_is_left_has_to_tell_the_slope(self, black, width, clipped):
        y = ((GREY * 255 - black) / width).clip(0, 1)
        fit, flags = classify(GREY, y, 1e-9)
        if clipped:
            assert flags == {"clipped": True}
            assert fit.matrix[0, 0] == pytest.approx(255 / width)
        else:
            assert flags == {"nonlinear": True, "clipped": True}
            np.testing.assert_array_equal(fit.matrix, fit_affine(GREY, y).matrix)

    def test_a_channel_with_too_little_left_spoils_the_others(self):
        y = np.column_stack([X[:, 0].clip(0.1), X[:, 1] > 0.5, X[:, 2]])
        assert classify(X, y, 1e-9)[1] == {"nonlinear": True, "clipped": True}

    def test_a_curve_between_the_ends_is_not_clipped_alone(self):
        fit, flags = classify(X, (X**2).clip(0.1, 0.8), 1e-9)
        assert flags == {"nonlinear": True, "clipped": True}
        assert fit.residual.max() > 1e-2

    def test_one_channel_that_cannot_be_told_is_enough(self):
        y = np.column_stack([GREY[:, 0].clip(0.1), ((GREY[:, 0] * 255 - 120) / 80).clip(0, 1)])
        assert classify(GREY, y, 1e-9)[1] == {"nonlinear": True, "clipped": True}

    @pytest.mark.parametrize("near", [-1, 3])
    def test_within_the_tolerance_of_an_end(self, near):
        """All in sixteenths, with a tolerance of two: the ends stand still within it, and `near` lies within it."""
        x = np.array(GREYS)[:, None] / 256
        y = np.array([0, 1, 2, near, 24, 40, 56, 120, 121, 122])[:, None] / 16  # the line is that of 96, 160 and 224
        fit, flags = classify(x, y, 0.125)
        assert flags == {"clipped": True}
        assert fit.matrix[0, 0] == pytest.approx(4)
        assert fit.offset[0] == pytest.approx(0)

    def test_up_to_the_tolerance(self):
        y = (GREY**1.2).clip(0.05, 0.85)
        free = ((y > 0.05) & (y < 0.85))[:, 0]
        found = float(fit_affine(GREY[free], y[free]).residual.max())
        assert classify(GREY, y, found)[1] == {"clipped": True}
        assert classify(GREY, y, found * 0.999)[1] == {"nonlinear": True, "clipped": True}


class TestRounded:
    def test_bytes_on_the_way(self):
        y = np.rint(X * 255 * 0.7) / 255
        fit, flags = classify(X, y, 1e-9)
        assert flags == {"rounded": True}
        np.testing.assert_allclose(fit.matrix, np.eye(3) * 0.7, atol=0.01)

    @pytest.mark.parametrize(
        ("k", "flags"), [(1.009, {"rounded": True}), (1.011, {"nonlinear": True, "clipped": False})]
    )
    def test_is_within_a_level_of_the_largest_range(self, k, flags):
        y = wave(k, (1.0, 0.1, 0.5))
        assert fit_affine(X, y).residual.max() * 255 / np.ptp(y[:, 0]) == pytest.approx(k, rel=1e-4)
        assert classify(X, y, 1e-9)[1] == flags
        assert classify(X, y * 7, 1e-9)[1] == flags
