"""``pytest-denorm accept``: the images that a session drew become the baselines, without running its tests again."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..core.files import write_whole
from ..errors import BaselineError, SettingsError
from .baselines import read_bytes
from .digests import DIGESTS, Digest, digest_of, read_library, write_digests
from .manifest import Result, inside, read_manifest
from .names import is_legal
from .png import decode_png, encode_baseline, is_lfs_pointer, pixels_of

#: The verdicts on tests whose images may be accepted.
_ACCEPTABLE = ("different", "missing", "unreadable")


@dataclass
class Accepted:
    """What was written, and why the rest was not: (test, reason)."""

    written: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def accept(folder: Path, root: Path, keyword: str = "", kinds: Iterable[str] = ()) -> Accepted:
    """Store the images of failed tests as their baselines.

    Args:
        folder: the results of a session, with ``results.json``.
        root: the root folder of the project, below which baselines are written.
        keyword: which tests, as after pytest's ``-k``; empty for all.
        kinds: which diagnoses; none for all.

    Raises:
        BaselineError: no manifest.
        SettingsError: an expression or a diagnosis that selects nothing.
    """
    results = [one for one in read_manifest(folder) if one.verdict in _ACCEPTABLE]
    kinds, is_meant = set(kinds), matcher(keyword)
    chosen = [one for one in results if is_meant(one.test) and (not kinds or one.kind in kinds)]
    if results and not chosen:
        found = ", ".join(sorted({one.kind for one in results if one.kind})) or "none"
        raise SettingsError(f"none of {len(results)} failed image tests is selected. Their diagnoses: {found}.")
    done = Accepted()
    for one in chosen:
        try:
            done.written += _take_over(one, folder, root)
        except BaselineError as error:
            done.refused.append((one.test, str(error)))
    return done


def _take_over(one: Result, folder: Path, root: Path) -> list[str]:
    """Write the baseline of one test, in the form that its session stores, and in the other if that is there."""
    if not one.target:
        raise BaselineError("its baseline is on a server: replace it there.")
    if one.kind == "flaky":
        raise BaselineError("it drew another image the second time: seed what it draws at random.")
    target = inside(root, one.target)
    if not is_legal(target.name):
        raise BaselineError(f"{one.target} is no name of a baseline.")
    if "result" not in one.images:
        raise BaselineError("its session kept no image.")
    source = inside(folder, one.images["result"])
    data = read_bytes(source)
    if data is None:
        raise BaselineError(f"{source} does not exist.")
    pixels = decode_png(data, str(source))
    if digest_of(pixels).sha256 != one.sha256:
        raise BaselineError(f"{source} does not show what the test drew: the folder holds results of another session.")
    before = read_bytes(target, root)
    if before is not None and is_lfs_pointer(before):
        raise BaselineError(f"{one.target} is a Git LFS pointer: run git lfs pull, and the test again.")
    found = pixels_of(target)
    if one.before and found is not None and digest_of(found).sha256 not in (one.before, one.sha256):
        raise BaselineError(f"{one.target} is not the baseline that its session compared with: run the test again.")
    written = []
    library = read_library(target.parent)
    if one.form == "digests" or target.name in library.entries or target.name in library.disputed:
        write_digests(target.parent, {target.name: Digest(one.sha256, tuple(one.tiles.split()))})
        written.append(f"{target.parent / DIGESTS} ({target.name})")
    if one.form == "images" or before is not None:
        write_whole(target, encode_baseline(pixels))
        written.append(str(target))
    return written


def matcher(expression: str) -> Callable[[str], bool]:
    """Return what tells whether a node id is selected: words with ``and``, ``or``, ``not`` and brackets, as after -k.

    Raises:
        SettingsError: no such expression.
    """
    words: dict[str, str] = {}

    def name_word(found: re.Match[str]) -> str:
        if found[0] in ("and", "or", "not"):
            return found[0]
        return words.setdefault(found[0].lower(), f"word{len(words)}")

    source = re.sub(r"[^\s()]+", name_word, expression).strip()
    if not source:
        return lambda test: True
    try:
        tree = ast.parse(source, mode="eval").body
        _holds(tree, set())
    except (SyntaxError, ValueError):
        raise SettingsError(f"-k cannot be read: {expression!r}. Expected words, and, or, not and brackets.") from None
    return lambda test: _holds(tree, {name for word, name in words.items() if word in test.lower()})


def _holds(node: ast.expr, true: set[str]) -> bool:
    """Return the value of an expression in which these names are true."""
    if isinstance(node, ast.BoolOp):
        values = [_holds(one, true) for one in node.values]
        return all(values) if isinstance(node.op, ast.And) else any(values)
    if isinstance(node, ast.UnaryOp):
        return not _holds(node.operand, true)
    if isinstance(node, ast.Name):
        return node.id in true
    raise ValueError(node)
