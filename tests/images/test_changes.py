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
from pytest_denorm.images.comparison import Difference, amplified, compare, percent, side_by_side
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


def hsv(turn: int) -> Callable[[Images], Images]:
    """Turn hues by so many 256ths of a circle."""

    def change(image: Image.Image) -> Image.Image:
        values = np.array(image.convert("HSV"))
        values[..., 0] += np.uint8(turn % 256)
        return Image.fromarray(values, "HSV")

    return each(change)


def zoomed(left: float, top: float, right: float, bottom: float) -> Callable[[Images], Images]:
    """Enlarge a part, whose edges are shares of a side."""
    box = tuple(SIZE * share for share in (left, top, right, bottom))
    return each(lambda x: x.transform(x.size, Image.Transform.EXTENT, box, Image.Resampling.BILINEAR))


def affine(*data: float) -> Callable[[Images], Images]:
    return each(lambda x: x.transform(x.size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR))


def blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(1))


def salted(images: Images) -> Images:
    images, rng = images.copy(), np.random.default_rng(0)
    images[rng.random(images.shape[:3]) < 0.03] = 255
    return images


def noisy(images: Images) -> Images:
    return levels(lambda x: x + np.random.default_rng(0).normal(0, 4, x.shape))(images)


CHANGES: list[tuple[str, Callable[[Images], Images], str, str]] = [
    ("one pixel", dotted, "one-pixel", "tile 3: one pixel at (40, 50); all others are equal"),
    ("noise", noisy, "noise", "all tiles: noise, with a standard deviation of 4 levels"),
    ("gamma", levels(lambda x: 255 * (x / 255) ** 1.2), "gamma", "all tiles: gamma 1.2 (darker), alike in *"),
    ("clipping", lambda x: np.clip(x, 20, 235), "clipping", "all tiles: clipped to 20..235, alike in all channels"),
    ("fewer levels", lambda x: x // 16 * 16, "fewer-levels", "all tiles: reduced to 16 levels, alike in all channels"),
    ("jpeg", jpeg(90), "jpeg", "all tiles: JPEG: fine details are missing in blocks of 8 x 8 pixels*"),
    ("low jpeg", jpeg(50), "jpeg", "all tiles: JPEG: *"),
    ("blur", each(blurred), "resampling", "all tiles: smoother, *blur*"),
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
    ("speckles", salted, "noise", "all tiles: noise in single pixels, 2.9 % of them; *"),
    ("one channel", lambda x: x // 2 + np.uint8([0, 0, 5]), "", "all tiles: *"),
    ("hue", hsv(64), "hue", "all tiles: hue turned by +90 degrees (HSV)"),
    ("hue back", hsv(-14), "hue", "all tiles: hue turned by -20 degrees (HSV)"),
    ("zoom", zoomed(0.05, 0.05, 0.95, 0.95), "zoom", "all tiles: enlarged 1.11 times"),
    ("zoom out", zoomed(-0.1, -0.1, 1.1, 1.1), "zoom", "all tiles: reduced to 83.* % of its size"),
    ("crop", zoomed(0, 0, 0.9, 0.9), "", "all tiles: enlarged 1.1* times, shifted by * pixels down and * right"),
    ("large rotation", each(lambda x: x.rotate(-20)), "rotation", "all tiles: turned by about 20 degrees to the right"),
    ("shear", affine(1, 0.1, -4, 0, 1, 0), "stretch", "*stretched or sheared, by up to 11 %*"),
    (
        "half a pixel",
        affine(1, 0, 0.5, 0, 1, 0.25),
        "shift",
        "all tiles: shifted by 0.2* pixels up and 0.* pixels left",
    ),
    ("solarized", lambda x: np.where(x < 128, x, 255 - x), "curve", "*by a curve that rises and falls *"),
    (
        "a border",
        lambda x: np.pad(x[:, 4:-4, 4:-4], ((0, 0), (4, 4), (4, 4), (0, 0))),
        "border",
        "*border of 4 pixels *",
    ),
    (
        "mirrored and darker",
        levels(lambda x: 0.8 * x[:, :, ::-1]),
        "flip",
        "all tiles: mirrored left to right; besides, 0.8 times the level, alike in all channels",
    ),
    ("shifted and JPEG", lambda x: jpeg(60)(np.roll(x, 3, 2)), "shift", "*by 3 pixels right*; besides, JPEG: *"),
    ("BGR and blurred", lambda x: each(blurred)(x[..., ::-1].copy()), "channel-order", "*BGR*; besides, smoother, *"),
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
    found = difference(photos, dotted(photos)).figures
    one, other = (grid(list(images), nrow=4).pixels.astype(float) for images in (photos, dotted(photos)))
    levels = np.abs(one - other)
    assert found == {
        "differing_pixels": 1,
        "max_difference": levels.max(),
        "mean_difference": float(f"{levels.mean():.4g}"),
        "psnr": round(10 * np.log10(255**2 / np.mean(levels**2)), 2),
        "box": [41, 3 * 97 + 1 + 50, 1, 1],
        "differing_tiles": 1,
        "kind": "one-pixel",
        "diagnosis": "tile 3: one pixel at (40, 50); all others are equal",
    }


SHARES = {
    (1, 1801 * 1801): "0.000031 %",
    (1, 9216): "0.011 %",
    (50, 100): "50 %",
    (9999, 10000): "99.9 %",
    (10**9 - 1, 10**9): "99.9 %",
    (7, 7): "100 %",
}


def test_a_share_has_its_true_digits() -> None:
    assert {pair: percent(*pair) for pair in SHARES} == SHARES


def test_letters_that_differ_alone_are_another_font() -> None:
    def figure(font: str, line: float) -> Any:
        with plt.rc_context({"font.family": font}):
            made, axes = plt.subplots()
            axes.plot([1, line])
            axes.set_title("a title")
            drawn = draw(made, {})
            plt.close(made)
        return drawn

    before = figure("DejaVu Sans", 2)
    for font, line, is_font in (("DejaVu Serif", 2, True), ("DejaVu Sans", 2.5, False), ("DejaVu Serif", 2.5, False)):
        after = figure(font, line)
        found = compare(before.pixels, after.pixels, texts=after.texts)
        assert found is not None
        assert (found.figures["kind"] == "fonts") is is_font


# --- where, and by how much ---


def lines(before: Any, after: Any) -> dict[str, str]:
    """What is said, by label, of an image or of a grid against another."""
    found = compare(getattr(before, "pixels", before), getattr(after, "pixels", after), getattr(after, "tiles", ()))
    assert found is not None
    return {"headline": found.headline, **dict(found.lines)}


def test_a_size_that_differs_is_told_with_the_grid_that_was_drawn(photos: Images) -> None:
    before = grid(photos, nrow=4)
    said = lines(before, grid(photos[:6], nrow=4, padding=2))
    assert said == {
        "headline": "the size is not that of the baseline",
        "sizes": "baseline 195 x 389, result 198 x 394 (height x width, pixels)",
        "result": "6 tiles of 96 x 96, 2 x 4",
        "diagnosis": "the first 6 tiles are equal, 2 are missing",
    }
    assert "result" not in lines(photos[0], photos[0][:, 1:])
    same = lines(before, grid(photos, nrow=8))
    assert same["diagnosis"] == "the first 8 tiles are equal: the same tiles, laid out in another way"


def test_the_worst_pixel_is_found_in_its_tile_or_outside_of_all(photos: Images) -> None:
    before, after = grid(photos, nrow=4), photos.copy()
    after[6, 95, 0, 0] ^= 0x80
    values = f"expected {photos[6, 95, 0, 0]}, found {after[6, 95, 0, 0]}"
    said = lines(before, grid(after, nrow=4))
    assert said["worst"] == f"tile 6 (row 1, column 2), red, pixel (95, 0): {values}"
    assert said["untouched"] == "tiles 0-5, 7"
    said = lines(before, grid(photos, nrow=4, pad_value=0.2))
    assert said["worst"] == "padding, red, pixel (0, 0) of the canvas: expected 0, found 51"
    assert said["untouched"] == "all tiles"
    said = lines(photos[6], after[6])
    assert said["worst"] == f"red, pixel (95, 0): {values}"
    assert "untouched" not in said


@pytest.mark.parametrize("row", [0, 1, 4, 5])
@pytest.mark.parametrize("column", [5, 6, 9, 10])
def test_a_tile_ends_where_the_padding_begins(row: int, column: int) -> None:
    figure = grid(np.full((2, 4, 4, 3), 100, np.uint8))
    before = figure.pixels.copy()
    before[row, column, 0] ^= 0x80
    inside = row in (1, 4) and column in (6, 9)
    place = f"tile 1 (row 0, column 1), red, pixel ({row - 1}, {column - 6})"
    assert lines(before, figure)["worst"].startswith(place if inside else f"padding, red, pixel ({row}, {column}) of ")


def test_grey_and_color_are_told_apart(photos: Images) -> None:
    color = photos[0]
    grey = color[..., :1].repeat(3, axis=-1)
    assert lines(grey, color)["headline"] == "the baseline is grey, the result is in color"
    assert lines(color, grey)["headline"] == "the result is grey, the baseline is in color"
    assert lines(grey, 255 - grey)["headline"] == "the image differs from its baseline"
    for channel in range(3):
        tinted = grey.copy()
        tinted[3, 4, channel] ^= 1
        assert lines(grey, tinted)["headline"] == "the baseline is grey, the result is in color"


# --- images of a difference ---


@pytest.mark.parametrize(
    ("differences", "factor"),
    [
        ([1], 255),  # up to white
        ([2, 2, 2], 127),
        ([5, 5, 100], 16),  # half of them to a level of 80, though the largest is cut off
        ([1, 1, 200], 80),
        ([200, 200], 1),
        ([], 255),
    ],
)
def test_a_difference_is_amplified_so_that_half_of_it_can_be_seen(differences: list[int], factor: int) -> None:
    before = np.full((3, 4, 3), 40, np.uint8)
    after = before.copy()
    after[0, : len(differences), 1] += np.array(differences, np.uint8)
    for one, other in ((before, after), (after, before)):
        canvas, found = amplified(one, other)
        assert (found, canvas.dtype) == (factor, np.uint8)
        assert canvas[0, : len(differences), 1].tolist() == [min(each * factor, 255) for each in differences]
        assert int(canvas.sum()) == sum(min(each * factor, 255) for each in differences)


def test_what_only_one_image_has_is_magenta() -> None:
    wide, high = np.zeros((2, 5, 3), np.uint8), np.zeros((4, 3, 3), np.uint8)
    for one, other in ((wide, high), (high, wide)):
        canvas, _ = amplified(one, other)
        assert canvas.shape == (4, 5, 3)
        assert not canvas[:2, :3].any()
        assert (canvas[2:] == (255, 0, 255)).all()
        assert (canvas[:, 3:] == (255, 0, 255)).all()


def test_panels_stand_side_by_side_enlarged_alike(photos: Images) -> None:
    small, narrow = photos[0][:20, :24], photos[1][:16, :8]
    canvas = np.asarray(Image.open(io.BytesIO(side_by_side(small, narrow, small))))
    assert canvas.shape == (200, 3 * 240 + 2 * 8, 3)  # 256 // 24 = 10 times
    assert np.array_equal(canvas[:, :240], small.repeat(10, axis=0).repeat(10, axis=1))
    assert np.array_equal(canvas[:160, 248:328], narrow.repeat(10, axis=0).repeat(10, axis=1))
    for gap in (canvas[:, 240:248], canvas[160:, 248:488], canvas[:, 328:488], canvas[:, 488:496]):
        assert (gap == 128).all()
    large = np.zeros((257, 3, 3), np.uint8)
    assert np.asarray(Image.open(io.BytesIO(side_by_side(large, large)))).shape[:2] == (257, 3 + 8 + 3)
