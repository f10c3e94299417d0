"""Strategies of inverses with a known mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st

from ..core.normalization import Normalization
from .drawn_statistics import normalizations
from .named import Array, column


@dataclass(frozen=True)
class DrawnMistake:
    """A wrong inverse.

    Attributes:
        kind: what :func:`~pytest_denorm.diagnose` is to call it.
        normalization: the forward that it should undo.
        inverse: takes normalized images (..., C, H, W).
        name: the code in short.
    """

    kind: str
    normalization: Normalization
    inverse: Callable[[torch.Tensor], torch.Tensor]
    name: str


def mistakes(normalization: st.SearchStrategy[Normalization] | None = None) -> st.SearchStrategy[DrawnMistake]:
    """Wrong inverses together with their kind: each moves some pixel by a level or more.

    None is drawn whose numbers, with these statistics, are those of a mistake of another kind.

    Args:
        normalization: draws the statistics; :func:`normalizations` unless given.
    """
    return _mistakes(normalizations() if normalization is None else normalization)


@st.composite
def _mistakes(draw: st.DrawFn, statistics: st.SearchStrategy[Normalization]) -> DrawnMistake:
    given = draw(statistics)
    typed = list(_typed_mistakes(given))
    maps = {name: (slope, offset) for _, name, slope, offset in typed}
    kinds = {name: kind for kind, name, _, _ in typed}
    level = given.pixel_max / 255
    correct = np.array(given.std), np.array(given.mean)

    def effective(name: str) -> bool:
        others = [maps[other] for other, kind in kinds.items() if kind != kinds[name]]
        return all(_gap(given, maps[name], other) >= level for other in (correct, *others))

    made = [DrawnMistake(kinds[name], given, _affine(*maps[name]), name) for name in maps if effective(name)]
    made += _other_mistakes(given)
    return draw(st.sampled_from(made))


def _gap(given: Normalization, one: tuple[Array, Array], other: tuple[Array, Array]) -> float:
    """How far two maps ``slope * y + offset`` are apart at most, on normalized images."""
    gaps = []
    for x in (0.0, given.pixel_max):
        y = (x - np.array(given.mean)) / np.array(given.std)
        gaps.append(np.abs((one[0] - other[0]) * y + one[1] - other[1]).max())
    return float(max(gaps))


def _typed_mistakes(given: Normalization) -> Iterator[tuple[str, str, Array, Array]]:
    """Kind, code, slope and offset of what is typed in place of ``y * std + mean``."""
    m, s, w = np.array(given.mean), np.array(given.std), given.pixel_max
    ones = np.ones_like(m)
    yield "missing-mean", "y * std", s, 0 * m
    yield "mean-sign", "y * std - mean", s, -m
    yield "mean-not-divided", "(y + mean) * std", s, m * s
    yield "mean-not-divided", "(y - mean) * std", s, -m * s
    yield "divides-by-std", "y / std + mean", 1 / s, m
    yield "swapped-mean-std", "y * mean + std", m, s
    yield "not-inverted", "y", ones, 0 * m
    yield "inverted-twice", "(y * std + mean) * std + mean", s * s, m * s + m
    yield "inverted-intensity", "white - (y * std + mean)", -s, w - m
    yield "scale-255", "(y * std + mean) * 255", s * 255, m * 255
    yield "scale-255", "(y * std + mean) / 255", s / 255, m / 255
    yield "wrong-std", "y + mean", ones, m
    if len(m) > 1:
        yield "channel-order", "mean and std reversed", s[::-1], m[::-1]
        yield "one-channel-for-all", "the first channel's mean and std", ones * s[0], ones * m[0]


def _affine(slope: Array, offset: Array) -> Callable[[torch.Tensor], torch.Tensor]:
    def inverse(normalized: torch.Tensor) -> torch.Tensor:
        a, b = (column(values.tolist(), normalized.dtype) for values in (slope, offset))
        return normalized * a + b

    return inverse


def _other_mistakes(given: Normalization) -> list[DrawnMistake]:
    """Those that are no other numbers."""
    right = _affine(np.array(given.std), np.array(given.mean))

    def truncated(normalized: torch.Tensor) -> torch.Tensor:
        return (right(normalized) * (255 / given.pixel_max)).clamp(0, 255).to(torch.uint8)

    def stretched(normalized: torch.Tensor) -> torch.Tensor:
        low, high = (end((-3, -2, -1), keepdim=True) for end in (normalized.amin, normalized.amax))
        return (normalized - low) / (high - low) * given.pixel_max

    def in_place(normalized: torch.Tensor) -> torch.Tensor:
        return normalized.copy_(right(normalized))

    made = [
        DrawnMistake("truncation", given, truncated, "(y * std + mean).mul(255).to(torch.uint8)"),
    ]
    if any(given.mean) or set(given.std) != {1.0}:  # else the image is its own inverse
        made.append(DrawnMistake("mutates-input", given, in_place, "y.mul_(std).add_(mean)"))
    distinct = np.ptp(given.std) > 0.01 * given.pixel_max or np.ptp(given.mean) > 0.01 * given.pixel_max
    if distinct and min(given.std) > 0:
        made.append(DrawnMistake("min-max", given, stretched, "(y - y.min()) / (y.max() - y.min())"))
    if len(given.mean) > 1:
        made.append(DrawnMistake("channel-order", given, lambda y: right(y).flip(-3), "(y * std + mean).flip(-3)"))
    return made
