"""The battery: each check can pass and fail, says why it does not apply, and is chosen, reported and collected."""

from __future__ import annotations

import json
import random
import shlex
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from photographs import crops
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms as T
from torchvision.transforms import v2
from torchvision.utils import make_grid

from pytest_denorm import Normalization, check
from pytest_denorm.checks import CHECKS, CheckResult, Report

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
m, s = (torch.tensor(one)[:, None, None] for one in (MEAN, STD))
TO_IMAGENET = T.Compose([T.Resize(32), T.ToTensor(), T.Normalize(MEAN, STD)])
TO_MNIST = T.Compose([T.ToTensor(), T.Normalize((0.1307,), (0.3081,))])

Inverse = Callable[[torch.Tensor], Any]


class Photographs(Dataset[torch.Tensor]):
    """Crops of real photographs through a Normalize."""

    def __init__(self, mean: Any = MEAN, std: Any = STD, count: int = 64) -> None:
        self.pictures = crops(count, 32)
        self.transform = T.Compose([T.ToTensor(), T.Normalize(mean, std)])

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> torch.Tensor:
        image: torch.Tensor = self.transform(self.pictures[index])
        return image


def own_statistics(count: int = 64) -> tuple[list[float], list[float]]:
    pixels = crops(count, 32).reshape(-1, 3) / 255
    return pixels.mean(axis=0).tolist(), pixels.std(axis=0).tolist()


class Lying(T.Normalize):
    """A Normalize whose attributes are not what it does."""

    def forward(self, tensor: torch.Tensor) -> torch.Tensor:
        return (tensor - m) / (2 * s)


class Counting:
    """An inverse that depends on how often it was called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, y: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return y * s + m + 1e-3 * (self.calls % 7)


class OneByOne(T.Normalize):
    """A Normalize by statistics of its own and of the batch it is given."""

    def forward(self, tensor: torch.Tensor) -> torch.Tensor:
        shift = 0.01 * (tensor.shape[0] if tensor.ndim == 4 and tensor.shape[0] > 1 else 0)
        return (tensor - m) / s + shift


def shifted(y: torch.Tensor) -> torch.Tensor:
    """Right on contiguous memory only."""
    return y * s + m + (0.0 if y.is_contiguous() else 0.1)


def rounded_in_half(y: torch.Tensor) -> torch.Tensor:
    """float16 costs more than its arithmetic."""
    return (y * s + m).round(decimals=2) if y.dtype != torch.float32 else y * s + m


def saturating(y: torch.Tensor) -> torch.Tensor:
    return (y * s + m).clamp(0.2, 0.8)


def with_python_random(y: torch.Tensor) -> torch.Tensor:
    random.random()
    np.random.rand()
    return y * s + m


def correct(y: torch.Tensor) -> torch.Tensor:
    return y * s + m


def truncated(y: torch.Tensor) -> Any:
    array = y.numpy().transpose((1, 2, 0)) * np.array(STD) + np.array(MEAN)
    return (np.clip(array, 0, 1) * 255).astype(np.uint8)


def loop(tensor: torch.Tensor) -> torch.Tensor:
    """The one that is copied between forums and repositories."""
    tensor = tensor.clone()
    for t, mean, std in zip(tensor, MEAN, STD):  # noqa: B905
        t.mul_(std).add_(mean)
    return tensor


LYING = T.Compose([T.ToTensor(), Lying(MEAN, STD)])
#: For each check: a pipeline and an inverse (None: the derived one) with which it fails.
FAILING: dict[str, tuple[Any, Inverse | None]] = {
    "finds_normalize": (T.Compose([T.Resize(8)]), None),
    "single_normalize": (T.Compose([T.ToTensor(), T.RandomApply([T.Normalize(MEAN, STD)], p=0.5)]), None),
    "statistics_valid": (T.Compose([T.ToTensor(), T.Normalize(MEAN, [0.229, 0.0, 0.225])]), None),
    "statistics_match_channels": (
        v2.Compose([v2.Grayscale(), v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]),
        None,
    ),
    "declared_matches_measured": (LYING, None),
    "dataset_is_standardized": (Photographs([0.1, 0.1, 0.1], [0.05, 0.05, 0.05]), None),
    "round_trip": (TO_IMAGENET, lambda y: y * s),
    "reverse_round_trip": (TO_IMAGENET, lambda y: y * s),
    "bytes_exact": (TO_IMAGENET, lambda y: ((y * s + m).clamp(0, 1) * 255).byte()),
    "channel_order": (TO_IMAGENET, lambda y: (y * s + m).flip(-3)),
    "no_clipping": (TO_IMAGENET, saturating),
    "input_unchanged": (TO_IMAGENET, lambda y: y.mul_(s).add_(m)),
    "random_state_unchanged": (TO_IMAGENET, with_python_random),
    "deterministic": (TO_IMAGENET, Counting()),
    "batch_matches_single": (T.Compose([T.ToTensor(), OneByOne(MEAN, STD)]), None),
    "memory_layouts": (TO_IMAGENET, shifted),
    "low_precision": (TO_IMAGENET, rounded_in_half),
    "gradient_flows": (TO_IMAGENET, lambda y: y * s + m + (y * s).detach() - y * s),
    "inverse_as_run": (TO_IMAGENET, lambda y: y * torch.tensor(STD) + torch.tensor(MEAN)),
    "picklable": (T.Compose([T.Lambda(lambda image: image), T.ToTensor(), T.Normalize(MEAN, STD)]), None),
    "inverse_accepts_batch": (TO_IMAGENET, loop),
}


def status(report: Report, name: str) -> CheckResult:
    return next(one for one in report.results if one.name == name)


def test_every_check_is_shown_to_fail() -> None:
    assert set(FAILING) == set(CHECKS)


@pytest.mark.parametrize("name", FAILING)
def test_check_fails(name: str) -> None:
    pipeline, inverse = FAILING[name]
    for level, expected in (("error", "failed"), ("warning", "warned")):
        report = check(pipeline, inverse=inverse, select=[name], levels={name: level})
        result = status(report, name)
        assert (result.status, report.ok) == (expected, level == "warning"), result
        assert len(result.message) > 20
        json.dumps(result.details)


@pytest.mark.parametrize("inverse", [None, correct, T.Normalize((-m / s).flatten(), (1 / s).flatten())])
def test_every_check_passes_or_says_why_it_does_not_apply(inverse: Any) -> None:
    report = check(TO_IMAGENET, inverse=inverse)
    assert report.ok, report
    assert {one.name: one.message for one in report.results if one.status != "passed"} == {
        "dataset_is_standardized": "it is neither a data set nor a loader"
    }
    assert report.diagnosis is None
    assert report.failures == ()


@pytest.mark.parametrize(
    ("pipeline", "inverse", "name", "reason"),
    [
        (TO_MNIST, None, "channel_order", "there is one channel"),
        (Normalization(MEAN, STD), None, "declared_matches_measured", "there is nothing around the Normalize"),
        (TO_IMAGENET, lambda y: (y * s + m).detach(), "gradient_flows", "the inverse leaves the graph"),
        (TO_IMAGENET, lambda y: y.numpy() * s.numpy() + m.numpy(), "gradient_flows", "the inverse refuses a tensor"),
        (TO_IMAGENET, truncated, "reverse_round_trip", "the inverse gives bytes"),
        (T.Compose([T.Resize(8)]), None, "round_trip", "no Normalize to work with (NormalizeNotFoundError)"),
    ],
)
def test_reasons_for_not_applying(pipeline: Any, inverse: Any, name: str, reason: str) -> None:
    result = status(check(pipeline, inverse=inverse, select=[name]), name)
    assert result.status == "not applicable"
    assert result.message.startswith(reason)


def test_a_report_without_a_check_that_ran_is_not_ok() -> None:
    report = check(TO_MNIST, select=["channel_order"])
    assert not report.ok
    assert report.summary() == "1 check: 0 run, 1 not applicable"


def test_data_sets_are_standardized_by_their_own_statistics() -> None:
    own = Photographs(*own_statistics())
    for thing in (own, DataLoader(own, batch_size=16, shuffle=True)):
        before = torch.random.get_rng_state()
        result = status(check(thing), "dataset_is_standardized")
        assert result.status == "passed", result
        assert torch.equal(torch.random.get_rng_state(), before)


def test_statistics_of_another_data_set_are_told() -> None:
    report = check(Photographs())
    assert report.ok
    assert [one.name for one in report.warnings] == ["dataset_is_standardized"]
    assert "imagenet" in report.warnings[0].message
    assert not check(Photographs(), levels={"dataset_is_standardized": "error"}).ok
    reason = {"dataset_is_standardized": "weights of ImageNet"}
    assert check(Photographs(), expected_failures=reason, levels={"dataset_is_standardized": "error"}).ok


# --- choosing ---


def test_expected_failures() -> None:
    report = check(
        TO_IMAGENET,
        inverse=truncated,
        select=["round_trip", "bytes_exact"],
        expected_failures={"bytes_exact": "the viewer truncates", "round_trip": "likewise"},
    )
    assert report.ok is False  # nothing passed
    result = status(report, "bytes_exact")
    assert result.status == "expected failure"
    assert result.message.endswith("(the viewer truncates)")
    surprising = check(TO_IMAGENET, select=["round_trip"], expected_failures=["round_trip"])
    result = status(surprising, "round_trip")
    assert result.status == "unexpectedly passed"
    assert result.message.startswith("was expected to fail; off by ")
    assert surprising.failures == (result,)
    with pytest.raises(AssertionError, match=r"^was expected to fail; off by .*\n  fails: round_trip\n"):
        surprising.raise_for_failures()


# --- the report ---


REPORTED: dict[str, tuple[Any, Inverse | None]] = {
    "gamma": (TO_IMAGENET, lambda y: correct(y).clamp(0, 1) ** 2.2),
    "truncated": (TO_IMAGENET, truncated),
    "an eps": (TO_IMAGENET, lambda y: y * (s + 1e-5) + m),
    "BGR": (TO_IMAGENET, lambda y: correct(y).flip(-3)),
    "no Normalize": FAILING["finds_normalize"],
    "a std of 0": FAILING["statistics_valid"],
}


@pytest.mark.parametrize("name", REPORTED)
def test_a_report_fits_a_terminal_and_goes_through_json(name: str) -> None:
    pipeline, inverse = REPORTED[name]
    report = check(pipeline, inverse=inverse, name="val")
    *lines, again = str(report).splitlines()
    assert max(map(len, lines)) <= 80, str(report)
    assert again.startswith("again: import pytest_denorm")
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    read = Report.from_dict(plain)
    assert read.to_dict() == report.to_dict()
    assert (str(read), read.ok, read.summary()) == (str(report), report.ok, report.summary())
    assert json.loads(report.to_json()) == plain


# --- in a session ---

MODULE = """
from torchvision import transforms as T
good = T.Compose([T.ToTensor(), T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
bad = T.Compose([T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), inplace=True)])
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(pipelines=MODULE)
    pytester.makepyfile(
        test_it="""
        from pipelines import bad, good
        from pytest_denorm import parametrize_with_checks

        @parametrize_with_checks({"good": good, "bad": bad}, skip=["low_precision"],
                                 expected_failures={"picklable": "never"})
        def test_normalize(denorm_check):
            denorm_check()
        """
    )
    return pytester


def test_parametrize_with_checks(project: pytest.Pytester) -> None:
    per_pipeline = len(CHECKS) - 1
    result = project.runpytest_inprocess("-p", "no:randomly", "-q")
    outcomes = result.parseoutcomes()
    assert sum(outcomes.get(one, 0) for one in ("passed", "failed", "skipped")) == 2 * per_pipeline
    assert outcomes["failed"] == 3  # in place, and two that were expected to fail and did not
    result.stdout.fnmatch_lines(["*AssertionError: Normalize changes its input in place*"])
    result.stdout.fnmatch_lines(["*again: pytest 'test_it.py::test_normalize[[]bad-input_unchanged]'"])
    result = project.runpytest_inprocess("--lf", "-q")
    assert result.parseoutcomes()["failed"] == 3
    result = project.runpytest_inprocess("-k", "good-round_trip", "-q")
    result.assert_outcomes(passed=1, deselected=2 * per_pipeline - 1)


def test_checks_of_pipelines_in_the_ini(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(myproject=MODULE)
    pytester.makeini("[pytest]\ndenorm_pipelines =\n    val = myproject:good\n    train = myproject:bad\n")
    result = pytester.runpytest_inprocess("--denorm", "-v", "-p", "no:randomly")
    result.stdout.fnmatch_lines(["tox.ini::val::round_trip*PASSED*", "tox.ini::train::input_unchanged*FAILED*"])
    assert result.parseoutcomes()["failed"] == 1
    result = pytester.runpytest_inprocess("--denorm", "-k", "val and round_trip", "-v")
    result.assert_outcomes(passed=2, deselected=2 * len(CHECKS) - 2)
    result = pytester.runpytest_inprocess("--denorm", "--lf", "-q")
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(["again: pytest --denorm tox.ini::train::input_unchanged"])
    assert pytester.runpytest_inprocess("-q").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_helper_that_makes_one_image_of_a_batch_takes_no_batch() -> None:
    def grid(y: torch.Tensor) -> torch.Tensor:
        x = y * s + m
        return make_grid(x, padding=2) if x.ndim == 4 else x

    found = status(check(TO_IMAGENET, inverse=grid, select=["inverse_accepts_batch"]), "inverse_accepts_batch")
    assert (found.status, found.message) == (
        "not applicable",
        "the inverse makes one image of a batch, as make_grid does",
    )


NOTHING = """
from torchvision import transforms as T
from pytest_denorm import parametrize_with_checks

nothing = T.Compose([T.ToTensor()])

@parametrize_with_checks({"val": nothing}, select=["round_trip", "bytes_exact"])
def test_two(denorm_check):
    denorm_check()

@parametrize_with_checks({"val": nothing}, select=["round_trip"], expected_failures=["round_trip"])
def test_expected(denorm_check):
    denorm_check()
"""


def test_no_normalize_fails_where_no_check_beside_it_says_so(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_nothing=NOTHING)
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-q")
    result.assert_outcomes(failed=3)  # also where another failure was expected
    result.stdout.fnmatch_lines(["*AssertionError:*no Normalize in Compose*"])
    pytester.makeini(
        "[pytest]\ndenorm_pipelines = val = test_nothing:nothing\npythonpath = .\npython_files = none.py\n"
    )
    result = pytester.runpytest_inprocess("--denorm", "-q", "-k", "bytes_exact")
    result.assert_outcomes(failed=1, deselected=len(CHECKS) - 1)
    result = pytester.runpytest_inprocess("--denorm", "-q")
    assert result.parseoutcomes()["failed"] == 1  # finds_normalize says it


@pytest.mark.parametrize("arguments", ["select=[]", 'select=["round_trip"], skip=["round_trip"]'])
def test_no_check_at_all_is_an_error(pytester: pytest.Pytester, arguments: str) -> None:
    pytester.makepyfile(
        f"""
        from pytest_denorm import parametrize_with_checks

        @parametrize_with_checks(["imagenet"], {arguments})
        def test_none(denorm_check): ...
        """
    )
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*no check is left of what select, skip and levels say: expected at least one."])


@pytest.mark.parametrize("name", ["val set", 'not an "or"', "a/b $größe"])
def test_what_runs_a_check_again_runs_it_alone(pytester: pytest.Pytester, name: str) -> None:
    pytester.makepyfile(
        broken="""
        from torchvision import transforms as T

        class Off(T.Normalize):
            def forward(self, image):
                return super().forward(image) + 0.1

        bad = T.Compose([T.ToTensor(), Off(0.5, 0.5)])
        """
    )
    pytester.makeini(f"[pytest]\ndenorm_pipelines =\n    {name} = broken:bad\n")
    result = pytester.runpytest_inprocess("--denorm", "-q", "-p", "no:randomly")
    commands = [line for line in result.outlines if line.startswith("again: ")]
    assert commands
    for command in commands:
        arguments = shlex.split(command.removeprefix("again: pytest "))
        outcomes = pytester.runpytest_inprocess(*arguments, "-q").parseoutcomes()
        assert outcomes == {"failed": 1}
