"""The images on the pages of docs/: `draw` makes them all, `wrong_levels` says what the gallery says of a mistake."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage.data import astronaut

from pytest_denorm import PRESETS, compare, denormalize, diagnose, grid, to_uint8
from pytest_denorm.core.tolerance import FORMATS, round_trip_tolerance

IMAGENET = PRESETS["imagenet"]
MEAN, STD = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET.mean, IMAGENET.std))
TYPED_STD = torch.tensor([0.229, 0.224, 0.255]).view(3, 1, 1)
TYPED_MEAN = torch.tensor([0.458, 0.456, 0.406]).view(3, 1, 1)
SIZE = 72

#: Inverses, each with the kind of its mistake.
MISTAKES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "truncation": lambda y: (y * STD + MEAN).mul(255).clamp(0, 255).byte(),
    "rounded-up": lambda y: (y * STD + MEAN).mul(255).ceil().clamp(0, 255).byte(),
    "eps": lambda y: y * (STD + 1e-3) + MEAN,
    "rounded-constants": lambda y: y * STD.mul(100).round().div(100) + MEAN.mul(100).round().div(100),
    "wrong-std": lambda y: y * TYPED_STD + MEAN,
    "wrong-mean": lambda y: y * STD + TYPED_MEAN,
    "one-channel-for-all": lambda y: y * STD[0] + MEAN[0],
    "channel-order": lambda y: y * STD.flip(0) + MEAN.flip(0),
    "other-preset": lambda y: PRESETS["cifar10"].denormalize(y),
    "min-max": lambda y: (y - y.min()) / (y.max() - y.min()),
    "mean-not-divided": lambda y: (y + MEAN) * STD,
    "missing-mean": lambda y: y * STD,
    "mean-sign": lambda y: y * STD - MEAN,
    "divides-by-std": lambda y: y / STD + MEAN,
    "swapped-mean-std": lambda y: y * MEAN + STD,
    "clamped": lambda y: y.clamp(-1, 1) * STD + MEAN,
    "not-inverted": lambda y: y,
    "inverted-twice": lambda y: (y * STD + MEAN) * STD + MEAN,
    "contrast": lambda y: 1.1 * (y * STD + MEAN),
    "brightness": lambda y: y * STD + MEAN + 0.05,
    "value-range": lambda y: (y * STD + MEAN) / 2 + 0.5,
    "inverted-intensity": lambda y: 1 - (y * STD + MEAN),
    "scale-255": lambda y: (y * STD + MEAN) / 255,
}


@functools.cache
def original() -> torch.Tensor:
    """Return the photograph of the gallery, small: uint8 (3, SIZE, SIZE)."""
    face = Image.fromarray(astronaut()[0:200, 110:310]).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(face)).permute(2, 0, 1)


def to_bytes(image: torch.Tensor) -> torch.Tensor:
    """Return bytes, rounded and clamped."""
    return image if image.dtype == torch.uint8 else image.mul(255).round().clamp(0, 255).byte()


def tile(kind: str) -> tuple[np.ndarray, int]:
    """Return original, result and difference side by side, uint8 (H, W, 3), and the factor of the difference."""
    result = to_bytes(MISTAKES[kind](IMAGENET.normalize(original())))
    apart = (result.int() - original().int()).abs()
    factor = 255 // max(1, int(apart.max()))
    both = torch.cat([original(), result, apart.mul(factor).byte()], dim=2)
    return both.permute(1, 2, 0).numpy(), factor


def wrong_levels(kind: str) -> tuple[int, int]:
    """Return how many of 768 levels come back as another byte, and the factor of the difference that is drawn."""
    found = diagnose(IMAGENET, MISTAKES[kind])
    if found.kind != kind:
        raise AssertionError(f"the gallery shows {kind}, and it is diagnosed as {found}")
    return found.wrong_levels, tile(kind)[1]


def exact_images() -> dict[str, np.ndarray]:
    """Return the images that are the same on every machine, by file name: uint8 (H, W, 3)."""
    normalized = IMAGENET.normalize(original())
    as_fed = grid(normalized, inverse=False).pixels
    restored = to_uint8(normalized, IMAGENET).permute(1, 2, 0).numpy()
    images = {f"{kind}.png": tile(kind)[0] for kind in MISTAKES}
    images["as-fed.png"] = np.hstack([original().permute(1, 2, 0).numpy(), as_fed, restored])
    images["tiles.png"] = _failing_grid(slice(1, 2))
    images["comparison.png"] = _failing_grid(slice(None))
    return images


def _failing_grid(wrong: slice) -> np.ndarray:
    """Return a stored grid, one with reversed channels in some images, and the difference."""
    photograph = torch.from_numpy(astronaut()).permute(2, 0, 1)
    corners = [(0, 150), (60, 190), (0, 20)]
    batch = IMAGENET.normalize(torch.stack([photograph[:, y : y + 96, x : x + 96] for y, x in corners]))
    images = IMAGENET.denormalize(batch)
    images[wrong] = images[wrong].flip(1)
    stored, drawn = grid(batch, IMAGENET, nrow=3).pixels, grid(images.clamp(0, 1), nrow=3).pixels
    apart = np.abs(stored.astype(int) - drawn).astype(np.uint8)
    return np.vstack([stored, drawn, apart])


def _errors_and_bounds() -> object:
    """Return a figure of the errors of 25,501 values in float32, and the bounds."""
    from matplotlib.figure import Figure

    x = (torch.arange(25501, dtype=torch.float64) / 25500).float().view(1, 1, -1).expand(3, -1, -1)
    error = (denormalize(IMAGENET.normalize(x), IMAGENET).double() - x.double()).abs()[:, 0]
    bounds = round_trip_tolerance(IMAGENET, "float32", derived=True).per_channel
    unit = FORMATS["float32"].unit_roundoff
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    for channel, color in enumerate(("tab:red", "tab:green", "tab:blue")):
        axes.plot(x[channel, 0], error[channel] / unit, ".", color=color, markersize=1)
        axes.axhline(bounds[channel] / unit, color=color, linewidth=1)
    axes.set(xlabel="x", ylabel="error, in units of u", xlim=(0, 1), ylim=(0, None))
    return figure


def draw(folder: Path) -> None:
    """Draw every image of the pages into a folder."""
    folder.mkdir(exist_ok=True)
    for name, pixels in exact_images().items():
        Image.fromarray(pixels).save(folder / name, optimize=True)
    _errors_and_bounds().savefig(str(folder / "tolerance.png"))

    def takes_bgr(image: np.ndarray) -> np.ndarray:
        return ((image / np.float32(255) - IMAGENET.mean) / IMAGENET.std).transpose(2, 0, 1).astype(np.float32)

    found = compare(train="imagenet", serve=takes_bgr, reads={"serve": "bgr"})
    Image.open(io.BytesIO(found.png())).save(folder / "compare.png", optimize=True)
