"""The table of checks, in the order in which they run and are reported."""

from __future__ import annotations

from collections.abc import Callable

from .as_run import check_inverse_as_run
from .case import Case
from .conduct import (
    check_batch_matches_single,
    check_deterministic,
    check_gradient_flows,
    check_input_unchanged,
    check_inverse_accepts_batch,
    check_low_precision,
    check_memory_layouts,
    check_picklable,
    check_random_state_unchanged,
)
from .declared import (
    check_dataset_is_standardized,
    check_declared_matches_measured,
    check_finds_normalize,
    check_single_normalize,
    check_statistics_match_channels,
    check_statistics_valid,
)
from .outcome import Shown
from .values import (
    check_bytes_exact,
    check_channel_order,
    check_no_clipping,
    check_reverse_round_trip,
    check_round_trip,
)

__all__ = ["CHECKS", "VALUE_CHECKS", "WARNINGS", "Check"]

Check = Callable[[Case], Shown]

#: Every check by its name.
CHECKS: dict[str, Check] = {
    check.__name__.removeprefix("check_"): check
    for check in (
        check_finds_normalize,
        check_single_normalize,
        check_statistics_valid,
        check_statistics_match_channels,
        check_declared_matches_measured,
        check_dataset_is_standardized,
        check_inverse_as_run,
        check_round_trip,
        check_reverse_round_trip,
        check_bytes_exact,
        check_channel_order,
        check_no_clipping,
        check_input_unchanged,
        check_random_state_unchanged,
        check_deterministic,
        check_batch_matches_single,
        check_inverse_accepts_batch,
        check_memory_layouts,
        check_low_precision,
        check_gradient_flows,
        check_picklable,
    )
}

#: Those whose failures are warnings, unless the project says otherwise: what they find is no wrong image today.
WARNINGS = frozenset({"dataset_is_standardized", "inverse_accepts_batch", "picklable"})

#: Those that judge values that came back through the inverse: one mistake of the inverse makes all of them fail.
VALUE_CHECKS = frozenset(
    {
        "inverse_as_run",
        "round_trip",
        "reverse_round_trip",
        "bytes_exact",
        "channel_order",
        "no_clipping",
        "low_precision",
        "gradient_flows",
    }
)
