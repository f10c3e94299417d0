"""The checks: one plain function each, which returns what it has shown, or raises.

A check raises :class:`CheckFailure` (an AssertionError) where the pipeline or its inverse is wrong, and
:class:`NotApplicable` with the reason where there is nothing for it to look at. Its docstring is what the
documentation says of it.
"""

from __future__ import annotations

import math
import pickle
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..core.normalization import Normalization
from ..core.text import channel_name, count_of, in_levels
from ..core.tolerance import round_trip_tolerance
from ..datasets.standardized import measure_standardization, normalized_again
from ..diagnosis.relations import explain_statistics
from ..errors import (
    AmbiguousNormalizeError,
    ConditionalNormalizeError,
    ConditionalNormalizeWarning,
    InverseError,
    MissingNormalizeWarning,
    SecondNormalizeWarning,
    StatisticsError,
    StatisticsWarning,
)
from ..pipelines.adapters.lightning import transferred
from ..pipelines.calls import as_pictures, as_tensor, call, read_picture
from ..pipelines.exchange import responses
from ..pipelines.probing import is_network
from ..pipelines.samples import sample_images
from ..pipelines.views import views
from ..pipelines.walk import is_dataset
from .boundary import Sighting, declared_against_measured, sightings, unmet_splits
from .case import Case, CheckFailure, NotApplicable, Shown
from .round_trip import comparable, levels_text, round_trip, worst_text

__all__ = ["CHECKS"]

Check = Callable[[Case], Shown]
CHECKS: dict[str, Check] = {}

#: So many tell a data set's mean to a few hundredths of its std.
_STANDARDIZED_PICTURES = 256


def _check(function: Check) -> Check:
    CHECKS[function.__name__.removeprefix("check_")] = function
    return function


@_check
def check_finds_normalize(case: Case) -> Shown:
    """A Normalize is found, so that there is something to invert."""
    located, error, _ = case.search
    if located is None:
        if isinstance(error, (AmbiguousNormalizeError, ConditionalNormalizeError, StatisticsError)):
            return Shown("a Normalize is there, though it cannot be used")
        raise CheckFailure(str(error), error=type(error).__name__)
    return Shown(located.normalization.source or "Normalization", {"path": located.path, "name": located.name})


@_check
def check_single_normalize(case: Case) -> Shown:
    """Every picture meets exactly one Normalize."""
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
            f"none of the first items of {path} met the Normalize that it holds, and no value in their pictures is "
            f"below 0: is it called?"
        )
    if case.unmet:
        said = f"none of the first items met the Normalize that the data set holds ({case.normalization.source})"
        if case.unmet == "raw":
            raise CheckFailure(f"{said}, and no value in their pictures is below 0: is it called?")
        raise NotApplicable(f"{said}: their pictures are kept normalized, or something else normalizes them")
    _refuse_normalized_again(case)
    return Shown(f"one Normalize, met by {_met_by(case)}")


def _met_by(case: Case) -> str:
    """
    Raises:
        CheckFailure: not by all of the views that the pipeline makes of one picture.
    """
    found = None if is_network(case.pipeline) else views(case.located.call, case.normalization)
    if found is None or not found.raw:
        return "every picture"
    count = found.normalized + found.raw
    if found.listed and found.normalized > 1:
        raise CheckFailure(
            f"of {count} views that it makes of one picture, {found.normalized} met the Normalize, and {found.raw} "
            f"leave as they entered, with black at 0: expected all to be normalized alike. Put the Normalize into "
            f"their branch, too.",
            normalized=found.normalized,
            raw=found.raw,
        )
    return f"{found.normalized} of the {count} pictures that it makes of one"


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


@_check
def check_statistics_valid(case: Case) -> Shown:
    """Mean and std are finite, std is not zero, both on the scale of the pictures, and no preset's but for a slip."""
    _, error, caught = case.search
    if isinstance(error, StatisticsError):
        raise CheckFailure(str(error))
    for warning in caught:
        if issubclass(warning.category, StatisticsWarning):
            raise CheckFailure(str(warning.message))
    difference = explain_statistics(case.normalization)
    if difference is not None:
        raise CheckFailure(
            f"{difference.message} If the network was trained with the present numbers, they are right for it: declare this an "
            f"expected failure."
        )
    return Shown(str(case.normalization))


@_check
def check_statistics_match_channels(case: Case) -> Shown:
    """There is one mean and one std for each channel of the pictures."""
    normalization = case.normalization
    if case.images is not None:
        channels = as_pictures(case.images, normalization)[0].shape[0]
        if normalization.channels == 1 < channels:
            return Shown(f"one mean and one std serve all {channels} channels of the pictures")
        return Shown(f"{channels} of each, for {count_of(channels, 'channel')}")
    seen = next(sightings(case.pipeline, case.located))
    if normalization.channels not in (1, seen.channels):
        raise _misfit(normalization, seen)
    if seen.leaving is None:
        raise CheckFailure(seen.error)
    if normalization.channels == 1 < seen.channels:
        return Shown(f"one mean and one std serve all {seen.channels} channels of the pictures")
    return Shown(f"{normalization.channels} of each, for {count_of(seen.channels, 'channel')}")


def _misfit(normalization: Normalization, seen: Sighting) -> CheckFailure:
    wanted, found = normalization.channels, seen.channels
    pictures = f"pictures of {count_of(found, 'channel')} (shape {tuple(seen.entering.shape)})"
    happens = seen.error or (
        f"{normalization.source} broadcasts silently, and the picture changes its number of channels"
    )
    if (wanted, found) == (3, 1):
        advice = "Give grey pictures one mean and one std, or make them RGB first: Grayscale(3), or convert('RGB')."
    elif (wanted, found) == (3, 4):
        advice = "Drop the fourth channel first, with picture.convert('RGB') or x[..., :3, :, :], or give four of each."
    else:
        advice = f"Give {found} of each, or pictures of {wanted} channels."
    return CheckFailure(
        f"expected {wanted} channels, as there are {wanted} means and stds; found {pictures} entering Normalize. "
        f"{happens}. {advice}",
        statistics=wanted,
        channels=found,
    )


@_check
def check_declared_matches_measured(case: Case) -> Shown:
    """The pipeline does to pictures what its Normalize declares: attributes can lie."""
    return declared_against_measured(case.pipeline, case.located, case.subject.located)


@_check
def check_dataset_is_standardized(case: Case) -> Shown:
    """The pictures of a data set or loader have mean 0 and std 1 after its Normalize.

    Where a pretrained network wants the statistics of another data set, expect this to fail, with that reason:
    ``expected_failures={"dataset_is_standardized": "weights of ImageNet"}``.
    """
    if not is_dataset(case.pipeline):
        raise NotApplicable("it is neither a data set nor a loader")
    if case.unmet == "raw":
        raise NotApplicable("its pictures do not meet the Normalize: see single_normalize")
    judged = measure_standardization(case.pipeline, case.normalization, pictures=_STANDARDIZED_PICTURES)
    if judged is None:
        raise NotApplicable("there are fewer than two pictures")
    if judged.ok:
        return Shown(judged.message, judged.to_dict())
    raise CheckFailure(judged.message, **judged.to_dict())


@_check
def check_round_trip(case: Case) -> Shown:
    """Pictures that went through Normalize come back, within the derived tolerance."""
    outcome = round_trip(case.subject)
    details = {
        "max_abs_error": outcome.worst.error,
        "tolerance": outcome.tolerance.largest,
        "ratio": outcome.ratio,
        "wrong_levels": outcome.wrong_levels,
    }
    if not outcome.ok:
        text = f"{worst_text(outcome, case.subject.channels)}\n{levels_text(outcome)}\ntolerance {outcome.tolerance}"
        raise CheckFailure(text, **details)
    return Shown(
        f"off by {outcome.worst.error:.2g}, {outcome.ratio:.2g} of the tolerance {outcome.tolerance.largest:.2g}",
        details,
    )


@_check
def check_reverse_round_trip(case: Case) -> Shown:
    """Normalized pictures that went through the inverse come back when they are normalized again."""
    _refuse_bytes(case, "the inverse gives bytes, which keep no more than 8 bits of the normalized values")
    recovered = case.recovered
    allowed = torch.tensor(_general_tolerance(case)) * 2 / torch.tensor(case.subject.expanded.std).abs()
    given = [one.to(picture.dtype) for one, picture in zip(recovered.pictures, case.subject.pictures, strict=True)]
    again = call(case.forward, given, "pipeline").pictures
    errors = [
        (one.double() - other.double()).abs().amax(dim=(1, 2))
        for one, other in zip(again, case.normalized.pictures, strict=True)
        if one.numel()
    ]
    error = torch.stack(errors).amax(dim=0)
    for channel, (found, bound) in enumerate(zip(error.tolist(), allowed.tolist(), strict=True)):
        if not found <= bound:
            raise CheckFailure(
                f"{channel_name(channel, case.subject.channels)}: normalized values come back off by {found:.3g} (of "
                f"normalized units); the derived tolerance is {bound:.3g}.",
                channel=channel,
                error=found,
                tolerance=bound,
            )
    return Shown(f"off by {float(error.max()):.2g} of normalized units", {"max_abs_error": float(error.max())})


def _general_tolerance(case: Case) -> tuple[float, ...]:
    subject = case.subject
    low = min(float(picture.min()) for picture in subject.pictures if picture.numel())
    high = max(float(picture.max()) for picture in subject.pictures if picture.numel())
    return round_trip_tolerance(subject.expanded, subject.dtype, low=low, high=high).per_channel


def _refuse_bytes(case: Case, reason: str) -> None:
    if not case.recovered.pictures[0].is_floating_point():
        raise NotApplicable(reason)


@_check
def check_bytes_exact(case: Case) -> Shown:
    """Every one of 256 levels of every channel, and every pixel of a photograph, comes back as the same byte."""
    subject = case.subject
    if subject.dtype not in (torch.float32, torch.float64):
        raise NotApplicable(f"pictures of {subject.dtype} do not hold all levels apart: see low_precision")
    wanted = sample_images(subject.channels)
    pictures = as_pictures(wanted, subject.expanded)
    normalized = call(case.forward, pictures, "pipeline").pictures
    if subject.derived:
        found = torch.stack([subject.expanded.to_uint8(picture, channel_axis=-3) for picture in normalized])
    else:
        came = torch.stack(call(subject.inverse, normalized, "inverse").pictures)
        _, found = comparable(torch.stack(pictures), came, subject.units)
        found = (found.double() * 255 / subject.normalization.pixel_max).round()
    wrong = found.double() != wanted
    if not wrong.any():
        return Shown(f"{256 * subject.channels} levels and {wanted.numel():,} bytes of {len(wanted)} pictures")
    index = tuple(int(i) for i in torch.nonzero(wrong)[0])
    lost = {(int(c), int(level)) for c, level in zip(torch.nonzero(wrong)[:, 1], wanted[wrong], strict=True)}
    raise CheckFailure(
        f"{int(wrong.sum()):,} of {wanted.numel():,} bytes come back wrong, {len(lost)} of "
        f"{256 * subject.channels} levels; the first: picture {index[0]}, {channel_name(index[1], subject.channels)}, "
        f"row {index[2]}, column {index[3]}: expected {int(wanted[index])}, found {float(found[index]):g}.",
        wrong_bytes=int(wrong.sum()),
        wrong_levels=len(lost),
    )


@_check
def check_channel_order(case: Case) -> Shown:
    """Each channel comes back as itself."""
    count = case.subject.channels
    if count == 1:
        raise NotApplicable("there is one channel")
    white, dtype = case.normalization.pixel_max, case.subject.dtype
    response = responses(case.forward, case.subject.inverse, white, count, dtype)
    if not bool(response.isfinite().all()):
        raise CheckFailure(
            "a picture of one colour comes back with NaN or infinite values: is it divided by its own range?"
        )
    source = response.argmax(dim=1).tolist()
    moved = [f"{channel_name(c, count)} answers to {channel_name(j, count)}" for c, j in enumerate(source) if c != j]
    if moved:
        how = "exchanged" if len(set(source)) == count else "not kept apart"
        raise CheckFailure(f"channels are {how}: {', '.join(moved)}.", order=source)
    others = response - torch.diag(response.diagonal())
    if float(others.max()) > 1e-3 * float(response.diagonal().max()):
        c, j = (int(i) for i in torch.nonzero(others == others.max())[0])
        raise CheckFailure(
            f"channels are mixed: {channel_name(c, count)} also answers to {channel_name(j, count)} "
            f"({float(others[c, j]):.3g} for {float(response[c, c]):.3g} of its own).",
            response=response.tolist(),
        )
    return Shown(f"each of {count} answers to itself alone")


@_check
def check_no_clipping(case: Case) -> Shown:
    """Neither end of the range is cut off: dark and bright levels stay apart, and Normalize keeps what lies outside."""
    subject, white = case.subject, case.normalization.pixel_max
    dtype = subject.dtype
    steps = torch.tensor([0, 2, 4, 8, 16, 32, 223, 239, 247, 251, 253, 255], dtype=torch.float64)
    picture = (steps / 255 * white).to(dtype).expand(subject.channels, 7, -1).contiguous()
    (came,) = call(subject.inverse, call(case.forward, [picture], "pipeline").pictures, "inverse").pictures
    for channel in range(subject.channels):
        gaps = came[channel, 0].double().diff()
        gaps = gaps if bool(gaps.sum() >= 0) else -gaps
        flat = torch.nonzero(gaps <= 0).flatten().tolist()
        if flat:
            low, high = int(steps[flat[0]]), int(steps[flat[0] + 1])
            raise CheckFailure(
                f"{channel_name(channel, subject.channels)}: levels {low} and {high} come back as one "
                f"({float(came[channel, 0, flat[0]]):.4g}): values are clipped on the way.",
                channel=channel,
            )
    outside = torch.tensor([-0.25, 0.0, 1.0, 1.25], dtype=torch.float64) * white
    wide = outside.to(dtype).expand(subject.channels, 7, -1).contiguous()
    (left,) = call(case.forward, [wide], "pipeline").pictures
    y = left[:, 0].double()
    slope = (y[:, 2] - y[:, 1]) / white
    expected = y[:, [1]] + slope[:, None] * outside
    if bool(((y - expected).abs() > 64 * torch.finfo(dtype).eps * y.abs().amax()).any()):
        raise CheckFailure(
            "Normalize clips what lies outside 0..white, as resampling leaves it: that cannot be undone."
        )
    return Shown("all levels stay apart, and nothing outside 0..white is cut off")


@_check
def check_input_unchanged(case: Case) -> Shown:
    """Neither Normalize nor its inverse changes what it is given."""
    if case.normalized.mutated:
        raise CheckFailure(
            "Normalize changes its input in place (inplace=True?): the picture that the data set keeps is normalized "
            "again next time."
        )
    if case.recovered.mutated:
        raise CheckFailure(
            "the inverse changes its input in place: the batch is overwritten, and undoing it a second time gives "
            "other pictures. Work on a clone."
        )
    return Shown("both leave their input as it is")


@_check
def check_random_state_unchanged(case: Case) -> Shown:
    """Neither Normalize nor its inverse draws random numbers."""
    before = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    normalized = call(case.forward, case.subject.pictures[:1], "pipeline")
    call(case.subject.inverse, normalized.pictures, "inverse")
    drawn = [
        name
        for name, same in (
            ("random", random.getstate() == before[0]),
            ("numpy.random", _same_numpy_state(np.random.get_state(), before[1])),
            ("torch", torch.equal(torch.random.get_rng_state(), before[2])),
        )
        if not same
    ]
    if drawn:
        raise CheckFailure(f"random numbers were drawn from {', '.join(drawn)}: the map is not fixed.", drawn=drawn)
    return Shown("python's, numpy's and torch's generators are where they were")


def _same_numpy_state(one: Any, other: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@_check
def check_deterministic(case: Case) -> Shown:
    """The same picture gives the same result twice, to the last bit."""
    pictures = case.subject.pictures
    for role, function, given, first in (
        ("Normalize", case.forward, pictures, case.normalized.pictures),
        ("the inverse", case.subject.inverse, case.normalized.pictures, case.recovered.pictures),
    ):
        second = call(function, given, role.removeprefix("the ")).pictures
        for index, (one, other) in enumerate(zip(first, second, strict=True)):
            if not torch.equal(one.nan_to_num(), other.nan_to_num()):
                raise CheckFailure(f"{role} gives picture {index} differently the second time.", picture=index)
    return Shown("twice the same, to the last bit")


@_check
def check_batch_matches_single(case: Case) -> Shown:
    """Normalize does to a batch what it does to each picture."""
    batch = case.batch
    try:
        together = case.forward(batch.clone())
    except Exception as error:
        raise NotApplicable(f"Normalize takes one picture at a time ({type(error).__name__}: {error})") from error
    _compare_with_single(together, case.normalized.pictures, case, "Normalize")
    return Shown(f"{len(batch)} pictures at once give what each gives alone")


@_check
def check_inverse_accepts_batch(case: Case) -> Shown:
    """The inverse of a batch is the inverse of each picture: a loop over ``zip(tensor, mean, std)`` is not."""
    count = len(case.batch)
    try:
        together = case.subject.inverse(case.recovered.way.batch(torch.stack(case.normalized.pictures)))
    except Exception as error:
        raise NotApplicable(f"the inverse takes one picture at a time ({type(error).__name__}: {error})") from error
    _compare_with_single(together, case.recovered.pictures, case, "the inverse")
    return Shown(f"{count} pictures at once give what each gives alone")


def _compare_with_single(together: Any, singles: list[torch.Tensor], case: Case, role: str) -> None:
    try:
        pictures = list(together)
        if len(pictures) != len(singles):
            raise InverseError(f"expected {len(singles)} pictures, found {len(pictures)}")
        found = [
            read_picture(one, tuple(single.shape), role.removeprefix("the "))
            for one, single in zip(pictures, singles, strict=True)
        ]
    except (InverseError, TypeError) as error:
        raise CheckFailure(f"a batch of {len(singles)} is not given back as one: {error}") from error
    std = torch.tensor(case.subject.expanded.std, dtype=torch.float64).abs()
    room = torch.tensor(_general_tolerance(case), dtype=torch.float64)
    allowed = room / std if role == "Normalize" else room
    for index, (one, single) in enumerate(zip(found, singles, strict=True)):
        bound = allowed if single.is_floating_point() else torch.zeros_like(allowed)
        off = (one.double() - single.double()).abs().nan_to_num(nan=math.inf, posinf=math.inf)
        if bool((off > bound.view(-1, 1, 1)).any()):
            raise CheckFailure(
                f"{role} gives picture {index} of a batch differently from the picture alone, by up to "
                f"{float(off.max()):.3g}: it takes pictures for channels, or uses the whole batch.",
                picture=index,
                error=float(off.max()),
            )


@_check
def check_memory_layouts(case: Case) -> Shown:
    """Channels-last, strided, transposed and zero-size batches give the same values as contiguous ones."""
    batch = case.batch
    recovered = case.recovered.pictures  # an inverse that gives no picture in any form fails here
    count = 0
    for role, function, given, singles in (
        ("Normalize", case.forward, batch, case.normalized.pictures),
        ("the inverse", case.subject.inverse, torch.stack(case.normalized.pictures), recovered),
    ):
        who = role.removeprefix("the ")
        taken = _as_it_takes_them(function, given, singles, who)
        for name, variant in _layouts(taken):
            if not len(variant) and taken is not given:
                continue  # one picture is made of each batch
            try:
                plain = variant.clone(memory_format=torch.contiguous_format)
                found, expected = (as_tensor(function(one), who) for one in (variant, plain))
            except Exception as error:
                if role == "Normalize" and not len(variant):
                    continue  # many a library's Normalize refuses an empty batch: no picture is lost by that
                said = str(error) if isinstance(error, InverseError) else f"{type(error).__name__}: {error}"
                raise CheckFailure(f"{role} fails on {name}: {said}", layout=name) from error
            if not _are_alike(found, expected):
                raise CheckFailure(f"{role} gives other values on {name} than on a contiguous copy.", layout=name)
            count += 1
    return Shown(f"{count} layouts give what contiguous memory gives")


def _as_it_takes_them(
    function: Callable[[Any], Any], batch: torch.Tensor, singles: Sequence[torch.Tensor], role: str
) -> torch.Tensor:
    """The batch, if each picture of it is given back as it is alone; else its first picture, by itself or as a batch of
    one.
    """
    shape = tuple(batch.shape[1:])
    for given, results in ((batch, list), (batch[0], lambda one: [one]), (batch[:1], lambda one: [one])):
        try:
            pictures = [read_picture(one, shape, role) for one in results(function(given.clone()))]
        except Exception:  # whatever it raises, it does not take them so
            continue
        if given is not batch or (len(pictures) == len(batch) and all(map(_are_alike, pictures, singles))):
            return given
    raise NotApplicable(f"the {role} takes arrays, and no tensors")


def _are_alike(found: torch.Tensor, expected: torch.Tensor) -> bool:
    return found.shape == expected.shape and torch.allclose(found.double(), expected.double(), 1e-5, 1e-6)


def _layouts(images: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """Copies: `clone` makes gaps in memory disappear."""
    yield "a transposed picture", images.mT.clone(memory_format=torch.contiguous_format).mT
    yield "every second column", images.repeat_interleave(2, dim=-1)[..., ::2]
    if images.ndim == 4:
        yield "channels-last memory", images.clone(memory_format=torch.channels_last)
        yield "every second picture of a batch", images.repeat_interleave(2, dim=0)[::2]
        yield "a batch of no pictures", images[:0]


@_check
def check_low_precision(case: Case) -> Shown:
    """What float16 and bfloat16 cost, in levels: no more than their arithmetic explains."""
    subject, shown, details = case.subject, [], {}
    for dtype in (torch.float16, torch.bfloat16):
        name = str(dtype).removeprefix("torch.")
        pictures = [picture.to(dtype) for picture in subject.pictures]
        small = replace(subject, pictures=pictures)
        try:
            outcome = round_trip(small, any_cast=True)  # round_trip and bytes_exact have judged how bytes are made
        except InverseError as error:
            cause = error.__cause__ or error
            said = str(cause).strip() or type(cause).__name__  # an assert says nothing
            shown.append(f"{name} is not supported ({said.splitlines()[0]})")
            continue
        levels = outcome.worst.error * 255 / subject.normalization.pixel_max
        details[name] = {"levels": levels, "wrong_levels": outcome.wrong_levels}
        if not outcome.ok:
            explained = outcome.tolerance.per_channel[outcome.worst.channel] * 255 / subject.normalization.pixel_max
            raise CheckFailure(
                f"{name}: off by {in_levels(levels, 3)}, where {explained:.3g} are explained: "
                f"{outcome.tolerance.reason}.",
                **details,
            )
        cost = f"costs up to {in_levels(levels, 2)}" if math.isfinite(levels) else "does not hold these numbers"
        shown.append(f"{name} {cost} ({outcome.wrong_levels} of {outcome.total_levels} bytes change)")
    if not details:
        raise NotApplicable("; ".join(shown))
    return Shown("; ".join(shown), details)


@_check
def check_gradient_flows(case: Case) -> Shown:
    """A gradient goes through Normalize and its inverse, and comes out as 1."""
    given = case.subject.pictures[0].clone().requires_grad_()
    try:
        normalized = case.forward(given)
    except Exception as error:
        raise NotApplicable(f"Normalize refuses a tensor with a gradient ({type(error).__name__}: {error})") from error
    if not (isinstance(normalized, torch.Tensor) and normalized.requires_grad):
        raise NotApplicable("Normalize gives no tensor with a gradient")
    try:
        returned = case.subject.inverse(normalized)
    except Exception as error:
        raise NotApplicable(
            f"the inverse refuses a tensor with a gradient ({type(error).__name__}: {error})"
        ) from error
    if not (isinstance(returned, torch.Tensor) and returned.requires_grad):
        raise NotApplicable("the inverse leaves the graph: it detaches, or gives an array or bytes")
    try:
        (gradient,) = torch.autograd.grad(returned.sum(), given, allow_unused=True)
    except Exception as error:
        raise CheckFailure(f"the gradient cannot be computed: {type(error).__name__}: {error}") from error
    if gradient is None:
        raise NotApplicable("the inverse leaves the graph: it works without a gradient")
    # black and white themselves may be clamped: rounding takes them to either side of the end
    level = case.normalization.pixel_max / 255
    between = (given > level / 2) & (given < case.normalization.pixel_max - level / 2)
    if not between.any():
        raise NotApplicable("all values of the picture are black or white, where a clamp is no mistake")
    off = float((gradient - 1).abs()[between].max())
    if not off <= 16 * torch.finfo(given.dtype).eps:
        raise CheckFailure(
            f"the gradient of inverse(normalize(x)) is off 1 by up to {off:.3g}: contrast is changed, or values are "
            f"clamped or rounded.",
            error=off,
        )
    return Shown("it is 1 everywhere")


class _Counter:
    """A file that counts what is written and keeps none of it."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: Any) -> int:
        self.size += len(data)
        return len(data)


@_check
def check_picklable(case: Case) -> Shown:
    """The pipeline can be sent to the workers of a DataLoader."""
    sent = getattr(case.pipeline, "dataset", case.pipeline)
    counter = _Counter()
    try:
        pickle.Pickler(counter).dump(sent)
    except Exception as error:
        said = f"it cannot be pickled, so a DataLoader with spawned workers fails: {type(error).__name__}: {error}."
        if "local" in str(error) or "lambda" in str(error):
            said += " A lambda or a local function has to become a function of a module, or a functools.partial of one."
        raise CheckFailure(said) from error
    return Shown(f"{counter.size:,} bytes")
