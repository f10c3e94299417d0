"""Inverses as people write them, of the pipeline that most projects have, and beside them those that are wrong.

Each is a function of what the pipeline gives; what it is called is its name with spaces.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torchvision
from PIL import Image
from project import BYTE_MEAN, BYTE_STD, MEAN, STD, Project, columns, given, imagenet, named
from torchvision import transforms as T
from torchvision.transforms import functional as F
from torchvision.transforms import v2

PROJECTS: list[Project] = []
MEANS, STDS = np.array(MEAN), np.array(STD)

Inverse = Callable[[Any], Any]


def _add(name: str, inverse: Any, verdict: str, cause: str = "", pipeline: Any = imagenet, **options: Any) -> None:
    side = "wrong" if verdict == "failed" else "right"
    make = lambda: given(pipeline=pipeline(), inverse=inverse, **options)  # noqa: E731
    PROJECTS.append(Project(f"{side} inverse: {name}", make, verdict, cause))


def right(function: Inverse | None = None, *, verdict: str = "passed", **options: Any) -> Any:
    """Register a right inverse."""
    if function is None:
        return lambda function: right(function, verdict=verdict, **options)
    _add(named(function), function, verdict, **options)
    return function


def wrong(cause: str, **options: Any) -> Callable[[Inverse], Inverse]:
    """Register a wrong inverse, with what the first failure has to say."""

    def register(function: Inverse) -> Inverse:
        _add(named(function), function, "failed", cause, **options)
        return function

    return register


# --- right: tensors ---


@right(verdict="warned")  # of a batch it makes nonsense
def clone_and_loop(tensor):
    tensor = tensor.clone()
    for t, m, s in zip(tensor, MEAN, STD):
        t.mul_(s).add_(m)
    return tensor


@right
def views_of_the_constants(x):
    mean = torch.tensor(MEAN, dtype=x.dtype, device=x.device).view(3, 1, 1)
    std = torch.tensor(STD, dtype=x.dtype, device=x.device).view(3, 1, 1)
    return x * std + mean


@right
def none_indices(x):
    return x * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]


@right
def batch_view(x):
    return (x * torch.tensor(STD).view(1, 3, 1, 1) + torch.tensor(MEAN).view(1, 3, 1, 1)).reshape(x.shape)


@right
def clamped_to_what_is_shown(x):
    return (x * columns(STD) + columns(MEAN)).clamp(0, 1)


@right
def stacked_channels(x):
    return torch.stack([x[..., c, :, :] * STD[c] + MEAN[c] for c in range(3)], dim=-3)


@right
def moved_axis_for_broadcasting(x):
    return (x.movedim(-3, -1) * torch.tensor(STD) + torch.tensor(MEAN)).movedim(-1, -3)


@right
def einsum(x):
    return torch.einsum("...chw,c->...chw", x, torch.tensor(STD)) + columns(MEAN)


@right
def addcmul(x):
    return torch.addcmul(columns(MEAN), x, columns(STD))


@right
def chained_in_place_on_a_copy(x):
    return x.detach().clone().mul_(columns(STD)).add_(columns(MEAN))


@right
def float64_inside(x):
    return (x.double() * columns(STD).double() + columns(MEAN).double()).float()


@right
def functional_twice(x):
    x = F.normalize(x, [0.0, 0.0, 0.0], [1 / s for s in STD])
    return F.normalize(x, [-m for m in MEAN], [1.0, 1.0, 1.0])


@right
def functional_once(x):
    return F.normalize(x, (-MEANS / STDS).tolist(), (1 / STDS).tolist())


@right(verdict="passed")
def under_no_grad(x):
    with torch.no_grad():
        return x * columns(STD) + columns(MEAN)


@right
def asserts_its_shape(x):
    assert x.dim() in (3, 4)
    assert x.shape[-3] == 3, f"expected three channels, got {tuple(x.shape)}"
    return x * columns(STD) + columns(MEAN)


@right
def one_image_only(x):
    if x.dim() != 3:
        raise ValueError("expected one image (C, H, W)")
    return x * columns(STD) + columns(MEAN)


@right
def squeezes_a_batch_of_one(x):
    if x.dim() == 4 and x.shape[0] == 1:
        x = x.squeeze(0)
    return x * columns(STD) + columns(MEAN)


# --- right: bytes ---


@right
def rounded_bytes(x):
    return ((x * columns(STD) + columns(MEAN)) * 255).round().clamp(0, 255).to(torch.uint8)


@right
def half_added_before_the_cast(x):
    return ((x * columns(STD) + columns(MEAN)) * 255 + 0.5).clamp(0, 255).byte()


@right(output_max=255)
def floats_to_255(x):
    return (x * columns(STD) + columns(MEAN)) * 255


@right
def rounded_floats(x):
    return ((x * columns(STD) + columns(MEAN)) * 255).round() / 255


@right(output_max=255)
def rounded_floats_to_255(x):
    return ((x * columns(STD) + columns(MEAN)) * 255).round()


@right
def scale_and_shift_of_bytes(x):
    return (x * columns(BYTE_STD) + columns(BYTE_MEAN)).round().clamp(0, 255).to(torch.uint8)


# --- right: arrays and PIL ---


@right
def numpy_to_imshow(img):
    img = img.numpy().transpose((1, 2, 0))
    img = STDS * img + MEANS
    return np.clip(img, 0, 1)


@right
def cpu_detach_numpy_permute(tensor):
    image = tensor.cpu().detach().permute(1, 2, 0).numpy()
    return (image * np.array(STD, np.float32)) + np.array(MEAN, np.float32)


@right
def numpy_channels_first(x):
    return np.asarray(x) * np.array(STD).reshape(3, 1, 1) + np.array(MEAN).reshape(3, 1, 1)


@right
def numpy_rounded_bytes(x):
    x = np.moveaxis(np.asarray(x), -3, -1) * STDS + MEANS
    return np.rint(x.clip(0, 1) * 255).astype(np.uint8)


@right
def numpy_half_added(x):
    x = np.asarray(x).transpose(1, 2, 0) * STDS + MEANS
    return (np.clip(x, 0, 1) * 255 + 0.5).astype("uint8")


@right
def pil_from_rounded_array(x):
    x = x.permute(1, 2, 0).numpy() * STDS + MEANS
    return Image.fromarray(np.uint8(np.round(np.clip(x, 0, 1) * 255)))


@right
def pil_from_rounded_bytes(x):
    x = (x * columns(STD) + columns(MEAN)).clamp(0, 1)
    return F.to_pil_image((x * 255).round().to(torch.uint8))


@right
def makes_a_grid_of_one(x):
    x = x if x.dim() == 4 else x[None]
    return torchvision.utils.make_grid(x * columns(STD) + columns(MEAN), padding=0)


@right
def grid_to_imshow(batch):
    batch = batch if batch.dim() == 4 else batch.unsqueeze(0)
    grid = torchvision.utils.make_grid(batch, nrow=1, padding=0).permute(1, 2, 0).numpy()
    return np.clip(grid * STDS + MEANS, 0, 1)


# --- right: classes and modules ---


class UnNormalize:
    def __init__(self, mean, std):
        self.mean, self.std = mean, std

    def __call__(self, tensor):
        out = torch.empty_like(tensor)
        for c, (m, s) in enumerate(zip(self.mean, self.std)):
            out[..., c, :, :] = tensor[..., c, :, :] * s + m
        return out


class InverseNormalize(T.Normalize):
    """Torchvision's own class, given the constants of the way back."""

    def __init__(self, mean, std):
        std_inv = 1 / torch.as_tensor(std)
        super().__init__(mean=-torch.as_tensor(mean) * std_inv, std=std_inv)

    def __call__(self, tensor):
        return super().__call__(tensor.clone())


class Unnormalizer(torch.nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, x):
        single = x.dim() == 3
        y = (x.unsqueeze(0) if single else x) * self.std + self.mean
        return y.squeeze(0) if single else y


class Visualizer:
    mean, std = MEAN, STD

    def to_image(self, x):
        return x * columns(self.std) + columns(self.mean)

    @classmethod
    def undo(cls, x):
        return x * columns(cls.std) + columns(cls.mean)

    @staticmethod
    def static(x):
        return x * columns(STD) + columns(MEAN)


def denormalize(x, mean, std):
    return x * columns(std) + columns(mean)


_CHAIN = T.Compose([T.Normalize([0.0] * 3, [1 / s for s in STD]), T.Normalize([-m for m in MEAN], [1.0] * 3)])

for _name, _inverse in {
    "normalize with the constants of the way back": T.Normalize((-MEANS / STDS).tolist(), (1 / STDS).tolist()),
    "v2 normalize": v2.Normalize([-m / s for m, s in zip(MEAN, STD)], [1 / s for s in STD]),
    "two normalizes in a compose": _CHAIN,
    "two normalizes and a clamp": T.Compose([*_CHAIN.transforms, T.Lambda(lambda x: x.clamp(0, 1))]),
    "sequential of two normalizes": torch.nn.Sequential(*_CHAIN.transforms),
    "a class with call": UnNormalize(MEAN, STD),
    "a subclass of normalize": InverseNormalize(MEAN, STD),
    "a module with buffers": Unnormalizer(MEAN, STD),
    "a lambda": lambda x: x * columns(STD) + columns(MEAN),
    "a bound method": Visualizer().to_image,
    "a class method": Visualizer.undo,
    "a static method": Visualizer.static,
    "a partial": functools.partial(denormalize, mean=MEAN, std=STD),
    "vmap": torch.vmap(lambda plane, s, m: plane * s + m, in_dims=(0, 0, 0)),
}.items():
    if _name == "vmap":
        _mapped = _inverse
        _inverse = lambda x, f=_mapped: f(x, torch.tensor(STD), torch.tensor(MEAN))  # noqa: E731
    _add(_name, _inverse, "passed")


# --- wrong: raises on what the pipeline gives ---


@wrong("RuntimeError|size of tensor")
def no_view(t):
    return t * torch.tensor(STD) + torch.tensor(MEAN)


@wrong("RuntimeError|size of tensor|must match")
def no_view_last_axis(t):
    return t.mul(torch.tensor(STD)).add(torch.tensor(MEAN)).clamp(0, 1)


@wrong("ValueError|broadcast")
def numpy_without_transpose(t):
    return t.numpy() * STDS + MEANS


@wrong("RuntimeError|IndexError|dims|permute|batch")
def batches_only(x):
    return x.permute(0, 2, 3, 1) * torch.tensor(STD) + torch.tensor(MEAN)


@wrong("AssertionError|224")
def one_size_only(x):
    assert x.shape[-2:] == (224, 224), "224 x 224 only"
    return x * columns(STD) + columns(MEAN)


@wrong("ValueError|HWC|channels last")
def channels_last_only(x):
    if x.shape[-1] != 3:
        raise ValueError(f"expected channels last, got {tuple(x.shape)}")
    return x * torch.tensor(STD) + torch.tensor(MEAN)


@wrong("TypeError|AttributeError|numpy")
def takes_arrays_only(x):
    return x.astype(np.float32) * STDS.reshape(3, 1, 1) + MEANS.reshape(3, 1, 1)


@wrong("None|nothing|NoneType")
def forgets_to_return(x):
    x = x * columns(STD) + columns(MEAN)


@wrong("NameError|std_")
def misspelled_name(x):
    return x * std_ + columns(MEAN)  # noqa: F821


@wrong("KeyError")
def takes_a_dict(batch):
    return batch[{"image": 0}["images"]] * columns(STD) + columns(MEAN)


# --- wrong: in place ---


@wrong("input_unchanged|mutates-input|in place")
def loops_in_place(tensor):
    for t, m, s in zip(tensor, MEAN, STD):
        t.mul_(s).add_(m)
    return tensor


@wrong("input_unchanged|mutates-input|in place")
def augmented_assignment(x):
    x *= columns(STD)
    x += columns(MEAN)
    return x


@wrong("input_unchanged|mutates-input|in place")
def through_shared_memory(x):
    array = x.numpy()
    array *= np.float32(STDS)[:, None, None]
    array += np.float32(MEANS)[:, None, None]
    return array


# --- wrong: the formula ---


def _formula(name: str, cause: str, change: Inverse, **options: Any) -> None:
    _add(name, change, "failed", cause, **options)


_S, _M = columns(STD), columns(MEAN)
for _name, _cause, _change in (
    ("times mean plus std", "swapped-mean-std", lambda x: x * _M + _S),
    ("minus mean", "mean-sign", lambda x: x * _S - _M),
    ("no mean", "missing-mean", lambda x: x * _S),
    ("std forgotten", "wrong-std", lambda x: x + _M),
    ("divides by std", "divides-by-std", lambda x: x / _S + _M),
    ("mean added first", "mean-not-divided", lambda x: (x + _M) * _S),
    ("mean not divided by std", "mean-not-divided", T.Normalize([-m for m in MEAN], [1 / s for s in STD])),
    ("sign of the mean in normalize", "mean-sign", T.Normalize([m / s for m, s in zip(MEAN, STD)], 1 / np.array(STD))),
    ("normalize again", "not-inverted|divides-by-std", T.Normalize(MEAN, STD)),
    ("identity", "not-inverted", lambda x: x),
    ("half times x plus half", "other-preset", lambda x: x * 0.5 + 0.5),
    ("blue std", "wrong-std", lambda x: x * columns([0.229, 0.224, 0.255]) + _M),
    ("green mean", "wrong-mean", lambda x: x * _S + columns([0.485, 0.465, 0.406])),
    ("red mean", "wrong-mean", lambda x: x * _S + columns([0.458, 0.456, 0.406])),
    ("two decimals", "rounded-constants", lambda x: x * columns([0.23, 0.22, 0.23]) + columns([0.49, 0.46, 0.41])),
    (
        "constants of cifar",
        "other-preset",
        lambda x: x * columns([0.247, 0.2435, 0.2616]) + columns([0.4914, 0.4822, 0.4465]),
    ),
    ("red's for all", "one-channel-for-all", lambda x: x * 0.229 + 0.485),
    ("mean of the means", "one-channel-for-all|wrong-mean", lambda x: x * _S + sum(MEAN) / 3),
    ("reversed constants", "channel-order", lambda x: x * _S.flip(0) + _M.flip(0)),
    ("bgr out", "channel-order", lambda x: (x * _S + _M).flip(-3)),
    ("bytes without 255", "scale-255", lambda x: (x * _S + _M).to(torch.uint8)),
    ("255 as floats", "scale-255|output_max", lambda x: (x * _S + _M) * 255),
    ("over 255", "scale-255", lambda x: (x * _S + _M) / 255),
    ("undone twice", "inverted-twice", lambda x: (x * _S + _M) * _S + _M),
    ("clamped first", "clamped", lambda x: x.clamp(0, 1) * _S + _M),
    ("clamped to -1..1 first", "clamped", lambda x: x.clamp(-1, 1) * _S + _M),
    ("min-max", "min-max", lambda x: (x - x.min()) / (x.max() - x.min())),
    ("min-max after", "min-max", lambda x: ((y := x * _S + _M) - y.amin()) / (y.amax() - y.amin())),
    ("save_image's normalize", "min-max", lambda x: torchvision.utils.make_grid(x, normalize=True, padding=0)),
    ("negative", "inverted-intensity", lambda x: 1 - (x * _S + _M)),
    ("eps in std", "eps|wrong-std", lambda x: x * (_S + 1e-2) + _M),
    ("mean in bytes", "scale-255|wrong-mean", lambda x: x * _S + columns(BYTE_MEAN)),
    (
        "own mean and std",
        "unknown|min-max|not-inverted|depends-on-values",
        lambda x: (x - x.mean()) / x.std() * _S + _M,
    ),
    ("half precision", "low|float16|precision|unknown|rounded", lambda x: (x.half() * _S.half() + _M.half()).float()),
    ("grey", "channel-order|one-channel-for-all|mixed", lambda x: (x * _S + _M).mean(-3, keepdim=True).expand_as(x)),
    ("mirrored", "unknown|flip|mirror", lambda x: (x * _S + _M).flip(-1)),
    ("turned", "unknown|rot|transpos|mirror|exchanged", lambda x: (x * _S + _M).transpose(-1, -2)),
    ("noise added", "deterministic|random|unknown", lambda x: x * _S + _M + 0.02 * torch.randn_like(x)),
    (
        "top half only",
        "unknown|row|not-inverted|pixel",
        lambda x: torch.cat([x[..., : x.shape[-2] // 2, :] * _S + _M, x[..., x.shape[-2] // 2 :, :]], -2),
    ),
    ("gamma", "unknown", lambda x: (x * _S + _M).clamp(0, 1) ** (1 / 2.2)),
    ("one channel missing", "channel|shape|two", lambda x: (x * _S + _M)[..., :2, :, :]),
    ("nan at the dark end", "NaN|nan|finite|unknown", lambda x: (x * _S + _M).sub(0.001).sqrt() ** 2 + 0.001),
):
    _formula(_name, _cause, _change)


# --- wrong: bytes that lose levels ---


@wrong("truncation")
def truncated_in_torch(x):
    return ((x * columns(STD) + columns(MEAN)) * 255).clamp(0, 255).to(torch.uint8)


@wrong("truncation")
def truncated_in_numpy(x):
    x = np.asarray(x).transpose(1, 2, 0) * np.float32(STDS) + np.float32(MEANS)
    return (np.clip(x, 0, 1) * 255).astype(np.uint8)


@wrong("truncation")
def truncated_to_pil(x):
    x = x.permute(1, 2, 0).numpy() * np.float32(STDS) + np.float32(MEANS)
    return Image.fromarray((x.clip(0, 1) * 255).astype(np.uint8))


@wrong("truncation")
def topil_of_floats(x):
    return F.to_pil_image((x * columns(STD) + columns(MEAN)).clamp(0, 1))


@wrong("truncation|wrap|unknown|scale-255")
def int_cast_of_the_product_with_256(x):
    return ((x * columns(STD) + columns(MEAN)) * 256).to(torch.uint8)


@wrong("truncation|unknown|rounded|half|0.5")
def half_added_and_rounded(x):
    return ((x * columns(STD) + columns(MEAN)) * 255 + 0.5).round().clamp(0, 255).to(torch.uint8)
