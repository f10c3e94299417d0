"""Image files made by others, read within limits: what is too large is refused before it is unpacked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..core.text import printable
from ..errors import ImageError

if TYPE_CHECKING:
    from PIL import Image

#: The most pixels of an image: a quarter of a GiB of RGB, beyond which Pillow warns of a bomb.
MAX_PIXELS = 2**28 // 3
#: The most bytes of a file: what so many pixels take unpacked, with an alpha channel.
MAX_BYTES = 4 * MAX_PIXELS

#: The formats that are read. EPS, for one, is not: Pillow would start Ghostscript for it.
_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "PPM", "GIF")
#: What the names of such files end in.
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".gif"}


def refuse_size(width: int, height: int, what: str) -> None:
    """Refuse an image of this size if it has too many pixels.

    Raises:
        ImageError: more than MAX_PIXELS, or none.
    """
    if not 0 < width * height <= MAX_PIXELS:
        raise ImageError(
            f"{what} is {width:,} x {height:,} = {width * height:,} pixels (width x height): expected 1 to "
            f"{MAX_PIXELS:,}."
        )


def read_image_file(path: Path) -> Image.Image:
    """Return the image in a file as RGB of 8 bits a channel; grey of 16 bits is rounded to that.

    Raises:
        ImageError: it cannot be read, is not an image, has more than MAX_PIXELS, or holds floats or longer integers;
            the message names the file.
    """
    from PIL import Image  # a session that draws nothing loads this module too

    what = printable(str(path))
    try:
        if not path.is_file():  # a named pipe would be waited for
            raise OSError("expected a file")
        with Image.open(path, formats=_FORMATS) as image:
            refuse_size(*image.size, what)
            return (_rounded(image, what) if image.mode.startswith(("I", "F")) else image).convert("RGB")
    except ImageError:
        raise
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error, zlib.error and others
        raise ImageError(f"{what} cannot be read as an image: {error}") from error


def _rounded(image: Image.Image, what: str) -> Image.Image:
    """Return grey of 16 bits rounded to 8; Pillow would keep what is below 256, and make the rest white.

    Raises:
        ImageError: values that are not of 16 bits.
    """
    import numpy as np
    from PIL import Image

    values = np.asarray(image)
    low, high = values.min(), values.max()
    if values.dtype.kind == "f" or low < 0 or high > 65535:
        raise ImageError(
            f"{what} has values of {values.dtype} in {low:g}..{high:g}, which do not say what white is: expected 8 or "
            f"16 bits a channel."
        )
    return Image.fromarray(np.rint(values / 257).astype(np.uint8))
