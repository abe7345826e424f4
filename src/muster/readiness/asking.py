"""What is asked for readiness beside what every snapshot holds, each part by its name; all of them side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from muster.backup.store import store_of
from muster.base.errors import ClusterError
from muster.kube import Cluster
from muster.monitoring import Asking, values
from muster.objectives.openslo import SeriesLevel
from muster.preflight.capacity import Room, free_room, requests_of, unplaced
from muster.preflight.finding import Result as Seen
from muster.readiness.subject import DECLARED, VERSION
from muster.release import locks as release_locks
from muster.release.contents import serving_deployment
from muster.release.record import find_release
from muster.release.traffic import Shared, choose
from muster.safety import locks
from muster.setup import looks
from muster.setup.subject import Subject
from muster.snapshot.levels import of_each_level
from muster.system import SystemDefinition
from muster.system.version import of_cluster
from muster.wire.canary import beside
from muster.wire.names import TRACK_LABEL, TRACK_VALUE

Get = Callable[[], Any]
LEASES = {
    locks.NAME: "a drill",
    locks.PROCEDURE_NAME: "a recovery procedure",
    release_locks.NAME: "a release",
}


def parts_of(
    cluster: Cluster | None, system: SystemDefinition, *, root: Path, store: str, embedded: bool
) -> Iterator[tuple[str, Get]]:
    """What is asked. `root` is the project's, `store` the address of what is on record. Without a cluster what needs
    one is named all the same, so that it is missing."""
    yield DECLARED, lambda: _declared(system, embedded=embedded)
    yield VERSION, lambda: of_cluster(_there(cluster), system).to_json()
    looked = Subject(root, system, "", lambda: _there(cluster), store, os.environ, acting=False)
    yield "rights", lambda: _told(looks.rights(looked))
    yield "channels", lambda: _told(looks.channels(looked))
    if system.monitoring is not None and system.monitoring.server.is_there:
        yield "alerting", lambda: _told(looks.monitoring(looked))
    if not embedded:
        yield "room", lambda: _room(_there(cluster), system)
    yield "traffic", lambda: _traffic(_there(cluster), system)
    yield "release", lambda: _release(_there(cluster), system.namespace)
    yield "leases", lambda: _leases(_there(cluster), system.namespace)
    if system.database is not None:
        yield "backups", lambda: _backups(system)
    if (path := system.openslo) is not None:
        yield "error budgets", lambda: of_each_level(system, path, _left)


def _there(cluster: Cluster | None) -> Cluster:
    if cluster is None:
        raise ClusterError("the cluster does not answer")
    return cluster


def _declared(system: SystemDefinition, *, embedded: bool) -> dict[str, Any]:
    return {
        "evidence": "rehearsal" if embedded else "cluster",
        "monitoring": system.monitoring is not None,
        "monitoring_unset": _unset(system),
        "levels": system.openslo is not None,
        "database": system.database is not None,
        "phases": [phase.share for phase in system.release.phases],
    }


def _unset(system: SystemDefinition) -> str:
    """Why the monitoring that system.yaml names cannot be asked from here; empty where it can, or there is none."""
    if system.monitoring is None or system.monitoring.server.is_there:
        return ""
    return f"{system.monitoring.kind} is where {system.monitoring.server.named} says, which is not set"


def _told(found: Seen) -> dict[str, str]:
    return {"state": found.state, "seen": found.seen, "mend": found.mend}


def _room(cluster: Cluster, system: SystemDefinition) -> dict[str, Any]:
    """How many pods of a second version beside the first find no room on the nodes, by their requests."""
    wanted: list[Room] = []
    for item in cluster.list("Deployment", system.namespace):
        if (item["metadata"].get("labels") or {}).get(TRACK_LABEL) != TRACK_VALUE:
            wanted += [requests_of(item["spec"]["template"]["spec"])] * int(item["spec"].get("replicas", 1))
    free = free_room(cluster.list("Node"), cluster.list("Pod"))
    return {"pods": len(wanted), "unplaced": unplaced(free, wanted), "nodes": len(free)}


def _traffic(cluster: Cluster, system: SystemDefinition) -> dict[str, Any]:
    """By which way a release would share traffic, and which share it makes of each that is wanted."""
    name, service = serving_deployment(cluster, system), system.service
    serving = cluster.get("Deployment", name, system.namespace)
    replicas = int(serving["spec"].get("replicas", 1))
    shared = Shared(cluster, system.namespace, "", service.name, service.port, beside(service.name), name, replicas)
    way = choose(system.release.traffic.way, shared)
    shares = [[phase.share, round(way.possible(phase.share), 4)] for phase in system.release.phases]
    return {"way": way.name, "serving": name, "replicas": replicas, "shares": shares}


def _release(cluster: Cluster, namespace: str) -> dict[str, str]:
    """The release that is on record and not over; empty where none is."""
    found = find_release(cluster, namespace)
    if found is None or found.is_over:
        return {}
    return {"id": found.id, "state": found.state, "phase": found.phase}


def _leases(cluster: Cluster, namespace: str) -> list[dict[str, str]]:
    """Who acts on the system now."""
    found = []
    for name, what in LEASES.items():
        tenure = locks.find_tenure(cluster, namespace, name)
        if tenure is not None and not tenure.has_run_out:
            found.append({"what": what, "holder": tenure.holder, "since": str(tenure.since)})
    return found


def _backups(system: SystemDefinition) -> dict[str, Any]:
    """The newest backup, and the newest that was restored on trial, with how that went."""
    place = store_of(system)
    bases = place.bases()
    tried = [(base, found) for base in bases if (found := place.verification(base)) is not None]
    newest = bases[-1] if bases else None
    latest = max(tried, key=lambda pair: pair[1].at, default=None)
    return {
        "count": len(bases),
        "newest": None if newest is None else {"id": newest.id, "ended": newest.ended},
        "tried": None
        if latest is None
        else {"id": latest[0].id, "at": latest[1].at, "ok": latest[1].ok, "why": latest[1].why},
    }


def _left(asking: Asking, level: SeriesLevel) -> dict[str, Any]:
    """Which share of its error budget a service level has left, below 0 where more was used; None without a period."""
    bad = None if level.period_s is None else max(values(asking, level.bad(f"{level.period_s:.0f}s")))
    left = None if bad is None else round(1 - bad / (1 - level.target), 4)
    return {"target": level.target, "period_s": level.period_s, "left": left}
