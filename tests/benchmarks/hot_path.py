"""denormalize and to_uint8 against a copy, the textbook, torchvision, kornia, numpy and a compiled kernel."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from timing import Row, compare, extra_memory
from torchvision.transforms import Normalize
from torchvision.transforms import functional as F

from pytest_denorm import PRESETS, denormalize, to_uint8

try:
    from kornia.enhance import denormalize as kornia_denormalize
except ImportError:
    kornia_denormalize = None

IMAGENET = PRESETS["imagenet"]
MEAN, STD = torch.tensor(IMAGENET.mean), torch.tensor(IMAGENET.std)
# the inverse as articles have it
second_normalize = Normalize((-MEAN / STD).tolist(), (1 / STD).tolist())


def textbook_bytes(y: torch.Tensor) -> torch.Tensor:
    return second_normalize(y).mul(255).round().clamp(0, 255).to(torch.uint8)


def torchvision_bytes(y: torch.Tensor) -> torch.Tensor:
    return F.convert_image_dtype(second_normalize(y), torch.uint8)


def pil_pictures(y: torch.Tensor) -> list[Any]:
    return [F.to_pil_image(image) for image in second_normalize(y)]


def formula(y: torch.Tensor) -> torch.Tensor:
    mean, std = MEAN.view(3, 1, 1), STD.view(3, 1, 1)
    return (y * std + mean).mul(255).round().clamp(0, 255).to(torch.uint8)


def compiled(y: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """The kernel that torch.compile makes of the formula for images like `y`; None without a C++ compiler."""
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        return None
    torch.compiler.reset()
    kernel = torch.compile(formula, fullgraph=True, dynamic=False)
    kernel(y)
    return kernel


def peers(y: torch.Tensor) -> tuple[dict[str, Callable[[], object]], dict[str, Callable[[], object]]]:
    """Other ways to have floats back, and bytes."""
    floats: dict[str, Callable[[], object]] = {"textbook": lambda: second_normalize(y)}
    if kornia_denormalize is not None and y.ndim == 4:
        mean, std = MEAN.to(y.dtype), STD.to(y.dtype)
        floats["kornia"] = lambda: kornia_denormalize(y, mean, std)
    as_bytes: dict[str, Callable[[], object]] = {
        "textbook": lambda: textbook_bytes(y),
        "torchvision": lambda: torchvision_bytes(y),
    }
    return floats, as_bytes


def array_peers(y: np.ndarray) -> tuple[dict[str, Callable[[], object]], dict[str, Callable[[], object]]]:
    mean, std = np.array(IMAGENET.mean, y.dtype), np.array(IMAGENET.std, y.dtype)
    return (
        {"numpy": lambda: y * std + mean},
        {"numpy": lambda: np.clip(np.rint((y * std + mean) * 255), 0, 255).astype(np.uint8)},
    )


def main_rows(y: torch.Tensor, seconds: float) -> Iterator[Row]:
    """The batch of 64 images of 224 x 224 in float32."""
    out, shape = torch.empty_like(y), "float32 64x3x224x224"
    floats, as_bytes = peers(y)
    times = compare({"ours": lambda: denormalize(y, IMAGENET, out=out), "copy": lambda: out.copy_(y)}, seconds=seconds)
    ratio = times["ours"] / times["copy"]
    yield Row(f"`denormalize(x, out=)`, {shape}", "`out.copy_(x)`", ratio, 1.3, milliseconds=times)

    sides = {"ours": lambda: denormalize(y, IMAGENET, out=out), "textbook": floats["textbook"]}
    times = compare(sides, seconds=seconds)
    ratio = times["textbook"] / times["ours"]
    yield Row(f"`denormalize(x, out=)`, {shape}", "second Normalize", ratio, 3, True, "x faster", "", times)

    if "kornia" in floats:
        times = compare({"ours": lambda: denormalize(y, IMAGENET), "kornia": floats["kornia"]}, seconds=seconds)
        ratio = times["kornia"] / times["ours"]
        yield Row(f"`denormalize(x)`, {shape}", "kornia `denormalize`", ratio, 1, True, "x faster", "", times)
    else:
        yield Row(f"`denormalize(x)`, {shape}", "kornia `denormalize`", None, 1, True, note="kornia is not installed")

    sides = {"ours": lambda: to_uint8(y, IMAGENET), **as_bytes, "pil": lambda: pil_pictures(y)}
    times = compare(sides, seconds=seconds)
    for name, against, limit in (
        ("textbook", "second Normalize, `mul`, `round`, `clamp`, `to`", 8),
        ("torchvision", "second Normalize, `convert_image_dtype`", None),
        ("pil", "second Normalize, `to_pil_image` of each", None),
    ):
        yield Row(f"`to_uint8(x)`, {shape}", against, times[name] / times["ours"], limit, True, "x faster", "", times)

    kernel = compiled(y)
    if kernel is None:
        yield Row(f"`to_uint8(x)`, {shape}", "compiled formula", None, 2, note="no C++ compiler")
    else:
        times = compare({"ours": lambda: to_uint8(y, IMAGENET), "compiled": lambda: kernel(y)}, seconds=2 * seconds)
        ratio = times["ours"] / times["compiled"]
        yield Row(f"`to_uint8(x)`, {shape}", "compiled formula", ratio, 2, milliseconds=times)
    for name, work in (("denormalize", denormalize), ("to_uint8", to_uint8)):
        extra = extra_memory(lambda work=work: work(y, IMAGENET))
        note = "" if extra is not None else "only Linux counts it"
        yield Row(f"`{name}(x)`, {shape}", "extra memory at the peak", extra, 4, unit="MiB", note=note)


def layouts(y: torch.Tensor) -> Iterator[tuple[str, torch.Tensor | np.ndarray]]:
    yield "channels_last, 64x3x224x224", y.contiguous(memory_format=torch.channels_last)
    yield "every second column, 64x3x224x224", y.repeat_interleave(2, dim=-1)[..., ::2]
    yield "crops, 64x3x224x224", torch.nn.functional.pad(y, (8, 8, 8, 8))[..., 8:-8, 8:-8]
    yield "1 image, 3x224x224", y[0].clone()
    yield "1 image, 1x3x224x224", y[:1].clone()
    yield "small images, 4096x3x32x32", torch.randn(4096, 3, 32, 32)
    yield "4K image, 1x3x2160x3840", torch.randn(1, 3, 2160, 3840)
    yield "float16, 64x3x224x224", y.half()
    yield "bfloat16, 64x3x224x224", y.bfloat16()
    yield "HWC array, 64x224x224x3", y.movedim(1, -1).contiguous().numpy()
    yield "HWC array, 224x224x3", y[0].movedim(0, -1).contiguous().numpy()
    yield "HWC array of a 4K picture", np.random.default_rng(0).standard_normal((2160, 3840, 3), np.float32)


def layout_rows(y: torch.Tensor, seconds: float) -> Iterator[Row]:
    """Never slower than the best peer by more than a tenth."""
    for name, images in layouts(y):
        floats, as_bytes = array_peers(images) if isinstance(images, np.ndarray) else peers(images)
        for function, others in ((denormalize, floats), (to_uint8, as_bytes)):
            sides = {"ours": lambda function=function, images=images: function(images, IMAGENET), **others}
            times = compare(sides, seconds=seconds / 2)
            best = min(others, key=times.__getitem__)
            ratio = times["ours"] / times[best]
            yield Row(f"`{function.__name__}`, {name}", f"best peer: {best}", ratio, 1.1, milliseconds=times)


def rows(seconds: float) -> Iterator[Row]:
    y = torch.randn(64, 3, 224, 224)
    yield from main_rows(y, seconds)
    yield from layout_rows(y, seconds)


def scaling(seconds: float) -> dict[str, dict[int, float]]:
    """Milliseconds by number of pixels, for square RGB images of growing size."""
    curves: dict[str, dict[int, float]] = {}
    for side in (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096):
        y = torch.randn(1, 3, side, side)
        out, out_bytes = torch.empty_like(y), torch.empty_like(y, dtype=torch.uint8)
        sides: dict[str, Callable[[], object]] = {
            "out.copy_(x)": lambda y=y, out=out: out.copy_(y),
            "denormalize": lambda y=y, out=out: denormalize(y, IMAGENET, out=out),
            "to_uint8": lambda y=y, out=out_bytes: to_uint8(y, IMAGENET, out=out),
            "second Normalize": lambda y=y: second_normalize(y),
            "second Normalize, to bytes": lambda y=y: textbook_bytes(y),
        }
        for name, time in compare(sides, seconds=seconds / 4, least=7).items():
            curves.setdefault(name, {})[side * side] = time
    return curves
