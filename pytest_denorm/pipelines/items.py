"""Where the pictures are in an item of a data set, and in a batch of a loader.

An item may hold masks, boxes and labels beside the picture, in any order. Which of its members is the picture is told,
in turn, by

1. the class of torchvision's own tensors: an Image or a Video is one, a Mask and boxes are none;
2. the name in a dict: one that pictures usually have (:data:`KEYS`) is the surest, and one that masks, boxes and labels
   have (:data:`_OTHERS`) the last;
3. the form: bytes or floats with 3 or 4 channels, and PIL pictures in colour, are pictures; int64 and bool are masks;
4. what is beside it: one channel is a mask beside a picture in colour if it is bytes and that one floats, or has few
   values. Two axes of another size than what has three are boxes or one-hot labels.

Of members of a tuple that are equally good the first is taken; of those of a dict none, and the names are told. In a
batch of PyTorch's collate function each member has one more axis.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
import torch

from ..errors import ImageError, ImageTypeError
from .adapters.torchvision import said_to_be_picture
from .randomness import states_kept, states_put_back
from .reader import KEYS

__all__ = [
    "Batches",
    "are_alike",
    "data_set_of",
    "is_indexed",
    "is_loader",
    "is_picture",
    "kept_while_read",
    "pictures_of",
]

#: How many channels pictures have, where nothing else tells.
_CHANNELS = (1, 3, 4)

_ARRAYS = (torch.Tensor, np.ndarray)

#: Words in the names, in a dict, of what is beside a picture.
_OTHERS = frozenset(
    (
        *("annotation", "annotations", "bbox", "bboxes", "box", "boxes", "heatmap", "keypoints", "label", "labels"),
        *("mask", "masks", "seg", "segmentation", "target", "targets"),
    )
)
#: One channel of no more values is a mask: of any, and of numbers of classes, which are below that, and white.
_FEW_VALUES, _FEW_CLASSES, _CLASSES = 4, 8, 32

#: How sure it is that a member of an item is its picture.
_SURE, _LIKELY, _UNLIKELY = range(3)

#: Whether a thing is a picture, or several in one; it may be in a list of them.
Judge = Callable[[Any, bool], bool]


class _Held(NamedTuple):
    """The pictures that a member of an item is or holds, and how sure that is.

    Attributes:
        axes: of the first of them, if it is one picture.
        error: why these may not be told apart from something else.
    """

    pictures: list[Any]
    doubt: int
    axes: int = 3
    error: ImageError | None = None

    @property
    def size(self) -> tuple[int, ...]:
        """Height and width of the first."""
        first = self.pictures[0]
        if isinstance(first, PIL.Image.Image):
            return first.height, first.width
        channels_last = self.axes > 2 and _are_colours(first.shape[-1]) and not _are_colours(first.shape[-3])
        return tuple(first.shape[-3:-1] if channels_last else first.shape[-2:])


def is_indexed(source: Any) -> bool:
    """Whether items can be asked for by index. An IterableDataset inherits a ``__getitem__`` that only raises."""
    has_both = hasattr(source, "__getitem__") and hasattr(source, "__len__")
    return has_both and not isinstance(source, torch.utils.data.IterableDataset)


def is_loader(source: Any) -> bool:
    """Whether it gives batches of the items of a data set, or wraps what does."""
    if is_indexed(source) or isinstance(source, torch.utils.data.IterableDataset):
        return False
    return _read_by(source) is not None


def data_set_of(source: Any) -> Any:
    """What a loader reads its items from, through all that is around it; a data set itself."""
    return list(_chain(source))[-1]


def _chain(source: Any) -> Iterator[Any]:
    """A loader that wraps another one, the other, and so on to the data set."""
    while source is not None:
        yield source
        source = None if hasattr(type(source), "__getitem__") else _read_by(source)


def _read_by(loader: Any) -> Any | None:
    """The data set or the loader that a loader reads: by its usual name, or the one DataLoader that it keeps."""
    for name in ("dataset", "loader"):
        if hasattr(loader, name):
            return getattr(loader, name)
    kept = [one for one in getattr(loader, "__dict__", {}).values() if isinstance(one, torch.utils.data.DataLoader)]
    return kept[0] if len(kept) == 1 else None


def is_picture(thing: Any, listed: bool = False) -> bool:
    """Of what an item holds: a PIL picture, or a tensor or array with a height and a width."""
    return isinstance(thing, PIL.Image.Image) or (isinstance(thing, _ARRAYS) and thing.ndim >= 2)


def pictures_of(item: Any, judge: Judge = is_picture, stacked: bool = False) -> list[Any]:
    """The pictures in an item: itself, that in a tuple, all of a list that is in it, that under a key of a dict.

    Args:
        item: of a data set, or a batch.
        judge: what can be a picture, or several in one.
        stacked: pictures and masks have an axis more than in an item.

    Raises:
        ImageTypeError: there is none, or which one it is cannot be told.
        ImageError: as `judge` does.
    """
    if judge(item, False):
        return [item]
    several = isinstance(item, (tuple, list))
    found = _surest([_held(each, judge, stacked) for each in (item if several else [item])])
    if found:
        if found[0].error is not None:
            raise found[0].error
        return found[0].pictures
    if several:
        content = ", ".join(type(element).__name__ for element in item)
        raise ImageTypeError(f"no picture is in a {type(item).__name__} of ({content})")
    if isinstance(item, Mapping):
        keys = [key for key, value in item.items() if judge(value, False)]
        usual = f"none of its values looks like one; usual keys are {', '.join(KEYS)}"
        found_instead = f"{len(keys)} of its values look like pictures" if keys else usual
        raise ImageTypeError(f"which of the keys {list(item)} is the picture? {found_instead}")
    shape = f" of shape {tuple(item.shape)}" if _axes(item) >= 0 else ""
    raise ImageTypeError(
        f"a {type(item).__module__}.{type(item).__qualname__}{shape} is no picture (expected a PIL picture, a tensor "
        f"or an array, or one in a tuple, a list or a dict)"
    )


def _held(thing: Any, judge: Judge, stacked: bool) -> _Held | None:
    """The pictures in a member of an item; None where it is something else."""
    if isinstance(thing, (tuple, list)):
        members = [each for each in (_judged(one, judge, True, False) for one in thing) if each is not None]
        best = min((each.doubt for each in members), default=_SURE)
        surest = [each for each in members if each.doubt == best]
        error = next((each.error for each in surest if each.error is not None), None)
        pictures = [each.pictures[0] for each in surest]
        return surest[0]._replace(pictures=pictures, error=error) if surest else None
    if isinstance(thing, Mapping):
        return _under_a_key(thing, judge, stacked)
    return _judged(thing, judge, False, stacked)


def _judged(thing: Any, judge: Judge, listed: bool, stacked: bool) -> _Held | None:
    error = None
    try:
        if not judge(thing, listed):
            return None
    except ImageError as raised:  # something else may be the picture
        error = raised
    axes = 3 if isinstance(thing, PIL.Image.Image) else thing.ndim - stacked
    return _Held([thing], _doubt(thing, axes), axes, error)


def _under_a_key(item: Mapping[Any, Any], judge: Judge, stacked: bool) -> _Held | None:
    """Those under the surest key; under any, where only one holds a picture, or one that is surer than the others."""
    for key in KEYS:
        found = _held(item[key], judge, stacked) if key in item else None
        if found is not None:
            return found._replace(doubt=_SURE) if found.doubt == _LIKELY else found
    members = []
    for key, value in item.items():
        found = None if isinstance(value, (tuple, list, Mapping)) else _held(value, judge, stacked)
        if found is not None:
            is_other = isinstance(key, str) and not _OTHERS.isdisjoint(re.split(r"[^a-z]+", key.lower()))
            members.append(found._replace(doubt=_UNLIKELY) if is_other else found)
    surest = _surest(members, in_order=False)
    return surest[0] if len(surest) == 1 else None


def _surest(members: Iterable[_Held | None], in_order: bool = True) -> list[_Held]:
    """Those that are most surely the picture.

    Args:
        in_order: the first of them is enough.
    """
    found = [each for each in members if each is not None]
    if len(found) > 1 and not (in_order and found[0].doubt == _SURE):
        found = _seen_together(found)
    best = min((each.doubt for each in found), default=_SURE)
    return [each for each in found if each.doubt == best]


def _seen_together(members: list[_Held]) -> list[_Held]:
    """The same, each as sure as it is beside the others."""
    sizes = {each.size for each in members if each.doubt < _UNLIKELY and each.axes > 2}
    sure = [each for each in members if each.doubt == _SURE]
    floats = bool(sure) and all(_is_of_floats(each.pictures[0]) for each in sure)
    return [each._replace(doubt=_beside(each, sizes, bool(sure), floats)) for each in members]


def _beside(member: _Held, sizes: set[tuple[int, ...]], has_sure: bool, of_floats: bool) -> int:
    """How sure it is beside what has channels, of such sizes, and what is surely a picture."""
    picture = member.pictures[0]
    if sizes and member.axes == 2 and member.size not in sizes:
        return _UNLIKELY
    if member.doubt != _LIKELY or not has_sure or _is_of_floats(picture) != of_floats or _has_few_values(picture):
        return member.doubt
    return _SURE  # a grey picture, of which the one in colour is to be made


def _doubt(thing: Any, axes: int) -> int:
    """Of something that can be a picture, by itself."""
    if isinstance(thing, PIL.Image.Image):
        return _UNLIKELY if thing.mode in ("1", "P", "PA") else _LIKELY if len(thing.getbands()) < 3 else _SURE
    said = said_to_be_picture(thing)
    if said is not None:
        return _SURE if said else _UNLIKELY
    kind = str(thing.dtype).rpartition(".")[2]
    if kind in ("bool", "int64"):
        return _UNLIKELY
    of_values = kind in ("uint8", "uint16") or "float" in kind
    in_colour = axes > 2 and (_are_colours(thing.shape[-3]) or _are_colours(thing.shape[-1]))
    return _SURE if in_colour and of_values else _LIKELY


def _are_colours(channels: int) -> bool:
    return channels in (3, 4)


def _is_of_floats(thing: Any) -> bool:
    return isinstance(thing, _ARRAYS) and "float" in str(thing.dtype)


def _has_few_values(thing: Any) -> bool:
    values = np.asarray(thing) if not isinstance(thing, torch.Tensor) else thing.detach().float().numpy(force=True)
    found = np.unique(values)
    levels = found * 255 if found.dtype.kind == "f" and found[-1] <= 1 else found  # after ToTensor
    of_classes = bool(((levels < _CLASSES) | (levels == 255)).all())
    return len(found) <= (_FEW_CLASSES if of_classes else _FEW_VALUES)


def _axes(thing: Any) -> int:
    return int(thing.ndim) if isinstance(thing, _ARRAYS) else -1


def _is_stack(thing: Any, listed: bool) -> bool:
    return _axes(thing) >= 3


def _kinds(item: Sequence[Any]) -> list[Any]:
    """What tells the members of an item from those of another thing."""
    known = (Mapping, (tuple, list))
    return [next((one for one in known if isinstance(member, one)), is_picture(member)) for member in item]


def are_alike(things: Sequence[Any]) -> bool:
    """Whether all are mappings that have keys in common, as items have, unlike one of pictures and one of labels."""
    return all(isinstance(one, Mapping) and not things[0].keys().isdisjoint(one.keys()) for one in things)


def _forms(item: Sequence[Any]) -> list[Any]:
    return [(_axes(member), getattr(member, "dtype", None)) for member in item]


@contextmanager
def kept_while_read(source: Any) -> Iterator[None]:
    """Looking at pictures must not change what a seeded training run draws afterwards: the random states are kept, and
    those of the generators of a loader."""
    with states_put_back():
        kept = [(generator, generator.get_state()) for generator in _generators(source)]
        try:
            yield
        finally:
            for generator, state in kept:
                generator.set_state(state)


def _generators(source: Any) -> list[torch.Generator]:
    """Those of a loader and its samplers, and of the loader that it wraps."""
    loaders = list(_chain(source))
    samplers = [getattr(loader, name, None) for loader in loaders for name in ("sampler", "batch_sampler")]
    owners = [*loaders, *samplers, *(getattr(sampler, "sampler", None) for sampler in samplers)]
    found = (getattr(owner, "generator", None) for owner in owners)
    return [generator for generator in found if isinstance(generator, torch.Generator)]


class Batches:
    """How the batches of a loader hold the pictures of its data set.

    PyTorch's own collate function gives each tensor one more axis, so (N, H, W) are grey pictures, and (N, K) is none.
    What another one makes of (H, W) or (C, H, W) is told by an item of the data set, which is read where it is needed.

    Args:
        loader: a DataLoader, or what gives its batches.
        take: where the pictures are in an item, and in a batch, if that is known.
        with_channels: tensors and arrays of three axes have one of channels.
    """

    def __init__(self, loader: Any, take: Callable[[Any], Any] = lambda item: item, with_channels: bool = False):
        data = torch.utils.data
        self._loader, self._take, self._with_channels = loader, take, with_channels
        self._single = self._stacked = False
        self._own = isinstance(loader, data.DataLoader)
        if self._own:
            self._single = loader.batch_sampler is None and not isinstance(loader.sampler, data.BatchSampler)
            self._stacked = loader.collate_fn is data.default_collate

    @property
    def single(self) -> bool:
        """They are items, as of a DataLoader with ``batch_size=None``."""
        return self._single

    def pictures(self, batch: Any) -> list[Any]:
        """The pictures of a batch: PIL pictures, and tensors and arrays of one, (H, W) or (C, H, W), or of several.

        Raises:
            ImageTypeError: there is none.
            ImageError: a tensor that may be several pictures or one.
        """
        if self._single:
            return pictures_of(self._take(batch))
        if self._stacked:
            found = pictures_of(self._followed(self._take(batch)), _is_stack, stacked=True)
            return [picture for one in found for picture in (one if one.ndim == 3 else [one])]
        if self._are_items(batch):
            return [picture for item in batch for picture in pictures_of(self._take(item))]
        batch = self._take(batch)
        if isinstance(batch, (tuple, list)) and all(map(is_picture, batch)) and all(map(self._is_alone, batch)):
            return list(batch)
        found = pictures_of(batch, self._is_collated, stacked=True)
        return [picture for one in found for picture in (one if self._is_grey_stack(one) else [one])]

    def is_stack(self, picture: torch.Tensor | np.ndarray[Any, Any]) -> bool:
        """Whether (N, C, H, W) is several pictures of a batch, and no clip (C, T, H, W) like those of the data set."""
        return not self._single and picture.ndim == 4 and _axes(self._usual) != 4

    @cached_property
    def _item(self) -> Any:
        """One of the data set; None where it cannot be had."""
        try:
            source = data_set_of(self._loader)
            with states_kept():
                return source[0] if is_indexed(source) else None
        except Exception:  # what is wrong with it is told where it is read in its turn
            return None

    @cached_property
    def _usual(self) -> Any:
        """A picture of the data set; None where it cannot be had."""
        try:
            return pictures_of(self._take(self._item))[0]
        except Exception:
            return None

    def _followed(self, batch: Any) -> Any:
        """The member of a batch that PyTorch's own collate function made of the pictures in the items: in a batch, a
        mask of torchvision's is a tensor like any other."""
        several = isinstance(batch, (tuple, list)) and sum(_held(one, _is_stack, True) is not None for one in batch) > 1
        return batch[self._place] if several and self._place is not None else batch

    @cached_property
    def _place(self) -> int | None:
        """Where in an item of the data set its picture is; None where that is not known."""
        try:
            item = self._take(self._item)
            first = pictures_of(item)[0]
        except Exception:
            return None
        if not isinstance(item, (tuple, list)):
            return None
        held = [_held(one, is_picture, False) for one in item]
        return next((i for i, one in enumerate(held) if one is not None and one.pictures[0] is first), None)

    def _are_items(self, batch: Any) -> bool:
        """Whether it is a list of items, as of ``collate_fn=list``, rather than one of pictures and one of labels."""
        if not (isinstance(batch, (tuple, list)) and batch):
            return False
        if not all(isinstance(each, (tuple, list, Mapping)) for each in batch):
            return False
        if self._item is None:
            return are_alike(batch) or (
                any(_held(each, is_picture, False) for each in batch[0]) and not all(map(is_picture, batch[0]))
            )
        if isinstance(self._item, (tuple, list)) and not any(isinstance(each, Mapping) for each in batch):
            kinds = _kinds(self._item)
            if any(_kinds(each) != kinds for each in batch):
                return False
            if len(set(kinds)) > 1 or len(batch) != len(kinds):
                return True
            forms = _forms(self._item)  # two pairs of pictures
            return _forms(batch[0]) == forms if len(set(forms)) > 1 else isinstance(batch, list)
        return isinstance(self._item, Mapping) and are_alike(batch)

    def _is_alone(self, thing: Any) -> bool:
        """Whether one of a list is one picture, rather than a batch beside another one."""
        axes = _axes(thing)
        if axes < 0:
            return True
        if axes == 2 and isinstance(self._usual, PIL.Image.Image):
            return len(self._usual.getbands()) == 1
        usual = max(3, _axes(self._usual)) if _axes(self._usual) != 2 else 2
        return axes == usual and (axes != 3 or self._has_channels(thing, _CHANNELS))

    def _is_grey_stack(self, thing: Any) -> bool:
        """Several pictures, each without an axis of channels."""
        return _axes(thing) == 3 and _axes(self._usual) == 2

    def _is_collated(self, thing: Any, listed: bool) -> bool:
        """Whether a member of a batch is a picture or several.

        Raises:
            ImageError: which of both cannot be told.
        """
        axes = _axes(thing)
        if axes == 2 and not listed:
            return _axes(self._usual) == 2 and thing.shape == self._usual.shape
        if axes == 2:
            return self._is_alone(thing)
        guessed = _CHANNELS if listed or not self._own else ()
        if axes != 3 or self._is_grey_stack(thing) or self._has_channels(thing, guessed):
            return axes >= 3 or isinstance(thing, PIL.Image.Image)
        raise ImageError(
            f"a batch holds a {type(thing).__name__} of shape {tuple(thing.shape)}, which may be {len(thing)} grey "
            f"pictures or one picture: expected (N, C, H, W). Let collate_fn stack pictures with a channel axis, give "
            f"the data set instead of the loader, or say channel_axis= if it is one picture."
        )

    def _has_channels(self, thing: Any, guessed: Sequence[int]) -> bool:
        """Whether as many channels as the pictures of the data set have are first or last; or one, or `guessed`."""
        if self._with_channels:
            return True
        expected: Sequence[int] = guessed
        if isinstance(self._usual, PIL.Image.Image):
            expected = (1, len(self._usual.getbands()))
        elif _axes(self._usual) >= 3:
            first, last = self._usual.shape[-3], self._usual.shape[-1]
            expected = (1, last if last in _CHANNELS and first not in _CHANNELS else first)
        return thing.shape[-3] in expected or (thing.shape[-1] in expected and thing.shape[-1] in _CHANNELS)
