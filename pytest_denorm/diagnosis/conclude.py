"""The doors to the diagnosis that need arrays alone: no torch is loaded on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..core.normalization import unwarned
from ..core.text import in_levels
from ..core.tolerance import round_trip_tolerance
from .constants import Patch
from .evidence import Evidence
from .rules import Rule, Statistics
from .search import Explanation, search
from .verdict import Diagnosis, Finding
from .words import clamp_words, distinct, number, shown, unknown_words, words

__all__ = ["conclude", "explain", "explain_arrays", "parts_of", "storage"]

Array = np.ndarray[Any, Any]

#: Different levels that a map of a channel leaves, at the least.
_MANY = 16
#: What white usually is: in floats, and in integers of 8, 10, 12, 14 and 16 bits.
_WHITES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
#: How far float32 rounds a number, of it.
_SINGLE = 2.0**-24


def explain_arrays(
    y: Any, z: Any, *, mean: Any, std: Any, white: float = 1.0, output_max: float | None = None, x: Any = None
) -> Diagnosis:
    """Explain what an inverse made of normalized values.

    Args:
        y: the normalized values, (n, channels).
        z: the results, (n, channels): floats in 0..`white`, or integers.
        mean, std: of the pipeline, one number a channel, in the units of the images.
        white: the value of white in the images.
        output_max: the value of white in the results, where it is another one.
        x: the values before Normalize, (n, channels); ``y * std + mean`` unless given.

    Returns:
        The diagnosis; its kind is ``exact`` where nothing is wrong.
    """
    y, z = np.asarray(y), np.asarray(z)
    known_mean, known_std = (np.atleast_1d(np.asarray(one, dtype=np.float64)) for one in (mean, std))
    known_mean, known_std = (np.broadcast_to(one, (y.shape[1],)) for one in (known_mean, known_std))
    x = y * known_std + known_mean if x is None else x
    coarse = [np.finfo(one.dtype).eps / 2 for one in (y, z) if one.dtype.kind == "f"]
    unit = max([2.0**-45, *(float(one) for one in coarse)])
    step, scale = storage(z, white, output_max)
    known = Statistics(np.array(known_mean), np.array(known_std), white, unit < _SINGLE)
    dtype = "float64" if unit < _SINGLE else "float32" if unit <= _SINGLE else "float16"
    bound = round_trip_tolerance(unwarned(tuple(known_mean.tolist()), tuple(known_std.tolist()), white), dtype)
    slack = np.array(bound.per_channel) + (4 * unit * white if scale != 1 else 0.0)
    x, y, z = (np.asarray(one, dtype=np.float64) for one in (x, y, z))
    z = z / scale
    if not np.isfinite(z).all():
        return Diagnosis("unknown", False, np.inf, 0, 256 * y.shape[1], "the inverse gives NaN or infinite values.")
    seen = Evidence(x, y, z, known, step, unit, slack)
    level = white / 255
    on_level = np.abs(x / level - np.rint(x / level)) < 1e-4
    wrong = on_level & (np.rint(x / level) != np.rint(z / level))
    lost = sum(len(np.unique(np.rint(x[wrong[:, c], c] / level))) for c in range(seen.channels))
    return conclude(seen, explain(seen), wrong_levels=lost)


def storage(results: Array, white: float, output_max: float | None, roundoff: float = 0.0) -> tuple[float, float]:
    """Return how results are stored: the distance of two whole numbers, and the factor between results and images.

    Whole numbers may be of any dtype, and may have been divided by their white again. The distance is in the units of
    the images, and 0 where other numbers come back.

    Args:
        roundoff: how far the dtype of the results rounds a number, of it; that of `results` unless given.
    """
    if results.dtype.kind in "iub":
        most = _white_of_integers(results.dtype, white, output_max)
        return white / most, most / white
    roundoff = roundoff or float(np.finfo(results.dtype).eps)
    values = np.nan_to_num(results.astype(np.float64))
    most = output_max or white
    if _is_whole(values, roundoff):
        unless_given = white if white > 255 else 255.0
        most = unless_given if output_max is None else output_max
        return (white / most if most > _MANY else 0.0), most / white
    scale = most / white
    for whole in _WHITES:
        if _is_whole(values / (white * scale) * whole, roundoff):
            return white / whole, scale
    return 0.0, scale


def _white_of_integers(dtype: np.dtype[Any], white: float, output_max: float | None) -> float:
    if dtype.itemsize == 1:
        return 255.0
    if output_max is not None and output_max >= 255:
        return output_max
    if white > 255:
        return white
    return 65535.0 if dtype == np.uint16 else 255.0


def _is_whole(values: Array, roundoff: float) -> bool:
    """Return whether floats have been rounded to whole numbers."""
    room = np.maximum(1e-3, 2 * roundoff * np.abs(values))
    tells = room < 0.2  # a large number of a short dtype is near a whole one without anybody's rounding it
    if np.ptp(values[tells]) <= _MANY if tells.any() else True:
        return False
    return bool((np.abs(values - np.rint(values)) <= room).all())


def explain(seen: Evidence, *, exact: bool = True) -> Explanation | None:
    """Return the cheapest explanation, in the accuracy of the images; else in that of float32 constants.

    Args:
        exact: results may be right. Where they are not, and short floats hide it, less is granted to the arithmetic.
    """
    if _of_ones(seen):
        return None
    found = search(seen)
    if not exact and found is not None and found.is_right and seen.unit > _SINGLE:
        for share in (2, 4, 8):
            finer = search(replace(seen, unit=seen.unit / share, slack=seen.slack / share))
            if finer is not None and not finer.is_right:
                return finer
    if seen.unit >= _SINGLE or (found is not None and found.cost < 1.3):
        return found
    coarse = replace(seen, unit=_SINGLE, slack=np.maximum(seen.slack, 4 * _SINGLE * seen.white))
    other = search(coarse)
    if found is None or other is None:
        return found or other
    return other if other.cost < found.cost and not other.is_right else found


def _of_ones(seen: Evidence) -> bool:
    """Return whether whole numbers are 0 and 1: what is left of values in 0..1 that were cast as they are."""
    return seen.step > 0 and round(float(seen.high.max() / seen.step)) == 1


def conclude(
    seen: Evidence,
    found: Explanation | None,
    *,
    wrong_levels: int = 0,
    exact: bool | None = None,
    between: bool = False,
    beside: Sequence[Finding] = (),
    why: str = "",
    scale: float = 1.0,
    finite: bool = True,
) -> Diagnosis:
    """Return the diagnosis of what was seen.

    Args:
        found: the cheapest explanation of the pixels, if there is one.
        wrong_levels: how many of 256 levels a channel come back as another byte.
        exact: whether results are right within the tolerance; judged from the pixels unless given.
        between: values between two levels enter Normalize, and a cast loses something of them.
        beside: what was found by other means.
        why: the reason why there is no map to look for; "" where there may be one.
        scale: of the results, against the images.
        finite: all results are numbers.
    """
    error = float(np.abs(seen.z - seen.x).max()) if finite else np.inf
    total = 256 * seen.channels
    if exact is None:
        exact = bool((np.abs(seen.z - seen.x) <= seen.slack + 0.52 * seen.step).all())
    findings = list(beside)
    spoils = any(one.effect > 0 and one.kind not in ("wraps", "depends-on-batch") for one in beside)
    warning = ""
    if found is not None and _is_only_cut(found) and not wrong_levels and not between:
        exact = not spoils
        cut = words(found.way.key, {"lost": ""}, seen)
        cause, mend = cut.split(". ")[0], cut.split(". ")[-1]
        warning = f" What lies between two would lose up to half a level: {_lower(cause)}. {mend}"
        if findings:
            findings.append(Finding(found.way.kind, cut, 0.4 * seen.step))
    elif found is not None and not found.is_right:
        exact = False
        findings += parts_of(seen, found, wrong_levels, error, scale)
    if exact and not findings:
        lost = "" if not wrong_levels else f"{wrong_levels} of {total} levels come back as another byte"
        how = f"within what this dtype can hold; {lost}" if lost else f"all {total} levels come back"
        findings = [Finding("exact", f"the image comes back: {how}.{warning}", 0.0)]
    elif not exact and found is None and not spoils and _of_ones(seen):
        findings.append(Finding("scale-255", words("cast-of-ones", {}, seen), error))
    elif not exact and (found is None or found.is_right) and not spoils:
        findings.append(_unknown(seen, error, why, found is not None))
    gain, offset = composite(seen)
    first, *rest = sorted(findings, key=lambda one: -one.effect)
    also = "".join(f"\nAlso: {one.message}" for one in rest if not one.equal)
    return Diagnosis(
        first.kind, exact, error, wrong_levels, total, first.message + also, tuple(rest),
        None if gain is None else tuple(gain.tolist()), None if offset is None else tuple(offset.tolist()),
    )  # fmt: skip


def _is_only_cut(found: Explanation) -> bool:
    return found.way.kind == "truncation" and not (found.rules or found.patches or found.clamp or found.way.period)


def parts_of(
    seen: Evidence, found: Explanation, wrong_levels: int = 0, error: float = 1.0, scale: float = 1.0
) -> Iterator[Finding]:
    """Return the mistakes that an explanation is made of, each with its equals."""
    parts = found.parts
    others = [other.parts[0] for other in found.equal]
    for part in parts:
        message = _message(seen, part, found, scale)
        effect = _effect(seen, part, error)
        said = [_message(seen, other, found, scale) for other in others]
        same = "".join(f" The same numbers come about where {_lower(one)}" for one in said)
        yield Finding(part.kind, message + same, effect)
        for other, text in zip(others, said, strict=True):
            # just below its equal, so that sorting by effect keeps the two together
            yield Finding(other.kind, text, effect * (1 - 1e-9), equal=True)
    alone = not parts and found.clamp is None
    lost = f": {wrong_levels} of {256 * seen.channels} levels come back wrong" if alone and wrong_levels else ""
    if found.clamp is not None:
        yield Finding("clamped", clamp_words(found.clamp, seen), error)
    if found.way.key:
        yield Finding(found.way.kind, words(found.way.key, {"lost": lost}, seen), seen.step)
    if found.way.period:
        effect = error if alone and not found.way.key else 0.9 * seen.step
        yield Finding("wraps", words("wraps", {}, seen), effect)


def _lower(message: str) -> str:
    return message[0].lower() + message[1:]


def _message(seen: Evidence, part: Rule | Patch, found: Explanation, scale: float) -> str:
    facts = dict(part.facts)
    known = seen.known
    if part.key in ("wrong-std", "wrong-mean"):
        facts["own"] = known.std if part.key == "wrong-std" else known.mean
        gain = found.slope / known.std
        shift = found.offset - gain * known.mean
        alone = len(found.parts) == 1 or all(isinstance(one, Patch) for one in found.parts)
        alone = alone and found.order == tuple(range(seen.channels))
        facts["gain"] = [distinct(float(f"{one:.9g}"), 1.0, 4) if alone else None for one in gain]
        facts["shift"] = [_short(one, seen.white) for one in shift]
    elif part.key in ("rounded", "pipeline-rounded", "pipeline-rounded-read"):
        std, mean = (part.slope, part.offset) if isinstance(part, Patch) else part.change(known.std, known.mean)
        changes = ", ".join(_changes(seen, std, mean))
        facts["changes"] = f": {changes}" if changes else ""
    elif part.key == "over-255" and scale * seen.white == 255 and not seen.step:
        facts["meant"] = " If 0..1 is meant, say so: output_max=1."
    elif part.key == "no-forward-read":
        read_mean, read_std = (", ".join(map(number, values)) for values in (found.offset, found.slope))
        facts["numbers"] = f"mean ({read_mean}), std ({read_std})"
    return words(part.key, facts, seen)


def _short(value: float, white: float) -> str:
    value = 0.0 if abs(value) < 1e-9 * white else value
    return f"{value:.{3 if abs(value) >= 99.5 else 2}g}"


def _changes(seen: Evidence, std: Array, mean: Array) -> Iterator[str]:
    names = seen.known.names
    for c in range(seen.channels):
        for word, one, exact in (("mean", mean[c], seen.known.mean[c]), ("std", std[c], seen.known.std[c])):
            if abs(one - exact) > 1e-7 * seen.white:
                yield f"{names([c])} {word} {distinct(float(one), float(exact), 6)} for {shown(float(exact))}"


def _effect(seen: Evidence, part: Rule | Patch, error: float) -> float:
    """How far a mistake moves a pixel at most, were it the only one."""
    known = seen.known
    if isinstance(part, Rule):
        if part.order:
            return error
        slope, offset = part.change(known.std, known.mean)
    else:
        slope, offset = part.slope, part.offset
    ends = [np.abs((slope - known.std) * y + offset - known.mean) for y in (seen.y.min(axis=0), seen.y.max(axis=0))]
    return float(np.max(ends))


def composite(seen: Evidence) -> tuple[Array | None, Array | None]:
    """Return gain and offset of ``x_hat = gain * x + offset``, where each channel answers to itself alone."""
    lines = seen.lines
    if any(line.source != c or not line.affine for c, line in enumerate(lines)):
        lines = lines if seen.unwrapped is None else seen.unwrapped[0]
    if any(line.source != c or not line.affine for c, line in enumerate(lines)):
        return None, None
    gain = np.array([line.slope for line in lines]) / seen.known.std
    return gain, np.array([line.offset for line in lines]) - gain * seen.known.mean


def _unknown(seen: Evidence, error: float, why: str, is_right: bool) -> Finding:
    gain, offset = composite(seen)
    if not why:
        why = _why_unknown(seen, error, gain, offset, is_right)
    return Finding("unknown", unknown_words(seen, gain, offset, why), error)


def _why_unknown(seen: Evidence, error: float, gain: Array | None, offset: Array | None, is_right: bool) -> str:
    values = np.unique(seen.z)
    if seen.low.min() == seen.high.max() == seen.white:
        return "every image comes back white: all values run past it, and are clipped there"
    if len(values) <= 6 and gain is None:
        one = "one value comes" if len(values) == 1 else f"{len(values)} values come"
        said = ", ".join(number(value) for value in values)
        return f"only {one} back, {said}: that is a mask or a threshold, and no image"
    sources = [line.source for line in seen.lines]
    if None not in sources and len(set(sources)) < len(sources) and all(line.affine for line in seen.lines):
        names = seen.known.names
        said = ", ".join(names([c or 0]) for c in sources)
        return f"the channels of the result come from the normalized channels {said}"
    if None in sources and all(line.affine for line in seen.lines):
        return "the channels are mixed, as a conversion to gray or to another color space does"
    if is_right:
        off = in_levels(error / (seen.white / 255), 4)
        if seen.step:
            return (
                f"each constant is right as far as whole numbers show it, and pixels come back up to {off} off: "
                f"diagnose the inverse as it is before it makes them"
            )
        why = f"the map is right as far as it can be measured, and the result up to {off} off"
        return f"{why}: floats of 16 bits tell no more, so diagnose it in float32" if seen.unit > _SINGLE else why
    if gain is not None and offset is not None:
        return _of_another_white(seen, gain, offset)
    return "none of the known mistakes gives these numbers"


def _of_another_white(seen: Evidence, gain: Array, offset: Array) -> str:
    """All values are so many times too large that their white may be another of the usual ones."""
    factor, plain = float(gain.mean()), "none of the known mistakes gives these numbers"
    if np.ptp(gain) > 1e-3 * abs(factor) or np.abs(offset).max() > 1e-3 * abs(factor) * seen.white:
        return plain
    white = seen.white
    meant = next((one for one in _WHITES if one != white and abs(factor * white / one - 1) <= 1e-3), None)
    if meant is None:
        return plain
    ratio = f"{meant / white:.5g} times too large" if meant > white else f"{white / meant:.5g} times too small"
    return (
        f"the result is {ratio}, as if white was {meant:g} in it, and not {white:g}. If 0..{meant:g} is meant, say so: "
        f"output_max={meant:g}"
    )
