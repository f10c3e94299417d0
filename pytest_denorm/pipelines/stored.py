"""Mean and std that an object of no known library keeps, believed where it is seen to normalize with them."""

from __future__ import annotations

import functools
import inspect
import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..core.alone import alone
from ..core.normalization import Normalization
from ..errors import DenormError, StatisticsError
from .registry import Leaf

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Kept", "kept_statistics", "leaf_by_colours", "leaf_of", "may_normalize_again", "of_bytes"]

Kept = tuple[str, str, Normalization]

#: More are no statistics of pictures.
_MOST_CHANNELS = 64
#: Calls that tell what chance does to every picture.
_FEW_DRAWS = 10
#: What mean and std are called by those who keep both.
_PREFIXES = ("", "image_", "pixel_", "img_", "norm_", "_")


def kept_statistics(attributes: Mapping[Any, Any]) -> Kept | None:
    """Names and values of a mean and a std among what an object keeps, or None.

    Args:
        attributes: what is stored in it and in its classes, a module's buffers and parameters included.
    """
    for prefix in _PREFIXES:
        names = f"{prefix}mean", f"{prefix}std"
        mean, std = (attributes.get(name) for name in names)
        if mean is None or std is None or callable(mean) or callable(std):
            continue
        try:
            with alone(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # which pictures they are for is not known yet
                found = Normalization(mean, std)
        except (StatisticsError, TypeError, RuntimeError):  # something else, or a tensor without values
            continue
        if found.channels <= _MOST_CHANNELS:
            return *names, found
    return None


def leaf_of(obj: Any, found: Normalization) -> Leaf | None:
    """A Normalize, if that is what `obj` does to a picture with the statistics that it keeps; else None.

    It is called with a small picture, in one form after another, until a result is ``(x - mean) / std``. The calls go
    to a copy of it, with the random states kept.
    """
    import torch

    from .conventions import CONVENTIONS
    from .probing import independent, one_thread
    from .randomness import states_kept

    call = independent(obj)
    levels = _levels(3 if found.channels == 1 else found.channels)
    with states_kept(), one_thread(), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        for convention in CONVENTIONS:
            try:
                outcome = convention.run(call, levels)
            except Exception:  # not the way it is called
                continue
            for white in (1.0, 255.0):
                expected = (levels / 255 * white - found.mean) / found.std
                if any(_is(picture, expected) for picture in outcome.pictures):
                    return _leaf(obj, found, white, white_given=255.0 if outcome.given.dtype.kind == "u" else 1.0)
    return None


def leaf_by_colours(obj: Any, found: Normalization) -> Leaf | None:
    """As :func:`leaf_of`, of what resizes or crops too: it is measured. None of a network, which may take long."""
    from .probing import is_network, probe

    if is_network(obj):
        return None
    try:
        measured = probe(obj, draws=_FEW_DRAWS)
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
    import torch

    entry: str | None = "forward" if isinstance(obj, torch.nn.Module) else "__call__"
    if white != white_given or inspect.ismethod(obj):
        entry = None  # it rescales too
    if white_given == 1 and of_bytes(found):  # it takes pictures of any range
        white = 255.0
    if white_given == white == 255 and _of_unit(found):  # likewise
        white = 1.0
    return Leaf(found.mean, found.std, white, entry=entry)


def may_normalize_again(owner: Any, attributes: Mapping[Any, Any], kept: Normalization, used: Normalization) -> bool:
    """Whether a loader keeps statistics to use them, beside those that are used already.

    Prefetchers keep them in the shape in which batches take them; the same numbers, or lists, are a note.
    """
    is_loader = hasattr(type(owner), "__iter__") and not hasattr(type(owner), "__getitem__")
    if not is_loader or all(getattr(value, "ndim", 0) < 3 for value in attributes.values()):
        return False
    if kept.channels != used.channels:
        return True
    both = zip(kept.mean + kept.std, used.mean + used.std, strict=True)
    return not all(math.isclose(one, other, rel_tol=1e-3, abs_tol=1e-6) for one, other in both)


def _of_unit(found: Normalization) -> bool:
    """Whether numbers can only be statistics of pictures in 0..1."""
    return 0 < max(found.mean) <= 1 and max(found.std) < 1


def of_bytes(found: Normalization) -> bool:
    """Whether numbers can only be statistics of bytes."""
    return max(*found.mean, *found.std) > 2


def _levels(channels: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A small picture (H, W, C) of every level, with no two sides alike."""
    import numpy as np

    return np.random.default_rng(0).integers(0, 256, (18, 22, channels), dtype=np.uint8)


def _is(picture: Any, expected: np.ndarray[Any, Any]) -> bool:
    """Whether `picture`, channels first or last, alone or in a batch, is `expected` (H, W, C)."""
    import numpy as np
    import torch

    left = picture.detach().cpu().double().numpy() if isinstance(picture, torch.Tensor) else np.asarray(picture, float)
    if left.ndim < 3:
        return False
    height, width, channels = expected.shape
    close = functools.partial(np.allclose, rtol=1e-4, atol=1e-4 * float(np.abs(expected).max()))
    first, last = left[..., :height, :width], left[..., :height, :width, :]  # beyond that it may be padded
    return (first.shape[-3:] == (channels, height, width) and close(first, expected.transpose(2, 0, 1))) or (
        last.shape[-3:] == expected.shape and close(last, expected)
    )
