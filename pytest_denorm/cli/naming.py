"""How a pipeline is named on the command line: SPEC, or --mean and --std."""

from __future__ import annotations

import argparse
import difflib
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import SettingsError

if TYPE_CHECKING:
    from ..core.normalization import Normalization

__all__ = ["Named", "add_numbers", "named", "numbers", "pipeline_or_numbers"]


class Named(NamedTuple):
    """What a SPEC names.

    Attributes:
        value: the object.
        note: how it was made, where the SPEC does not say so itself; else "".
    """

    value: Any
    note: str


SPEC_HELP = (
    "module:attribute, or in quotes 'module:function()' to call it; the name of torchvision weights such as "
    "ResNet50_Weights.DEFAULT; or the name of a preset such as imagenet"
)


def add_numbers(parser: argparse.ArgumentParser, instead_of: str = "SPEC", pixel_max: bool = True) -> None:
    """``--mean``, ``--std`` and, unless the command has its own, ``--pixel-max``."""
    parser.add_argument(
        "--mean", type=float, nargs="+", metavar="M", help=f"with --std, in place of {instead_of}: one number a channel"
    )
    parser.add_argument(
        "--std", type=float, nargs="+", metavar="S", help=f"with --mean, in place of {instead_of}: one number a channel"
    )
    if pixel_max:
        parser.add_argument("--pixel-max", type=float, metavar="X", help="white, with --mean and --std (default: 1.0)")


def numbers(arguments: argparse.Namespace) -> Normalization | None:
    """The statistics that were given as numbers, or None.

    Raises:
        StatisticsError: numbers that are no statistics.
    """
    if arguments.mean is None and arguments.std is None:
        return None
    from ..core.normalization import Normalization

    white = 1.0 if arguments.pixel_max is None else arguments.pixel_max
    return Normalization(arguments.mean or (), arguments.std or (), white)


def pipeline_or_numbers(spec: str | None, arguments: argparse.Namespace) -> Named:
    """What `spec`, or ``--mean`` and ``--std``, stand for.

    Raises:
        SettingsError: both or neither are given, or `spec` names nothing.
        StatisticsError: numbers that are no statistics.
    """
    given = arguments.mean is not None or arguments.std is not None
    if (spec is None) != given:
        raise SettingsError("give either SPEC, or --mean and --std.")
    return Named(numbers(arguments), "") if spec is None else named(spec)


def named(spec: str) -> Named:
    """What `spec` names: an object in a module, torchvision's transforms of some weights, or a preset.

    Raises:
        SettingsError: it names nothing.
    """
    from ..core.normalization import preset
    from ..errors import StatisticsError
    from ..pipelines.spec import folders_here, load_made

    if ":" in spec:
        return Named(*load_made(spec, folders_here()))
    if "." in spec:
        return Named(_transforms_of_weights(spec), "")
    try:
        return Named(preset(spec), "")
    except StatisticsError as error:
        raise SettingsError(f"{error} Or give module:attribute, or the name of torchvision weights.") from error


def _transforms_of_weights(spec: str) -> Any:
    from ..pipelines.spec import folders_here, import_for, with_colon

    meant = with_colon(spec, folders_here())
    family, _, member = spec.partition(".")
    if meant and "weights" not in family.lower():  # then torchvision is not asked, which may be missing
        raise SettingsError(
            f"{spec!r} names no pipeline: expected module:attribute, or torchvision weights such as "
            f"ResNet50_Weights.DEFAULT.{meant}"
        )
    models = import_for(spec, "torchvision.models")
    try:
        return models.get_weight(spec).transforms()
    except (ValueError, AttributeError, KeyError) as error:
        known = _weights(models)
        near = difflib.get_close_matches(spec.lower(), list(known), n=1, cutoff=0.75)
        members = [name.partition(".")[2] for name in known.values() if name.partition(".")[0] == family]
        hints = [
            f" Did you mean {known[near[0]]!r}?" if near else "",
            f" {family} has {', '.join(members)}." if members and member not in members else "",
            meant or " An object of a module is named with a colon, module:attribute." * (not near),
        ]
        raise SettingsError(f"{spec!r} names no torchvision weights.{''.join(hints)}") from error


def _weights(models: Any) -> dict[str, str]:
    """The full name of all of torchvision's weights, by that in small letters."""
    families = [models.get_model_weights(model) for model in models.list_models()]
    names = [f"{family.__name__}.{member}" for family in families for member in family.__members__]
    return {name.lower(): name for name in names}
