"""How a pipeline can be called: the forms of a picture, the ways to hand it over, the picture in what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

__all__ = ["CONVENTIONS", "Convention", "pixels_of"]

Levels = np.ndarray[Any, np.dtype[np.uint8]]


def _pil(levels: Levels) -> Any:
    from PIL import Image

    return Image.fromarray(levels[:, :, 0] if levels.shape[2] == 1 else levels)


def _unit(levels: Levels) -> np.ndarray[Any, np.dtype[np.float32]]:
    return levels.astype(np.float32) / np.float32(255)


def _chw(array: np.ndarray[Any, Any]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


def _batch(tensor: torch.Tensor) -> torch.Tensor:
    """Two pictures, so that the batch axis is no channel axis."""
    return torch.stack([tensor, tensor])


_PIL = ("a PIL picture", _pil)
_BYTES = ("a uint8 array (H, W, C)", lambda levels: levels.copy())
_FLOATS = ("a float32 array (H, W, C) in 0..1", _unit)
_TENSOR = ("a float32 tensor (C, H, W) in 0..1", lambda levels: _chw(_unit(levels)))
_BYTE_TENSOR = ("a uint8 tensor (C, H, W)", _chw)
_VOLUME = ("a float32 tensor (C, H, W, 1) in 0..1", lambda levels: _chw(_unit(levels))[..., None])
_BYTE_VOLUME = ("a uint8 tensor (C, H, W, 1)", lambda levels: _chw(levels)[..., None])
_BATCH = ("a float32 tensor (N, C, H, W) in 0..1", lambda levels: _batch(_chw(_unit(levels))))
_BYTE_BATCH = ("a uint8 tensor (N, C, H, W)", lambda levels: _batch(_chw(levels)))

_ALONE = ("", lambda call, picture: call(picture))
_KEYWORD = (" as image=", lambda call, picture: call(image=picture))
_LISTED = (", two in a list", lambda call, picture: call([picture, _copy(picture)]))
_PAIR = (", given twice", lambda call, picture: call(picture, _copy(picture)))


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

    def run(self, call: Callable[..., Any], levels: Levels) -> tuple[Any, bool, bool]:
        """What comes back, whether it is what was given, and whether what was given was written into."""
        picture = self.form(levels)
        before = np.array(_array(picture))
        result = self.hand_over(call, picture)
        mutated = not np.array_equal(before, np.asarray(_array(picture)))
        returned = pixels_of(result)
        unchanged = returned is not None and returned.shape == before.shape and np.array_equal(returned, before)
        return result, unchanged, mutated


def _conventions() -> Iterator[Convention]:
    batched = (" in a list, in a dict as 'image'", lambda call, picture: call({"image": [picture]}))
    ways = [
        (_ALONE, (_PIL, _BYTES, _FLOATS, _TENSOR, _BYTE_TENSOR, _VOLUME, _BYTE_VOLUME, _BATCH, _BYTE_BATCH)),
        (_KEYWORD, (_BYTES, _FLOATS, _TENSOR, _PIL)),
        (_keyed("image"), (_PIL, _BYTES, _FLOATS, _TENSOR, _BYTE_TENSOR, _BATCH)),
        (_keyed("img"), (_BYTES, _FLOATS, _TENSOR, _BYTE_TENSOR, _PIL)),
        (_keyed("pixel_values"), (_TENSOR, _BYTE_TENSOR, _BATCH)),
        (batched, (_PIL,)),
        (_PAIR, (_PIL, _TENSOR, _BATCH)),
        (_LISTED, (_PIL, _TENSOR)),
    ]
    for (suffix, hand_over), forms in ways:
        for words, form in forms:
            yield Convention(words + suffix, form, hand_over)


#: In the order in which they are tried.
CONVENTIONS = tuple(_conventions())

#: Names under which libraries keep the picture, the surest first.
_KEYS = ("pixel_values", "image", "images", "img", "inputs", "input", "x")


def pixels_of(result: Any) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """The picture in what a pipeline returned, or the first of several; None if there is none."""
    array = _array(result)
    if array is not None:
        return array.astype(np.float64) if array.ndim >= 2 and array.dtype.kind in "fiub" else None
    if hasattr(result, "keys") and hasattr(result, "__getitem__"):  # dict, BatchFeature, Subject
        keys = list(result.keys())
        candidates: list[Any] = [result[key] for key in sorted(keys, key=_rank)]
    elif isinstance(result, (list, tuple)):
        candidates = list(result)
    elif hasattr(result, "data") and hasattr(type(result), "data"):  # torchio's images
        candidates = [result.data]
    else:
        return None
    return next((found for found in map(pixels_of, candidates) if found is not None), None)


def dtype_of(result: Any) -> str:
    """The dtype of the picture that :func:`pixels_of` finds."""
    array = _array(result)
    if array is not None:
        return str(result.dtype).rpartition(".")[2] if hasattr(result, "dtype") else str(array.dtype)
    members = result.values() if hasattr(result, "values") else result if isinstance(result, (list, tuple)) else ()
    return next((dtype_of(member) for member in members if pixels_of(member) is not None), "float32")


def _rank(key: Any) -> int:
    return _KEYS.index(key) if key in _KEYS else len(_KEYS)


def _array(picture: Any) -> np.ndarray[Any, Any] | None:
    if isinstance(picture, torch.Tensor):
        plain = picture.detach().as_subclass(torch.Tensor).cpu()
        return (plain.float() if plain.dtype in (torch.bfloat16, torch.float16) else plain).numpy()
    if isinstance(picture, np.ndarray):
        return picture
    if type(picture).__module__.startswith("PIL."):
        return np.asarray(picture)
    return None
