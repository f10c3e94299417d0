"""What an image test drew: the pixels of its figure, and what is known of them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.normalization import Normalization
from ..errors import BaselineError, ImageError
from .decoding import refuse_size
from .grid_figure import GridFigure, Tile, is_grid_figure
from .png import decode_png
from .regions import Box

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Drawing:
    """The pixels of an image test.

    Attributes:
        pixels: uint8 (H, W, 3).
        tiles: the boxes of the images in them.
        normalization: what was inverted to draw them, if known.
        texts: the boxes of the letters in them.
        unused: the keywords of the mark that have no effect on them.
    """

    pixels: Bytes
    tiles: tuple[Tile, ...] = ()
    normalization: Normalization | None = None
    texts: tuple[Box, ...] = ()
    unused: tuple[str, ...] = ()


def draw(figure: Any, kwargs: Mapping[str, Any]) -> Drawing:
    """Return the pixels of the figure that a test figure, drawn as its mark asks.

    Args:
        figure: anything with ``savefig``.
        kwargs: of the mark.

    Raises:
        BaselineError: it is not opaque, or is larger than a baseline may be.
    """
    if is_grid_figure(figure):
        return _of_grid(figure, kwargs)
    if kwargs.get("remove_text"):
        from matplotlib.testing.decorators import remove_ticks_and_titles

        remove_ticks_and_titles(figure)
    file = io.BytesIO()
    figure.savefig(file, **{"format": "png", **kwargs.get("savefig_kwargs", {})})
    pixels = decode_png(file.getvalue(), "the figure")
    return Drawing(pixels, texts=_texts_in(figure, pixels.shape[:2]))


def _of_grid(figure: GridFigure, kwargs: Mapping[str, Any]) -> Drawing:
    height, width = figure.pixels.shape[:2]
    try:
        refuse_size(width, height, "the grid")
    except ImageError as error:
        raise BaselineError(str(error)) from None
    unused = tuple(f"{name}={kwargs[name]!r}" for name in ("tolerance", "savefig_kwargs") if kwargs.get(name))
    return Drawing(figure.rendered(), figure.tiles, figure.normalization, unused=unused)


def _texts_in(figure: Any, shape: tuple[int, int]) -> tuple[Box, ...]:
    """Return the boxes of all letters on a figure of matplotlib's, in pixels of the saved image; of others none."""
    if not hasattr(figure, "findobj") or not hasattr(figure, "bbox"):
        return ()
    from matplotlib.text import Text

    scale = shape[0] / figure.bbox.height  # saved at another dpi
    if abs(shape[1] / figure.bbox.width - scale) > 0.02 * scale:
        return ()  # cut to a tight box
    boxes = []
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            extent = text.get_window_extent()
            left, bottom, right, top = (float(edge) * scale for edge in extent.extents)
            boxes.append(Box(int(shape[0] - top), int(left), int(top - bottom) + 2, int(right - left) + 2))
    return tuple(boxes)
