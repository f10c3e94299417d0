"""The hot path: normalize, denormalize, to_uint8 and the Denormalize module, on everything that holds images."""

from __future__ import annotations

import copy
import io
import os
import pickle
import re
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from photographs import photographs
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision import tv_tensors
from torchvision.transforms import functional as F

from pytest_denorm import PRESETS, Denormalize, DenormError, Normalization, denormalize, to_uint8
from pytest_denorm.core import kernels
from pytest_denorm.errors import ImageError, ImageTypeError, StatisticsWarning

IMAGENET = PRESETS["imagenet"]


def normalize(images, normalization: Normalization, channel_axis: int | None = None):
    return normalization.normalize(images, channel_axis=channel_axis)


GREY = Normalization(0.1307, 0.3081)
FIVE = Normalization((0.1, 0.2, 0.3, 0.4, 0.5), (0.5, -0.4, 0.3, 0.2, 0.1))

HALVES = [torch.float16, torch.bfloat16]
FLOATS = [*HALVES, torch.float32, torch.float64]
FLOAT8S = [getattr(torch, name) for name in ("float8_e4m3fn", "float8_e5m2") if hasattr(torch, name)]

# More elements than a block has.
BIG = (5, 3, 251, 317)


@pytest.fixture(params=[None, 50], ids=["", "cut"])
def blocks(request, monkeypatch):
    """Blocks as they are, and some so small that images of 5 x 7 are cut, so that the pieces must fit together."""
    if request.param:
        monkeypatch.setattr(kernels, "_BLOCK", 4 * request.param)


def pictures(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> torch.Tensor:
    """Normalized pictures: noise that goes some way beyond black and white."""
    return (torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 1.7).to(dtype)


def exact(images: torch.Tensor, normalization: Normalization = IMAGENET, axis: int = -3) -> torch.Tensor:
    """The formula, spelled out in float64."""
    shape = [1] * images.ndim
    shape[axis] = normalization.channels
    mean = torch.tensor(normalization.mean, dtype=torch.float64).view(shape)
    std = torch.tensor(normalization.std, dtype=torch.float64).view(shape)
    return images.double() * std + mean


def assert_rounded_once(x: torch.Tensor, want: torch.Tensor) -> None:
    """mean, std and the sum rounded in float32 or better, and the result once into its dtype."""
    work = torch.float64 if x.dtype == torch.float64 else torch.float32
    bound = 4 * torch.finfo(work).eps * (want.abs() + 1) + torch.finfo(x.dtype).eps / 2 * want.abs()
    assert ((x.double() - want).abs() <= bound).all()


def all_levels() -> torch.Tensor:
    """uint8 (3, 16, 16): each channel has all 256 levels, in an order of its own."""
    levels = torch.arange(256, dtype=torch.uint8)
    return torch.stack([levels, levels.flip(0), levels.roll(77)]).view(3, 16, 16)


# layout -> the same NCHW images, lying otherwise in memory
LAYOUTS = {
    "contiguous": lambda x: x.contiguous(),
    "channels_last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "wide steps": lambda x: x.repeat_interleave(2, dim=-1)[..., ::2],
    "crop": lambda x: torch.nn.functional.pad(x, (2, 3, 4, 5))[..., 4:-5, 2:-3],
    "transposed": lambda x: x.transpose(-1, -2).contiguous().transpose(-1, -2),
    "batch last": lambda x: x.movedim(0, -1).contiguous().movedim(-1, 0),
    "channel first of all": lambda x: x.movedim(1, 0).contiguous().movedim(0, 1),
}


@pytest.fixture(params=LAYOUTS)
def layout(request):
    return LAYOUTS[request.param]


#: Each layout, and each dtype at least once.
COVERING = pytest.mark.parametrize(
    ("layout", "dtype"),
    [
        pytest.param(arrange, FLOATS[k % 4], id=f"{name}-{FLOATS[k % 4]}")
        for k, (name, arrange) in enumerate(LAYOUTS.items())
    ],
)


class TestDenormalize:
    @pytest.mark.usefixtures("blocks")
    @pytest.mark.parametrize("dtype", FLOATS, ids=str)
    @pytest.mark.parametrize("shape", [(3, 5, 7), (2, 3, 5, 7), (2, 4, 3, 5, 7), (3, 70, 1)], ids=str)
    def test_is_the_formula_rounded_once(self, shape, dtype):
        y = pictures(*shape, dtype=dtype)
        before = y.clone()
        x = denormalize(y, IMAGENET)
        assert (x.shape, x.dtype, x.device) == (y.shape, y.dtype, y.device)
        assert torch.equal(y, before)
        assert_rounded_once(x, exact(y))

    @COVERING
    def test_of_many_pixels(self, layout, dtype):
        y = layout(pictures(*BIG, dtype=dtype))
        assert_rounded_once(denormalize(y, IMAGENET), exact(y))
        assert ((to_uint8(y, IMAGENET).double() - (exact(y) * 255).clamp(0, 255)).abs() <= 0.5 + 1e-4).all()

    @pytest.mark.usefixtures("blocks")
    @COVERING
    def test_every_layout_gives_the_same_numbers_and_is_kept(self, layout, dtype):
        y = layout(pictures(2, 3, 5, 7, dtype=dtype))
        x = denormalize(y, IMAGENET)
        torch.testing.assert_close(x, denormalize(y.contiguous(), IMAGENET), rtol=torch.finfo(dtype).eps, atol=1e-7)
        assert x.stride() == torch.empty_like(y).stride()

    @pytest.mark.parametrize("dtype", FLOAT8S, ids=str)
    def test_float8(self, dtype):
        y = pictures(2, 3, 5, 7).to(dtype)
        x = denormalize(y, IMAGENET)
        assert x.dtype == dtype
        assert torch.equal(x.float(), denormalize(y.float(), IMAGENET).to(dtype).float())

    @pytest.mark.parametrize(("normalization", "channels"), [(GREY, 1), (GREY, 4), (FIVE, 5)])
    def test_any_number_of_channels(self, normalization, channels):
        y = pictures(2, channels, 6, 9)
        torch.testing.assert_close(denormalize(y, normalization).double(), exact(y, normalization))

    def test_one_mean_serves_pictures_without_a_channel_axis(self):
        for shape in ((), (7,), (28, 28), (600, 784)):
            y = torch.ones(shape)
            torch.testing.assert_close(denormalize(y, GREY), torch.full(shape, 0.3081 + 0.1307))

    @pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 3, 0, 4), (3, 4, 0)])
    def test_no_pixels(self, shape):
        assert denormalize(torch.empty(shape), IMAGENET).shape == shape
        assert to_uint8(torch.empty(shape), IMAGENET).shape == shape
        assert denormalize(np.empty(shape, np.float32), IMAGENET).shape == shape

    def test_infinities_and_nan_stay_what_they_are(self):
        y = torch.tensor([float("nan"), float("inf"), -float("inf")]).view(1, 1, 3)
        assert torch.equal(denormalize(y, GREY).isnan(), y.isnan())
        assert torch.equal(denormalize(y, GREY)[..., 1:], y[..., 1:])

    def test_is_twice_as_exact_as_a_second_normalize(self):
        x = all_levels().double() / 255
        y = F.normalize(x.float(), list(IMAGENET.mean), list(IMAGENET.std))
        inverse = IMAGENET.inverse()
        ours = (denormalize(y, IMAGENET).double() - x).abs().max()
        textbook = (F.normalize(y, list(inverse.mean), list(inverse.std)).double() - x).abs().max()
        assert ours < textbook / 1.5

    @pytest.mark.parametrize("axis", [-4, -3, -2, -1, 0, 1])
    def test_channel_axis(self, axis):
        y = pictures(3, 3, 3, 3)
        torch.testing.assert_close(denormalize(y, IMAGENET, channel_axis=axis).double(), exact(y, axis=axis))
        remembered = Normalization(IMAGENET.mean, IMAGENET.std, channel_axis=axis)
        assert torch.equal(denormalize(y, remembered), denormalize(y, IMAGENET, channel_axis=axis))


class TestOut:
    @COVERING
    def test_is_filled_and_returned(self, layout, dtype):
        y = layout(pictures(2, 3, 5, 7, dtype=dtype))
        for arrange in LAYOUTS.values():
            out = arrange(torch.zeros(2, 3, 5, 7, dtype=dtype))
            assert denormalize(y, IMAGENET, out=out) is out
            torch.testing.assert_close(out, denormalize(y, IMAGENET), rtol=torch.finfo(dtype).eps, atol=1e-7)
            bytes_out = arrange(torch.zeros(2, 3, 5, 7, dtype=torch.uint8))
            assert to_uint8(y, IMAGENET, out=bytes_out) is bytes_out
            assert torch.equal(bytes_out, to_uint8(y, IMAGENET))

    @pytest.mark.usefixtures("blocks")
    @COVERING
    def test_may_be_the_pictures(self, layout, dtype):
        y = layout(pictures(2, 3, 5, 7, dtype=dtype))
        want = denormalize(y, IMAGENET)
        assert denormalize(y, IMAGENET, out=y) is y
        assert torch.equal(y, want)

    @pytest.mark.usefixtures("blocks")
    @pytest.mark.parametrize("dtype", FLOATS, ids=str)
    def test_may_overlap_them(self, dtype):
        memory = pictures(5, 3, 5, 7, dtype=dtype)
        for y, out in ((memory[:4], memory[1:]), (memory[1:], memory[:4]), (memory[::2], memory[2:])):
            want = denormalize(y.clone(), IMAGENET)
            denormalize(y, IMAGENET, out=out)
            assert torch.equal(out, want)
        y, raw = memory[:4], memory[:4].view(torch.uint8)[..., : memory.shape[-1]]
        want_bytes = to_uint8(y.clone(), IMAGENET)
        assert torch.equal(to_uint8(y, IMAGENET, out=raw), want_bytes)

    @pytest.mark.usefixtures("blocks")
    @pytest.mark.parametrize("dtype", FLOATS, ids=str)
    def test_may_overlap_them_from_the_first_element_on(self, dtype):
        y = pictures(2, 3, 5, 7, dtype=dtype)
        bytes_out = y.view(torch.uint8).as_strided(y.shape, y.stride())
        want_bytes = to_uint8(y.clone(), IMAGENET)
        assert torch.equal(to_uint8(y, IMAGENET, out=bytes_out), want_bytes)
        square = pictures(2, 3, 7, 7, dtype=dtype)
        want = denormalize(square.clone(), IMAGENET)
        assert torch.equal(denormalize(square, IMAGENET, out=square.transpose(-1, -2)), want)

    def test_may_overlap_them_where_rows_interleave(self, monkeypatch):
        monkeypatch.setattr(kernels, "_BLOCK", 4 * 20)
        memory = pictures(64)
        y, out = (each.as_strided((2, 20), (3, 2)) for each in (memory, memory.view(torch.uint8)))
        want = to_uint8(y.clone(), GREY)
        assert torch.equal(to_uint8(y, GREY, out=out), want)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
    def test_arrays(self, dtype):
        y = pictures(2, 3, 5, 7).numpy().astype(dtype)
        want = denormalize(y, IMAGENET)
        for out in (np.zeros_like(y), np.zeros((2, 3, 5, 14), dtype)[..., ::2], np.zeros_like(y)[::-1, :, ::-1]):
            assert denormalize(y, IMAGENET, out=out) is out
            np.testing.assert_array_equal(out, want)
        assert denormalize(y, IMAGENET, out=y) is y
        np.testing.assert_array_equal(y, want)

    Y = pictures(3, 4, 4)

    @pytest.mark.parametrize(
        ("function", "images", "out", "kind", "message"),
        [
            (denormalize, Y, np.zeros((3, 4, 4)), ImageTypeError, "a ndarray: expected a Tensor, as the images are."),
            (denormalize, Y.numpy(), Y, ImageTypeError, "a Tensor: expected a ndarray, as the images are."),
            (
                denormalize,
                Y,
                torch.zeros(4, 4, 3),
                ImageError,
                "shape (4, 4, 3) and dtype torch.float32: expected shape (3, 4, 4) and dtype torch.float32.",
            ),
            (
                to_uint8,
                Y.numpy(),
                np.zeros((3, 4, 4)),
                ImageError,
                "shape (3, 4, 4) and dtype float64: expected shape (3, 4, 4) and dtype uint8.",
            ),
            (denormalize, Y, torch.zeros(3, 4, 4, device="meta"), ImageError, "on meta, the images are on cpu."),
            (
                denormalize,
                Y.numpy(),
                np.frombuffer(bytes(192), np.float32).reshape(3, 4, 4),
                ImageError,
                "read-only: expected an array that can be written to.",
            ),
        ],
        ids=["array", "tensor", "shape", "dtype", "device", "read-only"],
    )
    def test_that_does_not_fit_is_refused(self, function, images, out, kind, message):
        with pytest.raises(kind, match=rf"^out (is|has) {re.escape(message)}$"):
            function(images, IMAGENET, out=out)

    def test_beside_a_gradient(self):
        y = pictures(3, 4, 4).requires_grad_()
        with pytest.raises(ImageError, match="keeps no gradient"):
            denormalize(y, IMAGENET, out=torch.empty(3, 4, 4))
        with torch.no_grad():
            assert torch.equal(denormalize(y, IMAGENET, out=torch.empty(3, 4, 4)), denormalize(y, IMAGENET))
        out = torch.empty(3, 4, 4, dtype=torch.uint8)  # bytes have none
        assert torch.equal(to_uint8(y, IMAGENET, out=out), to_uint8(y.detach(), IMAGENET))


class TestToUint8:
    @pytest.mark.usefixtures("blocks")
    @COVERING
    def test_is_the_nearest_level(self, layout, dtype):
        y = layout(pictures(2, 3, 5, 7, dtype=dtype))
        u = to_uint8(y, IMAGENET)
        assert (u.dtype, u.shape, u.stride()) == (torch.uint8, y.shape, torch.empty_like(y).stride())
        levels = (exact(y) * 255).clamp(0, 255)
        # right by half a level, and by what float32 can say about it
        assert ((u.double() - levels).abs() <= 0.5 + 1e-4).all()

    def test_halves_go_to_even_and_what_is_outside_to_the_ends(self):
        identity = Normalization(0, 1, 255.0)
        values = [-1e30, -1.0, -0.5, 0.5, 1.5, 2.5, 126.5, 254.5, 255.4, 255.5, 256.0, 1e9, 1e30]
        levels = [0, 0, 0, 0, 2, 2, 126, 254, 255, 255, 255, 255, 255]
        special = [float("nan"), -float("nan"), float("inf"), -float("inf")]
        for dtype in (torch.float32, torch.float64):
            y = torch.tensor([*values, *special] * 7, dtype=dtype).view(1, 7, -1)
            want = torch.tensor([*levels, 0, 0, 255, 0] * 7).view(1, 7, -1)
            assert to_uint8(y, identity).tolist() == want.tolist()
            assert to_uint8(y.numpy(), identity, channel_axis=0).tolist() == want.tolist()

    def test_other_scales(self):
        u = all_levels()
        for white in (1.0, 255.0, 65535.0, 100.0):
            made = Normalization([0.4 * white] * 3, [0.2 * white] * 3, white)
            assert torch.equal(made.to_uint8(made.normalize(u)), u)

    @pytest.mark.parametrize("name", PRESETS)
    def test_every_level_comes_back_with_every_preset(self, name):
        u = all_levels() if PRESETS[name].channels == 3 else all_levels()[:1]
        assert torch.equal(to_uint8(normalize(u, PRESETS[name]), name), u)
        assert torch.equal(to_uint8(normalize(u, PRESETS[name]).double(), name), u)
        if name != "cifar10-mean-of-stds":  # half precision needs (white - mean) / 2**11 below half a level
            assert torch.equal(to_uint8(normalize(u, PRESETS[name]).half(), name), u)

    def test_every_photograph_comes_back(self):
        for image in photographs()[:4]:
            hwc = np.asarray(image)
            y = F.normalize(F.to_tensor(image), list(IMAGENET.mean), list(IMAGENET.std))
            np.testing.assert_array_equal(to_uint8(y, IMAGENET).permute(1, 2, 0).numpy(), hwc)
            np.testing.assert_array_equal(to_uint8(normalize(hwc, IMAGENET), IMAGENET), hwc)

    # In units of the roundoff 2**-24 and of white, with |x - mean| <= 1 + |mean|: x has 1, mean twice |mean|, the
    # difference, the quotient, both stds and the result 1 each of up to 1 + |mean|, in all at most 7 (1 + |mean|). That
    # is below half a level, 1/510, for |mean| < 4000. std cancels as long as float32 holds y, std and std * 255.
    @settings(deadline=None)
    @given(
        data=st.data(),
        channels=st.integers(1, 4),
        white=st.sampled_from([1.0, 255.0]),
        arrange=st.sampled_from([*LAYOUTS]),
    )
    def test_every_picture_comes_back(self, data, channels, white, arrange):
        mean = data.draw(st.lists(st.floats(-2000, 2000), min_size=channels, max_size=channels))
        size = st.floats(-20, 20).map(lambda exponent: 10.0**exponent)
        std = data.draw(st.lists(st.tuples(size, st.sampled_from([1, -1])), min_size=channels, max_size=channels))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StatisticsWarning)
            made = Normalization([m * white for m in mean], [s * sign * white for s, sign in std], white)
        shape = (data.draw(st.integers(1, 3)), channels, data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9)))
        seed = data.draw(st.integers(0, 2**32 - 1))
        u = LAYOUTS[arrange](torch.from_numpy(np.random.default_rng(seed).integers(0, 256, shape, np.uint8)))
        assert torch.equal(to_uint8(normalize(u, made), made), u)
        array = u.numpy()
        np.testing.assert_array_equal(to_uint8(normalize(array, made, channel_axis=1), made, channel_axis=1), array)

    def test_float64_is_not_rounded_on_the_way(self):
        y = torch.full((1, 2, 2), 126.5 + 1e-9, dtype=torch.float64)
        assert to_uint8(y, Normalization(0, 1, 255.0)).unique().tolist() == [127]


class TestNormalize:
    @pytest.mark.usefixtures("blocks")
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
    def test_is_what_torchvision_does_bit_for_bit(self, layout, dtype):
        x = layout(pictures(2, 3, 5, 7, dtype=dtype))
        before = x.clone()
        assert torch.equal(normalize(x, IMAGENET), F.normalize(x, list(IMAGENET.mean), list(IMAGENET.std)))
        assert torch.equal(x, before)

    def test_bytes_are_scaled_as_to_tensor_does(self):
        image = photographs()[0]
        want = F.normalize(F.to_tensor(image), list(IMAGENET.mean), list(IMAGENET.std))
        assert torch.equal(normalize(F.pil_to_tensor(image), IMAGENET), want)
        np.testing.assert_array_equal(normalize(np.array(image), IMAGENET), want.permute(1, 2, 0).numpy())

    @pytest.mark.parametrize("shape", [(2, 3, 9, 9), (2, 3, 32, 32)], ids=str)
    @pytest.mark.parametrize("dtype", HALVES, ids=str)
    def test_half_precision_is_rounded_once(self, dtype, shape):
        x = torch.rand(shape).to(dtype)
        assert torch.equal(normalize(x, IMAGENET), normalize(x.float(), IMAGENET).to(dtype))

    def test_keeps_the_gradient(self):
        x = torch.rand(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda x: normalize(x, IMAGENET), (x,))

    def test_refuses_other_integers(self):
        message = "the images are of torch.int64: expected uint8 or floating point, as it goes into Normalize."
        with pytest.raises(ImageTypeError, match=f"^{re.escape(message)}$"):
            normalize(torch.zeros(3, 4, 4, dtype=torch.int64), IMAGENET)


class TestArrays:
    @pytest.mark.usefixtures("blocks")
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_have_the_bits_that_tensors_have(self, layout, dtype):
        y = layout(torch.from_numpy(pictures(2, 3, 5, 7).numpy().astype(dtype))).numpy()
        x, u = denormalize(y, IMAGENET), to_uint8(y, IMAGENET)
        assert (type(x), x.dtype, x.shape) == (np.ndarray, y.dtype, y.shape)
        assert (type(u), u.dtype, u.shape) == (np.ndarray, np.uint8, y.shape)
        tensor = torch.from_numpy(y)
        for found, function in ((x, denormalize), (u, to_uint8)):
            want = function(tensor, IMAGENET).numpy()
            assert found.tobytes() == want.tobytes()
            assert found.strides == want.strides

    @pytest.mark.parametrize("shape", [(5, 7, 3), (2, 5, 7, 3), (251, 917, 3)], ids=str)
    def test_channels_last(self, shape):
        y = pictures(*shape)
        x = denormalize(y.numpy(), IMAGENET)
        torch.testing.assert_close(torch.from_numpy(x).double(), exact(y, axis=-1))
        u = to_uint8(y.numpy(), IMAGENET)
        np.testing.assert_array_equal(u, to_uint8(y.movedim(-1, -3), IMAGENET).movedim(-3, -1).numpy())

    # name -> the same array, as something that torch cannot address or may not write to
    AWKWARD = {  # noqa: RUF012
        "reversed rows": lambda y: np.ascontiguousarray(y[:, :, ::-1])[:, :, ::-1],
        "all reversed": lambda y: np.ascontiguousarray(y[::-1, ::-1, ::-1, ::-1])[::-1, ::-1, ::-1, ::-1],
        "bytes swapped": lambda y: y.astype(y.dtype.newbyteorder()),
        "fortran order": np.asfortranarray,
        "unaligned": lambda y: np.frombuffer(b"x" + y.tobytes(), y.dtype, offset=1).reshape(y.shape),
        "field of records": lambda y: np.rec.fromarrays([y, np.zeros(y.shape, np.int8)], names="y,flag").y,
        "broadcast": lambda y: np.broadcast_to(y, y.shape),
    }

    @pytest.mark.parametrize("name", AWKWARD)
    def test_of_any_make(self, name):
        plain = pictures(2, 3, 5, 7).numpy()
        y = self.AWKWARD[name](plain)
        before = y.copy()
        x, u = denormalize(y, IMAGENET), to_uint8(y, IMAGENET)
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, denormalize(plain, IMAGENET))
        np.testing.assert_array_equal(u, to_uint8(plain, IMAGENET))
        np.testing.assert_array_equal(y, before)
        x[...] = 0
        np.testing.assert_array_equal(y, before)


class TestSubclasses:
    @pytest.mark.parametrize(("kind", "shape"), [(tv_tensors.Image, (3, 5, 7)), (tv_tensors.Video, (4, 3, 5, 7))])
    def test_tv_tensors_keep_their_type(self, kind, shape):
        y = pictures(*shape)
        for function in (denormalize, to_uint8, normalize):
            result = function(kind(y), IMAGENET)
            assert type(result) is kind
            assert torch.equal(result.as_subclass(torch.Tensor), function(y, IMAGENET))
        assert type(Denormalize.of(IMAGENET)(kind(y))) is kind
        assert type(normalize(kind(torch.zeros(shape, dtype=torch.uint8)), IMAGENET)) is kind
        out = torch.empty(shape)
        assert denormalize(kind(y), IMAGENET, out=out) is out

    def test_parameters_give_tensors_with_a_gradient(self):
        dream = torch.nn.Parameter(pictures(1, 3, 4, 4))
        result = denormalize(dream, IMAGENET)
        assert type(result) is torch.Tensor
        result.sum().backward()
        torch.testing.assert_close(dream.grad[0, :, 0, 0], torch.tensor(IMAGENET.std))

    def test_fake_tensors_stay_fake_and_leave_nothing_behind(self):
        from torch._subclasses import FakeTensor, FakeTensorMode

        made = Normalization((0.11, 0.12, 0.13), (0.21, 0.22, 0.23))  # used nowhere else
        with FakeTensorMode() as mode:
            fake = mode.from_tensor(pictures(3, 4, 4))
            assert isinstance(denormalize(fake, made), FakeTensor)
            assert to_uint8(fake, made).dtype == torch.uint8
        for y in (pictures(3, 4, 4), pictures(3, 4, 4).requires_grad_()):
            torch.testing.assert_close(denormalize(y, made).double(), exact(y, made))
        y = pictures(2, 3, 4, 4)
        torch.testing.assert_close(torch.func.vmap(lambda y: denormalize(y, made))(y).double(), exact(y, made))


class TestGradient:
    @pytest.mark.filterwarnings("ignore:.*torch.jit.*")  # torch scripts something when forward mode is first used
    @pytest.mark.parametrize("normalization", [IMAGENET, GREY])
    def test_is_std(self, normalization):
        y = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda y: denormalize(y, normalization), (y,), check_forward_ad=True)
        assert torch.autograd.gradgradcheck(lambda y: denormalize(y, normalization), (y,))

    @pytest.mark.parametrize("dtype", FLOATS, ids=str)
    def test_is_of_the_dtype_of_the_pictures(self, dtype):
        y = pictures(2, 3, 5, 7, dtype=dtype).requires_grad_()
        x = denormalize(y, IMAGENET)
        assert torch.equal(x.detach(), denormalize(y.detach(), IMAGENET))
        x.sum().backward()
        assert y.grad.dtype == dtype
        torch.testing.assert_close(y.grad[1, :, 2, 3], torch.tensor(IMAGENET.std, dtype=dtype))

    def test_is_kept_after_a_call_in_inference_mode(self):
        made = Normalization((0.31, 0.32, 0.33), (0.41, 0.42, 0.43))  # used nowhere else
        dream = pictures(1, 3, 5, 7).requires_grad_()
        with torch.inference_mode():
            denormalize(pictures(1, 3, 5, 7), made)
            with torch.enable_grad():
                denormalize(dream, made)
        y = pictures(1, 3, 5, 7).requires_grad_()
        denormalize(y, made).sum().backward()
        torch.testing.assert_close(y.grad[0, :, 0, 0], torch.tensor(made.std))

    @pytest.mark.filterwarnings("ignore:.*torch.jit.*")
    def test_of_function_transforms(self):
        y = pictures(2, 3, 5, 7)
        std = torch.tensor(IMAGENET.std).view(3, 1, 1).expand(2, 3, 5, 7)
        x, slope = torch.func.jvp(lambda y: denormalize(y, IMAGENET), (y,), (torch.ones_like(y),))
        assert torch.equal(x, denormalize(y, IMAGENET))
        torch.testing.assert_close(slope, std)
        torch.testing.assert_close(torch.func.grad(lambda y: denormalize(y, IMAGENET).sum())(y), std)
        assert torch.equal(torch.func.vmap(lambda y: denormalize(y, IMAGENET))(y), x)
        assert torch.equal(torch.func.vmap(lambda y: to_uint8(y, IMAGENET))(y), to_uint8(y, IMAGENET))


class TestRefused:
    NOT_FLOATS = (
        "expected floating point, as it comes out of Normalize. Bytes were never normalized, or were already converted "
        "back."
    )
    NO_ARRAY = "expected a torch tensor or a numpy array of floating point."

    @pytest.mark.parametrize(
        ("images", "message"),
        [
            (torch.zeros(3, 4, 4, dtype=torch.uint8), f"the images are of torch.uint8: {NOT_FLOATS}"),
            (np.zeros((4, 4, 3), np.int32), f"the images are of int32: {NOT_FLOATS}"),
            (torch.zeros(3, 4, 4, dtype=torch.complex64), "the images are of torch.complex64: expected real numbers."),
            (np.zeros((3, 4, 4), np.complex64), "the images are of complex64: expected real numbers."),
            (np.array([["a"]]), "the images are of <U1: expected real numbers."),
            (
                [torch.zeros(3, 4, 4)],
                f"the images are a builtins.list: {NO_ARRAY} Stack images of one size, or call it on each.",
            ),
            (photographs()[0], f"the images are a PIL.Image.Image: {NO_ARRAY}"),
            (
                torch.zeros(3, 4, 4).to_sparse(),
                "the images are a tensor of layout torch.sparse_coo: convert it with .to_dense().",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else type(value).__name__,
    )
    def test_kinds(self, images, message):
        for function in (denormalize, to_uint8):
            with pytest.raises(ImageTypeError, match=f"^{re.escape(message)}$") as caught:
                function(images, IMAGENET)
            assert isinstance(caught.value, TypeError)
            assert isinstance(caught.value, DenormError)
        with pytest.raises(ImageTypeError):
            Denormalize.of(IMAGENET)(images)

    VIDEOS = "no 3 channels on axis -3. If these are videos (..., C, T, H, W), give channel_axis=-4."

    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            (
                (4, 4),
                "the images have shape (4, 4) and no channel axis; the statistics have 3 channels (preset imagenet): "
                "expected (3, H, W) or (N, 3, H, W).",
            ),
            (
                (4, 5, 3),
                "the images have shape (4, 5, 3): their channels are last, and were looked for on axis -3. "
                "Use images.movedim(-1, -3), or give channel_axis=-1.",
            ),
            ((2, 3, 8, 4, 5), f"the images have shape (2, 3, 8, 4, 5): {VIDEOS}"),
            ((3, 8, 4, 5), f"the images have shape (3, 8, 4, 5): {VIDEOS}"),
            (
                (2, 4, 5, 6),
                "the images have 4 channels (axis -3 of shape (2, 4, 5, 6)), the statistics have 3 channels "
                "(preset imagenet).",
            ),
            (
                (3, 1, 5, 6),
                "the images have 1 channel (axis -3 of shape (3, 1, 5, 6)), the statistics have 3 channels "
                "(preset imagenet). Grey images take one mean and one std.",
            ),
        ],
    )
    def test_shapes(self, shape, message):
        for function in (denormalize, to_uint8, normalize, lambda images, _: Denormalize.of("imagenet")(images)):
            with pytest.raises(ImageError, match=f"^{re.escape(message)}$") as caught:
                function(torch.zeros(shape), IMAGENET)
            assert isinstance(caught.value, ValueError)

    @pytest.mark.parametrize(
        ("axis", "message"),
        [
            *((axis, f"channel_axis is {axis}: images of shape (3, 4, 5) have no such axis.") for axis in (3, -4)),
            *(
                (axis, f"channel_axis is {axis!r}: expected a whole number of axes, such as -3.")
                for axis in ("first", 1.5, True)
            ),
        ],
    )
    def test_axes(self, axis, message):
        for normalization in (IMAGENET, GREY):
            with pytest.raises(ImageError, match=f"^{re.escape(message)}$"):
                denormalize(torch.zeros(3, 4, 5), normalization, channel_axis=axis)

    def test_arrays_that_could_be_either(self):
        message = (
            "the images have shape (3, 5, 3): the channels may be axis -3 (..., C, H, W) or axis -1 (..., H, W, C). "
            "Say which with channel_axis."
        )
        y = pictures(3, 5, 3)
        with pytest.raises(ImageError, match=f"^{re.escape(message)}$"):
            denormalize(y.numpy(), IMAGENET)
        for axis in (-3, -1):
            x = denormalize(y.numpy(), IMAGENET, channel_axis=axis)
            torch.testing.assert_close(torch.from_numpy(x).double(), exact(y, axis=axis))

    def test_one_mean_serves_any_axis(self):
        y = pictures(3, 4, 5)
        for axis in (None, 0, -1):
            assert torch.equal(denormalize(y, GREY, channel_axis=axis), denormalize(y, GREY))


class Counted(TorchDispatchMode):
    """The operations that reach a device, without those that only look at memory differently."""

    VIEWS = ("permute", "view", "slice", "detach", "alias", "empty", "narrow", "expand")

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function._schema.name.removeprefix("aten::")
        if not name.startswith(self.VIEWS):
            self.names.append(name)
        return function(*args, **(kwargs or {}))


class Devices(TorchDispatchMode):
    """The devices of all tensors that operations are given, and give."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[torch.device] = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        given = pytree.tree_leaves((args, kwargs, result))
        self.found |= {each.device for each in given if isinstance(each, torch.Tensor)}
        return result


class TestDevices:
    @pytest.mark.parametrize("dtype", [*FLOATS, *FLOAT8S], ids=str)
    def test_meta_tensors_tell_the_shape(self, dtype):
        y = torch.empty(2, 3, 5, 7, dtype=dtype, device="meta").to(memory_format=torch.channels_last)
        x, u = denormalize(y, IMAGENET), to_uint8(y, IMAGENET)
        assert (x.shape, x.dtype, x.device, x.stride()) == (y.shape, dtype, y.device, y.stride())
        assert (u.shape, u.dtype, u.device, u.stride()) == (y.shape, torch.uint8, y.device, y.stride())
        assert Denormalize.of(IMAGENET).to("meta")(y).device == y.device

    @pytest.mark.parametrize("shape", [(2, 3, 5, 7), (2, 3, 32, 32)], ids=str)
    @pytest.mark.parametrize("dtype", FLOATS, ids=str)
    def test_denormalize_is_one_operation_and_fetches_nothing(self, dtype, shape):
        y = torch.empty(shape, dtype=dtype, device="meta")
        denormalize(y, IMAGENET)  # the constants are on the device now
        with Counted() as counted:
            denormalize(y, IMAGENET)
            denormalize(y, IMAGENET, out=torch.empty_like(y))
        assert counted.names == ["addcmul"] * 2

    @pytest.mark.parametrize("dtype", FLOATS, ids=str)
    def test_a_gpu_keeps_its_pictures(self, dtype):
        """Shown where there is none, on tensors without values, of which torch checks the devices."""
        from torch._subclasses import FakeTensorMode

        with FakeTensorMode():
            y = torch.empty(2, 3, 5, 7, dtype=dtype, device="cuda")
            for function in (denormalize, to_uint8, normalize):
                with Devices() as seen:
                    result = function(y, IMAGENET)
                assert (result.device, result.shape) == (y.device, y.shape)
                assert seen.found == {y.device}

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    @pytest.mark.parametrize("dtype", FLOATS, ids=str)
    def test_cuda_agrees_and_does_not_wait(self, dtype):
        y = pictures(4, 3, 33, 65, dtype=dtype)
        there = y.cuda()
        torch.cuda.set_sync_debug_mode("error")
        try:
            x, u = denormalize(there, IMAGENET), to_uint8(there, IMAGENET)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        torch.testing.assert_close(x.cpu(), denormalize(y, IMAGENET), rtol=torch.finfo(dtype).eps, atol=1e-7)
        assert (u.cpu().int() - to_uint8(y, IMAGENET).int()).abs().max() <= 1
        bytes_in = all_levels().cuda()
        assert torch.equal(to_uint8(normalize(bytes_in, IMAGENET), IMAGENET), bytes_in)


def memory(name: str) -> int:
    """Bytes of memory that this process has (VmRSS), or has had at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def extra_memory(function, y) -> int:
    """Bytes that a call takes beyond its result."""
    function(y[..., :99, :99], IMAGENET)
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the greatest use so far
    result = function(y, IMAGENET)
    return memory("VmHWM") - before - result.nbytes


def needs_gradient(y: torch.Tensor) -> torch.Tensor:
    return y.requires_grad_()


def channels_last(y: torch.Tensor) -> torch.Tensor:
    return y.contiguous(memory_format=torch.channels_last)


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs Linux's count of used memory")
@pytest.mark.parametrize(
    "form", [torch.Tensor.detach, needs_gradient, channels_last, torch.Tensor.numpy], ids=lambda form: form.__name__
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize("function", [denormalize, to_uint8])
def test_extra_memory_is_small(function, dtype, form):
    y = form(pictures(1, 3, 2000, 2000, dtype=dtype))
    with torch.set_grad_enabled(function is to_uint8):  # bytes have no gradient anyway
        assert extra_memory(function, y) < 4 * 2**20


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs Linux's count of used memory")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 1), (1, 0)], ids=["itself", "after", "before"])
def test_out_takes_no_memory_of_its_own(dtype, first, second):
    room = pictures(2, 3, 2000, 2000, dtype=dtype)
    y, out = room[first], room[second]

    def function(images, _):
        return denormalize(images, IMAGENET, out=out) if images.shape == out.shape else images[:0]

    assert extra_memory(function, y) + out.nbytes < 4 * 2**20


# torch says so in the newer versions, and still does it
scripts = pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning", "ignore:.*torch.jit.*:DeprecationWarning")

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None or sys.platform == "win32", reason="torch.compile needs a C++ compiler"
)


@pytest.fixture
def compiler():
    """torch.compile, afresh; what it builds in older versions makes the processor flush subnormals to zero."""
    torch.compiler.reset()
    yield torch.compile
    torch.set_flush_denormal(False)


@pytest.mark.parametrize("length", [2, 4])
def test_an_expanded_out_is_refused(length):
    y, message = (
        pictures(3, length, 5),
        r"^out is expanded: several of its elements are one place in memory\. Expected ",
    )
    for images, out in (
        (y, torch.zeros(3, 1, 5).expand(3, length, 5)),
        (y.numpy(), np.broadcast_to(np.zeros((3, 1, 5), np.float32), (3, length, 5))),
    ):
        with pytest.raises(ImageError, match=message):
            denormalize(images, IMAGENET, out=out)


class TestModule:
    def test_does_what_the_function_does(self, layout):
        module = Denormalize(IMAGENET.mean, IMAGENET.std)
        y = layout(pictures(2, 3, 5, 7))
        assert torch.equal(module(y), denormalize(y, IMAGENET))
        np.testing.assert_array_equal(module(y.numpy()), denormalize(y.numpy(), IMAGENET))

    def test_repr_is_readable(self):
        assert repr(Denormalize(IMAGENET.mean, IMAGENET.std)) == (
            "Denormalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))"
        )
        assert repr(Denormalize(127.5, 51, 255)) == "Denormalize(mean=(127.5,), std=(51,), pixel_max=255)"

    def test_has_no_state_to_load_or_train(self):
        module = Denormalize.of(IMAGENET)
        assert not module.state_dict()
        assert not list(module.parameters())
        torch.nn.Sequential(module).load_state_dict({})

    @pytest.mark.filterwarnings("ignore:.*torch.load:FutureWarning")  # torch 2.4, of its own pickles
    @pytest.mark.parametrize(
        "duplicate",
        [copy.deepcopy, copy.copy, lambda module: pickle.loads(pickle.dumps(module))],
        ids=["deepcopy", "copy", "pickle"],
    )
    def test_copies(self, duplicate):
        module = Denormalize.of("imagenet").half()
        twin = duplicate(module)
        y = pictures(3, 4, 4)
        assert torch.equal(twin(y), module(y))
        assert (twin.normalization, repr(twin)) == (module.normalization, repr(module))
        assert twin.normalization.source == "preset imagenet"

    @pytest.mark.parametrize("cast", [torch.nn.Module.half, torch.nn.Module.bfloat16, torch.nn.Module.float])
    def test_casts_leave_the_statistics_exact(self, cast):
        module = cast(torch.nn.Sequential(Denormalize.of(IMAGENET)))[0]
        assert module.mean.tolist() == list(IMAGENET.mean)
        assert module.std.tolist() == list(IMAGENET.std)
        y = pictures(2, 3, 5, 7)
        assert torch.equal(module(y), denormalize(y, IMAGENET))

    @scripts
    @pytest.mark.parametrize("dtype", FLOATS, ids=str)
    @pytest.mark.parametrize("made", [IMAGENET, GREY], ids=["three", "one"])
    def test_scripts(self, made, dtype):
        scripted = torch.jit.script(Denormalize.of(made))
        buffer = io.BytesIO()
        torch.jit.save(scripted, buffer)
        buffer.seek(0)
        for module in (scripted, torch.jit.load(buffer)):
            for shape in ((3, 5, 7), (2, 3, 5, 7)):
                y = pictures(*shape, dtype=dtype)
                assert torch.equal(module(y), denormalize(y, made))

    @scripts
    @pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
    @pytest.mark.parametrize("dtype", [torch.float16, torch.float32], ids=str)
    def test_traces_without_remembering_the_size(self, dtype):
        traced = torch.jit.trace(Denormalize.of(IMAGENET), pictures(1, 3, 900, 800, dtype=dtype))
        y = pictures(2, 3, 5, 7, dtype=dtype)
        assert torch.equal(traced(y), denormalize(y, IMAGENET))

    def test_exports(self):
        batch = torch.export.Dim("batch", min=2, max=64)
        y = pictures(4, 3, 5, 7)
        program = torch.export.export(Denormalize.of(IMAGENET), (y,), dynamic_shapes=({0: batch},))
        for count in (2, 9):
            y = pictures(count, 3, 5, 7)
            assert torch.equal(program.module()(y), denormalize(y, IMAGENET))

    @needs_compiler
    @pytest.mark.parametrize("dtype", [torch.float16, torch.float32], ids=str)
    def test_compiles_to_one_graph(self, compiler, dtype):
        y = pictures(2, 3, 5, 7, dtype=dtype)
        compiled = compiler(Denormalize.of(IMAGENET), fullgraph=True)
        torch.testing.assert_close(compiled(y), denormalize(y, IMAGENET), rtol=torch.finfo(dtype).eps, atol=1e-6)

    @needs_compiler
    def test_functions_compile_to_one_graph(self, compiler):
        y = pictures(2, 3, 5, 7)
        x = compiler(lambda y: denormalize(y, IMAGENET), fullgraph=True)(y)
        torch.testing.assert_close(x, denormalize(y, IMAGENET), rtol=1e-6, atol=1e-6)
        u = compiler(lambda y: to_uint8(y, IMAGENET), fullgraph=True)(y)
        assert torch.equal(u, to_uint8(y, IMAGENET))
