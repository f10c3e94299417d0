"""What leaves a pipeline when it runs: of a photograph, or the first items or the first batch of a data set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from ..core.layout import FIRST, channel_axis
from ..core.white import is_float
from ..errors import PipelineError, PipelineRaisedError
from ..pipelines.calls import CHANNELS_FIRST_ARRAY, CHANNELS_LAST_TENSOR, LAYOUTS, Way
from ..pipelines.located import Located
from ..pipelines.reader import images_in
from ..pipelines.runner import Runner, item_traces
from ..pipelines.structure import is_dataset
from ..pipelines.trace import Trace
from .outcome import CheckFailure, NotApplicable
from .sighting import photo_levels

__all__ = ["Emitted", "emitted_by"]

#: So many items of a data set are taken.
_ITEMS = 3


class RunCase(Protocol):
    """What this needs of a case."""

    pipeline: Any

    @property
    def located(self) -> Located: ...
    @property
    def runner(self) -> Runner: ...
    @property
    def channels(self) -> int: ...


@dataclass(frozen=True)
class Emitted:
    """One image that left the pipeline, as it left it.

    Attributes:
        image: a tensor or an array, of one image or of a batch.
        axis: of its channels, counted from the end.
        is_batch: whether it is a batch.
    """

    image: Any
    axis: int
    is_batch: bool

    @property
    def words(self) -> str:
        """``a float32 tensor (3, 264, 296)``"""
        kind = "tensor" if isinstance(self.image, torch.Tensor) else "array"
        return f"a {str(self.image.dtype).removeprefix('torch.')} {kind} {tuple(self.image.shape)}"

    @property
    def way(self) -> Way:
        """The form in which an inverse gets an image (C, H, W) when it gets it as this one is."""
        if isinstance(self.image, torch.Tensor):
            return LAYOUTS["NCHW" if self.is_batch else "CHW"] if self.axis == FIRST else CHANNELS_LAST_TENSOR
        layout = ("N" if self.is_batch else "") + ("CHW" if self.axis == FIRST else "HWC")
        return LAYOUTS[layout] if self.axis != FIRST else CHANNELS_FIRST_ARRAY

    @property
    def channels_first(self) -> torch.Tensor:
        """The same as a float64 tensor, (C, H, W) or (N, C, H, W)."""
        tensor = torch.as_tensor(np.ascontiguousarray(self.image) if isinstance(self.image, np.ndarray) else self.image)
        return tensor.detach().cpu().as_subclass(torch.Tensor).double().movedim(self.axis, FIRST)


def emitted_by(case: RunCase) -> list[Emitted]:
    """Return what leaves the pipeline of a photograph, or the first items or the first batch of a data set.

    Raises:
        CheckFailure: the pipeline raises on images in the form that it is made for.
        NotApplicable: it cannot be run, or emits no image of floats with the channels of the statistics.
    """
    located = case.located
    if located.op is case.pipeline or (located.call is None and not is_dataset(case.pipeline)):
        raise NotApplicable("there is nothing around the Normalize that could be run")
    try:
        traces = list(_traces(case))
    except PipelineRaisedError as error:
        if error.is_own:
            raise CheckFailure(str(error)) from error
        raise NotApplicable(f"nothing was seen to leave the pipeline: {error}") from error
    except PipelineError as error:
        raise NotApplicable(f"nothing was seen to leave the pipeline: {error}") from error
    found = [one for trace in traces if (one := _emitted(case, trace)) is not None]
    if not found:
        raise NotApplicable("no image of floats with as many channels as there are statistics leaves the pipeline")
    return found


def _traces(case: RunCase) -> Iterator[Trace]:
    if is_dataset(case.pipeline):
        yield from _own_traces(case)
        return
    runner = case.runner
    trial = runner.trial
    yield runner.run(photo_levels(trial.channels, trial.size))
    odd = runner.run(photo_levels(trial.channels, (trial.size[0] + 7, trial.size[1] - 13)))
    if odd.error is None:  # a crop may want more pixels than there are
        yield odd


def _own_traces(case: RunCase) -> Iterator[Trace]:
    if isinstance(case.pipeline, torch.utils.data.DataLoader):
        yield Trace(images=images_in(next(iter(case.pipeline)))[:1])
        return
    for trace in item_traces(case.pipeline, case.located, _ITEMS):
        if trace.error is not None:
            raise CheckFailure(f"reading an item raised {type(trace.error).__name__}: {trace.error}")
        yield trace


def _emitted(case: RunCase, trace: Trace) -> Emitted | None:
    for image in trace.images:
        if not isinstance(image, (torch.Tensor, np.ndarray)) or image.ndim not in (3, 4) or not is_float(image.dtype):
            continue
        declared = case.located.normalization
        counts = (declared.channels,) if declared.channels > 1 else (case.channels,)
        axis = declared.channel_axis or channel_axis(image.shape, counts, prefer=FIRST)
        if axis is not None:
            return Emitted(image, axis, image.ndim == 4)
    return None
