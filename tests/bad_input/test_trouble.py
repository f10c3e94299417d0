"""Trouble on the way: a full disk, a folder that cannot be written, a baseline that changes, an interruption."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_bad_sessions import run
from unchanged import files_in, unchanged

from pytest_denorm import dataset_statistics, sweep
from pytest_denorm.cli.main import main
from pytest_denorm.core.files import write_whole
from pytest_denorm.core.json_files import write_json
from pytest_denorm.errors import BaselineError, DatasetError
from pytest_denorm.images.digests import Digest, write_digests

HEAD = "import numpy as np, torch\nfrom pytest_denorm import grid, image_compare\n"
TWO = (
    HEAD
    + "from pathlib import Path\nlevel = int(Path(__file__).with_name('level.txt').read_text())\n"
    + "".join(
        f"@image_compare\ndef test_{name}():\n    return grid(torch.full((2, 3, 4, 4), level, dtype=torch.uint8))\n"
        for name in "ab"
    )
)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Two image tests with baselines; the images are of the level in level.txt."""
    pytester.makeini("[pytest]\n")
    (pytester.path / "test_two.py").write_text(TWO)
    (pytester.path / "level.txt").write_text("10")
    run(pytester, "--denorm-update=missing").assert_outcomes(passed=2)
    return pytester


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """Files can hold 20 bytes and no more: the operating system takes the first ones, and then refuses."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


needs_limits = pytest.mark.skipif(sys.platform == "win32", reason="files have no limits there")


@needs_limits
@pytest.mark.parametrize(
    ("write", "kind"),
    [
        (lambda folder: write_whole(folder / "a.png", b"new" * 100_000), BaselineError),
        (lambda folder: write_whole(folder / "new.png", b"new" * 100_000), BaselineError),
        (lambda folder: write_digests(folder, {"a.png": Digest("0" * 64)}), BaselineError),
        (lambda folder: write_json(folder / "a.json", {"new": list(range(100_000))}), DatasetError),
    ],
    ids=["a baseline", "a new baseline", "digests", "json"],
)
def test_a_full_disk_leaves_the_old_file(write: Callable[[Path], None], kind: type[Exception], tmp_path: Path) -> None:
    for name in ("a.png", "a.json", "digests.json"):
        (tmp_path / name).write_text(f'{{"old.png": "{"1" * 64}"}}')
    with unchanged(tmp_path), pytest.raises(kind, match="cannot be written: File too large"), full_disk():
        write(tmp_path)


@needs_limits
@pytest.mark.parametrize("stored", ["images", "digests"])
def test_an_update_on_a_full_disk_leaves_the_old_baselines(stored: str, project: pytest.Pytester) -> None:
    run(project, "--denorm-update=all", f"--denorm-baselines={stored}").assert_outcomes(passed=2)
    (project.path / "level.txt").write_text("99")
    (project.path / "conftest.py").write_text(
        "import pytest\nfrom test_trouble import full_disk\n"
        "def full(*arguments):\n    with full_disk():\n        return (yield)\n"
        "pytest_runtest_call = pytest.hookimpl(wrapper=True, tryfirst=True)(lambda item: (yield from full()))\n"
        "pytest_sessionfinish = pytest.hookimpl(wrapper=True, tryfirst=True)(lambda session: (yield from full()))\n"
    )
    with unchanged(project.path):
        result = run(project, "--denorm-update=all", f"--denorm-baselines={stored}")
    assert result.ret != 0
    assert "INTERNALERROR" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*cannot be written: File too large*"])


def test_a_folder_that_cannot_be_written(project: pytest.Pytester) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    (project.path / "level.txt").write_text("99")
    (project.path / "baseline_images").chmod(0o555)
    try:
        with unchanged(project.path):
            result = run(project, "--denorm-update=all")
    finally:
        (project.path / "baseline_images").chmod(0o755)
    result.stdout.fnmatch_lines(["*cannot be written: Permission denied*"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is an empty file"),
        (b"not a picture", "is not a PNG file: it begins with b'not a pi'"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("half", "PNG file of"),
        ("folder", "is a folder"),
    ],
)
def test_a_baseline_that_is_none(content: bytes | str, says: str, project: pytest.Pytester) -> None:
    path = project.path / "baseline_images" / "test_a.png"
    whole = path.read_bytes()
    if content == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    with unchanged(project.path):
        result = run(project)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([f"*test_a.png*{says}*"])


def test_a_baseline_that_is_swapped_during_the_run(project: pytest.Pytester) -> None:
    """An image of another size that comes before the second test is a failure of that test, and no crash."""
    (project.path / "conftest.py").write_text(
        "import pytest\nfrom pathlib import Path\nfrom PIL import Image\n"
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_teardown(item):\n"
        "    Image.new('RGB', (7, 5)).save(Path(item.path).parent / 'baseline_images' / 'test_b.png')\n"
    )
    with unchanged(project.path, but=("baseline_images/test_b.png",)):
        result = run(project)
    result.assert_outcomes(passed=1, failed=1)
    assert "INTERNALERROR" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*baseline 5 x 7, result 6 x 11 (height x width, pixels)"])


def test_names_with_spaces_accents_and_line_breaks(pytester: pytest.Pytester) -> None:
    folder = pytester.path / "a folder\nof größe"
    folder.mkdir()
    pytester.makeini("[pytest]\n")
    (folder / "test_odd name.py").write_text(
        HEAD + "import pytest\n@pytest.mark.parametrize('name', ['a b', 'größe', 'a\\nb', '../up', 'C:x'])\n"
        "@image_compare\ndef test_p(name):\n    return grid(torch.full((1, 3, 4, 4), len(name), dtype=torch.uint8))\n"
    )
    arguments = (f"--denorm-baseline-dir={folder / 'base lines'}", str(folder))
    run(pytester, "--denorm-update=missing", *arguments).assert_outcomes(passed=5)
    written = [name for name in files_in(pytester.path) if name.endswith(".png")]
    assert len(written) == 5
    assert all(name.startswith("a folder\nof größe/base lines/test_p") for name in written)
    with unchanged(pytester.path):
        run(pytester, *arguments).assert_outcomes(passed=5)


def _interrupt(command: list[str], folder: Path, ready: Path, **environment: str) -> tuple[int, str]:
    """Runs `command`, sends SIGINT once `ready` exists, and gives its exit code and output."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
    )
    end = time.monotonic() + 120
    while not ready.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=120)[0]
    return process.returncode, output


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send")
def test_ctrl_c_amid_an_update_leaves_whole_baselines(project: pytest.Pytester) -> None:
    """test_a is updated; while the image of test_b is half-written, somebody presses Ctrl-C."""
    old = {name: (project.path / "baseline_images" / name).read_bytes() for name in ("test_a.png", "test_b.png")}
    (project.path / "level.txt").write_text("99")
    (project.path / "conftest.py").write_text(
        "import os, time\nfrom pathlib import Path\nreplace = os.replace\n"
        "def slow(old, new, **kwargs):\n"
        "    if str(new).endswith('test_b.png'):\n"
        "        Path(__file__).with_name('ready').touch()\n"
        "        time.sleep(60)\n"
        "    replace(old, new, **kwargs)\n"
        "os.replace = slow\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "--denorm-update=all"]
    code, output = _interrupt(command, project.path, project.path / "ready")
    assert code == pytest.ExitCode.INTERRUPTED, output
    folder = project.path / "baseline_images"
    assert sorted(path.name for path in folder.iterdir()) == ["test_a.png", "test_b.png"], output
    assert (folder / "test_b.png").read_bytes() == old["test_b.png"]
    assert (folder / "test_a.png").read_bytes() != old["test_a.png"]
    assert np.asarray(Image.open(folder / "test_a.png")).max() == 99
    (project.path / "conftest.py").unlink()
    (project.path / "ready").unlink()
    run(project, "--denorm-update=failed").assert_outcomes(passed=2)


SLOW = """
import time, torch
from pathlib import Path

class Slow:
    def __len__(self):
        return 1000

    def __getitem__(self, index):
        if index == 20:
            Path("ready").touch()
        if index >= 20:
            time.sleep(0.2)
        return torch.full((3, 4, 4), (index % 256) / 255)

data = Slow()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send")
@pytest.mark.parametrize(
    "arguments",
    [
        ("stats", "slow:data", "--json", "out.json"),
        ("sweep", "imagenet", "--dataset", "slow:data", "--json", "out.json"),
    ],
    ids=["stats", "sweep"],
)
def test_ctrl_c_amid_a_command(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "out.json").write_text('"old"')
    command = [sys.executable, "-B", "-m", "pytest_denorm", *arguments, "--quiet"]
    code, output = _interrupt(command, tmp_path, tmp_path / "ready")
    assert code == 130, output
    assert output.splitlines()[-1] == "pytest-denorm: interrupted"
    assert sorted(files_in(tmp_path)) == ["out.json", "ready", "slow.py"]
    assert (tmp_path / "out.json").read_text() == '"old"'


def test_a_module_that_prints_is_heard_and_json_stays_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from rows_of_sessions import PROJECT

    (tmp_path / "noisy_data.py").write_text(PROJECT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    try:
        assert main(["check", "noisy_data:noisy()", "--json", "--select", "round_trip"]) == 0
    finally:
        sys.modules.pop("noisy_data", None)
    out, err = capsys.readouterr()
    assert json.loads(out)["ok"]
    assert "NOISE" in err


class FullOrGone:
    """A data set whose disk is full of holes."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> torch.Tensor:
        if index == 1:
            raise OSError(errno.EIO, "Input/output error")
        return torch.full((3, 4, 4), 0.5)


def test_pictures_that_cannot_be_read_are_skipped_counted_and_named() -> None:
    with unchanged(Path(__file__).parent):
        found = dataset_statistics(FullOrGone(), on_error="skip")
        swept = sweep("imagenet", FullOrGone(), on_error="skip")
    assert (found.pictures, found.failed, found.failures[0].index) == (2, 1, 1)
    assert "Input/output error" in found.failures[0].error
    assert "Input/output error" in str(swept)
