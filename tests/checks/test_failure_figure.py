"""Images of round trips: what they show, that they change nothing, and who gets them."""

from __future__ import annotations

import base64
import io
import pickle
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms as T

from pytest_denorm import Normalization, Report, check
from pytest_denorm.checks.assertion import failed_round_trip
from pytest_denorm.checks.round_trip_figure import png_of, round_trip_figure
from pytest_denorm.errors import BaselineError, ImageError, InverseError

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]).view(-1, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(-1, 1, 1)
VAL = T.Compose([T.ToTensor(), T.Normalize(MEAN.flatten().tolist(), STD.flatten().tolist())])
ROUND_TRIP = ["round_trip"]


def right(y):
    return y * STD + MEAN


def slip(y):
    return y * torch.tensor([0.229, 0.224, 0.255]).view(-1, 1, 1) + MEAN


def truncating(y):
    return (right(y) * 255).clamp(0, 255).byte()


def reversed_channels(y):
    return right(y)[[2, 1, 0]]


def clamping(y):
    return right(y.clamp(-1.5, 1.5))


def with_nan(y):
    return torch.where(y > 2, float("nan"), right(y))


def texts(figure):
    return " ".join(text.get_text() for text in figure.texts)


def titles(figure):
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


PICTURES = ["original: image 2", "recovered", "largest error, in levels of 255"]


@pytest.mark.parametrize(
    ("inverse", "diagnosis", "shown", "highest"),
    [
        (None, "exact", ["red: 1 x + 0", "green: 1 x + 0", "blue: 1 x + 0"], 1e-4),
        (slip, "wrong-std", ["red: 1 x + 0", "green: 1 x + 0", "blue: 1.133 x - 13.8"], 20.2),
        (truncating, "truncation", ["red: 0.9999 x - 0.495", "green: 1 x - 0.492", "blue: 0.9999 x - 0.49"], 1.0),
        (reversed_channels, "channel-order", ["red: no line fits", "green: 1 x + 0", "blue: no line fits"], 255),
        (clamping, "clamped", ["red: 1 x + 0", "green: 1 x + 0", "blue: 1 x + 0"], 65.5),
    ],
)
def test_a_figure_shows_the_mistake(inverse, diagnosis, shown, highest) -> None:
    figure = check(VAL, inverse=inverse, select=ROUND_TRIP).figure()
    assert titles(figure)[-3:] == shown
    shown_pictures = [f"original: image {3 if inverse else 2}", *PICTURES[1:]]  # in both cases the photograph
    assert [title.removesuffix(", clipped to 0..255") for title in titles(figure)[:3]] == shown_pictures
    assert f" {diagnosis}: " in texts(figure)
    ended = "passed" if inverse is None else "failed"
    assert texts(figure).startswith(f"round trip {ended}: inverse(normalize(x)) against x Compose.transforms[1]")
    (scale,) = [axes.images[0].norm for axes in figure.axes if axes.get_title() == PICTURES[2]]
    assert scale.vmin == 0
    assert 0 < scale.vmax <= highest + 1e-4


def test_the_error_map_and_the_points_are_those_of_the_pictures() -> None:
    dark = torch.full((3, 5, 9), 10, dtype=torch.uint8)
    figure = check(VAL, inverse=lambda y: right(y) + 0.11, images=dark, select=ROUND_TRIP).figure()
    original, recovered, error, bar, red, below, *_ = figure.axes
    assert original.get_title() == "original"
    assert (np.asarray(original.images[0].get_array()) == 10).all()
    assert (np.asarray(recovered.images[0].get_array()) == 38).all()
    assert np.asarray(error.images[0].get_array()) == pytest.approx(np.full((5, 9), 28.05), abs=1e-4)
    assert bar.get_ylim() == pytest.approx((0, 28.05), abs=1e-4)
    points = next(line for line in red.lines if line.get_label() == "pixels")
    assert points.get_xdata() == pytest.approx(np.full(45, 10.0), abs=1e-4)
    assert points.get_ydata() == pytest.approx(np.full(45, 38.05), abs=1e-4)
    fitted = next(line for line in red.lines if line.get_label() == "fitted line")
    assert fitted.get_ydata() == pytest.approx([28.05, 283.05], abs=1e-3)
    ideal = next(line for line in red.lines if line.get_label() == "ideal: x")
    assert list(ideal.get_xdata()) == list(ideal.get_ydata()) == [0, 255]
    assert below.lines[1].get_ydata() == pytest.approx(np.full(45, 28.05), abs=1e-4)
    assert below.lines[1].get_xdata() == pytest.approx(np.full(45, 10.0), abs=1e-4)
    assert (list(below.lines[0].get_ydata()), list(below.lines[2].get_xdata())) == ([0, 0], [0, 255])
    assert below.lines[2].get_ydata() == pytest.approx([28.05, 28.05], abs=1e-3)


def test_the_header_in_words() -> None:
    images = torch.full((1, 2, 3), 0.5)
    report = check(Normalization(0.5, 0.25), inverse=lambda y: y * 0.25 + 0.6, images=images, select=ROUND_TRIP)
    *lines, worst = [text.get_text() for text in report.figure().texts]
    assert lines == [
        "round trip failed: inverse(normalize(x)) against x",
        "Normalization: mean (0.5,), std (0.25,), images in 0..1",
        "wrong-mean: grey mean is 0.6 where the pipeline has 0.5 (gain 1, offset 0.1). Use the pipeline's own mean.",
    ]
    assert worst.startswith("worst pixel off by 0.1 = 25.5 levels of 255, ")
    assert worst.endswith(" times the tolerance 1.04e-07; 256 of 256 come back as another byte")


@pytest.mark.parametrize("role", ["pipeline", "inverse"])
def test_who_raises_while_it_is_drawn_is_said(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inverse, failing = T.Normalize([-1.0], [2.0]), lambda *args: 1 / 0
    report = check(T.Normalize([0.5], [0.5]), inverse=lambda y: inverse(y), images=torch.rand(1, 4, 5))
    measured = report._drawn()
    if role == "inverse":
        inverse = failing
    else:
        monkeypatch.setattr(T.Normalize, "forward", failing)
    for draw in (report.figure, lambda: round_trip_figure(*measured)):
        with pytest.raises(InverseError, match=f"^the {role} raised ZeroDivisionError: "):
            draw()


FIVE = Normalization([0.5] * 5, [0.25] * 5)


@pytest.mark.parametrize(
    ("pipeline", "inverse"),
    [(VAL, slip), (VAL, lambda y: right(y) ** 3), (FIVE, lambda y: y * 0.25 + 0.6)],
)
def test_nothing_is_cut_off_or_covered(pipeline, inverse) -> None:
    figure = check(pipeline, inverse=inverse, select=ROUND_TRIP).figure()
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [axes.get_tightbbox(renderer) for axes in figure.axes]
    boxes += [text.get_window_extent(renderer) for text in figure.texts]
    width, height = figure.bbox.size
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
    for one, other in combinations(boxes, 2):
        overlap = min(min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0))
        assert overlap < 5  # pixels
    lines = [text.get_text() for text in figure.texts]
    assert max(map(len, lines)) <= 140
    assert len(lines) <= 9


def test_a_long_header_ends_with_an_ellipsis() -> None:
    normalization = Normalization([0.5], [0.25], source="a long way " * 120)
    lines = [text.get_text() for text in check(normalization, select=ROUND_TRIP).figure().texts]
    assert (len(lines), lines[-1]) == (9, "…")
    assert 120 < len(lines[3]) <= 140


def test_values_beyond_all_bytes_are_drawn_as_white_and_black() -> None:
    values = torch.tensor([-float("inf"), -1, 0, 0.5, 1, 2, float("inf"), float("nan")])

    def odd(y):
        if not isinstance(y, torch.Tensor):
            raise TypeError("expected a tensor")
        return values.expand(1, 3, 8) if y.numel() == 24 else y * 0.25 + 0.5

    figure = check(Normalization(0.5, 0.25), inverse=odd, images=torch.full((1, 3, 8), 0.5), select=ROUND_TRIP).figure()
    _, recovered, error, *_ = figure.axes
    assert recovered.get_title() == "recovered, clipped to 0..255"
    assert recovered.images[0].get_array()[0, :, 0].tolist() == [0, 0, 0, 128, 255, 255, 255, 0]
    assert np.ma.getmaskarray(error.images[0].get_array())[0].tolist() == [True] + 5 * [False] + 2 * [True]
    assert error.images[0].norm.vmax == pytest.approx(1.5 * 255)


def test_values_that_are_no_numbers_are_marked() -> None:
    figure = check(VAL, inverse=with_nan, select=ROUND_TRIP).figure()
    assert any(axes.get_xlabel() == "blue-green: not a number" for axes in figure.axes)
    assert figure._repr_html_() is None  # nothing of pyplot's


@pytest.mark.parametrize(("channels", "panels"), [(1, 1), (2, 2), (5, 4)])
def test_any_number_of_channels(channels: int, panels: int) -> None:
    offsets = torch.arange(1, channels + 1).view(-1, 1, 1) / 100
    normalization = Normalization([0.5] * channels, [0.25] * channels)
    report = check(normalization, inverse=lambda y: y * 0.25 + 0.5 + offsets, select=ROUND_TRIP)
    figure = report.figure()
    shown = titles(figure)[3:]
    assert len(shown) == panels
    assert shown[-1].endswith(f"1 x + {2.55 * channels:.3g}")  # the worst one is there
    colors = {mpl.colors.to_hex(axes.lines[1].get_color()) for axes in figure.axes[4:]}
    assert colors == {"#424242"}


@pytest.mark.parametrize("style", ["ggplot", "dark_background"])
def test_no_style_changes_a_byte(style: str) -> None:
    report, open_before = check(VAL, inverse=slip, select=ROUND_TRIP), plt.get_fignums()
    expected = report.png()
    assert check(VAL, inverse=slip, select=ROUND_TRIP).png() == expected
    settings = {"savefig.dpi": 30, "figure.constrained_layout.use": True, "text.usetex": True, "figure.dpi": 20}
    with plt.style.context(style), mpl.rc_context(settings):
        before = dict(mpl.rcParams)
        assert report.png() == expected
        assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == open_before
    picture = Image.open(io.BytesIO(expected))
    assert (picture.mode, picture.info, picture.size[0]) == ("RGB", {}, 1000)


def test_pyplot_is_not_loaded() -> None:
    script = (
        "import sys\nfrom pytest_denorm import check\n"
        "check('imagenet', inverse=lambda y: y, select=['round_trip']).png()\n"
        "print('matplotlib.backends.backend_agg' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "True False\n"


def test_names_are_shown_as_they_are(recwarn: pytest.WarningsRecorder) -> None:
    """Neither dollars nor letters that the font lacks disturb the drawing."""
    normalization = Normalization([0.5], [0.25], source="$x_1$ 写真 \\frac{")
    report = check(normalization, inverse=lambda y: y, select=ROUND_TRIP)
    figure = report.figure()
    assert "$x_1$ 写真 \\frac{" in texts(figure)
    assert not any(text.get_parse_math() for text in figure.texts)
    assert report.png()
    assert not recwarn.list


def test_a_figure_is_saved_whole_or_not_at_all(tmp_path: Path) -> None:
    report = check(VAL, inverse=slip, select=ROUND_TRIP)
    report.save_figure(tmp_path / "new" / "trip.png")
    assert (tmp_path / "new" / "trip.png").read_bytes() == report.png()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BaselineError, match="cannot be written"):
        report.save_figure(tmp_path / "file" / "trip.png")
    for name in ("file", "trip.jpg"):
        with pytest.raises(BaselineError, match=rf"^the figure is to be written to '.*{name}': expected the name"):
            report.save_figure(tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"
    report.save_figure(str(tmp_path / "TRIP.PNG"))
    assert {one.name for one in tmp_path.iterdir()} == {"new", "file", "TRIP.PNG"}


def test_a_report_without_a_round_trip_says_so() -> None:
    read_back = Report.from_dict(check(VAL, select=ROUND_TRIP).to_dict())
    with pytest.raises(ImageError, match=r"^this report has no round trip to draw: it was read back, and holds no im"):
        read_back.figure()
    with pytest.raises(ImageError, match=r"^this report has no round trip to draw: no Normalize was found\.$"):
        check(T.ToTensor()).figure()


def test_a_report_can_be_pickled_whatever_it_verified() -> None:
    report = check(VAL, inverse=lambda y: y, select=ROUND_TRIP)
    again = pickle.loads(pickle.dumps(report))
    assert again == report
    assert str(again) == str(report)
    assert not again.can_be_drawn


def test_every_failure_of_a_round_trip_can_be_drawn() -> None:
    report = check(VAL, inverse=slip)
    with pytest.raises(AssertionError) as caught:
        report.raise_for_failures()
    failed = failed_round_trip(caught.value)
    assert failed is not None
    assert png_of(round_trip_figure(failed.case, failed.outcome)) == report.png()

    def overwriting(y):
        recovered = right(y)
        y.zero_()
        return recovered

    with pytest.raises(AssertionError) as caught:
        check(VAL, inverse=overwriting, select=["input_unchanged"]).raise_for_failures()
    assert failed_round_trip(caught.value) is None


PROJECT = """
import torch
from pytest_denorm import assert_round_trip, parametrize_with_checks
from torchvision import transforms as T

val = T.Compose([T.ToTensor(), T.Normalize([0.5] * 3, [0.25] * 3)])

def wrong(y):
    return y * 0.25 + 0.4

def test_fixture(denorm):
    denorm.assert_round_trip(val, inverse=wrong)

def test_function():
    assert_round_trip(val, inverse=wrong)

def test_report(denorm):
    denorm.check(val, inverse=wrong).raise_for_failures()

@parametrize_with_checks({"val": val}, inverse=wrong, select=["round_trip", "bytes_exact"])
def test_battery(denorm_check):
    denorm_check()

def test_sound(denorm):
    denorm.assert_round_trip(val)

def test_other():
    assert 1 == 2
"""


def test_a_session_leaves_one_picture_a_failed_round_trip(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_trip=PROJECT)
    result = pytester.runpytest("--denorm-pictures", "--denorm-results=seen", "-p", "no:randomly", "--junitxml=out.xml")
    result.assert_outcomes(passed=1, failed=6)
    pictures = sorted(one.name for one in (pytester.path / "seen").iterdir())
    assert pictures == [
        "test_trip.py.test_battery_val-round_trip-round-trip.png",
        "test_trip.py.test_fixture-round-trip.png",
        "test_trip.py.test_function-round-trip.png",
        "test_trip.py.test_report-round-trip.png",
    ]
    for name in pictures:
        with Image.open(pytester.path / "seen" / name) as picture:
            assert picture.size[0] == 1000
    shown = pytester.path / "seen" / "test_trip.py.test_fixture-round-trip.png"
    result.stdout.fnmatch_lines(["*AssertionError: wrong-mean: *"])
    assert f"image of the round trip: {shown}" in result.stdout.str()
    assert f'<property name="denorm_round_trip_picture" value="{shown}"' in (pytester.path / "out.xml").read_text()


def test_workers_draw_as_the_ini_says_and_pytest_html_shows_it(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    pytest.importorskip("pytest_html")
    pytester.makepyfile(test_trip=PROJECT)
    pytester.makeini("[pytest]\ndenorm_pictures = true\ndenorm_results = seen")
    reports = ("--html=out.html", "--self-contained-html", "--denorm-report=review.html")
    result = pytester.runpytest_subprocess("-n1", "-k", "fixture", *reports)
    result.assert_outcomes(failed=1)
    (picture,) = (pytester.path / "seen").iterdir()
    assert f"image of the round trip: {picture}" in result.stdout.str()
    for page in ("out.html", "review.html"):
        text = (pytester.path / page).read_text()
        assert base64.b64encode(picture.read_bytes()).decode() in text
        assert "wrong-mean: red" in text
    assert "1 figure of round trips that failed" in text


def test_a_picture_that_cannot_be_written_is_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_trip=PROJECT)
    pytester.makeconftest(
        "from pathlib import Path\ndef pytest_runtest_setup(): Path('seen.txt').write_text('mine')"
    )  # too late to refuse
    result = pytester.runpytest("--denorm-pictures", "--denorm-results=seen.txt", "-k", "fixture")
    result.assert_outcomes(failed=1, deselected=6)
    result.stdout.fnmatch_lines(["no image: *cannot be written*"])
    assert (pytester.path / "seen.txt").read_text() == "mine"
