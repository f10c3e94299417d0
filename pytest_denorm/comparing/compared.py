"""``compare`` and ``assert_same_normalize``: whether pipelines see the same colors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..core.arguments import MOST_CHANNELS, listed, whole
from ..core.foreign import shown
from ..core.normalization import format_numbers
from ..diagnosis.verdict import jsonable
from ..errors import ImageError, PipelineError, SettingsError
from ..pipelines.registry import public_name
from .difference import statistics_of
from .judging import Verdict, judge
from .measuring import Side
from .serving import READS, known_reads
from .sides import Given, side_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Comparison", "Pair", "assert_same_normalize", "compare", "failed_comparison"]

#: Of an AssertionError itself, because its name is what pytest shows.
_ATTRIBUTE = "denorm_comparison"
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


@dataclass(frozen=True)
class Pair:
    """What was found of two of the pipelines.

    Attributes:
        first, second: their names.
        verdict: what was found.
    """

    first: str
    second: str
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """Whether pipelines do the same to the colors of an image.

    Attributes:
        ok: all of them do what the first does.
        kind: ``same``; else in which way the first of those that differ does: ``other-preset``, ``scale-255``,
            ``channel-order``, ``normalized-twice``, ``not-normalized``, ``clamped``, ``depends-on-values``, ``random``,
            ``dtype`` or ``layout`` (with ``strict=True``), or another kind of :func:`~pytest_denorm.diagnose`.
        message: that in words, with the numbers; one sentence for each pipeline that differs.
        details: plain data: names, what each side is, and the numbers of each pair.
    """

    ok: bool
    kind: str
    message: str
    details: Mapping[str, Any]
    pairs: tuple[Pair, ...] = field(repr=False)
    _sides: tuple[Side, ...] = field(repr=False, compare=False)

    def __str__(self) -> str:
        """Return the message, and below it what each side is and what is told beside the verdict."""
        lines = [self.message if self.ok else f"{self.kind}: {self.message}"]
        width = max(len(side.name) for side in self._sides)
        for side in self._sides:
            lines += [f"  {side.name:<{width}}  {side.what}", f"  {'':<{width}}    {described(side)}"]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    @property
    def notes(self) -> tuple[str, ...]:
        """What fails nothing: other dtypes and layouts, and where a side was measured."""
        return tuple(dict.fromkeys(note for pair in self.pairs for note in pair.verdict.notes))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "ok": self.ok,
            "kind": self.kind,
            "message": self.message,
            "notes": list(self.notes),
            **{key: jsonable(one) for key, one in self.details.items()},
        }

    def raise_for_difference(self) -> None:
        """Raise an error with the whole text, unless all are the same.

        Raises:
            AssertionError: one of them differs from the first.
        """
        __tracebackhide__ = True
        if not self.ok:
            error = AssertionError(str(self))
            setattr(error, _ATTRIBUTE, self)
            raise error

    def figure(self, image: Any = None) -> Figure:
        """Return a figure of one image through each pipeline, inverse-normalized with the statistics of the first.

        Args:
            image: uint8, (H, W, 3) or (H, W) as an array, or a PIL image; a photograph unless given.

        Raises:
            ImageError: it is no such image, or the first has no inverse.
        """
        from .side_by_side import comparison_figure

        return comparison_figure(self.message, self._sides, image)

    def png(self, image: Any = None) -> bytes:
        """Return :meth:`figure` as a PNG file."""
        from ..checks.round_trip_figure import png_of

        return png_of(self.figure(image))

    def _repr_html_(self) -> str:
        from ..checks.notebook import html_table

        rows = [
            ("passed" if pair.verdict.ok else "failed", f"{pair.first} = {pair.second}", pair.verdict.message)
            for pair in self.pairs
        ]
        title = " = ".join(side.name for side in self._sides)
        return html_table(f"pytest-denorm: {title}", self.ok, [], rows, self.message, None if self.ok else self.png())


def failed_comparison(error: BaseException) -> Comparison | None:
    """Return the comparison that an error carries, so that somebody can draw it."""
    return getattr(error, _ATTRIBUTE, None)


def described(side: Side) -> str:
    """Return what a side does, in words: its statistics, or why it has none; what it gives, and how it was called."""
    problems = side.map.problems
    found = statistics_of(side)
    if side.map.order is None or found is None or side.map.random or side.map.per_image:
        does = "; ".join(problems) or "no Normalize"
    else:
        turned = "" if list(side.map.order) == sorted(side.map.order) else f", channels {side.map.order}"
        mean, std = (format_numbers(values, 4) for values in found)
        does = f"mean {mean}, std {std}{turned}{', clamped' if side.map.clipped else ''}"
    gives = " ".join(part for part in (side.dtype, side.layout) if part)
    called = f"called with {side.map.convention}" if side.map.calls else "declared"
    return ", ".join(part for part in (does, f"gives {gives}" if gives else "", called) if part)


def compare(
    *pipelines: Any,
    reads: str | Sequence[str | None] | Mapping[str, str] | None = None,
    strict: bool = False,
    channels: int | None = None,
    size: tuple[int, int] | None = None,
    **named: Any,
) -> Comparison:
    """Compare what pipelines do to the colors of an image: training, validation and serving.

    Each is measured as a whole, from the image to what the network gets; resizing, cropping and flipping do not count.
    Where random steps change colors, it is compared at its Normalize.

    Example:

        comparison = compare(train=train_set, serve=preprocess, reads={"serve": "bgr"})
        assert comparison.ok, str(comparison)

    Args:
        pipelines: two or more; or one dict of them by name. Transforms of any library, functions, data sets, loaders,
            data modules, torchvision weights, presets, :class:`~pytest_denorm.Normalization`, image processors, their
            folder or ``preprocessor_config.json``, timm's ``pretrained_cfg``, exported and scripted modules, and
            networks that normalize by themselves. Serving code: functions of a path, an encoded file (bytes, base64, a
            file object) are found out.
        reads: what functions take, by name, or one for each pipeline: ``image``, ``bgr`` (an array as ``cv2.imread``
            gives it), ``path``, ``bytes``, ``base64``, ``file``. One word holds for every function but the first
            pipeline.
        strict: another dtype or layout is a difference, too.
        channels: of the images; found out unless given.
        size: (height, width) of the images; as large as they need to be unless given.
        named: pipelines by the names to call them.

    Returns:
        What was found. The first pipeline is what the others are compared with.

    Raises:
        SettingsError: fewer than two pipelines, one of them twice, `reads` that does not fit, or a configuration
            without statistics.
        PipelineError: a pipeline that cannot be measured, or other numbers of channels.
    """
    if channels is not None:
        whole(channels, "channels", ImageError, least=1, most=MOST_CHANNELS)
    members = _members(pipelines, named)
    for name in reads if isinstance(reads, Mapping) else ():
        if name not in members:
            raise SettingsError(f"reads names {shown(name)}: expected one of {', '.join(members)}.")
    given = [
        Given(name, thing, _reads(reads, name, index, thing), channels, size)
        for index, (name, thing) in enumerate(members.items())
    ]
    sides = _of_one_number_of_channels([side_of(one) for one in given], given)
    pairs = [_pair(one, other, strict) for one, other in _pairs(sides)]
    wrong = [pair for pair in pairs if not pair.verdict.ok]
    if wrong:
        message = "\n".join(f"{pair.verdict.message}." for pair in wrong)
    elif len(sides) == 2:
        message = f"{pairs[0].verdict.message}."
    else:
        most = max((pair.verdict.difference.levels for pair in pairs if pair.verdict.difference), default=0.0)
        names = ", ".join(side.name for side in sides[:-1])
        message = f"{names} and {sides[-1].name} see the same colors, within {most / 255:.1g} of white."
    return Comparison(
        ok=not wrong,
        kind=wrong[0].verdict.kind if wrong else "same",
        message=message,
        details=_details(sides, pairs),
        pairs=tuple(pairs),
        _sides=tuple(sides),
    )


def assert_same_normalize(
    *pipelines: Any,
    reads: str | Sequence[str | None] | Mapping[str, str] | None = None,
    strict: bool = False,
    channels: int | None = None,
    size: tuple[int, int] | None = None,
    **named: Any,
) -> None:
    """Assert that pipelines see the same colors; see :func:`compare`, whose arguments and errors it has.

    Raises:
        AssertionError: one of them differs from the first; the message says in which way, and by how much.
    """
    __tracebackhide__ = True
    compare(*pipelines, reads=reads, strict=strict, channels=channels, size=size, **named).raise_for_difference()


def _members(pipelines: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """The pipelines by name.

    Raises:
        SettingsError: there are fewer than two, or one stands twice.
    """
    only = pipelines[0] if len(pipelines) == 1 else None
    if isinstance(only, Mapping):
        members = {str(key): one for key, one in only.items()}
    else:
        listed = only if isinstance(only, (list, tuple)) else pipelines
        members = {
            _ORDINALS[index] if index < len(_ORDINALS) else f"number {index + 1}": one
            for index, one in enumerate(listed)
        }
    members = {**members, **named}
    if len(members) < 2:
        raise SettingsError(f"there {'is one pipeline' if members else 'is no pipeline'} to compare: expected two.")
    seen: dict[int, str] = {}
    for name, one in members.items():
        if id(one) in seen and not isinstance(one, str):
            raise SettingsError(f"{seen[id(one)]} and {name} are the same {public_name(one)}: expected two pipelines.")
        seen[id(one)] = name
    return members


def _reads(reads: Any, name: str, index: int, thing: Any) -> str | None:
    """What one pipeline is said to read.

    Raises:
        SettingsError: it is none of the known forms.
    """
    if reads is None:
        return None
    if isinstance(reads, str):
        found = known_reads(reads)
        return found if index and callable(thing) else None
    if isinstance(reads, Mapping):
        return known_reads(reads[name]) if name in reads else None
    words = listed(reads, "reads", SettingsError, f"one of {', '.join(READS)}, or one for each pipeline")
    return None if index >= len(words) or words[index] is None else known_reads(words[index])


def _of_one_number_of_channels(sides: list[Side], given: list[Given]) -> list[Side]:
    """What serves any number of channels is taken with that of the others."""
    counts = {(side.channels_in, side.channels_out) for side in sides if not side.is_model}
    if len(counts) < 2:
        return sides
    for wanted in sorted({count for count, _ in counts}):
        try:
            again = [
                side if side.is_model or side.channels_in == wanted else side_of(replace(one, channels=wanted))
                for side, one in zip(sides, given, strict=True)
            ]
        except (PipelineError, ValueError):
            continue
        if len({(side.channels_in, side.channels_out) for side in again if not side.is_model}) == 1:
            return again
    return sides


def _pairs(sides: list[Side]) -> list[tuple[Side, Side]]:
    """The first with each other one; and each with each network that normalizes by itself."""
    prepare = [side for side in sides if not side.is_model]
    models = [side for side in sides if side.is_model]
    pairs = [(group[0], other) for group in (prepare, models) for other in group[1:]]
    return [*pairs, *((side, model) for side in prepare for model in models)]


def _pair(first: Side, second: Side, strict: bool) -> Pair:
    return Pair(first.name, second.name, judge(first, second, strict))


def _details(sides: Sequence[Side], pairs: Sequence[Pair]) -> dict[str, Any]:
    return {
        "sides": [
            {
                "name": side.name,
                "what": side.what,
                "matrix": side.map.matrix.tolist(),
                "offset": side.map.offset.tolist(),
                "dtype": side.dtype,
                "layout": side.layout,
                "called with": side.map.convention,
                "problems": list(side.map.problems),
            }
            for side in sides
        ],
        "pairs": [
            {
                "first": pair.first,
                "second": pair.second,
                "ok": pair.verdict.ok,
                "kind": pair.verdict.kind,
                "message": pair.verdict.message,
                "levels": pair.verdict.difference.levels if pair.verdict.difference else None,
                "units": pair.verdict.difference.units if pair.verdict.difference else None,
                "allowed": pair.verdict.difference.allowed if pair.verdict.difference else None,
            }
            for pair in pairs
        ],
    }
