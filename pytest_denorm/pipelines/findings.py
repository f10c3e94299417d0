"""What was found in the parts of a pipeline, put together: in turn, side by side, or one of them at random."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import (
    AmbiguousNormalizeError,
    ConditionalNormalizeError,
    DenormError,
    NotInvertibleError,
    StatisticsError,
)
from .composition import composed, undoes
from .located import Located
from .registry import Parts
from .splits import missing

__all__ = ["Finding", "Problem", "combine"]


@dataclass(frozen=True)
class Problem:
    """Why a part of the pipeline has no one Normalize."""

    kind: type[DenormError]
    path: str
    text: str


Finding = Located | Problem


def combine(parts: Parts, branches: Sequence[tuple[Finding, ...]]) -> tuple[Finding, ...]:
    if parts.together == "sequence":
        return _in_turn(parts, [one for branch in branches for one in branch])
    problems = tuple(one for branch in branches for one in branch if isinstance(one, Problem))
    if problems:
        return problems[:1]
    with_one = [branch for branch in branches if branch]
    if parts.together == "views":
        with_one = _without_inverses(with_one)
    if not with_one:
        return ()
    statistics = {tuple(_in_float32(one) for one in branch if isinstance(one, Located)) for branch in with_one}
    everywhere = len(with_one) == len(branches)
    if len(statistics) == 1 and (everywhere or parts.together == "views"):
        left_out = missing(parts, branches) if parts.together == "views" else ()
        left_out += tuple(each for branch in branches for one in branch for each in getattr(one, "missing", ()))
        return tuple(replace(one, missing=left_out) for one in with_one[0] if isinstance(one, Located))
    lines = "".join(f"\n  {label}: {_told(branch)}" for (label, _), branch in zip(parts.parts, branches, strict=True))
    if parts.together == "views":
        text = f"holds several pipelines whose Normalize differ:{lines}\nGive one of them."
        return (Problem(AmbiguousNormalizeError, "", text),)
    text = (
        f"each image takes one of {len(branches)} ways, and they are not normalized alike:{lines}\n"
        f"No one inverse is right for all of them. Move Normalize out of the choice, or give it to each alike."
    )
    return (Problem(ConditionalNormalizeError, "", text),)


def _in_float32(one: Located) -> tuple[float | bytes, ...]:
    """What tells the statistics from others: of two that agree, one may be kept in a tensor."""
    normalization = one.normalization
    return *(array("f", each).tobytes() for each in (normalization.mean, normalization.std)), normalization.pixel_max


def _without_inverses(branches: list[tuple[Finding, ...]]) -> list[tuple[Finding, ...]]:
    """What undoes one of the others, and is kept beside it, is no second Normalize."""
    try:
        does = [composed([one.normalization for one in branch if isinstance(one, Located)]) for branch in branches]
    except StatisticsError:  # of different numbers of channels
        return branches
    return [branch for branch, own in zip(branches, does, strict=True) if not any(undoes(own, other) for other in does)]


def _in_turn(parts: Parts, found: Sequence[Finding]) -> tuple[Finding, ...]:
    """What comes before a Normalize need not be undone to have back what went into it."""
    normalizes = [index for index, one in enumerate(found) if isinstance(one, Located) and not one.rescales]
    last = max(normalizes, default=0)
    relevant = [one for index, one in enumerate(found) if index >= last or not _is_preparation(one)]
    return tuple(
        replace(one, probability=one.probability * parts.probability) if isinstance(one, Located) else one
        for one in relevant
    )


def _is_preparation(one: Finding) -> bool:
    return one.rescales if isinstance(one, Located) else one.kind is NotInvertibleError


def _told(branch: Sequence[Finding]) -> str:
    if not branch:
        return "no Normalize"
    return ", then ".join(f"{one.name} with {one.normalization}" for one in branch if isinstance(one, Located))
