"""Faults on whole workloads of any system: they are stopped, their pods are killed, their volumes deleted.

A workload is named as `Kind/name`, several are separated by commas.
"""

from __future__ import annotations

import re
from typing import Any

from muster.base.clock import now
from muster.base.errors import RefusedError
from muster.base.waiting import wait_for
from muster.faults import session
from muster.faults.activity import entry_of, or_exit
from muster.faults.ending import ENDING
from muster.kube import ApiError, Cluster
from muster.safety.records import apply_entry
from muster.system.names import parsed, selector_text
from muster.system.pods import is_ready
from muster.system.state import shortfall


@or_exit
def stop_workloads(workloads: str) -> str:
    """Scale workloads to 0, the last one first. All are recorded before the first is scaled, and undone in the order in
    which they are named.

    Raises:
        SystemExit: one is to have no pods already; it could not be recorded or scaled.
    """
    here = session.current()
    entries = [entry_of(kind, name, "spec.replicas", 0) for kind, name in reversed(parsed(workloads))]
    for entry in entries:
        here.remember(entry)
    here.strike(f"scale {workloads} to 0")
    for entry in entries:
        if not apply_entry(here.cluster, here.namespace, entry):
            raise RefusedError(f"{entry} was changed by another at the same moment")
    return f"{workloads}: scaled to 0"


@or_exit
def rolled_out(workloads: str, within_s: float = 30.0) -> str:
    """Wait until every pod of workloads is up to date and ready, and no other of them is left.

    Raises:
        SystemExit: they are not within `within_s` seconds, or one is not there.
    """
    here = session.current()

    def missing() -> str:
        ENDING.check()
        found = (shortfall(here.cluster.get(kind, name, here.namespace)) for kind, name in parsed(workloads))
        return "; ".join(filter(None, found))

    wait_for(lambda: not missing(), within=within_s, reason=f"{workloads} to be rolled out", latest=missing)
    return f"{workloads}: every pod is up to date and ready"


@or_exit
def renew_pods(workloads: str, within_s: float = 120.0) -> str:
    """Have every pod of workloads made anew, one after the other, each in good order. Unlike a rolling restart it
    leaves no trace in the workload.

    Raises:
        SystemExit: not all are ready again within `within_s` seconds, or a workload is not there.
    """
    here = session.current()
    names = [name for kind, workload in parsed(workloads) for name in _pods(kind, workload, serving=False)]
    here.strike(f"make {len(names)} pods of {workloads} anew, one after the other")
    began = now()
    for name in names:
        here.cluster.delete("Pod", name, here.namespace)
        _wait_renewed(workloads, name, within_s - (now() - began))
    return f"{workloads}: {len(names)} pods made anew"


def _wait_renewed(workloads: str, pod: str, within_s: float) -> None:
    here = session.current()

    def missing() -> str:
        ENDING.check()
        if here.cluster.find("Pod", pod, here.namespace) is not None:
            return f"pod {pod} is there still"
        found = (shortfall(here.cluster.get(kind, name, here.namespace)) for kind, name in parsed(workloads))
        return "; ".join(filter(None, found))

    wait_for(lambda: not missing(), within=max(within_s, 0.0), reason=f"another in the place of {pod}", latest=missing)


@or_exit
def kill_pods(workloads: str, serving: bool = False) -> str:
    """Delete the pods of workloads without grace, or of these only those that are ready now (`serving`).

    A pod that is gone by itself is no failure, nor that there is none.

    Raises:
        SystemExit: a workload is not there, or a pod could not be deleted.
    """
    here = session.current()
    names = [name for kind, workload in parsed(workloads) for name in _pods(kind, workload, serving=serving)]
    here.strike(f"kill {len(names)} pods of {workloads}")
    for name in names:
        try:
            here.cluster.delete("Pod", name, here.namespace, grace_s=0)
        except ApiError as error:
            if error.code != 404:
                raise
    return f"killed {', '.join(names) or 'nothing'}"


@or_exit
def delete_volumes(workloads: str) -> str:
    """Delete the volumes that StatefulSets made for their pods, with all that they hold. Nothing undoes that: it comes
    back only from a backup.

    Raises:
        SystemExit: a workload is not there, or a volume could not be deleted.
    """
    here = session.current()
    names = [
        claim
        for kind, name in parsed(workloads)
        for claim in claims_of(here.cluster.get(kind, name, here.namespace), here.cluster, here.namespace)
    ]
    here.strike(f"delete {len(names)} volumes of {workloads}", *(f"PersistentVolumeClaim/{name}" for name in names))
    for name in names:
        here.cluster.delete("PersistentVolumeClaim", name, here.namespace)
    gone = [name for name in names if here.cluster.find("PersistentVolumeClaim", name, here.namespace) is None]
    return f"deleted {', '.join(names) or 'nothing'}, of which {len(gone)} are gone already"


def claims_of(workload: dict[str, Any], cluster: Cluster, namespace: str) -> list[str]:
    """The claims that a StatefulSet made for its pods, those of pods that are not there any more as well."""
    own = [
        re.compile(re.escape(f"{template['metadata']['name']}-{workload['metadata']['name']}-") + r"\d+")
        for template in workload["spec"].get("volumeClaimTemplates") or []
    ]
    names = [claim["metadata"]["name"] for claim in cluster.list("PersistentVolumeClaim", namespace)]
    return sorted(name for name in names if any(pattern.fullmatch(name) for pattern in own))


def _pods(kind: str, name: str, *, serving: bool) -> list[str]:
    here = session.current()
    labels = selector_text(here.cluster.get(kind, name, here.namespace)["spec"]["selector"])
    pods = here.cluster.list("Pod", here.namespace, labels=labels)
    return [pod["metadata"]["name"] for pod in pods if not serving or is_ready(pod)]
