"""One picture through a Normalize: what went in, what came out, and how far the inverse brings it back."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..errors import ConditionalNormalizeWarning, DatasetError, ImageError, InverseError
from ..normalization import Normalization, preset
from ..pipelines import Located, locate
from .pictures import Planes, Reading, planes_of

__all__ = ["Inverse", "Passage", "Watched", "compare", "located_quietly", "pass_alone"]

Inverse = Callable[[Any], Any]

#: A value has the wrong level when it comes back further than half a level from where it was. The slack keeps pictures
#: that lie between two levels, as resized ones do, from being counted for an error of the arithmetic.
_HALF_A_LEVEL = 0.501


@dataclass(frozen=True)
class Passage:
    """What one picture, or several views of it, lost on the way there and back, in levels of 255."""

    values: int
    wrong: int
    error: float


def located_quietly(pipeline: Any) -> Located:
    """As :func:`~pytest_denorm.pipelines.locate`, the name of a preset too; the warning was given before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConditionalNormalizeWarning)
        return locate(preset(pipeline) if isinstance(pipeline, str) else pipeline)


class Watched:
    """Looks on while a data set's own Normalize works, whatever surrounds it.

    Raises:
        DatasetError: the Normalize is no torch module, so that nothing can look on.
    """

    def __init__(self, located: Located) -> None:
        if not isinstance(located.op, torch.nn.Module):
            raise DatasetError(
                f"{located.name} is no torch module, so that the picture that enters it in the data set cannot be "
                f"seen: give the pipeline, and the data set without it: sweep(pipeline, dataset)."
            )
        self._op, self._name = located.op, located.name
        self._entered: list[torch.Tensor] = []
        self._left: list[torch.Tensor] = []

    def pairs(self, get: Callable[[], Any]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """What entered and what left the Normalize while `get` made an item.

        Raises:
            ImageError: nothing went through it, or something else than a picture of the same shape.
        """
        self._entered, self._left = [], []
        before = self._op.register_forward_pre_hook(self._enter)
        after = self._op.register_forward_hook(self._leave)
        try:
            get()
        finally:
            before.remove()
            after.remove()
        if not self._left:
            raise ImageError(f"the picture did not pass {self._name}.")
        for entered, left in zip(self._entered, self._left, strict=True):
            if entered.shape != left.shape or not entered.is_floating_point():
                raise ImageError(
                    f"{self._name} does more than normalize: {tuple(entered.shape)} of {entered.dtype} entered, "
                    f"{tuple(left.shape)} of {left.dtype} left. Give the data set without it: sweep(pipeline, dataset)."
                )
        return list(zip(self._entered, self._left, strict=True))

    # copies: an in-place Normalize, or a transform after it, writes into the same memory
    def _enter(self, module: Any, inputs: Any) -> None:
        self._entered.append(_tensor_in(inputs).detach().clone())

    def _leave(self, module: Any, inputs: Any, output: Any) -> None:
        self._left.append(_tensor_in(output).detach().clone())


def _tensor_in(thing: Any) -> torch.Tensor:
    """The first tensor with channels in nested arguments."""
    for tensor in _tensors_in(thing):
        return tensor.as_subclass(torch.Tensor)
    raise ImageError("no tensor passed the Normalize: give the data set without it: sweep(pipeline, dataset).")


def _tensors_in(thing: Any) -> Iterator[torch.Tensor]:
    if isinstance(thing, torch.Tensor) and thing.ndim >= 3:
        yield thing
    elif isinstance(thing, (tuple, list, Mapping)):
        for each in thing.values() if isinstance(thing, Mapping) else thing:
            yield from _tensors_in(each)


def pass_alone(
    located: Located, get: Callable[[], Any], reading: Reading
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The raw pictures of an item, on the scale of the Normalize, and what it alone makes of each: (C, H, W).

    Raises:
        ImageError: the picture has values below 0: it was normalized before.
    """
    normalization = located.normalization
    for planes in planes_of(get(), reading):
        for entered in _on_scale(planes, normalization.pixel_max):
            if float(entered.min()) < 0:
                raise ImageError(
                    "the picture has negative values, so it is normalized already: give the data set alone to watch "
                    "its own Normalize, or without it."
                )
            # its own copy: an in-place Normalize writes into what it is given
            run = located.apply or normalization.normalize
            yield entered, torch.as_tensor(run(entered.clone()[None]))[0]


def _on_scale(planes: Planes, pixel_max: float) -> torch.Tensor:
    """(N, C, H, W) floats whose white is `pixel_max`; bytes are divided in float32, as ToTensor does."""
    pixels = np.moveaxis(planes.pixels, -1, 1) if planes.channels_last else planes.pixels
    if pixels.dtype.kind != "f":
        pixels = pixels.astype(np.float32)
    tensor = torch.from_numpy(np.ascontiguousarray(pixels))
    return tensor if planes.pixel_max == pixel_max else tensor / planes.pixel_max * pixel_max


def compare(
    entered: torch.Tensor, left: torch.Tensor, inverse: Inverse | None, normalization: Normalization
) -> Passage:
    """How far `inverse` of `left` is from `entered`. NaN counts as an error of 255 levels.

    Raises:
        InverseError: the inverse raised, or gave something that is no picture of that shape.
    """
    back = normalization.denormalize(left) if inverse is None else _call(inverse, left)
    if back.shape != entered.shape:
        raise InverseError(f"the inverse made shape {tuple(back.shape)} of shape {tuple(left.shape)}.")
    levels = 255.0 / normalization.pixel_max
    # bytes are levels already; float64, so that only the error of the round trip is seen
    found = back.double() * (1.0 if back.dtype == torch.uint8 else levels)
    errors = (found - entered.double() * levels).abs().nan_to_num(nan=255.0, posinf=255.0)
    wrong = int((errors > _HALF_A_LEVEL).sum())
    return Passage(errors.numel(), wrong, float(errors.max()))


def _call(inverse: Inverse, left: torch.Tensor) -> torch.Tensor:
    try:
        return torch.as_tensor(inverse(left.clone()))
    except Exception as error:
        raise InverseError(f"the inverse raised {type(error).__name__}: {error}") from error
