"""How a loader holds the images of its data set: what its data set is, and what its batches are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any

import torch

from ..core.foreign import attribute
from ..core.layout import LAST, USUAL, channel_axis, fitting_axes, is_clip
from ..errors import ImageError
from .randomness import preserve_rng_state, states_put_back
from .reader import axes_of, candidate_of, images_of, is_image, is_pil

__all__ = [
    "Batches",
    "are_alike",
    "data_set_of",
    "is_indexed",
    "is_loader",
    "is_stack",
    "kept_while_read",
    "loader_with_collate",
]


def is_indexed(source: Any) -> bool:
    """Return whether items can be asked for by index: an IterableDataset has a ``__getitem__`` that only raises."""
    has_both = hasattr(type(source), "__getitem__") and hasattr(type(source), "__len__")
    return has_both and not isinstance(source, torch.utils.data.IterableDataset)


def is_loader(source: Any) -> bool:
    """Return whether it gives batches of the items of a data set, or wraps what does."""
    if is_indexed(source) or isinstance(source, torch.utils.data.IterableDataset):
        return False
    return _read_by(source) is not None


def data_set_of(source: Any) -> Any:
    """Return what a loader reads its items from, through all that is around it; a data set itself."""
    return list(_chain(source))[-1]


def loader_with_collate(source: Any) -> Any | None:
    """Return the DataLoader of a loader, if its batches are made by a collate function of somebody's own; else None."""
    data = torch.utils.data
    own = next((one for one in _chain(source) if isinstance(one, data.DataLoader)), None)
    if own is None or own.batch_sampler is None or own.collate_fn is data.default_collate:
        return None
    return own


def _chain(source: Any) -> Iterator[Any]:
    """Yield a loader that wraps another one, the other, and so on to the data set."""
    seen: set[int] = set()
    while source is not None and id(source) not in seen:
        seen.add(id(source))
        yield source
        source = None if hasattr(type(source), "__getitem__") else _read_by(source)


def _read_by(loader: Any) -> Any | None:
    """Return the data set or the loader that a loader reads: by its usual name, or the one DataLoader that it keeps."""
    for name in ("dataset", "loader"):
        if (found := attribute(loader, name)) is not None:
            return found
    members = attribute(loader, "__dict__")
    held = members.values() if isinstance(members, dict) else ()
    kept = [one for one in held if isinstance(one, torch.utils.data.DataLoader)]
    return kept[0] if len(kept) == 1 else None


@contextmanager
def kept_while_read(source: Any) -> Iterator[None]:
    """Keep the random states, and those of the generators of a loader, as they were before `source` is read.

    Looking at images must not change what a seeded training run draws afterwards.
    """
    with states_put_back():
        kept = [(generator, generator.get_state()) for generator in _generators(source)]
        try:
            yield
        finally:
            for generator, state in kept:
                generator.set_state(state)


def _generators(source: Any) -> list[torch.Generator]:
    """Return those of a loader and its samplers, and of the loader that it wraps."""
    loaders = list(_chain(source))
    samplers = [attribute(loader, name) for loader in loaders for name in ("sampler", "batch_sampler")]
    owners = [*loaders, *samplers, *(attribute(sampler, "sampler") for sampler in samplers)]
    found = (attribute(owner, "generator") for owner in owners)
    return [generator for generator in found if isinstance(generator, torch.Generator)]


def is_stack(thing: Any, listed: bool = False) -> bool:
    """Return whether a member of a batch of PyTorch's own collate function holds images, (N, H, W) or (N, C, H, W)."""
    return axes_of(thing) >= 3


def are_alike(things: Sequence[Any]) -> bool:
    """Return whether all are mappings with keys in common, as items are, unlike one of images and one of labels."""
    return all(isinstance(one, Mapping) and not things[0].keys().isdisjoint(one.keys()) for one in things)


def _kinds(item: Sequence[Any]) -> list[Any]:
    """Return what tells the members of an item from those of another thing."""
    known = (Mapping, (tuple, list))
    return [next((one for one in known if isinstance(member, one)), is_image(member)) for member in item]


def _forms(item: Sequence[Any]) -> list[Any]:
    return [(axes_of(member), getattr(member, "dtype", None)) for member in item]


class Batches:
    """How the batches of a loader hold the images of its data set.

    PyTorch's own collate function gives each tensor one more axis, so (N, H, W) are grey images, and (N, K) is none.
    What another one makes of (H, W) or (C, H, W) is told by an item of the data set, which is read where it is needed.

    Args:
        loader: a DataLoader, or what gives its batches.
        take: where the images are in an item, and in a batch, if that is known.
        with_channels: tensors and arrays of three axes have one of channels.
        first: take the first of members that are equally good.
    """

    def __init__(
        self,
        loader: Any,
        take: Callable[[Any], Any] = lambda item: item,
        *,
        with_channels: bool = False,
        first: bool = False,
    ):
        data = torch.utils.data
        self._loader, self._take, self._with_channels = loader, take, with_channels
        self._images_of = partial(images_of, first=first)
        self._single = self._stacked = False
        self._own = isinstance(loader, data.DataLoader)
        if self._own:
            self._single = loader.batch_sampler is None and not isinstance(loader.sampler, data.BatchSampler)
            self._stacked = loader.collate_fn is data.default_collate

    @property
    def single(self) -> bool:
        """Whether they are items, as of a DataLoader with ``batch_size=None``."""
        return self._single

    def images(self, batch: Any) -> list[Any]:
        """Return the images of a batch: PIL images, and tensors and arrays of one, (H, W) or (C, H, W), or of several.

        Raises:
            ImageTypeError: there is none, or two members are equally good.
            ImageError: a tensor that may be several images or one.
        """
        if self._single:
            return self._images_of(self._take(batch))
        if self._stacked:
            found = self._images_of(self._followed(self._take(batch)), judge=is_stack, stacked=True)
            return [image for one in found for image in (one if one.ndim == 3 else [one])]
        if self._are_items(batch):
            return [image for item in batch for image in self._images_of(self._take(item))]
        batch = self._take(batch)
        if isinstance(batch, (tuple, list)) and all(map(is_image, batch)) and all(map(self._is_alone, batch)):
            return list(batch)
        found = self._images_of(batch, judge=self._is_collated, stacked=True)
        return [image for one in found for image in (one if self._is_grey_stack(one) else [one])]

    def is_stack(self, image: Any) -> bool:
        """Return whether (N, C, H, W) is several images of a batch, and no clip (C, T, H, W) like the data set's."""
        if self._single or axes_of(image) != 4:
            return False
        return not is_clip(image.shape) or axes_of(self._usual) != 4

    @cached_property
    def _item(self) -> Any:
        """One of the data set; None where it cannot be had."""
        try:
            source = data_set_of(self._loader)
            with preserve_rng_state():
                return source[0] if is_indexed(source) else None
        except Exception:  # what is wrong with it is told where it is read in its turn
            return None

    @cached_property
    def _usual(self) -> Any:
        """An image of the data set; None where it cannot be had."""
        try:
            return self._images_of(self._take(self._item))[0]
        except Exception:
            return None

    def _followed(self, batch: Any) -> Any:
        """Return the member of a batch that PyTorch's own collate function made of the images in the items: in a batch,
        a mask of torchvision's is a tensor like any other."""
        several = isinstance(batch, (tuple, list)) and sum(
            candidate_of(one, is_stack, True) is not None for one in batch
        )
        return batch[self._place] if several > 1 and self._place is not None else batch

    @cached_property
    def _place(self) -> int | None:
        """Where in an item of the data set its image is; None where that is not known."""
        try:
            item = self._take(self._item)
            first = self._images_of(item)[0]
        except Exception:
            return None
        if not isinstance(item, (tuple, list)):
            return None
        held = [candidate_of(one) for one in item]
        return next((i for i, one in enumerate(held) if one is not None and one.images[0] is first), None)

    def _are_items(self, batch: Any) -> bool:
        """Return whether it is a list of items, as of ``collate_fn=list``, not one of images and one of labels."""
        if not (isinstance(batch, (tuple, list)) and batch):
            return False
        if not all(isinstance(each, (tuple, list, Mapping)) for each in batch):
            return False
        if self._item is None:
            return are_alike(batch) or (
                any(candidate_of(each) is not None for each in batch[0]) and not all(map(is_image, batch[0]))
            )
        if isinstance(self._item, (tuple, list)) and not any(isinstance(each, Mapping) for each in batch):
            kinds = _kinds(self._item)
            if any(_kinds(each) != kinds for each in batch):
                return False
            if len(set(kinds)) > 1 or len(batch) != len(kinds):
                return True
            forms = _forms(self._item)  # two pairs of images
            return _forms(batch[0]) == forms if len(set(forms)) > 1 else isinstance(batch, list)
        return isinstance(self._item, Mapping) and are_alike(batch)

    def _is_alone(self, thing: Any) -> bool:
        """Return whether one of a list is one image, rather than a batch beside another one."""
        axes = axes_of(thing)
        if axes < 0:
            return True
        if axes == 2 and is_pil(self._usual):
            return len(self._usual.getbands()) == 1
        usual = max(3, axes_of(self._usual)) if axes_of(self._usual) != 2 else 2
        return axes == usual and (axes != 3 or self._has_channels(thing, USUAL))

    def _is_grey_stack(self, thing: Any) -> bool:
        """Return whether it is several images, each without an axis of channels."""
        return axes_of(thing) == 3 and axes_of(self._usual) == 2

    def _is_collated(self, thing: Any, listed: bool) -> bool:
        """Return whether a member of a batch is an image or several.

        Raises:
            ImageError: which of both cannot be told.
        """
        axes = axes_of(thing)
        if axes == 2 and not listed:
            return axes_of(self._usual) == 2 and thing.shape == self._usual.shape
        if axes == 2:
            return self._is_alone(thing)
        guessed = USUAL if listed or not self._own else ()
        if axes != 3 or self._is_grey_stack(thing) or self._has_channels(thing, guessed):
            return axes >= 3 or is_pil(thing)
        raise ImageError(
            f"a batch holds a {type(thing).__name__} of shape {tuple(thing.shape)}, which may be {len(thing)} grey "
            f"images or one image: expected (N, C, H, W). Let collate_fn stack images with a channel axis, give the "
            f"data set instead of the loader, or pass channel_axis= if it is one image."
        )

    def _has_channels(self, thing: Any, guessed: Sequence[int]) -> bool:
        """Return whether as many channels as in the data set are first or last; or one, or `guessed`."""
        if self._with_channels:
            return True
        expected: Sequence[int] = guessed
        if is_pil(self._usual):
            expected = (1, len(self._usual.getbands()))
        elif axes_of(self._usual) >= 3:
            shape = self._usual.shape
            expected = (1, shape[-1] if channel_axis(shape) == LAST else shape[-3])
        fitting = fitting_axes(thing.shape, expected)
        return bool(fitting) and (fitting[0] != LAST or thing.shape[-1] in USUAL)
