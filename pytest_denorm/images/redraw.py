"""Whether a test draws the same image twice, as it must before its image becomes a baseline."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

#: What torch's generator starts from unless somebody seeds it (c10::detail, default_rng_seed_val).
_TORCH_SEED = 67280421310721
#: The position of a Mersenne twister whose words were just made.
_FRESH = 624


class RandomStates:
    """The random states of python, numpy and, where it is loaded, torch, before a test draws."""

    def __init__(self) -> None:
        self._torch = sys.modules.get("torch")
        self._states = self._read()

    def _read(self) -> dict[str, Any]:
        found = {"python": random.getstate(), "numpy": np.random.get_state()}
        return {**found, "torch": self._torch.random.get_rng_state()} if self._torch else found

    def _restore(self) -> None:
        random.setstate(self._states["python"])
        np.random.set_state(self._states["numpy"])
        if self._torch:
            self._torch.random.set_rng_state(self._states["torch"])

    def _moved(self) -> set[str]:
        """Return the generators that were used since."""
        now, found = self._read(), set()
        for name, state in self._states.items():
            parts = zip(state, now[name], strict=True)
            same = bool((state == now[name]).all()) if name == "torch" else all(np.array_equal(*part) for part in parts)
            found |= set() if same else {name}
        return found

    def _seeded(self) -> set[str]:
        """Return the generators whose states are those just after seeding, as a fixture leaves them."""
        numpy: Any = self._states["numpy"]
        found = {"python"} if self._states["python"][1][-1] == _FRESH else set()
        found |= {"numpy"} if numpy[2] == _FRESH else set()  # 623 where it has seeded itself
        if self._torch:
            seed = self._torch.random.initial_seed()
            fresh = self._torch.Generator().manual_seed(seed).get_state()
            found |= {"torch"} if seed != _TORCH_SEED and bool((fresh == self._states["torch"]).all()) else set()
        return found

    def trouble_of_second_draw(self, pixels: Bytes, draw: Callable[[], Bytes]) -> str:
        """Draw once more and return what is wrong with the test; empty if nothing is.

        Args:
            pixels: the first draw, made from these states.
            draw: draws again; what it raises is told.
        """
        try:
            if np.array_equal(draw(), pixels):
                return ""
            is_seeded = self._moved() <= self._seeded()
            self._restore()
            again = draw()
        except Exception as error:
            return f"the test cannot draw its image twice: the second time it raised {type(error).__name__}: {error}"
        if is_seeded and np.array_equal(again, pixels):
            return ""
        return (
            "the test drew another image the second time, and no baseline fits both. Seed what it draws at random, "
            "such as torch.manual_seed(0), in the test or in a fixture."
        )
