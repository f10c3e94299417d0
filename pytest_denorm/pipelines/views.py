"""Several pictures that a pipeline makes of one, as crops are: has each of them met the Normalize?"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from ..core.normalization import Normalization
from .conventions import CONVENTIONS, Outcome
from .flat_images import flat
from .probing import OF_KIND, SIZES, independent, one_thread
from .randomness import states_kept
from .splits import BEYOND, makes_black_negative

__all__ = ["Views", "views"]


class Views(NamedTuple):
    """Pictures that came of a black one.

    Attributes:
        normalized: so many have values below 0, as Normalize gives them.
        raw: so many are black as they entered.
        listed: they are in a list, as views of one picture are; what is not alike is in a tuple or under names.
    """

    normalized: int
    raw: int
    listed: bool


def views(call: Callable[..., Any] | None, normalization: Normalization) -> Views | None:
    """What a pipeline makes of a black picture; None where it is not called, or black tells nothing of Normalize.

    Pictures of integers, of another number of channels or of other values are none of its views.
    """
    if call is None or not makes_black_negative(normalization):
        return None
    call, black, waiting = independent(call), (0,) * normalization.channels, list(CONVENTIONS)
    with states_kept(), one_thread(), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        for size in SIZES:
            for convention in waiting.copy():
                try:
                    outcome = convention.run(call, flat(black, size))
                except OF_KIND:
                    waiting.remove(convention)
                    continue
                except Exception:  # larger pictures may fare better
                    continue
                found = _judged(outcome, normalization.channels)
                if found.normalized:
                    return found
    return None


def _judged(outcome: Outcome, channels: int) -> Views:
    normalized = raw = 0
    for index in range(len(outcome.pictures)):
        pixels = outcome.pixels(index)
        if pixels is None or pixels.ndim < 3 or channels not in (pixels.shape[-3], pixels.shape[-1]):
            continue
        if "float" not in outcome.dtype(index):
            continue
        normalized += bool(pixels.min() < -BEYOND)
        raw += bool(np.abs(pixels).max() <= BEYOND)
    result = outcome.result[0] if isinstance(outcome.result, tuple) and outcome.result else outcome.result
    return Views(normalized, raw, isinstance(result, list))
