"""What functions and classes of libraries mean to a scan, by name: readers, transforms, arrays, displays."""

from __future__ import annotations

import ast
import math
from typing import Any

import numpy as np

from . import arrays
from .abstract import (
    RANDOM,
    Array,
    Choice,
    Env,
    External,
    Instance,
    NotJudged,
    Transform,
    Unknown,
    as_numbers,
    options,
    unpacked,
)
from .builtin_calls import call_builtin
from .records import Made, Record, Shown, plausible

__all__ = ["CONSTANTS", "apply", "call", "is_normalizing_transform", "note_shown"]

#: Names of other packages that stand for statistics.
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
CONSTANTS = {
    f"{name}_{part}": list(values[index])
    for name, values in {
        "IMAGENET_DEFAULT": _IMAGENET, "IMAGENET_INCEPTION": _HALF, "IMAGENET_STANDARD": _HALF,
        "OPENAI_CLIP": _CLIP, "OPENAI_DATASET": _CLIP,
    }.items()
    for index, part in enumerate(("MEAN", "STD"))
}  # fmt: skip

_CONTAINERS = {"Compose", "Sequential", "AugmentationSequential", "ReplayCompose", "ImageSequential", "SomeOf"}
_SINKS = {"imshow", "save_image", "imsave", "imwrite", "fromarray", "ToPILImage", "to_pil_image", "add_image"}
_WRAPPERS = {
    "Parameter",
    "Variable",
    "Buffer",
    "deepcopy",
    "copy",
    "list",
    "tuple",
    "make_grid",
    "tqdm",
    "float",
    "rot90",
}
_LOADERS = {"DataLoader", "PrefetchLoader", "FastLoader"}
_RANDOM = {"randn", "rand", "normal", "uniform", "randn_like", "rand_like", "randint", "random"}
#: Functions of numbers that may take any time.
_ENDLESS = {"factorial", "comb", "perm"}
#: Normalizes of libraries for medical images.
_OF_INTENSITY = {"NormalizeIntensity", "NormalizeIntensityd", "RescaleIntensity"}
_TO_TENSOR = {"ToTensor", "ToPILImage", "PILToTensor", "Resize", "CenterCrop", "RandomCrop"}


def call(evaluator: Any, callee: External, args: list[Any], kwargs: dict[str, Any], node: Any, env: Env) -> Any:
    """A call of something that the project does not define."""
    name, path = callee.last, callee.path
    if callee.top == "builtins":
        return call_builtin(evaluator, name, args, kwargs, node, env)
    if name == "Normalize" or (name == "normalize" and _is_transform(path, args, kwargs)):
        return _normalize(evaluator, callee, args, kwargs, node, env)
    if _is_preset(path):
        return Transform("Normalize")
    if name in _OF_INTENSITY:
        evaluator.note_generic(name, args, kwargs, node, env)
        return Transform(name)
    if name in _CONTAINERS:
        return _container(evaluator, name, args, kwargs, node, env)
    if callee.top in ("cv2", "PIL") or path == "mmcv.imread":
        return _reader(evaluator, callee, args, kwargs, node, env)
    note_shown(evaluator, name, args, node, env)
    if name == "is_available":
        return False  # a scan has no accelerator, and what an inverse computes does not depend on one
    if name in _LOADERS:
        return Unknown("a loader", loader=True, batch=True, normalized=_is_normalized(args, kwargs))
    if path in ("copy.copy", "copy.deepcopy") and args and isinstance(args[0], Array):
        return arrays.call_method(args[0], "copy", [], {})
    if name in _WRAPPERS and args:
        changed = name == "make_grid" and kwargs.get("normalize")
        return Unknown("a grid") if changed else args[0]
    if any(isinstance(one, Transform) for one in (*args, *kwargs.values())):
        return Unknown(path, loader=True, batch=False, normalized=_is_normalized(args, kwargs))
    if callee.top in ("numpy", "torch", "jax", "np") or path.startswith("torchvision.transforms.functional"):
        return _array_function(evaluator, callee, args, kwargs, node, env)
    if callee.top == "math" and name not in _ENDLESS and args and all(isinstance(one, (int, float)) for one in args):
        function = getattr(math, name, None)
        try:
            return function(*args) if callable(function) else Unknown(path)
        except (ValueError, OverflowError, TypeError, ZeroDivisionError):
            return Unknown(path)
    if name == "namedtuple" or name == "partial":
        if name == "partial":
            evaluator.note_generic(getattr(args[0], "last", getattr(args[0], "name", "")) if args else "", args[1:],
                                   kwargs, node, env)  # fmt: skip
        return Unknown(path)
    if name in ("SimpleNamespace", "EasyDict", "edict", "AttrDict", "Namespace", "CfgNode", "CN", "Config"):
        made = dict(args[0]) if args and isinstance(args[0], dict) else {}
        made.update(kwargs)
        evaluator.note_pairs(made, node, env)
        return made
    if name == "Lambda" and args:
        return Transform("Lambda", parts=(args[0],))
    if name in _TO_TENSOR:
        evaluator.note_generic(name, args, kwargs, node, env)
        return Transform(name)
    if path in ("tensorflow.constant", "tf.constant") and args:
        return args[0]
    return evaluator.unknown_call(callee, args, kwargs, node, env)


def _is_preset(path: str) -> bool:
    """Whether it makes transforms with a Normalize whose numbers are a package's."""
    owner, _, name = path.rpartition(".")
    if name == "transforms":
        return "eights" in owner
    return name in ("create_transform", "image_transform") or (
        name == "from_pretrained" and owner.endswith("ImageProcessor")
    )


def is_normalizing_transform(transform: Transform) -> bool:
    """Whether a transform, or one of its parts, normalizes."""
    return any(
        (part.name == "Normalize" and not _is_undoing(part)) or part.name in _OF_INTENSITY for part in transform.walk()
    )


def _is_normalized(args: list[Any], kwargs: dict[str, Any]) -> bool:
    """Whether what is made of these gives normalized images: of a transform, or of a data set with one."""
    given = [one for value in (*args, *kwargs.values()) for one in options(value)]
    given += [one for value in given if isinstance(value, Instance) for one in value.attributes.values()]
    return any(
        is_normalizing_transform(one)
        if isinstance(one, Transform)
        else isinstance(one, Unknown) and one.loader and one.normalized
        for one in given
    )


def _is_undoing(transform: Transform) -> bool:
    mean, std = as_numbers(transform.mean), as_numbers(transform.std)
    return mean is not None and std is not None and _is_inverse(tuple(mean.reshape(-1)), tuple(std.reshape(-1)))


def _is_transform(path: str, args: list[Any], kwargs: dict[str, Any]) -> bool:
    """Whether it is torchvision's function of that name, and not torch's, which divides by a norm."""
    if path.startswith(("torch.nn", "sklearn", "numpy", "scipy", "cv2")):
        return False
    if "mean" in kwargs or "std" in kwargs:
        return True
    return len(args) >= 3 and all(as_numbers(one) is not None for one in args[1:3])


def _normalize(evaluator: Any, callee: External, args: list[Any], kwargs: dict[str, Any], node: Any, env: Env) -> Any:
    functional = callee.last == "normalize"
    positional = args[1:] if functional else args
    mean = kwargs.get("mean", positional[0] if positional else None)
    std = kwargs.get("std", positional[1] if len(positional) > 1 else None)
    albumentations = callee.path.startswith(("albumentations", "A."))
    white = 255.0 if albumentations else 1.0
    if albumentations and mean is None and std is None and not kwargs.get("normalization"):
        mean, std = _IMAGENET
    given = kwargs.get("max_pixel_value", positional[2] if albumentations and len(positional) > 2 else None)
    if isinstance(given, (int, float)) and given:
        white = float(given)
    if albumentations:  # its statistics are those of images in 0..1
        white = 1.0
    event = None
    many: list[Transform] = []
    for pair in plausible(mean, std, inverse=True):
        inverse = _is_inverse(*pair)
        own = 255.0 if not inverse and max(map(abs, pair[0])) > 2 else white
        if inverse:
            slope = tuple(1 / one for one in pair[1])
            unit = (tuple(-a / b for a, b in zip(*pair, strict=True)), slope)
            record = Record(True, evaluator.place(node, env), *unit, 1.0, "transform", env.scope, module=env.module)
        else:
            record = Record(False, evaluator.place(node, env), *pair, own, "call", env.scope, module=env.module)
        record.library = callee.top
        event = evaluator.record(record)
        many.append(Transform("Normalize", *pair, white=own, event=event))
    if functional:
        transform = many[0] if many else Transform("Normalize", mean, std)
        return apply(evaluator, transform, args[0] if args else Unknown("an image"), node, env)
    if not many:
        return Transform("Normalize", mean, std)
    return many[0] if len(many) == 1 else Choice(getattr(mean, "tag", getattr(std, "tag", 0)), tuple(many))


def _is_inverse(mean: tuple[float, ...], std: tuple[float, ...]) -> bool:
    """Whether a Normalize with these numbers undoes another: it multiplies, and adds."""
    if max(mean) <= 0 and min(mean) < 0 and max(std) <= 1.01:
        return True
    return max(mean) <= 0 and min(std) > 1.2 and max(std) < 200


def _container(evaluator: Any, name: str, args: list[Any], kwargs: dict[str, Any], node: Any, env: Env) -> Any:
    given = args[0] if len(args) == 1 and name != "Sequential" else kwargs.get("transforms", args)
    parts = unpacked(given, 64)
    if parts is None:
        parts = [given]
    if len(parts) == 1 and isinstance(parts[0], list):
        parts = parts[0]
    flat = tuple(one for part in parts for one in options(part))
    normalizes = [one for one in flat if isinstance(one, Transform) and one.name == "Normalize"]
    transform = Transform(name, parts=flat)
    if len(normalizes) == 2 and not any(isinstance(part, Choice) for part in parts):
        _join_two(evaluator, *normalizes)
    if not evaluator.strict and any(isinstance(one, Transform) and one.name == "ToTensor" for one in flat):
        opaque = any(isinstance(one, (Unknown, Instance)) for one in flat)
        transform.made = Made(
            evaluator.place(node, env), env.scope, opaque or is_normalizing_transform(transform), evaluator.split,
            evaluator.targets,
        )  # fmt: skip
        evaluator.project.made.append(transform.made)
    return transform


def _join_two(evaluator: Any, first: Transform, second: Transform) -> None:
    """Two Normalizes one after the other that undo a third: one divides by 1/std, one subtracts -mean."""
    m1, s1, m2, s2 = (as_numbers(one) for one in (first.mean, first.std, second.mean, second.std))
    if m1 is None or s1 is None or m2 is None or s2 is None or evaluator.strict:
        return
    try:
        slope, offset = 1 / (s1 * s2), (-m1 / s1 - m2) / s2
    except (ValueError, ZeroDivisionError):
        return
    slope, offset = (np.atleast_1d(one) for one in np.broadcast_arrays(slope, offset))
    if not ((np.all(m1 == 0) and np.all(s1 > 1)) or (np.all(s1 == 1) and np.all(m1 == 0)) or np.all(m2 < 0)):
        return
    if offset.max() <= 0 or second.event is None:
        return
    evaluator.project.join(first.event, second.event, tuple(map(float, offset)), tuple(map(float, slope)))


def apply(evaluator: Any, transform: Transform, value: Any, node: Any, env: Env) -> Any:
    """What a transform gives for a value."""
    if transform.name == "Normalize":
        mean, std = as_numbers(transform.mean), as_numbers(transform.std)
        if isinstance(value, Array):
            if mean is None or std is None:
                raise NotJudged("a Normalize whose mean or std is not known")
            return _normalized(value, mean, std)
        if isinstance(value, Unknown):
            if value.color and transform.event is not None:
                evaluator.project.note_color(transform.event, evaluator.place(node, env), value.color)
            record = evaluator.project.records[transform.event] if transform.event is not None else None
            inverse = record is not None and record.inverse
            return value.fresh("an image that was denormalized" if inverse else "a normalized image",
                               normalized=not inverse)  # fmt: skip
        return Unknown("a normalized image")
    if transform.parts:
        for part in transform.parts:
            if isinstance(part, (Transform, Instance)) or hasattr(part, "node"):
                value = evaluator.call(part, [value], {}, node, env)
        return value
    if evaluator.strict and isinstance(value, Array):
        if transform.name == "ToPILImage":
            evaluator.shown.append(value)
            return value
        raise NotJudged(f"a call of {transform.name}")
    note_shown(evaluator, transform.name, [value], node, env)
    return value


def _normalized(value: Array, mean: Any, std: Any) -> Array:
    if value.data.ndim < 3:
        raise NotJudged("a Normalize of something that is no image")
    shape = (-1, 1, 1)
    mean, std = (np.asarray(one, dtype=value.data.dtype).reshape(shape) for one in (mean, std))
    try:
        return Array((value.data - mean) / std, value.torch)
    except ValueError as error:
        raise NotJudged(f"a Normalize of another number of channels: {error}") from error


def _reader(evaluator: Any, callee: External, args: list[Any], kwargs: dict[str, Any], node: Any, env: Env) -> Any:
    name = callee.last
    first = args[0] if args else Unknown("nothing")
    if name in ("imread", "imdecode"):
        gray = any(isinstance(one, External) and "COLOR" not in one.path for one in args[1:]) or 0 in args[1:]
        return Unknown("cv2.imread", color="" if gray else "bgr")
    if name == "VideoCapture":
        return Unknown("cv2.VideoCapture")
    if name == "cvtColor" and isinstance(first, Unknown) and len(args) > 1:
        code = getattr(args[1], "last", "")
        color = {"COLOR_BGR2RGB": "rgb", "COLOR_RGB2BGR": "bgr"}.get(code, "")
        return first.fresh(color=color)
    if name == "open":
        return Unknown("Image.open", color="")
    if name in ("resize", "GaussianBlur", "flip", "copyMakeBorder", "warpAffine", "blur", "warpPerspective"):
        return first
    note_shown(evaluator, name, args, node, env)
    if name == "fromarray":
        if isinstance(first, Unknown):
            return first.fresh() if not first.ops else first
        return first
    if name in ("add", "subtract", "multiply", "divide") and isinstance(first, Unknown):
        operator = {"add": ast.Add, "subtract": ast.Sub, "multiply": ast.Mult, "divide": ast.Div}[name]()
        return evaluator.binary(operator, first, args[1] if len(args) > 1 else 0, node, env)
    return evaluator.unknown_call(callee, args, kwargs, node, env)


def _array_function(
    evaluator: Any, callee: External, args: list[Any], kwargs: dict[str, Any], node: Any, env: Env
) -> Any:
    name = callee.last
    if name in _RANDOM:
        return Unknown(RANDOM)
    if name == "device":
        return "cpu"
    if args and isinstance(args[0], (list, tuple)) and any(isinstance(one, Unknown) for one in args[0]):
        return Unknown("an array of what is not known")
    first = args[0] if args else None
    if isinstance(first, Choice) or (len(args) > 1 and isinstance(args[1], Choice)):
        return evaluator.lifted(lambda *some: call(evaluator, callee, [*some, *args[2:]], kwargs, node, env), *args[:2])
    if name in ("add", "subtract", "multiply", "divide", "mul", "sub", "div") and len(args) >= 2:
        operators = {"a": ast.Add, "s": ast.Sub, "m": ast.Mult, "d": ast.Div}
        return evaluator.binary(operators[name[0]](), args[0], args[1], node, env)
    if isinstance(first, Unknown):
        return _array_function_of_unknown(evaluator, name, first, args, kwargs, node, env)
    try:
        return arrays.call_function(callee.path, args, kwargs)
    except NotJudged:
        if evaluator.strict and any(isinstance(one, Array) for one in args):
            raise
        return Unknown(f"a call of {callee.path}")


def _array_function_of_unknown(
    evaluator: Any, name: str, first: Unknown, args: list[Any], kwargs: dict[str, Any], node: Any, env: Env
) -> Any:
    same = {"transpose", "array", "asarray", "from_numpy", "tensor", "as_tensor", "clip", "clamp", "uint8", "round",
            "squeeze", "expand_dims", "swapaxes", "ascontiguousarray", "float32", "moveaxis", "rollaxis", "unsqueeze",
            "to_tensor", "permute", "copy", "clone"}  # fmt: skip
    if name in ("uint8",) or any(arrays.dtype_of(one) is np.uint8 for one in (*args[1:], kwargs.get("dtype"))):
        return evaluator._method_of_unknown(first, "byte", [], {}, node, env)
    if name in ("clip", "clamp", "round", "squeeze", "unsqueeze"):
        return evaluator._method_of_unknown(first, name, args[1:], kwargs, node, env)
    return first if name in same else Unknown(f"a call of {name}")


def note_shown(evaluator: Any, name: str, args: list[Any], node: Any, env: Env) -> None:
    """Keeps what is drawn or written to a file."""
    if name not in _SINKS:
        return
    for one in args:
        if isinstance(one, Array):
            evaluator.shown.append(one)
            return
        if isinstance(one, Unknown) and not evaluator.strict:
            keywords = {keyword.arg for keyword in getattr(node, "keywords", ())}
            event = evaluator.project.records[one.event] if one.event is not None else None
            made = event is not None and not event.inverse and not event.weak
            normalized = (made or (one.normalized and not one.ops)) and not keywords & {"cmap", "normalize"}
            evaluator.project.shown.append(Shown(evaluator.place(node, env), name, env.scope, normalized, env.module))
            if one.event is not None:
                evaluator.project.records[one.event].names.append("shown")
            return
