"""TorchIO: volumes, rescaled between given numbers or by statistics of their own."""

from __future__ import annotations

from typing import Any

from ..registry import Description, Leaf, Parts, Refusal, class_names


def describe(obj: Any) -> Description:
    for name in class_names(obj, "torchio"):
        if name == "ZNormalization":
            return Refusal("it takes mean and std of each volume")
        if name == "HistogramStandardization":
            return Refusal("it maps each volume's own histogram to landmarks")
        if name == "RescaleIntensity":
            return _rescale(obj)
        if name == "OneOf":
            return Parts.of("transforms_dict", list(obj.transforms_dict), "choice", float(obj.probability))
        if name == "Compose":
            return Parts.of("transforms", obj.transforms, probability=float(obj.probability))
    return None


def _rescale(op: Any) -> Leaf | Refusal:
    """``(x - in_min) / (in_max - in_min) * (out_max - out_min) + out_min``"""
    if op.in_min_max is None:
        return Refusal("in_min_max is not given, so that each volume's own extremes are taken")
    if tuple(op.percentiles) != (0, 100) or op.masking_method is not None:
        return Refusal("it clips each volume at percentiles of its own values")
    low, high = map(float, op.in_min_max)
    std = (high - low) / (op.out_max - op.out_min) if op.out_max != op.out_min else 0.0
    white = high if high > 0 else 1.0
    return Leaf(
        low - op.out_min * std,
        std,
        white,
        apply=lambda images: op.rescale(images, images == images, "images"),
        probability=float(op.probability),
        entry="rescale",
        rescales=True,
    )
