"""An image to look at: originals, what the network sees, and what the inverse gives, row below row."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont, ImageOps

from ..core.files import write_whole
from ..core.normalization import Normalization
from ..errors import ImageError
from ..pipelines.apply import as_normalization
from .decoding import read_image_file
from .grid_layout import grid

__all__ = ["draw_files", "three_rows"]

_CAPTIONS = ("original", "as the network sees it", "inverse-normalized")


def three_rows(originals: Sequence[Any], normalized: torch.Tensor, normalization: Normalization) -> Image.Image:
    """Draw a captioned row each of the originals, the normalized batch, and that batch undone, a column for each image.

    Args:
        originals: uint8 images (C, H, W), arrays (H, W, C) or PIL images, all of one size.
        normalized: the batch (N, C, H, W) that the pipeline made of them.
        normalization: what to undo.

    Returns:
        An RGB image, white beside images that are narrower than the captions.
    """
    count = len(originals)
    rows = (
        grid(list(originals), nrow=count),
        grid(normalized, nrow=count, inverse=False),
        grid(normalized, normalization, nrow=count),
    )
    line, margin = 16, 4
    font = ImageFont.load_default()  # which ImageDraw takes by itself
    captions = math.ceil(max(font.getlength(caption) for caption in _CAPTIONS)) + 2 * margin
    width = max(captions, *(row.pixels.shape[1] for row in rows))
    canvas = Image.new("RGB", (width, sum(row.pixels.shape[0] + line for row in rows)), "white")
    draw = ImageDraw.Draw(canvas)
    top = 0
    for caption, row in zip(_CAPTIONS, rows, strict=True):
        draw.text((margin, top + 2), caption, fill="black")
        canvas.paste(Image.fromarray(np.asarray(row.pixels)), (0, top + line))
        top += line + row.pixels.shape[0]
    return canvas


def draw_files(pipeline: Any, files: Sequence[Path], output: Path) -> None:
    """Send image files through a pipeline and write :func:`three_rows` of them.

    Args:
        pipeline: a callable that takes a PIL image and gives a normalized tensor (C, H, W), or a Normalization.
        files: the images; the pipeline has to bring them to one size.
        output: the PNG file.

    Raises:
        ImageError: a file is no image, or the pipeline takes no PIL image or gives no tensor.
        PipelineError: as :func:`pytest_denorm.find_normalize`.
        BaselineError: `output` cannot be written.
    """
    normalization = as_normalization(pipeline)
    images = [read_image_file(file) for file in files]
    normalized = [_run(pipeline, image, file) for image, file in zip(images, files, strict=True)]
    height, width = normalized[0].shape[-2:]
    for one, file in zip(normalized, files, strict=True):
        if one.shape != normalized[0].shape:
            raise ImageError(
                f"{file} comes out as {tuple(one.shape)}, {files[0]} as {tuple(normalized[0].shape)}: give images of "
                f"one size, or a pipeline that resizes and crops."
            )
    grey = normalized[0].shape[0] == 1
    originals = [ImageOps.fit(image.convert("L" if grey else "RGB"), (width, height)) for image in images]
    image = three_rows(originals, torch.stack(normalized), normalization)
    data = io.BytesIO()
    image.save(data, format="PNG")
    write_whole(output, data.getvalue())


def _run(pipeline: Any, image: Image.Image, file: Path) -> torch.Tensor:
    if isinstance(pipeline, Normalization):
        mode = "L" if pipeline.channels == 1 else "RGB"
        array = np.atleast_3d(np.array(image.convert(mode)))
        return pipeline.normalize(torch.from_numpy(array).permute(2, 0, 1))
    try:
        result = pipeline(image)
    except Exception as error:
        raise ImageError(f"the pipeline raised {type(error).__name__} on {file}: {error}") from error
    if not isinstance(result, torch.Tensor) or result.ndim != 3:
        raise ImageError(f"the pipeline gives a {type(result).__name__} for {file}: expected a tensor (C, H, W).")
    return result
