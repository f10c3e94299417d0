"""White in the images that enter a Normalize which cannot say for which images its statistics are."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..core.alone import alone
from ..core.normalization import Normalization
from ..core.white import BRIGHT, BYTES, is_float, white_of_values
from ..errors import PipelineError, PipelineRaisedError
from .located import Located
from .reader import images_in
from .runner import Runner, item_traces
from .structure import is_dataset
from .trace import Trace

__all__ = ["in_units_seen"]

#: How far resized bytes go beyond white, bicubic and in floats; and how near to white shifted ones come: 255 << 8.
_OVERSHOT, _NEARLY = 1.25, 0.99
#: So many items of a data set are looked at: a single one may be dark.
_FEW_ITEMS = 4


def in_units_given(located: Located, images: Any) -> Located:
    """Return a Normalize whose white is taken to be 1, with white where floats that are given to enter it have it."""
    given = images if isinstance(images, (tuple, list)) else [images]
    floats = [one for one in images_in(given) if is_float(getattr(one, "dtype", "")) and one.size > 0]
    white = white_of_values(max((float(one.max()) for one in floats), default=0.0))
    if white is None or located.normalization.pixel_max != 1:
        return located
    return replace(located, normalization=replace(located.normalization, pixel_max=white))


def in_units_seen(pipeline: Any, located: Located) -> Located:
    """Return a Normalize whose white is taken to be 1, with white where the images that are seen to enter it have it.

    A pipeline that takes floats and bytes alike is meant for those that its statistics fit: so this is for statistics
    that are not of images in 0..1. Seen are images of its own, if it is a data set, and else a white one.
    """
    if located.normalization.pixel_max != 1 or located.op is pipeline:
        return located
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        highest = _highest(_own(pipeline, located)) if is_dataset(pipeline) else 0.0
        if highest > BRIGHT:
            white = _white_of_own(highest, located.normalization)
        else:
            white = _white_of_form(_highest(_of_white(located)))
    if white is None:
        return located
    return replace(located, normalization=replace(located.normalization, pixel_max=white))


def _white_of_own(highest: float, normalization: Normalization) -> float | None:
    """Of a data set whose first images go so high: others may be brighter, and the statistics say how bright."""
    most = max(mean + std for mean, std in zip(normalization.mean, normalization.std, strict=True))
    if most <= BYTES and highest <= _OVERSHOT * BYTES:
        return BYTES
    return white_of_values(max(highest, most) if highest > BYTES + 1 else highest)


def _white_of_form(highest: float) -> float | None:
    """Of an image that is black and white in part: what goes beyond bytes reaches white, but for the last bits."""
    white = white_of_values(highest)
    return white if white == BYTES or (white is not None and highest > _NEARLY * white) else None


def _highest(traces: Iterator[Trace]) -> float:
    """Of the floats that entered, and of the whole numbers that were not refused; 0 where there are none."""
    passed = ((one, trace.record) for trace in traces for one in images_in(trace.entered) if hasattr(one, "dtype"))
    return max((float(one.max()) for one, left in passed if left or is_float(one.dtype)), default=0.0)


def _own(source: Any, located: Located) -> Iterator[Trace]:
    """What happens to the first items of a data set, where items can be asked for by index: none is used up."""
    try:
        yield from item_traces(source, located, _FEW_ITEMS, by_index=True)
    except PipelineError:  # it cannot be watched
        return


def _of_white(located: Located) -> Iterator[Trace]:
    """What happens to a white image."""
    if not callable(located.call):
        return
    channels = located.normalization.channels
    runner = Runner(located.call, located, (3 if channels == 1 else channels,), stops=True)
    if not runner.is_watched:
        return
    try:
        yield runner.run(runner.flat((255,) * runner.trial.channels))
    except PipelineRaisedError as error:
        yield error.trace
    except PipelineError:  # it takes no image
        return
