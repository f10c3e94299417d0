"""Where each image test keeps its baseline."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ..errors import BaselineError
from ..images.baselines import Place
from ..images.digests import read_library
from ..images.marks import EXACT
from ..images.names import folded, is_legal, legal_stem
from ..images.options import ImageOptions
from . import mpl


@dataclass(frozen=True)
class Plan:
    """The baseline of a test.

    Attributes:
        place: where it is.
        exact: whether the mark is ``image_compare``, else pytest-mpl's on its own.
        chosen: whether a person chose the name of the file: that one may be shared by several tests.
        full_name: the name of the file with module and class, for tests that would otherwise share one.
        family: what the names of all baselines of this test begin with, where its set of parameters is empty now.
    """

    place: Place
    exact: bool
    chosen: bool = False
    full_name: str = ""
    family: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Return the same for two baselines that a file system may not tell apart."""
        folder = "".join(self.place.servers) or os.path.normcase(self.place.folder)
        return folder, folded(self.place.filename)


PLAN = pytest.StashKey[Plan]()


def plan_items(items: Iterable[pytest.Item], config: pytest.Config, options: ImageOptions) -> None:
    """Give each image test its plan, and pytest-mpl the same file.

    Raises:
        UsageError: a file name that is not legal everywhere; two tests with the same baseline that did not choose it.
    """
    folders: dict[Path, set[str]] = {}
    plans: dict[pytest.Item, Plan] = {}
    for item in items:
        mark = mpl.image_mark(item)
        plan = _plan(item, mark, config, options) if isinstance(item, pytest.Function) and mark is not None else None
        if plan is not None:
            plans[item] = _under_known_name(plan, folders)
    for group in _groups(plans).values():
        if len({_identity(item) for item in group}) > 1:
            for item in group:
                if plans[item].exact and not plans[item].chosen:
                    plans[item] = _under_full_name(plans[item])
    for group in _groups(plans).values():
        _refuse_collision([(item, plans[item]) for item in group])
    for item, plan in plans.items():
        item.stash[PLAN] = plan
        mark = mpl.image_mark(item)
        if plan.exact and mark is not None:
            # a new mark: the keywords of the old one are shared by all parameters of a test
            folder = ",".join(plan.place.servers) or str(plan.place.folder)
            kwargs = {**mark.kwargs, "baseline_dir": folder, "filename": plan.place.filename}
            item.add_marker(pytest.mark.mpl_image_compare(**kwargs), append=False)


def _groups(plans: dict[pytest.Item, Plan]) -> dict[tuple[str, str], list[pytest.Item]]:
    groups: dict[tuple[str, str], list[pytest.Item]] = {}
    for item, plan in plans.items():
        groups.setdefault(plan.key, []).append(item)
    return groups


def _identity(item: pytest.Item) -> tuple[Path, str]:
    """Return what tells tests apart: one may be collected twice; with several roots, two may have one node id."""
    return item.path, item.nodeid


def _under_full_name(plan: Plan) -> Plan:
    return replace(plan, place=replace(plan.place, filename=plan.full_name))


def _under_known_name(plan: Plan, folders: dict[Path, set[str]]) -> Plan:
    """Return the plan with the full name where a baseline of that name is there: so it is in every later session."""
    if not plan.exact or plan.chosen or plan.place.servers:
        return plan
    for folder in plan.place.folders:
        if folder not in folders:
            folders[folder] = _names_in(folder)
        if plan.full_name in folders[folder]:
            return _under_full_name(plan)
    return plan


def _names_in(folder: Path) -> set[str]:
    try:
        names = set(os.listdir(folder))
        library = read_library(folder)
    except (OSError, BaselineError):  # which the tests that need it will tell
        return set()
    return names | set(library.entries) | set(library.disputed)


def _refuse_collision(group: list[tuple[pytest.Item, Plan]]) -> None:
    first, plan = group[0]
    for item, other in group[1:]:
        same = plan.place.filename == other.place.filename
        if _identity(item) == _identity(first) or (same and plan.chosen and other.chosen):
            continue
        if plan.exact or other.exact:
            raise pytest.UsageError(_collision(first, plan, item, other))


def _collision(item: pytest.Item, plan: Plan, other_item: pytest.Item, other: Plan) -> str:
    nodeids = [item.nodeid, other_item.nodeid]
    if nodeids[0] == nodeids[1]:
        nodeids = ["::".join([str(one.path), *one.nodeid.split("::")[1:]]) for one in (item, other_item)]
    names, folder = (plan.place.filename, other.place.filename), plan.place.folder
    same = f"the same baseline, {plan.place.path}"
    if names[0] != names[1]:
        same = f"baselines that some file systems cannot tell apart, {names[0]} and {names[1]} in {folder}"
    return (
        f"two tests have {same}:\n  {nodeids[0]}\n  {nodeids[1]}\nRename one, or set filename= on one; to share a "
        f"baseline on purpose, set the same filename= on both: image_compare(filename='...')."
    )


def _plan(item: pytest.Function, mark: pytest.Mark, config: pytest.Config, options: ImageOptions) -> Plan | None:
    exact = bool(mark.kwargs.get(EXACT))
    form = mark.kwargs.get("savefig_kwargs", {}).get("format", "png")
    if form != "png":
        if exact:
            raise pytest.UsageError(
                f"{item.nodeid}: image_compare compares pixels, and savefig_kwargs asks for {form!r}: expected 'png'. "
                f"Use pytest.mark.mpl_image_compare for other formats."
            )
        return None
    place = _folder(item, mark, config, options if exact else None)
    if not exact:
        return Plan(replace(place, filename=_plain_filename(item, mark, config)), exact)
    place = replace(place, overlay="" if place.servers else options.overlay)
    full_name = f"{_full_prefix(item)}{legal_stem(item.name)}.png"
    given, family = mark.kwargs.get("filename"), f"{legal_stem(item.originalname)}_" if _has_no_parameters(item) else ""
    if given is not None:
        if not is_legal(str(given)):
            raise pytest.UsageError(
                f"{item.nodeid}: image_compare was given filename={given!r}: expected the name of a .png file that is "
                f"legal on Linux, macOS and Windows, without a folder."
            )
        return Plan(replace(place, filename=str(given)), exact, chosen=True, full_name=full_name, family=family)
    uses_full_name = mpl.setting(config, "mpl-use-full-test-name")
    filename = full_name if uses_full_name else f"{legal_stem(item.name)}.png"
    return Plan(replace(place, filename=filename), exact, full_name=full_name, family=family)


def _has_no_parameters(item: pytest.Function) -> bool:
    """Return whether this stands for a test whose set of parameters is empty."""
    values = getattr(getattr(item, "callspec", None), "params", {}).values()
    return any(type(value).__name__ == "NotSetType" for value in values)


def _folder(item: pytest.Item, mark: pytest.Mark, config: pytest.Config, options: ImageOptions | None) -> Place:
    """Return the place, yet without a name: where the mark says, else the options, else those of pytest-mpl.

    Args:
        options: of this plugin, for its own mark; None for pytest-mpl's.
    """
    here = item.path.parent
    given = mark.kwargs.get("baseline_dir")
    if given is None and options is not None and options.baseline_dir_is_set:
        return Place(_absolute(config.rootpath / options.baseline_dir), "")
    if given is None:
        option = mpl.setting(config, "mpl-baseline-path")
        if option is None:
            return Place(
                _absolute(here / "baseline" if options is None else config.rootpath / options.baseline_dir), ""
            )
        is_relative = config.getoption("--mpl-baseline-relative") or _is_remote(option)
        given = option if is_relative else config.invocation_params.dir / str(option)
    if _is_remote(given):
        return Place(here, "", servers=tuple(str(given).split(",")))
    return Place(_absolute(here / str(given)), "")


def _absolute(folder: Path) -> Path:
    return Path(os.path.abspath(folder))


def _plain_filename(item: pytest.Item, mark: pytest.Mark, config: pytest.Config) -> str:
    """Return the name by pytest-mpl's rules, its way with ``.png`` inside a name included."""
    uses_full_name = mpl.setting(config, "mpl-use-full-test-name")
    given = None if uses_full_name else mark.kwargs.get("filename")
    name = str(given) if given is not None else f"{_full_prefix(item) if uses_full_name else ''}{item.name}.png"
    stem = name.split(".png")[0]
    for illegal in "[]/":
        stem = stem.replace(illegal, "_")
    return f"{stem.removesuffix('_')}.png"


def _full_prefix(item: pytest.Item) -> str:
    """Return ``module.Class.``, as pytest-mpl's full test names begin."""
    owners: list[Any] = [getattr(item, "module", None), getattr(item, "cls", None)]
    return "".join(f"{owner.__name__}." for owner in owners if owner is not None)


def _is_remote(folder: Any) -> bool:
    return str(folder).startswith(("http://", "https://"))
