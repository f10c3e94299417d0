"""What docs/datasets.md says is what happens."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from photographs import write_cifar10

from pytest_denorm import Statistics, dataset_statistics

DOCUMENT = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")

PROJECT = """
from photographs import SmallCIFAR10
from torchvision import transforms

def make_dataset():
    return SmallCIFAR10("cifar10")

def with_normalize():
    normalize = transforms.Normalize((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))
    return SmallCIFAR10("cifar10", transform=transforms.Compose([transforms.ToTensor(), normalize]))
"""


def block(mark):
    """The code behind a mark in the document."""
    return re.search(rf"<!-- {mark} -->\n```py\n(.*?)```", DOCUMENT, re.DOTALL).group(1)


def test_the_suite_spreads_and_merges_to_the_same_bits(pytester, monkeypatch):
    pytest.importorskip("xdist")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(str(Path(__file__).parents[up]) for up in (1, 2)))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    dataset = write_cifar10(pytester.path / "cifar10")(pytester.path / "cifar10")
    pytester.makepyfile(project=PROJECT, test_dataset=block("suite"))
    pytester.makeconftest(block("conftest"))
    result = pytester.runpytest_subprocess("-n", "2", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=8)
    whole = dataset_statistics(dataset)
    result.stdout.fnmatch_lines([f"*{line}" for line in str(whole).splitlines()])
    parts = [path.read_text() for path in sorted((pytester.path / "statistics").iterdir())]
    assert len(parts) == 4
    merged = Statistics.merge_all(Statistics.from_dict(json.loads(part)) for part in parts)
    assert merged == whole
    assert merged.std == whole.std


def test_the_arithmetic_of_a_large_set():
    """Images x milliseconds an image, as hours of a core and of many."""
    claim = re.search(
        r"([\d,]+) x ([\d.]+) ms = ([\d,]+) s of one core: (\d+) minutes on one core, (\d+) minutes on 16", DOCUMENT
    )
    pictures, milliseconds, seconds, minutes, spread = (float(number.replace(",", "")) for number in claim.groups())
    assert pictures == 1_281_167
    assert seconds == pytest.approx(pictures * milliseconds / 1000, rel=0.005)
    assert minutes == round(seconds / 60)
    assert spread == round(seconds / 60 / 16)
