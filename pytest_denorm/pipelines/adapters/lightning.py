"""Lightning: data modules make their loaders in methods, from data sets that they keep once they are set up."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from typing import Any

from ..registry import Description, Parts

_METHODS = ("train_dataloader", "val_dataloader", "test_dataloader", "predict_dataloader")
_HOOKS = ("on_before_batch_transfer", "on_after_batch_transfer")
_LIBRARIES = ("lightning", "pytorch_lightning")


def describe(obj: Any) -> Description:
    if not any(cls.__name__ == "LightningDataModule" for cls in type(obj).__mro__):
        return None
    held = tuple((f".{name}", value) for name, value in vars(obj).items() if _is_pipeline(name, value))
    loaders = loaders_made_by(obj)
    if loaders is None or held:
        return Parts(held, "views", otherwise=loaders)
    return loaders()


def loaders_made_by(obj: Any) -> Callable[[], Parts] | None:
    """What makes the loaders of an object with such methods, of a class of its own or not; None of any other."""
    stored = getattr(obj, "__dict__", {})
    own = [name for name in _METHODS if name in stored or _is_own(getattr(type(obj), name, None))]
    return functools.partial(_made, obj, own) if own else None


def _is_own(method: Any) -> bool:
    """As against those of the base class, which only raise."""
    return callable(method) and getattr(method, "__module__", "").partition(".")[0] not in _LIBRARIES


def _made(obj: Any, names: list[str]) -> Parts:
    """
    Raises:
        RuntimeError: one of them raised.
    """
    from ..randomness import preserve_rng_state

    loaders = []
    for name in names:
        try:
            with preserve_rng_state():
                loaders.append((f".{name}()", getattr(obj, name)()))
        except Exception as error:
            raise RuntimeError(
                f"{name}() raised {type(error).__name__}: {error}. Call setup() first, or give a loader."
            ) from error
    return Parts(tuple(loaders), "views")


class Transferred:
    """A loader, with what a module makes of its batches on their way to the network.

    Attributes:
        name: the methods that do so.
    """

    def __init__(self, module: Any, loader: Any, hooks: list[str]) -> None:
        self.loader, self.name = loader, " and ".join(f"{type(module).__name__}.{hook}()" for hook in hooks)
        self._module, self._hooks = copy.copy(module), hooks

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            for hook in self._hooks:
                batch = getattr(self._module, hook)(batch, 0)
            yield batch


def transferred(obj: Any) -> Iterator[tuple[str, Transferred]]:
    """The loaders of a module that has such methods of its own, each with its name; none where they cannot be made."""
    hooks = [name for name in _HOOKS if _is_own(getattr(type(obj), name, None))]
    made = loaders_made_by(obj) if hooks else None
    if made is None:
        return
    try:
        loaders = made().parts
    except RuntimeError:  # not set up: what looks for a Normalize says so, if it needs them
        return
    for name, loader in loaders:
        yield type(obj).__name__ + name, Transferred(obj, loader, hooks)


def _is_pipeline(name: str, value: Any) -> bool:
    """What a data module keeps of its own, as against the trainer and the bookkeeping of its base."""
    if name.startswith("_") or name in ("trainer", *_METHODS) or isinstance(value, (str, bytes)):
        return False
    return callable(value) or hasattr(type(value), "__getitem__")
