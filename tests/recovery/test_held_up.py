"""What keeps pods from being ready is said as the cluster says it: not how many are missing, but why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from muster.base.errors import ClusterError
from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.recovery.held_up import held_up
from muster.recovery.workloads import Workload

LABELS = {"app": "api"}
SLEEP = ["sleep", "1000"]


@pytest.fixture
def deploy(cluster: Cluster, namespace: str) -> Callable[..., Workload]:
    """Makes Deployment `api` of one pod."""

    def make(*, container: dict[str, Any] | None = None, **spec: Any) -> Workload:
        main = {"name": "api", "image": "python:3.11-slim", "command": SLEEP, **(container or {})}
        template = {
            "metadata": {"labels": LABELS},
            "spec": {"containers": [main], "terminationGracePeriodSeconds": 0, **spec},
        }
        body = {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template}
        made = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": body}
        cluster.create(made, namespace)
        return Workload(cluster, namespace, "Deployment", "api")

    return make


@pytest.fixture
def cordoned(cluster: Cluster) -> Iterator[None]:
    """No pod is scheduled meanwhile."""
    (node,) = cluster.list("Node")
    name = node["metadata"]["name"]
    cluster.patch("Node", name, None, {"spec": {"unschedulable": True}})
    yield
    cluster.patch("Node", name, None, {"spec": {"unschedulable": None}})


def said(workload: Workload, what: str) -> str:
    """What holds it up, once that holds `what`."""
    wait_for(lambda: what in held_up(workload), within=60, reason=what, latest=lambda: held_up(workload))
    return held_up(workload)


def test_what_is_well_is_held_up_by_nothing(deploy: Callable[..., Workload]) -> None:
    workload = deploy()
    wait_for(lambda: not held_up(workload), within=60, reason="it to be up")


@pytest.mark.usefixtures("cordoned")
def test_pods_that_cannot_be_scheduled_are_said_to_with_the_scheduler_s_reason(deploy: Callable[..., Workload]) -> None:
    found = said(deploy(), "cannot be scheduled: ")
    assert found.startswith("Deployment api: 0 of 1 ready, 1 up to date; pod api-")
    assert "0/1 nodes are available" in found


@pytest.mark.parametrize(
    ("container", "spec", "what"),
    [
        ({"command": ["false"]}, {}, "container api: exit code 1"),
        ({"image": "nowhere/nothing:1"}, {}, "container api: ErrImagePull: "),
        (
            {"volumeMounts": [{"name": "c", "mountPath": "/c"}]},
            {"volumes": [{"name": "c", "configMap": {"name": "gone"}}]},
            'FailedMount: MountVolume.SetUp failed for volume "c" : configmap "gone" not found',
        ),
        (
            {"readinessProbe": {"exec": {"command": ["false"]}, "periodSeconds": 1}},
            {},
            "Unhealthy: Readiness probe failed",
        ),
    ],
    ids=["crashes", "no-image", "no-volume", "not-ready"],
)
def test_what_a_pod_lacks_is_said(
    deploy: Callable[..., Workload], container: dict[str, Any], spec: dict[str, Any], what: str
) -> None:
    assert "pod api-" in said(deploy(container=container, **spec), what)


def workload_of(objects: dict[str, list[dict[str, Any]]], **own: Any) -> Workload:
    """A Deployment in a cluster that holds just these; events may not be read where there are none."""
    deployment = {
        "kind": "Deployment", "metadata": {"name": "api", "uid": "d", "generation": 1},
        "spec": {"replicas": 2}, "status": {"observedGeneration": 1, **own},
    }  # fmt: skip

    def listed(kind: str, *_: Any, fields: str = "") -> list[dict[str, Any]]:
        if kind == "Event" and "Event" not in objects:
            raise ClusterError("events is forbidden")
        found = objects.get(kind, [])
        return [one for one in found if not fields or fields.endswith(f"={one['involvedObject']['uid']}")]

    cluster = SimpleNamespace(get=lambda *_: deployment, list=listed)
    return Workload(cast("Cluster", cluster), "shop", "Deployment", "api")


def owned(name: str, by: str, **more: Any) -> dict[str, Any]:
    owner = [{"kind": "X", "name": by, "uid": by, "controller": True}]
    return {"metadata": {"name": name, "uid": name, "ownerReferences": owner, **more.pop("metadata", {})}, **more}


def test_pods_that_may_not_be_made_are_said_to_by_the_condition_or_by_the_event() -> None:
    quota = 'pods "api-7" is forbidden: exceeded quota: few, used: pods=2, limited: pods=2'
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": quota}
    assert held_up(workload_of({}, conditions=[condition])) == (
        f"Deployment api: 0 of 2 ready, 0 up to date; FailedCreate: {quota}"
    )
    event = {"type": "Warning", "reason": "FailedCreate", "message": quota, "involvedObject": {"uid": "rs"}}
    objects = {"ReplicaSet": [owned("rs", "d")], "Event": [event]}
    assert held_up(workload_of(objects)).endswith(f"; FailedCreate: {quota}")


def test_who_may_not_read_events_is_told_what_the_pod_says() -> None:
    ending = owned("api-1", "rs", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    replica_sets = {"ReplicaSet": [owned("rs", "d")]}
    assert held_up(workload_of({**replica_sets, "Pod": [ending]})).endswith("; pod api-1 is still ending")
    assert held_up(workload_of({**replica_sets, "Pod": [owned("api-2", "rs"), ending]})).endswith(
        "; pod api-2 is not ready yet"
    )
    assert held_up(workload_of(replica_sets)) == "Deployment api: 0 of 2 ready, 0 up to date"


def test_the_newest_warning_is_told_and_no_normal_event_and_never_more_than_a_line() -> None:
    events = [
        {"type": kind, "reason": reason, "message": message, "lastTimestamp": time, "involvedObject": {"uid": "api-1"}}
        for kind, reason, message, time in (
            ("Warning", "Old", "before", "2026-01-01T00:00:00Z"),
            ("Warning", "New", "two\nlines " + "x" * 999, "2026-01-01T00:00:09Z"),
            ("Normal", "Scheduled", "assigned", "2026-01-01T00:00:10Z"),
        )
    ]
    objects = {"ReplicaSet": [owned("rs", "d")], "Pod": [owned("api-1", "rs")], "Event": events}
    found = held_up(workload_of(objects))
    assert "; pod api-1: New: two lines xxx" in found
    assert "\n" not in found
    assert len(found) < 320
