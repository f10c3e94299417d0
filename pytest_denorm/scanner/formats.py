"""The faces of a scan: text, JSON, SARIF, and annotations of GitHub."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..core.text import count_of
from .codes import CODES, Finding
from .scanning import ScanResult

__all__ = ["FORMATS", "as_github", "as_json", "as_sarif", "as_text", "fingerprint"]

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(result: ScanResult) -> str:
    """One line a finding, the line of source below it, and a summary."""
    lines = []
    for one in result.findings:
        level = "" if one.level == "error" else f" [{one.level}]"
        lines.append(f"{one.where}: {one.code}{level} {one.message}")
        if one.source:
            lines.append(f"    {one.source}")
    counts = Counter(one.level for one in result.findings)
    found = ", ".join(count_of(counts[level], level) for level in ("error", "warning", "note") if counts[level])
    seen = f"{count_of(len(result.statistics), 'normalization')}, {count_of(len(result.inverses), 'inverse')}"
    lines.append(f"{found or 'Nothing wrong'}: {seen} in {count_of(result.files, 'file')}.")
    return "\n".join(lines)


def as_json(result: ScanResult) -> str:
    """Findings, and what they were found among."""
    return json.dumps(
        {
            "findings": [one.to_dict() for one in result.findings],
            "statistics": list(result.statistics),
            "inverses": list(result.inverses),
            "files": result.files,
            "lines": result.lines,
        },
        indent=2,
    )


def as_sarif(result: ScanResult) -> str:
    """SARIF 2.1.0, as code scanning takes it."""
    from .. import __version__

    used = sorted({one.code for one in result.findings})
    rules = [
        {
            "id": code,
            "name": CODES[code].name,
            "shortDescription": {"text": CODES[code].summary},
            "defaultConfiguration": {"level": CODES[code].level},
        }
        for code in used
    ]
    results = [
        {
            "ruleId": one.code,
            "ruleIndex": used.index(one.code),
            "level": one.level,
            "message": {"text": one.message},
            "partialFingerprints": {"denorm/v1": fingerprint(one)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": one.path},
                        "region": {"startLine": max(one.line, 1), "startColumn": max(one.column, 1)},
                    }
                }
            ],
        }
        for one in result.findings
    ]
    driver = {"name": "pytest-denorm", "version": __version__, "rules": rules}
    run: dict[str, Any] = {"tool": {"driver": driver}, "results": results}
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def as_github(result: ScanResult) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    levels = {"note": "notice"}
    lines = [
        f"::{levels.get(one.level, one.level)} file={_property(one.path)},line={one.line},col={one.column},"
        f"title={one.code}::{_data(one.message)}"
        for one in result.findings
    ]
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


#: Each format by its name.
FORMATS: dict[str, Callable[[ScanResult], str]] = {
    "text": as_text,
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
}


def fingerprint(finding: Finding) -> str:
    """What stays of a finding when lines above it come and go."""
    parts = (finding.code, finding.path, finding.source)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def without_known(findings: Iterable[Finding], known: Sequence[str]) -> tuple[Finding, ...]:
    """The findings that a baseline does not have; one that it has twice may stand twice."""
    left = Counter(known)
    kept = []
    for one in findings:
        mark = fingerprint(one)
        if left[mark] > 0:
            left[mark] -= 1
        else:
            kept.append(one)
    return tuple(kept)
