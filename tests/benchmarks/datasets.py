"""How fast whole data sets are measured and swept, beside the loops that people write.

    OMP_NUM_THREADS=1 python tests/benchmarks/datasets.py [--json FILE] [--repeat N] [--workers 0 1 2]

The two-pass loop is the usual one: a DataLoader of batches of 64 after ToTensor, the mean in one pass, the std around
it in a second. The one-pass loop sums squares in float32 instead. ``dataset_statistics`` measures the same pictures as
bytes (the data set without a transform), and as floats (after ToTensor). One process and one thread each; what is
counted is the processor's time, which other work on the machine does not change; the best of --repeat runs. With
workers, and for files, it is the time on the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

sys.path.insert(0, str(Path(__file__).parents[1]))

from photographs import crops, write_cifar10

from pytest_denorm import dataset_statistics, preset, sweep


class Stored:
    """Bytes in memory, given as PIL pictures, through a transform."""

    def __init__(self, data: np.ndarray[Any, Any], transform: Callable[[Any], Any] | None = None) -> None:
        self.data, self.transform = data, transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        picture = Image.fromarray(self.data[index])
        return (picture if self.transform is None else self.transform(picture)), index % 10


def two_passes(dataset: Any) -> tuple[torch.Tensor, torch.Tensor]:
    loader = DataLoader(dataset, batch_size=64)
    mean, count = torch.zeros(3), 0
    for x, _ in loader:
        mean += x.mean(dim=(2, 3)).sum(dim=0)
        count += len(x)
    mean /= count
    variance, pixels = torch.zeros(3), 0
    for x, _ in loader:
        variance += ((x - mean.view(1, 3, 1, 1)) ** 2).sum(dim=(0, 2, 3))
        pixels += x.numel() // 3
    return mean, (variance / pixels).sqrt()


def one_pass(dataset: Any) -> tuple[torch.Tensor, torch.Tensor]:
    total, squares, pixels = torch.zeros(3), torch.zeros(3), 0
    for x, _ in DataLoader(dataset, batch_size=64):
        total += x.sum(dim=(0, 2, 3))
        squares += (x**2).sum(dim=(0, 2, 3))
        pixels += x.numel() // 3
    mean = total / pixels
    return mean, (squares / pixels - mean**2).sqrt()


def seconds(function: Callable[[], Any], repeat: int, clock: Callable[[], float] = time.process_time) -> float:
    best = float("inf")
    for _ in range(repeat):
        start = clock()
        function()
        best = min(best, clock() - start)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="*", default=[0, 1, 2])
    chosen = parser.parse_args()

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    imagenet = preset("imagenet")
    to_tensor = transforms.ToTensor()
    chain = transforms.Compose([to_tensor, transforms.Normalize(imagenet.mean, imagenet.std)])
    kept = tempfile.TemporaryDirectory()
    cifar10 = write_cifar10(kept.name, train=10_000)
    large = crops(500, 224)
    sets: dict[str, Callable[[Any], Any]] = {
        "CIFAR10, 10,000 pictures of 3 x 32 x 32": lambda transform: cifar10(kept.name, transform=transform),
        "10,000 pictures of 3 x 32 x 32 in a data set of one's own": lambda transform: Stored(
            cifar10(kept.name).data, transform
        ),
        "500 photographs of 3 x 224 x 224 in a data set of one's own": lambda transform: Stored(large, transform),
    }
    figures: dict[str, dict[str, float]] = {}

    def note(group: str, name: str, count: int, elapsed: float, base: float | None = None) -> None:
        figures.setdefault(group, {})[name] = count / elapsed
        times = f"{base / elapsed:6.1f} x" if base else ""
        print(f"  {name:42} {elapsed:8.3f} s {count / elapsed:10,.0f} a second {times}", flush=True)

    for title, make in sets.items():
        print(title)
        floats, raw, count = make(to_tensor), make(None), len(make(None))
        base = seconds(lambda d=floats: two_passes(d), chosen.repeat)
        note(title, "two-pass loop, ToTensor", count, base, base)
        note(title, "one-pass loop, ToTensor", count, seconds(lambda d=floats: one_pass(d), chosen.repeat), base)
        measure = {"dataset_statistics, bytes": raw, "dataset_statistics, ToTensor": floats}
        for name, dataset in measure.items():
            note(title, name, count, seconds(lambda d=dataset: dataset_statistics(d), chosen.repeat), base)
        found, (mean, std) = dataset_statistics(raw).normalization(), two_passes(floats)
        np.testing.assert_allclose(found.mean, mean, rtol=1e-4)
        np.testing.assert_allclose(found.std, std, rtol=1e-4)
        swept = make(chain)
        note(title, "sweep", count, seconds(lambda d=swept: sweep(d), 1))

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "0").mkdir()
        for index, pixels in enumerate(large):
            Image.fromarray(pixels).save(Path(folder) / "0" / f"{index:04}.jpg", quality=90)
        title = "500 JPEG files of 224 x 224"
        print(title)
        base = seconds(lambda: two_passes(ImageFolder(folder, to_tensor)), chosen.repeat, time.perf_counter)
        note(title, "two-pass loop, ToTensor", 500, base, base)
        for workers in chosen.workers:
            measured = lambda w=workers: dataset_statistics(ImageFolder(folder), workers=w)  # noqa: E731
            elapsed = seconds(measured, chosen.repeat, time.perf_counter)
            note(title, f"dataset_statistics, bytes, {workers} workers", 500, elapsed, base)

    kept.cleanup()
    if chosen.json is not None:
        about = {"python": platform.python_version(), "torch": torch.__version__, "cores": os.cpu_count()}
        chosen.json.write_text(json.dumps({"about": about, "pictures_a_second": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
