"""What is learned of a form while it is tried: where the image is in what comes back, and where its pixels are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.layout import axis_by_values
from .channel_counts import spread_over
from .flat_images import flat
from .forms import Form, Levels
from .outputs import Array, common_corner, pixel_places, plausibility
from .trace import Trace

__all__ = ["LOOKED_AT", "Trial", "judged"]

#: Pixels looked at in one output, and images looked into in one result.
LOOKED_AT = 4096
_LOOKED_INTO = 8


@dataclass(frozen=True)
class Trial:
    """A form in which calls pass, and what was learned while it was tried.

    Attributes:
        form: the form.
        channels, size: of the images that were given.
        index: of the image, among those in a result; -1 where there is none.
        axis: of its channels; None where there is one value a pixel.
        places: of the values of answering pixels in the flattened output, (pixels, channels out).
        shape: of the output.
        rank: the better, the more usual it is, the most important first: it answers to the image; it is not what was
            given; no statistics were spread over one channel; its range of values.
        width: from black to white, a channel out.
        spread: so many statistics were spread over one channel.
        padding: the color of the pixels that do not answer; None where all do.
        blank: what the pipeline raised on an image of one color, where it takes others.
    """

    form: Form
    channels: int
    size: tuple[int, int]
    index: int
    axis: int | None
    places: np.ndarray[Any, Any]
    shape: tuple[int, ...]
    rank: tuple[float, ...]
    width: Array
    spread: int | None
    padding: Array | None = None
    blank: str = ""

    @property
    def is_made_of_image(self) -> bool:
        """Whether what comes back answers to the image, and is not the image as it was given."""
        return min(self.rank[:2]) >= 1

    @property
    def is_usual(self) -> bool:
        """Whether the values that come back are of a usual range, in every respect."""
        return min(self.rank) >= 1


def judged(
    form: Form, channels: int, size: tuple[int, int], traces: Sequence[Trace], run: Callable[[Levels], Trace]
) -> Trial:
    """Return what is learned from the traces of a color, of black, and of white.

    Args:
        run: calls the pipeline once more, in the same form.
    """
    trials: list[Trial] = []
    for index in range(min(_LOOKED_INTO, *(len(one.images) for one in traces))):
        trials.append(_of_image(form, channels, size, index, traces, run))
        if min(trials[-1].rank[:2]) >= 1:
            break
    if not trials:
        nothing = np.empty((0, 0), dtype=int)
        return Trial(form, channels, size, -1, None, nothing, (), (0.0, 0.0, 1.0, 0.0), np.empty(0), None)
    return max(trials, key=lambda one: one.rank[:2])


def _of_image(
    form: Form,
    channels: int,
    size: tuple[int, int],
    index: int,
    traces: Sequence[Trace],
    run: Callable[[Levels], Trace],
) -> Trial:
    outputs = [pixels for one in traces if (pixels := one.pixels(index)) is not None]
    unchanged = all(one.unchanged(index) for one in traces)
    if len({output.shape for output in outputs}) != 1:
        outputs = [common_corner(output, outputs) for output in outputs]
    axis = axis_by_values(outputs[0], channels)
    pixels = pixel_places(outputs[0].shape, axis)
    distinct, black, white = (np.nan_to_num(output).ravel() for output in outputs)
    responsive = bool((black != white).any())
    if responsive and not np.ptp(distinct[pixels], axis=1).any():  # no axis tells the channels apart
        packed = _packed(channels, size, index, black, run)
        pixels = pixels if packed is None else packed
    answering = (black != white)[pixels].any(axis=1) if responsive else np.ones(len(pixels), dtype=bool)
    rest = pixels[~answering]
    padding = np.median(black[rest], axis=0) if len(rest) else None
    places = pixels[answering][:: max(1, int(answering.sum()) // LOOKED_AT)]
    ends = np.median(black[places], axis=0), np.median(white[places], axis=0)
    given = tuple(traces[0].given_shape)
    spread = spread_over(given, outputs[0], channels)
    if outputs[0].shape == (given[0], *given):  # as by statistics for videos (C, T, H, W)
        spread = given[0]
    rank = (float(responsive), float(not unchanged), float(spread is None), plausibility(*ends))
    width = ends[1] - ends[0]
    return Trial(form, channels, size, index, axis, places, outputs[0].shape, rank, width, spread, padding)


def _packed(
    channels: int, size: tuple[int, int], index: int, black: Array, run: Callable[[Levels], Trace]
) -> np.ndarray[Any, Any] | None:
    """Where each channel is, in an output that is cut into patches and flattened; None if they are mixed."""
    answers = []
    for channel in range(channels):
        pixels = run(flat([255 * (channel == one) for one in range(channels)], size)).pixels(index)
        if pixels is None or pixels.size != black.size:
            return None
        answers.append(np.nan_to_num(pixels).ravel() != black)
    if (np.sum(answers, axis=0) > 1).any() or not all(answer.any() for answer in answers):
        return None
    shortest = min(int(answer.sum()) for answer in answers)
    return np.stack([np.flatnonzero(answer)[:shortest] for answer in answers], axis=1)
