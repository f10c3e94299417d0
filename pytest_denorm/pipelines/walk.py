"""Finding the Normalize of anything: an object is described, its parts are walked, and what was found is judged."""

from __future__ import annotations

import functools
import re
import types
import warnings
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from ..core.alone import alone
from ..core.foreign import attribute
from ..core.normalization import Normalization, format_numbers, preset
from ..errors import (
    AdapterError,
    AmbiguousNormalizeError,
    ConditionalNormalizeWarning,
    DenormError,
    NormalizeNotFoundError,
    NotInvertibleError,
    PipelineError,
    SecondNormalizeWarning,
    StatisticsError,
    StatisticsWarning,
)
from .calls import forward_of
from .composition import composed
from .findings import Finding, Problem, combine
from .kept import kept_statistics, may_normalize_again
from .located import Located
from .probe import measure
from .registry import COLLATES, Description, Leaf, Parts, Refusal, describe, public_name
from .runner import Runner
from .stored import leaf_of
from .structure import Views, attributes_of, is_dataset, structure

__all__ = ["declared"]

#: More objects than this, or a deeper nesting, are data or without end, and no pipeline.
_MOST = 100_000
_DEEPEST = 5_000
#: Labels shown at either end of a long path.
_SHOWN = 4
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType)


_Visit = Generator[Any, tuple[Finding, ...], tuple[Finding, ...]]


def declared(pipeline: Any) -> Located:
    """Return the Normalize that a pipeline declares, without asking on which scale its statistics are.

    Raises, Warns: as :func:`~pytest_denorm.find_normalize`, but for what splits lack and for the scale.
    """
    if isinstance(pipeline, str):
        pipeline = preset(pipeline)
    if isinstance(pipeline, Normalization):
        return Located(pipeline, "", "Normalization", pipeline, entry=None)
    walk = _Walk(pipeline)
    findings = walk.findings()
    problems = [finding for finding in findings if isinstance(finding, Problem)]
    found = [finding for finding in findings if isinstance(finding, Located)]
    if problems:
        raise problems[0].kind(f"{walk.shown(problems[0].path)}: {problems[0].text}")
    if not found:
        raise _not_found(walk)
    one = found[0] if len(found) == 1 else _one_map(walk, found)
    source = f"{walk.shown(one.path)}: {one.name}" if one.path else one.name
    if one.probability < 1:
        warnings.warn(
            f"{source} is applied with probability {one.probability:g}: images that skipped it come out wrong when "
            f"it is undone. Move Normalize out of the random part.",
            ConditionalNormalizeWarning,
            stacklevel=3,
        )
    for held, owner, kept in walk.unseen:
        if may_normalize_again(owner, attributes_of(owner), kept, one.normalization):
            warnings.warn(
                f"{source} is applied, and {held}, which are other numbers: if batches are normalized with them, "
                f"images are normalized twice. Normalize in one place.",
                SecondNormalizeWarning,
                stacklevel=3,
            )
    call = pipeline if callable(pipeline) else one.call
    left_out = tuple(each.shown(walk.shown) for each in one.missing)
    return replace(one, normalization=one.normalization.located(source), call=call, missing=left_out)


def _not_found(walk: _Walk) -> NormalizeNotFoundError:
    said = [f"no Normalize in {walk.root}"]
    if walk.looked_at:
        said.append(f"looked at {_listed(walk.looked_at)}")
    if walk.functions:
        said.append(f"what the code of a function does is not declared ({_listed(walk.functions)})")
    if walk.unreadable:
        said.append(f"could not look into {_listed(walk.unreadable)}")
    unused = [
        f"{held}, and was not seen to use them: (x - mean) / std is not what it makes of an image. Measured instead: "
        f"{_done_instead(call)}"
        for held, (call, *_), _ in walk.unused.values()
    ]
    unseen = [f"{held}, and takes no image to show what it does with them" for held, _, _ in walk.unseen]
    found = ". ".join(["; ".join(said), *unused, *unseen]) + "."
    if walk.classes:
        return NormalizeNotFoundError(
            found, f"{_listed(walk.classes)}: a class, which is no transform yet: call it to make one."
        )
    advice = "give its statistics as Normalization(mean, std)"
    if is_dataset(walk.pipeline):
        advice += ", or the transform by itself that makes an image ready"
    else:
        advice += ", or measure them with probe(pipeline).normalization()"
    if walk.looked_at:
        advice += ", or teach find_normalize with register_adapter"
    return NormalizeNotFoundError(found, f"If it normalizes all the same, {advice}.")


def _done_instead(obj: Any) -> str:
    """What it does to images, for one that does not use its statistics."""
    try:
        found = measure(Runner(obj, others=True), 2)
    except DenormError:
        return "nothing, because it takes an image in no usual form"
    return "; ".join(found.problems) or str(found)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def _one_map(walk: _Walk, found: Sequence[Located]) -> Located:
    """Several that share the work of one: all but one of them only subtract, or only divide.

    Raises:
        AmbiguousNormalizeError: two of them do both.
    """
    whole = [one for one in found if any(one.normalization.mean) and set(one.normalization.std) != {1.0}]
    if len(whole) > 1 or any(one.probability < 1 for one in found):
        raise AmbiguousNormalizeError(_two_found(walk, found))

    def apply(images: Any) -> Any:
        for one in found:
            images = forward_of(one)(images)
        return images

    total, names = composed([one.normalization for one in found]), " and ".join(one.name for one in found)
    return replace(found[-1], normalization=total, name=names, apply=apply, entry=None)


def _two_found(walk: _Walk, found: Sequence[Located]) -> str:
    lines = "".join(f"\n  {walk.shown(one.path)}: {one.name} with {one.normalization}" for one in found)
    total = composed([one.normalization for one in found])
    return (
        f"{len(found)} Normalize on one path, each applied to the result of the one before:{lines}\n"
        f"Together they do what mean {format_numbers(total.mean)}, std {format_numbers(total.std)} does. "
        f"If that is meant, pass Normalization with these numbers; else take one of them out."
    )


class _Walk:
    """One walk over one pipeline."""

    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline
        self.root = public_name(pipeline).rpartition(".")[2]
        self.looked_at: list[str] = []
        self.functions: list[str] = []
        self.unreadable: list[str] = []
        self.classes: list[str] = []
        self.unused: dict[int, tuple[str, list[Any], Normalization]] = {}
        self.unseen: list[tuple[str, Any, Normalization]] = []
        self._open: set[int] = set()
        self._known: dict[int, tuple[Any, tuple[Finding, ...]]] = {}

    def findings(self) -> tuple[Finding, ...]:
        """Everything found, in the order in which an image meets it.

        The visits are kept on a stack of their own: a pipeline may be nested deeper than Python's calls.
        """
        visits = [self._visit(self.pipeline)]
        found: Any = None  # what a generator is started with
        while visits:
            try:
                part = visits[-1].send(found)
            except StopIteration as done:
                visits.pop()
                found = done.value
            else:
                visits.append(self._visit(part))
                found = None
        return tuple(found)

    def shown(self, path: str) -> str:
        """The whole path, from the pipeline's name; long ones without their middle."""
        labels = re.split(r"(?=\.)", path)
        if len(labels) > 2 * _SHOWN + 1:
            left_out = len(labels) - 2 * _SHOWN
            path = "".join([*labels[:_SHOWN], f" ...({left_out} more)... ", *labels[-_SHOWN:]])
        return self.root + path

    def _visit(self, obj: Any) -> _Visit:
        """Asks for the findings in each part of `obj`, and returns those of `obj`, with paths relative to it."""
        key = id(obj)
        if key in self._open:  # it holds itself
            return ()
        if key not in self._known:
            if len(self._open) >= _DEEPEST or len(self._known) >= _MOST:
                text = f"more than {_DEEPEST} levels or {_MOST} objects hang together here: give the transform itself."
                return (Problem(PipelineError, "", text),)
            self._open.add(key)
            found = yield from self._judge(obj)
            self._open.discard(key)
            self._known[key] = (obj, found)  # holding obj keeps its id its own
        return self._known[key][1]

    def _judge(self, obj: Any) -> _Visit:
        try:
            description = describe(obj)
        except AdapterError as error:
            return (Problem(AdapterError, "", str(error)),)
        if description is None:
            description = self._structure(obj)
        if isinstance(description, Refusal):
            text = f"{public_name(obj)} cannot be undone by a fixed mean and std: {description.reason}"
            return (Problem(NotInvertibleError, "", text),)
        if isinstance(description, Leaf):
            return (_located(obj, description),)
        if not issubclass(type(obj), (Views, list, tuple, dict)):
            self._remember(obj)
        if description is None:
            return self._by_colors(obj)
        found = yield from self._within(description)
        if not found and description.otherwise is not None:
            try:
                found = yield from self._within(description.otherwise())
            except Exception as error:
                self.unreadable.append(f"{public_name(obj)} ({error})")
        return found or self._by_colors(obj)

    def _within(self, description: Parts) -> _Visit:
        branches = []
        for label, part in description.parts:
            found = yield part
            branches.append(tuple(_from_outside(one, label, part) for one in found))
        return combine(description, branches)

    def _own_normalize(self, obj: Any) -> Description:
        """A class of the user's own that keeps its mean and std, and is seen to normalize with them."""
        if issubclass(type(obj), functools.partial):
            return _partial_normalize(obj)
        if issubclass(type(obj), (*_FUNCTIONS, type)):
            return None
        owner = obj
        if issubclass(type(obj), types.MethodType):
            owner = obj.__self__
            if describe(owner) is not None:  # a Normalize of a library, by one of its methods
                return None
        of_classes = {name: one for cls in reversed(type(owner).__mro__) for name, one in vars(cls).items()}
        kept = kept_statistics({**of_classes, **attributes_of(owner)})
        if kept is None:
            return None
        calls = [one for one in (obj, attribute(obj, "preprocess")) if callable(one)]
        mean, std, found = kept
        held = f"{public_name(obj)} has {mean} {format_numbers(found.mean)} and {std} {format_numbers(found.std)}"
        if not calls:
            self.unseen.append((held, owner, found))
            return None
        leaf = next(filter(None, (leaf_of(call, found) for call in calls)), None)
        if leaf is None:
            self.unused[id(obj)] = held, calls, found
        return leaf

    def _by_colors(self, obj: Any) -> tuple[Finding, ...]:
        """Such a class that normalizes among other steps, and holds nothing that does."""
        if id(obj) not in self.unused:
            return ()
        _, calls, found = self.unused[id(obj)]
        leaf = next(filter(None, (leaf_of(call, found, resizes=True) for call in calls)), None)
        if leaf is None:
            return ()
        del self.unused[id(obj)]
        return (_located(obj, leaf),)

    def _structure(self, obj: Any) -> Description:
        try:
            return self._own_normalize(obj) or structure(obj)
        except Exception as error:  # a lazy object that fails as soon as it is looked at
            self.unreadable.append(f"{public_name(obj)} ({type(error).__name__}: {error})")
            return None

    def _remember(self, obj: Any) -> None:
        if issubclass(type(obj), type):
            if any("__call__" in vars(cls) for cls in obj.__mro__):
                self.classes.append(public_name(obj))
            return
        names = self.functions if issubclass(type(obj), _FUNCTIONS) else self.looked_at
        name = public_name(obj)
        if name not in names:
            names.append(name)


def _partial_normalize(obj: functools.partial[Any]) -> Leaf | None:
    """A partial with mean and std that is seen to normalize with them."""
    kept = kept_statistics(obj.keywords)
    leaf = leaf_of(obj, kept[2]) if kept is not None else None
    return leaf and replace(leaf, name=f"functools.partial of {public_name(obj.func)}", entry=None)


def _from_outside(one: Finding, label: str, part: Any) -> Finding:
    """What was found in a part, as seen by what holds the part at `label`."""
    if isinstance(one, Located):
        left_out = tuple(each.seen_from(label) for each in one.missing)
        call = part if callable(part) else one.call
        if label == COLLATES:  # it takes a list of items
            call = None
        return replace(one, path=label + one.path, call=call, missing=left_out)
    return replace(one, path=label + one.path)


def _located(obj: Any, leaf: Leaf) -> Finding:
    name = leaf.name or public_name(obj)
    with alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)  # of what the pipeline has in the end
        try:
            normalization = Normalization(leaf.mean, leaf.std, leaf.pixel_max, channel_axis=leaf.channel_axis)
        except StatisticsError as error:
            try:  # one mean for all channels and a std for each, or the reverse
                normalization = _broadcast(leaf)
            except StatisticsError:
                return Problem(StatisticsError, "", f"{name}: {error}")
    return Located(
        normalization,
        "",
        name,
        obj,
        leaf.apply,
        leaf.probability,
        entry=leaf.entry,
        rescales=leaf.rescales,
        is_image=leaf.is_image,
    )


def _broadcast(leaf: Leaf) -> Normalization:
    from ..core.normalization import as_floats

    mean, std = as_floats(leaf.mean, "mean"), as_floats(leaf.std, "std")
    channels = max(len(mean), len(std))
    mean, std = (one * channels if len(one) == 1 else one for one in (mean, std))
    return Normalization(mean, std, leaf.pixel_max, channel_axis=leaf.channel_axis)
