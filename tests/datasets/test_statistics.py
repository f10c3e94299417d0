"""dataset_statistics: the right numbers, to the last bit, whatever the split; and what is refused."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import random
from fractions import Fraction

import numpy as np
import pytest
import torch
from photographs import crops, photographs, write_cifar10, write_imagefolder
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset
from torchvision import transforms, tv_tensors
from torchvision.datasets import CIFAR10, SVHN, ImageFolder

from pytest_denorm import Normalization, Statistics, dataset_statistics, preset
from pytest_denorm.core.preset_match import nearest_preset
from pytest_denorm.errors import DatasetError, DenormError


def from_first_principles(pictures):
    """Mean and std of HWC arrays, from all their values at once."""
    values = np.concatenate([np.asarray(picture, np.float64).reshape(-1, picture.shape[-1]) for picture in pictures])
    return values.mean(axis=0), values.std(axis=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_imagefolder(tmp_path_factory.mktemp("photographs"))


class Listed:
    """A data set of its own kind: (image, label) pairs from a list; an exception in the list is raised."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        if isinstance(self.items[index], Exception):
            raise self.items[index]
        return self.items[index], index % 10


def counted(method, asked):
    """`method`, which notes the indices that it is asked for, and seems to be defined where it was."""

    @functools.wraps(method)
    def noting(self, index):
        asked.append(index)
        return method(self, index)

    return noting


def chosen_by(count, seed):
    return sorted(random.Random(seed).sample(range(100), count))


class SVHNLike(SVHN):
    """Bytes kept channels first, and given as PIL images."""

    def __init__(self, pictures):
        self.data, self.labels = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)), [0] * len(pictures)
        self.transform = self.transforms = self.target_transform = None


class TestNumbers:
    def test_photographs_of_different_sizes(self, folder):
        dataset = ImageFolder(folder)
        found = dataset_statistics(dataset)
        arrays = [np.asarray(picture) for picture, _ in dataset]
        mean, std = from_first_principles(arrays)
        np.testing.assert_allclose(found.mean, mean, rtol=1e-10)  # numpy adds down an axis one by one
        np.testing.assert_allclose(found.std, std, rtol=1e-10)
        assert (found.pictures, found.pixels) == (len(arrays), sum(a.shape[0] * a.shape[1] for a in arrays))
        assert found.minimum == tuple(min(a[..., c].min() for a in arrays) for c in range(3))
        assert found.maximum == tuple(max(a[..., c].max() for a in arrays) for c in range(3))
        extreme = [sum(np.count_nonzero((a[..., c] == 0) | (a[..., c] == 255)) for a in arrays) for c in range(3)]
        assert found.saturated == tuple(count / found.pixels for count in extreme)
        assert found.sizes == (
            min(a.shape[0] for a in arrays),
            max(a.shape[0] for a in arrays),
            min(a.shape[1] for a in arrays),
            max(a.shape[1] for a in arrays),
        )
        own = np.mean([a.reshape(-1, 3).std(axis=0) for a in arrays], axis=0)
        np.testing.assert_allclose(found.mean_of_stds, own, rtol=1e-10)

    def test_cifar10_in_every_guise(self, tmp_path):
        dataset_class = write_cifar10(tmp_path)
        bytes_ = dataset_statistics(dataset_class(tmp_path))
        mean, std = from_first_principles(dataset_class(tmp_path).data)
        np.testing.assert_allclose(bytes_.mean, mean, rtol=1e-13)
        np.testing.assert_allclose(bytes_.std, std, rtol=1e-13)
        tensors = dataset_class(tmp_path, transform=transforms.PILToTensor())
        assert dataset_statistics(tensors) == bytes_
        assert dataset_statistics(DataLoader(tensors, batch_size=7)) == bytes_
        assert dataset_statistics(DataLoader(tensors, batch_size=7, shuffle=True)) == bytes_
        floats = dataset_class(tmp_path, transform=transforms.ToTensor())
        scaled = dataset_statistics(floats)
        assert dataset_statistics(DataLoader(floats, batch_size=16)) == scaled
        np.testing.assert_allclose(scaled.normalization().mean, bytes_.normalization().mean, rtol=1e-7)
        np.testing.assert_allclose(scaled.normalization().std, bytes_.normalization().std, rtol=1e-7)
        assert (scaled.pixel_max, bytes_.pixel_max) == (1.0, 255.0)

    def test_data_sets_that_are_kept_in_memory_are_read_from_there(self, tmp_path, monkeypatch):
        dataset = write_cifar10(tmp_path)(tmp_path)
        expected = dataset_statistics(list(dataset.data))
        asked = []
        monkeypatch.setattr(CIFAR10, "__getitem__", counted(CIFAR10.__getitem__, asked))
        assert dataset_statistics(dataset) == expected
        assert set(asked) == {0}  # only to see that it is what is kept
        assert dataset_statistics(dataset, sample=30, seed=1) == dataset_statistics(Subset(dataset, chosen_by(30, 1)))
        assert dataset_statistics(dataset.data) == dataset_statistics(torch.from_numpy(dataset.data).movedim(-1, 1))

    def test_data_sets_that_change_what_they_keep_are_asked_for_each(self, tmp_path):
        class Darker(type(write_cifar10(tmp_path)(tmp_path))):
            def __getitem__(self, index):
                picture, label = super().__getitem__(index)
                return picture.point(lambda level: level // 2), label

        dataset = Darker(tmp_path)
        assert dataset_statistics(dataset) == dataset_statistics(list(dataset.data // 2))
        dataset = SVHNLike(crops(20, 8))
        assert dataset_statistics(dataset) == dataset_statistics(list(crops(20, 8)))

    @pytest.mark.parametrize(
        "guise",
        [
            lambda a: Image.fromarray(a),
            lambda a: a,
            lambda a: np.ascontiguousarray(a.transpose(2, 0, 1)),
            lambda a: a[::-1],
            lambda a: torch.from_numpy(a.copy()).permute(2, 0, 1),
            lambda a: {"image": a, "mask": a[..., 0]},
            lambda a: {"pixels": a, "label": 3},
            lambda a: [a],
            lambda a: (3, a),
        ],
        ids=["PIL", "HWC", "CHW", "reversed", "tensor", "dict", "only-image", "list", "second-in-tuple"],
    )
    def test_items_of_all_kinds_give_the_same(self, guise):
        pictures = crops(9, 20)
        expected = dataset_statistics(list(pictures))
        assert dataset_statistics([guise(picture) for picture in pictures]) == expected
        np.testing.assert_allclose(expected.mean, from_first_principles(pictures)[0], rtol=1e-13)

    def test_sixteen_bits(self):
        images = np.random.default_rng(0).integers(0, 65536, (5, 8, 8, 3)).astype(np.uint16)
        found = dataset_statistics(list(images))
        assert found.pixel_max == 65535
        np.testing.assert_allclose(found.std, images.reshape(-1, 3).std(axis=0), rtol=1e-12)

    def test_image_channel_axis_and_pixel_max_can_be_said(self):
        images = crops(4, 12)
        dataset = [{"a": image, "b": torch.from_numpy(image).float()} for image in images]
        found = dataset_statistics(dataset, image="b", channel_axis=-1, pixel_max=255.0)
        plain = dataset_statistics(list(images))
        assert found == plain
        assert dataset_statistics(dataset, image=lambda item: item["a"]) == plain

    def test_tall_pictures_do_not_overflow(self):
        white = np.full((70_000, 2, 3), 255, np.uint8)
        found = dataset_statistics([white, white])
        assert (found.mean, found.std) == ((255.0,) * 3, (0.0,) * 3)
        assert "one value everywhere" in str(found)


class TestAdversarial:
    def test_one_value_in_a_billion(self):
        # 1e9 ones and one 2, merged from the statistics of one block: the mean differs from 1 by 1e-9
        block = dataset_statistics([np.ones((1, 1000, 1000), np.float32)])
        ones = block
        for _ in range(3):
            ones = Statistics.merge_all([ones] * 10)
        found = ones + dataset_statistics([torch.full((1, 1, 1), 2.0)])
        n = 10**9 + 1
        assert found.pixels == n
        assert found.mean[0] == float(Fraction(n + 1, n))
        assert found.std[0] == pytest.approx(math.sqrt(n - 1) / n, rel=1e-15)


class TestMerging:
    def test_any_split_gives_the_same_bits(self, tmp_path):
        dataset = write_cifar10(tmp_path)(tmp_path, transform=transforms.ToTensor())
        whole = dataset_statistics(dataset)
        halves = dataset_statistics(Subset(dataset, range(37))), dataset_statistics(Subset(dataset, range(37, 100)))
        assert halves[0] + halves[1] == halves[1].merge(halves[0]) == whole
        assert (halves[0] + halves[1]).std == whole.std
        assert (halves[0] + halves[1]).standard_error_of_std == whole.standard_error_of_std
        assert dataset_statistics(dataset, workers=2) == whole
        assert dataset_statistics(DataLoader(dataset, batch_size=9, num_workers=2)) == whole

    def test_json_keeps_every_bit(self):
        found = dataset_statistics([torch.rand(3, 5, 7, dtype=torch.float64) for _ in range(3)])
        again = Statistics.from_dict(json.loads(json.dumps(found.to_dict())))
        assert again == found
        assert (again.mean, again.std, again.first) == (found.mean, found.std, found.first)
        assert found.to_dict()["mean"] == list(found.mean)

    def test_what_does_not_merge(self):
        grey, color = dataset_statistics([crops(1, 8)[0][..., 0]]), dataset_statistics(list(crops(1, 8)))
        with pytest.raises(DatasetError, match="1 channel, white at 255 and of 3 channels, white at 255 cannot"):
            grey + color
        with pytest.raises(DatasetError, match="no statistics to merge"):
            Statistics.merge_all([])
        with pytest.raises(DatasetError, match="version is None: expected 1"):
            Statistics.from_dict({})
        with pytest.raises(DatasetError, match="no statistics as"):
            Statistics.from_dict({"version": 1})

    def test_standard_errors_are_those_of_samples_of_pictures(self):
        """Over many draws of 40 of 400 images, the means scatter as much as each draw says."""
        pictures = list(crops(400, 16))
        draws = [dataset_statistics(pictures, sample=40, seed=seed) for seed in range(120)]
        # drawing a tenth without replacement scatters sqrt(1 - 1/10) as much
        for name in ("mean", "std"):
            scatter = np.std([getattr(draw, name) for draw in draws], axis=0)
            said = np.mean([getattr(draw, f"standard_error_of_{name}") for draw in draws], axis=0) * math.sqrt(0.9)
            np.testing.assert_allclose(said, scatter, rtol=0.25)
        assert dataset_statistics(pictures[:1]).standard_error_of_mean == (math.inf,) * 3


class TestRefusals:
    def test_grey_among_color_names_the_first_odd_picture(self, folder, tmp_path):
        pictures = [*photographs()[:1], *list(crops(5, 8)), crops(1, 8)[0][..., 0], *crops(2, 8)]
        message = "image 6 has 1 channel, white at 255; image 0 has 3 channels, white at 255"
        for workers in (0, 2):
            with pytest.raises(DatasetError, match=message):
                dataset_statistics(pictures, workers=workers)

    def test_floats_among_bytes(self):
        byte = crops(1, 8)[0]
        with pytest.raises(DatasetError, match=r"image 1 has 3 channels, white at 1; image 0 .* white at 255"):
            dataset_statistics([byte, byte / 255])

    def test_a_file_that_does_not_decode_is_named(self, tmp_path):
        folder = write_imagefolder(tmp_path)
        whole = dataset_statistics(ImageFolder(folder))
        broken = folder / "matplotlib" / "a_broken.jpg"
        broken.write_bytes((folder / "matplotlib" / "grace_hopper.jpg").read_bytes()[:5000])
        dataset = ImageFolder(folder)
        with pytest.raises(DatasetError, match=r"^image 0 \(.*a_broken.jpg\): OSError: .*truncated") as caught:
            dataset_statistics(dataset)
        assert isinstance(caught.value.__cause__, OSError)
        assert isinstance(caught.value, DenormError)
        for workers in (0, 2):
            found = dataset_statistics(dataset, on_error="skip", workers=workers)
            assert (found.failed, found.failures[0].index, found.failures[0].name) == (1, 0, str(broken))
            assert (found.mean, found.std, found.pictures) == (whole.mean, whole.std, whole.pictures)
            assert "1 image could not be read and were left out" in str(found).replace("was", "were")
            assert Statistics.from_dict(found.to_dict()) == found

    def test_many_failures_are_counted_and_twenty_named(self):
        items = [ValueError(f"no {k}") if k % 2 else crops(1, 8)[0] for k in range(100)]
        found = dataset_statistics(Listed(items), on_error="skip")
        assert (found.failed, len(found.failures), found.pictures) == (50, 20, 50)
        assert str(found.failures[0]) == "image 1: ValueError: no 1"
        assert "and 30 more" in str(found)
        with pytest.raises(DatasetError, match=r"none of 3 images could be read\. The first: image 0: KeyError"):
            dataset_statistics(Listed([KeyError("x")] * 3), on_error="skip")

    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            (np.full((8, 8, 3), np.nan), "ImageError: 192 of 192 values are NaN"),
            (np.zeros((0, 8, 3), np.uint8), "has no pixels"),
            (np.zeros((8, 8, 9), np.uint8), r"shape \(8, 8, 9\): expected \(H, W, C\) or \(C, H, W\) with 1, 3 or 4"),
            (np.zeros((3, 8, 3), np.uint8), "Pass channel_axis= to name their axis"),
            (torch.zeros(8, 8, 3), r"expected \(C, H, W\)"),
            (np.zeros((8, 8, 3), np.int32), "no usual white"),
            (np.zeros((8, 8, 3), complex), "image of complex128"),
            (Image.new("P", (8, 8)), "indices of a palette"),
            (Image.new("1", (8, 8)), "holds bits"),
            (
                {"a": np.zeros((2, 2)), "b": np.zeros((2, 2))},
                "2 members of the dict are equally good images: pass image='a' or image='b' to",
            ),
            (3, "a builtins.int is no image"),
            (("a", 3), r"no image is in a tuple of \(str, int\)"),
        ],
    )
    def test_what_is_no_picture(self, bad, message):
        with pytest.raises(DatasetError, match=f"^image 1: .*{message}"):
            dataset_statistics([crops(1, 8)[0], bad])

    def test_empty_and_no_data_set(self):
        with pytest.raises(DatasetError, match="the data set is empty"):
            dataset_statistics([])
        with pytest.raises(DatasetError, match="the data set is empty"):
            dataset_statistics(iter(()))
        for wrong in ("folder", {"a": 1}, 3, ImageFolder):
            with pytest.raises(DatasetError, match="is no data set: expected a data set"):
                dataset_statistics(wrong)


class TestSources:
    def test_limit_and_sample(self):
        pictures = list(crops(30, 8))
        assert dataset_statistics(pictures, limit=7) == dataset_statistics(pictures[:7])
        one, same, other = (dataset_statistics(pictures, sample=9, seed=seed) for seed in (1, 1, 2))
        assert one == same != other
        assert one.pictures == 9
        assert dataset_statistics(pictures, sample=99).pictures == 30

    def test_loaders(self):
        pictures = crops(30, 8)
        whole = dataset_statistics(list(pictures))
        stacked = DataLoader(Listed(list(torch.from_numpy(pictures).permute(0, 3, 1, 2))), batch_size=8)
        assert dataset_statistics(stacked) == whole
        assert dataset_statistics(stacked, limit=11) == dataset_statistics(list(pictures[:11]))
        for collate in (list, lambda batch: tuple(zip(*batch, strict=True)), lambda batch: [a for a, _ in batch]):
            assert dataset_statistics(DataLoader(Listed(list(pictures)), batch_size=8, collate_fn=collate)) == whole

    def test_iterables(self):
        pictures = crops(30, 8)

        class Stream(IterableDataset):
            def __iter__(self):
                yield from list(pictures)

        whole = dataset_statistics(list(pictures))
        assert dataset_statistics(Stream()) == whole
        assert dataset_statistics(iter(list(pictures))) == whole
        assert dataset_statistics(DataLoader(Stream(), batch_size=8), channel_axis=-1) == whole

    def test_an_iterable_may_use_its_memory_again(self):
        pictures = torch.from_numpy(crops(30, 8)).permute(0, 3, 1, 2)

        def one_buffer():
            buffer = torch.empty(3, 8, 8, dtype=torch.uint8)
            for picture in pictures:
                yield buffer.copy_(picture)

        assert dataset_statistics(one_buffer()) == dataset_statistics(pictures)

    @pytest.mark.parametrize("where", [0, 17])
    @pytest.mark.parametrize(
        "odd",
        [
            lambda picture: picture[:, :5],  # another size
            lambda picture: picture.requires_grad_(),
            lambda picture: picture.double(),
            lambda picture: picture.numpy(),
            lambda picture: [picture, picture.flip(-1)],
            lambda picture: tv_tensors.Image(picture),
            lambda picture: OSError("gone"),
        ],
        ids=["size", "gradient", "dtype", "array", "views", "subclass", "error"],
    )
    def test_one_odd_item_among_many_tensors(self, odd, where):
        """Tensors are read some at a time, and the odd one alone, in its turn."""
        items = list(torch.from_numpy(crops(30, 8)).permute(0, 3, 1, 2) / 255)
        items[where] = odd(items[where])
        good = [item for item in items if not isinstance(item, OSError)]
        found = dataset_statistics(Listed(items), on_error="skip")
        assert found.failed == 30 - len(good)
        alone = Statistics.merge_all(dataset_statistics(Listed([item])) for item in good)
        assert dataclasses.replace(found, failed=0, failures=()) == alone

    def test_subsets_in_any_order(self):
        pictures = torch.from_numpy(crops(30, 8)).permute(0, 3, 1, 2)
        whole = TensorDataset(pictures)
        for indices in (range(2, 29, 3), range(20, 3, -2), [5, 1, 1, -1], torch.tensor([3, 4, 9]), np.array([7, 2])):
            wanted = dataset_statistics([pictures[int(index)] for index in indices])
            assert dataset_statistics(Subset(whole, indices)) == wanted
            nested = Subset(Subset(whole, list(range(30))[::-1]), [29 - (int(index) % 30) for index in indices])
            assert dataset_statistics(nested) == wanted


class TestText:
    def test_what_a_person_reads(self):
        pixels = np.zeros((2, 4, 3), np.uint8)
        pixels[:, 2:] = (100, 200, 255)
        assert str(dataset_statistics([pixels])).splitlines() == [
            "1 image, 2 x 4 px, 3 channels, white at 255",
            "  channel         mean          std        min        max  saturated",
            "        0           50           50          0        100     50.00%",
            "        1          100          100          0        200     50.00%",
            "        2        127.5        127.5          0        255    100.00%",
            "Normalize(mean=(0.196078, 0.392157, 0.5), std=(0.196078, 0.392157, 0.5))  # images in 0..1",
        ]
        assert repr(dataset_statistics([pixels])) == (
            "Statistics(1 image, mean=(50, 100, 127.5), std=(50, 100, 127.5), pixel_max=255)"
        )

    def test_presets(self):
        near = Normalization((0.49, 0.48, 0.45), (0.25, 0.24, 0.26))
        assert nearest_preset(near).name == "cifar10"
        assert nearest_preset(Normalization((125.3, 123.0, 113.9), (63.0, 62.1, 66.7), 255.0)).name == "cifar10"
        assert nearest_preset(Normalization((0.6, 0.6, 0.6), (0.2, 0.2, 0.2))) is None
        assert nearest_preset(near, tolerance=1e-4) is None
        assert nearest_preset(preset("mnist")).distance == 0
