"""What is asked for a picture of a system: of its cluster, its pods, and the store of incidents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from muster.base.clock import utc
from muster.checks.seen import moment
from muster.dashboard.looking import Looked
from muster.dashboard.picture import Board, Picture, ReleaseSeen
from muster.dashboard.sight import FRESH_S, Sight
from muster.diagnosis import diagnose
from muster.incidents import Book
from muster.incidents.incident import Incident
from muster.kube import Cluster
from muster.release.measuring import Meter, Reading
from muster.release.record import Release, find_release
from muster.release.watching import looked_after
from muster.snapshot import Snapshot
from muster.status import Glance, glance
from muster.store.errors import NoHistoryError
from muster.system import SystemDefinition

LOOKS_MISSED = 3  # what so many looks running did not bring is not called present


@dataclass(frozen=True)
class Sources:
    """Where a system is looked at. `reach` connects to its cluster, `gather` takes a snapshot of it; `store` is the
    address of the store of incidents and what it is relative to, None where nobody keeps one; `cluster_name` is what
    the cluster is called there."""

    definition: SystemDefinition | None
    reach: Callable[[], Cluster]
    gather: Callable[[], Snapshot]
    store: tuple[str, Path] | None
    cluster_name: str

    def board(self, where: str, *, every_s: float) -> Board:
        """An empty board for all that is looked at every so many seconds; `where` says what and where that is."""
        definition = self.definition
        return Board(
            Picture(
                definition,
                where,
                release=Sight() if definition is not None else None,
                measured=Sight() if definition is not None and definition.metrics is not None else None,
                incidents=Sight() if definition is not None and self.store is not None else None,
            ),
            fresh_s=max(LOOKS_MISSED * every_s, FRESH_S),
        )

    def looked(self, board: Board) -> Iterator[Looked]:
        """What is looked at, each by itself."""
        yield Looked("glance", self._glance, board.see_system, board.lose)
        if self.definition is None:
            return
        yield Looked("release", self._release, board.see_release, board.lose)
        if self.definition.metrics is not None:
            yield Looked("measured", self._reading, board.see_reading, board.lose)
        if self.store is not None:
            yield Looked("incidents", self._incidents, board.see_incidents, board.lose)

    def _glance(self) -> Glance:
        snapshot = self.gather()
        return glance(snapshot, diagnose(snapshot), (utc() - moment(snapshot.taken)).total_seconds())

    def _release(self) -> ReleaseSeen:
        assert self.definition is not None
        with self.reach() as cluster:
            found = find_release(cluster, self.definition.namespace)
            is_over = found is None or found.is_over
            return ReleaseSeen(found, None if is_over else looked_after(cluster, self.definition.namespace))

    def _reading(self) -> Reading:
        definition = self.definition
        assert definition is not None
        assert definition.metrics is not None
        # The meter asks the pods of what a release changes; here it is all that tell what they count.
        everything = Release(
            id="",
            release="",
            version="",
            system=definition.name,
            namespace=definition.namespace,
            began="",
            workloads=dict.fromkeys(definition.metrics.targets, 1),
        )
        # It would ask the service for its agents, too, which the look at the system does.
        plan = definition.release.model_copy(update={"failed_agents": None})
        with self.reach() as cluster:
            return Meter(cluster, definition.model_copy(update={"release": plan}), everything, "").look("")

    def _incidents(self) -> tuple[Incident, ...]:
        assert self.definition is not None
        assert self.store is not None
        try:
            with Book.open(*self.store) as book:
                found = book.incidents(system=self.definition.name, cluster=self.cluster_name, unresolved=True)
                return tuple(found)
        except NoHistoryError:
            return ()  # nobody ever opened one
