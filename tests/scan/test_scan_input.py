"""Files that cannot be read, or not in full: one note each, and the rest is scanned."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_denorm import DenormError, ScanResult, scan

Scan = Callable[..., ScanResult]

RIGHT = "from torchvision import transforms\nt = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])\n"


def notebook(*cells: str) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]})


BAD = {
    "python 2": ("old.py", "print 'mean'\n", "cannot be parsed: Missing parentheses"),
    "binary": ("data.py", b"\0\1\2mean std", "it holds binary data"),
    "encoding": ("latin.py", b"# -*- coding: utf-8 -*-\nmean = '\xff'\n", "cannot be decoded"),
    "unknown encoding": ("odd.py", b"# -*- coding: klingon -*-\nmean = 1\n", "cannot be decoded"),
    "half a notebook": ("half.ipynb", notebook("a = 1")[:-20], "no readable notebook"),
    "no notebook": ("list.ipynb", "[]", "no readable notebook"),
    "a cell": ("cell.ipynb", notebook("a = 1", "a = = 2"), "cell 2 cannot be parsed; the other cells were scanned"),
    "deep": ("deep.py", "mean = " + "(" * 5000 + ")" * 5000, "cannot be parsed"),
    "a line of 10 MB": ("long.py", "mean = '" + "x" * 3_000_000 + "'\n", "a line is longer than"),
    "a huge file": ("huge.py", "mean = 1  # a comment\n" * 250_000, "bytes, more than"),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD.values(), ids=BAD)
def test_a_bad_file_is_one_note(name: str, content: str | bytes, message: str, scanned: Scan) -> None:
    result = scanned({name: content, "good.py": RIGHT})
    (finding,) = result.findings
    assert (finding.path, finding.code, finding.level) == (name, "DN901", "note")
    assert message in finding.message
    assert [one["path"] for one in result.statistics] == ["good.py"]


BOUNDED = {
    "endless": """\
def denormalize(x):
    for i in range(4000):
        for j in range(4000):
            x = x + 0.5
    return x
""",
    "itself": """\
def denormalize(x, mean=0.5):
    return denormalize(x, mean)
""",
    "memory": """\
def denormalize(x):
    return x * np.ones((100000, 100000)) + 0.5
""",
    "long text": """\
def denormalize(x):
    return x * len('std' * 10 ** 12)
""",
    "power": """\
def denormalize(x):
    return x * 10 ** 10 ** 10 + 0.5
""",
    "growing list": """\
def denormalize(x):
    a = [0.5]
    while True:
        a += a
    return x
""",
}


@pytest.mark.parametrize("source", BOUNDED.values(), ids=BOUNDED)
def test_nothing_runs_away(source: str, scanned: Scan) -> None:
    result = scanned(source, notes=True)
    assert {one.code for one in result.findings} <= {"DN113"}


def test_links_in_a_circle_and_links_out_are_scanned_once(scanned: Scan, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert len(scanned({"package/data.py": RIGHT}).statistics) == 1


def test_a_notebook_is_one_module_and_its_cells_are_named(scanned: Scan) -> None:
    magic = "%matplotlib inline\n!pip install torch\nimport numpy as np\nfrom torchvision import transforms"
    cells = (
        magic,
        RIGHT,
        "\ndef denorm(x):\n    return x * np.array([0.229, 0.224, 0.255]) + np.array([0.485, 0.456, 0.406])",
    )
    (finding,) = scanned({"look.ipynb": notebook(*cells)}).findings
    assert (finding.where, finding.code) == ("look.ipynb:cell 3:2:1", "DN102")


CONFIGS = {
    "a.yaml": """\
data:
  mean: [0.485, 0.456, 0.406]
  std: [0.229, 0.224, 0.225]

""",
    "b.yml": """\
MODEL:
  PIXEL_MEAN:
    - 123.675
    - 116.28  # green
    - 103.53
  PIXEL_STD: [58.395, 57.12, 57.375]

""",
    "c.json": """\
{"image_mean": [
0.485,
0.456,
0.406],
"image_std": [0.229, 0.224, 0.225]}
""",
    "d.toml": """\
[normalize]
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]

""",
}


def test_configs_are_read_where_their_numbers_stand(scanned: Scan) -> None:
    result = scanned(CONFIGS)
    assert [(one["path"], one["line"]) for one in result.statistics] == [
        ("a.yaml", 2),
        ("b.yml", 2),
        ("c.json", 1),
        ("d.toml", 2),
    ]
    assert result.findings == ()


def test_a_path_that_does_not_exist_is_refused() -> None:
    with pytest.raises(DenormError, match=r"nowhere does not exist: expected a file or a folder to scan\."):
        scan("nowhere")


def test_an_unknown_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DenormError, match="no code begins with 'DN7': expected one of DN101, "):
        scan(tmp_path, select=["DN7"])
