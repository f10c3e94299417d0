"""The forms in which a pipeline can take an image: what is handed over, and how."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

__all__ = ["FORMS", "Form", "Levels", "NotThisFormError", "copy_image"]

#: An image as it is before it gets a form: uint8 (H, W, C).
Levels = np.ndarray[Any, np.dtype[np.uint8]]

Call = Callable[..., Any]

#: Volumes are small: an axis of length 1 would be resized to the size that a step asks for, and the others with it.
_VOLUME_SIZE, _DEPTH = (24, 28), 20
#: So many keys are supplied to a pipeline that asks for them.
_MOST_KEYS = 8


class NotThisFormError(Exception):
    """The pipeline or the image is of a kind that this form is not for."""


@dataclass(frozen=True)
class Form:
    """One way to call a pipeline.

    Attributes:
        words: the form in words, such as ``a uint8 array (H, W, C) as image=``.
        make: makes the image from levels.
        hand_over: calls a pipeline with the image.
        largest: height and width beyond which `make` cuts the image off; None where it does not.
    """

    words: str
    make: Callable[[Levels], Any]
    hand_over: Callable[[Call, Any], Any]
    largest: tuple[int, int] | None = None

    @property
    def is_pil(self) -> bool:
        """Whether a PIL image is handed over."""
        return self.make is _pil

    def size_of(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the height and width of an image that is made from levels of `size`."""
        return size if self.largest is None else (min(size[0], self.largest[0]), min(size[1], self.largest[1]))


def copy_image(image: Any) -> Any:
    """Return a copy of a PIL image, a tensor or an array."""
    return image.clone() if isinstance(image, torch.Tensor) else image.copy()


# --- what is handed over ---


def _pil(levels: Levels) -> Any:
    from PIL import Image

    if levels.shape[2] > 4:
        raise NotThisFormError
    return Image.fromarray(levels[:, :, 0] if levels.shape[2] == 1 else levels)


def _unit(levels: Levels) -> np.ndarray[Any, np.dtype[np.float32]]:
    return levels.astype(np.float32) / np.float32(255)


def _chw(array: np.ndarray[Any, Any]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


def _batch(tensor: torch.Tensor) -> torch.Tensor:
    """Two images, so that the batch axis is not mistaken for one channel."""
    return torch.stack([tensor, tensor])


def _volume(tensor: torch.Tensor) -> torch.Tensor:
    height, width = _VOLUME_SIZE
    return tensor[:, :height, :width, None].repeat(1, 1, 1, _DEPTH)


def _plane(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A grayscale image without a channel axis."""
    if array.shape[2] > 1:
        raise NotThisFormError
    return array[:, :, 0]


_PIL = ("a PIL image", _pil)
_BYTES = ("a uint8 array (H, W, C)", lambda levels: levels.copy())
_FLOATS = ("a float32 array (H, W, C) in 0..1", _unit)
_TENSOR = ("a float32 tensor (C, H, W) in 0..1", lambda levels: _chw(_unit(levels)))
_BYTE_TENSOR = ("a uint8 tensor (C, H, W)", _chw)
_VOLUME = ("a float32 tensor (C, H, W, D) in 0..1", lambda levels: _volume(_chw(_unit(levels))))
_BYTE_VOLUME = ("a uint8 tensor (C, H, W, D)", lambda levels: _volume(_chw(levels)))
_BATCH = ("a float32 tensor (N, C, H, W) in 0..1", lambda levels: _batch(_chw(_unit(levels))))
_BYTE_BATCH = ("a uint8 tensor (N, C, H, W)", lambda levels: _batch(_chw(levels)))
_USUAL = (_PIL, _BYTES, _FLOATS, _TENSOR, _BYTE_TENSOR, _VOLUME, _BYTE_VOLUME, _BATCH, _BYTE_BATCH)
#: For code that takes arrays alone, or grayscale images without a channel axis.
_LESS_USUAL = (
    ("a uint8 array (C, H, W)", lambda levels: _chw(levels).numpy()),
    ("a float32 array (C, H, W) in 0..1", lambda levels: _chw(_unit(levels)).numpy()),
    ("a uint8 array (N, H, W, C)", lambda levels: np.stack([levels, levels])),
    ("a float32 array (N, H, W, C) in 0..1", lambda levels: np.stack([_unit(levels), _unit(levels)])),
    ("a uint8 array (H, W)", lambda levels: _plane(levels).copy()),
    ("a float32 array (H, W) in 0..1", lambda levels: _plane(_unit(levels))),
    ("a float32 tensor (H, W) in 0..1", lambda levels: torch.from_numpy(_plane(_unit(levels)))),
)


# --- how it is handed over ---


def _alone(call: Call, image: Any) -> Any:
    return call(image)


def _by_keyword(call: Call, image: Any) -> Any:
    return call(image=image)


def _keyed(key: str) -> Callable[[Call, Any], Any]:
    return lambda call, image: call({key: image})


def _twice(call: Call, image: Any) -> Any:
    return call(image, copy_image(image))


def _listed(call: Call, image: Any) -> Any:
    return call([image, copy_image(image)])


def _as_named(call: Call, image: Any) -> Any:
    """Where several arguments are required, or one by name: the image for the first, None for the others."""
    first, *others = _required(call) or (None,)
    if first is None or (not others and first.kind is not inspect.Parameter.KEYWORD_ONLY):
        raise NotThisFormError
    by_name = [one for one in (first, *others) if one.kind is inspect.Parameter.KEYWORD_ONLY]
    given = {one.name: image if one is first else None for one in by_name}
    return call(*[image if one is first else None for one in (first, *others) if one not in by_name], **given)


def _listed_as_named(call: Call, image: Any) -> Any:
    return _as_named(call, [image, copy_image(image)])


def _required(call: Call) -> list[inspect.Parameter]:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    function = call.forward if isinstance(call, torch.nn.Module) else call
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # of a builtin
        return []
    return [one for one in parameters if one.default is inspect.Parameter.empty and one.kind not in variable]


def _as_asked_for(call: Call, image: Any) -> Any:
    """In a dict, under the keys that it is found to lack."""
    return _supplied(call, image, lambda one: one)


def _listed_as_asked_for(call: Call, image: Any) -> Any:
    """As rows of a table are handed over."""
    return _supplied(call, image, lambda one: [one])


def _supplied(call: Call, image: Any, wrap: Callable[[Any], Any]) -> Any:
    sample: dict[Any, Any] = {}
    while True:
        try:
            return call(dict(sample))
        except KeyError as error:
            key = error.args[0] if error.args else None
            if key is None or key in sample or len(sample) >= _MOST_KEYS:
                raise
            sample[key] = wrap(copy_image(image) if sample else image)


def _ways() -> Iterator[tuple[str, Callable[[Call, Any], Any], tuple[Any, ...]]]:
    """How an image is handed over, in words and as a function, with the forms that it has then."""
    yield "", _alone, (*_USUAL, *_LESS_USUAL)
    yield " as image=", _by_keyword, (_BYTES, _FLOATS, _TENSOR, _PIL)
    yield " in a dict as 'image'", _keyed("image"), (_PIL, _BYTES, _FLOATS, _TENSOR, _BYTE_TENSOR, _BATCH)
    yield " in a dict as 'img'", _keyed("img"), (_BYTES, _FLOATS, _TENSOR, _BYTE_TENSOR, _PIL)
    yield " in a dict as 'pixel_values'", _keyed("pixel_values"), (_TENSOR, _BYTE_TENSOR, _BATCH)
    yield " in a list, in a dict under the keys it asks for", _listed_as_asked_for, (_PIL,)
    yield ", given twice", _twice, (_PIL, _TENSOR, _BATCH)
    yield ", two in a list", _listed, (_PIL, _TENSOR, _BYTES)
    yield " for the first of its arguments", _as_named, (_PIL, _BYTES, _FLOATS, _TENSOR, _BATCH)
    yield ", two in a list, for the first of its arguments", _listed_as_named, (_PIL, _TENSOR)
    asked_for = (_PIL, _BYTES, _FLOATS, _TENSOR, _BATCH, _BYTE_BATCH)
    yield " in a dict under the keys it asks for", _as_asked_for, asked_for


def _forms() -> Iterator[Form]:
    volumes = (_VOLUME, _BYTE_VOLUME)
    for suffix, hand_over, made in _ways():
        for one in made:
            yield Form(one[0] + suffix, one[1], hand_over, _VOLUME_SIZE if one in volumes else None)


#: All forms, in the order in which they are tried.
FORMS = tuple(_forms())
