"""Whose logs are worth reading: those of pods in trouble first, then one or two of each workload."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from muster.kube import ApiError, Cluster
from muster.snapshot.clean import clean_line
from muster.snapshot.model import LogTail, Object

MOST = 60  # logs of one snapshot
A_WORKLOAD = 3  # pods in trouble of one workload: the others say the same
WELL = 2  # pods of one workload that look well
TAIL = 60


class WantedLog:
    """The log of a container, to be read."""

    def __init__(self, cluster: Cluster, pod: Object, container: str, *, previous: bool) -> None:
        self._cluster = cluster
        self._space, self._pod = str(pod["metadata"]["namespace"]), str(pod["metadata"]["name"])
        self._container, self._previous = container, previous

    def __str__(self) -> str:
        return f"{self._space}/{self._pod}/{self._container}{'/previous' if self._previous else ''}"

    def get(self) -> LogTail | None:
        """The log; None where there is none (yet).

        Raises:
            ClusterError: the cluster does not answer, or refuses.
        """
        try:
            text = self._cluster.logs(
                self._pod, self._space, container=self._container, previous=self._previous, tail=TAIL
            )
        except ApiError as error:
            if error.code in (400, 404):
                return None
            raise
        lines = tuple(clean_line(line) for line in text.splitlines()[-TAIL:])
        return LogTail(self._space, self._pod, self._container, self._previous, lines)


def wanted_logs(cluster: Cluster, pods: Sequence[Object]) -> list[WantedLog]:
    """Which logs to read of these pods, the most telling first, bounded."""
    said = Counter[str]()
    wanted = list[WantedLog]()
    for ill in (True, False):
        for pod in sorted(pods, key=lambda one: str(one["metadata"]["name"])):
            if _is_ill(pod) is not ill or not _has_run(pod):
                continue
            key = f"{ill} {_maker(pod)}"
            said[key] += 1
            if said[key] <= (A_WORKLOAD if ill else WELL):
                wanted += _of(cluster, pod, ill=ill)
    return wanted[:MOST]


def _of(cluster: Cluster, pod: Object, *, ill: bool) -> Iterator[WantedLog]:
    status = pod.get("status") or {}
    for one in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        if (
            ill
            and one in (status.get("initContainerStatuses") or [])
            and (one.get("state") or {}).get("terminated", {}).get("exitCode") == 0
        ):
            continue
        if not ill and one in (status.get("initContainerStatuses") or []):
            continue
        if one.get("containerID"):
            yield WantedLog(cluster, pod, one["name"], previous=False)
        if ill and one.get("restartCount"):
            yield WantedLog(cluster, pod, one["name"], previous=True)


def _has_run(pod: Object) -> bool:
    status = pod.get("status") or {}
    return any(
        one.get("containerID")
        for key in ("initContainerStatuses", "containerStatuses")
        for one in status.get(key) or []
    )


def _is_ill(pod: Object) -> bool:
    """Whether a pod fails, or is not ready, or has restarted."""
    status = pod.get("status") or {}
    if status.get("phase") == "Succeeded":
        return False
    if status.get("phase") == "Failed":
        return True
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in status.get("conditions") or [])
    return not ready or any(one.get("restartCount") for one in status.get("containerStatuses") or [])


def _maker(pod: Object) -> str:
    owner: Object = next(iter(pod["metadata"].get("ownerReferences") or []), {})
    return f"{pod['metadata']['namespace']} {owner.get('kind')} {owner.get('name', pod['metadata']['name'])}"
