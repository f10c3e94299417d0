"""The files of a project: which there are, and what stands in them."""

from __future__ import annotations

import ast
import io
import json
import os
import tokenize
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..core.arguments import path_of
from ..errors import SettingsError
from .lenient import parse_leniently

__all__ = ["Source", "find_files", "read_source"]

#: No file that people write is larger; data files are.
_LARGEST = {".py": 4_000_000, ".ipynb": 64_000_000, "config": 1_000_000}
_LONGEST_LINE = 1_000_000
_CONFIGS = (".yaml", ".yml", ".json", ".toml")
_SKIPPED = {"node_modules", "site-packages", "__pycache__", "build", "dist", "venv"}


@dataclass
class Source:
    """One file.

    Attributes:
        path: as it is shown.
        kind: ``python`` or ``config``.
        text: Python source, of a notebook that of all its cells, one below the other; or the text of a config.
        tree: of Python source.
        problem: why it could not be read, or not in full; else "".
        places: of a notebook, for each line of `text` the number of its cell and of the line in it, from 1.
    """

    path: str
    file: Path
    kind: str
    text: str = ""
    tree: ast.Module | None = None
    problem: str = ""
    places: list[tuple[int, int]] = field(default_factory=list)

    def place(self, line: int) -> str:
        """``12``, or ``cell 3:12`` in a notebook."""
        if self.places and 0 < line <= len(self.places):
            cell, within = self.places[line - 1]
            return f"cell {cell}:{within}"
        return str(line)


def find_files(paths: Iterable[str | os.PathLike[str]]) -> list[tuple[Path, str]]:
    """Every file to scan once, with the path to show; folders are walked, links in a circle are no trouble.

    Raises:
        SettingsError: a path does not exist.
    """
    found: dict[Path, str] = {}
    for given in paths:
        path = path_of(given, "a path to scan", SettingsError)
        if not path.exists():
            raise SettingsError(f"{path} does not exist: expected a file or a folder to scan.")
        for file in _walk(path, set()) if path.is_dir() else [path]:
            found.setdefault(file.resolve(), file.as_posix())
    return sorted(found.items(), key=lambda one: one[1])


def _walk(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    stack = [folder]
    while stack:
        current = stack.pop()
        try:
            stat = current.stat()
            entries = sorted(current.iterdir(), reverse=True)
        except OSError:
            continue
        if (stat.st_dev, stat.st_ino) in seen:
            continue
        seen.add((stat.st_dev, stat.st_ino))
        for entry in entries:
            if entry.name.startswith(".") or entry.name in _SKIPPED:
                continue
            if entry.is_dir():
                if not (entry / "pyvenv.cfg").exists():
                    stack.append(entry)
            elif entry.suffix in (".py", ".ipynb", *_CONFIGS) and entry.is_file():
                yield entry


def read_source(file: Path, shown: str) -> Source:
    """The source of one file; what keeps it from being read is its `problem`, and nothing is raised."""
    config = file.suffix in _CONFIGS
    source = Source(shown, file, "config" if config else "python")
    limit = _LARGEST["config" if config else file.suffix if file.suffix in _LARGEST else ".py"]
    try:
        size = file.stat().st_size
        if size > limit:
            source.problem = f"not scanned: {size:,} bytes, more than {limit:,}"
            return source
        data = file.read_bytes()
    except OSError as error:
        source.problem = f"cannot be read: {error.strerror or error}"
        return source
    if b"\0" in data[:4096]:
        source.problem = "" if config else "not scanned: it holds binary data"
        return source
    if file.suffix == ".ipynb":
        _read_notebook(source, data)
        return source
    text, problem = _decode(data)
    source.text, source.problem = text, problem
    if not config and not problem:
        _parse(source)
    return source


def _decode(data: bytes) -> tuple[str, str]:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n"), ""
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        return "", f"cannot be decoded: {error}"


def _parse(source: Source) -> None:
    if any(len(line) > _LONGEST_LINE for line in source.text.split("\n")):
        source.problem = f"not scanned: a line is longer than {_LONGEST_LINE:,} characters"
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the project's source, such as invalid escapes
            source.tree, first, skipped = parse_leniently(source.text)
    except SyntaxError as error:
        source.problem = f"cannot be parsed: {error.msg} (line {error.lineno})"
    except (ValueError, RecursionError, MemoryError) as error:
        source.problem = f"cannot be parsed: {str(error) or type(error).__name__}"
    else:
        if first is not None:
            rest = f"; {skipped} line{'s' * (skipped != 1)} left out, the rest was scanned" if skipped else ""
            source.problem = f"cannot be parsed: {first.msg} (line {first.lineno}){rest or '; read as older Python'}"


def _read_notebook(source: Source, data: bytes) -> None:
    try:
        cells = json.loads(data.decode("utf-8-sig"))
        cells = cells.get("cells") or [cell for sheet in cells.get("worksheets", ()) for cell in sheet["cells"]]
        texts = [(number, _cell_text(cell)) for number, cell in enumerate(cells, 1) if cell.get("cell_type") == "code"]
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
        source.problem = f"no readable notebook: {error}"
        return
    lines: list[str] = []
    broken: list[int] = []
    for number, text in texts:
        text = _without_magics(text)
        trial = Source(source.path, source.file, "python", text)
        _parse(trial)
        if trial.problem:
            broken.append(number)
            continue
        own = text.split("\n")
        lines += own
        source.places += [(number, line) for line in range(1, len(own) + 1)]
    source.text = "\n".join(lines)
    _parse(source)
    if broken and not source.problem:
        listed = ", ".join(map(str, broken[:5])) + ("..." if len(broken) > 5 else "")
        source.problem = f"cell {listed} cannot be parsed; the other cells were scanned"


def _cell_text(cell: dict[str, object]) -> str:
    text = cell.get("source", cell.get("input", ""))
    return "".join(map(str, text)) if isinstance(text, list) else str(text)


def _without_magics(text: str) -> str:
    """With ``%magic`` and ``!command`` lines blanked, so that the numbers of lines stay."""
    lines: Sequence[str] = text.split("\n")
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith("%%") and not first.startswith(("%%time", "%%capture")):
        return "\n" * (len(lines) - 1)
    kept = []
    for line in lines:
        bare = line.lstrip()
        blank = bare.startswith(("%", "!")) or (bare.startswith("?") or bare.rstrip().endswith("?"))
        kept.append(line[: len(line) - len(bare)] + "pass" if blank and bare else line)
    return "\n".join(kept)
