"""Lightning: data modules make their loaders in methods, from data sets that they keep once they are set up."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..registry import Description, Parts

_METHODS = ("train_dataloader", "val_dataloader", "test_dataloader", "predict_dataloader")
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
    from ..randomness import states_kept

    loaders = []
    for name in names:
        try:
            with states_kept():
                loaders.append((f".{name}()", getattr(obj, name)()))
        except Exception as error:
            raise RuntimeError(
                f"{name}() raised {type(error).__name__}: {error}. Call setup() first, or give a loader."
            ) from error
    return Parts(tuple(loaders), "views")


def _is_pipeline(name: str, value: Any) -> bool:
    """What a data module keeps of its own, as against the trainer and the bookkeeping of its base."""
    if name.startswith("_") or name in ("trainer", *_METHODS) or isinstance(value, (str, bytes)):
        return False
    return callable(value) or hasattr(type(value), "__getitem__")
