"""What kind of change turned one stack of images into another, told by a few measures of their pixels.

Each family is a function of two stacks, uint8 (N, H, W, 3), that gives a `Change` or None. The first that fits is
named, so the exact ones come first: each of these reproduces the new pixels to one level. The others are statistics of
the difference, and say so with a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations
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


def channel_order(before: Bytes, after: Bytes) -> Change | None:
    for order in permutations(range(3)):
        if is_same(before[..., order], after):
            return Change("channel-order", name_order(order))
    for channel in range(3):
        if is_same(np.broadcast_to(before[..., channel, None], before.shape), after):
            return Change("grey", f"grey: every channel shows {CHANNELS[channel]}")
    return None


def name_order(order: tuple[int, ...]) -> str:
    if order == (2, 1, 0):
        return "channels reversed (BGR for RGB)"
    return "channels in another order: " + ", ".join(
        f"{CHANNELS[source]} drawn as {CHANNELS[place]}" for place, source in enumerate(order) if source != place
    )


_MOVES: tuple[tuple[str, Callable[[Bytes], Bytes]], ...] = (
    ("mirrored left to right", lambda images: images[:, :, ::-1]),
    ("upside down", lambda images: images[:, ::-1]),
    ("turned by 180 degrees", lambda images: images[:, ::-1, ::-1]),
    ("rows and columns exchanged", lambda images: images.swapaxes(1, 2)),
    ("turned by 90 degrees to the left", lambda images: images.swapaxes(1, 2)[:, ::-1]),
    ("turned by 90 degrees to the right", lambda images: images.swapaxes(1, 2)[:, :, ::-1]),
    ("mirrored along the other diagonal", lambda images: images[:, ::-1, ::-1].swapaxes(1, 2)),
)


def flip(before: Bytes, after: Bytes) -> Change | None:
    name = next((name for name, move in _MOVES if is_same(move(before), after)), "")
    return Change("flip", name) if name else None


def shift(before: Bytes, after: Bytes) -> Change | None:
    """By any amount up to two thirds of a side, found by phase correlation of the first image."""
    if min(before.shape[1:3]) < 4:
        return None
    for down, right in _steps(grey_of(middle(before[0], 512)), grey_of(middle(after[0], 512))):
        words = " and ".join(
            f"{abs(step)} pixel{'' if abs(step) == 1 else 's'} {positive if step > 0 else negative}"
            for step, positive, negative in ((down, "down", "up"), (right, "right", "left"))
            if step
        )
        if is_same(np.roll(before, (down, right), (1, 2)), after):
            return Change("shift", f"shifted by {words}; what left one side came in at the other")
        kept, moved = _without_edge(before, -down, -right), _without_edge(after, down, right)
        if int(np.ptp(kept)) > 1 and is_same(kept, moved):
            return Change("shift", f"shifted by {words}")
    return None


def middle(images: Bytes, most: int) -> Bytes:
    """Return the middle of images (..., H, W, 3), at most so many pixels high and wide."""
    top, left = (max(0, side - most) // 2 for side in images.shape[-3:-1])
    return images[..., top : top + most, left : left + most, :]


def _steps(before: Floats, after: Floats) -> list[tuple[int, int]]:
    """Return the steps (down, right) at the highest peaks of the phase correlation of two images (H, W), at most four.

    A window hides the edges, where a shifted image shows what the other has not.
    """
    height, width = before.shape
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    one, other = (np.fft.rfft2((image - image.mean()) * weight) for weight in (window,) for image in (before, after))
    found = []
    for cross in (other * one.conj(), np.fft.rfft2(after - after.mean()) * np.fft.rfft2(before - before.mean()).conj()):
        peaks = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-9), s=before.shape)
        for at in np.argpartition(peaks, -2, axis=None)[-2:]:
            row, column = divmod(int(at), width)
            down = row - height if row > height // 2 else row
            right = column - width if column > width // 2 else column
            # a shift by more than half a side and one to the other side look alike
            found += [(d, r) for d in {down, row - height, row} for r in {right, column - width, column}]
    steps = [(d, r) for d, r in dict.fromkeys(found) if (d, r) != (0, 0) and 3 * abs(d) < 2 * height]
    return sorted((one for one in steps if 3 * abs(one[1]) < 2 * width), key=lambda one: abs(one[0]) + abs(one[1]))


def _without_edge(images: Bytes, down: int, right: int) -> Bytes:
    """Return images without rows at the top (negative: at the bottom) and columns at the left (right)."""
    height, width = images.shape[1:3]
    return images[:, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]


def curve(before: Bytes, after: Bytes) -> Change | None:
    """Each channel by a monotone function of its own level: a constant, contrast, gamma, clipping, fewer levels."""
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
    if (highest - lowest > 2).any() or x.size < 4 or (np.diff(y) < -1).any():
        return None
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
        low, high = (int((y[x > 0] < 0.5).sum()), int((y[x < 255] > 254.5).sum()))
        clipped = f", {low + high} levels clipped" if low + high > 2 else ""
        if abs(gain + 1) < 0.005 and abs(offset - 255) < 1:
            return Change("inverted-intensity", "black and white exchanged")
        if abs(gain - 1) < 0.005:
            return Change("clipping", f"clipped to {y.min():.0f}..{y.max():.0f}")
        return Change("contrast", f"{gain:.3g} times the level {offset:+.3g}{clipped}")
    if np.unique(np.rint(y)).size < 0.6 * x.size and np.ptp(y) > 0.8 * np.ptp(x):
        return Change("fewer-levels", f"reduced to {np.unique(np.rint(y)).size} levels of {x.size}")
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
    """Each channel by one linear mixture of all three: grey, saturation, hue, another color space."""
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
    """What is left: the same scene changed in an unknown way, or another scene."""
    alike = correlation(*(grey_of(images.reshape(-1, 3)[:: _stride(images)]) for images in (before, after)))
    if alike > 0.8:
        return Change("unknown", f"the same scene, changed in an unknown way (correlation {alike:.2f})")
    return Change("content", f"another image (correlation {alike:.2f})")
