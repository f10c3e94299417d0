"""A library that is missing, or that fails when it is imported, is no concern of anybody who does not use it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

LIBRARIES = ["torchvision", "kornia", "albumentations", "transformers", "timm", "monai", "torchio", "diffusers"]


def run(folder, code, *, broken=()):
    """Runs code where these libraries fail at import, as a torchvision does that was built for another torch."""
    for library in broken:
        (folder / f"{library}.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')\n")
    script = f"import sys; sys.path.insert(0, {str(folder)!r})\n" + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


OWN = """
class Normalize:
    def __init__(self, mean, std):
        self.mean, self.std = mean, std

    def __call__(self, picture):
        return (picture.float() / 255 - self.mean) / self.std
"""


def test_everything_else_goes_on_working(tmp_path):
    (tmp_path / "ours.py").write_text(OWN)
    code = """
    import torch
    from ours import Normalize
    from pytest_denorm import Normalization, denormalize, find_normalize, probe, register_adapter
    from pytest_denorm.errors import NormalizeNotFoundError

    register_adapter("ours", lambda obj: Normalization(obj.mean, obj.std) if isinstance(obj, Normalize) else None)
    pipeline = torch.nn.Sequential(torch.nn.Identity()), Normalize(0.5, 0.25)
    assert find_normalize(pipeline) == Normalization(0.5, 0.25)
    assert denormalize(torch.zeros(3, 2, 2), pipeline).unique() == 0.5
    measured = probe(pipeline, draws=2).normalization()
    assert abs(measured.mean[0] - 0.5) < 1e-6, measured
    try:
        find_normalize(torch.nn.Identity())
    except NormalizeNotFoundError as error:
        print(error)
    """
    assert "no Normalize in Identity" in run(tmp_path, code, broken=LIBRARIES)


@pytest.mark.parametrize("broken", LIBRARIES)
def test_no_adapter_imports_its_library(tmp_path, broken):
    """An object that only says that it comes from the library is described without it."""
    code = f"""
    from pytest_denorm import find_normalize
    from pytest_denorm.errors import DenormError
    import sys

    class Normalize:
        __module__ = "{broken}.somewhere"

    try:
        find_normalize([Normalize()])
    except DenormError as error:
        print(type(error).__name__)
    assert "{broken}" not in sys.modules
    """
    assert run(tmp_path, code, broken=[broken]).strip() in ("AdapterError", "NormalizeNotFoundError")


def test_kornia_without_torchvision(tmp_path):
    pytest.importorskip("kornia")
    code = """
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import kornia.enhance
    from pytest_denorm import find_normalize, probe

    pipeline = kornia.enhance.Normalize([0.5, 0.4, 0.3], [0.2, 0.2, 0.2])
    declared = find_normalize(pipeline)
    assert declared.mean == (0.5, 0.4, 0.3), declared
    assert probe(pipeline, draws=2).difference(declared) < 1e-5
    """
    run(tmp_path, code, broken=["torchvision"])


def test_albumentations_without_torchvision(tmp_path):
    pytest.importorskip("albumentations")
    code = """
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import albumentations
    from pytest_denorm import find_normalize, probe

    pipeline = albumentations.Compose([albumentations.Normalize()])
    assert probe(pipeline, draws=2).difference(find_normalize(pipeline)) < 1e-5
    """
    run(tmp_path, code, broken=["torchvision"])
