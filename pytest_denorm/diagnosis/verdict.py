"""What a diagnosis says: its kinds, and the classes that hold one."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["KINDS", "Diagnosis", "Finding", "jsonable"]

#: Every kind of diagnosis, and what it means.
KINDS = {
    "exact": "the image comes back",
    "rounded-constants": "mean or std is rounded on one side",
    "truncation": "bytes are truncated instead of rounded",
    "rounded-up": "bytes are rounded up instead of to the nearest",
    "wraps": "bytes are cast without a clamp, and wrap around",
    "mean-not-divided": "the mean is not divided by std, or is added before multiplying",
    "missing-mean": "the mean is not added",
    "mean-sign": "the mean has the wrong sign",
    "divides-by-std": "the inverse divides by std instead of multiplying",
    "swapped-mean-std": "mean and std are swapped, or one is used as both",
    "wrong-mean": "a mean is not the pipeline's",
    "wrong-std": "a std is not the pipeline's",
    "other-preset": "the statistics are those of another data set",
    "one-channel-for-all": "one channel's statistics are used for all",
    "channel-order": "channels, or their statistics, are in another order",
    "scale-255": "a factor of 255 is missing or doubled",
    "value-range": "values in 0..1 are taken for values in -1..1, or the reverse",
    "contrast": "all channels are multiplied by one number",
    "brightness": "one number is added to all channels",
    "not-inverted": "the image is still normalized, or normalized twice",
    "inverted-twice": "the inverse is applied twice, or to an image that was not normalized",
    "min-max": "each image is stretched to its own minimum and maximum",
    "depends-on-values": "the result for an image depends on its own values",
    "depends-on-batch": "the result for an image depends on the rest of its batch",
    "random": "the same image gives a different result the second time",
    "inverted-intensity": "black and white are exchanged",
    "clamped": "values are clamped before the inverse, or to another range than 0..white",
    "eps": "an eps is added to std on one side",
    "mutates-input": "the input is changed in place",
    "unknown": "none of the known mistakes",
}


@dataclass(frozen=True)
class Finding:
    """One mistake.

    Attributes:
        kind: one of :data:`KINDS`.
        message: what to say of it.
        effect: how far it moves a pixel at most, in the units of the images.
        equal: it is another cause of the numbers of the finding before it, which no test can tell from that one.
    """

    kind: str
    message: str
    effect: float
    equal: bool = False


@dataclass(frozen=True)
class Diagnosis:
    """What ``inverse(forward(x))`` does to x, and why.

    Attributes:
        kind: one of :data:`KINDS`; of several mistakes the one with the largest effect.
        exact: x comes back within the derived tolerance (rounded to bytes where bytes come back).
        max_abs_error: the largest ``|inverse(forward(x)) - x|``, in the units of the images.
        wrong_levels: how many of ``total_levels`` (256 a channel) come back as another byte.
        message: the mistake in words, with the channel and the numbers.
        alternatives: the other mistakes that were found, and other causes of the same numbers.
        gain, offset: of each channel, ``x_hat = gain * x + offset``; None where that is no description.
    """

    kind: str
    exact: bool
    max_abs_error: float
    wrong_levels: int
    total_levels: int
    message: str
    alternatives: tuple[Finding, ...] = ()
    gain: tuple[float, ...] | None = None
    offset: tuple[float, ...] | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; NaN and infinity become None."""
        return {key: jsonable(value) for key, value in asdict(self).items()}


def jsonable(value: Any) -> Any:
    """Return `value` as plain JSON types; NaN and infinity become None."""
    if isinstance(value, (list, tuple)):
        return [jsonable(one) for one in value]
    if isinstance(value, dict):
        return {key: jsonable(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
