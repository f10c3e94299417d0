"""The zoos: a sample of each in the quick run, all of it with ``-m sweep``."""

from __future__ import annotations

import importlib.util

import pytest
import zoo

from pytest_denorm import Normalization

pytestmark = pytest.mark.filterwarnings("ignore")

#: One pipeline of so many is tried in the quick run.
SAMPLE = {"torchvision": 29, "albumentations": 7, "kornia": 5, "timm": 15, "transformers": 79, "open_clip": 5}
#: What is known to declare other than it does, or to be no Normalize of its input's channels, in the whole zoo.
LIARS = {"EfficientNetImageProcessor", "EfficientNetImageProcessorPil", "Llama4ImageProcessor"}


def library(name, monkeypatch):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def assert_understood(verdicts):
    assert verdicts
    assert [verdict for verdict in verdicts if verdict.kind == "not understood"] == []
    assert all(verdict.reason for verdict in verdicts)


@pytest.mark.parametrize("name", zoo.ZOOS)
def test_sample(name, monkeypatch):
    library(name, monkeypatch)
    verdicts = zoo.sweep(name, every=SAMPLE.get(name, 3))
    assert_understood(verdicts)
    assert any(verdict.kind == "verified" for verdict in verdicts)


@pytest.mark.sweep
@pytest.mark.parametrize("name", zoo.ZOOS)
def test_whole(name, monkeypatch):
    library(name, monkeypatch)
    verdicts = zoo.sweep(name)
    print(zoo.row(name, verdicts))
    assert_understood(verdicts)
    liars = {verdict.name for verdict in verdicts if verdict.reason.startswith("declares other")}
    assert liars <= LIARS


class TestTheSweepItself:
    def test_a_wrong_declaration_is_noticed(self):
        import torchvision

        normalize = torchvision.transforms.Normalize((0.5,) * 3, (0.5,) * 3)
        pipeline = torchvision.transforms.Compose([torchvision.transforms.ToTensor(), normalize, lambda x: 2 * x])
        verdict = zoo.judge("doubled", pipeline)
        assert verdict.kind == "not invertible"
        assert verdict.reason == "declares other than it does (by 1)"

    def test_a_wrong_level_is_noticed(self):
        half = Normalization((0.5,) * 3, (0.5,) * 3)
        assert zoo.wrong_levels(half, None) == 0
        assert zoo.wrong_levels(half, lambda images: half.normalize(images + 0.004)) == 3 * 255
