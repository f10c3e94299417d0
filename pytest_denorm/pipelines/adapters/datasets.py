"""Hugging Face data sets: the transform that ``with_transform`` or ``set_transform`` attached."""

from __future__ import annotations

from typing import Any

from ..registry import Description, Parts, class_names


def describe(obj: Any) -> Description:
    if "Dataset" not in class_names(obj, "datasets"):
        return None
    transform = obj.format["format_kwargs"].get("transform")
    return Parts(((".format['format_kwargs']['transform']", transform),) if transform is not None else ())
