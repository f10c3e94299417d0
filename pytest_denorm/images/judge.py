"""One image test judged: its image against its baseline, the verdict in words and in files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core.text import printable
from ..errors import BaselineError
from .baselines import Place, download, read_bytes, write_whole
from .comparison import Bytes, Difference, amplified, compare, side_by_side
from .digests import DIGESTS, Digest, digest_of, read_library
from .drawing import Drawing
from .options import ImageOptions
from .png import decode_png, encode_baseline, encode_result, is_lfs_pointer, pixels_of
from .thumbnails import thumbnail
from .tiles import name_tiles

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
        new_digests: what is to be put into the library of digests of a folder for this baseline.
    """

    status: str
    headline: str = ""
    lines: list[tuple[str, str]] = field(default_factory=list)
    advice: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    new_digests: dict[str, Digest] = field(default_factory=dict)

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
class Trial:
    """A test, as far as its judge needs to know it.

    Attributes:
        place: where its baseline is.
        options: of the session.
        results: the folder for images of failures, named `stem` and what they show.
        stem: the beginning of the names of these files.
        relative_to: the folder that paths in messages are relative to.
        command: the command that updates this test's baseline, for a value of ``--denorm-update``.
        selector: what selects the test on the command line.
        root: the project's folder, which links among baselines do not leave.
        expected_to_fail: whether a failure of this message is an xfail: the baseline is right then, and the image is
            not.
        redraw: draws once more, before a baseline is written; gives what is wrong, or "".
        twins: the baselines that no test uses any more and whose pixels are these.
    """

    place: Place
    options: ImageOptions
    results: Path
    stem: str
    relative_to: Path
    command: Callable[[str], str]
    selector: str = ""
    root: Path | None = None
    expected_to_fail: Callable[[str], bool] = lambda message: False
    redraw: Callable[[Bytes], str] = lambda pixels: ""
    twins: Callable[[Bytes], list[str]] = lambda pixels: []

    def shown(self, path: Path) -> str:
        """Return `path` as short as it is clear."""
        try:
            relative = os.path.relpath(path, self.relative_to)
        except ValueError:  # another drive
            return str(path)
        return str(path) if relative.startswith("..") else relative


@dataclass(frozen=True)
class _Stored:
    """A baseline as it was found.

    Attributes:
        folder: it lies in; that of the overlay if it is there.
        digest: what the library says, if it says anything.
        data: the PNG file, if there is one.
    """

    folder: Path
    digest: Digest | None = None
    data: bytes | None = None


def judge(trial: Trial, drawing: Drawing) -> Verdict:
    """Hold what was drawn against the baseline, or update the baseline, as the session asked."""
    stored: _Stored | None = None
    baseline: Bytes | None = None
    try:
        stored = _find(trial)
        verdict, baseline = _missing(trial, drawing), None
        if stored is not None:
            verdict, baseline = _against(trial, stored, drawing)
    except BaselineError as error:
        verdict = Verdict("unreadable", str(error), advice=_accept(trial) if _can_be_replaced(trial, stored) else "")
    if _wants_update(trial.options.update, verdict.status):
        verdict = _updated(trial, stored, verdict, drawing)
    verdict.facts["sha256"] = digest_of(drawing.pixels).sha256
    if baseline is not None and verdict.status == "different":
        verdict.facts["before"] = digest_of(baseline).sha256
    try:
        _keep_images(trial, verdict, baseline, drawing.pixels)
    except (BaselineError, OSError) as error:
        verdict.lines.append(("image", f"not written: {error}"))
    return verdict


def _find(trial: Trial) -> _Stored | None:
    """Return the baseline: of the overlay, else of the folder; None if there is none.

    Raises:
        BaselineError: a library of digests that cannot be read, or in which this entry is disputed.
    """
    place, wants_digest = trial.place, trial.options.baselines == "digests"
    if place.servers:
        return _Stored(place.folder, data=download(place))
    for folder in place.folders:
        data = read_bytes(folder / place.filename, trial.root)
        try:
            library = read_library(folder)
        except BaselineError:
            if wants_digest or data is None:
                raise
            return _Stored(folder, None, data)  # the library is not needed
        if place.filename in library.disputed and (wants_digest or data is None):
            path = trial.shown(folder / DIGESTS)
            raise BaselineError(f"{path} holds a merge conflict over {place.filename}: two branches changed it.")
        digest = library.entries.get(place.filename)
        if digest is not None or data is not None:
            return _Stored(folder, digest if wants_digest or data is None else None, data)
    return None


def _against(trial: Trial, stored: _Stored, drawing: Drawing) -> tuple[Verdict, Bytes | None]:
    """Return the verdict, and the baseline's pixels where there are any and they were needed."""
    path = stored.folder / trial.place.filename
    if stored.digest is not None:
        found = digest_of(drawing.pixels, drawing.tiles if stored.digest.tiles else ())
        if found.sha256 == stored.digest.sha256:
            return Verdict("equal"), None
        beside = _pixels_beside(stored, trial)
        if beside is None:
            return _different(trial, stored, _digests_differ(trial, stored, found)), None
        difference = compare(beside, drawing.pixels, drawing.tiles, drawing.normalization, drawing.texts)
        if difference is not None:
            return _different(trial, stored, difference), beside
        return _different(trial, stored, _digests_differ(trial, stored, found)), beside
    assert stored.data is not None
    what = f"the baseline {trial.place.servers[0] if trial.place.servers else ''}"
    pixels = decode_png(stored.data, f"{what}{trial.place.filename if trial.place.servers else trial.shown(path)}")
    difference = compare(pixels, drawing.pixels, drawing.tiles, drawing.normalization, drawing.texts)
    return (Verdict("equal") if difference is None else _different(trial, stored, difference)), pixels


def _pixels_beside(stored: _Stored, trial: Trial) -> Bytes | None:
    """Return the pixels of a PNG file beside the digest, if they are those of the digest."""
    if stored.data is None:
        return None
    try:
        pixels = decode_png(stored.data, trial.place.filename)
    except BaselineError:
        return None  # it is the digest that counts
    assert stored.digest is not None
    return pixels if digest_of(pixels).sha256 == stored.digest.sha256 else None


def _digests_differ(trial: Trial, stored: _Stored, found: Digest) -> Difference:
    assert stored.digest is not None
    library = trial.shown(stored.folder / DIGESTS)
    lines = [("expected", f"sha256 {stored.digest.sha256}"), ("found", f"sha256 {found.sha256}")]
    figures: dict[str, Any] = {"kind": "digest", "diagnosis": "another digest; the image of the baseline is not stored"}
    before, after = stored.digest.tiles, found.tiles
    if before and len(before) == len(after):
        other = [index for index, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
        named = name_tiles(other, len(after)) if other else "no tile, but the padding around them"
        lines.append(("tiles", f"{named} of {len(after)}"))
        figures["differing_tiles"] = len(other)
    elif before:
        lines.append(("tiles", f"{len(before)} in the baseline, {max(len(after), 1)} in the result"))
    return Difference(f"the pixels are not those of {trial.place.filename} in {library}", tuple(lines), figures)


def _missing(trial: Trial, drawing: Drawing) -> Verdict:
    place = trial.place
    twins = trial.twins(drawing.pixels) if trial.options.update != "all" else []
    verdict = Verdict(
        "missing",
        f"there is no baseline {trial.shown(place.path)} yet.",
        advice=f"To make it (look at it before you commit it):\n    {trial.command('missing')}",
    )
    if twins:
        verdict.facts["twins"] = twins
        verdict.lines.append(("renamed?", f"the pixels are those of {', '.join(twins)}, which no collected test uses"))
        verdict.advice = f"If the test was renamed:\n    git mv {twins[0]} {trial.shown(place.path)}\n" + verdict.advice
    return verdict


def _different(trial: Trial, stored: _Stored, difference: Difference) -> Verdict:
    place = trial.place
    where = f"{place.servers[0]}{place.filename}" if place.servers else trial.shown(stored.folder / place.filename)
    advice = "The baseline is on a server: replace it there." if place.servers else _accept(trial)
    lines = [("baseline", where), *difference.lines]
    return Verdict("different", f"{difference.headline}.", lines, advice, dict(difference.figures))


def _accept(trial: Trial) -> str:
    return f"To accept the new image:\n    {trial.command('failed')}"


def _can_be_replaced(trial: Trial, stored: _Stored | None) -> bool:
    """Return whether an update writes over what cannot be read: not over a pointer, whose image is elsewhere."""
    if trial.place.servers or (stored is not None and stored.data is not None and is_lfs_pointer(stored.data)):
        return False
    try:
        for folder in trial.place.folders:
            read_library(folder)
    except BaselineError:
        return False
    return True


def _wants_update(update: str, status: str) -> bool:
    failed = ("missing", "different", "unreadable")
    wanted = {"": (), "missing": ("missing",), "failed": failed, "all": (*failed, "equal")}
    return status in wanted[update]


def _updated(trial: Trial, stored: _Stored | None, verdict: Verdict, drawing: Drawing) -> Verdict:
    """Write the baseline unless there is a reason not to, which is told then."""
    if trial.options.update != "all" and trial.expected_to_fail(verdict.message):
        if _can_be_replaced(trial, stored):  # else no command writes it
            verdict.facts["kept"] = trial.selector
        return verdict
    if not _can_be_replaced(trial, stored):
        return verdict
    if verdict.status != "equal":
        trouble = trial.redraw(drawing.pixels)
        if trouble:
            verdict.lines.append(("not written", trouble))
            verdict.facts["kind"] = "flaky"
            return verdict
    return _write(trial, stored, verdict, drawing)


def _write(trial: Trial, stored: _Stored | None, verdict: Verdict, drawing: Drawing) -> Verdict:
    """Write the baseline in the form that is asked for, and in the other if that is there.

    With an overlay, an image that differs from the baseline below it goes there; a new one goes below.
    """
    place = trial.place
    folder = place.folder if stored is None else stored.folder if verdict.status == "equal" else place.folders[0]
    path = folder / place.filename
    written: list[str] = []
    try:
        library = read_library(folder)
        known = place.filename in library.entries or place.filename in library.disputed
        if trial.options.baselines == "digests" or known:
            new = digest_of(drawing.pixels, drawing.tiles)
            if verdict.status != "equal" or library.entries.get(place.filename) != new:
                verdict.new_digests[str(folder)] = new
                written.append(f"{trial.shown(path.parent / DIGESTS)} ({place.filename})")
        found = None if path.is_symlink() else pixels_of(path)  # an optimizer may have left other bytes
        is_there = found is not None and np.array_equal(found, drawing.pixels)
        if (trial.options.baselines == "images" or path.is_file()) and not is_there:
            write_whole(path, encode_baseline(drawing.pixels))
            written.append(trial.shown(path))
    except BaselineError as error:
        return Verdict("unreadable", str(error))
    if written:
        if verdict.status == "missing":
            verdict.facts["was_missing"] = True
        verdict.status = "updated"
        verdict.facts["written"] = ", ".join(written)
    return verdict


def _keep_images(trial: Trial, verdict: Verdict, baseline: Bytes | None, pixels: Bytes) -> None:
    """Write what a person wants to see of a failure or of an update, and a thumbnail of what passed for the page."""
    kinds = {"result": "png", "baseline": "png", "comparison": "png", "thumbnail": "jpg"}
    paths = {kind: trial.results / f"{trial.stem}-{kind}.{end}" for kind, end in kinds.items()}
    images: dict[str, bytes] = {}
    if verdict.failed or (verdict.status == "updated" and (baseline is not None or trial.options.report)):
        images["result"] = encode_result(pixels)
    elif trial.options.report:
        images["thumbnail"] = thumbnail(pixels)
    if baseline is not None and (verdict.status == "different" or "differing_pixels" in verdict.facts):
        difference, factor = amplified(baseline, pixels)
        images |= {"comparison": side_by_side(baseline, pixels, difference), "baseline": encode_result(baseline)}
        panels = f"(baseline | result | difference x {factor})"
        verdict.lines.append(("image", f"{trial.shown(paths['comparison'])} {panels}"))
        verdict.facts["amplified"] = factor
    elif verdict.failed:
        verdict.lines.append(("image", f"{trial.shown(paths['result'])} (result)"))
    for kind, path in paths.items():
        if kind in images:
            write_whole(path, images[kind])
            verdict.facts[f"{kind}_picture"] = str(path)
        else:
            path.unlink(missing_ok=True)  # of an earlier run
