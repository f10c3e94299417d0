"""Pixels and channels that went elsewhere: reordered, mirrored, turned or shifted, alone or with another change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from .changes import CHANNELS, Change, correlation, grey_of, is_same, middle

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

_WHOLE = (slice(None), slice(None))
#: How many images are looked at, and their side, for a move that is not all that happened.
_MOST, _SIDE = 4, 256
#: The least correlation, and the most of what does not correlate that may be left, for such a move to count.
_ALIKE, _LEFT = 0.8, 0.5


class Move(NamedTuple):
    """Where the values of images (N, H, W, 3) went.

    Attributes:
        kind, text: as of a `Change`.
        apply: moves them.
        seen: the rows and columns of the result that were in the images before.
        is_short: whether it is a shift by a single pixel.
    """

    kind: str
    text: str
    apply: Callable[[Bytes], Bytes]
    seen: tuple[slice, slice] = _WHOLE
    is_short: bool = False

    def pair(self, before: Bytes, after: Bytes) -> tuple[Bytes, Bytes]:
        """Return what is to be equal if this move is all that happened."""
        rows, columns = self.seen
        return self.apply(before)[:, rows, columns], after[:, rows, columns]


_FLIPS: tuple[tuple[str, Callable[[Bytes], Bytes]], ...] = (
    ("mirrored left to right", lambda images: images[:, :, ::-1]),
    ("upside down", lambda images: images[:, ::-1]),
    ("turned by 180 degrees", lambda images: images[:, ::-1, ::-1]),
    ("rows and columns exchanged", lambda images: images.swapaxes(1, 2)),
    ("turned by 90 degrees to the left", lambda images: images.swapaxes(1, 2)[:, ::-1]),
    ("turned by 90 degrees to the right", lambda images: images.swapaxes(1, 2)[:, :, ::-1]),
    ("mirrored along the other diagonal", lambda images: images[:, ::-1, ::-1].swapaxes(1, 2)),
)


def _moves(before: Bytes, after: Bytes) -> Iterator[Move]:
    """Yield all moves that there are, and the shifts that are likely."""
    for order in [*permutations(range(3))][1:]:
        yield Move("channel-order", _name_order(order), partial(_reordered, order=order))
    for channel, name in enumerate(CHANNELS):
        yield Move("grey", f"grey: every channel shows {name}", partial(_reordered, order=(channel,) * 3))
    for text, flipped in _FLIPS:
        if flipped(before[:1]).shape == before[:1].shape:
            yield Move("flip", text, flipped)
    if min(before.shape[1:3]) >= 4:
        for step in _steps(grey_of(middle(before[0], 512)), grey_of(middle(after[0], 512))):
            yield from _shifts(*step)


def _reordered(images: Bytes, order: tuple[int, ...]) -> Bytes:
    return images[..., order]


def _name_order(order: tuple[int, ...]) -> str:
    if order == (2, 1, 0):
        return "channels reversed (BGR for RGB)"
    return "channels in another order: " + ", ".join(
        f"{CHANNELS[source]} drawn as {CHANNELS[place]}" for place, source in enumerate(order) if source != place
    )


def _shifts(down: int, right: int) -> Iterator[Move]:
    words = " and ".join(
        f"{abs(step)} pixel{'' if abs(step) == 1 else 's'} {positive if step > 0 else negative}"
        for step, positive, negative in ((down, "down", "up"), (right, "right", "left"))
        if step
    )

    def rolled(images: Bytes) -> Bytes:
        return np.roll(images, (down, right), (1, 2))

    is_short = max(abs(down), abs(right)) == 1
    seen = tuple(slice(max(0, step), min(0, step) or None) for step in (down, right))
    yield Move("shift", f"shifted by {words}; what left one side came in at the other", rolled, _WHOLE, is_short)
    yield Move("shift", f"shifted by {words}", rolled, (seen[0], seen[1]), is_short)


def _steps(before: Floats, after: Floats) -> list[tuple[int, int]]:
    """Return the steps (down, right) at the highest peaks of the phase correlation of two images (H, W), at most four.

    A window hides the edges, where a shifted image shows what the other has not. Steps by more than two thirds of a
    side are left out.
    """
    height, width = before.shape
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    found = []
    for weight in (window, np.ones_like(window)):
        one, other = (np.fft.rfft2((image - image.mean()) * weight) for image in (before, after))
        cross = other * one.conj()
        peaks = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-9), s=before.shape)
        for at in np.argpartition(peaks, -2, axis=None)[-2:]:
            row, column = divmod(int(at), width)
            # a shift by more than half a side and one to the other side look alike
            found += [(down, right) for down in (row, row - height) for right in (column, column - width)]
    steps = [step for step in dict.fromkeys(found) if step != (0, 0)]
    near = [one for one in steps if 3 * abs(one[0]) < 2 * height and 3 * abs(one[1]) < 2 * width]
    return sorted(near, key=lambda one: abs(one[0]) + abs(one[1]))


def move(before: Bytes, after: Bytes) -> Change | None:
    """Explain by a move alone, to one level."""
    for one in _moves(before, after):
        moved, seen = one.pair(before, after)
        if is_same(moved, seen) and int(np.ptp(moved)) > 1:
            return Change(one.kind, one.text)
    return None


def move_and_more(before: Bytes, after: Bytes, explain_rest: Callable[[Bytes, Bytes], Change | None]) -> Change | None:
    """Explain by a move and another change, which `explain_rest` names."""
    chosen = np.linspace(0, len(before) - 1, min(len(before), _MOST)).astype(int)
    some, others = (middle(images[chosen], _SIDE) for images in (before, after))
    plain = _alike(some, others)
    # what seems to be one pixel may be a part of one
    moves = [one for one in _moves(some, others) if not one.is_short]
    scored = [(min(_alike(*one.pair(some, others))), one) for one in moves]
    found, best = max(scored, key=lambda pair: pair[0])
    if found < _ALIKE or 1 - found > _LEFT * (1 - min(plain)):
        return None
    rest = explain_rest(*best.pair(before, after))
    return Change(best.kind, f"{best.text}; besides, {rest.text if rest else 'changed in an unknown way'}")


def _alike(before: Bytes, after: Bytes) -> list[float]:
    """Return the correlation of each two images, averaged over their channels."""
    pairs = zip(before.astype(np.float64), after.astype(np.float64), strict=True)
    return [float(np.mean([correlation(one[..., at], other[..., at]) for at in range(3)])) for one, other in pairs]
