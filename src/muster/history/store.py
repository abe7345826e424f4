"""A history that is open: what happened is written, and read again by filters."""

from __future__ import annotations

import contextlib
import importlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import URL, Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from muster.base import clock
from muster.history.database import open_engine, read_url, shown, use_write_ahead_log
from muster.history.errors import HistoryError, NoHistoryError
from muster.history.facts import DrillFacts, ObjectiveFacts, RunFacts
from muster.history.migrate import migrate, revision_of
from muster.history.query import Filters, conditions
from muster.history.rows import drill_row, objective_rows, run_row
from muster.history.schema import DRILLS, OBJECTIVES, REVISION, RUNS

if TYPE_CHECKING:
    from muster.verdict import DrillVerdict

NAMED = 1000  # to name more drills in a statement takes longer than to pass over what lies between them
_OF_RUN = ("started", "finished", "system", "cluster", "evidence", "muster_version", "git_commit", "seed")
_COLUMNS = [
    DRILLS.c.run_id if name == "run" else RUNS.c[name] if name in _OF_RUN else DRILLS.c[name]
    for name in DrillFacts._fields
]


class History:
    """A database of drills. Safe to have open in several processes at once; a context manager."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, address: str, base: Path, *, create: bool = False) -> Self:
        """The history at a URL or path (relative to `base`), brought to the form that this muster knows.

        Raises:
            HistoryError: there is none and `create` is false, it cannot be opened, or a newer muster made it.
        """
        url = read_url(address, base)
        if url.get_backend_name() == "sqlite":
            _find_file(url, create=create)
        history = cls(open_engine(url))
        with history._told():
            if create and url.get_backend_name() == "sqlite":
                use_write_ahead_log(history._engine)
            history._bring_up_to_date(create=create)
        return history

    def _bring_up_to_date(self, *, create: bool) -> None:
        with self._engine.connect() as connection:
            found = revision_of(connection)
        if found is None and not create:
            raise _none_at(self._engine.url)
        if found != REVISION:
            with self._writing() as connection:
                migrate(connection)

    def record(self, run: RunFacts, drill: DrillVerdict) -> None:
        """Keep a drill of a run. Told again of the same run and node id, the last word stays.

        Raises:
            HistoryError: it cannot be written.
        """
        with self._told(), self._writing() as connection:
            self._begin_run(connection, run)
            row = drill_row(run, drill, at=clock.utc_iso())
            same = (DRILLS.c.run_id == run.id) & (DRILLS.c.nodeid == row["nodeid"])
            connection.execute(delete(DRILLS).where(same))
            key = connection.execute(insert(DRILLS).values(row)).inserted_primary_key
            assert key is not None
            if rows := objective_rows(drill, drill_id=key[0]):
                connection.execute(insert(OBJECTIVES), rows)

    def _begin_run(self, connection: Connection, run: RunFacts) -> None:
        """Have the run's row, and hold it until the transaction ends: its writers take turns."""
        # Each has its own; to import both costs a reader a tenth of his time.
        dialect = importlib.import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
        statement = dialect.insert(RUNS).values(run_row(run))
        connection.execute(
            statement.on_conflict_do_update(index_elements=[RUNS.c.id], set_={"started": statement.excluded.started})
        )

    def finish(self, run: RunFacts, *, verdict: str, why: str) -> None:
        """Say that a run is over. A run without drills is none, and is not kept.

        Raises:
            HistoryError: it cannot be written.
        """
        with self._told(), self._writing() as connection:
            values = {"finished": clock.utc_iso(), "verdict": verdict, "why": why}
            connection.execute(update(RUNS).where(RUNS.c.id == run.id).values(values))

    def add_all(self, runs: Sequence[dict[str, Any]], drills: Sequence[dict[str, Any]], slo: Sequence[Any]) -> None:
        """Write many rows in one transaction: what a benchmark, or a merge of histories, needs."""
        with self._told(), self._writing() as connection:
            for table, rows in ((RUNS, runs), (DRILLS, drills), (OBJECTIVES, slo)):
                if rows:
                    connection.execute(insert(table), list(rows))

    def drills(self, filters: Filters) -> list[DrillFacts]:
        """The drills that fit, oldest first.

        Raises:
            HistoryError: the history cannot be read.
        """
        statement = select(*_COLUMNS).join(RUNS, RUNS.c.id == DRILLS.c.run_id)
        statement = statement.where(*conditions(filters)).order_by(DRILLS.c.at, DRILLS.c.id)
        with self._told(), self._engine.connect() as connection:
            return filters.sift(map(DrillFacts._make, connection.execute(statement)))

    def objectives(self, drills: Iterable[DrillFacts]) -> dict[int, list[ObjectiveFacts]]:
        """The objectives of drills, by the drill's id, in order of window and name."""
        wanted = {drill.id for drill in drills}
        found: dict[int, list[ObjectiveFacts]] = {key: [] for key in wanted}
        if not wanted:
            return found
        key = OBJECTIVES.c.drill_id
        some = key.in_(wanted) if len(wanted) <= NAMED else key.between(min(wanted), max(wanted))
        columns = [OBJECTIVES.c[name] for name in ObjectiveFacts._fields]
        statement = select(*columns).where(some).order_by(key, OBJECTIVES.c.name, OBJECTIVES.c.window)
        with self._told(), self._engine.connect() as connection:
            for row in connection.execute(statement):
                if row[0] in wanted:
                    found[row[0]].append(ObjectiveFacts._make(row))
        return found

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._engine.execution_options(immediate=True).begin() as connection:
            yield connection

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the driver raises into one sentence."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            said = str(getattr(error, "orig", None) or error).strip().splitlines()
            reason = said[0] if said else type(error).__name__
            raise HistoryError(f"history {shown(self._engine.url)} cannot be used: {reason}") from error


def _find_file(url: URL, *, create: bool) -> None:
    path = Path(str(url.database))
    if not create:
        if not path.exists():
            raise _none_at(url)
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HistoryError(f"directory {path.parent} cannot be had for the history: {error.strerror}") from error


def _none_at(url: URL) -> NoHistoryError:
    return NoHistoryError(f"no history at {shown(url)}; drills write one, another is named with --history")
