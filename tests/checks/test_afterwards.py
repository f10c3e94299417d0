"""What is done to images after Normalize, and cannot be undone with mean and std."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from photographs import photographs
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision import transforms as T
from torchvision.transforms import functional as F
from torchvision.transforms import v2

from pytest_denorm import Normalization, check, find_normalize
from pytest_denorm.checks.afterwards import refuse_changed_colors, refuse_changed_pixels
from pytest_denorm.checks.outcome import CheckFailure
from pytest_denorm.checks.sighting import Sighting
from pytest_denorm.checks.stages import ColorStages

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
NORMALIZE = T.Normalize(MEAN, STD)


def then(*steps: Any) -> T.Compose:
    return T.Compose([T.ToTensor(), NORMALIZE, *steps])


def verdict(pipeline: Any, name: str = "declared_matches_measured") -> tuple[str, str]:
    (result,) = check(pipeline, select=[name]).results
    return result.status, result.message


CAST = {
    "PIL": then(T.ToPILImage()),
    "v2": v2.Compose([T.ToTensor(), v2.Normalize(MEAN, STD), v2.ToDtype(torch.uint8, scale=True)]),
    "byte": then(T.Lambda(lambda t: t.byte())),
}


@pytest.mark.parametrize("name", CAST)
def test_bytes(name: str) -> None:
    assert verdict(CAST[name]) == (
        "failed",
        "what leaves Normalize is cast to uint8 before it leaves the pipeline: normalized values lie around 0, and "
        "next to nothing is left of them. Whatever makes or wants bytes has to come before Normalize.",
    )


RECOLORED = {
    "to PIL and back": then(T.ToPILImage(), T.ToTensor()),
    "jitter": then(T.ColorJitter(0.4, 0.4, 0.4, 0.1)),
    "brightness": then(T.Lambda(lambda t: F.adjust_brightness(t, 1.2))),
    "no sign": then(T.Lambda(torch.abs)),
    "a curve": then(torch.nn.Sigmoid()),
    "jitter, then a crop": then(T.ColorJitter(0.4, 0.4, 0.4, 0.1), T.RandomCrop(64)),
}


@pytest.mark.parametrize("name", RECOLORED)
def test_other_colors(name: str) -> None:
    status, message = verdict(RECOLORED[name])
    assert status == "failed"
    assert re.fullmatch(
        r"an image of one color leaves Normalize as \(-1\.09, 0\.06513, 1\.681\), and the pipeline as \(.*\): "
        r"colors are changed in between, and undoing Normalize does not undo that\. Change them before Normalize, if "
        r"at all\.",
        message,
    )


def test_which_color_became_which() -> None:
    (result,) = check(RECOLORED["no sign"], select=["declared_matches_measured"]).results
    assert result.details["leaving"] == pytest.approx([-1.0904, 0.0651, 1.6813], abs=1e-3)
    assert result.details["final"] == pytest.approx([1.0904, 0.0651, 1.6813], abs=1e-3)


HARMLESS = {
    "nothing": then(),
    "erasing": then(T.RandomErasing(p=1)),
    "erasing with noise": then(T.RandomErasing(p=1, value="random")),
    "a flip": then(T.RandomHorizontalFlip(1.0)),
    "a crop": then(T.RandomCrop(32)),
    "another size": then(T.Resize(64)),
    "noise": then(T.Lambda(lambda t: t + 0.1 * torch.randn_like(t))),
    "a blur": then(T.GaussianBlur(5)),
    "a rotation": then(T.RandomRotation(30)),
    "padding": then(T.Pad(20)),
    "half precision": then(T.ConvertImageDtype(torch.float16)),
    "several crops": then(T.FiveCrop(32), T.Lambda(torch.stack)),
    "colors before": T.Compose([T.ColorJitter(0.4, 0.4, 0.4, 0.1), then()]),
    "levels before": T.Compose([T.RandomPosterize(2, p=1.0), then()]),
    "noise before, a flip after": T.Compose(
        [T.ToTensor(), T.Lambda(lambda t: t + 0.1 * torch.randn_like(t)), NORMALIZE, T.RandomHorizontalFlip(1.0)]
    ),
    "a channel left out": then(T.Lambda(lambda t: t * torch.tensor([1.0, 0, 1]).view(3, 1, 1))),
    "grey, and noise": T.Compose(
        [T.Grayscale(), T.ToTensor(), T.Normalize(0.5, 0.25), T.Lambda(lambda t: t + 0.1 * torch.randn_like(t))]
    ),
    "a network": torch.nn.Sequential(NORMALIZE, torch.nn.Conv2d(3, 3, 3, padding=1)),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_pixels_may_move_and_be_noisy(name: str) -> None:
    assert verdict(HARMLESS[name])[0] == "passed"


# --- what a data set does around its transform ---


class Items(Dataset[Any]):
    """What it makes of an image is one with what it does to what its transform gives."""

    def __init__(self, then: Any, picture: Any) -> None:
        self.transform, self.then, self.picture = T.Compose([T.ToTensor(), NORMALIZE]), then, picture

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        return self.then(self.transform(self.picture(index)))


def noisy(index: int) -> Any:
    return np.random.RandomState(index).randint(0, 256, (64, 64, 3), np.uint8)


def photographed(index: int) -> Any:
    return np.asarray(photographs()[0])[:160, 10 * index : 10 * index + 160].copy()


def shaded(index: int) -> Any:
    """As many levels as there are columns, so that no curve can be told from a move."""
    return np.broadcast_to(np.arange(200, dtype=np.uint8)[:, None], (100, 200, 3)).copy()


SCALED = "what leaves Normalize is multiplied by (2, 2, 2) and shifted by (0, 0, 0) before it leaves the pipeline: "
TURNED = (
    "the channels leave the pipeline {}: undoing Normalize gives images in that order, and the network has to be one "
    "for it. Take the exchange of channels out, or turn them back in an inverse of your own, and give that: inverse=."
)
CHANGED = (
    "what leaves Normalize is {} before it leaves the pipeline: undoing Normalize does not undo that. Do it before "
    "Normalize, if at all."
)
AROUND = {
    "BGR": (lambda y: y.flip(0), TURNED.format("reversed (RGB becomes BGR)")),
    "BGR and a flip": (lambda y: y.flip(0).flip(-1), TURNED.format("reversed (RGB becomes BGR)")),
    "BGR and erasing": (lambda y: T.RandomErasing(p=1)(y[[1, 2, 0]]), TURNED.format("in the order (1, 2, 0)")),
    "twice": (
        NORMALIZE,
        "what leaves Normalize enters it once more: undoing it once gives a normalized image again. Normalize each "
        "image once.",
    ),
    "a flip, and again": (lambda y: NORMALIZE(y.flip(-1)), "what leaves Normalize enters it once more: "),
    "scaled": (lambda y: y * 2, SCALED),
    "scaled and a flip": (lambda y: (y * 2).flip(-1), SCALED),
    "cut off, and a flip": (lambda y: y.clamp(-1, 1).flip(-1), "what leaves Normalize is cut off at -1..1 before "),
    "a curve": (lambda y: y.sign() * y.abs().sqrt(), CHANGED.format("changed by a curve")),
    "no sign": (torch.abs, CHANGED.format("changed by a curve")),
    "grey": (lambda y: y.mean(0, keepdim=True).expand(3, -1, -1), CHANGED.format("made grey")),
    "mixed": (
        lambda y: torch.stack([0.9 * y[0] + 0.1 * y[1], y[1], y[2]]),
        CHANGED.format("mixed among its channels"),
    ),
}


@pytest.mark.parametrize("picture", [noisy, photographed])
@pytest.mark.parametrize("name", AROUND)
def test_what_a_data_set_does_to_a_normalized_picture(name: str, picture: Any) -> None:
    then_, said = AROUND[name]
    for data in (Items(then_, picture), DataLoader(Items(lambda y: {"image": then_(y), "label": 1}, picture))):
        status, message = verdict(data)
        assert status == "failed"
        assert message.startswith(said)


QUIET = {
    "nothing": lambda y: y,
    "a flip": lambda y: y.flip(-1),
    "a quarter of a turn": lambda y: y[:, :64, :64].rot90(1, (1, 2)),
    "erasing": T.RandomErasing(p=1),
    "erasing with noise": T.RandomErasing(p=1, value="random"),
    "a blur": T.GaussianBlur(5),
    "a crop": T.RandomCrop(32),
    "a crop of a padded picture": lambda y: T.RandomCrop(y.shape[1:], padding=4)(y),
    "a crop of a mirrored picture": lambda y: T.RandomCrop(y.shape[1:], padding=4, padding_mode="reflect")(y),
    "a rotation": T.RandomRotation(30),
    "noise": lambda y: y + 0.1 * torch.randn_like(y),
    "another image mixed in": lambda y: 0.7 * y + 0.3 * y.flip(-1),
    "half precision": lambda y: y.half(),
    "channels last": lambda y: y.permute(1, 2, 0),
    "a batch of one": lambda y: y[None],
    "what it was before": lambda y: (y * 0.25 + 0.45, y),
    "grey to be colored": lambda y: (y.mean(0, keepdim=True).expand(3, -1, -1), y),
    "a channel left out": lambda y: y * torch.tensor([1.0, 0, 1]).view(3, 1, 1),
}


@pytest.mark.parametrize("picture", [noisy, photographed, shaded])
@pytest.mark.parametrize("name", QUIET)
def test_what_a_data_set_may_do_to_a_normalized_picture(name: str, picture: Any) -> None:
    assert verdict(Items(QUIET[name], picture))[0] == "passed"


def test_two_views_and_kept_pictures_are_no_second_pass() -> None:
    class Views(Items):
        def __getitem__(self, index: int) -> Any:
            return [self.transform(self.picture(index)), self.transform(self.picture(index)).flip(-1)]

    class Kept(Items):
        def __init__(self) -> None:
            super().__init__(None, noisy)
            self.kept = [self.transform(noisy(index)) for index in range(4)]

        def __getitem__(self, index: int) -> Any:
            return self.kept[index].flip(0)

    assert verdict(Views(None, noisy))[0] == "passed"
    assert verdict(Kept())[0] == "passed"


# --- the order of steps ---


def test_a_normalize_before_the_step_that_makes_a_tensor() -> None:
    status, message = verdict(T.Compose([NORMALIZE, T.ToTensor()]))
    assert status == "failed"
    assert re.fullmatch(
        r"torchvision.transforms.Compose raises on a PIL image, in Normalize: TypeError: .*PIL.*\. Is Normalize before "
        r"the step that makes a tensor\?",
        message,
    )


def test_what_wants_images_of_another_size_is_seen_as_far_as_normalize() -> None:
    def of_one_size(tensor: torch.Tensor) -> torch.Tensor:
        raise ValueError(f"expected 17 x 19, got {tuple(tensor.shape)}")

    class Network(torch.nn.Linear):
        def forward(self, tensor: torch.Tensor) -> torch.Tensor:
            raise TypeError("not today")

    for later in (of_one_size, Network(2, 2)):
        pipeline = (
            torch.nn.Sequential(NORMALIZE, later) if isinstance(later, Network) else T.Compose([NORMALIZE, later])
        )
        assert verdict(pipeline)[0] == "passed"


# --- data sets that hold a Normalize, and do not use it ---


class Pictures(Dataset[Any]):
    def __init__(self, transform: Any, *, used_from: int = 0, kept: bool = False) -> None:
        self.transform, self.used_from = transform, used_from
        self.kept = [transform(self.picture(index)) for index in range(12)] if kept else None

    def picture(self, index: int) -> Any:
        return np.random.RandomState(index).randint(0, 256, (16, 18, 3), np.uint8)

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> Any:
        if self.kept is not None:
            return self.kept[index], 0
        made = self.transform if index >= self.used_from else T.ToTensor()
        return made(self.picture(index)), 0


@pytest.mark.parametrize(
    "held", [lambda one: one, lambda one: DataLoader(one, batch_size=4), lambda one: Subset(one, range(11))]
)
def test_a_normalize_that_no_item_meets(held: Any) -> None:
    unused = held(Pictures(then(), used_from=12))
    status, message = verdict(unused, "single_normalize")
    assert (status, message.partition(" (")[0]) == (
        "failed",
        "none of the first items met the Normalize that the data set holds",
    )
    assert message.endswith("), and no value in their images is below 0: is it called?")
    assert verdict(unused, "dataset_is_standardized") == (
        "not applicable",
        "its images do not meet the Normalize: see single_normalize",
    )
    for used in (Pictures(then()), Pictures(then(), used_from=9)):
        assert verdict(held(used), "single_normalize") == ("passed", "one Normalize, met by every image")


class Otherwise(Pictures):
    """Normalizes by itself, but for the last of ten items, which is white."""

    def __getitem__(self, index: int) -> Any:
        picture = F.to_tensor(self.picture(index))
        return (torch.ones_like(picture) if index == 9 else (picture - 0.5) / 0.5), 0


@pytest.mark.parametrize("kind", [Otherwise, lambda transform: Pictures(transform, kept=True)])
def test_normalized_pictures_that_do_not_meet_the_normalize(kind: Any) -> None:
    data = kind(then())
    status, message = verdict(data, "single_normalize")
    assert status == "not applicable"
    assert message == (
        f"none of the first items met the Normalize that the data set holds ({find_normalize(data).source}): their "
        f"images are kept normalized, or something else normalizes them"
    )
    assert verdict(data, "dataset_is_standardized")[0] == "warned"  # it is measured all the same


def test_a_loader_may_normalize_whole_batches() -> None:
    class Collate:
        normalize = NORMALIZE

        def __init__(self) -> None:
            self.own = self.normalize

        def __call__(self, items: Any) -> torch.Tensor:
            return self.own(torch.stack([picture for picture, _ in items]))

    loader = DataLoader(Pictures(T.ToTensor()), batch_size=4, collate_fn=Collate())
    assert verdict(loader, "single_normalize")[0] == "passed"


def test_data_sets_that_cannot_be_read_are_the_business_of_others() -> None:
    class Broken(Pictures):
        def __getitem__(self, index: int) -> Any:
            raise OSError("no such file")

    assert verdict(Broken(then()), "single_normalize")[0] == "passed"


def test_of_ten_items_one_that_meets_it_is_enough() -> None:
    assert verdict(Pictures(then(), used_from=10), "single_normalize")[0] == "failed"


def test_a_factor_of_255_in_a_data_set_is_told_as_one() -> None:
    class Photographs(Dataset[Any]):
        transform = T.Compose([T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])

        def __len__(self) -> int:
            return 1

        def __getitem__(self, index: int) -> torch.Tensor:
            levels = np.random.default_rng(index).integers(0, 256, (24, 32, 3), dtype=np.uint8)
            return self.transform(levels) * 255

    (failed,) = check(Photographs(), select=["declared_matches_measured"]).failures
    assert failed.message.startswith("what leaves Normalize is multiplied by (255, 255, 255) and shifted by (0, 0, 0)")


# --- what is seen of one image, and of images of one color ---

DECLARED = Normalization(MEAN, STD)


def refused(leaving: Any, final: Any, is_own: bool = True) -> CheckFailure | None:
    try:
        refuse_changed_pixels(Sighting(leaving, leaving, final=final, is_own=is_own), DECLARED, None)
    except CheckFailure as failure:
        return failure
    return None


def told(leaving: Any, final: Any, is_own: bool = True) -> str:
    return str(refused(leaving, final, is_own) or "")


def factorial(channels: int = 3) -> torch.Tensor:
    """Every combination of -1 and 1, one a pixel: channels that have nothing to do with each other."""
    pixels = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * channels)
    return pixels.T.reshape(channels, 2, -1)


def scattered(levels: int, size: tuple[int, int] = (41, 41), seed: int = 0) -> torch.Tensor:
    """Levels around 0, equally often in all but the last row and column."""
    generator = torch.Generator().manual_seed(seed)
    height, width = size[0] - 1, size[1] - 1
    picture = torch.zeros(3, *size, dtype=torch.float64)
    for channel in picture:
        order = torch.randperm(height * width, generator=generator)
        channel[:-1, :-1] = (torch.arange(height * width) % levels)[order].view(height, width)
        channel[-1], channel[:, -1] = channel[0], channel[:, 0]
    return picture - (levels - 1) / 2


def test_a_scale_is_told_channel_by_channel() -> None:
    y = factorial()
    gain, offset = torch.tensor([3.0, 1.0, -2.0]), torch.tensor([0.5, 0.0, -0.25])
    failure = refused(y, y * gain.view(3, 1, 1) + offset.view(3, 1, 1), False)
    # 3 * (x - 0.485) / 0.229 + 0.5 = (x - 0.446833) / 0.0763333
    assert str(failure) == (
        "what leaves Normalize is multiplied by (3, 1, -2) and shifted by (0.5, 0, -0.25) before it leaves the "
        "pipeline: undoing Normalize does not undo that. All of it is what Normalize(mean=(0.4468, 0.456, 0.3779), "
        "std=(0.07633, 0.224, -0.1125)) does."
    )
    assert failure is not None
    assert failure.details["gain"] == pytest.approx(gain.tolist())
    assert failure.details["offset"] == pytest.approx(offset.tolist())
    assert refused(y, y, False) is None


def test_where_it_is_cut_off() -> None:
    y = scattered(9)
    failure = refused(y, y.clip(-1.23456, 2.5), False)
    assert failure is not None
    assert str(failure) == (
        "what leaves Normalize is cut off at -1.235..2.5 before it leaves the pipeline: that cannot be undone. Clamp "
        "the images before Normalize, if at all."
    )
    assert failure.details == {"low": -1.23456, "high": 2.5}


def test_what_one_channel_alone_follows_is_no_scale_and_no_mixture() -> None:
    y = factorial()
    y0, y1, y2 = y
    odd = y2 + y0 * y1 * y2  # as well fitted by y2, and off it by 1
    assert refused(y, torch.stack([y0, y1, odd]), False) is None
    assert refused(y, torch.stack([0.9 * y0 + 0.1 * y1, y1, odd])) is None
    mixed = torch.stack([0.9 * y0 + 0.1 * y1, y1, y2])  # with a grey pixel or two
    assert told(y, mixed) == CHANGED.format("mixed among its channels")
    assert told(y, y.mean(0, keepdim=True).expand(3, -1, -1)) == CHANGED.format("made grey")


@pytest.mark.parametrize(("share", "is_told"), [(9e3, True), (1.1e4, False)])
def test_channels_that_hardly_differ_do_not_show_a_mixture(share: float, is_told: bool) -> None:
    y = factorial() * torch.tensor([1.0, 1.0, 1 / share], dtype=torch.float64).view(3, 1, 1)
    y = y + torch.tensor([0.5, 0.0, -0.5], dtype=torch.float64).view(3, 1, 1)
    mixed = torch.stack([0.9 * y[0] + 0.1 * y[1], y[1], y[2]])
    assert bool(told(y, mixed)) == is_told


@pytest.mark.parametrize("channels", [2, 6, 7])
def test_the_order_of_any_number_of_channels_is_told(channels: int) -> None:
    y = factorial(channels) * torch.arange(1.0, channels + 1).view(-1, 1, 1)
    failure = refused(y, y.flip(0))
    assert str(failure) == TURNED.format("reversed (RGB becomes BGR)")
    assert failure is not None
    assert failure.details == {"order": list(range(channels))[::-1]}


@pytest.mark.parametrize(("erased", "is_told"), [(3, True), (4, False)])
def test_the_order_shows_in_more_than_half_of_a_picture(erased: int, is_told: bool) -> None:
    y = factorial() * torch.tensor([1.0, 2, 3]).view(3, 1, 1)
    z = y.flip(0).reshape(3, 8).clone()
    z[:, :erased] = 7.0
    assert told(y, z.view_as(y)) == (TURNED.format("reversed (RGB becomes BGR)") if is_told else "")


@pytest.mark.parametrize(("dtype", "room"), [(torch.float16, 2**-10), (torch.bfloat16, 2**-7), (torch.float32, 1e-5)])
def test_a_cast_takes_as_much_as_its_dtype_rounds(dtype: torch.dtype, room: float) -> None:
    y = factorial() * torch.tensor([1.0, 0.25, 0.25]).view(3, 1, 1)
    quiet, loud = ((y[1:] + by * room).to(dtype) for by in (0.75, 1.5))
    first = y[:1].to(dtype)
    assert told(y, torch.cat([first, quiet]), False) == ""
    assert told(y, torch.cat([first, loud]), False).startswith("what leaves Normalize is multiplied by (1, 1, 1) and")


def test_black_that_stays_black_is_not_cut_off() -> None:
    black = torch.zeros(3, 4, 5)
    assert refused(black, black) is None


CURVED = {
    "one to one": lambda y: y.sign() * y.abs().sqrt(),
    "two to one": torch.abs,
    "of one channel more than of another": lambda y: torch.stack([y[0].exp(), y[1] ** 3, y[2].sigmoid()]),
}


@pytest.mark.parametrize("name", CURVED)
@pytest.mark.parametrize("form", [lambda y: y, lambda y: y[None]], ids=["picture", "batch"])
def test_a_curve_is_told_by_pixels_of_one_level(name: str, form: Any) -> None:
    y = scattered(40, (41, 51))
    assert told(form(y), form(CURVED[name](y))) == CHANGED.format("changed by a curve")


@pytest.mark.parametrize(("levels", "is_told"), [(33, True), (32, False)])
def test_a_curve_takes_enough_levels(levels: int, is_told: bool) -> None:
    y = scattered(levels, (67, 65))
    assert bool(told(y, y**3)) == is_told


def test_a_curve_takes_enough_pixels() -> None:
    assert told(scattered(40, (24, 24)), scattered(40, (24, 24)) ** 3) == CHANGED.format("changed by a curve")
    assert told(scattered(40, (15, 15)), scattered(40, (15, 15)) ** 3) == ""


@pytest.mark.parametrize(("changed", "is_told"), [(3, False), (4, True)])
def test_a_curve_changes_a_tenth_of_a_picture(changed: int, is_told: bool) -> None:
    y = scattered(40)
    assert bool(told(y, torch.where(y >= 20 - changed, y**2, y))) == is_told
    of_two = torch.stack([y[0] ** 3, y[1] ** 3, torch.where(y[2] >= 20 - changed, y[2] ** 2, y[2])])
    assert bool(told(y, of_two)) == is_told


def cyclic(along: int) -> torch.Tensor:
    """What comes next along this axis follows from the level, and nothing does along the other."""
    starts = torch.randint(40, (3, 80), generator=torch.Generator().manual_seed(0))
    picture = ((starts[:, :, None] + torch.arange(80)) % 40).double() - 19.5
    return picture if along == -1 else picture.mT.contiguous()


MOVED = {
    "up": lambda: (cyclic(-2), cyclic(-2).roll(-1, -2)),
    "to the left": lambda: (cyclic(-1), cyclic(-1).roll(-1, -1)),
    "up, and turned over": lambda: (scattered(40), -scattered(40).roll(-1, -2)),
    "dithered": lambda: (scattered(40), scattered(40) + 1.5 * (torch.arange(41) % 2)),
    "a ramp": lambda: (scattered(40), -torch.arange(3.0 * 41 * 41).view(3, 41, 41) / 100),
    "one color": lambda: (scattered(40), torch.tensor([0.5, 1, 2]).view(3, 1, 1).expand(3, 41, 41)),
    "a channel left out": lambda: (scattered(40), scattered(40) * torch.tensor([1.0, 0, 1]).view(3, 1, 1)),
    "curved, but for a channel": lambda: (
        scattered(40),
        torch.stack([*scattered(40)[:2] ** 3, scattered(40)[2].roll(1, 0)]),
    ),
}


@pytest.mark.parametrize("name", MOVED)
def test_what_may_be_a_move_is_no_curve(name: str) -> None:
    assert told(*MOVED[name]()) == ""


# --- images of one color ---

COLORS = np.array([[1.0, -2.0, 4.0], [0, 1, 2], [2, 0, -1], [-1, 3, 0], [0, 0, 0], [1, 1, 1]])


@pytest.mark.parametrize(
    ("final", "said"),
    [
        (COLORS, ""),
        (COLORS * (1 + 1e-6), ""),
        (COLORS * 2 + 1, "what leaves Normalize is multiplied by (2, 2, 2) and shifted by (1, 1, 1)"),
        (COLORS.clip(-1, 2), "what leaves Normalize is cut off at -1..2 before"),
        (COLORS[:, [2, 1, 0]], "the channels leave the pipeline reversed (RGB becomes BGR)"),
        (COLORS.mean(axis=1, keepdims=True).repeat(3, axis=1), "what leaves Normalize is made grey"),
        (COLORS + COLORS[:, [1, 2, 0]] / 10, "what leaves Normalize is mixed among its channels"),
        (np.abs(COLORS), "an image of one color leaves Normalize as (1, -2, 4), and the pipeline as (1, 2, 4)"),
    ],
)
def test_colors(final: Any, said: str) -> None:
    stages = ColorStages(COLORS, COLORS, COLORS, final, True, torch.float32)
    try:
        refuse_changed_colors(stages, DECLARED, None)
    except CheckFailure as failure:
        found = str(failure)
    else:
        found = ""
    assert found.startswith(said)
    assert bool(found) == bool(said)


def test_colors_that_the_inverse_turns_back() -> None:
    stages = ColorStages(COLORS, COLORS, COLORS, COLORS[:, [2, 1, 0]], True, torch.float32)
    refuse_changed_colors(stages, DECLARED, (2, 1, 0))


# --- pixels that are treated otherwise, and items that are ---


class Partly:
    """Normalizes a part of the image."""

    def __init__(self, top: int, factor: float = 1.0) -> None:
        self.normalize, self.top, self.factor = NORMALIZE, top, factor

    def __call__(self, image: Any) -> torch.Tensor:
        x = F.to_tensor(image)
        return torch.cat([self.normalize(x[:, : self.top]), x[:, self.top :] * self.factor], dim=1)


@pytest.mark.parametrize("pipeline", [Partly(132), T.Compose([Partly(200), T.Pad(9)])])
def test_pixels_that_are_treated_by_where_they_lie(pipeline: Any) -> None:
    status, message = verdict(pipeline)
    assert status == "failed"
    assert re.match(r"\d\d% of the pixels have another slope or offset than the others, for where they lie", message)


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (lambda y: y * 2, "what leaves Normalize is multiplied by (2, 2, 2)"),
        (NORMALIZE, "what leaves Normalize is multiplied by (4.367, 4.464, 4.444)"),
        (lambda y: NORMALIZE(y) if y.sum() else y, "what leaves Normalize "),
        (lambda y: y * float("nan"), "25,600 of 25,600 pixels are NaN or infinite when they leave the pipeline"),
        (lambda y: y.flip(0), "the channels leave the pipeline reversed (RGB becomes BGR)"),
    ],
    ids=["doubled", "normalized by another", "normalized twice", "NaN", "BGR"],
)
@pytest.mark.parametrize("index", [1, 2])
def test_items_beyond_the_first(then: Any, said: str, index: int) -> None:
    class Some(Items):
        def __getitem__(self, at: int) -> Any:
            y = self.transform(self.picture(at))
            return then(y) if at == index else y

    other = T.Normalize(MEAN, STD)
    data = Some(None, photographed)
    data.transform = T.Compose([T.ToTensor(), other])
    status, message = verdict(data)
    assert status == "failed"
    assert message.startswith(said)


@pytest.mark.parametrize(
    "step",
    [
        T.RandomCrop(32, padding=4),
        T.RandomAffine(20, (0.1, 0.1), (0.8, 1.2), interpolation=T.InterpolationMode.BILINEAR),
        T.RandomPerspective(p=1),
        T.Compose([T.Pad(30), T.Resize(33)]),
    ],
    ids=["crop", "affine", "perspective", "padding"],
)
def test_padding_and_its_edges_are_no_other_treatment(step: Any) -> None:
    for pipeline in (T.Compose([step, T.ToTensor(), NORMALIZE]), then(step)):
        assert verdict(pipeline)[0] == "passed"
