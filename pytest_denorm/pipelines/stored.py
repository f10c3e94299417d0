"""Whether an object of no known library normalizes with the mean and std that it keeps: it is called to see."""

from __future__ import annotations

import functools
import inspect
import warnings
from typing import Any

import numpy as np
import torch

from ..core.alone import alone
from ..core.normalization import Normalization
from ..errors import DenormError, PipelineError
from .flat_images import levels_of_noise
from .kept import of_bytes
from .probe import FEW_DRAWS, measure
from .registry import Leaf
from .runner import Runner, is_network
from .trace import as_array

__all__ = ["leaf_of"]

#: Height and width of a small image; no two axes are alike.
_SMALL = (18, 22)


def leaf_of(obj: Any, found: Normalization, *, resizes: bool = False) -> Leaf | None:
    """Return a Normalize, if that is what `obj` does to an image with the statistics that it keeps; else None.

    Args:
        obj: what is called.
        found: the statistics.
        resizes: it may do other things, too: its colors are measured. None of a network, which may take long.
    """
    return _by_colors(obj, found) if resizes else _by_pixels(obj, found)


def _by_pixels(obj: Any, found: Normalization) -> Leaf | None:
    counts = (3 if found.channels == 1 else found.channels,)
    runner = Runner(obj, counts=counts, size=_SMALL)
    try:
        trial = runner.trial
    except PipelineError:
        return None
    levels = levels_of_noise(trial.channels, trial.size)
    trace = runner.run(levels)
    for white in (1.0, 255.0):
        expected = (levels / 255 * white - found.mean) / found.std
        if any(_is(image, expected) for image in trace.images):
            given = as_array(trace.given)
            is_bytes = given is not None and given.dtype.kind == "u"
            return _leaf(obj, found, white, white_given=255.0 if is_bytes else 1.0)
    return None


def _by_colors(obj: Any, found: Normalization) -> Leaf | None:
    if is_network(obj):
        return None
    try:
        measured = measure(Runner(obj, others=True), FEW_DRAWS)
    except DenormError:
        return None
    if measured.problems or found.channels not in (1, len(measured.matrix)):
        return None
    for white in (1.0, 255.0):
        with alone(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kept = Normalization(found.mean, found.std, white)
        if measured.difference(kept) <= max(measured.tolerance, measured.residual):
            return Leaf(found.mean, found.std, white, entry=None)
    return None


def _leaf(obj: Any, found: Normalization, white: float, white_given: float) -> Leaf:
    """`white` is the value for which the statistics were seen to be right, `white_given` the one that was given."""
    entry: str | None = "forward" if isinstance(obj, torch.nn.Module) else "__call__"
    if white != white_given or inspect.ismethod(obj):
        entry = None  # it rescales too
    if white_given == 1 and of_bytes(found):  # it takes images of any range
        white = 255.0
    if white_given == white == 255 and _of_unit(found):  # likewise
        white = 1.0
    return Leaf(found.mean, found.std, white, entry=entry)


def _of_unit(found: Normalization) -> bool:
    """Whether numbers can only be statistics of images in 0..1."""
    return 0 < max(found.mean) <= 1 and max(found.std) < 1


def _is(image: Any, expected: np.ndarray[Any, Any]) -> bool:
    """Whether `image`, channels first or last, alone or in a batch, is `expected` (H, W, C)."""
    left = as_array(image)
    if left is None or left.ndim < 3:
        return False
    height, width, channels = expected.shape
    close = functools.partial(np.allclose, rtol=1e-4, atol=1e-4 * float(np.abs(expected).max()))
    first, last = left[..., :height, :width], left[..., :height, :width, :]  # beyond that it may be padded
    return (first.shape[-3:] == (channels, height, width) and close(first, expected.transpose(2, 0, 1))) or (
        last.shape[-3:] == expected.shape and close(last, expected)
    )
