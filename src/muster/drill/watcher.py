"""What goes onto the timeline by itself while a drill runs: the clocks each second, changes of pods, and what those
rely on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from muster.base import clock
from muster.base.background import Background
from muster.base.errors import ClusterError
from muster.base.timeline import Timeline, TimelineError
from muster.system import SystemState
from muster.system.origin import Origin
from muster.system.pods import is_ready
from muster.system.relations import Relations, Words, relations

CLOCK_S = 1.0
POLL_S = 0.5
RELATE_S = 5.0
Object = dict[str, Any]

SILENT_S = 2.0  # muster's own cluster, when it does not answer for so long, is at fault and not the system


class Watcher(Background):
    """Two threads, one that writes `clock` events and one for those about pods: an API that hangs is no reason to
    believe that the harness does. A context manager."""

    def __init__(self, state: SystemState, timeline: Timeline) -> None:
        loops = (self._tell_clock, self._watch_pods)
        super().__init__(*(partial(self._until_full, tell) for tell in loops), name="muster-watcher")
        self._cluster, self._system = state.cluster, state.definition
        self._timeline = timeline
        self._known: dict[str, str] = {}
        self._relations: dict[str, Relations] = {}
        self._related = 0.0
        self._words: Words = {}
        self._origin = Origin(state.cluster, state.definition, state.manifests)
        self._foreign: list[str] = []
        self._answered = clock.now()
        self._told = False

    def _until_full(self, tell: Callable[[], None]) -> None:
        """Whoever next writes for the drill says why it cannot; where there is room again by then, the verdict finds
        that readings of the clock are missing."""
        with contextlib.suppress(TimelineError):
            tell()

    def _tell_clock(self) -> None:
        while True:
            self._timeline.append("clock", by="drill", boottime=clock.boottime(), utc=clock.utc_iso())
            if self.pause(CLOCK_S):
                return

    def _watch_pods(self) -> None:
        first = True
        while not self.stopping.is_set():
            try:
                self._look(announce=not first)
                first, self._answered = False, clock.now()
            except ClusterError as error:
                self._timeline.append("pod", pod=None, change=f"pods cannot be listed: {error}")
                self._blame(error)
            self.pause(POLL_S)

    def _blame(self, error: ClusterError) -> None:
        """Tell that the instrument itself is broken, where the cluster is part of it."""
        if self._cluster.embedded and not self._told and clock.now() - self._answered >= SILENT_S:
            self._timeline.append("instrument", ok=False, why=f"the embedded cluster does not answer: {error}")
            self._told = True

    def _look(self, *, announce: bool) -> None:
        pods = {pod["metadata"]["name"]: pod for pod in self._cluster.list("Pod", self._system.namespace)}
        now = {name: describe(pod) for name, pod in pods.items()}
        self._look_at_origin(pods)
        if announce:
            for name in now.keys() | self._known.keys():
                if now.get(name) != self._known.get(name):
                    ready = name in pods and is_ready(pods[name])
                    self._timeline.append("pod", pod=name, change=now.get(name, "gone"), ready=ready)
        strange = now.keys() - self._relations.keys()
        self._known = now
        if strange or clock.now() - self._related >= RELATE_S:
            self._relate(list(pods.values()))

    def _look_at_origin(self, pods: dict[str, Object]) -> None:
        foreign = self._origin.foreign(pods)
        if foreign != self._foreign:
            self._timeline.append("origin", foreign=foreign)
        self._foreign = foreign

    def _relate(self, pods: list[Object]) -> None:
        """Tell what pods rely on, where that is new: when there is one more, and now and then without."""
        self._related = clock.now()
        try:
            found = relations(self._cluster, self._system, pods, self._words)
        except ClusterError as error:
            self._timeline.append("relations", pod=None, why=str(error))
            return
        ready = {pod["metadata"]["name"]: is_ready(pod) for pod in pods}
        for name, one in found.items():
            if self._relations.get(name) != one:
                serves = f"Service/{self._system.service.name}" in one.served_by
                self._timeline.append("relations", pod=name, ready=ready[name], serves=serves, **asdict(one))
        self._relations |= found


def describe(pod: Object) -> str:
    """A pod's state as `kubectl get pods` shows it, in a few words."""
    status = pod.get("status", {})
    containers = status.get("containerStatuses", [])
    restarts = sum(c.get("restartCount", 0) for c in containers)
    ready = sum(1 for c in containers if c.get("ready"))
    waiting = next((r for c in containers if (r := c.get("state", {}).get("waiting", {}).get("reason"))), None)
    phase = "Terminating" if pod["metadata"].get("deletionTimestamp") else waiting or status.get("phase", "Pending")
    return f"{phase}, {ready} of {len(containers)} ready" + (f", {restarts} restarts" if restarts else "")
