"""What kind of change turned one stack of images into another, told by a few measures of their pixels.

Each family is a function of two stacks, uint8 (N, H, W, 3), that gives a `Change` or None. The first that fits is
named, so the exact ones come first: each of these reproduces the new pixels to one level. The others are statistics of
the difference, and say so with a number.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .png import is_grey

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

CHANNELS = ("red", "green", "blue")


class Change(NamedTuple):
    """What happened to an image.

    Attributes:
        kind: the name of its family, by which failures are grouped.
        text: what happened, with its numbers.
    """

    kind: str
    text: str


#: Another rounding changes more values than these: with the statistics of every preset, 2 % of all levels or more.
_FEW, _FEW_OF_ALL = 10, 0.01


def rounding(before: Bytes, after: Bytes) -> Change | None:
    difference = after.astype(np.int16) - before
    low, high = int(difference.min()), int(difference.max())
    if low < -1 or high > 1:
        return None
    if low == high:
        return Change("constant", f"every value is one level {'darker' if low < 0 else 'brighter'}")
    count = int((difference != 0).sum())
    if count < _FEW or count < _FEW_OF_ALL * difference.size:
        way = "darker" if high == 0 else "brighter" if low == 0 else "darker and brighter"
        text = f"off by one level, {way}, in {count:,} of {difference.size:,} values: too few to tell why"
        return Change("few-values", text)
    share = f"in {100 * count / difference.size:.0f} % of the values"
    if high == 0:
        return Change(
            "truncation",
            f"off by at most one level, all darker, {share}: truncation (bytes cut off instead of rounded)",
        )
    if low == 0:
        return Change(
            "rounding", f"off by at most one level, all brighter, {share}: rounded up instead of to the nearest"
        )
    return Change(
        "rounding",
        f"off by at most one level, darker and brighter, {share}: another rounding, or statistics slightly off",
    )


def is_same(before: Bytes, after: Bytes) -> bool:
    """Return whether two stacks are equal to one level; a sample is looked at first."""

    def near(some: Bytes, others: Bytes) -> bool:
        return int(np.abs(others.astype(np.int16) - some).max()) <= 1

    return before.shape == after.shape and near(before[:, ::7, ::7], after[:, ::7, ::7]) and near(before, after)


def middle(images: Bytes, most: int) -> Bytes:
    """Return the middle of images (..., H, W, 3), at most so many pixels high and wide; it stays there when flipped."""
    top, left = (max(0, side - most + 1) // 2 for side in images.shape[-3:-1])
    return images[..., top : images.shape[-3] - top, left : images.shape[-2] - left, :]


def curve(before: Bytes, after: Bytes) -> Change | None:
    """Explain each channel by a function of its own level: a constant, contrast, gamma, clipping, fewer levels."""
    names = ("grey",) if is_grey(before) and is_grey(after) else CHANNELS
    words, kinds = [], []
    for channel, name in enumerate(names):
        found = _curve_of(before[..., channel], after[..., channel])
        if found is None:
            return None
        kinds.append(found.kind)
        if found.text:
            words.append((name, found.text))
    if not words:
        return None
    texts = {text for _, text in words}
    said = f"{words[0][1]}, alike in all channels" if len(texts) == 1 < len(words) == len(names) else ""
    if len(names) == 1:
        said = words[0][1]
    kind = next((kind for kind in kinds if kind != "curve" and set(kinds) <= {kind, ""}), "curve")
    return Change(kind, said or "; ".join(f"{name} {text}" for name, text in words))


def _curve_of(before: Bytes, after: Bytes) -> Change | None:
    pairs = np.bincount(before.ravel().astype(np.intp) * 256 + after.ravel(), minlength=65536).reshape(256, 256)
    counts = pairs.sum(axis=1)
    x = np.flatnonzero(counts)
    levels = np.arange(256)
    lowest = np.where(pairs[x] > 0, levels, 255).min(axis=1)
    highest = np.where(pairs[x] > 0, levels, 0).max(axis=1)
    y = (pairs[x] @ levels) / counts[x]
    if (highest - lowest > 2).any() or x.size < 4:
        return None
    steps_up = np.diff(y)
    if min(steps_up.clip(min=0).sum(), -steps_up.clip(max=0).sum()) > 2:  # rises and falls
        is_known = x.size >= 16 and np.median(counts[x]) >= 4
        return (
            Change("curve", "by a curve that rises and falls (solarized, or bytes that wrapped)") if is_known else None
        )
    if np.array_equal(lowest, x) and np.array_equal(highest, x):
        return Change("", "")
    if np.ptp(y) <= 1:
        return Change("flat", f"{y.mean():.0f} everywhere")
    inside = (y > 0.5) & (y < 254.5)
    steps = y - x
    if np.abs(steps[inside] - np.median(steps[inside])).max(initial=0) <= 0.5 and inside.sum() > 3:
        return Change("constant", f"{float(np.median(steps[inside])):+.3g} levels")
    gain, offset = np.polyfit(x[inside], y[inside], 1) if inside.sum() > 3 else (1.0, 0.0)
    if np.abs(np.clip(gain * x + offset, 0, 255) - y).max() <= 1:
        clipped = ", clipped" if (y[x > 0] < 0.5).sum() + (y[x < 255] > 254.5).sum() > 2 else ""
        if abs(gain + 1) < 0.005 and abs(offset - 255) < 1:
            return Change("inverted-intensity", "black and white exchanged")
        if abs(gain - 1) < 0.005:
            return Change("clipping", f"clipped to {y.min():.0f}..{y.max():.0f}")
        added = f" {offset:+.2g}" if abs(offset) > 0.3 else ""
        return Change("contrast", f"{gain:.3g} times the level{added}{clipped}")
    if np.unique(np.rint(y)).size < 0.6 * x.size and np.ptp(y) > 0.8 * np.ptp(x):
        return Change("fewer-levels", f"reduced to {np.unique(np.rint(y)).size} levels")
    if np.abs(np.clip(x, y.min(), y.max()) - y).max() <= 1:
        return Change("clipping", f"clipped to {y.min():.0f}..{y.max():.0f}")
    mid = inside & (x > 8) & (x < 248)
    if mid.sum() > 3:
        gamma = float(np.median(np.log(y[mid] / 255) / np.log(x[mid] / 255)))
        if np.abs(255 * (x / 255) ** gamma - y).max() <= 1.5:
            return Change("gamma", f"gamma {gamma:.3g} ({'darker' if gamma > 1 else 'brighter'})")
    way = "brighter" if (y > x).mean() > 0.8 else "darker" if (y < x).mean() > 0.8 else "brighter and darker"
    return Change("curve", f"by a monotone curve, {way} by up to {np.abs(steps).max():.0f} levels")


#: Weights of red, green and blue in luma (ITU-R BT.601).
_LUMA = np.array([0.299, 0.587, 0.114])


def mixing(before: Bytes, after: Bytes) -> Change | None:
    """Explain each channel by one linear mixture of all three: grey, saturation, hue, another color space."""
    x, y = before.reshape(-1, 3)[:: _stride(before)] / 255, after.reshape(-1, 3)[:: _stride(before)] / 255
    inside = ((y > 0.004) & (y < 0.996)).all(axis=1)
    if inside.sum() < 50 or np.linalg.matrix_rank(np.cov(x[inside].T), tol=1e-5) < 3:
        return None
    design = np.c_[x, np.ones(len(x))]
    matrix = np.linalg.lstsq(design[inside], y[inside], rcond=None)[0]
    miss = np.abs(np.clip(design @ matrix, 0, 1) - y) * 255
    if np.quantile(miss, 0.999) > 2 or miss.max() > 6:
        return None
    mixed, offset = matrix[:3].T, matrix[3]
    if np.ptp(mixed, axis=0).max() < 0.01 and np.abs(offset).max() < 0.01:
        return Change("grey", "grey: every channel shows one mixture, " + _weights(mixed[0]))
    saturation = float(np.trace(mixed) - 1) / 2
    if np.abs(mixed - saturation * np.eye(3) - (1 - saturation) * _LUMA).max() < 0.02 and np.abs(offset).max() < 0.02:
        return Change("saturation", f"saturation {saturation:.2g} times the baseline's")
    rows = "; ".join(f"{name} = {_weights(row)}" for name, row in zip(CHANNELS, mixed, strict=True))
    return Change("color-mixing", f"colors mixed linearly: {rows}")


def hue(before: Bytes, after: Bytes) -> Change | None:
    """Explain by hue, saturation and brightness of the HSV model, as libraries of augmentation have it."""
    stride = _stride(before)
    x, y = (images.reshape(-1, 3)[::stride].astype(np.float64) for images in (before, after))
    (top, chroma, angle), (new_top, new_chroma, new_angle) = _hsv(x), _hsv(y)
    vivid = (chroma > 24) & (new_chroma > 24) & (new_top < 254)
    if vivid.sum() < 50:
        return None
    ratios = ((new / old)[vivid] for old, new in ((top, new_top), (np.maximum(chroma, 1) / top, new_chroma / new_top)))
    gains = [float(np.median(one)) for one in ratios]
    turned = np.angle(np.exp(1j * (new_angle - angle)))
    mean = np.angle(np.exp(1j * turned[vivid]).mean())
    turn = float(mean + np.median(np.angle(np.exp(1j * (turned[vivid] - mean)))))
    off = np.angle(np.exp(1j * (turned - turn))) * chroma  # in levels, about
    misses = (new_top - np.minimum(gains[0] * top, 255), new_chroma - gains[0] * gains[1] * chroma, off)
    if any(np.quantile(np.abs(miss[vivid]), 0.95) > most for miss, most in zip(misses, (2.5, 4, 6), strict=True)):
        return None
    parts = [f"hue turned by {np.degrees(turn):+.0f} degrees"] if abs(turn) > np.radians(1) else []
    for gain, name in zip(gains, ("brightness", "saturation"), strict=True):
        parts += [f"{name} {gain:.2g} times the baseline's"] if abs(gain - 1) > 0.02 else []
    kind = "hue" if abs(turn) > np.radians(1) else "saturation"
    return Change(kind, f"{', '.join(parts)} (HSV)") if parts else None


def _hsv(pixels: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the maximum, the range and the hue in radians of pixels (N, 3)."""
    red, green, blue = pixels.T
    top, chroma = pixels.max(axis=1), np.ptp(pixels, axis=1)
    span = np.maximum(chroma, 1)
    sixths = np.select(
        [top == red, top == green], [(green - blue) / span, 2 + (blue - red) / span], 4 + (red - green) / span
    )
    return np.maximum(top, 1), chroma, sixths * np.pi / 3


def _weights(row: Floats) -> str:
    return " + ".join(f"{weight:.3g} {name}" for weight, name in zip(row, CHANNELS, strict=True)).replace("+ -", "- ")


def _stride(images: Bytes) -> int:
    return max(1, images.size // 3 // 50_000)


def grey_of(images: Bytes) -> Floats:
    """Return the luma of images (..., 3), in levels."""
    luma: Floats = images @ _LUMA
    return luma


def correlation(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = math.sqrt(float((one**2).sum()) * float((other**2).sum()))
    return float((one * other).sum()) / scale if scale > 1e-9 else 0.0


def content(before: Bytes, after: Bytes) -> Change:
    """Return what is left: many small parts, the same scene changed in an unknown way, or another scene."""
    share = float((before != after).any(axis=-1).mean())
    if share < 0.5:
        return Change("region", f"many small parts changed, {100 * share:.2g} % of the pixels; the others are equal")
    alike = correlation(*(grey_of(images.reshape(-1, 3)[:: _stride(images)]) for images in (before, after)))
    if alike > 0.8:
        return Change("unknown", f"the same scene, changed in an unknown way (correlation {alike:.2f})")
    return Change("content", f"another image (correlation {alike:.1f})")
