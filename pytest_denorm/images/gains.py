"""Which mean and std explain a change, told by the gain and offset of each channel.

What was normalized with ``mean`` and ``std`` and is inverted with ``mean'`` and ``std'`` comes back as
``x' = x * std'/std + mean' - mean * std'/std``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from ..core.normalization import PRESETS, Normalization
from .changes import CHANNELS, Change, name_order
from .png import is_grey

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


class Fit(NamedTuple):
    """``result = gain * baseline + offset`` of a channel; `offset` on the scale where white is 1."""

    gain: float
    offset: float


def statistics(before: Bytes, after: Bytes, normalization: Normalization | None) -> Change | None:
    text = _gains(before, after, normalization)
    if "looks like" not in text:
        text = _exchanged_gains(before, after) if not text else ""
    return Change("statistics", text) if text else None


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
            return f"{name_order(order)}, each under the statistics of another: {_say_fits(fits, CHANNELS)}"
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
