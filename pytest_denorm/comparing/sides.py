"""What can be compared: each thing that somebody may give becomes a side."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..core.alone import alone
from ..core.foreign import attribute
from ..core.normalization import PRESETS, Normalization, preset
from ..errors import DenormError, PipelineError, PipelineRaisedError, SettingsError, StatisticsError
from ..pipelines import Located, locate
from ..pipelines.registry import public_name
from .measuring import Side, at_normalize, declared_side, measured_side
from .serving import GUESSED, Serving
from .stored_statistics import as_config, normalization_of_config, read_config

__all__ = ["Given", "side_of"]

#: A module with more numbers than this in its parameters is a network; with fewer, they may be mean and std.
_FEW_NUMBERS = 64
#: What exported modules take, which have one size: (height, width).
_FIXED_SIZES = ((224, 224), (32, 32), (28, 28), (64, 64), (256, 256), (299, 299), (384, 384), (512, 512))


@dataclass(frozen=True)
class Given:
    """What somebody gave to be compared, and how.

    Attributes:
        name: what to call it.
        thing: the pipeline.
        reads: what it takes, one of :data:`~.serving.READS`; None where it is found out.
        channels: of the images; None for as many as it takes.
        size: (height, width) of the images; None for as large as they need to be.
    """

    name: str
    thing: Any
    reads: str | None = None
    channels: int | None = None
    size: tuple[int, int] | None = None


def side_of(given: Given) -> Side:
    """Return what `given` does to colors.

    Raises:
        PipelineError: it cannot be measured, and declares nothing.
        SettingsError: a name, a file or a configuration without statistics, or an argument that does not fit.
    """
    thing, name = given.thing, given.name
    if given.reads is not None:
        if not callable(thing):
            raise SettingsError(f"{name}: reads={given.reads!r} is for a function, not for a {public_name(thing)}.")
        return _measured(given, Serving(thing, given.reads), f"{_called(thing)}, which reads {given.reads}")
    if isinstance(thing, (str, os.PathLike)):
        return _of_text(given)
    if isinstance(thing, Normalization):
        return declared_side(name, thing.source or str(thing), thing, given.channels)
    if attribute(thing, "graph_module") is not None and callable(attribute(thing, "module")):
        return side_of(replace(given, thing=thing.module()))  # an exported program, which cannot be called itself
    config = as_config(thing)
    if config is not None:
        return declared_side(name, "its configuration", normalization_of_config(config, name), given.channels)
    if _is_network(thing):
        located = _located(thing)
        if located is not None:
            side = declared_side(name, located.normalization.source, located.normalization, given.channels)
            return replace(side, is_model=True)
        raise PipelineError(f"{name} is a network, and no Normalize was found in it: give what prepares its images.")
    return _of_object(given)


def _of_text(given: Given) -> Side:
    path = Path(given.thing)
    try:
        exists = path.exists()
    except (OSError, ValueError):  # a text that can be no path
        exists = False
    if exists:
        found = normalization_of_config(read_config(path), str(path))
        return declared_side(given.name, str(path), found, given.channels)
    try:
        found = preset(str(given.thing))
    except StatisticsError as error:
        raise SettingsError(
            f"{given.name} is {str(given.thing)!r}: expected a preset ({', '.join(PRESETS)}), or a folder or JSON file "
            f"that exists."
        ) from error
    return declared_side(given.name, found.source, found, given.channels)


def _of_object(given: Given) -> Side:
    """A transform, function, data set, loader, processor: measured; declared where it cannot be called."""
    thing = given.thing
    first: DenormError
    located = _located(thing)
    try:
        return _measured(given, thing, _called(thing), located)
    except SettingsError:
        raise
    except DenormError as error:
        first = error
    if isinstance(first, PipelineRaisedError) and first.is_own:
        raise PipelineError(f"{given.name} cannot be measured: {_first_lines(first)}") from first
    for call, what, size in _other_ways(given):
        try:
            return _measured(replace(given, size=size), call, what)
        except DenormError:
            continue
    if located is None:
        raise PipelineError(f"{given.name} cannot be measured: {_first_lines(first)}") from first
    return declared_side(given.name, located.normalization.source, located.normalization, given.channels)


def _first_lines(error: DenormError) -> str:
    """What it says, and the first error below that."""
    return " ".join(line.strip() for line in str(error).splitlines()[:2])


def _measured(given: Given, call: Any, what: str, located: Located | None = None) -> Side:
    side = measured_side(given.name, what, call, given.channels, given.size, located)
    if not (side.map.random or side.map.per_image):
        return side
    found = None if located is None else at_normalize(side, located)
    return side if found is None else found


def _other_ways(given: Given) -> list[tuple[Any, str, tuple[int, int] | None]]:
    """What else may be called: a server's function, and an exported module of one size and batches of one."""
    thing = given.thing
    if isinstance(thing, torch.nn.Module):
        sizes = [given.size] if given.size else list(_FIXED_SIZES)
        return [(call, _called(thing), size) for call in (thing, _one_in_a_batch(thing)) for size in sizes]
    if not callable(thing) or inspect.isclass(thing):
        return []
    return [(Serving(thing, reads), f"{_called(thing)}, which reads {reads}", given.size) for reads in GUESSED]


def _one_in_a_batch(module: torch.nn.Module) -> Callable[[Any], Any]:
    def call(image: Any) -> Any:
        if not isinstance(image, torch.Tensor) or image.ndim != 3:
            raise TypeError("expected one image (C, H, W)")
        result = module(image[None])
        return result[0] if isinstance(result, torch.Tensor) else result

    return call


def _is_network(thing: Any) -> bool:
    return isinstance(thing, torch.nn.Module) and sum(one.numel() for one in thing.parameters()) > _FEW_NUMBERS


def _located(thing: Any) -> Located | None:
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is odd about it is told by its own checks
        try:
            return locate(thing)
        except DenormError:
            return None


def _called(thing: Any) -> str:
    name = public_name(thing)
    return f"{name}()" if inspect.isroutine(thing) else name
