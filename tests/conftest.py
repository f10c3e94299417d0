"""Shared by all tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import hypothesis

# A session that pytester runs in this process forgets the modules that it was the first to import, and torch cannot be
# imported a second time. So they are imported here.
import matplotlib.pyplot
import pytest
import torch
import torchvision.models  # noqa: F401

from pytest_denorm.images.options import CI_VARIABLES

pytest_plugins = ["pytester"]

# no test is timed: a busy machine would fail it
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# workers of pytest-xdist share the cores
torch.set_num_threads(2)
matplotlib.pyplot.switch_backend("agg")


# a shell's background jobs ignore it, and hand that on to the sessions that a test interrupts
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def watched() -> Iterator[None]:
    """Sessions that a test starts may write baselines, as on somebody's machine, also where a CI runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in CI_VARIABLES:
            patch.delenv(name, raising=False)
        yield
