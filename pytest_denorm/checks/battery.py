"""``check`` and ``parametrize_with_checks``: all checks of a pipeline, as a report or as items of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, TypeVar

from ..core.arguments import listed
from ..core.foreign import shown
from ..core.units import check_output_max
from ..errors import CheckNameError, PipelineError
from .bound import BoundCheck
from .case import Case
from .choice import Choice
from .report import Report
from .running import run_checks

__all__ = ["check", "parametrize_with_checks", "report_on"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


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


def parametrize_with_checks(
    pipelines: Mapping[str, Any] | Iterable[Any],
    *,
    inverse: Any = None,
    images: Any = None,
    select: Iterable[str] | None = None,
    skip: Iterable[str] | None = None,
    expected_failures: Mapping[str, str] | Iterable[str] | None = None,
    levels: Mapping[str, str] | None = None,
    output_max: float | None = None,
    layout: str | None = None,
) -> Callable[[FunctionT], FunctionT]:
    """Decorate a test with one item for each pipeline and check.

    The test takes one argument, ``denorm_check``, and calls it::

        @parametrize_with_checks({"val": val_transform, "train": train_transform})
        def test_normalize(denorm_check):
            denorm_check()

    Args:
        pipelines: by name, or a list whose members are called by their position.
        inverse, images, select, skip, expected_failures, levels, output_max, layout: as for :func:`check`, the same for
            every pipeline. What is left out makes no item.

    Raises:
        CheckNameError: as :func:`check`; or no check is left.
        ImageError: `output_max` is no finite number above 0, or of no inverse.
        PipelineError: no pipeline, or something that holds none.
    """
    __tracebackhide__ = True
    import pytest

    choice = Choice.of(select, skip, expected_failures, levels)
    check_output_max(output_max, inverse)
    several = isinstance(pipelines, (Mapping, Sequence, Set, Iterator)) and not isinstance(pipelines, str)
    if not several or callable(pipelines):  # a pipeline or a loader may be gone through, too
        raise PipelineError(f"pipelines is {shown(pipelines)}: expected pipelines by name, or a list of them.")
    if not choice.run:
        raise CheckNameError("no check is left of what select, skip and levels say: expected at least one.")
    if isinstance(pipelines, Mapping):
        named = dict(pipelines)
    else:
        given = listed(pipelines, "pipelines", PipelineError, "pipelines by name, or a list of them")
        named = {str(index): one for index, one in enumerate(given)}
    if not named:
        raise PipelineError("there is no pipeline to check: expected at least one, by name or in a list.")
    cases = [Case(pipeline, inverse, images, str(name), output_max, layout) for name, pipeline in named.items()]
    bound = [BoundCheck(case, one, choice) for case in cases for one in choice.run]
    return pytest.mark.parametrize("denorm_check", bound, ids=repr)
