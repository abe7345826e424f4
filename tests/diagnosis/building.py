"""Small clusters as a real one shows them, built by hand: objects, events and logs in the words of their controllers.

All stands in namespace `shop` and was made at `BEGAN`; it is looked at `NOW`, five minutes later. A kind of which
nothing is built is known to be absent, as on a cluster that answered.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from muster.checks.seen import is_ready
from muster.diagnosis import Diagnosis, diagnose
from muster.diagnosis.diagnosis import Cause
from muster.snapshot import LogTail, Snapshot
from muster.snapshot.clean import clean
from muster.snapshot.cluster import KINDS

Object = dict[str, Any]
SPACE = "shop"
BEGAN, NOW, LONG_AGO = "2026-11-27T19:50:00Z", "2026-11-27T19:55:00Z", "2026-11-20T08:00:00Z"
JUST_NOW = "2026-11-27T19:54:56Z"
LISTED = frozenset(kind.name for kind in KINDS if not kind.fields)
CLUSTER_WIDE = (
    "Node", "Namespace", "PersistentVolume", "StorageClass", "IngressClass",
    "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration",
)  # fmt: skip
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job")


def made(kind: str, name: str, **content: Any) -> Object:
    """An object; `metadata` comes on top of what every one has."""
    space = {} if kind in CLUSTER_WIDE else {"namespace": SPACE}
    metadata = {"name": name, **space, "creationTimestamp": BEGAN} | content.pop("metadata", {})
    return {"kind": kind, "apiVersion": "v1", "metadata": metadata, **content}


def owned(kind: str, name: str, **more: Any) -> Object:
    return {"ownerReferences": [{"kind": kind, "name": name, "controller": True}], **more}


def event(kind: str, name: str, reason: str, message: str, *, count: int = 9, last: str = NOW, **more: Any) -> Object:
    """An event as kubelet and controllers write it; `container` is the one that it is about."""
    about = {"kind": kind, "name": name, "namespace": SPACE}
    if container := more.pop("container", ""):
        about["fieldPath"] = f"spec.containers{{{container}}}"
    times = {"firstTimestamp": BEGAN, "lastTimestamp": last, "count": count, "type": "Warning", **more}
    return made(
        "Event",
        f"{name}.{reason}.{zlib.crc32(message.encode()):x}",
        involvedObject=about,
        reason=reason,
        message=message,
        **times,
    )


def template(name: str, spec: Object | None = None) -> Object:
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main"}], **(spec or {})}}


def deployment(
    name: str = "web", *, replicas: int = 1, spec: Object | None = None, status: Object | None = None, **more: Any
) -> list[Object]:
    """A Deployment and its ReplicaSet `NAME-1`."""
    wanted = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "template": template(name, more.pop("pod", None)),
    }
    annotations = {"annotations": {"deployment.kubernetes.io/revision": "1"}}
    return [
        made("Deployment", name, spec={**wanted, **(spec or {})}, status=status or {}, **more),
        made(
            "ReplicaSet",
            f"{name}-1",
            metadata=owned("Deployment", name, labels={"app": name, "pod-template-hash": "1"}, **annotations),
            spec=wanted,
            status={"replicas": replicas},
        ),
    ]


def pod(
    status: Object,
    spec: Object | None = None,
    *,
    name: str = "web-1-x",
    owner: tuple[str, str] = ("ReplicaSet", "web-1"),
    **metadata: Any,
) -> Object:
    """A pod that is not ready; its labels are those of the template of `deployment()`."""
    whole = {"nodeName": "n1", "restartPolicy": "Always", "containers": [{"name": "main"}], **(spec or {})}
    conditions = [{"type": "Ready", "status": "False", "lastTransitionTime": BEGAN}]
    kept = {"phase": "Pending", "startTime": BEGAN, "conditions": conditions, **status}
    tags = {
        "app": name.partition("-")[0],
        **({"pod-template-hash": owner[1].rpartition("-")[2]} if owner[0] == "ReplicaSet" else {}),
    }
    return made(
        "Pod",
        name,
        metadata={**(owned(*owner) if owner[0] else {}), "labels": tags, **metadata},
        spec=whole,
        status=kept,
    )


def ready(
    name: str = "web-1-r", spec: Object | None = None, *, restarts: int = 0, ended: Object | None = None, **more: Any
) -> Object:
    """A pod that serves; `ended` is how its container ended last."""
    running = {
        "name": "main",
        "ready": True,
        "started": True,
        "restartCount": restarts,
        "state": {"running": {"startedAt": BEGAN}},
    }
    last = {"lastState": {"terminated": ended}} if ended else {}
    conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": BEGAN}]
    return pod(
        {"phase": "Running", "conditions": conditions, "containerStatuses": [{**running, **last}]},
        spec,
        name=name,
        **more,
    )


def waiting(reason: str, message: str = "", *, name: str = "main", **more: Any) -> Object:
    """The status of a pod whose container waits for that reason."""
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"name": name, "ready": False, "restartCount": 0, "state": state, **more}]}


def crashed(code: int = 1, *, restarts: int = 4, name: str = "main", reason: str = "Error", **more: Any) -> Object:
    """The status of a pod whose container ends with that code again and again."""
    ended = {"exitCode": code, "reason": reason, "startedAt": BEGAN, "finishedAt": NOW, **more}
    return {
        "phase": "Running",
        **waiting(
            "CrashLoopBackOff",
            "back-off 1m20s restarting failed container",
            name=name,
            restartCount=restarts,
            lastState={"terminated": ended},
        ),
    }


def unready(name: str = "main", *, since: str = BEGAN, **more: Any) -> Object:
    """The status of a pod whose container runs and is not ready."""
    running = {
        "name": name,
        "ready": False,
        "started": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": since}},
    }
    return {"phase": "Running", "containerStatuses": [{**running, **more}]}


def unscheduled(message: str) -> Object:
    """The status of a pod that the scheduler has found no node for."""
    said = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": message,
        "lastTransitionTime": BEGAN,
    }
    return {"conditions": [said]}


def node(name: str = "n1", *, ready: str = "True", conditions: Iterable[Object] = (), **more: Any) -> Object:
    has = {"cpu": "2", "memory": "4Gi", "pods": "60"}
    states = [
        {"type": "Ready", "status": ready, "message": more.pop("said", ""), "lastTransitionTime": BEGAN},
        *conditions,
    ]
    tags = {"labels": {"kubernetes.io/hostname": name, **more.pop("labels", {})}}
    return made(
        "Node", name, metadata=tags, spec=more.pop("spec", {}), status={"allocatable": has, "conditions": states}
    )


def service(name: str = "web", *, port: int = 80, target: Any = None, **spec: Any) -> Object:
    ports = [{"port": port, "protocol": "TCP", **({"targetPort": target} if target is not None else {})}]
    return made("Service", name, spec={"selector": {"app": name}, "ports": ports, "type": "ClusterIP", **spec})


def claim(name: str = "data", *, phase: str = "Pending", **spec: Any) -> Object:
    return made("PersistentVolumeClaim", name, spec=spec, status={"phase": phase})


def mounting(name: str = "data") -> Object:
    """The spec of a pod that mounts a claim."""
    return {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": name}}]}


def tail(pod: str, *lines: str, container: str = "main", previous: bool = False) -> LogTail:
    return LogTail(SPACE, pod, container, previous, lines)


def snapshot(
    objects: Iterable[Object],
    logs: Iterable[LogTail] = (),
    *,
    system: Mapping[str, Any] | None = None,
    answers: Mapping[str, Any] | None = None,
    listed: frozenset[str] = LISTED,
    namespace: str = SPACE,
) -> Snapshot:
    """What a cluster with these objects would be gathered as; it has a node n1, unless another is among them."""
    there = list(objects)
    if not any(item["kind"] == "Node" for item in there):
        there.append(node())
    kept = tuple(clean(item) for item in (*there, *_slices(there)))
    return Snapshot(
        NOW,
        namespace,
        listed=listed,
        objects=kept,
        logs=tuple(logs),
        system=dict(system or {}),
        answers=dict(answers or {}),
    )


def _slices(there: list[Object]) -> Iterator[Object]:
    """What the endpoints' controller writes of Services that have none by hand."""
    for item in there:
        labels = (item.get("spec") or {}).get("selector") if item["kind"] == "Service" else None
        space, name = item["metadata"].get("namespace"), item["metadata"]["name"]
        if not labels:
            continue
        found = [
            {"addresses": ["10.2.0.3"], "conditions": {"ready": True}, "targetRef": {"kind": "Pod", "name": one["metadata"]["name"]}}
            for one in there
            if one["kind"] == "Pod" and one["metadata"].get("namespace") == space and is_ready(one)
            and labels.items() <= one["metadata"]["labels"].items()
        ]  # fmt: skip
        tag = {"kubernetes.io/service-name": name}
        yield made("EndpointSlice", f"{name}-slice", metadata={"labels": tag, "namespace": space}, endpoints=found)


def looked_at(objects: Iterable[Object], logs: Iterable[LogTail] = (), **more: Any) -> Diagnosis:
    return diagnose(snapshot(objects, logs, **more))


def told(cause: Cause) -> tuple[str, str, str]:
    """What is wrong with what: kind, name, reason."""
    return cause.ref.kind, cause.ref.name, cause.finding.reason


def first(diagnosis: Diagnosis) -> tuple[str, str, str] | None:
    return told(diagnosis.causes[0]) if diagnosis.causes else None


def followers(diagnosis: Diagnosis) -> list[str]:
    """What follows from the first finding, directly or not, as `Kind name reason`."""
    below, found = {0}, list[str]()
    for number, one in enumerate(diagnosis.causes):
        if below & set(one.follows_from):
            below.add(number)
            found.append(" ".join(told(one)))
    return found
