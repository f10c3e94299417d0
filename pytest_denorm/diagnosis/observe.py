"""Run a forward and an inverse on chosen images, and reduce what they do to arrays.

Random images with independent channels tell the map, because their values lie between the levels of bytes: there a cast
that cuts off loses half a level on average, where it loses nothing or one on the levels themselves. Further images ask
whether an inverse does the same to every image: to bright, dark and even ones, in batches, and a second time.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch

from ..core.alone import alone
from ..core.colormap import fit_affine
from ..core.normalization import Normalization
from ..core.tolerance import round_trip_tolerance
from ..pipelines.calls import Caller, as_tensor
from .conclude import storage
from .evidence import Evidence, snap
from .probes import Probes, make_probes
from .rules import Statistics

__all__ = ["Observation", "batch_of", "called", "in_equal_bins", "observe"]

Array = np.ndarray[Any, Any]

#: The accuracy of a least-squares fit of some thousand pixels in float64.
_FIT_ROUNDOFF = 2.0**-45


class Ran(NamedTuple):
    """One image through both: before Normalize, after it, and what came back, (C, H, W) each."""

    x: torch.Tensor
    y: torch.Tensor
    z: torch.Tensor


class Observation(NamedTuple):
    """What was seen.

    Attributes:
        main: the pixels that the map is told from.
        parts: the same, an image at a time.
        ran: these images.
        order: the normalized channel that each channel of the images becomes.
        forward_is_affine: the forward maps each channel by itself, with a slope and an offset.
        exact: each image comes back within the tolerance.
        wrong_levels: how many of 256 levels a channel do not.
        scale: of the results, against the images.
        probes: all images.
        forward, inverse: call the two, an image at a time, in the form that they take.
        whole_inverse: the inverse itself.
    """

    main: Evidence
    parts: list[Evidence]
    ran: list[Ran]
    order: list[int]
    forward_is_affine: bool
    forward_is_finite: bool
    is_finite: bool
    exact: bool
    wrong_levels: int
    scale: float
    forward_mutates: bool
    inverse_mutates: bool
    probes: Probes
    forward: Caller
    inverse: Caller
    whole_inverse: Callable[[Any], Any]

    def pixels(self, x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> Evidence:
        """Return one more image before Normalize, after it, and as it came back, as pixels."""
        main = self.main
        y_columns, z_columns = _columns(y)[:, self.order], _columns(z) / self.scale
        return replace(main, x=_columns(x), y=y_columns, z=z_columns)


class Forward(NamedTuple):
    """Mean and std of the forward in each channel of the images, and which normalized channel that is."""

    mean: Array
    std: Array
    order: list[int]
    is_affine: bool


def observe(
    forward: Callable[[Any], Any],
    inverse: Callable[[Any], Any],
    *,
    channels: int,
    pixel_max: float,
    output_max: float | None,
    dtype: torch.dtype,
    declared: Normalization | None = None,
) -> Observation:
    """Run both on images in 0..`pixel_max`.

    Args:
        declared: the statistics that the forward claims, used where they agree with what it does.

    Raises:
        InverseError: one of them raises, or gives back something that is no image.
    """
    probes = make_probes(channels, pixel_max, dtype)
    there, back = Caller(forward, "forward"), Caller(inverse, "inverse")
    mutated = [False, False]
    ran = []
    for x in probes.main:
        y, changed = called(there, x)
        mutated[0] |= changed
        z, changed = called(back, y)
        mutated[1] |= changed
        ran.append(Ran(x, y, z))
    finite = all(bool(torch.isfinite(one.y).all()) for one in ran)
    xs, ys = [_columns(one.x) for one in ran], [np.nan_to_num(_columns(one.y), posinf=0.0, neginf=0.0) for one in ran]
    unit = max(float(torch.finfo(dtype).eps) / 2, _FIT_ROUNDOFF)
    fitted = fit_forward(np.concatenate(xs), np.concatenate(ys), pixel_max, unit, declared if finite else None)
    step, scale = storage(_plain(ran[1].z), pixel_max, output_max, _roundoff(ran[1].z))
    zs = [_columns(one.z) / scale for one in ran]
    slack = tolerance(fitted, pixel_max, dtype) + (4 * unit * pixel_max if scale != 1 else 0.0)
    known = Statistics(fitted.mean, fitted.std, pixel_max, unit < 2.0**-24)
    parts = [
        Evidence(x, y[:, fitted.order], np.nan_to_num(z), known, step, unit, slack)
        for x, y, z in zip(xs, ys, zs, strict=True)
    ]
    main = Evidence.joined(parts)
    is_finite = all(bool(np.isfinite(one).all()) for one in zs)
    probes.special["an image of the color of the mean"] = _plain_color(fitted.mean, ran[2].x)
    lost = wrong_levels(xs[0], zs[0], pixel_max / 255)
    exact = is_finite and _is_exact(main, Evidence.joined(parts[1:4]), lost)
    return Observation(
        main, parts, ran, fitted.order, fitted.is_affine, finite, is_finite, exact, lost, scale, mutated[0], mutated[1],
        probes, there, back, inverse,
    )  # fmt: skip


def _plain_color(mean: Array, like: torch.Tensor) -> torch.Tensor:
    """Return a small image of one color: the mean, where an image can have it. Normalized, all of it is 0."""
    small = like[:, :9, :14]
    color = torch.from_numpy(mean).to(like.dtype)[:, None, None].expand_as(small)
    return color.clamp(0, float(like.max())).contiguous()


def called(one_by_one: Caller, image: torch.Tensor) -> tuple[torch.Tensor, bool]:
    """Return what a function makes of an image, in memory of its own, and whether it changes what it is given."""
    given = image.clone()
    result = one_by_one(given).clone()
    return result, not (torch.equal(given, image) or torch.equal(given.nan_to_num(), image.nan_to_num()))


def _columns(image: torch.Tensor) -> Array:
    """Return pixels as rows, channels as columns, float64."""
    columns: Array = image.detach().to(torch.float64).reshape(image.shape[0], -1).T.numpy()
    return columns


def _plain(image: torch.Tensor) -> Array:
    array: Array = (image.detach().double() if image.dtype == torch.bfloat16 else image.detach()).numpy()
    return array


def _roundoff(image: torch.Tensor) -> float:
    return float(torch.finfo(image.dtype).eps) if image.is_floating_point() else 0.0


def _is_exact(seen: Evidence, between: Evidence, lost: int) -> bool:
    """Return whether correct results come back: within the tolerance, and as near as whole numbers can be."""
    # what is between two whole numbers may go to either, a little beside the middle
    exact = bool((np.abs(seen.z - seen.x) <= seen.slack + 0.52 * seen.step).all())
    if seen.step:
        rounding = seen.unit * (np.abs(seen.known.mean) + seen.white)
        # whole numbers are too high about as often as too low; one that is cut off loses half a step on average, which
        # in float16 is less than what a single pixel may be off by
        exact &= bool(np.abs((between.z - between.x).mean()) <= rounding.mean() / 2 + 0.05 * seen.step)
        exact |= not lost and in_equal_bins(seen.x, seen.z, seen.slack, seen.step, seen.white)
    return exact


def in_equal_bins(x: Array, z: Array, slack: Array, step: float, white: float) -> bool:
    """Return whether whole numbers are the whole part of about ``256 * x`` of x in 0..1, as torchvision makes bytes.

    Each then has the same share of 0..1, with its value inside: all levels come back, and stay apart from their
    neighbors by more than arithmetic moves them. The whole part of ``255 * x`` has them at the edge.
    """
    room, most = slack / step, round(white / step)
    lowest, highest = (np.floor(x / white * (most + by) + room * sign) for by, sign in ((0.9, -1), (1.0, 1)))
    found = np.rint(z / step)
    return bool(((found >= np.minimum(lowest, most)) & (found <= np.clip(highest, 0, most))).all())


def wrong_levels(x: Array, z: Array, level: float) -> int:
    """Count how many of 256 levels a channel do not come back, in the image that has them all."""
    wanted, found = np.rint(x / level), np.rint(z / level)
    return sum(len(np.unique(one[one != other])) for one, other in zip(wanted.T, found.T, strict=True))


def tolerance(forward: Forward, pixel_max: float, dtype: torch.dtype) -> Array:
    """Return how far a correct result may be off, a channel."""
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        normalization = Normalization(forward.mean.tolist(), forward.std.tolist(), pixel_max)
    return np.array(round_trip_tolerance(normalization, dtype).per_channel)


def fit_forward(x: Array, y: Array, white: float, unit: float, declared: Normalization | None) -> Forward:
    """Fit ``y = (x - mean) / std``; zeros and ones where it is no such map of each channel."""
    count = x.shape[1]
    nothing = Forward(np.zeros(count), np.ones(count), list(range(count)), False)
    fit = fit_affine(x, y)
    sources = np.abs(fit.matrix).argmax(axis=1)
    if len(set(sources.tolist())) < count:
        return nothing
    slopes = fit.matrix[np.arange(count), sources]
    span = np.abs(y).max(axis=0) + np.abs(slopes) * white
    accuracy = 64 * unit * span
    others = fit.matrix.copy()
    others[np.arange(count), sources] = 0.0
    off = np.abs(others).max(axis=1) * white
    if not ((fit.residual <= accuracy) & (off <= accuracy) & (np.abs(slopes) * white > accuracy)).all():
        return nothing
    order = sources.argsort().tolist()
    lines = [fit_affine(x[:, c, None], y[:, j, None]) for c, j in enumerate(order)]  # more exact than all at once
    std = np.array([1 / one.matrix.item() for one in lines])
    mean = np.array([-one.offset.item() for one in lines]) * std
    # what is left of the rounding of the constants themselves, and of each y
    of_mean = unit * (np.abs(mean) + np.abs(std) * span[order] / 4)
    of_std = unit * np.abs(std) * (1 + np.abs(std) * span[order] / (4 * white))
    # where the mean is far from the images, the errors of both cancel, and must go on doing so
    of_std = np.minimum(of_std, 2 * unit * (np.abs(mean) + white) / span[order])
    if declared is not None and declared.channels in (1, count):
        claimed = declared.expand(count)
        near = (np.abs(claimed.mean - mean) <= 8 * of_mean) & (np.abs(claimed.std - std) <= 8 * of_std)
        if near.all():
            return Forward(np.array(claimed.mean), np.array(claimed.std), order, True)
    return Forward(_snapped(mean, of_mean), _snapped(std, of_std), order, True)


def _snapped(values: Array, uncertainty: Array) -> Array:
    return np.array([snap(float(value), float(width)) for value, width in zip(values, uncertainty, strict=True)])


def batch_of(seen: Observation, images: torch.Tensor) -> tuple[torch.Tensor | None, bool]:
    """Return what the inverse makes of a batch (N, C, H, W), and whether it changes it; None where it takes none."""
    given = images.clone()
    try:
        result = as_tensor(seen.whole_inverse(seen.inverse.way.batch(given)), "inverse").double()
    except Exception:  # it is for one image at a time
        return None, False
    changed = not torch.equal(given.nan_to_num(), images.nan_to_num())
    count, channels, height, width = images.shape
    if tuple(result.shape) == (count, height, width, channels):
        result = result.permute(0, 3, 1, 2)
    return (result if result.shape == images.shape else None), changed
