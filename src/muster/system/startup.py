"""A system that was just deployed: whether it can still start, and what its pods last said where it does not."""

from __future__ import annotations

from typing import Any

from muster.base.clock import SYSTEM_CLOCK, Clock
from muster.kube import ApiError, Cluster
from muster.system.pods import IMAGE_TROUBLE, STUCK, is_ready

PATIENCE_S = 5.0  # for what a ConfigMap that comes later, or a node, may mend
CRASHES = 3  # restarts after which nobody waits for the next one
CRASHES_ALONE = 2  # likewise, where all other pods are ready, so that nothing is left to wait for
LOG_LINES = 10

Pod = dict[str, Any]


class Startup:
    """Looks at the pods of a namespace again and again while they start."""

    def __init__(self, cluster: Cluster, namespace: str, clock: Clock = SYSTEM_CLOCK) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._clock = clock
        self._seen: dict[tuple[str, str], float] = {}  # (pod, trouble): since when

    def hopeless(self) -> list[str]:
        """What keeps pods from starting and will not pass, a phrase each."""
        pods = self._cluster.list("Pod", self._namespace)
        waiting = [pod for pod in pods if not _is_through(pod)]
        most = CRASHES_ALONE if len(waiting) == 1 else CRASHES
        return sorted({text for pod in waiting for text in self._hopeless(pod, most)})

    def last_words(self) -> list[str]:
        """Lines for people: each container that does not serve, why, and the end of its log."""
        lines = []
        for pod in self._cluster.list("Pod", self._namespace):
            if not _is_through(pod):
                lines += [text for text, _ in _unscheduled(pod)]
                for container in _containers(pod):
                    if not container.get("ready"):
                        lines += [_told(pod, container), *self._log(pod["metadata"]["name"], container["name"])]
        return lines

    def _hopeless(self, pod: Pod, most: int) -> list[str]:
        found = []
        for text, reason in [*_unscheduled(pod), *_stuck(pod, most)]:
            since = self._seen.setdefault((pod["metadata"]["name"], reason), self._clock.now())
            if reason in IMAGE_TROUBLE or reason == "CrashLoopBackOff" or self._clock.now() - since >= PATIENCE_S:
                found.append(text)
        return found

    def _log(self, pod: str, container: str) -> list[str]:
        try:
            text = self._cluster.logs(pod, self._namespace, container=container, tail=LOG_LINES)
        except ApiError:  # it has never run
            return []
        return [f"    | {line}" for line in text.splitlines()]


def _is_through(pod: Pod) -> bool:
    """Whether nobody waits for the pod: it is ready, has done its work, or is on its way out."""
    done = bool(pod.get("status", {}).get("phase") == "Succeeded")
    return done or is_ready(pod) or "deletionTimestamp" in pod["metadata"]


def _containers(pod: Pod) -> list[dict[str, Any]]:
    status = pod.get("status", {})
    inits = [c for c in status.get("initContainerStatuses", []) if not _has_succeeded(c)]
    return [*inits, *status.get("containerStatuses", [])]


def _has_succeeded(container: dict[str, Any]) -> bool:
    return bool(container.get("state", {}).get("terminated", {}).get("exitCode") == 0)


def _unscheduled(pod: Pod) -> list[tuple[str, str]]:
    """(what is wrong, the reason) where no node takes the pod."""
    conditions = pod.get("status", {}).get("conditions") or []
    return [
        (f"pod {pod['metadata']['name']}: {c.get('reason', 'not scheduled')}: {c.get('message', '')}", "Unschedulable")
        for c in conditions
        if c["type"] == "PodScheduled" and c["status"] == "False"
    ]


def _stuck(pod: Pod, most: int) -> list[tuple[str, str]]:
    """(what is wrong, the reason) for each container that waits for what will not come, or has crashed `most` times."""
    found = []
    for container in _containers(pod):
        reason = container.get("state", {}).get("waiting", {}).get("reason", "")
        if reason in STUCK and (reason != "CrashLoopBackOff" or container.get("restartCount", 0) >= most):
            found.append((_told(pod, container), reason))
    return found


def _told(pod: Pod, container: dict[str, Any]) -> str:
    """A container's state in a line."""
    state = container.get("state", {})
    waiting, ended = state.get("waiting"), state.get("terminated") or container.get("lastState", {}).get("terminated")
    parts = [f"{waiting.get('reason', 'waiting')} {waiting.get('message', '')}".strip()] if waiting else []
    if ended:
        message = f" ({ended['message'].strip()})" if ended.get("message") else ""
        parts.append(f"ended with exit code {ended.get('exitCode')}{message}")
    if restarts := container.get("restartCount", 0):
        parts.append(f"{restarts} restarts")
    return f"pod {pod['metadata']['name']}: container {container['name']}: {', '.join(parts) or 'runs, is not ready'}"
