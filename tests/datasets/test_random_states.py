"""Reading images changes nothing that a seeded training run draws afterwards."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from photographs import crops
from PIL import Image
from torch.utils.data import DataLoader, Dataset, RandomSampler, TensorDataset, WeightedRandomSampler
from torchvision import transforms

from pytest_denorm import check, dataset_statistics, grid, sweep
from pytest_denorm.errors import DatasetError

CHAIN = transforms.Compose(
    [
        transforms.RandomCrop(8),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
)


class Augmented(Dataset):
    def __init__(self, broken=-1):
        self.pictures, self.transform, self.broken = crops(24, 12), CHAIN, broken

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        random.random(), np.random.rand()
        if index == self.broken:
            raise OSError("gone")
        return self.transform(Image.fromarray(self.pictures[index])), index


def states():
    return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()


@pytest.mark.parametrize("workers", [0, 2])
def test_the_global_ones(workers):
    before = states()
    dataset, loader = Augmented(), DataLoader(Augmented(), batch_size=8, shuffle=True, num_workers=workers)
    found, swept = dataset_statistics(dataset, workers=workers), sweep(dataset, workers=workers, sample=9)
    assert states() == before
    assert (dataset_statistics(loader).pictures, sweep(loader).pictures) == (24, 24)
    assert states() == before
    for read in (dataset_statistics, sweep):
        with pytest.raises(DatasetError, match="gone"):
            read(Augmented(broken=20), workers=workers)
        assert states() == before
    assert (dataset_statistics(dataset, workers=workers), sweep(dataset, workers=workers, sample=9)) == (found, swept)


@pytest.mark.parametrize(
    "arguments",
    [
        lambda dataset, generator: {"shuffle": True, "generator": generator},
        lambda dataset, generator: {"sampler": RandomSampler(dataset, generator=generator)},
        lambda dataset, generator: {"sampler": WeightedRandomSampler([1.0] * 24, 24, generator=generator)},
    ],
    ids=["shuffle", "sampler", "weighted"],
)
def test_those_of_a_loader(arguments):
    for dataset in (Augmented(), TensorDataset(torch.rand(24, 3, 8, 8))):
        generator = torch.Generator().manual_seed(5)
        loader = DataLoader(dataset, batch_size=8, **arguments(dataset, generator))
        before = generator.get_state()
        dataset_statistics(loader)
        assert torch.equal(generator.get_state(), before)
        grid(loader, "imagenet")
        assert torch.equal(generator.get_state(), before)
        if isinstance(dataset, Augmented):
            sweep(loader)
            check(loader)
            assert torch.equal(generator.get_state(), before)
