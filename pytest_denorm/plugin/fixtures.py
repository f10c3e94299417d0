"""What the fixtures give: the functions of the package, with the settings of a session for defaults."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pytest
import torch

import pytest_denorm

from ..errors import ImageError, SettingsError
from ..pipelines.samples import sample_images
from ..pipelines.spec import load
from . import settings
from .entries import session_levels

__all__ = ["Denorm", "session_images", "session_pipeline"]

Array = np.ndarray[Any, Any]

_images_key = pytest.StashKey[torch.Tensor]()
_pipeline_key = pytest.StashKey[Any]()


class _Bound:
    """A function of the package; on an instance with the session's value for arguments that are left out or None.

    Args:
        names: of these arguments, which are attributes of :class:`Denorm`.
    """

    def __init__(self, *names: str) -> None:
        self._names = names

    def __set_name__(self, owner: type, name: str) -> None:
        self._function = name

    def __get__(self, instance: Denorm | None, owner: type) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(pytest_denorm, self._function)
        if instance is None or not self._names:
            return function
        defaults = {name: getattr(instance, name) for name in self._names}

        @functools.wraps(function)
        def bound(*args: Any, **given: Any) -> Any:
            __tracebackhide__ = True
            named = inspect.signature(function).bind_partial(*args, **given).arguments
            return function(*args, **given, **{key: one for key, one in defaults.items() if key not in named})

        return bound


class Denorm:
    """The fixture ``denorm``: the functions of :mod:`pytest_denorm`, with the session's settings for defaults.

    To annotate it: ``def test_it(denorm: pytest_denorm.Denorm) -> None``.

    Attributes:
        images: the session's own images (``--denorm-images``), or None for the built-in ones.
        seed: of what is drawn at random (``--denorm-seed``).
        levels: of checks, as the ini sets them (``denorm_checks``), or None.
    """

    if TYPE_CHECKING:
        assert_round_trip = staticmethod(pytest_denorm.assert_round_trip)
        assert_same_normalize = staticmethod(pytest_denorm.assert_same_normalize)
        check = staticmethod(pytest_denorm.check)
        compare = staticmethod(pytest_denorm.compare)
        dataset_statistics = staticmethod(pytest_denorm.dataset_statistics)
        denormalize = staticmethod(pytest_denorm.denormalize)
        diagnose = staticmethod(pytest_denorm.diagnose)
        find_normalize = staticmethod(pytest_denorm.find_normalize)
        grid = staticmethod(pytest_denorm.grid)
        inverse_of = staticmethod(pytest_denorm.inverse_of)
        probe = staticmethod(pytest_denorm.probe)
        scan = staticmethod(pytest_denorm.scan)
        sweep = staticmethod(pytest_denorm.sweep)

        # pyright takes the first overload alone through staticmethod()
        @overload
        def to_uint8(
            self,
            images: torch.Tensor,
            normalization_or_pipeline: Any,
            *,
            out: torch.Tensor | None = None,
            channel_axis: int | None = None,
        ) -> torch.Tensor: ...
        @overload
        def to_uint8(
            self,
            images: Array,
            normalization_or_pipeline: Any,
            *,
            out: Array | None = None,
            channel_axis: int | None = None,
        ) -> Array: ...
        def to_uint8(self, *args: Any, **given: Any) -> Any: ...

    else:
        assert_round_trip = _Bound("images")
        assert_same_normalize = _Bound()
        check = _Bound("images", "levels")
        compare = _Bound()
        dataset_statistics = _Bound("seed")
        denormalize = _Bound()
        diagnose = _Bound()
        find_normalize = _Bound()
        grid = _Bound()
        inverse_of = _Bound()
        probe = _Bound("seed")
        scan = _Bound()
        sweep = _Bound("seed")
        to_uint8 = _Bound()

    def __init__(
        self, images: torch.Tensor | None = None, seed: int = 0, levels: Mapping[str, str] | None = None
    ) -> None:
        self.images = images
        self.seed = seed
        self.levels = levels

    def __repr__(self) -> str:
        images = "the built-in images" if self.images is None else f"{len(self.images)} images"
        return f"<denorm: {images}, seed {self.seed}>"

    @classmethod
    def of(cls, config: pytest.Config) -> Denorm:
        """Return the one that is bound to the settings of `config`."""
        images = session_images(config) if settings.get(config, "denorm_images") else None
        return cls(images, settings.get(config, "denorm_seed"), session_levels(config) or None)


def folders_of(config: pytest.Config) -> list[Path]:
    """Where a project's modules may be that are not installed."""
    return list(dict.fromkeys([config.rootpath, Path(config.invocation_params.dir)]))


def session_pipeline(config: pytest.Config) -> Any:
    """The pipeline that the settings name, loaded once.

    Raises:
        SettingsError: none is named, or it cannot be loaded.
    """
    if _pipeline_key not in config.stash:
        spec = settings.get(config, "denorm_pipeline")
        if not spec:
            raise SettingsError(
                "no pipeline to test: override the fixture denorm_pipeline in your conftest.py (let it return your "
                "transform), or name it with --denorm-pipeline=module:attribute, or denorm_pipeline in the ini."
            )
        config.stash[_pipeline_key] = load(spec, folders_of(config))
    return config.stash[_pipeline_key]


def session_images(config: pytest.Config) -> torch.Tensor:
    """The images of the session: those of ``--denorm-images`` as uint8 (N, 3, H, W), or the built-in ones.

    Raises:
        SettingsError: there is no image at that path, or one cannot be read.
        ImageError: they differ in size.
    """
    if _images_key not in config.stash:
        path = settings.get(config, "denorm_images")
        config.stash[_images_key] = _read_images(Path(path)) if path else sample_images()
    return config.stash[_images_key]


def _read_images(path: Path) -> torch.Tensor:
    from ..images.decoding import SUFFIXES, read_image_file

    files = sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    if not files or not all(one.is_file() for one in files):
        raise SettingsError(f"denorm_images is {path}: expected an image, or a folder with images in it.")
    found = []
    for file in files:
        try:
            found.append(torch.from_numpy(np.array(read_image_file(file))).permute(2, 0, 1))
        except ImageError as error:
            raise SettingsError(f"denorm_images: {error}") from error
        if found[-1].shape != found[0].shape:
            size, first = (tuple(one.shape[:0:-1]) for one in (found[-1], found[0]))
            raise ImageError(f"denorm_images: {file} is {size} pixels, {files[0].name} is {first}: expected one size.")
    return torch.stack(found)
