"""``check``: all checks of a pipeline, as a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..core.foreign import shown
from .case import Case
from .choice import Choice
from .report import Report
from .running import run_checks

__all__ = ["check", "report_on"]


def check(
    pipeline: Any,
    inverse: Any = None,
    *,
    images: Any = None,
    select: Iterable[str] | None = None,
    skip: Iterable[str] | None = None,
    expected_failures: Mapping[str, str] | Iterable[str] | None = None,
    levels: Mapping[str, str] | None = None,
    name: str = "",
    output_max: float | None = None,
    layout: str | None = None,
) -> Report:
    """Run the battery on a pipeline and, if given, on the project's own inverse.

    Args:
        pipeline: anything that :func:`~pytest_denorm.find_normalize` understands, a Normalization, or the name of a
            preset.
        inverse: the project's own inverse; see :func:`~pytest_denorm.assert_round_trip`. The derived one without it.
        images: images as they enter Normalize. The built-in ones without them.
        select: names of the checks to run; all without it.
        skip: names of the checks to leave out.
        expected_failures: names of checks that are known to fail, with the reason of each if it is a mapping. One that
            passes is reported as a failure.
        levels: by the name of a check, how much its failure matters: ``error``, ``warning`` (reported, fails nothing)
            or ``off`` (not run).
        name: what the report calls the pipeline.
        output_max, layout: what `inverse` gives and takes; see :func:`~pytest_denorm.assert_round_trip`.

    Returns:
        The report. ``report.ok``, ``report.failures``, ``report.warnings``; ``report.raise_for_failures()``;
        ``str(report)``.

    Raises:
        CheckNameError: a name in `select`, `skip`, `expected_failures` or `levels` that is no check's, or a level that
            there is not.
        ImageError, ImageTypeError: `images`, `inverse` or `output_max` cannot be worked with.
    """
    choice = Choice.of(select, skip, expected_failures, levels)
    called = name if isinstance(name, str) else shown(name)
    return report_on(Case(pipeline, inverse, images, called, output_max, layout), choice)


def report_on(case: Case, choice: Choice) -> Report:
    """Return the report of the checks that were chosen.

    Raises:
        ImageError, ImageTypeError: as :func:`check`.
    """
    if case.search[0] is not None:
        case.prepare()  # images that cannot be worked with are the caller's mistake, and no check's outcome
    return Report.of(case, run_checks(case, choice))
