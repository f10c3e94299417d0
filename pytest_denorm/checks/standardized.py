"""Are the statistics of a Normalize those of the images that enter it?

After the right Normalize every channel has mean 0 and std 1.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch.utils.data

from ..core.alone import alone
from ..core.normalization import Normalization, format_numbers
from ..core.preset_match import PRESET_TOLERANCE, PresetMatch, match_preset, nearest_preset
from ..core.statistics import Statistics
from ..core.text import channel_name
from ..errors import DatasetError, StatisticsWarning
from ..pipelines.batches import data_set_of, is_indexed, is_loader
from ..pipelines.tally import sample_statistics

__all__ = ["TOLERANCE", "Standardization", "Z", "measure_standardization", "normalized_again", "standardization"]

#: How far mean and std may be from 0 and 1 however many images there are: statistics published with two digits, or
#: of another split of the same data. CIFAR-10's images under CIFAR-100's statistics are off by 0.08.
TOLERANCE = 0.05
#: Standard errors allowed on top: 4 are exceeded by chance once in 16,000 comparisons.
Z = 4.0
#: A few images are near to many presets: none is named that is further away, as presets are from one another.
_FURTHEST = 0.05
#: A Normalize is said to use a preset when no number differs by more: presets are written with 3 to 8 digits.
_SAME = 0.0006
#: How far two samples of the same images may be apart, in units of their std.
_APART = 0.35


@dataclass(frozen=True)
class Standardization:
    """Whether normalized images have mean 0 and std 1.

    Attributes:
        ok: every channel is within its bounds.
        statistics: of the normalized images.
        mean_bounds, std_bounds: how far the mean of each channel may be from 0, and the std from 1:
            ``TOLERANCE + Z * standard error``, the latter from the scatter between images.
        used: the Normalize as it is.
        right: the Normalize as these images want it; None where a channel has one value everywhere.
        fits: the preset that `right` is near to, or None.
        uses: the preset that `used` is, or None.
        by_mean_of_stds: the std of `used` is the mean of the images' own stds, a well-known mistake.
        twice: mean and std are what a second Normalize with the numbers of `used` makes of 0 and 1.

    :attr:`message` says all this in words, with the numbers to paste.
    """

    ok: bool
    statistics: Statistics
    mean_bounds: tuple[float, ...]
    std_bounds: tuple[float, ...]
    used: Normalization
    right: Normalization | None
    fits: PresetMatch | None
    uses: str | None
    by_mean_of_stds: bool
    twice: bool = False

    @property
    def message(self) -> str:
        return _message(self)

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe."""
        return {
            "ok": self.ok,
            "pictures": self.statistics.pictures,
            "mean": list(self.statistics.mean),
            "std": list(self.statistics.std),
            "mean_bounds": list(self.mean_bounds),
            "std_bounds": list(self.std_bounds),
            "right_mean": None if self.right is None else list(self.right.mean),
            "right_std": None if self.right is None else list(self.right.std),
            "fits_preset": None if self.fits is None else self.fits.name,
            "uses_preset": self.uses,
            "by_mean_of_stds": self.by_mean_of_stds,
            "twice": self.twice,
        }


def standardization(
    normalized: Statistics, used: Normalization, *, tolerance: float = TOLERANCE, z: float = Z
) -> Standardization | None:
    """Judges the statistics of normalized images: is every channel's mean 0 and its std 1?

    The bound on each is ``tolerance + z * standard error``. The standard error is that of a sample of images
    (:attr:`Statistics.standard_error_of_mean`), because the pixels of one image resemble each other; it tells how
    far the statistics of all images may be from those of the ones that were looked at.

    Args:
        normalized: of what leaves the Normalize.
        used: that Normalize.

    Returns:
        None where nothing can be said: fewer than two images, so that no standard error is known.
    """
    if normalized.pictures < 2:
        return None
    mean_bounds = tuple(tolerance + z * error for error in normalized.standard_error_of_mean)
    std_bounds = tuple(tolerance + z * error for error in normalized.standard_error_of_std)
    rows = list(zip(normalized.mean, mean_bounds, normalized.std, std_bounds, strict=True))
    ok = all(abs(mean) <= mean_bound and abs(std - 1) <= std_bound for mean, mean_bound, std, std_bound in rows)
    used = used.expand(normalized.channels)
    with alone(), warnings.catch_warnings():
        # the right numbers for a Normalize of the wrong scale look odd on that scale
        warnings.simplefilter("ignore", StatisticsWarning)
        right = normalized.before(used) if min(normalized.std) > 0 else None
        with_own = _with_mean_of_stds(normalized, used)
    known = nearest_preset(used, _SAME)
    fits = None if right is None else match_preset(right, with_own, _preset_tolerance(normalized, used))
    by_mean_of_stds = not ok and with_own is not None and _near(with_own, used, normalized)
    uses = None if known is None else known.name
    twice = not ok and all(
        abs(mean + m / s) <= mean_bound + tolerance / abs(s) and abs(std - 1 / abs(s)) <= std_bound + tolerance / abs(s)
        for (mean, mean_bound, std, std_bound), m, s in zip(rows, used.mean, used.std, strict=True)
    )
    return Standardization(ok, normalized, mean_bounds, std_bounds, used, right, fits, uses, by_mean_of_stds, twice)


def measure_standardization(
    dataset_or_loader: Any, used: Normalization, *, count: int = 1000, seed: int = 0
) -> Standardization | None:
    """:func:`standardization` of at most `count` images of a data set that ends in a Normalize.

    Of a data set they are drawn with `seed`, because the first ones may all be of one class; of a loader they are the
    first that it gives.

    Raises:
        DatasetError: as :func:`~pytest_denorm.dataset_statistics`.
    """
    return standardization(sample_statistics(dataset_or_loader, count, seed), used)


def normalized_again(loader: Any, used: Normalization, *, count: int = 32, seed: int = 0) -> str:
    """What a loader makes of the images of its data set, if that is what the same Normalize does once more; else "".

    Whatever the mean and std of the images are, those of what the loader gives are then ``(mean - m) / s`` and
    ``std / s``. Only a prefetcher or a collate function of one's own may do so.

    Args:
        used: the Normalize that the items of the data set have met, if some of their values are below 0.
        count: so many are measured on either side.
    """
    source = data_set_of(loader)
    data = torch.utils.data
    if not is_loader(loader) or not is_indexed(source):
        return ""
    if isinstance(loader, data.DataLoader) and loader.collate_fn is data.default_collate:
        return ""
    try:
        before, after = sample_statistics(source, count, seed), sample_statistics(loader, count)
    except DatasetError:  # dataset_is_standardized tells it
        return ""
    if max(before.minimum) >= 0 or before.channels != after.channels or used.channels not in (1, before.channels):
        return ""
    used = used.expand(before.channels)
    again = [
        ((mean - m) / s, std / abs(s))
        for mean, std, m, s in zip(before.mean, before.std, used.mean, used.std, strict=True)
    ]
    given, kept = list(zip(after.mean, after.std, strict=True)), list(zip(before.mean, before.std, strict=True))
    if not _alike(given, again) or _alike(given, kept):
        return ""
    shown = [f"mean {format_numbers(one.mean, 3)} and std {format_numbers(one.std, 3)}" for one in (before, after)]
    return f"the items of its data set have {shown[0]}, the images of its batches {shown[1]}"


def _alike(found: Sequence[tuple[float, float]], expected: Sequence[tuple[float, float]]) -> bool:
    """Whether means and stds are those of two samples of the same images."""
    return all(
        abs(mean - wanted) <= _APART * spread and spread / (1 + _APART) <= std <= spread * (1 + _APART)
        for (mean, std), (wanted, spread) in zip(found, expected, strict=True)
    )


def _preset_tolerance(normalized: Statistics, used: Normalization) -> float:
    """As for whole data sets, and twice the standard error of this sample, on images in 0..1."""
    errors = zip(normalized.standard_error_of_mean, normalized.standard_error_of_std, used.std, strict=True)
    error = max(max(of_mean, of_std) * abs(s) for of_mean, of_std, s in errors) / used.pixel_max
    return min(PRESET_TOLERANCE + 2 * error, _FURTHEST)


def _with_mean_of_stds(normalized: Statistics, used: Normalization) -> Normalization | None:
    """The right means, with the mean of the images' own stds in place of the std."""
    if min(normalized.mean_of_stds) == 0:
        return None
    rows = zip(normalized.mean, normalized.mean_of_stds, used.mean, used.std, strict=True)
    means, stds = zip(*((a * s + m, b * abs(s)) for a, b, m, s in rows), strict=True)
    return Normalization(means, stds, used.pixel_max)


def _near(one: Normalization, other: Normalization, normalized: Statistics) -> bool:
    """Whether two Normalizations agree, in units of the std of the second: within the bounds, or a tenth if less."""
    rows = zip(one.mean, one.std, other.mean, other.std, strict=True)
    errors = zip(normalized.standard_error_of_mean, normalized.standard_error_of_std, strict=True)
    return all(
        abs(m1 - m2) <= min(TOLERANCE + Z * em, 0.1) * abs(s2)
        and abs(s1 - abs(s2)) <= min(TOLERANCE + Z * es, 0.1) * abs(s2)
        for (m1, s1, m2, s2), (em, es) in zip(rows, errors, strict=True)
    )


def _message(judged: Standardization) -> str:
    statistics = judged.statistics
    lines = [
        f"{statistics.pictures:,} images after Normalize: expected mean 0 and std 1 in every channel, within the "
        f"bounds in brackets."
    ]
    rows = zip(statistics.mean, judged.mean_bounds, statistics.std, judged.std_bounds, strict=True)
    for channel, (mean, mean_bound, std, std_bound) in enumerate(rows):
        wrong = "" if abs(mean) <= mean_bound and abs(std - 1) <= std_bound else "  <- off"
        shown = f"mean {mean:+.3f} (0 +- {mean_bound:.3f}), std {std:.3f} (1 +- {std_bound:.3f})"
        lines.append(f"  {channel_name(channel, statistics.channels)}: {shown}{wrong}")
    if judged.ok:
        return "\n".join(lines)
    if judged.right is None:
        return "\n".join([*lines, "A channel has one value everywhere: no std fits it."])
    if judged.twice:
        again = "That is what Normalize makes of images with mean 0 and std 1: they are normalized twice, with the same"
        return "\n".join([*lines, f"{again} numbers. Normalize in one place."])
    lines.append(
        f"Measured on these images: Normalize(mean={format_numbers(judged.right.mean, 4)}, "
        f"std={format_numbers(judged.right.std, 4)})"
    )
    lines += _named(judged)
    lines.append(
        "If the network was trained with the present numbers, they are right for it: declare this an expected failure."
    )
    return "\n".join(lines)


def _named(judged: Standardization) -> list[str]:
    """The presets by name, and the mistake that is often behind."""
    uses = f"the pipeline uses {judged.uses}" if judged.uses else f"the pipeline uses {judged.used}"
    lines = []
    if judged.by_mean_of_stds:
        lines.append(
            "The std in use is the mean of each image's own std, which is smaller than the std over all pixels."
        )
    if judged.fits is not None and judged.fits.name != judged.uses:
        lines.append(f"These look like {judged.fits}; {uses}.")
    elif judged.uses and judged.fits is None:
        lines.append(f"T{uses[1:]}, which these images are not like.")
    return lines
