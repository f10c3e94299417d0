"""The grid: the layout of make_grid, bytes as they are, from every kind of source."""

from __future__ import annotations

import random
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from photographs import crops, photographs
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, StackDataset, Subset, default_collate
from torchvision import transforms
from torchvision.utils import make_grid

from pytest_denorm import Normalization, grid, preset
from pytest_denorm.errors import AmbiguousNormalizeError, ImageError, ImageTypeError

IMAGENET = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def as_tensor(pixels: np.ndarray[Any, Any]) -> torch.Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)


@pytest.fixture(scope="module")
def photos() -> torch.Tensor:
    """Twelve squares of photographs, uint8 (12, 3, 32, 32)."""
    return torch.from_numpy(crops(12, 32)).permute(0, 3, 1, 2).contiguous()


class Photos(Dataset[Any]):
    def __init__(self, photos: torch.Tensor, transform: Any = None, form: str = "tuple") -> None:
        self.photos, self.transform, self.form = photos, transform, form

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> Any:
        image: Any = Image.fromarray(self.photos[index].permute(1, 2, 0).numpy())
        image = self.transform(image) if self.transform is not None else image
        return {"tuple": (image, index), "dict": {"image": image, "label": index}, "bare": image}[self.form]


@given(
    count=st.integers(1, 13),
    channels=st.sampled_from([1, 3]),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    nrow=st.integers(1, 9),
    padding=st.integers(0, 4),
    level=st.integers(0, 255),
)
def test_the_canvas_is_that_of_make_grid(
    count: int, channels: int, height: int, width: int, nrow: int, padding: int, level: int
) -> None:
    images = torch.randint(0, 256, (count, channels, height, width), dtype=torch.uint8)
    figure = grid(images, nrow=nrow, padding=padding, pad_value=level / 255)
    expected = make_grid(images, nrow=nrow, padding=padding, pad_value=level)
    assert torch.equal(as_tensor(figure.pixels), expected)
    assert len(figure.tiles) == count
    for image, tile in zip(images, figure.tiles, strict=True):
        box = expected[:, tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]
        assert torch.equal(box, image.expand(3, -1, -1))
        assert (tile.row, tile.column) == divmod(figure.tiles.index(tile), min(nrow, count))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_normalized_images_come_back_byte_for_byte(photos: torch.Tensor, dtype: torch.dtype) -> None:
    normalized = IMAGENET(photos.to(torch.float64) / 255).to(dtype)
    kept = normalized.clone()
    figure = grid(normalized, IMAGENET, padding=1)
    assert torch.equal(as_tensor(figure.pixels), make_grid(photos, padding=1))
    assert figure.normalization == preset("imagenet")
    assert torch.equal(normalized, kept)
    assert torch.equal(as_tensor(grid(normalized.numpy(), "imagenet").pixels), make_grid(photos, padding=1))


def test_the_network_sees_what_imshow_would_clip(photos: torch.Tensor) -> None:
    normalized = IMAGENET(photos / 255)
    expected = make_grid((normalized.clamp(0, 1) * 255).round().to(torch.uint8), padding=1)
    assert torch.equal(as_tensor(grid(normalized, IMAGENET, inverse=False).pixels), expected)
    assert torch.equal(as_tensor(grid(normalized, inverse=False).pixels), expected)
    assert grid(normalized, IMAGENET, inverse=False).normalization is None


def test_every_form_of_a_list_gives_the_same_grid(photos: torch.Tensor) -> None:
    expected = grid(photos).pixels
    last = [photo.permute(1, 2, 0).numpy() for photo in photos]
    forms: list[Any] = [
        photos.numpy(),
        np.stack(last),
        list(photos),
        tuple(photos),
        last,
        [Image.fromarray(image) for image in last],
        [photos[0], last[1], Image.fromarray(last[2]), *photos[3:]],
        [photos[0] / 255, *photos[1:]],
        (photos, torch.arange(12)),
        {"pixel_values": photos},
        {"pixel_values": list(photos)},
        [photos[:5], photos[5:]],
        [photos[:4], photos[4:8] / 255, photos[8:].numpy()],
        (photos[:1], photos[1:2], photos[2:]),
        [np.stack(last[:6]), np.stack(last[6:])],
        [(photos[:6], torch.arange(6)), (photos[6:], torch.arange(6))],
        [(photo, 3) for photo in photos],
        [{"img": photo} for photo in photos],
    ]
    for form in forms:
        assert np.array_equal(grid(form).pixels, expected)
    grey = photos[:, :1]
    mixed = [Image.fromarray(photos[0].permute(1, 2, 0).numpy()), Image.fromarray(grey[1, 0].numpy())]
    assert np.array_equal(grid(mixed).pixels, grid([photos[0], grey[1]]).pixels)
    assert np.array_equal(grid(grey, channel_axis=1).pixels, grid(grey).pixels)
    assert np.array_equal(grid(photos.transpose(0, 1), channel_axis=0).pixels, expected)
    assert np.array_equal(grid(photos.transpose(0, 1), channel_axis=-4).pixels, expected)
    channels_last = photos.permute(0, 2, 3, 1)
    assert np.array_equal(grid(channels_last, channel_axis=-1).pixels, expected)
    assert np.array_equal(grid(channels_last, channel_axis=3).pixels, expected)


def test_what_belongs_to_the_images_is_not_drawn(photos: torch.Tensor) -> None:
    """Labels, masks, and images to be made of these, beside a batch."""
    expected = grid(photos).pixels
    large = photos.repeat_interleave(2, -1).repeat_interleave(2, -2)
    batches: list[Any] = [
        [photos, torch.arange(12)],
        [photos, photos[:, :1]],
        [photos, photos.long()],
        [photos, photos > 9],
        [photos.numpy(), photos.numpy() > 9],
        [photos, photos[:, 0]],
        [photos, large],
        (photos, photos.flip(-1)),
        [photos, photos[:, :1], torch.arange(12)],
        [photos, photos[:, :1], large],
        [photos.permute(0, 2, 3, 1).numpy(), photos[:, :1].permute(0, 2, 3, 1).numpy()],
        [photos],
    ]
    for batch in batches:
        assert np.array_equal(grid(batch).pixels, expected)
    (batch,) = DataLoader([(photo, photo[:1]) for photo in photos], batch_size=12)
    assert np.array_equal(grid(batch).pixels, expected)


def test_the_channels_are_where_the_normalization_or_the_argument_says(photos: torch.Tensor) -> None:
    """Those of normalized images and of bytes."""
    expected, known = grid(photos).pixels, preset("imagenet")
    known_last = Normalization(known.mean, known.std, channel_axis=-1)
    for last in (IMAGENET(photos / 255).permute(0, 2, 3, 1), photos.permute(0, 2, 3, 1)):
        for form, normalization, axis in (
            (last, known_last, None),
            (last, known, -1),
            (last.movedim(-1, 1), known_last, 1),
        ):
            for images in (form, form.numpy()):
                assert np.array_equal(grid(images, normalization, channel_axis=axis).pixels, expected)


def test_of_a_loader_one_image_is_one_where_its_channels_are_said() -> None:
    items = torch.arange(3 * 4 * 5, dtype=torch.uint8).reshape(3, 1, 4, 5)
    loader = DataLoader(list(items), batch_size=3, collate_fn=lambda items: torch.cat(items))
    with pytest.raises(ImageError, match="or pass channel_axis= if it is one image"):
        grid(loader)
    assert np.array_equal(grid(loader, channel_axis=-3).pixels, grid(next(iter(loader))).pixels)


@pytest.mark.parametrize("shape", [(2, 1, 8, 3), (2, 3, 8, 1)])
def test_of_two_axes_that_fit_the_statistics_choose(shape: tuple[int, ...]) -> None:
    levels = np.random.default_rng(0).integers(0, 256, shape)
    known, axis = preset("imagenet"), shape.index(3)
    normalized = Normalization(known.mean, known.std, channel_axis=axis).normalize(levels / 255)
    assert np.array_equal(grid(normalized, known).pixels, grid(levels.astype(np.uint8), channel_axis=axis).pixels)


def test_eight_stand_in_a_row_on_black() -> None:
    canvas = grid(torch.full((9, 1, 1, 1), 200, dtype=torch.uint8)).pixels
    white = np.zeros((5, 17), bool)
    white[1, 1::2] = white[3, 1] = True
    assert np.array_equal(canvas[..., 0], np.where(white, 200, 0))


def test_the_padding_may_be_white_and_floats_a_level_outside() -> None:
    assert grid(torch.zeros(2, 3, 4, 4), pad_value=1).pixels[0].min() == 255
    values = np.array([-1 / 255, 1 + 1 / 255]).reshape(1, 1, 2)
    assert grid(values).pixels[0, :, 0].tolist() == [0, 255]


def test_a_batch_may_be_a_list_of_images(photos: torch.Tensor) -> None:
    """What collate functions for detection give: ((image, ...), (target, ...))."""
    for size in (1, 4):
        loader = DataLoader(Photos(photos), batch_size=size, collate_fn=lambda listed: tuple(zip(*listed, strict=True)))
        assert np.array_equal(grid(loader).pixels, grid(photos[:size]).pixels)


@pytest.mark.parametrize("form", ["tuple", "dict", "bare"])
@pytest.mark.parametrize("batch_size", [4, None])
def test_a_loader_finds_its_own_normalize(photos: torch.Tensor, form: str, batch_size: int | None) -> None:
    dataset = Photos(photos, transforms.Compose([transforms.ToTensor(), IMAGENET]), form)
    loader = DataLoader(dataset, batch_size=batch_size)
    figure = grid(loader)
    assert torch.equal(as_tensor(figure.pixels), make_grid(photos[:batch_size], padding=1))
    assert np.array_equal(grid(dataset).pixels, grid(photos).pixels)


Sample = namedtuple("Sample", "label image")
KEPT = {
    "label first": lambda photo: (7, photo),
    "path first": lambda photo: ("a.png", 7, photo),
    "one-hot first": lambda photo: (torch.eye(10)[7], photo),
    "boxes first": lambda photo: (torch.rand(4), photo),
    "named": lambda photo: Sample(7, photo),
    "labelled dict": lambda photo: ({"image": photo}, 7),
    "raw beside": lambda photo: {"image": photo // 2, "pixel_values": photo},
    **{key: lambda photo, key=key: {key: photo, "label": 7} for key in ("images", "x", "input", "png")},
}


@pytest.mark.parametrize("keep", KEPT.values(), ids=KEPT)
def test_wherever_a_data_set_keeps_its_images(photos: torch.Tensor, keep: Callable[[torch.Tensor], Any]) -> None:
    expected = grid(photos).pixels
    items = [keep(photo) for photo in photos]
    batch = DataLoader(items, batch_size=12)
    for source in (batch, next(iter(batch)), DataLoader(items, batch_size=12, collate_fn=list), holding(*items)):
        assert np.array_equal(grid(source).pixels, expected)
    for source in (items, DataLoader(items, batch_size=None), Subset(items, range(12)), holding(next(iter(batch)))):  # type: ignore[arg-type]
        assert np.array_equal(grid(source).pixels, expected)
    if isinstance(items[0], tuple) and not isinstance(items[0][0], dict):
        rows = DataLoader(items, batch_size=12, collate_fn=lambda listed: tuple(zip(*listed, strict=True)))
        assert np.array_equal(grid(rows).pixels, expected)


def test_stacked_data_sets(photos: torch.Tensor) -> None:
    labels = list(range(12))
    for stacked in (StackDataset(labels, photos), StackDataset(labels=labels, photos=photos)):  # type: ignore[arg-type]
        assert np.array_equal(grid(stacked).pixels, grid(photos).pixels)
        assert np.array_equal(grid(DataLoader(stacked, batch_size=12)).pixels, grid(photos).pixels)


def test_grey_images_without_an_axis_of_channels(photos: torch.Tensor) -> None:
    grey = photos[:, 0]
    expected = grid(grey[:, None]).pixels
    for items in ([(one, 7) for one in grey], list(grey), [{"x": one} for one in grey], [(7, one) for one in grey]):
        for collate in (None, list, lambda listed: default_collate(listed)):
            assert np.array_equal(grid(DataLoader(items, batch_size=12, collate_fn=collate)).pixels, expected)


def test_a_loader_without_normalize_is_drawn_as_it_is(photos: torch.Tensor) -> None:
    loader = DataLoader(Photos(photos, transforms.ToTensor()), batch_size=12)
    assert np.array_equal(grid(loader).pixels, grid(photos).pixels)
    assert np.array_equal(grid(Photos(photos)).pixels, grid(photos).pixels)


def test_two_normalizes_in_a_loader_are_refused(photos: torch.Tensor) -> None:
    pipeline = transforms.Compose([transforms.ToTensor(), IMAGENET, IMAGENET])
    with pytest.raises(AmbiguousNormalizeError):
        grid(DataLoader(Photos(photos, pipeline), batch_size=4))


def test_of_a_data_set_the_first_64_samples_are_drawn_and_no_more_are_read() -> None:
    class Endless(IterableDataset[Any]):
        def __iter__(self) -> Iterator[torch.Tensor]:
            while True:
                yield torch.zeros(1, 4, 4)

    assert len(grid(Endless()).tiles) == 64
    photos = torch.randint(0, 256, (70, 3, 4, 4), dtype=torch.uint8)
    assert np.array_equal(grid(Photos(photos)).pixels, grid(photos[:64]).pixels)


def test_looking_at_a_shuffled_loader_changes_no_random_state(photos: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(5)
    jitter = transforms.Compose([transforms.RandomHorizontalFlip(), transforms.ToTensor(), IMAGENET])
    for loader in (
        DataLoader(Photos(photos, jitter), batch_size=4, shuffle=True),
        DataLoader(Photos(photos, jitter), batch_size=4, shuffle=True, generator=generator),
    ):
        before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state(), generator.get_state())  # type: ignore[index, union-attr]
        first, again = grid(loader), grid(loader)
        assert before[:2] == (random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[index, union-attr]
        assert torch.equal(before[2], torch.get_rng_state())
        assert torch.equal(before[3], generator.get_state())
        assert np.array_equal(first.pixels, again.pixels)


def test_grey_stays_grey() -> None:
    grey = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    normalized = transforms.Normalize(0.1307, 0.3081)(grey / 255)
    figure = grid(normalized, Normalization(0.1307, 0.3081))
    assert figure.pixels.shape == (16, 16, 3)
    for channel in range(3):
        assert np.array_equal(figure.pixels[..., channel], grey[0, 0])
    assert np.array_equal(grid(grey[0, 0]).pixels, figure.pixels)
    assert np.array_equal(grid(Image.fromarray(grey[0, 0].numpy())).pixels, figure.pixels)


def test_one_photograph_gradients_and_odd_generators_are_drawn(photos: torch.Tensor) -> None:
    photo = photographs()[0]
    assert np.array_equal(grid(photo).pixels, np.asarray(photo))  # alone, without padding
    normalized = IMAGENET(photos / 255).requires_grad_()
    assert np.array_equal(grid(normalized, IMAGENET).pixels, grid(photos).pixels)
    dataset = Photos(photos)
    dataset.generator = np.random.default_rng(0)  # type: ignore[attr-defined]
    assert np.array_equal(grid(dataset).pixels, grid(photos).pixels)


NAN = torch.zeros(2, 3, 4, 5)
NAN[1, 2, 3, 4] = float("nan")


def holding(*samples: Any) -> Any:
    """A data set of these; one that is an error is raised."""

    class Samples:
        def __iter__(self) -> Iterator[Any]:
            for sample in samples:
                if isinstance(sample, Exception):
                    raise sample
                yield sample

    return Samples()


class OnlyIndexed:
    def __getitem__(self, index: int) -> Any: ...


class OnlyCounted:
    def __len__(self) -> int:
        return 3


def black(*shape: int, **kwargs: Any) -> torch.Tensor:
    return torch.zeros(shape, **kwargs)


def spread(low: float, high: float) -> torch.Tensor:
    """One image with these two values."""
    return torch.tensor([low, high]).repeat(1, 3, 2, 1)


ONE, ALONE = black(3, 4, 4), " Give the images alone."
LAST = "expected 1 channel (grey) or 3 (RGB) on axis -3, and they are last. Use images.movedim(-1, -3), or give *=-1."
SIZES = "image {} is 4 x 6 (height x width), image 0 is 4 x 4: expected images of one size. Resize or crop them first."
EITHER = "the channels may be axis -3 (..., C, H, W) or axis -1 (..., H, W, C). Say which with channel_axis."
NOWHERE = "expected a tensor or array (N, C, H, W), a list of *"
VAGUE = DataLoader([black(1, 4, 4)] * 8, batch_size=8, collate_fn=lambda items: torch.stack(items)[:, 0])

#: What cannot be drawn, and what is said: of images, of their types, and of arguments.
IMAGES: list[tuple[Any, Any, str]] = [
    ([], {}, "an empty list: expected at least one image."),
    (black(0, 3, 4, 4), {}, "the batch is empty: expected at least one image."),
    (black(2, 3, 0, 4), {}, "images of 0 x 4 pixels: expected at least one pixel."),
    (DataLoader([], batch_size=2), {}, "the DataLoader is empty: expected at least one image."),  # type: ignore[arg-type]
    ([ONE, ONE, black(3, 4, 6)], {}, SIZES.format(2)),
    ([black(2, 3, 4, 4), black(1, 3, 4, 4), black(2, 3, 4, 6)], {}, SIZES.format(3)),
    (black(2, 4, 8, 9), {}, "the images have shape (2, 4, 8, 9): expected 1 channel (grey) or 3 (RGB), found 4 "
     "on axis -3. Select the channels to draw, such as images[..., :3, :, :]."),
    (black(2, 8, 9, 3), {"normalization_or_pipeline": "imagenet"}, f"the images have shape (2, 8, 9, 3): {LAST}"),
    (black(2, 8, 9, 1), {}, f"the images have shape (2, 8, 9, 1): {LAST}"),
    (np.zeros((2, 8, 9, 5)), {}, "*: expected 1 channel (grey) or 3 (RGB), found 8 on axis -3 and 5 on axis -1. *"),
    (black(5, 8, 9), {}, "*found 5 on axis -3. * Grey images stacked without a channel axis need one: images[:, "
     "None]."),
    (black(2, 4, 8, 9), {"channel_axis": 1}, "* on axis 1, found 4. Select the channels to draw."),
    (np.zeros((2, 3, 8, 3)), {"normalization_or_pipeline": Normalization(0.5, 0.5)}, f"*(2, 3, 8, 3): {EITHER}"),
    (np.zeros((2, 1, 8, 3)), {"normalization_or_pipeline": Normalization((0.5, 0.5), (0.5, 0.5))},
     "the images have 1 channel (axis -3 of shape (2, 1, 8, 3)), the statistics have 2 channels*"),
    (Image.new("RGBA", (3, 3)), {}, "image 0 is a PIL image of mode RGBA: expected L or RGB. Use "
     "image.convert('RGB')."),
    *((Image.new(mode, (3, 3)), {}, f"image 0 is a PIL image of mode {mode}: expected L or RGB. Scale its "
     "values to 0..255 first; convert('RGB') alone makes all above 255 white.") for mode in ("I;16", "F")),
    (black(2, 3, 4, 5, 6), {}, "images of shape (2, 3, 4, 5, 6): expected (H, W)*"),
    (NAN, {}, "image 1 has nan at (2, 3, 4); 1 of 120 values are not finite: expected numbers that can be drawn."),
    (NAN[1], {}, "image 0 has nan at (2, 3, 4); 1 of 60 values are not finite: expected numbers that can be drawn."),
    ([black(3, 4, 5), NAN[1] / black(3, 4, 5)], {}, "image 1 has nan at (0, 0, 0); 60 of 60 values are not finite*"),
    (spread(-2.0, 2.64), {}, "the images have values from -2 to 2.64, and no Normalize is known for them: "
     "expected 0..1.*"),
    (spread(0.0, 1.5), {}, "the images have values from 0 to 1.5, and*"),
    (np.array([[-1.002 / 255, 0]]), {}, "the images have values from -0.003929 to 0, and*"),
    (black(2, 3, 1, 1), {"nrow": 1, "padding": 10_000}, "the grid is 30002 x 20001 pixels (height x width), "
     "with padding 10000: expected at most 268,435,456 pixels. Draw fewer images."),
    (ONE, {"nrow": 0}, "nrow is 0: expected at least 1 images a row."),
    (ONE, {"nrow": 2.5}, "nrow is 2.5: expected a whole number of images a row."),
    (ONE, {"padding": -1}, "padding is -1: expected at least 0 pixels between*"),
    *((ONE, {"pad_value": one}, f"pad_value is {one!r}: expected a brightness from 0*")
      for one in (255, -0.1, 1.1, "0")),
    (ONE, {"channel_axis": 1.5}, "channel_axis is 1.5: expected a whole number of axes, such as -3."),
    (ONE, {"channel_axis": 3}, "channel_axis is 3, the images have shape (3, 4, 4)*"),
    (holding(NAN[0], NAN[0], OSError("the disk is gone")), {}, "item 2 of the Samples cannot be read: OSError: "
     "the disk *"),
    (VAGUE, {}, "the first batch of the DataLoader: a batch holds a Tensor of shape (8, 4, 4), which may be 8 "
     "grey images or one image: expected (N, C, H, W). Let collate_fn stack images with a channel axis, give "
     "the data set instead of the loader, or pass channel_axis= if it is one image."),
]  # fmt: skip
TYPES: list[tuple[Any, Any, str]] = [
    (black(2, 3, 4, 4).to_sparse(), {}, "the images are a tensor of layout torch.sparse_coo: * Use "
     "images.to_dense()."),
    ([black(3, 4, 4, device="meta")], {}, "the images are a tensor on the device meta, without values: *"),
    (black(1, 3, 4, 4, dtype=torch.int64), {}, "the images are of torch.int64: expected*"),
    ({"mask": 1}, {}, "the dict: no image is under the keys ['mask']; usual keys are pixel_values, image, "
     "images, img, inputs, input, x. Pass image= to name "
     f"another.{ALONE}"),
    (["a.png"], {}, f"the list: no image is in a list of (str).{ALONE}"),
    (holding(()), {}, f"sample 0 of the Samples: no image is in a tuple of ().{ALONE}"),
    (holding(([3], 1)), {}, f"sample 0 of the Samples: no image is in a tuple of (list, int).{ALONE}"),
    ([NAN[0], 3], {}, "item 1 of the list: a builtins.int is no image: expected a PIL image, a*"),
    (holding((NAN[0], 1), ("a.png", 1)), {}, f"sample 1 of the Samples: no image is in a tuple of (str, int).{ALONE}"),
    (DataLoader([("a.png", 1)], batch_size=1), {}, "the first batch of the DataLoader: no image is in a list of (*"),
    (DataLoader([black(3)], batch_size=1), {}, "the first batch of the DataLoader: a torch.Tensor of shape (1, "
     "3) is no image: expected a PIL image, a tensor or an array, or one in a tuple, a list or a "
     f"dict.{ALONE}"),
    (OnlyIndexed(), {}, f"test_grid.OnlyIndexed holds no images: {NOWHERE}"),
    (OnlyCounted(), {}, f"test_grid.OnlyCounted holds no images: {NOWHERE}"),
    (3, {}, f"builtins.int holds no images: {NOWHERE}"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "options", "error", "message"),
    [(*row[:2], error, row[2]) for error, rows in ((ImageError, IMAGES), (ImageTypeError, TYPES)) for row in rows],
)
def test_what_cannot_be_drawn_says_why(source: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        grid(source, **options)
    pytest.LineMatcher([str(caught.value)]).fnmatch_lines([message.replace("[", "[[]")])
