"""What a data set or a loader gives, held against what left Normalize: every image of several items, and a batch."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ..core.normalization import Normalization
from ..core.text import count_of
from ..pipelines.batches import data_set_of, is_indexed, kept_while_read, loader_with_collate
from ..pipelines.reader import has_few_values, images_in
from .afterwards import refuse_changed_pixels
from .outcome import CheckFailure
from .sighting import Sighting, channels_first
from .stages import pixels_of

__all__ = ["refuse_changed_batch", "refuse_changed_items", "refuse_fixed_patch"]

#: Words in the names of what is kept as it was.
_KEPT_RAW = frozenset(
    ("clean", "gt", "label", "labels", "orig", "original", "raw", "target", "targets", "unnormalized")
)
#: A smaller share of an image is no part of it that is left out, and a larger one may be all of it, moved.
_PATCH, _MOVED = 0.02, 0.75
#: So many items make a batch.
_FEWEST, _MOST = 2, 4


def refuse_changed_items(
    seen: Sequence[Sighting], declared: Normalization, turned_back: tuple[int, ...] | None
) -> None:
    """Hold every image of several items against what left Normalize.

    Raises:
        CheckFailure: it was changed; or one of the images of an item did not meet the Normalize, or is a mask that did.
    """
    for one in seen:
        refuse_changed_pixels(one, declared.expand(one.channels), turned_back)
    refuse_fixed_patch(seen)
    items = [list(each) for _, each in itertools.groupby(seen, key=lambda one: id(one.trace))]
    for each in items:
        _refuse_raw_view(each, declared)
    _refuse_mask(items)


def refuse_fixed_patch(seen: Sequence[Sighting]) -> None:
    """Chance erases another part of each image.

    Raises:
        CheckFailure: the same part of several images is replaced.
    """
    parts = [_changed(one) for one in seen]
    for one, other in itertools.pairwise([part for part in parts if part is not None]):
        if one.shape == other.shape and bool((one == other).all()) and _PATCH <= float(one.float().mean()) <= _MOVED:
            rows = one.any(dim=1).nonzero().flatten()
            columns = one.any(dim=0).nonzero().flatten()
            raise CheckFailure(
                f"the same {float(one.float().mean()):.0%} of the pixels of several images (rows {int(rows.min())} to "
                f"{int(rows.max())}, columns {int(columns.min())} to {int(columns.max())}) are changed after they left "
                f"Normalize: nothing brings them back. Chance erases another part of each."
            )


def _changed(one: Sighting) -> torch.Tensor | None:
    """Which pixels (H, W) are others in the end than left Normalize; None where none are, or the size is another."""
    if one.leaving is None or one.final is None or one.final.shape != one.leaving.shape:
        return None
    changed = (one.final != one.leaving).flatten(0, -3).any(dim=0)
    return changed if bool(changed.any()) else None


def _refuse_raw_view(seen: Sequence[Sighting], declared: Normalization) -> None:
    """
    Raises:
        CheckFailure: beside images that met the Normalize, an item has one that is as it entered.
    """
    entered = [_in_order(one.entering) for one in seen if one.does_something]
    result = seen[0].trace.result if entered and seen[0].trace is not None else None
    given = [channels_first(image, declared) for image in _unnamed(result)]
    raw = sum(
        any(torch.equal(_in_order(image), one) for one in entered if one.numel() == image.numel())
        for image in given
        if image is not None
    )
    if raw:
        raise CheckFailure(
            f"of {count_of(len(given), 'image')} in an item, {raw} did not meet the Normalize, and has the values that "
            f"entered it: expected all views to be normalized alike. Put the Normalize into its branch, too; or give "
            f"the raw one in a dict, under a name that says so.",
            raw=raw,
        )


def _in_order(image: torch.Tensor) -> torch.Tensor:
    """The values, in whatever places."""
    return image.double().flatten().sort().values


def _unnamed(result: Any) -> Iterator[Any]:
    """The images in what was given, but for those under a name of what is kept as it was."""
    if isinstance(result, Mapping):
        for key, value in result.items():
            if _KEPT_RAW.isdisjoint(re.split(r"[^a-z]+", str(key).lower())):
                yield from _unnamed(value)
    elif isinstance(result, (tuple, list)):
        for one in result:
            yield from _unnamed(one)
    else:
        yield from images_in(result)


def _refuse_mask(seen: Sequence[Sequence[Sighting]]) -> None:
    """
    Raises:
        CheckFailure: beside each image that meets the Normalize, something of a few values does, too.
    """
    few = [[has_few_values(one.entering) for one in each] for each in seen]
    if few and all(len(set(each)) > 1 for each in few):
        at = few[0].index(True)
        values = np.unique(pixels_of(seen[0][at].entering))
        raise CheckFailure(
            f"of {len(few[0])} images in an item that meet the Normalize, one is a mask: it has {len(values)} values, "
            f"and after Normalize they are no numbers of classes any more. Normalize the image alone."
        )


def refuse_changed_batch(loader: Any, declared: Normalization, turned_back: tuple[int, ...] | None) -> None:
    """Hold the images of the batch that the collate function makes of a few items against these items.

    Raises:
        CheckFailure: they were changed.
    """
    own = loader_with_collate(loader)
    if own is None:
        return
    with kept_while_read(loader):
        items = list(itertools.islice(_items(data_set_of(own)), min(max(own.batch_size or _FEWEST, _FEWEST), _MOST)))
        before = [_images(item, declared) for item in copy.deepcopy(items)]
        try:
            batch = _images(own.collate_fn(items), declared)
        except Exception:  # other checks run the loader, and tell it
            return
    for index, (one, other) in enumerate(_paired(before, batch)):
        seen = Sighting(one, one, final=_cut_to(one, other), is_own=True)
        try:
            refuse_changed_pixels(seen, declared.expand(seen.channels), turned_back)
        except CheckFailure as failure:
            name = getattr(own.collate_fn, "__qualname__", type(own.collate_fn).__qualname__)
            said = str(failure).replace("leaves the pipeline", "is in the batch").replace("leave the pipeline", "are")
            raise CheckFailure(f"image {index} of the batch that {name} makes: {said}", **failure.details) from failure


def _items(source: Any) -> Iterator[Any]:
    return (source[index] for index in range(len(source))) if is_indexed(source) else iter(source)


def _images(thing: Any, declared: Normalization) -> list[torch.Tensor]:
    """Of an item or a batch, (..., C, H, W) each, with as many channels as there are statistics."""
    found = [one for one in (channels_first(image, declared) for image in images_in(thing)) if one is not None]
    return [one for one in found if declared.channels in (1, one.shape[-3])]


def _paired(items: list[list[torch.Tensor]], batch: list[torch.Tensor]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Each image of the items with what it is in the batch; none where that cannot be told."""
    if len({len(images) for images in items}) != 1:
        return []
    if all(one.ndim > items[0][0].ndim and len(one) == len(items) for one in batch) and len(batch) == len(items[0]):
        batch = [one[index] for index in range(len(items)) for one in batch]
    before = list(itertools.chain(*items))
    return list(zip(before, batch, strict=True)) if len(before) == len(batch) else []


def _cut_to(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The same without its padding, at the right and below or all around, where it is larger."""
    height, width = one.shape[-2:]
    rows, columns = other.shape[-2] - height, other.shape[-1] - width
    if min(rows, columns) < 0 or not (rows or columns):
        return other
    corner = other[..., :height, :width]
    middle = other[..., rows // 2 : rows // 2 + height, columns // 2 : columns // 2 + width]
    return middle if torch.equal(middle, one) else corner
