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


RECOLORED = {
    "to PIL and back": then(T.ToPILImage(), T.ToTensor()),
    "jitter": then(T.ColorJitter(0.4, 0.4, 0.4, 0.1)),
    "no sign": then(T.Lambda(torch.abs)),
    "a curve": then(torch.nn.Sigmoid()),
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
    "a crop": then(T.RandomCrop(32)),
    "another size": then(T.Resize(64)),
    "a rotation": then(T.RandomRotation(30)),
    "padding": then(T.Pad(20)),
    "several crops": then(T.FiveCrop(32), T.Lambda(torch.stack)),
    "a number beside it": then(T.Lambda(lambda t: (t, 3))),
    "a mask before it": then(T.Lambda(lambda t: (torch.zeros_like(t, dtype=torch.uint8), t))),
    "colors before": T.Compose([T.ColorJitter(0.4, 0.4, 0.4, 0.1), then()]),
    "levels before": T.Compose([T.RandomPosterize(2, p=1.0), then()]),
    "noise before, a flip after": T.Compose(
        [T.ToTensor(), T.Lambda(lambda t: t + 0.1 * torch.randn_like(t)), NORMALIZE, T.RandomHorizontalFlip(1.0)]
    ),
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


SCALED = "what leaves Normalize is multiplied by (2, 2, 2) before it leaves the pipeline: "
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


@pytest.mark.parametrize("name", AROUND)
def test_what_a_data_set_does_to_a_normalized_picture(name: str) -> None:
    then_, said = AROUND[name]
    for data in (Items(then_, noisy), DataLoader(Items(lambda y: {"image": then_(y), "label": 1}, photographed))):
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


@pytest.mark.parametrize("picture", [photographed, shaded])
@pytest.mark.parametrize("name", QUIET)
def test_what_a_data_set_may_do_to_a_normalized_picture(name: str, picture: Any) -> None:
    assert verdict(Items(QUIET[name], picture))[0] == "passed"


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
        (NORMALIZE, "what leaves Normalize is normalized once more"),
        (lambda y: NORMALIZE(y) if y.sum() else y, "what leaves Normalize "),
        (lambda y: y * float("nan"), "25,600 of 25,600 pixels are NaN or infinite when they leave the pipeline"),
        (lambda y: y.flip(0), "the channels leave the pipeline reversed (RGB becomes BGR)"),
    ],
    ids=["doubled", "normalized by another", "normalized twice", "NaN", "BGR"],
)
def test_items_beyond_the_first(then: Any, said: str) -> None:
    class Some(Items):
        def __getitem__(self, at: int) -> Any:
            y = self.transform(self.picture(at))
            return then(y) if at == 2 else y

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
