"""Which form a pipeline is made for: a PIL image for what converts images, and else the first that gives usual values.

- A PIL image is its own form where it is converted before Normalize, or by any of its steps. If the pipeline raises on
  it then, that is the verdict: real images raise, too, and another form is no way out.
- Of what converts no images, forms are tried in turn. The first that passes and gives values of a usual range is taken,
  else the one that comes nearest.
- A larger image is tried where the error is none about the kind of an image.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NoReturn, Protocol

import numpy as np

from ..core.white import is_float
from ..errors import PipelineError, PipelineRaisedError
from .channel_counts import LESS_USUAL
from .flat_images import chipped, flat, in_channels, varied
from .forms import FORMS, Form, Levels, NotThisFormError
from .registry import public_name
from .trace import Trace
from .trial import Trial, judged

__all__ = ["SIZES", "FormSearch"]

#: Height and width differ, and neither could be a number of channels. The first is for the search: no step that takes
#: an axis for another can blow it up. The last is for crops beyond the second.
SIZES = ((40, 56), (264, 296), (1064, 1096))
COLOR = (40, 120, 200)
#: An output of more values is an image that was blown up: an axis was taken for another one.
_MOST_VALUES = 2**23
#: Errors told where no form passed, and forms told with each.
_ERRORS_TOLD, _FORMS_TOLD = 6, 3
#: What is raised about the kind of an image, or what it lacks, and not about its size: larger ones fare no better.
_OF_KIND = (TypeError, KeyError, AttributeError, NotThisFormError)
#: What Python raises where a function is called with arguments that it does not have.
_OTHER_CALL = re.compile(r"unexpected keyword argument|takes .* positional arguments? but")


class Caller(Protocol):
    """What the search needs of a runner."""

    name: str
    call: Any
    calls: int

    @property
    def is_network(self) -> bool: ...

    @property
    def is_watched(self) -> bool: ...

    @property
    def declares(self) -> bool: ...

    @property
    def converts_images(self) -> bool: ...

    def run_as(self, form: Form, levels: Levels) -> Trace: ...


class FormSearch:
    """The search for the form of one pipeline.

    Args:
        runner: calls it.
        counts: numbers of channels, in the order in which they are tried.
        others: where these do not work, those that the pipeline shows are tried, too.
        size: of the images; None for as large as they need to be.
    """

    def __init__(self, runner: Caller, counts: tuple[int, ...], *, others: bool, size: tuple[int, int] | None) -> None:
        self._runner = runner
        self._counts = counts
        self._others = others
        self._sizes = SIZES if size is None else (size,)
        self._said: dict[str, str] = {}
        self._last: dict[tuple[Form, int], str] = {}
        self._hopeless: set[tuple[Form, int]] = set()
        self._passed: list[Trial] = []
        self._verdict: tuple[Form, Trace] | None = None
        self._furthest: tuple[Form, Trace] | None = None

    def find(self) -> Trial:
        """Return the form, with what was learned of it.

        Raises:
            PipelineRaisedError: the pipeline raises on images in its own form.
            PipelineError: it takes no image in any form.
        """
        for counts, sizes in self._rounds():
            for size in sizes:
                trial = self._of_size(counts, size)
                if trial is not None:
                    return self._enlarged(trial)
        if self._verdict is not None:
            _refuse(self._runner.name, *self._verdict, is_own=True)
        if self._furthest is not None:
            _refuse(self._runner.name, *self._furthest, is_own=False)
        said, calls = set(self._said.values()), self._runner.calls
        told = f", in {calls} attempts:{_told(self._said)}"
        if len(said) == 1:
            told = f": {said.pop()}\n  in {calls} attempts with PIL images, arrays and tensors."
        raise PipelineError(
            f"{self._runner.name} could not be called with any image{told}\n"
            f"Give a function that takes one image in one of these forms, "
            f"or channels= and size=.{self._made()}"
        )

    def undivided(self, chosen: Trial) -> str:
        """Return the form of bytes whose results are 255 times those of the chosen one; empty if there is none.

        That is of PIL images alone: arrays and tensors may be meant to be floats.
        """
        for one in self._passed:
            is_alike = one.form.is_pil and one.channels == chosen.channels and one.width.shape == chosen.width.shape
            if is_alike and np.allclose(one.width, 255 * chosen.width, rtol=1e-3, atol=0):
                return one.form.words
        return ""

    def _rounds(self) -> Iterator[tuple[list[int], Sequence[tuple[int, int]]]]:
        """Numbers of channels, with sizes."""
        yield list(self._counts), self._sizes
        if self._others:
            yield [count for count in LESS_USUAL if count not in self._counts], self._sizes[:2]

    def _of_size(self, counts: list[int], size: tuple[int, int]) -> Trial | None:
        """Of images of one size. What spreads one channel over several statistics wants so many channels."""
        waiting, spread = list(counts), list[Trial]()
        for channels in waiting:
            best = self._among(channels, size)
            if best is None:
                continue
            if best.spread is None:
                return best
            spread.append(best)
            if self._others and best.spread not in waiting:
                waiting.append(best.spread)
        return max(spread, key=lambda trial: trial.rank, default=None)

    def _among(self, channels: int, size: tuple[int, int]) -> Trial | None:
        """Of images of so many channels."""
        found: list[Trial] = []
        for form in FORMS:
            if (form, channels) in self._hopeless or (self._verdict and form is not self._verdict[0]):
                continue
            trial = self._attempt(form, channels, size)
            if trial is None:
                continue
            if trial.is_usual or (form.is_pil and self._runner.declares and trial.is_made_of_image):
                return trial
            found.append(trial)
            self._passed.append(trial)
        return max(found, key=lambda trial: trial.rank, default=None)

    def _attempt(self, form: Form, channels: int, size: tuple[int, int]) -> Trial | None:
        size = form.size_of(size)
        trace = self._runner.run_as(form, varied(channels, size))
        if trace.error is not None or not self._gives_images(form, trace):
            self._note(form, channels, trace)
            return None
        colors = [in_channels(COLOR, channels), (0,) * channels, (255,) * channels]
        blank = ""
        for make in (flat, chipped):
            traces = [self._runner.run_as(form, make(color, size)) for color in colors]
            failed = [one for one in traces if one.error is not None]
            if not failed:
                trial = judged(form, channels, size, traces, lambda levels: self._runner.run_as(form, levels))
                return replace(trial, blank=blank)
            blank = _in_words(failed[0].error)
        self._note(form, channels, failed[0])
        return None

    def _gives_images(self, form: Form, trace: Trace) -> bool:
        if trace.images:
            values: int = max(math.prod(np.shape(image)) for image in trace.images)
            if values > _MOST_VALUES:
                self._said.setdefault(form.words, f"returned {values:,} values for a small image")
            return values <= _MOST_VALUES
        if trace.record:
            return True
        self._said.setdefault(form.words, f"returned a {public_name(trace.result)} that holds no image")
        return False

    def _note(self, form: Form, channels: int, trace: Trace) -> None:
        """Keep what was raised, and whether that is the last word."""
        error = trace.error
        if error is None:
            return
        words = _in_words(error)
        if isinstance(error, _OF_KIND) or self._last.get((form, channels)) == words:  # of another size, too
            self._hopeless.add((form, channels))
        # of a call with other arguments than the first form has
        is_other_call = self._said and isinstance(error, TypeError) and _OTHER_CALL.search(words)
        if isinstance(error, NotThisFormError) or is_other_call:
            return
        self._last[form, channels] = words
        self._said.setdefault(form.words, words)
        if self._furthest is None or _progress(trace) > _progress(self._furthest[1]):
            self._furthest = (form, trace) if _progress(trace) else self._furthest
        if self._verdict is None and form.is_pil and self._runner.is_watched:
            is_own = trace.is_converted or self._runner.converts_images
            self._verdict = (form, trace) if is_own else None

    def _enlarged(self, trial: Trial) -> Trial:
        """The same form with an image of the usual size, where it takes one."""
        if len(self._sizes) == 1 or trial.size in self._sizes[1:] or self._runner.is_network:
            return trial  # a network would only take longer
        if math.prod(trial.shape) * math.prod(self._sizes[1]) > _MOST_VALUES * math.prod(trial.size):
            return trial
        larger = self._attempt(trial.form, trial.channels, self._sizes[1])
        return trial if larger is None or larger.rank < trial.rank else larger

    def _made(self) -> str:
        """Advice on a function that can be called with nothing at all."""
        call = self._runner.call
        if not inspect.isroutine(call):
            return ""
        try:
            inspect.signature(call).bind()
        except (TypeError, ValueError):
            return ""
        name = public_name(call)
        return f" If {name} makes a transform, give what it makes: {name}()."


def _progress(trace: Trace) -> int:
    """How far floats came: beyond Normalize, as far as it, or not so far."""
    if not is_float(getattr(trace.entered, "dtype", "")):
        return 0
    return 2 if trace.stage == "after Normalize" else 1


def _refuse(name: str, form: Form, trace: Trace, *, is_own: bool) -> NoReturn:
    where = f", {trace.stage}" if trace.stage else ""
    advice = ""
    if trace.stage == "in Normalize" and not trace.is_converted and is_own:
        advice = " Is Normalize before the step that makes a tensor?"
    said = f"{name} raises on {form.words}{where}: {_in_words(trace.error).rstrip('.')}.{advice}"
    raise PipelineRaisedError(said, trace.stage, is_own, trace) from trace.error


def _in_words(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:150]}"


def _told(said: dict[str, str]) -> str:
    """What each form raised, the forms with one error together."""
    errors = list(dict.fromkeys(said.values()))
    lines = []
    for error in errors[:_ERRORS_TOLD]:
        forms = [words for words, one in said.items() if one == error]
        more = f", and {len(forms) - _FORMS_TOLD} other forms" if len(forms) > _FORMS_TOLD else ""
        lines.append(f"\n  {error}\n    with {', '.join(forms[:_FORMS_TOLD])}{more}")
    if len(errors) > _ERRORS_TOLD:
        lines.append(f"\n  and {len(errors) - _ERRORS_TOLD} other errors in other forms")
    return "".join(lines)
