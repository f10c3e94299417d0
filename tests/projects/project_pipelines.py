"""Pipelines of one image as people write them, in every library, and beside them those that are wrong.

Each row is a name and what makes the pipeline; a wrong row also has what the first failure has to say.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any

import albumentations as A
import cv2
import kornia
import monai.transforms as M
import numpy as np
import timm.data
import torch
import torchio
import torchvision
import transformers
from albumentations.pytorch import ToTensorV2
from lightning.pytorch import LightningModule
from PIL import Image
from project import BYTE_MEAN, BYTE_STD, CIFAR_MEAN, CIFAR_STD, MEAN, STD, Project, columns, given, pixels
from segmentation_models_pytorch.encoders import preprocess_input
from torch import nn
from torchvision import transforms as T
from torchvision.transforms import functional as F
from torchvision.transforms import v2

PROJECTS: list[Project] = []
NORMALIZE = T.Normalize(MEAN, STD)
MEANS, STDS = np.array(MEAN, np.float32), np.array(STD, np.float32)
BGR_MEAN, BGR_STD = MEAN[::-1], STD[::-1]
V2_FLOAT = v2.ToDtype(torch.float32, scale=True)


def _undo(x):
    return x * columns(STD) + columns(MEAN)


def _right(rows: dict[str, Callable[[], Any]], verdict: str = "passed", **options: Any) -> None:
    for name, make in rows.items():
        project = functools.partial(_made, make, options)
        PROJECTS.append(Project(f"right pipeline: {name}", project, verdict))


def _wrong(rows: dict[str, tuple[str, Callable[[], Any]]], **options: Any) -> None:
    for name, (cause, make) in rows.items():
        project = functools.partial(_made, make, options)
        PROJECTS.append(Project(f"wrong pipeline: {name}", project, "failed", cause))


def _made(make: Callable[[], Any], options: dict[str, Any]) -> Any:
    return given(pipeline=make(), **options)


# --- plain functions, as they stand in a project's data.py ---


def from_pil(image):
    x = np.asarray(image.convert("RGB"), dtype=np.float32) / 255.0
    return torch.from_numpy(((x - MEANS) / STDS).transpose(2, 0, 1).copy())


def from_pil_resized(image, size=64):
    image = image.convert("RGB").resize((size, size), Image.BILINEAR)
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div(255)
    return x.sub(columns(MEAN)).div(columns(STD))


def from_array(image):
    x = image.astype(np.float32) / 255.0
    x = (x - MEANS) / STDS
    return np.ascontiguousarray(x.transpose(2, 0, 1))


def from_bgr_array(image):
    x = cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.float32) / 255
    return torch.from_numpy((x - MEANS) / STDS).permute(2, 0, 1)


def from_float_tensor(x):
    return (x - columns(MEAN)) / columns(STD)


def to_minus_one_and_one(image):
    return F.to_tensor(image) * 2 - 1


def with_functional(image):
    return F.normalize(F.to_tensor(image), MEAN, STD)


def with_an_assert(image):
    x = F.to_tensor(image)
    assert x.max() > 0.05, "a black image?"
    return F.normalize(x, MEAN, STD)


def blank_images_raise(image):
    x = F.to_tensor(image)
    if x.max() == x.min():
        raise ValueError("blank image")
    return F.normalize(x, MEAN, STD)


def keeps_channels_last(image):
    return (np.asarray(image, np.float32) / 255 - MEANS) / STDS


def returns_a_dict(image):
    return {"pixel_values": with_functional(image), "size": image.size}


def adds_a_batch_axis(image):
    return with_functional(image).unsqueeze(0)


def bytes_statistics(image):
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()
    return (x - columns(BYTE_MEAN)) / columns(BYTE_STD)


class Preprocess:
    def __init__(self, size=64, mean=MEAN, std=STD):
        self.resize = T.Resize((size, size))
        self.mean, self.std = columns(mean), columns(std)

    def __call__(self, image):
        return (F.to_tensor(self.resize(image)) - self.mean) / self.std


class Buffers(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", columns(MEAN))
        self.register_buffer("std", columns(STD))

    def forward(self, x):
        return (x - self.mean) / self.std


class Strict:
    """Answers to no attribute that it has not, in a way that is not Python's."""

    def __init__(self, transform):
        self.__dict__["transform"] = transform

    def __getattr__(self, name):
        raise RuntimeError(f"no attribute {name}")

    def __call__(self, image):
        return self.transform(image)


class Settings(dict):
    """A dictionary whose keys are attributes, as configuration libraries have it."""

    __getattr__ = dict.get


class Configured(Settings):
    def __call__(self, image):
        return self["transform"](image)


class Model(LightningModule):
    def __init__(self):
        super().__init__()
        self.normalize = T.Normalize(MEAN, STD)
        self.net = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.net(self.normalize(x))


class TwoViews:
    """Two augmented views of one image, as for contrastive learning."""

    def __init__(self, transform):
        self.transform = transform

    def __call__(self, image):
        return [self.transform(image), self.transform(image)]


def v1(*before: Any, after: tuple[Any, ...] = (), mean: Any = MEAN, std: Any = STD, **options: Any) -> T.Compose:
    return T.Compose([*before, T.ToTensor(), T.Normalize(mean, std, **options), *after])


def second(*before: Any, after: tuple[Any, ...] = (), mean: Any = MEAN, std: Any = STD, **options: Any) -> v2.Compose:
    return v2.Compose([v2.ToImage(), *before, V2_FLOAT, v2.Normalize(mean, std, **options), *after])


def processor(name: str = "ViTImageProcessor", **options: Any) -> Any:
    return getattr(transformers, name)(**options)


_right(
    {
        "v1": v1,
        "v1 tuples": lambda: v1(mean=tuple(MEAN), std=tuple(STD)),
        "v1 tensors": lambda: v1(mean=torch.tensor(MEAN), std=torch.tensor(STD)),
        "v1 arrays": lambda: v1(mean=np.array(MEAN), std=np.array(STD)),
        "v1 evaluation": lambda: v1(T.Resize(72), T.CenterCrop(64)),
        "v1 training": lambda: v1(T.RandomResizedCrop(64), T.RandomHorizontalFlip()),
        "v1 cifar training": lambda: v1(
            T.RandomCrop(32, padding=4), T.RandomHorizontalFlip(), mean=CIFAR_MEAN, std=CIFAR_STD
        ),
        "v1 randaugment": lambda: v1(T.RandAugment()),
        "v1 trivial augment and erasing": lambda: v1(T.TrivialAugmentWide(), after=(T.RandomErasing(p=0.25),)),
        "v1 augmix": lambda: v1(T.AugMix()),
        "v1 jitter, grey, blur": lambda: v1(
            T.RandomApply([T.ColorJitter(0.4, 0.4, 0.2, 0.1)], p=0.8),
            T.RandomGrayscale(0.2),
            T.RandomApply([T.GaussianBlur(3)], p=0.5),
        ),
        "v1 in place on a fresh tensor": lambda: v1(inplace=True),
        "v1 halves": lambda: v1(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
        "v1 grey": lambda: v1(T.Grayscale(), mean=[0.1307], std=[0.3081]),
        "v1 grey with numbers": lambda: v1(T.Grayscale(), mean=(0.5,), std=(0.5,)),
        "v1 three grey channels": lambda: v1(T.Grayscale(3)),
        "v1 one number for three": lambda: v1(mean=0.5, std=0.5),
        "v1 PIL to tensor and convert": lambda: T.Compose(
            [T.PILToTensor(), T.ConvertImageDtype(torch.float32), NORMALIZE]
        ),
        "v1 nested": lambda: T.Compose([T.Compose([T.Resize(64)]), T.Compose([T.ToTensor(), NORMALIZE])]),
        "v1 float after the normalize": lambda: v1(after=(T.ConvertImageDtype(torch.float64),)),
        "v1 five crops": lambda: T.Compose(
            [T.Resize(80), T.FiveCrop(64), T.Lambda(five_normalized)],
        ),
        "two normalizes that are one": lambda: T.Compose(
            [T.ToTensor(), T.Normalize(0, 1 / 255), T.Normalize(BYTE_MEAN, BYTE_STD)]
        ),
        "v2": second,
        "v2 training": lambda: second(v2.RandomResizedCrop(64, antialias=True), v2.RandomHorizontalFlip()),
        "v2 of pictures": lambda: v2.Compose([v2.Resize(64), v2.ToTensor(), v2.Normalize(MEAN, STD)]),
        "v2 pure tensor": lambda: second(after=(v2.ToPureTensor(),)),
        "v2 in place": lambda: second(inplace=True),
        "v2 PIL to tensor": lambda: v2.Compose([v2.PILToTensor(), V2_FLOAT, v2.Normalize(MEAN, STD)]),
        "v2 dtype by kind": lambda: v2.Compose(
            [
                v2.ToImage(),
                v2.ToDtype({torchvision.tv_tensors.Image: torch.float32, "others": None}, scale=True),
                v2.Normalize(MEAN, STD),
            ]
        ),
        "v2 choice of augmentations": lambda: second(v2.RandomChoice([v2.RandomRotation(10), v2.RandomEqualize()])),
        "weights of a resnet": lambda: torchvision.models.ResNet18_Weights.DEFAULT.transforms(),
        "weights of a vit": lambda: torchvision.models.ViT_B_16_Weights.DEFAULT.transforms(),
        "weights of a segmentation model": lambda: (
            torchvision.models.segmentation.LRASPP_MobileNet_V3_Large_Weights.DEFAULT.transforms()
        ),
        "resize and normalize of floats": lambda: T.Compose([T.Resize(32), NORMALIZE]),
        "normalize alone": lambda: T.Normalize(MEAN, STD),
        "sequential": lambda: nn.Sequential(T.Resize(32), T.Normalize(MEAN, STD)),
        "sequential with a module of parameters behind": lambda: nn.Sequential(NORMALIZE, nn.Identity()),
        "albumentations": lambda: A.Compose([A.Normalize(MEAN, STD), ToTensorV2()]),
        "albumentations default": lambda: A.Compose([A.Resize(64, 64), A.Normalize(), ToTensorV2()]),
        "albumentations arrays": lambda: A.Compose([A.CenterCrop(32, 32), A.Normalize(MEAN, STD)]),
        "albumentations training": lambda: A.Compose(
            [A.RandomCrop(32, 32), A.HorizontalFlip(), A.RandomBrightnessContrast(), A.Normalize(), ToTensorV2()]
        ),
        "albumentations byte statistics": lambda: A.Compose(
            [A.Normalize(BYTE_MEAN, BYTE_STD, max_pixel_value=1.0), ToTensorV2()]
        ),
        "albumentations to float first": lambda: A.Compose([A.ToFloat(255), A.Normalize(max_pixel_value=1.0)]),
        "albumentations of floats": lambda: A.Compose([A.Normalize(MEAN, STD, max_pixel_value=1.0), ToTensorV2()]),
        "albumentations alone": lambda: A.Normalize(MEAN, STD),
        "albumentations function": lambda: albumentations_function,
        "kornia": lambda: kornia.augmentation.Normalize(torch.tensor(MEAN), torch.tensor(STD)),
        "kornia enhance": lambda: kornia.enhance.Normalize(torch.tensor(MEAN), torch.tensor(STD)),
        "kornia sequential": lambda: kornia.augmentation.AugmentationSequential(
            kornia.augmentation.RandomHorizontalFlip(), kornia.augmentation.Normalize(MEAN, STD), data_keys=["input"]
        ),
        "kornia in a sequential": lambda: nn.Sequential(
            kornia.geometry.Resize((32, 32)), kornia.enhance.Normalize(torch.tensor(MEAN), torch.tensor(STD))
        ),
        "monai": lambda: M.Compose([M.NormalizeIntensity(MEAN, STD, channel_wise=True)]),
        "monai bytes": lambda: M.Compose([M.ScaleIntensityRange(0, 255, -1, 1)]),
        "monai of numbers": lambda: M.NormalizeIntensity(0.5, 0.25),
        "torchio": lambda: torchio.RescaleIntensity((-1, 1), in_min_max=(0, 255)),
        "processor": processor,
        "processor of clip": lambda: processor("CLIPImageProcessor"),
        "processor of convnext": lambda: processor("ConvNextImageProcessor"),
        "processor with other statistics": lambda: processor(
            image_mean=MEAN, image_std=STD, size={"height": 32, "width": 32}
        ),
        "processor by attribute": lambda: functools.partial(processor(), return_tensors="pt"),
        "processor behind a function": lambda: pixel_values,
        "timm evaluation": lambda: timm.data.create_transform(64, mean=MEAN, std=STD),
        "timm inception": lambda: timm.data.create_transform(64, mean=(0.5,) * 3, std=(0.5,) * 3),
        "timm training": lambda: timm.data.create_transform(
            64, is_training=True, auto_augment="rand-m9-mstd0.5", re_prob=0.25
        ),
        "smp": lambda: functools.partial(preprocess_input, mean=MEAN, std=STD, input_range=[0, 1]),
        "a class": Preprocess,
        "a class with halves": lambda: Preprocess(32, [0.5] * 3, [0.5] * 3),
        "a module with buffers": Buffers,
        "a model that normalizes": Model,
        "attributes that raise": lambda: Strict(v1()),
        "a dictionary's attributes": lambda: Configured(transform=v1()),
        "four bands": lambda: T.Normalize([0.485, 0.456, 0.406, 0.35], [0.229, 0.224, 0.225, 0.19]),
        "pictures with alpha": lambda: v1(mean=[*MEAN, 0.0], std=[*STD, 1.0]),
        "two bands": lambda: T.Normalize([0.4, 0.5], [0.2, 0.25]),
        "thirteen bands": lambda: T.Normalize([0.1 + c / 50 for c in range(13)], [0.2 + c / 100 for c in range(13)]),
        **{
            function.__name__.replace("_", " "): functools.partial(lambda f: f, function)
            for function in (
                from_pil,
                from_pil_resized,
                from_array,
                from_float_tensor,
                to_minus_one_and_one,
                with_functional,
                with_an_assert,
                blank_images_raise,
                keeps_channels_last,
                returns_a_dict,
                adds_a_batch_axis,
                bytes_statistics,
            )
        },
    }
)
_right({"two views": lambda: TwoViews(v1(T.RandomHorizontalFlip()))})
_right(
    {
        "v1 lambda before": lambda: v1(T.Lambda(lambda image: image.convert("RGB"))),
        "v1 lambda for minus one and one": lambda: T.Compose([T.ToTensor(), T.Lambda(lambda x: x * 2 - 1)]),
        "statistics of few digits": lambda: v1(mean=[0.49, 0.46, 0.41], std=[0.23, 0.22, 0.23]),
        "from bgr array": lambda: from_bgr_array,
        "a module that divides tensors of bytes": lambda: nn.Sequential(Bytes(), NORMALIZE),
    },
    verdict="warned",
)
_right({"normalize with bytes": lambda: T.Normalize(BYTE_MEAN, BYTE_STD)}, images=pixels().astype(np.float32))
_right({"four bands of images": lambda: T.Normalize([0.5] * 4, [0.25] * 4)}, images=torch.rand(3, 4, 16, 16))
_right({"clips of three grey frames": lambda: T.Normalize([0.5], [0.25])}, images=torch.rand(3, 1, 16, 16))
_right(
    {"v1 with its inverse": v1, "v2 with its inverse": second, "from pil with its inverse": lambda: from_pil},
    inverse=_undo,
)
_right({"statistics of a thousandth": lambda: v1(mean=[0.001, 0.002, 0.003], std=[1e-3, 2e-3, 3e-3])}, verdict="warned")


def five_normalized(crops):
    return torch.stack([v1()(crop) for crop in crops])


def albumentations_function(image):
    return A.Compose([A.Normalize(MEAN, STD), ToTensorV2()])(image=np.array(image))["image"]


def pixel_values(image):
    return processor()(image, return_tensors="pt").pixel_values[0]


# --- wrong ---


def divides_twice(image):
    x = F.to_tensor(image).div(255)
    return F.normalize(x, MEAN, STD)


def own_mean_and_std(image):
    x = F.to_tensor(image)
    return (x - x.mean((1, 2), keepdim=True)) / x.std((1, 2), keepdim=True)


def stretched(image):
    x = F.to_tensor(image)
    return F.normalize((x - x.min()) / (x.max() - x.min()), MEAN, STD)


def top_half(image):
    x = F.to_tensor(image)
    half = x.shape[1] // 2
    return torch.cat([F.normalize(x[:, :half], MEAN, STD), x[:, half:]], dim=1)


def every_second_column(image):
    x = F.to_tensor(image)
    y = F.normalize(x, MEAN, STD)
    y[:, :, 1::2] = x[:, :, 1::2]
    return y


def right_third_doubled(image):
    y = F.normalize(F.to_tensor(image), MEAN, STD)
    third = y.shape[2] // 3
    y[:, :, -third:] *= 2
    return y


def border_left_raw(image):
    x = F.to_tensor(image)
    y = x.clone()
    y[:, 2:-2, 2:-2] = F.normalize(x[:, 2:-2, 2:-2], MEAN, STD)
    return y


def first_channel_only(image):
    x = F.to_tensor(image)
    x[0] = (x[0] - MEAN[0]) / STD[0]
    return x


def sometimes(image):
    x = F.to_tensor(image)
    return F.normalize(x, MEAN, STD) if random.random() < 0.5 else x


def bright_images_only(image):
    x = F.to_tensor(image)
    return F.normalize(x, MEAN, STD) if x.mean() > 0.4 else x


def without_transpose(image):
    x = np.asarray(image, np.float32).transpose(2, 0, 1) / 255
    return torch.from_numpy((x - MEANS) / STDS)


def integer_division(image):
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1) // 255
    return F.normalize(x.float(), MEAN, STD)


def truncated_after(image):
    return F.normalize(F.to_tensor(image), MEAN, STD).to(torch.int8)


def clipped_after(image):
    return F.normalize(F.to_tensor(image), MEAN, STD).clamp(0, 1)


def four_levels(image):
    return F.normalize((F.to_tensor(image) * 4).round() / 4, MEAN, STD)


def misspelled(image):
    return F.normalise(F.to_tensor(image), MEAN, STD)


def file_missing(image):
    mean = np.load("/nonexistent/mean.npy")
    return (F.to_tensor(image) - columns(mean)) / columns(STD)


def cuda_wanted(image):
    return F.normalize(F.to_tensor(image).to("meta"), MEAN, STD).sum().item()


class Pre(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        return x * 2 - 1


class Bytes(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x / 255


_SAME = [T.ToTensor(), NORMALIZE]
_FAILS_ON_BYTES = "TypeError|float"
_wrong(
    {
        "v2 without to dtype": (_FAILS_ON_BYTES, lambda: v2.Compose([v2.ToImage(), v2.Normalize(MEAN, STD)])),
        "v2 resized without to dtype": (
            _FAILS_ON_BYTES,
            lambda: v2.Compose([v2.ToImage(), v2.Resize(64), v2.Normalize(MEAN, STD)]),
        ),
        "PIL to tensor": (_FAILS_ON_BYTES, lambda: T.Compose([T.PILToTensor(), NORMALIZE])),
        "v2 PIL to tensor": (_FAILS_ON_BYTES, lambda: v2.Compose([v2.PILToTensor(), v2.Normalize(MEAN, STD)])),
        "v2 dtype of tensors alone": (
            _FAILS_ON_BYTES,
            lambda: v2.Compose(
                [
                    v2.ToImage(),
                    v2.ToDtype({torch.Tensor: torch.float32, "others": None}, scale=True),
                    v2.Normalize(MEAN, STD),
                ]
            ),
        ),
        "v2 dtype without scale": (
            "255|scale",
            lambda: v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32), v2.Normalize(MEAN, STD)]),
        ),
        "PIL to tensor and float": (
            "255|scale",
            lambda: T.Compose(
                [T.PILToTensor(), T.ConvertImageDtype(torch.uint8), T.Lambda(torch.Tensor.float), NORMALIZE]
            ),
        ),
        "normalize before to tensor": ("TypeError|order|PIL", lambda: T.Compose([NORMALIZE, T.ToTensor()])),
        "resize after normalize of a picture": (
            "TypeError|PIL",
            lambda: T.Compose([NORMALIZE, T.ToTensor(), T.Resize(64)]),
        ),
        "to tensor twice": ("TypeError|ndarray", lambda: T.Compose([T.ToTensor(), T.ToTensor(), NORMALIZE])),
        "grey with three statistics": ("channel", lambda: v1(T.Grayscale())),
        "four statistics of rgb": ("channel|size of tensor", lambda: second(v2.RGB(), mean=[0.5] * 4, std=[0.5] * 4)),
        "two statistics of rgb": ("channel|size of tensor", lambda: second(v2.RGB(), mean=[0.5] * 2, std=[0.5] * 2)),
        "std of zero": ("std", lambda: v1(std=[0.229, 0.0, 0.225])),
        "normalize twice": ("single_normalize|twice|second", lambda: T.Compose([*_SAME, T.Normalize(MEAN, STD)])),
        "normalize twice in v2": ("single_normalize|twice|second", lambda: second(after=(v2.Normalize(MEAN, STD),))),
        "halves and imagenet": (
            "single_normalize|twice|second",
            lambda: v1(mean=[0.5] * 3, std=[0.5] * 3, after=(NORMALIZE,)),
        ),
        "byte statistics on floats": ("255", lambda: v1(mean=BYTE_MEAN, std=BYTE_STD)),
        "byte mean": ("255", lambda: v1(mean=BYTE_MEAN)),
        "swapped mean and std": ("swapped|exchanged", lambda: v1(mean=STD, std=MEAN)),
        "reversed statistics": ("BGR|order|revers", lambda: v1(mean=BGR_MEAN, std=BGR_STD)),
        "one digit off": ("0.255|0.225|blue", lambda: v1(std=[0.229, 0.224, 0.255])),
        "a zero forgotten": ("0.0485|red|0.485", lambda: v1(mean=[0.0485, 0.456, 0.406])),
        "std's inverse": ("std|1/std|invers", lambda: v1(std=[1 / s for s in STD])),
        "variances": ("varianc|std", lambda: v1(std=[s**2 for s in STD])),
        "random normalize": (
            "0.5|some|random|only",
            lambda: T.Compose([T.ToTensor(), T.RandomApply([NORMALIZE], p=0.5)]),
        ),
        "albumentations p": ("0.5|some|p is", lambda: A.Compose([A.Normalize(MEAN, STD, p=0.5), ToTensorV2()])),
        "albumentations one of": (
            "some|one of|OneOf|only",
            lambda: A.Compose([A.OneOf([A.Normalize(MEAN, STD), A.CLAHE()], p=1)]),
        ),
        "albumentations after to float": (
            "255|twice",
            lambda: A.Compose([A.ToFloat(255), A.Normalize(MEAN, STD), ToTensorV2()]),
        ),
        "albumentations tensor first": ("Error", lambda: A.Compose([ToTensorV2(), A.Normalize(MEAN, STD)])),
        "albumentations per image": (
            "per-image|own|each",
            lambda: A.Compose([A.Normalize(normalization="image"), ToTensorV2()]),
        ),
        "albumentations min-max": ("min|own|each", lambda: A.Compose([A.Normalize(normalization="min_max")])),
        "albumentations two statistics": (
            "channel|shape|broadcast",
            lambda: A.Compose([A.Normalize([0.5] * 2, [0.5] * 2)]),
        ),
        "kornia p": (
            "0.5|some|only",
            lambda: kornia.augmentation.AugmentationSequential(
                kornia.augmentation.Normalize(MEAN, STD, p=0.5), data_keys=["input"]
            ),
        ),
        "monai own statistics": ("per-image|own|each", lambda: M.Compose([M.NormalizeIntensity(channel_wise=True)])),
        "monai scale intensity": ("min|own|each", lambda: M.Compose([M.ScaleIntensity()])),
        "monai nonzero": ("nonzero|zero", lambda: M.NormalizeIntensity(0.5, 0.5, nonzero=True)),
        "monai of other channels": (
            "channel",
            lambda: M.Compose(
                [
                    M.EnsureChannelFirst(channel_dim=-1),
                    M.ScaleIntensityRange(0, 255, 0, 1),
                    M.NormalizeIntensity(MEAN[:2], STD[:2], channel_wise=True),
                ]
            ),
        ),
        "torchio z": ("own|per-image|each", lambda: torchio.ZNormalization()),
        "processor without rescale": ("255|rescale", lambda: processor(do_rescale=False)),
        "processor that rescales twice": ("255|twice", lambda: processor(rescale_factor=1 / 255**2)),
        "processor behind to tensor": (
            "255|twice|rescale",
            lambda: T.Compose(
                [T.ToTensor(), functools.partial(processor(image_mean=MEAN, image_std=STD), return_tensors="pt")]
            ),
        ),
        "weights on 0..255 floats": (
            "255|scale",
            lambda: T.Compose(
                [
                    T.PILToTensor(),
                    T.Lambda(torch.Tensor.float),
                    torchvision.models.ResNet18_Weights.DEFAULT.transforms(),
                ]
            ),
        ),
        "timm statistics in bytes": ("255", lambda: timm.data.create_transform(64, mean=BYTE_MEAN, std=BYTE_STD)),
        "a module before": ("before Normalize|enter|multiplied", lambda: nn.Sequential(Pre(), NORMALIZE)),
        "a lambda before": (
            "before Normalize|enter|multiplied",
            lambda: T.Compose([T.ToTensor(), T.Lambda(lambda x: x * 2 - 1), NORMALIZE]),
        ),
        "bytes again before": ("255", lambda: T.Compose([T.ToTensor(), T.Lambda(lambda x: x * 255), NORMALIZE])),
        "divided again before": (
            "255|twice",
            lambda: T.Compose([T.ToTensor(), T.Lambda(lambda x: x / 255), NORMALIZE]),
        ),
        "bgr before": (
            "BGR|order|exchang|blue",
            lambda: T.Compose([T.ToTensor(), T.Lambda(lambda x: x.flip(0)), NORMALIZE]),
        ),
        "scaled after": ("after|leaves", lambda: v1(after=(T.Lambda(lambda x: x * 2),))),
        "clamped after": ("clamp|clip", lambda: v1(after=(T.Lambda(lambda x: x.clamp(0, 1)),))),
        "denormalized after": ("after|undone|again|leaves", lambda: v1(after=(T.Lambda(_undo),))),
        "rounded to eighths after": (
            "round|step|level|changed",
            lambda: v1(after=(T.ConvertImageDtype(torch.float16), T.Lambda(lambda x: (x * 8).round() / 8))),
        ),
        "normalize in place alone": ("in place", lambda: T.Normalize(MEAN, STD, inplace=True)),
        "no normalize": ("no Normalize", lambda: T.Compose([T.Resize(64), T.ToTensor()])),
    }
)
for _cause, _function in (
    ("255|twice", divides_twice),
    ("per-image|own|each", own_mean_and_std),
    ("per-image|own|min", stretched),
    ("row|half|place|pixel|where", top_half),
    ("column|place|pixel|where", every_second_column),
    ("column|third|place|pixel|where", right_third_doubled),
    ("row|border|place|pixel|where", border_left_raw),
    ("random|some|chance|twice", sometimes),
    ("some|depend|bright|own|each|per-image", bright_images_only),
    ("ValueError|broadcast", without_transpose),
    ("level|step|0 and 1|integer|black", integer_division),
    ("int8|integer|trunc|level|round", truncated_after),
    ("clip|clamp", clipped_after),
    ("level|step|round|quant", four_levels),
    ("AttributeError", misspelled),
    ("FileNotFoundError", file_missing),
    ("float|tensor|image|Error", cuda_wanted),
):
    _wrong({_function.__name__.replace("_", " "): (_cause, functools.partial(lambda f: f, _function))})
_wrong(
    {
        "first channel only": ("green|wrong|channel", lambda: first_channel_only),
        "top half with its inverse": ("row|half|pixel|where|round_trip", lambda: top_half),
        "right third with its inverse": ("column|third|pixel|where|round_trip", lambda: right_third_doubled),
        "v2 without to dtype, with an inverse": (
            _FAILS_ON_BYTES,
            lambda: v2.Compose([v2.ToImage(), v2.Normalize(MEAN, STD)]),
        ),
        "PIL to tensor and float, with an inverse": (
            "255|scale",
            lambda: T.Compose([T.PILToTensor(), T.Lambda(torch.Tensor.float), NORMALIZE]),
        ),
    },
    inverse=_undo,
)
_wrong(
    {
        "assert: unscaled bytes": (
            "255|scale|TypeError",
            lambda: v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32), v2.Normalize(MEAN, STD)]),
        ),
        "assert: without to dtype": (_FAILS_ON_BYTES, lambda: v2.Compose([v2.ToImage(), v2.Normalize(MEAN, STD)])),
        "assert: bgr": (
            "BGR|order|exchang|blue",
            lambda: T.Compose([T.ToTensor(), T.Lambda(lambda x: x.flip(0)), NORMALIZE]),
        ),
        "assert: wrong order": ("TypeError|order|PIL", lambda: T.Compose([NORMALIZE, T.ToTensor()])),
        "assert: grey with three statistics": ("channel|broadcast shape", lambda: v1(T.Grayscale())),
        "assert: top half": ("row|half|pixel|where|round trip|come back", lambda: top_half),
        "assert: divides twice": ("255|twice", lambda: divides_twice),
    },
    inverse=_undo,
    function="assert_round_trip",
)
