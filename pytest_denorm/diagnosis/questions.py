"""Whether an inverse does the same to every image: whatever its values, in a batch, and a second time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from ..errors import InverseError
from ..pipelines.randomness import preserve_rng_state, seed_all
from .conclude import parts_of
from .evidence import Evidence
from .observe import Observation, batch_of, called
from .search import Explanation, search
from .verdict import Finding
from .words import number, words

__all__ = ["ask_again", "ask_batches", "ask_special", "describe_wrong", "stretched"]

#: How often a small image is asked again, each time from another random state.
_TIMES = 12
#: How to serve batches, too.
_BATCH = "Use mean and std of shape (C, 1, 1), which serve images and batches alike."


def ask_again(seen: Observation, times: int = _TIMES) -> Iterator[Finding]:
    """Ask for the same image again: from other random states, and after another one."""
    image = seen.ran[4].y
    with preserve_rng_state():
        first = None
        for seed in range(times):
            seed_all(seed)
            result, _ = called(seen.inverse, image)
            if first is None:
                first = result
            elif not torch.equal(result.nan_to_num(), first.nan_to_num()):
                yield Finding(
                    "random",
                    "the same image gives another result the second time: chance, or something that a call changes, is "
                    "in the inverse. Compute y * std + mean and nothing else.",
                    float((result.double() - first.double()).abs().nan_to_num().max()) / seen.scale,
                )
                return
        kept = seen.inverse(image.clone())
        before = kept.clone()
        called(seen.inverse, 0.5 * image)
        if not torch.equal(kept.nan_to_num(), before.nan_to_num()):
            yield Finding(
                "mutates-input",
                "the inverse gives the same memory each time: the next call overwrites the image of the last one. "
                "Return a new tensor.",
                0.0,
            )


def ask_batches(seen: Observation) -> Iterator[Finding]:
    """Ask for several images at once, where the inverse takes them: each has to come back as it does alone."""
    images = seen.probes.batch
    normalized = torch.stack([called(seen.forward, one)[0] for one in images])
    alone = torch.stack([called(seen.inverse, one)[0] for one in normalized]).double()
    room = seen.scale * float(8 * seen.main.slack.max() + 1.01 * seen.main.step)
    changes = False
    for count in (len(images), len(images) - 2, 1):
        result, changed = batch_of(seen, normalized[:count])
        changes |= changed
        if result is None:
            if count > 1:
                return
            continue
        gaps = (result - alone[:count]).abs().nan_to_num(nan=np.inf).flatten(1).amax(dim=1)
        wrong = torch.nonzero(gaps > room).flatten().tolist()
        if wrong:
            effect = float(gaps.nan_to_num(posinf=seen.main.white * seen.scale).max()) / seen.scale
            yield Finding("depends-on-batch", _batch_words(count, wrong), effect)
            break
    if changes and not seen.inverse_mutates:
        yield Finding(
            "mutates-input",
            "the inverse changes a batch in place, and a single image not: the normalized batch is overwritten. Work "
            "on a clone.",
            0.0,
        )


def _batch_words(count: int, wrong: list[int]) -> str:
    which = "one image" if len(wrong) == 1 else f"each of {len(wrong)} images"
    if wrong == list(range(1, count)):
        which = "every image but the first"
    elif wrong == list(range(count)):
        which = "every image"
    return (
        f"in a batch of {count}, {which} comes back otherwise than alone: the inverse takes images for channels, or "
        f"reads values of the whole batch. {_BATCH}"
    )


def ask_special(seen: Observation, found: Explanation) -> Iterator[Finding]:
    """Ask for images that an inverse may take for something else: each has to be explained as the others are."""
    wrong: dict[str, tuple[str, float]] = {}
    for said, x in seen.probes.special.items():
        try:
            y, _ = called(seen.forward, x)
            z, _ = called(seen.inverse, y)
        except InverseError as error:
            wrong[said] = f"it raises ({str(error).splitlines()[0]})", seen.main.white
            continue
        if not bool(torch.isfinite(z.double()).all()):
            wrong[said] = "NaN or infinite values come back", seen.main.white
            continue
        pixels = seen.pixels(x, y, z)
        gap = _gap(seen, found, pixels)
        if gap > 0 and _wraps_beyond(seen, found, pixels):
            yield Finding("wraps", words("wraps", {}, pixels), 0.5 * seen.main.step)
        elif gap > 0:
            wrong[said] = _otherwise(pixels), gap
    if wrong:
        text = "; ".join(f"{said}: {what}" for said, (what, _) in wrong.items())
        yield Finding(
            "depends-on-values",
            f"{text}. What the inverse does depends on the values that it gets. Compute y * std + mean, whatever they "
            f"are.",
            max(effect for _, effect in wrong.values()),
        )


def _gap(seen: Observation, found: Explanation, pixels: Evidence) -> float:
    """How far results are from what the explanation of the other images predicts; 0 where they are not."""
    main, way = seen.main, found.way
    values = found.slope * pixels.y[:, list(found.order)] + found.offset
    low, high = np.minimum(main.low, 0.0), np.maximum(main.high, main.white)
    if found.clamp is not None:
        low, high = (np.where(np.isfinite(end), end, other) for end, other in
                     ((found.clamp.low, low), (found.clamp.high, high)))  # fmt: skip
    room = main.room(found.slope, found.offset) + main.slack + 0.02 * main.step
    wrong = ~way.of(pixels, low, high).holds(values, room)
    gaps = np.abs(values - way.shift - pixels.z)
    return float(gaps[wrong].max()) if wrong.any() else 0.0


def _otherwise(pixels: Evidence) -> str:
    """What is done to one image."""
    found = search(pixels)
    parts = [] if found is None or found.is_right else list(parts_of(pixels, found))
    if not parts:
        return "they come back otherwise than the rest"
    message = parts[0].message.partition(". ")[0].rstrip(".")
    return message[0].lower() + message[1:]


def _wraps_beyond(seen: Observation, found: Explanation, pixels: Evidence) -> bool:
    """Whether whole numbers beyond black and white begin again: nothing else is wrong with them."""
    main = seen.main
    if not main.step or found.way.period or pixels.low.min() < 0:
        return False
    wrapped = found.way._replace(period=main.turn * found.way.unit)
    return _gap(seen, replace(found, way=wrapped), pixels) == 0


def stretched(seen: Observation) -> Finding | None:
    """Say whether each image has a map of its own: affine in each, and not the same in all."""
    images = [seen.parts[index] for index in (1, 2, 3)]
    for special in ("images that are bright throughout", "images that are dark throughout"):
        x = seen.probes.special[special]
        y, _ = called(seen.forward, x)
        z, _ = called(seen.inverse, y)
        if bool(torch.isfinite(z.double()).all()):
            images.append(seen.pixels(x, y, z))
    main = seen.main
    if any(not one.affine for image in images for one in image.lines):
        return None
    if all(line.affine for line in Evidence.joined(images).lines):
        return None
    error = float(np.abs(main.z - main.x).max())
    full = all(
        abs(image.low.min()) <= 0.01 * main.white and abs(image.high.max() - main.white) <= 0.01 * main.white
        for image in images
    )
    if not full:
        return Finding(
            "depends-on-values",
            "the result depends on each image's own values (its mean, its std, its maximum), so no fixed inverse is "
            "applied. Use y * std + mean.",
            error,
        )
    at_ends = np.mean([1 - image.is_closed.mean() for image in images])
    how = "percentiles, and clipped there" if at_ends > 0.008 else "minimum and maximum"
    return Finding(
        "min-max",
        f"each image is stretched to its own {how} (make_grid(normalize=True), (x - min) / (max - min)): that shows "
        f"something, and is no inverse. Use y * std + mean.",
        error,
    )


def describe_wrong(seen: Observation) -> Finding | None:
    """Say which values, or which rows and columns, come back wrong, where most come back right."""
    main = seen.main
    bad = np.abs(main.z - main.x) > main.slack + 0.52 * main.step + 1e-6 * main.white
    if not 0 < bad.mean() < 0.35:
        return None
    error = float(np.abs(main.z - main.x).max())
    image = seen.ran[1]
    wrong = (np.abs(seen.parts[1].z - seen.parts[1].x) > main.slack + 0.52 * main.step).any(axis=1)
    grid = wrong.reshape(image.x.shape[-2:])
    rows, columns = np.flatnonzero(grid.any(axis=1)), np.flatnonzero(grid.any(axis=0))
    for word, lines, count in (("row", rows, grid.shape[0]), ("column", columns, grid.shape[1])):
        if 0 < len(lines) < count / 3:
            shown = f"{word}{'' if len(lines) == 1 else 's'} {', '.join(map(str, lines[:5]))} of {count}"
            return Finding(
                "depends-on-values",
                f"{shown} of an image of {grid.shape[0]} x {grid.shape[1]} come back otherwise than the rest, by up to "
                f"{number(error)}. Give every pixel the same y * std + mean, whatever the size.",
                error,
            )
    values = main.x[bad]
    low, high, white = float(values.min()), float(values.max()), main.white
    if high < 0.3 * white or low > 0.7 * white:
        end = f"values from {number(low)}, near white,"
        if high < 0.3 * white:
            end = f"values up to {number(high)}, near black,"
        return Finding(
            "depends-on-values",
            f"{end} come back otherwise than the rest, by up to {number(error)}. Give every value the same y * std + "
            f"mean.",
            error,
        )
    return None


def turned_over(seen: Observation) -> str:
    """How an image is turned over, where that is what was done to it; "" where it is not."""
    x, z = seen.ran[1].x.double(), seen.ran[1].z.double() / seen.scale
    for how, axes in (("left to right", (-1,)), ("upside down", (-2,)), ("by half a turn", (-2, -1))):
        if float((z - x.flip(axes)).abs().mean()) < 0.05 * seen.main.white:
            return f"the image comes back turned over, {how}"
    values, results = np.sort(seen.parts[1].x, axis=None), np.sort(seen.parts[1].z, axis=None)
    if (np.abs(values - results) <= seen.main.slack.max() + 0.52 * seen.main.step).all():
        return "the values come back in other places: an image is reshaped or viewed, where it has to be permuted"
    return ""


def short_floats(seen: Observation) -> str:
    """The short floats that results are rounded to, where that is all that is wrong with them; else ""."""
    main = seen.main
    correct = main.known.std * main.y + main.known.mean
    # what is in bfloat16 is in float16, too
    for name, dtype in (("bfloat16", torch.bfloat16), ("float16", torch.float16)):
        short = torch.finfo(dtype).eps
        if main.step or main.unit >= short / 2:
            return ""
        bound = 4 * short * (np.abs(main.known.std * main.y) + np.abs(main.known.mean) + main.white)
        results, given = (torch.from_numpy(one).to(dtype).double().numpy() for one in (main.z, main.y))
        near = np.abs(main.known.std * given + main.known.mean - main.z) <= main.slack
        if ((results == main.z).all() or near.all()) and (np.abs(main.z - correct) <= bound).all():
            return f"the formula is right, and {name} rounds what it works with: compute in float32"
    return ""
