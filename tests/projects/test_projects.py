"""Right and wrong projects are told apart; ``judge.py`` says the figures of all of them."""

from __future__ import annotations

from collections import Counter

import judge
import pytest
from project import Project

_SAMPLE = """
right pipeline: v1 training
right pipeline: v2 dtype by kind
right pipeline: weights of a resnet
right pipeline: albumentations training
right pipeline: kornia
right pipeline: timm evaluation
right pipeline: attributes that raise
right pipeline: returns a dict
right inverse: numpy to imshow
right inverse: pil from rounded array
right inverse: rounded floats
right inverse: two normalizes and a clamp
right data: random crop with padding
right data: loader with collate
right data: splits as data sets
wrong pipeline: normalize twice
wrong pipeline: divides twice
wrong pipeline: bgr before
wrong pipeline: random normalize
wrong inverse: truncated in numpy
wrong inverse: blue std
wrong inverse: loops in place
wrong inverse: misspelled name
wrong data: items from 1 doubled
wrong data: collate again
wrong data: splits: halves for val
"""
_NAMED = {one.name: one for one in judge.PROJECTS}


def _judged(project: Project) -> None:
    verdict, said, seconds = judge.judge(project)
    mistake = judge.Judged(project, verdict, said, seconds).mistake
    assert not mistake, f"{mistake}: expected {project.verdict} ({project.cause}), found {verdict}: {said}"


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", _SAMPLE.strip().splitlines())
def test_some_projects(name: str) -> None:
    _judged(_NAMED[name])


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
