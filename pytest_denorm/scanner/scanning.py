"""``scan``: what is wrong with the normalization of a project, read off its source."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import foreign
from ..core.arguments import listed
from ..errors import SettingsError
from .codes import CODES, LEVELS, Finding
from .inverses import Inverse, find_inverses
from .pairs import judge_inverses, judge_statistics
from .project import Project
from .records import Place, Record
from .sources import Source, find_files, read_source
from .wording import Draft

__all__ = ["ScanResult", "evaluate", "scan"]

_IGNORED = re.compile(r"#\s*denorm:\s*ignore(?:\[(?P<codes>[\w,\s]*)\])?")
#: Nested expressions of scanned source that are followed.
_DEEPEST = 4_000


@dataclass(frozen=True)
class ScanResult:
    """What a scan found.

    Attributes:
        findings: errors first, then by place.
        statistics: each place that normalizes with numbers of the source.
        inverses: each place that undoes a Normalize.
        files, lines: how many were scanned; lines are those of Python.
    """

    findings: tuple[Finding, ...]
    statistics: tuple[dict[str, Any], ...]
    inverses: tuple[dict[str, Any], ...]
    files: int
    lines: int

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not any(one.level == "error" for one in self.findings)


def scan(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = ".",
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    notes: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ScanResult:
    """Find what is wrong with the normalization of a project, without importing or running any of it.

    Args:
        paths: files and folders: Python, notebooks, YAML, JSON and TOML.
        select: codes, or their beginnings, to report alone: ``DN1``, ``DN102``.
        ignore: codes, or their beginnings, to leave out.
        notes: report notes too: truncation, changes in place, rounded numbers, what was not judged.
        progress: is called with the number of files done and of all.

    Raises:
        SettingsError: a path does not exist, or a code is unknown.
    """
    for name, codes in (("select", select), ("ignore", ignore)):
        _refuse_unknown(listed(codes, name, SettingsError, "a list of codes, such as ['DN1']"))
    one = isinstance(paths, (str, bytes, os.PathLike))
    given: list[Any] = [paths] if one else listed(paths, "paths", SettingsError, "files and folders, or a list of them")
    files = find_files(given)
    sources = []
    for done, (file, shown) in enumerate(files, 1):
        sources.append(read_source(file, shown))
        if progress is not None:
            progress(done, 2 * len(files))
    project, inverses, drafts = _evaluated(sources, len(files), progress)
    by_path = {one.path: one for one in sources}
    unread = [Draft("DN901", "note", Place(one.path, 1, 1), one.problem) for one in sources if one.problem]
    failed = [
        Draft("DN901", "note", Place(path, line, 1), f"not evaluated, by a fault of the scan: {why}")
        for (path, line), why in project.failures.items()
    ]
    findings = [_finding(one, by_path) for one in (*drafts, *unread, *failed)]
    kept = sorted(
        {one for one in findings if _is_wanted(one, select, ignore, notes) and not _is_ignored(one, by_path)},
        key=lambda one: (LEVELS.index(one.level), one.path, one.line, one.code, one.message, one.related),
    )
    kept = list({(one.code, one.where, one.message): one for one in reversed(kept)}.values())[::-1]
    live = [
        one
        for one in project.records
        if not one.dead and not one.inverse and (one.form != "arithmetic" or not one.weak or one.names or one.image)
    ]
    return ScanResult(
        tuple(kept),
        tuple(_described(one, by_path) for one in live),
        tuple(_described(one.record, by_path) | {"reason": one.reason, "named": one.named} for one in inverses),
        len(files),
        sum(one.text.count("\n") for one in sources if one.kind == "python"),
    )


def evaluate(files: Iterable[tuple[Path, str]]) -> tuple[Project, list[Inverse]]:
    """Return the project that some files are, each with the path to show, and its inverses."""
    with _deep():
        project = Project(read_source(file, shown) for file, shown in files)
        project.run()
        return project, find_inverses(project)


@contextmanager
def _deep() -> Iterator[None]:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _evaluated(
    sources: Sequence[Source], count: int, progress: Callable[[int, int], None] | None
) -> tuple[Project, list[Inverse], list[Draft]]:
    with _deep():
        project = Project(sources)
        done = count

        def tell() -> None:
            nonlocal done
            done = min(done + 1, 2 * count)
            if progress is not None:
                progress(done, 2 * count)

        project.run(tell)
        inverses = find_inverses(project)
        drafts = [*judge_statistics(project), *judge_inverses(project, inverses), *_missing(project, inverses)]
    return project, inverses, drafts


def _missing(project: Project, inverses: Sequence[Inverse]) -> Iterator[Draft]:
    """Normalized images of three channels that are drawn as they are."""
    for shown in project.shown:
        own = [
            one for one in project.records
            if one.place.path == shown.place.path and not one.dead and not one.inverse and one.form == "call"
        ]  # fmt: skip
        if (
            shown.normalized
            and own
            and all(len(one.mean) == 3 for one in own)
            and shown.how in ("imshow", "ToPILImage", "to_pil_image", "save_image", "imsave")
        ):
            yield Draft("DN105", "warning", shown.place, f"{shown.how} is given a normalized image as it is: undo the "
                        f"Normalize first", own[0].place)  # fmt: skip


def _finding(draft: Draft, sources: dict[str, Source]) -> Finding:
    source = sources[draft.place.path]
    lines = source.text.split("\n") if source.text else []
    line = lines[draft.place.line - 1].strip() if 0 < draft.place.line <= len(lines) else ""
    related = f"{draft.related.path}:{sources[draft.related.path].place(draft.related.line)}" if draft.related else ""
    return Finding(
        draft.code, draft.level, draft.place.path, draft.place.line, draft.place.column, draft.message,
        f"{draft.place.path}:{source.place(draft.place.line)}:{draft.place.column}", related, line[:200],
    )  # fmt: skip


def _described(record: Record, sources: dict[str, Source]) -> dict[str, Any]:
    return {
        "path": record.place.path, "line": record.place.line, "mean": list(record.mean), "std": list(record.std),
        "white": record.white, "form": record.form, "name": record.label, "scope": record.scope,
    }  # fmt: skip


def _is_wanted(finding: Finding, select: Sequence[str], ignore: Sequence[str], notes: bool) -> bool:
    if finding.code.startswith(tuple(ignore)) and ignore:
        return False
    if select:
        return finding.code.startswith(tuple(select))
    return notes or finding.level != "note" or finding.code == "DN901"


def _is_ignored(finding: Finding, sources: dict[str, Source]) -> bool:
    lines = sources[finding.path].text.split("\n")
    found = _IGNORED.search(lines[finding.line - 1]) if 0 < finding.line <= len(lines) else None
    if found is None:
        return False
    codes = [one.strip() for one in (found["codes"] or "").split(",") if one.strip()]
    return not codes or any(finding.code.startswith(one) for one in codes)


def _refuse_unknown(codes: Sequence[str]) -> None:
    for one in codes:
        if not isinstance(one, str) or not one or not any(known.startswith(one) for known in CODES):
            raise SettingsError(
                f"no code begins with {foreign.shown(one)}: expected one of {', '.join(CODES)}, or a "
                f"beginning such as DN1."
            )
