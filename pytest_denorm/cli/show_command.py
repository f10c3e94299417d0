"""``pytest-denorm show``: images as they are, as the network sees them, and inverse-normalized."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from .commands import add_command, refuse_unless_png, refuse_white_without_numbers
from .naming import SPEC_HELP, add_numbers, named, numbers
from .terminal import prints_to_stderr

__all__ = ["add"]


def add(commands: Any) -> None:
    show = add_command(
        commands, "show", _run, "draw images as they are, as the network sees them, and inverse-normalized",
        "One row each.",
        "pytest-denorm show imagenet cat.jpg dog.jpg -o look.png",
        "pytest-denorm show cat.jpg -o look.png --mean 0.5 0.5 0.5 --std 0.25 0.25 0.25",
    )  # fmt: skip
    show.usage = "pytest-denorm show [SPEC] IMAGE [IMAGE ...] -o FILE [OPTIONS]"
    show.add_argument("names", metavar="SPEC", nargs="+", help=f"{SPEC_HELP}; then the images, all of one size")
    show.add_argument("-o", "--output", required=True, type=Path, metavar="FILE", help="the PNG file to write")
    add_numbers(show)


def _run(chosen: argparse.Namespace) -> int:
    from ..images.three_rows import draw_files

    refuse_white_without_numbers(chosen)
    refuse_unless_png(chosen.output, "the output")
    pipeline: Any = numbers(chosen)
    files = chosen.names
    with prints_to_stderr():
        if pipeline is None:
            _refuse_image(files[0])
            pipeline, files = named(files[0]).value, files[1:]
        if not files:
            raise SettingsError("there is no image to show: expected SPEC IMAGE [IMAGE ...].")
        _refuse_overwriting(files, chosen.output)
        draw_files(pipeline, [Path(file) for file in files], chosen.output)
    print(chosen.output)
    return 0


def _refuse_overwriting(files: Sequence[str], output: Path) -> None:
    if any(output.exists() and os.path.exists(file) and os.path.samefile(file, output) for file in files):
        raise SettingsError(f"the output is {str(output)!r}, one of the images to show: expected another file.")


def _refuse_image(spec: str) -> None:
    """What stands for SPEC is an image, or another file: SPEC was left out."""
    from ..core.normalization import PRESETS
    from ..images.decoding import SUFFIXES

    path = Path(spec)
    if spec not in PRESETS and (path.is_file() or path.suffix.lower() in SUFFIXES):
        kind = "a file" if path.is_file() else "the name of an image"
        raise SettingsError(
            f"there is no SPEC to show images with: {spec!r} is {kind}. Expected SPEC IMAGE [IMAGE ...], or "
            f"IMAGE [IMAGE ...] with --mean and --std."
        )
