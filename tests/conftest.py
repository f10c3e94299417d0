"""Shared by all tests."""

from __future__ import annotations

import hypothesis

# A session that pytester runs in this process forgets the modules that it was the first to import, and torch cannot be
# imported a second time. So they are imported here.
import matplotlib.pyplot
import torch
import torchvision.models  # noqa: F401

pytest_plugins = ["pytester"]

# no test is timed: a busy machine would fail it
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# workers of pytest-xdist share the cores
torch.set_num_threads(2)
matplotlib.pyplot.switch_backend("agg")
