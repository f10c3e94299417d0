"""One image test judged: its figure against its baseline, the verdict in words and in files."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core.files import write_whole
from ..core.text import printable
from ..errors import BaselineError, ImageError
from .baselines import DIGESTS, decode, digest, read_bytes, read_digests
from .comparison import Bytes, Difference, amplified, compare, side_by_side
from .decoding import refuse_size
from .grid_figure import GridFigure
from .options import ImageOptions
from .plan import Plan
from .png import encode_png
from .update_command import update_command

#: What fails an image test; it may also be equal, updated, not compared, or compared by hash.
FAILING = ("different", "missing", "unreadable", "no figure")


@dataclass
class Verdict:
    """What came of an image test.

    Attributes:
        status: one of FAILING, or ``equal``, ``updated``, ``not compared``, ``compared by hash``.
        headline: why it failed, in one sentence; empty if it did not.
        lines: (label, text) with the particulars.
        advice: what to do about it.
        facts: JSON-safe, for reports: numbers, and the paths of files that were written.
        new_digest: what is to be put into the library of digests for this baseline.
    """

    status: str
    headline: str = ""
    lines: list[tuple[str, str]] = field(default_factory=list)
    advice: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    new_digest: str | None = None

    @property
    def failed(self) -> bool:
        return self.status in FAILING

    @property
    def message(self) -> str:
        """All of it, for the terminal."""
        width = max((len(label) for label, _ in self.lines), default=0) + 1
        particulars = [f"  {label + ':':<{width}} {text}" for label, text in self.lines]
        return printable("\n".join([self.headline, *particulars, *([self.advice] if self.advice else [])]))


@dataclass(frozen=True)
class Case:
    """A test, as far as its judge needs to know it.

    Attributes:
        plan: where its baseline is.
        selector: what selects it on the command line, from the folder pytest was called in.
        options: of the session.
        results: the folder for pictures of failures, named `stem` and what they show.
        relative_to: the folder that paths in messages are relative to.
        extra_arguments: what the command that updates must repeat.
        root: the project's folder, which links among baselines do not leave.
        expected_to_fail: whether a failure of this message is an xfail: the baseline is right then, and the picture is
            not.
    """

    plan: Plan
    selector: str
    options: ImageOptions
    results: Path
    stem: str
    relative_to: Path
    extra_arguments: tuple[str, ...] = ()
    root: Path | None = None
    expected_to_fail: Callable[[str], bool] = lambda message: False

    def shown(self, path: Path) -> str:
        """`path` as short as it is clear."""
        try:
            relative = os.path.relpath(path, self.relative_to)
        except ValueError:  # another drive
            return str(path)
        return str(path) if relative.startswith("..") else relative

    def command(self, update: str) -> str:
        return update_command(self.extra_arguments, [self.selector], update)


def judge(case: Case, pixels: Bytes, figure: Any) -> Verdict:
    """Hold what was drawn against the baseline, or update the baseline, as the session asked.

    Args:
        case: the test.
        pixels: what the figure's PNG shows, uint8 (H, W, 3).
        figure: the figure, for its tiles and its Normalization.
    """
    baseline: Bytes | None = None
    try:
        stored = _stored(case)
        baseline = stored if isinstance(stored, np.ndarray) else None
        if stored is None:
            verdict = _missing(case)
        elif isinstance(stored, str):
            verdict = _against_digest(case, stored, pixels)
        else:
            tiles, normalization = getattr(figure, "tiles", ()), getattr(figure, "normalization", None)
            difference = compare(stored, pixels, tiles, normalization)
            verdict = Verdict("equal") if difference is None else _different(case, difference)
    except BaselineError as error:
        verdict = Verdict("unreadable", str(error), advice=_accept(case) if _has_digests(case) else "")
    if _wants_update(case.options.update, verdict.status):
        if case.options.update != "all" and case.expected_to_fail(verdict.message):
            if _has_digests(case):  # else no command writes it
                verdict.facts["kept"] = case.selector
        else:
            verdict = _update(case, pixels)
    try:
        _keep_pictures(case, verdict, baseline, pixels)
    except (BaselineError, OSError) as error:
        verdict.lines.append(("picture", f"not written: {error}"))
    return verdict


def _stored(case: Case) -> Bytes | str | None:
    """The baseline: pixels, a digest, or None if there is none."""
    kinds = {"images": (_stored_picture, _stored_digest), "digests": (_stored_digest, _stored_picture)}
    for kind in kinds[case.options.baselines]:
        found = kind(case)
        if found is not None:
            return found
    return None


def _stored_picture(case: Case) -> Bytes | None:
    data = read_bytes(case.plan.path, case.root)
    return None if data is None else decode(data, f"the baseline {case.shown(case.plan.path)}")


def _stored_digest(case: Case) -> str | None:
    return read_digests(case.plan.folder).get(case.plan.filename)


def _has_digests(case: Case) -> bool:
    """Whether the library of digests, if there is one, can be read, as it has to be for an update."""
    try:
        read_digests(case.plan.folder)
    except BaselineError:
        return False
    return True


def _missing(case: Case) -> Verdict:
    return Verdict(
        "missing",
        f"there is no baseline {case.shown(case.plan.path)} yet.",
        advice=f"To make it (look at it before you commit it):\n    {case.command('missing')}",
    )


def _against_digest(case: Case, stored: str, pixels: Bytes) -> Verdict:
    found = digest(pixels)
    if found == stored:
        return Verdict("equal")
    library = case.shown(case.plan.folder / DIGESTS)
    lines = (("expected", f"sha256 {stored}"), ("found", f"sha256 {found}"))
    difference = Difference(f"the pixels are not those of {case.plan.filename} in {library}", lines)
    return _different(case, difference)


def _different(case: Case, difference: Difference) -> Verdict:
    lines = [("baseline", case.shown(case.plan.path)), *difference.lines]
    return Verdict("different", f"{difference.headline}.", lines, _accept(case), dict(difference.figures))


def _accept(case: Case) -> str:
    return f"To accept the new picture:\n    {case.command('failed')}"


def _wants_update(update: str, status: str) -> bool:
    failed = ("missing", "different", "unreadable")
    wanted = {"": (), "missing": ("missing",), "failed": failed, "all": (*failed, "equal")}
    return status in wanted[update]


def _update(case: Case, pixels: Bytes) -> Verdict:
    """Write the baseline in the form that is asked for, and in the other if that is there."""
    path = case.plan.path
    written: list[str] = []
    verdict = Verdict("equal")
    try:
        library = read_digests(case.plan.folder)
        if case.options.baselines == "digests" or case.plan.filename in library:
            new = digest(pixels)
            if library.get(case.plan.filename) != new:
                verdict.new_digest = new
                written.append(f"{case.shown(path.parent / DIGESTS)} ({case.plan.filename})")
        if case.options.baselines == "images" or path.is_file():
            data = encode_png(pixels)
            if not _holds(path, data):
                write_whole(path, data)
                written.append(case.shown(path))
    except BaselineError as error:
        return Verdict("unreadable", str(error))
    if written:
        verdict.status = "updated"
        verdict.facts["written"] = ", ".join(written)
    return verdict


def _holds(path: Path, data: bytes) -> bool:
    try:
        return read_bytes(path) == data
    except BaselineError:
        return False


def _keep_pictures(case: Case, verdict: Verdict, baseline: Bytes | None, pixels: Bytes) -> None:
    """Write what a person wants to see of a failure, and of every test if there is to be a review page."""
    kinds = ("result", "baseline", "difference", "comparison")
    paths = {kind: case.results / f"{case.stem}-{kind}.png" for kind in kinds}
    pictures: dict[str, bytes] = {}
    review = bool(case.options.report)
    shown: list[tuple[str, str]] = []
    if verdict.failed or review:
        pictures["result"] = encode_png(pixels)
    if baseline is not None and verdict.status == "different":
        difference, factor = amplified(baseline, pixels)
        pictures["comparison"] = side_by_side(baseline, pixels, difference)
        panels = f"(baseline | result | difference x {factor})"
        shown.append(("picture", f"{case.shown(paths['comparison'])} {panels}"))
        verdict.facts["amplified"] = factor
        if review:
            pictures |= {"baseline": encode_png(baseline), "difference": encode_png(difference)}
    elif verdict.failed:
        shown.append(("picture", f"{case.shown(paths['result'])} (result)"))
    for kind, path in paths.items():
        if kind in pictures:
            write_whole(path, pictures[kind])
            verdict.facts[f"{kind}_picture"] = str(path)
        else:
            path.unlink(missing_ok=True)  # of an earlier run
    verdict.lines += shown  # which are there now


def pixels_of(figure: Any, kwargs: Mapping[str, Any]) -> Bytes:
    """What the PNG of a figure shows, saved as the mark asks.

    Raises:
        BaselineError: a figure that is not opaque, or larger than a baseline may be.
    """
    if isinstance(figure, GridFigure):
        height, width = figure.pixels.shape[:2]
        try:
            refuse_size(width, height, "the grid")
        except ImageError as error:
            raise BaselineError(str(error)) from None
        return figure.rendered()
    if kwargs.get("remove_text"):
        from matplotlib.testing.decorators import remove_ticks_and_titles

        remove_ticks_and_titles(figure)
    file = io.BytesIO()
    figure.savefig(file, **{"format": "png", **kwargs.get("savefig_kwargs", {})})
    return decode(file.getvalue(), "the figure")
