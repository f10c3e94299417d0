"""Checks of conduct: Normalize and its inverse leave their input alone, and take batches, layouts and dtypes alike.

A check is a plain function of a :class:`Case`. It returns what it has shown, or raises :class:`CheckFailure` where the
pipeline or its inverse is wrong, and :class:`NotApplicable` with the reason where there is nothing for it to look at.
Its docstring is what the documentation says of it.
"""

from __future__ import annotations

import math
import pickle
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from ..core.layout import fitting_axes
from ..core.text import in_levels
from ..errors import InverseError, PipelineError
from ..pipelines.calls import as_tensor, call, read_image
from ..pipelines.runner import item_traces
from ..pipelines.structure import is_dataset
from ..pipelines.trace import as_array
from .case import Case
from .outcome import CheckFailure, CheckWarning, NotApplicable, Shown
from .round_trip import round_trip
from .sighting import photo_levels
from .values import general_tolerance

__all__ = [
    "check_batch_matches_single",
    "check_deterministic",
    "check_gradient_flows",
    "check_input_unchanged",
    "check_inverse_accepts_batch",
    "check_low_precision",
    "check_memory_layouts",
    "check_picklable",
    "check_random_state_unchanged",
]


def check_input_unchanged(case: Case) -> Shown:
    """Neither Normalize nor its inverse changes what it is given."""
    in_place = case.normalized.mutated
    if in_place and _overwrites_what_is_kept(case):
        raise CheckFailure(
            "Normalize changes its input in place (inplace=True?): the image that the data set keeps is normalized "
            "again next time."
        )
    if case.recovered.mutated:
        raise CheckFailure(
            "the inverse changes its input in place: the batch is overwritten, and undoing it a second time gives "
            "other images. Work on a clone."
        )
    if in_place:
        raise CheckWarning(
            "Normalize works in place (inplace=True). Here the step before it makes a fresh tensor. Without that step "
            "it would overwrite the image that it is given."
        )
    return Shown("both leave their input as it is")


def _overwrites_what_is_kept(case: Case) -> bool:
    """Whether a Normalize in place writes into what the pipeline is given, or what its data set keeps."""
    if case.located.op is case.pipeline:
        return True
    try:
        if not is_dataset(case.pipeline):
            runner = case.runner
            return runner.run(photo_levels(runner.trial.channels, runner.trial.size)).mutated
        first, second = (next(item_traces(case.pipeline, case.located), None) for _ in range(2))
    except (NotApplicable, PipelineError):  # nobody saw it get a fresh tensor
        return True
    if first is None or second is None:
        return True
    return not np.array_equal(np.asarray(as_array(first.entered)), np.asarray(as_array(second.entered)))


def check_random_state_unchanged(case: Case) -> Shown:
    """Neither Normalize nor its inverse draws random numbers."""
    before = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    normalized = call(case.forward, case.images[:1], "pipeline")
    call(case.inverse, normalized.pictures, "inverse", case.way)
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


def check_deterministic(case: Case) -> Shown:
    """The same image gives the same result twice, to the last bit."""
    pictures = case.images
    for role, function, given, first in (
        ("Normalize", case.forward, pictures, case.normalized.pictures),
        ("the inverse", case.inverse, case.normalized.pictures, case.recovered.pictures),
    ):
        second = call(function, given, role.removeprefix("the ")).pictures
        for index, (one, other) in enumerate(zip(first, second, strict=True)):
            if not torch.equal(one.nan_to_num(), other.nan_to_num()):
                raise CheckFailure(f"{role} gives image {index} differently the second time.", image=index)
    return Shown("twice the same, to the last bit")


def check_batch_matches_single(case: Case) -> Shown:
    """Normalize does to a batch what it does to each image."""
    batch = case.batch
    try:
        together = case.forward(batch.clone())
    except Exception as error:
        raise NotApplicable(f"Normalize takes one image at a time ({type(error).__name__}: {error})") from error
    _compare_with_single(together, case.normalized.pictures, case, "Normalize")
    return Shown(f"{len(batch)} images at once give what each gives alone")


def check_inverse_accepts_batch(case: Case) -> Shown:
    """The inverse does to a batch what it does to each image; a loop over ``zip(tensor, mean, std)`` does not."""
    count = len(case.batch)
    try:
        together = case.inverse(case.recovered.way.batch(torch.stack(case.normalized.pictures)))
    except Exception as error:
        raise NotApplicable(f"the inverse takes one image at a time ({type(error).__name__}: {error})") from error
    if _is_one_image(together, case.batch.shape):
        raise NotApplicable("the inverse makes one image of a batch, as make_grid does")
    _compare_with_single(together, case.recovered.pictures, case, "the inverse")
    return Shown(f"{count} images at once give what each gives alone")


def _is_one_image(returned: Any, batch: Sequence[int]) -> bool:
    """Whether one image came back, larger than those of a batch (N, C, H, W), as a grid of them is."""
    try:
        shape = tuple(as_tensor(returned, "inverse").shape)
    except InverseError:
        return False
    larger = sum(size > batch[3] for size in shape) >= 1 and math.prod(shape) >= math.prod(batch[-2:]) * batch[0]
    return len(shape) in (2, 3) and larger and (len(shape) == 2 or bool(fitting_axes(shape)))


def _compare_with_single(together: Any, singles: list[torch.Tensor], case: Case, role: str) -> None:
    try:
        pictures = list(together)
        if len(pictures) != len(singles):
            raise InverseError(f"expected {len(singles)} images, found {len(pictures)}")
        found = [
            read_image(one, tuple(single.shape), role.removeprefix("the "))
            for one, single in zip(pictures, singles, strict=True)
        ]
    except (InverseError, TypeError) as error:
        raise CheckFailure(f"a batch of {len(singles)} is not given back as one: {error}") from error
    std = torch.tensor(case.expanded.std, dtype=torch.float64).abs()
    room = torch.tensor(general_tolerance(case), dtype=torch.float64)
    allowed = room / std if role == "Normalize" else room
    for index, (one, single) in enumerate(zip(found, singles, strict=True)):
        bound = allowed if single.is_floating_point() else torch.zeros_like(allowed)
        off = (one.double() - single.double()).abs().nan_to_num(nan=math.inf, posinf=math.inf)
        if bool((off > bound.view(-1, 1, 1)).any()):
            raise CheckFailure(
                f"{role} gives image {index} of a batch differently from the image alone, by up to "
                f"{float(off.max()):.3g}: it takes images for channels, or uses the whole batch.",
                image=index,
                error=float(off.max()),
            )


def check_memory_layouts(case: Case) -> Shown:
    """Channels-last, strided, transposed and zero-size batches give the same values as contiguous ones."""
    batch = case.batch
    recovered = case.recovered.pictures  # an inverse that gives no image in any form fails here
    count = 0
    for role, function, given, singles in (
        ("Normalize", case.forward, batch, case.normalized.pictures),
        ("the inverse", case.inverse, torch.stack(case.normalized.pictures), recovered),
    ):
        who = role.removeprefix("the ")
        taken = _as_it_takes_them(function, given, singles, who)
        for name, variant in _layouts(taken):
            if not len(variant) and taken is not given:
                continue  # one image is made of each batch
            try:
                plain = variant.clone(memory_format=torch.contiguous_format)
                found, expected = (as_tensor(function(one), who) for one in (variant, plain))
            except Exception as error:
                if not len(variant):
                    continue  # an empty batch may be refused, by an assert or a quantile: no image is lost by that
                said = str(error) if isinstance(error, InverseError) else f"{type(error).__name__}: {error}"
                raise CheckFailure(f"{role} fails on {name}: {said}", layout=name) from error
            if not _are_alike(found, expected):
                raise CheckFailure(f"{role} gives other values on {name} than on a contiguous copy.", layout=name)
            count += 1
    return Shown(f"{count} layouts give what contiguous memory gives")


def _as_it_takes_them(
    function: Callable[[Any], Any], batch: torch.Tensor, singles: Sequence[torch.Tensor], role: str
) -> torch.Tensor:
    """The batch, if each image of it is given back as it is alone; else its first image, by itself or as a batch of
    one.
    """
    shape = tuple(batch.shape[1:])
    for given, results in ((batch, list), (batch[0], lambda one: [one]), (batch[:1], lambda one: [one])):
        try:
            pictures = [read_image(one, shape, role) for one in results(function(given.clone()))]
        except Exception:  # whatever it raises, it does not take them so
            continue
        if given is not batch or (len(pictures) == len(batch) and all(map(_are_alike, pictures, singles))):
            return given
    raise NotApplicable(f"the {role} takes arrays, and no tensors")


def _are_alike(found: torch.Tensor, expected: torch.Tensor) -> bool:
    return found.shape == expected.shape and torch.allclose(found.double(), expected.double(), 1e-5, 1e-6)


def _layouts(images: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """Copies: `clone` makes gaps in memory disappear."""
    yield "a transposed image", images.mT.clone(memory_format=torch.contiguous_format).mT
    yield "every second column", images.repeat_interleave(2, dim=-1)[..., ::2]
    if images.ndim == 4:
        yield "channels-last memory", images.clone(memory_format=torch.channels_last)
        yield "every second image of a batch", images.repeat_interleave(2, dim=0)[::2]
        yield "a batch of no images", images[:0]


def check_low_precision(case: Case) -> Shown:
    """float16 and bfloat16 cost no more levels than their arithmetic explains."""
    shown, details = [], {}
    for dtype in (torch.float16, torch.bfloat16):
        name = str(dtype).removeprefix("torch.")
        pictures = [image.to(dtype) for image in case.images]
        small = case.with_images(pictures)
        try:
            outcome = round_trip(small, any_cast=True)  # round_trip and bytes_exact have judged how bytes are made
        except InverseError as error:
            cause = error.__cause__ or error
            said = str(cause).strip() or type(cause).__name__  # an assert says nothing
            shown.append(f"{name} is not supported ({said.splitlines()[0]})")
            continue
        levels = outcome.worst.error * 255 / case.normalization.pixel_max
        details[name] = {"levels": levels, "wrong_levels": outcome.wrong_levels}
        if not outcome.ok:
            explained = outcome.tolerance.per_channel[outcome.worst.channel] * 255 / case.normalization.pixel_max
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


def check_gradient_flows(case: Case) -> Shown:
    """A gradient goes through Normalize and its inverse, and comes out as 1."""
    given = case.images[0].clone().requires_grad_()
    try:
        normalized = case.forward(given)
    except Exception as error:
        raise NotApplicable(f"Normalize refuses a tensor with a gradient ({type(error).__name__}: {error})") from error
    if not (isinstance(normalized, torch.Tensor) and normalized.requires_grad):
        raise NotApplicable("Normalize gives no tensor with a gradient")
    try:
        returned = case.inverse(normalized)
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
        raise NotApplicable("all values of the image are black or white, where a clamp is no mistake")
    if not gradient.any() and _rounds(case, normalized.detach(), returned.detach()):
        raise NotApplicable("the inverse rounds, and a rounded value has no gradient")
    off = float((gradient - 1).abs()[between].max())
    if not off <= 16 * torch.finfo(given.dtype).eps:
        raise CheckFailure(
            f"the gradient of inverse(normalize(x)) is off 1 by up to {off:.3g}: contrast is changed, or values are "
            f"clamped or rounded.",
            error=off,
        )
    return Shown("it is 1 everywhere")


def _rounds(case: Case, normalized: torch.Tensor, returned: torch.Tensor) -> bool:
    """Whether values a tenth of a level beside the normalized ones mostly come back as the same."""
    tenth = case.normalization.pixel_max / 2550 / torch.tensor(case.expanded.std, dtype=normalized.dtype)
    moved = case.inverse(normalized + tenth.view(-1, 1, 1))
    return bool((moved == returned).double().mean() > 0.5)


class _Counter:
    """A file that counts what is written and keeps none of it."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: Any) -> int:
        self.size += len(data)
        return len(data)


def check_picklable(case: Case) -> Shown:
    """The pipeline can be sent to the workers of a DataLoader."""
    counter = _Counter()
    try:
        # an attribute may raise anything, as __getattr__ does that asks a server or a dict
        sent = getattr(case.pipeline, "dataset", case.pipeline) if is_dataset(case.pipeline) else case.pipeline
        pickle.Pickler(counter).dump(sent)
    except Exception as error:
        said = f"it cannot be pickled, so a DataLoader with spawned workers fails: {type(error).__name__}: {error}."
        if "local" in str(error) or "lambda" in str(error):
            said += " A lambda or a local function has to become a function of a module, or a functools.partial of one."
        raise CheckFailure(said) from error
    return Shown(f"{counter.size:,} bytes")
