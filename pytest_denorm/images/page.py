"""The review page: one HTML file with everything in it, readable offline and without scripts."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from pathlib import Path

from ..core.text import count_of, printable

#: Which colour an outcome has; what is not here is neutral.
_BAD = ("different", "missing", "unreadable", "no figure", "failed", "unexpectedly passed", "error")
_GOOD = ("equal", "passed")

#: Small pictures are enlarged to about this many pixels.
_SHOWN = 320


@dataclass(frozen=True)
class CheckRow:
    """A check of a pipeline, and what came of it."""

    pipeline: str
    name: str
    status: str
    message: str


@dataclass(frozen=True)
class ImageRow:
    """An image test: `pictures` are PNG files by what they show (baseline, result, difference)."""

    nodeid: str
    status: str
    message: str = ""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    captions: Mapping[str, str] = field(default_factory=dict)


def render(checks: Sequence[CheckRow], images: Sequence[ImageRow], trips: Sequence[ImageRow] = ()) -> str:
    """The page. All text is escaped; a content security policy allows no script but the page's own."""
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
            '<p id="keys" hidden>Keys: <kbd>j</kbd> and <kbd>k</kbd> next and previous picture; in it, '
            "<kbd>1</kbd> side by side, <kbd>2</kbd> slider (<kbd>←</kbd> <kbd>→</kbd>), <kbd>3</kbd> or <kbd>b</kbd> "
            "blink, <kbd>4</kbd> difference.</p>",
            "</header>",
            "<main>",
            *_image_section(images),
            *_trip_section(trips),
            *_check_section(checks),
            "</main>",
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _summary(checks: Sequence[CheckRow], images: Sequence[ImageRow], trips: Sequence[ImageRow]) -> str:
    parts = []
    for rows, what in ((images, "image test"), (checks, "check")):
        if rows:
            statuses = sorted({row.status for row in rows}, key=_rank)
            counts = ", ".join(f"{sum(row.status == status for row in rows)} {status}" for status in statuses)
            parts.append(f"{count_of(len(rows), what)}: {counts}")
    if trips:
        parts.append(f"{count_of(len(trips), 'picture')} of round trips that failed")
    return "; ".join(parts) + "." if parts else "This session had neither checks nor image tests."


def _text(text: str) -> str:
    """Fit to stand between tags and in quoted attributes: no markup, and no character that no page can hold."""
    return escape(printable(text))


def _rank(status: str) -> tuple[int, str]:
    """Failures first, then what was not decided, then what passed."""
    return (0 if status in _BAD else 2 if status in _GOOD else 1), status


def _status(status: str) -> str:
    colour = "bad" if status in _BAD else "good" if status in _GOOD else "note"
    return f'<span class="status {colour}">{_text(status)}</span>'


def _image_section(images: Sequence[ImageRow]) -> list[str]:
    if not images:
        return []
    ordered = sorted(images, key=lambda row: (_rank(row.status), row.nodeid))
    first = [row for row in ordered if row.status not in _GOOD]
    rest = [row for row in ordered if row.status in _GOOD]
    section = ["<h2>Image tests</h2>", *(line for row in first for line in _article(row))]
    if rest:
        opened = "" if first else " open"
        section += [f"<details{opened}><summary>{len(rest)} equal to their baselines</summary>"]
        section += [*(line for row in rest for line in _article(row)), "</details>"]
    return section


def _article(row: ImageRow) -> Iterable[str]:
    yield '<article tabindex="0">'
    yield f'<div class="head"><h3>{_text(row.nodeid)}</h3>{_status(row.status)}</div>'
    yield '<div class="tools"></div>'
    yield '<div class="panels">'
    for kind, data in row.pictures.items():
        width, height = png_size(data)
        zoom = max(1, _SHOWN // max(width, height))
        source = base64.b64encode(data).decode()
        caption = _text(row.captions.get(kind, kind))
        yield (
            f'<figure><figcaption>{caption}</figcaption><img data-kind="{_text(kind)}" '
            f'alt="{_text(kind)} of {_text(row.nodeid)}" width="{width * zoom}" height="{height * zoom}" '
            f'src="data:image/png;base64,{source}"></figure>'
        )
    yield "</div>"
    if row.message:
        yield f"<pre>{_text(row.message)}</pre>"
    yield "</article>"


def _trip_section(trips: Sequence[ImageRow]) -> list[str]:
    if not trips:
        return []
    return ["<h2>Round trips that failed</h2>", *(line for row in trips for line in _article(row))]


def _check_section(checks: Sequence[CheckRow]) -> Iterable[str]:
    by_pipeline = sorted(checks, key=lambda row: row.pipeline)  # stable: checks stay in the battery's order
    groups = [(name, list(rows)) for name, rows in groupby(by_pipeline, key=lambda row: row.pipeline)]
    groups.sort(key=lambda group: min(_rank(row.status) for row in group[1]))
    for name, rows in groups:
        yield f"<h2>Pipeline {_text(name)}</h2>"
        yield "<table><thead><tr><th>check</th><th>outcome</th><th></th></tr></thead><tbody>"
        for row in sorted(rows, key=lambda row: _rank(row.status)[0]):
            yield f"<tr><td>{_text(row.name)}</td><td>{_status(row.status)}</td><td>{_text(row.message)}</td></tr>"
        yield "</tbody></table>"


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height, from the header of a PNG file."""
    width, height = struct.unpack(">II", data[16:24])
    return width, height
