"""Strategies of the statistics of a Normalize."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from hypothesis import strategies as st

from ..core.arguments import positive, whole
from ..core.normalization import PRESETS, Normalization, unwarned
from ..errors import SettingsError
from .named import Names, listed

#: Kinds of statistics: well-known ones; what data sets have; std of 0.002 to 3 times white, negative too, and means
#: outside the images; and all for which bytes come back exactly (std of 1e-20 to 1e20, means of up to 2000).
STATISTICS = ("preset", "realistic", "unusual", "extreme")


def normalizations(
    channels: int = 3, *, kind: Names = ("preset", "realistic"), pixel_max: float = 1.0
) -> st.SearchStrategy[Normalization]:
    """Statistics of a Normalize, with one mean and one std for each of so many channels.

    Args:
        channels: how many.
        kind: one or several of :data:`STATISTICS`.
        pixel_max: the value of white in the images that enter it; mean and std are drawn in these units.

    Raises:
        SettingsError: an argument is none of these.
    """
    whole(channels, "channels", SettingsError, least=1)
    kinds, white = listed(kind, STATISTICS, "kind"), positive(pixel_max, "pixel_max", SettingsError)
    return _made_statistics(channels, tuple(kinds), white)


@functools.lru_cache(maxsize=256)
def _made_statistics(channels: int, kinds: tuple[str, ...], pixel_max: float) -> st.SearchStrategy[Normalization]:
    drawn = {
        "preset": _presets(channels),
        "realistic": _pairs(channels, _decimals(0.05, 0.95), _decimals(0.02, 0.5)),
        "unusual": _pairs(channels, _decimals(-1.0, 2.0), _signed(_decimals(0.002, 3.0))),
        "extreme": _pairs(channels, _signed(_powers(-6, 3.3)), _signed(_powers(-20, 20))),
    }
    return st.one_of([drawn[name] for name in kinds]).map(lambda pair: _normalization(*pair, pixel_max))


def _normalization(mean: Sequence[float], std: Sequence[float], pixel_max: float) -> Normalization:
    return unwarned([one * pixel_max for one in mean], [one * pixel_max for one in std], pixel_max)


def _presets(channels: int) -> st.SearchStrategy[tuple[Sequence[float], Sequence[float]]]:
    plain = [((0.5,) * channels, (0.5,) * channels), ((0.0,) * channels, (1.0,) * channels)]
    return st.sampled_from(plain + [(one.mean, one.std) for one in PRESETS.values() if one.channels == channels])


def _pairs(
    channels: int, mean: st.SearchStrategy[float], std: st.SearchStrategy[float]
) -> st.SearchStrategy[tuple[Sequence[float], Sequence[float]]]:
    return st.tuples(*(st.lists(one, min_size=channels, max_size=channels) for one in (mean, std)))


def _decimals(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers as people type them, of up to four decimals; the first ones in the middle of images."""
    first, last = round(low * 10_000), round(high * 10_000)
    return st.integers(first - 5000, last - 5000).map(lambda number: (number + 5000) / 10_000)


def _powers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high).map(lambda exponent: float(10.0**exponent))


def _signed(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[float]:
    return st.tuples(st.sampled_from((1.0, -1.0)), numbers).map(lambda pair: pair[0] * pair[1])
