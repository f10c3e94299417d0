"""Small projects to scan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_denorm import ScanResult, scan

#: What the examples import, in one place.
IMPORTS = """\
import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import CIFAR10
from torchvision.utils import make_grid, save_image

"""

Scan = Callable[..., ScanResult]


@pytest.fixture
def scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scan:
    """Writes a file, or several by name, and scans their folder."""

    def run(files: str | dict[str, str | bytes], **options: object) -> ScanResult:
        monkeypatch.chdir(tmp_path)
        given = {"code.py": IMPORTS + files} if isinstance(files, str) else files
        for name, text in given.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return scan(".", **options)  # type: ignore[arg-type]

    return run
