"""Showing a warning that must fail nothing."""

from __future__ import annotations

import warnings

from ..errors import VerificationWarning

__all__ = ["warn"]


def warn(message: str, stacklevel: int, place: tuple[str, int] | None = None) -> None:
    """Show a warning, also where warnings are errors: whether a check fails is for its level to say.

    Args:
        stacklevel: as for ``warnings.warn``, seen from the caller.
        place: the file and the line to show, where no code of the user's calls the check.
    """

    def show() -> None:
        warning = VerificationWarning(message)
        if place is None:
            warnings.warn(warning, stacklevel=stacklevel + 2)
        else:
            warnings.warn_explicit(warning, VerificationWarning, *place)

    try:
        show()
    except VerificationWarning:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            show()
