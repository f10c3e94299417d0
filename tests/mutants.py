"""Mutation testing: do the tests notice small mistakes in the code?

    python tests/mutants.py pytest_denorm/tolerance.py [more modules or folders] [--workers N] [--only TEXT] [--list]
        [--sample N [--seed S]] [--tests PATHS] [--patience SECONDS] [--budget SECONDS] [--thorough]
        [--fresh] [--record]

Each mutation of ``mutations.py`` is made in a copy of the project, one at a time, and the tests that reach the changed
lines are run until one fails: the mutant is killed. Those come first that killed others of its function or module, then
those of the file that is named after the module, the fastest first. A mutant that survives shows what no test notices.
Those that nothing could notice are listed in ``mutants.toml``, each with the reason. The exit status is 1 if another
one survived, 2 if the list or the tests are not as they should be.

Which tests reach a line is measured in one run of the tests in the folder that mirrors the module's (``--tests`` names
others). Every mutant has a process of its own: a fork of one that has collected the tests, in which a function's code
is exchanged, or, for what an import computes, a fork of one that has loaded the libraries but not the package.
Results are kept in ``.mutants/results.jsonl``: a run that was interrupted goes on, and a mutant stays killed while its
function does not change and the test that killed it exists. Survivors are tried again when any file has changed.
``--record`` writes them down function by function into ``mutants.json``, from where other machines know them: what is
not named there as open was noticed, as long as the function has not changed.

Needs fork and coverage. A test may work ten times as long as it usually takes, and `patience` more: a mutant that takes
longer is killed by that.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import gc
import hashlib
import importlib
import inspect
import json
import math
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import coverage
import pytest
from mutations import FUNCTIONS, Mutant, find_mutants

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_NOT_COPIED = (".*", "__pycache__", "dist", "build", "*.egg-info")
_MEMORY = 6 << 30  # bytes that the process of a mutant may use
_COLLECTION = 120  # seconds


class Unusable(Exception):
    """The tests, or the list of equivalent mutants, are not as they should be."""


@dataclass
class Reach:
    """Which tests reach what, from a run of the tests on the unchanged code.

    Attributes:
        seconds: what each test took.
        contexts: of each module, for each line: the tests that reach it, or the beginnings of their names where a
            shared fixture reaches it; "" stands for an import.
        thorough: all tests are run on each mutant, also those that do not seem to reach it: scripts of torch and
            other processes are not seen.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    contexts: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    thorough: bool = False
    budget: float = math.inf
    killers: dict[str, Counter[str]] = field(default_factory=dict)  # of each module and function, so far

    def note(self, mutant: Mutant, outcome: Outcome) -> None:
        for place in (mutant.path, f"{mutant.path}::{mutant.function}"):
            self.killers.setdefault(place, Counter())[outcome.by] += 1

    def tests(self, mutant: Mutant) -> list[str]:
        """Those to run, the likeliest first, within the budget."""
        of_module, of_function = (
            self.killers.get(place, Counter()) for place in (mutant.path, f"{mutant.path}::{mutant.function}")
        )
        mirror = f"/test_{Path(mutant.path).stem}.py::"
        chosen = sorted(
            self._usual(mutant), key=lambda test: (-of_function[test], -of_module[test], mirror not in test)
        )
        total = 0.0
        for count, test in enumerate(chosen):
            total += self.seconds[test]
            if total > self.budget and count:
                return chosen[:count]
        return chosen

    def _usual(self, mutant: Mutant) -> list[str]:
        """Fastest first; all, after those that reach it, where others may show it as well.

        What an import computes may show in any test; so may what is reached in other processes alone.
        """
        lines = self.contexts.get(mutant.path, {})
        reached = {context for line in mutant.lines for context in lines.get(line, [])}
        shared = tuple(reached - self.seconds.keys() - {""})
        chosen = {test for test in self.seconds if test in reached or (shared and test.startswith(shared))}
        if chosen and mutant.in_body and "" not in reached and not self.thorough:
            return sorted(chosen, key=self.seconds.__getitem__)
        return sorted(self.seconds, key=lambda test: (test not in chosen, self.seconds[test]))


@dataclass
class Outcome:
    """What became of a mutant: killed, by what; or survived."""

    killed: bool
    by: str = ""
    said: str = field(default="", repr=False)


class Measure:
    """A pytest plugin that finds out which test reaches which line."""

    def __init__(self, modules: list[str]) -> None:
        self.modules, self.packages = modules, _packages(modules)
        self.coverage = coverage.Coverage(data_file=None, config_file=False, source=list(self.packages))
        self.seconds: dict[str, float] = {}
        self.failures: list[str] = []
        self.current = ""

    def pytest_sessionstart(self) -> None:
        """The modules are imported, lest the first test that does so seems to reach what they compute then."""
        for module in self.modules:
            importlib.import_module(module.removesuffix(".py").removesuffix("/__init__").replace("/", "."))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        _forget_caches(self.packages)
        self.current = item.nodeid
        self.coverage.switch_context(self.current)
        start = time.perf_counter()
        result = yield
        self.seconds[item.nodeid] = time.perf_counter() - start
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        """What a shared fixture reaches is reached for all tests that share it, not for the first alone."""
        if fixturedef.scope != "function":
            self.coverage.switch_context(request.node.nodeid)
        result = yield
        self.coverage.switch_context(self.current)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failures.append(report.nodeid)

    def reach(self, root: Path) -> Reach:
        self.coverage.stop()
        data = self.coverage.get_data()
        measured = {Path(file).relative_to(root).as_posix(): file for file in data.measured_files()}
        contexts = {module: data.contexts_by_lineno(measured[module]) for module in self.modules if module in measured}
        return Reach(self.seconds, contexts)


class Runner:
    """A pytest plugin that, once the tests are collected, leaves it to `job` which of them to run."""

    def __init__(self, bench: Bench, seconds: dict[str, float], job: Callable[[Runner], Any]) -> None:
        self.bench, self.seconds, self.job = bench, seconds, job
        self.failed: list[str] = []
        self.items: dict[str, pytest.Item] = {}
        self.result: Any = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.bench.refuse_strangers()
        self.items = {item.nodeid: item for item in session.items}
        self.result = self.job(self)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def first_failure(self, tests: list[str]) -> str:
        """Runs these in this order, each for a limited time, until one fails; "" if none does."""
        if "torch" in sys.modules:  # threads that were started before a fork do not exist after it
            sys.modules["torch"].set_num_threads(1)
        items = [self.items[test] for test in tests if test in self.items]
        for item, following in zip(items, [*items[1:], None], strict=True):
            if self.failed:
                break
            _limit_time(self.bench.patience + 10 * self.seconds[item.nodeid])
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        return self.failed[0] if self.failed else ""


def _limit_time(seconds: float) -> None:
    """Of work, and ten times that of waiting. Nobody handles these signals: they end the process, whatever it does."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 10 * seconds)


def _forget_caches(packages: Iterable[str]) -> None:
    """What was computed once is computed again."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in packages:
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


class Patches:
    """Mutants made without another import: the code of a function that exists is exchanged."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.functions: dict[tuple[str, int, str], list[FunctionType]] = {}
        for thing in gc.get_objects():
            if type(thing) is FunctionType and thing.__code__.co_filename.startswith(str(root)):
                self.functions.setdefault(self._key(thing.__code__), []).append(thing)

    def _key(self, code: CodeType) -> tuple[str, int, str]:
        return code.co_filename, code.co_firstlineno, code.co_name

    def apply(self, mutant: Mutant) -> bool:
        """False if that cannot be: nothing has imported the function, or its variables are others now."""
        code = _code_around(compile(mutant.text, str(self.root / mutant.path), "exec", dont_inherit=True), mutant.line)
        functions = self.functions.get(self._key(code), [])
        try:
            for function in functions:
                function.__code__ = code
        except ValueError:
            return False
        return bool(functions)


def _code_around(code: CodeType, line: int) -> CodeType:
    """The outermost function around a line."""
    inside = [const for const in code.co_consts if isinstance(const, CodeType) and const.co_firstlineno <= line]
    if code.co_flags & inspect.CO_OPTIMIZED or not inside:  # a function, or nothing of the kind
        return code
    return _code_around(max(inside, key=lambda each: each.co_firstlineno), line)


@dataclass
class Bench:
    """A copy of the project, and processes that run its tests there."""

    original: Path
    root: Path
    packages: set[str]
    patience: float

    def pytest(self, plugin: object, tests: Iterable[str]) -> int:
        """The exit status of a session."""
        loaded = ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # plugins, among the libraries
        options = ["-q", "-p", "no:cacheprovider", *loaded, f"--rootdir={self.root}", f"--basetemp={self.root}-tmp"]
        return int(pytest.main([*options, *tests], plugins=[plugin]))

    def start(self, run: Callable[[], Any]) -> int:
        """A process that works in the copy, imports the package from there, and writes down what `run` returns."""
        sys.stdout.flush()
        sys.stderr.flush()
        process = os.fork()
        if process:
            return process
        status = 1
        try:
            os.setpgid(0, 0)
            log = os.open(self._file(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for stream, file in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
                os.dup2(file, stream)
            os.chdir(self.root)
            sys.path[0] = os.environ["PYTHONPATH"] = str(self.root)
            answer = json.dumps(run())
            self._file(".json").write_text(answer)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def finish(self, process: int) -> tuple[Any, int, str]:
        """What `run` returned, or None; the status of its process; the end of what it printed."""
        try:
            status = os.waitpid(process, 0)[1]
        finally:
            _kill_group(process)
        answer, log = self._file(".json", process), self._file(".log", process)
        found = json.loads(answer.read_text()) if answer.exists() else None
        said = log.read_text(errors="replace")[-5000:] if log.exists() else ""
        answer.unlink(missing_ok=True)
        log.unlink(missing_ok=True)
        return found, status, said

    def trial(self, run: Callable[[], str], mutant: Mutant | None) -> Outcome:
        """What became of a mutant when `run`, in a process of its own, gave the test that failed."""
        if mutant is not None:
            (self.root / mutant.path).write_text(mutant.text, encoding="utf-8")

        def limited() -> str:
            resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
            _limit_time(_COLLECTION)
            _compile_nothing()
            return run()

        by, status, said = self.finish(self.start(limited))
        self.restore()
        if by is None:
            is_late = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGALRM)
            return Outcome(True, "the limit of time" if is_late else f"status {status} of the process", said)
        return Outcome(bool(by), by, said)

    def restore(self) -> None:
        """Undoes in the copy what a mutant, or its tests, changed."""
        wanted, found = _files(self.original), _files(self.root)
        for name in found.keys() - wanted.keys():
            (self.root / name).unlink()
        for name, state in wanted.items():
            if found.get(name) != state:
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.original / name, self.root / name)

    def refuse_strangers(self) -> None:
        for package in self.packages:
            file = getattr(sys.modules.get(package), "__file__", None)
            if file is not None and self.root not in Path(file).parents:
                raise Unusable(f"{package} was imported from {file}: expected the copy in {self.root}")

    def _file(self, suffix: str, process: int | None = None) -> Path:
        return Path(f"{self.root}-{process or os.getpid()}{suffix}")


def _kill_group(process: int) -> None:
    """A process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)


def _compile_nothing() -> None:
    """Nothing compiled from a mutant may be left over."""
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


def _settle_hypothesis() -> None:
    """The same examples in every run, and no search for the simplest one that fails."""
    if "hypothesis" in sys.modules:
        from hypothesis import Phase, settings

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", derandomize=True, deadline=None, phases=phases)
        settings.load_profile("mutants")


class Laboratory:
    """Measures which tests reach what in some modules, and tries their mutants."""

    def __init__(
        self, project: Path, scratch: Path, modules: list[str], tests: list[str], options: argparse.Namespace
    ) -> None:
        self.scratch, self.modules, self.tests = scratch, modules, tests
        self.thorough, self.budget = options.thorough, options.budget
        original = scratch / "original"
        shutil.copytree(project, original, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        _import_libraries(original, tests, _packages(modules))
        _settle_hypothesis()
        self.benches = [Bench(original, original, _packages(modules), options.patience)]
        self.bench = self._another_bench(0)
        self.reach = Reach()

    def _another_bench(self, number: int) -> Bench:
        root = self.scratch / str(number)
        shutil.copytree(self.benches[-1].root, root)
        self.benches.append(replace(self.benches[0], root=root))
        return self.benches[-1]

    def measure(self) -> None:
        """Runs all tests on the unchanged code, and again in the order of their duration.

        Raises:
            Unusable: one fails.
        """

        def run() -> dict[str, Any]:
            measure = Measure(self.modules)
            measure.coverage.start()
            status = self.bench.pytest(measure, self.tests)
            return {"status": status, "failed": measure.failures, **asdict(measure.reach(self.bench.root))}

        answer, status, said = self.bench.finish(self.bench.start(run))
        self.bench.restore()
        if answer is None or answer["status"]:
            failed = ", ".join(answer["failed"]) if answer else f"status {status}"
            raise Unusable(f"the tests fail without a mutant: {failed}\n{said}")
        contexts = answer["contexts"].items()
        self.reach = Reach(
            answer["seconds"],
            {module: {int(line): tests for line, tests in lines.items()} for module, lines in contexts},
            self.thorough,
            self.budget,
        )

        def try_nothing(runner: Runner) -> dict[str, Any]:
            everything = sorted(self.reach.seconds, key=self.reach.seconds.__getitem__)
            return asdict(self.bench.trial(lambda: runner.first_failure(everything), None))

        outcome = Outcome(**self._after_collection(self.bench, self.tests, try_nothing))
        if outcome.killed:
            raise Unusable(f"without a mutant, in order of their time: {outcome.by}\n{outcome.said}")

    def try_all(self, mutants: list[Mutant], note: Callable[[Mutant, Outcome], None], workers: int) -> None:
        """Gives `note`, in other processes, the outcome of each."""
        benches = [self.bench, *(self._another_bench(number) for number in range(1, workers))]
        shares = [(bench, mutants[number::workers]) for number, bench in enumerate(benches)]
        running = [
            (bench, bench.start(partial(self._try_share, bench, share, note))) for bench, share in shares if share
        ]
        try:
            ended = [bench.finish(process) for bench, process in running]
        finally:
            for _, process in running:
                _kill_group(process)
        for answer, status, said in ended:
            if answer is None:
                raise Unusable(f"a worker ended with status {status}\n{said}")

    def _try_share(self, bench: Bench, mutants: list[Mutant], note: Callable[[Mutant, Outcome], None]) -> str:
        """First those that can be made after the tests were collected, then those that take another import."""
        _compile_nothing()

        def try_together(runner: Runner) -> list[int]:
            patches, left = Patches(bench.root), []
            gc.freeze()  # so that the processes share more memory
            for index, mutant in enumerate(mutants):
                outcome = self._try_patched(bench, runner, patches, mutant) if mutant.in_body else None
                if outcome is None:
                    left.append(index)
                else:
                    self.reach.note(mutant, outcome)
                    note(mutant, outcome)
            return left

        for index in self._after_collection(bench, self.tests, try_together):
            mutant = mutants[index]
            tests = self.reach.tests(mutant)

            def run(tests: list[str] = tests) -> str:
                runner = Runner(bench, self.reach.seconds, lambda runner: runner.first_failure(tests))
                status = bench.pytest(runner, sorted({test.partition("::")[0] for test in tests}))
                return runner.result or (f"status {status} of pytest" if runner.result is None else "")

            note(mutant, bench.trial(run, mutant))
        return "done"

    def _try_patched(self, bench: Bench, runner: Runner, patches: Patches, mutant: Mutant) -> Outcome | None:
        """None if it takes another import to know."""
        refused = "no patch"

        def run() -> str:
            if not patches.apply(mutant):
                return refused
            _forget_caches(bench.packages)
            return runner.first_failure(self.reach.tests(mutant))

        outcome = bench.trial(run, mutant)
        is_imported = any("" in self.reach.contexts.get(mutant.path, {}).get(line, []) for line in mutant.lines)
        return None if outcome.by == refused or (is_imported and not outcome.killed) else outcome

    def _after_collection(self, bench: Bench, tests: list[str], job: Callable[[Runner], Any]) -> Any:
        """What a job returns that is done in a session, in a process of its own, after the tests are collected."""

        def run() -> Any:
            runner = Runner(bench, self.reach.seconds, job)
            bench.pytest(runner, tests)
            return runner.result

        answer, status, said = bench.finish(bench.start(run))
        if answer is None:
            raise Unusable(f"the tests could not be collected: status {status}\n{said}")
        return answer


def _packages(modules: Iterable[str]) -> set[str]:
    return {module.partition("/")[0] for module in modules}


def _files(root: Path) -> dict[str, tuple[int, int]]:
    """Size and time of each file."""
    found = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            path = os.path.join(folder, name)
            state = os.lstat(path)
            found[os.path.relpath(path, root)] = (state.st_size, state.st_mtime_ns)
    return found


def _test_files(root: Path, tests: list[str]) -> list[Path]:
    """The files of `tests`, and what configures them."""
    files = [root / "tests" / "conftest.py"]
    for test in tests:
        files += [root / test] if test.endswith(".py") else sorted((root / test).rglob("*.py"))
    return [file for file in files if file.exists()]


def _import_libraries(root: Path, tests: list[str], packages: set[str]) -> None:
    """Loads what the tests import, except the package and the tests' own modules, once for all processes."""
    own = packages | {path.stem for path in (root / "tests").rglob("*.py")}
    names: dict[str, None] = {}
    for file in _test_files(root, tests):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update((alias.name, None) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names[node.module] = None
    for name in names:
        if name.partition(".")[0] not in own:
            with contextlib.suppress(ImportError):  # the tests that need it are skipped
                importlib.import_module(name)


class Results:
    """What was found out, now and before, in a file that grows by a line a mutant.

    Args:
        recorded: of each function, its digest and the ids of the mutants that survived, as :func:`write_record` wrote.
    """

    def __init__(
        self, path: Path, project: Path, modules: list[str], tests: Iterable[str], recorded: dict[str, Any]
    ) -> None:
        self.path, self.recorded = path, recorded
        folders = [project / name for name in ("tests", *_packages(modules))]
        self.tree = _digest((file for folder in folders for file in folder.rglob("*.py")), *tests)
        self.functions = {
            f"{module}::{name}": digest
            for module in modules
            for name, digest in function_digests((project / module).read_text(encoding="utf-8")).items()
        }
        path.parent.mkdir(parents=True, exist_ok=True)

    def function(self, mutant: Mutant) -> str:
        return self.functions[place_of(mutant)]

    def recall(self, mutants: Iterable[Mutant], tests: Iterable[str]) -> dict[str, Outcome]:
        """The outcomes that still hold, by the id of the mutant."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        records = {record["id"]: record for record in map(json.loads, lines)}
        recalled = {}
        for mutant in mutants:
            record = records.get(mutant.id)
            if record is not None and record["function"] == self.function(mutant):
                if record["by"] in tests or record["tree"] == self.tree:
                    recalled[mutant.id] = Outcome(record["killed"], record["by"])
                continue
            known = self.recorded.get(place_of(mutant))
            if known is not None and known["digest"] == self.function(mutant) and mutant.id not in known["open"]:
                recalled[mutant.id] = Outcome(True, "as recorded")
        return recalled

    def note(self, mutant: Mutant, outcome: Outcome) -> None:
        record = {"id": mutant.id, "killed": outcome.killed, "by": outcome.by}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**record, "function": self.function(mutant), "tree": self.tree}) + "\n")


def place_of(mutant: Mutant) -> str:
    """The function that a mutant is in, or the module where it is in none."""
    return f"{mutant.path}::{mutant.function if mutant.in_body else ''}"


def function_digests(source: str) -> dict[str, str]:
    """A digest of each function's source, by its qualified name; "" stands for the whole module."""
    found = {"": _digest_of(source)}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = f"{prefix}{child.name}" if isinstance(child, (*FUNCTIONS, ast.ClassDef)) else prefix
            if isinstance(child, FUNCTIONS):
                text = _digest_of(ast.get_source_segment(source, child) or "")
                found[name] = _digest_of(found[name], text) if name in found else text  # overloads
            visit(child, f"{name}." if isinstance(child, (*FUNCTIONS, ast.ClassDef)) else prefix)

    visit(ast.parse(source), "")
    return found


def write_record(
    path: Path, functions: dict[str, str], mutants: list[Mutant], outcomes: dict[str, Outcome], listed: Collection[str]
) -> None:
    """Writes down what became of the mutants of each function of which all were tried, or are listed."""
    places: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        places.setdefault(place_of(mutant), []).append(mutant)
    modules = {mutant.path for mutant in mutants}
    recorded = {place: known for place, known in read_record(path).items() if place.partition("::")[0] not in modules}
    for place, those in places.items():
        if all(mutant.id in outcomes or mutant.id in listed for mutant in those):
            tried = {mutant.id for mutant in those} & outcomes.keys()
            survived = sorted(one for one in tried if not outcomes[one].killed)
            recorded[place] = {"digest": functions[place], "open": survived}
    text = json.dumps(dict(sorted(recorded.items())), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_record(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _digest(files: Iterable[Path], *words: str) -> str:
    return _digest_of(*(file.read_text(encoding="utf-8") for file in sorted(files)), *words)


def _digest_of(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def read_equivalents(path: Path) -> dict[str, str]:
    """The reason for each mutant that nothing can notice.

    Raises:
        Unusable: a mutant has no reason, or two.
    """
    if not path.exists():
        return {}
    reasons: dict[str, str] = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["equivalent"]:
        for name in entry["mutants"]:
            if name in reasons or not entry["reason"].strip():
                raise Unusable(f"{path}: {name}: expected one reason")
            reasons[name] = entry["reason"]
    return reasons


def _mirror(project: Path, module: str) -> tuple[str, ...]:
    """The tests of a module: the folder that mirrors its own, or the files at the top."""
    folder = Path("tests", *Path(module).parts[1:-1])
    if folder != Path("tests") and (project / folder).is_dir():
        return (folder.as_posix(),)
    return tuple(f"tests/{file.name}" for file in sorted((project / "tests").glob("test_*.py")))


def _modules(project: Path, paths: list[str]) -> list[str]:
    found = []
    for path in paths:
        full = (project / path).resolve()
        found += [full] if full.is_file() else sorted(full.rglob("*.py"))
    if not found:
        raise Unusable(f"no module in {', '.join(paths)}: expected files or folders below {project}")
    return [file.relative_to(project).as_posix() for file in found]


def _chosen(mutants: list[Mutant], options: argparse.Namespace) -> list[Mutant]:
    wanted = [mutant for mutant in mutants if options.only in f"{mutant.path}:{mutant.line} {mutant.id}"]
    if options.sample is None or options.sample >= len(wanted):
        return wanted
    picked = random.Random(options.seed).sample(range(len(wanted)), options.sample)
    return [wanted[index] for index in sorted(picked)]


def _summary(mutants: list[Mutant], outcomes: dict[str, Outcome], reasons: dict[str, str]) -> str:
    """A table: of each module and of all, how many mutants were killed and how many could be."""
    lines = [f"{'module':<44} {'mutants':>8} {'killed':>8} {'equivalent':>11} {'score':>8}"]
    for module in (*sorted({mutant.path for mutant in mutants}), "all"):
        these = [mutant for mutant in mutants if module in ("all", mutant.path)]
        equal = sum(mutant.id in reasons for mutant in these)
        killed = sum(mutant.id in outcomes and outcomes[mutant.id].killed for mutant in these)
        share = f"{killed / (len(these) - equal):.1%}" if len(these) > equal else "-"
        lines.append(f"{module:<44} {len(these):>8} {killed:>8} {equal:>11} {share:>8}")
    return "\n".join(lines)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description="Do the tests notice small mistakes in the code?")
    parser.add_argument("paths", nargs="+", help="modules or folders of the package")
    parser.add_argument("--workers", type=int, default=1, help="how many mutants are tried at a time (1)")
    parser.add_argument("--only", default="", help="mutants whose `path:line path::function: old => new` contains this")
    parser.add_argument("--sample", type=int, help="so many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="for --sample (0)")
    parser.add_argument("--tests", nargs="+", help="files or folders of tests (the folder that mirrors the module's)")
    parser.add_argument("--patience", type=float, default=10, help="seconds of work beyond ten times a test's own (10)")
    parser.add_argument("--budget", type=float, default=math.inf, help="seconds of tests on each mutant (all)")
    parser.add_argument("--thorough", action="store_true", help="all tests, also those that do not seem to reach it")
    parser.add_argument("--list", action="store_true", help="show the mutants, and run nothing")
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument("--record", action="store_true", help="write down the outcomes in mutants.json")
    parser.add_argument("--project", type=Path, default=here.parent, help="the folder of the project")
    parser.add_argument("--equivalents", type=Path, default=here / "mutants.toml")
    parser.add_argument("--recorded", type=Path, default=here / "mutants.json")
    parser.add_argument("--results", type=Path, help="(.mutants/results.jsonl in the project)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """The exit status."""
    project = options.project.resolve()
    modules = _modules(project, options.paths)
    everything = [
        mutant for module in modules for mutant in find_mutants(module, (project / module).read_text(encoding="utf-8"))
    ]
    reasons = read_equivalents(options.equivalents)
    stale = [name for name in reasons if name.partition("::")[0] in modules]
    stale = sorted(set(stale) - {mutant.id for mutant in everything})
    if stale:
        raise Unusable("\n".join([f"{options.equivalents} lists mutants that do not exist:", *stale]))
    mutants = _chosen(everything, options)
    if options.list:
        print("\n".join(f"{mutant.path}:{mutant.line} {mutant.id}" for mutant in mutants))
        return 0
    path = options.results or project / ".mutants" / "results.jsonl"
    if options.fresh:
        path.unlink(missing_ok=True)
    outcomes: dict[str, Outcome] = {}
    functions: dict[str, str] = {}
    groups: dict[tuple[str, ...], list[Mutant]] = {}
    for mutant in mutants:
        if mutant.id not in reasons:
            tests = tuple(options.tests or _mirror(project, mutant.path))
            groups.setdefault(tests, []).append(mutant)
    for tests, group in groups.items():
        with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
            paths = sorted({mutant.path for mutant in group})
            laboratory = Laboratory(project, Path(scratch), paths, list(tests), options)
            laboratory.measure()
            given = [*tests, str(options.thorough), str(options.budget)]
            results = Results(path, project, modules, given, read_record(options.recorded))
            known = results.recall(group, laboratory.reach.seconds)
            left = [mutant for mutant in group if mutant.id not in known]
            print(f"{len(laboratory.reach.seconds)} tests, {len(left)} mutants to try", file=sys.stderr)
            laboratory.try_all(left, results.note, options.workers)
            outcomes |= results.recall(group, laboratory.reach.seconds)
            functions |= results.functions
    if options.record:
        write_record(options.recorded, functions, everything, outcomes, reasons)
    survivors = [mutant for mutant in mutants if mutant.id in outcomes and not outcomes[mutant.id].killed]
    for mutant in survivors:
        print(f"\nsurvived: {mutant}\n    {mutant.id}")
    print(f"\n{_summary(mutants, outcomes, reasons)}")
    return 1 if survivors else 0


def main(arguments: list[str] | None = None) -> int:
    try:
        return run(_options(arguments))
    except Unusable as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
