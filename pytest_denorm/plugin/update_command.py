"""The pytest command that writes a baseline: the same session again, as far as its baselines depend on it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

#: Where a baseline is, and what is drawn and stored; the last five are pytest-mpl's.
_FLAGS = (
    "--denorm-baseline-dir",
    "--denorm-baselines",
    "--denorm-overlay",
    "--denorm-compare",
    "--mpl-baseline-path",
    "--mpl-baseline-relative",
    "--mpl-use-full-test-name",
    "--mpl-default-style",
    "--mpl-default-backend",
)


def update_command(given: Iterable[str], selectors: Iterable[str], update: str) -> str:
    """Return what to paste into a shell, in the folder that pytest was called in.

    Args:
        given: the `given_words` of the session, quoted.
        selectors: of the tests.
        update: ``missing``, ``failed`` or ``all``.
    """
    return " ".join(["pytest", *given, *map(shlex.quote, selectors), f"--denorm-update={update}"])


def given_words(config: pytest.Config, *, mpl: bool) -> tuple[str, ...]:
    """Return what a command must repeat to update the same baseline in the same form, quoted for a shell.

    Args:
        config: of the session.
        mpl: whether nothing would be compared or updated without ``--mpl``.
    """
    flags = ((flag, config.getoption(flag, None)) for flag in _FLAGS)
    written = [flag if value is True else f"{flag}={value}" for flag, value in flags if value]
    inis = [one for one in config.getoption("override_ini") or () if one.startswith(("denorm_", "mpl-"))]
    words = [*_of_root(config), *written, *(word for one in inis for word in ("-o", one)), *(["--mpl"] if mpl else [])]
    return tuple(shlex.quote(word) for word in words)


def _of_root(config: pytest.Config) -> Iterator[str]:
    """Yield the ini and the root folder, where the command line chose them; the addopts of an ini cannot."""
    ini, root = config.getoption("inifilename"), config.getoption("rootdir")
    if _is_there(config, ini, config.inipath):
        yield from ("-c", str(ini))
    if _is_there(config, root and os.path.expandvars(root), config.rootpath):
        yield f"--rootdir={root}"


def _is_there(config: pytest.Config, given: str | None, found: Path | None) -> bool:
    """Return whether what pytest has found is what was given to it."""
    return given is not None and found == Path(os.path.abspath(config.invocation_params.dir / given))
