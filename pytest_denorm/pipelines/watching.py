"""What enters and leaves a Normalize while the pipeline around it runs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ..core.alone import alone
from ..errors import PipelineError
from .located import Located

__all__ = ["Entered", "Record", "recorded", "refuse_unwatchable"]

#: Under which images are handed on where they have a name.
_KEY = "image"


class Record(list[tuple[Any, Any]]):
    """What entered and what left a Normalize, copied, in the form that they had there: a pair for each run.

    Attributes:
        failed: what entered where it raised, and what it raised.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failed: list[tuple[Any, Exception]] = []


class Entered(BaseException):
    """An image came as far as the Normalize, and need go no further."""


@contextmanager
def recorded(located: Located, *, stop: bool = False) -> Iterator[Record]:
    """While this is open, add each run of a Normalize on an image to the record.

    The object is given a class of its own for that time, in which only the method that runs it is another.

    Args:
        stop: the Normalize raises Entered instead of running; nothing has left it then.

    Raises:
        PipelineError: it has no such method, or its class cannot be changed.
    """
    with alone():  # another thread would put back the class of this one
        op, kind = located.op, type(located.op)
        entry = _watchable_entry(located)
        record = Record()
        original = getattr(op, entry)

        def run(_: Any, *args: Any, **kwargs: Any) -> Any:
            given = kwargs if _KEY in kwargs else args[0]
            if located.is_image is not None and not located.is_image(given):
                return original(*args, **kwargs)
            entered = _copied(given)
            if stop:
                record.append((entered, None))
                raise Entered
            try:
                result = original(*args, **kwargs)
            except Exception as error:
                record.failed.append((entered, error))
                raise
            record.append((entered, _copied(result)))
            return result

        members: dict[str, Any] = {entry: run, "__module__": kind.__module__}
        if not kind.__dictoffset__:
            members["__slots__"] = ()
        try:
            op.__class__ = type(kind.__name__, (kind,), members)
        except TypeError as error:
            raise PipelineError(f"{_unseen(located)}: {error}.") from None
        try:
            yield record
        finally:
            op.__class__ = kind


def refuse_unwatchable(located: Located) -> None:
    """
    Raises:
        PipelineError: no method of the Normalize can be watched.
    """
    _watchable_entry(located)


def _watchable_entry(located: Located) -> str:
    if located.entry is None or not hasattr(type(located.op), located.entry):
        raise PipelineError(f"{_unseen(located)}: it is one with other steps.")
    return located.entry


def _unseen(located: Located) -> str:
    return f"{located.source} cannot be watched while its pipeline runs"


def _copied(image: Any) -> Any:
    if isinstance(image, dict) and _KEY in image:
        return _copied(image[_KEY])
    if isinstance(image, torch.Tensor):
        return image.detach().clone()
    return np.array(image) if isinstance(image, np.ndarray) else copy.deepcopy(image)
