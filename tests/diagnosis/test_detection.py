"""Every known mistake is caught and named with every statistics, and nothing is said of what is right."""

from __future__ import annotations

import pytest
import torch
from detection_matrix import CORRECT, MISTAKES, STATISTICS, main, of_correct, outcome

from pytest_denorm.checks import KINDS

#: What cannot be told apart on paper, because the numbers are the same: (mistake, statistics) -> what else gives them.
#: The message then names both, and either may come first.
INDISTINGUISHABLE = {
    # with one std for all channels, std + eps is just another std, and std of the pipeline - eps may be a data set's
    ("eps of 1e-3 in the inverse", "MNIST"): "wrong-std",
    ("eps of 1e-3 in the forward", "MNIST"): "other-preset",
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("statistics", STATISTICS)
def test_every_mistake_is_caught_and_named(statistics: str, dtype: torch.dtype) -> None:
    wrong = []
    for mistake in MISTAKES:
        if not mistake.applies(STATISTICS[statistics]):
            continue
        found = outcome(mistake, statistics, dtype)
        other = INDISTINGUISHABLE.get((mistake.name, statistics))
        expected = ("equal",) if other else ("named", "silent")
        if found.verdict not in expected or (other and found.diagnosis.kind != other):
            wrong.append(f"{mistake.name}: {found.verdict}, said {found.diagnosis.kind}: {found.diagnosis.message}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("statistics", STATISTICS)
def test_correct_inverses_raise_no_alarm(statistics: str, dtype: torch.dtype) -> None:
    for how, said in of_correct(STATISTICS[statistics], dtype):
        assert (said.kind, said.exact, said.wrong_levels, said.alternatives) == ("exact", True, 0, ()), how


def test_the_matrix_covers_every_kind() -> None:
    assert {one.kind for one in MISTAKES} == set(KINDS) - {"exact", "unknown"}
    assert len(STATISTICS) >= 12
    assert len(CORRECT) >= 20


def test_the_matrix_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    few = {name: STATISTICS[name] for name in ("ImageNet", "MNIST")}
    monkeypatch.setattr("detection_matrix.STATISTICS", few)
    monkeypatch.setattr("detection_matrix.MISTAKES", MISTAKES[:3])
    assert main() == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[:3] == [" " * 34 + "ImageNet", " " * 34 + "|   MNIST", f"{'y * s':<33} x   x    missing-mean"]
    assert printed[-3].startswith("0 of 3 mistakes x 2 statistics x 2 dtypes missed or misnamed")


def test_the_matrix_can_fail(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    first = MISTAKES[0]
    misnamed = type(first)(first.name, "mean-sign", first.inverse, first.paper)
    monkeypatch.setattr("detection_matrix.STATISTICS", {"ImageNet": STATISTICS["ImageNet"]})
    monkeypatch.setattr("detection_matrix.MISTAKES", (misnamed,))
    assert main() == 1
    assert "WRONG" in capsys.readouterr().out
