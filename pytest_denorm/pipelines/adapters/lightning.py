"""Lightning: data modules make their loaders in methods, from data sets that they keep once they are set up."""

from __future__ import annotations

from typing import Any

from ..registry import Description, Parts

_METHODS = ("train_dataloader", "val_dataloader", "test_dataloader", "predict_dataloader")


def describe(obj: Any) -> Description:
    kinds = {cls.__name__: cls for cls in type(obj).__mro__ if cls.__module__.split(".")[0] in _LIBRARIES}
    base = kinds.get("LightningDataModule")
    if base is None:
        return None
    own = [name for name in _METHODS if getattr(type(obj), name) is not getattr(base, name)]
    held = tuple((f".{name}", value) for name, value in vars(obj).items() if _is_pipeline(name, value))
    if held or not own:
        return Parts(held, "views") if held else None
    return Parts(tuple((f".{name}()", getattr(obj, name)()) for name in own), "views")


_LIBRARIES = ("lightning", "pytorch_lightning")


def _is_pipeline(name: str, value: Any) -> bool:
    """What a data module keeps of its own, as against the trainer and the bookkeeping of its base."""
    return not name.startswith("_") and name != "trainer" and (callable(value) or hasattr(type(value), "__getitem__"))
