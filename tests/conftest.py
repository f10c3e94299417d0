"""Shared by all tests."""

from __future__ import annotations

# A session that pytester runs in this process forgets the modules that it was the first to import, and torch cannot be
# imported a second time. So they are imported here.
import matplotlib.pyplot
import torch
import torchvision.models  # noqa: F401

pytest_plugins = ["pytester"]

# workers of pytest-xdist share the cores
torch.set_num_threads(2)
matplotlib.pyplot.switch_backend("agg")
