"""Files of others are read within limits, and each is refused with what is wrong with it."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from pytest_denorm.errors import BaselineError, ImageError
from pytest_denorm.images import decoding
from pytest_denorm.images.decoding import SUFFIXES, png_for_pixels, read_picture, read_regular

PIXELS = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)


def png(mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(file, "PNG", **options)  # type: ignore[arg-type]
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def header(width: int, height: int, depth: int = 8) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))


# --- files ---


def test_a_regular_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(bytes(range(256)) + b"\r\n\x1a" * 9)
    assert read_regular(path, "it") == path.read_bytes()


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(BaselineError) as caught:
        read_regular(tmp_path, "the baseline")
    assert str(caught.value) == "the baseline is a folder: expected a file. Remove it."
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BaselineError, match="it is a named pipe: expected a file"):
        read_regular(tmp_path / "pipe", "it")
    with pytest.raises(BaselineError, match="it is a device: expected a file"):
        read_regular(Path(os.devnull), "it")


def test_no_file_is_left_open(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"x")
    before = os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd") else []
    for _ in range(5):
        read_regular(path, "it")
        with pytest.raises(BaselineError):
            read_regular(tmp_path, "it")
    assert len(os.listdir("/proc/self/fd") if before else []) == len(before)


def test_a_file_of_too_many_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert decoding.MAX_BYTES == 4 * (2**28 // 3)
    monkeypatch.setattr(decoding, "MAX_BYTES", 1000)
    path = tmp_path / "a.png"
    path.write_bytes(bytes(1000))
    assert len(read_regular(path, "it")) == 1000
    path.write_bytes(bytes(1001))
    with pytest.raises(BaselineError) as caught:
        read_regular(path, "it")
    assert str(caught.value) == "it has 1,001 bytes: expected at most 1,000. Remove it."


# --- PNG ---


def test_chunks_that_pixels_do_not_depend_on_are_left_out() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("a", "b" * 100, zip=True)
    kept = png_for_pixels(png(pnginfo=text, dpi=(72, 72)), "it")
    assert b"tEXt" not in kept
    assert b"zTXt" not in kept
    assert b"pHYs" not in kept
    assert kept == png_for_pixels(png(), "it")
    assert (np.asarray(Image.open(io.BytesIO(kept))) == PIXELS).all()
    palette = png_for_pixels(png("P"), "it")
    assert b"PLTE" in palette


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (decoding.SIGNATURE + header(2**14, 2**13) + chunk(b"IEND", b""), "it is 16,384 x 8,192 = 134,217,728 pixels"),
        (decoding.SIGNATURE + header(5, 0) + chunk(b"IEND", b""), "it is 5 x 0 = 0 pixels (width x height): expected"),
        (decoding.SIGNATURE + header(5, 7, 16) + chunk(b"IEND", b""), "it has 16 bits a channel: expected 8."),
        (
            decoding.SIGNATURE + header(5, 7) + chunk(b"acTL", bytes(8)) + chunk(b"IEND", b""),
            "it is an animated PNG file: expected a single picture.",
        ),
        (png()[:-5], f"it is a truncated PNG file of {len(png()) - 5} bytes: it ends within a chunk."),
        (
            png().replace(b"IEND", b"IENX"),
            f"it is a corrupt PNG file of {len(png())} bytes: a checksum of its b'IENX' is wrong.",
        ),
        (
            decoding.SIGNATURE + chunk(b"IEND", b""),
            "it is a corrupt PNG file of 20 bytes: its header is not where it belongs.",
        ),
        (
            decoding.SIGNATURE + header(5, 7) * 2 + chunk(b"IEND", b""),
            "it is a corrupt PNG file of 70 bytes: its header is not where it belongs.",
        ),
        (
            decoding.SIGNATURE + chunk(b"IHDR", bytes(14)) + chunk(b"IEND", b""),
            "it is a corrupt PNG file of 46 bytes: its header is not where it belongs.",
        ),
    ],
)
def test_files_that_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(ImageError) as caught:
        png_for_pixels(data, "it")
    assert str(caught.value).startswith(message)


# --- pictures of users ---


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_pictures_of_every_usual_format(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(PIXELS).save(path)
    assert read_picture(path).size == (7, 5)
    assert read_picture(path).mode == "RGB"


def test_the_names_of_pictures() -> None:
    assert {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".gif"} == SUFFIXES


def test_what_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no")
    for name, said in (("a.png", "cannot identify image file"), ("", "expected a file"), ("b.png", "expected a file")):
        with pytest.raises(ImageError, match=f"cannot be read as a picture: {said}"):
            read_picture(tmp_path / name)
    Image.fromarray(PIXELS).save(tmp_path / "a.eps")
    with pytest.raises(ImageError, match="cannot be read as a picture: cannot identify image file"):
        read_picture(tmp_path / "a.eps")
