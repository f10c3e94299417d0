"""What a forward and an inverse do to pictures, reduced to a map of each channel: the numbers that a diagnosis reads.

The inverse is fitted to the normalized values it was given, ``z[c] = a[c] * y[j(c)] + b[c]``, where ``j`` is the channel
that it took. A correct inverse has ``a = std``, ``b = mean`` and ``j(c) = c``. Flat random pictures with independent
channels make the fit, because their values lie between the levels of bytes: there a truncation is off by half a level
on average, where it is off by nothing or one on the levels themselves.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..colormap import fit_affine
from ..errors import ImageError
from ..normalization import Normalization
from ..tolerance import round_trip_tolerance
from .calls import Called, call
from .samples import level_picture

__all__ = ["ChannelFit", "Observation", "observe"]

Array = np.ndarray[Any, Any]

#: The share of the derived bound that is granted to formulas that round a few times more than the textbook's.
_ALLOWANCE = 4.0


@dataclass(frozen=True)
class ChannelFit:
    """The map of one channel of the inverse.

    Attributes:
        source: the normalized channel that it follows, or None where it follows several or none.
        slope, offset: ``z = slope * y[source] + offset``, in the units of the pictures.
        lowest, highest: what the result is clipped to; infinite where it is not.
        residual: the largest departure from this map.
        affine: whether that is within what arithmetic and bytes explain.
        row: the slopes on all channels.
    """

    source: int | None
    slope: float
    offset: float
    lowest: float
    highest: float
    residual: float
    affine: bool
    row: Array


@dataclass(frozen=True)
class Observation:
    """Everything that was seen of a forward and an inverse. Values are in the units of the pictures, 0..`white`."""

    mean: Array  # of the forward, as fitted, snapped to short decimals
    std: Array
    white: float
    scale: float  # of the results, against the pictures: 255 where bytes come back for pictures in 0..1
    forward_is_affine: bool
    fits: tuple[ChannelFit, ...]
    bytes_out: bool
    slack: Array  # how far a correct result may be off, a channel
    exact: bool
    max_abs_error: float
    wrong_levels: int
    per_image: str  # "", "min-max" or "other"
    forward_mutates: bool
    inverse_mutates: bool
    y_low: Array  # the range of the normalized values, a channel
    y_high: Array
    highest: float  # of the results

    @property
    def channels(self) -> int:
        return len(self.mean)

    @property
    def total_levels(self) -> int:
        return 256 * self.channels


def observe(
    forward: Callable[[Any], Any],
    inverse: Callable[[Any], Any],
    *,
    channels: int,
    pixel_max: float,
    output_max: float | None,
    dtype: torch.dtype,
) -> Observation:
    """Runs both on pictures in 0..`pixel_max` and fits what they do.

    Raises:
        ImageError: fewer than one channel, or a pixel_max that is not positive.
        InverseError: one of them raises, or gives back something that is no picture.
    """
    if channels < 1 or not (math.isfinite(pixel_max) and pixel_max > 0):
        raise ImageError(
            f"channels is {channels}, pixel_max is {pixel_max}: expected at least 1, and a positive number."
        )
    pictures = _probe_pictures(channels, pixel_max, dtype)
    went = call(forward, pictures, "forward")
    came = call(inverse, went.pictures, "inverse")
    bytes_out, scale = _output_scale(came, pixel_max, output_max)
    x = [_columns(picture) for picture in pictures]
    y = [_columns(picture) for picture in went.pictures]
    z = [_columns(picture) / scale for picture in came.pictures]
    mean, std, forward_is_affine = _forward_statistics(np.concatenate(x), np.concatenate(y), pixel_max, dtype)
    slack = _slack(mean, std, pixel_max, dtype)
    level = pixel_max / 255
    allowed = slack + (level / 2 if bytes_out else 0.0)
    # rounding or truncation leaves up to half a level beside the best fit, and the fit itself has some error
    fit_slack = slack + (level * 0.56 if bytes_out else 0.0)
    error = np.abs(np.concatenate(z) - np.concatenate(x))
    return Observation(
        mean=mean,
        std=std,
        white=pixel_max,
        scale=scale,
        forward_is_affine=forward_is_affine,
        fits=_fit_inverse(x, y, z, fit_slack, pixel_max, bytes_out),
        bytes_out=bytes_out,
        slack=slack,
        exact=bool((error <= allowed).all()),
        max_abs_error=float(error.max()),
        wrong_levels=_wrong_levels(x[0], z[0], level, bytes_out),
        per_image=_per_image(y, z, fit_slack, pixel_max),
        forward_mutates=went.mutated,
        inverse_mutates=came.mutated,
        y_low=np.concatenate(y).min(axis=0),
        y_high=np.concatenate(y).max(axis=0),
        highest=float(np.concatenate(z).max()),
    )


def _probe_pictures(channels: int, pixel_max: float, dtype: torch.dtype) -> list[torch.Tensor]:
    """All levels; two random pictures; one of low contrast, a range of its own in each channel; black, white, pure colours.

    Height and width differ from each other and from the number of channels, so that no axis can pass for another.
    """
    generator = torch.Generator().manual_seed(20240229)
    height, width = (40, 48) if channels not in (40, 48) else (41, 53)
    shape = (channels, height, width)
    random = [torch.rand(shape, generator=generator, dtype=torch.float64) for _ in range(3)]
    low = torch.linspace(0.25, 0.4, channels, dtype=torch.float64).view(-1, 1, 1)
    bars = torch.arange(width) * 8 // width
    pure = torch.stack([(bars >> (channel % 3) & 1).double() for channel in range(channels)])
    levels = level_picture(channels, 16, 32 if channels not in (16, 32) else 48).double() / 255
    pictures = [levels, random[0], random[1], low + 0.3 * random[2], pure[:, None, :].expand(shape)]
    # levels as ToTensor makes them: divided in the dtype of the pictures
    first = (levels * 255).to(dtype) / 255 * pixel_max
    return [first, *((picture * pixel_max).to(dtype).contiguous() for picture in pictures[1:])]


def _columns(picture: torch.Tensor) -> Array:
    """Pixels as rows, channels as columns, float64."""
    columns: Array = picture.detach().to(torch.float64).reshape(picture.shape[0], -1).T.numpy()
    return columns


def _output_scale(came: Called, pixel_max: float, output_max: float | None) -> tuple[bool, float]:
    """Whether bytes come back (of whatever dtype), and the factor between results and pictures."""
    is_integer = not came.pictures[1].is_floating_point()
    random = came.pictures[1].double()
    whole = is_integer or (bool((random == random.round()).all()) and float(random.max() - random.min()) > 16)
    if output_max is not None:
        return whole and output_max > 16, output_max / pixel_max
    if whole:
        return True, 255 / pixel_max
    return False, 1.0


def _slack(mean: Array, std: Array, pixel_max: float, dtype: torch.dtype) -> Array:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        normalization = Normalization(mean.tolist(), std.tolist(), pixel_max)
    return _ALLOWANCE * np.array(round_trip_tolerance(normalization, dtype).per_channel)


def _forward_statistics(x: Array, y: Array, pixel_max: float, dtype: torch.dtype) -> tuple[Array, Array, bool]:
    """Mean and std of the forward, from ``y = (x - mean) / std``; ones and zeros where it is no such map."""
    fit = fit_affine(x, y)
    slopes = np.diag(fit.matrix)
    span = np.abs(y).max(axis=0) + np.abs(slopes) * pixel_max
    accuracy = 16 * float(torch.finfo(dtype).eps) * np.maximum(span, 1e-30)
    off = np.abs(fit.matrix - np.diag(slopes)).max(axis=1, initial=0.0) * pixel_max
    affine = bool(
        (fit.residual <= accuracy).all() and (off <= accuracy).all() and (np.abs(slopes) * pixel_max > accuracy).all()
    )
    if not affine:
        return np.zeros(len(slopes)), np.ones(len(slopes)), False
    std = 1 / slopes
    mean = -fit.offset * std
    # the accuracy of a mean or std follows from that of y, and is far better than one rounding for so many pixels
    uncertain = np.abs(std) * accuracy / 8
    mean = np.array([snap(value, width) for value, width in zip(mean, uncertain, strict=True)])
    std = np.array(
        [snap(value, abs(value) * width / pixel_max) for value, width in zip(std, uncertain / np.abs(std), strict=True)]
    )
    return mean, std, True


def snap(value: float, uncertainty: float) -> float:
    """The number with the fewest digits within `uncertainty` of `value`: what somebody typed, most likely."""
    if value == 0 or not math.isfinite(value):
        return value
    for digits in range(1, 17):
        short = float(f"{value:.{digits}g}")
        if abs(short - value) <= uncertainty:
            return short
    return 0.0 if abs(value) <= uncertainty else value


def _fit_inverse(
    x: Sequence[Array], y: Sequence[Array], z: Sequence[Array], accuracy: Array, white: float, bytes_out: bool
) -> tuple[ChannelFit, ...]:
    inputs, outputs = np.concatenate(y[1:3]), np.concatenate(z[1:3])
    middle = np.concatenate(x[1:3])
    return tuple(
        _fit_channel(inputs, outputs[:, channel], middle, float(accuracy[channel]), white, bytes_out)
        for channel in range(outputs.shape[1])
    )


def _fit_channel(y: Array, z: Array, x: Array, accuracy: float, white: float, bytes_out: bool) -> ChannelFit:
    """Fits one channel of the result, on all pixels, else on those it does not clip, else on the middle of the range."""
    lowest, highest = float(z.min()), float(z.max())
    margin = 1e-6 * max(highest - lowest, 1e-30) + (0.02 * white if bytes_out else 0.0)
    inside = (z > lowest + margin) & (z < highest - margin)
    best: ChannelFit | None = None
    for chosen in (np.ones(len(z), dtype=bool), inside, inside & _central(x, white)):
        if chosen.sum() < 5 * (y.shape[1] + 1):
            continue
        fit = fit_affine(y[chosen], z[chosen, None])
        row, residual = fit.matrix[0], float(fit.residual[0])
        gains = np.abs(row) * np.ptp(y, axis=0)
        source = int(gains.argmax())
        others = np.delete(gains, source).max(initial=0.0)
        # slopes on other channels are noise while they stay below what one pixel may be off by
        single = others <= max(accuracy, 1e-6 * float(gains[source]))
        affine = residual <= max(accuracy, 1e-6 * abs(highest - lowest)) * (1.0 if bytes_out else 2.0)
        clipped = not bool(chosen.all())
        found = ChannelFit(
            source if single else None,
            float(row[source]),
            float(fit.offset[0]),
            lowest if clipped else -math.inf,
            highest if clipped else math.inf,
            residual,
            affine,
            row,
        )
        if affine:
            return _on_its_source(found, y[chosen], z[chosen], source) if single else found
        best = best or found
    assert best is not None  # the first choice has every pixel
    return best


def _on_its_source(found: ChannelFit, y: Array, z: Array, source: int) -> ChannelFit:
    """Fitted again on the one channel that counts, which is more exact."""
    fit = fit_affine(y[:, [source]], z[:, None])
    return ChannelFit(
        source,
        float(fit.matrix[0, 0]),
        float(fit.offset[0]),
        found.lowest,
        found.highest,
        float(fit.residual[0]),
        found.affine,
        found.row,
    )


def _central(x: Array, white: float) -> Array:
    central: Array = ((x > 0.3 * white) & (x < 0.7 * white)).all(axis=1)
    return central


def _wrong_levels(x: Array, z: Array, level: float, bytes_out: bool) -> int:
    """How many of 256 levels a channel do not come back, in the picture that has them all."""
    wanted = np.rint(x / level).astype(int)
    found = np.clip(np.rint(np.nan_to_num(z, nan=-1.0) / level), -1, 256)
    wrong = found != wanted
    return sum(len(np.unique(wanted[wrong[:, channel], channel])) for channel in range(x.shape[1]))


def _per_image(y: Sequence[Array], z: Sequence[Array], accuracy: Array, white: float) -> str:
    """Whether each picture has a map of its own: affine in each, and not the same in all."""
    fits = [fit_affine(one_y, one_z) for one_y, one_z in zip(y[1:4], z[1:4], strict=True)]
    bound = np.maximum(accuracy, 1e-6 * white)
    if any((fit.residual > 2 * bound).any() for fit in fits):
        return ""
    together = fit_affine(np.concatenate(y[1:4]), np.concatenate(z[1:4]))
    if (together.residual <= 4 * bound).all():
        return ""
    whole = [(float(one.min()), float(one.max())) for one in z[1:4]]
    channels = [(float(low), float(high)) for one in z[1:4] for low, high in zip(one.min(0), one.max(0), strict=True)]
    for ends in (whole, channels):
        if all(abs(low) <= 0.01 * white and abs(high - white) <= 0.01 * white for low, high in ends):
            return "min-max"
    return "other"
