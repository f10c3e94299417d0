"""diffusers: the image processors of its autoencoders, 0..1 to -1..1."""

from __future__ import annotations

from typing import Any

from ..registry import Description, Leaf, Refusal, class_names


def describe(obj: Any) -> Description:
    if "VaeImageProcessor" not in class_names(obj, "diffusers"):
        return None
    if obj.config.do_binarize:
        return Refusal("with do_binarize, every value becomes 0 or 1")
    return Leaf((0.5,), (0.5,), apply=obj.normalize, entry="normalize") if obj.config.do_normalize else None
