"""``python -m pytest_denorm demo``: a small project that a newcomer can run, read and break."""

from __future__ import annotations

import argparse
import os
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from ..images.options import CI_VARIABLES
from .commands import add_command

__all__ = ["add", "run"]

_PIPELINE = '''\
"""The data of a small project: photographs, a torchvision pipeline, and what undoes its Normalize."""

import torch
from matplotlib.cbook import get_sample_data
from PIL import Image
from torchvision import transforms

MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]

val_transform = transforms.Compose(
    [transforms.Resize(128), transforms.CenterCrop(128), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
)


class Photographs(torch.utils.data.Dataset):
    """Six crops of a photograph that comes with matplotlib."""

    def __init__(self, transform=None):
        self.transform = transform
        with get_sample_data("grace_hopper.jpg") as file, Image.open(file) as photograph:
            whole = photograph.convert("RGB")
        corners = [(0, 0), (128, 0), (256, 0), (0, 200), (128, 200), (256, 200)]
        self.images = [whole.crop((x, y, x + 256, y + 256)) for x, y in corners]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        return image if self.transform is None else self.transform(image)


def undo(tensor):
    """Back to 0..1, to look at."""
    std = torch.tensor([0.229, 0.224, 0.255]).view(-1, 1, 1)
    return tensor * std + torch.tensor(MEAN).view(-1, 1, 1)
'''
#: The mistake, and what it has to be.
_SLIP, _RIGHT = "0.224, 0.255]", "0.224, 0.225]"

_TESTS = '''\
"""What a project adds to its test suite."""

from pytest_denorm import image_compare
from pipeline import Photographs, undo, val_transform
from torch.utils.data import DataLoader


def test_undo(denorm):
    denorm.assert_round_trip(val_transform, inverse=undo)


@image_compare
def test_first_batch(denorm):
    return denorm.grid(DataLoader(Photographs(val_transform), batch_size=6), nrow=3)
'''

_INI = """\
[pytest]
pythonpath = .
"""

_FILES = {"pipeline.py": _PIPELINE, "test_pipeline.py": _TESTS, "pytest.ini": _INI}
_IMAGE = "look.png"


def add(commands: Any) -> None:
    demo = add_command(
        commands, "demo", _run, "write a small project with a mistake in it, and find it",
        "A scan finds the mistake, a test fails and says what is wrong, an image shows it; then it is mended.",
        "pytest-denorm demo --folder try-it",
    )  # fmt: skip
    demo.add_argument("--folder", type=Path, default=Path("denorm-demo"), help="where (default: denorm-demo)")


def _run(chosen: argparse.Namespace) -> int:
    return run(chosen.folder)


def run(folder: Path) -> int:
    """Write the project into `folder`, find its mistake twice, mend it, and leave images to look at.

    Returns:
        0 if the mistake is found, and nothing once it is mended; else 1.

    Raises:
        SettingsError: `folder` holds files of these names that differ: nothing is overwritten.
    """
    _write(folder)
    print(f"A small project is in {folder}: {', '.join(_FILES)}. One digit in it is wrong.\n", flush=True)
    print("1. A scan reads its source, and runs nothing of it:", flush=True)
    scanned = _run_in(folder, "pytest_denorm", "scan", "pipeline.py")
    print("\n2. Its test sends images through the pipeline and back, and fails:", flush=True)
    failed = _run_in(folder, "pytest", "-k", "undo", "--denorm-pictures", "--denorm-results=results")
    shown = sorted((folder / "results").glob("*.png"))
    for image in shown:
        print(f"   Look at {image}: the image, what came back, and the difference.", flush=True)
    pipeline = folder / "pipeline.py"
    pipeline.write_text(_PIPELINE.replace(_SLIP, _RIGHT), encoding="utf-8")
    print(f"\n3. The digit is mended in {pipeline}. The test passes, and a grid is stored as a baseline:", flush=True)
    mended = _run_in(folder, "pytest", "--denorm-update=missing")
    _draw(folder)
    print(f"\n4. Look at {folder / _IMAGE}: originals, what the network sees, and the same undone.")
    if (scanned, failed, mended) == (1, 1, 0) and shown:
        return 0
    print(f"\nThis is not what was expected: exit codes {scanned}, {failed}, {mended} for 1, 1, 0.")
    return 1


def _write(folder: Path) -> None:
    for name, text in _FILES.items():
        file = folder / name
        if file.exists() and file.read_text(encoding="utf-8") not in (text, text.replace(_SLIP, _RIGHT)):
            raise SettingsError(f"{file} is there already, and is not the demo's: give another --folder, or remove it.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _FILES.items():
        (folder / name).write_text(text, encoding="utf-8")


def _run_in(folder: Path, program: str, *arguments: str) -> int:
    """Run a program in `folder` as a user would, and return its exit code."""
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly"] if program == "pytest" else []
    shown = shlex.join([program.replace("_", "-"), *arguments])
    print(f"   $ cd {shlex.quote(str(folder))} && {shown}", flush=True)
    # baselines are asked for here, also where a CI would refuse them
    environment = {
        name: value for name, value in os.environ.items() if name not in CI_VARIABLES and not name.startswith("PYTEST_")
    }
    command = [sys.executable, "-m", program, *options, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def _draw(folder: Path) -> None:
    """Draw the project's photographs, what its pipeline makes of them, and that undone."""
    import torch

    from ..images.three_rows import three_rows
    from ..pipelines import find_normalize

    project = runpy.run_path(str(folder / "pipeline.py"))
    transform = project["val_transform"]
    images = project["Photographs"]().images
    batch = torch.stack([transform(image) for image in images])
    size = batch.shape[-1], batch.shape[-2]
    image = three_rows([one.resize(size) for one in images], batch, find_normalize(transform))
    image.save(folder / _IMAGE, format="PNG")
