"""Pipelines for the splits of a data set, side by side: each of them is run, and does what the first does."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..core.alone import alone
from ..core.colormap import ColorMap
from ..diagnosis.relations import explain_maps
from ..errors import DenormError, PipelineError, PipelineRaisedError
from ..pipelines.channel_counts import of_located
from ..pipelines.located import Located
from ..pipelines.probe import FEW_DRAWS, measure
from ..pipelines.resolve import callable_in, callables_in
from ..pipelines.runner import Runner
from ..pipelines.splits import groups_of_splits
from ..pipelines.structure import is_dataset
from ..pipelines.walk import declared
from .outcome import CheckFailure

__all__ = ["Member", "members_of", "refuse_other_map"]


@dataclass(frozen=True)
class Member:
    """What is for one split.

    Attributes:
        path: where it is.
        part: the pipeline itself, or the data set.
        located: its Normalize; None where it declares none.
    """

    path: str
    part: Any
    located: Located | None


def members_of(pipeline: Any, located: Located) -> Iterator[tuple[Member, Member]]:
    """Yield each pipeline for a split with that which is told to be right beside it, itself for one.

    Of what declares nothing there are only those for which it was measured what one of them does, or whose split has
    no other Normalize.
    """
    groups = [
        [(one.split, Member(one.path, one.part, _declared(one.part))) for one in g] for g in groups_of_splits(pipeline)
    ]
    normalized = {split for group in groups for split, one in group if one.located is not None}
    for group in groups:
        members = [one for split, one in group if one.located is not None or split not in normalized]
        known = next((one for one in members if one.located is not None), None)
        if known is None:
            known = next((replace(one, located=located) for one in members if _holds(one.part, located.op)), None)
        if known is not None:
            yield from ((one, known) for one in members)


def _holds(part: Any, op: Any) -> bool:
    return any(one is op for one in callables_in(part))


def _declared(part: Any) -> Located | None:
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return declared(part)
        except DenormError:  # other checks tell it
            return None


def refuse_other_map(member: Member, beside: Member) -> None:
    """Hold what a member that declares nothing does to colors against what is known of the one beside it.

    Raises:
        CheckFailure: it raises on images, is no Normalize, or another one.
    """
    assert beside.located is not None
    known = beside.located.normalization
    try:
        found = measure(Runner(callable_in(member.part), counts=of_located(known.channels), others=True), FEW_DRAWS)
    except PipelineError as error:
        if isinstance(error, PipelineRaisedError) or not is_dataset(member.part):
            raise CheckFailure(f"{error}") from error
        return  # its own code may do all
    if is_dataset(member.part) and found.unchanged:  # as above
        return
    has = f"and {beside.path} normalizes with {known}. Normalize all splits alike."
    if problem := _problem(found):
        raise CheckFailure(f"{problem}, {has}")
    finding = None if found.random else explain_maps(known, found)
    if finding is not None:
        raise CheckFailure(f"{finding.message.replace('the second', 'it').rstrip('.')}, {has}")


def _problem(found: ColorMap) -> str:
    """Why what it does is no Normalize; "" where it is one, or chance has a part in it."""
    return "" if found.random or found.augments else "; ".join(found.problems)
