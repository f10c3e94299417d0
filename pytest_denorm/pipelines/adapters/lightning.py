"""Lightning: data modules make their loaders in methods, from data sets that they keep once they are set up."""

from __future__ import annotations

from typing import Any

from ..registry import Description, Parts

_METHODS = ("train_dataloader", "val_dataloader", "test_dataloader", "predict_dataloader")


def describe(obj: Any) -> Description:
    base = next((cls for cls in type(obj).__mro__ if cls.__name__ == "LightningDataModule"), None)
    if base is None:
        return None
    held = tuple((f".{name}", value) for name, value in vars(obj).items() if _is_pipeline(name, value))
    if held:
        return Parts(held, "views")
    own = [name for name in _METHODS if name in vars(obj) or getattr(type(obj), name) is not getattr(base, name)]
    return Parts(tuple((f".{name}()", _made(obj, name)) for name in own), "views")


def _made(module: Any, name: str) -> Any:
    try:
        return getattr(module, name)()
    except Exception as error:
        raise RuntimeError(
            f"{name}() raised {type(error).__name__}: {error}. Call setup() first, or give a loader."
        ) from error


def _is_pipeline(name: str, value: Any) -> bool:
    """What a data module keeps of its own, as against the trainer and the bookkeeping of its base."""
    if name.startswith("_") or name in ("trainer", *_METHODS):
        return False
    return callable(value) or hasattr(type(value), "__getitem__")
