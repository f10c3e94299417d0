"""Bad options, on the command line of pytest and in the ini: an error that names the value, and no crash."""

from __future__ import annotations

from typing import Any

import pytest
from rows_of_sessions import OTHER_MODULES, PROJECT, SESSIONS, TESTS, Session
from unchanged import unchanged


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    for file, text in {"mydata.py": PROJECT, **OTHER_MODULES, "test_project.py": TESTS}.items():
        (pytester.path / file).write_text(text)
    (pytester.path / "notes.txt").write_text("mine")
    (pytester.path / "empty folder").mkdir()
    (pytester.path / "kept").mkdir()
    (pytester.path / "kept" / "a.txt").write_text("mine too")
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> Any:
    plain = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:randomly", "-p", "no:xdist")
    return project.runpytest_inprocess(*plain, *arguments)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in SESSIONS])
def test_a_bad_option_is_named(row: Session, project: pytest.Pytester) -> None:
    project.makeini(f"[pytest]\n{row.ini}\n")
    with unchanged(project.path):
        result = run(project, *row.arguments)
    output = "\n".join([*result.outlines, *result.errlines])
    assert result.ret == row.code, output
    assert "INTERNALERROR" not in output
    assert "Traceback (most recent call last)" not in output
    for piece in row.says:
        assert piece in output, output
