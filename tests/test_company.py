"""A project that uses nothing of this plugin runs with it exactly as without it, whatever other plugins it has."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib.style  # noqa: F401  what a session in this process would have to load again each time
import pytest
from _pytest.nodes import Node

from pytest_denorm import plugin

# every kind of outcome, every kind of item, and what is drawn at random
SUITE = '''
import random, unittest, warnings
import numpy as np
import pytest

runs = []

def test_passes():
    assert True

def test_fails():
    assert 1 == 2

def test_draws(record_property):
    record_property("drawn", [random.random(), float(np.random.rand())])

@pytest.mark.parametrize("value", [1, "a/b", "\\x1b", "</script>", 1.5])
def test_parameters(value):
    assert value != 1.5

@pytest.mark.skip(reason="why")
def test_skipped(): ...

@pytest.mark.xfail(strict=True)
def test_expected():
    raise ValueError("mine")

@pytest.mark.xfail(strict=True)
def test_unexpected(): ...

def test_flaky():
    runs.append(1)
    assert len(runs) > 1

def test_warns():
    warnings.warn("mine", stacklevel=1)

@pytest.fixture
def broken():
    yield
    raise RuntimeError("teardown")

def test_teardown(broken): ...

def test_setup(nothing_of_that_name): ...

@pytest.mark.usefixtures("tmp_path")
class TestClass:
    def test_method(self, request):
        assert request.node.name == "test_method"

class TestUnit(unittest.TestCase):
    def test_unit(self):
        for number in range(2):
            with self.subTest(number=number):
                self.assertEqual(number, number)

def doctested():
    """
    >>> 1 + 1
    2
    """
'''
CONFTEST = """
import json, random
import numpy as np
import pytest
random.seed(3)
np.random.seed(3)
seen = {"order": [], "outcomes": [], "properties": {}, "fixtures": []}
def pytest_collection_finish(session):
    seen["order"] = [item.nodeid for item in session.items]
    seen["fixtures"] = [getattr(item, "fixturenames", None) for item in session.items]
def pytest_runtest_logreport(report):
    if not report.nodeid.endswith("_draws") or report.when == "call":
        seen["outcomes"].append([report.nodeid, report.when, report.outcome, str(report.longrepr or "")])
        seen["properties"][report.nodeid] = report.user_properties
def pytest_sessionfinish(session, exitstatus):
    seen["exit"] = int(exitstatus)
    if not hasattr(session.config, "workerinput"):
        with open("seen.json", "w") as file:
            json.dump(seen, file)
"""
MPL = """
import matplotlib.pyplot as plt
import pytest
@pytest.mark.mpl_image_compare
def test_line():
    figure, axes = plt.subplots(figsize=(1, 1))
    axes.plot([1, SLOPE])
    return figure
@pytest.mark.mpl_image_compare(tolerance=200, filename="other.png")
def test_tolerant():
    figure, axes = plt.subplots(figsize=(1, 1))
    axes.plot([1, SLOPE])
    return figure
class TestPlots:
    @pytest.mark.mpl_image_compare(style="default")
    @pytest.mark.parametrize("value", [1, 2])
    def test_p(self, value):
        figure, axes = plt.subplots(figsize=(1, 1))
        axes.bar([1], [value])
        return figure
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\n")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_suite=SUITE)
    return pytester


def seen(suite: pytest.Pytester, *arguments: str) -> dict[str, Any]:
    """What a session did, in all that can be told of it but its duration."""
    result = suite.runpytest("-p", "no:hypothesispytest", "-p", "no:cacheprovider", *arguments)
    text = re.sub(r"denorm\w*, ", "", (suite.path / "seen.json").read_text())  # fixtures that an error lists
    found: dict[str, Any] = json.loads(text)
    # how long it took, which is in the middle of a line of fixed width
    varying = r"\d+\.\d\ds( \(\d+:\d\d:\d\d\))?|={2,}|0x[0-9a-f]+|denorm\w*, "
    plain = [re.sub(varying, "", line) for line in result.outlines]
    found["said"] = [line for line in plain if not line.startswith(("plugins:", "rootdir:", "metadata:"))]
    return found


COMPANY = {
    "alone": (),
    "strict": ("--strict-markers", "-W", "error", "--tb=short"),
    "doctest": ("--doctest-modules", "-v"),
    "first": ("-x", "-q"),
    "html": ("--html=page.html", "--self-contained-html"),
    "rerunfailures": ("--reruns=2",),
    "randomly": ("-p", "randomly", "--randomly-seed=5"),
    "mpl": ("--mpl",),
    "timeout": ("--timeout=60",),
    "xdist": ("-n2", "--dist=loadfile"),
}
NEEDED = {
    **{name: f"pytest_{name}" for name in ("html", "rerunfailures", "randomly", "mpl", "timeout")},
    "xdist": "xdist",
}


@pytest.mark.parametrize("plugin_name", COMPANY)
def test_a_suite_runs_as_it_does_without_the_plugin(suite: pytest.Pytester, plugin_name: str) -> None:
    if plugin_name in NEEDED and find_spec(NEEDED[plugin_name]) is None:
        pytest.skip(f"{NEEDED[plugin_name]} is not installed")
    arguments = (*(() if plugin_name == "randomly" else ("-p", "no:randomly")), *COMPANY[plugin_name])
    without, with_it = seen(suite, "-p", "no:denorm", *arguments), seen(suite, *arguments)
    if plugin_name == "xdist":  # workers answer in any order
        for found in (without, with_it):
            found["outcomes"].sort()
            found["properties"] = dict(sorted(found["properties"].items()))
            found["said"] = sorted(line for line in found["said"] if "[gw" not in line)
    assert with_it == without
    assert len(with_it["outcomes"]) >= (6 if plugin_name == "first" else 40)


@pytest.mark.skipif(find_spec("pytest_mpl") is None, reason="pytest-mpl is not installed")
@pytest.mark.parametrize(
    ("slope", "arguments"),
    [
        (3, ()),
        (3, ("--mpl", "--mpl-generate-summary=json,html", "--mpl-results-path=results")),
    ],
    ids=["not compared", "summary"],
)
def test_image_tests_of_pytest_mpl_alone_are_left_to_it(
    suite: pytest.Pytester, slope: int, arguments: tuple[str, ...]
) -> None:
    baselines: list[dict[str, bytes]] = []
    for plain in (("-p", "no:denorm"), ()):
        suite.makepyfile(test_suite=MPL.replace("SLOPE", "2"))
        seen(suite, *plain, "-p", "no:randomly", "--mpl-generate-path=baseline")
        baselines.append({path.name: path.read_bytes() for path in (suite.path / "baseline").iterdir()})
    assert baselines[0] == baselines[1]
    assert len(baselines[0]) == 4
    suite.makepyfile(test_suite=MPL.replace("SLOPE", str(slope)))
    without, with_it = (seen(suite, *plain, "-p", "no:randomly", *arguments) for plain in (("-p", "no:denorm"), ()))
    for found in (without, with_it):  # a temporary folder of pytest-mpl's
        found["said"] = [re.sub(r"/tmp\S*", "", line) for line in found["said"]]
        found["outcomes"] = [[re.sub(r"/tmp\S*", "", part) for part in outcome] for outcome in found["outcomes"]]
    assert with_it == without
    assert not (suite.path / "baseline_images").exists()


def test_no_test_costs_a_walk_up_its_tree(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain tests are asked for their marks once for each of their modules."""
    tests = "".join(f"def test_{index}(): ...\n" for index in range(100))
    pytester.makepyfile(test_one=tests, test_two=tests)
    items, _ = pytester.inline_genitems("-p", "no:randomly")
    asked: list[str] = []
    original = Node.get_closest_marker

    def counted(node: Node, name: str, default: Any = None) -> Any:
        asked.append(f"{node.name} {name}")
        return original(node, name, default)

    monkeypatch.setattr(Node, "get_closest_marker", counted)
    plugin.pytest_collection_modifyitems(items[0].config, items)
    assert len(items) == 200
    assert sorted(asked) == ["test_one.py mpl_image_compare", "test_two.py mpl_image_compare"]


def test_the_plugin_adds_four_fixtures_and_one_group_of_options(pytester: pytest.Pytester) -> None:
    fixtures = pytester.runpytest("--fixtures", "-q", "-p", "no:cacheprovider").stdout.str()
    assert set(re.findall(r"^(denorm\w*)", fixtures, re.MULTILINE)) == {
        *("denorm", "denorm_images", "denorm_pipeline", "denorm_inverse")
    }
    assert not [path for path in Path(pytester.path).iterdir() if path.name.startswith("baseline")]
