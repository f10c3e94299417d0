"""Of two mistakes at once, both are named; none is named that is not there."""

from __future__ import annotations

import itertools
from collections import Counter

from pairs import pairs

#: One of so many pairs is tried here: all of them by ``python tests/diagnosis/pairs.py``.
EVERY = 19


def test_both_of_two_mistakes_are_named() -> None:
    told = {pair.name: pair.verdict(pair.diagnose()) for pair in itertools.islice(pairs(), 4, None, EVERY)}
    counted = Counter(told.values())
    assert len(told) > 40
    assert counted["both"] >= 0.92 * len(told), {name: said for name, said in told.items() if said != "both"}
    assert not counted["wrong"], told


def test_the_pairs_can_be_told_wrongly() -> None:
    pair = next(iter(pairs()))
    assert pair.verdict(pair.diagnose()) == "both"
    assert pair._replace(kinds=("min-max", "clamped")).verdict(pair.diagnose()) != "both"
