"""Strategies of hypothesis: pictures, statistics, pipelines and mistakes, to test an inverse of your own with::

    from hypothesis import given
    from pytest_denorm.strategies import normalizations, pictures

    @given(pictures(), normalizations())
    def test_our_inverse_gives_back_every_byte(picture, normalization):
        normalized = normalization.normalize(picture)
        assert torch.equal(our_inverse(normalized, normalization.mean, normalization.std), picture)

It needs hypothesis: ``pip install 'pytest-denorm[hypothesis]'``. Nothing else of the package loads this module. What
fails shrinks towards one black pixel and a mean and std of 0.5.
"""

from __future__ import annotations

import functools
import importlib.util
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .core.arguments import positive, whole
from .core.normalization import PRESETS, Normalization
from .errors import MissingLibraryError, SettingsError

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise MissingLibraryError(
        "pytest_denorm.strategies needs hypothesis, which cannot be imported: "
        f"{error}. Install it with: pip install 'pytest-denorm[hypothesis]'"
    ) from error

__all__ = [
    "CONVENTIONS",
    "DTYPES",
    "KINDS",
    "LAYOUTS",
    "MEMORIES",
    "STATISTICS",
    "DrawnMistake",
    "DrawnPipeline",
    "mistakes",
    "normalizations",
    "pictures",
    "pipelines",
]

Array = np.ndarray[Any, Any]
Names = str | Sequence[str]

#: What pictures can be of. bfloat16 is drawn for tensors alone: numpy has none.
DTYPES = ("uint8", "float32", "float64", "float16", "bfloat16")
KINDS = ("tensor", "array")
LAYOUTS = ("CHW", "NCHW", "HWC", "NHWC")
#: How the pixels lie in memory: in order; channels last; every second pixel of a larger picture; rows and columns
#: exchanged; and, in arrays alone, backwards.
MEMORIES = ("contiguous", "channels_last", "strided", "transposed", "backwards")
#: Kinds of statistics: well-known ones; what data sets have; std of 0.002 to 3 times white, negative too, and means
#: outside the pictures; and all for which bytes come back exactly (std of 1e-20 to 1e20, means of up to 2000).
STATISTICS = ("preset", "realistic", "unusual", "extreme")
#: What makes a pipeline: torchvision's transforms v1 and v2, a module of one's own, a function, and kornia, which is
#: drawn where it is installed.
CONVENTIONS = ("v1", "v2", "module", "function", "kornia")


def _listed(names: Names, known: Sequence[str], argument: str) -> list[str]:
    """The names that were given, in the order of `known`, from the simplest on.

    Raises:
        SettingsError: none, or an unknown one.
    """
    given = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in given if name not in known]
    if unknown or not given:
        found = repr(unknown[0]) if unknown else "empty"
        raise SettingsError(f"{argument} is {found}: expected one or more of {', '.join(known)}.")
    return [name for name in known if name in given]


def pictures(
    channels: int = 3,
    *,
    dtype: Names = "uint8",
    kind: Names = "tensor",
    layout: Names = "CHW",
    memory: Names = "contiguous",
    pixel_max: float = 1.0,
    max_side: int = 12,
) -> st.SearchStrategy[Any]:
    """Pictures as they enter Normalize: bytes of 0..255, or floating point of 0..`pixel_max`.

    Args:
        channels: how many.
        dtype: one or several of :data:`DTYPES`.
        kind: one or both of :data:`KINDS`.
        layout: one or several of :data:`LAYOUTS`.
        memory: one or several of :data:`MEMORIES`.
        pixel_max: the value of white in pictures of floating point; some of them have just the 256 levels of bytes.
        max_side: the greatest height and width. No side is as long as there are channels (of two or more), so that no
            axis can be taken for another.

    Raises:
        SettingsError: an argument is none of these, or the combination cannot be.
    """
    whole(channels, "channels", SettingsError, least=1)
    whole(max_side, "max_side", SettingsError, least=1)
    white = positive(pixel_max, "pixel_max", SettingsError)
    dtypes, kinds = _listed(dtype, DTYPES, "dtype"), _listed(kind, KINDS, "kind")
    layouts, memories = _listed(layout, LAYOUTS, "layout"), _listed(memory, MEMORIES, "memory")
    forms = [
        (one, held, where)
        for one in dtypes
        for held in kinds
        for where in memories
        if not (held == "array" and one == "bfloat16") and not (held == "tensor" and where == "backwards")
    ]
    if not forms:
        raise SettingsError(
            f"dtype is {dtype!r}, kind {kind!r}, memory {memory!r}: numpy has no bfloat16, and torch nothing backwards."
        )
    sides = [side for side in range(1, max_side + 1) if channels == 1 or side != channels]
    if not sides:
        raise SettingsError(f"max_side is {max_side}: expected at least {channels + 1} for {channels} channels.")
    return _made_pictures(channels, tuple(forms), tuple(layouts), tuple(sides), white)


# strategies are made once, because that takes longer than drawing from them
@functools.lru_cache(maxsize=256)
def _made_pictures(
    channels: int,
    forms: tuple[tuple[str, str, str], ...],
    layouts: tuple[str, ...],
    sides: tuple[int, ...],
    white: float,
) -> st.SearchStrategy[Any]:
    return _pictures(channels, st.sampled_from(forms), st.sampled_from(layouts), st.sampled_from(sides), white)


_COUNT = st.integers(1, 3)
_SEED = st.integers(0, 2**32 - 1)
_LEVEL = st.integers(0, 255)
_OTHERS = st.lists(st.tuples(st.integers(0, 2**16), _LEVEL), max_size=4)


@st.composite
def _pictures(
    draw: st.DrawFn,
    channels: int,
    forms: st.SearchStrategy[tuple[str, str, str]],
    layouts: st.SearchStrategy[str],
    sides: st.SearchStrategy[int],
    pixel_max: float,
) -> Any:
    dtype, kind, memory = draw(forms)
    layout = draw(layouts)
    lengths = {"C": channels, "H": draw(sides), "W": draw(sides)}
    if "N" in layout:
        lengths["N"] = draw(_COUNT)
    shape = tuple(lengths[axis] for axis in layout)
    values = _contents(draw, shape, dtype, pixel_max)
    if kind == "tensor":
        return _tensor_in(torch.from_numpy(values).to(getattr(torch, dtype)), memory, layout)
    return _array_in(values.astype(dtype), memory, layout)


def _contents(draw: st.DrawFn, shape: tuple[int, ...], dtype: str, pixel_max: float) -> Array:
    """One level with a few pixels of others, which is what shrinks; or, behind a seed, noise, which has every level."""
    seed, level, others = draw(_SEED), draw(_LEVEL), draw(_OTHERS)
    if seed == 0:
        levels: Array = np.full(shape, level, np.uint8)
        for place, other in others:
            levels.flat[place % levels.size] = other
    else:
        generator = np.random.default_rng(seed)
        if dtype != "uint8" and seed % 2:
            between: Array = generator.random(shape) * pixel_max
            return between
        levels = generator.integers(0, 256, shape, dtype=np.uint8)
    return levels if dtype == "uint8" else levels / 255 * pixel_max


def _tensor_in(pixels: torch.Tensor, memory: str, layout: str) -> torch.Tensor:
    if memory == "channels_last" and layout.endswith("CHW"):
        return pixels.movedim(-3, -1).contiguous().movedim(-1, -3)
    if memory == "strided":
        return pixels.repeat_interleave(2, -1)[..., ::2]
    if memory == "transposed":
        return pixels.transpose(-1, -2).contiguous().transpose(-1, -2)
    return pixels


def _array_in(pixels: Array, memory: str, layout: str) -> Array:
    if memory == "channels_last" and layout.endswith("CHW"):
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(pixels, -3, -1)), -1, -3)
    if memory == "strided":
        return np.repeat(pixels, 2, -1)[..., ::2]
    if memory == "transposed":
        return np.swapaxes(np.ascontiguousarray(np.swapaxes(pixels, -1, -2)), -1, -2)
    if memory == "backwards":
        return np.ascontiguousarray(pixels[..., ::-1])[..., ::-1]
    return pixels


def normalizations(
    channels: int = 3, *, kind: Names = ("preset", "realistic"), pixel_max: float = 1.0
) -> st.SearchStrategy[Normalization]:
    """Statistics of a Normalize, with one mean and one std for each of so many channels.

    Args:
        channels: how many.
        kind: one or several of :data:`STATISTICS`.
        pixel_max: the value of white in the pictures that enter it; mean and std are drawn in these units.

    Raises:
        SettingsError: an argument is none of these.
    """
    whole(channels, "channels", SettingsError, least=1)
    kinds, white = _listed(kind, STATISTICS, "kind"), positive(pixel_max, "pixel_max", SettingsError)
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of statistics that look like those of another scale: they are meant
        return Normalization([one * pixel_max for one in mean], [one * pixel_max for one in std], pixel_max)


def _presets(channels: int) -> st.SearchStrategy[tuple[Sequence[float], Sequence[float]]]:
    plain = [((0.5,) * channels, (0.5,) * channels), ((0.0,) * channels, (1.0,) * channels)]
    return st.sampled_from(plain + [(one.mean, one.std) for one in PRESETS.values() if one.channels == channels])


def _pairs(
    channels: int, mean: st.SearchStrategy[float], std: st.SearchStrategy[float]
) -> st.SearchStrategy[tuple[Sequence[float], Sequence[float]]]:
    return st.tuples(*(st.lists(one, min_size=channels, max_size=channels) for one in (mean, std)))


def _decimals(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers as people type them, of up to four decimals; the first ones in the middle of pictures."""
    first, last = round(low * 10_000), round(high * 10_000)
    return st.integers(first - 5000, last - 5000).map(lambda number: (number + 5000) / 10_000)


def _powers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high).map(lambda exponent: float(10.0**exponent))


def _signed(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[float]:
    return st.tuples(st.sampled_from((1.0, -1.0)), numbers).map(lambda pair: pair[0] * pair[1])


@dataclass(frozen=True)
class DrawnPipeline:
    """A pipeline and what is true of it.

    Attributes:
        pipeline: what a project would have.
        normalization: the statistics in it, in the units of the pictures that enter its Normalize.
        declares: :func:`~pytest_denorm.find_normalize` can read them from it; otherwise they can only be measured.
        takes: what it is called with: ``array`` (uint8 H, W, C), ``bytes`` (a uint8 tensor C, H, W) or ``floats`` (a
            float32 tensor C, H, W in 0..1).
        name: the code in short.
    """

    pipeline: Any
    normalization: Normalization
    declares: bool
    takes: str
    name: str

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        """What the pipeline makes of a uint8 picture (C, H, W): a normalized tensor (C, H, W)."""
        if self.takes == "array":
            result = self.pipeline(picture.movedim(0, -1).contiguous().numpy())
        else:
            result = self.pipeline(picture.float() / 255 if self.takes == "floats" else picture.clone())
        return torch.as_tensor(result).reshape(picture.shape)


def pipelines(
    normalization: st.SearchStrategy[Normalization] | None = None, *, convention: Names = CONVENTIONS
) -> st.SearchStrategy[DrawnPipeline]:
    """Pipelines that normalize: flat and nested, with and without a conversion from bytes, declared and not.

    Args:
        normalization: draws their statistics, on pictures in 0..1; :func:`normalizations` unless given.
        convention: one or several of :data:`CONVENTIONS`.

    Raises:
        SettingsError: an argument is none of these, or just ``kornia``, and it is not installed.
    """
    chosen = _listed(convention, CONVENTIONS, "convention")
    if "kornia" in chosen and importlib.util.find_spec("kornia") is None:
        chosen.remove("kornia")
    if not chosen:
        raise SettingsError("convention is 'kornia', which is not installed.")
    return _pipelines(normalizations() if normalization is None else normalization, chosen)


@st.composite
def _pipelines(draw: st.DrawFn, statistics: st.SearchStrategy[Normalization], conventions: list[str]) -> DrawnPipeline:
    normalization = draw(statistics)
    if normalization.pixel_max != 1.0:
        raise SettingsError(f"pipelines() was given {normalization!r}: expected statistics of pictures in 0..1.")
    made = list(_MAKERS[draw(st.sampled_from(conventions))](normalization))
    return draw(st.sampled_from(made))


def _v1(given: Normalization) -> Iterator[DrawnPipeline]:
    from torchvision import transforms as T

    normalize = T.Normalize(list(given.mean), list(given.std))
    to_bytes = T.Lambda(lambda picture: picture * 255)
    bytes_too = _on_bytes(given)
    nested = T.Compose([T.Compose([T.ToTensor()]), T.Compose([T.RandomHorizontalFlip(p=0.0), normalize])])
    yield DrawnPipeline(T.Compose([T.ToTensor(), normalize]), given, True, "array", "Compose([ToTensor(), Normalize])")
    yield DrawnPipeline(normalize, given, True, "floats", "Normalize")
    yield DrawnPipeline(nested, given, True, "array", "Compose([Compose([ToTensor()]), Compose([..., Normalize])])")
    steps = [T.ToTensor(), to_bytes, T.Normalize(list(bytes_too.mean), list(bytes_too.std))]
    yield DrawnPipeline(
        T.Compose(steps), bytes_too, False, "array", "Compose([ToTensor(), Lambda(* 255), Normalize of bytes])"
    )


def _v2(given: Normalization) -> Iterator[DrawnPipeline]:
    from torchvision.transforms import v2 as T

    normalize = T.Normalize(list(given.mean), list(given.std))
    scaled = [T.ToImage(), T.ToDtype(torch.float32, scale=True)]
    yield DrawnPipeline(
        T.Compose([*scaled, normalize]), given, True, "array", "v2.Compose([ToImage(), ToDtype(scale=True), Normalize])"
    )
    yield DrawnPipeline(T.Compose([T.Compose(scaled), T.Compose([normalize])]), given, True, "bytes", "v2, nested")
    yield DrawnPipeline(normalize, given, True, "floats", "v2.Normalize")


class _Module(torch.nn.Module):
    """A Normalize as people write one into their network."""

    m: torch.Tensor
    s: torch.Tensor

    def __init__(self, given: Normalization) -> None:
        super().__init__()
        self.register_buffer("m", _column(given.mean))
        self.register_buffer("s", _column(given.std))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return (picture - self.m) / self.s


def _module(given: Normalization) -> Iterator[DrawnPipeline]:
    from torchvision import transforms as T

    yield DrawnPipeline(_Module(given), given, False, "floats", "a module with buffers")
    inside = torch.nn.Sequential(torch.nn.Identity(), T.Normalize(list(given.mean), list(given.std)))
    yield DrawnPipeline(inside, given, True, "floats", "nn.Sequential(Identity(), Normalize)")


def _function(given: Normalization) -> Iterator[DrawnPipeline]:
    mean, std = _column(given.mean), _column(given.std)
    bytes_too = _on_bytes(given)
    many, spread = _column(bytes_too.mean), _column(bytes_too.std)
    yield DrawnPipeline(lambda picture: (picture - mean) / std, given, False, "floats", "(x - mean) / std")
    yield DrawnPipeline(
        lambda picture: (picture.float() - many) / spread, bytes_too, False, "bytes", "(x - mean) / std of bytes"
    )


def _kornia(given: Normalization) -> Iterator[DrawnPipeline]:
    from kornia.augmentation import Normalize  # type: ignore[import-not-found, unused-ignore]
    from kornia.enhance import Normalize as Enhance  # type: ignore[import-not-found, unused-ignore]

    mean, std = torch.tensor(given.mean), torch.tensor(given.std)
    yield DrawnPipeline(Normalize(mean=mean, std=std), given, True, "floats", "kornia.augmentation.Normalize")
    inside = torch.nn.Sequential(torch.nn.Unflatten(0, (1, -1)), Enhance(mean, std))
    yield DrawnPipeline(inside, given, True, "floats", "nn.Sequential(..., kornia.enhance.Normalize)")


_MAKERS = {"v1": _v1, "v2": _v2, "module": _module, "function": _function, "kornia": _kornia}


def _on_bytes(given: Normalization) -> Normalization:
    return _normalization(given.mean, given.std, 255.0)


def _column(values: Sequence[float], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).to(dtype)[:, None, None]


@dataclass(frozen=True)
class DrawnMistake:
    """A wrong inverse.

    Attributes:
        kind: what :func:`~pytest_denorm.diagnose` is to call it.
        normalization: the forward that it should undo.
        inverse: takes normalized pictures (..., C, H, W).
        name: the code in short.
    """

    kind: str
    normalization: Normalization
    inverse: Callable[[torch.Tensor], torch.Tensor]
    name: str


def mistakes(normalization: st.SearchStrategy[Normalization] | None = None) -> st.SearchStrategy[DrawnMistake]:
    """Wrong inverses together with their kind: each moves some pixel by a level or more.

    None is drawn whose numbers, with these statistics, are those of a mistake of another kind.

    Args:
        normalization: draws the statistics; :func:`normalizations` unless given.
    """
    return _mistakes(normalizations() if normalization is None else normalization)


@st.composite
def _mistakes(draw: st.DrawFn, statistics: st.SearchStrategy[Normalization]) -> DrawnMistake:
    given = draw(statistics)
    typed = list(_typed_mistakes(given))
    maps = {name: (slope, offset) for _, name, slope, offset in typed}
    kinds = {name: kind for kind, name, _, _ in typed}
    level = given.pixel_max / 255
    correct = np.array(given.std), np.array(given.mean)

    def effective(name: str) -> bool:
        others = [maps[other] for other, kind in kinds.items() if kind != kinds[name]]
        return all(_gap(given, maps[name], other) >= level for other in (correct, *others))

    made = [DrawnMistake(kinds[name], given, _affine(*maps[name]), name) for name in maps if effective(name)]
    made += _other_mistakes(given)
    return draw(st.sampled_from(made))


def _gap(given: Normalization, one: tuple[Array, Array], other: tuple[Array, Array]) -> float:
    """How far two maps ``slope * y + offset`` are apart at most, on normalized pictures."""
    gaps = []
    for x in (0.0, given.pixel_max):
        y = (x - np.array(given.mean)) / np.array(given.std)
        gaps.append(np.abs((one[0] - other[0]) * y + one[1] - other[1]).max())
    return float(max(gaps))


def _typed_mistakes(given: Normalization) -> Iterator[tuple[str, str, Array, Array]]:
    """Kind, code, slope and offset of what is typed in place of ``y * std + mean``."""
    m, s, w = np.array(given.mean), np.array(given.std), given.pixel_max
    ones = np.ones_like(m)
    yield "missing-mean", "y * std", s, 0 * m
    yield "mean-sign", "y * std - mean", s, -m
    yield "mean-not-divided", "(y + mean) * std", s, m * s
    yield "mean-not-divided", "(y - mean) * std", s, -m * s
    yield "divides-by-std", "y / std + mean", 1 / s, m
    yield "swapped-mean-std", "y * mean + std", m, s
    yield "not-inverted", "y", ones, 0 * m
    yield "inverted-twice", "(y * std + mean) * std + mean", s * s, m * s + m
    yield "inverted-intensity", "white - (y * std + mean)", -s, w - m
    yield "scale-255", "(y * std + mean) * 255", s * 255, m * 255
    yield "scale-255", "(y * std + mean) / 255", s / 255, m / 255
    yield "wrong-std", "y + mean", ones, m
    if len(m) > 1:
        yield "channel-order", "mean and std reversed", s[::-1], m[::-1]
        yield "one-channel-for-all", "the first channel's mean and std", ones * s[0], ones * m[0]


def _affine(slope: Array, offset: Array) -> Callable[[torch.Tensor], torch.Tensor]:
    def inverse(normalized: torch.Tensor) -> torch.Tensor:
        a, b = (_column(values.tolist(), normalized.dtype) for values in (slope, offset))
        return normalized * a + b

    return inverse


def _other_mistakes(given: Normalization) -> list[DrawnMistake]:
    """Those that are no other numbers."""
    right = _affine(np.array(given.std), np.array(given.mean))

    def truncated(normalized: torch.Tensor) -> torch.Tensor:
        return (right(normalized) * (255 / given.pixel_max)).clamp(0, 255).to(torch.uint8)

    def stretched(normalized: torch.Tensor) -> torch.Tensor:
        low, high = (end((-3, -2, -1), keepdim=True) for end in (normalized.amin, normalized.amax))
        return (normalized - low) / (high - low) * given.pixel_max

    def in_place(normalized: torch.Tensor) -> torch.Tensor:
        return normalized.copy_(right(normalized))

    made = [
        DrawnMistake("truncation", given, truncated, "(y * std + mean).mul(255).to(torch.uint8)"),
    ]
    if any(given.mean) or set(given.std) != {1.0}:  # else the picture is its own inverse
        made.append(DrawnMistake("mutates-input", given, in_place, "y.mul_(std).add_(mean)"))
    distinct = np.ptp(given.std) > 0.01 * given.pixel_max or np.ptp(given.mean) > 0.01 * given.pixel_max
    if distinct and min(given.std) > 0:
        made.append(DrawnMistake("min-max", given, stretched, "(y - y.min()) / (y.max() - y.min())"))
    if len(given.mean) > 1:
        made.append(DrawnMistake("channel-order", given, lambda y: right(y).flip(-3), "(y * std + mean).flip(-3)"))
    return made
