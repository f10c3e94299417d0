"""Splits of a data set side by side, of which one has no Normalize."""

from __future__ import annotations

import types
import warnings

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset
from torchvision import transforms as v1
from torchvision.transforms import functional

from pytest_denorm import Normalization, check, find_normalize
from pytest_denorm.errors import MissingNormalizeWarning, NormalizeNotFoundError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Normalization(MEAN, STD)
NORMALIZE = v1.Normalize(MEAN, STD)
WITH = v1.Compose([v1.ToTensor(), NORMALIZE])
WITHOUT = v1.ToTensor()


def by_hand(image):
    return functional.normalize(functional.to_tensor(image), MEAN, STD)


class Pictures(Dataset):
    def __init__(self, transform=None, after=None):
        self.transform, self._after = transform, [after]

    def __len__(self):
        return 12

    def __getitem__(self, index):
        image = functional.to_pil_image(np.random.default_rng(index).integers(0, 256, (20, 24, 3), dtype=np.uint8))
        image = self.transform(image) if self.transform else functional.to_tensor(image)
        return (self._after[0](image) if self._after[0] else image), index % 3


class Stream(IterableDataset):
    def __iter__(self):
        yield torch.rand(3, 8, 8)


class Module:
    """As Lightning's data modules."""

    def __init__(self, **kept):
        self.folder, self.size, self.names = "data", (3, 20, 24), ["cat", "dog"]
        vars(self).update(kept)


class Makes(Module):
    val = WITHOUT

    def train_dataloader(self):
        return DataLoader(Pictures(WITH), batch_size=2)

    def val_dataloader(self):
        return [DataLoader(Pictures(self.val), batch_size=2)][0]

    def test_dataloader(self):
        return DataLoader(Pictures(WITH), batch_size=2)


class MakesAll(Makes):
    val = None

    def val_dataloader(self):
        return self.test_dataloader()


def told(pipeline):
    """The warnings of find_normalize, and what the check says."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert find_normalize(pipeline) == IMAGENET
    (result,) = check(pipeline, select=["single_normalize"]).results
    return [str(one.message) for one in caught], result


FORGOTTEN = {
    "a dict of transforms": ({"train": WITH, "val": WITHOUT}, "dict['val']", "dict['train']"),
    "a dict of loaders": (
        {"train": DataLoader(Pictures(WITH)), "valid": DataLoader(Pictures())},
        "dict['valid']",
        "dict['train']",
    ),
    "names that go on": (
        {"x_train_tfms": WITHOUT, "x_test_tfms": WITH, "y_train_tfms": WITHOUT, "y_test_tfms": WITHOUT},
        "dict['x_train_tfms']",
        "dict['x_test_tfms']",
    ),
    "augmentation alone": (
        {"train": v1.Compose([v1.RandomCrop(8), v1.ColorJitter(0.2), WITHOUT]), "test": WITH},
        "dict['train']",
        "dict['test']",
    ),
    "data sets that are kept": (
        Module(transform=WITH, trainset=Pictures(WITH), valset=Subset(Pictures(WITHOUT), [1, 2])),
        "Module.valset",
        "Module.trainset",
    ),
    "transforms that are kept": (Module(trainTransform=WITH, valTransform=WITHOUT), "Module.valTransform", None),
    "methods": (Makes(), "Makes.val_dataloader()", "Makes.train_dataloader()"),
    "deeper": (types.SimpleNamespace(data={"train": WITH, "val": WITHOUT}), "SimpleNamespace.data['val']", None),
    "beside what other things are": (
        {"train": WITH, "val": WITHOUT, "test": None, "size": 3, "target": v1.Resize(3), "classes": ["a"]},
        "dict['val']",
        "dict['train']",
    ),
}


@pytest.mark.parametrize(("pipeline", "path", "beside"), FORGOTTEN.values(), ids=FORGOTTEN)
def test_a_split_without_normalize_is_named(pipeline, path, beside):
    assert_named(pipeline, path, beside)


def assert_named(pipeline, path, beside, white=1):
    with pytest.warns(MissingNormalizeWarning) as caught:
        found = find_normalize(pipeline)
    (message,) = {str(one.message) for one in caught}
    assert message.startswith(f"{path} has no Normalize, and {beside or ''}")
    assert message.endswith(
        f"found images in 0..white in what {path} gives. Put the same Normalize into it, or give "
        f"{message.split(' and ')[1].split(' beside')[0]} alone."
    )
    assert found.pixel_max == white
    (result,) = check(pipeline, select=["single_normalize"]).results
    assert (result.status, result.message) == ("failed", message)


def test_the_whole_message():
    assert told({"train": WITH, "val": WITHOUT})[0] == [
        "dict['val'] has no Normalize, and dict['train'] beside it has one, torchvision.transforms.Normalize with mean "
        "(0.485, 0.456, 0.406), std (0.229, 0.224, 0.225), images in 0..1: expected both to be normalized alike, "
        "found images in 0..white in what dict['val'] gives. Put the same Normalize into it, or give dict['train'] "
        "alone."
    ]


@pytest.mark.parametrize(
    "pipeline",
    [
        [Pictures(WITH), Pictures(WITHOUT)],
        (DataLoader(Pictures(WITHOUT)), DataLoader(Pictures(WITH))),
        {"train": DataLoader(Pictures(WITH)), "val": DataLoader(Pictures(), collate_fn=lambda items: items)},
        {"train": Pictures(WITH), "val": Stream()},
    ],
)
def test_where_it_may_be_meant_so_the_check_does_not_apply(pipeline):
    (message,), result = told(pipeline)
    assert (result.status, result.message) == ("not applicable", message)
    assert " has no Normalize, and " in message


RIGHT = {
    "all": {"train": WITH, "val": WITH},
    "an image and a mask": {"image": WITH, "mask": WITHOUT},
    "target transforms": Module(train_transform=WITH, val_transform=WITH, val_target_transform=WITHOUT),
    "raw images beside": {"train": WITH, "train_raw": WITHOUT, "val_raw": WITHOUT},
    "nothing there": {"train": WITH, "val": None, "test": "test", "predict": 3},
    "metrics and samplers": Module(train_set=Pictures(WITH), val_sampler=range(3), train_metric=len),
    "no splits": [WITHOUT, WITH],
    "one before the other": {"resize": v1.Resize(8), "train": WITH},
    "one for all": Module(
        train_transform=WITHOUT, val_transform=v1.Compose([WITHOUT, NORMALIZE]), normalize=v1.Normalize(MEAN, STD)
    ),
    "another place": Module(train_set=Pictures(), val_set=Pictures(WITH), train_augmentation=NORMALIZE),
    "a function": {"train": WITH, "val": by_hand},
    "code of a data set": {"train": Pictures(WITH), "val": Pictures(after=lambda x: (x - 0.45) / 0.22)},
    "what takes pairs": {"train": WITH, "val": lambda image, target: (by_hand(image), target["boxes"])},
    "a network": {"train": WITH, "val": torch.nn.Conv2d(3, 3, 1)},
    "a class": {"train": WITH, "val": v1.ToTensor},
    "loaders": MakesAll(),
    "several data sets": ConcatDataset([Pictures(WITH), Pictures(WITH)]),
    "an image and its mask, side by side": torch.utils.data.StackDataset(Pictures(WITH), Pictures()),
    "words with a split in them": {"trainer": WITH, "latest": WITHOUT, "value": WITHOUT},
}


@pytest.mark.parametrize("pipeline", RIGHT.values(), ids=RIGHT)
def test_what_is_right_is_told_nothing(pipeline):
    said, result = told(pipeline)
    assert not said
    assert result.status == "passed", result.message


def test_a_normalize_without_values_below_zero_does_not_tell():
    shrink = v1.Compose([WITHOUT, v1.Normalize((0.0,) * 3, (0.5,) * 3)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find_normalize({"train": shrink, "val": WITHOUT})


def test_loaders_that_methods_make_are_looked_at_where_nothing_is_kept():
    assert find_normalize(MakesAll()).source == (
        "MakesAll.train_dataloader().dataset.transform.transforms[1]: torchvision.transforms.Normalize"
    )

    class Kept(MakesAll):
        def train_dataloader(self):
            raise AssertionError("must not be called")

    assert find_normalize(Kept(transform=WITH)) == IMAGENET
    with pytest.raises(NormalizeNotFoundError, match=r"could not look into .*Kept \(train_dataloader\(\) raised Asser"):
        find_normalize(Kept())
