"""What the pages of docs/ take from the code: tables, entries, images, and the outputs of examples.

    python tests/generated_docs.py [PAGE ...]    rewrites tables, entries, and outputs of Python blocks
    python tests/generated_docs.py --console     rewrites what commands print, too (minutes)
    python tests/generated_docs.py --images      draws docs/images/ anew

A table stands between ``<!-- NAME -->`` and ``<!-- end of NAME -->``. An entry is the text between a heading such as
``### `round_trip` `` and the first block of code below it.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = {page.name: page for page in sorted(DOCS.glob("*.md"))}


def _table(*rows: tuple[str, ...]) -> str:
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in body)])


def _sentence(text: str) -> str:
    """Return a help text as a sentence, with names as code."""
    text = re.sub(r"('?\w+:\w+(?:\(\))?'?|--[a-z-]+|denorm_\w+|\w+\.json)", r"`\1`", text)
    return (text[0].upper() if text.split()[0].isalpha() else text[0]) + text[1:].rstrip(".") + "."


def _summary(thing: object) -> str:
    """Return the first paragraph of a docstring, in one line."""
    text = " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())
    return re.sub(r":\w+:`~?([^`]*)`", r"`\1`", text).replace("``", "`")


def options() -> str:
    """Return the table of options."""
    from pytest_denorm.plugin.settings import OPTIONS

    rows = []
    for option in OPTIONS:
        choices = "={" + ",".join(option.choices) + "}" if option.choices else ""
        flag = "" if option.kind == "linelist" else f"`--{option.name.replace('_', '-')}{choices}`"
        default = f"`{option.default}`" if option.default not in ("", (), False) else ""
        rows.append((f"`{option.name}`", flag, default, _sentence(option.help)))
    return _table(("ini", "command line", "default", "what it does"), *rows)


def check_names() -> str:
    """Return the table of checks, each with its level and the first line of its docstring."""
    from pytest_denorm.checks import CHECKS

    rows = ((f"[`{name}`](#{name})", _summary(check)) for name, check in CHECKS.items())
    return _table(("check", "what it shows"), *rows)


def kinds() -> str:
    """Return the table of kinds of diagnosis."""
    from pytest_denorm.checks import KINDS

    return _table(("kind", "what it means"), *((f"[`{kind}`](#{kind})", text) for kind, text in KINDS.items()))


def predictions() -> str:
    """Return what each rule of the diagnosis predicts for ImageNet's statistics."""
    import numpy as np

    from pytest_denorm import PRESETS
    from pytest_denorm.diagnosis.rules import Statistics, constant_rules, frame_rules

    mean, std = np.array(PRESETS["imagenet"].mean), np.array(PRESETS["imagenet"].std)
    known, shown, rows = Statistics(mean, std), set(), []
    for rule in (*constant_rules(known), *frame_rules(known)):
        if rule.order or rule.key in shown:
            continue
        shown.add(rule.key)
        slope, shift = rule.change(std, mean)
        both = ((slope / std).round(9), (shift - slope * mean / std).round(9))
        numbers = (", ".join(f"{value + 0.0:.3g}" for value in values) for values in both)
        rows.append((f"`{rule.kind}`", rule.key, *numbers))
    return _table(("kind", "rule", "gain", "offset"), *rows)


def presets() -> str:
    """Return the table of presets."""
    from pytest_denorm import PRESETS

    numbers = ((name, one.mean, one.std) for name, one in PRESETS.items())
    rows = ((f"`{name}`", ", ".join(map(str, mean)), ", ".join(map(str, std))) for name, mean, std in numbers)
    return _table(("name", "mean", "std"), *rows)


def formats() -> str:
    """Return the table of floating-point formats."""
    from pytest_denorm.core.tolerance import FORMATS

    rows = (
        (name, f"{one.unit_roundoff:.3g}", f"{one.smallest:.3g}", f"{one.largest:.3g}") for name, one in FORMATS.items()
    )
    return _table(("format", "$u$", r"$\eta$", r"$\Omega$"), *rows)


def fixtures() -> str:
    """Return the table of fixtures."""
    from pytest_denorm import plugin

    source = inspect.getsource(plugin)
    names = re.findall(r"^@pytest\.fixture.*\ndef (\w+)", source, re.MULTILINE)
    return _table(("fixture", "what it is"), *((f"`{name}`", _summary(getattr(plugin, name))) for name in names))


def methods() -> str:
    """Return the table of what the fixture `denorm` can do."""
    import pytest_denorm
    from pytest_denorm import Denorm

    found = [name for name in vars(Denorm) if name in pytest_denorm.__all__]
    return _table(
        ("method", "what it does"), *((f"`denorm.{name}`", _summary(getattr(Denorm, name))) for name in found)
    )


def names() -> str:
    """Return the table of public functions and classes."""
    import pytest_denorm

    rows = []
    for name in sorted(pytest_denorm.__all__, key=str.lower):
        thing = getattr(pytest_denorm, name)
        if inspect.isclass(thing) or inspect.isroutine(thing):
            rows.append((f"`{name}`", _summary(thing)))
    return _table(("name", "what it is"), *rows)


def commands() -> str:
    """Return the commands, each with its usage and arguments."""
    from pytest_denorm.cli.main import build_parser

    found = next(action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    text = ""
    for name, command in found.choices.items():
        rows = []
        for action in command._actions:
            if action.dest == "help" or action.help == argparse.SUPPRESS:
                continue
            words = ", ".join(f"`{flag}`" for flag in action.option_strings) or f"`{action.metavar or action.dest}`"
            described = (action.help or "") % {**vars(action), "prog": "pytest-denorm"}
            rows.append((words, _sentence(" ".join(described.split())).replace("|", r"\|")))
        about = " ".join((command.description or "").split())
        table = "\n\n" + _table(("argument", "what it does"), *rows) if rows else ""
        text += f"## `{name}`\n\n{about}{table}\n\n"
    return text.rstrip()


def workflow() -> str:
    """Return the workflow for GitHub Actions that the tests run."""
    return f"```yaml\n{(DOCS / 'examples' / 'github-workflow.yml').read_text(encoding='utf-8')}```"


def gallery() -> str:
    """Return the table of mistakes, each with its image and how many bytes it changes."""
    from page_images import MISTAKES, wrong_levels

    rows = []
    for kind in MISTAKES:
        levels, factor = wrong_levels(kind)
        image = f"![image, result and difference of {kind}](images/{kind}.png)"
        rows.append((f"[`{kind}`](diagnosis.md#{kind})", image, f"{levels} of 768", f"x {factor}"))
    return _table(("mistake", "image, result, difference", "wrong levels", "difference shown"), *rows)


#: Each function makes what stands between the markers of its name.
TABLES: dict[str, Callable[[], str]] = {
    one.__name__.replace("_", "-"): one
    for one in (
        check_names,
        commands,
        fixtures,
        formats,
        gallery,
        kinds,
        methods,
        names,
        options,
        predictions,
        presets,
        workflow,
    )
}


def entries(page: str) -> dict[str, str]:
    """Return the text below each heading of a page that the code has words for."""
    from pytest_denorm.checks import CHECKS, KINDS

    if page == "checks.md":
        return {name: (inspect.getdoc(check) or "").replace("``", "`") for name, check in CHECKS.items()}
    if page == "diagnosis.md":
        return {kind: f"{text[0].upper()}{text[1:]}." for kind, text in KINDS.items()}
    return {}


def generate(page: str, text: str) -> str:
    """Return the text of a page with its tables and entries as the code has them now."""
    text = re.sub(
        rf"^<!-- ({'|'.join(TABLES)}) -->\n.*?^<!-- end of \1 -->$",
        lambda found: f"<!-- {found[1]} -->\n{TABLES[found[1]]()}\n<!-- end of {found[1]} -->",
        text,
        flags=re.MULTILINE | re.DOTALL,
    )
    for name, entry in entries(page).items():
        text = re.sub(
            rf"(^### `{name}`\n\n).*?(?=^```)",
            lambda found, entry=entry: f"{found[1]}{entry}\n\n",
            text,
            count=1,
            flags=re.MULTILINE | re.DOTALL,
        )
    return text


def main() -> None:
    """Rewrite the pages."""
    parser = argparse.ArgumentParser(description="Rewrite what the pages take from the code.")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="file names, such as checks.md (default: all)")
    parser.add_argument("--console", action="store_true", help="rewrite what commands print, too")
    parser.add_argument("--images", action="store_true", help="draw docs/images/ anew")
    arguments = parser.parse_args()
    if arguments.images:
        import page_images

        page_images.draw(DOCS / "images")
    from page_examples import PageRun, has_console

    for name in arguments.pages or PAGES:
        page = PAGES[Path(name).name]
        page.write_text(generate(page.name, page.read_text(encoding="utf-8")), encoding="utf-8")
        PageRun(page).rewrite()
        if arguments.console and has_console(page):
            PageRun(page, commands=True).rewrite()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    with patch.dict("os.environ", {"NO_COLOR": "1"}):
        main()
