"""A map of colors, ``y = A x + b``, fitted to what something does to pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..errors import NotInvertibleError
from .normalization import Normalization, format_numbers, unwarned

__all__ = ["ColorMap", "Fit", "fit_affine"]

#: By how much the shares that channels have in one grey differ, where it is rounded to bytes.
_SAME_SHARE = 0.01


class Fit(NamedTuple):
    """The least-squares fit of ``y = matrix @ x + offset``, in float64.

    Attributes:
        matrix: (channels out, channels in).
        offset: (channels out,).
        residual: the largest ``|y - (matrix @ x + offset)|`` of each channel out.
        condition: of the design matrix, its columns brought to one order of magnitude; large where the samples cannot
            tell the channels apart.
    """

    matrix: np.ndarray[Any, Any]
    offset: np.ndarray[Any, Any]
    residual: np.ndarray[Any, Any]
    condition: float


def fit_affine(x: Any, y: Any) -> Fit:
    """Fits pixels `y` (n, channels out) to pixels `x` (n, channels in).

    Columns are centred first, so that the offset does not lose digits to the slope, and brought to one order of
    magnitude, so that a wide channel does not take them from a narrow one (van der Sluis, Numer. Math. 14, 1969).
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    centred = x - x_mean
    _, exponents = np.frexp(np.abs(centred).max(axis=0))
    scaled, _, rank, singular = np.linalg.lstsq(np.ldexp(centred, -exponents), y - y_mean, rcond=None)
    solution = np.ldexp(scaled, -exponents[:, None])
    offset = y_mean - x_mean @ solution
    residual = np.abs(y - (x @ solution + offset)).max(axis=0)
    condition = float(singular[0] / singular[-1]) if rank == x.shape[1] else float("inf")
    return Fit(solution.T, offset, residual, condition)


@dataclass(frozen=True, eq=False)
class ColorMap:
    """What a pipeline was measured to do to colors: ``y = matrix @ x + offset``, x in 0 (black) to 1 (white).

    Attributes:
        matrix: (channels out, channels in), float64; output units for the whole way from black to white.
        offset: (channels out,), float64: what black becomes.
        residual: the largest ``|y - (matrix @ x + offset)|`` over the flat images that the map was fitted to.
        tolerance: what rounding in the output's dtype explains of it, in the same units.
        convention: how the pipeline was called, in words.
        calls: how often it was called.
        random: share of calls with one flat image whose result was not the most frequent one; 0 if all were equal.
        outcomes: how many different results those calls had.
        nonlinear: a flat image's color is not changed by an affine map.
        rounded: the map is affine to within one level of 255: the pipeline rounds to bytes on its way.
        clipped: the map is affine, but some levels at an end of the range become one.
        gated: the darkest images (no level above 2 of 255) are treated otherwise than all others.
        per_image: the color of a pixel depends on other pixels.
        uneven: the share of pixels that have another slope or offset than most, for where they lie.
        unchanged: the output was the input.
        augments: where pixels land, or some of them, changes from call to call (flips, crops, erasing, noise).
        mutates: the pipeline wrote into the image it was given.
        undivided: it was called with floats in 0..1, and takes images of bytes of this form, too, without dividing
            them by 255.
    """

    matrix: np.ndarray[Any, Any]
    offset: np.ndarray[Any, Any]
    residual: float
    tolerance: float
    convention: str
    calls: int
    random: float = 0.0
    outcomes: int = 1
    nonlinear: bool = False
    rounded: bool = False
    clipped: bool = False
    gated: bool = False
    per_image: bool = False
    uneven: float = 0.0
    unchanged: bool = False
    augments: bool = False
    mutates: bool = False
    undivided: str = ""

    @property
    def condition(self) -> float:
        """The condition number of `matrix`, by which the inverse magnifies errors at most; infinite if none."""
        singular = np.linalg.svd(self.matrix, compute_uv=False)
        square = self.matrix.shape[0] >= self.matrix.shape[1]
        return float(singular[0] / singular[-1]) if square and singular[-1] > self.tolerance else float("inf")

    @property
    def order(self) -> tuple[int, ...] | None:
        """The channel that each channel out is made of; None where channels are mixed, left out or constant."""
        noise = max(self.tolerance, 2 * self.residual if self.rounded else 0.0)
        weights = np.abs(self.matrix) > max(noise, 1e-4 * float(np.abs(self.matrix).max(initial=0)))
        if (weights.sum(axis=0) != 1).any() or (weights.sum(axis=1) != 1).any():
            return None
        return tuple(int(channel) for channel in weights.argmax(axis=1))

    @property
    def straightened(self) -> ColorMap:
        """The same, as if channels entered in the order in which they leave; itself where they have none."""
        return self if self.order is None else replace(self, matrix=self.matrix[:, self.order])

    @property
    def constant_channels(self) -> tuple[int, ...]:
        """Channels out that no input changes; their slope is zero, and nothing brings them back."""
        return tuple(int(row) for row in np.flatnonzero((np.abs(self.matrix) <= self.tolerance).all(axis=1)))

    @property
    def problems(self) -> tuple[str, ...]:
        """Why no Normalization undoes this, each in words; empty if one does."""
        said = []
        if self.per_image:
            said.append("per-image: the color of a pixel depends on the other pixels of its image")
        if self.uneven:
            said.append(f"uneven: {self.uneven:.0%} of the pixels have another slope or offset, for where they lie")
        if self.random:
            said.append(f"random: {self.outcomes} different results for one image, {self.random:.0%} not the usual")
        if self.gated:
            said.append("gated: images whose brightest level is at most 2 of 255 are treated otherwise")
        if self.clipped:
            said.append("clipped: some levels at an end of the range become one, and cannot be told apart again")
        if self.nonlinear:
            said.append(f"not affine: up to {self.residual:.3g} away from the best affine map")
        said.extend(self._channel_problems())
        return tuple(said)

    def _channel_problems(self) -> list[str]:
        order, constant = self.order, self.constant_channels
        if constant:
            return [f"constant: channel {', '.join(map(str, constant))} of the output has a slope of zero"]
        if self.per_image or self.random or self.nonlinear or order == tuple(range(len(self.matrix))):
            return []
        if order is not None:
            turned = " (RGB becomes BGR)" if order == (2, 1, 0) else ""
            mean, std = self._statistics(self.matrix[range(len(order)), order])
            return [
                f"channel order: the output's channels are made of the input's {order}{turned}, with mean "
                f"{format_numbers(mean)} and std {format_numbers(std)}"
            ]
        outputs, inputs = self.matrix.shape
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = self.matrix / self.matrix.sum(axis=1, keepdims=True)
        is_grey = np.isfinite(shares).all() and np.abs(shares - shares[0]).max() < _SAME_SHARE
        grey = f": it is grey, made of {format_numbers(shares[0], 3)} of them" if is_grey else ""
        return [f"mixed: the {outputs} channel(s) of the output mix the {inputs} of the input{grey}"]

    def _statistics(self, slope: np.ndarray[Any, Any], pixel_max: float = 1.0) -> tuple[Any, Any]:
        """Mean and std of the Normalize that has this slope a channel, and the offset that was measured."""
        std = pixel_max / slope
        reach = np.abs(self.matrix).sum(axis=1) + np.abs(self.offset)  # a channel is rounded as its own values are
        offset = np.where(np.abs(self.offset) > self.tolerance * reach / reach.max(), self.offset, 0.0)
        return tuple(-offset * std + 0.0), tuple(std)

    def normalization(self, pixel_max: float = 1.0) -> Normalization:
        """The Normalization that does the same, for images whose white is `pixel_max`.

        Raises:
            NotInvertibleError: none does; the message says why.
        """
        if self.problems:
            raise NotInvertibleError(
                f"what was measured is no Normalize: {'; '.join(self.problems)}. "
                f"Called with {self.convention}, {self.calls} times."
            )
        mean, std = self._statistics(np.diagonal(self.matrix), pixel_max)
        source = f"measured in {self.calls} calls with {self.convention}"
        return Normalization(mean, std, pixel_max, source=source)

    def difference(self, normalization: Normalization) -> float:
        """The largest difference, over all colors, between what was measured and a Normalization, in output units.

        Raises:
            StatisticsError: the number of channels differs.
        """
        declared = normalization.expand(self.matrix.shape[0])
        std = np.asarray(declared.std)
        slopes = np.zeros_like(self.matrix)
        np.fill_diagonal(slopes, declared.pixel_max / std)
        slope_error, offset_error = self.matrix - slopes, self.offset + np.asarray(declared.mean) / std
        high = offset_error + slope_error.clip(min=0).sum(axis=1)
        low = offset_error + slope_error.clip(max=0).sum(axis=1)
        return float(np.maximum(np.abs(high), np.abs(low)).max())

    def __str__(self) -> str:
        shown = "; ".join(self.problems) or str(unwarned(*self._statistics(np.diagonal(self.matrix))))
        extra = ", unchanged" if self.unchanged else ""
        extra += f"; {self.undivided} is not divided by 255" if self.undivided else ""
        return f"{shown}{extra} (measured in {self.calls} calls with {self.convention})"
