"""The verdict on every project, beside the one that a user would call right.

    python tests/projects/judge.py [--jobs N] [--all] [WORD ...]

prints the projects that were judged otherwise (with ``--all`` each), with time and memory, and the sums below them.
Each runs in a process of its own, which ends after 30 seconds; with words, just those whose names contain one of them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import resource
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import project_inverses as inverses
import project_items as items
import project_pipelines as pipelines
import project_recipes as recipes
import torch
from project import Project

import pytest_denorm
from pytest_denorm import DenormError

PROJECTS = [*pipelines.PROJECTS, *inverses.PROJECTS, *items.PROJECTS, *recipes.PROJECTS]
_SECONDS = 30
_USUAL_SECONDS, _USUAL_MEGABYTES = 2.0, 500.0


@dataclass(frozen=True)
class Judged:
    """What was found of one project.

    Attributes:
        verdict: ``passed``, ``warned``, ``failed``; ``crashed`` where something else than a verdict came of it.
        said: the first failure in a line.
        seconds: of processor time, which a busy machine does not lengthen.
        megabytes: by which the process grew, building the project included.
    """

    project: Project
    verdict: str
    said: str
    seconds: float = 0.0
    megabytes: float = 0.0

    @property
    def mistake(self) -> str:
        """``""`` where the verdict is right, else what is wrong with it."""
        wanted = self.project.verdict
        if self.verdict == "crashed":
            return "crash"
        if wanted != "failed":
            return "false red" if self.verdict == "failed" else ""
        if self.verdict != "failed":
            return "false green"
        named = any(word.lower() in self.said.lower() for word in self.project.cause.split("|"))
        return "" if named else "wrong cause"

    @property
    def heavy(self) -> bool:
        return self.seconds > _USUAL_SECONDS or self.megabytes > _USUAL_MEGABYTES


def judge(project: Project) -> tuple[str, str, float]:
    """Return the verdict on a project, the first failure in a line, and the seconds it took."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arguments = dict(project.make())
    function = getattr(pytest_denorm, arguments.pop("function"))
    start = time.process_time()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            returned = function(arguments.pop("pipeline"), **arguments)
    except (AssertionError, DenormError) as error:
        return "failed", _line(f"{type(error).__name__}: {error}"), time.process_time() - start
    verdict, said = _of_returned(returned)
    if verdict == "passed" and any("pytest_denorm" in str(one.category) for one in caught):
        verdict, said = "warned", _line(str(caught[0].message))
    return verdict, said, time.process_time() - start


def _of_returned(returned: Any) -> tuple[str, str]:
    if returned is None:
        return "passed", ""
    if isinstance(returned, pytest_denorm.Diagnosis):
        return ("passed" if returned.exact else "failed"), _line(str(returned))
    if isinstance(returned, pytest_denorm.SweepResult):
        return ("passed" if returned.ok else "failed"), _line(str(returned))
    failures = returned.failures
    if failures or not returned.ok:
        said = [failures[0].name] if failures else ["nothing was verified"]
        said += [str(returned.diagnosis)] if returned.diagnosis and not returned.diagnosis.exact else []
        said += [failures[0].message] if failures else []
        others = ", ".join(one.name for one in failures[1:])
        return "failed", _line(" | ".join(said)) + (f" (also {others})" if others else "")
    warned = [one for one in returned.results if one.status == "warned"]
    return ("warned", _line(f"{warned[0].name}: {warned[0].message}")) if warned else ("passed", "")


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _apart(project: Project, channel: Any) -> None:
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        verdict, said, seconds = judge(project)
    except BaseException as error:  # whatever it is, it is the finding
        where = traceback.extract_tb(error.__traceback__)[-1]
        said = _line(f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})")
        verdict, seconds = "crashed", 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    channel.send((verdict, said, seconds, (peak - before) / 1024))


def judge_apart(project: Project) -> Judged:
    """Judge a project in a process of its own."""
    mine, theirs = multiprocessing.Pipe(duplex=False)
    worker = multiprocessing.get_context("fork").Process(target=_apart, args=(project, theirs))
    worker.start()
    theirs.close()
    try:
        found = mine.recv()
    except EOFError:
        found = ("crashed", f"the process died: it took {_SECONDS} s, or more memory than there is", 0.0, 0.0)
    worker.join()
    return Judged(project, *found)


def table(judged: list[Judged], every: bool) -> Iterator[str]:
    """The lines of the table, and the sums."""
    order = ["crash", "false green", "false red", "wrong cause", ""]
    for one in sorted(judged, key=lambda one: order.index(one.mistake)):
        if one.mistake or one.heavy or every:
            measure = f"{one.seconds:5.1f} s {one.megabytes:5.0f} MB"
            yield f"{one.mistake or ('heavy' if one.heavy else 'ok'):<12}{measure}  {one.project.name}"
            yield f"    expected {one.project.verdict} ({one.project.cause}), found {one.verdict}: {one.said[:600]}"
    sides = Counter(one.project.verdict == "failed" for one in judged)
    sums = Counter(one.mistake for one in judged)
    yield f"{sides[False]} right projects, {sides[True]} wrong ones"
    yield ", ".join(f"{name}: {sums[name]}" for name in order if name)
    yield f"over {_USUAL_SECONDS:g} s or {_USUAL_MEGABYTES:g} MB: {sum(one.heavy for one in judged)}"
    for one in sorted(judged, key=lambda one: -one.seconds)[:5]:
        yield f"  slowest: {one.seconds:.1f} s, {one.megabytes:.0f} MB, {one.project.name}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    wanted = [one for one in PROJECTS if not options.words or any(word in one.name for word in options.words)]
    judge(PROJECTS[0])  # loads what the others would have to load
    with ThreadPoolExecutor(options.jobs) as pool:
        judged = list(pool.map(judge_apart, wanted))
    print("\n".join(table(judged, options.all)))


if __name__ == "__main__":
    main()
