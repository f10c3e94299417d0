"""Calling other people's code: what it is given, what is read from what it gives, and how it is called in a report."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms as T

from pytest_denorm import Normalization, assert_round_trip, check, diagnose
from pytest_denorm.errors import ImageError, ImageTypeError, InverseError
from pytest_denorm.pipelines.calls import (
    Caller,
    as_images,
    call,
    channels_of,
    describe_callable,
    read_image,
)

SHAPE = (3, 4, 5)
PICTURE = torch.arange(60.0).view(SHAPE)
GREY = torch.arange(20.0).view(1, 4, 5)
EXCHANGED = " Height and width are exchanged, as .T does it: channels go last with .permute(1, 2, 0)."
RGB = Normalization((0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
LAST = Normalization(RGB.mean, RGB.std, channel_axis=-1)
ONE = Normalization(0.5, 0.25)
BYTES = (torch.arange(120) * 2 + 1).to(torch.uint8).view(2, 3, 4, 5)


class Recording:
    """A function that notes the shapes it was given, and does as `does`."""

    def __init__(self, does: Callable[[torch.Tensor], Any]) -> None:
        self.does = does
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, given: torch.Tensor) -> Any:
        self.shapes.append(tuple(given.shape))
        return self.does(given)


def batches_only(given: torch.Tensor) -> torch.Tensor:
    given.add_(100)  # before it finds out
    if given.ndim != 4:
        raise ValueError("expected a batch")
    return given + 1


# --- calling ---


@pytest.mark.parametrize(
    ("shape", "changes"), [((4, 5, 3), lambda array: array * [1, 2, 3]), ((3, 4, 5), lambda array: array * 2)]
)
def test_a_function_of_arrays_gets_arrays(shape: tuple[int, ...], changes: Callable[[Any], Any]) -> None:
    def of_arrays(given: Any) -> Any:
        if isinstance(given, torch.Tensor) or given.shape != shape:
            given *= -1  # and spoils what it does not take
            raise TypeError("no such array")
        return changes(given)

    came = call(of_arrays, [PICTURE, PICTURE + 7], "inverse")
    expected = changes(PICTURE.permute(1, 2, 0).numpy() if shape[-1] == 3 else PICTURE.numpy())
    assert torch.equal(came.pictures[0], read_image(expected, SHAPE, "inverse"))
    assert not came.mutated

    def in_place(given: Any) -> Any:
        assert isinstance(given, np.ndarray)
        given += 1
        return given

    assert call(in_place, [PICTURE], "inverse").mutated


def test_a_picture_without_pixels_is_of_one_color() -> None:
    function = Recording(lambda given: given + 1)
    came = call(function, [PICTURE[:, :0]], "inverse")
    assert (tuple(came.pictures[0].shape), function.shapes) == ((3, 0, 5), [(3, 0, 5)])


def test_a_function_of_tensors_with_channels_last() -> None:
    mean = torch.tensor([1.0, 2, 3])

    def shown(picture: torch.Tensor) -> torch.Tensor:  # as for matplotlib, after .permute(1, 2, 0)
        assert picture.shape[-1] == 3
        return torch.clip(picture + mean, 0, 255)

    came = call(shown, [PICTURE], "inverse")
    assert came.way.words == "a tensor (H, W, C)"
    assert torch.equal(came.pictures[0], (PICTURE + mean.view(3, 1, 1)).clip(0, 255))
    batch = torch.stack([PICTURE, PICTURE])
    assert torch.equal(came.way.batch(batch), batch.permute(0, 2, 3, 1))


@pytest.mark.parametrize("first", [lambda given: given, batches_only])
def test_a_function_that_worked_once_is_not_tried_otherwise(first: Callable[[torch.Tensor], Any]) -> None:
    function = Recording(first)
    caller = Caller(function, "pipeline")
    caller(PICTURE.clone())
    shapes = [function.shapes[-1]]
    function.shapes, function.does = [], lambda given: 1 / 0
    with pytest.raises(
        InverseError, match=r"^the pipeline raised ZeroDivisionError: division by zero\. It was called with "
    ):
        caller(PICTURE.clone())
    assert function.shapes == shapes


# --- reading what comes back ---


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (PICTURE, PICTURE),
        (PICTURE.clone().requires_grad_(), PICTURE),
        (PICTURE[None], PICTURE),
        (PICTURE[None, None], PICTURE),
        (PICTURE.permute(1, 2, 0), PICTURE),
        (PICTURE.numpy(), PICTURE),
        (PICTURE.permute(1, 2, 0).numpy().astype(">f4"), PICTURE),
        (PICTURE.tolist(), PICTURE),
        (GREY[0], GREY),
        (GREY[0, ..., None], GREY),
        (GREY[None], GREY),
        (PICTURE[:, :1].permute(1, 2, 0), PICTURE[:, :1]),
        (GREY[:, :1, :1], GREY[:, :1, :1]),
    ],
)
def test_what_is_read(returned: Any, expected: torch.Tensor) -> None:
    read = read_image(returned, tuple(expected.shape), "inverse")
    assert torch.equal(read.to(torch.float32), expected)
    assert not read.requires_grad
    assert type(read) is torch.Tensor


@pytest.mark.parametrize(
    ("returned", "shape", "said"),
    [
        (
            None,
            SHAPE,
            "the inverse returned None: expected the image. If it works in place, let it return its result.",
        ),
        ("x", SHAPE, "the inverse returned a str: expected a tensor, an array or a PIL image."),
        ([[1], [1, 2]], SHAPE, "the inverse returned a list: expected a tensor, an array or a PIL image."),
        (PICTURE.to(torch.complex64), SHAPE, "the inverse returned complex numbers: expected real ones."),
        (PICTURE.numpy().astype(complex), SHAPE, "the inverse returned complex numbers: expected real ones."),
        (
            PICTURE.to("meta"),
            SHAPE,
            "the inverse returned a tensor on the device meta, without values: expected one with a value for each "
            "pixel.",
        ),
        (
            PICTURE.to_sparse(),
            SHAPE,
            "the inverse returned a tensor of layout torch.sparse_coo: expected one with a value for each pixel.",
        ),
        *(
            (
                wrong,
                SHAPE,
                f"the inverse returned shape {tuple(wrong.shape)} for an image of shape (3, 4, 5): expected the same "
                f"shape, or (4, 5, 3).{hint}",
            )
            for wrong, hint in (
                (PICTURE[0], ""),
                (PICTURE.mT, EXCHANGED),
                (PICTURE.permute(2, 1, 0), EXCHANGED),
                (torch.stack([PICTURE] * 2), ""),
            )
        ),
    ],
)
def test_what_is_no_picture_is_told(returned: Any, shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(InverseError) as caught:
        read_image(returned, shape, "inverse")
    assert str(caught.value) == said


@pytest.mark.skipif(not hasattr(torch, "quantize_per_tensor"), reason="torch has no quantized tensors any more")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_quantized_tensors_are_told() -> None:
    quantized = torch.quantize_per_tensor(PICTURE, 1.0, 0, torch.quint8)
    with pytest.raises(InverseError) as caught:
        read_image(quantized, SHAPE, "inverse")
    assert str(caught.value) == "the inverse returned a quantized tensor: expected .dequantize() or .int_repr() of it."


# --- the user's images ---


@pytest.mark.parametrize(
    "images",
    [
        BYTES,
        list(BYTES),
        tuple(BYTES.numpy()),
        BYTES.numpy(),
        BYTES.permute(0, 2, 3, 1),
        [Image.fromarray(one) for one in BYTES.permute(0, 2, 3, 1).contiguous().numpy()],
        [BYTES[:1], BYTES[1].permute(1, 2, 0)],
        BYTES / 255,
    ],
)
def test_pictures_in_every_form(images: Any) -> None:
    pictures = as_images(images, RGB)
    assert [tuple(one.shape) for one in pictures] == [SHAPE] * 2
    assert torch.equal(torch.stack(pictures), BYTES / 255)


@pytest.mark.parametrize(
    ("shape", "read"),
    [
        ((6, 7), [(1, 6, 7)]),
        ((1, 6, 7), [(1, 6, 7)]),
        ((6, 7, 1), [(1, 6, 7)]),
        ((2, 1, 6, 7), [(1, 6, 7)] * 2),
        ((2, 6, 7, 1), [(1, 6, 7)] * 2),
        ((2, 1, 6, 3), [(1, 6, 3)] * 2),
        # one mean and one std serve any number of channels
        ((3, 6, 7), [(3, 6, 7)]),
        ((2, 2, 6, 7), [(2, 6, 7)] * 2),
        ((6, 7, 3), [(3, 6, 7)]),
        ((2, 6, 7, 4), [(4, 6, 7)] * 2),
    ],
)
def test_pictures_for_one_mean_and_one_std(shape: tuple[int, ...], read: list[tuple[int, ...]]) -> None:
    assert [tuple(one.shape) for one in as_images(torch.zeros(shape), ONE)] == read


NONE = "there is no image: expected at least one, with pixels."
AXES = "expected (N, C, H, W), (C, H, W) or channels last."
THREE = "the statistics have 3 channels: expected (N, 3, H, W) or (N, H, W, 3)."
INFINITE = "has NaN or infinite values: expected finite numbers."


@pytest.mark.parametrize(
    ("images", "kind", "said"),
    [
        ([], ImageError, NONE),
        (BYTES[..., :0], ImageError, NONE),
        (
            {1: BYTES},
            ImageTypeError,
            "images is a builtins.dict: expected tensors, arrays, PIL images or a list of these.",
        ),
        (
            BYTES.int(),
            ImageTypeError,
            "images are of torch.int32: expected uint8, float16, bfloat16, float32 or float64.",
        ),
        (BYTES[0, 0, 0], ImageError, f"images have shape (5,): {AXES}"),
        (BYTES[None], ImageError, f"images have shape (1, 2, 3, 4, 5): {AXES}"),
        (BYTES[:, :2], ImageError, f"images have shape (2, 2, 4, 5), {THREE}"),
        ([BYTES, BYTES[:, :1]], ImageError, f"images have shape (2, 1, 4, 5), {THREE}"),
        ([BYTES, torch.tensor([0.0, torch.nan, 1.0]).expand(3, 2, 3)], ImageError, f"image 2 {INFINITE}"),
        (torch.tensor([0.0, -torch.inf, 1.0]).expand(3, 2, 3), ImageError, f"image 0 {INFINITE}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_pictures_that_cannot_be_worked_with(images: Any, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind) as caught:
        as_images(images, RGB)
    assert str(caught.value) == said


def test_pictures_of_different_channels_are_refused() -> None:
    for images, index in (([BYTES, BYTES[:, :1]], 2), ([BYTES[0], BYTES[:, :1]], 1)):
        with pytest.raises(ImageError) as caught:
            as_images(images, ONE)
        assert str(caught.value) == f"image 0 has 3 channels, image {index} has 1: expected the same number."


# --- the Normalize itself ---


def test_statistics_of_pictures_with_channels_last_can_be_verified() -> None:
    assert_round_trip(LAST, inverse=LAST.inverse())
    assert check(LAST, inverse=LAST.inverse(), select=["round_trip", "memory_layouts", "low_precision"]).ok
    assert diagnose(LAST, LAST.inverse()).kind == "exact"
    assert diagnose(LAST, lambda y: y).kind == "not-inverted"


# --- naming ---


def named(y: Any) -> Any:
    return y


class LongWinded:
    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (named, f"test_calls.named ({__file__}:{named.__code__.co_firstlineno})"),
        (max, "builtins.max"),
        (torch.zeros(1).mul, "Tensor.mul"),
        (T.ToTensor, "torchvision.transforms.transforms.ToTensor"),
        (T.ToTensor(), "ToTensor()"),
        (functools.partial(max, 1), "functools.partial(<built-in function max>, 1)"),
        (LongWinded("x" * 100), "x" * 100),
        (LongWinded("x" * 101), "a test_calls.LongWinded"),
        (LongWinded("two\nlines"), "a test_calls.LongWinded"),
    ],
)
def test_functions_are_called_by_their_names(function: Any, expected: str) -> None:
    assert describe_callable(function) == expected


# --- the form that an inverse is written for ---


@pytest.mark.parametrize(
    ("images", "channels"),
    [
        (torch.zeros(5, 4, 30, 20), 4),
        (torch.zeros(2, 30, 20), 2),
        (np.zeros((30, 20, 3)), 3),
        (np.zeros((5, 30, 20, 13)), 13),
        (np.zeros((30, 20)), 1),
        ([np.zeros((30, 20, 3))] * 2, 3),
        ([[torch.zeros(1, 30, 20)]], 1),
        ([torch.zeros(1, 30, 20), torch.zeros(3, 30, 20)], 1),
        (Image.new("RGBA", (30, 20)), 4),
        (torch.zeros(0, 30, 20), None),
        (torch.zeros(9), None),
        (None, None),
        ([], None),
        ("pictures", None),
    ],
)
def test_channels_before_any_statistics_say_so(images: Any, channels: int | None) -> None:
    assert channels_of(images) == channels
