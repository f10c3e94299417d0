"""The inverse on exactly what the pipeline emits: one image, and a batch as a loader collates it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from ..core.layout import FIRST
from ..core.text import channel_name, in_levels
from ..core.tolerance import round_trip_tolerance
from ..diagnosis.observe import in_equal_bins
from ..errors import InverseError
from ..pipelines.calls import read_image
from ..pipelines.exchange import as_they_leave
from .case import Case
from .emission import Emitted
from .outcome import CheckFailure, Shown

__all__ = ["check_inverse_as_run"]


def check_inverse_as_run(case: Case, tolerance: float | None = None) -> Shown:
    """The inverse takes exactly what the pipeline emits, one image or a batch of them, and gives the images back."""
    emitted = case.emitted
    shown: list[str] = []
    details: dict[str, float] = {}
    for form, given in _forms(emitted):
        try:
            returned = case.inverse(copy.deepcopy(given.image))
        except Exception as error:
            if form == "a batch" and shown:  # the pipeline emits single images
                shown.append(f"a batch is refused ({type(error).__name__})")
                continue
            raise _raised(error, given) from error
        try:
            off = details[form] = _compare(case, given, returned, tolerance)
        except CheckFailure:
            if form == "a batch" and shown:  # as above; check_inverse_accepts_batch warns of it
                shown.append("a batch is not given back as one")
                continue
            raise
        shown.append(f"{form} ({given.words}) comes back, off by {off:.2g}")
    return Shown("; ".join(shown), details)


def _forms(emitted: list[Emitted]) -> Iterator[tuple[str, Emitted]]:
    """Each image as it left, and those of one size as a loader collates them."""
    for one in emitted:
        yield ("a batch" if one.is_batch else "one image"), one
    first = emitted[0]
    if first.is_batch:
        return
    alike = [one.image for one in emitted if one.image.shape == first.image.shape]
    images = (alike * 2)[: max(2, len(alike))]
    collated = torch.utils.data.default_collate([copy.deepcopy(one) for one in images])
    yield "a batch", Emitted(collated, first.axis, True)


def _compare(case: Case, given: Emitted, returned: Any, tolerance: float | None) -> float:
    """Return by how much the result is off what an exact inverse gives, in the units of the images.

    Raises:
        CheckFailure: by more than the derived tolerance, or it is no image.
    """
    exact = _exact(case, given)
    batch = exact if given.is_batch else exact[None]
    dtype = given.image.dtype if isinstance(given.image, torch.Tensor) else torch.float32
    worst = 0.0
    for index, (expected, found) in enumerate(zip(batch, _read(returned, batch, given), strict=True)):
        where = f"image {index} of {given.words}" if given.is_batch else given.words
        worst = max(worst, _refuse_off(case, expected, found, dtype, where, tolerance))
    return worst


def _exact(case: Case, given: Emitted) -> torch.Tensor:
    """The map of the Normalize undone in float64, with the channels where the images have them."""
    y = given.channels_first
    statistics = as_they_leave(case.verified).expand(y.shape[FIRST])
    mean, std = (torch.tensor(one, dtype=torch.float64).view(-1, 1, 1) for one in (statistics.mean, statistics.std))
    exact = y * std + mean
    order = case.verified.order
    return exact if order is None else exact[..., [order.index(channel) for channel in range(len(order))], :, :]


def _refuse_off(
    case: Case, expected: torch.Tensor, found: torch.Tensor, dtype: torch.dtype, where: str, tolerance: float | None
) -> float:
    """Return by how much an image is off; a clamp to 0..white takes nothing from an image.

    Raises:
        CheckFailure: by more than the derived tolerance.
    """
    white, step = case.normalization.pixel_max, case.units.step(found.dtype)
    statistics = case.normalization.expand(len(expected))
    low, high = min(0.0, float(expected.min())), max(white, float(expected.max()))
    slack = np.array(round_trip_tolerance(statistics, dtype, low=low, high=high).per_channel)
    if tolerance is not None:
        slack, step = np.full(len(expected), tolerance), 0.0
    # floats come in the units of the images already
    came = found.double() if found.is_floating_point() else case.units.read(found).double()
    off = torch.minimum((came - expected).abs(), (came - expected.clamp(0, white)).abs()).nan_to_num(nan=math.inf)
    room = torch.tensor(slack + 0.5 * step).view(-1, 1, 1)
    if bool((off <= room).all()):
        return float(off.max())
    values, results = (one.clamp(0, white).flatten(1).T.numpy() for one in (expected, came))
    if step and in_equal_bins(values, results, slack, step, white):
        return float(off.max())
    at = tuple(int(i) for i in torch.unravel_index((off - room).argmax(), off.shape))
    levels = float(off[at]) * 255 / white
    raise CheckFailure(
        f"off by {in_levels(levels, 4)} on {where}: {channel_name(at[0], len(expected))}, row {at[1]}, column {at[2]} "
        f"is {float(came[at]):.6g} where {float(expected[at]):.6g} entered Normalize.",
        error=float(off[at]),
        levels=levels,
    )


def _raised(error: Exception, given: Emitted) -> CheckFailure:
    said = f"the inverse raised {type(error).__name__}: {str(error).strip() or 'no message'}"
    return CheckFailure(
        f"{said}, given {given.words}, which is what the pipeline emits. If it is meant for another form, say so with "
        f"layout= ('HWC' for arrays, 'NCHW' for batches).",
        error=type(error).__name__,
    )


def _read(returned: Any, batch: torch.Tensor, given: Emitted) -> list[torch.Tensor]:
    shape = tuple(batch.shape[1:])
    try:
        parts = [returned] if len(batch) == 1 else list(returned)
        if len(parts) != len(batch):
            raise InverseError(f"the inverse returned {len(parts)} images for a batch of {len(batch)}")
        return [read_image(one, shape, "inverse") for one in parts]
    except (InverseError, TypeError) as error:
        raise CheckFailure(f"given {given.words}, {error}") from error
