"""Arguments that name what is to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..errors import SettingsError

__all__ = ["Array", "Names", "column", "listed"]

Array = np.ndarray[Any, Any]
Names = str | Sequence[str]


def listed(names: Names, known: Sequence[str], argument: str) -> list[str]:
    """The names that were given, in the order of `known`, from the simplest on.

    Raises:
        SettingsError: none, or an unknown one.
    """
    given = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in given if name not in known]
    if unknown or not given:
        found = repr(unknown[0]) if unknown else "empty"
        raise SettingsError(f"{argument} is {found}: expected one or more of {', '.join(known)}.")
    return [name for name in known if name in given]


def column(values: Sequence[float], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).to(dtype)[:, None, None]
