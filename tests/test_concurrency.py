"""Workers, sessions at once, threads, forks, random order and reruns: the same results, and no torn file."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision import transforms

from pytest_denorm import Normalization, check, denormalize, find_normalize, probe, sweep, to_uint8
from pytest_denorm.images.digests import read_library

NORMALIZATION = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

TESTS = """
import numpy as np, pytest
from pytest_denorm import grid, image_compare, parametrize_with_checks
from mydata import val
names = [f"picture{index}" for index in range(6)]
@pytest.mark.parametrize("name", names)
@image_compare
def test_picture(name):
    photos = np.full((4, 12, 12, 3), 20 * int(name[-1]) + 7, np.uint8)
    if name == "picture3" and SABOTAGE:
        photos[0, 0, 0, 0] += 1
    return grid(photos)
@parametrize_with_checks({"val": val}, select=["finds_normalize", "round_trip", "bytes_exact"])
def test_val(denorm_check):
    denorm_check()
def test_plain():
    assert True
"""
DATA = """
from torchvision import transforms
statistics = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
val = transforms.Compose([transforms.ToTensor(), transforms.Normalize(*statistics)])
bad = transforms.Compose([transforms.Normalize(*statistics, inplace=True)])
"""
# what came of each test, as the process that prints the summary knows it
CONFTEST = """
import json
outcomes = {}
def pytest_runtest_logreport(report):
    outcomes.setdefault(report.nodeid, []).append([report.when, report.outcome])
def pytest_sessionfinish(session):
    if not hasattr(session.config, "workerinput"):
        with open("outcomes.json", "w") as file:
            json.dump(outcomes, file, sort_keys=True)
"""


class Rows(HTMLParser):
    """The headings, outcomes and messages of a review page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data)


class Checkout:
    """A project with image tests, a battery in a test file, and one in the ini."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester, self.path = pytester, pytester.path
        pytester.makeini("[pytest]\ndenorm_pipelines =\n    bad = mydata:bad\n")
        pytester.makeconftest(CONFTEST)
        pytester.makepyfile(mydata=DATA)
        self.write(sabotage=False)

    def write(self, *, sabotage: bool) -> None:
        self.pytester.makepyfile(test_all=TESTS.replace("SABOTAGE", str(sabotage)))

    def run(self, *arguments: str) -> dict[str, Any]:
        """What a session leaves: outcomes, baselines, the page's rows, and what it says of images."""
        (self.path / "report.html").unlink(missing_ok=True)
        result = self.pytester.runpytest(
            *("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--denorm", "--denorm-results=results"),
            *("--denorm-report=report.html", *arguments),
        )
        lines = result.stdout.lines
        start = next(index for index, line in enumerate(lines) if "= image baselines =" in line)
        said = [line for line in lines[start + 1 : start + 12] if not line.startswith(("=", "FAILED"))]
        baselines = self.path / "baseline_images"
        assert not [*self.path.rglob("*.tmp")]
        return {
            "outcomes": json.loads((self.path / "outcomes.json").read_text()),
            "baselines": {path.name: path.read_bytes() for path in sorted(baselines.iterdir())},
            "page": sorted(Rows((self.path / "report.html").read_text(encoding="utf-8")).texts),
            "said": said,
        }


@pytest.fixture
def checkout(pytester: pytest.Pytester) -> Checkout:
    return Checkout(pytester)


def test_workers_find_what_one_process_finds(checkout: Checkout) -> None:
    pytest.importorskip("xdist")
    checkout.run("--denorm-update=missing", "-p", "no:randomly")
    baselines = checkout.path / "baseline_images"
    (baselines / "old.png").write_bytes((baselines / "test_picture_picture0.png").read_bytes())
    checkout.write(sabotage=True)
    arguments = ("-p", "no:randomly", "--denorm-unused=warn", "--mpl")
    spread = checkout.run("-n2", *arguments)
    assert checkout.run("-n0", *arguments) == spread
    failed = {name for name, outcomes in spread["outcomes"].items() if ["call", "failed"] in outcomes}
    assert failed == {"test_all.py::test_picture[picture3]", "tox.ini::bad::input_unchanged"}
    assert [line for line in spread["said"] if line.startswith("1 unused, no collected test compares")]
    assert [line for line in spread["said"] if line.startswith("6 compared (1 different), 0 updated")]


def test_workers_random_order_and_reruns_together(checkout: Checkout) -> None:
    for plugin in ("xdist", "pytest_randomly", "pytest_rerunfailures"):
        pytest.importorskip(plugin)
    checkout.run("--denorm-update=missing")
    checkout.write(sabotage=True)
    plain = checkout.run("-p", "no:randomly")
    mixed = checkout.run("-n2", "-p", "randomly", "-p", "rerunfailures", "--randomly-seed=3", "--reruns=2")
    last = {name: [pair for pair in outcomes if pair[1] != "rerun"] for name, outcomes in mixed["outcomes"].items()}
    assert {name: outcomes[-1] for name, outcomes in last.items()} == {
        name: outcomes[-1] for name, outcomes in plain["outcomes"].items()
    }
    reruns = [name for name, outcomes in mixed["outcomes"].items() if ["call", "rerun"] in outcomes]
    assert sorted(reruns) == ["test_all.py::test_picture[picture3]", "tox.ini::bad::input_unchanged"]
    assert mixed["page"] == plain["page"]
    assert mixed["baselines"] == plain["baselines"]


# Two sessions at once

WRITER = """
import hashlib, sys, time
from pathlib import Path
from pytest_denorm.images.digests import Digest, read_library, write_digests
from pytest_denorm.core.files import write_whole
name, folder, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
(folder / f"{name}.ready").touch()
while len(list(folder.glob("*.ready"))) < 3:
    time.sleep(0.001)
for index in range(rounds):
    write_digests(folder, {f"{name}-{index}.png": Digest(hashlib.sha256(name.encode()).hexdigest())})
    write_whole(folder / "shared.png", name.encode() * 100_000)
    assert len(set((folder / "shared.png").read_bytes().decode())) == 1, "a torn file"
    assert f"{name}-{index}.png" in read_library(folder).entries, "a lost entry"
"""


def at_once(*commands: list[str], cwd: Path) -> None:
    started = [
        subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for command in commands
    ]
    for process in started:
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said


def test_processes_that_write_at_once_lose_no_entry_and_tear_no_file(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", WRITER, name, str(tmp_path), "60"] for name in "abc"]
    at_once(*commands, cwd=tmp_path)
    assert len(read_library(tmp_path).entries) == 3 * 60
    assert {path.name for path in tmp_path.iterdir()} == {
        *("a.ready", "b.ready", "c.ready", "shared.png", "digests.json")
    }


MEETING = """
import pytest, time
from pathlib import Path
@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):  # before the library of digests is written
    Path(f"{session.config.option.keyword[-1]}.ready").touch()
    while len(list(Path().glob("*.ready"))) < 2:
        time.sleep(0.001)
"""


def test_two_sessions_that_update_one_checkout_lose_nothing(checkout: Checkout) -> None:
    """They meet before each writes what it has found, and share the folder of results."""
    checkout.pytester.makeconftest(MEETING)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--denorm-results=results"]
    command += ["--denorm-update=all", "--denorm-baselines=digests", "test_all.py"]
    choices = ("picture0 or picture1 or picture2", "picture2 or picture3 or picture4")
    at_once(*([*command, "-k", choice] for choice in choices), cwd=checkout.path)
    kept = read_library(checkout.path / "baseline_images").entries
    assert sorted(kept) == [f"test_picture_picture{index}.png" for index in range(5)]
    assert not [*checkout.path.rglob("*.tmp")]


def test_a_page_is_written_where_another_session_took_a_picture_away(checkout: Checkout) -> None:
    checkout.run("--denorm-update=missing")
    checkout.pytester.makeconftest(
        CONFTEST
        + "import pytest, shutil\n@pytest.hookimpl(tryfirst=True)\ndef pytest_sessionfinish(session):\n"
        + "    shutil.rmtree('results')\n    json.dump(outcomes, open('outcomes.json', 'w'))\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        found = checkout.run()
    assert "test_all.py::test_picture[picture0]" in found["page"]


# Threads

NORMALIZE = transforms.Normalize(NORMALIZATION.mean, NORMALIZATION.std)
PIPELINE = transforms.Compose([transforms.RandomGrayscale(0.3), transforms.ToTensor(), NORMALIZE])


def pictures() -> torch.Tensor:
    levels = torch.arange(256, dtype=torch.uint8).repeat(3 * 2).view(2, 3, 16, 16)
    return torch.cat([levels, levels.flip(-1)])


def everything(_: int) -> list[Any]:
    normalized = NORMALIZATION.normalize(pictures())
    measured = probe(PIPELINE, draws=4)
    report = check(PIPELINE, select=["round_trip", "declared_matches_measured", "random_state_unchanged"])
    swept = sweep(NORMALIZE, list(pictures()))
    return [
        denormalize(normalized, NORMALIZATION).tolist(),
        to_uint8(normalized, PIPELINE).tolist(),
        find_normalize(PIPELINE),
        (measured.matrix.tolist(), measured.offset.tolist(), measured.random, str(measured)),
        [(result.name, result.status, result.message) for result in report.results],
        swept,
    ]


def shared_states() -> list[Any]:
    kind, *state = np.random.get_state()
    return [
        *(random.getstate(), kind, np.asarray(state[0]).tolist(), state[1:], torch.get_rng_state().tolist()),
        *(list(warnings.filters), torch.get_num_threads(), type(NORMALIZE), np.geterr()),
    ]


@pytest.fixture
def switching() -> Any:
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def with_threads(work: Callable[[int], Any], count: int = 8) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


@pytest.mark.usefixtures("switching")
def test_threads_find_the_same_and_leave_what_they_share() -> None:
    alone, before = everything(0), shared_states()
    for found in with_threads(everything):
        assert found == alone
    assert shared_states() == before
    assert with_threads(lambda _: torch.get_num_threads(), 1) == [before[-3]]


def test_a_child_forked_meanwhile_does_not_wait_for_a_thread_that_it_does_not_have(tmp_path: Path) -> None:
    script = """
import os, sys, threading, warnings
warnings.simplefilter("ignore")  # newer Pythons warn of a fork beside threads
from pytest_denorm.pipelines.randomness import seed_all, preserve_rng_state
inside, done = threading.Event(), threading.Event()
def hold():
    with preserve_rng_state():
        inside.set()
        done.wait()
thread = threading.Thread(target=hold)
thread.start()
inside.wait()
child = os.fork()
if not child:
    with preserve_rng_state():
        seed_all(1)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
done.set()
thread.join()
"""
    told = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert told.stdout == "7\n", told.stderr
