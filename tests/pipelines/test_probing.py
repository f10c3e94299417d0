"""Measuring what a pipeline does to colors, from the outside."""

from __future__ import annotations

import functools
import random
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision import transforms as v1
from torchvision.transforms import v2

from pytest_denorm import Normalization, find_normalize, probe
from pytest_denorm.core.normalization import preset
from pytest_denorm.errors import NotInvertibleError, PipelineError, StatisticsError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Normalization(MEAN, STD)
NORMALIZE = v1.Normalize(MEAN, STD)
TO_TENSOR = v1.ToTensor()

#: Beyond this many calls no measurement with 10 draws may go.
MOST_CALLS = 200


def measured(*steps, **options):
    """Few draws, so that tests are quick; those that need many ask for them."""
    return probe(v1.Compose([*steps]), **{"draws": 10, **options})


def assert_imagenet(found):
    assert found.problems == ()
    assert found.normalization().mean == pytest.approx(MEAN, abs=1e-6)
    assert found.normalization().std == pytest.approx(STD, abs=1e-6)
    assert found.difference(IMAGENET) < 1e-5
    assert found.calls <= MOST_CALLS


def assert_only(found, flag, problem):
    flags = ("per_image", "gated", "clipped", "nonlinear", "unchanged", "mutates", "rounded")
    assert {name for name in flags if getattr(found, name)} == ({flag} if flag else set())
    assert [text.partition(":")[0] for text in found.problems] == ([problem] if problem else [])
    assert found.calls <= MOST_CALLS


class TestIdentifiability:
    def test_diagonal(self):
        found = measured(TO_TENSOR, NORMALIZE)
        assert_imagenet(found)
        np.testing.assert_allclose(found.matrix, np.diag(1 / np.array(STD)), atol=1e-5)
        np.testing.assert_allclose(found.offset, -np.array(MEAN) / STD, atol=1e-5)
        assert found.residual < found.tolerance
        assert found.condition == pytest.approx(0.229 / 0.224, rel=1e-4)
        assert found.order == (0, 1, 2)
        assert found.normalization().source == f"measured in {found.calls} calls with a PIL image"

    @pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (0, 2, 1)])
    def test_channel_order(self, order):
        found = measured(TO_TENSOR, v1.Lambda(lambda x: x[list(order)]), NORMALIZE)
        assert_only(found, None, "channel order")
        assert found.order == order
        np.testing.assert_allclose(found.matrix, np.diag(1 / np.array(STD))[:, np.argsort(order)], atol=1e-5)
        with pytest.raises(NotInvertibleError, match="channel order: the output's channels are made of the input's"):
            found.normalization()

    def test_any_matrix(self):
        mix = torch.tensor([[0.9, 0.1, 0.2], [-0.3, 1.1, 0.0], [0.2, 0.4, 0.7]])
        found = measured(TO_TENSOR, v1.Lambda(lambda x: torch.einsum("oc,chw->ohw", mix, x) + 0.25))
        assert_only(found, None, "mixed")
        np.testing.assert_allclose(found.matrix, mix, atol=1e-5)
        np.testing.assert_allclose(found.offset, 0.25, atol=1e-5)
        assert found.condition == pytest.approx(np.linalg.cond(mix.double().numpy()), rel=1e-3)

    @pytest.mark.parametrize("channels", [2, 4, 7])
    def test_more_channels_than_colors(self, channels):
        turned = list(range(channels))[::-1]
        mean, std = torch.linspace(0.3, 0.6, channels).tolist(), torch.linspace(0.2, 0.3, channels).tolist()
        found = measured(v1.Lambda(lambda x: x[turned]), v1.Normalize(mean, std), channels=channels)
        assert found.order == tuple(turned)
        assert not any((found.per_image, found.nonlinear, found.clipped, found.gated))
        assert found.straightened.normalization().mean == pytest.approx(mean, abs=1e-6)
        assert found.straightened.normalization().std == pytest.approx(std, rel=1e-6)

    @given(
        st.lists(st.floats(-1, 2), min_size=3, max_size=3),
        st.lists(st.floats(0.02, 4) | st.floats(-4, -0.02), min_size=3, max_size=3),
    )
    @settings(max_examples=5, deadline=None)
    def test_any_statistics(self, mean, std):
        found = measured(TO_TENSOR, v1.Normalize(mean, std), draws=1)
        assert found.problems == ()
        assert found.normalization().mean == pytest.approx(mean, abs=1e-4)
        assert found.normalization().std == pytest.approx(std, rel=1e-4)


class TestPerImage:
    @pytest.mark.parametrize(
        "own",
        [
            lambda x: (x - x.mean()) / x.std(),
            lambda x: (x - x.mean((1, 2), keepdim=True)) / (x.std((1, 2), keepdim=True) + 1e-6),
            lambda x: (x - x.min()) / (x.max() - x.min()).clamp(min=1e-8),
            lambda x: x / x.max().clamp(min=1e-8),
            v1.RandomAutocontrast(p=1),
            lambda x: x - 0.1 * x.mean(),
        ],
        ids=["z-score", "z-score by channel", "min-max", "maximum", "autocontrast", "a little"],
    )
    def test_statistics_of_the_picture(self, own):
        found = measured(TO_TENSOR, v1.Lambda(own), NORMALIZE)
        assert found.per_image
        assert found.problems[0].startswith("per-image")
        assert found.calls <= MOST_CALLS

    def test_failing_on_flat_pictures(self):
        def strict(picture):
            pixels = np.asarray(picture, dtype=np.float32)
            if pixels.std(axis=(0, 1)).min() == 0:
                raise ValueError("std is 0")
            return (pixels - pixels.mean()) / pixels.std()

        assert probe(strict).problems[0].startswith("per-image")

    @pytest.mark.parametrize(
        ("treat", "share"),
        [
            (lambda x, y: torch.cat([y[:, :132], x[:, 132:]], dim=1), 0.5),
            (lambda x, y: torch.where(torch.arange(x.shape[-1]) % 2 == 0, x, y), 0.5),
            (lambda x, y: torch.where(torch.arange(x.shape[-1]) >= 200, 2 * y, y), 0.32),
        ],
        ids=["the top half", "every other column", "the right third"],
    )
    def test_pixels_that_are_treated_by_where_they_lie(self, treat, share):
        def normalize(x):
            x = TO_TENSOR(x)
            return treat(x, NORMALIZE(x))

        found = probe(normalize, draws=5)
        assert found.uneven == pytest.approx(share, abs=0.02)
        assert re.match(r"uneven: \d\d% of the pixels have another slope or offset", found.problems[0])

    @pytest.mark.parametrize("edge", [v1.Resize(100), v1.GaussianBlur(9)])
    def test_edges_of_padding_are_even(self, edge):
        for pad in (v1.Pad(20, fill=90), v1.RandomRotation((20, 20), v1.InterpolationMode.BILINEAR, expand=True)):
            assert_imagenet(measured(pad, edge, TO_TENSOR, NORMALIZE))
            assert_imagenet(measured(TO_TENSOR, NORMALIZE, pad, edge))


class TestNonlinearity:
    def test_gamma(self):
        assert_only(measured(TO_TENSOR, v1.Lambda(lambda x: x**2.2), NORMALIZE), "nonlinear", "not affine")

    @pytest.mark.parametrize("limits", [(-1.0, 1.0), (-1.5, 99.0), (-99.0, 1.2)])
    def test_clipped(self, limits):
        found = measured(TO_TENSOR, NORMALIZE, v1.Lambda(lambda x: x.clamp(*limits)))
        assert_only(found, "clipped", "clipped")
        np.testing.assert_allclose(found.matrix, np.diag(1 / np.array(STD)), atol=1e-4)

    def test_gate(self):
        def gated(picture):
            levels = np.asarray(picture).astype(np.float32)
            return ((levels / 255 if levels.max() > 1 else levels) - MEAN) / STD

        found = probe(gated, draws=5)
        assert_only(found, "gated", "gated")
        np.testing.assert_allclose(found.matrix, np.diag(1 / np.array(STD)), atol=1e-5)

    def test_rounding_to_bytes_on_the_way(self):
        found = measured(v1.Lambda(lambda picture: v1.functional.adjust_brightness(picture, 0.7)), TO_TENSOR, NORMALIZE)
        assert_only(found, "rounded", None)
        assert found.normalization().std == pytest.approx(np.array(STD) / 0.7, rel=0.01)


class TestRandomness:
    def test_seldom_skipped(self):
        found = measured(TO_TENSOR, v1.RandomApply([NORMALIZE], p=0.05), draws=60)
        assert found.outcomes == 2
        assert 0 < found.random < 0.3
        assert found.problems[0].startswith("random: 2 different results for one image")

    def test_geometry_leaves_colors_alone(self):
        found = measured(v1.RandomHorizontalFlip(), TO_TENSOR, NORMALIZE, v1.RandomErasing(p=0.9))
        assert_imagenet(found)
        assert found.random == 0
        assert found.augments
        assert not measured(TO_TENSOR, NORMALIZE).augments

    def test_states_are_restored(self):
        random.seed(1)
        np.random.seed(2)
        torch.manual_seed(3)
        expected = random.random(), np.random.rand(), torch.rand(1)
        random.seed(1)
        np.random.seed(2)
        torch.manual_seed(3)
        noisy = v1.Lambda(lambda x: x + random.random() + np.random.rand() + torch.rand(1))
        measured(TO_TENSOR, v1.RandomErasing(), noisy)
        assert (random.random(), np.random.rand(), torch.rand(1)) == expected

    def test_what_makes_a_transform_is_told_from_one(self):
        def make(size=32):
            return v1.Compose([v1.Resize(size), TO_TENSOR])

        def failing(picture):
            raise RuntimeError("no")

        with pytest.raises(PipelineError, match=r" If .*make makes a transform, give what it makes: .*make\(\)\.$"):
            probe(make)
        with pytest.raises(PipelineError, match=r"or channels= and size=\.$"):
            probe(failing)

        class Pictures(torch.utils.data.Dataset):
            def __init__(self, transform):
                self.transform = transform

        class Anything:
            def __call__(self, **data):
                raise ValueError("boxes are missing")

        with pytest.raises(PipelineError, match=r" If .*\.make makes a transform, give what it makes: .*\.make\(\)\.$"):
            probe(Pictures(make))
        for pipeline in (Anything(), Pictures(Anything())):
            with pytest.raises(PipelineError, match=r"or channels= and size=\.$"):
                probe(pipeline)


class TestGeometry:
    def test_sizes_that_differ_from_call_to_call(self):
        ragged = v1.Lambda(lambda x: x[..., : random.randrange(50, 200), : random.randrange(50, 200)])
        assert_imagenet(measured(TO_TENSOR, ragged, NORMALIZE))


def takes(kind, dtype=None, shape=None):
    def check(picture):
        assert isinstance(picture, kind), type(picture)
        assert dtype is None or picture.dtype == dtype, picture.dtype
        assert shape is None or shape(picture.shape), picture.shape
        return picture

    return check


def channel_first(shape):
    return len(shape) == 3 and shape[0] == 3


def channel_last(shape):
    return len(shape) == 3 and shape[2] == 3


def by_keyword(*, image):
    return {"image": IMAGENET.normalize(np.asarray(image))}


class TestConventions:
    @pytest.mark.parametrize(
        ("kind", "dtype", "shape", "words"),
        [
            (np.ndarray, np.uint8, channel_last, "a uint8 array (H, W, C)"),
            (np.ndarray, np.float32, channel_last, "a float32 array (H, W, C) in 0..1"),
            (np.ndarray, np.uint8, channel_first, "a uint8 array (C, H, W)"),
            (np.ndarray, np.float32, channel_first, "a float32 array (C, H, W) in 0..1"),
            (np.ndarray, np.uint8, lambda s: len(s) == 4 and s[3] == 3, "a uint8 array (N, H, W, C)"),
            (np.ndarray, np.float32, lambda s: len(s) == 4 and s[3] == 3, "a float32 array (N, H, W, C) in 0..1"),
            (torch.Tensor, torch.float32, channel_first, "a float32 tensor (C, H, W) in 0..1"),
            (torch.Tensor, torch.uint8, channel_first, "a uint8 tensor (C, H, W)"),
            (torch.Tensor, torch.float32, lambda s: len(s) == 4 and s[1] == 3, "a float32 tensor (N, C, H, W) in 0..1"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_forms(self, kind, dtype, shape, words):
        found = probe(lambda x: IMAGENET.normalize(takes(kind, dtype, shape)(x)), draws=3)
        assert found.convention == words
        assert_imagenet(found)

    @pytest.mark.parametrize(
        ("pipeline", "words"),
        [
            (lambda x: NORMALIZE(TO_TENSOR(takes(Image.Image)(x))), "a PIL image"),
            (by_keyword, "a uint8 array (H, W, C) as image="),
            (
                lambda d: {"image": NORMALIZE(TO_TENSOR(takes(Image.Image)(d["image"])))},
                "a PIL image in a dict as 'image'",
            ),
            (lambda d: {"img": IMAGENET.normalize(d["img"])}, "a uint8 array (H, W, C) in a dict as 'img'"),
            (
                lambda d: {"pixel_values": NORMALIZE(d["pixel_values"])},
                "a float32 tensor (C, H, W) in 0..1 in a dict as 'pixel_values'",
            ),
            (
                lambda d: {"pixel_values": [NORMALIZE(TO_TENSOR(one)) for one in d["image"]]},
                "a PIL image in a list, in a dict under the keys it asks for",
            ),
            (lambda one, two: (NORMALIZE(TO_TENSOR(one)), two), "a PIL image, given twice"),
            (lambda pair: [NORMALIZE(TO_TENSOR(one)) for one in pair if pair[1]], "a PIL image, two in a list"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_ways_in(self, pipeline, words):
        found = probe(pipeline, draws=3)
        assert found.convention == words
        assert_imagenet(found)

    @pytest.mark.parametrize(
        ("kind", "dtype", "words"),
        [
            (np.ndarray, np.uint8, "a uint8 array (H, W)"),
            (np.ndarray, np.float32, "a float32 array (H, W) in 0..1"),
            (torch.Tensor, torch.float32, "a float32 tensor (H, W) in 0..1"),
        ],
    )
    def test_grey_pictures_without_an_axis_for_channels(self, kind, dtype, words):
        white = 255 if dtype == np.uint8 else 1
        found = probe(lambda x: (takes(kind, dtype, lambda s: len(s) == 2)(x) / white - 0.5) / 0.25, draws=3)
        assert (found.convention, found.problems) == (words, ())
        assert found.normalization().mean == pytest.approx((0.5,))
        assert found.normalization().std == pytest.approx((0.25,))

    @pytest.mark.parametrize(
        "out",
        [
            lambda y: y.numpy(),
            lambda y: y.permute(1, 2, 0).numpy(),
            lambda y: y[None],
            lambda y: y[:, None],
            lambda y: [y, y],
            lambda y: (y, {"label": 1}),
            lambda y: {"label": 3, "pixel_values": [y.numpy()]},
            lambda y: v2.functional.to_image(y),
            lambda y: y.double(),
            lambda y: y.requires_grad_(),
            lambda y: y.unfold(1, 8, 8).unfold(2, 8, 8).permute(1, 2, 0, 3, 4).reshape(-1, 3 * 64),
        ],
        ids=["array", "HWC", "batch", "frames", "views", "tuple", "lists", "tv", "double", "gradient", "patches"],
    )
    def test_ways_out(self, out):
        assert_imagenet(measured(TO_TENSOR, NORMALIZE, v1.Lambda(out)))

    def test_scale_is_told_from_the_range_of_values(self):
        assert_imagenet(
            probe(lambda x: (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None], draws=3)
        )
        on_bytes = probe(lambda x: (x.float() / 255 - 0.5) / 0.5, draws=3)
        assert on_bytes.convention == "a uint8 tensor (C, H, W)"
        assert on_bytes.normalization().mean == pytest.approx((0.5,) * 3)
        less_mean = probe(lambda x: x - torch.tensor([123.0, 117.0, 104.0])[:, None, None], draws=3)
        assert less_mean.normalization(255.0).mean == pytest.approx((123, 117, 104))
        assert less_mean.normalization(255.0).std == pytest.approx((1, 1, 1))

    def test_nothing_to_call(self):
        with pytest.raises(PipelineError, match="nothing to probe in a object: expected something that is called"):
            probe(object())
        with pytest.raises(PipelineError, match="is applied by something that cannot be called with an image"):
            probe([IMAGENET])

    @pytest.mark.parametrize(
        "call",
        [
            lambda picture, boxes, labels: (NORMALIZE(TO_TENSOR(picture)), boxes, labels),
            lambda *, images: {"pixel_values": torch.stack([NORMALIZE(TO_TENSOR(one)) for one in images])},
            lambda *, frame, crop: NORMALIZE(TO_TENSOR(frame)),
            lambda sample: sample | {"frame": NORMALIZE(TO_TENSOR(sample["frame"])), "mask": TO_TENSOR(sample["mask"])},
        ],
    )
    def test_arguments_and_keys_are_what_it_asks_for(self, call):
        assert_imagenet(probe(call, draws=3))

    def test_the_picture_is_the_one_that_answers(self):
        mask = torch.zeros(1, 264, 296)
        assert_imagenet(probe(lambda picture: (mask, NORMALIZE(TO_TENSOR(picture))), draws=3))
        assert_imagenet(probe(lambda picture: {"image": picture, "normal": NORMALIZE(TO_TENSOR(picture))}, draws=3))

    def test_a_class_is_no_transform(self):
        for made in (v1.Normalize, functools.partial(v1.Normalize, MEAN)):
            with pytest.raises(PipelineError) as caught:
                probe(made)
            said = "torchvision.transforms.Normalize is a class, which takes no image: call it to make a transform."
            assert str(caught.value) == said

    def test_no_way_works(self):
        def broken(picture):
            raise ValueError("never\nmore")

        with pytest.raises(PipelineError) as caught:
            probe(broken)
        lines = str(caught.value).splitlines()
        assert lines[0].startswith(f"{__name__}.TestConventions.test_no_way_works.<locals>.broken could not be called ")
        assert lines[0].endswith("with any image: ValueError: never")
        assert lines[1].endswith(" attempts with PIL images, arrays and tensors.")
        assert lines[-1].startswith("Give a function that takes one image")

    def test_failing_later(self):
        def tired(picture, calls=[]):  # noqa: B006
            calls.append(1)
            if len(calls) > 20:
                raise MemoryError("no more")
            return TO_TENSOR(picture)

        with pytest.raises(
            PipelineError, match="takes a PIL image, but failed on one in call 21: MemoryError: no more"
        ):
            probe(tired)


class TestSideEffects:
    def test_writing_into_the_input_is_told(self):
        found = probe(v1.Normalize(MEAN, STD, inplace=True), draws=5)
        assert_only(found, "mutates", None)


@pytest.mark.parametrize("name", ["imagenet", "CLIP", "cifar_10", "half"])
def test_presets_by_name_and_normalizations(name):
    normalization = find_normalize(name)
    assert (normalization, normalization.source) == (preset(name), preset(name).source)
    for one in (name, normalization):
        found = probe(one)
        assert found.difference(normalization) <= found.tolerance
    for function in (find_normalize, probe):
        with pytest.raises(StatisticsError, match=r"no preset is named 'imagnet': expected one of imagenet, half"):
            function("imagnet")


def test_statistics_for_videos_are_not_broadcast():
    mean, std = (torch.tensor(one).view(3, 1, 1, 1) for one in (MEAN, STD))
    found = probe(lambda video: (video - mean) / std)
    assert_imagenet(found)
    assert found.convention == "a float32 tensor (C, H, W, D) in 0..1"


def bands(count):
    """Statistics of so many channels, no two of them alike."""
    return np.linspace(0.1, 0.4, count, dtype=np.float32), np.linspace(0.05, 0.09, count, dtype=np.float32)


def of_tensors(mean, std):
    return lambda x: (x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def of_arrays(mean, std):
    return lambda x: (np.asarray(x) / np.float32(255) - mean) / std


def of_arrays_of_planes(mean, std):
    mean, std = mean[:, None, None], std[:, None, None]
    return lambda x: (np.asarray(x) / np.float32(255) - mean) / std


def that_turns_its_axes(mean, std):
    return lambda x: torch.from_numpy(((np.asarray(x) / np.float32(255) - mean) / std).transpose(2, 0, 1))


def that_turns_and_resizes(mean, std):
    return lambda x: v1.functional.resize(that_turns_its_axes(mean, std)(x), [64, 64])


@pytest.mark.parametrize(
    ("count", "make"),
    [(2, of_tensors), (4, of_arrays), (5, of_arrays_of_planes), (13, that_turns_its_axes), (4, that_turns_and_resizes)],
)
def test_as_many_channels_as_it_shows_that_it_wants(count, make):
    mean, std = bands(count)
    found = probe(make(mean, std), draws=3)
    assert found.problems == ()
    assert found.matrix.shape == (count, count)
    np.testing.assert_allclose(found.normalization().mean, mean, atol=1e-5)
    np.testing.assert_allclose(found.normalization().std, std, rtol=1e-4)
    assert found.calls <= 260  # of which some 140 to find out


@pytest.mark.parametrize("count", [2, 4])
def test_usual_numbers_of_channels_need_not_be_named(count):
    mean, std = bands(count)

    def normalize(x):
        assert x.shape[-3] == count
        return of_tensors(mean, std)(x)

    np.testing.assert_allclose(probe(normalize, draws=3).normalization().mean, mean, atol=1e-5)
    with pytest.raises(PipelineError, match=r"could not be called with any image"):
        probe(normalize, channels=3)


def test_larger_pictures_are_tried_where_smaller_ones_are_of_no_value() -> None:
    assert_imagenet(measured(v1.RandomCrop(600), TO_TENSOR, NORMALIZE))
