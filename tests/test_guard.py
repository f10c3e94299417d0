"""The plugin costs nothing where nothing of it is used: no heavy library is loaded through it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "torchvision", "numpy", "matplotlib", "PIL", "pytest_mpl")

_REPORT = f"""
import sys

def pytest_unconfigure(config):
    loaded = [name for name in {HEAVY!r} if name in sys.modules]
    ours = sorted(name for name in sys.modules if name.partition(".")[0] == "pytest_denorm")
    print("LOADED", loaded, "OURS", ours)
"""


def _run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """A session with this plugin and no other; returns the line of the report."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(_REPORT)
    result = pytester.runpytest_subprocess("-p", "pytest_denorm.plugin", "-q", *arguments)
    return next(line for line in result.stdout.lines if line.startswith("LOADED"))


def test_a_session_that_uses_nothing_loads_nothing(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile("def test_plain(): pass")
    line = _run(pytester, monkeypatch)
    assert line == "LOADED [] OURS ['pytest_denorm', 'pytest_denorm.plugin', 'pytest_denorm.plugin.settings']"


def test_the_mark_alone_loads_no_heavy_library_at_collection(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(
        """
        from pytest_denorm import image_compare

        @image_compare
        def test_grid(): pass
        """
    )
    assert _run(pytester, monkeypatch, "--collect-only").startswith("LOADED [] ")


def test_the_guard_can_fail(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile("def test_heavy(denorm): pass")
    line = _run(pytester, monkeypatch)
    assert "'torch'" in line
    assert "'numpy'" in line


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("import pytest_denorm", []),
        ("import pytest_denorm; pytest_denorm.Normalization([0.5], [0.5]).inverse()", []),
        ("from pytest_denorm import image_compare", []),
        ("import pytest_denorm.cli.main", []),
        ("from pytest_denorm import denormalize", ["torch", "numpy"]),
    ],
)
def test_importing_the_package_loads_what_is_used(code: str, loaded: list[str]) -> None:
    script = f"{code}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == str(loaded)


def test_every_public_name_resolves_and_is_no_module() -> None:
    import types

    import pytest_denorm

    for name in pytest_denorm.__all__:
        assert not isinstance(getattr(pytest_denorm, name), types.ModuleType), name
    assert set(pytest_denorm.__all__) == set(pytest_denorm._HOMES) | {"__version__"}
    assert set(pytest_denorm.__all__) <= set(dir(pytest_denorm))
    with pytest.raises(AttributeError, match="module 'pytest_denorm' has no attribute 'denormalise'"):
        pytest_denorm.denormalise  # noqa: B018


def test_public_names_are_no_submodules() -> None:
    """A submodule of a public name would take its place as soon as it is imported."""
    import pytest_denorm

    folder = Path(pytest_denorm.__file__).parent
    assert not {one.stem for one in folder.iterdir()} & set(pytest_denorm.__all__)
