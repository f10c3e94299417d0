"""The command line: ``pytest-denorm``, or ``python -m pytest_denorm``.

Exit codes: 0 verified (or done), 1 not verified, 2 the command cannot be used as it was given.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from . import __version__
from .errors import DenormError, SettingsError

__all__ = ["main"]

_SPEC_HELP = (
    "module:attribute (module:function() is called), the name of torchvision weights such as ResNet50_Weights.DEFAULT, "
    "or the name of a preset such as imagenet"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if not hasattr(chosen, "run"):
        parser.print_help()
        return 2
    try:
        code: int = chosen.run(chosen)
    except (DenormError, OSError) as error:  # OSError: a file or a folder of the user's, which its message names
        print(f"pytest-denorm: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("pytest-denorm: interrupted", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pytest-denorm", description="Checks that an image pipeline's Normalize can be undone exactly."
    )
    parser.add_argument("--version", action="version", version=f"pytest-denorm {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    check = _command(commands, "check", _check, "run the battery of checks on a pipeline")
    _add_spec(check)
    check.add_argument("--inverse", metavar="SPEC", help="the project's own inverse, module:attribute")
    check.add_argument("--select", action="append", metavar="CHECK", help="run just this check (may be repeated)")
    check.add_argument("--skip", action="append", metavar="CHECK", help="leave this check out (may be repeated)")
    check.add_argument("--json", action="store_true", help="print the report as JSON")

    show = _command(commands, "show", _show, "draw pictures: original, as the network sees them, inverse-normalized")
    _add_spec(show)
    show.add_argument("--images", nargs="+", required=True, type=Path, metavar="FILE", help="pictures, all of one size")
    show.add_argument("-o", "--output", required=True, type=Path, metavar="FILE", help="the PNG file to write")

    diagnose = _command(commands, "diagnose", _diagnose, "say which mistake an inverse makes")
    diagnose.add_argument("forward", metavar="FORWARD", help="what normalizes: module:attribute")
    diagnose.add_argument("inverse", metavar="INVERSE", help="what should undo it: module:attribute")
    diagnose.add_argument("--channels", type=int, default=3, help="of the pictures (default 3)")
    diagnose.add_argument("--pixel-max", type=float, default=1.0, help="white in the pictures (default 1.0)")
    diagnose.add_argument("--output-max", type=float, help="white in what the inverse gives")
    diagnose.add_argument("--json", action="store_true", help="print the diagnosis as JSON")

    _add_datasets(commands)

    demo = _command(commands, "demo", _demo, "write a small project, and run pytest with the plugin in it")
    demo.add_argument("--folder", type=Path, default=Path("denorm-demo"), help="where (default denorm-demo)")
    return parser


def _add_datasets(commands: Any) -> None:
    from .datasets.command import add_stats_arguments, add_sweep_arguments, run_stats, run_sweep

    add_stats_arguments(_command(commands, "stats", run_stats, "measure mean and std of a data set"))
    add_sweep_arguments(_command(commands, "sweep", run_sweep, "send every picture of a data set through and back"))


def _command(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    sentence = text[0].upper() + text[1:] + "."
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=sentence)
    command.set_defaults(run=run)
    return command


def _add_spec(command: argparse.ArgumentParser) -> None:
    command.add_argument("spec", metavar="SPEC", nargs="?", help=_SPEC_HELP)
    command.add_argument("--mean", type=float, nargs="+", help="in place of SPEC: one number a channel")
    command.add_argument("--std", type=float, nargs="+", help="in place of SPEC: one number a channel")
    command.add_argument("--pixel-max", type=float, default=1.0, help="white, with --mean and --std (default 1.0)")


def _pipeline(chosen: argparse.Namespace) -> Any:
    """What SPEC, or --mean and --std, stand for.

    Raises:
        SettingsError: both or neither are given, or SPEC names nothing.
        StatisticsError: numbers that are no statistics.
    """
    if (chosen.spec is None) == (chosen.mean is None and chosen.std is None):
        raise SettingsError("give either SPEC, or --mean and --std.")
    if chosen.spec is not None:
        return _named(chosen.spec)
    from .normalization import Normalization

    return Normalization(chosen.mean or (), chosen.std or (), chosen.pixel_max)


def _named(spec: str) -> Any:
    from .errors import StatisticsError
    from .normalization import preset
    from .spec import import_for, load

    if ":" in spec:
        return load(spec, [Path.cwd()])
    if "." in spec:
        models = import_for(spec, "torchvision.models")
        try:
            return models.get_weight(spec).transforms()
        except (ValueError, AttributeError, KeyError) as error:
            raise SettingsError(f"{spec!r} names no torchvision weights: {error}") from error
    try:
        return preset(spec)
    except StatisticsError as error:
        raise SettingsError(f"{error} Or give module:attribute, or the name of torchvision weights.") from error


def _check(chosen: argparse.Namespace) -> int:
    from .verification import check

    with redirect_stdout(sys.stderr):  # what the user's code prints is no part of the report
        inverse = _named(chosen.inverse) if chosen.inverse else None
        report = check(
            _pipeline(chosen),
            inverse=inverse,
            select=chosen.select,
            skip=chosen.skip,
            name=chosen.spec or "--mean --std",
        )
    print(report.to_json() if chosen.json else report)
    return 0 if report.ok else 1


def _diagnose(chosen: argparse.Namespace) -> int:
    import json

    from .verification import diagnose

    with redirect_stdout(sys.stderr):
        found = diagnose(
            _named(chosen.forward),
            _named(chosen.inverse),
            channels=chosen.channels,
            pixel_max=chosen.pixel_max,
            output_max=chosen.output_max,
        )
    print(json.dumps(found.to_dict(), indent=2) if chosen.json else found)
    return 0 if found.kind == "exact" else 1


def _show(chosen: argparse.Namespace) -> int:
    from .images.three_rows import draw_files

    if chosen.output.suffix.lower() != ".png":
        raise SettingsError(f"the output is {str(chosen.output)!r}: expected the name of a .png file.")
    draw_files(_pipeline(chosen), chosen.images, chosen.output)
    print(chosen.output)
    return 0


def _demo(chosen: argparse.Namespace) -> int:
    from .demo import run

    return run(chosen.folder)
