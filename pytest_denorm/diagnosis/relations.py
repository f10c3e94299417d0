"""The table of mistakes, put to other pairs than a pipeline and its inverse: statistics, maps, images of bytes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..core.colormap import ColorMap
from ..core.normalization import PRESETS, Normalization, format_numbers
from ..core.text import channel_name
from ..errors import NotInvertibleError
from .conclude import parts_of
from .evidence import Evidence
from .rules import Rule, Statistics, constant_rules, frame_rules
from .search import search
from .verdict import Finding

__all__ = ["explain_levels", "explain_maps", "explain_statistics"]

Array = np.ndarray[Any, Any]

#: Two numbers are the same if they differ by less, relatively: presets are written with 3 digits and more. Of one
#: preset, the nearest that are not the same (ImageNet's stds of green and blue) differ by 0.0045.
_SAME = 0.003
#: Two maps are the same where no value of an image differs by more levels of 255.
_SAME_LEVELS = 0.02

#: What a mistake makes of statistics, by the key of its rule.
_OF_STATISTICS = {
    "swapped": "with mean and std exchanged",
    "mean-for-std": "with the mean for the std, too",
    "std-for-mean": "with the std for the mean, too",
    "divides": "with 1/std for std: Normalize divides by std itself",
    "std-squared": "with std squared, which is the variance",
    "mean-sign": "with the sign of mean changed: Normalize subtracts it",
    "mean-divided": "with mean divided by std: Normalize divides by std itself",
    "inverted-twice": "applied twice: the images are normalized already",
    "normalized-again": "of the inverse, -mean/std and 1/std: they do not normalize, they undo it",
    "over-255": "with mean and std divided by 255 once too often",
    "mean-over-255": "with the mean divided by 255 once too often",
    "std-over-255": "with the std divided by 255 once too often",
    "over-255-twice": "with mean and std divided by 255 twice too often",
    "times-255": "with mean and std multiplied by 255, as for images in 0..255",
    "mean-times-255": "with the mean multiplied by 255, as for images in 0..255",
    "std-times-255": "with the std multiplied by 255, as for images in 0..255",
    "statistics-of-minus-one": "with 2 * mean - 1 and 2 * std, as for images in -1..1",
}
#: Mistakes with constants say nothing where it is not known whose constants they are.
_OF_CONSTANTS = {"inverted-twice", "wrong-std", "wrong-mean", "one-channel-for-all", "other-preset"}
#: What the second of two pipelines does otherwise than the first, by the key of the rule.
_OF_MAPS = {
    "times-255": "divides by 255 once more than the first",
    "over-255": "does not divide by 255 where the first does",
    "times-255-twice": "divides by 255 twice more than the first",
    "over-255-twice": "multiplies by 255 twice more than the first",
    "mean-times-255": "has the first's mean multiplied by 255",
    "mean-over-255": "has the first's mean divided by 255",
    "std-times-255": "has the first's std multiplied by 255",
    "std-over-255": "has the first's std divided by 255",
    "times-256": "divides by 256 once more than the first",
    "over-256": "does not divide by 256 where the first does",
    "256-over-255": "divides bytes by 256 where the first divides by 255",
    "255-over-256": "divides bytes by 255 where the first divides by 256",
    "swapped": "has the first's mean and std exchanged",
    "mean-for-std": "has the first's mean for the std, too",
    "std-for-mean": "has the first's std for the mean, too",
    "divides": "multiplies by the first's std instead of dividing by it",
    "std-squared": "has the square of the first's std, which is the variance",
    "std-root": "has the root of the first's std",
    "std-missing": "does not divide by std, and the first does",
    "mean-missing": "does not subtract the mean, and the first does",
    "mean-sign": "has the first's mean with its sign changed",
    "mean-divided": "has the first's mean divided by std, which Normalize does itself",
    "inverted-twice": "normalizes twice",
    "normalized-again": "undoes the first's Normalize instead of doing it",
    "statistics-of-minus-one": "has statistics for images in -1..1, the first for 0..1",
    "to-minus-one": "takes images in -1..1 for images in 0..1",
    "from-minus-one": "gives Normalize images in -1..1, the first in 0..1",
    "negative": "exchanges black and white",
}
#: What changes the range of an image, and may come together with other statistics.
_RANGES = ("times-255", "over-255", "256-over-255", "255-over-256", "from-minus-one", "to-minus-one", "negative")


def explain_statistics(normalization: Normalization) -> Finding | None:
    """Say what is wrong with the statistics of a pipeline: they are a preset's but for one mistake, or none at all.

    A preset with its channels reversed, in mean and std alike, is right where images are BGR. Rounded numbers are
    right, too: a Normalize with them is undone as well as another.

    Returns:
        The mistake, with the preset and the numbers; None where nothing seems wrong.
    """
    white = normalization.pixel_max
    mean, std = (np.array(values) / white for values in (normalization.mean, normalization.std))
    for name, preset in PRESETS.items():
        if preset.channels != len(mean) or len({*preset.mean, *preset.std}) == 1:
            continue  # all numbers alike may have many reasons
        if _same([*mean, *std], [*preset.mean, *preset.std]):
            return None
        for find in (_one_number, _other_orders, _one_rule):
            found = find(mean, std, name, preset)
            if found is not None:
                return Finding(*found, effect=_distance(mean, std, preset) * white)
    outside = [c for c, one in enumerate(mean) if not -1e-6 <= one <= 1 + 1e-6]
    if outside:
        numbers = ", ".join(f"mean[{c}] is {normalization.mean[c]:.6g}" for c in outside)
        message = f"{numbers}, outside 0..{white:g}: no mean of images in this range is."
        return Finding("wrong-mean", message, float(np.abs(mean).max() * white))
    return None


def _same(found: Sequence[float], known: Sequence[float]) -> bool:
    return bool(np.allclose(found, known, rtol=_SAME, atol=1e-9))


def _distance(mean: Array, std: Array, preset: Normalization) -> float:
    """How far an image moves that is normalized with the one, and undone with the other."""
    known_mean, known_std = np.array(preset.mean), np.array(preset.std)
    ends = [np.abs((x - mean) / std * known_std + known_mean - x) for x in (0.0, 1.0)]
    return float(np.max(ends))


def _one_number(mean: Array, std: Array, name: str, preset: Normalization) -> tuple[str, str] | None:
    """One number is another, of six or more: too many to be the same by chance."""
    found, channels = np.array([*mean, *std]), len(mean)
    for step in (1, -1):
        known = np.array([*preset.mean[::step], *preset.std[::step]])
        others = np.flatnonzero(~np.isclose(found, known, rtol=_SAME, atol=1e-9))
        if channels >= 3 and len(others) == 1 and not _is_rounded(found[others[0]], known[others[0]]):
            at = int(others[0])
            word, where = ("mean", at) if at < channels else ("std", at - channels)
            message = f"{word}[{where}] is {found[at]:.6g} where {name} has {known[at]:g}"
            return f"wrong-{word}", f"{message}; all other numbers are {name}'s."
    return None


def _is_rounded(number: float, known: float) -> bool:
    """Return whether it is the known one to a digit or two, up or down."""
    scales = [unit for unit in (10, 100) if abs(number - known) * unit < 1]
    return any(abs(number * unit - round(number * unit)) <= 1e-3 for unit in scales)


def _other_orders(mean: Array, std: Array, name: str, preset: Normalization) -> tuple[str, str] | None:
    """Mean and std have the preset's numbers, in orders of their own; or both in one that no image has."""
    if not 1 < len(mean) <= 4:
        return None
    orders = list(itertools.permutations(range(len(mean))))
    of_mean = {order for order in orders if _same(mean.tolist(), [preset.mean[channel] for channel in order])}
    of_std = {order for order in orders if _same(std.tolist(), [preset.std[channel] for channel in order])}
    usual = {orders[0], orders[-1]}
    if not of_mean or not of_std or of_mean & of_std & usual:
        return None
    if both := of_mean & of_std:
        message = f"these are {name}'s numbers in the order {min(both)} of its channels: neither RGB nor BGR."
        return "channel-order", message
    message = f"these are {name}'s numbers, mean in the order {min(of_mean)} of its channels and std in {min(of_std)}."
    return "channel-order", message


def _one_rule(mean: Array, std: Array, name: str, preset: Normalization) -> tuple[str, str] | None:
    known = Statistics(np.array(preset.mean), np.array(preset.std))
    for rule in _named_rules(known, _OF_STATISTICS):
        if _same([*std, *mean], np.concatenate(rule.change(known.std, known.mean)).tolist()):
            return rule.kind, f"these are {name}'s numbers {_OF_STATISTICS[rule.key]}."
    return None


def _named_rules(known: Statistics, names: dict[str, str]) -> Iterator[Rule]:
    return (rule for rule in (*constant_rules(known), *frame_rules(known)) if rule.key in names)


def explain_maps(first: Normalization | ColorMap, second: Normalization | ColorMap) -> Finding | None:
    """Say in which way the second of two pipelines normalizes otherwise than the first.

    Returns:
        The difference, as one mistake of the table or as the numbers that differ; None where both do the same, or one
        of them is no Normalize.
    """
    try:
        one, other = (_unit_statistics(given) for given in (first, second))
    except NotInvertibleError:
        return None
    (known, order), (found, other_order) = one, other
    if known.channels != found.channels:
        return None
    effect = _map_distance(known, found)
    if order != other_order:
        names = ", ".join(channel_name(channel, known.channels) for channel in other_order)
        message = f"the second gives the channels in another order: {names}."
        return Finding("channel-order", message, 1.0)
    if effect * 255 <= _SAME_LEVELS:
        return None
    if found.is_identity:
        return Finding("not-inverted", "the second does not normalize: images leave it as they enter.", effect)
    for rules in _differences(known):
        std, mean = known.std, known.mean
        for rule in rules:
            std, mean = rule.change(std, mean)
        if _map_distance(Statistics(mean, std), found) * 255 <= _SAME_LEVELS:
            said = "; and it ".join(_difference(rule) for rule in reversed(rules))
            return Finding(rules[-1].kind, f"the second {said}.", effect)
    kind = "wrong-std" if (np.abs(known.std - found.std) > 1e-5).any() else "wrong-mean"
    return Finding(kind, _numbers_that_differ(known, found), effect)


def _numbers_that_differ(known: Statistics, found: Statistics) -> str:
    """One or two numbers by the names of their channels, more of them as they are written."""
    lines = [
        f"{channel_name(c, known.channels)} {word} is {b[c]:.6g} in the second and {a[c]:.6g} in the first"
        for word, a, b in (("mean", known.mean, found.mean), ("std", known.std, found.std))
        for c in range(known.channels)
        if abs(a[c] - b[c]) > 1e-5
    ]
    if len(lines) <= 2:
        return f"{'; '.join(lines)}."
    first, second = (f"mean {format_numbers(one.mean)} and std {format_numbers(one.std)}" for one in (known, found))
    return f"the second has {second}, the first {first}."


def _differences(known: Statistics) -> Iterator[tuple[Rule, ...]]:
    """Single rules that have words, the likeliest first; then another range of images with other statistics."""
    constants = [rule for rule in constant_rules(known) if _difference(rule)]
    frames = [rule for rule in frame_rules(known) if not rule.order and _difference(rule)]
    yield from ((rule,) for rule in sorted((*frames, *constants), key=lambda rule: rule.cost))
    yield from itertools.product(constants, (rule for rule in frames if rule.key in _RANGES))


def _difference(rule: Rule) -> str:
    """What the second does, in words; empty where there are none."""
    facts = rule.facts
    if rule.key in ("other-preset", "pipeline-rounded"):
        return f"has the statistics of {facts['name']} ({facts['numbers']})" if "numbers" in facts else ""
    if rule.key == "rounded":
        return f"has the first's mean and std, rounded to {facts['decimals']}{facts['scale']}"
    if rule.key == "statistics-order":
        what = facts["what"].rpartition(" ")[0].removeprefix("the ")
        return f"has the first's {what} {facts['how']}"
    if rule.key == "one-for-all":
        return f"has {facts['whose']} {facts['what']} ({facts['numbers']}) for every channel"
    if rule.key == "eps":
        return f"has the first's std with {facts['power']:g} added to {facts['what']}"
    return _OF_MAPS.get(rule.key, "")


def _unit_statistics(given: Normalization | ColorMap) -> tuple[Statistics, tuple[int, ...]]:
    """Return statistics for images in 0..1, and the order in which the channels leave."""
    order = given.order if isinstance(given, ColorMap) else None
    if isinstance(given, ColorMap):
        given = given.straightened.normalization()
    mean, std = (np.array(values) / given.pixel_max for values in (given.mean, given.std))
    return Statistics(mean, std), order or tuple(range(len(mean)))


def _map_distance(known: Statistics, found: Statistics) -> float:
    """How far an image in 0..1 moves that the first normalizes and the inverse of the second undoes."""
    with np.errstate(all="ignore"):
        ends = [np.abs((x - known.mean) / known.std * found.std + found.mean - x) for x in (0.0, 1.0)]
        back = [np.abs((x - found.mean) / found.std * known.std + known.mean - x) for x in (0.0, 1.0)]
    return float(min(np.max(ends), np.max(back)))


def explain_levels(before: Array, after: Array) -> Finding | None:
    """Say what turned the pixels of one image of bytes into those of another: how it was normalized, undone or stored.

    Args:
        before, after: uint8 (n, channels), pixel by pixel.

    Returns:
        The likeliest mistake; None where no mistake of the table explains it.
    """
    difference = after.astype(np.int16) - before
    low, high = int(difference.min()), int(difference.max())
    if low >= -1 and high <= 1:
        return _of_one_level(difference, low, high)
    candidates = []
    for name, mean, std in _assumed(before.shape[1]):
        seen = _as_evidence(before, after, mean, std)
        found = search(seen)
        if found is not None and not found.is_right:
            unnamed = not name and bool(found.kinds & _OF_CONSTANTS)  # of which statistics, nobody knows
            candidates.append((found.cost + (0.3 if name else 2.0 * unnamed), name, seen, found))
    if not candidates:
        return None
    _, name, seen, found = min(candidates, key=lambda one: one[0])
    said = list(parts_of(seen, found))
    assumed = f" (if the statistics are those of {name})" if name else ""
    message = "; ".join(one.message.removesuffix(".") for one in said if not one.equal)
    return Finding(said[0].kind, f"{message}{assumed}.", said[0].effect)


def _of_one_level(difference: Array, low: int, high: int) -> Finding | None:
    """Another rounding changes at least 1 % of all values, with the statistics of every preset."""
    share = float((difference != 0).mean())
    if not low and not high:
        return None
    count = int((difference != 0).sum())
    if share < 0.01 or count < 10 or (low and high):
        return None
    where = f"in {100 * share:.0f} % of the values"
    if low:
        return Finding(
            "truncation", f"all darker by one level {where}: bytes are truncated instead of rounded.", 1 / 255
        )
    return Finding("rounded-up", f"all brighter by one level {where}: bytes are rounded up (ceil).", 1 / 255)


def _assumed(channels: int) -> Iterator[tuple[str, Array, Array]]:
    """Statistics that the pixels may have been normalized with: none at all, or a preset's."""
    yield "", np.zeros(channels), np.ones(channels)
    for name, preset in PRESETS.items():
        if preset.channels == channels:
            yield name, np.array(preset.mean), np.array(preset.std)


def _as_evidence(before: Array, after: Array, mean: Array, std: Array) -> Evidence:
    pairs = np.unique(np.concatenate([before, after], axis=1), axis=0)
    pairs = pairs[:: max(1, len(pairs) // 4000)].astype(np.float64) / 255
    x, z = np.split(pairs, 2, axis=1)
    known = Statistics(mean, std)
    return Evidence(x, (x - mean) / std, z, known, 1 / 255, 2.0**-24, np.full(len(mean), 1e-6), noise=0.5 / 255)
