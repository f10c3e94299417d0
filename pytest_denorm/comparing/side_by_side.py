"""One image through each pipeline, as the first would show it: side by side, with the difference in levels."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from ..checks.round_trip_figure import figure_panel, levels_as_rgb, own_style
from ..core.text import in_levels
from ..errors import ImageError
from ..pipelines.samples import photograph, with_channels
from .difference import statistics_of
from .measuring import Array, Side

__all__ = ["comparison_figure", "seen_by"]

_DPI = 100
_WIDTH, _LINE, _ROW = 10.0, 0.19, 2.6  # inches
_CHARACTERS = 125  # of the header, a line
_MOST_LINES = 6
#: Levels; less is what arithmetic leaves.
_VISIBLE = 1e-3


def comparison_figure(message: str, sides: Sequence[Side], image: Any = None) -> Figure:
    """Draw what each pipeline makes of one image, inverse-normalized with the statistics of the first.

    Above, the images as uint8; below, for all but the first, how far each pixel is from that of the first, in levels of
    255. It is not known to pyplot, and looks the same whatever the style.

    Args:
        message: what stands above.
        sides: the pipelines, the first of them first.
        image: uint8, (H, W, 3) or (H, W) as an array, or a PIL image; a photograph unless given.

    Raises:
        ImageError: it is no such image, or the first pipeline has no inverse.
    """
    levels = _levels(image, sides[0].channels_in)
    # a network that normalizes by itself gives no image
    drawn = [side for side in sides if not side.is_model] or list(sides)
    seen = [seen_by(drawn[0], side, levels) for side in drawn]
    header = [line for one in message.splitlines() for line in textwrap.wrap(one, _CHARACTERS)]
    header = header[:_MOST_LINES] + ["…"] * (len(header) > _MOST_LINES)
    with own_style():
        height = _LINE * (len(header) + 1) + 2 * _ROW
        figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, facecolor="white")
        FigureCanvasAgg(figure)
        for number, line in enumerate(header):
            weight = "bold" if number == 0 else "normal"
            figure.text(
                0.02, 1 - _LINE * (number + 1.1) / height, line, fontsize=9.5, parse_math=False, fontweight=weight
            )
        _draw(figure, height, drawn, seen)
    return figure


def seen_by(first: Side, side: Side, levels: Array) -> Array:
    """Return what one side makes of an image, undone with the statistics of the first, in levels (C, H, W).

    What resizes, crops or draws at random is shown by its map, at the size of the image.

    Raises:
        ImageError: the first has a constant channel, and no inverse.
    """
    statistics = statistics_of(first)
    if statistics is None:
        raise ImageError(f"{first.name} gives a channel that no input changes: there is no inverse to draw with.")
    mean, std = statistics
    result = levels / 255 @ side.map.matrix.T + side.map.offset
    return np.asarray(((result * std + mean) * 255).transpose(2, 0, 1))


def _levels(image: Any, channels: int) -> Array:
    """An image of so many channels, (H, W, channels), in levels.

    Raises:
        ImageError: it is no uint8 image.
    """
    if image is None:
        photo = photograph()
        if photo is None:
            ramp = np.tile(np.arange(256.0), (64, 1))
            return np.stack([np.roll(ramp, 85 * c, axis=1) for c in range(channels)], axis=-1)
        return np.asarray(with_channels(photo, channels).permute(1, 2, 0).numpy(), dtype=np.float64)
    array = np.asarray(image)
    array = array[..., None] if array.ndim == 2 else array
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != channels:
        raise ImageError(
            f"the image is {array.dtype} of shape {array.shape}: expected uint8 (H, W, {channels}), or a PIL image."
        )
    return array.astype(np.float64)


def _draw(figure: Figure, height: float, sides: Sequence[Side], seen: Sequence[Array]) -> None:
    top = 2 * _ROW / height
    places = GridSpec(
        2, len(sides) + 1, figure, left=0.02, right=0.93, top=top - 0.3 / height, bottom=0.1 / height, wspace=0.05,
        hspace=0.15, width_ratios=[*(1 for _ in sides), 0.04],
    )  # fmt: skip
    errors = [np.abs(one - seen[0]).max(axis=0) for one in seen]
    highest = max(float(one.max()) for one in errors) or 1.0
    for column, (side, shown, error) in enumerate(zip(sides, seen, errors, strict=True)):
        outside = ((np.rint(shown) < 0) | (np.rint(shown) > 255)).any()
        title = f"{side.name}, clipped to 0..255" if outside else side.name
        figure_panel(figure, places[0, column], title).imshow(levels_as_rgb(shown), interpolation="nearest")
        if column:
            most = float(error.max())
            off = f"off by up to {in_levels(most, 3)}" if most >= _VISIBLE else "no difference"
            panel = figure_panel(figure, places[1, column], f"{side.name}: {off}")
            drawn = panel.imshow(error, interpolation="nearest", cmap="inferno", vmin=0, vmax=highest)
            if column == len(sides) - 1:
                bar = figure.colorbar(drawn, cax=figure.add_subplot(places[1, -1]))
                bar.ax.tick_params(labelsize=8)
