"""White in the pictures that enter a Normalize which cannot say for which pictures its statistics are."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..alone import alone
from .conventions import CONVENTIONS, Convention, pictures_in
from .items import data_set_of
from .probing import independent
from .randomness import states_kept
from .walk import Located, declared, is_dataset
from .watching import Entered, recorded

__all__ = ["BRIGHT", "in_units_seen", "is_of_bytes"]

#: Values that no picture in 0..1 has, and that no picture in 0..255 goes beyond, resized or not.
BRIGHT, _WHITEST = 4.0, 256.0
#: Height and width of what is sent through: more than any usual crop.
_SIZE = (384, 512)


def in_units_seen(pipeline: Any, located: Located) -> Located:
    """A Normalize whose white is taken to be 1, with white at 255 if bytes are seen to enter it.

    A pipeline that takes floats and bytes alike is meant for those that its statistics fit: so this is for statistics
    that are not of pictures in 0..1.
    """
    if located.normalization.pixel_max != 1 or located.op is pipeline:
        return located
    if not any(is_of_bytes(picture) for picture in _entering(pipeline, located)):
        return located
    return replace(located, normalization=replace(located.normalization, pixel_max=255.0))


def is_of_bytes(picture: torch.Tensor | np.ndarray[Any, Any]) -> bool:
    """Whether a picture is in 0..255."""
    return BRIGHT < float(picture.max()) <= _WHITEST


def _entering(pipeline: Any, located: Located) -> Iterator[Any]:
    """The pictures that come as far as the Normalize: of a data set's first item, and in every usual form."""
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if is_dataset(pipeline):
            yield from _stopped(located, _first_item, pipeline)
        call = independent(located.call)
        if not callable(call):
            return
        channels = located.normalization.channels
        levels = np.random.default_rng(0).integers(0, 256, (*_SIZE, 3 if channels == 1 else channels), dtype=np.uint8)
        inside = declared(call)
        for convention in CONVENTIONS:
            yield from _stopped(inside, _run, convention, call, levels)


def _run(convention: Convention, call: Any, levels: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    convention.hand_over(call, convention.form(levels))


def _first_item(source: Any) -> None:
    """By its index: what can be read once is not used up."""
    data_set_of(source)[0]


def _stopped(located: Located, run: Any, *arguments: Any) -> Iterator[Any]:
    """The pictures that entered while this ran, as far as the Normalize and no further."""
    try:
        with states_kept(), torch.no_grad(), recorded(located, stop=True):
            run(*arguments)
    except Entered as entered:
        floats = (one for one in pictures_in(entered.picture) if isinstance(one, (torch.Tensor, np.ndarray)))
        yield from (one for one in floats if "float" in str(one.dtype))
    except Exception:  # not the way it is called, or it cannot be watched
        return
