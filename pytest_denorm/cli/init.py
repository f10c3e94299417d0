"""``pytest-denorm init``: a test of the project's pipelines, and the lines of the ini that name them."""

from __future__ import annotations

import ast
import difflib
import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.files import write_whole
from ..core.ini import Ini, find_ini
from ..errors import SettingsError
from ..pipelines.spec import file_of, with_colon
from .candidates import Candidate, find_candidates
from .terminal import fitted, painted_diff, wants_colors

__all__ = ["run"]

_TEST_NAME = "test_denorm.py"
_MARKERS = (
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "tox.ini",
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "requirements.txt",
    ".git",
)


@dataclass(frozen=True)
class _Change:
    """A file as it is, "" if it is new, and as it will be."""

    path: Path
    old: str
    new: str

    def diff(self, folder: Path) -> str:
        name = self.path.relative_to(folder).as_posix()
        before = f"a/{name}" if self.old else "/dev/null"
        lines = difflib.unified_diff(self.old.splitlines(), self.new.splitlines(), before, f"b/{name}", lineterm="")
        return "\n".join(lines)


def run(folder: Path, *, pipelines: Sequence[str] | None = None, write: bool = False, dry_run: bool = False) -> int:
    """Shows what is to be written, asks, and writes it.

    Args:
        folder: the root of the project.
        pipelines: ``module:attribute`` of each, in place of those that are found in the source.
        write: without asking.
        dry_run: nothing.

    Returns:
        0 if it is written, or was there already, or nothing was to be written; 1 if the answer was no, or one of
        `pipelines` is left to be added by hand.

    Raises:
        SettingsError: `folder` is no project, one of `pipelines` is malformed, no pipeline is found, or the ini cannot
            be added to.
        BaselineError: a file cannot be written.
    """
    folder = folder.resolve()
    _refuse_unless_project(folder)
    given = [_given(spec, folder) for spec in pipelines or ()]
    changes, by_hand = _plan(folder, given), "\n".join(_by_hand(folder, given))
    if not changes:
        print(by_hand or "Nothing to do: the test and the lines of the ini are there.")
        return 1 if by_hand else 0
    text = "\n".join(change.diff(folder) for change in changes)
    print(painted_diff(text) if wants_colors(sys.stdout) else text)
    if dry_run:
        print("\n".join(["", *([by_hand] if by_hand else []), "Nothing was written (--dry-run)."]))
        return 0
    if not write and not _agreed():
        print("Nothing was written.")
        return 1
    for change in changes:
        write_whole(change.path.resolve(), change.new.encode("utf-8"))
    print(f"\nWritten: {', '.join(change.path.relative_to(folder).as_posix() for change in changes)}.")
    print("Now run: pytest, or pytest --denorm for the pipelines that the ini names.")
    if by_hand:
        print(f"\n{by_hand}")
    return 1 if by_hand else 0


def _refuse_unless_project(folder: Path) -> None:
    if any((folder / name).exists() for name in _MARKERS):
        return
    above = next((one for one in folder.parents if any((one / name).exists() for name in _MARKERS)), None)
    hint = f" It may be {above}." if above is not None else ""
    what = "is not the root of a project" if folder.is_dir() else "is no folder"
    raise SettingsError(
        f"{folder} {what}: expected one of {', '.join(_MARKERS)} in it.{hint} Run init at the root, or give --folder."
    )


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise SettingsError("nothing was written: nobody can be asked, because the input is no terminal. Give --yes.")
    try:
        return input("\nWrite this? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _plan(folder: Path, given: Sequence[Candidate]) -> list[_Change]:
    ini = find_ini(folder)
    test = _test_path(folder, ini)
    listed = "denorm_pipelines" in ini.values
    unlisted = _unlisted(ini, given)
    grown = ini.with_more("denorm_pipelines", unlisted) if listed and unlisted else None
    if test.exists() and listed and grown is None:
        return []
    candidates = given or _looked_for(folder)
    labelled = _labelled(candidates)
    changes = [] if test.exists() else [_Change(test, "", _test_text(labelled))]
    added: dict[str, list[str]] = {}
    roots = _roots_to_add(candidates, folder, ini)
    if roots:
        added["pythonpath"] = roots
    named = [f"{label} = {one.spec}" for label, one in labelled.items() if one.spec]
    if named and not listed:
        added["denorm_pipelines"] = named
    if grown or added:
        new = grown or ini
        changes.append(_Change(ini.path, ini.text or "", new.with_lists(added) if added else new.text or ""))
    return changes


def _unlisted(ini: Ini, given: Sequence[Candidate]) -> list[str]:
    """The lines of denorm_pipelines for those of `given` that it lacks, each under a name that it lacks too."""
    parts = [line.partition("=") for line in ini.lines_of("denorm_pipelines")]
    names, specs = {name.strip() for name, _, _ in parts}, {spec.strip() for _, _, spec in parts}
    lines = []
    for label, one in _labelled(given).items():
        if one.spec not in specs:
            while label in names:
                label = f"{one.module.replace('.', '_')}_{label}"
            lines.append(f"{label} = {one.spec}")
    return lines


def _by_hand(folder: Path, given: Sequence[Candidate]) -> Iterator[str]:
    """What to write where, line by line, for pipelines that are named and cannot be added to what is there already.

    A test is the user's own, and may be written in any way.
    """
    ini = find_ini(folder)
    test, labelled = _test_path(folder, ini), _labelled(given)
    if test.exists():
        text = _text(test)
        missing = {label: one for label, one in labelled.items() if not _imports(text, one)}
        if missing:
            yield f"{test.relative_to(folder).as_posix()} is there already, and left as it is. Add to it:"
            yield from (f"    {line}" for line in _import_lines(_known_as(missing)))
            yield "and to the dict in parametrize_with_checks:"
            yield from (f"    {line}" for line in _entries(missing))
    unlisted = _unlisted(ini, given) if "denorm_pipelines" in ini.values else []
    if unlisted and ini.with_more("denorm_pipelines", unlisted) is None:
        yield f"denorm_pipelines in {ini.path.name} is written in a way that cannot be added to safely. Add to it:"
        yield from (f"    {json.dumps(line) + ',' if ini.is_toml else line}" for line in unlisted)


def _text(test: Path) -> str:
    try:
        return test.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{test} cannot be read: {error}") from error


def _imports(text: str, candidate: Candidate) -> bool:
    """Whether the source of a test imports a pipeline by its name."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == candidate.module
        and candidate.name in [alias.name for alias in node.names]
        for node in ast.walk(tree)
    )


def _test_path(folder: Path, ini: Ini) -> Path:
    """In the first folder of tests that there is."""
    places = [folder / name for name in (*ini.list_of("testpaths"), "tests", "test")]
    return next((place for place in places if place.is_dir()), folder / "tests") / _TEST_NAME


def _given(spec: str, folder: Path) -> Candidate:
    module, colon, attribute = spec.partition(":")
    name = attribute.removesuffix("()")
    if not colon or not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        meant = with_colon(spec, [folder])
        raise SettingsError(f"--pipeline {spec}: expected module:attribute, or module:function().{meant}")
    root = next((one for one in (folder / "src", folder) if file_of(module, one)), folder)
    return Candidate(module, name, attribute[len(name) :], root)


def _looked_for(folder: Path) -> tuple[Candidate, ...]:
    found = find_candidates(folder)
    notes = [f"  {file.relative_to(folder)}: {reason}" for file, reason in found.left_out]
    if not found.candidates:
        raise SettingsError(
            "\n".join(
                [
                    f"no pipeline was found in {found.files} Python file(s) of {folder}: looked for names of modules "
                    f"that are assigned a Normalize, a Compose with a Normalize in it, or the transforms of weights, "
                    f"and for functions without arguments that return one. Name yours: "
                    f"pytest-denorm init --pipeline myproject.data:val_transform",
                    *notes,
                ]
            )
        )
    if notes:
        print(fitted("\n".join(["Left out:", *notes, ""])))
    return found.candidates


def _labelled(candidates: Iterable[Candidate]) -> dict[str, Candidate]:
    """By a name that no other has."""
    candidates = list(candidates)
    counts = Counter(one.label for one in candidates)
    return {
        one.label if counts[one.label] == 1 else f"{one.module.replace('.', '_')}_{one.label}": one
        for one in candidates
    }


def _known_as(labelled: Mapping[str, Candidate]) -> dict[tuple[str, str], str]:
    """The name in the test of each module and name that it imports."""
    counts = Counter(name for _, name in {(one.module, one.name) for one in labelled.values()})
    return {
        (one.module, one.name): one.name if counts[one.name] == 1 else f"{one.module.replace('.', '_')}_{one.name}"
        for one in labelled.values()
    }


def _entries(labelled: Mapping[str, Candidate]) -> list[str]:
    """The lines of the dict of pipelines in the test."""
    known = _known_as(labelled)
    return [
        f"{json.dumps(label)}: {known[one.module, one.name]}{one.suffix.replace(chr(39), chr(34))},"
        for label, one in labelled.items()
    ]


def _test_text(labelled: Mapping[str, Candidate]) -> str:
    return "\n".join(
        [
            '"""Normalize can be undone: checked by pytest-denorm."""',
            "",
            "from pytest_denorm import parametrize_with_checks",
            "",
            *_import_lines(_known_as(labelled)),
            "",
            "",
            "# with an inverse of your own: parametrize_with_checks({...}, inverse=undo)",
            "@parametrize_with_checks(",
            "    {",
            *(f"        {line}" for line in _entries(labelled)),
            "    }",
            ")",
            "def test_normalize_can_be_undone(denorm_check):",
            "    denorm_check()",
            "",
        ]
    )


def _import_lines(imported: Mapping[tuple[str, str], str]) -> Iterator[str]:
    for module in sorted({module for module, _ in imported}):
        names = sorted((name, known) for (one, name), known in imported.items() if one == module)
        yield f"from {module} import " + ", ".join(
            name if name == known else f"{name} as {known}" for name, known in names
        )


def _roots_to_add(candidates: Iterable[Candidate], folder: Path, ini: Ini) -> list[str]:
    """What pytest has to be told to import from, relative to `folder`.

    Raises:
        SettingsError: the ini has a pythonpath already that lacks it.
    """
    roots = {one.root for one in candidates if not _is_installed(one, folder)}
    known = {(folder / one).resolve() for one in ini.list_of("pythonpath")}
    missing = sorted(root.relative_to(folder).as_posix() for root in roots - known)
    if missing and "pythonpath" in ini.values:
        raise SettingsError(
            f"pythonpath in {ini.path} is {' '.join(ini.list_of('pythonpath'))!r}, and the pipelines are imported from "
            f"{' '.join(missing)!r}: add that to it, and run init again."
        )
    return missing


def _is_installed(candidate: Candidate, folder: Path) -> bool:
    """Whether the environment imports the module from elsewhere than the working folder; nothing is run."""
    before = list(sys.path)
    here = {folder, Path.cwd().resolve()}
    sys.path[:] = [entry for entry in before if entry and Path(entry).resolve() not in here]
    try:
        spec = importlib.util.find_spec(candidate.module.partition(".")[0])
    except (ImportError, ValueError):
        return False
    finally:
        sys.path[:] = before
    if spec is None:
        return False
    places = [spec.origin, *(spec.submodule_search_locations or ())]
    file = next((Path(place).resolve() for place in places if place and Path(place).exists()), None)
    return file is not None and (candidate.root in file.parents or not _is_in(candidate))


def _is_in(candidate: Candidate) -> bool:
    """Whether the module is a part of the project."""
    top = candidate.root / candidate.module.partition(".")[0]
    return top.is_dir() or top.with_suffix(".py").is_file()
