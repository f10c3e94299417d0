"""A round trip to look at: original, recovered, where they differ, and what the inverse does to each channel."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from PIL import Image

from ..core.alone import alone
from ..core.text import channel_name
from ..diagnosis.verdict import Diagnosis
from ..errors import DenormError
from ..pipelines.calls import Caller
from .case import Case
from .round_trip import RoundTrip, comparable, levels_text, worst_text

__all__ = ["figure_panel", "levels_as_rgb", "own_style", "png_of", "round_trip_figure"]

Array = np.ndarray[Any, Any]

_DPI = 100
_WIDTH = 10.0  # inches, as all lengths below
_LINE, _IMAGES, _PLOTS = 0.19, 2.6, 3.9
_CHARACTERS = 140  # of the header, a line
_MOST_LINES = 8
_MOST_CHANNELS = 4
_MOST_POINTS = 6000
_COLORS = {"red": "#c62828", "green": "#2e7d32", "blue": "#1565c0", "grey": "#424242"}
_INK, _FAINT = "#222222", "#8a8a8a"


@dataclass(frozen=True)
class _Trip:
    """One image, there and back, in levels of 255; float64 (C, H, W)."""

    index: int
    original: Array
    recovered: Array

    @property
    def errors(self) -> Array:
        errors: Array = np.nan_to_num(np.abs(self.recovered - self.original), nan=np.inf, posinf=np.inf)
        return errors


def round_trip_figure(case: Case, outcome: RoundTrip) -> Figure:
    """One figure of a round trip. It is not known to pyplot, and looks the same whatever the style.

    Above: an image, what came back, and the largest error of each pixel's channels, in levels of 255. It is the last
    of the images that are beyond their tolerance; of the built-in ones that is the photograph, which says more than
    a test pattern. Below, for each channel: recovered against original with the line of the diagnosis, and the
    difference of the two above a band of what is allowed; of more than four channels those that are furthest off.

    Args:
        case: what was verified.
        outcome: of :func:`~pytest_denorm.checks.round_trip.round_trip`.

    Raises:
        InverseError: the inverse raises, or gives back something that is no image.
    """
    trips = list(_trips(case))
    try:
        diagnosis = case.diagnose()
    except DenormError:
        diagnosis = None
    header = _header(case, outcome, diagnosis)
    with own_style():
        height = _LINE * (len(header) + 1) + _IMAGES + _PLOTS
        figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, facecolor="white")
        FigureCanvasAgg(figure)
        for number, line in enumerate(header):
            figure.text(
                0.02, 1 - _LINE * (number + 1.1) / height, line, fontsize=9.5, color=_INK, parse_math=False,
                fontweight="bold" if number == 0 else "normal",
            )  # fmt: skip
        _draw_images(figure, height, _most_telling(trips, outcome), len(trips))
        _draw_channels(figure, height, trips, outcome, diagnosis)
    return figure


def png_of(figure: Figure) -> bytes:
    """`figure` as a PNG file, at 100 dots an inch, without metadata."""
    with own_style():
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
        pixels = np.array(canvas.buffer_rgba())[..., :3]
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


@contextmanager
def own_style() -> Iterator[None]:
    """matplotlib's defaults, for a moment: the user's style stays as it is."""
    with alone(), matplotlib.style.context("default"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+")  # names in a script that the font lacks
        yield


def _trips(case: Case) -> Iterator[_Trip]:
    forward, inverse = Caller(case.forward, "pipeline"), Caller(case.inverse, "inverse", case.way)
    white = case.normalization.pixel_max
    for index, image in enumerate(case.images):
        if image.numel():
            both = comparable(image, inverse(forward(image.clone())), case.units)
            yield _Trip(index, *(one.double().numpy() * 255 / white for one in both))


def _header(case: Case, outcome: RoundTrip, diagnosis: Diagnosis | None) -> list[str]:
    title = f"round trip {'passed' if outcome.ok else 'failed'}: inverse(normalize(x)) against x"
    found = case.normalization
    where, *_ = worst_text(outcome, case.channels).split("\n")
    details = [f"{found.source or 'Normalization'}: {found}"]
    if diagnosis is not None:
        details.append(str(diagnosis))
    details.append(f"worst pixel off by {where}; {levels_text(outcome)}")
    lines = [line for one in details for line in textwrap.wrap(" ".join(one.split()), _CHARACTERS)]
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], "…"]
    return [title, *lines]


def _most_telling(trips: Sequence[_Trip], outcome: RoundTrip) -> _Trip:
    bounds = np.array(outcome.tolerance.per_channel)[:, None, None] * 255 / outcome.tolerance.pixel_max
    wrong = [trip for trip in trips if (trip.errors > bounds).any()]
    return (wrong or trips)[-1]


def _draw_images(figure: Figure, height: float, trip: _Trip, count: int) -> None:
    top = 1 - (height - _IMAGES - _PLOTS) / height
    boxes = GridSpec(
        1, 4, figure, left=0.02, right=0.93, top=top - 0.3 / height, bottom=top - (_IMAGES - 0.1) / height,
        wspace=0.05, width_ratios=[1, 1, 1, 0.04],
    )  # fmt: skip
    outside = ((np.rint(trip.recovered) < 0) | (np.rint(trip.recovered) > 255)).any()
    named = f"original: image {trip.index}" if count > 1 else "original"
    left = figure_panel(figure, boxes[0, 0], named)
    left.imshow(levels_as_rgb(trip.original), interpolation="nearest")
    middle = figure_panel(figure, boxes[0, 1], "recovered, clipped to 0..255" if outside else "recovered")
    middle.imshow(levels_as_rgb(trip.recovered), interpolation="nearest")
    error = trip.errors.max(axis=0)
    finite = error[np.isfinite(error)]
    right = figure_panel(figure, boxes[0, 2], "largest error, in levels of 255")
    shades = matplotlib.colormaps["inferno"].with_extremes(bad="#00bcd4")
    highest = float(finite.max(initial=0.0)) or 1.0
    shown = right.imshow(
        np.where(np.isfinite(error), error, np.nan), interpolation="nearest", cmap=shades, vmin=0, vmax=highest
    )
    bar = figure.colorbar(shown, cax=figure.add_subplot(boxes[0, 3]))
    bar.ax.tick_params(labelsize=8)
    bar.ax.yaxis.get_offset_text().set_fontsize(7)
    bar.formatter.set_powerlimits((-3, 5))  # type: ignore[attr-defined, unused-ignore]
    if len(finite) < error.size:
        right.set_xlabel("blue-green: not a number", fontsize=8)


def figure_panel(figure: Figure, place: Any, title: str) -> Axes:
    axes: Axes = figure.add_subplot(place)
    axes.set_title(title, fontsize=9, color=_INK)
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def levels_as_rgb(levels: Array) -> Array:
    """(C, H, W) in levels as uint8 (H, W, 3): grey for one channel, the first three of more."""
    three = levels.repeat(3, axis=0) if len(levels) == 1 else levels[:3]
    blank = np.zeros((3 - len(three), *levels.shape[1:]))
    shown = np.concatenate([np.nan_to_num(three), blank])
    rgb: Array = np.rint(shown).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    return rgb


def _draw_channels(
    figure: Figure, height: float, trips: Sequence[_Trip], outcome: RoundTrip, diagnosis: Diagnosis | None
) -> None:
    count = len(outcome.channel_errors)
    furthest = sorted(range(count), key=lambda channel: -outcome.channel_errors[channel])
    chosen = sorted(furthest[:_MOST_CHANNELS])
    places = GridSpec(
        2, max(3, len(chosen)), figure, left=0.095, right=0.98, top=(_PLOTS - 0.3) / height, bottom=0.45 / height,
        hspace=0.2, wspace=0.26, height_ratios=[2, 1],
    )  # fmt: skip
    for column, channel in enumerate(chosen):
        original, recovered = _points(trips, channel)
        name = channel_name(channel, count)
        above = figure.add_subplot(places[0, column])
        below = figure.add_subplot(places[1, column], sharex=above)
        line = _line(outcome, diagnosis, channel) or _straight(original, recovered)
        _draw_channel(above, below, original, recovered, line, _COLORS.get(name, _COLORS["grey"]))
        _draw_tolerance(below, outcome.tolerance.per_channel[channel] * 255 / outcome.tolerance.pixel_max)
        above.set_title(f"{name}: {_words(line)}", fontsize=9, color=_INK)
        if column == 0:
            above.set_ylabel("recovered", fontsize=9)
            below.set_ylabel("recovered\n- original", fontsize=9)
            for axes in (above, below):
                axes.yaxis.set_label_coords(-0.21, 0.5)
            above.legend(fontsize=7.5, loc="upper left", frameon=False, markerscale=3)


def _points(trips: Sequence[_Trip], channel: int) -> tuple[Array, Array]:
    """Pixels of all images, evenly thinned out; what is not finite is left out."""
    original, recovered = (
        np.concatenate([getattr(trip, name)[channel].ravel() for trip in trips]) for name in ("original", "recovered")
    )
    step = -(-len(original) // _MOST_POINTS)
    original, recovered = original[::step], recovered[::step]
    finite = np.isfinite(recovered)
    return original[finite], recovered[finite]


def _line(outcome: RoundTrip, diagnosis: Diagnosis | None, channel: int) -> tuple[float, float] | None:
    """Gain and offset of a channel, in levels of 255."""
    if diagnosis is None or diagnosis.gain is None or diagnosis.offset is None:
        return None
    return diagnosis.gain[channel], diagnosis.offset[channel] * 255 / outcome.tolerance.pixel_max


def _straight(original: Array, recovered: Array) -> tuple[float, float] | None:
    """The line through all pixels, if they lie on one to within the rounding of bytes."""
    if len(np.unique(original)) < 3:
        return None
    gain, offset = np.polyfit(original, recovered, 1)
    residual = np.abs(gain * original + offset - recovered).max()
    return (float(gain), float(offset)) if residual <= 0.6 else None


def _words(line: tuple[float, float] | None) -> str:
    if line is None:
        return "no line fits"
    gain, offset = (0.0 if abs(one) < 5e-5 else one for one in line)
    return f"{gain:.4g} x {'+' if offset >= 0 else '-'} {abs(offset):.3g}"


def _draw_tolerance(axes: Axes, bound: float) -> None:
    """A band of what is allowed; and noise far below it is not blown up."""
    axes.axhspan(-bound, bound, color="#e3f2e3", zorder=0)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -2 * bound), max(high, 2 * bound))


def _draw_channel(
    above: Axes, below: Axes, original: Array, recovered: Array, line: tuple[float, float] | None, color: str
) -> None:
    ends = np.array([0.0, 255.0])
    dots: dict[str, Any] = {"linestyle": "none", "marker": ".", "markersize": 2.5, "markeredgewidth": 0}
    above.plot(ends, ends, color=_FAINT, linewidth=1, linestyle=(0, (4, 3)), label="ideal: x")
    above.plot(original, recovered, color=color, alpha=0.5, label="pixels", **dots)
    below.axhline(0, color=_FAINT, linewidth=1, linestyle=(0, (4, 3)))
    below.plot(original, recovered - original, color=color, alpha=0.5, **dots)
    if line is not None:
        gain, offset = line
        above.plot(ends, gain * ends + offset, color=_INK, linewidth=0.9, label="fitted line")
        below.plot(ends, (gain - 1) * ends + offset, color=_INK, linewidth=0.9)
    above.tick_params(labelbottom=False)
    below.set_xlabel("original", fontsize=9, labelpad=1)
    below.set_xticks([0, 64, 128, 192, 255])
    for axes in (above, below):
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(True, color="#ececec", linewidth=0.7)
        axes.set_axisbelow(True)
    below.ticklabel_format(axis="y", style="sci", scilimits=(-3, 5))
    below.yaxis.get_offset_text().set_fontsize(7)
