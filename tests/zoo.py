"""Every pipeline of every zoo: declared, measured, there and back.

    python tests/zoo.py [library ...]

prints a table, and below it each pipeline that is not verified, with the reason. Nothing is downloaded.
"""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pytest_denorm import Normalization, probe
from pytest_denorm.errors import DenormError, NormalizeNotFoundError, NotInvertibleError, PipelineError
from pytest_denorm.pipelines import locate

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Entry = tuple[str, Callable[[], Any]]


@dataclass(frozen=True)
class Verdict:
    """What was found out about one pipeline: "verified", "not invertible" or "not understood", and why."""

    name: str
    kind: str
    reason: str = ""


def torchvision_zoo() -> Iterator[Entry]:
    """The transforms of every weights enum."""
    import torchvision

    for model in torchvision.models.list_models():
        for weights in torchvision.models.get_model_weights(model):
            yield f"{type(weights).__name__}.{weights.name}", weights.transforms


def albumentations_zoo() -> Iterator[Entry]:
    import albumentations as A
    from albumentations.pytorch import ToTensorV2

    statistics = [(MEAN, STD), (list(MEAN), list(STD)), (0.5, 0.5), ((0.5,) * 3, 0.25), ((0.0,) * 3, (1.0,) * 3)]
    wraps = {
        "alone": lambda op: op,
        "Compose": lambda op: A.Compose([A.HorizontalFlip(), op]),
        "ToTensorV2": lambda op: A.Compose([op, ToTensorV2()]),
        "ReplayCompose": lambda op: A.ReplayCompose([op]),
        "Sequential": lambda op: A.Compose([A.Sequential([op], p=1)]),
        "OneOf": lambda op: A.OneOf([op, A.Sequential([op], p=1)], p=1),
        "SomeOf": lambda op: A.SomeOf([op], n=1, p=1),
        "crop": lambda op: A.Compose([A.RandomCrop(64, 64), op, A.CoarseDropout(p=1)]),
        "pad": lambda op: A.Compose([A.LongestMaxSize(96), A.PadIfNeeded(128, 128), op]),
    }
    for name, wrap in wraps.items():
        for mean, std in statistics:
            yield f"{name}, {mean}, {std}", lambda wrap=wrap, mean=mean, std=std: wrap(A.Normalize(mean, std))
    yield "white 1", lambda: A.Compose([A.ToFloat(), A.Normalize(max_pixel_value=1.0)])
    for mode in ("image", "image_per_channel", "min_max", "min_max_per_channel"):
        yield mode, lambda mode=mode: A.Compose([A.Normalize(normalization=mode)])


def kornia_zoo() -> Iterator[Entry]:
    import kornia.augmentation as K
    import kornia.enhance as E

    forms = {
        "tuple": (MEAN, STD),
        "list": (list(MEAN), list(STD)),
        "tensor": (torch.tensor(MEAN), torch.tensor(STD)),
        "number": (0.5, 0.25),
    }
    wraps = {
        "alone": lambda op: op,
        "AugmentationSequential": lambda op: K.AugmentationSequential(
            K.RandomHorizontalFlip(), op, data_keys=["input"]
        ),
        "ImageSequential": lambda op: K.ImageSequential(op),
        "Sequential": lambda op: torch.nn.Sequential(torch.nn.Identity(), op),
    }
    for form, (mean, std) in forms.items():
        for name, wrap in wraps.items():
            yield f"augmentation, {form}, {name}", lambda w=wrap, m=mean, s=std: w(K.Normalize(m, s))
            if name in ("alone", "Sequential"):
                yield f"enhance, {form}, {name}", lambda w=wrap, m=mean, s=std: w(E.Normalize(m, s))
        yield f"Denormalize, {form}", lambda m=mean, s=std: K.Denormalize(m, s)
    yield "normalize_min_max", lambda: E.normalize_min_max


def timm_zoo() -> Iterator[Entry]:
    """Each set of data settings among the pretrained models, for evaluation and for training."""
    from timm.data import create_transform, resolve_data_config
    from timm.models import get_pretrained_cfg, list_pretrained

    seen = {}
    for model in list_pretrained():
        config = resolve_data_config(pretrained_cfg=get_pretrained_cfg(model).to_dict(), verbose=False)
        key = (config["mean"], config["std"], config["interpolation"], config["crop_mode"])
        seen.setdefault(key, (model, config))
    for model, config in seen.values():
        yield model, lambda config=config: create_transform(**config)
        training = {name: config[name] for name in ("input_size", "mean", "std", "interpolation")}
        yield (
            f"{model}, training",
            lambda training=training: create_transform(**training, is_training=True, color_jitter=None),
        )


def transformers_zoo() -> Iterator[Entry]:
    """Every image processor, in both backends, as it is made by default."""
    import transformers
    from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING_NAMES as mapping

    for name in sorted({name for backends in mapping.values() for name in dict(backends).values() if name}):
        options = {"apply_ocr": False} if name.startswith("LayoutLM") else {}  # reading text is another program's work
        call_with = {"boxes": [[[0, 0, 296, 264]]]} if name.startswith("VitPose") else {}

        def make(name: str = name, options: Any = options, call_with: Any = call_with) -> Any:
            processor = getattr(transformers, name)(**options)
            return functools.partial(processor, **call_with) if call_with else processor

        yield name, make


def open_clip_zoo() -> Iterator[Entry]:
    """Each set of statistics among the pretrained models."""
    import open_clip
    from open_clip.transform import PreprocessCfg, image_transform_v2

    seen = {}
    for model, tag in open_clip.list_pretrained():
        config = open_clip.get_pretrained_cfg(model, tag)
        options = {key: config[key] for key in ("mean", "std", "interpolation", "resize_mode") if config.get(key)}
        seen.setdefault(str(options), (f"{model}, {tag}", options))
    for name, options in seen.values():
        for is_train in (False, True):
            yield (
                f"{name}{', training' if is_train else ''}",
                lambda options=options, is_train=is_train: image_transform_v2(
                    PreprocessCfg(**options), is_train=is_train
                ),
            )


def monai_zoo() -> Iterator[Entry]:
    import monai.transforms as M

    yield "by channel", lambda: M.NormalizeIntensity(list(MEAN), list(STD), channel_wise=True)
    yield "numbers", lambda: M.NormalizeIntensity(0.5, 0.25)
    yield "bytes", lambda: M.NormalizeIntensity(127.5, 127.5)
    yield "dictionary", lambda: M.Compose([M.NormalizeIntensityd(["image"], list(MEAN), list(STD), channel_wise=True)])
    yield "range", lambda: M.ScaleIntensityRange(0, 255, -1, 1)
    yield "range, clipped at its ends", lambda: M.ScaleIntensityRange(0, 255, 0, 1, clip=True)
    yield "range, clipped inside", lambda: M.ScaleIntensityRange(10, 200, 0, 1, clip=True)
    yield "own statistics", lambda: M.NormalizeIntensity(channel_wise=True)
    yield "nonzero", lambda: M.NormalizeIntensity(0.5, 0.5, nonzero=True)
    yield "own extremes", lambda: M.ScaleIntensity()


def torchio_zoo() -> Iterator[Entry]:
    import torchio as T

    yield "unit", lambda: T.RescaleIntensity((-1, 1), in_min_max=(0, 1))
    yield "bytes", lambda: T.Compose([T.RandomFlip(), T.RescaleIntensity((0, 1), in_min_max=(0, 255))])
    yield "own extremes", lambda: T.RescaleIntensity((0, 1))
    yield "percentiles", lambda: T.RescaleIntensity((0, 1), percentiles=(1, 99), in_min_max=(0, 1))
    yield "ZNormalization", lambda: T.ZNormalization()


def diffusers_zoo() -> Iterator[Entry]:
    from diffusers.image_processor import VaeImageProcessor

    yield "VaeImageProcessor", VaeImageProcessor
    yield "preprocess", lambda: VaeImageProcessor().preprocess
    yield "do_normalize=False", lambda: VaeImageProcessor(do_normalize=False)
    yield "do_binarize", lambda: VaeImageProcessor(do_binarize=True)


def segmentation_models_pytorch_zoo() -> Iterator[Entry]:
    from segmentation_models_pytorch.encoders import preprocess_input

    for space in ("RGB", "BGR"):
        for white, scale in ((1, 1.0), (255, 255.0)):
            options = {"mean": [scale * m for m in MEAN], "std": [scale * s for s in STD]}
            yield (
                f"{space}, 0..{white}",
                lambda options=options, space=space, white=white: functools.partial(
                    preprocess_input, **options, input_space=space, input_range=[0, white]
                ),
            )


ZOOS = {
    "torchvision": torchvision_zoo,
    "albumentations": albumentations_zoo,
    "kornia": kornia_zoo,
    "timm": timm_zoo,
    "transformers": transformers_zoo,
    "open_clip": open_clip_zoo,
    "monai": monai_zoo,
    "torchio": torchio_zoo,
    "diffusers": diffusers_zoo,
    "segmentation_models_pytorch": segmentation_models_pytorch_zoo,
}


def judge(name: str, pipeline: Any) -> Verdict:
    """Declared and measured have to agree, and all 256 levels of each channel to come back."""
    declared, refusal = None, ""
    try:
        declared = locate(pipeline)
    except NotInvertibleError as error:
        refusal = str(error).partition("std: ")[2]
    except NormalizeNotFoundError:
        pass
    try:
        measured = probe(pipeline, draws=10)
    except NotInvertibleError:
        return Verdict(name, "not invertible", f"refused: {refusal}" if refusal else "per-image")
    except PipelineError as error:
        if refusal:
            return Verdict(name, "not invertible", f"refused: {refusal}")
        return Verdict(name, "not understood", " ".join(str(error).split())[:300])
    if refusal:
        sound = bool(measured.problems) or "percentiles" in refusal
        return Verdict(name, "not invertible" if sound else "not understood", f"refused: {refusal}")
    problems = [problem.partition(":")[0] for problem in measured.problems if not problem.startswith("gated")]
    if problems:
        return Verdict(name, "not invertible", ", ".join(problems))
    normalization = declared.normalization if declared is not None else _measured(measured)
    if declared is not None and measured.difference(normalization) > 10 * measured.tolerance:
        return Verdict(
            name, "not invertible", f"declares other than it does (by {measured.difference(normalization):.2g})"
        )
    wrong = wrong_levels(normalization, declared.apply if declared is not None else None)
    if wrong:
        return Verdict(name, "not understood", f"{wrong} of 768 levels come back wrong")
    return Verdict(name, "verified", "declared and measured" if declared is not None else "measured only")


def _measured(measured: Any) -> Normalization:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return measured.normalization()


def wrong_levels(normalization: Normalization, apply: Callable[[Any], Any] | None) -> int:
    """Of the 256 levels of three channels, how many are other bytes after Normalize and its inverse."""
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).repeat(1, 3, 1, 1)
    entering = levels.float() / 255 * normalization.pixel_max
    leaving = (apply or normalization.normalize)(entering.clone())
    plain = Normalization(normalization.mean, normalization.std, normalization.pixel_max)
    return int((plain.to_uint8(leaving) != levels).sum())


def sweep(library: str, *, every: int = 1) -> list[Verdict]:
    """The verdicts on a library's pipelines, or on one of `every` so many."""
    verdicts = []
    for name, make in list(ZOOS[library]())[::every]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                pipeline = make()
            except (TypeError, ImportError):  # it cannot be made by default: nothing to try
                continue
            try:
                verdicts.append(judge(name, pipeline))
            except DenormError as error:
                verdicts.append(Verdict(name, "not understood", f"{type(error).__name__}: {error}"))
    return verdicts


def row(library: str, verdicts: list[Verdict]) -> str:
    kinds = Counter(verdict.kind for verdict in verdicts)
    reasons = Counter(verdict.reason.partition(" (by")[0] for verdict in verdicts if verdict.kind == "not invertible")
    said = "; ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    lost = f"{kinds['not invertible']} ({said})" if said else "0"
    return f"| {library} | {len(verdicts)} | {kinds['verified']} | {lost} | {kinds['not understood']} |"


def main(libraries: list[str]) -> int:
    print("| library | tried | verified | not invertible (reasons) | not understood |\n|---|---|---|---|---|")
    told = []
    for library in libraries or list(ZOOS):
        try:
            verdicts = sweep(library)
        except ImportError as error:
            print(f"| {library} | not installed: {error} | | | |")
            continue
        print(row(library, verdicts), flush=True)
        told += [f"{library}: {one.name}: {one.kind}: {one.reason}" for one in verdicts if one.kind != "verified"]
    print("\n" + "\n".join(told))
    return int(any(": not understood: " in line for line in told))


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    torch.set_num_threads(1)
    np.seterr(all="ignore")
    sys.exit(main(sys.argv[1:]))
