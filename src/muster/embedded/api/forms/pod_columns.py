"""The cells of a pod's row: the one word that sums up its state, and how often it restarted."""

from __future__ import annotations

from typing import Any

from muster.embedded.api.forms.ages import age
from muster.embedded.objects import Object, is_condition_true


def _statuses(pod: Object, kind: str = "containerStatuses") -> list[Object]:
    return (pod.get("status") or {}).get(kind) or []


def _restartable(pod: Object) -> set[str]:
    """Names of init containers that run beside the others (sidecars)."""
    return {c["name"] for c in pod["spec"].get("initContainers") or () if c.get("restartPolicy") == "Always"}


def _counted(pod: Object) -> list[Object]:
    sidecars = [s for s in _statuses(pod, "initContainerStatuses") if s.get("name") in _restartable(pod)]
    return [*sidecars, *_statuses(pod)]


def pod_ready(pod: Object) -> str:
    """Ready containers of all: `1/2`."""
    ready = sum(1 for s in _counted(pod) if s.get("ready"))
    return f"{ready}/{len(pod['spec'].get('containers') or ()) + len(_restartable(pod))}"


def pod_restarts(pod: Object) -> str:
    """Restarts of all containers, and when the last one was: `2 (10s ago)`."""
    statuses = _counted(pod) or _statuses(pod, "initContainerStatuses")
    count = sum(s.get("restartCount", 0) for s in statuses)
    ends = [((s.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for s in statuses]
    last = max((end for end in ends if end), default=None)
    return f"{count} ({age(last)} ago)" if count and last else str(count)


def pod_status(pod: Object) -> str:
    """What the STATUS column says."""
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    init = _init_reason(pod)
    if init:
        return init
    reason = status.get("reason") or status.get("phase") or "Unknown"
    running = False
    for container in reversed(_statuses(pod)):
        found = _container_reason(container.get("state") or {})
        if found:
            reason = found
        elif container.get("ready") and "running" in (container.get("state") or {}):
            running = True
    if reason == "Completed" and running:
        return "Running" if is_condition_true(pod, "Ready") else "NotReady"
    return str(reason)


def _init_reason(pod: Object) -> str:
    """Why the pod's init containers are not through yet; empty when they are."""
    sidecars = _restartable(pod)
    total = len(pod["spec"].get("initContainers") or ())
    for i, container in enumerate(_statuses(pod, "initContainerStatuses")):
        state = container.get("state") or {}
        if (state.get("terminated") or {}).get("exitCode") == 0:
            continue
        if container.get("name") in sidecars and container.get("started"):
            continue
        reason = _container_reason(state)
        if reason and reason != "PodInitializing":
            return f"Init:{reason}"
        return f"Init:{i}/{total}"
    return ""


def _container_reason(state: dict[str, Any]) -> str:
    waiting, terminated = state.get("waiting"), state.get("terminated")
    if waiting and waiting.get("reason"):
        return str(waiting["reason"])
    if not terminated:
        return ""
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"
