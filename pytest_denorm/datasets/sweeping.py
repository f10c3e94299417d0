"""``sweep``: every image of a data set through the Normalize and back."""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ..checks.given import refuse_changed_items, refuse_fixed_patch
from ..checks.outcome import CheckFailure
from ..checks.sighting import Sighting, sightings_of
from ..core.arguments import one_of, path_of, whole
from ..core.foreign import Guarded, shown
from ..core.json_files import expect, read_json, write_json
from ..core.normalization import Normalization
from ..core.statistics import Failure, describe
from ..core.units import check_output_max
from ..diagnosis.diagnose import diagnose
from ..errors import DatasetError, DenormError, ImageError, ImageTypeError, NormalizeNotFoundError, PipelineError
from ..pipelines import Located, locate
from ..pipelines.batches import data_set_of, is_indexed, kept_while_read
from ..pipelines.pixels import Reading
from ..pipelines.randomness import preserve_rng_state
from ..pipelines.reader import images_in
from ..pipelines.tally import OnError
from ..pipelines.trace import Trace
from ..pipelines.watching import Record, recorded
from .chunks import check_source, chosen, chunks, results
from .distributed import Ranks
from .passage import InLayout, Inverse, compare, given_passage, located_quietly, pass_alone, seen_pairs
from .progress import Progress
from .stored_images import image_name
from .sweep_result import SweepResult

__all__ = ["sweep"]

#: Images between two chances to save the state.
_CHUNK = 64
#: Seconds between two savings.
_SAVE_EVERY = 1.0


def sweep(
    pipeline: Any,
    dataset: Any = None,
    *,
    inverse: Inverse | Normalization | None = None,
    output_max: float | None = None,
    layout: str | None = None,
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
    """Send every image of a data set through a Normalize and back, and count what does not return.

    ``sweep(dataset)`` or ``sweep(loader)`` looks on while the data set's own Normalize works amid whatever augmentation
    surrounds it: what entered it is compared with what the inverse makes of what left it; or of what the item gives,
    where that was scaled, cut off, exchanged or spoilt since.
    ``sweep(pipeline, dataset)`` takes raw images (PIL, bytes, floats) from `dataset` and sends them through the
    Normalize of `pipeline` alone, of whatever library.

    Args:
        pipeline: a data set, a loader (whose data set is swept), or with `dataset` a pipeline, a Normalization, or the
            name of a preset.
        dataset: the raw images, ``dataset[i]`` and ``len(dataset)``.
        inverse: the project's own inverse: takes an image as it leaves the Normalize. It gives back a tensor, array or
            PIL image, of floats in the units of the images or of bytes. Without it the derived inverse is used.
        output_max: the value of white in the floats that `inverse` gives, if it is not that of the images; and in
            integers, as for :func:`~pytest_denorm.assert_round_trip`.
        layout: what `inverse` takes, where that is not what leaves the Normalize, as for
            :func:`~pytest_denorm.assert_round_trip`.
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
    one_of(on_error, "on_error", ("raise", "skip"), DatasetError)
    located = located_quietly(pipeline) if isinstance(pipeline, str) else locate(pipeline)
    if dataset is None and isinstance(pipeline, (str, Normalization)):
        raise DatasetError(f"{shown(pipeline)} holds no images: a sweep needs a data set too.")
    if dataset is None:
        dataset, pipeline = _unwrapped(pipeline, located), None
        with recorded(located):  # refuses before the first image what cannot be watched
            pass
    check_source(dataset)
    if not is_indexed(dataset):
        raise DatasetError(
            f"a {type(dataset).__name__} has no index or no length: a sweep needs dataset[i] and len(dataset)."
        )
    inverse = _as_inverse(inverse, layout, located)
    workers = whole(workers, "workers", DatasetError, least=0)
    indices = chosen(len(dataset), limit=limit, sample=sample, seed=seed)
    if not indices:
        raise DatasetError("the data set is empty: there is nothing to sweep.")
    normalization = located.normalization
    output_max = check_output_max(output_max, inverse)
    work = RoundTrips(pipeline, inverse, output_max, Reading(image, channel_axis, pixel_max), on_error)
    key = {
        "normalization": [list(normalization.mean), list(normalization.std), normalization.pixel_max],
        "dataset": [len(dataset), image_name(dataset, indices[0]), image_name(dataset, indices[-1])],
        "pictures": [len(indices), sample, seed if sample is not None else None],
        "inverse": None if inverse is None else getattr(inverse, "__qualname__", type(inverse).__qualname__),
        "results of the inverse": None if inverse is None else _fingerprint(inverse, normalization),
        "pipeline": None if pipeline is None else located.name,
        "reading": [None if image is None else shown(image), channel_axis, pixel_max],
    }
    key |= {name: value for name, value in (("output_max", output_max), ("layout", layout)) if value is not None}
    start = SweepResult(source=normalization.source or str(normalization))
    if distributed:
        result = _shared(dataset, work, indices, start, state, key, workers, timeout, progress)
    else:
        with kept_while_read(dataset):
            result = _run(dataset, work, indices, start, _State(state, key), workers, progress)
    if inverse is None or not result.wrong_levels or result.diagnosis:
        return result
    return replace(result, diagnosis=_diagnosis(located, inverse, output_max))


def _shared(
    dataset: Any,
    work: RoundTrips,
    indices: Sequence[int],
    start: SweepResult,
    state: str | os.PathLike[str] | None,
    key: dict[str, Any],
    workers: int,
    timeout: float,
    shown: bool,
) -> SweepResult:
    """Return the result of all ranks, of which each takes its share of `indices`."""
    ranks = Ranks(timeout)
    own = None if state is None else f"{os.fspath(state)}.{ranks.rank}-of-{ranks.count}"
    kept = _State(own, key | {"rank": [ranks.rank, ranks.count]})
    mine = indices[ranks.rank :: ranks.count]
    is_first = ranks.rank == 0
    with kept_while_read(dataset):
        parts = ranks.gather(lambda: _run(dataset, work, mine, start, kept, workers, shown and is_first))
    return replace(sum(parts[1:], parts[0]), seconds=max(part.seconds for part in parts))  # side by side


def _as_inverse(inverse: Any, layout: str | None, located: Located) -> Inverse | None:
    """Return what takes an image as it leaves the Normalize.

    Raises:
        ImageTypeError: it cannot be called.
        ImageError: no such layout, or one of no inverse.
    """
    if isinstance(inverse, Normalization):
        inverse = inverse.normalize
    if inverse is None:
        if layout is not None:
            raise ImageError(f"layout is {shown(layout)}, and there is no inverse that takes it.")
        return None
    if not callable(inverse):
        raise ImageTypeError(f"inverse is {shown(inverse)}: expected a function of a normalized image, or None.")
    called: Inverse = Guarded(inverse)
    return called if layout is None else InLayout(called, layout, located.normalization.channel_axis)


def _diagnosis(located: Located, inverse: Inverse, output_max: float | None) -> str:
    """Return what is wrong with an inverse, in a line; "" where images of every level come back."""
    normalization = located.normalization
    try:
        with preserve_rng_state(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            said = diagnose(normalization, inverse, pixel_max=normalization.pixel_max, output_max=output_max)
    except DenormError as error:
        return f"none: {error}"
    return "" if said.exact else str(said).partition("\n")[0]


def _fingerprint(inverse: Inverse, normalization: Normalization) -> str:
    """A digest of what an inverse makes of a small image, to three decimals; "" where it takes none. A state file is
    of another sweep when the code of the inverse has changed.
    """
    channels = 3 if normalization.channels == 1 else normalization.channels
    levels = torch.randint(0, 256, (channels, 8, 9), generator=torch.Generator().manual_seed(0))
    try:
        with preserve_rng_state():
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
        with recorded(located) if self.pipeline is None else nullcontext() as record:
            watch = None if record is None else _Watch(located, record)
            for index in indices:
                result += self._one(dataset, index, located, watch)
        return result

    def _one(self, dataset: Any, index: int, located: Located, watch: _Watch | None) -> SweepResult:
        name, cause, normalization = image_name(dataset, index), "", located.normalization
        try:
            if watch is None:
                pairs = list(pass_alone(located, dataset[index], self.reading))
                passages = [compare(*pair, self.inverse, normalization, self.output_max) for pair in pairs]
            else:
                pairs, seen, cause = watch.read(dataset, index)
                passages = [compare(*pair, self.inverse, normalization, self.output_max) for pair in pairs]
                passages = [given_passage(one, normalization) for one in seen] if cause else passages
        except Exception as error:
            failure = Failure(index, name, f"{type(error).__name__}: {error}")
            if self.on_error == "raise":
                raise DatasetError(f"{failure}") from error
            return SweepResult(failed=1, failures=(failure,))
        result = SweepResult.of_passages(index, name, passages)
        return replace(result, diagnosis=f"{describe(index, name)}: {cause}") if cause else result


class _Watch:
    """Reads the items of a data set while its Normalize is watched."""

    def __init__(self, located: Located, record: Record) -> None:
        self._located, self._record = located, record
        self._before: list[Sighting] = []

    def read(self, dataset: Any, index: int) -> tuple[list[tuple[Any, Any]], list[Sighting], str]:
        """Return what entered and left, the same with what the item gives, and what was done to that since; ""
        where that takes nothing from the values.
        """
        self._record.clear()
        item = dataset[index]
        pairs = seen_pairs(self._record, self._located.name)
        trace = Trace(record=self._record, result=item, images=images_in(item))
        seen = sightings_of(trace, self._located, is_own=True)
        before, self._before = self._before, seen[:1]
        try:
            refuse_changed_items(seen, self._located.normalization, None)
            refuse_fixed_patch([*before, *seen[:1]])
        except CheckFailure as failure:
            return pairs, seen, str(failure)
        return pairs, seen, ""


class _State:
    """Where a sweep is, in a file; or nowhere."""

    def __init__(self, path: str | os.PathLike[str] | None, key: dict[str, Any]) -> None:
        self._path = None if path is None else path_of(path, "state", DatasetError)
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
