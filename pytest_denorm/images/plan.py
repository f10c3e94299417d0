"""Where each image test keeps its baseline."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .marks import EXACT
from .names import folded, is_legal, legal_stem
from .options import ImageOptions


@dataclass(frozen=True)
class Plan:
    """The baseline of a test: `exact` for ``image_compare``, else pytest-mpl's mark on its own."""

    folder: Path
    filename: str
    exact: bool

    @property
    def path(self) -> Path:
        return self.folder / self.filename


PLAN = pytest.StashKey[Plan]()


def image_mark(item: pytest.Item) -> pytest.Mark | None:
    return item.get_closest_marker("mpl_image_compare")


def plan_items(items: Iterable[pytest.Item], config: pytest.Config, options: ImageOptions) -> None:
    """Give each image test its plan, and pytest-mpl the same file.

    Raises:
        UsageError: a file name that is not legal everywhere; two tests with the same baseline.
    """
    taken: dict[tuple[str, str], tuple[pytest.Item, Plan]] = {}
    for item in items:
        mark = image_mark(item)
        is_function = isinstance(item, pytest.Function)
        plan = _plan(item, mark, config, options) if is_function and mark is not None else None
        if plan is None:
            continue
        key = (os.path.normcase(plan.folder), folded(plan.filename))
        first, other = taken.setdefault(key, (item, plan))
        # one test may be collected twice; with several roots, two tests may have one node id
        is_other = (first.path, first.nodeid) != (item.path, item.nodeid)
        if is_other and (plan.exact or other.exact):
            raise pytest.UsageError(_collision(first, other, item, plan))
        item.stash[PLAN] = plan
        if plan.exact and mark is not None:
            # a new mark: the keywords of the old one are shared by all parameters of a test
            kwargs = {**mark.kwargs, "baseline_dir": str(plan.folder), "filename": plan.filename}
            item.add_marker(pytest.mark.mpl_image_compare(**kwargs), append=False)


def _collision(item: pytest.Item, plan: Plan, other_item: pytest.Item, other: Plan) -> str:
    nodeids = [item.nodeid, other_item.nodeid]
    if nodeids[0] == nodeids[1]:
        nodeids = ["::".join([str(one.path), *one.nodeid.split("::")[1:]]) for one in (item, other_item)]
    same = f"the same baseline, {plan.path}"
    if plan.filename != other.filename:
        same = (
            f"baselines that some file systems cannot tell apart, {plan.filename} and {other.filename} in {plan.folder}"
        )
    return (
        f"two tests have {same}:\n  {nodeids[0]}\n  {nodeids[1]}\nRename one, give one a filename, "
        f"image_compare(filename='...'), or let all names begin with their module: mpl-use-full-test-name = true."
    )


def _plan(item: pytest.Item, mark: pytest.Mark, config: pytest.Config, options: ImageOptions) -> Plan | None:
    exact = bool(mark.kwargs.get(EXACT))
    form = mark.kwargs.get("savefig_kwargs", {}).get("format", "png")
    if form != "png":
        if exact:
            raise pytest.UsageError(
                f"{item.nodeid}: image_compare compares pixels, and savefig_kwargs asks for {form!r}: expected 'png'. "
                f"Use pytest.mark.mpl_image_compare for other formats."
            )
        return None
    folder = _exact_folder(item, mark, config, options) if exact else _plain_folder(item, mark, config)
    if folder is None:
        return None
    filename = _exact_filename(item, mark, config) if exact else _plain_filename(item, mark, config)
    return Plan(Path(os.path.abspath(folder)), filename, exact)


def _exact_folder(item: pytest.Item, mark: pytest.Mark, config: pytest.Config, options: ImageOptions) -> Path:
    given = mark.kwargs.get("baseline_dir")
    if given is None:
        return config.rootpath / options.baseline_dir
    if _is_remote(given):
        raise pytest.UsageError(
            f"{item.nodeid}: image_compare was given baseline_dir={given!r}: expected a folder, relative to the test "
            f"file. Use pytest.mark.mpl_image_compare for baselines on a server."
        )
    return item.path.parent / str(given)


def _exact_filename(item: pytest.Item, mark: pytest.Mark, config: pytest.Config) -> str:
    given = mark.kwargs.get("filename")
    if given is not None:
        if not is_legal(str(given)):
            raise pytest.UsageError(
                f"{item.nodeid}: image_compare was given filename={given!r}: expected the name of a .png file that is "
                f"legal on Linux, macOS and Windows, without a folder."
            )
        return str(given)
    return f"{_prefix(item, config)}{legal_stem(item.name)}.png"


def _plain_folder(item: pytest.Item, mark: pytest.Mark, config: pytest.Config) -> Path | None:
    """pytest-mpl's rules; None for a server."""
    here = item.path.parent
    given = mark.kwargs.get("baseline_dir")
    if given is None:
        option = mpl_setting(config, "mpl-baseline-path")
        if option is None:
            return here / "baseline"
        if config.getoption("--mpl-baseline-relative"):
            return here / str(option)
        given = option if _is_remote(option) else config.invocation_params.dir / str(option)
    return None if _is_remote(given) else here / str(given)


def _plain_filename(item: pytest.Item, mark: pytest.Mark, config: pytest.Config) -> str:
    """pytest-mpl's rules, its way with ``.png`` inside a name included."""
    prefix = _prefix(item, config)
    given = None if prefix else mark.kwargs.get("filename")
    name = str(given) if given is not None else f"{prefix}{item.name}.png"
    stem = name.split(".png")[0]
    for illegal in "[]/":
        stem = stem.replace(illegal, "_")
    return f"{stem.removesuffix('_')}.png"


def _prefix(item: pytest.Item, config: pytest.Config) -> str:
    """``module.Class.`` if pytest-mpl is asked for full test names, else nothing."""
    if not mpl_setting(config, "mpl-use-full-test-name"):
        return ""
    owners = [getattr(item, "module", None), getattr(item, "cls", None)]
    return "".join(f"{owner.__name__}." for owner in owners if owner is not None)


def has_pytest_mpl(config: pytest.Config) -> bool:
    """Whether pytest-mpl is active, loaded by its entry point or by ``-p pytest_mpl.plugin``."""
    return any(config.pluginmanager.hasplugin(name) for name in ("pytest_mpl", "pytest_mpl.plugin"))


def mpl_setting(config: pytest.Config, name: str) -> Any:
    """An option of pytest-mpl from the command line or the ini; None where it is not set, or pytest-mpl is off."""
    if not has_pytest_mpl(config):
        return None
    return config.getoption(f"--{name}") or config.getini(name) or None


def _is_remote(folder: Any) -> bool:
    return str(folder).startswith(("http://", "https://"))


def uses_hash_library(mark: pytest.Mark, config: pytest.Config) -> bool:
    """Whether pytest-mpl is going to compare this test by hash."""
    if not config.getoption("--mpl") or mark.kwargs.get("skip_hash"):
        return False
    return bool(mpl_setting(config, "mpl-hash-library") or mark.kwargs.get("hash_library"))
