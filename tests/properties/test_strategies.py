"""What the strategies of the package promise: what they draw, how it shrinks, and what they refuse."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import find, given
from hypothesis import strategies as st
from lengths import examples

from pytest_denorm import Normalization, diagnose
from pytest_denorm.errors import SettingsError
from pytest_denorm.strategies import (
    CONVENTIONS,
    DTYPES,
    KINDS,
    LAYOUTS,
    MEMORIES,
    STATISTICS,
    mistakes,
    normalizations,
    pictures,
    pipelines,
)


@examples(300)
@given(st.data())
def test_a_picture_is_what_was_asked_for(data: st.DataObject) -> None:
    channels, side = data.draw(st.integers(1, 4)), data.draw(st.integers(6, 9))
    asked = {
        name: data.draw(st.sampled_from(names))
        for name, names in {"dtype": DTYPES, "kind": KINDS, "layout": LAYOUTS, "memory": MEMORIES}.items()
    }
    if (asked["kind"] == "array" and asked["dtype"] == "bfloat16") or (
        asked["kind"] == "tensor" and asked["memory"] == "backwards"
    ):
        with pytest.raises(SettingsError, match="numpy has no bfloat16, and torch nothing backwards"):
            pictures(channels, **asked)
        return
    picture = data.draw(pictures(channels, pixel_max=255.0, max_side=side, **asked))
    assert isinstance(picture, torch.Tensor if asked["kind"] == "tensor" else np.ndarray)
    assert str(picture.dtype).removeprefix("torch.") == asked["dtype"]
    lengths = dict(zip(asked["layout"], picture.shape, strict=True))
    assert lengths["C"] == channels
    assert max(lengths["H"], lengths["W"]) <= side
    assert channels == 1 or channels not in (lengths["H"], lengths["W"])
    values = np.asarray(picture if isinstance(picture, np.ndarray) else picture.double().numpy())
    assert 0 <= values.min() <= values.max() <= 255


def test_everything_shrinks_to_something_small() -> None:
    everything = pictures(dtype=DTYPES, kind=KINDS, layout=LAYOUTS, memory=MEMORIES)
    smallest = find(everything, lambda picture: True)
    assert (smallest.shape, smallest.dtype, int(smallest.max())) == ((3, 1, 1), torch.uint8, 0)
    half = Normalization([0.5] * 3, [0.5] * 3)
    assert find(normalizations(kind=STATISTICS), lambda drawn: True) == half
    assert find(normalizations(kind=STATISTICS), lambda drawn: drawn != half) == Normalization([0.0] * 3, [1.0] * 3)
    assert find(pipelines(), lambda drawn: True).name == "Compose([ToTensor(), Normalize])"
    assert set(find(pipelines(), lambda drawn: not drawn.declares).normalization.mean) <= {0.5, 127.5}
    first = find(mistakes(), lambda drawn: True)
    assert (first.kind, first.normalization) == ("missing-mean", half)
    assert diagnose(first.normalization, first.inverse).kind == "missing-mean"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pictures(0), "channels is 0: expected at least 1."),
        (lambda: pictures(dtype="int8"), "dtype is 'int8': expected one or more of uint8, float32, "),
        (lambda: pictures(kind=()), "kind is empty: expected one or more of tensor, array."),
        (lambda: pictures(layout=("CHW", "WHC")), "layout is 'WHC': expected one or more of CHW, NCHW, HWC, NHWC."),
        (lambda: pictures(2, max_side=0), "max_side is 0: expected at least 1."),
        (lambda: pictures(pixel_max=float("nan")), "pixel_max is nan: expected a finite number above 0."),
        (lambda: normalizations(kind="odd"), "kind is 'odd': expected one or more of preset, realistic, "),
        (lambda: normalizations(2.5), "channels is 2.5: expected a whole number."),  # type: ignore[arg-type]
        (lambda: normalizations(pixel_max=-1), "pixel_max is -1: expected a finite number above 0."),
        (lambda: pipelines(convention="jax"), "convention is 'jax': expected one or more of v1, v2, "),
        (lambda: find(pipelines(normalizations(pixel_max=255.0)), bool), "expected statistics of images in 0..1."),
    ],
)
def test_what_cannot_be_drawn_is_named(call: Any, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        call()
    assert message in str(caught.value)


def test_every_convention_is_drawn() -> None:
    for convention in set(CONVENTIONS) - {"kornia"}:
        assert find(pipelines(convention=convention), lambda drawn: True)(
            torch.zeros(3, 2, 5, dtype=torch.uint8)
        ).shape == (
            3,
            2,
            5,
        )


def test_without_hypothesis_the_error_says_what_to_install(tmp_path: Path) -> None:
    script = (
        "import sys\nsys.modules['hypothesis'] = None\n"
        "try:\n    import pytest_denorm.strategies\nexcept ImportError as error:\n"
        "    print(type(error).__name__, error)\n"
        "import pytest_denorm\nprint(pytest_denorm.check('imagenet', select=['round_trip']).ok)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    first, second = result.stdout.splitlines()
    assert first.startswith("MissingLibraryError pytest_denorm.strategies needs hypothesis, which cannot be imported: ")
    assert first.endswith("Install it with: pip install 'pytest-denorm[hypothesis]'")
    assert second == "True"


EXAMPLE = """
import torch
from hypothesis import given, settings
from pytest_denorm.strategies import normalizations, pictures


def our_inverse(y, mean, std):
    mean, std = (torch.tensor(one).view(-1, 1, 1) for one in (mean, std))
    return {formula}


@settings(max_examples=50, deadline=None, database=None)
@given(picture=pictures(), normalization=normalizations())
def test_our_inverse_gives_back_every_byte(picture, normalization):
    normalized = normalization.normalize(picture)
    floats = our_inverse(normalized, normalization.mean, normalization.std)
    assert torch.equal(floats.mul(255).round().to(torch.uint8), picture)
"""


@pytest.mark.parametrize(("formula", "passed"), [("y * std + mean", 1), ("(y + mean) * std", 0)])
def test_a_project_tests_an_inverse_of_its_own(formula: str, passed: int, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(EXAMPLE.format(formula=formula))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:randomly")
    result.assert_outcomes(passed=passed, failed=1 - passed)
    if not passed:  # the simplest of all that fail
        result.stdout.fnmatch_lines(["*normalization=Normalization(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))*"])
