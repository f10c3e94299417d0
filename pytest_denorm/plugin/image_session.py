"""What a session says of its image tests in the end: the counts, unused baselines, the manifest and the review page."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ..core.files import write_whole
from ..core.text import count_of, printable
from ..errors import BaselineError
from ..images import orphans
from ..images.digests import parse_digest, write_digests
from ..images.manifest import NAME, known_baselines, result_of, write_manifest
from ..images.options import ImageOptions
from .github import annotate, is_on_github, summarize
from .image_collection import Collection
from .update_command import update_command

__all__ = ["SessionEnd"]


class SessionEnd:
    """What was reported of the tests of a session, and what is made of it.

    Attributes:
        facts: what the report of each image test says, without the prefix ``denorm_``, by node id.
        messages: what failed tests said.
        checks: the outcomes of checks of pipelines.
        trips: the facts of round trips that failed and were drawn.
        digests: what is to be put into the libraries of digests: folder, file name, JSON of a digest.
        runs_tests: not with --collect-only, --fixtures and the like.
        is_temporary: whether the folder of results is removed when it is empty.
    """

    def __init__(
        self,
        config: pytest.Config,
        options: ImageOptions,
        collection: Collection,
        results: Callable[[], Path],
        given: Callable[[], tuple[str, ...]],
    ) -> None:
        self.config = config
        self.options = options
        self.collection = collection
        self._results, self._given = results, given
        self.facts: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, str] = {}
        self.checks: dict[str, str] = {}
        self.trips: dict[str, dict[str, Any]] = {}
        self.digests: dict[str, dict[str, Any]] = {}
        self.notes: list[str] = []
        self.runs_tests = False
        self.is_temporary = False

    def note(self, report: pytest.TestReport) -> None:
        """Take in the report of one phase of a test."""
        if report.when == "teardown":
            return
        for noted in (self.facts, self.messages, self.checks, self.trips):
            noted.pop(report.nodeid, None)  # of a run before this one
        said = [pair for pair in report.user_properties if pair[0].startswith("denorm_")]
        facts = {name.removeprefix("denorm_"): value for name, value in said}
        if "round_trip_picture" in facts:
            self.trips[report.nodeid] = facts
            self.messages[report.nodeid] = str(report.longrepr)
        if "image" in facts:
            facts["is_expected"] = hasattr(report, "wasxfail") and report.skipped
            self.facts[report.nodeid] = facts
            self.messages[report.nodeid] = str(report.longrepr) if report.failed else ""
        elif "check" in facts:
            self.checks[report.nodeid] = str(facts["check"])

    def images_of(self, facts: Mapping[str, Any]) -> dict[str, bytes]:
        """Return the PNG files that were written of a test, and the difference of the two, amplified."""
        from ..images.comparison import amplified
        from ..images.png import decode_png, encode_result

        found: dict[str, bytes] = {}
        for kind in ("result", "baseline"):
            with suppress(OSError):
                found[kind] = Path(str(facts.get(f"{kind}_picture", ""))).read_bytes()
        if len(found) == 2:
            pixels = [decode_png(found[kind], kind) for kind in ("baseline", "result")]
            found["difference"] = encode_result(amplified(*pixels)[0])
        return found

    def finish(self, session: pytest.Session) -> None:
        try:
            for folder, changes in self.digests.items():
                write_digests(Path(folder), {name: parse_digest(value) for name, value in changes.items()})
            self._refuse_two_images_for_one_baseline(session)
            gap = self.collection.gap_in(self.config, session.exitstatus)
            if self.options.unused:
                self._deal_with_unused(session, gap)
            elif not gap:
                self._say_orphans_beside_new_baselines()
            if self.facts:
                self._write_manifest()
            if self.options.report:
                self._write_page(Path(self.options.report))
        except BaselineError as error:
            self._fail(session, str(error))

    def _refuse_two_images_for_one_baseline(self, session: pytest.Session) -> None:
        written = {facts["target"] for facts in self.facts.values() if facts["image"] == "updated"}
        for name in sorted(written):
            same = [facts for facts in self.facts.values() if facts.get("target") == name]
            images = {facts["sha256"] for facts in same if facts["image"] in ("equal", "updated")}
            if len(images) > 1:
                self._fail(session, f"{name} is shared by tests that draw {len(images)} different images")

    # baselines without a test

    def _deal_with_unused(self, session: pytest.Session, gap: str) -> None:
        if gap:
            self.notes.append(f"unused baselines were not looked for: {gap}.")
            return
        found = self._orphans()
        known = [one for one in found if one.is_known]
        others = [one for one in found if not one.is_known]
        if known:
            self._deal_with_known(session, self.options.unused, known)
        if others:
            self.notes.append(
                f"{len(others)} left alone, no collected test compares with them, but pytest-denorm did not write "
                f"them: {self._shown(others)}"
            )

    def _orphans(self) -> list[orphans.Orphan]:
        root = self.config.rootpath
        base = root / self.options.baseline_dir
        more = [Path(os.path.abspath(one)) for one in (base, base / self.options.overlay)]
        known = [root / name for name in known_baselines(self._results())]
        return self.collection.orphans(more, known)

    def _deal_with_known(self, session: pytest.Session, wish: str, known: list[orphans.Orphan]) -> None:
        shown = self._shown(known)
        if wish == "delete" and not self.runs_tests:
            self.notes.append(f"would delete {len(known)} unused, but no test was to run: {shown}")
            return
        if wish == "delete":
            orphans.delete(known)
            self.notes.append(f"deleted {len(known)} unused: {shown}")
            return
        note = f"{len(known)} unused, no collected test compares with them: {shown}"
        advice = "delete them with --denorm-unused=delete"
        if wish == "fail":
            self._fail(session, f"{note}; {advice}")
        else:
            self.notes.append(f"{note}; {advice}")

    def _say_orphans_beside_new_baselines(self) -> None:
        """Say that a baseline which was just written may be the image of a test that was renamed, and has changed."""
        new = [one for one in self.facts.values() if one["image"] == "updated" and "was_missing" in one]
        if not all("twins" in one for one in new):
            found = [one for one in self._orphans() if one.is_known]
            if found:
                self.notes.append(
                    f"{count_of(len(found), 'baseline')} that no test uses beside those just written: "
                    f"{self._shown(found)}. If a test was renamed, compare its new baseline with the old one."
                )

    def _shown(self, found: Iterable[orphans.Orphan]) -> str:
        return ", ".join(one.shown(self.config.rootpath) for one in found)

    # files

    def _write_manifest(self) -> None:
        folder, root = self._results(), self.config.rootpath
        results = [result_of(nodeid, facts, self.messages[nodeid]) for nodeid, facts in self.facts.items()]
        if self.is_temporary and not any(one.images for one in results):
            return
        try:
            write_manifest(folder, results, root)
        except BaselineError as error:
            self.notes.append(f"{NAME} was not written: {error}")
            return
        failed = [one for one in results if one.verdict in ("different", "missing", "unreadable")]
        if any(one.images for one in failed):
            shown = os.path.relpath(folder, self.config.invocation_params.dir)
            self.notes.append(
                f"to accept what was reviewed: pytest-denorm accept {shown if len(shown) < 99 else folder}"
            )
        if is_on_github():
            self.notes += annotate(failed)
            summarize(results)

    def _write_page(self, path: Path) -> None:
        from ..images.page import CheckRow, render

        checks = []
        for nodeid, said in self.checks.items():
            pipeline, _, name = nodeid.rpartition("::")
            status, _, message = said.partition(": ")
            checks.append(CheckRow(pipeline, name, status, message))
        images = [result_of(nodeid, facts, self.messages[nodeid]) for nodeid, facts in self.facts.items()]
        trips = [
            (nodeid, self.messages[nodeid], str(facts["round_trip_picture"])) for nodeid, facts in self.trips.items()
        ]
        page = render(checks, images, trips, root=self.config.rootpath, results=self._results(), page=path)
        write_whole(path, page.encode())
        self.notes.append(f"review page: {path}")

    def _fail(self, session: pytest.Session, note: str) -> None:
        self.notes.append(f"ERROR: {note}")
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    # the terminal

    def write_summary(self, terminal: pytest.TerminalReporter) -> None:
        lines = [*self._counts(), *self.notes]
        if not lines:
            return
        terminal.section("image baselines")
        for line in lines:
            loud = line.startswith("ERROR") or " not compared: " in line
            terminal.write_line(printable(line), red=loud, bold=loud)

    def _counts(self) -> Iterator[str]:
        every = [*self.facts.values()]
        statuses = [facts["image"] for facts in every]
        if not statuses:
            return
        different = statuses.count("different")
        compared = f"{statuses.count('equal') + different} compared" + (
            f" ({different} different)" if different else ""
        )
        others = [f"{statuses.count(name)} {name}" for name in ("updated", "missing", "not compared")]
        rare = [
            f"{statuses.count(name)} {name}"
            for name in ("unreadable", "no figure", "compared by hash")
            if name in statuses
        ]
        yield ", ".join([compared, *others, *rare])
        yield from (f"wrote {path}" for path in sorted(facts["written"] for facts in every if "written" in facts))
        for facts in every:
            if "twins" in facts and facts["image"] == "updated":
                new, old = facts["target"], facts["twins"][0]
                yield (
                    f"{new} has the pixels of {old}, which no collected test uses. If the test was renamed: "
                    f"git mv -f {old} {new}"
                )
        kept = sorted(facts["kept"] for facts in every if "kept" in facts)
        if kept:
            command = update_command(self._given(), kept, "all")
            yield f"{len(kept)} not written, expected to fail (xfail). To write those as well: {command}"
        for name, words in (("reason", "not compared"), ("unused", "compared exactly, without effect")):
            said = [facts[name] for facts in every if name in facts]
            yield from (f"{said.count(one)} {words}: {one}" for one in sorted(set(said)))
