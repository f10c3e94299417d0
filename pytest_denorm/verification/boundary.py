"""What enters and leaves a Normalize while the whole pipeline runs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ..colormap import fit_affine
from ..normalization import format_numbers
from ..pipelines import Located
from ..tolerance import round_trip_tolerance
from .case import CheckFailure, NotApplicable, Shown
from .causes import channel_name
from .samples import photograph

__all__ = ["declared_against_measured", "watch"]

Pair = tuple[torch.Tensor, torch.Tensor]


def watch(pipeline: Any, located: Located) -> list[Pair]:
    """The pairs (input, output) that the Normalize at `located` sees when `pipeline` runs on a photograph.

    A data set gives its first picture. Nothing is changed: neither the pipeline nor any random state.

    Raises:
        NotApplicable: it cannot be watched, or takes no photograph in any usual form.
    """
    op = located.op
    if not isinstance(op, torch.nn.Module) or isinstance(op, torch.jit.ScriptModule) or op is pipeline:
        raise NotApplicable("the Normalize is no module inside a pipeline, and cannot be watched while that runs")
    seen: list[Pair] = []

    entered: list[torch.Tensor] = []

    def remember_input(_: Any, given: tuple[Any, ...]) -> None:  # before it runs, since it may work in place
        tensors = [one for one in given[:1] if isinstance(one, torch.Tensor)]
        entered[:] = [one.detach().as_subclass(torch.Tensor).clone() for one in tensors]

    def remember(_: Any, given: tuple[Any, ...], result: Any) -> None:
        if entered and isinstance(result, torch.Tensor):
            seen.append((entered[0], result.detach().as_subclass(torch.Tensor).clone()))

    raised = ""
    hooks = op.register_forward_pre_hook(remember_input), op.register_forward_hook(remember)
    try:
        with _random_states_kept():
            for call in _ways_to_run(pipeline):
                seen.clear()
                try:
                    call()
                except Exception as error:
                    raised = f"{type(error).__name__}: {error}"
                if seen:
                    return seen
    finally:
        for hook in hooks:
            hook.remove()
    raise NotApplicable(f"the pipeline takes no photograph in any usual form{f' ({raised})' if raised else ''}")


def _ways_to_run(pipeline: Any) -> Iterator[Any]:
    """Calls that send one picture through: a data set's own, else a photograph, in every usual form."""
    dataset = getattr(pipeline, "dataset", pipeline) if hasattr(type(pipeline), "__iter__") else pipeline
    if hasattr(type(dataset), "__getitem__") and hasattr(type(dataset), "__len__") and not callable(dataset):
        yield lambda: dataset[0]
        return
    photo = photograph()
    if photo is None or not callable(pipeline):
        return
    from PIL import Image

    large = photo.repeat_interleave(8, dim=1).repeat_interleave(8, dim=2)  # more than any usual crop
    array = large.permute(1, 2, 0).contiguous().numpy()
    for form in (Image.fromarray(array), large, large.float() / 255, array, Image.fromarray(array).convert("L")):
        yield lambda form=form: pipeline(form)


@contextmanager
def _random_states_kept() -> Iterator[None]:
    states = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.random.set_rng_state(states[2])


def declared_against_measured(pipeline: Any, located: Located) -> Shown:
    """Fits what the Normalize does inside its pipeline, and holds it against what it declares.

    Raises:
        CheckFailure: they differ, or the pictures are not on the scale that the statistics are for.
        NotApplicable: it cannot be watched.
    """
    entering, leaving = watch(pipeline, located)[0]
    count = leaving.shape[-3]
    x, y = (one.to(torch.float64).movedim(-3, -1).reshape(-1, one.shape[-3]).numpy() for one in (entering, leaving))
    if x.shape != y.shape:
        raise NotApplicable(f"{x.shape[1]} channels enter and {y.shape[1]} leave: see statistics_match_channels")
    declared = located.normalization.expand(count)
    if float(np.abs(x).max()) > 4 * declared.pixel_max and declared.pixel_max == 1.0:
        raise CheckFailure(
            f"pictures in 0..{np.abs(x).max():.0f} enter a Normalize whose statistics are for 0..1 "
            f"(mean {format_numbers(declared.mean)}): scale them first, with ToTensor or ToDtype(torch.float32, scale=True).",
            entering_max=float(x.max()),
        )
    fit = [fit_affine(x[:, [c]], y[:, [c]]) for c in range(count) if np.ptp(x[:, c]) > 0]
    if len(fit) < count:
        raise NotApplicable("a channel of the picture that was watched is of one value")
    std = np.array([1 / float(one.matrix[0, 0]) if one.matrix[0, 0] else np.inf for one in fit])
    mean = np.array([-float(one.offset[0]) for one in fit]) * std
    low, high = float(x.min()), float(x.max())
    allowed = round_trip_tolerance(declared, entering.dtype, low=low, high=high).per_channel
    for c in range(count):
        predicted = (x[:, c] - declared.mean[c]) / declared.std[c]
        off = float(np.abs(y[:, c] - predicted).max()) * abs(declared.std[c])
        if off > allowed[c]:
            raise CheckFailure(
                f"{channel_name(c, count)}: declared mean {declared.mean[c]:.6g} and std {declared.std[c]:.6g}, measured mean "
                f"{mean[c]:.6g} and std {std[c]:.6g}: what it does is not what its attributes say.",
                declared={"mean": list(declared.mean), "std": list(declared.std)},
                measured={"mean": mean.tolist(), "std": std.tolist()},
            )
    return Shown(
        f"measured mean {format_numbers(mean, 4)}, std {format_numbers(std, 4)} inside the pipeline",
        {"mean": mean.tolist(), "std": std.tolist()},
    )
