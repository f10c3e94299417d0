"""Runs the examples of a page: what a page shows as output is what its code printed.

In the Markdown of a page, a fenced block that begins with

- ``{run}`` is Python. It is shown, and below it what it printed. With ``hidden`` the code is not shown, with
  ``markdown`` what it printed is text of the page, with ``raises`` it has to raise, and the error is shown;
- ``{file} NAME`` is shown, and written to the folder of the page;
- ``{shell}`` is a line or more for a shell in that folder, shown with what each prints, without durations. With
  ``fails`` the last one has to end with another exit code than 0.

The blocks of a page share one module, called ``example``, and run in their order. A warning is an error. In them
``FOLDER`` is the folder of the page, ``PAGES`` that of all pages, and ``show(picture, caption)`` prints what shows a
picture.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

__all__ = ["PageError", "execute", "setup"]

_PAGES = Path(__file__).parent.parent
_BLOCK = re.compile(r"^```\{(run|file|shell)\}([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class PageError(Exception):
    """An example that does not do what its page says; names the page and the line."""


def execute(text: str, page: str, pictures: Path) -> str:
    """The page with the results of its examples in it.

    Args:
        text: the page, in Markdown.
        page: its file name.
        pictures: where the function ``show`` of the examples puts pictures, a folder that the page can refer to.
    """
    if not _BLOCK.search(text):
        return text
    with tempfile.TemporaryDirectory(prefix="example-") as folder:
        runner = _Runner(text, page, Path(folder), pictures)
        before = sys.modules.get("example")
        sys.modules["example"] = runner.module
        try:
            return _BLOCK.sub(runner.result, text)
        finally:
            sys.modules.pop("example")
            if before is not None:
                sys.modules["example"] = before


class _Runner:
    def __init__(self, text: str, page: str, folder: Path, pictures: Path) -> None:
        self.text, self.page, self.folder, self.pictures = text, page, folder, pictures
        self.module = types.ModuleType("example")
        self.module.__dict__.update(show=self.show, FOLDER=folder, PAGES=_PAGES)
        self.shown = 0
        # the project of pytest ends here, whatever lies above
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")

    def result(self, block: re.Match[str]) -> str:
        """What takes the place of a block."""
        kind, argument, code = block.groups()
        line = self.text.count("\n", 0, block.start()) + 1
        try:
            method: Callable[..., str] = getattr(self, kind)
            return method(code, argument.split(), line)
        except PageError as error:
            raise PageError(f"{self.page}, line {line}: {error}") from error.__cause__

    def run(self, code: str, flags: list[str], line: int) -> str:
        printed, failure = io.StringIO(), ""
        source = compile("\n" * line + code, self.page, "exec")  # the lines of a traceback are the page's
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                exec(source, self.module.__dict__)
            except Exception as error:
                failure = f"{type(error).__name__}: {error}"
                if "raises" not in flags:
                    raise PageError(failure) from error
        if "raises" in flags and not failure:
            raise PageError("it was to raise, and did not")
        shown = "" if "hidden" in flags else _fence("python", code)
        output = "\n".join(part for part in (printed.getvalue().rstrip("\n"), failure) if part)
        return shown + (output + "\n" if "markdown" in flags else _output(output))

    def file(self, content: str, arguments: list[str], line: int) -> str:
        (name,) = arguments
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
        language = {".py": "python", ".ini": "ini", ".toml": "toml", ".yml": "yaml"}[target.suffix]
        return f"```{{code-block}} {language}\n:caption: {name}\n{content}```\n"

    def shell(self, commands: str, flags: list[str], line: int) -> str:
        scripts = Path(sys.executable).parent
        ours = ("CI", "PYTEST", "TOX")  # what changes a session of pytest
        surroundings = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        surroundings |= {
            "PATH": f"{scripts}{os.pathsep}{surroundings['PATH']}",
            "COLUMNS": "80",
            "NO_COLOR": "1",
            "PYTHONPATH": str(self.folder),
            "PYTEST_ADDOPTS": "-p no:randomly",
        }
        shown, lines = "", commands.splitlines()
        for command in lines:
            done = subprocess.run(
                command, shell=True, cwd=self.folder, env=surroundings, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            output = re.sub(r" in [\d.]+s\b", "", done.stdout).replace(str(self.folder), "/home/me/project")
            if bool(done.returncode) != ("fails" in flags and command is lines[-1]):
                raise PageError(f"{command} ended with exit code {done.returncode}:\n{output}")
            shown += f"$ {command}\n{_plain(output)}"
        return _fence("console", shown)

    def show(self, picture: Any, caption: str) -> None:
        """Prints what shows a picture: PIL's, an array (H, W, 3) of bytes, or anything with ``savefig``."""
        self.shown += 1
        self.pictures.mkdir(parents=True, exist_ok=True)
        file = self.pictures / f"{self.page.removesuffix('.md')}-{self.shown}.png"
        if hasattr(picture, "savefig"):
            picture.savefig(str(file))
        else:
            image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
            image.save(file)
        alternative = re.sub(r"\[`?([^`\]]*)`?\]\([^)]*\)", r"\1", caption)  # a link's text alone
        print(f"```{{figure}} /_build/pictures/{file.name}\n:alt: {alternative}\n\n{caption}\n```\n")


def _fence(language: str, code: str) -> str:
    return f"```{language}\n{code}```\n"


def _output(text: str) -> str:
    return f"\n```{{code-block}} text\n:class: output\n\n{_plain(text)}```\n" if text.strip() else ""


def _plain(text: str) -> str:
    """Without blanks at the ends of its lines."""
    return "".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines())


def setup(app: Any) -> dict[str, bool]:
    """Registers this as an extension of Sphinx."""
    pictures = Path(app.srcdir) / "_build" / "pictures"

    def replace(app: Any, page: str, content: list[str]) -> None:
        content[0] = execute(content[0], f"{page}.md", pictures)

    app.connect("source-read", replace)
    return {"parallel_read_safe": False}
