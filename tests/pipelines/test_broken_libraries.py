"""A library that is missing, or that fails when it is imported, is no concern of anybody who does not use it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from pytest_denorm.errors import SettingsError
from pytest_denorm.pipelines.spec import load

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

    def __call__(self, image):
        return (image.float() / 255 - self.mean) / self.std
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


def test_no_adapter_imports_its_library(tmp_path):
    """An object that only says that it comes from the library is described without it."""
    code = f"""
    from pytest_denorm import find_normalize
    from pytest_denorm.errors import DenormError
    import sys

    for broken in {LIBRARIES}:
        normalize = type("Normalize", (), {{"__module__": broken + ".somewhere"}})()
        try:
            find_normalize([normalize])
        except DenormError as error:
            print(type(error).__name__)
        assert broken not in sys.modules
    """
    told = run(tmp_path, code, broken=LIBRARIES).split()
    assert len(told) == len(LIBRARIES)
    assert set(told) <= {"AdapterError", "NormalizeNotFoundError"}


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
    assert max(abs(one - other) for one, other in zip(declared.mean, (0.5, 0.4, 0.3))) < 1e-7, declared
    assert probe(pipeline, draws=2).difference(declared) < 1e-5
    """
    run(tmp_path, code, broken=["torchvision"])


NMS = "operator torchvision::nms does not exist"


def break_library(folder, name):
    """A package that fails when it is imported."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(f"raise RuntimeError({NMS!r})\n")
    return folder / name / "__init__.py"


class TestPipelinesByName:
    """Which library is broken, how, and what to do."""

    @pytest.mark.parametrize("name", ["timm", "unheard_of"])
    def test_broken(self, tmp_path, monkeypatch, name):
        for module in [one for one in sys.modules if one.partition(".")[0] == name]:
            monkeypatch.delitem(sys.modules, module)
        file = break_library(tmp_path, name)
        (tmp_path / f"uses_{name}.py").write_text(f"from {name}.transforms import Normalize\n")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(SettingsError) as caught:
            load(f"uses_{name}:transform")
        assert str(caught.value) == (
            f"uses_{name}:transform: importing uses_{name} failed: {name} is broken: importing {file} raised "
            f"RuntimeError: {NMS}."
        )
        assert isinstance(caught.value.__cause__, RuntimeError)

    def test_inside_a_function_and_behind_another_library(self, tmp_path, monkeypatch):
        break_library(tmp_path, "brokenlib")
        (tmp_path / "middlelib.py").write_text(
            "try:\n import brokenlib\nexcept RuntimeError as e:\n raise ImportError('no') from e\n"
        )
        (tmp_path / "calls_it.py").write_text("def make():\n    import middlelib\n")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(
            SettingsError, match=r"calling it failed: brokenlib is broken: importing .* raised RuntimeError"
        ):
            load("calls_it:make()")

    def test_missing(self, tmp_path, monkeypatch):
        (tmp_path / "uses_missing.py").write_text("import nolib.transforms\n")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(SettingsError) as caught:
            load("uses_missing:transform")
        assert str(caught.value) == (
            f"uses_missing:transform: importing uses_missing failed: nolib is not installed for {sys.executable}."
        )
        with pytest.raises(SettingsError, match=r"^nolib.data:x: No module named 'nolib'\.$"):
            load("nolib.data:x")

    def test_a_mistake_of_the_users_own_is_no_librarys(self, tmp_path, monkeypatch):
        (tmp_path / "own_mistake.py").write_text("1 / 0\n")
        (tmp_path / "own_name.py").write_text("from json import nothing\n")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(SettingsError, match=r"importing own_mistake raised ZeroDivisionError: division by zero$"):
            load("own_mistake:x")
        with pytest.raises(SettingsError, match="importing own_name raised ImportError: cannot import name 'nothing'"):
            load("own_name:x")

    def test_session(self, pytester):
        """With a broken torchvision, its pipelines are told to be broken, and the others are verified."""
        break_library(pytester.path, "torchvision")
        pytester.makepyfile(
            theirs="from torchvision import transforms\n",
            ours="def transform(image):\n    import numpy\n    return (numpy.asarray(image) / 255 - 0.5) / 0.25\n",
            test_it="""
            def test_pipeline(denorm_pipeline):
                pass

            def test_everything_else(denorm, denorm_images):
                denorm.assert_round_trip("imagenet")
                denorm.grid(denorm_images)
            """,
        )
        pytester.makeini("[pytest]\ndenorm_pipelines =\n    ours = ours:transform\n    theirs = theirs:transform\n")
        result = pytester.runpytest_subprocess(
            "--denorm", "--denorm-pipeline=theirs:transform", "-k", "round_trip or pipeline or else"
        )
        outcomes = result.parseoutcomes()
        assert {kind: outcomes[kind] for kind in ("passed", "failed", "skipped", "errors")} == {
            "passed": 3,
            "failed": 1,
            "skipped": 1,
            "errors": 1,
        }
        told = "theirs:transform: importing theirs failed: torchvision is broken: importing * raised RuntimeError*"
        result.stdout.fnmatch_lines([f"*{told}", f"{told}"])
