"""albumentations: Normalize in its five modes, the compositions. Images are arrays (H, W, C)."""

from __future__ import annotations

from typing import Any

from ..registry import Description, Leaf, Parts, Refusal, class_names

_OWN_STATISTICS = {
    "image": "mode 'image' takes mean and std of each image, and clips",
    "image_per_channel": "mode 'image_per_channel' takes mean and std of each channel of each image, and clips",
    "min_max": "mode 'min_max' stretches each image from its own smallest to its own largest value",
    "min_max_per_channel": "mode 'min_max_per_channel' stretches each channel of each image to its own extremes",
}


def describe(obj: Any) -> Description:
    for name in class_names(obj, "albumentations"):
        if name == "Normalize":
            return _normalize(obj)
        if name == "SelectiveChannelTransform":
            return None
        if name == "OneOf" or (name == "SomeOf" and obj.n < len(obj.transforms)):
            return Parts.of("transforms", obj.transforms, "choice", float(obj.p))
        if name == "BaseCompose":
            return Parts.of("transforms", obj.transforms, probability=float(obj.p))
    return None


def _normalize(op: Any) -> Leaf | Refusal:
    mode = getattr(op, "normalization", "standard")  # older versions have no modes
    if mode != "standard":
        return Refusal(_OWN_STATISTICS.get(mode, f"mode {mode!r} is not known to be an affine map"))
    white = float(op.max_pixel_value)
    mean, std = ([white * float(value) for value in _listed(values)] for values in (op.mean, op.std))
    return Leaf(
        mean,
        std,
        white,
        apply=lambda images: _apply(op, images),
        probability=float(op.p),
        entry="apply_with_params",
    )


def _listed(values: Any) -> Any:
    return values if hasattr(values, "__len__") else [values]


def _apply(op: Any, images: Any) -> Any:
    import torch

    arrays = [op.apply(image.movedim(0, -1).contiguous().numpy()) for image in images]
    return torch.stack([torch.from_numpy(array).movedim(-1, 0) for array in arrays])
