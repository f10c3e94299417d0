"""Every known mistake with many statistics, put before the diagnosis; run as a program it prints what was said.

    python tests/diagnosis/detection_matrix.py

A mistake is code, as people write it, and beside it the map ``z = slope * y + offset`` that it leads to on paper. From
that map follow its effect, and which other mistakes lead to the same numbers: those no test can tell apart.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torchvision.transforms import functional as F

from pytest_denorm import PRESETS, Diagnosis, Normalization, diagnose
from pytest_denorm.core.tolerance import round_trip_tolerance

T = torch.Tensor
Array = np.ndarray[Any, Any]
Function = Callable[[T], Any]
Map = tuple[Any, Any]


class Statistics(NamedTuple):
    """Those of a pipeline, as numbers for the paper and as tensors (C, 1, 1) for the code."""

    mean: Array
    std: Array
    white: float

    @property
    def normalization(self) -> Normalization:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Normalization(self.mean.tolist(), self.std.tolist(), self.white)

    @property
    def channels(self) -> int:
        return len(self.mean)


def _preset(name: str) -> Statistics:
    one = PRESETS[name]
    return Statistics(np.array(one.mean), np.array(one.std), 1.0)


def _statistics(mean: list[float], std: list[float], white: float = 1.0) -> Statistics:
    return Statistics(np.array(mean), np.array(std), white)


STATISTICS: dict[str, Statistics] = {
    "ImageNet": _preset("imagenet"),
    "CIFAR-10": _preset("cifar10"),
    "CIFAR-100": _preset("cifar100"),
    "CLIP": _preset("clip"),
    "0.5/0.5": _preset("half"),
    "MNIST": _preset("mnist"),
    "SVHN": _preset("svhn"),
    "4 channels": _statistics([0.485, 0.456, 0.406, 0.3512], [0.229, 0.224, 0.225, 0.1873]),
    "10 channels": _statistics(
        [0.1354, 0.1118, 0.1042, 0.0948, 0.1199, 0.2003, 0.2375, 0.2301, 0.0732, 0.1821],
        [0.0245, 0.0333, 0.0396, 0.0594, 0.0567, 0.0861, 0.1087, 0.1117, 0.0405, 0.1002],
    ),
    "bytes": _statistics([123.675, 116.28, 103.53], [58.395, 57.12, 57.375], 255.0),
    "tiny std": _statistics([0.485, 0.456, 0.406], [1e-3, 2e-3, 3e-3]),
    "negative mean": _statistics([-0.31, 0.456, 0.406], [0.229, 0.224, 0.225]),
    "mean of 0": _statistics([0.485, 0.0, 0.406], [0.229, 0.224, 0.225]),
    "std above 1": _statistics([0.41, 0.52, 0.37], [1.7, 2.3, 3.1]),
}


class Code(NamedTuple):
    """The constants as code has them."""

    m: T
    s: T
    w: float

    @classmethod
    def of(cls, given: Statistics, dtype: torch.dtype) -> Code:
        m, s = (torch.tensor(one, dtype=torch.float64).to(dtype)[:, None, None] for one in (given.mean, given.std))
        return cls(m, s, given.white)


def normalize(mean: Any, std: Any) -> Function:
    return lambda y: (y - mean) / std


@dataclass(frozen=True)
class Mistake:
    """One way to get it wrong.

    Attributes:
        name: the code, or what it does.
        kind: what it is to be called.
        inverse: makes the wrong inverse.
        paper: slope and offset of ``z = slope * y + offset``, in the units of the images; None where it is no such
            map.
        forward: makes the wrong forward, if that is where the mistake is.
        least: how many channels it takes.
    """

    name: str
    kind: str
    inverse: Callable[[Code], Function]
    paper: Callable[[Statistics], Map] | None = None
    forward: Callable[[Code], Function] | None = None
    least: int = 1
    inside: tuple[float, float] | None = None  # it changes nothing while the normalized values stay in this range

    def applies(self, given: Statistics) -> bool:
        if given.channels < self.least or (self.kind == "other-preset" and given.channels != 3):
            return False
        slope, offset = self.map(given) or (1.0, 1.0)
        if self.kind == "rounded-constants" and not np.all(slope):
            return False  # nobody keeps a std that is rounded to 0
        if self.kind == "eps" and np.any(slope * given.std < 0):
            return False  # the root of a variance has lost the sign: what is seen of it is another std
        return bool(np.isfinite(slope).all() and np.isfinite(offset).all())

    def map(self, given: Statistics) -> tuple[Array, Array] | None:
        if self.paper is None:
            return None
        with np.errstate(all="ignore"):
            slope, offset = self.paper(given)
        return slope * np.ones(given.channels), offset * np.ones(given.channels)

    def functions(self, given: Statistics, dtype: torch.dtype) -> tuple[Function, Function]:
        code = Code.of(given, dtype)
        forward = self.forward(code) if self.forward else normalize(code.m, code.s)
        return forward, self.inverse(code)


def _last(values: Any, change: Callable[[Any], Any]) -> Any:
    changed = values.clone() if isinstance(values, T) else values.copy()
    changed[-1] = change(changed[-1])
    return changed


def _rounded(values: Any, decimals: int, white: float) -> Any:
    unit = white if white > 1 else 1.0  # statistics of bytes are rounded as such, to fewer decimals
    decimals = decimals if white == 1 else decimals - 2
    return values.round(decimals=decimals) if isinstance(values, T) else np.round(values / unit * unit, decimals)


def _other(code: Any) -> tuple[Any, Any]:
    """Statistics of another data set than those at hand."""
    red = float(code[0].reshape(-1)[0]) / code[2]
    name = "svhn" if abs(red - 0.485) < 1e-3 else "imagenet"
    mean, std = (np.array(one) * code[2] for one in (PRESETS[name].mean, PRESETS[name].std))
    if isinstance(code[0], T):
        return tuple(torch.tensor(one, dtype=torch.float64).to(code[0].dtype)[:, None, None] for one in (mean, std))
    return mean, std


def _stretch(axes: tuple[int, ...]) -> Callable[[Code], Function]:
    def make(code: Code) -> Function:
        def inverse(y: T) -> T:
            low, high = y.amin(axes, keepdim=True), y.amax(axes, keepdim=True)
            return (y - low) / (high - low) * code.w

        return inverse

    return make


def _in_place(code: Code) -> Function:
    return lambda y: y.mul_(code.s).add_(code.m)


def _bytes(z: T, w: float, rounded: bool) -> T:
    levels = z * (255 / w)
    return (levels.round() if rounded else levels).clamp(0, 255).to(torch.uint8)


MISTAKES: tuple[Mistake, ...] = (
    Mistake("y * s", "missing-mean", lambda c: lambda y: y * c.s, lambda g: (g.std, 0)),
    Mistake("y * s - m", "mean-sign", lambda c: lambda y: y * c.s - c.m, lambda g: (g.std, -g.mean)),
    Mistake("Normalize(m/s, 1/s)", "mean-sign", lambda c: normalize(c.m / c.s, 1 / c.s), lambda g: (g.std, -g.mean)),
    Mistake(
        "Normalize(-m, 1/s)", "mean-not-divided", lambda c: normalize(-c.m, 1 / c.s), lambda g: (g.std, g.mean * g.std)
    ),
    Mistake("(y + m) * s", "mean-not-divided", lambda c: lambda y: (y + c.m) * c.s, lambda g: (g.std, g.mean * g.std)),
    Mistake("(y - m) * s", "mean-not-divided", lambda c: lambda y: (y - c.m) * c.s, lambda g: (g.std, -g.mean * g.std)),
    Mistake("y / s + m", "divides-by-std", lambda c: lambda y: y / c.s + c.m, lambda g: (1 / g.std, g.mean)),
    Mistake(
        "Normalize(-m, s)", "divides-by-std", lambda c: normalize(-c.m, c.s), lambda g: (1 / g.std, g.mean / g.std)
    ),
    Mistake(
        "Normalize(-m/s, s)",
        "divides-by-std",
        lambda c: normalize(-c.m / c.s, c.s),
        lambda g: (1 / g.std, g.mean / g.std**2),
    ),
    Mistake("y * m + s", "swapped-mean-std", lambda c: lambda y: y * c.m + c.s, lambda g: (g.mean, g.std)),
    Mistake(
        "Normalize(1/s, -m/s)",
        "swapped-mean-std",
        lambda c: normalize(1 / c.s, -c.m / c.s),
        lambda g: (-g.std / g.mean, 1 / g.mean),
    ),
    Mistake("y", "not-inverted", lambda c: lambda y: y, lambda g: (1, 0)),
    Mistake(
        "Normalize(m, s) again", "not-inverted", lambda c: normalize(c.m, c.s), lambda g: (1 / g.std, -g.mean / g.std)
    ),
    Mistake(
        "(y * s + m) * s + m",
        "inverted-twice",
        lambda c: lambda y: (y * c.s + c.m) * c.s + c.m,
        lambda g: (g.std**2, g.mean * g.std + g.mean),
    ),
    Mistake(
        "no forward",
        "inverted-twice",
        lambda c: lambda y: y * c.s + c.m,
        None,
        forward=lambda c: lambda x: x,
    ),
    Mistake(
        "two forwards",
        "not-inverted",
        lambda c: lambda y: y * c.s + c.m,
        None,
        forward=lambda c: lambda x: ((x - c.m) / c.s - c.m) / c.s,
    ),
    Mistake(
        "w - x", "inverted-intensity", lambda c: lambda y: c.w - (y * c.s + c.m), lambda g: (-g.std, g.white - g.mean)
    ),
    Mistake("x * 255", "scale-255", lambda c: lambda y: (y * c.s + c.m) * 255, lambda g: (g.std * 255, g.mean * 255)),
    Mistake("x / 255", "scale-255", lambda c: lambda y: (y * c.s + c.m) / 255, lambda g: (g.std / 255, g.mean / 255)),
    Mistake("y * s + m * 255", "scale-255", lambda c: lambda y: y * c.s + c.m * 255, lambda g: (g.std, g.mean * 255)),
    Mistake(
        "forward of 255 * x",
        "scale-255",
        lambda c: lambda y: y * c.s + c.m,
        None,
        forward=lambda c: lambda x: (x * 255 - c.m) / c.s,
    ),
    Mistake(
        "forward of x / 255",
        "scale-255",
        lambda c: lambda y: y * c.s + c.m,
        None,
        forward=lambda c: lambda x: (x / 255 - c.m) / c.s,
    ),
    Mistake("bytes of x without * 255", "scale-255", lambda c: lambda y: _bytes((y * c.s + c.m) / 255, c.w, False)),
    Mistake("x * 256", "scale-255", lambda c: lambda y: (y * c.s + c.m) * 256, lambda g: (g.std * 256, g.mean * 256)),
    Mistake(
        "rounded bytes of 256 * x",
        "scale-255",
        lambda c: lambda y: _bytes((y * c.s + c.m) * (256 / 255), c.w, True),
        lambda g: (g.std * 256 / 255, g.mean * 256 / 255),
    ),
    Mistake(
        "forward of bytes / 256",
        "scale-255",
        lambda c: lambda y: y * c.s + c.m,
        lambda g: (g.std * 255 / 256, g.mean * 255 / 256),
        forward=lambda c: lambda x: (x * (255 / 256) - c.m) / c.s,
    ),
    Mistake("x in BGR", "channel-order", lambda c: lambda y: (y * c.s + c.m).flip(-3), least=2),
    Mistake("y in BGR", "channel-order", lambda c: lambda y: y.flip(-3) * c.s + c.m, least=2),
    Mistake(
        "forward in BGR",
        "channel-order",
        lambda c: lambda y: y * c.s + c.m,
        None,
        forward=lambda c: lambda x: (x.flip(-3) - c.m) / c.s,
        least=2,
    ),
    Mistake("channels rolled", "channel-order", lambda c: lambda y: (y * c.s + c.m).roll(1, -3), least=3),
    Mistake(
        "m and s reversed",
        "channel-order",
        lambda c: lambda y: y * c.s.flip(0) + c.m.flip(0),
        lambda g: (g.std[::-1], g.mean[::-1]),
        least=2,
    ),
    Mistake(
        "s reversed",
        "channel-order",
        lambda c: lambda y: y * c.s.flip(0) + c.m,
        lambda g: (g.std[::-1], g.mean),
        least=2,
    ),
    Mistake(
        "m reversed",
        "channel-order",
        lambda c: lambda y: y * c.s + c.m.flip(0),
        lambda g: (g.std, g.mean[::-1]),
        least=2,
    ),
    Mistake(
        "m[0] and s[0] for all",
        "one-channel-for-all",
        lambda c: lambda y: y * c.s[0] + c.m[0],
        lambda g: (g.std[0], g.mean[0]),
        least=2,
    ),
    Mistake(
        "the average m and s for all",
        "one-channel-for-all",
        lambda c: lambda y: y * c.s.mean() + c.m.mean(),
        lambda g: (g.std.mean(), g.mean.mean()),
        least=2,
    ),
    Mistake(
        "s[0] for all",
        "one-channel-for-all",
        lambda c: lambda y: y * c.s[0] + c.m,
        lambda g: (g.std[0], g.mean),
        least=2,
    ),
    Mistake(
        "another data set",
        "other-preset",
        lambda c: lambda y: y * _other(c)[1] + _other(c)[0],
        lambda g: _other(g)[::-1],
    ),
    Mistake(
        "one std too large",
        "wrong-std",
        lambda c: lambda y: y * _last(c.s, lambda v: v * 0.255 / 0.225) + c.m,
        lambda g: (_last(g.std, lambda v: v * 0.255 / 0.225), g.mean),
    ),
    Mistake(
        "one std too large, in 1/s only",
        "wrong-std",
        lambda c: normalize(-c.m / c.s, 1 / _last(c.s, lambda v: v * 0.255 / 0.225)),
        lambda g: (_last(g.std, lambda v: v * 0.255 / 0.225), _last(g.mean, lambda v: v * 0.255 / 0.225)),
    ),
    Mistake(
        "one std slightly off",
        "wrong-std",
        lambda c: lambda y: y * _last(c.s, lambda v: v * 1.0023) + c.m,
        lambda g: (_last(g.std, lambda v: v * 1.0023), g.mean),
    ),
    Mistake(
        "std without its sign",
        "wrong-std",
        lambda c: lambda y: y * _last(c.s, lambda v: -v) + c.m,
        lambda g: (_last(g.std, lambda v: -v), g.mean),
    ),
    Mistake("y + m", "wrong-std", lambda c: lambda y: y + c.m, lambda g: (1, g.mean)),
    Mistake(
        "one mean too large",
        "wrong-mean",
        lambda c: lambda y: y * c.s + _last(c.m, lambda v: v + 0.08 * c.w),
        lambda g: (g.std, _last(g.mean, lambda v: v + 0.08 * g.white)),
    ),
    Mistake(
        "one mean left out",
        "wrong-mean",
        lambda c: lambda y: y * c.s + _last(c.m, lambda v: v * 0),
        lambda g: (g.std, _last(g.mean, lambda v: v * 0)),
        least=2,
    ),
    Mistake(
        "eps of 1e-3 in the inverse",
        "eps",
        lambda c: lambda y: y * (c.s + 1e-3) + c.m,
        lambda g: (g.std + 1e-3, g.mean),
    ),
    Mistake(
        "eps of 1e-5 in the inverse",
        "eps",
        lambda c: lambda y: y * (c.s + 1e-5) + c.m,
        lambda g: (g.std + 1e-5, g.mean),
    ),
    Mistake(
        "eps of 1e-5 in the variance",
        "eps",
        lambda c: lambda y: y * (c.s**2 + 1e-5).sqrt() + c.m,
        lambda g: (np.sqrt(g.std**2 + 1e-5), g.mean),
    ),
    Mistake(
        "eps of 1e-3 in the forward",
        "eps",
        lambda c: lambda y: y * c.s + c.m,
        None,
        forward=lambda c: normalize(c.m, c.s + 1e-3),
    ),
    *(
        Mistake(
            f"m and s to {digits} decimals",
            "rounded-constants",
            lambda c, d=digits: lambda y: y * _rounded(c.s, d, c.w) + _rounded(c.m, d, c.w),  # type: ignore[misc]
            lambda g, d=digits: (_rounded(g.std, d, g.white), _rounded(g.mean, d, g.white)),  # type: ignore[misc]
        )
        for digits in (2, 3, 4)
    ),
    Mistake(
        "m/s and 1/s to 3 decimals",
        "rounded-constants",
        lambda c: normalize(
            (-c.m / c.s).double().round(decimals=3).to(c.m), (1 / c.s).double().round(decimals=3).to(c.m)
        ),
        lambda g: (1 / np.round(1 / g.std, 3), np.round(g.mean / g.std, 3) / np.round(1 / g.std, 3)),
    ),
    Mistake("truncated bytes", "truncation", lambda c: lambda y: _bytes(y * c.s + c.m, c.w, False)),
    Mistake("min-max of the picture", "min-max", _stretch((-3, -2, -1))),
    Mistake("min-max of each channel", "min-max", _stretch((-2, -1))),
    Mistake("clamp(-1, 1) before", "clamped", lambda c: lambda y: y.clamp(-1, 1) * c.s + c.m, inside=(-1, 1)),
    Mistake("clamp(0, 1) before", "clamped", lambda c: lambda y: y.clamp(0, 1) * c.s + c.m, inside=(0, 1)),
    Mistake("in place", "mutates-input", _in_place),
)


CORRECT: dict[str, Callable[[Code], Function]] = {
    "y * s + m": lambda c: lambda y: y * c.s + c.m,
    "m + s * y": lambda c: lambda y: c.m + c.s * y,
    "addcmul": lambda c: lambda y: torch.addcmul(c.m, y, c.s),
    "(y + m / s) * s": lambda c: lambda y: (y + c.m / c.s) * c.s,
    "Normalize(-m/s, 1/s)": lambda c: normalize(-c.m / c.s, 1 / c.s),
    "Normalize(0, 1/s), Normalize(-m, 1)": lambda c: lambda y: normalize(-c.m, 1.0)(normalize(0.0, 1 / c.s)(y)),
    "y / (1 / s) - (-m)": lambda c: lambda y: y / (1 / c.s) - (-c.m),
    "a reciprocal std, multiplied by 1 / (1 / s)": lambda c: lambda y: y * (1 / (1 / c.s)) + c.m,
    "names and values both swapped": lambda c: (lambda mean, std: lambda y: y * mean + std)(c.s, c.m),
    "in float64": lambda c: lambda y: (y.double() * c.s.double() + c.m.double()).to(y.dtype),
    "in numpy": lambda c: lambda y: y.numpy() * c.s.numpy() + c.m.numpy(),
    "in numpy, with lists": lambda c: lambda y: y.numpy() * np.array(c.s.tolist()) + np.array(c.m.tolist()),
    "channels last": lambda c: lambda y: y.permute(1, 2, 0).numpy() * c.s.flatten().numpy() + c.m.flatten().numpy(),
    "a loop over channels": lambda c: (
        lambda y: torch.stack(
            [one * s + m for one, s, m in zip(y, c.s.flatten().tolist(), c.m.flatten().tolist(), strict=True)]
        )
    ),
    "a clone in place": lambda c: lambda y: y.clone().mul_(c.s).add_(c.m),
    "einsum": lambda c: lambda y: torch.einsum("chw,cd->dhw", y, torch.diag(c.s.flatten())) + c.m,
    "channels reversed, undone, reversed": lambda c: lambda y: (y.flip(-3) * c.s.flip(0) + c.m.flip(0)).flip(-3),
    "clamped to 0..white": lambda c: lambda y: (y * c.s + c.m).clamp(0, c.w),
    "rounded bytes": lambda c: lambda y: _bytes(y * c.s + c.m, c.w, True),
    "bytes with + 0.5, then truncated": lambda c: (
        lambda y: ((y * c.s + c.m) * (255 / c.w) + 0.5).clamp(0, 255).to(torch.uint8)
    ),
    "the whole part of 256 * x": lambda c: lambda y: ((y * c.s + c.m) * (256 / c.w)).clamp(0, 255).to(torch.uint8),
    "torchvision's conversion": lambda c: (
        lambda y: F.convert_image_dtype(((y * c.s + c.m) / c.w).clamp(0, 1), torch.uint8)
    ),
    "bytes with np.rint": lambda c: (
        lambda y: np.rint(np.clip((y * c.s + c.m).permute(1, 2, 0).numpy() * (255 / c.w), 0, 255)).astype(np.uint8)
    ),
    "rounded floats of 0..255": lambda c: lambda y: ((y * c.s + c.m) * (255 / c.w)).round().clamp(0, 255),
    "a batch of one": lambda c: lambda y: (y[None] * c.s + c.m) if y.ndim == 3 else y * c.s + c.m,
}


def same_numbers(one: Mistake, other: Mistake, given: Statistics, room: Array) -> bool:
    """Whether two mistakes give the same numbers on paper."""
    if not (one.applies(given) and other.applies(given)):
        return False
    first, second = one.map(given), other.map(given)
    if first is None or second is None:
        return False
    return bool((_gap(given, first, second) <= room).all())


def _gap(given: Statistics, first: Map, second: Map) -> Array:
    ends = [(x - given.mean) / given.std for x in (0.0, given.white)]
    gaps: Array = np.max([np.abs((first[0] - second[0]) * y + (first[1] - second[1])) for y in ends], axis=0)
    return gaps


def has_effect(mistake: Mistake, given: Statistics, room: Array) -> bool:
    """Whether it moves any pixel by more than the derived tolerance."""
    if mistake.inside is not None:
        ends = np.array([(x - given.mean) / given.std for x in (0.0, given.white)])
        return bool((ends < mistake.inside[0]).any() or (ends > mistake.inside[1]).any())
    found = mistake.map(given)
    return found is None or bool((_gap(given, found, (given.std, given.mean)) > room).any())


class Outcome(NamedTuple):
    """What was said of one mistake."""

    mistake: Mistake
    statistics: str
    dtype: torch.dtype
    expected: set[str]  # its own kind, and those of other mistakes with the same numbers
    effect: bool
    diagnosis: Diagnosis

    @property
    def verdict(self) -> str:
        """``named``, ``equal`` (to others with the same numbers), ``silent`` (rightly), ``missed`` or ``wrong``."""
        said = self.diagnosis.kind
        told = {said, *(one.kind for one in self.diagnosis.alternatives)}
        if not self.effect:
            return "silent" if said == "exact" else "wrong"
        if said == "exact" or (self.diagnosis.exact and self.mistake.kind != "mutates-input"):
            return "missed"
        if said == self.mistake.kind:
            return "named"
        return "equal" if said in self.expected and self.mistake.kind in told else "wrong"


def outcome(mistake: Mistake, name: str, dtype: torch.dtype) -> Outcome:
    """What is said of one mistake with the statistics of that name."""
    given = STATISTICS[name]
    room = np.array(round_trip_tolerance(given.normalization, dtype).per_channel)
    expected = {one.kind for one in MISTAKES if one is mistake or same_numbers(one, mistake, given, room)}
    if mistake.kind == "eps" and np.ptp(given.std) == 0:
        expected |= {"wrong-std", "other-preset"}  # of channels with one std, the sum is another std
    forward, inverse = mistake.functions(given, dtype)
    found = diagnose(forward, inverse, channels=given.channels, pixel_max=given.white, dtype=dtype, between=True)
    return Outcome(mistake, name, dtype, expected, has_effect(mistake, given, room), found)


def outcomes(dtypes: tuple[torch.dtype, ...] = (torch.float32, torch.float64)) -> Iterator[Outcome]:
    """Every mistake with every statistics."""
    for name, given in STATISTICS.items():
        for dtype in dtypes:
            yield from (outcome(mistake, name, dtype) for mistake in MISTAKES if mistake.applies(given))


def of_correct(given: Statistics, dtype: torch.dtype) -> Iterator[tuple[str, Diagnosis]]:
    """What is said of each correct inverse."""
    code = Code.of(given, dtype)
    for how, make in CORRECT.items():
        forward = normalize(code.m, code.s)
        yield how, diagnose(forward, make(code), channels=given.channels, pixel_max=given.white, dtype=dtype)


def main() -> int:
    marks = {"named": "x", "equal": "=", "silent": ".", "missed": "MISSED", "wrong": "WRONG"}
    table: dict[str, dict[str, set[str]]] = {mistake.name: {} for mistake in MISTAKES}
    failed = []
    for one in outcomes():
        table[one.mistake.name].setdefault(one.statistics, set()).add(marks[one.verdict])
        if one.verdict in ("missed", "wrong"):
            failed.append(one)
    for column, name in enumerate(STATISTICS):
        print(" " * 34 + "|   " * column + name)
    for mistake in MISTAKES:
        cells = ["/".join(sorted(table[mistake.name].get(name, {" "}))) for name in STATISTICS]
        print(f"{mistake.name:<33} " + "".join(f"{cell:<4}" for cell in cells) + f" {mistake.kind}")
    for one in failed:
        print(f"\n{one.mistake.name}, {one.statistics}, {one.dtype}: {one.verdict}, expected {one.expected}")
        print(f"  {one.diagnosis.kind} {[a.kind for a in one.diagnosis.alternatives]}: {one.diagnosis.message[:300]}")
    alarms = [
        f"{how}, {name}, {dtype}: {said.message}"
        for name, given in STATISTICS.items()
        for dtype in (torch.float32, torch.float64)
        for how, said in of_correct(given, dtype)
        if said.kind != "exact"
    ]
    print("\nx named; = one of several with the same numbers, all named; . no effect, and nothing said")
    print(f"{len(failed)} of {len(MISTAKES)} mistakes x {len(STATISTICS)} statistics x 2 dtypes missed or misnamed")
    print(f"{len(alarms)} false alarms of {len(CORRECT)} correct inverses x {len(STATISTICS)} statistics x 2 dtypes")
    print("\n".join(alarms))
    return 1 if failed or alarms else 0


if __name__ == "__main__":
    sys.exit(main())
