"""Running one check, and what its outcome is called."""

from __future__ import annotations

import traceback

from ..errors import DenormError
from ..pipelines.randomness import preserve_rng_state
from ..pipelines.runner import one_thread
from .case import Case
from .choice import Choice
from .outcome import CheckFailure, CheckResult, CheckWarning, NotApplicable
from .table import CHECKS, WARNINGS

__all__ = ["run_check", "run_checks"]

_ALL = Choice()


def run_checks(case: Case, choice: Choice) -> list[CheckResult]:
    """Return what each check that was chosen gives, and keep it in the case."""
    results = [
        CheckResult(name, "skipped", "left out as asked") if name in choice.left_out else run_check(case, name, choice)
        for name in choice.wanted
    ]
    case.results.update({one.name: one for one in results})
    return results


def run_check(case: Case, name: str, choice: Choice = _ALL) -> CheckResult:
    """Return what one check gives."""
    asked = choice.levels.get(name)
    try:
        with one_thread(), preserve_rng_state():
            shown = CHECKS[name](case)
    except NotApplicable as reason:
        return CheckResult(name, "not applicable", str(reason))
    except CheckFailure as failure:
        status, message, details = "failed", str(failure), failure.details
        if (asked or ("warning" if name in WARNINGS else "error")) == "warning":
            status = "warned"
    except CheckWarning as warning:
        message, details = str(warning), warning.details
        status = "failed" if asked == "error" else "warned"
    except DenormError as error:  # the user's code raised, or gave no image: as long as nobody asked, that is an error
        message, details = str(error), {"error": type(error).__name__}
        status = "warned" if asked == "warning" else "failed"
    except (Exception, SystemExit) as error:  # of the user's code, where nothing else says so
        message = f"{type(error).__name__}: {error}".partition("\n")[0]
        status, details = "failed", {"error": type(error).__name__, "where": _where(error)}
    else:
        if name in choice.expected:
            because = _because(choice.expected[name])
            return CheckResult(
                name, "unexpectedly passed", f"was expected to fail{because}; {shown.message}", shown.details
            )
        return CheckResult(name, "passed", shown.message, shown.details)
    if name in choice.expected:
        first = message.partition("\n")[0]  # that is known already
        return CheckResult(name, "expected failure", f"{first}{_because(choice.expected[name])}", details)
    return CheckResult(name, status, message, details)


def _where(error: BaseException) -> str:
    """The place that raised, as ``file:line``."""
    raised = traceback.extract_tb(error.__traceback__)[-1]
    return f"{raised.filename}:{raised.lineno}"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
