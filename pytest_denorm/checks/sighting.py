"""What passes a Normalize while its pipeline runs, as tensors (..., C, H, W)."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from ..core.alone import alone
from ..core.layout import FIRST, LAST, USUAL
from ..core.normalization import Normalization
from ..errors import DenormError, DenormWarning, PipelineError, PipelineRaisedError
from ..pipelines.located import Located
from ..pipelines.reader import images_in
from ..pipelines.runner import Runner, item_traces
from ..pipelines.samples import photograph, with_channels
from ..pipelines.splits import groups_of_splits
from ..pipelines.structure import is_dataset
from ..pipelines.trace import Trace
from ..pipelines.walk import declared
from .outcome import NotApplicable

__all__ = [
    "OtherChannelsError",
    "OwnFormRaisesError",
    "Sighting",
    "Unmet",
    "channel_counts",
    "channels_first",
    "photo_levels",
    "sighting_of",
    "sightings",
    "sightings_of",
    "unmet",
    "unmet_splits",
]

#: What images are that have not met the Normalize; "" where some have, or it is not known.
Unmet = Literal["", "raw", "normalized"]
#: So many items of a data set are read until one meets its Normalize; and so many are held against what left it.
_FEW_ITEMS, _ITEMS = 10, 3
#: The axes of several images in one tensor.
_STACKED = 4
_UNSEEN = "the Normalize was not seen at work inside its pipeline"


@dataclass(frozen=True)
class Sighting:
    """What passed a Normalize inside its pipeline, (..., C, H, W).

    Attributes:
        entering, leaving: the latter is None where the Normalize raised.
        error: what it raised, in words.
        final: what the pipeline made of `leaving`, where that has as many channels.
        twice: what left it entered it once more.
        is_own: it is an item of the data set.
        trace: the call in which it was seen.
    """

    entering: torch.Tensor
    leaving: torch.Tensor | None
    error: str = ""
    final: torch.Tensor | None = None
    twice: bool = False
    is_own: bool = False
    trace: Trace | None = None

    @property
    def channels(self) -> int:
        """How many channels enter."""
        return self.entering.shape[-3]

    @property
    def does_something(self) -> bool:
        """Whether something else leaves than enters."""
        if self.leaving is None or self.entering.shape != self.leaving.shape:
            return self.leaving is not None
        return bool((self.entering != self.leaving).any())


class OwnFormRaisesError(NotApplicable):
    """The pipeline raises on images in the form that it is made for; the message says where."""


class OtherChannelsError(NotApplicable):
    """The images that enter the Normalize have other channels than its statistics.

    Attributes:
        seen: one of them.
    """

    def __init__(self, seen: Sighting) -> None:
        super().__init__("the statistics do not fit the channels that enter: see statistics_match_channels")
        self.seen = seen


def channel_counts(normalization: Normalization) -> tuple[int, ...]:
    """Return how many channels the images may have: in color, as many as there are statistics, and grey."""
    return tuple(dict.fromkeys((max(normalization.channels, 3), 3, normalization.channels, 1)))


def photo_levels(channels: int, size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a real photograph, uint8 (H, W, C), of a given size.

    Raises:
        NotApplicable: matplotlib came without it.
    """
    photo = photograph()
    if photo is None:
        raise NotApplicable(f"{_UNSEEN}: matplotlib came without its sample photograph")
    planes = with_channels(photo, channels).movedim(0, -1).numpy()
    rows, columns = (np.arange(new) * old // new for new, old in zip(size, planes.shape, strict=False))
    return np.ascontiguousarray(planes[rows][:, columns])


def sightings(pipeline: Any, located: Located, runner: Runner | None = None) -> Iterator[Sighting]:
    """Yield what enters and leaves the Normalize: of the first items of a data set, and of a photograph.

    Args:
        runner: calls the pipeline.

    Raises:
        OwnFormRaisesError: instead of the photograph, if the pipeline raises on images in its own form.
        NotApplicable: after the last, if there was none: it cannot be watched, or takes no image.
    """
    if located.op is pipeline:
        raise NotApplicable("there is nothing around the Normalize that could be run")
    reason, seen_at_work = "", False
    for trace, is_own in _traces(pipeline, located, runner):
        seen = sightings_of(trace, located, is_own)
        yield from seen
        if seen:
            seen_at_work = True
        elif trace.error is not None and is_own:
            raise OwnFormRaisesError(f"reading an item raised {type(trace.error).__name__}: {trace.error}")
        elif trace.error is not None:
            reason = f"{type(trace.error).__name__}: {trace.error}"
        else:
            reason = "chance passed the Normalize over, or it got no image"
    if not seen_at_work:
        raise NotApplicable(f"{_UNSEEN}: {reason}")


def _traces(pipeline: Any, located: Located, runner: Runner | None) -> Iterator[tuple[Trace, bool]]:
    """Of the first items of a data set, and of a photograph."""
    is_own = is_dataset(pipeline)
    try:
        if is_own:
            yield from ((trace, True) for trace in _own_traces(pipeline, located))
        if located.call is None:
            return
        runner = runner or Runner(located.call, located, channel_counts(located.normalization))
        if not runner.is_watched:
            raise PipelineError(runner.unwatchable)
        trial = runner.trial
        yield runner.run(photo_levels(trial.channels, trial.size)), False
    except PipelineRaisedError as error:
        is_misfit = error.stage == "in Normalize" and sighting_of(error.trace, located) is not None
        if error.is_own and not is_own and not is_misfit:
            raise OwnFormRaisesError(str(error)) from error
        yield error.trace, False
    except PipelineError as error:
        raise NotApplicable(f"{_UNSEEN}: {error}") from error


def _own_traces(pipeline: Any, located: Located) -> Iterator[Trace]:
    """Yield what happens while the first items of a data set are read, the middle one, and the last."""
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DenormWarning)  # other checks tell them
        yield from item_traces(pipeline, located, _ITEMS, spread=True)


def sighting_of(trace: Trace, located: Located, is_own: bool = False) -> Sighting | None:
    """Return what passed the Normalize first in one call; None where nothing did, or bytes were refused."""
    return next(iter(sightings_of(trace, located, is_own)), None)


def sightings_of(trace: Trace, located: Located, is_own: bool = False) -> list[Sighting]:
    """Return what passed the Normalize in one call: one for each image that did, as of an item with several views."""
    normalization, record = located.normalization, trace.record
    if record is None:
        return []
    if not record:
        entering = channels_first(trace.entered, normalization)
        if entering is None or not entering.is_floating_point():
            return []
        error = record.failed[0][1]
        said = f"{located.source} raised {type(error).__name__}: {error}"
        return [Sighting(entering, None, said, is_own=is_own, trace=trace)]
    passed = [tuple(channels_first(one, normalization) for one in pair) for pair in record]
    twice = any(_same_values(left, entered) for (_, left), (entered, _) in itertools.pairwise(passed))
    pairs = [(entered, left) for entered, left in passed if entered is not None and left is not None]
    final = [_final(trace, left, normalization) for _, left in pairs] if len(passed) == 1 else []
    if len(passed) > 1 and not twice:
        final = _final_of_several([left for _, left in pairs], _images_given(trace, normalization))
    return [
        Sighting(entered, left, "", after, twice, is_own, trace)
        for (entered, left), after in itertools.zip_longest(pairs, final or [None] * len(pairs))
    ]


def _images_given(trace: Trace, normalization: Normalization) -> list[torch.Tensor]:
    """Return the images that a call gave in the end, (..., C, H, W) each; those of a stack one by one."""
    found = [one for one in (channels_first(image, normalization) for image in trace.images) if one is not None]
    return [image for one in found for image in (one if one.ndim == _STACKED else [one])]


def _same_values(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    """In whatever places."""
    if one is None or other is None or one.numel() != other.numel():
        return False
    return torch.equal(*(each.double().flatten().sort().values for each in (one, other)))


def _final_of_several(left: list[torch.Tensor], given: list[torch.Tensor]) -> list[torch.Tensor | None]:
    """What each became in the end: itself, if it is there; the others in their order, if as many are left."""
    final: list[torch.Tensor | None] = []
    rest = [one for one in given if one.shape[-3] == left[0].shape[-3]]
    for one in left:
        at = next((index for index, other in enumerate(rest) if torch.equal(one, other)), None)
        final.append(None if at is None else rest.pop(at))
    if len(rest) != final.count(None):
        return final
    waiting = iter(rest)
    return [next(waiting) if one is None else one for one in final]


def _final(trace: Trace, leaving: torch.Tensor, normalization: Normalization) -> torch.Tensor | None:
    """The image that the pipeline gave in the end: what left Normalize, if that is there, else floats as large, else
    of as many channels, else whole numbers that are all that it gave.
    """
    alike = [one for one in (channels_first(image, normalization) for image in trace.images) if one is not None]
    alike = [one for one in alike if one.shape[-3] == leaving.shape[-3]]
    floats = [one for one in alike if one.is_floating_point()]
    as_large = [one.reshape(leaving.shape) for one in floats if one.squeeze().shape == leaving.squeeze().shape]
    if as_large:
        return next((one for one in as_large if torch.equal(one, leaving)), as_large[0])
    if floats:
        return floats[0]
    return alike[0] if len(alike) == len(trace.images) == 1 else None


def channels_first(image: Any, normalization: Normalization) -> torch.Tensor | None:
    """Return an image as a tensor (..., C, H, W): the first, where it is several; None where it is none."""
    image = next(iter(images_in(image)), None)
    ends: tuple[int, ...]
    if isinstance(image, torch.Tensor):
        tensor, ends = image.detach().cpu().as_subclass(torch.Tensor), (FIRST, LAST)
    else:
        array = np.asarray(image)
        try:
            tensor = torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))
        except TypeError:  # None; and torch has no longer floats than float64
            return None
        ends = (LAST,)
    if tensor.ndim == 2:
        return tensor[None]
    counts = (*USUAL, normalization.channels)
    axis = next((one for one in ends if tensor.shape[one] in counts), FIRST)
    if normalization.channel_axis is not None:
        axis = normalization.channel_axis
    return tensor.movedim(axis, FIRST) if tensor.ndim >= -axis else None


def unmet(pipeline: Any, located: Located) -> Unmet:
    """Return whether a data set holds a Normalize that none of its first items meets, and what their images are then.

    Images that are kept normalized, as caches keep them, have values below 0; so do those that something else
    normalizes.
    """
    own = hasattr(type(pipeline), "__getitem__") or ".dataset" in located.path
    if not is_dataset(pipeline) or not own or located.probability < 1:
        return ""
    lowest: list[float] = []
    try:
        for trace in item_traces(pipeline, located, _FEW_ITEMS):
            if trace.error is not None or trace.entered is not None:
                return ""  # other checks tell an error
            lowest += [float(np.asarray(one).min()) for one in trace.images]
    except PipelineError:
        return ""
    if not lowest:
        return ""
    return "normalized" if min(lowest) < 0 else "raw"


def unmet_splits(pipeline: Any) -> list[str]:
    """Return the data sets of splits, side by side, of which :func:`unmet` says "raw"."""
    found = []
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DenormWarning)
        for one in itertools.chain(*groups_of_splits(pipeline)):
            try:
                located = declared(one.part)
            except DenormError:  # it has none: other checks tell it
                continue
            found += [one.path] if is_dataset(one.part) and unmet(one.part, located) == "raw" else []
    return found
