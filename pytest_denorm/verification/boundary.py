"""What the Normalize really does while its whole pipeline runs: watched there, or measured from outside."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from ..colormap import fit_affine
from ..errors import DenormError, DenormWarning, PipelineError
from ..normalization import Normalization, format_numbers
from ..pipelines import Located
from ..pipelines.probing import probe
from ..pipelines.watching import watch
from ..tolerance import round_trip_tolerance
from .case import CheckFailure, NotApplicable, Shown
from .causes import channel_name
from .samples import photograph

#: Calls that tell a fixed order of channels from a random one; the prober takes more to be sure of rare draws.
_FEW_DRAWS = 10

__all__ = ["declared_against_measured", "entering_and_leaving"]


def entering_and_leaving(pipeline: Any, located: Located) -> tuple[torch.Tensor, torch.Tensor]:
    """What enters and what leaves the Normalize, (..., C, H, W), when the pipeline runs on a photograph.

    Raises:
        NotApplicable: it cannot be watched, or the pipeline takes no photograph in any usual form.
    """
    if located.op is pipeline:
        raise NotApplicable("there is nothing around the Normalize that could be run")
    reason = "matplotlib came without its sample photograph"
    for picture in _forms():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DenormWarning)  # other checks tell them
                pairs = watch(pipeline, picture)
        except PipelineError as error:
            reason = str(error)
            continue
        if pairs:
            entering, leaving = (_channels_first(one, located.normalization) for one in pairs[0])
            return entering, leaving
        reason = "chance passed the Normalize over"
    raise NotApplicable(f"the Normalize was not seen at work inside its pipeline: {reason}")


def _forms() -> Iterator[Any]:
    """A photograph in every usual form."""
    photo = photograph()
    if photo is None:
        return
    from PIL import Image

    large = photo.repeat_interleave(8, dim=1).repeat_interleave(8, dim=2)  # more than any usual crop
    array = large.permute(1, 2, 0).contiguous().numpy()
    yield from (Image.fromarray(array), array, large.float() / 255, large, Image.fromarray(array).convert("L"))


def _channels_first(picture: Any, normalization: Normalization) -> torch.Tensor:
    if isinstance(picture, torch.Tensor):
        tensor, axis = picture.as_subclass(torch.Tensor), -3
    else:
        tensor = torch.from_numpy(np.array(picture))
        axis = -1 if tensor.shape[-1] in (1, 3, 4, normalization.channels) else -3
    if normalization.channel_axis is not None:
        axis = normalization.channel_axis
    return tensor[None, None] if tensor.ndim < 3 else tensor.movedim(axis, -3)


def declared_against_measured(pipeline: Any, located: Located) -> Shown:
    """Fits what the Normalize does inside its pipeline, and holds it against what it declares.

    Where it cannot be watched there, the whole pipeline is measured from outside.

    Raises:
        CheckFailure: they differ, or the pictures are not on the scale that the statistics are for.
        NotApplicable: neither can be done.
    """
    try:
        entering, leaving = entering_and_leaving(pipeline, located)
    except NotApplicable as unseen:
        return _from_outside(pipeline, located, unseen)
    count = leaving.shape[-3]
    x, y = (one.to(torch.float64).movedim(-3, -1).reshape(-1, one.shape[-3]).numpy() for one in (entering, leaving))
    if x.shape != y.shape:
        raise NotApplicable(f"{x.shape[1]} channels enter and {y.shape[1]} leave: see statistics_match_channels")
    declared = located.normalization.expand(count)
    low, high = float(x.min()), float(x.max())
    if high > 4 * declared.pixel_max and declared.pixel_max == 1.0:
        raise CheckFailure(
            f"pictures in 0..{high:.0f} enter a Normalize whose statistics are for 0..1 (mean "
            f"{format_numbers(declared.mean)}): scale them first, with ToTensor or ToDtype(torch.float32, scale=True).",
            entering_max=high,
        )
    if high <= 1 < 200 <= declared.pixel_max:
        raise CheckFailure(
            f"pictures in 0..1 enter a Normalize whose statistics are for 0..{declared.pixel_max:g} (mean "
            f"{format_numbers(declared.mean)}): what leaves it hardly differs from picture to picture. Give the value "
            f"of white in these pictures (max_pixel_value=1.0), or the pictures as bytes.",
            entering_max=high,
        )
    if (np.ptp(x, axis=0) == 0).any():
        raise NotApplicable("a channel of the picture that was watched is of one value")
    fits = [fit_affine(x[:, [c]], y[:, [c]]) for c in range(count)]
    std = np.array([1 / float(one.matrix[0, 0]) if one.matrix[0, 0] else np.inf for one in fits])
    mean = np.array([-float(one.offset[0]) for one in fits]) * std
    dtype = leaving.dtype if leaving.is_floating_point() else torch.float32
    allowed = np.array(round_trip_tolerance(declared, dtype, low=low, high=high).per_channel)
    off = np.abs(y * declared.std + declared.mean - x).max(axis=0)
    for c in np.flatnonzero(off > allowed):
        raise _differs(int(c), declared, mean, std)
    _refuse_other_order(pipeline)
    return Shown(
        f"measured mean {format_numbers(mean, 4)}, std {format_numbers(std, 4)} inside the pipeline",
        {"mean": mean.tolist(), "std": std.tolist()},
    )


def _refuse_other_order(pipeline: Any) -> None:
    """Around the Normalize, the channels of the picture must stay where they are."""
    if not callable(pipeline):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DenormWarning)
            order = probe(pipeline, draws=_FEW_DRAWS).order
    except DenormError:
        return  # it cannot be measured from outside; what it does inside was seen
    if order is not None and order != tuple(range(len(order))):
        raise _reordered(order)


def _reordered(order: tuple[int, ...]) -> CheckFailure:
    how = "reversed (RGB becomes BGR)" if order == tuple(range(len(order)))[::-1] else f"in the order {order}"
    return CheckFailure(
        f"the channels leave the pipeline {how}: each gets the mean and std that are listed for another, "
        f"and undoing Normalize gives pictures in that order. Take the exchange of channels out, or turn them back "
        f"after the inverse.",
        order=list(order),
    )


def _from_outside(pipeline: Any, located: Located, unseen: NotApplicable) -> Shown:
    declared = located.normalization
    if not callable(pipeline):
        raise unseen
    try:
        measured = probe(pipeline)
        if measured.order not in (None, tuple(range(len(measured.matrix)))):
            raise _reordered(measured.order or ())
        with warnings.catch_warnings():
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
    return Shown(str(measured), {"mean": list(found.mean), "std": list(found.std)})


def _differs(c: int, declared: Normalization, mean: Any, std: Any) -> CheckFailure:
    return CheckFailure(
        f"{channel_name(c, declared.channels)}: declared mean {declared.mean[c]:.6g} and std {declared.std[c]:.6g}, "
        f"measured mean {mean[c]:.6g} and std {std[c]:.6g}: what it does is not what its attributes say.",
        declared={"mean": list(declared.mean), "std": list(declared.std)},
        measured={"mean": mean.tolist(), "std": std.tolist()},
    )
