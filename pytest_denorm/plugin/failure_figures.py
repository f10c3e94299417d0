"""``pytest --denorm-pictures``: failed round trips and comparisons leave an image in the folder of results."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Generator
from typing import Any

import pytest

from ..checks.assertion import FailedRoundTrip, failed_round_trip
from ..comparing.compared import Comparison, failed_comparison
from ..core.files import write_whole
from ..errors import DenormError
from ..images.names import result_stem
from .image_tests import start

__all__ = ["FailureImages"]

_PROPERTY = "denorm_round_trip_picture"


class FailureImages:
    """Draws what failed, where the error knows how."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.excinfo is None or not report.failed:
            return report
        failed = failed_round_trip(call.excinfo.value) or failed_comparison(call.excinfo.value)
        if failed is None:
            return report
        what = "comparison" if isinstance(failed, Comparison) else "round trip"
        stem = result_stem(item.nodeid)
        path = start(self.config).results / f"{stem}-{what.replace(' ', '-')}.png"
        try:
            data = _draw(failed)
            write_whole(path, data)
        except DenormError as error:
            report.sections.append(("pytest-denorm", f"no image: {error}"))
            return report
        report.sections.append(("pytest-denorm", f"image of the {what}: {path}"))
        for properties in (item.user_properties, report.user_properties):  # JUnit reads those of the item
            properties[:] = [one for one in properties if one[0] != _PROPERTY] + [(_PROPERTY, str(path))]
        if self.config.pluginmanager.hasplugin("html"):
            extras: Any = importlib.import_module("pytest_html.extras")
            shown = extras.png(base64.b64encode(data).decode(), name=what)
            vars(report)["extras"] = [*getattr(report, "extras", []), shown]
        return report


def _draw(failed: FailedRoundTrip | Comparison) -> bytes:
    if isinstance(failed, Comparison):
        return failed.png()
    from ..checks.round_trip_figure import png_of, round_trip_figure  # with matplotlib

    return png_of(round_trip_figure(failed.case, failed.outcome))
