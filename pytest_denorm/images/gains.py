"""Which mean and std explain a change, told by the gain and offset of each channel.

What was normalized with ``mean`` and ``std`` and is inverted with ``mean'`` and ``std'`` comes back as
``x' = x * std'/std + mean' - mean * std'/std``. A grid knows what was inverted to draw it; for images of which nothing
is known, the table of mistakes is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.normalization import PRESETS, Normalization
from ..diagnosis.relations import explain_levels
from .changes import CHANNELS, Change
from .png import is_grey

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

#: How far a statistic that was computed from bytes may be from the true one.
_NEAR = 0.004
#: So many pixels are enough for the table of mistakes.
_ENOUGH = 1500
#: What the table says of changes that have better names here, or of any brightness if no statistics are known.
_NO_CAUSE = ("contrast", "clamped", "unknown", "wrong-mean", "wrong-std", "wrong-statistics", "rounded-constants")


def of_table(before: Bytes, after: Bytes) -> Change | None:
    """Return the mistake of an inverse that turns the images `before` into `after`, (N, H, W, 3), if there is one."""
    step = max(1, before.size // 3 // _ENOUGH)
    found = explain_levels(before.reshape(-1, 3)[::step], after.reshape(-1, 3)[::step])
    if found is None:
        return None
    cause, _, assumed = found.message.rstrip(".").partition(" (if the statistics are those of ")
    name = assumed.rstrip(")")
    if found.kind in _NO_CAUSE or (found.kind == "inverted-twice" and not name):
        return None
    said = cause.partition(". ")[0]
    return Change(found.kind, f"{said} (if the statistics are those of {name})" if name else said)


class _Fit(NamedTuple):
    """``result = gain * baseline + offset`` of a channel; `offset` on the scale where white is 1."""

    gain: float
    offset: float


class _Pair(NamedTuple):
    """Mean and std of a channel, where white is 1."""

    mean: float
    std: float


def of_known(before: Bytes, after: Bytes, normalization: Normalization | None) -> Change | None:
    """Return which statistics were taken for which others, if that explains the change.

    Args:
        before, after: images (N, H, W, 3).
        normalization: what was inverted to draw `after`, if known.
    """
    names = ("grey",) if is_grey(before) and is_grey(after) else CHANNELS
    if normalization is None or normalization.channels not in (1, len(names)):
        return None
    fits = [_fit(before[..., channel], after[..., channel]) for channel in range(len(names))]
    known = [fit for fit in fits if fit is not None and fit.gain > 0]
    if len(known) < len(names):
        return None
    now = _on_unit_scale(normalization.expand(len(names)))
    # what is drawn now is (x - then.mean) * now.std / then.std + now.mean
    then = [_Pair((mean - fit.offset) / fit.gain, std / fit.gain) for (mean, std), fit in zip(now, known, strict=True)]
    cause, kind = _compare(now, then, names)
    if not cause:
        return None
    measured = "; ".join(
        f"{name} gain {fit.gain:.3f}, offset {fit.offset:.3f}"
        for name, fit in zip(names, known, strict=True)
        if abs(fit.gain - 1) > _NEAR or abs(fit.offset) > _NEAR / 2
    )
    return Change(kind, f"{measured}: looks like {cause}")


def _fit(before: Bytes, after: Bytes) -> _Fit | None:
    """Return gain and offset of one channel by least squares, if they explain every value to one level.

    Only values that neither clips are fitted, if those are 2 levels, or else those that the result does not clip; None
    where these are fewer, or the fit fails. Black and white of the baseline may have been darker and brighter.
    """
    # there are 256 x 256 pairs of levels at most, however large the images
    pairs = np.bincount(before.ravel().astype(np.intp) * 256 + after.ravel())
    x, y = (levels.astype(np.float64) for levels in np.divmod(np.flatnonzero(pairs), 256))
    if np.array_equal(x, y):
        return _Fit(1.0, 0.0)
    black, white = x == 0, x == 255
    inside = (y > 0) & (y < 255)
    inner = inside & ~black & ~white
    chosen = next((kept for kept in (inner, inside) if np.unique(x[kept]).size > 1), None)
    if chosen is None:
        return None
    weight = np.sqrt(pairs[pairs > 0][chosen])
    design = np.stack([x[chosen], np.ones(int(chosen.sum()))], axis=1) * weight[:, None]
    gain, offset = (float(value) for value in np.linalg.lstsq(design, y[chosen] * weight, rcond=None)[0])
    miss = y - np.clip(np.rint(gain * x + offset), 0, 255)
    lower, upper = (black, white) if gain > 0 else (white, black)
    explained = ((miss >= -1) | lower) & ((miss <= 1) | upper)
    return _Fit(gain, offset / 255) if explained.all() else None


def _on_unit_scale(normalization: Normalization) -> list[_Pair]:
    white = normalization.pixel_max
    return [_Pair(mean / white, std / white) for mean, std in zip(normalization.mean, normalization.std, strict=True)]


def _preset_near(pairs: Sequence[_Pair]) -> str:
    """Return the preset that these statistics are, as far as bytes can tell; empty if there is none."""
    for name, preset in PRESETS.items():
        known = _on_unit_scale(preset)
        if len(known) == len(pairs) and np.abs(np.subtract(known, pairs)).max() < _NEAR:
            return name
    return ""


def _compare(now: Sequence[_Pair], then: Sequence[_Pair], names: Sequence[str]) -> tuple[str, str]:
    """Return which statistics differ, in words, and their kind; nothing where mean and std of a channel both do."""
    now_name, then_name = _preset_near(now), _preset_near(then)
    if now_name and then_name and now_name != then_name:
        return f"the statistics of {now_name} for those of {then_name}", "other-preset"
    if then_name:
        then = _on_unit_scale(PRESETS[then_name])  # bytes resolve a mean to 0.002 only
    said, kinds = [], set()
    for name, new, old in zip(names, now, then, strict=True):
        other_mean, other_std = abs(new.mean - old.mean) > _NEAR, abs(new.std / old.std - 1) > _NEAR
        if other_mean and other_std:
            return "", ""
        if other_std:
            said.append(f"{name} std {new.std:.3f} for {old.std:.3f}")
            kinds.add("wrong-std")
        elif other_mean:
            said.append(f"{name} mean {new.mean:.3f} for {old.mean:.3f}")
            kinds.add("wrong-mean")
    return ", ".join(said), kinds.pop() if len(kinds) == 1 else "wrong-statistics"
