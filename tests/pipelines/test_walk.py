"""Walking objects of no known library."""

from __future__ import annotations

import dataclasses
import functools
import types
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset
from torchvision import transforms as v1

from pytest_denorm import Normalization, find_normalize
from pytest_denorm.errors import AmbiguousNormalizeError, NormalizeNotFoundError, PipelineError
from pytest_denorm.pipelines import locate

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NORMALIZE = v1.Normalize(MEAN, STD)
IMAGENET = Normalization(NORMALIZE.mean, NORMALIZE.std)


@dataclasses.dataclass
class Stored:
    op: Any


class Slotted:
    __slots__ = ("never_set", "op")

    def __init__(self, op):
        self.op = op

    def run(self, image):
        return self.op(image)


def on_both(first, second):
    return first, second


@pytest.mark.parametrize(
    ("pipeline", "path"),
    [
        (Stored(NORMALIZE), ".op"),
        (Slotted(NORMALIZE), ".op"),
        (Slotted(NORMALIZE).run, ".__self__.op"),
        (types.SimpleNamespace(a=1, train=Stored(NORMALIZE)), ".train.op"),
        ({"train": NORMALIZE, "size": 3}, "['train']"),
        ([None, [NORMALIZE]], "[1][0]"),
        (functools.partial(on_both, second=NORMALIZE), ".keywords['second']"),
        (functools.partial(NORMALIZE), ".func"),
        (IMAGENET, ""),
        (Stored(IMAGENET), ".op"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_where_things_are_kept(pipeline, path):
    located = locate(pipeline)
    assert located.normalization == IMAGENET
    assert located.path == path


def test_views_that_agree_and_views_that_differ():
    assert find_normalize({"train": NORMALIZE, "test": v1.Compose([NORMALIZE])}) == IMAGENET
    assert find_normalize((Stored(NORMALIZE), v1.ToTensor())) == IMAGENET
    with pytest.raises(AmbiguousNormalizeError) as caught:
        find_normalize({"train": NORMALIZE, "test": v1.Normalize(0.5, 0.25)})
    assert str(caught.value) == (
        "dict: holds several pipelines whose Normalize differ:\n"
        "  ['train']: torchvision.transforms.Normalize with mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225), "
        "images in 0..1\n"
        "  ['test']: torchvision.transforms.Normalize with mean (0.5,), std (0.25,), images in 0..1\n"
        "Give one of them."
    )


class TestHostileObjects:
    def test_attribute_computed_on_demand_is_not_asked_for(self):
        class Lazy:
            def __init__(self):
                self.op = NORMALIZE

            @property
            def model(self):
                raise RuntimeError("no network")

            def __getattr__(self, name):
                raise RuntimeError(f"asked for {name}")

        assert find_normalize(Lazy()) == IMAGENET

    def test_stand_in_that_fails_on_any_look(self):
        class StandIn:
            @property
            def __class__(self):
                raise RuntimeError("not there yet")

        assert find_normalize([StandIn(), NORMALIZE]) == IMAGENET
        with pytest.raises(NormalizeNotFoundError) as caught:
            find_normalize(Stored(StandIn()))
        assert "could not look into" in str(caught.value)
        assert "StandIn (RuntimeError: not there yet)" in str(caught.value)

    def test_container_that_holds_itself(self):
        endless: list[Any] = [NORMALIZE]
        endless.append(endless)
        assert find_normalize(endless) == IMAGENET

    def test_object_that_makes_its_parts_anew(self):
        class Endless(dict):
            def items(self):
                return [("next", Endless(a=self))]

        with pytest.raises(PipelineError, match="levels or 100000 objects hang together here: give the"):
            find_normalize(Endless(a=NORMALIZE))

    def test_deep_lists(self):
        deep: Any = NORMALIZE
        for _ in range(2000):
            deep = [deep]
        assert find_normalize(deep) == IMAGENET


@pytest.mark.parametrize(
    "inverse",
    [
        v1.Normalize([-m / s for m, s in zip(MEAN, STD, strict=True)], [1 / s for s in STD]),
        v1.Compose([v1.Normalize([0.0] * 3, [1 / s for s in STD]), v1.Normalize([-m for m in MEAN], [1.0, 1.0, 1.0])]),
    ],
)
def test_an_inverse_that_is_kept_beside_is_no_second_normalize(inverse):
    class Pictures:
        def __init__(self, **held):
            vars(self).update(held)

        def __getitem__(self, index):
            raise IndexError

    normalize = v1.Normalize(MEAN, STD)
    for held in ({"transform": normalize, "undo": inverse}, {"undo": inverse, "transform": normalize}):
        assert find_normalize(Pictures(**held)).source == "Pictures.transform: torchvision.transforms.Normalize"
    with pytest.raises(AmbiguousNormalizeError):
        find_normalize(Pictures(transform=v1.Normalize([0.5] * 3, [0.5] * 3), undo=inverse))
    if isinstance(inverse, v1.Normalize):  # in turn, it is one; of a mean and a std by themselves, all is put together
        with pytest.raises(AmbiguousNormalizeError):
            find_normalize(v1.Compose([normalize, inverse]))


def test_transforms_in_the_body_of_a_class() -> None:
    class Photographs(Dataset[Any]):
        transform = v1.Compose([v1.ToTensor(), v1.Normalize([0.5, 0.4, 0.3], [0.2, 0.3, 0.4])])
        loader = staticmethod(len)
        size = 32

        def __getitem__(self, index: int) -> Any:
            return self.transform(np.zeros((8, 8, 3), np.uint8))

    class Changed(Photographs):
        def __init__(self) -> None:
            self.transform = v1.Compose([v1.ToTensor(), v1.Normalize(0.5, 0.5)])

    assert find_normalize(Photographs()).mean == (0.5, 0.4, 0.3)
    assert find_normalize(Photographs()).source.startswith("Photographs.transform.transforms[1]: ")
    assert find_normalize(Changed()).mean == (0.5,)


def test_statistics_that_are_kept_in_a_tensor_are_those_of_a_list() -> None:
    class Kept:
        def __init__(self):
            self.mean, self.std = (torch.tensor(one).view(3, 1, 1) for one in (MEAN, STD))

        def __call__(self, image):
            return (image - self.mean) / self.std

    listed = v1.Normalize(MEAN, STD)
    for pipelines in ({"gpu": Kept(), "val": listed}, {"val": listed, "gpu": Kept()}):
        assert find_normalize(pipelines).mean == pytest.approx(MEAN)
    with pytest.raises(AmbiguousNormalizeError):
        find_normalize({"gpu": Kept(), "val": v1.Normalize(MEAN, (0.229, 0.224, 0.2251))})
