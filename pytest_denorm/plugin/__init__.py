"""pytest hooks and fixtures, nothing else: every body imports what it needs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from . import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import torch

    from .fixtures import Denorm

#: pytest-mpl's, and so that of image tests.
_MARK = "mpl_image_compare"

#: The plugin of image tests, where it was started already.
_IMAGES = "denorm-images"


def pytest_addoption(parser: pytest.Parser) -> None:
    settings.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    asked = any(settings.get(config, f"denorm_{name}") for name in ("update", "unused", "report", "pictures"))
    if asked or config.getoption("dist", "no") != "no":  # a controller of pytest-xdist collects nothing itself
        from . import image_tests as pytest_side

        pytest_side.start(config)
    if settings.get(config, "denorm"):
        from .listing import ListedPipelines

        config.pluginmanager.register(ListedPipelines(config), "denorm-listed-pipelines")
    if settings.get(config, "denorm_pictures"):
        from .failure_figures import FailureImages

        config.pluginmanager.register(FailureImages(config), "denorm-failure-images")
    if not any(config.pluginmanager.hasplugin(name) for name in ("pytest_mpl", "pytest_mpl.plugin")):
        config.addinivalue_line("markers", f"{_MARK}(**kwargs): of pytest-mpl, which is not active")


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if config.getoption("dist", "no") != "no" and settings.get(config, "denorm_checks"):
        from .entries import session_levels

        session_levels(config)  # refused here: what a worker of pytest-xdist refuses, nobody reads


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    config = collector.config
    if not isinstance(collector, pytest.Session) or any("::" in str(one) for one in config.args):
        return report  # the items that were asked for by id are all
    if settings.get(config, "denorm") and settings.get(config, "denorm_scan"):
        from .scan_items import scan_of

        report.result.append(scan_of(collector))  # so that pytest counts the files as its own items
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "pytest_denorm.checks.bound" in sys.modules:  # a test module has asked for checks
        from .collection import bind_to_session

        bind_to_session(config, items)
    # get_closest_marker walks up from an item: here once for all items of a class or module
    nodes = {item.parent for item in items if item.parent is not None}
    own = (mark for item in items for mark in item.own_markers)
    marked = any(mark.name == _MARK for mark in own) or any(node.get_closest_marker(_MARK) for node in nodes)
    if marked or config.pluginmanager.hasplugin(_IMAGES):
        from . import image_tests as pytest_side

        pytest_side.start(config).plan(items)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    if call.excinfo is not None:  # of what failed, the user's frames are shown, and --full-trace shows all
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] == "pytest_denorm":
                vars(module)["__tracebackhide__"] = True
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and getattr(item, "is_told", False):
        path, line, _ = item.reportinfo()
        report.longrepr = (str(path), (line or 0) + 1, report.longrepr[2])
    return report


@pytest.fixture
def denorm(request: pytest.FixtureRequest) -> Denorm:
    """Everything of pytest_denorm, bound to this session's settings.

    ``denorm.check(pipeline)``, ``denorm.assert_round_trip(pipeline)``, ``denorm.grid(batch, pipeline)``,
    ``denorm.denormalize``, ``denorm.to_uint8``, ``denorm.find_normalize``, ``denorm.inverse_of``, ``denorm.diagnose``.
    """
    from .fixtures import Denorm

    return Denorm.of(request.config)


@pytest.fixture(scope="session")
def denorm_images(request: pytest.FixtureRequest) -> torch.Tensor:
    """Images to check with: uint8 (N, 3, H, W); all 256 levels of each channel, extremes, a real photograph.

    ``--denorm-images`` puts images of your own in their place.
    """
    from .fixtures import session_images

    return session_images(request.config)


@pytest.fixture
def denorm_pipeline(request: pytest.FixtureRequest) -> Any:
    """The pipeline under test: override it in your conftest.py, or name it with ``--denorm-pipeline``."""
    from .fixtures import session_pipeline

    return session_pipeline(request.config)


@pytest.fixture
def denorm_inverse(denorm_pipeline: Any) -> Callable[[Any], Any]:
    """The inverse under test: the derived one, unless you override it with your own."""
    from ..pipelines.apply import inverse_of

    return inverse_of(denorm_pipeline)
