"""What happened in one call of a pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from .outputs import Array
from .reader import images_in
from .watching import Record

__all__ = ["Stage", "Trace", "as_array"]

#: Where an error was raised; "" where there was none, or it is not known.
Stage = Literal["", "before Normalize", "in Normalize", "after Normalize"]


def as_array(image: Any) -> np.ndarray[Any, Any] | None:
    """Return a PIL image, a tensor or an array as an array; None of anything else."""
    if isinstance(image, torch.Tensor):
        plain = image.detach().as_subclass(torch.Tensor).cpu()
        return (plain.float() if plain.dtype in (torch.bfloat16, torch.float16) else plain).numpy()
    if isinstance(image, np.ndarray):
        return image
    return np.asarray(image) if type(image).__module__.startswith("PIL.") else None


@dataclass
class Trace:
    """What happened in one call.

    Attributes:
        given: a copy of the image that was handed over; None for an item of a data set.
        record: what entered and left the Normalize, and what entered where it raised; None where it is not watched.
        result: what the whole pipeline gave.
        images: the images in it, the surest first.
        error: what it raised.
        mutated: the pipeline wrote into the image.
    """

    given: Any = None
    record: Record | None = None
    result: Any = None
    images: list[Any] = field(default_factory=list)
    error: Exception | None = None
    mutated: bool = False

    @property
    def stage(self) -> Stage:
        """Where the error was raised."""
        if self.error is None or self.record is None:
            return ""
        if self.record.failed:
            return "in Normalize"
        return "after Normalize" if self.record else "before Normalize"

    @property
    def entered(self) -> Any:
        """What entered the Normalize the first time; None where nothing did."""
        if self.record is None or not (self.record or self.record.failed):
            return None
        return self.record[0][0] if self.record else self.record.failed[0][0]

    @property
    def left(self) -> Any:
        """What left the Normalize the first time; None where nothing did."""
        return self.record[0][1] if self.record else None

    @property
    def is_converted(self) -> bool:
        """Whether a tensor or an array came as far as Normalize that was given in another type."""
        entered = next(iter(images_in(self.entered)), None)
        return isinstance(entered, (torch.Tensor, np.ndarray)) and not isinstance(entered, type(self.given))

    @property
    def given_shape(self) -> tuple[int, ...]:
        """The shape of the image that was handed over; empty for an item of a data set."""
        given = as_array(self.given)
        return () if given is None else given.shape

    def pixels(self, index: int) -> Array | None:
        """Return one of the images in float64; None where there are not so many."""
        array = as_array(self.images[index]) if 0 <= index < len(self.images) else None
        return None if array is None else array.astype(np.float64)

    def unchanged(self, index: int) -> bool:
        """Return whether one of the images is the one that was given."""
        pixels, given = self.pixels(index), as_array(self.given)
        return pixels is not None and given is not None and np.array_equal(pixels, given)

    def dtype(self, index: int) -> str:
        """Return the dtype of one of the images, such as ``float32``."""
        image = self.images[index]
        return str(image.dtype).rpartition(".")[2] if hasattr(image, "dtype") else "uint8"
