"""The command line: ``pytest-denorm``, or ``python -m pytest_denorm``.

Exit codes: 0 verified (or done), 1 not verified, 2 the command cannot be used as it was given.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.text import count_of
from ..errors import DenormError, SettingsError
from .naming import SPEC_HELP, add_numbers, named, numbers, pipeline_or_numbers
from .terminal import fitted, open_stderr, painted, painted_report, prints_to_stderr, wants_colors

__all__ = ["main"]

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_READER_GONE = 141  # 128 + SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    with open_stderr():
        return _guarded(arguments)


def _guarded(arguments: Sequence[str] | None) -> int:
    """Runs one command, and says in words what keeps it from being run or read."""
    if sys.stdout is None:
        _complain("standard output is closed: there is nowhere to print a result. Send it to a file or /dev/null.")
        return 2
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not what a caller has put there
            stream.reconfigure(errors="backslashreplace")  # of paths, in the ASCII of LC_ALL=C
    try:
        try:
            code = _run(arguments)
        finally:
            sys.stdout.flush()  # here, where it can be told that nobody reads
    except KeyboardInterrupt:
        print("pytest-denorm: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # of `| head`; at exit python would try to write the rest, and complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _READER_GONE
    return code


def _run(arguments: Sequence[str] | None) -> int:
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if not hasattr(chosen, "run"):
        parser.print_help()
        return 2
    try:
        code: int = chosen.run(chosen)
    except BrokenPipeError:
        raise
    except (DenormError, OSError) as error:  # OSError: a file or a folder of the user's, which its message names
        _complain(str(error))
        return 2
    return code


def _complain(message: str) -> None:
    text = fitted(f"pytest-denorm: {message}")
    if wants_colors(sys.stderr):
        text = text.replace("pytest-denorm:", painted("pytest-denorm:", "bold", "red"), 1)
    print(text, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pytest-denorm",
        description=textwrap.fill(
            "Checks that an image pipeline's Normalize can be undone exactly, and says which mistake was made when it "
            "cannot.",
            78,
        ),
        epilog=_examples("pytest-denorm demo", "pytest-denorm init", "pytest-denorm check myproject.data:val_transform")
        + "\n\nexit codes: 0 verified (or done), 1 not verified, 2 cannot be used as given",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pytest-denorm {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_check(commands)
    _add_diagnose(commands)
    _add_show(commands)
    _add_compare(commands)
    _add_datasets(commands)
    _add_init(commands)
    _add_demo(commands)
    return parser


def _examples(*lines: str) -> str:
    return "\n".join([f"example{'s' if len(lines) > 1 else ''}:", *(f"  {line}" for line in lines)])


def _command(commands: Any, name: str, run: Any, text: str, more: str, *examples: str) -> argparse.ArgumentParser:
    """`text` is the line in the list of commands; `more` is what the command's own help says beyond it."""
    sentence = f"{text[0].upper()}{text[1:]}. {more}"
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=textwrap.fill(sentence, 78),
        epilog=_examples(*examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def _add_check(commands: Any) -> None:
    check = _command(
        commands, "check", _check, "run the battery of checks on a pipeline",
        "The Normalize is found, its inverse derived (or your own taken), and pictures are sent through and back.",
        "pytest-denorm check myproject.data:val_transform --inverse myproject.data:undo",
        "pytest-denorm check ResNet50_Weights.DEFAULT --json",
        "pytest-denorm check --mean 0.485 0.456 0.406 --std 0.229 0.224 0.225",
    )  # fmt: skip
    check.usage = "pytest-denorm check [SPEC] [OPTIONS]"
    check.add_argument("spec", metavar="SPEC", nargs="?", help=SPEC_HELP)
    add_numbers(check)
    check.add_argument("--inverse", metavar="SPEC", help="the project's own inverse, module:attribute")
    check.add_argument(
        "--output-max", type=float, metavar="X", help="white in the floats that it gives (default: as in the pictures)"
    )
    check.add_argument("--select", action="append", metavar="CHECK", help="run just this check (may be repeated)")
    check.add_argument("--skip", action="append", metavar="CHECK", help="leave this check out (may be repeated)")
    check.add_argument("--figure", type=Path, metavar="FILE", help="draw the round trip into this PNG file")
    check.add_argument("--json", action="store_true", help="print the report as JSON")


def _add_diagnose(commands: Any) -> None:
    diagnose = _command(
        commands, "diagnose", _diagnose, "say which mistake an inverse makes",
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
    diagnose.add_argument("--pixel-max", type=float, metavar="X", help="white in the pictures (default: as declared)")
    diagnose.add_argument("--output-max", type=float, metavar="X", help="white in what the inverse gives")
    diagnose.add_argument("--channels", type=int, metavar="N", help="of the pictures (default: as declared, or 3)")
    diagnose.add_argument("--json", action="store_true", help="print the diagnosis as JSON")


def _add_show(commands: Any) -> None:
    show = _command(
        commands, "show", _show, "draw pictures as they are, as the network sees them, and inverse-normalized",
        "One row each.",
        "pytest-denorm show imagenet cat.jpg dog.jpg -o look.png",
        "pytest-denorm show cat.jpg -o look.png --mean 0.5 0.5 0.5 --std 0.25 0.25 0.25",
    )  # fmt: skip
    show.usage = "pytest-denorm show [SPEC] IMAGE [IMAGE ...] -o FILE [OPTIONS]"
    show.add_argument("names", metavar="SPEC", nargs="+", help=f"{SPEC_HELP}; then the pictures, all of one size")
    show.add_argument("-o", "--output", required=True, type=Path, metavar="FILE", help="the PNG file to write")
    add_numbers(show)


def _add_compare(commands: Any) -> None:
    from .compare_command import add_compare_arguments, run_compare

    compare = _command(
        commands, "compare", run_compare, "say whether pipelines see the same colors: training, validation, serving",
        "Each is compared with the first. Exits with 0 if all are the same.",
        "pytest-denorm compare myproject.data:train_transform myproject.serve:preprocess",
        "pytest-denorm compare train=myproject.data:train_set serve=myproject.serve:handle --reads serve=bgr",
        "pytest-denorm compare ResNet50_Weights.DEFAULT preprocessor_config.json",
    )  # fmt: skip
    add_compare_arguments(compare)


def _add_datasets(commands: Any) -> None:
    from .datasets_commands import add_stats_arguments, add_sweep_arguments, run_stats, run_sweep

    stats = _command(
        commands, "stats", run_stats, "measure mean and std of a data set",
        "In one pass, and exactly: any split over workers, files or machines adds up to the same bits.",
        "pytest-denorm stats myproject.data:train_set --workers 8",
        "pytest-denorm stats myproject.data:train_set --sample 1000 --json",
    )  # fmt: skip
    add_stats_arguments(stats)
    sweep = _command(
        commands, "sweep", run_sweep, "send every picture of a data set through and back",
        "Exits with 0 if every level of every picture comes back.",
        "pytest-denorm sweep myproject.data:val_loader",
        "pytest-denorm sweep imagenet --dataset mine:pictures --resume sweep.json",
    )  # fmt: skip
    add_sweep_arguments(sweep)


def _add_init(commands: Any) -> None:
    init = _command(
        commands, "init", _init, "add a test of the project's pipelines, and the lines of the ini that name them",
        "The pipelines are found by reading the project's source, which is not run. What would be written is shown "
        "first, and no file of yours is overwritten.",
        "pytest-denorm init",
        "pytest-denorm init --dry-run",
        "pytest-denorm init --pipeline 'myproject.data:make_transform()' --yes",
    )  # fmt: skip
    init.add_argument("--folder", type=Path, default=Path(), help="the project's root (default: here)")
    init.add_argument(
        "--pipeline", action="append", metavar="SPEC",
        help="module:attribute, or in quotes 'module:function()', in place of those that are found (may be repeated)",
    )  # fmt: skip
    how = init.add_mutually_exclusive_group()
    how.add_argument("--yes", action="store_true", help="write without asking")
    how.add_argument("--dry-run", action="store_true", help="show what would be written, and write nothing")


def _add_demo(commands: Any) -> None:
    demo = _command(
        commands, "demo", _demo, "write a small project, and run pytest with the plugin in it",
        "It shows a pipeline that is verified, a wrong inverse that is explained, and leaves a picture.",
        "pytest-denorm demo --folder try-it",
    )  # fmt: skip
    demo.add_argument("--folder", type=Path, default=Path("denorm-demo"), help="where (default: denorm-demo)")


def _check(chosen: argparse.Namespace) -> int:
    from ..checks import check

    _refuse_white_without_numbers(chosen)
    if chosen.figure is not None:
        _refuse_unless_png(chosen.figure, "the figure")
    with prints_to_stderr():
        inverse = named(chosen.inverse) if chosen.inverse else None
        pipeline = pipeline_or_numbers(chosen.spec, chosen)
        report = check(
            pipeline,
            inverse=inverse,
            select=chosen.select,
            skip=chosen.skip,
            name=chosen.spec or "--mean --std",
            output_max=chosen.output_max,
        )
    if chosen.json:
        print(report.to_json())
    else:
        print(painted_report(str(report)) if wants_colors(sys.stdout) else report)
    if chosen.figure is not None:
        _save_figure(report, chosen)
    return 0 if report.ok else 1


def _refuse_white_without_numbers(chosen: argparse.Namespace) -> None:
    if chosen.pixel_max is not None and chosen.mean is None and chosen.std is None:
        raise SettingsError("--pixel-max goes with --mean and --std: a SPEC says itself what white is.")


def _refuse_unless_png(path: Path, what: str) -> None:
    """Before anything is done, and so that no other file of the user's is overwritten."""
    if path.suffix.lower() != ".png":
        raise SettingsError(f"{what} is {str(path)!r}: expected the name of a .png file.")


def _save_figure(report: Any, chosen: argparse.Namespace) -> None:
    from ..errors import ImageError, InverseError

    try:
        with prints_to_stderr():
            report.save_figure(chosen.figure)
    except (ImageError, InverseError) as error:  # nothing to draw; the report says what is wrong
        _complain(f"no figure: {error}")
    else:
        if not chosen.json:
            print(f"figure: {chosen.figure}")


def _diagnose(chosen: argparse.Namespace) -> int:
    from ..checks import diagnose
    from ..core.normalization import Normalization

    forward = numbers(chosen)
    wanted = "INVERSE alone, because --mean and --std stand for FORWARD" if forward else "FORWARD and INVERSE"
    if len(chosen.specs) != (1 if forward else 2):
        raise SettingsError(f"diagnose was given {count_of(len(chosen.specs), 'SPEC')}: expected {wanted}.")
    with prints_to_stderr():
        forward = forward or _normalize_of(named(chosen.specs[0]))
        white, channels = (
            (forward.pixel_max, forward.channels) if isinstance(forward, Normalization) else (1.0, 3)  # a function's
        )
        found = diagnose(
            forward,
            named(chosen.specs[-1]),
            channels=channels if chosen.channels is None else chosen.channels,
            pixel_max=white if chosen.pixel_max is None else chosen.pixel_max,
            output_max=chosen.output_max,
        )
    if chosen.json:
        print(json.dumps(found.to_dict(), indent=2))
    else:
        text = fitted(str(found))
        colour = "green" if found.kind == "exact" else "red"
        print(text.replace(found.kind, painted(found.kind, "bold", colour), 1) if wants_colors(sys.stdout) else text)
    return 0 if found.kind == "exact" else 1


def _normalize_of(pipeline: Any) -> Any:
    """The Normalize that a pipeline declares; what declares none has to be a function of tensors."""
    from ..pipelines import find_normalize

    try:
        return find_normalize(pipeline)
    except DenormError:
        return pipeline


def _show(chosen: argparse.Namespace) -> int:
    from ..images.three_rows import draw_files

    _refuse_white_without_numbers(chosen)
    _refuse_unless_png(chosen.output, "the output")
    pipeline, files = numbers(chosen), chosen.names
    with prints_to_stderr():
        if pipeline is None:
            _refuse_picture(files[0])
            pipeline, files = named(files[0]), files[1:]
        if not files:
            raise SettingsError("there is no picture to show: expected SPEC IMAGE [IMAGE ...].")
        _refuse_overwriting(files, chosen.output)
        draw_files(pipeline, [Path(file) for file in files], chosen.output)
    print(chosen.output)
    return 0


def _refuse_overwriting(files: Sequence[str], output: Path) -> None:
    if any(output.exists() and os.path.exists(file) and os.path.samefile(file, output) for file in files):
        raise SettingsError(f"the output is {str(output)!r}, one of the pictures to show: expected another file.")


def _refuse_picture(spec: str) -> None:
    """What stands for SPEC is a picture, or another file: SPEC was left out."""
    from ..core.normalization import PRESETS
    from ..images.decoding import SUFFIXES

    path = Path(spec)
    if spec not in PRESETS and (path.is_file() or path.suffix.lower() in SUFFIXES):
        kind = "a file" if path.is_file() else "the name of a picture"
        raise SettingsError(
            f"there is no SPEC to show pictures with: {spec!r} is {kind}. Expected SPEC IMAGE [IMAGE ...], or "
            f"IMAGE [IMAGE ...] with --mean and --std."
        )


def _init(chosen: argparse.Namespace) -> int:
    from .init import run

    return run(chosen.folder, pipelines=chosen.pipeline, write=chosen.yes, dry_run=chosen.dry_run)


def _demo(chosen: argparse.Namespace) -> int:
    from .demo import run

    return run(chosen.folder)
