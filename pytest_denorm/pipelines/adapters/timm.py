"""timm: ``create_transform`` builds torchvision's Compose; a prefetching loader normalizes the batches itself."""

from __future__ import annotations

from typing import Any

from ...core.normalization import Normalization
from ..registry import Description, Parts, class_names


def describe(obj: Any) -> Description:
    if "PrefetchLoader" not in class_names(obj, "timm"):
        return None
    # its tensors are the statistics times 255, for batches of bytes
    normalization = Normalization(obj.mean, obj.std, 255.0, source="timm.data.loader.PrefetchLoader")
    return Parts(((".loader", obj.loader), (".mean and .std", normalization)))
