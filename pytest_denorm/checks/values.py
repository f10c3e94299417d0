"""Checks of values: images that went through Normalize come back, to the level and to the byte.

A check is a plain function of a :class:`Case`. It returns what it has shown, or raises :class:`CheckFailure` where the
pipeline or its inverse is wrong, and :class:`NotApplicable` with the reason where there is nothing for it to look at.
Its docstring is what the documentation says of it.
"""

from __future__ import annotations

import torch

from ..core.text import channel_name
from ..core.tolerance import round_trip_tolerance
from ..pipelines.calls import as_images, call
from ..pipelines.exchange import responses
from ..pipelines.samples import sample_images
from .case import Case
from .outcome import CheckFailure, NotApplicable, Shown
from .round_trip import comparable, levels_text, round_trip, worst_text

__all__ = [
    "check_bytes_exact",
    "check_channel_order",
    "check_no_clipping",
    "check_reverse_round_trip",
    "check_round_trip",
    "general_tolerance",
]


def check_round_trip(case: Case) -> Shown:
    """inverse(normalize(x)) equals x, within the derived tolerance."""
    outcome = round_trip(case)
    details = {
        "max_abs_error": outcome.worst.error,
        "tolerance": outcome.tolerance.largest,
        "ratio": outcome.ratio,
        "wrong_levels": outcome.wrong_levels,
    }
    if not outcome.ok:
        text = f"{worst_text(outcome, case.channels)}\n{levels_text(outcome)}\ntolerance {outcome.tolerance}"
        raise CheckFailure(text, **details)
    return Shown(
        f"off by {outcome.worst.error:.2g}, {outcome.ratio:.2g} of the tolerance {outcome.tolerance.largest:.2g}",
        details,
    )


def check_reverse_round_trip(case: Case) -> Shown:
    """normalize(inverse(y)) equals y for normalized images y."""
    _refuse_bytes(case, "the inverse gives bytes, which keep no more than 8 bits of the normalized values")
    recovered = case.recovered
    allowed = torch.tensor(general_tolerance(case)) * 2 / torch.tensor(case.expanded.std).abs()
    given = [one.to(image.dtype) for one, image in zip(recovered.pictures, case.images, strict=True)]
    again = call(case.forward, given, "pipeline").pictures
    errors = [
        (one.double() - other.double()).abs().amax(dim=(1, 2))
        for one, other in zip(again, case.normalized.pictures, strict=True)
        if one.numel()
    ]
    error = torch.stack(errors).amax(dim=0)
    for channel, (found, bound) in enumerate(zip(error.tolist(), allowed.tolist(), strict=True)):
        if not found <= bound:
            raise CheckFailure(
                f"{channel_name(channel, case.channels)}: normalized values come back off by {found:.3g} (of "
                f"normalized units); the derived tolerance is {bound:.3g}.",
                channel=channel,
                error=found,
                tolerance=bound,
            )
    return Shown(f"off by {float(error.max()):.2g} of normalized units", {"max_abs_error": float(error.max())})


def general_tolerance(case: Case) -> tuple[float, ...]:
    low = min(float(image.min()) for image in case.images if image.numel())
    high = max(float(image.max()) for image in case.images if image.numel())
    return round_trip_tolerance(case.expanded, case.dtype, low=low, high=high).per_channel


def _refuse_bytes(case: Case, reason: str) -> None:
    if not case.recovered.pictures[0].is_floating_point():
        raise NotApplicable(reason)


def check_bytes_exact(case: Case) -> Shown:
    """Every one of 256 levels of every channel, and every pixel of a photograph, comes back as the same byte."""
    if case.dtype not in (torch.float32, torch.float64):
        raise NotApplicable(f"images of {case.dtype} do not hold all levels apart: see low_precision")
    wanted = sample_images(case.channels)
    pictures = as_images(wanted, case.expanded)
    normalized = call(case.forward, pictures, "pipeline").pictures
    if case.is_derived:
        found = torch.stack([case.expanded.to_uint8(image, channel_axis=-3) for image in normalized])
    else:
        came = torch.stack(call(case.inverse, normalized, "inverse", case.way).pictures)
        _, found = comparable(torch.stack(pictures), came, case.units)
        found = (found.double() * 255 / case.normalization.pixel_max).round()
    wrong = found.double() != wanted
    if not wrong.any():
        return Shown(f"{256 * case.channels} levels and {wanted.numel():,} bytes of {len(wanted)} pictures")
    index = tuple(int(i) for i in torch.nonzero(wrong)[0])
    lost = {(int(c), int(level)) for c, level in zip(torch.nonzero(wrong)[:, 1], wanted[wrong], strict=True)}
    raise CheckFailure(
        f"{int(wrong.sum()):,} of {wanted.numel():,} bytes come back wrong, {len(lost)} of "
        f"{256 * case.channels} levels; the first: image {index[0]}, {channel_name(index[1], case.channels)}, "
        f"row {index[2]}, column {index[3]}: expected {int(wanted[index])}, found {float(found[index]):g}.",
        wrong_bytes=int(wrong.sum()),
        wrong_levels=len(lost),
    )


def check_channel_order(case: Case) -> Shown:
    """Each channel comes back as itself."""
    count = case.channels
    if count == 1:
        raise NotApplicable("there is one channel")
    white, dtype = case.normalization.pixel_max, case.dtype
    response = responses(case.forward, case.inverse, white, count, dtype)
    if not bool(response.isfinite().all()):
        raise CheckFailure(
            "an image of one color comes back with NaN or infinite values: is it divided by its own range?"
        )
    source = response.argmax(dim=1).tolist()
    moved = [f"{channel_name(c, count)} answers to {channel_name(j, count)}" for c, j in enumerate(source) if c != j]
    if moved:
        how = "exchanged" if len(set(source)) == count else "not kept apart"
        raise CheckFailure(f"channels are {how}: {', '.join(moved)}.", order=source)
    others = response - torch.diag(response.diagonal())
    if float(others.max()) > 1e-3 * float(response.diagonal().max()):
        c, j = (int(i) for i in torch.nonzero(others == others.max())[0])
        raise CheckFailure(
            f"channels are mixed: {channel_name(c, count)} also answers to {channel_name(j, count)} "
            f"({float(others[c, j]):.3g} for {float(response[c, c]):.3g} of its own).",
            response=response.tolist(),
        )
    return Shown(f"each of {count} answers to itself alone")


def check_no_clipping(case: Case) -> Shown:
    """Neither end of the range is cut off: dark and bright levels stay apart, and Normalize keeps values outside."""
    white = case.normalization.pixel_max
    dtype = case.dtype
    steps = torch.tensor([0, 2, 4, 8, 16, 32, 223, 239, 247, 251, 253, 255], dtype=torch.float64)
    image = (steps / 255 * white).to(dtype).expand(case.channels, 7, -1).contiguous()
    (came,) = call(case.inverse, call(case.forward, [image], "pipeline").pictures, "inverse", case.way).pictures
    for channel in range(case.channels):
        gaps = came[channel, 0].double().diff()
        gaps = gaps if bool(gaps.sum() >= 0) else -gaps
        flat = torch.nonzero(gaps <= 0).flatten().tolist()
        if flat:
            low, high = int(steps[flat[0]]), int(steps[flat[0] + 1])
            raise CheckFailure(
                f"{channel_name(channel, case.channels)}: levels {low} and {high} come back as one "
                f"({float(came[channel, 0, flat[0]]):.4g}): values are clipped on the way.",
                channel=channel,
            )
    outside = torch.tensor([-0.25, 0.0, 1.0, 1.25], dtype=torch.float64) * white
    wide = outside.to(dtype).expand(case.channels, 7, -1).contiguous()
    (left,) = call(case.forward, [wide], "pipeline").pictures
    y = left[:, 0].double()
    slope = (y[:, 2] - y[:, 1]) / white
    expected = y[:, [1]] + slope[:, None] * outside
    if bool(((y - expected).abs() > 64 * torch.finfo(dtype).eps * y.abs().amax()).any()):
        raise CheckFailure(
            "Normalize clips what lies outside 0..white, as resampling leaves it: that cannot be undone."
        )
    return Shown("all levels stay apart, and nothing outside 0..white is cut off")
