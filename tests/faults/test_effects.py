"""An effect is seen where it is, and not where it is not."""

from __future__ import annotations

from typing import Any

import pytest

from muster.base.errors import RefusedError
from muster.base.waiting import wait_for
from muster.faults.effects import AllOf, CrashLoop, PodsReplaced, PrimaryGone, Reported, build_observer
from muster.kube import Cluster
from muster.system.pods import is_ready

from .conftest import Target

LISTEN = "import os, socket; s = socket.create_server((os.environ['IP'], 8080))\nwhile True: s.accept()[0].close()"
ASK = "import sys, socket; socket.create_connection((sys.argv[1], 8080), 1)"
GONE = {"kind": "primary-gone", "service": "store", "selector_key": "instance", "labels": "app=store"}
PRIMARY_GONE = PrimaryGone(**GONE, container="main", command=["python", "-c", ASK, "{address}"])


@pytest.fixture
def stores(cluster: Cluster, namespace: str) -> None:
    """StatefulSets `store-a` and `store-b` that listen, and a Service `store` that leads to the first."""
    port = {"port": 8080, "targetPort": 8080}
    spec: dict[str, Any] = {"selector": {"app": "store", "instance": "store-a"}, "ports": [port]}
    cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "store"}, "spec": spec}, namespace)
    address = {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    container = {"name": "main", "image": "python:3.11-slim", "command": ["python", "-c", LISTEN], "env": [address]}
    for name in ("store-a", "store-b"):
        labels = {"app": "store", "instance": name}
        template = {
            "metadata": {"labels": labels},
            "spec": {"containers": [{**container, "readinessProbe": probe}], "terminationGracePeriodSeconds": 1},
        }
        sets = {"serviceName": "store", "selector": {"matchLabels": labels}, "template": template}
        body = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": sets}
        cluster.create(body, namespace)
    wait_for(lambda: sum(map(is_ready, cluster.list("Pod", namespace))) == 2, within=120, reason="both stores")


@pytest.mark.usefixtures("stores")
@pytest.mark.parametrize("primary", ["store-a", "store-b"])
def test_the_primary_is_gone_when_it_neither_runs_nor_answers(cluster: Cluster, namespace: str, primary: str) -> None:
    cluster.patch("Service", "store", namespace, {"spec": {"selector": {"instance": primary}}})
    other = {"store-a": "store-b", "store-b": "store-a"}[primary]
    observer = build_observer(PRIMARY_GONE, cluster, namespace, "")
    assert observer.look() == (False, f"pod {primary}-0 of primary {primary} is ready")

    cluster.scale("StatefulSet", primary, namespace, 0)
    cluster.delete("Pod", f"{primary}-0", namespace, grace_s=0)
    gone = (True, f"primary {primary} has no ready pod and does not answer {other}-0")
    wait_for(
        lambda: observer.look() == gone, within=60, reason="the store to be gone", latest=lambda: str(observer.look())
    )


@pytest.mark.usefixtures("stores")
def test_the_loss_of_a_sibling_is_no_loss_of_the_primary(cluster: Cluster, namespace: str) -> None:
    observer = build_observer(PRIMARY_GONE, cluster, namespace, "")
    cluster.scale("StatefulSet", "store-b", namespace, 0)
    assert not observer.look().observed


@pytest.mark.usefixtures("stores")
def test_silence_that_was_there_before_proves_nothing(cluster: Cluster, namespace: str) -> None:
    silent = PrimaryGone(**GONE, container="main", command=["false"])
    with pytest.raises(RefusedError, match="'false' in pod store-b-0 fails before any injection"):
        build_observer(silent, cluster, namespace, "")


@pytest.mark.usefixtures("stores")
def test_a_service_that_does_not_say_who_is_primary(cluster: Cluster, namespace: str) -> None:
    unsaid = PrimaryGone(**{**GONE, "selector_key": "role"}, container="main", command=["true"])
    with pytest.raises(RefusedError, match="selects no 'role', so its primary is not known"):
        build_observer(unsaid, cluster, namespace, "")


def test_pods_are_replaced_when_enough_of_those_before_are_gone(target: Target) -> None:
    effect = PodsReplaced(kind="pods-replaced", labels="app=api", at_least=2)
    observer = build_observer(effect, target.cluster, target.namespace, "")
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
            PodsReplaced(kind="pods-replaced", labels="app=api", at_least=4), target.cluster, target.namespace, ""
        )


def test_several_effects_are_there_when_each_is(target: Target) -> None:
    loop = CrashLoop(kind="crash-loop", labels="app=api")
    replaced = PodsReplaced(kind="pods-replaced", labels="app=api")
    observer = build_observer(AllOf(kind="all", of=[loop, replaced]), target.cluster, target.namespace, "")
    target.cluster.delete("Pod", next(iter(target.pods().values())), target.namespace, grace_s=0)
    assert observer.look() == (False, "no container of app=api crashes")


def test_what_instances_report_cannot_be_compared_with_silence(target: Target) -> None:
    effect = Reported(kind="reported", path="/status", field="version", changed=True)
    with pytest.raises(RefusedError, match="no instance tells version of /status before any injection"):
        build_observer(effect, target.cluster, target.namespace, "http://127.0.0.1:9")
