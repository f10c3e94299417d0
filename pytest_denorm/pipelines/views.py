"""Several images that a pipeline makes of one, as crops are: has each of them met the Normalize?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import PipelineError
from .channel_counts import first_of
from .flat_images import in_channels
from .located import Located
from .runner import Runner
from .splits import BEYOND, makes_black_negative
from .trace import Trace

__all__ = ["Views", "views"]


class Views(NamedTuple):
    """Images that came of a black one.

    Attributes:
        normalized: so many have values below 0, as Normalize gives them.
        raw: so many are black as they entered.
        listed: they are in a list, as views of one image are; what is not alike is in a tuple or under names.
    """

    normalized: int
    raw: int
    listed: bool


def views(located: Located) -> Views | None:
    """Return what a pipeline makes of a black image; None where it is not called, or black tells nothing of Normalize.

    Images of integers, of another number of channels or of other values are none of its views.
    """
    normalization = located.normalization
    if located.call is None or not makes_black_negative(normalization):
        return None
    runner = Runner(located.call, located, first_of(normalization.channels))
    try:
        trace = runner.run(runner.flat(in_channels((0,), runner.trial.channels)))
    except PipelineError:
        return None
    found = _judged(trace, normalization.channels)
    return found if found.normalized else None


def _judged(trace: Trace, channels: int) -> Views:
    normalized = raw = 0
    for index in range(len(trace.images)):
        pixels = trace.pixels(index)
        if pixels is None or pixels.ndim < 3 or channels not in (pixels.shape[-3], pixels.shape[-1]):
            continue
        if "float" not in trace.dtype(index):
            continue
        normalized += bool(pixels.min() < -BEYOND)
        raw += bool(np.abs(pixels).max() <= BEYOND)
    result = trace.result[0] if isinstance(trace.result, tuple) and trace.result else trace.result
    return Views(normalized, raw, isinstance(result, list))
