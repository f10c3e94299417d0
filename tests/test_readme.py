"""What README.md says is what the code does."""

from __future__ import annotations

import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_denorm.checks import CHECKS, KINDS
from pytest_denorm.plugin.settings import OPTIONS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def options_table() -> str:
    rows = ["| command line | ini | default | what it does |", "|---|---|---|---|"]
    for option in OPTIONS:
        flag = "" if option.kind == "linelist" else f"`--{option.name.replace('_', '-')}`"
        if option.choices:
            flag = flag[:-1] + "={" + ",".join(option.choices) + "}`"
        default = f"`{option.default}`" if option.default not in ("", (), False) else ""
        rows.append(f"| {flag} | `{option.name}` | {default} | {option.help} |")
    return "\n".join(rows)


def checks_table() -> str:
    rows = ["| check | what it shows |", "|---|---|"]
    rows += [f"| `{name}` | {(check.__doc__ or '').splitlines()[0]} |" for name, check in CHECKS.items()]
    return "\n".join(rows)


def kinds_table() -> str:
    return "\n".join(
        ["| kind | what it means |", "|---|---|", *(f"| `{kind}` | {text} |" for kind, text in KINDS.items())]
    )


def speed_table() -> str:
    """What docs/benchmarks.json holds against a target; the many layouts and sizes in one row."""
    sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
    from timing import Row, markdown

    sys.path.remove(str(ROOT / "tests" / "benchmarks"))  # a module there is named as a library is
    found = json.loads((ROOT / "docs" / "benchmarks.json").read_text(encoding="utf-8"))["rows"]
    rows = [Row(**{name: value for name, value in row.items() if name != "met"}) for row in found]
    forms = [row for row in rows if row.against.startswith("best peer")]
    shown = [row for row in rows if row.limit is not None and row not in forms]
    after = 1 + max(number for number, row in enumerate(shown) if row.what.startswith("`to_uint8"))
    figures = sorted(row.figure for row in forms)
    (limit,) = {row.limit for row in forms}
    verdict = "met" if figures[-1] <= limit else "**missed**"
    what = f"`denormalize`, `to_uint8` in {len(forms)} other dtypes, layouts and sizes"
    span = f"{figures[0]:.2f}x to {figures[-1]:.2f}x"
    line = f"| {what} | the best peer of each | {span} | at most {limit:.2f}x | {verdict} |"
    lines = markdown(shown).splitlines()
    return "\n".join([*lines[: 2 + after], line, *lines[2 + after :]])


TABLES = {"options": options_table, "checks": checks_table, "kinds": kinds_table, "speed": speed_table}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_those_of_the_code(name: str) -> None:
    found = re.search(rf"<!-- {name} -->\n((?:\|.*\n)*)", README)
    assert found is not None
    assert found[1].strip() == TABLES[name]()


def test_the_oldest_versions_are_those_that_are_admitted_and_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    admitted = dict(re.findall(r"^([\w-]+)>=([\d.]+)", "\n".join(project["dependencies"]), re.MULTILINE))
    table = re.search(r"<!-- versions -->\n((?:\|.*\n)*)", README)[1]
    said = dict(re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|", table, re.MULTILINE))
    assert said.pop("Python") == project["requires-python"].removeprefix(">=")
    assert said == admitted
    tested = dict(re.findall(r"^ +([\w-]+)==([\d.]+)$", (ROOT / "tox.ini").read_text(encoding="utf-8"), re.MULTILINE))
    for name, version in admitted.items():
        assert tested[name].startswith(version)


def _files() -> dict[str, str]:
    return dict(re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)```", README, re.DOTALL))


def _missing(text: str) -> set[str]:
    """The libraries that an example imports and this environment lacks."""
    names = re.findall(r"^(?:import|from) (albumentations|transformers|lightning)\b", text, re.MULTILINE)
    return {name for name in names if find_spec(name) is None}


def _project(folder: Path, names: list[str]) -> None:
    files = _files()
    for name in names:
        (folder / name).write_text(files[name], encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")


FIRST = ["test_inverse.py", "test_fixed.py", "test_battery.py", "test_pictures.py"]
RECIPES = [name for name in _files() if name.startswith("test_") and name not in FIRST]


def test_the_examples_do_what_is_said(pytester: pytest.Pytester) -> None:
    _project(pytester.path, FIRST)
    result = pytester.runpytest_subprocess("-q", "--denorm-update=missing", "-p", "no:randomly")
    outcomes = result.parseoutcomes()
    assert outcomes.pop("failed") == 1
    assert outcomes.pop("passed") >= 18
    assert (pytester.path / "baseline_images" / "test_first_batch.png").is_file()
    (shown,) = re.findall(r"<!-- output of: test_inverse.py -->\n```\n(.*?)```", README, re.DOTALL)
    printed = result.stdout.str()
    for line in shown.splitlines():
        assert line in printed


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_pass(name: str, pytester: pytest.Pytester) -> None:
    missing = _missing(_files()[name])
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    _project(pytester.path, ["conftest.py", "test_inverse.py", name])
    outcomes = pytester.runpytest_subprocess("-q", "-p", "no:randomly", name).parseoutcomes()
    assert outcomes.pop("passed") >= 1
    assert not {"failed", "errors", "error"} & set(outcomes)


def test_ci_runs_the_test_command_as_it_is_written() -> None:
    (command,) = re.findall(r"^python3 -m venv .*tox$", README, re.MULTILINE)
    assert command == "python3 -m venv .venv && .venv/bin/pip install tox && .venv/bin/tox"
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


def test_the_workflow_is_the_one_that_is_tested() -> None:
    (name, shown) = re.search(r"<!-- same as: (\S+) -->\n```yaml\n(.*?)```", README, re.DOTALL).groups()
    assert shown == (ROOT / name).read_text(encoding="utf-8")


def test_every_picture_is_there() -> None:
    images = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert images
    for name in images:
        assert (ROOT / name).is_file()


if __name__ == "__main__":  # writes the tables into README.md
    text = README
    for name, table in TABLES.items():
        text = re.sub(rf"(<!-- {name} -->\n)(?:\|.*\n)*", lambda found, table=table: found[1] + table() + "\n", text)
    (ROOT / "README.md").write_text(text, encoding="utf-8")
