"""Finding the Normalize of torchvision's transforms, presets and data sets, with the real library."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
import torchvision
from photographs import write_cifar10
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Subset
from torchvision import datasets
from torchvision.transforms import v2

from pytest_denorm import Normalization, find_normalize, inverse_of, sweep
from pytest_denorm.errors import (
    AmbiguousNormalizeError,
    ConditionalNormalizeError,
    ConditionalNormalizeWarning,
    NormalizeNotFoundError,
    StatisticsError,
)
from pytest_denorm.pipelines import locate

v1 = torchvision.transforms
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Normalization(MEAN, STD)
both = pytest.mark.parametrize("tv", [v1, v2], ids=["v1", "v2"])


def tensors(tv):
    return v1.ToTensor() if tv is v1 else v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])


class TestAlone:
    @both
    @pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor])
    def test_statistics_in_any_form(self, tv, kind):
        found = find_normalize(tv.Normalize(kind(MEAN), kind(STD)))
        assert found.mean == pytest.approx(MEAN, abs=1e-7)
        assert found.std == pytest.approx(STD, abs=1e-7)
        assert found.source == f"{'torchvision.transforms' if tv is v1 else 'torchvision.transforms.v2'}.Normalize"

    @pytest.mark.filterwarnings("ignore:.*torch.jit.script.* is deprecated")
    def test_scripted(self):
        found = find_normalize(torch.jit.script(nn.Sequential(v1.CenterCrop(4), v1.Normalize(MEAN, STD))))
        assert found == IMAGENET
        assert found.source == "RecursiveScriptModule[1]: scripted Normalize"

    @pytest.mark.parametrize("function", [v1.functional.normalize, v2.functional.normalize])
    def test_partial_of_the_function(self, function):
        found = find_normalize(functools.partial(function, mean=MEAN, std=STD))
        assert found == IMAGENET
        assert found.source == f"functools.partial of {function.__module__}.normalize"


class TestNested:
    @both
    @pytest.mark.parametrize(
        ("wrap", "way"),
        [
            (lambda tv, op: tv.Compose([tv.Compose([op])]), "Compose.transforms[0].transforms[0]"),
            (lambda tv, op: nn.Sequential(nn.Identity(), op), "Sequential[1]"),
            (lambda tv, op: tv.RandomApply([op], p=1.0), "RandomApply.transforms[0]"),
            (lambda tv, op: tv.RandomApply(nn.ModuleList([op]), p=1.0), "RandomApply.transforms[0]"),
            (lambda tv, op: tv.RandomOrder([tv.RandomHorizontalFlip(), op]), "RandomOrder.transforms[1]"),
            (lambda tv, op: tv.Compose([tv.Lambda(op)]), "Compose.transforms[0].lambd"),
            (lambda tv, op: tv.Lambda(op.forward), "Lambda.lambd.__self__"),
        ],
        ids=["compose", "sequential", "random-apply", "random-apply-module-list", "random-order", "lambda", "method"],
    )
    def test_containers(self, tv, wrap, way):
        located = locate(wrap(tv, tv.Normalize(MEAN, STD)))
        assert located.normalization == IMAGENET
        assert located.normalization.source.startswith(f"{way}: ")
        assert located.path == way[way.index(next(c for c in way if c in ".[")) :]
        assert type(located.op) is tv.Normalize

    @both
    def test_applied_at_random(self, tv):
        pipeline = tv.Compose([tensors(tv), tv.RandomApply([tv.RandomApply([tv.Normalize(MEAN, STD)], p=0.5)], p=0.5)])
        with pytest.warns(ConditionalNormalizeWarning) as caught:
            located = locate(pipeline)
        assert located.normalization == IMAGENET
        assert located.probability == 0.25
        assert str(caught[0].message) == (
            f"Compose.transforms[1].transforms[0].transforms[0]: {located.name} is applied with probability 0.25: "
            "images that skipped it come out wrong when it is undone. Move Normalize out of the random part."
        )

    @pytest.mark.parametrize("depth", [30, 500])
    def test_depth(self, depth):
        pipeline = v1.Normalize(MEAN, STD)
        for _ in range(depth):
            pipeline = v1.Compose([pipeline])
        located = locate(pipeline)
        assert located.normalization == IMAGENET
        assert located.path == ".transforms[0]" * depth
        assert located.normalization.source == (
            f"Compose.transforms[0].transforms[0].transforms[0] ...({depth - 7} more)... "
            ".transforms[0].transforms[0].transforms[0].transforms[0]: torchvision.transforms.Normalize"
        )


class TestErrors:
    @both
    def test_none(self, tv):
        package = "torchvision.transforms" + (".v2" if tv is v2 else "")
        with pytest.raises(NormalizeNotFoundError) as caught:
            find_normalize(tv.Compose([tv.Resize(8), tv.RandomHorizontalFlip()]))
        assert str(caught.value) == (
            f"no Normalize in Compose; looked at {package}.Compose, {package}.Resize, {package}.RandomHorizontalFlip. "
            "If it normalizes all the same, give its statistics as Normalization(mean, std), or measure them with "
            "probe(pipeline).normalization(), or teach find_normalize with register_adapter."
        )

    @both
    def test_two_on_one_path(self, tv):
        name = "torchvision.transforms" + (".v2" if tv is v2 else "") + ".Normalize"
        pipeline = tv.Compose([tv.Normalize((0.5,), (0.5,)), nn.Sequential(tv.Normalize((0.1,), (0.2,)))])
        with pytest.raises(AmbiguousNormalizeError) as caught:
            find_normalize(pipeline)
        assert str(caught.value) == (
            "2 Normalize on one path, each applied to the result of the one before:\n"
            f"  Compose.transforms[0]: {name} with mean (0.5,), std (0.5,), images in 0..1\n"
            f"  Compose.transforms[1][0]: {name} with mean (0.1,), std (0.2,), images in 0..1\n"
            "Together they do what mean (0.55,), std (0.1,) does. If that is meant, pass Normalization with these "
            "numbers; else take one of them out."
        )
        images = torch.rand(2, 3, 5, 7)
        torch.testing.assert_close(Normalization(0.55, 0.1).normalize(images), pipeline(images))

    @both
    def test_one_branch_of_a_choice(self, tv):
        name = "torchvision.transforms" + (".v2" if tv is v2 else "") + ".Normalize"
        choice = tv.RandomChoice([tv.Normalize(MEAN, STD), tv.RandomHorizontalFlip()])
        with pytest.raises(ConditionalNormalizeError) as caught:
            find_normalize(tv.Compose([tensors(tv), choice]))
        assert str(caught.value) == (
            "Compose.transforms[1]: each image takes one of 2 ways, and they are not normalized alike:\n"
            f"  .transforms[0]: {name} with mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225), "
            "images in 0..1\n"
            "  .transforms[1]: no Normalize\n"
            "No one inverse is right for all of them. Move Normalize out of the choice, or give it to each alike."
        )

    @both
    def test_choice_of_two_that_differ(self, tv):
        with pytest.raises(ConditionalNormalizeError, match="one of 2 ways"):
            find_normalize(tv.RandomChoice([tv.Normalize(MEAN, STD), tv.Normalize((0.5,) * 3, (0.5,) * 3)]))

    @both
    def test_zero_std(self, tv):
        with pytest.raises(StatisticsError) as caught:
            find_normalize(tv.Compose([tensors(tv), tv.Normalize(MEAN, (0.229, 0.0, 0.225))]))
        name = "torchvision.transforms" + (".v2" if tv is v2 else "") + ".Normalize"
        assert str(caught.value) == (
            f"Compose.transforms[1]: {name}: std[1] is 0: Normalize would divide by zero, and no inverse exists. "
            "Expected a finite number other than 0; use 1.0 to leave the scale of a channel as it is."
        )

    def test_a_function(self):
        def transform(picture):
            return (picture - 0.5) / 0.5

        with pytest.raises(NormalizeNotFoundError) as caught:
            find_normalize(transform)
        assert str(caught.value) == (
            "no Normalize in transform; what the code of a function does is not "
            f"declared ({__name__}.TestErrors.test_a_function.<locals>.transform). If it normalizes all the same, give "
            "its statistics as Normalization(mean, std), or measure them with probe(pipeline).normalization()."
        )


def weights_with(preset: str):
    for name in torchvision.models.list_models():
        for weights in torchvision.models.get_model_weights(name):
            transform = weights.transforms()
            if type(transform).__name__ == preset:
                return transform
    raise LookupError(preset)


class TestPresets:
    @pytest.mark.parametrize("preset", ["ImageClassification", "SemanticSegmentation"])
    def test_declared_and_run_alone(self, preset):
        transform = weights_with(preset)
        located = locate(transform)
        assert located.normalization == IMAGENET
        assert located.normalization.source == f"torchvision.transforms._presets.{preset}"
        images = torch.rand(2, 3, 37, 53)
        torch.testing.assert_close(located.apply(images), IMAGENET.normalize(images))

    def test_video_has_its_channels_elsewhere(self):
        transform = weights_with("VideoClassification")
        located = locate(transform)
        assert located.normalization.channel_axis == -4
        clip = torch.randint(0, 256, (5, 3, 200, 300), dtype=torch.uint8)
        normalized = transform(clip)
        assert normalized.shape[0] == 3
        restored = inverse_of(transform)(normalized)
        assert restored.min() > -1e-6
        assert restored.max() < 1 + 1e-6
        images = torch.rand(2, 3, 37, 53)
        torch.testing.assert_close(
            located.apply(images), located.normalization.normalize(images.transpose(0, 1)).transpose(0, 1)
        )


@pytest.fixture(scope="module")
def cifar(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cifar")
    kind = write_cifar10(folder, train=10, test=5)
    return lambda **kwargs: kind(folder, **kwargs)


NORMALIZED = v1.Compose([v1.ToTensor(), v1.Normalize(MEAN, STD)])


class TestModels:
    """What is within models, or comes with their weights."""

    def test_detection(self):
        from torchvision.models.detection import FCOS
        from torchvision.models.detection.transform import GeneralizedRCNNTransform

        transform = GeneralizedRCNNTransform(32, 64, list(MEAN), list(STD))
        located = locate(transform)
        assert located.normalization == IMAGENET
        images = torch.rand(2, 3, 5, 6)
        torch.testing.assert_close(located.apply(images), IMAGENET.normalize(images))

        class Backbone(nn.Module):
            out_channels = 32

            def forward(self, images):
                return images

        model = FCOS(Backbone(), 2, image_mean=list(MEAN), image_std=list(STD))
        assert locate(model).path == ".transform"
        assert find_normalize(model) == IMAGENET

    def test_weights_for_their_transforms(self):
        weights = torchvision.models.ResNet18_Weights.DEFAULT
        found = find_normalize(weights)
        assert found == IMAGENET
        assert found.source == "ResNet18_Weights.transforms(): torchvision.transforms._presets.ImageClassification"
        with pytest.raises(NormalizeNotFoundError, match="a class, which is no transform yet: call it to make one"):
            find_normalize(weights.transforms)

    def test_compiled(self):
        model = nn.Sequential(nn.Identity(), v2.Normalize(MEAN, STD))
        assert locate(torch.compile(model, backend="eager")).path == "._orig_mod[1]"


class TestDataSets:
    def test_transforms_of_picture_and_target(self, cifar, tmp_path):
        class Segmentation(datasets.VisionDataset):
            pass

        joint = v2.Compose([v2.ToImage(), v2.Normalize(MEAN, STD)])
        found = find_normalize(Segmentation(tmp_path, transforms=joint))
        assert found.source == "Segmentation.transforms.transforms[1]: torchvision.transforms.v2.Normalize"

    def test_what_a_subclass_keeps_beside_them(self):
        class Own(datasets.FakeData):
            def __init__(self, transform, own):
                super().__init__(4, (3, 32, 32), transform=transform)
                self.own = own

            def __getitem__(self, index):
                picture, label = super().__getitem__(index)
                return self.own(picture), label

        after = Own(v1.ToTensor(), v1.Normalize(MEAN, STD))
        assert find_normalize(after).source == "Own.own: torchvision.transforms.Normalize"
        assert sweep(after).wrong_levels == 0
        assert find_normalize(Own(NORMALIZED, v1.RandomHorizontalFlip())).source.startswith("Own.transform.")
        with pytest.raises(AmbiguousNormalizeError, match=r"(?s)\.transform: .*\(0\.485, .*\.own: .*\(0\.5, "):
            find_normalize(Own(NORMALIZED, v1.Normalize((0.5,) * 3, (0.5,) * 3)))

    def test_wrapped_for_v2(self, cifar):
        data = datasets.wrap_dataset_for_transforms_v2(cifar(transform=NORMALIZED))
        found = find_normalize(data)
        assert found.source.startswith("WrappedSmallCIFAR10.transform.transforms[1]: ")

    def test_subset_and_loader(self, cifar):
        loader = DataLoader(Subset(cifar(transform=NORMALIZED), [0, 2]), batch_size=2)
        located = locate(loader)
        assert located.path == ".dataset.dataset.transform.transforms[1]"
        assert located.normalization.source == f"DataLoader{located.path}: torchvision.transforms.Normalize"
        batch, _ = next(iter(loader))
        levels = located.normalization.to_uint8(batch)
        expected = np.stack([cifar().data[index] for index in (0, 2)])
        assert (levels.movedim(1, -1).numpy() == expected).all()

    def test_collate_function_that_is_an_object(self, cifar):
        class Collate:
            def __init__(self):
                self.transform = v2.Normalize(MEAN, STD)

            def __call__(self, samples):
                return self.transform(torch.stack([picture for picture, _ in samples]))

        loader = DataLoader(cifar(transform=v1.ToTensor()), collate_fn=Collate())
        assert find_normalize(loader).source == "DataLoader.collate_fn.transform: torchvision.transforms.v2.Normalize"

    def test_collate_function_that_is_none_of_torch_is_told(self, cifar):
        def normalizing(samples):
            return v2.Normalize(MEAN, STD)(torch.stack([picture for picture, _ in samples]))

        plain = DataLoader(cifar(transform=v1.ToTensor()))
        with pytest.raises(NormalizeNotFoundError) as caught:
            find_normalize(plain)
        assert "code of a function" not in str(caught.value)
        with pytest.raises(NormalizeNotFoundError, match=r"a function does is not declared \([^)]*normalizing\)"):
            find_normalize(DataLoader(plain.dataset, collate_fn=normalizing))

    def test_concatenated(self, cifar):
        same, other = cifar(transform=NORMALIZED), cifar(train=False, transform=v1.Normalize((0.5,) * 3, (0.5,) * 3))
        assert find_normalize(ConcatDataset([same, cifar(transform=NORMALIZED)])) == IMAGENET
        with pytest.raises(ConditionalNormalizeError) as caught:
            find_normalize(ConcatDataset([same, other]))
        assert str(caught.value).startswith("ConcatDataset: each image takes one of 2 ways")
        assert "\n  .datasets[1]: torchvision.transforms.Normalize with mean (0.5, 0.5, 0.5)" in str(caught.value)
        with pytest.raises(ConditionalNormalizeError, match=r"\.datasets\[1\]: no Normalize"):
            find_normalize(ConcatDataset([same, cifar()]))

    def test_data_set_around_a_data_set(self, cifar):
        class Around(torch.utils.data.Dataset):
            def __init__(self, transform, inner):
                self.transform, self.inner = transform, inner

            def __getitem__(self, index):
                return self.transform(self.inner[index][0])

        found = find_normalize(Around(v1.RandomErasing(), cifar(transform=NORMALIZED)))
        assert found.source.startswith("Around.inner.transform.")
        with pytest.raises(AmbiguousNormalizeError) as caught:
            find_normalize(Around(v1.Normalize(0.1, 0.2), cifar(transform=NORMALIZED)))
        first, second = str(caught.value).splitlines()[1:3]
        assert first.startswith("  Around.inner.")
        assert second.startswith("  Around.transform: ")
