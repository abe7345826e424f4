"""A pod in which a backup becomes a database again: one made after an instance's own, with nothing of it running.

With the instance's volumes it is where a restore happens; with empty ones it is a scratch instance, in which a backup
is verified. It has none of the labels by which Services or workloads would take it for one of theirs.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from muster.backup.errors import BackupError
from muster.base.errors import TimeoutExceededError
from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.wire.names import MANAGED_BY_LABEL, MANAGED_BY_VALUE

SCRATCH_LABEL = "muster.dev/scratch"
READY_WITHIN_S = 120.0
LASTS_S = 24 * 3600  # whatever becomes of us, it does not stay for longer
WAITS = "trap 'exit 0' TERM INT; while :; do sleep 1 & wait $!; done"


def scratch_pod(workload: dict[str, Any], container: str, name: str, *, own_volumes: bool) -> dict[str, Any]:
    """The pod, after a StatefulSet's first; `own_volumes` is whether it has that one's claims, or empty volumes.

    Raises:
        BackupError: the workload has no container of that name.
    """
    template = copy.deepcopy(workload["spec"]["template"]["spec"])
    found = [one for one in template["containers"] if one["name"] == container]
    if not found:
        raise BackupError(f"StatefulSet {workload['metadata']['name']} has no container '{container}'")
    keeps = {key: found[0][key] for key in KEPT if key in found[0]}
    volumes = [volume for volume in template.get("volumes") or [] if own_volumes or not _is_claim(volume)]
    empty = [volume["name"] for volume in template.get("volumes") or [] if not own_volumes and _is_claim(volume)]
    claims = [one["metadata"]["name"] for one in workload["spec"].get("volumeClaimTemplates") or []]
    if own_volumes:
        volumes += [{"name": one, "persistentVolumeClaim": {"claimName": claim_of(workload, one)}} for one in claims]
    else:
        volumes += [{"name": one, "emptyDir": {}} for one in (*claims, *empty)]
    spec = {
        **{key: template[key] for key in KEPT_OF_POD if key in template},
        "containers": [{**keeps, "command": ["sh", "-c", WAITS]}],
        "volumes": volumes,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 2,
        "activeDeadlineSeconds": LASTS_S,
    }
    labels = {MANAGED_BY_LABEL: MANAGED_BY_VALUE, SCRATCH_LABEL: workload["metadata"]["name"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


KEPT = (
    "name",
    "image",
    "imagePullPolicy",
    "env",
    "envFrom",
    "volumeMounts",
    "resources",
    "securityContext",
    "workingDir",
)
KEPT_OF_POD = (
    "securityContext", "imagePullSecrets", "serviceAccountName", "nodeSelector", "affinity", "tolerations",
    "priorityClassName", "runtimeClassName",
)  # fmt: skip


def claim_of(workload: dict[str, Any], template: str) -> str:
    """The claim of a StatefulSet's first pod, of one of its templates."""
    return f"{template}-{workload['metadata']['name']}-0"


def make_claims(cluster: Cluster, namespace: str, workload: dict[str, Any]) -> list[str]:
    """Make the claims of a StatefulSet's first pod that are gone, as the StatefulSet itself would; returns them."""
    made = []
    for template in workload["spec"].get("volumeClaimTemplates") or []:
        name = claim_of(workload, template["metadata"]["name"])
        if cluster.find("PersistentVolumeClaim", name, namespace) is None:
            labels = {
                **(workload["spec"]["selector"].get("matchLabels") or {}),
                **template["metadata"].get("labels", {}),
            }
            body = {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name, "labels": labels},
                "spec": template["spec"],
            }
            cluster.create(body, namespace)
            made.append(name)
    return made


@contextmanager
def running(cluster: Cluster, namespace: str, pod: dict[str, Any]) -> Iterator[str]:
    """The pod, running; gone after the block. One of the same name that an earlier run left is taken away first.

    Raises:
        BackupError: it does not start; the message has what the cluster says of it.
    """
    name = pod["metadata"]["name"]
    remove(cluster, namespace, name)
    cluster.create(pod, namespace)
    try:
        _wait_running(cluster, namespace, name)
        yield name
    finally:
        remove(cluster, namespace, name)


def remove(cluster: Cluster, namespace: str, name: str) -> None:
    """Delete a scratch pod and wait until it is gone, so that its volumes are free."""
    if cluster.delete("Pod", name, namespace, grace_s=1):
        wait_for(
            lambda: cluster.find("Pod", name, namespace) is None,
            within=READY_WITHIN_S,
            every=0.1,
            reason=f"pod {name} to be gone",
        )


def _wait_running(cluster: Cluster, namespace: str, name: str) -> None:
    def state() -> dict[str, Any]:
        return dict(cluster.get("Pod", name, namespace).get("status") or {})

    try:
        wait_for(
            lambda: state().get("phase") == "Running",
            within=READY_WITHIN_S,
            every=0.1,
            reason=f"pod {name} to run",
            latest=lambda: _held(state()),
        )
    except TimeoutExceededError as error:
        raise BackupError(str(error)) from None


def _held(status: dict[str, Any]) -> str:
    for container in status.get("containerStatuses") or []:
        if waiting := (container.get("state") or {}).get("waiting"):
            return f"{waiting.get('reason', '')} {waiting.get('message', '')}".strip()
    bad = [one for one in status.get("conditions") or [] if one.get("status") == "False" and one.get("message")]
    return str(bad[0]["message"]) if bad else str(status.get("phase", "nothing is told of it"))


def _is_claim(volume: dict[str, Any]) -> bool:
    return "persistentVolumeClaim" in volume or "ephemeral" in volume
