"""How fast whole data sets are measured, beside the two-pass loop that people write.

    OMP_NUM_THREADS=1 python tests/benchmarks/datasets.py [--turns 5] [--output docs/datasets.md]

The loop is the usual one: a DataLoader with batches of 64, the mean in one pass, the std around it in a second; after
ToTensor where the data set gives PIL images, on ``x.float() / 255`` where it gives tensors of bytes.
``dataset_statistics`` gets the same images as bytes (the data set without a transform), or the same floats. Both
sides take turns in one process on one thread; the figure is the median of the turns' ratios. What is counted is the
processor's time, which other work on the machine changes least; with workers it is the time on the clock.
``--output`` puts the table between the marks in that file.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from PIL import Image
from timing import Row, describe_machine, markdown
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision import transforms
from torchvision.datasets import ImageFolder

sys.path.insert(0, str(Path(__file__).parents[1]))

from photographs import crops, write_cifar10

from pytest_denorm import dataset_statistics, preset, sweep

LOOP = "the two-pass loop"
#: A row is called noisy where the middle half of its turns' ratios is wider than this, of the median.
NOISY = 0.2
MARKS = ("<!-- measured -->", "<!-- end of measured -->")


class Pictures(Dataset[Any]):
    """A data set of one's own: bytes in memory, given as PIL images through a transform."""

    def __init__(self, data: np.ndarray[Any, Any], transform: Callable[[Any], Any] | None = None) -> None:
        self.data, self.transform = data, transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image = Image.fromarray(self.data[index])
        return (image if self.transform is None else self.transform(image)), index % 10


class Tensors(Dataset[Any]):
    """A data set of one's own: tensors in memory."""

    def __init__(self, data: torch.Tensor) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.data[index], index % 10


def two_passes(dataset: Any) -> tuple[torch.Tensor, torch.Tensor]:
    loader = DataLoader(dataset, batch_size=64)

    def batches() -> Iterator[torch.Tensor]:
        for x, _ in loader:
            yield x.float() / 255 if x.dtype == torch.uint8 else x

    mean, count = torch.zeros(3), 0
    for x in batches():
        mean += x.mean(dim=(2, 3)).sum(dim=0)
        count += len(x)
    mean /= count
    variance, pixels = torch.zeros(3), 0
    for x in batches():
        variance += ((x - mean.view(1, 3, 1, 1)) ** 2).sum(dim=(0, 2, 3))
        pixels += x.numel() // 3
    return mean, (variance / pixels).sqrt()


def timed(side: Callable[[], Any], clock: Callable[[], float]) -> float:
    start = clock()
    side()
    return clock() - start


def compared(
    what: str,
    base: Callable[[], Any],
    side: Callable[[], Any],
    count: int,
    turns: int,
    *,
    against: str = LOOP,
    least: float | None = None,
    clock: Callable[[], float] = time.process_time,
) -> Row:
    """How many times as fast as `base` `side` is."""
    side()
    times = [(timed(base, clock), timed(side, clock)) for _ in range(turns)]
    ratios = sorted(slow / fast for slow, fast in times)
    low, middle, high = (statistics.quantiles(ratios, n=4)[k] for k in range(3))
    rate = count / statistics.median(fast for _, fast in times)
    note = f"{rate:,.0f} a second" + ("; noisy" if high - low > NOISY * middle else "")
    return Row(what, against, middle, least, at_least=True, unit="x faster", note=note)


def in_memory(turns: int, folder: str) -> Iterator[Callable[[], Row]]:
    cifar10, to_tensor = write_cifar10(folder, train=10_000), transforms.ToTensor()
    transformed, raw = cifar10(folder, transform=to_tensor), cifar10(folder)
    yield lambda: compared(
        "CIFAR10, 10,000 x 3x32x32",
        lambda: two_passes(transformed),
        lambda: dataset_statistics(raw),
        10_000,
        turns,
        least=10,
    )
    for count, size in ((10_000, 32), (500, 224)):
        data = crops(count, size)
        agree(data[:100])
        tensors = torch.from_numpy(data).permute(0, 3, 1, 2).contiguous()
        floats, labels = tensors.float() / 255, torch.zeros(count)
        as_pil, as_floats = Pictures(data, to_tensor), TensorDataset(floats, labels)
        as_bytes, own, own_floats = TensorDataset(tensors, labels), Tensors(tensors), Tensors(floats)
        as_tensors = Pictures(data, transforms.PILToTensor())
        sets: list[tuple[str, Any, Any, float]] = [
            ("uint8, a data set of PIL images", as_pil, Pictures(data), 1),
            ("uint8, its DataLoader after PILToTensor", as_pil, DataLoader(as_tensors, batch_size=64), 1),
            ("uint8, a TensorDataset", as_bytes, as_bytes, 10),
            ("uint8, its DataLoader", as_bytes, DataLoader(as_bytes, batch_size=64), 10),
            ("uint8, a data set of tensors", own, own, 1),
            ("uint8, its DataLoader", own, DataLoader(own, batch_size=64), 1),
            ("float32, a data set of PIL images after ToTensor", as_pil, as_pil, 1),
            ("float32, its DataLoader, batches of 256", as_pil, DataLoader(as_pil, batch_size=256), 1.7),
            ("float32, a TensorDataset", as_floats, as_floats, 1),
            ("float32, its DataLoader", as_floats, DataLoader(as_floats, batch_size=64), 1),
            ("float32, a data set of tensors", own_floats, own_floats, 1),
            ("float32, its DataLoader", own_floats, DataLoader(own_floats, batch_size=64), 1),
        ]
        for name, looped, measured, least in sets:
            yield lambda name=name, looped=looped, measured=measured, least=least, count=count, size=size: compared(
                f"{name}, {count:,} x 3x{size}x{size}",
                lambda: two_passes(looped),
                lambda: dataset_statistics(measured),
                count,
                turns,
                least=least,
            )


def agree(data: np.ndarray[Any, Any]) -> None:
    """Both sides measure the same."""
    found, (mean, std) = dataset_statistics(Pictures(data)), two_passes(Pictures(data, transforms.ToTensor()))
    np.testing.assert_allclose(found.normalization().mean, mean, rtol=1e-4)
    np.testing.assert_allclose(found.normalization().std, std, rtol=1e-4)


def of_files(turns: int, folder: str) -> Iterator[Callable[[], Row]]:
    """Folders of JPEG files; those for workers are so many that it does not count how long these take to start."""
    small, large = Path(folder) / "small", Path(folder) / "large"
    write_jpegs(small, crops(500, 224))
    write_jpegs(large, crops(250, 300), times=16)
    normalization = preset("imagenet")
    chain = transforms.Compose([transforms.ToTensor(), transforms.Normalize(normalization.mean, normalization.std)])
    loop = lambda: two_passes(ImageFolder(small, transforms.ToTensor()))  # noqa: E731
    yield lambda: compared(
        "500 JPEG files of 224 px, no workers", loop, lambda: dataset_statistics(ImageFolder(small)), 500, turns
    )
    yield lambda: compared(
        "`sweep` of 500 JPEG files of 224 px", loop, lambda: sweep(ImageFolder(small, chain)), 500, turns
    )
    for workers in (1, 2):
        yield lambda workers=workers: compared(
            f"4,000 JPEG files of 300 px, {workers} worker{'s' if workers > 1 else ''}",
            lambda: dataset_statistics(ImageFolder(large)),
            lambda: dataset_statistics(ImageFolder(large), workers=workers),
            4000,
            turns,
            against="no workers",
            clock=time.perf_counter,
        )


def write_jpegs(folder: Path, images: np.ndarray[Any, Any], times: int = 1) -> None:
    """An ImageFolder of one class, each file under several names."""
    (folder / "0").mkdir(parents=True)
    for index, pixels in enumerate(images):
        first = folder / "0" / f"{index:04}.jpg"
        Image.fromarray(pixels).save(first, quality=90)
        for copy in range(1, times):
            os.link(first, folder / "0" / f"{index:04}-{copy}.jpg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--output", type=Path, help="put the table between the marks of this file")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print(describe_machine(), flush=True)
    measured: list[Row] = []
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        for part in (in_memory(chosen.turns, first), of_files(chosen.turns, second)):
            for row in part:
                measured.append(row())
                print(markdown(measured[-1:]).splitlines()[-1], flush=True)
    if chosen.output is not None:
        write(chosen.output, measured)


def write(path: Path, measured: list[Row]) -> None:
    before, rest = path.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    busy = f"load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    table = f"{MARKS[0]}\n{describe_machine()}; {busy}.\n\n{markdown(measured)}\n{MARKS[1]}"
    path.write_text(before + table + after, encoding="utf-8")


if __name__ == "__main__":
    main()
