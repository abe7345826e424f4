"""An effect is seen where it is, and not where it is not."""

from __future__ import annotations

from typing import Any

import pytest

from muster.base.errors import RefusedError
from muster.base.waiting import wait_for
from muster.faults.effects import AllOf, Answer, CrashLoop, PodsReplaced, WorkloadGone, build_observer
from muster.kube import Cluster
from muster.system.pods import is_ready

from .conftest import Target

LISTEN = "import os, socket; s = socket.create_server((os.environ['IP'], 8080))\nwhile True: s.accept()[0].close()"
ASK = "import os, socket; socket.create_connection((os.environ['STORE_SERVICE_HOST'], 8080), 1)"


def start_store(cluster: Cluster, namespace: str) -> None:
    """A StatefulSet `store` that listens behind a Service, and a pod `client` beside it."""
    port = {"port": 8080, "targetPort": 8080}
    spec: dict[str, Any] = {"selector": {"app": "store"}, "ports": [port]}
    cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "store"}, "spec": spec}, namespace)
    address = {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    container = {"name": "main", "image": "python:3.11-slim", "command": ["python", "-c", LISTEN], "env": [address]}
    for name, owner in (("store", True), ("client", False)):
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": template["spec"]}
        if owner:
            sets = {"serviceName": name, "selector": {"matchLabels": labels}, "template": template}
            body = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": sets}
        cluster.create(body, namespace)
    wait_for(lambda: sum(map(is_ready, cluster.list("Pod", namespace))) == 2, within=120, reason="store and client")


def test_a_workload_is_gone_when_nothing_of_it_runs_or_answers(cluster: Cluster, namespace: str) -> None:
    start_store(cluster, namespace)
    asked = Answer(pod="client", container="main", command=["python", "-c", ASK])
    effect = WorkloadGone(kind="workload-gone", statefulset="store", asked=asked)
    wait_for(lambda: _can_watch(effect, cluster, namespace), within=60, reason="the store to answer")
    observer = build_observer(effect, cluster, namespace)
    assert observer.look() == (False, "pod store-0 of StatefulSet store is ready")

    cluster.scale("StatefulSet", "store", namespace, 0)
    cluster.delete("Pod", "store-0", namespace, grace_s=0)
    gone = (True, "StatefulSet store has no ready pod and does not answer client")
    wait_for(
        lambda: observer.look() == gone, within=60, reason="the store to be gone", latest=lambda: str(observer.look())
    )


def test_silence_that_was_there_before_proves_nothing(cluster: Cluster, namespace: str) -> None:
    start_store(cluster, namespace)
    asked = Answer(pod="client", container="main", command=["false"])
    with pytest.raises(RefusedError, match="'false' in pod client fails before any injection"):
        build_observer(WorkloadGone(kind="workload-gone", statefulset="store", asked=asked), cluster, namespace)


def test_pods_are_replaced_when_enough_of_those_before_are_gone(target: Target) -> None:
    effect = PodsReplaced(kind="pods-replaced", labels="app=api", at_least=2)
    observer = build_observer(effect, target.cluster, target.namespace)
    names = sorted(target.pods().values())
    target.cluster.delete("Pod", names[0], target.namespace, grace_s=0)
    assert observer.look() == (False, "1 of 3 pods app=api gone")
    target.cluster.delete("Pod", names[1], target.namespace, grace_s=0)
    observed, evidence = observer.look()
    assert observed
    assert evidence.startswith(f"pods {names[0]}, {names[1]} gone")


def test_fewer_pods_than_the_effect_needs_are_refused(target: Target) -> None:
    with pytest.raises(RefusedError, match="3 pods are labelled app=api, the effect needs 4"):
        build_observer(
            PodsReplaced(kind="pods-replaced", labels="app=api", at_least=4), target.cluster, target.namespace
        )


def test_several_effects_are_there_when_each_is(target: Target) -> None:
    loop = CrashLoop(kind="crash-loop", labels="app=api")
    replaced = PodsReplaced(kind="pods-replaced", labels="app=api")
    observer = build_observer(AllOf(kind="all", of=[loop, replaced]), target.cluster, target.namespace)
    target.cluster.delete("Pod", next(iter(target.pods().values())), target.namespace, grace_s=0)
    assert observer.look() == (False, "no container of app=api crashes")


def _can_watch(effect: WorkloadGone, cluster: Cluster, namespace: str) -> bool:
    try:
        build_observer(effect, cluster, namespace)
    except RefusedError:
        return False
    return True
