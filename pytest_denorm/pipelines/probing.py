"""The prober: what a pipeline does to colours, learnt from the outside.

Flat pictures of known colours go through the pipeline, and an affine map is fitted to the colours that come out. Flat
pictures survive resizing and cropping; where the output does not answer to the input (padding), it is left out.
Then pictures of two colours tell whether a pixel depends on others, and repeated calls whether chance has a part.

The module is not called ``probe`` because the function of that name is public in the package.
"""

from __future__ import annotations

import copy
import functools
import inspect
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..core.alone import alone
from ..core.arguments import whole
from ..core.colormap import ColorMap
from ..core.normalization import Normalization, preset
from ..errors import DenormError, ImageError, NotInvertibleError, PipelineError, SettingsError
from .conventions import CONVENTIONS, PIL, Convention, NotThisWay, Outcome
from .counts import LESS_USUAL, USUAL, named_in, spread_over
from .fitting import classify
from .flat_images import flat, flat_colours, in_channels, stripes
from .outputs import Array, as_if_alone, channel_axis, common_corner, pixel_places, plausibility
from .randomness import seed_all, states_kept
from .registry import Parts, describe, public_name
from .structure import structure
from .walk import locate

__all__ = ["OF_KIND", "SIZES", "independent", "is_network", "one_thread", "probe", "probe_with"]

#: Height and width differ, and neither could be a number of channels. The second is for crops beyond the first.
SIZES = ((264, 296), (1064, 1096))
_COLOUR = (40, 120, 200)
_PAIRS = (((0, 0, 0), (255, 255, 255)), ((64, 100, 160), (180, 140, 90)), ((120, 121, 122), (137, 136, 135)))
#: Pixels looked at in one output, and pictures looked into in one result.
_LOOKED_AT = 4096
_LOOKED_INTO = 8
#: Calls with one and the same picture, to see whether chance has a part.
_DRAWS = 60
#: Errors told where no way of calling worked, and ways told with each.
_ERRORS_TOLD = 6
_WAYS_TOLD = 3
#: What is raised about the kind of a picture, or what it lacks, and not about its size: larger ones fare no better.
OF_KIND = (TypeError, KeyError, AttributeError, NotThisWay)
#: Relative error of a few operations in each dtype; whole numbers are rounded.
_ROUNDING = {"float64": 2.0**-18, "float32": 2.0**-18, "float16": 2.0**-8, "bfloat16": 2.0**-5}


def probe(
    pipeline: Any,
    *,
    channels: int | None = None,
    size: tuple[int, int] | None = None,
    draws: int = _DRAWS,
    seed: int = 0,
) -> ColorMap:
    """Measures what a pipeline does to colours, whatever library it is of.

    It is called with a PIL picture, an array or a tensor, alone, by keyword or in a dict, until one of these works
    and gives values of a usual range.

    Args:
        pipeline: anything that takes a picture and returns one; or a data set or loader, whose transform is taken; or
            a :class:`~pytest_denorm.Normalization` or the name of a preset.
        channels: of the pictures; unless given 3, where these do not work 1, and then as many as the pipeline shows
            that it wants: in what it makes of one channel, or in what it raises.
        size: (height, width) of the pictures; as large as it needs to be, unless given.
        draws: calls with one and the same picture, to see whether chance has a part.
        seed: of python's, numpy's and torch's generators during the calls; their states are restored.

    Returns:
        The map on the unit scale, where x = 0 is black and 1 is white, whatever the pipeline takes.

    Raises:
        PipelineError: nothing to call, or no way of calling it worked; the message says what each attempt raised.
        StatisticsError: no preset has that name.
        ImageError, SettingsError: `channels`, `size`, `draws` or `seed` cannot be what they are.

    The number of calls is bounded, and reported in the result. The calls go to a copy of the pipeline where it can be
    copied, so that generators of its own stay where they are.
    """
    if channels is not None:
        whole(channels, "channels", ImageError, least=1)
    if size is not None and not (isinstance(size, (tuple, list)) and len(size) == 2):
        raise ImageError(f"size is {size!r}: expected height and width, such as (32, 48).")
    for side in size or ():
        whole(side, f"size is {size!r}: a side of it", ImageError, least=1, meaning="pixels")
    whole(draws, "draws", ImageError, least=0, meaning="calls")
    whole(seed, "seed", SettingsError)
    if channels is None:
        return probe_with(pipeline, USUAL, others=True, size=size, draws=draws, seed=seed)
    return probe_with(pipeline, (channels,), size=size, draws=draws, seed=seed)


def probe_with(
    pipeline: Any,
    counts: tuple[int, ...],
    *,
    others: bool = False,
    size: tuple[int, int] | None = None,
    draws: int = _DRAWS,
    seed: int = 0,
) -> ColorMap:
    """As :func:`probe`, with pictures of so many channels, whichever it takes; and `others` that it shows, if none."""
    call = independent(_callable_in(pipeline))
    with states_kept(), one_thread(), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        seed_all(seed)
        return _Probe(call, public_name(pipeline), counts, others, size).measure(draws)


@contextmanager
def one_thread() -> Iterator[None]:
    """Such small pictures are done before several threads have met, above all on a busy machine."""
    with alone():
        threads = torch.get_num_threads()
        if threads == 1:  # also in a thread that began while another one was here: its number is not to be put back
            yield
            return
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _told(said: dict[str, str]) -> str:
    """What each way of calling raised, the ways with one error together."""
    errors = list(dict.fromkeys(said.values()))
    lines = []
    for error in errors[:_ERRORS_TOLD]:
        ways = [words for words, one in said.items() if one == error]
        more = f", and {len(ways) - _WAYS_TOLD} other ways" if len(ways) > _WAYS_TOLD else ""
        lines.append(f"\n  {error}\n    with {', '.join(ways[:_WAYS_TOLD])}{more}")
    if len(errors) > _ERRORS_TOLD:
        lines.append(f"\n  and {len(errors) - _ERRORS_TOLD} other errors in other ways")
    return "".join(lines)


def _callable_in(pipeline: Any) -> Callable[..., Any]:
    """What a picture goes through."""
    if isinstance(pipeline, str):
        pipeline = preset(pipeline)
    if isinstance(pipeline, Normalization):
        return pipeline.normalize
    made = pipeline.func if isinstance(pipeline, functools.partial) else pipeline
    if inspect.isclass(made):
        raise PipelineError(f"{public_name(made)} is a class, which takes no picture: call it to make a transform.")
    if callable(pipeline):
        return pipeline  # type: ignore[no-any-return]
    if callable(getattr(pipeline, "preprocess", None)):  # a processor with several methods
        return pipeline.preprocess  # type: ignore[no-any-return]
    try:
        with alone(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is declared is not what is asked here
            located = locate(pipeline)
    except DenormError:
        return _first_callable(pipeline)
    if located.call is None:
        raise PipelineError(
            f"nothing to probe in a {public_name(pipeline)}: {located.normalization.source} is applied by something "
            f"that cannot be called with a picture."
        )
    return located.call


def _first_callable(pipeline: Any) -> Callable[..., Any]:
    waiting: list[Any] = [pipeline]
    seen: set[int] = set()
    while waiting and len(seen) < 1000:
        candidate = waiting.pop()
        if callable(candidate):
            return candidate  # type: ignore[no-any-return]
        if id(candidate) not in seen:
            seen.add(id(candidate))
            description = describe(candidate) or structure(candidate)
            if isinstance(description, Parts):
                waiting.extend(part for _, part in reversed(description.parts))
    raise PipelineError(
        f"nothing to probe in a {public_name(pipeline)}: expected something that is called with a picture, or a data "
        f"set or loader that holds such a transform."
    )


def is_network(pipeline: Any) -> bool:
    """What it gives in the end are no pictures that went in."""
    return isinstance(pipeline, torch.nn.Module) and any(True for _ in pipeline.parameters())


def independent(call: Any) -> Any:
    """A copy, whose own generators may be drawn from; the thing itself where it cannot be copied."""
    owner = call.__self__ if inspect.ismethod(call) else call
    # the weights of a network stay shared: no run without gradients changes them, and they may fill the memory
    shared = {id(one): one for one in owner.parameters()} if isinstance(owner, torch.nn.Module) else {}
    try:
        return copy.deepcopy(call, shared)
    except Exception:
        return call


@dataclass(frozen=True)
class _Chosen:
    """A way of calling that works, and what was learnt while trying it."""

    convention: Convention
    channels: int
    size: tuple[int, int]
    index: int  # of the picture, among those in a result
    axis: int | None
    places: np.ndarray[Any, Any]  # of the values of answering pixels in the flattened output: (pixels, channels out)
    shape: tuple[int, ...]
    rank: tuple[float, ...]
    width: Array  # from black to white, a channel out
    spread: int | None  # so many statistics were spread over one channel


def _undivided(chosen: _Chosen, others: Sequence[_Chosen]) -> str:
    """The form of bytes, if one works too, whose results are 255 times those of floats in 0..1. That is of PIL pictures
    alone: arrays and tensors may be meant to be floats.
    """
    for one in others:
        is_alike = one.convention.form is PIL and one.width.shape == chosen.width.shape
        if is_alike and np.allclose(one.width, 255 * chosen.width, rtol=1e-3, atol=0):
            return one.convention.words
    return ""


class _Probe:
    """One measurement of one pipeline.

    Args:
        call: what a picture goes through.
        name: what to call it.
        counts: numbers of channels, in the order in which they are tried.
        others: where these do not work, those that the pipeline shows are tried, too.
        size: of the pictures; as large as it needs to be, if None.
    """

    def __init__(
        self,
        call: Callable[..., Any],
        name: str,
        counts: tuple[int, ...],
        others: bool,
        size: tuple[int, int] | None,
    ) -> None:
        self._call = call
        self._name = name
        self._counts = counts
        self._others = others
        self._sizes = (size,) if size is not None else SIZES
        self._calls = 0
        self._dtype = "float32"
        self._always_unchanged = True
        self._mutates = False
        self._undivided = ""

    def measure(self, draws: int) -> ColorMap:
        chosen = self._choose()
        flats = flat_colours(chosen.channels)
        colours = np.stack([self._colour(chosen, flat) for flat in flats])
        per_image = not np.isfinite(colours).all()
        colours = np.nan_to_num(colours, posinf=0, neginf=0)
        tolerance = self._tolerance(colours)
        spread = float(np.ptp(colours, axis=0).max(initial=0))
        outcomes = self._draws(chosen, draws, max(tolerance, 1e-4 * spread))
        is_random = len(outcomes) > 1
        fit, flags = classify(np.array(flats) / 255, colours, tolerance)
        per_image = per_image or (not is_random and self._depends_on_others(chosen, tolerance, spread))
        return ColorMap(
            matrix=fit.matrix,
            offset=fit.offset,
            residual=float(fit.residual.max()),
            tolerance=tolerance,
            convention=chosen.convention.words,
            random=1 - max(outcomes.values()) / draws if draws else 0.0,
            outcomes=len(outcomes),
            per_image=per_image,
            augments=self._augments(chosen),
            unchanged=self._always_unchanged,
            mutates=self._mutates,
            undivided=self._undivided,
            calls=self._calls,
            **({} if is_random or per_image else flags),
        )

    # --- how to call it ---

    def _choose(self) -> _Chosen:
        """The first way that works and gives values of a usual range; else the one that comes nearest."""
        said: dict[str, str] = {}
        hopeless: set[tuple[Convention, int]] = set()
        for counts, sizes in self._rounds(said):
            for size in sizes:
                chosen = self._choose_of(counts, size, said, hopeless)
                if chosen is not None:
                    return chosen
        self._refuse_own_statistics(said)
        lines = _told(said)
        raise PipelineError(
            f"{self._name} could not be called with any picture, in {self._calls} attempts:{lines}\n"
            f"Give a function that takes one picture in one of these forms, "
            f"or channels= and size=.{self._made()}"
        )

    def _rounds(self, said: dict[str, str]) -> Iterator[tuple[list[int], Sequence[tuple[int, int]]]]:
        """Numbers of channels, with sizes: those to begin with; where none worked, those that what was said names."""
        yield list(self._counts), self._sizes
        if self._others:
            more = dict.fromkeys((*named_in(said.values()), *LESS_USUAL))
            yield [count for count in more if count not in self._counts], self._sizes[:1]

    def _choose_of(
        self, counts: list[int], size: tuple[int, int], said: dict[str, str], hopeless: set[tuple[Convention, int]]
    ) -> _Chosen | None:
        """Of pictures of one size. What spreads one channel over several statistics wants so many channels."""
        waiting, spread = list(counts), list[_Chosen]()
        for channels in waiting:
            best = self._choose_among(channels, size, said, hopeless)
            if best is None:
                continue
            if best.spread is None:
                return best
            spread.append(best)
            if self._others and best.spread not in waiting:
                waiting.append(best.spread)
        return max(spread, key=lambda chosen: chosen.rank, default=None)

    def _choose_among(
        self, channels: int, size: tuple[int, int], said: dict[str, str], hopeless: set[tuple[Convention, int]]
    ) -> _Chosen | None:
        """Of pictures of so many channels."""
        found: list[_Chosen] = []
        for convention in CONVENTIONS:
            if (convention, channels) in hopeless:
                continue
            chosen = self._attempt(convention, channels, size, said, hopeless)
            if chosen is not None and min(chosen.rank) >= 1:
                self._undivided = _undivided(chosen, found)
                return chosen
            if chosen is not None:
                found.append(chosen)
        return max(found, key=lambda chosen: chosen.rank, default=None)

    def _made(self) -> str:
        """Advice on a function that can be called with nothing at all."""
        if not inspect.isroutine(self._call):
            return ""
        try:
            inspect.signature(self._call).bind()
        except (TypeError, ValueError):
            return ""
        name = public_name(self._call)
        return f" If {name} makes a transform, give what it makes: {name}()."

    def _refuse_own_statistics(self, said: dict[str, str]) -> None:
        """Where flat pictures make it fail, and others do not, it divides by their own spread."""
        for convention in CONVENTIONS:
            for channels in self._counts:
                self._calls += 1
                first, second = (in_channels(colour, channels) for colour in _PAIRS[1])
                try:
                    outcome = convention.run(self._call, stripes(first, second, self._sizes[0], 8))
                except Exception:  # its error is among those already told
                    continue
                if outcome.pictures:
                    raise NotInvertibleError(
                        f"{self._name} takes {convention.words}, but fails on a flat one ({said[convention.words]}): "
                        f"it normalizes by each picture's own statistics, which no fixed mean and std undo."
                    )

    def _attempt(
        self,
        convention: Convention,
        channels: int,
        size: tuple[int, int],
        said: dict[str, str],
        hopeless: set[tuple[Convention, int]],
    ) -> _Chosen | None:
        outcomes = []
        for colour in (_COLOUR, (0, 0, 0), (255, 255, 255)):
            self._calls += 1
            try:
                outcomes.append(convention.run(self._call, flat(in_channels(colour, channels), size)))
            except Exception as error:  # not the way it is called; all are told if none works
                if isinstance(error, OF_KIND):
                    hopeless.add((convention, channels))
                if not isinstance(error, NotThisWay):
                    lines = str(error).strip().splitlines() or [""]
                    said.setdefault(convention.words, f"{type(error).__name__}: {lines[0][:150]}")
                return None
            if not outcomes[-1].pictures:
                said.setdefault(
                    convention.words, f"returned a {public_name(outcomes[-1].result)} that holds no picture"
                )
                return None
        judged: list[_Chosen] = []
        for index in range(min(_LOOKED_INTO, *(len(one.pictures) for one in outcomes))):
            judged.append(self._judge(convention, channels, size, index, outcomes))
            if min(judged[-1].rank[:2]) >= 1:
                break
        chosen = max(judged, key=lambda one: one.rank[:2])
        self._dtype = outcomes[0].dtype(chosen.index)
        return chosen

    def _judge(
        self, convention: Convention, channels: int, size: tuple[int, int], index: int, outcomes: list[Outcome]
    ) -> _Chosen:
        """What is learnt from one of the pictures that came out for a colour, for black, and for white."""
        outputs = [pixels for one in outcomes if (pixels := one.pixels(index)) is not None]
        unchanged = all(one.unchanged(index) for one in outcomes)
        if len({output.shape for output in outputs}) != 1:
            outputs = [common_corner(output, outputs) for output in outputs]
        axis = channel_axis(outputs[0], channels)
        pixels = pixel_places(outputs[0].shape, axis)
        distinct, black, white = (np.nan_to_num(output).ravel() for output in outputs)
        responsive = bool((black != white).any())
        if responsive and not np.ptp(distinct[pixels], axis=1).any():  # no axis tells the channels apart
            packed = self._packed(convention, channels, size, index, black)
            pixels = pixels if packed is None else packed
        answering = (black != white)[pixels].any(axis=1) if responsive else np.ones(len(pixels), dtype=bool)
        places = pixels[answering][:: max(1, int(answering.sum()) // _LOOKED_AT)]
        ends = np.median(black[places], axis=0), np.median(white[places], axis=0)
        given = outcomes[0].given.shape
        spread = spread_over(given, outputs[0], channels)
        if outputs[0].shape == (given[0], *given):  # as by statistics for videos (C, T, H, W)
            spread = given[0]
        rank = (float(responsive), float(not unchanged), float(spread is None), plausibility(*ends))
        return _Chosen(
            convention, channels, size, index, axis, places, outputs[0].shape, rank, ends[1] - ends[0], spread
        )

    def _packed(
        self, convention: Convention, channels: int, size: tuple[int, int], index: int, black: Array
    ) -> np.ndarray[Any, Any] | None:
        """Where each channel is, in an output that is cut into patches and flattened; None if they are mixed."""
        answers = []
        for channel in range(channels):
            self._calls += 1
            lit = flat([255 * (channel == one) for one in range(channels)], size)
            pixels = convention.run(self._call, lit).pixels(index)
            if pixels is None or pixels.size != black.size:
                return None
            answers.append(np.nan_to_num(pixels).ravel() != black)
        if (np.sum(answers, axis=0) > 1).any() or not all(answer.any() for answer in answers):
            return None
        shortest = min(int(answer.sum()) for answer in answers)
        return np.stack([np.flatnonzero(answer)[:shortest] for answer in answers], axis=1)

    # --- what it does ---

    def _run(self, chosen: _Chosen, levels: np.ndarray[Any, np.dtype[np.uint8]]) -> Array:
        self._calls += 1
        try:
            outcome = chosen.convention.run(self._call, levels)
        except Exception as error:
            raise PipelineError(
                f"{self._name} takes {chosen.convention.words}, but failed on one in call {self._calls}: "
                f"{type(error).__name__}: {error}"
            ) from error
        pixels = outcome.pixels(chosen.index)
        if pixels is None:
            raise PipelineError(f"{self._name} returned a picture at first, and no more in call {self._calls}.")
        self._dtype = outcome.dtype(chosen.index)
        self._always_unchanged = self._always_unchanged and outcome.unchanged(chosen.index)
        self._mutates = self._mutates or outcome.mutated
        return pixels

    def _colours(self, chosen: _Chosen, levels: np.ndarray[Any, np.dtype[np.uint8]]) -> Array:
        """The pixels (n, channels out) of an output that answer to the input."""
        pixels = self._run(chosen, levels)
        if pixels.shape == chosen.shape:
            return np.asarray(pixels.ravel()[chosen.places])
        places = pixel_places(pixels.shape, chosen.axis)
        if pixels.ndim != len(chosen.shape) or places.shape[1] != chosen.places.shape[1]:
            raise PipelineError(
                f"{self._name} returned a picture of shape {pixels.shape} in call {self._calls}, and of shape "
                f"{chosen.shape} at first: its channels cannot be told apart. Give a pipeline with one kind of output."
            )
        return np.asarray(pixels.ravel()[places[:: max(1, len(places) // _LOOKED_AT)]])

    def _colour(self, chosen: _Chosen, colour: Sequence[int]) -> Array:
        middle: Array = np.asarray(np.median(self._colours(chosen, flat(colour, chosen.size)), axis=0))
        return middle

    def _tolerance(self, colours: Array) -> float:
        largest = float(np.abs(colours).max(initial=0))
        return max(_ROUNDING[self._dtype] * largest if self._dtype in _ROUNDING else 0.51, 1e-12)

    def _draws(self, chosen: _Chosen, draws: int, step: float) -> Counter[tuple[float, ...]]:
        """How often each colour came out of one flat picture."""
        colour = in_channels(_COLOUR, chosen.channels)
        rounded = (np.round(np.nan_to_num(self._colour(chosen, colour)) / (10 * step)) for _ in range(draws))
        return Counter(tuple(float(value) for value in one) for one in rounded)

    def _depends_on_others(self, chosen: _Chosen, tolerance: float, spread: float) -> bool:
        """Whether a picture of two colours has other colours, in most of its pixels, than a flat picture of each."""
        allowed = max(10 * tolerance, 1.5 / 255 * spread)
        for pair in _PAIRS:
            first, second = (in_channels(colour, chosen.channels) for colour in pair)
            alone = np.stack([self._colour(chosen, first), self._colour(chosen, second)])
            verdicts = []
            # broad stripes survive a strong reduction, narrow ones are both seen in a small crop
            for stripe in (chosen.size[1] // 2, chosen.size[1] // 8, 8):
                together = self._colours(chosen, stripes(first, second, chosen.size, stripe))
                verdicts.append(as_if_alone(together, alone, allowed))
                if verdicts[-1] == "both":
                    break
            if "both" not in verdicts and "neither" in verdicts:
                return True
        return False

    def _augments(self, chosen: _Chosen) -> bool:
        one, another = (in_channels(colour, chosen.channels) for colour in (_COLOUR, (255, 0, 90)))
        pictured = stripes(one, another, chosen.size, chosen.size[1] // 2)
        first = self._run(chosen, pictured)
        others = (self._run(chosen, pictured) for _ in range(11))
        return any(not np.array_equal(first, other, equal_nan=True) for other in others)
