"""transformers: image processors, which rescale bytes and then normalize, and processors that hold one."""

from __future__ import annotations

from typing import Any

from ...core.normalization import as_floats
from ..registry import Description, Leaf, Parts, Refusal, class_names

#: No white is so low: images are scaled more than once, and the statistics are for 0..1.
_DARKEST = 0.1
_OWN_STATISTICS = {
    name + backend: "it takes mean and std of each image"
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


def _image_processor(processor: Any) -> Leaf | Refusal | None:
    if getattr(processor, "do_color_quantize", False):
        return Refusal("with do_color_quantize, every pixel becomes the number of the color nearest to it")
    mean, std = getattr(processor, "image_mean", None), getattr(processor, "image_std", None)
    if not getattr(processor, "do_normalize", False) or mean is None or std is None:
        return None
    if not getattr(processor, "do_rescale", False):  # that is for images which are in 0..1 already
        return Leaf(mean, std, entry=None)
    if any(getattr(processor, name, False) for name in ("offset", "rescale_offset")):
        mean = [value + 1 for value in as_floats(mean, "image_mean")]  # rescaling ends with - 1
    white = 255.0 * float(processor.rescale_factor)
    return Leaf(mean, std, white if white > _DARKEST else 1.0, entry=None)
