"""``dataset_statistics``: one pass over a data set or a loader."""

from __future__ import annotations

import contextlib
import operator
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch.utils.data

from ..core.arguments import one_of, whole
from ..core.statistics import Statistics
from ..errors import DatasetError, StatisticsWarning
from ..pipelines.batches import is_indexed, is_loader, kept_while_read
from ..pipelines.pixels import Reading, blocks_of_item
from ..pipelines.tally import OnError, Reader, Tally
from .chunks import check_source, chosen, chunks, results
from .distributed import Ranks
from .progress import Progress
from .stored_images import Stored, image_name, stored_images

__all__ = ["dataset_statistics"]

#: Images that one worker measures before it reports.
_CHUNK = 2048


def dataset_statistics(
    dataset_or_loader: Any,
    *,
    image: str | int | Callable[[Any], Any] | None = None,
    channel_axis: int | None = None,
    pixel_max: float | None = None,
    on_error: OnError = "raise",
    limit: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    workers: int = 0,
    distributed: bool = False,
    timeout: float = 1800.0,
    progress: bool = False,
) -> Statistics:
    """Measure mean, std, extremes and more of each channel, over all pixels of all images, in one pass.

    The images are measured **as the data set gives them**. With ``ToTensor`` in its transform that is floats in 0..1;
    without, bytes, which is faster, and :meth:`Statistics.normalization` gives the same numbers to paste, on the scale
    0..1. Behind a Normalize the statistics are of normalized values (mean near 0, std near 1, in units of the std):
    for those of the images that enter it, measure the data set without it, or ask
    :meth:`Statistics.before` with the Normalization found by :func:`~pytest_denorm.find_normalize`. Random
    augmentation is measured as it falls; the random states, and those of a loader's generators, are afterwards what
    they were before.

    Bytes add up without rounding. Other values are added up in float64, each image by itself, and images without
    rounding: so any split over workers, files or machines gives the same bits. Memory does not grow with the data set.

    Args:
        dataset_or_loader: a data set (``dataset[i]``, ``len(dataset)``), a DataLoader, whose batches are measured as
            they come, or an iterable of images. An image is a PIL image, a tensor (..., C, H, W) or an array
            (..., H, W, C) or (..., C, H, W), of bytes, other integers or floats, of any size, or a clip (C, T, H, W)
            of 1, 3 or 4 channels and another number of frames, each of which is an image; it may come in a tuple
            (masks and boxes may be before it), in a list, or in a dict (``pixel_values``, ``image``, ``images``,
            ``img``, ...). Two that are equally good are an error, which `image` mends.
        image: the key or index of the image in an item, or a function that takes an item and returns it; of a
            loader, in a batch or in each item of one.
        channel_axis: the axis of the channels in tensors and arrays, when it is not where the line above says.
        pixel_max: the value of white; 255 for uint8, 65535 for uint16 and 1 for floats unless it is given.
        on_error: ``"raise"`` stops at the first image that cannot be read and names it; ``"skip"`` leaves such
            images out, counts them (``.failed``) and names the first 20 (``.failures``).
        limit: measure at most so many images, the first ones.
        sample: measure so many images, drawn with `seed`; not of an iterable.
        workers: processes of a DataLoader that read and measure; not of an iterable or a loader, which has its own.
        distributed: in a process of a ``torch.distributed`` group (as ``torchrun`` starts them): measure this rank's
            share of the data set; all ranks return the statistics of the whole.
        timeout: seconds after which a rank that was not heard of counts as dead, with `distributed`.
        progress: a bar (tqdm, on a terminal) or lines on standard error.

    Raises:
        DatasetError: no data set, an empty one, an image that cannot be read (unless skipped), or images of
            different numbers of channels or of different dtypes; the message names the first odd image.
        RankError: another rank failed or was not heard of in time; names it.
    """
    one_of(on_error, "on_error", ("raise", "skip"), DatasetError)
    check_source(dataset_or_loader)
    workers = whole(workers, "workers", DatasetError, least=0)
    reading = Reading(image, channel_axis, pixel_max)
    if not is_indexed(dataset_or_loader):
        wanted = {"sample": sample is not None, "workers": workers > 0, "on_error='skip'": on_error == "skip"}
        _refuse_for_iterable(dataset_or_loader, wanted | {"distributed": distributed})
    with kept_while_read(dataset_or_loader):
        if not is_indexed(dataset_or_loader):
            kept = _kept_behind(dataset_or_loader) if limit is None else None
            if kept is None:
                return _stream(dataset_or_loader, reading, limit, progress)
            dataset_or_loader = kept
        indices = chosen(len(dataset_or_loader), limit=limit, sample=sample, seed=seed)
        measure = Measure(reading, on_error)
        pieces = chunks(indices, max(1, min(_CHUNK, len(indices) // (4 * max(1, workers)))))
        if not distributed:
            return _run(dataset_or_loader, measure, pieces, workers, progress).statistics()
        ranks = Ranks(timeout)
        mine = pieces[ranks.rank :: ranks.count]
        tallies = ranks.gather(lambda: _run(dataset_or_loader, measure, mine, workers, progress and ranks.rank == 0))
    total = Tally()
    for tally in tallies:
        total.merge(tally)
    return total.statistics()


@dataclass
class Measure:
    """What is done to chunks of indices of one data set; picklable, for worker processes."""

    reading: Reading
    on_error: OnError
    #: one for all chunks: fresh memory takes its time
    _reader: Reader | None = None

    def stored(self, dataset: Any) -> Stored | None:
        """Its images, where they are kept together and are read as usual."""
        usual = self.reading.image is None and self.reading.channel_axis is None
        return stored_images(dataset) if usual else None

    def __call__(self, dataset: Any, indices: Sequence[int]) -> Tally:
        if self._reader is None:
            self._reader = Reader(self.reading, self.on_error, partial(image_name, dataset))
        reader, stored = self._reader, self.stored(dataset)
        if stored is not None:
            part = stored.indices[indices.start : indices.stop] if isinstance(indices, range) else None
            if isinstance(part, range) and part.step == 1:
                where: Any = slice(part.start, part.stop)
            else:
                where = [operator.index(stored.indices[index]) for index in indices]
            reader.read_stack(partial(operator.getitem, stored.pixels, where), indices)
            return reader.tally()
        reader.read_each(partial(operator.getitem, dataset), indices)
        return reader.tally()


def _run(dataset: Any, measure: Measure, pieces: Sequence[Sequence[int]], workers: int, shown: bool) -> Tally:
    tally = Tally()
    with Progress("stats", sum(map(len, pieces)), shown=shown) as bar:
        for part, piece in zip(results(dataset, measure, pieces, workers), pieces, strict=True):
            tally.merge(part)
            tally.refuse_mixed()
            bar.update(len(piece))
    return tally


def _refuse_for_iterable(source: Any, wanted: dict[str, bool]) -> None:
    asked = [name for name, given in wanted.items() if given]
    if asked:
        raise DatasetError(
            f"{' and '.join(asked)} cannot be had from a {type(source).__name__}, whose images have no index: give "
            f"the data set instead of the loader."
        )


def _kept_behind(loader: Any) -> Any | None:
    """The data set of a DataLoader that keeps its images together and whose every image the loader gives once,
    unchanged: what is measured is the same without collecting them into batches first."""
    data = torch.utils.data
    if type(loader) is not data.DataLoader or loader.collate_fn is not data.default_collate:
        return None
    dataset: Any = loader.dataset
    batches, sampler = loader.batch_sampler, loader.sampler
    if type(batches) is not data.BatchSampler or batches.drop_last or batches.sampler is not sampler:
        return None
    whole = type(sampler) is data.SequentialSampler or (
        type(sampler) is data.RandomSampler and not sampler.replacement and sampler.num_samples == len(dataset)
    )
    return dataset if whole and stored_images(dataset) is not None else None


def _warn_of_another_count(source: Any, count: int, firsts: list[Any]) -> None:
    """Where an IterableDataset ended early, or each worker of its loader gave all of it."""
    dataset = getattr(source, "dataset", source)
    if not isinstance(dataset, torch.utils.data.IterableDataset) or getattr(source, "drop_last", False):
        return
    said = count
    with contextlib.suppress(TypeError):  # it has none, or is a chain of such
        said = len(dataset)  # type: ignore[arg-type]
    workers = getattr(source, "num_workers", 0)
    told = []
    if said != count:
        told.append(f"the {type(dataset).__qualname__} has a length of {said:,} and gave {count:,} images")
    # the first batches are of different workers
    if workers > 1 and (count > said or (len(firsts) == 2 and np.array_equal(*firsts))):
        told.append(
            f"each of {workers} workers gives the whole {type(dataset).__qualname__}, unless it shares its images "
            f"out by torch.utils.data.get_worker_info()"
        )
    if told:
        warnings.warn("; ".join(told) + ".", StatisticsWarning, stacklevel=4)


def _stream(source: Any, reading: Reading, limit: int | None, shown: bool) -> Statistics:
    """Return the statistics of the batches of a loader, or of the images of an iterable, as they come."""
    chosen(0, limit=limit)  # refuses a limit below 1
    batches = reading.batches_of(source) if is_loader(source) else None
    reader, total = Reader(reading, batches=batches), 0
    firsts: list[Any] = []
    with Progress("stats", limit, shown=shown) as bar:
        for item, count in reader.read_stream(source, limit):
            if batches and len(firsts) < 2:
                firsts.append(blocks_of_item(item, reading, batches)[0].pixels[0])
            bar.update(count)
            total += count
    if limit is None:
        _warn_of_another_count(source, total, firsts)
    return reader.tally().statistics()
