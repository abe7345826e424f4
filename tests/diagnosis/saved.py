"""Saved snapshots of a small system, for what reads and shows them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from muster.snapshot import Missing, Snapshot, save_snapshot

TAKEN = "2026-11-28T03:00:00Z"
SYSTEM = {
    "name": "shop",
    "namespace": "shop",
    "service": {"name": "shop", "port": 80},
    "configuration": {},
    "stages": [],
    "database": {"service": "db", "instances": ["db-a", "db-b"], "max_replication_lag_s": 1, "selector_key": "i"},
    "agents": {"workers": "work", "whole": {"degraded": False}},
    "workflows": {"workers": "work"},
}
STANDBY = {"name": "db-b", "state": "streaming", "sync_state": "sync", "lag_s": 0.25, "lag_bytes": 10}
PRIMARY = {"answers": True, "primary": True, "connections": 4, "max_connections": 100, "standbys": [STANDBY]}
FOLLOWS = {"answers": True, "primary": False, "connections": 1, "max_connections": 100, "standbys": []}
ANSWERS = {
    "service": {"url": "http://shop", "asked": 3, "troubles": [], "slowest_s": 0.012, "hides": False},
    "status": {"documents": [{"agents_available": 61}], "failed": 0, "why": "", "incomplete": ""},
    "workflows": {"stuck": 0, "some": []},
    "database": {"instances": {"db-a": PRIMARY, "db-b": FOLLOWS}, "trouble": ""},
}
LISTED = frozenset({"Pod", "Deployment", "StatefulSet", "DaemonSet", "ConfigMap", "Service", "Namespace"})


def workload(kind: str, name: str, wanted: int, ready: int) -> list[dict[str, Any]]:
    """A workload with its pods, which are owned by it directly."""
    metadata = {"name": name, "namespace": "shop", "creationTimestamp": "2026-11-01T00:00:00Z"}
    owner = [{"kind": kind, "name": name, "controller": True}]
    pods = [
        {
            "kind": "Pod",
            "metadata": {**metadata, "name": f"{name}-{number}", "labels": {"app": name}, "ownerReferences": owner},
            "spec": {"containers": [{"name": "main"}], "nodeName": "n"},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": str(number < ready)}]},
        }
        for number in range(wanted)
    ]
    return [{"kind": kind, "metadata": metadata, "spec": {"replicas": wanted}, "status": {}}, *pods]


def service(name: str, selector: dict[str, str]) -> dict[str, Any]:
    return {
        "kind": "Service",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"selector": selector, "ports": [{"port": 80}]},
    }


WELL = Snapshot(
    taken=TAKEN,
    namespace="shop",
    context="staging",
    kubernetes="v1.36.0",
    listed=LISTED,
    objects=(
        *workload("Deployment", "shop", 3, 3),
        *workload("Deployment", "work", 2, 2),
        *workload("StatefulSet", "db-a", 1, 1),
        *workload("StatefulSet", "db-b", 1, 1),
        service("shop", {"app": "shop"}),
        service("db", {"app": "db-a"}),
    ),
    system=SYSTEM,
    answers=ANSWERS,
)
LOST = {"instances": {"db-a": {"answers": False}, "db-b": FOLLOWS}, "trouble": "0 primaries (none), want 1"}
ILL = replace(WELL, answers={**ANSWERS, "database": LOST})
BLIND = replace(
    WELL,
    objects=(),
    listed=frozenset(),
    answers={},
    missing=(
        *(Missing(part, "no answer in time") for part in ANSWERS),
        *(Missing(kind, "forbidden") for kind in sorted(LISTED)),
    ),
)


def save(snapshot: Snapshot, directory: Path) -> str:
    path = directory / "snapshot.json"
    save_snapshot(snapshot, path)
    return str(path)
