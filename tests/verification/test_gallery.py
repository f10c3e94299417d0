"""Each exhibit of the gallery fires the check that it should, and is called by its name, with its number."""

from __future__ import annotations

import warnings

import pytest
import torch
from gallery import GALLERY, TO_IMAGENET

from pytest_denorm import assert_round_trip, check
from pytest_denorm.checks.report import Report


def flat(text: str) -> str:
    """Without the line breaks of a report."""
    return " ".join(text.split())


def checked(name: str) -> Report:
    broken = GALLERY[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of casts that overflow, in the exhibits' own code
        torch.manual_seed(0)
        return check(broken.pipeline, inverse=broken.inverse)


@pytest.mark.parametrize("name", GALLERY)
def test_exhibit(name: str) -> None:
    broken = GALLERY[name]
    report = checked(name)
    assert report.failures or report.warnings
    failed = {one.name: one.message for one in (*report.failures, *report.warnings)}
    assert broken.check in failed, f"{list(failed)}\n{report}"
    said = flat(f"{failed[broken.check]} {report.diagnosis.message if report.diagnosis else ''}")
    assert broken.said in said, said
    if broken.kind:
        assert report.diagnosis is not None
        assert report.diagnosis.kind == broken.kind, report.diagnosis
        assert f"diagnosis: {broken.kind}" in str(report)
        assert flat(report.diagnosis.message.split("\n")[0])[:60] in flat(str(report))


@pytest.mark.parametrize("name", ["second_normalize_std_255", "numpy_as_type", "gamma"])
def test_assert_round_trip_carries_the_diagnosis(name: str) -> None:
    broken = GALLERY[name]
    with pytest.raises(AssertionError) as caught:
        assert_round_trip(broken.pipeline, inverse=broken.inverse)
    said = flat(str(caught.value))
    assert broken.kind in said
    assert broken.said in said
    assert "tolerance" in said


def test_the_gallery_is_large() -> None:
    assert len(GALLERY) >= 40
    assert len({one.kind for one in GALLERY.values()}) >= 20


def test_the_same_pipelines_are_fine_with_a_correct_inverse() -> None:
    pipelines = {id(one.pipeline): one.pipeline for one in GALLERY.values() if one.inverse is not None}
    for pipeline in pipelines.values():
        report = check(pipeline)
        assert report.ok, report
    assert check(TO_IMAGENET).diagnosis is None
