"""torchvision: both generations of transforms, the presets of its weights, its data sets."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

from ..registry import Description, Leaf, Parts, class_names


def describe(obj: Any) -> Description:
    if isinstance(obj, functools.partial):
        return _partial(obj)
    for cls in type(obj).__mro__:
        if cls.__module__.startswith("torchvision."):
            describer = _CLASSES.get(cls.__name__)
            if describer is None and cls.__module__ == "torchvision.transforms._presets" and hasattr(obj, "mean"):
                describer = _preset
            if describer is not None:
                return describer(obj)
    return None


def _normalize(op: Any) -> Leaf:
    # the method of the second generation that gets one image at a time; called _transform before torchvision 0.20
    entry = next((name for name in ("transform", "_transform") if hasattr(op, name)), "forward")
    return Leaf(op.mean, op.std, apply=op, entry=entry, is_image=_is_image)


def said_to_be_image(thing: Any) -> bool | None:
    """Whether a tensor of torchvision's own classes is an image, by its class; None of anything else."""
    names = class_names(thing, "torchvision")
    return not {"Image", "Video"}.isdisjoint(names) if "TVTensor" in names else None


def _is_image(thing: Any) -> bool:
    """Transforms of the second generation are called with boxes and masks too, and leave them as they are."""
    return said_to_be_image(thing) is not False


def _partial(call: functools.partial[Any]) -> Description:
    """``partial(F.normalize, mean=..., std=...)``"""
    if getattr(call.func, "__name__", "") not in ("normalize", "normalize_image"):
        return None
    mean, std = call.keywords.get("mean"), call.keywords.get("std")
    if mean is None or std is None:
        return None
    return Leaf(
        mean, std, name=f"functools.partial of {call.func.__module__}.{call.func.__name__}", apply=call, entry=None
    )


def _preset(op: Any) -> Leaf:
    """What ``weights.transforms()`` returns: resizing, cropping and Normalize in one module."""
    is_video = type(op).__name__ == "VideoClassification"

    def apply(images: Any) -> Any:
        # the same module, told that resizing and cropping have nothing to do
        alone = copy.copy(op)
        height, width = images.shape[-2:]
        if is_video:
            alone.resize_size = alone.crop_size = [height, width]
            return alone(images).transpose(0, 1)
        if getattr(op, "crop_size", None) is not None:
            alone.crop_size = [height, width]
        if op.resize_size is not None:
            alone.resize_size = [min(height, width)]
        return alone(images)

    return Leaf(op.mean, op.std, channel_axis=-4 if is_video else None, apply=apply, entry=None)


def _weights(member: Any) -> Parts:
    """A member of a weights enum, for what its ``transforms()`` makes."""
    return Parts(((".transforms()", member.transforms()),))


def _detection(op: Any) -> Leaf:
    """The transform within detection models, which normalizes, resizes and batches a list of images."""
    return Leaf(
        op.image_mean,
        op.image_std,
        apply=op.normalize,
        entry="normalize",
    )


def _optical_flow(op: Any) -> Leaf:
    """Its statistics are written in its code (torchvision.transforms._presets); it takes two images."""
    half = (0.5, 0.5, 0.5)
    return Leaf(half, half, apply=lambda images: op(images, images)[0], entry=None)


def _sequence(op: Any) -> Parts:
    return Parts.of("transforms", op.transforms)


def _random_apply(op: Any) -> Parts:
    return Parts.of("transforms", op.transforms, probability=float(op.p))


def _random_choice(op: Any) -> Parts:
    return Parts.of("transforms", op.transforms, "choice")


def _lambda(op: Any) -> Parts:
    function = getattr(op, "lambd", None)
    return Parts(((".lambd", op.lambd),) if function is not None else ())


def _standard_transform(op: Any) -> Parts:
    return Parts(((".transform", op.transform),) if op.transform is not None else ())


def _vision_dataset(dataset: Any) -> Parts | None:
    if not type(dataset).__module__.startswith("torchvision."):
        return None  # a subclass may keep more, and use that: all that it holds is looked at
    for name in ("transform", "transforms"):  # the second holds the first, when both are there
        transform = vars(dataset).get(name)
        if transform is not None:
            return Parts(((f".{name}", transform),))
    return None


_CLASSES: dict[str, Callable[[Any], Description]] = {
    "Normalize": _normalize,
    "OpticalFlow": _optical_flow,
    "GeneralizedRCNNTransform": _detection,
    "WeightsEnum": _weights,
    "Compose": _sequence,
    "RandomOrder": _sequence,
    "RandomApply": _random_apply,
    "RandomChoice": _random_choice,
    "Lambda": _lambda,
    "StandardTransform": _standard_transform,
    "VisionDataset": _vision_dataset,
    "VisionDatasetTVTensorWrapper": _vision_dataset,  # it has taken over the transforms of what it wraps
}
