"""What any object of the cluster shows is an effect where it is, and none where it was there before."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from muster.base.errors import RefusedError
from muster.base.waiting import wait_for
from muster.faults.effects import Effect, Observer, build_observer
from muster.kube import Cluster
from muster.wire.canary import beside

from .conftest import Target

EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)


def observer(target: Target, **effect: Any) -> Observer:
    return build_observer(EFFECT.validate_python(effect), target.cluster, target.namespace, "http://127.0.0.1:9")


def serve(target: Target) -> None:
    port = {"port": 80, "targetPort": 80}
    spec = {"selector": {"app": "api"}, "ports": [port]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api"}, "spec": spec}
    target.cluster.create(service, target.namespace)
    look = "kubernetes.io/service-name=api"
    wait_for(
        lambda: any(s.get("endpoints") for s in target.cluster.list("EndpointSlice", target.namespace, labels=look)),
        within=60,
        reason="endpoints",
    )


def test_what_goes_with_a_dependency_is_seen(target: Target) -> None:
    serve(target)
    api = {"object": "Deployment/api"}
    effects = {
        "ready-below": {**api, "replicas": 3},
        "no-endpoints": {"service": "api"},
        "condition": {**api, "type": "Available"},
        "field": {**api, "path": "status.readyReplicas", "changed": True},
    }
    observers = {kind: observer(target, kind=kind, **said) for kind, said in effects.items()}
    by_group = observer(target, kind="field", object="apps/v1/deployments/api", path="spec.replicas", below=3)
    gone = observer(target, kind="object-gone", object="Service/api")
    for kind, one in [*observers.items(), ("by group", by_group), ("object-gone", gone)]:
        assert not one.look().observed, kind

    # One that never gets ready, so that the Deployment's condition falls as well.
    bad = {"spec": {"template": {"spec": {"containers": [{"name": "api", "command": ["false"]}]}}}}
    strategic = "application/strategic-merge-patch+json"
    target.cluster.patch("Deployment", "api", target.namespace, bad, content_type=strategic)
    target.cluster.patch("Deployment", "api", target.namespace, {"spec": {"replicas": 2}})
    for name in target.pods().values():
        target.cluster.delete("Pod", name, target.namespace, grace_s=0)
    for kind, one in [*observers.items(), ("by group", by_group)]:
        wait_for(
            lambda one=one: one.look().observed, within=60, reason=kind, latest=lambda one=one: one.look().evidence
        )
    assert not gone.look().observed
    target.cluster.delete("Service", "api", target.namespace)
    assert gone.look() == (True, "Service/api is gone")


def test_what_a_release_makes_beside_an_object_is_seen_whatever_it_is_called(target: Target) -> None:
    long = "a" * 60
    there = observer(target, kind="object-there", object=f"ConfigMap/{long}", canary=True)
    assert not there.look().observed
    for name in (long, beside(long)):
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        target.cluster.create(config, target.namespace)
    assert there.look() == (True, f"ConfigMap/{beside(long)} is there")


def test_what_is_there_before_is_no_effect(target: Target) -> None:
    api = {"object": "Deployment/api"}
    already = [
        {"kind": "ready-below", **api, "replicas": 4},
        {"kind": "condition", **api, "type": "Available", "status": "True"},
        {"kind": "field", **api, "path": "spec.replicas", "equals": 3},
        {"kind": "field", **api, "path": "spec.replicas", "differs_from": 4},
        {"kind": "object-there", **api},
    ]
    for effect in already:
        with pytest.raises(RefusedError, match="before anything was injected"):
            observer(target, **effect)


@pytest.mark.parametrize(
    "effect",
    [
        {"kind": "object-gone", "object": "Deployment/none"},
        {"kind": "ready-below", "object": "Deployment/none", "replicas": 1},
        {"kind": "no-endpoints", "service": "none"},
        {"kind": "condition", "object": "Deployment/none", "type": "Available"},
        {"kind": "field", "object": "Deployment/none", "path": "spec", "changed": True},
    ],
    ids=lambda effect: effect["kind"],
)
def test_of_what_there_is_not_nothing_is_seen(cluster: Cluster, namespace: str, effect: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match=r"/none does not exist in namespace .* before anything was injected"):
        build_observer(EFFECT.validate_python(effect), cluster, namespace, "")


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        (
            {"kind": "object-gone", "object": "Widget/one"},
            "'Widget/one' names no object; right would be Deployment",
        ),
        ({"kind": "object-gone", "object": "Deployment"}, "names no object"),
        ({"kind": "object-gone", "object": "Deployment/"}, "names no object"),
        (
            {"kind": "field", "object": "Deployment/api", "path": "spec.", "changed": True},
            "cannot be read at character",
        ),
        ({"kind": "field", "object": "Deployment/api", "path": "spec"}, "right would be one of equals, "),
        (
            {"kind": "field", "object": "Deployment/api", "path": "spec", "above": 1, "equals": False},
            "right would be one of equals, ",
        ),
        ({"kind": "condition", "object": "Deployment/api", "type": "Available", "status": "false"}, "'False'"),
    ],
)
def test_an_effect_that_cannot_be_meant_so_is_refused(effect: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        EFFECT.validate_python(effect)
