"""The kinds of errors: what can catch them, and what they carry."""

from __future__ import annotations

import pickle

import pytest

from pytest_denorm import errors
from pytest_denorm.errors import (
    DenormError,
    DenormWarning,
    MissingNormalizeWarning,
    NormalizeNotFoundError,
    PipelineRaisedError,
)

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DenormError)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not DenormError])
def test_each_is_also_the_built_in_kind_that_a_caller_would_expect(kind):
    assert issubclass(kind, (ValueError, TypeError, LookupError, RuntimeError, ImportError))


@pytest.mark.parametrize("kind", KINDS)
def test_each_can_be_sent_between_processes(kind):
    sent = pickle.loads(pickle.dumps(kind("What was found.")))
    assert type(sent) is kind
    assert str(sent) == "What was found."


def test_warnings_are_of_one_kind():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Warning)]
    assert all(issubclass(kind, DenormWarning) and issubclass(kind, UserWarning) for kind in kinds)


def test_advice_follows_what_was_found():
    error = NormalizeNotFoundError("No Normalize.", "Give one.")
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert str(each) == "No Normalize. Give one."
        assert each.said == "No Normalize."
    assert str(NormalizeNotFoundError("No Normalize.")) == "No Normalize."


def test_what_was_measured_goes_with_the_error():
    assert NormalizeNotFoundError("No Normalize.").measured is None
    error = NormalizeNotFoundError("No Normalize.", "Give one.", (1, 2))
    assert error.measured == pickle.loads(pickle.dumps(error)).measured == (1, 2)


def test_a_missing_normalize_is_not_sure_unless_that_is_said():
    for warning, sure in ((MissingNormalizeWarning("One."), False), (MissingNormalizeWarning("One.", True), True)):
        for each in (warning, pickle.loads(pickle.dumps(warning))):
            assert (str(each), each.sure) == ("One.", sure)


def test_where_a_pipeline_raised():
    error = PipelineRaisedError("It raised.", "in Normalize", False)
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert (str(each), each.stage, each.is_own, each.trace) == ("It raised.", "in Normalize", False, None)
