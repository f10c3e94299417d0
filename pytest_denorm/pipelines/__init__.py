"""Where a pipeline's Normalize is, and what it does: declared (read from its objects) and measured."""

from __future__ import annotations

from .apply import inverse_of
from .registry import Leaf, Parts, Refusal, register_adapter
from .walk import Located, find_normalize, locate

__all__ = [
    "Leaf",
    "Located",
    "Parts",
    "Refusal",
    "find_normalize",
    "inverse_of",
    "locate",
    "register_adapter",
]
