"""What each check says, word for word, with its numbers; and where the line lies between passing and failing."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchvision import transforms as T
from torchvision.transforms import functional as F
from torchvision.utils import make_grid

from pytest_denorm import Normalization, assert_round_trip, check
from pytest_denorm.checks import CheckResult, sample_images

RGB = Normalization((0.5, 0.4, 0.3), (0.25, 0.5, 0.125))
GREY = Normalization(0.5, 0.25)
BYTES = Normalization((100.0, 110.0, 120.0), (50.0, 60.0, 70.0), pixel_max=255.0)
MEAN, STD = (torch.tensor(one).view(-1, 1, 1) for one in (RGB.mean, RGB.std))


def right(y: torch.Tensor) -> torch.Tensor:
    return y * STD.to(y.dtype) + MEAN.to(y.dtype)


def rounded(x: torch.Tensor) -> torch.Tensor:
    return (x * 255).round().clamp(0, 255).byte()


def pipeline(does: Callable[[torch.Tensor], Any], mean: Any = RGB.mean, std: Any = RGB.std) -> T.Compose:
    """One whose Normalize does this."""

    class Doing(T.Normalize):
        def forward(self, tensor: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = does(tensor)
            return result

    return T.Compose([T.ToTensor(), Doing(mean, std)])


def normalized(x: torch.Tensor) -> torch.Tensor:
    return (x - MEAN) / STD


def run(name: str, inverse: Any = None, pipeline: Any = RGB, images: Any = None) -> CheckResult:
    (result,) = check(pipeline, inverse=inverse, images=images, select=[name]).results
    return result


def failure(name: str, inverse: Any = None, pipeline: Any = RGB, images: Any = None) -> tuple[str, Any]:
    result = run(name, inverse, pipeline, images)
    assert result.status in ("failed", "warned"), result
    return result.message, result.details


def passed(name: str, inverse: Any = None, pipeline: Any = RGB, images: Any = None) -> str:
    result = run(name, inverse, pipeline, images)
    assert result.status == "passed", result
    return result.message


def reason(name: str, inverse: Any = None, pipeline: Any = RGB, images: Any = None) -> str:
    result = run(name, inverse, pipeline, images)
    assert result.status == "not applicable", result
    return result.message


# --- what is found ---


def test_where_the_normalize_is() -> None:
    found = run("finds_normalize", pipeline=pipeline(normalized))
    assert found.message.startswith("Compose.transforms[1]: test_checks.")
    assert found.details["path"] == ".transforms[1]"
    assert found.details["name"].endswith("Doing")
    assert run("finds_normalize").message == "Normalization"


def test_what_cannot_be_used_is_found_all_the_same() -> None:
    zero = pipeline(normalized, std=(0.25, 0.0, 0.125))
    twice = [pipeline(normalized), pipeline(normalized, std=(0.2, 0.2, 0.2))]
    now_and_then = T.Compose([T.ToTensor(), T.RandomApply([T.Normalize(0.5, 0.25)])])
    for thing in (zero, twice):
        assert passed("finds_normalize", pipeline=thing) == "a Normalize is there, though it cannot be used"
    message, details = failure("single_normalize", pipeline=twice)
    assert details == {"error": "AmbiguousNormalizeError"}
    message, details = failure("single_normalize", pipeline=now_and_then)
    assert "is applied with probability 0.5" in message
    message, details = failure("statistics_valid", pipeline=zero)
    assert "std[1] is 0" in message
    assert reason("single_normalize", pipeline=zero).startswith("no Normalize to work with (StatisticsError): see")
    assert passed("single_normalize") == "one Normalize, met by every image"
    assert passed("statistics_valid", pipeline=GREY) == "mean (0.5,), std (0.25,), images in 0..1"


def crops(normalize: Any, *branches: bool, pack: Callable[[list[Any]], Any] = list) -> Callable[[Any], Any]:
    """What makes a crop of each branch, and normalizes it, or not."""

    def views(image: Any) -> Any:
        crop = T.Compose([T.RandomCrop(90), T.ToTensor()])
        return pack([normalize(crop(image)) if branch else crop(image) for branch in branches])

    return views


class Views:
    """The same, of a Normalize that is declared."""

    def __init__(self, *branches: bool) -> None:
        self.normalize = T.Normalize(RGB.mean, RGB.std)
        self.branches = branches

    def __call__(self, image: Any) -> Any:
        return crops(self.normalize, *self.branches)(image)


UNMET_VIEWS = (
    "of 6 views that it makes of one image, 2 met the Normalize, and 4 leave as they entered, with black at 0: "
    "expected all to be normalized alike. Put the Normalize into their branch, too."
)


@pytest.mark.parametrize("make", [Views, lambda *branches: crops(T.Normalize(RGB.mean, RGB.std), *branches)])
def test_views_that_do_not_meet_the_normalize(make: Callable[..., Any]) -> None:
    branches = (True, True, False, False, False, False)
    assert failure("single_normalize", pipeline=make(*branches)) == (UNMET_VIEWS, {"normalized": 2, "raw": 4})
    assert passed("single_normalize", pipeline=make(*[True] * 6)) == "one Normalize, met by every image"


@pytest.mark.parametrize(
    ("pack", "branches", "said"),
    [
        (list, (True, False), "1 of the 2 images that it makes of one"),
        (tuple, (True, True, False), "2 of the 3 images that it makes of one"),
        (
            lambda made: {"pixel_values": made[0], "again": made[1], "raw": made[2]},
            (True, True, False),
            "2 of the 3 im",
        ),
        (lambda made: [made[0], made[1], made[2][:1]], (True, True, False), "every image"),  # such as a mask
        (lambda made: [made[0], made[1], (made[2] * 255).byte()], (True, True, False), "every image"),
        (lambda made: [made[0], made[1], made[2] + 0.5], (True, True, False), "every image"),
    ],
    ids=["pair", "tuple", "names", "mask", "bytes", "other values"],
)
def test_pictures_that_need_not_be_normalized(pack: Any, branches: tuple[bool, ...], said: str) -> None:
    views = crops(T.Normalize(RGB.mean, RGB.std), *branches, pack=pack)
    assert passed("single_normalize", pipeline=views).startswith(f"one Normalize, met by {said}")


@pytest.mark.parametrize(
    "name",
    ["reverse_round_trip", "bytes_exact", "channel_order", "no_clipping", "random_state_unchanged", "deterministic"],
)
def test_who_raises_is_told_by_every_check(name: str) -> None:
    def raising(image: torch.Tensor) -> torch.Tensor:
        raise OSError("no disk")

    assert failure(name, raising)[0].startswith("the inverse raised OSError: no disk")
    assert failure(name, None, pipeline(raising))[0].startswith("the pipeline raised OSError: no disk")


# --- there and back ---


@pytest.mark.parametrize(
    ("shape", "channels"), [((2, 1, 9, 8), 1), ((9, 8), 1), ((2, 9, 8, 4), 4), ((3, 9, 8), 3), ((6, 9, 8), 6)], ids=str
)
def test_what_declares_nothing_is_measured_with_channels_as_the_users_pictures_have(
    shape: tuple[int, ...], channels: int
) -> None:
    images = (np.arange(np.prod(shape)).reshape(shape) % 256).astype(np.uint8)
    said = passed("statistics_match_channels", pipeline=lambda x: (x - 0.5) / 0.25, images=images)
    assert said == f"{channels} of each, for {channels} channel{'s' if channels > 1 else ''}"
    passed("round_trip", pipeline=lambda x: (x - 0.5) / 0.25, images=torch.from_numpy(images))
    assert_round_trip(lambda x: (x - 0.5) / 0.25, images=[images])


def test_normalized_values_come_back() -> None:
    message, details = failure("reverse_round_trip", lambda y: right(y) + torch.tensor([0, 0, 0.25])[:, None, None])
    assert message.startswith(
        "blue: normalized values come back off by 2 (of normalized units); the derived tolerance is "
    )
    assert (details["channel"], details["error"]) == (2, pytest.approx(2))
    assert 1e-7 < details["tolerance"] < 1e-4
    message, details = failure("reverse_round_trip", lambda y: torch.where(y > 1, float("nan"), right(y)))
    assert message.startswith("red: normalized values come back off by nan")
    for beside in (0.5, 4):  # of what is allowed
        by = details["tolerance"] * beside
        red = torch.tensor([by * RGB.std[0], 0, 0]).view(-1, 1, 1)
        result = run("reverse_round_trip", lambda y, red=red: right(y.double()) + red)
        assert result.status == ("passed" if beside < 1 else "failed")
        assert result.details["max_abs_error" if beside < 1 else "error"] == pytest.approx(by, rel=0.3)
    assert passed("reverse_round_trip", right).endswith(" of normalized units")
    assert run("reverse_round_trip", right).details["max_abs_error"] < 1e-6


def test_an_inverse_of_bytes_keeps_no_normalized_values() -> None:
    assert reason("reverse_round_trip", lambda y: (right(y) * 255).round().clamp(0, 255).byte()) == (
        "the inverse gives bytes, which keep no more than 8 bits of the normalized values"
    )


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_bytes(white: float) -> None:
    statistics = Normalization([0.5 * white] * 3, [0.25 * white] * 3, pixel_max=white)

    def inverse(y: torch.Tensor) -> torch.Tensor:
        x = (y * 0.25 + 0.5) * white
        if x.shape[-2:] == (48, 64):
            x[1] = torch.where((x[1] * 255 / white).round() == 58, x[1] + white / 255, x[1])
        return x

    message, details = failure("bytes_exact", inverse, statistics)
    row, column = (int(index) for index in torch.nonzero(sample_images()[0, 1] == 58)[0])
    assert message.endswith(
        f", 1 of 768 levels; the first: image 0, green, row {row}, column {column}: expected 58, found 59."
    )
    assert details["wrong_levels"] == 1
    assert message.startswith(f"{details['wrong_bytes']} of 27,648 bytes come back wrong, ")
    assert details["wrong_bytes"] >= 12
    assert passed("bytes_exact", lambda y: (y * 0.25 + 0.5) * white, statistics) == (
        "768 levels and 27,648 bytes of 3 pictures"
    )
    assert passed("bytes_exact", pipeline=statistics) == "768 levels and 27,648 bytes of 3 pictures"


@pytest.mark.parametrize(
    ("dtype", "applies"), [("float32", True), ("float64", True), ("float16", False), ("bfloat16", False)]
)
def test_coarse_pictures_do_not_hold_all_bytes(dtype: str, applies: bool) -> None:
    result = run("bytes_exact", images=torch.rand(1, 3, 4, 5).to(getattr(torch, dtype)))
    assert result.status == ("passed" if applies else "not applicable")
    if not applies:
        assert result.message == f"images of torch.{dtype} do not hold all levels apart: see low_precision"


# --- channels ---


def test_one_channel_has_no_order_and_what_is_no_number_none_either() -> None:
    assert reason("channel_order", pipeline=GREY) == "there is one channel"

    def of_nothing(y: torch.Tensor) -> torch.Tensor:
        x = right(y)
        if x.shape[1:] == (10, 14):  # one color
            x[2] = math.nan
        return x

    assert failure("channel_order", of_nothing)[0] == (
        "an image of one color comes back with NaN or infinite values: is it divided by its own range?"
    )


def test_exchanged_channels() -> None:
    assert failure("channel_order", lambda y: right(y)[[1, 0, 2]]) == (
        "channels are exchanged: red answers to green, green answers to red.",
        {"order": [1, 0, 2]},
    )
    assert failure("channel_order", lambda y: right(y)[[1, 2, 0]])[1] == {"order": [1, 2, 0]}
    five = Normalization([0.5] * 5, [0.25] * 5)
    message, _ = failure("channel_order", lambda y: (y * 0.25 + 0.5).roll(1, 0), five)
    assert message.startswith(
        "channels are exchanged: channel 0 answers to channel 4, channel 1 answers to channel 0, "
    )
    two = Normalization([0.5] * 2, [0.25] * 2)
    for stretched in (lambda x: (x - x.min()) / (x.max() - x.min()), lambda x: x / x.max()):
        assert failure("channel_order", lambda y, stretched=stretched: stretched(right(y)))[0] == (
            "an image of one color comes back with NaN or infinite values: is it divided by its own range?"
        )
    assert failure("channel_order", lambda y: right(y)[[0, 0, 2]]) == (
        "channels are not kept apart: green answers to red.",
        {"order": [0, 0, 2]},
    )
    assert passed("channel_order", pipeline=two) == "each of 2 answers to itself alone"


def test_mixed_channels() -> None:
    def mixing(share: float) -> Callable[[torch.Tensor], torch.Tensor]:
        def inverse(y: torch.Tensor) -> torch.Tensor:
            x = right(y)
            x[2] += share * x[0]
            x[1] += share / 2 * x[2]
            return x

        return inverse

    message, details = failure("channel_order", mixing(0.25))
    assert message == "channels are mixed: blue also answers to red (0.25 for 1 of its own)."
    assert torch.tensor(details["response"]) == pytest.approx(
        torch.tensor([[1, 0, 0], [0.03125, 1, 0.125], [0.25, 0, 1]]), abs=1e-5
    )
    assert failure("channel_order", mixing(0.002))[0].startswith("channels are mixed: blue also answers to red (0.002 ")
    assert passed("channel_order", mixing(0.0005)) == "each of 3 answers to itself alone"


# --- ends ---


@pytest.mark.parametrize(
    ("clipping", "said", "channel"),
    [
        (lambda x: x.clamp(min=6 / 255), "red: levels 0 and 2 come back as one (0.02353)", 0),
        (lambda x: x.clamp(max=254 / 255), None, None),
        (lambda x: x.clamp(max=252 / 255), "red: levels 253 and 255 come back as one (0.9882)", 0),
        (lambda x: torch.stack([*x[:2], x[2].clamp(max=0.9)]), "blue: levels 239 and 247 come back as one (0.9)", 2),
        (lambda x: 1 - x.clamp(min=6 / 255), "red: levels 0 and 2 come back as one (0.9765)", 0),
        (lambda x: 1 - x, None, None),
    ],
)
def test_ends_that_are_cut_off(
    clipping: Callable[[torch.Tensor], torch.Tensor], said: str | None, channel: Any
) -> None:
    if said is None:
        assert passed("no_clipping", lambda y: clipping(right(y))) == (
            "all levels stay apart, and nothing outside 0..white is cut off"
        )
    else:
        message, details = failure("no_clipping", lambda y: clipping(right(y)))
        assert message == f"{said}: values are clipped on the way."
        assert details == {"channel": channel}


@pytest.mark.parametrize(("low", "high"), [(0.0, None), (None, 1.0), (-0.2, None), (None, 1.2)])
def test_a_normalize_that_clips(low: float | None, high: float | None) -> None:
    assert failure("no_clipping", pipeline=pipeline(lambda x: normalized(x.clamp(low, high)))) == (
        "Normalize clips what lies outside 0..white, as resampling leaves it: that cannot be undone.",
        {},
    )


# --- side effects ---


def test_a_normalize_in_place() -> None:
    assert failure("input_unchanged", pipeline=T.Compose([T.Normalize(RGB.mean, RGB.std, inplace=True)])) == (
        "Normalize changes its input in place (inplace=True?): the image that the data set keeps is normalized again "
        "next time.",
        {},
    )
    assert failure("input_unchanged", lambda y: y.mul_(STD).add_(MEAN)) == (
        "the inverse changes its input in place: the batch is overwritten, and undoing it a second time gives other "
        "images. Work on a clone.",
        {},
    )
    assert passed("input_unchanged") == "both leave their input as it is"
    fresh = T.Compose([T.ToTensor(), T.Normalize(RGB.mean, RGB.std, inplace=True)])
    assert failure("input_unchanged", pipeline=fresh)[0].startswith(
        "Normalize works in place (inplace=True). Here the step before it makes a fresh tensor."
    )


@pytest.mark.parametrize(
    ("draw", "names"),
    [
        (random.random, ["random"]),
        (np.random.rand, ["numpy.random"]),
        (lambda: torch.rand(1), ["torch"]),
        (lambda: (random.random(), np.random.rand(), torch.rand(1)), ["random", "numpy.random", "torch"]),
    ],
)
def test_random_numbers(draw: Callable[[], Any], names: list[str]) -> None:
    def drawing(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
        def drawn(given: torch.Tensor) -> torch.Tensor:
            draw()
            return function(given)

        return drawn

    before = random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist()
    for inverse, thing in ((drawing(right), RGB), (None, pipeline(drawing(normalized)))):
        assert failure("random_state_unchanged", inverse, thing) == (
            f"random numbers were drawn from {', '.join(names)}: the map is not fixed.",
            {"drawn": names},
        )
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist()) == before
    assert passed("random_state_unchanged") == "python's, numpy's and torch's generators are where they were"


class Once:
    """Does something else to the third image that it is given, and from then on."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor], at: int) -> None:
        self.function, self.left = function, at

    def __call__(self, given: torch.Tensor) -> torch.Tensor:
        self.left -= 1
        return self.function(given) + (1e-6 if self.left == 0 else 0.0)


@pytest.mark.parametrize(("at", "index"), [(6, 0), (8, 2)])  # the first of each time is for the form
def test_what_is_not_the_same_twice(at: int, index: int) -> None:
    pictures = torch.rand(3, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    assert failure("deterministic", Once(right, at), RGB, pictures) == (
        f"the inverse gives image {index} differently the second time.",
        {"image": index},
    )
    assert failure("deterministic", None, pipeline(Once(normalized, at)), pictures) == (
        f"Normalize gives image {index} differently the second time.",
        {"image": index},
    )
    assert passed("deterministic", lambda y: torch.where(y > 0, float("nan"), y)) == "twice the same, to the last bit"


# --- batches and memory ---


def test_batches() -> None:
    def shifting(function: Callable[[torch.Tensor], torch.Tensor], by: float) -> Callable[[torch.Tensor], torch.Tensor]:
        def shifted(given: torch.Tensor) -> torch.Tensor:
            result = function(given)
            if result.ndim == 4 and len(result) > 1:
                result[1, 2, 0, 0] += by
            return result

        return shifted

    end = ": it takes images for channels, or uses the whole batch."
    message, details = failure("inverse_accepts_batch", shifting(right, 0.5))
    assert message == f"the inverse gives image 1 of a batch differently from the image alone, by up to 0.5{end}"
    assert details == {"image": 1, "error": pytest.approx(0.5)}
    message, details = failure("batch_matches_single", pipeline=pipeline(shifting(normalized, 0.5)))
    assert message == f"Normalize gives image 1 of a batch differently from the image alone, by up to 0.5{end}"
    assert details == {"image": 1, "error": pytest.approx(0.5)}
    for value in ("nan", "inf"):
        message, details = failure("inverse_accepts_batch", shifting(right, float(value)))
        assert "by up to inf" in message
    assert passed("inverse_accepts_batch") == "3 images at once give what each gives alone"
    assert passed("batch_matches_single") == "3 images at once give what each gives alone"


@pytest.mark.parametrize(
    ("inverse", "said"),
    [
        (
            lambda y: right(y)[0] if y.ndim == 4 and len(y) > 1 else right(y),
            "expected 4 images, found 3",
        ),
        (
            lambda y: right(y)[:2] if y.ndim == 4 and len(y) > 1 else right(y),
            "expected 4 images, found 2",
        ),
        (lambda y: 7 if y.ndim == 4 and len(y) > 1 else right(y), "'int' object is not iterable"),
    ],
)
def test_what_is_no_batch(inverse: Callable[[torch.Tensor], Any], said: str) -> None:
    message, _ = failure("inverse_accepts_batch", inverse)
    assert message.startswith(f"a batch of 4 is not given back as one: {said}")


def one_by_one(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    def alone(given: torch.Tensor) -> torch.Tensor:
        if given.ndim == 4 and len(given) > 1:
            raise ValueError("one image, please")
        return function(given)

    return alone


def test_one_picture_at_a_time() -> None:
    assert reason("inverse_accepts_batch", one_by_one(right)) == (
        "the inverse takes one image at a time (ValueError: one image, please)"
    )
    assert reason("batch_matches_single", None, pipeline(one_by_one(normalized))) == (
        "Normalize takes one image at a time (ValueError: one image, please)"
    )


LAYOUTS = [
    (lambda t: t.stride(-1) > t.stride(-2), "a transposed image"),
    (lambda t: t.stride(-1) == 2, "every second column"),
    (lambda t: t.ndim == 4 and len(t) and t.stride(1) == 1, "channels-last memory"),
    (
        lambda t: t.ndim == 4 and len(t) and t.stride(-1) == 1 and t.stride(0) == 2 * t[0].numel(),
        "every second image of a batch",
    ),
]


@pytest.mark.parametrize(("lies_so", "layout"), LAYOUTS)
def test_layouts(lies_so: Callable[[torch.Tensor], bool], layout: str) -> None:
    def wrong(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda given: function(given) + (1e-3 if lies_so(given) else 0.0)

    def raising(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
        def picky(given: torch.Tensor) -> torch.Tensor:
            if lies_so(given):
                raise ValueError("not this")
            return function(given)

        return picky

    bright = 0.5 + torch.rand(3, 3, 4, 6, generator=torch.Generator().manual_seed(0)) / 2
    for who, inverse, thing in (("the inverse", wrong(right), RGB), ("Normalize", None, pipeline(wrong(normalized)))):
        assert failure("memory_layouts", inverse, thing, bright) == (
            f"{who} gives other values on {layout} than on a contiguous copy.",
            {"layout": layout},
        )
    for who, inverse, thing in (
        ("the inverse", raising(right), RGB),
        ("Normalize", None, pipeline(raising(normalized))),
    ):
        assert failure("memory_layouts", inverse, thing) == (
            f"{who} fails on {layout}: ValueError: not this",
            {"layout": layout},
        )


@pytest.mark.parametrize("rest", [0.0, math.nan, 1e9])
def test_a_batch_that_is_filled_in_part_is_no_matter_of_layouts(rest: float) -> None:
    """A loop over channels that is given a batch leaves the images behind the third as memory was."""

    def loop(y: torch.Tensor) -> torch.Tensor:
        x = torch.full_like(y, rest)
        for c in range(3):
            x[c] = y[c] * RGB.std[c] + RGB.mean[c]
        return x

    assert passed("memory_layouts", loop) == "7 layouts give what contiguous memory gives"
    message, _ = failure("inverse_accepts_batch", loop)
    assert message.startswith("the inverse gives image 0 of a batch differently from the image alone, by up to ")


def test_layouts_of_what_takes_batches_alone() -> None:
    def channels_last(y: torch.Tensor) -> Any:
        assert y.ndim == 4
        return right(y).movedim(1, -1).numpy()

    def of_arrays(y: Any) -> Any:
        assert isinstance(y, np.ndarray)
        return y * RGB.std + RGB.mean

    def first_alone(y: torch.Tensor) -> torch.Tensor:
        assert y.ndim == 4
        return right(y)[0]

    def of_one(y: torch.Tensor) -> torch.Tensor:
        assert y.ndim == 4
        assert len(y) == 1
        return right(y)

    assert passed("memory_layouts", of_one) == "9 layouts give what contiguous memory gives"
    assert passed("memory_layouts", channels_last) == "10 layouts give what contiguous memory gives"
    assert passed("memory_layouts", lambda y: list(channels_last(y))) == "10 layouts give what contiguous memory gives"
    assert passed("memory_layouts", first_alone) == "9 layouts give what contiguous memory gives"
    assert reason("memory_layouts", of_arrays) == "the inverse takes arrays, and no tensors"
    assert failure("memory_layouts", lambda y: None)[0] == (
        "the inverse returned None: expected the image. If it works in place, let it return its result."
    )


# --- precision, gradients, pickling ---


def test_what_low_precision_costs() -> None:
    result = run(
        "low_precision", lambda y: y * STD.to(y.dtype) + MEAN.to(y.dtype) + (0.1 if y.dtype == torch.bfloat16 else 0)
    )
    assert result.status == "failed"
    assert result.message.startswith("bfloat16: off by 2")
    assert " levels, where " in result.message
    assert " are explained: bfloat16 rounds each operation by up to 2^-8 of its result" in result.message
    assert result.details.keys() == {"float16", "bfloat16"}
    assert result.details["float16"]["wrong_levels"] == 0
    assert 20 < result.details["bfloat16"]["levels"] < 35

    result = run("low_precision", pipeline=BYTES)
    half, coarse = (result.details[name] for name in ("float16", "bfloat16"))
    assert result.message == (
        f"float16 costs up to {half['levels']:.2g} levels ({half['wrong_levels']} of 768 bytes change); "
        f"bfloat16 costs up to {coarse['levels']:.2g} levels ({coarse['wrong_levels']} of 768 bytes change)"
    )
    assert 0 <= half["levels"] < coarse["levels"] < 4

    (result,) = check(Normalization(32767.5, 16383.75, 65535.0), select=["low_precision"]).results
    assert result.message.startswith(
        "float16 does not hold these numbers (1 of 256 bytes change); bfloat16 costs up to "
    )


@pytest.mark.parametrize(
    "cast",
    [
        rounded,
        lambda x: F.convert_image_dtype(x.clamp(0, 1), torch.uint8),
        lambda x: (x * 255.999).clamp(0, 255).byte(),
        lambda x: (x * 256).clamp(0, 255).byte(),
    ],
)
def test_bytes_may_be_made_in_any_way_that_gives_them_back(cast: Callable[[torch.Tensor], torch.Tensor]) -> None:
    report = check(RGB, inverse=lambda y: cast(right(y).float()))
    assert report.ok, str(report)
    assert report.diagnosis is None
    assert "bytes change)" in next(one for one in report.results if one.name == "low_precision").message


def test_low_precision_need_not_be_supported() -> None:
    def floats_only(y: torch.Tensor) -> torch.Tensor:
        if y.dtype != torch.float32:
            raise TypeError(f"no {y.dtype}\\nat all".replace("\\n", "\n"))
        return right(y)

    assert reason("low_precision", floats_only) == (
        "float16 is not supported (no torch.float16); bfloat16 is not supported (no torch.bfloat16)"
    )

    def asserting(y: torch.Tensor) -> torch.Tensor:
        assert y.dtype == torch.float32
        return right(y)

    assert "float16 is not supported (assert " in reason("low_precision", asserting)

    def no_bfloat16(y: torch.Tensor) -> torch.Tensor:
        return right(torch.from_numpy(y.numpy()))

    message = passed("low_precision", no_bfloat16)
    assert message.startswith("float16 costs up to ")
    assert "; bfloat16 is not supported (Got unsupported ScalarType BFloat16)" in message


def test_gradients() -> None:
    message, details = failure("gradient_flows", lambda y: right(y) * torch.tensor([1, 1, 1.25])[:, None, None])
    assert message == (
        "the gradient of inverse(normalize(x)) is off 1 by up to 0.25: contrast is changed, or values are clamped or "
        "rounded."
    )
    assert details == {"error": pytest.approx(0.25)}
    assert failure("gradient_flows", lambda y: right(y) * 0.75)[1] == {"error": pytest.approx(0.25)}
    assert "by up to nan" in failure("gradient_flows", lambda y: right(y) * float("nan"))[0]
    assert passed("gradient_flows") == "it is 1 everywhere"
    assert passed("gradient_flows", lambda y: right(y) * (1 + 1e-6)) == "it is 1 everywhere"
    assert failure("gradient_flows", lambda y: right(y) * (1 + 1e-5))


def test_a_clamp_of_black_and_white_alone_stops_no_gradient() -> None:
    assert passed("gradient_flows", lambda y: right(y).clamp(0, 1)) == "it is 1 everywhere"
    assert failure("gradient_flows", lambda y: right(y).clamp(0.0041, 1))
    assert failure("gradient_flows", lambda y: right(y).clamp(0, 0.9959))
    assert reason("gradient_flows", lambda y: (right(y) * 255).round() / 255) == (
        "the inverse rounds, and a rounded value has no gradient"
    )
    ends = torch.tensor([0.0, 1.0]).expand(3, 4, 2)
    assert reason("gradient_flows", right, images=ends) == (
        "all values of the image are black or white, where a clamp is no mistake"
    )
    of_bytes = run(
        "gradient_flows", lambda y: (y * torch.tensor([50, 60, 70.0]).view(3, 1, 1) + 110).clamp(0, 255),
        Normalization((110.0, 110.0, 110.0), (50.0, 60.0, 70.0), pixel_max=255.0),
    )  # fmt: skip
    assert of_bytes.status == "passed"


def test_where_no_gradient_flows() -> None:
    def refusing(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
        def plain(given: torch.Tensor) -> torch.Tensor:
            if given.requires_grad:
                raise ValueError("no graph")
            return function(given)

        return plain

    refuses = "refuses a tensor with a gradient (ValueError: no graph)"
    leaves = "the inverse leaves the graph: it detaches, or gives an array or bytes"
    assert reason("gradient_flows", None, pipeline(refusing(normalized))) == f"Normalize {refuses}"
    assert reason("gradient_flows", refusing(right)) == f"the inverse {refuses}"
    assert reason("gradient_flows", lambda y: right(y.detach())) == leaves
    assert reason("gradient_flows", lambda y: right(y.detach()).numpy()) == leaves
    ungraded = torch.no_grad()(make_grid)  # gives views of what it got, which say that they require a gradient
    assert reason("gradient_flows", lambda y: right(ungraded(y[None]))) == (
        "the inverse leaves the graph: it works without a gradient"
    )
    assert failure("gradient_flows", Broken.apply)[0] == "the gradient cannot be computed: ValueError: no way back"
    assert reason("gradient_flows", None, pipeline(lambda x: normalized(x.detach()))) == (
        "Normalize gives no tensor with a gradient"
    )
    assert reason("gradient_flows", None, pipeline(lambda x: normalized(x.detach()).numpy())) == (
        "Normalize gives no tensor with a gradient"
    )


class Broken(torch.autograd.Function):
    """A right inverse without a way back for the gradient."""

    @staticmethod
    def forward(ctx: Any, y: torch.Tensor) -> torch.Tensor:
        return right(y)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        raise ValueError("no way back")


class Sized:
    """Something with a Normalize, and this much to pickle."""

    def __init__(self, size: int) -> None:
        self.transform = T.Normalize(0.5, 0.25)
        self.load = b"x" * size

    def __call__(self, image: Any) -> Any:
        return self.transform(image)


class Pictures(Sized):
    def __init__(self) -> None:
        super().__init__(1)

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        return self.transform(torch.full((3, 4, 4), index / 3))


NAMELESS = [lambda x: x]


class Unpicklable(Sized):
    def __reduce__(self) -> Any:
        raise TypeError("it holds a file")


def test_what_is_sent_to_workers() -> None:
    size = int(passed("picklable", pipeline=Sized(2_000_000)).removesuffix(" bytes").replace(",", ""))
    assert 2_000_000 < size < 2_010_000
    assert failure("picklable", pipeline=Unpicklable(1)) == (
        "it cannot be pickled, so a DataLoader with spawned workers fails: TypeError: it holds a file.",
        {},
    )
    loader = DataLoader(Pictures())
    loader.note = Unpicklable(1)  # type: ignore[attr-defined]
    assert passed("picklable", pipeline=loader)  # just the data set is sent
    advice = " A lambda or a local function has to become a function of a module, or a functools.partial of one."
    local, _ = failure("picklable", pipeline=pipeline(normalized))
    assert local.endswith(advice)
    of_a_module, _ = failure("picklable", pipeline=T.Compose([T.Lambda(NAMELESS[0]), T.Normalize(0.5, 0.25)]))
    assert of_a_module.endswith(advice)
    in_a_lambda, _ = failure("picklable", pipeline=T.Compose([T.Lambda(lambda x: x), T.Normalize(0.5, 0.25)]))
    assert in_a_lambda.endswith(advice)


# --- images of the user, other dtypes, other whites ---


@pytest.mark.parametrize("name", ["channel_order", "no_clipping", "gradient_flows", "deterministic"])
def test_checks_keep_to_the_dtype_of_the_pictures(name: str) -> None:
    def doubles_only(x: torch.Tensor) -> torch.Tensor:
        assert x.dtype == torch.float64
        return normalized(x)

    assert passed(name, None, pipeline(doubles_only), torch.rand(2, 3, 4, 5, dtype=torch.float64))


class Items(torch.utils.data.Dataset[Any]):
    def __init__(self, count: int) -> None:
        self.count, self.transform = count, T.Normalize(0.5, 0.29)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return self.transform(torch.rand(1, 4, 4, generator=torch.Generator().manual_seed(index)))


def test_batches_that_are_normalized_again() -> None:
    loader = DataLoader(Items(12), batch_size=4, collate_fn=once_more)
    message, _ = failure("single_normalize", pipeline=loader)
    assert " is applied to the items of the data set, and the loader around it does the same once more: " in message
    assert message.endswith(". Normalize in one place.")
    assert passed("single_normalize", pipeline=DataLoader(Items(12), batch_size=4)).startswith("one Normalize")


def test_one_number_that_is_not_the_preset_s() -> None:
    assert failure("statistics_valid", pipeline=Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.255)))[0] == (
        "std[2] is 0.255 where imagenet has 0.225; all other numbers are imagenet's. If the network was trained with "
        "the present numbers, they are right for it: declare this an expected failure."
    )


def test_how_many_pictures_of_a_data_set_are_looked_at() -> None:
    result = run("dataset_is_standardized", pipeline=Items(300))
    assert result.details["pictures"] == 256
    assert result.status == "passed", result
    assert reason("dataset_is_standardized", pipeline=Items(1)) == "there are fewer than two images"


# --- data sets ---


class Raw(Items):
    """Does not call its Normalize."""

    def __getitem__(self, index: int) -> Any:
        return torch.rand(1, 4, 4, generator=torch.Generator().manual_seed(index))


def once_more(items: list[torch.Tensor]) -> torch.Tensor:
    return T.Normalize(0.5, 0.29)(torch.stack(items))


def test_data_sets_of_other_statistics_or_of_none() -> None:
    other = Items(12)
    other.transform = T.Normalize(0.5, 0.1)
    result = run("dataset_is_standardized", pipeline=other)
    assert result.status == "warned"
    assert result.details["pictures"] == 12
    assert reason("dataset_is_standardized", pipeline=Raw(12)) == (
        "its images do not meet the Normalize: see single_normalize"
    )
    assert reason("dataset_is_standardized") == "it is neither a data set nor a loader"
