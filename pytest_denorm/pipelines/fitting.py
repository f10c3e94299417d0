"""The affine map of flat images' colors, and what keeps one from fitting them all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.colormap import Fit, fit_affine
from .flat_images import GREYS
from .outputs import Array

__all__ = ["classify"]

#: An image this dark may be on the other side of a gate such as ``x.max() > 1``.
_DARK = 2


def classify(x: Array, y: Array, tolerance: float) -> tuple[Fit, dict[str, bool]]:
    """The affine map, and what kept it from fitting all flat images."""
    fit = fit_affine(x, y)
    if fit.residual.max() <= tolerance:
        return fit, {}
    bright = x.max(axis=1) * 255 > _DARK
    without_dark = fit_affine(x[bright], y[bright])
    if without_dark.residual.max() <= tolerance:
        return without_dark, {"gated": True}
    free = _off_the_ends(y, tolerance)
    if not free.all():
        unclipped = _fit_rows(x, y, free)
        if unclipped is not None and unclipped.residual.max() <= tolerance:
            return unclipped, {"clipped": True}
    elif fit.residual.max() <= 1.01 / 255 * np.ptp(y, axis=0).max():
        return fit, {"rounded": True}
    return fit, {"nonlinear": True, "clipped": not bool(free.all())}


def _off_the_ends(y: Array, tolerance: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which values (images, channels) are not those at which the darkest or the lightest greys stand still."""
    greys, free = y[: len(GREYS)], np.ones(y.shape, dtype=bool)
    for end in (greys[:3], greys[-3:]):
        stands = np.ptp(end, axis=0) <= tolerance
        free &= ~((np.abs(y - end[1]) <= tolerance) & stands)
    return free


def _fit_rows(x: Array, y: Array, free: np.ndarray[Any, np.dtype[np.bool_]]) -> Fit | None:
    """Each channel out fitted to the images where it is free; None where these are too few."""
    fits = [fit_affine(x[rows], y[rows, channel, None]) for channel, rows in enumerate(free.T) if rows.any()]
    if len(fits) < y.shape[1] or not all(math.isfinite(fit.condition) for fit in fits):
        return None
    matrix, offset, residual = (np.concatenate(rows) for rows in zip(*(fit[:3] for fit in fits), strict=True))
    return Fit(matrix, offset, residual, max(fit.condition for fit in fits))
