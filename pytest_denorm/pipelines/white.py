"""White in the pictures that enter a Normalize which cannot say for which pictures its statistics are."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from ..core.alone import alone
from ..core.normalization import Normalization
from .conventions import CONVENTIONS, Convention, Levels, pictures_in
from .items import data_set_of
from .probing import independent
from .randomness import states_kept
from .walk import Located, declared, is_dataset
from .watching import Entered, recorded

__all__ = ["BRIGHT", "WHITES", "in_units_seen", "usual_white"]

#: A value that no picture in 0..1 has.
BRIGHT = 4.0
#: White of bytes; and of these, 10, 12, 14 and 16 bits.
_BYTES = 255.0
WHITES = (_BYTES, 1023.0, 4095.0, 16383.0, 65535.0)
#: How far resized bytes go beyond white, bicubic and in floats; and how near to white shifted ones come: 255 << 8.
_OVERSHOT, _NEARLY = 1.25, 0.99
#: So many items of a data set are looked at: a single one may be dark.
_FEW_ITEMS = 4
#: Height and width of what is sent through: more than any usual crop.
_SIZE = (384, 512)


def in_units_seen(pipeline: Any, located: Located) -> Located:
    """A Normalize whose white is taken to be 1, with white where the pictures that are seen to enter it have it.

    A pipeline that takes floats and bytes alike is meant for those that its statistics fit: so this is for statistics
    that are not of pictures in 0..1. Seen are pictures of its own, if it is a data set, and else bytes.
    """
    if located.normalization.pixel_max != 1 or located.op is pipeline:
        return located
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        highest = max(map(_highest, _own(pipeline, located)), default=0.0) if is_dataset(pipeline) else 0.0
        if highest > BRIGHT:
            white = _white_of_own(highest, located.normalization)
        else:
            white = next(filter(None, map(_white_of_form, map(_highest, _in_usual_forms(located)))), None)
    if white is None:
        return located
    return replace(located, normalization=replace(located.normalization, pixel_max=white))


def usual_white(highest: float) -> float | None:
    """The least usual white that values do not go beyond, resized or not; None for those in 0..1."""
    return next((white for white in WHITES if BRIGHT < highest <= white + 1), None)


def _white_of_own(highest: float, normalization: Normalization) -> float | None:
    """Of a data set whose first pictures go so high: others may be brighter, and the statistics say how bright."""
    most = max(mean + std for mean, std in zip(normalization.mean, normalization.std, strict=True))
    if most <= _BYTES and highest <= _OVERSHOT * _BYTES:
        return _BYTES
    return usual_white(max(highest, most) if highest > _BYTES + 1 else highest)


def _white_of_form(highest: float) -> float | None:
    """Of a picture that is black and white in part: what goes beyond bytes reaches white, but for the last bits."""
    white = usual_white(highest)
    return white if white == _BYTES or (white is not None and highest > _NEARLY * white) else None


def _highest(picture: torch.Tensor | np.ndarray[Any, Any]) -> float:
    return float(picture.max())


def _own(source: Any, located: Located) -> Iterator[Any]:
    """What enters of a data set's first items, asked for by index: what can be read once is not used up."""
    for index in range(_FEW_ITEMS):
        yield from _stopped(located, partial(_item, source, index))


def _item(source: Any, index: int) -> None:
    data_set_of(source)[index]


def _in_usual_forms(located: Located) -> Iterator[Any]:
    """What enters of a picture of all levels of bytes."""
    call = independent(located.call)
    if not callable(call):
        return
    channels = located.normalization.channels
    levels = np.random.default_rng(0).integers(0, 256, (*_SIZE, 3 if channels == 1 else channels), dtype=np.uint8)
    inside = declared(call)
    for convention in CONVENTIONS:
        yield from _stopped(inside, partial(_run, convention, call, levels))


def _run(convention: Convention, call: Any, levels: Levels) -> None:
    convention.hand_over(call, convention.form(levels))


def _stopped(located: Located, run: Callable[[], Any]) -> Iterator[Any]:
    """The pictures that entered while this ran, as far as the Normalize and no further."""
    try:
        with states_kept(), torch.no_grad(), recorded(located, stop=True):
            run()
    except Entered as entered:
        floats = (one for one in pictures_in(entered.picture) if isinstance(one, (torch.Tensor, np.ndarray)))
        yield from (one for one in floats if "float" in str(one.dtype))
    except Exception:  # not the way it is called, or it cannot be watched
        return
