"""What image tests do unless they are told otherwise, and what is refused under CI."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_denorm.errors import SettingsError
from pytest_denorm.images.options import ImageOptions


def test_nothing_is_written_unless_it_is_asked_for() -> None:
    options = ImageOptions()
    assert (options.baseline_dir, options.compare, options.baselines) == ("baseline_images", "always", "images")
    assert (options.update, options.update_in_ci, options.unused) == ("", False, "")
    assert (options.results, options.report) == ("", "")


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"update": "missing"}, "--denorm-update=missing"),
        ({"update": "all", "unused": "delete"}, "--denorm-update=all"),
        ({"unused": "delete"}, "--denorm-unused=delete"),
    ],
)
@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"CI": "true"}, "CI"),
        ({"CI": "1", "BUILD_NUMBER": "7"}, "CI"),
        ({"BUILD_NUMBER": "7"}, "BUILD_NUMBER"),
        ({"CI": "False", "BUILD_NUMBER": "7"}, "BUILD_NUMBER"),
    ],
)
def test_what_nobody_reviews_is_refused(
    options: dict[str, Any], asked: str, environ: dict[str, str], found: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        ImageOptions(**options).refuse_in_ci(environ)
    assert str(caught.value) == (
        f"{asked} is refused under CI (the environment variable {found} is set): baselines that are written there are "
        f"reviewed by nobody. Run it on your machine and commit the files, or add --denorm-update-in-ci."
    )
    ImageOptions(**options, update_in_ci=True).refuse_in_ci(environ)


@pytest.mark.parametrize("environ", [{}, {"CI": ""}, {"CI": "0"}, {"CI": "false"}, {"CI": "FALSE", "BUILD_NUMBER": ""}])
def test_outside_of_ci_everything_is_allowed(environ: dict[str, str]) -> None:
    ImageOptions(update="all", unused="delete").refuse_in_ci(environ)


@pytest.mark.parametrize("unused", ["", "warn", "fail"])
def test_comparing_is_allowed_everywhere(unused: Any) -> None:
    ImageOptions(unused=unused).refuse_in_ci({"CI": "true", "BUILD_NUMBER": "7"})
