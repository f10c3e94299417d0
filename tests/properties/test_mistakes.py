"""A mistake that is drawn at random is named."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from lengths import examples

from pytest_denorm import diagnose
from pytest_denorm.core.tolerance import round_trip_tolerance
from pytest_denorm.strategies import DrawnMistake, mistakes, normalizations

sys.path.append(str(Path(__file__).parents[1] / "diagnosis"))
import detection_matrix
from detection_matrix import MISTAKES, Statistics, has_effect, outcome


@examples(2000)
@given(mistakes(normalizations(kind=("preset", "realistic"))))
def test_a_mistake_is_named(drawn: DrawnMistake) -> None:
    given = drawn.normalization
    found = diagnose(given, drawn.inverse, channels=given.channels, pixel_max=given.pixel_max, between=True)
    assert found.kind == drawn.kind, f"{drawn.name}: {found}"
    assert found.exact == (drawn.kind == "mutates-input")


@st.composite
def statistics(draw: st.DrawFn) -> Statistics:
    """Realistic and unusual ones, of one to four channels, of floats and of bytes, to some decimals."""
    white = draw(st.sampled_from([1.0, 255.0]))
    drawn = draw(normalizations(draw(st.sampled_from([3, 1, 4])), kind=("realistic", "unusual"), pixel_max=white))
    return Statistics(np.array(drawn.mean), np.array(drawn.std), white)


@examples(300)
@given(st.sampled_from(MISTAKES), statistics(), st.sampled_from([torch.float32, torch.float64]))
def test_every_known_mistake_is_named_with_any_statistics(mistake, given, dtype) -> None:  # type: ignore[no-untyped-def]
    if not mistake.applies(given):
        return
    detection_matrix.STATISTICS["drawn"] = given
    try:
        found = outcome(mistake, "drawn", dtype)
    finally:
        del detection_matrix.STATISTICS["drawn"]
    # an error hardly beyond the tolerance is no more than noise to a fit
    visible = has_effect(mistake, given, 4 * np.array(round_trip_tolerance(given.normalization, dtype).per_channel))
    told = any(one.kind == mistake.kind and one.equal for one in found.diagnosis.alternatives)  # the same numbers
    assert told or not visible or found.verdict in ("named", "equal", "silent"), (
        f"{mistake.name}: {found.verdict}, {found.diagnosis}"
    )
