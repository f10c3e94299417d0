"""Image tests in sessions: compared by default, exact, updated on request, in the company of other plugins."""

from __future__ import annotations

import json
import os
import shlex
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pytest_denorm import grid

WRONG_STD = "normalized, Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.255))"

LINES = pytest.LineMatcher

#: A test that puts a folder where the page is to be, when it is too late to refuse it.
LATE = "Path('page.html').mkdir()\n@image_compare\ndef test_batch():\n    return grid(photos)\n"


def test_a_missing_baseline_fails_and_the_command_it_names_makes_it(project: Any) -> None:
    project.draw()
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "there is no baseline baseline_images/test_batch.png yet.",
            "To make it (look at it before you commit it):",
            "    pytest test_photos.py::test_batch --denorm-update=missing",
            "0 compared, 0 updated, 1 missing, 0 not compared",
        ]
    )
    assert project.names() == set()
    command = next(line for line in result.stdout.lines if "--denorm-update" in line)
    updated = project.run(*shlex.split(command)[1:])
    updated.assert_outcomes(passed=1)
    updated.stdout.fnmatch_lines(
        ["0 compared, 1 updated, 0 missing, 0 not compared", "wrote baseline_images/test_*.png"]
    )
    photos = np.load(project.path / "photos.npy")
    assert np.array_equal(project.pixels(), grid(photos).pixels)
    again = project.run()
    again.assert_outcomes(passed=1)
    again.stdout.fnmatch_lines(["1 compared, 0 updated, 0 missing, 0 not compared"])


def test_a_failure_explains_itself(project: Any) -> None:
    project.draw()
    project.run("--denorm-update=missing")
    project.draw(WRONG_STD)
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "the image differs from its baseline.",
            "  baseline:  baseline_images/test_batch.png",
            "  differs:   * of 5226 pixels (* %), by up to * levels, * on average; PSNR * dB",
            "  where:     within * pixels at (*, *)",
            "  worst:     tile * (row 0, column *), blue, pixel (*, *): expected *, found *",
            "  untouched: no tile",
            "  diagnosis: all tiles: blue gain 1.13*, offset -0.05*: looks like blue std 0.255 for 0.225",
            "  image:   results/test_photos.py.test_batch-comparison.png (baseline | result | difference x *)",
            "To accept the new image:",
            "    pytest test_photos.py::test_batch --denorm-update=failed",
            "1 compared (1 different), 0 updated, 0 missing, 0 not compared",
        ]
    )
    panels = np.asarray(Image.open(project.path / "results/test_photos.py.test_batch-comparison.png"))
    stored, drawn = (
        project.pixels(),
        np.asarray(Image.open(project.path / "results/test_photos.py.test_batch-result.png")),
    )
    height, width = stored.shape[:2]
    assert panels.shape == (height, 3 * width + 2 * 8, 3)
    assert np.array_equal(panels[:, :width], stored)
    assert np.array_equal(panels[:, width + 8 : 2 * width + 8], drawn)
    assert np.array_equal(panels[:, 2 * width + 16 :] > 0, stored != drawn)


def test_one_level_in_one_pixel_fails_with_and_without_mpl(project: Any) -> None:
    project.draw("photos")
    project.run("--denorm-update=missing")
    pixels = project.pixels().copy()
    pixels[5, 7, 2] ^= 1
    Image.fromarray(pixels).save(project.baselines / "test_batch.png")
    for arguments in ([], ["--mpl"], ["--mpl", "--mpl-default-tolerance=50"]):
        result = project.run(*arguments)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            ["  differs:   1 of 5226 pixels (0.019 %), by up to 1 level, 0.000064 on average; PSNR 90.1 dB"]
        )


def test_a_grid_under_the_plain_mark_is_compared_exactly_too(project: Any) -> None:
    body = "@pytest.mark.mpl_image_compare(tolerance=9)\ndef test_batch():\n    return grid({})\n"
    project.write(body.format("photos"))
    project.run("--mpl-generate-path=baseline").assert_outcomes(skipped=1)
    project.run("--mpl").assert_outcomes(passed=1)
    project.write(body.format("photos // 2 * 2"))
    for arguments in (["--mpl"], []):
        result = project.run(*arguments)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["  baseline:  baseline/test_batch.png"])


def test_pixels_of_a_grid_in_another_figure_are_compared_inexactly(project: Any) -> None:
    """What the error of ``image_compare(tolerance=...)`` says to do."""
    body = (
        "import matplotlib.pyplot as plt\n@pytest.mark.mpl_image_compare(tolerance=20)\ndef test_batch():\n"
        "    figure, axes = plt.subplots()\n    axes.imshow(grid({}).pixels)\n    return figure\n"
    )
    project.write(body.format("photos // 2"))
    project.run("--mpl-generate-path=baseline").assert_outcomes(skipped=1)
    project.write(body.format("photos // 2 + 3"))
    project.run("--mpl").assert_outcomes(passed=1)
    project.write(body.format("255 - photos // 2"))
    project.run().assert_outcomes(passed=1)
    project.run("--mpl").assert_outcomes(failed=1)


def test_other_figures_under_the_plain_mark_are_left_to_pytest_mpl(project: Any) -> None:
    project.write(
        "import matplotlib.pyplot as plt\n@pytest.mark.mpl_image_compare\ndef test_line():\n"
        "    figure, axes = plt.subplots()\n    axes.plot([1, 2])\n    return figure\n"
    )
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*image baselines*")


def test_any_figure_can_be_marked_as_exact(project: Any) -> None:
    body = (
        "import matplotlib.pyplot as plt\n@image_compare\ndef test_line():\n    figure, axes = plt.subplots()\n"
        "    axes.plot([1, {}])\n    return figure\n"
    )
    project.write(body.format(2))
    project.run("--denorm-update=missing").assert_outcomes(passed=1)
    project.run().assert_outcomes(passed=1)
    project.run("--mpl").assert_outcomes(passed=1)
    project.write(body.format(2.01))
    project.run().assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("keywords", "arguments"),
    [
        ("style='ggplot'", []),
        ("", ["--mpl-default-style=ggplot"]),
        ("", ["-o", "mpl-default-style=ggplot"]),
        ("style='dark_background'", ["--mpl-default-style=ggplot"]),
    ],
)
def test_a_figure_has_one_style_with_and_without_mpl(project: Any, keywords: str, arguments: list[str]) -> None:
    body = (
        "import matplotlib.pyplot as plt\n@image_compare({})\ndef test_line():\n"
        "    figure, axes = plt.subplots()\n    axes.plot([1, 2])\n    return figure\n"
    )
    project.write(body.format(keywords))
    project.run("--denorm-update=missing", *arguments).assert_outcomes(passed=1)
    project.run("--mpl", *arguments).assert_outcomes(passed=1)
    project.write(body.format(""))
    project.run().assert_outcomes(failed=1)  # in the classic style


@pytest.mark.parametrize("mpl", [[], ["--mpl"]])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("pass", "the image test returned nothing: expected a figure. End the test with, *, return grid(images)."),
        (
            "return plt.subplots()[1]",
            "the image test returned a matplotlib.axes.*: expected a figure. End the test with, *, return ax.figure.",
        ),
        (
            "return plt.title('a')",
            "the image test returned a matplotlib.text.Text: *. End the test with, for example, return artist.figure.",
        ),
    ],
)
def test_a_test_that_returns_no_figure_is_told_how_to_end(
    project: Any, mpl: list[str], body: str, message: str
) -> None:
    project.write(f"import matplotlib.pyplot as plt\n@image_compare\ndef test_batch():\n    {body}\n")
    result = project.run(*mpl)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([message])


@pytest.mark.parametrize("mpl", [[], ["--mpl"]])
@pytest.mark.parametrize("last", ["return grid(photos)", "yield grid(photos)"])
@pytest.mark.parametrize("mark", ["", "@pytest.mark.anyio\n"])
def test_an_async_test_is_told_that_it_cannot_be_an_image_test(
    project: Any, mpl: list[str], last: str, mark: str
) -> None:
    if mark:
        pytest.importorskip("anyio")
    project.write(f"{mark}@image_compare\nasync def test_batch():\n    {last}\n")
    result = project.run(*mpl, "-W", "error::RuntimeWarning")
    result.stdout.no_fnmatch_line("*never awaited*")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "the image test is async, and pytest-mpl's mark takes what is returned for the figure: image tests cannot "
            "be async. Make it a plain function, and run what is async in it: return grid(asyncio.run(load_images())).",
            "0 compared, * 1 no figure",
        ]
    )


BACKEND = """
import matplotlib, matplotlib.pyplot as plt
@pytest.fixture(autouse=True)
def before_and_after():
    assert matplotlib.get_backend().lower() == "agg"
    yield
    assert matplotlib.get_backend().lower() == "agg"
@image_compare({})
def test_line():
    assert matplotlib.get_backend() == {!r}
    figure, axes = plt.subplots()
    {}
    return figure
"""


@pytest.mark.parametrize(
    ("keywords", "arguments", "backend"),
    [
        ("backend='svg'", [], "svg"),
        ("", ["--mpl-default-backend=pdf"], "pdf"),
        ("", ["-o", "mpl-default-backend=pdf"], "pdf"),
        ("backend='svg'", ["--mpl-default-backend=pdf"], "svg"),
    ],
)
def test_a_figure_has_one_backend_with_and_without_mpl(
    project: Any, keywords: str, arguments: list[str], backend: str
) -> None:
    project.write(BACKEND.format(keywords, backend, "axes.plot([1, 2])"))
    project.run("--denorm-update=missing", *arguments).assert_outcomes(passed=1)
    for mpl in ([], ["--mpl"]):
        project.run(*mpl, *arguments).assert_outcomes(passed=1)
    project.write(BACKEND.format(keywords, backend, "raise ValueError"))
    for mpl in ([], ["--mpl"]):
        project.run(*mpl, *arguments).assert_outcomes(failed=1)  # and no error of the fixture: it is put back


@pytest.mark.parametrize("mpl", [[], ["--mpl"]])
@pytest.mark.parametrize(
    ("keywords", "arguments", "said"),
    [
        ("backend='nope'", [], "the backend of image_compare is 'nope'"),
        ("", ["--mpl-default-backend=nope"], "mpl-default-backend is 'nope'"),
    ],
)
def test_a_backend_that_does_not_exist_is_named(
    project: Any, mpl: list[str], keywords: str, arguments: list[str], said: str
) -> None:
    project.write(BACKEND.format(keywords, "nope", "axes.plot([1, 2])"))
    result = project.run(*mpl, *arguments, "--denorm-update=missing")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            f"{said}, a backend that matplotlib cannot load: *nope*. Expected the name of one that works here, such "
            "as 'agg'."
        ]
    )
    assert project.names() == set()


def test_errors_and_what_is_not_compared_are_red(project: Any) -> None:
    project.draw("photos")
    red = "\x1b[31m\x1b[1m"
    silent = project.run("--color=yes", "--denorm-compare=never").stdout.str()
    assert f"{red}1 not compared: denorm_compare is never." in silent
    assert f"{red}0 compared" not in silent
    project.write(LATE)
    failed = project.run("--color=yes", "--denorm-report=page.html", "--denorm-update=missing").stdout.str()
    assert f"{red}ERROR: " in failed
    assert f"{red}wrote" not in failed


@pytest.mark.parametrize("returned", ["grid(photos)", "return 3"])
def test_a_test_that_returns_no_figure_is_told_so(project: Any, returned: str) -> None:
    project.write(f"@image_compare\ndef test_batch():\n    {returned}\n")
    result = project.run()
    result.assert_outcomes(failed=1)
    found = "nothing" if returned != "return 3" else "a builtins.int"
    result.stdout.fnmatch_lines(
        [f"the image test returned {found}: expected a figure. End the test with, for example, return grid(images)."]
    )


def test_a_test_that_fails_or_skips_by_itself_does_so(project: Any) -> None:
    project.write(
        "@image_compare\ndef test_fails():\n    raise RuntimeError('mine')\n"
        "@image_compare\ndef test_skips():\n    pytest.skip('mine')\n"
    )
    result = project.run()
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        ["E*RuntimeError: mine", "0 compared, 0 updated, 0 missing, 0 not compared, 1 no figure"]
    )


# What a baseline can be


BROKEN = {
    "empty": (b"", "the baseline baseline_images/test_batch.png is an empty file: expected a PNG."),
    "text": (b"not a picture", "the baseline * is not a PNG file: it begins with b'not a pi'."),
    "jpeg": (b"\xff\xd8\xff\xe0 and so on", "the baseline * is not a PNG file: it begins with *"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "the baseline * is a Git LFS pointer*: run git lfs pull."),
}


@pytest.mark.parametrize("kind", [*BROKEN, "truncated", "corrupt", "alpha", "16 bits", "folder", "loop"])
@pytest.mark.parametrize("mpl", [False, True], ids=["", "mpl"])
def test_a_broken_baseline_gets_its_own_message(project: Any, kind: str, mpl: bool) -> None:
    project.draw("photos")
    project.run("--denorm-update=missing")
    path = project.baselines / "test_batch.png"
    data, pixels = path.read_bytes(), project.pixels()
    if kind in BROKEN:
        data, message = BROKEN[kind]
        path.write_bytes(data)
    elif kind == "truncated":
        path.write_bytes(data[: len(data) // 2])
        message = "the baseline * is a truncated or corrupt PNG file of * bytes: *"
    elif kind == "corrupt":
        path.write_bytes(data[:100] + bytes(200) + data[300:])
        message = "the baseline * is a truncated or corrupt PNG file of * bytes: *"
    elif kind == "alpha":
        Image.fromarray(np.dstack([pixels, np.full(pixels.shape[:2], 9, np.uint8)])).save(path)
        message = "the baseline * has an alpha channel, and 5226 of its 5226 pixels are transparent: expected an *"
    elif kind == "16 bits":
        Image.fromarray(pixels[..., 0].astype(np.uint16) * 256).save(path)
        message = "the baseline * has 16 bits a channel: expected 8."
    else:
        path.unlink()
        message = "the baseline * cannot be read: *"
        if kind == "folder":
            path.mkdir()
            message = "the baseline * is a folder: expected a file. Remove it."
        else:
            path.symlink_to(path)
    result = project.run(*["--mpl"] * mpl)
    result.assert_outcomes(failed=1)
    is_pointer = kind == "lfs"  # whose image is elsewhere, so that it is never offered for acceptance
    advice = [] if is_pointer else ["To accept the new image:", "    pytest test_photos.py::test_batch *=failed"]
    result.stdout.fnmatch_lines([message, *advice])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("E  *")
    updated = project.run("--denorm-update=failed", *["--mpl"] * mpl)
    updated.assert_outcomes(failed=1) if kind in ("folder", "lfs") else updated.assert_outcomes(passed=1)


@pytest.mark.parametrize("mpl", [False, True], ids=["", "mpl"])
def test_other_sizes_and_greys_are_named(project: Any, mpl: bool) -> None:
    project.draw("photos")
    project.run("--denorm-update=missing")
    project.draw("photos, nrow=4")
    sizes = project.run(*["--mpl"] * mpl)
    sizes.stdout.fnmatch_lines(
        [
            "the size is not that of the baseline.",
            "  sizes:     baseline 26 x 201, result 51 x 101 (height x width, pixels)",
            "  result:    8 tiles of 24 x 24, 2 x 4",
            "  diagnosis: the first 8 tiles are equal: the same tiles, laid out in another way",
        ]
    )
    project.draw("photos[:, :1]")
    greys = project.run(*["--mpl"] * mpl)
    greys.stdout.fnmatch_lines(["the result is grey, the baseline is in color."])


def test_the_encoding_of_a_baseline_does_not_matter(project: Any) -> None:
    project.draw("photos")
    project.run("--denorm-update=missing", "--denorm-baselines=digests").assert_outcomes(passed=1)
    assert project.names() == {"digests.json"}
    digest = json.loads((project.baselines / "digests.json").read_text())
    assert set(digest) == {"test_batch.png"}
    project.run().assert_outcomes(passed=1)
    project.run("--denorm-update=all").assert_outcomes(passed=1)
    path = project.baselines / "test_batch.png"
    image = Image.open(path)
    image.load()
    for options in ({"compress_level": 0}, {"optimize": True}, {"dpi": (72, 72)}):
        image.save(path, **options)
        (project.baselines / "digests.json").unlink(missing_ok=True)
        project.run("--mpl").assert_outcomes(passed=1)
        project.run("--denorm-update=all", "--denorm-baselines=digests").assert_outcomes(passed=1)
        assert json.loads((project.baselines / "digests.json").read_text()) == digest
    image.convert("RGBA").save(path)
    project.run().assert_outcomes(passed=1)


def test_another_picture_has_another_digest(project: Any) -> None:
    project.draw("photos")
    project.run("--denorm-update=missing", "--denorm-baselines=digests")
    project.draw("photos ^ 1")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["the pixels are not those of test_batch.png in baseline_images/digests.json.", "  expected: sha256 *"]
    )
    (project.baselines / "digests.json").write_text("[]")
    broken = project.run()
    broken.stdout.fnmatch_lines(["* is not a library of digests: expected one object of file name and sha256. *"])


# Updating


TWO = "@image_compare\ndef test_one():\n    return grid({})\n@image_compare\ndef test_two():\n    return grid({})\n"


def test_each_update_writes_no_more_than_it_says(project: Any) -> None:
    project.write(TWO.format("photos", "photos"))
    project.run("-k", "test_one", "--denorm-update=missing").assert_outcomes(passed=1, deselected=1)
    old = project.pixels("test_one.png")
    project.write(TWO.format("photos ^ 1", "photos"))
    missing = project.run("--denorm-update=missing")
    missing.assert_outcomes(passed=1, failed=1)
    assert np.array_equal(project.pixels("test_one.png"), old)
    assert np.array_equal(project.pixels("test_two.png"), old)
    stamp = (project.baselines / "test_two.png").stat().st_mtime_ns
    failed = project.run("--denorm-update=failed", "--mpl")
    failed.assert_outcomes(passed=2)
    failed.stdout.fnmatch_lines(
        ["1 compared, 1 updated, 0 missing, 0 not compared", "wrote baseline_images/test_one.png"]
    )
    assert not np.array_equal(project.pixels("test_one.png"), old)
    assert (project.baselines / "test_two.png").stat().st_mtime_ns == stamp
    same = project.run("--denorm-update=all")
    same.stdout.fnmatch_lines(["2 compared, 0 updated, 0 missing, 0 not compared"])
    assert not [path for path in project.baselines.iterdir() if path.suffix == ".tmp"]


XFAIL = """
@pytest.mark.xfail({keywords})
@image_compare
def test_batch(request):
    {first}
    return grid({image})
"""


@pytest.mark.parametrize("update", ["missing", "failed"])
@pytest.mark.parametrize(
    ("keywords", "first", "arguments", "outcome"),
    [
        ("strict=True", "", [], "xfailed"),
        ("strict=True", "", ["--mpl"], "xfailed"),
        ("True, reason='known', strict=True", "", [], "xfailed"),
        ("'sys.maxsize > 1', reason='known'", "", [], "xfailed"),
        ("condition=True, reason='known'", "", [], "xfailed"),
        ("raises=pytest.fail.Exception", "", [], "xfailed"),
        ("raises=(OSError, pytest.fail.Exception)", "", [], "xfailed"),
        ("False, reason='elsewhere'", "request.node.add_marker(pytest.mark.xfail)", [], "xfailed"),
        ("False, reason='elsewhere'", "", [], "passed"),
        ("raises=AssertionError", "", [], "xpassed"),
        ("strict=True", "", ["--runxfail"], "passed"),
    ],
)
def test_a_test_that_fails_as_expected_keeps_its_baseline(
    project: Any, update: str, keywords: str, first: str, arguments: list[str], outcome: str
) -> None:
    if update == "failed":
        project.draw("photos")
        project.run("--denorm-update=missing")
    files = {name: (project.baselines / name).read_bytes() for name in project.names()}
    project.write(XFAIL.format(keywords=keywords, first=first or "pass", image="photos ^ 1"))
    result = project.run(f"--denorm-update={update}", *arguments)
    result.assert_outcomes(**{outcome: 1})
    kept = (
        "1 not written, expected to fail (xfail). To write those as well: "
        "pytest test_photos.py::test_batch --denorm-update=all"
    )
    assert (kept in result.outlines) is (outcome == "xfailed")
    after = {name: (project.baselines / name).read_bytes() for name in project.names()}
    assert (after == files) is (outcome == "xfailed")


def test_the_command_for_expected_failures_writes_theirs_alone_and_as_the_session_would(project: Any) -> None:
    project.write(
        "@image_compare\ndef test_other():\n    return grid(photos ^ 1)\n@image_compare\n"
        "@pytest.mark.parametrize('n', [1, pytest.param(2, marks=pytest.mark.xfail), "
        "pytest.param(3, marks=pytest.mark.xfail)])\ndef test_p(n):\n    return grid(photos * n)\n"
    )
    options = ("--denorm-baselines=digests", "-o", "denorm_baseline_dir=there")
    result = project.run(*options, "-n2", "--denorm-update=missing", "-k", "not other")
    result.assert_outcomes(passed=1, xfailed=2)
    said = "2 not written, expected to fail (xfail). To write those as well: "
    command = next(line.removeprefix(said) for line in result.outlines if line.startswith(said))
    assert command == (
        "pytest --denorm-baselines=digests -o denorm_baseline_dir=there 'test_photos.py::test_p[2]' "
        "'test_photos.py::test_p[3]' --denorm-update=all"
    )
    project.run(*shlex.split(command)[1:]).assert_outcomes(xpassed=2)
    assert set(json.loads((project.path / "there/digests.json").read_text())) == {f"test_p_{n}.png" for n in (1, 2, 3)}


def test_no_command_is_named_for_an_expected_failure_that_none_can_write(project: Any) -> None:
    project.write(XFAIL.format(keywords="", first="pass", image="photos"))
    project.baselines.mkdir()
    (project.baselines / "digests.json").write_text("{")
    result = project.run("--denorm-update=failed")
    result.assert_outcomes(xfailed=1)
    result.stdout.no_fnmatch_line("*not written*")


def test_all_means_the_baselines_of_expected_failures_too(project: Any) -> None:
    project.write(XFAIL.format(keywords="", first="pass", image="photos"))
    project.run("--denorm-update=all").assert_outcomes(xpassed=1)
    project.run("--denorm-update=failed").assert_outcomes(xpassed=1)


def test_an_expected_failure_before_the_picture_writes_nothing(project: Any) -> None:
    project.write(XFAIL.format(keywords="False, reason=''", first="pytest.xfail('known')", image="photos"))
    project.run("--denorm-update=all").assert_outcomes(xfailed=1)
    assert project.names() == set()


def test_each_item_is_updated_in_its_own_folder(project: Any) -> None:
    project.write("@image_compare(baseline_dir='mine')\ndef test_batch():\n    return grid(photos)\n")
    project.run("--denorm-update=missing").assert_outcomes(passed=1)
    assert (project.path / "mine/test_batch.png").exists()
    assert not project.baselines.exists()
    project.draw("photos")
    there = project.run("--denorm-update=missing", "--denorm-baseline-dir=there")
    there.assert_outcomes(passed=1)
    assert (project.path / "there/test_batch.png").exists()
    elsewhere = project.run("--denorm-baseline-dir=elsewhere")
    elsewhere.stdout.fnmatch_lines(["    pytest --denorm-baseline-dir=elsewhere test_photos.py::test_batch *=missing"])


@pytest.mark.parametrize(
    ("ini", "arguments", "repeated"),
    [
        ("", ["--denorm-baselines=digests"], "--denorm-baselines=digests "),
        ("", ["--denorm-baseline-dir", "a b"], "'--denorm-baseline-dir=a b' "),
        (
            "",
            ["--denorm-baselines", "digests", "--denorm-baseline-dir=b"],
            "--denorm-baseline-dir=b *-baselines=digests ",
        ),
        ("denorm_compare = never", ["--denorm-compare=always"], "--denorm-compare=always "),
        ("denorm_compare = mpl", ["--mpl"], "--mpl "),
        ("", ["-o", "denorm_baselines=digests", "-o", "log_level=INFO"], "-o denorm_baselines=digests "),
        ("", ["-o", "mpl-use-full-test-name=true"], "-o mpl-use-full-test-name=true "),
        ("denorm_baselines = digests", ["--denorm-update-in-ci"], ""),
        ("", ["--mpl-use-full-test-name"], "--mpl-use-full-test-name "),
        ("", ["-c", "other.ini"], "-c other.ini "),
        ("", ["--config-file=other.ini"], "-c other.ini "),
        ("", ["-n1", "-c", "other.ini"], "-c other.ini "),
        ("", ["--rootdir", "a b"], "'--rootdir=a b' "),
        ("addopts = --rootdir=elsewhere", [], ""),
    ],
)
def test_the_command_that_a_failure_names_makes_it_pass(
    project: Any, ini: str, arguments: list[str], repeated: str
) -> None:
    project.pytester.makeini(f"[pytest]\n{ini}\n")
    (project.path / "other.ini").write_text("[pytest]\ndenorm_baseline_dir = others\n")
    (project.path / "a b").mkdir()
    for image, update in (("photos", "missing"), ("photos ^ 1", "failed")):
        project.draw(image)
        result = project.run(*arguments)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines([f"    pytest {repeated}test_photos.py::test_batch --denorm-update={update}"])
        command = next(line for line in result.stdout.lines if "--denorm-update" in line)
        project.run(*shlex.split(command)[1:]).assert_outcomes(passed=1)
        project.run(*arguments).assert_outcomes(passed=1)


@pytest.mark.parametrize("words", [["-c", "../inis/other.ini"], ["-c", "../inis/other.ini", "--rootdir=$PWD/.."]])
def test_the_command_leads_to_the_same_baseline_from_the_folder_that_pytest_was_called_in(
    project: Any, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    project.draw("photos")
    for name in ("inis", "below"):
        (project.path / name).mkdir()
    (project.path / "inis/other.ini").write_text("[pytest]\ndenorm_baseline_dir = others\n")
    monkeypatch.chdir(project.path / "below")
    monkeypatch.setenv("PWD", str(project.path / "below"))
    result = project.run("../test_photos.py", *words)
    command = next(line for line in result.outlines if "--denorm-update" in line)
    repeated = [shlex.quote(word) for word in words]
    assert command.split()[1:] == [*repeated, "../test_photos.py::test_batch", "--denorm-update=missing"]
    project.run(*shlex.split(command)[1:]).assert_outcomes(passed=1)
    assert [path.name for path in project.path.rglob("test_batch.png")] == ["test_batch.png"]
    assert (project.path / "inis/others/test_batch.png").exists()
    project.run("../test_photos.py", *words).assert_outcomes(passed=1)


@pytest.mark.parametrize("asked", ["--denorm-update=all", "--denorm-unused=delete"])
def test_nothing_is_written_under_ci_unless_it_is_allowed(
    project: Any, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    project.draw("photos")
    monkeypatch.setenv("CI", "true")
    refused = project.run(asked)
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines([f"ERROR: {asked} is refused under CI (the environment variable CI is set): *"])
    assert project.names() == set()
    project.run("--denorm-update=all", "--denorm-update-in-ci").assert_outcomes(passed=1)
    monkeypatch.setenv("CI", "false")
    project.run(asked).assert_outcomes(passed=1)


# No silent pass


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--denorm-compare=never"], "denorm_compare is never. To compare: pytest --denorm-compare=always"),
        (["--denorm-compare=mpl"], "denorm_compare is mpl, and --mpl was not given. To compare: pytest --mpl"),
        (["-o", "denorm_compare=never"], "denorm_compare is never. To compare: pytest --denorm-compare=always"),
    ],
)
def test_what_is_not_compared_is_said_aloud(project: Any, arguments: list[str], reason: str) -> None:
    project.draw("photos")
    result = project.run(*arguments)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["0 compared, 0 updated, 0 missing, 1 not compared", f"1 not compared: {reason}"])


def test_a_misspelt_setting_is_an_error(project: Any) -> None:
    project.draw("photos")
    result = project.run("-o", "denorm_compare=nevr")
    assert result.ret != 0
    result.stderr.fnmatch_lines(["*denorm_compare in the ini is 'nevr': expected one of always, mpl, never*"])


# Unused baselines


def test_unused_baselines_are_found_only_by_whole_sessions(project: Any) -> None:
    project.write(TWO.format("photos", "photos"))
    project.draw("photos")
    (project.path / "test_more.py").write_text((project.path / "test_photos.py").read_text().replace("batch", "more"))
    project.run("--denorm-update=missing").assert_outcomes(passed=2)
    (project.baselines / "old.png").write_bytes((project.baselines / "test_batch.png").read_bytes())
    found = "1 unused, no collected test compares with them: baseline_images/old.png; delete them with *"
    whole: list[list[str]] = [[], ["."], ["test_photos.py", "test_more.py"], ["-k", "more"], ["-n2"]]
    for arguments in whole:
        result = project.run("--denorm-unused=warn", *arguments)
        assert result.ret == 0
        result.stdout.fnmatch_lines([found])
    partial = {
        "test_more.py was not collected": ["test_photos.py"],
        "only test_photos.py::test_batch was asked for": ["test_photos.py::test_batch", "test_more.py"],
        "--lf may leave out files": ["--lf", "-p", "cacheprovider"],
    }
    for reason, arguments in partial.items():
        for wish in ("fail", "delete"):
            result = project.run(f"--denorm-unused={wish}", *arguments)
            assert result.ret == 0
            result.stdout.fnmatch_lines([f"unused baselines were not looked for: {reason}."])
    assert project.run("--denorm-unused=fail").ret == pytest.ExitCode.TESTS_FAILED
    project.run("--denorm-unused=delete").stdout.fnmatch_lines(["deleted 1 unused: baseline_images/old.png"])
    assert project.names() == {"test_batch.png", "test_more.png"}
    (project.path / "test_more.py").write_text("import pytest\npytest.skip('absent', allow_module_level=True)")
    skipped = project.run("--denorm-unused=delete")
    skipped.stdout.fnmatch_lines(["unused baselines were not looked for: test_more.py was not collected (skipped)."])
    assert project.names() == {"test_batch.png", "test_more.png"}


def test_unused_digests_are_found_as_well(project: Any) -> None:
    project.write(TWO.format("photos", "photos"))
    project.run("--denorm-update=all", "--denorm-baselines=digests")
    project.draw("photos")
    project.run("--denorm-update=all", "--denorm-baselines=digests")
    result = project.run("--denorm-unused=delete")
    result.stdout.fnmatch_lines(
        ["deleted 2 unused: baseline_images/digests.json (test_one.png), baseline_images/digests.json (test_two.png)"]
    )
    assert set(json.loads((project.baselines / "digests.json").read_text())) == {"test_batch.png"}


# Company


MANY = """
@image_compare
@pytest.mark.parametrize("index", range(4))
def test_function(index):
    return grid(photos[index:])
class TestClass:
    @image_compare
    def test_method(self):
        return grid(photos.flip(1))
class TestUnit(unittest.TestCase):
    @image_compare
    def test_unit(self):
        return grid(photos.flip(2))
"""


def test_the_mark_works_on_classes_modules_and_parameters(project: Any) -> None:
    project.write(
        "@image_compare\nclass TestClass:\n    def test_one(self):\n        return grid(photos)\n"
        "@image_compare()\nclass TestUnit(unittest.TestCase):\n    def setUp(self):\n        self.photos = photos\n"
        "    def test_two(self):\n        return grid(self.photos)\n"
        "@pytest.mark.parametrize('index', [pytest.param(1, marks=image_compare()), 2])\n"
        "def test_three(index):\n    return grid(photos) if index == 1 else None\n"
    )
    project.write("pytestmark = image_compare()\ndef test_four():\n    return grid(photos)\n", "test_module.py")
    result = project.run("--denorm-update=missing")
    result.assert_outcomes(passed=5)
    assert project.names() == {"test_one.png", "test_two.png", "test_three_1.png", "test_four.png"}


def test_pictures_of_failures_are_kept_in_the_cache_or_else_in_a_temporary_folder(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.draw("photos")
    cached = project.pytester.runpytest("-p", "no:hypothesispytest", "-p", "no:randomly")
    cached.stdout.fnmatch_lines(["  image: .pytest_cache/d/denorm/test_photos.py.test_batch-result.png (result)"])
    temporary = project.path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    arguments = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:randomly")
    project.pytester.runpytest(*arguments, "--denorm-update=missing").assert_outcomes(passed=1)
    assert list(temporary.iterdir()) == []
    project.draw("photos ^ 1")
    project.pytester.runpytest(*arguments).assert_outcomes(failed=1)
    assert [path.name for path in temporary.glob("pytest-denorm-*/*-comparison.png")]


def test_a_folder_without_a_place_for_the_cache_changes_no_verdict(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a project that is read-only, where pytest warns that it has no cache."""
    project.draw("photos")
    project.run("--denorm-update=missing").assert_outcomes(passed=1)
    (project.path / ".pytest_cache").write_text("no folder")
    temporary = project.path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    arguments = ("-p", "no:hypothesispytest", "-p", "no:randomly", "-W", "ignore")
    project.pytester.runpytest(*arguments).assert_outcomes(passed=1)
    project.draw("photos ^ 1")
    result = project.pytester.runpytest(*arguments)
    result.stdout.fnmatch_lines(["the image differs from its baseline.", "  image: *temporary/pytest-denorm-*.png *"])
    assert [path.name for path in temporary.glob("pytest-denorm-*/*-comparison.png")]


def test_workers_give_the_same_results_and_files(project: Any) -> None:
    project.write(MANY)
    project.run("-n2", "--denorm-update=missing", "--denorm-baselines=digests").assert_outcomes(passed=6)
    by_workers = (project.baselines / "digests.json").read_text()
    (project.baselines / "digests.json").unlink()
    project.run("-n0", "--denorm-update=missing", "--denorm-baselines=digests").assert_outcomes(passed=6)
    assert (project.baselines / "digests.json").read_text() == by_workers
    project.run("-n2", "--denorm-update=all").stdout.fnmatch_lines(["0 compared, 6 updated, 0 missing, 0 not compared"])
    files = {path.name: path.read_bytes() for path in project.baselines.iterdir()}
    project.run("-n0", "--denorm-update=all")
    assert {path.name: path.read_bytes() for path in project.baselines.iterdir()} == files
    project.write(MANY.replace("photos", "(photos ^ 1)"))
    for arguments in (["-n0"], ["--mpl", "-n2"]):
        result = project.run(*arguments)
        result.assert_outcomes(failed=6)
        result.stdout.fnmatch_lines(["6 compared (6 different), 0 updated, 0 missing, 0 not compared"])


def test_a_session_in_random_order_finds_the_same(project: Any) -> None:
    pytest.importorskip("pytest_randomly")
    project.write(MANY)
    project.run("--denorm-update=missing").assert_outcomes(passed=6)
    for seed in range(3):
        project.pytester.runpytest("-p", "no:hypothesispytest", f"--randomly-seed={seed}").assert_outcomes(passed=6)


@pytest.mark.parametrize("mpl", [False, True], ids=["", "mpl"])
def test_a_test_that_is_run_again_is_judged_again(project: Any, mpl: bool) -> None:
    pytest.importorskip("pytest_rerunfailures")
    project.draw("photos")
    project.run("--denorm-update=missing")
    project.write(
        "runs = []\n@image_compare\ndef test_batch():\n    runs.append(1)\n    return grid(photos ^ (len(runs) < 3))\n"
    )
    result = project.run("--reruns=2", *["--mpl"] * mpl)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["1 compared, 0 updated, 0 missing, 0 not compared", "*2 rerun*"])


def test_pytest_mpl_generates_what_is_compared(project: Any) -> None:
    project.write(MANY)
    project.run("--mpl-generate-path=baseline_images").assert_outcomes(skipped=6)
    project.run().assert_outcomes(passed=6)
    project.run("--mpl").assert_outcomes(passed=6)


def test_pytest_mpl_compares_hashes(project: Any) -> None:
    project.write(MANY)
    project.run("--mpl", "--mpl-generate-hash-library=hashes.json")
    library = project.path / "hashes.json"
    result = project.run("--mpl", f"--mpl-hash-library={library}")
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["0 compared, 0 updated, 0 missing, 0 not compared, 6 compared by hash"])
    project.write(MANY.replace("photos", "(photos ^ 1)"))
    project.run("--mpl", f"--mpl-hash-library={library}").assert_outcomes(failed=6)


def test_a_hash_that_tells_only_encodings_apart_is_said_to_do_so(project: Any) -> None:
    project.draw("photos")
    project.run("--denorm-update=missing")
    library = project.path / "hashes.json"
    library.write_text(json.dumps({"test_photos.test_batch": "0" * 64}))
    result = project.run("--mpl", f"--mpl-hash-library={library}")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["The pixels are those of the baseline: what pytest-mpl's hash tells apart is the *"])


def test_digests_are_enough_under_pytest_mpl(project: Any) -> None:
    project.draw("photos")
    for arguments in (["--denorm-update=missing", "--denorm-baselines=digests"], []):
        project.run("--mpl", *arguments).assert_outcomes(passed=1)
    project.draw("photos ^ 1")
    project.run("--mpl").assert_outcomes(failed=1)


def test_what_cannot_be_written_at_the_end_fails_the_session(project: Any) -> None:
    project.write(LATE)
    project.run("--denorm-update=missing")
    (project.path / "page.html").rmdir()
    result = project.run("--denorm-report=page.html")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR: *page.html cannot be written: it is a folder. Remove it."])


def test_pytest_mpl_writes_its_summary(project: Any) -> None:
    project.write(MANY)
    project.run("--denorm-update=missing")
    project.write(MANY.replace("photos.flip(1)", "photos"))
    result = project.run("--mpl", "--mpl-generate-summary=html,json", "--mpl-results-path=summary")
    result.assert_outcomes(passed=5, failed=1)
    assert (project.path / "summary/fig_comparison.html").exists()
    summary = json.loads((project.path / "summary/results.json").read_text())
    assert {name: entry["status"] for name, entry in summary.items() if "method" in name or "unit" in name} == {
        "test_photos.TestClass.test_method": "failed",
        "test_photos.TestUnit.test_unit": "passed",
    }


@pytest.mark.filterwarnings("ignore::pytest.PytestReturnNotNoneWarning")
def test_without_pytest_mpl_its_mark_is_an_error_and_nothing_else_is(project: Any) -> None:
    project.draw("photos")
    project.write("def test_other():\n    assert True\n", "test_other.py")
    result = project.run("-p", "no:pytest_mpl", "--strict-markers")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["image_compare is pytest-mpl's mark, and pytest-mpl is not active in this session: *"])


def test_junit_has_the_path_and_the_figures(project: Any) -> None:
    project.draw("photos")
    project.run("--denorm-update=missing")
    project.draw("photos ^ 1")
    project.run("--junitxml=junit.xml")
    case = ElementTree.parse(project.path / "junit.xml").getroot().find(".//testcase")
    assert case is not None
    properties = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert properties["denorm_image"] == "different"
    assert properties["denorm_baseline"] == os.path.join("baseline_images", "test_batch.png")
    assert properties["denorm_max_difference"] == "1"
    assert Path(str(properties["denorm_comparison_picture"])).exists()


def test_pytest_html_gets_the_pictures(project: Any) -> None:
    pytest.importorskip("pytest_html")
    project.draw("photos")
    project.run("--denorm-update=missing")
    project.draw("photos ^ 1")
    project.run("--html=report.html", "--self-contained-html")
    assert (project.path / "report.html").read_text().count("data:image/png;base64") == 1
