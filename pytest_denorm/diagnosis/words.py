"""What is said of each mistake: the cause first, with channel and numbers, then the mend in code."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.text import channel_name
from .clamps import Clamp
from .evidence import Evidence, snap

__all__ = ["TEMPLATES", "clamp_words", "distinct", "number", "shown", "unknown_words", "words"]

Array = np.ndarray[Any, Any]

#: One template for each key of a rule, of a constant that was read off, or of a way of storing.
TEMPLATES = {
    # the std
    "std-missing": "The multiplication by std is missing: y + mean. Use y * std + mean.",
    "std-squared": "The inverse multiplies by the square of std, the variance. Use y * std + mean.",
    "std-root": "The inverse multiplies by the root of std, as if std were the variance. Use y * std + mean.",
    "std-sign": "The std has the wrong sign: mean - y * std. Use y * std + mean.",
    "mean-for-std": "The mean stands for the std, too: y * mean. Use y * std + mean.",
    "std-times-255": "Only the std is multiplied by 255, and not the mean. Keep both in the units of the images.",
    "std-over-255": "Only the std is divided by 255, and not the mean. Keep both in the units of the images.",
    # the mean
    "mean-missing": "The mean is not added: y * std alone. Use y * std + mean.",
    "mean-sign": (
        "The mean has the wrong sign: y * std - mean, or Normalize(mean/std, 1/std). Use y * std + mean, or "
        "Normalize(-mean/std, 1/std)."
    ),
    "std-for-mean": "The std stands for the mean, too: y * std + std. Use y * std + mean.",
    "mean-times-255": "Only the mean is multiplied by 255, and not the std. Keep both in the units of the images.",
    "mean-over-255": "Only the mean is divided by 255, and not the std. Keep both in the units of the images.",
    # both
    "swapped": "Mean and std are swapped: y * mean + std. Use y * std + mean.",
    "swapped-quotients": "Mean and std are swapped: Normalize(1/std, -mean/std). Use Normalize(-mean/std, 1/std).",
    "forward-twice": (
        "The pipeline normalizes twice, and the inverse undoes it once: the image is still normalized. Normalize once."
    ),
    "statistics-of-minus-one": (
        "The inverse uses 2 * std and 2 * mean - {white}, the statistics of images in -{white}..{white}. Use std "
        "and mean."
    ),
    "float32": "In the inverse, {what} rounded to float32, and the images are float64. Use float64 numbers.",
    "eps": "An eps of {power:g} is added to {what} in {side} only. Leave it out, or use it on both sides.",
    "statistics-order": (
        "In the inverse, {what} {how}: each channel gets another channel's. Keep the order of the pipeline."
    ),
    "one-for-all": "Every channel gets {whose} {what} ({numbers}). Give each channel its own.",
    "same-for-all": (
        "Every channel gets the same statistics: mean {mean:.4g}, std {std:.4g}. Give each channel its own."
    ),
    "rounded": (
        "The constants of the inverse are rounded to {decimals}{scale}{changes}. Use all digits of the pipeline."
    ),
    "rounded-quotients": (
        "The constants of Normalize(-mean/std, 1/std) are rounded to {decimals} ({what}). Compute them in code."
    ),
    "pipeline-rounded": (
        "The pipeline's own constants are rounded to {decimals}{scale}, and the inverse uses those of "
        "{name}{changes}. Use the same digits on both sides."
    ),
    "pipeline-rounded-read": (
        "The pipeline's own constants are rounded to {decimals}{changes}. Use the same digits on both sides."
    ),
    "other-preset": (
        "The inverse uses the statistics of {name} ({numbers}); the pipeline has {own}. Use the pipeline's."
    ),
    "no-forward": (
        "The forward leaves the image as it is, and the inverse undoes a Normalize with the statistics of {name} "
        "({numbers}): it is applied to what was never normalized."
    ),
    "no-forward-read": (
        "The forward leaves the image as it is, and the inverse undoes a Normalize with {numbers}: it is applied "
        "to what was never normalized."
    ),
    # the formula
    "add-first": (
        "The mean is added before multiplying: Normalize(-mean, 1/std), or (y + mean) * std. Use "
        "Normalize(-mean/std, 1/std), or y * std + mean."
    ),
    "subtract-first": (
        "The mean is subtracted before multiplying: Normalize(mean, 1/std), or (y - mean) * std. Use "
        "Normalize(-mean/std, 1/std), or y * std + mean."
    ),
    "mean-divided": "The mean is divided by std, and added last: y * std + mean/std. Use y * std + mean.",
    "divides": (
        "The inverse divides by std: y / std + mean. Use y * std + mean. (Or the forward multiplies by std, where "
        "it has to divide.)"
    ),
    "divides-add-first": (
        "The inverse divides by std: Normalize(-mean, std), or (y + mean) / std. Use Normalize(-mean/std, 1/std)."
    ),
    "divides-twice": "The inverse divides by std: Normalize(-mean/std, std). Use Normalize(-mean/std, 1/std).",
    "untouched": "The image comes back as it is, still normalized: nothing is inverted. Use y * std + mean.",
    "normalized-again": (
        "The image is normalized a second time: the inverse is another Normalize with the same mean and std. Use "
        "Normalize(-mean/std, 1/std)."
    ),
    "inverted-twice": "The inverse is applied twice, so that the image loses contrast. Apply it once.",
    "channel-untouched": "{names} still normalized: nothing is inverted there.",
    # what is done to the result
    "negative": "Black and white are exchanged: the result is {white} - x. Return x.",
    "to-minus-one": (
        "The result is 2 * x - {white}: values in 0..{white} become values in -{white}..{white}. Return x."
    ),
    "from-minus-one": (
        "The result is (x + {white}) / 2, as if x were in -{white}..{white}. After y * std + mean it is in "
        "0..{white}: return x."
    ),
    "contrast": "All channels are multiplied by {gain:.6g}: a contrast that the inverse adds. Leave it out.",
    "brightness": "{shift:.4g} is added to all channels: a brightness that the inverse adds. Leave it out.",
    "times-255": (
        "The result is 255 times too large: a factor of 255 is applied that the images do not have. Leave it out. "
        "If 0..255 is meant, say so: output_max=255."
    ),
    "over-255": (
        "The result is 255 times too small: a division by 255 that is not undone, or values in 0..1 cast to bytes "
        "without multiplying by 255.{meant}"
    ),
    "times-256": (
        "The result is 256 times too large: it is multiplied by 256. White is 255: multiply by 255, if at all."
    ),
    "over-256": "The result is 256 times too small: it is divided by 256. White is 255: divide by 255, if at all.",
    "256-over-255": (
        "The result is 256/255 of the image: bytes are multiplied by 256 on one side and divided by 255 on the "
        "other. White is 255: use 255 on both."
    ),
    "255-over-256": (
        "The result is 255/256 of the image: bytes are multiplied by 255 on one side and divided by 256 on the "
        "other. White is 255: use 255 on both."
    ),
    "times-255-twice": (
        "The result is 65025 times too large: a factor of 255 is applied twice that the images do not have. Leave "
        "it out. If 0..255 is meant, apply it once and say so: output_max=255."
    ),
    "over-255-twice": "The result is 65025 times too small: a division by 255 is applied twice and not undone.",
    "result-order": "The channels come back {how}. Keep the order of the pipeline.",
    "input-order": (
        "The normalized channels are taken {how} before the inverse, and mean and std are not. Keep the order of "
        "the pipeline."
    ),
    # how results are stored
    "truncated": (
        "{Kind} are truncated instead of rounded{lost}. What lies between two levels loses half a level on average. "
        "Round before the cast: {mend}."
    ),
    "truncated-255.5": (
        "{Kind} are 255.5 * x, truncated instead of rounded{lost}. That loses half a level near black. Round before "
        "the cast: {mend}."
    ),
    "rounded-up": (
        "{Kind} are rounded up (ceil), or 0.5 is added before they are rounded: they come back half a level too "
        "high{lost}. Do one of the two, and round to the nearest: {mend}."
    ),
    "wraps": (
        "{Kind} are cast without a clamp, so that {turn} becomes 0 and -1 becomes {most}. Clamp before the cast: "
        "{mend}."
    ),
    "cast-of-ones": (
        "The {kind} that come back are 0 and 1: values in 0..1 were cast without multiplying by {most}. Use {mend}."
    ),
    # constants that were read off
    "wrong-std": "{lines}. Use the pipeline's own std.",
    "wrong-mean": "{lines}. Use the pipeline's own mean.",
}

#: Slips that are found again and again in published code: what was typed, and what was meant (ImageNet).
_KNOWN_SLIPS = {
    (0.255, 0.225),
    (0.299, 0.229),
    (0.244, 0.224),
    (0.458, 0.485),
    (0.465, 0.456),
    (0.486, 0.406),
}


def words(key: str, facts: Mapping[str, Any], seen: Evidence) -> str:
    """Fill in the template of `key` with the facts of a rule, and with those of what was seen."""
    return TEMPLATES[key].format_map({**_facts(key, facts, seen), **_storage(seen)})


def _storage(seen: Evidence) -> dict[str, str]:
    """What is said of whole numbers: how they are called, and how to make them."""
    steps = seen.steps if seen.step else 255
    dtype = "torch.uint8" if steps <= 255 else "torch.uint16" if steps <= 65535 else "torch.int32"
    factor = "" if seen.white == steps else f".mul({steps / seen.white:.8g})"
    return {
        "kind": "bytes" if steps == 255 else "integers",
        "Kind": "Bytes" if steps == 255 else "Integers",
        "turn": f"{256 if steps <= 255 else 65536}",
        "most": f"{steps}",
        "mend": f"x{factor}.round().clamp(0, {steps}).to({dtype})",
    }


def _facts(key: str, facts: Mapping[str, Any], seen: Evidence) -> dict[str, Any]:
    said = {"white": f"{seen.white:g}", "changes": "", "meant": "", "lost": "", **facts}
    if key in ("result-order", "input-order"):
        said["how"] = "reversed (BGR for RGB)" if facts["backwards"] else f"in another order: {facts['names']}"
    elif key in ("wrong-std", "wrong-mean"):
        said["lines"] = "; ".join(_constant_lines(key.removeprefix("wrong-"), facts, seen))
    elif key == "channel-untouched":
        left = np.flatnonzero(facts["channels"])
        said["names"] = f"{seen.known.names(left.tolist())} {'comes' if len(left) == 1 else 'come'} back"
    return said


def _constant_lines(word: str, facts: Mapping[str, Any], seen: Evidence) -> list[str]:
    """``blue std is 0.255 where the pipeline has 0.225``: one line for each number that was read off."""
    names: dict[str, list[str]] = {}
    for c in np.flatnonzero(facts["channels"]):
        typed, right, own = (float(facts[name][c]) for name in ("typed", "right", "own"))
        slip = (round(typed / seen.white, 4), round(own / seen.white, 4)) in _KNOWN_SLIPS
        where = " in 1/std, and right in -mean/std" if word == "std" and facts["scaled"][c] else ""
        expected = f"where the pipeline has {shown(own)}"
        if not math.isclose(right, own, rel_tol=1e-9, abs_tol=1e-12 * seen.white):
            expected += f", or {shown(right)} with what else is wrong"
        gain, shift = facts["gain"][c], facts["shift"][c]
        line = f"{word} is {distinct(typed, right, 6)}{where} {expected}{', a well-known slip' if slip else ''}"
        if gain is not None:
            line += f" (gain {gain}, offset {shift})"
        names.setdefault(line, []).append(channel_name(int(c), seen.channels))
    return [f"{', '.join(channels)} {line}" for line, channels in names.items()]


def clamp_words(clamp: Clamp, seen: Evidence) -> str:
    """Say where values are clamped, what is lost, and what to do instead."""
    channels = [c for c in range(seen.channels) if math.isfinite(clamp.low[c]) or math.isfinite(clamp.high[c])]
    lost = {c: _lost(clamp.low[c], clamp.high[c], seen) for c in channels}
    kept = lost[channels[0]]
    if len(set(lost.values())) > 1:
        side = kept.split()[0] + " "
        kept = side + ", ".join(
            f"{one.removeprefix(side)} ({channel_name(c, seen.channels)})" for c, one in lost.items()
        )
    whose = "" if len(channels) == seen.channels else f"{', '.join(channel_name(c, seen.channels) for c in channels)}: "
    where = "after the inverse, to another range than the images'"
    if clamp.before is not None:
        where = f"in the normalized space (to {_end(clamp.before[0], seen)}..{_end(clamp.before[1], seen)})"
        where += " before the inverse"
    return (
        f"{whose}values are clamped {where}, so that what lies {kept} is lost. Clamp after the inverse, to "
        f"0..{seen.white:g}."
    )


def _lost(low: float, high: float, seen: Evidence) -> str:
    if not math.isfinite(low):
        return f"above {_end(high, seen)}"
    if not math.isfinite(high):
        return f"below {_end(low, seen)}"
    return f"outside {_end(low, seen)}..{_end(high, seen)}"


def _end(value: float, seen: Evidence) -> str:
    """The end of a clamp: 0 and not 9.8e-10; nothing where there is none."""
    return number(snap(value, 1e-4 * seen.white)) if math.isfinite(value) else ""


def unknown_words(seen: Evidence, gain: Array | None, offset: Array | None, why: str) -> str:
    """Say what is known of a map that no rule explains, channel by channel."""
    lines = []
    for c, line in enumerate(seen.lines):
        name = channel_name(c, seen.channels)
        if not line.affine:
            lines.append(f"{name}: no affine map, off by up to {number(line.residual)}")
        elif gain is not None and offset is not None:
            room = float(seen.room(np.array(line.slope), np.array(line.offset))[c]) + 0.02 * seen.step
            shift = snap(float(offset[c]), room)
            lines.append(f"{name}: gain {distinct(snap(float(gain[c]), 1e-7), 1.0, 4)}, offset {number(shift)}")
        else:
            noise = 1e-6 * float(np.abs(line.row).max())
            row = ", ".join(number(snap(float(one), noise)) for one in line.row)
            lines.append(f"{name}: ({row}) times the normalized channels, offset {number(snap(line.offset, noise))}")
    return f"{why}. {'; '.join(lines)}."


def number(value: float) -> str:
    """Return four significant digits."""
    return f"{value + 0.0:.4g}"


def shown(value: float) -> str:
    """Return what was typed; else the shortest decimal that float32 cannot tell from `value`: 0.225, not 0.22499999."""
    typed = f"{value:.8g}"
    return typed if float(typed) == value else np.format_float_positional(np.float32(value), trim="-")


def distinct(value: float, right: float, digits: int) -> str:
    """Return `value` with so many significant digits, or as many more as show how far it is from `right`."""
    if not math.isfinite(value):
        return f"{value}"
    texts = (f"{value:.{count}g}" for count in itertools.count(digits))
    return next(one for one in texts if abs(float(one) - value) <= abs(value - right) / 4)
