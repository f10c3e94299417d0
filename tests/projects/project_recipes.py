"""Whole recipes: training code of several tasks and libraries as repositories have it, right and gone wrong."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import albumentations as A
import cv2
import kornia.augmentation as K
import monai.transforms as M
import numpy as np
import torch
import torchvision
from albumentations.pytorch import ToTensorV2
from datasets import Dataset as Table
from lightning.pytorch import LightningDataModule
from PIL import Image
from project import BYTE_MEAN, BYTE_STD, MEAN, STD, Photos, Project, columns, given, imagenet, pictures, pixels
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset, default_collate, random_split
from torchvision import transforms as T
from torchvision import tv_tensors
from torchvision.transforms import functional as F
from torchvision.transforms import v2
from transformers import CLIPImageProcessor, ViTImageProcessor

PROJECTS: list[Project] = []
NORMALIZE = T.Normalize(MEAN, STD)
_M, _S = np.array(MEAN, np.float32), np.array(STD, np.float32)


def undo(x):
    return x * columns(STD) + columns(MEAN)


def _rows(side: str, rows: dict[str, Any], **options: Any) -> None:
    for name, row in rows.items():
        cause, make = row if isinstance(row, tuple) else ("", row)
        verdict = "failed" if side == "wrong" else "warned"
        PROJECTS.append(Project(f"{side} recipe: {name}", functools.partial(_made, make, options), verdict, cause))


def _made(make: Callable[[], Any], options: dict[str, Any]) -> Any:
    made = make()
    return given(**(made if isinstance(made, dict) and "pipeline" in made else {"pipeline": made}), **options)


# --- what an item is made of, in several tasks ---


class Segmentation(Photos):
    """Image and mask through one joint transform of albumentations."""

    def __getitem__(self, index):
        mask = (pixels()[index].mean(-1) > 90).astype(np.uint8)
        made = self.transform(image=np.array(self.images[index]), mask=mask)
        return made["image"], made["mask"]


class Joint(Photos):
    """Image and mask as torchvision's own tensors."""

    def __getitem__(self, index):
        mask = tv_tensors.Mask(torch.from_numpy(pixels()[index].mean(-1) > 90).long())
        return self.transform(tv_tensors.Image(F.pil_to_tensor(self.images[index])), mask)


class Detection(Photos):
    """An image and a dict of boxes; items differ in their number of boxes."""

    def __getitem__(self, index):
        boxes = torch.tensor([[0.0, 0, 9, 9]] * (index % 3 + 1))
        return self.picture(index), {"boxes": boxes, "labels": torch.ones(len(boxes)), "image_id": index}


class Siamese(Photos):
    """An anchor, its like, and another one."""

    def __getitem__(self, index):
        return tuple(self.picture((index + step) % len(self)) for step in (0, 1, 5)), index


class Restoration(Photos):
    """The input is normalized, the target is kept as it was, under a name that says so."""

    def __getitem__(self, index):
        image = self.images[index]
        return {"image": self.transform(image), "target": F.to_tensor(image)}


class Code(Dataset):
    """Reads arrays and does everything in its own code."""

    def __init__(self, how):
        self.how = how

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return self.how(pixels()[index]), index


class Methods(Photos):
    """Normalizes in a method, with an attribute."""

    def __init__(self, then=lambda x: x):
        super().__init__()
        self.normalize = T.Normalize(MEAN, STD)
        self.then = then

    def __getitem__(self, index):
        return self.then(self.normalize(F.to_tensor(self.images[index]))), index


class Collated:
    """Normalizes batches of bytes, after they were stacked."""

    def __init__(self, mean=MEAN, std=STD, divide=255.0):
        self.normalize, self.divide = T.Normalize(mean, std), divide

    def __call__(self, items):
        images, labels = zip(*items)
        return self.normalize(torch.stack(images).float() / self.divide), torch.tensor(labels)


class Module(LightningDataModule):
    def __init__(self, train, val=None, then=lambda x: x):
        super().__init__()
        self.train_transform, self.val_transform, self.then = train, val or train, then

    def setup(self, stage=None):
        self.train_set = Photos(self.train_transform)
        self.val_set = Photos(self.val_transform)

    def train_dataloader(self):
        return DataLoader(self.train_set, 4, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val_set, 4)


def set_up(module):
    module.setup()
    return module


def detection_collate(items):
    return tuple(zip(*items))


def padded_collate(items):
    images = [image for image, _ in items]
    batch = images[0].new_zeros(len(images), 3, 48, 64)
    for place, image in zip(batch, images):
        place[:, : image.shape[1], : image.shape[2]] = image
    return batch, [target for _, target in items]


def raw_padded_collate(items):
    """Pads with what it takes for black."""
    return padded_collate([(image * 2, target) for image, target in items])


def cutmix_collate(items):
    return v2.RandomChoice([v2.CutMix(num_classes=10), v2.MixUp(num_classes=10)])(*default_collate(items))


def permuted_collate(items):
    images, labels = default_collate(items)
    return images[:, [1, 2, 0]], labels


def noisy_collate(items):
    images, labels = default_collate(items)
    return images + 0.1 * torch.randn_like(images), labels


def half_collate(items):
    images, labels = default_collate(items)
    return images.half(), labels


def clamped_collate(items):
    images, labels = default_collate(items)
    return images.clamp(0, 1), labels


def undone_collate(items):
    images, labels = default_collate(items)
    return undo(images), labels


# --- plain functions ---


def loop(image):
    x = np.asarray(image, dtype=np.float32) / 255.0
    for channel in range(3):
        x[:, :, channel] = (x[:, :, channel] - MEAN[channel]) / STD[channel]
    return torch.from_numpy(x.transpose(2, 0, 1))


def loop_last_forgotten(image):
    x = np.asarray(image, dtype=np.float32) / 255.0
    for channel in range(2):
        x[:, :, channel] = (x[:, :, channel] - MEAN[channel]) / STD[channel]
    return torch.from_numpy(x.transpose(2, 0, 1))


def cv_resized(image):
    x = cv2.resize(np.asarray(image), (64, 64)).astype(np.float32) / 255
    return torch.from_numpy(((x - _M) / _S).transpose(2, 0, 1)).unsqueeze(0)


def by_its_largest(image):
    x = F.to_tensor(image)
    return F.normalize(x / x.max(), MEAN, STD)


def truncating_uint8(image):
    x = (np.asarray(image) / 255 - _M) / _S
    return torch.from_numpy(x.transpose(2, 0, 1)).to(torch.uint8)


def subtracts_bytes_mean_only(image):
    x = torch.from_numpy(np.array(image, dtype=np.float32)).permute(2, 0, 1)
    return x - columns(BYTE_MEAN)


def left_half_only(image):
    x = F.to_tensor(image)
    x[:, :, : x.shape[2] // 2] = F.normalize(x[:, :, : x.shape[2] // 2], MEAN, STD)
    return x


def center_pixel_lost(image):
    x = F.normalize(F.to_tensor(image), MEAN, STD)
    x[:, 8:24, 8:24] = 0
    return x


def wraps(image):
    return F.normalize((F.pil_to_tensor(image) + 40).float() / 255, MEAN, STD)  # bytes wrap


def rows_of(key, change=lambda x: x):
    def transform(rows):
        rows["pixel_values"] = [change(imagenet()(image.convert("RGB"))) for image in rows[key]]
        del rows[key]
        return rows

    return transform


def table(key="image", change=lambda x: x):
    return Table.from_dict({key: pictures(count=6)}).with_transform(rows_of(key, change))


def processed_rows(**options):
    processor = ViTImageProcessor(size={"height": 32, "width": 32}, **options)

    def transform(rows):
        return processor(rows["image"], return_tensors="pt")

    return Table.from_dict({"image": pictures(count=6)}).with_transform(transform)


class Wrapped(Dataset):
    """A subset with a transform of its own, as after random_split."""

    def __init__(self, subset, transform):
        self.subset, self.transform = subset, transform

    def __len__(self):
        return len(self.subset)

    def __getitem__(self, index):
        image, label = self.subset[index]
        return self.transform(image), label


class Prefetcher:
    """Normalizes batches of bytes on their way to the device."""

    def __init__(self, loader, mean=BYTE_MEAN, std=BYTE_STD):
        self.loader, self.mean, self.std = loader, columns(mean), columns(std)

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        for images, labels in self.loader:
            yield (images.float() - self.mean) / self.std, labels


def split(transform, val):
    train, test = random_split(Photos(), [8, 4], torch.Generator().manual_seed(0))
    return {"train": Wrapped(train, transform), "val": Wrapped(test, val)}


def albumented(*before, after=(), **options):
    return A.Compose([*before, A.Normalize(MEAN, STD, **options), *after, ToTensorV2()])


BYTES_TENSOR = T.PILToTensor()
_HALVES = T.Compose([T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3)])
_BGR = T.Lambda(lambda x: x[[2, 1, 0]])
_AUGMENTED = v2.Compose(
    [v2.ToImage(), v2.RandomResizedCrop(32), v2.ColorJitter(0.4, 0.4, 0.4), v2.ToDtype(torch.float32, scale=True)]
)

_rows(
    "right",
    {
        "segmentation with albumentations": lambda: Segmentation(albumented(A.HorizontalFlip(), A.RandomCrop(24, 24))),
        "segmentation with torchvision": lambda: Joint(
            v2.Compose(
                [
                    v2.RandomHorizontalFlip(),
                    v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True),
                    v2.Normalize(MEAN, STD),
                ]
            )
        ),
        "detection": lambda: DataLoader(Detection(imagenet()), 4, collate_fn=detection_collate),
        "detection, padded": lambda: DataLoader(Detection(imagenet()), 4, collate_fn=padded_collate),
        "triplets": lambda: Siamese(imagenet()),
        "triplets in a loader": lambda: DataLoader(Siamese(imagenet()), 4),
        "restoration": lambda: Restoration(imagenet()),
        "a method that normalizes": Methods,
        "batches normalized by collate": lambda: DataLoader(Photos(BYTES_TENSOR), 4, collate_fn=Collated()),
        "a data module": lambda: set_up(Module(T.Compose([T.RandomCrop(32, 4), *imagenet().transforms]), imagenet())),
        "a data module before setup": lambda: Module(imagenet()),
        "cutmix or mixup": lambda: DataLoader(Photos(imagenet()), 4, collate_fn=cutmix_collate),
        "noise on batches": lambda: DataLoader(Photos(imagenet()), 4, collate_fn=noisy_collate),
        "half precision batches": lambda: DataLoader(Photos(imagenet()), 4, collate_fn=half_collate),
        "a loop over channels": lambda: loop,
        "resized by OpenCV": lambda: cv_resized,
        "a table": table,
        "a table of other names": lambda: table("img"),
        "a table through a processor": processed_rows,
        "random split": lambda: split(T.Compose([T.RandomHorizontalFlip(), *imagenet().transforms]), imagenet()),
        "plain functions for splits": lambda: {"train": loop, "val": loop},
        "one plain function in data sets": lambda: {"train": Photos(loop), "val": Photos(loop)},
        "a data set of a plain function": lambda: Photos(loop),
        "a subset of a plain function": lambda: Subset(Photos(loop), [0, 2, 4]),
        "a loader of a plain function": lambda: DataLoader(Photos(loop), 4),
        "joined splits": lambda: ConcatDataset([Photos(imagenet()), Photos(imagenet(), pictures(32, 4))]),
        "kornia after a stack": lambda: nn.Sequential(
            K.RandomHorizontalFlip(), K.Normalize(torch.tensor(MEAN), torch.tensor(STD))
        ),
        "monai": lambda: M.Compose(
            [
                M.EnsureChannelFirst(channel_dim=-1),
                M.ScaleIntensityRange(0, 255, 0, 1),
                M.NormalizeIntensity(MEAN, STD, channel_wise=True),
            ]
        ),
        "monai of a dict": lambda: M.Compose(
            [
                M.EnsureChannelFirstd(["image"], channel_dim=-1),
                M.ScaleIntensityRanged(["image"], 0, 255, 0, 1),
                M.NormalizeIntensityd(["image"], MEAN, STD, channel_wise=True),
            ]
        ),
        "mean, then std": lambda: T.Compose([T.ToTensor(), T.Normalize(MEAN, [1.0] * 3), T.Normalize([0.0] * 3, STD)]),
        "to minus one and one, by hand": lambda: T.Compose([T.ToTensor(), T.Lambda(lambda x: x * 2 - 1)]),
        "many crops": lambda: T.Compose(
            [T.FiveCrop(24), T.Lambda(lambda crops: torch.stack([imagenet()(one) for one in crops]))]
        ),
        "grey of one statistic": lambda: T.Compose([T.Grayscale(), T.ToTensor(), T.Normalize([0.1307], [0.3081])]),
        "grey made color": lambda: T.Compose([T.Grayscale(3), *imagenet().transforms]),
        "a clip processor": lambda: CLIPImageProcessor(),
        "a video's frames": lambda: v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]),
        "detection model's transform": lambda: torchvision.models.detection.transform.GeneralizedRCNNTransform(
            64, 96, MEAN, STD
        ),
        "loader with its inverse": lambda: {"pipeline": DataLoader(Photos(imagenet()), 4), "inverse": undo},
        "detection with its inverse": lambda: {"pipeline": Detection(imagenet()), "inverse": undo},
        "sweep of triplets": lambda: {"pipeline": Siamese(imagenet()), "function": "sweep"},
        "sweep with erasing": lambda: {
            "pipeline": Photos(T.Compose([*imagenet().transforms, T.RandomErasing(1.0)])),
            "function": "sweep",
        },
        "erasing always": lambda: Photos(T.Compose([*imagenet().transforms, T.RandomErasing(1.0, value="random")])),
        "noise after": lambda: Photos(
            T.Compose([*imagenet().transforms, T.Lambda(lambda x: x + 0.05 * torch.randn_like(x))])
        ),
        "blur after": lambda: Photos(T.Compose([*imagenet().transforms, T.GaussianBlur(3)])),
        "rotation after": lambda: Photos(T.Compose([*imagenet().transforms, T.RandomRotation(20)])),
        "crop after": lambda: Photos(T.Compose([*imagenet().transforms, T.RandomCrop(32, padding=4)])),
        "coarse dropout after": lambda: Segmentation(albumented(after=(A.CoarseDropout(p=1.0),))),
    },
)

_rows(
    "wrong",
    {
        "segmentation, mask normalized": ("mask", lambda: MaskToo(imagenet())),
        "detection, batch doubled": (
            "batch",
            lambda: DataLoader(Detection(imagenet()), 4, collate_fn=raw_padded_collate),
        ),
        "batches with permuted channels": (
            "order",
            lambda: DataLoader(Photos(imagenet()), 4, collate_fn=permuted_collate),
        ),
        "clamped batches": ("cut off|clamp", lambda: DataLoader(Photos(imagenet()), 4, collate_fn=clamped_collate)),
        "batches denormalized": ("denormalized", lambda: DataLoader(Photos(imagenet()), 4, collate_fn=undone_collate)),
        "batches divided twice by collate": ("255", lambda: DataLoader(Photos(T.ToTensor()), 4, collate_fn=Collated())),
        "batches of bytes not divided": (
            "images in 0..2",
            lambda: DataLoader(Photos(BYTES_TENSOR), 4, collate_fn=Collated(divide=1)),
        ),
        "triplets, one raw": ("raw|did not meet", lambda: OneRaw(imagenet())),
        "method, then clamped": ("cut off", lambda: Methods(then=lambda x: x.clamp(-1, 1))),
        "method, then times 255": ("255", lambda: Methods(then=lambda x: x * 255)),
        "method, then bytes": ("uint8", lambda: Methods(then=lambda x: (x * 50).byte())),
        "method, then its own mean": ("shifted|multiplied|leaves", lambda: Methods(then=lambda x: x - x.mean())),
        "method, then rounded": ("rounded|curve|leaves", lambda: Methods(then=lambda x: x.round())),
        "method, then sigmoid": ("curve|leaves", lambda: Methods(then=torch.sigmoid)),
        "method, then grey": ("grey", lambda: Methods(then=lambda x: x.mean(0, keepdim=True).expand(3, -1, -1))),
        "method, then a corner zeroed": ("pixels", lambda: Methods(then=corner_zeroed)),
        "a module, val in BGR": ("val", lambda: set_up(Module(imagenet(), T.Compose([T.ToTensor(), _BGR, NORMALIZE])))),
        "a module, val without division": (
            "val",
            lambda: set_up(Module(imagenet(), T.Compose([T.PILToTensor(), T.Lambda(torch.Tensor.float), NORMALIZE]))),
        ),
        "a module, val through a loop": ("val", lambda: set_up(Module(imagenet(), loop_last_forgotten))),
        "a module, val by its largest": ("val", lambda: set_up(Module(imagenet(), by_its_largest))),
        "random split, val halves": ("val", lambda: split(imagenet(), _HALVES)),
        "random split, val raises": ("val", lambda: split(imagenet(), T.Compose([NORMALIZE, T.ToTensor()]))),
        "random split, val per image": ("val", lambda: split(imagenet(), by_its_largest)),
        "random split, val raw": ("val", lambda: split(imagenet(), T.ToTensor())),
        "list of sets, second doubled": (
            "[1]",
            lambda: [Photos(imagenet()), Photos(T.Compose([*imagenet().transforms, T.Lambda(lambda x: x * 2)]))],
        ),
        "val doubled": (
            "val",
            lambda: {"train": imagenet(), "val": T.Compose([*imagenet().transforms, T.Lambda(lambda x: x * 2)])},
        ),
        "val clamped": (
            "val",
            lambda: {
                "train": imagenet(),
                "val": T.Compose([*imagenet().transforms, T.Lambda(lambda x: x.clamp(0, 1))]),
            },
        ),
        "val grey": ("val", lambda: {"train": imagenet(), "val": T.Compose([T.Grayscale(), *imagenet().transforms])}),
        "val plain, other numbers": ("val", lambda: {"train": loop, "val": loop_last_forgotten}),
        "val plain, raises": ("val", lambda: {"train": imagenet(), "val": raises_always}),
        "val set doubled": ("val", lambda: {"train": Methods(), "val": Methods(then=lambda x: x * 2)}),
        "test loader of bytes": (
            "test",
            lambda: {
                "train": DataLoader(Photos(imagenet()), 4),
                "test": DataLoader(Photos(imagenet()), 4, collate_fn=bytes_collate),
            },
        ),
        "loop without the last": (
            "std 1|blue|no Normalize|mean",
            lambda: {"pipeline": loop_last_forgotten, "inverse": undo},
        ),
        "divided by its largest": ("per-image|own|depend", lambda: by_its_largest),
        "cast to bytes": ("uint8|bytes|no Normalize", lambda: truncating_uint8),
        "left half only": ("uneven|pixels", lambda: left_half_only),
        "middle lost": ("uneven|pixels", lambda: center_pixel_lost),
        "bytes wrap": ("not affine|wrap|clipped", lambda: wraps),
        "a table through a processor twice": ("255|twice|no Normalize", lambda: table_twice()),
        "albumentations normalized twice": (
            "twice|2 Normalize",
            lambda: A.Compose([A.Normalize(), A.Normalize(), ToTensorV2()]),
        ),
        "albumentations, floats first": ("255", lambda: A.Compose([A.ToFloat(255), A.Normalize(), ToTensorV2()])),
        "jitter after": (
            "curve|colors|changed|cut off",
            lambda: T.Compose([*imagenet().transforms, T.ColorJitter(0.5, 0.5, 0.5)]),
        ),
        "to PIL after": (
            "bytes|colors|changed|uint8",
            lambda: T.Compose([*imagenet().transforms, T.ToPILImage(), T.ToTensor()]),
        ),
        "erasing with black of images": ("pixels", lambda: Methods(then=border_zeroed)),
        "resized by an own division": (
            "255|twice",
            lambda: T.Compose([T.ToTensor(), T.Lambda(lambda x: x / 255.0), NORMALIZE]),
        ),
        "float, then scaled by ToDtype": (
            "255",
            lambda: v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32), v2.Normalize(MEAN, STD)]),
        ),
        "statistics of CIFAR in the order BGR": (
            "BGR|revers",
            lambda: T.Compose([T.ToTensor(), T.Normalize([0.4465, 0.4822, 0.4914], [0.2616, 0.2435, 0.2470])]),
        ),
        "prefetcher over normalized": (
            "twice|once more|again",
            lambda: Prefetcher(DataLoader(Photos(imagenet()), 4), MEAN, STD),
        ),
        "sweep of triplets, one doubled": (
            "multiplied",
            lambda: {"pipeline": OneDoubled(imagenet()), "function": "sweep"},
        ),
        "sweep of clamped": (
            "cut off",
            lambda: {"pipeline": Methods(then=lambda x: x.clamp(-1, 1)), "function": "sweep"},
        ),
        "round trip of a half": (
            "uneven|pixels",
            lambda: {"pipeline": left_half_only, "inverse": undo, "function": "assert_round_trip"},
        ),
        "round trip of bgr": (
            "BGR|order|channel",
            lambda: {
                "pipeline": T.Compose([T.ToTensor(), _BGR, NORMALIZE]),
                "inverse": undo,
                "function": "assert_round_trip",
            },
        ),
        "round trip of doubled items": (
            "multiplied",
            lambda: {"pipeline": Methods(then=lambda x: x * 2), "inverse": undo, "function": "assert_round_trip"},
        ),
    },
)


class MaskToo(Photos):
    def __getitem__(self, index):
        mask = Image.fromarray((pixels()[index].mean(-1) > 90).astype(np.uint8) * 255).convert("RGB")
        return {"image": self.transform(self.images[index]), "mask": self.transform(mask)}


class OneRaw(Photos):
    def __getitem__(self, index):
        one, other = self.picture(index), self.picture((index + 1) % 12)
        return one, other, F.to_tensor(self.images[index].transpose(Image.Transpose.FLIP_LEFT_RIGHT))


class OneDoubled(Photos):
    def __getitem__(self, index):
        return self.picture(index), self.picture((index + 1) % 12) * 2


def corner_zeroed(x):
    x = x.clone()
    x[:, :10, :10] = 0
    return x


def border_zeroed(x):
    x = x.clone()
    x[:, :4] = x[:, -4:] = 0
    return x


def bytes_collate(items):
    images, labels = default_collate(items)
    return (undo(images) * 255).byte(), labels


def raises_always(image):
    return F.normalize(np.asarray(image), MEAN, STD)


def table_twice():
    return processed_rows(rescale_factor=1 / 255**2)
