"""transformers: image processors, which rescale bytes and then normalize, and processors that hold one."""

from __future__ import annotations

from typing import Any

from ..registry import Description, Leaf, Parts, Refusal, class_names

_OWN_STATISTICS = {
    name + backend: "it takes mean and std of each picture"
    for name in ("Pix2StructImageProcessor", "Kosmos2_5ImageProcessor")
    for backend in ("", "Pil", "Fast")
}


def describe(obj: Any) -> Description:
    names = class_names(obj, "transformers")
    if "ProcessorMixin" in names:
        held = [name for name in ("image_processor", "video_processor") if getattr(obj, name, None) is not None]
        return Parts(tuple((f".{name}", getattr(obj, name)) for name in held), "views")
    if "ImageProcessingMixin" not in names and "FeatureExtractionMixin" not in names:
        return None
    refused = next((_OWN_STATISTICS[name] for name in names if name in _OWN_STATISTICS), None)
    return Refusal(refused) if refused else _image_processor(obj)


def _image_processor(processor: Any) -> Leaf | None:
    mean, std = getattr(processor, "image_mean", None), getattr(processor, "image_std", None)
    if not getattr(processor, "do_normalize", False) or mean is None or std is None:
        return None
    # do_rescale=False is for pictures that are in 0..1 already
    white = 255.0 * float(processor.rescale_factor) if getattr(processor, "do_rescale", False) else 1.0
    return Leaf(mean, std, white, entry=None)
