"""Two mistakes at once, made from a table of single ones; run as a program it prints how many of them are both named.

    python tests/diagnosis/pairs.py [every]

A mistake changes one part of the code of an inverse. Two that change different parts make a pair; it is one that can be
seen if its results differ from those of each mistake alone, and from right ones.
"""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch

from pytest_denorm import PRESETS, Diagnosis, diagnose

T = torch.Tensor


@dataclass(frozen=True)
class Inverse:
    """The code of an inverse, part by part."""

    mean: T
    std: T
    before: Callable[[T], T] = lambda y: y
    formula: Callable[[T, T, T], T] = lambda y, m, s: y * s + m
    after: Callable[[T], T] = lambda x: x
    factor: float = 1.0
    order: Callable[[T], T] = lambda x: x
    clamp: tuple[float, float] | None = None
    store: Callable[[T], T] = lambda x: x
    in_place: bool = False

    def __call__(self, y: T) -> T:
        x = self.order(self.after(self.formula(self.before(y), self.mean, self.std)))
        x = (x.clamp(*self.clamp) if self.clamp else x) * self.factor
        result = self.store(x)
        if self.in_place:
            y.mul_(0.5)
        return result


class Mistake(NamedTuple):
    """One change, the part of the code that it is made in, and the kind that a diagnosis is to give it."""

    part: str
    kind: str
    change: Callable[[Inverse], Inverse]


def _last(values: T, change: Callable[[T], T]) -> T:
    changed = values.clone()
    changed[-1] = change(changed[-1])
    return changed


def _formula(code: Callable[[T, T, T], T]) -> Callable[[Inverse], Inverse]:
    return lambda one: replace(one, formula=code)


def _other(one: Inverse) -> Inverse:
    name = "svhn" if abs(float(one.mean[0]) - 0.485) < 1e-3 else "imagenet"
    mean, std = (torch.tensor(values)[:, None, None] for values in (PRESETS[name].mean, PRESETS[name].std))
    return replace(one, mean=mean, std=std)


def _rounded(digits: int) -> Callable[[Inverse], Inverse]:
    return lambda one: replace(one, mean=one.mean.round(decimals=digits), std=one.std.round(decimals=digits))


FLOATS: dict[str, Mistake] = {
    "rounded to 1": Mistake("constants", "rounded-constants", _rounded(1)),
    "rounded to 2": Mistake("constants", "rounded-constants", _rounded(2)),
    "rounded to 3": Mistake("constants", "rounded-constants", _rounded(3)),
    "one std": Mistake("std", "wrong-std", lambda one: replace(one, std=_last(one.std, lambda v: v + 0.03))),
    "one mean": Mistake("mean", "wrong-mean", lambda one: replace(one, mean=_last(one.mean, lambda v: v + 0.08))),
    "missing mean": Mistake("formula", "missing-mean", _formula(lambda y, m, s: y * s)),
    "sign": Mistake("formula", "mean-sign", _formula(lambda y, m, s: y * s - m)),
    "add first": Mistake("formula", "mean-not-divided", _formula(lambda y, m, s: (y + m) * s)),
    "divide": Mistake("formula", "divides-by-std", _formula(lambda y, m, s: y / s + m)),
    "swap": Mistake("formula", "swapped-mean-std", _formula(lambda y, m, s: y * m + s)),
    "preset": Mistake("constants", "other-preset", _other),
    "one for all": Mistake(
        "constants",
        "one-channel-for-all",
        lambda one: replace(one, mean=one.mean[:1].expand_as(one.mean), std=one.std[:1].expand_as(one.std)),
    ),
    "order of statistics": Mistake(
        "constants", "channel-order", lambda one: replace(one, mean=one.mean.flip(0), std=one.std.flip(0))
    ),
    "order of channels": Mistake("order", "channel-order", lambda one: replace(one, order=lambda x: x.flip(-3))),
    "x255": Mistake("factor", "scale-255", lambda one: replace(one, factor=255.0)),
    "/255": Mistake("factor", "scale-255", lambda one: replace(one, factor=1 / 255)),
    "clamp before": Mistake("before", "clamped", lambda one: replace(one, before=lambda y: y.clamp(-1, 1))),
    "clamp after": Mistake("clamp", "clamped", lambda one: replace(one, clamp=(0.1, 0.9))),
    "eps": Mistake("std", "eps", lambda one: replace(one, std=one.std + 1e-3)),
    "twice": Mistake("formula", "inverted-twice", _formula(lambda y, m, s: (y * s + m) * s + m)),
    "inverted intensity": Mistake("after", "inverted-intensity", lambda one: replace(one, after=lambda x: 1 - x)),
    "floor to floats": Mistake(
        "store", "truncation", lambda one: replace(one, store=lambda x: (x * 255).floor().clamp(0, 255) / 255)
    ),
    "in place": Mistake("in place", "mutates-input", lambda one: replace(one, in_place=True)),
}


def _bytes(way: Callable[[T], T]) -> Callable[[Inverse], Inverse]:
    return lambda one: replace(one, store=lambda x: way(x * 255))


def right_bytes(levels: T) -> T:
    return levels.round().clamp(0, 255).to(torch.uint8)


BYTES: dict[str, Mistake] = {
    **{name: one for name, one in FLOATS.items() if one.part not in ("factor", "store")},
    "trunc": Mistake("store", "truncation", _bytes(lambda x: x.clamp(0, 255).to(torch.uint8))),
    "ceil": Mistake("store", "rounded-up", _bytes(lambda x: x.ceil().clamp(0, 255).to(torch.uint8))),
    "wrap": Mistake("store", "wraps", _bytes(lambda x: x.round().to(torch.int64).to(torch.uint8))),
}

STATISTICS = ("imagenet", "clip", "cifar10")


class Pair(NamedTuple):
    """Two mistakes with one inverse."""

    name: str
    statistics: str
    kinds: tuple[str, str]
    inverse: Inverse

    def diagnose(self) -> Diagnosis:
        return diagnose(PRESETS[self.statistics], self.inverse)

    def verdict(self, said: Diagnosis) -> str:
        """Return ``both``, ``one``, ``generic`` (wrong numbers for what has a name), ``unknown``, or ``wrong``."""
        told = {said.kind, *(one.kind for one in said.alternatives)}
        found = len(set(self.kinds) & told)
        extra = {one.kind for one in said.alternatives if not one.equal} | {said.kind}
        others = extra - set(self.kinds)
        if found == len(set(self.kinds)):
            return "both"
        if "unknown" in told:
            return "unknown"
        if not others - {"wrong-std", "wrong-mean", "contrast", "brightness"}:
            return "generic" if others else "one"
        return "one" if found else "wrong"


def base(statistics: str, of_bytes: bool) -> Inverse:
    one = PRESETS[statistics]
    mean, std = (torch.tensor(values, dtype=torch.float32)[:, None, None] for values in (one.mean, one.std))
    right = Inverse(mean, std)
    return replace(right, store=lambda x: right_bytes(x * 255)) if of_bytes else right


def pairs() -> Iterator[Pair]:
    """Every pair of mistakes of different parts in which each can be seen beside the other."""
    parts = {"constants": {"constants", "std", "mean"}, "std": {"constants", "std"}, "mean": {"constants", "mean"}}
    for statistics, of_bytes in itertools.product(STATISTICS, (False, True)):
        right = base(statistics, of_bytes)
        table = BYTES if of_bytes else FLOATS
        generator = torch.Generator().manual_seed(1)
        y = PRESETS[statistics].normalize(torch.rand((3, 20, 30), generator=generator), channel_axis=-3)
        alone = {name: one.change(right)(y.clone()).double() for name, one in table.items()}
        expected = right(y.clone()).double()
        for (first, one), (second, other) in itertools.combinations(table.items(), 2):
            if other.part in parts.get(one.part, {one.part}):
                continue
            inverse = other.change(one.change(right))
            if "in place" not in (first, second):
                result = inverse(y.clone()).double()
                step = 1.0 if of_bytes else 1 / 255
                hidden = [(result - seen).abs().max() < step for seen in (alone[first], alone[second], expected)]
                if any(hidden):
                    continue
            elif (alone[first if second == "in place" else second] - expected).abs().max() < 1e-6:
                continue
            name = f"{first} + {second}, {statistics}, {'bytes' if of_bytes else 'floats'}"
            yield Pair(name, statistics, (one.kind, other.kind), inverse)


def main(every: int = 1) -> int:
    counted: Counter[str] = Counter()
    lines: list[Any] = []
    for pair in itertools.islice(pairs(), 0, None, every):
        said = pair.diagnose()
        verdict = pair.verdict(said)
        counted[verdict] += 1
        if verdict != "both":
            told = [said.kind, *(one.kind for one in said.alternatives)]
            lines.append(f"{verdict}: {pair.name}: {pair.kinds} told {told}: {said.message[:160]!r}")
    print("\n".join(sorted(lines)))
    total = sum(counted.values())
    print(f"{total} pairs: " + ", ".join(f"{verdict} {count}" for verdict, count in counted.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
