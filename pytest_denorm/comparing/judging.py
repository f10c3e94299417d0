"""What to say of two sides: that they are the same, or in which way the second differs from the first."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..core.alone import alone
from ..core.normalization import format_numbers, unwarned
from ..core.text import channel_name, in_levels
from ..diagnosis.relations import explain_maps
from ..errors import PipelineError, StatisticsError
from .difference import Difference, difference_of, statistics_of
from .measuring import Array, Side, declared_side

__all__ = ["Verdict", "judge"]

#: What the table calls a Normalize that is applied twice, from where the second is an inverse.
_TWICE = "inverted-twice"
#: Two maps are alike, for words, where they are no further apart, as a share of the whole range.
_ALIKE = 2e-4


@dataclass(frozen=True)
class Verdict:
    """What was found of two sides.

    Attributes:
        kind: ``same``, or in which way they differ.
        message: that in words, with the numbers.
        notes: what to tell beside it, and fails nothing.
        difference: in numbers; None where they could not be compared.
        details: the same as plain data.
    """

    kind: str
    message: str
    notes: tuple[str, ...] = ()
    difference: Difference | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether both are the same."""
        return self.kind == "same"


def judge(first: Side, second: Side, strict: bool = False) -> Verdict:
    """Say whether two sides do the same to colors, and in which way the second differs where they do not.

    Args:
        strict: a difference in dtype or layout fails, too.

    Raises:
        PipelineError: their numbers of channels differ.
    """
    if first.is_model != second.is_model:
        return _judge_with_model(*((second, first) if first.is_model else (first, second)))
    if (first.channels_in, first.channels_out) != (second.channels_in, second.channels_out):
        raise PipelineError(
            f"{first.name} makes {_channels(first)}, {second.name} {_channels(second)}: expected the same numbers."
        )
    for one, other in ((first, second), (second, first)):
        if found := _without_a_map(one, other):
            return found
    difference = difference_of(first, second)
    notes = (*first.notes, *second.notes)
    told = _told(first, second)
    if difference.is_same:
        if strict and told:
            kind, said = told[0]
            return Verdict(kind, said, (*notes, *(one for _, one in told[1:])), difference)
        within = f"within {difference.levels / 255:.1g} of white" if difference.levels else "to the last bit"
        message = f"{first.name} and {second.name} see the same colors, {within}"
        return Verdict("same", message, (*notes, *(one for _, one in told)), difference)
    kind, said = _explained(first, second, difference)
    return Verdict(kind, said, (*notes, *(one for _, one in told)), difference)


def _channels(side: Side) -> str:
    return f"{side.channels_out} of {side.channels_in} channel{'s' if side.channels_in > 1 else ''}"


def _without_a_map(one: Side, other: Side) -> Verdict | None:
    """Chance, or the other pixels of an image, decide what becomes of a color."""
    if one.map.random:
        return Verdict(
            "random",
            f"{one.name} gives {one.map.outcomes} different results for one image, and where its Normalize begins "
            f"cannot be seen. Give it without its random steps",
        )
    if one.map.per_image and not other.map.per_image:
        return Verdict(
            "depends-on-values",
            f"{one.name} normalizes each image by its own statistics, {other.name} by fixed ones",
        )
    return None


def _told(first: Side, second: Side) -> list[tuple[str, str]]:
    """Differences in dtype and layout."""
    pairs = [("dtype", first.dtype, second.dtype), ("layout", first.layout, second.layout)]
    return [
        (kind, f"{first.name} gives {one}, {second.name} {other}")
        for kind, one, other in pairs
        if one and other and one != other
    ]


def _explained(first: Side, second: Side, difference: Difference) -> tuple[str, str]:
    """Kind and words of a difference: the cause first, then the numbers."""
    kind, said = _cause(first, second)
    count = first.channels_out
    color = {0: "black", 255 * len(difference.color): "white"}.get(sum(difference.color), str(difference.color))
    where = f"{channel_name(difference.channel, count)} of {color}" if count > 1 else color
    numbers = (
        f"They are up to {in_levels(difference.levels, 3)} of 255 apart: {where} becomes {difference.first:.4g} in "
        f"{first.name} and {difference.second:.4g} in {second.name}"
    )
    return kind, f"{said}. {numbers}"


def _cause(first: Side, second: Side) -> tuple[str, str]:
    for found in (_no_normalize(first, second), _bent(first, second)):
        if found is not None:
            return found
    causes = _causes_of_maps(first, second)
    if not causes:
        return _unexplained(first, second)
    return causes[0][0], "; and ".join(said for _, said in causes)


def _unexplained(first: Side, second: Side) -> tuple[str, str]:
    """Words where the affine maps are alike, or are none."""
    if first.map.clipped and second.map.clipped:
        return "clamped", f"{first.name} and {second.name} clamp values at different ends"
    if first.map.order is None or second.map.order is None:
        return "mixed-channels", f"{first.name} and {second.name} mix channels differently"
    if first.map.nonlinear or second.map.nonlinear:
        return "not-affine", f"{first.name} and {second.name} bend colors differently"
    words = (f"{side.name} {_in_words(side, 9)}" for side in (second, first))
    return "rounded-constants", f"the last digits differ: {', '.join(words)}"


def _no_normalize(first: Side, second: Side) -> tuple[str, str] | None:
    """One of them hands images on as they are."""
    ranges = [_raw_range(side) for side in (first, second)]
    if ranges[0] and ranges[1]:
        return "scale-255", f"{first.name} gives {ranges[0]}, {second.name} {ranges[1]}"
    for found, one, other in ((ranges[1], second, first), (ranges[0], first, second)):
        if found:
            return "not-normalized", f"{one.name} does not normalize, it gives {found}; {other.name} {_in_words(other)}"
    return None


def _raw_range(side: Side) -> str:
    """``0..1``, ``0..255`` or the like, of a side that does not normalize; else empty."""
    matrix, offset = side.map.matrix, side.map.offset
    white = float(np.abs(matrix).sum(axis=1).max())
    if side.map.order is None or not white or np.abs(offset).max() > _ALIKE * white:
        return ""
    if np.abs(matrix.sum(axis=1) - white).max() > _ALIKE * white:
        return ""
    near = [one for one in (1 / 255, 1.0, 255.0) if abs(white / one - 1) < 5e-3]
    return f"0..{'1/255' if near[0] < 0.1 else f'{near[0]:g}'}" if near else ""


def _bent(first: Side, second: Side) -> tuple[str, str] | None:
    """One of them is clipped, gated or bent, where the other is not."""
    for one, other in ((second, first), (first, second)):
        if one.map.clipped and not other.map.clipped:
            return "clamped", f"{one.name} clamps values at an end of the range, {other.name} does not"
        if one.map.gated and not other.map.gated:
            return "depends-on-values", f"{one.name} treats dark images (no level above 2) otherwise than others"
        if one.map.nonlinear and not other.map.nonlinear:
            return "not-affine", f"{one.name} bends colors, as a gamma or a curve does; {other.name} does not"
        if one.map.order is None and other.map.order is not None:
            mixes = "makes images grey" if _is_grey(one) else "mixes channels"
            return "mixed-channels", f"{one.name} {mixes}, {other.name} does not"
    return None


def _is_grey(side: Side) -> bool:
    rows = side.map.matrix / side.map.matrix.sum(axis=1, keepdims=True)
    return bool(np.abs(rows - rows[0]).max() < 0.01)


def _causes_of_maps(first: Side, second: Side) -> list[tuple[str, str]]:
    """Each in which way two affine maps differ: the order of channels, and the numbers."""
    causes = []
    one, other = (_plain(side) for side in (first, second))
    if first.map.order is None or second.map.order is None:
        return []
    if first.map.order != second.map.order:
        causes.append(("channel-order", _order_in_words(first, second)))
        one, other = _straight(one), _straight(other)
        if _same_before(first, second):
            other = one
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numbers that no Normalize has
        found = explain_maps(one.map, other.map)
    if found is not None:
        kind = "normalized-twice" if found.kind == _TWICE else found.kind
        causes.append((kind, _named(found.message, first, second)))
    return causes


def _same_before(first: Side, second: Side) -> bool:
    """Whether the same Normalize is followed by another order of channels."""
    given = [np.stack([side.map.matrix.sum(axis=1), side.map.offset]) for side in (first, second)]
    by_input = [rows[:, np.argsort(side.map.order or ())] for rows, side in zip(given, (first, second), strict=True)]
    return _alike(*by_input) and not _alike(*given)


def _alike(one: Array, other: Array) -> bool:
    return bool(np.allclose(one, other, rtol=_ALIKE, atol=_ALIKE))


def _plain(side: Side) -> Side:
    """Just its affine map."""
    found = replace(side.map, random=0.0, nonlinear=False, rounded=False, clipped=False, gated=False, per_image=False)
    return replace(side, map=found)


def _straight(side: Side) -> Side:
    return replace(side, map=side.map.straightened)


def _order_in_words(first: Side, second: Side) -> str:
    one, other = first.map.order or (), second.map.order or ()
    relative = tuple(one.index(channel) for channel in other)
    if relative == tuple(range(len(relative)))[::-1]:
        turned = f"{second.name} has the channels reversed (BGR for RGB)"
    else:
        names = ", ".join(channel_name(channel, len(relative)) for channel in relative)
        turned = f"{second.name} has the channels in the order {names}"
    where = "after its Normalize" if _same_before(first, second) else ""
    return f"{turned} {where}".rstrip()


def _named(message: str, first: Side, second: Side) -> str:
    """With the names of both in place of "the first" and "the second"."""
    return message.removesuffix(".").replace("the second", second.name).replace("the first", first.name)


def _in_words(side: Side, digits: int = 4) -> str:
    """``normalizes with mean (...) and std (...)``"""
    found = statistics_of(side)
    if found is None:
        return "gives a channel that no input changes"
    mean, std = found
    return f"normalizes with mean {format_numbers(mean, digits)} and std {format_numbers(std, digits)}"


def _judge_with_model(side: Side, model: Side) -> Verdict:
    """What prepares images for a network that normalizes them itself has to give them as they are."""
    statistics = statistics_of(model)
    white = 1.0
    if statistics is not None and max(np.abs(statistics[0]).max(), np.abs(statistics[1]).max()) * 255 < 4:
        white = 255.0  # of a Normalize of bytes, on the unit scale
    if model.channels_out not in (1, side.channels_out):
        raise PipelineError(f"{side.name} makes {_channels(side)}, {model.name} takes {model.channels_in}.")
    try:
        as_is = unwarned((0.0,) * side.channels_out, (1.0 / white,) * side.channels_out)
    except StatisticsError as error:
        raise PipelineError(str(error)) from error
    expected = declared_side(f"an image in 0..{white:g}", "", as_is)
    if side.channels_in == side.channels_out:
        difference = difference_of(expected, side)
        if difference.is_same:
            message = f"{side.name} gives images in 0..{white:g}, and {model.name} normalizes them once"
            return Verdict("same", message, side.notes, difference)
        if not _raw_range(side):
            said = (
                f"{side.name} normalizes, and {model.name} normalizes what it gets ({model.what}): images are "
                f"normalized twice. Normalize in one place; or, where {model.name} gets images that {side.name} does "
                f"not prepare, compare the Normalize in it by itself"
            )
            return Verdict("normalized-twice", said, side.notes, difference)
        kind, said = _explained(expected, side, difference)
        if raw := _raw_range(side):
            kind, said = "scale-255", f"{side.name} gives {raw}"
            if side.map.order != tuple(range(side.channels_out)):
                kind, said = "channel-order", f"{side.name} gives the channels in another order, {side.map.order}"
        return Verdict(kind, f"{said}, and {model.name} normalizes images in 0..{white:g}", side.notes, difference)
    raise PipelineError(f"{side.name} makes {_channels(side)}: what {model.name} makes of them cannot be told.")
