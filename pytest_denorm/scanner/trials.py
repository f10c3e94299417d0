"""Trials: a function of the project is evaluated on arrays, and its map is read off what it makes of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .abstract import Array, Class, Function, Instance, NotJudged, Unknown
from .calling import Evaluator
from .expressions import TOO_LONG, Budget

__all__ = ["LAYOUTS", "Layout", "Trial", "image_parameter", "images_for", "statistics_parameters", "try_function"]

_STEPS = 30_000
_HEIGHT, _WIDTH = 12, 16
#: A fit leaves no more than this, of the range of what comes back; a cast to bytes leaves one level.
_RESIDUAL = 1e-3
_COUNT_NAME = re.compile(r"n|(n|num|nb|count|batch)_?(imgs?|images?|samples?|rows?|size)?|nrows?")
MARKS = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Layout:
    """How images are handed over: tensors or arrays, one or several, where the channels are."""

    name: str
    torch: bool
    images: int
    last: bool
    channels: int = 3
    video: bool = False

    def lay(self, images: np.ndarray[Any, Any]) -> Array:
        """Images (N, C, H, W) in this layout, in memory of their own."""
        data: np.ndarray[Any, Any] = images[: max(self.images, 1), : self.channels]
        if self.last:
            data = data.transpose(0, 2, 3, 1)
        data = data[None] if self.video else data if self.images else data[0]
        return Array(np.array(data), self.torch)


LAYOUTS = (
    Layout("a tensor (C, H, W)", True, 0, False),
    Layout("a batch (1, C, H, W)", True, 1, False),
    Layout("a batch (5, C, H, W)", True, 5, False),
    Layout("an array (H, W, C)", False, 0, True),
    Layout("an array (C, H, W)", False, 0, False),
    Layout("an array (1, C, H, W)", False, 1, False),
    Layout("a tensor (H, W, C)", True, 0, True),
    Layout("a tensor (1, H, W)", True, 0, False, 1),
    Layout("a video (1, T, C, H, W)", True, 5, False, video=True),
)


@dataclass
class Trial:
    """What came of one layout.

    Attributes:
        y: the values that went in, (n, channels); z: what came out, in the order of its own channels.
        slope, offset: of each channel of the result; None if no affine map of one channel explains it.
        order: the channel of the input that each channel of the result comes from.
        walked: images of the batch were treated unlike one another.
        changed: the input was changed in place.
    """

    layout: Layout
    y: np.ndarray[Any, Any]
    z: np.ndarray[Any, Any]
    slope: np.ndarray[Any, Any] | None = None
    offset: np.ndarray[Any, Any] | None = None
    order: tuple[int, ...] = ()
    walked: bool = False
    changed: bool = False
    integer: bool = False


def image_parameter(function: Function) -> str | None:
    """The parameter that takes the image: the first that has no default and is not ``self``."""
    spec = function.node.args
    names = [one.arg for one in (*spec.posonlyargs, *spec.args)]
    if function.owner is not None and function.kind != "staticmethod":
        names = names[1:]
    first = next((one for one in names if not _is_statistic(one)), None)
    return None if isinstance(function.defaults.get(first or ""), (bool, str, int, float)) else first


def statistics_parameters(function: Function, *, with_defaults: bool = False) -> list[str]:
    """Return the parameters named like a mean or a std; those that have a default of numbers only if asked to."""
    spec = function.node.args
    names = [one.arg for one in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    return [one for one in names if _is_statistic(one) and (with_defaults or function.defaults.get(one) is None)]


def _counts(function: Function) -> list[str]:
    """The parameters that say of how many images, and have no default."""
    spec = function.node.args
    names = [one.arg for one in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    return [one for one in names if one not in function.defaults and _COUNT_NAME.fullmatch(one)]


def _is_statistic(name: str) -> bool:
    low = name.lower()
    return "mean" in low or low in ("mu", "m", "s", "sigma", "sd", "means", "stds") or "std" in low


def images_for(mean: Any, std: Any, seed: int = 1, scale: float = 1.0) -> np.ndarray[Any, Any]:
    """Normalized images (5, 3, H, W), float32; the images they are of fill a part of the range, each another.

    Levels of bytes all, so that a rounding can be told from a truncation.
    """
    rng = np.random.default_rng(seed)
    levels = rng.integers(int(128 - 95 * scale), int(128 + 90 * scale), (5, 3, _HEIGHT, _WIDTH))
    levels = levels + np.arange(-8, 7).reshape(5, 3, 1, 1)
    shape = (1, -1, 1, 1)
    mean, std = (np.broadcast_to(np.asarray(one, dtype=np.float64), 3).reshape(shape) for one in (mean, std))
    normalized: np.ndarray[Any, Any] = ((levels / 255 - mean) / std).astype(np.float32)
    return normalized


def try_function(
    project: Any,
    function: Function,
    layout: Layout,
    images: np.ndarray[Any, Any],
    numbers: Mapping[str, Any],
    owner: Instance | Class | None,
    assume: bool | None = None,
) -> Array:
    """What a function makes of images.

    Raises:
        NotJudged: it cannot be told.
    """
    module = function.env.module
    evaluator = Evaluator(project, module, Budget(_STEPS), strict=True, assume=assume)
    given = layout.lay(images)
    name = image_parameter(function)
    if name is None:
        raise NotJudged("it takes no image")
    args = [] if owner is None else [_own(owner)]
    counts = {one: max(layout.images, 1) for one in _counts(function)}
    try:
        result = evaluator.call_function(function, args, {name: given, **counts, **numbers}, function.node, module.env)
    except RecursionError as error:
        raise NotJudged("it calls itself without an end") from error
    except Exception as error:
        if isinstance(error, NotJudged):
            raise
        project.failures[module.path, getattr(function.node, "lineno", 1)] = f"{type(error).__name__}: {error}"
        raise NotJudged("its evaluation failed") from error
    if isinstance(result, (tuple, list)) and any(isinstance(one, Array) for one in result):
        result = _stacked(result)
    if not isinstance(result, Array) or result.data.ndim < 2:
        shown = [one for one in evaluator.shown if one.data.ndim >= 2]
        if shown:
            result = shown[0]
        elif result is None and not np.array_equal(given.data, layout.lay(images).data):
            result = given
        elif isinstance(result, Unknown):
            raise NotJudged(f"it returns {result.reason}")
        else:
            raise NotJudged("it returns no image")
    result = Array(np.asarray(result.data), result.torch)
    changed = not np.array_equal(given.data, layout.lay(images).data)
    object.__setattr__(result, "changed", changed)
    return result


def _stacked(result: Any) -> Any:
    arrays = [one for one in result if isinstance(one, Array) and one.data.ndim >= 2]
    if arrays and all(one.data.shape == arrays[0].data.shape for one in arrays) and len(arrays) == len(result):
        return Array(np.stack([one.data for one in arrays]), arrays[0].torch) if len(arrays) > 1 else arrays[0]
    return arrays[0] if arrays else result


def _own(owner: Instance | Class) -> Instance | Class:
    """An object whose arrays a trial may write into."""
    if isinstance(owner, Class):
        return owner
    copied = {
        key: Array(one.data.copy(), one.torch) if isinstance(one, Array) else one
        for key, one in owner.attributes.items()
    }
    return Instance(owner.cls, copied, owner.lines)


def read(layout: Layout, images: np.ndarray[Any, Any], result: Array) -> Trial | None:
    """Pairs what came out with what went in, and fits a map to it; None if the shapes say that it is no such image."""
    expected = images[: max(layout.images, 1), : layout.channels]
    found = _as_batch(result.data, expected.shape)
    if found is None:
        return None
    count = len(found)
    expected = expected[:count]
    y = expected.transpose(0, 2, 3, 1).reshape(-1, layout.channels)
    z = found.transpose(0, 2, 3, 1).reshape(-1, found.shape[1])
    trial = Trial(layout, y, z, integer=z.dtype.kind in "iu" or _is_whole(z))
    trial.changed = bool(getattr(result, "changed", False))
    fits = [_fit(expected[i], found[i]) for i in range(count)]
    if any(one is None for one in fits):
        whole = None
    else:
        whole = _fit(
            expected.transpose(1, 0, 2, 3).reshape(layout.channels, -1),
            found.transpose(1, 0, 2, 3).reshape(found.shape[1], -1),
        )
    if whole is not None:
        trial.slope, trial.offset, trial.order = whole
    elif all(one is not None for one in fits) and count > 1:
        trial.walked = True
    elif count == 1 and fits[0] is not None:
        trial.slope, trial.offset, trial.order = fits[0]
    return trial


def _is_whole(z: np.ndarray[Any, Any]) -> bool:
    return bool(np.all(z == np.round(z)) and z.max() > 2)


def _as_batch(data: np.ndarray[Any, Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any] | None:
    """(N, C, H, W) of what an inverse gave, wherever it has its axes."""
    count, channels, height, width = shape
    data = np.squeeze(data, axis=0) if data.ndim == 5 and len(data) == 1 else data
    if data.ndim == 2 and data.shape == (height, width):
        return data[None, None]
    if data.ndim == 3:
        data = data[None]
    if data.ndim != 4:
        return None
    for axes in ((0, 1, 2, 3), (0, 3, 1, 2)):
        laid = data.transpose(axes)
        if laid.shape[2:] == (height, width) and laid.shape[1] in (channels, 1, 3) and laid.shape[0] in (1, count):
            return laid
    return None


def _fit(y: np.ndarray[Any, Any], z: np.ndarray[Any, Any]) -> Any:
    """Slope, offset and the input channel of each channel of z.

    Values at the ends, which a clamp made, are left out.
    """
    y, z = (one.reshape(len(one), -1).astype(np.float64) for one in (y, z))
    top, bottom = float(z.max()), float(z.min())
    slopes, offsets, order = [], [], []
    for own, values in enumerate(z):
        inside = (values > bottom) & (values < top)
        inside = inside if inside.sum() >= 16 else np.ones_like(inside)
        best = None
        for channel in sorted(range(len(y)), key=lambda one: one != own):
            design = np.stack([y[channel][inside], np.ones(int(inside.sum()))], axis=1)
            (slope, offset), *_ = np.linalg.lstsq(design, values[inside], rcond=None)
            left = float(np.abs(design @ (slope, offset) - values[inside]).max())
            if best is None or left < best[0] * 0.5:
                best = (left, slope, offset, channel)
        assert best is not None
        allowed = max(_RESIDUAL * max(top - bottom, 1e-6), 1.01 if _is_whole(z) else 0.0)
        if best[0] > allowed or not np.isfinite(best[0]):
            return None
        slopes.append(best[1])
        offsets.append(best[2])
        order.append(best[3])
    return np.array(slopes), np.array(offsets), tuple(order)


def trials_of(
    project: Any,
    function: Function,
    numbers: Mapping[str, Any],
    owner: Any,
    images: np.ndarray[Any, Any],
    assume: bool | None = None,
) -> Iterator[tuple[Layout, Trial | None, str]]:
    """For each layout what came of it, or the reason why nothing did."""
    for layout in LAYOUTS:
        try:
            result = try_function(project, function, layout, images, numbers, owner, assume)
        except NotJudged as error:
            yield layout, None, str(error)
            if str(error) == TOO_LONG:
                return  # in any layout
            continue
        found = read(layout, images, result)
        yield layout, found, "" if found is not None else "it gives an image of another shape"
        if layout.images == 0 and found is None and isinstance(function.node, ast.Lambda):
            return


def marked(function: Function, form: int, numbers: Mapping[str, Any], white: float = 1.0) -> dict[str, Any]:
    """Numbers for the statistics that a function is given by its callers: lists, or tensors of (3, 1, 1)."""
    made = dict(numbers)
    for name in statistics_parameters(function):
        if name in made:
            continue
        values = MARKS[0] if "mean" in name.lower() or name.lower().startswith("m") else MARKS[1]
        data = np.array(values, dtype=np.float32) * np.float32(white)
        made[name] = (data.tolist(), Array(data, True), Array(data.reshape(3, 1, 1), True), Array(data, False))[form]
    return made


def instance_for(project: Any, cls: Class, form: int) -> Instance:
    """An object of a class, made with numbers where its parameters are statistics."""
    init = cls.find("__init__")
    instance = Instance(cls)
    if isinstance(init, Function):
        evaluator = Evaluator(project, cls.env.module, Budget(_STEPS))
        kwargs = marked(init, form, {})
        evaluator.strict = True
        with project.guarded(cls.env.module, init.node, evaluator, 0):
            evaluator.call_function(init, [instance], kwargs, cls.node, cls.env)
    return instance
