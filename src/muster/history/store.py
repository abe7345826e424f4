"""A history that is open: what happened is written, and read again by filters."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, insert, select, update

from muster.base import clock
from muster.history.facts import DrillFacts, ObjectiveFacts, RunFacts
from muster.history.query import Filters, conditions
from muster.history.rows import drill_row, objective_rows, run_row
from muster.store.opened import Opened
from muster.store.schema import DRILLS, OBJECTIVES, RUNS, VERSIONS

if TYPE_CHECKING:
    from muster.verdict import DrillVerdict

NAMED = 1000  # to name more drills in a statement takes longer than to pass over what lies between them
_OF_RUN = ("started", "finished", "system", "cluster", "evidence", "muster_version", "git_commit", "seed")
_COLUMNS = [
    DRILLS.c.run_id if name == "run" else RUNS.c[name] if name in _OF_RUN else DRILLS.c[name]
    for name in DrillFacts._fields
]


class History(Opened):
    """A database of drills. Safe to have open in several processes at once; a context manager."""

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
            if row["version"] is not None:
                self._keep_version(connection, row["version"], drill)
            key = connection.execute(insert(DRILLS).values(row)).inserted_primary_key
            assert key is not None
            if rows := objective_rows(drill, drill_id=key[0]):
                connection.execute(insert(OBJECTIVES), rows)

    def _begin_run(self, connection: Connection, run: RunFacts) -> None:
        """Have the run's row, and hold it until the transaction ends: its writers take turns."""
        statement = self._dialect(connection).insert(RUNS).values(run_row(run))
        connection.execute(
            statement.on_conflict_do_update(index_elements=[RUNS.c.id], set_={"started": statement.excluded.started})
        )

    @staticmethod
    def _dialect(connection: Connection) -> Any:
        # Each has its own; to import both costs a reader a tenth of his time.
        return importlib.import_module(f"sqlalchemy.dialects.{connection.dialect.name}")

    def _keep_version(self, connection: Connection, key: str, drill: DrillVerdict) -> None:
        """Have the version that a drill was held against, once."""
        assert drill.version is not None
        values = {"key": key, "content": drill.version.model_dump_json()}
        statement = self._dialect(connection).insert(VERSIONS).values(values)
        connection.execute(statement.on_conflict_do_nothing(index_elements=[VERSIONS.c.key]))

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
        with self._reading() as connection:
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
        with self._reading() as connection:
            for row in connection.execute(statement):
                if row[0] in wanted:
                    found[row[0]].append(ObjectiveFacts._make(row))
        return found

    def versions(self, drills: Iterable[DrillFacts]) -> dict[str, dict[str, Any]]:
        """The versions that drills were held against, by their keys, as `muster.system.version` writes them."""
        wanted = {drill.version for drill in drills} - {None}
        if not wanted:
            return {}
        statement = select(VERSIONS.c.key, VERSIONS.c.content).order_by(VERSIONS.c.key)
        with self._reading() as connection:
            return {key: json.loads(content) for key, content in connection.execute(statement) if key in wanted}
