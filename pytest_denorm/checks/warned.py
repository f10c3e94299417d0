"""Showing a warning that must fail nothing."""

from __future__ import annotations

import warnings

from ..errors import VerificationWarning

__all__ = ["warn"]


def warn(message: str, stacklevel: int) -> None:
    """Show a warning, also where warnings are errors: whether a check fails is for its level to say.

    Args:
        stacklevel: as for ``warnings.warn``, seen from the caller.
    """
    warning = VerificationWarning(message)
    try:
        warnings.warn(warning, stacklevel=stacklevel + 1)
    except VerificationWarning:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(warning, stacklevel=stacklevel + 1)
