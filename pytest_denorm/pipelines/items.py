"""Where the pictures are in an item of a data set, and in a batch of a loader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
import PIL.Image
import torch

from ..errors import ImageError, ImageTypeError
from .conventions import KEYS
from .randomness import states_kept, states_put_back

__all__ = ["Batches", "is_indexed", "is_loader", "is_picture", "kept_while_read", "pictures_of"]

#: How many channels pictures have, where nothing else tells.
_CHANNELS = (1, 3, 4)

_ARRAYS = (torch.Tensor, np.ndarray)

#: Whether a thing is a picture, or several in one; it may be in a list of them.
Judge = Callable[[Any, bool], bool]


def is_indexed(source: Any) -> bool:
    """Whether items can be asked for by index. An IterableDataset inherits a ``__getitem__`` that only raises."""
    has_both = hasattr(source, "__getitem__") and hasattr(source, "__len__")
    return has_both and not isinstance(source, torch.utils.data.IterableDataset)


def is_loader(source: Any) -> bool:
    """Whether it gives batches of the items of a data set, or wraps what does."""
    if is_indexed(source) or isinstance(source, torch.utils.data.IterableDataset):
        return False
    return hasattr(source, "dataset") or hasattr(source, "loader")


def is_picture(thing: Any, listed: bool = False) -> bool:
    """Of what an item holds: a PIL picture, or a tensor or array with a height and a width."""
    return isinstance(thing, PIL.Image.Image) or (isinstance(thing, _ARRAYS) and thing.ndim >= 2)


def pictures_of(item: Any, judge: Judge = is_picture) -> list[Any]:
    """The pictures in an item: itself, the first of a tuple, all of a list that is in it, that under a key of a dict.

    Raises:
        ImageTypeError: there is none, or which one it is cannot be told.
    """
    several = isinstance(item, (tuple, list))
    found = _first(item, judge) if several else _held(item, judge)
    if found:
        return found
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


def _first(items: Sequence[Any], judge: Judge) -> list[Any]:
    for member in items:
        found = _held(member, judge)
        if found:
            return found
    return []


def _held(thing: Any, judge: Judge) -> list[Any]:
    """The pictures in a member of an item; none where it is something else."""
    if judge(thing, False):
        return [thing]
    if isinstance(thing, (tuple, list)):
        return [each for each in thing if judge(each, True)]
    return _under_a_key(thing, judge) if isinstance(thing, Mapping) else []


def _under_a_key(item: Mapping[Any, Any], judge: Judge) -> list[Any]:
    """Those under the surest key; under any, where only one holds a picture."""
    for key in KEYS:
        found = _held(item[key], judge) if key in item else []
        if found:
            return found
    keys = [key for key, value in item.items() if judge(value, False)]
    return [item[keys[0]]] if len(keys) == 1 else []


def _axes(thing: Any) -> int:
    return int(thing.ndim) if isinstance(thing, _ARRAYS) else -1


def _is_stack(thing: Any, listed: bool) -> bool:
    return _axes(thing) >= 3


def _kinds(item: Sequence[Any]) -> list[Any]:
    """What tells the members of an item from those of another thing."""
    known = (Mapping, (tuple, list))
    return [next((one for one in known if isinstance(member, one)), is_picture(member)) for member in item]


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
    """Those of a loader and its samplers, or of the loader that it wraps."""
    loaders = [source, getattr(source, "loader", None)]
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
            found = pictures_of(self._take(batch), _is_stack)
            return [picture for one in found for picture in (one if one.ndim == 3 else [one])]
        if self._are_items(batch):
            return [picture for item in batch for picture in pictures_of(self._take(item))]
        batch = self._take(batch)
        if isinstance(batch, (tuple, list)) and all(map(is_picture, batch)) and all(map(self._is_alone, batch)):
            return list(batch)
        found = pictures_of(batch, self._is_collated)
        return [picture for one in found for picture in (one if self._is_grey_stack(one) else [one])]

    @cached_property
    def _item(self) -> Any:
        """One of the data set; None where it cannot be had."""
        source = self._loader
        while not is_indexed(source) and (hasattr(source, "dataset") or hasattr(source, "loader")):
            source = source.dataset if hasattr(source, "dataset") else source.loader
        try:
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

    def _are_items(self, batch: Any) -> bool:
        """Whether it is a list of items, as of ``collate_fn=list``, rather than one of pictures and one of labels."""
        if not (isinstance(batch, (tuple, list)) and batch):
            return False
        if not all(isinstance(each, (tuple, list, Mapping)) for each in batch):
            return False
        if self._item is None:
            return isinstance(batch[0], Mapping) or (
                bool(_first(batch[0], is_picture)) and not all(map(is_picture, batch[0]))
            )
        if isinstance(self._item, (tuple, list)) and not any(isinstance(each, Mapping) for each in batch):
            kinds = _kinds(self._item)
            if any(_kinds(each) != kinds for each in batch):
                return False
            if len(set(kinds)) > 1 or len(batch) != len(kinds):
                return True
            forms = _forms(self._item)  # two pairs of pictures
            return _forms(batch[0]) == forms if len(set(forms)) > 1 else isinstance(batch, list)
        return isinstance(self._item, Mapping) and isinstance(batch[0], Mapping)

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
