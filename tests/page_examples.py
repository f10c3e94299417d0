"""The examples on the pages of docs/, run by sybil: every output that a page shows is what its example prints.

- A ``python`` block runs, in one namespace for each page. A ``text`` block below it is what it printed, and the error
  that it raised.
- A block whose first line is ``# NAME`` is a file of that name.
- A ``console`` block holds commands, each after ``$``, that run in the folder of these files, and what they print,
  without durations.

A line ``...`` of an output stands for any lines. Warnings are errors.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import types
import warnings
from pathlib import Path

from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser

__all__ = ["PageRun", "has_console"]

_FILE = re.compile(r"# (\S+\.(?:py|ini|toml|yml))\n")
_HOME = "/home/me/project"


def has_console(page: Path) -> bool:
    """Tell whether a page shows commands."""
    return "```console\n" in page.read_text(encoding="utf-8")


class PageRun:
    """One run through the examples of a page.

    Args:
        page: the Markdown file.
        commands: run the commands of the page, in a new folder, instead of its Python blocks.
    """

    def __init__(self, page: Path, *, commands: bool = False) -> None:
        self.page = page
        # its path is printed, and lines wrap by its length: it is not the long one of a test
        self.folder = Path(tempfile.mkdtemp(prefix="page-")) if commands else None
        self.outdated: list[tuple[int, int, str]] = []
        self.printed = ""

    def run(self) -> list[tuple[int, int, str]]:
        """Return the outputs that the page shows otherwise, as (start, end, what is printed now)."""
        evaluators = {"python": self._python, "text": self._text, "console": self._console}
        evaluators |= dict.fromkeys(("ini", "toml", "yaml"), self._file)
        parsers = [CodeBlockParser(language, evaluator) for language, evaluator in evaluators.items()]
        document = Sybil(parsers).parse(self.page)
        module = types.ModuleType("example")  # what pickle finds the classes of a page in
        document.namespace = module.__dict__
        before = sys.modules.get("example")
        sys.modules["example"] = module
        if self.folder is not None:
            (self.folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        try:
            for example in document.examples():
                example.evaluate()
        finally:
            if self.folder is not None:
                shutil.rmtree(self.folder)
            sys.modules.pop("example")
            if before is not None:
                sys.modules["example"] = before
        return self.outdated

    def rewrite(self) -> None:
        """Write what is printed now into the page."""
        text = self.page.read_text(encoding="utf-8")
        for start, end, output in sorted(self.run(), reverse=True):
            text = text[:start] + output + text[end:]
        self.page.write_text(text, encoding="utf-8")

    def _python(self, example: Example) -> None:
        if _FILE.match(example.parsed):
            self._file(example)
        elif self.folder is None:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed), warnings.catch_warnings():
                warnings.simplefilter("error")
                try:
                    PythonEvaluator()(example)
                except Exception as error:
                    failure = f"{type(error).__name__}: {error}"
                    if not self._shows(example, f"{type(error).__name__}: "):
                        raise
                    print(failure)
            here = rf"[^\s(]*{re.escape(self.page.name)}:\d+"  # where a function of the page is said to stand
            self.printed = re.sub(here, "example.py", printed.getvalue())

    def _shows(self, example: Example, start: str) -> bool:
        """Tell whether the output below a block has a line that starts so."""
        below = re.match(r"\s*```text\n(.*?)^```$", example.document.text[example.end :], re.DOTALL | re.MULTILINE)
        return below is not None and any(line.startswith(start) for line in below[1].splitlines())

    def _text(self, example: Example) -> None:
        if self.folder is None:
            self._compare(example, self.printed)

    def _file(self, example: Example) -> None:
        name = _FILE.match(example.parsed)
        if name is not None and self.folder is not None:
            target = self.folder / name[1]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(example.parsed[name.end() :], encoding="utf-8")

    def _console(self, example: Example) -> None:
        if self.folder is not None:
            commands = re.findall(r"^\$ (.*)$", example.parsed, re.MULTILINE)
            self._compare(example, "".join(f"$ {one}\n{self._command(one)}" for one in commands))

    def _command(self, command: str) -> str:
        """Return what a command prints, run as in a terminal of 80 columns outside any CI."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "PYTEST", "TOX"))}
        environment = kept | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
            "COLUMNS": "80",
            "NO_COLOR": "1",
            "PYTHONPATH": os.pathsep.join([str(self.folder), *filter(None, [kept.get("PYTHONPATH")])]),
            "PYTEST_ADDOPTS": "-p no:randomly",
        }
        done = subprocess.run(
            command, shell=True, cwd=self.folder, env=environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return _plain(re.sub(r" in [\d.]+s\b", "", done.stdout).replace(str(self.folder), _HOME))

    def _compare(self, example: Example, output: str) -> None:
        shown, output = str(example.parsed), _plain(output)
        pattern = "".join("(?:.*\n)*?" if line == "...\n" else re.escape(line) for line in shown.splitlines(True))
        if not re.fullmatch(pattern, output):
            start = example.start + example.document.text[example.start :].index("\n") + 1
            self.outdated.append((start, start + len(shown), output))


def _plain(text: str) -> str:
    """Return text without addresses in memory, and without blanks at the ends of its lines and of it all."""
    text = re.sub(r"\b0x[0-9a-f]{6,}", "0x...", text)
    return "".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines())
