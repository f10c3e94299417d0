"""What a figure is drawn under: a style and a backend of matplotlib's, both put back afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import SettingsError

__all__ = ["backend_of", "style_of"]


@contextmanager
def style_of(style: Any) -> Iterator[None]:
    """Draw in this style alone, whatever the settings are."""
    import matplotlib.style

    with matplotlib.style.context(style, after_reset=True):
        yield


@contextmanager
def backend_of(backend: Any, source: str) -> Iterator[None]:
    """Draw with this backend.

    Args:
        backend: its name; None leaves the one that there is, and does not load pyplot.
        source: where it was named, for the message.

    Raises:
        SettingsError: it does not exist, or does not work here.
    """
    if backend is None:
        yield
        return
    import matplotlib
    from matplotlib import pyplot

    before = matplotlib.get_backend()
    if str(backend).lower() == before.lower():
        yield
        return
    try:
        pyplot.switch_backend(backend)
    except Exception as error:  # ImportError for most; of another kind where it is no text, or the backend's own
        raise SettingsError(
            f"{source} is {backend!r}, a backend that matplotlib cannot load: {error}. Expected the name of one that "
            f"works here, such as 'agg'."
        ) from error
    try:
        yield
    finally:
        pyplot.switch_backend(before)
