"""Which Normalize an inverse belongs to, and what follows where the two do not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from ..core.normalization import PRESETS
from . import reasons
from .abstract import NotJudged
from .inverses import Inverse
from .project import Project
from .records import Record
from .train_eval import judge_splits
from .trials import MARKS, images_for, read, try_function
from .wording import Draft, levels

__all__ = ["judge_inverses", "judge_statistics"]

#: Levels from which on a slip is worth an error.
_SEEN = 1.0
#: An inverse fits its Normalize where no pixel moves by more levels.
_FITS = 0.5
#: By how many levels whole numbers may blur what is read off them.
_BLURRED = 4.0
#: Numbers of another file that are so far apart belong to something else.
_UNRELATED = 100.0
_PRESETS = [(one.mean, one.std) for one in PRESETS.values()]
_STRICT_NAME = re.compile(r"de_?norm|un_?norm|inv\w*norm|norm\w*_inv|reverse_?norm|undo_?norm", re.IGNORECASE)


def judge_statistics(project: Project) -> Iterator[Draft]:
    """Findings about each Normalize, and about those of several splits."""
    live = [one for one in project.records if not one.dead and not one.inverse and not one.weak]
    used = {(one.place.path, one.unit) for one in live if one.form != "constants"}
    for record in live:
        if record.form == "constants" and (record.place.path, record.unit) in used:
            continue  # told where they normalize
        found = reasons.explain_record(record)
        if found is not None and found[2] >= 0.5:
            kind, message, effect = found
            level = "error" if record.form != "constants" and kind in _PROVED and effect >= _SEEN else "warning"
            yield Draft("DN201", level, record.place, f"{message.rstrip('.')}; {levels(effect)} off")
    yield from judge_splits(live, project.made)
    for (event, place), color in project.colors.items():
        record = project.records[event]
        order = reasons.order_of(record.unit[0])
        if record.dead or record.inverse or not order or order == color:
            continue
        given = "BGR image of cv2.imread" if color == "bgr" else "RGB image"
        yield Draft(
            "DN301", "error", place,
            f"{given} is normalized with {order.upper()} statistics; convert it with cv2.cvtColor(image, "
            f"cv2.COLOR_BGR2RGB) first" if color == "bgr" else
            f"{given} is normalized with {order.upper()} statistics; reverse mean and std", record.place,
        )  # fmt: skip


_PROVED = {"wrong-mean", "wrong-std", "swapped-mean-std", "channel-order", "scale-255", "mean-sign", "divides-by-std"}


def judge_inverses(project: Project, inverses: Sequence[Inverse]) -> Iterator[Draft]:
    """Findings about each inverse."""
    forward = [one for one in project.records if not one.dead and not one.inverse]
    for inverse in inverses:
        yield from _judge(project, inverse, forward)


def _judge(project: Project, inverse: Inverse, forward: Sequence[Record]) -> Iterator[Draft]:
    record, called = inverse.record, _called(project, inverse)
    if inverse.kind == "not-judged":
        yield Draft("DN113", "note", record.place, f"{record.label} was not judged: {inverse.reason}")
        return
    strict = bool(_STRICT_NAME.search(f"{record.name} {record.scope}"))
    if inverse.assume is not None and inverse.kind:
        yield Draft("DN113", "note", record.place, f"{record.label} was not judged: a condition in it is not known")
        return
    if inverse.kind == "no-op" and strict:
        message = f"{record.label} returns the values that it is given: it undoes nothing{called}"
        yield Draft("DN101", "error", record.place, message)
        return
    moving = inverse.assume is None and _moves(project, inverse)
    if inverse.kind == "none" or moving:
        if strict and (moving or _depends_on_image(inverse)):
            yield Draft("DN101", "error", record.place, f"{record.label} stretches each image to its own range: it "
                        f"undoes no Normalize{called}")  # fmt: skip
        elif any(one.walked for one in inverse.trials):
            yield from _walks(inverse, called)
        return
    yield from _walks(inverse, called)
    yield from _handling(project, inverse, forward)
    if inverse.kind in ("no-op", "scale"):
        return
    if inverse.marked:
        yield from _formula(project, inverse, called)
        return
    yield from _paired(project, inverse, forward, called)


def _moves(project: Project, inverse: Inverse) -> bool:
    """Whether another image is mapped otherwise."""
    best = inverse.best
    if inverse.function is None or best is None or best.slope is None or best.offset is None:
        return False
    images = images_for((0.5,), (inverse.spread,), seed=5, scale=0.4)
    try:
        result = try_function(
            project, inverse.function, best.layout, images, inverse.numbers, inverse.owner, inverse.assume
        )
    except NotJudged:
        return False
    other = read(best.layout, images, result)
    if other is None:
        return False
    if other.slope is None or other.offset is None:
        return True
    scale = max(float(np.abs(best.slope).max()), 1e-6)
    return bool(
        np.abs(other.slope - best.slope).max() > 0.03 * scale or np.abs(other.offset - best.offset).max() > 0.03 * scale
    )


def _depends_on_image(inverse: Inverse) -> bool:
    """Whether each image of a batch has a map of its own, or one image spans just 0..1."""
    return any(
        trial.slope is None and abs(float(trial.z.min())) < 1e-6 and float(trial.z.max()) in (1.0, 255.0)
        for trial in inverse.trials
    )


def _walks(inverse: Inverse, called: str) -> Iterator[Draft]:
    walked = [one for one in inverse.trials if one.walked]
    right = [one for one in inverse.trials if one.slope is not None and one.layout.images == 0]
    if not walked or not (right or inverse.kind == "none"):
        return
    message = (
        f"{inverse.record.label} is given a batch, and its zip walks the images instead of the channels; loop over the "
        f"batch, or use mean[:, None, None]"
    )
    for place in inverse.batches[:3]:
        yield Draft("DN104", "error", place, message, inverse.record.place)


def _handling(project: Project, inverse: Inverse, forward: Sequence[Record]) -> Iterator[Draft]:
    best, record = inverse.best, inverse.record
    if best is None or best.slope is None or best.offset is None:
        return
    if best.integer:
        own = record.unit
        near = {one.unit for one in forward if reasons.distance(one.unit, own) <= _BLURRED}
        guesses = [*near, *(one for one in _PRESETS if reasons.distance(one, own) <= _BLURRED)]
        verdicts = [_explained(project, inverse, *one) for one in guesses]
        if any(one is not None and one[0] == "truncation" for one in verdicts):
            message = f"{record.label} cuts bytes off: round before the cast, or half the pixels are a level too dark"
            yield Draft("DN111", "note", record.place, message)
    if any(one.changed for one in inverse.trials):
        yield Draft("DN112", "note", record.place, f"{record.label} changes its input in place: clone it first")


def _formula(project: Project, inverse: Inverse, called: str) -> Iterator[Draft]:
    """Of an inverse whose numbers come from its callers: whether it makes the right thing of them."""
    verdict = _explained(project, inverse, MARKS[0], (inverse.spread,) if inverse.spread < 0.01 else MARKS[1])
    if verdict is None or verdict[0] in _FINE or not inverse.named:
        return
    kind, message, effect = verdict
    level = (
        "error"
        if kind != "unknown" and inverse.assume is None and bool(_STRICT_NAME.search(inverse.record.name))
        else "warning"
    )
    yield Draft("DN103", level, inverse.record.place, f"{inverse.record.label}(..., mean, std) does not undo "
                f"Normalize(mean, std): {message.rstrip('.')}; {levels(effect)} off{called}")  # fmt: skip


_FINE = {"exact", "truncation", "rounded-constants", "rounded-up", "eps", "mutates-input", "clamped", "wraps"}


def _explained(
    project: Project, inverse: Inverse, mean: Sequence[float], std: Sequence[float]
) -> tuple[str, str, float] | None:
    """The verdict of the rules on an inverse of a Normalize with these numbers, on images in 0..1."""
    best = inverse.best
    if inverse.function is not None and best is not None:
        images = images_for(mean, std)
        try:
            result = try_function(
                project, inverse.function, best.layout, images, inverse.numbers, inverse.owner, inverse.assume
            )
        except NotJudged:
            return None
        trial = read(best.layout, images, result)
        if trial is None or trial.y.shape[1] != trial.z.shape[1]:
            return None
        z = trial.z
        if sorted(trial.order) == list(range(z.shape[1])):
            z = z[:, np.argsort(trial.order)]  # BGR is given back for RGB to who wants that
        if trial.integer and z.dtype.kind == "f":
            z = np.clip(z, 0, 255).astype(np.uint8)
        count = trial.y.shape[1]
        first, second = (np.broadcast_to(np.asarray(one), (max(np.size(one), count),))[:count] for one in (mean, std))
        return reasons.explain_inverse(trial.y, z, first, second, inverse.record.white)
    own = inverse.record
    return reasons.explain_numbers(mean, std, own.mean, own.std)


def _paired(project: Project, inverse: Inverse, forward: Sequence[Record], called: str) -> Iterator[Draft]:
    own = inverse.record
    if any(_fits(project, inverse, one) for one in forward):
        return
    level, near = _nearest(inverse, forward)
    if not near:
        return
    effects = sorted((reasons.distance(one.unit, own.unit), at) for at, one in enumerate(near))
    best = near[effects[0][1]]
    back = (own.unit[0][::-1], own.unit[1][::-1])
    flipped = tuple(inverse.order) != (0, 1, 2) or own.form != "function"
    if len(own.mean) == 3 and flipped and any(reasons.distance(one.unit, back) <= _FITS for one in forward):
        return  # of images whose channels were reversed
    verdict = _explained(project, inverse, *best.unit)
    if verdict is None:
        return
    kind, message, effect = verdict
    rounded = effect < 3 and kind in ("rounded-constants", "exact", "wrong-mean", "wrong-std", *_FINE)
    if kind in ("rounded-constants",) or (rounded and kind not in ("wrong-std", "wrong-mean")):
        yield Draft(
            "DN203",
            "note",
            own.place,
            f"{own.label or 'this inverse'} has rounded numbers: {_plain(message)}",
            best.place,
        )
        return
    if kind in _FINE:
        return
    distinct = {one.unit for one in near}
    sure = level in ("class", "module") and len(distinct) == 1 and kind not in ("unknown", "other-preset")
    sure = sure and inverse.assume is None and (inverse.named or not own.weak) and not best.weak
    if level == "project" and ((len(distinct) > 2 and not inverse.named) or effect > _UNRELATED):
        return
    name = best.label
    subject = f"`{name}`" if name else "Normalize"
    yield Draft(
        "DN102", "error" if sure else "warning", own.place,
        f"inverse of {subject} ({best.place.path}:{best.place.line}): {_plain(message)}; {levels(effect)} off{called}",
        best.place,
    )  # fmt: skip


def _fits(project: Project, inverse: Inverse, record: Record) -> bool:
    """Whether an inverse undoes a Normalize; bytes that it rounds or cuts off blur its numbers by a level or so."""
    effect = reasons.distance(record.unit, inverse.record.unit)
    if effect <= _FITS:
        return True
    if effect > _BLURRED or inverse.best is None or not inverse.best.integer:
        return False
    verdict = _explained(project, inverse, *record.unit)
    return verdict is not None and verdict[0] in _FINE - {"rounded-constants"}


def _nearest(inverse: Inverse, forward: Sequence[Record]) -> tuple[str, list[Record]]:
    """The records of its class, else of its module, else of the project; of those with as many channels."""
    own = inverse.record
    count = len(own.mean)
    usable = [one for one in forward if len(one.mean) in (1, count) or count == 1]
    if not inverse.record.weak:
        usable = [one for one in usable if not one.weak]
    made = [one for one in usable if one.form != "constants"]  # else just numbers under a name
    usable = made or usable
    module = [one for one in usable if one.place.path == own.place.path]
    top = own.scope.partition(".")[0]
    same = [one for one in module if top and one.scope.partition(".")[0] == top]
    for level, found in (("class", same), ("module", module), ("project", usable)):
        if found:
            return level, found
    return "", []


def _called(project: Project, inverse: Inverse) -> str:
    function = inverse.function
    if function is None or project.is_used(
        function.name if function.name not in ("__call__", "forward") else inverse.record.name
    ):
        return ""
    return " (nothing in the scanned files calls it)"


def _plain(message: str) -> str:
    return message.rstrip(".")
