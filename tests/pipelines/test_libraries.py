"""The adapters of other libraries, each against the real package; skipped where it is not installed."""

from __future__ import annotations

import contextlib
import functools
import types

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torchvision import transforms as v1
from torchvision.datasets import FakeData

from pytest_denorm import Normalization, check, find_normalize, probe
from pytest_denorm.errors import (
    AdapterError,
    ConditionalNormalizeError,
    ConditionalNormalizeWarning,
    NormalizeNotFoundError,
    NotInvertibleError,
    PipelineError,
)
from pytest_denorm.pipelines import locate

# the libraries warn of their own dependencies
pytestmark = pytest.mark.filterwarnings("ignore")

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Normalization(MEAN, STD)
BYTES = Normalization([255 * mean for mean in MEAN], [255 * std for std in STD], 255.0)
HALF = Normalization(0.5, 0.5)
LOADED = v1.Compose([v1.ToTensor(), v1.Normalize(MEAN, STD)])


def agrees(pipeline, expected, *, within=1e-5):
    """Declared, run alone, and measured: all three say the same."""
    located = locate(pipeline)
    declared = located.normalization
    assert declared.mean == pytest.approx(expected.mean, rel=1e-6)
    assert declared.std == pytest.approx(expected.std, rel=1e-6)
    assert declared.pixel_max == expected.pixel_max
    if located.apply is not None:
        images = torch.rand(2, 3, 11, 13, generator=torch.Generator().manual_seed(0)) * declared.pixel_max
        normalized = located.apply(images.clone()).float()
        torch.testing.assert_close(normalized, expected.normalize(images), atol=1e-5, rtol=1e-5)
    found = probe(pipeline, draws=5)
    assert not [problem for problem in found.problems if not problem.startswith("gated")]
    assert found.difference(declared) < within
    return located


def refused(pipeline, reason):
    with pytest.raises(NotInvertibleError) as caught:
        find_normalize(pipeline)
    assert reason in str(caught.value)
    with contextlib.suppress(NotInvertibleError):  # the measurement may see it at once
        assert probe(pipeline, draws=3).problems


class TestTimm:
    @pytest.fixture(autouse=True)
    def library(self):
        self.data = pytest.importorskip("timm.data")

    def test_separate_stages(self):
        found = agrees(self.data.create_transform(224, is_training=True, separate=True, color_jitter=None), IMAGENET)
        assert found.path == "[2].transforms[1]"

    def test_prefetching_loader_normalizes_bytes(self):
        loader_module = pytest.importorskip("timm.data.loader")
        data = FakeData(4, (3, 40, 40), transform=self.data.create_transform(32, use_prefetcher=True))
        with pytest.raises(NormalizeNotFoundError):
            find_normalize(data)
        loader = loader_module.PrefetchLoader(
            torch.utils.data.DataLoader(data, batch_size=2, collate_fn=self.data.loader.fast_collate),
            device=torch.device("cpu"),
        )
        found = find_normalize(loader)
        assert found.pixel_max == 255.0
        assert found.mean == pytest.approx(BYTES.mean)
        assert found.source == "PrefetchLoader.mean and .std: timm.data.loader.PrefetchLoader"
        (batch, _), (raw, _) = next(iter(loader)), next(iter(loader.loader))
        assert torch.equal(found.to_uint8(batch), raw)
        with pytest.raises(PipelineError, match="cannot be called with an image"):
            probe(loader)


class TestAlbumentations:
    @pytest.fixture(autouse=True)
    def library(self):
        self.a = pytest.importorskip("albumentations")

    def test_floats_with_the_white_of_bytes(self):
        pipeline = self.a.Compose([self.a.ToFloat(), self.a.Normalize()])
        assert probe(pipeline, draws=3).difference(find_normalize(pipeline)) > 1

    def test_chance(self):
        with pytest.warns(ConditionalNormalizeWarning, match="with probability 0.25"):
            find_normalize(self.a.Compose([self.a.Normalize(p=0.5)], p=0.5))
        same = self.a.OneOf([self.a.Normalize(), self.a.Sequential([self.a.Normalize()], p=1)], p=1)
        assert find_normalize(same).mean == pytest.approx(BYTES.mean)
        with pytest.raises(ConditionalNormalizeError, match="one of 2 ways"):
            find_normalize(self.a.Compose([self.a.OneOf([self.a.Normalize(), self.a.HorizontalFlip()])]))

    def test_some_of(self):
        ops = [self.a.Normalize(), self.a.HorizontalFlip()]
        assert find_normalize(self.a.SomeOf(ops, n=2, replace=False, p=1)).mean == pytest.approx(BYTES.mean)
        with pytest.raises(ConditionalNormalizeError):
            find_normalize(self.a.SomeOf(ops, n=1, p=1))


class TestKornia:
    @pytest.fixture(autouse=True)
    def library(self):
        self.augmentation = pytest.importorskip("kornia.augmentation")
        self.enhance = pytest.importorskip("kornia.enhance")

    def test_chance(self):
        with pytest.warns(ConditionalNormalizeWarning, match="with probability 0.5"):
            find_normalize(self.augmentation.Normalize(MEAN, STD, p=0.5))
        k = self.augmentation
        with pytest.raises(ConditionalNormalizeError):
            find_normalize(k.ImageSequential(k.RandomHorizontalFlip(), k.Normalize(MEAN, STD), random_apply=1))


class TestTransformers:
    @pytest.fixture(autouse=True)
    def library(self):
        self.t = pytest.importorskip("transformers")

    def test_rescale_factor_sets_the_white(self):
        agrees(self.t.ViTImageProcessor(rescale_factor=1 / 127.5), Normalization((0.5,) * 3, (0.5,) * 3, 2.0))
        agrees(self.t.ViTImageProcessor(do_rescale=False), Normalization((0.5,) * 3, (0.5,) * 3))

    def test_offset_is_part_of_the_mean(self):
        agrees(self.t.VivitImageProcessor(), Normalization((1.5,) * 3, (0.5,) * 3, 2.0))

    def test_color_quantization(self):
        clusters = [[-1.0, -1, -1], [1.0, 1, 1]]
        with pytest.raises(NotInvertibleError, match="every pixel becomes the number of the color nearest to it"):
            find_normalize(self.t.ImageGPTImageProcessor(clusters=clusters))

    def test_statistics_of_each_picture(self):
        refused(self.t.Pix2StructImageProcessor(), "it takes mean and std of each image")

    def test_processor_that_holds_one(self):
        class Processor(self.t.ProcessorMixin):
            def __init__(self, image_processor):
                self.image_processor = image_processor

        assert locate(Processor(self.t.ViTImageProcessor())).path == ".image_processor"


class TestMonai:
    @pytest.fixture(autouse=True)
    def library(self):
        self.m = pytest.importorskip("monai.transforms")

    def test_range(self):
        agrees(self.m.ScaleIntensityRange(0, 255, -1, 1), Normalization(127.5, 127.5, 255.0))
        agrees(self.m.ScaleIntensityRange(0, 255, 0, 1, clip=True), Normalization(0, 255, 255.0))
        agrees(self.m.ScaleIntensityRanged(["image"], 0, 255), Normalization(0, 255, 255.0))
        refused(
            self.m.ScaleIntensityRange(10, 200, 0, 1, clip=True), "with clip=True, values outside 10..200 become one"
        )

    def test_rescaling_before_normalize_is_no_second_one(self):
        scale = self.m.ScaleIntensityRanged(["image"], 0, 255, 0, 1)
        normalize = self.m.NormalizeIntensityd(["image"], list(MEAN), list(STD), channel_wise=True)
        agrees(self.m.Compose([scale, normalize]), IMAGENET)
        (result,) = check(self.m.Compose([normalize, scale]), select=["declared_matches_measured"]).failures
        assert result.message.startswith("images are 255 times too large: they are not divided by 255")

    def test_statistics_of_each_picture(self):
        refused(self.m.NormalizeIntensity(channel_wise=True), "no subtrahend and no divisor is given")
        refused(self.m.NormalizeIntensity(subtrahend=0.5), "no divisor is given")
        refused(self.m.NormalizeIntensity(0.5, 0.5, nonzero=True), "zeros stay what they are")
        refused(self.m.ScaleIntensity(), "from its own smallest to its own largest")

    def test_choice(self):
        with pytest.raises(ConditionalNormalizeError):
            find_normalize(self.m.OneOf([self.m.NormalizeIntensity(0.5, 0.5), self.m.RandFlip()]))


class TestTorchIO:
    @pytest.fixture(autouse=True)
    def library(self):
        self.tio = pytest.importorskip("torchio")

    def test_rescale_between_given_numbers(self):
        agrees(self.tio.RescaleIntensity((-1, 1), in_min_max=(0, 1)), HALF)
        agrees(self.tio.RescaleIntensity((-1, 1), in_min_max=(0, 255)), Normalization(127.5, 127.5, 255.0))
        pipeline = self.tio.Compose([self.tio.RandomFlip(), self.tio.RescaleIntensity((0, 2), in_min_max=(0, 1))])
        agrees(pipeline, Normalization(0, 0.5))

    def test_statistics_of_each_volume(self):
        refused(self.tio.ZNormalization(), "it takes mean and std of each volume")
        refused(self.tio.RescaleIntensity((-1, 1)), "in_min_max is not given")
        with pytest.raises(NotInvertibleError, match="it clips each volume at percentiles"):
            find_normalize(self.tio.RescaleIntensity((-1, 1), percentiles=(1, 99), in_min_max=(0, 1)))

    def test_choice(self):
        rescale = self.tio.RescaleIntensity((-1, 1), in_min_max=(0, 1))
        with pytest.raises(ConditionalNormalizeError):
            find_normalize(self.tio.OneOf({rescale: 0.5, self.tio.RandomFlip(): 0.5}))
        with pytest.warns(ConditionalNormalizeWarning, match="with probability 0.5"):
            find_normalize(self.tio.RescaleIntensity((-1, 1), in_min_max=(0, 1), p=0.5))


class TestSegmentationModels:
    @pytest.fixture(autouse=True)
    def library(self):
        self.preprocess = pytest.importorskip("segmentation_models_pytorch.encoders").preprocess_input

    def test_unit_range(self):
        partial = functools.partial(self.preprocess, mean=MEAN, std=STD, input_space="RGB", input_range=[0, 1])
        assert agrees(partial, IMAGENET).name == "segmentation_models_pytorch.encoders.preprocess_input"
        assert probe(partial, draws=3).gated  # bytes are divided by 255 only if one is above 1

    def test_bytes_in_another_order(self):
        partial = functools.partial(
            self.preprocess, mean=[104.0, 117, 123], std=[1.0, 1, 1], input_space="BGR", input_range=[0, 255]
        )
        assert find_normalize(partial) == Normalization((104, 117, 123), (1, 1, 1), 255.0)
        assert probe(partial, draws=3).order == (2, 1, 0)

    def test_nothing_given(self):
        with pytest.raises(NormalizeNotFoundError):
            find_normalize(functools.partial(self.preprocess, input_space="RGB"))


class TestFastai:
    @pytest.fixture(autouse=True)
    def library(self):
        self.vision = pytest.importorskip("fastai.vision.all")

    def test_normalize(self):
        located = locate(self.vision.Normalize.from_stats(MEAN, STD, cuda=False))
        assert located.name == "fastai.data.transforms.Normalize"
        assert located.normalization.mean == pytest.approx(MEAN)
        images = torch.rand(2, 3, 4, 5)
        torch.testing.assert_close(located.apply(images), IMAGENET.normalize(images))

    def test_loaders(self, tmp_path):
        for name in ("a", "b", "c", "d"):
            Image.fromarray(np.full((9, 8, 3), ord(name), np.uint8)).save(tmp_path / f"{name}.png")
        steps = [self.vision.Normalize.from_stats(MEAN, STD, cuda=False)]
        loaders = self.vision.ImageDataLoaders.from_lists(
            tmp_path,
            sorted(tmp_path.glob("*.png")),
            ["x"] * 4,
            valid_pct=0.5,
            bs=2,
            batch_tfms=steps,
            num_workers=0,
            device="cpu",
        )
        found = find_normalize(loaders)
        assert found.mean == pytest.approx(MEAN)
        assert found.source.startswith("DataLoaders.loaders[0].after_batch.fs.items[")
        batch, _ = loaders.valid.one_batch()
        levels = found.to_uint8(batch.as_subclass(torch.Tensor))
        assert set(levels.unique().tolist()) <= {ord(name) for name in "abcd"}


class TestSegmentAnything:
    def test_statistics_of_the_model(self):
        sam = pytest.importorskip("segment_anything.modeling.sam")
        encoder = torch.nn.Identity()
        encoder.img_size = 320
        assert agrees(sam.Sam(encoder, torch.nn.Identity(), torch.nn.Identity()).preprocess, BYTES).path == ""


class TestLightly:
    def test_views(self):
        transforms = pytest.importorskip("lightly.transforms")
        assert find_normalize(transforms.SimCLRTransform(input_size=32)).mean == pytest.approx(MEAN)


class TestKeras:
    @pytest.mark.parametrize(("mode", "expected"), [("torch", IMAGENET), ("tf", HALF)])
    def test_preprocess_input(self, monkeypatch, mode, expected):
        monkeypatch.setenv("KERAS_BACKEND", "torch")
        utilities = pytest.importorskip("keras.applications.imagenet_utils")
        found = probe(functools.partial(utilities.preprocess_input, mode=mode), draws=3)
        assert found.difference(expected) < 1e-5


class TestLightning:
    @pytest.fixture(autouse=True)
    def library(self):
        self.base = pytest.importorskip("lightning").LightningDataModule

    def test_attribute(self):
        class Module(self.base):
            def __init__(self):
                super().__init__()
                self.transform = LOADED

            def train_dataloader(self):
                raise RuntimeError("must not be called")

        assert agrees(Module(), IMAGENET).path == ".transform.transforms[1]"

    def test_loaders(self):
        class Module(self.base):
            def setup(self, stage):
                self.data = FakeData(3, transform=LOADED)

            def train_dataloader(self):
                return torch.utils.data.DataLoader(self.data)

        module = Module()
        with pytest.raises(AdapterError) as caught:
            find_normalize(module)
        assert "train_dataloader() raised AttributeError" in str(caught.value)
        assert str(caught.value).endswith("Call setup() first, or give a loader.")
        module.setup("fit")
        assert agrees(module, IMAGENET).path == ".data.transform.transforms[1]"


class TestHuggingFaceDatasets:
    @pytest.fixture
    def data(self):
        library = pytest.importorskip("datasets")
        if not hasattr(library, "Dataset"):
            pytest.skip("datasets is not installed, and what was imported is a folder of that name")
        images = [Image.fromarray(np.full((8, 9, 3), level, np.uint8)) for level in (0, 127, 255)]
        return library.Dataset.from_dict({"image": images}, features=library.Features(image=library.Image()))

    def test_transform_object(self, data):
        class Transform:
            def __init__(self):
                self.pipeline = LOADED

            def __call__(self, batch):
                return {"pixel_values": [self.pipeline(picture) for picture in batch["image"]]}

        data = data.with_transform(Transform())
        found = agrees(data, IMAGENET).normalization
        assert found.source.startswith("Dataset.format['format_kwargs']['transform'].pipeline.transforms[1]")
        assert found.to_uint8(data[1]["pixel_values"]).unique().tolist() == [127]

    def test_transform_function(self, data):
        def transform(batch):
            return {"pixel_values": [LOADED(picture) for picture in batch["image"]]}

        with pytest.raises(NormalizeNotFoundError, match="what the code of a function does is not declared"):
            find_normalize(data.with_transform(transform))
        assert probe(data.with_transform(transform), draws=3).difference(IMAGENET) < 1e-5

    def test_none(self, data):
        with pytest.raises(NormalizeNotFoundError):
            find_normalize(data)


class TestFunctions:
    def test_partial_with_statistics(self):
        def normalize(picture, mean, std):
            return (np.asarray(picture) / 255 - mean) / std

        found = agrees(functools.partial(normalize, mean=MEAN, std=STD), IMAGENET)
        assert found.name.startswith("functools.partial of ")

    def test_module_is_not_mistaken_for_one(self):
        with pytest.raises(NormalizeNotFoundError):
            find_normalize(types.ModuleType("torchvision.transforms"))
        with pytest.raises(NormalizeNotFoundError):
            find_normalize(torchvision.transforms.Normalize)
