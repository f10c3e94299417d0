"""The table: what is given, which error it is, and what its message says of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torchvision import transforms as T

import pytest_denorm as d
from pytest_denorm import errors as e

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
N = d.Normalization(MEAN, STD)
GOOD = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])
X = torch.zeros(2, 3, 4, 5)
NAN, INF = float("nan"), float("inf")


class Row(NamedTuple):
    """One bad input.

    Attributes:
        name: what is wrong.
        call: does it.
        kind: the error, exactly.
        says: what the message contains: the value that was given, and what was expected or what to do.
    """

    name: str
    call: Callable[[], Any]
    kind: type[BaseException]
    says: tuple[str, ...]


class Raising:
    """Every attribute raises."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"no {name} today")


class RaisingMean(torch.nn.Module):
    @property
    def mean(self) -> Any:
        raise RuntimeError("no mean today")

    def forward(self, x: Any) -> Any:
        raise ValueError("no image today")


class Unshown:
    def __repr__(self) -> str:
        raise RuntimeError("no text today")


class Attributes(dict[str, int]):
    def __getattr__(self, name: str) -> Any:
        return self[name]


def _exits(image: Any) -> Any:
    raise SystemExit(3)


def _loop() -> Any:
    loop: list[Any] = []
    loop.append(loop)
    return loop


def _closed() -> Any:
    image = Image.new("RGB", (4, 4))
    image.close()
    return image


class EndsEarly:
    """A data set that claims more images than it has."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> Any:
        if index >= 3:
            raise IndexError(f"only 3 images, no {index}")
        return torch.full((3, 4, 4), 0.5)


class NegativeLength(EndsEarly):
    def __len__(self) -> int:
        return -1


class Dataset(EndsEarly):
    def __init__(self, item: Any) -> None:
        self.item = item

    def __getitem__(self, index: int) -> Any:
        return self.item


def breaks_off() -> Any:
    yield torch.full((3, 4, 4), 0.5)
    raise OSError("the disk is gone")


def nothing() -> Any:
    yield from ()


def first_call_only() -> Callable[[Any], Any]:
    calls = []

    def inverse(y: Any) -> Any:
        calls.append(1)
        if len(calls) > 2:
            raise RuntimeError("a call too many")
        return y

    return inverse


def row(name: str, call: Callable[[], Any], kind: type[BaseException], *says: str) -> Row:
    return Row(name, call, kind, says)


STATISTICS = [
    row("a white without text", lambda: d.Normalization(0.5, 0.5, Unshown()), e.StatisticsError, "Unshown", "a number"),
    row("a white that is a dict", lambda: d.Normalization(0.5, 0.5, Attributes()), e.StatisticsError, "pixel_max is {"),
    row("a mean without end", lambda: d.Normalization(itertools.repeat(0.5), 1), e.StatisticsError, "10,000 members"),
    row("5,000 channels", lambda: d.Normalization([0.5] * 5000, 1), e.StatisticsError, "5,000 numbers", "4096"),
    row("a preset that is a tensor", lambda: d.preset(X), e.StatisticsError, "a torch.Tensor of shape (2, 3, 4, 5)"),
    row("no numbers", lambda: d.Normalization([], []), e.StatisticsError, "mean and std are empty"),
    row("a text", lambda: d.Normalization("0.5", 0.5), e.StatisticsError, "mean is '0.5'", "(0.485, 0.456, 0.406)"),
    row("None", lambda: d.Normalization(None, 0.5), e.StatisticsError, "mean[0] is None"),
    row("a set, which has no order", lambda: d.Normalization({0.5, 0.4}, (1, 1)), e.StatisticsError, "mean is {0."),
    row("a dict", lambda: d.Normalization({"r": 0.5}, 0.5), e.StatisticsError, "mean is {'r': 0.5}"),
    row("True", lambda: d.Normalization(True, 0.5), e.StatisticsError, "mean[0] is True"),
    row("complex", lambda: d.Normalization(0.5j, 0.5), e.StatisticsError, "mean[0] is 0.5j"),
    row("nested lists", lambda: d.Normalization([[0.5]], [0.5]), e.StatisticsError, "mean[0] is [0.5]"),
    row("a matrix", lambda: d.Normalization(np.eye(2), 1.0), e.StatisticsError, "mean has shape (2, 2)"),
    row("lengths that differ", lambda: d.Normalization(MEAN, (1, 1)), e.StatisticsError, "mean has 3", "std has 2"),
    row("NaN", lambda: d.Normalization(NAN, 0.5), e.StatisticsError, "mean[0] is nan"),
    row("an infinite std", lambda: d.Normalization(0.5, INF), e.StatisticsError, "std[0] is inf"),
    row("a std of 0", lambda: d.Normalization(MEAN, (1, 0, 1)), e.StatisticsError, "std[1] is 0"),
    row("a std of 1e-320", lambda: d.Normalization(0.5, 1e-320), e.StatisticsError, "std[0] is 1e-320"),
    row("10**400", lambda: d.Normalization(10**400, 0.5), e.StatisticsError, "mean[0] is 1000"),
    row("a white of 0", lambda: d.Normalization(0.5, 0.5, 0), e.StatisticsError, "pixel_max is 0.0"),
    row("a white of -255", lambda: d.Normalization(0.5, 0.5, -255), e.StatisticsError, "pixel_max is -255.0"),
    row("a white of NaN", lambda: d.Normalization(0.5, 0.5, NAN), e.StatisticsError, "pixel_max is nan"),
    row("a white in words", lambda: d.Normalization(0.5, 0.5, "255"), e.StatisticsError, "pixel_max is '255'"),  # type: ignore[arg-type]
    row("a module without std", lambda: d.Denormalize(MEAN, ()), e.StatisticsError, "mean has 3", "std has 0"),
    row(
        "an axis in words",
        lambda: d.Normalization(0.5, 0.5, channel_axis="C").normalize(X),  # type: ignore[arg-type]
        e.StatisticsError,
        "channel_axis is 'C'",
    ),
    row("numbers that raise", lambda: d.Normalization(Raising(), 0.5), e.StatisticsError, "mean", "Raising"),
    row(
        "a generator that breaks",
        lambda: d.Normalization(breaks_off(), 1),
        e.StatisticsError,
        "mean",
        "the disk is gone",
    ),
    row("an unknown preset", lambda: d.preset("imagnet"), e.StatisticsError, "'imagnet'", "imagenet"),
    row("a preset by number", lambda: d.preset(7), e.StatisticsError, "7", "imagenet"),  # type: ignore[arg-type]
    row("too many channels", lambda: N.expand(4), e.StatisticsError, "mean has 3", "4 channels"),
]

PICTURES = [
    row("a list of pictures", lambda: d.denormalize([X[0]], N), e.ImageTypeError, "list", "Stack"),
    row("a text", lambda: d.denormalize("a.png", N), e.ImageTypeError, "builtins.str"),
    row("None", lambda: d.denormalize(None, N), e.ImageTypeError, "NoneType"),
    row("bytes", lambda: d.denormalize(X.byte(), N), e.ImageTypeError, "torch.uint8"),
    row("booleans", lambda: d.to_uint8(X.bool(), N), e.ImageTypeError, "torch.bool"),
    row("complex numbers", lambda: d.denormalize(X.cfloat(), N), e.ImageTypeError, "torch.complex64"),
    row("a sparse tensor", lambda: d.denormalize(X.to_sparse(), N), e.ImageTypeError, "sparse", ".to_dense()"),
    row("objects", lambda: d.denormalize(np.array([[[None]]]), N), e.ImageTypeError, "object"),
    row("long doubles", lambda: d.denormalize(np.zeros((3, 2, 2), np.longdouble), N), e.ImageTypeError, "float128"),
    row("no axis of channels", lambda: d.denormalize(X[0, 0], N), e.ImageError, "(4, 5)", "3 channels"),
    row("no axis at all", lambda: d.denormalize(torch.tensor(1.0), N), e.ImageError, "()"),
    row("4 channels", lambda: d.denormalize(torch.zeros(4, 5, 6), N), e.ImageError, "4 channels", "(4, 5, 6)"),
    row("channels last", lambda: d.denormalize(torch.zeros(4, 5, 3), N), e.ImageError, "(4, 5, 3)", "movedim"),
    row("two axes that fit", lambda: d.denormalize(np.zeros((3, 5, 3)), N), e.ImageError, "(3, 5, 3)", "channel_axis"),
    row("an axis that is not there", lambda: d.denormalize(X, N, channel_axis=9), e.ImageError, "channel_axis is 9"),
    row("an axis of 1.5", lambda: d.denormalize(X, N, channel_axis=1.5), e.ImageError, "channel_axis is 1.5"),  # type: ignore[arg-type]
    row(
        "out of another shape", lambda: d.denormalize(X, N, out=X[0].clone()), e.ImageError, "(3, 4, 5)", "(2, 3, 4, 5)"
    ),
    row("out of another dtype", lambda: d.denormalize(X, N, out=X.double()), e.ImageError, "torch.float64"),
    row("out of another kind", lambda: d.denormalize(X, N, out=X.numpy()), e.ImageTypeError, "ndarray"),
    row("a read-only out", lambda: d.denormalize(X.numpy(), N, out=_read_only()), e.ImageError, "read-only"),
    row("out that overlaps itself", lambda: d.denormalize(X, N, out=X[:1].expand(2, 3, 4, 5)), e.ImageError, "out"),
    row("a number for statistics", lambda: d.denormalize(X, 0.5), e.NormalizeNotFoundError, "float"),
    row("an unknown preset", lambda: d.denormalize(X, "imagenett"), e.StatisticsError, "'imagenett'"),
    row("normalize an int64", lambda: N.normalize(X.long()), e.ImageTypeError, "torch.int64"),
]


def _read_only() -> Any:
    array = np.zeros((2, 3, 4, 5), np.float32)
    array.flags.writeable = False
    return array


PIPELINES = [
    row("None", lambda: d.find_normalize(None), e.NormalizeNotFoundError, "None"),
    row("a number", lambda: d.find_normalize(7), e.NormalizeNotFoundError, "int"),
    row(
        "no Normalize",
        lambda: d.find_normalize(T.Compose([T.ToTensor()])),
        e.NormalizeNotFoundError,
        "Compose",
        "ToTensor",
    ),
    row("an empty Compose", lambda: d.find_normalize(T.Compose([])), e.NormalizeNotFoundError, "Compose"),
    row(
        "two Normalizes",
        lambda: d.find_normalize(T.Compose([T.Normalize(MEAN, STD), T.Normalize(0.5, 0.5)])),
        e.AmbiguousNormalizeError,
        "transforms[0]",
        "transforms[1]",
    ),
    row(
        "one of two at random",
        lambda: d.find_normalize(T.RandomChoice([T.Normalize(MEAN, STD), T.ToTensor()])),
        e.ConditionalNormalizeError,
        "RandomChoice",
    ),
    row("a std of 0 inside", lambda: d.find_normalize(T.Normalize(MEAN, (1, 0, 1))), e.StatisticsError, "std[1] is 0"),
    row(
        "a mean of None inside", lambda: d.find_normalize(T.Normalize(None, None)), e.StatisticsError, "mean[0] is None"
    ),
    row("an object whose attributes raise", lambda: d.find_normalize(Raising()), e.NormalizeNotFoundError, "Raising"),
    row("a module whose mean raises", lambda: d.find_normalize(RaisingMean()), e.NormalizeNotFoundError, "RaisingMean"),
    row("a pipeline within itself", lambda: d.find_normalize(_cycle()), e.NormalizeNotFoundError, "Compose"),
    row("inverse_of a text", lambda: d.inverse_of("nope"), e.StatisticsError, "'nope'"),
    row("probing a number", lambda: d.probe(7), e.PipelineError, "int"),
    row("probing what raises", lambda: d.probe(RaisingMean()), e.PipelineError, "no image today"),
    row("probing what returns None", lambda: d.probe(lambda x: None), e.PipelineError, "None"),
    row("probing with 0 channels", lambda: d.probe(GOOD, channels=0), e.ImageError, "channels is 0"),
    row("probing with -1 draws", lambda: d.probe(GOOD, draws=-1), e.ImageError, "draws is -1"),
    row("probing images of -3 x 4", lambda: d.probe(GOOD, size=(-3, 4)), e.ImageError, "size is (-3, 4)"),
    row("probing with a size of 32", lambda: d.probe(GOOD, size=32), e.ImageError, "size is 32"),  # type: ignore[arg-type]
    row("probing with a seed in words", lambda: d.probe(GOOD, seed="x"), e.SettingsError, "seed is 'x'"),  # type: ignore[arg-type]
    row("probing with a seed of 0.5", lambda: d.probe(GOOD, seed=0.5), e.SettingsError, "seed is 0.5"),  # type: ignore[arg-type]
    row("an adapter by number", lambda: d.register_adapter(7, print), e.AdapterError, "7"),  # type: ignore[arg-type]
    row("an adapter for a-b", lambda: d.register_adapter("a-b", print), e.AdapterError, "'a-b'"),
    row("an adapter that is None", lambda: d.register_adapter("mine", None), e.AdapterError, "None"),  # type: ignore[arg-type]
    row("a second adapter", lambda: d.register_adapter("torchvision", print), e.AdapterError, "torchvision"),
    row("an adapter that raises", lambda: _with_adapter(lambda one: 1 / 0), e.AdapterError, "division by zero"),
    row("an adapter that returns 7", lambda: _with_adapter(lambda one: 7), e.AdapterError, "7"),
]


def _cycle() -> Any:
    one = T.Compose([])
    one.transforms = [one]
    return one


def _with_adapter(adapter: Any) -> None:
    from pytest_denorm.pipelines.registry import unregister_adapter

    d.register_adapter(__name__, adapter)
    try:
        d.find_normalize(RaisingMean())
    finally:
        unregister_adapter(__name__)


CHECKS = [
    row("an inverse that exits", lambda: d.assert_round_trip(N, _exits), e.InverseError, "raised SystemExit: 3"),
    row("a pipeline that exits", lambda: d.probe(_exits), e.PipelineError, "SystemExit: 3"),
    row("a list that holds itself", lambda: d.check(N, images=_loop()), e.ImageTypeError, "holds itself"),
    row("fp8 images", lambda: d.check(N, images=X.to(torch.float8_e5m2)), e.ImageTypeError, "float8_e5m2", "float16"),
    row("meta images", lambda: d.check(N, images=X.to("meta")), e.ImageTypeError, "meta", "a value for each pixel"),
    row("images of text", lambda: d.check(N, images=np.array(["a"])), e.ImageTypeError, "images are array(['a']"),
    row("a closed image", lambda: d.check(N, images=_closed()), e.ImageTypeError, "closed"),
    row(
        "a select without end",
        lambda: d.check(N, select=itertools.count()),
        e.CheckNameError,
        "a list of names",
        "more than",
    ),
    row("a select that breaks", lambda: d.check(N, select=breaks_off()), e.CheckNameError, "the disk is gone"),
    row("a layout in a list", lambda: d.check(N, inverse=len, layout=["CHW"]), e.ImageError, "layout is ['CHW']"),
    row(
        "an output of 10**400", lambda: d.check(N, inverse=len, output_max=10**400), e.ImageError, "output_max is 1000"
    ),
    row(
        "an output of a tensor", lambda: d.check(N, inverse=len, output_max=X), e.ImageError, "a torch.Tensor of shape"
    ),
    row(
        "a dtype in words", lambda: d.diagnose(N, len, dtype="float32"), e.ImageTypeError, "'float32'", "torch.float32"
    ),
    row("a dtype of fp8", lambda: d.diagnose(N, len, dtype=torch.float8_e5m2), e.ImageTypeError, "torch.bfloat16"),
    row("10**8 channels", lambda: d.diagnose(N, len, channels=10**8), e.ImageError, "at most 4096"),
    row(
        "a check that is none",
        lambda: d.check(N, select=["roundtrip"]),
        e.CheckNameError,
        "'roundtrip'",
        "'round_trip'",
    ),
    row("a text for a list", lambda: d.check(N, skip="round_trip"), e.CheckNameError, "'round_trip'", "list"),
    row("a number of checks", lambda: d.check(N, select=3), e.CheckNameError, "select is 3"),  # type: ignore[arg-type]
    row("an expected failure", lambda: d.check(N, expected_failures={"x": "y"}), e.CheckNameError, "'x'"),
    row("an inverse that is 7", lambda: d.check(N, inverse=7), e.ImageTypeError, "inverse is 7"),
    row("images that are 7", lambda: d.check(N, images=7), e.ImageTypeError, "builtins.int"),
    row("no pictures", lambda: d.check(N, images=[]), e.ImageError, "at least one"),
    row("images of NaN", lambda: d.check(N, images=X * NAN), e.ImageError, "image 0", "NaN"),
    row("images of int64", lambda: d.check(N, images=X.long()), e.ImageTypeError, "torch.int64"),
    row("images of 5 axes", lambda: d.check(N, images=X[None]), e.ImageError, "(1, 2, 3, 4, 5)"),
    row("images of 2 channels", lambda: d.check(N, images=X[:, :2]), e.ImageError, "(2, 2, 4, 5)", "3 channels"),
    row("a preset", lambda: d.check("imagnet"), e.StatisticsError, "'imagnet'"),
    row(
        "a tolerance of -1",
        lambda: d.assert_round_trip(N, tolerance=-1),
        e.SettingsError,
        "tolerance is -1",
        "0 or more",
    ),
    row("a tolerance of NaN", lambda: d.assert_round_trip(N, tolerance=NAN), e.SettingsError, "tolerance is nan"),
    row("a tolerance in words", lambda: d.assert_round_trip(N, tolerance="x"), e.SettingsError, "tolerance is 'x'"),  # type: ignore[arg-type]
    row("no pipeline", lambda: d.assert_round_trip(None), e.NormalizeNotFoundError, "None"),
    row(
        "an inverse that raises",
        lambda: d.assert_round_trip(N, inverse=lambda y: 1 / 0),
        e.InverseError,
        "division by zero",
        "(3, ",
    ),
    row("an inverse of None", lambda: d.assert_round_trip(N, inverse=lambda y: None), e.InverseError, "None"),
    row("an inverse of a text", lambda: d.assert_round_trip(N, inverse=lambda y: "x"), e.InverseError, "str"),
    row("half the picture", lambda: d.assert_round_trip(N, inverse=lambda y: y[..., ::2]), e.InverseError, "shape"),
    row(
        "a call too many", lambda: d.assert_round_trip(N, inverse=first_call_only()), e.InverseError, "a call too many"
    ),
    row("diagnosing 7", lambda: d.diagnose(7, N), e.ImageTypeError, "forward is 7"),  # type: ignore[arg-type]
    row("diagnosing None", lambda: d.diagnose(N, None), e.ImageTypeError, "inverse is None"),  # type: ignore[arg-type]
    row("0 channels", lambda: d.diagnose(N, N.inverse(), channels=0), e.ImageError, "channels is 0"),
    row("2.5 channels", lambda: d.diagnose(N, N.inverse(), channels=2.5), e.ImageError, "channels is 2.5"),  # type: ignore[arg-type]
    row("channels that do not fit", lambda: d.diagnose(N, N.inverse(), channels=4), e.InverseError, "4 channels"),
    row("a white of NaN", lambda: d.diagnose(N, N.inverse(), pixel_max=NAN), e.ImageError, "pixel_max is nan"),
    row("a white in words", lambda: d.diagnose(N, N.inverse(), pixel_max="1"), e.ImageError, "pixel_max is '1'"),  # type: ignore[arg-type]
    row("an output of 0", lambda: d.diagnose(N, N.inverse(), output_max=0), e.ImageError, "output_max is 0"),
    row("an output of -1", lambda: d.diagnose(N, N.inverse(), output_max=-1), e.ImageError, "output_max is -1"),
    row("an output of nothing", lambda: d.check(N, output_max=1.0), e.ImageError, "output_max is 1.0", "no inverse"),
    row(
        "a check of an output of 0",
        lambda: d.check(N, inverse=N.denormalize, output_max=0),
        e.ImageError,
        "output_max is 0",
    ),
    row(
        "a round trip to an output in words",
        lambda: d.assert_round_trip(N, inverse=N.denormalize, output_max="255"),  # type: ignore[arg-type]
        e.ImageError,
        "output_max is '255'",
    ),
    row(
        "checks of an output of NaN",
        lambda: d.parametrize_with_checks([N], inverse=N.denormalize, output_max=NAN),
        e.ImageError,
        "output_max is nan",
    ),
    row("a forward that raises", lambda: d.diagnose(RaisingMean(), N.inverse()), e.InverseError, "no image today"),
    row("checks of 7", lambda: d.parametrize_with_checks(7), e.PipelineError, "7"),  # type: ignore[arg-type]
    row("checks of nothing", lambda: d.parametrize_with_checks({}), e.PipelineError, "no pipeline"),
    row("checks of a text", lambda: d.parametrize_with_checks("imagenet"), e.PipelineError, "'imagenet'"),
    row("checks named wrong", lambda: d.parametrize_with_checks([N], skip=["x"]), e.CheckNameError, "'x'"),
]

GRIDS = [
    row("None", lambda: d.grid(None), e.ImageTypeError, "NoneType"),
    row("an empty list", lambda: d.grid([]), e.ImageError, "empty list"),
    row("an empty batch", lambda: d.grid(X[:0], N), e.ImageError, "at least one"),
    row("images of no pixels", lambda: d.grid(X[..., :0], N), e.ImageError, "4 x 0"),
    row("0 a row", lambda: d.grid(X, N, nrow=0), e.ImageError, "nrow is 0"),
    row("2.5 a row", lambda: d.grid(X, N, nrow=2.5), e.ImageError, "nrow is 2.5"),  # type: ignore[arg-type]
    row("a padding of -1", lambda: d.grid(X, N, padding=-1), e.ImageError, "padding is -1"),
    row("a brightness of 2", lambda: d.grid(X, N, pad_value=2), e.ImageError, "pad_value is 2"),
    row("a brightness of NaN", lambda: d.grid(X, N, pad_value=NAN), e.ImageError, "pad_value is nan"),
    row("a brightness in words", lambda: d.grid(X, N, pad_value="x"), e.ImageError, "pad_value is 'x'"),  # type: ignore[arg-type]
    row("NaN", lambda: d.grid(X * NAN, N), e.ImageError, "image 0", "nan"),
    row("infinities", lambda: d.grid(X + INF, N), e.ImageError, "image 0", "inf"),
    row("values of 0..7", lambda: d.grid(X + 7), e.ImageError, "7", "0..1"),
    row("int64", lambda: d.grid(X.long()), e.ImageTypeError, "torch.int64"),
    row("two sizes", lambda: d.grid([X[0], X[0, :, :2]], N), e.ImageError, "image 1 is 2 x 5"),
    row("two channels", lambda: d.grid(X[:, :2]), e.ImageError, "(2, 2, 4, 5)"),
    row("an RGBA picture", lambda: d.grid(Image.new("RGBA", (4, 4))), e.ImageError, "RGBA", "convert"),
    row("a dict without pictures", lambda: d.grid({"label": 1}), e.ImageTypeError, "label", "pixel_values"),
    row("a data set of texts", lambda: d.grid(Dataset("x")), e.ImageTypeError, "sample 0", "str"),
    row("a data set that ends early", lambda: d.grid(EndsEarly()), e.ImageError, "EndsEarly", "only 3 images, no 3"),
    row("a loader that breaks", lambda: d.grid(breaks_off()), e.ImageError, "generator", "the disk is gone"),
    row("an empty generator", lambda: d.grid(nothing()), e.ImageError, "empty"),
    row("an axis that is not there", lambda: d.grid(X, N, channel_axis=9), e.ImageError, "channel_axis is 9"),
    row("a huge padding", lambda: d.grid(X, N, padding=10**9), e.ImageError, "1000000000"),
    row("image_compare with a text", lambda: d.image_compare("a.png"), TypeError, "'a.png'"),  # type: ignore[call-overload]
    row("image_compare at 2", lambda: d.image_compare(tolerance=2), TypeError, "tolerance=2"),
]

DATASETS = [
    row("workers of None", lambda: d.sweep(N, [X[0]], workers=None), e.DatasetError, "workers is None"),
    row("an image at 1.5", lambda: d.dataset_statistics([X[0]], image=1.5), e.DatasetError, "image is 1.5"),
    row("a state that is 7", lambda: d.sweep(N, [X[0]], state=7), e.DatasetError, "state is 7", "a path"),
    row("merging a number", lambda: d.Statistics.merge_all([7]), e.DatasetError, "one of the parts is 7"),
    row("a report that is none", lambda: d.Report.from_dict({}), e.DatasetError, "no report", "diagnosis"),
    row("None", lambda: d.dataset_statistics(None), e.DatasetError, "None"),
    row("a number", lambda: d.dataset_statistics(7), e.DatasetError, "int"),
    row("nothing", lambda: d.dataset_statistics([]), e.DatasetError, "empty"),
    row("texts", lambda: d.dataset_statistics(["x", "y"]), e.DatasetError, "str"),
    row("NaN", lambda: d.dataset_statistics([X[0] * NAN]), e.DatasetError, "NaN"),
    row("infinities", lambda: d.dataset_statistics([X[0], X[0] + INF]), e.DatasetError, "image 1"),
    row("complex", lambda: d.dataset_statistics([X[0].cfloat()]), e.DatasetError, "complex"),
    row("channels that change", lambda: d.dataset_statistics([X[0], X[0, :1]]), e.DatasetError, "image 1"),
    row("dtypes that change", lambda: d.dataset_statistics([X[0], X[0].byte()]), e.DatasetError, "image 1"),
    row("a data set that ends early", lambda: d.dataset_statistics(EndsEarly()), e.DatasetError, "image 3", "no 3"),
    row("a generator that breaks", lambda: d.dataset_statistics(breaks_off()), e.DatasetError, "the disk is gone"),
    row("an empty generator", lambda: d.dataset_statistics(nothing()), e.DatasetError, "empty"),
    row("a negative length", lambda: d.dataset_statistics(NegativeLength()), e.DatasetError, "NegativeLength"),
    row("a limit of 0", lambda: d.dataset_statistics([X[0]], limit=0), e.DatasetError, "limit is 0"),
    row("a limit of -1, streamed", lambda: d.dataset_statistics(iter([X[0]]), limit=-1), e.DatasetError, "limit is -1"),
    row("a limit in words", lambda: d.dataset_statistics([X[0]], limit="all"), e.DatasetError, "limit is 'all'"),  # type: ignore[arg-type]
    row("a sample of 0", lambda: d.dataset_statistics([X[0]], sample=0), e.DatasetError, "sample is 0"),
    row("-1 workers", lambda: d.dataset_statistics([X[0]], workers=-1), e.DatasetError, "workers is -1"),
    row("on_error='ignore'", lambda: d.dataset_statistics([X[0]], on_error="ignore"), e.DatasetError, "'ignore'"),  # type: ignore[arg-type]
    row("a white of 0", lambda: d.dataset_statistics([X[0]], pixel_max=0), e.DatasetError, "pixel_max is 0"),
    row("a white of NaN", lambda: d.dataset_statistics([X[0]], pixel_max=NAN), e.DatasetError, "pixel_max is nan"),
    row("an axis that is not there", lambda: d.dataset_statistics([X[0]], channel_axis=7), e.DatasetError, "7"),
    row("a key that is not there", lambda: d.dataset_statistics([{"a": X[0]}], image="b"), e.DatasetError, "'b'"),
    row("no rank", lambda: d.dataset_statistics([X[0]], distributed=True), e.RankError, "torchrun"),
    row("statistics that are none", lambda: d.Statistics.from_dict({"version": 1}), e.DatasetError, "'pictures'"),
    row("statistics of version 9", lambda: d.Statistics.from_dict({"version": 9}), e.DatasetError, "version is 9"),
    row("statistics from a list", lambda: d.Statistics.from_dict([1]), e.DatasetError, "version is None"),  # type: ignore[arg-type]
    row("no statistics to merge", lambda: d.Statistics.merge_all([]), e.DatasetError, "no statistics"),
    row("sweeping nothing", lambda: d.sweep(N, []), e.DatasetError, "empty"),
    row("sweeping a number", lambda: d.sweep(N, 7), e.DatasetError, "int"),
    row("sweeping a generator", lambda: d.sweep(N, breaks_off()), e.DatasetError, "generator"),
    row("sweeping without a Normalize", lambda: d.sweep([X[0]]), e.NormalizeNotFoundError, "list"),
    row("sweeping with an unknown preset", lambda: d.sweep("imagnet", [X[0]]), e.StatisticsError, "'imagnet'"),
    row("sweeping with 7 for an inverse", lambda: d.sweep(N, [X[0]], inverse=7), e.ImageTypeError, "inverse is 7"),  # type: ignore[arg-type]
    row("sweeping to an output of nothing", lambda: d.sweep(N, [X[0]], output_max=1), e.ImageError, "output_max is 1"),
    row("sweeping what ends early", lambda: d.sweep(N, EndsEarly()), e.DatasetError, "image 3", "no 3"),
    row(
        "an inverse that raises",
        lambda: d.sweep(N, [X[0]], inverse=lambda y: 1 / 0),
        e.DatasetError,
        "division by zero",
    ),  # type: ignore[arg-type, return-value]
    row("a state that is a folder", lambda: d.sweep(N, [X[0]], state="kept"), e.DatasetError, "kept"),
    row("a state that is no state", lambda: d.sweep(N, [X[0]], state="notes.txt"), e.DatasetError, "notes.txt"),
    row("a state below a file", lambda: d.sweep(N, [X[0]], state="notes.txt/s.json"), e.DatasetError, "notes.txt"),
]

COMPARISONS = [
    row("nothing to compare", lambda: d.compare(), e.SettingsError, "no pipeline to compare", "expected two"),
    row("one to compare", lambda: d.compare(N), e.SettingsError, "one pipeline to compare"),
    row("the same twice", lambda: d.assert_same_normalize(GOOD, GOOD), e.SettingsError, "are the same"),
    row("a number to compare", lambda: d.compare(N, 7), e.PipelineError, "second cannot be measured", "in a int"),
    row("reads of no kind", lambda: d.compare(N, len, reads="brg"), e.SettingsError, "reads is 'brg'", "'bgr'"),
    row("a config of nothing", lambda: d.compare(N, {"size": 3}), e.SettingsError, "second has no statistics", "size"),
]
SCANS = [
    row("a number to scan", lambda: d.scan(7), e.SettingsError, "paths is 7", "files and folders"),
    row("codes that are numbers", lambda: d.scan(".", select=[7]), e.SettingsError, "begins with 7"),
    row("no such folder", lambda: d.scan("nowhere"), e.SettingsError, "nowhere"),
    row("a code that is none", lambda: d.scan(".", select=["DN999"]), e.SettingsError, "DN999"),
]
FUNCTIONS = {
    "scans": SCANS,
    "comparisons": COMPARISONS,
    "statistics": STATISTICS,
    "pictures": PICTURES,
    "pipelines": PIPELINES,
    "checks": CHECKS,
    "grids": GRIDS,
    "data sets": DATASETS,
}
