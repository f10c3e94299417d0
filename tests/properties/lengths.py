"""How many examples a property is tried with: some in every run, or as many as the environment asks for.

DENORM_EXAMPLES=100000 pytest tests/properties
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("DENORM_EXAMPLES", "0"))
#: What most properties are tried with. Those of whole pipelines take a hundred times as long, and are tried less.
USUAL = 2000


def examples(count: int) -> Callable[[Any], Any]:
    """An eighth of `count` examples, the same in every run; in a long run as many as it asks for where `count` is the
    usual one, in proportion where it is not, and new ones in each."""
    return settings(
        max_examples=max(1, EXAMPLES * count // USUAL if EXAMPLES else count // 8),
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
