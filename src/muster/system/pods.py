"""What a pod's status says of its containers: whether one crashes or cannot start, and why."""

from __future__ import annotations

from typing import Any, NamedTuple

# Reasons for which a container waits that do not pass by themselves.
STUCK = {
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
}


# Those of them that no waiting mends.
IMAGE_TROUBLE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName"}


class Trouble(NamedTuple):
    """A container that does not run as it should."""

    pod: str
    container: str
    reason: str  # CrashLoopBackOff, "exit code 1", ...
    restarts: int

    def __str__(self) -> str:
        return f"pod {self.pod}: container {self.container}: {self.reason}, {self.restarts} restarts"


def troubles(pod: dict[str, Any]) -> list[Trouble]:
    """The containers of a pod that crash or cannot start; a container that came back up after a crash is none.

    A container counts as crashing between its crashes, too: while it is up again but not ready.
    """
    name, status = pod["metadata"]["name"], pod.get("status", {})
    found = []
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        reason = _reason(container)
        if reason:
            found.append(Trouble(name, container["name"], reason, container.get("restartCount", 0)))
    return found


def has_crashed(pod: dict[str, Any]) -> bool:
    """Whether a container of the pod ended with a failure before, however it looks now."""
    containers = pod.get("status", {}).get("containerStatuses", [])
    return any(((c.get("lastState") or {}).get("terminated") or {}).get("exitCode", 0) for c in containers)


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether the pod says that it is ready, and is not on its way out."""
    conditions = pod.get("status", {}).get("conditions") or []
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def owners_of(item: dict[str, Any]) -> list[str]:
    """Whom an object belongs to directly, as `Kind/name`."""
    return [f"{one['kind']}/{one['name']}" for one in item["metadata"].get("ownerReferences") or []]


def controller_of(item: dict[str, Any]) -> dict[str, Any] | None:
    """The reference (kind, name, uid) to the object that manages this one, if any."""
    references = item["metadata"].get("ownerReferences") or []
    return next((reference for reference in references if reference.get("controller")), None)


def _reason(container: dict[str, Any]) -> str:
    state = container.get("state") or {}
    waiting = (state.get("waiting") or {}).get("reason", "")
    if waiting in STUCK:
        return str(waiting)
    ended = state.get("terminated") or {}
    if not ended and not container.get("ready"):
        ended = (container.get("lastState") or {}).get("terminated") or {}
    code = ended.get("exitCode", 0)
    return f"exit code {code}" if code else ""
