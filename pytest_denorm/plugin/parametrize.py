"""``parametrize_with_checks``: all checks of some pipelines, as the items of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeVar

from ..checks.bound import BoundCheck
from ..checks.case import Case
from ..checks.choice import Choice
from ..comparing.compared import compare
from ..core.arguments import listed
from ..core.foreign import shown
from ..core.units import check_output_max
from ..errors import CheckNameError, PipelineError
from ..pipelines.splits import names_of_splits

__all__ = ["parametrize_with_checks"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


@dataclass(frozen=True)
class SameColors:
    """One comparison of two pipelines, to be called by a test.

    Raise AssertionError where they differ; pytest's own outcome where one of them cannot be measured.
    """

    pipelines: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"{'='.join(self.pipelines)}-same"

    def __call__(self) -> None:
        __tracebackhide__ = True
        import pytest

        try:
            found = compare(dict(self.pipelines))
        except PipelineError as error:  # the checks of that pipeline tell it
            pytest.skip(str(error))
        found.raise_for_difference()


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

    Pipelines for the splits of one data set, as their names say (``train`` and ``val``), are compared with each other,
    too: an item for each after the first; see :func:`~pytest_denorm.compare`.

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
        named = {str(name): one for name, one in pipelines.items()}
    else:
        given = listed(pipelines, "pipelines", PipelineError, "pipelines by name, or a list of them")
        named = {str(index): one for index, one in enumerate(given)}
    if not named:
        raise PipelineError("there is no pipeline to check: expected at least one, by name or in a list.")
    cases = [Case(pipeline, inverse, images, name, output_max, layout) for name, pipeline in named.items()]
    bound: list[Callable[[], None]] = [BoundCheck(case, one, choice) for case in cases for one in choice.run]
    if isinstance(pipelines, Mapping) and select is None:
        bound += [
            SameColors({name: named[name], other: named[other]})
            for name, *others in names_of_splits(named)
            for other in others
            if named[other] is not named[name]
        ]
    return pytest.mark.parametrize("denorm_check", bound, ids=repr)
