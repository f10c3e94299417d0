"""What README.md says is what the code does."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)```", README, re.DOTALL))
OUTPUTS = dict(re.findall(r"<!-- output of: (.*?) -->\n```\n(.*?)```", README, re.DOTALL))


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """The README's project: the files, and the ini."""
    for name, text in FILES.items():
        file = pytester.path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (ini,) = re.findall(r"```ini\n(\[pytest\]\n.*?)```", README, re.DOTALL)
    (pytester.path / "pytest.ini").write_text(f"{ini}pythonpath = .\n", encoding="utf-8")
    return pytester


def run(project: pytest.Pytester, command: str) -> pytest.RunResult:
    """Run a command of the README in its project."""
    program, *arguments = command.split()
    if program == "pytest":
        return project.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider", *arguments)
    return project.run(sys.executable, "-m", program.replace("-", "_"), *arguments)


@pytest.mark.parametrize("command", OUTPUTS)
def test_outputs_are_what_is_printed(project: pytest.Pytester, command: str) -> None:
    if "serving" in command:
        pytest.importorskip("cv2")
    result = run(project, command)
    assert result.ret == 1
    result.stdout.fnmatch_lines([line.replace("[", "[[]") for line in OUTPUTS[command].splitlines()])


def test_the_battery_finds_the_mistake_with_and_without_a_test_file(project: pytest.Pytester) -> None:
    assert run(project, "pytest --denorm pytest.ini").parseoutcomes()["failed"] > 1
    (project.path / "app" / "viz.py").write_text(FILES["app/viz.py"].replace("0.255", "0.225"), encoding="utf-8")
    outcomes = run(project, "pytest --denorm pytest.ini test_viz.py test_battery.py").parseoutcomes()
    assert outcomes.keys() <= {"passed", "skipped"}
    assert outcomes["passed"] > 36


def test_the_battery_has_as_many_checks_as_is_said() -> None:
    from pytest_denorm.checks import CHECKS

    assert f"The battery asks {len(CHECKS)} questions" in README


def test_the_image_test_stores_its_baseline_and_says_what_changed(project: pytest.Pytester) -> None:
    run(project, "pytest test_grid.py --denorm-update=missing").assert_outcomes(passed=1)
    assert (project.path / "baseline_images" / "test_first_batch.png").is_file()
    turned = FILES["test_grid.py"].replace("normalize(denorm_images)", "normalize(denorm_images.flip(1))")
    (project.path / "test_grid.py").write_text(turned, encoding="utf-8")
    result = run(project, "pytest test_grid.py")
    result.stdout.fnmatch_lines(["*all tiles: channels reversed*"])


def test_ci_runs_the_test_command_as_it_is_written() -> None:
    (command,) = re.findall(r"^python3 -m venv .*tox$", README, re.MULTILINE)
    assert command == "python3 -m venv .venv && .venv/bin/pip install tox && .venv/bin/tox"
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


def test_the_workflow_is_the_one_that_is_tested() -> None:
    (name, shown) = re.search(r"<!-- same as: (\S+) -->\n```yaml\n(.*?)```", README, re.DOTALL).groups()  # type: ignore[union-attr]
    assert shown == (ROOT / name).read_text(encoding="utf-8")


def test_it_is_read_in_five_minutes() -> None:
    assert len(README.partition("## Reference")[0].split()) <= 1400


def test_python_is_the_one_that_is_admitted() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"Python {project['requires-python'].removeprefix('>=')} or newer" in README
