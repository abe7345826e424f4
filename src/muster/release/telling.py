"""What a drill's timeline is told of a rollback: that it began, its steps, what it changed, how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from muster.base.errors import MusterError
from muster.base.timeline import Timeline
from muster.kube import Change, Cluster

PROCEDURE = "rollback"


class RollbackEvents:
    """Writes the events of the procedure `rollback`, as docs/architecture.md has them; without a timeline nothing."""

    def __init__(self, timeline: Timeline | None = None) -> None:
        self._timeline, self._under_way = timeline, False

    def observed(self, cluster: Cluster) -> Cluster:
        """The same cluster, of whose changes the timeline is told while a rollback is under way."""
        return cluster if self._timeline is None else cluster.observed(self._changed)

    @contextmanager
    def rollback(self) -> Iterator[None]:
        """A rollback is under way."""
        self._under_way = True
        self._write("recovery.began")
        try:
            yield
        except MusterError as error:
            self._write("recovery.ended", ok=False, why=str(error))
            raise
        else:
            self._write("recovery.ended", ok=True, why="")
        finally:
            self._under_way = False

    @contextmanager
    def step(self, name: str, *, acts: bool = True) -> Iterator[list[str]]:
        """A step of it; what it did is appended to the list that it is given."""
        did = list[str]()
        self._write("recovery.step", step=name, state="began", detail="", acts=acts)
        try:
            yield did
        except MusterError as error:
            self._write("recovery.step", step=name, state="failed", detail=str(error), acts=acts)
            raise
        self._write("recovery.step", step=name, state="done", detail="; ".join(did), acts=acts)

    def leads(self, service: str) -> None:
        """Clients of a Service are led elsewhere, by whatever that is done."""
        self._write("recovery.change", verb="ask", object=f"Service/{service}", fields=[], replicas=None)

    def _changed(self, change: Change) -> None:
        if self._under_way:
            self._write("recovery.change", **change._asdict())

    def _write(self, kind: str, **fields: Any) -> None:
        if self._timeline is not None and (self._under_way or kind == "recovery.began"):
            self._timeline.append(kind, procedure=PROCEDURE, **fields)
