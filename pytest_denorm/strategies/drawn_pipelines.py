"""Strategies of pipelines with a Normalize."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import strategies as st

from ..core.normalization import Normalization, unwarned
from ..errors import SettingsError
from .drawn_statistics import normalizations
from .named import Names, column, listed

#: What makes a pipeline: torchvision's transforms v1 and v2, a module of one's own, a function, and kornia, which is
#: drawn where it is installed.
CONVENTIONS = ("v1", "v2", "module", "function", "kornia")


@dataclass(frozen=True)
class DrawnPipeline:
    """A pipeline and what is true of it.

    Attributes:
        pipeline: what a project would have.
        normalization: the statistics in it, in the units of the images that enter its Normalize.
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
        """What the pipeline makes of a uint8 image (C, H, W): a normalized tensor (C, H, W)."""
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
        normalization: draws their statistics, on images in 0..1; :func:`normalizations` unless given.
        convention: one or several of :data:`CONVENTIONS`.

    Raises:
        SettingsError: an argument is none of these, or just ``kornia``, and it is not installed.
    """
    chosen = listed(convention, CONVENTIONS, "convention")
    if "kornia" in chosen and importlib.util.find_spec("kornia") is None:
        chosen.remove("kornia")
    if not chosen:
        raise SettingsError("convention is 'kornia', which is not installed.")
    return _pipelines(normalizations() if normalization is None else normalization, chosen)


@st.composite
def _pipelines(draw: st.DrawFn, statistics: st.SearchStrategy[Normalization], conventions: list[str]) -> DrawnPipeline:
    normalization = draw(statistics)
    if normalization.pixel_max != 1.0:
        raise SettingsError(f"pipelines() was given {normalization!r}: expected statistics of images in 0..1.")
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
        self.register_buffer("m", column(given.mean))
        self.register_buffer("s", column(given.std))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return (picture - self.m) / self.s


def _module(given: Normalization) -> Iterator[DrawnPipeline]:
    from torchvision import transforms as T

    yield DrawnPipeline(_Module(given), given, False, "floats", "a module with buffers")
    inside = torch.nn.Sequential(torch.nn.Identity(), T.Normalize(list(given.mean), list(given.std)))
    yield DrawnPipeline(inside, given, True, "floats", "nn.Sequential(Identity(), Normalize)")


def _function(given: Normalization) -> Iterator[DrawnPipeline]:
    mean, std = column(given.mean), column(given.std)
    bytes_too = _on_bytes(given)
    many, spread = column(bytes_too.mean), column(bytes_too.std)
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
    return unwarned([255.0 * one for one in given.mean], [255.0 * one for one in given.std], 255.0)
