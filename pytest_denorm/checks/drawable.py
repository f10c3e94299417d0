"""Failures that can be drawn when somebody asks for a picture: the error carries how, and costs nothing until then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .round_trip import RoundTrip, Subject

__all__ = ["draw_round_trip", "drawable", "drawing_of"]

Draw = Callable[[], bytes]

_ATTRIBUTE = "denorm_draw"  # AssertionError itself, because its name is what pytest shows


def drawable(error: AssertionError, draw: Draw) -> AssertionError:
    """`error`, with `draw` to make a PNG file of what failed."""
    setattr(error, _ATTRIBUTE, draw)
    return error


def drawing_of(error: BaseException) -> Draw | None:
    """How to draw what failed, if it can be drawn."""
    return getattr(error, _ATTRIBUTE, None)


def draw_round_trip(subject: Subject, outcome: RoundTrip) -> bytes:
    """A PNG file; see :func:`~pytest_denorm.checks.round_trip_figure.round_trip_figure`."""
    from .round_trip_figure import png_of, round_trip_figure  # with matplotlib

    return png_of(round_trip_figure(subject, outcome))
