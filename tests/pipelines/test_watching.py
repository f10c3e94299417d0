"""What enters and leaves a Normalize inside a pipeline of random augmentation."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
import torchvision
from photographs import photographs
from torch import nn
from torchvision import transforms as v1
from torchvision import tv_tensors
from torchvision.transforms import v2

from pytest_denorm import Normalization, check, find_normalize, sweep
from pytest_denorm.errors import NormalizeNotFoundError, NormalizeRaisedError, PipelineError
from pytest_denorm.pipelines import locate
from pytest_denorm.pipelines.watching import recorded, watch, watch_own

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Normalization(MEAN, STD)
PHOTO = photographs()[0]
PIXELS = np.asarray(PHOTO)


def assert_normalized(pairs, normalization, *, count=1):
    assert len(pairs) == count
    for entered, left in pairs:
        expected = torch.as_tensor(np.asarray(normalization.normalize(entered)))
        torch.testing.assert_close(torch.as_tensor(np.asarray(left)), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("tv", [v1, v2], ids=["v1", "v2"])
def test_random_augmentation(tv):
    load = v1.ToTensor() if tv is v1 else v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    pipeline = tv.Compose(
        [
            tv.RandomResizedCrop(64, antialias=True),
            tv.RandomHorizontalFlip(),
            tv.ColorJitter(0.4, 0.4, 0.4),
            load,
            tv.Normalize(MEAN, STD),
            tv.RandomErasing(p=1.0),
        ]
    )
    first, second = watch(pipeline, PHOTO), watch(pipeline, PHOTO)
    assert_normalized(first, IMAGENET)
    assert first[0][0].shape == (3, 64, 64)
    assert torch.equal(first[0][0], second[0][0])  # the states were restored, so that the draws are the same
    torch.rand(1)
    assert not torch.equal(first[0][0], watch(pipeline, PHOTO)[0][0])


def test_inplace_keeps_what_entered():
    pairs = watch(v1.Compose([v1.ToTensor(), v1.Normalize(MEAN, STD, inplace=True)]), PHOTO)
    assert_normalized(pairs, IMAGENET)
    assert pairs[0][0].min() >= 0


def test_alone_in_a_module_and_twice():
    picture = v1.functional.to_tensor(PHOTO)
    normalize = v1.Normalize(MEAN, STD)
    assert_normalized(watch(normalize, picture), IMAGENET)
    assert_normalized(watch(nn.Sequential(nn.Identity(), normalize), picture[None]), IMAGENET)

    class TwoViews:
        def __init__(self):
            self.transform = v1.Compose([v1.RandomCrop(40), v1.ToTensor(), v1.Normalize(MEAN, STD)])

        def __call__(self, picture):
            return [self.transform(picture), self.transform(picture)]

    pairs = watch(TwoViews(), PHOTO)
    assert_normalized(pairs, IMAGENET, count=2)
    assert not torch.equal(pairs[0][0], pairs[1][0])


@pytest.mark.filterwarnings("ignore::pytest_denorm.errors.ConditionalNormalizeWarning")
def test_skipped_by_chance():
    pipeline = v1.Compose([v1.ToTensor(), v1.RandomApply([v1.Normalize(MEAN, STD)], p=0.5)])
    counts = set()
    for seed in range(20):
        torch.manual_seed(seed)
        counts.add(len(watch(pipeline, PHOTO)))
    assert counts == {0, 1}


def test_nothing_is_changed():
    normalize = v1.Normalize(MEAN, STD)
    pipeline = v1.Compose([v1.RandomCrop(40), v1.ToTensor(), normalize, v1.RandomErasing(p=1.0)])
    before = dict(vars(normalize))
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    watch(pipeline, PHOTO)
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == states
    assert type(normalize) is v1.Normalize
    assert vars(normalize) == before
    picture = v1.functional.to_tensor(PHOTO)
    kept = picture.clone()
    watch(v1.Normalize(MEAN, STD, inplace=True), picture)
    assert torch.equal(picture, kept)


def test_recorded_restores_the_class_after_a_failure():
    normalize = v1.Normalize(MEAN, STD)
    with pytest.raises(TypeError), recorded(locate(normalize)) as pairs:
        normalize("no picture")
    assert type(normalize) is v1.Normalize
    assert pairs == []


def test_what_entered_is_known_when_it_raises():
    with pytest.raises(NormalizeRaisedError) as caught:
        watch(v1.Compose([v1.Grayscale(), v1.ToTensor(), v1.Normalize(MEAN, STD)]), PHOTO)
    assert caught.value.entering.shape == (1, PHOTO.height, PHOTO.width)
    start = "Compose.transforms[2]: torchvision.transforms.Normalize raised RuntimeError: output with shape [1, "
    assert str(caught.value).startswith(start)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_an_item_of_a_data_set():
    class Photos(torch.utils.data.Dataset):
        def __init__(self, *steps):
            self.transform = v1.Compose([*steps, v1.ToTensor(), v1.Normalize(MEAN, STD)])

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return self.transform(PHOTO)

    class Stream(torch.utils.data.IterableDataset):
        def __init__(self):
            self.data = Photos()

        def __iter__(self):
            return iter([self.data[0]])

    for data in (Photos(), torch.utils.data.DataLoader(Photos(), num_workers=2), Stream()):
        assert_normalized(watch_own(data), IMAGENET)
    with pytest.raises(NormalizeRaisedError):
        watch_own(Photos(v1.Grayscale()))
    with pytest.raises(TypeError):
        watch_own(Photos(lambda picture: 3))


class TestBoxesAndMasks:
    """What references of detection and segmentation hand over beside the picture, in any order."""

    JOINT = v2.Compose(
        [
            v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )
    PICTURE = tv_tensors.Image(v1.functional.pil_to_tensor(PHOTO))
    BOXES = tv_tensors.BoundingBoxes([[1, 1, 9, 9]], format="XYXY", canvas_size=(PHOTO.height, PHOTO.width))
    MASKS = tv_tensors.Mask(torch.ones(3, PHOTO.height, PHOTO.width))
    ITEMS = (
        (PICTURE, {"boxes": BOXES, "labels": torch.tensor([1])}),
        (PICTURE, {"masks": MASKS, "boxes": BOXES}),
        {"mask": MASKS[:1], "image": PICTURE},
        (BOXES, PICTURE),
    )

    class Joint(torch.utils.data.Dataset):
        def __init__(self, item, transform):
            self.item, self.transform = item, transform

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return self.transform(self.item)

    @pytest.mark.parametrize("item", ITEMS)
    @pytest.mark.filterwarnings("ignore:scale was set to True")
    def test_are_no_pictures(self, item):
        data = self.Joint(item, self.JOINT)
        pairs = watch_own(data)
        assert_normalized(pairs, IMAGENET)
        assert pairs[0][0].shape == (3, PHOTO.height, PHOTO.width)
        result = sweep(data)
        assert (result.pictures, result.values, result.wrong_levels) == (2, 2 * 3 * PHOTO.height * PHOTO.width, 0)
        checked = check(data, select=["statistics_match_channels", "declared_matches_measured"])
        assert [one.status for one in checked.results] == ["passed", "passed"]

    def test_do_not_say_what_white_is(self):
        boxes = tv_tensors.BoundingBoxes([[1.0, 1, 200, 200]], format="XYXY", canvas_size=(300, 300))
        steps = [v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}), v2.Normalize([128.0] * 3, [64.0] * 3)]
        data = self.Joint((boxes, self.PICTURE), v2.Compose(steps))
        assert find_normalize(data).pixel_max == 255

    def test_videos_and_plain_tensors_are_pictures(self):
        normalize = v2.Normalize(MEAN, STD)
        for picture in (tv_tensors.Video(torch.rand(2, 3, 8, 9)), torch.rand(3, 8, 9)):
            assert_normalized(watch(v2.Compose([normalize]), picture), IMAGENET)


def test_class_with_slots():
    class Slotted:
        __slots__ = ("mean", "std")

        def __init__(self):
            self.mean, self.std = 0.5, 0.25

        def __call__(self, picture):
            return (picture - self.mean) / self.std

    from pytest_denorm import register_adapter
    from pytest_denorm.pipelines.registry import unregister_adapter

    register_adapter(__name__, lambda obj: Normalization(obj.mean, obj.std) if isinstance(obj, Slotted) else None)
    try:
        assert_normalized(watch(v1.Compose([v1.ToTensor(), Slotted()]), PHOTO), Normalization(0.5, 0.25))
    finally:
        unregister_adapter(__name__)


def test_refusals():
    with pytest.raises(PipelineError) as caught:
        watch(torchvision.models.ResNet18_Weights.DEFAULT.transforms(), PHOTO)
    assert str(caught.value) == (
        "torchvision.transforms._presets.ImageClassification cannot be watched while its pipeline runs: it is one "
        "with other steps."
    )
    with pytest.raises(PipelineError, match="does not take this int: alone, it raised TypeError"):
        watch(v1.Compose([v1.ToTensor(), v1.Normalize(MEAN, STD)]), 3)
    with pytest.raises(PipelineError, match="nothing on the way to it can be called with a picture"):
        watch([IMAGENET], PHOTO)
    with pytest.raises(NormalizeNotFoundError):
        watch(v1.ToTensor(), PHOTO)


@pytest.mark.filterwarnings("ignore")
class TestLibraries:
    def test_albumentations(self):
        a = pytest.importorskip("albumentations")
        pipeline = a.Compose([a.RandomCrop(64, 64), a.ColorJitter(p=1), a.Normalize(), a.CoarseDropout(p=1)], seed=1)
        pairs = watch(pipeline, PIXELS)
        entered, left = pairs[0]
        assert entered.dtype == np.uint8
        levels = find_normalize(pipeline).to_uint8(left)
        assert np.array_equal(levels, entered)
        skipped = a.Compose([a.Normalize(p=0.0)])
        assert watch(skipped, PIXELS) == []

    def test_kornia(self):
        k = pytest.importorskip("kornia.augmentation")
        pipeline = k.AugmentationSequential(
            k.RandomHorizontalFlip(),
            k.ColorJitter(0.4),
            k.Normalize(MEAN, STD),
            k.RandomErasing(p=1.0),
            data_keys=["input"],
        )
        assert_normalized(watch(pipeline, v1.functional.to_tensor(PHOTO)[None]), IMAGENET)

    def test_monai(self):
        m = pytest.importorskip("monai.transforms")
        normalize = m.NormalizeIntensityd(["image"], list(MEAN), list(STD), channel_wise=True)
        pipeline = m.Compose([m.RandFlipd(["image"], prob=0.5), normalize, m.RandGaussianNoised(["image"], prob=1)])
        assert_normalized(watch(pipeline, v1.functional.to_tensor(PHOTO)), IMAGENET)

    def test_torchio(self):
        tio = pytest.importorskip("torchio")
        pipeline = tio.Compose([tio.RandomFlip(), tio.RescaleIntensity((-1, 1), in_min_max=(0, 1)), tio.RandomNoise()])
        assert_normalized(watch(pipeline, v1.functional.to_tensor(PHOTO)[..., None]), Normalization(0.5, 0.5))

    def test_diffusers(self):
        processor = pytest.importorskip("diffusers.image_processor").VaeImageProcessor()
        assert_normalized(watch(processor.preprocess, PHOTO), Normalization(0.5, 0.5))
