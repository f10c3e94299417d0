"""Which images of a data set are taken, in which pieces."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch.utils.data

from ..core.arguments import whole
from ..errors import DatasetError
from ..pipelines.batches import is_indexed

__all__ = ["ChunkResults", "check_source", "chosen", "chunks", "results"]


def check_source(dataset: Any) -> None:
    """Refuse what is certainly no data set.

    Raises:
        DatasetError: it is a string, a dictionary, or cannot be iterated or indexed, or its length raises.
    """
    indexable = is_indexed(dataset)
    if isinstance(dataset, (str, bytes, Mapping, type)) or not (indexable or hasattr(dataset, "__iter__")):
        raise DatasetError(
            f"a {type(dataset).__module__}.{type(dataset).__qualname__} is no data set: expected a data set "
            f"(dataset[i] and len(dataset)), a loader, or an iterable of images."
        )
    if indexable:
        try:
            len(dataset)
        except Exception as error:
            raise DatasetError(
                f"the length of the {type(dataset).__qualname__} cannot be had: {type(error).__name__}: {error}"
            ) from error


def chosen(length: int, *, limit: int | None = None, sample: int | None = None, seed: int = 0) -> Sequence[int]:
    """The indices to take, ascending: all, or `sample` of them drawn with `seed`, and of those the first `limit`.

    Raises:
        DatasetError: a limit or a sample below 1.
    """
    for name, value in (("limit", limit), ("sample", sample)):
        if value is not None:
            whole(value, name, DatasetError, least=1)
    whole(seed, "seed", DatasetError)
    indices: Sequence[int] = range(length)
    if sample is not None and sample < length:
        indices = sorted(random.Random(seed).sample(indices, sample))
    return indices if limit is None else indices[:limit]


def chunks(indices: Sequence[int], size: int) -> list[Sequence[int]]:
    """`indices` in pieces of `size`, in order."""
    return [indices[start : start + size] for start in range(0, len(indices), size)]


@dataclass(frozen=True)
class _Raised:
    """What was raised in a worker, without the text that a DataLoader puts around it."""

    message: str


class ChunkResults(torch.utils.data.Dataset[Any]):
    """A data set whose items are results: what ``measure(dataset, chunk)`` makes of each chunk of indices.

    With it a worker of a DataLoader sends back a few sums instead of images.
    """

    def __init__(self, dataset: Any, measure: Any, pieces: Sequence[Sequence[int]]) -> None:
        self.dataset, self.measure, self.pieces = dataset, measure, pieces

    def __len__(self) -> int:
        return len(self.pieces)

    def __getitem__(self, index: int) -> Any:
        try:
            return self.measure(self.dataset, self.pieces[index])
        except DatasetError as error:
            if torch.utils.data.get_worker_info() is None:
                raise
            return _Raised(str(error))


def results(dataset: Any, measure: Any, pieces: Sequence[Sequence[int]], workers: int) -> Iterator[Any]:
    """``measure(dataset, piece)`` for each of `pieces`, in order, in `workers` processes (0: in this one).

    Raises:
        DatasetError: less than none, or a worker process died.
    """
    work = ChunkResults(dataset, measure, pieces)
    if workers == 0:
        yield from (work[index] for index in range(len(work)))
        return
    loader = torch.utils.data.DataLoader(work, batch_size=None, num_workers=min(workers, max(1, len(pieces))))
    try:
        for result in loader:
            if isinstance(result, _Raised):
                raise DatasetError(result.message)
            yield result
    except RuntimeError as error:
        if "exited unexpectedly" not in str(error):
            raise
        raise DatasetError(
            f"a worker process died ({error}): most often it was killed for want of memory. Use fewer workers, or none "
            f"to see the error itself."
        ) from error
