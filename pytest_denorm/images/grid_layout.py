"""The grid: images as bytes, laid out like ``torchvision.utils.make_grid``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

from ..core.arguments import whole
from ..core.foreign import shown
from ..core.inputs import resolve_channel_axis
from ..core.normalization import Normalization
from ..errors import ImageError, ImageTypeError, NormalizeNotFoundError
from ..pipelines.apply import as_normalization, to_uint8
from ..pipelines.blocks import Block, blocks_of, is_collection
from .grid_figure import GridFigure, Tile

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

#: More is not to be looked at; a PNG of it takes minutes, and memory for several of it.
_MOST_PIXELS = 2**28

#: How far an image in 0..1 may lie outside and still be one: a level of 255, which is what bfloat16 resolves.
_SLACK = 1 / 255


def grid(
    images_or_loader: Any,
    normalization_or_pipeline: Any = None,
    *,
    nrow: int = 8,
    padding: int = 1,
    pad_value: float = 0.0,
    inverse: bool = True,
    channel_axis: int | None = None,
) -> GridFigure:
    """Draw images side by side, exact to the byte.

    Args:
        images_or_loader: a batch (N, C, H, W), or one image (C, H, W) or (H, W), as a tensor or an array (arrays may
            have their channels last); a PIL image; a list or tuple of images of one size; a list of such batches; a
            data set, of which the first 64 samples are drawn; or a DataLoader, of which the first batch is drawn.
            Of samples and batches that are tuples or lists, ``(images, labels)``, the first image is drawn; of dicts
            that under ``pixel_values``, ``image``, ``images``, ``img``, ``inputs``, ``input``, ``x``, or the only one.
            A list ``[images, targets]`` whose targets are images as large as the images, with as many channels, is
            two batches. Random states are left as they were, so two grids of a shuffled loader show the same batch.
        normalization_or_pipeline: what was done to the images: a Normalization, the name of a preset, or anything
            that :func:`~pytest_denorm.find_normalize` understands. When it is left out, a data set or a loader is
            asked for its own; images of floating point without any must lie in 0..1 already.
        nrow: images a row.
        padding: pixels between images and around them. As in ``make_grid``, a single image has none.
        pad_value: brightness of the padding, 0 (black) to 1 (white).
        inverse: False for the images as the network sees them: clipped to 0..1, as ``imshow`` does.
        channel_axis: the axis of the channels, where it is not -3 (or, in arrays, -1).

    Returns:
        A text-free figure that is saved at one pixel a pixel; ``.pixels`` is its uint8 canvas (H, W, 3), ``.tiles`` are
        the boxes of the images in it. uint8 images are drawn as they are, grey ones with three equal channels.

    Raises:
        ImageError: no image; images of different sizes; neither 1 nor 3 channels; NaN or infinity; values outside
            0..1 with no Normalize known; `nrow`, `padding` or `pad_value` out of range; more than 2**28 pixels in
            all; a data set or loader that raises.
        ImageTypeError: something that is no image, of a dtype that is neither uint8 nor floating point, or a tensor
            that is sparse or without values.
        PipelineError: more than one Normalize, or a conditional one, in the pipeline, data set or loader.
    """
    nrow = whole(nrow, "nrow", ImageError, least=1, meaning="images a row")
    padding = whole(padding, "padding", ImageError, least=0, meaning="pixels between images")
    if not isinstance(pad_value, (int, float)) or not 0 <= pad_value <= 1:
        raise ImageError(f"pad_value is {shown(pad_value)}: expected a brightness from 0 (black) to 1 (white).")
    normalization = _normalization_of(images_or_loader, normalization_or_pipeline) if inverse else None
    images: list[Bytes] = []
    for block in blocks_of(images_or_loader, channel_axis is not None):
        images.extend(_to_images(block, normalization, inverse, channel_axis, len(images)))
    if not images:
        raise ImageError("the batch is empty: expected at least one image.")
    _refuse_sizes(images)
    canvas, tiles = _lay_out(images, nrow, padding, round(pad_value * 255))
    return GridFigure(canvas, tiles, normalization=normalization)


def _normalization_of(source: Any, given: Any) -> Normalization | None:
    if given is not None:
        return as_normalization(given)
    if is_collection(source):
        return None
    try:
        return as_normalization(source)
    except NormalizeNotFoundError:
        return None  # ToTensor alone, or bytes: images outside 0..1 are refused below


def _to_images(
    block: Block, normalization: Normalization | None, inverse: bool, channel_axis: int | None, first: int
) -> list[Bytes]:
    """Return uint8 images (H, W, 3) from a block of one or more; `first` is the index of its first image."""
    if isinstance(block, Image.Image):
        return [_from_pil(block, first)]
    if isinstance(block, torch.Tensor):
        if block.is_meta or block.layout != torch.strided:
            kind = "on the device meta, without values" if block.is_meta else f"of layout {block.layout}"
            advice = " Use images.to_dense()." if "sparse" in kind else ""
            raise ImageTypeError(f"the images are a tensor {kind}: expected one with a value for each pixel.{advice}")
        block = block.detach().cpu().as_subclass(torch.Tensor)
    if block.ndim not in (2, 3, 4):
        raise ImageError(
            f"images of shape {tuple(block.shape)}: expected (H, W), (C, H, W) or (N, C, H, W). "
            f"Of videos, select a frame."
        )
    if channel_axis is None and normalization is not None:
        channel_axis = normalization.channel_axis
    axis = _channel_axis(block, normalization, channel_axis)
    stack = _to_bytes(block, normalization, inverse, axis, first)
    if axis is None:
        stack = stack[None]
        axis = -3
    stack = np.moveaxis(stack, axis, -1)
    stack = np.broadcast_to(stack, (*stack.shape[:-1], 3))
    return list(stack) if stack.ndim == 4 else [stack]


def _from_pil(image: Image.Image, index: int) -> Bytes:
    if image.mode not in ("L", "RGB"):
        advice = "Use image.convert('RGB')."
        if image.mode.startswith(("I", "F")):
            advice = "Scale its values to 0..255 first; convert('RGB') alone makes all above 255 white."
        raise ImageError(f"image {index} is a PIL image of mode {image.mode}: expected L or RGB. {advice}")
    array = np.asarray(image)
    return np.broadcast_to(array[..., None], (*array.shape, 3)) if array.ndim == 2 else array


def _channel_axis(
    block: torch.Tensor | np.ndarray[Any, Any], normalization: Normalization | None, channel_axis: int | None
) -> int | None:
    """Return the axis of the channels; None for a grey image without one."""
    shape, is_array = tuple(block.shape), isinstance(block, np.ndarray)
    if len(shape) == 2:
        return None
    if channel_axis is not None:
        whole(channel_axis, "channel_axis", ImageError, meaning="axes, such as -3")
        if not -len(shape) <= channel_axis < len(shape):
            raise ImageError(f"channel_axis is {channel_axis}, the images have shape {shape}.")
        fitting = [channel_axis] if shape[channel_axis] in (1, 3) else []
    else:
        candidates = (-3, -1) if is_array else (-3,)
        fitting = [axis for axis in candidates if shape[axis] in (1, 3)]
        if len(fitting) == 2 and normalization is not None and normalization.channels > 1:
            return resolve_channel_axis(shape, normalization.channels, None, is_array=True, source=normalization.source)
    if len(fitting) == 2:
        raise ImageError(
            f"the images have shape {shape}: the channels may be axis -3 (..., C, H, W) or axis -1 (..., H, W, C). "
            f"Say which with channel_axis."
        )
    if fitting:
        return fitting.pop()
    raise ImageError(_no_channels(shape, channel_axis, is_array))


def _no_channels(shape: Sequence[int], channel_axis: int | None, is_array: bool) -> str:
    said = f"the images have shape {tuple(shape)}: expected 1 channel (grey) or 3 (RGB)"
    if channel_axis is not None:
        return f"{said} on axis {channel_axis}, found {shape[channel_axis]}. Select the channels to draw."
    if shape[-1] in (1, 3):
        return f"{said} on axis -3, and they are last. Use images.movedim(-1, -3), or give channel_axis=-1."
    found = f"{said}, found {shape[-3]} on axis -3" + (f" and {shape[-1]} on axis -1" if is_array else "")
    stacked = " Grey images stacked without a channel axis need one: images[:, None]." if len(shape) == 3 else ""
    return f"{found}. Select the channels to draw, such as images[..., :3, :, :].{stacked}"


def _to_bytes(
    block: torch.Tensor | np.ndarray[Any, Any],
    normalization: Normalization | None,
    inverse: bool,
    axis: int | None,
    first: int,
) -> Bytes:
    """Return `block` as a uint8 array of the same shape."""
    is_tensor = isinstance(block, torch.Tensor)
    if block.dtype == (torch.uint8 if is_tensor else np.uint8):
        return np.asarray(block)
    is_float = block.is_floating_point() if isinstance(block, torch.Tensor) else block.dtype.kind == "f"
    if not is_float:
        raise ImageTypeError(
            f"the images are of {block.dtype}: expected uint8 (drawn as they are) or floating point. "
            f"Convert levels 0..255 to uint8, and masks to floats 0..1."
        )
    # numpy looks at them in one thread: waiting for others costs more than looking
    values = block.float().numpy() if isinstance(block, torch.Tensor) else block
    _refuse_nonfinite(values, first)
    if normalization is not None:
        return np.asarray(to_uint8(block, normalization, channel_axis=axis))
    if inverse:
        _refuse_range(values)
    levels: Bytes = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return levels


def _refuse_nonfinite(values: np.ndarray[Any, Any], first: int) -> None:
    finite = np.isfinite(values)
    if finite.all():
        return
    where = tuple(int(position) for position in np.argwhere(~finite)[0])
    image = first + (where[0] if values.ndim == 4 else 0)
    inside = where[1:] if values.ndim == 4 else where
    raise ImageError(
        f"image {image} has {values[where]} at {inside}; {int((~finite).sum())} of {values.size} values are not "
        f"finite: expected numbers that can be drawn."
    )


def _refuse_range(values: np.ndarray[Any, Any]) -> None:
    if not values.size:
        return
    low, high = float(values.min()), float(values.max())
    if low >= -_SLACK and high <= 1 + _SLACK:
        return
    raise ImageError(
        f"the images have values from {low:.4g} to {high:.4g}, and no Normalize is known for them: expected 0..1. "
        f"Give the Normalization or the pipeline that made them, grid(images, pipeline); convert levels 0..255 to "
        f"uint8; or draw them as the network sees them, clipped to 0..1, with inverse=False."
    )


def _refuse_sizes(images: list[Bytes]) -> None:
    height, width = images[0].shape[:2]
    if not (height and width):
        raise ImageError(f"images of {height} x {width} pixels: expected at least one pixel.")
    for index, image in enumerate(images):
        if image.shape != images[0].shape:
            raise ImageError(
                f"image {index} is {image.shape[0]} x {image.shape[1]} (height x width), image 0 is "
                f"{height} x {width}: expected images of one size. Resize or crop them first."
            )


def _lay_out(images: list[Bytes], nrow: int, padding: int, pad_level: int) -> tuple[Bytes, list[Tile]]:
    height, width = images[0].shape[:2]
    if len(images) == 1:  # make_grid gives a single image back as it is
        padding = 0
    columns = min(nrow, len(images))
    rows = math.ceil(len(images) / columns)
    size = (rows * (height + padding) + padding, columns * (width + padding) + padding)
    if math.prod(size) > _MOST_PIXELS:
        raise ImageError(
            f"the grid is {size[0]} x {size[1]} pixels (height x width), with padding {padding}: expected at most "
            f"{_MOST_PIXELS:,} pixels. Draw fewer images."
        )
    canvas = np.full((*size, 3), pad_level, dtype=np.uint8)
    tiles = []
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        top, left = row * (height + padding) + padding, column * (width + padding) + padding
        box = canvas[top : top + height, left : left + width]
        for channel in range(3):  # numpy is slow at pixels whose channels lie in planes
            box[..., channel] = image[..., channel]
        tiles.append(Tile(row, column, top, left, height, width))
    return canvas, tiles
