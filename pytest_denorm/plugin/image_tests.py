"""Image tests as pytest sees them: planned at collection, judged after the call.

pytest-mpl goes on doing what it is asked to do. This plugin looks at the figure first, so that a baseline which it
writes is there when pytest-mpl looks for it, and has the last word, so that a difference below pytest-mpl's tolerance
fails.
"""

from __future__ import annotations

import base64
import functools
import importlib
import json
import os
import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..errors import BaselineError, DenormError, SettingsError
from ..images.conditions import backend_of, style_of
from ..images.names import result_stem
from ..images.options import ImageOptions
from . import mpl, settings
from .image_collection import Collection
from .image_plan import PLAN, Plan, plan_items
from .image_session import SessionEnd
from .returned import Call, as_grid, is_grid, is_image, is_of, say_no_figure, watched
from .update_command import given_words, update_command

if TYPE_CHECKING:
    from ..images.judge import Trial, Verdict

NAME = "denorm-images"

#: What xdist brings from a worker to its controller.
_WORKER_DATA = "denorm_images"


def start(config: pytest.Config) -> ImageTests:
    """Return the plugin that looks after image tests, registered when it is first needed."""
    plugin: ImageTests | None = config.pluginmanager.get_plugin(NAME)
    if plugin is None:
        names = [field.name for field in fields(ImageOptions) if field.name != "baseline_dir_is_set"]
        values = {name: settings.get(config, f"denorm_{name}") for name in names}
        is_set = bool(config.getoption("denorm_baseline_dir", None) or config.getini("denorm_baseline_dir"))
        plugin = ImageTests(config, ImageOptions(**values, baseline_dir_is_set=is_set))
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
        self.collection = Collection()
        self.end = SessionEnd(config, options, self.collection, lambda: self.results, lambda: self.given)
        self.refusal = ""

    # collection

    def plan(self, items: list[pytest.Item]) -> None:
        """Plan all collected items, before any is deselected."""
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
        self.end.runs_tests = not any(self.config.getoption(option, False) for option in dry)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Forget what was said of an earlier run of this item."""
        item.user_properties[:] = [pair for pair in item.user_properties if not pair[0].startswith("denorm_")]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: Any) -> Generator[None, Any, Any]:
        plan = item.stash.get(PLAN, None)
        if plan is None:
            return (yield)
        if not mpl.has_pytest_mpl(self.config):
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
        keeps_states = bool(self.options.update)
        judge = functools.partial(self._judge, item, plan)
        with watched(item, judge, verdicts, keeps_states=keeps_states), self._conditions(item, plan):
            try:
                result = yield
            except BaseException as error:
                theirs = error
            passes = bool(verdicts) and self._overrules(item, plan, verdicts[0], theirs)
            if verdicts and verdicts[0].status not in ("not compared", "compared by hash"):
                self._tell_pytest_mpl(item, verdicts[0], theirs is None or passes)
        if verdicts:
            self._record(item, plan, verdicts[0])
            if verdicts[0].failed:
                pytest.fail(verdicts[0].message, pytrace=False)
        if theirs is not None and not passes:
            raise theirs
        return result

    def _overrules(self, item: pytest.Item, plan: Plan, verdict: Verdict, theirs: BaseException | None) -> bool:
        """Return whether an image that is equal to its baseline passes, though pytest-mpl has found no file for it."""
        mark = mpl.image_mark(item)
        if verdict.status not in ("equal", "updated") or mark is None or not isinstance(theirs, pytest.fail.Exception):
            return False
        if mpl.uses_hash_library(mark, self.config):
            said = (
                "The pixels are those of the baseline: what pytest-mpl's hash tells apart is the encoding of the file."
            )
            item.add_report_section("call", "pytest-denorm", said)
            return False
        return True  # it has found no file, or none of this size, where the digest or an overlay has the last word

    def _tell_pytest_mpl(self, item: pytest.Item, verdict: Verdict, passed: bool) -> None:
        if not self.config.getoption("--mpl"):
            return
        images = {} if passed and not verdict.failed else self.end.images_of(verdict.facts)
        facts = {"image": verdict.status, **verdict.facts}
        mpl.say_verdict(item, passed and not verdict.failed, verdict.message, images, facts)

    @contextmanager
    def _conditions(self, item: pytest.Item, plan: Plan) -> Iterator[None]:
        """Draw under what pytest-mpl draws with: its style where it does not set it itself, a backend that is named.

        That is put back also where the test fails, and one that does not work fails the test in words.
        """
        mark = mpl.image_mark(item)
        if not plan.exact or mark is None:
            yield
            return
        default = mpl.setting(self.config, "mpl-default-backend")
        source = "the backend of image_compare" if "backend" in mark.kwargs else "mpl-default-backend"
        with ExitStack() as conditions:
            if not mpl.acts(self.config):
                default_style = mpl.setting(self.config, "mpl-default-style") or "classic"
                conditions.enter_context(style_of(mark.kwargs.get("style", default_style)))
            try:
                conditions.enter_context(backend_of(mark.kwargs.get("backend", default), source))
            except SettingsError as error:
                pytest.fail(str(error), pytrace=False)
            yield

    def _judge(self, item: pytest.Item, plan: Plan, call: Call) -> Verdict | None:
        """Return the verdict on what a test returned; None where that is pytest-mpl's business alone."""
        from ..images.judge import Verdict, judge

        if not plan.exact and not is_grid(call.returned):
            return None
        mark = mpl.image_mark(item)
        assert mark is not None
        if plan.exact and is_image(call.returned):
            try:
                call.returned = as_grid(call.returned)
            except BaselineError as error:
                return Verdict("no figure", str(error))
        if not hasattr(call.returned, "savefig"):
            return Verdict("no figure", say_no_figure(call.returned))
        reason = self._reason_not_to_compare()
        if reason:
            return Verdict("not compared", facts={"reason": reason})
        from ..images.drawing import draw

        try:
            drawing = draw(call.returned, mark.kwargs)
        except BaselineError as error:
            return Verdict("no figure", str(error))
        verdict = judge(self._trial(item, plan, call, mark), drawing)
        if verdict.status == "missing" and mpl.uses_hash_library(mark, self.config):
            return Verdict("compared by hash")  # by pytest-mpl, from its own library
        if drawing.unused:
            verdict.facts["unused"] = ", ".join(drawing.unused)
            verdict.lines.append(("note", f"a grid is compared exactly; no effect: {', '.join(drawing.unused)}"))
        if self.options.baselines == "digests":
            from ..images.digests import digest_of

            verdict.facts["tiles"] = " ".join(digest_of(drawing.pixels, drawing.tiles).tiles)
        return verdict

    def _reason_not_to_compare(self) -> str:
        generated = mpl.generates(self.config)
        if generated:
            return f"pytest-mpl generates baselines. To compare with them: pytest --mpl-baseline-path={generated}"
        if self.options.compare == "never":
            return "denorm_compare is never. To compare: pytest --denorm-compare=always"
        if self.options.compare == "mpl" and not self.config.getoption("--mpl"):
            return "denorm_compare is mpl, and --mpl was not given. To compare: pytest --mpl"
        return ""

    def _trial(self, item: pytest.Item, plan: Plan, call: Call, mark: pytest.Mark) -> Trial:
        from ..images.drawing import draw
        from ..images.judge import Trial
        from ..images.orphans import twins_in

        here, place = self.config.invocation_params.dir, plan.place
        _, colons, rest = item.nodeid.partition("::")
        try:
            file = os.path.relpath(item.path, here)
        except ValueError:  # another drive
            file = str(item.path)
        selector = f"{file}{colons}{rest}"

        def pixels_again() -> Any:
            again = call.again()
            return draw(as_grid(again) if is_image(again) else again, mark.kwargs).pixels

        def twins(pixels: Any) -> list[str]:
            found = [one for folder in place.folders for one in twins_in(folder, self.collection.in_use, pixels)]
            return [one.shown(here) for one in found[:3]]

        return Trial(
            place=place,
            selector=selector,
            command=lambda update: update_command(self.given, [selector], update),
            options=self.options,
            results=self.results,
            stem=result_stem(item.nodeid),
            relative_to=here,
            expected_to_fail=functools.partial(_is_expected_to_fail, item),
            root=self.config.rootpath,
            redraw=lambda pixels: (
                "" if call.states is None else call.states.trouble_of_second_draw(pixels, pixels_again)
            ),
            twins=twins,
        )

    @functools.cached_property
    def given(self) -> tuple[str, ...]:
        """What a command must repeat."""
        return given_words(self.config, mpl=self.options.compare == "mpl")

    @functools.cached_property
    def results(self) -> Path:
        """Where the manifest and the images of failures are written."""
        if self.options.results:
            return self.config.rootpath / self.options.results
        cache: pytest.Cache | None = getattr(self.config, "cache", None)
        if cache is not None:
            with suppress(OSError):  # the project's folder may be read-only
                return cache.mkdir("denorm")
        self.end.is_temporary = True
        folder = Path(tempfile.mkdtemp(prefix="pytest-denorm-"))
        self.config.add_cleanup(lambda: None if any(folder.iterdir()) else folder.rmdir())
        return folder

    def _record(self, item: pytest.Item, plan: Plan, verdict: Verdict) -> None:
        place, root = plan.place, self.config.rootpath
        file, line, _ = item.location
        own = {"file": Path(file).as_posix(), "line": (line or 0) + 1, "form": self.options.baselines}
        paths = {"baseline": f"{place.servers[0]}{place.filename}"} if place.servers else {}
        if not place.servers:
            is_new = verdict.status == "missing"
            chosen = place.folder if is_new else place.folders[0]
            seen = next((one for one in place.folders if (one / place.filename).exists()), place.folder)
            named = {"baseline": seen, "target": chosen}
            paths = {name: Path(os.path.relpath(one / place.filename, root)).as_posix() for name, one in named.items()}
        facts = {"image": verdict.status, **paths, **own, **verdict.facts}
        item.user_properties += [(f"denorm_{name}", value) for name, value in facts.items()]
        for folder, digest in verdict.new_digests.items():
            self.end.digests.setdefault(folder, {})[place.filename] = digest.to_json()

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
            facts = dict(report.user_properties)
            paths = (facts.get(f"denorm_{kind}_picture") for kind in ("comparison", "result"))
            path = next((Path(str(one)) for one in paths if one and Path(str(one)).is_file()), None)
            if path is not None:
                added = extras.png(base64.b64encode(path.read_bytes()).decode(), name=path.stem.rpartition("-")[2])
                vars(report)["extras"] = [*getattr(report, "extras", []), added]
        return report

    def _note_without_outcome(
        self, item: pytest.Item, report: pytest.TestReport, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> None:
        """Note that a test which raised before there was a figure or an outcome failed."""
        known = {name for name, _ in report.user_properties}
        plan = item.stash.get(PLAN, None)
        if plan is not None and plan.exact and "denorm_image" not in known:
            report.user_properties.append(("denorm_image", "no figure"))
        is_check = "denorm_check" in _parameters(item) or is_of(item, "pytest_denorm.plugin.collection", "_CheckItem")
        if is_check and "denorm_check" not in known:
            why = str(excinfo.value) if isinstance(excinfo.value, DenormError) else excinfo.exconly()
            report.user_properties.append(("denorm_check", f"failed: {why}"))

    # the end

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.end.note(report)

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
            self.end.digests.setdefault(folder, {}).update(changes)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.is_worker:
            data = {"collection": self.collection.to_dict(), "digests": self.end.digests, "refusal": self.refusal}
            self.config.workeroutput[_WORKER_DATA] = json.dumps(data)  # type: ignore[attr-defined]
            return
        self.end.finish(session)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        self.end.write_summary(terminalreporter)


def _is_expected_to_fail(item: pytest.Item, message: str) -> bool:
    """Return whether pytest is going to report this failure as an xfail, by the marks that the item has by now."""
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
