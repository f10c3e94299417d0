"""Serving code: functions of a path, of an encoded file or of a BGR array become functions of an image."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..core.foreign import shown
from ..errors import SettingsError

__all__ = ["GUESSED", "READS", "Serving", "known_reads"]


def _png(image: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG")  # without loss
    return file.getvalue()


def _with_bgr(call: Callable[[Any], Any], image: Any) -> Any:
    levels = np.asarray(image)
    return call(np.ascontiguousarray(levels[..., ::-1] if levels.ndim == 3 else levels))


def _with_path(call: Callable[[Any], Any], image: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.png"
        path.write_bytes(_png(image))
        return call(str(path))


def _with_base64(call: Callable[[Any], Any], image: Any) -> Any:
    return call(base64.b64encode(_png(image)).decode("ascii"))


#: How a serving function is called with a PIL image, by what it reads.
READS: dict[str, Callable[[Callable[[Any], Any], Any], Any]] = {
    "image": lambda call, image: call(image),
    "array": lambda call, image: call(np.array(image)),
    "unit": lambda call, image: call(np.asarray(image, dtype=np.float32) / np.float32(255)),
    "bgr": _with_bgr,
    "path": _with_path,
    "bytes": lambda call, image: call(_png(image)),
    "base64": _with_base64,
    "file": lambda call, image: call(io.BytesIO(_png(image))),
}
#: What a function that takes no image may read, in the order in which it is tried. A BGR array is like any other, so
#: that it has to be said.
GUESSED = ("path", "bytes", "base64", "file")


class Serving:
    """A function that reads an image in a form of its own, as a function of a PIL image.

    Args:
        function: the server's own.
        reads: one of :data:`READS`.
    """

    def __init__(self, function: Callable[[Any], Any], reads: str) -> None:
        self.function = function
        self.reads = reads

    def __call__(self, image: Any) -> Any:
        """Return what the function makes of a PIL image; nested lists, as JSON has them, become an array.

        Raises:
            TypeError: it is no PIL image.
        """
        if not type(image).__module__.startswith("PIL."):
            raise TypeError("expected a PIL image")
        result = READS[self.reads](self.function, image)
        return np.array(result) if _is_nested(result) else result


def _is_nested(result: Any) -> bool:
    """Return whether it is a list of lists of numbers."""
    depth = 0
    while isinstance(result, list) and result:
        result, depth = result[0], depth + 1
    return depth >= 2 and isinstance(result, (int, float))


def known_reads(reads: object) -> str:
    """Return what a function is said to read.

    Raises:
        SettingsError: it is none of the known forms.
    """
    if isinstance(reads, str) and reads in READS:
        return reads
    raise SettingsError(f"reads is {shown(reads)}: expected one of {', '.join(map(repr, READS))}.")
