"""What was rehearsed is kept: once, whole, by several writers at once, across versions; or refused in one sentence."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from muster.history import History, HistoryError
from muster.history.query import Filters
from muster.store.database import open_engine, read_url
from muster.store.migrate import HERE, migrate, revision_of
from muster.store.schema import METADATA, REVISION, VERSION_TABLE
from muster.verdict import DrillVerdict

from .history_support import run_of, told, write_at_once

ALL = Filters()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "history.sqlite"


def opened(file: Path, **more: Any) -> History:
    return History.open(str(file), Path("/nowhere"), **more)


def test_a_drill_is_read_as_it_was_told(file: Path) -> None:
    with opened(file, create=True) as history:
        history.record(run_of(1), told())
        history.finish(run_of(1), verdict="met", why="1 drill met")
    with opened(file) as history:
        (drill,) = history.drills(ALL)
        (objective,) = history.objectives([drill])[drill.id]
    assert (drill.run, drill.system, drill.cluster, drill.evidence) == ("run-1", "enhancer", "embedded", "rehearsal")
    assert (drill.git_commit, drill.seed, drill.muster_version) == ("abc123", 7, "0.1.0")
    assert (drill.name, drill.nodeid) == ("db_failure", "drills/test_db_failure.py::test_db_failure")
    assert (drill.severity, drill.cadence, drill.fault) == ("P1", "monthly", "db-failure")
    assert (drill.procedure, drill.recovered_by, drill.verdict) == ("promote-standby", "promote-standby", "met")
    assert (drill.rto_value_s, drill.rto_low_s, drill.rto_high_s) == (2.0, 1.98, 2.03)
    assert (drill.rto_budget_s, drill.rto_target_s, drill.rto_verdict) == (30.0, 900.0, "met")
    assert (drill.rpo_value_s, drill.lost_writes, drill.acknowledged_writes) == (0.0, 0, 287)
    assert drill.timeline == "reports/run/db_failure.jsonl"
    assert drill.finished is not None
    assert objective[1:] == ("error_rate", "after", 0.01, 0.002, 900, "met")


def test_a_drill_of_a_run_is_kept_once_and_the_last_word_stays(file: Path) -> None:
    with opened(file, create=True) as history:
        history.record(run_of(1), told(rto=2.0))
        history.record(run_of(1), told(rto=3.0, verdict="unknown"))
        history.record(run_of(2), told(rto=4.0))
        drills = history.drills(ALL)
        objectives = history.objectives(drills)
    assert [(drill.run, drill.rto_value_s, drill.verdict) for drill in drills] == [
        ("run-1", 3.0, "unknown"),
        ("run-2", 4.0, "met"),
    ]
    assert sorted(objectives) == sorted(drill.id for drill in drills)


def test_a_run_that_crashed_keeps_its_drills_and_no_verdict(file: Path) -> None:
    with opened(file, create=True) as history:
        history.record(run_of(1), told())
    with sqlite3.connect(file) as connection:
        assert connection.execute("select verdict, finished from muster_runs").fetchall() == [("unknown", None)]
    with opened(file) as history:
        assert [drill.verdict for drill in history.drills(ALL)] == ["met"]


def test_nothing_measured_is_null_and_writes_not_looked_for_are_not_0(file: Path) -> None:
    bare = DrillVerdict(name="bare")
    with opened(file, create=True) as history:
        history.record(run_of(1), bare)
        (drill,) = history.drills(ALL)
    assert (drill.nodeid, drill.verdict) == ("bare", "unknown")
    assert (drill.rto_value_s, drill.rpo_value_s, drill.lost_writes, drill.fault) == (None, None, None, None)


@pytest.mark.parametrize(
    ("filters", "runs"),
    [
        (Filters(evidence="cluster"), ["run-2"]),
        (Filters(cluster="embedded", system="enhancer"), ["run-1", "run-3"]),
        (Filters(severities=("P3", "P4")), []),
        (Filters(drills=("pod_*",)), ["run-3"]),
        (Filters(last=1), ["run-1", "run-2", "run-3"]),
    ],
)
def test_filters(file: Path, filters: Filters, runs: list[str]) -> None:
    with opened(file, create=True) as history:
        history.record(run_of(1), told())
        history.record(run_of(2, cluster="staging", evidence="cluster"), told())
        history.record(run_of(3), told("pod_crash"))
        assert [drill.run for drill in history.drills(filters)] == runs


def test_several_open_a_new_history_and_write_at_the_same_moment(file: Path) -> None:
    write_at_once(str(file), processes=4, drills=10)
    with opened(file) as history:
        assert len(history.drills(ALL)) == 40
    assert [path.name for path in file.parent.iterdir()] == [file.name], "the file alone is the history"


def test_readers_do_not_wait_for_a_writer(file: Path) -> None:
    opened(file, create=True).record(run_of(1), told())
    with sqlite3.connect(file, isolation_level=None) as writer, opened(file) as history:
        writer.execute("begin immediate")
        writer.execute("update muster_runs set why = 'still at it'")
        assert len(history.drills(ALL)) == 1
        writer.execute("rollback")


def test_the_newest_migration_is_the_revision_and_leaves_the_tables_as_they_are_used(file: Path) -> None:
    opened(file, create=True).close()
    engine = open_engine(read_url(str(file), Path("/")))
    with engine.connect() as connection:
        assert revision_of(connection) == REVISION
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_server_default": True}
        )
        assert compare_metadata(context, METADATA) == []
    assert ScriptDirectory(str(HERE)).get_current_head() == REVISION


NEXT = """
import sqlalchemy as sa
from alembic import op
revision = "9001"
down_revision = "{before}"
def upgrade() -> None:
    op.add_column("muster_runs", sa.Column("commander", sa.Text))
    {then}
"""


def upgraded(file: Path, steps: Path, then: str = "pass") -> None:
    """Open a history as a muster to come will, whose migrations go one further."""
    steps.mkdir(exist_ok=True)
    (steps / "v9001.py").write_text(NEXT.format(before=REVISION, then=then))
    engine = open_engine(read_url(str(file), Path("/")))
    with engine.execution_options(immediate=True).begin() as connection:
        migrate(connection, steps=(HERE / "versions", steps), goal="9001")


def test_a_newer_muster_migrates_and_an_older_one_is_refused(file: Path, tmp_path: Path) -> None:
    opened(file, create=True).record(run_of(1), told())
    upgraded(file, tmp_path / "steps")
    with sqlite3.connect(file) as connection:
        assert connection.execute("select id, commander from muster_runs").fetchall() == [("run-1", None)]
    with pytest.raises(HistoryError, match=r"of a newer muster \(revision 9001, this one knows up to .*upgrade muster"):
        opened(file)
    with pytest.raises(HistoryError, match="of a newer muster"):
        opened(file, create=True)


def test_a_migration_that_fails_leaves_the_history_as_it_was(file: Path, tmp_path: Path) -> None:
    opened(file, create=True).record(run_of(1), told())
    with pytest.raises(RuntimeError, match="halfway"):
        upgraded(file, tmp_path / "steps", then="raise RuntimeError('halfway')")
    engine = open_engine(read_url(str(file), Path("/")))
    assert "commander" not in [column["name"] for column in inspect(engine).get_columns("muster_runs")]
    with opened(file) as history:
        assert len(history.drills(ALL)) == 1


def test_reading_makes_no_history(file: Path) -> None:
    with pytest.raises(HistoryError, match=r"no history at .*history\.sqlite; drills write one"):
        opened(file)
    assert not file.parent.exists()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mysql://user@host/db", "history 'mysql' is no database that muster writes to; right would be"),
        ("://x", "is no address; right would be a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("/proc/nothing/history.sqlite", "directory /proc/nothing cannot be had for the history: "),
        ("postgresql://muster:secret@127.0.0.1:1/x", "cannot be used: connection"),
    ],
)
def test_an_address_that_is_none_is_refused_in_one_sentence(address: str, message: str) -> None:
    with pytest.raises(HistoryError) as caught:
        History.open(address, Path("/nowhere"), create=True)
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "history.sqlite").write_text("all was well " * 100)
    with pytest.raises(HistoryError, match=r"history .*history.sqlite cannot be used: file is not a database"):
        opened(tmp_path / "history.sqlite")


def test_a_relative_path_starts_from_where_it_was_said(tmp_path: Path) -> None:
    for number, address in enumerate(("a.sqlite", "sqlite:///b.sqlite", f"sqlite:///{tmp_path}/c.sqlite")):
        History.open(address, tmp_path, create=True).close()
        assert (tmp_path / f"{'abc'[number]}.sqlite").exists()
