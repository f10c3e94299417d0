"""What is said of a grid that has changed: each well-known cause by its name and numbers, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from photographs import crops, grey_photographs

from pytest_denorm import Normalization, grid, preset
from pytest_denorm.images.comparison import amplified, compare
from pytest_denorm.images.tiles import describe_tiles, fit_gain, name_tiles

IMAGENET = preset("imagenet")
PHOTOS = torch.from_numpy(crops(16, 32)).permute(0, 3, 1, 2)
NORMALIZED = IMAGENET.normalize(PHOTOS)
MEAN, STD = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET.mean, IMAGENET.std))


def replaced(values: tuple[float, ...], channel: int, value: float) -> tuple[float, ...]:
    return (*values[:channel], value, *values[channel + 1 :])


def said(figure: Any, pictures: torch.Tensor = PHOTOS) -> list[str]:
    return describe_tiles(grid(pictures).pixels, figure.pixels, figure.tiles, figure.normalization)


@pytest.mark.parametrize(
    ("channel", "wrong", "words"),
    [
        (2, 0.255, "blue std 0.255 for 0.225"),
        (0, 0.299, "red std 0.299 for 0.229"),
        (1, 0.244, "green std 0.244 for 0.224"),
    ],
)
def test_a_wrong_std_is_named(channel: int, wrong: float, words: str) -> None:
    figure = grid(NORMALIZED, Normalization(IMAGENET.mean, replaced(IMAGENET.std, channel, wrong)))
    (text,) = said(figure)
    assert text.startswith("all tiles: ")
    assert text.endswith(f"looks like {words}")
    own = NORMALIZED * torch.tensor(replaced(IMAGENET.std, channel, wrong)).view(3, 1, 1) + MEAN
    (unknown,) = said(grid(own.clamp(0, 1)))
    assert unknown.endswith(f"looks like {words} (if the statistics are those of imagenet)")


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ((2, 1, 0), "channels reversed (BGR for RGB)"),
        ((1, 0, 2), "channels in another order: green drawn as red, red drawn as green"),
    ],
)
def test_channels_that_changed_places_before_the_inverse_are_named(order: tuple[int, ...], words: str) -> None:
    (text,) = said(grid(NORMALIZED[:, order], IMAGENET))
    assert text.startswith(f"all tiles: {words}, each under the statistics of another: red gain 1.0")


NOISE = np.random.default_rng(0).integers(60, 200, (8, 8, 3)).astype(np.uint8)


def said_of(before: Any, after: Any) -> str:
    """Of one small picture."""
    (text,) = describe_tiles(before, np.rint(after).astype(np.uint8), grid(before).tiles, None)
    return text


@pytest.mark.parametrize(
    ("order", "gains", "words"),
    [
        ([0, 2, 1], (0.8, 0.9, 1.2), "blue drawn as green, green drawn as blue"),
        ([1, 0, 2], (0.8, 1.1, 0.5), "green drawn as red, red drawn as green"),
        ([1, 2, 0], (0.8, 1.2, 1.1), "green drawn as red, blue drawn as green, red drawn as blue"),
        ([1, 0, 2], (0.8, -0.5, 0.9), ""),
        ([2, 0, 1], (-1.0, -1.0, -1.0), ""),
    ],
)
def test_channels_that_changed_places_have_gains_above_zero(order: list[int], gains: Any, words: str) -> None:
    text = said_of(NOISE, NOISE[..., order] * gains + [200 if gain < 0 else 0 for gain in gains])
    start = f"the picture: channels in another order: {words}, each under the statistics of another: "
    assert text.removeprefix(start) != text if words else text == "the picture: another picture"
    for name, gain in zip(("red", "green", "blue"), gains if words else (), strict=False):
        (found,) = re.findall(rf"{name} gain ([\d.]+),", text)
        assert float(found) == pytest.approx(gain, abs=0.01)


@pytest.mark.parametrize("grey", [False, True])
def test_a_gain_that_bytes_cannot_show_is_none(grey: bool) -> None:
    """Neither is it one of channels that have changed places."""
    generator = np.random.default_rng(0)
    levels = [generator.permutation(np.arange(1, 251, dtype=np.uint8)).reshape(10, 25) for _ in range(3)]
    before = np.stack([levels[0]] * 3 if grey else levels, axis=-1)
    after = (before + (before % 2 == 0) + (before == 250)).astype(np.uint8)
    assert fit_gain(levels[0], after[..., 0]) == pytest.approx((1.0, 0.5 / 255), abs=2e-4)
    assert said_of(before, after) == "the picture: another picture"


def test_a_grey_result_has_no_gain_of_its_own() -> None:
    assert said_of(NOISE, NOISE[..., [0, 0, 0]] // 2) == "the picture: another picture"


def test_no_shift_is_longer_than_four_pixels() -> None:
    before = np.random.default_rng(0).integers(0, 256, (12, 12, 3)).astype(np.uint8)
    assert said_of(before, np.roll(before, 4, axis=1)) == "the picture: shifted by 4 pixels right"
    assert said_of(before, np.roll(before, 5, axis=1)) == "the picture: another picture"


def test_a_wrong_mean_is_named() -> None:
    figure = grid(NORMALIZED, Normalization(replaced(IMAGENET.mean, 0, 0.435), IMAGENET.std))
    (text,) = said(figure)
    assert "red gain 1.000, offset -0.0" in text
    assert text.endswith("looks like red mean 0.435 for 0.485")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x: grid(x.flip(1)), "all tiles: channels reversed (BGR for RGB)"),
        (lambda x: grid(x[:, :1]), "all tiles: grey: every channel shows red"),
        (lambda x: grid(x[:, 1:2]), "all tiles: grey: every channel shows green"),
        (lambda x: grid(x[:, 2:]), "all tiles: grey: every channel shows blue"),
        (lambda x: grid(x.roll(1, -1)), "all tiles: shifted by 1 pixel right"),
        (lambda x: grid(x.roll((-2, 3), (-2, -1))), "all tiles: shifted by 2 pixels up and 3 pixels right"),
        (lambda x: grid(x.roll((4, -4), (-2, -1))), "all tiles: shifted by 4 pixels down and 4 pixels left"),
        (lambda x: grid(x.roll(5, -1)), "all tiles: another picture"),
        (lambda x: grid(x.flip(-1)), "all tiles: mirrored left to right"),
        (lambda x: grid(x.flip(-2)), "all tiles: upside down"),
        (lambda x: grid(x.flip(-1, -2)), "all tiles: turned by 180 degrees"),
        (lambda x: grid(x.transpose(-1, -2)), "all tiles: rows and columns exchanged"),
        (lambda x: grid(x, pad_value=0.5), "the pictures are untouched: what is outside of them differs"),
        (lambda x: grid(x.flip(0)), "the pictures are in another order: tile 0 shows what was tile 15"),
        (
            lambda x: grid(torch.cat([x[:3], x[3:4].flip(1), x[4:]])),
            "tile 3: channels reversed (BGR for RGB)",
        ),
        (lambda x: grid(255 - x), "all tiles: red gain -1.000, offset 1.000; "),
        (lambda x: grid(NORMALIZED, "cifar10"), "all tiles: red gain 1.07"),
        (lambda x: grid(NORMALIZED, inverse=False), "all tiles: red gain 4.36"),
    ],
)
def test_each_known_change_is_named(change: Callable[[torch.Tensor], Any], expected: str) -> None:
    (text,) = said(change(PHOTOS))
    assert text.startswith(expected)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ([1, 0, 2], "green drawn as red, red drawn as green"),
        ([0, 2, 1], "blue drawn as green, green drawn as blue"),
        ([1, 2, 0], "green drawn as red, blue drawn as green, red drawn as blue"),
    ],
)
def test_the_channels_that_changed_places_are_named(order: list[int], words: str) -> None:
    assert said(grid(PHOTOS[:, order])) == [f"all tiles: channels in another order: {words}"]


@pytest.mark.parametrize("size", [(32, 20), (5, 32)])
def test_pictures_of_every_shape_are_described(size: tuple[int, int]) -> None:
    photos = PHOTOS[..., : size[0], : size[1]]
    noisy = (photos + noise(9)[..., : size[0], : size[1]]).clamp(0, 255).byte()
    assert said(grid(noisy), photos) == ["all tiles: another picture"]
    assert said(grid(photos.flip(1)), photos) == ["all tiles: channels reversed (BGR for RGB)"]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda: grid(255 - PHOTOS), "an inverted picture, black for white"),
        (lambda: grid(NORMALIZED, "cifar10"), "the statistics of cifar10 for those of imagenet"),
        (
            lambda: grid(NORMALIZED, inverse=False),
            "a picture that is still normalized, with the statistics of imagenet",
        ),
        (
            lambda: grid(preset("half").normalize(PHOTOS), inverse=False),
            "a picture that is still normalized, with the statistics of half",
        ),
        (
            lambda: grid(preset("cifar10").denormalize(NORMALIZED).clamp(0, 1)),
            "the statistics of cifar10 for those of imagenet",
        ),
        (lambda: grid((NORMALIZED * STD).clamp(0, 1)), "the mean of imagenet not added"),
        (lambda: grid(((NORMALIZED + MEAN) * STD).clamp(0, 1)), "the mean of imagenet not divided by std"),
    ],
)
def test_the_cause_of_gains_and_offsets_is_named(change: Callable[[], Any], cause: str) -> None:
    (text,) = said(change())
    assert text.endswith(f": looks like {cause}")


def test_truncation_is_named() -> None:
    truncated = (IMAGENET.denormalize(NORMALIZED).clamp(0, 1) * 255).to(torch.uint8)
    (text,) = said(grid(truncated))
    assert text.startswith("all tiles: off by at most one level, all darker, in ")
    assert text.endswith("of the values: truncation (bytes cut off instead of rounded)")


def noise(reach: int) -> torch.Tensor:
    return torch.randint(-reach, reach + 1, PHOTOS.shape, generator=torch.Generator().manual_seed(0))


def test_other_roundings_are_named() -> None:
    def off_by(change: torch.Tensor | int) -> list[str]:
        return said(grid((PHOTOS.int() + change).clamp(0, 255).byte()))

    share = 100 * float((PHOTOS < 255).double().mean())
    assert off_by(1) == [
        f"all tiles: off by at most one level, all brighter, in {share:.0f} % of the values: rounded up instead of to "
        f"the nearest"
    ]
    (text,) = off_by(noise(1))
    assert text == (
        "all tiles: off by at most one level, darker and brighter, in 66 % of the values: another rounding, or "
        "statistics slightly off"
    )
    assert off_by(noise(2)) == ["all tiles: another picture"]
    assert "level" not in off_by(-2)[0]
    assert "level" not in off_by(2)[0]


@pytest.mark.parametrize(
    ("changes", "count", "words"),
    [
        ([1], 1, "off by one level, brighter, in 1 of 3,072 values: too few to tell why"),
        ([-1], 30, "off by one level, darker, in 30 of 3,072 values: too few to tell why"),
        ([1, -1], 30, "off by one level, darker and brighter, in 30 of 3,072 values: too few to tell why"),
        ([1], 31, "off by at most one level, all brighter, in 1 % of the values: rounded up instead of to the nearest"),
        (
            [1, -1],
            31,
            "off by at most one level, darker and brighter, in 1 % of the values: another rounding, or statistics "
            "slightly off",
        ),
    ],
)
def test_a_few_values_are_no_evidence_of_a_rounding(changes: list[int], count: int, words: str) -> None:
    before = PHOTOS.clamp(1, 254).contiguous()
    after = before.clone()
    changed = after.reshape(16, -1)[3, ::97][:count]
    changed += torch.tensor(changes * count)[:count].to(torch.uint8)  # 255 wraps round to one less
    figure = grid(after)
    assert describe_tiles(grid(before).pixels, figure.pixels, figure.tiles, None) == [f"tile 3: {words}"]


@pytest.mark.parametrize(("width", "count", "few"), [(4, 9, True), (4, 10, False), (200, 29, True), (200, 30, False)])
def test_ten_values_are_evidence_and_one_percent_of_a_large_picture(width: int, count: int, few: bool) -> None:
    before = np.full((5, width, 3), 100, np.uint8)
    after = before.copy()
    after.ravel()[:count] -= 1
    (text,) = describe_tiles(before, after, grid(after).tiles, None)
    assert ("too few" in text, "truncation" in text) == (few, not few)


def test_rounding_does_not_hide_what_happened() -> None:
    def turned(change: torch.Tensor) -> list[str]:
        return said(grid((PHOTOS.flip(1).int() + change).clamp(0, 255).byte()))

    assert turned(noise(1)) == ["all tiles: channels reversed (BGR for RGB)"]
    assert turned(noise(2)) == ["all tiles: another picture"]
    dot = torch.zeros(PHOTOS.shape, dtype=torch.int32)
    dot[3, 1, 5, 6] = 100
    assert turned(dot) == [
        "tiles 0-2, 4-15: channels reversed (BGR for RGB)",
        "tile 3: another picture",
    ]


@pytest.mark.parametrize(
    ("order", "examples"),
    [
        ([1, 0], "tile 0 shows what was tile 1, tile 1 shows what was tile 0"),
        ([1, 2, 0], "tile 0 shows what was tile 1, tile 1 shows what was tile 2, tile 2 shows what was tile 0"),
        ([1, 2, 3, 0], "tile 0 shows what was tile 1, tile 1 shows what was tile 2, tile 2 shows what was tile 3, ..."),
    ],
)
def test_another_order_is_shown_by_three_examples(order: list[int], examples: str) -> None:
    pictures = PHOTOS.clone()
    pictures[: len(order)] = PHOTOS[order]
    assert said(grid(pictures)) == [f"the pictures are in another order: {examples}; is the order seeded?"]


def test_a_new_picture_among_others_is_no_other_order() -> None:
    pictures = PHOTOS.clone()
    pictures[0], pictures[1] = PHOTOS[1], PHOTOS[0] ^ 0x40
    assert said(grid(pictures)) == ["tiles 0-1: another picture"]


@pytest.mark.parametrize(
    ("mean", "std", "cause"),
    [
        ((0.435, 0.456, 0.406), (0.229, 0.224, 0.255), "red mean 0.435 for 0.485, blue std 0.255 for 0.225"),
        ((0.485, 0.476, 0.396), IMAGENET.std, "green mean 0.476 for 0.456, blue mean 0.396 for 0.406"),
        ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "the statistics of half for those of imagenet"),
        (0.5, 0.5, "the statistics of half for those of imagenet"),
    ],
)
def test_statistics_that_were_drawn_with_are_named(mean: Any, std: Any, cause: str) -> None:
    (text,) = said(grid(NORMALIZED, Normalization(mean, std)))
    assert text.startswith("all tiles: ")
    assert text.endswith(f": looks like {cause}")


def test_statistics_of_the_baseline_are_named() -> None:
    normalized = IMAGENET.normalize(scaled(PHOTOS, 0.6, 0.2))  # nothing is clipped
    stored = grid(normalized, Normalization(IMAGENET.mean, replaced(IMAGENET.std, 2, 0.255)))
    figure = grid(normalized, IMAGENET)
    (text,) = describe_tiles(stored.pixels, figure.pixels, figure.tiles, IMAGENET)
    assert text.endswith(": looks like blue std 0.225 for 0.255")


def test_statistics_that_are_nearly_those_of_a_data_set_are_told_by_their_numbers() -> None:
    (text,) = said(grid(NORMALIZED, Normalization(IMAGENET.mean, replaced(IMAGENET.std, 0, 0.232))))
    assert text.endswith(": looks like red std 0.232 for 0.229")


def test_statistics_of_bytes_are_told_on_the_unit_scale() -> None:
    figure = grid(NORMALIZED, Normalization((123.675, 116.28, 103.53), (58.395, 57.12, 65.025), pixel_max=255.0))
    (text,) = said(figure)
    assert text.endswith(": looks like blue std 0.255 for 0.225")


def test_mean_and_std_of_one_channel_both_wrong_are_no_single_cause() -> None:
    (text,) = said(grid(NORMALIZED, Normalization((0.435, 0.456, 0.406), (0.255, 0.224, 0.225))))
    assert text == "all tiles: red gain 1.113, offset -0.105"


def test_more_light_alone_fits_every_data_set_and_names_none() -> None:
    (text,) = said(grid((PHOTOS.int() - 20).clamp(0, 255).byte()))
    assert text == "all tiles: " + "; ".join(f"{name} gain 1.000, offset -0.078" for name in ("red", "green", "blue"))


def test_tiles_that_changed_alike_are_named_together() -> None:
    pictures = PHOTOS.clone()
    pictures[[2, 3, 9]] = pictures[[2, 3, 9]].flip(1)
    pictures[5] = torch.randint(0, 256, pictures[5].shape, dtype=torch.uint8)
    assert said(grid(pictures)) == ["tiles 2-3, 9: channels reversed (BGR for RGB)", "tile 5: another picture"]


def test_gains_that_bytes_show_a_little_differently_are_one_cause() -> None:
    std = torch.tensor(replaced(IMAGENET.std, 2, 0.255)).view(3, 1, 1)
    pictures = PHOTOS.clone()
    changed = [0, 2, 3, 9, 14]
    pictures[changed] = ((NORMALIZED * std + MEAN).clamp(0, 1) * 255).round().to(torch.uint8)[changed]
    alone = {said(grid(pictures[[i]]), PHOTOS[[i]])[0] for i in changed}
    assert len(alone) > 1
    pictures[5] = torch.randint(0, 256, pictures[5].shape, dtype=torch.uint8)
    one, other = said(grid(pictures))
    assert one.startswith("tiles 0, 2-3, 9, 14: blue gain 1.13")
    assert other == "tile 5: another picture"


def test_tiles_that_changed_each_in_its_way_are_told_apart() -> None:
    pictures = PHOTOS.clone()
    pictures[3], pictures[8] = PHOTOS[3].flip(0), PHOTOS[8].flip(0)
    pictures[5] = PHOTOS[5].flip(-1)
    pictures[7] = torch.randint(0, 256, pictures[7].shape, dtype=torch.uint8)
    assert said(grid(pictures)) == [
        "tiles 3, 8: channels reversed (BGR for RGB)",
        "tile 5: mirrored left to right",
        "tile 7: another picture",
    ]


def test_of_several_shifts_the_shortest_is_named() -> None:
    stripes = torch.tensor([0, 50, 200, 90], dtype=torch.uint8).repeat(8).expand(1, 3, 32, 32)
    assert said(grid(stripes.roll(1, -1)), stripes) == ["the picture: shifted by 1 pixel right"]
    assert said(grid(stripes.mT.roll(-1, -2)), stripes.mT) == ["the picture: shifted by 1 pixel up"]


@pytest.mark.parametrize(
    ("spread", "text"), [(0, "another picture"), (1, "another picture"), (2, "shifted by 1 pixel up")]
)
def test_a_picture_that_is_nearly_flat_does_not_shift(spread: int, text: str) -> None:
    generator = torch.Generator().manual_seed(0)
    before = torch.randint(0, 2, (1, 1, 12, 12), generator=generator).mul(spread).add(100).byte()
    after = before.roll(-1, -2)
    after[..., -1, :3] = 200
    assert said(grid(after), before) == [f"the picture: {text}"]


def test_no_shift_is_longer_than_half_a_picture() -> None:
    before, new = PHOTOS[..., :5, :5], PHOTOS[..., 20:25, 20:25]
    two, three = (torch.cat([new[..., :by], before[..., : 5 - by]], dim=-1) for by in (2, 3))
    assert said(grid(two), before) == ["all tiles: shifted by 2 pixels right"]
    assert said(grid(three), before) == ["all tiles: another picture"]
    assert said(grid(two.mT), before.mT) == ["all tiles: shifted by 2 pixels down"]


def scaled(pictures: torch.Tensor, gain: float, offset: float) -> torch.Tensor:
    return (pictures * gain + offset * 255).round().clamp(0, 255).to(torch.uint8)


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_two_equal_channels_are_no_grey(channel: int) -> None:
    before = PHOTOS[:, [0, 0, 0]].clone()
    before[:, channel] = PHOTOS[:, 2]
    after = before.clone()
    after[:, channel] = scaled(before[:, channel], 0.8, 0.0)
    (text,) = said(grid(after), before)
    assert text.startswith(f"all tiles: {('red', 'green', 'blue')[channel]} gain 0.80")
    assert "; " not in text


def test_an_empty_channel_is_left_as_it_is() -> None:
    before = PHOTOS.clone()
    before[:, 2] = 0
    after = before.clone()
    after[:, 0] = scaled(before[:, 0], 0.8, 0.0)
    (text,) = said(grid(after), before)
    assert text.startswith("all tiles: red gain 0.80")


@pytest.mark.parametrize(("gain", "offset"), [(-0.5, 1.0), (-1.0, 0.9), (-0.5, 0.7)])
def test_other_falling_lines_are_no_inverted_picture(gain: float, offset: float) -> None:
    (text,) = said(grid(scaled(PHOTOS, gain, offset)))
    assert text.startswith(f"all tiles: red gain {gain:.2f}"[:-1])
    assert "looks like" not in text
    assert text[-1].isdigit()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (PHOTOS[:, [0, 0, 0]], torch.cat([PHOTOS[:, :1], PHOTOS[:, :1] // 2, PHOTOS[:, :1]], 1), "green gain 0.5"),
        (PHOTOS, (PHOTOS[:, [0, 0, 0]]) // 2, "another picture"),
    ],
    ids=["tinted", "bleached"],
)
def test_a_picture_that_is_grey_once_has_gains_of_its_channels(
    before: torch.Tensor, after: torch.Tensor, words: str
) -> None:
    (text,) = said(grid(after), before)
    assert text.startswith(f"all tiles: {words}")


def test_statistics_of_three_channels_do_not_explain_a_grey_grid() -> None:
    grey = PHOTOS[:, [1, 1, 1]]
    stored, drawn = grid(grey), grid(scaled(grey, 0.8, 0.1))
    (text,) = describe_tiles(stored.pixels, drawn.pixels, drawn.tiles, IMAGENET)
    assert text == "all tiles: grey gain 0.800, offset 0.100"


def test_a_grey_grid_is_no_data_set_in_colour() -> None:
    known = Normalization(IMAGENET.mean[0], IMAGENET.std[0])
    figure = grid(known.normalize(PHOTOS[:, :1]), Normalization(IMAGENET.mean[0], 0.3))
    (text,) = said(figure, PHOTOS[:, :1])
    assert text.endswith(": looks like grey std 0.300 for 0.229")


def test_a_grey_grid_has_one_gain() -> None:
    mnist = preset("mnist")
    camera = np.asarray(grey_photographs()[0])[:128, :128]
    pictures = torch.from_numpy(camera.copy()).reshape(1, 1, 128, 128)
    (text,) = said(grid(mnist.normalize(pictures), Normalization(mnist.mean, 0.35)), pictures)
    assert text.startswith("the picture: grey gain 1.13")
    assert text.endswith("looks like grey std 0.350 for 0.308")


@pytest.mark.parametrize(("gain", "offset"), [(-1.0, 1.0), (-0.5, 0.75), (0.0, 0.4)])
def test_one_channel_that_does_not_rise_has_no_cause(gain: float, offset: float) -> None:
    pictures = PHOTOS.clone()
    pictures[:, 0] = scaled(PHOTOS[:, 0], gain, offset)
    figure = grid(pictures)
    for normalization in (None, preset("half")):
        (text,) = describe_tiles(grid(PHOTOS).pixels, figure.pixels, figure.tiles, normalization)
        assert "red gain" in text
        assert text[-3:] == f"{offset:.3f}"[-3:]


def test_an_unknown_change_gets_no_cause() -> None:
    for changed in ((PHOTOS.float() ** 0.9).to(torch.uint8), PHOTOS // 2, PHOTOS ^ 0x40):
        assert all("looks like" not in text for text in said(grid(changed)))
    shuffled = torch.randperm(256, generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    assert said(grid(shuffled[PHOTOS.long()])) == ["all tiles: another picture"]


def test_a_baseline_that_was_clipped_has_a_gain() -> None:
    """What was corrected says as much as what was broken."""
    levels = np.arange(256, dtype=np.uint8)
    clipped = np.rint(np.clip(levels * 1.25 - 20, 0, 255)).astype(np.uint8)
    assert fit_gain(clipped, levels) == pytest.approx((0.8, 16 / 255), abs=2e-3)
    assert fit_gain(255 - clipped, levels) == pytest.approx((-0.8, 220 / 255), abs=2e-3)
    darker = np.where(clipped == 255, 100, levels).astype(np.uint8)
    assert fit_gain(clipped, darker) is None


def test_a_fit_is_refused_where_it_does_not_explain() -> None:
    levels = np.arange(256, dtype=np.uint8)
    fit = fit_gain(levels, np.rint(np.clip(levels * 1.25 - 20, 0, 255)).astype(np.uint8))
    assert fit is not None
    assert fit.gain == pytest.approx(1.25, abs=1e-3)
    assert fit.offset == pytest.approx(-20 / 255, abs=1e-3)
    assert fit_gain(levels, (levels.astype(int) ** 2 // 255).astype(np.uint8)) is None
    assert fit_gain(np.full(9, 7, np.uint8), np.full(9, 8, np.uint8)) is None


def test_a_fit_is_made_of_what_is_not_clipped_and_explains_the_rest() -> None:
    before = np.array([0, 1, 100, 101, 255], np.uint8)
    fit = fit_gain(before, np.array([0, 0, 50, 51, 205], np.uint8))
    assert fit == pytest.approx((1.0, -50 / 255))
    assert fit_gain(before, np.array([0, 0, 50, 51, 203], np.uint8)) is None
    assert fit_gain(before, np.array([9, 0, 50, 51, 205], np.uint8)) is None
    assert fit_gain(before[1:], np.array([0, 50, 255, 255], np.uint8)) is None  # one level is left
    assert fit_gain(np.array([10, 200], np.uint8), np.array([1, 254], np.uint8)) is not None
    assert fit_gain(np.array([0, 255], np.uint8), np.array([20, 71], np.uint8)) == pytest.approx((0.2, 20 / 255))


@pytest.mark.parametrize(
    ("level", "shown", "explained"),
    [(1, 0, True), (1, 1, True), (1, 2, False), (254, 255, True), (254, 254, True), (254, 253, False)],
)
def test_beyond_the_ends_a_fit_is_black_or_white(level: int, shown: int, explained: bool) -> None:
    middle = np.arange(90, 170, dtype=np.uint8).repeat(1000)
    offset = -60 if level == 1 else 60
    fit = fit_gain(np.append(middle, np.uint8(level)), np.append(middle.astype(int) + offset, shown).astype(np.uint8))
    assert (fit is not None) == explained


def test_beyond_the_ends_a_falling_fit_is_white_or_black() -> None:
    middle = np.arange(90, 170, dtype=np.uint8).repeat(1000)
    for level, shown, explained in ((0, 255, True), (0, 200, False), (255, 70, True), (255, 0, True), (255, 80, False)):
        fit = fit_gain(np.append(middle, np.uint8(level)), np.append(330 - middle.astype(int), shown).astype(np.uint8))
        assert (fit is not None) == explained


def test_a_fit_may_be_off_by_one_level_and_no_more() -> None:
    levels = np.arange(20, 220, dtype=np.uint8)
    one = levels.copy()
    one[100] += 1
    fit = fit_gain(levels, one)
    assert fit == pytest.approx((1.0, 0.0), abs=1e-3)
    one[100] += 1
    assert fit_gain(levels, one) is None


def test_a_fit_counts_every_pixel() -> None:
    before = np.repeat(np.array([50, 100, 150], np.uint8), [1000, 1000, 1])
    after = np.repeat(np.array([50, 100, 151], np.uint8), [1000, 1000, 1])
    fit = fit_gain(before, after)
    assert fit is not None
    assert fit.gain == pytest.approx(1.0, abs=1e-4)  # 1.01 if the three levels weighed alike


def test_tiles_are_named_briefly() -> None:
    assert name_tiles([0], 1) == "the picture"
    assert name_tiles(range(2), 2) == name_tiles(range(4), 4) == "all tiles"
    assert name_tiles([3], 9) == "tile 3"
    assert name_tiles([0, 1, 2, 5, 7, 8], 9) == "tiles 0-2, 5, 7-8"
    assert name_tiles(range(0, 12, 2), 20) == "tiles 0, 2, 4, 6, 8, 10"
    assert name_tiles(range(0, 14, 2), 20) == "tiles 0, 2, 4, 6, 8, 10, ..."
    assert name_tiles(range(0, 20, 2), 20) == "tiles 0, 2, 4, 6, 8, 10, ..."


def test_the_worst_pixel_and_the_untouched_tiles_are_counted() -> None:
    changed = PHOTOS.clone()
    changed[3, 1, 4, 5] = changed[3, 1, 4, 5] ^ 0x80
    changed[3, 0, 9, 9] ^= 1
    figure = grid(changed)
    difference = compare(grid(PHOTOS).pixels, figure.pixels, figure.tiles)
    assert difference is not None
    lines = dict(difference.lines)
    before, after = int(PHOTOS[3, 1, 4, 5]), int(changed[3, 1, 4, 5])
    assert lines["worst"] == f"tile 3 (row 0, column 3), green, pixel (4, 5): expected {before}, found {after}"
    assert lines["differs"] == "2 of 17755 pixels (0.011 %), by up to 128 levels"
    assert lines["untouched"] == "tiles 0-2, 4-15"
    assert difference.figures["differing_tiles"] == 1


def test_the_difference_is_amplified_until_it_can_be_seen() -> None:
    black, one = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 6, 3), np.uint8)
    one[0, 0] = 1
    canvas, factor = amplified(black, one[:, :4])
    assert (factor, canvas[0, 0].tolist(), int(canvas.sum())) == (255, [255, 255, 255], 3 * 255)
    canvas, _ = amplified(black, one)
    assert canvas.shape == (4, 6, 3)
    assert canvas[2, 5].tolist() == [255, 0, 255]
