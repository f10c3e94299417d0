"""The Normalize of anything: what is declared and, where nothing is, what is measured."""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..core.alone import alone
from ..core.arguments import MOST_CHANNELS, whole
from ..core.colormap import ColorMap
from ..core.foreign import attribute, shown
from ..core.normalization import Normalization, preset
from ..errors import (
    DenormError,
    ImageError,
    NormalizeNotFoundError,
    PipelineError,
    SettingsError,
    StatisticsWarning,
)
from .channel_counts import USUAL, first_of
from .entering_white import in_units_given, in_units_seen
from .located import Located
from .probe import DRAWS, measure
from .registry import Parts, describe, public_name
from .runner import Runner, is_network
from .splits import groups_of_splits, range_of_items, warn_of_missing
from .structure import is_dataset, structure
from .walk import declared

__all__ = [
    "callable_in",
    "callables_in",
    "find_normalize",
    "locate",
    "locate_or_measure",
    "located_as_measured",
    "probe",
]

#: How far resized images go beyond black and white, of all the way.
_BEYOND = 0.05
#: What an object holds is looked at, to so many objects, for something to call.
_MOST_OBJECTS = 1000
#: More calls, or larger images, take minutes.
_MOST_DRAWS, _LONGEST_SIDE = 10_000, 16_384
_TURN_BACK = (
    " Take the exchange of channels out; or, where the network wants them so, give your own inverse, which turns them "
    "back: inverse=."
)
_BY_ITSELF = " It is a network: give what normalizes in it by itself, a layer or a method of it."


def find_normalize(pipeline: Any) -> Normalization:
    """The statistics that a pipeline declares.

    Args:
        pipeline: a Normalize, or a transform, module, data set or loader that holds one at any depth; also a
            :class:`Normalization`, which is returned as it is, or the name of a preset.

    Returns:
        The Normalization; its ``source`` says where it was found, such as
        ``Compose.transforms[2]: torchvision.transforms.Normalize``.

    Raises:
        NormalizeNotFoundError: there is none.
        AmbiguousNormalizeError: two on one path, or views or data sets that do not agree.
        ConditionalNormalizeError: only some branches of a random choice have it, or some data sets of several.
        NotInvertibleError: what is there normalizes by each image's own statistics, or clips.
        StatisticsError: statistics that cannot be inverted, a zero std for one; no preset has that name.

    Warns:
        ConditionalNormalizeWarning: it is skipped at random (``RandomApply`` with p below 1).
        MissingNormalizeWarning: one split of several has none, such as "val" in a dict that has one in "train".
        SecondNormalizeWarning: a loader around it keeps another mean and std.
        StatisticsWarning: its statistics are not on the scale of the images. Where it cannot say for which images
            they are, as torchvision's, and they are no statistics of images in 0..1, the pipeline is run on one: 255
            is white where bytes are seen to enter. The first images of a data set show white of up to 16 bits.
    """
    return locate(pipeline).normalization


def locate(pipeline: Any, images: Any = None) -> Located:
    """As :func:`find_normalize`, with the object itself and the way to it.

    Args:
        images: the user's, as they enter the Normalize; they show where white is, too.
    """
    located = declared(pipeline)
    warn_of_missing(located.missing)
    if located.op is located.normalization or not located.normalization.doubt_about_scale():
        return located
    located = in_units_seen(pipeline, located) if images is None else in_units_given(located, images)
    if doubt := located.normalization.doubt_about_scale():
        warnings.warn(doubt, StatisticsWarning, stacklevel=3)
    return located


def probe(
    pipeline: Any,
    *,
    channels: int | None = None,
    size: tuple[int, int] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> ColorMap:
    """Measures what a pipeline does to colors, whatever library it is of.

    It is called with a PIL image, an array or a tensor, alone, by keyword or in a dict, until one of these works
    and gives values of a usual range.

    Args:
        pipeline: anything that takes an image and returns one; or a data set or loader, whose transform is taken; or
            a :class:`~pytest_denorm.Normalization` or the name of a preset.
        channels: of the images; unless given 3, where these do not work 1, and then as many as the pipeline shows
            that it wants: in what it makes of one channel, or in what it raises.
        size: (height, width) of the images; as large as it needs to be, unless given.
        draws: calls with one and the same image, to see whether chance has a part.
        seed: of python's, numpy's and torch's generators during the calls; their states are restored.

    Returns:
        The map on the unit scale, where x = 0 is black and 1 is white, whatever the pipeline takes.

    Raises:
        PipelineError: nothing to call, or no way of calling it worked; the message says what each attempt raised.
        StatisticsError: no preset has that name.
        ImageError, SettingsError: `channels`, `size`, `draws` or `seed` cannot be what they are.

    The number of calls is bounded, and reported in the result. The calls go to a copy of the pipeline where it can be
    copied, so that generators of its own stay where they are.
    """
    if channels is not None:
        whole(channels, "channels", ImageError, least=1, most=MOST_CHANNELS)
    if size is not None and not (isinstance(size, (tuple, list)) and len(size) == 2):
        raise ImageError(f"size is {shown(size)}: expected height and width, such as (32, 48).")
    for side in size or ():
        whole(side, f"size is {shown(size)}: a side of it", ImageError, least=1, most=_LONGEST_SIDE, meaning="pixels")
    whole(draws, "draws", ImageError, least=0, most=_MOST_DRAWS, meaning="calls")
    whole(seed, "seed", SettingsError)
    counts = USUAL if channels is None else (channels,)
    runner = Runner(
        callable_in(pipeline), counts=counts, others=channels is None, size=size, name=public_name(pipeline)
    )
    return measure(runner, draws, seed)


def callable_in(pipeline: Any) -> Callable[..., Any]:
    """Return what an image goes through.

    Raises:
        PipelineError: nothing in it can be called with an image.
        StatisticsError: no preset has that name.
    """
    if isinstance(pipeline, str):
        pipeline = preset(pipeline)
    if isinstance(pipeline, Normalization):
        return pipeline.normalize
    made = pipeline.func if isinstance(pipeline, functools.partial) else pipeline
    if inspect.isclass(made):
        raise PipelineError(f"{public_name(made)} is a class, which takes no image: call it to make a transform.")
    if callable(pipeline):
        return pipeline  # type: ignore[no-any-return]
    if callable(preprocess := attribute(pipeline, "preprocess")):  # a processor with several methods
        return preprocess  # type: ignore[no-any-return]
    try:
        with alone(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is declared is not what is asked here
            located = locate(pipeline)
    except DenormError:
        return _first_callable(pipeline)
    if located.call is None:
        raise PipelineError(
            f"nothing to probe in a {public_name(pipeline)}: {located.normalization.source} is applied by something "
            f"that cannot be called with an image."
        )
    return located.call


def _first_callable(pipeline: Any) -> Callable[..., Any]:
    for one in callables_in(pipeline):
        return one
    raise PipelineError(
        f"nothing to probe in a {public_name(pipeline)}: expected something that is called with an image, or a data "
        f"set or loader that holds such a transform."
    )


def callables_in(pipeline: Any) -> Iterator[Callable[..., Any]]:
    """Yield what can be called among what an object holds, the outermost alone."""
    waiting: list[Any] = [pipeline]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_OBJECTS:
        candidate = waiting.pop()
        if id(candidate) in seen:
            continue
        seen.add(id(candidate))
        if callable(candidate):
            yield candidate
            continue
        description = describe(candidate) or structure(candidate)
        if isinstance(description, Parts):
            waiting.extend(part for _, part in reversed(description.parts))


def locate_or_measure(pipeline: Any, channels: int | None = None, images: Any = None) -> Located:
    """As :func:`~pytest_denorm.pipelines.locate`; where nothing is declared, what the probe measured.

    Args:
        channels: of the images to measure with first, where that is known.
        images: the user's, as they enter the Normalize.

    Raises:
        NormalizeNotFoundError: nothing is declared, and nothing that a Normalize does was measured.
        and all that :func:`~pytest_denorm.find_normalize` raises.
    """
    try:
        return locate(pipeline, images)
    except NormalizeNotFoundError as error:
        for group in groups_of_splits(pipeline):
            with contextlib.suppress(NormalizeNotFoundError):
                return locate_or_measure(group[0].part, channels)
        if is_dataset(pipeline):
            return _measured_inside(pipeline, error, channels)
        call = _call_of(pipeline)
        if not callable(call):
            raise
        try:
            normalization = _measured(call, error, channels)
        except NormalizeNotFoundError as refused:
            if not _takes_arrays_alone_and_reverses(refused.measured):
                raise
            call = OfBgr(call)
            normalization = _measured(call, error, channels)
            return replace(located_as_measured(pipeline, normalization), call=call)
    return located_as_measured(pipeline, normalization)


def _takes_arrays_alone_and_reverses(found: ColorMap | None) -> bool:
    """Whether it takes no PIL image, but arrays, which are BGR where OpenCV reads them, and gives RGB then."""
    return found is not None and found.order == (2, 1, 0) and "array (H, W, C)" in found.convention


class OfBgr:
    """What takes arrays as OpenCV reads them, called with arrays of RGB."""

    def __init__(self, call: Callable[..., Any]) -> None:
        functools.update_wrapper(self, call, updated=())
        self._call = call

    def __call__(self, image: Any) -> Any:
        return self._call(np.ascontiguousarray(image[..., ::-1]))


def _measured_inside(dataset: Any, nothing_declared: NormalizeNotFoundError, channels: int | None) -> Located:
    """What a transform that a data set holds was measured to do, if its items are images on which it was done.

    Raises:
        NormalizeNotFoundError: there is none.
    """
    for call in callables_in(dataset):
        try:
            with alone(), warnings.catch_warnings():
                warnings.simplefilter("error", StatisticsWarning)
                located = located_as_measured(call, _measured(call, nothing_declared, channels))
        except (NormalizeNotFoundError, StatisticsWarning):
            continue
        if _is_met(dataset, located.normalization):
            return located
    raise nothing_declared


def _is_met(dataset: Any, normalization: Normalization) -> bool:
    """Whether the first items are between black and white, and below 0 as black is."""
    try:
        with alone(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            low, high = range_of_items(dataset)
    except Exception:  # other checks tell what is wrong with it
        return False
    rows = list(zip(normalization.mean, normalization.std, strict=True))
    black, white = min(-m / s for m, s in rows), max((normalization.pixel_max - m) / s for m, s in rows)
    room = _BEYOND * (white - black)
    return low < 0 and black - room <= low and high <= white + room


def _call_of(pipeline: Any) -> Any:
    return pipeline if callable(pipeline) else attribute(pipeline, "preprocess")


def located_as_measured(pipeline: Any, normalization: Normalization) -> Located:
    """A pipeline that declares nothing, and was measured to do this."""
    normalization = normalization.located(f"nothing declared; {normalization.source}")
    name = "a pipeline that declares no Normalize"
    return Located(normalization, "", name, pipeline, call=_call_of(pipeline), entry=None, is_declared=False)


def _measured(pipeline: Any, nothing_declared: NormalizeNotFoundError, channels: int | None) -> Normalization:
    found = None
    try:
        found = measure(Runner(pipeline, counts=first_of(channels), others=True))
        normalization = found.normalization()
    except DenormError as error:
        order = () if found is None else found.order or ()
        advice = _TURN_BACK if list(order) != sorted(order) else _BY_ITSELF if is_network(pipeline) else ""
        raise NormalizeNotFoundError(f"{nothing_declared.said}\nMeasured: {error}{advice}", measured=found) from error
    as_they_enter = all(math.isclose(std, 1, abs_tol=1e-3) for std in normalization.std) and all(
        math.isclose(mean, 0, abs_tol=1e-3) for mean in normalization.mean
    )
    if found.undivided:
        warnings.warn(
            f"{found.undivided} holds bytes, and what the pipeline makes of it is 255 times what it makes of "
            f"{found.convention}: it does not divide by 255. Divide before the mean is taken off; or, if none but "
            f"values in 0..1 go in, declare this an expected failure.",
            StatisticsWarning,
            stacklevel=2,
        )
    if as_they_enter:
        raise NormalizeNotFoundError(
            f"{nothing_declared.said}\nMeasured: images in 0..1 leave it as they enter ({normalization.source})."
        )
    return normalization
