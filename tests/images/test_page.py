"""The review page: what failed is grouped, light, escaped, and usable in a real browser at every width."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photographs import crops
from PIL import Image

from pytest_denorm import grid
from pytest_denorm.images.comparison import compare
from pytest_denorm.images.manifest import Result
from pytest_denorm.images.page import CheckRow, render
from pytest_denorm.images.png import encode_png
from pytest_denorm.images.thumbnails import reduced_by_maximum, thumbnail

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")

HOSTILE = "</script><script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\">&amp;'"


def result(folder: Path, test: str, before: Any = None, after: Any = None, **facts: Any) -> Result:
    """What a session tells of a test that drew `after` where the baseline is `before`."""
    images = {}
    for kind, pixels in (("baseline", before), ("result", after)):
        if pixels is not None:
            path = folder / f"{kind}-{len(os.listdir(folder))}.png"
            path.write_bytes(encode_png(np.ascontiguousarray(pixels)))
            images[kind] = str(path)
    if before is not None and after is not None:
        found = compare(before, after)
        assert found is not None
        kind, diagnosis = found.figures.pop("kind"), found.figures.pop("diagnosis")
        facts = {"numbers": found.figures, "kind": kind, "diagnosis": diagnosis, **facts}
    base = {"verdict": "different", "file": "test_a.py", "line": 3, "target": "baseline_images/a.png"}
    return Result(test, **{**base, "images": images, **facts})


def equal(folder: Path, test: str, pixels: Any) -> Result:
    path = folder / f"thumbnail-{len(os.listdir(folder))}.jpg"
    path.write_bytes(thumbnail(pixels))
    return Result(test, "equal", images={"thumbnail": str(path)})


def example(folder: Path) -> str:
    before, after = crops(2, 40)
    dotted = before.copy()
    dotted[30, 12] ^= 255
    images = [
        equal(folder, "test_a.py::test_equal", after),
        result(folder, "test_a.py::test_new", after=after, verdict="missing", kind="new", message="no baseline yet."),
        *(result(folder, f"test_b.py::test_bgr[{at}]", before, before[..., ::-1]) for at in range(2)),
        result(folder, f"test_a.py::test_p[{HOSTILE}]", before, dotted, message=f"the image differs {HOSTILE}"),
    ]
    checks = [
        CheckRow("denorm::good", "round_trip", "passed", "worst error 1e-8"),
        CheckRow(f"denorm::{HOSTILE}", "bytes_exact", "passed", HOSTILE),
        CheckRow(f"denorm::{HOSTILE}", "round_trip", "failed", "blue: gain 1.133"),
    ]
    return render(checks, images, root=folder, results=folder / "results", page=folder / "page.html")


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


def test_the_page_is_whole_escaped_and_takes_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = example(tmp_path)
    reader = Reader(page)
    assert reader.open == []
    assert HOSTILE in reader.text
    assert "<script>document" not in page
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    assert "5 image tests: 3 different, 1 missing, 1 equal; 3 checks: 1 failed, 2 passed." in reader.text
    sources = [str(value) for _, name, value in reader.attributes if name == "src"]
    assert sources
    assert all(re.match(r"data:image/(png|jpeg);base64,", one) for one in sources)
    assert not re.search(r"https?:|@import|url\(", page)
    assert "default-src 'none'" in page


def test_failures_are_grouped_by_what_happened_and_each_group_has_its_command(tmp_path: Path) -> None:
    page = example(tmp_path)
    titles = re.findall(r'class="group"[^>]*><h2>(.*?)</h2>', page)
    assert titles[:4] == [
        "2 tests: channels reversed (BGR for RGB)",
        "1 test: one pixel at (30, 12); all others are equal",
        "1 test: no baseline yet",
        "1 test equal to the baselines",
    ]
    assert all(title.startswith("Pipeline ") for title in titles[4:])
    commands = re.findall(r"<code>(.*?)</code>", page)
    assert commands == [
        f"pytest-denorm accept results --only-diagnosis {one}" for one in ("channel-order", "one-pixel", "new")
    ]
    assert page.index("blue: gain") < page.index("bytes_exact")


def test_a_test_is_linked_to_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert '<a href="test_a.py#L3">test_a.py:3</a>' in example(tmp_path)
    for name, value in (("SERVER_URL", "https://example.org"), ("REPOSITORY", "me/it"), ("SHA", "abc")):
        monkeypatch.setenv(f"GITHUB_{name}", value)
    assert '<a href="https://example.org/me/it/blob/abc/test_a.py#L3">test_a.py:3</a>' in example(tmp_path)


def test_one_pixel_stays_visible_when_a_difference_is_scaled_down(tmp_path: Path) -> None:
    for at in ((0, 0), (1800, 1800), (903, 17)):
        pixels = np.zeros((1801, 1801, 3), np.uint8)
        pixels[at] = 255
        small = reduced_by_maximum(pixels, 320)
        assert max(small.shape[:2]) <= 320
        assert small.max() == 255
        assert [one // 6 for one in at] == list(np.argwhere(small[..., 0])[0])


def test_the_page_is_light(tmp_path: Path) -> None:
    """100 passing grids of 64 x 224 pixels take at most 5 MB, 100 failing ones 60 MB: here one for a hundred."""
    pixels = grid(list(crops(64, 224))).pixels
    assert len(render([], [equal(tmp_path, "test_a", pixels)])) * 100 < 5_000_000
    noise = np.random.default_rng(0).integers(0, 60, pixels.shape).astype(np.uint8)
    one = result(tmp_path, "test_a", pixels, np.where(pixels > 150, pixels - noise, pixels + noise))
    assert len(render([], [one])) * 100 < 60_000_000


def text_of(project: Any) -> str:
    return Reader((project.path / "review.html").read_text(encoding="utf-8")).text


def test_a_session_without_any_test_of_ours_writes_a_page_too(project: Any) -> None:
    project.write("def test_other():\n    assert True\n")
    project.run("--denorm-report=review.html", passed=1)
    assert "This session had neither checks nor image tests." in text_of(project)


SESSION = """
from torchvision.transforms import Compose, Normalize, ToTensor
from pytest_denorm import parametrize_with_checks
val = Compose([ToTensor(), Normalize((0.5,) * 3, (0.5,) * 3)])
wrong = lambda y: y * 0.5 + 0.4

@pytest.fixture
def broken():
    raise RuntimeError("no images today")

@image_compare
def test_batch():
    return grid({})

@image_compare
def test_other():
    return grid(photos)

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

@parametrize_with_checks([val], inverse=wrong, select=["round_trip", "finds_normalize"])
def test_battery(denorm_check):
    denorm_check()

@parametrize_with_checks([forward], select=["bytes_exact"])
def test_early(denorm_check, broken):
    denorm_check()
"""


def test_a_session_writes_a_page_of_images_checks_and_round_trips_also_with_workers(project: Any) -> None:
    project.write(SESSION.format("photos"))
    project.update("-k", "batch or other")
    project.write(SESSION.format("photos ^ 1"))
    manifests = []
    for workers in ([], ["-n1"]):
        project.run("--denorm-report=review.html", "--denorm-pictures", *workers)
        page = (project.path / "review.html").read_text(encoding="utf-8")
        reader = Reader(page)
        assert (
            "4 image tests: 1 different, 2 no figure, 1 equal; 3 checks: 2 failed, 1 passed; 1 figure of" in reader.text
        )
        for expected in ("no images today", "no batch today", "test_photos.py::test_batch", "--denorm-update=failed"):
            assert expected in reader.text
        kinds = [value for _, name, value in reader.attributes if name == "data-kind"]
        assert kinds == ["baseline", "result", "difference"]
        assert "<h2>Pipeline test_photos.py</h2>" in page
        assert "<pre>" in page.partition("Round trips that failed")[2]
        for check, status in (("round_trip", "failed"), ("finds_normalize", "passed"), ("bytes_exact", "failed")):
            assert re.search(rf"<td>\S*{check}\S*</td><td><span class=\"status \w+\">{status}</span></td><td>.", page)
        manifests.append({name: one | {"message": ""} for name, one in project.results().items()})
    assert manifests[0] == manifests[1]


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
    report = ("--denorm-report=review.html", "--denorm-pictures")
    project.run(*report, "--reruns=1")
    assert "1 image test: 1 no figure; 1 figure of round trips that failed." in text_of(project)
    project.run(*report, "--reruns=3", "-k", "trip", passed=1)
    assert "This session had neither checks nor image tests." in text_of(project)


def test_a_failure_that_is_expected_or_updated_is_told_as_such(project: Any) -> None:
    project.draw("photos", "photos")
    project.update(passed=2)
    project.draw("photos.flip(2)", "photos.flip(2)")
    text = (project.path / "test_photos.py").read_text()
    (project.path / "test_photos.py").write_text(text.replace("@image", "@pytest.mark.xfail\n@image", 1))
    project.run("--denorm-report=review.html", "--denorm-update=failed", passed=1, xfailed=1)
    said = text_of(project)
    assert "2 image tests: 1 expected to fail, 1 updated." in said
    assert "1 test updated: upside down" in said
    assert "pytest-denorm accept" not in said


def browse(page: str, folder: Path, *options: str) -> str:
    """The document as the browser has it, after scripts have run."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--virtual-time-budget=3000", *options, path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout


DRIVER = """
const article = document.querySelector("#group1 article");
const press = (key, where = article) => where.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
const seen = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility !== "hidden";
const viewer = article.querySelector(".viewer");
const over = () => viewer.querySelectorAll(".frame .layer")[viewer.querySelectorAll(".layer").length - 1];
const inside = (mark) => {
  const [one, frame] = [mark, mark.parentElement].map((node) => node.getBoundingClientRect());
  return one.left >= frame.left && one.right <= frame.right && one.top >= frame.top && one.bottom <= frame.bottom;
};
const state = () => ({
  pressed: viewer.querySelector("[aria-pressed=true]").textContent,
  panels: [...viewer.querySelectorAll(".panels figure")].filter(seen).map((figure) => figure.dataset.kind),
  stacked: seen(over().parentElement), range: seen(viewer.querySelector("input")),
  clip: getComputedStyle(over()).clipPath, opacity: getComputedStyle(over()).opacity,
  shown: viewer.querySelector(".shown").textContent, over: seen(over()),
});
article.focus();
const scales = () => [...viewer.querySelectorAll(".canvas")].map((canvas) => canvas.style.transform);
const log = {start: state(), marked: [...viewer.querySelectorAll(".panels .mark")].map(inside)};
log.zooms = [new Set(scales()).size];
press("+"); log.zooms.push(new Set(scales()).size); press("r");
for (const key of "2345") { press(key); log[key] = state(); }
press("1");
const folded = document.querySelector("#group0 article:last-of-type");
log.folded = folded.querySelectorAll(".canvas").length;
folded.focus(); press("o", folded); log.title = document.title;
const wait = () => {
  log.opened = folded.querySelectorAll(".canvas").length;
  const all = [...document.querySelectorAll("article")];
  all[0].focus(); press("j", all[0]); log.next = all.indexOf(document.activeElement);
  const search = document.querySelector("#search");
  search.value = "bgr"; search.form.dispatchEvent(new Event("input"));
  log.found = [...document.querySelectorAll(".group")].map(seen);
  search.value = "nothing of this name"; search.form.dispatchEvent(new Event("input"));
  log.nothing = seen(document.querySelector("#nothing"));
  log.wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  document.body.textContent = JSON.stringify(log);
};
setTimeout(wait, 300);
"""


@needs_browser
def test_modes_zoom_keys_and_filter_work_in_a_browser(tmp_path: Path) -> None:
    driven = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", example(tmp_path))
    driven = driven.replace("</body>", f"<script>window.onload = () => {{{DRIVER}}}</script></body>")
    found = re.search(r"<body[^>]*>(\{.*\})</body>", browse(driven, tmp_path, "--dump-dom"), re.DOTALL)
    assert found is not None
    log = json.loads(found[1])
    three = ["baseline", "result", "difference"]
    assert (log["start"]["pressed"], log["start"]["panels"], log["start"]["stacked"]) == ("side by side", three, False)
    assert log["marked"] == [True] * 3  # it opens on the changed region
    assert log["zooms"] == [1, 1]  # of all panels
    slider = {"pressed": "slider", "stacked": True, "range": True, "shown": "baseline | result", "over": True}
    assert log["2"].items() >= {**slider, "clip": "inset(0px 0px 0px 50%)", "panels": []}.items()
    assert log["3"].items() >= {"pressed": "onion skin", "opacity": "0.5", "clip": "none"}.items()
    assert log["4"].items() >= {"pressed": "blink", "range": False, "shown": "result"}.items()
    assert log["5"].items() >= {"pressed": "difference", "stacked": False, "panels": ["difference"]}.items()
    assert (log["folded"], log["opened"] > 0, log["next"], log["title"]) == (0, True, 1, "pytest-denorm: review")
    assert log["found"] == [True, *[False] * 5]  # those of the checks, too
    assert (log["nothing"], log["wide"]) == (True, False)


@needs_browser
def test_its_own_script_runs_and_no_other(tmp_path: Path) -> None:
    hacked = example(tmp_path).replace("</main>", "</main><script>document.title = 'hacked'</script>")
    page = browse(hacked, tmp_path, "--dump-dom")
    assert "<title>pytest-denorm: review</title>" in page
    assert len(re.findall(r'<button[^>]* aria-pressed="true"', page)) == 2  # of each group the first test


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (375, True)], ids=["wide, light", "narrow, dark"])
def test_the_page_looks_right(tmp_path: Path, width: int, dark: bool) -> None:
    """As far as a program can see: it is neither empty nor of one color, and dark where that is preferred."""
    shot = tmp_path / "shot.png"
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    size = f"--window-size={width},1500"
    browse(example(tmp_path), tmp_path, scheme, size, f"--screenshot={shot}", "--hide-scrollbars")
    pixels = np.asarray(Image.open(shot).convert("RGB"))
    assert pixels.shape[1] == width
    assert bool(np.median(pixels) < 100) is dark
    assert (pixels.max(axis=-1).astype(int) - pixels.min(axis=-1) > 100).mean() > 0.005  # the images
