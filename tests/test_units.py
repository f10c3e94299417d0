"""An inverse whose white is not that of the pictures: ``output_max``."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import torch

from pytest_denorm import PRESETS, Normalization, assert_round_trip, check, sweep
from pytest_denorm.checks import Report
from pytest_denorm.errors import DatasetError, ImageError, InverseError

IMAGENET = PRESETS["imagenet"]
OF_BYTES = Normalization([255 * one for one in IMAGENET.mean], [255 * one for one in IMAGENET.std], 255.0)
m, s = (torch.tensor(one).view(-1, 1, 1) for one in (IMAGENET.mean, IMAGENET.std))


def undo(y: torch.Tensor) -> torch.Tensor:
    """To 0..1."""
    return y * s + m


def typed_wrong(y: torch.Tensor) -> torch.Tensor:
    return y * torch.tensor([0.229, 0.224, 0.255]).view(-1, 1, 1) + m


def truncated(y: torch.Tensor) -> torch.Tensor:
    return (undo(y) * 255).clamp(0, 255).byte()


def test_floats_in_0_to_1_of_a_normalize_of_bytes() -> None:
    assert_round_trip(OF_BYTES, inverse=undo, output_max=1)
    report = check(OF_BYTES, inverse=undo, output_max=1)
    assert report.ok, report
    assert all(one.status == "passed" for one in report.results if one.name in ("bytes_exact", "low_precision"))
    with pytest.raises(AssertionError, match=r"scale-255: (.|\n)*say so: output_max=1\."):
        assert_round_trip(OF_BYTES, inverse=undo)


def test_floats_in_0_to_255_of_a_normalize_of_floats() -> None:
    assert_round_trip(IMAGENET, inverse=lambda y: undo(y) * 255, output_max=255.0)
    assert check(IMAGENET, inverse=lambda y: undo(y) * 255, output_max=255.0).ok
    assert_round_trip(IMAGENET, inverse=undo, output_max=1.0)  # what it is anyway


def test_bytes_are_in_0_to_255_whatever_white_is_in_floats() -> None:
    assert_round_trip(OF_BYTES, inverse=lambda y: (undo(y) * 255).round().clamp(0, 255).byte(), output_max=1)
    report = check(OF_BYTES, inverse=truncated, output_max=1)
    assert report.diagnosis is not None
    assert report.diagnosis.kind == "truncation"


def test_a_mistake_is_told_in_the_units_of_the_pipeline() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_round_trip(OF_BYTES, inverse=typed_wrong, output_max=1)
    said = re.sub(r"\s+", " ", str(caught.value))
    assert "worst 20.2 = 20.2 levels of 255" in said
    assert "wrong-std: blue std is 65.025 where the pipeline has 57.375, a well-known slip" in said
    assert f"inverse {__name__}.typed_wrong ({__file__}:" in said


def test_a_report_says_how_it_was_made() -> None:
    report = check(OF_BYTES, inverse=typed_wrong, output_max=1, select=["round_trip"])
    assert report.reproduction() == (
        "import pytest_denorm, test_units; print(pytest_denorm.check(test_units.OF_BYTES, "
        "inverse=test_units.typed_wrong, output_max=1, select=['round_trip']))"
    )
    again = Report.from_dict(json.loads(report.to_json()))
    assert (again.output_max, again.reproduction()) == (1, report.reproduction())
    older = {name: one for name, one in report.to_dict().items() if name not in ("output_max", "notes", "again")}
    assert Report.from_dict(older).output_max is None


def test_what_is_no_picture_is_refused_as_it_is_without() -> None:
    for inverse, said in (
        (lambda y: None, "the inverse returned None"),
        (lambda y: "x", "the inverse returned a str"),
        (lambda y: y.to("meta"), "on the device meta"),
        (lambda y: y.to_sparse(), "of layout torch.sparse_coo"),
        (lambda y: y * 1j, "complex"),
        (lambda y: [[1.0], [2.0, 3.0]], "the inverse returned a list"),
        (lambda y: NoArray(), "the inverse returned a NoArray"),
    ):
        with pytest.raises(InverseError, match=said):
            assert_round_trip(OF_BYTES, inverse=inverse, output_max=1)


class NoArray:
    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("not an array")


def test_a_sweep_goes_on_with_the_same_output_alone(tmp_path) -> None:  # type: ignore[no-untyped-def]
    pictures, state = [(torch.rand(3, 8, 9) * 255).byte() for _ in range(4)], tmp_path / "state.json"
    sweep(OF_BYTES, pictures, inverse=undo, output_max=1, state=state)
    assert sweep(OF_BYTES, pictures, inverse=undo, output_max=1, state=state).ok
    with pytest.raises(DatasetError, match=r"its output_max is 1\.0, here it is None\."):
        sweep(OF_BYTES, pictures, inverse=undo, state=state)
    with pytest.raises(DatasetError, match=r"its output_max is 1\.0, here it is 255\."):
        sweep(OF_BYTES, pictures, inverse=undo, output_max=255, state=state)


def test_it_needs_an_inverse() -> None:
    with pytest.raises(ImageError) as caught:
        check("imagenet", output_max=1.0)
    assert str(caught.value) == (
        "output_max is 1.0, and there is no inverse: expected one of the project's own beside it. The derived one "
        "gives images as they enter Normalize."
    )


@pytest.mark.parametrize("output_max", [0, -1.0, float("nan"), float("inf"), "255", True])
def test_a_white_that_is_none(output_max: Any) -> None:
    with pytest.raises(ImageError, match=rf"^output_max is {output_max!r}: expected a finite number above 0\.$"):
        check(OF_BYTES, inverse=undo, output_max=output_max)
