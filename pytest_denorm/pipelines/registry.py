"""What adapters say of an object, and which adapter is asked.

An adapter belongs to a library, by the name of its module, and is a function: it gets an object whose class (or whose
base class, or whose function) comes from that library, and says what it is:

- a :class:`Leaf`: this is a Normalize, with these statistics;
- :class:`Parts`: this holds other transforms, data sets or loaders, and so it is put together;
- a :class:`Refusal`: this normalizes in a way that no fixed mean and std describe, because ...;
- None: this is nothing of interest, or not understood.

An adapter never imports its library: the object at hand shows that it is loaded.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from ..core.foreign import shown
from ..core.normalization import Normalization
from ..errors import AdapterError

__all__ = [
    "Description",
    "Leaf",
    "Parts",
    "Refusal",
    "class_names",
    "describe",
    "is_library",
    "public_name",
    "register_adapter",
]

#: How parts belong together: all in turn; one of them, at random; each for itself, so that they have to agree.
Together = Literal["sequence", "choice", "views"]


@dataclass(frozen=True)
class Leaf:
    """A Normalize.

    Attributes:
        mean, std: in the units of the images that enter it, in any form that :class:`Normalization` takes.
        pixel_max: the value of white there.
        name: what its library's users call it; derived from its class unless given.
        channel_axis: of its output, where that is not the usual one.
        apply: runs just this Normalize on a float tensor (N, C, H, W) in its own units; None where it cannot be run
            alone, and its declared formula has to stand in.
        probability: with which it is applied at all.
        entry: the method through which its pipeline runs it on an image; None where it is one with other steps.
        rescales: it only brings images to another range, which is no second Normalize where one follows.
        is_image: which of the things that `entry` is called with are images; None where all are.
    """

    mean: Any
    std: Any
    pixel_max: float = 1.0
    name: str = ""
    channel_axis: int | None = None
    apply: Callable[[Any], Any] | None = None
    probability: float = 1.0
    entry: str | None = "__call__"
    rescales: bool = False
    is_image: Callable[[Any], bool] | None = None


#: The label of what makes a batch of a list of items.
COLLATES = ".collate_fn"


@dataclass(frozen=True)
class Parts:
    """Something that holds others.

    Attributes:
        parts: pairs of a label, such as ``.transforms[2]``, and the object there.
        together: how they belong together.
        probability: with which all this is applied at all.
        otherwise: makes what else it holds, where no Normalize is in its parts.
    """

    parts: tuple[tuple[str, Any], ...]
    together: Together = "sequence"
    probability: float = 1.0
    otherwise: Callable[[], Parts] | None = None

    @classmethod
    def of(cls, attribute: str, objects: Any, together: Together = "sequence", probability: float = 1.0) -> Parts:
        """The members of a list or a dict that is called `attribute`."""
        pairs = objects.items() if hasattr(objects, "items") else enumerate(objects)
        return cls(tuple((f".{attribute}[{key!r}]", one) for key, one in pairs), together, probability)


@dataclass(frozen=True)
class Refusal:
    """A normalization that cannot be undone by a fixed mean and std, and why."""

    reason: str


Description = Leaf | Parts | Refusal | None
Adapter = Callable[[Any], Description | Normalization]

#: Libraries that come with an adapter: root module -> the module here that holds its ``describe``.
_BUILT_IN = {
    "albumentations": "albumentations",
    "datasets": "datasets",
    "diffusers": "diffusers",
    "fastai": "fastai",
    "kornia": "kornia",
    "lightning": "lightning",
    "monai": "monai",
    "pytorch_lightning": "lightning",
    "segmentation_models_pytorch": "segmentation_models_pytorch",
    "timm": "timm",
    "torch": "torch",
    "torchio": "torchio",
    "torchvision": "torchvision",
    "transformers": "transformers",
}
_registered: dict[str, Adapter] = {}
#: What has a name of its own; everything else is called by the name of its class.
_NAMED = (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.MethodDescriptorType)


def register_adapter(module: str, adapter: Adapter) -> None:
    """Teach :func:`~pytest_denorm.find_normalize` the transforms of a module, for one in a project's conftest.py.

    Example:

        from pytest_denorm import Normalization, register_adapter

        def describe(transform):
            if type(transform).__name__ == "Standardize":
                return Normalization(transform.centre, transform.spread)

        register_adapter("mytransforms", describe)

    Args:
        module: the module that defines the transforms (``"myproject.transforms"``), or a package above it. The
            adapter of the longest matching name is asked first.
        adapter: gets an object whose class or function is defined there; returns a :class:`Normalization` or a
            :class:`Leaf` if it is a Normalize, :class:`Parts` if it holds others, a :class:`Refusal` if what it does
            cannot be undone, and None for everything else.

    Raises:
        AdapterError: the name is no module's name, the adapter is not callable, or the module has one already.
    """
    if not isinstance(module, str) or not all(part.isidentifier() for part in module.split(".")):
        raise AdapterError(f"module is {shown(module)}: expected the name of a module, such as 'myproject.transforms'.")
    if not callable(adapter):
        raise AdapterError(f"the adapter for {module} is {shown(adapter)}: expected a function of one object.")
    if module in _registered or module in _BUILT_IN:
        raise AdapterError(
            f"{module} has an adapter already ({_registered.get(module, 'built in')}): "
            f"register one for a module below it, such as '{module}.transforms'."
        )
    _registered[module] = adapter


def unregister_adapter(module: str) -> None:
    """Forget an adapter that was registered.

    Raises:
        AdapterError: none was.
    """
    if _registered.pop(module, None) is None:
        raise AdapterError(
            f"no adapter is registered for {shown(module)}: {', '.join(_registered) or 'none is at all'}."
        )


def describe(obj: Any) -> Description:
    """What the adapters say of `obj`: the first answer along its classes, the nearest module first.

    Raises:
        AdapterError: an adapter failed, or returned something else than a description.
    """
    for module in _modules_of(obj):
        for name, adapter in _adapters_for(module):
            try:
                found = adapter(obj)
            except Exception as error:
                raise AdapterError(
                    f"the adapter of {name} failed on a {public_name(obj)}: {type(error).__name__}: {error}"
                ) from error
            if isinstance(found, Normalization):
                found = Leaf(found.mean, found.std, found.pixel_max, found.source, found.channel_axis)
            if found is None:
                continue
            if not isinstance(found, (Leaf, Parts, Refusal)):
                raise AdapterError(
                    f"the adapter of {name} returned {shown(found)} for a {public_name(obj)}: expected a "
                    f"Normalization, Leaf, Parts, Refusal or None."
                )
            return found
    return None


def _modules_of(obj: Any) -> Iterator[str]:
    """The modules that define what `obj` is: a function's own, else those of its classes."""
    function = obj.func if issubclass(type(obj), functools.partial) else obj
    seen: set[str] = set()
    for module in (getattr(_definition(function), "__module__", None), *(cls.__module__ for cls in type(obj).__mro__)):
        if isinstance(module, str) and module not in seen:
            seen.add(module)
            yield module


def _adapters_for(module: str) -> Iterator[tuple[str, Adapter]]:
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in _registered:
            yield name, _registered[name]
        if length == 1 and name in _BUILT_IN:
            yield name, import_module(f"{__package__}.adapters.{_BUILT_IN[name]}").describe


def is_library(module: str) -> bool:
    """Whether a module is of a library that comes with an adapter."""
    return module.partition(".")[0] in _BUILT_IN


def class_names(obj: Any, library: str) -> tuple[str, ...]:
    """The names of those of its classes that come from a library, its own first."""
    return tuple(cls.__name__ for cls in type(obj).__mro__ if cls.__module__.split(".")[0] == library)


def public_name(obj: Any) -> str:
    """The name by which users know the class (or function) of `obj`: the shortest module path that exports it."""
    named = _definition(obj)
    module, name = getattr(named, "__module__", "") or "", named.__qualname__
    parts = module.split(".")
    for length in range(1, len(parts)):
        shorter = ".".join(parts[:length])
        # a name without a module on its way is a private one
        if getattr(sys.modules.get(shorter), name, None) is named:
            return f"{shorter}.{name}"
    return name if module in ("", "builtins", "__main__") else f"{module}.{name}"


def _definition(obj: Any) -> Any:
    """What the code calls it: a function or a class itself, the class of anything else. Asks no instance."""
    return obj if issubclass(type(obj), _NAMED) else type(obj)
