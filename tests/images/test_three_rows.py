"""The image of originals, what the network sees, and what the inverse gives."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from photographs import photographs
from PIL import Image, ImageDraw, ImageFont, ImageOps
from torchvision import transforms as T

from pytest_denorm import Normalization, grid, preset
from pytest_denorm.errors import ImageError
from pytest_denorm.images.three_rows import draw_files

IMAGENET = T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
LINE = 16


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Nine photographs, more than a grid has in a row by itself, 30 x 24."""
    paths = []
    for index, photograph in enumerate((photographs() * 9)[:9]):
        paths.append(tmp_path / f"{index}.png")
        ImageOps.fit(photograph, (30, 24)).rotate(10 * index).save(paths[-1])
    return paths


def drawn(pipeline: Any, files: list[Path]) -> np.ndarray[Any, Any]:
    output = files[0].with_name("look")
    draw_files(pipeline, files, output)
    with Image.open(output) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        return np.asarray(image)


CAPTIONS = ("original", "as the network sees it", "inverse-normalized")


def caption(words: str, width: int) -> Any:
    line = Image.new("RGB", (width, LINE), "white")
    ImageDraw.Draw(line).text((4, 2), words, fill="black", font=ImageFont.load_default())
    return np.asarray(line)


def expected(originals: list[Image.Image], normalized: torch.Tensor, normalization: Normalization) -> Any:
    """Each row of images below a line that says what it shows."""
    rows = (
        grid(originals, nrow=9).pixels,
        grid(normalized, inverse=False, nrow=9).pixels,
        grid(normalized, normalization, nrow=9).pixels,
    )
    parts = []
    for words, pixels in zip(CAPTIONS, rows, strict=True):
        parts += [caption(words, pixels.shape[1]), pixels]
    return np.concatenate(parts)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_normalization_is_shown_on_the_images_as_they_are(files: list[Path], mode: str) -> None:
    normalization = preset("imagenet") if mode == "RGB" else preset("mnist")
    images = [Image.open(file).convert(mode) for file in files]
    levels = torch.from_numpy(np.stack([np.atleast_3d(np.asarray(one)) for one in images])).permute(0, 3, 1, 2)
    assert np.array_equal(drawn(normalization, files), expected(images, normalization.normalize(levels), normalization))


@pytest.mark.parametrize("grey", [False, True])
def test_a_pipeline_is_shown_beside_the_middle_of_the_originals(files: list[Path], grey: bool) -> None:
    last = [T.Grayscale(), T.ToTensor(), T.Normalize(0.1307, 0.3081)] if grey else [T.ToTensor(), IMAGENET]
    pipeline = T.Compose([T.Resize(20), T.CenterCrop((20, 16)), *last])
    images = [Image.open(file).convert("RGB") for file in files]
    originals = [ImageOps.fit(one.convert("L") if grey else one, (16, 20)) for one in images]
    normalized = torch.stack([pipeline(one) for one in images])
    known = preset("mnist") if grey else preset("imagenet")
    assert np.array_equal(drawn(pipeline, files), expected(originals, normalized, known))


@pytest.mark.parametrize("pipeline", [preset("imagenet"), T.Compose([T.ToTensor(), IMAGENET])])
def test_one_image_is_shown_alone_below_whole_captions(files: list[Path], pipeline: Any) -> None:
    canvas = drawn(pipeline, files[:1])
    image = np.asarray(Image.open(files[0]))
    for row, words in enumerate(CAPTIONS):
        line, below = np.split(canvas[row * (LINE + 24) : (row + 1) * (LINE + 24)], [LINE])
        assert np.array_equal(line, caption(words, canvas.shape[1]))
        assert (caption(words, 400)[:, canvas.shape[1] - 4 :] == 255).all()  # nothing of it is cut off
        assert (below[:, 30:] == 255).all()
        assert row == 1 or np.array_equal(below[:, :30], image)
    widest = max(ImageFont.load_default().getlength(words) for words in CAPTIONS)
    assert canvas.shape[1] == math.ceil(widest) + 2 * 4  # as much white behind it as before it


class Raises(T.Normalize):
    def forward(self, image: Any) -> Any:
        raise RuntimeError("the disk is gone")


class Lists(T.Normalize):
    def forward(self, image: Any) -> Any:
        return [image]


class Batches(T.Normalize):
    def forward(self, image: Any) -> Any:
        return torch.zeros(1, 3, 4, 4)


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        (Raises(0.5, 0.5), "the pipeline raised RuntimeError on *0.png: the disk is gone"),
        (Lists(0.5, 0.5), "the pipeline gives a list for *0.png: expected a tensor (C, H, W)."),
        (Batches(0.5, 0.5), "the pipeline gives a Tensor for *0.png: expected a tensor (C, H, W)."),
        (
            T.Compose([T.ToTensor(), IMAGENET]),
            "*8.png comes out as (3, 5, 7), *0.png as (3, 24, 30): give images of one size, or a pipeline that "
            "resizes and crops.",
        ),
    ],
)
def test_what_cannot_be_shown_says_why(files: list[Path], pipeline: Any, message: str) -> None:
    Image.new("RGB", (7, 5)).save(files[-1])
    with pytest.raises(ImageError) as caught:
        draw_files(pipeline, files, files[0].with_name("look"))
    pytest.LineMatcher([str(caught.value)]).fnmatch_lines([message])
    assert not files[0].with_name("look").exists()
