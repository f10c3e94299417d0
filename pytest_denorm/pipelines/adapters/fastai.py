"""fastai: Normalize works on batches of its own type of tensor, and leaves any other as it is."""

from __future__ import annotations

import sys
from typing import Any

from ..registry import Description, Leaf, Parts, class_names


def describe(obj: Any) -> Description:
    names = class_names(obj, "fastai")
    if "Normalize" in names:
        return Leaf(obj.mean, obj.std, apply=lambda pictures: _apply(obj, pictures), entry=None)
    if "DataLoaders" in names:
        return Parts.of("loaders", obj.loaders, "views")
    if "TfmdDL" in names:  # what it does to each item, and then to the batch
        held = [(f".{name}", getattr(obj, name, None)) for name in ("dataset", "after_item", "after_batch")]
        return Parts(tuple((label, part) for label, part in held if part is not None))
    return None


def _apply(op: Any, pictures: Any) -> Any:
    import torch

    images = sys.modules["fastai.torch_core"].TensorImage
    return op(images(pictures)).as_subclass(torch.Tensor)
