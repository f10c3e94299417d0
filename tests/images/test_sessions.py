"""Image tests in sessions: compared by default, exact, updated on request, in the company of other plugins."""

from __future__ import annotations

import json
import shlex
import xml.etree.ElementTree as ElementTree
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pytest_denorm import grid
from pytest_denorm.plugin.update_command import given_words, update_command

WRONG_STD = "normalized, Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.255))"
FIGURE = "@image_compare({})\ndef test_line():\n    figure, axes = plt.subplots()\n    {}\n    return figure\n"


def command_in(result: pytest.RunResult) -> list[str]:
    """Return the words of the command that a session names, as a shell understands it."""
    return shlex.split(next(line for line in result.outlines if "--denorm-update" in line))


def test_a_missing_baseline_fails_and_the_command_it_names_makes_it(project: Any) -> None:
    project.draw("normalized, forward")
    result = project.run(failed=1)
    result.stdout.fnmatch_lines(
        [
            "there is no baseline baseline_images/test_batch.png yet.",
            "To make it (look at it before you commit it):",
            "    pytest test_photos.py::test_batch --denorm-update=missing",
            "0 compared, 0 updated, 1 missing, 0 not compared",
        ]
    )
    assert project.names() == set()
    updated = project.run(*command_in(result)[1:], passed=1)
    updated.stdout.fnmatch_lines(
        ["0 compared, 1 updated, 0 missing, 0 not compared", "wrote baseline_images/test_*.png"]
    )
    assert np.array_equal(project.pixels(), grid(np.load(project.path / "photos.npy")).pixels)
    project.run(passed=1).stdout.fnmatch_lines(["1 compared, 0 updated, 0 missing, 0 not compared"])


def test_a_failure_explains_itself(project: Any) -> None:
    project.draw("normalized, forward")
    project.update()
    project.draw(WRONG_STD)
    project.run("--junitxml=junit.xml", "--html=page.html", "--self-contained-html", failed=1).stdout.fnmatch_lines(
        [
            "the image differs from its baseline.",
            "  baseline:  baseline_images/test_batch.png",
            "  differs:   * of 5226 pixels (* %), by up to * levels, * on average; PSNR * dB",
            "  where:     within * pixels at (*, *)",
            "  worst:     tile * (row 0, column *), blue, pixel (*, *): expected *, found *",
            "  untouched: no tile",
            "  diagnosis: all tiles: blue gain 1.13*, offset -0.05*: looks like blue std 0.255 for 0.225",
            "  image:     results/test_photos.py.test_batch-comparison.png (baseline | result | difference x *)",
            "To accept the new image:",
            "    pytest test_photos.py::test_batch --denorm-update=failed",
            "1 compared (1 different), 0 updated, 0 missing, 0 not compared",
        ]
    )
    stem = project.path / "results/test_photos.py.test_batch"
    stored, drawn = project.pixels(), np.asarray(Image.open(f"{stem}-result.png"))
    panels, (height, width) = np.asarray(Image.open(f"{stem}-comparison.png")), stored.shape[:2]
    assert panels.shape == (height, 3 * width + 2 * 8, 3)
    assert np.array_equal(panels[:, :width], stored)
    assert np.array_equal(panels[:, width + 8 : 2 * width + 8], drawn)
    assert np.array_equal(panels[:, 2 * width + 16 :] > 0, stored != drawn)
    case = ElementTree.parse(project.path / "junit.xml").getroot().find(".//testcase")
    assert case is not None
    properties = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert properties["denorm_image"] == "different"
    assert properties["denorm_baseline"] == "baseline_images/test_batch.png"
    assert Path(str(properties["denorm_comparison_picture"])).exists()
    assert (project.path / "page.html").read_text().count("data:image/png;base64") == 1


def test_one_level_in_one_pixel_fails_with_and_without_mpl(project: Any) -> None:
    project.draw("photos")
    project.update()
    pixels = project.pixels().copy()
    pixels[5, 7, 2] ^= 1
    Image.fromarray(pixels).save(project.baselines / "test_batch.png")
    for arguments in ([], ["--mpl", "--mpl-default-tolerance=50"]):
        project.run(*arguments, failed=1).stdout.fnmatch_lines(
            ["  differs:   1 of 5226 pixels (0.019 %), by up to 1 level, 0.000064 on average; PSNR 90.1 dB"]
        )


def test_pixels_of_a_grid_in_another_figure_are_compared_inexactly(project: Any) -> None:
    """What the error of ``image_compare(tolerance=...)`` says to do, and pytest-mpl's business alone."""
    body = (
        "@pytest.mark.mpl_image_compare(tolerance=20)\ndef test_batch():\n"
        "    figure, axes = plt.subplots()\n    axes.imshow(grid({}).pixels)\n    return figure\n"
    )
    project.write(body.format("photos // 2"))
    project.run("--mpl-generate-path=baseline", skipped=1)
    project.write(body.format("photos // 2 + 3"))
    project.run("--mpl", passed=1)
    project.write(body.format("255 - photos // 2"))
    project.run(passed=1).stdout.no_fnmatch_line("*image baselines*")
    project.run("--mpl", failed=1)


@pytest.mark.parametrize(
    ("keywords", "arguments"),
    [
        ("style='ggplot'", []),
        ("", ["--mpl-default-style=ggplot"]),
        ("style='dark_background'", ["-o", "mpl-default-style=ggplot"]),
    ],
)
def test_a_figure_has_one_style_with_and_without_mpl(project: Any, keywords: str, arguments: list[str]) -> None:
    project.write(FIGURE.format(keywords, "axes.plot([1, 2])"))
    project.update(*arguments, passed=1)
    project.run("--mpl", *arguments, passed=1)
    project.write(FIGURE.format(keywords, "axes.plot([1, 2.01])"))
    project.run(*arguments, failed=1)
    project.write(FIGURE.format("", "axes.plot([1, 2])"))
    project.run(failed=1)  # in the classic style


@pytest.mark.parametrize(
    ("keywords", "arguments", "backend"),
    [
        ("backend='svg'", ["--mpl-default-backend=pdf"], "svg"),
        ("", ["-o", "mpl-default-backend=pdf"], "pdf"),
    ],
)
def test_a_figure_has_one_backend_which_is_put_back(
    project: Any, keywords: str, arguments: list[str], backend: str
) -> None:
    project.write(
        "@pytest.fixture(autouse=True)\ndef before_and_after():\n    assert matplotlib.get_backend().lower() == 'agg'\n"
        "    yield\n    assert matplotlib.get_backend().lower() == 'agg'\n"
        + FIGURE.format(keywords, f"assert matplotlib.get_backend() == {backend!r}")
        + FIGURE.format(keywords, "raise ValueError").replace("test_line", "test_raises")
    )
    project.update(*arguments, passed=1, failed=1)
    for mpl in ([], ["--mpl"]):
        project.run(*mpl, *arguments, passed=1, failed=1)


@pytest.mark.parametrize(
    ("keywords", "arguments", "said"),
    [
        ("backend='nope'", [], "the backend of image_compare is 'nope'"),
        ("", ["--mpl", "--mpl-default-backend=nope"], "mpl-default-backend is 'nope'"),
    ],
)
def test_a_backend_that_does_not_exist_is_named(project: Any, keywords: str, arguments: list[str], said: str) -> None:
    project.write(FIGURE.format(keywords, "axes.plot([1, 2])"))
    project.update(*arguments, failed=1).stdout.fnmatch_lines(
        [f"{said}, a backend that matplotlib cannot load: *nope*. Expected the name of one that works here, such *"]
    )
    assert project.names() == set()


NO_FIGURES = {
    "pass": "the image test returned nothing: expected a figure. End the test with, *, return grid(images).",
    "return 3": "the image test returned a builtins.int: expected a figure. End the test with, *, return grid(images).",
    "return plt.subplots()[1]": "the image test returned a matplotlib.axes.*, return ax.figure.",
    "return plt.title('a')": "the image test returned a matplotlib.text.Text: *, return artist.figure.",
}
ASYNC = (
    "the image test is async, and pytest-mpl's mark takes what is returned for the figure: image tests cannot be "
    "async. Make it a plain function, and run what is async in it: return grid(asyncio.run(load_images()))."
)


@pytest.mark.parametrize("mpl", [[], ["--mpl"]], ids=["", "mpl"])
def test_a_test_that_returns_no_figure_is_told_how_to_end(project: Any, mpl: list[str]) -> None:
    bodies = [("def", body) for body in NO_FIGURES] + [
        ("async def", f"{how} grid(photos)") for how in ("return", "yield")
    ]
    body = "".join(f"@image_compare\n{how} test_{at}():\n    {last}\n" for at, (how, last) in enumerate(bodies))
    waited = [ASYNC, ASYNC]
    if find_spec("anyio"):  # its plugin runs such tests
        body += "@pytest.mark.anyio\n@image_compare\nasync def test_any():\n    return grid(photos)\n"
        waited.append(ASYNC)
    project.write(body)
    count = len(NO_FIGURES) + len(waited)
    result = project.run(*mpl, "-W", "error::RuntimeWarning", failed=count)
    result.stdout.no_fnmatch_line("*never awaited*")
    result.stdout.fnmatch_lines([*NO_FIGURES.values(), *waited, f"0 compared, * {count} no figure"])


def test_a_test_that_fails_or_skips_by_itself_does_so(project: Any) -> None:
    project.write(
        "@image_compare\ndef test_fails():\n    raise RuntimeError('mine')\n"
        "@image_compare\ndef test_skips():\n    pytest.skip('mine')\n"
    )
    project.run(failed=1, skipped=1).stdout.fnmatch_lines(
        ["E*RuntimeError: mine", "0 compared, 0 updated, 0 missing, 0 not compared, 1 no figure"]
    )


# --- what a baseline can be ---


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def make_clear(path: Path) -> None:
    Image.open(path).convert("RGBA").point(lambda level: level // 2).save(path)


#: What is done to the file, what is said, and whether an update writes over it.
BROKEN: dict[str, tuple[Any, str, bool]] = {
    "text": (lambda path: path.write_bytes(b"no image"), "the baseline * is not a PNG file: it begins with *", True),
    "truncated": (cut, "the baseline * is a truncated or corrupt PNG file of * bytes: *", True),
    "alpha": (make_clear, "the baseline * has an alpha channel, and 5226 of its 5226 pixels are transparent: *", True),
    "folder": (make_folder, "the baseline * is a folder: expected a file. Remove it.", False),
    "loop": (make_loop, "the baseline * cannot be read: *", True),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("mpl", [[], ["--mpl"]], ids=["", "mpl"])
def test_a_broken_baseline_gets_its_own_message(project: Any, kind: str, mpl: list[str]) -> None:
    change, message, is_replaced = BROKEN[kind]
    project.draw("photos")
    project.update()
    change(project.baselines / "test_batch.png")
    result = project.run(*mpl, failed=1)
    result.stdout.fnmatch_lines(
        [message, "To accept the new image:", "    pytest test_photos.py::test_batch --denorm-update=failed"]
    )
    for unwanted in ("*Traceback*", "E  *"):
        result.stdout.no_fnmatch_line(unwanted)
    project.run("--denorm-update=failed", *mpl, passed=int(is_replaced), failed=int(not is_replaced))


def test_the_encoding_of_a_baseline_does_not_matter(project: Any) -> None:
    project.draw("photos")
    project.update("--denorm-baselines=digests", passed=1)
    assert project.names() == {"digests.json"}
    digest = project.digests()
    assert set(digest) == {"test_batch.png"}
    project.run("--denorm-update=all", passed=1)
    path = project.baselines / "test_batch.png"
    image = Image.open(path).convert("RGBA")
    for mode, options in (("RGB", {"compress_level": 0}), ("RGB", {"dpi": (72, 72)}), ("RGBA", {})):
        image.convert(mode).save(path, **options)
        (project.baselines / "digests.json").unlink(missing_ok=True)
        project.run("--mpl", passed=1)
        project.run("--denorm-update=all", "--denorm-baselines=digests", passed=1)
        assert project.digests() == digest
    project.draw("photos ^ 1")
    path.unlink()
    project.run(failed=1).stdout.fnmatch_lines(
        ["the pixels are not those of test_batch.png in baseline_images/digests.json.", "  expected: sha256 *"]
    )


# --- updates ---


def test_each_update_writes_no_more_than_it_says(project: Any) -> None:
    project.draw("photos", "photos")
    project.update("-k", "batch0", passed=1, deselected=1)
    old = project.pixels("test_batch0.png")
    project.draw("photos ^ 1", "photos")
    project.update(passed=1, failed=1)
    assert all(np.array_equal(project.pixels(f"test_batch{at}.png"), old) for at in "01")
    stamp = (project.baselines / "test_batch1.png").stat().st_mtime_ns
    project.run("--denorm-update=failed", "--mpl", passed=2).stdout.fnmatch_lines(
        ["1 compared, 1 updated, 0 missing, 0 not compared", "wrote baseline_images/test_batch0.png"]
    )
    assert not np.array_equal(project.pixels("test_batch0.png"), old)
    assert (project.baselines / "test_batch1.png").stat().st_mtime_ns == stamp
    same = project.run("--denorm-update=all")
    same.stdout.fnmatch_lines(["2 compared, 0 updated, 0 missing, 0 not compared"])
    assert project.names() == {"test_batch0.png", "test_batch1.png"}


#: The keywords of xfail, the first line of the test, and what comes of a failure.
EXPECTED = [
    ("strict=True", "", "xfailed"),
    ("'sys.maxsize > 1', reason='known'", "", "xfailed"),
    ("raises=(OSError, pytest.fail.Exception)", "", "xfailed"),
    ("False, reason=''", "request.node.add_marker(pytest.mark.xfail)", "xfailed"),
    ("False, reason=''", "", "passed"),
    ("raises=AssertionError", "", "xpassed"),
]


@pytest.mark.parametrize("arguments", [["--denorm-update=missing"], ["--denorm-update=failed", "--mpl"]])
def test_a_test_that_fails_as_expected_keeps_its_baseline(project: Any, arguments: list[str]) -> None:
    tests = "".join(
        f"@pytest.mark.xfail({keywords})\n@image_compare\ndef test_{at}(request):\n    {first}\n    return grid({{}})\n"
        for at, (keywords, first, _) in enumerate(EXPECTED)
    )
    if "--denorm-update=failed" in arguments:
        project.write(tests.format(*["photos"] * len(EXPECTED)))
        project.run("--denorm-update=all")
    files = {name: (project.baselines / name).read_bytes() for name in project.names()}
    project.write(tests.format(*["photos ^ 1"] * len(EXPECTED)))
    result = project.run(*arguments, xfailed=4, passed=1, xpassed=1)
    kept = " ".join(f"test_photos.py::test_{at}" for at in range(4))
    result.stdout.fnmatch_lines(
        [f"4 not written, expected to fail (xfail). To write those as well: pytest *{kept} --denorm-update=all"]
    )
    after = {name: (project.baselines / name).read_bytes() for name in project.names()}
    assert {name for name in after if after[name] != files.get(name)} == {"test_4.png", "test_5.png"}
    project.run("--runxfail", "--denorm-update=all", passed=6)
    project.write("@image_compare\ndef test_early():\n    pytest.xfail('known')\n")
    project.run("--denorm-update=all", xfailed=1)
    assert "test_early.png" not in project.names()


def test_no_command_is_named_for_an_expected_failure_that_none_can_write(project: Any) -> None:
    project.draw("photos", mark="@pytest.mark.xfail\n@image_compare")
    project.baselines.mkdir()
    (project.baselines / "digests.json").write_text("{")
    project.run("--denorm-update=failed", xfailed=1).stdout.no_fnmatch_line("*not written*")


def test_each_item_is_updated_in_its_own_folder(project: Any) -> None:
    project.draw("photos", mark="@image_compare(baseline_dir='mine')")
    project.update(passed=1)
    project.draw("photos")
    project.update("--denorm-baseline-dir=there", passed=1)
    found = {str(path.relative_to(project.path)) for path in project.path.rglob("test_batch.png")}
    assert found == {"mine/test_batch.png", "there/test_batch.png"}


@pytest.mark.parametrize(
    ("ini", "arguments", "repeated"),
    [
        (
            "",
            ["--denorm-baseline-dir=a b", "--denorm-baselines", "digests"],
            "'--*-dir=a b' --denorm-baselines=digests ",
        ),
        ("denorm_compare = mpl", ["--mpl"], "--mpl "),
        ("", ["-o", "mpl-use-full-test-name=true", "-o", "log_level=INFO"], "-o mpl-use-full-test-name=true "),
        ("addopts = --rootdir=elsewhere", ["--config-file=other.ini"], "-c other.ini "),
    ],
)
def test_the_command_that_a_failure_names_makes_it_pass(
    project: Any, ini: str, arguments: list[str], repeated: str
) -> None:
    project.pytester.makeini(f"[pytest]\n{ini}\n")
    (project.path / "other.ini").write_text("[pytest]\ndenorm_baseline_dir = others\n")
    for image, update in (("photos", "missing"), ("photos ^ 1", "failed")):
        project.draw(image)
        result = project.run(*arguments, failed=1)
        result.stdout.fnmatch_lines([f"    pytest {repeated}test_photos.py::test_batch --denorm-update={update}"])
        project.run(*command_in(result)[1:], passed=1)
        project.run(*arguments, passed=1)


def test_the_command_leads_to_the_same_baseline_from_the_folder_that_pytest_was_called_in(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["-c", "../inis/other.ini", "--rootdir=$PWD/.."]
    project.draw("photos")
    for name in ("inis", "below"):
        (project.path / name).mkdir()
    (project.path / "inis/other.ini").write_text("[pytest]\ndenorm_baseline_dir = others\n")
    monkeypatch.chdir(project.path / "below")
    monkeypatch.setenv("PWD", str(project.path / "below"))
    command = command_in(project.run("../test_photos.py", *words))
    assert command[1:] == [*words, "../test_photos.py::test_batch", "--denorm-update=missing"]
    project.run(*command[1:], passed=1)
    assert [path.name for path in project.path.rglob("test_batch.png")] == ["test_batch.png"]
    project.run("../test_photos.py", *words, passed=1)


def words(pytester: pytest.Pytester, *arguments: str, mpl: bool = False) -> list[str]:
    """What a session with these arguments repeats."""
    return shlex.split(" ".join(given_words(pytester.parseconfig(*arguments), mpl=mpl)))


def test_what_a_command_repeats(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    repeated = [
        *("--denorm-baseline-dir=a b", "--denorm-baselines=digests", "--denorm-compare=mpl"),
        *("--mpl-baseline-path=theirs", "--mpl-baseline-relative", "--mpl-use-full-test-name"),
        *("--mpl-default-style=ggplot", "--mpl-default-backend=svg"),
        *("-o", "denorm_baselines=digests", "-o", "mpl-default-style=ggplot"),
    ]
    others = ["--denorm-report=a.html", "-x", "-o", "log_level=INFO", "--mpl-results-path=there", "--denorm-seed=3"]
    assert words(pytester, *others, *repeated) == repeated
    assert words(pytester, *repeated, *others, mpl=True) == [*repeated, "--mpl"]
    assert words(pytester, "-p", "no:pytest_mpl", "--denorm-compare=never") == ["--denorm-compare=never"]
    command = update_command(["-o", "denorm_compare=mpl"], ["test_a.py::test_p[a b]"], "all")
    assert command == "pytest -o denorm_compare=mpl 'test_a.py::test_p[a b]' --denorm-update=all"
    for name in ("below", "elsewhere"):
        (pytester.path / name).mkdir()
    ini = pytester.path / "other.ini"
    ini.write_text("[pytest]\n")
    pytester.makeini("[pytest]\naddopts = -c other.ini --rootdir=elsewhere\n")  # of which pytest takes no notice
    assert words(pytester) == []
    monkeypatch.chdir(pytester.path / "below")
    monkeypatch.setenv("ROOT", str(pytester.path))
    for chosen in (["-c", "../other.ini"], ["-c", str(ini), "--rootdir=../elsewhere"], ["--rootdir=$ROOT/elsewhere"]):
        assert words(pytester, *chosen) == chosen


# --- no silent pass ---


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--denorm-compare=mpl"], "denorm_compare is mpl, and --mpl was not given. To compare: pytest --mpl"),
        (["-o", "denorm_compare=never"], "denorm_compare is never. To compare: pytest --denorm-compare=always"),
    ],
)
def test_what_is_not_compared_is_said_aloud(project: Any, arguments: list[str], reason: str) -> None:
    project.draw("photos")
    result = project.run(*arguments, "--color=yes", passed=1).stdout
    result.fnmatch_lines(["0 compared, 0 updated, 0 missing, 1 not compared", f"*1 not compared: {reason}*"])
    assert f"\x1b[31m\x1b[1m1 not compared: {reason}" in result.str()


def test_what_cannot_be_written_at_the_end_fails_the_session(project: Any) -> None:
    """The test puts a folder where the page is to be, when it is too late to refuse it."""
    project.write("@image_compare\ndef test_batch():\n    Path('page.html').mkdir()\n    return grid(photos)\n")
    result = project.run("--denorm-report=page.html", "--color=yes", "--denorm-compare=never")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*ERROR: *page.html cannot be written: it is a folder. Remove it.*"])
    assert "\x1b[31m\x1b[1mERROR" in result.stdout.str()


def test_a_misspelt_setting_is_an_error(project: Any) -> None:
    project.draw("photos")
    result = project.run("-o", "denorm_compare=nevr")
    assert result.ret != 0
    result.stderr.fnmatch_lines(["*denorm_compare in the ini is 'nevr': expected one of always, mpl, never*"])


def test_without_pytest_mpl_its_mark_is_an_error_and_nothing_else_is(project: Any) -> None:
    project.write("@image_compare\ndef test_batch(): ...\ndef test_other(): ...\n")
    project.run("-p", "no:pytest_mpl", "--strict-markers", passed=1, failed=1).stdout.fnmatch_lines(
        ["image_compare is pytest-mpl's mark, and pytest-mpl is not active in this session: *"]
    )


# --- company ---

MANY = """
@image_compare
@pytest.mark.parametrize("index", [0, 1, pytest.param(2, marks=pytest.mark.xfail)])
def test_function(index):
    return grid(photos[index:])
@image_compare
class TestClass:
    def test_method(self):
        return grid(photos.flip(1))
@image_compare()
class TestUnit(unittest.TestCase):
    def setUp(self):
        self.photos = photos.flip(2)
    def test_unit(self):
        return grid(self.photos)
"""


def test_workers_give_the_same_results_files_and_commands(project: Any) -> None:
    """The mark is on functions, classes, cases of unittest and parameters."""
    pytest.importorskip("xdist")
    project.write(MANY)
    options = ("--denorm-baselines=digests", "-o", "denorm_baseline_dir=there")
    result = project.update(*options, "-n2", passed=4, xfailed=1)
    said = "1 not written, expected to fail (xfail). To write those as well: pytest "
    command = next(line.removeprefix(said) for line in result.outlines if line.startswith(said))
    assert command == f"{' '.join(options)} 'test_photos.py::test_function[2]' --denorm-update=all"
    by_workers = project.digests("there")
    (project.path / "there/digests.json").unlink()
    project.update(*options, passed=4, xfailed=1)
    assert project.digests("there") == by_workers
    assert by_workers.keys() == {f"test_{name}.png" for name in ("function_0", "function_1", "method", "unit")}
    project.run(*shlex.split(command), xpassed=1)
    project.write(MANY.replace("photos.flip", "(photos ^ 1).flip"))
    told = project.run(*options, "--mpl", failed=2, passed=2, xpassed=1)
    told.stdout.fnmatch_lines(["5 compared (2 different), 0 updated, 0 missing, 0 not compared"])
    assert project.results()["test_method"]["kind"] == "digest"


def test_images_of_failures_are_kept_in_the_cache_or_else_in_a_temporary_folder(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The latter also where the project is read-only, and pytest warns that it has no cache."""
    project.draw("photos")
    cached = project.run_with_cache()
    cached.stdout.fnmatch_lines(["  image: .pytest_cache/d/denorm/test_photos.py.test_batch-result.png (result)"])
    temporary = project.path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    project.run_with_cache("-p", "no:cacheprovider", "--denorm-update=missing").assert_outcomes(passed=1)
    assert list(temporary.iterdir()) == []
    (project.path / ".pytest_cache").rename(project.path / "moved")
    (project.path / ".pytest_cache").write_text("no folder")
    project.draw("photos ^ 1")
    for arguments in (["-p", "no:cacheprovider"], ["-W", "ignore"]):
        result = project.run_with_cache(*arguments)
        result.stdout.fnmatch_lines(
            ["the image differs from its baseline.", "  image: *temporary/pytest-denorm-*.png *"]
        )
    assert len(list(temporary.glob("pytest-denorm-*/*-comparison.png"))) == 2


def test_a_test_that_is_run_again_is_judged_again(project: Any) -> None:
    pytest.importorskip("pytest_rerunfailures")
    project.draw("photos")
    project.update()
    project.write(
        "runs = []\n@image_compare\ndef test_batch():\n    runs.append(1)\n    return grid(photos ^ (len(runs) < 3))\n"
    )
    for mpl in ([], ["--mpl"]):
        project.run("--reruns=2", *mpl, passed=1).stdout.fnmatch_lines(
            ["1 compared, 0 updated, 0 missing, 0 not compared", "*2 rerun*"]
        )


def test_pytest_mpl_generates_what_is_compared(project: Any) -> None:
    project.write(MANY)
    project.run("--mpl-generate-path=baseline_images", skipped=5)
    project.run(passed=4, xpassed=1)
    project.run("--mpl", passed=4, xpassed=1)


def test_pytest_mpl_compares_hashes(project: Any) -> None:
    project.draw("photos", "photos ^ 3")
    library = project.path / "hashes.json"
    project.run("--mpl", f"--mpl-generate-hash-library={library}")
    by_hash = ("--mpl", f"--mpl-hash-library={library}")
    project.run(*by_hash, passed=2).stdout.fnmatch_lines(["0 compared, *, 2 compared by hash"])
    project.draw("photos ^ 1", "photos ^ 2")
    project.run(*by_hash, failed=2)
    project.update()
    library.write_text(json.dumps({f"test_photos.test_batch{at}": "0" * 64 for at in "01"}))
    project.run(*by_hash, failed=2).stdout.fnmatch_lines(
        ["The pixels are those of the baseline: what pytest-mpl's hash tells apart is the *"]
    )
