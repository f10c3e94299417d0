"""kornia: the augmentation (statistics in `flags`) and the module of `kornia.enhance`. Its sequences are torch's."""

from __future__ import annotations

from typing import Any

from ..registry import Description, Leaf, Parts, class_names


def describe(obj: Any) -> Description:
    names = class_names(obj, "kornia")
    for name in names:
        if name in ("Normalize", "Denormalize"):
            return _normalize(obj, inverted=name == "Denormalize")
    if "ImageSequential" in names and getattr(obj, "random_apply", False):
        return Parts.of("", dict(obj.named_children()), "choice")
    return None


def _normalize(op: Any, inverted: bool) -> Leaf:
    flags = getattr(op, "flags", None)
    mean, std = (flags["mean"], flags["std"]) if flags is not None else (op.mean, op.std)
    if inverted:  # x * std + mean = (x - (-mean / std)) / (1 / std)
        mean, std = _inverted(mean, std)
    probability = float(op.p) if flags is not None else 1.0
    entry = "apply_transform" if flags is not None else "forward"  # the first is not reached by a call that p skips
    return Leaf(mean, std, apply=op if probability == 1 else None, probability=probability, entry=entry)


def _inverted(mean: Any, std: Any) -> tuple[Any, Any]:
    import torch

    mean, std = (torch.as_tensor(value, dtype=torch.float64) for value in (mean, std))
    return -mean / std, 1 / std
