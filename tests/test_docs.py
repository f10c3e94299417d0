"""The pages of docs/: their examples run, and nothing public is left out."""

from __future__ import annotations

import functools
import importlib.util
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import pytest_denorm
from pytest_denorm import errors
from pytest_denorm.checks import CHECKS, KINDS
from pytest_denorm.cli.main import main
from pytest_denorm.plugin.settings import OPTIONS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = {file.name: file.read_text(encoding="utf-8") for file in sorted(DOCS.glob("*.md"))}
#: These run commands, and go on with what those leave: the whole build runs them.
NEED_SHELL = {"baselines.md"}


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / "_ext" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


executed = load("executed")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """A page with the results of its Python examples."""
    images = tmp_path_factory.mktemp("pictures")

    @functools.cache
    def make(page: str) -> str:
        pytest.importorskip("skimage", reason="its photographs are on the pages")
        text = re.sub(r"^```\{shell\}.*?^```\n", "", PAGES[page], flags=re.MULTILINE | re.DOTALL)
        result: str = executed.execute(text, page, images)
        for file in re.findall(r"/_build/pictures/(\S+)", result):
            assert (images / file).stat().st_size > 0
        return result

    return make


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ `([^`]+)`$", text, re.MULTILINE)


@pytest.mark.parametrize("page", sorted(PAGES.keys() - NEED_SHELL))
def test_the_examples_of_a_page_run(page: str, made: Callable[[str], str]) -> None:
    assert "```{run}" not in made(page)


def test_every_check_has_an_entry_and_a_pipeline_that_it_catches(made: Callable[[str], str]) -> None:
    assert sorted(headings(made("checks.md"))) == sorted(CHECKS)
    assert set(re.findall(r'^say\("(\w+)"', PAGES["checks.md"], re.MULTILINE)) == set(CHECKS)


def test_every_kind_of_diagnosis_has_an_entry_and_a_signature(made: Callable[[str], str]) -> None:
    assert sorted(headings(made("diagnosis.md"))) == sorted(KINDS)
    assert sorted(re.findall(r'^signature\("([\w-]+)"', PAGES["diagnosis.md"], re.MULTILINE)) == sorted(KINDS)


def test_the_gallery_shows_every_mistake_that_changes_a_picture(made: Callable[[str], str]) -> None:
    shown = re.findall(r"^\[`([\w-]+)`\]\(diagnosis\.md#\1\)", made("gallery.md"), re.MULTILINE)
    unseen = {"depends-on-batch", "depends-on-values", "exact", "mutates-input", "random", "unknown", "wraps"}
    assert set(shown) == KINDS.keys() - unseen  # what one image does not show, or not twice alike


def test_every_option_has_an_entry(made: Callable[[str], str]) -> None:
    names = [option.name if option.kind == "linelist" else "--" + option.name.replace("_", "-") for option in OPTIONS]
    assert headings(made("options.md")) == names


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_only_options_that_exist(page: str) -> None:
    known = {option.name for option in OPTIONS}
    named = {name.replace("-", "_") for name in re.findall(r"--(denorm[\w-]*)", PAGES[page])}
    assert named <= known


def test_every_fixture_has_an_entry(made: Callable[[str], str]) -> None:
    source = (Path(pytest_denorm.__file__).parent / "plugin" / "__init__.py").read_text(encoding="utf-8")
    fixtures = re.findall(r"^@pytest\.fixture.*\ndef (\w+)", source, re.MULTILINE)
    assert "denorm" in fixtures
    assert headings(made("fixtures.md"))[: len(fixtures)] == fixtures


def test_every_command_has_an_entry(made: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    commands = re.findall(r"^    (\w+) ", capsys.readouterr().out.partition("COMMAND\n")[2], re.MULTILINE)
    assert "check" in commands
    assert headings(made("command-line.md")) == commands


def test_every_public_name_has_an_entry() -> None:
    text = PAGES["api.md"] + PAGES["fixtures.md"]
    entries = re.findall(r"^\.\. (?:auto\w+|data):: (?:\w+\.)*(\w+)(?:\(.*\))?$", text, re.MULTILINE)
    assert set(pytest_denorm.__all__) <= set(entries)
    assert ".. automodule:: pytest_denorm.errors" in PAGES["api.md"]
    for name, error in vars(errors).items():
        if isinstance(error, type):
            assert error.__doc__, name


def test_every_page_is_in_the_table_of_contents() -> None:
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```", PAGES["index.md"], re.MULTILINE | re.DOTALL)
    listed = {f"{name}.md" for tree in trees for name in re.findall(r"([\w-]+)>?$", tree, re.MULTILINE)}
    assert PAGES.keys() - {"index.md"} <= listed


class TestExamples:
    """What makes a page fail."""

    def test_output_is_what_was_printed(self, tmp_path: Path) -> None:
        made = executed.execute("A\n\n```{run}\nprint(1 + 1)\n```\n", "a.md", tmp_path)
        assert made == "A\n\n```python\nprint(1 + 1)\n```\n\n```{code-block} text\n:class: output\n\n2\n```\n\n"

    @pytest.mark.parametrize(
        ("block", "message"),
        [
            ("{run}\n1 / 0\n", "a.md, line 3: ZeroDivisionError: division by zero"),
            ("{run} raises\nprint(1)\n", "a.md, line 3: it was to raise, and did not"),
            ("{run}\nimport warnings\nwarnings.warn('old')\n", "a.md, line 3: UserWarning: old"),
            ("{shell}\nexit 3\n", "a.md, line 3: exit 3 ended with exit code 3:\n"),
            ("{shell} fails\nexit 0\n", "a.md, line 3: exit 0 ended with exit code 0:\n"),
        ],
    )
    def test_an_example_that_does_otherwise_fails(self, block: str, message: str, tmp_path: Path) -> None:
        with pytest.raises(executed.PageError) as caught:
            executed.execute(f"A\n\n```{block}```\n", "a.md", tmp_path)
        assert str(caught.value) == message

    def test_blocks_share_a_module_and_a_folder(self, tmp_path: Path) -> None:
        text = "```{file} a.py\nN = 3\n```\n\n```{run}\nimport sys\nassert sys.modules[__name__].sys is sys\n```\n\n"
        made = executed.execute(
            f"{text}```{{shell}}\n{sys.executable} -c 'import a; print(a.N)'\n```\n", "b.md", tmp_path
        )
        assert made.endswith("import a; print(a.N)'\n3\n```\n\n")
        assert "example" not in sys.modules


class _Resources(HTMLParser):
    """What a browser loads by itself with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: dict[str, Any] = dict(attrs)
        if tag in ("img", "script", "iframe", "source", "video", "audio") and given.get("src"):
            self.found.append(given["src"])
        if tag == "link" and given.get("rel") not in ("index", "search", "next", "prev", "canonical"):
            self.found.append(given["href"])


@pytest.mark.sweep
def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the generator of the site")
    import subprocess

    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-E", "-b", "html", "-d", str(tmp_path / "trees")]
    done = subprocess.run([*command, str(DOCS), str(tmp_path / "site")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert {f"{page.stem}.md" for page in pages} >= PAGES.keys()
    for page in pages:
        parser = _Resources()
        parser.feed(page.read_text(encoding="utf-8"))
        for resource in parser.found:
            assert "//" not in resource, f"{page.name} loads {resource}"
            assert (page.parent / resource.partition("?")[0]).is_file(), f"{page.name}: {resource} is missing"
    for sheet in (tmp_path / "site").rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"url\(['\"]?(https?:)?//", text), sheet
