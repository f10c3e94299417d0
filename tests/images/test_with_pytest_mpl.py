"""One verdict with pytest-mpl: wherever the baseline comes from, whatever the tolerance, in its summary too."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

PLAIN = "@pytest.mark.mpl_image_compare(tolerance=9)\ndef test_batch():\n    return grid({})\n"
EXACT = "@image_compare\ndef test_batch():\n    return grid({})\n"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None: ...


@pytest.fixture
def server(project: Any) -> Iterator[str]:
    """The address of the folder of baselines."""
    handler = partial(Quiet, directory=str(project.baselines))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}/"
        httpd.shutdown()


@pytest.mark.parametrize("body", [PLAIN, EXACT], ids=["plain", "exact"])
@pytest.mark.parametrize("mpl", [[], ["--mpl"]], ids=["", "mpl"])
def test_a_grid_is_compared_exactly_with_a_baseline_on_a_server(
    project: Any, server: str, body: str, mpl: list[str]
) -> None:
    project.draw("photos")
    project.update()
    where = f"--mpl-baseline-path=http://127.0.0.1:9/,{server}"  # the first mirror is down
    project.write(body.format("photos"))
    project.run(where, *mpl, passed=1)
    project.write(body.format("photos // 2 * 2"))  # truncated by a level: pytest-mpl's RMS of it is below 1
    result = project.run(where, *mpl, failed=1)
    result.stdout.fnmatch_lines(["  diagnosis: *truncation*", "The baseline is on a server: replace it there."])


def test_a_server_without_the_baseline_says_so(project: Any, server: str) -> None:
    project.write(EXACT.format("photos"))
    result = project.run(f"--mpl-baseline-path={server}", "--denorm-update=all", failed=1)
    result.stdout.fnmatch_lines(["the baseline cannot be downloaded. *test_batch.png: HTTP Error 404: *"])


@pytest.mark.parametrize("form", ["json", "html", "basic-html"])
def test_the_summary_of_pytest_mpl_says_what_pytest_says(project: Any, form: str) -> None:
    project.write(PLAIN.format("photos") + "@image_compare\ndef test_same():\n    return grid(photos)\n")
    project.run("--mpl-generate-path=baseline")
    project.update("-k", "same")
    project.write(PLAIN.format("photos // 2 * 2") + "@image_compare\ndef test_same():\n    return grid(photos)\n")
    project.run("--mpl", f"--mpl-generate-summary={form},json", "--mpl-results-path=theirs", failed=1, passed=1)
    summary = json.loads((project.path / "theirs/results.json").read_text())
    ours, same = summary["test_photos.test_batch"], summary["test_photos.test_same"]
    assert (ours["status"], ours["image_status"]) == ("failed", "diff")
    assert "truncation" in ours["status_msg"]
    for kind in ("baseline", "result", "diff"):
        assert (project.path / "theirs" / ours[f"{kind}_image"]).is_file()
    assert (same["status"], same["image_status"]) == ("passed", "match")


def test_a_folder_that_pytest_mpl_generates_is_one_that_is_read(project: Any) -> None:
    project.write(EXACT.format("photos"))
    generated = project.run("--mpl-generate-path=theirs")
    generated.assert_outcomes(skipped=1)
    generated.stdout.fnmatch_lines(["1 not compared: *pytest --mpl-baseline-path=theirs"])
    project.run("--mpl-baseline-path=theirs", passed=1)
    project.write(EXACT.format("photos ^ 1"))
    result = project.run("--mpl-baseline-path=theirs", failed=1)
    result.stdout.fnmatch_lines(["    pytest --mpl-baseline-path=theirs test_photos.py::test_batch *=failed"])
    project.run("--mpl-baseline-path=theirs", "test_photos.py::test_batch", "--denorm-update=failed")
    project.run("--mpl-baseline-path=theirs", "--mpl", passed=1)


def test_keywords_without_effect_are_said(project: Any) -> None:
    project.write(
        "@pytest.mark.mpl_image_compare(tolerance=9, savefig_kwargs={'dpi': 300})\ndef test_batch():\n"
        "    return grid(photos)\n"
    )
    project.run("--mpl-generate-path=baseline")
    result = project.run("--mpl", passed=1)
    result.stdout.fnmatch_lines(["1 compared exactly, without effect: tolerance=9, savefig_kwargs={'dpi': 300}"])


RETURNED = [
    *("photos[0]", "photos", "photos.numpy()", "photos[0].movedim(0, -1).numpy()"),
    "__import__('PIL.Image').Image.fromarray(photos[0, 0].numpy())",
]


@pytest.mark.parametrize("mpl", [[], ["--mpl"]], ids=["", "mpl"])
def test_an_array_an_image_or_a_tensor_stands_for_a_figure(project: Any, mpl: list[str]) -> None:
    bodies = [f"@image_compare\ndef test_{at}():\n    return {{}}\n".format(one) for at, one in enumerate(RETURNED)]
    project.write("".join(bodies))
    project.update(*mpl, passed=5)
    project.run(*mpl, passed=5)
    project.write("photos = photos // 2\n" + "".join(bodies))
    project.run(*mpl, failed=5)


def test_an_array_that_is_no_image_is_told(project: Any) -> None:
    project.write("@image_compare\ndef test_batch():\n    return photos.float()\n")
    result = project.run(failed=1)
    result.stdout.fnmatch_lines(
        ["the image test returned an image that cannot be drawn: the images have values from *"]
    )
