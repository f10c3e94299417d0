"""``pytest-denorm init``: what it finds, what it writes, and what it leaves alone."""

from __future__ import annotations

import ast
import builtins
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_denorm.checks import CHECKS
from pytest_denorm.cli.candidates import find_candidates
from pytest_denorm.cli.main import main
from pytest_denorm.core.ini import find_ini
from pytest_denorm.errors import SettingsError

DATA = """
import torchvision.transforms as T

normalize = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
val_transform = T.Compose([T.ToTensor(), normalize])
train_transform: T.Compose = T.Compose([T.RandomHorizontalFlip(), T.ToTensor(), normalize])
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A flat project with a package ``shop``, and no ini."""
    (tmp_path / "requirements.txt").write_text("torch")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "data.py").write_text(DATA)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


TEST = '''\
"""Normalize can be undone: checked by pytest-denorm."""

from pytest_denorm import parametrize_with_checks

from shop.data import train_transform, val_transform


# with an inverse of your own: parametrize_with_checks({...}, inverse=undo)
@parametrize_with_checks(
    {
        "val_transform": val_transform,
        "train_transform": train_transform,
    }
)
def test_normalize_can_be_undone(denorm_check):
    denorm_check()
'''
INI = """\
[pytest]
pythonpath =
    .
denorm_pipelines =
    val_transform = shop.data:val_transform
    train_transform = shop.data:train_transform
"""


def test_it_shows_what_it_will_write_and_writes_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files_of(project)
    assert main(["init", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert files_of(project) == before
    assert shown.startswith("--- /dev/null\n+++ b/tests/test_denorm.py\n@@ -0,0 +1,16 @@\n+")
    assert "".join(f"+{line}\n" for line in TEST.splitlines()) in shown
    assert "--- /dev/null\n+++ b/pytest.ini\n" in shown
    assert shown.endswith("\nNothing was written (--dry-run).\n")

    assert main(["init", "--yes"]) == 0
    written = capsys.readouterr().out
    assert written.startswith(shown.removesuffix("\nNothing was written (--dry-run).\n"))
    assert "\nWritten: tests/test_denorm.py, pytest.ini.\nNow run: pytest, or pytest --denorm" in written
    after = files_of(project)
    assert after.pop("tests/test_denorm.py").decode() == TEST
    assert after.pop("pytest.ini").decode() == INI
    assert after == before

    assert main(["init", "--yes"]) == 0
    assert capsys.readouterr().out == "Nothing to do: the test and the lines of the ini are there.\n"
    assert files_of(project) == {**before, "tests/test_denorm.py": TEST.encode(), "pytest.ini": INI.encode()}


LAYOUTS = {
    "flat": ("shop/data.py", {"shop/__init__.py": ""}),
    "src": ("src/shop/data.py", {"src/shop/__init__.py": "", "pyproject.toml": "[project]\nname = 'shop'\n"}),
    "one module": ("data.py", {"setup.cfg": "[metadata]\nname = shop\n\n[tool:pytest]\naddopts = -q\n"}),
    "namespace": ("research/nets/data.py", {"tox.ini": "[tox]\nenv_list = py\n\n[pytest]\naddopts = -q\n[flake8]\n"}),
    "deep": ("lib/shop/data.py", {"lib/shop/__init__.py": "", "pytest.ini": ""}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_it_wrote_passes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, layout: str) -> None:
    module, others = LAYOUTS[layout]
    for name, text in {**others, module: DATA, "requirements.txt": "torch"}.items():
        (pytester.path / name).parent.mkdir(parents=True, exist_ok=True)
        (pytester.path / name).write_text(text)
    assert main(["init", "--yes"]) == 0
    for forgotten in [one for one in sys.modules if one.partition(".")[0] in ("shop", "data", "research")]:
        monkeypatch.delitem(sys.modules, forgotten)
    result = pytester.runpytest("-k", "round_trip and not reverse", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, deselected=2 * len(CHECKS) - 2)
    result = pytester.runpytest("--denorm", "-k", "bytes_exact", "-p", "no:cacheprovider")
    assert result.parseoutcomes()["passed"] == 4


def test_the_written_test_passes_as_a_user_runs_it(pytester: pytest.Pytester) -> None:
    (pytester.path / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    (pytester.path / "shop.py").write_text(DATA)
    assert main(["init", "--yes"]) == 0
    result = pytester.runpytest_subprocess()
    outcomes = result.parseoutcomes()
    assert outcomes.keys() == {"passed", "skipped"}
    assert outcomes["passed"] >= 34


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("Yes ", 0), ("n", 1), ("", 1), (EOFError, 1)])
def test_it_asks(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: object, code: int
) -> None:
    questions = []

    def ask(question: str) -> str:
        questions.append(question)
        if isinstance(answer, str):
            return answer
        raise EOFError

    monkeypatch.setattr(builtins, "input", ask)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert main(["init"]) == code
    assert questions == ["\nWrite this? [y/N] "]
    assert (project / "tests" / "test_denorm.py").exists() == (code == 0)
    assert ("Nothing was written." in capsys.readouterr().out) == (code == 1)


def test_where_nobody_can_be_asked_it_says_how_to_go_on(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert main(["init"]) == 2
    assert "the input is no terminal. Give --yes." in " ".join(capsys.readouterr().err.split())
    assert not (project / "tests").exists()


def test_a_test_of_yours_is_left_as_it_is(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "tests").mkdir()
    (project / "tests" / "test_denorm.py").write_text("# mine")
    assert main(["init", "--yes"]) == 0
    assert (project / "tests" / "test_denorm.py").read_text() == "# mine"
    assert (project / "pytest.ini").read_text() == INI
    assert "\nWritten: pytest.ini.\n" in capsys.readouterr().out


def test_pipelines_that_are_named_take_the_place_of_those_found(project: Path) -> None:
    (project / "shop" / "more.py").write_text(
        "def make(size=3):\n    from .data import val_transform\n    return val_transform"
    )
    assert main(["init", "--yes", "--pipeline", "shop.more:make()", "--pipeline", "elsewhere.nets:transform"]) == 0
    text = (project / "tests" / "test_denorm.py").read_text()
    assert "from elsewhere.nets import transform\nfrom shop.more import make\n" in text
    assert '"make": make(),\n        "transform": transform,\n' in text
    assert "    make = shop.more:make()\n" in (project / "pytest.ini").read_text()


BY_HAND_TEST = """\
tests/test_denorm.py is there already, and left as it is. Add to it:
    from shop.more import make
and to the dict in parametrize_with_checks:
    "make": make(),
"""
MORE = "    make = shop.more:make()\n"


def test_a_named_pipeline_is_added_to_the_ini_and_told_for_a_test_of_yours(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = ["init", "--pipeline", "shop.more:make()", "--pipeline", "shop.data:val_transform"]
    test, ini = project / "tests" / "test_denorm.py", project / "pytest.ini"
    assert main(["init", "--yes"]) == 0
    before = files_of(project)
    capsys.readouterr()
    assert main([*named, "--dry-run"]) == 0
    assert capsys.readouterr().out.endswith(f"\n{BY_HAND_TEST}Nothing was written (--dry-run).\n")
    assert files_of(project) == before
    assert main([*named, "--yes"]) == 1
    printed = capsys.readouterr().out
    assert "\nWritten: pytest.ini.\n" in printed
    assert printed.endswith(f"that the ini names.\n\n{BY_HAND_TEST}")
    assert ini.read_text() == INI + MORE
    assert test.read_text() == TEST

    assert main([*named, "--yes"]) == 1
    assert capsys.readouterr().out == BY_HAND_TEST
    test.write_text(TEST.replace("\n\nfrom shop", "\n\nfrom shop.more import make\nfrom shop"))
    assert main([*named, "--yes"]) == 0
    assert capsys.readouterr().out == "Nothing to do: the test and the lines of the ini are there.\n"
    test.write_text("# mine (")
    assert main([*named[:3], "--yes"]) == 1
    assert capsys.readouterr().out == BY_HAND_TEST


def test_where_the_lines_of_the_ini_are_alone_test_and_ini_get_a_named_pipeline(project: Path) -> None:
    (project / "pytest.ini").write_text(INI)
    assert main(["init", "--yes", "--pipeline", "shop.more:make()"]) == 0
    assert '"make": make(),' in (project / "tests" / "test_denorm.py").read_text()
    assert (project / "pytest.ini").read_text() == INI + MORE


def test_a_name_that_the_ini_has_is_not_given_twice(project: Path) -> None:
    (project / "pytest.ini").write_text(INI)
    assert main(["init", "--yes", "--pipeline", "shop.more:val_transform"]) == 0
    assert (project / "pytest.ini").read_text() == f"{INI}    shop_more_val_transform = shop.more:val_transform\n"


def test_what_cannot_be_added_to_the_ini_safely_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "[tool.pytest.ini_options]\ndenorm_pipelines = [ # ours\n  'a = shop.data:a' ]\n"
    (project / "pyproject.toml").write_text(text)
    (project / "tests").mkdir()
    (project / "tests" / "test_denorm.py").write_text("from shop.more import make")
    assert main(["init", "--yes", "--pipeline", "shop.more:make()"]) == 1
    assert capsys.readouterr().out == (
        "denorm_pipelines in pyproject.toml is written in a way that cannot be added to safely. Add to it:\n"
        '    "make = shop.more:make()",\n'
    )
    assert (project / "pyproject.toml").read_text() == text


def test_a_spec_that_is_none_is_refused_where_all_is_there_too(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--yes"]) == 0
    assert main(["init", "--yes", "--pipeline", "foo"]) == 2
    assert "--pipeline foo: expected module:attribute, or module:function()." in capsys.readouterr().err


def test_the_test_goes_where_tests_are(project: Path) -> None:
    (project / "checks").mkdir()
    (project / "pytest.ini").write_text("[pytest]\ntestpaths = checks\n")
    assert main(["init", "--yes"]) == 0
    assert (project / "checks" / "test_denorm.py").exists()
    assert (project / "pytest.ini").read_text().startswith("[pytest]\ntestpaths = checks\npythonpath =\n    .\ndenorm_")


def test_names_that_two_modules_have_are_told_apart(project: Path) -> None:
    (project / "shop" / "other.py").write_text(DATA)
    assert main(["init", "--yes"]) == 0
    text = (project / "tests" / "test_denorm.py").read_text()
    assert "from shop.other import train_transform as shop_other_train_transform, val_transform as shop" in text
    assert '"shop_data_val_transform": shop_data_val_transform,' in text
    ast.parse(text)


# refusals


@pytest.mark.parametrize(
    ("files", "arguments", "message"),
    [
        ({}, [], "is not the root of a project: expected one of pyproject.toml, setup.cfg, setup.py, tox.ini,"),
        ({"requirements.txt": ""}, ["--folder", "nowhere"], "nowhere is no folder: expected one of"),
        ({"requirements.txt": "", "a.py": "x = 1"}, [], "no pipeline was found in 1 Python file(s) of"),
        ({"requirements.txt": "", "bad.py": "x ="}, [], "bad.py: cannot be read: invalid syntax"),
        ({"requirements.txt": ""}, ["--pipeline", "shop"], "--pipeline shop: expected module:attribute, or module:fun"),
        ({"pyproject.toml": "x ="}, ["--pipeline", "a:b"], "pyproject.toml cannot be read: Invalid value"),
        ({"pytest.ini": "x"}, ["--pipeline", "a:b"], "pytest.ini cannot be read: "),
        ({"pytest.ini": "[pytest]\npythonpath = lib\n", "a.py": DATA}, [], "is 'lib', and the pipelines are imported"),
        (
            {"pyproject.toml": "tool.pytest.ini_options = {addopts = '-q'}", "a.py": DATA},
            [],
            "is written in a way that cannot be added to safely. Add to [tool.pytest.ini_options] yourself: pythonpath",
        ),
    ],
)
def test_what_it_refuses(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    files: dict[str, str],
    arguments: list[str],
    message: str,
) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name, text in files.items():
        (folder / name).write_text(text)
    before = files_of(folder)
    assert main(["init", "--yes", *arguments]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert files_of(folder) == before


def test_a_folder_inside_a_project_is_told_its_root(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project / "shop")
    assert main(["init"]) == 2
    assert f"It may be {project}." in " ".join(capsys.readouterr().err.split())


# the ini


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (
            "pyproject.toml",
            '[project]\nname = "a"\n',
            '[project]\nname = "a"\n\n[tool.pytest.ini_options]\nkey = ["x = a:b"]\n',
        ),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]  # of tests\naddopts = "-q"\n\n\n[tool.ruff]\n',
            '[tool.pytest.ini_options]  # of tests\naddopts = "-q"\nkey = ["x = a:b"]\n\n\n[tool.ruff]\n',
        ),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]\nfilterwarnings = [\n  "error",\n]\n[[tool.mypy.overrides]]\nmodule = "a"\n',
            '[tool.pytest.ini_options]\nfilterwarnings = [\n  "error",\n]\nkey = ["x = a:b"]\n[[tool.mypy.overrides]]\n'
            'module = "a"\n',
        ),
        ("pytest.ini", "", "[pytest]\nkey =\n    x = a:b\n"),
        ("pytest.ini", "[pytest]\r\naddopts = -q\r\n", "[pytest]\r\naddopts = -q\r\nkey =\r\n    x = a:b\r\n"),
        ("tox.ini", "[tox]\n\n[pytest]\na = 1", "[tox]\n\n[pytest]\na = 1\nkey =\n    x = a:b\n"),
        ("setup.cfg", "[tool:pytest]\n\n[flake8]\n", "[tool:pytest]\nkey =\n    x = a:b\n\n[flake8]\n"),
    ],
)
def test_keys_are_added_and_nothing_else_is_touched(tmp_path: Path, name: str, before: str, after: str) -> None:
    (tmp_path / name).write_bytes(before.encode())
    found = find_ini(tmp_path)
    assert found.path == tmp_path / name
    assert found.with_lists({"key": ["x = a:b"]}) == after


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("pytest.ini", "[pytest]\nkey =\n  x = a:b\n\n[flake8]\n", "[pytest]\nkey =\n  x = a:b\n    NEW\n\n[flake8]\n"),
        ("pytest.ini", "[pytest]\nkey = x = a:b\na = 1\n", "[pytest]\nkey = x = a:b\n    NEW\na = 1\n"),
        ("setup.cfg", "[tool:pytest]\r\nkey =\r\n  x = a:b\r\n", "[tool:pytest]\r\nkey =\r\n  x = a:b\r\n    NEW\r\n"),
        ("pytest.ini", "[pytest]\nkey =\n    x = a:b", "[pytest]\nkey =\n    x = a:b\n    NEW\n"),
        ("tox.ini", "[tox]\nkey = 1\n[pytest]\nkey =\n  x = a:b\n", None),
        ("pyproject.toml", 'TABLE\nkey = ["x = a:b"]\na = "1"\n', 'TABLE\nkey = ["x = a:b", "NEW"]\na = "1"\n'),
        ("pyproject.toml", 'TABLE\nkey = ["x = a:b", ]\n', 'TABLE\nkey = ["x = a:b", "NEW"]\n'),
        ("pyproject.toml", 'TABLE\nkey = [\n  "x = a:b",\n]\n', 'TABLE\nkey = [\n  "x = a:b",\n    "NEW",\n]\n'),
        ("pyproject.toml", 'TABLE\nkey = [\n  "x = a:b"\n]\n', 'TABLE\nkey = [\n  "x = a:b",\n    "NEW",\n]\n'),
        ("pyproject.toml", 'TABLE\nkey = "x = a:b"\n', None),
        ("pyproject.toml", 'TABLE\nkey = [\n  "x = a:b"]\n', None),
        ("pyproject.toml", 'TABLE\nkey = [\n  "x = a:b"  # mine\n]\n', None),
        ("pyproject.toml", 'TABLE\n"key" = ["x = a:b"]\n', None),
    ],
)
def test_a_list_gets_more_lines_or_is_left_as_it_is(tmp_path: Path, name: str, before: str, after: str | None) -> None:
    before, after = (one and one.replace("TABLE", "[tool.pytest.ini_options]") for one in (before, after))
    (tmp_path / name).write_bytes(str(before).encode())
    found = find_ini(tmp_path).with_more("key", ["y = c:d"])
    assert (found and found.text) == (after and after.replace("NEW", "y = c:d"))
    assert found is None or found.lines_of("key") == ["x = a:b", "y = c:d"]


def test_the_file_that_pytest_reads_is_taken(pytester: pytest.Pytester) -> None:
    texts = {
        "setup.cfg": "[tool:pytest]\naddopts = -q\n",
        "tox.ini": "[pytest]\naddopts = -q\n",
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-q'\n",
        ".pytest.ini": "[pytest]\naddopts = -q\n",
        "pytest.ini": "[pytest]\naddopts = -q\n",
    }
    for name, text in texts.items():  # each stronger than those before it
        (pytester.path / name).write_text(text)
        assert find_ini(pytester.path).path == pytester.path / name
        assert pytester.parseconfig().inipath == pytester.path / name
    if pytest.version_tuple >= (9, 0):
        (pytester.path / "pytest.toml").write_text("[pytest]\n")
        assert find_ini(pytester.path).path.name == "pytest.toml"
        assert pytester.parseconfig().inipath == pytester.path / "pytest.toml"


@pytest.mark.skipif(pytest.version_tuple < (9, 0), reason="pytest.toml is read from pytest 9 on")
@pytest.mark.parametrize("name", ["pytest.toml", ".pytest.toml"])
@pytest.mark.parametrize(
    "text",
    ["", "# gr\u00fc\u00dfe\n", '[pytest]\naddopts = ["-ra"]\n', '[pytest]\npythonpath = ["."]\n\n[other]\na = 1\n'],
)
def test_pytest_toml_is_the_root_of_a_project_and_is_added_to(
    pytester: pytest.Pytester, name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (pytester.path / "shop").mkdir()
    (pytester.path / "shop" / "__init__.py").touch()
    (pytester.path / "shop" / "data.py").write_text(DATA)
    (pytester.path / name).write_text(text, encoding="utf-8")
    assert main(["init", "--yes"]) == 0
    assert f"Written: tests/test_denorm.py, {name}." in capsys.readouterr().out
    written = (pytester.path / name).read_text(encoding="utf-8")
    kept = set(text.splitlines())
    assert [line for line in written.splitlines() if line in kept] == text.splitlines()
    result = pytester.runpytest("--denorm", "--collect-only", "-q", "-p", "no:randomly")
    result.stdout.fnmatch_lines(["denorm::val_transform::round_trip", "denorm::train_transform::round_trip"])
    assert main(["init"]) == 0  # there is nothing to do
    assert main(["init", "--yes", "--pipeline", "shop.data:normalize"]) == 1  # the test is the user's
    assert find_ini(pytester.path).lines_of("denorm_pipelines")[2:] == ["normalize = shop.data:normalize"]


def test_files_without_a_section_of_pytest_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "tox.ini").write_text("[tox]\n")
    (tmp_path / "setup.cfg").write_text("[metadata]\n")
    assert find_ini(tmp_path).path == tmp_path / "pytest.ini"
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    assert find_ini(tmp_path).path == tmp_path / "pyproject.toml"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1), min_size=1))
def test_any_value_is_read_back_or_refused(tmp_path: Path, values: list[str]) -> None:
    for name in ("pyproject.toml", "pytest.ini"):
        (tmp_path / "pytest.ini").unlink(missing_ok=True)
        (tmp_path / name).write_text("")
        ini = find_ini(tmp_path)
        try:
            text = ini.with_lists({"key": values})
        except SettingsError:  # an ini has no way to write "#" at the start of a line
            assert not ini.is_toml
        else:
            (tmp_path / name).write_bytes(text.encode())
            assert find_ini(tmp_path).list_of("key") == values


# finding


def found_in(tmp_path: Path, text: str, name: str = "m.py") -> list[str]:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    return [one.spec or f"{one.module}:{one.name}{one.suffix}" for one in find_candidates(tmp_path).candidates]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a = T.Compose([T.ToTensor(), T.Normalize(m, s)])", ["a"]),
        ("a = b = v2.Normalize(mean=m, std=s)", ["a", "b"]),
        ("a: Compose = Compose([ToTensor(), Normalize(m, s)])", ["a"]),
        ("n = T.Normalize(m, s)\na = T.Compose([T.ToTensor(), n])", ["a"]),
        ("a = nn.Sequential(K.Resize(3), K.Normalize(m, s))", ["a"]),
        ("w = ResNet50_Weights.DEFAULT\na = w.transforms()", ["a"]),
        ("a = timm.data.create_transform(224)", ["a"]),
        ("a = AutoImageProcessor.from_pretrained('x')", ["a"]),
        ("a = {'train': T.Compose([T.Normalize(m, s)]), 'raw': T.ToTensor(), k: T.Normalize(m, s)}", ["a['train']"]),
        ("def make(size=3, *, crop=True):\n    return T.Compose([T.Normalize(m, s)])", ["make()"]),
        ("def make():\n    t = T.Compose([T.Normalize(m, s)])\n    return t", ["make()"]),
        ("a = T.Compose([T.ToTensor()])", []),
        ("a = T.Compose([T.Normalize(m, s)])\na = None", []),
        ("_a = T.Normalize(m, s)", []),
        ("def make(size):\n    return T.Normalize(m, s)", []),
        ("def make(*, size):\n    return T.Normalize(m, s)", []),
        ("@fixture\ndef make():\n    return T.Normalize(m, s)", []),
        ("def make():\n    def inner():\n        return T.Normalize(m, s)", []),
        ("if True:\n    a = T.Normalize(m, s)", []),
        ("a = transforms()\nb = tokenizer.from_pretrained('x')\nc = x.Compose", []),
    ],
)
def test_what_counts_as_a_pipeline(tmp_path: Path, text: str, names: list[str]) -> None:
    assert found_in(tmp_path, text) == [f"m:{name}" for name in names]


@pytest.mark.parametrize(
    "name",
    ["tests/m.py", "test_m.py", "m_test.py", "conftest.py", "setup.py", ".hidden/m.py", "env/lib/m.py", "build/m.py"],
)
def test_where_it_does_not_look(tmp_path: Path, name: str) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    assert found_in(tmp_path, DATA, name) == []


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("train.py", DATA + "main()\n", "has val_transform, train_transform, but line 7 does work when"),
        ("train.py", DATA + "for x in y:\n    pass\n", "line 7 does work when the module is imported"),
        ("my-data.py", DATA, "its name cannot be imported"),
        ("code/data.py", DATA, "code is a module of Python itself"),
    ],
)
def test_what_is_left_out_says_why(tmp_path: Path, name: str, text: str, reason: str) -> None:
    assert found_in(tmp_path, text, name) == []
    ((file, said),) = find_candidates(tmp_path).left_out
    assert file == tmp_path / name
    assert reason in said


def test_nothing_of_the_project_is_run(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "shop" / "data.py").write_text(DATA + "\nopen('ran', 'w').close()\n")
    (project / "shop" / "__init__.py").write_text("open('ran', 'w').close()\n")
    assert main(["init", "--dry-run"]) == 0
    assert not (project / "ran").exists()
    assert "shop.data" not in sys.modules
