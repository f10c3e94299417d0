"""What is said of two pictures that differ, and what is drawn of them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from photographs import crops
from PIL import Image

from pytest_denorm import grid
from pytest_denorm.errors import BaselineError
from pytest_denorm.images.comparison import amplified, compare, compare_files, side_by_side

PHOTOS = crops(8, 32)


def lines(before: Any, after: Any) -> dict[str, str]:
    """By their labels, of a picture or of a grid against another."""
    tiles = getattr(after, "tiles", ())
    difference = compare(getattr(before, "pixels", before), getattr(after, "pixels", after), tiles)
    assert difference is not None
    return {"headline": difference.headline, **dict(difference.lines)}


def dotted(height: int, width: int, *dots: tuple[int, int, int, int]) -> np.ndarray[Any, Any]:
    picture = np.full((height, width, 3), 100, dtype=np.uint8)
    for row, column, channel, level in dots:
        picture[row, column, channel] = level
    return picture


def test_a_size_that_differs_is_told_with_the_grid_that_was_drawn() -> None:
    before, after = grid(PHOTOS, nrow=4), grid(PHOTOS[:6], nrow=4, padding=2)
    difference = compare(before.pixels, after.pixels, after.tiles)
    assert difference is not None
    assert difference.headline == "the size is not that of the baseline"
    assert difference.lines == (
        ("sizes", "baseline 67 x 133, result 70 x 138 (height x width, pixels)"),
        ("result", "6 tiles of 32 x 32, 2 x 4"),
    )
    assert difference.figures == {"baseline_size": "67 x 133", "result_size": "70 x 138"}
    assert "result" not in lines(PHOTOS[0], PHOTOS[0][:, 1:])
    assert "result" not in lines(before, grid(PHOTOS[0]))
    assert lines(before, grid(PHOTOS[:2]))["result"] == "2 tiles of 32 x 32, 1 x 2"


SOME = [(row, column, 1, 99) for row in range(100) for column in range(200)]


@pytest.mark.parametrize(
    ("dots", "share"),
    [
        ([(0, 0, 0, 0)], "1 of 20000 pixels (0.01 %), by up to 100 levels"),
        ([(0, 0, 0, 0), (0, 0, 1, 0), (7, 3, 2, 103)], "2 of 20000 pixels (0.01 %), by up to 100 levels"),
        ([(0, column, 0, 101) for column in range(3)], "3 of 20000 pixels (0.015 %), by up to 1 level"),
        ([(0, column, 0, 105) for column in range(200)], "200 of 20000 pixels (1 %), by up to 5 levels"),
        (SOME[:19600], "19600 of 20000 pixels (98 %), by up to 1 level"),
        (SOME[1:], "19999 of 20000 pixels (99 %), by up to 1 level"),
    ],
)
def test_the_share_of_pixels_is_told(dots: list[tuple[int, int, int, int]], share: str) -> None:
    assert lines(dotted(100, 200), dotted(100, 200, *dots))["differs"] == share


def test_every_pixel_is_a_hundred_percent() -> None:
    assert lines(dotted(4, 5), dotted(4, 5) + np.uint8(1))["differs"] == "20 of 20 pixels (100 %), by up to 1 level"


def test_the_worst_pixel_of_one_picture_has_no_tile() -> None:
    said = lines(dotted(4, 5), dotted(4, 5, (1, 2, 1, 90), (3, 4, 2, 120)))
    assert said["worst"] == "blue, pixel (3, 4): expected 100, found 120"
    assert "untouched" not in said
    assert said["headline"] == "the baseline is grey, the result is in colour"


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
    assert lines(PHOTOS[0], red)["diagnosis"] == "the picture: grey: every channel shows red"
    assert lines(red, PHOTOS[0])["diagnosis"] == "the picture: another picture"


def test_grey_and_colour_are_told_apart() -> None:
    grey = PHOTOS[0][..., :1].repeat(3, axis=-1)
    assert lines(grey, PHOTOS[0])["headline"] == "the baseline is grey, the result is in colour"
    assert lines(PHOTOS[0], grey)["headline"] == "the result is grey, the baseline is in colour"
    assert lines(grey, 255 - grey)["headline"] == "the picture differs from its baseline"
    for channel in range(3):
        tinted = grey.copy()
        tinted[3, 4, channel] ^= 1
        assert lines(grey, tinted)["headline"] == "the baseline is grey, the result is in colour"


def test_four_causes_are_told_at_most() -> None:
    after = PHOTOS.copy()
    after[0], after[1], after[2] = PHOTOS[0][..., ::-1], PHOTOS[1][:, ::-1], PHOTOS[2][::-1]
    after[3], after[4] = PHOTOS[3][::-1, ::-1], PHOTOS[4] ^ 0x40
    figure = grid(after)
    difference = compare(grid(PHOTOS).pixels, figure.pixels, figure.tiles)
    assert difference is not None
    causes = [text for label, text in difference.lines if label == "diagnosis"]
    assert causes == [
        "tile 0: channels reversed (BGR for RGB)",
        "tile 1: mirrored left to right",
        "tile 2: upside down",
        "tile 3: turned by 180 degrees",
    ]
    assert difference.figures == {
        "differing_pixels": int((after != PHOTOS).any(axis=-1).sum()),
        "max_difference": int(np.abs(after.astype(int) - PHOTOS).max()),
        "differing_tiles": 5,
        "diagnosis": "; ".join(causes),
    }


def test_files_are_equal_by_bytes_or_by_pixels(tmp_path: Any) -> None:
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for path, picture, level in zip(paths, (PHOTOS[0], PHOTOS[0], PHOTOS[1]), (0, 9, 9), strict=True):
        Image.fromarray(picture).save(path, compress_level=level)
    assert paths[0].read_bytes() != paths[1].read_bytes()
    assert compare_files(paths[0], paths[1]) is None
    assert compare_files(paths[0], paths[2]) == compare(PHOTOS[0], PHOTOS[1]) != compare(PHOTOS[1], PHOTOS[0])
    with pytest.raises(BaselineError, match=r"^there is no picture .*d\.png\.$"):
        compare_files(paths[0], tmp_path / "d.png")
    with pytest.raises(BaselineError, match=r"^there is no picture .*d\.png\.$"):
        compare_files(tmp_path / "d.png", paths[0])
    for path in paths[:2]:
        path.write_bytes(b"no picture")
    assert compare_files(paths[0], paths[1]) is None


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


def test_what_only_one_picture_has_is_magenta() -> None:
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
    assert np.asarray(Image.open(io.BytesIO(side_by_side(half)))).shape == (256, 6, 3)
    large = np.zeros((257, 3, 3), np.uint8)
    canvas = np.asarray(Image.open(io.BytesIO(side_by_side(large, large))))
    assert canvas.shape == (257, 3 + 8 + 3, 3)
