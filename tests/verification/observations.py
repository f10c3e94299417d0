"""Observations made by hand: what is made of them is tested without running anything."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pytest_denorm.diagnosis.observe import ChannelFit, Observation

FLOAT64, FLOAT32 = 2.0**-45, 2.0**-24


def observed(mean: Any, std: Any, white: float = 1.0, **changes: Any) -> Observation:
    """What is seen of a Normalize of 200 pixels, from black to white in every channel, each in an order of its own."""
    m, s = (np.array(one, dtype=float) * white for one in (mean, std))
    shades = np.linspace(0, white, 200)
    x = np.stack(
        [shades[np.arange(200) * step % 200] for step in (3, 7, 9, 11, 13, 17, 19, 21, 23, 27)[: len(m)]], axis=1
    )
    y = (x - m) / s
    unit = changes.get("unit_roundoff", FLOAT64)
    fit = ChannelFit(0, 0.0, 0.0, 0.0, 0.0, 10_000, -math.inf, math.inf, 0.0, True, s)
    fields = {
        "mean": m,
        "std": s,
        "white": white,
        "scale": 1.0,
        "step": 0.0,
        "unit_roundoff": unit,
        "slack": np.full(len(m), 4 * unit * white),
        "forward_is_finite": True,
        "forward_is_affine": True,
        "fits": (fit,) * len(m),
        "wraps": False,
        "finite": True,
        "exact": False,
        "max_abs_error": white,
        "wrong_levels": 255,
        "per_image": "",
        "flipped": "",
        "scattered": False,
        "repeats": True,
        "forward_mutates": False,
        "inverse_mutates": False,
        "y": y,
        "z": x,
        "y_low": y.min(axis=0),
        "y_high": y.max(axis=0),
        "lowest": 0.0,
        "highest": white,
    }
    return Observation(**{**fields, **changes})
