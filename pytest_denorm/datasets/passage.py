"""One image through a Normalize: what went in, what came out, and how far the inverse brings it back."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ..checks.sighting import Sighting
from ..core.alone import alone
from ..core.arguments import one_of
from ..core.layout import FIRST, LAST
from ..core.moments import measurable
from ..core.normalization import Normalization, preset
from ..core.units import Units
from ..errors import ConditionalNormalizeWarning, ImageError, InverseError
from ..pipelines import Located, locate
from ..pipelines.calls import LAYOUTS, as_tensor, read_image
from ..pipelines.pixels import Block, Reading, blocks_of_item
from ..pipelines.reader import axes_of, images_in

__all__ = ["InLayout", "Inverse", "Passage", "compare", "given_passage", "located_quietly", "pass_alone", "seen_pairs"]

Inverse = Callable[[Any], Any]

#: A value has the wrong level when it comes back further than half a level from where it was. The slack keeps images
#: that lie between two levels, as resized ones do, from being counted for an error of the arithmetic.
_HALF_A_LEVEL = 0.501


@dataclass(frozen=True)
class Passage:
    """What one image, or several views of it, lost on the way there and back, in levels of 255."""

    values: int
    wrong: int
    error: float


def located_quietly(pipeline: Any) -> Located:
    """Return what :func:`~pytest_denorm.pipelines.locate` does, of the name of a preset too, without its warning."""
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConditionalNormalizeWarning)
        return locate(preset(pipeline) if isinstance(pipeline, str) else pipeline)


def seen_pairs(recorded: Iterable[tuple[Any, Any]], name: str) -> list[tuple[Any, Any]]:
    """Return what entered and what left the Normalize while an item was made, as tensors or arrays.

    Raises:
        ImageError: nothing went through it, or something else than an image of the same shape.
    """
    pairs = [(_image_in(entered), _image_in(left)) for entered, left in recorded]
    if not pairs:
        raise ImageError(f"the image did not pass {name}.")
    for entered, left in pairs:
        if entered is None or left is None or entered.shape != left.shape:
            shapes = ["no tensor or array" if one is None else f"shape {tuple(one.shape)}" for one in (entered, left)]
            raise ImageError(
                f"{name} does more than normalize: {shapes[0]} entered, {shapes[1]} left. Give the data set without "
                f"it: sweep(pipeline, dataset)."
            )
    return pairs


def _image_in(thing: Any) -> Any | None:
    return next((one for one in images_in(thing) if axes_of(one) >= 3), None)


def given_passage(seen: Sighting, normalization: Normalization) -> Passage:
    """Return how far what an item gives is from what entered the Normalize, once it is undone.

    Where it cannot be held against it pixel by pixel, all of it is wrong.
    """
    count, final = seen.entering.numel(), seen.final
    if final is None or final.shape != seen.entering.shape:
        return Passage(count, count, 255.0)
    expanded = replace(normalization.expand(seen.channels), channel_axis=FIRST)
    return compare(seen.entering, final.float(), None, expanded)


def pass_alone(located: Located, item: Any, reading: Reading) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield the raw images of an item, on the scale of the Normalize, and what it alone makes of each: (C, H, W).

    Raises:
        ImageError: the image has values below 0 (it was normalized before), NaN or infinite ones.
    """
    normalization = located.normalization
    for block in blocks_of_item(item, reading):
        reason = measurable(block.pixels)
        if reason:
            raise ImageError(reason)
        for entered in _on_scale(block, normalization.pixel_max):
            if float(entered.min()) < 0:
                raise ImageError(
                    "the image has negative values, so it is normalized already: give the data set alone to watch "
                    "its own Normalize, or without it."
                )
            # its own copy: an in-place Normalize writes into what it is given
            run = located.apply or normalization.normalize
            yield entered, torch.as_tensor(run(entered.clone()[None]))[0]


def _on_scale(block: Block, pixel_max: float) -> torch.Tensor:
    """Return (N, C, H, W) floats whose white is `pixel_max`; bytes are divided in float32, as ToTensor does."""
    pixels = block.pixels if block.pixels.dtype.kind == "f" else block.pixels.astype(np.float32)
    tensor = torch.from_numpy(np.ascontiguousarray(pixels))
    return tensor if block.white == pixel_max else tensor / block.white * pixel_max


def compare(
    entered: Any, left: Any, inverse: Inverse | None, normalization: Normalization, output_max: float | None = None
) -> Passage:
    """Return how far `inverse` of `left` is from `entered`. NaN counts as an error of 255 levels.

    Args:
        entered, left: tensors or arrays of one shape.
        output_max: the value of white in what the inverse gives; see :class:`~pytest_denorm.core.units.Units`.

    Raises:
        InverseError: the inverse raised, or gave something that is no image of that shape.
    """
    back = torch.as_tensor(normalization.denormalize(left)) if inverse is None else _back(inverse, left)
    units = Units(normalization.pixel_max, output_max)
    # in float64, so that only the error of the round trip is seen
    found, wanted = units.read(back).double(), torch.as_tensor(entered).double()
    errors = ((found - wanted).abs() * 255.0 / units.pixel_max).nan_to_num(nan=255.0, posinf=255.0)
    wrong = int((errors > _HALF_A_LEVEL).sum())
    return Passage(errors.numel(), wrong, float(errors.max()))


def _back(inverse: Inverse, left: Any) -> torch.Tensor:
    """Return what the inverse gives, of the shape of `left`: tensors, arrays and PIL images, channels first or last."""
    shape = tuple(left.shape)
    try:
        returned = inverse(left.clone() if isinstance(left, torch.Tensor) else left.copy())
    except Exception as error:
        raise InverseError(f"the inverse raised {type(error).__name__}: {error}") from error
    if len(shape) == 3 or math.prod(shape[:-3]) == 1:
        return read_image(returned, shape[-3:], "inverse").reshape(shape)
    batch = as_tensor(returned, "inverse")
    if len(batch) != len(left):
        raise InverseError(f"the inverse returned {len(batch)} images for {len(left)}: expected as many.")
    return torch.stack([read_image(one, shape[1:], "inverse") for one in batch])


class InLayout:
    """An inverse of another layout than the pipeline emits; picklable, for worker processes.

    Args:
        layout: one of :data:`~pytest_denorm.pipelines.calls.LAYOUTS`.
        channel_axis: of what it is given here.

    Raises:
        ImageError: no such layout.
    """

    def __init__(self, inverse: Inverse, layout: str, channel_axis: int | None) -> None:
        one_of(layout, "layout", list(LAYOUTS), ImageError, ", or None")
        functools.update_wrapper(self, inverse, updated=())  # it is called by its own name
        self._inverse, self._layout, self._is_last = inverse, layout, channel_axis == LAST

    def __call__(self, left: Any) -> Any:
        image = torch.as_tensor(left)
        image = image.reshape(image.shape[-3:]) if math.prod(image.shape[:-3]) == 1 else image
        way = LAYOUTS[self._layout]
        image = image.movedim(LAST, FIRST) if self._is_last else image
        returned = self._inverse((way.single if image.ndim == 3 else way.batch)(image))
        return read_image(returned, tuple(image.shape), "inverse") if self._is_last else returned
