"""Every known mistake is caught and named with every statistics, and nothing is said of what is right."""

from __future__ import annotations

import pytest
import torch
from detection_matrix import CORRECT, MISTAKES, STATISTICS, main, of_correct, outcome

from pytest_denorm.checks import KINDS

#: All statistics in float32, and those of most different sizes in float64: all of both by ``detection_matrix.py``.
IN_FLOAT64 = ("ImageNet", "MNIST", "bytes", "tiny std")
CASES = [(name, torch.float32) for name in STATISTICS] + [(name, torch.float64) for name in IN_FLOAT64]
#: A std of 0.501 where the inverse has 0.5: an eps in the forward, and a data set's statistics. Both are told.
EQUAL = {("eps of 1e-3 in the forward", "0.5/0.5")}
#: Kinds that are no matter of numbers, or of how results are stored: see test_diagnose.py.
BESIDE = {
    *("exact", "unknown", "rounded-up", "wraps", "value-range", "contrast", "brightness"),
    *("depends-on-values", "depends-on-batch", "random"),
}


@pytest.mark.parametrize(("statistics", "dtype"), CASES, ids=str)
def test_every_mistake_is_caught_and_named(statistics: str, dtype: torch.dtype) -> None:
    wrong = []
    for mistake in MISTAKES:
        if not mistake.applies(STATISTICS[statistics]):
            continue
        found = outcome(mistake, statistics, dtype)
        fine = {"named", "silent"} | ({"equal"} if (mistake.name, statistics) in EQUAL else set())
        if found.verdict not in fine:
            wrong.append(f"{mistake.name}: {found.verdict}, said {found.diagnosis.kind}: {found.diagnosis.message}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("statistics", "dtype"), CASES, ids=str)
def test_correct_inverses_raise_no_alarm(statistics: str, dtype: torch.dtype) -> None:
    for how, said in of_correct(STATISTICS[statistics], dtype):
        assert (said.kind, said.exact, said.wrong_levels, said.alternatives) == ("exact", True, 0, ()), how


def test_the_matrix_covers_every_kind() -> None:
    assert {one.kind for one in MISTAKES} == set(KINDS) - BESIDE
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
