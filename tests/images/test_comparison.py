"""What is said of two images that differ, and what is drawn of them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from photographs import crops
from PIL import Image

from pytest_denorm import grid
from pytest_denorm.images.comparison import amplified, compare, side_by_side

PHOTOS = crops(8, 32)


def lines(before: Any, after: Any) -> dict[str, str]:
    """By their labels, of an image or of a grid against another."""
    tiles = getattr(after, "tiles", ())
    difference = compare(getattr(before, "pixels", before), getattr(after, "pixels", after), tiles)
    assert difference is not None
    return {"headline": difference.headline, **dict(difference.lines)}


def dotted(height: int, width: int, *dots: tuple[int, int, int, int]) -> np.ndarray[Any, Any]:
    image = np.full((height, width, 3), 100, dtype=np.uint8)
    for row, column, channel, level in dots:
        image[row, column, channel] = level
    return image


def test_a_size_that_differs_is_told_with_the_grid_that_was_drawn() -> None:
    before, after = grid(PHOTOS, nrow=4), grid(PHOTOS[:6], nrow=4, padding=2)
    difference = compare(before.pixels, after.pixels, after.tiles)
    assert difference is not None
    assert difference.headline == "the size is not that of the baseline"
    assert difference.lines == (
        ("sizes", "baseline 67 x 133, result 70 x 138 (height x width, pixels)"),
        ("result", "6 tiles of 32 x 32, 2 x 4"),
        ("diagnosis", "the first 6 tiles are equal, 2 are missing"),
    )
    assert difference.figures == {
        "baseline_size": "67 x 133",
        "result_size": "70 x 138",
        "kind": "tile-count",
        "diagnosis": "the first 6 tiles are equal, 2 are missing",
    }
    assert "result" not in lines(PHOTOS[0], PHOTOS[0][:, 1:])
    assert "result" not in lines(before, grid(PHOTOS[0]))
    assert lines(before, grid(PHOTOS[:2]))["result"] == "2 tiles of 32 x 32, 1 x 2"


def test_the_worst_pixel_of_one_image_has_no_tile() -> None:
    said = lines(dotted(4, 5), dotted(4, 5, (1, 2, 1, 90), (3, 4, 2, 120)))
    assert said["worst"] == "blue, pixel (3, 4): expected 100, found 120"
    assert "untouched" not in said
    assert said["headline"] == "the baseline is grey, the result is in color"


def test_the_worst_pixel_is_found_in_its_tile_or_outside_of_all() -> None:
    before = grid(PHOTOS, nrow=4)
    after = PHOTOS.copy()
    after[6, 31, 0, 0] ^= 0x80
    assert lines(before, grid(after, nrow=4))["worst"] == (
        f"tile 6 (row 1, column 2), red, pixel (31, 0): expected {PHOTOS[6, 31, 0, 0]}, found {after[6, 31, 0, 0]}"
    )
    said = lines(before, grid(PHOTOS, nrow=4, pad_value=0.2))
    assert said["worst"] == "padding, red, pixel (0, 0) of the canvas: expected 0, found 51"
    assert said["untouched"] == "all tiles"
    assert lines(before, grid(PHOTOS ^ 0x40, nrow=4))["untouched"] == "no tile"


@pytest.mark.parametrize(
    ("row", "column", "place"),
    [
        *((row, column, f"tile 1 (row 0, column 1), red, pixel ({row - 1}, {column - 6})")
          for row in (1, 4) for column in (6, 9)),
        *((row, column, f"padding, red, pixel ({row}, {column}) of the canvas")
          for row, column in ((0, 6), (5, 6), (1, 5), (1, 10))),
    ],
)  # fmt: skip
def test_a_tile_ends_where_the_padding_begins(row: int, column: int, place: str) -> None:
    figure = grid(np.full((2, 4, 4, 3), 100, np.uint8))
    before = figure.pixels.copy()
    before[row, column, 0] ^= 0x80
    said = lines(before, figure)
    assert said["worst"].startswith(f"{place}: expected ")
    assert said["untouched"] == ("tile 0" if place.startswith("tile") else "all tiles")


def test_the_diagnosis_tells_what_became_of_the_baseline() -> None:
    red = PHOTOS[0][..., :1].repeat(3, axis=-1)
    assert lines(PHOTOS[0], red)["diagnosis"] == "the image: grey: every channel shows red"
    assert (
        lines(red, PHOTOS[0])["diagnosis"] == "the image: the same scene, changed in an unknown way (correlation 0.98)"
    )


def test_grey_and_color_are_told_apart() -> None:
    grey = PHOTOS[0][..., :1].repeat(3, axis=-1)
    assert lines(grey, PHOTOS[0])["headline"] == "the baseline is grey, the result is in color"
    assert lines(PHOTOS[0], grey)["headline"] == "the result is grey, the baseline is in color"
    assert lines(grey, 255 - grey)["headline"] == "the image differs from its baseline"
    for channel in range(3):
        tinted = grey.copy()
        tinted[3, 4, channel] ^= 1
        assert lines(grey, tinted)["headline"] == "the baseline is grey, the result is in color"


@pytest.mark.parametrize(
    ("differences", "factor"),
    [
        ([1], 255),  # up to white
        ([2, 2, 2], 127),
        ([5, 5, 100], 16),  # half of them to a level of 80, though the largest is cut off
        ([1, 1, 200], 80),
        ([100, 100, 100], 2),
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


def test_panels_stand_side_by_side_enlarged_alike() -> None:
    small, narrow = PHOTOS[0][:20, :24], PHOTOS[1][:16, :8]
    canvas = np.asarray(Image.open(io.BytesIO(side_by_side(small, narrow, small))))
    assert canvas.shape == (200, 3 * 240 + 2 * 8, 3)  # 256 // 24 = 10 times
    assert np.array_equal(canvas[:, :240], small.repeat(10, axis=0).repeat(10, axis=1))
    assert np.array_equal(canvas[:160, 248:328], narrow.repeat(10, axis=0).repeat(10, axis=1))
    assert np.array_equal(canvas[:, 496:], canvas[:, :240])
    for gap in (canvas[:, 240:248], canvas[160:, 248:488], canvas[:, 328:488], canvas[:, 488:496]):
        assert (gap == 128).all()


def test_large_panels_stay_as_they_are() -> None:
    half = np.zeros((128, 3, 3), np.uint8)
    assert np.asarray(Image.open(io.BytesIO(side_by_side(half)))).shape[:2] == (256, 6)
    large = np.zeros((257, 3, 3), np.uint8)
    canvas = np.asarray(Image.open(io.BytesIO(side_by_side(large, large))))
    assert canvas.shape[:2] == (257, 3 + 8 + 3)
