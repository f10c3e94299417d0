"""The review page: everything in one file, escaped, readable without scripts, and usable in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photographs import crops

from pytest_denorm.images.comparison import amplified
from pytest_denorm.images.page import CheckRow, ImageRow, png_size, render
from pytest_denorm.images.png import encode_png

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")

HOSTILE = "</script><script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\">&amp;'"


def example() -> str:
    before, after = crops(2, 40)
    pictures = {
        "baseline": encode_png(before),
        "result": encode_png(after),
        "difference": encode_png(amplified(before, after)[0]),
    }
    images = [
        ImageRow("test_a.py::test_equal", "equal", "", {"result": pictures["result"]}),
        ImageRow("test_a.py::test_new", "missing", "there is no baseline yet.", {"result": pictures["result"]}),
        ImageRow(f"test_a.py::test_p[{HOSTILE}]", "different", f"the picture differs {HOSTILE}", pictures),
    ]
    checks = [
        CheckRow("denorm::good", "round_trip", "passed", "worst error 1e-8"),
        CheckRow(f"denorm::{HOSTILE}", "bytes_exact", "passed", HOSTILE),
        CheckRow(f"denorm::{HOSTILE}", "round_trip", "failed", "blue: gain 1.133"),
    ]
    return render(checks, images)


class Reader(HTMLParser):
    """Tags that are open at the end, all attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data


def test_the_page_is_whole_and_escaped() -> None:
    reader = Reader(example())
    assert reader.open == []
    assert reader.text.count(HOSTILE) == 4
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    assert "3 image tests: 1 different, 1 missing, 1 equal; 3 checks: 1 failed, 2 passed." in reader.text


def test_every_picture_has_a_place_for_its_buttons() -> None:
    page = example()
    assert page.count('<div class="tools"></div>') == page.count("<article") == 3


def test_nothing_comes_from_elsewhere() -> None:
    page = example()
    sources = [value for _, name, value in Reader(page).attributes if name in ("src", "href")]
    assert sources
    assert all(str(value).startswith("data:image/png;base64,") for value in sources)
    assert not re.search(r"https?:|@import|url\(", page)
    assert "default-src 'none'" in page


def test_failures_come_first() -> None:
    page = example()
    order = [page.index(name) for name in ("test_p[", "test_new", "<details", "test_equal", "Pipeline denorm::&lt;")]
    assert order == sorted(order)
    assert page.index("Pipeline denorm::&lt;") < page.index("Pipeline denorm::good")
    assert page.index("blue: gain") < page.index("bytes_exact")


def test_the_page_says_what_it_was_given_and_no_more() -> None:
    page = render(
        [CheckRow("val", "round_trip", "failed", "blue: gain 1.133")],
        [ImageRow("test_a", "different", "differs", {"result": picture(2, 2)}), ImageRow("test_b", "equal")],
        [ImageRow("test_c", "failed", "off", {"round_trip": picture(2, 2)}, {"round_trip": "worst"})],
    )
    header, body = Reader(page).text.split("4 difference.")
    title = "pytest-denorm: review"
    summary = "2 image tests: 1 different, 1 equal; 1 check: 1 failed; 1 picture of round trips that failed."
    assert header.split("Keys:")[0].split() == [*title.split(), *title.split(), *summary.split()]
    assert [line for line in body.splitlines() if line] == [
        "Image tests",
        *("test_adifferent", "result", "differs"),
        *("1 equal to their baselines", "test_bequal"),
        "Round trips that failed",
        *("test_cfailed", "worst", "off"),
        "Pipeline val",
        *("checkoutcome", "round_tripfailedblue: gain 1.133"),
    ]
    assert page.endswith("</html>\n")


def picture(height: int, width: int) -> bytes:
    return encode_png(np.zeros((height, width, 3), np.uint8))


def rows(*statuses: str) -> list[ImageRow]:
    return [ImageRow(f"test_a.py::test_{index}", status) for index, status in enumerate(statuses)]


@pytest.mark.parametrize(
    ("checks", "images", "trips", "summary"),
    [
        ((), (), 0, "This session had neither checks nor image tests."),
        ((), ("equal", "updated", "different", "equal"), 0, "4 image tests: 1 different, 1 updated, 2 equal."),
        (
            (),
            ("not compared", "compared by hash", "unreadable", "different", "equal"),
            0,
            "5 image tests: 1 different, 1 unreadable, 1 compared by hash, 1 not compared, 1 equal.",
        ),
        (("passed", "skipped", "failed"), (), 0, "3 checks: 1 failed, 1 skipped, 1 passed."),
        (("failed",), (), 1, "1 check: 1 failed; 1 picture of round trips that failed."),
        ((), (), 2, "2 pictures of round trips that failed."),
    ],
)
def test_the_summary_counts_failures_first(checks: Any, images: Any, trips: int, summary: str) -> None:
    page = render([CheckRow("val", "round_trip", status, "") for status in checks], rows(*images), rows(*[""] * trips))
    assert f"<p>{summary}</p>" in page


@pytest.mark.parametrize(
    ("colour", "statuses"),
    [
        ("bad", ["different", "missing", "unreadable", "no figure", "failed", "unexpectedly passed", "error"]),
        ("good", ["equal", "passed"]),
        ("note", ["updated", "not compared", "compared by hash", "skipped", "expectedly failed"]),
    ],
)
def test_each_outcome_has_its_colour_among_images_and_checks(colour: str, statuses: list[str]) -> None:
    for status in statuses:
        page = render([CheckRow("val", "round_trip", status, "")], rows(status))
        assert page.count(f'<span class="status {colour}">{status}</span>') == 2


@pytest.mark.parametrize(
    ("statuses", "order", "folded"),
    [
        (["equal", "equal"], [0, 1], "<details open><summary>2 equal to their baselines</summary>"),
        (["equal", "updated", "missing"], [2, 1, 0], "<details><summary>1 equal to their baselines</summary>"),
        (["different", "missing", "updated", "different"], [0, 3, 1, 2], ""),
    ],
)
def test_what_passed_is_folded_away_unless_it_is_all(statuses: list[str], order: list[int], folded: str) -> None:
    page = render([], rows(*statuses))
    assert [int(number) for number in re.findall(r"<h3>test_a\.py::test_(\d)</h3>", page)] == order
    assert page.count("<article") == len(statuses)
    assert ("<details" in page) == bool(folded)
    if folded:
        before, after = page.split(folded)
        assert before.count("<article") == len(statuses) - statuses.count("equal")
        assert after.count("</details>") == 1


@pytest.mark.parametrize(
    ("height", "width", "zoom"), [(40, 30, 8), (20, 160, 2), (161, 5, 1), (107, 107, 2), (320, 320, 1), (700, 9, 1)]
)
def test_small_pictures_are_enlarged(height: int, width: int, zoom: int) -> None:
    page = render([], [ImageRow("test_a", "different", "", {"result": picture(height, width)})])
    assert f'width="{width * zoom}" height="{height * zoom}"' in page


def test_pictures_have_the_captions_that_they_are_given() -> None:
    pictures = {"result": picture(2, 2), "difference": picture(2, 2)}
    page = render([], [ImageRow("test_a", "different", "", pictures, {"difference": "difference x 7"})])
    assert re.findall(r"<figcaption>(.*?)</figcaption>", page) == ["result", "difference x 7"]
    assert re.findall(r'alt="(.*?)"', page) == ["result of test_a", "difference of test_a"]
    assert "<pre>" not in page


def test_round_trips_that_failed_have_a_section_of_their_own() -> None:
    trip = ImageRow("test_a", "failed", "off by 3 levels", {"round_trip": picture(2, 2)})
    assert "Round trips" not in render([], rows("equal"))
    page = render([], rows("equal"), [trip])
    assert page.count("<article") == 2
    assert "<pre>off by 3 levels</pre>" in page.partition("<h2>Round trips that failed</h2>")[2]
    assert "<h2>Image tests</h2>" not in render([], [], [trip])


def test_pipelines_that_fail_come_first_and_their_failures_before_all_else() -> None:
    checks = [
        ("a", "1", "passed"),
        ("b", "1", "passed"),
        ("a", "2", "skipped"),
        ("b", "2", "failed"),
        ("b", "3", "error"),
    ]
    page = render([CheckRow(pipeline, name, status, "") for pipeline, name, status in checks], [])
    assert re.findall(r"<h2>Pipeline (\w)</h2>|<tr><td>(\d)</td>", page) == [
        *(("b", ""), ("", "2"), ("", "3"), ("", "1")),
        *(("a", ""), ("", "2"), ("", "1")),
    ]
    assert page.count("</tbody></table>") == 2


def test_the_size_is_read_from_the_header() -> None:
    assert png_size(encode_png(np.zeros((3, 7, 3), np.uint8))) == (7, 3)


def test_a_session_without_any_test_of_ours_writes_a_page_too(project: Any) -> None:
    project.write("def test_other():\n    assert True\n")
    project.run("--denorm-report=out/review.html").assert_outcomes(passed=1)
    page = (project.path / "out/review.html").read_text(encoding="utf-8")
    assert "This session had neither checks nor image tests." in page


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_session_writes_its_page(project: Any, workers: str) -> None:
    project.draw("photos")
    project.run("--denorm-update=missing")
    project.draw("photos ^ 1")
    (project.path / "other.py").write_text(
        "from torchvision.transforms import Compose, Normalize, ToTensor\n"
        "val = Compose([ToTensor(), Normalize((0.5,) * 3, (0.5,) * 3)])\n"
    )
    project.pytester.makeini("[pytest]\ndenorm_pipelines =\n    val = other:val\n")
    result = project.run(workers, "--denorm", "-k", "batch or round_trip", "--denorm-report=review.html")
    result.stdout.fnmatch_lines(["review page: *review.html"])
    reader = Reader((project.path / "review.html").read_text(encoding="utf-8"))
    kinds = [value for _, name, value in reader.attributes if name == "data-kind"]
    assert kinds == ["baseline", "result", "difference"]
    for expected in ("test_photos.py::test_batch", "--denorm-update=failed", "Pipeline denorm::val", "round_trip"):
        assert expected in reader.text


BATTERY = """
@image_compare
def test_other():
    return grid(photos)

from torchvision.transforms import Compose, Normalize, ToTensor
from pytest_denorm import parametrize_with_checks
val = Compose([ToTensor(), Normalize((0.5,) * 3, (0.5,) * 3)])
wrong = lambda y: y * 0.5 + 0.4

@parametrize_with_checks([val], inverse=wrong, select=["round_trip", "finds_normalize"])
def test_battery(denorm_check):
    denorm_check()
"""


def test_the_page_of_a_session_has_images_checks_and_round_trips(project: Any) -> None:
    project.draw("photos")
    drawn = (project.path / "test_photos.py").read_text(encoding="utf-8").partition("@image_compare")[2]
    project.write(f"@image_compare{drawn}{BATTERY}")
    project.run("--denorm-update=missing", "-k", "other or batch")
    project.write(f"@image_compare{drawn.replace('photos', 'photos ^ 1')}{BATTERY}")
    project.run("--denorm-report=review.html", "--denorm-pictures").assert_outcomes(passed=2, failed=2)
    page = (project.path / "review.html").read_text(encoding="utf-8")
    text = Reader(page).text
    assert "2 image tests: 1 different, 1 equal; 2 checks: 1 failed, 1 passed; 1 picture of round trips" in text
    assert re.findall(r"<figcaption>(.*?)</figcaption>", page) == [
        *("baseline", "result", "difference x 255"),
        "result",
        "",
    ]
    assert "<h2>Pipeline test_photos.py</h2>" in page
    images, equal = page.split("<details>")
    assert "<pre>the picture differs from its baseline." in images
    assert "<pre>" not in equal.partition("</details>")[0]
    assert "<pre>" in page.partition("Round trips that failed")[2]
    for check, status in (("round_trip", "failed"), ("finds_normalize", "passed")):
        assert re.search(rf"<td>\S*{check}\S*</td><td><span class=\"status \w+\">{status}</span></td><td>.", page)


RAISES = """
@pytest.fixture
def broken():
    raise RuntimeError("no pictures today")

@image_compare
def test_setup(broken):
    return grid(photos)

@image_compare
def test_call():
    raise RuntimeError("no batch today")

@image_compare
@pytest.mark.skip
def test_skipped():
    return grid(photos)

from pytest_denorm import parametrize_with_checks

@parametrize_with_checks([forward], select=["round_trip"])
def test_battery(denorm_check, broken):
    denorm_check()
"""


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_what_raised_before_it_could_be_judged_is_on_the_page(project: Any, workers: str) -> None:
    project.write(RAISES)
    project.pytester.makeini("[pytest]\ndenorm_pipelines =\n    val = other:val\n")
    result = project.run(workers, "--denorm", "-k", "test_ or round_trip", "--denorm-report=review.html")
    result.stdout.fnmatch_lines(["0 compared, 0 updated, 0 missing, 0 not compared, 2 no figure"])
    text = Reader((project.path / "review.html").read_text(encoding="utf-8")).text
    assert "2 image tests: 2 no figure; 3 checks: 3 failed." in text
    for said in ("no pictures today", "no batch today", "other:val: No module named 'other'"):
        assert said in text


def test_what_is_said_of_a_test_is_of_its_last_run(project: Any) -> None:
    pytest.importorskip("pytest_rerunfailures")
    project.write("""
from pytest_denorm import assert_round_trip
runs = []

@pytest.fixture
def late():
    assert len(runs) != 1

@image_compare
def test_batch(late):
    runs.append(1)
    return grid(photos)

def test_trip():
    runs.append(1)
    assert_round_trip(forward, inverse=None if len(runs) > 3 else lambda y: y)
""")
    project.run("--denorm-report=review.html", "--denorm-pictures", "--reruns=1", "-p", "no:randomly")
    text = Reader((project.path / "review.html").read_text(encoding="utf-8")).text
    assert "1 image test: 1 no figure; 1 picture of round trips that failed." in text
    project.run("--denorm-report=review.html", "--denorm-pictures", "--reruns=3", "-k", "trip").assert_outcomes(
        passed=1
    )
    text = Reader((project.path / "review.html").read_text(encoding="utf-8")).text
    assert "This session had neither checks nor image tests." in text


def browse(page: str, folder: Path, *options: str) -> str:
    """The document as the browser has it, after scripts have run."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--virtual-time-budget=3000", *options, "--dump-dom", path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout


DRIVER = """
const article = document.querySelector("article");
const press = (key, where = article) => where.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
const [under, over] = article.querySelectorAll(".stage img");
const range = article.querySelector("input");
const seen = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility !== "hidden";
const state = () => ({
  pressed: article.querySelector("[aria-pressed=true]").textContent,
  panels: [...article.querySelectorAll("figure")].filter(seen).map((f) => f.querySelector("img").dataset.kind),
  stage: [under, over].map(seen), range: seen(range), clip: getComputedStyle(over).clipPath,
  shown: article.querySelector(".shown").textContent,
});
const log = {start: state()};
press("2"); log.slider = state();
press("ArrowRight"); log.moved = state();
range.value = 10; range.dispatchEvent(new Event("input")); log.dragged = state();
press("b"); log.blink = state();
press("b"); log.blinked = state();
press("4"); log.difference = state();
article.querySelectorAll("button")[0].click(); log.back = state();
const all = [...document.querySelectorAll("article")];
press("j", document.body); log.first = all.indexOf(document.activeElement);
press("j", document.activeElement); log.second = all.indexOf(document.activeElement);
press("k", document.activeElement); log.again = all.indexOf(document.activeElement);
log.title = document.title;
log.width = [under.naturalWidth, over.naturalWidth];
document.body.textContent = JSON.stringify(log);
"""


@needs_browser
def test_slider_blink_and_keys_work_in_a_browser(tmp_path: Path) -> None:
    driven = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", example())
    driven = driven.replace("</body>", f"<script>window.onload = () => {{{DRIVER}}}</script></body>")
    found = re.search(r"<body[^>]*>(\{.*\})</body>", browse(driven, tmp_path), re.DOTALL)
    assert found is not None
    log = json.loads(found[1])
    three = ["baseline", "result", "difference"]
    assert log["start"] | {"clip": ""} == {
        "pressed": "side by side",
        "panels": three,
        "stage": [False, False],
        "range": False,
        "clip": "",
        "shown": log["start"]["shown"],
    }
    slider = {"pressed": "slider", "panels": [], "stage": [True, True], "range": True, "shown": "baseline | result"}
    assert log["slider"] == slider | {"clip": "inset(0px 0px 0px 50%)"}
    assert log["moved"] == slider | {"clip": "inset(0px 0px 0px 52%)"}
    assert log["dragged"] == slider | {"clip": "inset(0px 0px 0px 10%)"}
    blink = {"pressed": "blink", "panels": [], "range": False, "clip": "none"}
    assert log["blink"] == blink | {"stage": [True, True], "shown": "result"}
    assert log["blinked"] == blink | {"stage": [True, False], "shown": "baseline"}
    assert (log["difference"]["panels"], log["back"]["panels"]) == (["difference"], three)
    assert (log["first"], log["second"], log["again"], log["title"]) == (0, 1, 0, "pytest-denorm: review")
    assert log["width"] == [40, 40]


@needs_browser
def test_its_own_script_runs_and_no_other(tmp_path: Path) -> None:
    page = browse(example().replace("</main>", "</main><script>document.title = 'hacked'</script>"), tmp_path)
    assert "<title>pytest-denorm: review</title>" in page
    assert len(re.findall(r'<button[^>]* aria-pressed="true"', page)) == 1


LOOK = """
const seen = (node) => node.getClientRects().length > 0;
document.querySelector("details").open = true;
const log = {
  pictures: [...document.images].map((image) => image.complete && image.naturalWidth > 0 && seen(image)),
  messages: [...document.querySelectorAll("pre, td")].every(seen),
  keys: seen(document.querySelector("#keys")),
  tools: document.querySelectorAll("button, input").length,
};
document.body.textContent = JSON.stringify(log);
"""


@needs_browser
def test_it_is_readable_with_scripts_off(tmp_path: Path) -> None:
    without = re.sub(r"<script>.*</script>|<meta http-equiv[^>]*>", "", example(), flags=re.DOTALL)
    looked = without.replace("</body>", f"<script>window.onload = () => {{{LOOK}}}</script></body>")
    found = re.search(r"<body[^>]*>(\{.*\})</body>", browse(looked, tmp_path), re.DOTALL)
    assert found is not None
    assert json.loads(found[1]) == {"pictures": [True] * 5, "messages": True, "keys": False, "tools": 0}
