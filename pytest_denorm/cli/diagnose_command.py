"""``pytest-denorm diagnose``: which mistake an inverse makes."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ..core.text import count_of
from ..errors import SettingsError
from .commands import add_command
from .naming import SPEC_HELP, add_numbers, named, numbers
from .terminal import painted, prints_to_stderr, wants_colors, wrap_text

__all__ = ["add"]


def add(commands: Any) -> None:
    diagnose = add_command(
        commands, "diagnose", _run, "say which mistake an inverse makes",
        "Exits with 0 if it makes none.",
        "pytest-denorm diagnose myproject.data:normalize myproject.data:undo",
        "pytest-denorm diagnose imagenet myproject.data:undo",
        "pytest-denorm diagnose mine:undo --mean 0.5 0.5 0.5 --std 0.2 0.2 0.2",
    )  # fmt: skip
    diagnose.usage = "pytest-denorm diagnose [FORWARD] INVERSE [OPTIONS]"
    diagnose.add_argument(
        "specs", metavar="FORWARD", nargs="+",
        help=f"what normalizes, a function of float tensors or a pipeline with a Normalize in it: {SPEC_HELP}; then "
        f"INVERSE, what should undo it: module:attribute",
    )  # fmt: skip
    add_numbers(diagnose, "FORWARD", pixel_max=False)
    diagnose.add_argument("--pixel-max", type=float, metavar="X", help="white in the images (default: as declared)")
    diagnose.add_argument("--output-max", type=float, metavar="X", help="white in what the inverse gives")
    diagnose.add_argument("--channels", type=int, metavar="N", help="of the images (default: as declared, or 3)")
    diagnose.add_argument("--json", action="store_true", help="print the diagnosis as JSON")


def _run(chosen: argparse.Namespace) -> int:
    from ..checks import diagnose
    from ..core.normalization import Normalization

    forward = numbers(chosen)
    wanted = "INVERSE alone, because --mean and --std stand for FORWARD" if forward else "FORWARD and INVERSE"
    if len(chosen.specs) != (1 if forward else 2):
        raise SettingsError(f"diagnose was given {count_of(len(chosen.specs), 'SPEC')}: expected {wanted}.")
    with prints_to_stderr():
        forward = forward or named(chosen.specs[0]).value
        declared = forward.channels if isinstance(forward, Normalization) else None
        found = diagnose(
            forward,
            named(chosen.specs[-1]).value,
            channels=declared if chosen.channels is None else chosen.channels,
            pixel_max=chosen.pixel_max,
            output_max=chosen.output_max,
        )
    if chosen.json:
        print(json.dumps(found.to_dict(), indent=2))
    else:
        text = wrap_text(str(found))
        color = "green" if found.kind == "exact" else "red"
        print(text.replace(found.kind, painted(found.kind, "bold", color), 1) if wants_colors(sys.stdout) else text)
    return 0 if found.kind == "exact" else 1
