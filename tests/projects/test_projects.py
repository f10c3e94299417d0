"""Right and wrong projects are told apart; ``judge.py`` says the figures of all of them."""

from __future__ import annotations

from collections import Counter

import judge
import pytest
from project import Project

_KNOWN: dict[str, str] = {}
_SAMPLE = judge.PROJECTS[::20]


def _judged(project: Project) -> None:
    verdict, said, seconds = judge.judge(project)
    mistake = judge.Judged(project, verdict, said, seconds).mistake
    assert not mistake, f"{mistake}: expected {project.verdict} ({project.cause}), found {verdict}: {said}"


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("project", _SAMPLE, ids=lambda one: one.name)
def test_some_projects(project: Project) -> None:
    _judged(project)


@pytest.mark.sweep
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("project", judge.PROJECTS, ids=lambda one: one.name)
def test_all_projects(project: Project) -> None:
    _judged(project)


def test_there_are_enough_and_none_twice() -> None:
    sides = Counter(one.verdict == "failed" for one in judge.PROJECTS)
    names = Counter(one.name for one in judge.PROJECTS)
    assert min(sides[True], sides[False]) >= 150, sides
    assert not [name for name, count in names.items() if count > 1]
