"""What white is: 1 in floats, 255 in bytes, 65535 in 16 bits. The one decision, by dtype or by the values seen."""

from __future__ import annotations

from typing import Any

__all__ = ["BRIGHT", "BYTES", "DEPTHS", "UNIT", "WHITES", "dtype_name", "is_float", "white_of_dtype", "white_of_values"]

#: White in floats as ``ToTensor`` gives them, and in bytes.
UNIT, BYTES = 1.0, 255.0
#: White in integers of 8, 10, 12, 14 and 16 bits; and all usual values of white.
DEPTHS = (BYTES, 1023.0, 4095.0, 16383.0, 65535.0)
WHITES = (UNIT, *DEPTHS)
#: A value that no image in 0..1 has, not even a resized one.
BRIGHT = 4.0

_OF_INTEGERS = {"uint8": BYTES, "uint16": DEPTHS[-1]}


def dtype_name(dtype: Any) -> str:
    """Return the name of a dtype of torch or numpy: ``float32``, ``uint8``."""
    return getattr(dtype, "name", None) or str(dtype).rpartition(".")[2]


def is_float(dtype: Any) -> bool:
    """Return whether a dtype of torch or numpy is one of floating point, bfloat16 and float8 too."""
    return "float" in dtype_name(dtype)


def white_of_dtype(dtype: Any) -> float | None:
    """Return the usual value of white in images of a dtype of torch or numpy; None where there is none.

    Floats and bool have 1, uint8 255, uint16 65535. Other integers may hold any number of bits.
    """
    name = dtype_name(dtype)
    return UNIT if "float" in name or name == "bool" else _OF_INTEGERS.get(name)


def white_of_values(highest: float) -> float | None:
    """Return the least usual white that values up to `highest` do not exceed; None where they lie in 0..1.

    A resized image may exceed its white by a little: up to :data:`BRIGHT` counts as 0..1, and one more than the white
    of integers as that white. None also where no usual white is that high.
    """
    return next((white for white in DEPTHS if BRIGHT < highest <= white + 1), None)
