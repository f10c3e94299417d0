"""Images out of whatever holds them: which are taken, and which belong to something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pytest_denorm.errors import ImageError, ImageTypeError
from pytest_denorm.pipelines.blocks import blocks_of


class Iterated:
    """What can be iterated, and nothing else."""

    def __init__(self, *samples: Any) -> None:
        self.samples = samples

    def __iter__(self) -> Iterator[Any]:
        return iter(self.samples)


def taken(source: Any, *parts: Any) -> list[int | None]:
    """Which of `parts` are taken; None for what is none of them."""
    found = blocks_of(source)
    return [next((index for index, part in enumerate(parts) if part is block), None) for block in found]


def floats(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


# --- lists of batches ---


@pytest.mark.parametrize(
    ("kind", "shapes", "count"),
    [
        # as many channels: images, also of other sizes, and the error comes later
        ("tensors", [(2, 3, 8, 9), (1, 3, 8, 9), (2, 3, 8, 9)], 3),
        ("tensors", [(2, 3, 8, 9), (1, 3, 8, 9)], 2),
        ("tensors", [(2, 3, 8, 9), (2, 3, 8, 10), (2, 3, 8, 9)], 3),
        ("arrays", [(2, 3, 8, 9), (1, 3, 8, 9), (2, 3, 8, 9)], 3),
        ("arrays", [(1, 8, 9, 3), (1, 10, 9, 3), (2, 8, 9, 3)], 3),
        ("arrays", [(1, 8, 9, 1), (1, 10, 9, 1), (2, 8, 9, 1)], 3),
        # the others are masks or the like
        ("tensors", [(2, 3, 8, 9), (2, 1, 8, 9), (2, 1, 8, 9)], 1),
        ("tensors", [(2, 3, 8, 9), (2, 3, 8, 10)], 1),
        ("tensors", [(2, 3, 8, 9), (2, 3, 10, 9)], 1),
        ("tensors", [(1, 4, 8, 3), (1, 5, 8, 3), (1, 4, 8, 3)], 1),  # the channels of tensors are never last
        ("arrays", [(2, 3, 8, 9), (2, 1, 8, 9), (2, 1, 8, 9)], 1),
        ("arrays", [(1, 4, 8, 9), (1, 5, 8, 9), (1, 4, 8, 9)], 1),
        ("arrays", [(2, 8, 9, 3), (2, 8, 9, 1), (2, 8, 9, 1)], 1),
        ("arrays", [(1, 8, 9, 3), (1, 8, 9, 1), (1, 8, 9, 1)], 1),
        ("arrays", [(1, 8, 3, 3), (1, 8, 3, 1), (1, 8, 3, 1)], 1),
        ("arrays", [(1, 3, 8, 3), (1, 1, 8, 3), (1, 1, 8, 3)], 1),  # where both ends fit, they are first
        ("arrays", [(1, 3, 8, 1), (1, 1, 8, 1), (1, 1, 8, 1)], 1),
    ],
)
def test_a_list_of_batches_is_told_from_images_and_masks(kind: str, shapes: list[tuple[int, ...]], count: int) -> None:
    stacks: list[Any] = [floats(*shape) for shape in shapes]
    if kind == "arrays":
        stacks = [stack.numpy() for stack in stacks]
    assert taken(stacks, *stacks) == list(range(count))


def test_a_pair_in_a_tuple_is_images_and_something_else() -> None:
    images, targets = floats(2, 3, 8, 9), floats(2, 3, 8, 9)
    assert taken((images, targets), images, targets) == [0]
    assert taken([images, targets], images, targets) == [0, 1]


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.int32])
def test_masks_of_other_integers_are_not_taken(dtype: torch.dtype) -> None:
    images, masks = floats(2, 3, 8, 9), torch.ones(2, 3, 8, 9, dtype=dtype)
    assert taken([masks, images], images) == [0]
    assert taken([masks.numpy(), images.numpy()], images.numpy()) == [None]  # another view of it
    assert np.array_equal(blocks_of([masks.numpy(), images.numpy()])[0], images.numpy())
    both = [images, (images * 255).to(torch.uint8)]
    assert taken(both, *both) == [0, 1]


def test_masks_without_an_axis_of_channels_are_not_taken() -> None:
    masks, images = torch.ones(3, 8, 9, dtype=torch.uint8), floats(3, 3, 8, 9)
    assert taken((masks, images), images) == [0]


def test_what_may_be_one_image_or_several_is_not_guessed() -> None:
    masks = torch.ones(2, 1, 8, 9, dtype=torch.int64)
    with pytest.raises(
        ImageError, match=r"^the list: a batch holds a Tensor of shape \(5, 8, 9\), which may be 5 grey"
    ):
        blocks_of([[floats(5, 8, 9), floats(2, 5, 8, 9)], masks])


def test_a_thing_that_is_no_image_is_told_with_its_place() -> None:
    image = floats(3, 8, 9)
    for source, message in (
        (["a.png"], r"the list: no image is in a list of \(str\)"),
        ({"mask": 1}, r"the dict: no image is under the keys \['mask'\]"),
        ([image, 3], "item 1 of the list: a builtins.int is no image"),
        ((image, image, None), "item 2 of the tuple: a builtins.NoneType is no image"),
        ([image, torch.zeros(3)], r"item 1 of the list: a torch\.Tensor of shape \(3,\) is no image"),
        ([floats(8, 9), 3], "item 1 of the list: a builtins.int is no image"),
        ([{"image": image}, {"label": 3}], r"item 1 of the list: no image is under the keys \['label'\]"),
        ([{"image": image[None]}, {"image": 3}], r"item 1 of the list: "),
        (Iterated((image, 1), (2, 1)), r"sample 1 of the Iterated: no image is in a tuple of \(int, int\)"),
    ):
        with pytest.raises(ImageTypeError, match=f"^{message}.*Give the images alone\\.$"):
            blocks_of(source)


def test_a_grey_image_before_masks_as_large_is_one() -> None:
    """Everything of the list is taken then: the masks are refused by what draws them, and not left out here."""
    grey, image = floats(8, 9), floats(3, 8, 9)
    for shape in ((2, 1, 8, 9), (2, 2, 1, 8, 9)):
        masks = torch.ones(shape, dtype=torch.int64)
        assert taken([grey, masks], grey, masks) == [0, 1]
        assert taken([image, masks], image, masks) == [0, 1]
    two = Iterated((image, torch.ones(5, 1, 8, 9, dtype=torch.bool)), (image, 3))
    assert taken(two, image) == [0, 0]


def test_of_what_is_iterated_the_first_batch_or_the_first_images_are_taken() -> None:
    batch, image, pil = floats(2, 3, 8, 9), floats(3, 8, 9), Image.new("RGB", (9, 8))
    assert taken(Iterated(batch, batch), batch) == [0]
    assert taken(Iterated((batch, 3), (batch, 3)), batch) == [0]
    assert taken(Iterated([image, pil], [pil]), image, pil) == [0, 1]
    assert taken(Iterated(([image, image], 3), ([pil], 3)), image, pil) == [0, 0]
    for sample in (image, (image, 3), (3, image), {"image": image}, [image]):
        assert taken(Iterated(sample, sample, sample), image) == [0, 0, 0]
