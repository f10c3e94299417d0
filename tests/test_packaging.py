"""What is shipped: the wheel, the sdist, the metadata."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


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


def test_the_sdist_holds_what_the_tests_need(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for wanted in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "tox.ini", "tests/conftest.py"):
        assert wanted in names


def test_a_build_can_be_repeated(built: Path, tmp_path: Path) -> None:
    import hatchling.build

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        name = hatchling.build.build_wheel(str(tmp_path))
    assert (tmp_path / name).read_bytes() == (built / name).read_bytes()


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
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    import subprocess

    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    top = {name.partition("/")[0] for name in listed}
    assert {name for name in top if not name.startswith(".")} <= {
        "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "baseline_images", "docs", "pyproject.toml",
        "pytest_denorm", "tests", "tox.ini",
    }  # fmt: skip
    assert sys.version_info >= (3, 10)
