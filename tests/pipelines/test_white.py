"""White where a Normalize cannot say for which images its statistics are: seen, when its pipeline runs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset
from torchvision import transforms as T
from torchvision.transforms import v2

from pytest_denorm import find_normalize, grid, inverse_of, sweep, to_uint8
from pytest_denorm.errors import StatisticsWarning

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
OF_BYTES = [v2.ToImage(), v2.ToDtype(torch.float32), v2.Normalize(MEAN, STD)]


class Photographs(Dataset[Any]):
    def __init__(self, transform: Any) -> None:
        self.transform = transform
        self.read: list[int] = []

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        self.read.append(index)
        levels = np.random.default_rng(index).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        return self.transform(levels)


def white(pipeline: Any) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return find_normalize(pipeline).pixel_max


@pytest.mark.parametrize(
    "pipeline",
    [
        v2.Compose(OF_BYTES),
        v2.Compose([v2.RandomCrop(224), v2.RandomHorizontalFlip(), *OF_BYTES]),
        T.Compose([T.PILToTensor(), T.Lambda(torch.Tensor.float), T.Normalize(MEAN, STD)]),
        T.Compose(
            [
                T.Grayscale(),
                T.PILToTensor(),
                T.ConvertImageDtype(torch.uint8),
                v2.ToDtype(torch.float32),
                T.Normalize(118, 57),
            ]
        ),
        torch.nn.Sequential(v2.ToDtype(torch.float32), T.Normalize(MEAN, STD)),
        Photographs(v2.Compose(OF_BYTES)),
        DataLoader(Photographs(v2.Compose(OF_BYTES)), batch_size=2),
    ],
    ids=["v2", "random", "v1", "grey", "sequential", "data set", "loader"],
)
def test_bytes_that_enter_are_seen(pipeline: Any) -> None:
    assert white(pipeline) == 255


@pytest.mark.parametrize(
    "pipeline",
    [
        T.Normalize(MEAN, STD),
        T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)]),
        DataLoader(Photographs(T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)]))),
    ],
    ids=["alone", "pipeline", "loader"],
)
def test_where_none_enter_a_warning_says_so_where_it_was_asked(pipeline: Any) -> None:
    with pytest.warns(StatisticsWarning, match=r"look like statistics of bytes \(0\.\.255\)") as caught:
        assert find_normalize(pipeline).pixel_max == 1
    assert [Path(one.filename).name for one in caught] == ["test_white.py"]


class Bands(Dataset[Any]):
    """Images of satellites: 13 bands of whole numbers of up to 16 bits, the first of them dark."""

    MEAN, STD = [1500.0 + 100 * band for band in range(13)], [800.0 + 40 * band for band in range(13)]

    def __init__(self, white: int, *before: Any) -> None:
        self.white, self.transform = white, v2.Compose([*before, v2.Normalize(self.MEAN, self.STD)])

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> Any:
        highest = self.white if index else 100
        bands = np.random.default_rng(index).integers(0, highest + 1, (13, 40, 40))
        return self.transform(torch.from_numpy(bands.astype(np.float32))), index


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Bands(4000), 4095),
        (Bands(4095), 4095),
        (Bands(4097), 16383),
        (Bands(10_000), 16383),
        (Bands(20_000), 65535),
        (Bands(65535), 65535),
        (Bands(900), 4095),  # the statistics are of brighter ones: 2,700 and 1,280 in the last band
        (DataLoader(Bands(4000), batch_size=3), 4095),
        (Bands(4000, v2.RandomHorizontalFlip()), 4095),
    ],
)
def test_pictures_of_a_data_set_show_white_beyond_bytes(source: Any, expected: float) -> None:
    assert white(source) == expected


def test_where_no_usual_white_is_seen_the_warning_says_what_to_give() -> None:
    for source in (Bands(100_000), v2.Normalize(Bands.MEAN, Bands.STD)):
        with pytest.warns(StatisticsWarning, match=r"or the data set, whose images show it; or divide both by it\.$"):
            assert find_normalize(source).pixel_max == 1


def test_pictures_come_back_as_bytes() -> None:
    loader = DataLoader(Photographs(v2.Compose(OF_BYTES)), batch_size=4)
    (batch,) = loader
    expected = np.stack(
        [np.random.default_rng(index).integers(0, 256, (32, 32, 3), dtype=np.uint8) for index in range(4)]
    )
    found = to_uint8(batch, loader).permute(0, 2, 3, 1).numpy()
    assert (found == expected).all()
    figure = grid(loader, nrow=4, padding=0)
    assert (figure.pixels == np.concatenate(expected, axis=1)).all()
    assert inverse_of(loader).normalization.pixel_max == 255
    assert sweep(loader).ok


def test_a_stream_is_not_used_up() -> None:
    class Stream(IterableDataset[Any]):
        def __init__(self) -> None:
            self.transform = v2.Compose(OF_BYTES)
            self.left = iter(range(3))

        def __iter__(self) -> Iterator[Any]:
            for index in self.left:
                yield self.transform(np.full((8, 8, 3), index, np.uint8))

    stream = Stream()
    assert white(stream) == 255
    assert len(list(stream)) == 3
