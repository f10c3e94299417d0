"""The subcommands ``stats`` and ``sweep``: their arguments, and what they do."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DatasetError, SettingsError
from .commands import add_command
from .naming import SPEC_HELP, add_numbers, pipeline_or_numbers
from .terminal import prints_to_stderr, wrap_text

if TYPE_CHECKING:  # the parser is built without torch
    from ..core.statistics import Statistics

__all__ = ["add"]

_STANDARD_OUTPUT = Path("-")


def add(commands: Any) -> None:
    _add_stats(
        add_command(
            commands, "stats", _run_stats, "measure mean and std of a data set",
            "In one pass, and exactly: any split over workers, files or machines adds up to the same bits.",
            "pytest-denorm stats myproject.data:train_set --workers 8",
            "pytest-denorm stats myproject.data:train_set --sample 1000 --json",
        )
    )  # fmt: skip
    _add_sweep(
        add_command(
            commands, "sweep", _run_sweep, "send every image of a data set through and back",
            "Exits with 0 if every level of every image comes back.",
            "pytest-denorm sweep myproject.data:val_loader",
            "pytest-denorm sweep imagenet --dataset mine:images --resume sweep.json",
        )
    )  # fmt: skip


def _add_stats(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", metavar="SPEC", help="the data set or loader: module:attribute, or module:function()")
    parser.add_argument(
        "--add",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="add the statistics that --json wrote for another part of the data; may be repeated",
    )
    _add_common(parser)


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "spec",
        metavar="SPEC",
        nargs="?",
        help=f"a data set or loader with its Normalize, or with --dataset a pipeline: {SPEC_HELP}",
    )
    add_numbers(parser, pixel_max=False)
    parser.add_argument("--dataset", metavar="SPEC", help="the raw images to send through the Normalize of SPEC")
    parser.add_argument("--inverse", metavar="SPEC", help="the project's own inverse; default: the derived one")
    parser.add_argument("--output-max", type=float, metavar="X", help="white in the floats that it gives")
    parser.add_argument(
        "--resume", metavar="FILE", type=Path, help="keep here how far the sweep is, and go on from there if it exists"
    )
    _add_common(parser)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image", help="the key of the image in an item, or its index")
    parser.add_argument("--channel-axis", type=int, help="the axis of the channels in tensors and arrays")
    parser.add_argument("--pixel-max", type=float, help="the value of white")
    parser.add_argument("--skip-failures", action="store_true", help="leave out, count and name unreadable images")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N images, the first ones")
    parser.add_argument("--sample", type=int, metavar="N", help="N images drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the drawing (default: 0)")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes that read (default: none)")
    parser.add_argument("--distributed", action="store_true", help="take this rank's share; start it with torchrun")
    parser.add_argument(
        "--timeout", type=float, default=1800.0, metavar="S", help="seconds to wait for other ranks (default: 1800)"
    )
    parser.add_argument(
        "--json",
        nargs="?",
        type=Path,
        const=_STANDARD_OUTPUT,
        metavar="FILE",
        help="write the result as JSON there, or without FILE print it",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")


def _run_stats(arguments: argparse.Namespace) -> int:
    """Measures, reports, returns 0.

    Raises:
        DenormError: as :func:`pytest_denorm.dataset_statistics`, or SPEC names nothing.
    """
    from ..core.statistics import Statistics
    from ..datasets.measure import dataset_statistics

    parts = [_read_statistics(path) for path in arguments.add]
    with prints_to_stderr():
        found = dataset_statistics(_load(arguments.spec), **_common(arguments))
    total = Statistics.merge_all([found, *parts])
    _report(arguments, total, str(total))  # its last line is to be pasted, and stays whole
    return 0


def _run_sweep(arguments: argparse.Namespace) -> int:
    """Sweeps, reports, returns 0 if every image came back, else 1.

    Raises:
        DenormError: as :func:`pytest_denorm.sweep`, or a SPEC names nothing.
    """
    from ..datasets.sweeping import sweep

    with prints_to_stderr():
        result = sweep(
            pipeline_or_numbers(arguments.spec, arguments).value,
            _load(arguments.dataset) if arguments.dataset else None,
            inverse=_load(arguments.inverse) if arguments.inverse else None,
            output_max=arguments.output_max,
            state=arguments.resume,
            **_common(arguments),
        )
    _report(arguments, result, wrap_text(str(result)))
    return 0 if result.ok else 1


def _load(spec: str) -> Any:
    from ..pipelines.spec import folders_here, load_made

    if ":" not in spec:
        raise SettingsError(
            f"{spec!r} names no data: expected module:attribute, such as myproject.data:train_set, or "
            f"myproject.data:make_loader() for a function that makes it."
        )
    return load_made(spec, folders_here()).value


def _common(arguments: argparse.Namespace) -> dict[str, Any]:
    image = arguments.image
    return {
        "image": int(image) if image is not None and image.lstrip("-").isdigit() else image,
        "channel_axis": arguments.channel_axis,
        "pixel_max": arguments.pixel_max,
        "on_error": "skip" if arguments.skip_failures else "raise",
        "limit": arguments.limit,
        "sample": arguments.sample,
        "seed": arguments.seed,
        "workers": arguments.workers,
        "distributed": arguments.distributed,
        "timeout": arguments.timeout,
        "progress": not arguments.quiet,
    }


def _report(arguments: argparse.Namespace, result: Any, text: str) -> None:
    if arguments.distributed and os.environ.get("RANK", "0") != "0":
        return  # all ranks have the same result
    if arguments.json == _STANDARD_OUTPUT:
        print(json.dumps(result.to_dict(), indent=2))
        return
    if arguments.json is not None:
        from ..core.json_files import write_json

        write_json(arguments.json, result.to_dict())
    print(text)


def _read_statistics(path: Path) -> Statistics:
    from ..core.json_files import read_json
    from ..core.statistics import Statistics

    try:
        return Statistics.from_dict(read_json(path))
    except DatasetError as error:
        raise DatasetError(f"{path} holds no statistics that can be added: {error}") from error
