"""The part of numpy and torch that normalization is written in, on arrays whose values are known."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .abstract import Array, NotJudged

__all__ = ["BINARY", "array_attribute", "call_function", "call_method", "compare", "make_array", "to_data"]

#: No value that is computed may have more elements.
_LARGEST = 1_000_000

BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add, "Sub": operator.sub, "Mult": operator.mul, "Div": operator.truediv,
    "FloorDiv": operator.floordiv, "Mod": operator.mod, "Pow": operator.pow, "BitAnd": operator.and_,
    "BitOr": operator.or_, "BitXor": operator.xor, "LShift": operator.lshift, "RShift": operator.rshift,
    "MatMult": operator.matmul,
}  # fmt: skip

_IDENTITY = {
    "cpu", "cuda", "detach", "detach_", "contiguous", "requires_grad_", "type_as", "numpy", "expand_as", "data_ptr",
    "pin_memory", "coalesce", "resolve_conj", "as_subclass", "rename",
}  # fmt: skip
_DTYPES = {
    "float": np.float32, "float32": np.float32, "FloatTensor": np.float32, "double": np.float64, "float64": np.float64,
    "half": np.float16, "float16": np.float16, "bfloat16": np.float32, "byte": np.uint8, "uint8": np.uint8,
    "ubyte": np.uint8, "ByteTensor": np.uint8, "int": np.int32, "int32": np.int32, "long": np.int64,
    "int64": np.int64, "short": np.int16, "int16": np.int16, "bool": np.bool_, "float_": np.float64, "int8": np.int8,
    "f": np.float32, "u1": np.uint8, "f4": np.float32, "f8": np.float64, "uint16": np.uint16,
}  # fmt: skip
_UFUNCS: Mapping[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "subtract": np.subtract, "mul": np.multiply, "multiply": np.multiply,
    "div": np.true_divide, "divide": np.true_divide, "true_divide": np.true_divide, "round": np.round,
    "rint": np.rint, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "abs": np.abs, "neg": np.negative,
    "negative": np.negative, "sqrt": np.sqrt, "pow": np.power, "power": np.power, "exp": np.exp, "log": np.log,
    "maximum": np.maximum, "minimum": np.minimum, "tanh": np.tanh, "fix": np.trunc, "around": np.round,
    "square": np.square, "absolute": np.abs, "reciprocal": np.reciprocal, "isnan": np.isnan,
}  # fmt: skip
_REDUCTIONS = {"min", "max", "mean", "sum", "std", "var", "amin", "amax", "any", "all", "ptp", "prod"}


def to_data(value: Any) -> Any:
    """What numpy computes with."""
    if isinstance(value, Array):
        return value.data
    if isinstance(value, (list, tuple)):
        return [to_data(one) for one in value]
    if isinstance(value, (bool, int, float, complex, str)) or value is None:
        return value
    raise NotJudged(f"a value that is not known ({type(value).__name__})")


def make_array(data: Any, torch: bool) -> Any:
    """Of numpy's scalars too, as torch has them."""
    data = np.asarray(data)
    if data.size > _LARGEST:
        raise NotJudged("an array too large to compute")
    return Array(data, torch)


def dtype_of(value: Any) -> Any:
    """numpy's dtype for ``torch.uint8``, ``np.float32``, ``"uint8"``, ``float``; None if it is none."""
    name = getattr(value, "path", value)
    return _DTYPES.get(name.rpartition(".")[2]) if isinstance(name, str) else None


def compare(left: Any, right: Any, compute: Callable[[Any, Any], Any]) -> Any:
    """An operator on arrays and numbers.

    Raises:
        NotJudged: the operands do not fit.
    """
    torch = any(isinstance(one, Array) and one.torch for one in (left, right))
    if torch and any(isinstance(one, (list, tuple)) for one in (left, right)):
        raise NotJudged("arithmetic of a tensor and a list")
    first, second = to_data(left), to_data(right)
    if isinstance(first, list) or isinstance(second, list):
        first, second = np.asarray(first), np.asarray(second)
    if torch:  # torch computes in the tensor's dtype, not in that of a number
        first, second = _as_tensor_numbers(first, second)
    try:
        with np.errstate(all="ignore"):
            result = compute(first, second)
    except (ValueError, TypeError) as error:
        raise NotJudged(f"shapes or types that do not fit: {error}") from error
    return make_array(result, torch) if isinstance(result, (np.ndarray, np.generic)) else result


def _as_tensor_numbers(first: Any, second: Any) -> tuple[Any, Any]:
    def other(one: Any, of: Any) -> Any:
        if isinstance(one, np.ndarray) and one.ndim == 0 and isinstance(of, np.ndarray) and of.ndim:
            return one.astype(of.dtype) if of.dtype.kind == "f" else one
        return one

    return other(first, second), other(second, first)


def array_attribute(array: Array, name: str) -> Any:
    """An attribute of an array that is no method; None if it is one."""
    data = array.data
    if name == "shape":
        return tuple(data.shape)
    if name == "ndim":
        return data.ndim
    if name == "T":
        return Array(data.T, array.torch)
    if name in ("data", "real"):
        return array
    if name == "dtype":
        return str(data.dtype)
    if name == "size" and not array.torch:
        return data.size
    if name == "is_cuda" or name == "requires_grad":
        return False
    return "cpu" if name == "device" else None


def call_method(array: Array, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A method of an array.

    Raises:
        NotJudged: it is none of those that are known, or cannot be computed.
    """
    try:
        with np.errstate(all="ignore"):
            return _method(array, name, list(args), dict(kwargs))
    except (ValueError, TypeError, IndexError, ZeroDivisionError, OverflowError) as error:
        raise NotJudged(f"{name}: {error}") from error


def _method(array: Array, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    data, torch = array.data, array.torch
    if name in _IDENTITY:
        return Array(data, False) if name == "numpy" else array
    if name in ("clone", "copy", "__copy__"):
        return Array(data.copy(), torch)
    if name in ("to", "type", "astype"):
        return _cast(array, args, kwargs)
    if name in _DTYPES and torch:
        return Array(data.astype(_DTYPES[name]), torch)
    if name in ("item", "tolist"):
        return data.item() if name == "item" else data.tolist()
    if name in ("size", "dim", "numel", "__len__", "ndimension", "nelement"):
        if name == "size":
            return data.shape[args[0]] if args else tuple(data.shape)
        return {"dim": data.ndim, "ndimension": data.ndim, "__len__": len(data)}.get(name, data.size)
    if name in ("permute", "transpose", "reshape", "view", "swapaxes", "movedim", "unsqueeze", "squeeze", "expand",
                "flatten", "repeat", "ravel", "unsqueeze_", "squeeze_", "index_select", "t", "flip", "view_as",
                "reshape_as", "unbind", "chunk", "split", "swapdims", "contiguous"):  # fmt: skip
        return _shape(array, name, args, kwargs)
    if name in ("clamp", "clip", "clamp_", "clamp_min", "clamp_max", "clamp_min_"):
        return _clamp(array, name, args, kwargs)
    if name in _REDUCTIONS:
        return _reduce(array, name, args, kwargs)
    plain = name.rstrip("_")
    if plain in _UFUNCS:
        result = _UFUNCS[plain](data, *(to_data(one) for one in args[:1]))
        if name.endswith("_"):
            _write(data, result)
            return array
        return make_array(result, torch)
    if name in ("copy_", "fill_"):
        _write(data, to_data(args[0]))
        return array
    if name in ("new", "new_tensor", "new_zeros", "new_ones", "new_full"):
        value = to_data(args[0]) if args else 0
        return make_array(np.asarray(value, dtype=data.dtype) if name in ("new", "new_tensor") else
                          np.full(value, name == "new_ones", dtype=data.dtype), torch)  # fmt: skip
    raise NotJudged(f"calls .{name}()")


def _write(target: np.ndarray[Any, Any], value: Any) -> None:
    target[...] = value


def _cast(array: Array, args: list[Any], kwargs: dict[str, Any]) -> Array:
    wanted = next((found for one in [*args, *kwargs.values()] if (found := dtype_of(one)) is not None), None)
    if wanted is None:
        if any(getattr(one, "path", "") in ("float", "int", "builtins.float", "builtins.int") for one in args):
            wanted = np.float64 if "float" in args[0].path else np.int64
        else:
            return array
    data = array.data
    if np.dtype(wanted) == np.uint8 and data.dtype.kind == "f":
        data = np.nan_to_num(data).astype(np.int64)
    return Array(data.astype(wanted), array.torch)


def _ints(args: list[Any]) -> tuple[int, ...]:
    flat = args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args
    return tuple(int(to_data(one)) for one in flat)


def _shape(array: Array, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    data, torch = array.data, array.torch
    args = [*args, *(kwargs[key] for key in ("dim", "axis", "dims", "axes", "shape", "dim0", "dim1") if key in kwargs)]
    if name == "permute" or (name == "transpose" and not torch and args):
        data = np.transpose(data, _ints(args))
    elif name in ("transpose", "swapaxes", "swapdims"):
        data = data.T if not args else np.swapaxes(data, *_ints(args))
    elif name == "movedim":
        data = np.moveaxis(data, *_ints(args))
    elif name in ("reshape", "view"):
        if any(dtype_of(one) is not None for one in args):
            raise NotJudged("view of another dtype")
        data = data.reshape(_ints(args))
    elif name in ("view_as", "reshape_as"):
        data = data.reshape(to_data(args[0]).shape)
    elif name.startswith("unsqueeze"):
        data = np.expand_dims(data, int(args[0]))
    elif name.startswith("squeeze"):
        axis = args[0] if args else None
        if axis is not None and data.shape[axis] != 1:
            if torch:
                return array
            raise NotJudged("squeeze of an axis longer than 1")
        data = np.squeeze(data, axis=axis)
    elif name == "expand":
        sizes = _ints(args)
        own = (1,) * (len(sizes) - data.ndim) + data.shape
        data = np.broadcast_to(data, [o if s == -1 else s for s, o in zip(sizes, own, strict=True)])
    elif name == "repeat":
        data = np.tile(data, _ints(args)) if torch else np.repeat(data, *_ints(args))
    elif name == "t":
        data = data.T
    elif name == "flip":
        data = np.flip(data, _ints(args))
    elif name == "unbind":
        axis = int(args[0]) if args else 0
        return tuple(Array(one, torch) for one in np.moveaxis(data, axis, 0))
    elif name in ("flatten", "ravel"):
        data = data.reshape(*data.shape[: int(args[0])], -1) if args else data.reshape(-1)
    else:
        raise NotJudged(f"calls .{name}()")
    return Array(data, torch)


def _clamp(array: Array, name: str, args: list[Any], kwargs: dict[str, Any]) -> Array:
    low = kwargs.get("min", kwargs.get("a_min", args[0] if args and name != "clamp_max" else None))
    rest = args[1] if len(args) > 1 else args[0] if args and name == "clamp_max" else None
    high = kwargs.get("max", kwargs.get("a_max", rest))
    result = np.clip(array.data, None if low is None else to_data(low), None if high is None else to_data(high))
    if name.endswith("_"):
        _write(array.data, result)
        return array
    return Array(np.asarray(result), array.torch)


def _reduce(array: Array, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    axis = kwargs.get("dim", kwargs.get("axis", args[0] if args else None))
    keep = bool(kwargs.get("keepdim", kwargs.get("keepdims", args[1] if len(args) > 1 else False)))
    axis = tuple(axis) if isinstance(axis, list) else axis
    more = {"ddof": 1} if array.torch and name in ("std", "var") else {}
    if not array.data.size:
        raise NotJudged(f"calls .{name}() of an empty array")
    compute = getattr(np, name)
    result = compute(array.data, axis=axis, keepdims=keep, **more) if name != "ptp" else np.ptp(array.data, axis=axis)
    if array.torch and name in ("min", "max") and axis is not None:
        return (make_array(result, True), make_array(np.zeros_like(result, dtype=np.int64), True))
    return make_array(result, array.torch)


def call_function(path: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A function of numpy or torch by its dotted path, such as ``numpy.clip``.

    Raises:
        NotJudged: it is none of those that are known, or cannot be computed.
    """
    top, _, name = path.rpartition(".")
    torch = top.startswith("torch")
    try:
        with np.errstate(all="ignore"):
            return _function(name, torch, list(args), dict(kwargs))
    except (ValueError, TypeError, IndexError, ZeroDivisionError, OverflowError) as error:
        raise NotJudged(f"{path}: {error}") from error


def _function(name: str, torch: bool, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if name in ("array", "asarray", "tensor", "as_tensor", "Tensor", "FloatTensor", "from_numpy", "ascontiguousarray",
                "asanyarray", "DoubleTensor", "float32", "float64", "copy", "clone"):  # fmt: skip
        return _constructed(name, torch, args, kwargs)
    if name in ("zeros", "ones", "full", "empty", "zeros_like", "ones_like", "empty_like"):
        return _filled(name, torch, args, dtype_of(kwargs.get("dtype")))
    if name in ("stack", "concatenate", "cat", "dstack", "hstack", "vstack"):
        parts = [to_data(one) for one in args[0]]
        axis = kwargs.get("dim", kwargs.get("axis", args[1] if len(args) > 1 else 0))
        compute = {"cat": np.concatenate}.get(name) or getattr(np, name)
        return make_array(compute(parts) if name.endswith("dstack") or name in ("hstack", "vstack") else
                          compute(parts, axis=axis), torch)  # fmt: skip
    if name in ("expand_dims", "moveaxis"):
        axes = [*args[1:], *kwargs.values()]
        return Array(getattr(np, name)(to_data(args[0]), *axes), torch)
    if name in ("arange", "linspace"):
        return make_array(getattr(np, name)(*map(to_data, args)), torch)
    if name in ("is_tensor", "is_floating_point"):
        return isinstance(args[0], Array) and args[0].torch
    if name == "where" and len(args) == 3:
        return make_array(np.where(*map(to_data, args)), torch)
    if not args:
        raise NotJudged(f"calls {name}()")
    first = args[0]
    if not isinstance(first, Array):
        if not isinstance(first, (int, float, list, tuple)):
            raise NotJudged(f"calls {name}()")
        first = make_array(to_data(first), torch)
    if name in ("uint8", "int64", "int32", "int_", "LongTensor"):
        return _cast(first, [name], {})
    if name in ("clip", "clamp"):
        return _clamp(first, "clamp", args[1:], kwargs)
    return call_method(first, name, args[1:], kwargs)


def _constructed(name: str, torch: bool, args: list[Any], kwargs: dict[str, Any]) -> Array:
    wanted = dtype_of(kwargs.get("dtype", args[1] if len(args) > 1 else None))
    data = np.asarray(to_data(args[0]))
    if data.dtype.kind not in "fiub" or data.size > _LARGEST:
        raise NotJudged("an array of something else than numbers")
    default = np.float32 if torch and (data.dtype == np.float64 and not isinstance(args[0], Array)) else None
    if name in ("Tensor", "FloatTensor", "float32"):
        default = np.float32
    copies = name in ("array", "tensor", "Tensor", "copy", "clone")
    data = data.astype(wanted or default or data.dtype, copy=copies)
    return Array(data, torch)


def _filled(name: str, torch: bool, args: list[Any], dtype: Any = None) -> Array:
    if name.endswith("_like"):
        data = np.full_like(to_data(args[0]), name.startswith("ones"), dtype=dtype)
        return Array(data, torch)
    size = _ints(args[:1] if name == "full" or isinstance(args[0], (list, tuple)) else args)
    if np.prod(size, dtype=float) > _LARGEST:
        raise NotJudged("an array too large to compute")
    value = to_data(args[1]) if name == "full" else float(name == "ones")
    return Array(np.full(size, value, dtype=dtype or (np.float32 if torch else np.float64)), torch)
