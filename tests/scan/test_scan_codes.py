"""The page of codes: its wrong examples are reported under their code alone, its right ones not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_denorm import ScanResult
from pytest_denorm.scanner.codes import CODES

Scan = Callable[..., ScanResult]

PAGE = Path(__file__).parents[2] / "docs" / "scan.md"
SECTIONS = re.findall(
    r"^### (DN\d+) ([\w-]+)\n.*?^```py\n# wrong\n(.*?)^```\n.*?^```py\n# right\n(.*?)^```\n",
    PAGE.read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)


def test_every_code_has_its_examples() -> None:
    assert [(code, name) for code, name, _, _ in SECTIONS] == [(one.number, one.name) for one in CODES.values()]


@pytest.mark.parametrize(("code", "wrong"), [(code, wrong) for code, _, wrong, _ in SECTIONS])
def test_a_wrong_example_has_its_code(code: str, wrong: str, scanned: Scan) -> None:
    found = scanned(wrong, notes=CODES[code].level == "note").findings
    assert {one.code for one in found} <= {code, "DN112"}  # the classic loop also works in place
    assert {one.level for one in found if one.code == code} == {CODES[code].level}


@pytest.mark.parametrize(("code", "right"), [(code, right) for code, _, _, right in SECTIONS])
def test_a_right_example_has_none(code: str, right: str, scanned: Scan) -> None:
    assert [str(one) for one in scanned(right, notes=True).findings] == []
