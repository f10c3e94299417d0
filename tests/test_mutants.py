"""The script that tests the tests, on a package of one module."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from mutations import find_mutants

SCRIPT = Path(__file__).with_name("mutants.py")

MODULE = """\
LIMIT = 9


def clamped(x, low=0):
    if x < low:
        return low
    while x > LIMIT:
        x -= 1
    return x
"""

TESTS = """\
from toy.maths import clamped


def test_low():
    assert clamped(-3) == 0


def test_middle():
    assert [clamped(x) for x in range(5)] == [0, 1, 2, 3, 4]
"""

HIGH = """

def test_high():
    assert clamped(11) == 9
"""

EQUIVALENT = "toy/maths.py::clamped: if x < low: => if (x <= low):"


def changes(source: str) -> list[str]:
    return [mutant.new for mutant in find_mutants("m.py", textwrap.dedent(source))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = b < c", ["a = (b <= c)", "a = (b >= c)"]),
        ("a = b is None", ["a = (b is not None)"]),
        ("a = b - c * d", ["a = (b + c * d)", "a = b - (c / d)"]),
        ("a = b and c", ["a = c", "a = b"]),
        ("a = not b", ["a = b"]),
        ("a = -b", ["a = b"]),
        ("a = 2", ["a = 3", "a = 1"]),
        ("a = 0.5", ["a = 1.5"]),
        ("a = True", ["a = False"]),
        ("a = 'word'", ["a = 'XXwordXX'"]),
        ("a = ''", ["a = 'XX'"]),
        ("a = 'some words'", []),
        ("a = max(b, c)", ["a = min(b, c)", "a = max(b)"]),
        ("a = f(b, c)", ["a = f(c, b)", "a = f(b)"]),
        ("a = f(b, key=c)", ["a = f(b)"]),
        ("a = b[c:d]", ["a = b[:d]", "a = b[c:]"]),
        ("a.b = c", ["pass"]),
        ("a += b", ["a -= b", "pass"]),
        ("f()", ["pass"]),
        ("a = b if c else d", ["a = b if True else d", "a = b if False else d"]),
        ("a = [b for b in c if d]", ["a = [b for b in c if True]"]),
        ("if a < b:\n    pass", ["if True:", "if False:", "if (a <= b):"]),
        ("if a and b:\n    pass", ["if False:", "if b:", "if a:"]),
        ("while a:\n    break", ["while False:", "continue"]),
        ("raise ValueError(a)", ["raise Exception(a)"]),
        ("try:\n    pass\nexcept (A, B):\n    raise", ["except (B,):", "except (A,):", "pass"]),
        ("with a:\n    pass", ["with __import__('contextlib').nullcontext():"]),
        ("def f(a=1):\n    return a", ["def f(a=2):", "def f(a=0):", "return None"]),
        ("a = f'{b + c} text'", ["a = f'{b - c} text'"]),
        ("a = zip(b, c, strict=True)", []),
        ('"""Doc."""\n__all__ = ["a"]\nimport a\na: int\nif TYPE_CHECKING:\n    a = 1', []),
    ],
)
def test_changes(source: str, expected: list[str]) -> None:
    assert changes(source) == expected


def test_a_mutant_is_known_by_its_function_and_lines_wherever_they_are() -> None:
    source = 'class A:\n    def f(self, é):\n        return "é", é < 1\n'
    mutants = {mutant.id: mutant for mutant in find_mutants("a/b.py", source)}
    moved = {mutant.id for mutant in find_mutants("a/b.py", "\n\n" + source)}
    name = 'a/b.py::A.f: return "é", é < 1 => return "é", (é <= 1)'
    assert mutants.keys() == moved
    assert mutants[name].text == source.replace("é < 1", "(é <= 1)")
    assert (mutants[name].line, mutants[name].in_body) == (3, True)


def test_equal_changes_are_counted() -> None:
    names = [mutant.id for mutant in find_mutants("m.py", "def f():\n    g()\n    g()\n")]
    assert names == ["m.py::f: g() => pass", "m.py::f: g() => pass (2)"]


class TestScript:
    @pytest.fixture
    def project(self, tmp_path: Path) -> Path:
        pytest.importorskip("coverage")
        (tmp_path / "toy").mkdir()
        (tmp_path / "tests").mkdir()
        (tmp_path / "toy" / "__init__.py").touch()
        (tmp_path / "toy" / "maths.py").write_text(MODULE)
        (tmp_path / "tests" / "test_maths.py").write_text(TESTS)
        (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
        return tmp_path

    def run(self, project: Path, *options: str) -> subprocess.CompletedProcess[str]:
        names = {"--project": "", "--equivalents": "mutants.toml", "--recorded": "mutants.json"}
        files = [part for option, name in names.items() for part in (option, str(project / name))]
        return subprocess.run(
            [sys.executable, str(SCRIPT), "toy/maths.py", *files, *options],
            cwd=project,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    def list_equivalent(self, project: Path, name: str) -> None:
        (project / "mutants.toml").write_text(f"[[equivalent]]\nreason = 'low is low'\nmutants = ['{name}']\n")

    def test_survivors_fail_until_they_are_killed_or_listed(self, project: Path) -> None:
        first = self.run(project)
        assert first.returncode == 1, first.stderr
        assert f"survived: toy/maths.py:5 in clamped\n-    if x < low:\n+    if (x <= low):\n    {EQUIVALENT}" in (
            first.stdout
        )
        assert "toy/maths.py::: LIMIT = 9 => LIMIT = 10" in first.stdout

        (project / "tests" / "test_maths.py").write_text(TESTS + HIGH)
        self.list_equivalent(project, EQUIVALENT)
        second = self.run(project, "--workers", "2", "--patience", "1")
        assert "survived: toy/maths.py:8 in clamped\n-    x -= 1\n+    x -= 2" in second.stdout  # both meet at 9
        assert second.stdout.count("survived") == 1
        assert second.stdout.splitlines()[-1].split() == ["all", "15", "13", "1", "92.9%"]
        assert (project / "toy" / "maths.py").read_text() == MODULE

    def test_one_that_hangs_a_test_is_killed(self, project: Path) -> None:
        (project / "tests" / "test_maths.py").write_text(TESTS + HIGH)
        result = self.run(project, "--patience", "1", "--only", "x -= 1 => pass")
        assert result.returncode == 0, result.stdout + result.stderr
        assert '"by": "the limit of time"' in (project / ".mutants" / "results.jsonl").read_text()

    def test_a_listed_mutant_that_does_not_exist_is_an_error(self, project: Path) -> None:
        self.list_equivalent(project, "toy/maths.py::clamped: if x == low: => if True:")
        result = self.run(project)
        assert result.returncode == 2
        assert "lists mutants that do not exist:\ntoy/maths.py::clamped: if x == low: => if True:" in result.stderr

    def test_tests_that_fail_by_themselves_are_an_error(self, project: Path) -> None:
        (project / "tests" / "test_maths.py").write_text(TESTS + "    assert False\n")
        result = self.run(project)
        assert result.returncode == 2
        assert "the tests fail without a mutant: tests/test_maths.py::test_middle" in result.stderr

    def test_what_was_found_out_is_not_tried_again(self, project: Path) -> None:
        self.run(project, "--only", "LIMIT = 10")
        file = project / ".mutants" / "results.jsonl"
        (record,) = map(json.loads, file.read_text().splitlines())
        assert (record["id"], record["killed"]) == ("toy/maths.py::: LIMIT = 9 => LIMIT = 10", False)
        self.run(project, "--only", "LIMIT = 10")
        assert len(file.read_text().splitlines()) == 1
        with (project / "tests" / "test_maths.py").open("a") as tests:
            tests.write(HIGH)
        assert self.run(project, "--only", "LIMIT = 10").returncode == 0
        assert len(file.read_text().splitlines()) == 2

    def test_what_is_recorded_is_known_elsewhere_until_the_function_changes(self, project: Path) -> None:
        (project / "toy" / "maths.py").write_text(MODULE + "\n\ndef half(x):\n    return x // 2\n")
        tests = TESTS.replace("clamped\n\n", "clamped, half\n\n", 1) + "\n\ndef test_half():\n    assert half(8) == 4\n"
        (project / "tests" / "test_maths.py").write_text(tests)
        assert self.run(project, "--record").returncode == 1
        recorded = json.loads((project / "mutants.json").read_text())
        assert list(recorded) == ["toy/maths.py::", "toy/maths.py::clamped", "toy/maths.py::half"]
        assert EQUIVALENT in recorded["toy/maths.py::clamped"]["open"]
        survivor = "toy/maths.py::half: return x // 2 => return (x / 2)"
        assert recorded["toy/maths.py::half"]["open"] == [survivor]
        file = project / ".mutants" / "results.jsonl"

        def tried() -> list[str]:
            file.unlink()
            self.run(project, "--only", "::half:")
            return [json.loads(line)["id"] for line in file.read_text().splitlines()]

        assert tried() == [survivor]
        text = (project / "toy" / "maths.py").read_text()
        (project / "toy" / "maths.py").write_text(text.replace("return x // 2", "return x // 2 + 0"))
        assert len(tried()) > 3

    def test_a_budget_bounds_the_tests_of_a_mutant(self, project: Path) -> None:
        slow = "\n\ndef test_slow():\n    import time\n\n    time.sleep(0.3)\n    assert clamped(11) == 9\n"
        (project / "tests" / "test_maths.py").write_text(TESTS + slow)
        assert self.run(project, "--only", "LIMIT = 10", "--budget", "0.1").returncode == 1
        assert self.run(project, "--only", "LIMIT = 10").returncode == 0


@pytest.mark.sweep
def test_every_mutant_that_is_listed_exists() -> None:
    """A change of the code takes its mutants out of the list."""
    pytest.importorskip("coverage", reason="needs coverage")
    from mutants import read_equivalents

    listed = read_equivalents(SCRIPT.with_suffix(".toml"))
    modules = {name.partition("::")[0] for name in listed}
    root = SCRIPT.parents[1]
    made = {one.id for module in modules for one in find_mutants(module, (root / module).read_text(encoding="utf-8"))}
    assert sorted(listed.keys() - made) == []
