"""What a pipeline does to colors, learned from the outside.

Images of one color go through the pipeline, and an affine map is fitted to the colors that come out. Such images
survive resizing and cropping; where the output does not answer to the input (padding), it is left out. Then images of
two colors tell whether a pixel depends on others, repeated calls whether chance has a part, and the pixels of one
output whether all are treated alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..core.colormap import ColorMap
from ..errors import PipelineError
from .evenness import lost_share, uneven_share
from .fitting import classify
from .flat_images import flat_colors, in_channels, stripes
from .forms import Levels
from .outputs import Array, as_if_alone, pixel_places
from .registry import public_name
from .runner import Runner
from .trace import Trace
from .trial import LOOKED_AT, Trial

__all__ = ["DRAWS", "FEW_DRAWS", "measure"]

#: Calls with one and the same image, to see whether chance has a part; and those that tell fixed from random only.
DRAWS, FEW_DRAWS = 60, 10
_COLOR = (40, 120, 200)
_PAIRS = (((0, 0, 0), (255, 255, 255)), ((64, 100, 160), (180, 140, 90)), ((120, 121, 122), (137, 136, 135)))
#: Relative error of a few operations in each dtype; whole numbers are rounded.
_ROUNDING = {"float64": 2.0**-18, "float32": 2.0**-18, "float16": 2.0**-8, "bfloat16": 2.0**-5}


def measure(runner: Runner, draws: int = DRAWS, seed: int = 0) -> ColorMap:
    """Return what a pipeline does to colors.

    Args:
        runner: calls the pipeline.
        draws: calls with one and the same image.
        seed: of all generators during the calls; their states are restored.

    Raises:
        PipelineError: no form passes, or it fails later.
    """
    with runner.session(seed):
        return _Probe(runner).measure(draws)


class _Probe:
    """One measurement of one pipeline."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._trial: Trial = runner.trial
        self._dtype = "float32"
        self._always_unchanged = True
        self._mutates = False
        if self._trial.index < 0:
            trace = runner.run(runner.flat(in_channels(_COLOR, self._trial.channels)))
            raise PipelineError(f"{runner.name} returned a {public_name(trace.result)} that holds no image.")

    def measure(self, draws: int) -> ColorMap:
        channels = self._trial.channels
        flats = flat_colors(channels)
        colors = np.stack([self._color(color) for color in flats])
        per_image = not np.isfinite(colors).all()
        colors = np.nan_to_num(colors, posinf=0, neginf=0)
        tolerance = self._tolerance(colors)
        spread = float(np.ptp(colors, axis=0).max(initial=0))
        outcomes = self._draws(draws, max(tolerance, 1e-4 * spread))
        is_random = len(outcomes) > 1
        fit, flags = classify(np.array(flats) / 255, colors, tolerance)
        per_image = per_image or (not is_random and self._depends_on_others(tolerance, spread))
        augments = self._augments()
        fixed = not (is_random or per_image or augments)
        return ColorMap(
            matrix=fit.matrix,
            offset=fit.offset,
            residual=float(fit.residual.max()),
            tolerance=tolerance,
            convention=self._trial.form.words,
            random=1 - max(outcomes.values()) / draws if draws else 0.0,
            outcomes=len(outcomes),
            per_image=per_image,
            uneven=self._uneven(tolerance, spread) if fixed else 0.0,
            augments=augments,
            unchanged=self._always_unchanged,
            mutates=self._mutates,
            undivided=self._runner.undivided,
            calls=self._runner.calls,
            **({} if is_random or per_image else flags),
        )

    def _run(self, levels: Levels) -> Array:
        trace: Trace = self._runner.run(levels)
        called = f"{self._runner.name} takes {self._trial.form.words}, but"
        if trace.error is not None:
            error = f"{type(trace.error).__name__}: {trace.error}"
            raise PipelineError(f"{called} failed on one in call {self._runner.calls}: {error}") from trace.error
        pixels = trace.pixels(self._trial.index)
        if pixels is None:
            raise PipelineError(f"{called} returned no image in call {self._runner.calls}.")
        self._dtype = trace.dtype(self._trial.index)
        self._always_unchanged = self._always_unchanged and trace.unchanged(self._trial.index)
        self._mutates = self._mutates or trace.mutated
        return pixels

    def _colors(self, levels: Levels) -> Array:
        """The pixels (n, channels out) of an output that answer to the input."""
        pixels, trial = self._run(levels), self._trial
        if pixels.shape == trial.shape:
            return np.asarray(pixels.ravel()[trial.places])
        places = pixel_places(pixels.shape, trial.axis)
        if pixels.ndim != len(trial.shape) or places.shape[1] != trial.places.shape[1]:
            raise PipelineError(
                f"{self._runner.name} returned an image of shape {pixels.shape} in call {self._runner.calls}, and of "
                f"shape {trial.shape} at first: its channels cannot be told apart. Give a pipeline with one kind of "
                f"output."
            )
        return np.asarray(pixels.ravel()[places[:: max(1, len(places) // LOOKED_AT)]])

    def _color(self, color: Sequence[int]) -> Array:
        middle: Array = np.asarray(np.median(self._colors(self._runner.flat(tuple(color))), axis=0))
        return middle

    def _tolerance(self, colors: Array) -> float:
        largest = float(np.abs(colors).max(initial=0))
        return max(_ROUNDING[self._dtype] * largest if self._dtype in _ROUNDING else 0.51, 1e-12)

    def _draws(self, draws: int, step: float) -> Counter[tuple[float, ...]]:
        """How often each color came out of one flat image."""
        color = in_channels(_COLOR, self._trial.channels)
        rounded = (np.round(np.nan_to_num(self._color(color)) / (10 * step)) for _ in range(draws))
        return Counter(tuple(float(value) for value in one) for one in rounded)

    def _depends_on_others(self, tolerance: float, spread: float) -> bool:
        """Whether an image of two colors has other colors, in most of its pixels, than a flat image of each."""
        allowed, size = max(10 * tolerance, 1.5 / 255 * spread), self._trial.size
        for pair in _PAIRS:
            first, second = (in_channels(color, self._trial.channels) for color in pair)
            alone = np.stack([self._color(first), self._color(second)])
            verdicts = []
            # broad stripes survive a strong reduction, narrow ones are both seen in a small crop
            for stripe in (size[1] // 2, size[1] // 8, 8):
                together = self._colors(stripes(first, second, size, stripe))
                verdicts.append(as_if_alone(together, alone, allowed))
                if verdicts[-1] == "both":
                    break
            if "both" not in verdicts and "neither" in verdicts:
                return True
        return False

    def _augments(self) -> bool:
        one, another = (in_channels(color, self._trial.channels) for color in (_COLOR, (255, 0, 90)))
        pictured = stripes(one, another, self._trial.size, self._trial.size[1] // 2)
        first = self._run(pictured)
        others = (self._run(pictured) for _ in range(11))
        return any(not np.array_equal(first, other, equal_nan=True) for other in others)

    def _uneven(self, tolerance: float, spread: float) -> float:
        """The share of the answering pixels that are treated otherwise than most are, for where they lie."""
        channels = self._trial.channels
        flats = [self._run(self._runner.flat((level,) * channels)) for level in (0, 96, 255) for _ in range(2)]
        if self._trial.blank or any(one.shape != self._trial.shape for one in flats):
            return 0.0
        if not all(np.array_equal(one, other) for one, other in zip(flats[::2], flats[1::2], strict=True)):
            return 0.0  # chance has a part, though seldom
        lost = self._lost(np.stack(flats[::2]))
        outputs = np.stack([one.ravel()[self._trial.places] for one in flats[::2]])
        return lost or uneven_share(outputs, self._trial.padding, max(10 * tolerance, 1.5 / 255 * spread))

    def _lost(self, outputs: Array) -> float:
        """The share of pixels amid the image that answer to nothing."""
        answers = np.ptp(np.nan_to_num(outputs), axis=0) > 0
        if self._trial.axis is not None and answers.ndim == 3:
            answers = answers.any(axis=self._trial.axis)
        return lost_share(answers) if answers.ndim == 2 else 0.0
