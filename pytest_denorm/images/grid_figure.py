"""The figure of a grid: a matplotlib Figure whose PNG is its canvas, byte for byte."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from ..core.normalization import Normalization
from .png import encode_png

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

#: Dots an inch. A power of two, so that pixels / dpi * dpi is a whole number of pixels at every size.
DPI = 64

#: Against styles: a "tight" box adds a border, and after saving matplotlib falls back on the style's layout.
_PLAIN: Any = {"savefig.bbox": "standard", "figure.autolayout": False, "figure.constrained_layout.use": False}


class Tile(NamedTuple):
    """Where one image lies in the canvas of a grid: row and column in images, the rest in pixels."""

    row: int
    column: int
    top: int
    left: int
    height: int
    width: int


class GridFigure(Figure):
    """A grid of images, without text, saved at exactly one pixel a pixel.

    A PNG of it holds :attr:`pixels` and nothing else, whatever the style, backend, dpi or ``bbox_inches``. It is not
    known to pyplot, so it needs no closing. What is added to it (a title, a line) is drawn over the images by
    matplotlib, at the same size.

    Args:
        pixels: the canvas, uint8 (H, W, 3).
        tiles: the boxes of the images in it, in their order.
        normalization: what was undone to make the images, if known.
    """

    def __init__(self, pixels: Bytes, tiles: Iterable[Tile], *, normalization: Normalization | None = None) -> None:
        height, width = pixels.shape[:2]
        layout: Any = "none"  # None would let a style choose
        super().__init__(figsize=(width / DPI, height / DPI), dpi=DPI, frameon=False, layout=layout)
        self._pixels = np.array(pixels)
        self._pixels.flags.writeable = False
        self._tiles = tuple(tiles)
        self.normalization = normalization
        axes = self.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.imshow(self._pixels, interpolation="nearest", aspect="auto", origin="upper")
        self._own_axes = axes
        self._own = [*self.get_children(), *axes.get_children()]

    @property
    def pixels(self) -> Bytes:
        """The canvas, uint8 (H, W, 3), read-only."""
        return self._pixels

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The box of each image, in the order of the images."""
        return self._tiles

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc, unused-ignore]
        self._pixels.flags.writeable = False  # a pickle forgets it

    def __repr__(self) -> str:
        height, width = self._pixels.shape[:2]
        return f"<GridFigure of {len(self._tiles)} images, {height} x {width} pixels>"

    def rendered(self) -> Bytes:
        """Return what a PNG of the figure shows, uint8 (H, W, 3): :attr:`pixels`, and over it what was added since."""
        if not self._is_altered():
            return self._pixels
        canvas = self.canvas
        try:
            agg: Any = FigureCanvasAgg(self)
            agg.draw()
            return np.array(agg.buffer_rgba())[..., :3]
        finally:
            self.set_canvas(canvas)

    def savefig(
        self,
        fname: str | os.PathLike[str] | IO[bytes],
        *,
        format: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        pil_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Save the figure: a PNG is exact, other formats are left to matplotlib, at one dot a pixel.

        Args:
            fname: a path or a binary file. Without `format` and without an extension it becomes a PNG, and a path
                gets the extension ``.png``.
            format: ``png``, or any that matplotlib writes.
            metadata: text chunks of the PNG; keys whose value is None are left out. Nothing is written by default.
            pil_kwargs: for Pillow's ``Image.save``, such as ``compress_level``.
            **kwargs: matplotlib's others. ``dpi``, ``bbox_inches``, ``facecolor`` and the like leave a PNG as it is.
        """
        target: Any = fname
        if isinstance(fname, (str, os.PathLike)):
            path = Path(fname)
            if format is None and not path.suffix:
                path = path.with_name(f"{path.name}.png")
            target = path
            format = format or path.suffix[1:]
        format = (format or "png").lower()
        if format == "png":
            data = encode_png(self.rendered(), metadata, pil_kwargs)
            if isinstance(target, Path):
                target.write_bytes(data)
            else:
                target.write(data)
            return
        kwargs.setdefault("dpi", DPI)
        kwargs.update({} if metadata is None else {"metadata": metadata})
        kwargs.update({} if pil_kwargs is None else {"pil_kwargs": pil_kwargs})
        with matplotlib.rc_context(_PLAIN):
            super().savefig(target, format=format, **kwargs)

    def _repr_png_(self) -> bytes:
        return encode_png(self.rendered())

    def _is_altered(self) -> bool:
        """Return whether anything visible is on the figure that was not there at first."""
        own = {id(artist) for artist in self._own}
        children = [*self.get_children(), *self._own_axes.get_children()]
        added = any(id(artist) not in own and _shows(artist) for artist in children)
        titled = any(isinstance(artist, Text) and artist.get_text() for artist in self._own)
        removed = not own <= {id(artist) for artist in children}
        return added or titled or removed or bool(self._own_axes.axison)


def _shows(artist: Artist) -> bool:
    return artist.get_visible() and not (isinstance(artist, Text) and not artist.get_text())


def is_grid_figure(thing: object) -> bool:
    """Return whether it is a GridFigure, also of a copy of this module that was imported before."""
    home = GridFigure.__module__, GridFigure.__qualname__
    return any((kind.__module__, kind.__qualname__) == home for kind in type(thing).__mro__)
