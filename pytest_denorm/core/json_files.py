"""JSON files: written whole or not at all, and read as if a stranger had written them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import BaselineError, DatasetError
from .files import write_whole
from .text import printable

__all__ = ["expect", "read_json", "write_json"]

#: Far more than a result or a state takes.
_MOST_BYTES = 2**26

#: The kinds of values, and how a message calls them.
_WORDS = {int: "a whole number, 0 or more", float: "a finite number", str: "a text"}


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        DatasetError: no file, one of more than 64 MiB, or no JSON.
    """
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            raise DatasetError(f"expected a file of at most {_MOST_BYTES:,} bytes")
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # nested too deep
        raise DatasetError(f"{printable(str(path))} cannot be read as JSON: {error}.") from error


def expect(value: Any, form: Any, where: str) -> None:
    """Refuses what was read unless it is of a form: ``int``, ``float``, ``str``, ``[form]`` for a list of any length,
    a tuple of forms for a list of that length, or a mapping of names to forms.

    Raises:
        DatasetError: names the first place that is not, and what it holds.
    """
    if isinstance(form, Mapping):
        if not isinstance(value, dict):
            raise DatasetError(f"{where or 'it'} is {_shown(value)}: expected an object.")
        for name, part in form.items():
            if name not in value:
                raise DatasetError(f"{where or 'it'} has no {name!r}.")
            expect(value[name], part, f"{where}.{name}" if where else name)
    elif isinstance(form, (list, tuple)):
        if not isinstance(value, list) or (isinstance(form, tuple) and len(value) != len(form)):
            expected = f"a list of {len(form)}" if isinstance(form, tuple) else "a list"
            raise DatasetError(f"{where} is {_shown(value)}: expected {expected}.")
        for index, one in enumerate(value):
            expect(one, form[index] if isinstance(form, tuple) else form[0], f"{where}[{index}]")
    elif not _is(value, form):
        raise DatasetError(f"{where} is {_shown(value)}: expected {_WORDS[form]}.")


def _is(value: Any, kind: type) -> bool:
    if kind is str or isinstance(value, bool) or not isinstance(value, (int, float)):
        return kind is str and isinstance(value, str)
    if kind is int:
        return isinstance(value, int) and 0 <= value < 2**63
    return abs(value) <= 2**1000  # NaN is not


def _shown(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def write_json(path: str | os.PathLike[str], data: Any) -> None:
    """Write `data` as JSON, whole or not at all.

    Raises:
        DatasetError: something that is no file is there, or it cannot be written.
    """
    text = json.dumps(data, indent=1, allow_nan=False)
    try:
        write_whole(Path(path), f"{text}\n".encode())
    except BaselineError as error:
        raise DatasetError(f"{error}") from error
