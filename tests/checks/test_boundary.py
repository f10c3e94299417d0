"""What a Normalize does inside its pipeline, against what it declares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import models
from torchvision import transforms as T
from torchvision.transforms import functional as F
from torchvision.transforms import v2

from pytest_denorm import Normalization, check, register_adapter
from pytest_denorm.checks import sighting as boundary
from pytest_denorm.checks.boundary import declared_against_measured
from pytest_denorm.checks.outcome import CheckFailure, NotApplicable
from pytest_denorm.pipelines import Leaf
from pytest_denorm.pipelines.registry import unregister_adapter
from pytest_denorm.pipelines.samples import photograph
from pytest_denorm.pipelines.walk import declared

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


@pytest.fixture(autouse=True)
def small_photograph(monkeypatch: pytest.MonkeyPatch) -> None:
    """To save time: a 16th of the one that is sent through pipelines, 12 x 16 before it is made larger."""
    photo = photograph()
    assert photo is not None
    monkeypatch.setattr(boundary, "photograph", lambda: photo[:, ::4, ::4])


@pytest.fixture
def whole_photograph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary, "photograph", photograph)


class DividesTwice(T.Normalize):
    """Its attributes are right, and its code is not."""

    def forward(self, tensor: torch.Tensor) -> torch.Tensor:
        return super().forward(tensor) / torch.tensor(self.std).view(-1, 1, 1)


def turned(image: torch.Tensor) -> torch.Tensor:
    return image.flip(0)


def verdict(pipeline: Any, name: str = "declared_matches_measured") -> tuple[str, str]:
    (result,) = check(pipeline, select=[name]).results
    return result.status, result.message


@pytest.mark.parametrize(
    "around",
    [
        lambda normalize: normalize,
        lambda normalize: T.Compose([T.ToTensor(), normalize]),
        lambda normalize: T.Compose([T.RandomResizedCrop(48), T.ToTensor(), normalize, T.RandomErasing()]),
        lambda normalize: T.Compose([T.ColorJitter(0.4, 0.4, 0.4), T.ToTensor(), normalize]),
    ],
)
def test_attributes_that_lie_are_caught(around: Callable[[Any], Any]) -> None:
    assert verdict(around(T.Normalize(MEAN, STD)))[0] == "passed"
    status, message = verdict(around(DividesTwice(MEAN, STD)))
    assert status == "failed"
    assert message.startswith("red: declared mean 0.485 and std 0.229, measured mean 0.485 and std 0.05244")
    assert message.endswith(
        "what it does is not what its attributes say. Until that is mended, give what was measured: "
        "Normalization((0.485, 0.456, 0.406), (0.05244, 0.05018, 0.05062))."
    )


class Does(T.Normalize):
    """Something beside what its attributes say."""

    def __init__(self, what: Callable[[torch.Tensor], torch.Tensor], then: Callable[..., torch.Tensor]) -> None:
        super().__init__(MEAN, STD)
        self.what, self.then = what, then

    def forward(self, tensor: torch.Tensor) -> torch.Tensor:
        return self.then(super().forward(self.what(tensor)))


def the_same(image: torch.Tensor) -> torch.Tensor:
    return image


def by_its_own(image: torch.Tensor) -> torch.Tensor:
    return (image - image.mean((1, 2), keepdim=True)) / (image.std((1, 2), keepdim=True) + 0.01)


NO_NORMALIZE = {
    "BGR": (
        turned,
        the_same,
        "the channels leave it reversed (RGB becomes BGR). Exchange them before it or after it, if at all.",
    ),
    "by picture": (
        by_its_own,
        the_same,
        "per-image: the color of a pixel depends on the other pixels of its image",
    ),
    "gamma": (torch.square, the_same, "not affine: up to "),
    "clamp": (
        the_same,
        lambda y: y.clamp(-1, 1),
        "clipped: some levels at an end of the range become one, and cannot be told apart again.",
    ),
    "grey": (
        the_same,
        lambda y: y.mean(0, keepdim=True).expand(3, -1, -1),
        "mixed: the 3 channel(s) of the output mix the 3 of the input: it is grey, made of (",
    ),
    "noise": (the_same, lambda y: y + 0.1 * torch.randn_like(y), "random: "),
}


@pytest.mark.parametrize("name", NO_NORMALIZE)
def test_no_numbers_are_given_for_what_is_no_map_of_each_channel(name: str) -> None:
    what, later, said = NO_NORMALIZE[name]
    steps = T.Compose([T.ToTensor(), Does(what, later)])
    for pipeline in (steps, OfSteps(steps), T.Compose([T.ColorJitter(0.4, 0.4, 0.4), steps])):
        status, message = verdict(pipeline)
        assert status == "failed"
        assert "Does does not do what its attributes say, and what it does is no Normalize: " + said in message
        assert "give what was measured" not in message


@pytest.mark.usefixtures("whole_photograph")
def test_numbers_are_given_for_what_is_rounded_too() -> None:
    rounded = Does(the_same, lambda y: (y * 64).round() / 64 * 0.9)
    dark = verdict(T.Compose([T.ColorJitter((0.5, 0.5)), T.ToTensor(), rounded]))[1]
    assert "give what was measured: Normalization((0.48" in dark
    status, message = verdict(T.Compose([T.ToTensor(), rounded]))
    assert status == "failed"
    assert "give what was measured: Normalization((0.485, 0.456, 0.406), (0.2545, 0.2489, 0.2499))." in message


class OfSteps(Dataset[Any]):
    def __init__(self, transform: Any) -> None:
        self.transform = transform

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        return self.transform(np.random.RandomState(index).randint(0, 256, (24, 28, 3), np.uint8))


class OfVideos(torch.nn.Module):
    """(C, T, H, W), as pytorchvideo has them."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = T.Normalize(MEAN, STD)

    def forward(self, video: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.norm(video.permute(1, 0, 2, 3)).permute(1, 0, 2, 3)
        return result


def test_a_model_may_take_videos_alone() -> None:
    assert verdict(OfVideos(), "statistics_match_channels") == ("passed", "3 of each, for 3 channels")
    assert verdict(OfVideos())[0] == "passed"


class Doing(T.Normalize):
    """It declares the statistics, and then does something else."""

    def __init__(self, does: Callable[[torch.Tensor], torch.Tensor], mean: Any = MEAN, std: Any = STD) -> None:
        super().__init__(mean, std)
        self.does = does

    def forward(self, tensor: torch.Tensor) -> torch.Tensor:
        return self.does(tensor)


def raising(x: torch.Tensor) -> torch.Tensor:
    raise ArithmeticError("no")


def halved(image: torch.Tensor) -> torch.Tensor:
    return image * 0.5


def to_both_signs(image: torch.Tensor) -> torch.Tensor:
    return image * 2 - 1


@pytest.mark.parametrize(
    ("before", "said", "mean", "std"),
    [
        (
            to_both_signs,
            "multiplied by (2, 2, 2) and shifted by (-1, -1, -1)",
            "(0.75, 0.75, 0.75)",
            "(0.125, 0.125, 0.125)",
        ),
        (lambda x: x - 0.5, "shifted by (-0.5, -0.5, -0.5)", "(1, 1, 1)", "(0.25, 0.25, 0.25)"),
        (lambda x: x * 1.5, "multiplied by (1.5, 1.5, 1.5)", "(0.3333, 0.3333, 0.3333)", "(0.1667, 0.1667, 0.1667)"),
        (lambda x: x / 255, "divided by 255 twice", "(127.5, 127.5, 127.5)", "(63.75, 63.75, 63.75)"),
    ],
)
def test_another_range_before_normalize_is_told(before: Callable[[Any], Any], said: str, mean: str, std: str) -> None:
    status, message = verdict(T.Compose([T.ToTensor(), before, T.Normalize([0.5] * 3, [0.25] * 3)]))
    assert status == "failed"
    assert message == (
        f"images are {said} on the way to Normalize, and do not enter it in 0..1: undoing Normalize does not undo "
        f"that. All of it is what Normalize(mean={mean}, std={std}) does."
    )


@pytest.mark.parametrize("before", [halved, lambda x: 1 - x, lambda x: x**2, lambda x: x / 257, lambda x: x + 0.01])
def test_what_stays_in_the_range_may_be_changed_before_normalize(before: Callable[[Any], Any]) -> None:
    assert verdict(T.Compose([T.ToTensor(), before, T.Normalize(MEAN, STD)]))[0] == "passed"


class Pictures(Dataset[Any]):
    """Images of one mode, through a transform."""

    def __init__(self, mode: str, transform: Any) -> None:
        self.mode, self.transform = mode, transform

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[Any, int]:
        pixels = np.random.RandomState(index).randint(0, 256, (20, 28, 3), dtype=np.uint8)
        return self.transform(Image.fromarray(pixels).convert(self.mode)), index


def as_mode(mode: str) -> T.Lambda:
    return T.Lambda(lambda image: image.convert(mode))


@pytest.mark.usefixtures("whole_photograph")
@pytest.mark.parametrize(
    ("after", "said"),
    [
        (
            lambda y: 2 * y,
            "what leaves Normalize is multiplied by (2, 2, 2) before it leaves the pipeline: "
            "undoing Normalize does not undo that. All of it is what Normalize(mean=(0.485, 0.456, 0.406), "
            "std=(0.1145, 0.112, 0.1125)) does.",
        ),
        (lambda y: {"image": y * 0.25 + 0.5}, "multiplied by (0.25, 0.25, 0.25) and shifted by (0.5, 0.5, 0.5)"),
        (
            lambda y: y / 3 + 1 / 7,
            "multiplied by (0.3333, 0.3333, 0.3333) and shifted by (0.1429, 0.1429, 0.1429) before it leaves the "
            "pipeline: undoing Normalize does not undo that. All of it is what "
            "Normalize(mean=(0.3869, 0.36, 0.3096), std=(0.687, 0.672, 0.675)) does.",
        ),
        (lambda y: y * torch.tensor([1, 2, -1])[:, None, None], "multiplied by (1, 2, -1)"),
        (lambda y: (2 * y).half(), "multiplied by (2, 2, 2)"),
        (lambda y: y.clamp(-1, 1), "what leaves Normalize is cut off at -1..1 before it leaves the pipeline"),
        (torch.relu, "what leaves Normalize is cut off at 0.."),
    ],
)
def test_changes_after_normalize_are_told(after: Any, said: str) -> None:
    status, message = verdict(T.Compose([T.ToTensor(), T.Normalize(MEAN, STD), after]))
    assert status == "failed"
    assert said in message


ON_BYTES = (v2.ToImage(), v2.ToDtype(torch.float32))


def test_statistics_of_bytes_fit_bytes() -> None:
    """torchvision's Normalize cannot say what white is: that is seen."""
    mean, std = [255 * one for one in MEAN], [255 * one for one in STD]
    report = check(v2.Compose([*ON_BYTES, v2.Normalize(mean, std)]))
    assert report.ok, str(report)
    said = {one.name: one for one in report.results}
    assert said["statistics_valid"].message == (
        "mean (123.675, 116.28, 103.53), std (58.395, 57.12, 57.375), images in 0..255"
    )
    assert said["declared_matches_measured"].status == said["bytes_exact"].status == "passed"


@pytest.mark.parametrize(("factor", "white"), [(257, 65535), (4, 1023), (16, 4095)])
def test_statistics_of_longer_integers_fit_them(factor: int, white: int) -> None:
    mean, std = [factor * 255 * one for one in MEAN], [factor * 255 * one for one in STD]
    pipeline = v2.Compose([*ON_BYTES, v2.Lambda(lambda image: image * factor), v2.Normalize(mean, std)])
    report = check(pipeline, skip=["picklable"])
    assert report.ok, str(report)
    assert report.statistics.endswith(f", images in 0..{white}")


def test_statistics_of_pictures_whose_white_is_no_usual_one() -> None:
    mean, std = [100_000 * one for one in MEAN], [100_000 * one for one in STD]
    pipeline = v2.Compose([*FLOATS, v2.Lambda(lambda image: image * 100_000), v2.Normalize(mean, std)])
    status, message = verdict(pipeline)
    assert status == "failed"
    assert message == (
        "images in 0..100000 enter a Normalize whose statistics fit them, and which does not say so: its white is "
        "taken to be 1. Give its numbers as Normalization((48500, 45600, 40600), (22900, 22400, 22500), "
        "pixel_max=100000), or scale the images to 0..1 and divide both by 100000."
    )


@pytest.mark.parametrize("channels", [2, 13])
def test_channels_that_are_no_colors(channels: int) -> None:
    mean, std = torch.linspace(0.3, 0.5, channels).tolist(), torch.linspace(0.2, 0.3, channels).tolist()
    status, message = verdict(v2.Normalize(mean, std))
    assert status == "passed"
    assert message.endswith(" calls with a float32 tensor (C, H, W) in 0..1)")

    class Wrong(v2.Normalize):
        """Does something else to the last channel."""

        def forward(self, *inputs: Any) -> Any:
            return super().forward(*inputs) * torch.tensor([1.0] * (channels - 1) + [1.5])[:, None, None]

    status, message = verdict(Wrong(mean, std))
    assert status == "failed"
    assert ": declared mean 0.5 and std 0.3, measured mean 0.5 and std 0.2:" in message


FLOATS = (v2.ToImage(), v2.ToDtype(torch.float32, scale=True))
PLAIN = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])
TO_RGB = "Give grey images one mean and one std, or make them RGB first: Grayscale(3), or convert('RGB')."


MISFIT = "expected 3 channels, as there are 3 means and stds; found images of {} entering Normalize. "
DROP = "Drop the fourth channel first, with image.convert('RGB') or x[..., :3, :, :], or give four of each."


class TestChannels:
    """Statistics of three channels, and images of another number."""

    @pytest.mark.parametrize(
        ("pipeline", "said"),
        [
            (
                T.Compose([T.Grayscale(), *PLAIN.transforms]),
                MISFIT.format("1 channel (shape (1, 40, 56))")
                + "Compose.transforms[2]: torchvision.transforms.Normalize raised RuntimeError: output with shape "
                "[1, 40, 56] doesn't match the broadcast shape [3, 40, 56]. " + TO_RGB,
            ),
            (
                v2.Compose([v2.Grayscale(), *FLOATS, v2.Normalize(MEAN, STD)]),
                MISFIT.format("1 channel (shape (1, 264, 296))")
                + "Compose.transforms[3]: torchvision.transforms.v2.Normalize broadcasts silently, and the image "
                "changes its number of channels. " + TO_RGB,
            ),
            (T.Compose([as_mode("RGBA"), *PLAIN.transforms]), DROP),
            (
                T.Compose([as_mode("RGB"), T.ToTensor(), T.Normalize([0.5] * 2, [0.5] * 2)]),
                "Give 3 of each, or images of 2 channels.",
            ),
            (T.Compose([T.ToTensor(), Doing(raising)]), "Doing raised ArithmeticError: no"),
        ],
    )
    def test_statistics_that_do_not_fit(self, pipeline: Any, said: str) -> None:
        status, message = verdict(pipeline, "statistics_match_channels")
        assert status == "failed"
        assert message.endswith(said)

    def test_the_other_check_points_to_it(self) -> None:
        for pipeline in (
            T.Compose([T.Grayscale(), *PLAIN.transforms]),
            v2.Compose([v2.Grayscale(), *FLOATS, v2.Normalize(MEAN, STD)]),
        ):
            assert verdict(pipeline) == (
                "not applicable",
                "the statistics do not fit the channels that enter: see statistics_match_channels",
            )

    @pytest.mark.parametrize(
        ("pipeline", "shown"),
        [
            (PLAIN, "3 of each, for 3 channels"),
            (
                T.Compose([T.ToTensor(), T.Normalize(0.5, 0.25)]),
                "one mean and one std serve all 3 channels of the images",
            ),
            (T.Compose([T.Grayscale(), T.ToTensor(), T.Normalize(0.5, 0.25)]), "1 of each, for 1 channel"),
            # what they are for cannot be told from them: such images are tried too
            (T.Compose([T.ToTensor(), T.Normalize([*MEAN, 0.5], [*STD, 0.5])]), "4 of each, for 4 channels"),
            (v2.Compose([*FLOATS, v2.Normalize([0.5] * 7, [0.25] * 7)]), "7 of each, for 7 channels"),
            (v2.Compose([v2.Normalize(MEAN, STD)]), "3 of each, for 3 channels"),
        ],
    )
    def test_statistics_that_fit(self, pipeline: Any, shown: str) -> None:
        assert verdict(pipeline, "statistics_match_channels") == ("passed", shown)
        assert verdict(pipeline)[0] == "passed"

    @pytest.mark.parametrize("wrap", [lambda data: data, lambda data: DataLoader(data, batch_size=2)])
    @pytest.mark.parametrize(("mode", "channels"), [("L", "1 channel"), ("RGBA", "4 channels")])
    def test_the_pictures_of_a_data_set_are_the_ones_that_count(self, wrap: Any, mode: str, channels: str) -> None:
        status, message = verdict(wrap(Pictures(mode, PLAIN)), "statistics_match_channels")
        assert status == "failed"
        assert f"found images of {channels}" in message
        assert verdict(wrap(Pictures("RGB", PLAIN)), "statistics_match_channels")[0] == "passed"


def test_a_data_set_is_measured_through_its_transform() -> None:
    weights = models.ResNet18_Weights.DEFAULT
    for pipeline in (weights, Pictures("RGB", weights.transforms())):
        assert verdict(pipeline)[0] == "passed"
    turned_first = T.Compose([T.PILToTensor(), turned, weights.transforms()])
    assert verdict(Pictures("RGB", turned_first))[1].startswith("the channels leave the pipeline reversed")


# --- what is watched ---


class OnArrays:
    """A Normalize of arrays, as libraries without torch have them."""

    def __init__(self, mean: Any, std: Any, white: float = 1.0, axis: int | None = None) -> None:
        self.given, self.axis = (mean, std, white), axis

    def __call__(self, image: Any) -> Any:
        mean, std, _ = self.given
        return ((np.asarray(image) - np.array(mean)) / np.array(std)).astype(np.float32)


@pytest.fixture
def adapter() -> Iterator[None]:
    register_adapter(__name__, lambda op: Leaf(*op.given, channel_axis=op.axis) if isinstance(op, OnArrays) else None)
    yield
    unregister_adapter(__name__)


def scaled(image: Any) -> Any:
    return np.asarray(image, np.float64) / 255


def channels(count: int) -> Callable[[Any], Any]:
    return lambda image: np.stack([scaled(image)[..., c % 3] ** (1 + c) for c in range(count)], axis=-1)


def grey_alone(image: Any) -> torch.Tensor:
    assert image.mode == "L"
    return F.to_tensor(image)


HALVES = [0.5] * 3, [0.25] * 3


@pytest.mark.usefixtures("adapter")
@pytest.mark.parametrize(
    ("before", "normalize", "shown"),
    [
        (scaled, OnArrays(*HALVES), "3 of each, for 3 channels"),
        (lambda image: scaled(image).transpose(2, 0, 1), OnArrays(0.5, 0.25), "one mean and one std serve all 3"),
        (lambda image: scaled(image.convert("L")), OnArrays(0.5, 0.25), "1 of each, for 1 channel"),
        (lambda image: scaled(image)[..., :3].astype(">f4"), OnArrays(*HALVES), "3 of each, for 3 channels"),
        (channels(4), OnArrays([0.5] * 4, [0.25] * 4), "4 of each, for 4 channels"),
        (channels(7), OnArrays([0.5] * 7, [0.25] * 7), "7 of each, for 7 channels"),
        (scaled, OnArrays(0.5, 0.25), "one mean and one std serve all 3 channels"),
        (lambda image: torch.from_numpy(scaled(image)), OnArrays(*HALVES), "3 of each, for 3 channels"),
        (lambda image: F.to_tensor(image)[:, 40:48, 40:44], T.Normalize(*HALVES), "3 of each, for 3 channels"),
        (grey_alone, T.Normalize(0.5, 0.25), "1 of each, for 1 channel"),
        (lambda image: scaled(image).astype(np.longdouble), OnArrays(*HALVES), None),
        (lambda image: "a name", OnArrays(*HALVES), None),
        (lambda image: scaled(image).ravel(), OnArrays(0.5, 0.25), None),
        (lambda image: scaled(image)[None], OnArrays(0.5, 0.25, axis=-6), None),
    ],
)
def test_pictures_in_every_form_are_watched(before: Any, normalize: Any, shown: str | None) -> None:
    status, message = verdict(T.Compose([before, normalize]), "statistics_match_channels")
    if shown is None:
        assert status == "not applicable"
        assert message.startswith("the Normalize was not seen at work inside its pipeline: ")
    else:
        assert (status, message[: len(shown)]) == ("passed", shown)
        assert verdict(T.Compose([before, normalize]))[0] == "passed"


UNSEEN = "the Normalize was not seen at work inside its pipeline: "
NO_PICTURE = UNSEEN + "chance passed the Normalize over, or it got no image"


@pytest.mark.filterwarnings("ignore:.*with probability")
@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([T.ToTensor(), T.RandomApply([T.Normalize(MEAN, STD)], p=0.0)], NO_PICTURE),
        ([T.ToTensor(), Doing(torch.flatten)], NO_PICTURE),
        (
            [T.ToTensor(), torch.flatten, T.Normalize(MEAN, STD)],
            "torchvision.transforms.Compose raises on a PIL image, in Normalize: TypeError: Tensor is not a torch",
        ),
        (
            [T.PILToTensor(), np.linalg.inv, T.Normalize(MEAN, STD)],
            "torchvision.transforms.Compose raises on a PIL image, before Normalize: LinAlgError: ",
        ),
    ],
)
def test_why_a_normalize_was_not_seen_at_work(steps: Any, said: str) -> None:
    status, message = verdict(T.Compose(steps), "statistics_match_channels")
    assert (status, message[: len(said)]) == ("not applicable", said)


@pytest.mark.parametrize("normalize", [T.Normalize(MEAN, STD), Doing(lambda x: x)])
def test_pictures_that_are_blackened_on_the_way_tell_nothing(normalize: Any) -> None:
    status, message = verdict(T.Compose([T.ToTensor(), torch.zeros_like, normalize]))
    assert status == "not applicable"
    assert message.startswith("a channel of the images that were watched is of one value; from outside: what was ")
    one_black = T.Compose([T.ToTensor(), lambda x: x * torch.tensor([1, 0, 1])[:, None, None], normalize])
    assert verdict(one_black)[0] == "not applicable"


# --- the scale of what enters ---

TO_BYTES = [255 * one for one in MEAN], [255 * one for one in STD]


@pytest.mark.parametrize(("highest", "passes"), [(4, False), (5, True), (255, True), (256, True), (257, False)])
def test_how_bright_bytes_are(highest: int, passes: bool) -> None:
    pipeline = T.Compose([T.ToTensor(), lambda x: x * highest, T.Normalize(*TO_BYTES)])
    assert verdict(pipeline, "statistics_valid")[0] == ("passed" if passes else "failed")


def test_statistics_of_bytes_on_what_cannot_be_watched() -> None:
    status, message = verdict(T.Normalize(*TO_BYTES), "statistics_valid")
    assert status == "failed"
    assert "look like statistics of bytes (0..255)" in message
    assert verdict(Normalization(MEAN, STD)) == (
        "not applicable",
        "there is nothing around the Normalize that could be run",
    )


@pytest.mark.parametrize(
    ("highest", "statistics", "said"),
    [
        (4, (MEAN, STD), ""),
        (5, (MEAN, STD), "statistics are for 0..1 (mean (0.485, 0.456, 0.406)): scale them first, with ToTensor"),
        (255, ([0.0] * 3, [2.0] * 3), "statistics are for 0..1"),
        (255, ([0.0] * 3, [2.5] * 3), "pixel_max=255), or scale the images to 0..1 and divide both by 255."),
        (256, ([0.0, 0.0, 2.5], [0.5, 0.5, -1.0]), "pixel_max=255), or scale the images"),
        (257, ([0.0] * 3, [2.5] * 3), "pixel_max=1023), or scale the images"),
        (131072, ([0.0] * 3, [2.5] * 3), "pixel_max=131072), or scale the images"),
    ],
)
def test_what_white_is_taken_to_be(highest: int, statistics: Any, said: str) -> None:
    pipeline = T.Compose([T.ToTensor(), lambda x: x * highest, T.Normalize(*statistics)])
    (result,) = check(pipeline, select=["declared_matches_measured"]).results
    if said:
        assert said in result.message
        assert result.message.startswith(f"images in 0..{highest} enter a Normalize whose ")
        assert result.details == {"entering_max": highest}
    else:
        assert "enter a Normalize whose" not in result.message


@pytest.mark.usefixtures("adapter")
@pytest.mark.parametrize(
    ("brightness", "white", "told"), [(1, 255, True), (1, 254, False), (1, 65535, True), (1.5, 255, False)]
)
def test_pictures_in_0_to_1_for_a_normalize_of_bytes(brightness: float, white: float, told: bool) -> None:
    def floats_only(image: Any) -> Any:
        assert torch.is_floating_point(image)
        assert len(image) == 3
        return image.movedim(0, -1).numpy() * brightness

    (result,) = check(
        T.Compose([floats_only, OnArrays([0.5 * white] * 3, [0.25 * white] * 3, white)]),
        select=["declared_matches_measured"],
    ).results
    said = f"images in 0..1 enter a Normalize whose statistics are for 0..{white} (mean "
    assert result.message.startswith(said) == told
    if told:
        assert result.details == {"entering_max": 1.0}


# --- what it does inside ---


class Cropping(T.Normalize):
    def forward(self, tensor: torch.Tensor) -> torch.Tensor:
        return super().forward(tensor)[..., 1:-1, 1:-1]


def test_a_normalize_that_changes_the_size_is_measured_from_outside() -> None:
    pipeline = T.Compose([T.ToTensor(), Cropping(MEAN, STD)])
    status, message = verdict(pipeline)
    assert status == "passed"
    assert message.startswith("mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225), images in 0..1 (measured in ")
    assert verdict(pipeline, "statistics_match_channels")[0] == "passed"


def test_what_was_measured_of_bytes_says_what_white_is() -> None:
    lying = T.Compose([T.PILToTensor(), torch.Tensor.float, DividesTwice(*TO_BYTES)])
    message = verdict(lying)[1]
    assert message.startswith("red: declared mean 123.675 and std 58.395, measured mean 123.675 and std 3409.98: ")
    assert message.endswith("Normalization((123.7, 116.3, 103.5), (3410, 3263, 3292), 255).")


# --- around it ---


def test_a_network_that_normalizes_in_its_code_is_told_to_give_that_alone() -> None:
    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Conv2d(3, 4, 3)

        def normalize(self, images: torch.Tensor) -> torch.Tensor:
            return F.normalize(images, MEAN, STD)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.layer(self.normalize(images))

    network = Network()
    status, message = verdict(network, "finds_normalize")
    assert status == "failed"
    assert message.endswith("It is a network: give what normalizes in it by itself, a layer or a method of it.")
    assert verdict(network.normalize, "finds_normalize")[0] == "passed"


# --- a Normalize that no image meets ---

RAW = torch.arange(48.0).view(3, 4, 4) / 47


class Held(Dataset[Any]):
    """Holds a Normalize, and gives what it is told to give for an index."""

    def __init__(self, gives: Callable[[int, Any], Any], normalize: Any = None) -> None:
        self.gives, self.normalize = gives, normalize or T.Normalize(MEAN, STD)

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> Any:
        return self.gives(index, self.normalize)


def test_a_split_of_which_no_image_meets_a_normalize() -> None:
    raw, right = Held(lambda index, normalize: RAW), Held(lambda index, normalize: normalize(RAW))
    assert verdict({"train": right, "val": raw}, "single_normalize") == (
        "failed",
        "none of the first items of dict['val'] met the Normalize that it holds, and no value in their images is below "
        "0: is it called?",
    )


class Runs:
    """Calls its Normalize as it is told to."""

    def __init__(self, runs: Callable[[Any, torch.Tensor], Any], normalize: Any = None) -> None:
        self.runs, self.normalize = runs, normalize or T.Normalize(MEAN, STD)

    def __call__(self, image: Any) -> Any:
        return self.runs(self.normalize, F.to_tensor(image))


AGAIN = "what leaves Normalize enters it once more: undoing it once gives a normalized image again."


@pytest.mark.parametrize(
    ("runs", "again"),
    [
        (lambda normalize, x: normalize(normalize(x)), True),
        (lambda normalize, x: normalize(normalize(x).double()).float(), True),
        (lambda normalize, x: (normalize(x), normalize(normalize(x).flip(-1))), True),
        (lambda normalize, x: (normalize(x), normalize(x)), False),
        (lambda normalize, x: (normalize(x), normalize(x[0, 0, :2]), normalize(x / 2)), False),
    ],
)
def test_what_enters_once_more(runs: Any, again: bool) -> None:
    lenient = Doing(lambda x: F.normalize(x, MEAN, STD) if x.ndim >= 3 else x)
    status, message = verdict(OfSteps(Runs(runs, lenient)))
    assert (status, message.startswith(AGAIN)) == (("failed", True) if again else ("passed", False)), message


# --- the images that are sent through ---


# --- what is beyond black and white ---


def by_channel(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers)[:, None, None]


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (lambda x: -x, "multiplied by (-1, -1, -1)"),
        (lambda x: 2 - 2 * x, "multiplied by (-2, -2, -2) and shifted by (2, 2, 2)"),
        (lambda x: x * by_channel(1, 1, 2), "multiplied by (1, 1, 2)"),
        (lambda x: torch.cat([x[:2], 2 - 2 * x[2:]]), "multiplied by (1, 1, -2) and shifted by (0, 0, 2)"),
        (lambda x: x / 255 + 1 / 7, "multiplied by (0.003922, 0.003922, 0.003922) and shifted by (0.1429, 0.1429, 0.1"),
        (lambda x: x / 255 + by_channel(0.2, 0, 0), "multiplied by (0.003922, 0.003922, 0.003922) and shifted by (0."),
        (lambda x: x / 255 * by_channel(1, 1, 255), ""),
        (lambda x: torch.stack([x[0] - x[1], 2 * x[1], x[2]]), ""),
        (lambda x: (x * 2 - 1) ** 3, ""),
        (lambda x: x * 2 - 1 if x.max() > 0.02 else x, ""),
        (lambda x: (x * 4 - 2).clamp(-1.5, 1.5), ""),
        (lambda x: x * 2 - 1 + 0.1 * torch.rand(1), ""),
    ],
)
def test_which_pictures_are_beyond_black_and_white(before: Callable[[Any], Any], said: str) -> None:
    status, message = verdict(OfSteps(T.Compose([T.ToTensor(), before, T.Normalize(MEAN, STD)])))
    assert (status, message.startswith(f"images are {said}")) == (("failed", True) if said else ("passed", False))


# --- one image, seen inside alone ---

ONE = torch.rand(3, 5, 6, generator=torch.Generator().manual_seed(5))
ONE[:, 0, :2] = torch.tensor([0.0, 1.0])
NO_FIT = "the statistics do not fit the channels that enter: see statistics_match_channels"
SHUT = "not applicable"


def inside(data: Any) -> tuple[str, str, dict[str, Any]]:
    """What is said of a data set whose Normalize cannot be called from outside."""
    located = declared(data)
    try:
        shown = declared_against_measured(data, located, replace(located, call=None))
    except CheckFailure as error:
        return "failed", str(error), error.details
    except NotApplicable as error:
        return SHUT, str(error), {}
    return "passed", shown.message, shown.details


def meeting(image: Any, does: Callable[[Any], Any] | None = None, *statistics: Any) -> Held:
    """A data set of one image that meets a Normalize, which does what it declares unless told otherwise."""
    mean, std = statistics or (MEAN, STD)
    normalize = T.Normalize(mean, std) if does is None else Doing(does, mean, std)
    return Held(lambda index, normalize: normalize(image), normalize)


def right(x: torch.Tensor) -> torch.Tensor:
    return F.normalize(x, MEAN, STD)


def curved(x: torch.Tensor) -> torch.Tensor:
    """In a hundredth of the range."""
    return x + 0.01 * torch.sin(6 * x)


def by_spread(x: torch.Tensor) -> torch.Tensor:
    if not x.std():
        raise ValueError("flat")
    return right(x) / x.std()


def of_this_size(x: torch.Tensor) -> torch.Tensor:
    if x.shape[-2:] != (5, 6):
        raise ValueError("another size")
    return x


OF_ONE = ": all that leaves Normalize is of one value, and nothing brings the image back."
NO_MAP = "Held.normalize: test_boundary.Doing does not do what its attributes say, and what it does is no Normalize: "
DIFFERS = "declared mean 0.485 and std 0.229, measured mean "


@pytest.mark.parametrize(
    ("does", "status", "said"),
    [
        (right, "passed", "measured mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225) inside the pipeline"),
        (raising, SHUT, NO_FIT),
        (lambda x: right(x)[:2], SHUT, NO_FIT),
        (lambda x: torch.cat([right(x), x[:2]]), SHUT, NO_FIT),
        (lambda x: right(x)[:, 1:], SHUT, "the image changes its size inside the Normalize"),
        (lambda x: right(x).flip(-1), SHUT, "pixels change places inside the Normalize"),
        (lambda x: right(x).flip(-1) * by_channel(1, 2, 1), "failed", f"{NO_MAP}not affine: up to "),
        (torch.zeros_like, "failed", f"red{OF_ONE}"),
        (lambda x: right(x) * by_channel(1, 0, 1), "failed", f"green{OF_ONE}"),
        (lambda x: right(x) / 2, "failed", f"red: {DIFFERS}0.485 and std 0.458: "),
        (lambda x: right(x) + 1e-3, "failed", f"red: {DIFFERS}0.484771 and std 0.229: "),
        (lambda x: right(x) + by_channel(0, 0, 1), "failed", "blue: declared mean 0.406 and std 0.225, measured mean "),
        (lambda x: right(x).half(), "passed", "measured mean (0.4"),
        (lambda x: (right(x) * 100).round().int(), "failed", f"red: {DIFFERS}0.48"),
        (lambda x: right(x).flip(0), "failed", f"{NO_MAP}the channels leave it reversed "),
        (lambda x: right(x).mean(0, keepdim=True).expand(3, -1, -1), "failed", f"{NO_MAP}mixed: "),
        (lambda x: right(x**3), "failed", f"{NO_MAP}clipped: "),
        (lambda x: right(x).roll(1, 0), "failed", f"{NO_MAP}the channels leave it in the order (2, 0, 1). "),
        (lambda x: right(curved(x)), "failed", f"{NO_MAP}not affine: up to "),
        (lambda x: right(x) * (0.9 + 0.01 * torch.rand(1)), "failed", f"{NO_MAP}random: "),
        (by_spread, "failed", f"{NO_MAP}per-image: "),
        (lambda x: of_this_size(right(x**3)), "failed", f"{NO_MAP}not affine: up to "),
        (lambda x: of_this_size(right(x) / 2), "failed", f"red: {DIFFERS}0.485 and std 0.458: "),
    ],
)
def test_what_is_seen_of_one_picture(does: Any, status: str, said: str) -> None:
    found = inside(meeting(ONE, does))
    assert (found[0], found[1][: len(said)]) == (status, said)


# --- in which order images are seen ---


# --- what is measured from outside, too ---


def test_what_a_network_makes_of_pictures_is_no_change_of_them() -> None:
    """Though what it gives is of their size."""
    network = torch.nn.Sequential(T.Normalize(MEAN, STD), torch.nn.Conv2d(3, 3, 1))
    assert verdict(network)[0] == "passed"
    assert verdict(torch.nn.Sequential(T.Normalize(MEAN, STD), torch.nn.Flatten(0, -1)))[0] == "passed"
    with torch.no_grad():
        frozen = torch.nn.Sequential(T.Normalize(MEAN, STD), torch.nn.ReLU())
    assert verdict(frozen)[0] == "failed"
