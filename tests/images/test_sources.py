"""Images out of whatever holds them: which are taken, and which belong to something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

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


@pytest.mark.parametrize("labels", [torch.arange(2), floats(2), floats(2, 5), np.zeros((2, 5)), [1, 2], "ab", None])
def test_labels_beside_a_batch_are_not_taken(labels: Any) -> None:
    images = floats(2, 3, 8, 9)
    for source in ((images, labels), [labels, images], [images, labels, labels]):
        assert taken(source, images) == [0]


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


# --- lists of images ---


def test_lists_of_images_of_every_kind() -> None:
    pil, grey, color = Image.new("RGB", (9, 8)), floats(8, 9), floats(3, 8, 9)
    for source in ([pil, color], [color, pil], [grey, pil], [pil, grey, color], (grey, grey), [color.numpy(), pil]):
        assert all(block is one for block, one in zip(blocks_of(source), source, strict=True))
    assert [type(block) for block in blocks_of([(pil, 3), (color, 4)])] == [Image.Image, torch.Tensor]


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


def test_a_dict_of_images_may_stand_beside_labels() -> None:
    images = floats(2, 3, 8, 9)
    assert taken(({"image": images}, torch.arange(2)), images) == [0]
    for labels in ([1, 2], {"label": torch.arange(2)}, {"label": [1, 2]}, {}):
        assert taken(({"image": images}, labels), images) == [0]
        assert taken((labels, {"image": images}), images) == [0]
    assert taken({"image": images, "label": [1, 2]}, images) == [0]
    assert len(blocks_of([{"image": images[0]}, {"image": images[1], "label": 2}])) == 2


# --- vectors of one-hot labels, or boxes, before images ---


def test_vectors_before_images_are_none() -> None:
    """Of bytes and floats, and of other integers, which are refused by what draws them."""
    vectors = floats(4, 10)
    for images in (floats(4, 1, 8, 9), torch.ones(4, 1, 8, 9, dtype=torch.int64)):
        for sample in ((vectors, images), [vectors, images, torch.arange(4)], (vectors, torch.arange(4), images)):
            assert taken(sample, images) == [0]
            assert taken(Iterated(sample), images) == [0]


def test_a_grey_image_before_masks_as_large_is_one() -> None:
    """Everything of the list is taken then: the masks are refused by what draws them, and not left out here."""
    grey, image = floats(8, 9), floats(3, 8, 9)
    for shape in ((2, 1, 8, 9), (2, 2, 1, 8, 9)):
        masks = torch.ones(shape, dtype=torch.int64)
        assert taken([grey, masks], grey, masks) == [0, 1]
        assert taken([image, masks], image, masks) == [0, 1]
    two = Iterated((image, torch.ones(5, 1, 8, 9, dtype=torch.bool)), (image, 3))
    assert taken(two, image) == [0, 0]


# --- what is iterated ---


def test_of_what_is_iterated_the_first_batch_or_the_first_images_are_taken() -> None:
    batch, image, pil = floats(2, 3, 8, 9), floats(3, 8, 9), Image.new("RGB", (9, 8))
    assert taken(Iterated(batch, batch), batch) == [0]
    assert taken(Iterated((batch, 3), (batch, 3)), batch) == [0]
    assert taken(Iterated([image, pil], [pil]), image, pil) == [0, 1]
    assert taken(Iterated(([image, image], 3), ([pil], 3)), image, pil) == [0, 0]
    for sample in (image, (image, 3), (3, image), {"image": image}, [image]):
        assert taken(Iterated(sample, sample, sample), image) == [0, 0, 0]


@pytest.mark.parametrize(("given", "count"), [(63, 63), (64, 64), (65, 64)])
def test_no_more_than_64_samples_are_taken(given: int, count: int) -> None:
    read = iter([floats(3, 2, 2)] * given)
    assert len(blocks_of(Iterated(*read))) == count


def test_three_axes_of_a_batch_are_one_image_only_if_that_is_said() -> None:
    grey: Any = [floats(1, 8, 9)] * 5
    loader = DataLoader(grey, batch_size=5, collate_fn=lambda items: torch.stack(items)[:, 0])
    with pytest.raises(ImageError, match=r"^the first batch of the DataLoader: .* may be 5 grey images or one"):
        blocks_of(loader)
    (block,) = blocks_of(loader, with_channels=True)
    assert block.shape == (5, 8, 9)  # type: ignore[union-attr]


@pytest.mark.parametrize("source", [[], (), Iterated(), DataLoader([], batch_size=2)])  # type: ignore[arg-type]
def test_nothing_is_no_image(source: Any) -> None:
    with pytest.raises(ImageError, match=r"^(an empty \w+|the \w+ is empty): expected at least one image\.$"):
        blocks_of(source)
