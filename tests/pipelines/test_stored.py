"""A Normalize of the user's own: a class that keeps mean and std, and is seen to use them."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from torch import nn
from torchvision import transforms as v1
from torchvision.transforms import functional as F

from pytest_denorm import Normalization, check, find_normalize, grid
from pytest_denorm.errors import NormalizeNotFoundError, SecondNormalizeWarning

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Normalization(MEAN, STD)
BYTES = Normalization([255 * one for one in MEAN], [255 * one for one in STD], 255.0)
IN_BYTES = tuple(np.array(MEAN) * 255), tuple(np.array(STD) * 255)


class OnArrays:
    """Bytes in, channels last, divided by 255."""

    def __init__(self, mean=MEAN, std=STD):
        self.mean, self.std = np.array(mean), np.array(std)

    def __call__(self, picture):
        return (np.asarray(picture) / 255 - self.mean) / self.std


class InModule(nn.Module):
    """Statistics in buffers, in the units of what it is given."""

    def __init__(self, mean=MEAN, std=STD, prefix="pixel_"):
        super().__init__()
        self.names = f"{prefix}mean", f"{prefix}std"
        for name, values in zip(self.names, (mean, std), strict=True):
            self.register_buffer(name, torch.tensor(values).view(-1, 1, 1))

    def forward(self, picture):
        mean, std = (getattr(self, name) for name in self.names)
        return (picture - mean) / std


class WithTarget:
    """As the reference scripts of torchvision have it."""

    def __init__(self, mean=MEAN, std=STD):
        self.mean, self.std = mean, std

    def __call__(self, image, target):
        return F.normalize(image, self.mean, self.std), target


class OnSamples:
    mean, std = MEAN, STD

    def __call__(self, sample):
        return sample | {"img": F.normalize(F.to_tensor(sample["img"]), self.mean, self.std)}


class Padding(InModule):
    def preprocess(self, picture):
        return F.pad(super().forward(picture), [0, 0, 9, 7])

    def forward(self, listed, multimask):
        raise NotImplementedError


class Processor:
    image_mean, image_std = MEAN, STD

    def preprocess(self, images):
        return {"pixel_values": F.normalize(F.to_tensor(images), self.image_mean, self.image_std)}


def agrees(pipeline, expected):
    found = find_normalize(pipeline)
    assert found.mean == pytest.approx(expected.mean, rel=1e-6)
    assert found.std == pytest.approx(expected.std, rel=1e-6)
    assert found.pixel_max == expected.pixel_max


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        (OnArrays(), IMAGENET),
        (InModule(), IMAGENET),
        (InModule(prefix=""), IMAGENET),
        (InModule(*IN_BYTES), BYTES),
        (WithTarget(), IMAGENET),
        (WithTarget(*IN_BYTES), BYTES),
        (OnSamples(), IMAGENET),
        (Padding(*IN_BYTES), BYTES),
        (Processor(), IMAGENET),
        (Processor().preprocess, IMAGENET),
        (WithTarget(0.5, 0.25), Normalization(0.5, 0.25)),
        (InModule([0.1] * 5, [0.2] * 5), Normalization([0.1] * 5, [0.2] * 5)),
    ],
    ids=lambda value: getattr(type(value), "__name__", ""),
)
def test_found_where_it_is_used(pipeline, expected):
    agrees(pipeline, expected)


SMALLER = functools.partial(F.resize, size=[32, 32])


class AmongSteps:
    """Resizes too, so that no pixel is what it was."""

    def __init__(self, mean=MEAN, std=STD, used=None, first=SMALLER):
        self.mean, self.std = mean, std
        self.used, self.first = used or (mean, std), first

    def __call__(self, picture):
        return F.normalize(F.to_tensor(self.first(picture)), *self.used)


class OfBytesAmongSteps(AmongSteps):
    def __call__(self, picture):
        return (np.asarray(self.first(picture), dtype=np.float32) - self.mean) / self.std


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        (AmongSteps(), IMAGENET),
        (AmongSteps(first=functools.partial(F.center_crop, output_size=[12, 12])), IMAGENET),
        (AmongSteps(first=v1.RandomResizedCrop(64)), IMAGENET),
        (AmongSteps([0.5], [0.25]), Normalization(0.5, 0.25)),
        (OfBytesAmongSteps(*IN_BYTES), BYTES),
    ],
)
def test_found_among_steps_that_move_pixels(pipeline, expected):
    class Pictures(torch.utils.data.Dataset):
        def __init__(self, transform):
            self.transform = transform

        def __len__(self):
            return 4

        def __getitem__(self, index):
            levels = np.random.default_rng(index).integers(0, 256, (48, 48, 3), dtype=np.uint8)
            return torch.as_tensor(self.transform(F.to_pil_image(levels)))

    found = find_normalize(pipeline)
    assert (found, found.source) == (expected, f"test_stored.{type(pipeline).__name__}")
    data = Pictures(pipeline)
    assert find_normalize(data).source == f"Pictures.transform: test_stored.{type(pipeline).__name__}"
    if not isinstance(pipeline, OfBytesAmongSteps):  # whose channels are last
        assert grid(data).pixels.shape[2] == 3
        assert check(data, select=["finds_normalize", "declared_matches_measured", "round_trip"]).ok


def test_other_numbers_among_steps_are_told():
    with pytest.raises(NormalizeNotFoundError, match=r"Measured instead: mean \(0\.5, 0\.5, 0\.5\), std"):
        find_normalize(AmongSteps(used=((0.5,) * 3, (0.5,) * 3)))


def test_what_it_does_otherwise_is_told():
    class Turned(OnArrays):
        def __call__(self, picture):
            return super().__call__(picture)[..., ::-1]

    with pytest.raises(NormalizeNotFoundError) as caught:
        find_normalize(v1.Compose([Turned()]))
    message = str(caught.value)
    assert (
        "Turned has mean (0.485, 0.456, 0.406) and std (0.229, 0.224, 0.225), and was not seen to use them: "
        "(x - mean) / std is not what it makes of an image. Measured instead: channel order: the output's channels "
        "are made of the input's (2, 1, 0) (RGB becomes BGR), with mean (0.406, 0.456, 0.485) and std "
        "(0.225, 0.224, 0.229). If it normalizes all the same, "
    ) in message


def test_statistics_of_what_takes_no_picture_are_told():
    class Pictures:
        def __init__(self):
            self.mean, self.std = np.array(MEAN), np.array(STD)

        def __getitem__(self, index):
            return (torch.rand(3, 4, 5).numpy() - self.mean[:, None, None]) / self.std[:, None, None]

    with pytest.raises(NormalizeNotFoundError) as caught:
        find_normalize(Pictures())
    assert (
        "Pictures has mean (0.485, 0.456, 0.406) and std (0.229, 0.224, 0.225), and takes no image to show what it "
        "does with them. If it normalizes all the same, give its statistics as Normalization(mean, std), "
    ) in str(caught.value)


@pytest.mark.parametrize("mean", ["half", object(), [[1.0, 2], [3, 4]], lambda: 0.5, None, True, range(1000)])
def test_other_things_of_that_name_are_passed_over(mean):
    class Other:
        def __init__(self):
            self.mean, self.std = mean, mean

        def __call__(self, picture):
            raise AssertionError("not to be called")

    with pytest.raises(NormalizeNotFoundError) as caught:
        find_normalize(Other())
    assert " has " not in str(caught.value)


class OnAnyArrays(OnArrays):
    """Whatever the range of what it is given."""

    def __call__(self, picture):
        return (np.asarray(picture) - self.mean) / self.std


@pytest.mark.parametrize(
    ("mean", "std", "white"),
    [
        (MEAN, STD, 1.0),
        ((1.0, 1.0, 0.5), (0.9, 0.5, 0.5), 1.0),
        (*IN_BYTES, 255.0),
        ((0.0, 0.0, 0.0), (0.5, 0.5, 0.5), 1.0),
        ((0.5, 0.5, 0.5), (0.5, 0.5, 1.0), 1.0),
    ],
)
def test_what_takes_pictures_of_any_range_is_for_those_that_its_statistics_fit(mean, std, white):
    assert find_normalize(OnAnyArrays(mean, std)).pixel_max == white


class Prefetch:
    """Normalizes batches, as those do that work on a second stream."""

    def __init__(self, loader, mean, std, used=True):
        self.loader, self.used = loader, used
        self.mean, self.std = mean, std

    def __iter__(self):
        for batch in self.loader:
            yield (batch - self.mean) / self.std if self.used else batch


def of_shape(values, white=1.0):
    return torch.tensor(values).view(3, 1, 1) * white


class Normalized(torch.utils.data.Dataset):
    def __init__(self):
        self.transform = v1.Compose([v1.ToTensor(), v1.Normalize(MEAN, STD)])

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return self.transform(np.random.default_rng(index).integers(0, 256, (16, 16, 3), dtype=np.uint8))


def test_a_loader_that_may_normalize_once_more_is_told():
    loader = torch.utils.data.DataLoader(Normalized(), batch_size=2)
    twice = Prefetch(loader, of_shape(MEAN, 255.0), of_shape(STD, 255.0))
    with pytest.warns(SecondNormalizeWarning) as caught:
        assert find_normalize(twice) == IMAGENET
    said = (
        "Prefetch.loader.dataset.transform.transforms[1]: torchvision.transforms.Normalize is applied, and "
        "test_stored.Prefetch has mean (123.675, 116.28, 103.53) and std (58.395, 57.12, 57.375), which are other "
        "numbers: if batches are normalized with them, images are normalized twice. Normalize in one place."
    )
    assert str(caught[0].message) == said
    (result,) = check(twice, select=["single_normalize"]).results
    assert (result.status, result.message) == ("not applicable", said)


@pytest.mark.parametrize(
    "noted",
    [
        (of_shape(MEAN), of_shape(STD)),
        (list(MEAN), list(STD)),
        ([0.5] * 3, [0.5] * 3),
        (torch.tensor([0.5] * 3), torch.tensor([0.5] * 3)),
    ],
)
def test_statistics_that_are_a_note_are_no_second_normalize(noted):
    loader = torch.utils.data.DataLoader(Normalized(), batch_size=2)
    notes = Prefetch(loader, *noted, used=False)
    assert find_normalize(notes) == IMAGENET
    assert check(notes, select=["single_normalize"]).ok
