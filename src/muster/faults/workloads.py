"""Faults on whole workloads of any system: they are stopped, or their pods are killed.

A workload is named as `Kind/name`, several are separated by commas.
"""

from __future__ import annotations

from muster.base.errors import RefusedError
from muster.faults import session
from muster.faults.activity import entry_of, or_exit
from muster.kube import ApiError
from muster.safety.records import apply_entry
from muster.system.names import parsed, selector_text
from muster.system.pods import is_ready


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


def _pods(kind: str, name: str, *, serving: bool) -> list[str]:
    here = session.current()
    labels = selector_text(here.cluster.get(kind, name, here.namespace)["spec"]["selector"])
    pods = here.cluster.list("Pod", here.namespace, labels=labels)
    return [pod["metadata"]["name"] for pod in pods if not serving or is_ready(pod)]
