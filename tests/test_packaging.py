"""What is shipped: the wheel, the sdist, the metadata."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

TOP_LEVEL = {
    "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "baseline_images", "docs", "pyproject.toml",
    "pytest_denorm", "tests", "tox.ini",
}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built by the backend that pyproject.toml names."""
    hatchling = pytest.importorskip("hatchling.build", reason="hatchling builds the package")
    folder = tmp_path_factory.mktemp("dist")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        hatchling.build_wheel(str(folder))
        hatchling.build_sdist(str(folder))
    return folder


def test_the_wheel_holds_the_package_alone(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    package = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "pytest_denorm").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {name for name in names if not name.startswith("pytest_denorm-")} == package
    assert "pytest_denorm/py.typed" in names


def test_the_wheel_holds_no_tests_nor_pictures(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist()]
    assert {name.suffix for name in names if name.parts[0] == "pytest_denorm"} == {".py", ".css", ".js", ".typed"}
    assert {name.name for name in names if name.parts[0] != "pytest_denorm"} == {
        "LICENSE", "METADATA", "RECORD", "WHEEL", "entry_points.txt",
    }  # fmt: skip
    assert not {"tests", "baseline_images", "docs"} & {part for name in names for part in name.parts}


def test_the_sdist_holds_what_the_tests_need(built: Path) -> None:
    names = _names_in_sdist(built)
    for wanted in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "tox.ini", "tests/conftest.py"):
        assert wanted in names
    top = {name.partition("/")[0] for name in names}
    assert top <= {*TOP_LEVEL, "PKG-INFO", ".gitignore"}
    assert not [name for name in names if name.endswith(".pyc") or "/_build/" in name]


def test_the_sdist_holds_all_that_is_tracked(built: Path) -> None:
    """But what serves the repository alone."""
    missing = {name for name in _tracked() if name.partition("/")[0] in TOP_LEVEL} - _names_in_sdist(built)
    assert missing == set()


def _names_in_sdist(built: Path) -> set[str]:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_a_build_can_be_repeated(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At another time, from files of another age: the bytes are the same."""
    import hatchling.build

    copy = tmp_path / "copy"
    for name in _names_in_sdist(built) - {"PKG-INFO"}:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
        os.utime(copy / name, (1, 1))
    monkeypatch.chdir(copy)
    again = tmp_path / "again"
    again.mkdir()
    hatchling.build.build_wheel(str(again))
    hatchling.build.build_sdist(str(again))
    digests = [
        {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in folder.iterdir()}
        for folder in (built, again)
    ]
    assert digests[0] == digests[1]
    assert len(digests[0]) == 2


def test_the_version_is_written_in_one_place() -> None:
    import pytest_denorm

    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in project
    assert pytest_denorm.__version__ not in project
    assert re.search(
        rf"^## {re.escape(pytest_denorm.__version__)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )


def test_the_metadata_is_whole() -> None:
    import pytest_denorm

    found = metadata.metadata("pytest-denorm")
    requirements = found.get_all("Requires-Dist") or []
    assert found["Version"] == pytest_denorm.__version__
    assert "Framework :: Pytest" in found.get_all("Classifier")
    required = {line.split(">=")[0].strip() for line in requirements if "extra ==" not in line}
    assert {name.lower() for name in required} == {
        "pytest", "torch", "torchvision", "numpy", "matplotlib", "pytest-mpl", "pillow",
    }  # fmt: skip
    (plugin,) = [one for one in metadata.entry_points(group="pytest11") if one.name == "denorm"]
    assert plugin.value == "pytest_denorm.plugin"


def test_the_top_level_is_tidy() -> None:
    assert {name.partition("/")[0] for name in _tracked() if not name.startswith(".")} <= TOP_LEVEL


def _tracked() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def test_the_hooks_before_a_commit_are_the_lint_rules() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML reads the configuration of pre-commit")
    if not (ROOT / ".pre-commit-config.yaml").exists():
        pytest.skip("not a checkout")
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook for repository in configuration["repos"] for hook in repository["hooks"]]
    lint = (ROOT / "tox.ini").read_text(encoding="utf-8").partition("[testenv:lint]")[2].partition("[testenv")[0]
    commands = re.findall(r"^    (ruff \w+|codespell)", lint, re.MULTILINE)
    assert [" ".join(hook["entry"].split()[:2]) for hook in hooks] == commands
    (tools,) = re.findall(r"^lint = (\[.*\])$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    for hook in hooks:
        (tool,) = (one for one in hook["additional_dependencies"] if one.startswith(hook["entry"].split()[0]))
        assert f'"{tool}"' in tools


DATA = """
import torch
from torchvision import transforms as T

val = T.Compose([T.ToTensor(), T.Normalize([0.5] * 3, [0.25] * 3)])

def undo(y):
    return y * 0.25 + {mean}
"""
TESTS = """
from pytest_denorm import image_compare
from mydata import undo, val

def test_inverse(denorm):
    denorm.assert_round_trip(val, inverse=undo)

@image_compare
def test_grid(denorm, denorm_images):
    return denorm.grid(undo(denorm.find_normalize(val).normalize(denorm_images)).clamp(0, 1))
"""


def test_the_workflow_for_users_keeps_what_differs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML reads the workflow")
    pytest.importorskip("xdist")
    workflow = yaml.safe_load((ROOT / "docs" / "examples" / "github-workflow.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["tests"]
    (line,) = [step["run"] for step in job["steps"] if step.get("run", "").startswith("pytest ")]
    (upload,) = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
    assert upload["if"] == "failure()"
    assert workflow[True] == ["push", "pull_request"]  # YAML 1.1 takes "on" for a truth value
    arguments = shlex.split(line.replace("-n auto", "-n 1"))[1:]

    pytester.makeini("[pytest]\npythonpath = .\ndenorm_pipelines = val = mydata:val")
    pytester.makepyfile(test_pictures=TESTS, mydata=DATA.format(mean=0.5))
    pytester.runpytest_inprocess("--denorm-update=missing", "-p", "no:xdist").assert_outcomes(passed=2)
    pytester.makepyfile(mydata=DATA.format(mean=0.45))
    for name, value in {"CI": "true", **job["env"]}.items():
        monkeypatch.setenv(name, str(value))
    result = pytester.runpytest_subprocess(*arguments)
    assert result.parseoutcomes()["failed"] == 2
    kept = {str(one.relative_to(pytester.path)) for one in (pytester.path / upload["with"]["path"]).rglob("*.png")}
    assert "review/images/test_pictures.py.test_inverse-round-trip.png" in kept
    assert "review/images/test_pictures.py.test_grid-comparison.png" in kept
    assert "test_grid" in (pytester.path / "review" / "index.html").read_text(encoding="utf-8")
