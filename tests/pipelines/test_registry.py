"""A project's own adapters, and what happens when they are wrong."""

from __future__ import annotations

import pytest
import torch

from pytest_denorm import Normalization, find_normalize, register_adapter
from pytest_denorm.errors import AdapterError, NormalizeNotFoundError, NotInvertibleError
from pytest_denorm.pipelines import Leaf, Parts, Refusal, locate
from pytest_denorm.pipelines.registry import unregister_adapter


class Standardize:
    """A project's own Normalize."""

    def __init__(self, centre, spread):
        self.centre, self.spread = centre, spread

    def __call__(self, image):
        return (image - self.centre) / self.spread


class Steps:
    def __init__(self, *steps):
        self.steps = {str(index): step for index, step in enumerate(steps)}


class Sub(Standardize):
    pass


def step(image):
    return image


@pytest.fixture
def register():
    """Registers for one test."""
    registered = []

    def register(module, adapter):
        register_adapter(module, adapter)
        registered.append(module)

    yield register
    for module in registered:
        unregister_adapter(module)


def adapter(obj):
    if isinstance(obj, Standardize):
        return Leaf(obj.centre, obj.spread, apply=obj)
    return Parts.of("steps", obj.steps) if isinstance(obj, Steps) else None


def test_unknown_before_and_known_after(register):
    pipeline = Steps(step, Sub(0.5, 0.25))
    with pytest.raises(NormalizeNotFoundError, match="or teach find_normalize with register_adapter"):
        find_normalize(pipeline)
    register(__name__, adapter)
    located = locate(pipeline)
    assert located.normalization == Normalization(0.5, 0.25)
    assert located.normalization.source == f"Steps.steps['1']: {__name__}.Sub"
    assert located.apply(torch.ones(1)) == 2


def test_refusal(register):
    register(__name__, lambda obj: Refusal("it takes the median of each image"))
    with pytest.raises(NotInvertibleError) as caught:
        find_normalize(Standardize(0, 1))
    assert str(caught.value) == (
        f"Standardize: {__name__}.Standardize cannot be undone by a fixed mean and std: it takes the median of each "
        "image"
    )


def test_functions_are_known_by_their_module(register):
    register(__name__, lambda obj: Leaf(0.1, 0.2) if obj is step else None)
    assert find_normalize([step]) == Normalization(0.1, 0.2)


def test_the_nearest_module_is_asked_first(register):
    import torchvision

    register("torchvision.transforms.transforms", lambda obj: Leaf(0.0, 1.0) if hasattr(obj, "mean") else None)
    normalize = torchvision.transforms.Normalize((0.5,), (0.5,))
    assert find_normalize(torchvision.transforms.Compose([normalize])) == Normalization(0.0, 1.0)


@pytest.mark.parametrize(
    ("module", "function", "message"),
    [
        (
            "not a module",
            adapter,
            "module is 'not a module': expected the name of a module, such as 'myproject.transforms'.",
        ),
        (None, adapter, "module is None: expected the name of a module, such as 'myproject.transforms'."),
        ("ours", 3, "the adapter for ours is 3: expected a function of one object."),
        (
            "torchvision",
            adapter,
            "torchvision has an adapter already (built in): register one for a module below it, such as "
            "'torchvision.transforms'.",
        ),
    ],
)
def test_refused(module, function, message):
    with pytest.raises(AdapterError) as caught:
        register_adapter(module, function)
    assert str(caught.value) == message


def test_duplicates_are_refused(register):
    register(__name__, adapter)
    with pytest.raises(AdapterError, match="has an adapter already"):
        register_adapter(__name__, adapter)


def test_forgetting_what_was_never_registered():
    with pytest.raises(AdapterError, match="no adapter is registered for 'ours'"):
        unregister_adapter("ours")


def test_adapter_that_fails_or_returns_something_else(register):
    register(__name__, lambda obj: obj.nothing)
    with pytest.raises(AdapterError) as caught:
        find_normalize([Standardize(0, 1)])
    assert str(caught.value) == (
        f"list[0]: the adapter of {__name__} failed on a {__name__}.Standardize: AttributeError: 'Standardize' object "
        "has no attribute 'nothing'"
    )
    unregister_adapter(__name__)
    register_adapter(__name__, lambda obj: (0.5, 0.5))
    with pytest.raises(AdapterError, match=r"returned \(0\.5, 0\.5\) for a .*: expected a Normalization, Leaf,"):
        find_normalize(Standardize(0, 1))
