"""The battery, and a round trip of a large batch against ``torch.testing.assert_close``.

    python tests/benchmarks/bench_battery.py

Seconds are the best of several runs, after imports. Memory is the growth of the process's peak while one call runs.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torchvision import transforms

import pytest_denorm

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NORMALIZE = transforms.Normalize(MEAN, STD)
PIPELINE = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(), NORMALIZE])
INVERSE = transforms.Normalize([-m / s for m, s in zip(MEAN, STD, strict=True)], [1 / s for s in STD])
WRONG = transforms.Normalize([-m / s for m, s in zip(MEAN, STD, strict=True)], [1 / 0.229, 1 / 0.224, 1 / 0.255])


def best(function: Callable[[], Any], runs: int = 7) -> float:
    function()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def batch() -> torch.Tensor:
    return torch.rand(64, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def ours(x: torch.Tensor, inverse: Any = INVERSE) -> None:
    pytest_denorm.assert_round_trip(PIPELINE, inverse=inverse, images=x)


def theirs(x: torch.Tensor, inverse: Any = INVERSE) -> None:
    torch.testing.assert_close(inverse(NORMALIZE(x)), x)


def verdict(function: Callable[..., None], x: torch.Tensor, inverse: Any) -> str:
    try:
        function(x, inverse)
    except AssertionError:
        return "fails"
    return "passes"


def memory(name: str) -> float:
    """MiB, in a process of its own, because a peak never falls."""
    code = (
        "import resource, bench_battery as b\n"
        f"small = b.batch()[:2].clone(); b.{name}(small); x = b.batch()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"b.{name}(x)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)\n"
    )
    folder = str(__import__("pathlib").Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    broken = pytest_denorm.check(PIPELINE, inverse=WRONG)
    print(f"battery, derived inverse: {best(lambda: pytest_denorm.check(PIPELINE)):.3f} s")
    print(f"battery, wrong inverse:   {best(lambda: pytest_denorm.check(PIPELINE, inverse=WRONG)):.3f} s")
    print(f"  {broken.summary()}; diagnosis: {broken.diagnosis.kind if broken.diagnosis else None}")
    print(f"diagnosis alone:          {best(lambda: pytest_denorm.diagnose(NORMALIZE, WRONG)):.3f} s")
    x = batch()
    mine, other = best(lambda: ours(x)), best(lambda: theirs(x))
    print(f"round trip of {tuple(x.shape)}: {mine:.3f} s; torch.testing.assert_close {other:.3f} s: {other / mine:.1f} times")
    print(f"  extra memory: {memory('ours'):.1f} MiB; assert_close {memory('theirs'):.1f} MiB")
    for name, inverse in (("correct", INVERSE), ("wrong", WRONG)):
        print(f"  {name} inverse: {verdict(ours, x, inverse)}; assert_close {verdict(theirs, x, inverse)}")
    print(f"threads: {torch.get_num_threads()}, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
