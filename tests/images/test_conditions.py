"""What a figure is drawn under: a style and a backend, both put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import pytest

from pytest_denorm.errors import SettingsError
from pytest_denorm.images.conditions import backend_of, style_of


@pytest.fixture
def switched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The backends that were switched to."""
    calls: list[Any] = []
    switch = plt.switch_backend

    def noting(backend: Any) -> None:
        calls.append(backend)
        switch(backend)

    monkeypatch.setattr(plt, "switch_backend", noting)
    yield calls
    switch("agg")


def test_a_style_holds_alone_whatever_was_set_before() -> None:
    default = matplotlib.rcParamsDefault
    with matplotlib.rc_context({"lines.linewidth": 7, "axes.facecolor": "red"}):
        with style_of("ggplot"):
            assert plt.rcParams["axes.facecolor"] == "#E5E5E5"
            assert plt.rcParams["lines.linewidth"] == default["lines.linewidth"] != 7
        assert (plt.rcParams["lines.linewidth"], plt.rcParams["axes.facecolor"]) == (7, "red")


def test_a_backend_holds_inside_and_is_put_back(switched: list[Any]) -> None:
    with backend_of("svg", "it"):
        assert matplotlib.get_backend() == "svg"
    assert matplotlib.get_backend() == "agg"
    inside = []
    with suppress(ZeroDivisionError), backend_of("pdf", "it"):
        inside.append(matplotlib.get_backend())
        raise ZeroDivisionError
    assert inside == ["pdf"]
    assert matplotlib.get_backend() == "agg"
    assert switched == ["svg", "agg", "pdf", "agg"]


@pytest.mark.parametrize("backend", [None, "agg", "AGG"])
def test_the_backend_that_there_is_stays(switched: list[Any], backend: str | None) -> None:
    inside: AbstractContextManager[None] = backend_of(backend, "it")
    with inside:
        assert matplotlib.get_backend() == "agg"
    assert switched == []


@pytest.mark.parametrize("backend", ["nope", 3])
def test_a_backend_that_cannot_be_loaded_is_named(backend: Any) -> None:
    with pytest.raises(SettingsError) as caught, backend_of(backend, "the backend of image_compare"):
        raise AssertionError("nothing is drawn")
    said = str(caught.value)
    assert said.startswith(f"the backend of image_compare is {backend!r}, a backend that matplotlib cannot load: ")
    assert said.endswith(". Expected the name of one that works here, such as 'agg'.")
    assert matplotlib.get_backend() == "agg"
