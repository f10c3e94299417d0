"""Names that are shown: of channels, and those that others chose, made fit for it."""

from __future__ import annotations

__all__ = ["channel_name", "count_of", "in_levels", "printable"]


def printable(text: str) -> str:
    r"""`text` with everything that a terminal would act on, or that hides, written out: ``\x1b`` for an escape.

    That is control characters other than the line feed and the tab, lone surrogates, and marks that turn the direction
    of writing.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else _written(one) for one in text)


def _written(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def channel_name(channel: int, channels: int) -> str:
    """``red``, ``green``, ``blue`` of three, ``grey`` of one, else ``channel 4``."""
    names = {1: ("grey",), 3: ("red", "green", "blue")}.get(channels)
    return names[channel] if names else f"channel {channel}"


def count_of(number: int, noun: str) -> str:
    """``1 image``, ``2,000 images``"""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def in_levels(error: float, digits: int) -> str:
    """``20.2 levels``, ``1 level``: with so many significant digits."""
    number = f"{error:.{digits}g}"
    return f"{number} level{'' if number == '1' else 's'}"
