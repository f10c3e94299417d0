"""What a report says, word for word, and what is kept of it; and which checks are run."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from torchvision import transforms as T

from pytest_denorm import Normalization, Report, check, parametrize_with_checks
from pytest_denorm.checks import CHECKS, CheckResult, Diagnosis
from pytest_denorm.checks.assertion import failed_round_trip
from pytest_denorm.checks.bound import BoundCheck
from pytest_denorm.checks.case import Case
from pytest_denorm.checks.choice import Choice
from pytest_denorm.diagnosis.verdict import Finding
from pytest_denorm.errors import (
    CheckNameError,
    ImageError,
    PipelineError,
    VerificationWarning,
)

SOURCE = "Compose.transforms[1]: torchvision.transforms.Normalize"
STATISTICS = "mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225), images in 0..1"
LONG = "channels are mixed: red also answers to green (0.1 for 0.9 of its own), and blue to all of them."
WRONG_STD = Diagnosis("wrong-std", False, 0.1, 5, 768, "blue: gain 1.133, offset -0.054: the inverse uses std 0.255.")
HALF = Normalization(0.5, 0.25)


def report(*results: CheckResult, diagnosis: Diagnosis | None = None, inverse: str = "derived", **more: Any) -> Report:
    return Report(**{"name": "val", "source": SOURCE, "statistics": STATISTICS, **more}, inverse=inverse,
                  results=results, diagnosis=diagnosis)  # fmt: skip


OF_EVERY_KIND = report(
    CheckResult("finds_normalize", "passed", SOURCE),
    CheckResult("single_normalize", "skipped", "left out as asked"),
    CheckResult("statistics_valid", "skipped", "left out as asked"),
    CheckResult("dataset_is_standardized", "not applicable", "it is neither a data set nor a loader"),
    CheckResult("round_trip", "failed", "0.1 = 25.5 levels of 255\n5 of 768 come back as another byte"),
    CheckResult("channel_order", "failed", LONG),
    CheckResult("no_clipping", "expected failure", "levels 0 and 2 come back as one (as asked)"),
    CheckResult("picklable", "unexpectedly passed", "was expected to fail; 7 bytes"),
    inverse="project.undo (project.py:3)",
    diagnosis=WRONG_STD,
    again="import pytest_denorm; print(pytest_denorm.check(val, select=['round_trip', 'channel_order', 'picklable']))",
)


def test_a_report_in_words() -> None:
    assert str(OF_EVERY_KIND) == (
        "pytest-denorm: val: Compose.transforms[1]: torchvision.transforms.Normalize\n"
        "  mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225), images in 0..1\n"
        "  inverse: project.undo (project.py:3)\n"
        "  ok    finds_normalize\n"
        "        Compose.transforms[1]: torchvision.transforms.Normalize\n"
        "  skip  single_normalize, statistics_valid\n"
        "        left out as asked\n"
        "  n/a   dataset_is_standardized    it is neither a data set nor a loader\n"
        "  FAIL  round_trip\n"
        "        0.1 = 25.5 levels of 255\n"
        "        5 of 768 come back as another byte\n"
        "        for the same reason: channel_order\n"
        "  xfail no_clipping                levels 0 and 2 come back as one (as asked)\n"
        "  XPASS picklable                  was expected to fail; 7 bytes\n"
        "diagnosis: wrong-std: blue: gain 1.133, offset -0.054: the inverse uses std\n"
        "  0.255.\n"
        "8 checks: 5 run, 1 passed, 2 failed, 1 not applicable, 2 skipped, 1 expected\n"
        "  failure, 1 unexpectedly passed\n"
        "again: import pytest_denorm; print(pytest_denorm.check(val, select=['round_trip', 'channel_order', "
        "'picklable']))"
    )


def test_the_failure_of_one_test_in_words() -> None:
    text = OF_EVERY_KIND.failure_text()
    assert text == (
        "wrong-std: blue: gain 1.133, offset -0.054: the inverse uses std 0.255.\n"
        "  fails: round_trip, channel_order\n"
        "  0.1 = 25.5 levels of 255\n"
        "  5 of 768 come back as another byte\n"
        "was expected to fail; 7 bytes\n"
        "  fails: picklable\n"
        "pipeline: val: Compose.transforms[1]: torchvision.transforms.Normalize\n"
        "  mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225), images in 0..1\n"
        "  inverse: project.undo (project.py:3)\n"
        "again: import pytest_denorm; print(pytest_denorm.check(val, select=['round_trip', 'channel_order', "
        "'picklable']))"
    )
    again = "pytest --denorm pytest.ini::val::round_trip"
    assert OF_EVERY_KIND.failure_text(again) == text[: text.index("again")] + f"again: {again}"


def test_what_is_long_goes_on_in_the_next_line() -> None:
    names = ["reverse_round_trip", "bytes_exact", "channel_order", "memory_layouts", "gradient_flows"]
    skipped = (CheckResult(name, "skipped", "left out as asked") for name in names)
    lines = str(report(*skipped, CheckResult("picklable", "passed", "7\nbytes"), name="transforms." * 5)).splitlines()
    assert lines == [
        "pytest-denorm: transforms.transforms.transforms.transforms.transforms.:",
        "  Compose.transforms[1]: torchvision.transforms.Normalize",
        f"  {STATISTICS}",
        "  inverse: derived",
        "  skip  reverse_round_trip, bytes_exact, channel_order, memory_layouts,",
        "        gradient_flows",
        "        left out as asked",
        "  ok    picklable",
        "        7",
        "        bytes",
        "6 checks: 1 run, 1 passed, 5 skipped",
    ]


def test_one_cause_is_told_once() -> None:
    messages = {"round_trip": "off", "picklable": "no disk\ntoday", "bytes_exact": "wrong", "deterministic": "no disk"}
    failed = report(*(CheckResult(name, "failed", said) for name, said in messages.items()), diagnosis=WRONG_STD)
    assert [(cause.line, cause.names) for cause in failed.causes] == [
        (str(WRONG_STD), ("round_trip", "bytes_exact")),
        ("no disk", ("picklable", "deterministic")),
    ]
    lines = failed.failure_text().splitlines()
    assert lines[1:5] == ["  fails: round_trip, bytes_exact", "  off", "no disk", "  fails: picklable, deterministic"]
    assert lines[5] == "  today"
    rows = [line.strip() for line in str(failed).splitlines()[3:-2]]
    assert rows[:4] == [
        "FAIL  round_trip                 off",
        "for the same reason: bytes_exact",
        "FAIL  picklable",
        "no disk",
    ]


def test_a_notebook_shows_each_result_in_its_color() -> None:
    green, red, grey = "#2e7d32", "#c62828", "#757575"
    page = ElementTree.fromstring(OF_EVERY_KIND._repr_html_())
    rows = [list(row) for row in page.iter("tr")]
    results = OF_EVERY_KIND.results
    assert [["".join(cell.itertext()) for cell in row] for row in rows] == [
        [one.status, one.name, one.message] for one in results
    ]
    assert not any(row.tail for row in page.iter("tr"))
    colors = [green, grey, grey, grey, red, red, grey, red]
    assert all(f";color:{color};" in row[0].attrib["style"] for color, row in zip(colors, rows, strict=True))
    title, *facts, _, summary = page
    assert (title.text, title.attrib["style"]) == (f"pytest-denorm: {OF_EVERY_KIND.title}", f"color:{red}")
    assert [fact.text for fact in facts] == [
        STATISTICS,
        "inverse: project.undo (project.py:3)",
        f"diagnosis: {WRONG_STD}",
    ]
    assert summary.text == OF_EVERY_KIND.summary()


@pytest.mark.parametrize(
    ("statuses", "ok", "failures"),
    [
        (["passed"], True, 0),
        (["passed", "skipped", "not applicable", "expected failure"], True, 0),
        (["warned"], True, 0),
        (["warned", "failed"], False, 1),
        (["passed", "failed"], False, 1),
        (["passed", "unexpectedly passed", "failed"], False, 2),
        (["skipped", "not applicable", "expected failure"], False, 0),
        ([], False, 0),
    ],
)
def test_ok(statuses: list[str], ok: bool, failures: int) -> None:
    found = report(*(CheckResult("round_trip", status, "") for status in statuses))
    assert (found.ok, len(found.failures)) == (ok, failures)
    if "warned" in statuses:
        with pytest.warns(VerificationWarning, match="val: "), contextlib.suppress(AssertionError):
            found.raise_for_failures()
    elif ok:
        found.raise_for_failures()
    else:
        with pytest.raises(AssertionError) as caught:
            found.raise_for_failures()
        assert str(caught.value) == found.failure_text()
        assert failed_round_trip(caught.value) is None  # there are no images


def test_a_report_as_plain_data() -> None:
    said = Diagnosis(
        "wrong-std", False, math.inf, 5, 768, "one", (Finding("eps", "two", math.nan, True),), (1.0, 2.0), (0.0, 0.5)
    )
    numbers = {"error": math.nan, "order": (2, 1, 0), "float16": {"levels": -math.inf}}
    found = report(CheckResult("round_trip", "failed", "off", numbers), diagnosis=said)
    plain = {
        "name": "val",
        "source": SOURCE,
        "statistics": STATISTICS,
        "inverse": "derived",
        "ok": False,
        "results": [
            {
                "name": "round_trip",
                "status": "failed",
                "message": "off",
                "details": {"error": None, "order": [2, 1, 0], "float16": {"levels": None}},
            }
        ],
        "diagnosis": {
            "kind": "wrong-std",
            "exact": False,
            "max_abs_error": None,
            "wrong_levels": 5,
            "total_levels": 768,
            "message": "one",
            "alternatives": [{"kind": "eps", "message": "two", "effect": None, "equal": True}],
            "gain": [1.0, 2.0],
            "offset": [0.0, 0.5],
        },
        "output_max": None,
        "notes": [],
        "again": "",
    }
    assert found.to_dict() == plain
    assert found.to_json() == json.dumps(plain, indent=2)
    again = Report.from_dict(plain)
    assert again.to_dict() == plain
    assert again.diagnosis is not None
    assert again.diagnosis.gain == (1.0, 2.0)
    assert again.diagnosis.offset == (0.0, 0.5)
    assert again.diagnosis.alternatives == (Finding("eps", "two", None, True),)  # type: ignore[arg-type]
    assert again.results == (CheckResult("round_trip", "failed", "off", plain["results"][0]["details"]),)  # type: ignore[index]
    assert Report.from_dict({**plain, "diagnosis": None}).diagnosis is None


def test_one_failure_is_enough_for_a_diagnosis() -> None:
    found = check(HALF, inverse=lambda y: y, select=["round_trip", "picklable"])
    assert [one.status for one in found.results] == ["failed", "passed"]
    assert found.diagnosis is not None
    assert found.diagnosis.kind == "not-inverted"
    assert check(HALF, select=["round_trip"]).to_dict()["diagnosis"] is None
    assert [one.name for one in check(HALF).results] == list(CHECKS)


# --- what a check of a pipeline puts into it ---


def mutating(y: torch.Tensor) -> torch.Tensor:
    return y.mul_(0.25).add_(0.5)


def test_what_was_verified_is_named() -> None:
    found = check(HALF, inverse=mutating, name="val", select=["input_unchanged"])
    assert (found.name, found.source) == ("val", "Normalization")
    assert found.statistics == str(HALF)
    assert found.inverse == f"test_report.mutating ({__file__}:{mutating.__code__.co_firstlineno})"
    assert found.diagnosis is not None
    assert found.diagnosis.kind == "mutates-input"
    assert "Case(" not in repr(found)
    plain = check(HALF, select=["input_unchanged"])
    assert (plain.name, plain.inverse, plain.diagnosis) == ("", "derived", None)
    assert check(Normalization(0.5, 0.25, source="here"), select=["picklable"]).source == "here"


def test_a_notebook_shows_no_picture_of_what_passed_or_raised() -> None:
    assert "<img" not in check(HALF, select=["round_trip"])._repr_html_()
    raising = check(HALF, inverse=lambda y: 1 / 0, select=["round_trip"])
    assert raising.can_be_drawn
    assert "<img" not in raising._repr_html_()


def test_outcomes_carry_their_numbers() -> None:
    wrong, right = {"inverse": lambda y: y, "select": ["channel_order", "round_trip"]}, {"select": ["round_trip"]}
    assert check(HALF, **right).results[0].details.keys() == {"max_abs_error", "tolerance", "ratio", "wrong_levels"}
    trip, order = check(HALF, **wrong).results
    assert (order.status, order.details) == ("not applicable", {})
    assert trip.details["max_abs_error"] == 2
    expected, _ = check(HALF, **wrong, expected_failures=["round_trip"]).results
    first = trip.message.partition("\n")[0]
    assert expected == CheckResult("round_trip", "expected failure", first, trip.details)
    (surprise,) = check(HALF, **right, expected_failures={"round_trip": "a reason"}).results
    assert surprise.message.startswith("was expected to fail (a reason); off by ")
    assert surprise.details.keys() == trip.details.keys()
    (left_out,) = check(HALF, **right, skip=["round_trip"]).results
    assert left_out == CheckResult("round_trip", "skipped", "left out as asked", {})


def test_pictures_of_different_sizes_make_no_batch() -> None:
    pictures = torch.rand(3, 3, 6, 8, generator=torch.Generator().manual_seed(0))
    names = ["round_trip", "batch_matches_single"]
    for images, status in (
        (pictures, "passed"),
        ([*pictures, pictures[0, :, :5]], "not applicable"),
        ([pictures[0, :, :5], pictures[0], pictures[0, :, :, :5]], "not applicable"),
    ):
        trip, batch = check(HALF, images=images, select=names).results
        assert (trip.status, batch.status) == ("passed", status)
    assert batch.message == "the images differ in size, and make no batch"


# --- which checks ---


def test_checks_come_in_the_order_of_the_battery() -> None:
    names = ["picklable", "round_trip", "finds_normalize"]
    assert [one.name for one in check(HALF, select=names).results] == ["finds_normalize", "round_trip", "picklable"]
    assert check(HALF, select=iter(names)).summary() == "3 checks: 3 run, 3 passed"
    assert check(HALF, select=[]).results == ()


@pytest.mark.parametrize("argument", ["select", "skip", "expected_failures"])
def test_names_that_are_no_checks(argument: str) -> None:
    all_of_them = ", ".join(CHECKS)
    for wrong, said in (
        (
            ["round_tripp"],
            f"names 'round_tripp', which is no check. Did you mean 'round_trip'? There are: {all_of_them}.",
        ),
        (["xyz"], f"names 'xyz', which is no check. There are: {all_of_them}."),
        ([7], f"names 7, which is no check. There are: {all_of_them}."),
        ("picklable", "is 'picklable': expected a list of names of checks, such as ['picklable']."),
        (
            3,
            "is 3: expected a list of names of checks, such as ['round_trip']. TypeError: 'int' object is not iterable",
        ),
    ):
        with pytest.raises(CheckNameError) as caught:
            check(HALF, **{argument: wrong})  # type: ignore[arg-type]
        assert str(caught.value) == f"{argument} {said}"


# --- one check as a test ---


def outcome(name: str, expected: str | None = None, again: str | None = None, **case: Any) -> BaseException | None:
    try:
        choice = Choice() if expected is None else Choice(expected={name: expected})
        BoundCheck(Case(HALF, **case), name, choice, again)()
    except BaseException as error:  # pytest's outcomes are no Exception
        return error
    return None


def test_a_bound_check_has_the_outcome_of_its_check() -> None:
    assert outcome("round_trip") is None
    skipped = outcome("channel_order")
    assert isinstance(skipped, pytest.skip.Exception)
    assert str(skipped) == "there is one channel"
    xfailed = outcome("input_unchanged", "known", inverse=mutating)
    assert isinstance(xfailed, pytest.xfail.Exception)
    assert str(xfailed).endswith("Work on a clone. (known)")
    failed = outcome("round_trip", inverse=lambda y: y, again="make check")
    assert type(failed) is AssertionError
    assert str(failed).startswith("not-inverted: ")
    assert "\n  fails: round_trip\n" in str(failed)
    assert str(failed).endswith("\nagain: make check")
    assert failed_round_trip(failed) is not None
    surprising = outcome("round_trip", "")
    assert type(surprising) is AssertionError
    assert str(surprising).startswith("was expected to fail; off by ")


def test_a_bound_check_alone_fails_where_no_normalize_can_be_used() -> None:
    nothing = Case(T.Compose([T.Normalize(0.5, 0.25), T.Normalize(0.5, 0.2)]))
    with pytest.raises(pytest.skip.Exception, match="no Normalize to work with"):
        BoundCheck(nothing, "round_trip")()
    alone = Choice(wanted=("finds_normalize", "round_trip"))  # it is single_normalize that would say so
    with pytest.raises(AssertionError, match=r"^2 Normalize on one path"):
        BoundCheck(nothing, "round_trip", alone)()
    BoundCheck(nothing, "picklable", alone)()  # it needs none
    with pytest.raises(pytest.skip.Exception, match="there is one channel"):
        BoundCheck(Case(HALF), "channel_order", alone)()


def test_what_fails_for_a_reason_that_was_told_is_told_in_one_line() -> None:
    case = Case(HALF, lambda y: y, name="val")
    said = []
    for name in ("round_trip", "reverse_round_trip", "bytes_exact"):
        with pytest.raises(AssertionError) as caught:
            BoundCheck(case, name)()
        said.append(str(caught.value))
    assert "\nagain: " in said[0]
    assert said[1:] == ["same cause as round_trip: not-inverted"] * 2


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ({"round_tripp": "error"}, "levels names 'round_tripp', which is no check. Did you mean 'round_trip'? There"),
        ({"round_trip": "fatal"}, "levels gives round_trip the level 'fatal': expected error, warning or off."),
        ({"round_trip": None}, "levels gives round_trip the level None: expected error, warning or off."),
        (["round_trip"], "levels is ['round_trip']: expected a level for each name of a check, such as {'dataset_is"),
    ],
)
def test_levels_that_are_none(levels: Any, said: str) -> None:
    with pytest.raises(CheckNameError) as caught:
        check(HALF, levels=levels)
    assert str(caught.value).startswith(said)


def test_a_check_may_be_off() -> None:
    found = check(HALF, select=["round_trip", "picklable"], levels={"picklable": "off"})
    assert [one.status for one in found.results] == ["passed", "skipped"]


def leaving(y: torch.Tensor) -> torch.Tensor:
    sys.exit(3)


def test_code_that_ends_the_process_fails_its_check() -> None:
    (trip,) = check(HALF, inverse=leaving, select=["round_trip"]).results
    assert trip.status == "failed"
    assert "SystemExit: 3" in trip.message


def test_parameters_are_named_after_pipelines_and_checks() -> None:
    names = ["round_trip", "picklable"]

    def parameters(pipelines: Any, **options: Any) -> list[BoundCheck]:
        mark = parametrize_with_checks(pipelines, select=names, **options).mark  # type: ignore[attr-defined]
        argument, bound = mark.args
        assert (mark.name, argument) == ("parametrize", "denorm_check")
        assert mark.kwargs["ids"] is repr
        return list(bound)

    assert [*map(repr, parameters({"val": HALF, "train": HALF}))] == [
        "val-round_trip", "val-picklable", "train-round_trip", "train-picklable"
    ]  # fmt: skip
    assert [*map(repr, parameters(iter([HALF, HALF]), skip=["picklable"]))] == ["0-round_trip", "1-round_trip"]
    pictures = torch.zeros(1, 2, 3)
    trip, pickling = parameters([HALF], inverse=mutating, images=pictures, expected_failures={"picklable": "known"})
    assert trip.case is pickling.case
    assert (trip.case.given_inverse, pickling.choice.expected) == (mutating, {"picklable": "known"})
    assert trip.case.given_images is pictures
    assert trip.case.output_max is None
    names.append("finds_normalize")
    (of_bytes, *_) = parameters([HALF], inverse=mutating, output_max=255)
    assert of_bytes.case.output_max == 255
    with pytest.raises(ImageError, match=r"^output_max is 255, and there is no inverse"):
        parameters([HALF], output_max=255)
    with pytest.raises(
        CheckNameError, match=r"^no check is left of what select, skip and levels say: expected at least one\.$"
    ):
        parameters([HALF], skip=names)


class Steps(list[Any]):
    def __call__(self, image: Any) -> Any:
        return image


@pytest.mark.parametrize(
    ("pipelines", "said"),
    [
        ("val", "pipelines is 'val': expected pipelines by name, or a list of them."),
        (HALF, f"pipelines is {HALF!r}: expected pipelines by name, or a list of them."),
        (Steps([1, 2]), "pipelines is [1, 2]: expected pipelines by name, or a list of them."),
        ([], "there is no pipeline to check: expected at least one, by name or in a list."),
        ({}, "there is no pipeline to check: expected at least one, by name or in a list."),
        (
            torch.nn.Sequential(T.Normalize(0.5, 0.5)),
            "pipelines is a torch.nn.modules.container.Sequential: expected pipelines by name, or a list of them.",
        ),
    ],
)
def test_pipelines_that_are_none(pipelines: Any, said: str) -> None:
    with pytest.raises(PipelineError) as caught:
        parametrize_with_checks(pipelines)
    assert str(caught.value) == said
