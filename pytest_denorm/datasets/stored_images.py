"""What a data set keeps in memory, and what it calls its files: known without asking it for an item."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from ..pipelines.pixels import Reading, block_of

__all__ = ["Stored", "image_name", "stored_images"]


class Stored(NamedTuple):
    """Images that are kept together: `pixels` (N, C, H, W) or (N, H, W, C), and which of them, in order."""

    pixels: Any
    indices: Sequence[int]


def stored_images(dataset: Any) -> Stored | None:
    """Return the images of a data set as one array or tensor, where it keeps them so and gives them unchanged.

    That is an array or tensor itself, a TensorDataset, a data set of torchvision without a transform, such as CIFAR10
    or MNIST (its ``data``, if the first image agrees with it), and a Subset of any of them. Reading many from there at
    once spares a tensor or a PIL image for each.
    """
    if type(dataset) is torch.utils.data.Subset:
        whole = stored_images(dataset.dataset)
        if whole is None or type(dataset.dataset) is not torch.utils.data.Subset:
            return whole and Stored(whole.pixels, dataset.indices)
        return Stored(whole.pixels, [whole.indices[index] for index in dataset.indices])
    if isinstance(dataset, (np.ndarray, torch.Tensor)):
        kept: Any = dataset
    elif isinstance(dataset, torch.utils.data.TensorDataset):
        own = type(dataset).__getitem__ is torch.utils.data.TensorDataset.__getitem__
        kept = dataset.tensors[0] if own and dataset.tensors else None
    else:
        kept = _stored_by_torchvision(dataset)
    if kept is None or kept.ndim != 4 or not len(kept):
        return None
    return Stored(kept, range(len(kept)))


def _stored_by_torchvision(dataset: Any) -> Any | None:
    own = getattr(type(dataset).__getitem__, "__module__", "").startswith("torchvision.datasets.")
    kept = getattr(dataset, "data", None)
    unchanged = own and getattr(dataset, "transforms", None) is None and getattr(dataset, "transform", None) is None
    if not (unchanged and isinstance(kept, (np.ndarray, torch.Tensor)) and 0 < len(kept) == len(dataset)):
        return None
    if kept.ndim == 3:  # MNIST's, without an axis for the one channel
        kept = kept[:, None]
    if kept.ndim != 4 or kept.dtype not in (np.uint8, torch.uint8):
        return None
    given, first = (block_of(image, Reading()).pixels for image in (dataset[0][0], kept[0]))
    return kept if np.array_equal(given, first) else None


def image_name(dataset: Any, index: int) -> str:
    """Return the file of image `index` where the data set keeps a list of them, as ImageFolder does; else ``""``."""
    indices, parts = getattr(dataset, "indices", None), getattr(dataset, "cumulative_sizes", None)
    if indices is not None and hasattr(dataset, "dataset"):  # torch.utils.data.Subset
        return image_name(dataset.dataset, int(indices[index]))
    if parts is not None and hasattr(dataset, "datasets"):  # torch.utils.data.ConcatDataset
        part = bisect_right(parts, index)
        return image_name(dataset.datasets[part], index - (parts[part - 1] if part else 0))
    for attribute in ("samples", "imgs", "image_files", "paths", "files", "images"):
        listed = getattr(dataset, attribute, None)
        if isinstance(listed, (list, tuple)) and index < len(listed):
            entry = listed[index][0] if isinstance(listed[index], tuple) else listed[index]
            if isinstance(entry, (str, os.PathLike)):
                return os.fspath(entry)
    return ""
