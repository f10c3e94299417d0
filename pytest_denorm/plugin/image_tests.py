"""Image tests as pytest sees them: planned at collection, judged after the call, counted at the end.

pytest-mpl goes on doing what it is asked to do. This plugin looks at the figure first, so that a baseline which it
writes is there when pytest-mpl looks for it, and has the last word, so that a difference below pytest-mpl's tolerance
fails.
"""

from __future__ import annotations

import base64
import functools
import importlib
import inspect
import json
import os
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..core.files import write_whole
from ..core.text import printable
from ..errors import BaselineError, DenormError, SettingsError
from ..images import unused
from ..images.baselines import write_digests
from ..images.conditions import backend_of, style_of
from ..images.names import legal_stem, result_stem
from ..images.options import ImageOptions
from ..images.plan import PLAN, Plan, has_pytest_mpl, image_mark, mpl_setting, plan_items, uses_hash_library
from ..images.update_command import given_words, update_command
from . import settings

if TYPE_CHECKING:
    from ..images.judge import Verdict

NAME = "denorm-images"

#: What xdist brings from a worker to its controller.
_WORKER_DATA = "denorm_images"


def start(config: pytest.Config) -> ImageTests:
    """The plugin that looks after image tests, registered when it is first needed."""
    plugin: ImageTests | None = config.pluginmanager.get_plugin(NAME)
    if plugin is None:
        values = {field.name: settings.get(config, f"denorm_{field.name}") for field in fields(ImageOptions)}
        plugin = ImageTests(config, ImageOptions(**values))
        config.pluginmanager.register(plugin, NAME)
    return plugin


class ImageTests:
    """Hooks of a session that has image tests."""

    def __init__(self, config: pytest.Config, options: ImageOptions) -> None:
        try:
            options.refuse_in_ci()
            options.refuse_paths(config.rootpath)
        except SettingsError as error:
            raise pytest.UsageError(str(error)) from None
        self.config = config
        self.options = options
        self.is_worker = hasattr(config, "workerinput")
        # from the reports, by nodeid
        self.facts: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, str] = {}
        self.checks: dict[str, str] = {}
        self.trips: dict[str, dict[str, Any]] = {}  # that failed, and were drawn
        self.collection = unused.Collection()
        self.digests: dict[str, dict[str, str]] = {}  # folder, file name, digest
        self.notes: list[str] = []
        self.refusal = ""
        self.runs_tests = False  # not with --collect-only, --fixtures and the like

    # collection

    def plan(self, items: list[pytest.Item]) -> None:
        """Called with all collected items, before any is deselected."""
        try:
            plan_items(items, self.config, self.options)
        except pytest.UsageError as error:
            if not self.is_worker:
                raise
            self.refusal = str(error)
            items.clear()  # a worker that was gone when it is sent its tests would be xdist's error
        self.collection.note_items(items)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self.collection.note_deselected(items)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        self.collection.note_report(collector, report)
        return report

    # running

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        dry = ("collectonly", "setuponly", "setupplan")
        self.runs_tests = not any(self.config.getoption(option, False) for option in dry)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """What is said of an item is of this run, not of one before it."""
        item.user_properties[:] = [pair for pair in item.user_properties if not pair[0].startswith("denorm_")]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: Any) -> Generator[None, Any, Any]:
        plan = item.stash.get(PLAN, None)
        if plan is None:
            return (yield)
        if not has_pytest_mpl(self.config):
            if plan.exact:
                pytest.fail(
                    "image_compare is pytest-mpl's mark, and pytest-mpl is not active in this session: "
                    "remove -p no:pytest_mpl, or set PYTEST_PLUGINS=pytest_mpl.plugin where plugin autoload is off.",
                    pytrace=False,
                )
            return (yield)
        verdicts: list[Verdict] = []
        theirs: BaseException | None = None  # pytest-mpl's, or the test's own
        result = None
        with _watched(item, lambda figure: self._judge(item, plan, figure), verdicts), self._conditions(item, plan):
            try:
                result = yield
            except BaseException as error:
                theirs = error
        if verdicts:
            self._record(item, plan, verdicts[0])
            if verdicts[0].failed:
                pytest.fail(verdicts[0].message, pytrace=False)
        if theirs is not None and not (verdicts and self._overrules(item, plan, verdicts[0], theirs)):
            raise theirs
        return result

    def _overrules(self, item: pytest.Item, plan: Plan, verdict: Verdict, theirs: BaseException) -> bool:
        """Whether a picture that is equal to its digest passes, though pytest-mpl has found no file to compare with."""
        mark = image_mark(item)
        if verdict.status not in ("equal", "updated") or mark is None or not isinstance(theirs, pytest.fail.Exception):
            return False
        if uses_hash_library(mark, self.config):
            said = (
                "The pixels are those of the baseline: what pytest-mpl's hash tells apart is the encoding of the file."
            )
            item.add_report_section("call", "pytest-denorm", said)
            return False
        return not plan.path.exists()

    @contextmanager
    def _conditions(self, item: pytest.Item, plan: Plan) -> Iterator[None]:
        """What pytest-mpl draws with: the style in sessions where it does not set it itself, a backend that is named.

        That is put back also where the test fails, and one that does not work fails the test in words.
        """
        mark = image_mark(item)
        if not plan.exact or mark is None:
            yield
            return
        default = mpl_setting(self.config, "mpl-default-backend")
        source = "the backend of image_compare" if "backend" in mark.kwargs else "mpl-default-backend"
        with ExitStack() as conditions:
            if not self._pytest_mpl_acts():
                default_style = mpl_setting(self.config, "mpl-default-style") or "classic"
                conditions.enter_context(style_of(mark.kwargs.get("style", default_style)))
            try:
                conditions.enter_context(backend_of(mark.kwargs.get("backend", default), source))
            except SettingsError as error:
                pytest.fail(str(error), pytrace=False)
            yield

    def _pytest_mpl_acts(self) -> bool:
        options = ("--mpl", "--mpl-generate-path", "--mpl-generate-hash-library")
        return any(self.config.getoption(option) for option in options)

    def _judge(self, item: pytest.Item, plan: Plan, figure: Any) -> Verdict | None:
        """The verdict on what a test returned; None where that is pytest-mpl's business alone."""
        from ..images.judge import Verdict, judge, pixels_of

        if not plan.exact and not _is_grid(figure):
            return None
        if not hasattr(figure, "savefig"):
            return Verdict("no figure", _no_figure(figure))
        mark = image_mark(item)
        assert mark is not None
        reason = self._reason_not_to_compare()
        if reason:
            return Verdict("not compared", facts={"reason": reason})
        case = self._case(item, plan)
        try:
            pixels = pixels_of(figure, mark.kwargs)
        except BaselineError as error:
            return Verdict("no figure", str(error))
        verdict = judge(case, pixels, figure)
        if verdict.status == "missing" and uses_hash_library(mark, self.config):
            return Verdict("compared by hash")  # by pytest-mpl, from its own library
        return verdict

    def _reason_not_to_compare(self) -> str:
        if self.config.getoption("--mpl-generate-path"):
            return "pytest-mpl was told to generate baselines."
        if self.options.compare == "never":
            return "denorm_compare is never. To compare: pytest --denorm-compare=always"
        if self.options.compare == "mpl" and not self.config.getoption("--mpl"):
            return "denorm_compare is mpl, and --mpl was not given. To compare: pytest --mpl"
        return ""

    def _case(self, item: pytest.Item, plan: Plan) -> Any:
        from ..images.judge import Case

        here = self.config.invocation_params.dir
        _, colons, rest = item.nodeid.partition("::")
        try:
            file = os.path.relpath(item.path, here)
        except ValueError:  # another drive
            file = str(item.path)
        return Case(
            plan=plan,
            selector=f"{file}{colons}{rest}",
            options=self.options,
            results=self.results,
            stem=result_stem(item.nodeid),
            relative_to=here,
            extra_arguments=self._given,
            expected_to_fail=functools.partial(_is_expected_to_fail, item),
            root=self.config.rootpath,
        )

    @functools.cached_property
    def _given(self) -> tuple[str, ...]:
        """What a command must repeat."""
        return given_words(self.config, mpl=self.options.compare == "mpl")

    @functools.cached_property
    def results(self) -> Path:
        """Where pictures of failures are written."""
        if self.options.results:
            return self.config.rootpath / self.options.results
        cache: pytest.Cache | None = getattr(self.config, "cache", None)
        if cache is not None:
            with suppress(OSError):  # the project's folder may be read-only
                return cache.mkdir("denorm")
        folder = Path(tempfile.mkdtemp(prefix="pytest-denorm-"))
        self.config.add_cleanup(lambda: None if any(folder.iterdir()) else folder.rmdir())
        return folder

    def _record(self, item: pytest.Item, plan: Plan, verdict: Verdict) -> None:
        baseline = os.path.relpath(plan.path, self.config.rootpath)
        facts = {"image": verdict.status, "baseline": baseline, **verdict.facts}
        item.user_properties += [(f"denorm_{name}", value) for name, value in facts.items()]
        if verdict.new_digest is not None:
            self.digests.setdefault(str(plan.folder), {})[plan.filename] = verdict.new_digest

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        outcome = getattr(_parameters(item).get("denorm_check"), "outcome", None)  # of parametrize_with_checks
        if outcome is not None and not any(name == "denorm_check" for name, _ in item.user_properties):
            item.user_properties.append(("denorm_check", f"{outcome.status}: {outcome.message}"))
        report = yield
        if report.failed and report.when != "teardown" and call.excinfo is not None:
            self._note_without_outcome(item, report, call.excinfo)
        if report.when == "call" and self.config.pluginmanager.hasplugin("html"):
            extras: Any = importlib.import_module("pytest_html.extras")
            pictures = _pictures(dict(report.user_properties), ("comparison", "result"))
            added = [extras.png(base64.b64encode(data).decode(), name=kind) for kind, data in [*pictures.items()][:1]]
            vars(report)["extras"] = [*getattr(report, "extras", []), *added]
        return report

    def _note_without_outcome(
        self, item: pytest.Item, report: pytest.TestReport, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> None:
        """A test that raised before there was a figure or an outcome is one that failed, not one that there is not."""
        known = {name for name, _ in report.user_properties}
        plan = item.stash.get(PLAN, None)
        if plan is not None and plan.exact and "denorm_image" not in known:
            report.user_properties.append(("denorm_image", "no figure"))
        is_check = "denorm_check" in _parameters(item) or _is_of(item, "pytest_denorm.plugin.collection", "_CheckItem")
        if is_check and "denorm_check" not in known:
            why = str(excinfo.value) if isinstance(excinfo.value, DenormError) else excinfo.exconly()
            report.user_properties.append(("denorm_check", f"failed: {why}"))

    # the end

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            return
        for noted in (self.facts, self.messages, self.checks, self.trips):
            noted.pop(report.nodeid, None)  # of a run before this one
        facts = {name: value for name, value in report.user_properties if name.startswith("denorm_")}
        if "denorm_round_trip_picture" in facts:
            self.trips[report.nodeid] = facts
            self.messages[report.nodeid] = str(report.longrepr)
        if "denorm_image" in facts:
            self.facts[report.nodeid] = facts
            self.messages[report.nodeid] = str(report.longrepr) if report.failed else ""
        elif "denorm_check" in facts:
            self.checks[report.nodeid] = str(facts["denorm_check"])

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        data = getattr(node, "workeroutput", {}).get(_WORKER_DATA)
        if data is None:
            self.collection.note_gap("a worker was lost")
            return
        received = json.loads(data)
        if received["refusal"]:  # xdist brings no error of a worker's collection: it is raised again here
            raise pytest.UsageError(received["refusal"])
        self.collection.merge(received["collection"])
        for folder, changes in received["digests"].items():
            self.digests.setdefault(folder, {}).update(changes)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.is_worker:
            data = {"collection": self.collection.to_dict(), "digests": self.digests, "refusal": self.refusal}
            self.config.workeroutput[_WORKER_DATA] = json.dumps(data)  # type: ignore[attr-defined]
            return
        try:
            for folder, changes in self.digests.items():
                write_digests(Path(folder), changes)
            if self.options.unused:
                self._deal_with_unused(session, self.options.unused)
            if self.options.report:
                self._write_page(Path(self.options.report))
        except BaselineError as error:
            self._fail(session, str(error))

    def _deal_with_unused(self, session: pytest.Session, wish: str) -> None:
        gap = self.collection.gap_in(self.config, session.exitstatus)
        if gap:
            self.notes.append(f"unused baselines were not looked for: {gap}.")
            return
        found = self.collection.unused(self.config.rootpath / self.options.baseline_dir)
        known = [entry for entry in found if entry.is_known]
        others = [entry for entry in found if entry not in known]
        if known:
            self._deal_with_known(session, wish, known)
        if others:
            self.notes.append(
                f"{len(others)} left alone, no collected test compares with them, but pytest-denorm did not write "
                f"them: {self._shown(others)}"
            )

    def _deal_with_known(self, session: pytest.Session, wish: str, known: list[unused.Entry]) -> None:
        shown = self._shown(known)
        if wish == "delete" and not self.runs_tests:
            self.notes.append(f"would delete {len(known)} unused, but no test was to run: {shown}")
            return
        if wish == "delete":
            unused.delete(known)
            self.notes.append(f"deleted {len(known)} unused: {shown}")
            return
        note = f"{len(known)} unused, no collected test compares with them: {shown}"
        advice = "delete them with --denorm-unused=delete"
        if wish == "fail":
            self._fail(session, f"{note}; {advice}")
        else:
            self.notes.append(f"{note}; {advice}")

    def _shown(self, entries: Iterable[unused.Entry]) -> str:
        return ", ".join(os.path.relpath(entry.path, self.config.rootpath) + entry.suffix for entry in entries)

    def _write_page(self, path: Path) -> None:
        from ..images.page import CheckRow, ImageRow, render

        checks = []
        for nodeid, said in self.checks.items():
            pipeline, _, name = nodeid.rpartition("::")
            status, _, message = said.partition(": ")
            checks.append(CheckRow(pipeline, name, status, message))
        images = []
        for nodeid, facts in self.facts.items():
            pictures = _pictures(facts, ("baseline", "result", "difference"))
            captions = {"difference": f"difference x {facts.get('denorm_amplified')}"}
            images.append(ImageRow(nodeid, facts["denorm_image"], self.messages[nodeid], pictures, captions))
        trips = [
            ImageRow(nodeid, "failed", self.messages[nodeid], _pictures(facts, ("round_trip",)), {"round_trip": ""})
            for nodeid, facts in self.trips.items()
        ]
        write_whole(path, render(checks, images, trips).encode())
        self.notes.append(f"review page: {path}")

    def _fail(self, session: pytest.Session, note: str) -> None:
        self.notes.append(f"ERROR: {note}")
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        lines = [*self._counts(), *self.notes]
        if not lines:
            return
        terminalreporter.section("image baselines")
        for line in lines:
            loud = line.startswith("ERROR") or " not compared: " in line
            terminalreporter.write_line(printable(line), red=loud, bold=loud)

    def _counts(self) -> Iterator[str]:
        statuses = [facts["denorm_image"] for facts in self.facts.values()]
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
        written = [facts["denorm_written"] for facts in self.facts.values() if "denorm_written" in facts]
        yield from (f"wrote {path}" for path in sorted(written))
        kept = sorted(facts["denorm_kept"] for facts in self.facts.values() if "denorm_kept" in facts)
        if kept:
            command = update_command(self._given, kept, "all")
            yield f"{len(kept)} not written, expected to fail (xfail). To write those as well: {command}"
        reasons = [facts["denorm_reason"] for facts in self.facts.values() if "denorm_reason" in facts]
        yield from (f"{reasons.count(reason)} not compared: {reason}" for reason in sorted(set(reasons)))


def _pictures(facts: Mapping[str, Any], kinds: Iterable[str]) -> dict[str, bytes]:
    """Those that were written of a test, by kind; another session in the same folder may have taken some away."""
    found = {}
    for kind in kinds:
        try:
            found[kind] = Path(str(facts[f"denorm_{kind}_picture"])).read_bytes()
        except (KeyError, FileNotFoundError):
            continue
    return found


def _is_expected_to_fail(item: pytest.Item, message: str) -> bool:
    """Whether pytest is going to report this failure as an xfail, by the marks that the item has by now."""
    skipping: Any = item.config.pluginmanager.get_plugin("skipping")
    if skipping is None or item.config.getoption("runxfail"):
        return False
    expected = skipping.evaluate_xfail_marks(item)  # as pytest does after the call, conditions included
    if expected is None:
        return False
    failure, raises = pytest.fail.Exception(message), expected.raises
    if hasattr(raises, "matches"):  # a pytest.RaisesExc
        return bool(raises.matches(failure))
    return raises is None or isinstance(failure, raises)


def _parameters(item: pytest.Item) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    return found


def _is_grid(figure: Any) -> bool:
    return _is_of(figure, "pytest_denorm.images.grid_figure", "GridFigure")


def _is_of(value: Any, module: str, name: str) -> bool:
    """Whether this is of that class; it can only be if its module was loaded to make it."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))


def _no_figure(returned: Any) -> str:
    """What to say of a test that returned no figure."""
    if inspect.isawaitable(returned) or inspect.isasyncgen(returned):
        if inspect.iscoroutine(returned):
            returned.close()  # it is not going to be run: python would warn of that too
        return (
            "the image test is async, and pytest-mpl's mark takes what is returned for the figure: image tests cannot "
            "be async. Make it a plain function, and run what is async in it: return grid(asyncio.run(load_images()))."
        )
    kind = "nothing" if returned is None else f"a {type(returned).__module__}.{type(returned).__qualname__}"
    end = "return grid(images)"
    if _is_of(returned, "matplotlib.artist", "Artist"):
        end = "return ax.figure" if _is_of(returned, "matplotlib.axes", "Axes") else "return artist.figure"
    return f"the image test returned {kind}: expected a figure. End the test with, for example, {end}."


@contextmanager
def _watched(item: Any, judge: Callable[[Any], Verdict | None], verdicts: list[Verdict]) -> Iterator[None]:
    """Lets `judge` see what the test function returns, before pytest-mpl does.

    The function and the name are put back afterwards: an item that is run again would be wrapped again. Names that
    make illegal paths are replaced by legal ones while pytest-mpl handles the item; the test itself sees its own.
    """
    function, name = item.obj, item.name
    legal = legal_stem(name)
    handled = name if legal == name.replace("[", "_").removesuffix("]") else legal

    @functools.wraps(function)
    def watch(*args: Any, **kwargs: Any) -> Any:
        item.name = name
        try:
            figure = function(*args, **kwargs)
        finally:
            item.name = handled
        verdict = judge(figure)
        if verdict is not None:
            verdicts.append(verdict)
            if verdict.status == "unreadable":  # pytest-mpl would read it without limits
                pytest.fail(verdict.message, pytrace=False)
        return figure

    item.obj, item.name = watch, handled
    try:
        yield
    finally:
        item.obj, item.name = function, name
