"""MONAI: intensities are normalized by given numbers, or by those of each image."""

from __future__ import annotations

from typing import Any

from ...core.normalization import as_floats
from ..registry import Description, Leaf, Parts, Refusal, class_names


def describe(obj: Any) -> Description:
    for name in class_names(obj, "monai"):
        if name == "NormalizeIntensity":
            return _normalize(obj)
        if name == "ScaleIntensityRange":
            return _range(obj)
        if name in _OWN_STATISTICS:
            return Refusal(_OWN_STATISTICS[name])
        if name in _WRAPPED:  # the form for dictionaries holds the one for images
            return Parts(((f".{_WRAPPED[name]}", getattr(obj, _WRAPPED[name])),))
        if name in ("OneOf", "SomeOf"):
            return Parts.of("transforms", obj.transforms, "choice")
        if name == "Compose":  # RandomOrder too
            return Parts.of("transforms", obj.transforms)
    return None


_WRAPPED = {
    "NormalizeIntensityd": "normalizer",
    "ScaleIntensityRanged": "scaler",
    "ScaleIntensityd": "scaler",
    "ScaleIntensityRangePercentilesd": "scaler",
}
_OWN_STATISTICS = {
    "ScaleIntensity": "it stretches each image from its own smallest to its own largest value",
    "ScaleIntensityRangePercentiles": "it stretches each image between percentiles of its own",
}


def _normalize(op: Any) -> Leaf | Refusal:
    missing = [name for name in ("subtrahend", "divisor") if getattr(op, name) is None]
    if missing:
        return Refusal(f"no {' and no '.join(missing)} is given, so that each image's own is taken")
    if op.nonzero:
        return Refusal("with nonzero=True, zeros stay what they are, and cannot be told from values that became zero")
    # images are read without being rescaled: such numbers can only be those of bytes
    largest = max(as_floats(op.subtrahend, "subtrahend") + as_floats(op.divisor, "divisor"))
    white = 255.0 if largest > 2 else 1.0
    return Leaf(op.subtrahend, op.divisor, white, apply=lambda images: _each(op, images))


def _range(op: Any) -> Leaf | Refusal:
    """``(x - a_min) / (a_max - a_min) * (b_max - b_min) + b_min``"""
    if op.clip and op.a_min != 0:
        return Refusal(f"with clip=True, values outside {op.a_min:g}..{op.a_max:g} become one")
    low, high = (0.0, 1.0) if op.b_min is None or op.b_max is None else (float(op.b_min), float(op.b_max))
    std = (op.a_max - op.a_min) / (high - low) if high != low else 0.0
    white = float(op.a_max) if op.a_max > 0 else 1.0
    return Leaf(op.a_min - low * std, std, white, apply=lambda images: _each(op, images), rescales=True)


def _each(op: Any, images: Any) -> Any:
    import torch

    return torch.stack([torch.as_tensor(op(image.clone())).as_subclass(torch.Tensor) for image in images])
