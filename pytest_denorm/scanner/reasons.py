"""What is wrong with a map or with statistics, told by the one table of rules."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..core.normalization import Normalization, unwarned
from ..diagnosis.conclude import explain_arrays
from ..diagnosis.relations import explain_statistics
from .records import Record

__all__ = ["as_normalization", "distance", "explain_inverse", "explain_record", "order_of"]

#: Levels of one channel of the images that are normalized and undone: not the whole range, which would hide min-max.
_LEVELS = np.arange(20, 231, 3)


def as_normalization(mean: Any, std: Any, white: float = 1.0) -> Normalization:
    """Statistics of a scan as those of the package, without its warnings."""
    return unwarned(tuple(mean), tuple(std), white)


def explain_record(record: Record) -> tuple[str, str, float] | None:
    """Kind, message and effect in levels of what is wrong with the numbers of a Normalize; None for nothing."""
    try:
        found = explain_statistics(as_normalization(record.mean, record.std, record.white))
    except Exception as error:
        from ..errors import DenormError

        if isinstance(error, DenormError):
            return None
        raise
    if found is None:
        return None
    return found.kind, found.message, found.effect / record.white * 255


def distance(first: Any, second: Any) -> float:
    """How many levels of 255 an image moves that one pair of mean and std normalizes and the other undoes.

    Both pairs are of images in 0..1.
    """
    mean, std = (np.asarray(one, dtype=float) for one in first)
    other_mean, other_std = (np.asarray(one, dtype=float) for one in second)
    try:
        moved = [np.abs((x - mean) / std * other_std + other_mean - x) for x in (0.0, 1.0)]
    except ValueError:
        return float("inf")
    return float(np.max(moved)) * 255


def explain_inverse(y: Any, z: Any, mean: Any, std: Any, output_max: float) -> tuple[str, str, float]:
    """Kind, message and greatest error in levels of an inverse that made `z` of `y`."""
    if np.asarray(z).dtype.kind in "iu":
        found = explain_arrays(y, z, mean=mean, std=std)
    else:
        found = explain_arrays(y, z, mean=mean, std=std, output_max=output_max)
    return found.kind, _plain(found.message), found.max_abs_error * 255


def explain_numbers(mean: Any, std: Any, own_mean: Any, own_std: Any) -> tuple[str, str, float]:
    """The same of an inverse of which just the numbers are known."""
    count = max(np.size(mean), np.size(own_mean))
    mean, std, own_mean, own_std = (
        np.broadcast_to(np.asarray(one, float), count) for one in (mean, std, own_mean, own_std)
    )
    x = np.stack([np.roll(_LEVELS, 7 * channel) for channel in range(count)], axis=1) / 255
    y = (x - mean) / std
    return explain_inverse(y, y * own_std + own_mean, mean, std, 1.0)


def _plain(message: str) -> str:
    return re.sub(r"\s+", " ", message).strip()


def order_of(mean: Any) -> str:
    """``rgb`` or ``bgr`` of a preset's means that tell; "" where they do not."""
    values = [float(one) for one in mean]
    if len(values) != 3:
        return ""
    known = (
        (0.485, 0.456, 0.406),
        (0.48145466, 0.4578275, 0.40821073),
        (0.4914, 0.4822, 0.4465),
        (0.5071, 0.4867, 0.4408),
    )
    for preset in known:
        if np.allclose(values, preset, atol=0.002):
            return "rgb"
        if np.allclose(values[::-1], preset, atol=0.002):
            return "bgr"
    caffe = (0.4816, 0.4580, 0.4076)  # 122.8 116.8 103.9, of VGG
    if np.allclose(values, caffe, atol=0.004):
        return "rgb"
    return "bgr" if np.allclose(values[::-1], caffe, atol=0.004) else ""
