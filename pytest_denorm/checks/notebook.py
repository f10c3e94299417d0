"""A report as HTML, for notebooks: everything in it is escaped, and it runs no script."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

__all__ = ["html_table"]

_GREEN, _RED, _YELLOW, _GREY = "#2e7d32", "#c62828", "#9a6700", "#757575"
_COLORS = {"passed": _GREEN, "failed": _RED, "unexpectedly passed": _RED, "warned": _YELLOW}
_CELL = "text-align:left;vertical-align:top;padding:1px 12px 1px 0"


def html_table(
    title: str,
    ok: bool,
    facts: Sequence[str],
    rows: Sequence[tuple[str, str, str]],
    summary: str,
    png: bytes | None = None,
) -> str:
    """Return a title, facts, a table of (status, name, message), a summary and a figure as one ``<div>``."""
    lines = [
        f'<tr><td style="{_CELL};color:{_COLORS.get(status, _GREY)};font-weight:600;white-space:nowrap">'
        f'{escape(status)}</td><td style="{_CELL}"><code>{escape(name)}</code></td>'
        f'<td style="{_CELL};white-space:pre-wrap">{escape(message)}</td></tr>'
        for status, name, message in rows
    ]
    data = base64.b64encode(png).decode() if png is not None else ""
    figure = [f'<img alt="the round trip" style="max-width:100%" src="data:image/png;base64,{data}">'] if data else []
    return "\n".join(
        [
            "<div>",
            f'<strong style="color:{_GREEN if ok else _RED}">{escape(title)}</strong>',
            *(f'<div style="white-space:pre-wrap">{escape(fact)}</div>' for fact in facts if fact),
            f"<table>{''.join(lines)}</table>",
            f"<div>{escape(summary)}</div>",
            *figure,
            "</div>",
        ]
    )
