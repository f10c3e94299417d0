"""One run on many processes: each takes its share, all get the whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

import torch.distributed as dist

from ..errors import RankError

__all__ = ["Ranks"]

ResultT = TypeVar("ResultT")


class Ranks:
    """The processes of a ``torch.distributed`` run, as ``torchrun`` starts them.

    Uses the process group that exists, whatever its backend; where there is none, joins the one that torchrun's
    environment variables describe (backend gloo), for the rest of the process. What is exchanged are a few sums, once,
    over gloo.

    Args:
        timeout: seconds that the first rank to finish waits for the others.

    Raises:
        RankError: there is neither a process group nor torchrun's environment.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timedelta(seconds=timeout)
        if not dist.is_initialized():
            missing = [name for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
            if missing:
                raise RankError(
                    f"distributed=True in a process without a process group, and {', '.join(missing)} not set: start "
                    f"it with torchrun (torchrun --nproc-per-node=2 ...), or leave distributed at False."
                )
            dist.init_process_group("gloo", timeout=self._timeout)
        self.rank, self.count = dist.get_rank(), dist.get_world_size()
        self._group = _gloo(dist.group.WORLD)

    def gather(self, work: Callable[[], ResultT]) -> list[ResultT]:
        """What `work` returned on every rank, in the order of the ranks, on every rank.

        Raises:
            RankError: `work` raised on a rank, or a rank died or was not heard of in time; names the ranks.
        """
        cause: Exception | None = None
        outcome: tuple[Any, str] = (None, "")
        try:
            outcome = (work(), "")
        except Exception as error:  # told to all ranks, so that none waits for this one
            cause, outcome = error, (None, f"{type(error).__name__}: {error}")
        outcomes: list[Any] = [None] * self.count
        try:
            dist.monitored_barrier(self._group, timeout=self._timeout, wait_all_ranks=True)
            dist.all_gather_object(outcomes, outcome, group=self._group)
        except RuntimeError as error:
            raise RankError(
                f"rank {self.rank} of {self.count} could not merge its share: another rank died, or was not heard of "
                f"for {self._timeout.total_seconds():g} s. {_first_line(error)}"
            ) from (cause or error)
        failed = [f"rank {rank} of {self.count} failed: {text}" for rank, (_, text) in enumerate(outcomes) if text]
        if failed:
            raise RankError("\n".join(failed)) from cause
        return [result for result, _ in outcomes]


@lru_cache(maxsize=1)  # one for all runs of a process: torch 2.4 may hang where a group is destroyed
def _gloo(world: Any) -> Any:
    """The group of all ranks that carries Python objects: the default one, or one beside it if that is of nccl."""
    return world if dist.get_backend(world) == "gloo" else dist.new_group(backend="gloo")


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
