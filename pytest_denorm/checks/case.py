"""What is verified: a pipeline, its Normalize, an inverse and images, with everything that checks share."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch

from ..core.alone import alone
from ..core.arguments import one_of
from ..core.foreign import shown
from ..core.normalization import Normalization, preset, unwarned
from ..core.units import Units, check_output_max, in_units
from ..diagnosis.diagnose import diagnose
from ..diagnosis.verdict import Diagnosis
from ..errors import (
    AmbiguousNormalizeError,
    ConditionalNormalizeError,
    DenormError,
    ImageError,
    ImageTypeError,
    PipelineError,
    StatisticsError,
)
from ..pipelines import Located
from ..pipelines.apply import Denormalize
from ..pipelines.calls import LAYOUTS, Called, Way, as_function, as_images, call, forward_of
from ..pipelines.exchange import find, turned_back
from ..pipelines.randomness import preserve_rng_state
from ..pipelines.runner import Runner
from ..pipelines.samples import images_for_an_inverse, sample_images
from .emission import Emitted, emitted_by
from .outcome import CheckFailure, CheckResult, NotApplicable
from .sighting import Unmet, channel_counts, unmet

__all__ = ["Case"]

#: The check that says what is wrong with the Normalize, by the error of looking for it.
_SAID_BY: dict[type[Exception], str] = {
    AmbiguousNormalizeError: "single_normalize",
    ConditionalNormalizeError: "single_normalize",
    StatisticsError: "statistics_valid",
    Exception: "finds_normalize",
}


class Case:
    """One pipeline to verify. What checks share is computed when it is first asked for, and kept.

    Args:
        pipeline: anything that :func:`~pytest_denorm.find_normalize` understands.
        inverse: the project's own inverse, or None for the derived one.
        images: images as they enter Normalize, or None for the built-in ones.
        name: what to call it.
        output_max: the value of white in the floats that `inverse` gives, or None if it is that of the images.
        layout: what `inverse` takes, one of ``LAYOUTS``; None for what the pipeline emits.
        notes: what a report has to say of how the pipeline was made.

    Attributes:
        results: what each check that ran has given, by name.

    Raises:
        ImageError: `output_max` or `layout` cannot be worked with.
    """

    def __init__(
        self,
        pipeline: Any,
        inverse: Any = None,
        images: Any = None,
        name: str = "",
        output_max: float | None = None,
        layout: str | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.pipeline = preset(pipeline) if isinstance(pipeline, str) else pipeline
        self.given_inverse = inverse
        self.given_images = images
        self.name = name
        self.output_max = check_output_max(output_max, inverse)
        self.layout = None if layout is None else one_of(layout, "layout", list(LAYOUTS), ImageError, ", or None")
        self.notes = tuple(notes)
        self.results: dict[str, CheckResult] = {}

    # --- the Normalize ---

    @cached_property
    def search(self) -> tuple[Located | None, Exception | None, list[warnings.WarningMessage]]:
        """What looking for the Normalize gave: it, or the error, and the warnings on the way."""
        with alone(), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                return find(self.pipeline, self.given_inverse, self.given_images), None, caught
            except (PipelineError, StatisticsError) as error:
                return None, error, caught

    def find(self) -> Located:
        """Return the Normalize, with the warnings on the way shown as they come.

        Raises:
            PipelineError, StatisticsError: as :func:`~pytest_denorm.find_normalize`.
        """
        located = find(self.pipeline, self.given_inverse, self.given_images)
        self.search = located, None, []
        return located

    @property
    def located(self) -> Located:
        """The Normalize as the pipeline declares it.

        Raises:
            NotApplicable: there is none to work with; the check that says why is named.
        """
        located, error, _ = self.search
        if located is None:
            raise NotApplicable(f"no Normalize to work with ({type(error).__name__}): see {self.refused_by}")
        return located

    @property
    def refused_by(self) -> str:
        """The check that says why there is no Normalize to work with; "" where there is one."""
        error = self.search[1]
        return next((check for kind, check in _SAID_BY.items() if isinstance(error, kind)), "")

    @cached_property
    def verified(self) -> Located:
        """The Normalize, together with the exchange of channels around it where the project's inverse undoes that."""
        return self.with_exchange(self.located)

    def with_exchange(self, located: Located) -> Located:
        """Return a Normalize, with the exchange of channels around it where the project's inverse undoes that."""
        return located if self.is_derived else turned_back(located, self.own_inverse, self.channels)

    @property
    def normalization(self) -> Normalization:
        """The statistics, in the order of the channels of the images."""
        return self.verified.normalization

    @property
    def expanded(self) -> Normalization:
        """The same, with one mean and std for each channel of the images."""
        return self.normalization.expand(self.channels)

    @cached_property
    def runner(self) -> Runner:
        """The whole pipeline, called in the form that it is made for.

        Raises:
            NotApplicable: nothing on the way to the Normalize can be called.
        """
        located = self.located
        if located.call is None:
            raise NotApplicable("there is nothing around the Normalize that could be run")
        return Runner(located.call, located, channel_counts(located.normalization))

    @cached_property
    def unmet(self) -> Unmet:
        """What the images of a data set are, if none of them meets the Normalize that it holds."""
        return unmet(self.pipeline, self.located)

    # --- the inverse ---

    @property
    def is_derived(self) -> bool:
        """Whether the inverse is derived from the statistics, and not the project's own."""
        return self.given_inverse is None

    @cached_property
    def own_inverse(self) -> Callable[[Any], Any]:
        """The inverse as it was given, or the derived one.

        Raises:
            ImageTypeError: it is not callable.
        """
        inverse = as_function(self.given_inverse)
        if inverse is not None and not callable(inverse):
            raise ImageTypeError(f"inverse is {shown(inverse)}: expected a function of a normalized image, or None.")
        if inverse is not None:
            return inverse
        found = self.located.normalization
        return Denormalize.of(unwarned(found.mean, found.std, found.pixel_max))

    @property
    def units(self) -> Units:
        """How to read what the inverse gives."""
        return Units(self.located.normalization.pixel_max, self.output_max)

    @property
    def inverse(self) -> Callable[[Any], Any]:
        """The inverse, with its floats in the units of the images."""
        return in_units(self.own_inverse, self.units)

    @property
    def forward(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """Just the Normalize."""
        return forward_of(self.verified)

    @cached_property
    def emitted(self) -> list[Emitted]:
        """What leaves the pipeline.

        Raises:
            CheckFailure, NotApplicable: as :func:`~pytest_denorm.checks.emission.emitted_by`.
        """
        return emitted_by(self)

    @cached_property
    def way(self) -> Way | None:
        """The form in which the inverse is called: as asked for, else as the pipeline emits images, else what works."""
        if self.is_derived:
            return None
        if self.layout is not None:
            return LAYOUTS[self.layout]
        try:
            return self.emitted[0].way
        except (CheckFailure, NotApplicable):
            return None

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """What the inverse does wrong, or None where that cannot be told."""
        try:
            with preserve_rng_state():
                return self.diagnose()
        except (DenormError, NotApplicable, SystemExit):  # the check that failed says so
            return None

    def diagnose(self) -> Diagnosis:
        """Return what the inverse does wrong, on images of its own."""
        return diagnose(
            self.forward,
            self.own_inverse,
            channels=self.channels,
            pixel_max=self.normalization.pixel_max,
            output_max=self.output_max,
            dtype=self.dtype,
            between=True,  # the round trip sends such values
        )

    # --- the images ---

    @property
    def has_own_images(self) -> bool:
        """Whether somebody chose the images."""
        return self.given_images is not None

    @cached_property
    def images(self) -> Sequence[torch.Tensor]:
        """The images, (C, H, W) each, floats in the units of what enters Normalize.

        Raises:
            ImageError, ImageTypeError: they cannot be worked with.
        """
        given, normalization = self.given_images, self.located.normalization
        if given is None:
            make = sample_images if self.is_derived else images_for_an_inverse
            given = make(normalization.channels)
        return as_images(given, normalization)

    def with_images(self, images: Sequence[torch.Tensor]) -> Case:
        """Return the same with other images, (C, H, W) each, in the units of what enters Normalize."""
        other = copy.copy(self)
        for name in ("normalized", "recovered", "batch", "diagnosis"):
            vars(other).pop(name, None)
        vars(other)["images"] = images
        return other

    @property
    def channels(self) -> int:
        return int(self.images[0].shape[0])

    @property
    def dtype(self) -> torch.dtype:
        """The coarsest of the images'."""
        return max((image.dtype for image in self.images), key=lambda dtype: torch.finfo(dtype).eps)

    @cached_property
    def normalized(self) -> Called:
        return call(self.forward, self.images, "pipeline")

    @cached_property
    def recovered(self) -> Called:
        return call(self.inverse, self.normalized.pictures, "inverse", self.way)

    @cached_property
    def batch(self) -> torch.Tensor:
        """All images as one batch (N, C, H, W).

        Raises:
            NotApplicable: they differ in size.
        """
        if len({image.shape for image in self.images}) > 1:
            raise NotApplicable("the images differ in size, and make no batch")
        return torch.stack(list(self.images))

    def prepare(self) -> None:
        """Compute what does not depend on running the pipeline, so that arguments that cannot be worked with are told.

        Raises:
            ImageError, ImageTypeError: the inverse, the images or `output_max` cannot be worked with.
        """
        _ = self.own_inverse, self.images, self.verified
