"""pytest hooks and fixtures, nothing else: every body imports what it needs."""

from __future__ import annotations
