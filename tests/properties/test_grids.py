"""Statistics of data sets, grids, and file names."""

from __future__ import annotations

import re

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from lengths import examples

from pytest_denorm import Normalization, Statistics, dataset_statistics, grid
from pytest_denorm.images.names import is_legal, legal_stem
from pytest_denorm.strategies import normalizations, pictures


@examples(2000)
@given(st.lists(pictures(2, dtype=("uint8", "float32"), max_side=5), min_size=2, max_size=6), st.randoms())
def test_statistics_merge_in_any_order(listed: list[torch.Tensor], random: object) -> None:
    floats = [one.float() / 255 if one.dtype == torch.uint8 else one for one in listed]
    whole = dataset_statistics(floats, channel_axis=-3)
    parts = [dataset_statistics([one], channel_axis=-3) for one in floats]
    random.shuffle(parts)  # type: ignore[attr-defined]
    while len(parts) > 1:  # as a tree, any two at a time
        index = random.randrange(len(parts) - 1)  # type: ignore[attr-defined]
        parts[index : index + 2] = [parts[index] + parts[index + 1]]
    assert (parts[0].mean, parts[0].std, parts[0].pixels) == (whole.mean, whole.std, whole.pixels)
    assert parts[0].to_dict()["sums"] == whole.to_dict()["sums"]
    assert Statistics.from_dict(whole.to_dict()) == whole
    values = torch.cat([one.double().flatten(1) for one in floats], dim=1).numpy()
    np.testing.assert_allclose(whole.mean, values.mean(axis=1), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(whole.std, values.std(axis=1), rtol=1e-6, atol=1e-9)


@st.composite
def batches(draw: st.DrawFn) -> tuple[torch.Tensor, Normalization | None, int, int]:
    count, channels = draw(st.integers(1, 7)), draw(st.sampled_from([1, 3]))
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    levels = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).integers(0, 256, (count, channels, height, width))
    normalization = draw(st.none() | normalizations(channels, kind=("preset", "realistic", "unusual")))
    batch = torch.from_numpy(levels.astype(np.uint8))
    return batch, normalization, draw(st.integers(1, 8)), draw(st.integers(0, 3))


@examples(2000)
@given(batches())
def test_a_grid_is_the_images_placed_by_hand(drawn: tuple[torch.Tensor, Normalization | None, int, int]) -> None:
    batch, normalization, nrow, padding = drawn
    shown = batch if normalization is None else normalization.normalize(batch)
    figure = grid(shown, normalization, nrow=nrow, padding=padding)
    count, _, height, width = batch.shape
    padding = 0 if count == 1 else padding
    columns = min(nrow, count)
    rows = -(-count // columns)
    expected = np.zeros((rows * (height + padding) + padding, columns * (width + padding) + padding, 3), np.uint8)
    for index in range(count):
        top = index // columns * (height + padding) + padding
        left = index % columns * (width + padding) + padding
        picture = batch[index].expand(3, height, width).movedim(0, -1)
        expected[top : top + height, left : left + width] = picture.numpy()
    assert figure.pixels.dtype == np.uint8
    assert np.array_equal(figure.pixels, expected)
    boxes = [figure.pixels[t.top : t.top + t.height, t.left : t.left + t.width] for t in figure.tiles]
    assert all(np.array_equal(box, one.expand(3, -1, -1).movedim(0, -1)) for box, one in zip(boxes, batch, strict=True))


IDENTIFIERS = st.text(
    st.sampled_from('abABéß山/\\:*?"<>|[]. _-\n\t\x00')
    | st.characters()
    | st.sampled_from("\ud800\u202e\u0130\u0131\u017f\u212a"),
    max_size=300,
) | st.sampled_from(["con", "NUL.txt", "..", ".", "", "a" * 400, "~", "-", "a.png", "digests"])
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


@examples(2000)
@given(st.lists(IDENTIFIERS, min_size=2, max_size=6, unique=True), st.booleans())
def test_file_names_are_unique_and_legal(identifiers: list[str], bracket: bool) -> None:
    names = [f"test_p[{one}]" if bracket else f"test_{one}" for one in identifiers]
    stems = [legal_stem(name) for name in names]
    assert stems == [legal_stem(name) for name in names]
    for stem in stems:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", stem)
        assert len(stem) <= 130
        assert not stem.startswith((".", "-"))
        assert not stem.endswith((".", "_"))
        assert stem.partition(".")[0].lower() not in RESERVED
        assert is_legal(f"{stem}.png")
    if bracket:  # parameters, which people choose freely; functions that differ in case alone are refused
        assert len({stem.casefold() for stem in stems}) == len(stems)
