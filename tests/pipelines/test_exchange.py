"""Pipelines that exchange channels, as OpenCV wants them, and inverses that turn them back."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torchvision import transforms as T

from pytest_denorm import Normalization, assert_round_trip, check, probe
from pytest_denorm.checks import Report
from pytest_denorm.core.colormap import ColorMap
from pytest_denorm.errors import InverseError, NormalizeNotFoundError, PipelineError, StatisticsWarning
from pytest_denorm.pipelines import Located
from pytest_denorm.pipelines import exchange as exchanging
from pytest_denorm.pipelines.exchange import as_they_leave, find, order_in_words, responses, turned_back

MEAN, STD = (0.406, 0.456, 0.485), (0.225, 0.224, 0.229)  # ImageNet's, blue first
m, s = (torch.tensor(one).view(-1, 1, 1) for one in (MEAN, STD))


def exchange(x: torch.Tensor) -> torch.Tensor:
    return x.flip(-3)


def roll(x: torch.Tensor) -> torch.Tensor:
    return x.roll(1, -3)


def to_bgr(image: Any) -> torch.Tensor:
    """A function that declares nothing."""
    array = np.asarray(image)[:, :, ::-1].astype(np.float32) / 255
    return torch.from_numpy(((array - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1).copy())


BEFORE = T.Compose([T.ToTensor(), T.Lambda(exchange), T.Normalize(MEAN, STD)])
AFTER = T.Compose([T.ToTensor(), T.Normalize(MEAN[::-1], STD[::-1]), T.Lambda(exchange)])
OF_PIL = T.Compose([lambda image: np.asarray(image)[:, :, ::-1].copy(), T.ToTensor(), T.Normalize(MEAN, STD)])
PIPELINES = {"before": BEFORE, "after": AFTER, "of the PIL picture": OF_PIL, "in a function": to_bgr}


def undo(y: torch.Tensor) -> torch.Tensor:
    return (y * s + m).flip(-3)


def undo_to_bytes(y: torch.Tensor) -> Any:
    """As it is done for cv2.imwrite and back."""
    array = (y * s + m).permute(1, 2, 0).numpy()
    return (array * 255).round().clip(0, 255).astype(np.uint8)[:, :, ::-1]


def turned_back_and_typed_wrong(y: torch.Tensor) -> torch.Tensor:
    return (y * torch.tensor([0.255, 0.224, 0.229]).view(-1, 1, 1) + m).flip(-3)


def without_turning(y: torch.Tensor) -> torch.Tensor:
    return y * s + m


def failed(report: Report) -> list[str]:
    return [one.name for one in report.failures if one.name != "picklable"]  # of what holds a lambda


@pytest.mark.parametrize("inverse", [undo, undo_to_bytes])
@pytest.mark.parametrize("name", PIPELINES)
def test_an_inverse_that_turns_them_back_is_right(name: str, inverse: Callable[..., Any]) -> None:
    assert_round_trip(PIPELINES[name], inverse=inverse)
    report = check(PIPELINES[name], inverse=inverse)
    assert not failed(report), report
    ran = {one.name: one for one in report.results}
    assert ran["declared_matches_measured"].message.endswith(
        "; channels leave it reversed (RGB becomes BGR), and the inverse turns them back"
    )
    assert ran["channel_order"].message == "each of 3 answers to itself alone"


@pytest.mark.parametrize("name", PIPELINES)
def test_its_mistakes_are_named_all_the_same(name: str) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_round_trip(PIPELINES[name], inverse=turned_back_and_typed_wrong)
    said = re.sub(r"\s+", " ", str(caught.value))
    assert "wrong-std: blue std is 0.255 where the pipeline has 0.225, a well-known slip" in said
    assert "channel-order" not in said


@pytest.mark.parametrize("inverse", [without_turning, None])
@pytest.mark.parametrize("name", PIPELINES)
def test_without_one_the_exchange_is_told(name: str, inverse: Callable[..., Any] | None) -> None:
    report = check(PIPELINES[name], inverse=inverse)
    first = report.failures[0]
    assert first.name == ("finds_normalize" if PIPELINES[name] is to_bgr else "declared_matches_measured")
    assert "RGB becomes BGR" in first.message
    advice = (
        "Take the exchange of channels out; or, where the network wants them so, give your own inverse, which turns "
        "them back: inverse=."
    )
    assert first.message.endswith(advice) == (PIPELINES[name] is to_bgr)


def test_what_to_do() -> None:
    (failure,) = check(BEFORE, select=["declared_matches_measured"]).failures
    assert failure.message == (
        "the channels leave the pipeline reversed (RGB becomes BGR): undoing Normalize gives images in that order, "
        "and the network has to be one for it. Take the exchange of channels out, or turn them back in an inverse of "
        "your own, and give that: inverse=."
    )


def test_a_function_that_only_an_inverse_that_turns_back_makes_a_normalize() -> None:
    for inverse in (None, without_turning, lambda y: roll(y * s + m), lambda y: 1 / 0):
        with pytest.raises(
            PipelineError, match=r"channel order: the output's channels are made of the input's \(2, 1, 0\)"
        ):
            assert_round_trip(to_bgr, inverse=inverse)


def test_any_order() -> None:
    rolled = T.Compose([T.ToTensor(), T.Lambda(roll), T.Normalize(MEAN, STD)])
    assert_round_trip(rolled, inverse=lambda y: (y * s + m).roll(-1, -3))
    with pytest.raises(AssertionError, match="the channels leave the pipeline in the order"):
        assert_round_trip(rolled, inverse=lambda y: (y * s + m).roll(1, -3))
    report = check(rolled, inverse=lambda y: (y * s + m).roll(-1, -3), select=["declared_matches_measured"])
    assert report.results[0].message.endswith(
        "channels leave it in the order (2, 0, 1), and the inverse turns them back"
    )


def test_turning_what_was_never_exchanged_is_still_a_mistake() -> None:
    straight = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])
    report = check(straight, inverse=undo)
    assert report.diagnosis is not None
    assert report.diagnosis.kind == "channel-order"
    assert "channel_order" in failed(report)
    with pytest.raises(AssertionError, match="channel-order: The channels come back reversed"):
        assert_round_trip(straight, inverse=undo)


def test_statistics_of_which_side_are_undone() -> None:
    """The statistics of the wrong side give other colors."""
    of_the_other_side = T.Compose([T.ToTensor(), T.Lambda(exchange), T.Normalize(MEAN[::-1], STD[::-1])])
    with pytest.raises(AssertionError, match=r"channel-order: (.|\n)*mean and std are reversed"):
        assert_round_trip(of_the_other_side, inverse=undo)


def test_more_that_is_wrong_is_not_overlooked() -> None:
    def squared(image: Any) -> torch.Tensor:
        return to_bgr(image) ** 2

    with pytest.raises(PipelineError, match="not affine"):
        assert_round_trip(squared, inverse=undo)


def test_random_numbers_stay_where_they_are() -> None:
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    check(BEFORE, inverse=lambda y: (y * s + m).flip(-3) + torch.rand(1) * 0, select=["round_trip"])
    assert torch.equal(torch.rand(1), wanted)


def test_a_map_without_an_order_of_channels_is_as_straight_as_it_gets() -> None:
    grey = probe(T.Compose([T.Grayscale(3), T.ToTensor()]))
    assert grey.order is None
    assert grey.straightened is grey
    turned = probe(to_bgr)
    assert (turned.order, turned.straightened.order) == ((2, 1, 0), (0, 1, 2))


# --- of what was found and measured already ---

TURNS = {"reversed": (2, 1, 0), "rolled": (2, 0, 1), "two of them": (1, 0, 2)}
LISTED = Normalization(MEAN, STD)
BATCH = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))


def measured(order: tuple[int, ...], *, before: bool = True, listed: Normalization = LISTED, **more: Any) -> ColorMap:
    """What a pipeline does whose Normalize has these statistics, and whose channels leave it in this order."""
    mean, std = (np.array(one) for one in (listed.mean, listed.std))
    at = list(range(len(order))) if before else list(order)  # whose statistics a channel that leaves has
    matrix = np.zeros((len(order), len(order)))
    matrix[range(len(order)), order] = listed.pixel_max / std[at]
    return ColorMap(matrix, -mean[at] / std[at], 0.0, 1e-6, "a picture", 9, **more)


def located(**more: Any) -> Located:
    return Located(**{"normalization": LISTED, "path": "", "name": "Bgr", "op": None, "call": lambda x: x, **more})


def back(order: Sequence[int], of: Normalization = LISTED) -> Callable[[torch.Tensor], Any]:
    """To bytes, its channels as they were before that order was made of them."""
    of_batch = [list(order).index(channel) for channel in range(len(order))]
    return lambda y: (of.denormalize(y) * 255).round().clamp(0, 255).byte()[of_batch]


@pytest.fixture
def unprobed(monkeypatch: pytest.MonkeyPatch) -> None:
    def probed(pipeline: Any, **options: Any) -> ColorMap:
        raise AssertionError("this is known")

    monkeypatch.setattr(exchanging, "measure", probed)


@pytest.mark.usefixtures("unprobed")
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("name", TURNS)
def test_statistics_are_listed_for_the_channels_as_they_enter(name: str, before: bool) -> None:
    order = TURNS[name]
    found = turned_back(located(), back(order), 3, measured(order, before=before))
    expected = LISTED.normalize(BATCH[:, order]) if before else LISTED.normalize(BATCH)[:, order]
    assert found.apply is not None
    assert torch.equal(found.apply(BATCH), expected)
    assert found.order == order
    assert torch.allclose(found.normalization.normalize(BATCH)[:, order], expected)
    leaving = as_they_leave(found)
    assert torch.allclose(leaving.normalize(BATCH[:, order]), expected)
    assert as_they_leave(located()) is LISTED


@pytest.mark.usefixtures("unprobed")
def test_what_the_normalize_does_counts() -> None:
    def doubled(batch: torch.Tensor) -> torch.Tensor:
        assert batch.is_floating_point()
        return batch * 2

    found = turned_back(located(apply=doubled), back((2, 1, 0)), 3, measured((2, 1, 0)))
    assert found.apply is not None
    assert torch.equal(found.apply(BATCH), BATCH.flip(1) * 2)


@pytest.mark.usefixtures("unprobed")
def test_two_channels_may_change_places() -> None:
    two = Normalization(MEAN[:2], STD[:2])
    found = turned_back(located(normalization=two), back((1, 0), two), 2, measured((1, 0), listed=two))
    assert found.order == (1, 0)


@pytest.mark.usefixtures("unprobed")
@pytest.mark.parametrize(
    ("inverse", "known"),
    [
        (back((0, 1, 2)), (0, 1, 2)),
        (back((2, 1, 0)), (0, 1, 2)),
        (back((2, 1, 0)), (1, 0, 2)),
        (back((2, 1, 0)), (1, 2, 0)),
        (back((2, 1, 0)), (2, 1, 0, 3)),
        (back((2, 1, 0)), None),
        (lambda y: y.mean(0, keepdim=True).expand(3, -1, -1), (0, 1, 2)),
        (lambda y: 1 / 0, (2, 1, 0)),
        (None, (2, 1, 0)),
        (7, (2, 1, 0)),
    ],
)
def test_what_turns_nothing_back_leaves_it_as_it_is(inverse: Any, known: tuple[int, ...] | None) -> None:
    one = located()
    grey = ColorMap(np.full((3, 3), 1 / 3), np.zeros(3), 0.0, 1e-6, "a picture", 9)
    wide = Normalization([0.5] * 4, [0.25] * 4)
    known_map = grey if known is None else measured(known, listed=wide if len(known) == 4 else LISTED)
    assert turned_back(one, inverse, 3, known_map) is one
    never = located(call=None)
    assert turned_back(never, back((2, 1, 0)), 3, measured((2, 1, 0))) is never


@pytest.mark.usefixtures("unprobed")
def test_nothing_is_called_or_measured_in_vain() -> None:
    called = []
    one = located(normalization=Normalization(0.5, 0.25))
    assert turned_back(one, called.append, 1) is one
    assert not called
    mixing = lambda y: y[[1, 0, 0]]  # noqa: E731
    for inverse in (mixing, back((0, 1, 2))):
        whole = located()
        assert turned_back(whole, inverse, 3) is whole


@pytest.mark.usefixtures("unprobed")
def test_warnings_and_random_numbers_are_left_alone() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        odd = Normalization([255 * one for one in MEAN], [255 * one for one in STD])

    def warning(y: torch.Tensor) -> torch.Tensor:
        warnings.warn("deprecated", DeprecationWarning, stacklevel=2)
        return (odd.denormalize(y) + torch.rand(1) * 1e-3).flip(0)

    torch.manual_seed(3)
    state = torch.get_rng_state()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filters = list(warnings.filters)
        found = turned_back(located(normalization=odd), warning, 3, measured((2, 1, 0), listed=odd))
        assert warnings.filters == filters
    assert found.order == (2, 1, 0)
    assert torch.equal(torch.get_rng_state(), state)


def test_how_channels_answer() -> None:
    dtypes = []

    def forward(x: torch.Tensor) -> torch.Tensor:
        dtypes.append(x.dtype)
        return x.roll(1, 0) * 2 + 1

    answer = responses(forward, lambda y: y * 3 - 1, 10.0, 3, torch.float16)
    assert torch.equal(answer, 60 * torch.eye(3).double().roll(1, 0))  # green answers to red
    assert set(dtypes) == {torch.float16}
    for who, functions in (("pipeline", (lambda x: 1 / 0, forward)), ("inverse", (forward, lambda y: 1 / 0))):
        with pytest.raises(InverseError, match=f"^the {who} raised ZeroDivisionError"):
            responses(*functions, 1.0, 3, torch.float32)


@pytest.mark.usefixtures("unprobed")
def test_what_declares_nothing_is_a_normalize_where_channels_are_turned_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(known: ColorMap | None) -> NormalizeNotFoundError:
        error = NormalizeNotFoundError("nothing is declared", measured=known)

        def searched(pipeline: Any, channels: int | None) -> Located:
            raise error

        monkeypatch.setattr(exchanging, "locate_or_measure", searched)
        return error

    found(measured((2, 0, 1)))
    located_ = find(to_bgr, back((2, 0, 1)))
    assert located_.order is None  # whoever verifies it turns it back with the images at hand
    assert located_.normalization.mean == pytest.approx(MEAN)
    assert (located_.op, located_.call) == (to_bgr, to_bgr)
    grey = ColorMap(np.full((3, 3), 1 / 3), np.zeros(3), 0.0, 1e-6, "a picture", 9)
    for known in (None, grey, measured((2, 0, 1), nonlinear=True), measured((0, 1, 2))):
        error = found(known)
        with pytest.raises(NormalizeNotFoundError) as caught:
            find(to_bgr, back((2, 0, 1)))
        assert caught.value is error
    for inverse in (None, 7, back((0, 1, 2))):
        error = found(measured((2, 0, 1)))
        with pytest.raises(NormalizeNotFoundError) as caught:
            find(to_bgr, inverse)
        assert caught.value is error


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ((2, 1, 0), "reversed (RGB becomes BGR)"),
        ((1, 0), "reversed (RGB becomes BGR)"),
        ((1, 0, 2), "in the order (1, 0, 2)"),
        ((0, 1), "in the order (0, 1)"),
    ],
)
def test_orders_in_words(order: tuple[int, ...], words: str) -> None:
    assert order_in_words(order) == words
