"""The small data sets that the other tests stand on can be read by torchvision, and hold photographs."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from photographs import crops, grey_photographs, photographs, write_cifar10, write_imagefolder
from torchvision.datasets import CIFAR10, ImageFolder


def test_cifar10_is_read_by_torchvision(tmp_path):
    dataset_class = write_cifar10(tmp_path)
    train, test = dataset_class(tmp_path, train=True), dataset_class(tmp_path, train=False)
    assert isinstance(train, CIFAR10)
    assert (len(train), len(test)) == (100, 20)
    image, label = train[3]
    assert (image.size, image.mode, train.classes[label]) == ((32, 32), "RGB", "cat")
    assert np.array_equal(np.asarray(image), crops(20, 32, seed=1)[3])
    assert np.std(train.data) > 20
    assert np.array_equal(pickle.loads(pickle.dumps(train)).data, train.data)


def test_a_changed_byte_is_noticed(tmp_path):
    dataset_class = write_cifar10(tmp_path)
    batch = tmp_path / "cifar-10-batches-py" / "test_batch"
    batch.write_bytes(batch.read_bytes()[:-1] + b"x")
    with pytest.raises(RuntimeError, match="corrupted"):
        dataset_class(tmp_path)


def test_imagefolder_is_read_by_torchvision(tmp_path):
    dataset = ImageFolder(write_imagefolder(tmp_path))
    assert len(dataset) == len(photographs())
    assert "matplotlib" in dataset.classes
    sizes = {image.size for image, _ in dataset}
    assert (512, 600) in sizes


def test_photographs_have_their_modes():
    assert {image.mode for image in photographs()} == {"RGB"}
    assert {image.mode for image in grey_photographs()} <= {"L"}
