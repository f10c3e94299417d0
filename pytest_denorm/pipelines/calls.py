"""Calling other people's code with pictures: what to give it, and how to read what comes back."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from ..core.arguments import flattened
from ..core.foreign import Guarded, attribute, first_line, shown
from ..core.normalization import Normalization
from ..errors import ImageError, ImageTypeError, InverseError
from .located import Located

__all__ = [
    "CHANNELS_FIRST_ARRAY",
    "CHANNELS_LAST_TENSOR",
    "FLOATS",
    "LAYOUTS",
    "Called",
    "Caller",
    "Way",
    "as_function",
    "as_images",
    "as_tensor",
    "call",
    "channels_of",
    "describe_callable",
    "forward_of",
    "read_image",
]


#: Images of other floats have no arithmetic on every machine.
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


class Way(NamedTuple):
    """A form of images that a function is tried with.

    Attributes:
        words: says it; "" for the usual one.
        single: makes it of an image (C, H, W).
        batch: makes it of several, (N, C, H, W).
    """

    words: str
    single: Callable[[torch.Tensor], Any]
    batch: Callable[[torch.Tensor], Any]


class Called(NamedTuple):
    """What a function gave for some images.

    Attributes:
        pictures: its results, (C, H, W) each, of the dtype that it chose.
        mutated: it changed what it was given.
        way: the form in which it took them.
    """

    pictures: list[torch.Tensor]
    mutated: bool
    way: Way


def call(function: Callable[[Any], Any], pictures: Sequence[torch.Tensor], role: str, way: Way | None = None) -> Called:
    """Return `function` of each image (C, H, W) by itself, in one form.

    Args:
        way: the form; the one that it takes, unless given.

    Raises:
        InverseError: it raises in every form, or what it gives is no image of that size.
    """
    one_by_one = Caller(function, role, way)
    results, mutated = [], False
    for image in pictures:
        given = image.clone()
        # a copy, because it may give the same memory each time
        results.append(one_by_one(given).clone())
        mutated = mutated or not (torch.equal(given, image) or torch.equal(given.nan_to_num(), image.nan_to_num()))
    return Called(results, mutated, one_by_one.way)


#: In the order in which they are tried; channels are last in what matplotlib shows.
_WAYS = (
    Way("", lambda image: image, lambda batch: batch),
    Way("a batch of one", lambda image: image[None], lambda batch: batch),
    Way(
        "an array (H, W, C)",
        lambda image: image.permute(1, 2, 0).numpy(),
        lambda batch: batch.permute(0, 2, 3, 1).numpy(),
    ),
    Way("an array (C, H, W)", lambda image: image.numpy(), lambda batch: batch.numpy()),
    Way("a tensor (H, W, C)", lambda image: image.permute(1, 2, 0), lambda batch: batch.permute(0, 2, 3, 1)),
)


#: What some pipelines emit.
CHANNELS_FIRST_ARRAY, CHANNELS_LAST_TENSOR = _WAYS[3:]
#: What may be asked for by name: tensors with channels first, arrays with channels last, alone or as a batch of one.
LAYOUTS = {
    "CHW": _WAYS[0],
    "NCHW": _WAYS[1],
    "HWC": _WAYS[2],
    "NHWC": Way(
        "an array (1, H, W, C)",
        lambda image: image[None].permute(0, 2, 3, 1).numpy(),
        lambda batch: batch.permute(0, 2, 3, 1).numpy(),
    ),
}


class Caller:
    """`function` for one image (C, H, W) at a time, in the form of ``_WAYS`` that it takes.

    One by one is the safe way: a function that was written for one image may take a batch without complaint and
    mix images up with channels. One that was written for channels last may take a tensor without complaint, too, and
    change its columns: so the form is sought in which an image of one color stays one.
    """

    def __init__(self, function: Callable[[Any], Any], role: str, way: Way | None = None) -> None:
        self._function = function
        self._role = role
        self._way = way

    @property
    def way(self) -> Way:
        """The form in which it takes images; the usual one before the first."""
        return self._way or _WAYS[0]

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Its result, which may share memory with `image`; `image` may be changed.

        Raises:
            InverseError: it raises in every form, or what it gives is no image of that size.
        """
        shape = tuple(image.shape)
        if self._way is None:
            returned = self._first(image)
        else:
            try:
                returned = self._function(self._way.single(image))
            except Exception as error:
                raise InverseError(_raised(self._role, error, self._way.words or f"a float tensor {shape}")) from error
        return read_image(returned, shape, self._role)

    def _first(self, image: torch.Tensor) -> Any:
        spare, first = image.clone(), None
        best = next((way for way in _WAYS if self._keeps_one_color(way, spare)), _WAYS[0])
        for way in (best, *(way for way in _WAYS if way is not best)):
            try:
                returned = self._function(way.single(image))
            except Exception as error:
                first = first or error
                image.copy_(spare)
            else:
                self._way = way
                return returned
        assert first is not None  # no way was taken
        shape = tuple(spare.shape)
        last = (*shape[1:], shape[0])
        forms = f"a float tensor of shape {shape}, {(1, *shape)} and {last}, and arrays of shape {last} and {shape}"
        raise InverseError(_raised(self._role, first, forms)) from first

    def _keeps_one_color(self, way: Way, image: torch.Tensor) -> bool:
        """Whether an image of one color, of the size of `image`, comes back as one."""
        shape = tuple(image.shape)
        if not image.numel():
            return True
        plain = image[:, :1, :1].expand(shape).contiguous()
        try:
            returned = read_image(self._function(way.single(plain)), shape, self._role)
        except Exception:
            return False
        colors = returned.double().nan_to_num()
        # rounding may differ from pixel to pixel, by a level where it makes bytes
        room = 1e-3 * float(colors.abs().max()) + (0.0 if returned.is_floating_point() else 1.0)
        return bool((colors - colors[:, :1, :1]).abs().max() <= room)


def _raised(role: str, error: Exception, forms: str) -> str:
    return f"the {role} raised {first_line(error).rstrip('.')}. It was called with {forms}."


def read_image(returned: Any, shape: tuple[int, ...], role: str) -> torch.Tensor:
    """What came back, tensor, array or PIL image, as a tensor of `shape` (C, H, W).

    Raises:
        InverseError: it is no image, or one of another size.
    """
    tensor = as_tensor(returned, role)
    while tensor.ndim > 3 and tensor.shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim == 2 and shape[0] == 1:
        tensor = tensor[None]
    if tuple(tensor.shape) == shape:
        return tensor
    if tuple(tensor.shape) == (*shape[1:], shape[0]):
        return tensor.permute(2, 0, 1)
    found = tuple(tensor.shape)
    turned = found in ((shape[0], shape[2], shape[1]), (shape[2], shape[1], shape[0]))
    hint = " Height and width are exchanged, as .T does it: channels go last with .permute(1, 2, 0)." if turned else ""
    raise InverseError(
        f"the {role} returned shape {found} for an image of shape {shape}: expected the same shape, "
        f"or {(*shape[1:], shape[0])}.{hint}"
    )


def as_tensor(returned: Any, role: str) -> torch.Tensor:
    """What came back, tensor, array or PIL image, as a tensor of real numbers.

    Raises:
        InverseError: it is none of these.
    """
    if returned is None:
        raise InverseError(
            f"the {role} returned None: expected the image. If it works in place, let it return its result."
        )
    if isinstance(returned, torch.Tensor):
        if returned.is_meta or returned.layout != torch.strided:
            kind = "on the device meta, without values" if returned.is_meta else f"of layout {returned.layout}"
            raise InverseError(f"the {role} returned a tensor {kind}: expected one with a value for each pixel.")
        if getattr(returned, "is_quantized", False):  # torch means to give them up
            raise InverseError(f"the {role} returned a quantized tensor: expected .dequantize() or .int_repr() of it.")
        tensor = returned.detach().cpu().as_subclass(torch.Tensor)
    else:
        try:
            array = np.array(returned)
            tensor = torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))
        except (TypeError, ValueError) as error:
            raise InverseError(
                f"the {role} returned a {type(returned).__name__}: expected a tensor, an array or a PIL image."
            ) from error
    if tensor.is_complex():
        raise InverseError(f"the {role} returned complex numbers: expected real ones.")
    return tensor


def as_images(images: Any, normalization: Normalization) -> list[torch.Tensor]:
    """The user's images as they enter Normalize: float tensors (C, H, W) in units of 0..``pixel_max``.

    Args:
        images: a batch or one image, tensor or array, channels first or last; a PIL image; or a list of these.
            uint8 is scaled to 0..``pixel_max`` in float32; floating point is taken as it is.
        normalization: says how many channels to expect.

    Raises:
        ImageTypeError: no images.
        ImageError: no image at all, channels that do not fit or differ, or values that are not finite.
    """
    pictures = [image for one in flattened(images) for image in _unstack(one, normalization)]
    if not any(image.numel() for image in pictures):
        raise ImageError("there is no image: expected at least one, with pixels.")
    for index, image in enumerate(pictures):
        if len(image) != len(pictures[0]):
            counts = f"image 0 has {len(pictures[0])} channels, image {index} has {len(image)}"
            raise ImageError(f"{counts}: expected the same number.")
        # both ends are NaN if any value is, and either is infinite if one is: faster than torch.isfinite
        if image.numel() and not all(math.isfinite(end) for end in torch.aminmax(image)):
            raise ImageError(f"image {index} has NaN or infinite values: expected finite numbers.")
    return pictures


def channels_of(images: Any) -> int | None:
    """How many channels the user's images seem to have, before any statistics say so; None where nothing tells."""
    images = next(iter(flattened(images)), None)
    if type(images).__module__.split(".")[0] == "PIL":
        return len(images.getbands())
    shape = attribute(images, "shape")
    if not isinstance(shape, tuple) or len(shape) not in (2, 3, 4):
        return None
    return 1 if len(shape) == 2 else min(shape[-3], shape[-1]) or None


def _unstack(images: Any, normalization: Normalization) -> list[torch.Tensor]:
    kind = type(images)
    try:
        if kind.__module__.split(".")[0] == "PIL":
            images = np.array(images)
        if isinstance(images, np.ndarray):
            images = np.ascontiguousarray(images, images.dtype.newbyteorder("="))
            images = torch.from_numpy(images)
    except (TypeError, ValueError) as error:  # of text, objects or records; a file that was closed
        raise ImageTypeError(f"images are {shown(images)}: expected uint8 or floating point. {error}") from error
    if not isinstance(images, torch.Tensor):
        raise ImageTypeError(
            f"images is a {kind.__module__}.{kind.__qualname__}: expected tensors, arrays, PIL images or a list of "
            f"these."
        )
    if images.layout != torch.strided or images.is_nested or images.is_meta or images.is_quantized:
        raise ImageTypeError(f"images are {shown(images)}: expected a plain one, with a value for each pixel.")
    images = images.detach().cpu().as_subclass(torch.Tensor)
    if images.dtype != torch.uint8 and images.dtype not in FLOATS:
        raise ImageTypeError(f"images are of {images.dtype}: expected uint8, float16, bfloat16, float32 or float64.")
    if images.ndim == 2:
        images = images[None]
    if images.ndim not in (3, 4):
        raise ImageError(f"images have shape {tuple(images.shape)}: expected (N, C, H, W), (C, H, W) or channels last.")
    channels = normalization.channels
    fits = images.shape[-3] == channels or (channels == 1 and images.shape[-1] not in (1, 3, 4))
    if not fits:
        if channels not in (1, images.shape[-1]):
            raise ImageError(
                f"images have shape {tuple(images.shape)}, the statistics have {channels} channels: expected "
                f"(N, {channels}, H, W) or (N, H, W, {channels})."
            )
        images = images.movedim(-1, -3)
    if images.dtype == torch.uint8:
        images = images.float() / 255 * normalization.pixel_max
    return list(images) if images.ndim == 4 else [images]


def forward_of(located: Located) -> Callable[[torch.Tensor], torch.Tensor]:
    """How to run just the Normalize that was found: itself where it can be run alone, else its declared formula."""
    apply = located.apply
    if apply is None:
        return as_function(located.normalization)

    def forward(image: torch.Tensor) -> torch.Tensor:
        batch = image if image.ndim == 4 else image[None]
        result: torch.Tensor = apply(batch)
        return result if image.ndim == 4 else result[0]

    return forward


def as_function(function: Callable[[Any], Any] | Normalization) -> Callable[[Any], Any]:
    """What takes images (..., C, H, W): a Normalization does, whichever axis it is for elsewhere."""
    if not isinstance(function, Normalization):
        return Guarded(function) if callable(function) else function
    return lambda pictures: function.normalize(pictures, channel_axis=-3)


def describe_callable(function: Any) -> str:
    """`function` in a few words: its name and where it is defined."""
    function = inspect.unwrap(function)
    name = getattr(function, "__qualname__", None)
    if name is None:
        text = repr(function)
        return (
            text
            if len(text) <= 100 and "\n" not in text
            else f"a {type(function).__module__}.{type(function).__qualname__}"
        )
    code = getattr(function, "__code__", None)
    where = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
    return ".".join(part for part in (function.__module__, name) if part) + where  # methods in C are of no module
