"""A report as HTML, for notebooks: everything in it is escaped, and it runs no script."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from ..errors import DenormError

if TYPE_CHECKING:
    from .report import Report

__all__ = ["report_html"]

_GREEN, _RED, _GREY = "#2e7d32", "#c62828", "#757575"
_COLOURS = {"passed": _GREEN, "failed": _RED, "unexpectedly passed": _RED}
_CELL = "text-align:left;vertical-align:top;padding:1px 12px 1px 0"


def report_html(report: Report) -> str:
    """A table of the checks, the diagnosis, and a picture of the round trip where that failed."""
    rows = [
        f'<tr><td style="{_CELL};color:{_COLOURS.get(one.status, _GREY)};font-weight:600;white-space:nowrap">'
        f'{escape(one.status)}</td><td style="{_CELL}"><code>{escape(one.name)}</code></td>'
        f'<td style="{_CELL};white-space:pre-wrap">{escape(one.message)}</td></tr>'
        for one in report.results
    ]
    facts = [report.statistics, f"inverse: {report.inverse}"]
    if report.diagnosis is not None and report.diagnosis.kind != "exact":
        facts.append(f"diagnosis: {report.diagnosis}")
    colour = _GREEN if report.ok else _RED
    return "\n".join(
        [
            "<div>",
            f'<strong style="color:{colour}">pytest-denorm: {escape(report.title)}</strong>',
            *(f'<div style="white-space:pre-wrap">{escape(fact)}</div>' for fact in facts if fact),
            f"<table>{''.join(rows)}</table>",
            f"<div>{escape(report.summary())}</div>",
            *_picture(report),
            "</div>",
        ]
    )


def _picture(report: Report) -> list[str]:
    if not report.can_be_drawn:
        return []
    try:
        data = base64.b64encode(report.png()).decode()
    except DenormError:
        return []  # the inverse raises; the check says so
    return [f'<img alt="the round trip" style="max-width:100%" src="data:image/png;base64,{data}">']
