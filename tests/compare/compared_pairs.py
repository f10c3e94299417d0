"""Pairs of pipelines: the same in another spelling, or different in one way. Run as a script, it judges all of them.

Each row is what is expected, and a function that makes the pair. The numbers are written out by hand, so that nothing
here depends on the code under test.
"""

from __future__ import annotations

import base64
import functools
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torchvision.transforms as T
from PIL import Image
from torchvision.transforms import functional as F
from torchvision.transforms import v2

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
HALF = (0.5, 0.5, 0.5)


class Row(NamedTuple):
    """A pair: whether it is the same, the kind that is expected, and what makes it."""

    name: str
    kind: str
    make: Callable[[], dict[str, Any]]


ROWS: list[Row] = []


def pair(kind: str) -> Callable[[Callable[[], dict[str, Any]]], Callable[[], dict[str, Any]]]:
    """Put a function that makes a pair into the table."""

    def add(make: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
        ROWS.append(Row(make.__name__, kind, make))
        return make

    return add


# --- pieces that are shared ---


def train(mean: Any = MEAN, std: Any = STD) -> Any:
    return T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor(), T.Normalize(mean, std)])


def array(image: Any, mean: Any = MEAN, std: Any = STD, scale: float = 255.0) -> Any:
    """A server's own code: RGB levels to a normalized array (C, H, W)."""
    x = np.asarray(image, dtype=np.float32) / np.float32(scale)
    return ((x - np.float32(mean)) / np.float32(std)).transpose(2, 0, 1)


def against(serve: Any, **more: Any) -> dict[str, Any]:
    return {"train": train(), "serve": serve, **more}


def augmented(*before: Any, mean: Any = MEAN, std: Any = STD) -> Any:
    return T.Compose([*before, T.ToTensor(), T.Normalize(mean, std)])


class Images(torch.utils.data.Dataset[Any]):
    """A data set of a few images."""

    def __init__(self, transform: Any) -> None:
        self.transform = transform

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        levels = np.random.default_rng(index).integers(0, 256, (40, 48, 3), dtype=np.uint8)
        return self.transform(Image.fromarray(levels)), index


def processor(**changes: Any) -> Any:
    from transformers import ViTImageProcessor

    given = {"size": {"height": 224, "width": 224}, "image_mean": list(MEAN), "image_std": list(STD), **changes}
    return ViTImageProcessor(**given)


@functools.cache
def folder(**config: Any) -> Path:
    path = Path(tempfile.mkdtemp())
    (path / "preprocessor_config.json").write_text(
        json.dumps({k: list(v) if isinstance(v, tuple) else v for k, v in config.items()})
    )
    return path


# --- the same in another spelling ---


@pair("same")
def the_same_compose() -> dict[str, Any]:
    return against(train())


@pair("same")
def another_resize_and_crop() -> dict[str, Any]:
    return against(T.Compose([T.Resize((384, 384)), T.ToTensor(), T.Normalize(MEAN, STD)]))


@pair("same")
def random_crops_and_flips() -> dict[str, Any]:
    return {"train": augmented(T.RandomResizedCrop(224), T.RandomHorizontalFlip()), "serve": train()}


@pair("same")
def color_jitter_in_training() -> dict[str, Any]:
    return {"train": augmented(T.RandomResizedCrop(224), T.ColorJitter(0.4, 0.4, 0.4, 0.1)), "serve": train()}


@pair("same")
def random_grey_in_training() -> dict[str, Any]:
    return {"train": augmented(T.RandomGrayscale(0.2)), "serve": train()}


@pair("same")
def randaugment_in_training() -> dict[str, Any]:
    return {"train": augmented(T.RandAugment()), "serve": train()}


@pair("same")
def erasing_in_training() -> dict[str, Any]:
    return {"train": T.Compose([T.ToTensor(), T.Normalize(MEAN, STD), T.RandomErasing(0.5)]), "serve": train()}


@pair("same")
def rotation_in_training() -> dict[str, Any]:
    return {"train": augmented(T.RandomRotation(30)), "serve": train()}


@pair("same")
def second_generation() -> dict[str, Any]:
    steps = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(list(MEAN), list(STD))]
    return against(v2.Compose(steps))


@pair("same")
def scaled_by_hand_before_normalize() -> dict[str, Any]:
    return against(T.Compose([T.PILToTensor(), T.Lambda(lambda x: x.float() / 255), T.Normalize(MEAN, STD)]))


@pair("same")
def bytes_with_statistics_of_bytes() -> dict[str, Any]:
    mean, std = [255 * one for one in MEAN], [255 * one for one in STD]
    return against(
        T.Compose(
            [T.PILToTensor(), T.ConvertImageDtype(torch.uint8), T.Lambda(torch.Tensor.float), T.Normalize(mean, std)]
        )
    )


@pair("same")
def numpy_function() -> dict[str, Any]:
    return against(lambda image: array(image))


@pair("same")
def six_digits_of_one_over_255() -> dict[str, Any]:
    def serve(image: Any) -> Any:
        x = np.asarray(image, dtype=np.float32) * np.float32(0.00392157)
        return (x - np.float32(MEAN)) / np.float32(STD)

    return against(serve)


@pair("same")
def multiplied_by_the_reciprocal() -> dict[str, Any]:
    def serve(image: Any) -> Any:
        x = np.asarray(image, dtype=np.float32)
        slope = np.float32([1 / (255 * one) for one in STD])
        return x * slope - np.float32([m / s for m, s in zip(MEAN, STD, strict=True)])

    return against(serve)


@pair("same")
def float64_in_the_server() -> dict[str, Any]:
    def serve(image: Any) -> Any:
        return ((np.asarray(image) / 255.0 - np.array(MEAN)) / np.array(STD)).transpose(2, 0, 1)[None]

    return against(serve)


@pair("same")
def half_precision_in_the_server() -> dict[str, Any]:
    return against(lambda image: train()(image).half())


@pair("same")
def bfloat16_in_the_server() -> dict[str, Any]:
    return against(T.Compose([T.ToTensor(), T.Normalize(MEAN, STD), T.Lambda(lambda x: x.bfloat16())]))


@pair("same")
def reads_a_path_with_pil() -> dict[str, Any]:
    return against(lambda path: train()(Image.open(path).convert("RGB"))[None])


@pair("same")
def reads_a_path_with_cv2() -> dict[str, Any]:
    import cv2

    return against(lambda path: array(cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)))


@pair("same")
def reads_bytes() -> dict[str, Any]:
    return against(lambda data: array(Image.open(io.BytesIO(data)).convert("RGB")))


@pair("same")
def reads_bytes_with_cv2() -> dict[str, Any]:
    import cv2

    def serve(data: bytes) -> Any:
        return array(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1])

    return against(serve)


@pair("same")
def reads_base64_and_answers_lists() -> dict[str, Any]:
    return against(lambda text: array(Image.open(io.BytesIO(base64.b64decode(text)))).tolist())


@pair("same")
def reads_a_file_object() -> dict[str, Any]:
    return against(lambda file: train()(Image.open(io.BytesIO(file.read()))))


@pair("same")
def reads_bgr_and_turns_it() -> dict[str, Any]:
    return against(lambda image: array(image[..., ::-1]), reads={"serve": "bgr"})


@pair("same")
def blob_from_image_of_bgr() -> dict[str, Any]:
    import cv2

    def serve(image: Any) -> Any:
        blob = cv2.dnn.blobFromImage(image, 1 / 127.5, (224, 224), (127.5, 127.5, 127.5), swapRB=True)
        return blob[0]

    return {"train": train(HALF, HALF), "serve": serve, "reads": "bgr"}


@pair("same")
def weights_of_torchvision() -> dict[str, Any]:
    from torchvision.models import ResNet50_Weights

    return against(ResNet50_Weights.DEFAULT)


@pair("same")
def weights_against_a_preset() -> dict[str, Any]:
    from torchvision.models import ConvNeXt_Tiny_Weights

    return {"train": ConvNeXt_Tiny_Weights.DEFAULT.transforms(), "serve": "imagenet"}


@pair("same")
def preset_by_name() -> dict[str, Any]:
    return against("imagenet")


@pair("same")
def a_normalization() -> dict[str, Any]:
    from pytest_denorm import Normalization

    return against(Normalization([255 * one for one in MEAN], [255 * one for one in STD], 255.0))


@pair("same")
def image_processor() -> dict[str, Any]:
    return against(processor())


@pair("same")
def processor_with_another_rescaling() -> dict[str, Any]:
    return {
        "train": train(HALF, HALF),
        "serve": processor(image_mean=[1] * 3, image_std=[1] * 3, rescale_factor=1 / 127.5),
    }


@pair("same")
def arithmetic_on_floats() -> dict[str, Any]:
    return against(lambda x: (x - np.float32(MEAN)) / np.float32(STD))


@pair("same")
def processor_config_in_a_folder() -> dict[str, Any]:
    return against(folder(image_mean=MEAN, image_std=STD, do_normalize=True, do_rescale=True, rescale_factor=1 / 255))


@pair("same")
def processor_config_without_rescaling() -> dict[str, Any]:
    mean, std = (tuple(255 * one for one in values) for values in (MEAN, STD))
    return against(folder(image_mean=mean, image_std=std, do_rescale=False) / "preprocessor_config.json")


@pair("same")
def pretrained_cfg_of_timm() -> dict[str, Any]:
    import timm

    return against(timm.create_model("resnet18", pretrained=False).pretrained_cfg)


@pair("same")
def transform_of_timm() -> dict[str, Any]:
    from timm.data import create_transform

    return against(create_transform(224, is_training=False, mean=MEAN, std=STD))


@pair("same")
def training_transform_of_timm() -> dict[str, Any]:
    from timm.data import create_transform

    return {
        "train": create_transform(224, is_training=True, mean=MEAN, std=STD, auto_augment="rand-m9-mstd0.5"),
        "serve": train(),
    }


@pair("same")
def albumentations() -> dict[str, Any]:
    import albumentations as A

    return against(A.Compose([A.RandomCrop(64, 64), A.Normalize(MEAN, STD)]))


@pair("same")
def albumentations_with_colors_drawn() -> dict[str, Any]:
    import albumentations as A
    from albumentations.pytorch import ToTensorV2

    steps = [A.RandomBrightnessContrast(p=0.8), A.HueSaturationValue(p=0.5), A.Normalize(MEAN, STD), ToTensorV2()]
    return {"train": A.Compose(steps), "serve": train()}


@pair("same")
def kornia() -> dict[str, Any]:
    import kornia.augmentation as K

    return against(torch.nn.Sequential(K.Resize((64, 64)), K.Normalize(torch.tensor(MEAN), torch.tensor(STD))))


@pair("same")
def open_clip() -> dict[str, Any]:
    from open_clip.transform import image_transform

    return {
        "train": train(CLIP_MEAN, CLIP_STD),
        "serve": image_transform(224, is_train=False, mean=CLIP_MEAN, std=CLIP_STD),
    }


@pair("same")
def data_set_and_transform() -> dict[str, Any]:
    return {"train": Images(train()), "serve": train()}


@pair("same")
def loader_and_function() -> dict[str, Any]:
    loader = torch.utils.data.DataLoader(Images(augmented(T.RandomHorizontalFlip())), batch_size=2)
    return {"train": loader, "serve": lambda image: array(image)}


@pair("same")
def scripted_module() -> dict[str, Any]:
    module = torch.nn.Sequential(T.Normalize(MEAN, STD))
    return against(torch.jit.script(module))


@pair("same")
def a_module_with_buffers() -> dict[str, Any]:
    class Prepare(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1))
            self.register_buffer("std", torch.tensor(STD).view(3, 1, 1))

        def forward(self, x: Any) -> Any:
            return (x.float() / 255 - self.mean) / self.std

    return against(Prepare())


@pair("same")
def exported_module() -> dict[str, Any]:
    class Prepare(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return (x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)

    return against(torch.export.export(Prepare(), (torch.zeros(1, 3, 224, 224),)))


@pair("same")
def grey_images() -> dict[str, Any]:
    one = T.Compose([T.ToTensor(), T.Normalize((0.1307,), (0.3081,))])
    return {
        "train": one,
        "serve": lambda image: (np.asarray(image, np.float32)[None] / 255 - 0.1307) / 0.3081,
        "channels": 1,
    }


@pair("same")
def grey_made_by_both() -> dict[str, Any]:
    steps = [T.Grayscale(), T.ToTensor(), T.Normalize((0.5,), (0.5,))]
    return {
        "train": T.Compose(steps),
        "serve": lambda image: (np.asarray(image.convert("L"), np.float32) / 127.5 - 1)[None],
    }


@pair("same")
def both_reversed() -> dict[str, Any]:
    def serve(image: Any) -> Any:
        return array(np.asarray(image)[..., ::-1], MEAN[::-1], STD[::-1])

    turned = T.Compose([T.ToTensor(), T.Lambda(lambda x: x.flip(-3)), T.Normalize(MEAN[::-1], STD[::-1])])
    return {"train": turned, "serve": serve}


@pair("same")
def raw_images_and_a_network_that_normalizes() -> dict[str, Any]:
    network = torch.nn.Sequential(T.Normalize(MEAN, STD), torch.nn.Conv2d(3, 16, 3))
    return {"train": T.ToTensor(), "model": network}


@pair("same")
def two_raw_pipelines() -> dict[str, Any]:
    return {"train": T.ToTensor(), "serve": lambda image: np.asarray(image, np.float32).transpose(2, 0, 1) / 255}


@pair("same")
def both_clamp() -> dict[str, Any]:
    def clamped(image: Any) -> Any:
        return np.clip(array(image), -2.0, 2.0)

    return {"train": T.Compose([train(), T.Lambda(lambda x: x.clamp(-2.0, 2.0))]), "serve": clamped}


@pair("same")
def both_with_a_gamma() -> dict[str, Any]:
    return {
        "train": T.Compose([T.ToTensor(), T.Lambda(lambda x: x**2.2), T.Normalize(HALF, HALF)]),
        "serve": lambda image: ((np.asarray(image) / 255.0) ** 2.2 * 2 - 1).astype(np.float32),
    }


# --- different in one way ---


@pair("scale-255")
def divided_once_more() -> dict[str, Any]:
    return against(lambda image: array(image, scale=255.0 * 255.0))


@pair("scale-255")
def to_tensor_of_floats_divided_again() -> dict[str, Any]:
    return against(T.Compose([T.ToTensor(), T.Lambda(lambda x: x / 255), T.Normalize(MEAN, STD)]))


@pair("scale-255")
def not_divided() -> dict[str, Any]:
    return against(lambda image: array(image, scale=1.0))


@pair("scale-255")
def statistics_of_bytes_on_floats() -> dict[str, Any]:
    mean, std = [255 * one for one in MEAN], [255 * one for one in STD]
    return against(T.Compose([T.ToTensor(), T.Normalize(mean, std)]))


@pair("scale-255")
def raw_bytes_for_raw_floats() -> dict[str, Any]:
    return {"train": T.ToTensor(), "serve": lambda image: np.asarray(image, np.float32)}


@pair("scale-255")
def not_divided_and_bgr() -> dict[str, Any]:
    return against(lambda image: array(image[..., ::-1], scale=1.0), reads="bgr")


@pair("scale-255")
def array_not_divided() -> dict[str, Any]:
    return against(lambda image: (image.astype(np.float32) - np.float32(MEAN)) / np.float32(STD))


@pair("scale-255")
def divided_by_256() -> dict[str, Any]:
    return against(lambda image: array(image, scale=256.0))


@pair("channel-order")
def cv2_without_turning() -> dict[str, Any]:
    import cv2

    return against(lambda path: array(cv2.imread(path)))


@pair("channel-order")
def bgr_as_given() -> dict[str, Any]:
    return against(lambda image: array(image), reads="bgr")


@pair("channel-order")
def turned_after_normalize() -> dict[str, Any]:
    return against(T.Compose([train(), T.Lambda(lambda x: x.flip(-3))]))


@pair("channel-order")
def statistics_reversed() -> dict[str, Any]:
    return against(train(MEAN[::-1], STD[::-1]))


@pair("channel-order")
def green_first() -> dict[str, Any]:
    return against(lambda image: array(np.asarray(image)[..., [1, 0, 2]]))


@pair("channel-order")
def augmented_and_reversed() -> dict[str, Any]:
    steps = (T.ColorJitter(0.3, 0.3, 0.3), T.Lambda(lambda image: Image.fromarray(np.asarray(image)[..., ::-1])))
    return {"train": train(), "serve": augmented(*steps)}


@pair("other-preset")
def clip_for_imagenet() -> dict[str, Any]:
    return against(train(CLIP_MEAN, CLIP_STD))


@pair("other-preset")
def half_for_imagenet() -> dict[str, Any]:
    return against(train(HALF, HALF))


@pair("other-preset")
def imagenet_for_cifar() -> dict[str, Any]:
    return {"train": train((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)), "serve": train()}


@pair("other-preset")
def config_of_another_model() -> dict[str, Any]:
    return against(folder(image_mean=HALF, image_std=HALF))


@pair("other-preset")
def processor_with_clips_numbers() -> dict[str, Any]:
    return against(processor(image_mean=list(CLIP_MEAN), image_std=list(CLIP_STD)))


@pair("other-preset")
def jittered_training_on_clip() -> dict[str, Any]:
    return {"train": augmented(T.ColorJitter(0.4, 0.4, 0.4, 0.1), mean=CLIP_MEAN, std=CLIP_STD), "serve": train()}


@pair("other-preset")
def serve_path_with_half() -> dict[str, Any]:
    return against(lambda path: array(Image.open(path), HALF, HALF))


@pair("other-preset")
def weights_on_half() -> dict[str, Any]:
    from torchvision.models import ViT_B_16_Weights

    return {"train": ViT_B_16_Weights.DEFAULT, "serve": processor(image_mean=list(HALF), image_std=list(HALF))}


@pair("wrong-std")
def one_std_mistyped() -> dict[str, Any]:
    return against(train(MEAN, (0.229, 0.224, 0.255)))


@pair("wrong-mean")
def one_mean_mistyped() -> dict[str, Any]:
    return against(train((0.485, 0.465, 0.406), STD))


@pair("rounded-constants")
def two_digits() -> dict[str, Any]:
    return against(train((0.49, 0.46, 0.41), (0.23, 0.22, 0.23)))


@pair("missing-mean")
def without_the_mean() -> dict[str, Any]:
    return against(train((0.0, 0.0, 0.0), STD))


@pair("wrong-std")
def without_the_std() -> dict[str, Any]:
    return against(train(MEAN, (1.0, 1.0, 1.0)))


@pair("swapped-mean-std")
def mean_and_std_swapped() -> dict[str, Any]:
    return against(train(STD, MEAN))


@pair("one-channel-for-all")
def red_for_all() -> dict[str, Any]:
    return against(train((0.485,) * 3, (0.229,) * 3))


@pair("normalized-twice")
def twice_in_one() -> dict[str, Any]:
    return against(T.Compose([train(), T.Normalize(MEAN, STD)]))


@pair("normalized-twice")
def processor_of_normalized_images() -> dict[str, Any]:
    inner = processor(do_rescale=False, do_resize=False)
    return against(lambda image: inner(train()(image), return_tensors="pt")["pixel_values"][0])


@pair("normalized-twice")
def in_the_network_too() -> dict[str, Any]:
    return {"train": train(), "model": torch.nn.Sequential(T.Normalize(MEAN, STD), torch.nn.Conv2d(3, 16, 3))}


@pair("normalized-twice")
def in_the_network_after_a_data_set() -> dict[str, Any]:
    network = torch.nn.Sequential(v2.Normalize(list(MEAN), list(STD)), torch.nn.Conv2d(3, 16, 3))
    return {"train": Images(train()), "model": network}


@pair("scale-255")
def bytes_for_a_network_that_normalizes() -> dict[str, Any]:
    network = torch.nn.Sequential(T.Normalize(MEAN, STD), torch.nn.Conv2d(3, 16, 3))
    return {"train": T.Compose([T.PILToTensor(), T.Lambda(lambda x: x.float())]), "model": network}


@pair("not-normalized")
def validation_without_normalize() -> dict[str, Any]:
    return {"train": augmented(T.RandomHorizontalFlip()), "val": T.Compose([T.Resize(256), T.ToTensor()])}


@pair("not-normalized")
def server_that_forgets_it() -> dict[str, Any]:
    return against(lambda data: np.asarray(Image.open(io.BytesIO(data)), np.float32).transpose(2, 0, 1) / 255)


@pair("not-normalized")
def bytes_for_normalized() -> dict[str, Any]:
    return against(lambda image: np.asarray(image).transpose(2, 0, 1).astype(np.float32))


@pair("value-range")
def minus_one_to_one_before_normalize() -> dict[str, Any]:
    return against(T.Compose([T.ToTensor(), T.Lambda(lambda x: 2 * x - 1), T.Normalize(MEAN, STD)]))


@pair("clamped")
def clamped_in_the_server() -> dict[str, Any]:
    return against(T.Compose([train(), T.Lambda(lambda x: x.clamp(-1, 1))]))


@pair("clamped")
def clamped_elsewhere() -> dict[str, Any]:
    return {
        "train": T.Compose([train(), T.Lambda(lambda x: x.clamp(-2, 2))]),
        "serve": T.Compose([train(), T.Lambda(lambda x: x.clamp(-1, 2))]),
    }


@pair("depends-on-values")
def standardized_by_each_image() -> dict[str, Any]:
    def serve(image: Any) -> Any:
        x = np.asarray(image, np.float32)
        return (x - x.mean()) / (x.std() + 1e-6)

    return against(serve)


@pair("depends-on-values")
def divided_where_values_are_large() -> dict[str, Any]:
    def serve(image: Any) -> Any:
        x = np.asarray(image, np.float32)
        return array(x / 255 if x.max() > 1 else x, scale=1.0)

    return against(serve)


@pair("not-affine")
def a_gamma_in_the_server() -> dict[str, Any]:
    return against(lambda image: array(255 * (np.asarray(image) / 255.0) ** 2.2))


@pair("mixed-channels")
def grey_in_the_server() -> dict[str, Any]:
    return against(T.Compose([T.Grayscale(3), train()]))


@pair("random")
def colors_drawn_in_a_function() -> dict[str, Any]:
    jitter, prepare = T.ColorJitter(0.4, 0.4), train()
    return {"train": lambda image: prepare(jitter(image)), "serve": train()}


@pair("inverted-intensity")
def negative_in_the_server() -> dict[str, Any]:
    return against(T.Compose([T.Lambda(lambda image: F.invert(image)), train()]))


@pair("dtype")
def half_precision_and_strict() -> dict[str, Any]:
    return against(T.Compose([train(), T.Lambda(lambda x: x.half())]), strict=True)


@pair("layout")
def channels_last_and_strict() -> dict[str, Any]:
    return against(lambda image: array(image).transpose(1, 2, 0), strict=True)


def main() -> int:
    """Judge every pair and print the table."""
    import warnings

    from pytest_denorm import compare

    warnings.simplefilter("ignore")
    wrong = others = 0
    wanted = sys.argv[1:]
    for row in ROWS:
        if wanted and row.name not in wanted:
            continue
        start = time.perf_counter()
        try:
            found = compare(**row.make())
            kind, text = found.kind, str(found) if wanted else found.message
        except Exception as error:
            kind, text = "error", f"{type(error).__name__}: {error}"
        is_wrong = (kind == "same") != (row.kind == "same") or kind == "error"
        wrong += is_wrong
        others += kind != row.kind and not is_wrong
        mark = "WRONG" if is_wrong else "other" if kind != row.kind else "ok"
        print(f"{mark:5} {time.perf_counter() - start:5.2f} s  {row.name:45} {row.kind:20} {kind:20}", flush=True)
        if mark != "ok" or "-v" in sys.argv or wanted:
            print(f"      {text}")
    print(f"{len(ROWS)} pairs: {wrong} wrong verdicts, {others} under another kind")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
