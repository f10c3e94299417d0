"""How a pipeline can be called: the forms of a picture, the ways to hand it over, the picture in what comes back."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from .reader import KEYS
from .reader import images_in as pictures_in

__all__ = ["CONVENTIONS", "HAND_OVER", "KEYS", "PIL", "Convention", "NotThisWay", "Outcome", "pictures_in"]

Levels = np.ndarray[Any, np.dtype[np.uint8]]


def _pil(levels: Levels) -> Any:
    from PIL import Image

    if levels.shape[2] > 4:
        raise NotThisWay
    return Image.fromarray(levels[:, :, 0] if levels.shape[2] == 1 else levels)


def _unit(levels: Levels) -> np.ndarray[Any, np.dtype[np.float32]]:
    return levels.astype(np.float32) / np.float32(255)


def _chw(array: np.ndarray[Any, Any]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


def _batch(tensor: torch.Tensor) -> torch.Tensor:
    """Two pictures, so that the batch axis is no channel axis."""
    return torch.stack([tensor, tensor])


def _plane(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Of a grey picture, which needs no axis for channels."""
    if array.shape[2] > 1:
        raise NotThisWay
    return array[:, :, 0]


#: The form of a PIL picture.
PIL = _pil
_PIL = ("a PIL picture", PIL)
_BYTES = ("a uint8 array (H, W, C)", lambda levels: levels.copy())
_FLOATS = ("a float32 array (H, W, C) in 0..1", _unit)
_TENSOR = ("a float32 tensor (C, H, W) in 0..1", lambda levels: _chw(_unit(levels)))
_BYTE_TENSOR = ("a uint8 tensor (C, H, W)", _chw)
_VOLUME = ("a float32 tensor (C, H, W, 1) in 0..1", lambda levels: _chw(_unit(levels))[..., None])
_BYTE_VOLUME = ("a uint8 tensor (C, H, W, 1)", lambda levels: _chw(levels)[..., None])
_BATCH = ("a float32 tensor (N, C, H, W) in 0..1", lambda levels: _batch(_chw(_unit(levels))))
_BYTE_BATCH = ("a uint8 tensor (N, C, H, W)", lambda levels: _batch(_chw(levels)))
_USUAL_FORMS = (_PIL, _BYTES, _FLOATS, _TENSOR, _BYTE_TENSOR, _VOLUME, _BYTE_VOLUME, _BATCH, _BYTE_BATCH)
#: Of code that takes arrays alone, or grey pictures without an axis for channels.
_OTHER_FORMS = (
    ("a uint8 array (C, H, W)", lambda levels: _chw(levels).numpy()),
    ("a float32 array (C, H, W) in 0..1", lambda levels: _chw(_unit(levels)).numpy()),
    ("a uint8 array (N, H, W, C)", lambda levels: np.stack([levels, levels])),
    ("a float32 array (N, H, W, C) in 0..1", lambda levels: np.stack([_unit(levels), _unit(levels)])),
    ("a uint8 array (H, W)", lambda levels: _plane(levels).copy()),
    ("a float32 array (H, W) in 0..1", lambda levels: _plane(_unit(levels))),
    ("a float32 tensor (H, W) in 0..1", lambda levels: torch.from_numpy(_plane(_unit(levels)))),
)

#: So many keys are supplied to a pipeline that asks for them.
_MOST_KEYS = 8

_ALONE = ("", lambda call, picture: call(picture))
_KEYWORD = (" as image=", lambda call, picture: call(image=picture))
_LISTED = (", two in a list", lambda call, picture: call([picture, _copy(picture)]))
_PAIR = (", given twice", lambda call, picture: call(picture, _copy(picture)))


class NotThisWay(Exception):
    """A pipeline that this way of calling is not for."""


def _as_named(call: Callable[..., Any], picture: Any) -> Any:
    """Where several arguments are required, or one by name: the picture for the first, None for the others."""
    first, *others = _required(call) or (None,)
    if first is None or (not others and first.kind is not inspect.Parameter.KEYWORD_ONLY):
        raise NotThisWay
    by_name = [one for one in (first, *others) if one.kind is inspect.Parameter.KEYWORD_ONLY]
    given = {one.name: picture if one is first else None for one in by_name}
    return call(*[picture if one is first else None for one in (first, *others) if one not in by_name], **given)


def _required(call: Callable[..., Any]) -> list[inspect.Parameter]:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    function = call.forward if isinstance(call, torch.nn.Module) else call
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # of a builtin
        return []
    return [one for one in parameters if one.default is inspect.Parameter.empty and one.kind not in variable]


def _as_asked_for(call: Callable[..., Any], picture: Any) -> Any:
    """In a dict, under the keys that it is found to lack."""
    sample: dict[Any, Any] = {}
    while True:
        try:
            return call(dict(sample))
        except KeyError as error:
            key = error.args[0] if error.args else None
            if key is None or key in sample or len(sample) >= _MOST_KEYS:
                raise
            sample[key] = _copy(picture) if sample else picture


def _listed_as_named(call: Callable[..., Any], picture: Any) -> Any:
    return _as_named(call, [picture, _copy(picture)])


def _keyed(key: str) -> tuple[str, Callable[..., Any]]:
    return f" in a dict as {key!r}", lambda call, picture: call({key: picture})


def _copy(picture: Any) -> Any:
    return picture.clone() if isinstance(picture, torch.Tensor) else picture.copy()


@dataclass(frozen=True)
class Convention:
    """One way to call a pipeline.

    Attributes:
        words: says it.
        form: makes the picture from uint8 levels (H, W, C).
        hand_over: calls a pipeline with the picture.
    """

    words: str
    form: Callable[[Levels], Any]
    hand_over: Callable[[Callable[..., Any], Any], Any]

    def run(self, call: Callable[..., Any], levels: Levels) -> Outcome:
        picture = self.form(levels)
        given = np.array(_array(picture))
        result = self.hand_over(call, picture)
        mutated = not np.array_equal(given, np.asarray(_array(picture)))
        return Outcome(result, pictures_in(result), given, mutated)


class Outcome(NamedTuple):
    """What came of one call.

    Attributes:
        result: what came back.
        pictures: the pictures in it, the surest first.
        given: what was given, as it was before.
        mutated: it was written into.
    """

    result: Any
    pictures: list[Any]
    given: np.ndarray[Any, Any]
    mutated: bool

    def pixels(self, index: int) -> np.ndarray[Any, np.dtype[np.float64]] | None:
        """Of one of the pictures; None if there are not so many."""
        if index >= len(self.pictures):
            return None
        array = _array(self.pictures[index])
        return None if array is None else array.astype(np.float64)

    def unchanged(self, index: int) -> bool:
        """Whether one of the pictures is what was given."""
        pixels = self.pixels(index)
        return pixels is not None and pixels.shape == self.given.shape and np.array_equal(pixels, self.given)

    def dtype(self, index: int) -> str:
        picture = self.pictures[index]
        return str(picture.dtype).rpartition(".")[2] if hasattr(picture, "dtype") else "uint8"


def _ways() -> Iterator[tuple[tuple[str, Callable[[Callable[..., Any], Any], Any]], tuple[Any, ...]]]:
    """How to hand a picture over, and in which forms, in the order in which they are tried."""
    batched = (" in a list, in a dict as 'image'", lambda call, picture: call({"image": [picture]}))
    yield from (
        (_ALONE, (*_USUAL_FORMS, *_OTHER_FORMS)),
        (_KEYWORD, (_BYTES, _FLOATS, _TENSOR, _PIL)),
        (_keyed("image"), (_PIL, _BYTES, _FLOATS, _TENSOR, _BYTE_TENSOR, _BATCH)),
        (_keyed("img"), (_BYTES, _FLOATS, _TENSOR, _BYTE_TENSOR, _PIL)),
        (_keyed("pixel_values"), (_TENSOR, _BYTE_TENSOR, _BATCH)),
        (batched, (_PIL,)),
        (_PAIR, (_PIL, _TENSOR, _BATCH)),
        (_LISTED, (_PIL, _TENSOR, _BYTES)),
        ((" for the first of its arguments", _as_named), (_PIL, _BYTES, _FLOATS, _TENSOR, _BATCH)),
        ((", two in a list, for the first of its arguments", _listed_as_named), (_PIL, _TENSOR)),
        (
            (" in a dict under the keys it asks for", _as_asked_for),
            (_PIL, _BYTES, _FLOATS, _TENSOR, _BATCH, _BYTE_BATCH),
        ),
    )


def _conventions() -> Iterator[Convention]:
    for (suffix, hand_over), forms in _ways():
        for words, form in forms:
            yield Convention(words + suffix, form, hand_over)


#: In the order in which they are tried.
CONVENTIONS = tuple(_conventions())
#: Ways to hand over a picture that has a form.
HAND_OVER = tuple(hand_over for (_, hand_over), _ in _ways())


def _array(picture: Any) -> np.ndarray[Any, Any] | None:
    if isinstance(picture, torch.Tensor):
        plain = picture.detach().as_subclass(torch.Tensor).cpu()
        return (plain.float() if plain.dtype in (torch.bfloat16, torch.float16) else plain).numpy()
    if isinstance(picture, np.ndarray):
        return picture
    if type(picture).__module__.startswith("PIL."):
        return np.asarray(picture)
    return None
