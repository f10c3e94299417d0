"""The battery, and a round trip of a large batch beside ``torch.testing.assert_close``.

python tests/benchmarks/bench_battery.py
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from timing import Row, compare, extra_memory, markdown
from torchvision import transforms

import pytest_denorm

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NORMALIZE = transforms.Normalize(MEAN, STD)
PIPELINE = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(), NORMALIZE])
INVERSE = transforms.Normalize([-m / s for m, s in zip(MEAN, STD, strict=True)], [1 / s for s in STD])
WRONG = transforms.Normalize([-m / s for m, s in zip(MEAN, STD, strict=True)], [1 / 0.229, 1 / 0.224, 1 / 0.255])


def ours(x: torch.Tensor, inverse: Any = INVERSE) -> torch.Tensor:
    pytest_denorm.assert_round_trip(PIPELINE, inverse=inverse, images=x)
    return torch.empty(0)


def theirs(x: torch.Tensor, inverse: Any = INVERSE) -> torch.Tensor:
    torch.testing.assert_close(inverse(NORMALIZE(x)), x)
    return torch.empty(0)


def passes(function: Callable[..., Any], x: torch.Tensor, inverse: Any) -> bool:
    try:
        function(x, inverse)
    except AssertionError:
        return False
    return True


def best(function: Callable[[], Any], seconds: float) -> float:
    """Seconds of the fastest run after the first."""
    function()
    found, stop = [], time.perf_counter() + seconds
    while not found or time.perf_counter() < stop:
        start = time.perf_counter()
        function()
        found.append(time.perf_counter() - start)
    return min(found)


def rows(seconds: float) -> Iterator[Row]:
    whole = best(lambda: pytest_denorm.check(PIPELINE, inverse=WRONG), seconds)
    yield Row("whole battery with diagnosis, after imports", "", whole, 0.3, unit="s")
    yield Row("diagnosis alone", "", best(lambda: pytest_denorm.diagnose(NORMALIZE, WRONG), seconds), unit="s")
    x = torch.rand(64, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    against = "torch.testing.assert_close(inverse(forward(x)), x)"
    taken = compare({"ours": lambda: ours(x), "assert_close": lambda: theirs(x)}, seconds=seconds)
    speed = taken["assert_close"] / taken["ours"]
    same = all(passes(ours, x, one) == passes(theirs, x, one) for one in (INVERSE, WRONG))
    note = "same verdict on a right and a wrong inverse" if same else "OTHER VERDICTS"
    yield Row(f"round trip of {tuple(x.shape)}", against, speed, 3.0, at_least=True, note=note, milliseconds=taken)
    yield Row("its extra memory", "", extra_memory(lambda: ours(x)), 8.0, unit="MiB")
    yield Row("extra memory of assert_close", "", extra_memory(lambda: theirs(x)), unit="MiB")


if __name__ == "__main__":
    print(markdown(list(rows(2.0))))
