"""Troubles in the words of kubelet, scheduler and controllers, built by hand: what is named first, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from muster.diagnosis import diagnose
from muster.snapshot.reading import of_objects

Object = dict[str, Any]
BEGAN, NOW = "2026-11-27T19:50:00Z", "2026-11-27T19:55:00Z"


def made(kind: str, name: str, **content: Any) -> Object:
    metadata = {"name": name, "namespace": "shop", "creationTimestamp": BEGAN} | content.pop("metadata", {})
    return {"kind": kind, "apiVersion": "v1", "metadata": metadata, **content}


def owned(kind: str, name: str) -> Object:
    return {"ownerReferences": [{"kind": kind, "name": name, "controller": True}]}


def deployment(*, replicas: int = 1) -> list[Object]:
    return [
        made("Deployment", "web", spec={"replicas": replicas}, status={}),
        made("ReplicaSet", "web-1", metadata=owned("Deployment", "web"), spec={"replicas": replicas}, status={}),
        made("ConfigMap", "other", data={"at": NOW}),
        event("ConfigMap", "other", "Seen", "the latest of all"),
    ]


def pod(*, status: Object, spec: Object | None = None) -> Object:
    whole = {"nodeName": "n1", "restartPolicy": "Always", "containers": [{"name": "main"}], **(spec or {})}
    conditions = [{"type": "Ready", "status": "False", "lastTransitionTime": BEGAN}]
    kept = {"phase": "Pending", "conditions": conditions, **status}
    return made("Pod", "web-1-x", metadata=owned("ReplicaSet", "web-1"), spec=whole, status=kept)


def waiting(reason: str, message: str = "", **more: Any) -> Object:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"name": "main", "ready": False, "restartCount": 0, "state": state, **more}]}


def event(kind: str, name: str, reason: str, message: str) -> Object:
    about = {"kind": kind, "name": name, "namespace": "shop"}
    times = {"firstTimestamp": BEGAN, "lastTimestamp": NOW, "count": 9, "type": "Warning"}
    return made("Event", f"{name}.{reason}", involvedObject=about, reason=reason, message=message, **times)


def refused(message: str) -> list[Object]:
    """A Deployment whose pods cannot be made."""
    return [*deployment(replicas=3), event("ReplicaSet", "web-1", "FailedCreate", f"Error creating: {message}")]


CRASHED = {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": BEGAN, "finishedAt": NOW}}
CASES: dict[str, tuple[list[Object], tuple[str, str, str]]] = {
    "a key of a Secret is missing": (
        [*deployment(), pod(status=waiting("CreateContainerConfigError", "couldn't find key pass in Secret shop/db"))],
        ("Secret", "db", "has no key pass, Deployment web needs it"),
    ),
    "a Secret is missing": (
        [*deployment(), pod(status=waiting("CreateContainerConfigError", 'secret "db" not found'))],
        ("Secret", "db", "is missing, Deployment web needs it"),
    ),
    "an image that must not be pulled": (
        [*deployment(), pod(status=waiting("ErrImageNeverPull", "image is not present"))],
        ("Deployment", "web", "its image is not on the node, and must not be pulled (imagePullPolicy: Never)"),
    ),
    "an image name that is none": (
        [*deployment(), pod(status=waiting("InvalidImageName", "couldn't parse"))],
        ("Deployment", "web", "the name of its image is invalid"),
    ),
    "a container that prepares fails": (
        [
            *deployment(),
            pod(
                spec={"initContainers": [{"name": "setup"}]},
                status={
                    "initContainerStatuses": [
                        {"name": "setup", "restartCount": 3, "state": waiting("CrashLoopBackOff")["containerStatuses"][0]["state"], "lastState": CRASHED}
                    ]
                },
            ),
        ],
        ("Deployment", "web", "init container setup exits with 1"),
    ),
    "a command that is not there": (
        [
            *deployment(),
            pod(status=waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 128, "reason": "StartError", "message": 'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "nope": executable file not found in $PATH: unknown'}})),
        ],
        ("Deployment", "web", 'container main cannot be started: exec: "nope": executable file not found in $PATH'),
    ),
    "a quota that is used up": (
        refused('pods "web-1-x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2'),
        ("ResourceQuota", "small", "is used up (pods: 2 of 2), Deployment web cannot make its pods"),
    ),
    "an account that is missing": (
        refused('pods "web-1-" is forbidden: error looking up service account shop/runner: serviceaccount "runner" not found'),
        ("ServiceAccount", "runner", "is missing, Deployment web needs it"),
    ),
    "pods that a policy refuses": (
        refused('pods "web-1-x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'),
        ("Deployment", "web", "its pods violate PodSecurity restricted:latest: runAsNonRoot != true"),
    ),
    "more than a LimitRange allows": (
        refused('pods "web-1-x" is forbidden: maximum memory usage per Container is 128Mi, but limit is 1Gi'),
        ("Deployment", "web", "asks for more memory (1Gi) than the LimitRange of the namespace allows a container (128Mi)"),
    ),
    "a finalizer that keeps a ConfigMap": (
        [*deployment(replicas=0), made("ConfigMap", "kept", metadata={"deletionTimestamp": BEGAN, "finalizers": ["example.com/hold"]})],
        ("ConfigMap", "kept", "is being deleted, and finalizer example.com/hold keeps it"),
    ),
    "a claim that is missing": (
        [*deployment(), pod(spec={"nodeName": "", "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}, status={"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": '0/1 nodes are available: persistentvolumeclaim "data" not found.'}]})],
        ("PersistentVolumeClaim", "data", "is missing, Deployment web mounts it"),
    ),
    "a taint": (
        [*deployment(), pod(spec={"nodeName": ""}, status={"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}. preemption: 0/1 nodes are available."}]})],
        ("Deployment", "web", "it does not tolerate taint dedicated=gpu of the nodes"),
    ),
    "pods that may not share a node": (
        [*deployment(), pod(spec={"nodeName": ""}, status={"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules."}]})],
        ("Deployment", "web", "its pods may not share a node (anti-affinity), and no further node is there"),
    ),
    "a node that is lost": (
        [*deployment(), {"kind": "Node", "metadata": {"name": "n1"}, "status": {"conditions": [{"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting node status.", "lastTransitionTime": BEGAN}]}}, pod(status={"phase": "Running"})],
        ("Node", "n1", "is not ready: Kubelet stopped posting node status."),
    ),
}  # fmt: skip
WELL: dict[str, list[Object]] = {
    "a workload and its Service, scaled to 0": [
        *deployment(replicas=0),
        made("StatefulSet", "db", spec={"replicas": 0, "template": {"metadata": {"labels": {"app": "db"}}}}),
        made("Service", "db", spec={"selector": {"app": "db"}, "ports": [{"port": 5432}]}),
    ],
    "a node that is cordoned, with a condition of somebody else's": [
        *deployment(replicas=0),
        {"kind": "Node", "metadata": {"name": "n1"}, "spec": {"unschedulable": True}, "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "KernelDeadlock", "status": "True"}]}},
    ],
    "a suspended CronJob": [*deployment(replicas=0), made("CronJob", "nightly", spec={"suspend": True})],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_cause_stands_first(name: str) -> None:
    objects, expected = CASES[name]
    diagnosis = diagnose(of_objects(objects))
    assert not diagnosis.unknown
    assert diagnosis.causes, "nothing was found"
    cause = diagnosis.causes[0]
    assert (cause.ref.kind, cause.ref.name, cause.finding.reason) == expected


@pytest.mark.parametrize("name", WELL)
def test_what_is_meant_to_be_so_is_no_finding(name: str) -> None:
    diagnosis = diagnose(of_objects(WELL[name]))
    assert (diagnosis.causes, diagnosis.unknown) == ((), ())


def test_what_follows_from_a_database_without_primary_stands_below_it() -> None:
    labels = {"metadata": {"labels": {"app": "web"}}}
    objects = [
        made(
            "Deployment", "web", spec={"replicas": 1, "template": {**labels, "spec": {"containers": [{"name": "m"}]}}}
        ),
        made("Service", "web", spec={"selector": {"app": "web"}, "ports": []}),
        made("Service", "db", spec={"selector": {"app": "db"}}),
        made("StatefulSet", "a", spec={"replicas": 0, "template": {"metadata": {"labels": {"app": "db"}}}}),
    ]
    snapshot = replace(
        of_objects(objects),
        system={
            "name": "shop",
            "namespace": "shop",
            "service": {"name": "web"},
            "database": {"service": "db", "instances": ["a", "b"]},
        },
        answers={
            "service": {"asked": 3, "troubles": ["error: 503"] * 3, "url": "http://shop.example"},
            "database": {"instances": {"a": {"answers": False}, "b": {"answers": True, "primary": False}}},
        },
    )
    first, *others = diagnose(snapshot).causes
    assert str(first.ref) == "Database db"
    assert first.severity == "P1"
    assert first.remedy is not None
    assert first.remedy.name == "promote-standby"
    assert all(cause.follows_from for cause in others)
