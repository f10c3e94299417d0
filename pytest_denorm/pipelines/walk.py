"""Finding the Normalize of anything: an object is described, its parts are walked, and what was found is judged."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..errors import (
    AmbiguousNormalizeError,
    ConditionalNormalizeError,
    ConditionalNormalizeWarning,
    NormalizeNotFoundError,
    NotInvertibleError,
    PipelineError,
    StatisticsError,
)
from ..normalization import Normalization, format_numbers
from .registry import Description, Leaf, Parts, Refusal, describe, public_name

if TYPE_CHECKING:
    from ..affine import Denormalize

__all__ = ["Located", "find_normalize", "inverse_of", "locate"]

#: Nesting beyond this is taken for a mistake; it also keeps the walk within Python's own limit.
_DEEPEST = 150
#: A longer list holds samples, not transforms.
_LONGEST = 256


@dataclass(frozen=True)
class Located:
    """A Normalize and where it is.

    Attributes:
        normalization: its statistics; `source` says where it is, in words.
        path: the way to it from the pipeline, such as ``.dataset.transform.transforms[1]``.
        name: what its library's users call it.
        op: the object itself.
        apply: runs just this Normalize on a float tensor (N, C, H, W) in its own units, or None.
        probability: with which it is applied.
    """

    normalization: Normalization
    path: str
    name: str
    op: Any = field(repr=False)
    apply: Callable[[Any], Any] | None = field(default=None, repr=False)
    probability: float = 1.0


@dataclass(frozen=True)
class _Problem:
    """Why a part of the pipeline has no one Normalize."""

    kind: type[PipelineError]
    path: str
    text: str


_Finding = Located | _Problem


def find_normalize(pipeline: Any) -> Normalization:
    """The statistics that a pipeline declares.

    Args:
        pipeline: a Normalize, or a transform, module, data set or loader that holds one at any depth; also a
            :class:`Normalization`, which is returned as it is.

    Returns:
        The Normalization; its ``source`` says where it was found, such as
        ``Compose.transforms[2]: torchvision.transforms.Normalize``.

    Raises:
        NormalizeNotFoundError: there is none.
        AmbiguousNormalizeError: two on one path, or views or data sets that do not agree.
        ConditionalNormalizeError: only some branches of a random choice have it, or some data sets of several.
        NotInvertibleError: what is there normalizes by each picture's own statistics, or clips.
        StatisticsError: statistics that cannot be inverted, a zero std for one.

    Warns:
        ConditionalNormalizeWarning: it is skipped at random (``RandomApply`` with p below 1).
    """
    return locate(pipeline).normalization


def inverse_of(pipeline: Any) -> Denormalize:
    """A ``torch.nn.Module`` that undoes the Normalize of a pipeline.

    Args, Raises, Warns: as :func:`find_normalize`; also the name of a preset.
    """
    from ..affine import Denormalize

    return Denormalize.of(pipeline)


def locate(pipeline: Any) -> Located:
    """As :func:`find_normalize`, with the object itself and the way to it."""
    if isinstance(pipeline, Normalization):
        return Located(pipeline, "", "Normalization", pipeline, pipeline.normalize)
    walk = _Walk(pipeline)
    findings = walk.findings()
    problems = [finding for finding in findings if isinstance(finding, _Problem)]
    found = [finding for finding in findings if isinstance(finding, Located)]
    if problems:
        raise problems[0].kind(f"{walk.root}{problems[0].path}: {problems[0].text}")
    if not found:
        raise NormalizeNotFoundError(_not_found(walk))
    if len(found) > 1:
        raise AmbiguousNormalizeError(_two_found(walk.root, found))
    one = found[0]
    if one.probability < 1:
        warnings.warn(
            f"{one.normalization.source} is applied with probability {one.probability:g}: pictures that skipped it "
            f"come out wrong when it is undone. Move Normalize out of the random part.",
            ConditionalNormalizeWarning,
            stacklevel=3,
        )
    return one


def _not_found(walk: _Walk) -> str:
    looked = ", ".join(walk.looked_at[:12]) + (", ..." if len(walk.looked_at) > 12 else "")
    return (
        f"no Normalize in {walk.root}: looked at {looked}. If it is there under another name, give its statistics "
        f"as Normalization(mean, std), or teach them with register_adapter."
    )


def _two_found(root: str, found: Sequence[Located]) -> str:
    lines = "".join(f"\n  {root}{one.path}: {one.name} with {one.normalization}" for one in found)
    composed = _composed(found)
    return (
        f"{len(found)} Normalize on one path, each applied to the result of the one before:{lines}\n"
        f"Together they do what mean {format_numbers(composed.mean)}, std {format_numbers(composed.std)} does. "
        f"If that is meant, pass Normalization with these numbers; else take one of them out."
    )


def _composed(found: Sequence[Located]) -> Normalization:
    """((x - m1) / s1 - m2) / s2 = (x - (m1 + s1 m2)) / (s1 s2)"""
    channels = max(one.normalization.channels for one in found)
    total = found[0].normalization.expand(channels)
    for one in found[1:]:
        nxt = one.normalization.expand(channels)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            total = Normalization(
                tuple(m1 + s1 * m2 for m1, s1, m2 in zip(total.mean, total.std, nxt.mean, strict=True)),
                tuple(s1 * s2 for s1, s2 in zip(total.std, nxt.std, strict=True)),
                total.pixel_max,
            )
    return total


class _Walk:
    """One walk over one pipeline."""

    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline
        self.root = public_name(pipeline).rpartition(".")[2]
        self.looked_at: list[str] = []
        self._open: set[int] = set()
        self._known: dict[int, tuple[Any, tuple[_Finding, ...]]] = {}

    def findings(self) -> tuple[_Finding, ...]:
        return self._visit(self.pipeline, "", 0)

    def _visit(self, obj: Any, path: str, depth: int) -> tuple[_Finding, ...]:
        """Everything found in `obj`, in the order in which a picture meets it."""
        if id(obj) in self._open:  # it holds itself
            return ()
        if depth > _DEEPEST:
            return (_Problem(PipelineError, path, f"nested more than {_DEEPEST} deep: give the inner pipeline."),)
        if id(obj) not in self._known:
            self._open.add(id(obj))
            try:
                found = self._judge(obj, path, depth)
            finally:
                self._open.discard(id(obj))
            # paths are kept relative to `obj`, which may be reached in another way as well
            relative = tuple(replace(one, path=one.path.removeprefix(path)) for one in found)
            self._known[id(obj)] = (obj, relative)
        return tuple(self._at(one, path) for one in self._known[id(obj)][1])

    def _at(self, finding: _Finding, path: str) -> _Finding:
        whole = path + finding.path
        if isinstance(finding, _Problem):
            return replace(finding, path=whole)
        source = f"{self.root}{whole}: {finding.name}" if whole else finding.name
        return replace(finding, path=whole, normalization=finding.normalization.located(source))

    def _judge(self, obj: Any, path: str, depth: int) -> tuple[_Finding, ...]:
        description = describe(obj)
        if description is None:
            description = structure(obj)
        if isinstance(description, Refusal):
            text = f"{public_name(obj)} cannot be undone by a fixed mean and std: {description.reason}"
            return (_Problem(NotInvertibleError, path, text),)
        if isinstance(description, Leaf):
            return (self._located(obj, description, path),)
        name = public_name(obj)
        if name not in self.looked_at:
            self.looked_at.append(name)
        if description is None:
            return ()
        branches = [self._visit(part, path + label, depth + 1) for label, part in description.parts]
        return _combine(description, branches, path)

    def _located(self, obj: Any, leaf: Leaf, path: str) -> _Finding:
        name = leaf.name or public_name(obj)
        try:
            normalization = Normalization(leaf.mean, leaf.std, leaf.pixel_max, channel_axis=leaf.channel_axis)
        except StatisticsError as error:
            try:  # one mean for all channels and a std for each, or the reverse
                normalization = _broadcast(leaf)
            except StatisticsError:
                where = f"{self.root}{path}: {name}" if path else name
                raise StatisticsError(f"{where}: {error}") from None
        return Located(normalization, path, name, obj, leaf.apply)


def _broadcast(leaf: Leaf) -> Normalization:
    from ..normalization import as_floats

    mean, std = as_floats(leaf.mean, "mean"), as_floats(leaf.std, "std")
    channels = max(len(mean), len(std))
    mean, std = (one * channels if len(one) == 1 else one for one in (mean, std))
    return Normalization(mean, std, leaf.pixel_max, channel_axis=leaf.channel_axis)


def _combine(parts: Parts, branches: Sequence[tuple[_Finding, ...]], path: str) -> tuple[_Finding, ...]:
    if parts.together == "sequence":
        found = tuple(finding for branch in branches for finding in branch)
        found = tuple(
            replace(one, probability=one.probability * parts.probability) if isinstance(one, Located) else one
            for one in found
        )
        return found
    problems = tuple(one for branch in branches for one in branch if isinstance(one, _Problem))
    if problems:
        return problems[:1]
    with_one = [branch for branch in branches if branch]
    if not with_one:
        return ()
    statistics = {tuple(one.normalization for one in branch if isinstance(one, Located)) for branch in with_one}
    everywhere = len(with_one) == len(branches)
    if len(statistics) == 1 and (everywhere or parts.together == "views"):
        return with_one[0]
    lines = "".join(f"\n  {label}: {_told(branch)}" for (label, _), branch in zip(parts.parts, branches, strict=True))
    if parts.together == "views":
        return (
            _Problem(
                AmbiguousNormalizeError, path, f"holds several pipelines whose Normalize differ:{lines}\nGive one."
            ),
        )
    return (
        _Problem(
            ConditionalNormalizeError,
            path,
            f"each picture takes one of {len(branches)} ways, and they are not normalized alike:{lines}\n"
            f"No one inverse is right for all of them. Move Normalize out of the choice, or give it to each alike.",
        ),
    )


def _told(branch: Sequence[_Finding]) -> str:
    if not branch:
        return "no Normalize"
    return ", then ".join(f"{one.name} with {one.normalization}" for one in branch if isinstance(one, Located))


def structure(obj: Any) -> Description:
    """What can be said of an object without knowing its library: its members, in the order of use where that is plain."""
    if isinstance(obj, Normalization):
        return Leaf(obj.mean, obj.std, obj.pixel_max, obj.source or "Normalization", obj.channel_axis, obj.normalize)
    if isinstance(obj, _Views):
        return Parts(obj.parts, "views")
    if isinstance(obj, functools.partial):
        return Parts(((".func", obj.func), *((f".keywords[{key!r}]", one) for key, one in _holders(obj.keywords))))
    if inspect.ismethod(obj):
        return Parts(((".__self__", obj.__self__),))
    if isinstance(obj, (list, tuple)):
        return Parts(tuple((f"[{index}]", one) for index, one in enumerate(obj) if _may_hold(one)), "views")
    if isinstance(obj, dict):
        return Parts(tuple((f"[{key!r}]", one) for key, one in _holders(obj)), "views")
    if inspect.isroutine(obj) or inspect.isclass(obj) or inspect.ismodule(obj):
        return None
    return _members(obj)


def _members(obj: Any) -> Description:
    """A class of the user's own: what it holds. In a data set, an inner data set comes before the transforms."""
    try:
        attributes = dict(vars(obj))
    except TypeError:
        return None
    attributes.update(attributes.pop("_modules", None) or {})  # torch keeps a module's children there
    held = [(f".{name}", one) for name, one in _holders(attributes) if "target" not in str(name)]
    if not held:
        return None
    inner = tuple(
        pair for pair in held if hasattr(type(pair[1]), "__getitem__") and not isinstance(pair[1], (list, dict))
    )
    outer = tuple(pair for pair in held if pair not in inner)
    if hasattr(type(obj), "__getitem__") and inner and outer:
        return Parts((("", _Views(inner)), ("", _Views(outer))))
    return Parts(tuple(held), "views")


class _Views:
    """Members that are walked as one."""

    def __init__(self, parts: tuple[tuple[str, Any], ...]) -> None:
        self.parts = parts


def _holders(attributes: dict[Any, Any]) -> list[tuple[Any, Any]]:
    return [(name, one) for name, one in attributes.items() if _may_hold(one)]


def _may_hold(obj: Any) -> bool:
    """Whether a transform could be in it: plain values, arrays, tensors and long lists of samples are passed over."""
    if obj is None or isinstance(obj, (str, bytes, int, float, complex)) or hasattr(type(obj), "dtype"):
        return False
    if isinstance(obj, (list, tuple, dict)):
        members = obj.values() if isinstance(obj, dict) else obj
        return 0 < len(obj) <= _LONGEST and any(map(_may_hold, members))
    return callable(obj) or hasattr(type(obj), "__getitem__") or hasattr(obj, "__dict__")
