"""What enters and leaves a Normalize while the pipeline around it runs, whatever chance does before and after it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ..core.alone import alone
from ..errors import NormalizeRaisedError, PipelineError
from .conventions import HAND_OVER
from .items import data_set_of
from .probing import independent
from .randomness import states_kept
from .walk import Located, declared

__all__ = ["Entered", "LaterStepRaisedError", "Record", "recorded", "refuse_unwatchable", "watch", "watch_own"]

Pair = tuple[Any, Any]


class Record(list[Pair]):
    """What entered and what left a Normalize, a pair for each run.

    Attributes:
        failed: what entered where it raised, and what it raised.
        result: what the whole pipeline gave, the last time.
        earlier: what a data set gave before that, for items of which none passed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failed: list[tuple[Any, Exception]] = []
        self.result: Any = None
        self.earlier: list[Any] = []

    def refuse_failures(self, located: Located) -> None:
        """
        Raises:
            NormalizeRaisedError: it raised, and did not run otherwise.
        """
        if self.failed and not self:
            entering, error = self.failed[0]
            name = located.normalization.source or located.name
            raise NormalizeRaisedError(f"{name} raised {type(error).__name__}: {error}", entering) from error


class LaterStepRaisedError(PipelineError):
    """The Normalize took the picture, and something after it raised."""


class Entered(BaseException):
    """A picture came as far as the Normalize, and need go no further."""

    def __init__(self, picture: Any) -> None:
        super().__init__()
        self.picture = picture


#: Under which pictures are handed on where they have a name.
_KEY = "image"


def watch(pipeline: Any, picture: Any) -> Record:
    """Runs a pipeline on one picture, and returns what entered and what left its Normalize.

    It is run as it would be: with the draws of the present random states, which are restored. The run goes to a copy
    of the pipeline where it can be copied.

    Args:
        pipeline: something that is called with a picture, and has a Normalize at any depth; or a data set or loader
            that holds one.
        picture: in a form that the pipeline takes; handed over alone, by keyword, in a dict, in a list, whatever works.

    Returns:
        One pair of tensors or arrays for each time the Normalize ran, copied, in the form they had there: none if
        chance passed it over, several if the pipeline makes several views.

    Raises:
        NormalizeRaisedError: the Normalize got a picture, and raised.
        LaterStepRaisedError: the Normalize took the picture, and a later step raised.
        PipelineError: the Normalize cannot be watched, or the pipeline does not take the picture.
        and all that :func:`~pytest_denorm.find_normalize` raises.
    """
    located = declared(pipeline)
    call = independent(located.call)
    if call is None:
        raise PipelineError(f"{located.normalization.source}: nothing on the way to it can be called with a picture.")
    errors: list[Exception] = []
    with states_kept(), recorded(declared(call)) as pairs:
        for hand_over in HAND_OVER:
            try:
                pairs.result = hand_over(call, copy.deepcopy(picture))
            except Exception as error:
                errors.append(error)
            else:
                return pairs
    pairs.refuse_failures(located)
    raise (LaterStepRaisedError if pairs else PipelineError)(
        f"the pipeline of {located.normalization.source} does not take this {type(picture).__name__}: alone, it "
        f"raised {type(errors[0]).__name__}: {errors[0]}"
    ) from errors[0]


def watch_own(dataset: Any, items: int = 1) -> Record:
    """Reads one item of a data set, or of the data set of a loader, and returns what passed its Normalize meanwhile.

    Args:
        items: how many to read until one passes it.

    Raises:
        NormalizeRaisedError: the Normalize got a picture, and raised.
        PipelineError: the Normalize cannot be watched.
        and all that :func:`~pytest_denorm.find_normalize` raises, and that reading the item does.
    """
    located = declared(dataset)
    source = data_set_of(dataset)  # what a loader reads in other processes cannot be seen here
    with states_kept(), recorded(located) as pairs:
        try:
            for count, item in enumerate(source, start=1):
                pairs.earlier += [pairs.result] if count > 1 else []
                pairs.result = item
                if pairs or count >= items:
                    break
        except Exception:
            pairs.refuse_failures(located)
            raise
    return pairs


@contextmanager
def recorded(located: Located, *, stop: bool = False) -> Iterator[Record]:
    """While this is open, each run of a Normalize on a picture adds its input and its output, copied, to the record.

    The object is given a class of its own for that time, in which only the method that runs it is another.

    Args:
        stop: it raises Entered in place of running.

    Raises:
        PipelineError: it has no such method, or its class cannot be changed.
    """
    with alone():  # another thread would put back the class of this one
        op, kind = located.op, type(located.op)
        entry = _watchable_entry(located)
        pairs = Record()
        original = getattr(op, entry)

        def run(_: Any, *args: Any, **kwargs: Any) -> Any:
            given = kwargs if _KEY in kwargs else args[0]
            if located.is_picture is not None and not located.is_picture(given):
                return original(*args, **kwargs)
            before = _copied(given)
            if stop:
                raise Entered(before)
            try:
                result = original(*args, **kwargs)
            except Exception as error:
                pairs.failed.append((before, error))
                raise
            pairs.append((before, _copied(result)))
            return result

        members: dict[str, Any] = {entry: run, "__module__": kind.__module__}
        if not kind.__dictoffset__:
            members["__slots__"] = ()
        try:
            op.__class__ = type(kind.__name__, (kind,), members)
        except TypeError as error:
            raise PipelineError(f"{_unseen(located)}: {error}.") from None
        try:
            yield pairs
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
    return f"{located.normalization.source or located.name} cannot be watched while its pipeline runs"


def _copied(picture: Any) -> Any:
    if isinstance(picture, dict) and _KEY in picture:
        return _copied(picture[_KEY])
    if isinstance(picture, torch.Tensor):
        return picture.detach().clone()
    return np.array(picture) if isinstance(picture, np.ndarray) else copy.deepcopy(picture)
