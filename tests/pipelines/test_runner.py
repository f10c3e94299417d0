"""Calling a pipeline in the form that it is made for, and what is seen of its Normalize meanwhile."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from photographs import photographs
from torchvision import transforms as v1
from torchvision import tv_tensors
from torchvision.models import ResNet18_Weights
from torchvision.transforms import v2

from pytest_denorm import Normalization, check, find_normalize, register_adapter, sweep
from pytest_denorm.errors import PipelineError, PipelineRaisedError
from pytest_denorm.pipelines import locate
from pytest_denorm.pipelines.registry import unregister_adapter
from pytest_denorm.pipelines.runner import Runner, item_traces
from pytest_denorm.pipelines.trace import Trace

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Normalization(MEAN, STD)
NORMALIZE = v1.Normalize(MEAN, STD)
PHOTO = photographs()[0]
PIXELS = np.asarray(PHOTO)
FLOATS = "a float32 tensor (C, H, W) in 0..1"


def runner_of(pipeline: Any) -> Runner:
    located = locate(pipeline)
    assert located.call is not None
    return Runner(located.call, located)


def run(pipeline: Any, levels: Any = None) -> Trace:
    return runner_of(pipeline).run(PIXELS if levels is None else levels)


def assert_normalized(trace: Trace, normalization: Normalization, *, count: int = 1) -> None:
    assert trace.error is None
    assert trace.record is not None
    assert len(trace.record) == count
    for entered, left in trace.record:
        expected = torch.as_tensor(np.asarray(normalization.normalize(entered)))
        torch.testing.assert_close(torch.as_tensor(np.asarray(left)), expected, atol=1e-5, rtol=1e-5)


def refuse_bytes(image: Any) -> Any:
    if image.dtype == torch.uint8:
        raise ValueError("bytes")
    return image


class TestForm:
    """The first form that a pipeline is made for decides."""

    @pytest.mark.parametrize(
        ("pipeline", "words"),
        [
            (v1.Compose([v1.ToTensor(), NORMALIZE]), "a PIL image"),
            (v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32), v2.Normalize(MEAN, STD)]), "a PIL image"),
            (v1.Compose([v1.Resize(32), NORMALIZE]), FLOATS),
            (v1.Compose([v1.ToPILImage(), v1.ToTensor(), NORMALIZE]), "a uint8 array (H, W, C)"),
            (NORMALIZE, FLOATS),
        ],
        ids=["ToTensor", "no scale", "tensors alone", "arrays to PIL", "alone"],
    )
    def test_is_found(self, pipeline: Any, words: str) -> None:
        assert runner_of(pipeline).trial.form.words == words

    @pytest.mark.parametrize(
        ("steps", "stage", "said"),
        [
            ([v2.ToImage(), v2.Normalize(MEAN, STD)], "in Normalize", "Input tensor should be a float tensor"),
            ([v1.PILToTensor(), NORMALIZE], "in Normalize", "Input tensor should be a float tensor"),
            (
                [
                    v2.ToImage(),
                    v2.ToDtype({torch.Tensor: torch.float32, "others": None}, scale=True),
                    v2.Normalize(MEAN, STD),
                ],
                "in Normalize",
                "Input tensor should be a float tensor",
            ),
            ([NORMALIZE, v1.ToTensor()], "in Normalize", "Is Normalize before the step that makes a tensor?"),
            ([v2.Normalize(MEAN, STD), v2.ToImage()], "before Normalize", "TypeError: "),
            ([v1.ToTensor(), NORMALIZE, v1.ToTensor()], "after Normalize", "TypeError: pic should be PIL Image"),
            ([v2.ToImage(), refuse_bytes, v2.Normalize(MEAN, STD)], "before Normalize", "ValueError: bytes"),
        ],
    )
    def test_that_raises_is_the_verdict(self, steps: list[Any], stage: str, said: str) -> None:
        pipeline = v2.Compose(steps)
        with pytest.raises(PipelineRaisedError, match=r"Compose raises on a PIL image, ") as caught:
            _ = runner_of(pipeline).trial
        assert (caught.value.stage, caught.value.is_own) == (stage, True)
        assert said in str(caught.value)
        (result,) = check(pipeline, select=["declared_matches_measured"]).results
        assert (result.status, result.message) == ("failed", str(caught.value))

    def test_of_what_takes_no_image(self) -> None:
        with pytest.raises(PipelineError, match=r"could not be called with any image"):
            _ = Runner(lambda image: 1 / 0).trial
        late = v1.Compose([NORMALIZE, lambda y: 1 / 0])
        with pytest.raises(PipelineRaisedError, match=f"raises on {FLOATS[:15]}.*, after Normalize: Zero") as caught:
            _ = runner_of(late).trial
        assert not caught.value.is_own

    @pytest.mark.parametrize(
        "pipeline",
        [
            v1.Compose([v1.PILToTensor(), torch.Tensor.float, v1.Resize(64), NORMALIZE]),
            lambda x: NORMALIZE(v1.functional.resize(torch.as_tensor(x).float(), [224])),
            lambda x: (v1.functional.resize(torch.as_tensor(np.asarray(x)).float(), [224]) - 1e-3) / 1e-3,
        ],
    )
    def test_no_form_blows_an_image_up(self, pipeline: Any) -> None:
        tracemalloc.start()
        began = time.process_time()
        with contextlib.suppress(PipelineError):
            _ = Runner(pipeline, others=True).trial
        assert tracemalloc.get_traced_memory()[1] < 500e6
        assert time.process_time() - began < 10
        tracemalloc.stop()


class TestTraces:
    def test_of_several_views(self) -> None:
        class TwoViews:
            def __init__(self) -> None:
                self.transform = v1.Compose([v1.RandomCrop(40), v1.ToTensor(), NORMALIZE])

            def __call__(self, image: Any) -> list[torch.Tensor]:
                return [self.transform(image), self.transform(image)]

        trace = run(TwoViews())
        assert_normalized(trace, IMAGENET, count=2)
        assert trace.record is not None
        assert not torch.equal(trace.record[0][0], trace.record[1][0])
        assert len(trace.images) == 2

    def test_where_it_raises(self) -> None:
        gray = v1.Compose([v1.Grayscale(), v1.ToTensor(), NORMALIZE])
        with pytest.raises(PipelineRaisedError, match="in Normalize: RuntimeError: output with shape") as caught:
            _ = runner_of(gray).trial
        assert caught.value.trace.entered.shape[0] == 1
        later = run(v1.Compose([v1.ToTensor(), NORMALIZE]), np.zeros((8, 8, 7), np.uint8))
        assert (later.stage, later.entered, later.images) == ("", None, [])

    def test_mutation(self) -> None:
        assert run(v1.Normalize(MEAN, STD, inplace=True)).mutated
        assert not run(NORMALIZE).mutated

    def test_class_with_slots(self) -> None:
        class Slotted:
            __slots__ = ("mean", "std")

            def __init__(self) -> None:
                self.mean, self.std = 0.5, 0.25

            def __call__(self, image: Any) -> Any:
                return (image - self.mean) / self.std

        register_adapter(__name__, lambda obj: Normalization(obj.mean, obj.std) if isinstance(obj, Slotted) else None)
        try:
            assert_normalized(run(v1.Compose([v1.ToTensor(), Slotted()])), Normalization(0.5, 0.25))
        finally:
            unregister_adapter(__name__)

    def test_what_cannot_be_watched_is_run_all_the_same(self) -> None:
        runner = runner_of(ResNet18_Weights.DEFAULT.transforms())
        assert runner.unwatchable == (
            "torchvision.transforms._presets.ImageClassification cannot be watched while its pipeline runs: it is one "
            "with other steps."
        )
        assert runner.run(PIXELS).record is None


class Items(torch.utils.data.Dataset[Any]):
    def __init__(self, make: Any) -> None:
        self.transform, self.make = v1.Compose([v1.ToTensor(), NORMALIZE]), make

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        return self.make(index, self.transform)


class TestItems:
    def test_of_data_sets_loaders_and_streams(self) -> None:
        class Stream(torch.utils.data.IterableDataset[Any]):
            def __init__(self) -> None:
                self.data = photos

            def __iter__(self) -> Any:
                return iter([self.data[0]])

        photos = Items(lambda index, transform: transform(PHOTO))
        for data in (photos, torch.utils.data.DataLoader(photos, num_workers=2), Stream()):
            (trace,) = item_traces(data, locate(data))
            assert_normalized(trace, IMAGENET)
        assert len(list(item_traces(photos, locate(photos), 5))) == 2
        assert list(item_traces(Stream(), locate(Stream()), by_index=True)) == []

    def test_an_error_is_the_last(self) -> None:
        data = Items(lambda index, transform: transform(PHOTO if index == 0 else 3))
        first, second = item_traces(data, locate(data), 2)
        assert (first.stage, second.stage) == ("", "before Normalize")
        assert isinstance(second.error, TypeError)


class TestBoxesAndMasks:
    """What references of detection and segmentation hand over beside the image, in any order."""

    JOINT = v2.Compose(
        [v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True), v2.Normalize(MEAN, STD)]
    )
    IMAGE = tv_tensors.Image(v1.functional.pil_to_tensor(PHOTO))
    BOXES = tv_tensors.BoundingBoxes([[1, 1, 9, 9]], format="XYXY", canvas_size=(PHOTO.height, PHOTO.width))
    MASKS = tv_tensors.Mask(torch.ones(3, PHOTO.height, PHOTO.width))
    ITEMS = (
        (IMAGE, {"boxes": BOXES, "labels": torch.tensor([1])}),
        (IMAGE, {"masks": MASKS, "boxes": BOXES}),
        {"mask": MASKS[:1], "image": IMAGE},
        (BOXES, IMAGE),
    )

    class Joint(torch.utils.data.Dataset[Any]):
        def __init__(self, item: Any, transform: Any) -> None:
            self.item, self.transform = item, transform

        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> Any:
            return self.transform(self.item)

    @pytest.mark.parametrize("item", ITEMS)
    @pytest.mark.filterwarnings("ignore:scale was set to True")
    def test_are_no_images(self, item: Any) -> None:
        data = self.Joint(item, self.JOINT)
        (trace,) = item_traces(data, locate(data))
        assert_normalized(trace, IMAGENET)
        assert trace.entered.shape == (3, PHOTO.height, PHOTO.width)
        result = sweep(data)
        assert (result.pictures, result.values, result.wrong_levels) == (2, 2 * 3 * PHOTO.height * PHOTO.width, 0)
        checked = check(data, select=["statistics_match_channels", "declared_matches_measured"])
        assert [one.status for one in checked.results] == ["passed", "passed"]

    def test_do_not_say_what_white_is(self) -> None:
        boxes = tv_tensors.BoundingBoxes([[1.0, 1, 200, 200]], format="XYXY", canvas_size=(300, 300))
        steps = [v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}), v2.Normalize([128.0] * 3, [64.0] * 3)]
        data = self.Joint((boxes, self.IMAGE), v2.Compose(steps))
        assert find_normalize(data).pixel_max == 255


@pytest.mark.filterwarnings("ignore")
class TestLibraries:
    def test_albumentations(self) -> None:
        a = pytest.importorskip("albumentations")
        steps = [a.RandomCrop(64, 64), a.ColorJitter(p=1), a.Normalize(), a.CoarseDropout(p=1)]
        pipeline = a.Compose(steps, seed=1)
        runner = runner_of(pipeline)
        assert runner.trial.form.words == "a uint8 array (H, W, C) as image="
        trace = runner.run(PIXELS)
        assert trace.entered.dtype == np.uint8
        assert np.array_equal(find_normalize(pipeline).to_uint8(trace.left), trace.entered)
        assert run(a.Compose([a.Normalize(p=0.0)])).record == []
