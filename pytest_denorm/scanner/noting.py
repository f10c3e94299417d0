"""What evaluation keeps: places that normalize, and calls that give an inverse its numbers."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import Any

import numpy as np

from .abstract import (
    Choice,
    Env,
    Function,
    Transform,
    Unknown,
    as_numbers,
    options,
)
from .affine import classify
from .records import Place, Record, is_inverse_name, plausible, position
from .statements import Statements

__all__ = ["Noting", "as_numbers_any", "is_mean_key", "is_normalizing"]

#: Keys of dicts, attributes and keyword arguments that hold the two statistics, without what they have in common.
_MEAN_NAME = re.compile(r"(?:^|_)(means?|mu)(?=$|_)|(?<=[a-z])Mean$|^MEANS?$|mean$", re.IGNORECASE)
_STD_OF = {
    "means": ("stds", "stdevs", "std", "sds"),
    "mean": ("std", "stdev", "sd", "stddev", "stds"),
    "MEANS": ("STDS", "STD"),
    "MEAN": ("STD", "STDEV", "SD", "STDDEV"),
    "Mean": ("Std", "StdDev"),
}
#: Names that are of images: ``img``, ``input_image``, ``fake_B``.
_IMAGE_NAME = re.compile(
    r"(?<![a-z])(ims?|imgs?|images?|frames?|pixels?|inputs?|photos?|pics?|picture|faces?|rgb|fakes?|reals?|recons?\w*"
    r"|outputs?|samples?|restored|generated|gen|synth\w*|decoded)(?![a-z])"
    r"|(img|image)s?\d*$|^(img|image)",
    re.IGNORECASE,
)
#: The reason of an attribute or argument that is a mean or a std.
_STATISTIC = re.compile(r"(?:attribute|parameter) (\w*?(?:mean|std))s?", re.IGNORECASE)
_STD_NAME = re.compile(r"(?:^|_)(std|stds|stdev|stddev|sd)$|(?<=[a-z])Std$", re.IGNORECASE)
_NORMALIZES = re.compile(r"normali[sz]e|normali[sz]ation|normali[sz]er|preproc|img_norm|data_?prep", re.IGNORECASE)


class Noting(Statements):
    """Keeps records in the project while it evaluates; on trial it keeps none."""

    def bound_names(self, function: Function, args: list[Any], kwargs: dict[str, Any]) -> Env:
        raise NotImplementedError

    def note_defaults(self, function: Function) -> None:
        env = function.env
        scope = f"{env.scope}.{function.name}".lstrip(".")
        self.note_pairs(function.defaults, function.node, Env(parent=env, module=env.module, scope=scope))

    def place(self, node: ast.AST, env: Env) -> Place:
        line, column = position(node)
        return Place(env.module.path, line, column)

    def record(self, record: Record) -> int | None:
        if self.strict:
            return None
        event: int = self.project.record(record)
        known = self.project.records[event]
        known.split = known.split or self.split
        known.targets |= self.targets
        return event

    def note_affine(self, value: Unknown, node: ast.AST, env: Env) -> Unknown:
        if self.strict:
            return value
        found = classify(value, of_image=_names_image(node, value))
        if value.event is not None:
            before = self.project.records[value.event]
            here = (env.module.path, position(node)[0])
            elsewhere = (before.place.path, before.place.line) != here or not before.mean
            if before.inverse and elsewhere and (found is None or found.inverse):
                return value  # ``x * std + mean``, and what is done to the image after it
            self.project.drop(value.event)
        if found is None:
            return _with(value, None)
        record = Record(
            found.inverse, self.place(node, env), tuple(map(_short, found.mean)), tuple(map(_short, found.std)),
            found.white, "arithmetic", env.scope, weak=found.weak, module=env.module, steps=value.steps,
            before=value.normalized, image=_names_image(node, value),
        )  # fmt: skip
        event = self.record(record)
        if event is not None and not found.inverse and value.color:
            self.project.note_color(event, record.place, value.color)
        return _with(value, event)

    def of_two_unknown(self, symbol: str, left: Unknown, right: Unknown, node: ast.AST, env: Env) -> Unknown:
        """``image * data.std + data.mean``, of numbers that the source does not give, is an inverse too."""
        first, second = (left, right) if not _STATISTIC.fullmatch(left.reason) else (right, left)
        named = _STATISTIC.fullmatch(second.reason)
        if self.strict or named is None:
            return Unknown(left.reason)
        if symbol == "*" and named[1].lower().endswith("std") and _names_image(node, first):
            return replace(first.fresh(), scaled=True)
        if symbol == "+" and named[1].lower().endswith("mean") and first.scaled:
            event = self.record(Record(True, self.place(node, env), (), (), 1.0, "arithmetic", env.scope, image=True,
                                       module=env.module))  # fmt: skip
            return replace(first.fresh(normalized=False), scaled=False, event=event)
        return Unknown(left.reason)

    def bind_channel(self, target: ast.Subscript, key: Any, value: Unknown, env: Env) -> None:
        """``image[0] = (image[0] - 0.485) / 0.229``, one channel after the other: together they are a map."""
        whole = [one for one in (key if isinstance(key, tuple) else (key,)) if isinstance(one, int)]
        if self.strict or len(whole) != 1 or not 0 <= whole[0] <= 3 or not value.ops:
            return
        if not isinstance(target.value, ast.Name):
            return
        name = f"[{target.value.id}]"
        known = env.names.get(name)
        channels = {**(known if isinstance(known, dict) else {}), whole[0]: value}
        env.names[name] = channels
        if sorted(channels) in ([0, 1, 2], [0, 1, 2, 3]):
            self.note_channels([channels[at] for at in sorted(channels)], target, env)

    def note_channels(self, parts: list[Any], node: ast.AST, env: Env) -> None:
        """Note the map that the maps of the channels, one after the other, are together."""
        first = parts[0] if parts else None
        if len(parts) not in (3, 4) or not isinstance(first, Unknown) or not first.ops:
            return
        if all(isinstance(one, Unknown) and one.ops == first.ops and np.size(one.slope) == 1 for one in parts):
            slope, offset = (
                np.array([float(np.reshape(getattr(one, of), ())) for one in parts]) for of in ("slope", "offset")
            )
            self.note_affine(replace(first, slope=slope, offset=offset, event=None), node, env)

    def name_records(self, value: Any, name: str, env: Env) -> None:
        if isinstance(value, Choice):
            for one in value.values:
                self.name_records(one, name, env)
        elif isinstance(value, Unknown) and value.event is not None:
            self.project.name(value.event, name)
        elif isinstance(value, Transform):
            if value.made is not None:
                value.made.names.append(name)
            for part in value.walk():
                if part.event is not None:
                    self.project.name(part.event, name)
        elif isinstance(value, dict):
            for key, one in value.items():
                if isinstance(one, Transform) and isinstance(key, str):
                    self.name_records(one, key, env)

    def note_pairs(self, names: dict[Any, Any], node: ast.AST, env: Env, form: str = "constants") -> None:
        """Records mean and std that stand side by side under names that say so."""
        if self.strict:
            return
        for key, mean in list(names.items()):
            if not isinstance(key, str) or "mean" not in key.lower():
                continue
            if as_numbers_any(mean) is None:
                continue
            other = next((one for one in _std_names(key) if one in names), None)
            std = names[other] if other is not None else _ones_of_bytes(mean)
            for pair in plausible(mean, std):
                if not _is_statistics(*pair):
                    continue
                white = 1.0 if max(pair[0]) <= 1.5 and max(pair[1]) <= 1.5 else 255.0
                at = env.lines.get(key, node)
                if isinstance(node, ast.Dict):
                    at = next((k for k in node.keys if isinstance(k, ast.Constant) and k.value == key), node)
                self.record(Record(False, self.place(at, env), *pair, white, form, env.scope, key, module=env.module))

    def note_setting(self, names: dict[Any, Any], key: str, value: Any, node: ast.AST, env: Env) -> None:
        """Keep a mean or std that an object is given under its name; pairs are noted when all is evaluated."""
        if self.strict or not is_statistic_key(key) or as_numbers_any(value) is None:
            return
        holder = self.project.holders.setdefault(id(names), (names, Env(module=env.module, scope=env.scope)))
        holder[1].lines.setdefault(key, node)
        self.project.add_setting(key, value)

    def note_generic(self, name: str, args: list[Any], kwargs: dict[str, Any], node: ast.AST, env: Env) -> int | None:
        """Records a call that is given mean and std, whatever it is called.

        By position where its name says that it normalizes.
        """
        if self.strict:
            return None
        inverse = is_inverse_name(name)
        mean_key = next((key for key in kwargs if is_mean_key(key)), None)
        if mean_key is not None:
            std_key = next((one for one in _std_names(mean_key) if one in kwargs), None)
            if std_key is None:
                return None
            mean, std = kwargs[mean_key], kwargs[std_key]
        elif _NORMALIZES.search(name) and len(args) >= 2:
            at = 1 if len(args) >= 3 and as_numbers_any(args[0]) is None else 0
            mean, std = args[at], args[at + 1]
        else:
            return None
        named = bool(_NORMALIZES.search(name))
        last = None
        for pair in plausible(mean, std):
            if inverse or not _is_statistics(*pair, scalars=named) or "normal_" in name or name == "normal":
                continue
            white = 1.0 if max(pair[0]) <= 1.5 and max(pair[1]) <= 1.5 else 255.0
            form = "call" if named else "config"
            last = self.record(
                Record(False, self.place(node, env), *pair, white, form, env.scope, name, module=env.module)
            )
        return last

    def note_helper(self, function: Function, args: list[Any], kwargs: dict[str, Any], node: ast.AST, env: Env) -> None:
        """Keeps a call that gives an inverse of the project its numbers, or a batch."""
        if self.strict or not isinstance(node, ast.Call) or isinstance(function.node, ast.Lambda):
            return
        names = self.bound_names(function, args, kwargs).names
        image = next(iter(one for one in names.values() if isinstance(one, Unknown)), None)
        numbers = {
            key: value
            for key, value in names.items()
            if value is not function.defaults.get(key) and as_numbers_any(value) is not None
        }
        batch = image is not None and image.batch is True
        if numbers or batch:
            self.project.helpers.setdefault(id(function.node), []).append((numbers, batch, self.place(node, env), env))


def _names_image(node: ast.AST, value: Unknown) -> bool:
    """Whether a name in an expression says that an image is meant."""
    if _IMAGE_NAME.search(value.reason):
        return True
    names = (getattr(one, "id", getattr(one, "attr", "")) for one in ast.walk(node))
    return any(_IMAGE_NAME.search(name) for name in names if name)


def is_normalizing(name: str) -> bool:
    return bool(_NORMALIZES.search(name))


def _short(number: float) -> float:
    return float(f"{number:.6g}")


def _with(value: Unknown, event: int | None) -> Unknown:
    return replace(value, event=event)


def is_mean_key(key: str) -> bool:
    return key.lower().endswith(("mean", "means")) or key.lower().startswith("mean_")


def is_statistic_key(key: str) -> bool:
    return is_mean_key(key) or bool(_STD_NAME.search(key))


def _std_names(mean: str) -> list[str]:
    """Names that the std may have beside a mean of that name."""
    made = []
    for word, others in _STD_OF.items():
        if word in mean:
            made += [mean.replace(word, other) for other in others]
    return made


def as_numbers_any(value: Any) -> Any:
    return next((found for one in options(value) if (found := as_numbers(one)) is not None), None)


def _ones_of_bytes(mean: Any) -> Any:
    """The std of a mean that stands alone: of three channels of bytes, as networks of Caffe have it."""
    numbers = as_numbers_any(mean)
    return [1.0] * 3 if numbers.size == 3 and numbers.min() > 60 and numbers.max() < 200 else None


def _is_statistics(mean: tuple[float, ...], std: tuple[float, ...], scalars: bool = False) -> bool:
    """Whether two lists of numbers can be those of images: of 1, 3 or 4 channels, in 0..1 or 0..255."""
    if len(mean) not in (1, 3, 4) or (len(mean) == 1 and not scalars):
        return False
    if min(std) <= 0 or max(map(abs, mean)) > 256 or max(std) > 256 or not any(mean):
        return False
    return min(mean) >= 0 or scalars
