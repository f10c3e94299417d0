"""A map of colours, ``y = A x + b``, fitted to what something does to pixels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = ["Fit", "fit_affine"]


class Fit(NamedTuple):
    """The least-squares fit of ``y = matrix @ x + offset``, in float64.

    Attributes:
        matrix: (channels out, channels in).
        offset: (channels out,).
        residual: the largest ``|y - (matrix @ x + offset)|`` of each channel out.
        condition: of the design matrix; large where the samples cannot tell the channels apart.
    """

    matrix: np.ndarray[Any, Any]
    offset: np.ndarray[Any, Any]
    residual: np.ndarray[Any, Any]
    condition: float


def fit_affine(x: Any, y: Any) -> Fit:
    """Fits pixels `y` (n, channels out) to pixels `x` (n, channels in).

    Columns are centred first, so that the offset does not lose digits to the slope.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    solution, _, _, singular = np.linalg.lstsq(x - x_mean, y - y_mean, rcond=None)
    offset = y_mean - x_mean @ solution
    residual = np.abs(y - (x @ solution + offset)).max(axis=0)
    smallest = singular[-1] if len(singular) == x.shape[1] else 0.0
    condition = float(singular[0] / smallest) if smallest > 0 else float("inf")
    return Fit(solution.T, offset, residual, condition)
