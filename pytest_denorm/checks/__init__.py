"""The checks, the battery that runs them, the diagnosis and the report."""

from __future__ import annotations

from ..diagnosis.verdict import KINDS, Diagnosis
from ..pipelines.samples import sample_images
from .assertion import assert_round_trip
from .battery import check
from .diagnosing import diagnose
from .outcome import CheckResult
from .report import Report
from .table import CHECKS

__all__ = [
    "CHECKS",
    "KINDS",
    "CheckResult",
    "Diagnosis",
    "Report",
    "assert_round_trip",
    "check",
    "diagnose",
    "sample_images",
]
