"""Data sets that lie, raise, end early or hold something else: each named by index and value."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from photographs import crops
from torch.utils.data import ChainDataset, DataLoader, Dataset, IterableDataset, TensorDataset

from pytest_denorm import dataset_statistics, sweep
from pytest_denorm.errors import DatasetError, StatisticsWarning

PICTURES = [torch.from_numpy(crop).permute(2, 0, 1) for crop in crops(6, 8)]
WHOLE = dataset_statistics(PICTURES)


class Says(Dataset):
    """Six images, and a length that may be another."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return PICTURES[index]


class RaisesAtThree(Says):
    def __getitem__(self, index):
        if index == 3:
            raise ValueError("the crop is larger than the image")
        return super().__getitem__(index)


class Stream(IterableDataset):
    def __iter__(self):
        yield from PICTURES


class StreamOf(Stream):
    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length


class Sharded(Stream):
    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        yield from PICTURES[worker.id :: worker.num_workers]


def refused(dataset, message, **options):
    with pytest.raises(DatasetError, match=f"^{re.escape(message)}"):
        dataset_statistics(dataset, **options)


class TestDataSets:
    @pytest.mark.parametrize("workers", [0, 2])
    def test_one_that_raises_in_the_middle(self, workers):
        refused(RaisesAtThree(6), "image 3: ValueError: the crop is larger than the image", workers=workers)
        found = dataset_statistics(RaisesAtThree(6), on_error="skip", workers=workers)
        assert (found.pictures, found.failed, found.failures[0].index) == (5, 1, 3)
        with pytest.raises(DatasetError, match=r"^image 3: ValueError: the crop is larger than the image$"):
            sweep("imagenet", RaisesAtThree(6), workers=workers)

    def test_one_whose_length_lies(self):
        refused(Says(9), "image 6: IndexError: list index out of range")
        assert dataset_statistics(Says(9), on_error="skip").failed == 3
        assert dataset_statistics(Says(4)).pictures == 4  # nobody can know of the others
        refused(Says(-1), "the length of the Says cannot be had: ValueError: __len__() should return >= 0")
        with pytest.raises(DatasetError, match=r"^image 6: IndexError"):
            sweep("imagenet", Says(9))

    def test_nothing(self):
        refused(None, "a builtins.NoneType is no data set")
        refused(torch.zeros(0, 3, 4, 4), "the data set is empty")
        refused(TensorDataset(torch.zeros(0, 3, 4, 4)), "the data set is empty")
        refused(DataLoader(torch.zeros(0, 3, 4, 4)), "the data set is empty")

    def test_labels_alone(self):
        refused(TensorDataset(torch.arange(5)), "image 0: ImageTypeError: no image is in a tuple of (Tensor)")
        refused(DataLoader(TensorDataset(torch.arange(5))), "image 0: ImageTypeError: no image is in a list of")
        refused([0, 1, 2], "image 0: ImageTypeError: a builtins.int is no image")
        with pytest.raises(DatasetError, match=r"^image 0: ImageTypeError: a builtins\.int is no image"):
            sweep("imagenet", [0, 1])

    def test_batches_of_nested_dicts(self):
        deep = DataLoader([{"data": {"image": picture}, "y": 1} for picture in PICTURES], batch_size=2)
        refused(deep, "image 0: ImageTypeError: no image is under the keys ['data', 'y']; usual keys are")
        assert dataset_statistics(deep, image="data") == WHOLE
        usual = DataLoader([{"x": {"image": picture}, "y": 1} for picture in PICTURES], batch_size=2)
        assert dataset_statistics(usual) == WHOLE


class TestValues:
    @pytest.fixture
    def spoilt(self):
        """Six images, of which 2 holds a NaN and 4 an infinity."""
        images = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        images[2, 1, 2, 3], images[4, 0, 0, 0] = float("nan"), -float("inf")
        return images

    def test_the_first_picture_with_nan_is_named_however_it_is_read(self, spoilt):
        message = "image 2: ImageError: 1 of 192 values are NaN, infinite, or beyond 2e+60."
        for source in (spoilt, list(spoilt), TensorDataset(spoilt), iter(list(spoilt)), spoilt.numpy()):
            refused(source, message)
        refused(DataLoader(TensorDataset(spoilt), batch_size=4), message)
        refused(DataLoader(list(spoilt), batch_size=4), message)
        refused([*spoilt[:3], "no image"], message)  # though what comes after it fails sooner
        with pytest.raises(DatasetError, match=re.escape(message)):
            sweep("imagenet", spoilt)

    def test_integers_that_no_float_holds(self):
        image = np.full((5, 5, 3), 2**60, np.int64)
        refused([image], "image 0: ImageError: values are beyond 2**53", pixel_max=2.0**61)


class TestStreams:
    def test_one_that_breaks_off(self):
        def broken():
            yield PICTURES[0]
            raise RuntimeError("the connection is closed")

        refused(broken(), "after 1 images, the next image could not be read: RuntimeError: the connection is")

    def test_one_that_ends_early(self):
        for source in (StreamOf(10), DataLoader(StreamOf(10), batch_size=4)):
            with pytest.warns(StatisticsWarning, match="^the StreamOf has a length of 10 and gave 6 images.$"):
                assert dataset_statistics(source) == WHOLE

    @pytest.mark.parametrize("stream", [Stream(), StreamOf(6)])
    def test_workers_that_each_give_all_of_it(self, stream):
        whole = r"each of 2 workers gives the whole \w+, unless it shares its images out by torch\.utils\.data\."
        with pytest.warns(StatisticsWarning, match=whole):
            assert dataset_statistics(DataLoader(stream, batch_size=3, num_workers=2)) == WHOLE + WHOLE

    def test_a_chain_of_streams(self):
        chain = ChainDataset([Stream(), StreamOf(6)])
        for source in (chain, DataLoader(chain, batch_size=4)):
            assert dataset_statistics(source) == WHOLE + WHOLE
        with pytest.raises(DatasetError, match=r"^a ChainDataset has no index or no length"):
            sweep("imagenet", chain)

    def test_workers_that_share_it_out(self):
        assert dataset_statistics(DataLoader(Sharded(), batch_size=2, num_workers=2)) == WHOLE


class TestLoaders:
    def test_what_a_sampler_chooses_is_what_counts(self):
        images = torch.stack(PICTURES)
        chosen = DataLoader(TensorDataset(images), sampler=torch.utils.data.SubsetRandomSampler([1, 4]))
        assert dataset_statistics(chosen) == dataset_statistics(images[[1, 4]])
        drawn = torch.utils.data.RandomSampler(range(6), replacement=True, num_samples=9)
        assert dataset_statistics(DataLoader(TensorDataset(images), sampler=drawn)).pictures == 9
        assert dataset_statistics(DataLoader(TensorDataset(images), batch_size=4, drop_last=True)).pictures == 4
        darker = DataLoader(TensorDataset(images), batch_size=6, collate_fn=lambda items: items[0][0][None] // 2)
        assert dataset_statistics(darker) == dataset_statistics(images[:1] // 2)
