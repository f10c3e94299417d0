"""torch: modules that hold modules, scripted ones, data sets and loaders of ``torch.utils.data``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..registry import COLLATES, Description, Leaf, Parts


def describe(obj: Any) -> Description:
    for cls in type(obj).__mro__:
        describer = _CLASSES.get(f"{cls.__module__}.{cls.__name__}")
        if describer is not None:
            return describer(obj)
    return None


def _children(module: Any) -> Parts:
    """In the order in which they run."""
    return Parts(
        tuple((f"[{name}]" if name.isdigit() else f".{name}", child) for name, child in module.named_children())
    )


def _scripted(module: Any) -> Description:
    """A scripted Normalize keeps its attributes and the name of its class."""
    if module.original_name == "Normalize" and hasattr(module, "mean") and hasattr(module, "std"):
        return Leaf(module.mean, module.std, name="scripted Normalize", apply=module, entry=None)
    return _children(module)


def _compiled(module: Any) -> Parts:
    return Parts((("._orig_mod", module._orig_mod),))


def _dataset(wrapper: Any) -> Parts:
    return Parts(((".dataset", wrapper.dataset),))


def _loader(loader: Any) -> Parts:
    """Images are read one by one, then made into batches, where the user's own code may normalize them."""
    collate = loader.collate_fn
    of_torch = inspect.isfunction(collate) and collate.__module__.startswith("torch.")
    beyond = () if of_torch else ((COLLATES, collate),)
    return Parts(((".dataset", loader.dataset), *beyond))


def _one_of_datasets(wrapper: Any) -> Parts:
    return Parts.of("datasets", wrapper.datasets, "choice")


def _beside(wrapper: Any) -> Parts:
    return Parts.of("datasets", wrapper.datasets, "views")


_CLASSES: dict[str, Callable[[Any], Description]] = {
    "torch.nn.modules.container.Sequential": _children,
    "torch.nn.modules.container.ModuleList": _children,
    "torch._dynamo.eval_frame.OptimizedModule": _compiled,
    "torch.jit._script.RecursiveScriptModule": _scripted,
    "torch.utils.data.dataloader.DataLoader": _loader,
    "torch.utils.data.dataset.Subset": _dataset,
    "torch.utils.data.dataset.ConcatDataset": _one_of_datasets,
    "torch.utils.data.dataset.ChainDataset": _one_of_datasets,
    "torch.utils.data.dataset.StackDataset": _beside,
}
