"""Mean and std among what an object of no known library keeps."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

from ..core.alone import alone
from ..core.normalization import Normalization
from ..errors import StatisticsError

__all__ = ["Kept", "kept_statistics", "may_normalize_again", "of_bytes"]

Kept = tuple[str, str, Normalization]

#: More are no statistics of images.
_MOST_CHANNELS = 64
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
                warnings.simplefilter("ignore")  # which images they are for is not known yet
                found = Normalization(mean, std)
        except (StatisticsError, TypeError, RuntimeError):  # something else, or a tensor without values
            continue
        if found.channels <= _MOST_CHANNELS:
            return *names, found
    return None


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


def of_bytes(found: Normalization) -> bool:
    """Whether numbers can only be statistics of bytes."""
    return max(*found.mean, *found.std) > 2
