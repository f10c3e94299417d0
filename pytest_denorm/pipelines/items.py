"""The names by which the reader was known."""

from .batches import Batches, are_alike, data_set_of, is_indexed, is_loader, kept_while_read
from .reader import images_of as pictures_of
from .reader import is_image as is_picture

__all__ = [
    "Batches",
    "are_alike",
    "data_set_of",
    "is_indexed",
    "is_loader",
    "is_picture",
    "kept_while_read",
    "pictures_of",
]
