"""Statistics and sweeps over whole data sets."""

from __future__ import annotations

from .measure import dataset_statistics
from .statistics import PresetMatch, Statistics, nearest_preset
from .sweeping import SweepResult, sweep

__all__ = ["PresetMatch", "Statistics", "SweepResult", "dataset_statistics", "nearest_preset", "sweep"]
