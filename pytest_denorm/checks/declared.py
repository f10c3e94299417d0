"""Checks of what a pipeline declares: its Normalize is found, is one, fits the images, and does what it says.

A check is a plain function of a :class:`Case`. It returns what it has shown, or raises :class:`CheckFailure` where the
pipeline or its inverse is wrong, :class:`CheckWarning` where it is right today and may not be tomorrow, and
:class:`NotApplicable` with the reason where there is nothing for it to look at.
Its docstring is what the documentation says of it.
"""

from __future__ import annotations

from ..core.normalization import Normalization
from ..core.text import count_of
from ..diagnosis.relations import explain_statistics
from ..errors import (
    AmbiguousNormalizeError,
    ConditionalNormalizeError,
    ConditionalNormalizeWarning,
    MissingNormalizeWarning,
    SecondNormalizeWarning,
    StatisticsError,
    StatisticsWarning,
)
from ..pipelines.adapters.lightning import transferred
from ..pipelines.runner import is_network
from ..pipelines.structure import is_dataset
from ..pipelines.views import views
from .boundary import declared_against_measured
from .case import Case
from .members import Member, members_of, refuse_other_map
from .outcome import CheckFailure, NotApplicable, Shown
from .sighting import OtherChannelsError, Sighting, sightings, unmet_splits
from .standardized import measure_standardization, normalized_again

__all__ = [
    "check_dataset_is_standardized",
    "check_declared_matches_measured",
    "check_finds_normalize",
    "check_single_normalize",
    "check_statistics_match_channels",
    "check_statistics_valid",
]

#: So many tell a data set's mean to a few hundredths of its std.
_STANDARDIZED_IMAGES = 256


def check_finds_normalize(case: Case) -> Shown:
    """A Normalize is found, so that there is something to invert."""
    located, error, _ = case.search
    if located is None:
        if isinstance(error, (AmbiguousNormalizeError, ConditionalNormalizeError, StatisticsError)):
            return Shown("a Normalize is there, though it cannot be used")
        raise CheckFailure(str(error), error=type(error).__name__)
    return Shown(located.normalization.source or "Normalization", {"path": located.path, "name": located.name})


def check_single_normalize(case: Case) -> Shown:
    """Each image passes through exactly one Normalize."""
    _, error, caught = case.search
    if isinstance(error, (AmbiguousNormalizeError, ConditionalNormalizeError)):
        raise CheckFailure(str(error), error=type(error).__name__)
    for warning in caught:
        if issubclass(warning.category, ConditionalNormalizeWarning):
            raise CheckFailure(str(warning.message))
    left_out = [one.message for one in caught if isinstance(one.message, MissingNormalizeWarning)]
    if any(one.sure for one in left_out):
        raise CheckFailure("\n".join(map(str, left_out)))
    if left_out:
        raise NotApplicable("\n".join(map(str, left_out)))
    for warning in caught:
        if issubclass(warning.category, SecondNormalizeWarning):
            raise NotApplicable(str(warning.message))
    for path in unmet_splits(case.pipeline):
        raise CheckFailure(
            f"none of the first items of {path} met the Normalize that it holds, and no value in their images is "
            f"below 0: is it called?"
        )
    if case.unmet:
        said = f"none of the first items met the Normalize that the data set holds ({case.normalization.source})"
        if case.unmet == "raw":
            raise CheckFailure(f"{said}, and no value in their images is below 0: is it called?")
        raise NotApplicable(f"{said}: their images are kept normalized, or something else normalizes them")
    _refuse_normalized_again(case)
    return Shown(f"one Normalize, met by {_met_by(case)}")


def _met_by(case: Case) -> str:
    """
    Raises:
        CheckFailure: not by all of the views that the pipeline makes of one image.
    """
    found = None if is_network(case.pipeline) else views(case.located)
    if found is None or not found.raw:
        return "every image"
    count = found.normalized + found.raw
    if found.listed and found.normalized > 1:
        raise CheckFailure(
            f"of {count} views that it makes of one image, {found.normalized} met the Normalize, and {found.raw} "
            f"leave as they entered, with black at 0: expected all to be normalized alike. Put the Normalize into "
            f"their branch, too.",
            normalized=found.normalized,
            raw=found.raw,
        )
    return f"{found.normalized} of the {count} images that it makes of one"


def _refuse_normalized_again(case: Case) -> None:
    """
    Raises:
        CheckFailure: batches are normalized, of items that are.
    """
    loaders = [(f"{case.normalization.source} is applied to the items of the data set", "the loader around it")]
    sources = [case.pipeline]
    if not is_dataset(case.pipeline):
        hooked = list(transferred(case.pipeline))
        loaders = [(f"the items of {name} are normalized", loader.name) for name, loader in hooked]
        sources = [loader for _, loader in hooked]
    for source, (where, what) in zip(sources, loaders, strict=True):
        again = normalized_again(source, case.normalization)
        if again:
            raise CheckFailure(f"{where}, and {what} does the same once more: {again}. Normalize in one place.")


def check_statistics_valid(case: Case) -> Shown:
    """Mean and std are finite and fit the scale of the images, std is not 0, and no preset is mistyped."""
    _, error, caught = case.search
    if isinstance(error, StatisticsError):
        raise CheckFailure(str(error))
    for warning in caught:
        if issubclass(warning.category, StatisticsWarning):
            raise CheckFailure(str(warning.message))
    difference = explain_statistics(case.normalization)
    if difference is not None:
        raise CheckFailure(
            f"{difference.message} If the network was trained with the present numbers, they are right for it: declare "
            f"this an expected failure."
        )
    return Shown(str(case.normalization))


def check_statistics_match_channels(case: Case) -> Shown:
    """There is one mean and one std for each channel of the images."""
    normalization = case.normalization
    if case.has_own_images:
        channels = case.channels
        if normalization.channels == 1 < channels:
            return Shown(f"one mean and one std serve all {channels} channels of the images")
        return Shown(f"{channels} of each, for {count_of(channels, 'channel')}")
    seen = next(sightings(case.pipeline, case.located))
    if normalization.channels not in (1, seen.channels):
        raise _misfit(normalization, seen)
    if seen.leaving is None:
        raise CheckFailure(seen.error)
    if normalization.channels == 1 < seen.channels:
        return Shown(f"one mean and one std serve all {seen.channels} channels of the images")
    return Shown(f"{normalization.channels} of each, for {count_of(seen.channels, 'channel')}")


def _misfit(normalization: Normalization, seen: Sighting) -> CheckFailure:
    wanted, found = normalization.channels, seen.channels
    images = f"images of {count_of(found, 'channel')} (shape {tuple(seen.entering.shape)})"
    happens = seen.error or (
        f"{normalization.source} broadcasts silently, and the image changes its number of channels"
    )
    if (wanted, found) == (3, 1):
        advice = "Give grey images one mean and one std, or make them RGB first: Grayscale(3), or convert('RGB')."
    elif (wanted, found) == (3, 4):
        advice = "Drop the fourth channel first, with image.convert('RGB') or x[..., :3, :, :], or give four of each."
    else:
        advice = f"Give {found} of each, or images of {wanted} channels."
    return CheckFailure(
        f"expected {wanted} channels, as there are {wanted} means and stds; found {images} entering Normalize. "
        f"{happens}. {advice}",
        statistics=wanted,
        channels=found,
    )


def check_declared_matches_measured(case: Case) -> Shown:
    """The pipeline, and each of its splits, does to images what its Normalize declares."""
    for member, beside in members_of(case.pipeline, case.located):
        try:
            _refuse_member(case, member, beside)
        except CheckFailure as failure:
            raise CheckFailure(f"{member.path}: {failure}", **failure.details) from failure.__cause__
    return declared_against_measured(case.pipeline, case.located, case.verified)


def _refuse_member(case: Case, member: Member, beside: Member) -> None:
    if member.located is None:
        if member.path != beside.path:
            refuse_other_map(member, beside)
        return
    try:
        declared_against_measured(member.part, member.located, case.with_exchange(member.located))
    except OtherChannelsError as error:
        raise _misfit(member.located.normalization, error.seen) from error
    except NotApplicable:  # as of a pipeline by itself
        return


def check_dataset_is_standardized(case: Case) -> Shown:
    """The images of a data set or loader have mean 0 and std 1 after its Normalize.

    A warning, because a pretrained network wants the statistics of the data that it was trained on. Where yours have to
    fit this data set, let it fail: ``levels={"dataset_is_standardized": "error"}``.
    """
    if not is_dataset(case.pipeline):
        raise NotApplicable("it is neither a data set nor a loader")
    if case.unmet == "raw":
        raise NotApplicable("its images do not meet the Normalize: see single_normalize")
    judged = measure_standardization(case.pipeline, case.normalization, count=_STANDARDIZED_IMAGES)
    if judged is None:
        raise NotApplicable("there are fewer than two images")
    if judged.ok:
        return Shown(judged.message, judged.to_dict())
    raise CheckFailure(judged.message, **judged.to_dict())
