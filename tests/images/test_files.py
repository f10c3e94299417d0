"""Baselines on disk: read within limits, told what is wrong with them, and written whole or not at all."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pytest_denorm.core.files import irregular, write_whole
from pytest_denorm.errors import BaselineError, ImageError
from pytest_denorm.images.baselines import read_bytes
from pytest_denorm.images.decoding import MAX_BYTES, MAX_PIXELS, read_image_file, refuse_size
from pytest_denorm.images.digests import DIGESTS, Digest, digest_of, read_library, write_digests
from pytest_denorm.images.grid_figure import Tile
from pytest_denorm.images.png import decode_png, encode_baseline, encode_png, encode_result, is_ours

PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def encoded(image: Image.Image, form: str = "png", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format=form, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_what_is_no_file_is_named() -> None:
    names = {
        stat.S_IFREG: "",
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    assert {mode: irregular(mode | 0o644) for mode in names} == names


def test_an_image_has_one_pixel_to_89_million() -> None:
    for width, height in ((1, 1), (MAX_PIXELS, 1)):
        refuse_size(width, height, "it")
    for width, height in ((1, MAX_PIXELS + 1), (9_460, 9_459), (0, 5), (5, 0)):
        said = rf"^it is {width:,} x {height:,} = {width * height:,} pixels \(width x height\): "
        with pytest.raises(ImageError, match=said):
            refuse_size(width, height, "it")


@pytest.mark.parametrize("form", ["png", "jpeg", "bmp", "webp", "tiff", "ppm", "gif"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_images_are_read_in_every_usual_format(tmp_path: Path, form: str, mode: str) -> None:
    path = tmp_path / "image"  # the content tells the format
    path.write_bytes(encoded(Image.new(mode, (3, 2), 200 if mode == "L" else (200, 200, 200)), form))
    image = read_image_file(path)
    assert (image.mode, image.size) == ("RGB", (3, 2))
    assert np.abs(np.asarray(image, dtype=int) - 200).max() <= 1


@pytest.mark.parametrize("form", ["png", "tiff"])
def test_grey_of_16_bits_is_rounded_to_8(tmp_path: Path, form: str) -> None:
    path = tmp_path / "image"
    values = np.array([[0, 128, 129, 256, 257], [32767, 32768, 65278, 65406, 65535]], dtype=np.uint16)
    path.write_bytes(encoded(Image.fromarray(values), form))
    image = read_image_file(path)
    assert image.mode == "RGB"
    levels = [[0, 0, 1, 1, 1], [127, 128, 254, 254, 255]]  # 65406 / 257 is 254.498
    assert np.array_equal(np.asarray(image), np.repeat(np.array(levels)[..., None], 3, axis=2))


@pytest.mark.parametrize(
    ("dtype", "low", "high"), [("float32", 0, 0.5), ("int32", -1, 9), ("int32", 0, 65536)], ids=["float", "<0", ">16"]
)
def test_an_image_whose_white_nobody_knows_is_refused(tmp_path: Path, dtype: str, low: float, high: float) -> None:
    path = tmp_path / "image.tiff"
    path.write_bytes(encoded(Image.fromarray(np.array([[low, high]], dtype=dtype)), "tiff"))
    with pytest.raises(ImageError) as caught:
        read_image_file(path)
    assert str(caught.value) == (
        f"{path} has values of {dtype} in {low:g}..{high:g}, which do not say what white is: expected 8 or 16 bits a "
        f"channel."
    )


def test_other_formats_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(encoded(Image.new("RGB", (3, 2)), "ico"))
    with pytest.raises(ImageError, match=r"image\.png cannot be read as an image: cannot identify image file"):
        read_image_file(path)
    with pytest.raises(ImageError, match=r"none\.png cannot be read as an image: expected a file$"):
        read_image_file(tmp_path / "none.png")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_an_image_that_is_too_large_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    data = encode_png(PIXELS)
    path.write_bytes(data[:8] + chunk(b"IHDR", struct.pack(">II", 10_000, 9_000) + data[24:29]) + data[33:])
    with pytest.raises(ImageError) as caught:
        read_image_file(path)
    assert str(caught.value) == (
        f"{path} is 10,000 x 9,000 = 90,000,000 pixels (width x height): expected 1 to 89,478,485."
    )


PALETTE = Image.fromarray(PIXELS).quantize(4)
CLEAR = np.array([[255, 254, 0]] * 2, np.uint8)

#: An image, what is said to be transparent in its file, and how many of its six pixels are.
MODES: list[tuple[Image.Image, Any, int]] = [
    (Image.fromarray(np.dstack([PIXELS, np.full((2, 3), 255, np.uint8)])), None, 0),
    (Image.fromarray(np.dstack([PIXELS, CLEAR])), None, 4),
    (Image.new("LA", (3, 2), (7, 255)), None, 0),
    (Image.new("LA", (3, 2), (7, 9)), None, 6),
    (PALETTE, None, 0),
    (Image.new("L", (3, 2), 7), None, 0),
    (Image.new("1", (3, 2), 1), None, 0),
    (Image.new("L", (3, 2), 7), 7, 6),
    (Image.new("L", (3, 2), 7), 8, 0),
    (Image.new("RGB", (3, 2), (7, 7, 7)), (7, 7, 7), 6),
    (PALETTE, bytes([9] * 4), 6),
    (PALETTE, bytes([255] * 4), 0),
]


@pytest.mark.parametrize(("image", "transparency", "clear"), MODES, ids=lambda one: getattr(one, "mode", one))
def test_opaque_images_of_every_mode_are_rgb(image: Image.Image, transparency: Any, clear: int) -> None:
    data = encoded(image, **({} if transparency is None else {"transparency": transparency}))
    if clear:
        said = rf"^it has an alpha channel, and {clear} of its 6 pixels are transparent: "
        with pytest.raises(BaselineError, match=said):
            decode_png(data, "it")
    else:
        assert np.array_equal(decode_png(data, "it"), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("encode", [encode_baseline, encode_result, encode_png])
def test_what_is_written_is_read_pixel_for_pixel_and_grey_is_stored_grey(encode: Any) -> None:
    grey = np.repeat(PIXELS[..., :1], 3, axis=-1)
    for pixels, mode in ((PIXELS, "RGB"), (grey, "RGB" if encode is encode_png else "L")):
        data = encode(pixels)
        assert np.array_equal(decode_png(data, "it"), pixels)
        assert Image.open(io.BytesIO(data)).mode == mode
        assert is_ours(data) is (encode is encode_baseline)


def test_every_byte_is_covered_by_a_checksum_and_no_end_is_lost() -> None:
    data = encode_png(np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8))
    start = data.index(b"IDAT")
    for at in range(start, start + 60, 7):
        broken = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(BaselineError, match="truncated or corrupt PNG file"):
            decode_png(broken, "it")
    for end in (8, 12, 15, 16, 32, -13):
        said = rf"^it is a truncated or corrupt PNG file of {len(data[:end])} bytes: .+\.$"
        with pytest.raises(BaselineError, match=said):
            decode_png(data[:end], "it")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it is an empty file: expected a PNG."),
        (b"version https://git-lfs.github.com/spec/v1", "it is a Git LFS pointer, not the image: run git lfs pull."),
        (b"\xff\xd8\xff\xe0 and so on", "it is not a PNG file: it begins with b'\\xff\\xd8\\xff\\xe0 and'."),
    ],
)
def test_what_is_no_png_is_named(data: bytes, message: str) -> None:
    with pytest.raises(BaselineError) as caught:
        decode_png(data, "it")
    assert str(caught.value) == message


def test_digests_stay_the_same_as_libraries_have_them(tmp_path: Path) -> None:
    of_six = "33e3a75e9bef79940bebf06524bcd2e2b6f2c1a79c9694cda7e9a14fc4d8023c"
    assert digest_of(PIXELS) == Digest(of_six)
    assert digest_of(np.asfortranarray(PIXELS)) == Digest(of_six)
    assert digest_of(PIXELS.reshape(3, 2, 3)) != Digest(of_six)
    folder = tmp_path / "new" / "deep"
    tiled = digest_of(PIXELS, [Tile(0, at, 0, at, 2, 1) for at in range(3)])
    write_digests(folder, {"b.png": Digest(of_six), "a.png": Digest(of_six)})
    write_digests(folder, {"c.png": None, "a.png": None, "ä.png": tiled})
    tiles = " ".join(tiled.tiles)
    assert re.fullmatch(r"([0-9a-f]{12} ){2}[0-9a-f]{12}", tiles)
    last = f'"\\u00e4.png": {{"sha256": "{of_six}", "tiles": "{tiles}"}}'
    assert (folder / DIGESTS).read_text(encoding="utf-8") == f'{{\n  "b.png": "{of_six}",\n  {last}\n}}\n'
    assert read_library(folder).entries == {"b.png": Digest(of_six), "ä.png": tiled}
    assert read_library(tmp_path).entries == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1). Repair it, "),
        ("[" * 200_000, "is not JSON: "),
        ("[]", "is not a library of digests: expected one object of file name and sha256. Repair it, "),
        ('{\n<<<<<<< HEAD\n"a": 1\n', "holds a merge conflict, and a line that is no digest: "),
    ],
    ids=["cut", "deep", "list", "conflict"],
)
def test_what_is_no_library_of_digests_is_told_as_such(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / DIGESTS).write_text(text)
    with pytest.raises(BaselineError) as caught:
        read_library(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / DIGESTS} {message}")


def test_nothing_is_lost_of_what_is_written_at_once(tmp_path: Path) -> None:
    names = [f"{index}.png" for index in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: write_digests(tmp_path, {name: Digest("0" * 64)}), names))
    assert read_library(tmp_path).entries.keys() == set(names)


def test_where_a_system_cannot_lock_folders_digests_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)  # as on Windows
    write_digests(tmp_path, {"a.png": Digest("0" * 64)})
    assert read_library(tmp_path).entries == {"a.png": Digest("0" * 64)}


@pytest.mark.parametrize("value", ["0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n", 0, None, {"sha256": "0" * 64}])
def test_a_digest_is_64_small_hexadecimal_digits(tmp_path: Path, value: Any) -> None:
    (tmp_path / DIGESTS).write_text(json.dumps({"a.png": "0123456789abcdef" * 4, "b.png": value}))
    with pytest.raises(BaselineError, match=r"digests\.json is not a library of digests: expected one object of file "):
        read_library(tmp_path)


def test_a_name_as_long_as_a_file_system_takes_is_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / f"{'a' * 251}.png"
    write_whole(path, b"1")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("step", ["builtins.open", "os.replace"])
def test_what_cannot_be_put_in_place_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*paths: Any) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.png"
    path.write_bytes(b"1")
    with monkeypatch.context() as patch:
        patch.setattr(step, full)
        with pytest.raises(BaselineError) as caught:
            write_whole(path, b"2")
    assert str(caught.value) == f"{path} cannot be written: No space left on device."
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"1"]


def test_what_is_no_file_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    for path, read, written in (
        (tmp_path, r"is a folder: expected a file\. Remove it\.", r"it is a folder\. Remove it\."),
        (tmp_path / "a\0.png", r"cannot be read: .*embedded null.*\.", r".*embedded null.*\."),
    ):
        shown = re.escape(str(path).replace("\0", "\\x00"))
        with pytest.raises(BaselineError, match=rf"^the baseline {shown} {read}$"):
            read_bytes(path)
        with pytest.raises(BaselineError, match=rf"^{shown} cannot be written: {written}$"):
            write_whole(path, b"")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.touch()
    os.truncate(path, MAX_BYTES + 1)  # without a byte on the disk
    with pytest.raises(BaselineError) as caught:
        read_bytes(path)
    limit = f"expected at most {MAX_BYTES:,}. Remove it."
    assert str(caught.value) == f"the baseline {path} has {MAX_BYTES + 1:,} bytes: {limit}"


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_whole(path, b"1")
    path.chmod(0o605)
    write_whole(path, b"2")
    assert path.stat().st_mode & 0o7777 == 0o605


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target.png", tmp_path / "a.png"
    target.write_bytes(b"1")
    target.chmod(0o600)
    link.symlink_to(target)
    write_whole(link, b"2")
    assert (target.read_bytes(), link.read_bytes(), link.is_symlink()) == (b"1", b"2", False)
    write_whole(tmp_path / "new.png", b"3")
    assert link.stat().st_mode == (tmp_path / "new.png").stat().st_mode  # nor those of a link


def test_links_may_lead_into_the_project_or_stay_in_their_folder(tmp_path: Path) -> None:
    root, store = tmp_path / "project", tmp_path / "store"
    for folder in (root / "stored", store):
        folder.mkdir(parents=True)
    targets = {"inside": root / "real.png", "beside": store / "real.png", "outside": tmp_path / "real.png"}
    for target in targets.values():
        target.write_bytes(b"1")
    for name, folder in (("inside", root / "stored"), ("beside", store)):
        (folder / "a.png").symlink_to(targets[name])
        assert read_bytes(folder / "a.png", root) == b"1"
    (store / "b.png").symlink_to(targets["outside"])
    with pytest.raises(
        BaselineError, match=r"b\.png is a link that leads out of the project: expected a file of its own\."
    ):
        read_bytes(store / "b.png", root)
    assert read_bytes(store / "b.png") == b"1"
    (store / "c.png").symlink_to(store / "c.png")
    with pytest.raises(BaselineError, match=r"c\.png cannot be read: Too many levels of symbolic links\.$"):
        read_bytes(store / "c.png", root)
    assert read_bytes(store / "none.png", root) is None


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(BaselineError) as caught:
        write_digests(tmp_path / "a", {})
    assert str(caught.value) == f"{tmp_path / 'a' / DIGESTS} cannot be written: File exists."
    with pytest.raises(BaselineError) as caught:
        write_whole(tmp_path / "a" / "b.png", b"")
    assert str(caught.value).startswith(f"{tmp_path / 'a' / 'b.png'} cannot be written: ")
