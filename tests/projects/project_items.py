"""Data sets, loaders, splits and modules as people write them, and beside them those that are wrong.

What an item is differs; what is judged is what the training loop gets.
"""

from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import albumentations as A
import numpy as np
import torch
from albumentations.pytorch import ToTensorV2
from datasets import Dataset as Table
from lightning.pytorch import LightningDataModule, LightningModule
from monai.data import CacheDataset
from monai.transforms import Compose as MonaiCompose
from monai.transforms import NormalizeIntensityd
from PIL import Image
from project import (
    BYTE_MEAN,
    BYTE_STD,
    CIFAR_MEAN,
    CIFAR_STD,
    MEAN,
    STD,
    Photos,
    Project,
    columns,
    given,
    imagenet,
    named,
    own_statistics,
    pictures,
    pixels,
)
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, IterableDataset, Subset, TensorDataset, default_collate
from torchvision import transforms as T
from torchvision.transforms import functional as F
from torchvision.transforms import v2
from transformers import ViTImageProcessor

PROJECTS: list[Project] = []
Pair = namedtuple("Pair", "image label")


def undo(x):
    return x * columns(STD) + columns(MEAN)


def _right(make: Callable[[], Any] | None = None, *, verdict: str = "passed", **options: Any) -> Any:
    if make is None:
        return functools.partial(_right, verdict=verdict, **options)
    project = functools.partial(_made, make, options)
    PROJECTS.append(Project(f"right data: {named(make)}", project, verdict))
    return make


def _wrong(cause: str, **options: Any) -> Callable[..., Any]:
    def register(make: Callable[[], Any]) -> Callable[[], Any]:
        project = functools.partial(_made, make, options)
        PROJECTS.append(Project(f"wrong data: {named(make)}", project, "failed", cause))
        return make

    return register


def _made(make: Callable[[], Any], options: dict[str, Any]) -> Any:
    return given(pipeline=make(), **options)


def own(*before: Any, after: tuple[Any, ...] = ()) -> T.Compose:
    """Return a pipeline with the data set's own statistics."""
    return T.Compose([*before, T.ToTensor(), T.Normalize(*own_statistics()), *after])


# --- what an item is ---


class Alone(Photos):
    def __getitem__(self, index):
        return self.picture(index)


class Dicts(Photos):
    def __getitem__(self, index):
        return {"image": self.picture(index), "label": index}


class Named(Photos):
    def __getitem__(self, index):
        return Pair(self.picture(index), index)


class Views(Photos):
    """Two views and a label, as for contrastive learning."""

    def __getitem__(self, index):
        return [self.picture(index), self.picture(index)], index


class Masks(Photos):
    """An image and its mask of class numbers."""

    def __getitem__(self, index):
        mask = torch.from_numpy((pixels()[index].mean(-1) > 90).astype(np.int64))
        return self.picture(index), mask


class NormalizedMasks(Photos):
    def __getitem__(self, index):
        mask = Image.fromarray((pixels()[index].mean(-1) > 90).astype(np.uint8)).convert("RGB")
        return self.picture(index), self.transform(mask)


class Pairs(Photos):
    """Low and high resolution."""

    def __getitem__(self, index):
        high = self.images[index]
        return {"low": self.transform(high.resize((16, 16))), "high": self.transform(high)}


class AnyItem(Photos):
    """What the subclass makes of the image that was transformed."""

    def __init__(self, change: Callable[[int, Any], Any], transform: Any = None) -> None:
        super().__init__(transform if transform is not None else own())
        self.change = change

    def __getitem__(self, index):
        return self.change(index, self.picture(index)), index


class Albumented(Photos):
    """What OpenCV would read, augmented by albumentations; the mean and std are bytes'."""

    def __init__(self, transform, scale=1):
        super().__init__(transform, list(pixels()))
        self.scale = scale

    def __getitem__(self, index):
        image = self.images[index]
        image = image.astype(np.float32) / self.scale if self.scale != 1 else image
        return self.transform(image=image)["image"], index


class Deep(Photos):
    """Images of 16 bits."""

    def __init__(self, transform, scale=1):
        super().__init__(transform, [image.astype(np.uint16) * 257 for image in pixels()])
        self.scale = scale

    def __getitem__(self, index):
        image = self.images[index]
        image = image.astype(np.float32) / self.scale if self.scale != 1 else image
        return self.transform(image=image)["image"], index


class FloatsInMemory(Photos):
    """Floats that were made once, with white at 1."""

    def __init__(self, transform):
        super().__init__(transform, torch.from_numpy(pixels()).permute(0, 3, 1, 2).float() / 255)


class Cached(Photos):
    """Keeps what it transformed."""

    def __init__(self, transform):
        super().__init__(transform)
        self.kept = {}

    def __getitem__(self, index):
        if index not in self.kept:
            self.kept[index] = self.picture(index)
        return self.kept[index], index


class Strips(Photos):
    """Pictures of many sizes."""

    def __init__(self, transform):
        super().__init__(transform, [one.resize((24 + 3 * i, 40)) for i, one in enumerate(pictures())])


class Stream(IterableDataset):
    def __init__(self, transform):
        self.transform = transform

    def __iter__(self) -> Iterator[Any]:
        for index, image in enumerate(pictures()):
            yield self.transform(image), index


class Function(Photos):
    """Normalizes in its own code."""

    mean, std = columns(MEAN), columns(STD)

    def __getitem__(self, index):
        return (F.to_tensor(self.images[index]) - self.mean) / self.std, index


class Module(LightningDataModule):
    def __init__(self, train, val, batch_size=4):
        super().__init__()
        self.train_transform, self.val_transform, self.batch_size = train, val, batch_size

    def setup(self, stage=None):
        self.train, self.val = Photos(self.train_transform), Photos(self.val_transform)

    def train_dataloader(self):
        return DataLoader(Photos(self.train_transform), batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(Photos(self.val_transform), batch_size=self.batch_size)


def images_and_labels(batch):
    images, labels = zip(*batch)
    return torch.stack(images), torch.tensor(labels)


def padded(batch):
    images = [image for image, _ in batch]
    height, width = (max(image.shape[axis] for image in images) for axis in (1, 2))
    return torch.stack([nn.functional.pad(i, (0, width - i.shape[2], 0, height - i.shape[1])) for i in images])


def mixed_up(batch):
    return v2.MixUp(num_classes=10)(*default_collate(batch))


# --- right ---

_MAKERS: dict[str, Callable[[], Any]] = {
    "own statistics": lambda: Photos(own()),
    "items alone": lambda: Alone(own()),
    "items as dicts": lambda: Dicts(own()),
    "items as named tuples": lambda: Named(own()),
    "two views": lambda: Views(own(T.RandomHorizontalFlip())),
    "image and mask": lambda: Masks(own()),
    "low and high": lambda: Pairs(own()),
    "cached": lambda: Cached(own()),
    "in place on fresh tensors": lambda: Photos(
        T.Compose([T.ToTensor(), T.Normalize(*own_statistics(), inplace=True)])
    ),
    "many sizes": lambda: Strips(own()),
    "a stream": lambda: Stream(own()),
    "subset": lambda: Subset(Photos(own()), range(6)),
    "two joined": lambda: ConcatDataset([Photos(own()), Photos(own())]),
    "floats in memory": lambda: FloatsInMemory(T.Normalize(*own_statistics())),
    "random crop with padding": lambda: Photos(own(T.RandomCrop(32, padding=4), T.RandomHorizontalFlip())),
    "randaugment and erasing": lambda: Photos(own(T.RandAugment(), after=(T.RandomErasing(p=0.5),))),
    "random resized crop": lambda: Photos(own(T.RandomResizedCrop(32))),
    "strong jitter": lambda: Photos(own(T.ColorJitter(0.8, 0.8, 0.8, 0.2))),
    "forty-eight pictures": lambda: Photos(own(), pictures(48)),
    "albumentations": lambda: Albumented(A.Compose([A.Normalize(*own_statistics()), ToTensorV2()])),
    "albumentations of floats": lambda: Albumented(
        A.Compose([A.Normalize(*own_statistics(), max_pixel_value=1.0), ToTensorV2()]), 255
    ),
    "sixteen bits": lambda: Deep(A.Compose([A.Normalize(*own_statistics(), max_pixel_value=65535), ToTensorV2()])),
    "sixteen bits as floats": lambda: Deep(
        A.Compose([A.Normalize(*own_statistics(), max_pixel_value=1.0), ToTensorV2()]), 65535
    ),
    "sixteen bits in data units": lambda: Deep(
        A.Compose([A.Normalize(*([65535 * v for v in s] for s in own_statistics()), max_pixel_value=1.0), ToTensorV2()])
    ),
    "loader": lambda: DataLoader(Photos(own()), batch_size=4),
    "shuffled loader": lambda: DataLoader(Photos(own()), batch_size=4, shuffle=True, drop_last=True),
    "loader with collate": lambda: DataLoader(Photos(own()), batch_size=4, collate_fn=images_and_labels),
    "loader of many sizes": lambda: DataLoader(Strips(own()), batch_size=4, collate_fn=padded),
    "loader of dicts": lambda: DataLoader(Dicts(own()), batch_size=4),
    "loader of one": lambda: DataLoader(Photos(own()), batch_size=1),
    "loader without batches": lambda: DataLoader(Photos(own()), batch_size=None),
    "loader with mixup": lambda: DataLoader(Photos(own()), batch_size=4, collate_fn=mixed_up),
    "loader of a stream": lambda: DataLoader(Stream(own()), batch_size=4),
    "monai dictionaries": lambda: CacheDataset(
        [{"image": torch.from_numpy(one).permute(2, 0, 1).float() / 255} for one in pixels()],
        MonaiCompose([NormalizeIntensityd(["image"], *own_statistics(), channel_wise=True)]),
        progress=False,
    ),
    "splits in a dict": lambda: {"train": own(T.RandomHorizontalFlip()), "val": own()},
    "splits as data sets": lambda: {"train": Photos(own(T.RandomCrop(32, 4))), "val": Photos(own())},
    "splits as loaders": lambda: {s: DataLoader(Photos(own()), batch_size=4) for s in ("train", "val", "test")},
    "data module": lambda: Module(own(T.RandomHorizontalFlip()), own()),
    "data module with a raw view": lambda: {"train": own(), "val": own(), "val_raw": T.ToTensor()},
}
_MAKERS_WARNED: dict[str, Callable[[], Any]] = {
    "fine tuning": lambda: Photos(imagenet()),
    "fine tuning of crops": lambda: Photos(T.Compose([T.RandomResizedCrop(32), *imagenet().transforms])),
    "halves": lambda: Photos(T.Compose([T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3)])),
    "cifar's statistics": lambda: Photos(T.Compose([T.ToTensor(), T.Normalize(CIFAR_MEAN, CIFAR_STD)])),
    "fine tuning loader": lambda: DataLoader(Photos(imagenet()), batch_size=4, shuffle=True),
    "hugging face table": lambda: hugging_face(),
    "a processor in its own code": lambda: AnyItem(processed, np.asarray),
    "fine tuning data module": lambda: Module(imagenet(), imagenet()),
}


def processed(index, image):
    return ViTImageProcessor(size={"height": 32, "width": 32})(image, return_tensors="pt").pixel_values[0]


def transform_rows(rows):
    return {"pixel_values": [imagenet()(image) for image in rows["image"]]}


def hugging_face():
    return Table.from_dict({"image": pictures(count=6)}).with_transform(transform_rows)


def _rename(make: Callable[[], Any], name: str) -> Callable[[], Any]:
    def renamed() -> Any:
        return make()

    renamed.__name__ = name.replace(" ", "_")
    return renamed


for _name, _make in _MAKERS.items():
    _right(_rename(_make, _name))
for _name, _make in _MAKERS_WARNED.items():
    _right(_rename(_make, _name), verdict="warned")
for _name in ("fine tuning", "fine tuning loader"):
    _right(_rename(_MAKERS_WARNED[_name], f"{_name}, with its inverse"), verdict="warned", inverse=undo)
for _name in ("own statistics", "items as dicts", "random crop with padding", "loader", "image and mask"):
    _right(_rename(_MAKERS[_name], f"sweep of {_name}"), function="sweep")

# --- wrong: one item is not like the others ---


def _from(start: int, change: Callable[[Any], Any], index: int, image: Any) -> Any:
    """Change the image of every item from `start` on."""
    return change(image) if index >= start else image


def doubled(x):
    return x * 2


def normalized_again(x):
    return T.Normalize(*own_statistics())(x)


def given_back_raw(x):
    mean, std = own_statistics()
    return x * columns(std) + columns(mean)


def with_nan(x):
    return x * float("nan")


def in_bgr(x):
    return x.flip(0)


def half_zeroed(x):
    return torch.cat([x[:, :16], 0 * x[:, 16:]], 1)


def clamped(x):
    return x.clamp(0, 1)


def truncated(x):
    return x.to(torch.int8)


def out_of_range(x):
    return x[:, :, 99]


def scaled_by_itself(index, x):
    return (x - x.mean()) / x.std()


def changed(start: int, change: Callable[[Any], Any]) -> AnyItem:
    return AnyItem(functools.partial(_from, start, change))


_CHANGES: dict[Callable[[Any], Any], str] = {
    doubled: "multiplied|doubled|twice|after|leaves",
    normalized_again: "again|twice|once more|after|leaves",
    given_back_raw: "raw|undone|denormalized|after|leaves",
    with_nan: "NaN",
    in_bgr: "BGR|channel|order|exchang",
    half_zeroed: "row|half|where|pixel|changed",
    clamped: "clamp|clip",
    truncated: "int8|integer|trunc|round|level",
}
for _change, _cause in _CHANGES.items():
    for _start, _which in ((0, "all items"), (1, "items from 1")):
        _wrong(_cause)(_rename(functools.partial(changed, _start, _change), f"{_which} {named(_change)}"))
    _swept = functools.partial(changed, 5, _change)
    _wrong(_cause, function="sweep")(_rename(_swept, f"sweep, items from 5 {named(_change)}"))


@_wrong("IndexError|item 3")
def an_item_that_raises():
    return changed(3, out_of_range)


# --- wrong: batches ---


def collate_again(batch):
    images, labels = default_collate(batch)
    return T.Normalize(*own_statistics())(images), labels


def collate_divided(batch):
    images, labels = default_collate(batch)
    return images / 255, labels


def collate_undone(batch):
    images, labels = default_collate(batch)
    return images * columns(own_statistics()[1]) + columns(own_statistics()[0]), labels


def collate_bgr(batch):
    images, labels = default_collate(batch)
    return images.flip(1), labels


def collate_first_only(batch):
    images, labels = default_collate(batch)
    images[1:] = images[1:] * 2
    return images, labels


def collate_bytes(batch):
    images, labels = default_collate(batch)
    return images.to(torch.uint8), labels


def collate_raises(batch):
    return torch.stack([image for image, _, _ in batch])


for _cause, _collate in (
    ("twice|again|once more", collate_again),
    ("255", collate_divided),
    ("collate|batch|raw|after|undo", collate_undone),
    ("BGR|channel|order|exchang", collate_bgr),
    ("batch", collate_first_only),
    ("uint8|byte|integer", collate_bytes),
    ("ValueError|unpack", collate_raises),
):
    _wrong(_cause)(_rename(lambda c=_collate: DataLoader(Photos(own()), batch_size=4, collate_fn=c), _collate.__name__))


def undo_in_place_on_batches(x):
    return undo(x) if x.dim() == 3 else x.mul_(columns(STD)).add_(columns(MEAN))


def undo_of_one(x):
    x = x.clone()
    for t, m, s in zip(x, MEAN, STD):
        t.mul_(s).add_(m)
    return x


@_wrong("in place|input_unchanged|mutates", inverse=undo_in_place_on_batches)
def loader_undone_in_place():
    return DataLoader(Photos(imagenet()), batch_size=4)


@_wrong("batch|image 0 of", inverse=undo_of_one)
def loader_undone_as_one():
    return DataLoader(Photos(imagenet()), batch_size=4)


# --- wrong: scale ---


class DividesToo(Photos):
    def __getitem__(self, index):
        return self.picture(index) / 255, index


class BytesOut(Photos):
    def __getitem__(self, index):
        return (self.picture(index) * 255).to(torch.uint8), index


_ROWS: dict[str, tuple[str, Callable[[], Any]]] = {
    "floats divided twice by albumentations": (
        "255|twice",
        lambda: Albumented(A.Compose([A.Normalize(), ToTensorV2()]), 255),
    ),
    "floats of 255 kept by albumentations": (
        "scale",
        lambda: Albumented(A.Compose([A.Normalize(max_pixel_value=1.0), ToTensorV2()])),
    ),
    "divided after": ("255|multiplied by (0.003922", lambda: DividesToo(own())),
    "bytes out": ("uint8|byte|integer|after", lambda: BytesOut(own())),
    "byte statistics": ("255", lambda: Photos(T.Compose([T.ToTensor(), T.Normalize(BYTE_MEAN, BYTE_STD)]))),
    "floats in memory of 255": ("255|scale", lambda: floats_of_255()),
    "floats divided by the data set and to tensor": ("255|twice", lambda: floats_over(255.0)),
    "sixteen bits by 255": (
        "65535|255|16|uint16|white",
        lambda: Deep(A.Compose([A.Normalize(max_pixel_value=255.0), ToTensorV2()])),
    ),
    "without to dtype": ("TypeError|float", lambda: Photos(v2.Compose([v2.ToImage(), v2.Normalize(MEAN, STD)]))),
    "tensors normalized before": ("no Normalize", lambda: TensorDataset(torch.stack([own()(i) for i in pictures()]))),
    "code of its own": ("no Normalize", lambda: Function()),
    "normalize forgotten": ("no Normalize", lambda: Photos(T.ToTensor())),
    "grey under three statistics": ("channel", lambda: Photos(v2.Compose([v2.Grayscale(), *imagenet().transforms]))),
    "four bands under three": (
        "channel|size of tensor",
        lambda: Photos(own(), [one.convert("RGBA") for one in pictures()]),
    ),
    "swapped statistics": ("swapped|exchanged", lambda: Photos(T.Compose([T.ToTensor(), T.Normalize(STD, MEAN)]))),
    "bgr under imagenet's": ("BGR|order|exchang", lambda: Photos(T.Compose([bgr, *imagenet().transforms]))),
    "mask normalized": ("mask", lambda: NormalizedMasks(own())),
    "second view raw": ("view|raw", lambda: SecondRaw(own())),
    "kept in place": ("in place|inplace|again", lambda: FloatsInMemory(T.Normalize(*own_statistics(), inplace=True))),
    "transform is not called": ("called|met|raw", lambda: Ignored(own())),
    "sometimes": (
        "0.5|some|random|probab",
        lambda: Photos(T.Compose([T.ToTensor(), T.RandomApply([T.Normalize(MEAN, STD)])])),
    ),
    "per image": ("each|per-image|own|no Normalize", lambda: AnyItem(scaled_by_itself, T.ToTensor())),
}


class SecondRaw(Photos):
    def __getitem__(self, index):
        return self.picture(index), F.to_tensor(self.images[index])


class Ignored(Photos):
    def __getitem__(self, index):
        return F.to_tensor(self.images[index]), index


def bgr(image):
    return Image.fromarray(np.ascontiguousarray(np.asarray(image)[:, :, ::-1]))


def floats_of_255():
    data = FloatsInMemory(T.Normalize(MEAN, STD))
    data.images = data.images * 255
    return data


def floats_over(white):
    data = FloatsInMemory(T.Normalize(MEAN, STD))
    data.images = data.images / white
    return data


for _name, (_cause, _make) in _ROWS.items():
    _wrong(_cause)(_rename(_make, _name))

# --- wrong: a split that is not like the other ---


def per_image(image):
    x = F.to_tensor(image)
    return (x - x.mean()) / x.std()


def plain(image):
    return F.normalize(F.to_tensor(image), MEAN, STD)


def plain_halves(image):
    return F.to_tensor(image) * 2 - 1


_HALVES = T.Compose([T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3)])
_FLAT = T.Compose([T.ToTensor(), T.Normalize(MEAN, [0.226] * 3)])
_SPLITS: dict[str, tuple[str, Callable[[], Any], Callable[[], Any]]] = {
    "halves for val": ("val", imagenet, lambda: _HALVES),
    "one std for val": ("val", imagenet, lambda: _FLAT),
    "val raw": ("val", imagenet, T.ToTensor),
    "val per image": ("val", imagenet, lambda: per_image),
    "plain functions": ("val", lambda: plain, lambda: plain_halves),
    "val twice": ("val|twice", imagenet, lambda: T.Compose([*imagenet().transforms, T.Normalize(MEAN, STD)])),
    "val bytes": ("val|255|TypeError", imagenet, lambda: T.Compose([T.PILToTensor(), T.Normalize(MEAN, STD)])),
    "val in BGR": ("val|BGR", imagenet, lambda: T.Compose([bgr, *imagenet().transforms])),
}
for _name, (_cause, _train, _val) in _SPLITS.items():
    _wrong(_cause)(_rename(lambda t=_train, v=_val: {"train": t(), "val": v()}, f"splits: {_name}"))
    _wrong(_cause)(
        _rename(lambda t=_train, v=_val: {"train": Photos(t()), "val": Photos(v())}, f"split data sets: {_name}")
    )
for _name in ("halves for val", "val raw", "val per image"):
    _cause, _train, _val = _SPLITS[_name]
    _wrong(_cause)(_rename(lambda t=_train, v=_val: Module(t(), v()), f"data module: {_name}"))


class NormalizesToo(LightningModule):
    """A model that normalizes what its data module has normalized."""

    def __init__(self):
        super().__init__()
        self.normalize = T.Normalize(MEAN, STD)
        self.data = Photos(imagenet())

    def train_dataloader(self):
        return DataLoader(self.data, batch_size=4)

    def on_after_batch_transfer(self, batch, index):
        images, labels = batch
        return self.normalize(images), labels


@_wrong("twice|again|once more|second")
def normalized_again_on_the_device():
    return NormalizesToo()
