"""Does a Normalize fit the images that enter it?"""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from photographs import crops, write_cifar10
from torch.utils.data import DataLoader
from torchvision import transforms

from pytest_denorm import Normalization, check, dataset_statistics, preset
from pytest_denorm.checks.standardized import measure_standardization, normalized_again, standardization


def like(name, count, *, seed=0, between=0.5):
    """Images (3, 8, 8) whose pixels have the statistics of a preset, and resemble each other within an image."""
    wanted = preset(name)
    rng = np.random.default_rng(seed)
    own = rng.standard_normal((count, 3, 1, 1)) * between + rng.standard_normal((count, 3, 8, 8)) * np.sqrt(
        1 - between**2
    )
    mean, std = (np.array(values)[:, None, None] for values in (wanted.mean, wanted.std))
    return torch.from_numpy((own * std + mean).astype(np.float32))


class Normalized:
    def __init__(self, images, used):
        self.images, self.transform = images, transforms.Normalize(used.mean, used.std)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(self.images[index])


def test_imagenet_on_cifar10_is_named_and_corrected():
    judged = measure_standardization(Normalized(like("cifar10", 4000), preset("imagenet")), preset("imagenet"))
    assert not judged.ok
    assert judged.statistics.pictures == 1000
    assert (judged.uses, judged.fits.name) == ("imagenet", "cifar10")
    np.testing.assert_allclose(judged.right.mean, preset("cifar10").mean, atol=0.02)
    np.testing.assert_allclose(judged.right.std, preset("cifar10").std, atol=0.01)
    lines = judged.message.splitlines()
    assert lines[0] == (
        "1,000 images after Normalize: expected mean 0 and std 1 in every channel, within the bounds in brackets."
    )
    assert lines[3].startswith("  blue: mean +0.1")
    assert lines[3].endswith("<- off")
    assert lines[4].startswith("Measured on these images: Normalize(mean=(0.4")
    assert lines[5].startswith("These look like cifar10 (within 0.0")
    assert lines[5].endswith("; the pipeline uses imagenet.")
    json.dumps(judged.to_dict(), allow_nan=False)


def test_a_few_pictures_that_are_near_to_anything_name_no_preset_and_no_mistake():
    used = Normalization((0.45, 0.52, 0.31), (0.21, 0.02, 0.19))
    wanted = Normalization((0.43, 0.39, 0.38), (0.32, 0.32, 0.31))  # kinetics400's means, stds 0.1 off
    pictures = (like("half", 8, between=0.9) - 0.5) / 0.5
    judged = measure_standardization(Normalized(wanted.denormalize(pictures), used), used)
    assert not judged.ok
    assert min(judged.mean_bounds) > 0.8, "so few, and so alike within each, that 0.1 is no more than twice the error"
    assert judged.fits is None
    assert not judged.by_mean_of_stds
    assert "look like" not in judged.message
    assert "own std" not in judged.message


@pytest.mark.parametrize("seed", range(2))
def test_the_right_statistics_pass_on_small_samples(seed):
    for count in (20, 300):
        judged = measure_standardization(
            Normalized(like("cifar10", count, seed=seed), preset("cifar10")), preset("cifar10")
        )
        assert judged.ok, judged.message
    assert "off" not in judged.message


def test_real_photographs_and_their_own_statistics(tmp_path):
    dataset_class = write_cifar10(tmp_path, train=400)
    raw = dataset_statistics(dataset_class(tmp_path))
    right = raw.normalization()

    def data(used):
        chain = transforms.Compose([transforms.ToTensor(), transforms.Normalize(used.mean, used.std)])
        return dataset_class(tmp_path, transform=chain)

    assert measure_standardization(data(right), right).ok
    judged = measure_standardization(data(preset("half")), preset("half"))
    assert not judged.ok
    np.testing.assert_allclose(judged.right.mean, right.mean, rtol=1e-5)
    np.testing.assert_allclose(judged.right.std, right.std, rtol=1e-5)
    assert measure_standardization(DataLoader(data(right), batch_size=50), right, count=150).statistics.pictures == 150


def test_the_mean_of_stds_is_recognized():
    images = like("cifar10", 1000, between=0.7)
    own = dataset_statistics(images).mean_of_stds
    used = Normalization(preset("cifar10").mean, own)
    judged = measure_standardization(Normalized(images, used), used)
    assert (judged.ok, judged.by_mean_of_stds, judged.uses) == (False, True, None)
    assert "The std in use is the mean of each image's own std" in judged.message
    assert "These look like cifar10" in judged.message


def test_what_cannot_be_judged():
    used = preset("imagenet")
    assert standardization(dataset_statistics(list(crops(1, 8))), used) is None
    flat = standardization(dataset_statistics([torch.ones(3, 4, 4)] * 3), used)
    assert (flat.ok, flat.right, flat.fits) == (False, None, None)
    assert "one value everywhere" in flat.message


class Prefetcher:
    """Gives batches, the mean taken off and divided by the std if it has some."""

    def __init__(self, loader, used=None):
        self.batches = loader
        self.values = [] if used is None else [list(used.mean), list(used.std)]

    def __iter__(self):
        for batch in self.batches:
            yield transforms.functional.normalize(batch, *self.values) if self.values else batch


def normalizing(used):
    return lambda items: transforms.functional.normalize(torch.stack(items), used.mean, used.std)


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_loader_that_normalizes_once_more_is_told(shuffle):
    used = preset("imagenet")
    data = Normalized(like("cifar10", 400), used)
    for loader in (
        Prefetcher(DataLoader(data, 16, shuffle=shuffle), used),
        DataLoader(data, 16, shuffle=shuffle, collate_fn=normalizing(used)),
    ):
        (result,) = check(loader, select=["single_normalize"]).results
        assert result.status == "failed"
        assert "is applied to the items of the data set, and the loader around it does the same once more: " in (
            result.message
        )
        assert result.message.endswith("Normalize in one place.")
    judged = measure_standardization(
        Prefetcher(DataLoader(Normalized(like("cifar10", 400), preset("cifar10"))), preset("cifar10")),
        preset("cifar10"),
    )
    assert judged.twice
    assert judged.message.splitlines()[-1] == (
        "That is what Normalize makes of images with mean 0 and std 1: they are normalized twice, with the same "
        "numbers. Normalize in one place."
    )


class Module:
    """As a data module of Lightning is called: batches go through its method on their way to the network."""

    def __init__(self, data, used):
        self.data, self.normalize = data, transforms.Normalize(used.mean, used.std)

    def train_dataloader(self):
        return DataLoader(self.data, 16)

    def on_after_batch_transfer(self, batch, dataloader_idx):
        self.seen = dataloader_idx
        return self.normalize(batch)


def test_a_data_module_that_normalizes_once_more_is_told():
    used = preset("cifar10")
    twice = Module(Normalized(like("cifar10", 100), used), used)
    (result,) = check(twice, select=["single_normalize"]).results
    assert result.status == "failed"
    assert result.message.startswith(
        "the items of Module.train_dataloader() are normalized, and Module.on_after_batch_transfer() does the same "
        "once more: the items of its data set have mean "
    )
    assert not hasattr(twice, "seen")


def test_loaders_that_normalize_once_are_told_nothing():
    used = preset("imagenet")
    pictures = like("cifar10", 200).clamp(0, 1)
    data = Normalized(pictures, used)
    noise = lambda items: torch.stack(items) + torch.randn(len(items), 3, 8, 8)  # noqa: E731
    for loader in (
        DataLoader(data, 16),
        Prefetcher(DataLoader(data, 16)),
        DataLoader(data, 16, collate_fn=torch.stack),
        DataLoader(data, 16, collate_fn=noise),
    ):
        assert check(loader, select=["single_normalize"]).ok
        assert not normalized_again(loader, used)
    for loader in (  # of images that are not normalized yet
        DataLoader(pictures, 16, collate_fn=normalizing(used)),
        Prefetcher(DataLoader(pictures, 16), used),
    ):
        assert not normalized_again(loader, used)
    assert not standardization(dataset_statistics(data), used).twice
    assert not standardization(dataset_statistics(pictures), used).twice
