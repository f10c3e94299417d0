"""The PNG files that are written are what every reader expects."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib import cbook, image
from PIL import Image

from pytest_denorm.images import png
from pytest_denorm.images.png import encode_png, is_ours


def chunks(data: bytes) -> list[bytes]:
    """The names of the chunks of a PNG file, each with its checksum verified."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    names, at = [], 8
    while at < len(data):
        length = struct.unpack(">I", data[at : at + 4])[0]
        body = data[at + 4 : at + 8 + length]
        assert struct.pack(">I", zlib.crc32(body)) == data[at + 8 + length : at + 12 + length]
        names.append(body[:4])
        at += 12 + length
    return names


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_every_pixel_comes_back(pixels: np.ndarray) -> None:
    data = encode_png(pixels)
    assert chunks(data) == [b"IHDR", b"IDAT", b"IEND"]
    height, width, _ = pixels.shape
    assert data[16:29] == struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    assert is_ours(data)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.mode == "RGB"
        assert np.array_equal(np.asarray(picture), pixels)


def test_a_photograph_in_any_layout() -> None:
    with cbook.get_sample_data("grace_hopper.jpg", asfileobj=True) as file:
        photograph = np.asarray(Image.open(file))
    for pixels in (photograph, photograph[::2, ::-1], photograph.transpose(1, 0, 2)):
        data = encode_png(pixels)
        assert np.array_equal(image.imread(io.BytesIO(data)), (pixels / np.float32(255)).astype(np.float32))
        pillow = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(pillow, format="png")
        assert len(data) < 1.25 * len(pillow.getvalue())


def test_a_large_canvas_is_one_stream_of_several_pieces() -> None:
    with cbook.get_sample_data("grace_hopper.jpg", asfileobj=True) as file:
        pixels = np.tile(np.asarray(Image.open(file)), (2, 2, 1))
    data = encode_png(pixels)
    assert data == encode_png(pixels)
    assert chunks(data) == [b"IHDR", b"IDAT", b"IEND"]
    length = struct.unpack(">I", data[33:37])[0]
    rows = zlib.decompress(data[41 : 41 + length])  # which verifies the stream's own checksum
    assert len(rows) == pixels.size + len(pixels) > 3 << 20
    with Image.open(io.BytesIO(data)) as picture:
        assert np.array_equal(np.asarray(picture), pixels)


@pytest.mark.parametrize("options", [None, {"compress_level": 9}], ids=["ours", "Pillow's"])
def test_text_is_written_in_the_encoding_that_it_needs(options: dict[str, int] | None) -> None:
    data = encode_png(np.zeros((1, 1, 3), np.uint8), {"Software": None, "Title": "Käse", "Author": "山"}, options)
    assert chunks(data) == [b"IHDR", b"tEXt", b"iTXt", b"IDAT", b"IEND"]
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.info == {"Title": "Käse", "Author": "山"}


def test_the_files_of_others_are_told_from_ours() -> None:
    pixels = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    ours = encode_png(pixels)
    rows = zlib.decompress(ours[41:-16])
    for level in range(10):  # what another zlib makes of the same rows is ours as well
        packed = zlib.compress(rows, level)
        chunk = struct.pack(">I", len(packed)) + b"IDAT" + packed + bytes(4)
        assert is_ours(ours[:33] + chunk + ours[-12:]) is (level < 2)
    for level in range(10):
        assert not is_ours(encode_png(pixels, pil_kwargs={"compress_level": level}))
    assert not is_ours(encode_png(pixels, {"Title": "mine"}))
    figure = io.BytesIO()
    image.imsave(figure, pixels)
    assert not is_ours(figure.getvalue())
    for size in range(len(ours)):
        assert not is_ours(ours[:size])
    assert not is_ours(ours + b"more")
    bomb = ours[:16] + struct.pack(">II", 60_000, 60_000) + ours[24:]
    assert not is_ours(bomb)
    for at in (8, 24, 25, 28, 37, 41, 44):
        assert not is_ours(ours[:at] + bytes([ours[at] ^ 4]) + ours[at + 1 :])


def changed(data: bytes, at: int, by: bytes) -> bytes:
    return data[:at] + by + data[at + len(by) :]


def test_what_is_nearly_ours_is_not() -> None:
    data = encode_png(np.full((4, 6, 3), 9, np.uint8))
    size = len(data) - 57
    for number in range(57, 62):
        assert not is_ours(data[:number])
    assert not is_ours(data[:-8] + b"IENX" + data[-4:])
    assert not is_ours(changed(data, 20, struct.pack(">I", 5)))  # one row more than there is
    assert not is_ours(changed(data, 20, struct.pack(">I", 3)))  # one row less
    assert not is_ours(changed(data, 16, bytes(4)))  # no columns
    assert not is_ours(changed(data, 20, bytes(4)))  # no rows
    assert not is_ours(changed(data, 16, struct.pack(">II", 2**14, 2**14)))
    assert not is_ours(changed(data, 33, struct.pack(">I", size - 1)))
    assert not is_ours(changed(data, 43, b"\xff" * 9))  # a broken stream
    assert is_ours(data)


def framed(width: int, height: int, rows: bytes) -> bytes:
    """A file of these rows, packed as ours are."""
    stream = zlib.compress(rows, 1)
    head = encode_png(np.zeros((1, 1, 3), np.uint8))
    start = changed(head[:33], 16, struct.pack(">II", width, height)) + struct.pack(">I", len(stream)) + b"IDAT"
    return start + stream + bytes(4) + head[-12:]


@pytest.mark.parametrize(("width", "height"), [(0, 0), (4, 0), (1, 1), (4, 6)])
def test_a_file_without_rows_is_not_ours(width: int, height: int) -> None:
    assert is_ours(framed(width, height, (b"\x02" + bytes(3 * width)) * height)) is (height > 0)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = framed(1, 1, bytes(1 << 24))
    tracemalloc.start()
    assert not is_ours(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    canvas = encode_png(np.zeros((4, 6, 3), np.uint8))
    for most, ours in ((24, True), (23, False)):
        monkeypatch.setattr(png, "MAX_PIXELS", most)
        assert is_ours(canvas) is ours
