"""What is said of each way in which images change in life."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from photographs import crops
from PIL import Image, ImageEnhance, ImageFilter

from pytest_denorm import Normalization, grid
from pytest_denorm.images.comparison import Difference, compare, percent
from pytest_denorm.images.drawing import draw

Images = np.ndarray[Any, np.dtype[np.uint8]]

SIZE = 96
IMAGENET = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.fixture(scope="module")
def photos() -> Images:
    return crops(8, SIZE)


@pytest.fixture(scope="module")
def large() -> Images:
    return crops(8, 2 * SIZE)


def difference(before: Any, after: Any, normalization: Any = None, **kwargs: Any) -> Difference:
    """Of two grids of four images in a row."""
    one, other = (grid(list(images), nrow=4, **kwargs) for images in (before, after))
    found = compare(one.pixels, other.pixels, other.tiles, normalization)
    assert found is not None
    return found


def each(change: Callable[[Image.Image], Image.Image]) -> Callable[[Images], Images]:
    return lambda images: np.stack([np.asarray(change(Image.fromarray(one)).convert("RGB")) for one in images])


def jpeg(quality: int) -> Callable[[Images], Images]:
    def change(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "jpeg", quality=quality)
        return Image.open(file)

    return each(change)


def levels(change: Callable[[Any], Any]) -> Callable[[Images], Images]:
    return lambda images: np.clip(np.rint(change(images.astype(float))), 0, 255).astype(np.uint8)


def dotted(images: Images) -> Images:
    images = images.copy()
    images[3, 40, 50, 1] ^= 7
    return images


def boxed(top: int, left: int) -> Callable[[Images], Images]:
    def change(images: Images) -> Images:
        images = images.copy()
        images[:, top : top + 16, left : left + 16] = (250, 20, 30)
        return images

    return change


def brighter_corner(images: Images) -> Images:
    images = images // 2
    images[:, :40, :40] += 9
    return images


def noisy(images: Images) -> Images:
    return levels(lambda x: x + np.random.default_rng(0).normal(0, 4, x.shape))(images)


CHANGES: list[tuple[str, Callable[[Images], Images], str, str]] = [
    ("one pixel", dotted, "one-pixel", "tile 3: one pixel at (40, 50); all others are equal"),
    ("noise", noisy, "noise", "all tiles: noise, with a standard deviation of 4 levels"),
    ("gamma", levels(lambda x: 255 * (x / 255) ** 1.2), "gamma", "all tiles: gamma 1.2 (darker), alike in *"),
    ("one channel", levels(lambda x: x // 2 + [5, 0, 0]), "", "all tiles: *"),
    ("clipping", lambda x: np.clip(x, 20, 235), "clipping", "all tiles: clipped to 20..235, alike in all channels"),
    ("fewer levels", lambda x: x // 16 * 16, "fewer-levels", "all tiles: reduced to 16 levels, alike in all channels"),
    ("jpeg", jpeg(90), "jpeg", "all tiles: JPEG: fine details are missing in blocks of 8 x 8 pixels*"),
    ("low jpeg", jpeg(50), "jpeg", "all tiles: JPEG: *"),
    ("blur", each(lambda x: x.filter(ImageFilter.GaussianBlur(1))), "resampling", "all tiles: smoother, *blur*"),
    ("sharpened", each(lambda x: x.filter(ImageFilter.SHARPEN)), "resampling", "all tiles: sharper, *"),
    ("saturation", each(lambda x: ImageEnhance.Color(x).enhance(0.5)), "saturation", "all tiles: saturation 0.5 *"),
    ("grey", each(lambda x: x.convert("L")), "grey", "all tiles: grey: every channel shows one mixture, 0.299 red *"),
    ("a box more", boxed(33, 35), "region", "all tiles: one region changed, 16 x 16 pixels at (33, 35) *"),
    ("shift", lambda x: np.pad(x, ((0, 0), (0, 0), (5, 0), (0, 0)))[:, :, :SIZE], "shift", "*by 5 pixels right"),
    (
        "long shift",
        lambda x: np.pad(x, ((0, 0), (30, 0), (0, 20), (0, 0)), "edge")[:, :SIZE, 20:],
        "shift",
        "all tiles: shifted by 30 pixels down and 20 pixels left",
    ),
    ("roll", lambda x: np.roll(x, 17, 1), "shift", "*shifted by 17 pixels down; what left one side came in at *"),
    ("rotation", each(lambda x: x.rotate(3, Image.Resampling.BILINEAR)), "rotation", "*by about 3 degrees to the left"),
    ("quarter", lambda x: np.rot90(x, 1, (1, 2)), "flip", "all tiles: turned by 90 degrees to the left"),
    ("mirrored", lambda x: x[:, :, ::-1], "flip", "all tiles: mirrored left to right"),
    ("upside down", lambda x: x[:, ::-1], "flip", "all tiles: upside down"),
    ("half turn", lambda x: x[:, ::-1, ::-1], "flip", "all tiles: turned by 180 degrees"),
    ("transposed", lambda x: x.swapaxes(1, 2), "flip", "all tiles: rows and columns exchanged"),
    ("reversed", lambda x: x[..., ::-1], "channel-order", "all tiles: channels reversed (BGR for RGB)"),
    ("rotated channels", lambda x: x[..., [1, 2, 0]], "channel-order", "*green drawn as red, blue drawn as green, *"),
    ("one channel thrice", lambda x: x[..., [1, 1, 1]], "grey", "all tiles: grey: every channel shows green"),
    ("exchanged", lambda x: x[[1, 0, 2, 3, 4, 5, 6, 7]], "tile-order", "*tile 0 shows what was tile 1, tile 1 *"),
    ("repeated", lambda x: x[[0, 0, 2, 3, 4, 5, 6, 7]], "tiles-repeated", "tiles are repeated, others are missing: *"),
    ("two missing", lambda x: x[:6], "tile-count", "the first 6 tiles are equal, 2 are missing"),
    ("a row missing", lambda x: x[:4], "tile-count", "the first 4 tiles are equal, 4 are missing"),
    ("two added", lambda x: np.concatenate([x, x[:2] // 2]), "tile-count", "the first 8 tiles are equal, 2 were added"),
    ("truncated", lambda x: x - (x % 3 == 1), "truncation", "*all darker, in * truncation (bytes cut off instead *"),
    ("rounded up", lambda x: x + (x % 3 == 1).astype(np.uint8), "rounding", "*all brighter, in *"),
    ("other images", lambda x: 255 - x[::-1, ::-1] // 2, "content", "*another image (correlation *"),
]


@pytest.mark.parametrize(("change", "kind", "said"), [one[1:] for one in CHANGES], ids=[one[0] for one in CHANGES])
def test_the_family_of_a_change_is_named(
    photos: Images, change: Callable[[Images], Images], kind: str, said: str
) -> None:
    found = difference(photos, np.ascontiguousarray(change(photos)))
    pytest.LineMatcher([found.figures["diagnosis"]]).fnmatch_lines([said.replace("[", "[[]")])
    assert found.figures["kind"] == (kind or found.figures["kind"])


def test_other_interpolations_are_named(large: Images) -> None:
    def resized(how: Image.Resampling) -> Images:
        return each(lambda x: x.resize((SIZE, SIZE), how))(large)

    aliased = each(
        lambda x: x.transform((SIZE, SIZE), Image.Transform.AFFINE, (2, 0, 0, 0, 2, 0), Image.Resampling.BILINEAR)
    )(large)
    plain = resized(Image.Resampling.BILINEAR)
    for other in (resized(Image.Resampling.BICUBIC), aliased):
        found = difference(plain, other).figures
        assert found["kind"] == "resampling"
        assert "sharper, edges differ and flat areas do not" in found["diagnosis"]
    assert "smoother" in difference(aliased, plain).figures["diagnosis"]


def test_a_box_that_moved_is_told_with_both_places(photos: Images) -> None:
    far = difference(boxed(10, 10)(photos), boxed(60, 65)(photos)).figures
    assert far["diagnosis"] == ("all tiles: a box of 16 x 16 pixels moved from (10, 10) to (60, 65); the rest is equal")
    near = difference(boxed(30, 30)(photos), boxed(33, 35)(photos)).figures
    assert near["diagnosis"] == (
        "all tiles: a part of 16 x 16 pixels moved by +3 rows and +5 columns; the rest is equal"
    )


def test_a_region_that_is_brighter_says_by_how_much(photos: Images) -> None:
    found = difference(photos // 2, brighter_corner(photos)).figures
    assert found["kind"] == "region"
    assert "one region changed, 40 x 40 pixels at (0, 0)" in found["diagnosis"]
    assert "9" in found["diagnosis"].partition("(0, 0)")[2]


def test_tiles_that_changed_each_in_its_way_are_told_apart(photos: Images) -> None:
    after = photos.copy()
    after[0], after[1:3], after[5] = photos[0, ..., ::-1], photos[1:3, ::-1], photos[5, :, ::-1]
    found = difference(photos, after)
    assert [text for label, text in found.lines if label == "diagnosis"] == [
        "tile 0: channels reversed (BGR for RGB)",
        "tiles 1-2: upside down",
        "tile 5: mirrored left to right",
    ]
    assert ("untouched", "tiles 3-4, 6-7") in found.lines


def test_a_wrong_std_is_named_where_the_normalization_is_known(photos: Images) -> None:
    wrong = Normalization(IMAGENET.mean, (0.229, 0.224, 0.255))
    normalized = IMAGENET.normalize(np.ascontiguousarray(photos.transpose(0, 3, 1, 2)))
    before, after = (grid(normalized, one, nrow=4) for one in (IMAGENET, wrong))
    found = compare(before.pixels, after.pixels, after.tiles, wrong)
    assert found is not None
    assert "blue" in found.figures["diagnosis"]
    assert "0.255" in found.figures["diagnosis"]


def test_the_numbers_are_those_of_the_pixels(photos: Images) -> None:
    found = difference(photos, dotted(photos))
    assert found.figures | {"psnr": 0} == {
        "differing_pixels": 1,
        "max_difference": int(abs(int(dotted(photos)[3, 40, 50, 1]) - int(photos[3, 40, 50, 1]))),
        "mean_difference": found.figures["mean_difference"],
        "psnr": 0,
        "box": [41, 3 * 97 + 1 + 50, 1, 1],
        "differing_tiles": 1,
        "kind": "one-pixel",
        "diagnosis": "tile 3: one pixel at (40, 50); all others are equal",
    }
    one, other = (grid(list(images), nrow=4).pixels.astype(float) for images in (photos, dotted(photos)))
    assert found.figures["psnr"] == round(10 * np.log10(255**2 / np.mean((one - other) ** 2)), 2)


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (1, 1801 * 1801, "0.000031 %"),
        (3, 1801 * 1801, "0.000092 %"),
        (1, 9216, "0.011 %"),
        (50, 100, "50 %"),
        (9999, 10000, "99.9 %"),
        (10**9 - 1, 10**9, "99.9 %"),
        (7, 7, "100 %"),
    ],
)
def test_a_share_has_its_true_digits(part: int, whole: int, said: str) -> None:
    assert percent(part, whole) == said


@pytest.mark.parametrize(("family", "kind"), [("DejaVu Serif", "fonts"), (None, "")])
def test_letters_that_differ_alone_are_another_font(family: str | None, kind: str) -> None:
    def figure(font: str | None, line: float) -> Any:
        with plt.rc_context({"font.family": font or "DejaVu Sans"}):
            made, axes = plt.subplots()
            axes.plot([1, line])
            axes.set_title("a title")
            drawn = draw(made, {})
            plt.close(made)
        return drawn

    before, after = figure(None, 2), figure(family, 2 if family else 2.5)
    found = compare(before.pixels, after.pixels, texts=after.texts)
    assert found is not None
    assert (found.figures["kind"] == "fonts") is (kind == "fonts")


def test_the_same_images_in_other_rows_are_a_layout(photos: Images) -> None:
    one, other = grid(list(photos), nrow=4), grid(list(photos), nrow=8)
    found = compare(one.pixels, other.pixels, other.tiles)
    assert found is not None
    assert found.figures["diagnosis"] == "the first 8 tiles are equal: the same tiles, laid out in another way"
