"""The review page: one HTML file that is light enough to open, with what failed first, grouped by what happened."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from ..core.text import count_of, printable
from .comparison import decimal
from .manifest import Result
from .panels import Panel, image_of, panels_of

#: Which color a verdict has; what is not here is neutral.
_BAD = ("different", "missing", "unreadable", "no figure", "failed", "unexpectedly passed", "error")
_GOOD = ("equal", "passed")


@dataclass(frozen=True)
class CheckRow:
    """A check of a pipeline, and what came of it."""

    pipeline: str
    name: str
    status: str
    message: str


@dataclass(frozen=True)
class _Places:
    """Where things are: the project, the results of the session, and the page itself."""

    root: Path
    results: Path
    page: Path

    def link(self, path: Path) -> str:
        """Return the address of a file as the page has to write it; empty where it has none."""
        try:
            relative = os.path.relpath(path, self.page.parent)
        except ValueError:  # another drive
            return ""
        return quote(Path(relative).as_posix(), errors="replace")


def render(
    checks: Sequence[CheckRow],
    images: Sequence[Result],
    trips: Sequence[tuple[str, str, str]] = (),
    *,
    root: Path = Path(),
    results: Path = Path(),
    page: Path = Path("review.html"),
) -> str:
    """Return the page. All text is escaped; a content security policy allows no script but the page's own.

    Args:
        checks: outcomes of checks.
        images: results of image tests; the paths of their images are absolute.
        trips: of round trips that failed: node id, message, path of a PNG file.
        root: the project's folder.
        results: the folder of results, as ``pytest-denorm accept`` takes it.
        page: where the page is going to be.
    """
    places = _Places(root, results, page)
    here = Path(__file__)
    style = here.with_suffix(".css").read_text(encoding="utf-8")
    script = here.with_suffix(".js").read_text(encoding="utf-8")
    key = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{key}'"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            "<title>pytest-denorm: review</title>",
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            "<header>",
            "<h1>pytest-denorm: review</h1>",
            f"<p>{_text(_summary(checks, images, trips))}</p>",
            *_tools(images, checks),
            "</header>",
            "<main>",
            *_failures(images, places),
            *_passes(images),
            *_trip_section(trips),
            *_check_section(checks),
            '<p id="nothing" hidden>Nothing on this page matches the filter.</p>',
            "</main>",
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _summary(checks: Sequence[CheckRow], images: Sequence[Result], trips: Sequence[tuple[str, str, str]]) -> str:
    parts = []
    for statuses, what in (([one.verdict for one in images], "image test"), ([one.status for one in checks], "check")):
        if statuses:
            counts = ", ".join(f"{statuses.count(one)} {one}" for one in sorted({*statuses}, key=_rank))
            parts.append(f"{count_of(len(statuses), what)}: {counts}")
    if trips:
        parts.append(f"{count_of(len(trips), 'figure')} of round trips that failed")
    return "; ".join(parts) + "." if parts else "This session had neither checks nor image tests."


def _text(text: str) -> str:
    """Return a text fit to stand between tags and in quoted attributes."""
    return escape(printable(text))


def _rank(status: str) -> tuple[int, str]:
    """Sort failures first, then what was not decided, then what passed."""
    return (0 if status in _BAD else 2 if status in _GOOD else 1), status


def _status(status: str) -> str:
    color = "bad" if status in _BAD else "good" if status in _GOOD else "note"
    return f'<span class="status {color}">{_text(status)}</span>'


def _module(one: Result) -> str:
    return one.test.partition("::")[0]


def _tools(images: Sequence[Result], checks: Sequence[CheckRow]) -> Iterable[str]:
    """Yield the filter and the keys, which take a script."""
    if not images and not checks:
        return
    yield '<form id="filter" hidden>'
    yield '<input id="search" type="search" placeholder="search tests (/)" aria-label="search tests">'
    verdicts = {*(one.verdict for one in images), *(one.status for one in checks)}
    places = sorted({*map(_module, images), *(one.pipeline for one in checks)})
    named = "module" if not checks else "pipeline" if not images else "module and pipeline"
    for name, words, values in (("verdict", "verdict", sorted(verdicts, key=_rank)), ("module", named, places)):
        options = "".join(f"<option>{_text(value)}</option>" for value in values)
        every = "all" if words != "module and pipeline" else "every"
        plural = f"{words}s" if every == "all" else words
        yield f'<select id="{name}" aria-label="{words}"><option value="">{every} {plural}</option>{options}</select>'
    yield "</form>"
    if not images:
        yield '<p id="keys" hidden>Keys: <kbd>/</kbd> search, <kbd>j</kbd> <kbd>k</kbd> next and previous figure.</p>'
        return
    yield (
        '<p id="keys" hidden>Keys: <kbd>j</kbd> <kbd>k</kbd> next and previous test, <kbd>o</kbd> open, '
        "<kbd>1</kbd> side by side, <kbd>2</kbd> slider, <kbd>3</kbd> onion skin, <kbd>4</kbd> blink, "
        "<kbd>5</kbd> difference, <kbd>+</kbd> <kbd>-</kbd> zoom, <kbd>0</kbd> whole, <kbd>r</kbd> changed region.</p>"
    )
    yield "<noscript><p>Images and the filter need this page's script; the files of images are linked.</p></noscript>"


def _failures(images: Sequence[Result], places: _Places) -> Iterable[str]:
    """Yield what did not pass, one section for each kind of change, the largest first."""
    rest = sorted((one for one in images if one.verdict not in _GOOD), key=lambda one: (_rank(one.verdict), one.kind))
    groups = [list(group) for _, group in groupby(rest, key=lambda one: (one.verdict, one.kind))]
    groups.sort(key=lambda group: (_rank(group[0].verdict)[0], -len(group)))
    if len(groups) > 1:
        entries = [f'<li><a href="#group{at}">{_text(_title(group))}</a></li>' for at, group in enumerate(groups)]
        yield f'<nav aria-label="groups"><ul>{"".join(entries)}</ul></nav>'
    for at, group in enumerate(groups):
        yield f'<section class="group" id="group{at}"><h2>{_text(_title(group))}</h2>'
        command = _accept(group[0], places)
        if command:
            yield f'<p class="command">Accept all of them: <code>{_text(command)}</code></p>'
        for index, one in enumerate(sorted(group, key=lambda one: one.test)):
            yield from _article(one, places, opened=index == 0)
        yield "</section>"


def _title(group: Sequence[Result]) -> str:
    """Return what all of a group have in common: ``22 tests: channels reversed (BGR for RGB)``."""
    first, number = group[0], count_of(len(group), "test")
    said = {re.sub(r"^(all tiles|tiles? [\d,. -]+|the image): ", "", one.diagnosis) for one in group}
    if first.verdict == "missing":
        return f"{number}: no baseline yet"
    if not first.diagnosis or not first.kind:
        return f"{number}: {first.verdict}"
    common = said.pop() if len(said) == 1 else first.kind.replace("-", " ")
    beginning = number if first.verdict == "different" else f"{number} {first.verdict}"
    return f"{beginning}: {common if len(common) < 90 else first.kind.replace('-', ' ')}"


def _accept(one: Result, places: _Places) -> str:
    if one.verdict not in ("different", "missing", "unreadable") or not one.kind or not one.target:
        return ""
    try:
        folder = os.path.relpath(places.results, places.root)
    except ValueError:  # another drive
        folder = str(places.results)
    return f"pytest-denorm accept {shlex.quote(folder)} --only-diagnosis {one.kind}"


def _article(one: Result, places: _Places, *, opened: bool) -> Iterable[str]:
    yield f'<article tabindex="0" {_found_by(one.test, one.verdict, _module(one))}>'
    yield f'<div class="head"><h3>{_text(one.test)}</h3>{_status(one.verdict)}</div>'
    links = [_link_to_line(one, places)] if one.file else []
    links += [
        f'<a href="{_text(places.link(Path(path)))}">{_text(kind)}.png</a>'
        for kind, path in one.images.items()
        if kind in ("baseline", "result") and places.link(Path(path))
    ]
    yield f'<p class="links">{" · ".join(links)}</p>'
    if one.diagnosis:
        yield f'<p class="diagnosis">{_text(one.diagnosis)}</p>'
    if one.numbers:
        yield f'<p class="numbers">{_text(_numbers(one.numbers))}</p>'
    panels = panels_of(one)
    if panels:
        yield f"<details{' open' if opened else ''}><summary>images</summary>"
        yield f'<div class="viewer" data-box="{_text(_box(one.numbers))}"><template>'
        yield from (_panel(panel, one) for panel in panels)
        yield "</template></div></details>"
    if one.message:
        yield "<details class='said'><summary>what the terminal said</summary>"
        yield f"<pre>{_text(one.message)}</pre></details>"
    yield "</article>"


def _link_to_line(one: Result, places: _Places) -> str:
    server, repository, commit = (os.environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "SHA"))
    address = f"{places.link(places.root / one.file)}#L{one.line}"
    if server.startswith("https://") and repository and commit:
        address = f"{server}/{repository}/blob/{commit}/{quote(one.file, errors='replace')}#L{one.line}"
    return f'<a href="{_text(address)}">{_text(one.file)}:{one.line}</a>'


def _numbers(numbers: Mapping[str, object]) -> str:
    counted = {"differing_pixels": "pixel", "differing_tiles": "tile", "max_difference": "level"}
    words = {
        "differing_pixels": "{} differs" if numbers.get("differing_pixels") == 1 else "{} differ",
        "differing_tiles": "in {}",
        "max_difference": "by up to {}",
        "mean_difference": "{} on average",
        "psnr": "PSNR {} dB",
        "baseline_size": "baseline {}",
        "result_size": "result {}",
    }
    said = []
    for name, text in words.items():
        value = numbers.get(name)
        if isinstance(value, int) and name in counted:
            value = count_of(value, counted[name])
        if value is not None:
            said.append(text.format(decimal(value) if isinstance(value, float) and name != "psnr" else value))
    return ", ".join(said)


def _box(numbers: Mapping[str, object]) -> str:
    box = numbers.get("box")
    return ",".join(map(str, box)) if isinstance(box, list) else ""


def _panel(panel: Panel, one: Result) -> str:
    """Return one image of several layers, each at its place in the canvas: a reduced copy, and an exact part of it."""
    layers = "".join(
        f'<img alt="{_text(panel.kind)} of {_text(one.test)}" style="left:{layer.left}px;top:{layer.top}px;'
        f'width:{layer.width}px;height:{layer.height}px" src="{layer.source}">'
        for layer in panel.layers
    )
    return (
        f'<figure data-kind="{_text(panel.kind)}" data-width="{panel.width}" data-height="{panel.height}">'
        f"<figcaption>{_text(panel.caption)}</figcaption>{layers}</figure>"
    )


def _passes(images: Sequence[Result]) -> Iterable[str]:
    passed = sorted((one for one in images if one.verdict in _GOOD), key=lambda one: one.test)
    if not passed:
        return
    failed = len(passed) < len(images)
    yield f'<section class="group"><h2>{count_of(len(passed), "test")} equal to the baselines</h2>'
    yield f"<details{'' if failed else ' open'}><summary>thumbnails</summary><div class='thumbnails'>"
    for one in passed:
        image = image_of(one, "thumbnail")
        shown = f'<img loading="lazy" alt="" src="{image}">' if image else ""
        yield (
            f'<figure class="thumbnail" {_found_by(one.test, one.verdict, _module(one))}>'
            f"{shown}<figcaption>{_text(one.test)}</figcaption></figure>"
        )
    yield "</div></details></section>"


def _found_by(test: str, verdict: str, place: str) -> str:
    """Return the attributes that the filter looks at."""
    return f'data-test="{_text(test.lower())}" data-verdict="{_text(verdict)}" data-module="{_text(place)}"'


def _trip_section(trips: Sequence[tuple[str, str, str]]) -> Iterable[str]:
    if not trips:
        return
    yield '<section class="group"><h2>Round trips that failed</h2>'
    for index, (nodeid, message, path) in enumerate(trips):
        try:
            source = base64.b64encode(Path(path).read_bytes()).decode()
        except OSError:  # another session in the same folder may have taken it away
            source = ""
        yield f'<article tabindex="0" {_found_by(nodeid, "failed", nodeid.rpartition("::")[0])}>'
        yield f'<div class="head"><h3>{_text(nodeid)}</h3>{_status("failed")}</div><pre>{_text(message)}</pre>'
        if source:
            yield f"<details{'' if index else ' open'}><summary>figure</summary>"
            yield f'<img class="trip" alt="of {_text(nodeid)}" src="data:image/png;base64,{source}"></details>'
        yield "</article>"
    yield "</section>"


def _check_section(checks: Sequence[CheckRow]) -> Iterable[str]:
    by_pipeline = sorted(checks, key=lambda row: row.pipeline)  # stable: checks stay in the battery's order
    groups = [(name, list(rows)) for name, rows in groupby(by_pipeline, key=lambda row: row.pipeline)]
    groups.sort(key=lambda group: min(_rank(row.status) for row in group[1]))
    for name, rows in groups:
        yield f'<section class="group"><h2>Pipeline {_text(name)}</h2>'
        yield "<table><thead><tr><th>check</th><th>outcome</th><th></th></tr></thead><tbody>"
        for row in sorted(rows, key=lambda row: _rank(row.status)[0]):
            found = _found_by(f"{name}::{row.name}", row.status, name)
            cells = (_text(row.name), _status(row.status), _text(row.message))
            yield f"<tr {found}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        yield "</tbody></table></section>"
