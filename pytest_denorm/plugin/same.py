"""``denorm_same`` in the ini: which of the listed pipelines have to see the same colors."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import pytest

from . import settings

__all__ = ["same_pairs"]


def same_pairs(config: pytest.Config, listed: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the pairs of names in ``denorm_same``: the first of each line with each of the others.

    Args:
        listed: the pipelines that the project lists, by name.

    Raises:
        pytest.UsageError: a name that is not listed, fewer than two, or one twice.
    """
    lines = [str(line).split() for line in settings.get(config, "denorm_same") if str(line).strip()]
    for names in lines:
        for name in names:
            if name not in listed:
                near = difflib.get_close_matches(name, listed, n=1)
                hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(listed)}."
                raise pytest.UsageError(f"denorm_same: {name!r} is not in denorm_pipelines. {hint}")
        if len(names) < 2 or len(set(names)) < len(names):
            raise pytest.UsageError(
                f"denorm_same: {' '.join(names)!r}: expected two or more different names of denorm_pipelines."
            )
    return [(names[0], other) for names in lines for other in names[1:]]
