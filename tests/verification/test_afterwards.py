"""What is done to pictures after Normalize, and cannot be undone with mean and std."""

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

from pytest_denorm import check, find_normalize

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


COLOURS = {
    "to PIL and back": then(T.ToPILImage(), T.ToTensor()),
    "jitter": then(T.ColorJitter(0.4, 0.4, 0.4, 0.1)),
    "brightness": then(T.Lambda(lambda t: F.adjust_brightness(t, 1.2))),
    "no sign": then(T.Lambda(torch.abs)),
    "a curve": then(torch.nn.Sigmoid()),
    "grey": then(T.Grayscale(3)),
    "mixed": then(
        T.Lambda(lambda t: torch.einsum("ij,jhw->ihw", torch.tensor([[0.9, 0.1, 0], [0, 1, 0], [0, 0, 1]]), t))
    ),
    "jitter, then a crop": then(T.ColorJitter(0.4, 0.4, 0.4, 0.1), T.RandomCrop(64)),
}


@pytest.mark.parametrize("name", COLOURS)
def test_other_colours(name: str) -> None:
    status, message = verdict(COLOURS[name])
    assert status == "failed"
    assert re.fullmatch(
        r"a picture of one colour leaves Normalize as \(-1\.09, 0\.06513, 1\.681\), and the pipeline as \(.*\): "
        r"colours are changed in between, and undoing Normalize does not undo that\. Change them before Normalize, if "
        r"at all\.",
        message,
    )


def test_which_colour_became_which() -> None:
    (result,) = check(COLOURS["no sign"], select=["declared_matches_measured"]).results
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
    "colours before": T.Compose([T.ColorJitter(0.4, 0.4, 0.4, 0.1), then()]),
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
    """What it makes of a picture is one with what it does to what its transform gives."""

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
    "what leaves Normalize has its channels {} in the end: undoing Normalize gives pictures in that order, and the "
    "network has to be one for it. Exchange channels before Normalize, if at all."
)
CHANGED = (
    "what leaves Normalize is {} before it leaves the data set: undoing Normalize does not undo that. Do it before "
    "Normalize, if at all."
)
AROUND = {
    "BGR": (lambda y: y.flip(0), TURNED.format("reversed (RGB becomes BGR)")),
    "BGR and a flip": (lambda y: y.flip(0).flip(-1), TURNED.format("reversed (RGB becomes BGR)")),
    "BGR and erasing": (lambda y: T.RandomErasing(p=1)(y[[1, 2, 0]]), TURNED.format("in the order (1, 2, 0)")),
    "twice": (
        NORMALIZE,
        "what leaves Normalize enters it once more: undoing it once gives a normalized picture again. Normalize each "
        "picture once.",
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
    "another picture mixed in": lambda y: 0.7 * y + 0.3 * y.flip(-1),
    "half precision": lambda y: y.half(),
    "channels last": lambda y: y.permute(1, 2, 0),
    "a batch of one": lambda y: y[None],
    "what it was before": lambda y: (y * 0.25 + 0.45, y),
    "grey to be coloured": lambda y: (y.mean(0, keepdim=True).expand(3, -1, -1), y),
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
        r"no picture passes the pipeline: its Normalize refuses pictures and arrays \(TypeError: .*PIL.*\), and what "
        r"follows refuses what Normalize gives \(TypeError: pic should be PIL Image or ndarray.*\)\. Is it before the "
        r"step that makes a tensor\?",
        message,
    )
    assert verdict(T.Compose([T.ToTensor(), NORMALIZE]))[0] == "passed"


def test_what_wants_pictures_of_another_size_is_no_matter_of_order() -> None:
    def of_one_size(tensor: torch.Tensor) -> torch.Tensor:
        raise ValueError(f"expected 17 x 19, got {tuple(tensor.shape)}")

    class Network(torch.nn.Linear):
        def forward(self, tensor: torch.Tensor) -> torch.Tensor:
            raise TypeError("not today")

    for later in (of_one_size, Network(2, 2)):
        pipeline = (
            torch.nn.Sequential(NORMALIZE, later) if isinstance(later, Network) else T.Compose([NORMALIZE, later])
        )
        assert verdict(pipeline)[0] == "not applicable"


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
    assert message.endswith("), and no value in their pictures is below 0: is it called?")
    assert verdict(unused, "dataset_is_standardized") == (
        "not applicable",
        "its pictures do not meet the Normalize: see single_normalize",
    )
    for used in (Pictures(then()), Pictures(then(), used_from=9)):
        assert verdict(held(used), "single_normalize") == ("passed", "one Normalize, met by every picture")


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
        f"pictures are kept normalized, or something else normalizes them"
    )
    assert verdict(data, "dataset_is_standardized")[0] == "failed"  # it is measured all the same


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
