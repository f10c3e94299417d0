"""Pipelines of every convention are found or measured, and undone."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import torch
from hypothesis import assume, given
from lengths import examples

from pytest_denorm import check, find_normalize, inverse_of, probe, to_uint8
from pytest_denorm.errors import StatisticsWarning
from pytest_denorm.strategies import DrawnPipeline, normalizations, pictures, pipelines

STATISTICS = normalizations(kind=("preset", "realistic", "unusual"))


@examples(2000)
@given(pictures(), pipelines(STATISTICS))
def test_what_went_through_a_pipeline_comes_back(picture: torch.Tensor, drawn: DrawnPipeline) -> None:
    normalized = drawn(picture)
    assert torch.equal(to_uint8(normalized, drawn.normalization), picture)
    if drawn.declares:
        found = find_normalize(drawn.pipeline)
        np.testing.assert_allclose(found.mean, drawn.normalization.mean, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(found.std, drawn.normalization.std, rtol=1e-6)
        assert float((inverse_of(drawn.pipeline)(normalized) - picture / 255).abs().max()) < 1e-5
        assert torch.equal(to_uint8(normalized, drawn.pipeline), picture)


@examples(200)
@given(pipelines(STATISTICS))
def test_a_pipeline_is_measured_as_it_is(drawn: DrawnPipeline) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)  # a mean of 2 may be measured as 2 and a little more
        measured = probe(drawn.pipeline).normalization()
    white = drawn.normalization.pixel_max
    np.testing.assert_allclose(measured.std, np.array(drawn.normalization.std) / white, rtol=1e-4)
    np.testing.assert_allclose(measured.mean, np.array(drawn.normalization.mean) / white, rtol=1e-4, atol=1e-5)


@examples(50)
@given(pipelines(normalizations()))
def test_the_battery_passes_on_pipelines_that_are_right(drawn: DrawnPipeline) -> None:
    skip = () if _can_be_pickled(drawn.pipeline) else ("picklable",)
    declared = drawn.normalization
    assume(drawn.declares or any(declared.mean) or set(declared.std) != {declared.pixel_max})  # else it is none
    report = check(drawn.pipeline, skip=skip, expected_failures=())
    assert report.ok, f"{drawn.name}\n{report}"


def _can_be_pickled(pipeline: object) -> bool:
    try:
        pickle.dumps(pipeline)
    except (AttributeError, pickle.PicklingError):
        return False
    return True
