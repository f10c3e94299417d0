"""Where a pipeline's Normalize is, and what it does: declared (read from its objects) and measured.

An adapter of a project's own takes :class:`Leaf`, :class:`Parts` and :class:`Refusal` from here.
"""

from __future__ import annotations

from .registry import Leaf, Parts, Refusal, register_adapter
from .walk import Located, find_normalize, locate

__all__ = ["Leaf", "Located", "Parts", "Refusal", "find_normalize", "locate", "register_adapter"]
