"""``pytest-denorm compare``: do training, validation and serving see the same colors?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from .commands import add_command, refuse_unless_png
from .naming import named
from .terminal import painted, prints_to_stderr, wants_colors, wrap_text

__all__ = ["add"]


def add(commands: Any) -> None:
    parser = add_command(
        commands, "compare", _run, "say whether pipelines see the same colors: training, validation, serving",
        "Each is compared with the first. Exits with 0 if all are the same.",
        "pytest-denorm compare myproject.data:train_transform myproject.serve:preprocess",
        "pytest-denorm compare train=myproject.data:train_set serve=myproject.serve:handle --reads serve=bgr",
        "pytest-denorm compare ResNet50_Weights.DEFAULT preprocessor_config.json",
    )  # fmt: skip
    parser.add_argument(
        "specs", metavar="SPEC", nargs="+",
        help="module:attribute, or in quotes 'module:function()' to call it; torchvision weights, a preset, or a "
        "preprocessor_config.json or its folder; NAME=SPEC gives it a name of its own",
    )  # fmt: skip
    parser.add_argument(
        "--reads", action="append", default=[], metavar="NAME=WHAT",
        help="what a serving function takes: image, bgr, path, bytes, base64 or file (may be repeated; without NAME= "
        "it holds for all but the first)",
    )  # fmt: skip
    parser.add_argument("--strict", action="store_true", help="another dtype or layout is a difference, too")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw one image through each into this PNG file")
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")


def _run(chosen: argparse.Namespace) -> int:
    from ..comparing.compared import compare

    if chosen.figure is not None:
        refuse_unless_png(chosen.figure, "the figure")
    with prints_to_stderr():
        found = compare(_members(chosen.specs), reads=_reads(chosen.reads), strict=chosen.strict)
    if chosen.json:
        print(json.dumps(found.to_dict(), indent=2))
    else:
        text = wrap_text(str(found))
        first, color = ("same", "green") if found.ok else (found.kind, "red")
        print(text.replace(first, painted(first, "bold", color), 1) if wants_colors(sys.stdout) else text)
    if chosen.figure is not None:
        from ..core.files import write_whole

        write_whole(chosen.figure, found.png())
        if not chosen.json:
            print(f"figure: {chosen.figure}")
    return 0 if found.ok else 1


def _members(specs: list[str]) -> dict[str, Any]:
    """Name to pipeline.

    Raises:
        SettingsError: a SPEC names nothing, or stands twice.
    """
    members: dict[str, Any] = {}
    for one in specs:
        name, equals, spec = one.partition("=")
        name, spec = (name, spec) if equals and name.isidentifier() else (one, one)
        if name in members:
            raise SettingsError(f"{name!r} stands twice: expected different pipelines, or NAME=SPEC.")
        members[name] = spec if _is_file(spec) else named(spec).value
    return members


def _is_file(spec: str) -> bool:
    path = Path(spec)
    return path.is_dir() or path.suffix == ".json"


def _reads(given: list[str]) -> str | dict[str, str] | None:
    by_name = dict(one.split("=", 1) for one in given if "=" in one)
    plain = [one for one in given if "=" not in one]
    if plain and (by_name or len(plain) > 1):
        raise SettingsError("--reads was given several times: name the pipeline of each, --reads NAME=WHAT.")
    return plain[0] if plain else by_name or None
