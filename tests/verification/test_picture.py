"""Images of round trips: what they show, that they change nothing, and who gets them."""

from __future__ import annotations

import base64
import io
import pickle
import subprocess
import sys
import warnings
from dataclasses import replace
from html.parser import HTMLParser
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
from pytest_denorm.checks.round_trip_figure import _straight, _words, png_of, round_trip_figure
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


def test_what_is_left_of_a_gain_is_drawn_as_well() -> None:
    figure = check(Normalization(0.5, 0.25), inverse=lambda y: (y * 0.25 + 0.5) * 1.2 - 0.1, select=ROUND_TRIP).figure()
    above, below = figure.axes[4:6]
    assert above.get_title() == "grey: 1.2 x - 25.5"
    assert above.lines[2].get_ydata() == pytest.approx([-25.5, 1.2 * 255 - 25.5], abs=1e-3)
    assert below.lines[2].get_ydata() == pytest.approx([-25.5, 0.2 * 255 - 25.5], abs=1e-3)


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


@pytest.mark.parametrize(("more", "shown"), [(8, 9), (9, 9)])
def test_as_many_lines_as_there_is_room_for_end_without_an_ellipsis(more: int, shown: int) -> None:
    """The source, ": mean ..." in the last of its lines, what is exact, the worst pixel: so many below the title."""
    normalization = Normalization([0.5], [0.25], source=" ".join(["x" * 139] * (more - 3)))
    lines = [text.get_text() for text in check(normalization, select=ROUND_TRIP).figure().texts]
    assert len(lines) == shown
    assert (lines[-1] == "…") is (more > 8)
    assert lines[1:5] == ["x" * 139] * 4


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


def test_a_picture_without_pixels_is_left_out() -> None:
    images = [torch.zeros(1, 0, 3), torch.full((1, 2, 3), 0.5)]
    figure = check(Normalization(0.5, 0.25), images=images, select=ROUND_TRIP).figure()
    assert titles(figure)[0] == "original"
    assert figure.axes[0].images[0].get_array().shape == (2, 3, 3)


@pytest.mark.parametrize(("off", "shown"), [(1.002, 0), (1.0, 2), (0.998, 2)])
def test_the_picture_shown_is_the_last_one_beyond_its_tolerance(off: float, shown: int) -> None:
    images = torch.tensor([[64.0, 100.0], [128.0, 128.0], [192.0, 192.0]], dtype=torch.float64).view(3, 1, 1, 2)
    inverse = lambda y: y + (y == 64) * off  # noqa: E731
    report = check(Normalization(0.0, 1.0, 255.0), inverse=inverse, images=images, select=ROUND_TRIP)
    subject, outcome = report._drawn()
    allowed = replace(outcome, tolerance=replace(outcome.tolerance, per_channel=(1.0,)))
    assert titles(round_trip_figure(subject, allowed))[0] == f"original: image {shown}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (None, "no line fits"),
        ((1.0, 0.0), "1 x + 0"),
        ((1.0, -0.0), "1 x + 0"),
        ((1.0, -4.9e-5), "1 x + 0"),
        ((1.0, 5e-5), "1 x + 5e-05"),
        ((0.0, -1.0), "0 x - 1"),
        ((0.98765, 0.5), "0.9877 x + 0.5"),
        ((-1.0, 254.96), "-1 x + 255"),
        ((1.0, -0.5), "1 x - 0.5"),
    ],
)
def test_a_line_in_words(line, said) -> None:
    assert _words(line) == said


@pytest.mark.parametrize(("off", "found"), [(0.59, True), (0.61, False)])
def test_pixels_that_rounding_moves_lie_on_a_line(off: float, found: bool) -> None:
    original = np.repeat([0.0, 50.0, 100.0, 150.0], 2)
    recovered = 0.5 * original + 20 + off * np.array([1, 1, -1, -1, -1, -1, 1, 1])
    line = _straight(original, recovered)
    assert (line is not None) is found
    assert line is None or line == pytest.approx((0.5, 20.0))


@pytest.mark.parametrize(
    ("value", "clipped"), [(-0.4, False), (-0.6, True), (0.4, False), (254.6, False), (255.4, False), (255.6, True)]
)
def test_what_is_clipped_is_what_rounds_to_no_byte(value: float, clipped: bool) -> None:
    images = torch.tensor([0.0, 100.0, 255.0]).view(1, 1, 3)
    odd = lambda y: torch.where(y == (0 if value < 100 else 255), value, y)  # noqa: E731
    figure = check(Normalization(0.0, 1.0, 255.0), inverse=odd, images=images, select=ROUND_TRIP).figure()
    assert titles(figure)[1] == ("recovered, clipped to 0..255" if clipped else "recovered")


def test_four_channels_show_the_first_three() -> None:
    images = torch.arange(4, dtype=torch.uint8).view(4, 1, 1).mul(50).expand(4, 5, 6)
    figure = check(Normalization([0.5] * 4, [0.25] * 4), images=images, select=ROUND_TRIP).figure()
    shown = np.asarray(figure.axes[0].images[0].get_array())
    assert shown.shape == (5, 6, 3)
    assert shown[0, 0].tolist() == [0, 50, 100]


def test_warnings_of_others_are_not_kept_back(monkeypatch: pytest.MonkeyPatch) -> None:
    report, before = check(Normalization(0.5, 0.25), select=ROUND_TRIP), list(warnings.filters)
    draw = mpl.figure.Figure.colorbar

    def warning(*args, **kwargs):
        warnings.warn("somebody else's", UserWarning, stacklevel=1)
        return draw(*args, **kwargs)

    monkeypatch.setattr(mpl.figure.Figure, "colorbar", warning)
    with pytest.warns(UserWarning, match="somebody else's"):
        report.figure()
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        here = list(warnings.filters)
        report.figure()
        assert list(warnings.filters) == here
    assert list(warnings.filters) == before


FIVE = Normalization([0.5] * 5, [0.25] * 5)
BYTES = Normalization([128.0, 64.0, 32.0], [64.0, 32.0, 16.0], pixel_max=255.0)


@pytest.mark.parametrize(
    ("pipeline", "inverse"),
    [(VAL, None), (VAL, slip), (VAL, clamping), (VAL, lambda y: right(y) ** 3), (FIVE, lambda y: y * 0.25 + 0.6)],
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


def test_pictures_of_bytes_are_drawn_as_bytes() -> None:
    mean, std = (torch.tensor(one).view(-1, 1, 1) for one in (BYTES.mean, BYTES.std))
    pixels = torch.arange(60, dtype=torch.uint8).view(3, 4, 5) * 4
    figure = check(BYTES, inverse=lambda y: y * std + mean + 2, images=pixels, select=ROUND_TRIP).figure()
    original, recovered, error, _, red, below, *_ = figure.axes
    assert np.array_equal(original.images[0].get_array(), pixels.permute(1, 2, 0))
    assert np.array_equal(recovered.images[0].get_array(), pixels.permute(1, 2, 0) + 2)
    assert np.asarray(error.images[0].get_array()) == pytest.approx(np.full((4, 5), 2.0), abs=1e-3)
    assert red.get_title() == "red: 1 x + 2"
    assert below.get_ylim()[0] < 0 < 2 < below.get_ylim()[1]


@pytest.mark.parametrize(
    ("pipeline", "white"), [(Normalization(0.5, 0.25), 1.0), (Normalization(128, 64, 255.0), 255.0)]
)
def test_what_is_allowed_is_a_band(pipeline, white) -> None:
    report = check(pipeline, select=ROUND_TRIP)
    allowed = report.results[0].details["tolerance"] * 255 / white
    below = report.figure().axes[5]
    (band,) = below.patches
    corners = band.get_window_extent().transformed(below.transData.inverted())
    assert (corners.y0, corners.y1) == pytest.approx((-allowed, allowed))
    assert below.get_ylim() == pytest.approx((-2 * allowed, 2 * allowed))
    assert [tick.get_text() for tick in below.get_xticklabels()] == ["0", "64", "128", "192", "255"]


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


def test_an_inverse_that_takes_no_other_pictures_can_be_drawn() -> None:
    def only_these(y):
        if y.shape[1:] not in ((3, 8), (8, 32)):
            raise ValueError("too large")
        return y * 0.25 + 0.7

    report = check(Normalization(0.5, 0.25), inverse=only_these, images=torch.rand(1, 3, 8), select=ROUND_TRIP)
    figure = report.figure()
    assert titles(figure)[-1] == "grey: 1 x + 51"
    assert [text.get_text().partition(" ")[0] for text in figure.texts[1:]] == ["Normalization:", "worst"]


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


def test_only_wrong_pictures_are_chosen() -> None:
    images = torch.full((3, 3, 6, 8), 128, dtype=torch.uint8)
    images[1] = 250

    def high_end(y):
        return right(y).clamp(max=0.9)

    assert titles(check(VAL, inverse=high_end, images=images, select=ROUND_TRIP).figure())[0] == "original: image 1"


@pytest.mark.parametrize("style", ["ggplot", "dark_background", "classic", "grayscale"])
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
    with pytest.raises(ImageError, match=r"^this report has no round trip to draw: it was read back, and holds no ima"):
        read_back.figure()
    with pytest.raises(ImageError, match=r"^this report has no round trip to draw: no Normalize was found\.$"):
        check(T.ToTensor()).figure()


def test_a_report_can_be_pickled_whatever_it_verified() -> None:
    report = check(VAL, inverse=lambda y: y, select=ROUND_TRIP)
    again = pickle.loads(pickle.dumps(report))
    assert again == report
    assert str(again) == str(report)
    assert not again.can_be_drawn


def test_a_notebook_shows_a_table_and_the_picture() -> None:
    class Tags(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.tags: list[str] = []
            self.text = ""

        def handle_starttag(self, tag: str, attributes: object) -> None:
            self.tags.append(tag)

        def handle_data(self, data: str) -> None:
            self.text += data

    def read(report: Report) -> Tags:
        parsed = Tags()
        parsed.feed(report._repr_html_())
        return parsed

    failed = read(check(VAL, inverse=slip, name="<script>alert('x')</script>"))
    assert failed.tags.count("tr") == len(check(VAL).results)
    assert failed.tags.count("img") == 1
    assert set(failed.tags) == {"div", "strong", "table", "tr", "td", "code", "img"}
    assert "pytest-denorm: <script>alert('x')</script>: Compose" in failed.text
    assert "diagnosis: wrong-std: blue std is 0.255" in failed.text
    assert "img" not in read(check(VAL)).tags
    assert "no Normalize in ToTensor" in read(check(T.ToTensor())).text

    def raising(y):
        raise OSError("no inverse")

    assert "img" not in read(check(VAL, inverse=raising)).tags


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


def test_without_the_option_nothing_is_drawn(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_trip=PROJECT)
    result = pytester.runpytest("--denorm-results=seen", "-k", "fixture")
    result.assert_outcomes(failed=1, deselected=6)
    assert not (pytester.path / "seen").exists()


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


def outline(figure):
    """What is where, in which size and color; all but the words."""
    color = mpl.colors.to_hex
    yield f"figure {figure.get_size_inches().round(4).tolist()} at {figure.dpi:g}, {color(figure.get_facecolor())}"
    for text in figure.texts:
        x, y = text.get_position()
        yield f"text {x:.3g} {y:.3g} {text.get_fontsize():g} {text.get_fontweight()} {color(text.get_color())}"
    for axes in figure.axes:
        sides = " ".join(f"{side:.3g}" for side in axes.get_position(original=True).bounds)
        yield f"axes {sides} {color(axes.yaxis.label.get_color())} {color(axes.get_facecolor())}"
        if axes.get_title():
            yield f"  title {axes.title.get_fontsize():g} {color(axes.title.get_color())}"
        for axis in (axes.xaxis, axes.yaxis):
            shown = [f"{place:g}" for place in axis.get_ticklocs()] if axis is axes.xaxis else []
            sizes = {label.get_fontsize() for label in axis.get_ticklabels()} if axis.get_ticklocs().size else set()
            words = f" {axis.label.get_text()!r} {axis.label.get_fontsize():g}" if axis.label.get_text() else ""
            yield f"  {axis.axis_name}{words} {shown} {sizes or ''} {axis.get_offset_text().get_fontsize():g}"
            if axis.label.get_transform() is axes.transAxes:  # it was put there
                yield "    label at {:g}, {:g}".format(*axis.label.get_position())
            for tick in axis.get_major_ticks()[:1]:
                if tick.gridline.get_visible():
                    width, depth = tick.gridline.get_linewidth(), axes.get_axisbelow()
                    yield f"    grid {color(tick.gridline.get_color())} {width:g} below {depth}"
        sides = [name for name, spine in axes.spines.items() if spine.get_visible()]
        yield f"  {' '.join(sides)}; {axes.xaxis.labelpad:g}"
        for image in axes.images:
            yield f"  image {image.get_array().shape} {image.get_interpolation()}"
        for line in axes.lines:
            style = f"{line.get_linestyle()} {line.get_linewidth():g} {line.get_marker()} {line.get_markersize():g}"
            yield f"  line {color(line.get_color())} {style} {line.get_alpha()} {line.get_markeredgewidth():g}"
        for band in axes.patches:
            yield f"  band {color(band.get_facecolor())} {band.zorder:g}"
        legend = axes.get_legend()
        if legend is not None:
            sizes = {text.get_fontsize() for text in legend.get_texts()}
            yield f"  legend {[text.get_text() for text in legend.get_texts()]} {sizes} {legend.get_frame_on()}"
            yield f"    markers {[line.get_markersize() for line in legend.get_lines()]}"


OUTLINE = """
figure [10.0, 7.45] at 100, #ffffff
text 0.02 0.972 9.5 bold #222222
text 0.02 0.946 9.5 normal #222222
text 0.02 0.921 9.5 normal #222222
text 0.02 0.895 9.5 normal #222222
axes 0.02 0.537 0.289 0.295 #000000 #ffffff
  title 9 #222222
  x []  10
  y []  10
  left right bottom top; 4
  image (5, 9, 3) nearest
axes 0.319 0.537 0.289 0.295 #000000 #ffffff
  title 9 #222222
  x []  10
  y []  10
  left right bottom top; 4
  image (5, 9, 3) nearest
axes 0.619 0.537 0.289 0.295 #000000 #ffffff
  title 9 #222222
  x []  10
  y []  10
  left right bottom top; 4
  image (5, 9) nearest
axes 0.918 0.537 0.0115 0.295 #000000 #ffffff
  x []  10
  y [] {8.0} 7
  outline; 4
axes 0.095 0.227 0.251 0.256 #000000 #ffffff
  title 9 #222222
  x ['0', '64', '128', '192', '255']  10
    grid #ececec 0.7 below True
  y 'recovered' 9 [] {8.0} 10
    label at -0.21, 0.5
    grid #ececec 0.7 below True
  left bottom; 4
  line #8a8a8a -- 1 None 6 None 1
  line #424242 None 1.5 . 2.5 0.5 0
  line #222222 - 0.9 None 6 None 1
  legend ['ideal: x', 'pixels', 'fitted line'] {7.5} False
    markers [18.0, 7.5, 18.0]
axes 0.095 0.0604 0.251 0.128 #000000 #ffffff
  x 'original' 9 ['0', '64', '128', '192', '255'] {8.0} 10
    grid #ececec 0.7 below True
  y 'recovered\\n- original' 9 [] {8.0} 7
    label at -0.21, 0.5
    grid #ececec 0.7 below True
  left bottom; 1
  line #8a8a8a -- 1 None 6 None 1
  line #424242 None 1.5 . 2.5 0.5 0
  line #222222 - 0.9 None 6 None 1
  band #e3f2e3 0
"""


def grey_figure():
    grey = torch.full((1, 5, 9), 10, dtype=torch.uint8)
    pictures = [grey + more for more in range(4)]
    inverse = lambda y: y * 0.25 + 0.6  # noqa: E731
    return check(Normalization(0.5, 0.25), inverse=inverse, images=pictures, select=ROUND_TRIP).figure()


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_how_a_figure_is_laid_out(style) -> None:
    with plt.style.context(style):
        figure = grey_figure()
        figure.canvas.draw()
        assert "\n".join(outline(figure)) == OUTLINE.strip()


def test_what_would_be_is_dashed_and_what_is_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    figure, dashes = grey_figure(), []
    draw = mpl.lines.Line2D.draw

    def watched(line, renderer):
        color, kept = mpl.colors.to_hex(line.get_color()), mpl.backend_bases.GraphicsContextBase.set_dashes

        def set_dashes(self, offset, pattern):
            dashes.append((color, offset, pattern and list(pattern)))
            return kept(self, offset, pattern)

        with monkeypatch.context() as patch:
            patch.setattr(mpl.backend_bases.GraphicsContextBase, "set_dashes", set_dashes)
            draw(line, renderer)

    monkeypatch.setattr(mpl.lines.Line2D, "draw", watched)
    figure.canvas.draw()
    assert [one[1:] for one in dashes if one[0] == "#8a8a8a"] == 3 * [(0, [4, 3])]  # and in the legend
    assert {one[1:] for one in dashes if one[0] == "#222222"} == {(0, None)}


@pytest.mark.parametrize(
    ("off", "shown"), [(3e-4, "1e-4"), (4e-3, "1e-3"), (4e-2, ""), (4e2, ""), (4e4, ""), (4e5, "1e5")]
)
def test_very_small_and_very_large_errors_have_a_power_of_ten(off: float, shown: str) -> None:
    images = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64).expand(1, 1, 2, 3)
    inverse = lambda y: y.double() * 0.25 + 0.5 + off / 255  # noqa: E731
    figure = check(Normalization(0.5, 0.25), inverse=inverse, images=images, select=ROUND_TRIP).figure()
    figure.canvas.draw()
    for axes in (figure.axes[3], figure.axes[5]):
        assert axes.yaxis.get_offset_text().get_text().replace("\N{MINUS SIGN}", "-") == shown


def test_the_legend_stays_where_it_is() -> None:
    """Also where pixels lie there."""
    figure = check(Normalization(0.5, 0.25), inverse=lambda y: 0.5 - y * 0.25, select=ROUND_TRIP).figure()
    figure.canvas.draw()
    axes = figure.axes[4]
    box = axes.get_legend().get_window_extent().transformed(axes.transAxes.inverted())
    assert box.x0 < 0.05 < 0.95 < box.y1


def test_channels_have_their_colors() -> None:
    figure = check(VAL, select=ROUND_TRIP).figure()
    above = [axes for axes in figure.axes if axes.get_title().split(":")[0] in ("red", "green", "blue")]
    shown = [mpl.colors.to_hex(line.get_color()) for axes in above for line in axes.lines if line.get_marker() == "."]
    assert shown == ["#c62828", "#2e7d32", "#1565c0"]
    assert [round(axes.get_position().x0, 3) for axes in above] == [0.095, 0.412, 0.729]
    assert [axes.get_ylabel() for axes in above] == ["recovered", "", ""]


@pytest.mark.parametrize(("first", "longest"), [("", 139), ("a", 140)])
def test_a_line_of_the_header_is_as_long_as_there_is_room(first, longest) -> None:
    normalization = Normalization([0.5], [0.25], source=first + "a " * 150)
    lines = [text.get_text() for text in check(normalization, select=ROUND_TRIP).figure().texts]
    assert len(lines[1]) == longest


@pytest.mark.parametrize(("pixels", "shown"), [(6000, 6000), (6001, 3001)])
def test_many_points_are_thinned_out(pixels: int, shown: int) -> None:
    images = torch.linspace(0, 1, pixels).view(1, 1, pixels)
    figure = check(Normalization(0.5, 0.25), images=images, select=ROUND_TRIP).figure()
    points = figure.axes[4].lines[1].get_xdata()
    assert len(points) == shown
    assert (points[0], points[-1]) == pytest.approx((0, 255), abs=1e-3)


def test_a_file_has_no_alpha_and_a_picture_is_numbered_where_there_are_several() -> None:
    images = torch.tensor([0.0, 0.5, 1.0]).expand(2, 1, 2, 3)
    report = check(Normalization(0.5, 0.25), inverse=lambda y: y * 0.25 + 0.498, images=images, select=ROUND_TRIP)
    with Image.open(io.BytesIO(report.png())) as picture:
        assert picture.mode == "RGB"
        # older versions of matplotlib cut off, where newer ones round
        assert picture.size == report.figure().canvas.get_width_height() == (1000, pytest.approx(745, abs=1))
    assert titles(report.figure())[:2] == ["original: image 1", "recovered, clipped to 0..255"]


def test_the_error_map_shows_the_worst_channel_and_grey_is_grey() -> None:
    dark = torch.full((3, 5, 9), 10, dtype=torch.uint8)
    off = torch.tensor([0.0, 0.11, 0.02]).view(-1, 1, 1)
    figure = check(VAL, inverse=lambda y: right(y) + off, images=dark, select=ROUND_TRIP).figure()
    assert np.asarray(figure.axes[2].images[0].get_array()) == pytest.approx(np.full((5, 9), 28.05), abs=1e-4)
    grey = check(Normalization(0.0, 1.0), images=dark[:1], select=ROUND_TRIP).figure()
    assert (np.asarray(grey.axes[0].images[0].get_array()) == 10).all()
    error = grey.axes[2].images[0]
    assert (np.asarray(error.get_array()) == 0).all()
    assert (error.norm.vmin, error.norm.vmax) == (0, 1)  # of errors that are none


def test_the_mark_of_what_is_no_number_is_explained_in_small_letters() -> None:
    figure = check(VAL, inverse=with_nan, select=ROUND_TRIP).figure()
    assert figure.axes[2].xaxis.label.get_fontsize() == 8
    assert mpl.colors.to_hex(figure.axes[2].images[0].get_cmap().get_bad()) == "#00bcd4"


@pytest.mark.parametrize(("levels", "line"), [(2, "no line fits"), (3, "1 x + 0")])
def test_a_line_takes_three_levels_where_the_diagnosis_tells_none(levels: int, line: str) -> None:
    images = torch.arange(levels, dtype=torch.uint8).mul(90).expand(3, 4, levels)
    figure = check(VAL, inverse=reversed_channels, images=images, select=ROUND_TRIP).figure()
    assert f"green: {line}" in titles(figure)
