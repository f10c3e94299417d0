"""What the fixtures give: everything of the package, bound to the settings of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pytest
import torch

from ..checks import Diagnosis, Report, assert_round_trip, check, diagnose, sample_images
from ..core.kernels import Denormalize, ImagesT, denormalize, to_uint8
from ..core.normalization import Normalization
from ..errors import ImageError, SettingsError
from ..pipelines import find_normalize, inverse_of
from ..pipelines.spec import load
from . import settings

if TYPE_CHECKING:
    import os

    from ..core.colormap import ColorMap
    from ..datasets.passage import Inverse
    from ..datasets.statistics import Statistics
    from ..datasets.sweeping import SweepResult
    from ..datasets.tally import OnError
    from ..images.grid_figure import GridFigure

Array = np.ndarray[Any, Any]

__all__ = ["Denorm", "session_images", "session_pipeline"]

_images_key = pytest.StashKey[torch.Tensor]()
_pipeline_key = pytest.StashKey[Any]()


class Denorm:
    """The fixture ``denorm``: the functions of :mod:`pytest_denorm`, with the session's settings for defaults.

    To annotate it: ``def test_it(denorm: pytest_denorm.Denorm) -> None``.

    Attributes:
        images: the session's own pictures (``--denorm-images``), or None for the built-in ones.
        seed: of what is drawn at random (``--denorm-seed``).
    """

    def __init__(self, images: torch.Tensor | None = None, seed: int = 0) -> None:
        self.images = images
        self.seed = seed

    def __repr__(self) -> str:
        pictures = "the built-in pictures" if self.images is None else f"{len(self.images)} pictures"
        return f"<denorm: {pictures}, seed {self.seed}>"

    @classmethod
    def of(cls, config: pytest.Config) -> Denorm:
        """Bound to the settings of `config`."""
        images = session_images(config) if settings.get(config, "denorm_images") else None
        return cls(images, settings.get(config, "denorm_seed"))

    def check(
        self,
        pipeline: Any,
        *,
        inverse: Any = None,
        images: Any = None,
        select: Iterable[str] | None = None,
        skip: Iterable[str] | None = None,
        expected_failures: Mapping[str, str] | Iterable[str] | None = None,
        name: str = "",
        output_max: float | None = None,
    ) -> Report:
        """Run the battery of checks, and report; see :func:`pytest_denorm.check`."""
        return check(
            pipeline,
            inverse=inverse,
            images=self.images if images is None else images,
            select=select,
            skip=skip,
            expected_failures=expected_failures,
            name=name,
            output_max=output_max,
        )

    def assert_round_trip(
        self,
        pipeline: Any,
        *,
        inverse: Any = None,
        images: Any = None,
        tolerance: float | None = None,
        output_max: float | None = None,
    ) -> None:
        """Assert that what goes through Normalize comes back; see :func:`pytest_denorm.assert_round_trip`."""
        __tracebackhide__ = True
        images = self.images if images is None else images
        assert_round_trip(pipeline, inverse=inverse, images=images, tolerance=tolerance, output_max=output_max)

    def find_normalize(self, pipeline: Any) -> Normalization:
        """The Normalize that a pipeline declares; see :func:`pytest_denorm.find_normalize`."""
        return find_normalize(pipeline)

    def inverse_of(self, pipeline: Any) -> Denormalize:
        """A module that undoes the Normalize of a pipeline; see :func:`pytest_denorm.inverse_of`."""
        return inverse_of(pipeline)

    def denormalize(
        self,
        images: ImagesT,
        normalization_or_pipeline: Any,
        *,
        out: ImagesT | None = None,
        channel_axis: int | None = None,
    ) -> ImagesT:
        """Pictures as they were before Normalize; see :func:`pytest_denorm.denormalize`."""
        return denormalize(images, normalization_or_pipeline, out=out, channel_axis=channel_axis)

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
    def to_uint8(
        self, images: Any, normalization_or_pipeline: Any, *, out: Any = None, channel_axis: int | None = None
    ) -> Any:
        """The bytes that pictures were before Normalize; see :func:`pytest_denorm.to_uint8`."""
        return to_uint8(images, normalization_or_pipeline, out=out, channel_axis=channel_axis)

    def diagnose(
        self,
        forward: Callable[[Any], Any] | Normalization,
        inverse: Callable[[Any], Any] | Normalization,
        *,
        channels: int | None = None,
        pixel_max: float | None = None,
        output_max: float | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> Diagnosis:
        """Say which mistake an inverse makes; see :func:`pytest_denorm.diagnose`."""
        return diagnose(forward, inverse, channels=channels, pixel_max=pixel_max, output_max=output_max, dtype=dtype)

    def probe(
        self,
        pipeline: Any,
        *,
        channels: int | None = None,
        size: tuple[int, int] | None = None,
        draws: int = 60,
        seed: int | None = None,
    ) -> ColorMap:
        """What a pipeline does to colours, measured; see :func:`pytest_denorm.probe`. `seed` is the session's."""
        from ..pipelines.resolve import probe

        return probe(pipeline, channels=channels, size=size, draws=draws, seed=self.seed if seed is None else seed)

    def dataset_statistics(
        self,
        dataset_or_loader: Any,
        *,
        image: str | int | Callable[[Any], Any] | None = None,
        channel_axis: int | None = None,
        pixel_max: float | None = None,
        on_error: OnError = "raise",
        limit: int | None = None,
        sample: int | None = None,
        seed: int | None = None,
        workers: int = 0,
        distributed: bool = False,
        timeout: float = 1800.0,
        progress: bool = False,
    ) -> Statistics:
        """Mean and std of a data set, exactly; see :func:`pytest_denorm.dataset_statistics`.

        `seed` is the session's.
        """
        from ..datasets.measure import dataset_statistics

        return dataset_statistics(
            dataset_or_loader,
            image=image,
            channel_axis=channel_axis,
            pixel_max=pixel_max,
            on_error=on_error,
            limit=limit,
            sample=sample,
            seed=self.seed if seed is None else seed,
            workers=workers,
            distributed=distributed,
            timeout=timeout,
            progress=progress,
        )

    def sweep(
        self,
        pipeline: Any,
        dataset: Any = None,
        *,
        inverse: Inverse | Normalization | None = None,
        output_max: float | None = None,
        image: str | int | Callable[[Any], Any] | None = None,
        channel_axis: int | None = None,
        pixel_max: float | None = None,
        on_error: OnError = "raise",
        limit: int | None = None,
        sample: int | None = None,
        seed: int | None = None,
        workers: int = 0,
        state: str | os.PathLike[str] | None = None,
        distributed: bool = False,
        timeout: float = 1800.0,
        progress: bool = False,
    ) -> SweepResult:
        """Every picture of a data set through Normalize and back; see :func:`pytest_denorm.sweep`.

        `seed` is the session's.
        """
        from ..datasets.sweeping import sweep

        return sweep(
            pipeline,
            dataset,
            inverse=inverse,
            output_max=output_max,
            image=image,
            channel_axis=channel_axis,
            pixel_max=pixel_max,
            on_error=on_error,
            limit=limit,
            sample=sample,
            seed=self.seed if seed is None else seed,
            workers=workers,
            state=state,
            distributed=distributed,
            timeout=timeout,
            progress=progress,
        )

    def grid(
        self,
        images_or_loader: Any,
        normalization_or_pipeline: Any = None,
        *,
        nrow: int = 8,
        padding: int = 1,
        pad_value: float = 0.0,
        inverse: bool = True,
        channel_axis: int | None = None,
    ) -> GridFigure:
        """Pictures side by side, exact to the byte, for an image test to return; see :func:`pytest_denorm.grid`."""
        from ..images.layout import grid

        return grid(
            images_or_loader,
            normalization_or_pipeline,
            nrow=nrow,
            padding=padding,
            pad_value=pad_value,
            inverse=inverse,
            channel_axis=channel_axis,
        )


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
    """The pictures of the session: those of ``--denorm-images`` as uint8 (N, 3, H, W), or the built-in ones.

    Raises:
        SettingsError: there is no picture at that path, or one cannot be read.
        ImageError: they differ in size.
    """
    if _images_key not in config.stash:
        path = settings.get(config, "denorm_images")
        config.stash[_images_key] = _read_pictures(Path(path)) if path else sample_images()
    return config.stash[_images_key]


def _read_pictures(path: Path) -> torch.Tensor:
    from ..images.decoding import SUFFIXES, read_picture

    files = sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    if not files or not all(one.is_file() for one in files):
        raise SettingsError(f"denorm_images is {path}: expected a picture, or a folder with pictures in it.")
    pictures = []
    for file in files:
        try:
            pictures.append(torch.from_numpy(np.array(read_picture(file))).permute(2, 0, 1))
        except ImageError as error:
            raise SettingsError(f"denorm_images: {error}") from error
        if pictures[-1].shape != pictures[0].shape:
            size, first = (tuple(one.shape[:0:-1]) for one in (pictures[-1], pictures[0]))
            raise ImageError(f"denorm_images: {file} is {size} pixels, {files[0].name} is {first}: expected one size.")
    return torch.stack(pictures)
