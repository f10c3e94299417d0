"""Checks that an image pipeline's Normalize can be undone exactly, and says what went wrong when it cannot.

Every public name is here and is loaded when it is first used: importing this package loads neither torch,
torchvision, numpy nor matplotlib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.2.0"

#: Where each public name lives, relative to this package.
_HOMES = {
    "Normalization": "core.normalization",
    "PRESETS": "core.normalization",
    "preset": "core.normalization",
    "Denormalize": "pipelines.apply",
    "denormalize": "pipelines.apply",
    "to_uint8": "pipelines.apply",
    "Denorm": "plugin.fixtures",
    "find_normalize": "pipelines.resolve",
    "inverse_of": "pipelines.apply",
    "ColorMap": "core.colormap",
    "probe": "pipelines.resolve",
    "register_adapter": "pipelines",
    "Diagnosis": "diagnosis.verdict",
    "Report": "checks",
    "assert_round_trip": "checks",
    "check": "checks",
    "diagnose": "checks",
    "parametrize_with_checks": "plugin.parametrize",
    "Comparison": "comparing.compared",
    "assert_same_normalize": "comparing.compared",
    "compare": "comparing.compared",
    "GridFigure": "images.grid_figure",
    "grid": "images.grid_layout",
    "image_compare": "images.marks",
    "Statistics": "core.statistics",
    "SweepResult": "datasets.sweep_result",
    "dataset_statistics": "datasets.measure",
    "sweep": "datasets.sweeping",
    "ScanResult": "scanner.scanning",
    "scan": "scanner.scanning",
    "DenormError": "errors",
}

__all__ = [
    "PRESETS",
    "ColorMap",
    "Comparison",
    "Denorm",
    "DenormError",
    "Denormalize",
    "Diagnosis",
    "GridFigure",
    "Normalization",
    "Report",
    "ScanResult",
    "Statistics",
    "SweepResult",
    "__version__",
    "assert_round_trip",
    "assert_same_normalize",
    "check",
    "compare",
    "dataset_statistics",
    "denormalize",
    "diagnose",
    "find_normalize",
    "grid",
    "image_compare",
    "inverse_of",
    "parametrize_with_checks",
    "preset",
    "probe",
    "register_adapter",
    "scan",
    "sweep",
    "to_uint8",
]

if TYPE_CHECKING:
    from .checks import Diagnosis, Report, assert_round_trip, check, diagnose
    from .comparing.compared import Comparison, assert_same_normalize, compare
    from .core.colormap import ColorMap
    from .core.normalization import PRESETS, Normalization, preset
    from .core.statistics import Statistics
    from .datasets.measure import dataset_statistics
    from .datasets.sweep_result import SweepResult
    from .datasets.sweeping import sweep
    from .errors import DenormError
    from .images.grid_figure import GridFigure
    from .images.grid_layout import grid
    from .images.marks import image_compare
    from .pipelines import register_adapter
    from .pipelines.apply import Denormalize, denormalize, inverse_of, to_uint8
    from .pipelines.resolve import find_normalize, probe
    from .plugin.fixtures import Denorm
    from .plugin.parametrize import parametrize_with_checks
    from .scanner.scanning import ScanResult, scan


def __getattr__(name: str) -> object:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
