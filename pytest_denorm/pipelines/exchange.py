"""Channels that a pipeline exchanges, and that the project's own inverse turns back, as it is done for OpenCV."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from ..core.alone import alone
from ..core.colormap import ColorMap
from ..core.normalization import Normalization
from ..errors import DenormError, NormalizeNotFoundError
from .calls import as_function, call, channels_of, forward_of
from .located import Located
from .probe import FEW_DRAWS, measure
from .randomness import preserve_rng_state
from .resolve import locate_or_measure, located_as_measured
from .runner import Runner

__all__ = ["as_they_leave", "find", "order_in_words", "responses", "turned_back"]


def find(pipeline: Any, inverse: Any, images: Any = None) -> Located:
    """As :func:`~pytest_denorm.pipelines.measured.locate_or_measure`; what declares nothing and exchanges channels is
    a Normalize, too, where `inverse` turns them back. Its statistics are then listed for the channels as they leave.

    Args:
        images: the user's; what declares nothing is measured with as many channels.

    Raises:
        PipelineError, StatisticsError: as there.
    """
    try:
        return locate_or_measure(pipeline, channels_of(images), images)
    except NormalizeNotFoundError as error:
        found = error.measured
        if found is None:
            raise
        try:
            normalization = found.straightened.normalization()
        except DenormError:
            raise error from None  # more is wrong with it
        located = located_as_measured(pipeline, normalization)
        if turned_back(located, inverse, normalization.channels, found) is located:
            raise
        return located


def responses(
    forward: Callable[[Any], Any], inverse: Callable[[Any], Any], white: float, channels: int, dtype: torch.dtype
) -> torch.Tensor:
    """How much each channel that comes back (rows) answers to each channel of an image (columns).

    Raises:
        InverseError: one of them raises, or gives no image.
    """
    black = torch.zeros(channels, 10, 14, dtype=dtype)
    lit = []
    for channel in range(channels):
        image = black.clone()
        image[channel] = white
        lit.append(image)
    came = call(inverse, call(forward, [black, *lit], "pipeline").pictures, "inverse").pictures
    return torch.stack([(one.double() - came[0].double()).abs().mean(dim=(1, 2)) for one in came[1:]], dim=1)


def turned_back(located: Located, inverse: Any, channels: int, measured: ColorMap | None = None) -> Located:
    """The Normalize together with the exchange of channels around it, if `inverse` turns them back; else as it is.

    The statistics are then listed for the channels as they enter, and `order` is set.

    Args:
        measured: what the pipeline does, if that is known.
    """
    if located.call is None or channels < 2:
        return located
    forward = forward_of(located)
    try:
        with preserve_rng_state(), alone(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = responses(forward, inverse, located.normalization.pixel_max, channels, torch.float32)
            source = answer.argmax(dim=1).tolist()
            if source == sorted(source) or sorted(source) != list(range(channels)):
                return located
            measured = measured or measure(Runner(located.call, located, (channels,)), FEW_DRAWS)
    except DenormError:
        return located  # the checks tell it
    order = measured.order
    if order is None or len(order) != channels or any(order[j] != c for c, j in enumerate(source)):
        return located
    return _with_exchange(located, measured, order)


def _with_exchange(located: Located, measured: ColorMap, order: tuple[int, ...]) -> Located:
    """Channels change places before Normalize, or after it: as the statistics of each tell."""
    turn, listed = list(order), located.normalization.expand(len(order))
    run = located.apply or as_function(listed)
    straight = measured.straightened
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is odd about the statistics was told when they were found
        entering = _in_order(listed, [turn.index(channel) for channel in range(len(turn))])
        is_before = straight.difference(listed) <= straight.difference(_in_order(listed, turn))
    if is_before:
        return replace(located, normalization=entering, apply=lambda batch: run(batch[:, turn]), order=order)
    return replace(located, apply=lambda batch: run(batch)[:, turn], order=order)


def as_they_leave(located: Located) -> Normalization:
    """The statistics, listed for the channels as they leave the pipeline."""
    return located.normalization if located.order is None else _in_order(located.normalization, located.order)


def _in_order(given: Normalization, order: Sequence[int]) -> Normalization:
    return replace(given, mean=tuple(given.mean[c] for c in order), std=tuple(given.std[c] for c in order))


def order_in_words(order: tuple[int, ...]) -> str:
    """``reversed (RGB becomes BGR)``"""
    return "reversed (RGB becomes BGR)" if order == tuple(range(len(order)))[::-1] else f"in the order {order}"
