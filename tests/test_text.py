"""Names and numbers as they are shown."""

from __future__ import annotations

import pytest

from pytest_denorm.core.text import channel_name, count_of, in_levels, printable


@pytest.mark.parametrize(
    ("error", "digits", "said"),
    [
        (1.0, 4, "1 level"),
        (0.9999, 2, "1 level"),
        (20.196, 3, "20.2 levels"),
        (1.5e-05, 3, "1.5e-05 levels"),
        (0.0, 3, "0 levels"),
    ],
)
def test_levels_in_words(error: float, digits: int, said: str) -> None:
    assert in_levels(error, digits) == said


@pytest.mark.parametrize(
    ("channels", "names"),
    [
        (1, ["grey"]),
        (2, ["channel 0", "channel 1"]),
        (3, ["red", "green", "blue"]),
        (4, ["channel 0", "channel 1", "channel 2", "channel 3"]),
    ],
)
def test_channels_in_words(channels: int, names: list[str]) -> None:
    assert [channel_name(channel, channels) for channel in range(channels)] == names


def test_counts_in_words() -> None:
    assert [count_of(number, "picture") for number in (0, 1, 2, 2000)] == [
        "0 pictures", "1 picture", "2 pictures", "2,000 pictures",
    ]  # fmt: skip


def test_what_a_terminal_would_act_on_is_written_out() -> None:
    assert printable("grün\n\tand so on") == "grün\n\tand so on"
    assert printable("a\x1b[31m\u202eb\r") == r"a\x1b[31m\u202eb\r"
    assert printable("plain") == "plain"
