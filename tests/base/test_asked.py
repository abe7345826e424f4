"""Notes of sessions: only where an older run could be mistaken, kept until they are explained or taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster.base.asked import NOTHING_YET, ask, asked, explain, supersede


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A directory of reports with an older run."""
    (tmp_path / "run").mkdir()
    (tmp_path / "latest").symlink_to("run")
    return tmp_path


def test_where_there_is_no_older_run_nothing_is_written(tmp_path: Path) -> None:
    assert ask(tmp_path / "reports") is None
    assert list(tmp_path.iterdir()) == []


def test_a_session_that_says_no_more_came_to_nothing(reports: Path) -> None:
    assert ask(reports) is not None
    assert [one.why for one in asked(reports)] == [NOTHING_YET]


def test_a_note_that_was_taken_away_stays_away(reports: Path) -> None:
    note = ask(reports)
    assert note is not None
    explain(note, "because")
    assert [one.why for one in asked(reports)] == ["because"]
    supersede(reports)
    explain(note, "because")
    assert asked(reports) == []


def test_a_note_of_which_nothing_can_be_read_still_counts(reports: Path) -> None:
    for text in ("", "[]", '{"at": 3}'):
        (reports / ".asked-x").write_text(text)
        assert [one.why for one in asked(reports)] == ["its note cannot be read"]
