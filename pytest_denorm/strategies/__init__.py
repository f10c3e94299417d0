"""Strategies of hypothesis: images, statistics, pipelines and mistakes, to test an inverse of your own with::

    from hypothesis import given
    from pytest_denorm.strategies import normalizations, images

    @given(pictures(), normalizations())
    def test_our_inverse_gives_back_every_byte(image, normalization):
        normalized = normalization.normalize(image)
        assert torch.equal(our_inverse(normalized, normalization.mean, normalization.std), image)

It needs hypothesis: ``pip install 'pytest-denorm[hypothesis]'``. Nothing else of the package loads this module. What
fails shrinks towards one black pixel and a mean and std of 0.5.
"""

from __future__ import annotations

from ..errors import MissingLibraryError

try:
    import hypothesis.strategies  # noqa: F401
except ImportError as error:
    raise MissingLibraryError(
        "pytest_denorm.strategies needs hypothesis, which cannot be imported: "
        f"{error}. Install it with: pip install 'pytest-denorm[hypothesis]'"
    ) from error

from .drawn_images import DTYPES, KINDS, LAYOUTS, MEMORIES, pictures
from .drawn_mistakes import DrawnMistake, mistakes
from .drawn_pipelines import CONVENTIONS, DrawnPipeline, pipelines
from .drawn_statistics import STATISTICS, normalizations

__all__ = [
    "CONVENTIONS",
    "DTYPES",
    "KINDS",
    "LAYOUTS",
    "MEMORIES",
    "STATISTICS",
    "DrawnMistake",
    "DrawnPipeline",
    "mistakes",
    "normalizations",
    "pictures",
    "pipelines",
]
