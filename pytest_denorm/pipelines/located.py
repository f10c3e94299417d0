"""A Normalize that was found in a pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.normalization import Normalization

__all__ = ["Located", "Missing"]


@dataclass(frozen=True)
class Located:
    """A Normalize and where it is.

    Attributes:
        normalization: its statistics; `source` says where it is, in words.
        path: the way to it from the pipeline, such as ``.dataset.transform.transforms[1]``.
        name: what its library's users call it.
        op: the object itself.
        apply: runs just this Normalize on a float tensor (N, C, H, W) in its own units, or None.
        probability: with which it is applied.
        call: the outermost thing on the way to it that can be called, which is what an image goes through; None if
            nothing can.
        entry: the method through which its pipeline runs it on an image; None where it is one with other steps.
        rescales: it brings images to another range, and was the only Normalize there is.
        is_image: which of the things that `entry` is called with are images; None where all are.
        order: the channel of the image that each channel leaving the pipeline is made of, where `apply` exchanges
            them as the pipeline does, and an inverse turns them back; None where it is Normalize alone.
        is_declared: the pipeline says what it does; else that was measured.
        missing: what is beside it and has none, though its name says that it is for images of the same kind.
    """

    normalization: Normalization
    path: str
    name: str
    op: Any = field(repr=False)
    apply: Callable[[Any], Any] | None = field(default=None, repr=False)
    probability: float = 1.0
    call: Callable[..., Any] | None = field(default=None, repr=False)
    entry: str | None = "__call__"
    rescales: bool = False
    is_image: Callable[[Any], bool] | None = field(default=None, repr=False)
    order: tuple[int, ...] | None = None
    is_declared: bool = True
    missing: tuple[Missing, ...] = field(default=(), repr=False)

    @property
    def source(self) -> str:
        """Where it is, in words."""
        return self.normalization.source or self.name


@dataclass(frozen=True)
class Missing:
    """A part without a Normalize, beside one that has it.

    Attributes:
        path: where it is.
        beside: where that one is.
        part: the part itself.
        has: what is there.
        named: their names say that they are for splits.
    """

    path: str
    beside: str
    part: Any = field(repr=False, compare=False)
    has: Located = field(repr=False, compare=False)
    named: bool

    def seen_from(self, label: str) -> Missing:
        """Return it as seen by what holds, at `label`, the object that holds both."""
        return replace(self, path=label + self.path, beside=label + self.beside)

    def shown(self, show: Callable[[str], str]) -> Missing:
        """Return it with paths as they are told."""
        return replace(self, path=show(self.path), beside=show(self.beside))
