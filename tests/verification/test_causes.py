"""The causes: what is named for a map, or for results alone, that an inverse is seen to have; without running one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from observations import FLOAT32, FLOAT64, observed

from pytest_denorm.diagnosis.causes import Cause, Causes, distinct
from pytest_denorm.diagnosis.observe import Map, Observation

Array = np.ndarray[Any, Any]
Inverse = Callable[[Array, Array, Array], Array]  # of y, mean and std

OWN = ((0.31, 0.42, 0.57), (0.21, 0.26, 0.34))  # nobody's
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def found_of(seen: Observation, slope: Any, offset: Any) -> Map:
    ones = np.ones(seen.channels)
    return Map(np.array(slope) * ones, np.array(offset) * ones, seen.y_low, seen.y_high)


def map_of(seen: Observation, inverse: Inverse) -> Map:
    """Its slope and offset, from what it makes of 0 and 1."""
    black, white = (inverse(np.full(seen.channels, y), seen.mean, seen.std) for y in (0.0, 1.0))
    return found_of(seen, white - black, black)


def said(causes: Sequence[Cause]) -> list[str]:
    """Kind and message of each, those with an equals sign that are equal to the one before."""
    return [f"{'= ' if one.equal else ''}{one.kind}: {one.message}" for one in causes]


def named(seen: Observation, found: Map) -> list[str]:
    """What is said of a map, each of which has to give that map, or both together where there are two."""
    causes = Causes(seen).of(found)
    pairs = [(one, one) for one in causes]
    if [one.equal for one in causes] == [False, False]:
        pairs = [(causes[0], causes[1])]
        assert (causes[0].offset == seen.mean).all()
        assert (causes[1].slope == seen.std).all()
    for of_std, of_mean in pairs:
        for y in (found.low, found.high):
            expected = found.slope * y + found.offset
            np.testing.assert_allclose(of_std.slope * y + of_mean.offset, expected, rtol=1e-6, atol=1e-6 * seen.white)
    return said(causes)


# --- what is said, as words ---

SMALLER = (
    "scale-255: the result is {} times too small: a division by 255 that is not undone, or values in 0..1 cast to "
    "bytes without multiplying by 255."
)
LARGER = (
    "scale-255: the result is {} times too large: a factor of 255 is applied{} that the pictures do not have. If "
    "0..255 is meant, say so: output_max=255."
)
TIMES_255, TIMES_65025 = LARGER.format(255, ""), LARGER.format(65025, " twice")
OVER_255, OVER_65025 = SMALLER.format(255), SMALLER.format(65025)
DIVIDES = (
    "divides-by-std: The inverse divides by std: y / std + mean. It has to multiply. (Or the forward multiplies by "
    "std, where it has to divide.)"
)
NOT_DIVIDED = (
    "mean-not-divided: The mean is {} before multiplying: Normalize({}mean, 1/std), or (y {} mean) * std. It has to be "
    "-mean/std there, or be added last."
)
TWICE = "not-inverted: The pipeline normalizes twice, and the inverse undoes it once: the picture is still normalized."
NO_SIGN = "= eps: An eps too small to be seen is added to the variance: its root, sqrt(std**2 + eps), has no sign."


def wrong(what: str, *lines: str) -> str:
    """Of lines of a channel, a gain, an offset, a number, the right one, and what else is said."""
    texts = []
    for line in lines:
        name, gain, offset, typed, right, *more = line.removeprefix("channel ").split()
        name = f"channel {name}" if name.isdigit() else name
        where = " in 1/std, and the right one in -mean/std" if more == ["scaled"] else ""
        slip = ", a well-known slip" if more == ["slip"] else ""
        uses = f"the inverse uses {what} {typed}{where} where the pipeline has {right}{slip}"
        texts.append(f"{name}: gain {gain}, offset {offset}: {uses}")
    return f"wrong-{what}: {'; '.join(texts)}."


def eps(power: str, name: str, side: str) -> str:
    return f"eps: An eps of {power} is added to {name} in the {side} only. Leave it out, or use it on both sides."


def rounded(decimals: str, changes: str, whose: str = "Constants are") -> str:
    """Of changes like ``red mean 0.48 0.485, red std 0.22 0.229``."""
    shown = ", ".join(" for ".join(one.rsplit(" ", 1)) for one in changes.split(", "))
    return f"rounded-constants: {whose} rounded to {decimals}: {shown}."


def quotients(decimals: str, which: str) -> str:
    return f"rounded-constants: The constants of Normalize(-mean/std, 1/std) are rounded to {decimals} ({which})."


def preset(name: str, numbers: str, own: str) -> str:
    return f"other-preset: The inverse uses the statistics of {name} ({numbers}); the pipeline has {own}."


def same(mean: str, std: str) -> str:
    return f"one-channel-for-all: Every channel gets the same statistics: mean {mean}, std {std}."


def order(how: str) -> str:
    return f"channel-order: Mean and std are applied {how}: each channel gets another channel's."


def undone(numbers: str) -> str:
    return (
        f"inverted-twice: The forward leaves the picture as it is, and the inverse undoes a Normalize with {numbers}: "
        f"it is applied to what was never normalized."
    )


PIPELINES = "The pipeline's own constants are"
OWN_NUMBERS = "mean (0.31, 0.42, 0.57), std (0.21, 0.26, 0.34)"
IMAGENETS = "mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225)"


def typed(mean: Any, std: Any) -> Inverse:
    """An inverse with numbers of its own."""
    return lambda y, m, s: y * np.array(std) + np.array(mean)


# --- mistakes without a number of their own ---

KNOWN: dict[str, tuple[Inverse, str]] = {
    "(y + m) * s": (lambda y, m, s: (y + m) * s, NOT_DIVIDED.format("added", "-", "+")),
    "(y - m) * s": (lambda y, m, s: (y - m) * s, NOT_DIVIDED.format("subtracted", "", "-")),
    "y * s": (lambda y, m, s: y * s, "missing-mean: The mean is not added: y * std alone."),
    "y * s - m": (
        lambda y, m, s: y * s - m,
        "mean-sign: The mean has the wrong sign: y * std - mean, or Normalize(mean/std, 1/std).",
    ),
    "y / s + m": (lambda y, m, s: y / s + m, DIVIDES),
    "Normalize(-m, s)": (
        lambda y, m, s: (y + m) / s,
        "divides-by-std: The inverse divides by std: Normalize(-mean, std), or (y + mean) / std. It has to be "
        "Normalize(-mean/std, 1/std).",
    ),
    "Normalize(-m/s, s)": (
        lambda y, m, s: (y - -m / s) / s,
        "divides-by-std: The inverse divides by std: Normalize(-mean/std, std). Its std has to be 1/std.",
    ),
    "y * m + s": (lambda y, m, s: y * m + s, "swapped-mean-std: Mean and std are swapped: y * mean + std."),
    "Normalize(1/s, -m/s)": (
        lambda y, m, s: (y - 1 / s) / (-m / s),
        "swapped-mean-std: Mean and std are swapped: Normalize(1/std, -mean/std).",
    ),
    "y": (
        lambda y, m, s: y,
        "not-inverted: The picture comes back as it is, still normalized: nothing is inverted.",
    ),
    "Normalize(m, s)": (
        lambda y, m, s: (y - m) / s,
        "not-inverted: The picture is normalized a second time: the inverse is another Normalize with the same mean "
        "and std.",
    ),
    "inverted twice": (
        lambda y, m, s: (y * s + m) * s + m,
        "inverted-twice: The inverse is applied twice, so that the picture loses contrast.",
    ),
    "m - y * s": (lambda y, m, s: m - y * s, "wrong-std: The std has the wrong sign: mean - y * std."),
    "x * 255": (lambda y, m, s: (y * s + m) * 255, TIMES_255),
    "y * s + m * 255": (
        lambda y, m, s: y * s + m * 255,
        "scale-255: Only the mean is multiplied by 255, and not the std.",
    ),
    "y * s * 255 + m": (
        lambda y, m, s: y * s * 255 + m,
        "scale-255: Only the std is multiplied by 255, and not the mean.",
    ),
    "y * s + m / 255": (
        lambda y, m, s: y * s + m / 255,
        "scale-255: Only the mean is divided by 255, and not the std.",
    ),
    "y * s / 255 + m": (
        lambda y, m, s: y * s / 255 + m,
        "scale-255: Only the std is divided by 255, and not the mean.",
    ),
    "x * 256 / 255": (
        lambda y, m, s: (y * s + m) * 256 / 255,
        "scale-255: The result is 256/255 of the picture: bytes are multiplied by 256 on one side and divided by 255 "
        "on the other. White is 255.",
    ),
    "x * 255 / 256": (
        lambda y, m, s: (y * s + m) * 255 / 256,
        "scale-255: The result is 255/256 of the picture: bytes are multiplied by 255 on one side and divided by 256 "
        "on the other. White is 255.",
    ),
    "y + m": (lambda y, m, s: y + m, "wrong-std: The multiplication by std is missing: y + mean."),
    "y * s * s + m": (
        lambda y, m, s: y * s * s + m,
        "wrong-std: The inverse multiplies by the square of std, the variance.",
    ),
    "y * sqrt(s) + m": (
        lambda y, m, s: y * np.sqrt(s) + m,
        "wrong-std: The inverse multiplies by the root of std, as if that were the variance.",
    ),
    "s reversed": (
        lambda y, m, s: y * s[::-1] + m,
        "channel-order: The std is applied in reversed order of channels.",
    ),
    "m reversed": (
        lambda y, m, s: y * s + m[::-1],
        "channel-order: The mean is applied in reversed order of channels.",
    ),
    "both reversed": (lambda y, m, s: y * s[::-1] + m[::-1], order("reversed")),
    "both rolled": (lambda y, m, s: y * s[[1, 2, 0]] + m[[1, 2, 0]], order("in the order (1, 2, 0)")),
}


@pytest.mark.parametrize("white", [1.0, 255.0])
@pytest.mark.parametrize("mistake", KNOWN)
def test_known_mistakes(mistake: str, white: float) -> None:
    inverse, expected = KNOWN[mistake]
    seen = observed(*OWN, white)
    assert named(seen, map_of(seen, inverse)) == [expected]


@pytest.mark.parametrize(
    ("white", "expected"),
    [
        (1.0, ["red's statistics (mean 0.31, std 0.21)", "green's std (0.26)", "blue's mean (0.57)", "1 - x"]),
        (255.0, ["red's statistics (mean 79.05, std 53.55)", "green's std (66.3)", "blue's mean (145.35)", "255 - x"]),
    ],
)
def test_known_mistakes_with_numbers(white: float, expected: list[str]) -> None:
    seen = observed(*OWN, white)
    whole, std, mean, negative = expected
    for inverse, said_of in (
        (lambda y, m, s: y * s[0] + m[0], f"one-channel-for-all: Every channel gets {whole}."),
        (lambda y, m, s: y * s[1] + m, f"one-channel-for-all: Every channel gets {std}."),
        (lambda y, m, s: y * s + m[2], f"one-channel-for-all: Every channel gets {mean}."),
        (
            lambda y, m, s: white - (y * s + m),
            f"inverted-intensity: Black and white are exchanged: the result is {negative}.",
        ),
        (
            lambda y, m, s: (y * s + m) / 255,
            OVER_255 + (" If 0..1 is meant, say so: output_max=1." if white == 255 else ""),
        ),
    ):
        assert named(seen, map_of(seen, inverse)) == [said_of]


# --- everything else that is known ---

TWO, FOUR = ((0.4, 0.3), (0.3, 0.2)), ((0.41, 0.42, 0.43, 0.44), (0.21, 0.22, 0.23, 0.24))
FIVE = ((0.41, 0.42, 0.43, 0.44, 0.45), (0.21, 0.22, 0.23, 0.24, 0.25))
QUARTERS, NEGATIVE = ((0.3, 0.4), (0.25, 0.25)), ((0.3, 0.4), (-0.5, 0.3))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
NOTHING = ((0.0,) * 3, (1.0,) * 3)
NOTHING_OF_BYTES = ((0.0,) * 3, (1 / 255,) * 3, 255.0)
HALVES = ((0.0625, 0.375), (0.25, 0.5))  # -mean/std is -0.25 and -0.75
M, S = IMAGENET


def turned(*channels: int) -> Inverse:
    return lambda y, m, s: y * s[list(channels)] + m[list(channels)]


def to_quotients(*which: float) -> Inverse:
    return lambda y, m, s: (y - np.array(which)) * s


#: Statistics of a pipeline, an inverse, and what is said of it.
NAMED: dict[str, tuple[Any, Inverse, list[str]]] = {
    "an eps": (
        OWN,
        lambda y, m, s: y * (s + 1e-5) + m,
        [eps("1e-05", "std", "inverse")],
    ),
    "an eps in the variance": (
        OWN,
        lambda y, m, s: y * np.sqrt(s**2 + 1e-5) + m,
        [eps("1e-05", "the variance", "inverse")],
    ),
    "an eps in the forward": (OWN, lambda y, m, s: y * (s - 1e-7) + m, [eps("1e-07", "std", "forward")]),
    "an eps in the variance of the forward": (
        OWN,
        lambda y, m, s: y * np.sqrt(s**2 - 1e-7) + m,
        [eps("1e-07", "the variance", "forward")],
    ),
    "a large eps": (
        OWN,
        lambda y, m, s: y * (s + 0.01) + m,
        [eps("0.01", "std", "inverse")],
    ),
    "too large for an eps": (OWN, lambda y, m, s: y * (s + 0.1) + m, []),
    "no power of ten": (OWN, lambda y, m, s: y * (s + 0.04) + m, []),
    "an eps that turns the sign": (((0.3, 0.4), (0.003, 0.004)), lambda y, m, s: y * (s - 0.01) + m, []),
    "an eps that turns one sign": (((0.3, 0.4), (0.003, 0.02)), lambda y, m, s: y * (s - 0.01) + m, []),
    "an eps that is all of a std": (((0.3, 0.4), (0.01, 0.02)), lambda y, m, s: y * (s - 0.01) + m, []),
    "an eps that is all of a variance": (
        ((0.3, 0.4), (0.01, 0.02)),
        lambda y, m, s: y * np.sqrt(s**2 - 1e-4) + m,
        [eps("0.0001", "the variance", "forward")],
    ),
    "an eps larger than a variance": (((0.4, 0.5), (0.09, 0.2)), typed((0.4, 0.5), (0.05, 0.17320508)), []),
    "0.26 for one std": (QUARTERS, lambda y, m, s: y * 0.26 + m, []),
    "0.24 for one std": (QUARTERS, lambda y, m, s: y * 0.24 + m, []),
    "0.249 for one std": (QUARTERS, lambda y, m, s: y * 0.249 + m, []),
    "0.251 for one std": (
        QUARTERS,
        lambda y, m, s: y * 0.251 + m,
        [
            eps("0.001", "std", "inverse"),
            "= " + wrong("std", "channel 0 1.004 -0.0012 0.251 0.25", "channel 1 1.004 -0.0016 0.251 0.25"),
        ],
    ),
    "an eps in one std of the forward": (
        ((0.31, 0.42), (0.251, 0.251)),
        lambda y, m, s: y * 0.25 + m,
        [
            eps("0.001", "std", "forward"),
            "= " + rounded("2 decimals", "channel 0 std 0.25 0.251, channel 1 std 0.25 0.251"),
            "= " + wrong("std", "channel 0 0.996 0.0012 0.25 0.251", "channel 1 0.996 0.0017 0.25 0.251"),
        ],
    ),
    "an eps, or another data set's std": (
        ((0.1307,), (0.3091,)),
        typed((0.1307,), (0.3081,)),
        [
            preset("mnist", "mean (0.1307,), std (0.3081,)", "mean (0.1307,), std (0.3091,)"),
            "= " + eps("0.001", "std", "forward"),
        ],
    ),
    "an eps that costs the sign alone": (NEGATIVE, lambda y, m, s: y * np.sqrt(s**2 + 1e-14) + m, []),
    "an eps that is seen in one channel": (
        ((0.3, 0.4), (-0.5, 0.001)),
        lambda y, m, s: y * np.sqrt(s**2 + 1e-14) + m,
        [eps("1e-14", "the variance", "inverse")],
    ),
    "an eps that costs all signs": (
        ((0.3, 0.4), (-0.5, -0.3)),
        lambda y, m, s: y * np.sqrt(s**2 + 1e-14) + m,
        [KNOWN["m - y * s"][1]],
    ),
    "an eps that is hardly seen": (
        ((0.3, 0.4), (0.5, 0.3)),
        lambda y, m, s: y * (s + 1e-13) + m,
        [eps("1e-13", "std", "inverse")],
    ),
    "an eps that is hardly seen, of one std": (
        ((0.3, 0.4), (0.5, 0.5)),
        lambda y, m, s: y * (s + 1e-13) + m,
        [eps("1e-13", "std", "inverse")],
    ),
    "two reversed": (TWO, turned(1, 0), [order("reversed")]),
    "two stds reversed": (TWO, lambda y, m, s: y * s[::-1] + m, [KNOWN["s reversed"][1]]),
    "two means reversed": (TWO, lambda y, m, s: y * s + m[::-1], [KNOWN["m reversed"][1]]),
    "the first of two": (
        TWO,
        lambda y, m, s: y * s[0] + m[0],
        ["one-channel-for-all: Every channel gets channel 0's statistics (mean 0.4, std 0.3)."],
    ),
    "four": (FOUR, turned(1, 0, 2, 3), [order("in the order (1, 0, 2, 3)")]),
    "four reversed": (FOUR, turned(3, 2, 1, 0), [order("reversed")]),
    "four mixed": (FOUR, turned(2, 0, 3, 1), [order("in the order (2, 0, 3, 1)")]),
    "five": (FIVE, turned(1, 0, 2, 3, 4), ["channel-order: Mean and std of channels 0 and 1 are exchanged."]),
    "five, the last": (FIVE, turned(0, 1, 4, 3, 2), ["channel-order: Mean and std of channels 2 and 4 are exchanged."]),
    "five reversed": (FIVE, turned(4, 3, 2, 1, 0), [order("reversed")]),
    "five mixed": (FIVE, turned(2, 0, 3, 1, 4), [order("in the order (2, 0, 3, 1, 4)")]),
    "five rolled": (FIVE, turned(1, 2, 3, 4, 0), [order("in the order (1, 2, 3, 4, 0)")]),
    "five, one twice": (FIVE, turned(0, 0, 2, 3, 4), []),
    "five, the stds alone": (FIVE, lambda y, m, s: y * s[[1, 0, 2, 3, 4]] + m, []),
    "five, the means alone": (FIVE, lambda y, m, s: y * s + m[[1, 0, 2, 3, 4]], []),
    "five, and another std": (
        FIVE,
        typed((0.42, 0.41, 0.43, 0.44, 0.45), (0.22, 0.21, 0.23, 0.24, 0.29)),
        [],
    ),
    "average": (
        OWN,
        lambda y, m, s: y * s.mean() + m.mean(),
        ["one-channel-for-all: Every channel gets the average statistics (mean 0.433333, std 0.27)."],
    ),
    "two forwards": (
        (np.array(OWN[0]) * (1 + np.array(OWN[1])), np.array(OWN[1]) ** 2),
        typed(*OWN),
        [TWICE],
    ),
    "two forwards with a negative std": (
        ((0.3 * 0.8, 0.4 * 1.3), (0.04, 0.09)),
        typed((0.3, 0.4), (-0.2, 0.3)),
        [TWICE],
    ),
    "right": (OWN, lambda y, m, s: y * s + m, []),
    "right, and the same in any order": (((0.0,) * 3, (0.5,) * 3), lambda y, m, s: y * s + m, []),
    # constants that are shorter
    "cut off after two decimals": (
        IMAGENET,
        typed((0.48, 0.45, 0.40), (0.22, 0.22, 0.22)),
        [
            rounded(
                "2 decimals",
                "red mean 0.48 0.485, red std 0.22 0.229, green mean 0.45 0.456, green std 0.22 0.224, "
                "blue mean 0.4 0.406, blue std 0.22 0.225",
            )
        ],
    ),
    "means cut off": (
        IMAGENET,
        typed((0.48, 0.45, 0.40), S),
        [rounded("2 decimals", "red mean 0.48 0.485, green mean 0.45 0.456, blue mean 0.4 0.406")],
    ),
    "two stds cut off, one is short": (
        ((0.48, 0.45, 0.4), (0.229, 0.22, 0.239)),
        typed((0.48, 0.45, 0.4), (0.22, 0.22, 0.23)),
        [rounded("2 decimals", "red std 0.22 0.229, blue std 0.23 0.239")],
    ),
    "one std cut off, two are short": (
        ((0.48, 0.45, 0.4), (0.229, 0.22, 0.23)),
        typed((0.48, 0.45, 0.4), (0.22, 0.22, 0.23)),
        [],
    ),
    "one mean cut off": (IMAGENET, typed((0.485, 0.45, 0.406), S), []),
    "one mean cut off beside one of 0": (((0.0, 0.456, 0.41), S), typed((0.0, 0.45, 0.41), S), []),
    "two means of three cut off": (IMAGENET, typed((0.48, 0.45, 0.406), S), []),
    "means, halves to even": (
        IMAGENET,
        typed((0.48, 0.46, 0.41), S),
        [rounded("2 decimals", "red mean 0.48 0.485, green mean 0.46 0.456, blue mean 0.41 0.406")],
    ),
    "means, halves up": (
        IMAGENET,
        typed((0.49, 0.46, 0.41), S),
        [rounded("2 decimals", "red mean 0.49 0.485, green mean 0.46 0.456, blue mean 0.41 0.406")],
    ),
    "a half of a byte, up": (
        ((100.5 / 255, 0.456, 0.406), S),
        typed((101 / 255, 116 / 255, 104 / 255), S),
        [
            rounded(
                "0 decimals on the scale of bytes",
                "red mean 0.396078 0.39411765, green mean 0.454902 0.456, blue mean 0.407843 0.406",
            )
        ],
    ),
    "a half of a byte, down": (
        ((100.5 / 255, 0.456, 0.406), S),
        typed((100 / 255, 116 / 255, 104 / 255), S),
        [
            rounded(
                "0 decimals on the scale of bytes",
                "red mean 0.392157 0.39411765, green mean 0.454902 0.456, blue mean 0.407843 0.406",
            )
        ],
    ),
    "means, in the wrong direction": (((0.48492, 0.456, 0.406), S), typed((0.49, 0.46, 0.41), S), []),
    "six decimals, in the wrong direction": (
        ((0.48512345, 0.456, 0.406), S),
        typed((0.485124, 0.456, 0.406), S),
        [],
    ),
    "stds": (
        IMAGENET,
        typed(M, (0.23, 0.22, 0.23)),
        [rounded("2 decimals", "red std 0.23 0.229, green std 0.22 0.224, blue std 0.23 0.225")],
    ),
    "one decimal": (
        ((0.485, 0.456, 0.406), (0.229, 0.318, 0.225)),
        typed((0.5, 0.5, 0.4), (0.2, 0.3, 0.2)),
        [
            rounded(
                "1 decimal",
                "red mean 0.5 0.485, red std 0.2 0.229, green mean 0.5 0.456, green std 0.3 0.318, "
                "blue mean 0.4 0.406, blue std 0.2 0.225",
            )
        ],
    ),
    "no decimal": (((0.31, 0.42, 0.57), (0.7, 0.8, 0.9)), typed((0.0, 0.0, 1.0), (1.0, 1.0, 1.0)), []),
    "whole bytes": (
        IMAGENET,
        typed(np.array([124, 116, 104]) / 255, np.array([58, 57, 57]) / 255),
        [
            rounded(
                "0 decimals on the scale of bytes",
                "red mean 0.486275 0.485, red std 0.227451 0.229, green mean 0.454902 0.456, "
                "green std 0.223529 0.224, blue mean 0.407843 0.406, blue std 0.223529 0.225",
            )
        ],
    ),
    "tenths of bytes": (
        IMAGENET,
        typed(np.array([123.7, 116.3, 103.5]) / 255, np.array([58.4, 57.1, 57.4]) / 255),
        [
            rounded(
                "1 decimal on the scale of bytes",
                "red mean 0.485098 0.485, red std 0.22902 0.229, green mean 0.456078 0.456, "
                "green std 0.223922 0.224, blue mean 0.405882 0.406, blue std 0.225098 0.225",
            )
        ],
    ),
    "six decimals": (
        CLIP,
        typed((0.481455, 0.457828, 0.408211), (0.26863, 0.261303, 0.275777)),
        [
            rounded(
                "6 decimals",
                "red mean 0.481455 0.48145466, red std 0.26863 0.26862954, green mean 0.457828 0.4578275, "
                "green std 0.261303 0.26130258, blue mean 0.408211 0.40821073, blue std 0.275777 0.27577711",
            )
        ],
    ),
    "seven decimals": (CLIP, typed((0.4814547, 0.4578275, 0.4082107), (0.2686295, 0.2613026, 0.2757771)), []),
    "the pipeline's": (
        ((0.49, 0.46, 0.41), (0.23, 0.22, 0.22)),
        typed(*IMAGENET),
        [
            rounded(
                "2 decimals",
                "red mean 0.485 0.49, red std 0.229 0.23, green mean 0.456 0.46, green std 0.224 0.22, "
                "blue mean 0.406 0.41, blue std 0.225 0.22",
                PIPELINES,
            ),
            "= " + preset("imagenet", IMAGENETS, "mean (0.49, 0.46, 0.41), std (0.23, 0.22, 0.22)"),
        ],
    ),
    "the pipeline's means": (
        ((0.4, 0.5, 0.6), (0.21, 0.26, 0.34)),
        typed((0.403, 0.498, 0.6021), (0.21, 0.26, 0.34)),
        [rounded("1 decimal", "red mean 0.403 0.4, green mean 0.498 0.5, blue mean 0.6021 0.6", PIPELINES)],
    ),
    "the pipeline's stds": (
        ((0.31, 0.42, 0.57), (0.2, 0.3, 0.4)),
        typed((0.31, 0.42, 0.57), (0.203, 0.298, 0.4021)),
        [rounded("1 decimal", "red std 0.203 0.2, green std 0.298 0.3, blue std 0.4021 0.4", PIPELINES)],
    ),
    "the pipeline's, in whole bytes": (
        (np.array([124, 116, 104]) / 255, np.array([58, 57, 57]) / 255),
        typed(*IMAGENET),
        [
            rounded(
                "0 decimals on the scale of bytes",
                "red mean 0.485 0.4862745, red std 0.229 0.22745098, green mean 0.456 0.45490196, "
                "green std 0.224 0.22352941, blue mean 0.406 0.40784314, blue std 0.225 0.22352941",
                PIPELINES,
            ),
            "= "
            + preset("imagenet", IMAGENETS, "mean (0.486275, 0.454902, 0.407843), std (0.227451, 0.223529, 0.223529)"),
        ],
    ),
    "the pipeline's, that are short on both scales": (
        ((0.2, 0.4, 0.6), (0.2, 0.4, 0.8)),
        typed((0.2011, 0.3987, 0.6013), (0.2, 0.4, 0.8)),
        [
            rounded(
                "0 decimals on the scale of bytes",
                "red mean 0.2011 0.2, green mean 0.3987 0.4, blue mean 0.6013 0.6",
                PIPELINES,
            )
        ],
    ),
    "the pipeline's, cut off": (((0.4, 0.5, 0.6), OWN[1]), typed((0.4567, 0.5678, 0.6789), OWN[1]), []),
    "the pipeline's stds, beside means of next to nothing": (
        ((0.41, 0.42, 0.43), (0.21, 0.22, 0.23)),
        typed((0.41004, 0.42003, 0.43004), (0.213, 0.222, 0.234)),
        [
            rounded(
                "2 decimals",
                "red mean 0.41004 0.41, red std 0.213 0.21, green mean 0.42003 0.42, green std 0.222 0.22, "
                "blue mean 0.43004 0.43, blue std 0.234 0.23",
                PIPELINES,
            )
        ],
    ),
    "two means of three of the pipeline's": (
        ((0.4, 0.5, 0.6), (0.21, 0.26, 0.34)),
        typed((0.403, 0.498, 0.6), (0.21, 0.26, 0.34)),
        [],
    ),
    "three means of a pipeline that has one": (
        ((0.4, 0.4, 0.4), (0.21, 0.26, 0.34)),
        typed((0.403, 0.398, 0.4021), (0.21, 0.26, 0.34)),
        [],
    ),
    "one mean, and one std, of a pipeline": (
        ((0.4, 0.4, 0.4), (0.2, 0.2, 0.2)),
        typed((0.41, 0.39, 0.405), (0.21, 0.22, 0.23)),
        [
            rounded(
                "1 decimal",
                "red mean 0.41 0.4, red std 0.21 0.2, green mean 0.39 0.4, green std 0.22 0.2, "
                "blue mean 0.405 0.4, blue std 0.23 0.2",
                PIPELINES,
            )
        ],
    ),
    "all stds, and not all means, of a pipeline": (
        ((0.4, 0.5, 0.6), (0.2, 0.3, 0.4)),
        typed((0.403, 0.498, 0.6), (0.203, 0.298, 0.4021)),
        [],
    ),
    "next to nothing for the pipeline's rounding": (
        ((0.41, 0.42, 0.43), (0.21, 0.22, 0.23)),
        lambda y, m, s: y * s + m + np.array([4e-5, 3e-5, 4.99e-5]),
        [],
    ),
    "a hundredth of the pipeline's rounding": (
        ((0.41, 0.42, 0.43), (0.21, 0.22, 0.23)),
        lambda y, m, s: y * s + m + np.array([4e-5, 3e-5, 5.03e-5]),
        [rounded("2 decimals", "red mean 0.41004 0.41, green mean 0.42003 0.42, blue mean 0.43005 0.43", PIPELINES)],
    ),
    "quotients, halves up": (HALVES, to_quotients(-0.2, -0.7), [quotients("1 decimal", "both")]),
    "quotients, halves down": (HALVES, to_quotients(-0.3, -0.8), [quotients("1 decimal", "both")]),
    "quotients, halves to even": (HALVES, to_quotients(-0.2, -0.8), [quotients("1 decimal", "both")]),
    "quotients, halves to odd": (HALVES, to_quotients(-0.3, -0.7), []),
    "quotients of no decimals": (CLIP, lambda y, m, s: (y - np.array([-2, -2, -1])) / np.array([4, 4, 4]), []),
    # one number for all
    "the same": (OWN, typed((0.4,) * 3, (0.3,) * 3), [same("0.4", "0.3")]),
    "the same, of two": (TWO, typed((0.37,) * 2, (0.33,) * 2), [same("0.37", "0.33")]),
    "the same for equal means": (
        ((0.5,) * 3, (0.2, 0.3, 0.4)),
        typed((0.37,) * 3, (0.33,) * 3),
        [same("0.37", "0.33")],
    ),
    "the same for equal stds": (
        ((0.4, 0.5, 0.6), (0.25,) * 3),
        typed((0.37,) * 3, (0.33,) * 3),
        [same("0.37", "0.33")],
    ),
    "the same for equal ones": (((0.4,) * 3, (0.25,) * 3), typed((0.37,) * 3, (0.33,) * 3), []),
    "the same for one": (((0.4,), (0.25,)), typed((0.37,), (0.33,)), []),
    "the same, of a mean of next to nothing": (OWN, typed((3e-13,) * 3, (0.3,) * 3), [same("0", "0.3")]),
    "the same, of long numbers": (OWN, typed((0.123456,) * 3, (0.345678,) * 3), [same("0.1235", "0.3457")]),
    "the same, more than 1": (OWN, typed((1.4,) * 3, (1.3,) * 3), [same("1.4", "1.3")]),
    "the same, a std below 0": (OWN, typed((0.4,) * 3, (-0.3,) * 3), []),
    "the same, a std of 0": (OWN, typed((0.4,) * 3, (0.0,) * 3), []),
    "the same, a std of 1": (OWN, typed((0.4,) * 3, (1.0,) * 3), [same("0.4", "1")]),
    "the same, a mean of 0": (OWN, typed((0.0,) * 3, (2.0,) * 3), [same("0", "2")]),
    "the same, a mean of 1": (OWN, typed((1.0,) * 3, (1.0,) * 3), [same("1", "1")]),
    "the same, a mean of -1": (OWN, typed((-1.0,) * 3, (1.0,) * 3), [same("-1", "1")]),
    "the same, nearly nothing": (OWN, typed((5e-9,) * 3, (1.0,) * 3), [same("5e-09", "1")]),
    "nothing, as it is measured": (OWN, typed((1e-14,) * 3, (1 + 1e-14,) * 3), [KNOWN["y"][1]]),
    "255 times a preset": (OWN, typed((33.3285,) * 3, (78.5655,) * 3), []),
    "256 times a preset": (OWN, typed((33.4592,) * 3, (78.8736,) * 3), [same("33.46", "78.87")]),
    # another's statistics
    "a preset of one channel": (
        OWN,
        typed((0.1307,) * 3, (0.3081,) * 3),
        [
            preset("mnist", "mean (0.1307, 0.1307, 0.1307), std (0.3081, 0.3081, 0.3081)", OWN_NUMBERS),
            "= " + same("0.1307", "0.3081"),
        ],
    ),
    "a preset of any number of channels": (
        TWO,
        typed((0.5,) * 2, (0.5,) * 2),
        [
            preset("half", "mean (0.5, 0.5), std (0.5, 0.5)", "mean (0.4, 0.3), std (0.3, 0.2)"),
            "= " + same("0.5", "0.5"),
        ],
    ),
    "a long preset": (
        OWN,
        typed(*CLIP),
        [
            preset(
                "clip",
                "mean (0.48145466, 0.4578275, 0.40821073), std (0.26862954, 0.26130258, 0.27577711)",
                OWN_NUMBERS,
            )
        ],
    ),
    "the last preset": (
        OWN,
        typed((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)),
        [preset("kinetics400", "mean (0.43216, 0.394666, 0.37645), std (0.22803, 0.22145, 0.216989)", OWN_NUMBERS)],
    ),
    "a preset of too few channels": (FOUR, typed((*M, M[0]), (*S, S[0])), []),
    # a forward that does nothing
    "no forward, a preset": (
        NOTHING,
        typed(*IMAGENET),
        [undone(f"the statistics of imagenet ({IMAGENETS})")],
    ),
    "no forward": (NOTHING, typed(*OWN), [undone(OWN_NUMBERS)]),
    "no forward, long numbers": (
        NOTHING,
        typed((0.123456, 0.2345678, 0.3), (0.345678, 0.3, 0.4)),
        [undone("mean (0.1235, 0.2346, 0.3), std (0.3457, 0.3, 0.4)")],
    ),
    "no forward, measured numbers": (
        NOTHING,
        typed((0.1, 3e-13, -3e-13), (0.3 + 3e-14, 0.4, 0.5)),
        [undone("mean (0.1, 0, 0), std (0.3, 0.4, 0.5)")],
    ),
    "no forward, one mean": (
        NOTHING,
        typed((0.1, 0.0, 0.0), (0.3, 0.31, 0.32)),
        [undone("mean (0.1, 0, 0), std (0.3, 0.31, 0.32)")],
    ),
    "no forward, no mean": (NOTHING, typed((0.0,) * 3, (0.3, 0.31, 0.32)), []),
    "no forward, a std of 0": (NOTHING, typed((0.1, 0.2, 0.3), (0.0, 0.3, 0.4)), []),
    "no forward, stds near 1 and means near 0": (
        NOTHING,
        typed((0.01, -0.04, 0.03), (1.04, 1.03, 1.02)),
        [
            rounded(
                "1 decimal",
                "red mean 0.01 0, red std 1.04 1, green mean -0.04 0, green std 1.03 1, blue mean 0.03 0, "
                "blue std 1.02 1",
                PIPELINES,
            )
        ],
    ),
    "no forward, a mean not so near 0": (
        NOTHING,
        typed((0.01, -0.06, 0.03), (1.04, 1.03, 1.02)),
        [undone("mean (0.01, -0.06, 0.03), std (1.04, 1.03, 1.02)")],
    ),
    "no forward, one std is 1": (
        NOTHING,
        typed((0.1, 0.2, 0.3), (1.0, 0.3, 0.4)),
        [undone("mean (0.1, 0.2, 0.3), std (1, 0.3, 0.4)")],
    ),
    "no forward, one std is 1, and means near 0": (
        NOTHING,
        typed((0.01, -0.04, 0.03), (1.0, 0.3, 0.4)),
        [undone("mean (0.01, -0.04, 0.03), std (1, 0.3, 0.4)")],
    ),
    "no forward, one std is 1, and all is near": (NOTHING, typed((0.01, -0.04, 0.03), (1.0, 1.03, 1.02)), []),
    "no forward, in bytes, and all is near": (NOTHING_OF_BYTES, typed((2.1, -12.2, 7.3), (1.0, 1.03, 1.02)), []),
    "no forward, in bytes": (
        NOTHING_OF_BYTES,
        typed((2.1, -13.2, 7.3), (1.0, 1.03, 1.02)),
        [undone("mean (2.1, -13.2, 7.3), std (1, 1.03, 1.02)")],
    ),
    "no forward, stds of 1": (NOTHING, typed((0.1, 0.2, 0.3), 1.0), []),
    "no forward, a std not so near 1": (
        NOTHING,
        typed((0.1, 0.2, 0.3), (1.06, 1.03, 1.02)),
        [undone("mean (0.1, 0.2, 0.3), std (1.06, 1.03, 1.02)")],
    ),
    "no forward, a std of 2": (
        NOTHING,
        typed((0.1, 0.2, 0.3), (2.0, 1.96, 2.04)),
        [undone("mean (0.1, 0.2, 0.3), std (2, 1.96, 2.04)")],
    ),
    "no forward, small stds": (
        NOTHING,
        typed((0.1, 0.2, 0.3), (0.02, 0.03, 0.04)),
        [undone("mean (0.1, 0.2, 0.3), std (0.02, 0.03, 0.04)")],
    ),
    "no forward, and nothing to undo": (NOTHING, lambda y, m, s: y, []),
    "nearly no forward": (((8e-7,) * 3, (1.000008, 1, 1)), typed(*OWN), [undone(OWN_NUMBERS)]),
    "a mean that is not nearly 0": (((2e-6, 0, 0), (1.0,) * 3), typed(*OWN), []),
    "a std that is not nearly 1": (((0.0,) * 3, (1.00002, 1, 1)), typed(*OWN), []),
    "stds of 2": (((0.0,) * 3, (2.0, 2.0, 2.0)), typed(*OWN), []),
    # a single number that is wrong may be wrong by itself
    "a mean of two": (
        TWO,
        typed((0.3, 0.3), (0.3, 0.2)),
        [
            "one-channel-for-all: Every channel gets channel 1's mean (0.3).",
            "= " + wrong("mean", "channel 0 1 -0.1 0.3 0.4"),
        ],
    ),
    "a std that is another data set's": (
        (M, (0.229, 0.224, 0.25)),
        typed(*IMAGENET),
        [
            preset("imagenet", IMAGENETS, "mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.25)"),
            "= " + wrong("std", "blue 0.9 0.041 0.225 0.25"),
        ],
    ),
    "two numbers that are another data set's": (
        (M, (0.229, 0.23, 0.25)),
        typed(*IMAGENET),
        [preset("imagenet", IMAGENETS, "mean (0.485, 0.456, 0.406), std (0.229, 0.23, 0.25)")],
    ),
    "the only mean": (
        ((0.6,), (0.5,)),
        lambda y, m, s: y * 0.5 + 0.5,
        [preset("half", "mean (0.5,), std (0.5,)", "mean (0.6,), std (0.5,)")],
    ),
    "a single sign": (
        ((0.3, 0.0), (0.5, 0.3)),
        lambda y, m, s: y * s - m,
        [KNOWN["y * s - m"][1]],
    ),
}


def test_an_eps_too_small_for_another_std_may_be_as_long() -> None:
    seen = observed((0.5,), (482.256 / 255,), 255.0, unit_roundoff=FLOAT32, slack=np.array([3e-4]))
    found = found_of(seen, seen.std - 1e-3, seen.mean)
    assert Causes(seen).is_correct(found)
    assert named(seen, found) == [eps("0.001", "std", "forward")]


@pytest.mark.parametrize("case", NAMED)
def test_what_a_map_is_named(case: str) -> None:
    statistics, inverse, expected = NAMED[case]
    seen = observed(*statistics)
    assert named(seen, map_of(seen, inverse)) == expected


@pytest.mark.parametrize("decimals", [1, 2, 3, 4, 5, 6])
def test_constants_of_a_second_normalize_are_rounded(decimals: int) -> None:
    def both(y: Array, m: Array, s: Array) -> Array:
        return (y - np.round(-m / s, decimals)) / np.round(1 / s, decimals)

    def of_mean(y: Array, m: Array, s: Array) -> Array:
        return (y - np.round(-m / s, decimals)) * s

    def of_std(y: Array, m: Array, s: Array) -> Array:
        return (y + m / s) / np.round(1 / s, decimals)

    seen = observed(*CLIP)
    for inverse, which in ((both, "both"), (of_mean, "-mean/std"), (of_std, "1/std")):
        expected = quotients(f"{decimals} decimal{'s' if decimals > 1 else ''}", which)
        assert named(seen, map_of(seen, inverse)) == ([expected] if decimals < 6 else [])


@pytest.mark.parametrize(
    ("mean", "std", "which"),
    [
        (*OWN, "mean and std are"),
        (OWN[0], None, "mean is"),
        (None, OWN[1], "std is"),
        ((0.31, 0.42, 0.5), None, "mean is"),  # a half is the same in float32
        (None, (0.21, 0.26, 0.5), "std is"),
    ],
)
def test_constants_of_float32(mean: Any, std: Any, which: str) -> None:
    def short(one: Array, changes: Any) -> Array:
        return one if changes is None else one.astype(np.float32).astype(np.float64)

    def inverse(y: Array, m: Array, s: Array) -> Array:
        return y * short(s, std) + short(m, mean)

    seen = observed(mean or OWN[0], std or OWN[1])
    assert named(seen, map_of(seen, inverse)) == [
        f"rounded-constants: In the inverse, {which} rounded to float32, and pictures are of float64: give float64 "
        f"numbers."
    ]
    for coarser in (FLOAT32, 2.0**-11):
        seen = observed(mean or OWN[0], std or OWN[1], unit_roundoff=coarser)
        assert named(seen, map_of(seen, inverse)) == []


def test_constants_on_the_scale_of_the_pictures() -> None:
    """Whole numbers are short where white is 10, and statistics of bytes are on the scale of bytes already."""
    seen = observed((0.31, 0.42, 0.57), (0.21, 0.26, 0.34), 10.0)
    changes = "red mean 3 3.1, red std 2 2.1, green mean 4 4.2, green std 3 2.6, blue mean 6 5.7, blue std 3 3.4"
    assert named(seen, map_of(seen, typed((3, 4, 6), (2, 3, 3)))) == [rounded("0 decimals", changes)]
    seen = observed(*IMAGENET, 255.0)
    changes = (
        "red mean 124 123.675, red std 58 58.395, green mean 116 116.28, green std 57 57.12, blue mean 104 103.53, "
        "blue std 57 57.375"
    )
    assert named(seen, map_of(seen, typed((124, 116, 104), (58, 57, 57)))) == [rounded("0 decimals", changes)]
    tens = observed(np.array([123.675, 116.28, 103.53]) / 255, np.array([58.395, 57.12, 67.375]) / 255, 255.0)
    assert named(tens, map_of(tens, typed((120, 120, 100), (60, 60, 70)))) == []
    third = [one / 255 for one in (31537, 29651, 26400)]  # whole numbers of 255ths, and no decimals
    assert named(seen, map_of(seen, typed(third, seen.std))) == []


def test_presets_on_the_scale_of_bytes() -> None:
    seen = observed(*OWN, 255.0)
    own = "mean (79.05, 107.1, 145.35), std (53.55, 66.3, 86.7)"
    numbers = "mean (122.77094, 116.74601, 104.09374), std (68.500533, 66.632158, 70.323163)"
    inverse = typed(np.array(CLIP[0]) * 255, np.array(CLIP[1]) * 255)
    assert named(seen, map_of(seen, inverse)) == [preset("clip", numbers, own)]
    nothing = observed((8e-7,) * 3, (1 / 255,) * 3, 255.0)
    assert named(nothing, map_of(nothing, typed((10, 20, 30), (30, 31, 32)))) == [
        undone("mean (10, 20, 30), std (30, 31, 32)")
    ]


PAIRS: dict[str, tuple[Inverse, Inverse]] = {
    "divides-by-std: The inverse divides by std.": (lambda y, m, s: 1 / s, lambda y, m, s: s),
    "wrong-std: The std is missing.": (lambda y, m, s: s / s, lambda y, m, s: s),
    "channel-order: The std is applied in reversed order of channels.": (lambda y, m, s: s[::-1], lambda y, m, s: s),
    "one-channel-for-all: Every channel gets the first channel's std.": (
        lambda y, m, s: np.full_like(s, s[0]),
        lambda y, m, s: s,
    ),
}
OF_MEAN: dict[str, Inverse] = {
    "missing-mean: The mean is not added.": lambda y, m, s: 0 * m,
    "mean-sign: The mean has the wrong sign.": lambda y, m, s: -m,
    "mean-not-divided: The mean is added before multiplying.": lambda y, m, s: m * s,
    "channel-order: The mean is applied in reversed order of channels.": lambda y, m, s: m[::-1],
    "scale-255: The mean is multiplied by 255.": lambda y, m, s: m * 255,
}
#: These two are one mistake.
OF_ONE = {
    ("wrong-std: The std is missing.", "missing-mean: The mean is not added."): [KNOWN["y"][1]],
    (
        "channel-order: The std is applied in reversed order of channels.",
        "channel-order: The mean is applied in reversed order of channels.",
    ): [order("reversed")],
    (
        "one-channel-for-all: Every channel gets the first channel's std.",
        "missing-mean: The mean is not added.",
    ): [same("0", "0.21")],
}


@pytest.mark.parametrize("of_std", PAIRS)
def test_a_mistake_with_the_std_and_another_with_the_mean(of_std: str) -> None:
    seen = observed(*OWN)
    m, s = seen.mean, seen.std
    for of_mean, offset in OF_MEAN.items():
        found = found_of(seen, PAIRS[of_std][0](s, m, s), offset(s, m, s))
        assert named(seen, found) == OF_ONE.get((of_std, of_mean), [of_std, of_mean])


# --- a factor of 255, and another mistake ---

#: The inverse of a Normalize with OWN, times a factor, and what is said beside it.
FACTORS: dict[str, tuple[Inverse, list[str]]] = {
    "a std": (typed(OWN[0], (0.21, 0.28, 0.34)), [wrong("std", "green 1.077 -0.032 0.28 0.26")]),
    "no mean": (lambda y, m, s: y * s, [KNOWN["y * s"][1]]),
    "a preset": (
        lambda y, m, s: y * 0.286 + 0.286,
        [same("0.286", "0.286")],
    ),
    "divided": (lambda y, m, s: y / s + m, [DIVIDES]),
    "swapped": (lambda y, m, s: y * m + s, [KNOWN["y * m + s"][1]]),
    "4.9 times": (lambda y, m, s: y * s * [4.9, 1, 1] + m, [wrong("std", "red 4.9 -1.2 1.029 0.21")]),
    "a fifth and a little": (lambda y, m, s: y * s * [0.21, 1, 1] + m, [wrong("std", "red 0.21 0.24 0.0441 0.21")]),
}


@pytest.mark.parametrize(
    ("factor", "white", "expected"),
    [
        (255, 1.0, TIMES_255),
        (1 / 255, 1.0, OVER_255),
        (255**2, 1.0, TIMES_65025),
        (1 / 255**2, 1.0, OVER_65025),
        (255, 255.0, TIMES_255),
        (1 / 255, 255.0, f"{OVER_255} If 0..1 is meant, say so: output_max=1."),
    ],
)
def test_a_factor_of_255_beside_another_mistake(factor: float, white: float, expected: str) -> None:
    seen = observed(*OWN, white)

    def causes(inverse: Inverse) -> list[Cause]:
        return Causes(seen).factor_of_255(map_of(seen, lambda y, m, s: inverse(y, m, s) * factor))

    (alone,) = causes(lambda y, m, s: y * s + m)
    assert said([alone]) == [expected]
    np.testing.assert_allclose(alone.slope, seen.std * factor)
    np.testing.assert_allclose(alone.offset, seen.mean * factor)
    for what in FACTORS if white == 1 else ["no mean", "divided", "swapped"]:
        inverse, beside = FACTORS[what]
        first, *others = causes(inverse)
        assert said([first, *others]) == [expected, *beside]
        np.testing.assert_allclose(first.slope, seen.std * factor)
        np.testing.assert_allclose(first.offset, seen.mean * factor)
    for unknown in ([5.5, 1, 1], [0.19, 1, 1]):  # too far off to be a number that somebody typed
        assert causes(lambda y, m, s, unknown=unknown: y * s * unknown + m) == []


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (256, "scale-255: the result is 256 times too large: it is multiplied by 256, and white is 255."),
        (1 / 256, "scale-255: the result is 256 times too small: it is divided by 256, and white is 255."),
        (254, None),
        (257, None),
        (1 / 257, None),
        (17, None),
        (1, None),
    ],
)
def test_a_factor_of_256(factor: float, expected: str | None) -> None:
    seen = observed(*OWN, 255.0)
    found = map_of(seen, lambda y, m, s: (y * s + m) * factor)
    heard = Causes(seen).factor_of_255(found)
    assert said(heard) == ([] if expected is None else [expected])
    for one in heard:
        np.testing.assert_allclose(one.slope, found.slope)
        np.testing.assert_allclose(one.offset, found.offset)


def test_the_edges_of_what_is_a_number_beside_a_factor() -> None:
    seen = observed((0.3, 0.4), (0.25, 0.5))  # whose fifths and fivefolds are exact
    for gain, line in ((5, "channel 0 5 -1.2 1.25 0.25"), (0.2, "channel 0 0.2 0.24 0.05 0.25")):
        found = Map(seen.std * [gain, 1] * 255, seen.mean * 255, seen.y_low, seen.y_high)
        assert said(Causes(seen).factor_of_255(found))[1:] == [wrong("std", line)]


@pytest.mark.parametrize(
    ("changes", "white", "more"),
    [
        ({"scale": 255.0}, 1.0, True),  # floats of 0..255 for pictures in 0..1
        ({"scale": 127.5}, 2.0, True),
        ({}, 256.0, False),
        ({}, 254.0, False),
        ({"step": 1.0}, 255.0, False),  # bytes
    ],
)
def test_where_white_may_be_1_that_is_said(changes: dict[str, float], white: float, more: bool) -> None:
    seen = observed(*OWN, white, **changes)
    heard = Causes(seen).factor_of_255(map_of(seen, lambda y, m, s: (y * s + m) / 255))
    assert said(heard) == [OVER_255 + (" If 0..1 is meant, say so: output_max=1." if more else "")]


def test_two_factors() -> None:
    seen = observed(*OWN)
    only_mean = map_of(seen, lambda y, m, s: (y * s + m * 255) * 255)
    assert said(Causes(seen).factor_of_255(only_mean)) == [TIMES_255, KNOWN["y * s + m * 255"][1]]
    without_mean = observed((0.0, 0.0), (0.1, 0.05))  # of which several mistakes are one
    found = map_of(without_mean, lambda y, m, s: y / s * 255)
    assert said(Causes(without_mean).factor_of_255(found)) == [TIMES_255, KNOWN["Normalize(m, s)"][1]]
    twice = map_of(seen, lambda y, m, s: (y / s + m) * 255**2)
    assert said(Causes(seen).factor_of_255(twice)) == [TIMES_65025, DIVIDES]


# --- constants that are read off ---

THIRDS = ((0.3, 0.4), (0.25, 0.5))


def left(names: str) -> str:
    return f"not-inverted: {names} back still normalized: nothing is inverted there."


def over(*stds: float) -> Inverse:
    """Of -mean/std with other stds."""
    return lambda y, m, s: y * s + m * s / np.array(stds)


def of_picture(gain: Any, offset: Any) -> Inverse:
    return lambda y, m, s: (y * s + m) * np.array(gain) + np.array(offset)


def elsewhere(*pairs: str) -> str:
    texts = ("{} std {} where the pipeline has {}".format(*one.split()) for one in pairs)
    shown = "; ".join(f"channel {one}" if one[0].isdigit() else one for one in texts)
    return f"= wrong-std: -mean/std is computed with another std than 1/std is: {shown}."


READ_OFF: dict[str, tuple[Any, Inverse, list[str]]] = {
    "right": (OWN, lambda y, m, s: y * s + m, []),
    "a std": (OWN, typed(OWN[0], (0.21, 0.28, 0.34)), [wrong("std", "green 1.077 -0.032 0.28 0.26")]),
    "stds": (
        OWN,
        typed(OWN[0], (0.21, 0.28, 0.36)),
        [wrong("std", "green 1.077 -0.032 0.28 0.26", "blue 1.059 -0.034 0.36 0.34")],
    ),
    "all stds": (
        OWN,
        typed(OWN[0], (0.23, 0.28, 0.36)),
        [wrong("std", "red 1.095 -0.03 0.23 0.21", "green 1.077 -0.032 0.28 0.26", "blue 1.059 -0.034 0.36 0.34")],
    ),
    "a mean": (OWN, typed((0.31, 0.4321, 0.57), OWN[1]), [wrong("mean", "green 1 0.012 0.4321 0.42")]),
    "means": (
        OWN,
        typed((0.3123, 0.4321, 0.57), OWN[1]),
        [wrong("mean", "red 1 0.0023 0.3123 0.31", "green 1 0.012 0.4321 0.42")],
    ),
    "a std and a mean": (
        OWN,
        typed((0.31, 0.42, 0.5812), (0.21, 0.28, 0.34)),
        [wrong("std", "green 1.077 -0.032 0.28 0.26"), wrong("mean", "blue 1 0.011 0.5812 0.57")],
    ),
    "a std and a mean of one channel": (
        OWN,
        typed((0.31, 0.4312, 0.57), (0.21, 0.28, 0.34)),
        [wrong("std", "green 1.077 -0.021 0.28 0.26"), wrong("mean", "green 1.077 -0.021 0.4312 0.42")],
    ),
    "of one channel": (
        ((0.4,), (0.25,)),
        of_picture(0.8, 0.1),
        [wrong("std", "grey 0.8 0.1 0.2 0.25"), wrong("mean", "grey 0.8 0.1 0.42 0.4")],
    ),
    "long numbers": (
        OWN,
        typed((0.31, 0.43218765, 0.57), (0.21, 0.28765432, 0.34)),
        [wrong("std", "green 1.106 -0.032 0.287654 0.26"), wrong("mean", "green 1.106 -0.032 0.432188 0.42")],
    ),
    "nearly right numbers": (
        OWN,
        typed((0.31, 0.42, 0.57000012), (0.21, 0.26000012, 0.34)),
        [
            wrong("std", "green 1.0000005 -1.9e-07 0.2600001 0.26"),
            wrong("mean", "blue 1 1.2e-07 0.5700001 0.57"),
        ],
    ),
    "long numbers of a pipeline": (
        CLIP,
        typed((0.5, CLIP[0][1], CLIP[0][2]), (CLIP[1][0], 0.3, CLIP[1][2])),
        [wrong("std", "green 1.148 -0.068 0.3 0.26130258"), wrong("mean", "red 1 0.019 0.5 0.48145466")],
    ),
    "numbers of a pipeline in float32": (
        ((1 / 3, 0.4), (2 / 7, 0.25)),
        typed((0.34, 0.4), (0.29, 0.25)),
        [
            wrong("std", "channel 0 1.015 0.0017 0.29 0.2857143"),
            wrong("mean", "channel 0 1.015 0.0017 0.34 0.33333334"),
        ],
    ),
    "numbers of a pipeline that are whole in float32": (
        ((1.00000001, 0.4), (3.00000001, 0.25)),
        typed((1.2, 0.4), (4.0, 0.25)),
        [wrong("std", "channel 0 1.333 -0.13 4 3"), wrong("mean", "channel 0 1.333 -0.13 1.2 1")],
    ),
    "a std of 0": (OWN, typed(OWN[0], (0.0, 0.3, 0.34)), []),
    "ten times": (THIRDS, lambda y, m, s: y * s * 10 + m, []),
    "minus ten times": (THIRDS, lambda y, m, s: y * s * -10 + m, []),
    "an eighth of a tenth": (THIRDS, lambda y, m, s: y * s / 80 + m, []),
    "ten times and a twentieth": (THIRDS, lambda y, m, s: y * s * [10, 0.05] + m, []),
    "ten times in one": (
        THIRDS,
        lambda y, m, s: y * s * [10, 2] + m,
        [wrong("std", "channel 0 10 -2.7 2.5 0.25", "channel 1 2 -0.4 1 0.5")],
    ),
    "nine and a half times": (
        THIRDS,
        lambda y, m, s: y * s * 9.5 + m,
        [wrong("std", "channel 0 9.5 -2.5 2.375 0.25", "channel 1 9.5 -3.4 4.75 0.5")],
    ),
    "an eighth": (
        THIRDS,
        lambda y, m, s: y * s * 0.125 + m,
        [wrong("std", "channel 0 0.125 0.26 0.03125 0.25", "channel 1 0.125 0.35 0.0625 0.5")],
    ),
    # brightness and contrast are no statistics
    "brightness": (
        OWN,
        of_picture(1, 0.1),
        [wrong("mean", "red 1 0.1 0.41 0.31", "green 1 0.1 0.52 0.42", "blue 1 0.1 0.67 0.57")],
    ),
    "contrast": (OWN, of_picture(0.8, 0.1), []),
    "contrast of two": (THIRDS, of_picture(0.8, 0.1), []),
    "contrast alone": (OWN, of_picture(0.8, 0), []),
    "contrast around the means": (
        OWN,
        lambda y, m, s: y * s * 0.8 + m,
        [wrong("std", "red 0.8 0.062 0.168 0.21", "green 0.8 0.084 0.208 0.26", "blue 0.8 0.11 0.272 0.34")],
    ),
    "one contrast": (
        OWN,
        of_picture(0.8, (0.1, 0.2, 0.3)),
        [
            wrong("std", "red 0.8 0.1 0.168 0.21", "green 0.8 0.2 0.208 0.26", "blue 0.8 0.3 0.272 0.34"),
            wrong("mean", "red 0.8 0.1 0.348 0.31", "green 0.8 0.2 0.536 0.42", "blue 0.8 0.3 0.756 0.57"),
        ],
    ),
    "one brightness": (
        OWN,
        of_picture((0.8, 0.7, 0.9), 0.1),
        [
            wrong("std", "red 0.8 0.1 0.168 0.21", "green 0.7 0.1 0.182 0.26", "blue 0.9 0.1 0.306 0.34"),
            wrong("mean", "red 0.8 0.1 0.348 0.31", "green 0.7 0.1 0.394 0.42", "blue 0.9 0.1 0.613 0.57"),
        ],
    ),
    "contrast of all but red": (
        OWN,
        of_picture((1, 0.8, 0.8), (0, 0.1, 0.1)),
        [
            wrong("std", "green 0.8 0.1 0.208 0.26", "blue 0.8 0.1 0.272 0.34"),
            wrong("mean", "green 0.8 0.1 0.436 0.42", "blue 0.8 0.1 0.556 0.57"),
        ],
    ),
    "contrast around the mean of red": (
        OWN,
        of_picture(0.8, 0.062),
        [
            wrong("std", "red 0.8 0.062 0.168 0.21", "green 0.8 0.062 0.208 0.26", "blue 0.8 0.062 0.272 0.34"),
            wrong("mean", "green 0.8 0.062 0.398 0.42", "blue 0.8 0.062 0.518 0.57"),
        ],
    ),
    "contrast, but for less than a thousandth": (OWN, of_picture((0.5, 0.5009, 0.5), 0.1), []),
    "contrast, but for more": (
        OWN,
        of_picture((0.5, 0.5015, 0.5), 0.1),
        [
            wrong("std", "red 0.5 0.1 0.105 0.21", "green 0.5015 0.1 0.13039 0.26", "blue 0.5 0.1 0.17 0.34"),
            wrong("mean", "red 0.5 0.1 0.255 0.31", "green 0.5015 0.1 0.31063 0.42", "blue 0.5 0.1 0.385 0.57"),
        ],
    ),
    "much contrast, but for less than a thousandth": (OWN, of_picture((4, 4.003, 4), 0.1), []),
    "much contrast, but for a thousandth of the largest": (OWN, of_picture((5, 5.005003, 5), 0.1), []),
    "much contrast, but for more": (
        OWN,
        of_picture((4, 4.005, 4), 0.1),
        [
            wrong("std", "red 4 0.1 0.84 0.21", "green 4.005 0.1 1.0413 0.26", "blue 4 0.1 1.36 0.34"),
            wrong("mean", "red 4 0.1 1.34 0.31", "green 4.005 0.1 1.7821 0.42", "blue 4 0.1 2.38 0.57"),
        ],
    ),
    # both constants of one channel, by one mistake
    "another std in 1/std alone": (OWN, of_picture((1, 0.8, 1), 0), [wrong("std", "green 0.8 0 0.208 0.26 scaled")]),
    "another std beside a mean of 0": (
        ((0.0, 0.4), (0.25, 0.5)),
        typed((0.0, 0.4), (0.3, 0.5)),
        [wrong("std", "channel 0 1.2 0 0.3 0.25")],
    ),
    "no mean beside a std of 1": (
        ((0.4, 0.3), (1.0, 0.5)),
        typed((0.0, 0.3), (1.0, 0.5)),
        [wrong("mean", "channel 0 1 -0.4 0 0.4")],
    ),
    "a std of 1 beside a mean of 0": (
        ((0.0, 0.3), (0.5, 0.25)),
        typed((0.0, 0.3), (1.0, 0.25)),
        [wrong("std", "channel 0 2 0 1 0.5")],
    ),
    "green is left out": (OWN, typed((0.31, 0, 0.57), (0.21, 1, 0.34)), [left("green comes")]),
    "two are left out": (OWN, typed((0.31, 0, 0), (0.21, 1, 1)), [left("green and blue come")]),
    "one is left out, and a std": (
        OWN,
        typed((0.31, 0, 0.57), (0.22, 1, 0.34)),
        [left("green comes"), wrong("std", "red 1.048 -0.015 0.22 0.21")],
    ),
    "one is left out, and a mean": (
        OWN,
        typed((0.32, 0, 0.57), (0.21, 1, 0.34)),
        [left("green comes"), wrong("mean", "red 1 0.01 0.32 0.31")],
    ),
    "a std of 1": (OWN, typed(OWN[0], (0.21, 1, 0.34)), [wrong("std", "green 3.846 -1.2 1 0.26")]),
    "a mean of 0": (OWN, typed((0.31, 0, 0.57), OWN[1]), [wrong("mean", "green 1 -0.42 0 0.42")]),
    "a std of 1 and a mean of 1": (
        OWN,
        typed((0.31, 1, 0.57), (0.21, 1, 0.34)),
        [wrong("std", "green 3.846 -0.62 1 0.26"), wrong("mean", "green 3.846 -0.62 1 0.42")],
    ),
    "all are left out": (
        OWN,
        lambda y, m, s: y,
        [
            wrong("std", "red 4.762 -1.5 1 0.21", "green 3.846 -1.6 1 0.26", "blue 2.941 -1.7 1 0.34"),
            wrong("mean", "red 4.762 -1.5 0 0.31", "green 3.846 -1.6 0 0.42", "blue 2.941 -1.7 0 0.57"),
        ],
    ),
    # a std, or an eps
    "no sign": (
        ((0.3, 0.4), (-0.25, 0.5)),
        lambda y, m, s: y * np.abs(s) + m,
        [wrong("std", "channel 0 -1 0.6 0.25 -0.25"), NO_SIGN],
    ),
    "no sign, and another std": (
        ((0.3, 0.4), (-0.25, 0.5)),
        typed((0.3, 0.4), (0.25, 0.6)),
        [wrong("std", "channel 0 -1 0.6 0.25 -0.25", "channel 1 1.2 -0.08 0.6 0.5")],
    ),
    "no sign, and another mean": (
        ((0.3, 0.4), (-0.25, 0.5)),
        typed((0.3, 0.45), (0.25, 0.5)),
        [wrong("std", "channel 0 -1 0.6 0.25 -0.25"), NO_SIGN, wrong("mean", "channel 1 1 0.05 0.45 0.4")],
    ),
    "an eps in one std": (
        QUARTERS,
        lambda y, m, s: y * 0.26 + m,
        [
            wrong("std", "channel 0 1.04 -0.012 0.26 0.25", "channel 1 1.04 -0.016 0.26 0.25"),
            "= " + eps("0.01", "std", "inverse"),
        ],
    ),
    "an eps in one variance": (
        QUARTERS,
        lambda y, m, s: y * np.sqrt(0.0625 + 0.001) + m,
        [
            wrong("std", "channel 0 1.008 -0.0024 0.251992 0.25", "channel 1 1.008 -0.0032 0.251992 0.25"),
            "= " + eps("0.001", "the variance", "inverse"),
        ],
    ),
    "an eps in one channel": (
        QUARTERS,
        typed((0.3, 0.4), (0.251, 0.25)),
        [wrong("std", "channel 0 1.004 -0.0012 0.251 0.25")],
    ),
    "an eps in several stds": (
        ((0.3, 0.4), (0.25, 0.5)),
        lambda y, m, s: y * (s + 0.01) + m,
        [wrong("std", "channel 0 1.04 -0.012 0.26 0.25", "channel 1 1.02 -0.008 0.51 0.5")],
    ),
    # another std in -mean/std
    "a mean over 0.255": (
        IMAGENET,
        over(0.229, 0.224, 0.255),
        [wrong("mean", "blue 1 -0.048 0.358235 0.406"), elsewhere("blue 0.255 0.225")],
    ),
    "a mean over 0.9": (
        IMAGENET,
        over(0.229, 0.224, 0.9),
        [wrong("mean", "blue 1 -0.3 0.1015 0.406"), elsewhere("blue 0.9 0.225")],
    ),
    "means over two": (
        IMAGENET,
        over(0.25, 0.224, 0.3),
        [
            wrong("mean", "red 1 -0.041 0.44426 0.485", "blue 1 -0.1 0.3045 0.406"),
            elsewhere("red 0.25 0.229", "blue 0.3 0.225"),
        ],
    ),
    "means over a short and a long one": (
        IMAGENET,
        over(0.25, 0.224, 0.34567),
        [wrong("mean", "red 1 -0.041 0.44426 0.485", "blue 1 -0.14 0.264269 0.406")],
    ),
    "a mean over 0.2551": (IMAGENET, over(0.229, 0.224, 0.2551), [wrong("mean", "blue 1 -0.048 0.358095 0.406")]),
    "a mean over -0.2": (IMAGENET, over(0.229, 0.224, -0.2), [wrong("mean", "blue 1 -0.86 -0.45675 0.406")]),
    "a mean over 1": (IMAGENET, over(0.229, 0.224, 1), [wrong("mean", "blue 1 -0.31 0.09135 0.406")]),
    "a mean over 1.2": (IMAGENET, over(0.229, 0.224, 1.2), [wrong("mean", "blue 1 -0.33 0.076125 0.406")]),
    "a mean over another std, and a std": (
        IMAGENET,
        lambda y, m, s: y * np.array([0.239, 0.224, 0.225]) + m * s / np.array([0.229, 0.224, 0.255]),
        [wrong("std", "red 1.044 -0.021 0.239 0.229"), wrong("mean", "blue 1 -0.048 0.358235 0.406")],
    ),
    "a mean over a std, of two channels": (
        ((0.3, 0.4), (0.25, 0.5)),
        over(0.3, 0.5),
        [wrong("mean", "channel 0 1 -0.05 0.25 0.3"), elsewhere("0 0.3 0.25")],
    ),
    "a mean of a pipeline that has none": (
        ((0.0, 0.4), (0.25, 0.5)),
        typed((0.1, 0.4), (0.25, 0.5)),
        [wrong("mean", "channel 0 1 0.1 0.1 0")],
    ),
    "no mean at all": (
        ((0.3, 0.4), (0.25, 0.5)),
        typed((0.0, 0.4), (0.25, 0.5)),
        [wrong("mean", "channel 0 1 -0.3 0 0.3")],
    ),
    # numbers that are no slip
    "0.2554 for 0.225": (IMAGENET, typed(M, (0.229, 0.224, 0.2554)), [wrong("std", "blue 1.135 -0.055 0.2554 0.225")]),
    "0.458 for 0.4853": (
        ((0.4853, 0.456, 0.406), S),
        typed((0.458, 0.456, 0.406), S),
        [wrong("mean", "red 1 -0.027 0.458 0.4853")],
    ),
    "0.225 for 0.255": (
        (M, (0.229, 0.224, 0.255)),
        typed(M, (0.229, 0.224, 0.225)),
        [wrong("std", "blue 0.8824 0.048 0.225 0.255")],
    ),
    "0.485 for 0.458": (
        ((0.458, 0.456, 0.406), S),
        typed(M, S),
        [wrong("mean", "red 1 0.027 0.485 0.458")],
    ),
}


@pytest.mark.parametrize("case", READ_OFF)
def test_constants_are_read_off(case: str) -> None:
    statistics, inverse, expected = READ_OFF[case]
    seen = observed(*statistics)
    found = map_of(seen, inverse)
    causes = Causes(seen).constants(found)
    assert said(causes) == expected
    # all together they make the map, each a constant of its own
    slope, offset = seen.std.copy(), seen.mean.copy()
    for one in (one for one in causes if not one.equal):
        slope = np.where(one.slope != seen.std, one.slope, slope)
        offset = np.where(one.offset != seen.mean, one.offset, offset)
    if causes:
        np.testing.assert_allclose([slope, offset], [found.slope, found.offset], atol=1e-12)
    for one in (one for one in causes if one.equal):  # the numbers of the one before, or next to them
        before = causes[causes.index(one) - 1]
        np.testing.assert_allclose([one.slope, one.offset], [before.slope, before.offset], atol=1e-12)


SLIPS = [
    ("std", 0, 0.299, "red 1.306 -0.15 0.299 0.229", "red 1.306 -38 76.245 58.395"),
    ("std", 1, 0.244, "green 1.089 -0.041 0.244 0.224", "green 1.089 -10 62.22 57.12"),
    ("std", 2, 0.255, "blue 1.133 -0.054 0.255 0.225", "blue 1.133 -14 65.025 57.375"),
    ("mean", 0, 0.458, "red 1 -0.027 0.458 0.485", "red 1 -6.9 116.79 123.675"),
    ("mean", 1, 0.465, "green 1 0.009 0.465 0.456", "green 1 2.3 118.575 116.28"),
    ("mean", 2, 0.486, "blue 1 0.08 0.486 0.406", "blue 1 20 123.93 103.53"),
]


@pytest.mark.parametrize(("what", "channel", "number", "line", "line_of_bytes"), SLIPS)
def test_well_known_slips(what: str, channel: int, number: float, line: str, line_of_bytes: str) -> None:
    numbers = {"mean": list(M), "std": list(S)}
    numbers[what][channel] = number
    for white, expected in ((1.0, line), (255.0, line_of_bytes)):
        seen = observed(*IMAGENET, white)
        found = found_of(seen, np.array(numbers["std"]) * white, np.array(numbers["mean"]) * white)
        assert said(Causes(seen).constants(found)) == [wrong(what, f"{expected} slip")]


def test_what_is_seen_of_a_std_is_no_lost_sign() -> None:
    seen = observed((0.3, 0.4), (-0.25, 0.5))  # y reaches 2.8
    plain = found_of(seen, np.abs(seen.std), seen.mean)
    for rooms, hidden in ((0.3, True), (0.7, False)):
        found = plain._replace(slope=plain.slope + np.array([rooms, 0]) * seen.resolution(plain))
        assert (NO_SIGN in said(Causes(seen).constants(found))) is hidden


def test_one_eps_is_enough() -> None:
    """Near a half, an eps in the variance is one in the std."""
    seen = observed((0.3, 0.4), (0.5, 0.5), unit_roundoff=FLOAT32)
    heard = said(Causes(seen).constants(found_of(seen, seen.std + 1e-4, seen.mean)))
    assert heard == [
        wrong("std", "channel 0 1.0002 -6e-05 0.5001 0.5", "channel 1 1.0002 -8e-05 0.5001 0.5"),
        "= " + eps("0.0001", "std", "inverse"),
    ]


def test_stds_are_held_against_rounded_ones_as_exactly_as_they_are_known() -> None:
    seen = observed(OWN[0], (0.0213, 0.0262, 0.0347), unit_roundoff=FLOAT32)  # y reaches 32
    changes = "red std 0.02 0.0213, green std 0.03 0.0262, blue std 0.03 0.0347"
    assert named(seen, found_of(seen, [0.02, 0.03, 0.03], seen.mean)) == [rounded("2 decimals", changes)]
    assert named(seen, found_of(seen, [0.02001, 0.03001, 0.03001], seen.mean)) == []
    seen = observed(OWN[0], (0.0213146, 0.0262146, 0.0347146), unit_roundoff=FLOAT32)
    changes = "red std 0.02131 0.0213146, green std 0.02621 0.0262146, blue std 0.03471 0.0347146"
    assert named(seen, found_of(seen, [0.02131, 0.02621, 0.03471], seen.mean)) == [rounded("5 decimals", changes)]


@pytest.mark.parametrize(("rooms", "kinds"), [(0, []), (1.5, []), (2.5, ["rounded-constants"])])
def test_one_factor_is_held_against_what_is_known_of_each_number(rooms: float, kinds: list[str]) -> None:
    seen = observed((0.03,), (0.02,), slack=np.array([1e-6]))
    plain = found_of(seen, 0.02 * 1.13, 0.03 * 1.13)
    reach = np.maximum(np.abs(plain.low), np.abs(plain.high))
    found = found_of(seen, plain.slope + rooms * seen.resolution(plain) / reach, plain.offset)
    assert [one.kind for one in Causes(seen).of(found)] == kinds


def test_what_cannot_be_seen_of_constants_is_not_told() -> None:
    seen = observed(*IMAGENET, slack=np.full(3, 1e-5))
    plain = found_of(seen, seen.std, [0.48, 0.46, 0.41])
    room = seen.resolution(plain)
    reach = np.maximum(np.abs(plain.low), np.abs(plain.high))
    changes = "red mean 0.48 0.485, green mean 0.46 0.456, blue mean 0.41 0.406"
    for of_std, of_mean in ((0.6, 0), (0, 0.6)):
        found = found_of(seen, plain.slope + of_std * room / reach, plain.offset + of_mean * room)
        assert said(Causes(seen).of(found)) == [rounded("2 decimals", changes)]
    near = observed((0.480001, 0.456, 0.406), S, unit_roundoff=FLOAT32)
    assert named(near, found_of(near, near.std, [0.48, 0.46, 0.41])) == [
        rounded("2 decimals", changes.replace("0.485", "0.480001"))
    ]


def test_one_mean_for_all_is_as_near_to_0_as_it_can_be_told() -> None:
    seen = observed(*OWN, slack=np.array([1e-6, 2e-6, 4e-6]))
    plain = found_of(seen, 0.3, 0.0)
    for rooms, shown in ((7.5, "0"), (8.5, f"{8.5 * float(seen.resolution(plain).max()):.1g}")):
        heard = named(seen, plain.raised(rooms * float(seen.resolution(plain).max())))
        assert heard == [same(shown, "0.3")]


@pytest.mark.parametrize(
    ("offset", "shown"),
    [(99.4, "99"), (99.5, "99.5"), (100.0, "100"), (104.56, "105"), (-104.56, "-105"), (12.34, "12")],
)
def test_offsets_have_no_exponent(offset: float, shown: str) -> None:
    seen = observed((100 / 255,), (50 / 255,), 255.0)
    (one, *_) = Causes(seen).constants(found_of(seen, 50.0, 100 + offset))
    assert one.message.startswith(f"grey: gain 1, offset {shown}: ")


def test_slips_are_told_though_bytes_are_rounded() -> None:
    seen = observed(np.array([123.68, 116.28, 103.53]) / 255, np.array([58.4, 57.12, 57.38]) / 255, 255.0)
    found = found_of(seen, [58.4, 57.12, 65.03], [116.79, 116.28, 103.53])
    assert said(Causes(seen).constants(found)) == [
        wrong("std", "blue 1.133 -14 65.03 57.38 slip"),
        wrong("mean", "red 1 -6.9 116.79 123.68 slip"),
    ]


def test_contrast_on_the_scale_of_bytes() -> None:
    seen = observed(*OWN, 255.0)
    causes = Causes(seen)
    assert causes.constants(map_of(seen, of_picture(0.5, (20, 20.1, 19.9)))) == []
    assert [one.kind for one in causes.constants(map_of(seen, of_picture(0.5, (20, 20.3, 19.9))))] == [
        "wrong-std",
        "wrong-mean",
    ]


def test_numbers_are_shown_as_exactly_as_they_are_known() -> None:
    seen = observed(*OWN, 255.0, unit_roundoff=FLOAT32)
    found = found_of(seen, [53.55, 66.4326, 86.7], [79.05, 107.1, 145.35])
    assert said(Causes(seen).constants(found)) == [wrong("std", "green 1.002 -0.21 66.4326 66.3")]
    found = found_of(seen, [53.55, 66.3, 86.7], [79.05, 207.1234, 45.3456])
    assert said(Causes(seen).constants(found)) == [
        wrong("mean", "green 1 100 207.123 107.1", "blue 1 -100 45.3456 145.35")
    ]
    found = found_of(seen, seen.std, [79.05, 107.1, 130.1234])  # for blue, -mean over a std of 96.8
    assert said(Causes(seen).constants(found)) == [wrong("mean", "blue 1 -15 130.123 145.35")]
    tiny = observed((0.3, 0.4), (0.005, 0.25), unit_roundoff=FLOAT32)  # whose normalized values reach 140
    found = found_of(tiny, [0.005678, 0.25], [0.3, 0.4])
    assert said(Causes(tiny).constants(found)) == [wrong("std", "channel 0 1.136 -0.041 0.005678 0.005")]


def test_offsets_that_are_hardly_known_are_rounded_to_one_digit_or_nothing() -> None:
    seen = observed(*OWN)
    for rooms, shown in (
        (0.4, "0"),
        (0.6, "{:.1g}"),
        (0.9, "{:.1g}"),
        (1.1, "{:.2g}"),
        (7.5, "{:.2g}"),
        (-0.6, "{:.1g}"),
    ):
        slope = seen.std * [1, 1.5, 1]
        plain = found_of(seen, slope, seen.mean * [1, 1.5, 1])
        off = rooms * float(seen.resolution(plain)[1])
        (one, *_) = Causes(seen).constants(plain._replace(offset=plain.offset + np.array([0, off, 0])))
        assert one.message.startswith(f"green: gain 1.5, offset {shown.format(off)}: the inverse uses std 0.39")


def test_means_that_are_hardly_known_are_nothing() -> None:
    seen = observed(*OWN)
    for rooms, shown in ((0.4, "0"), (0.9, "0"), (1.1, "{:.2g}"), (7.5, "{:.2g}")):
        plain = found_of(seen, seen.std, seen.mean * [1, 0, 1])
        off = rooms * float(seen.resolution(plain)[1])
        (one,) = Causes(seen).constants(plain._replace(offset=plain.offset + np.array([0, off, 0])))
        assert f" the inverse uses mean {shown.format(off)} where the pipeline has 0.42." in one.message


@pytest.mark.parametrize(
    ("value", "right", "digits", "shown"),
    [
        (0.25, 0.225, 6, "0.25"),
        (0.123456789, 0.2, 6, "0.123457"),
        (0.123456789, 0.2, 4, "0.1235"),
        (0.2250001, 0.225, 6, "0.2250001"),
        (0.225000123, 0.225, 6, "0.2250001"),
        (1.0000005, 1.0, 4, "1.0000005"),
        (1.004, 1.0, 2, "1.004"),
        (1.004, 1.02, 2, "1"),  # 1 is off by a quarter of the difference
        (1.03, 1.13, 2, "1.03"),  # and here by more than that
        (1.0, 1.0, 4, "1"),
        (0.1 + 0.2, 0.3, 4, "0.30000000000000004"),
        (0.2999999999999995, 0.3, 4, "0.2999999999999995"),
        (math.inf, 1.0, 4, "inf"),
        (math.nan, 1.0, 4, "nan"),
    ],
)
def test_as_many_digits_as_tell_a_number_from_the_right_one(
    value: float, right: float, digits: int, shown: str
) -> None:
    assert distinct(value, right, digits) == shown


# --- how near a map is ---


def test_a_map_agrees_where_it_does_at_both_ends() -> None:
    seen = observed((0.25,), (0.25,), slack=np.array([0.1]))  # y is in -1..3
    causes, found = Causes(seen), seen.correct
    room = float(seen.resolution(found)[0])
    for slope, offset, agrees in (
        (0.4, -0.4, True),
        (0.4, 0.4, False),
        (0.24, 0.24, True),
        (0, 1.01, False),
        (0, -0.99, True),
    ):
        moved = (found.slope + slope * room, found.offset + offset * room)
        assert bool(causes.agree(found, *moved)) is agrees
    assert causes.is_correct(found)
    assert not causes.is_correct(found.raised(1.1 * room))


def test_right_constants_are_counted() -> None:
    seen = observed((0.25, 0.5), (0.25, 0.5))  # y is in -1..3, and -1..1
    found = seen.correct
    room = seen.resolution(found)
    causes = Causes(seen)
    assert causes.right_constants(found) == 4
    for slopes, offsets, right in (
        ((0.3, 0), (0, 0), 4),
        ((0.7, 0), (0, 0), 3),  # more than a third, where y reaches 3
        ((0, 0.7), (0, 0), 4),
        ((0.7, 1.3), (0, 0), 2),
        ((0, 0), (1.3, 0.7), 3),
        ((1.3, 1.3), (1.3, -1.3), 0),
    ):
        off = found._replace(slope=found.slope + slopes * room, offset=found.offset + offsets * room)
        assert causes.right_constants(off) == right


def test_one_number_that_is_wrong_may_be_so_by_itself() -> None:
    """Where what the other should be is not known as well."""
    seen = observed((0.3, 0.31), (0.5, 0.3), slack=np.array([1e-5, 0.02]))
    found = found_of(seen, seen.std, seen.mean[::-1])
    assert said(Causes(seen).of(found)) == [
        "channel-order: The mean is applied in reversed order of channels.",
        "= wrong-mean: channel 0: gain 1, offset 0.01: the inverse uses mean 0.31 where the pipeline has 0.3.",
    ]


def test_the_distance_is_that_in_the_middle() -> None:
    seen = observed((0.25, 0.5), (0.25, 0.5))  # the middle of y is 1, and 0
    found = found_of(seen, seen.std + np.array([0.1, 0.3]), seen.mean + np.array([0.01, -0.05]))
    assert Causes(seen).distance(found) == pytest.approx((0.1 * 1 + 0.01 - 0.05) / 2)
    assert Causes(seen).distance(found.raised(-1)) == pytest.approx(1 - 0.03)


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ((1e-6, 1e-6), True),
        ((0.7e-6, 0.7e-6), True),
        ((0.66e-6, 0.66e-6), False),
        ((1.34e-6, 1.34e-6), True),
        ((1.4e-6, 1.4e-6), False),  # no power of ten
        ((0.4e-6, 0.4e-6), False),
        ((1e-6, 0.5e-6), False),  # the farthest channel counts
    ],
)
def test_an_error_is_named_where_that_is_much_nearer_than_no_error(added: tuple[float, float], told: bool) -> None:
    seen = observed((0.3, 0.4), (0.5, 0.3), unit_roundoff=FLOAT32, slack=np.array([2e-6, 2e-6]))
    heard = named(seen, found_of(seen, seen.std + np.array(added), seen.mean))
    assert (eps("1e-06", "std", "inverse") in heard) is told


# --- results that are clipped, wrapped or cast ---

Cast = Callable[[Array], Array]
#: From values in 0..1 to levels of bytes, and whether that truncates.
CASTS: dict[str, tuple[Cast, bool]] = {
    "rounded": (lambda x: np.clip(np.rint(x * 255), 0, 255), False),
    "truncated": (lambda x: np.clip(np.trunc(x * 255), 0, 255), True),
    "wrapped": (lambda x: np.rint(x * 255) % 256, False),
    "truncated and wrapped": (lambda x: np.trunc(x * 255) % 256, True),
}


def predicted(
    seen: Observation, z: Array, step: float = 0.0, order: Sequence[int] = ()
) -> tuple[list[str], bool] | None:
    """What is said of results alone, and whether they are truncated."""
    came = replace(seen, z=z, step=step, lowest=float(z.min()), highest=float(z.max()))
    answer = Causes(came).predicting(order or range(seen.channels))
    return None if answer is None else (said(answer[0]), answer[1])


def pictured(mean: Any, std: Any, white: float = 1.0, **changes: Any) -> Observation:
    """No pixel is black or white to the last bit."""
    seen = observed(mean, std, white, **changes)
    return replace(seen, y=(0.0013 * white + 0.997 * seen.z - seen.mean) / seen.std)


ALL_WHITE = [KNOWN["Normalize(1/s, -m/s)"][1], "= " + KNOWN["y * s + m * 255"][1]]
#: Of which so little is left that nobody can tell how it was cast.
NOTHING_LEFT = ("y * s + m * 255", "Normalize(1/s, -m/s)", "x * 255", "y * s * 255 + m")


@pytest.mark.parametrize("cast", CASTS)
def test_known_mistakes_are_told_from_bytes(cast: str) -> None:
    seen = pictured(*OWN)
    to_levels, truncated = CASTS[cast]
    for name, (inverse, expected) in (("right", (lambda y, m, s: y * s + m, "")), *KNOWN.items()):
        answer = predicted(seen, to_levels(inverse(seen.y, seen.mean, seen.std)) / 255, 1 / 255)
        wanted, cut = ([expected] if expected else []), truncated
        if "wrapped" not in cast and name in NOTHING_LEFT:
            wanted, cut = (ALL_WHITE if name in NOTHING_LEFT[:2] else wanted), False
        assert answer == (wanted, cut), name


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_known_mistakes_are_told_from_clipped_floats(white: float) -> None:
    seen = pictured(*OWN, white)
    for name, (inverse, expected) in KNOWN.items():
        values = inverse(seen.y, seen.mean, seen.std)
        for low, high in ((0, white), (0.1 * white, 0.6 * white)):
            clipped = np.clip(values, low, high)
            if name not in NOTHING_LEFT and np.ptp(clipped, axis=0).all():
                answer = predicted(seen, clipped)
                assert answer is not None, name
                assert (answer[0][0], answer[1]) == (expected, False), name
    assert predicted(seen, np.clip(seen.y * seen.std + seen.mean, 0.2 * white, 0.7 * white)) == ([], False)
    shifted = np.clip(seen.y * seen.std + seen.mean + np.array([0, 0.1, 0]) * white, 0, white)
    assert predicted(seen, shifted) is None


def test_clipped_floats_of_one_value() -> None:
    seen = pictured(*OWN)
    right = seen.y * seen.std + seen.mean
    right[:, 1] = 0.3
    assert predicted(seen, right) is None
    white = np.clip(seen.y * seen.std + seen.mean * 255, 0, 1)
    assert predicted(seen, white) == (ALL_WHITE, False)
    black = np.clip(seen.y * seen.std - seen.mean, 0, 1)
    assert (black.max(axis=0) == 0).tolist() == [False, False, True]
    assert predicted(seen, black) == ([KNOWN["y * s - m"][1]], False)


@pytest.mark.parametrize("cast", [*CASTS, "floats"])
@pytest.mark.parametrize("turn", [[2, 1, 0], [1, 2, 0], [0, 2, 1]])
def test_mistakes_are_told_of_exchanged_channels(turn: list[int], cast: str) -> None:
    """Statistics may be applied before the channels are moved, or after."""
    seen = pictured(*OWN)
    m, s = seen.mean, seen.std
    to_levels, truncated = CASTS.get(cast, (lambda x: np.clip(x, 0, 1) * 255, False))
    for name in ("y * s - m", "y * s", "(y + m) * s"):
        for inverse, expected in ((lambda y, m, s: y * s + m, []), (KNOWN[name][0], [KNOWN[name][1]])):
            for values in (inverse(seen.y, m, s)[:, turn], inverse(seen.y[:, turn], m, s)):
                z = to_levels(values) / 255
                assert predicted(seen, z, 0.0 if cast == "floats" else 1 / 255, turn) == (expected, truncated)


def shortened(decimals: int) -> Inverse:
    return lambda y, m, s: y * np.round(s, decimals) + np.round(m, decimals)


ROUND_NUMBERS: dict[str, tuple[Inverse, str]] = {
    **{
        f"eps of {power}": (
            lambda y, m, s, power=power: y * (s + power) + m,
            eps(f"{abs(power):g}", "std", "inverse" if power > 0 else "forward"),
        )
        for power in (1e-2, 1e-3, -1e-2, -1e-3)
    },
    **{
        f"eps of {power} in the variance": (
            lambda y, m, s, power=power: y * np.sqrt(s**2 + power) + m,
            eps(f"{abs(power):g}", "the variance", "inverse" if power > 0 else "forward"),
        )
        for power in (1e-2, 1e-3, -1e-2, -1e-3)
    },
    "1 decimal": (shortened(1), "rounded-constants: Constants are rounded to 1 decimal."),
    **{
        f"{digits} decimals": (shortened(digits), f"rounded-constants: Constants are rounded to {digits} decimals.")
        for digits in (2, 3, 4)
    },
    "quotients": (
        lambda y, m, s: (y - np.round(-m / s, 1)) / np.round(1 / s, 1),
        quotients("1 decimal", "both"),
    ),
}


@pytest.mark.parametrize("what", ROUND_NUMBERS)
def test_round_numbers_are_told_from_bytes(what: str) -> None:
    inverse, expected = ROUND_NUMBERS[what]
    seen = pictured((0.31457, 0.42459, 0.57341), (0.21353, 0.26247, 0.34653))
    values = inverse(seen.y, seen.mean, seen.std)
    for to_levels, truncated in CASTS.values():
        assert predicted(seen, to_levels(values) / 255, 1 / 255) == ([expected], truncated)


def test_presets_and_two_forwards_are_told_from_bytes() -> None:
    seen = pictured(*OWN)
    (heard, _) = predicted(seen, np.rint(np.clip(seen.y * 0.5 + 0.5, 0, 1) * 255) / 255, 1 / 255) or ([], False)
    assert heard == [preset("half", "mean (0.5, 0.5, 0.5), std (0.5, 0.5, 0.5)", OWN_NUMBERS)]
    m, s = (np.array(one) for one in OWN)
    twice = pictured(m * (1 + s), s**2)
    assert predicted(twice, np.rint(np.clip(twice.y * s + m, 0, 1) * 255) / 255, 1 / 255) == ([TWICE], False)


def test_many_channels_are_told_from_bytes_where_they_are_rolled_or_reversed() -> None:
    bands = np.arange(10)
    seen = pictured(0.3 + bands / 25, 0.2 + bands / 50)
    for turn in [bands[::-1], *(np.roll(bands, -k) for k in range(1, 10))]:
        z = np.clip(np.rint((seen.y * seen.std[turn] + seen.mean[turn]) * 255), 0, 255) / 255
        how = "reversed" if turn[0] == 9 and turn[1] == 8 else f"in the order {tuple(turn.tolist())}"
        assert predicted(seen, z, 1 / 255) == ([order(how)], False)


def test_whole_numbers_of_more_levels() -> None:
    seen = pictured(*OWN)
    values = seen.y * seen.std - seen.mean
    for levels in (np.clip(np.rint(values * 65535), 0, 65535), np.rint(values * 65535) % 65536):
        assert predicted(seen, levels / 65535, 1 / 65535) == ([KNOWN["y * s - m"][1]], False)


def test_bytes_times_255_wrap() -> None:
    said_of = (
        "scale-255: Bytes are multiplied by 255 a second time, and wrap: level 1 becomes 255, level 2 becomes 254."
    )
    for white in (1.0, 255.0):
        seen = pictured(*OWN, white, step=white / 255)
        levels = np.rint((seen.y * seen.std + seen.mean) * 255 / white)
        assert predicted(seen, levels * 255 % 256 * white / 255, white / 255) == ([said_of], False)
        found = found_of(seen, -seen.std, white * 256 / 255 - seen.mean)
        assert named(seen, found) == [said_of]
        for step in (0.0, white / 65535):
            other = replace(seen, step=step)
            assert said_of not in named(other, found)


@pytest.mark.parametrize("mean", [0.0, 0.5])
def test_mistakes_that_divide_by_nothing_are_left_out(mean: float) -> None:
    """A mean of 0 has no reciprocal, and some variances less an eps have no root."""
    seen = pictured((mean, 0.0), (0.05, 0.3))
    values = seen.y * 2 * seen.std + seen.mean
    for to_levels, _ in CASTS.values():
        assert predicted(seen, to_levels(values) / 255, 1 / 255) is None
    assert predicted(seen, np.clip(values, 0, 1)) is None
    assert named(seen, map_of(seen, lambda y, m, s: y * 2 * s + m)) == []


@pytest.mark.parametrize("name", ["right", "y * s - m"])
@pytest.mark.parametrize(
    ("pixels", "levels", "told"),
    [(1, 1, True), (3, 1, True), (3, -1, True), (4, 1, False), (60, 1, False), (1, 2, False), (1, -2, False)],
)
def test_three_pixels_of_six_hundred_may_go_to_the_next_level(pixels: int, levels: int, told: bool, name: str) -> None:
    seen = pictured(*OWN)
    inverse, expected = KNOWN.get(name, (lambda y, m, s: y * s + m, ""))
    for to_levels, truncated in CASTS.values():
        found = to_levels(inverse(seen.y, seen.mean, seen.std))
        among = np.flatnonzero((found > 10) & (found < 240))[:pixels]
        assert len(among) == pixels
        found.ravel()[among] += levels
        answer = predicted(seen, found / 255, 1 / 255)
        assert answer == (([expected] if expected else [], truncated) if told else None)


@pytest.mark.parametrize(
    ("moved", "off", "told"),
    [(10, 0, True), (10, 2, True), (10, 3, False), (20, 3, False), (21, 3, True), (22, 3, True), (100, 3, True)],
)
def test_a_mistake_is_told_that_is_much_nearer_than_none(moved: int, off: int, told: bool) -> None:
    """That moves so many pixels by a level; so many others are a level off, whatever explains the picture."""
    y = np.repeat([[0.0], [-2.0]], [600 - moved, moved], axis=0)
    seen = replace(observed((0.60373,), (0.2495,)), y=y)
    found = np.rint((y * 0.2505 + 0.60373) * 255)
    assert np.count_nonzero(found != np.rint((y * 0.2495 + 0.60373) * 255)) == moved
    found[:off] += 1
    answer = predicted(seen, found / 255, 1 / 255)
    assert (answer is not None and answer[0][:1] == [eps("0.001", "std", "inverse")]) is told


def test_of_what_makes_a_picture_black_the_cast_of_0_and_1_is_likeliest() -> None:
    bright = ((0.61, 0.72, 0.83), (0.21, 0.26, 0.34))
    seen = pictured(*bright)
    x = seen.y * seen.std + seen.mean
    sign = "= " + KNOWN["y * s - m"][1]
    assert predicted(seen, np.trunc(x) / 255, 1 / 255) == ([OVER_255, sign], False)  # all black
    assert predicted(seen, np.rint(x) / 255, 1 / 255) == ([OVER_255], False)
    # floats say how black they are
    assert predicted(seen, np.clip(x - 2 * seen.mean, 0, 1)) == ([sign.removeprefix("= ")], False)
    dim = pictured((2.1, 2.2, 2.3), (0.21, 0.26, 0.34))
    heard = predicted(dim, np.zeros_like(dim.y))
    assert heard is not None
    assert heard[0][0] == KNOWN["y"][1]
    assert any(one.startswith("= scale-255: ") for one in heard[0])


@pytest.mark.parametrize(("brightest", "truncated"), [(1, False), (2, False), (3, True), (4, True)])
def test_up_to_level_2_a_picture_is_black(brightest: int, truncated: bool) -> None:
    seen = pictured(*OWN)
    x = (seen.y * seen.std + seen.mean) * (brightest + 0.3)  # brighter than white
    brighter = replace(seen, y=(x - seen.mean) / seen.std)
    assert np.trunc(x).max() == brightest
    assert predicted(brighter, np.trunc(x) / 255, 1 / 255) == ([OVER_255], truncated)


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_floats_may_be_off_by_what_arithmetic_explains(white: float) -> None:
    seen = pictured(*OWN, white)
    z = np.clip(seen.y * seen.std + seen.mean, 0, 0.25 * white)
    room = 16 * FLOAT64 * (0.25 * white + white) + seen.slack[0]
    for off, pixels, told in (
        (0.99, 600, True),
        (-0.99, 600, True),
        (1.02, 600, False),
        (99.5, 3, True),
        (-99.5, 3, True),
        (50, 4, False),
        (100.5, 1, False),
    ):
        results = z.copy()
        chosen = np.flatnonzero((z > 0.01 * white) & (z < 0.24 * white))[:pixels]
        results.ravel()[chosen] += off * room
        assert (predicted(seen, results) == ([], False)) is told, off
