"""A small system that is ready for a release: a snapshot, what is on record; and the same with something changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.diagnosis.building import NOW, deployment, node, ready, service, snapshot
from tests.history.history_support import fact

from muster.history.facts import DrillFacts
from muster.history.plan import Planned
from muster.history.query import stamp
from muster.readiness import Held, Readiness, Subject, assess
from muster.readiness.result import Result
from muster.snapshot import Missing, Snapshot
from muster.system.version import ContainerImage, SystemVersion

A, B, C = ("sha256:" + letter * 64 for letter in "abc")
WHEN = datetime.fromisoformat(NOW)
SYSTEM: dict[str, Any] = {
    "name": "shop",
    "namespace": "shop",
    "service": {"name": "web", "port": 80},
    "configuration": {"settings": {"used_by": ["web"], "version": None, "error": None}},
    "stages": [],
}
RUNS = SystemVersion(
    "shop", (ContainerImage("Deployment/web", "main", "shop:1", A),), {"ConfigMap/settings": B, "system.yaml": C}
)
NEXT = replace(RUNS, images=(ContainerImage("Deployment/web", "main", "shop:2", B),))
BY_TAG = replace(RUNS, images=(ContainerImage("Deployment/web", "main", "shop:1", None, "no pod runs it"),))
WELL = {"state": "fine", "seen": "as it should be", "mend": ""}
ANSWERS: dict[str, Any] = {
    "service": {"url": "http://web", "asked": 3, "troubles": [], "slowest_s": 0.01, "hides": False},
    "known good": {"settings": {"kept": "2026-11-20T08:00:00Z", "stored": False, "changes": []}},
    "declared": {
        "evidence": "cluster",
        "monitoring": True,
        "monitoring_unset": "",
        "levels": True,
        "database": True,
        "phases": [0.05, 0.2, 0.5, 1],
    },
    "system version": RUNS.to_json(),
    "rights": WELL,
    "channels": WELL,
    "alerting": WELL,
    "monitoring": {"firing": []},
    "room": {"pods": 2, "unplaced": 0, "nodes": 1},
    "traffic": {"way": "httproute", "serving": "web", "replicas": 2, "shares": [[0.05, 0.05], [1, 1]]},
    "leases": [],
    "release": {},
    "backups": {
        "count": 4,
        "newest": {"id": "b-4", "ended": "2026-11-27T03:00:00Z"},
        "tried": {"id": "b-3", "at": "2026-11-26T03:00:00Z", "ok": True, "why": ""},
    },
    "error budgets": {"availability": {"target": 0.99, "period_s": 2592000.0, "left": 0.62}},
    "service levels": {"availability": {"target": 0.99, "period_s": 2592000.0, "burn": {"1h": 0.2}, "why": {}}},
}
PLAN = {"pod_crash": Planned("pod_crash", "P2", "monthly", budget_s=30.0)}


def web() -> list[dict[str, Any]]:
    """The Deployment with its ReplicaSet, its two pods, its Service and its node."""
    counts = {"observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 2}
    revision = {"generation": 1, "annotations": {"deployment.kubernetes.io/revision": "1"}}
    return [
        *deployment(replicas=2, status=counts, metadata=revision),
        ready("web-1-a"),
        ready("web-1-b"),
        service(),
        node(),
        {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "settings", "namespace": "shop"}, "data": {}},
    ]


def looked(
    *objects: dict[str, Any], answers: Mapping[str, Any] | None = None, without: tuple[str, ...] = (), **more: Any
) -> Snapshot:
    """A snapshot of the system, with more objects, other answers, and without some of them."""
    known = {name: one for name, one in {**ANSWERS, **(answers or {})}.items() if name not in without}
    found = snapshot([*web(), *objects], system=more.pop("system", SYSTEM), answers=known)
    return replace(found, kubernetes="v1.36.0", context="staging", **more)


READY = looked()


def proof(
    number: int = 1, *, days_ago: float = 3, version: SystemVersion | None = RUNS, rto: float | None = 2.1, **said: Any
) -> DrillFacts:
    """A drill on a cluster, of a version."""
    at = stamp(WHEN - timedelta(days=days_ago))
    values = {"system": "shop", "cluster": "staging", "evidence": "cluster", "name": "pod_crash", "severity": "P2"}
    key = None if version is None else version.key
    return fact(number, rto=rto, **{**values, "at": at, "started": at, "version": key, **said})


def held(*drills: DrillFacts, plan: Mapping[str, Planned] = PLAN, why: str = "") -> Held:
    return Held(plan, drills, {one.key: one.to_json() for one in (RUNS, NEXT, BY_TAG)}, why)


PROVED = held(proof())


def assessed(
    found: Snapshot = READY, known: Held = PROVED, *, now: datetime = WHEN, wanted: SystemVersion | None = None
) -> Readiness:
    return assess(Subject(found, known, now, "shop:2" if wanted else None, wanted))


def result(readiness: Readiness, name: str) -> Result:
    """What the check of that name says."""
    return next(one.result for category in readiness.categories for one in category.checks if one.name == name)


def lacking(part: str, why: str = "no answer in time") -> Snapshot:
    """The snapshot without an answer, that was asked for in vain."""
    return looked(without=(part,), missing=(Missing(part, why),))
