"""Several Normalize, one after another."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

from ..core.alone import alone
from ..core.normalization import Normalization

__all__ = ["composed", "undoes"]


def composed(steps: Sequence[Normalization]) -> Normalization:
    """``((x - m1) / s1 - m2) / s2 = (x - (m1 + s1 m2)) / (s1 s2)``

    Raises:
        StatisticsError: they are for different numbers of channels.
    """
    channels = max(one.channels for one in steps)
    total = steps[0].expand(channels)
    for one in steps[1:]:
        nxt = one.expand(channels)
        with alone(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            total = Normalization(
                tuple(m1 + s1 * m2 for m1, s1, m2 in zip(total.mean, total.std, nxt.mean, strict=True)),
                tuple(s1 * s2 for s1, s2 in zip(total.std, nxt.std, strict=True)),
                total.pixel_max,
            )
    return total


def undoes(one: Normalization, other: Normalization) -> bool:
    """Whether `one` has mean ``-mean / std`` and std ``1 / std`` of `other`, which takes off what it adds."""
    if one.channels != other.channels or sum(one.mean) >= sum(other.mean):
        return False
    both = composed([other, one])
    is_zero = all(math.isclose(mean, 0, abs_tol=1e-3 * other.pixel_max) for mean in both.mean)
    return is_zero and all(math.isclose(std, 1, rel_tol=1e-3) for std in both.std)
