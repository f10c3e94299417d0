"""segmentation_models_pytorch: the partial of ``preprocess_input`` that ``get_preprocessing_fn`` returns."""

from __future__ import annotations

import functools
from typing import Any

from ..registry import Description, Leaf


def describe(obj: Any) -> Description:
    if not isinstance(obj, functools.partial) or obj.func.__name__ != "preprocess_input":
        return None
    mean, std = obj.keywords.get("mean"), obj.keywords.get("std")
    if mean is None and std is None:
        return None
    # bytes are divided by 255 first, if one of them is above 1 and the range says so
    input_range = obj.keywords.get("input_range")
    white = 1.0 if input_range is not None and input_range[1] == 1 else 255.0
    alone = functools.partial(obj, input_space="RGB")
    return Leaf(
        0.0 if mean is None else mean,
        1.0 if std is None else std,
        white,
        name="segmentation_models_pytorch.encoders.preprocess_input",
        apply=lambda images: _apply(alone, images),
        entry=None,
    )


def _apply(call: Any, images: Any) -> Any:
    import torch

    return torch.from_numpy(call(images.movedim(1, -1).numpy())).movedim(-1, 1)
