"""The command that a failure names: the same session again, as far as its baselines depend on it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from pytest_denorm.plugin.update_command import given_words, update_command


def words(pytester: pytest.Pytester, *arguments: str, mpl: bool = False) -> list[str]:
    """What a session with these arguments repeats, as a shell understands it."""
    return shlex.split(" ".join(given_words(pytester.parseconfig(*arguments), mpl=mpl)))


def test_the_command_is_quoted_for_a_shell() -> None:
    selectors = ["test_a.py::test_p[a b]", "test_b.py::test_q"]
    command = update_command(["-o", "denorm_compare=mpl"], selectors, "all")
    assert command == "pytest -o denorm_compare=mpl 'test_a.py::test_p[a b]' test_b.py::test_q --denorm-update=all"


def test_all_that_a_baseline_depends_on_is_repeated(pytester: pytest.Pytester) -> None:
    repeated = [
        *("--denorm-baseline-dir=a b", "--denorm-baselines=digests", "--denorm-compare=mpl"),
        *("--mpl-baseline-path=theirs", "--mpl-baseline-relative", "--mpl-use-full-test-name"),
        *("--mpl-default-style=ggplot", "--mpl-default-backend=svg"),
        *("-o", "denorm_baselines=digests", "-o", "mpl-default-style=ggplot"),
    ]
    others = ["--denorm-report=a.html", "-x", "-o", "log_level=INFO", "--mpl-results-path=there", "--denorm-seed=3"]
    assert words(pytester, *others, *repeated) == repeated
    assert words(pytester, *repeated, *others, mpl=True) == [*repeated, "--mpl"]
    assert given_words(pytester.parseconfig("--denorm-baseline-dir=a b"), mpl=False) == ("'--denorm-baseline-dir=a b'",)


def test_what_was_not_given_is_not_repeated(pytester: pytest.Pytester) -> None:
    assert words(pytester) == []
    assert words(pytester, "-p", "no:pytest_mpl", "--denorm-compare=never") == ["--denorm-compare=never"]


def test_the_ini_and_the_root_are_repeated_where_the_command_line_chose_them(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("inis", "below", "elsewhere"):
        (pytester.path / name).mkdir()
    ini = pytester.path / "inis/other.ini"
    ini.write_text("[pytest]\n")
    monkeypatch.chdir(pytester.path / "below")
    monkeypatch.setenv("ROOT", str(pytester.path))
    for chosen in (
        ["-c", "../inis/other.ini"],
        ["-c", str(ini), "--rootdir=../elsewhere"],
        ["--rootdir=$ROOT/elsewhere"],
        ["--rootdir=.."],
    ):
        assert words(pytester, *chosen) == chosen


@pytest.mark.parametrize("option", ["-c other.ini", "--rootdir=elsewhere"])
def test_the_ini_chooses_neither(pytester: pytest.Pytester, option: str) -> None:
    """pytest takes no notice of these in addopts."""
    (pytester.path / "elsewhere").mkdir()
    Path("other.ini").write_text("[pytest]\n")
    pytester.makeini(f"[pytest]\naddopts = {option}\n")
    assert words(pytester) == []
