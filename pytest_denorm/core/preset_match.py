"""Which preset some statistics are near to."""

from __future__ import annotations

from dataclasses import dataclass

from .normalization import PRESETS, Normalization, unwarned

__all__ = ["PRESET_TOLERANCE", "PresetMatch", "match_preset", "nearest_preset", "reversed_preset"]

#: A preset fits when no mean and no std is further off than this, on images in 0..1 (3.8 levels of 255). The
#: presets are further apart: CIFAR-10's and CIFAR-100's, the closest two, differ by 0.0205.
PRESET_TOLERANCE = 0.015
#: Presets are written with 3 to 8 digits.
_SAME = 0.0006


@dataclass(frozen=True)
class PresetMatch:
    """The preset nearest to some statistics."""

    name: str
    #: the largest difference of any mean or std, on images in 0..1
    distance: float
    #: True where the preset's std is the mean of the images' own stds, not the std over all pixels
    by_mean_of_stds: bool = False

    def __str__(self) -> str:
        std = ", its std being the mean of each image's own std" if self.by_mean_of_stds else ""
        return f"{self.name} (within {self.distance:.2g}{std})"


def nearest_preset(normalization: Normalization, tolerance: float = PRESET_TOLERANCE) -> PresetMatch | None:
    """The preset whose means and stds are all within `tolerance` of these, on images in 0..1; the nearest of them.

    None where no preset of as many channels is that near.
    """
    scale = 1 / normalization.pixel_max
    found = [value * scale for value in (*normalization.mean, *normalization.std)]
    matches = [
        PresetMatch(name, max(abs(a - b) for a, b in zip(found, (*known.mean, *known.std), strict=True)))
        for name, known in PRESETS.items()
        if known.channels == normalization.channels
    ]
    best = min(matches, key=lambda match: match.distance, default=None)
    return best if best is not None and best.distance <= tolerance else None


def reversed_preset(normalization: Normalization) -> str:
    """Return the preset whose means and stds these are, to the last digit that presets have, in reverse; "" if none."""
    turned = unwarned(normalization.mean[::-1], normalization.std[::-1], normalization.pixel_max)
    found = nearest_preset(turned, _SAME)
    return "" if found is None or nearest_preset(normalization, _SAME) is not None else found.name


def match_preset(
    measured: Normalization, with_mean_of_stds: Normalization | None, tolerance: float = PRESET_TOLERANCE
) -> PresetMatch | None:
    """The preset that fits `measured`, else the one that fits the mean of the images' own stds."""
    match = nearest_preset(measured, tolerance)
    if match is None and with_mean_of_stds is not None:
        match = nearest_preset(with_mean_of_stds, tolerance)
        match = match and PresetMatch(match.name, match.distance, by_mean_of_stds=True)
    return match
