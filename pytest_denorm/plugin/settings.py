"""The one table of options: what each is called on the command line and in the ini, its kind, default and help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import pytest

__all__ = ["OPTIONS", "Option", "add_options", "get"]


class Option:
    """One option.

    Attributes:
        name: ``denorm_seed`` in the ini, ``--denorm-seed`` on the command line.
        kind: ``bool``, ``string``, ``int``, ``path`` (below the folder of the ini, or of the command line), or
            ``linelist`` (in the ini only).
        default: where it is given in neither place.
        help: one sentence.
        choices: the only values that it takes.
    """

    __slots__ = ("choices", "default", "help", "kind", "name")

    # written out, because this is loaded in every session, and generated classes take longer to make
    def __init__(self, name: str, kind: str, default: Any, help: str, choices: tuple[str, ...] = ()) -> None:
        self.name = name
        self.kind = kind
        self.default = default
        self.help = help
        self.choices = choices


OPTIONS = (
    Option("denorm", "bool", False, "collect the checks of the pipelines listed in the ini as denorm_pipelines"),
    Option(
        "denorm_pipelines",
        "linelist",
        (),
        "pipelines to check with --denorm, a line each: name = module:attribute, then as needed "
        "inverse=module:attribute skip=CHECKS expected=CHECKS levels=CHECK:LEVEL output_max=NUMBER",
    ),
    Option(
        "denorm_checks",
        "linelist",
        (),
        "how much a failing check matters, a line each: name: error, name: warning (fails nothing) or name: off",
    ),
    Option(
        "denorm_same", "linelist", (), "names of denorm_pipelines that have to see the same colors, a line each group"
    ),
    Option("denorm_scan", "linelist", (), "files and folders of source to scan with --denorm, an item for each file"),
    Option("denorm_pipeline", "string", "", "module:attribute of the pipeline that the fixture denorm_pipeline gives"),
    Option("denorm_images", "path", "", "an image, or a folder of images, in place of the built-in ones"),
    Option(
        "denorm_seed",
        "int",
        0,
        "seeds what is drawn at random: samples of data sets, and the pipelines that are probed",
    ),
    Option("denorm_baseline_dir", "path", "baseline_images", "the folder of image baselines"),
    Option(
        "denorm_overlay",
        "string",
        "",
        "a folder below that of the baselines, whose baselines come first: those of one platform or version",
    ),
    Option(
        "denorm_compare",
        "string",
        "always",
        "when image tests are compared: always, only with --mpl, or never",
        ("always", "mpl", "never"),
    ),
    Option(
        "denorm_baselines",
        "string",
        "images",
        "what is stored of an image: a PNG file, or a digest of its pixels in digests.json",
        ("images", "digests"),
    ),
    Option(
        "denorm_update",
        "string",
        "",
        "write image baselines: those that are missing, also those that failed, or all",
        ("missing", "failed", "all"),
    ),
    Option("denorm_update_in_ci", "bool", False, "let baselines be written under CI, where it is refused"),
    Option(
        "denorm_unused",
        "string",
        "",
        "what to do about image baselines that no test uses",
        ("warn", "fail", "delete"),
    ),
    Option("denorm_pictures", "bool", False, "draw an image of each failed round trip into the folder of results"),
    Option("denorm_results", "path", "", "the folder for images of failures (default: pytest's cache)"),
    Option("denorm_report", "path", "", "write a review page, one HTML file, of all checks and image tests"),
)


def add_options(parser: pytest.Parser) -> None:
    """Declares the whole table to pytest."""
    group = parser.getgroup("denorm", "inverse-normalized images (pytest-denorm)")
    for option in OPTIONS:
        if option.kind != "linelist":
            group.addoption(_flag(option), **_flag_arguments(option))
        ini_kind: Any = {"bool": "bool", "linelist": "linelist"}.get(option.kind, "string")
        default = {"bool": False, "linelist": []}.get(ini_kind, "")
        parser.addini(option.name, option.help, type=ini_kind, default=default)


def _flag(option: Option) -> str:
    return "--" + option.name.replace("_", "-")


def _flag_arguments(option: Option) -> dict[str, Any]:
    arguments: dict[str, Any] = {"dest": option.name, "default": None, "help": option.help}
    if option.kind == "bool":
        return {**arguments, "action": "store_true"}
    if option.choices:
        return {**arguments, "choices": option.choices}
    if option.kind == "int":
        return {**arguments, "type": int}
    return {**arguments, "metavar": "PATH" if option.kind == "path" else option.name.rpartition("_")[2].upper()}


def get(config: pytest.Config, name: str) -> Any:
    """The value of an option: the command line's, else the ini's, else the default; paths are absolute.

    Raises:
        pytest.UsageError: a value in the ini that is none of its choices, no number, or neither true nor false.
    """
    option = next(one for one in OPTIONS if one.name == name)
    given = config.getoption(name, None)
    if given is not None:
        return _absolute(given, config.invocation_params.dir) if option.kind == "path" else given
    try:
        written = config.getini(name)
    except Exception as error:  # whose kind depends on pytest's version, as its words do; the value comes last
        found = re.search(r"(?:invalid truth value|got \w+:) (.+)", str(error))
        kind = {"bool": "true or false", "linelist": "a list of texts"}.get(option.kind, "a text")
        _refuse(option, found[1] if found else f"refused ({error})", kind)
    if option.kind == "linelist" or option.kind == "bool":
        return written
    if not written:
        return option.default
    if option.choices and written not in option.choices:
        _refuse(option, repr(written), f"one of {', '.join(option.choices)}")
    if option.kind == "int":
        try:
            return int(written)
        except ValueError:
            _refuse(option, repr(written), "a whole number")
    if option.kind == "path":
        return _absolute(written, config.inipath.parent if config.inipath else config.rootpath)
    return written


def _refuse(option: Option, found: str, expected: str) -> NoReturn:
    import pytest

    raise pytest.UsageError(f"{option.name} in the ini is {found}: expected {expected}.")


def _absolute(path: str, start: Any) -> str:
    return str((start / path).resolve()) if path else ""
