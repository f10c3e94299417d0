"""The figure: its PNG is its canvas under every setting of matplotlib."""

from __future__ import annotations

import copy
import io
import pickle
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.lines import Line2D
from photographs import crops
from PIL import Image

from pytest_denorm import GridFigure, grid


@pytest.fixture
def figure() -> GridFigure:
    return grid(crops(6, 24), nrow=3)


def decoded(target: Any) -> Image.Image:
    if isinstance(target, io.BytesIO):
        target.seek(0)
    image = Image.open(target)
    image.load()
    return image


def saved(figure: GridFigure, **kwargs: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, **kwargs)
    return file.getvalue()


HOSTILE: Any = {
    "savefig.format": "pdf",
    "savefig.dpi": 300,
    "savefig.bbox": "tight",
    "savefig.facecolor": "red",
    "savefig.transparent": True,
    "figure.dpi": 37,
    "figure.constrained_layout.use": True,
    "image.aspect": "equal",
    "image.origin": "lower",
    "image.interpolation": "bilinear",
}


def test_no_style_backend_setting_or_argument_changes_a_byte(figure: GridFigure, tmp_path: Path) -> None:
    expected = saved(figure)
    assert np.array_equal(np.asarray(decoded(io.BytesIO(expected))), figure.pixels)
    with mpl.rc_context(HOSTILE):
        assert saved(grid(crops(6, 24), nrow=3)) == expected
    for style in ("classic", "ggplot", "dark_background"):
        with plt.style.context(style, after_reset=True):
            assert saved(grid(crops(6, 24), nrow=3)) == expected
    before = mpl.get_backend()
    for backend in ("svg", "template"):
        plt.switch_backend(backend)
        assert saved(grid(crops(6, 24), nrow=3)) == expected
        plt.switch_backend(before)
    assert saved(figure, dpi=300, bbox_inches="tight", facecolor="red", transparent=True) == expected
    figure.set_dpi(10)
    figure.set_size_inches(1, 1)
    assert saved(figure) == expected
    for target in (tmp_path / "a.png", str(tmp_path / "b.png"), tmp_path / "c.PNG"):
        figure.savefig(target)
        assert Path(target).read_bytes() == expected
    figure.savefig(tmp_path / "plain")
    assert (tmp_path / "plain.png").read_bytes() == expected


def test_the_png_is_plain_rgb_with_the_metadata_that_was_asked_for(figure: GridFigure) -> None:
    plain = decoded(io.BytesIO(saved(figure)))
    assert (plain.mode, plain.info) == ("RGB", {})
    noted = decoded(io.BytesIO(saved(figure, metadata={"Software": None, "Title": "Käse", "Author": "山"})))
    assert noted.info == {"Title": "Käse", "Author": "山"}
    large = saved(figure, pil_kwargs={"compress_level": 0})
    assert len(large) > figure.pixels.nbytes > len(saved(figure))
    assert np.array_equal(np.asarray(decoded(io.BytesIO(large))), figure.pixels)


def test_the_canvas_cannot_be_changed(figure: GridFigure) -> None:
    assert not figure.pixels.flags.writeable
    for one in (figure, pickle.loads(pickle.dumps(figure)), copy.deepcopy(figure), copy.copy(figure)):
        assert one.tiles == figure.tiles
        assert saved(one) == saved(figure)
        with pytest.raises(ValueError, match="read-only"):
            one.pixels[0, 0, 0] = 1


def test_the_source_may_change_afterwards() -> None:
    images = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    figure = grid(images)
    images += 9
    assert figure.pixels.max() == 0


def test_pyplot_does_not_know_it(figure: GridFigure) -> None:
    assert plt.get_fignums() == []
    plt.close(figure)
    assert not figure.findobj(lambda artist: bool(getattr(artist, "get_text", str)()), include_self=False)


@given(height=st.integers(1, 90), width=st.integers(1, 90))
def test_matplotlib_draws_the_same_pixels(height: int, width: int) -> None:
    figure = grid(torch.randint(0, 256, (3, height, width), dtype=torch.uint8))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert np.array_equal(np.asarray(canvas.buffer_rgba())[..., :3], figure.pixels)


@pytest.mark.parametrize(("form", "start"), [("tif", b"II*\0"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_other_formats_are_matplotlibs(figure: GridFigure, tmp_path: Path, form: str, start: bytes) -> None:
    file = io.BytesIO()
    with mpl.rc_context(HOSTILE):
        figure.savefig(tmp_path / f"a.{form}")
        figure.savefig(tmp_path / "b", format=form)
        figure.savefig(file, format=form.upper())
    for data in ((tmp_path / f"a.{form}").read_bytes(), (tmp_path / "b").read_bytes(), file.getvalue()):
        assert data.startswith(start)
    assert {path.name for path in tmp_path.iterdir()} == {f"a.{form}", "b"}


@pytest.mark.parametrize("zoom", [1, 3])
def test_other_formats_have_a_dot_or_several_for_each_pixel(figure: GridFigure, zoom: int) -> None:
    kwargs = {"dpi": 64 * zoom} if zoom > 1 else {}
    with mpl.rc_context(HOSTILE):
        data = saved(grid(figure.pixels), format="tif", pil_kwargs={"compression": "tiff_lzw"}, **kwargs)
    image = decoded(io.BytesIO(data))
    assert image.info["compression"] == "tiff_lzw"
    assert np.array_equal(np.asarray(image)[..., :3], figure.pixels.repeat(zoom, axis=0).repeat(zoom, axis=1))


def test_other_formats_have_the_metadata_that_was_asked_for(figure: GridFigure) -> None:
    assert b"Drawn by nobody" in saved(figure, format="svg", metadata={"Title": "Drawn by nobody"})


def test_what_is_drawn_over_the_images_is_saved(figure: GridFigure) -> None:
    def drawn_over() -> np.ndarray[Any, Any]:
        figure = grid(crops(6, 24), nrow=3)
        figure.add_artist(Line2D([0, 1], [0.5, 0.5], color="red", linewidth=2, antialiased=False))
        canvas = figure.canvas
        image = np.asarray(decoded(io.BytesIO(saved(figure))))
        assert figure.canvas is canvas
        return image

    image = drawn_over()
    changed = (image != figure.pixels).any(axis=-1)
    assert image.shape == figure.pixels.shape
    assert 0 < changed.sum() <= 4 * image.shape[1]
    assert (image[changed][:, 0] > 200).all()
    with mpl.rc_context(HOSTILE):
        assert np.array_equal(drawn_over(), image)


@pytest.mark.parametrize("where", ["title", "text", "image", "axis", "removed"])
def test_every_addition_is_seen(figure: GridFigure, where: str) -> None:
    axes = figure.axes[0]
    if where == "title":
        axes.set_title("cats", y=0.5)
    elif where == "text":
        figure.text(0.5, 0.5, "cats")
    elif where == "image":
        axes.imshow(np.zeros((2, 2, 3)), extent=(0, 9, 0, 9))
    elif where == "axis":
        axes.set_axis_on()
        axes.tick_params(direction="in")
    else:
        axes.images[0].remove()
    assert not np.array_equal(figure.rendered(), figure.pixels)


def test_what_cannot_be_seen_is_no_addition(figure: GridFigure) -> None:
    from matplotlib.testing.decorators import remove_ticks_and_titles

    expected = saved(figure)
    figure.suptitle("")
    figure.text(0.5, 0.5, "cats", visible=False)
    figure.set_dpi(10)  # matplotlib would draw another size
    assert saved(figure) == expected
    remove_ticks_and_titles(figure)
    assert saved(figure) == expected


def test_a_notebook_shows_the_canvas(figure: GridFigure) -> None:
    assert figure._repr_png_() == saved(figure)
    assert repr(figure) == "<GridFigure of 6 images, 51 x 76 pixels>"


def test_no_rc_parameter_is_changed(figure: GridFigure, tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    figure.savefig(tmp_path / "a.svg")
    figure.savefig(tmp_path / "a.png")
    assert dict(mpl.rcParams) == before
