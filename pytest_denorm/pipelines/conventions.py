"""The images in what a pipeline returned."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

__all__ = ["KEYS", "as_array", "pictures_in"]

#: Names under which libraries keep the picture, the surest first.
KEYS = ("pixel_values", "image", "images", "img", "inputs", "input", "x")


def pictures_in(result: Any) -> list[Any]:
    """The pictures in what a pipeline returned, the surest first."""
    array = as_array(result)
    if array is not None:
        return [result] if array.ndim >= 2 and array.dtype.kind in "fiub" and array.size else []
    if hasattr(result, "keys") and hasattr(result, "__getitem__"):  # dict, BatchFeature, Subject
        members: list[Any] = [result[key] for key in sorted(result.keys(), key=_rank)]
    elif isinstance(result, (list, tuple)):
        members = list(result)
    elif hasattr(result, "data") and hasattr(type(result), "data"):  # torchio's images
        members = [result.data]
    else:  # detection's lists of images keep one batch
        members = [one for one in getattr(result, "__dict__", {}).values() if isinstance(one, torch.Tensor)]
    return [picture for member in members for picture in pictures_in(member)]


def _rank(key: Any) -> int:
    return KEYS.index(key) if key in KEYS else len(KEYS)


def as_array(picture: Any) -> np.ndarray[Any, Any] | None:
    """A PIL picture, a tensor or an array as an array; None of anything else."""
    if isinstance(picture, torch.Tensor):
        plain = picture.detach().as_subclass(torch.Tensor).cpu()
        return (plain.float() if plain.dtype in (torch.bfloat16, torch.float16) else plain).numpy()
    if isinstance(picture, np.ndarray):
        return picture
    if type(picture).__module__.startswith("PIL."):
        return np.asarray(picture)
    return None
