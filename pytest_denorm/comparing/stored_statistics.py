"""Statistics in configurations: a ``preprocessor_config.json`` of transformers, a ``pretrained_cfg`` of timm."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from ..core.normalization import Normalization, as_floats, unwarned
from ..errors import SettingsError, StatisticsError

__all__ = ["as_config", "normalization_of_config", "read_config"]

#: What mean and std are called: by transformers, by timm and open_clip.
_NAMES = (("image_mean", "image_std"), ("mean", "std"))
#: Files of a saved processor or model that hold them, in the order in which they are looked for.
_FILES = ("preprocessor_config.json", "processor_config.json", "open_clip_config.json", "config.json")
_DEEPEST = 3
#: A dict that holds itself is no configuration.
_DEEPEST_PLAIN = 32


def as_config(thing: Any) -> Mapping[str, Any] | None:
    """Return a configuration as a mapping: a dict whose values are plain, or a dataclass; None of anything else."""
    if is_dataclass(thing) and not isinstance(thing, type) and not isinstance(thing, Normalization):
        return asdict(thing) if not callable(thing) and hasattr(thing, "mean") and hasattr(thing, "std") else None
    return thing if isinstance(thing, Mapping) and _is_plain(thing) else None


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether JSON could hold it; an array, which has a list of numbers, may stand for one."""
    if depth > _DEEPEST_PLAIN:
        return False
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(one, depth + 1) for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(one, depth + 1) for one in value)
    return value is None or isinstance(value, (str, int, float)) or hasattr(value, "tolist")


def read_config(path: Path) -> Mapping[str, Any]:
    """Return the configuration in a JSON file, or in the first known file of a folder.

    Raises:
        SettingsError: there is none, or it cannot be read.
    """
    if path.is_dir():
        files = [path / name for name in _FILES if (path / name).is_file()]
        if not files:
            raise SettingsError(f"{path} holds no configuration of images: expected one of {', '.join(_FILES)} in it.")
        read = [(file, _parsed(file)) for file in files]
        return next((config for _, config in read if list(_sections(config))), read[0][1])
    return _parsed(path)


def _parsed(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(found, dict):
        raise SettingsError(f"{path} holds a {type(found).__name__}: expected a JSON object with mean and std in it.")
    return found


def normalization_of_config(config: Mapping[str, Any], name: str) -> Normalization:
    """Return what a configuration makes of an image, on the scale of what enters: bytes times its factor.

    Args:
        name: what to call it in messages.

    Raises:
        SettingsError: it has no statistics, or several that differ.
        StatisticsError: they are no statistics.
    """
    found = list(_sections(config))
    if not found:
        expected = " or ".join(" and ".join(map(repr, names)) for names in _NAMES)
        raise SettingsError(f"{name} has no statistics: expected {expected} in it, found {_keys(config)}.")
    made = [_normalization(section, names, name) for section, names in found]
    if any(one != made[0] for one in made):
        raise SettingsError(f"{name} has several statistics, which differ: give one of its parts.")
    return made[0]


def _sections(config: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[Mapping[str, Any], tuple[str, str]]]:
    """The parts that hold both numbers, and their names."""
    for names in _NAMES:
        if all(config.get(one) is not None for one in names):
            yield config, names
            return
    if depth < _DEEPEST:
        for one in config.values():
            if isinstance(one, Mapping):
                yield from _sections(one, depth + 1)


def _normalization(section: Mapping[str, Any], names: tuple[str, str], name: str) -> Normalization:
    mean, std = (as_floats(section[one], one) for one in names)
    white = 1.0
    if names == _NAMES[0]:
        factor = float(section.get("rescale_factor") or 1 / 255)
        white = 255.0 * factor if section.get("do_rescale", True) else 255.0
        if any(section.get(one) for one in ("offset", "rescale_offset")):
            mean = tuple(one + 1 for one in mean)  # rescaling ends with - 1
        if not section.get("do_normalize", True):
            mean, std = (0.0,) * len(mean), (1.0,) * len(std)
    try:
        return unwarned(mean, std, white, source=name)
    except StatisticsError as error:
        raise StatisticsError(f"{name}: {error}") from error


def _keys(config: Mapping[str, Any]) -> str:
    names = [str(one) for one in config]
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "") if names else "nothing"
