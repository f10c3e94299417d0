"""Mean and std in YAML, JSON and TOML files, with the lines they stand on; templates and broken files too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .records import Place, Record
from .sources import Source

__all__ = ["statistics_of"]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_KEY = r"(?P<indent>[ \t{,]*(?:- )?)[\"']?(?P<key>[A-Za-z_][\w.-]*)[\"']?\s*[:=]\s*"
_INLINE = re.compile(rf"{_KEY}[\[(]\s*(?P<numbers>{_NUMBER}(?:\s*,\s*{_NUMBER})*)\s*,?\s*[\])]", re.MULTILINE)
_BLOCK = re.compile(rf"^{_KEY}(?:#.*)?\n(?P<numbers>(?:[ \t]*- {_NUMBER}[ \t]*(?:#.*)?\n?)+)", re.MULTILINE)
_WORDS = (("mean", "std"), ("means", "stds"), ("mean", "stdev"), ("mean", "sd"))
#: How many lines apart mean and std may stand.
_NEAR = 12
#: How many lines above it the keys around a line are looked for.
_ABOVE = 200
_OUTER = re.compile(r"[ \t]*(?:- )?[\"'\[]*(?P<key>[A-Za-z_][\w-]*)[\"'\].\w]*\s*[:\]]")


def statistics_of(source: Source) -> Iterator[Record]:
    """A record for each pair of mean and std of one to four channels in the text of a config."""
    text = source.text
    if "mean" not in text.lower():
        return
    found = sorted(
        (one for pattern in (_INLINE, _BLOCK) for one in pattern.finditer(text)), key=lambda one: one.start()
    )
    lists = [
        (one["key"], [float(n) for n in re.findall(_NUMBER, _values(one))], _line(text, one.start("key")))
        for one in found
        if 1 <= len(re.findall(_NUMBER, _values(one))) <= 4
    ]
    for key, mean, line in lists:
        names = _partners(key)
        near = [(abs(at - line), name, std) for name, std, at in lists if name in names and abs(at - line) <= _NEAR]
        if not near:
            continue
        _, partner, std = min(near, key=lambda one: one[0])
        if len(std) not in (1, len(mean)) or min(std) <= 0 or max(mean) > 256 or min(mean) < 0 or not any(mean):
            continue
        white = 1.0 if max(mean) <= 1.5 and max(std) <= 1.5 else 255.0
        std = std * len(mean) if len(std) == 1 else std
        yield Record(
            False, Place(source.path, line, 1), tuple(mean), tuple(std), white, "config", _keys_around(text, line), key,
            partner=partner,
        )  # fmt: skip


def _values(found: re.Match[str]) -> str:
    return re.sub(r"#.*", "", found["numbers"]).replace("- ", " ")


def _keys_around(text: str, line: int) -> str:
    """The keys that a line of a config stands in, by their indents, from the outermost on: ``train.transform``."""
    lines = text.split("\n")[:line]
    indent = _indent(lines[-1])
    keys: list[str] = []
    for one in reversed(lines[-_ABOVE:]):
        found = _OUTER.match(one)
        if found and _indent(one) < indent:
            indent = _indent(one)
            keys.insert(0, found["key"])
    return ".".join(keys)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t-"))


def _partners(key: str) -> set[str]:
    names = set()
    for mean, std in _WORDS:
        for form in (str, str.upper, str.title):
            if form(mean) in key:
                names.add(key.replace(form(mean), form(std)))
    return names


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
