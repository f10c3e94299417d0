"""``pytest-denorm init``: a test of the project's pipelines, and the lines of the ini that name them."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ..core.files import write_whole
from ..core.ini import Ini, find_ini
from ..errors import SettingsError
from ..pipelines.spec import file_of, with_colon
from .candidates import Candidate, find_candidates
from .terminal import wrap_text

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


def run(folder: Path, *, pipelines: Sequence[str] | None = None, write: bool = False) -> int:
    """Print the lines that test the project's pipelines, and write the test file if asked to.

    Args:
        folder: the root of the project.
        pipelines: ``module:attribute`` of each, in place of those that are found in the source.
        write: write the test file. The ini is left alone in any case.

    Returns:
        0, or 1 where the test file was to be written, and is there already with other contents.

    Raises:
        SettingsError: `folder` is no project, one of `pipelines` is malformed, or no pipeline is found.
        BaselineError: the file cannot be written.
    """
    folder = folder.resolve()
    _refuse_unless_project(folder)
    given = [_given(spec, folder) for spec in pipelines or ()]
    ini = find_ini(folder)
    labelled = _labelled(given or _looked_for(folder))
    test, text = _test_path(folder, ini), _test_text(labelled)
    name = test.relative_to(folder).as_posix()
    print("\n".join(_list_of(labelled)))
    needed = list(_pythonpath(labelled.values(), folder, ini))
    if not write:
        print(f"\nEither list them in {ini.path.name}, and run pytest --denorm:\n")
        print("\n".join(f"    {line}" for line in _ini_lines(ini, labelled, needed)))
        print(f"\nOr have a test of them, which pytest-denorm init --yes writes into {name}:\n")
        print("\n".join(f"    {line}".rstrip() for line in text.splitlines()))
        return 0
    if test.exists() and _text(test) != text:
        print(f"\n{name} is there already, and is left as it is. These are the lines:\n\n{text}", end="")
        return 1
    write_whole(test.resolve(), text.encode("utf-8"))
    print(f"\nWritten: {name}. Now run: pytest {name}")
    if needed:
        print(f"\nAdd to {ini.path.name}, so that pytest finds the modules:\n")
        print("\n".join(f"    {line}" for line in _ini_lines(ini, {}, needed)))
    return 0


def _refuse_unless_project(folder: Path) -> None:
    if any((folder / name).exists() for name in _MARKERS):
        return
    above = next((one for one in folder.parents if any((one / name).exists() for name in _MARKERS)), None)
    hint = f" It may be {above}." if above is not None else ""
    what = "is not the root of a project" if folder.is_dir() else "is no folder"
    raise SettingsError(
        f"{folder} {what}: expected one of {', '.join(_MARKERS)} in it.{hint} Run init at the root, or give --folder."
    )


# --- which pipelines ---


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
                    f"that are assigned a Normalize, a Compose with a Normalize in it, the transforms of weights, or "
                    f"what a function returns of these, and for functions without arguments that return one. Name "
                    f"yours: pytest-denorm init --pipeline myproject.data:val_transform",
                    *notes,
                ]
            )
        )
    if notes:
        print(wrap_text("\n".join(["Left out:", *notes, ""])))
    if found.spare:
        names = "\n".join(f"  {one.spec}" for one in found.spare)
        print(f"Inverses by their names, which were given to no pipeline:\n{names}\n")
    return found.candidates


def _labelled(candidates: Iterable[Candidate]) -> dict[str, Candidate]:
    """By a name that no other has."""
    candidates = list(candidates)
    counts = Counter(one.label for one in candidates)
    return {
        one.label if counts[one.label] == 1 else f"{one.module.replace('.', '_')}_{one.label}": one
        for one in candidates
    }


def _list_of(labelled: Mapping[str, Candidate]) -> Iterator[str]:
    count = len(labelled)
    yield f"{count} pipeline{'s' * (count != 1)}:"
    for one in labelled.values():
        inverse = f", and its inverse {one.inverse.spec}" if one.inverse else ""
        yield f"  {one.module}:{one.name}{one.suffix}{inverse}"


# --- the lines of the ini ---


def _ini_lines(ini: Ini, labelled: Mapping[str, Candidate], pythonpath: Sequence[str]) -> Iterator[str]:
    """The lines to paste below the section of pytest."""
    entries = [
        f"{label} = {one.spec}" + (f"  inverse={one.inverse.spec}" if one.inverse else "")
        for label, one in labelled.items()
        if one.spec
    ]
    yield f"[{ini.section}]"
    for key, values in (("pythonpath", pythonpath), ("denorm_pipelines", entries)):
        if values and ini.is_toml:
            yield from (f"{key} = [", *(f"    {json.dumps(value, ensure_ascii=False)}," for value in values), "]")
        elif values:
            yield from (f"{key} =", *(f"    {value}" for value in values))


def _pythonpath(candidates: Iterable[Candidate], folder: Path, ini: Ini) -> Iterator[str]:
    """What pytest has to be told to import from, relative to `folder`, with what it is told already."""
    roots = {one.root for one in candidates if not _is_installed(one, folder)}
    told = ini.list_of("pythonpath")
    missing = sorted(root.relative_to(folder).as_posix() for root in roots - {(folder / one).resolve() for one in told})
    yield from (*told, *missing) if missing else ()


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


# --- the test file ---


def _test_path(folder: Path, ini: Ini) -> Path:
    """In the first folder of tests that there is."""
    places = [folder / name for name in (*ini.list_of("testpaths"), "tests", "test")]
    return next((place for place in places if place.is_dir()), folder / "tests") / _TEST_NAME


def _text(test: Path) -> str:
    try:
        return test.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{test} cannot be read: {error}") from error


def _test_text(labelled: Mapping[str, Candidate]) -> str:
    """One test for the pipelines of each inverse, and one for those of none."""
    groups: dict[Candidate | None, dict[str, Candidate]] = {}
    for label, one in labelled.items():
        groups.setdefault(one.inverse, {})[label] = one
    inverses = [inverse for inverse in groups if inverse is not None]
    known = _known_as([*labelled.values(), *inverses])
    lines = [
        '"""Normalize can be undone: checked by pytest-denorm."""',
        "",
        "from pytest_denorm import parametrize_with_checks",
        "",
        *_import_lines(known),
    ]
    for inverse, members in groups.items():
        subject = "" if len(groups) == 1 or inverse is None else f"_by_{_expression(inverse, known).removesuffix('()')}"
        lines += [
            "",
            "",
            *([] if inverse else ["# with an inverse of your own: parametrize_with_checks({...}, inverse=undo)"]),
            "@parametrize_with_checks(",
            "    {",
            *(f"        {json.dumps(label)}: {_expression(one, known)}," for label, one in members.items()),
            "    }," if inverse else "    }",
            *([f"    inverse={_expression(inverse, known)},"] if inverse else []),
            ")",
            f"def test_normalize_can_be_undone{subject.replace('.', '_')}(denorm_check):",
            "    denorm_check()",
        ]
    return "\n".join([*lines, ""])


def _known_as(candidates: Iterable[Candidate]) -> dict[tuple[str, str], str]:
    """The name in the test of each module and name that it imports: one that pytest takes for no test."""
    imported = dict.fromkeys((one.module, one.name.partition(".")[0]) for one in candidates)
    counts = Counter(name for _, name in imported)
    return {
        (module, name): name
        if counts[name] == 1 and not name.lower().startswith("test")
        else f"{module.replace('.', '_')}_{name}"
        for module, name in imported
    }


def _expression(one: Candidate, known: Mapping[tuple[str, str], str]) -> str:
    name, dot, rest = one.name.partition(".")
    return f"{known[one.module, name]}{dot}{rest}{one.suffix.replace(chr(39), chr(34))}"


def _import_lines(imported: Mapping[tuple[str, str], str]) -> Iterator[str]:
    for module in sorted({module for module, _ in imported}):
        names = sorted((name, known) for (one, name), known in imported.items() if one == module)
        yield f"from {module} import " + ", ".join(
            name if name == known else f"{name} as {known}" for name, known in names
        )
