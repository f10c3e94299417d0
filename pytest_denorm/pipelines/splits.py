"""Pipelines for the splits of a data set, side by side: does each of them normalize, where one does?

Members of a dict, of an object, or methods that make loaders, are alike where their names differ in the split alone:
``train`` and ``val``, ``train_transform`` and ``test_transform``, ``trainset`` and ``valset``, but not ``train`` and
``val_raw``. Data sets in a list are alike, too. Of two that are alike, one with a Normalize and one without, the second
may have been forgotten, unless

- another member of its split normalizes, or one that is of no split, and may be applied to all;
- it is seen to normalize all the same, in code that declares nothing.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from ..core.alone import alone
from ..core.normalization import Normalization
from ..core.white import BRIGHT
from ..errors import MissingNormalizeWarning
from .batches import data_set_of
from .located import Located, Missing
from .probe import measure
from .randomness import preserve_rng_state
from .reader import images_of
from .registry import Parts, describe, public_name
from .runner import Runner, is_network
from .structure import is_dataset, structure

__all__ = [
    "BEYOND",
    "SplitPart",
    "groups_of_splits",
    "makes_black_negative",
    "missing",
    "names_of_splits",
    "range_of_items",
    "warn_of_missing",
]

#: What splits are called; a name may go on with what they are of, such as ``trainset``.
_SPLIT = re.compile(
    r"(training|train|validation|valid|val|dev|evaluation|eval|testing|test|prediction|predict|inference)"
    r"(sets?|data|datasets?|ds|loaders?|dataloaders?|dl|transforms?|tfms?|tf)?"
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
#: Items of a data set that are looked at.
_FEW_ITEMS = 4
#: Calls that tell what chance does.
_FEW_DRAWS = 4
#: What raw images may be beyond 0 and white after resampling.
BEYOND = 0.01


def missing(parts: Parts, branches: Sequence[tuple[Any, ...]]) -> tuple[Missing, ...]:
    """The parts without a Normalize that are alike one that has it.

    Args:
        branches: what was found in each of `parts`.
    """
    found = [_Member(label, part, branch) for (label, part), branch in zip(parts.parts, branches, strict=True)]
    if all(re.fullmatch(r"\[\d+\]", one.label) and one.gives_images for one in found):
        return _without(found, named=False)
    of_splits = [one for one in found if one.split]
    in_splits = {id(each.op) for one in of_splits for each in one.branch}
    if any(id(each.op) not in in_splits for one in found if not one.split for each in one.branch):
        return ()
    normalized = {one.split for one in of_splits if one.branch}
    left_out: tuple[Missing, ...] = ()
    for rest in dict.fromkeys(one.rest for one in of_splits):
        alike = [one for one in of_splits if one.rest == rest and (one.branch or one.split not in normalized)]
        left_out += _without(alike, named=True)
    return left_out


def groups_of_splits(pipeline: Any) -> list[list[SplitPart]]:
    """Return what a dict, a list or an object keeps for the splits, what is alike together.

    Also what its methods make, if they make loaders: ``train_dataloader()`` and ``val_dataloader()``.
    """
    if is_dataset(pipeline) or (is_network(pipeline) and callable(pipeline)):
        return []
    description = describe(pipeline) or structure(pipeline)
    if not isinstance(description, Parts) or description.together != "views":
        return []
    groups = _groups(pipeline, description)
    if description.otherwise is not None:
        with contextlib.suppress(RuntimeError):  # not set up
            groups += _groups(pipeline, description.otherwise())
    return groups


def names_of_splits(names: Iterable[str]) -> list[list[str]]:
    """Return the names that differ in the split alone, those of each group in their order."""
    return [[one.label for one in group] for group in _alike(_Member(name, None, ()) for name in names)]


def _groups(pipeline: Any, description: Parts) -> list[list[SplitPart]]:
    root = public_name(pipeline).rpartition(".")[2]
    found = [_Member(label, part, ()) for label, part in description.parts]
    if all(re.fullmatch(r"\[\d+\]", one.label) and one.gives_images for one in found):
        return [[SplitPart(root + one.label, one.label, one.part) for one in found]] if len(found) > 1 else []
    alike = _alike(one for one in found if one.gives_images or one.takes_images)
    return [[SplitPart(root + one.label, one.split, one.part) for one in group] for group in alike]


def _alike(members: Iterable[_Member]) -> list[list[_Member]]:
    """Those for a split whose names differ in the split alone, where there are several."""
    alike: dict[tuple[str, ...], list[_Member]] = {}
    for one in members:
        if one.split:
            alike.setdefault(one.rest, []).append(one)
    return [group for group in alike.values() if len(group) > 1]


class SplitPart(NamedTuple):
    """What is kept for one split: where, for which, and the pipeline or the data set itself."""

    path: str
    split: str
    part: Any


class _Member:
    """A part, what was found in it, and what its name says: the split, if it is of one, and all else."""

    def __init__(self, label: str, part: Any, branch: tuple[Located, ...]) -> None:
        self.label, self.part, self.branch = label, part, branch
        words = [word.lower() for word in _WORD.findall(label)]
        matches = [(at, match) for at, word in enumerate(words) if (match := _SPLIT.fullmatch(word))]
        self.split, self.rest = "", tuple(words)
        if len(matches) == 1:
            at, match = matches[0]
            self.split, self.rest = match[1], (*words[:at], match[2] or "", *words[at + 1 :])

    @property
    def gives_images(self) -> bool:
        return is_dataset(self.part)

    @property
    def takes_images(self) -> bool:
        """As against classes and networks, which are called with something else."""
        return callable(self.part) and not isinstance(self.part, type) and not is_network(self.part)


def _without(found: Sequence[_Member], named: bool) -> tuple[Missing, ...]:
    with_one = next((one for one in found if one.branch), None)
    if with_one is None:
        return ()
    lack = [one for one in found if not one.branch and (one.gives_images or one.takes_images)]
    return tuple(Missing(one.label, with_one.label, one.part, with_one.branch[0], named) for one in lack)


def warn_of_missing(left_out: Sequence[Missing]) -> None:
    """
    Warns:
        MissingNormalizeWarning: of each that is not seen to normalize all the same.
    """
    for one in left_out:
        normalizes = _normalizes(one)
        if normalizes or (normalizes is None and not (one.named and is_dataset(one.part))):
            continue
        seen = "images in 0..white in" if normalizes is False else "nothing that says so in"
        warning = MissingNormalizeWarning(
            f"{one.path} has no Normalize, and {one.beside} beside it has one, {one.has.name} with "
            f"{one.has.normalization}: expected both to be normalized alike, found {seen} what {one.path} gives. Put "
            f"the same Normalize into it, or give {one.beside} alone.",
            sure=one.named and normalizes is False,
        )
        warnings.warn(warning, stacklevel=4)


def makes_black_negative(normalization: Normalization) -> bool:
    """Whether black leaves it so far below 0 that it cannot be mistaken for that of raw images."""
    return any(mean / std > BEYOND for mean, std in zip(normalization.mean, normalization.std, strict=True))


def _normalizes(one: Missing) -> bool | None:
    """Whether values below 0 leave a part, as they leave the Normalize beside it; None where that cannot be seen."""
    if not makes_black_negative(one.has.normalization):
        return None
    try:
        with alone(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            low, high = (range_of_items if is_dataset(one.part) else _of_colors)(one.part)
    except Exception:  # other checks tell what is wrong with it
        return None
    if low < -BEYOND:
        return True
    return False if high <= 1 + BEYOND or high > BRIGHT else None


def _of_colors(call: Any) -> tuple[float, float]:
    """What black and white become, the lowest and the highest."""
    measured = measure(Runner(call, others=True), _FEW_DRAWS)
    ends = [*measured.offset.tolist(), *(measured.offset + measured.matrix.sum(axis=1)).tolist()]
    return min(ends), max(ends)


def range_of_items(dataset: Any) -> tuple[float, float]:
    """Return the lowest and the highest value of the first images of a data set or a loader.

    Raises:
        ValueError: there is none.
        and all that reading it does.
    """
    source = data_set_of(dataset)
    if source is not dataset and getattr(dataset, "collate_fn", None) is not torch.utils.data.default_collate:
        raise ValueError("batches may be normalized by code of one's own")
    with preserve_rng_state():
        items = [source[index] for index in range(min(_FEW_ITEMS, len(source)))]
    images = [np.asarray(image) for item in items for image in images_of(item, first=True)]
    return float(min(one.min() for one in images)), float(max(one.max() for one in images))
