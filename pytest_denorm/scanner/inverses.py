"""The inverses of a project: found by what they compute, and tried on arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .abstract import Function
from .expressions import TOO_LONG
from .project import Project
from .records import Place, Record, is_inverse_name
from .trials import (
    Trial,
    image_parameter,
    images_for,
    instance_for,
    marked,
    statistics_parameters,
    trials_of,
)

__all__ = ["Inverse", "find_inverses"]

#: What a body holds that may undo a Normalize; the rest is not tried.
_MAY_UNDO = re.compile(r"mean|(?<!li)std|0?\.5\b|0?\.[1-9]\d\d|127\.5|/ ?2|\* ?255|norm", re.IGNORECASE)
#: What undoes it: an addition, a division by 1/std, a call of another inverse.
_UNDOES = re.compile(r"\+|\.add|Normalize|de_?norm|un_?norm|1\.?0? ?/ ?(0?\.[12]|\w*std)")
_LONGEST = 70
#: As many calls of one function, each with numbers of its own, are tried.
_CALLS = 4
#: Of images within -0.7..0.7, which hardly any map takes out of range; of bytes from which just a mean was subtracted.
_UNIT, _BYTES = 0.5 / 0.7, 1 / 255
#: Numbers of tries for the forms in which statistics may be given: a list, and tensors.
_FORMS = 3


@dataclass
class Inverse:
    """One inverse.

    Attributes:
        record: its numbers, and where it stands.
        function: of the project; None where it is an expression or a transform.
        trials: that could be judged.
        reason: why it could not be judged, else "".
        named: its name says what it is.
        marked: its statistics are given by callers; MARKS stood for them.
        batches: from where it is called with a batch.
        order: the channel of the input that each channel of the result comes from.
        assume: what was taken for conditions that are not known; None where there were none.
        spread: the std that the images were normalized with, on which it was tried.
        kind: ``not-judged``, ``none`` (no map), ``no-op``, ``scale``, or "" for a map.
    """

    record: Record
    function: Function | None = None
    owner: Any = None
    numbers: dict[str, Any] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    reason: str = ""
    named: bool = False
    marked: bool = False
    batches: list[Place] = field(default_factory=list)
    order: tuple[int, ...] = ()
    assume: bool | None = None
    kind: str = ""
    spread: float = _UNIT

    @property
    def best(self) -> Trial | None:
        return next((one for one in self.trials if one.slope is not None), None)


def find_inverses(project: Project) -> list[Inverse]:
    """Every inverse of a project that was evaluated."""
    found: list[Inverse] = []
    covered: set[tuple[str, int]] = set()
    for function in list(project.functions.values()):
        if function.name == "<lambda>" or not _is_candidate(project, function):
            continue
        made = list(_tried(project, function))
        judged = [one for one in made if one.kind != "not-judged"]
        made = judged or made[:1]
        for inverse in made:
            found.append(inverse)
            end = function.node.end_lineno or function.node.lineno
            covered |= {(inverse.record.module.path, line) for line in range(function.node.lineno, end + 1)}
    for record in project.records:  # constants of an inverse are none of a Normalize
        within = (record.place.path, record.place.line) in covered or is_inverse_name(record.scope)
        if record.form == "constants" and within:
            record.dead = True
    for record in project.records:
        if record.dead or not record.inverse or (record.place.path, record.place.line) in covered:
            continue
        named = any(is_inverse_name(one) for one in record.names) or is_inverse_name(record.scope)
        if record.weak and not (
            named
            or record.before
            or record.image
            or record.white == 255
            or "shown" in record.names
            or record.steps & {"uint8", "clip"}
        ):
            continue
        if not record.mean:
            found.append(
                Inverse(record, reason="its mean and std are not in the source", named=named, kind="not-judged")
            )
            continue
        found.append(Inverse(record, named=named, order=tuple(range(len(record.mean)))))
    return found


def _is_candidate(project: Project, function: Function) -> bool:
    node = function.node
    if image_parameter(function) is None or node.lineno is None:
        return False
    if _named(function):
        return True
    end = node.end_lineno or node.lineno
    if end - node.lineno > _LONGEST or function.name.startswith("__init"):
        return False
    text = "\n".join(function.env.module.lines[node.lineno - 1 : end])
    return bool(_MAY_UNDO.search(text)) and bool(_UNDOES.search(text))


def _named(function: Function) -> bool:
    if is_inverse_name(function.name):
        return True
    return (
        function.owner is not None and is_inverse_name(function.owner.name) and function.name in ("__call__", "forward")
    )


def _tried(project: Project, function: Function) -> Iterator[Inverse]:
    """The inverses that a function is: one for each set of numbers that it is given in the project."""
    named = _named(function)
    given = _given(project, function)
    seen: set[Any] = set()
    for owner, numbers, is_marked, place, scope in given:
        inverse = _try(project, function, owner, numbers, is_marked, named)
        if inverse is None:
            continue
        if place is not None:
            inverse.record.place, inverse.record.scope = place, scope
            inverse.record.module = next(
                (one for one in project.modules if one.path == place.path), inverse.record.module
            )
        key = (inverse.record.place, inverse.record.mean, inverse.record.std, inverse.reason)
        if key not in seen:
            seen.add(key)
            yield inverse


def _given(project: Project, function: Function) -> Iterator[tuple[Any, dict[str, Any], bool, Place | None, str]]:
    """Owner, numbers, whether they are marks, and the place of the call, for each way to try a function."""
    owners: list[tuple[Any, bool, Place | None, str]] = [(None, False, None, "")]
    if function.owner is not None and function.kind != "staticmethod":
        cls = function.owner
        own = [one for one in project.instances if one[0].cls is cls]
        owners = []
        owners += [(instance, False, place, env.scope) for instance, place, env in own[:4]]  # the first say enough
        init = cls.find("__init__")
        if isinstance(init, Function) and statistics_parameters(init):
            owners += [(instance_for(project, cls, form), True, None, "") for form in range(2)]
        else:
            owners.append((project.self_of(cls) if function.kind != "classmethod" else cls, False, None, ""))
    wanted = statistics_parameters(function)
    takes = set(statistics_parameters(function, with_defaults=True))
    helpers = [
        ({key: numbers[key] for key in takes & numbers.keys()}, at, env.scope)
        for numbers, _, at, env in project.helpers.get(id(function.node), [])
        if set(wanted) <= numbers.keys() and takes & numbers.keys()
    ]
    for owner, is_marked, place, scope in owners:
        yield owner, {}, is_marked or bool(wanted), place, scope
        for numbers, at, within in helpers[:_CALLS]:
            yield owner, numbers, is_marked, at, within


def _try(
    project: Project, function: Function, owner: Any, numbers: dict[str, Any], is_marked: bool, named: bool
) -> Inverse | None:
    found = _try_on(_UNIT, project, function, owner, numbers, is_marked, named)
    best = None if found is None else found.best
    empty = best is not None and best.slope is not None and bool(np.all(np.abs(best.slope) < 1e-6))
    if named if best is None else best.integer or empty:
        of_bytes = _try_on(_BYTES, project, function, owner, numbers, is_marked, named)
        best = None if of_bytes is None else of_bytes.best
        if best is not None and best.slope is not None and np.allclose(best.slope, 1, atol=0.02):
            return of_bytes
    return found


def _try_on(
    std: float, project: Project, function: Function, owner: Any, numbers: dict[str, Any], is_marked: bool, named: bool
) -> Inverse | None:
    images = images_for((0.5,), (std,))
    trials: list[Trial] = []
    reasons: list[str] = []
    missing = [one for one in statistics_parameters(function) if one not in numbers]
    used: dict[str, Any] = numbers
    assume: bool | None = None
    for assume in (None, False, True):
        if TOO_LONG in reasons or (assume is not None and not any(one.startswith("a condition") for one in reasons)):
            break
        for form in range(_FORMS if missing else 1):
            used = marked(function, form, numbers, 255.0 if std == _BYTES else 1.0)
            for _, trial, reason in trials_of(project, function, used, owner, images, assume):
                if trial is not None:
                    trials.append(trial)
                elif reason not in reasons:
                    reasons.append(reason)
            if any(one.slope is not None for one in trials):
                break
        if any(one.slope is not None for one in trials):
            break
    cls = function.owner
    scope = f"{function.env.scope}.{function.name}".lstrip(".")
    line = getattr(function.node, "lineno", 1)
    record = Record(
        True, Place(function.env.module.path, line, function.node.col_offset + 1), (), (), 1.0, "function", scope,
        function.name if cls is None or function.name not in ("__call__", "forward") else cls.name,
        module=function.env.module,
    )  # fmt: skip
    inverse = Inverse(record, function, owner, used, trials, named=named, marked=is_marked, assume=assume, spread=std)
    inverse.batches = [at for _, batch, at, _ in project.helpers.get(id(function.node), []) if batch]
    best = inverse.best
    if best is None:
        if not named:
            return None
        inverse.reason = "" if trials else (reasons[0] if reasons else "it takes no image")
        inverse.kind = "none" if trials else "not-judged"
        return inverse if trials or reasons else None
    assert best.slope is not None
    assert best.offset is not None
    white = 255.0 if best.offset.max() > 1.5 or best.slope.max() > 2.5 else 1.0
    own_mean, own_std = best.offset / white, best.slope / white
    if np.allclose(own_std, 1, atol=5e-3) and np.allclose(own_mean, 0, atol=5e-3):
        inverse.kind = "no-op" if white == 1.0 else "scale"
    elif not _undoes(own_mean, own_std) and not named:
        return None
    weak = len(set(np.round(own_mean, 4))) == 1 and len(set(np.round(own_std, 4))) == 1
    if inverse.kind == "no-op" and not named:
        return None
    if not named and weak and not _is_half(own_mean, own_std):
        return None
    record.mean, record.std = (tuple(float(f"{x:.5g}") for x in one) for one in (own_mean, own_std))
    record.white, record.weak = white, weak
    inverse.order = best.order
    return inverse


def _undoes(mean: Any, std: Any) -> bool:
    return bool(np.all(mean > 0.02) and np.all(mean <= 1.0) and np.all(std > 0.04) and np.all(std <= 1.01)) and not (
        np.allclose(std, 1, atol=1e-3)
    )


def _is_half(mean: Any, std: Any) -> bool:
    return bool(np.allclose(mean, 0.5, atol=0.005) and np.allclose(std, 0.5, atol=0.005))
