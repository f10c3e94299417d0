"""What the Normalize really does while its whole pipeline runs: watched there, or measured from outside."""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from ..core.alone import alone
from ..core.colormap import ColorMap, fit_affine
from ..core.normalization import Normalization, format_numbers
from ..core.text import channel_name
from ..core.tolerance import round_trip_tolerance
from ..errors import DenormError, DenormWarning, NormalizeRaisedError, NotInvertibleError, PipelineError
from ..pipelines import Located
from ..pipelines.conventions import pictures_in
from ..pipelines.counts import USUAL
from ..pipelines.exchange import FEW_DRAWS, as_they_leave, order_in_words
from ..pipelines.probing import is_network, probe_with
from ..pipelines.samples import photograph, with_channels
from ..pipelines.splits import data_sets_of_splits
from ..pipelines.walk import declared, is_dataset
from ..pipelines.watching import LaterStepRaisedError, Record, refuse_unwatchable, watch, watch_own
from ..pipelines.white import BRIGHT, usual_white
from .afterwards import pixels_of, refuse_changes_afterwards
from .outcome import CheckFailure, NotApplicable, Shown

Array = np.ndarray[Any, Any]
#: What pictures are that have not met the Normalize; "" where some have, or it is not known.
Unmet = Literal["", "raw", "normalized"]

#: So many of a data set are read until one meets its Normalize.
_FEW_ITEMS = 10
#: How far black and white may be beyond 0..white when they enter.
_BEYOND = 0.05
#: What is off a map by no more, of all the way from black to white, is rounded to bytes.
_ROUNDED = 1.01 / 255

__all__ = ["Unmet", "declared_against_measured", "sightings", "unmet", "unmet_splits"]


class Sighting(NamedTuple):
    """What passed a Normalize inside its pipeline, (..., C, H, W).

    Attributes:
        entering, leaving: the latter is None where the Normalize raised.
        error: what it raised, in words.
        final: what the pipeline made of `leaving`, where that has as many channels.
        twice: what left it entered it once more.
        again: the same with another picture in the same form, uint8 (3, 1, 1) or larger; None of a picture of its own.
    """

    entering: torch.Tensor
    leaving: torch.Tensor | None
    error: str = ""
    final: torch.Tensor | None = None
    twice: bool = False
    again: Callable[[torch.Tensor], Sighting | None] | None = None

    @property
    def channels(self) -> int:
        return self.entering.shape[-3]

    def fits(self, normalization: Normalization) -> bool:
        """Whether as many channels enter as there are statistics."""
        return normalization.channels in (1, self.channels)

    @property
    def does_something(self) -> bool:
        if self.leaving is None:
            return False
        return self.entering.shape != self.leaving.shape or bool((self.entering != self.leaving).any())


class NothingPassesError(NotApplicable):
    """The Normalize takes tensors alone, and what follows it takes none: no picture passes the pipeline."""


def sightings(pipeline: Any, located: Located) -> Iterator[Sighting]:
    """What enters and leaves the Normalize when the pipeline runs: on an item of its own, if it is a data set or a
    loader, and on a photograph in every usual form. Photographs that it refuses, or leaves as they are, come last,
    after those of four axes whose channels it takes for something else.

    Raises:
        NotApplicable: after the last, if there was none: it cannot be watched, or takes no photograph in any form.
        NothingPassesError: the latter, because of the order of its steps.
    """
    if located.op is pipeline:
        raise NotApplicable("there is nothing around the Normalize that could be run")
    try:
        refuse_unwatchable(located)
    except PipelineError as error:
        raise NotApplicable(f"the Normalize was not seen at work inside its pipeline: {error}") from error
    reason, untaken, seen_at_work = "", "matplotlib came without its sample photograph", False
    misfits: list[Sighting] = []
    last: list[Sighting] = []
    refusals: list[PipelineError] = []  # by the Normalize, and by what follows it
    identity = not any(located.normalization.mean) and set(located.normalization.std) == {1.0}
    for own, axes, run, again in _runs(pipeline, located):
        try:
            with alone(), warnings.catch_warnings():
                warnings.simplefilter("ignore", DenormWarning)  # other checks tell them
                seen = _sighting(run(), located.normalization, again)
            reason = "chance passed the Normalize over, or it got no picture"
        except NormalizeRaisedError as error:
            reason = str(error)
            seen = _refused(error, located.normalization)
            refusals.append(error)
        except PipelineError as error:
            untaken, seen = str(error), None
            refusals += [error] if isinstance(error, LaterStepRaisedError) else []
        if seen is not None and seen.leaving is not None and axes == 4 and not seen.fits(located.normalization):
            misfits.append(seen)
        elif seen is not None and (own or identity or seen.does_something):
            seen_at_work = True
            yield seen
        elif seen is not None:
            last.append(seen)
    if any(isinstance(error, LaterStepRaisedError) for error in refusals):
        # for a model that wants pictures of another size, what its Normalize refuses are pictures of another kind
        last, reason = [one for one in last if one.leaving is not None], ""
    yield from [*misfits, *last]
    if not seen_at_work and not misfits and not last:
        _refuse_order_of_steps(pipeline, refusals)
        raise NotApplicable(f"the Normalize was not seen at work inside its pipeline: {reason or untaken}")


def _refuse_order_of_steps(pipeline: Any, refusals: list[PipelineError]) -> None:
    """Pictures of another kind are refused as such, with a TypeError; those of another size are not."""
    early, late = (
        [error.__cause__ for error in refusals if isinstance(error, kind)]
        for kind in (NormalizeRaisedError, LaterStepRaisedError)
    )
    of_kind = [cause for cause in early if isinstance(cause, TypeError)]
    if of_kind and late and all(isinstance(cause, TypeError) for cause in late) and not is_network(pipeline):
        raise NothingPassesError(
            f"no picture passes the pipeline: its Normalize refuses pictures and arrays (TypeError: {of_kind[0]}), and "
            f"what follows refuses what Normalize gives (TypeError: {late[0]}). Is it before the step that makes a "
            f"tensor?"
        )


def _sighting(
    pairs: Record, normalization: Normalization, again: Callable[[torch.Tensor], Sighting | None] | None = None
) -> Sighting | None:
    """Of the first run; None where there was none, or no picture in it."""
    if not pairs:
        return None
    entering, leaving = (_channels_first(one, normalization) for one in next(iter(pairs)))
    if entering is None or leaving is None:
        return None
    twice = any(
        _same_values(_channels_first(left, normalization), _channels_first(entered, normalization))
        for (_, left), (entered, _) in itertools.pairwise(pairs)
    )
    return Sighting(entering, leaving, final=_final(pairs, leaving, normalization), twice=twice, again=again)


def _same_values(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    """In whatever places."""
    if one is None or other is None:
        return False
    return torch.equal(*(each.double().flatten().sort().values for each in (one, other)))


def _final(pairs: Record, leaving: torch.Tensor, normalization: Normalization) -> torch.Tensor | None:
    """The picture that the pipeline gave in the end: what left Normalize, if that is there, else floats as large, else
    of as many channels, else whole numbers that are all that it gave.
    """
    found = pictures_in(pairs.result) if len(pairs) == 1 else []
    alike = [one for one in (_channels_first(picture, normalization) for picture in found) if one is not None]
    alike = [one for one in alike if one.shape[-3] == leaving.shape[-3]]
    floats = [one for one in alike if one.is_floating_point()]
    as_large = [one.reshape(leaving.shape) for one in floats if one.squeeze().shape == leaving.squeeze().shape]
    if as_large:
        return next((one for one in as_large if torch.equal(one, leaving)), as_large[0])
    if floats:
        return floats[0]
    return alike[0] if len(alike) == len(found) == 1 else None


def _refused(error: NormalizeRaisedError, normalization: Normalization) -> Sighting | None:
    """None for bytes: these were no form for this pipeline."""
    entering = _channels_first(error.entering, normalization)
    return Sighting(entering, None, str(error)) if entering is not None and entering.is_floating_point() else None


def _runs(
    pipeline: Any, located: Located
) -> Iterator[tuple[bool, int, Callable[[], Record], Callable[[torch.Tensor], Sighting | None] | None]]:
    """Ways to see it at work, whether the picture is its own, how many axes it has, and the same with another one."""
    if is_dataset(pipeline):
        yield True, 0, functools.partial(_own_item, pipeline), None
    photo = photograph()
    if photo is None:
        return
    for index, picture in enumerate(_forms(located.normalization.channels, photo)):
        again = functools.partial(_again, pipeline, located, index, photo)
        yield False, getattr(picture, "ndim", 3), functools.partial(watch, pipeline, picture), again


def unmet(pipeline: Any, located: Located) -> Unmet:
    """Whether a data set holds a Normalize that none of its first items meets, and what their pictures are then.

    Pictures that are kept normalized, as caches keep them, have values below 0; so do those that something else
    normalizes.
    """
    own = hasattr(type(pipeline), "__getitem__") or ".dataset" in located.path
    if not is_dataset(pipeline) or not own or located.probability < 1:
        return ""
    try:
        record = watch_own(pipeline, _FEW_ITEMS)
    except Exception:  # other checks tell it
        return ""
    pictures = pictures_in([*record.earlier, record.result]) if not record else []
    if not pictures:
        return ""
    return "normalized" if any(float(np.asarray(one).min()) < 0 for one in pictures) else "raw"


def unmet_splits(pipeline: Any) -> list[str]:
    """The data sets of splits, side by side, of which :func:`unmet` says "raw"."""
    found = []
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DenormWarning)
        for path, part in data_sets_of_splits(pipeline):
            try:
                located = declared(part)
            except DenormError:  # it has none: other checks tell it
                continue
            found += [path] if unmet(part, located) == "raw" else []
    return found


def _again(pipeline: Any, located: Located, index: int, photo: torch.Tensor, picture: torch.Tensor) -> Sighting | None:
    """What it does to another picture in one of the forms; None where it does not take it, or passes it over."""
    form = next(itertools.islice(_forms(located.normalization.channels, picture.expand_as(photo)), index, None))
    try:
        with alone(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DenormWarning)
            return _sighting(watch(pipeline, form), located.normalization)
    except PipelineError:
        return None


def _own_item(dataset: Any) -> Record:
    try:
        return watch_own(dataset)
    except PipelineError:
        raise
    except Exception as error:  # the check of the data set tells it
        raise PipelineError(f"its first item cannot be read: {type(error).__name__}: {error}") from error


def _forms(channels: int, photo: torch.Tensor) -> Iterator[Any]:
    """A photograph in every usual form: of `channels` if they are more than three, in colour, of fewer, and in grey."""
    from PIL import Image

    for count in dict.fromkeys((max(channels, 3), 3, channels, 1)):
        planes = with_channels(photo, count).repeat_interleave(8, dim=1).repeat_interleave(8, dim=2)
        array = planes.permute(1, 2, 0).contiguous().numpy()  # more than any usual crop
        if count in (1, 3, 4):
            yield Image.fromarray(array.squeeze())
        yield from (array, planes.float() / 255, planes, planes[None].float() / 255, planes[:, None].float() / 255)


def _channels_first(picture: Any, normalization: Normalization) -> torch.Tensor | None:
    """Of the first picture, where it is several; None where it is none."""
    picture = next(iter(pictures_in(picture)), None)
    ends: tuple[int, ...]
    if isinstance(picture, torch.Tensor):
        tensor, ends = picture.as_subclass(torch.Tensor), (-3, -1)
    else:
        array = np.asarray(picture)
        try:
            tensor = torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))
        except TypeError:  # None; and torch has no longer floats than float64
            return None
        ends = (-1,)
    if tensor.ndim == 2:
        return tensor[None]
    usual = (1, 3, 4, normalization.channels)
    axis = next((one for one in ends if tensor.shape[one] in usual), -3)
    if normalization.channel_axis is not None:
        axis = normalization.channel_axis
    return tensor.movedim(axis, -3) if tensor.ndim >= -axis else None


def declared_against_measured(pipeline: Any, located: Located, verified: Located) -> Shown:
    """Fits what the Normalize does inside its pipeline, and holds it against what it declares.

    Where it cannot be watched there, the whole pipeline is measured from outside.

    Args:
        verified: the same, together with an exchange of channels if the inverse turns them back.

    Raises:
        CheckFailure: they differ, or the pictures are not on the scale that the statistics are for.
        NotApplicable: neither can be done.
    """
    try:
        seen = _telling(pipeline, located)
    except NothingPassesError as error:
        raise CheckFailure(str(error)) from error
    except NotApplicable as unseen:
        return _from_outside(verified, unseen)
    entering, leaving = seen.entering, seen.leaving
    if leaving is None or leaving.shape[-3] != entering.shape[-3]:
        raise NotApplicable("the statistics do not fit the channels that enter: see statistics_match_channels")
    if leaving.shape != entering.shape:
        return _from_outside(verified, NotApplicable("the picture changes its size inside the Normalize"))
    count = leaving.shape[-3]
    x, y = pixels_of(entering), pixels_of(leaving)
    declared = located.normalization.expand(count)
    low, high = float(x.min()), float(x.max())
    if high > BRIGHT and declared.pixel_max == 1.0:
        shown = f"pictures in 0..{high:.0f} enter a Normalize whose "
        if max(*declared.mean, *declared.std) > 2:
            white = usual_white(high) or high
            raise CheckFailure(
                f"{shown}statistics fit them, and which does not say so: its white is taken to be 1. Give its numbers "
                f"as Normalization({format_numbers(declared.mean)}, {format_numbers(declared.std)}, "
                f"pixel_max={white:g}), or scale the pictures to 0..1 and divide both by {white:g}.",
                entering_max=high,
            )
        raise CheckFailure(
            f"{shown}statistics are for 0..1 (mean {format_numbers(declared.mean)}): scale them first, with ToTensor "
            f"or ToDtype(torch.float32, scale=True).",
            entering_max=high,
        )
    if high <= 1 and declared.pixel_max >= 255:
        raise CheckFailure(
            f"pictures in 0..1 enter a Normalize whose statistics are for 0..{declared.pixel_max:g} (mean "
            f"{format_numbers(declared.mean)}): what leaves it hardly differs from picture to picture. Give the value "
            f"of white in these pictures (max_pixel_value=1.0), or the pictures as bytes.",
            entering_max=high,
        )
    fits = [fit_affine(x[:, [c]], y[:, [c]]) for c in range(count)]
    slope, offset = (np.array([getattr(one, name).item() for one in fits]) for name in ("matrix", "offset"))
    if not slope.all():
        name = channel_name(int(np.flatnonzero(slope == 0)[0]), count)
        raise CheckFailure(f"{name}: all that leaves Normalize is of one value, and nothing brings the picture back.")
    std = 1 / slope
    mean = -offset * std
    dtype = leaving.dtype if leaving.is_floating_point() else torch.float32
    allowed = np.array(round_trip_tolerance(declared, dtype, low=low, high=high).per_channel)
    off = np.abs(y * declared.std + declared.mean - x).max(axis=0)
    for c in np.flatnonzero(off > allowed):
        if _only_moved(x, y, declared, allowed):
            return _from_outside(verified, NotApplicable("pixels change places inside the Normalize"))
        _refuse_what_is_no_map(located, x, y, allowed / np.abs(declared.std))
        raise _differs(int(c), declared, mean, std)
    if seen.twice and seen.does_something:
        raise CheckFailure(
            "what leaves Normalize enters it once more: undoing it once gives a normalized picture again. Normalize "
            "each picture once."
        )
    if not is_network(pipeline):
        refuse_changes_afterwards(seen, declared)
        _refuse_changes_before(verified)
    numbers = f"measured mean {format_numbers(mean, 4)}, std {format_numbers(std, 4)}"
    return Shown(
        f"{numbers} inside the pipeline{_turned(verified.order)}",
        {"mean": mean.tolist(), "std": std.tolist()},
    )


def _telling(pipeline: Any, located: Located) -> Sighting:
    """What entered and left: of a picture with several values in each channel, or with channels that do not fit.

    Where the statistics are not of pictures in 0..1, of one that is not, if any such enters.

    Raises:
        NotApplicable: there is none.
    """
    fits, other = False, None
    for seen in sightings(pipeline, located):
        if seen.leaving is not None and seen.leaving.shape[-3] == seen.channels:
            if np.ptp(pixels_of(seen.entering), axis=0).all():
                if located.normalization.pixel_max == 1 or usual_white(float(seen.entering.max())):
                    return seen
                other = other or seen
            fits = True
        elif not fits:
            return seen
    if other is not None:
        return other
    raise NotApplicable("a channel of the pictures that were watched is of one value")


def _only_moved(x: Array, y: Array, declared: Normalization, allowed: Array) -> bool:
    """Whether the same values leave, in other places."""
    came, entered = np.sort(y * declared.std + declared.mean, axis=0), np.sort(x, axis=0)
    return bool((np.abs(came - entered).max(axis=0) <= allowed).all())


def _refuse_what_is_no_map(located: Located, x: Array, y: Array, allowed: Array) -> None:
    """Numbers are fitted to anything: they are told where they are what a Normalize does to each channel, and always.

    Raises:
        CheckFailure: they are not; says what it does instead.
    """
    room = float(np.maximum(allowed, _ROUNDED * np.ptp(y, axis=0)).max())
    fit = fit_affine(x, y)
    off = float(fit.residual.max())
    seen = ColorMap(fit.matrix, fit.offset, off, room, "", 1, nonlinear=off > room)
    if max(fit_affine(x[:, [c]], y[:, [c]]).residual.item() for c in range(x.shape[1])) <= room:
        problems = _of_several_pictures(located, ("per-image", "random"))
    elif seen.order is not None and not seen.nonlinear:
        problems = (
            f"the channels leave it {order_in_words(seen.order)}. Exchange them before it or after it, if at all",
        )
    else:
        problems = _of_several_pictures(located, ("",)) or seen.problems
    if problems:
        raise CheckFailure(
            f"{located.normalization.source} does not do what its attributes say, and what it does is no Normalize: "
            f"{'; '.join(problems)}."
        )


def _of_several_pictures(located: Located, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """What one picture does not tell of a Normalize: the problems of such kinds that are measured from outside."""
    if located.probability < 1:
        return ()
    try:
        measured = probe_with(located.op, _counts(located), draws=FEW_DRAWS)
    except NotInvertibleError as error:
        return (str(error).removesuffix("."),)
    except DenormError:
        return ()
    return measured.problems if any(one.startswith(kinds) for one in measured.problems) else ()


def _refuse_changes_before(verified: Located) -> None:
    """Around the Normalize, the channels of the picture must stay where they are, and in 0..white."""
    try:
        measured = probe_with(verified.call, _counts(verified), draws=FEW_DRAWS)
    except DenormError:
        return  # it cannot be measured from outside; what it does inside was seen
    _refuse_other_order(measured, verified.order)
    _refuse_other_range(measured, as_they_leave(verified))


def _refuse_other_range(measured: ColorMap, declared: Normalization) -> None:
    """Black and white may be exchanged or come nearer on the way to Normalize, but not leave 0..white."""
    channels = len(measured.matrix)
    fixed = not (measured.random or measured.nonlinear or measured.per_image or measured.gated or measured.clipped)
    if not fixed or declared.channels not in (1, channels):
        return
    declared = declared.expand(channels)
    mean, std, white = np.array(declared.mean), np.array(declared.std), declared.pixel_max
    contrast = measured.matrix.sum(axis=1)
    # black and white as they leave, channels mixed or not, undone
    black, bright = ((y * std + mean) / white for y in (measured.offset, measured.offset + contrast))
    gain, offset = bright - black, np.where(np.abs(black) > 1e-4, black, 0.0) * white
    twice = bool((np.abs(gain * 255 - 1) < 1e-3).all())
    beyond = min(black.min(), bright.min()) < -_BEYOND or max(black.max(), bright.max()) > 1 + _BEYOND
    if (np.abs(contrast) <= measured.tolerance).any() or not (twice or beyond):
        return
    done = [f"multiplied by {format_numbers(gain, 4)}"] if np.abs(gain - 1).max() > 1e-4 else []
    done += [f"shifted by {format_numbers(offset, 4)}"] if offset.any() else []
    how = "divided by 255 twice" if twice and not offset.any() else " and ".join(done)
    raise CheckFailure(
        f"pictures are {how} on the way to Normalize, and do not enter it in 0..{white:g}: undoing Normalize does not "
        f"undo that. All of it is what Normalize(mean={format_numbers((mean - offset) / gain, 4)}, "
        f"std={format_numbers(std / gain, 4)}) does.",
        gain=gain.tolist(),
        offset=offset.tolist(),
    )


def _counts(located: Located) -> tuple[int, ...]:
    """How many channels the pictures may have: as many as there are statistics, but grey may become colour."""
    channels = located.normalization.channels
    return USUAL if channels in USUAL else (channels,)


def _turned(order: tuple[int, ...] | None) -> str:
    return "" if order is None else f"; channels leave it {order_in_words(order)}, and the inverse turns them back"


def _refuse_other_order(measured: ColorMap, turned_back: tuple[int, ...] | None) -> None:
    order = measured.order
    if order is None or order in (tuple(range(len(order))), turned_back):
        return
    raise CheckFailure(
        f"the channels leave the pipeline {order_in_words(order)}: undoing Normalize gives pictures in that order, "
        f"and the network has to be one for it. Take the exchange of channels out, or turn them back in an inverse of "
        f"your own, and give that: inverse=.",
        order=list(order),
    )


def _from_outside(verified: Located, unseen: NotApplicable) -> Shown:
    declared = as_they_leave(verified)
    if verified.call is None:
        raise unseen
    try:
        measured = probe_with(verified.call, _counts(verified))
        _refuse_other_order(measured, verified.order)
        measured = measured.straightened
        with alone(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DenormWarning)
            found = measured.normalization(declared.pixel_max)
    except DenormError as error:
        raise NotApplicable(f"{unseen}; from outside: {error}") from error
    if measured.difference(declared) > measured.tolerance:
        expanded = declared.expand(found.channels)
        off = [
            max(abs(one - other), abs(std - wide))
            for one, other, std, wide in zip(found.mean, expanded.mean, found.std, expanded.std, strict=True)
        ]
        raise _differs(off.index(max(off)), expanded, np.array(found.mean), np.array(found.std))
    return Shown(f"{measured}{_turned(verified.order)}", {"mean": list(found.mean), "std": list(found.std)})


def _differs(c: int, declared: Normalization, mean: Any, std: Any) -> CheckFailure:
    white = "" if declared.pixel_max == 1 else f", {declared.pixel_max:g}"
    return CheckFailure(
        f"{channel_name(c, declared.channels)}: declared mean {declared.mean[c]:.6g} and std {declared.std[c]:.6g}, "
        f"measured mean {mean[c]:.6g} and std {std[c]:.6g}: what it does is not what its attributes say. Until that is "
        f"mended, give what was measured: Normalization({format_numbers(mean, 4)}, {format_numbers(std, 4)}{white}).",
        declared={"mean": list(declared.mean), "std": list(declared.std)},
        measured={"mean": mean.tolist(), "std": std.tolist()},
    )
