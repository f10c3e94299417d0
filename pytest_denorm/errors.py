"""Everything that pytest-denorm raises on purpose, and warns about.

All errors derive from :class:`DenormError`, and each also from the built-in kind that a caller would expect
(``ValueError``, ``TypeError``, ``LookupError``), so that either can be caught.
"""

from __future__ import annotations

from typing import Any


class DenormError(Exception):
    """Base of all errors of this package."""


class StatisticsError(DenormError, ValueError):
    """Mean and std that cannot be the statistics of a Normalize."""


class ImageError(DenormError, ValueError):
    """Images of a shape or a value range that cannot be worked with."""


class ImageTypeError(DenormError, TypeError):
    """Images of a type or a dtype that cannot be worked with."""


class PipelineError(DenormError, LookupError):
    """A pipeline whose Normalize cannot be told; the kinds below say why."""


class NormalizeNotFoundError(PipelineError):
    """No Normalize is in the pipeline.

    Attributes:
        said: the message without its advice.
        measured: what the pipeline does all the same, a ColorMap, where that was measured.
    """

    def __init__(self, said: str, advice: str = "", measured: Any = None) -> None:
        super().__init__(f"{said} {advice}" if advice else said)
        self.said = said
        self.measured = measured


class AmbiguousNormalizeError(PipelineError):
    """More than one Normalize is in the pipeline, and they do not agree or follow one another."""


class ConditionalNormalizeError(PipelineError):
    """A Normalize that only some of the images meet."""


class PipelineRaisedError(PipelineError):
    """A pipeline that raised on an image that came as far as its Normalize, or in the form that it is made for.

    Attributes:
        stage: "before Normalize", "in Normalize" or "after Normalize".
        is_own: it is made for images in this form, so that each real image raises, too.
        trace: what happened in the call.
    """

    def __init__(self, message: str, stage: str = "", is_own: bool = True, trace: Any = None) -> None:
        super().__init__(message)
        self.stage = stage
        self.is_own = is_own
        self.trace = trace


class NotInvertibleError(PipelineError):
    """A normalization that no fixed mean and std can undo, such as one by each image's own statistics."""


class AdapterError(DenormError, ValueError):
    """An adapter that cannot be registered, or that failed."""


class SettingsError(DenormError, ValueError):
    """An option or an ini key with a value that cannot be used."""


class CheckNameError(DenormError, LookupError):
    """The name of a check that does not exist."""


class DatasetError(DenormError, ValueError):
    """A data set that cannot be measured or swept, or an image of it that could not be read."""


class RankError(DenormError, RuntimeError):
    """A process of a distributed run that failed, or that was not heard of in time."""


class BaselineError(DenormError, ValueError):
    """A stored baseline that cannot be read, or cannot be written."""


class InverseError(DenormError, RuntimeError):
    """An inverse that raised, or gave back something that is no image."""


class MissingLibraryError(DenormError, ImportError):
    """An optional library that is not installed, or cannot be imported."""


class DenormWarning(UserWarning):
    """Base of all warnings of this package."""


class VerificationWarning(DenormWarning):
    """What a check found that is right today, and wrong tomorrow or a matter of taste."""


class MissingNormalizeWarning(DenormWarning):
    """One split of several has no Normalize, where another has one.

    Attributes:
        sure: both are called by their splits, and what the first gives was seen not to be normalized.
    """

    def __init__(self, message: str, sure: bool = False) -> None:
        super().__init__(message)
        self.sure = sure


class SecondNormalizeWarning(DenormWarning):
    """A loader around a Normalize keeps another mean and std, and may normalize batches once more."""


class StatisticsWarning(DenormWarning):
    """Statistics that are legal, and most likely not what was meant."""


class ConditionalNormalizeWarning(DenormWarning):
    """The Normalize that was found is skipped at random."""
