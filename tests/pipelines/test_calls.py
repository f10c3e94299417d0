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
from pytest_denorm.pipelines import locate
from pytest_denorm.pipelines.calls import (
    Caller,
    as_images,
    call,
    channels_of,
    describe_callable,
    forward_of,
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


def test_one_picture_at_a_time() -> None:
    function = Recording(lambda given: given + 1)
    came = call(function, [PICTURE, PICTURE + 7], "inverse")
    assert function.shapes == [SHAPE, SHAPE, SHAPE]  # the first is of one color
    assert torch.equal(torch.stack(came.pictures), torch.stack([PICTURE + 1, PICTURE + 8]))
    assert not came.mutated


def test_a_function_of_batches_gets_batches_of_one() -> None:
    function = Recording(batches_only)
    came = call(function, [PICTURE, PICTURE + 7], "inverse")
    assert function.shapes == [SHAPE, (1, *SHAPE), (1, *SHAPE), (1, *SHAPE)]
    assert torch.equal(torch.stack(came.pictures), torch.stack([PICTURE + 101, PICTURE + 108]))
    assert came.mutated


@pytest.mark.parametrize("changes", [0, 1])
def test_one_picture_that_is_changed_is_enough(changes: int) -> None:
    before = [PICTURE.clone(), PICTURE.clone() + 1]
    given = iter(range(-1, 2))  # the first is of one color
    came = call(lambda picture: picture.zero_() if next(given) == changes else picture + 1, before, "inverse")
    assert came.mutated
    assert torch.equal(before[changes], PICTURE + changes)  # a copy was given


def test_what_is_no_number_stays_as_it_is() -> None:
    holes = PICTURE.masked_fill(PICTURE > 30, float("nan"))
    assert not call(lambda given: given + 1, [holes], "inverse").mutated
    assert call(lambda given: given.mul_(2), [holes], "inverse").mutated


def test_results_that_share_memory_are_kept_apart() -> None:
    buffer = torch.empty(SHAPE)
    came = call(lambda given: buffer.copy_(given), [PICTURE, PICTURE + 7], "inverse")
    assert torch.equal(came.pictures[0], PICTURE)


def test_a_function_that_raises_either_way() -> None:
    def raising(given: torch.Tensor) -> torch.Tensor:
        raise ValueError(f"no {type(given).__name__} {tuple(given.shape)}")

    with pytest.raises(InverseError) as caught:
        call(raising, [PICTURE], "inverse")
    assert str(caught.value) == (
        "the inverse raised ValueError: no Tensor (3, 4, 5). "
        "It was called with a float tensor of shape (3, 4, 5), (1, 3, 4, 5) and (4, 5, 3), and arrays of shape "
        "(4, 5, 3) and (3, 4, 5)."
    )
    assert isinstance(caught.value.__cause__, ValueError)


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


@pytest.mark.parametrize("shape", [SHAPE, (1, *SHAPE), (4, 5, 3)])
@pytest.mark.parametrize("kind", [torch.Tensor, np.ndarray])
def test_a_batch_has_the_form_of_its_pictures(kind: type, shape: tuple[int, ...]) -> None:
    def of_one_form(given: Any) -> Any:
        assert isinstance(given, kind)
        assert given.shape == shape
        return given

    if (kind, len(shape)) == (np.ndarray, 4):
        with pytest.raises(InverseError):
            call(of_one_form, [PICTURE], "inverse")
        return
    way = call(of_one_form, [PICTURE], "inverse").way
    pictures = [PICTURE, PICTURE + 7]
    singles = np.stack([np.asarray(way.single(one)).reshape(shape[-3:]) for one in pictures])
    assert np.array_equal(np.asarray(way.batch(torch.stack(pictures))), singles)


def test_no_form_is_tried_twice_with_one_picture() -> None:
    function = Recording(lambda given: 1 / 0)
    with pytest.raises(InverseError):
        call(function, [PICTURE], "inverse")
    assert len(function.shapes) == 2 * 5  # of one color, and the image, in each form


def test_one_color_is_one_but_for_a_thousandth() -> None:
    for times, words in ((1, ""), (20, "an array (H, W, C)")):
        noise = times * 1e-2 * (torch.arange(5) % 2)
        came = call(lambda given, n=noise: given + (n if isinstance(given, torch.Tensor) else 0), [PICTURE], "inverse")
        assert came.way.words == words


def test_what_a_form_spoils_before_it_fails_is_put_right_for_the_next() -> None:
    def of_dark_tensors(given: Any) -> Any:
        if isinstance(given, torch.Tensor) and given.max() > 50:  # the image of one color is darker
            given.zero_()
            raise ValueError("too bright")
        return given + 1

    came = call(of_dark_tensors, [PICTURE.clone()], "inverse")
    assert came.way.words == "an array (H, W, C)"
    assert torch.equal(came.pictures[0], PICTURE + 1)


def test_before_the_first_picture_the_form_is_the_usual_one() -> None:
    assert Caller(batches_only, "inverse").way.words == ""


def test_a_picture_without_pixels_is_of_one_color() -> None:
    function = Recording(lambda given: given + 1)
    came = call(function, [PICTURE[:, :0]], "inverse")
    assert (tuple(came.pictures[0].shape), function.shapes) == ((3, 0, 5), [(3, 0, 5)])


@pytest.mark.parametrize("along", [torch.arange(5.0), torch.arange(4.0)[:, None]], ids=["columns", "rows"])
def test_a_form_in_which_one_color_becomes_several_is_not_taken(along: torch.Tensor) -> None:
    came = call(lambda given: given + (along if isinstance(given, torch.Tensor) else 1), [PICTURE], "inverse")
    assert came.way.words == "an array (H, W, C)"


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
    with pytest.raises(InverseError, match=r"^the pipeline raised ZeroDivisionError: division by zero\n"):
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


def test_pictures_of_pil_are_bytes() -> None:
    read = read_image(Image.fromarray(BYTES[0].permute(1, 2, 0).numpy()), SHAPE, "inverse")
    assert torch.equal(read, BYTES[0])


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
                (PICTURE[:, :2], ""),
                (PICTURE.mT, EXCHANGED),
                (PICTURE.permute(2, 1, 0), EXCHANGED),
                (torch.stack([PICTURE] * 2), ""),
            )
        ),
        *(
            (
                wrong,
                (1, 4, 5),
                f"the inverse returned shape {tuple(wrong.shape)} for an image of shape (1, 4, 5): expected the same "
                f"shape, or (4, 5, 1).{hint}",
            )
            for wrong, hint in ((GREY.flatten(), ""), (GREY.mT, EXCHANGED))
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


def test_one_picture() -> None:
    for image in (BYTES[0], BYTES[0].permute(1, 2, 0).numpy(), Image.fromarray(BYTES[0].permute(1, 2, 0).numpy())):
        (picture,) = as_images(image, RGB)
        assert torch.equal(picture, BYTES[0] / 255)


def test_bytes_are_brought_to_the_scale_of_the_statistics() -> None:
    scaled = Normalization((128.0,) * 3, (64.0,) * 3, pixel_max=255.0)
    assert torch.equal(torch.stack(as_images(BYTES, scaled)), BYTES / 255 * 255.0)
    assert torch.equal(as_images(BYTES.double(), scaled)[0], BYTES[0].double())  # floats are there already


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


def test_three_channels_come_first_where_both_ends_could_be_channels() -> None:
    images = torch.arange(27.0).view(3, 3, 3)
    assert torch.equal(as_images(images, RGB)[0], images)


@pytest.mark.parametrize(
    ("images", "kind", "said"),
    [
        ([], ImageError, "there is no image: expected at least one, with pixels."),
        (BYTES[:0], ImageError, "there is no image: expected at least one, with pixels."),
        (BYTES[..., :0], ImageError, "there is no image: expected at least one, with pixels."),
        (
            {1: BYTES},
            ImageTypeError,
            "images is a builtins.dict: expected tensors, arrays, PIL images or a list of these.",
        ),
        (BYTES.int(), ImageTypeError, "images are of torch.int32: expected uint8 or floating point."),
        (
            BYTES[0, 0, 0],
            ImageError,
            "images have shape (5,): expected (N, C, H, W), (C, H, W) or channels last.",
        ),
        (
            BYTES[None],
            ImageError,
            "images have shape (1, 2, 3, 4, 5): expected (N, C, H, W), (C, H, W) or channels last.",
        ),
        (
            BYTES[:, :2],
            ImageError,
            "images have shape (2, 2, 4, 5), the statistics have 3 channels: expected (N, 3, H, W) or (N, H, W, 3).",
        ),
        (
            [BYTES, BYTES[:, :1]],
            ImageError,
            "images have shape (2, 1, 4, 5), the statistics have 3 channels: expected (N, 3, H, W) or (N, H, W, 3).",
        ),
        (
            [BYTES, torch.tensor([0.0, float("nan"), 1.0]).expand(3, 2, 3)],
            ImageError,
            "image 2 has NaN or infinite values: expected finite numbers.",
        ),
        (
            torch.tensor([0.0, float("inf"), 1.0]).expand(3, 2, 3),
            ImageError,
            "image 0 has NaN or infinite values: expected finite numbers.",
        ),
        (
            torch.tensor([0.0, float("-inf"), 1.0]).expand(3, 2, 3),
            ImageError,
            "image 0 has NaN or infinite values: expected finite numbers.",
        ),
    ],
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


def test_one_picture_of_several_may_have_no_pixels() -> None:
    assert [tuple(one.shape) for one in as_images([BYTES[0], BYTES[1, :, :0]], RGB)] == [SHAPE, (3, 0, 5)]


# --- the Normalize itself ---


@pytest.mark.parametrize("pipeline", [T.Compose([T.ToTensor(), T.Normalize(RGB.mean, RGB.std)]), RGB, LAST])
def test_the_normalize_that_was_found_takes_pictures_and_batches(pipeline: Any) -> None:
    forward = forward_of(locate(pipeline))
    batch = torch.rand(2, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    expected = (batch - torch.tensor(RGB.mean).view(-1, 1, 1)) / torch.tensor(RGB.std).view(-1, 1, 1)
    torch.testing.assert_close(forward(batch), expected)
    torch.testing.assert_close(forward(batch[1]), expected[1])


def test_what_the_normalize_does_counts_and_not_what_it_declares() -> None:
    class Twice(T.Normalize):
        def forward(self, tensor: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(tensor)

    declared = T.Normalize(RGB.mean, RGB.std)
    found = locate(T.Compose([T.ToTensor(), Twice(RGB.mean, RGB.std)]))
    assert torch.equal(forward_of(found)(PICTURE), 2 * declared(PICTURE))


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


def channels_last(given: Any) -> np.ndarray[Any, Any]:
    """Takes a tensor (C, H, W) without complaint, and changes its columns."""
    picture = np.asarray(given).copy()
    for channel in range(3):
        picture[..., channel] = picture[..., channel] * RGB.std[channel] + RGB.mean[channel]
    return picture


def filled(given: Any) -> np.ndarray[Any, Any]:
    picture = np.zeros(given.shape, np.float32)
    for channel in range(3):
        picture[..., channel] = given[..., channel] * RGB.std[channel] + RGB.mean[channel]
    return picture


@pytest.mark.filterwarnings("ignore:.*__array_wrap__:DeprecationWarning")
@pytest.mark.parametrize("inverse", [channels_last, filled])
def test_an_inverse_for_channels_last_that_takes_anything(inverse: Callable[[Any], Any]) -> None:
    assert_round_trip(RGB, inverse=inverse)
    check(RGB, inverse=inverse).raise_for_failures()
    assert diagnose(RGB, inverse).exact


def test_the_form_in_which_it_was_called_is_told() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_round_trip(RGB, inverse=lambda given: channels_last(given) + 0.1)
    assert "given an array (H, W, C)" in " ".join(str(caught.value).split())
    with pytest.raises(AssertionError) as caught:
        assert_round_trip(RGB, inverse=lambda given: given)
    assert "given" not in str(caught.value).partition("worst")[0]


def test_where_no_form_keeps_one_color_it_is_the_first() -> None:
    function = Recording(lambda given: given + torch.arange(5.0))
    came = call(function, [PICTURE], "inverse")
    assert torch.equal(came.pictures[0], PICTURE + torch.arange(5.0))
    assert function.shapes[-1] == SHAPE


def test_bytes_of_one_color_may_differ_by_one() -> None:
    ragged = torch.tensor([0, 1, 0, 1, 0], dtype=torch.uint8)
    function = Recording(lambda given: given.to(torch.uint8) + ragged)
    call(function, [PICTURE], "inverse")
    assert function.shapes == [SHAPE, SHAPE]
    of_two = call(
        lambda given: given.astype(np.uint8) if isinstance(given, np.ndarray) else given.byte() + 2 * ragged,
        [PICTURE],
        "inverse",
    )
    assert of_two.way.words == "an array (H, W, C)"


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
