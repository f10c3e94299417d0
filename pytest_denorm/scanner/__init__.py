"""``pytest_denorm.scan(paths)``: a linter for normalization."""

from __future__ import annotations

from .scanning import ScanResult, scan

__all__ = ["ScanResult", "scan"]
