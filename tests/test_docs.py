"""The pages of docs/: what they show is what the code does, nothing public is left out, and every link resolves."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from generated_docs import DOCS, PAGES, ROOT, TABLES, entries, generate
from page_examples import PageRun, has_console
from PIL import Image

from pytest_denorm import PRESETS
from pytest_denorm.checks import CHECKS, KINDS
from pytest_denorm.plugin.settings import OPTIONS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TEXTS = {name: page.read_text(encoding="utf-8") for name, page in PAGES.items()}
DOCUMENTS = {f"docs/{name}": text for name, text in TEXTS.items()} | {
    name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
}
AGAIN = "run `python tests/generated_docs.py`"


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ `([^`]+)`$", text, re.MULTILINE)


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if "```python\n" in text])
def test_python_prints_what_a_page_shows(name: str) -> None:
    pytest.importorskip("skimage", reason="its photographs are on the pages")
    _expect_up_to_date(name, PageRun(PAGES[name]))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "round-trip.md" else pytest.mark.sweep)
        for name in TEXTS
        if has_console(PAGES[name])
    ],
)
def test_commands_print_what_a_page_shows(name: str) -> None:
    _expect_up_to_date(name, PageRun(PAGES[name], commands=True))


def _expect_up_to_date(name: str, run: PageRun) -> None:
    for start, end, output in run.run():
        line = TEXTS[name].count("\n", 0, start) + 1
        assert TEXTS[name][start:end] == output, f"docs/{name}, line {line}: {AGAIN}"


@pytest.mark.parametrize("name", TEXTS)
def test_tables_and_entries_are_those_of_the_code(name: str) -> None:
    if "gallery" in name:
        pytest.importorskip("skimage", reason="its photograph is on the page")
    assert generate(name, TEXTS[name]) == TEXTS[name], AGAIN


def test_every_table_is_on_a_page() -> None:
    assert set(re.findall(r"<!-- end of ([\w-]+) -->", "".join(TEXTS.values()))) - {"measured"} == set(TABLES)


@pytest.mark.parametrize("page", ["checks.md", "diagnosis.md"])
def test_every_check_and_kind_has_an_example(page: str) -> None:
    assert sorted(headings(TEXTS[page])) == sorted(entries(page))
    sections = re.split(r"^### ", TEXTS[page], flags=re.MULTILINE)[1:]
    shown = {one.partition("\n")[0].strip("`"): one for one in sections}
    for name, section in shown.items():
        example = f'say("{name}"' if page == "checks.md" else f"```text\n{name}: "
        assert example in section


def test_the_gallery_shows_every_mistake_that_changes_an_image() -> None:
    shown = re.findall(r"^\| \[`([\w-]+)`\]\(diagnosis\.md#\1\)", TEXTS["gallery.md"], re.MULTILINE)
    unseen = {"depends-on-batch", "depends-on-values", "exact", "mutates-input", "random", "unknown", "wraps"}
    assert set(shown) == KINDS.keys() - unseen  # what one image does not show, or not twice alike


def test_images_are_those_that_the_code_draws() -> None:
    pytest.importorskip("skimage", reason="its photograph is on the page")
    from page_images import exact_images

    for name, pixels in exact_images().items():
        assert np.array_equal(np.array(Image.open(DOCS / "images" / name)), pixels), name


def test_the_formulas_of_mistakes_are_those_of_the_rules() -> None:
    from pytest_denorm.diagnosis.rules import Statistics, constant_rules, frame_rules

    mean, std = np.array(PRESETS["imagenet"].mean), np.array(PRESETS["imagenet"].std)
    rows = re.findall(r"^\| `([\w-]+)` \| `([^`]+)` \| `([^`]+)` \|$", TEXTS["diagnosis.md"], re.MULTILINE)
    assert len(rows) > 8
    rules = [*constant_rules(Statistics(mean, std)), *frame_rules(Statistics(mean, std))]
    for kind, *formulas in rows:
        gain, offset = (np.broadcast_to(eval(one, {"mean": mean, "std": std}), 3) for one in formulas)
        changed = [rule.change(std, mean) for rule in rules if rule.kind == kind] or [(std, mean)]
        predicted = [(slope / std, shift - slope * mean / std) for slope, shift in changed]
        assert any(np.allclose(one, gain) and np.allclose(two, offset) for one, two in predicted), kind


@pytest.mark.parametrize("page", TEXTS)
def test_pages_name_only_options_and_checks_that_exist(page: str) -> None:
    known = {option.name for option in OPTIONS}
    assert {name.replace("-", "_") for name in re.findall(r"--(denorm[\w-]*)", TEXTS[page])} <= known
    assert set(re.findall(r"checks\.md#(\w+)", TEXTS[page])) <= CHECKS.keys()
    assert set(re.findall(r"\[(\d+) checks\]", TEXTS[page])) <= {str(len(CHECKS))}


def test_every_public_name_is_in_the_reference() -> None:
    import pytest_denorm
    from pytest_denorm import errors

    text = (DOCS / "reference.rst").read_text(encoding="utf-8")
    described = re.findall(r"^\.\. (?:auto\w+|data):: (?:\w+\.)*(\w+)(?:\(.*\))?$", text, re.MULTILINE)
    assert set(pytest_denorm.__all__) <= set(described)
    assert ".. automodule:: pytest_denorm.errors" in text
    assert all(error.__doc__ for error in vars(errors).values() if isinstance(error, type))


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = set(re.findall(r"^   ([\w-]+)$", (DOCS / "index.rst").read_text(encoding="utf-8"), re.MULTILINE))
    pages = {page.stem for page in DOCS.iterdir() if page.suffix in (".md", ".rst")}
    assert pages - {"index", "README"} == listed


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub and the site name them."""
    found = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_resolve(name: str) -> None:
    """Those into the repository; test pages need no network."""
    text = re.sub(r"^```.*?^```$", "", DOCUMENTS[name], flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), f"{name} links to {target}"
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), f"{name} links to {target}"


def test_the_oldest_versions_are_those_that_are_admitted_and_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    admitted = dict(re.findall(r"^([\w-]+)>=([\d.]+)", "\n".join(project["dependencies"]), re.MULTILINE))
    said = dict(re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|", TEXTS["versions.md"], re.MULTILINE))
    assert said.pop("Python") == project["requires-python"].removeprefix(">=")
    assert said == admitted
    tested = dict(re.findall(r"^ +([\w-]+)==([\d.]+)$", (ROOT / "tox.ini").read_text(encoding="utf-8"), re.MULTILINE))
    for name, version in admitted.items():
        assert tested[name].startswith(version)


PAGE = """
```python
print(1 + 1)
```

```text
2
```

```python
1 / 0
```

```text
ZeroDivisionError: division by zero
```

```py
never run
```

```python
# a/b.py
N = 3
```

```console
$ python -c 'from a.b import N; print(N)'
3
```
"""


class TestExamples:
    """What makes a page fail."""

    def outdated(self, text: str, folder: Path, *, commands: bool = False) -> list[str]:
        page = folder / "page.md"
        page.write_text(text, encoding="utf-8")
        return [output for _, _, output in PageRun(page, commands=commands).run()]

    @pytest.mark.parametrize("commands", [False, True])
    def test_a_right_page_passes(self, tmp_path: Path, commands: bool) -> None:
        assert self.outdated(PAGE, tmp_path, commands=commands) == []

    def test_another_output_is_told(self, tmp_path: Path) -> None:
        assert self.outdated(PAGE.replace("\n2\n", "\n3\n"), tmp_path) == ["2\n"]

    def test_another_output_of_a_command_is_told(self, tmp_path: Path) -> None:
        assert self.outdated(PAGE.replace("N = 3", "N = 4"), tmp_path, commands=True) == [
            "$ python -c 'from a.b import N; print(N)'\n4\n"
        ]

    def test_an_error_that_the_page_does_not_show_is_raised(self, tmp_path: Path) -> None:
        with pytest.raises(ZeroDivisionError):
            self.outdated(PAGE.replace("ZeroDivisionError: division by zero", "2"), tmp_path)

    def test_a_warning_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(UserWarning, match="old"):
            self.outdated(PAGE.replace("print(1 + 1)", "import warnings; warnings.warn('old')"), tmp_path)

    def test_dots_stand_for_any_lines(self, tmp_path: Path) -> None:
        text = PAGE.replace("print(1 + 1)", "print('a', 'b', 2, sep=chr(10))").replace("\n2\n", "\n...\n2\n")
        assert self.outdated(text, tmp_path) == []

    def test_rewriting_mends_a_page(self, tmp_path: Path) -> None:
        page = tmp_path / "page.md"
        page.write_text(PAGE.replace("\n2\n", "\n3\n"), encoding="utf-8")
        PageRun(page).rewrite()
        assert page.read_text(encoding="utf-8") == PAGE


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
    assert {f"{page.stem}.md" for page in pages} >= PAGES.keys() - {"README.md"}
    for page in pages:
        parser = _Resources()
        parser.feed(page.read_text(encoding="utf-8"))
        for resource in parser.found:
            assert "//" not in resource, f"{page.name} loads {resource}"
            assert (page.parent / resource.partition("?")[0]).is_file(), f"{page.name}: {resource} is missing"
    for sheet in (tmp_path / "site").rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"url\(['\"]?(https?:)?//", text), sheet
