"""Findings before a face puts them into its form, and how numbers are said in them."""

from __future__ import annotations

from dataclasses import dataclass

from .records import Place, Record

__all__ = ["Draft", "levels", "numbers"]


@dataclass(frozen=True)
class Draft:
    """A finding before it is put into words for a face."""

    code: str
    level: str
    place: Place
    message: str
    related: Place | None = None


def levels(effect: float) -> str:
    return f"{effect:.3g} levels" if effect != 1 else "1 level"


def numbers(record: Record) -> str:
    mean, std = (", ".join(f"{one:.4g}" for one in part) for part in record.unit)
    return f"mean ({mean}), std ({std})"
