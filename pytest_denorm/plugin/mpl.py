"""What pytest-mpl is asked to do in a session, and its records: the only code that looks into that plugin."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

__all__ = ["acts", "generates", "has_pytest_mpl", "image_mark", "say_verdict", "setting", "uses_hash_library"]


def image_mark(item: pytest.Item) -> pytest.Mark | None:
    return item.get_closest_marker("mpl_image_compare")


def has_pytest_mpl(config: pytest.Config) -> bool:
    """Return whether pytest-mpl is active, loaded by its entry point or by ``-p pytest_mpl.plugin``."""
    return any(config.pluginmanager.hasplugin(name) for name in ("pytest_mpl", "pytest_mpl.plugin"))


def setting(config: pytest.Config, name: str) -> Any:
    """Return an option of pytest-mpl, of the command line or the ini; None where it is not set or the plugin is off."""
    if not has_pytest_mpl(config):
        return None
    return config.getoption(f"--{name}") or config.getini(name) or None


def acts(config: pytest.Config) -> bool:
    """Return whether pytest-mpl compares or generates in this session."""
    options = ("--mpl", "--mpl-generate-path", "--mpl-generate-hash-library")
    return any(config.getoption(option) for option in options)


def generates(config: pytest.Config) -> str:
    """Return the folder that pytest-mpl was told to generate baselines in; empty for none."""
    return config.getoption("--mpl-generate-path") or ""


def uses_hash_library(mark: pytest.Mark, config: pytest.Config) -> bool:
    """Return whether pytest-mpl is going to compare this test by hash."""
    if not config.getoption("--mpl") or mark.kwargs.get("skip_hash"):
        return False
    return bool(setting(config, "mpl-hash-library") or mark.kwargs.get("hash_library"))


def say_verdict(
    item: pytest.Item, passed: bool, message: str, images: Mapping[str, Any], facts: Mapping[str, Any]
) -> None:
    """Put the verdict into pytest-mpl's record of the test, so that its summary says what pytest says.

    Args:
        item: the test, under the name that pytest-mpl knows it by.
        passed: the verdict.
        message: what the failure says.
        images: paths of PNG files, by what they show: ``result``, ``baseline``, ``difference``.
        facts: the numbers.
    """
    records, results = _records_of(item.config)
    module = sys.modules.get("pytest_mpl.plugin")
    name_of = getattr(module, "generate_test_name", None)
    if records is None or results is None or name_of is None:
        return
    name = name_of(item)
    record = records.get(name)
    if record is None or record.get("status") == "skipped":
        return
    record["status"] = "passed" if passed else "failed"
    if record.get("hash_status") is None or not passed:
        record["image_status"] = "match" if passed else "missing" if facts.get("image") == "missing" else "diff"
    record["tolerance"] = 0
    record["rms"] = facts.get("rms") if not passed else 0.0
    if passed:
        record["status_msg"] = "The pixels are those of the baseline."
        return
    record["status_msg"] = message
    folder = results / name
    keys = {"result": "result_image", "baseline": "baseline_image", "difference": "diff_image"}
    files = {"result": "result.png", "baseline": "baseline.png", "difference": "result-failed-diff.png"}
    with suppress(OSError):  # what is shown of a failure, which is told without it
        folder.mkdir(parents=True, exist_ok=True)
        for kind, data in images.items():
            (folder / files[kind]).write_bytes(data)
            record[keys[kind]] = (folder / files[kind]).relative_to(results).as_posix()


def _records_of(config: pytest.Config) -> tuple[dict[str, Any] | None, Path | None]:
    """Return the records of pytest-mpl's plugin, which has no name, and its folder of results."""
    for plugin in config.pluginmanager.get_plugins():
        records = getattr(plugin, "_test_results", None)
        if type(plugin).__module__ == "pytest_mpl.plugin" and isinstance(records, dict):
            return records, getattr(plugin, "results_dir", None)
    return None, None
