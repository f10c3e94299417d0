"""The checks, the battery that runs them, the diagnosis and the report."""

from __future__ import annotations

from .diagnosis import KINDS, Diagnosis, diagnose
from .round_trip import assert_round_trip
from .samples import sample_images

__all__ = ["KINDS", "Diagnosis", "assert_round_trip", "diagnose", "sample_images"]
