"""Training and evaluation: which of both a Normalize belongs to, and whether both normalize alike."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from . import reasons
from .records import Made, Record
from .wording import Draft, levels, numbers

__all__ = ["judge_splits", "sides_of", "split_of"]

_EVALUATION = re.compile(
    r"(?<![a-z])(val|test|eval|valid|validation|evaluate|inference|infer|predict|prediction)(?![a-z])"
    r"|(val|test|eval)(set|loader|data)"
)
#: What is prepared beside the image.
_OTHER = re.compile(r"target|mask|label|gt|joint|co_transform", re.IGNORECASE)
#: Training and evaluation normalize alike where no pixel moves by more levels.
_ALIKE = 0.5


def split_of(names: Iterable[str]) -> str:
    """``train`` or ``eval`` of the first name that says one; else ""."""
    for name in names:
        low = name.lower()
        if "train" in low:
            return "train"
        if _EVALUATION.search(low):
            return "eval"
    return ""


def sides_of(test: ast.expr) -> tuple[str, str]:
    """The splits that the two branches of a condition are for: ``if split == "train"``, ``if not is_train``."""
    said = split_of([ast.unparse(test)])
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    negated ^= isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.NotEq, ast.NotIn))
    if said == "train":
        return ("eval", "train") if negated else ("train", "eval")
    return ("", "eval") if said and negated else (said, "")


def judge_splits(records: Sequence[Record], made: Sequence[Made]) -> Iterator[Draft]:
    """Findings where training and evaluation of one file, class, function or config normalize otherwise."""
    groups: dict[tuple[str, str], dict[str, list[Record]]] = {}
    for record in records:
        split = _split_of(record) if record.form in ("call", "config") else ""
        if split:
            groups.setdefault(_group(record, split), {}).setdefault(split, []).append(record)
    for group in groups.values():
        yield from _differing(group.get("train", []), group.get("eval", []))
    yield from _over_files([one for one in records if one.form in ("call", "config")])
    for key, group in groups.items():
        if "eval" not in group and len({one.unit for one in group["train"]}) == 1:
            yield from _left_out(group["train"][0], [one for one in made if _group_of_made(one) == key])


def _split_of(record: Record) -> str:
    own = [*record.names, *record.targets]
    return split_of(own) or record.split or split_of(reversed(record.scope.split(".")))


def _group(record: Record, split: str) -> tuple[str, str]:
    """The file, and the scope around both splits."""
    parts = record.scope.split(".")
    at = next((at for at, part in enumerate(parts) if split_of([part])), len(parts))
    return record.place.path, ".".join(parts[:at])


def _group_of_made(made: Made) -> tuple[str, str]:
    parts = made.scope.split(".")
    at = next((at for at, part in enumerate(parts) if split_of([part])), len(parts))
    return made.place.path, ".".join(parts[:at])


def _differing(train: Sequence[Record], evaluation: Sequence[Record]) -> Iterator[Draft]:
    found = [{one.unit for one in side} for side in (train, evaluation)]
    if len(found[0]) != 1 or len(found[1]) != 1 or found[0] == found[1]:
        return
    first, second = train[0], evaluation[0]
    if len(first.mean) != len(second.mean):
        return
    effect = reasons.distance(first.unit, second.unit)
    if effect >= _ALIKE:
        yield Draft(
            "DN202", "warning", second.place,
            f"evaluation normalizes with {numbers(second)}, training with {numbers(first)}: {levels(effect)} apart",
            first.place,
        )  # fmt: skip


def _over_files(records: Sequence[Record]) -> Iterator[Draft]:
    """Of files whose names differ in the split alone: ``train.py`` and ``test.py``."""
    files: dict[str, list[Record]] = {}
    for one in records:
        files.setdefault(one.place.path, []).append(one)
    pairs: dict[tuple[str, str], dict[str, list[Record]]] = {}
    for path, own in files.items():
        stem = PurePosixPath(path).stem.lower()
        split = split_of([stem])
        if split:
            rest = re.sub("train", "", stem) if split == "train" else _EVALUATION.sub("", stem)
            key = (str(PurePosixPath(path).parent), re.sub(r"\W|_|ing|er$", "", rest))
            pairs.setdefault(key, {}).setdefault(split, []).extend(own)
    for pair in pairs.values():
        if len({one.place.path for side in pair.values() for one in side}) == 2:
            yield from _differing(pair.get("train", []), pair.get("eval", []))


def _left_out(train: Record, made: Sequence[Made]) -> Iterator[Draft]:
    """Evaluation whose images become tensors and are not normalized."""
    evaluation = [one for one in made if split_of([*one.names, *one.targets]) == "eval" or one.split == "eval"]
    if evaluation and not any(one.normalizes or _OTHER.search(" ".join(one.names)) for one in evaluation):
        yield Draft("DN202", "warning", evaluation[0].place, "evaluation does not normalize, training does with "
                    f"{numbers(train)}", train.place)  # fmt: skip
