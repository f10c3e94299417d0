"""What the plugin of image tests does at each of pytest's hooks, one by one; test_sessions.py has them together."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from _pytest.terminal import TerminalReporter  # pytest 8.0 does not export it
from photographs import crops

from pytest_denorm import grid
from pytest_denorm.errors import ImageError
from pytest_denorm.images.baselines import DIGESTS, digest, read_digests, write_digests
from pytest_denorm.images.judge import Verdict
from pytest_denorm.images.page import CheckRow, ImageRow, render
from pytest_denorm.images.plan import PLAN
from pytest_denorm.images.png import encode_png
from pytest_denorm.plugin.image_tests import ImageTests, _is_expected_to_fail, _no_figure, _pictures, _watched, start

FIGURE = grid(crops(2, 24))
PIXELS = FIGURE.pixels
OLD = encode_png(PIXELS)

EXACT = "@image_compare\ndef test_p(): ...\n"
PLAIN = "@pytest.mark.mpl_image_compare\ndef test_p(): ...\n"
OTHER = "def test_p(): ...\n"

#: Some only take time, for collecting garbage above all.
QUIET = [f"-pno:{name}" for name in ("randomly", "hypothesispytest", "unraisableexception", "threadexception")]


class Prepared:
    """The plugin and the items of one test file, before anything runs."""

    def __init__(self, pytester: pytest.Pytester, body: str, arguments: tuple[str, ...]) -> None:
        folder = pytester.path / "sub"
        folder.mkdir(exist_ok=True)
        path = folder / f"test_it{len(list(folder.iterdir())) or ''}.py"
        path.write_text(f"import pytest\nfrom pytest_denorm import image_compare\n{body}")
        pytester.makeini("[pytest]\n")
        self.path = pytester.path
        self.config = pytester.parseconfigure(*QUIET, *arguments, path)
        session = pytest.Session.from_config(self.config)
        self.config.hook.pytest_sessionstart(session=session)
        session.perform_collect()
        self.plugin = start(self.config)
        self.plugin.plan(session.items)
        self.item: Any = session.items[0]

    @property
    def plan(self) -> Any:
        return self.item.stash.get(PLAN, None)

    def session(self, status: int = 0) -> Any:
        return SimpleNamespace(exitstatus=status)

    def summary(self) -> str:
        file = io.StringIO()
        self.plugin.pytest_terminal_summary(TerminalReporter(self.config, file=file))
        return file.getvalue()


@pytest.fixture
def prepare(pytester: pytest.Pytester) -> Iterator[Any]:
    def prepared(body: str = EXACT, *arguments: str) -> Prepared:
        return Prepared(pytester, body, arguments)

    yield prepared
    plt.close("all")


def report_of(nodeid: str = "test_a.py::test_p", when: Any = "call", failed: bool = False, **properties: Any) -> Any:
    """A report, as it is logged."""
    outcome: Any = "failed" if failed else "passed"
    text = f"why {nodeid} failed" if failed else None
    pairs = list(properties.items())
    return pytest.TestReport(nodeid, (nodeid, 0, ""), {}, outcome, text, when, user_properties=pairs)


# --- the start ---


def test_there_is_one_plugin_a_session(prepare: Any) -> None:
    made = prepare()
    assert start(made.config) is made.plugin
    assert made.config.pluginmanager.get_plugin("denorm-images") is made.plugin  # as pytest_denorm.plugin asks for it
    assert made.plugin.options.compare == "always"
    assert (made.plugin.is_worker, made.plugin.refusal, made.plugin.runs_tests) == (False, "", False)


def test_what_cannot_be_done_is_refused_at_the_start(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(pytest.UsageError, match=r"^denorm_report is .*page\.py: expected the name of an \.html file"):
        start(pytester.parseconfig("--denorm-report=page.py"))
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.UsageError, match=r"^--denorm-update=all is refused under CI"):
        start(pytester.parseconfig("--denorm-update=all"))


def test_two_tests_with_one_baseline_are_remembered_for_the_controller(prepare: Any) -> None:
    made = prepare("@image_compare(filename='a.png')\ndef test_p(): ...\n")
    twin = prepare("@image_compare(filename='a.png')\ndef test_q(): ...\n").item
    with pytest.raises(pytest.UsageError, match=r"^two tests have the same baseline") as caught:
        made.plugin.plan([made.item, twin])
    made.config.workerinput = {}
    worker = ImageTests(made.config, made.plugin.options)
    items = [made.item, twin]
    worker.plan(items)
    assert (worker.refusal, items) == (str(caught.value), [])


# --- what runs ---


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        ([], True),
        (["-p", "no:setuponly", "-p", "no:setupplan"], True),
        (["--collect-only"], False),
        (["--setup-only"], False),
        (["--setup-plan"], False),
    ],
)
def test_whether_tests_run_at_all(pytester: pytest.Pytester, arguments: list[str], runs: bool) -> None:
    plugin = start(pytester.parseconfig(*arguments))
    plugin.pytest_runtestloop()
    assert plugin.runs_tests is runs


IMAGE_TEST = """
from matplotlib.figure import Figure
from pytest_denorm import image_compare

@image_compare
def test_p():
    figure = Figure(figsize=(1, 1), dpi=20)
    figure.text(0.1, 0.1, "WORD")
    return figure
"""


def test_whoever_runs_the_tests_unused_baselines_are_deleted(pytester: pytest.Pytester) -> None:
    """Also where a plugin takes the whole loop over."""
    pytester.makepyfile(test_it=IMAGE_TEST)
    pytester.makeconftest(
        "import pytest\n"
        "@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_runtestloop(session):\n"
        "    for item in session.items:\n"
        "        item.ihook.pytest_runtest_protocol(item=item, nextitem=None)\n"
        "    return True\n"
    )
    pytester.runpytest("--denorm-update=all")
    (pytester.path / "baseline_images" / "old.png").write_bytes(OLD)
    result = pytester.runpytest("--denorm-unused=delete")
    result.stdout.fnmatch_lines(["deleted 1 unused: baseline_images/old.png"])


def test_another_plugin_does_not_have_the_last_word(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=IMAGE_TEST)
    pytester.makeconftest(
        "import pytest\n"
        "@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
        "def pytest_runtest_call(item):\n"
        "    try:\n"
        "        return (yield)\n"
        "    except BaseException:\n"
        "        return None\n"
    )
    pytester.runpytest("--denorm-update=all").assert_outcomes(passed=1)
    pytester.makepyfile(test_it=IMAGE_TEST.replace("WORD", "ANOTHER"))
    pytester.runpytest().assert_outcomes(failed=1)


def test_deselected_tests_are_noted(prepare: Any) -> None:
    made = prepare()
    made.plugin.pytest_deselected([made.item])
    assert made.plugin.collection.gap == ""
    made.plugin.pytest_deselected([object()])
    assert made.plugin.collection.gap.startswith("another plugin deselected 1 test ")


def test_what_is_said_of_a_run_is_forgotten_before_the_next_even_if_that_is_skipped(prepare: Any) -> None:
    item = prepare().item
    item.user_properties[:] = [("denorm_image", "equal"), ("mine", "denorm_"), ("denorm_check", "passed")]
    item.add_marker(pytest.mark.skip)
    with pytest.raises(pytest.skip.Exception):
        item.ihook.pytest_runtest_setup(item=item)
    assert item.user_properties == [("mine", "denorm_")]


@pytest.mark.parametrize(
    ("body", "arguments"),
    [(OTHER, []), (PLAIN, ["-p", "no:pytest_mpl"]), (PLAIN, []), (EXACT, ["--denorm-compare=never"])],
)
def test_what_a_call_gave_is_handed_on(prepare: Any, body: str, arguments: list[str]) -> None:
    made = prepare(body, *arguments)
    call = made.plugin.pytest_runtest_call(made.item)
    next(call)
    with pytest.raises(StopIteration) as ended:
        call.send(["given"])
    assert ended.value.value == ["given"]
    call = made.plugin.pytest_runtest_call(made.item)
    next(call)
    with pytest.raises(KeyError):
        call.throw(KeyError())


def test_the_mark_without_pytest_mpl_is_an_error(prepare: Any) -> None:
    made = prepare(EXACT, "-p", "no:pytest_mpl")
    with pytest.raises(pytest.fail.Exception, match=r"^image_compare is pytest-mpl's mark, and pytest-mpl is not "):
        next(made.plugin.pytest_runtest_call(made.item))


@pytest.mark.parametrize(
    ("status", "theirs", "stored", "arguments", "overruled"),
    [
        ("equal", pytest.fail.Exception("no file"), False, [], True),
        ("updated", pytest.fail.Exception("no file"), False, [], True),
        ("equal", pytest.fail.Exception("differs"), True, [], False),
        ("not compared", pytest.fail.Exception("no file"), False, [], False),
        ("equal", ValueError("no file"), False, [], False),
        ("equal", KeyboardInterrupt(), False, [], False),
        ("equal", pytest.fail.Exception("hash"), False, ["--mpl", "--mpl-hash-library=hashes.json"], False),
    ],
)
def test_when_an_equal_digest_overrules_pytest_mpl(
    prepare: Any, status: str, theirs: BaseException, stored: bool, arguments: list[str], overruled: bool
) -> None:
    made = prepare(EXACT, *arguments)
    if stored:
        made.plan.folder.mkdir()
        made.plan.path.write_bytes(OLD)
    assert made.plugin._overrules(made.item, made.plan, Verdict(status), theirs) is overruled
    said = "The pixels are those of the baseline: what pytest-mpl's hash tells apart is the encoding of the file."
    assert made.item._report_sections == ([("call", "pytest-denorm", said)] if arguments else [])


# --- what is drawn with ---


GGPLOT, CLASSIC, DARK = "#E5E5E5", "w", "black"


@pytest.mark.parametrize(
    ("keywords", "arguments", "face", "backend"),
    [
        ("", [], CLASSIC, "agg"),
        ("", ["--mpl-default-style=ggplot"], GGPLOT, "agg"),
        ("style='dark_background'", ["--mpl-default-style=ggplot"], DARK, "agg"),
        ("", ["--mpl-default-backend=svg"], CLASSIC, "svg"),
        ("backend='pdf'", ["--mpl-default-backend=svg"], CLASSIC, "pdf"),
        # pytest-mpl sets the style then
        ("style='ggplot', backend='svg'", ["--mpl"], "red", "svg"),
        ("style='ggplot'", ["--mpl-generate-path=there"], "red", "agg"),
        ("style='ggplot'", ["--mpl-generate-hash-library=there.json"], "red", "agg"),
    ],
)
def test_a_figure_is_drawn_under_the_style_and_the_backend_that_are_asked_for(
    prepare: Any, keywords: str, arguments: list[str], face: str, backend: str
) -> None:
    made = prepare(EXACT.replace("compare\n", f"compare({keywords})\n"), *arguments)
    with plt.rc_context({"axes.facecolor": "red"}), made.plugin._conditions(made.item, made.plan):
        assert (plt.rcParams["axes.facecolor"], plt.get_backend().lower()) == (face, backend)
    assert plt.get_backend().lower() == "agg"


def test_other_figures_are_drawn_as_pytest_mpl_does(prepare: Any) -> None:
    made = prepare(PLAIN, "--mpl-default-style=ggplot", "--mpl-default-backend=svg")
    with plt.rc_context({"axes.facecolor": "red"}), made.plugin._conditions(made.item, made.plan):
        assert (plt.rcParams["axes.facecolor"], plt.get_backend().lower()) == ("red", "agg")


@pytest.mark.parametrize(
    ("keywords", "arguments", "said"),
    [
        ("backend='nope'", [], "the backend of image_compare is 'nope', "),
        ("", ["--mpl-default-backend=nope"], "mpl-default-backend is 'nope', "),
    ],
)
def test_a_backend_that_cannot_be_loaded_fails_the_test_in_words(
    prepare: Any, keywords: str, arguments: list[str], said: str
) -> None:
    made = prepare(EXACT.replace("compare\n", f"compare({keywords})\n"), *arguments)
    with pytest.raises(pytest.fail.Exception) as caught, made.plugin._conditions(made.item, made.plan):
        raise AssertionError("nothing is drawn")
    assert str(caught.value.msg).startswith(said)
    assert caught.value.pytrace is False


# --- the verdict ---


def test_what_is_left_to_pytest_mpl_has_no_verdict(prepare: Any) -> None:
    made = prepare(PLAIN)
    for figure in (plt.figure(), None, 3):
        assert made.plugin._judge(made.item, made.plan, figure) is None
    assert made.plugin._judge(made.item, made.plan, FIGURE).status == "missing"


def test_a_figure_is_judged(prepare: Any) -> None:
    made = prepare(EXACT)
    judged = lambda figure: made.plugin._judge(made.item, made.plan, figure)  # noqa: E731
    for nothing in (None, 3):
        verdict = judged(nothing)
        assert (verdict.status, verdict.headline) == ("no figure", _no_figure(nothing))
    figure = plt.figure(figsize=(1, 1))
    assert judged(figure).status == judged(FIGURE).status == "missing"
    made.plan.folder.mkdir()
    made.plan.path.write_bytes(OLD)
    assert judged(FIGURE).status == "equal"
    assert judged(grid(crops(2, 24) ^ np.uint8(1))).status == "different"
    figure.patch.set_alpha(0)
    verdict = judged(figure)
    assert verdict.status == "no figure"
    assert verdict.headline.startswith("the figure has an alpha channel, and 10000 of its 10000 pixels are transparent")


def test_the_keywords_of_the_mark_say_how_a_figure_is_saved(prepare: Any) -> None:
    made = prepare("@image_compare(savefig_kwargs={'dpi': 7})\ndef test_p(): ...\n", "--denorm-update=all")
    assert made.plugin._judge(made.item, made.plan, plt.figure(figsize=(2, 3))).status == "updated"
    assert plt.imread(made.plan.path).shape == (21, 14, 3)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], ""),
        (["--mpl"], ""),
        (["--mpl-generate-path=there"], "pytest-mpl was told to generate baselines."),
        (["--denorm-compare=never"], "denorm_compare is never. To compare: pytest --denorm-compare=always"),
        (["--denorm-compare=mpl"], "denorm_compare is mpl, and --mpl was not given. To compare: pytest --mpl"),
        (["--denorm-compare=mpl", "--mpl"], ""),
    ],
)
def test_what_is_not_compared_has_a_reason(prepare: Any, arguments: list[str], reason: str) -> None:
    made = prepare(EXACT, *arguments)
    verdict = made.plugin._judge(made.item, made.plan, FIGURE)
    assert verdict.status == ("not compared" if reason else "missing")
    assert verdict.facts.get("reason", "") == reason


def test_a_missing_baseline_may_be_compared_by_hash(prepare: Any) -> None:
    made = prepare(EXACT, "--mpl", "--mpl-hash-library=hashes.json")
    assert made.plugin._judge(made.item, made.plan, FIGURE) == Verdict("compared by hash")
    made.plan.folder.mkdir()
    made.plan.path.write_bytes(OLD)
    assert made.plugin._judge(made.item, made.plan, FIGURE).status == "equal"


@pytest.mark.parametrize("mpl", [False, True])
def test_a_judge_knows_the_test_and_the_session(
    prepare: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, mpl: bool
) -> None:
    (pytester.path / "below").mkdir()
    monkeypatch.chdir(pytester.path / "below")
    compare = f"--denorm-compare={'mpl' if mpl else 'always'}"
    made = prepare(EXACT, "--denorm-results=there", compare, f"--rootdir={pytester.path}")
    monkeypatch.chdir(pytester.path)  # a test may go elsewhere
    case = made.plugin._case(made.item, made.plan)
    assert (case.plan, case.options, case.root) == (made.plan, made.plugin.options, pytester.path)
    assert (case.selector, case.stem) == ("../sub/test_it.py::test_p", "sub.test_it.py.test_p")
    assert (case.results, case.relative_to) == (pytester.path / "below/there", pytester.path / "below")
    assert case.extra_arguments == (f"--rootdir={pytester.path}", compare, *["--mpl"] * mpl)
    assert case.expected_to_fail("any") is False
    made.item.add_marker(pytest.mark.xfail)
    assert case.expected_to_fail("any") is True


def test_what_came_of_a_test_is_recorded(prepare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = prepare(EXACT)
    monkeypatch.chdir(made.path / "sub")
    made.plugin._record(made.item, made.plan, Verdict("equal"))
    assert made.item.user_properties == [("denorm_image", "equal"), ("denorm_baseline", "baseline_images/test_p.png")]
    assert made.plugin.digests == {}
    made.item.user_properties.clear()
    made.plugin._record(made.item, made.plan, Verdict("updated", facts={"written": "it"}, new_digest="0" * 64))
    assert ("denorm_written", "it") in made.item.user_properties
    assert made.plugin.digests == {str(made.path / "baseline_images"): {"test_p.png": "0" * 64}}


def test_pictures_of_failures_have_a_folder(prepare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    there = prepare(EXACT, "--denorm-results=there")
    assert there.plugin.results == there.path / "there"
    assert prepare(EXACT).plugin.results == there.path / ".pytest_cache/d/denorm"
    monkeypatch.setattr("tempfile.tempdir", str(there.path))
    for remains in (False, True):
        made = prepare(EXACT, "-p", "no:cacheprovider")
        folder = made.plugin.results
        assert (folder.parent, folder.name.startswith("pytest-denorm-")) == (there.path, True)
        if remains:
            (folder / "a.png").touch()
        made.config._ensure_unconfigure()
        assert folder.exists() is remains


def test_a_cache_that_cannot_be_written_is_not_needed(
    prepare: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pytester.path / ".pytest_cache").write_text("no folder")
    monkeypatch.setattr("tempfile.tempdir", str(pytester.path))
    made = prepare(EXACT, "-W", "ignore")
    assert made.plugin.results.name.startswith("pytest-denorm-")


@pytest.mark.parametrize(
    ("mark", "message", "expected"),
    [
        (pytest.mark.xfail, "any", True),
        (pytest.mark.xfail(True, reason="known"), "any", True),
        (pytest.mark.xfail(False, reason="elsewhere"), "any", False),
        (pytest.mark.xfail(raises=pytest.fail.Exception), "any", True),
        (pytest.mark.xfail(raises=(OSError, pytest.fail.Exception)), "any", True),
        (pytest.mark.xfail(raises=AssertionError), "any", False),
        (pytest.mark.usefixtures("tmp_path"), "any", False),
    ],
)
def test_a_failure_may_be_expected(prepare: Any, mark: Any, message: str, expected: bool) -> None:
    made = prepare(OTHER, "-W", "ignore")
    made.item.add_marker(mark)
    assert _is_expected_to_fail(made.item, message) is expected


@pytest.mark.skipif(not hasattr(pytest, "RaisesExc"), reason="of newer versions of pytest")
def test_a_failure_of_one_message_may_be_expected(prepare: Any) -> None:
    made = prepare(OTHER)
    made.item.add_marker(pytest.mark.xfail(raises=pytest.RaisesExc(pytest.fail.Exception, match="^the size is not ")))
    assert _is_expected_to_fail(made.item, "the size is not that of the baseline.") is True
    assert _is_expected_to_fail(made.item, "the picture differs from its baseline.") is False


@pytest.mark.parametrize("arguments", [["--runxfail"], ["-p", "no:skipping"]])
def test_a_session_may_expect_no_failure(prepare: Any, arguments: list[str]) -> None:
    made = prepare(OTHER, *arguments)
    made.item.add_marker(pytest.mark.xfail)
    assert _is_expected_to_fail(made.item, "any") is False


def test_what_returned_no_figure_is_told_what_it_returned() -> None:
    async def coroutine() -> None: ...

    async def generator() -> Any:
        yield 3

    loop = asyncio.new_event_loop()
    returned: Any
    for returned in (coroutine(), generator(), loop.create_future()):
        assert _no_figure(returned).startswith("the image test is async, and pytest-mpl's mark takes what is returned")
        assert getattr(returned, "cr_frame", None) is None  # closed: nothing warns that it was never awaited
    loop.close()
    axes = plt.figure().add_subplot()
    for returned, kind, end in (
        (None, "nothing", "return grid(images)"),
        (3, "a builtins.int", "return grid(images)"),
        (axes, f"a {type(axes).__module__}.Axes", "return ax.figure"),
        (axes.title, "a matplotlib.text.Text", "return artist.figure"),
    ):
        assert _no_figure(returned) == (
            f"the image test returned {kind}: expected a figure. End the test with, for example, {end}."
        )
    plt.close("all")


@pytest.mark.parametrize(
    ("name", "handled"),
    [
        ("test_p", "test_p"),
        ("test_p[red]", "test_p[red]"),
        ("test_p[0.5-a_b]", "test_p[0.5-a_b]"),
        ("test_p[A/b]", "test_p_A_b-86a158fb"),
        ("test_p[a.png]", "test_p_a_png-7efcca78"),
        ("test_p[]", "test_p-a13ca7e4"),
    ],
)
def test_pytest_mpl_sees_a_legal_name_and_the_test_its_own(name: str, handled: str) -> None:
    names: list[str] = []
    verdicts: list[Verdict] = []

    def test(value: int, *, more: int) -> tuple[int, int]:
        names.append(item.name)
        if value < 0:
            raise ValueError
        return value, more

    def judge(figure: Any) -> Verdict | None:
        names.append(item.name)
        return {1: None, 2: Verdict("equal"), 3: Verdict("unreadable", "it cannot be read")}[figure[0]]

    item = SimpleNamespace(obj=test, name=name)
    with suppress(KeyError), _watched(item, judge, verdicts):
        assert item.obj(1, more=2) == (1, 2)
        assert (names, verdicts) == ([name, handled], [])
        assert item.obj(2, more=3) == (2, 3)
        assert (item.name, verdicts) == (handled, [Verdict("equal")])
        with pytest.raises(pytest.fail.Exception, match=r"^it cannot be read$") as caught:
            item.obj(3, more=4)
        assert caught.value.pytrace is False
        with pytest.raises(ValueError, match=r"^$"):
            item.obj(-1, more=4)
        assert (item.name, item.obj.__name__) == (handled, "test")
        raise KeyError
    assert (item.obj, item.name) == (test, name)
    assert names == [name, handled] * 3 + [name]


# --- the report of a test ---


def made_report(made: Prepared, raised: BaseException | None = None, when: Any = "call") -> Any:
    """What the hook makes of a test that raised this."""

    def call() -> None:
        if raised is not None:
            raise raised

    info = pytest.CallInfo.from_call(call, when)
    hook = made.plugin.pytest_runtest_makereport(made.item, info)
    next(hook)
    with pytest.raises(StopIteration) as ended:
        hook.send(pytest.TestReport.from_item_and_call(made.item, info))
    return ended.value.value


CHECKED = """
class Check:
    outcome = None
@pytest.mark.parametrize("denorm_check", [Check()])
def test_p(denorm_check): ...
"""


def test_the_outcome_of_a_check_is_reported_once(prepare: Any) -> None:
    made = prepare(CHECKED)
    assert made_report(made).user_properties == []
    made.item.callspec.params["denorm_check"].outcome = SimpleNamespace(status="passed", message="it does")
    made.item.user_properties.append(("mine", 1))
    for _ in range(2):
        pairs = made_report(made).user_properties
        assert pairs == [("mine", 1), ("denorm_check", "passed: it does")]
    assert made_report(prepare(OTHER)).user_properties == []


@pytest.mark.parametrize(
    ("body", "raised", "when", "told"),
    [
        (EXACT, ValueError("no"), "call", [("denorm_image", "no figure")]),
        (EXACT, ValueError("no"), "setup", [("denorm_image", "no figure")]),
        (EXACT, ValueError("no"), "teardown", []),
        (EXACT, None, "call", []),
        (EXACT, pytest.skip.Exception("no"), "call", []),
        (PLAIN, ValueError("no"), "call", []),
        (OTHER, ValueError("no"), "call", []),
        (CHECKED, ValueError("no"), "call", [("denorm_check", "failed: ValueError: no")]),
        (CHECKED, ImageError("no"), "call", [("denorm_check", "failed: no")]),
        (CHECKED, ImageError("no"), "setup", [("denorm_check", "failed: no")]),
        (CHECKED, None, "call", []),
    ],
)
def test_what_raised_before_there_was_an_outcome_failed(
    prepare: Any, body: str, raised: BaseException | None, when: str, told: list[tuple[str, str]]
) -> None:
    made = prepare(body)
    assert made_report(made, raised, when).user_properties == told


def test_what_failed_without_an_error_needs_no_outcome(prepare: Any) -> None:
    """As a strict xfail that passes."""
    made = prepare(CHECKED)
    hook = made.plugin.pytest_runtest_makereport(made.item, SimpleNamespace(excinfo=None))
    next(hook)
    report = report_of(failed=True)
    with pytest.raises(StopIteration):
        hook.send(report)
    assert report.user_properties == []


def test_what_raised_after_its_outcome_keeps_it(prepare: Any) -> None:
    for body, known in ((EXACT, ("denorm_image", "different")), (CHECKED, ("denorm_check", "skipped: why"))):
        made = prepare(body)
        made.item.user_properties.append(known)
        assert made_report(made, ValueError("no")).user_properties == [known]


def test_a_check_of_the_ini_is_one_too(pytester: pytest.Pytester, prepare: Any) -> None:
    from pytest_denorm.plugin.collection import _CheckItem

    made = prepare(OTHER)
    made.item.parent.spec = "my.data:val"
    made.item = _CheckItem.from_parent(made.item.parent, name="round_trip")
    assert made_report(made, ImageError("no")).user_properties == [("denorm_check", "failed: no")]


def test_pytest_html_gets_one_picture_of_a_call(prepare: Any) -> None:
    pytest.importorskip("pytest_html")
    made = prepare(EXACT)
    paths = {kind: made.path / f"{kind}.png" for kind in ("result", "comparison", "baseline")}
    for kind, path in paths.items():
        path.write_bytes(kind.encode())
    for kinds, shown in ((["result", "comparison"], ["comparison"]), (["result"], ["result"]), (["baseline"], [])):
        made.item.user_properties[:] = [(f"denorm_{kind}_picture", str(paths[kind])) for kind in kinds]
        extras = made_report(made).extras
        assert [(one["name"], base64.b64decode(one["content"]).decode()) for one in extras] == [(k, k) for k in shown]
    assert not hasattr(made_report(made, when="setup"), "extras")
    assert not hasattr(made_report(prepare(EXACT, "-p", "no:html")), "extras")


def test_pictures_that_pytest_html_has_already_stay(prepare: Any) -> None:
    pytest.importorskip("pytest_html")
    made = prepare(EXACT)
    hook = made.plugin.pytest_runtest_makereport(made.item, SimpleNamespace(excinfo=None))
    next(hook)
    report = report_of()
    report.extras = ["mine"]
    with pytest.raises(StopIteration):
        hook.send(report)
    assert report.extras == ["mine"]


def test_pictures_that_are_gone_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"1")
    facts = {"denorm_result_picture": tmp_path / "a.png", "denorm_baseline_picture": str(tmp_path / "b.png")}
    assert _pictures(facts, ("difference", "baseline", "result")) == {"result": b"1"}


def test_reports_are_collected(prepare: Any) -> None:
    plugin = prepare(EXACT).plugin
    plugin.pytest_runtest_logreport(report_of("a", denorm_image="different", mine=3, failed=True))
    plugin.pytest_runtest_logreport(report_of("b", denorm_image="equal"))
    plugin.pytest_runtest_logreport(report_of("c", denorm_check="passed: fine"))
    plugin.pytest_runtest_logreport(report_of("d", denorm_round_trip_picture="d.png", failed=True))
    plugin.pytest_runtest_logreport(report_of("e", mine=3))
    plugin.pytest_runtest_logreport(report_of("f", when="setup", denorm_image="no figure", failed=True))
    assert plugin.facts == {
        "a": {"denorm_image": "different"},
        "b": {"denorm_image": "equal"},
        "f": {"denorm_image": "no figure"},
    }
    assert plugin.checks == {"c": "passed: fine"}
    assert plugin.trips == {"d": {"denorm_round_trip_picture": "d.png"}}
    failed = {nodeid: f"why {nodeid} failed" for nodeid in "adf"}
    assert plugin.messages == {**failed, "b": ""}
    for nodeid in "abcd":
        plugin.pytest_runtest_logreport(report_of(nodeid, when="teardown", denorm_image="equal"))
    assert plugin.messages == {**failed, "b": ""}
    for nodeid in "acd":  # run again
        plugin.pytest_runtest_logreport(report_of(nodeid))
    assert (plugin.facts.keys(), plugin.checks, plugin.trips) == ({"b", "f"}, {}, {})
    assert plugin.messages.keys() == {"b", "f"}


# --- the end ---


def test_what_a_worker_has_found_reaches_its_controller(prepare: Any) -> None:
    made = prepare(EXACT)
    folder = str(made.path / "baseline_images")
    made.config.workerinput = {}
    worker = ImageTests(made.config, made.plugin.options)
    made.config.workeroutput = {}
    worker.plan([made.item])
    worker.digests = {folder: {"test_p.png": "0" * 64}}
    worker.pytest_sessionfinish(made.session())
    assert read_digests(made.path / "baseline_images") == {}  # one process writes them all
    node = SimpleNamespace(workeroutput=json.loads(json.dumps(made.config.workeroutput)))
    del made.config.workerinput
    controller = ImageTests(made.config, made.plugin.options)
    controller.digests = {folder: {"test_q.png": "1" * 64}}
    controller.pytest_testnodedown(node, None)
    assert controller.digests == {folder: {"test_p.png": "0" * 64, "test_q.png": "1" * 64}}
    assert controller.collection.to_dict() == worker.collection.to_dict()
    assert controller.collection.used == {str(made.path / "baseline_images/test_p.png")}
    assert controller.collection.gap == ""
    controller.pytest_testnodedown(SimpleNamespace(workeroutput={}), None)
    assert controller.collection.gap == "a worker was lost"
    made.config.workerinput = {}
    worker.refusal = "two tests have the same baseline"
    worker.pytest_sessionfinish(made.session())
    with pytest.raises(pytest.UsageError, match=r"^two tests have the same baseline$"):
        controller.pytest_testnodedown(SimpleNamespace(workeroutput=made.config.workeroutput), None)
    controller.pytest_testnodedown(SimpleNamespace(), None)  # it was lost before it had an output


def test_digests_are_written_at_the_end_and_nothing_else_unless_it_is_asked_for(prepare: Any) -> None:
    made = prepare(EXACT)
    folder = made.path / "baseline_images"
    folder.mkdir()
    (folder / "old.png").write_bytes(OLD)
    made.plugin.digests = {str(folder): {"test_p.png": digest(PIXELS)}}
    session = made.session()
    made.plugin.pytest_sessionfinish(session)
    assert read_digests(folder) == {"test_p.png": digest(PIXELS)}
    assert (made.plugin.notes, session.exitstatus) == ([], 0)
    assert made.summary() == ""


@pytest.mark.parametrize(("status", "ends"), [(0, 1), (1, 1), (2, 2), (5, 5)])
def test_what_cannot_be_written_fails_a_session_that_passed(prepare: Any, status: int, ends: int) -> None:
    made = prepare(EXACT)
    (made.path / "baseline_images").mkdir()
    (made.path / "baseline_images" / DIGESTS).write_text("[]")
    made.plugin.digests = {str(made.path / "baseline_images"): {"test_p.png": "0" * 64}}
    session = made.session(status)
    made.plugin.pytest_sessionfinish(session)
    assert session.exitstatus == ends
    (note,) = made.plugin.notes
    assert note.startswith(f"ERROR: {made.path / 'baseline_images' / DIGESTS} is not a library of digests: ")


UNUSED = "1 unused, no collected test compares with them: baseline_images/old.png"
LEFT = "1 left alone, no collected test compares with them, but pytest-denorm did not write them: "


@pytest.mark.parametrize(
    ("wish", "runs", "notes", "status"),
    [
        ("warn", True, [f"{UNUSED}; delete them with --denorm-unused=delete"], 0),
        ("fail", True, [f"ERROR: {UNUSED}; delete them with --denorm-unused=delete"], 1),
        ("delete", True, ["deleted 1 unused: baseline_images/old.png"], 0),
        ("delete", False, ["would delete 1 unused, but no test was to run: baseline_images/old.png"], 0),
    ],
)
def test_unused_baselines_are_dealt_with_at_the_end(
    prepare: Any, wish: str, runs: bool, notes: list[str], status: int
) -> None:
    made = prepare(EXACT, f"--denorm-unused={wish}")
    folder = made.path / "baseline_images"
    folder.mkdir()
    for name, data in (("old.png", OLD), ("theirs.png", b"1"), ("test_p.png", OLD)):
        (folder / name).write_bytes(data)
    write_digests(folder, {"test_p.png": "0" * 64})
    if runs:
        made.plugin.pytest_runtestloop()
    session = made.session()
    made.plugin.pytest_sessionfinish(session)
    assert made.plugin.notes == [*notes, f"{LEFT}baseline_images/theirs.png"]
    assert session.exitstatus == status
    assert (folder / "old.png").exists() is not (wish == "delete" and runs)
    (folder / "old.png").unlink(missing_ok=True)
    for kept, found in (("theirs.png", [f"{LEFT}baseline_images/theirs.png"]), ("test_p.png", [])):
        made.plugin.notes.clear()
        made.plugin.pytest_sessionfinish(session)
        assert made.plugin.notes == found
        (folder / "theirs.png").unlink(missing_ok=True)
        assert kept == "theirs.png" or (folder / kept).exists()


def test_a_session_that_was_partial_says_why_it_looks_for_none(prepare: Any) -> None:
    made = prepare(EXACT, "--denorm-unused=delete")
    (made.path / "sub/test_other.py").touch()
    made.plugin.pytest_sessionfinish(made.session())
    assert made.plugin.notes == ["unused baselines were not looked for: sub/test_other.py was not collected."]


def test_the_review_page_has_all_that_was_reported(prepare: Any) -> None:
    made = prepare(EXACT, "--denorm-report=page.html")
    kinds = ("baseline", "result", "difference", "round_trip")
    data = {kind: encode_png(PIXELS ^ np.uint8(number)) for number, kind in enumerate(kinds)}
    paths = {kind: made.path / f"{kind}.png" for kind in kinds}
    for kind, path in paths.items():
        path.write_bytes(data[kind])
    pictures = {f"denorm_{kind}_picture": str(path) for kind, path in paths.items()}
    made.plugin.facts = {
        "a": {"denorm_image": "different", "denorm_amplified": 85, **pictures},
        "b": {"denorm_image": "equal"},
    }
    made.plugin.messages = {"a": "it differs", "b": "", "c": "it does not come back"}
    made.plugin.trips = {"c": {"denorm_round_trip_picture": str(paths["round_trip"])}}
    made.plugin.checks = {"denorm::val::round_trip": "failed: no: none", "denorm::val::dtype": "passed: "}
    made.plugin.pytest_sessionfinish(made.session())
    shown = {kind: data[kind] for kind in kinds[:3]}
    page = render(
        [CheckRow("denorm::val", "round_trip", "failed", "no: none"), CheckRow("denorm::val", "dtype", "passed", "")],
        [
            ImageRow("a", "different", "it differs", shown, {"difference": "difference x 85"}),
            ImageRow("b", "equal", "", {}, {}),
        ],
        [ImageRow("c", "failed", "it does not come back", {"round_trip": data["round_trip"]}, {"round_trip": ""})],
    )
    assert (made.path / "page.html").read_text(encoding="utf-8") == page
    assert made.plugin.notes == [f"review page: {made.path / 'page.html'}"]


# --- the summary ---


@pytest.mark.parametrize(
    ("statuses", "line"),
    [
        (["equal", "equal"], "2 compared, 0 updated, 0 missing, 0 not compared"),
        (["equal", "different"], "2 compared (1 different), 0 updated, 0 missing, 0 not compared"),
        (["updated", "missing", "missing"], "0 compared, 1 updated, 2 missing, 0 not compared"),
        (
            ["not compared", "unreadable", "no figure", "compared by hash", "no figure"],
            "0 compared, 0 updated, 0 missing, 1 not compared, 1 unreadable, 2 no figure, 1 compared by hash",
        ),
    ],
)
def test_the_summary_counts_what_came_of_the_tests(prepare: Any, statuses: list[str], line: str) -> None:
    made = prepare(EXACT)
    made.plugin.facts = {f"test_{i}": {"denorm_image": status} for i, status in enumerate(statuses)}
    title, said = made.summary().strip().splitlines()
    assert re.fullmatch("=+ image baselines =+", title)
    assert said == line


def test_the_summary_says_what_was_written_and_what_was_not(prepare: Any) -> None:
    made = prepare(EXACT, "--denorm-baselines=digests")
    facts: list[dict[str, Any]] = [
        {"denorm_image": "updated", "denorm_written": "b.png"},
        {"denorm_image": "updated", "denorm_written": "a.png"},
        {"denorm_image": "missing", "denorm_kept": "test_a.py::test_q"},
        {"denorm_image": "missing", "denorm_kept": "test_a.py::test_p[a b]"},
        *[{"denorm_image": "not compared", "denorm_reason": "it is never."}] * 2,
        {"denorm_image": "not compared", "denorm_reason": "it is generated."},
    ]
    made.plugin.facts = {f"test_{i}": each for i, each in enumerate(facts)}
    made.plugin.notes = ["review page: p\x1bage.html"]
    assert (
        made.summary().splitlines()[1:]
        == [
            "",
            "0 compared, 2 updated, 2 missing, 3 not compared",
            "wrote a.png",
            "wrote b.png",
            "2 not written, expected to fail (xfail). To write those as well: pytest --denorm-baselines=digests "
            "'test_a.py::test_p[a b]' test_a.py::test_q --denorm-update=all",
            "1 not compared: it is generated.",
            "2 not compared: it is never.",
            "review page: p\\x1bage.html",
        ][1:]
    )


def test_the_summary_is_red_where_it_matters(prepare: Any) -> None:
    made = prepare(EXACT, "--color=yes")
    made.plugin.facts = {"a": {"denorm_image": "not compared", "denorm_reason": "it is never."}}
    made.plugin.notes = ["ERROR: it cannot be written", "review page: page.html"]
    lines = made.summary().strip().splitlines()[1:]
    loud = [line.startswith("\x1b[31m\x1b[1m") for line in lines]
    assert loud == [False, True, True, False]
    assert "\x1b" not in lines[0] + lines[3]
