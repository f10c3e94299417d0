"""The checks, the battery that runs them, the diagnosis and the report."""

from __future__ import annotations

from .battery import check, parametrize_with_checks
from .checks import CHECKS
from .diagnosis import KINDS, Diagnosis, diagnose
from .report import CheckResult, Report
from .round_trip import assert_round_trip
from .samples import sample_images

__all__ = [
    "CHECKS",
    "KINDS",
    "CheckResult",
    "Diagnosis",
    "Report",
    "assert_round_trip",
    "check",
    "diagnose",
    "parametrize_with_checks",
    "sample_images",
]
