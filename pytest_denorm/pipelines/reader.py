"""Where the images are in what a pipeline returns, and in an item of a data set.

An item may hold masks, boxes and labels beside the image, in any order. Which of its members is the image is told, in
turn, by

1. the class of torchvision's own tensors: an Image or a Video is one, a Mask and boxes are none;
2. the name in a dict: one that images usually have (:data:`KEYS`) is the surest, and one that masks, boxes and labels
   have (:data:`_OTHERS`) the last;
3. the form: bytes or floats with 3 or 4 channels, and PIL images in color, are images; int64 and bool are masks;
4. what is beside it: one channel is a mask beside an image in color if it is bytes and that one floats, or has few
   values. Two axes of another size than what has three are boxes or one-hot labels.

Where two members are equally good, none is taken: the error names both, and ``image=`` tells them apart.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from ..core.foreign import first_line, shown
from ..core.layout import COLOR, LAST, channel_axis
from ..core.white import dtype_name, is_float
from ..errors import ImageError, ImageTypeError
from .adapters.torchvision import said_to_be_image

__all__ = [
    "KEYS",
    "Candidate",
    "Judge",
    "Place",
    "axes_of",
    "candidate_of",
    "has_few_values",
    "image_of",
    "images_in",
    "images_of",
    "is_array",
    "is_image",
    "is_pil",
    "take",
]

#: Names under which libraries keep the image, the surest first.
KEYS = ("pixel_values", "image", "images", "img", "inputs", "input", "x")
#: Words in the names, in a dict, of what is beside an image.
_OTHERS = frozenset(
    (
        *("annotation", "annotations", "bbox", "bboxes", "box", "boxes", "heatmap", "keypoints", "label", "labels"),
        *("mask", "masks", "seg", "segmentation", "target", "targets"),
    )
)
#: One channel of no more values is a mask: of any, and of numbers of classes, which are below that, and white.
_FEW_VALUES, _FEW_CLASSES, _CLASSES = 4, 8, 32
#: How sure it is that a member of an item is its image.
_SURE, _LIKELY, _UNLIKELY = range(3)

#: Whether a thing is an image, or several in one; the flag says that it is in a list of them.
Judge = Callable[[Any, bool], bool]
#: Where the image is in an item: a key, an index, or a function of the item.
Place = str | int | Callable[[Any], Any] | None


# --- what a pipeline returned ---


def images_in(result: Any) -> list[Any]:
    """Return every image in what a pipeline returned, the surest first.

    An image is an array, a tensor or a PIL image of two axes or more that holds numbers. Tuples, lists, dicts,
    torchio's images and detection's lists of images are looked into. A container that holds itself is looked into once.
    """
    return _images_in(result, ())


def _images_in(thing: Any, within: tuple[int, ...]) -> list[Any]:
    if is_array(thing) or is_pil(thing):
        return [thing] if _holds_pixels(thing) else []
    if id(thing) in within:
        return []
    return [image for member in _members(thing) for image in _images_in(member, (*within, id(thing)))]


def _members(thing: Any) -> list[Any]:
    if hasattr(thing, "keys") and hasattr(thing, "__getitem__"):  # dict, BatchFeature, Subject
        return [thing[key] for key in sorted(thing.keys(), key=_rank)]
    if isinstance(thing, (list, tuple)):
        return list(thing)
    if hasattr(thing, "data") and hasattr(type(thing), "data"):  # torchio's images
        return [thing.data]
    # detection's lists of images keep one batch
    return [one for one in getattr(thing, "__dict__", {}).values() if isinstance(one, torch.Tensor)]


def _rank(key: Any) -> int:
    return KEYS.index(key) if key in KEYS else len(KEYS)


def _holds_pixels(thing: Any) -> bool:
    if is_pil(thing):
        return bool(thing.width and thing.height)
    kind = dtype_name(thing.dtype)
    numbers = "float" in kind or "int" in kind or kind == "bool"
    return thing.ndim >= 2 and numbers and 0 not in thing.shape


# --- an item of a data set ---


class Candidate(NamedTuple):
    """What may be the image of an item: a member of it, or the images in a list that is a member.

    Attributes:
        images: the image, or all of a list.
        doubt: how unsure it is that they are.
        axes: of the first of them, if it is one image.
        path: the keys and indices that lead to it from the item.
        error: why the first may not be told apart from something else.
    """

    images: list[Any]
    doubt: int
    axes: int = 3
    path: tuple[Any, ...] = ()
    error: ImageError | None = None

    @property
    def size(self) -> tuple[int, ...]:
        """The height and width of the first."""
        first = self.images[0]
        if is_pil(first):
            return first.height, first.width
        is_last = self.axes > 2 and channel_axis(first.shape, COLOR, prefer=None) == LAST
        return tuple(first.shape[-3:-1] if is_last else first.shape[-2:])

    @property
    def place(self) -> str:
        """How a user names it: ``image=1``."""
        if len(self.path) == 1:
            return f"image={self.path[0]!r}"
        return f"image=lambda item: item{''.join(f'[{key!r}]' for key in self.path)}"


def is_pil(thing: Any) -> bool:
    """Return whether it is a PIL image; where PIL is not loaded, nothing is."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(thing, module.Image)


def is_array(thing: Any) -> bool:
    return isinstance(thing, (torch.Tensor, np.ndarray))


def axes_of(thing: Any) -> int:
    """Return the number of axes of a tensor or an array; -1 of anything else."""
    return int(thing.ndim) if is_array(thing) else -1


def is_image(thing: Any, listed: bool = False) -> bool:
    """Return whether a member of an item is a PIL image, or a tensor or array with a height and a width."""
    return is_pil(thing) or axes_of(thing) >= 2


def take(item: Any, image: Place) -> Any:
    """Return what `image` says of an item: the member under a key or an index, or what a function makes of the item.

    Raises:
        ImageError: it has no such key or index.
    """
    if image is None:
        return item
    try:
        return image(item) if callable(image) else item[image]
    except (SystemExit, GeneratorExit) as error:
        raise ImageError(f"image raised {first_line(error)}: expected a function that returns the image.") from error
    except Exception as error:
        if callable(image):
            raise
        raise ImageError(
            f"image is {shown(image)}, which an item of type {type(item).__name__} does not have: {first_line(error)}"
        ) from error


def image_of(item: Any, image: Place = None) -> Any:
    """Return the image of an item; of several in a list the first.

    Raises:
        ImageTypeError, ImageError: as :func:`images_of`.
    """
    return images_of(item, image)[0]


def images_of(
    item: Any,
    image: Place = None,
    *,
    judge: Judge = is_image,
    stacked: bool = False,
    first: bool = False,
    usual: Any = None,
) -> list[Any]:
    """Return the images of an item: itself, the one in a tuple or a dict, or all of a list that is a member.

    Args:
        item: of a data set, or a batch.
        image: where the image is, if that is known.
        judge: what can be an image, or several in one.
        stacked: images and masks have an axis more than in an item.
        first: take the first of members that are equally good.
        usual: the key or index where the image of other items was, which decides between equally good members.

    Raises:
        ImageTypeError: there is none, or two members are equally good.
        ImageError: no such key or index; or as `judge` does.
    """
    item = take(item, image)
    if judge(item, False):
        return [item]
    try:
        best = _surest(_candidates(item, judge, stacked))
    except RecursionError:
        raise ImageTypeError(f"a {type(item).__name__} that holds itself holds no image.") from None
    if not best:
        raise ImageTypeError(_nothing_in(item))
    if len(best) > 1 and usual is not None:
        best = [one for one in best if one.path[0] == usual] or best
    if len(best) > 1 and not (first and isinstance(item, (tuple, list, Mapping))):
        kind = f"{type(item).__module__}.{type(item).__qualname__}".removeprefix("builtins.")
        places = " or ".join(one.place for one in best[:2])
        raise ImageTypeError(f"{len(best)} members of the {kind} are equally good images: pass {places} to choose one.")
    if best[0].error is not None:
        raise best[0].error
    return best[0].images


def _nothing_in(item: Any) -> str:
    if isinstance(item, Mapping):
        return (
            f"no image is under the keys {list(item)}; usual keys are {', '.join(KEYS)}. Pass image= to name another."
        )
    if isinstance(item, (tuple, list)):
        kinds = [type(one).__name__ for one in item[:6]] + ["..."] * (len(item) > 6)
        return f"no image is in a {type(item).__name__} of ({', '.join(kinds)})."
    shape = f" of shape {tuple(item.shape)}" if is_array(item) else ""
    return (
        f"a {type(item).__module__}.{type(item).__qualname__}{shape} is no image: expected a PIL image, a tensor or an "
        f"array, or one in a tuple, a list or a dict."
    )


def _candidates(item: Any, judge: Judge, stacked: bool) -> list[Candidate]:
    if isinstance(item, Mapping):
        return _under_keys(item, judge, stacked)
    if not isinstance(item, (tuple, list)):
        return []
    found = []
    for index, member in enumerate(item):
        inside = _under_keys(member, judge, stacked) if isinstance(member, Mapping) else []
        own = None if isinstance(member, Mapping) else candidate_of(member, judge, stacked)
        found += [one._replace(path=(index, *one.path)) for one in (inside if own is None else [own])]
    return found


def candidate_of(thing: Any, judge: Judge = is_image, stacked: bool = False) -> Candidate | None:
    """Return the image that a member of an item is, or the images in a list; None where it is something else."""
    if isinstance(thing, (tuple, list)):
        members = [one for one in (_judged(each, judge, True, False) for each in thing) if one is not None]
        if not members:
            return None
        best = min(one.doubt for one in members)
        surest = [one for one in members if one.doubt == best]
        error = next((one.error for one in surest if one.error is not None), None)
        return surest[0]._replace(images=[one.images[0] for one in surest], error=error)
    if isinstance(thing, Mapping):
        inside = _under_keys(thing, judge, stacked)
        return inside[0] if len(inside) == 1 else None
    return _judged(thing, judge, False, stacked)


def _judged(thing: Any, judge: Judge, listed: bool, stacked: bool) -> Candidate | None:
    error = None
    try:
        if not judge(thing, listed):
            return None
    except ImageError as raised:  # something else may be the image
        error = raised
    axes = 3 if is_pil(thing) else thing.ndim - stacked
    return Candidate([thing], _doubt(thing, axes), axes, error=error)


def _under_keys(item: Mapping[Any, Any], judge: Judge, stacked: bool) -> list[Candidate]:
    """Return what is under the surest key; else all under others that are equally good."""
    for key in KEYS:
        found = candidate_of(item[key], judge, stacked) if key in item else None
        if found is not None:
            doubt = _SURE if found.doubt == _LIKELY else found.doubt
            return [found._replace(doubt=doubt, path=(key, *found.path))]
    members = []
    for key, value in item.items():
        one = None if isinstance(value, (tuple, list, Mapping)) else candidate_of(value, judge, stacked)
        if one is not None:
            is_other = isinstance(key, str) and not _OTHERS.isdisjoint(re.split(r"[^a-z]+", key.lower()))
            members.append(one._replace(path=(key,), doubt=_UNLIKELY if is_other else one.doubt))
    return _surest(members, in_order=False)


def _surest(found: list[Candidate], in_order: bool = True) -> list[Candidate]:
    """Return those that are most surely the image.

    Args:
        in_order: one that is sure by itself needs no look at one channel behind it.
    """
    if len(found) > 1 and not (in_order and found[0].doubt == _SURE):
        found = _seen_together(found)
    best = min((one.doubt for one in found), default=_SURE)
    return [one for one in found if one.doubt == best]


def _seen_together(members: list[Candidate]) -> list[Candidate]:
    """Return the same, each as sure as it is beside the others."""
    sizes = {one.size for one in members if one.doubt < _UNLIKELY and one.axes > 2}
    sure = [one for one in members if one.doubt == _SURE]
    of_floats = bool(sure) and all(_is_of_floats(one.images[0]) for one in sure)
    return [one._replace(doubt=_beside(one, sizes, bool(sure), of_floats)) for one in members]


def _beside(member: Candidate, sizes: set[tuple[int, ...]], has_sure: bool, of_floats: bool) -> int:
    """Return how sure it is beside what has channels, of such sizes, and what is surely an image."""
    image = member.images[0]
    if sizes and member.axes == 2 and member.size not in sizes:
        return _UNLIKELY
    if member.doubt != _LIKELY:
        return member.doubt
    if not has_sure:
        return _UNLIKELY if has_few_values(image) else _LIKELY
    # a grey image, of which the one in color is to be made
    return _SURE if _is_of_floats(image) == of_floats and not has_few_values(image) else _LIKELY


def _doubt(thing: Any, axes: int) -> int:
    """Return how unsure it is that something is an image, by itself."""
    if is_pil(thing):
        return _UNLIKELY if thing.mode in ("1", "P", "PA") else _LIKELY if len(thing.getbands()) < 3 else _SURE
    said = None if type(thing) in (torch.Tensor, np.ndarray) else said_to_be_image(thing)
    if said is not None:
        return _SURE if said else _UNLIKELY
    kind = dtype_name(thing.dtype)
    if kind in ("bool", "int64"):
        return _UNLIKELY
    in_color = axes > 2 and channel_axis(thing.shape, COLOR, prefer=LAST) is not None
    return _SURE if in_color and (kind in ("uint8", "uint16") or is_float(kind)) else _LIKELY


def _is_of_floats(thing: Any) -> bool:
    return is_array(thing) and is_float(thing.dtype)


def has_few_values(thing: Any) -> bool:
    """Return whether it has no more values than a mask has: two of any, or a few numbers of classes."""
    values = thing.detach().float().numpy(force=True) if isinstance(thing, torch.Tensor) else np.asarray(thing)
    found = np.unique(values)
    levels = found * 255 if found.dtype.kind == "f" and found[-1] <= 1 else found  # after ToTensor
    of_classes = bool(((levels < _CLASSES) | (levels == 255)).all())
    return len(found) <= (_FEW_CLASSES if of_classes else _FEW_VALUES)
