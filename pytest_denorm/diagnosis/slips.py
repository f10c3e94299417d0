"""Statistics that are a preset's but for one slip: a digit, an order, a square."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from ..core.normalization import PRESETS, Normalization

__all__ = ["slip"]

#: Two numbers are the same if they differ by less, relatively: presets are written with 3 digits and more. Of one
#: preset, the nearest that are not the same (ImageNet's stds of green and blue) differ by 0.0045.
_SAME = 0.003
#: What a slip makes of a channel's mean and std, on pictures in 0..1, and the words for it.
_SLIPS: Sequence[tuple[str, Callable[[float, float], tuple[float, float]]]] = (
    ("with mean and std exchanged", lambda mean, std: (std, mean)),
    ("with 1/std for std: Normalize divides by std itself", lambda mean, std: (mean, 1 / std)),
    ("with std squared, which is the variance", lambda mean, std: (mean, std**2)),
    ("with the sign of mean changed: Normalize subtracts it", lambda mean, std: (-mean, std)),
    ("with mean divided by std: Normalize divides by std itself", lambda mean, std: (mean / std, std)),
    ("applied twice: the pictures are normalized already", lambda mean, std: (mean + std * mean, std**2)),
)


def slip(normalization: Normalization) -> str | None:
    """What these statistics have of a preset and what they have not, where one slip is the difference; else None.

    A preset with its channels in another order, of mean and std alike, is none: the pictures may have that order, too.
    Nor are rounded numbers: a Normalize with them is undone as well as another.
    """
    white = normalization.pixel_max
    mean, std = ([value / white for value in values] for values in (normalization.mean, normalization.std))
    for name, preset in PRESETS.items():
        if preset.channels != len(mean) or len({*preset.mean, *preset.std}) == 1:
            continue  # all numbers alike may have many reasons
        for difference in (_one_number, _order, _map):
            words = difference(mean, std, name, preset)
            if words is not None:
                return words
    return None


def _same(found: Sequence[float], known: Sequence[float]) -> bool:
    return all(math.isclose(a, b, rel_tol=_SAME) for a, b in zip(found, known, strict=True))


def _one_number(mean: list[float], std: list[float], name: str, preset: Normalization) -> str | None:
    """One number is another, of six or more: too many to be the same by chance."""
    found, channels = [*mean, *std], len(mean)
    for step in (1, -1):
        known = [*preset.mean[::step], *preset.std[::step]]
        others = [index for index, (a, b) in enumerate(zip(found, known, strict=True)) if not _same([a], [b])]
        if channels >= 3 and len(others) == 1 and not _is_rounded(found[others[0]], known[others[0]]):
            at = others[0]
            where = f"mean[{at}]" if at < channels else f"std[{at - channels}]"
            return f"{where} is {found[at]:.6g} where {name} has {known[at]:g}; all other numbers are {name}'s."
    return None


def _is_rounded(number: float, known: float) -> bool:
    """Whether it is the known one to a digit or two, up or down."""
    return any(
        math.isclose(number * unit, round(number * unit), abs_tol=1e-3) and abs(number - known) * unit < 1
        for unit in (10, 100)
    )


def _order(mean: list[float], std: list[float], name: str, preset: Normalization) -> str | None:
    """Mean and std have the preset's numbers, each in an order of its own."""
    if len(mean) > 4:
        return None
    orders = list(itertools.permutations(range(len(mean))))
    of_mean = {order for order in orders if _same(mean, [preset.mean[channel] for channel in order])}
    of_std = {order for order in orders if _same(std, [preset.std[channel] for channel in order])}
    if not of_mean or not of_std or of_mean & of_std:
        return None
    return f"these are {name}'s numbers, mean in the order {min(of_mean)} of its channels and std in {min(of_std)}."


def _map(mean: list[float], std: list[float], name: str, preset: Normalization) -> str | None:
    for words, make in _SLIPS:
        means, stds = zip(*map(make, preset.mean, preset.std), strict=True)
        if _same([*mean, *std], [*means, *stds]):
            return f"these are {name}'s numbers {words}."
    return None
