"""What README.md says is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_denorm.settings import OPTIONS
from pytest_denorm.verification import CHECKS, KINDS

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


TABLES = {"options": options_table, "checks": checks_table, "kinds": kinds_table}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_those_of_the_code(name: str) -> None:
    found = re.search(rf"<!-- {name} -->\n((?:\|.*\n)*)", README)
    assert found is not None
    assert found[1].strip() == TABLES[name]()


def _files() -> dict[str, str]:
    return dict(re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)```", README, re.DOTALL))


def test_the_examples_do_what_is_said(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)  # where no baseline is written
    files = _files()
    assert set(files) == {"test_inverse.py", "test_fixed.py", "test_battery.py", "test_pictures.py"}
    for name, text in files.items():
        (pytester.path / name).write_text(text, encoding="utf-8")
    pytester.makeini("[pytest]\npythonpath = .")
    result = pytester.runpytest_subprocess("-q", "--denorm-update=missing", "-p", "no:randomly")
    outcomes = result.parseoutcomes()
    assert outcomes.pop("failed") == 1
    assert outcomes.pop("passed") >= 18
    assert (pytester.path / "baseline_images" / "test_first_batch.png").is_file()
    (shown,) = re.findall(r"<!-- output of: test_inverse.py -->\n```\n(.*?)```", README, re.DOTALL)
    printed = result.stdout.str()
    for line in shown.splitlines():
        assert line in printed


def test_ci_runs_the_test_command_as_it_is_written() -> None:
    (command,) = re.findall(r"^python3 -m venv .*tox$", README, re.MULTILINE)
    assert command == "python3 -m venv .venv && .venv/bin/pip install tox && .venv/bin/tox"
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


def test_every_picture_is_there() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert pictures
    for name in pictures:
        assert (ROOT / name).is_file()


if __name__ == "__main__":  # writes the tables into README.md
    text = README
    for name, table in TABLES.items():
        text = re.sub(rf"(<!-- {name} -->\n)(?:\|.*\n)*", lambda found, table=table: found[1] + table() + "\n", text)
    (ROOT / "README.md").write_text(text, encoding="utf-8")
