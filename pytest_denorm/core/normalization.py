"""The maths: Normalize as an affine map of each channel, its inverse, and the statistics everybody uses.

``y[c] = (x[c] - mean[c]) / std[c]``. Solved for ``x`` this is ``x[c] = y[c] * std[c] + mean[c]``, which is again of
the first form, with ``mean' = -mean / std`` and ``std' = 1 / std``.

This module imports neither torch nor numpy: statistics are Python floats, that is float64.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import StatisticsError, StatisticsWarning
from .arguments import MOST_CHANNELS, whole
from .foreign import attribute, members, shown
from .text import count_of

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import torch

    Numbers: TypeAlias = "float | Iterable[float] | np.ndarray[Any, Any] | torch.Tensor"

ImagesT = TypeVar("ImagesT")

__all__ = ["PRESETS", "Normalization", "as_floats", "format_numbers", "preset", "unwarned"]


def as_floats(values: Any, name: str) -> tuple[float, ...]:
    """Statistics in any usual form (number, list, tuple, array, tensor, (C, 1, 1) tensor) as floats."""
    try:
        return _as_floats(values, name)
    except StatisticsError:
        raise
    except Exception as error:  # an object or a generator of somebody else's
        raise StatisticsError(
            f"{name} is a {type(values).__name__} that cannot be read: {type(error).__name__}: {error}. Expected one "
            f"number a channel, such as (0.485, 0.456, 0.406)."
        ) from error


def _as_floats(values: Any, name: str) -> tuple[float, ...]:
    shape = getattr(values, "shape", None)
    if shape is not None and len(shape) > 1:
        if sum(size != 1 for size in shape) > 1:
            raise StatisticsError(
                f"{name} has shape {tuple(shape)}: expected one number a channel, that is a list of numbers or "
                f"a tensor with at most one axis longer than 1."
            )
        values = values.reshape(-1)
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, (str, bytes, Mapping, Set)):
        raise StatisticsError(
            f"{name} is {shown(values)}: expected one number a channel, such as (0.485, 0.456, 0.406)."
        )
    listed = members(values) if isinstance(values, Iterable) else [values]
    return tuple(_as_float(value, f"{name}[{channel}]") for channel, value in enumerate(listed))


def _as_float(value: Any, name: str) -> float:
    try:
        number = value.tolist() if callable(attribute(value, "tolist")) else value  # a number of numpy or torch
        if not isinstance(number, (str, bytes, bool, complex)):
            return float(number)
    except Exception:  # None, a number too large, or an object of somebody else's
        pass
    raise StatisticsError(f"{name} is {shown(value)}, not a number: expected a real number such as 0.485.")


def format_numbers(values: Iterable[float], digits: int = 6) -> str:
    """``(0.485, 0.456, 0.406)``: numbers as a person would type them, `digits` significant digits."""
    listed = [f"{value:.{digits}g}" for value in values]
    return f"({', '.join(listed)}{',' if len(listed) == 1 else ''})"


@dataclass(frozen=True)
class Normalization:
    """The statistics of a Normalize, and what can be computed with them.

    Args:
        mean: one number a channel, in the units of the images that enter Normalize.
        std: one number a channel, same units. A negative std is legal: it inverts the channel.
        pixel_max: the value of white in those pictures: 1.0 after ``ToTensor``, 255.0 for bytes.
        source: words that say where the statistics were found.
        channel_axis: the axis of the channels in the images; None for the usual rule: -3 in tensors
            (``..., C, H, W``), and in arrays whichever of -3 and -1 has the length of `mean`.

    One mean and std hold for any number of channels, as they do in torchvision.

    Raises:
        StatisticsError: zero, NaN or infinite statistics, lengths that differ, no channel, no number, or a std so
            small that the inverse is not finite.

    Warns:
        StatisticsWarning: statistics that look like bytes (mean 123.675) on images in 0..1, or the reverse.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    pixel_max: float = 1.0
    source: str = field(default="", compare=False, kw_only=True)
    channel_axis: int | None = field(default=None, compare=False, kw_only=True)
    _origin: Normalization | None = field(default=None, compare=False, kw_only=True)

    if TYPE_CHECKING:

        def __init__(
            self,
            mean: Numbers,
            std: Numbers,
            pixel_max: float = 1.0,
            *,
            source: str = "",
            channel_axis: int | None = None,
            _origin: Normalization | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        self._settle()
        if self._origin is None and (doubt := self.doubt_about_scale()):
            warnings.warn(doubt, StatisticsWarning, stacklevel=3)

    def _settle(self) -> None:
        """Convert what was given to floats, and refuse what has no inverse."""
        object.__setattr__(self, "mean", as_floats(self.mean, "mean"))
        object.__setattr__(self, "std", as_floats(self.std, "std"))
        object.__setattr__(self, "pixel_max", _as_float(self.pixel_max, "pixel_max"))
        if self.channel_axis is not None:
            whole(self.channel_axis, "channel_axis", StatisticsError, meaning="axes, such as -3")
        self._refuse_lengths()
        if self._origin is not None and not self._is_inverse_of(self._origin):
            object.__setattr__(self, "_origin", None)  # dataclasses.replace made another map of an inverse
        self._refuse_values()

    def _inverted(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and std of the inverse."""
        mean = tuple(-mean / std for mean, std in zip(self.mean, self.std, strict=True))
        return mean, tuple(1 / std for std in self.std)

    def _is_inverse_of(self, other: Normalization) -> bool:
        same = (self.pixel_max, self.channel_axis) == (other.pixel_max, other.channel_axis)
        return same and (self.mean, self.std) == other._inverted()

    def _refuse_lengths(self) -> None:
        if not self.mean and not self.std:
            raise StatisticsError("mean and std are empty: expected one number a channel, at least one channel.")
        most = max(len(self.mean), len(self.std))
        if most > MOST_CHANNELS:
            raise StatisticsError(f"there are {most:,} numbers: expected one a channel, at most {MOST_CHANNELS}.")
        if len(self.mean) != len(self.std):
            raise StatisticsError(
                f"mean has {_count(self.mean)}, std has {_count(self.std)}: expected one number of each a channel. "
                f"Got mean {shown(self.mean)} and std {shown(self.std)}."
            )

    def _refuse_values(self) -> None:
        if not (math.isfinite(self.pixel_max) and self.pixel_max > 0):
            raise StatisticsError(
                f"pixel_max is {self.pixel_max!r}: expected the value of white in the images that enter Normalize, "
                f"1.0 after ToTensor or 255.0 for bytes."
            )
        for channel, (mean, std) in enumerate(zip(self.mean, self.std, strict=True)):
            if not math.isfinite(mean):
                raise StatisticsError(f"mean[{channel}] is {mean}: expected a finite number.")
            if not math.isfinite(std):
                raise StatisticsError(f"std[{channel}] is {std}: expected a finite number other than 0.")
            if std == 0:
                raise StatisticsError(
                    f"std[{channel}] is 0: Normalize would divide by zero, and no inverse exists. Expected a finite "
                    f"number other than 0; use 1.0 to leave the scale of a channel as it is."
                )
            if self._origin is None and not (math.isfinite(1 / std) and math.isfinite(mean / std)):
                raise StatisticsError(
                    f"std[{channel}] is {std!r}: so small that the inverse (1/std, -mean/std) is not finite. "
                    f"Expected a std of the size of the images' values, 0..{self.pixel_max:g}."
                )

    def doubt_about_scale(self) -> str:
        """Why the statistics seem to be of images with another white; "" where they do not."""
        if min(*self.mean, *self.std) < 0:  # no image has a negative one: these are statistics of something else
            return ""
        largest_mean, largest_std = max(self.mean), max(self.std)
        if self.pixel_max == 1.0 and (largest_mean > 2 or largest_std > 16):
            return f"mean {format_numbers(self.mean)} and std {format_numbers(self.std)} {self._beyond_unit()}"
        if self.pixel_max == 255.0 and 0 < largest_mean <= 1 and largest_std < 1:
            return (
                f"mean {format_numbers(self.mean)} and std {format_numbers(self.std)} look like statistics of "
                f"images in 0..1, on images whose white is 255. Multiply both by 255, or leave pixel_max at 1.0 "
                f"if the images that enter Normalize are 0..1."
            )
        return ""

    def _beyond_unit(self) -> str:
        """What statistics look like that are not of images in 0..1, and what to do."""
        largest_mean, largest_std = max(self.mean), max(self.std)
        if largest_mean > 255 or largest_std > 255:
            return (
                "are beyond those of bytes, on images whose white is 1.0. Give the value of white in the images "
                "that enter Normalize, such as pixel_max=65535.0 for 16 bits, or the data set, whose images show it; "
                "or divide both by it."
            )
        if largest_mean <= 16 and largest_std <= 2:
            return (
                "are of no image whose white is 1.0: its mean lies in 0..1. Is a mean divided by std, or scaled, "
                "that should not be?"
            )
        return (
            "look like statistics of bytes (0..255), on images whose white is 1.0. Divide both by 255, or give "
            "pixel_max=255.0 if the images that enter Normalize are 0..255."
        )

    @property
    def channels(self) -> int:
        """How many means there are; 1 also stands for any number of channels."""
        return len(self.mean)

    def inverse(self) -> Normalization:
        """The Normalization that undoes this one: mean ``-mean/std``, std ``1/std``.

        Its inverse is the Normalization it came from, to the last bit.
        """
        if self._origin is not None:
            return self._origin
        mean, std = self._inverted()
        source = f"inverse of {self.source}" if self.source else ""
        return replace(self, mean=mean, std=std, source=source, _origin=self)

    def normalize(self, images: ImagesT, *, channel_axis: int | None = None) -> ImagesT:
        """Return ``(x - mean) / std`` in float32 or better, uint8 scaled to 0..``pixel_max`` first, as ToTensor does.

        Raises:
            ImageTypeError, ImageError: as :func:`pytest_denorm.denormalize`.
        """
        from .kernels import normalize

        axis = self._axis(channel_axis)
        return normalize(images, self.mean, self.std, self.pixel_max, channel_axis=axis, source=self.source)  # type: ignore[no-any-return]

    def denormalize(self, images: ImagesT, *, out: ImagesT | None = None, channel_axis: int | None = None) -> ImagesT:
        """Return ``y * std + mean``; see :func:`pytest_denorm.denormalize`."""
        from .kernels import denormalize

        axis = self._axis(channel_axis)
        return denormalize(images, self.mean, self.std, channel_axis=axis, out=out, source=self.source)  # type: ignore[no-any-return]

    def to_uint8(
        self,
        images: torch.Tensor | np.ndarray[Any, Any],
        *,
        out: torch.Tensor | np.ndarray[Any, Any] | None = None,
        channel_axis: int | None = None,
    ) -> Any:
        """Return clamped and rounded bytes; see :func:`pytest_denorm.to_uint8`."""
        from .kernels import to_uint8

        axis = self._axis(channel_axis)
        return to_uint8(images, self.mean, self.std, self.pixel_max, channel_axis=axis, out=out, source=self.source)

    def _axis(self, given: int | None) -> int | None:
        return self.channel_axis if given is None else given

    def expand(self, channels: int) -> Normalization:
        """The same map with its statistics spelled out for `channels` channels.

        Raises:
            StatisticsError: if it has more than one channel, and not `channels`.
        """
        if self.channels == channels:
            return self
        if self.channels != 1:
            raise StatisticsError(
                f"mean has {_count(self.mean)}, the images have {count_of(channels, 'channel')}: expected as many "
                f"of one as of the other."
            )
        origin = self._origin.expand(channels) if self._origin is not None else None
        return self._changed(mean=self.mean * channels, std=self.std * channels, _origin=origin)

    def located(self, source: str) -> Normalization:
        """The same map, found at `source`."""
        return self._changed(source=source)

    def _changed(self, **values: Any) -> Normalization:
        """With other values, which are known to be valid, and were warned of where they were given."""
        changed = copy.copy(self)
        for name, value in values.items():
            object.__setattr__(changed, name, value)
        return changed

    def __repr__(self) -> str:
        pixel_max = "" if self.pixel_max == 1.0 else f", pixel_max={self.pixel_max!r}"
        source = f", source={self.source!r}" if self.source else ""
        return f"Normalization(mean={self.mean!r}, std={self.std!r}{pixel_max}{source})"

    def __str__(self) -> str:
        return f"mean {format_numbers(self.mean)}, std {format_numbers(self.std)}, images in 0..{self.pixel_max:g}"


def unwarned(
    mean: Numbers, std: Numbers, pixel_max: float = 1.0, *, source: str = "", channel_axis: int | None = None
) -> Normalization:
    """Make a Normalization without a warning about its scale, for numbers that are not the user's last word.

    Raises:
        StatisticsError: as :class:`Normalization`.
    """
    made = object.__new__(Normalization)
    values = {"mean": mean, "std": std, "pixel_max": pixel_max, "source": source, "channel_axis": channel_axis}
    for name, value in {**values, "_origin": None}.items():
        object.__setattr__(made, name, value)
    made._settle()
    return made


def _count(values: tuple[float, ...]) -> str:
    return count_of(len(values), "number")


def _named(name: str, mean: tuple[float, ...], std: tuple[float, ...]) -> Normalization:
    return Normalization(mean, std, source=f"preset {name}")


#: The statistics that image projects share, on images in 0..1, by name.
PRESETS: Mapping[str, Normalization] = MappingProxyType(
    {
        # torchvision's reference weights, and nearly every network trained on ImageNet-1k
        "imagenet": _named("imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        # 0..1 to -1..1: GANs, diffusion, Inception, SigLIP, ViT of the original paper
        "half": _named("half", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        # openai/CLIP, clip.py, _transform
        "clip": _named("clip", (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
        # over all training pixels
        "cifar10": _named("cifar10", (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
        # the mean of each image's own std, copied between repositories as if it were the std
        "cifar10-mean-of-stds": _named("cifar10-mean-of-stds", (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
        "cifar100": _named("cifar100", (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
        "mnist": _named("mnist", (0.1307,), (0.3081,)),
        "fashion-mnist": _named("fashion-mnist", (0.2860,), (0.3530,)),
        "svhn": _named("svhn", (0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970)),
        # torchvision's video weights
        "kinetics400": _named("kinetics400", (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)),
    }
)


def preset(name: str) -> Normalization:
    """The Normalization of that name; upper and lower case, ``-``, ``_`` and spaces do not matter.

    Raises:
        StatisticsError: no such preset; the message lists those that exist.
    """

    def plain(text: str) -> str:
        return text.lower().replace("_", "").replace("-", "").replace(" ", "")

    for known, normalization in PRESETS.items():
        if isinstance(name, str) and plain(known) == plain(name):
            return normalization
    raise StatisticsError(f"no preset is named {shown(name)}: expected one of {', '.join(PRESETS)}.")
