"""Pipelines and inverses that are wrong, written as people publish them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torchvision import transforms as T
from torchvision.transforms import v2
from torchvision.utils import make_grid

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
mean, std = torch.tensor(MEAN), torch.tensor(STD)
m, s = mean[:, None, None], std[:, None, None]

TO_IMAGENET = T.Compose([T.Resize(32), T.ToTensor(), T.Normalize(MEAN, STD)])
TO_HALF = T.Compose([T.ToTensor(), T.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])
TO_CIFAR = T.Compose([T.ToTensor(), T.Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))])
TO_MNIST = T.Compose([T.ToTensor(), T.Normalize((0.1307,), (0.3081,))])


class Broken(NamedTuple):
    """One exhibit.

    Attributes:
        pipeline, inverse: what is checked.
        check: the check that fires.
        kind: what the diagnosis calls it; "" where the mistake is in the pipeline, and there is nothing to diagnose.
        said: what the message has to say, numbers included.
    """

    pipeline: Any
    inverse: Any
    check: str
    kind: str
    said: str


GALLERY: dict[str, Broken] = {}


def exhibit(
    pipeline: Any, check: str, kind: str, said: str
) -> Callable[[Callable[[torch.Tensor], Any]], Callable[[torch.Tensor], Any]]:
    def hang(inverse: Callable[[torch.Tensor], Any]) -> Callable[[torch.Tensor], Any]:
        GALLERY[inverse.__name__] = Broken(pipeline, inverse, check, kind, said)
        return inverse

    return hang


def hang(name: str, inverse: Any, check: str, kind: str, said: str, pipeline: Any = TO_IMAGENET) -> None:
    GALLERY[name] = Broken(pipeline, inverse, check, kind, said)


# --- a second Normalize, with a slip in it ---

hang(
    "second_normalize_std_255",
    T.Normalize([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.255], [1 / 0.229, 1 / 0.224, 1 / 0.255]),
    "round_trip",
    "wrong-std",
    "blue std is 0.255 where the pipeline has 0.225, a well-known slip",
)
hang(
    "second_normalize_std_255_in_one_place",
    T.Normalize([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225], [1 / 0.229, 1 / 0.224, 1 / 0.255]),
    "round_trip",
    "wrong-std",
    "blue std is 0.255 in 1/std, and right in -mean/std where the pipeline has 0.225",
)
hang(
    "second_normalize_std_255_in_the_mean",
    T.Normalize([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.255], [1 / 0.229, 1 / 0.224, 1 / 0.225]),
    "round_trip",
    "wrong-mean",
    "blue mean is 0.358235 where the pipeline has 0.406",
)
hang(
    "second_normalize_std_299",
    T.Normalize([-0.485 / 0.299, -0.456 / 0.224, -0.406 / 0.225], [1 / 0.299, 1 / 0.224, 1 / 0.225]),
    "round_trip",
    "wrong-std",
    "red std is 0.299 where the pipeline has 0.229, a well-known slip",
)
hang(
    "two_normalizes_std_244",
    T.Compose(
        [T.Normalize([0.0] * 3, [1 / 0.229, 1 / 0.244, 1 / 0.225]), T.Normalize([-0.485, -0.456, -0.406], [1.0] * 3)]
    ),
    "round_trip",
    "wrong-std",
    "green std is 0.244 where the pipeline has 0.224, a well-known slip",
)
hang(
    "two_normalizes_mean_458",
    T.Compose(
        [T.Normalize([0.0] * 3, [1 / 0.229, 1 / 0.224, 1 / 0.225]), T.Normalize([-0.458, -0.456, -0.406], [1.0] * 3)]
    ),
    "round_trip",
    "wrong-mean",
    "red mean is 0.458 where the pipeline has 0.485, a well-known slip",
)
hang(
    "second_normalize_mean_not_divided",
    T.Normalize(-mean, 1 / std),
    "round_trip",
    "mean-not-divided",
    "The mean is added before multiplying: Normalize(-mean, 1/std)",
)
hang(
    "second_normalize_std_not_inverted",
    T.Normalize(-mean / std, std),
    "round_trip",
    "divides-by-std",
    "The inverse divides by std: Normalize(-mean/std, std)",
)
hang("second_normalize_neither", T.Normalize(-mean, std), "round_trip", "divides-by-std", "Normalize(-mean, std)")
hang(
    "second_normalize_plus_mean",
    v2.Normalize([0.485 / 0.229, 0.456 / 0.224, 0.406 / 0.225], [1 / 0.229, 1 / 0.224, 1 / 0.225]),
    "round_trip",
    "mean-sign",
    "The mean has the wrong sign",
)
hang(
    "second_normalize_arguments_swapped",
    T.Normalize(1 / std, -mean / std),
    "round_trip",
    "swapped-mean-std",
    "Normalize(1/std, -mean/std)",
)
hang(
    "second_normalize_rounded",
    T.Normalize([-2.12, -2.04, -1.80], [4.37, 4.46, 4.44]),
    "round_trip",
    "rounded-constants",
    "rounded to 2 decimals (both)",
)
hang("the_same_normalize_again", T.Normalize(MEAN, STD), "round_trip", "not-inverted", "normalized a second time")
hang("identity", torch.nn.Identity(), "round_trip", "not-inverted", "comes back as it is, still normalized")


# --- classes with a loop over the channels ---


class UnNormalize:
    """The loop that is copied between forums and repositories."""

    def __init__(self, mean: Any, std: Any, *, divide: bool = False, minus: bool = False, early: bool = False) -> None:
        self.mean, self.std = mean, std
        self.divide, self.minus, self.early = divide, minus, early

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        for t, m, s in zip(tensor, self.mean, self.std):  # noqa: B905
            if self.early:
                t.add_(m).mul_(s)
            elif self.divide:
                t.div_(s).add_(m)
            else:
                t.mul_(s).sub_(m) if self.minus else t.mul_(s).add_(m)
        return tensor


def on_a_clone(inverse: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda tensor: inverse(tensor.clone())


hang("unnormalize_in_place", UnNormalize(MEAN, STD), "input_unchanged", "depends-on-batch", "Work on a clone")
hang(
    "unnormalize_of_a_batch",
    on_a_clone(UnNormalize(MEAN, STD)),
    "inverse_accepts_batch",
    "",
    "it takes images for channels",
)
hang(
    "unnormalize_adds_first",
    on_a_clone(UnNormalize(MEAN, STD, early=True)),
    "round_trip",
    "mean-not-divided",
    "(y + mean) * std",
)
hang(
    "unnormalize_divides",
    on_a_clone(UnNormalize(MEAN, STD, divide=True)),
    "round_trip",
    "divides-by-std",
    "y / std + mean",
)
hang(
    "unnormalize_subtracts",
    on_a_clone(UnNormalize(MEAN, STD, minus=True)),
    "round_trip",
    "mean-sign",
    "y * std - mean",
)
hang(
    "unnormalize_swapped",
    on_a_clone(UnNormalize(mean=STD, std=MEAN)),
    "round_trip",
    "swapped-mean-std",
    "y * mean + std",
)
hang(
    "unnormalize_of_cifar",
    on_a_clone(UnNormalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))),
    "round_trip",
    "other-preset",
    "The inverse uses the statistics of cifar10-mean-of-stds",
    TO_CIFAR,
)


# --- the imshow of the tutorials, without its imshow ---


@exhibit(
    TO_IMAGENET, "round_trip", "other-preset", "the statistics of half (mean (0.5, 0.5, 0.5), std (0.5, 0.5, 0.5))"
)
def tutorial_of_cifar(img: torch.Tensor) -> Any:
    img = img / 2 + 0.5
    return np.transpose(img.numpy(), (1, 2, 0))


@exhibit(TO_HALF, "round_trip", "mean-not-divided", "(y + mean) * std")
def tutorial_of_cifar_brackets(img: torch.Tensor) -> Any:
    return (img + 0.5) / 2


@exhibit(TO_IMAGENET, "round_trip", "wrong-std", "red std is 0.299 where the pipeline has 0.229")
def tutorial_of_transfer_learning(inp: torch.Tensor) -> Any:
    array = inp.numpy().transpose((1, 2, 0))
    array = np.array([0.299, 0.224, 0.225]) * array + np.array([0.485, 0.456, 0.406])
    return np.clip(array, 0, 1)


@exhibit(TO_IMAGENET, "no_clipping", "clamped", "clamped in the normalized space (to 0..1) before the inverse")
def clipped_too_early(inp: torch.Tensor) -> Any:
    array = np.clip(inp.numpy().transpose((1, 2, 0)), 0, 1)
    return array * np.array(STD) + np.array(MEAN)


@exhibit(TO_IMAGENET, "bytes_exact", "truncation", "levels come back wrong")
def numpy_as_type(inp: torch.Tensor) -> Any:
    array = inp.numpy().transpose((1, 2, 0)) * np.array(STD) + np.array(MEAN)
    return (np.clip(array, 0, 1) * 255).astype(np.uint8)


@exhibit(TO_IMAGENET, "round_trip", "scale-255", "were cast without multiplying by 255")
def numpy_as_type_of_0_to_1(inp: torch.Tensor) -> Any:
    array = inp.numpy().transpose((1, 2, 0)) * np.array(STD) + np.array(MEAN)
    return np.clip(array, 0, 1).astype(np.uint8)


@exhibit(TO_IMAGENET, "bytes_exact", "truncation", "Bytes are truncated instead of rounded")
def to_pil_image(tensor: torch.Tensor) -> Image.Image:
    inverse = T.Compose([T.Normalize(-mean / std, 1 / std), T.Lambda(lambda x: x.clamp(0, 1)), T.ToPILImage()])
    image: Image.Image = inverse(tensor)
    return image


@exhibit(TO_IMAGENET, "bytes_exact", "wrong-std", "Bytes are truncated instead of rounded")
def two_slips_at_once(tensor: torch.Tensor) -> Any:
    x = tensor * torch.tensor([0.229, 0.224, 0.255])[:, None, None] + m
    return x.mul(255).clamp(0, 255).byte()


@exhibit(TO_IMAGENET, "bytes_exact", "not-inverted", "256 becomes 0")
def bytes_of_normalized(tensor: torch.Tensor) -> Any:
    return (tensor.numpy().transpose(1, 2, 0) * 255).round().astype(np.int64).astype(np.uint8)


@exhibit(TO_IMAGENET, "channel_order", "channel-order", "The channels come back reversed (BGR for RGB)")
def for_opencv(tensor: torch.Tensor) -> Any:
    array = tensor.permute(1, 2, 0).numpy() * np.array(STD, np.float32) + np.array(MEAN, np.float32)
    return array[:, :, ::-1].copy()


@exhibit(TO_IMAGENET, "round_trip", "channel-order", "In the inverse, mean and std are reversed")
def statistics_for_opencv(tensor: torch.Tensor) -> Any:
    return tensor * s.flip(0) + m.flip(0)


@exhibit(TO_IMAGENET, "round_trip", "min-max", "stretched to its own minimum and maximum")
def min_max(tensor: torch.Tensor) -> Any:
    return (tensor - tensor.min()) / (tensor.max() - tensor.min())


@exhibit(TO_IMAGENET, "round_trip", "min-max", "make_grid(normalize=True)")
def grid_that_normalizes(tensor: torch.Tensor) -> Any:
    return make_grid(tensor, normalize=True)


@exhibit(TO_IMAGENET, "round_trip", "scale-255", "255 times too large")
def floats_of_255(tensor: torch.Tensor) -> Any:
    return (tensor * s + m) * 255


@exhibit(TO_IMAGENET, "round_trip", "scale-255", "255 times too small")
def divided_twice(tensor: torch.Tensor) -> Any:
    return (tensor * s + m) / 255


@exhibit(TO_IMAGENET, "round_trip", "inverted-intensity", "the result is 1 - x")
def negative(tensor: torch.Tensor) -> Any:
    return 1 - (tensor * s + m)


@exhibit(TO_IMAGENET, "round_trip", "inverted-twice", "The inverse is applied twice")
def twice(tensor: torch.Tensor) -> Any:
    return (tensor * s + m) * s + m


@exhibit(TO_IMAGENET, "round_trip", "missing-mean", "The mean is not added")
def no_mean(tensor: torch.Tensor) -> Any:
    return tensor.mul(s)


@exhibit(TO_IMAGENET, "round_trip", "wrong-std", "The multiplication by std is missing")
def no_std(tensor: torch.Tensor) -> Any:
    return tensor.add(m)


@exhibit(
    TO_IMAGENET, "round_trip", "one-channel-for-all", "Every channel gets red's statistics (mean 0.485, std 0.229)"
)
def grey_statistics(tensor: torch.Tensor) -> Any:
    return tensor * STD[0] + MEAN[0]


@exhibit(TO_IMAGENET, "round_trip", "eps", "An eps of 1e-05 is added to std in the inverse only")
def kornia_like(tensor: torch.Tensor) -> Any:
    return torch.addcmul(m, tensor, s + 1e-5)


@exhibit(TO_CIFAR, "round_trip", "rounded-constants", "red mean 0.49 for 0.4914, red std 0.25 for 0.247")
def two_decimals(tensor: torch.Tensor) -> Any:
    return tensor * torch.tensor([0.25, 0.24, 0.26])[:, None, None] + torch.tensor([0.49, 0.48, 0.45])[:, None, None]


@exhibit(TO_MNIST, "round_trip", "swapped-mean-std", "std")
def mnist_std_twice(tensor: torch.Tensor) -> Any:
    return tensor * 0.3081 + 0.3081


@exhibit(TO_MNIST, "round_trip", "other-preset", "the statistics of fashion-mnist (mean (0.286,), std (0.353,))")
def fashion_for_mnist(tensor: torch.Tensor) -> Any:
    return tensor * 0.3530 + 0.2860


@exhibit(TO_IMAGENET, "round_trip", "unknown", "no affine map")
def gamma(tensor: torch.Tensor) -> Any:
    return (tensor * s + m).clamp(0, 1) ** 2.2


@exhibit(TO_IMAGENET, "round_trip", "contrast", "All channels are multiplied by 1.2")
def more_contrast(tensor: torch.Tensor) -> Any:
    return ((tensor * s + m) - 0.5) * 1.2 + 0.5


@exhibit(TO_IMAGENET, "channel_order", "unknown", "times the normalized channels")
def grey_mixing(tensor: torch.Tensor) -> Any:
    x = tensor * s + m
    return 0.8 * x + 0.2 * x.mean(dim=-3, keepdim=True)


@exhibit(TO_IMAGENET, "round_trip", "unknown", "turned over, left to right")
def mirrored(tensor: torch.Tensor) -> Any:
    return (tensor * s + m).flip(-1)


@exhibit(TO_IMAGENET, "random_state_unchanged", "random", "random numbers were drawn from torch")
def with_noise(tensor: torch.Tensor) -> Any:
    return tensor * s + m + torch.randn_like(tensor) * 0.05


@exhibit(TO_IMAGENET, "reverse_round_trip", "missing-mean", "The mean is not added")
def half_done(tensor: torch.Tensor) -> Any:
    return torch.einsum("chw,cd->dhw", tensor, torch.diag(std))


# --- pipelines ---


def times_255(x: torch.Tensor) -> torch.Tensor:
    return x * 255


def pipeline(name: str, broken: Any, check: str, said: str) -> None:
    GALLERY[name] = Broken(broken, None, check, "", said)


pipeline("no_normalize_at_all", T.Compose([T.Resize(8)]), "finds_normalize", "Normalize")
pipeline(
    "normalized_twice",
    T.Compose([T.ToTensor(), T.Normalize(MEAN, STD), T.RandomHorizontalFlip(), T.Normalize((0.5,) * 3, (0.5,) * 3)]),
    "single_normalize",
    "Normalize",
)
pipeline(
    "normalized_now_and_then",
    T.Compose([T.ToTensor(), T.RandomApply([T.Normalize(MEAN, STD)], p=0.5)]),
    "single_normalize",
    "0.5",
)
pipeline(
    "zero_std", T.Compose([T.ToTensor(), T.Normalize(MEAN, [0.229, 0.0, 0.225])]), "statistics_valid", "std[1] is 0"
)
pipeline(
    "statistics_of_bytes",
    T.Compose([T.ToTensor(), T.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])]),
    "statistics_valid",
    "look like statistics of bytes (0..255)",
)
pipeline(
    "no_to_tensor_scaling",
    T.Compose([T.PILToTensor(), T.ConvertImageDtype(torch.float32), times_255, T.Normalize(MEAN, STD)]),
    "declared_matches_measured",
    "255",
)
pipeline(
    "grey_pictures_with_three_statistics",
    v2.Compose([v2.Grayscale(), v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]),
    "statistics_match_channels",
    "expected 3 channels, as there are 3 means and stds; found images of 1 channel",
)
pipeline(
    "in_place",
    T.Compose([T.Normalize(MEAN, STD, inplace=True)]),
    "input_unchanged",
    "changes its input in place",
)
pipeline(
    "not_picklable",
    T.Compose([T.Lambda(lambda image: image.convert("RGB")), T.ToTensor(), T.Normalize(MEAN, STD)]),
    "picklable",
    "it cannot be pickled",
)
