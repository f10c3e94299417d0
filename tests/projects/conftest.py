"""The projects need the libraries that have an adapter: ``tox -e zoo`` has them."""

from __future__ import annotations

from importlib.util import find_spec

LIBRARIES = ("albumentations", "cv2", "datasets", "kornia", "monai", "timm", "torchio", "transformers")

collect_ignore = [] if all(map(find_spec, LIBRARIES)) else ["test_projects.py"]
