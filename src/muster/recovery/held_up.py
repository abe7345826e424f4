"""What keeps pods from being there, in one phrase: as conditions, containers and events of the cluster say it.

A count says that something is missing and never why. What cannot be scheduled, may not be created, has no volume or
image, crashes, or is up and fails its readiness probe, says so somewhere; this looks there, the most telling first.
"""

from __future__ import annotations

from typing import Any

from muster.base.errors import ClusterError
from muster.recovery.workloads import Workload
from muster.system.pods import is_ready, troubles

LONGEST = 240  # characters of what the cluster says that are shown
Object = dict[str, Any]


def held_up(workload: Workload) -> str:
    """What a workload lacks until it is up to date and ready, and why; empty where it lacks nothing.

    Raises:
        ClusterError: it cannot be asked.
    """
    missing = workload.unready()
    if missing is None:
        return ""
    why = _refused(workload.read()) or why_unready(workload)
    return f"{missing}; {why}" if why else missing


def why_unready(workload: Workload) -> str:
    """Why one of its pods is not ready, or not there; empty where nothing says so."""
    pods = workload.pods()
    staying = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    waiting = [pod for pod in staying if not is_ready(pod)]
    said = [(pod, why) for pod in waiting if (why := _told_by(pod))]
    if said:
        pod, why = said[0]
        more = f" (and {len(said) - 1} more pods like it)" if len(said) > 1 else ""
        return f"pod {pod['metadata']['name']} {why}{more}"
    for pod in waiting:
        event = last_warning(workload, pod)
        name = pod["metadata"]["name"]
        return f"pod {name}: {event}" if event else f"pod {name} is not ready yet"
    if leaving := [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" in pod["metadata"]]:
        return f"pod {leaving[0]} is still ending"
    return _of_makers(workload)


def last_warning(workload: Workload, about: Object) -> str:
    """The newest warning about an object among the cluster's events; empty where there is none, or it is not shown."""
    fields = f"involvedObject.uid={about['metadata']['uid']}"
    try:
        events = workload.cluster.list("Event", workload.namespace, fields=fields)
    except ClusterError:  # whoever may not read events is told less
        return ""
    warnings = [event for event in events if event.get("type") == "Warning"]
    newest = max(warnings, default=None, key=lambda e: str(e.get("lastTimestamp") or e.get("eventTime") or ""))
    return "" if newest is None else _short(f"{newest.get('reason')}: {newest.get('message')}")


def _refused(workload: Object) -> str:
    """What its controller says that it may not do, such as to create pods above a quota."""
    for condition in workload.get("status", {}).get("conditions") or []:
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return _short(f"{condition.get('reason', 'ReplicaFailure')}: {condition.get('message', '')}")
    return ""


def _told_by(pod: Object) -> str:
    """What a pod's own status says against it."""
    status = pod.get("status", {})
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return _short(f"cannot be scheduled: {condition.get('message') or condition.get('reason', '')}")
    if found := troubles(pod):
        message = _waiting_message(status, found[0].container)
        return _short(f"container {found[0].container}: {found[0].reason}{f': {message}' if message else ''}")
    return ""


def _waiting_message(status: Object, container: str) -> str:
    """What is said of a container that waits, beside the reason."""
    for one in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        if one["name"] == container:
            return str(((one.get("state") or {}).get("waiting") or {}).get("message") or "")
    return ""


def _of_makers(workload: Workload) -> str:
    """Why pods that are wanted are not even there: a warning of whoever makes them."""
    for maker in workload.makers():
        if event := last_warning(workload, maker):
            return event
    return ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
