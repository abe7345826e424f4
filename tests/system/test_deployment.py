"""A system's namespace goes, whatever its programs do; what holds it is named."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from muster.base.errors import RefusedError, TimeoutExceededError
from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.system import remove
from muster.wire.names import MANAGED_BY_LABEL, MANAGED_BY_VALUE

DEAF = "trap '' TERM; touch /tmp/deaf; while :; do sleep 1; done"


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    name = f"removed-{secrets.token_hex(4)}"
    cluster.create({"metadata": {"name": name, "labels": {MANAGED_BY_LABEL: MANAGED_BY_VALUE}}, **kind("Namespace")})
    yield name
    cluster.delete("Namespace", name)


def kind(name: str) -> dict[str, str]:
    return {"apiVersion": "v1", "kind": name}


def system(namespace: str) -> Any:
    return SimpleNamespace(namespace=namespace)


def test_a_program_that_ignores_its_end_does_not_hold_up_the_next_drill(cluster: Cluster, namespace: str) -> None:
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", DEAF]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 3600}
    cluster.create({**kind("Pod"), "metadata": {"name": "deaf"}, "spec": spec}, namespace)
    wait_for(
        lambda: cluster.get("Pod", "deaf", namespace).get("status", {}).get("phase") == "Running",
        within=30,
        reason="the pod to run",
    )
    remove(cluster, system(namespace), within=60)
    assert cluster.find("Namespace", namespace) is None


def test_what_holds_a_namespace_is_named(cluster: Cluster, namespace: str) -> None:
    meta = {"name": "held", "finalizers": ["example.com/hold"]}
    cluster.create({**kind("ConfigMap"), "metadata": meta}, namespace)
    with pytest.raises(TimeoutExceededError, match=r"ConfigMap held \(held by finalizer example.com/hold\)"):
        remove(cluster, system(namespace), within=1)
    cluster.patch("ConfigMap", "held", namespace, {"metadata": {"finalizers": None}})


def test_a_namespace_of_others_is_left_alone(cluster: Cluster) -> None:
    with pytest.raises(RefusedError, match="'default' was not made by muster"):
        remove(cluster, system("default"))
