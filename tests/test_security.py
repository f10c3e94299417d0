"""What docs/security.md claims: nothing runs that was not named, nothing large is unpacked or written elsewhere.

Every file here is hostile on purpose; all of them are made by the tests.
"""

from __future__ import annotations

import ast
import json
import os
import pickle
import struct
import tracemalloc
import unicodedata
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pytest_denorm
import pytest_denorm.images.grid_layout
import pytest_denorm.images.judge
import pytest_denorm.plugin.image_tests
from pytest_denorm import sweep
from pytest_denorm.core.files import write_whole
from pytest_denorm.core.json_files import write_json
from pytest_denorm.core.text import printable
from pytest_denorm.errors import BaselineError, DatasetError, ImageError, SettingsError
from pytest_denorm.images.baselines import read_bytes
from pytest_denorm.images.decoding import MAX_PIXELS, read_image_file
from pytest_denorm.images.digests import DIGESTS, Digest, read_library, write_digests
from pytest_denorm.images.manifest import Result
from pytest_denorm.images.names import folded, is_legal, legal_stem
from pytest_denorm.images.page import CheckRow, render
from pytest_denorm.images.png import decode_png, encode_baseline, encode_png
from pytest_denorm.pipelines.spec import load

PACKAGE = Path(pytest_denorm.__file__).parent
ESCAPE = "\x1b[31m"
ONE = """
import numpy as np, pytest
from pytest_denorm import grid, image_compare
@image_compare
def test_one():
    return grid(np.full((1, 8, 8, 3), 7, np.uint8))
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(test_it=ONE)
    pytester.mkdir("baseline_images")
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest("-p", "no:hypothesispytest", "-p", "no:randomly", "-p", "no:cacheprovider", *arguments)


# Images


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, rows: bytes, *, depth: int = 8, color: int = 2, interlaced: int = 0, extra: bytes = b""
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


SMALL = png(2, 2, bytes(14))
PACKED = zlib.compress(bytes(50_000_000))


SIZE = "pixels (width x height): expected 1 to 89,478,485."
CORRUPT = "b.png is a truncated or corrupt PNG file of * bytes: *"
REFUSED = {
    "bomb": (png(60_000, 60_000, bytes(100)), f"b.png is 60,000 x 60,000 = 3,600,000,000 {SIZE}"),
    "wide": (png(2**31 - 1, 1, bytes(100)), f"b.png is 2,147,483,647 x 1 = 2,147,483,647 {SIZE}"),
    "no pixel": (png(0, 5, b""), f"b.png is 0 x 5 = 0 {SIZE}"),
    "16 bits": (png(2, 2, bytes(26), depth=16), "b.png has 16 bits a channel: expected 8."),
    "animated": (png(2, 2, bytes(14), extra=chunk(b"acTL", bytes(8))), "b.png is *APNG*"),
    "truncated": (SMALL[:50], CORRUPT),
    "a length beyond the end": (SMALL[:33] + b"\xff\xff\xff\xff" + SMALL[37:], CORRUPT),
    "checksum": (SMALL[:29] + b"abcd" + SMALL[33:], CORRUPT),
    "no header": (SMALL[:8] + SMALL[33:], "b.png is * pixels (width x height): expected 1 to *"),
    "too few pixels": (png(20, 20, bytes(100)), f"{CORRUPT}image file is truncated*"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_baseline_that_is_a_trap_is_refused_before_it_is_unpacked(kind: str) -> None:
    data, message = REFUSED[kind]
    tracemalloc.start()
    try:
        with pytest.raises(BaselineError) as caught:
            decode_png(data, "b.png")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    pytest.LineMatcher([str(caught.value)]).fnmatch_lines([message.replace("[", "[[]")])
    assert peak < 4 << 20


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", b"key\0\0" + PACKED),
        chunk(b"iTXt", b"key\0\1\0\0\0" + PACKED),
        chunk(b"iCCP", b"name\0\0" + PACKED),
        chunk(b"tEXt", b"key\0" + bytes(1 << 20)) * 8,
    ],
    ids=["zTXt", "iTXt", "iCCP", "tEXt"],
)
def test_texts_and_profiles_are_not_unpacked(extra: bytes) -> None:
    data = png(2, 2, bytes(14), extra=extra)
    tracemalloc.start()
    try:
        if extra[4:8] != b"tEXt":  # Pillow's limit
            with pytest.raises(BaselineError, match="Decompressed data too large"):
                decode_png(data, "b.png")
        else:
            assert decode_png(data, "b.png").tolist() == [[[0, 0, 0]] * 2] * 2
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < len(data) + (4 << 20)


def test_a_project_that_lets_truncated_files_pass_does_not_let_truncated_baselines_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)
    photo = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    whole = encode_png(photo)
    with pytest.raises(BaselineError, match="truncated or corrupt PNG file"):
        decode_png(whole[: len(whole) // 2], "b.png")


@given(st.binary(max_size=80), st.integers(0, len(SMALL)))
def test_bytes_of_any_kind_are_a_picture_or_an_error_of_ours(noise: bytes, position: int) -> None:
    for data in (noise, SMALL[:position] + noise + SMALL[position:], SMALL[:position] + noise):
        try:
            pixels = decode_png(data, "b.png")
        except BaselineError:
            continue
        assert pixels.dtype == np.uint8


def test_what_cannot_be_read_back_is_not_written(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="""
        import numpy as np
        from pytest_denorm import grid, image_compare
        @image_compare
        def test_one():
            return grid(np.broadcast_to(np.uint8(7), (1, 10_000, 10_000, 3)))
        """
    )
    result = run(project, "--denorm-update=all")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["the grid is 10,000 x 10,000 = 100,000,000 pixels (width x height): expected 1 to *"])
    assert not [*(project.path / "baseline_images").iterdir()]


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(pwned) print\nshowpage\n%%EOF\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png(60_000, 60_000, bytes(100)), "exceeds limit of 178956970 pixels"),
        (png(2, 2, bytes(14), extra=chunk(b"zTXt", b"key\0\0" + PACKED)), "Decompressed data too large"),
        (EPS, "cannot identify image file"),
        (pickle.dumps({"a": 1}), "cannot identify image file"),
        (b"", "cannot identify image file"),
    ],
    ids=["bomb", "zTXt", "EPS", "pickle", "empty"],
)
def test_pictures_of_the_user_are_read_within_limits(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / f"{ESCAPE}a.png"
    path.write_bytes(data)
    with pytest.raises(ImageError) as caught:
        read_image_file(path)
    assert str(caught.value).startswith(f"{tmp_path}/\\x1b[31ma.png cannot be read as an image: ")
    assert message.lower() in str(caught.value).lower()


# Files that are none


def test_what_is_no_file_is_neither_waited_for_nor_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    with pytest.raises(BaselineError, match=r"the baseline .*pipe\.png is a named pipe: expected a file\. Remove it\."):
        read_bytes(pipe)
    with pytest.raises(BaselineError, match=r"the baseline /dev/zero is a device: expected a file\."):
        read_bytes(Path("/dev/zero"))
    with pytest.raises(BaselineError, match=r"pipe\.png cannot be written: it is a named pipe\."):
        write_whole(pipe, b"")
    with pytest.raises(DatasetError, match=r"pipe\.png cannot be written: it is a named pipe\. Remove it\."):
        write_json(pipe, {})
    with pytest.raises(ImageError, match=r"pipe\.png cannot be read as an image: expected a file"):
        read_image_file(pipe)
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate(4 * MAX_PIXELS + 1)
    with pytest.raises(BaselineError, match=r"has 357,913,941 bytes: expected at most 357,913,940\."):
        read_bytes(large)
    with pytest.raises(BaselineError, match=r"cannot be read: .*embedded null"):
        read_bytes(tmp_path / "a\0.png")
    with pytest.raises(BaselineError, match=r"cannot be written: .*embedded null"):
        write_whole(tmp_path / "a\0.png", b"")
    assert {path.name for path in tmp_path.iterdir()} == {"pipe.png", "large.png"}


def test_a_session_gets_past_them(project: pytest.Pytester) -> None:
    names = ("pipe", "endless", "outside", "inside", "bomb")
    project.makepyfile(test_it=ONE + "".join(ONE[ONE.index("@") :].replace("one", name) for name in names))
    elsewhere = project.mkdir("elsewhere")
    (elsewhere / "real.png").write_bytes(png(8, 8, b"\0" + bytes([7] * 24) + (b"\0" + bytes([7] * 24)) * 7))
    folder = project.path / "root" / "baseline_images"
    folder.mkdir(parents=True)
    (project.path / "root" / "pytest.ini").write_text("[pytest]\n")
    os.rename(project.path / "test_it.py", project.path / "root" / "test_it.py")
    os.mkfifo(folder / "test_pipe.png")
    (folder / "test_endless.png").symlink_to("/dev/zero")
    (folder / "test_outside.png").symlink_to(elsewhere / "real.png")
    (project.path / "root" / "store.png").write_bytes((elsewhere / "real.png").read_bytes())
    (folder / "test_inside.png").symlink_to(Path("..", "store.png"))
    (folder / "test_bomb.png").write_bytes(REFUSED["bomb"][0])
    os.chdir(project.path / "root")
    result = run(project, "--denorm-results=results")
    result.assert_outcomes(passed=1, failed=5)
    result.stdout.fnmatch_lines_random(
        [
            "the baseline *test_pipe.png is a named pipe: expected a file. Remove it.",
            "the baseline *test_endless.png is a link that leads out of the project: expected a file of its own. *",
            "the baseline *test_outside.png is a link that leads out of the project: expected a file of its own. *",
            "the baseline *test_bomb.png is 60,000 x 60,000 = 3,600,000,000 pixels (width x height): expected 1 to *",
        ]
    )
    before = (elsewhere / "real.png").read_bytes()
    run(project, "--denorm-results=results", "--denorm-update=failed", "-k", "outside or endless").assert_outcomes(
        passed=2, deselected=4
    )
    assert (elsewhere / "real.png").read_bytes() == before
    assert not (folder / "test_outside.png").is_symlink()


def test_new_files_have_the_permissions_of_any_file_and_old_ones_keep_theirs(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "new.png", b"1")
    finally:
        os.umask(before)
    assert (tmp_path / "new.png").stat().st_mode & 0o777 == 0o640
    (tmp_path / "new.png").chmod(0o604)
    write_whole(tmp_path / "new.png", b"2")
    assert (tmp_path / "new.png").stat().st_mode & 0o777 == 0o604
    assert [path.name for path in tmp_path.iterdir()] == ["new.png"]


# Names


ILLEGAL = (
    *("../a.png", "/etc/a.png", "a/b.png", "..\\a.png", "C:a.png", "C:\\a.png", "\\\\host\\a.png", "a\0.png", ".png"),
    *("con.png", "NUL.png", "nul .png", "com1.x.png", "lpt0.png", "com\u00b9.png", "CONIN$.png", "a .png", "a..png"),
    *("a\n.png", f"{ESCAPE}a.png", "a\x7f.png", "a\x9b.png", "a\u202egnp.png", "a\u2028.png", "a" * 300 + ".png"),
)


def test_a_chosen_name_that_leads_elsewhere_is_refused(project: pytest.Pytester) -> None:
    assert [name for name in ILLEGAL if is_legal(name)] == []
    for name in ("../a.png", f"{ESCAPE}a.png"):
        project.makepyfile(test_it=ONE.replace("@image_compare", f"@image_compare(filename={name!a})"))
        result = run(project, "--denorm-update=all")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["ERROR: test_it.py::test_one: image_compare was given filename=*"])
        assert ESCAPE not in result.stderr.str()
    assert not [*(project.path / "baseline_images").iterdir()]


@given(st.text(min_size=1))
def test_no_id_leads_out_of_its_folder(identifier: str) -> None:
    folder = Path("/project/baseline_images")
    stem = legal_stem(f"test_p[{identifier}]")
    assert (folder / f"{stem}.png").parent == folder
    assert os.path.normpath(folder / f"{stem}.png") == str(folder / f"{stem}.png")
    assert stem.isascii()
    assert stem.isprintable()
    assert len(stem) <= 120
    assert is_legal(f"{stem}.png")


HOSTILE_IDS = (
    "../../../a",
    "/etc/passwd",
    "..\\..\\a",
    "C:\\a",
    "nul",
    "a" * 400,
    "</script>",
    ESCAPE,
    "\u202ea",
    "\0",
)


def test_hostile_ids_write_into_the_baseline_folder_alone(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it=ONE.replace("@image_compare", f"@pytest.mark.parametrize('name', {HOSTILE_IDS!a})\n@image_compare")
        .replace("test_one()", "test_one(name)")
        .replace("7,", "len(name) % 99,")
    )
    before = {path for path in project.path.parent.rglob("*") if "baseline_images" not in path.parts}
    result = run(project, "--denorm-update=missing", "--denorm-results=results")
    result.assert_outcomes(passed=len(HOSTILE_IDS))
    assert len([*(project.path / "baseline_images").iterdir()]) == len(HOSTILE_IDS)
    after = {path for path in project.path.parent.rglob("*") if "baseline_images" not in path.parts}
    assert {path for path in after - before if "__pycache__" not in path.parts} <= {
        project.path / "results",
        *(project.path / "results").iterdir(),
    }
    assert ESCAPE not in result.stdout.str()


def test_names_that_only_some_file_systems_tell_apart_are_one(project: pytest.Pytester) -> None:
    composed, decomposed = "caf\u00e9.png", unicodedata.normalize("NFD", "CAF\u00c9.png")
    assert folded(composed) == folded(decomposed)
    second = ONE[ONE.index("@") :].replace("one", "two")
    project.makepyfile(
        test_it=ONE.replace("@image_compare", f"@image_compare(filename={composed!a})")
        + second.replace("@image_compare", f"@image_compare(filename={decomposed!a})")
    )
    result = run(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: two tests have baselines that some file systems cannot tell apart, *"])


# Terminals and pages


def test_names_of_strangers_reach_the_terminal_written_out(project: pytest.Pytester) -> None:
    folder = project.path / "baseline_images"
    for name in ("old.png", "other.png"):
        data = SMALL if name == "other.png" else encode_baseline(np.zeros((2, 3, 3), np.uint8))
        (folder / f"{ESCAPE}{name}").write_bytes(data)
    write_digests(folder, {f"{ESCAPE}digest.png": Digest("0" * 64)})
    run(project, "--denorm-update=missing")
    result = run(project, "--denorm-unused=warn")
    result.stdout.fnmatch_lines(
        ["2 unused, no collected test compares with them: *x1b[[]31mold.png, *x1b[[]31mdig*", "1 left *31mother.png"]
    )
    assert ESCAPE not in result.stdout.str()
    result = run(project, f"--denorm-report={ESCAPE}report.html", "--color=no")
    assert ESCAPE not in result.stdout.str()


class Reader(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, set[str]] = {}
        self.text = ""
        self.comments: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.setdefault(tag, set()).update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


MARKUP = (
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "--><img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</pre></td></table></style><base href=//x>",
    "\u2028\u2029\ud800\0\x1b[31m\u202e",
    "]]>&lt;&#60;script&#62;",
)


def test_a_page_shows_markup_and_holds_none_of_it() -> None:
    def tags(words: tuple[str, ...]) -> Reader:
        named = ("test", "verdict", "file", "baseline", "target", "kind", "diagnosis", "message")
        images = [Result(**dict.fromkeys(named, one)) for one in words]
        return Reader(render([CheckRow(one, one, one, one) for one in words], images))

    plain, hostile = tags(tuple(f"word{index}" for index in range(len(MARKUP)))), tags(MARKUP)
    assert sorted(hostile.tags) == sorted(plain.tags)
    assert hostile.attributes == plain.attributes
    assert not hostile.comments
    for one in MARKUP:
        assert hostile.text.count(printable(one)) >= 6
    render([CheckRow(one, one, one, one) for one in MARKUP], []).encode()


# Code


def test_nothing_in_the_package_unpickles_or_evaluates() -> None:
    forbidden = {
        *("pickle.load", "pickle.loads", "pickle.Unpickler", "torch.load", "np.load", "numpy.load", "joblib.load"),
        *("marshal.loads", "marshal.load", "shelve.open", "yaml.load", "os.system", "os.popen"),
        *("eval", "exec", "compile", "__import__"),
    }
    files = [*PACKAGE.rglob("*.py")]
    calls: set[str] = set()
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        calls |= {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        shells = [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "shell"]
        assert not shells, file
    assert len(files) > 50
    assert "pickle.Pickler" in calls  # the scan sees what is there
    assert not forbidden & calls


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


@pytest.fixture
def bombs(tmp_path: Path) -> tuple[Path, list[Path]]:
    """A marker, and files that make it where they are unpickled."""
    marker = tmp_path / "exploded"
    bomb = Bomb(marker)
    files = [tmp_path / name for name in ("bomb.pkl", "bomb.npy", "bomb.pt")]
    files[0].write_bytes(pickle.dumps(bomb))
    np.save(files[1], np.array([bomb], dtype=object), allow_pickle=True)
    torch.save({"a": bomb}, files[2])
    return marker, files


def test_pickles_are_refused_wherever_a_file_can_be_given(
    project: pytest.Pytester, bombs: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    marker, files = bombs
    pictures = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    with open(files[0], "rb") as file:
        pickle.load(file).close()  # they do explode
    assert marker.exists()
    marker.unlink()
    for file in files:
        data = file.read_bytes()
        with pytest.raises(BaselineError, match="is not a PNG file"):
            decode_png(data, "a")
        with pytest.raises(ImageError, match="cannot be read as an image"):
            read_image_file(file)
        with pytest.raises(DatasetError, match="is no state of a sweep"):
            sweep("imagenet", pictures, state=file)
        (tmp_path / DIGESTS).write_bytes(data)
        with pytest.raises(BaselineError, match="is not JSON"):
            read_library(tmp_path)
        (project.path / "baseline_images" / "test_one.png").write_bytes(data)
        (project.path / "baseline_images" / DIGESTS).write_bytes(data)
        run(project, f"--denorm-images={file}", "--denorm-baselines=digests", "test_it.py").assert_outcomes(failed=1)
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "images" / "a.png").write_bytes(data)
        project.makepyfile(test_images="def test_images(denorm_images): ...")
        refused = run(project, f"--denorm-images={tmp_path / 'images'}", "test_images.py")
        refused.assert_outcomes(errors=1)
        refused.stdout.fnmatch_lines(["*SettingsError: denorm_images: *a.png cannot be read as an image: *"])
    assert not marker.exists()


def test_modules_that_are_listed_are_imported_only_when_they_are_asked_for(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\ndenorm_pipelines =\n    val = listed:val\ndenorm_pipeline = listed:val\n")
    project.makepyfile(listed="open('imported', 'w').close()\nval = 1\n", test_plain="def test_plain(denorm): ...")
    run(project, "test_plain.py", "--denorm-unused=warn", "--denorm-report=r.html").assert_outcomes(passed=1)
    run(project, "--denorm", "--collect-only")
    assert not (project.path / "imported").exists()
    run(project, "--denorm", "-k", "finds_normalize")
    assert (project.path / "imported").exists()


@pytest.mark.parametrize(
    "spec",
    ["os:system('touch pwned')", "os:system;import x:y", "__import__('os').x:y", "../evil:x", ":x", "a:", ""],
)
def test_a_name_of_a_pipeline_is_no_expression(spec: str) -> None:
    with pytest.raises(SettingsError, match="names no pipeline: expected module:attribute"):
        load(spec)


# JSON


DEEP = "[" * 200_000
HOSTILE_JSON = {
    "deep": DEEP,
    "deep object": '{"a":' * 200_000,
    "huge number": '{"a": ' + "9" * 100_000 + "}",
    "not a number": '{"a": NaN}',
    "list": '["a"]',
    "number": "1e999",
    "text": '"a"',
    "null": "null",
    "wrong value": '{"a.png": 1}',
    "no digest": '{"a.png": "../../etc/passwd"}',
    "conflict": '<<<<<<< HEAD\n"a.png": 1\n=======\n>>>>>>> branch\n',
    "empty": "",
}


@pytest.mark.parametrize("kind", HOSTILE_JSON)
def test_hostile_json_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / DIGESTS
    path.write_text(HOSTILE_JSON[kind], encoding="utf-8")
    with pytest.raises(
        BaselineError, match=r"digests\.json (is not (JSON|a library of digests): |holds a merge conflict, and a line)"
    ):
        read_library(tmp_path)
    with pytest.raises(BaselineError):
        write_digests(tmp_path, {"b.png": Digest("0" * 64)})
    assert path.read_text(encoding="utf-8") == HOSTILE_JSON[kind]
    with pytest.raises(DatasetError, match=r"is no state of a sweep: .*Name another file\."):
        sweep("imagenet", torch.zeros(2, 3, 4, 4, dtype=torch.uint8), state=path)


VALUES = (None, True, -1, 1.5, 2**70, "x", [], {}, [[]], float("nan"), float("inf"), "9" * 10_000)


def test_no_field_of_a_state_takes_what_it_is_not(tmp_path: Path) -> None:
    pictures, path = torch.zeros(2, 3, 4, 4, dtype=torch.uint8), tmp_path / "state.json"
    first = sweep("imagenet", pictures, state=path)
    kept = json.loads(path.read_text())
    assert sweep("imagenet", pictures, state=path) == first
    for name in ("done", *(f"result.{field}" for field in kept["result"])):
        for value in VALUES:
            data = json.loads(json.dumps(kept))
            place = data["result"] if "." in name else data
            place[name.rpartition(".")[2]] = value
            path.write_text(json.dumps(data))
            try:
                again = sweep("imagenet", pictures, state=path)
            except DatasetError:
                continue
            str(again)
