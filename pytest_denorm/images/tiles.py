"""What happened to the pictures of a grid between its baseline and now, told from their pixels.

A wrong mean or std changes a picture by a gain and an offset of each channel: what was normalized with ``mean`` and
``std`` and is undone with ``mean'`` and ``std'`` comes back as ``x' = x * std'/std + mean' - mean * std'/std``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import permutations, product
from typing import Any, NamedTuple

import numpy as np

from ..core.normalization import PRESETS, Normalization
from .grid_figure import Tile

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

CHANNELS = ("red", "green", "blue")

#: The largest shift that is looked for, in pixels.
_REACH = 4


class Fit(NamedTuple):
    """``result = gain * baseline + offset`` of a channel; `offset` on the scale where white is 1."""

    gain: float
    offset: float


def describe_tiles(
    baseline: Bytes, result: Bytes, tiles: Sequence[Tile], normalization: Normalization | None
) -> list[str]:
    """One sentence for each thing that happened: ``tiles 0-7: channels reversed (BGR for RGB)``.

    Args:
        baseline, result: canvases of the same shape, uint8 (H, W, 3).
        tiles: the boxes of the pictures in them.
        normalization: what was undone to draw the result, if known: names the statistic behind a gain.
    """
    before, after = [cut(baseline, tile) for tile in tiles], [cut(result, tile) for tile in tiles]
    changed = [index for index in range(len(tiles)) if not np.array_equal(before[index], after[index])]
    if not changed:
        return ["the pictures are untouched: what is outside of them differs, the padding or the number of pictures"]
    moved = _reordered(before, after, changed)
    if moved:
        return [moved]
    said = _explain_together(before, after, changed, normalization)
    if not said:
        alone = {index: _explain(before[index][None], after[index][None], normalization) for index in changed}
        explained = [index for index in changed if alone[index]]
        said = _explain_together(before, after, explained, normalization) if explained else []
        rest = [index for index in changed if index not in explained] if said else changed
        by_text: dict[str, list[int]] = {}
        for index in rest:
            by_text.setdefault(alone[index] or "another picture", []).append(index)
        said += [(indices, text) for text, indices in by_text.items()]
    return [f"{name_tiles(indices, len(tiles))}: {text}" for indices, text in said]


def _explain_together(
    before: Sequence[Bytes], after: Sequence[Bytes], indices: list[int], normalization: Normalization | None
) -> list[tuple[list[int], str]]:
    """One explanation of all these tiles, if there is one."""
    text = _explain(np.stack([before[i] for i in indices]), np.stack([after[i] for i in indices]), normalization)
    return [(indices, text)] if text else []


def cut(canvas: Bytes, tile: Tile) -> Bytes:
    return canvas[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]


def is_grey(pictures: Bytes) -> bool:
    """Whether the channels, the last axis, are equal."""
    return bool((pictures == pictures[..., :1]).all())


def name_tiles(indices: Sequence[int], count: int) -> str:
    """``all tiles``, ``tile 3`` or ``tiles 0-2, 5``."""
    if len(indices) == count:
        return "all tiles" if count > 1 else "the picture"
    ranges: list[list[int]] = []
    for index in indices:
        if ranges and index == ranges[-1][-1] + 1:
            ranges[-1][1:] = [index]
        else:
            ranges.append([index])
    shown = ", ".join("-".join(map(str, one)) for one in ranges[:6]) + (", ..." if len(ranges) > 6 else "")
    return f"tile{'' if len(indices) == 1 else 's'} {shown}"


def _reordered(before: Sequence[Bytes], after: Sequence[Bytes], changed: Sequence[int]) -> str:
    """What to say if the changed pictures are those of the baseline in other places."""
    places = {picture.tobytes(): index for index, picture in enumerate(before)}
    sources = [places.get(after[index].tobytes()) for index in changed]
    known = [(index, source) for index, source in zip(changed, sources, strict=True) if source is not None]
    if len(known) < len(changed):
        return ""
    examples = ", ".join(f"tile {index} shows what was tile {source}" for index, source in known[:3])
    return f"the pictures are in another order: {examples}{', ...' if len(known) > 3 else ''}; is the order seeded?"


def _explain(before: Bytes, after: Bytes, normalization: Normalization | None) -> str:
    """What turns the pictures `before` into `after`, both (N, H, W, 3); empty if it is none of the known things."""
    return (
        _levels(before, after)
        or _channel_order(before, after)
        or _geometry(before, after)
        or _shift(before, after)
        or _gains(before, after, normalization)
        or _exchanged_gains(before, after)
    )


#: Another rounding changes more values than these: with the statistics of every preset, 2 % of all levels or more.
_FEW, _FEW_OF_ALL = 10, 0.01


def _levels(before: Bytes, after: Bytes) -> str:
    difference = after.astype(np.int16) - before
    low, high = int(difference.min()), int(difference.max())
    if low < -1 or high > 1:
        return ""
    count = int((difference != 0).sum())
    if count < _FEW or count < _FEW_OF_ALL * difference.size:
        way = "darker" if high == 0 else "brighter" if low == 0 else "darker and brighter"
        return f"off by one level, {way}, in {count:,} of {difference.size:,} values: too few to tell why"
    share = f"in {100 * count / difference.size:.0f} % of the values"
    if high == 0:
        return f"off by at most one level, all darker, {share}: truncation (bytes cut off instead of rounded)"
    if low == 0:
        return f"off by at most one level, all brighter, {share}: rounded up instead of to the nearest"
    return f"off by at most one level, darker and brighter, {share}: another rounding, or statistics slightly off"


def _same(before: Bytes, after: Bytes) -> bool:
    """Equal to one level, so that rounding does not hide what happened; a sample is looked at first."""

    def near(some: Bytes, others: Bytes) -> bool:
        return int(np.abs(others.astype(np.int16) - some).max()) <= 1

    return before.shape == after.shape and near(before[:, ::7, ::7], after[:, ::7, ::7]) and near(before, after)


def _channel_order(before: Bytes, after: Bytes) -> str:
    """Of pictures that differ by more than a level."""
    for order in permutations(range(3)):
        if _same(before[..., order], after):
            return _name_order(order)
    for channel in range(3):
        if _same(np.broadcast_to(before[..., channel, None], before.shape), after):
            return f"grey: every channel shows {CHANNELS[channel]}"
    return ""


def _name_order(order: tuple[int, ...]) -> str:
    if order == (2, 1, 0):
        return "channels reversed (BGR for RGB)"
    return "channels in another order: " + ", ".join(
        f"{CHANNELS[source]} drawn as {CHANNELS[place]}" for place, source in enumerate(order) if source != place
    )


_MOVES: tuple[tuple[str, Callable[[Bytes], Bytes]], ...] = (
    ("mirrored left to right", lambda pictures: pictures[:, :, ::-1]),
    ("upside down", lambda pictures: pictures[:, ::-1]),
    ("turned by 180 degrees", lambda pictures: pictures[:, ::-1, ::-1]),
    ("rows and columns exchanged", lambda pictures: pictures.swapaxes(1, 2)),
)


def _geometry(before: Bytes, after: Bytes) -> str:
    return next((name for name, move in _MOVES if _same(move(before), after)), "")


def _shift(before: Bytes, after: Bytes) -> str:
    """Of pictures that differ by more than a level; the shortest way."""
    steps = sorted(product(*map(_reach, before.shape[1:3])), key=lambda step: abs(step[0]) + abs(step[1]))
    for down, right in steps:
        kept, moved = _without_edge(before, -down, -right), _without_edge(after, down, right)
        if int(np.ptp(kept)) > 1 and _same(kept, moved):
            words = [
                f"{abs(step)} pixel{'' if abs(step) == 1 else 's'} {positive if step > 0 else negative}"
                for step, positive, negative in ((down, "down", "up"), (right, "right", "left"))
                if step
            ]
            return f"shifted by {' and '.join(words)}"
    return ""


def _without_edge(pictures: Bytes, down: int, right: int) -> Bytes:
    """What is left of pictures that lose rows at the top (negative: at the bottom) and columns at the left."""
    height, width = pictures.shape[1:3]
    return pictures[:, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]


def _reach(size: int) -> Iterable[int]:
    reach = min(_REACH, size // 2)
    return range(-reach, reach + 1)


def fit_gain(before: Bytes, after: Bytes) -> Fit | None:
    """The gain and offset of one channel by least squares, if they explain every value to one level.

    Only values that neither clips are fitted, if those are 2 levels, or else those that the result does not clip; None
    where these are fewer, or the fit fails. Black and white of the baseline may have been darker and brighter.
    """
    # there are 256 x 256 pairs of levels at most, however large the pictures
    pairs = np.bincount(before.ravel().astype(np.intp) * 256 + after.ravel())
    x, y = (levels.astype(np.float64) for levels in np.divmod(np.flatnonzero(pairs), 256))
    black, white = x == 0, x == 255
    inside = (y > 0) & (y < 255)
    for kept in (inside & ~black & ~white, inside):
        if np.unique(x[kept]).size > 1:
            inside = kept
            break
    else:
        return None
    weight = np.sqrt(pairs[pairs > 0][inside])
    design = np.stack([x[inside], np.ones(int(inside.sum()))], axis=1) * weight[:, None]
    gain, offset = (float(value) for value in np.linalg.lstsq(design, y[inside] * weight, rcond=None)[0])
    miss = y - np.clip(np.rint(gain * x + offset), 0, 255)
    lower, upper = (black, white) if gain > 0 else (white, black)
    explained = ((miss >= -1) | lower) & ((miss <= 1) | upper)
    return Fit(gain, offset / 255) if explained.all() else None


def _gains(before: Bytes, after: Bytes, normalization: Normalization | None) -> str:
    names = ("grey",) if is_grey(before) and is_grey(after) else CHANNELS
    fits = _fits(before, after, len(names))
    if not fits:
        return ""
    said = _say_fits(fits, names)
    cause = _cause(fits, names, normalization)
    return f"{said}: looks like {cause}" if cause else said


def _fits(before: Bytes, after: Bytes, channels: int) -> list[Fit] | None:
    """The gain and offset of each channel; None where one of them has none."""
    fits = []
    for channel in range(channels):
        same = np.array_equal(before[..., channel], after[..., channel])
        fit = Fit(1.0, 0.0) if same else fit_gain(before[..., channel], after[..., channel])
        if fit is None:
            return None
        fits.append(fit)
    return fits


def _say_fits(fits: Sequence[Fit], names: Sequence[str]) -> str:
    return "; ".join(
        f"{name} gain {fit.gain:.3f}, offset {fit.offset:.3f}"
        for name, fit in zip(names, fits, strict=True)
        if _is(fit)
    )


def _exchanged_gains(before: Bytes, after: Bytes) -> str:
    """What was undone after its channels had changed places: each has the statistics of another."""
    if is_grey(before):
        return ""
    for order in list(permutations(range(3)))[1:]:  # the first is theirs
        fits = _fits(before[..., order], after, 3)
        if fits and all(fit.gain > 0 for fit in fits):
            return f"{_name_order(order)}, each under the statistics of another: {_say_fits(fits, CHANNELS)}"
    return ""


def _is(fit: Fit) -> bool:
    """Whether a fit says anything: bytes resolve no smaller gain or offset than these."""
    return abs(fit.gain - 1) > 0.004 or abs(fit.offset) > 0.002


def _cause(fits: Sequence[Fit], names: Sequence[str], normalization: Normalization | None) -> str:
    """Which statistics were taken for which others; empty if that explains nothing."""
    if all(abs(fit.gain + 1) < _NEAR and abs(fit.offset - 1) < _NEAR for fit in fits):
        return "an inverted picture, black for white"
    if any(fit.gain <= 0 for fit in fits):
        return ""
    if normalization is not None:
        if normalization.channels not in (1, len(fits)):
            return ""
        now = _on_unit_scale(normalization.expand(len(fits)))
        # what is drawn now is (x - then.mean) * now.std / then.std + now.mean
        then = [
            Pair((mean - fit.offset) / fit.gain, std / fit.gain) for (mean, std), fit in zip(now, fits, strict=True)
        ]
        return _say_pairs(now, then, names)
    # without a Normalization, try those that everybody uses, the commonest first
    for known in PRESETS.values():
        if known.channels == len(fits):
            then = _on_unit_scale(known)
            now = [
                Pair(fit.offset + fit.gain * mean, fit.gain * std) for (mean, std), fit in zip(then, fits, strict=True)
            ]
            said = _say_known(now, then, names, known.source.removeprefix("preset "))
            if said:
                return said
    return ""


class Pair(NamedTuple):
    """Mean and std of a channel, where white is 1."""

    mean: float
    std: float


#: How far a statistic that was computed from bytes may be from the true one.
_NEAR = 0.004


def _on_unit_scale(normalization: Normalization) -> list[Pair]:
    white = normalization.pixel_max
    return [Pair(mean / white, std / white) for mean, std in zip(normalization.mean, normalization.std, strict=True)]


def _near(some: Sequence[Pair], others: Sequence[Pair]) -> bool:
    return all(
        abs(one.mean - other.mean) < _NEAR and abs(one.std - other.std) < _NEAR
        for one, other in zip(some, others, strict=True)
    )


def _preset_near(pairs: Sequence[Pair]) -> str:
    """The preset that these statistics are, as far as bytes can tell; empty if there is none."""
    known = (name for name, one in PRESETS.items() if one.channels == len(pairs))
    return next((name for name in known if _near(_on_unit_scale(PRESETS[name]), pairs)), "")


def _say_pairs(now: Sequence[Pair], then: Sequence[Pair], names: Sequence[str]) -> str:
    """The statistics that differ, where only means or only stds do; or both by the names of their data sets."""
    now_name, then_name = _preset_near(now), _preset_near(then)
    if now_name and then_name and now_name != then_name:
        return f"the statistics of {now_name} for those of {then_name}"
    if then_name:
        then = _on_unit_scale(PRESETS[then_name])  # bytes resolve a mean to 0.002 only
    said = []
    for name, new, old in zip(names, now, then, strict=True):
        other_mean, other_std = abs(new.mean - old.mean) > _NEAR, abs(new.std / old.std - 1) > _NEAR
        if other_mean and other_std:
            return ""
        if other_std:
            said.append(f"{name} std {new.std:.3f} for {old.std:.3f}")
        elif other_mean:
            said.append(f"{name} mean {new.mean:.3f} for {old.mean:.3f}")
    return ", ".join(said)


def _say_known(now: Sequence[Pair], then: Sequence[Pair], names: Sequence[str], known: str) -> str:
    """As :func:`_say_pairs`, for a data set that is only supposed: what any data set would explain is not said."""
    slips = {
        f"a picture that is still normalized, with the statistics of {known}": [Pair(0.0, 1.0) for _ in then],
        f"the mean of {known} not added": [Pair(0.0, std) for _, std in then],
        f"the mean of {known} not divided by std": [Pair(mean * std, std) for mean, std in then],
    }
    for words, pairs in slips.items():
        if _near(now, pairs):
            return words
    if all(abs(new.std / old.std - 1) <= _NEAR for new, old in zip(now, then, strict=True)):
        return ""  # an offset alone fits every data set
    said = _say_pairs(now, then, names)
    return f"{said} (if the statistics are those of {known})" if said and " of " not in said else said
