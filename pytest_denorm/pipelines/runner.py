"""Calling somebody's pipeline: nothing else here calls one."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ..core.alone import alone
from ..core.foreign import as_exception
from ..core.layout import FIRST, channel_axis
from ..core.normalization import Normalization
from ..core.white import is_float
from ..errors import PipelineError
from .batches import data_set_of, is_indexed, loader_with_collate
from .channel_counts import USUAL
from .flat_images import chipped, flat
from .form_search import FormSearch
from .forms import Form, Levels, NotThisFormError, copy_image
from .located import Located
from .randomness import preserve_rng_state, seed_all
from .reader import images_in
from .registry import COLLATES, Parts, describe, public_name
from .structure import structure
from .trace import Trace, as_array
from .trial import Trial
from .watching import Entered, recorded, refuse_unwatchable

__all__ = ["Runner", "independent", "is_network", "item_traces", "one_thread", "quiet"]

#: Items that make a batch.
_BATCH = 2
#: More steps are no sequence of transforms.
_MOST_STEPS = 256
#: A PIL image of so many pixels a side tells whether a step makes a tensor of it.
_SMALL = 16


def is_network(pipeline: Any) -> bool:
    """Return whether it has weights, so that what it gives in the end is no image that went in."""
    return isinstance(pipeline, torch.nn.Module) and any(True for _ in pipeline.parameters())


def independent(call: Any, memo: dict[int, Any] | None = None) -> Any:
    """Return a copy, whose own generators may be drawn from; the thing itself where it cannot be copied.

    Args:
        memo: filled with the copies, by the `id` of what was copied.
    """
    memo = {} if memo is None else memo
    owner = call.__self__ if inspect.ismethod(call) else call
    # the weights of a network stay shared: no run without gradients changes them, and they may fill the memory
    if isinstance(owner, torch.nn.Module):
        memo.update({id(one): one for one in owner.parameters()})
    try:
        return copy.deepcopy(call, memo)
    except Exception:
        memo.clear()
        return call


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread while this is open: small images are done before several threads have met."""
    with alone():
        threads = torch.get_num_threads()
        if threads == 1:  # also in a thread that began while another one was here: its number is not to be put back
            yield
            return
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


@contextmanager
def quiet(seed: int | None = None) -> Iterator[None]:
    """Let calls leave nothing behind while this is open: no random states, warnings, gradients or threads.

    Args:
        seed: of python's, numpy's and torch's generators; None to go on from their present states.
    """
    with preserve_rng_state(), one_thread(), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        if seed is not None:
            seed_all(seed)
        yield


class Runner:
    """A pipeline, called in the one form that it is made for.

    The calls go to a copy of it where it can be copied.

    Args:
        call: what an image goes through.
        located: its Normalize, which is watched where it can be; None where it declares none.
        counts: numbers of channels of the images, in the order in which they are tried.
        others: where these do not work, those that the pipeline shows are tried, too.
        size: (height, width) of the images; None for as large as they need to be.
        name: what to call it.
        stops: nothing is run beyond the Normalize that floats enter; its formula stands for what it gives.

    Attributes:
        calls: how often it was called.
        unwatchable: why the Normalize is not watched; empty where it is.
    """

    def __init__(
        self,
        call: Callable[..., Any],
        located: Located | None = None,
        counts: tuple[int, ...] = USUAL,
        *,
        others: bool = False,
        size: tuple[int, int] | None = None,
        name: str = "",
        stops: bool = False,
    ) -> None:
        memo: dict[int, Any] = {}
        self.call = independent(call, memo)
        self.name = name or public_name(call)
        self.calls = 0
        self._declares = located is not None and located.is_declared
        self._located, self.unwatchable = _watched(located, memo)
        self._search = FormSearch(self, counts, others=others, size=size)
        self._is_open = False
        self._stops = stops

    @property
    def is_network(self) -> bool:
        """Whether it has weights."""
        return is_network(self.call)

    @property
    def declares(self) -> bool:
        """Whether its Normalize is declared, and not just what it was measured to do."""
        return self._declares

    @property
    def is_watched(self) -> bool:
        """Whether the Normalize is watched."""
        return self._located is not None

    @cached_property
    def trial(self) -> Trial:
        """The form in which it is called, and what was learned while it was sought.

        Raises:
            PipelineRaisedError: it raises on images in the form that it is made for.
            PipelineError: it takes no image in any form.
        """
        with self.session():
            return self._search.find()

    @property
    def undivided(self) -> str:
        """The form of bytes that it takes, too, without dividing them by 255; empty where there is none."""
        return self._search.undivided(self.trial)

    @contextmanager
    def session(self, seed: int | None = None) -> Iterator[None]:
        """Let chance go on from call to call while this is open; a call outside begins with the present states.

        Args:
            seed: of all generators at the beginning; None for their present states.
        """
        if self._is_open:
            if seed is not None:
                seed_all(seed)
            yield
            return
        with quiet(seed):
            self._is_open = True
            try:
                yield
            finally:
                self._is_open = False

    def run(self, levels: Levels) -> Trace:
        """Call it with an image, in the form that it is made for, and return what happened.

        An error that it raises is in the trace.

        Args:
            levels: uint8 (H, W, C), of the channels and the size of `trial` unless it is to be tested with others.

        Raises:
            PipelineError: as `trial` does.
        """
        return self.run_as(self.trial.form, levels)

    def run_as(self, form: Form, levels: Levels) -> Trace:
        """Call it with an image in a given form."""
        self.calls += 1
        try:
            image = form.make(levels)
        except NotThisFormError as error:
            return Trace(error=error)
        given = copy_image(image)
        with self.session():
            trace = _traced(lambda: form.hand_over(self.call, image), self._located, stop=self._stops)
        trace.given = given
        trace.mutated = not np.array_equal(np.asarray(as_array(given)), np.asarray(as_array(image)))
        return trace

    def flat(self, color: tuple[int, ...]) -> Levels:
        """Return an image of one color, but for a corner where the pipeline takes no blank one."""
        make = chipped if self.trial.blank else flat
        return make(color, self.trial.size)

    @cached_property
    def converts_images(self) -> bool:
        """Whether one of its steps makes a tensor of a PIL image that the steps before it take, Normalize apart."""
        from PIL import Image

        image: Any = Image.new("RGB", (_SMALL, _SMALL))
        with self.session():
            for step in _steps(self.call):
                if self._located is not None and step is self._located.op:
                    continue
                try:
                    image = step(image)
                except Exception:  # it is for other images
                    return False
                if not isinstance(image, Image.Image):
                    return isinstance(image, torch.Tensor)
        return False


def item_traces(
    dataset: Any, located: Located | None, items: int = 1, *, by_index: bool = False, spread: bool = False
) -> Iterator[Trace]:
    """Yield what happens while the first items of a data set, or of the data set of a loader, are read.

    An error that reading raises is in the last trace.

    Args:
        located: its Normalize, which is watched; None to watch none.
        items: how many at most.
        by_index: ask for them by index, so that what can be read once is not used up; none of what has no index.
        spread: also the middle one and the last, of what has an index.

    Raises:
        PipelineError: its Normalize cannot be watched.
    """
    if located is not None:
        refuse_unwatchable(located)
    source = data_set_of(dataset)  # what a loader reads in other processes cannot be seen here
    if by_index and not is_indexed(source):
        return
    count = len(source) if hasattr(type(source), "__len__") else items
    indices = list(range(min(items, count)))
    if spread and is_indexed(source) and count > items:
        indices += sorted({max(items, count // 2), count - 1})
        by_index = True
    reading = (source[index] for index in indices) if by_index else _each(source)
    own = loader_with_collate(dataset)
    if located is not None and COLLATES in located.path and own is not None:
        reading = (own.collate_fn(list(one)) for one in zip(*[reading] * _BATCH, strict=False))
    with preserve_rng_state(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in indices:
            trace = _traced(lambda: next(reading), located)
            if isinstance(trace.error, StopIteration) or (isinstance(trace.error, IndexError) and not by_index):
                return
            yield trace
            if trace.error is not None:
                return


def _each(source: Any) -> Iterator[Any]:
    """Its items; also what happens when the iteration begins happens while the first is read."""
    yield from source


def _watched(located: Located | None, memo: dict[int, Any]) -> tuple[Located | None, str]:
    """The Normalize in the copy, if it can be watched; and why not."""
    if located is None:
        return None, "it declares no Normalize"
    inside = replace(located, op=memo.get(id(located.op), located.op))
    try:
        with recorded(inside):
            return inside, ""
    except PipelineError as error:
        return None, str(error)


def _traced(run: Callable[[], Any], located: Located | None, *, stop: bool = False) -> Trace:
    trace = Trace()
    try:
        if located is None:
            trace.result = run()
        else:
            with recorded(located, stop=stop) as trace.record:
                trace.result = run()
    except Entered:
        assert located is not None
        floats = [one for one in images_in(trace.entered) if is_float(getattr(one, "dtype", ""))]
        if not floats:  # most Normalize refuse whole numbers
            return _traced(run, located)
        trace.images = [_by_formula(one, located.normalization) for one in floats]
    except (Exception, SystemExit, GeneratorExit) as error:
        trace.error = as_exception(error)
    else:
        trace.images = images_in(trace.result)
    return trace


def _by_formula(image: Any, normalization: Normalization) -> np.ndarray[Any, Any]:
    """What Normalize gives by its formula, channels first if so many are there."""
    array = np.asarray(as_array(image), dtype=np.float64)
    axis = channel_axis(array.shape, (normalization.channels,), prefer=FIRST)
    if axis is None or normalization.channels == 1:
        return (array - normalization.mean[0]) / normalization.std[0]
    straight = (np.moveaxis(array, axis, -1) - normalization.mean) / normalization.std
    return np.moveaxis(straight, -1, axis)


def _steps(call: Any) -> Iterator[Any]:
    """What it is made of, down to what holds nothing else."""
    waiting, seen = [call], set[int]()
    while waiting and len(seen) < _MOST_STEPS:
        step = waiting.pop()
        if id(step) in seen:
            continue
        seen.add(id(step))
        try:
            description = describe(step) or structure(step)
        except Exception:  # it cannot be looked into
            description = None
        if isinstance(description, Parts):
            waiting.extend(part for _, part in reversed(description.parts))
        elif callable(step) and not is_network(step):
            yield step
