"""``sweep``: every image of a data set through the Normalize and back."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..core.json_files import expect, read_json, write_json
from ..core.normalization import Normalization
from ..core.statistics import FAILURE_FORM, NAMED_FAILURES, Failure, describe
from ..core.text import count_of
from ..core.units import check_output_max
from ..errors import DatasetError, ImageTypeError, NormalizeNotFoundError, PipelineError
from ..pipelines import Located, locate
from ..pipelines.batches import data_set_of, is_indexed, kept_while_read
from ..pipelines.pixels import Reading
from ..pipelines.randomness import states_kept
from ..pipelines.tally import OnError
from ..pipelines.watching import recorded
from .chunks import check_source, chosen, chunks, results
from .distributed import Ranks
from .passage import Inverse, Passage, compare, located_quietly, pass_alone, seen_pairs
from .progress import Progress
from .stored_images import image_name

__all__ = ["SweepResult", "WorstPicture", "sweep"]

#: Images between two chances to save the state.
_CHUNK = 64
#: Seconds between two savings.
_SAVE_EVERY = 1.0

_WORST_FORM = {"index": int, "name": str, "error": float, "wrong_levels": int}
#: What :meth:`SweepResult.from_dict` expects.
_FORM: dict[str, Any] = {
    **dict.fromkeys(("pictures", "values", "wrong_levels", "wrong_pictures", "failed", "planned"), int),
    "seconds": float,
    "source": str,
    "failures": [FAILURE_FORM],
}


@dataclass(frozen=True)
class WorstPicture:
    """The image that came back worst."""

    index: int
    name: str
    #: the greatest error of a value, in levels of 255
    error: float
    wrong_levels: int

    def __str__(self) -> str:
        where = describe(self.index, self.name)
        return f"{where}: off by up to {self.error:.3g} of 255, {self.wrong_levels:,} levels wrong"


@dataclass(frozen=True)
class SweepResult:
    """What a sweep found. Parts of a sweep merge (``a + b``).

    Attributes:
        pictures: how many were checked.
        values: how many values (pixels times channels) that were.
        wrong_levels: values that came back more than half a level of 255 off.
        wrong_pictures: images that have such a value.
        worst: the image with the greatest error.
        failed: images that could not be read and were skipped; the first of them are in `failures`.
        seconds: how long it took, all resumed runs together.
        planned: how many images the sweep was to check.
        source: where the Normalize was found.
        resumed: how many of the images an earlier run had checked, as the state file says.
    """

    pictures: int = 0
    values: int = 0
    wrong_levels: int = 0
    wrong_pictures: int = 0
    worst: WorstPicture | None = None
    failed: int = 0
    failures: tuple[Failure, ...] = ()
    seconds: float = field(default=0.0, compare=False)
    planned: int = 0
    source: str = ""
    resumed: int = field(default=0, compare=False)

    @property
    def complete(self) -> bool:
        """Every image that was planned was checked, or failed."""
        return self.pictures + self.failed == self.planned

    @property
    def ok(self) -> bool:
        """Every image that was planned was checked and came back."""
        return self.pictures == self.planned and not self.wrong_levels

    @property
    def rate(self) -> float:
        """Images a second."""
        return (self.pictures + self.failed) / max(self.seconds, 1e-9)

    @classmethod
    def of_passages(cls, index: int, name: str, passages: Sequence[Passage]) -> SweepResult:
        """Of one image."""
        wrong = sum(passage.wrong for passage in passages)
        worst = WorstPicture(index, name, max(passage.error for passage in passages), wrong)
        return cls(1, sum(passage.values for passage in passages), wrong, int(wrong > 0), worst)

    def __add__(self, other: SweepResult) -> SweepResult:
        both = [result.worst for result in (self, other) if result.worst is not None]
        return SweepResult(
            self.pictures + other.pictures,
            self.values + other.values,
            self.wrong_levels + other.wrong_levels,
            self.wrong_pictures + other.wrong_pictures,
            min(both, key=lambda worst: (-worst.error, worst.index), default=None),
            self.failed + other.failed,
            tuple(sorted((*self.failures, *other.failures))[:NAMED_FAILURES]),
            self.seconds + other.seconds,
            self.planned + other.planned,
            self.source or other.source,
            self.resumed + other.resumed,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe."""
        derived = {"version": 1, "ok": self.ok, "complete": self.complete, "rate": self.rate}
        return derived | asdict(replace(self, failures=())) | {"failures": [asdict(each) for each in self.failures]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SweepResult:
        """What :meth:`to_dict` wrote.

        Raises:
            DatasetError: not such a dictionary.
        """
        try:
            expect(data, _FORM, "")
            given = {"resumed": 0, **{name: data[name] for name in cls.__dataclass_fields__ if name != "resumed"}}
            if given["worst"] is not None:
                expect(given["worst"], _WORST_FORM, "worst")
                given["worst"] = WorstPicture(**given["worst"])
            given["failures"] = tuple(Failure(**failure) for failure in given["failures"])
            return cls(**given)
        except (DatasetError, KeyError, TypeError) as error:
            raise DatasetError(f"this is no result as SweepResult.to_dict() writes it: {error}") from error

    def __str__(self) -> str:
        checked = self.pictures + self.failed
        part = "" if self.complete else f" of {self.planned:,}, unfinished"
        lines = [
            f"sweep over {count_of(checked, 'image')}{part}, through {self.source} and back",
            f"  {self.wrong_levels:,} of {self.values:,} levels wrong, in {count_of(self.wrong_pictures, 'image')}",
        ]
        if self.worst is not None:
            lines.append(f"  worst: {self.worst}")
        if self.failed:
            lines.append(f"  {count_of(self.failed, 'image')} could not be read:")
            lines += [f"    {failure}" for failure in self.failures]
        if self.resumed and self.resumed == checked:
            said = "nothing was swept now: all of this is in the state file; delete it to sweep anew"
            return "\n".join([*lines, f"  {said}"])
        if self.resumed:
            lines.append(f"  {count_of(self.resumed, 'image')} of these had been checked before (the state file)")
        return "\n".join([*lines, f"  {self.rate:,.0f} images a second"])


def sweep(
    pipeline: Any,
    dataset: Any = None,
    *,
    inverse: Inverse | Normalization | None = None,
    output_max: float | None = None,
    image: str | int | Callable[[Any], Any] | None = None,
    channel_axis: int | None = None,
    pixel_max: float | None = None,
    on_error: OnError = "raise",
    limit: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    workers: int = 0,
    state: str | os.PathLike[str] | None = None,
    distributed: bool = False,
    timeout: float = 1800.0,
    progress: bool = False,
) -> SweepResult:
    """Sends every image of a data set through a Normalize and back, and counts what does not return.

    ``sweep(dataset)`` or ``sweep(loader)`` looks on while the data set's own Normalize works amid whatever augmentation
    surrounds it: what entered it is compared with what the inverse makes of what left it.
    ``sweep(pipeline, dataset)`` takes raw images (PIL, bytes, floats) from `dataset` and sends them through the
    Normalize of `pipeline` alone, of whatever library.

    Args:
        pipeline: a data set, a loader (whose data set is swept), or with `dataset` a pipeline, a Normalization, or the
            name of a preset.
        dataset: the raw images, ``dataset[i]`` and ``len(dataset)``.
        inverse: the project's own inverse of an image (C, H, W), to floats in the units of the images, or to
            bytes; the derived inverse if it is not given.
        output_max: the value of white in the floats that `inverse` gives, if it is not that of the images; and in
            integers, as for :func:`~pytest_denorm.assert_round_trip`.
        image, channel_axis, pixel_max: where and what the images of `dataset` are, as in
            :func:`~pytest_denorm.dataset_statistics`.
        on_error: ``"raise"`` at the first image that cannot be read; ``"skip"`` counts and names them.
        limit, sample, seed, workers, distributed, timeout, progress: as in
            :func:`~pytest_denorm.dataset_statistics`.
        state: a file where the sweep keeps how far it is. If it is there, the sweep goes on from it: nothing is
            counted twice, and what was checked in the last second before a kill is checked again. The file is
            replaced whole. The data set has to give its images in the same order. Distributed, each rank keeps a
            file of its own, with ``.<rank>-of-<count>`` behind the name.

    Raises:
        PipelineError: no Normalize, or not one alone, or one that cannot be watched or that works on batches.
        DatasetError: no data set; an image that cannot be read (unless skipped) or does not fit the Normalize; or
            `state` is of another sweep.
        RankError: another rank failed; names it.
    """
    if on_error not in ("raise", "skip"):
        raise DatasetError(f"on_error is {on_error!r}: expected 'raise' or 'skip'.")
    located = located_quietly(pipeline) if isinstance(pipeline, str) else locate(pipeline)
    if dataset is None and isinstance(pipeline, (str, Normalization)):
        raise DatasetError(f"{pipeline!r} holds no images: a sweep needs a data set too.")
    if dataset is None:
        dataset, pipeline = _unwrapped(pipeline, located), None
        with recorded(located):  # refuses before the first image what cannot be watched
            pass
    check_source(dataset)
    if not is_indexed(dataset):
        raise DatasetError(
            f"a {type(dataset).__name__} has no index or no length: a sweep needs dataset[i] and len(dataset)."
        )
    if isinstance(inverse, Normalization):
        inverse = inverse.normalize
    if inverse is not None and not callable(inverse):
        raise ImageTypeError(f"inverse is {inverse!r}: expected a function of a normalized image, or None.")
    indices = chosen(len(dataset), limit=limit, sample=sample, seed=seed)
    if not indices:
        raise DatasetError("the data set is empty: there is nothing to sweep.")
    normalization = located.normalization
    check_output_max(output_max, inverse)
    work = RoundTrips(pipeline, inverse, output_max, Reading(image, channel_axis, pixel_max), on_error)
    key = {
        "normalization": [list(normalization.mean), list(normalization.std), normalization.pixel_max],
        "dataset": [len(dataset), image_name(dataset, indices[0]), image_name(dataset, indices[-1])],
        "pictures": [len(indices), sample, seed if sample is not None else None],
        "inverse": None if inverse is None else getattr(inverse, "__qualname__", type(inverse).__qualname__),
        "results of the inverse": None if inverse is None else _fingerprint(inverse, normalization),
        "pipeline": None if pipeline is None else located.name,
        "reading": [None if image is None else str(image), channel_axis, pixel_max],
    }
    if output_max is not None:
        key["output_max"] = output_max
    start = SweepResult(source=normalization.source or str(normalization))
    if not distributed:
        with kept_while_read(dataset):
            return _run(dataset, work, indices, start, _State(state, key), workers, progress)
    ranks = Ranks(timeout)
    own = None if state is None else f"{os.fspath(state)}.{ranks.rank}-of-{ranks.count}"
    kept = _State(own, key | {"rank": [ranks.rank, ranks.count]})
    mine = indices[ranks.rank :: ranks.count]
    shown = progress and ranks.rank == 0
    with kept_while_read(dataset):
        parts = ranks.gather(lambda: _run(dataset, work, mine, start, kept, workers, shown))
    return replace(sum(parts[1:], parts[0]), seconds=max(part.seconds for part in parts))  # side by side


def _fingerprint(inverse: Inverse, normalization: Normalization) -> str:
    """A digest of what an inverse makes of a small image, to three decimals; "" where it takes none. A state file is
    of another sweep when the code of the inverse has changed.
    """
    channels = 3 if normalization.channels == 1 else normalization.channels
    levels = torch.randint(0, 256, (channels, 8, 9), generator=torch.Generator().manual_seed(0))
    try:
        with states_kept():
            returned = inverse(normalization.normalize(levels.float() / 255 * normalization.pixel_max))
        values = np.asarray(returned, np.float64).round(3) + 0.0
    except Exception:  # images of other kinds; the sweep itself tells what is wrong with it
        return ""
    return hashlib.sha256(repr(values.tolist()).encode()).hexdigest()[:16]


def _unwrapped(loader_or_dataset: Any, located: Located) -> Any:
    """The data set of a loader.

    Raises:
        PipelineError: the Normalize is in the loader, but not in its data set.
    """
    found = data_set_of(loader_or_dataset)
    if found is not loader_or_dataset:
        try:
            located_quietly(found)
        except NormalizeNotFoundError:
            raise PipelineError(
                f"{located.normalization.source} works on batches, and a sweep reads the items of the "
                f"{type(found).__qualname__}, which do not pass it. sweep(pipeline, dataset) sends them through it: "
                f"sweep(loader, loader.dataset)."
            ) from None
    return found


@dataclass(frozen=True)
class RoundTrips:
    """What is done to a chunk of indices; picklable, for worker processes."""

    pipeline: Any  # None: the data set's own
    inverse: Inverse | None
    output_max: float | None
    reading: Reading
    on_error: OnError

    def __call__(self, dataset: Any, indices: Sequence[int]) -> SweepResult:
        # found anew in each process: it is this process's copy of the data set that is watched
        located = located_quietly(dataset if self.pipeline is None else self.pipeline)
        result = SweepResult()
        with recorded(located) if self.pipeline is None else nullcontext() as seen:
            for index in indices:
                result += self._one(dataset, index, located, seen)
        return result

    def _one(self, dataset: Any, index: int, located: Located, seen: list[Any] | None) -> SweepResult:
        name = image_name(dataset, index)
        try:
            if seen is None:
                pairs = list(pass_alone(located, dataset[index], self.reading))
            else:
                seen.clear()
                dataset[index]
                pairs = seen_pairs(seen, located.name)
            passages = [compare(*pair, self.inverse, located.normalization, self.output_max) for pair in pairs]
        except Exception as error:
            failure = Failure(index, name, f"{type(error).__name__}: {error}")
            if self.on_error == "raise":
                raise DatasetError(f"{failure}") from error
            return SweepResult(failed=1, failures=(failure,))
        return SweepResult.of_passages(index, name, passages)


class _State:
    """Where a sweep is, in a file; or nowhere."""

    def __init__(self, path: str | os.PathLike[str] | None, key: dict[str, Any]) -> None:
        self._path = None if path is None else Path(path)
        self._key = json.loads(json.dumps(key))  # as it will be read back
        self._saved = time.monotonic()

    def load(self) -> tuple[int, SweepResult] | None:
        """How many indices are done, and with what result; None where nothing is.

        Raises:
            DatasetError: the file is none of a sweep, or is of another sweep.
        """
        if self._path is None or not self._path.exists():
            return None
        try:
            data = read_json(self._path)
            expect(data, {"key": {}, "done": int, "result": {}}, "")
            key, done, result = data["key"], data["done"], SweepResult.from_dict(data["result"])
        except DatasetError as error:
            raise DatasetError(f"{self._path} is no state of a sweep: {error} Name another file.") from error
        if key != self._key:
            first = next(name for name in {**self._key, **key} if key.get(name) != self._key.get(name))
            raise DatasetError(
                f"{self._path} is the state of another sweep: its {first} is {key.get(first)}, here it is "
                f"{self._key.get(first)}. Name another file, or delete this one to start anew."
            )
        return done, result

    def save(self, done: int, result: SweepResult, *, now: bool = False) -> None:
        if self._path is None or not (now or time.monotonic() - self._saved >= _SAVE_EVERY):
            return
        write_json(self._path, {"key": self._key, "done": done, "result": result.to_dict()})
        self._saved = time.monotonic()


def _run(
    dataset: Any,
    work: RoundTrips,
    indices: Sequence[int],
    start: SweepResult,
    state: _State,
    workers: int,
    shown: bool,
) -> SweepResult:
    done, result = state.load() or (0, replace(start, planned=len(indices)))
    result = replace(result, resumed=done)
    before = result.seconds
    pieces = chunks(indices[done:], max(1, min(_CHUNK, len(indices) // (4 * max(1, workers)))))
    with Progress("sweep", len(indices), shown=shown, done=done) as bar:
        try:
            for part, piece in zip(results(dataset, work, pieces, workers), pieces, strict=True):
                result = replace(result + part, seconds=before + bar.seconds)
                done += len(piece)
                state.save(done, result)
                bar.update(len(piece))
        finally:  # also when it is interrupted, or an image fails
            state.save(done, result, now=True)
    return result
