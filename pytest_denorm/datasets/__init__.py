"""Statistics and sweeps over whole data sets."""

from __future__ import annotations

from .measure import dataset_statistics
from .statistics import PresetMatch, Statistics, nearest_preset

__all__ = ["PresetMatch", "Statistics", "dataset_statistics", "nearest_preset"]
