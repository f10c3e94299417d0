"""What a check is given, and how it says what it found."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from ..core.alone import alone
from ..core.normalization import Normalization, preset
from ..diagnosis.verdict import Diagnosis
from ..errors import DenormError, PipelineError, StatisticsError, StatisticsWarning
from ..pipelines import Located
from ..pipelines.calls import Called, call
from ..pipelines.exchange import find
from ..pipelines.randomness import states_kept
from .report import CheckResult
from .round_trip import Subject

if TYPE_CHECKING:
    from .boundary import Unmet

__all__ = ["Case", "CheckFailure", "NotApplicable", "Shown"]


class Shown(NamedTuple):
    """What a check that passed has shown: in words, and as JSON-safe numbers."""

    message: str
    details: dict[str, Any] = {}  # noqa: RUF012 - never changed


class CheckFailure(AssertionError):
    """A check that failed, with JSON-safe numbers beside its message."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class NotApplicable(Exception):
    """A check that does not apply to this pipeline."""


class Case:
    """One pipeline to verify, with everything that checks share, computed once.

    Args:
        pipeline: anything that :func:`~pytest_denorm.find_normalize` understands.
        inverse: the project's own inverse, or None for the derived one.
        images: pictures as they enter Normalize, or None for the built-in ones.
        name: what to call it.
        output_max: the value of white in the floats that `inverse` gives, or None if it is that of the pictures.
    """

    def __init__(
        self,
        pipeline: Any,
        inverse: Any = None,
        images: Any = None,
        name: str = "",
        output_max: float | None = None,
    ) -> None:
        self.pipeline = preset(pipeline) if isinstance(pipeline, str) else pipeline
        self.inverse = inverse
        self.images = images
        self.name = name
        self.output_max = output_max
        self.outcomes: dict[str, CheckResult] = {}

    @cached_property
    def search(self) -> tuple[Located | None, Exception | None, list[warnings.WarningMessage]]:
        """What looking for the Normalize gave: it, or the error, and the warnings on the way."""
        with alone(), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                return find(self.pipeline, self.inverse, self.images), None, caught
            except (PipelineError, StatisticsError) as error:
                return None, error, caught

    @property
    def located(self) -> Located:
        """The Normalize.

        Raises:
            NotApplicable: none was found; the check ``finds_normalize`` says why.
        """
        located, error, _ = self.search
        if located is None:
            raise NotApplicable(f"no Normalize to work with ({type(error).__name__}): see finds_normalize")
        return located

    @property
    def normalization(self) -> Normalization:
        return self.located.normalization

    @cached_property
    def unmet(self) -> Unmet:
        """What the pictures of a data set are, if none meets the Normalize that it holds."""
        from .boundary import unmet

        return unmet(self.pipeline, self.located)

    @cached_property
    def subject(self) -> Subject:
        located = self.located
        with alone(), warnings.catch_warnings():
            warnings.simplefilter("ignore", StatisticsWarning)
            return Subject.from_located(located, self.inverse, self.images, self.output_max)

    @cached_property
    def forward(self) -> Callable[[torch.Tensor], torch.Tensor]:
        return self.subject.forward

    @cached_property
    def normalized(self) -> Called:
        return call(self.forward, self.subject.pictures, "pipeline")

    @cached_property
    def recovered(self) -> Called:
        return call(self.subject.inverse, self.normalized.pictures, "inverse")

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """What the inverse does wrong, or None where that cannot be told."""
        try:
            with states_kept():
                return self.subject.diagnose()
        except (DenormError, NotApplicable):
            return None

    @cached_property
    def batch(self) -> torch.Tensor:
        """All pictures as one batch (N, C, H, W).

        Raises:
            NotApplicable: they differ in size.
        """
        pictures = self.subject.pictures
        if len({picture.shape for picture in pictures}) > 1:
            raise NotApplicable("the pictures differ in size, and make no batch")
        return torch.stack(list(pictures))
