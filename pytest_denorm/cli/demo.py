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
"""The data of a small project: photographs, a torchvision pipeline, and two ways to undo its Normalize."""

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
        self.pictures = [whole.crop((x, y, x + 256, y + 256)) for x, y in corners]

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        image = self.pictures[index]
        return image if self.transform is None else self.transform(image)


def our_inverse(tensor):
    """Undoes Normalize."""
    return tensor * torch.tensor(STD).view(-1, 1, 1) + torch.tensor(MEAN).view(-1, 1, 1)


def wrong_inverse(tensor):
    """The same, with one digit mistyped. The images only look slightly off."""
    return tensor * torch.tensor([0.229, 0.224, 0.255]).view(-1, 1, 1) + torch.tensor(MEAN).view(-1, 1, 1)
'''

_TESTS = '''\
"""What a project adds to its test suite."""

from pytest_denorm import image_compare, parametrize_with_checks
from pipeline import Photographs, our_inverse, val_transform, wrong_inverse
from torch.utils.data import DataLoader


@parametrize_with_checks({"val": val_transform})
def test_normalize_can_be_undone(denorm_check):
    denorm_check()


def test_our_inverse(denorm):
    denorm.assert_round_trip(val_transform, inverse=our_inverse)


@image_compare
def test_first_batch(denorm):
    return denorm.grid(DataLoader(Photographs(val_transform), batch_size=6), nrow=3)


def test_wrong_inverse(denorm):
    denorm.assert_round_trip(val_transform, inverse=wrong_inverse)
'''

_INI = """\
[pytest]
pythonpath = .
"""

_FILES = {"pipeline.py": _PIPELINE, "test_pipeline.py": _TESTS, "pytest.ini": _INI}
_IMAGE = "look.png"


def add(commands: Any) -> None:
    demo = add_command(
        commands, "demo", _run, "write a small project, and run pytest with the plugin in it",
        "It shows a pipeline that is verified, a wrong inverse that is explained, and leaves an image.",
        "pytest-denorm demo --folder try-it",
    )  # fmt: skip
    demo.add_argument("--folder", type=Path, default=Path("denorm-demo"), help="where (default: denorm-demo)")


def _run(chosen: argparse.Namespace) -> int:
    return run(chosen.folder)


def run(folder: Path) -> int:
    """Writes the project into `folder`, runs its tests, and leaves an image to look at.

    Returns:
        0 if the right tests pass and the wrong inverse is caught, else 1.

    Raises:
        SettingsError: `folder` holds files of these names that differ: nothing is overwritten.
    """
    _write(folder)
    print(f"A small project is in {folder}: {', '.join(_FILES)}\n", flush=True)
    print("1. Its pipeline is verified, and a first image baseline is made:", flush=True)
    verified = _pytest(folder, "-k", "not wrong", "--denorm-update=missing")
    print("\n2. Again, now held against the baseline:", flush=True)
    compared = _pytest(folder, "-k", "not wrong")
    print("\n3. An inverse with 0.255 typed for 0.225. Its test fails, and says why:", flush=True)
    caught = _pytest(folder, "-k", "wrong")
    _draw(folder)
    print(f"\n4. Look at {folder / _IMAGE}: original, as the network sees it, inverse-normalized.")
    as_expected = (verified, compared, caught) == (0, 0, 1)
    if not as_expected:
        print(f"\nThis is not what was expected: exit codes {verified}, {compared}, {caught} for 0, 0, 1.")
    return 0 if as_expected else 1


def _write(folder: Path) -> None:
    for name, text in _FILES.items():
        file = folder / name
        if file.exists() and file.read_text(encoding="utf-8") != text:
            raise SettingsError(f"{file} is there already, and is not the demo's: give another --folder, or remove it.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _FILES.items():
        (folder / name).write_text(text, encoding="utf-8")


def _pytest(folder: Path, *arguments: str) -> int:
    """pytest with this plugin, in `folder`, as a user would run it."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    print(f"   $ cd {shlex.quote(str(folder))} && pytest {shlex.join(arguments)}", flush=True)
    # baselines are asked for here, also where a CI would refuse them
    environment = {
        name: value for name, value in os.environ.items() if name not in CI_VARIABLES and not name.startswith("PYTEST_")
    }
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def _draw(folder: Path) -> None:
    """The project's photographs, what its pipeline makes of them, and that undone."""
    import torch

    from ..images.three_rows import three_rows
    from ..pipelines import find_normalize

    project = runpy.run_path(str(folder / "pipeline.py"))
    transform = project["val_transform"]
    pictures = project["Photographs"]().pictures
    batch = torch.stack([transform(image) for image in pictures])
    size = batch.shape[-1], batch.shape[-2]
    image = three_rows([one.resize(size) for one in pictures], batch, find_normalize(transform))
    image.save(folder / _IMAGE, format="PNG")
