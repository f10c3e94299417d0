"""What is said of flat images' colors that no one affine map explains."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_denorm.core.colormap import fit_affine
from pytest_denorm.pipelines.fitting import classify
from pytest_denorm.pipelines.flat_images import flat_colors

X = np.array(flat_colors(3)) / 255
GREY = np.array(flat_colors(1)) / 255
DARK = slice(0, 3)  # the greys 0, 1 and 2
MATRIX = np.array([[2.0, 0.25, 0.0], [0.0, -3.0, 0.5], [0.125, 0.0, 1.5]])
Y = X @ MATRIX.T + [0.1, 0.2, -0.3]


def test_an_affine_map_explains_all():
    fit, flags = classify(X, Y, 1e-9)
    assert flags == {}
    np.testing.assert_allclose(fit.matrix, MATRIX, atol=1e-12)


class TestGate:
    def test_the_darkest_are_treated_otherwise(self):
        y = Y.copy()
        y[DARK] += 5
        fit, flags = classify(X, y, 1e-9)
        assert flags == {"gated": True}
        np.testing.assert_allclose(fit.matrix, MATRIX, atol=1e-12)


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


class TestRounded:
    def test_bytes_on_the_way(self):
        y = np.rint(X * 255 * 0.7) / 255
        fit, flags = classify(X, y, 1e-9)
        assert flags == {"rounded": True}
        np.testing.assert_allclose(fit.matrix, np.eye(3) * 0.7, atol=0.01)
