"""Where a pipeline's Normalize is, and what it does: declared (read from its objects) and measured.

An adapter of a project's own takes :class:`Leaf`, :class:`Parts` and :class:`Refusal` from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .located import Located
from .registry import Leaf, Parts, Refusal, register_adapter

if TYPE_CHECKING:
    from .resolve import find_normalize, locate

__all__ = ["Leaf", "Located", "Parts", "Refusal", "find_normalize", "locate", "register_adapter"]


def __getattr__(name: str) -> Any:
    """Import what runs pipelines, and torch with it, when it is asked for."""
    if name not in ("find_normalize", "locate"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import resolve

    return getattr(resolve, name)
