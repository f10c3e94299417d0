"""Photographs that ship inside installed packages, and small data sets of them in well-known layouts on disk.

matplotlib's is always there; scikit-image's and scikit-learn's are used where those packages are installed.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import pickle
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torchvision.datasets import CIFAR10

# package -> (folder in it, color photographs, grey photographs)
_SHIPPED = {
    "matplotlib": ("mpl-data/sample_data", ["grace_hopper.jpg"], []),
    "skimage": (
        "data",
        ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "hubble_deep_field.jpg"],
        ["camera.png", "coins.png", "moon.png", "grass.png"],
    ),
    "sklearn": ("datasets/images", ["china.jpg", "flower.jpg"], []),
}


def _files(grey: bool) -> dict[str, list[Path]]:
    found = {}
    for package, (folder, color_names, grey_names) in _SHIPPED.items():
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        files = [Path(spec.origin).parent / folder / name for name in (grey_names if grey else color_names)]
        found[package] = [file for file in files if file.exists()]
    return {package: files for package, files in found.items() if files}


def photographs() -> list[Image.Image]:
    """The color photographs, mode RGB, of several sizes from 451 x 300 to 1000 x 872."""
    return [Image.open(file).convert("RGB") for files in _files(grey=False).values() for file in files]


def grey_photographs() -> list[Image.Image]:
    """The grey photographs, mode L; empty where scikit-image is not installed."""
    return [Image.open(file).convert("L") for files in _files(grey=True).values() for file in files]


@functools.lru_cache(maxsize=4)
def _halves(least: int) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], ...]:
    """The pixels of the photographs, at half size where both sides stay at least `least` long."""
    return tuple(np.asarray(each.reduce(2) if min(each.size) >= 2 * least else each) for each in photographs())


def crops(count: int, size: int, *, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Squares cut out of the photographs at half size: uint8, shape (count, size, size, 3), equal for equal seeds."""
    sources = _halves(size)
    draw = random.Random(seed)
    cut = np.empty((count, size, size, 3), np.uint8)
    for index in range(count):
        source = sources[index % len(sources)]
        top, left = (draw.randrange(length - size + 1) for length in source.shape[:2])
        cut[index] = source[top : top + size, left : left + size]
    return cut


def write_imagefolder(folder: Path | str) -> Path:
    """Copies the color photographs to ``folder/<package>/<name>``, as torchvision's ImageFolder wants them."""
    folder = Path(folder)
    for package, files in _files(grey=False).items():
        (folder / package).mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copyfile(file, folder / package / file.name)
    return folder


class SmallCIFAR10(CIFAR10):
    """CIFAR10 on few pictures: the same reader, with the checksums that :func:`write_cifar10` stored beside them."""

    def __init__(self, root: Path | str, *args: Any, **kwargs: Any) -> None:
        sums = json.loads((Path(root) / self.base_folder / "md5.json").read_text())
        self.train_list = [[name, md5] for name, md5 in sums.items() if name.startswith("data_batch")]
        self.test_list = [["test_batch", sums["test_batch"]]]
        self.meta = {**CIFAR10.meta, "md5": sums["batches.meta"]}
        super().__init__(root, *args, **kwargs)


def write_cifar10(folder: Path | str, *, train: int = 100, test: int = 20) -> type[CIFAR10]:
    """Crops of the photographs in CIFAR-10's layout on disk: five training batches, a test batch, the class names.

    Returns:
        a subclass of ``torchvision.datasets.CIFAR10`` that reads them: ``write_cifar10(folder)(folder, train=True)``.
    """
    base = Path(folder) / CIFAR10.base_folder
    base.mkdir(parents=True, exist_ok=True)
    classes = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    parts = {f"data_batch_{k}": _cifar10_batch(len(range(k - 1, train, 5)), k, len(classes)) for k in range(1, 6)}
    parts["test_batch"] = _cifar10_batch(test, 6, len(classes))
    parts["batches.meta"] = {"label_names": classes, "num_vis": 3072}
    sums = {}
    for name, content in parts.items():
        raw = pickle.dumps(content, protocol=2)
        (base / name).write_bytes(raw)
        sums[name] = hashlib.md5(raw).hexdigest()
    (base / "md5.json").write_text(json.dumps(sums))
    return SmallCIFAR10


def _cifar10_batch(count: int, seed: int, classes: int) -> dict[str, Any]:
    rows = crops(count, 32, seed=seed).transpose(0, 3, 1, 2).reshape(count, 3072)
    return {
        "batch_label": f"photographs, seed {seed}",
        "labels": [index % classes for index in range(count)],
        "data": np.ascontiguousarray(rows),
        "filenames": [f"crop_{seed}_{index:05}.png" for index in range(count)],
    }
